/* SPDX-License-Identifier: GPL-2.0-or-later
 * Datagram -> long-header packets -> Initial packets, opened -> CRYPTO frames -> the hello.
 *
 * A packet that does not open is passed over, as its receiver passes it over (RFC 9001 5.5). One
 * that opens with keys of another connection id begins a second connection in the same flow; then
 * it is not certain for which of them a name would be read, and none is.
 */
#include "inspect/quic.h"

#include <string.h>

#include "inspect/cursor.h"

#define TAG 16
#define SAMPLE 16
#define DATAGRAM_MIN 1200 /* receivers drop an Initial in a smaller one (RFC 9000 14.1) */

struct packet { /* an Initial packet within its datagram */
	const uint8_t *cid;
	size_t cid_len;
	const uint8_t *p;
	size_t number; /* where the packet number begins */
	size_t end;
};

/* RFC 9000 16 */
static uint64_t get_varint(struct cursor *c)
{
	unsigned more;
	uint64_t v;

	v = cursor_get(c, 1);
	more = (1u << (v >> 6)) - 1;
	v &= 0x3f;
	while (more-- && c->state == CURSOR_FINE)
		v = v << 8 | cursor_get(c, 1);
	return v;
}

static bool known_version(uint32_t v)
{
	return v == QUIC_V1 || v == QUIC_V2;
}

/* Versions that a client may try first: drafts, of version 2 as well, reserved ones (RFC 9000 15),
 * those of Google, Facebook and picoquic. */
static bool other_version(uint32_t v)
{
	return v >> 8 == 0xff0000 || v >> 8 == 0xff0200 || v == 0x709a50c4 ||
	       (v & 0x0f0f0f0f) == 0x0a0a0a0a || v >> 24 == 'Q' || v >> 24 == 'T' ||
	       v >> 8 == 0xfaceb0 || v >> 8 == 0x504351;
}

static uint32_t version_of(const uint8_t *p, size_t n)
{
	if (n < 7 || !(p[0] & 0x80))
		return 0;
	return (uint32_t)p[1] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 8 | p[4];
}

bool quic_is(const uint8_t *p, size_t n)
{
	uint32_t v = version_of(p, n);

	if (known_version(v))
		return p[5] <= QUIC_CID_MAX;
	return n >= DATAGRAM_MIN && other_version(v);
}

static bool is_initial(uint8_t first, uint32_t version)
{
	return (first >> 4 & 3) == (version == QUIC_V2 ? 1 : 0);
}

/* The next long-header packet at c; false at the end of what can be read. */
static bool next_packet(struct cursor *c, struct packet *out, uint32_t *version, uint8_t *first)
{
	size_t start = c->off;
	uint64_t len;

	*first = (uint8_t)cursor_get(c, 1);
	*version = cursor_get(c, 4);
	if (c->state != CURSOR_FINE || !(*first & 0x80) || !known_version(*version))
		return false;
	out->p = c->p + start;
	out->cid_len = cursor_get(c, 1);
	if (out->cid_len > QUIC_CID_MAX || !cursor_need(c, out->cid_len))
		return false;
	out->cid = c->p + c->off;
	cursor_skip(c, out->cid_len);
	cursor_skip(c, cursor_get(c, 1)); /* source connection id */
	if (is_initial(*first, *version)) {
		len = get_varint(c); /* token */
		if (!cursor_need(c, len))
			return false;
		cursor_skip(c, len);
	} else if ((*first >> 4 & 3) == (*version == QUIC_V2 ? 0 : 3)) {
		return false; /* Retry: no length, and nothing behind it */
	}
	len = get_varint(c);
	if (!cursor_need(c, len))
		return false;
	out->number = c->off - start;
	cursor_skip(c, len);
	out->end = c->off - start;
	return true;
}

/* RFC 9000 A.3 */
static uint64_t whole_number(uint64_t next, uint64_t cut, unsigned bits)
{
	uint64_t window = (uint64_t)1 << bits, half = window / 2;
	uint64_t near = (next & ~(window - 1)) | cut;

	if (near + half <= next)
		return near + window;
	if (near > next + half && near >= window)
		return near - window;
	return near;
}

/* Takes both protections off; the frames are left in room->packet. False: it does not open. */
static bool open_packet(struct quic *q, const struct packet *k, struct quic_room *room,
			size_t *frames)
{
	uint8_t mask[SAMPLE], nonce[GCM_IV_SIZE], tag[TAG];
	unsigned width;
	uint64_t number = 0;
	size_t head, len;

	if (k->end - k->number < 4 + SAMPLE || k->end > sizeof(room->packet))
		return false;
	aes128_encrypt(&room->keys.header, SAMPLE, mask, k->p + k->number + 4);
	memcpy(room->packet, k->p, k->number + 4);
	room->packet[0] ^= mask[0] & 0x0f;
	width = (room->packet[0] & 3) + 1;
	for (unsigned i = 0; i < width; i++) {
		room->packet[k->number + i] ^= mask[1 + i];
		number = number << 8 | room->packet[k->number + i];
	}
	number = whole_number(q->next_number, number, 8 * width);
	memcpy(nonce, room->keys.iv, sizeof(nonce));
	for (int i = 0; i < 8; i++)
		nonce[GCM_IV_SIZE - 1 - i] ^= (uint8_t)(number >> 8 * i);
	head = k->number + width;
	len = k->end - head;
	if (len < TAG)
		return false;
	len -= TAG;
	gcm_aes128_set_iv(&room->keys.packet, sizeof(nonce), nonce);
	gcm_aes128_update(&room->keys.packet, head, room->packet);
	gcm_aes128_decrypt(&room->keys.packet, len, room->packet, k->p + head);
	gcm_aes128_digest(&room->keys.packet, TAG, tag);
	if (memcmp(tag, k->p + head + len, TAG))
		return false;
	if (number >= q->next_number)
		q->next_number = number + 1;
	q->opened = true;
	*frames = len;
	return true;
}

static void skip_ack(struct cursor *c, bool ecn)
{
	uint64_t ranges;

	get_varint(c);
	get_varint(c);
	ranges = get_varint(c);
	get_varint(c);
	while (ranges-- && c->state == CURSOR_FINE) {
		get_varint(c);
		get_varint(c);
	}
	for (int i = 0; ecn && i < 3; i++)
		get_varint(c);
}

/* The frames of an Initial packet (RFC 9000 12.4, table 3). NULL, or what is wrong. */
static const char *read_frames(struct cursor *c, struct stream *crypto, struct stream_pool *pool,
			       enum stream_result *trouble)
{
	while (cursor_left(c)) {
		uint64_t type = get_varint(c), offset, len;

		switch (type) {
		case 0x00: /* PADDING */
		case 0x01: /* PING */
			break;
		case 0x02: /* ACK */
		case 0x03:
			skip_ack(c, type == 3);
			break;
		case 0x06: /* CRYPTO */
			offset = get_varint(c);
			len = get_varint(c);
			if (!cursor_need(c, len))
				return "a CRYPTO frame is longer than its packet";
			*trouble = stream_put(crypto, pool, offset, c->p + c->off, len);
			if (*trouble != STREAM_FINE)
				return "the CRYPTO frames do not fit together";
			cursor_skip(c, len);
			break;
		case 0x1c: /* CONNECTION_CLOSE; nothing comes after it */
			return NULL;
		default:
			return "there is a frame that no Initial packet may have";
		}
	}
	return c->state == CURSOR_FINE ? NULL : "a frame is longer than its packet";
}

/* Whether the packet opens; *second: with the keys of another connection. */
static bool try_keys(struct quic *q, const struct packet *k, struct quic_room *room, size_t *frames,
		     bool *second)
{
	struct quic other = {0};

	*second = false;
	quic_client_keys(&room->keys, q->version, q->cid, q->cid_len);
	if (open_packet(q, k, room, frames))
		return true;
	if (k->cid_len == q->cid_len && !memcmp(k->cid, q->cid, q->cid_len))
		return false;
	quic_client_keys(&room->keys, q->version, k->cid, k->cid_len);
	*second = open_packet(&other, k, room, frames);
	return *second;
}

/* Whether a CRYPTO frame is among them, or something that cannot be read. */
static bool has_hello(struct cursor *c)
{
	while (cursor_left(c)) {
		uint64_t type = get_varint(c);

		if (type == 2 || type == 3)
			skip_ack(c, type == 3);
		else if (type > 1)
			return type != 0x1c;
	}
	return c->state != CURSOR_FINE;
}

bool quic_begins(const uint8_t *p, size_t n, struct quic_room *room)
{
	struct cursor c = cursor_of(p, n, n), frames;
	uint32_t version;
	struct packet k;
	uint8_t first;
	size_t len;

	if (!known_version(version_of(p, n)))
		return quic_is(p, n);
	while (next_packet(&c, &k, &version, &first)) {
		struct quic own = {0};

		if (!is_initial(first, version) || n < DATAGRAM_MIN)
			continue;
		quic_client_keys(&room->keys, version, k.cid, k.cid_len);
		if (!open_packet(&own, &k, room, &len))
			continue;
		frames = cursor_of(room->packet, len, len);
		if (has_hello(&frames))
			return true;
	}
	return false;
}

uint32_t quic_cid_hash(const uint8_t *p, size_t n)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (size_t i = 5; i < n && i < 6u + p[5]; i++)
		h = (h ^ p[i]) * 16777619u;
	return h;
}

static enum probe take_initial(struct quic *q, struct facts *f, const struct packet *k,
			       struct stream *crypto, struct stream_pool *pool,
			       struct quic_room *room, enum stream_result *trouble)
{
	struct cursor frames;
	const char *flaw;
	size_t len;
	bool second;

	if (!try_keys(q, k, room, &len, &second))
		return PROBE_MORE;
	if (second)
		return facts_bad(f, "two QUIC connections begin in one flow");
	frames = cursor_of(room->packet, len, len);
	flaw = read_frames(&frames, crypto, pool, trouble);
	return flaw ? facts_bad(f, flaw) : PROBE_MORE;
}

enum probe quic_datagram(struct quic *q, struct facts *f, const uint8_t *p, size_t n,
			 struct stream *crypto, struct stream_pool *pool, struct quic_room *room,
			 enum stream_result *trouble)
{
	struct cursor c = cursor_of(p, n, n);
	uint32_t before = crypto->ready, version;
	struct packet k;
	uint8_t first;

	*trouble = STREAM_FINE;
	if (!f->protocol && !quic_is(p, n))
		return PROBE_NO;
	f->protocol = PROTOCOL_QUIC;
	if (!q->opened && !known_version(version_of(p, n)))
		return facts_bad(f, "this version of QUIC cannot be read");
	while (next_packet(&c, &k, &version, &first)) {
		if (!is_initial(first, version) || n < DATAGRAM_MIN)
			continue;
		if (!q->opened) { /* what nobody can open begins no connection */
			q->version = version;
			q->cid_len = (uint8_t)k.cid_len;
			memcpy(q->cid, k.cid, k.cid_len);
		} else if (version != q->version) {
			return facts_bad(f, "the version of QUIC changes");
		}
		if (take_initial(q, f, &k, crypto, pool, room, trouble) == PROBE_BAD)
			return PROBE_BAD;
	}
	if (crypto->ready == before)
		return PROBE_MORE;
	facts_init(f);
	f->protocol = PROTOCOL_QUIC;
	return tls_hello(f, crypto->block, crypto->ready);
}
