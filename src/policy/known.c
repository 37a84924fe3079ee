/* SPDX-License-Identifier: GPL-2.0-or-later
 * A policy -> what is asked of all of it, kept.
 */
#include "policy/known.h"

#include <stdlib.h>

struct policy_known {
	size_t places;
	uint16_t *asked, *yes; /* by place, from PLACE_OTHER on; bits by enum known */
	VEC(struct known_range) here;
	struct known_bounds *rules, *nats;
};

/* ---- yes or no ---- */

bool known_answer(const struct policy *p, enum known what, int place,
		  bool (*find)(const struct policy *p, int place))
{
	struct policy_known *k = p->known;
	size_t at = (size_t)(place - PLACE_OTHER);
	uint16_t bit = (uint16_t)(1u << what);

	if (!k || place < PLACE_OTHER || at >= k->places)
		return find(p, place);
	if (!(k->asked[at] & bit)) {
		k->asked[at] |= bit;
		if (find(p, place))
			k->yes[at] |= bit;
	}
	return k->yes[at] & bit;
}

/* ---- what is said to be here ---- */

static void add_here(struct policy *p, const struct endpoint *e)
{
	const struct place_item *i;

	vec_each (&e->items, i) {
		const struct addrs *s = &i->addrs;
		bool said = !s->all && !addrs_open(s) && !s->rest;

		for (size_t k = 0; i->at == AT_SELF && k < s->v4.n; k++)
			vec_push(p->arena, &p->known->here,
				 ((struct known_range){FAM_IP4, s->v4.v[k], said}));
		for (size_t k = 0; i->at == AT_SELF && k < s->v6.n; k++)
			vec_push(p->arena, &p->known->here,
				 ((struct known_range){FAM_IP6, s->v6.v[k], said}));
	}
}

static int range_cmp(const void *a, const void *b)
{
	const struct known_range *x = a, *y = b;

	if (x->family != y->family)
		return x->family < y->family ? -1 : 1;
	if (x->is.lo != y->is.lo)
		return x->is.lo < y->is.lo ? -1 : 1;
	if (x->is.hi != y->is.hi)
		return x->is.hi < y->is.hi ? -1 : 1;
	return (int)x->said - (int)y->said;
}

static void find_here(struct policy *p)
{
	struct policy_known *k = p->known;
	const struct rule *r;
	const struct nat *n;
	size_t kept = 0;

	vec_each (&p->rules, r) {
		add_here(p, &r->from);
		add_here(p, &r->to);
	}
	vec_each (&p->nats, n) {
		add_here(p, &n->from);
		add_here(p, &n->to);
	}
	vec_each (&p->expects, r) {
		add_here(p, &r->from);
		add_here(p, &r->to);
	}
	if (k->here.n)
		qsort(k->here.v, k->here.n, sizeof(*k->here.v), range_cmp);
	for (size_t i = 0; i < k->here.n; i++)
		if (!i || range_cmp(&k->here.v[i], &k->here.v[kept - 1]) != 0)
			k->here.v[kept++] = k->here.v[i];
	k->here.n = kept;
}

const struct known_range *known_here(const struct policy *p, size_t *n)
{
	*n = p->known->here.n;
	return p->known->here.v;
}

/* ---- bounds ---- */

static void widen4(struct known_bounds *b, const struct ivset *v)
{
	uint32_t lo = v->n ? (uint32_t)v->v[0].lo : 1, hi = v->n ? (uint32_t)v->v[v->n - 1].hi : 0;

	if (lo > hi)
		return;
	if (b->first4 > b->last4) {
		b->first4 = lo;
		b->last4 = hi;
	}
	b->first4 = lo < b->first4 ? lo : b->first4;
	b->last4 = hi > b->last4 ? hi : b->last4;
}

static void widen6(struct known_bounds *b, const struct ivset *v)
{
	uint64_t lo, hi;

	if (!v->n)
		return;
	lo = (uint64_t)(v->v[0].lo >> 64);
	hi = (uint64_t)(v->v[v->n - 1].hi >> 64);
	if (b->first6 > b->last6) {
		b->first6 = lo;
		b->last6 = hi;
	}
	b->first6 = lo < b->first6 ? lo : b->first6;
	b->last6 = hi > b->last6 ? hi : b->last6;
}

static void widen_ports(struct known_bounds *b, const struct ivset *v)
{
	uint16_t lo, hi;

	if (!v->n)
		return;
	lo = (uint16_t)v->v[0].lo;
	hi = (uint16_t)v->v[v->n - 1].hi;
	if (b->first_port > b->last_port) {
		b->first_port = lo;
		b->last_port = hi;
	}
	b->first_port = lo < b->first_port ? lo : b->first_port;
	b->last_port = hi > b->last_port ? hi : b->last_port;
}

struct known_bounds known_bounds_of(const struct endpoint *to, const struct services *s)
{
	struct known_bounds b = {1, 0, 1, 0, 1, 0};
	const struct place_item *i;
	const struct sourced *x;

	vec_each (&to->items, i) {
		const struct addrs *a = &i->addrs;

		if (a->all || addrs_open(a) || a->suffixed.n || a->macs.n || a->broadcast) {
			b.first4 = 0;
			b.last4 = UINT32_MAX;
			b.first6 = 0;
			b.last6 = UINT64_MAX;
		} else {
			widen4(&b, &a->v4);
			widen6(&b, &a->v6);
		}
	}
	if (s->any || s->protocols.n || s->icmp.n || s->icmpv6.n || s->icmp_codes.n ||
	    s->icmpv6_codes.n) {
		b.first_port = 0;
		b.last_port = UINT16_MAX;
		return b;
	}
	for (int k = 0; k < PORT_PROTOCOLS; k++)
		widen_ports(&b, &s->ports[k]);
	vec_each (&s->sourced, x)
		widen_ports(&b, &x->to);
	return b;
}

bool known_meet(const struct known_bounds *x, const struct known_bounds *y)
{
	bool v4 = x->first4 <= y->last4 && y->first4 <= x->last4 && x->first4 <= x->last4 &&
		  y->first4 <= y->last4;
	bool v6 = x->first6 <= y->last6 && y->first6 <= x->last6 && x->first6 <= x->last6 &&
		  y->first6 <= y->last6;

	return v4 || v6;
}

bool known_meet_ports(const struct known_bounds *x, uint16_t first, uint16_t last)
{
	return x->first_port <= last && first <= x->last_port && x->first_port <= x->last_port &&
	       first <= last;
}

bool known_has(const struct known_bounds *x, enum family fam, u128 addr)
{
	uint64_t half = (uint64_t)(addr >> 64);

	if (fam == FAM_IP4)
		return x->first4 <= addr && addr <= x->last4;
	return x->first6 <= half && half <= x->last6;
}

const struct known_bounds *known_rules(const struct policy *p)
{
	return p->known->rules;
}

const struct known_bounds *known_nats(const struct policy *p)
{
	return p->known->nats;
}

/* ---- all of it ---- */

void known_begin(struct policy *p)
{
	struct policy_known *k = arena_new_of(p->arena, struct policy_known);

	k->places = (size_t)(place_end(p) - PLACE_OTHER);
	k->asked = arena_alloc(p->arena, k->places * sizeof(*k->asked));
	k->yes = arena_alloc(p->arena, k->places * sizeof(*k->yes));
	k->rules = arena_alloc(p->arena, (p->rules.n + 1) * sizeof(*k->rules));
	k->nats = arena_alloc(p->arena, (p->nats.n + 1) * sizeof(*k->nats));
	for (size_t i = 0; i < p->rules.n; i++)
		k->rules[i] = known_bounds_of(&p->rules.v[i].to, &p->rules.v[i].services);
	for (size_t i = 0; i < p->nats.n; i++)
		k->nats[i] = known_bounds_of(&p->nats.v[i].to, &p->nats.v[i].services);
	p->known = k;
	find_here(p);
}
