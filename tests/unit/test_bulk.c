/* SPDX-License-Identifier: GPL-2.0-or-later
 * Packed ranges hold what was added, whatever its order, and nothing twice: against a byte for each
 * address of a small world at either end of the numbers.
 */
#include <stdlib.h>
#include <string.h>

#include "test.h"
#include "util/bulk.h"
#include "util/bulk_file.h"
#include "util/bulk_overlay.h"
#include "util/bulk_parts.h"
#include "util/bulk_split.h"

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

static struct bulk_list *random_list(struct arena *a, enum family family)
{
	struct bulk b = {0};

	for (int i = 0; i < 60; i++) {
		unsigned lo = (unsigned)rand() % WORLD, more = (unsigned)rand() % 40;
		unsigned last = lo < WORLD / 2 ? WORLD / 2 - 1 : WORLD - 1;

		bulk_add(&b, family,
			 (struct ival){address(family, lo),
				       address(family, lo + more > last ? last : lo + more)});
	}
	bulk_settle(&b, a);
	return bulk_list(a, &b, family);
}

static bool is_in(const struct bulk_list *l, u128 x)
{
	return l && bulk_list_holds(l, x);
}

/* A list by another one: each address of the world is where it has to be, and no other lists are
 * taken for it. */
static void overlays(enum family family, unsigned seed)
{
	struct arena *a = arena_new();
	struct bulk_list *base, *whole;
	struct bulk_overlay o, wrong;
	const struct bulk_list *sum;
	bool right = true;

	srand(seed);
	base = random_list(a, family);
	whole = random_list(a, family);
	o = bulk_overlay(a, base, whole);
	sum = bulk_overlay_sum(a, &o);
	for (unsigned i = 0; i < WORLD; i++) {
		u128 x = address(family, i);
		bool before = bulk_list_holds(base, x), after = bulk_list_holds(whole, x);

		right &= is_in(o.less, x) == (before && !after);
		right &= is_in(o.more, x) == (after && !before);
		right &= is_in(sum, x) == after;
	}
	CHECK(right);
	SAME_NUMBER(sum->n, whole->n);
	CHECK(bulk_overlay_is(a, &o, whole));
	CHECK(!bulk_overlay_is(a, &o, base));
	wrong = o;
	wrong.less = o.more;
	CHECK(!bulk_overlay_is(a, &wrong, whole));
	wrong = o;
	wrong.more = NULL;
	CHECK(!bulk_overlay_is(a, &wrong, whole));
	o = bulk_overlay(a, whole, whole);
	CHECK(!o.less && !o.more);
	arena_free(a);
}

/* The bytes of a file are those of the digest, of one order, and are read again; not if one of them
 * is another, or is missing. */
static void files(enum family family, unsigned seed)
{
	struct arena *a = arena_new();
	struct bulk_list *l, *again;
	struct buf bytes = {0};
	char hex[SHA256_HEX];
	size_t n = family == FAM_IP4 ? 8 : 32;

	srand(seed);
	l = random_list(a, family);
	bulk_file_pack(&bytes, l);
	SAME_NUMBER(bytes.len, 1 + n * l->n);
	SAME_NUMBER(bytes.data[0], family);
	for (size_t k = 0; k < n / 2; k++) /* the highest byte first */
		SAME_NUMBER((uint8_t)bytes.data[1 + k],
			    (uint8_t)(bulk_list_at(l, 0).lo >> 8 * (n / 2 - 1 - k)));
	sha256_hex(bytes.data, bytes.len, hex);
	SAME_TEXT(l->digest, hex);
	again = bulk_file_read(a, bytes.data, bytes.len);
	CHECK(again && bulk_list_same(again, l) && !strcmp(again->digest, l->digest));
	CHECK(!bulk_file_read(a, bytes.data, bytes.len - 1));
	bytes.data[1 + n] ^= (char)0x80; /* it ends before it begins, or is not behind the first */
	again = bulk_file_read(a, bytes.data, bytes.len);
	CHECK(!again || strcmp(again->digest, l->digest) != 0);
	buf_free(&bytes);
	arena_free(a);
}

/* Networks of some lengths, as many as `share` has for each. */
static struct bulk_list *networks(struct arena *a, enum family family, const unsigned share[129])
{
	int bits = family == FAM_IP4 ? 32 : 128;
	struct bulk b = {0};

	for (int len = 1; len <= bits; len++) {
		for (unsigned i = 0; i < share[len]; i++) {
			u128 rest = u128_max(bits - len), lo = 0;

			for (int k = 0; k < bits; k += 15)
				lo = lo << 15 ^ (u128)(unsigned)rand();
			lo &= u128_max(bits) & ~rest;
			bulk_add(&b, family, (struct ival){lo, lo | rest});
		}
	}
	bulk_settle(&b, a);
	return bulk_list(a, &b, family);
}

/* The parts are whole prefixes of their lengths, together the list, and not twice as many. */
static void check_split(struct arena *a, const struct bulk_list *l, const struct bulk_split *s)
{
	int bits = l->family == FAM_IP4 ? 32 : 128;
	struct bulk sum = {0};
	u128 keys = 0, addresses[2] = {0};
	bool whole = true;

	for (size_t k = 0; k < s->n; k++) {
		u128 rest = u128_max(bits - s->bits[k]);

		CHECK(s->part[k]->n > 0);
		CHECK(!k || s->bits[k] > s->bits[k - 1]);
		for (size_t i = 0; i < s->part[k]->n; i++) {
			struct ival r = bulk_list_at(s->part[k], i);

			whole &= !(r.lo & rest) && (r.hi & rest) == rest;
			keys += ((r.hi - r.lo) >> (bits - s->bits[k])) + 1;
			addresses[0] += r.hi - r.lo + 1;
		}
		bulk_add_list(&sum, s->part[k]);
	}
	for (size_t i = 0; i < l->n; i++)
		addresses[1] += bulk_list_at(l, i).hi - bulk_list_at(l, i).lo + 1;
	bulk_settle(&sum, a);
	CHECK(whole);
	CHECK(addresses[0] == addresses[1]);
	CHECK(keys <= 2 * (u128)l->n);
	SAME_TEXT(l->digest, bulk_list(a, &sum, l->family)->digest);
}

static void splits(enum family family)
{
	static const struct {
		unsigned share[129];
		size_t n;
	} cases[] = {
		{{[24] = 2000}, 1},
		{{[16] = 100, [24] = 2000}, 2}, /* a /16 is 256 of /24 */
		{{[23] = 100, [24] = 2000}, 1}, /* and a /23 two */
		{{[16] = 100, [20] = 100, [24] = 100, [28] = 100, [31] = 100}, 5},
		/* two of seven would have to become eight times as many */
		{{[14] = 400, [17] = 400, [20] = 400, [23] = 400, [26] = 400, [29] = 400,
		  [32] = 400},
		 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena *a = arena_new();
		struct bulk_list *l = networks(a, family, cases[i].share);
		struct bulk_split s;

		bulk_split(a, l, &s);
		SAME_NUMBER(s.n, cases[i].n);
		if (s.n)
			check_split(a, l, &s);
		arena_free(a);
	}
}

/* Together they are the list, each range is in the one that it belongs to, and what is counted is
 * what there is. */
static void parts(enum family family, unsigned most, size_t n)
{
	struct arena *a = arena_new();
	struct bulk b = {0}, sum = {0};
	struct bulk_list *l;
	struct bulk_parts p;
	uint64_t addresses = 0;
	bool right = true;

	for (size_t i = 0; i < n; i++) {
		u128 lo = (u128)i * 8;

		bulk_add(&b, family, (struct ival){lo, lo + i * 7 % most});
	}
	bulk_settle(&b, a);
	l = bulk_list(a, &b, family);
	p = bulk_parts(a, l);
	for (size_t i = 0; p.alone && i < p.alone->n; i++) {
		struct ival r = bulk_list_at(p.alone, i);

		right &= r.hi - r.lo < 2;
		addresses += (uint64_t)(r.hi - r.lo) + 1;
	}
	for (size_t i = 0; p.nets && i < p.nets->n; i++)
		right &= bulk_list_at(p.nets, i).hi - bulk_list_at(p.nets, i).lo >= 2;
	CHECK(right);
	CHECK(!p.alone || p.alone->n);
	CHECK(!p.nets || p.nets->n);
	SAME_NUMBER(bulk_count_alone(l), addresses);
	SAME_NUMBER(bulk_count_nets(l), p.nets ? p.nets->n : 0);
	if (p.alone)
		bulk_add_list(&sum, p.alone);
	if (p.nets)
		bulk_add_list(&sum, p.nets);
	bulk_settle(&sum, a);
	SAME_TEXT(l->digest, bulk_list(a, &sum, family)->digest);
	arena_free(a);
}

static void part_names(void)
{
	struct arena *a = arena_new();
	enum bulk_part part = BULK_PART_NETS;

	SAME_TEXT(bulk_part_name(a, "s.url.v4.bulk", BULK_PART_NETS), "s.url.v4.net.bulk");
	SAME_TEXT(bulk_part_of(a, "s.url.v4.addr.bulk", &part), "s.url.v4.bulk");
	CHECK(part == BULK_PART_ALONE);
	CHECK(bulk_name_alone("s.url.v4.addr.bulk") && !bulk_name_alone("s.url.v4.net.bulk"));
	CHECK(!bulk_part_of(a, "s.url.v4.bulk", &part) && !bulk_part_of(a, ".addr.bulk", &part));
	CHECK(!bulk_parts(a, NULL).alone && !bulk_parts(a, NULL).nets);
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
	for (unsigned i = 0; i < 20; i++) {
		overlays(FAM_IP4, i);
		overlays(FAM_IP6, i);
		files(FAM_IP4, i);
		files(FAM_IP6, i);
	}
	splits(FAM_IP4);
	splits(FAM_IP6);
	for (unsigned most = 1; most < 7; most++) {
		parts(FAM_IP4, most, 100);
		parts(FAM_IP6, most, 100);
	}
	part_names();
	return test_end();
}
