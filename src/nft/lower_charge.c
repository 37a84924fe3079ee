/* SPDX-License-Identifier: GPL-2.0-or-later
 * What a statement becomes -> whether it may. Zones, lists and ports multiply: a line can ask for
 * more than any kernel holds, and is refused as soon as that is plain, before the work is done.
 */
#include "nft/lower.h"

/* So many rules take some seconds to compile and load. */
#define RULES_OF_ONE 100000
#define ELEMS_OF_ONE 1000000
#define RULES_OF_ALL 250000
#define ELEMS_OF_ALL 2000000
#define PORTS_MIN 10000 /* elements, and ... */
#define PAIRS_MIN 10000 /* ... pairs of items, that are worth to be foreseen */

struct charge { /* of one statement */
	struct span at;
	uint64_t rules, elems;
	uint64_t foreseen, foreseen_elems; /* what it will be at least */
};

struct ledger {
	struct charge *slots; /* a hash by place; rules and elems 0: free */
	size_t used, nslots;
	struct charge all;
	VEC(uint64_t) port_sets; /* what was foreseen, by the number of elements */
	bool refused;
};

static size_t slot_of(const struct ledger *g, struct span at)
{
	size_t i = ((uintptr_t)at.src >> 4 ^ (uint64_t)at.off * 2654435761u) & (g->nslots - 1);

	while (g->slots[i].at.src && (g->slots[i].at.src != at.src || g->slots[i].at.off != at.off))
		i = (i + 1) & (g->nslots - 1);
	return i;
}

static void more_slots(struct lower *l, struct ledger *g)
{
	struct ledger old = *g;

	g->nslots = old.nslots ? 2 * old.nslots : 256;
	g->slots = arena_alloc(l->work, g->nslots * sizeof(*g->slots));
	for (size_t i = 0; i < old.nslots; i++)
		if (old.slots[i].at.src)
			g->slots[slot_of(g, old.slots[i].at)] = old.slots[i];
}

static struct ledger *ledger_of(struct lower *l)
{
	if (!l->ledger)
		l->ledger = arena_new_of(l->work, struct ledger);
	return l->ledger;
}

/* Until the next is charged. */
static struct charge *charge_of(struct lower *l, struct span at)
{
	struct ledger *g = ledger_of(l);
	struct charge *c;

	if (2 * g->used >= g->nslots)
		more_slots(l, g);
	c = &g->slots[slot_of(g, at)];
	g->used += !c->at.src;
	c->at = at;
	return c;
}

/* ---- refusals ---- */

/* "1,234,567" */
static const char *counted(struct lower *l, uint64_t n)
{
	if (n < 1000)
		return arena_printf(l->arena, "%u", (unsigned)n);
	return arena_printf(l->arena, "%s,%03u", counted(l, n / 1000), (unsigned)(n % 1000));
}

/* To the end, or as far as it came. */
static const char *counted_up(struct lower *l, uint64_t n, bool whole)
{
	return whole ? counted(l, n) : arena_printf(l->arena, "at least %s", counted(l, n));
}

/* One statement: too many rules, or too many elements. */
static void refuse(struct lower *l, struct span at, uint64_t n, bool whole, bool rules)
{
	struct diag_record *r = diag_error(
		l->diag, at, "this would become %s %s in the kernel; one statement may become %s",
		counted_up(l, n, whole), rules ? "rules" : "elements of sets",
		counted(l, rules ? RULES_OF_ONE : ELEMS_OF_ONE));

	ledger_of(l)->refused = true;
	diag_hint(l->diag, r, "%s",
		  rules ? "each item before the arrow is combined with each behind it: put "
			  "addresses into one set, zones into one group"
			: "each range of one list is combined with each of the other: write fewer "
			  "and larger ranges");
}

static uint64_t costs(const struct charge *c, bool rules)
{
	if (!rules)
		return c->elems > c->foreseen_elems ? c->elems : c->foreseen_elems;
	return c->rules > c->foreseen ? c->rules : c->foreseen;
}

/* Of several the first one. */
static const struct charge *largest(const struct ledger *g, bool rules)
{
	const struct charge *most = NULL;

	for (size_t i = 0; i < g->nslots; i++) {
		const struct charge *c = &g->slots[i];

		if (c->at.src && (!most || costs(c, rules) > costs(most, rules) ||
				  (costs(c, rules) == costs(most, rules) &&
				   span_line(c->at) < span_line(most->at))))
			most = c;
	}
	return most;
}

static void refuse_all(struct lower *l, bool rules)
{
	const struct charge *most = largest(ledger_of(l), rules);
	struct span at = most ? most->at : l->at;
	struct diag_record *r;

	ledger_of(l)->refused = true;
	if (rules)
		r = diag_error(l->diag, at,
			       "the policy would become more than %s rules in the kernel, %s of "
			       "them by this statement",
			       counted(l, RULES_OF_ALL), counted(l, most ? costs(most, true) : 0));
	else
		r = diag_error(l->diag, at,
			       "the policy would become more than %s elements of sets in the "
			       "kernel, %s of them by this statement",
			       counted(l, ELEMS_OF_ALL), counted(l, most ? costs(most, false) : 0));
	diag_hint(l->diag, r,
		  "begin with this one: write what it names as one set or group, and lists as "
		  "fewer ranges");
}

/* ---- charges ---- */

bool lower_charge(struct lower *l, struct span at, size_t rules, size_t elems)
{
	struct ledger *g = ledger_of(l);
	struct charge *c = at.src ? charge_of(l, at) : NULL;

	if (g->refused)
		return false;
	g->all.rules += rules;
	g->all.elems += elems;
	if (c) {
		c->rules += rules;
		c->elems += elems;
	}
	if (c && c->rules > RULES_OF_ONE)
		refuse(l, at, c->rules, false, true);
	else if (c && c->elems > ELEMS_OF_ONE)
		refuse(l, at, c->elems, false, false);
	else if (g->all.rules > RULES_OF_ALL || g->all.elems > ELEMS_OF_ALL)
		refuse_all(l, g->all.rules > RULES_OF_ALL);
	return !g->refused;
}

struct ir_set *lower_seal(struct lower *l, struct ir_set *s)
{
	size_t before = l->r->sets.n, n = s->elems.n;
	struct ir_set *sealed = ruleset_seal_set(l->r, s);
	const struct ir_elem *e;

	if (l->r->sets.n == before) /* there was one like it */
		return sealed;
	if (n && !s->elems.v[0].at.src)
		lower_charge(l, l->at, 0, n);
	else
		vec_each (&s->elems, e)
			lower_charge(l, e->at, 0, 1);
	return sealed;
}

bool lower_elems(struct lower *l, uint64_t n)
{
	if (!ledger_of(l)->refused && n > ELEMS_OF_ONE)
		refuse(l, l->at, n, true, false);
	return !ledger_of(l)->refused;
}

bool lower_goes_on(struct lower *l, size_t n)
{
	if (!ledger_of(l)->refused && n > RULES_OF_ONE)
		refuse(l, l->at, n, false, true);
	return !ledger_of(l)->refused;
}

bool lower_product(struct lower *l, struct span at, size_t n, size_t m)
{
	bool whole;
	uint64_t all;

	if (__builtin_mul_overflow((uint64_t)n, (uint64_t)m, &all))
		all = UINT64_MAX / 2;
	whole = all > RULES_OF_ONE;
	if (at.src)
		all += charge_of(l, at)->rules;
	if (!ledger_of(l)->refused && all > RULES_OF_ONE)
		refuse(l, at, all, whole, true);
	return !ledger_of(l)->refused;
}

static size_t items_of(const struct endpoint *e, enum family fam)
{
	const struct place_item *i;
	size_t n = 0;

	vec_each (&e->items, i)
		n += addrs_any(&i->addrs, fam) || i->addrs.macs.n ||
		     (fam == FAM_IP6 && i->addrs.suffixed.n);
	return n;
}

bool lower_affords(struct lower *l, struct span at, const struct endpoint *from,
		   const struct endpoint *to)
{
	for (int f = 0; f < 2; f++) {
		enum family fam = f ? FAM_IP6 : FAM_IP4;

		if (!lower_product(l, at, items_of(from, fam), items_of(to, fam)))
			return false;
	}
	return true;
}

/* ---- before anything is lowered ---- */

/* Places where something of the rule's side holds: each may need chains of its own, unless its
 * items say the same. */
static size_t places_of(struct lower *l, const struct endpoint *e)
{
	size_t n = 0;

	for (int k = 0; k < place_end(l->p); k++) {
		bool holds = false;

		for (size_t i = 0; i < e->items.n && !holds; i++)
			holds = item_at(&e->items.v[i], k);
		n += holds && place_is(l->p, k);
	}
	return n;
}

static size_t unlike(struct lower *l, size_t rule, const struct endpoint *e, bool to)
{
	const uint32_t *first = first_alike(l, rule, e, to);
	size_t n = 0;

	for (uint32_t i = 0; i < e->items.n; i++)
		n += first[i] == i;
	return n;
}

/* Each pair of places is a chain, where the rule does not say the same of them all. */
static uint64_t chains_of(struct lower *l, size_t i)
{
	const struct rule *rule = &l->p->rules.v[i];
	size_t from, to, places;

	if (rule->from.items.n * rule->to.items.n <= RULES_OF_ONE)
		return 0;
	from = unlike(l, i, &rule->from, false);
	to = unlike(l, i, &rule->to, true);
	places = places_of(l, &rule->from);
	from = from < places ? from : places;
	places = places_of(l, &rule->to);
	return (uint64_t)from * (to < places ? to : places);
}

/* Sets that are looked up by themselves never are one. */
static size_t apart(const struct endpoint *e, enum family fam)
{
	const struct place_item *i;
	size_t n = 0;

	vec_each (&e->items, i)
		n += i->addrs.dyn ? dynset_parts(i->addrs.dyn) : addrs_bulk(&i->addrs, fam) != NULL;
	return n;
}

static size_t count_items(const struct endpoint *e, enum family fam, bool alone)
{
	return alone ? apart(e, fam) : items_of(e, fam);
}

/* As many rules as the services take; `alone`: of items that never are one with others. */
static uint64_t pairs_of(struct lower *l, const struct endpoint *from, const struct endpoint *to,
			 enum family only, bool alone, const struct services *services)
{
	uint64_t n = 0;

	for (int f = 0; f < 2; f++) {
		enum family fam = f ? FAM_IP6 : FAM_IP4;
		uint64_t pairs =
			(uint64_t)count_items(from, fam, alone) * count_items(to, fam, alone);
		struct ir_rules out = {0};

		if (only && only != fam)
			continue;
		if (services && pairs >= PAIRS_MIN)
			match_services(l, &out, &(struct ir_rule){0}, services, fam);
		n += out.n > 1 ? pairs * out.n : pairs;
	}
	return n;
}

static void foresee(struct lower *l, struct span at, uint64_t rules)
{
	struct charge *c = charge_of(l, at);

	c->foreseen += rules;
	l->ledger->all.foreseen += rules;
	if (!l->ledger->refused && c->foreseen > RULES_OF_ONE)
		refuse(l, at, c->foreseen, true, true);
}

/* Ports by source ports, of several protocols, are one set; of two rules with as many it may be the
 * same. */
static void foresee_ports(struct lower *l, const struct rule *rule)
{
	struct ledger *g = ledger_of(l);
	const uint64_t *known;
	const struct sourced *x;
	uint64_t n = 0;

	vec_each (&rule->services.sourced, x)
		n += (uint64_t)x->from.n * x->to.n;
	vec_each (&g->port_sets, known)
		if (*known == n)
			return;
	if (rule->services.sourced.n < 2 || n < PORTS_MIN)
		return;
	vec_push(l->work, &g->port_sets, n);
	charge_of(l, rule->span)->foreseen_elems += n;
	g->all.foreseen_elems += n;
	if (!g->refused && n > ELEMS_OF_ONE)
		refuse(l, rule->span, n, true, false);
}

static void foresee_rule(struct lower *l, size_t i)
{
	const struct rule *rule = &l->p->rules.v[i];
	uint64_t sets = pairs_of(l, &rule->from, &rule->to, rule->q.family, true,
				 rule->published ? NULL : &rule->services);
	uint64_t chains = chains_of(l, i);

	if (rule->q.absent)
		return;
	foresee_ports(l, rule);
	if (sets + chains)
		foresee(l, rule->span, sets > chains ? sets : chains);
}

/* Statements that are a list: each item of one side with each of the other. */
static void foresee_list(struct lower *l, struct span at, const struct endpoint *from,
			 const struct endpoint *to, enum family only,
			 const struct services *services)
{
	struct endpoint x = joined_zones(l, from), y = joined_zones(l, to);

	foresee(l, at, pairs_of(l, &x, &y, only, false, services));
}

static void foresee_lists(struct lower *l)
{
	const struct nat *n;
	const struct clamp *k;
	const struct untracked *u;

	vec_each (&l->p->nats, n)
		if (n->kind == NAT_SNAT || n->kind == NAT_MASQUERADE)
			foresee_list(l, n->span, &n->from, &n->to, n->family, &n->services);
	vec_each (&l->p->clamps, k)
		foresee_list(l, k->span, &k->from, &k->to, FAM_NONE, NULL);
	vec_each (&l->p->untracked, u)
		foresee_list(l, u->span, &u->there.from, &u->there.to, u->there.q.family,
			     &u->there.services);
}

/* From each zone that a rule lets something out of there is a look-up of all interfaces. */
static void foresee_dispatch(struct lower *l)
{
	size_t names = 0, from = 0;
	const struct zone *z;
	const struct rule *r;
	struct diag_record *rec;

	vec_each (&l->p->zones, z)
		names += z->interfaces.n;
	if (l->p->zones.n * names <= ELEMS_OF_ALL)
		return;
	for (int k = 0; k < (int)l->p->zones.n; k++) {
		bool any = false;

		vec_each (&l->p->rules, r)
			for (size_t i = 0; i < r->from.items.n && !any; i++)
				any = item_has(&r->from.items.v[i], k);
		from += any && l->p->zones.v[k].interfaces.n;
	}
	if (from * names <= ELEMS_OF_ALL)
		return;
	ledger_of(l)->refused = true;
	z = &l->p->zones.v[l->p->zones.n - 1];
	rec = diag_error(l->diag, z->span,
			 "%s zones with rules, and %s interfaces to which each may send, would "
			 "become %s elements of sets in the kernel; a policy may become %s",
			 counted(l, from), counted(l, names), counted(l, from * names),
			 counted(l, ELEMS_OF_ALL));
	diag_hint(l->diag, rec,
		  "put interfaces that are treated alike into one zone, by a wildcard: interface "
		  "tap*");
}

bool lower_foresee(struct lower *l)
{
	for (size_t i = 0; i < l->p->rules.n; i++)
		foresee_rule(l, i);
	foresee_lists(l);
	foresee_dispatch(l);
	if (!ledger_of(l)->refused && l->ledger->all.foreseen > RULES_OF_ALL)
		refuse_all(l, true);
	if (!l->ledger->refused && l->ledger->all.foreseen_elems > ELEMS_OF_ALL)
		refuse_all(l, false);
	return !ledger_of(l)->refused;
}
