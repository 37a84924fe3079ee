/* SPDX-License-Identifier: GPL-2.0-or-later
 * ranges as they come -> sorted, disjoint ones.
 */
#include "util/bulk.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "util/number.h"
#include "util/room.h"

#define DIGIT 11 /* bits that one pass sorts by */
#define MERGED (1u << 20) /* from so many on, what is full is merged first */

static bool is_sorted(const struct range4 *v, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (v[i].lo < v[i - 1].lo)
			return false;
	return true;
}

/* By the lower end, in three passes; those that begin alike stay as they were. */
static void sort4(struct range4 *v, size_t n)
{
	struct range4 *other, *from = v, *to;

	if (is_sorted(v, n))
		return;
	other = to = room_new(n * sizeof(*v));
	for (int shift = 0; shift < 32; shift += DIGIT) {
		size_t begin[(1 << DIGIT) + 1] = {0};
		struct range4 *sorted = to;

		for (size_t i = 0; i < n; i++)
			begin[(from[i].lo >> shift & ((1 << DIGIT) - 1)) + 1]++;
		for (size_t d = 1; d < 1 << DIGIT; d++)
			begin[d] += begin[d - 1];
		for (size_t i = 0; i < n; i++)
			to[begin[from[i].lo >> shift & ((1 << DIGIT) - 1)]++] = from[i];
		to = from;
		from = sorted;
	}
	if (from != v)
		memcpy(v, from, n * sizeof(*v));
	room_free(other, n * sizeof(*v));
}

static size_t merge4(struct range4 *v, size_t n)
{
	size_t out = 0;

	for (size_t i = 1; i < n; i++) {
		if (v[out].hi == UINT32_MAX || v[i].lo <= v[out].hi + 1) {
			if (v[i].hi > v[out].hi)
				v[out].hi = v[i].hi;
		} else {
			v[++out] = v[i];
		}
	}
	return n ? out + 1 : 0;
}

/* Twice as much as there was, on large pages. */
static void *grown(void *v, size_t *cap, size_t each)
{
	size_t before = *cap;

	*cap = before ? 2 * before : 64;
	return before ? room_grow(v, before * each, *cap * each) : room_new(*cap * each);
}

/* Makes room for one more; a list that says the same again and again is merged before it grows. */
static void room4(struct bulk *b)
{
	if (b->v4.n >= MERGED) {
		sort4(b->v4.v, b->v4.n);
		b->v4.n = merge4(b->v4.v, b->v4.n);
	}
	if (b->v4.n <= b->v4.cap / 2 && b->v4.cap)
		return;
	b->v4.v = grown(b->v4.v, &b->v4.cap, sizeof(*b->v4.v));
}

static void room6(struct bulk *b)
{
	struct ivset six = {.v = b->v6.v, .n = b->v6.n};

	if (six.n >= MERGED) {
		ivset_normalise(&six);
		b->v6.n = six.n;
	}
	if (b->v6.n <= b->v6.cap / 2 && b->v6.cap)
		return;
	b->v6.v = grown(b->v6.v, &b->v6.cap, sizeof(*b->v6.v));
}

void bulk_add(struct bulk *b, enum family family, struct ival range)
{
	if (family == FAM_IP4) {
		if (b->v4.n == b->v4.cap)
			room4(b);
		b->v4.v[b->v4.n++] = (struct range4){(uint32_t)range.lo, (uint32_t)range.hi};
	} else {
		if (b->v6.n == b->v6.cap)
			room6(b);
		b->v6.v[b->v6.n++] = range;
	}
}

static void *moved(struct arena *a, void *v, size_t size, size_t room)
{
	void *out = size ? arena_alloc(a, size) : NULL;

	if (size)
		memcpy(out, v, size);
	room_free(v, room);
	return out;
}

void bulk_settle(struct bulk *b, struct arena *a)
{
	size_t room4 = b->v4.cap * sizeof(*b->v4.v), room6 = b->v6.cap * sizeof(*b->v6.v);
	struct ivset six = {.v = b->v6.v, .n = b->v6.n};

	sort4(b->v4.v, b->v4.n);
	b->v4.n = b->v4.cap = merge4(b->v4.v, b->v4.n);
	b->v4.v = moved(a, b->v4.v, b->v4.n * sizeof(*b->v4.v), room4);
	ivset_normalise(&six);
	b->v6.n = b->v6.cap = six.n;
	b->v6.v = moved(a, b->v6.v, b->v6.n * sizeof(*b->v6.v), room6);
}

void bulk_add_list(struct bulk *b, const struct bulk_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		bulk_add(b, l->family, bulk_list_at(l, i));
}

void bulk_add_bulk(struct bulk *b, const struct bulk *more)
{
	for (size_t i = 0; i < more->v4.n; i++)
		bulk_add(b, FAM_IP4, (struct ival){more->v4.v[i].lo, more->v4.v[i].hi});
	for (size_t i = 0; i < more->v6.n; i++)
		bulk_add(b, FAM_IP6, more->v6.v[i]);
}

static void add_range4(struct bulk *b, u128 lo, u128 hi)
{
	bulk_add(b, FAM_IP4, (struct ival){lo, hi});
}

static void subtract4(struct bulk *b, const struct bulk *less, struct arena *a)
{
	struct bulk rest = {0};
	size_t k = 0;

	for (size_t i = 0; i < b->v4.n; i++) {
		uint64_t lo = b->v4.v[i].lo, hi = b->v4.v[i].hi;

		while (k < less->v4.n && less->v4.v[k].hi < lo)
			k++;
		for (size_t j = k; j < less->v4.n && less->v4.v[j].lo <= hi && lo <= hi; j++) {
			if (less->v4.v[j].lo > lo)
				add_range4(&rest, lo, less->v4.v[j].lo - 1);
			lo = (uint64_t)less->v4.v[j].hi + 1;
		}
		if (lo <= hi)
			add_range4(&rest, lo, hi);
	}
	bulk_settle(&rest, a);
	b->v4.v = rest.v4.v;
	b->v4.n = b->v4.cap = rest.v4.n;
}

void bulk_subtract(struct bulk *b, const struct bulk *less, struct arena *a)
{
	struct ivset six = {.v = b->v6.v, .n = b->v6.n}, gone = {.v = less->v6.v, .n = less->v6.n};

	if (less->v4.n)
		subtract4(b, less, a);
	if (!gone.n)
		return;
	six = ivset_subtract(a, &six, &gone);
	b->v6.v = six.v;
	b->v6.n = b->v6.cap = six.n;
}

void bulk_append(struct ivset *out, const struct bulk *b, enum family family, struct arena *a)
{
	size_t n = family == FAM_IP4 ? b->v4.n : b->v6.n;

	if (!n)
		return;
	if (out->cap < out->n + n) {
		out->cap = out->n + n;
		out->v =
			arena_grow(a, out->v, out->n * sizeof(*out->v), out->cap * sizeof(*out->v));
	}
	for (size_t i = 0; i < n && family == FAM_IP4; i++)
		out->v[out->n + i] = (struct ival){b->v4.v[i].lo, b->v4.v[i].hi};
	if (family == FAM_IP6)
		memcpy(out->v + out->n, b->v6.v, n * sizeof(*out->v));
	out->n += n;
}

/* ---- lists ---- */

void bulk_key(enum family family, u128 address, uint8_t *out)
{
	uint64_t six[] = {htobe64((uint64_t)(address >> 64)), htobe64((uint64_t)address)};
	uint32_t four = htobe32((uint32_t)address);

	if (family == FAM_IP4)
		memcpy(out, &four, sizeof(four));
	else
		memcpy(out, six, sizeof(six));
}

void bulk_keys4(const struct range4 *v, size_t n, uint32_t *out)
{
	for (size_t i = 0; i < n; i++) {
		out[2 * i] = htobe32(v[i].lo);
		out[2 * i + 1] = htobe32(v[i].hi);
	}
}

static void digest4(const struct bulk_list *l, struct sha256 *h)
{
	uint32_t part[2048];

	for (size_t i = 0, n; i < l->n; i += n) {
		n = l->n - i < 1024 ? l->n - i : 1024;
		bulk_keys4(l->v4 + i, n, part);
		sha256_add(h, part, n * sizeof(*l->v4));
	}
}

/* As bytes of one order, whatever the machine's; as many at once as fit. */
static void digest(struct bulk_list *l)
{
	size_t bytes = bulk_key_bytes(l->family), n = 0;
	uint8_t part[4096];
	struct sha256 h;

	sha256_start(&h);
	part[n++] = (uint8_t)l->family;
	if (l->family == FAM_IP4) {
		sha256_add(&h, part, n);
		digest4(l, &h);
		sha256_end_hex(&h, l->digest);
		return;
	}
	for (size_t i = 0; i < l->n; i++) {
		struct ival v = bulk_list_at(l, i);

		if (n + 2 * bytes > sizeof(part)) {
			sha256_add(&h, part, n);
			n = 0;
		}
		bulk_key(l->family, v.lo, part + n);
		bulk_key(l->family, v.hi, part + n + bytes);
		n += 2 * bytes;
	}
	sha256_add(&h, part, n);
	sha256_end_hex(&h, l->digest);
}

struct bulk_list *bulk_list_of4(struct arena *a, const struct range4 *v, size_t n)
{
	struct bulk_list *l = arena_new_of(a, struct bulk_list);

	*l = (struct bulk_list){.family = FAM_IP4, .n = n, .v4 = v};
	digest(l);
	return l;
}

struct bulk_list *bulk_list_of6(struct arena *a, const struct ival *v, size_t n)
{
	struct bulk_list *l = arena_new_of(a, struct bulk_list);

	*l = (struct bulk_list){.family = FAM_IP6, .n = n, .v6 = v};
	digest(l);
	return l;
}

struct bulk_list *bulk_list(struct arena *a, const struct bulk *b, enum family family)
{
	return family == FAM_IP4 ? bulk_list_of4(a, b->v4.v, b->v4.n)
				 : bulk_list_of6(a, b->v6.v, b->v6.n);
}

struct ival bulk_list_at(const struct bulk_list *l, size_t i)
{
	if (l->family == FAM_IP6)
		return l->v6[i];
	return (struct ival){l->v4[i].lo, l->v4[i].hi};
}

bool bulk_list_same(const struct bulk_list *x, const struct bulk_list *y)
{
	if (x->n != y->n || x->family != y->family)
		return false;
	for (size_t i = 0; i < x->n; i++) {
		struct ival v = bulk_list_at(x, i), w = bulk_list_at(y, i);

		if (v.lo != w.lo || v.hi != w.hi)
			return false;
	}
	return true;
}

size_t bulk_list_from(const struct bulk_list *l, u128 addr)
{
	size_t lo = 0, hi = l->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (bulk_list_at(l, mid).hi < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool bulk_list_holds(const struct bulk_list *l, u128 addr)
{
	size_t i = bulk_list_from(l, addr);

	return i < l->n && bulk_list_at(l, i).lo <= addr;
}

bool bulk_list_overlaps(const struct bulk_list *l, const struct ivset *s)
{
	for (size_t k = 0; k < s->n; k++) {
		size_t i = bulk_list_from(l, s->v[k].lo);

		if (i < l->n && bulk_list_at(l, i).lo <= s->v[k].hi)
			return true;
	}
	return false;
}

bool bulk_is_name(const char *name)
{
	size_t n = strlen(name), suffix = strlen(BULK_SUFFIX);

	return n > suffix && !strcmp(name + n - suffix, BULK_SUFFIX);
}

bool bulk_list_covers(const struct bulk_list *l, const struct ivset *s)
{
	for (size_t k = 0; k < s->n; k++) {
		size_t i = bulk_list_from(l, s->v[k].lo);

		if (i == l->n || bulk_list_at(l, i).lo > s->v[k].lo ||
		    bulk_list_at(l, i).hi < s->v[k].hi)
			return false;
	}
	return true;
}

void bulk_list_append(struct ivset *out, const struct bulk_list *l, struct arena *a)
{
	const struct bulk b = {.v4 = {(struct range4 *)l->v4, l->family == FAM_IP4 ? l->n : 0, 0},
			       .v6 = {(struct ival *)l->v6, l->family == FAM_IP6 ? l->n : 0, 0}};

	bulk_append(out, &b, l->family, a);
}

size_t bulk_min(void)
{
	return number_in_tests("FWC_BULK_MIN", BULK_MIN);
}
