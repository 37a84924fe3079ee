/* SPDX-License-Identifier: GPL-2.0-or-later
 * Ways round inspection, as packets: the ones of the table in fwc-inspectd(8), through the code
 * that judges in earnest. `allow any` is the last entry: a policy that tricks get round most
 * easily.
 */
#include <stdlib.h>

#include "inspect/judge.h"
#include "test.h"
#include "vectors/vectors.h"

#define SECOND 1000000000ull
#define ALL_OF(array) (array), sizeof(array)
#define SLOTS 64

static const char tables_text[] =
	"{\"format\":1,\"inspectors\":[{\"name\":\"names\",\"entries\":["
	"  {\"verdict\":\"deny\",\"look\":\"sni\",\"names\":[\"*.casino.example\"]},"
	"  {\"verdict\":\"deny\",\"look\":\"host\",\"names\":[\"*.casino.example\"]},"
	"  {\"verdict\":\"deny\",\"look\":\"dns\",\"names\":[\"*.casino.example\"]},"
	"  {\"verdict\":\"allow\",\"look\":\"any\"}]}],"
	"\"mark\":4278190080,"
	"\"queues\":[{\"first\":1,\"count\":1,\"on-overflow\":\"deny\",\"rewrite\":false}],"
	"\"rules\":[{\"id\":4,\"inspector\":\"names\",\"queue\":1}]}";

static struct tables tables;
static struct board *board;
static struct judge *judge;
static char said[4096];
static struct event last;
static unsigned events;
static uint64_t now = 100 * SECOND;

static void answer(void *ctx, uint32_t slot, enum act act)
{
	static const char *const words[NACTS] = {"",	  "pass", "allow", "deny",  "reject",
						 "again", "drop", "keep",  "forget"};

	(void)ctx;
	(void)slot;
	if (act != ACT_HOLD)
		sprintf(said + strlen(said), "%s%s", *said ? " " : "", words[act]);
}

static void rewritten(void *ctx, uint32_t slot, const uint8_t *p, size_t n)
{
	(void)ctx;
	(void)slot;
	(void)p;
	(void)n;
}

static void event(void *ctx, const struct event *e)
{
	(void)ctx;
	last = *e;
	events++;
}

static void begin(void)
{
	struct judge_config c = {.tables = &tables,
				 .board = board,
				 .slots = SLOTS,
				 .hold = 10 * SECOND,
				 .small = 1024,
				 .large = 32,
				 .answer = answer,
				 .rewritten = rewritten,
				 .event = event};

	judge_free(judge);
	judge = judge_new(&c);
}

/* ---- packets ---- */

#define SYN 2
#define RST 4
#define ACK 16
#define URG 32

struct segment { /* what differs from one to the other */
	uint8_t flags, ttl;
	bool stamped, sealed, joins, capable; /* the last two: of MPTCP (RFC 8684 3) */
	bool reordered; /* the time stamp is behind another option, and what fills up behind it */
	uint32_t stamp, seq;
	const void *data;
	size_t n;
};

static uint16_t port = 1000;
static uint16_t to = 443;
static uint32_t slot;
static uint8_t packet[65536];
static bool several; /* the kernel has put packets together */
static bool optioned; /* something in the IP header, or behind it */
static bool six;
static uint8_t hops = 64; /* of datagrams */

static void put16(uint8_t *at, unsigned v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static void put32(uint8_t *at, uint32_t v)
{
	put16(at, v >> 16);
	put16(at + 2, v & 0xffff);
}

/* The header before n bytes at packet + 20, which make place for it. */
static size_t put_ip(uint8_t protocol, uint8_t ttl, size_t n)
{
	size_t more = optioned ? six ? 8 : 4 : 0, head = (six ? 40 : 20) + more;

	memmove(packet + head, packet + 20, n);
	memset(packet, 0, head);
	if (six) { /* options for the destination, which end here: one of four bytes (RFC 8200 4.6)
		    */
		packet[0] = 0x60;
		put16(packet + 4, (unsigned)(more + n));
		packet[6] = optioned ? 60 : protocol;
		packet[7] = ttl;
		packet[23] = 2;
		packet[39] = 3;
		if (optioned)
			memcpy(packet + 40, "\0\0\x5e\4\0\0\0\0", 8);
		if (optioned)
			packet[40] = protocol;
		return head + n;
	}
	packet[0] = (uint8_t)(0x45 + more / 4);
	put16(packet + 2, (unsigned)(head + n));
	packet[8] = ttl;
	packet[9] = protocol;
	memcpy(packet + 12, "\x0a\0\0\2\x0a\0\1\2", 8);
	memset(packet + 20, 1, more); /* nothing, four times */
	return head + n;
}

static const char *give(uint8_t protocol, uint8_t ttl, size_t n)
{
	struct judge_packet k = {
		.slot = slot++ % SLOTS, .field = 4, .now = now, .p = packet, .several = several};

	put16(packet + 20, port);
	put16(packet + 22, to);
	k.n = put_ip(protocol, ttl, n);
	*said = '\0';
	judge_packet(judge, &k);
	return said;
}

static const char *send_segment(struct segment s)
{
	uint8_t *t = packet + 20, *o = t + 20;

	memset(t, 0, 60);
	put32(t + 4, s.seq);
	t[13] = s.flags;
	if (s.stamped && s.reordered) {
		memcpy(o, "\x04\x02\x08\x0a", 4);
		put32(o + 4, s.stamp);
		memcpy(o + 12, "\1\1\1\0", 4);
		o += 16;
	} else if (s.stamped) {
		memcpy(o, "\1\1\x08\x0a", 4);
		put32(o + 4, s.stamp);
		o += 12;
	}
	if (s.sealed) {
		memcpy(o, "\1\1\x13\x12", 4);
		o += 20;
	}
	if (s.capable) {
		memcpy(o, "\x1e\4\1\1", 4); /* MP_CAPABLE, version 1 */
		o += 4;
	}
	if (s.joins) {
		memcpy(o, "\x1e\x0c\x10\0\1\2\3\4\5\6\7\x08", 12);
		o += 12;
	}
	t[12] = (uint8_t)((o - t) / 4 << 4);
	if (s.n)
		memcpy(o, s.data, s.n);
	return give(6, s.ttl ? s.ttl : 64, (size_t)(o - t) + s.n);
}

static const char *datagram(const void *p, size_t n)
{
	memset(packet + 20, 0, 8);
	put16(packet + 24, (unsigned)(8 + n));
	if (n)
		memcpy(packet + 28, p, n);
	return give(17, hops, 8 + n);
}

static const char good[] = "GET / HTTP/1.1\r\nHost: www.example.org\r\n\r\n";
static const char bad[] = "GET / HTTP/1.1\r\nHost: a.casino.example\r\n\r\n";

#define ALL(text) .data = text, .n = sizeof(text) - 1
#define SEND(...) send_segment((struct segment){__VA_ARGS__})
#define DATA(...) SEND(.flags = ACK, .seq = 101, __VA_ARGS__)

static void open_another(struct segment syn)
{
	port++;
	syn.flags |= SYN;
	syn.seq = 100;
	SAME_TEXT(send_segment(syn), "pass");
}

static void expect_error(const char *flaw)
{
	SAME_NUMBER(last.cause, CAUSE_ERROR);
	SAME_TEXT(last.flaw, flaw);
}

/* What is not tried to be hidden is seen. */
static void test_plain(void)
{
	open_another((struct segment){0});
	SAME_TEXT(DATA(ALL(good)), "allow");
	open_another((struct segment){0});
	SAME_TEXT(DATA(ALL(bad)), "deny");
	SAME_NUMBER(last.cause, CAUSE_ENTRY);
}

/* Data in a SYN, which a server that knows nothing of TCP Fast Open does not take. */
static void test_opening(void)
{
	port++; /* dropped by the server, which takes what follows */
	SAME_TEXT(SEND(.flags = SYN, .seq = 100, ALL(good)), "keep");
	SAME_TEXT(DATA(ALL(bad)), "forget deny");
	SAME_NUMBER(last.cause, CAUSE_ERROR);
	port++; /* one that knows it answers at once */
	SAME_TEXT(SEND(.flags = SYN, .seq = 100, ALL(bad)), "deny");
	SAME_TEXT(last.name, "a.casino.example");
	SAME_TEXT(DATA(ALL(good)), "deny");
	port++; /* in small pieces */
	SAME_TEXT(SEND(.flags = SYN, .seq = 100, ALL(good)), "keep");
	SAME_TEXT(DATA(.data = bad, .n = 25), "forget deny");
	port++; /* honest: not taken, so sent again */
	SAME_TEXT(SEND(.flags = SYN, .seq = 100, ALL(good)), "keep");
	SAME_TEXT(SEND(.flags = SYN, .seq = 100), "pass");
	SAME_TEXT(DATA(ALL(good)), "forget allow");
	port++; /* honest: taken, and it goes on */
	SAME_TEXT(SEND(.flags = SYN, .seq = 100, .data = bad, .n = 30), "keep");
	SAME_TEXT(SEND(.flags = SYN, .seq = 100, .data = bad, .n = 30), "keep");
	SAME_TEXT(SEND(.flags = ACK, .seq = 131, .data = bad + 30, .n = sizeof(bad) - 31),
		  "forget forget deny");
	SAME_NUMBER(last.cause, CAUSE_ENTRY);
	SAME_TEXT(last.name, "a.casino.example");
	port++; /* two of them that differ */
	SAME_TEXT(SEND(.flags = SYN, .seq = 100, .data = bad, .n = 30), "keep");
	SAME_TEXT(SEND(.flags = SYN, .seq = 100, ALL(good)), "keep");
	SAME_TEXT(DATA(ALL(good)), "forget forget deny");
	port++;
	SAME_TEXT(SEND(.flags = SYN, .seq = 100, ALL(good)), "keep");
	SAME_TEXT(SEND(.flags = SYN, .seq = 100, ALL(bad)), "forget deny");
	port++; /* nobody answers: that is no decision */
	events = 0;
	SAME_TEXT(SEND(.flags = SYN, .seq = 100, ALL(good)), "keep");
	now += 11 * SECOND;
	*said = '\0';
	judge_tick(judge, now);
	SAME_TEXT(said, "forget");
	SAME_NUMBER(events, 0);
	SAME_TEXT(DATA(ALL(bad)), "deny");
	port++; /* the server took the beginning: what comes so late may be old to it */
	SAME_TEXT(SEND(.flags = SYN, .seq = 100, .data = bad, .n = 30), "keep");
	now += 11 * SECOND;
	*said = '\0';
	judge_tick(judge, now);
	SAME_TEXT(said, "forget");
	SAME_TEXT(DATA(.data = "GET / HTTP/1.0\r\nHost:b\r\n\r\n", .n = 26), "deny");
	SAME_NUMBER(last.cause, CAUSE_TIMEOUT);
	SAME_TEXT(SEND(.flags = ACK, .seq = 131, .data = bad + 30, .n = sizeof(bad) - 31), "deny");
}

/* A flood of them takes no room from others, and what is too much is decided by on-overflow:
 * without what they carry nobody can tell what follows. */
static void test_openings(void)
{
	for (int i = 0; i < 2 * JUDGE_OPENINGS; i++) {
		port++;
		SEND(.flags = SYN, .seq = 100, ALL(good));
		if (i < JUDGE_OPENINGS)
			CHECK(strstr(said, "keep") != NULL);
		else
			SAME_TEXT(said, "deny");
	}
	SAME_NUMBER(last.cause, CAUSE_OVERFLOW);
	SAME_TEXT(SEND(.flags = SYN, .seq = 100), "pass"); /* once more without */
	SAME_TEXT(DATA(ALL(good)), "allow");
	CHECK(board->flows <= JUDGE_OPENINGS);
	open_another((struct segment){0});
	SAME_TEXT(DATA(ALL(bad)), "deny");
	SAME_NUMBER(last.cause, CAUSE_ENTRY);
	now += 11 * SECOND;
	judge_tick(judge, now);
	SAME_NUMBER(board->flows, 0);
	SAME_NUMBER(board->held, 0);
}

/* A byte that the server takes out of the stream. */
static void test_urgent(void)
{
	open_another((struct segment){0});
	SAME_TEXT(DATA(.data = bad, .n = 25), "");
	SAME_TEXT(SEND(.flags = ACK | URG, .seq = 126, .data = "X", .n = 1), "deny deny");
	expect_error("there is urgent data");
	open_another((struct segment){0}); /* told before the byte comes */
	SAME_TEXT(SEND(.flags = ACK | URG, .seq = 101), "deny");
	expect_error("there is urgent data");
	port++; /* in the SYN */
	SAME_TEXT(SEND(.flags = SYN | URG, .seq = 100, ALL(good)), "deny");
	expect_error("there is urgent data");
}

/* Whole requests that end behind us. */
static void test_ttl(void)
{
	open_another((struct segment){.ttl = 60});
	SAME_TEXT(DATA(ALL(good), .ttl = 59), "deny");
	expect_error("a segment does not come as far as the SYN did");
	open_another((struct segment){.ttl = 3}); /* this one does not arrive, the next one does */
	SAME_TEXT(SEND(.flags = SYN, .seq = 100, .ttl = 60), "pass");
	SAME_TEXT(DATA(ALL(good), .ttl = 3), "deny");
	open_another((struct segment){.ttl = 60}); /* the other way round */
	SAME_TEXT(SEND(.flags = SYN, .seq = 100, .ttl = 3), "pass");
	SAME_TEXT(DATA(ALL(good), .ttl = 3), "deny");
	open_another((struct segment){.ttl = 60});
	SAME_TEXT(DATA(.data = good, .n = 20, .ttl = 60), "");
	SAME_TEXT(
		SEND(.flags = ACK, .seq = 121, .data = good + 20, .n = sizeof(good) - 21, .ttl = 5),
		"deny deny");
	open_another((struct segment){.ttl = 60}); /* further is fine */
	SAME_TEXT(DATA(ALL(good), .ttl = 61), "allow");
	six = true; /* a hop limit */
	open_another((struct segment){.ttl = 60});
	SAME_TEXT(DATA(ALL(good), .ttl = 59), "deny");
	expect_error("a segment does not come as far as the SYN did");
	six = false;
}

/* A hello of QUIC that ends behind us. No system begins with less than 64, nobody is 32 hops away.
 */
static void test_datagram_ttl(void)
{
	hops = 3;
	port++;
	SAME_TEXT(datagram(quic_v1, sizeof(quic_v1)), "deny");
	expect_error("a datagram does not come far");
	hops = 40;
	port++;
	SAME_TEXT(datagram(quic_v1, sizeof(quic_v1)), "allow");
	hops = 64;
}

/* A second SYN, which the server, waiting for the bytes of the first one, answers with a mere
 * acknowledgement (RFC 9293 3.10.7.4). What follows on it is of a later place there. */
static void test_two_syns(void)
{
	open_another((struct segment){0});
	SAME_TEXT(SEND(.flags = SYN, .seq = 5000), "pass");
	SAME_TEXT(SEND(.flags = ACK, .seq = 5001, ALL(good)), "deny");
	expect_error("which SYN the server took is not known");
	open_another((struct segment){0}); /* from before */
	SAME_TEXT(SEND(.flags = SYN, .seq = 20), "pass");
	SAME_TEXT(SEND(.flags = ACK, .seq = 21, ALL(good)), "deny");
	/* what was denied waits there, too */
	open_another((struct segment){0});
	SAME_TEXT(DATA(ALL(bad)), "deny");
	SAME_TEXT(SEND(.flags = SYN, .seq = 5000), "pass");
	SAME_TEXT(SEND(.flags = ACK, .seq = 5001, ALL(good)), "deny");
	expect_error("which SYN the server took is not known");
	/* by way of another one, which is far */
	open_another((struct segment){0});
	SAME_TEXT(SEND(.flags = SYN, .seq = 0x80000000), "pass");
	SAME_TEXT(SEND(.flags = SYN, .seq = 5000), "pass");
	SAME_TEXT(SEND(.flags = ACK, .seq = 5001, ALL(good)), "deny");
	/* honest: a port that is used again, at once or much later */
	open_another((struct segment){0});
	SAME_TEXT(SEND(.flags = SYN, .seq = 0x80000000), "pass");
	SAME_TEXT(SEND(.flags = ACK, .seq = 0x80000001, ALL(good)), "allow");
	SAME_TEXT(SEND(.flags = SYN, .seq = 0x80000100), "pass");
	SAME_TEXT(SEND(.flags = ACK, .seq = 0x80000101, ALL(good)), "allow");
	open_another((struct segment){0});
	now += 601 * SECOND;
	SAME_TEXT(SEND(.flags = SYN, .seq = 5000), "pass");
	SAME_TEXT(SEND(.flags = ACK, .seq = 5001, ALL(good)), "allow");
}

/* Copies of a SYN that differ, so that one could follow on the one that did not arrive. */
static void test_two_manners(void)
{
	open_another((struct segment){0});
	SAME_TEXT(SEND(.flags = SYN, .seq = 100, .sealed = true), "pass");
	SAME_TEXT(DATA(ALL(good), .sealed = true), "deny");
	expect_error("which SYN the server took is not known");
	open_another((struct segment){.sealed = true});
	SAME_TEXT(SEND(.flags = SYN, .seq = 100), "pass");
	SAME_TEXT(DATA(ALL(good)), "deny");
	/* time stamps led around until an old one is the newest */
	open_another((struct segment){.stamped = true, .stamp = 5000});
	SAME_TEXT(SEND(.flags = SYN, .seq = 100, .stamped = true, .stamp = 5000 + 0x7fffffffu),
		  "pass");
	SAME_TEXT(SEND(.flags = SYN, .seq = 100, .stamped = true, .stamp = 4998), "pass");
	SAME_TEXT(DATA(ALL(good), .stamped = true, .stamp = 4999), "deny");
	open_another((struct segment){.stamped = true, .stamp = 5000}); /* in small steps */
	for (uint32_t stamp = 5000; stamp - 5000 < 0xffffffff - 0x100000; stamp += 0x100000)
		SEND(.flags = SYN, .seq = 100, .stamped = true, .stamp = stamp);
	SAME_TEXT(DATA(ALL(good), .stamped = true, .stamp = 4999), "deny");
	open_another((struct segment){.stamped = true, .stamp = 5000}); /* honest: 63 s later */
	SAME_TEXT(SEND(.flags = SYN, .seq = 100, .stamped = true, .stamp = 68000), "pass");
	SAME_TEXT(DATA(ALL(good), .stamped = true, .stamp = 69000), "allow");
}

/* Those that the server drops for their time stamp (RFC 7323 5.3). */
static void test_stamps(void)
{
	open_another((struct segment){.stamped = true, .stamp = 5000});
	SAME_TEXT(DATA(ALL(good), .stamped = true, .stamp = 4999), "deny");
	expect_error("the time stamp of a segment is too old");
	open_another((struct segment){.stamped = true, .stamp = 0xfffffff0});
	SAME_TEXT(DATA(ALL(good), .stamped = true, .stamp = 5), "allow"); /* it wraps */
	open_another((struct segment){.stamped = true, .stamp = 5000}); /* against one before it */
	SAME_TEXT(DATA(.data = good, .n = 20, .stamped = true, .stamp = 9000), "");
	SAME_TEXT(SEND(.flags = ACK, .seq = 121, .data = good + 20, .n = sizeof(good) - 21,
		       .stamped = true, .stamp = 6000),
		  "deny deny");
	/* one that overtook is no reason: TS.Recent is of what came in sequence */
	open_another((struct segment){.stamped = true, .stamp = 5000});
	SAME_TEXT(SEND(.flags = ACK, .seq = 121, .data = good + 20, .n = sizeof(good) - 21,
		       .stamped = true, .stamp = 9000),
		  "");
	SAME_TEXT(DATA(.data = good, .n = 20, .stamped = true, .stamp = 6000), "allow allow");
	/* the late copy of what is there brings nothing */
	open_another((struct segment){.stamped = true, .stamp = 5000});
	SAME_TEXT(DATA(.data = good, .n = 20, .stamped = true, .stamp = 9000), "");
	SAME_TEXT(DATA(.data = good, .n = 20, .stamped = true, .stamp = 6000), "");
	SAME_TEXT(SEND(.flags = ACK, .seq = 121, .data = good + 20, .n = sizeof(good) - 21,
		       .stamped = true, .stamp = 9000),
		  "allow allow allow");
	/* an end that the server drops, after which it goes on */
	open_another((struct segment){.stamped = true, .stamp = 5000});
	SAME_TEXT(DATA(.data = bad, .n = 2, .stamped = true, .stamp = 5000), "");
	SAME_TEXT(SEND(.flags = 1 | ACK, .seq = 103, .stamped = true, .stamp = 4999), "deny deny");
	expect_error("the time stamp of a segment is too old");
	/* in another order than Linux has them, in the SYN or behind it */
	open_another((struct segment){.stamped = true, .stamp = 5000, .reordered = true});
	SAME_TEXT(DATA(ALL(good), .stamped = true, .stamp = 4999), "deny");
	open_another((struct segment){.stamped = true, .stamp = 5000});
	SAME_TEXT(DATA(ALL(good), .stamped = true, .stamp = 4999, .reordered = true), "deny");
	expect_error("the time stamp of a segment is too old");
	/* the server had none to offer */
	open_another((struct segment){.stamped = true, .stamp = 5000});
	SAME_TEXT(DATA(ALL(good)), "allow");
}

/* Those that it drops for a signature that was not agreed on (RFC 2385). */
static void test_seals(void)
{
	open_another((struct segment){0});
	SAME_TEXT(DATA(ALL(good), .sealed = true), "deny");
	expect_error("a segment is signed and the SYN is not, or the other way");
	open_another((struct segment){.sealed = true});
	SAME_TEXT(DATA(ALL(good)), "deny");
	open_another((struct segment){.sealed = true});
	SAME_TEXT(DATA(ALL(good), .sealed = true), "allow");
}

/* Those that it drops for their flags: two SYN, a RST that does not fit, without ACK. */
static void test_flags(void)
{
	static const uint8_t flags[] = {SYN | ACK, RST, RST | ACK, 0, 8 /* PSH */, 1 /* FIN */};

	for (size_t i = 0; i < sizeof(flags); i++) {
		open_another((struct segment){0});
		SAME_TEXT(SEND(.flags = flags[i], .seq = 101 - (flags[i] & SYN) / SYN, ALL(good)),
			  "deny");
		expect_error("a segment has flags that none with data has");
	}
	open_another((struct segment){0});
	SAME_TEXT(SEND(.flags = 1 | 8 | ACK, .seq = 101, ALL(good)), "allow");
}

/* Those that it, or a router on the way, drops for options of IP. */
static void test_options(void)
{
	for (int i = 0; i < 2; i++) {
		six = i;
		open_another((struct segment){0});
		SAME_TEXT(DATA(ALL(good)), "allow");
		open_another((struct segment){0});
		optioned = true;
		SAME_TEXT(DATA(ALL(good)), "deny");
		expect_error("there are IP options or extension headers");
		open_another((struct segment){0}); /* also if the SYN had them */
		SAME_TEXT(DATA(ALL(good)), "deny");
		port++;
		SAME_TEXT(datagram(quic_v1, sizeof(quic_v1)), "deny");
		expect_error("there are IP options or extension headers");
		optioned = false;
		port++;
		SAME_TEXT(datagram(quic_v1, sizeof(quic_v1)), "allow");
	}
	six = false;
}

/* What comes first in a connection of MPTCP may be meant for its end, or nobody: another one brings
 * the rest. Without MPTCP it begins. */
static void test_multipath(void)
{
	port++;
	SAME_TEXT(SEND(.flags = SYN, .seq = 100, .capable = true), "deny");
	expect_error("it is a part of an MPTCP connection");
	SAME_TEXT(SEND(.flags = SYN, .seq = 100), "pass"); /* RFC 8684 3.7: once more without */
	SAME_TEXT(DATA(ALL(good)), "allow");
	port++;
	SAME_TEXT(SEND(.flags = SYN, .seq = 100, .joins = true), "deny");
	expect_error("it is a part of an MPTCP connection");
	port++; /* with data, which is fine by itself */
	SAME_TEXT(SEND(.flags = SYN, .seq = 100, .capable = true, ALL(good)), "deny");
	open_another((struct segment){0}); /* nobody has agreed to it */
	SAME_TEXT(DATA(ALL(good), .capable = true), "allow");
}

/* ---- what is nothing known to us, and is to servers ---- */

static void request(const char *text, const char *verdict)
{
	open_another((struct segment){0});
	SAME_TEXT(DATA(.data = text, .n = strlen(text)), verdict);
}

/* nginx and Apache serve each of these that is denied by its name. */
static void test_requests(void)
{
	char long_method[64 + sizeof(bad)];

	request("GET / HTTP/1.1 \r\nHost: a.casino.example\r\n\r\n", "deny");
	SAME_TEXT(last.name, "a.casino.example");
	request("GET   /   HTTP/1.1\r\nHost: a.casino.example\r\n\r\n", "deny");
	SAME_TEXT(last.name, "a.casino.example");
	memset(long_method, 'A', 40);
	strcpy(long_method + 40, bad + 3);
	request(long_method, "deny");
	SAME_TEXT(last.name, "a.casino.example");
	request("GET http://www.example.org/ HTTP/1.1\r\nHost: a.casino.example\r\n\r\n", "deny");
	expect_error("the target and the Host header name different hosts");
	request("GET http://a.casino.example/ HTTP/1.1\r\nHost: www.example.org\r\n\r\n", "deny");
	expect_error("the target and the Host header name different hosts");
	request("GET http://a.casino.example/\r\n", "deny");
	SAME_NUMBER(last.cause, CAUSE_ERROR);
	request("GET / HTTP/1.1\r\nHost: www.example.org\r\nHost: a.casino.example\r\n\r\n",
		"deny");
	SAME_NUMBER(last.cause, CAUSE_ERROR);
	request("GET / HTTP/1.1\r\nHost : a.casino.example\r\n\r\n", "deny");
	SAME_NUMBER(last.cause, CAUSE_ERROR);
	request(" GET / HTTP/1.1\r\nHost: a.casino.example\r\n\r\n", "deny"); /* Python's */
	SAME_TEXT(last.name, "a.casino.example");
}

/* A hello by hand (RFC 8446 4.1.2): names of its server_name extensions. */
static size_t hello_of(uint8_t *out, const char *const *names, int count)
{
	uint8_t *p = out + 5 + 4 + 2 + 32;

	memset(out, 0, (size_t)(p - out));
	memcpy(p, "\0\0\2\x13\x01\1\0\0\0", 9);
	p += 9;
	for (int i = 0; i < count; i++) {
		size_t n = strlen(names[i]);

		put16(p, 0);
		put16(p + 2, (unsigned)n + 5);
		put16(p + 4, (unsigned)n + 3);
		p[6] = 0;
		put16(p + 7, (unsigned)n);
		memcpy(p + 9, names[i], n);
		p += 9 + n;
	}
	put16(out + 5 + 4 + 2 + 32 + 7, (unsigned)(p - out) - (5 + 4 + 2 + 32 + 9));
	memcpy(out, "\x16\3\1", 3);
	put16(out + 3, (unsigned)(p - out) - 5);
	out[5] = 1;
	put16(out + 7, (unsigned)(p - out) - 9);
	memcpy(out + 9, "\3\3", 2);
	return (size_t)(p - out);
}

/* Names that servers read as another one: nginx takes off a port and dots. */
static void test_disguised(void)
{
	static const char *const names[] = {"a.casino.example:443", "a.casino.example..",
					    "a..casino.example", ".a.casino.example"};
	uint8_t hello[300];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		size_t n = hello_of(hello, &names[i], 1);

		open_another((struct segment){0});
		SAME_TEXT(DATA(.data = hello, .n = n), "deny");
		expect_error("the server name is malformed");
	}
	request("GET / HTTP/1.1\r\nHost: a.casino.example..\r\n\r\n", "deny");
	expect_error("the Host header is malformed");
	request("GET / HTTP/1.1\r\nHost: a.casino.example.:80\r\n\r\n", "deny");
	SAME_TEXT(last.name, "a.casino.example");
	request("GET http://www.example.org@a.casino.example/ HTTP/1.1\r\nHost: "
		"www.example.org\r\n\r\n",
		"deny");
	expect_error("the target's authority is malformed");
	request("GET / HTTP/1.1\r\nHost: www.example.org,a.casino.example\r\n\r\n", "deny");
	expect_error("the Host header is malformed");
	request("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "deny");
	expect_error("HTTP/2 without TLS: the name is compressed");
}

static void test_names(void)
{
	static const char *const names[] = {"www.example.org", "a.casino.example"};
	uint8_t hello[300];
	size_t n = hello_of(hello, names, 2);

	open_another((struct segment){0});
	SAME_TEXT(DATA(.data = hello, .n = n), "deny");
	expect_error("there are two server names");
	/* in one list, as RFC 6066 3 forbids: 15 bytes of a name, and 16 behind their header */
	n = hello_of(hello, (const char *const[]){"www.example.org...a.casino.example"}, 1);
	put16(hello + n - 36, 15);
	memcpy(hello + n - 19, "\0\0\x10", 3);
	open_another((struct segment){0});
	SAME_TEXT(DATA(.data = hello, .n = n), "deny");
	expect_error("the server name is malformed");
	n = hello_of(hello, names, 2);
	open_another((struct segment){0}); /* the first is not believed before the end */
	SAME_TEXT(DATA(.data = hello, .n = n - 8), "");
	SAME_TEXT(SEND(.flags = ACK, .seq = (uint32_t)(101 + n - 8), .data = hello + n - 8, .n = 8),
		  "deny deny");
}

/* The version of a record is to be ignored (RFC 8446 5.1); Go's servers do so below 0x1000. */
static void test_record_versions(void)
{
	static const char *const names[] = {"a.casino.example"};
	uint8_t hello[300];
	size_t n = hello_of(hello, names, 1);

	for (unsigned major = 0; major < 16; major += 5) {
		hello[1] = (uint8_t)major;
		open_another((struct segment){0});
		SAME_TEXT(DATA(.data = hello, .n = 3), "");
		SAME_TEXT(SEND(.flags = ACK, .seq = 104, .data = hello + 3, .n = n - 3),
			  "deny deny");
		SAME_TEXT(last.name, "a.casino.example");
	}
	hello[3] = hello[4] = 0; /* an empty one first */
	open_another((struct segment){0});
	SAME_TEXT(DATA(.data = hello, .n = n), "deny");
	expect_error("the length of a record is not allowed");
	open_another((struct segment){0}); /* another protocol */
	SAME_TEXT(DATA(ALL("\x16\x05\x01\x00\x04\x02xyz")), "allow");
	SAME_NUMBER(last.protocol, PROTOCOL_UNKNOWN);
}

/* ---- UDP ---- */

static size_t query(uint8_t *out, const char *name, uint8_t third, uint8_t fourth)
{
	size_t n = strlen(name);

	memcpy(out, "\0\1\1\0\0\1\0\0\0\0\0\0", 12);
	out[2] = third;
	out[3] = fourth;
	memcpy(out + 12, name, n + 1); /* labels behind their lengths */
	memcpy(out + 13 + n, "\0\1\0\1", 4);
	return n + 17;
}

#define BAD_LABELS "\1a\6casino\7example"
#define GOOD_LABELS "\3www\7example\3org"

static void test_lookups(void)
{
	uint8_t good_one[64], bad_one[64], zed[128];
	size_t ngood = query(good_one, GOOD_LABELS, 1, 0), nbad = query(bad_one, BAD_LABELS, 1, 0);

	to = 53;
	port++; /* the Z bit, a code of an answer */
	SAME_TEXT(datagram(zed, query(zed, BAD_LABELS, 1, 0x40)), "deny");
	SAME_TEXT(last.name, "a.casino.example");
	SAME_TEXT(datagram(zed, query(zed, BAD_LABELS, 1, 5)), "deny");
	port++; /* what is not the first */
	SAME_TEXT(datagram(good_one, ngood), "pass");
	SAME_TEXT(datagram(bad_one, nbad), "deny");
	SAME_TEXT(last.name, "a.casino.example");
	SAME_TEXT(datagram(good_one, ngood), "pass"); /* and the port goes on */
	port++; /* behind something else */
	SAME_TEXT(datagram("x", 1), "pass");
	SAME_TEXT(datagram("", 0), "pass");
	SAME_TEXT(datagram(bad_one, nbad), "deny");
	port++; /* behind a hello of QUIC, which no server of DNS reads */
	SAME_TEXT(datagram(quic_v1, sizeof(quic_v1)), "pass");
	SAME_TEXT(datagram(bad_one, nbad), "deny");
	port++; /* in one packet with an allowed one, by UDP_SEGMENT or rx-udp-gro-forwarding */
	several = true;
	memcpy(zed, good_one, ngood);
	memcpy(zed + ngood, bad_one, 12);
	SAME_TEXT(datagram(zed, ngood + 12), "deny");
	expect_error("several datagrams are one packet");
	SAME_TEXT(datagram(bad_one, nbad), "deny");
	SAME_TEXT(last.name, "a.casino.example");
	SAME_TEXT(datagram("x", 1), "deny"); /* whatever it begins with, at a server of DNS */
	to = 5000;
	port++;
	SAME_TEXT(datagram("x", 1), "pass"); /* a tunnel */
	SAME_TEXT(datagram(good_one, ngood), "deny");
	several = false;
	/* more than one question (RFC 9619 4): a server may take the first, or any of them */
	port++;
	memcpy(zed, good_one, ngood);
	zed[5] = 2;
	SAME_TEXT(datagram(zed, ngood), "deny");
	expect_error("there are several questions");
	memcpy(zed + ngood, bad_one + 12, nbad - 12);
	SAME_TEXT(datagram(zed, ngood + nbad - 12), "deny");
	expect_error("there are several questions");
	zed[4] = zed[5] = 0xff;
	SAME_TEXT(datagram(zed, ngood), "deny");
	expect_error("there are several questions");
	/* a STUN request (RFC 8489 5), of which the number could begin with a root's question */
	port++;
	SAME_TEXT(datagram("\0\1\0\0\x21\x12\xa4\x42" "abcd\0efghijk", 20), "pass");
	SAME_NUMBER(last.protocol, PROTOCOL_UNKNOWN);
	/* between two datagrams of one hello */
	to = 443;
	port++;
	SAME_TEXT(datagram(quic_hybrid_1, sizeof(quic_hybrid_1)), "");
	SAME_TEXT(datagram(bad_one, nbad), "deny");
	SAME_TEXT(datagram(quic_hybrid_2, sizeof(quic_hybrid_2)), "allow allow");
	to = 443;
}

/* What the manual says is not seen: the second look-up of a connection. */
static void test_not_seen(void)
{
	uint8_t two[128];
	size_t good_n = query(two + 2, GOOD_LABELS, 1, 0), n;

	put16(two, (unsigned)good_n);
	n = 2 + good_n + 2 + query(two + good_n + 4, BAD_LABELS, 1, 0);
	put16(two + 2 + good_n, (unsigned)(n - good_n - 4));
	to = 53;
	open_another((struct segment){0});
	SAME_TEXT(DATA(.data = two, .n = n), "allow");
	SAME_TEXT(last.name, "www.example.org");
	open_another((struct segment){0}); /* and the other way round it is */
	memmove(two, two + 2 + good_n, n - 2 - good_n);
	SAME_TEXT(DATA(.data = two, .n = n - 2 - good_n), "deny");
	to = 443;
}

/* What is all that comes, and may be the beginning of DNS over TCP. */
static void test_short_greeting(void)
{
	open_another((struct segment){0});
	SAME_TEXT(DATA(.data = "\5\1\0", .n = 3), ""); /* SOCKS 5, one method (RFC 1928 3) */
	now += 11 * SECOND;
	*said = '\0';
	judge_tick(judge, now);
	SAME_TEXT(said, "deny");
	SAME_NUMBER(last.cause, CAUSE_TIMEOUT);
}

/* A version that cannot be read is QUIC all the same. */
static void test_versions(void)
{
	static const uint32_t versions[] = {0xff00001d, 0xff020000, 0x709a50c4, 0x1a2a3a4a,
					    0x51303530, 0xfaceb002, 0x50435130};
	uint8_t hello[sizeof(quic_v1)];

	memcpy(hello, quic_v1, sizeof(hello));
	for (size_t i = 0; i < sizeof(versions) / sizeof(*versions); i++) {
		put32(hello + 1, versions[i]);
		port++;
		SAME_TEXT(datagram(hello, sizeof(hello)), "deny");
		expect_error("this version of QUIC cannot be read");
	}
}

/* A hello of QUIC behind a look-up, in one connection of the kernel. */
static void test_other_protocol(void)
{
	uint8_t lookup[64];
	size_t n = query(lookup, GOOD_LABELS, 1, 0);

	port++;
	SAME_TEXT(datagram(lookup, n), "pass");
	events = 0;
	SAME_TEXT(datagram(quic_v1, sizeof(quic_v1)), "allow");
	SAME_NUMBER(events, 1);
	SAME_NUMBER(last.protocol, PROTOCOL_QUIC);
	SAME_TEXT(last.name, "example.com");
}

/* Another connection of QUIC between the same ports, which the rules ask about again (RFC 9000 5.1:
 * a connection is its ids, not its ports). */
static void test_another_quic(void)
{
	port++;
	SAME_TEXT(datagram(ALL_OF(quic_v1)), "allow");
	events = 0;
	SAME_TEXT(datagram(ALL_OF(quic_v1)), "allow"); /* sent again */
	SAME_TEXT(datagram(ALL_OF(quic_ack)), "allow"); /* what follows on it */
	SAME_TEXT(datagram(ALL_OF(quic_ack_same_cid)), "allow");
	SAME_TEXT(datagram(ALL_OF(quic_handshake)), "allow");
	SAME_TEXT(datagram("\x43 short header", 14), "allow");
	SAME_NUMBER(events, 0);
	SAME_TEXT(datagram(ALL_OF(quic_denied)), "deny");
	SAME_TEXT(last.name, "a.casino.example");
	SAME_TEXT(datagram(ALL_OF(quic_denied)), "deny");
	SAME_TEXT(datagram(ALL_OF(quic_denied_same_cid)), "deny"); /* the id is the client's choice */
	SAME_NUMBER(events, 3);
	/* the first one lives on */
	SAME_TEXT(datagram("\x43 short header", 14), "allow");
	SAME_TEXT(datagram(ALL_OF(quic_handshake)), "allow");
	SAME_NUMBER(events, 3);
	SAME_TEXT(datagram(ALL_OF(quic_other)), "allow"); /* and a third one comes */
	SAME_NUMBER(events, 4);
	/* much later */
	now += 50 * SECOND;
	SAME_TEXT(datagram(ALL_OF(quic_ack)), "allow");
	SAME_TEXT(datagram(ALL_OF(quic_ack_same_cid)), "allow");
	SAME_TEXT(datagram(ALL_OF(quic_denied)), "deny");
	now += 70 * SECOND; /* what the ports were used for is forgotten */
	SAME_TEXT(datagram("\x43 short header", 14), "pass");
	SAME_NUMBER(last.protocol, PROTOCOL_UNKNOWN);
}

/* Its hello in two datagrams, in any order, with a packet of the first connection between them. */
static void test_another_split_quic(void)
{
	port++;
	SAME_TEXT(datagram(ALL_OF(quic_v1)), "allow");
	SAME_TEXT(datagram(ALL_OF(quic_denied_half)), "");
	SAME_TEXT(datagram("\x43 short header", 14), "pass");
	SAME_TEXT(datagram(ALL_OF(quic_denied_rest)), "deny deny");
	SAME_TEXT(datagram(ALL_OF(quic_denied_rest)), "");
	SAME_TEXT(datagram(ALL_OF(quic_denied_half)), "deny deny");
	SAME_TEXT(datagram(ALL_OF(quic_hybrid_1)), "allow"); /* of its id, and says nothing else */
	SAME_TEXT(datagram(ALL_OF(quic_other)), "allow");
	SAME_TEXT(datagram(ALL_OF(quic_hybrid_1)), "");
	SAME_TEXT(datagram(ALL_OF(quic_hybrid_2)), "allow allow");
	SAME_TEXT(last.name, "www.example.org");
}

/* One of a version that cannot be read. */
static void test_another_version(void)
{
	uint8_t hello[sizeof(quic_denied)];

	port++;
	SAME_TEXT(datagram(ALL_OF(quic_v1)), "allow");
	memcpy(hello, quic_denied, sizeof(hello));
	put32(hello + 1, 0xfaceb002);
	SAME_TEXT(datagram(ALL_OF(hello)), "deny");
	expect_error("this version of QUIC cannot be read");
}

int main(void)
{
	struct buf why = {0};
	json_t *j = json_loads(tables_text, 0, NULL);

	board = calloc(1, sizeof(*board));
	SAME_NUMBER(tables_load(&tables, j, &why), 0);
	begin();
	test_plain();
	test_opening();
	test_openings();
	test_urgent();
	test_ttl();
	test_datagram_ttl();
	test_two_syns();
	test_two_manners();
	test_stamps();
	test_seals();
	test_flags();
	test_options();
	test_multipath();
	test_requests();
	test_names();
	test_record_versions();
	test_disguised();
	test_lookups();
	test_versions();
	test_not_seen();
	test_short_greeting();
	test_other_protocol();
	test_another_quic();
	test_another_split_quic();
	test_another_version();
	SAME_NUMBER(board->held, 0);
	judge_free(judge);
	tables_free(&tables);
	json_decref(j);
	free(board);
	return test_end();
}
