/* SPDX-License-Identifier: GPL-2.0-or-later
 * The decision-diagram kernel against a table of all assignments: random lists of intervals, first
 * match wins, written down twice.
 */
#include <stdint.h>
#include <stdlib.h>

#include "space/dd.h"
#include "test.h"

#define BITS 10
#define POINTS (1 << BITS)
#define RULES 12

/* The function's value where the variables are the bits of x, the most significant first. */
static uint32_t value_at(const struct dd *d, dd_ref n, unsigned x)
{
	while (!dd_is_terminal(d, n))
		n = x >> (BITS - 1 - dd_var(d, n)) & 1 ? dd_hi(d, n) : dd_lo(d, n);
	return dd_value(d, n);
}

static bool same_everywhere(const struct dd *d, dd_ref n, const uint32_t *table)
{
	for (unsigned x = 0; x < POINTS; x++)
		if (value_at(d, n, x) != table[x])
			return false;
	return true;
}

static dd_ref interval(struct dd *d, unsigned lo, unsigned hi)
{
	return dd_ranges(d, 0, BITS, &(struct ival){lo, hi}, 1, u128_max(BITS), DD_TRUE, DD_FALSE);
}

/* A list of rules "interval -> value"; the first one that holds x decides, else 0. */
static dd_ref random_list(struct dd *d, uint32_t *table)
{
	dd_ref all = DD_UNDECIDED;

	for (unsigned x = 0; x < POINTS; x++)
		table[x] = 0;
	for (int i = 0; i < RULES; i++) {
		unsigned a = (unsigned)rand() % POINTS, b = (unsigned)rand() % POINTS;
		unsigned lo = a < b ? a : b, hi = a < b ? b : a;
		uint32_t value = 1 + (uint32_t)rand() % 3;
		dd_ref rule = dd_restrict(d, interval(d, lo, hi), dd_terminal(d, value));

		all = dd_seq(d, all, rule);
		for (unsigned x = lo; x <= hi; x++)
			table[x] = table[x] ? table[x] : value;
	}
	return all;
}

static void test_operations(struct dd *d)
{
	static uint32_t a[POINTS], b[POINTS], want[POINTS];
	dd_ref x = random_list(d, a), y = random_list(d, b);

	test_report(same_everywhere(d, x, a), __FILE__, __LINE__, "first match");
	for (unsigned i = 0; i < POINTS; i++)
		want[i] = a[i] != b[i];
	test_report(same_everywhere(d, dd_differ(d, x, y), want), __FILE__, __LINE__, "differ");
	for (unsigned i = 0; i < POINTS; i++)
		want[i] = a[i] == 2;
	test_report(same_everywhere(d, dd_where(d, x, 2), want), __FILE__, __LINE__, "where");
	for (unsigned i = 0; i < POINTS; i++)
		want[i] = !a[i];
	test_report(same_everywhere(d, dd_not(d, x), want), __FILE__, __LINE__, "not");
	for (unsigned i = 0; i < POINTS; i++)
		want[i] = a[i] ? b[i] : 0;
	test_report(same_everywhere(d, dd_restrict(d, x, y), want), __FILE__, __LINE__, "restrict");
}

/* Equal functions are the same node, however they came about. */
static void test_canonical(struct dd *d)
{
	dd_ref halves = dd_or(d, interval(d, 100, 499), interval(d, 500, 900));

	test_report(halves == interval(d, 100, 900), __FILE__, __LINE__, "canonical");
	test_report(dd_not(d, dd_not(d, halves)) == halves, __FILE__, __LINE__, "not not");
}

/* A budget that ends is never a result. */
static void test_budget(void)
{
	static uint32_t table[POINTS];
	struct dd *d = dd_new((struct dd_budget){.nodes = 20});
	dd_ref n = random_list(d, table);

	test_report(n == DD_EXHAUSTED && dd_exhausted(d), __FILE__, __LINE__, "budget");
	test_report(dd_nodes(d) <= 20, __FILE__, __LINE__, "nodes within the budget");
	dd_free(d);
}

int main(void)
{
	struct dd *d = dd_new((struct dd_budget){0});

	srand(4711);
	for (int i = 0; i < 50; i++)
		test_operations(d);
	test_canonical(d);
	test_budget();
	dd_free(d);
	return test_end();
}
