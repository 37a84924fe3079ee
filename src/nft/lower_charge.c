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

struct charge { /* of one statement */
	struct span at;
	uint64_t rules, elems;
};

struct ledger {
	struct charge *slots; /* a hash by place; rules and elems 0: free */
	size_t used, nslots;
	struct charge all;
	bool refused;
};

static size_t slot_of(const struct ledger *g, struct span at)
{
	size_t i = ((uintptr_t)at.src >> 4 ^ (uint64_t)at.off * 2654435761u) & (g->nslots - 1);

	while (g->slots[i].at.src &&
	       (g->slots[i].at.src != at.src || g->slots[i].at.off != at.off))
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

/* n 0: it was not counted to the end. */
static void refuse_rules(struct lower *l, struct span at, uint64_t n)
{
	struct diag_record *r;

	ledger_of(l)->refused = true;
	if (n)
		r = diag_error(l->diag, at,
			       "this would become %s rules in the kernel; one statement may become "
			       "%s",
			       counted(l, n), counted(l, RULES_OF_ONE));
	else
		r = diag_error(l->diag, at,
			       "this would become more rules in the kernel than the %s that one "
			       "statement may",
			       counted(l, RULES_OF_ONE));
	diag_hint(l->diag, r,
		  "each item before the arrow is combined with each behind it: put addresses into "
		  "one set, zones into one group");
}

static void refuse_elems(struct lower *l, struct span at)
{
	struct diag_record *r = diag_error(
		l->diag, at,
		"this would become more elements of sets in the kernel than the %s that one "
		"statement may",
		counted(l, ELEMS_OF_ONE));

	ledger_of(l)->refused = true;
	diag_hint(l->diag, r,
		  "each range of one list is combined with each of the other: write fewer and "
		  "larger ranges");
}

static const struct charge *largest(const struct ledger *g, bool rules)
{
	const struct charge *most = NULL;

	for (size_t i = 0; i < g->nslots; i++) {
		const struct charge *c = &g->slots[i];

		if (c->at.src && (!most || (rules ? c->rules > most->rules
						  : c->elems > most->elems)))
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
			       counted(l, RULES_OF_ALL), counted(l, most ? most->rules : 0));
	else
		r = diag_error(l->diag, at,
			       "the policy would become more than %s elements of sets in the "
			       "kernel, %s of them by this statement",
			       counted(l, ELEMS_OF_ALL), counted(l, most ? most->elems : 0));
	diag_hint(l->diag, r, "begin here: name fewer zones at once, or let rules share a set");
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
		refuse_rules(l, at, 0);
	else if (c && c->elems > ELEMS_OF_ONE)
		refuse_elems(l, at);
	else if (g->all.rules > RULES_OF_ALL || g->all.elems > ELEMS_OF_ALL)
		refuse_all(l, g->all.rules > RULES_OF_ALL);
	return !g->refused;
}

bool lower_goes_on(struct lower *l, size_t n)
{
	if (!ledger_of(l)->refused && n > RULES_OF_ONE)
		refuse_rules(l, l->at, 0);
	return !ledger_of(l)->refused;
}

bool lower_product(struct lower *l, struct span at, size_t n, size_t m)
{
	uint64_t all;

	if (__builtin_mul_overflow((uint64_t)n, (uint64_t)m, &all))
		all = UINT64_MAX;
	if (!ledger_of(l)->refused && all > RULES_OF_ONE)
		refuse_rules(l, at, all);
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
static void foresee_rule(struct lower *l, size_t i)
{
	const struct rule *rule = &l->p->rules.v[i];
	size_t from, to;

	if (rule->q.absent || rule->from.items.n * rule->to.items.n <= RULES_OF_ONE)
		return;
	from = unlike(l, i, &rule->from, false);
	to = unlike(l, i, &rule->to, true);
	if (from * to <= RULES_OF_ONE)
		return;
	if (from > places_of(l, &rule->from))
		from = places_of(l, &rule->from);
	if (to > places_of(l, &rule->to))
		to = places_of(l, &rule->to);
	lower_product(l, rule->span, from, to);
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
	foresee_dispatch(l);
	return !ledger_of(l)->refused;
}
