/* SPDX-License-Identifier: GPL-2.0-or-later
 * Packed ranges hold what was added, whatever its order, and nothing twice: against a byte for each
 * address of a small world at either end of the numbers.
 */
#include <stdlib.h>
#include <string.h>

#include "test.h"
#include "util/bulk.h"

#define WORLD 4096

/* Half of it is the lowest addresses, half the highest. */
static u128 address(enum family family, unsigned i)
{
	u128 last = u128_max(family == FAM_IP4 ? 32 : 128);

	return i < WORLD / 2 ? i : last - (WORLD - 1 - i);
}

static void mark(bool *world, enum family family, struct ival range)
{
	for (unsigned i = 0; i < WORLD; i++)
		if (address(family, i) >= range.lo && address(family, i) <= range.hi)
			world[i] = true;
}

static void random_ranges(enum family family, unsigned seed, size_t n)
{
	bool want[WORLD] = {false}, got[WORLD] = {false}, sorted = true;
	struct arena *a = arena_new();
	struct bulk b = {0};
	struct ivset s = {0};

	srand(seed);
	for (size_t i = 0; i < n; i++) {
		unsigned lo = (unsigned)rand() % WORLD, hi = lo + (unsigned)rand() % 4;
		unsigned half = lo / (WORLD / 2) + 1;
		struct ival range;

		if (hi >= half * (WORLD / 2))
			hi = half * (WORLD / 2) - 1;
		range = (struct ival){address(family, lo), address(family, hi)};
		bulk_add(&b, family, range);
		mark(want, family, range);
	}
	bulk_settle(&b, a);
	bulk_append(&s, &b, family, a);
	for (size_t i = 0; i < s.n; i++) {
		sorted &= s.v[i].lo <= s.v[i].hi;
		sorted &= !i || s.v[i].lo - 1 > s.v[i - 1].hi;
		mark(got, family, s.v[i]);
	}
	CHECK(sorted);
	CHECK(!memcmp(want, got, sizeof(want)));
	SAME_NUMBER(s.n, family == FAM_IP4 ? b.v4.n : b.v6.n);
	SAME_NUMBER(0, family == FAM_IP4 ? b.v6.n : b.v4.n);
	arena_free(a);
}

/* A list of one line, millions of times, takes no more room than the line. */
static void repeated(void)
{
	struct arena *a = arena_new();
	struct bulk b = {0};

	for (unsigned i = 0; i < 3u << 20; i++)
		bulk_add(&b, FAM_IP4, (struct ival){0x7f000000 + i % 7, 0x7f000000 + i % 7});
	CHECK(b.v4.cap <= 2u << 20);
	bulk_settle(&b, a);
	SAME_NUMBER(b.v4.n, 1);
	SAME_NUMBER(b.v4.v[0].lo, 0x7f000000);
	SAME_NUMBER(b.v4.v[0].hi, 0x7f000006);
	arena_free(a);
}

/* Looked up by halves, against one range after the other; and the digest is of the content. */
static void lists(enum family family, unsigned seed)
{
	struct arena *a = arena_new();
	struct bulk b = {0}, other = {0}, more = {0};
	struct bulk_list *l, *same;
	bool right = true;

	srand(seed);
	for (int i = 0; i < 200; i++) {
		u128 lo = (u128)(rand() % 4000);
		struct ival v = {lo, lo + (u128)(rand() % 8)};

		bulk_add(&b, family, v);
	}
	bulk_settle(&b, a);
	l = bulk_list(a, &b, family);
	for (size_t i = l->n; i-- > 0;) /* the same, come by another way */
		bulk_add(&other, family, bulk_list_at(l, i));
	bulk_settle(&other, a);
	same = bulk_list(a, &other, family);
	CHECK(!strcmp(l->digest, same->digest));
	for (u128 x = 0; x < 4100; x++) {
		struct ivset one = ivset_one(a, x, x);
		bool in = false;

		for (size_t i = 0; i < l->n; i++)
			in |= bulk_list_at(l, i).lo <= x && x <= bulk_list_at(l, i).hi;
		right &= bulk_list_holds(l, x) == in && bulk_list_overlaps(l, &one) == in;
	}
	CHECK(right);
	for (size_t i = 0; i < l->n; i++)
		bulk_add(&more, family, bulk_list_at(l, i));
	bulk_add(&more, family, (struct ival){5000, 5000});
	bulk_settle(&more, a);
	CHECK(strcmp(l->digest, bulk_list(a, &more, family)->digest) != 0);
	arena_free(a);
}

int main(void)
{
	static const size_t sizes[] = {0, 1, 2, 10, 300, 3000};

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		random_ranges(FAM_IP4, i, sizes[i]);
		random_ranges(FAM_IP6, i, sizes[i]);
	}
	repeated();
	lists(FAM_IP4, 1);
	lists(FAM_IP6, 2);
	return test_end();
}
