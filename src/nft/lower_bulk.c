/* SPDX-License-Identifier: GPL-2.0-or-later
 * A list of very many addresses -> sets of the kernel: a fixed hash of single addresses; hashes of
 * prefixes, one for each length, which look-ups mask for; or else intervals. One that is in force
 * already, but for little, stays as it is, and what is different becomes two sets of its own.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "nft/lower.h"
#include "util/bulk_overlay.h"
#include "util/bulk_split.h"

/* So many elements that are different, or such a share of all, and the list is made anew: each new
 * flow asks for them, and each apply sends them. */
#define OVERLAY_MOST 50000
#define OVERLAY_SHARE 20

static bulk_base *base_in_force;
static void *base_ctx;

void ruleset_bases_by(bulk_base *base, void *ctx)
{
	base_in_force = base;
	base_ctx = ctx;
}

static const struct ir_set *seal(struct lower *l, const struct ir_bulk *of, const char *stem)
{
	struct ir_set *set = arena_new_of(l->arena, struct ir_set);
	struct ir_bulk *bulk = arena_new_of(l->arena, struct ir_bulk);
	bool six = of->elems->family == FAM_IP6;

	*bulk = *of;
	*set = (struct ir_set){.stem = stem,
			       .nkeys = 1,
			       .keys = {six ? F_IP6_SADDR : F_IP_SADDR},
			       .interval = !of->prefix,
			       .size = of->prefix ? bulk_keys(bulk) : 0,
			       .bulk = bulk};
	return ruleset_seal_set(l->r, set);
}

/* A hash of all addresses takes two thirds of the memory of as many intervals, and is looked up in
 * a fraction of the time: it may have twice as many elements. */
static uint8_t prefix_for(const struct bulk_list *list)
{
	uint8_t bits = list->family == FAM_IP4 ? 32 : 128;

	return bulk_keys(&(struct ir_bulk){.elems = list, .prefix = bits}) <= 2 * list->n ? bits
											  : 0;
}

static uint32_t elements_of(const struct bulk_list *list)
{
	return list ? bulk_keys(&(struct ir_bulk){.elems = list, .prefix = prefix_for(list)}) : 0;
}

/* Hashes of prefixes where few lengths do, which are to have names that tell them apart; else one
 * set. */
static void make_sets(struct lower *l, struct bulk_sets *out, const struct bulk_list *list,
		      const char *name)
{
	struct ir_bulk whole = {.elems = list, .prefix = prefix_for(list), .of = list->digest};
	struct bulk_split split = {0};

	if (!whole.prefix)
		bulk_split(l->arena, list, &split);
	for (size_t i = 0; i < split.n; i++) {
		struct ir_bulk part = {
			.elems = split.part[i], .prefix = split.bits[i], .of = list->digest};

		vec_push(l->arena, &out->sets,
			 seal(l, &part, arena_printf(l->arena, "%s-%u", name, split.bits[i])));
	}
	if (!split.n)
		vec_push(l->arena, &out->sets, seal(l, &whole, name));
}

static const struct ir_set *make_small(struct lower *l, const struct bulk_overlay *o,
				       enum bulk_role role, const struct bulk_list *of,
				       const char *name)
{
	const struct bulk_list *elems = role == BULK_LESS ? o->less : o->more;
	struct ir_bulk b = {.elems = elems, .of = of->digest, .role = role};

	if (!elems)
		return NULL;
	b.prefix = prefix_for(elems);
	b.base = o->base->digest;
	return seal(l, &b,
		    arena_printf(l->arena, "%s-%s", name, role == BULK_LESS ? "less" : "more"));
}

static bool is_little(const struct bulk_overlay *o)
{
	uint64_t changed = (uint64_t)elements_of(o->less) + elements_of(o->more);

	return changed <= OVERLAY_MOST && changed * OVERLAY_SHARE <= elements_of(o->base);
}

/* For tests: a base that nobody has applied, which lacks a third of the list and has more besides.
 */
static const struct bulk_list *invented(struct arena *a, const struct bulk_list *list)
{
#if defined(FWC_FAULTS) || defined(FWC_SANITIZERS)
	struct bulk b = {0};

	if (!getenv("FWC_BULK_BASE"))
		return NULL;
	for (size_t i = 0; i < list->n; i++) {
		struct ival r = bulk_list_at(list, i);

		if (i % 3)
			bulk_add(&b, list->family, r);
		if (i % 4 == 1 && r.hi < u128_max(list->family == FAM_IP4 ? 32 : 128))
			bulk_add(&b, list->family, (struct ival){r.hi + 1, r.hi + 1});
	}
	bulk_settle(&b, a);
	return bulk_list(a, &b, list->family);
#else
	(void)a;
	(void)list;
	return NULL;
#endif
}

/* *out stays where there is none, or too much is different. */
static void find_base(struct lower *l, const struct bulk_list *list, const char *name,
		      struct bulk_overlay *out)
{
	const struct bulk_list *base = invented(l->arena, list);
	bool any = base && base->n;
	struct bulk_overlay o;

	if (!base && base_in_force)
		base = base_in_force(base_ctx, l->arena, name, list->family);
	if (!base || !base->n || !strcmp(base->digest, list->digest))
		return;
	o = bulk_overlay(l->arena, base, list);
	if (any || is_little(&o))
		*out = o;
}

const struct bulk_sets *lower_bulk(struct lower *l, const struct bulk_list *list, const char *stem)
{
	const char *name = arena_printf(l->arena, "%s.v%d", stem, list->family);
	struct bulk_overlay o = {.base = list};
	struct bulk_sets *b;

	vec_each (&l->bulk, b)
		if (b->list == list)
			return b;
	b = vec_add(l->arena, &l->bulk);
	*b = (struct bulk_sets){.list = list};
	find_base(l, list, name, &o);
	make_sets(l, b, o.base, name);
	b->less = make_small(l, &o, BULK_LESS, list, name);
	b->more = make_small(l, &o, BULK_MORE, list, name);
	return b;
}

static void match_one_set(struct lower *l, struct ir_rule *r, enum field f,
			  const struct ir_set *set, bool negated)
{
	int bits = field_table[f].bits;

	match_set(l, r, f, set->name, negated);
	if (set->bulk->prefix && set->bulk->prefix < bits)
		r->stmts.v[r->stmts.n - 1].match.sel.mask[0] =
			u128_max(bits) & ~u128_max(bits - set->bulk->prefix);
}

/* In one of its sets and not in `less`, or in `more`; in none of them all, or in `less`. */
size_t bulk_ways(const struct bulk_sets *b, bool negated)
{
	return negated ? 1 + (b->less != NULL) : b->sets.n + (b->more != NULL);
}

void match_bulk(struct lower *l, struct ir_rule *r, enum field f, const struct alt *a)
{
	const struct bulk_sets *b = lower_bulk(l, a->bulk, a->stem);

	if (!a->negated && a->part < b->sets.n) {
		match_one_set(l, r, f, b->sets.v[a->part], false);
		if (b->less)
			match_one_set(l, r, f, b->less, true);
		return;
	}
	if (!a->negated) {
		match_one_set(l, r, f, b->more, false);
		return;
	}
	if (a->part)
		match_one_set(l, r, f, b->less, false);
	for (size_t i = 0; !a->part && i < b->sets.n; i++)
		match_one_set(l, r, f, b->sets.v[i], true);
	if (b->more)
		match_one_set(l, r, f, b->more, true);
}
