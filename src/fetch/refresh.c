/* SPDX-License-Identifier: GPL-2.0-or-later
 * sets of the rules in force -> asked for, kept, and in the kernel.
 *
 * What is new is kept first, marked as being on its way: whoever is killed behind that has left a
 * set that is not quite what was kept, and the next one to look makes it so.
 */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fetch/fetch.h"
#include "fetch/round.h"
#include "kernel/cgroup.h"
#include "kernel/delta.h"
#include "util/bulk_parts.h"
#include "util/cleanup.h"
#include "util/fault.h"

static bool is_wanted(const struct fetch_options *o, const struct fetch_set *s)
{
	bool wanted = !o->nonly;

	for (size_t i = 0; i < o->nonly; i++)
		wanted |= !strcmp(o->only[i], s->name) || (s->path && !strcmp(o->only[i], s->path));
	return wanted && s->kind != FETCH_OTHER;
}

static void begin(struct round *r, const struct store *s, const struct fetch_sets *sets,
		  const struct fetch_options *o)
{
	const struct fetch_set *x;

	r->v = arena_alloc(r->arena, (sets->n + 1) * sizeof(*r->v));
	vec_each (sets, x) {
		if (!is_wanted(o, x) || x->kind == FETCH_CGROUP)
			continue;
		r->v[r->n].set = x;
		round_begin(r, s, &r->v[r->n++]);
	}
}

static bool same_list(const struct bulk_list *a, const struct bulk_list *b)
{
	return a == b || (a && b && !strcmp(a->digest, b->digest));
}

static bool same_content(const struct round_set *x)
{
	return same_list(x->was.v4, x->now.v4) && same_list(x->was.v6, x->now.v6);
}

/* What was kept is in the sets that are there now, not in those of rules that another fwc made. */
static bool same_sets(const struct round_set *x)
{
	return x->was.parted == x->now.parted;
}

/* ---- into the kernel ---- */

/* From one content to another, of both families. */
struct step {
	const struct bulk_list *from4, *from6, *to4, *to6;
	bool trusted; /* nobody but us was at it */
};

struct changing {
	struct arena *arena;
	const struct fetch_set *set;
	const struct step *step;
	const char *netns;
	struct fetch_result *out;
	struct buf *why;
};

static uint64_t room_of(const struct fetch_set *s)
{
	return s->size ? s->size : UINT32_MAX;
}

static int change_sets(const struct changing *c, struct delta_job *v, size_t n)
{
	int err = delta_change_all(v, n, c->netns);

	if (err)
		buf_puts(c->why, v->why);
	for (size_t i = 0; i < n; i++) {
		c->out->added += v[i].added;
		c->out->deleted += v[i].deleted;
	}
	return err;
}

static const struct bulk_list *both_of(struct arena *a, const struct bulk_list *x,
				       const struct bulk_list *y)
{
	struct bulk all = {0};

	if (!x || !y)
		return x ? x : y;
	bulk_add_list(&all, x);
	bulk_add_list(&all, y);
	bulk_settle(&all, a);
	return bulk_list(a, &all, x->family);
}

/* An address may go from the one set to the other, and is to be in one of them all the time; also
 * to a packet that looks into the one before a change and into the other behind it. Rules ask for
 * addresses first. */
static int change_parts(const struct changing *c, const struct delta_job *whole, const char *alone)
{
	struct bulk_parts was = bulk_parts(c->arena, whole->was);
	struct bulk_parts want = bulk_parts(c->arena, whole->want);
	struct delta_job comes = *whole, nets = *whole, goes = *whole;

	nets.was = was.nets;
	nets.want = want.nets;
	goes.set = comes.set = alone;
	goes.interval = comes.interval = false;
	goes.size = comes.size = BULK_ALONE * whole->size;
	goes.want = comes.want = want.alone;
	comes.adds_only = true;
	comes.was = was.alone;
	if (whole->trusted && !was.nets && !want.nets) {
		goes.was = was.alone;
		return change_sets(c, (struct delta_job[]){nets, goes}, 2);
	}
	goes.was = whole->was ? both_of(c->arena, was.alone, want.alone) : NULL;
	return change_sets(c, (struct delta_job[]){comes, nets, goes}, 3);
}

static int change_half(const struct changing *c, enum family family)
{
	bool four = family == FAM_IP4;
	struct delta_job j = {
		.set = four ? c->set->v4 : c->set->v6,
		.family = family,
		.interval = c->set->interval,
		.want = four ? c->step->to4 : c->step->to6,
		.was = four ? c->step->from4 : c->step->from6,
		.size = room_of(c->set),
		.trusted = c->step->trusted,
	};

	if (!j.set)
		return 0;
	if (fetch_parted(c->set))
		return change_parts(c, &j, four ? c->set->alone4 : c->set->alone6);
	return change_sets(c, &j, 1);
}

static int change_both(const struct changing *c)
{
	int err = change_half(c, FAM_IP4);

	fault_point("refresh-half");
	if (!err)
		err = change_half(c, FAM_IP6);
	fault_point("refresh-changed");
	return err;
}

/* Somebody was killed half way: first to where that one went, so that what is between is known. */
static int end_of_killed(const struct fetch_options *o, const struct round_set *x,
			 struct changing c)
{
	const struct step step = {x->was.from4, x->was.from6, x->was.v4, x->was.v6, !o->force};

	c.step = &step;
	return change_both(&c);
}

static int change(struct store *s, struct arena *a, const struct fetch_options *o,
		  struct round_set *x, struct fetch_result *out, struct buf *why)
{
	struct step step = {x->was.v4, x->was.v6, x->now.v4, x->now.v6, false};
	const struct changing c = {a, x->set, &step, o->netns, out, why};
	int err = 0;

	x->now.changing = !same_content(x) || x->was.changing || !same_sets(x);
	x->now.from_known = x->was.fetched && !x->was.changing && same_sets(x);
	if (x->was.changing && x->was.from_known && same_sets(x)) {
		err = end_of_killed(o, x, c);
		if (err)
			return err;
		x->now.from_known = true;
	}
	step.trusted = x->now.from_known && !o->force;
	x->now.from4 = step.from4;
	x->now.from6 = step.from6;
	if (x->now.changing) {
		err = fetched_save(s, &x->now, why);
		if (err)
			return err;
	}
	fault_point("refresh-kept");
	err = change_both(&c);
	out->held += fetch_count(x->set, step.to4) + fetch_count(x->set, step.to6);
	if (!err)
		x->now.changing = false;
	return err;
}

static void finish(struct store *s, const struct fetch_options *o, struct round *r,
		   struct round_set *x, struct fetch_result *out)
{
	_cleanup_buf_ struct buf why = {0};
	int err = 0;

	*out = (struct fetch_result){.set = x->set, .state = x->state, .note = x->note};
	/* where nothing ever came, or nobody knows what, the kernel may hold something better */
	if (x->due && x->now.fetched)
		err = change(s, r->arena, o, x, out, &why);
	else
		out->held =
			(size_t)(fetch_count(x->set, x->now.v4) + fetch_count(x->set, x->now.v6));
	if (err) {
		round_stale(r, x, arena_strdup(r->arena, buf_str(&why)));
		x->state = FETCH_REFUSED;
		why.len = 0;
	} else if (x->state == FETCH_SAME && (out->added || out->deleted)) {
		x->state = FETCH_CHANGED;
	}
	/* where it is not due, it may yet be failing since it was */
	if (!x->due && x->now.stale)
		x->state = x->now.held ? FETCH_HELD : x->now.expired ? FETCH_EXPIRED : FETCH_STALE;
	if (x->due && fetched_save(s, &x->now, &why) && !err) {
		x->now.why = arena_strdup(r->arena, buf_str(&why));
		x->state = FETCH_REFUSED;
	}
	out->state = x->state;
	out->why = x->now.why;
	out->fetched = x->now.fetched;
	out->stale = x->now.stale;
}

static void refuse(struct round *r, struct fetch_result *out, const char *why)
{
	for (size_t i = 0; i < r->n; i++)
		out[i] = (struct fetch_result){.set = r->v[i].set,
					       .state = FETCH_REFUSED,
					       .fetched = r->v[i].was.fetched,
					       .stale = r->wall,
					       .why = why};
}

/* Nobody is asked, so it is always due. */
static void refresh_cgroup(const struct fetch_options *o, struct arena *a,
			   const struct fetch_set *s, struct fetch_result *out)
{
	struct cgroup_job j = {.path = s->path, .set = s->cgroup};
	int err = cgroup_fill(&j, o->netns);

	*out = (struct fetch_result){.set = s,
				     .state = FETCH_SAME,
				     .held = j.there,
				     .added = j.added,
				     .deleted = j.deleted};
	if (j.added || j.deleted)
		out->state = FETCH_CHANGED;
	if (!err)
		return;
	out->state = FETCH_REFUSED;
	out->why = arena_strdup(a, j.why);
}

size_t fetch_refresh(struct store *s, struct arena *a, const struct fetch_sets *sets,
		     const struct fetch_options *o, struct fetch_result *out)
{
	struct round r = {
		.arena = a, .force = o->force, .ms = o->ms, .netns = o->netns, .wall = o->now};
	_cleanup_buf_ struct buf why = {0};
	const struct fetch_set *x;
	size_t n;

	begin(&r, s, sets, o);
	round_ask_names(&r);
	round_ask_urls(&r);
	fault_point("refresh-asked");
	if (store_lock(s, &why)) {
		refuse(&r, out, arena_strdup(a, buf_str(&why)));
		return r.n;
	}
	for (size_t i = 0; i < r.n; i++)
		finish(s, o, &r, &r.v[i], &out[i]);
	n = r.n;
	vec_each (sets, x)
		if (x->kind == FETCH_CGROUP && is_wanted(o, x))
			refresh_cgroup(o, a, x, &out[n++]);
	fetched_prune(s);
	return n;
}

/* Rules in force may ask somebody else for a set of that name. What is kept for them stays, until
 * these rules are in force and refresh asks. */
static bool is_of_others(const struct fetch_sets *applied, const struct fetch_set *s)
{
	const struct fetch_set *x;

	vec_each (applied, x)
		if (!strcmp(x->name, s->name))
			return x->kind != s->kind || (s->url && strcmp(x->url, s->url) != 0);
	return false;
}

/* Names and URLs are asked one after the other; no others but those that are due. */
static void ask_within(struct round *r, const struct fetch_sets *applied, unsigned ms)
{
	bool names = false, urls = false;
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++) {
		struct round_set *x = &r->v[i];

		if (x->was.fetched || is_of_others(applied, x->set))
			continue;
		names |= x->set->kind == FETCH_DNS;
		urls |= x->set->kind == FETCH_URL;
		r->v[n++] = *x;
	}
	r->n = n;
	r->ms = names && urls ? ms / 2 : ms;
	round_ask_names(r);
	round_ask_urls(r);
}

/* The kernel's set may be one that rules in force look into: then refresh fills it. */
static void keep_now(struct store *s, struct round_set *x, struct buf *why)
{
	x->now.changing = true;
	if (x->now.fetched)
		fetched_save(s, &x->now, why);
}

void fetch_now(struct store *s, struct arena *a, const struct fetch_sets *sets, const char *netns,
	       unsigned ms)
{
	const struct fetch_options all = {0};
	struct round r = {.arena = a, .ms = ms, .netns = netns, .wall = (uint64_t)time(NULL)};
	_cleanup_buf_ struct buf ignored = {0};
	struct fetch_sets applied;
	int lock;

	begin(&r, s, sets, &all);
	if (!r.n)
		return;
	lock = fetched_lock(s, 0, &ignored); /* else refresh is at it */
	if (lock < 0)
		return;
	fetch_sets_applied(s, a, &applied, &ignored);
	ask_within(&r, &applied, ms);
	for (size_t i = 0; i < r.n; i++)
		keep_now(s, &r.v[i], &ignored);
	close(lock);
}
