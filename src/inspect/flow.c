/* SPDX-License-Identifier: GPL-2.0-or-later
 * Segments and datagrams of one client -> facts.
 */
#include "inspect/flow.h"

#include <stdlib.h>
#include <string.h>

struct flow_room *flow_room_new(unsigned small, unsigned large)
{
	struct flow_room *room = calloc(1, sizeof(*room));

	if (!room)
		return NULL;
	room->pool = stream_pool_new(small, large);
	if (!room->pool) {
		free(room);
		return NULL;
	}
	return room;
}

void flow_room_free(struct flow_room *room)
{
	if (room)
		stream_pool_free(room->pool);
	free(room);
}

static void fail(struct flow_state *f, enum flow_trouble trouble, const char *flaw)
{
	if (f->trouble != FLOW_FINE)
		return;
	f->trouble = trouble;
	f->facts.flaw = flaw;
	f->facts.name_state = NAME_UNREADABLE;
}

static bool settle(struct flow_state *f, enum stream_result put)
{
	switch (put) {
	case STREAM_FINE:
		return true;
	case STREAM_CONFLICT:
		fail(f, FLOW_BROKEN, "the same bytes were sent twice with different values");
		break;
	case STREAM_FULL:
		fail(f, FLOW_FULL, "more bytes than are held");
		break;
	}
	return false;
}

static void probe_again(struct flow_state *f, struct flow_room *room, bool ended)
{
	if (probe_stream(&f->facts, f->bytes.block, f->bytes.ready, ended, &room->probe) ==
	    PROBE_BAD)
		f->trouble = FLOW_BROKEN;
}

void flow_syn(struct flow_state *f, uint32_t seq)
{
	if (f->started)
		return;
	f->started = true;
	f->base = seq + 1;
}

/* What a clock of milliseconds cannot do between a SYN and its copy (two hours): where time stamps
 * are compared they wrap, and could be led around by a few of them. */
#define STAMPS_APART (1u << 23)

static bool is_apart(const struct manner *m, const struct manner *other)
{
	return m->stamped && other->stamped &&
	       other->stamp - m->first + STAMPS_APART > 2 * STAMPS_APART;
}

void manner_add(struct manner *m, const struct manner *other)
{
	m->torn |= other->torn || m->sealed != other->sealed || is_apart(m, other);
	if (!m->stamped)
		m->first = other->first;
	if (other->ttl > m->ttl)
		m->ttl = other->ttl;
	if (other->stamped && (!m->stamped || (int32_t)(other->stamp - m->stamp) > 0))
		m->stamp = other->stamp;
	m->stamped |= other->stamped;
	m->sealed |= other->sealed;
	m->multipath |= other->multipath;
}

void flow_manner(struct flow_state *f, const struct manner *m)
{
	if (f->mannered)
		manner_add(&f->manner, m);
	else
		f->manner = *m;
	f->mannered = true;
}

/* One with an option that it does not know, or does not want, it drops (RFC 8200 4.2). */
static void trust_header(struct flow_state *f, const struct packet *k)
{
	if (k->n && k->optioned)
		fail(f, FLOW_BROKEN, "there are IP options or extension headers");
}

/* Nothing came before it to compare it with, but systems begin with 64 or more (RFC 1700), and are
 * not so far away that less than this is left: what has less is meant to end on the way. */
#define HOPS_LEFT 32

void flow_trust_datagram(struct flow_state *f, const struct packet *k)
{
	trust_header(f, k);
	if (k->n && k->manner.ttl < HOPS_LEFT)
		fail(f, FLOW_BROKEN, "a datagram does not come far");
}

/* A SYN that is none, a RST that is not at the right place, and what acknowledges nothing are not
 * taken (RFC 9293 3.10.7.4, RFC 5961). */
static bool has_strange_flags(const struct packet *k)
{
	unsigned of_meaning = k->flags & (PACKET_SYN | PACKET_RST | PACKET_ACK);

	return k->n && of_meaning != PACKET_ACK && of_meaning != PACKET_SYN;
}

void flow_trust(struct flow_state *f, const struct packet *k)
{
	const struct manner *syn = &f->manner, *m = &k->manner;
	uint32_t expected = f->base + f->bytes.ready;

	/* It may be taken out of the stream, or not (RFC 9293 3.8.5, RFC 6093). */
	if (k->flags & PACKET_URG)
		fail(f, FLOW_BROKEN, "there is urgent data");
	if (has_strange_flags(k))
		fail(f, FLOW_BROKEN, "a segment has flags that none with data has");
	trust_header(f, k);
	/* the first of its bytes may come last, or by another connection */
	if (k->flags & PACKET_SYN ? m->multipath : syn->multipath)
		fail(f, FLOW_BROKEN, "it is a part of an MPTCP connection");
	if (f->guessed || !f->started || (k->flags & PACKET_SYN))
		return;
	if (syn->torn)
		fail(f, FLOW_BROKEN, "which SYN the server took is not known");
	if (m->ttl < syn->ttl)
		fail(f, FLOW_BROKEN, "a segment does not come as far as the SYN did");
	if (m->sealed != syn->sealed)
		fail(f, FLOW_BROKEN, "a segment is signed and the SYN is not, or the other way");
	if (!m->stamped || !syn->stamped)
		return;
	/* RFC 7323 5.3; one that was late and brings nothing new matters to nobody */
	if ((int32_t)(m->stamp - syn->stamp) >= 0) {
		if ((int32_t)(k->seq - expected) <= 0)
			f->manner.stamp = m->stamp;
	} else if ((int32_t)(k->seq + (uint32_t)k->n + !!(k->flags & PACKET_FIN) - expected) > 0) {
		fail(f, FLOW_BROKEN, "the time stamp of a segment is too old");
	}
}

void flow_opening(struct flow_state *f, struct flow_room *room, const uint8_t *p, size_t n)
{
	if (f->trouble == FLOW_FINE && !f->bytes.ready && !f->bytes.ahead)
		settle(f, stream_put(&f->opening, room->pool, 0, p, n));
}

/* What the SYN carried, now that n bytes come at that offset. */
static void judge_opening(struct flow_state *f, struct flow_room *room, uint32_t offset,
			  const uint8_t *p, size_t n)
{
	struct stream *o = &f->opening;
	uint32_t both = offset < o->ready ? o->ready - offset : 0;

	both = both < n ? both : (uint32_t)n;
	if (offset >= o->ready) {
		settle(f, stream_put(&f->bytes, room->pool, 0, o->block, o->ready));
		stream_drop(o, room->pool);
	} else if (both && memcmp(o->block + offset, p, both)) {
		settle(f, STREAM_CONFLICT);
	}
}

void flow_segment(struct flow_state *f, struct flow_room *room, uint32_t seq, const uint8_t *p,
		  size_t n)
{
	uint32_t before;

	if (f->trouble != FLOW_FINE)
		return;
	if (!f->started) {
		flow_syn(f, seq - 1);
		f->guessed = true;
	}
	/* Sequence numbers wrap: what lies less than 2^31 before the base is old (RFC 9293 3.4).
	 * A keep-alive sends one byte from there. */
	before = f->base - seq;
	if (before && before < 0x80000000u) {
		if (f->guessed && n > 1)
			fail(f, FLOW_BROKEN, "bytes came from before the beginning");
		if (n <= before)
			return;
		p += before;
		n -= before;
		seq = f->base;
	}
	before = f->bytes.ready;
	if (f->opening.ready)
		judge_opening(f, room, seq - f->base, p, n);
	if (f->trouble == FLOW_FINE &&
	    settle(f, stream_put(&f->bytes, room->pool, seq - f->base, p, n)) &&
	    f->bytes.ready != before && !f->facts.whole && f->facts.protocol != PROTOCOL_UNKNOWN)
		probe_again(f, room, false);
}

void flow_end(struct flow_state *f, struct flow_room *room)
{
	if (f->trouble != FLOW_FINE || f->facts.whole)
		return;
	if (f->facts.protocol == PROTOCOL_UNKNOWN)
		f->facts.whole = true;
	else if (f->facts.protocol == PROTOCOL_QUIC)
		facts_bad(&f->facts, "the ClientHello does not end");
	else
		probe_again(f, room, true);
	if (f->facts.flaw)
		f->trouble = FLOW_BROKEN;
}

void flow_fin(struct flow_state *f, uint32_t bytes)
{
	f->has_end = true;
	f->end = bytes;
}

void flow_end_if_there(struct flow_state *f, struct flow_room *room)
{
	if (f->has_end && f->bytes.ready >= f->end)
		flow_end(f, room);
}

bool flow_has_bytes(const struct flow_state *f)
{
	return f->bytes.ready || f->bytes.ahead || f->opening.ready;
}

static void plain_datagram(struct flow_state *f, const uint8_t *p, size_t n)
{
	if (dns_probe_udp(&f->facts, p, n) == PROBE_NO)
		f->facts.protocol = PROTOCOL_UNKNOWN;
	else
		f->facts.protocol = PROTOCOL_DNS;
	if (f->facts.flaw) {
		f->facts.ech = ANSWER_NO;
		f->trouble = FLOW_BROKEN;
	} else {
		facts_done(&f->facts);
	}
}

void flow_datagram(struct flow_state *f, struct flow_room *room, const uint8_t *p, size_t n)
{
	enum stream_result put = STREAM_FINE;

	f->udp = true;
	if (f->trouble != FLOW_FINE || f->facts.whole)
		return;
	if (!f->started && !settle(f, stream_put(&f->bytes, room->pool, 0, p, n)))
		return;
	f->started = true;
	switch (quic_datagram(&f->quic, &f->facts, p, n, &f->crypto, room->pool, &room->quic,
			      &put)) {
	case PROBE_NO:
		plain_datagram(f, p, n);
		return;
	case PROBE_BAD:
		if (settle(f, put))
			fail(f, FLOW_BROKEN, f->facts.flaw);
		break;
	case PROBE_MAYBE:
	case PROBE_MORE:
	case PROBE_DONE:
		break;
	}
}

bool flow_is_alone(const struct packet *k)
{
	return k->dport == PORT_DNS || !quic_is(k->payload, k->n);
}

bool flow_goes_on(const struct packet *k, struct flow_room *room)
{
	if (!k->n || k->dport == PORT_DNS)
		return false;
	if (!(k->payload[0] & 0x80)) /* a short header (RFC 8999 5.2) */
		return true;
	return quic_is(k->payload, k->n) && !quic_begins(k->payload, k->n, &room->quic);
}

void flow_drop(struct flow_state *f, struct flow_room *room)
{
	stream_drop(&f->bytes, room->pool);
	stream_drop(&f->opening, room->pool);
	stream_drop(&f->crypto, room->pool);
	*f = (struct flow_state){0};
}
