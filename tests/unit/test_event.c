/* SPDX-License-Identifier: GPL-2.0-or-later
 * The same packets, judged in earnest and replayed from a capture, are told in the same words:
 * every member of every decision (fwc(8), inspect log).
 */
#include <stdio.h>
#include <stdlib.h>

#include "inspect/judge.h"
#include "inspect/replay.h"
#include "test.h"
#include "util/buf.h"

#define SECOND 1000000000ull
#define RULE "inspect lan -> wan with names"
#define AT "p.fwc:3"
#define MOST 64

static const char tables_text[] =
	"{\"format\":1,\"inspectors\":[{\"name\":\"names\",\"at\":\"p.fwc:4\",\"on-timeout\":\"allow\","
	"\"words_at\":{\"on-timeout\":\"p.fwc:5\"},\"entries\":["
	"  {\"verdict\":\"deny\",\"look\":\"sni\",\"names\":[\"server\"],\"at\":\"p.fwc:6\",\"text\":\"sni\"},"
	"  {\"verdict\":\"reject\",\"look\":\"host\",\"names\":[\"ads.example\"],\"at\":\"p.fwc:7\"},"
	"  {\"verdict\":\"deny\",\"look\":\"ja4\",\"names\":[\"q13*\"],\"at\":\"p.fwc:8\",\"text\":\"ja4\"},"
	"  {\"verdict\":\"allow\",\"look\":\"alpn\",\"names\":[\"h2\"]},"
	"  {\"verdict\":\"deny\",\"look\":\"dns\",\"names\":[\"*.org\"]}]}],"
	"\"mark\":4278190080,"
	"\"queues\":[{\"first\":1,\"count\":1,\"on-overflow\":\"deny\",\"rewrite\":false}],"
	"\"rules\":[{\"id\":4,\"inspector\":\"names\",\"queue\":1}]}";

static struct tables tables;
static char *lines[2][MOST]; /* live, replayed */
static size_t n[2];

static void note(int which, const struct event *e)
{
	json_t *j = event_json(e, tables_find(&tables, "names"), RULE, AT);

	if (n[which] < MOST)
		lines[which][n[which]++] = json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(j);
}

/* ---- in earnest ---- */

static void answer(void *ctx, uint32_t slot, enum act act)
{
	(void)ctx;
	(void)slot;
	(void)act;
}

static void rewritten(void *ctx, uint32_t slot, const uint8_t *p, size_t len)
{
	(void)ctx;
	(void)slot;
	(void)p;
	(void)len;
}

static void event(void *ctx, const struct event *e)
{
	(void)ctx;
	note(0, e);
}

/* What the rules queue: what clients send. One connection began before the capture. */
static bool is_queued(const struct frame *f)
{
	struct packet k;
	enum packet_kind kind = packet_read(&k, f);

	return (kind == PACKET_TCP || kind == PACKET_UDP) && k.sport >= 40000 && k.sport != 40011;
}

static void live(const uint8_t *p, size_t len)
{
	struct judge_config c = {.tables = &tables,
				 .board = calloc(1, sizeof(struct board)),
				 .slots = 1024,
				 .hold = 10 * SECOND,
				 .small = 1024,
				 .large = 32,
				 .answer = answer,
				 .rewritten = rewritten,
				 .event = event};
	struct judge *judge = judge_new(&c);
	struct judge_packet k = {.field = 4, .now = 100 * SECOND};
	struct capture capture;
	struct frame f;

	capture_begin(&capture, p, len);
	while (capture_next(&capture, &f)) {
		if (!is_queued(&f))
			continue;
		k.p = f.p;
		k.n = f.n;
		k.now += 1000;
		judge_packet(judge, &k);
		k.slot++;
	}
	judge_tick(judge, k.now + 11 * SECOND);
	judge_free(judge);
	free(c.board);
}

/* ---- replayed ---- */

static const struct inspector *choose(void *with, const struct packet *first, bool udp,
				      const void **why)
{
	(void)udp;
	(void)why;
	return first->sport >= 40000 ? tables_find(with, "names") : NULL;
}

static void replayed(const uint8_t *p, size_t len)
{
	struct replay r = {.arena = arena_new(),
			   .choose = choose,
			   .with = &tables,
			   .room = flow_room_new(64, 8),
			   .patterns = pattern_room_new()};
	struct capture capture;

	capture_begin(&capture, p, len);
	replay_run(&r, &capture);
	for (size_t i = 0; i < r.flows.n; i++) {
		const struct replay_flow *f = r.flows.v[i];
		struct known_key key = known_key(&f->first, f->udp);
		struct event e;

		if (!f->decided)
			continue;
		event_of(&e, &key, f->in, &f->decision, &f->facts);
		note(1, &e);
	}
	flow_room_free(r.room);
	pattern_room_free(r.patterns);
	arena_free(r.arena);
}

static int by_text(const void *x, const void *y)
{
	return strcmp(*(char *const *)x, *(char *const *)y);
}

int main(void)
{
	struct buf why = {0}, path = {0};
	const char *src = getenv("srcdir");
	static uint8_t bytes[1 << 16];
	json_t *j = json_loads(tables_text, 0, NULL);
	size_t len;
	FILE *f;

	SAME_NUMBER(tables_load(&tables, j, &why), 0);
	buf_printf(&path, "%s/tests/fuzz/corpus/capture/raw.pcap", src ? src : ".");
	f = fopen(buf_str(&path), "re");
	CHECK(f != NULL);
	if (!f)
		return test_end();
	len = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	live(bytes, len);
	replayed(bytes, len);
	SAME_NUMBER(n[0], 11); /* connections and look-ups of craft.py that say something */
	SAME_NUMBER(n[1], n[0]);
	qsort(lines[0], n[0], sizeof(lines[0][0]), by_text);
	qsort(lines[1], n[1], sizeof(lines[1][0]), by_text);
	for (size_t i = 0; i < n[0] && i < n[1]; i++)
		SAME_TEXT(lines[0][i], lines[1][i]);
	for (int w = 0; w < 2; w++)
		for (size_t i = 0; i < n[w]; i++)
			free(lines[w][i]);
	tables_free(&tables);
	json_decref(j);
	buf_free(&why);
	buf_free(&path);
	return test_end();
}
