/* SPDX-License-Identifier: GPL-2.0-or-later
 * A tree over all ends of the intervals, in their order: each node stands for a piece of them. An
 * interval is noted at the few nodes that it covers, and at those that one of its ends lies in. Two
 * share a number if one has an end within what the other covers, or both cover one node.
 */
#include "util/meets.h"

#include <stdlib.h>
#include <string.h>

struct noted {
	VEC(uint32_t) covers, ends;
};

struct meets {
	struct arena *arena;
	const struct ival *all;
	u128 *points; /* every end, sorted, each once */
	size_t npoints;
	uint32_t leaves; /* a power of two; the nodes are 1, the root, to 2 * leaves - 1 */
	struct noted *nodes;
	uint32_t *seen; /* by interval: 1 + the last one that it was shown to */
};

static int cmp_u128(const void *a, const void *b)
{
	const u128 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

uint64_t meets_pairs(const struct ival *v, size_t n)
{
	u128 *ends = malloc((2 * n + 1) * sizeof(*ends)), *last = ends + n;
	uint64_t pairs = (uint64_t)n * (n ? n - 1 : 0) / 2;

	if (!ends)
		return pairs;
	for (size_t i = 0; i < n; i++) {
		ends[i] = v[i].lo;
		last[i] = v[i].hi;
	}
	qsort(ends, n, sizeof(*ends), cmp_u128);
	qsort(last, n, sizeof(*last), cmp_u128);
	for (size_t i = 0, before = 0; i < n; i++) { /* those that end before this one begins */
		while (before < n && last[before] < ends[i])
			before++;
		pairs -= before;
	}
	free(ends);
	return pairs;
}

struct meets *meets_new(struct arena *a, const struct ival *all, size_t n)
{
	struct meets *m = arena_new_of(a, struct meets);

	m->arena = a;
	m->all = all;
	m->points = arena_alloc(a, (2 * n + 1) * sizeof(*m->points));
	for (size_t i = 0; i < n; i++) {
		m->points[2 * i] = all[i].lo;
		m->points[2 * i + 1] = all[i].hi;
	}
	qsort(m->points, 2 * n, sizeof(*m->points), cmp_u128);
	for (size_t i = 0; i < 2 * n; i++)
		if (!i || m->points[i] != m->points[i - 1])
			m->points[m->npoints++] = m->points[i];
	m->leaves = 1;
	while (m->leaves < m->npoints)
		m->leaves *= 2;
	m->nodes = arena_alloc(a, 2 * m->leaves * sizeof(*m->nodes));
	m->seen = arena_alloc(a, (n + 1) * sizeof(*m->seen));
	return m;
}

static uint32_t leaf_of(const struct meets *m, u128 x)
{
	const u128 *at = bsearch(&x, m->points, m->npoints, sizeof(x), cmp_u128);

	return m->leaves + (uint32_t)(at - m->points);
}

void meets_add(struct meets *m, size_t i)
{
	uint32_t first = leaf_of(m, m->all[i].lo), last = leaf_of(m, m->all[i].hi);

	for (uint32_t x = first, y = last; x; x /= 2, y /= 2) {
		vec_push(m->arena, &m->nodes[x].ends, (uint32_t)i);
		if (x != y)
			vec_push(m->arena, &m->nodes[y].ends, (uint32_t)i);
	}
	for (uint32_t x = first, y = last + 1; x < y; x /= 2, y /= 2) {
		if (x & 1)
			vec_push(m->arena, &m->nodes[x].covers, (uint32_t)i);
		if (y & 1)
			vec_push(m->arena, &m->nodes[y - 1].covers, (uint32_t)i);
		x += x & 1;
		y -= y & 1;
	}
}

struct looking {
	struct meets *m;
	uint32_t mark;
	bool (*see)(void *with, size_t j);
	void *with;
};

static bool show(struct looking *l, const uint32_t *v, size_t n)
{
	while (n-- > 0) {
		if (l->m->seen[v[n]] == l->mark)
			continue;
		l->m->seen[v[n]] = l->mark;
		if (!l->see(l->with, v[n]))
			return false;
	}
	return true;
}

static bool show_covers(struct looking *l, uint32_t node)
{
	return show(l, l->m->nodes[node].covers.v, l->m->nodes[node].covers.n);
}

static bool show_ends(struct looking *l, uint32_t node)
{
	return show(l, l->m->nodes[node].ends.v, l->m->nodes[node].ends.n);
}

void meets_each(struct meets *m, size_t i, bool (*see)(void *with, size_t j), void *with)
{
	struct looking l = {m, (uint32_t)i + 1, see, with};
	uint32_t first = leaf_of(m, m->all[i].lo), last = leaf_of(m, m->all[i].hi);

	for (uint32_t x = first, y = last; x; x /= 2, y /= 2)
		if (!show_covers(&l, x) || !show_covers(&l, y))
			return;
	for (uint32_t x = first, y = last + 1; x < y; x /= 2, y /= 2) {
		if ((x & 1) && !(show_covers(&l, x) && show_ends(&l, x)))
			return;
		x += x & 1;
		if (!(y & 1))
			continue;
		y--;
		if (!show_covers(&l, y) || !show_ends(&l, y))
			return;
	}
}
