/* SPDX-License-Identifier: GPL-2.0-or-later
 * ranges as they come -> sorted, disjoint ones.
 */
#include "util/bulk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGIT 11 /* bits that one pass sorts by */
#define MERGED (1u << 20) /* from so many on, what is full is merged first */

/* Like the arena's: a compiler that has no memory has nothing better to do. */
static void *must(void *p)
{
	if (!p) {
		fputs("fwc: out of memory\n", stderr);
		abort();
	}
	return p;
}

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
	other = to = must(malloc(n * sizeof(*v)));
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
	free(other);
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

/* Makes room for one more; a list that says the same again and again is merged before it grows. */
static void room4(struct bulk *b)
{
	if (b->v4.n >= MERGED) {
		sort4(b->v4.v, b->v4.n);
		b->v4.n = merge4(b->v4.v, b->v4.n);
	}
	if (b->v4.n <= b->v4.cap / 2 && b->v4.cap)
		return;
	b->v4.cap = b->v4.cap ? 2 * b->v4.cap : 64;
	b->v4.v = must(realloc(b->v4.v, b->v4.cap * sizeof(*b->v4.v)));
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
	b->v6.cap = b->v6.cap ? 2 * b->v6.cap : 64;
	b->v6.v = must(realloc(b->v6.v, b->v6.cap * sizeof(*b->v6.v)));
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

static void *moved(struct arena *a, void *v, size_t size)
{
	void *out = size ? arena_alloc(a, size) : NULL;

	if (size)
		memcpy(out, v, size);
	free(v);
	return out;
}

void bulk_settle(struct bulk *b, struct arena *a)
{
	struct ivset six = {.v = b->v6.v, .n = b->v6.n};

	sort4(b->v4.v, b->v4.n);
	b->v4.n = b->v4.cap = merge4(b->v4.v, b->v4.n);
	b->v4.v = moved(a, b->v4.v, b->v4.n * sizeof(*b->v4.v));
	ivset_normalise(&six);
	b->v6.n = b->v6.cap = six.n;
	b->v6.v = moved(a, b->v6.v, b->v6.n * sizeof(*b->v6.v));
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
