/* SPDX-License-Identifier: GPL-2.0-or-later
 * A capture says what the judge in earnest would have decided: packets between two ports in any
 * order through both, with the kernel's part between them and the judge, as fwc-inspectd(8) has it.
 */
#include <stdlib.h>

#include "inspect/judge.h"
#include "inspect/replay.h"
#include "test.h"
#include "util/arena.h"
#include "vectors/vectors.h"

#define FIN 1
#define SYN 2
#define RST 4
#define ACK 16
#define SECOND 1000000000ull
#define RUNS 2000
#define LONGEST 6 /* packets */
#define LINES (3 * LONGEST)
#define LINE 400
#define ROOM (LONGEST * 1600)

static const char tables_text[] =
	"{\"format\":1,\"inspectors\":[{\"name\":\"names\",\"entries\":["
	"  {\"verdict\":\"deny\",\"look\":\"name\",\"names\":[\"*.casino.example\"]},"
	"  {\"verdict\":\"allow\",\"look\":\"any\"}]}],"
	"\"mark\":4278190080,"
	"\"queues\":[{\"first\":1,\"count\":1,\"on-overflow\":\"deny\",\"rewrite\":false}],"
	"\"rules\":[{\"id\":4,\"inspector\":\"names\",\"queue\":1}]}";

#define OF(array)                                                                                  \
	{                                                                                          \
#array, array, sizeof(array)                                                       \
	}
#define TEXT(name, text)                                                                           \
	{                                                                                          \
		name, (const uint8_t *)(text), sizeof(text) - 1                                    \
	}
static const struct {
	const char *name;
	const uint8_t *p;
	size_t n;
} datagrams[] = {
	OF(quic_v1),
	OF(quic_v2),
	OF(quic_other),
	OF(quic_denied),
	OF(quic_denied_same_cid),
	OF(quic_denied_half),
	OF(quic_denied_rest),
	OF(quic_ack),
	OF(quic_ack_same_cid),
	OF(quic_handshake),
	OF(quic_hybrid_1),
	OF(quic_hybrid_2),
	OF(quic_hybrid_2_moved),
	TEXT("short header", "\x43 short header"),
	TEXT("first bit set", "\xc3 is no QUIC"),
	TEXT("empty", ""),
	TEXT("query", "\x12\x34\1\0\0\1\0\0\0\0\0\0\1a\6casino\7example\0\0\1\0\1"),
	TEXT("query, first bit set", "\x92\x34\1\0\0\1\0\0\0\0\0\0\1a\6casino\7example\0\0\1\0\1")};

struct lines {
	char v[LINES][LINE];
	size_t n;
};

static struct tables tables;
static struct lines live, replayed;
static struct judge *judge;
static struct flow_room *room;
static struct pattern_room *patterns;
static uint64_t now = 100 * SECOND, seed = 1;
static bool marked; /* the connection, as decided: of UDP what is allowed, of TCP all */
static bool udp_now;

static void put(struct lines *l, unsigned verdict, unsigned cause, unsigned protocol,
		const char *name)
{
	if (l->n < LINES)
		snprintf(l->v[l->n++], LINE, "verdict %u by %u, protocol %u, %s", verdict, cause,
			 protocol, name);
}

static void answer(void *ctx, uint32_t slot, enum act act)
{
	(void)ctx;
	(void)slot;
	marked |= act == ACT_ALLOW || (!udp_now && (act == ACT_DENY || act == ACT_REJECT));
}

static void event(void *ctx, const struct event *e)
{
	(void)ctx;
	put(&live, e->verdict, e->cause, e->protocol, e->name);
}

static const struct inspector *choose(void *with, const struct packet *first, bool udp,
				      const void **why)
{
	(void)with;
	(void)first;
	(void)udp;
	(void)why;
	return tables_find(&tables, "names");
}

static void put16(uint8_t *at, size_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

/* With a header of so many bytes, of which only the ports are filled in. */
static size_t packet(uint8_t *out, uint8_t protocol, unsigned port, size_t head, const void *p,
		     size_t n)
{
	memset(out, 0, 20 + head);
	out[0] = 0x45;
	put16(out + 2, 20 + head + n);
	out[8] = 64;
	out[9] = protocol;
	memcpy(out + 12, "\x0a\0\0\2\x0a\0\1\2", 8);
	put16(out + 20, port);
	put16(out + 22, 443);
	memcpy(out + 20 + head, p, n);
	return 20 + head + n;
}

/* A record of pcap-savefile(5); little-endian, as its header below. */
static size_t record(uint8_t *out, const uint8_t *p, size_t n)
{
	memset(out, 0, 16);
	for (int i = 0; i < 2; i++) {
		out[8 + 4 * i] = (uint8_t)n;
		out[9 + 4 * i] = (uint8_t)(n >> 8);
	}
	memcpy(out + 16, p, n);
	return 16 + n;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void run_replay(const uint8_t *p, size_t n)
{
	struct replay r = {
		.arena = arena_new(), .room = room, .patterns = patterns, .choose = choose};
	struct replay_flow *f;
	struct capture c;
	size_t i;

	capture_begin(&c, p, n);
	replay_run(&r, &c);
	for (i = 0; i < r.flows.n; i++) {
		f = r.flows.v[i];
		if (f->decided)
			put(&replayed, f->decision.verdict, f->decision.cause, f->facts.protocol,
			    f->facts.name);
	}
	arena_free(r.arena);
}

static bool same(void)
{
	bool fine = live.n == replayed.n;

	qsort(live.v, live.n, LINE, by_text);
	qsort(replayed.v, replayed.n, LINE, by_text);
	for (size_t i = 0; fine && i < live.n; i++)
		fine = !strcmp(live.v[i], replayed.v[i]);
	return fine;
}

static void show(const char *text)
{
	printf("#%s\n", text);
	for (size_t i = 0; i < live.n; i++)
		printf("# live: %s\n", live.v[i]);
	for (size_t i = 0; i < replayed.n; i++)
		printf("# replay: %s\n", replayed.v[i]);
}

static size_t one_of(size_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (size_t)(seed >> 33) % n;
}

static void judge_one(uint32_t slot, const uint8_t *p, size_t n)
{
	struct judge_packet k = {.slot = slot, .field = 4, .now = now, .p = p, .n = n};

	judge_packet(judge, &k);
}

/* ---- what happens between two ports: packets at random, their names in text ---- */

struct step {
	uint8_t bytes[1600];
	size_t n;
	bool queued; /* by the rules, if nothing is decided */
	bool again; /* also if it is */
};

static void datagram(struct step *s, unsigned port, char *text)
{
	size_t i = one_of(sizeof(datagrams) / sizeof(*datagrams));

	sprintf(text, " %s;", datagrams[i].name);
	s->n = packet(s->bytes, 17, port, 8, datagrams[i].p, datagrams[i].n);
	put16(s->bytes + 24, 8 + datagrams[i].n);
	s->queued = datagrams[i].n;
	s->again = s->queued && datagrams[i].p[0] & 0x80; /* a long header */
}

/* Of one of two requests some bytes, a SYN, FIN or RST, or what ends behind us. */
static void segment(struct step *s, unsigned port, bool first, char *text)
{
	static const char *const requests[] = {"GET / HTTP/1.1\r\nHost: www.example.org\r\n\r\n",
					       "GET / HTTP/1.1\r\nHost: a.casino.example\r\n\r\n"};
	static const struct {
		unsigned flags, from, to;
	} kinds[] = {{SYN, 0, 0},  {SYN, 0, 20},  {SYN, 0, 60},	     {ACK, 0, 60},
		     {ACK, 0, 30}, {ACK, 20, 35}, {ACK, 30, 60},     {ACK | FIN, 60, 60},
		     {ACK, 0, 0},  {RST, 60, 60}, {ACK | FIN, 0, 60}};
	static const uint32_t bases[] = {100, 100, 5000, 200000000};
	static uint32_t base; /* of the last SYN */
	size_t i = first ? 0 : one_of(sizeof(kinds) / sizeof(*kinds));
	unsigned flags = kinds[i].flags, low = one_of(8) == 0;
	const char *p = requests[one_of(2)];
	size_t all = strlen(p), to = kinds[i].to < all ? kinds[i].to : all;
	size_t from = kinds[i].from < to ? kinds[i].from : to;

	if (flags == SYN)
		base = bases[one_of(sizeof(bases) / sizeof(*bases))];
	sprintf(text, " flags %u, %zu-%zu of '%.1s' behind %u%s;", flags, from, to, p + 22, base,
		low ? ", low TTL" : "");
	s->n = packet(s->bytes, 6, port, 20, p + from, to - from);
	put16(s->bytes + 24, (base + (flags != SYN) + from) >> 16);
	put16(s->bytes + 26, base + (flags != SYN) + from);
	s->bytes[32] = 5 << 4;
	s->bytes[33] = (uint8_t)flags;
	if (low && flags != SYN)
		s->bytes[8] = 60;
	s->queued = to > from || flags & (SYN | FIN);
	s->again = flags == SYN;
}

static bool run(unsigned port, uint32_t left, bool udp)
{
	static uint8_t capture[24 + ROOM] =
		"\xd4\xc3\xb2\xa1\2\0\4\0\0\0\0\0\0\0\0\0\xff\xff\0\0\x65";
	char text[LONGEST * 80] = "";
	bool first = true, fine;
	size_t at = 24;

	live.n = replayed.n = 0;
	marked = false;
	for (struct step s; left--; first = false) {
		if (udp)
			datagram(&s, port, text + strlen(text));
		else
			segment(&s, port, first, text + strlen(text));
		at += record(capture + at, s.bytes, s.n);
		now += SECOND / 100;
		marked &= !s.again;
		if (s.queued && !marked)
			judge_one(left, s.bytes, s.n);
	}
	judge_tick(judge, now += 11 * SECOND);
	run_replay(capture, at);
	fine = same();
	if (!fine)
		show(text);
	return fine;
}

int main(void)
{
	json_t *j = json_loads(tables_text, 0, NULL);
	struct buf why = {0};
	struct judge_config c = {.tables = &tables,
				 .board = calloc(1, sizeof(*c.board)),
				 .slots = 64,
				 .hold = 10 * SECOND,
				 .small = 64,
				 .large = 4,
				 .answer = answer,
				 .event = event};
	unsigned differ = 0;

	room = flow_room_new(64, 4);
	patterns = pattern_room_new();
	SAME_NUMBER(tables_load(&tables, j, &why), 0);
	judge = judge_new(&c);
	for (int udp = 0; udp < 2; udp++) {
		udp_now = udp;
		for (unsigned i = 0; i < RUNS && differ < 3; i++)
			differ += !run(1000 + i, i % LONGEST + 1, udp);
		SAME_NUMBER(differ, 0);
	}
	judge_free(judge);
	flow_room_free(room);
	pattern_room_free(patterns);
	tables_free(&tables);
	json_decref(j);
	free(c.board);
	return test_end();
}
