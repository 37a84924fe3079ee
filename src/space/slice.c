/* SPDX-License-Identifier: GPL-2.0-or-later
 * A policy -> where the addresses of its rules divide them evenly.
 */
#include "space/slice.h"

#include <stdlib.h>

#include "util/cleanup.h"
#include "util/number.h"

#define RULES 1500 /* in one slice, at least: each takes a look at all rules and elements ... */
#define SLICES 16 /* ... so these are not many more */
#define WEIGHT_IP6 3 /* an address has four times as many bits, a port no more */

static int width_of(enum family fam)
{
	return fam == FAM_IP4 ? 32 : 128;
}

static const struct endpoint *end_of(const struct rule *r, enum dim d)
{
	return d == DIM_SADDR ? &r->from : &r->to;
}

/* NULL: it may be any address. */
static const struct ivset *addrs_of(const struct place_item *i, enum family fam)
{
	const struct addrs *s = &i->addrs;

	if (s->all || addrs_open(s) || s->suffixed.n || s->macs.n || s->broadcast)
		return NULL;
	return fam == FAM_IP4 ? &s->v4 : &s->v6;
}

static int cmp_u128(const void *a, const void *b)
{
	const u128 *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

struct starts {
	u128 *v;
	size_t n, cap;
};

/* Where the addresses of each rule begin, in their order. */
static struct starts starts_of(struct arena *a, const struct policy *p, enum dim d, enum family fam)
{
	struct starts l = {0};
	const struct place_item *i;
	const struct rule *r;

	vec_each (&p->rules, r) {
		vec_each (&end_of(r, d)->items, i) {
			const struct ivset *v = addrs_of(i, fam);

			if (v && v->n)
				vec_push_sole(a, &l, v->v[0].lo);
		}
	}
	if (l.n)
		qsort(l.v, l.n, sizeof(*l.v), cmp_u128);
	return l;
}

static void cut(struct arena *a, const struct policy *p, enum dim d, enum family fam, size_t rules,
		struct slices *out)
{
	size_t most = fam == FAM_IP4 ? rules : rules / WEIGHT_IP6 + 1;
	_cleanup_arena_ struct arena *own = arena_new();
	struct starts l = starts_of(own, p, d, fam);
	size_t n = l.n / most + 1;
	u128 from = 0;

	for (size_t i = 1; i < n; i++) {
		u128 next = l.v[i * l.n / n];

		if (next <= from)
			continue;
		vec_push(a, out, ((struct slice){d, fam, {from, next - 1}}));
		from = next;
	}
	vec_push(a, out, ((struct slice){d, fam, {from, u128_max(width_of(fam))}}));
}

static struct slices cut_both(struct arena *a, const struct policy *p, enum dim d, size_t rules)
{
	struct slices l = {0};

	cut(a, p, d, FAM_IP4, rules, &l);
	cut(a, p, d, FAM_IP6, rules, &l);
	return l;
}

static size_t work_of(const struct policy *p, const struct slices *l)
{
	size_t work = 0;

	for (size_t i = 0; i < l->n; i++)
		for (size_t k = 0; k < p->rules.n; k++)
			work += slice_has_rule(&l->v[i], &p->rules.v[k]);
	return work;
}

/* Whether few rules are in several. */
static bool is_worth(struct arena *a, const struct policy *p, const struct slices *l)
{
	struct slices whole = cut_both(a, p, l->v[0].d, p->rules.n);
	size_t least = work_of(p, &whole);

	return work_of(p, l) <= least + least / 2;
}

void slices_of(struct arena *a, const struct policy *p, struct slices *out)
{
	size_t n = p->rules.n, said = number_in_tests("FWC_SLICE_RULES", 0), rules = n / SLICES;

	*out = (struct slices){0};
	if (rules < RULES)
		rules = RULES;
	for (rules = said ? said : rules; rules < n; rules *= 4) {
		struct slices from = cut_both(a, p, DIM_SADDR, rules);
		struct slices to = cut_both(a, p, DIM_DADDR, rules);

		/* by source, which comes first in the diagrams, they share less */
		*out = to.n > from.n ? to : from;
		if (said || is_worth(a, p, out))
			return;
		*out = to.n > from.n ? from : to;
		if (is_worth(a, p, out))
			return;
		*out = (struct slices){0};
	}
}

dd_ref slice_region(struct mean *m, const struct slice *s)
{
	struct ival of = s->of;

	return schema_addrs(&m->schema, s->d, s->family, &(struct ivset){.v = &of, .n = 1});
}

bool slice_has_rule(const struct slice *s, const struct rule *r)
{
	struct ival of = s->of;
	struct ivset in = {.v = &of, .n = 1};
	const struct place_item *i;

	if (r->q.family && r->q.family != s->family)
		return false;
	vec_each (&end_of(r, s->d)->items, i) {
		const struct ivset *v = addrs_of(i, s->family);

		if (!v || ivset_overlaps(v, &in))
			return true;
	}
	return false;
}

static bool is_address(enum field f, enum dim *d, enum family *fam)
{
	*d = f == F_IP_SADDR || f == F_IP6_SADDR ? DIM_SADDR : DIM_DADDR;
	*fam = f == F_IP_SADDR || f == F_IP_DADDR ? FAM_IP4 : FAM_IP6;
	return f == F_IP_SADDR || f == F_IP_DADDR || f == F_IP6_SADDR || f == F_IP6_DADDR;
}

bool slice_has_elem(const struct slice *s, const struct ir_sel *sel, const struct ir_elem *e)
{
	for (int i = 0; i < sel->n; i++) {
		struct ival key = e->key[i];
		enum family fam;
		enum dim d;
		u128 any;

		if (!is_address(sel->f[i], &d, &fam))
			continue;
		if (fam != s->family)
			return false;
		/* bits that are not looked at may be set besides */
		any = sel->mask[i] ? u128_max(width_of(fam)) & ~sel->mask[i] : 0;
		key.hi = key.hi & any ? u128_max(width_of(fam)) : key.hi | any;
		if (d == s->d && (key.lo > s->of.hi || key.hi < s->of.lo))
			return false;
	}
	return true;
}
