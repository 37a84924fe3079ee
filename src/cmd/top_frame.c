/* SPDX-License-Identifier: GPL-2.0-or-later
 * Two moments -> what was busy between them, in lines.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd/flows_read.h"
#include "cmd/top.h"
#include "nft/trial.h"
#include "see/flows_print.h"
#include "util/cleanup.h"

#define LISTED 15 /* of each, where the screen does not say */

struct busy_rule {
	const struct report_line *line;
	double packets, bytes; /* a second */
};

struct busy_conn {
	const struct conn *conn;
	double packets, bytes;
};

/* ---- reading ---- */

static uint64_t sum(const uint64_t v[2])
{
	return v[0] + v[1];
}

static int by_id(const void *x, const void *y)
{
	const struct top_conn *a = x, *b = y;

	return (a->id > b->id) - (a->id < b->id);
}

/* What is there becomes what was before. */
static void step(struct top *t)
{
	arena_free(t->before_arena);
	free(t->before);
	t->before_arena = t->arena;
	t->before_lines = t->lines;
	t->before_at = t->at;
	t->nbefore = t->flows.conns.n;
	t->before = calloc(t->nbefore + 1, sizeof(*t->before));
	if (!t->before)
		abort();
	for (size_t i = 0; i < t->nbefore; i++) {
		const struct conn *c = &t->flows.conns.v[i];

		t->before[i] = (struct top_conn){
			.id = c->id,
			.from_port = c->orig.from_port,
			.count = {.packets = sum(c->packets), .bytes = sum(c->bytes)}};
	}
	qsort(t->before, t->nbefore, sizeof(*t->before), by_id);
	t->arena = arena_new();
	t->lines = (struct report_lines){0};
}

/* Diagrams are built anew only for other rules. */
static int read_flows(struct top *t, const struct live *live, struct buf *why)
{
	struct live again;
	int err;

	if (t->judges && t->generation == live->generation)
		return flows_read_again(&t->flows, why);
	if (t->judges)
		flows_free(&t->flows);
	t->judges = false;
	arena_free(t->rules_arena);
	t->rules_arena = arena_new();
	err = live_read(&again, t->g->netns, t->rules_arena, why);
	if (err)
		return err;
	t->generation = again.generation;
	t->judges = true;
	give_lists(t->g, t->rules_arena, again.ruleset);
	return flows_of_rules(t->g, t->rules_arena, &again, manifest_in_force(t->g, t->rules_arena),
			      &t->flows, why);
}

int top_read(struct top *t, struct buf *why)
{
	struct timespec now;
	struct live live;
	int err;

	step(t);
	err = live_read(&live, t->g->netns, t->arena, why);
	if (!err)
		err = read_flows(t, &live, why);
	if (err)
		return err;
	if (trial_acts(live.ruleset) && t->flows.in.manifest)
		trial_view(live.ruleset);
	report_lines(t->arena, live.ruleset, t->flows.in.manifest, &t->lines);
	clock_gettime(CLOCK_MONOTONIC, &now);
	t->at = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
	return 0;
}

void top_free(struct top *t)
{
	if (t->judges)
		flows_free(&t->flows);
	arena_free(t->rules_arena);
	arena_free(t->arena);
	arena_free(t->before_arena);
	free(t->before);
}

/* ---- comparing ---- */

static double rate(const struct top *t, uint64_t now, uint64_t before)
{
	double seconds = t->at - t->before_at;

	/* counters that went back were made anew */
	return seconds > 0 ? (double)(now - (before <= now ? before : 0)) / seconds : 0;
}

static int by_rule(const void *x, const void *y)
{
	const struct busy_rule *a = x, *b = y;

	if (a->packets != b->packets)
		return a->packets < b->packets ? 1 : -1;
	return a->line->packets < b->line->packets   ? 1
	       : a->line->packets > b->line->packets ? -1
						     : 0;
}

static size_t busy_rules(struct top *t, struct busy_rule **out)
{
	VEC(struct busy_rule) all = {0};
	const struct report_line *l;
	struct map before;

	map_init(&before, t->arena);
	vec_each (&t->before_lines, l)
		map_put(&before, arena_printf(t->arena, "%s\n%s", l->at, l->text), (void *)l);
	vec_each (&t->lines, l) {
		const struct report_line *b =
			map_get(&before, arena_printf(t->arena, "%s\n%s", l->at, l->text));

		if (l->counts && l->packets)
			vec_push(t->arena, &all,
				 ((struct busy_rule){l, rate(t, l->packets, b ? b->packets : 0),
						     rate(t, l->bytes, b ? b->bytes : 0)}));
	}
	if (all.n > 1)
		qsort(all.v, all.n, sizeof(*all.v), by_rule);
	*out = all.v;
	return all.n;
}

static int by_conn(const void *x, const void *y)
{
	const struct busy_conn *a = x, *b = y;
	uint64_t bytes = sum(a->conn->bytes), others = sum(b->conn->bytes);

	if (a->bytes != b->bytes)
		return a->bytes < b->bytes ? 1 : -1;
	return bytes < others ? 1 : bytes > others ? -1 : 0;
}

static size_t busy_conns(struct top *t, struct busy_conn **out)
{
	size_t n = t->flows.conns.n;
	struct busy_conn *v = arena_alloc(t->arena, (n + 1) * sizeof(*v));

	for (size_t i = 0; i < n; i++) {
		const struct conn *c = &t->flows.conns.v[i];
		struct top_conn key = {.id = c->id};
		const struct top_conn *b = bsearch(&key, t->before, t->nbefore, sizeof(key), by_id);
		struct top_count was = {0};

		if (b && b->from_port == c->orig.from_port)
			was = b->count;
		v[i] = (struct busy_conn){c, rate(t, sum(c->packets), was.packets),
					  rate(t, sum(c->bytes), was.bytes)};
	}
	qsort(v, n, sizeof(*v), by_conn);
	*out = v;
	return n;
}

/* ---- printing ---- */

static const char *size_text(struct arena *a, double n)
{
	static const char units[] = " kMGTP";
	size_t i = 0;

	while (n >= 9999.5 && i + 2 < sizeof(units)) {
		n /= 1000;
		i++;
	}
	return i ? arena_printf(a, "%.0f%c", n, units[i]) : arena_printf(a, "%.0f", n);
}

/* Not more than fits; what comes from a policy or a name has no control characters in it. */
static void put(struct buf *out, const char *text, int columns, const char *eol)
{
	size_t n = strlen(text);

	if (columns > 0 && n > (size_t)columns)
		n = (size_t)columns;
	for (size_t i = 0; i < n; i++)
		buf_putc(out, (unsigned char)text[i] < ' ' ? ' ' : text[i]);
	buf_puts(out, eol);
}

static void print_rules(struct top *t, struct buf *out, size_t most, int columns, const char *eol)
{
	struct arena *a = t->arena;
	struct busy_rule *v;
	size_t n = busy_rules(t, &v);

	put(out, "   pkts/s    bytes/s      bytes  line (packets that open connections)", columns,
	    eol);
	for (size_t i = 0; i < n && i < most; i++)
		put(out,
		    arena_printf(a, "%9s %10s %10s  %s%s%s", size_text(a, v[i].packets),
				 size_text(a, v[i].bytes), size_text(a, (double)v[i].line->bytes),
				 v[i].line->at, *v[i].line->at ? "  " : "", v[i].line->text),
		    columns, eol);
}

static void print_conns(struct top *t, struct buf *out, size_t most, bool counted, int columns,
			const char *eol)
{
	struct arena *a = t->arena;
	struct busy_conn *v;
	size_t n = busy_conns(t, &v);

	put(out, counted ? "   pkts/s    bytes/s      bytes  connection" : "connection", columns,
	    eol);
	for (size_t i = 0; i < n && i < most; i++) {
		const struct conn *c = v[i].conn;
		struct flow_judged j = flows_judge(&t->flows, c);
		const char *text = flow_text(a, &t->flows, c), *more = strchr(text, ',');

		/* in 80 columns the line of the policy matters more than translations */
		text = arena_printf(a, "%.*s   %s%s%s", more ? (int)(more - text) : INT_MAX, text,
				    j.refused ? "FORBIDDEN: " : "", flow_says(a, &j),
				    more ? more : "");
		if (counted)
			text = arena_printf(a, "%9s %10s %10s  %s", size_text(a, v[i].packets),
					    size_text(a, v[i].bytes),
					    size_text(a, (double)sum(c->bytes)), text);
		put(out, text, columns, eol);
	}
}

static bool any_counted(const struct conns *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->v[i].counted)
			return true;
	return c->n == 0;
}

void top_print(struct top *t, struct buf *out, int rows, int columns, const char *eol)
{
	size_t room = rows > 8 ? (size_t)rows - 6 : rows ? 2 : 2 * (size_t)LISTED;
	size_t n = t->flows.conns.n;
	bool counted = any_counted(&t->flows.conns);
	time_t now = time(NULL);
	char clock[16];
	struct tm tm;

	strftime(clock, sizeof(clock), "%H:%M:%S", localtime_r(&now, &tm));
	put(out,
	    arena_printf(t->arena, "fwc  %s  %zu connection%s%s", clock, n, n == 1 ? "" : "s",
			 t->flows.in.ruleset->chains.n ? "" : ", no fwc firewall is loaded"),
	    columns, eol);
	put(out, "", columns, eol);
	print_rules(t, out, room / 2, columns, eol);
	put(out, "", columns, eol);
	if (!counted)
		put(out, "(connections are not counted: sysctl net.netfilter.nf_conntrack_acct=1)",
		    columns, eol);
	print_conns(t, out, room - room / 2 - 1, counted, columns, eol);
}
