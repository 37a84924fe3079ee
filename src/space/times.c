/* SPDX-License-Identifier: GPL-2.0-or-later
 * Windows of time -> codes of seconds: two seconds have one code where every window that somebody
 * mentions has both of them or neither. Over years a window is thousands of intervals, and in a
 * diagram that would be as many nodes at each rule; of codes there are few.
 *
 * What a policy's words mean is found by asking for the local time of every second at which
 * something may begin or end, and not by the compiler's arithmetic with offsets (schedule.c).
 */
#include <stdlib.h>
#include <string.h>

#include "space/schema.h"
#include "util/cleanup.h"
#include "util/hex.h"

#define NANOSECONDS 1000000000u
#define DAY 86400

static struct ivset horizon(struct arena *a)
{
	const struct horizon *h = policy_horizon();

	return ivset_one(a, (u128)h->begins, (u128)h->ends - 1);
}

static bool same(const struct ivset *x, const struct ivset *y)
{
	return x->n == y->n && (!x->n || !memcmp(x->v, y->v, x->n * sizeof(*x->v)));
}

/* The number of the set, or their number: it is none of them. */
static size_t number_of(const struct times *t, const struct ivset *set)
{
	size_t i = 0;

	while (i < t->sets.n && !same(&t->sets.v[i], set))
		i++;
	return i;
}

/* Of what is within the horizon. `lasts`: longer than the schema. */
static size_t add_set(struct schema *s, const struct ivset *in, bool lasts)
{
	size_t i = number_of(&s->times, in);

	if (i == s->times.sets.n && !s->times.coded)
		vec_push(s->arena, &s->times.sets, lasts ? *in : ivset_copy(s->arena, in));
	return i;
}

/* ---- what the words mean ---- */

static int time_cmp(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

struct instants {
	int64_t *v;
	size_t n, cap;
};

static int64_t offset_at(int64_t second)
{
	return local_second(second) - second;
}

static void push_change(struct arena *a, struct instants *out, int64_t lo, int64_t hi)
{
	int64_t before = offset_at(lo);

	if (before == offset_at(hi))
		return;
	while (lo + 1 < hi) {
		int64_t mid = (lo + hi) / 2;

		if (offset_at(mid) == before)
			lo = mid;
		else
			hi = mid;
	}
	vec_push(a, out, hi);
}

static void push_ends(struct arena *a, const struct schedule *w, int64_t midnight,
		      struct instants *out)
{
	vec_push(a, out, midnight);
	if (!w->has_hours)
		return;
	vec_push(a, out, midnight + w->from * 60);
	vec_push(a, out, midnight + w->to * 60);
}

/* Of each day: midnight, and both ends of the hours, by every offset that there is around it; and
 * changes of the offset. Between two of them the answer is the same. */
static struct instants candidates(struct arena *a, const struct schedule *w)
{
	const struct horizon *h = policy_horizon();
	struct instants out = {0};

	for (int64_t day = h->begins / DAY - 1; day * DAY < h->ends + DAY; day++) {
		int64_t last = INT64_MIN;

		for (int64_t t = (day - 1) * DAY; t <= (day + 2) * DAY; t += DAY / 4) {
			int64_t offset = offset_at(t);

			if (offset != last)
				push_ends(a, w, day * DAY - offset, &out);
			last = offset;
		}
		for (int64_t t = day * DAY; t < (day + 1) * DAY; t += DAY / 4)
			push_change(a, &out, t, t + DAY / 4);
	}
	qsort(out.v, out.n, sizeof(*out.v), time_cmp);
	return out;
}

static struct ivset ask_meaning(struct arena *a, const struct schedule *w)
{
	const struct horizon *h = policy_horizon();
	struct instants at = candidates(a, w);
	struct ivset out = {0};
	struct tm tm;

	for (size_t i = 0; i < at.n; i++) {
		int64_t from = at.v[i] < h->begins ? h->begins : at.v[i];
		int64_t to = i + 1 < at.n && at.v[i + 1] < h->ends ? at.v[i + 1] : h->ends;

		if (from >= to)
			continue;
		local_time(from, &tm);
		if (schedule_at(w, &tm))
			vec_push(a, &out, ((struct ival){(u128)from, (u128)to - 1}));
	}
	ivset_normalise(&out);
	return out;
}

/* A policy is looked at in many ways, and asking takes longer than all else that is done with a
 * window: what its words mean is known from then on, as long as the program is. */
static const struct ivset *meaning(const struct schedule *w)
{
	static struct {
		struct arena *arena;
		struct map of; /* text -> struct ivset */
		int64_t begins;
	} known;
	_cleanup_arena_ struct arena *own = NULL;
	struct ivset *set, in;

	if (!known.arena || known.begins != policy_horizon()->begins) {
		arena_free(known.arena);
		known.arena = arena_new();
		known.begins = policy_horizon()->begins;
		map_init(&known.of, known.arena);
	}
	set = map_get(&known.of, w->text);
	if (set)
		return set;
	own = arena_new();
	in = ask_meaning(own, w);
	set = arena_new_of(known.arena, struct ivset);
	*set = ivset_copy(known.arena, &in);
	map_put(&known.of, arena_strdup(known.arena, w->text), set);
	return set;
}

void schema_add_schedule(struct schema *s, const struct schedule *when)
{
	if (!map_get(&s->times.schedules, when->text))
		map_put(&s->times.schedules, when->text,
			(void *)(add_set(s, meaning(when), true) + 1));
}

/* ---- codes ---- */

struct edge { /* a set begins or ends here */
	int64_t at;
	size_t set;
};

static int edge_cmp(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	return (x->at > y->at) - (x->at < y->at);
}

static struct edge *edges_of(const struct times *t, struct arena *a, size_t *n)
{
	VEC(struct edge) out = {0};
	size_t all = 0;

	for (size_t i = 0; i < t->sets.n; i++)
		all += 2 * t->sets.v[i].n;
	vec_reserve(a, &out, all);
	for (size_t i = 0; i < t->sets.n; i++) {
		const struct ivset *v = &t->sets.v[i];

		for (size_t k = 0; k < v->n; k++) {
			vec_push(a, &out, ((struct edge){(int64_t)v->v[k].lo, i}));
			vec_push(a, &out, ((struct edge){(int64_t)v->v[k].hi + 1, i}));
		}
	}
	if (out.n)
		qsort(out.v, out.n, sizeof(*out.v), edge_cmp);
	*n = out.n;
	return out.v;
}

struct coding {
	struct schema *s;
	struct arena *arena; /* of what is needed until there are codes */
	struct map known; /* the sets that one is in, in hexadecimal -> code + 1 */
	char *key;
};

static size_t code_of(struct coding *c, const uint8_t *in)
{
	struct times *t = &c->s->times;
	size_t bytes = t->sets.n / 8 + 1, code;

	hex_put(c->key, in, bytes);
	code = (size_t)map_get(&c->known, c->key);
	if (!code) {
		vec_push(c->s->arena, &t->in, arena_copy(c->s->arena, in, bytes));
		vec_push(c->s->arena, &t->codes, (struct time_code){.second = -1});
		code = t->codes.n;
		map_put(&c->known, arena_strdup(c->arena, c->key), (void *)code);
	}
	return code - 1;
}

/* One more interval of the seconds that are in just these sets; they come in order. */
static void add_seconds(struct coding *c, const uint8_t *in, int64_t lo, int64_t hi)
{
	int64_t now = policy_horizon()->now;
	struct time_code *code;
	size_t number;

	if (lo > hi)
		return;
	number = code_of(c, in);
	code = &c->s->times.codes.v[number];
	code->now |= lo <= now && now <= hi;
	if (!code->comes && (hi >= now || code->second < 0))
		code->second = hi >= now && lo < now ? now : lo;
	code->comes |= hi >= now;
}

static void make_codes(struct schema *s)
{
	_cleanup_arena_ struct arena *own = NULL;
	const struct horizon *h = policy_horizon();
	struct coding c = {.s = s};
	int64_t from = h->begins;
	struct edge *e;
	uint8_t *in;
	size_t n;

	if (s->times.coded)
		return;
	s->times.coded = true;
	c.arena = own = arena_new();
	map_init(&c.known, own);
	c.key = arena_alloc(own, 2 * (s->times.sets.n / 8 + 1) + 1);
	in = arena_alloc(own, s->times.sets.n / 8 + 1);
	e = edges_of(&s->times, own, &n);
	for (size_t i = 0; i < n; i++) {
		if (e[i].at > from) {
			add_seconds(&c, in, from, e[i].at - 1);
			from = e[i].at;
		}
		in[e[i].set / 8] ^= (uint8_t)(1u << e[i].set % 8);
	}
	add_seconds(&c, in, from, h->ends - 1);
}

size_t schema_ntimes(struct schema *s)
{
	make_codes(s);
	return s->times.codes.n;
}

static struct ivset codes_in(struct schema *s, size_t set)
{
	struct ivset out = {0};

	make_codes(s);
	for (size_t i = 0; i < s->times.codes.n; i++)
		if (s->times.in.v[i][set / 8] >> set % 8 & 1)
			vec_push(s->arena, &out, ((struct ival){i, i}));
	ivset_normalise(&out);
	return out;
}

dd_ref schema_schedule(struct schema *s, const struct schedule *when)
{
	size_t set = (size_t)map_get(&s->times.schedules, when->text);
	struct ivset codes;

	if (!set)
		return schema_condition(s, when->text);
	codes = codes_in(s, set - 1);
	return schema_ranges(s, DIM_TIME, dim_table[DIM_TIME].bits, codes.v, codes.n,
			     u128_max(dim_table[DIM_TIME].bits), DD_TRUE);
}

/* ---- in words ---- */

u128 schema_time_now(struct schema *s)
{
	make_codes(s);
	for (size_t i = 0; i < s->times.codes.n; i++)
		if (s->times.codes.v[i].now)
			return i;
	return 0;
}

int64_t schema_second(struct schema *s, u128 code)
{
	make_codes(s);
	return s->times.codes.v[code < s->times.codes.n ? code : 0].second;
}

struct wording { /* of codes: within one schedule (or not in it), and perhaps another */
	const struct map_entry *first, *second;
	bool not_first, not_second;
};

static bool is_in(const struct times *t, const struct map_entry *e, size_t code)
{
	size_t set = (size_t)e->value - 1;

	return t->in.v[code][set / 8] >> set % 8 & 1;
}

static bool says(const struct times *t, const struct wording *w, const struct ivset *codes)
{
	for (size_t i = 0; i < t->codes.n; i++) {
		bool in = is_in(t, w->first, i) != w->not_first;

		in &= is_in(t, w->second, i) != w->not_second;
		if (in != ivset_contains(codes, i))
			return false;
	}
	return true;
}

#define WORDED 64 /* schedules that are tried in pairs */

static bool worded(const struct times *t, const struct ivset *codes, struct wording *w)
{
	size_t n = t->schedules.entries.n < WORDED ? t->schedules.entries.n : WORDED;

	for (size_t i = 0; i < n; i++) {
		for (int sign = 0; sign < 2; sign++) {
			w->first = w->second = &t->schedules.entries.v[i];
			w->not_first = w->not_second = sign;
			if (says(t, w, codes))
				return true;
		}
	}
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < n; k++) {
			for (int sign = 0; sign < 3; sign++) {
				w->first = &t->schedules.entries.v[i];
				w->second = &t->schedules.entries.v[k];
				w->not_first = sign == 2;
				w->not_second = sign;
				if (says(t, w, codes))
					return true;
			}
		}
	}
	return false;
}

void schema_print_times(struct buf *out, struct schema *s, const struct ivset *codes)
{
	struct wording w;

	make_codes(s);
	if (worded(&s->times, codes, &w)) {
		buf_printf(out, "%s%s", w.not_first ? "not " : "", w.first->key);
		if (w.first != w.second)
			buf_printf(out, ", %s%s", w.not_second ? "not " : "", w.second->key);
		return;
	}
	buf_puts(out, "as from ");
	time_print(out, schema_second(s, codes->v[0].lo));
}

/* ---- rules of nft ---- */

/* What nft writes takes in the first nanosecond of the second behind it; that is left out here, and
 * in the manual. */
static struct ivset whole_seconds(struct arena *a, const struct ivset *nanoseconds)
{
	struct ivset out = {0}, all = horizon(a);

	for (size_t i = 0; i < nanoseconds->n; i++) {
		u128 lo = (nanoseconds->v[i].lo + NANOSECONDS - 1) / NANOSECONDS;
		u128 end = (nanoseconds->v[i].hi + 1) / NANOSECONDS;

		if (lo < end)
			vec_push(a, &out, ((struct ival){lo, end - 1}));
	}
	ivset_normalise(&out);
	return ivset_intersect(a, &out, &all);
}

void schema_add_times(struct schema *s, const struct ivset *nanoseconds)
{
	_cleanup_arena_ struct arena *own = arena_new();
	struct ivset in = whole_seconds(own, nanoseconds);

	add_set(s, &in, false);
}

bool schema_times(struct schema *s, const struct ivset *nanoseconds, struct ivset *codes)
{
	_cleanup_arena_ struct arena *own = arena_new();
	struct ivset in = whole_seconds(own, nanoseconds);
	size_t set = add_set(s, &in, false);

	if (set == s->times.sets.n)
		return false;
	*codes = codes_in(s, set);
	return true;
}
