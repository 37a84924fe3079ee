/* SPDX-License-Identifier: GPL-2.0-or-later
 * The decision-diagram kernel against BuDDy, an independent one: the same random operations in
 * both. BuDDy knows booleans only, so a function there is a list of them, one for each value that
 * it can have. After each step the diagram is built again in BuDDy, node by node, and must be the
 * same.
 */
#include "config.h"

#ifndef HAVE_BUDDY
#include <stdio.h>

int main(void)
{
	puts("skipped: built without BuDDy (libbdd-dev)");
	return 77;
}
#else
#include <bdd.h>
#include <math.h>
#include <stdlib.h>

#include "space/region.h"
#include "test.h"

#define VARS 24
#define VALUES 8
#define POOL 12
#define BATCHES 40
#define STEPS 150

static const uint32_t values[VALUES] = {
	0, 1, 2, 3, DD_OPEN | 1, DD_OPEN | 2, DD_OPEN | 3, DD_OPEN | 4,
};

struct fn { /* a function, written down twice */
	dd_ref n;
	BDD of[VALUES];
};

struct both {
	struct dd *d;
	struct fn pool[POOL];
	int filled;
	bool right, canonical, counted;
	int functions, large;
};

static int number_of(uint32_t value)
{
	for (int i = 0; i < VALUES; i++)
		if (values[i] == value)
			return i;
	abort();
}

static uint32_t join(void *ctx, uint32_t a, uint32_t b)
{
	(void)ctx;
	return values[1 + (number_of(a) * 3 + number_of(b) * 5) % (VALUES - 1)];
}

/* BuDDy frees what nobody holds; all is held until the end of the batch. */
static BDD hold(BDD b)
{
	return bdd_addref(b);
}

static BDD both_of(BDD a, BDD b)
{
	return hold(bdd_and(a, b));
}

static BDD any_of(BDD a, BDD b)
{
	return hold(bdd_or(a, b));
}

static struct fn nowhere(void)
{
	struct fn f = {0};

	for (int i = 0; i < VALUES; i++)
		f.of[i] = bddfalse;
	return f;
}

/* x >= limit (lower), or x <= limit, from the last bit to the first. */
static BDD bound(uint32_t first, int bits, unsigned limit, unsigned mask, bool lower)
{
	BDD r = bddtrue;

	for (int i = 0; i < bits; i++) {
		BDD x = mask >> i & 1 ? bdd_ithvar((int)first + bits - 1 - i) : bddfalse;
		bool one = limit >> i & 1;

		if (lower)
			r = hold(one ? bdd_ite(x, r, bddfalse) : bdd_ite(x, bddtrue, r));
		else
			r = hold(one ? bdd_ite(x, r, bddtrue) : bdd_ite(x, bddfalse, r));
	}
	return r;
}

static struct fn random_ranges(struct both *w)
{
	int bits = 1 + rand() % 16, in = 1 + rand() % (VALUES - 1),
	    out = rand() % 20 ? 0 : rand() % VALUES;
	uint32_t first = (uint32_t)(rand() % (VARS - bits + 1));
	unsigned most = (1u << bits) - 1, mask = rand() % 3 ? most : (unsigned)rand() & most;
	struct ival v[8];
	struct fn f = nowhere();
	BDD hit = bddfalse;
	size_t n = 0;

	for (unsigned at = (unsigned)rand() & most; n < 8 && at <= most;) {
		unsigned end = at + (unsigned)rand() % (most / 5 + 1);

		end = end < most ? end : most;
		v[n++] = (struct ival){at, end};
		hit = any_of(hit, both_of(bound(first, bits, at, mask, true),
					  bound(first, bits, end, mask, false)));
		at = end + 1 + (unsigned)rand() % (most / 5 + 1);
	}
	f.n = dd_ranges(w->d, first, bits, v, n, mask, dd_terminal(w->d, values[in]),
			dd_terminal(w->d, values[out]));
	f.of[in] = hit;
	f.of[out] = any_of(f.of[out], hold(bdd_not(hit)));
	return f;
}

/* Each pair of values becomes what `to` says. */
static struct fn pairwise(const struct fn *a, const struct fn *b, dd_ref n, int (*to)(int a, int b))
{
	struct fn f = nowhere();

	f.n = n;
	for (int i = 0; i < VALUES; i++) {
		for (int j = 0; j < VALUES; j++) {
			BDD here = both_of(a->of[i], b->of[j]);

			f.of[to(i, j)] = any_of(f.of[to(i, j)], here);
		}
	}
	return f;
}

static int to_seq(int a, int b)
{
	if (!a || !b)
		return a ? a : b;
	return values[a] & DD_OPEN ? number_of(join(NULL, values[a], values[b])) : a;
}

static int to_restrict(int a, int b)
{
	return a ? b : 0;
}

static int to_differ(int a, int b)
{
	return a != b;
}

static int to_and(int a, int b)
{
	return a && b;
}

static int to_or(int a, int b)
{
	return a || b;
}

static int to_not(int a, int b)
{
	(void)b;
	return !a;
}

static int to_mapped(int a, int b)
{
	(void)b;
	return a ? 1 + a * 3 % (VALUES - 1) : 0; /* else all would decide everywhere soon */
}

static uint32_t map_value(void *ctx, uint32_t value)
{
	(void)ctx;
	return values[to_mapped(number_of(value), 0)];
}

static struct fn where(struct both *w, const struct fn *a)
{
	int value = rand() % VALUES;
	struct fn f = nowhere();

	f.n = dd_where(w->d, a->n, values[value]);
	f.of[1] = a->of[value];
	f.of[0] = hold(bdd_not(f.of[1]));
	return f;
}

static struct fn fix_or_some(struct both *w, const struct fn *a, bool fix)
{
	int bits = rand() % 10, vars[10];
	uint32_t first = (uint32_t)(rand() % (VARS - bits + 1));
	unsigned value = (unsigned)rand() & ((1u << bits) - 1);
	struct fn f = nowhere(), b;
	BDD cube = bddtrue;

	for (int i = 0; i < bits; i++) {
		vars[i] = (int)first + i;
		cube = both_of(cube, value >> (bits - 1 - i) & 1 ? bdd_ithvar(vars[i])
								 : bdd_nithvar(vars[i]));
	}
	if (fix) {
		f.n = dd_fix(w->d, a->n, first, bits, value);
		for (int i = 0; i < VALUES; i++)
			f.of[i] = bits ? hold(bdd_restrict(a->of[i], cube)) : a->of[i];
		return f;
	}
	b = where(w, a);
	f.n = dd_some(w->d, b.n, first, bits);
	f.of[1] = bits ? hold(bdd_exist(b.of[1], hold(bdd_makeset(vars, bits)))) : b.of[1];
	f.of[0] = hold(bdd_not(f.of[1]));
	return f;
}

/* A list may be put together in any order, so it wants a join with which that is the same. */
static uint32_t the_later(void *ctx, uint32_t a, uint32_t b)
{
	(void)ctx;
	(void)a;
	return b;
}

static int to_the_later(int a, int b)
{
	return !a || (b && values[a] & DD_OPEN) ? b : a;
}

static struct fn in_sequence(struct both *w)
{
	struct fn f = w->pool[rand() % POOL];
	dd_ref list[12] = {f.n};
	size_t n = 1 + (size_t)rand() % 12;

	for (size_t i = 1; i < n; i++) {
		struct fn *next = &w->pool[rand() % POOL];

		list[i] = next->n;
		f = pairwise(&f, next, DD_UNDECIDED, to_the_later);
	}
	dd_set_join(w->d, the_later, NULL);
	f.n = dd_sequence(w->d, list, n);
	dd_set_join(w->d, join, NULL);
	return f;
}

static struct fn step(struct both *w)
{
	struct fn *a = &w->pool[rand() % POOL], *b = &w->pool[rand() % POOL], x, y;

	switch (rand() % 24) {
	case 0:
	case 1:
		return random_ranges(w);
	case 2:
	case 3:
	case 4:
		return pairwise(a, b, dd_seq(w->d, a->n, b->n), to_seq);
	case 5:
		return pairwise(a, b, dd_restrict(w->d, a->n, b->n), to_restrict);
	case 6:
		return pairwise(a, b, dd_differ(w->d, a->n, b->n), to_differ);
	case 7:
		x = where(w, a);
		y = where(w, b);
		if (rand() % 2)
			return pairwise(&x, &y, dd_and(w->d, x.n, y.n), to_and);
		return pairwise(&x, &y, dd_or(w->d, x.n, y.n), to_or);
	case 8:
		return pairwise(a, a, dd_not(w->d, a->n), to_not);
	case 9:
		return pairwise(a, a, dd_map(w->d, a->n, map_value, NULL), to_mapped);
	case 10:
		return fix_or_some(w, a, true);
	case 11:
	case 12:
		return in_sequence(w);
	}
	if (rand() % 12 == 0)
		return fix_or_some(w, a, false);
	return pairwise(a, b, dd_seq(w->d, a->n, b->n), to_seq);
}

/* Where n has that value, built from its nodes. memo: by node, -1 for "not yet". */
static BDD rebuild(const struct dd *d, dd_ref n, uint32_t value, BDD *memo)
{
	if (dd_is_terminal(d, n))
		return dd_value(d, n) == value ? bddtrue : bddfalse;
	if (memo[n] < 0) {
		BDD lo = rebuild(d, dd_lo(d, n), value, memo);
		BDD hi = rebuild(d, dd_hi(d, n), value, memo);

		memo[n] = hold(bdd_ite(bdd_ithvar((int)dd_var(d, n)), hi, lo));
	}
	return memo[n];
}

static bool same(const struct fn *a, const struct fn *b)
{
	return !memcmp(a->of, b->of, sizeof(a->of));
}

static void check(struct both *w, const struct fn *f)
{
	static const struct region_field all = {0, VARS};
	size_t n = dd_nodes(w->d);
	BDD *memo = malloc(n * sizeof(*memo));
	bool meet = false;

	for (int i = 0; i < VALUES; i++) {
		for (size_t j = 0; j < n; j++)
			memo[j] = -1;
		w->right &= rebuild(w->d, f->n, values[i], memo) == f->of[i];
		w->counted &= region_count(w->d, dd_where(w->d, f->n, values[i]), &all, 1) ==
			      roundl(bdd_satcount(f->of[i]));
	}
	free(memo);
	for (int i = 0; i < w->filled; i++) {
		const struct fn *g = &w->pool[i];

		w->canonical &= same(f, g) == (f->n == g->n);
	}
	meet = both_of(hold(bdd_not(f->of[0])), hold(bdd_not(w->pool[0].of[0]))) != bddfalse;
	w->right &= dd_disjoint(w->d, f->n, w->pool[0].n) == !meet;
	w->functions++;
	w->large += bdd_anodecount((BDD *)f->of, VALUES) > 500;
}

static void batch(struct both *w)
{
	dd_ref *roots[POOL];

	bdd_init(200000, 40000);
	bdd_gbc_hook(NULL); /* which prints */
	bdd_setmaxincrease(500000);
	bdd_setvarnum(VARS);
	w->d = dd_new((struct dd_budget){0});
	dd_set_join(w->d, join, NULL);
	for (w->filled = 0; w->filled < POOL;) {
		int i = w->filled++;

		w->pool[i] = random_ranges(w);
		check(w, &w->pool[i]);
		roots[i] = &w->pool[i].n;
	}
	for (int i = 0; i < STEPS; i++) {
		struct fn f = step(w);

		check(w, &f);
		/* there are enough that are simple or decide everywhere */
		if (bdd_anodecount(f.of, VALUES) < 20 || f.of[0] == bddfalse) {
			f = random_ranges(w);
			check(w, &f);
		}
		w->pool[rand() % POOL] = f;
		if (i % 16 == 15)
			dd_collect(w->d, roots, POOL);
	}
	for (int i = 0; i < POOL; i++)
		check(w, &w->pool[i]);
	w->right &= !dd_exhausted(w->d);
	dd_free(w->d);
	bdd_done();
}

int main(void)
{
	struct both w = {.right = true, .canonical = true, .counted = true};

	srand(4711);
	for (int i = 0; i < BATCHES; i++) {
		batch(&w);
		CHECK(w.right);
		CHECK(w.canonical);
		CHECK(w.counted);
	}
	CHECK(w.functions > 4000);
	CHECK(w.large > 1000);
	printf("# %d functions, %d of them large\n", w.functions, w.large);
	return test_end();
}
#endif
