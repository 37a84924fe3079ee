/* SPDX-License-Identifier: GPL-2.0-or-later
 * Whether two statements may speak of the same packet: a cheap look, that may say yes too often.
 */
#include "policy/known.h"

static bool meet_in(const struct addrs *x, const struct addrs *y, enum family fam)
{
	const struct ivset *of = fam == FAM_IP4 ? &y->v4 : &y->v6;

	if (addrs_bulk(x, fam) && addrs_bulk(y, fam))
		return true;
	return addrs_bulk(y, fam) ? meet_in(y, x, fam) : addrs_overlap(x, fam, of);
}

static bool addrs_meet(const struct addrs *x, const struct addrs *y)
{
	if (x->all || y->all || x->dyn || y->dyn || x->macs.n || y->macs.n)
		return true;
	if ((x->suffixed.n && addrs_any(y, FAM_IP6)) || (y->suffixed.n && addrs_any(x, FAM_IP6)))
		return true;
	return meet_in(x, y, FAM_IP4) || meet_in(x, y, FAM_IP6);
}

/* Of two sub-zones of one zone: they may share packets. */
static int root_of(const struct place_item *i)
{
	return i->of ? place_root(i->of, i->zone) : i->zone;
}

static bool endpoints_meet(const struct endpoint *x, const struct endpoint *y)
{
	const struct place_item *a, *b;

	vec_each (&x->items, a) {
		vec_each (&y->items, b) {
			bool apart =
				a->at == AT_ZONE && b->at == AT_ZONE && root_of(a) != root_of(b);

			if (!apart && addrs_meet(&a->addrs, &b->addrs))
				return true;
		}
	}
	return false;
}

static bool families_meet(enum family x, enum family y)
{
	return !x || !y || x == y;
}

/* Wherever they come from and go to. */
static bool words_meet(const struct rule *x, const struct rule *y)
{
	/* one's ports are those that the client called, the other's those of where that went */
	return families_meet(x->q.family, y->q.family) &&
	       (x->published != y->published || services_meet(&x->services, &y->services));
}

bool rules_meet(const struct rule *x, const struct rule *y)
{
	return endpoints_meet(&x->from, &y->from) && endpoints_meet(&x->to, &y->to) &&
	       words_meet(x, y);
}

bool nats_meet(const struct nat *x, const struct nat *y)
{
	/* a hairpin is for others, too, and whatever local address they call */
	return families_meet(x->family, y->family) &&
	       (x->hairpin || y->hairpin ||
		(endpoints_meet(&x->from, &y->from) && endpoints_meet(&x->to, &y->to))) &&
	       services_meet(&x->services, &y->services);
}

static bool may_name(const struct endpoint *e, enum family fam, u128 addr)
{
	const struct place_item *i;

	vec_each (&e->items, i)
		if (i->addrs.dyn || addrs_match(&i->addrs, fam, addr))
			return true;
	return false;
}

static bool may_hold(const struct services *s, uint16_t first, uint16_t last)
{
	struct ival ports = {first, last};
	struct ivset all = {.v = &ports, .n = 1};
	bool may = s->any || s->protocols.n;
	const struct sourced *x;

	vec_each (&s->sourced, x)
		may = may || ivset_overlaps(&x->to, &all);
	for (int i = 0; i < PORT_PROTOCOLS; i++)
		may = may || ivset_overlaps(&s->ports[i], &all);
	return may;
}

bool rule_meets_nat(const struct rule *r, const struct nat *n, enum family fam, const u128 *target)
{
	return (!target || may_name(&r->to, fam, *target)) && families_meet(r->q.family, fam) &&
	       (n->hairpin || endpoints_meet(&r->from, &n->from)) &&
	       (n->port && !r->published ? may_hold(&r->services, n->port, nat_port_last(n))
					 : services_meet(&r->services, &n->services));
}

bool rule_meets_targets(const struct rule *r, const struct nat *n)
{
	for (int f = 0; f < 2; f++) {
		const struct nat_targets *to = f ? &n->to6 : &n->to4;

		for (size_t i = 0; i < to->to.n; i++)
			if (rule_meets_nat(r, n, f ? FAM_IP6 : FAM_IP4,
					   n->prefix ? NULL : &to->to.v[i].lo))
				return true;
	}
	return n->kind == NAT_REDIRECT && rule_meets_nat(r, n, FAM_NONE, NULL);
}

void rules_behind_nat(const struct policy *p, struct arena *a, const struct nat *n,
		      enum family fam, const u128 *target, struct numbers *out)
{
	const struct known_bounds *b = known_rules(p), of = known_bounds_of(&n->to, &n->services);
	const struct known_span ports =
		n->port ? (struct known_span){n->port, nat_port_last(n)} : of.ports;

	for (size_t i = 0; i < p->rules.n; i++) {
		const struct rule *r = &p->rules.v[i];

		if (target && !known_has(&b[i], fam, *target))
			continue;
		if (!known_meet_ports(&b[i], &ports) && !(n->port && r->published))
			continue;
		if (rule_meets_nat(r, n, fam, target))
			vec_push(a, out, (uint32_t)i);
	}
}

void nats_before(const struct policy *p, struct arena *a, size_t nat, struct numbers *out)
{
	const struct known_bounds *b = known_nats(p), of = b[nat];
	const struct nat *n = &p->nats.v[nat];

	for (size_t i = 0; i < nat; i++) {
		if (!known_meet_ports(&b[i], &of.ports))
			continue;
		if (!known_meet(&b[i], &of) && !n->hairpin && !p->nats.v[i].hairpin)
			continue;
		if (nats_meet(&p->nats.v[i], n))
			vec_push(a, out, (uint32_t)i);
	}
}

/* Of an interface that is named it is not known here which zone has it. */
static bool names_interface(const struct endpoint *e)
{
	const struct place_item *i;

	vec_each (&e->items, i)
		if (i->has_iface)
			return true;
	return false;
}

bool guard_meets(const struct guard *g, const struct rule *r)
{
	return names_interface(&g->from) || names_interface(&r->from) ||
	       endpoints_meet(&g->from, &r->from);
}

static bool may_be_asked(const struct rule *r, const struct rule *query)
{
	return names_interface(&query->from) || names_interface(&query->to) ||
	       rules_meet(r, query);
}

void rules_asked(const struct policy *p, struct arena *a, const struct rule *query,
		 struct numbers *out)
{
	const struct known_bounds *b = known_rules(p);
	const struct known_bounds of = known_bounds_of(&query->to, &query->services);

	for (size_t i = 0; i < p->rules.n; i++) {
		const struct rule *r = &p->rules.v[i];

		if (!known_meet(&b[i], &of))
			continue;
		if (r->published == query->published && !known_meet_ports(&b[i], &of.ports))
			continue;
		if (may_be_asked(r, query))
			vec_push(a, out, (uint32_t)i);
	}
}

/* What a hairpin turns back comes from its zones, too. */
static bool nat_may_be_asked(const struct nat *n, const struct rule *query)
{
	return families_meet(n->family, query->q.family) &&
	       (n->hairpin || names_interface(&query->from) ||
		endpoints_meet(&n->from, &query->from)) &&
	       (names_interface(&query->to) || endpoints_meet(&n->to, &query->to)) &&
	       services_meet(&n->services, &query->services);
}

void nats_asked(const struct policy *p, struct arena *a, const struct rule *query,
		struct numbers *out)
{
	const struct known_bounds *b = known_nats(p);
	const struct known_bounds of = known_bounds_of(&query->to, &query->services);

	for (size_t i = 0; i < p->nats.n; i++)
		if (known_meet(&b[i], &of) && known_meet_ports(&b[i], &of.ports) &&
		    nat_may_be_asked(&p->nats.v[i], query))
			vec_push(a, out, (uint32_t)i);
}

/* ---- untracked: where packets go is told by routes ---- */

static bool addresses_meet(const struct endpoint *x, const struct endpoint *y)
{
	const struct place_item *a, *b;

	vec_each (&x->items, a)
		vec_each (&y->items, b)
			if (addrs_meet(&a->addrs, &b->addrs))
				return true;
	return false;
}

static bool headers_meet(const struct rule *x, const struct rule *y)
{
	return addresses_meet(&x->to, &y->to) && addresses_meet(&x->from, &y->from) &&
	       words_meet(x, y);
}

void untracked_asked(const struct policy *p, struct arena *a, const struct rule *query,
		     struct numbers *out)
{
	for (size_t i = 0; i < p->untracked.n; i++) {
		const struct untracked *u = &p->untracked.v[i];

		if (headers_meet(&u->there, query) || headers_meet(&u->back, query) ||
		    headers_meet(&u->errors[0], query) || headers_meet(&u->errors[1], query))
			vec_push(a, out, (uint32_t)i);
	}
}

bool untracked_meets_nat(const struct untracked *u, const struct nat *n)
{
	struct rule as = {.from = n->from, .to = n->to, .services = n->services};
	bool dest = n->kind == NAT_DNAT || n->kind == NAT_REDIRECT;

	as.q.family = n->family;
	/* what is sent for others, too */
	if (n->hairpin || (!dest && endpoint_at(&u->there.from, PLACE_SELF)))
		as.from = u->there.from;
	if (headers_meet(&u->there, &as))
		return true;
	if (!dest)
		return false;
	if (n->hairpin)
		as.from = u->back.from;
	return headers_meet(&u->back, &as) || rule_meets_targets(&u->there, n);
}
