/* SPDX-License-Identifier: GPL-2.0-or-later
 * names that are due -> their addresses, each name asked for once, whatever sets it is in.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fetch/job.h"
#include "fetch/judge.h"
#include "fetch/round.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/map.h"
#include "util/number.h"
#include "util/special.h"

#define TTL_MIN 60
#define TTL_MAX 86400
#define AGAIN 60 /* seconds after a failure */
#define BYTES ((uint64_t)16 << 20)

struct answer {
	const char *why; /* or NULL */
	uint64_t seconds;
	struct ivset v4, v6;
};

static struct fetched_name *known_name(struct fetched *f, const char *name)
{
	struct fetched_name *n;

	vec_each (&f->names, n)
		if (!strcmp(n->name, name))
			return n;
	return NULL;
}

/* The set's names as the policy has them now, each with what is known of it. */
static void match_names(struct round *r, struct round_set *x)
{
	struct fetched old = x->now;

	x->now.names.v = NULL;
	x->now.names.n = x->now.names.cap = 0;
	for (size_t i = 0; i < x->set->names.n; i++) {
		const char *name = x->set->names.v[i];
		const struct fetched_name *n = known_name(&old, name);
		struct fetched_name none = {.name = name};

		vec_push(r->arena, &x->now.names, n ? *n : none);
		if (!n)
			x->due = true;
	}
}

static bool is_due(const struct round *r, const struct fetched_name *n)
{
	return r->force || !n->asked || n->until <= r->wall || n->until > r->wall + 2 * TTL_MAX;
}

/* ---- answers ---- */

static void take_address(struct arena *a, const char *word, struct answer *out)
{
	enum family family;
	u128 x;

	if (!addr_parse(word, strlen(word), &family, &x))
		return;
	vec_push(a, family == FAM_IP4 ? &out->v4 : &out->v6, ((struct ival){x, x}));
}

/* NAME SECONDS ADDRESS... | NAME - WHY */
static void take_line(struct arena *a, struct map *answers, char *line)
{
	char *rest = line, *name = strsep(&rest, " "), *word = rest ? strsep(&rest, " ") : NULL;
	struct answer *out = map_get(answers, name);

	if (!out || !word || !rest)
		return;
	if (!strcmp(word, "-")) {
		out->why = arena_strdup(a, rest);
		return;
	}
	if (!number_word(word, 0, UINT32_MAX, &out->seconds))
		return;
	while ((word = strsep(&rest, " ")))
		take_address(a, word, out);
	if (out->v4.n + out->v6.n)
		out->why = NULL;
	ivset_normalise(&out->v4);
	ivset_normalise(&out->v6);
}

static void ask(struct round *r, struct map *answers)
{
	struct fetch_job job = {
		.what = "names", .ms = r->ms, .bytes = BYTES, .netns = r->netns, .body = -1};
	_cleanup_buf_ struct buf text = {0};
	_cleanup_free_ char *why = NULL;
	char *rest, *line;

	for (size_t i = 0; i < answers->entries.n; i++)
		buf_printf(&job.in, "%s\n", answers->entries.v[i].key);
	fetch_jobs_run(&job, 1);
	why = fetch_job_word(&job, "why");
	for (size_t i = 0; why && i < answers->entries.n; i++)
		((struct answer *)answers->entries.v[i].value)->why = arena_strdup(r->arena, why);
	if (job.done && job.body >= 0 && !fd_read(job.body, &text)) {
		rest = text.data;
		while (rest && (line = strsep(&rest, "\n")))
			take_line(r->arena, answers, line);
	}
	fetch_job_free(&job);
}

/* ---- what is taken of them ---- */

static struct ivset cut(struct arena *a, enum family family, const struct ivset *s, size_t *local)
{
	struct ivset out = {0};

	for (size_t i = 0; i < s->n; i++) {
		for (u128 x = s->v[i].lo;; x++) {
			if (special_address(family, x))
				++*local;
			else
				vec_push(a, &out, ((struct ival){x, x}));
			if (x == s->v[i].hi)
				break;
		}
	}
	return out;
}

/* What is local to somebody is none of a stranger's names. */
static void take_answer(struct round *r, const struct fetch_set *s, const struct answer *got,
			struct fetched_name *n)
{
	struct ivset v4 = got->v4, v6 = got->v6;
	uint64_t ttl = got->seconds < TTL_MIN ? TTL_MIN : got->seconds;
	size_t local = 0;

	if (ttl > TTL_MAX)
		ttl = TTL_MAX;
	if (s->refresh)
		ttl = s->refresh;
	n->why = got->why;
	if (!n->why && !s->special) {
		v4 = cut(r->arena, FAM_IP4, &got->v4, &local);
		v6 = cut(r->arena, FAM_IP6, &got->v6, &local);
		if (!v4.n && !v6.n)
			n->why = "it answers with addresses of this machine or private networks: "
				 "write private";
	}
	n->until = r->wall + (n->why ? AGAIN : ttl);
	if (n->why)
		return;
	n->asked = r->wall;
	n->v4 = v4;
	n->v6 = v6;
}

static struct fetch_list content(struct round *r, struct round_set *x, struct bulk *raw)
{
	const struct fetched_name *n;
	size_t local;

	*raw = (struct bulk){0};
	vec_each (&x->now.names, n) {
		for (size_t i = 0; i < n->v4.n; i++)
			bulk_add(raw, FAM_IP4, n->v4.v[i]);
		for (size_t i = 0; i < n->v6.n; i++)
			bulk_add(raw, FAM_IP6, n->v6.v[i]);
	}
	bulk_settle(raw, r->arena);
	return judge_cut(r->arena, x->set, raw, &local);
}

static void sum_up(struct round *r, struct round_set *x)
{
	const struct fetched_name *n, *bad = NULL;
	struct fetch_list list;
	struct bulk raw;
	const char *why;

	x->now.next = UINT64_MAX;
	vec_each (&x->now.names, n) {
		if (n->until < x->now.next)
			x->now.next = n->until;
		if (n->asked > x->now.fetched)
			x->now.fetched = n->asked;
		if (n->why && !bad)
			bad = n;
	}
	if (bad) {
		round_stale(r, x, arena_printf(r->arena, "%s: %s", bad->name, bad->why));
	} else {
		x->now.stale = 0;
		x->now.why = NULL;
		x->now.expired = false;
	}
	round_expire(r, x);
	list = content(r, x, &raw);
	why = judge_holds_back(r->arena, x->set, &raw, &list, &x->was, r->force);
	x->now.held = why;
	if (why) {
		round_stale(r, x, why);
		x->state = FETCH_HELD;
		return;
	}
	x->now.v4 = list.v4;
	x->now.v6 = list.v6;
}

void round_ask_names(struct round *r)
{
	struct map answers;

	map_init(&answers, r->arena);
	for (size_t i = 0; i < r->n; i++) {
		struct round_set *x = &r->v[i];
		const struct fetched_name *n;

		if (x->set->kind != FETCH_DNS)
			continue;
		match_names(r, x);
		vec_each (&x->now.names, n) {
			struct answer *none;

			if (!x->due || !is_due(r, n) || map_get(&answers, n->name))
				continue;
			none = arena_new_of(r->arena, struct answer);
			none->why = "no answer";
			map_put(&answers, n->name, none);
		}
	}
	if (answers.entries.n)
		ask(r, &answers);
	for (size_t i = 0; i < r->n; i++) {
		struct round_set *x = &r->v[i];
		struct fetched_name *n;

		if (x->set->kind != FETCH_DNS || !x->due)
			continue;
		vec_each (&x->now.names, n)
			if (is_due(r, n) && map_get(&answers, n->name))
				take_answer(r, x->set, map_get(&answers, n->name), n);
		if (x->state == FETCH_NOT_DUE)
			x->state = FETCH_SAME;
		sum_up(r, x);
	}
}
