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

#define UPPER_HALF 64 /* bits behind it */

static bool is_none(const struct known_span *s)
{
	return s->first > s->last;
}

static void widen(struct known_span *s, u128 first, u128 last)
{
	if (is_none(s)) {
		*s = (struct known_span){(uint64_t)first, (uint64_t)last};
		return;
	}
	s->first = first < s->first ? (uint64_t)first : s->first;
	s->last = last > s->last ? (uint64_t)last : s->last;
}

/* `less`: bits that are left out at the end. */
static void widen_by(struct known_span *s, const struct ivset *v, int less)
{
	if (v->n)
		widen(s, v->v[0].lo >> less, v->v[v->n - 1].hi >> less);
}

static bool spans_meet(const struct known_span *x, const struct known_span *y)
{
	return !is_none(x) && !is_none(y) && x->first <= y->last && y->first <= x->last;
}

struct known_bounds known_bounds_of(const struct endpoint *to, const struct services *s)
{
	struct known_bounds b = {{1, 0}, {1, 0}, {1, 0}};
	const struct place_item *i;
	const struct sourced *x;

	vec_each (&to->items, i) {
		const struct addrs *a = &i->addrs;

		if (a->all || addrs_open(a) || a->suffixed.n || a->macs.n || a->broadcast) {
			widen(&b.v4, 0, UINT32_MAX);
			widen(&b.v6, 0, UINT64_MAX);
		} else {
			widen_by(&b.v4, &a->v4, 0);
			widen_by(&b.v6, &a->v6, UPPER_HALF);
		}
	}
	if (s->any || s->protocols.n || s->icmp.n || s->icmpv6.n || s->icmp_codes.n ||
	    s->icmpv6_codes.n) {
		widen(&b.ports, 0, UINT16_MAX);
		return b;
	}
	for (int k = 0; k < PORT_PROTOCOLS; k++)
		widen_by(&b.ports, &s->ports[k], 0);
	vec_each (&s->sourced, x)
		widen_by(&b.ports, &x->to, 0);
	return b;
}

bool known_meet(const struct known_bounds *x, const struct known_bounds *y)
{
	return spans_meet(&x->v4, &y->v4) || spans_meet(&x->v6, &y->v6);
}

bool known_meet_ports(const struct known_bounds *x, const struct known_span *ports)
{
	return spans_meet(&x->ports, ports);
}

bool known_has(const struct known_bounds *x, enum family fam, u128 addr)
{
	uint64_t at = (uint64_t)(fam == FAM_IP4 ? addr : addr >> UPPER_HALF);

	return spans_meet(fam == FAM_IP4 ? &x->v4 : &x->v6, &(struct known_span){at, at});
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
