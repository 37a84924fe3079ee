/* SPDX-License-Identifier: GPL-2.0-or-later
 * two lists -> what is in one of them alone; and back.
 */
#include "util/bulk_overlay.h"

/* Behind ranges that both have: most are, where little has changed. */
static void skip_same(const struct bulk_list *x, const struct bulk_list *y, size_t *i, size_t *k)
{
	const struct range4 *v = x->v4, *w = y->v4;

	if (x->family != FAM_IP4 || y->family != FAM_IP4)
		return;
	while (*i < x->n && *k < y->n && v[*i].lo == w[*k].lo && v[*i].hi == w[*k].hi) {
		++*i;
		++*k;
	}
}

/* Both are run through once; only what is different takes memory. */
struct bulk bulk_without(const struct bulk_list *x, const struct bulk_list *y)
{
	struct bulk out = {0};
	size_t k = 0;

	for (size_t i = 0;; i++) {
		struct ival r;
		bool over = false;

		skip_same(x, y, &i, &k);
		if (i == x->n)
			break;
		r = bulk_list_at(x, i);
		while (k < y->n && bulk_list_at(y, k).hi < r.lo)
			k++;
		for (size_t j = k; j < y->n && !over; j++) {
			struct ival less = bulk_list_at(y, j);

			if (less.lo > r.hi)
				break;
			if (less.lo > r.lo)
				bulk_add(&out, x->family, (struct ival){r.lo, less.lo - 1});
			over = less.hi >= r.hi;
			r.lo = less.hi + 1;
		}
		if (!over)
			bulk_add(&out, x->family, r);
	}
	return out;
}

static const struct bulk_list *list_or_none(struct arena *a, struct bulk *b, enum family family)
{
	const struct bulk_list *l;

	bulk_settle(b, a);
	l = bulk_list(a, b, family);
	return l->n ? l : NULL;
}

struct bulk_overlay bulk_overlay(struct arena *a, const struct bulk_list *base,
				 const struct bulk_list *whole)
{
	struct bulk less = bulk_without(base, whole), more = bulk_without(whole, base);

	return (struct bulk_overlay){.base = base,
				     .less = list_or_none(a, &less, base->family),
				     .more = list_or_none(a, &more, base->family)};
}

static bool same(const struct bulk_list *x, const struct bulk_list *y)
{
	return x && y ? bulk_list_same(x, y) : x == y;
}

bool bulk_overlay_is(struct arena *a, const struct bulk_overlay *o, const struct bulk_list *whole)
{
	struct bulk_overlay is;

	if (o->base->family != whole->family)
		return false;
	is = bulk_overlay(a, o->base, whole);
	return same(is.less, o->less) && same(is.more, o->more);
}

const struct bulk_list *bulk_overlay_sum(struct arena *a, const struct bulk_overlay *o)
{
	static const struct bulk_list none = {.n = 0};
	struct bulk sum = bulk_without(o->base, o->less ? o->less : &none);
	struct bulk_list *l = arena_new_of(a, struct bulk_list);

	if (o->more)
		bulk_add_list(&sum, o->more);
	bulk_settle(&sum, a);
	*l = (struct bulk_list){.family = o->base->family,
				.n = o->base->family == FAM_IP4 ? sum.v4.n : sum.v6.n,
				.v4 = sum.v4.v,
				.v6 = sum.v6.v};
	return l;
}
