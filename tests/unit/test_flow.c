/* SPDX-License-Identifier: GPL-2.0-or-later
 * Packets of one client become facts: segments in any order, QUIC datagrams of RFC 9001 A.2 and
 * RFC 9369 A.2, and hellos spread over several. Nothing is allocated while they come.
 */
#include <stdlib.h>

#include "allocations.h"
#include "inspect/inspector.h"
#include "test.h"
#include "vectors/vectors.h"

static struct flow_room *room;
static struct flow_state f;

static void part(const uint8_t *p, uint32_t base, size_t from, size_t to)
{
	flow_segment(&f, room, base + (uint32_t)from, p + from, to - from);
}

static bool is_named(enum protocol protocol, const char *name)
{
	bool fine = f.trouble == FLOW_FINE && f.facts.protocol == protocol &&
		    f.facts.name_state == NAME_SEEN && !strcmp(f.facts.name, name);

	flow_drop(&f, room);
	return fine;
}

static void test_segments(uint32_t base)
{
	size_t n = sizeof(hybrid_hello);

	flow_syn(&f, base - 1); /* swapped and duplicated */
	part(hybrid_hello, base, 1400, n);
	SAME_NUMBER(f.facts.protocol, PROTOCOL_OPEN);
	part(hybrid_hello, base, 1400, n);
	part(hybrid_hello, base, 0, 1400);
	CHECK(f.facts.whole);
	CHECK(is_named(PROTOCOL_TLS, "www.example.org"));
	flow_syn(&f, base - 1); /* one byte at a time */
	for (size_t i = 0; i < n; i++)
		part(hybrid_hello, base, i, i + 1);
	CHECK(is_named(PROTOCOL_TLS, "www.example.org"));
	flow_syn(&f, base - 1); /* overlapping; a keep-alive's byte from before the beginning */
	flow_segment(&f, room, base - 1, (const uint8_t *)"", 1);
	flow_segment(&f, room, base - 1, (const uint8_t *)"\0\x16", 2);
	part(hybrid_hello, base, 0, 900);
	part(hybrid_hello, base, 300, 1400);
	part(hybrid_hello, base, 1399, n);
	CHECK(is_named(PROTOCOL_TLS, "www.example.org"));
}

static void test_trouble(void)
{
	uint8_t other[100] = {0};

	flow_syn(&f, 99);
	part(hybrid_hello, 100, 0, 900);
	flow_segment(&f, room, 500, other, sizeof(other));
	SAME_NUMBER(f.trouble, FLOW_BROKEN);
	SAME_NUMBER(f.facts.name_state, NAME_UNREADABLE);
	part(hybrid_hello, 100, 900, sizeof(hybrid_hello)); /* too late */
	SAME_NUMBER(f.facts.name_state, NAME_UNREADABLE);
	flow_drop(&f, room);
	flow_syn(&f, 99);
	flow_segment(&f, room, 100 + 70000, other, sizeof(other));
	SAME_NUMBER(f.trouble, FLOW_FULL);
	flow_drop(&f, room);
	part(hybrid_hello, 100, 1400,
	     sizeof(hybrid_hello)); /* no SYN: this counts as the beginning */
	part(hybrid_hello, 100, 0, 1400);
	SAME_NUMBER(f.trouble, FLOW_BROKEN);
	flow_drop(&f, room);
	part(hybrid_hello, 100, 0, 1400);
	part(hybrid_hello, 100, 1400, sizeof(hybrid_hello));
	CHECK(is_named(PROTOCOL_TLS, "www.example.org"));
	part(hybrid_hello, 100, 0, 1000);
	flow_end(&f, room);
	SAME_NUMBER(f.trouble, FLOW_BROKEN);
	flow_drop(&f, room);
	SAME_NUMBER(stream_pool_used(room->pool), 0);
}

static void test_keys(void)
{
	static const uint8_t cid[] = {0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08};
	static const uint8_t iv1[] = {0xfa, 0x04, 0x4b, 0x2f, 0x42, 0xa3,
				      0xfd, 0x3b, 0x46, 0xfb, 0x25, 0x5c};
	static const uint8_t iv2[] = {0x91, 0xf7, 0x3e, 0x23, 0x51, 0xd8,
				      0xfa, 0x91, 0x66, 0x0e, 0x90, 0x9f};
	struct quic_keys keys;

	quic_client_keys(&keys, QUIC_V1, cid, sizeof(cid));
	CHECK(!memcmp(keys.iv, iv1, 12));
	quic_client_keys(&keys, QUIC_V2, cid, sizeof(cid));
	CHECK(!memcmp(keys.iv, iv2, 12));
}

static const char *fingerprint(const char *name)
{
	for (size_t i = 0; i < sizeof(fingerprints) / sizeof(fingerprints[0]); i++)
		if (!strcmp(fingerprints[i].name, name))
			return fingerprints[i].ja4;
	return "?";
}

#define DATAGRAM(v) flow_datagram(&f, room, v, sizeof(v))

static void test_quic(void)
{
	DATAGRAM(quic_v1);
	CHECK(f.facts.whole && f.udp);
	CHECK(f.facts.alpn_len == 5 && !memcmp(f.facts.alpn, "\4alpn", 5));
	SAME_TEXT(f.facts.ja4, fingerprint("quic_v1"));
	CHECK(is_named(PROTOCOL_QUIC, "example.com"));
	DATAGRAM(quic_v2);
	CHECK(is_named(PROTOCOL_QUIC, "example.com"));
	DATAGRAM(quic_ja4);
	SAME_TEXT(f.facts.ja4, fingerprint("quic_ja4"));
	CHECK(is_named(PROTOCOL_QUIC, "www.example.org"));
	DATAGRAM(quic_token);
	CHECK(is_named(PROTOCOL_QUIC, "example.com"));
	DATAGRAM(quic_no_bit); /* which not every server drops (RFC 9287) */
	CHECK(is_named(PROTOCOL_QUIC, "example.com"));
	DATAGRAM(quic_number_200);
	CHECK(is_named(PROTOCOL_QUIC, "server"));
	DATAGRAM(quic_hybrid_1);
	SAME_NUMBER(f.facts.protocol, PROTOCOL_QUIC);
	SAME_NUMBER(f.facts.name_state, NAME_OPEN);
	DATAGRAM(quic_hybrid_1); /* sent again */
	DATAGRAM(quic_hybrid_2);
	CHECK(is_named(PROTOCOL_QUIC, "www.example.org"));
	DATAGRAM(quic_hybrid_1);
	DATAGRAM(quic_hybrid_2_moved);
	CHECK(is_named(PROTOCOL_QUIC, "www.example.org"));
	DATAGRAM(quic_hybrid_2);
	DATAGRAM(quic_hybrid_1);
	CHECK(is_named(PROTOCOL_QUIC, "www.example.org"));
	DATAGRAM(quic_hybrid_1);
	DATAGRAM(quic_hybrid_2_mixed);
	CHECK(is_named(PROTOCOL_QUIC, "www.example.org"));
}

/* Other packets in the datagram of the hello (RFC 9000 12.2): 0-RTT, and a handshake that is none.
 */
static void test_coalesced(void)
{
	static const uint8_t types[] = {0xd0, 0xe0}; /* RFC 9000 17.2, version 1 */
	uint8_t other[] = {0, 0, 0, 0, 1, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 20, [35] = 0};
	uint8_t both[sizeof(quic_v1) + sizeof(other)];

	for (size_t i = 0; i < 4; i++) {
		bool before = i & 1;

		other[0] = types[i / 2];
		memcpy(both + (before ? sizeof(other) : 0), quic_v1, sizeof(quic_v1));
		memcpy(both + (before ? 0 : sizeof(quic_v1)), other, sizeof(other));
		DATAGRAM(both);
		CHECK(is_named(PROTOCOL_QUIC, "example.com"));
	}
	/* by themselves they say nothing yet */
	DATAGRAM(other);
	SAME_NUMBER(f.facts.protocol, PROTOCOL_QUIC);
	SAME_NUMBER(f.facts.name_state, NAME_OPEN);
	DATAGRAM(quic_v1);
	CHECK(is_named(PROTOCOL_QUIC, "example.com"));
}

static void test_quic_trouble(void)
{
	uint8_t copy[sizeof(quic_v1)];

	DATAGRAM(quic_hybrid_1);
	DATAGRAM(quic_other); /* a second connection from the same port */
	SAME_NUMBER(f.trouble, FLOW_BROKEN);
	flow_drop(&f, room);
	memcpy(copy, quic_v1, sizeof(copy));
	copy[600] ^= 1; /* RFC 9001 5.5: dropped by the receiver */
	DATAGRAM(copy);
	SAME_NUMBER(f.facts.protocol, PROTOCOL_QUIC);
	SAME_NUMBER(f.facts.name_state, NAME_OPEN);
	DATAGRAM(quic_other);
	CHECK(is_named(PROTOCOL_QUIC, "example.com"));
	memcpy(copy, quic_v1, sizeof(copy));
	copy[1] = 0xff; /* draft 29 */
	copy[4] = 0x1d;
	DATAGRAM(copy);
	SAME_NUMBER(f.facts.protocol, PROTOCOL_QUIC);
	SAME_NUMBER(f.facts.name_state, NAME_UNREADABLE);
	flow_drop(&f, room);
	flow_datagram(&f, room, quic_v1, 1199); /* RFC 9000 14.1: dropped by the receiver */
	SAME_NUMBER(f.facts.name_state, NAME_OPEN);
	flow_drop(&f, room);
	DATAGRAM(dns_query);
	CHECK(is_named(PROTOCOL_DNS, "www.example.org"));
	flow_datagram(&f, room, (const uint8_t *)"\x40hello", 6);
	SAME_NUMBER(f.facts.protocol, PROTOCOL_UNKNOWN);
	CHECK(f.facts.whole);
	flow_drop(&f, room);
	flow_datagram(&f, room, NULL, 0);
	SAME_NUMBER(f.facts.protocol, PROTOCOL_UNKNOWN);
	flow_drop(&f, room);
	SAME_NUMBER(stream_pool_used(room->pool), 0);
}

int main(void)
{
	room = flow_room_new(4, 2);
	test_keys();
	test_segments(1000);
	allocations = 0;
	test_segments(0);
	test_segments(0xfffffe00); /* sequence numbers wrap within the hello */
	test_segments(0x80000000);
	test_trouble();
	test_quic();
	test_coalesced();
	test_quic_trouble();
	SAME_NUMBER(allocations, 0);
	flow_room_free(room);
	return test_end();
}
