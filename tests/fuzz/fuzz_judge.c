/* SPDX-License-Identifier: GPL-2.0-or-later
 * Any bytes as packets that wait: each a byte of what to do, two bytes of length, and the packet
 * from the IP header on. Every slot gets one answer and no more, whatever comes; when the time is
 * over nothing waits; a judge that takes over in between changes none of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/checksum.h"
#include "inspect/judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SLOTS 32
#define SECOND 1000000000ull

static const char text[] =
	"{\"format\":1,\"inspectors\":["
	" {\"name\":\"a\",\"entries\":["
	"  {\"verdict\":\"deny\",\"look\":\"sni\",\"names\":[\"*.example.org\"]},"
	"  {\"verdict\":\"reject\",\"look\":\"host\",\"names\":[\"a.example\"]},"
	"  {\"verdict\":\"deny\",\"look\":\"domain\",\"names\":[\"example.com\"],\"answer\":"
	"[\"192.0.2.1\",\"192.0.2.2\",\"192.0.2.3\",\"192.0.2.4\",\"2001:db8::1\",\"2001:db8::2\","
	"\"2001:db8::3\",\"2001:db8::4\"]},"
	"  {\"verdict\":\"deny\",\"look\":\"dns\",\"names\":[\"*.example.net\"],\"answer\":"
	"[\"nxdomain\"]},"
	"  {\"verdict\":\"deny\",\"look\":\"payload\",\"patterns\":[\"^.{3}x\"]},"
	"  {\"verdict\":\"allow\",\"look\":\"any\"}]},"
	" {\"name\":\"b\",\"entries\":[],\"rewrites\":[{\"from\":\"00\",\"to\":\"01\"}]}],"
	"\"mark\":255,\"queues\":[{\"first\":1,\"count\":1,\"on-overflow\":\"deny\",\"rewrite\":"
	"false}],"
	"\"rules\":[{\"id\":4,\"inspector\":\"a\",\"queue\":1},{\"id\":5,\"inspector\":\"b\","
	"\"queue\":1}]}";

struct state {
	struct tables tables;
	struct board *board;
	struct judge *judge;
	uint8_t *packet[SLOTS]; /* of slots that wait for an answer, or are kept */
	bool kept[SLOTS];
	size_t n[SLOTS];
	uint32_t field[SLOTS];
	uint64_t now;
};

static void demand(bool truth, const char *what)
{
	if (truth)
		return;
	fprintf(stderr, "not so: %s\n", what);
	abort();
}

static void answered(struct state *s, uint32_t slot)
{
	demand(slot < SLOTS && s->packet[slot], "an answer is to a packet that waits");
	free(s->packet[slot]);
	s->packet[slot] = NULL;
	s->kept[slot] = false;
}

static void answer(void *ctx, uint32_t slot, enum act act)
{
	struct state *s = ctx;

	demand(act < NACTS, "an answer is one");
	if (act == ACT_HOLD)
		return;
	demand(slot < SLOTS && s->packet[slot], "an answer is to a packet that is there");
	demand(s->kept[slot] == (act == ACT_FORGET), "what went on is forgotten, nothing else is");
	if (act == ACT_KEEP)
		s->kept[slot] = true;
	else
		answered(s, slot);
}

static void rewritten(void *ctx, uint32_t slot, const uint8_t *p, size_t n)
{
	struct state *s = ctx;
	uint8_t *copy = malloc(n);

	demand(slot < SLOTS && n == s->n[slot] && !s->kept[slot], "a packet keeps its length");
	memcpy(copy, p, n);
	demand(checksum_packet(copy, n) && !memcmp(copy, p, n), "its sums are right already");
	free(copy);
	answered(s, slot);
}

/* A message of at most 512 bytes to a query that waits, which the holder of the queue would carry
 * back: nothing of it is longer, goes elsewhere, or has another id. */
static void replied(void *ctx, uint32_t slot, const uint8_t *message, size_t n)
{
	const struct dns_origin none = {0};
	uint8_t out[DNS_REPLY_PACKET];
	struct dns_reply_ends ends;
	struct frame frame = {.link = 101 /* IP alone */};
	struct packet query, answer;
	struct state *s = ctx;
	size_t len;

	demand(slot < SLOTS && s->packet[slot] && !s->kept[slot], "an answer is to what waits");
	demand(n <= DNS_REPLY_MAX && n > 12 && message[2] & 0x80, "an answer is one");
	frame.p = s->packet[slot];
	frame.n = s->n[slot];
	demand(packet_read(&query, &frame) == PACKET_UDP, "only datagrams are answered");
	len = dns_reply_packet(frame.p, frame.n, &none, message, n, out, &ends);
	if (len) {
		frame.p = out;
		frame.n = len;
		demand(packet_read(&answer, &frame) == PACKET_UDP && answer.n == n &&
			       !memcmp(answer.payload, query.payload, 2) &&
			       !memcmp(answer.src, query.dst, 16) &&
			       !memcmp(answer.dst, query.src, 16) &&
			       answer.sport == query.dport && answer.dport == query.sport,
		       "it goes back to where the query came from");
	}
	answered(s, slot);
}

static void event(void *ctx, const struct event *e)
{
	(void)ctx;
	demand(e->name_len <= INSPECT_NAME_MAX && e->id, "an event is whole");
}

static void begin(struct state *s)
{
	struct judge_config c = {.tables = &s->tables,
				 .board = s->board,
				 .slots = SLOTS,
				 .hold = 10 * SECOND,
				 .small = SLOTS,
				 .large = 2,
				 .ctx = s,
				 .answer = answer,
				 .rewritten = rewritten,
				 .replied = replied,
				 .event = event};

	judge_free(s->judge);
	s->judge = judge_new(&c);
}

static void look(struct state *s, uint32_t slot, bool again)
{
	struct judge_packet k = {.slot = slot,
				 .field = s->field[slot],
				 .replayed = again,
				 .kept = s->kept[slot],
				 .now = s->now,
				 .p = s->packet[slot],
				 .n = s->n[slot]};

	judge_packet(s->judge, &k);
}

static void take_over(struct state *s)
{
	begin(s);
	for (uint32_t i = 0; i < SLOTS; i++)
		if (s->packet[i])
			look(s, i, true);
}

static void take(struct state *s, uint8_t what, const uint8_t *p, size_t n)
{
	uint32_t slot = 0;

	s->now += (uint64_t)(what >> 4) * SECOND / 4;
	if ((what & 15) == 15)
		take_over(s);
	judge_tick(s->judge, s->now);
	while (slot < SLOTS && s->packet[slot])
		slot++;
	if (slot == SLOTS) /* the kernel would wait */
		return;
	s->packet[slot] = malloc(n ? n : 1);
	memcpy(s->packet[slot], p, n);
	s->n[slot] = n;
	s->field[slot] = 3 + (what & 3);
	look(s, slot, false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct state s = {.now = 100 * SECOND, .board = calloc(1, sizeof(*s.board))};
	json_t *j = json_loads(text, 0, NULL);
	struct buf why = {0};

	demand(tables_load(&s.tables, j, &why) == 0, "the tables are fine");
	json_decref(j);
	begin(&s);
	while (size >= 3) {
		size_t n = (size_t)data[1] << 8 | data[2];

		n = n < size - 3 ? n : size - 3;
		take(&s, data[0], data + 3, n);
		data += 3 + n;
		size -= 3 + n;
	}
	demand(judge_tick(s.judge, s.now + 11 * SECOND) == UINT64_MAX, "nothing waits for ever");
	for (int i = 0; i < SLOTS; i++)
		demand(!s.packet[i], "every packet gets an answer");
	demand(!s.board->flows && !s.board->held, "nothing is held");
	judge_free(s.judge);
	tables_free(&s.tables);
	free(s.board);
	return 0;
}
