/* SPDX-License-Identifier: GPL-2.0-or-later
 * The decision-diagram kernel against tables of all assignments: each operation is done on the
 * tables, too, and must yield the node that the resulting table builds.
 */
#include "config.h"

#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "space/dd.h"
#include "test.h"

#define BITS 10
#define POINTS (1 << BITS)
#define OK(truth, what) test_report((truth), __FILE_NAME__, __LINE__, (what))

typedef uint32_t table[POINTS];

/* The function's value where the variables are the bits of x, the most significant first. */
static uint32_t value_at(const struct dd *d, dd_ref n, unsigned x)
{
	while (!dd_is_terminal(d, n))
		n = x >> (BITS - 1 - dd_var(d, n)) & 1 ? dd_hi(d, n) : dd_lo(d, n);
	return dd_value(d, n);
}

static bool same_everywhere(const struct dd *d, dd_ref n, const uint32_t *t)
{
	for (unsigned x = 0; x < POINTS; x++)
		if (value_at(d, n, x) != t[x])
			return false;
	return true;
}

/* The diagram of the table, without any operation. */
static dd_ref build(struct dd *d, const uint32_t *t, unsigned var)
{
	unsigned half = POINTS >> 1 >> var;
	dd_ref lo, hi;

	if (var == BITS)
		return dd_terminal(d, *t);
	lo = build(d, t, var + 1);
	hi = build(d, t + half, var + 1);
	return dd_node(d, var, lo, hi);
}

/* The node is right and, as equal functions are equal nodes, no other. */
static bool is(struct dd *d, dd_ref n, const uint32_t *t)
{
	return same_everywhere(d, n, t) && build(d, t, 0) == n;
}

/* Stretches of equal values and of noise, as many kinds of value as `kinds` says. */
static void random_table(uint32_t *t, const uint32_t *kinds, unsigned n)
{
	for (unsigned x = 0; x < POINTS;) {
		unsigned end = x + 1 + (unsigned)rand() % 200;
		bool noise = rand() % 4 == 0;
		uint32_t value = kinds[(unsigned)rand() % n];

		for (; x < end && x < POINTS; x++)
			t[x] = noise ? kinds[(unsigned)rand() % n] : value;
	}
}

static const uint32_t booleans[] = {0, 1};
static const uint32_t verdicts[] = {0, 0, 1, 2, 3};
/* Strings of hexadecimal digits 1 to 7, the last at the bottom; decided ones begin with 8 or more.
 */
static const uint32_t carrying[] = {0, 0, 9, 10, 11, DD_OPEN | 1, DD_OPEN | 2, DD_OPEN | 0x31};

static uint32_t concatenate(void *ctx, uint32_t a, uint32_t b)
{
	uint32_t digits = b & (DD_OPEN - 1), r = a & (DD_OPEN - 1);
	int shift = 0;

	if (ctx)
		++*(int *)ctx;
	while (digits >> shift)
		shift += 4;
	r = (r << shift | digits) & 0xffffff;
	return r | (b & DD_OPEN);
}

static uint32_t seq_of(uint32_t a, uint32_t b)
{
	if (!a || !b)
		return a ? a : b;
	return a & DD_OPEN ? concatenate(NULL, a, b) : a;
}

static void test_seq(struct dd *d)
{
	table a, b, c, want;
	dd_ref x, y, z;

	random_table(a, carrying, 8);
	random_table(b, carrying, 8);
	random_table(c, carrying, 8);
	x = build(d, a, 0);
	y = build(d, b, 0);
	z = build(d, c, 0);
	for (unsigned i = 0; i < POINTS; i++)
		want[i] = seq_of(a[i], b[i]);
	OK(is(d, dd_seq(d, x, y), want), "seq");
	for (unsigned i = 0; i < POINTS; i++)
		want[i] = seq_of(a[i], a[i]);
	OK(is(d, dd_seq(d, x, x), want), "what is open is carried twice");
	OK(dd_seq(d, dd_seq(d, x, y), z) == dd_seq(d, x, dd_seq(d, y, z)), "seq is associative");
	for (unsigned i = 0; i < POINTS; i++)
		want[i] = seq_of(seq_of(a[i], a[i]), seq_of(b[i], seq_of(c[i], a[i])));
	OK(is(d, dd_sequence(d, (dd_ref[]){x, DD_UNDECIDED, x, y, z, x}, 6), want), "sequence");
	for (unsigned i = 0; i < POINTS; i++)
		want[i] = a[i] ? b[i] : 0;
	OK(is(d, dd_restrict(d, x, y), want), "restrict");
	for (unsigned i = 0; i < POINTS; i++)
		want[i] = a[i] != b[i];
	OK(is(d, dd_differ(d, x, y), want) && is(d, dd_differ(d, y, x), want), "differ");
	for (unsigned i = 0; i < POINTS; i++)
		want[i] = a[i] == (DD_OPEN | 2);
	OK(is(d, dd_where(d, x, DD_OPEN | 2), want), "where");
	OK(dd_where(d, x, 4711) == DD_FALSE, "where no value is");
	for (unsigned i = 0; i < POINTS; i++)
		want[i] = !a[i];
	OK(is(d, dd_not(d, x), want), "not");
}

static void test_booleans(struct dd *d)
{
	table a, b, want;
	dd_ref x, y, narrow;
	bool disjoint = true;

	random_table(a, booleans, 2);
	random_table(b, booleans, 2);
	x = build(d, a, 0);
	y = build(d, b, 0);
	for (unsigned i = 0; i < POINTS; i++)
		want[i] = a[i] && b[i];
	OK(is(d, dd_and(d, x, y), want) && is(d, dd_and(d, y, x), want), "and");
	for (unsigned i = 0; i < POINTS; i++)
		want[i] = a[i] || b[i];
	OK(is(d, dd_or(d, x, y), want) && is(d, dd_or(d, y, x), want), "or");
	OK(dd_not(d, dd_not(d, x)) == x, "not not");
	for (int i = 0; i < 20; i++) {
		struct ival one = {(u128)(rand() % POINTS), 0};
		bool meets = false;

		one.hi = one.lo + (u128)(rand() % 9);
		for (u128 p = one.lo; p <= one.hi && p < POINTS; p++)
			meets |= a[p];
		narrow = dd_ranges(d, 0, BITS, &one, 1, u128_max(BITS), DD_TRUE, DD_FALSE);
		disjoint &= dd_disjoint(d, x, narrow) == !meets;
		disjoint &= dd_disjoint(d, narrow, x) == !meets;
	}
	OK(disjoint, "disjoint");
}

/* Disjoint allocates nothing, not even of open and deciding terminals. */
static void test_disjoint(struct dd *d)
{
	table a, b;
	dd_ref x, y, z;
	size_t before;
	bool meet = false, differ = false;
	uint8_t bits[BITS] = {0};
	unsigned point = 0;

	random_table(a, carrying, 8);
	random_table(b, verdicts, 5);
	x = build(d, a, 0);
	y = build(d, b, 0);
	before = dd_nodes(d);
	for (unsigned i = 0; i < POINTS; i++)
		meet |= a[i] && b[i];
	OK(dd_disjoint(d, x, y) == !meet, "disjoint of many values");
	OK(dd_meet(d, x, y, bits) == meet, "a packet of both");
	for (unsigned i = 0; i < BITS; i++)
		point = point << 1 | bits[i];
	OK(!meet || (a[point] && b[point]), "which is in both");
	OK(!dd_disjoint(d, x, x) && dd_disjoint(d, x, DD_FALSE), "disjoint from itself, and 0");
	OK(dd_nodes(d) == before, "disjoint allocates no node");
	OK(dd_disjoint(d, dd_not(d, x), x), "disjoint from what it is not");
	z = dd_seq(d, x, dd_restrict(d, y, DD_TRUE));
	before = dd_nodes(d);
	OK(dd_same_where(d, x, x, z) == !dd_any_open(d, x) && !dd_same_where(d, DD_TRUE, x, z),
	   "the same within, not without");
	OK(dd_same_where(d, y, y, y) && dd_same_where(d, DD_FALSE, x, y), "the same as itself");
	OK(dd_nodes(d) == before, "no node for that");
	for (unsigned i = 0; i < POINTS; i++)
		differ |= a[i] && b[i] != a[i];
	OK(dd_same_where(d, x, y, x) == !differ, "the same where one is not 0");
}

static uint32_t swap_values(void *ctx, uint32_t value)
{
	const uint32_t *to = ctx;

	return value < 4 ? to[value] : value;
}

static void test_map(struct dd *d)
{
	uint32_t forth[] = {0, 2, 2, 1}, back[] = {3, 0, 1, 7};
	table a, want;
	dd_ref x;

	random_table(a, verdicts, 5);
	x = build(d, a, 0);
	for (unsigned i = 0; i < POINTS; i++)
		want[i] = forth[a[i]];
	OK(is(d, dd_map(d, x, swap_values, forth), want), "map");
	/* the same node and function, another context: nothing remembered may be used */
	for (unsigned i = 0; i < POINTS; i++)
		want[i] = back[a[i]];
	OK(is(d, dd_map(d, x, swap_values, back), want), "map otherwise");
}

static void test_fix_some(struct dd *d)
{
	table a, b, fixed, some;
	unsigned bits = (unsigned)rand() % (BITS + 1);
	unsigned first = (unsigned)rand() % (BITS - bits + 1), shift = BITS - first - bits;
	unsigned value = (unsigned)rand() % (1u << bits), hole = ((1u << bits) - 1) << shift;

	random_table(a, carrying, 8);
	random_table(b, booleans, 2);
	for (unsigned i = 0; i < POINTS; i++) {
		fixed[i] = a[(i & ~hole) | value << shift];
		some[i] = 0;
		for (unsigned v = 0; v < 1u << bits; v++)
			some[i] |= b[(i & ~hole) | v << shift];
	}
	OK(is(d, dd_fix(d, build(d, a, 0), first, (int)bits, value), fixed), "fix");
	OK(is(d, dd_some(d, build(d, b, 0), first, (int)bits), some), "some");
	for (unsigned i = 0; bits && i < POINTS; i++) { /* one variable less */
		some[i] = 0;
		for (unsigned v = 0; v < 1u << bits; v += 2)
			some[i] |= b[(i & ~hole) | v << shift | (i & 1u << shift)];
	}
	if (bits)
		OK(is(d, dd_some(d, build(d, b, 0), first, (int)bits - 1), some), "some less");
}

/* A few intervals of a field in the middle; sometimes under a mask. in and out are functions of
 * the last two variables. */
static void test_ranges(struct dd *d)
{
	unsigned bits = 1 + (unsigned)rand() % (BITS - 2);
	unsigned first = (unsigned)rand() % (BITS - 2 - bits + 1), shift = BITS - first - bits;
	unsigned most = (1u << bits) - 1, mask = rand() % 2 ? most : (unsigned)rand() & most;
	dd_ref in = dd_node(d, BITS - 2, dd_terminal(d, 5), dd_terminal(d, 6));
	dd_ref out = dd_node(d, BITS - 1, dd_terminal(d, 6), dd_terminal(d, 7));
	struct ival v[4];
	size_t n = 0;
	table want;

	for (unsigned at = (unsigned)rand() % 8; n < 4 && at <= most;) {
		unsigned end = at + (unsigned)rand() % (most / 4 + 1);

		v[n++] = (struct ival){at, end < most ? end : most};
		at = end + 1 + (unsigned)rand() % (most / 4 + 1); /* adjacent ones, too */
	}
	for (unsigned i = 0; i < POINTS; i++) {
		bool hit = false;

		for (size_t j = 0; j < n; j++)
			hit |= (i >> shift & mask) >= v[j].lo && (i >> shift & mask) <= v[j].hi;
		want[i] = hit ? 5 + (i >> 1 & 1) : 6 + (i & 1);
	}
	OK(is(d, dd_ranges(d, first, (int)bits, v, n, mask, in, out), want), "ranges");
}

static bool in_wide(const struct dd *d, dd_ref n, uint32_t first, u128 x)
{
	while (!dd_is_terminal(d, n))
		n = x >> (127 - (dd_var(d, n) - first)) & 1 ? dd_hi(d, n) : dd_lo(d, n);
	return dd_value(d, n);
}

/* 128 bits: the edges of intervals, and what a mask leaves of them. */
static void test_wide(struct dd *d)
{
	u128 top = ~(u128)0, net = (u128)0x20010db8 << 96;
	struct ival v[] = {{0, 0}, {net, net | u128_max(64)}, {top - 2, top}}, all = {0, top};
	dd_ref n = dd_ranges(d, 300, 128, v, 3, top, DD_TRUE, DD_FALSE);

	OK(in_wide(d, n, 300, 0) && !in_wide(d, n, 300, 1), "128 bits: 0");
	OK(!in_wide(d, n, 300, net - 1) && in_wide(d, n, 300, net), "128 bits: from");
	OK(in_wide(d, n, 300, v[1].hi) && !in_wide(d, n, 300, v[1].hi + 1), "128 bits: to");
	OK(!in_wide(d, n, 300, top - 3) && in_wide(d, n, 300, top - 2), "128 bits: near the end");
	OK(in_wide(d, n, 300, top), "128 bits: the end");
	OK(dd_ranges(d, 300, 128, &all, 1, top, DD_TRUE, DD_FALSE) == DD_TRUE, "128 bits: all");
	OK(dd_ranges(d, 300, 128, v, 0, top, DD_TRUE, DD_FALSE) == DD_FALSE, "128 bits: none");
	OK(dd_fix(d, n, 300, 128, net + 5) == DD_TRUE, "128 bits: fix inside");
	OK(dd_fix(d, n, 300, 128, net - 5) == DD_FALSE, "128 bits: fix outside");
	OK(dd_some(d, n, 300, 128) == DD_TRUE, "128 bits: some");
	OK(dd_var(d, dd_some(d, n, 301, 127)) == UINT32_MAX, "128 bits: some of both halves");

	/* nothing but the network's bits counts; an interval with other bits has none of them */
	n = dd_ranges(d, 300, 128, &v[1], 1, ~u128_max(64), DD_TRUE, DD_FALSE);
	OK(n == dd_ranges(d, 300, 128, &v[1], 1, top, DD_TRUE, DD_FALSE), "128 bits: mask");
	v[0] = (struct ival){net + 1, net + 7};
	OK(dd_ranges(d, 300, 128, v, 1, ~u128_max(64), DD_TRUE, DD_FALSE) == DD_FALSE,
	   "128 bits: an interval outside of the mask");
	v[0] = (struct ival){1, 1};
	n = dd_ranges(d, 300, 128, v, 1, 1, DD_TRUE, DD_FALSE);
	OK(dd_var(d, n) == 427 && dd_hi(d, n) == DD_TRUE, "128 bits: the last bit alone");
}

static size_t reachable(const struct dd *d, dd_ref n, bool *seen)
{
	if (seen[n])
		return 0;
	seen[n] = true;
	if (dd_is_terminal(d, n))
		return 1;
	return 1 + reachable(d, dd_lo(d, n), seen) + reachable(d, dd_hi(d, n), seen);
}

/* What is kept stays the function that it was, and what was remembered stays true. */
static void test_collect(void)
{
	struct dd *d = dd_new((struct dd_budget){0});
	dd_ref x, y, again, lost = DD_EXHAUSTED, *roots[] = {&y, &x, &lost, &x};
	table a, b, want;
	bool *seen, fine = true;

	dd_set_join(d, concatenate, NULL);
	for (int round = 0; round < 20; round++) {
		random_table(a, carrying, 8);
		random_table(b, verdicts, 5);
		x = build(d, a, 0);
		for (int i = 0; i < 20; i++) { /* garbage in between */
			random_table(want, carrying, 8);
			dd_seq(d, build(d, want, 0), x);
		}
		y = build(d, b, 0);
		dd_seq(d, x, y);
		dd_collect(d, roots, 4);
		fine &= same_everywhere(d, x, a) && same_everywhere(d, y, b);
		fine &= lost == DD_EXHAUSTED;
		seen = calloc(dd_nodes(d), sizeof(*seen));
		seen[DD_FALSE] = seen[DD_TRUE] = true;
		fine &= dd_nodes(d) == 2 + reachable(d, x, seen) + reachable(d, y, seen);
		free(seen);
		fine &= dd_terminal(d, 0) == DD_FALSE && dd_terminal(d, 1) == DD_TRUE;
		fine &= is(d, x, a) && is(d, y, b);
		for (unsigned i = 0; i < POINTS; i++)
			want[i] = seq_of(a[i], b[i]);
		again = dd_seq(d, x, y);
		fine &= is(d, again, want);
		for (unsigned i = 0; i < POINTS; i++)
			want[i] = seq_of(b[i], a[i]);
		fine &= is(d, dd_seq(d, y, x), want);
	}
	OK(fine, "collect");
	dd_collect(d, NULL, 0);
	OK(dd_nodes(d) == 2, "collect everything");
	dd_free(d);
}

/* Some of two variables from `first` on. */
static void some_of_two(const uint32_t *t, unsigned first, uint32_t *out)
{
	unsigned low = 1u << (BITS - 2 - first);

	for (unsigned i = 0; i < POINTS; i++) {
		out[i] = 0;
		for (unsigned v = 0; v < 4; v++)
			out[i] |= t[(i & ~(3 * low)) | v * low];
	}
}

/* What is remembered of dd_some() speaks of a node and of a variable: the latter is not renumbered.
 */
static void test_collect_some(void)
{
	struct dd *d = dd_new((struct dd_budget){0});
	dd_ref x, some[BITS - 1], *roots[BITS];
	table a, want;
	bool fine = true;

	dd_terminal(d, 2); /* garbage: all nodes behind it move by one */
	random_table(a, booleans, 2);
	x = build(d, a, 0);
	roots[BITS - 1] = &x;
	for (unsigned first = 0; first < BITS - 1; first++) {
		some[first] = dd_some(d, x, first, 2);
		roots[first] = &some[first];
	}
	dd_collect(d, roots, BITS);
	for (unsigned first = 0; first < BITS - 1; first++) {
		some_of_two(a, first, want);
		fine &= is(d, some[first], want) && dd_some(d, x, first, 2) == some[first];
	}
	OK(fine, "collect after some");
	dd_free(d);
}

/* What a result that the budget let through must be. */
static bool held(const struct dd *d, dd_ref n, const uint32_t *t)
{
	return n == DD_EXHAUSTED || same_everywhere(d, n, t);
}

/* Lists of many that say little, as rules do, and meet each other. */
static void test_sequence(struct dd *d)
{
	enum { MANY = 40 };
	table all, one;
	dd_ref v[MANY];
	bool right = true;

	for (size_t n = 0; n <= MANY; n++) {
		memset(all, 0, sizeof(all));
		for (size_t k = 0; k < n; k++) {
			random_table(one, carrying, 8);
			for (unsigned i = 0; i < POINTS; i++) {
				one[i] = rand() % 16 ? 0 : one[i];
				all[i] = seq_of(all[i], one[i]);
			}
			v[k] = build(d, one, 0);
		}
		right &= is(d, dd_sequence(d, v, n), all);
	}
	CHECK(right);
	v[1] = DD_EXHAUSTED;
	CHECK(dd_sequence(d, v, 2) == DD_EXHAUSTED && dd_sequence(d, v, 9) == DD_EXHAUSTED);
}

static bool all_say_exhausted(struct dd *d)
{
	struct ival one = {3, 4};

	return dd_terminal(d, 1) == DD_EXHAUSTED && dd_seq(d, 0, 1) == DD_EXHAUSTED &&
	       dd_sequence(d, (dd_ref[]){0, 1, 0}, 3) == DD_EXHAUSTED &&
	       dd_restrict(d, 1, 1) == DD_EXHAUSTED && dd_and(d, 1, 1) == DD_EXHAUSTED &&
	       dd_or(d, 0, 1) == DD_EXHAUSTED && dd_not(d, 1) == DD_EXHAUSTED &&
	       dd_differ(d, 1, 1) == DD_EXHAUSTED && dd_where(d, 1, 1) == DD_EXHAUSTED &&
	       !dd_disjoint(d, 1, 0) && !dd_same_where(d, 1, 0, 0) && !dd_meet(d, 1, 1, NULL) &&
	       dd_map(d, 1, swap_values, NULL) == DD_EXHAUSTED &&
	       dd_fix(d, 1, 0, 1, 1) == DD_EXHAUSTED && dd_some(d, 1, 0, 1) == DD_EXHAUSTED &&
	       dd_node(d, 3, 0, 1) == DD_EXHAUSTED && dd_node(d, 3, 1, 1) == DD_EXHAUSTED &&
	       dd_ranges(d, 0, 8, &one, 1, 255, 1, 0) == DD_EXHAUSTED &&
	       dd_differ(d, DD_EXHAUSTED, DD_EXHAUSTED) == DD_EXHAUSTED;
}

/* The same work in a kernel of `nodes` nodes; what comes out is right or DD_EXHAUSTED. */
static size_t work_within(size_t nodes, bool *right, bool *sticky)
{
	struct dd *d = dd_new((struct dd_budget){.nodes = nodes});
	uint32_t to[] = {0, 2, 2, 1};
	table a, b, want;
	dd_ref x, y;
	size_t used;

	srand(11);
	dd_set_join(d, concatenate, NULL);
	random_table(a, carrying, 8);
	random_table(b, verdicts, 5);
	x = build(d, a, 0);
	y = build(d, b, 0);
	*right &= held(d, x, a) && held(d, y, b);
	for (unsigned i = 0; i < POINTS; i++)
		want[i] = seq_of(a[i], b[i]);
	*right &= held(d, dd_seq(d, x, y), want);
	for (unsigned i = 0; i < POINTS; i++)
		want[i] = a[i] != b[i];
	*right &= held(d, dd_differ(d, x, y), want);
	for (unsigned i = 0; i < POINTS; i++)
		want[i] = b[i] ? a[i] : 0;
	*right &= held(d, dd_restrict(d, y, x), want);
	for (unsigned i = 0; i < POINTS; i++)
		want[i] = to[b[i]];
	*right &= held(d, dd_map(d, y, swap_values, to), want);
	for (unsigned i = 0; i < POINTS; i++)
		want[i] = a[i | 0x3c];
	*right &= held(d, dd_fix(d, x, 4, 4, 15), want);
	for (unsigned i = 0; i < POINTS; i++)
		want[i] = !a[i & ~1u] || !a[i | 1];
	*right &= held(d, dd_some(d, dd_not(d, x), 9, 1), want);
	used = dd_nodes(d);
	*right &= used <= (nodes < 2 ? 2 : nodes);
	if (dd_exhausted(d)) {
		dd_ref *root = &x;

		*sticky &= all_say_exhausted(d) && dd_nodes(d) == used;
		dd_collect(d, &root, 1);
		*sticky &= held(d, x, a) && dd_exhausted(d);
	}
	dd_free(d);
	return used;
}

/* A budget of nodes that ends at every possible point is never a wrong result. */
static void test_node_budget(void)
{
	bool right = true, sticky = true;
	size_t all = work_within(1000000, &right, &sticky);

	OK(right && all > 500, "the work without a budget");
	for (size_t nodes = 1; nodes < all; nodes++)
		work_within(nodes, &right, &sticky);
	OK(right, "a budget of nodes that ends is never a result");
	OK(sticky, "once exhausted, always exhausted");
	OK(work_within(all, &right, &sticky) == all && right, "just enough nodes");
}

/* Alternating bits of two 30-bit numbers, compared in the worst order: 2^30 nodes if nobody ends
 * it. */
static dd_ref endless(struct dd *d)
{
	dd_ref r = DD_TRUE;

	for (uint32_t i = 0; i < 30; i++) {
		dd_ref a = dd_node(d, i, DD_FALSE, DD_TRUE);
		dd_ref b = dd_node(d, 30 + i, DD_FALSE, DD_TRUE);

		r = dd_and(d, r, dd_not(d, dd_differ(d, a, b)));
	}
	return r;
}

static void test_time_budget(void)
{
	struct dd *d = dd_new((struct dd_budget){.seconds = 0.05});

	OK(endless(d) == DD_EXHAUSTED && dd_exhausted(d), "a budget of time ends");
	OK(dd_nodes(d) < 20000000, "and not much later");
	dd_free(d);
}

static uint32_t second(void *ctx, uint32_t a, uint32_t b)
{
	(void)ctx;
	(void)a;
	return b;
}

/* Another join: what the first one said is forgotten. */
static void test_join(void)
{
	struct dd *d = dd_new((struct dd_budget){0});
	dd_ref a, b, r;

	a = dd_node(d, 1, DD_FALSE, dd_terminal(d, DD_OPEN | 1));
	b = dd_node(d, 2, DD_FALSE, dd_terminal(d, 9));
	dd_set_join(d, concatenate, NULL);
	r = dd_node(d, 2, dd_terminal(d, DD_OPEN | 1), dd_terminal(d, 0x19));
	OK(dd_seq(d, a, b) == dd_node(d, 1, b, r), "a join");
	dd_set_join(d, second, NULL);
	r = dd_node(d, 2, dd_terminal(d, DD_OPEN | 1), dd_terminal(d, 9));
	OK(dd_seq(d, a, b) == dd_node(d, 1, b, r), "another join");
	dd_free(d);
}

static void test_gives_up(void)
{
	struct dd *d = dd_new((struct dd_budget){0});

	OK(dd_terminal(d, UINT32_MAX) == DD_EXHAUSTED && dd_exhausted(d),
	   "a value beyond those that there are");
	OK(dd_is_terminal(d, DD_EXHAUSTED) && dd_value(d, DD_EXHAUSTED) == UINT32_MAX &&
		   dd_lo(d, DD_EXHAUSTED) == DD_EXHAUSTED && dd_hi(d, DD_EXHAUSTED) == DD_EXHAUSTED,
	   "walking down from DD_EXHAUSTED");
	dd_free(d);
}

/* Two kernels with joins of their own do not know of each other. */
static void test_side_by_side(void)
{
	struct dd *d = dd_new((struct dd_budget){0}), *e = dd_new((struct dd_budget){.nodes = 50});
	int joins_d = 0, joins_e = 0;
	table a, b, want;
	dd_ref x, y;

	dd_set_join(d, concatenate, &joins_d);
	dd_set_join(e, concatenate, &joins_e);
	random_table(a, carrying, 8);
	random_table(b, carrying, 8);
	x = build(d, a, 0);
	OK(build(e, a, 0) == DD_EXHAUSTED && !dd_exhausted(d), "one exhausted, the other not");
	y = build(d, b, 0);
	for (unsigned i = 0; i < POINTS; i++)
		want[i] = seq_of(a[i], b[i]);
	OK(is(d, dd_seq(d, x, y), want), "the other goes on");
	OK(joins_d > 0 && joins_e == 0, "with its own join");
	dd_free(e);
	OK(is(d, dd_seq(d, x, y), want), "and when the first is gone");
	dd_free(d);
	dd_free(NULL);
}

/* No memory is the end of the program, and no segmentation fault. */
static void test_memory(void)
{
#ifndef FWC_SANITIZERS /* which need more than any limit of address space */
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		struct rlimit little = {64 << 20, 64 << 20}, none = {0, 0};
		struct dd *d = dd_new((struct dd_budget){0});

		setrlimit(RLIMIT_CORE, &none);
		setrlimit(RLIMIT_AS, &little);
		close(STDERR_FILENO);
		endless(d);
		_exit(0);
	}
	OK(child > 0 && waitpid(child, &status, 0) == child, "a child");
	OK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "out of memory");
#endif
}

int main(void)
{
	struct dd *d = dd_new((struct dd_budget){0});

	srand(4711);
	dd_set_join(d, concatenate, NULL);
	for (int i = 0; i < 40; i++) {
		test_seq(d);
		test_sequence(d);
		test_booleans(d);
		test_disjoint(d);
		test_map(d);
		test_fix_some(d);
		test_ranges(d);
	}
	test_wide(d);
	dd_free(d);
	test_collect();
	for (int i = 0; i < 10; i++)
		test_collect_some();
	test_node_budget();
	test_time_budget();
	test_join();
	test_gives_up();
	test_side_by_side();
	test_memory();
	return test_end();
}
