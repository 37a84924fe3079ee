/* SPDX-License-Identifier: GPL-2.0-or-later
 * Lists of addresses in diagrams: as conditions, a packet is found exactly where one is real, and
 * is real; taken apart, they say the same. Against a look at every pair of addresses of a small
 * world.
 */
#include <stdlib.h>

#include "space/mean.h"
#include "test.h"

#define WORLD 24u /* addresses, which the regions keep to */
#define ROUNDS 300

static struct bulk_list *random_list(struct arena *a)
{
	struct bulk b = {0};

	for (int i = 0; i < 6; i++) {
		unsigned lo = (unsigned)rand() % WORLD;

		bulk_add(&b, FAM_IP4, (struct ival){lo, lo + (unsigned)rand() % 3});
	}
	bulk_settle(&b, a);
	return bulk_list(a, &b, FAM_IP4);
}

struct term {
	enum dim d;
	const struct bulk_list *list; /* or NULL: the range */
	struct ival range;
	bool negated, or ;
};

static bool holds(const struct term *t, unsigned src, unsigned dst)
{
	unsigned x = t->d == DIM_SADDR ? src : dst;
	bool in = t->list ? bulk_list_holds(t->list, x) : t->range.lo <= x && x <= t->range.hi;

	return in != t->negated;
}

static dd_ref region(struct mean *m, const struct term *t, size_t n)
{
	dd_ref all = DD_TRUE, four = schema_family(&m->schema, FAM_IP4);

	for (size_t i = 0; i < n; i++) {
		struct ivset range = {.v = (struct ival *)&t[i].range, .n = 1};
		dd_ref in = t[i].list ? schema_bulk(&m->schema, t[i].d, t[i].list, m->within)
				      : schema_addrs(&m->schema, t[i].d, FAM_IP4, &range);

		if (t[i].negated)
			in = dd_not(m->dd, in);
		all = t[i].or ? dd_or(m->dd, all, in) : dd_and(m->dd, all, in);
	}
	return dd_and(m->dd, all, four);
}

static bool combined(const struct term *t, size_t n, unsigned src, unsigned dst)
{
	bool all = true;

	for (size_t i = 0; i < n; i++)
		all = t[i].or ? all || holds(&t[i], src, dst) : all && holds(&t[i], src, dst);
	return all;
}

static bool somewhere(const struct term *t, size_t n)
{
	for (unsigned src = 0; src < WORLD; src++)
		for (unsigned dst = 0; dst < WORLD; dst++)
			if (combined(t, n, src, dst))
				return true;
	return false;
}

/* Both ends within the world. */
static dd_ref world(struct mean *m)
{
	struct ivset all = ivset_one(m->arena, 0, WORLD - 1);

	return dd_and(m->dd, schema_addrs(&m->schema, DIM_SADDR, FAM_IP4, &all),
		      schema_addrs(&m->schema, DIM_DADDR, FAM_IP4, &all));
}

static void add_set(struct ir_ruleset *r, const struct bulk_list *elems, enum bulk_role role,
		    const struct bulk_list *of, const struct bulk_list *base)
{
	struct ir_bulk *b = arena_new_of(r->arena, struct ir_bulk);
	struct ir_set *s = arena_new_of(r->arena, struct ir_set);

	if (!elems)
		return;
	*b = (struct ir_bulk){.elems = elems,
			      .prefix = 32,
			      .of = of->digest,
			      .role = role,
			      .base = role ? base->digest : NULL};
	*s = (struct ir_set){.bulk = b};
	vec_push(r->arena, &r->sets, s);
}

/* A kernel that has one list by another. */
static const struct ir_ruleset *overlaid(struct arena *a, const struct bulk_overlay *o,
					 const struct bulk_list *whole)
{
	struct ir_ruleset *r = arena_new_of(a, struct ir_ruleset);

	r->arena = a;
	add_set(r, o->base, BULK_LIST, o->base, NULL);
	add_set(r, o->less, BULK_LESS, whole, o->base);
	add_set(r, o->more, BULK_MORE, whole, o->base);
	return r;
}

static bool agrees(struct arena *a, const struct term *t, size_t n, bool open,
		   const struct ir_ruleset *const r_of[2])
{
	struct packet p;
	struct mean m;
	dd_ref r;
	bool found, right;

	mean_init(&m, a, (struct dd_budget){1 << 20, 30});
	m.schema.lists_open = open;
	for (int i = 0; i < 2 && r_of[i]; i++)
		schema_add_overlays(&m.schema, r_of[i]);
	r = dd_and(m.dd, region(&m, t, n), world(&m));
	found = schema_witness(&m.schema, r, &p);
	right = found == somewhere(t, n) &&
		(!found || combined(t, n, (unsigned)p.dim[DIM_SADDR], (unsigned)p.dim[DIM_DADDR]));
	m.within = world(&m); /* as far as there are packets */
	if (!open)
		right &= dd_and(m.dd, region(&m, t, n), world(&m)) == r;
	mean_free(&m);
	return right;
}

int main(void)
{
	bool open = true, apart = true;

	srand(7);
	for (int i = 0; i < ROUNDS; i++) {
		struct arena *a = arena_new();
		const struct bulk_list *first = random_list(a), *second = random_list(a);
		struct bulk_overlay o = bulk_overlay(a, second, first);
		struct bulk_overlay back = bulk_overlay(a, first, second);
		const struct bulk_list *lists[] = {first, second, o.less, o.more, NULL};
		/* not; by the second list; that, and the other way round, as two kernels may have it */
		const struct ir_ruleset *const rulesets[] = {
			i % 3 ? overlaid(a, &o, first) : NULL,
			i % 3 == 2 ? overlaid(a, &back, second) : NULL};
		struct term t[6];

		for (int k = 0; k < 6; k++) {
			unsigned lo = (unsigned)rand() % WORLD;

			t[k] = (struct term){.d = rand() % 2 ? DIM_SADDR : DIM_DADDR,
					     .list = lists[rand() % (i % 3 ? 5 : 2)],
					     .range = {lo, lo + (unsigned)rand() % 4},
					     .negated = rand() % 2,
					     .or = k && rand() % 4 == 0};
		}
		open &= agrees(a, t, 6, true, rulesets);
		apart &= agrees(a, t, 6, false, rulesets);
		arena_free(a);
	}
	CHECK(open);
	CHECK(apart);
	return test_end();
}
