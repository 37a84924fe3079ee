/* SPDX-License-Identifier: GPL-2.0-or-later
 * Packets that wait: which are held, which are answered when and how. Names of the answers are
 * those of the manual; no memory is taken while packets come.
 */
#include <stdlib.h>

#include "allocations.h"
#include "inspect/checksum.h"
#include "inspect/judge.h"
#include "inspect/waiting.h"
#include "test.h"
#include "vectors/vectors.h"

#define SECOND 1000000000ull
#define SLOTS 64
#define RULE 7
#define PATCH 8
#define PATTERN 9
#define TOLD 10
#define OPEN 11

static const char tables_text[] =
	"{\"format\":1,\"inspectors\":["
	" {\"name\":\"names\",\"on-no-helper\":\"allow\",\"entries\":["
	"  {\"verdict\":\"deny\",\"look\":\"sni\",\"names\":[\"*.casino.example\"]},"
	"  {\"verdict\":\"reject\",\"look\":\"host\",\"names\":[\"bad.example\"]},"
	"  {\"verdict\":\"allow\",\"look\":\"any\"}]},"
	" {\"name\":\"told\",\"entries\":["
	"  {\"verdict\":\"deny\",\"look\":\"domain\",\"names\":[\"ads.example\"],"
	"   \"answer\":[\"refused\"]},"
	"  {\"verdict\":\"allow\",\"look\":\"any\"}]},"
	" {\"name\":\"pattern\",\"entries\":["
	"  {\"verdict\":\"deny\",\"look\":\"payload\",\"patterns\":[\"^.{0,50}zz\"]},"
	"  {\"verdict\":\"allow\",\"look\":\"any\"}]},"
	" {\"name\":\"open\",\"on-overflow\":\"allow\",\"entries\":["
	"  {\"verdict\":\"deny\",\"look\":\"unknown-protocol\"},"
	"  {\"verdict\":\"allow\",\"look\":\"any\"}]},"
	" {\"name\":\"patch\",\"entries\":[],\"rewrites\":[{\"from\":\"6162\",\"to\":\"7879\"}]}],"
	"\"mark\":4278190080,"
	"\"queues\":[{\"first\":1,\"count\":1,\"on-overflow\":\"deny\",\"rewrite\":false},"
	"           {\"first\":2,\"count\":1,\"on-overflow\":\"deny\",\"rewrite\":true}],"
	"\"rules\":[{\"id\":7,\"inspector\":\"names\",\"queue\":1},"
	"          {\"id\":8,\"inspector\":\"patch\",\"queue\":2},"
	"          {\"id\":10,\"inspector\":\"told\",\"queue\":1},"
	"          {\"id\":11,\"inspector\":\"open\",\"queue\":1},"
	"          {\"id\":9,\"inspector\":\"pattern\",\"queue\":1}]}";

static struct tables tables;
static struct board *board;
static struct judge *judge;
static char said[4096];
static uint8_t changed[256];
static struct event last;
static unsigned events;
static uint64_t now = 100 * SECOND;
static uint32_t field = RULE;
static bool replayed, kept;

static void answer(void *ctx, uint32_t slot, enum act act)
{
	static const char *const words[NACTS] = {"hold",  "pass", "allow", "deny",  "reject",
						 "again", "drop", "keep",  "forget"};

	(void)ctx;
	sprintf(said + strlen(said), "%s%u:%s", *said ? " " : "", slot, words[act]);
}

static void rewritten(void *ctx, uint32_t slot, const uint8_t *p, size_t n)
{
	(void)ctx;
	memcpy(changed, p, n);
	sprintf(said + strlen(said), "%s%u:rewritten", *said ? " " : "", slot);
}

static void replied(void *ctx, uint32_t slot, const uint8_t *p, size_t n)
{
	(void)ctx;
	sprintf(said + strlen(said), "%s%u:denied, told %02x%02x and %zu bytes", *said ? " " : "",
		slot, p[2], p[3], n);
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
				 .small = SLOTS,
				 .large = 2,
				 .answer = answer,
				 .rewritten = rewritten,
				 .replied = replied,
				 .event = event};

	judge_free(judge);
	judge = judge_new(&c);
}

/* ---- packets, put together by hand ---- */

static uint8_t packet[65536];

static void put16(uint8_t *at, unsigned v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static size_t ip4(uint8_t protocol, size_t n)
{
	memset(packet, 0, 20);
	packet[0] = 0x45;
	put16(packet + 2, (unsigned)(20 + n));
	packet[8] = 64;
	packet[9] = protocol;
	memcpy(packet + 12, "\x0a\0\0\2\x0a\0\1\2", 8);
	return 20 + n;
}

static const char *give(uint32_t slot, size_t n)
{
	struct judge_packet k = {.slot = slot,
				 .field = field,
				 .replayed = replayed,
				 .kept = kept,
				 .now = now,
				 .p = packet,
				 .n = n};

	*said = '\0';
	judge_packet(judge, &k);
	return said;
}

static const char *tcp(uint32_t slot, unsigned port, uint32_t seq, uint8_t flags, const void *data,
		       size_t n)
{
	uint8_t *t = packet + 20;

	memset(t, 0, 20);
	put16(t, port);
	put16(t + 2, 443);
	put16(t + 4, seq >> 16);
	put16(t + 6, seq & 0xffff);
	t[12] = 5 << 4;
	t[13] = flags;
	if (n)
		memcpy(t + 20, data, n);
	return give(slot, ip4(6, 20 + n));
}

static const char *udp(uint32_t slot, unsigned port, const void *data, size_t n)
{
	uint8_t *t = packet + 20;

	memset(t, 0, 8);
	put16(t, port);
	put16(t + 2, 443);
	put16(t + 4, (unsigned)(8 + n));
	memcpy(t + 8, data, n);
	return give(slot, ip4(17, 8 + n));
}

static const char *tick(void)
{
	*said = '\0';
	judge_tick(judge, now);
	return said;
}

#define SYN 2
#define ACK 16
#define FIN 17

/* ---- cases ---- */

#define HELLO hybrid_hello /* some 1,800 bytes, a name that is not denied */

static void test_order(void)
{
	size_t n = sizeof(HELLO);

	SAME_TEXT(tcp(1, 1000, 500, SYN, NULL, 0), "1:pass");
	SAME_TEXT(tcp(2, 1000, 501, ACK, HELLO, 1000), "2:hold");
	SAME_TEXT(tcp(3, 1000, 1501, ACK, HELLO + 1000, n - 1000), "3:hold 2:allow 3:allow");
	SAME_NUMBER(last.verdict, VERDICT_ALLOW);
	SAME_NUMBER(last.id, RULE);
	SAME_NUMBER(last.entry, 3);

	SAME_TEXT(tcp(1, 1001, 500, SYN, NULL, 0), "1:pass"); /* swapped */
	SAME_TEXT(tcp(2, 1001, 1501, ACK, HELLO + 1000, n - 1000), "2:hold");
	SAME_TEXT(tcp(3, 1001, 501, ACK, HELLO, 1000), "3:hold 2:allow 3:allow");

	SAME_TEXT(tcp(4, 1001, 501, ACK, HELLO, 1000), "4:allow"); /* was under way */
	SAME_NUMBER(board->flows, 0);
	SAME_NUMBER(board->held, 0);
}

static void test_refusals(void)
{
	static const char get[] = "GET / HTTP/1.1\r\nHost: bad.example\r\n\r\n";

	tcp(1, 1100, 9, SYN, NULL, 0);
	SAME_TEXT(tcp(2, 1100, 10, ACK, get, sizeof(get) - 1), "2:hold 2:reject");
	SAME_TEXT(tcp(3, 1100, 10, ACK, get, sizeof(get) - 1), "3:reject");
	SAME_TEXT(tcp(4, 1100, 0x40000000, SYN, NULL, 0), "4:pass"); /* anew, so judged anew */
	SAME_TEXT(tcp(5, 1100, 0x40000001, ACK, "\x16\x03", 2), "5:hold");
	SAME_TEXT(tcp(6, 1100, 0x90000000, SYN, NULL, 0), "5:drop 6:pass"); /* held of one that is
									       gone */
	SAME_TEXT(tcp(7, 1100, 0x90000000, SYN, NULL, 0), "7:pass"); /* the same once more */
	SAME_TEXT(tcp(8, 1100, 0x90000001, FIN, NULL, 0), "8:pass"); /* an end of nothing */
}

/* Words: deny is the default, on-no-helper says allow. */
static void test_unknowns(void)
{
	unsigned before = events;

	SAME_TEXT(tcp(1, 1200, 50, ACK, "x", 1), "1:allow"); /* nobody saw it begin */
	SAME_NUMBER(last.cause, CAUSE_NO_HELPER);
	SAME_NUMBER(board->unseen, 1);
	tcp(1, 1201, 50, SYN, NULL, 0);
	SAME_TEXT(tcp(2, 1201, 51, ACK, "\x16\x03\x01\x02\x00\x01", 6), "2:hold");
	now += 9 * SECOND;
	SAME_TEXT(tick(), "");
	now += SECOND;
	SAME_TEXT(tick(), "2:deny");
	SAME_NUMBER(last.cause, CAUSE_TIMEOUT);
	SAME_TEXT(tcp(3, 1201, 57, ACK, "\x01", 1), "3:deny");
	SAME_NUMBER(events - before, 2);
	field = 99;
	SAME_TEXT(tcp(3, 1202, 50, SYN, NULL, 0), "3:hold"); /* tables are on their way */
	now += 11 * SECOND;
	SAME_TEXT(tick(), "3:drop");
	SAME_NUMBER(board->unknown, 1);
	replayed = true; /* they came, and do not know it either */
	SAME_TEXT(tcp(4, 1202, 50, SYN, NULL, 0), "4:again");
	replayed = false;
	field = 2; /* it has a verdict already: never again */
	SAME_TEXT(tcp(5, 1202, 50, SYN, NULL, 0), "5:drop");
	field = RULE;
	packet[0] = 0x45;
	SAME_TEXT(give(6, ip4(1, 8)), "6:drop"); /* ICMP is nothing to inspect */
	SAME_NUMBER(board->astray, 2);
}

/* One byte a segment: a sender gets its answers, but the end waits for the decision. */
static void test_crumbs(void)
{
	size_t n = sizeof(HELLO), passed = 0, released = 0;

	tcp(0, 1300, 0, SYN, NULL, 0);
	for (size_t i = 0; i < n; i++) {
		const char *s =
			tcp((uint32_t)(i % SLOTS), 1300, (uint32_t)i + 1, ACK, HELLO + i, 1);

		passed += strstr(s, ":keep") != NULL;
		if (strstr(s, ":allow")) {
			for (released = 0; (s = strstr(s, ":allow")); released++)
				s++;
			CHECK(i > 1000); /* not before the name was there */
			break;
		}
	}
	SAME_NUMBER(released, WAITING_CRUMBS + 1);
	CHECK(passed > 1000);
}

/* Of a sender that got no answer yet: ten segments of 1,460 or of 536 bytes, each a packet or all
 * of them one, as a kernel puts them together. Not all of them may be held. */
static void test_window(void)
{
	static char head[16000] = "GET / HTTP/1.1\r\nHost: www.example\r\nX: ";
	static const size_t mss[] = {1460, 536};

	memset(head + strlen(head), 'x', sizeof(head) - strlen(head));
	for (unsigned k = 0; k < 4; k++) {
		size_t n = 10 * mss[k / 2], each = k % 2 ? n : mss[k / 2], held = 0;
		unsigned port = 1310 + k;

		tcp(0, port, 0, SYN, NULL, 0);
		for (size_t at = 0; at < n; at += each) {
			const char *s = tcp((uint32_t)(at / each), port, (uint32_t)at + 1, ACK,
					    head + at, each);

			CHECK(strstr(s, ":hold") != NULL);
			for (held += each; (s = strstr(s, ":keep")); s++)
				held -= each;
		}
		CHECK(held <= WAITING_CRUMBS_BYTES);
		tcp(20, port, (uint32_t)n + 1, ACK, "\r\n\r\n", 4);
		CHECK(strstr(said, "20:allow") != NULL);
		SAME_NUMBER(board->held, 0);
	}
}

/* Pieces that overtake each other: once there is quiet nothing is held, and the last one decides.
 */
static void test_overtaken(void)
{
	static char head[12000] = "GET / HTTP/1.1\r\nHost: www.example\r\nX: ";
	const size_t n = sizeof(head), each = 1200;
	int open = 0;

	memset(head + strlen(head), 'x', n - strlen(head));
	tcp(0, 1319, 0, SYN, NULL, 0);
	for (uint32_t i = 0; i < n / each; i++) {
		size_t at = (i ^ 1) * each;
		const char *s = tcp(i, 1319, (uint32_t)at + 1, ACK, head + at, each);

		for (open++; (s = strstr(s, ":keep")); s++)
			open--;
	}
	now += WAITING_QUIET_NS;
	for (const char *s = tick(); (s = strstr(s, ":keep")); s++)
		open--;
	SAME_NUMBER(open, 0);
	tcp(20, 1319, (uint32_t)n + 3, ACK, "\r\n", 2);
	SAME_TEXT(said, "20:hold");
	tcp(21, 1319, (uint32_t)n + 1, ACK, "\r\n", 2);
	CHECK(strstr(said, "20:allow 21:allow") != NULL);
	SAME_NUMBER(board->held, 0);
}

/* A sender with Nagle's algorithm (RFC 896) sends nothing more before it has an answer. */
static void test_quiet(void)
{
	static char head[5000] = "GET / HTTP/1.1\r\nHost: bad.example\r\nX: ";
	const uint32_t n = sizeof(head);

	memset(head + strlen(head), 'x', n - strlen(head));
	memcpy(head + n - 4, "\r\n\r\n", 4);
	tcp(1, 1320, 0, SYN, NULL, 0);
	SAME_TEXT(tcp(2, 1320, 1, ACK, head, 4500), "2:hold 2:keep"); /* too much to hold */
	SAME_TEXT(tcp(3, 1320, 4501, ACK, head + 4500, 100), "3:hold");
	SAME_TEXT(tick(), "");
	*said = '\0';
	CHECK(judge_tick(judge, now) <= now + 10000000); /* before it is sent again */
	now += WAITING_QUIET_NS;
	SAME_TEXT(tick(), "3:keep");
	SAME_TEXT(tick(), "");
	begin(); /* the next one is shown what went on */
	replayed = kept = true;
	SAME_TEXT(tcp(2, 1320, 1, ACK, head, 4500), "");
	SAME_TEXT(tcp(3, 1320, 4501, ACK, head + 4500, 100), "");
	replayed = kept = false;
	SAME_TEXT(tcp(5, 1320, 4601, ACK, head + 4600, n - 4600),
		  "5:hold 2:forget 3:forget 5:reject");
	SAME_NUMBER(board->held, 0);
	/* of what is small no byte goes on before the decision */
	tcp(1, 1322, 0, SYN, NULL, 0);
	SAME_TEXT(tcp(2, 1322, 1, ACK, head, 30), "2:hold");
	now += SECOND;
	SAME_TEXT(tick(), "");
	SAME_TEXT(tcp(3, 1322, 31, ACK, head + 30, n - 30), "3:hold 2:reject 3:reject");
	/* a pattern alone waits on: whoever is asked might answer */
	field = PATTERN;
	tcp(1, 1321, 0, SYN, NULL, 0);
	SAME_TEXT(tcp(2, 1321, 1, ACK, "\1\2\3\4\5\6\7\1", 8), "2:hold");
	now += SECOND;
	SAME_TEXT(tick(), "");
	now += 10 * SECOND;
	SAME_TEXT(tick(), "2:deny");
	field = RULE;
}

/* Of one connection not everything is kept: whoever judges it next cannot know the rest. */
static void test_forgotten(void)
{
	static char head[20000] = "GET / HTTP/1.1\r\nHost: www.example\r\nX: ";

	memset(head + strlen(head), 'x', sizeof(head) - strlen(head));
	for (int again = 0; again < 2; again++) {
		unsigned port = 1330 + (unsigned)again;

		tcp(1, port, 0, SYN, NULL, 0);
		SAME_TEXT(tcp(2, port, 1, ACK, head, 5000), "2:hold 2:keep");
		SAME_TEXT(tcp(3, port, 5001, ACK, head + 5000, 5000), "3:hold 3:keep");
		SAME_TEXT(tcp(4, port, 10001, ACK, head + 10000, 5000), "4:hold 4:keep 2:forget");
		if (!again) /* the one that has seen it does */
			SAME_TEXT(tcp(5, port, 15001, ACK, "\r\n\r\n", 4),
				  "5:hold 3:forget 4:forget 5:allow");
	}
	begin();
	replayed = kept = true;
	SAME_TEXT(tcp(3, 1331, 5001, ACK, head + 5000, 5000), "3:forget");
	SAME_NUMBER(last.cause, CAUSE_OVERFLOW);
	SAME_TEXT(tcp(4, 1331, 10001, ACK, head + 10000, 5000), "4:forget");
	replayed = kept = false;
	SAME_TEXT(tcp(5, 1331, 15001, ACK, "\r\n\r\n", 4), "5:deny");
	SAME_TEXT(tcp(1, 1331, 0x40000000, SYN, NULL, 0), "1:pass"); /* another one begins anew */
	SAME_TEXT(tcp(2, 1331, 0x40000001, ACK, "GET / HTTP/1.1\r\n\r\n", 18), "2:hold 2:allow");
	SAME_NUMBER(board->held, 0);
}

static void test_room(void)
{
	char wanted[64];

	begin();
	for (unsigned i = 0; i < SLOTS / 4 * 3; i++) {
		tcp(i, 2000 + i, 0, SYN, NULL, 0);
		sprintf(wanted, "%u:hold", i);
		SAME_TEXT(tcp(i, 2000 + i, 1, ACK, "\x16", 1), wanted);
	}
	SAME_TEXT(tcp(60, 3000, 0, SYN, NULL, 0), "0:deny 60:pass"); /* the oldest */
	SAME_NUMBER(last.cause, CAUSE_OVERFLOW);
	begin();
}

static void test_datagrams(void)
{
	static const uint8_t query[] = "\0\1\1\0\0\1\0\0\0\0\0\0\1a\7example\0\0\1\0\1";

	unsigned before = events;

	/* each for itself, by an inspector that looks into them */
	SAME_TEXT(udp(1, 1400, query, sizeof(query) - 1), "1:pass");
	SAME_TEXT(udp(2, 1400, query, sizeof(query) - 1), "2:pass");
	SAME_NUMBER(events - before, 2);
	SAME_TEXT(udp(4, 1401, "", 0), "4:pass");
	SAME_TEXT(udp(5, 1402, "zz", 2), "5:pass");
	/* the first, by one that has only patterns */
	field = PATTERN;
	before = events;
	SAME_TEXT(udp(1, 1403, "aa", 2), "1:allow");
	SAME_TEXT(udp(2, 1403, "zz", 2), "2:allow"); /* was under way */
	SAME_NUMBER(events - before, 1);
	now += 3 * SECOND; /* conntrack may have forgotten it */
	SAME_TEXT(udp(3, 1403, "zz", 2), "3:deny");
	SAME_TEXT(udp(4, 1404, "", 0), "4:pass");
	field = RULE;
}

/* Each query that an entry has an answer for gets it; TCP does not. */
static void test_replies(void)
{
	static const uint8_t query[] = "\0\1\1\0\0\1\0\0\0\0\0\0\1a\3ads\7example\0\0\1\0\1";
	uint8_t stream[2 + sizeof(query) - 1] = {0, sizeof(query) - 1};

	field = TOLD;
	for (unsigned i = 0; i < 2; i++) {
		SAME_TEXT(udp(i, 1410, query, sizeof(query) - 1),
			  i ? "1:denied, told 8185 and 31 bytes"
			    : "0:denied, told 8185 and 31 bytes");
		SAME_NUMBER(last.verdict, VERDICT_DENY);
		SAME_NUMBER(last.entry, 1);
		CHECK(last.answered);
	}
	memcpy(stream + 2, query, sizeof(query) - 1);
	SAME_TEXT(tcp(2, 1411, 99, SYN, NULL, 0), "2:pass");
	SAME_TEXT(tcp(3, 1411, 100, ACK, stream, sizeof(stream)), "3:hold 3:deny");
	SAME_NUMBER(last.entry, 1);
	CHECK(!last.answered);
	field = RULE;
}

/* A judge died: the next one gets what was held, and knows the SYN from the board. */
static void test_replay(void)
{
	size_t n = sizeof(HELLO);

	tcp(1, 1500, 500, SYN, NULL, 0);
	SAME_TEXT(tcp(2, 1500, 1501, ACK, HELLO + 1000, n - 1000), "2:hold");
	begin();
	replayed = true;
	SAME_TEXT(tcp(2, 1500, 1501, ACK, HELLO + 1000, n - 1000), "2:hold");
	replayed = false;
	SAME_TEXT(tcp(3, 1500, 501, ACK, HELLO, 1000), "3:hold 2:allow 3:allow");
	/* one that was being written when its writer died is none */
	tcp(1, 1501, 500, SYN, NULL, 0);
	for (unsigned b = 0; b < KNOWN_BUCKETS; b++)
		for (unsigned i = 0; i < KNOWN_WAYS; i++)
			if (board->known.v[b][i].key.sport == 1501)
				board->known.v[b][i].whole = 0;
	SAME_TEXT(tcp(2, 1501, 501, ACK, "x", 1), "2:allow"); /* on-no-helper */
}

static uint16_t sum16(const uint8_t *p, size_t n, uint32_t sum)
{
	for (size_t i = 0; i < n; i++)
		sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* Verified as a receiver does: all together is all ones (RFC 1071 1). */
static void test_rewrite(void)
{
	static const uint8_t rfc1071[] = {0x45, 0, 0,	 0x73, 0, 0, 0x40, 0,	 0x40, 0x11,
					  0,	0, 0xc0, 0xa8, 0, 1, 0xc0, 0xa8, 0,    0xc7};
	uint8_t p[20 + 95] = {0};

	field = PATCH;
	SAME_TEXT(tcp(1, 1600, 1, SYN, NULL, 0), "1:pass");
	SAME_TEXT(tcp(2, 1600, 2, ACK, "no", 2), "2:pass");
	SAME_TEXT(tcp(3, 1600, 2, ACK, "cabin", 5), "3:rewritten");
	CHECK(!memcmp(changed + 40, "cxyin", 5));
	SAME_NUMBER(sum16(changed, 20, 0), 0xffff);
	SAME_NUMBER(sum16(changed + 20, 25, (uint32_t)sum16(changed + 12, 8, 0) + 6 + 25), 0xffff);
	SAME_TEXT(udp(4, 1600, "ab", 2), "4:rewritten");
	CHECK(changed[26] == 0 && changed[27] == 0); /* UDP had no checksum, and has none */
	put16(packet + 26, 1);
	SAME_TEXT(give(5, 30), "5:rewritten");
	SAME_NUMBER(sum16(changed + 20, 10, (uint32_t)sum16(changed + 12, 8, 0) + 17 + 10), 0xffff);
	field = RULE;
	/* the header that is often shown: its sum is b861 */
	memcpy(p, rfc1071, sizeof(rfc1071));
	put16(p + 24, 95);
	CHECK(checksum_packet(p, sizeof(p)));
	SAME_NUMBER(p[10] << 8 | p[11], 0xb861);
	CHECK(!checksum_packet(p, 30)); /* cut */
}

/* A client that opens one connection and a hundred thousand more does not make it one that began
 * when nobody listened: on-overflow decides (here deny), and not on-no-helper (allow). Nor is one
 * that nobody saw begin let in by on-overflow for ever (allow, and on-no-helper deny). Of those
 * that are decided, nothing is lost when they give way after a minute. */
static void test_flood(void)
{
	uint64_t unseen = board->unseen, overflows = board->overflows;

	memset(&board->known, 0, sizeof(board->known));
	board->known.secret[0] = 0x0123456789abcdef;
	begin();
	tcp(0, 5000, 5000, 0x02, NULL, 0);
	for (unsigned i = 0; i < 131072; i++) {
		now++;
		memset(packet + 20, 0, 20);
		packet[32] = 5 << 4;
		packet[33] = 0x02;
		ip4(6, 20);
		memcpy(packet + 12, &i, 4); /* its address */
		give(1, 40);
	}
	SAME_TEXT(tcp(2, 5000, 5001, 0x18, "GET", 3), "2:deny");
	SAME_NUMBER(last.cause, CAUSE_OVERFLOW);
	SAME_NUMBER(board->unseen, unseen);
	SAME_NUMBER(board->overflows, overflows + 1);
	field = OPEN;
	SAME_TEXT(tcp(2, 5001, 5001, 0x18, "GET", 3), "2:allow"); /* it may be one of the flood */
	SAME_NUMBER(last.cause, CAUSE_OVERFLOW);
	now += 3600 * SECOND;
	SAME_TEXT(tcp(2, 5003, 5001, 0x18, "GET", 3), "2:deny");
	SAME_NUMBER(last.cause, CAUSE_NO_HELPER);
	SAME_NUMBER(board->unseen, unseen + 1);
	field = RULE; /* who waits long enough gets no other word, either */
	SAME_TEXT(tcp(2, 5004, 5001, 0x18, "GET", 3), "2:deny");
	SAME_NUMBER(last.cause, CAUSE_OVERFLOW);

	memset(&board->known, 0, sizeof(board->known));
	for (unsigned i = 0; i < 131072; i++) {
		struct known_key key = {.sport = (uint16_t)i, .dport = (uint16_t)(i >> 16)};

		now += SECOND;
		known_decide(&board->known, &key, VERDICT_ALLOW, now);
	}
	SAME_TEXT(tcp(3, 5002, 5001, 0x18, "GET", 3), "3:allow");
	SAME_NUMBER(last.cause, CAUSE_NO_HELPER);
}

/* Fills the bucket of the first one: those that are undecided first; the last one is too much. */
static void fill(struct known_key *key, int undecided)
{
	static const struct manner none = {0};
	uint64_t place;
	uint32_t i = 1;

	memset(board->known.v, 0, sizeof(board->known.v));
	memset(board->known.forgot, 0, sizeof(board->known.forgot));
	key[0] = (struct known_key){.sport = 1};
	place = known_hash(&board->known, key) % KNOWN_BUCKETS;
	for (int n = 0; n <= KNOWN_WAYS; i++) {
		key[n] = (struct known_key){.sport = (uint16_t)i, .dport = (uint16_t)(i >> 16)};
		if (known_hash(&board->known, &key[n]) % KNOWN_BUCKETS != place)
			continue;
		if (n < undecided)
			known_open(&board->known, &key[n], 7, &none, now + (uint64_t)n);
		else
			known_decide(&board->known, &key[n], VERDICT_DENY, now + (uint64_t)n);
		n++;
	}
}

/* Of what is decided the kernel knows it: that gives way first. */
static void test_what_gives_way(void)
{
	struct known_key key[KNOWN_WAYS + 1];

	for (int undecided = 0; undecided <= KNOWN_WAYS; undecided++) {
		int gone = undecided < KNOWN_WAYS ? undecided : 0; /* the oldest of those */

		fill(key, undecided);
		for (int i = 0; i <= KNOWN_WAYS; i++)
			SAME_NUMBER(known_find(&board->known, &key[i]) == NULL, i == gone);
	}
}

/* A packet that came before others were decided, and waited: these are no older for it. */
static void test_order_of_times(void)
{
	struct known_key key = {.sport = 1}, first = key;
	uint64_t place = known_hash(&board->known, &key) % KNOWN_BUCKETS;
	int n = 0;

	memset(board->known.v, 0, sizeof(board->known.v));
	memset(board->known.forgot, 0, sizeof(board->known.forgot));
	for (uint32_t i = 1; n <= KNOWN_WAYS; i++) {
		key = (struct known_key){.sport = (uint16_t)i, .dport = (uint16_t)(i >> 16)};
		if (known_hash(&board->known, &key) % KNOWN_BUCKETS != place)
			continue;
		SAME_NUMBER(known_lapse(&board->known, &key, now), KNOWN_NEVER);
		known_decide(&board->known, &key, VERDICT_DENY, n < KNOWN_WAYS ? now : now - 1);
		n++;
	}
	SAME_NUMBER(known_lapse(&board->known, &first, now), KNOWN_LATELY);
	SAME_NUMBER(known_lapse(&board->known, &first, now - 2), KNOWN_LATELY);
	SAME_NUMBER(known_lapse(&board->known, &first, now + 121 * SECOND), KNOWN_ONCE);
}

static void test_tallies(void)
{
	const struct tally *t = NULL;

	for (unsigned i = 0; i < TALLIES; i++)
		if (board->tallies[i].id == PATCH)
			t = &board->tallies[i];
	CHECK(t && t->rewritten == 3);
	for (unsigned i = 0; i < TALLIES; i++)
		if (board->tallies[i].id == RULE)
			t = &board->tallies[i];
	CHECK(t && t->decided[VERDICT_DENY][CAUSE_TIMEOUT] == 1);
	CHECK(t && t->decided[VERDICT_REJECT][CAUSE_ENTRY] == 3);
}

int main(void)
{
	json_t *j = json_loads(tables_text, 0, NULL);
	struct buf why = {0};
	unsigned long before;

	SAME_NUMBER(tables_load(&tables, j, &why), 0);
	json_decref(j);
	buf_free(&why);
	board = calloc(1, sizeof(*board));
	board->known.secret[0] = 0x0123456789abcdef;
	begin();
	before = allocations;
	test_order();
	test_refusals();
	test_unknowns();
	test_crumbs();
	test_window();
	test_overtaken();
	test_datagrams();
	test_replies();
	SAME_NUMBER(allocations, before);
	test_quiet();
	test_forgotten();
	test_room();
	test_replay();
	test_rewrite();
	test_tallies();
	test_flood();
	test_order_of_times();
	test_what_gives_way();
	judge_free(judge);
	tables_free(&tables);
	free(board);
	return test_end();
}
