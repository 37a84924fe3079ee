/* SPDX-License-Identifier: GPL-2.0-or-later
 * Frames, one after the other -> flows by addresses and ports -> decisions.
 */
#include "inspect/replay.h"

#include <string.h>

#include "inspect/known.h"

static const char *name_of(struct replay *r, const struct packet *k, bool udp, bool back)
{
	const uint8_t *src = back ? k->dst : k->src, *dst = back ? k->src : k->dst;
	unsigned sport = back ? k->dport : k->sport, dport = back ? k->sport : k->dport;
	char text[2 * 32 + 1];

	for (int i = 0; i < 16; i++) {
		static const char hex[] = "0123456789abcdef";

		text[2 * i] = hex[src[i] >> 4];
		text[2 * i + 1] = hex[src[i] & 15];
		text[32 + 2 * i] = hex[dst[i] >> 4];
		text[32 + 2 * i + 1] = hex[dst[i] & 15];
	}
	text[64] = '\0';
	return arena_printf(r->arena, "%d%c%s.%u.%u", k->version, udp ? 'u' : 't', text, sport,
			    dport);
}

static void settle(struct replay *r, struct replay_flow *f, struct decision d)
{
	f->decision = d;
	f->decided = true;
	f->facts = f->state.facts;
	f->cid = quic_cid_hash(f->state.bytes.block, f->state.bytes.ready);
	flow_drop(&f->state, r->room);
}

static void judge(struct replay *r, struct replay_flow *f)
{
	struct decision d = inspector_judge(f->in, &f->state, r->patterns);

	if (d.verdict != VERDICT_MORE)
		settle(r, f, d);
}

static struct replay_flow *begin(struct replay *r, const struct packet *k, bool udp,
				 const char *name)
{
	struct replay_flow *f = arena_new_of(r->arena, struct replay_flow);

	f->first = *k;
	f->udp = udp;
	f->in = r->choose(r->with, k, udp, &f->why);
	vec_push(r->arena, &r->flows, f);
	map_put(&r->by_name, name, f);
	return f;
}

/* What a SYN carries, or wants, may be enough to deny it. */
static bool deny_opening(struct replay *r, struct replay_flow *f, const struct packet *k)
{
	struct flow_state state = {0};
	struct decision d;

	facts_init(&state.facts);
	d = inspector_judge_opening(f->in, &state, r->room, k, r->patterns);
	if (d.verdict == VERDICT_MORE) {
		flow_drop(&state, r->room);
		return false;
	}
	flow_drop(&f->state, r->room);
	f->state = state;
	settle(r, f, d);
	return true;
}

/* As known_open() has it, but for the time. */
static void open_flow(struct replay_flow *f, const struct replay_flow *before,
		      const struct packet *k)
{
	bool allowed = before && before->decided && before->decision.verdict == VERDICT_ALLOW;

	if (before && before->syns && before->syn == k->seq) {
		f->syns = before->syns;
		f->opened = before->opened;
		f->manner = before->manner;
		manner_add(&f->manner, &k->manner);
	} else {
		f->syns = before && before->syns && !allowed ? before->syns + 1 : 1;
		f->manner = k->manner;
		if (f->syns > 1)
			f->manner.torn = known_torn(f->syns, before->syn, k->seq);
	}
	f->syn = k->seq;
	flow_syn(&f->state, k->seq);
	flow_manner(&f->state, &f->manner);
}

/* The same SYN again, or a new connection from the same port. */
static void take_syn(struct replay *r, struct replay_flow *before, const struct packet *k,
		     const char *name)
{
	struct replay_flow *f = before;

	if (!f || f->decided || !f->in || !f->syns || f->syn != k->seq)
		f = begin(r, k, false, name);
	if (before && before != f && !before->decided) {
		before->left = flow_has_bytes(&before->state);
		flow_drop(&before->state, r->room);
	}
	if (!f->in)
		return;
	if ((k->n || k->manner.multipath) && deny_opening(r, f, k)) {
		if (before) { /* the server knows nothing of this one */
			f->syn = before->syn;
			f->syns = before->syns;
			f->opened = before->opened;
			f->manner = before->manner;
		}
		return;
	}
	open_flow(f, before, k);
	if (k->n) {
		f->opened = f->kept = true;
		flow_trust(&f->state, k);
		flow_opening(&f->state, r->room, k->payload, k->n);
	}
}

static void take_bytes(struct replay *r, struct replay_flow *f, const struct packet *k)
{
	uint32_t seq = k->seq + !!(k->flags & PACKET_SYN);

	flow_trust(&f->state, k);
	if (f->opened && !f->kept) {
		settle(r, f, inspector_fallback(f->in, CAUSE_TIMEOUT));
		return;
	}
	flow_segment(&f->state, r->room, seq, k->payload, k->n);
	if (k->flags & PACKET_FIN)
		flow_fin(&f->state, seq + (uint32_t)k->n - f->state.base);
	flow_end_if_there(&f->state, r->room);
	judge(r, f);
}

static void take_tcp(struct replay *r, const struct packet *k)
{
	const char *name = name_of(r, k, false, false);
	struct replay_flow *f = map_get(&r->by_name, name);

	if ((k->flags & (PACKET_SYN | PACKET_ACK)) == PACKET_SYN) {
		take_syn(r, f, k, name);
		return;
	}
	if (!f) {
		r->midway += k->n && !map_get(&r->by_name, name_of(r, k, false, true));
		return;
	}
	if (!f->in || f->decided)
		return;
	/* what the rules queue of it, and what of that tells something */
	if (k->n || (k->flags & PACKET_URG) ||
	    ((k->flags & PACKET_FIN) && flow_has_bytes(&f->state)))
		take_bytes(r, f, k);
}

/* A line for each: the connection's own is of the first, or of what its datagrams say together. */
static void take_alone(struct replay *r, struct replay_flow *f, const struct packet *k,
		       const char *name)
{
	uint8_t message[DNS_REPLY_MAX];
	struct replay_flow *own = f;
	struct flow_state state = {0};

	if (f->state.started || f->settled) { /* in the middle of QUIC, which goes on */
		own = begin(r, k, true, name);
		map_put(&r->by_name, name, f);
	} else if (f->decided) {
		own = begin(r, k, true, name);
	}
	facts_init(&state.facts);
	own->decision = inspector_judge_alone(own->in, &state, r->room, k, r->patterns);
	own->facts = state.facts;
	own->decided = true;
	own->answered = inspector_reply(&own->decision, &own->facts, k, message) != 0;
	own->settled = inspector_is_brief(own->in);
	flow_drop(&state, r->room);
}

/* Whether a datagram belongs to what is decided. What is denied of QUIC is sent again. */
static bool goes_on(const struct replay *r, const struct replay_flow *f, const struct packet *k)
{
	if (inspector_is_brief(f->in))
		return true;
	if (f->decision.verdict != VERDICT_ALLOW)
		return !flow_is_alone(k);
	if (flow_goes_on(k, r->room))
		return true;
	return !flow_is_alone(k) && f->cid == quic_cid_hash(k->payload, k->n) &&
	       !inspector_denies(f->in, r->room, k, r->patterns);
}

static void take_udp(struct replay *r, const struct packet *k)
{
	const char *name = name_of(r, k, true, false);
	struct replay_flow *f = map_get(&r->by_name, name);

	if (!f && map_get(&r->by_name, name_of(r, k, true, true)))
		return; /* the answer */
	if (!f)
		f = begin(r, k, true, name);
	if (!f->in || !k->n || (f->settled && goes_on(r, f, k)) ||
	    (!f->decided && f->before && flow_is_alone(k) && goes_on(r, f->before, k)))
		return;
	if (inspector_is_brief(f->in) || flow_is_alone(k)) {
		take_alone(r, f, k, name);
		return;
	}
	if (f->decided) { /* of what came before it */
		struct replay_flow *before = f;

		f = begin(r, k, true, name);
		f->before = before->settled ? before : NULL;
	}
	flow_trust_datagram(&f->state, k);
	flow_datagram(&f->state, r->room, k->payload, k->n);
	judge(r, f);
	f->settled = f->decided;
	if (f->settled && f->before && f->decision.verdict != VERDICT_ALLOW)
		map_put(&r->by_name, name, f->before);
}

void replay_run(struct replay *r, struct capture *c)
{
	struct frame frame;
	struct packet k;

	map_init(&r->by_name, r->arena);
	while (capture_next(c, &frame)) {
		switch (packet_read(&k, &frame)) {
		case PACKET_TCP:
			take_tcp(r, &k);
			break;
		case PACKET_UDP:
			take_udp(r, &k);
			break;
		case PACKET_FRAGMENT:
			r->fragments++;
			break;
		case PACKET_CUT:
			r->cut++;
			break;
		case PACKET_LINK:
			c->flaw = "there are packets of a link that cannot be read";
			break;
		case PACKET_OTHER:
			break;
		}
	}
	for (size_t i = 0; i < r->flows.n; i++) {
		struct replay_flow *f = r->flows.v[i];

		if (f->in && !f->decided && f->state.bytes.ready + f->state.bytes.ahead)
			settle(r, f, inspector_fallback(f->in, CAUSE_TIMEOUT));
		else if (f->in && !f->decided)
			flow_drop(&f->state, r->room);
	}
}
