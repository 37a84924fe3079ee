/* SPDX-License-Identifier: GPL-2.0-or-later
 * Queries -> legs.
 */
#include "space/journey.h"

#include <linux/rtnetlink.h>
#include <stdlib.h>

#include "policy/routing.h"

#define STATUS_DST_NAT 32 /* IPS_DST_NAT */

static dd_ref types_of(struct mean *m, const uint8_t *types, size_t n)
{
	dd_ref all = DD_FALSE;

	for (size_t i = 0; i < n; i++)
		all = dd_or(m->dd, all, schema_one(&m->schema, DIM_FIB_DADDR, types[i]));
	return all;
}

dd_ref journey_among(struct mean *m, struct ivset v4, struct ivset v6)
{
	return dd_or(m->dd, schema_addrs(&m->schema, DIM_DADDR, FAM_IP4, &v4),
		     schema_addrs(&m->schema, DIM_DADDR, FAM_IP6, &v6));
}

static dd_ref staying(struct mean *m, bool out)
{
	return journey_among(m, routing_stays(m->arena, FAM_IP4, out),
		     routing_stays(m->arena, FAM_IP6, out));
}

/* What `self` is as a destination: an address of this machine; where the question names addresses,
 * broadcast and multicast among them as well. */
static dd_ref here(struct mean *m, const struct policy *p, const struct place_item *item)
{
	dd_ref types = schema_one(&m->schema, DIM_FIB_DADDR, RTN_LOCAL), all;

	if (item->addrs.all)
		return journey_own(m, p, NULL);
	all = dd_and(m->dd, schema_one(&m->schema, DIM_FIB_DADDR, RTN_BROADCAST),
		     journey_among(m, routing_broadcasts(m->arena, p), (struct ivset){0}));
	types = dd_or(m->dd, types, schema_one(&m->schema, DIM_FIB_DADDR, RTN_MULTICAST));
	return dd_or(m->dd, types, all);
}

/* What others are as a destination; a subnet's broadcast is sent on where bc_forwarding says so. */
static dd_ref others(struct mean *m, bool from_self)
{
	static const uint8_t types[] = {RTN_UNICAST, RTN_MULTICAST, RTN_BROADCAST};
	dd_ref v6 = schema_family(&m->schema, FAM_IP6), to = types_of(m, types, 3);

	to = dd_and(m->dd, to, dd_not(m->dd, staying(m, from_self)));
	return dd_and(m->dd, to, dd_not(m->dd, dd_and(m->dd, v6, types_of(m, types + 2, 1))));
}

static dd_ref side(struct mean *m, const struct policy *p, const struct endpoint *e, bool self,
		   enum dim place, enum dim addr)
{
	dd_ref all = DD_FALSE, there = DD_TRUE;

	for (size_t i = 0; i < e->items.n; i++) {
		const struct place_item *item = &e->items.v[i];

		if (self ? !item_has(item, PLACE_SELF) : item_is_self(item))
			continue;
		if (!self)
			there = mean_place(m, p, item, place);
		else if (addr == DIM_DADDR)
			there = here(m, p, item);
		else
			there = mean_sent(m, p, item);
		all = dd_or(m->dd, all, dd_and(m->dd, there, mean_addrs(m, &item->addrs, addr)));
	}
	return all;
}

static dd_ref no_loopback(struct mean *m)
{
	return dd_and(m->dd, dd_not(m->dd, schema_loopback(&m->schema, DIM_IIF)),
		      dd_not(m->dd, schema_loopback(&m->schema, DIM_OIF)));
}

static dd_ref plain_state(struct mean *m)
{
	return dd_and(m->dd, mean_opens(m), schema_one(&m->schema, DIM_CT_STATUS, 0));
}

/* What a question says behind its ends. */
static dd_ref asked(struct mean *m, const struct rule *q)
{
	return dd_and(m->dd,
		      q->published ? mean_published(m, &q->services)
				   : mean_services(m, &q->services),
		      mean_words(m, &q->q));
}

/* Between the ends of the question, whatever was called there. */
static dd_ref between(struct mean *m, const struct policy *p, const struct rule *q, bool from_self,
		      bool to_self)
{
	struct dd *d = m->dd;
	dd_ref from = side(m, p, &q->from, from_self, DIM_IIF, DIM_SADDR);
	dd_ref to = side(m, p, &q->to, to_self, DIM_OIF, DIM_DADDR);
	dd_ref r = dd_and(d, from, to);

	if (!to_self)
		r = dd_and(d, r, others(m, from_self));
	return dd_and(d, r, no_loopback(m));
}

static dd_ref region(struct mean *m, const struct policy *p, const struct rule *q, bool from_self,
		     bool to_self)
{
	struct dd *d = m->dd;
	enum station at = from_self ? AT_OUTPUT : to_self ? AT_INPUT : AT_FORWARD;
	dd_ref r = dd_and(d, between(m, p, q, from_self, to_self), asked(m, q));

	r = dd_and(d, dd_and(d, r, plain_state(m)), schema_possible(&m->schema, at));
	return mean_by_routes(m, p, r, at);
}

/* The same of what others have translated, as it is behind that: of a question that asks for it, or
 * of any where some rule goes by that. */
static dd_ref published(struct mean *m, const struct policy *p, const struct rule *q,
			const struct numbers *near, enum station at)
{
	struct dd *d = m->dd;
	bool from_self = at == AT_OUTPUT || at == AT_POSTROUTING;
	dd_ref r = between(m, p, q, from_self, at == AT_INPUT), any = DD_FALSE;

	r = dd_and(d, r, schema_one(&m->schema, DIM_CT_STATUS, STATUS_DST_NAT));
	r = dd_and(d, dd_and(d, r, mean_opens(m)), schema_possible(&m->schema, at));
	if (from_self) /* not what is forwarded, which postrouting sees, too */
		r = dd_and(d, r, schema_possible(&m->schema, AT_OUTPUT));
	r = dd_and(d, r, asked(m, q));
	if (q->published)
		return r;
	for (size_t i = 0; i < near->n; i++) {
		const struct rule *rule = &p->rules.v[near->v[i]];

		if (rule->published)
			any = dd_or(d, any, mean_rule_match(m, p, rule, at));
	}
	return dd_and(d, r, any);
}

/* ---- translation ---- */

static dd_ref forget(struct mean *m, dd_ref r, enum dim d)
{
	return dd_some(m->dd, r, dim_table[d].first, dim_table[d].bits);
}

static bool is_own(const struct leg *leg)
{
	return leg->at == AT_OUTPUT || leg->at == AT_POSTROUTING;
}

/* Ports that the region does not tell from each other, together. */
static dd_ref shifted(struct mean *m, dd_ref r, struct ival called, u128 to)
{
	struct dd *d = m->dd;
	struct ival there = {to, to + called.hi - called.lo};
	dd_ref here = schema_ranges(&m->schema, DIM_DPORT, 16, &called, 1, UINT16_MAX, DD_TRUE);
	dd_ref any;
	u128 middle = called.lo + (called.hi - called.lo) / 2;

	r = dd_and(d, r, here);
	any = forget(m, r, DIM_DPORT);
	if (r == DD_FALSE || r == DD_EXHAUSTED)
		return r;
	if (dd_and(d, any, here) == r)
		return dd_and(
			d, any,
			schema_ranges(&m->schema, DIM_DPORT, 16, &there, 1, UINT16_MAX, DD_TRUE));
	return dd_or(
		d, shifted(m, r, (struct ival){called.lo, middle}, to),
		shifted(m, r, (struct ival){middle + 1, called.hi}, to + middle + 1 - called.lo));
}

static int by_port(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

struct cuts { /* where a range of ports begins, or one before it has ended */
	struct mean *m;
	int *v;
	size_t n, cap;
};

static void cut_at(struct cuts *out, const struct ivset *ports)
{
	for (size_t i = 0; i < ports->n; i++) {
		vec_push(out->m->arena, out, (int)ports->v[i].lo);
		vec_push(out->m->arena, out, (int)ports->v[i].hi + 1);
	}
}

/* The port that they call is the one that they were opened to: told as far as rules ask for it, by
 * what lies between the ends of their ranges. */
static dd_ref called(struct mean *m, const struct policy *p, dd_ref r)
{
	struct cuts cuts = {.m = m};
	const struct rule *rule;
	dd_ref all = DD_FALSE;

	if (!policy_publishes(p))
		return r;
	cut_at(&cuts, &(struct ivset){.v = &(struct ival){0, 65535}, .n = 1});
	vec_each (&p->rules, rule) {
		for (int i = 0; rule->published && i < PORT_PROTOCOLS; i++)
			cut_at(&cuts, &rule->services.ports[i]);
		for (size_t i = 0; rule->published && i < rule->services.sourced.n; i++)
			cut_at(&cuts, &rule->services.sourced.v[i].to);
	}
	qsort(cuts.v, cuts.n, sizeof(*cuts.v), by_port);
	r = forget(m, r, DIM_CALLED);
	for (size_t i = 0; i + 1 < cuts.n; i++) {
		struct ival v = {(u128)cuts.v[i], (u128)cuts.v[i + 1] - 1};
		dd_ref part = r;

		if (cuts.v[i] == cuts.v[i + 1])
			continue;
		part = dd_and(
			m->dd, part,
			schema_ranges(&m->schema, DIM_DPORT, 16, &v, 1, u128_max(16), DD_TRUE));
		part = dd_and(
			m->dd, part,
			schema_ranges(&m->schema, DIM_CALLED, 16, &v, 1, u128_max(16), DD_TRUE));
		all = dd_or(m->dd, all, part);
	}
	return all;
}

/* The kernel calls translated what has another destination than before. (What this machine sends is
 * judged as if that were so of all that the statement is about.) */
static dd_ref with_status(struct mean *m, const struct leg *leg, dd_ref r)
{
	struct ivset addr = ivset_one(m->arena, leg->addr, leg->addr);
	dd_ref same = leg->has_addr && !is_own(leg) && !leg->nat->prefix ? DD_TRUE : DD_FALSE;
	dd_ref changed;

	if (same == DD_TRUE)
		same = schema_addrs(&m->schema, DIM_DADDR, leg->family, &addr);
	if (leg->nat->called && leg->nat->called != leg->port)
		same = DD_FALSE;
	else if (leg->port && !leg->nat->called)
		same = dd_and(m->dd, same, schema_one(&m->schema, DIM_DPORT, leg->port));
	changed = dd_and(m->dd, forget(m, r, DIM_CT_STATUS), dd_not(m->dd, same));
	changed = dd_and(m->dd, changed, schema_one(&m->schema, DIM_CT_STATUS, STATUS_DST_NAT));
	return dd_or(m->dd, changed, dd_and(m->dd, r, same));
}

/* Of the destination; those behind them are kept. */
static int rewritten_bits(const struct leg *leg)
{
	const struct nat *n = leg->nat;

	if (!n->prefix)
		return dim_table[DIM_DADDR].bits;
	return ival_prefixlen((leg->family == FAM_IP6 ? &n->to6 : &n->to4)->to.v[0],
			      leg->family == FAM_IP6 ? 128 : 32);
}

/* The packets of leg->arrival as they are behind the translation; those that go on go to `zones`.
 */
static dd_ref rewritten(struct mean *m, const struct policy *p, const struct leg *leg,
			const struct routing_zones *zones)
{
	static const enum dim changed[] = {DIM_OIF, DIM_FIB_DADDR, DIM_FIB_DADDR_IIF, DIM_RT_IPSEC};
	struct dd *d = m->dd;
	dd_ref r = leg->there, out = DD_FALSE, lo = schema_loopback(&m->schema, DIM_OIF);
	struct ivset addr = ivset_one(m->arena, leg->mapped.lo, leg->mapped.hi);

	r = with_status(m, leg, r);
	for (size_t i = 0; i < sizeof(changed) / sizeof(changed[0]); i++)
		r = forget(m, r, changed[i]);
	r = dd_some(d, r, dim_table[DIM_DADDR].first, rewritten_bits(leg));
	r = schema_forget_lists(&m->schema, r, DIM_DADDR);
	r = called(m, p, r);
	if (leg->nat->called) {
		r = shifted(m, r, (struct ival){leg->nat->called, leg->nat->called_last},
			    leg->port);
	} else if (leg->port) {
		r = forget(m, r, DIM_DPORT);
		r = dd_and(d, r, schema_one(&m->schema, DIM_DPORT, leg->port));
	}
	if (leg->has_addr)
		r = dd_and(d, r, schema_addrs(&m->schema, DIM_DADDR, leg->family, &addr));
	r = dd_and(d, r,
		   schema_one(&m->schema, DIM_FIB_DADDR, leg->local ? RTN_LOCAL : RTN_UNICAST));
	for (size_t i = 0; i < zones->n; i++)
		out = dd_or(d, out, mean_zone(m, p, zones->v[i], DIM_OIF));
	if (leg->at != AT_INPUT)
		r = dd_and(d, r, leg->local ? lo : zones->n ? out : dd_not(d, lo));
	return dd_and(d, r, schema_possible(&m->schema, leg->at));
}

/* Those that may say something of it: of a thousand port forwards each meets few rules. */
static struct numbers rules_for(struct mean *m, const struct policy *p, const struct leg *leg)
{
	struct numbers keep = {0};

	rules_behind_nat(p, m->arena, leg->nat, leg->family,
			 leg->has_addr && !leg->nat->prefix ? &leg->addr : NULL, &keep);
	return keep;
}

bool journey_translates(const struct leg *leg)
{
	return leg->nat && !leg->same;
}

static dd_ref whole_at(struct mean *m, const struct policy *p, enum station at)
{
	const struct numbers *untracked = m->untracked;
	struct mean_whole *w = m->whole;
	size_t before = dd_nodes(m->dd);

	if (w->made[at])
		return w->says[at];
	m->untracked = NULL;
	m->lines = false;
	m->within = DD_TRUE;
	w->says[at] = mean_policy(m, p, at);
	w->made[at] = true;
	w->nodes += dd_nodes(m->dd) - before;
	m->lines = true;
	m->untracked = untracked;
	return w->says[at];
}

static void judge(struct mean *m, const struct policy *p, const struct legs *all, struct leg *leg)
{
	struct numbers keep;

	if (leg->at == NSTATIONS) { /* loopback is always open */
		const struct line *line = mean_line(m, "fwc: loopback", "", (struct span){0}, 0);

		leg->fate =
			dd_restrict(m->dd, leg->there, mean_outcome(m, FATE_ACCEPT, NULL, line));
		return;
	}
	if (m->whole && !leg->nat && leg->at <= AT_OUTPUT) {
		leg->fate = dd_restrict(m->dd, leg->there, whole_at(m, p, leg->at));
		return;
	}
	m->within = leg->there;
	m->lines = true;
	if (leg->nat)
		keep = rules_for(m, p, leg);
	m->keep = leg->nat ? &keep : all->near;
	m->translated = journey_translates(leg);
	leg->fate = mean_policy(m, p, leg->at);
	m->translated = false;
	m->within = DD_TRUE;
	m->keep = NULL;
}

static void add_leg(struct mean *m, const struct policy *p, struct legs *out, struct leg leg,
		    const struct routing_zones *zones)
{
	leg.there = leg.arrival;
	if (leg.untracked)
		leg.there = dd_and(m->dd, forget(m, leg.there, DIM_CT_STATE),
				   schema_one(&m->schema, DIM_CT_STATE, CT_UNTRACKED));
	/* what others translated had another destination when it was marked: it may have any mark
	 */
	leg.marked = p->marks.n && !leg.by_others && !leg.untracked && leg.at != NSTATIONS &&
		     leg.at != AT_PREROUTING;
	if (leg.marked)
		leg.there = mean_behind_marks(m, p, is_own(&leg) ? ROUTE_OUTPUT : AT_PREROUTING,
					      leg.arrival);
	if (leg.nat && leg.at != NSTATIONS)
		leg.there = rewritten(m, p, &leg, zones);
	if (leg.there == DD_FALSE)
		return;
	judge(m, p, out, &leg);
	vec_push(m->arena, out, leg);
}

static void add_here(struct mean *m, const struct policy *p, struct legs *out, struct leg leg,
		     bool from_self)
{
	static const struct routing_zones none;

	leg.at = from_self ? AT_POSTROUTING : AT_INPUT;
	leg.local = true;
	add_leg(m, p, out, leg, &none);
}

/* To one address. What had called it before, and was to be delivered here, is so still. */
static void add_target(struct mean *m, const struct policy *p, struct legs *out, struct leg leg,
		       bool from_self)
{
	struct routing_target to = routing_target(m->arena, p, leg.family, leg.addr);
	struct ivset addr = ivset_one(m->arena, leg.addr, leg.addr);
	dd_ref same = schema_addrs(&m->schema, DIM_DADDR, leg.family, &addr);
	dd_ref mine = schema_one(&m->schema, DIM_FIB_DADDR, RTN_LOCAL);
	dd_ref others = dd_and(m->dd, leg.arrival, dd_not(m->dd, same));

	same = dd_and(m->dd, leg.arrival, same);
	leg.same = true;
	leg.arrival = dd_and(m->dd, same, mine);
	add_here(m, p, out, leg, from_self);
	leg.same = false;
	leg.arrival = others;
	if (to.here) {
		leg.by_own = to.by_own;
		add_here(m, p, out, leg, from_self);
		leg.by_own = false;
	}
	leg.at = from_self ? AT_POSTROUTING : AT_FORWARD;
	if (to.on)
		add_leg(m, p, out, leg, &to.zones);
	leg.same = true;
	leg.arrival = dd_and(m->dd, same, dd_not(m->dd, mine));
	add_leg(m, p, out, leg, &to.zones);
}

/* To a network, in parts that go one way each. */
static void add_mapped(struct mean *m, const struct policy *p, struct legs *out, struct leg all,
		       bool from_self)
{
	struct ival called = nat_seen_as(all.nat, all.family);
	struct routing_cells cells = {0};

	routing_cells(m->arena, p, all.family, all.mapped, &cells);
	for (size_t i = 0; i < cells.n; i++) {
		struct ival v = cells.v[i];
		struct ivset those = ivset_one(m->arena, v.lo - all.mapped.lo + called.lo,
					       v.hi - all.mapped.lo + called.lo);
		struct routing_target to = routing_target(m->arena, p, all.family, v.lo);
		struct leg leg = all;

		leg.addr = v.lo;
		leg.mapped = v;
		leg.arrival = dd_and(m->dd, all.arrival,
				     schema_addrs(&m->schema, DIM_DADDR, all.family, &those));
		leg.by_own = to.by_own;
		if (to.here)
			add_here(m, p, out, leg, from_self);
		leg.by_own = false;
		leg.at = from_self ? AT_POSTROUTING : AT_FORWARD;
		if (to.on)
			add_leg(m, p, out, leg, &to.zones);
	}
}

static void add_translated(struct mean *m, const struct policy *p, struct legs *out,
			   const struct nat *n, const char *words, dd_ref arrival, bool from_self)
{
	struct leg leg = {.nat = n, .rewrite = words, .port = n->port};

	if (n->kind == NAT_REDIRECT) { /* from self to self: by loopback */
		leg.at = from_self ? NSTATIONS : AT_INPUT;
		leg.local = true;
		leg.arrival = arrival;
		add_leg(m, p, out, leg, &(struct routing_zones){0});
		return;
	}
	for (int f = 0; f < 2; f++) {
		const struct nat_targets *to = f ? &n->to6 : &n->to4;

		leg.family = f ? FAM_IP6 : FAM_IP4;
		leg.has_addr = true;
		leg.arrival = dd_and(m->dd, arrival, schema_family(&m->schema, leg.family));
		for (size_t i = 0; leg.arrival != DD_FALSE && i < to->to.n; i++) {
			leg.addr = to->to.v[i].lo;
			leg.mapped = to->to.v[i];
			if (n->prefix)
				add_mapped(m, p, out, leg, from_self);
			else
				add_target(m, p, out, leg, from_self);
		}
	}
}

static const struct nat *nat_of(const struct policy *p, const struct line *line)
{
	return &p->nats.v[line->order - p->rules.n - 1];
}

/* Who sends them is said by addresses. */
static dd_ref named(struct mean *m, const struct policy *p, const struct rule *q)
{
	const struct place_item *item;
	dd_ref all = DD_FALSE;

	vec_each (&q->from.items, item)
		if (!item->addrs.all)
			all = dd_or(m->dd, all,
				    dd_and(m->dd, mean_place(m, p, item, DIM_IIF),
					   mean_addrs(m, &item->addrs, DIM_SADDR)));
	return all;
}

static dd_ref refused(struct mean *m, const struct policy *p, dd_ref arrival, enum guard_kind kind)
{
	dd_ref says;

	m->within = arrival;
	says = mean_guards(m, p, kind);
	m->within = DD_TRUE;
	return dd_not(m->dd, dd_not(m->dd, says));
}

/* What goes on behind all that is refused as it arrives. No question means packets with loopback
 * addresses, or with sources that cannot be there, unless it names them: nobody can open a
 * connection with them. Nor does it speak of routes: they lead back to the source. */
static dd_ref arrived(struct mean *m, const struct policy *p, struct legs *out,
		      const struct rule *q, dd_ref arrival, bool strays)
{
	dd_ref part = refused(m, p, arrival, GUARD_EARLY);
	struct leg leg = {.at = AT_PREROUTING, .arrival = part};

	add_leg(m, p, out, leg, &(struct routing_zones){0});
	arrival = dd_and(m->dd, arrival, dd_not(m->dd, part));
	part = mean_stray(m);
	leg.arrival = strays ? dd_and(m->dd, arrival, part) : DD_FALSE;
	add_leg(m, p, out, leg, &(struct routing_zones){0});
	arrival = dd_and(m->dd, arrival, dd_not(m->dd, part));
	part = refused(m, p, arrival, GUARD_NETWORK);
	leg.arrival = part == DD_FALSE ? part : dd_and(m->dd, part, named(m, p, q));
	add_leg(m, p, out, leg, &(struct routing_zones){0});
	return dd_and(m->dd, arrival, dd_not(m->dd, part));
}

/* What goes on tracked. The rest is neither marked nor translated. */
static dd_ref tracked(struct mean *m, const struct policy *p, struct legs *out, dd_ref arrival,
		      enum station at)
{
	for (size_t i = 0; i < m->untracked->n; i++) {
		const struct untracked *u = &p->untracked.v[m->untracked->v[i]];
		dd_ref it = mean_untracked_match(m, p, u,
						 at == AT_OUTPUT ? ROUTE_OUTPUT : AT_PREROUTING);
		struct leg leg = {.at = at, .untracked = u, .arrival = dd_and(m->dd, arrival, it)};

		add_leg(m, p, out, leg, &(struct routing_zones){0});
		arrival = dd_and(m->dd, arrival, dd_not(m->dd, it));
	}
	return arrival;
}

/* What becomes of their destination. */
static dd_ref nats_of(struct mean *m, const struct policy *p, const struct rule *q, enum station at)
{
	struct numbers near = {0};
	VEC(dd_ref) parts = {0};

	nats_asked(p, m->arena, q, &near);
	for (size_t i = 0; i < near.n; i++)
		vec_push(m->arena, &parts, mean_nat(m, p, near.v[i], at));
	return mean_sequence(m, parts.v, parts.n);
}

static void split(struct mean *m, const struct policy *p, struct legs *out, const struct rule *q,
		  dd_ref arrival, enum station at, bool strays)
{
	bool from_self = at == AT_OUTPUT || at == NSTATIONS;
	struct mean_values values;
	dd_ref nat;

	if (arrival == DD_FALSE || arrival == DD_EXHAUSTED)
		return;
	if (!from_self)
		arrival = arrived(m, p, out, q, arrival, strays);
	if (at != NSTATIONS)
		arrival = tracked(m, p, out, arrival, at);
	m->within = arrival;
	m->lines = true;
	nat = nats_of(m, p, q, from_self ? NAT_OUTPUT : NAT_PREROUTING);
	m->within = DD_TRUE;
	add_leg(m, p, out,
		(struct leg){.at = at, .arrival = dd_and(m->dd, arrival, dd_not(m->dd, nat))},
		&(struct routing_zones){0});
	values = mean_values(m, nat);
	for (size_t i = 0; i < values.n; i++) {
		const struct outcome *x = outcome_of(&m->outcomes, values.v[i]);

		if (values.v[i] && x->fate == FATE_ACCEPT)
			add_leg(m, p, out,
				(struct leg){.at = at,
					     .kept = nat_of(p, x->line),
					     .arrival = dd_where(m->dd, nat, values.v[i])},
				&(struct routing_zones){0});
		else if (values.v[i] && x->line)
			add_translated(m, p, out, nat_of(p, x->line), x->what,
				       dd_where(m->dd, nat, values.v[i]), from_self);
	}
}

/* From this machine to itself; the address is local, and yet dnat may send it elsewhere. */
static dd_ref loopback(struct mean *m, const struct policy *p, const struct rule *q)
{
	struct dd *d = m->dd;
	dd_ref r = dd_and(d, side(m, p, &q->from, true, DIM_IIF, DIM_SADDR),
			  side(m, p, &q->to, true, DIM_OIF, DIM_DADDR));

	r = dd_and(d, dd_and(d, r, asked(m, q)), plain_state(m));
	r = dd_and(d, r, schema_one(&m->schema, DIM_FIB_DADDR, RTN_LOCAL));
	r = dd_and(d, r, schema_loopback(&m->schema, DIM_OIF));
	return dd_and(d, r, schema_possible(&m->schema, AT_OUTPUT));
}

/* Its way is that of what was sent to where it is now, but for what was done before. */
static void add_published(struct mean *m, const struct policy *p, const struct rule *query,
			  struct legs *out)
{
	const enum station at[] = {AT_INPUT, AT_FORWARD,
				   policy_translates_self(p) ? AT_POSTROUTING : AT_OUTPUT};

	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		dd_ref arrival = published(m, p, query, out->near, at[i]);

		if (at[i] == AT_INPUT || at[i] == AT_FORWARD)
			arrival = arrived(m, p, out, query, arrival, false);
		add_leg(m, p, out, (struct leg){.at = at[i], .by_others = true, .arrival = arrival},
			&(struct routing_zones){0});
	}
}

void journey_legs(struct mean *m, const struct policy *p, const struct rule *query,
		  struct legs *out)
{
	bool strays =
		routing_names_loopback(m->arena, &query->from) ||
		routing_names_loopback(m->arena, &query->to);

	struct numbers near = {0}, untracked = {0};

	m->lines = true;
	rules_asked(p, m->arena, query, &near);
	untracked_asked(p, m->arena, query, &untracked);
	out->near = &near;
	m->untracked = &untracked;
	if (query->published || policy_publishes(p))
		add_published(m, p, query, out);
	if (!query->published) {
		split(m, p, out, query, region(m, p, query, false, true), AT_INPUT, strays);
		split(m, p, out, query, region(m, p, query, false, false), AT_FORWARD, strays);
		split(m, p, out, query, region(m, p, query, true, false), AT_OUTPUT, false);
		split(m, p, out, query, loopback(m, p, query), NSTATIONS, false);
	}
	out->near = NULL;
	m->untracked = NULL;
}

void journey_of_nat(struct mean *m, const struct policy *p, size_t nat, bool from_self,
		    struct legs *out)
{
	enum station at = from_self ? NAT_OUTPUT : NAT_PREROUTING;
	const struct nat *n = &p->nats.v[nat];
	dd_ref arrival, before = DD_UNDECIDED;
	struct numbers earlier = {0};

	m->lines = true;
	m->within = dd_and(m->dd, plain_state(m), schema_possible(&m->schema, at));
	nats_before(p, m->arena, nat, &earlier);
	for (size_t i = 0; i < earlier.n; i++)
		before = dd_seq(m->dd, before, mean_nat(m, p, earlier.v[i], at));
	arrival = dd_restrict(m->dd, dd_not(m->dd, before), mean_nat(m, p, nat, at));
	arrival = dd_not(m->dd, dd_not(m->dd, arrival));
	if (!from_self) {
		dd_ref far = dd_not(m->dd, schema_one(&m->schema, DIM_FIB_DADDR, RTN_LOCAL));

		arrival = dd_and(m->dd, arrival, dd_not(m->dd, mean_stray(m)));
		arrival = dd_and(m->dd, arrival, dd_or(m->dd, journey_own(m, p, n), far));
	}
	m->within = DD_TRUE;
	if (arrival != DD_FALSE && arrival != DD_EXHAUSTED)
		add_translated(m, p, out, n, "", arrival, from_self);
}
