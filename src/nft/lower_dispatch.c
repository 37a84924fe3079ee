/* SPDX-License-Identifier: GPL-2.0-or-later
 * Chains by place -> look-ups by interface name that lead to them.
 *
 * Exact names are looked up before wildcards, so they win; what misses both is of an interface in
 * no zone, and meets the rules that stand behind the look-ups.
 */
#include "nft/lower.h"
#include "util/progress.h"

struct looked_up { /* interface name -> chain */
	struct ir_set *exact, *wild;
	bool used;
};

static struct ir_set *new_map(struct lower *l, const char *stem, bool wild)
{
	struct ir_set *s = arena_new_of(l->arena, struct ir_set);

	*s = (struct ir_set){
		.stem = stem, .is_map = true, .nkeys = 1, .keys = {F_IIFNAME}, .interval = wild};
	return s;
}

static bool is_wild(struct ival name)
{
	return name.lo != name.hi;
}

static void find_wild(struct lower *l)
{
	const struct zone *z;

	vec_each (&l->p->zones, z)
		for (size_t i = 0; i < z->interfaces.n; i++)
			if (is_wild(z->interfaces.v[i].name))
				vec_push(l->work, &l->wild, z->interfaces.v[i].name);
	l->wild_known = true;
}

/* Whether what misses that name may be taken for another zone's by a wildcard. */
static bool is_covered(struct lower *l, struct ival name)
{
	if (!l->wild_known)
		find_wild(l);
	for (size_t i = 0; i < l->wild.n; i++)
		if (l->wild.v[i].lo <= name.lo && name.hi <= l->wild.v[i].hi)
			return true;
	return false;
}

/* No rule speaks of the pair. Even then the name is in the map, as it must not fall through to a
 * wildcard of another zone, nor to the rules for interfaces that no zone names; where there are
 * neither, what misses comes to the same, and of many zones nearly all names would do nothing. */
static bool may_miss(struct lower *l, const struct dispatch *d, struct ival name)
{
	return d->last && !d->rest->rules.n && l->p->zones.n >= ZONES_MIN && !is_wild(name) &&
	       !is_covered(l, name);
}

static void put_name(struct lower *l, const struct dispatch *d, struct looked_up *to,
		     struct ival name, const char *chain)
{
	struct ir_elem e = {.key = {name}, .verdict = {V_GOTO, chain}};

	if (!chain && may_miss(l, d, name))
		return;
	if (!chain)
		e.verdict = (struct ir_verdict){.kind = V_RETURN};
	else
		to->used = true;
	vec_push(l->arena, is_wild(name) ? &to->wild->elems : &to->exact->elems, e);
}

static void put_zone(struct lower *l, const struct dispatch *d, struct looked_up *to, int zone)
{
	const struct zone *z = &l->p->zones.v[zone];
	const char *chain = d->chain_of(l, zone, d->end);

	for (size_t i = 0; i < z->interfaces.n; i++)
		if (!ifname_is_other(z->interfaces.v[i].name))
			put_name(l, d, to, z->interfaces.v[i].name, chain);
}

/* Whether the zone is nothing but what no zone names: that is behind the look-ups. */
static bool is_rest(const struct lower *l, size_t z)
{
	return (int)z == l->p->other && l->p->zones.v[z].interfaces.n == 1;
}

static void push_vmap(struct lower *l, struct ir_chain *c, enum field f, struct ir_set *map)
{
	struct ir_rule r = {0};
	struct ir_stmt *s;

	if (!map->elems.n || !lower_charge(l, (struct span){0}, 0, map->elems.n))
		return;
	if (!map->interval)
		map->size = (uint32_t)map->elems.n;
	s = rule_stmt(l, &r, IR_VMAP);
	s->vmap.sel = (struct ir_sel){.n = 1, .f = {f}};
	s->vmap.map = ruleset_seal_set(l->r, map)->name;
	chain_push(l, c, r);
}

void lower_dispatch(struct lower *l, struct ir_chain *c, const struct dispatch *d)
{
	struct looked_up to = {
		.exact = new_map(l, d->stem, false),
		.wild = new_map(l, arena_printf(l->arena, "%s-wild", d->stem), true)};

	for (size_t z = 0; z < l->p->zones.n; z++) {
		progress_tick();
		if (!is_rest(l, z) && !l->p->zones.v[z].sub.is)
			put_zone(l, d, &to, (int)z);
	}
	if (l->p->other >= 0) { /* which has all names but this */
		struct ival lo = {0};

		ifname_parse("lo", 2, &lo);
		put_name(l, d, &to, lo, d->chain_of(l, PLACE_OTHER, d->end));
	}
	if (to.used || d->rest->rules.n) {
		push_vmap(l, c, d->f, to.exact);
		push_vmap(l, c, d->f, to.wild);
	}
	for (size_t i = 0; i < d->rest->rules.n; i++)
		chain_push(l, c, d->rest->rules.v[i]);
}
