/* SPDX-License-Identifier: GPL-2.0-or-later
 * A list of very many addresses -> sets of the kernel: a fixed hash of single addresses; hashes of
 * prefixes, one for each length, which look-ups mask for; or else intervals.
 */
#include <string.h>

#include "nft/lower.h"
#include "util/bulk_split.h"

static const struct ir_set *bulk_set(struct lower *l, const struct bulk_list *elems, uint8_t prefix,
				     const struct bulk_list *of, const char *stem)
{
	struct ir_set *set = arena_new_of(l->arena, struct ir_set);
	struct ir_bulk *bulk = arena_new_of(l->arena, struct ir_bulk);
	bool six = elems->family == FAM_IP6;

	*bulk = (struct ir_bulk){.elems = elems, .prefix = prefix, .of = of->digest};
	*set = (struct ir_set){.stem = stem,
			       .nkeys = 1,
			       .keys = {six ? F_IP6_SADDR : F_IP_SADDR},
			       .interval = !prefix,
			       .size = prefix ? bulk_keys(bulk) : 0,
			       .bulk = bulk};
	return ruleset_seal_set(l->r, set);
}

/* A hash of all addresses takes two thirds of the memory of as many intervals, and is looked up in
 * a fraction of the time: it may have twice as many elements. */
static uint8_t prefix_for(const struct bulk_list *list)
{
	uint8_t bits = list->family == FAM_IP4 ? 32 : 128;

	return bulk_keys(&(struct ir_bulk){list, bits, NULL}) <= 2 * list->n ? bits : 0;
}

/* Hashes of prefixes where few lengths do, which are to have names that tell them apart; else one
 * set. */
static void make_sets(struct lower *l, struct bulk_sets *out, const char *stem)
{
	const struct bulk_list *list = out->list;
	const char *name = arena_printf(l->arena, "%s.v%d", stem, list->family);
	uint8_t prefix = prefix_for(list);
	struct bulk_split split = {0};

	if (!prefix)
		bulk_split(l->arena, list, &split);
	for (size_t i = 0; i < split.n; i++)
		vec_push(l->arena, &out->sets,
			 bulk_set(l, split.part[i], split.bits[i], list,
				  arena_printf(l->arena, "%s-%u", name, split.bits[i])));
	if (!split.n)
		vec_push(l->arena, &out->sets, bulk_set(l, list, prefix, list, name));
}

const struct bulk_sets *lower_bulk(struct lower *l, const struct bulk_list *list, const char *stem)
{
	struct bulk_sets *b;

	vec_each (&l->bulk, b)
		if (b->list == list)
			return b;
	b = vec_add(l->arena, &l->bulk);
	*b = (struct bulk_sets){.list = list};
	make_sets(l, b, stem);
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

void match_bulk(struct lower *l, struct ir_rule *r, enum field f, const struct alt *a)
{
	const struct bulk_sets *b = lower_bulk(l, a->bulk, a->stem);

	for (size_t i = 0; a->negated && i < b->sets.n; i++)
		match_one_set(l, r, f, b->sets.v[i], true);
	if (!a->negated)
		match_one_set(l, r, f, b->sets.v[a->part], false);
}
