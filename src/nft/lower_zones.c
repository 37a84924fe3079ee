/* SPDX-License-Identifier: GPL-2.0-or-later
 * Zones -> matches of interface names. Those of many zones are matched together: a statement that
 * names a hundred on both sides is a rule or two, and not one for each pair of them.
 */
#include "nft/lower.h"

#define FEW_NAMES 16 /* that a rule itself lists; more get a set of their own */
#define FEW_WILD 2 /* wildcards that are a rule each; more get a set of intervals */

struct names {
	struct ival *v;
	size_t n, cap;
};

static bool wildcard(struct ival v)
{
	return v.lo != v.hi;
}

static struct ival loopback_name(void)
{
	struct ival lo = {0};

	ifname_parse("lo", 2, &lo);
	return lo;
}

static bool lists(const struct place_list *zones, int zone)
{
	for (size_t i = 0; i < zones->n; i++)
		if (zones->v[i] == zone)
			return true;
	return false;
}

/* To nft what the routes say is a string, and no name of an interface as those in sets are. */
static bool fits_set(enum field f)
{
	return f != F_FIB_OIFNAME;
}

static bool joins(enum field f, const struct names *wild)
{
	return fits_set(f) && wild->n > FEW_WILD;
}

static void match_names(struct lower *l, struct ir_rule *r, enum field f,
			const struct names *names, bool negated)
{
	const struct ivset set = {.v = names->v, .n = names->n, .cap = names->n};
	struct ir_stmt *s;

	if (fits_set(f) && (names->n > FEW_NAMES || (names->n > 1 && wildcard(names->v[0])))) {
		match_set(l, r, f, named_set(l, f, &set, "interfaces"), negated);
		return;
	}
	s = rule_stmt(l, r, IR_MATCH);
	s->match.sel = (struct ir_sel){.n = 1, .f = {f}};
	s->match.op = negated ? OP_NE : OP_EQ;
	for (size_t i = 0; i < names->n; i++)
		vec_push(l->arena, &s->match.values, ((struct ir_elem){.key = {names->v[i]}}));
}

/* Exact names of other zones within these wildcards: they win. */
static void match_exceptions(struct lower *l, struct ir_rule *r, enum field f,
			     const struct place_list *zones, const struct names *wild)
{
	struct names but = {0};

	for (size_t z = 0; z < l->p->zones.n; z++) {
		const struct zone *other = &l->p->zones.v[z];

		for (size_t i = 0; !lists(zones, (int)z) && i < other->interfaces.n; i++) {
			struct ival name = other->interfaces.v[i].name;

			for (size_t k = 0; !wildcard(name) && k < wild->n; k++)
				if (name.lo >= wild->v[k].lo && name.lo <= wild->v[k].hi)
					vec_push(l->arena, &but, name);
		}
	}
	if (but.n)
		match_names(l, r, f, &but, true);
}

/* An interface that no zone names. */
static void match_unnamed(struct lower *l, struct ir_rules *out, const struct ir_rule *base,
			  enum field f)
{
	struct ir_rule r = rule_copy(l, base);
	struct names exact = {0}, wild = {0};

	if (f == F_IIFNAME) { /* and not none at all */
		match_one(l, &r, F_IIF, 0);
		r.stmts.v[r.stmts.n - 1].match.op = OP_NE;
	}
	for (size_t z = 0; z < l->p->zones.n; z++) {
		const struct zone *of = &l->p->zones.v[z];

		for (size_t i = 0; i < of->interfaces.n; i++) {
			struct ival name = of->interfaces.v[i].name;

			if (!ifname_is_other(name))
				vec_push(l->arena, wildcard(name) ? &wild : &exact, name);
		}
	}
	if (l->p->other >= 0)
		vec_push(l->arena, &exact, loopback_name());
	if (exact.n)
		match_names(l, &r, f, &exact, true);
	if (joins(f, &wild))
		match_names(l, &r, f, &wild, true);
	for (size_t i = 0; !joins(f, &wild) && i < wild.n; i++)
		match_names(l, &r, f, &(struct names){&wild.v[i], 1, 1}, true);
	vec_push(l->arena, out, r);
}

static void match_wild(struct lower *l, struct ir_rules *out, const struct ir_rule *base,
		       enum field f, const struct place_list *zones, const struct names *wild)
{
	struct ir_rule r = rule_copy(l, base);

	match_names(l, &r, f, wild, false);
	match_exceptions(l, &r, f, zones, wild);
	vec_push(l->arena, out, r);
}

void match_zones(struct lower *l, struct ir_rules *out, const struct ir_rule *base, enum field f,
		 const struct place_list *zones)
{
	struct names exact = {0}, wild = {0};

	for (size_t z = 0; z < zones->n; z++) {
		const struct zone *of = zones->v[z] < 0 ? NULL : &l->p->zones.v[zones->v[z]];

		if (!of && l->p->other >= 0) /* which has all names but this */
			vec_push(l->arena, &exact, loopback_name());
		if (zones->v[z] == l->p->other)
			match_unnamed(l, out, base, f);
		for (size_t i = 0; of && i < of->interfaces.n; i++) {
			struct ival name = of->interfaces.v[i].name;

			if (!ifname_is_other(name))
				vec_push(l->arena, wildcard(name) ? &wild : &exact, name);
		}
	}
	if (exact.n) {
		struct ir_rule r = rule_copy(l, base);

		match_names(l, &r, f, &exact, false);
		vec_push(l->arena, out, r);
	}
	if (joins(f, &wild))
		match_wild(l, out, base, f, zones, &wild);
	for (size_t i = 0; !joins(f, &wild) && i < wild.n; i++)
		match_wild(l, out, base, f, zones, &(struct names){&wild.v[i], 1, 1});
}

void match_zone(struct lower *l, struct ir_rules *out, const struct ir_rule *base, enum field f,
		int zone)
{
	match_zones(l, out, base, f, &(struct place_list){&zone, 1, 1});
}

/* ---- items that differ in their zones alone ---- */

static bool same_ivset(const struct ivset *x, const struct ivset *y)
{
	if (x->n != y->n)
		return false;
	for (size_t i = 0; i < x->n; i++)
		if (x->v[i].lo != y->v[i].lo || x->v[i].hi != y->v[i].hi)
			return false;
	return true;
}

bool addrs_alike(const struct addrs *x, const struct addrs *y)
{
	if (x->all || y->all)
		return x->all && y->all;
	return x->dyn == y->dyn && x->bulk4 == y->bulk4 && x->bulk6 == y->bulk6 &&
	       x->negated == y->negated && x->broadcast == y->broadcast && !x->suffixed.n &&
	       !y->suffixed.n && same_ivset(&x->v4, &y->v4) && same_ivset(&x->v6, &y->v6) &&
	       same_ivset(&x->macs, &y->macs);
}

/* Zones that are named, of which nothing is taken away. */
static bool is_named(const struct place_item *i)
{
	return !i->but.n && !i->has_iface && !item_is_self(i) &&
	       ((i->at == AT_ZONE && i->zone >= 0) || i->at == AT_GROUP);
}

static void add_zones(struct lower *l, struct place_list *to, const struct place_item *from)
{
	for (size_t i = 0; from->at == AT_GROUP && i < from->zones.n; i++)
		if (!lists(to, from->zones.v[i]))
			vec_push(l->arena, to, from->zones.v[i]);
	if (from->at == AT_ZONE && !lists(to, from->zone))
		vec_push(l->arena, to, from->zone);
}

/* The item with the zones of all behind it that say the same of addresses. */
static struct place_item join(struct lower *l, const struct endpoint *e, size_t first, bool *done)
{
	struct place_item item = e->items.v[first];
	struct place_list zones = {0};

	if (!is_named(&item))
		return item;
	for (size_t k = first; k < e->items.n; k++) {
		const struct place_item *other = &e->items.v[k];

		if (done[k] || !is_named(other) || !addrs_alike(&item.addrs, &other->addrs))
			continue;
		add_zones(l, &zones, other);
		done[k] = true;
		if (k == first)
			continue;
		item.at = AT_GROUP;
		item.zones = zones;
	}
	return item;
}

struct endpoint joined_zones(struct lower *l, const struct endpoint *e)
{
	struct endpoint out = {.span = e->span};
	bool *done = arena_alloc(l->work, e->items.n + 1);

	for (size_t i = 0; i < e->items.n; i++)
		if (!done[i])
			vec_push(l->arena, &out.items, join(l, e, i, done));
	return out;
}

void note_zones(struct lower *l)
{
	for (size_t z = 0; z < l->p->zones.n; z++) {
		const struct zone *from = &l->p->zones.v[z];
		struct ir_zone to = {.name = from->name};

		if (from->sub.is)
			continue;
		for (size_t i = 0; i < from->interfaces.n; i++)
			vec_push(l->arena, &to.interfaces, from->interfaces.v[i].name);
		vec_push(l->arena, &l->r->zones, to);
	}
}
