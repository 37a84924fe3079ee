/* SPDX-License-Identifier: GPL-2.0-or-later
 * The two ends of a rule -> forms: what of addresses one nft rule can say.
 */
#include <stdlib.h>
#include <string.h>

#include "nft/lower.h"

/* What one item alone says is not copied: it may be very many addresses, which are sorted already.
 * Whoever adds to it makes a copy, for there is no room behind it. */
static void side_add_ivals(struct lower *l, struct ivset *to, const struct ivset *from)
{
	if (!to->n) {
		*to = (struct ivset){.v = from->v, .n = from->n, .cap = from->n};
		return;
	}
	for (size_t i = 0; i < from->n; i++)
		vec_push(l->arena, to, from->v[i]);
}

static void side_add(struct lower *l, struct side *s, const struct addrs *a)
{
	if (a->all) {
		s->all = true;
		return;
	}
	if (a->broadcast) {
		s->broadcast = true;
		return;
	}
	for (size_t i = 0; i < a->macs.n; i++)
		vec_push(l->arena, &s->macs, a->macs.v[i]);
	if (a->macs.n)
		s->mac_stem = s->mac_stem ? "mac" : a->stem;
	if (a->dyn) {
		vec_push(l->arena, &s->dyn, a);
		return;
	}
	if (addrs_open(a))
		vec_push(l->arena, &s->bulk, a);
	side_add_ivals(l, &s->v4, &a->v4);
	side_add_ivals(l, &s->v6, &a->v6);
	for (size_t i = 0; i < a->suffixed.n; i++)
		vec_push(l->arena, &s->suffixed, a->suffixed.v[i]);
	if (a->v4.n || a->v6.n || a->suffixed.n || !a->macs.n)
		s->stem = s->stem ? "addr" : a->stem;
}

static int mac_cmp(const void *a, const void *b)
{
	const struct ival *x = a, *y = b;

	return (x->lo > y->lo) - (x->lo < y->lo);
}

/* Each once; neighbouring numbers are no range that anybody meant. */
static void sort_each(struct ivset *s)
{
	size_t n = 0;

	if (s->n)
		qsort(s->v, s->n, sizeof(*s->v), mac_cmp);
	for (size_t i = 0; i < s->n; i++)
		if (!n || s->v[n - 1].lo != s->v[i].lo)
			s->v[n++] = s->v[i];
	s->n = n;
}

struct side side_at(struct lower *l, const struct endpoint *e, int place)
{
	struct side s = {0};

	for (size_t i = 0; i < e->items.n; i++)
		if (item_at(&e->items.v[i], place))
			side_add(l, &s, &e->items.v[i].addrs);
	ivset_normalise(&s.v4);
	ivset_normalise(&s.v6);
	sort_each(&s.macs);
	if (place_root(l->p, place) == PLACE_SELF) /* what this machine sends came by no link */
		s.macs.n = 0;
	return s;
}

struct side side_of_item(struct lower *l, const struct place_item *item)
{
	struct side s = {0};

	side_add(l, &s, &item->addrs);
	sort_each(&s.macs);
	return s;
}

static bool same_set(const struct ivset *x, const struct ivset *y)
{
	return x->n == y->n && (!x->n || !memcmp(x->v, y->v, x->n * sizeof(*x->v)));
}

/* They differ in the value alone. */
static bool same_but_value(const struct suffixed *x, const struct suffixed *y)
{
	bool same = x->is.bits && x->is.bits == y->is.bits && x->but.n == y->but.n &&
		    same_set(&x->in, &y->in);

	for (size_t i = 0; same && i < x->but.n; i++)
		same = x->but.v[i].bits == y->but.v[i].bits &&
		       x->but.v[i].value == y->but.v[i].value;
	return same;
}

static void suffixed_alts(struct lower *l, struct alts *out, const struct side *s)
{
	bool *done = arena_alloc(l->arena, s->suffixed.n + 1);

	for (size_t i = 0; i < s->suffixed.n; i++) {
		struct alt a = {.family = FAM_IP6, .suffixed = &s->suffixed.v[i], .stem = s->stem};

		for (size_t k = i; k < s->suffixed.n && !done[i]; k++) {
			u128 value = s->suffixed.v[k].is.value;

			if (k > i && !same_but_value(a.suffixed, &s->suffixed.v[k]))
				continue;
			done[k] = k > i;
			vec_push(l->arena, &a.ends, ((struct ival){value, value}));
		}
		sort_each(&a.ends);
		if (!done[i])
			vec_push(l->arena, out, a);
	}
}

static void bulk_alts(struct lower *l, struct alts *out, const struct addrs *a, enum family fam)
{
	const struct bulk_list *list = addrs_bulk(a, fam);
	size_t ways = list ? bulk_ways(lower_bulk(l, list, a->stem), a->negated) : 0;

	for (size_t i = 0; i < ways; i++)
		vec_push(l->arena, out,
			 ((struct alt){.family = fam,
				       .bulk = list,
				       .part = i,
				       .negated = a->negated,
				       .stem = a->stem}));
}

static const struct ivset *addrs_fixed(const struct addrs *a, enum family fam)
{
	return fam == FAM_IP4 ? &a->v4 : &a->v6;
}

/* In one of its sets; or in none of them. */
static void dyn_alts(struct lower *l, struct alts *out, const struct addrs *a, enum family fam)
{
	size_t ways = a->negated ? 1 : dynset_parts(a->dyn);

	if (a->mixed && !addrs_fixed(a, fam)->n)
		return;
	for (size_t i = 0; i < ways; i++)
		vec_push(l->arena, out, ((struct alt){.family = fam, .dyn = a, .part = i}));
}

static void side_alts(struct lower *l, struct alts *out, const struct side *s, enum family fam,
		      bool stations)
{
	const struct ivset *fixed = fam == FAM_IP4 ? &s->v4 : &s->v6;

	if (s->all) {
		vec_push(l->arena, out, ((struct alt){.family = fam, .all = true}));
		return;
	}
	if (fixed->n)
		vec_push(l->arena, out,
			 ((struct alt){.family = fam, .fixed = fixed, .stem = s->stem}));
	if (fam == FAM_IP6)
		suffixed_alts(l, out, s);
	if (s->broadcast && fam == FAM_IP4)
		vec_push(l->arena, out, ((struct alt){.family = fam, .broadcast = true}));
	if (s->macs.n && stations)
		vec_push(l->arena, out,
			 ((struct alt){.family = fam,
				       .macs = &s->macs,
				       .routed = s->routed,
				       .stem = s->mac_stem}));
	for (size_t i = 0; i < s->bulk.n; i++)
		bulk_alts(l, out, s->bulk.v[i], fam);
	for (size_t i = 0; i < s->dyn.n; i++)
		dyn_alts(l, out, s->dyn.v[i], fam);
}

struct forms forms_of(struct lower *l, const struct side *src, const struct side *dst,
		      enum family fam)
{
	static const enum family families[] = {FAM_IP4, FAM_IP6};
	bool stations = true;
	struct forms out = {0};

	if (src->all && dst->all) {
		vec_push(l->arena, &out,
			 ((struct form){fam, .src = {.all = true}, .dst = {.all = true}}));
		return out;
	}
	if (!fam && dst->all && src->macs.n) { /* of both families at once */
		vec_push(l->arena, &out,
			 ((struct form){.src = {.macs = &src->macs,
						.routed = src->routed,
						.stem = src->mac_stem},
					.dst = {.all = true}}));
		stations = false;
	}
	for (int f = 0; f < 2; f++) {
		struct alts from = {0}, to = {0};

		if (fam && fam != families[f])
			continue;
		side_alts(l, &from, src, families[f], stations);
		side_alts(l, &to, dst, families[f], false);
		if (!lower_product(l, l->at, from.n, to.n))
			return out;
		for (size_t i = 0; i < from.n; i++)
			for (size_t j = 0; j < to.n; j++)
				vec_push(l->arena, &out,
					 ((struct form){families[f], from.v[i], to.v[j]}));
	}
	return out;
}

struct forms forms_of_rule(struct lower *l, const struct qualifiers *q, const struct side *src,
			   const struct side *dst)
{
	struct forms out = forms_of(l, src, dst, q->family);

	for (size_t i = 0; q->has_dscp && i < out.n; i++) {
		struct form six = out.v[i];

		if (six.family)
			continue;
		six.family = FAM_IP6;
		out.v[i].family = FAM_IP4;
		vec_push(l->arena, &out, six);
	}
	return out;
}

void match_ethernet(struct lower *l, struct ir_rule *r)
{
	match_one(l, r, F_IIFTYPE, 1 /* ARPHRD_ETHER */);
}

bool alt_open(const struct alt *a)
{
	return a->all || a->macs || a->broadcast;
}

void match_unicast(struct lower *l, struct ir_rule *r, enum field f)
{
	struct ival multicast = {(u128)0xff << 120, u128_max(128)};

	match_ival(l, r, f, multicast);
	r->stmts.v[r->stmts.n - 1].match.op = OP_NE;
}

/* One match for each length. */
static void match_no_suffix(struct lower *l, struct ir_rule *r, enum field f,
			    const struct suffixed *s)
{
	for (unsigned bits = 1; bits < 128; bits++) {
		struct ivset ends = {0};

		for (size_t i = 0; i < s->but.n; i++)
			if (s->but.v[i].bits == bits)
				vec_push(l->arena, &ends,
					 ((struct ival){s->but.v[i].value, s->but.v[i].value}));
		sort_each(&ends);
		if (ends.n)
			match_ends(l, r, f, &ends, bits, "not-suffix", true);
	}
}

static void match_suffixed(struct lower *l, struct ir_rule *r, const struct alt *a, enum field f)
{
	const struct suffixed *s = a->suffixed;

	if (suffixed_unicast(s))
		match_unicast(l, r, f);
	else
		match_ivset(l, r, f, &s->in, a->stem);
	if (s->is.bits)
		match_ends(l, r, f, &a->ends, s->is.bits, a->stem, false);
	match_no_suffix(l, r, f, s);
}

static void match_none(struct lower *l, struct ir_rule *r, enum field f, const struct dynset *d,
		       enum family fam)
{
	for (size_t i = 0; i < dynset_parts(d); i++)
		match_set(l, r, f, dynset_part(l->arena, d, fam, i), true);
}

/* In that set; or neither in it, nor in others, nor among what else was written. */
static void match_dynsets(struct lower *l, struct ir_rule *r, enum field f, const struct alt *a)
{
	const struct ivset *fixed = addrs_fixed(a->dyn, a->family);

	if (a->dyn->mixed && !ivset_is_all(fixed, field_table[f].bits))
		match_ivset(l, r, f, fixed, a->dyn->stem);
	if (a->dyn->negated)
		match_none(l, r, f, a->dyn->dyn, a->family);
	else
		match_set(l, r, f, dynset_part(l->arena, a->dyn->dyn, a->family, a->part), false);
	for (size_t i = 0; i < a->dyn->nor.n; i++)
		match_none(l, r, f, a->dyn->nor.v[i], a->family);
}

static void match_alt(struct lower *l, struct ir_rule *r, const struct alt *a, enum field f4,
		      enum field f6)
{
	enum field f = a->family == FAM_IP4 ? f4 : f6;

	if (a->all)
		return;
	if (a->macs && a->routed) {
		match_link(l, r, a->macs);
	} else if (a->macs) {
		match_ethernet(l, r);
		match_ivset(l, r, F_ETHER_SADDR, a->macs, a->stem);
	} else if (a->broadcast) {
		match_one(l, r, F_FIB_DADDR_TYPE, 3 /* RTN_BROADCAST */);
	} else if (a->suffixed) {
		match_suffixed(l, r, a, f);
	} else if (a->bulk) {
		match_bulk(l, r, f, a);
	} else if (a->dyn) {
		match_dynsets(l, r, f, a);
	} else {
		match_ivset(l, r, f, a->fixed, a->stem);
	}
}

/* Where neither side has addresses the family is matched by itself. */
void match_form(struct lower *l, struct ir_rule *r, const struct form *f)
{
	if (f->family && alt_open(&f->src) && alt_open(&f->dst))
		match_one(l, r, F_NFPROTO, f->family == FAM_IP4 ? 2 : 10);
	match_alt(l, r, &f->src, F_IP_SADDR, F_IP6_SADDR);
	match_alt(l, r, &f->dst, F_IP_DADDR, F_IP6_DADDR);
}
