/* SPDX-License-Identifier: GPL-2.0-or-later
 * Regions against a table of all assignments of four small fields with gaps between them, and by
 * hand on fields of real widths.
 */
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "space/region.h"
#include "test.h"
#include "util/cleanup.h"

#define FIELDS 4
#define POINTS 1024
#define OK(truth, what) test_report((truth), __FILE_NAME__, __LINE__, (what))

static const struct region_field small[FIELDS] = {{2, 2}, {7, 3}, {20, 2}, {30, 3}};

typedef bool table[POINTS]; /* by the fields' bits in a row */

static void split(unsigned x, u128 *values)
{
	values[0] = x >> 8;
	values[1] = x >> 5 & 7;
	values[2] = x >> 3 & 3;
	values[3] = x & 7;
}

static uint32_t variable(unsigned bit)
{
	return bit < 2 ? 2 + bit : bit < 5 ? 7 + bit - 2 : bit < 7 ? 20 + bit - 5 : 30 + bit - 7;
}

static dd_ref build(struct dd *d, const bool *t, unsigned bit)
{
	dd_ref lo, hi;

	if (bit == 10)
		return *t ? DD_TRUE : DD_FALSE;
	lo = build(d, t, bit + 1);
	hi = build(d, t + (POINTS >> 1 >> bit), bit + 1);
	return dd_node(d, variable(bit), lo, hi);
}

/* Boxes, and sometimes a little noise. */
static void random_table(bool *t)
{
	int boxes = rand() % 8;
	bool noise = rand() % 4 == 0;

	memset(t, 0, POINTS * sizeof(*t));
	for (int i = 0; i < boxes; i++) {
		u128 lo[FIELDS], n[FIELDS];

		for (int f = 0; f < FIELDS; f++) {
			lo[f] = (u128)(rand() % (1 << small[f].bits));
			n[f] = (u128)(rand() % (1 << small[f].bits));
		}
		for (unsigned x = 0; x < POINTS; x++) {
			u128 v[FIELDS];
			bool in = true;

			split(x, v);
			for (int f = 0; f < FIELDS; f++)
				in &= v[f] >= lo[f] && v[f] <= lo[f] + n[f];
			t[x] |= in;
		}
	}
	for (int i = 0; noise && i < 5; i++)
		t[rand() % POINTS] ^= true;
}

static bool in_product(const struct product *p, const u128 *values, size_t nf)
{
	for (size_t f = 0; f < nf; f++)
		if (p->sets[f].n && !ivset_contains(&p->sets[f], values[f]))
			return false;
	return true;
}

static unsigned points_of(const struct product *p)
{
	unsigned n = 0;

	for (unsigned x = 0; x < POINTS; x++) {
		u128 v[FIELDS];

		split(x, v);
		n += in_product(p, v, FIELDS);
	}
	return n;
}

static bool well_formed(const struct product *p, const struct region_field *f, size_t nf)
{
	for (size_t i = 0; i < nf; i++) {
		const struct ivset *s = &p->sets[i];

		for (size_t j = 0; j < s->n; j++)
			if (s->v[j].lo > s->v[j].hi || s->v[j].hi > u128_max(f[i].bits) ||
			    (j && s->v[j].lo <= s->v[j - 1].hi + 1))
				return false;
		if (s->n == 1 && s->v[0].lo == 0 && s->v[0].hi == u128_max(f[i].bits))
			return false;
	}
	return true;
}

static bool same_set(const struct ivset *a, const struct ivset *b)
{
	return a->n == b->n && (!a->n || !memcmp(a->v, b->v, a->n * sizeof(*a->v)));
}

/* No two that could be one. */
static bool merged(const struct products *p, size_t nf)
{
	for (size_t i = 0; i < p->n; i++) {
		for (size_t j = i + 1; j < p->n; j++) {
			size_t differ = 0;

			for (size_t f = 0; f < nf; f++)
				differ += !same_set(&p->v[i].sets[f], &p->v[j].sets[f]);
			if (differ < 2)
				return false;
		}
	}
	return true;
}

/* In how many products a point is; right says that it is in one if in the region, else in none. */
static void check_products(const struct dd *d, dd_ref n, const bool *t)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct products all, few;
	bool exact = true, part = true, fine = true, largest = true;

	region_products(d, n, small, FIELDS, 1000, a, &all);
	region_products(d, n, small, FIELDS, 2, a, &few);
	for (unsigned x = 0; x < POINTS; x++) {
		unsigned in_all = 0, in_few = 0;
		u128 v[FIELDS];

		split(x, v);
		for (size_t i = 0; i < all.n; i++)
			in_all += in_product(&all.v[i], v, FIELDS);
		for (size_t i = 0; i < few.n; i++)
			in_few += in_product(&few.v[i], v, FIELDS);
		exact &= in_all == t[x];
		part &= in_few <= t[x];
	}
	for (size_t i = 0; i < all.n; i++)
		fine &= well_formed(&all.v[i], small, FIELDS);
	OK(exact && !all.more, "disjoint products, their union the region");
	OK(fine && merged(&all, FIELDS), "sorted sets, nothing left to merge");
	for (size_t i = 1; i < all.n; i++)
		largest &= points_of(&all.v[i - 1]) >= points_of(&all.v[i]);
	OK(largest, "the largest first");
	OK(part && few.n <= 2 && few.more == (all.n > 2), "a list that ends at the limit");
}

/* By trying all packets: field by field the least exclusive or with what is preferred. */
static bool best(const bool *t, const u128 *prefer, u128 *values)
{
	bool any = false;

	for (unsigned x = 0; x < POINTS; x++) {
		u128 v[FIELDS];
		int f = 0;

		if (!t[x])
			continue;
		split(x, v);
		while (any && f < FIELDS - 1 && v[f] == values[f])
			f++;
		if (!any || (v[f] ^ prefer[f]) < (values[f] ^ prefer[f]))
			memcpy(values, v, sizeof(v));
		any = true;
	}
	return any;
}

static void test_small(struct dd *d)
{
	table t;
	dd_ref n;
	unsigned points = 0;
	bool at = true, near = true, least = true;

	random_table(t);
	n = build(d, t, 0);
	for (unsigned x = 0; x < POINTS; x++) {
		u128 v[FIELDS];

		split(x, v);
		points += t[x];
		at &= dd_at(d, n, small, FIELDS, v) == t[x];
	}
	OK(at, "the value at each packet");
	SAME_NUMBER(region_count(d, n, small, FIELDS), points);
	for (int i = 0; i < 20; i++) {
		u128 prefer[FIELDS], got[FIELDS] = {9}, want[FIELDS] = {9};
		bool any;

		split((unsigned)rand() % POINTS, prefer);
		any = best(t, prefer, want);
		near &= region_witness(d, n, small, FIELDS, prefer, got) == any;
		near &= !memcmp(got, want, sizeof(got));
	}
	OK(near, "a witness as near as there is to what is preferred");
	{
		u128 got[FIELDS] = {9}, want[FIELDS] = {9}, zero[FIELDS] = {0};

		least = best(t, zero, want) == region_witness(d, n, small, FIELDS, NULL, got);
		OK(least && !memcmp(got, want, sizeof(got)), "the smallest witness");
	}
	check_products(d, n, t);
}

/* source, destination, protocol, port */
static const struct region_field real[] = {{0, 32}, {32, 32}, {64, 8}, {72, 16}};
#define NREAL 4

static dd_ref range(struct dd *d, size_t field, u128 lo, u128 hi)
{
	struct ival v = {lo, hi};

	return dd_ranges(d, real[field].first, real[field].bits, &v, 1, u128_max(real[field].bits),
			 DD_TRUE, DD_FALSE);
}

static dd_ref product(struct dd *d, dd_ref a, dd_ref b, dd_ref c)
{
	return dd_and(d, a, dd_and(d, b, c));
}

static bool set_is(const struct ivset *s, size_t n, u128 lo, u128 hi)
{
	return s->n == n && (!n || (s->v[0].lo == lo && s->v[n - 1].hi == hi));
}

static void test_constants(struct dd *d)
{
	_cleanup_arena_ struct arena *a = arena_new();
	u128 v[NREAL] = {1, 2, 3, 4};
	struct products p;

	region_products(d, DD_FALSE, real, NREAL, 10, a, &p);
	OK(p.n == 0 && !p.more, "no products of the empty region");
	region_products(d, DD_TRUE, real, NREAL, 10, a, &p);
	OK(p.n == 1 && !p.more && !p.v[0].sets[0].n && !p.v[0].sets[3].n, "one of everything");
	region_products(d, DD_TRUE, real, NREAL, 0, a, &p);
	OK(p.n == 0 && p.more, "a limit of 0");
	region_products(d, DD_EXHAUSTED, real, NREAL, 10, a, &p);
	OK(p.n == 0 && p.more, "nothing is said of DD_EXHAUSTED");
	region_products(d, dd_node(d, 70, DD_FALSE, DD_TRUE), small, FIELDS, 10, a, &p);
	OK(p.n == 0 && p.more, "nor of a variable behind all fields");
	region_products(d, dd_node(d, 5, DD_FALSE, DD_TRUE), small, FIELDS, 10, a, &p);
	OK(p.n == 0 && p.more, "nor of one between them");
	OK(!region_witness(d, DD_FALSE, real, NREAL, NULL, v) &&
		   !region_witness(d, DD_EXHAUSTED, real, NREAL, NULL, v) && v[0] == 1,
	   "no witness of the empty region, nor of none");
	OK(region_count(d, DD_FALSE, real, NREAL) == 0, "the empty region");
	OK(region_count(d, DD_EXHAUSTED, real, NREAL) == -1, "no count of DD_EXHAUSTED");
	OK(region_count(d, DD_TRUE, real, NREAL) == ldexpl(1, 88), "all packets");
	OK(region_count(d, DD_TRUE, real, 0) == 1, "no fields");
	OK(dd_at(d, DD_EXHAUSTED, real, NREAL, v) == UINT32_MAX, "no value of DD_EXHAUSTED");
}

/* What a person would write: few products, whatever the way it came about. */
static void test_readable(struct dd *d)
{
	_cleanup_arena_ struct arena *a = arena_new();
	dd_ref lan = range(d, 0, 0x0a000000, 0x0affffff), tcp = range(d, 2, 6, 6);
	dd_ref udp = range(d, 2, 17, 17), dns = range(d, 3, 53, 53), web = range(d, 3, 80, 80);
	dd_ref host = range(d, 1, 0xc0000201, 0xc0000201), other = range(d, 0, 5, 9), n;
	struct products p;

	n = product(d, lan, tcp, dd_or(d, web, dd_or(d, dns, range(d, 3, 54, 60))));
	region_products(d, n, real, NREAL, 10, a, &p);
	OK(p.n == 1 && set_is(&p.v[0].sets[0], 1, 0x0a000000, 0x0affffff), "one box: source");
	OK(p.n == 1 && set_is(&p.v[0].sets[1], 0, 0, 0), "one box: any destination");
	OK(p.n == 1 && set_is(&p.v[0].sets[3], 2, 53, 80), "one box: a set of ports");

	/* like ones below different sources become one */
	n = dd_or(d, product(d, lan, tcp, web), product(d, lan, udp, dns));
	n = dd_or(d, n, product(d, other, tcp, web));
	region_products(d, n, real, NREAL, 10, a, &p);
	OK(p.n == 2 && !p.more, "merged over sources");
	OK(p.n == 2 && p.v[0].sets[0].n + p.v[1].sets[0].n == 3, "of two and of one");

	/* tcp or udp with everything else equal is one set */
	n = dd_and(d, host, dd_or(d, product(d, lan, tcp, dns), product(d, lan, udp, dns)));
	region_products(d, n, real, NREAL, 10, a, &p);
	OK(p.n == 1 && set_is(&p.v[0].sets[2], 2, 6, 17), "both protocols");

	/* parted by source first it would be three */
	n = dd_or(d, product(d, lan, tcp, web), product(d, host, tcp, dns));
	region_products(d, n, real, NREAL, 10, a, &p);
	OK(p.n == 2, "from one network, or to one host");

	n = dd_not(d, lan);
	region_products(d, n, real, NREAL, 10, a, &p);
	OK(p.n == 1 && set_is(&p.v[0].sets[0], 2, 0, 0xffffffff), "all but a network");
}

/* As many as there must be. */
static void test_many(struct dd *d)
{
	_cleanup_arena_ struct arena *a = arena_new();
	dd_ref n = DD_FALSE;
	struct products p;

	for (u128 i = 0; i < 1200; i++)
		n = dd_or(d, n, dd_and(d, range(d, 0, i, i), range(d, 1, 2 * i, 2 * i)));
	region_products(d, n, real, NREAL, 1200, a, &p);
	OK(p.n == 1200 && !p.more, "pairs of hosts");
	region_products(d, n, real, NREAL, 1199, a, &p);
	OK(p.n == 1199 && p.more, "all but one of them");
}

static void test_natural(struct dd *d)
{
	u128 prefer[NREAL] = {0xc000020a, 0xcb007105, 6, 40000}, v[NREAL];
	dd_ref lan = range(d, 0, 0x0a000000, 0x0affffff), high = range(d, 3, 1024, 65535);

	OK(region_witness(d, dd_and(d, lan, high), real, NREAL, prefer, v), "a witness");
	OK(v[0] == 0x0a00020a, "the preferred host in another network");
	OK(v[1] == prefer[1] && v[2] == 6 && v[3] == 40000, "what is preferred, elsewhere");
	prefer[2] = 0x1ff; /* a bit beyond the field counts for nothing */
	OK(region_witness(d, lan, real, NREAL, prefer, v) && v[2] == 0xff, "a preference too wide");
	OK(region_witness(d, range(d, 3, 22, 22), real, NREAL, prefer, v) && v[3] == 22,
	   "what must be");
}

/* Exact below 2^64. */
static void test_how_many(struct dd *d)
{
	static const struct region_field wide[] = {{0, 64}, {100, 128}, {300, 1}};
	struct ival v = {1, u128_max(64)}, few = {5, 11}, one = {3, 3};
	dd_ref n = dd_ranges(d, 0, 64, &v, 1, u128_max(64), DD_TRUE, DD_FALSE);
	dd_ref bit = dd_node(d, 300, DD_FALSE, DD_TRUE);

	OK(region_count(d, n, wide, 1) == (long double)UINT64_MAX || LDBL_MANT_DIG < 64,
	   "2^64 - 1");
	v = (struct ival){2, (u128)1 << 63};
	n = dd_ranges(d, 0, 64, &v, 1, u128_max(64), DD_TRUE, DD_FALSE);
	OK(region_count(d, n, wide, 1) == ldexpl(1, 63) - 1, "2^63 - 1");
	n = dd_ranges(d, 100, 128, &few, 1, u128_max(128), bit, DD_FALSE);
	OK(region_count(d, n, wide, 3) == ldexpl(7, 64), "fields before that do not matter");
	OK(region_count(d, bit, wide, 3) == ldexpl(1, 192), "2^192");
	n = dd_ranges(d, 0, 64, &one, 1, u128_max(64), DD_TRUE, DD_FALSE);
	OK(region_count(d, n, wide, 3) == ldexpl(1, 129), "fields behind that do not matter");
}

/* Tests of low bits make products of very many intervals: the list ends, soon, and is a part. */
static void test_no_blow_up(struct dd *d)
{
	static const struct region_field wide[] = {{0, 128}, {128, 128}, {256, 128}};
	static const struct region_field four[] = {{0, 16}, {32, 16}, {64, 16}, {96, 16}};
	_cleanup_arena_ struct arena *a = arena_new();
	dd_ref n = DD_FALSE;
	struct products p;
	bool part = true;

	for (uint32_t i = 0; i < 3; i++)
		n = dd_differ(d, n, dd_node(d, i * 128 + 127, DD_FALSE, DD_TRUE));
	region_products(d, n, wide, 3, 10, a, &p);
	OK(p.more, "more than can be listed");
	for (size_t i = 0; i < p.n; i++) {
		u128 v[3] = {0};

		part &= well_formed(&p.v[i], wide, 3);
		for (size_t f = 0; f < 3; f++)
			v[f] = p.v[i].sets[f].n ? p.v[i].sets[f].v[0].lo : 0;
		part &= dd_at(d, n, wide, 3, v) == 1;
	}
	OK(part, "what is listed is in the region");
	/* very many products: every bit of one field depends on those of the others */
	n = DD_TRUE;
	for (uint32_t i = 0; i < 16; i++) {
		dd_ref sum = DD_FALSE;

		for (uint32_t f = 0; f < 4; f++)
			sum = dd_differ(d, sum, dd_node(d, 32 * f + i, DD_FALSE, DD_TRUE));
		n = dd_and(d, n, sum);
	}
	region_products(d, n, four, 4, 20, a, &p);
	OK(p.more && p.n <= 20, "more products than can be listed");
}

int main(void)
{
	struct dd *d = dd_new((struct dd_budget){0});

	srand(4711);
	for (int i = 0; i < 100; i++)
		test_small(d);
	test_constants(d);
	test_readable(d);
	test_many(d);
	test_natural(d);
	test_how_many(d);
	test_no_blow_up(d);
	dd_free(d);
	return test_end();
}
