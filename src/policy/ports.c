/* SPDX-License-Identifier: GPL-2.0-or-later
 * Services of which the source port is said as well: parts that no packet matches twice.
 */
#include "policy/policy.h"

/* What of these ports is neither in the services nor in their parts from `first` on. */
static void add(struct arena *a, struct services *s, size_t first, struct sourced x)
{
	for (size_t i = first; i < s->sourced.n && x.to.n && x.from.n; i++) {
		const struct sourced y = s->sourced.v[i];
		struct sourced both = {x.row, ivset_intersect(a, &x.to, &y.to), {0}};

		if (y.row != x.row || !ivset_overlaps(&x.from, &y.from) || !both.to.n)
			continue;
		both.from = ivset_subtract(a, &x.from, &y.from);
		add(a, s, i + 1, both);
		x.to = ivset_subtract(a, &x.to, &y.to);
	}
	if (x.to.n && x.from.n)
		vec_push(a, &s->sourced, x);
}

/* Codes whose type is not there with all of them. */
static struct ivset codes_of_others(struct arena *a, struct ivset *codes, const struct ivset *types)
{
	struct ivset whole = {0};

	for (size_t i = 0; i < types->n; i++)
		vec_push(a, &whole,
			 ((struct ival){types->v[i].lo << 8, types->v[i].hi << 8 | 255}));
	ivset_normalise(codes);
	return ivset_subtract(a, codes, &whole);
}

void services_normalise(struct arena *a, struct services *s)
{
	struct services parts = {0};
	const struct sourced *x;

	for (int i = 0; i < PORT_PROTOCOLS; i++)
		ivset_normalise(&s->ports[i]);
	ivset_normalise(&s->protocols);
	ivset_normalise(&s->icmp);
	ivset_normalise(&s->icmpv6);
	s->icmp_codes = codes_of_others(a, &s->icmp_codes, &s->icmp);
	s->icmpv6_codes = codes_of_others(a, &s->icmpv6_codes, &s->icmpv6);
	vec_each (&s->sourced, x)
		add(a, &parts, 0,
		    (struct sourced){x->row, ivset_subtract(a, &x->to, &s->ports[x->row]),
				     x->from});
	s->sourced.v = parts.sourced.v;
	s->sourced.n = parts.sourced.n;
	s->sourced.cap = parts.sourced.cap;
}

void services_from(struct arena *a, struct services *s, const struct ivset *from)
{
	struct sourced *x;

	vec_each (&s->sourced, x)
		x->from = ivset_intersect(a, &x->from, from);
	for (int i = 0; i < PORT_PROTOCOLS; i++) {
		if (s->ports[i].n)
			vec_push(a, &s->sourced, ((struct sourced){i, s->ports[i], *from}));
		s->ports[i] = (struct ivset){0};
	}
	services_normalise(a, s);
}

struct services services_with_ports(struct arena *a, const struct services *s, int row)
{
	struct services out = {0};
	const struct sourced *x;

	for (int i = 0; i < PORT_PROTOCOLS; i++)
		if (row < 0 || row == i)
			out.ports[i] = s->ports[i];
	vec_each (&s->sourced, x)
		if (row < 0 || row == x->row)
			vec_push(a, &out.sourced, *x);
	return out;
}

struct services services_to_port(struct arena *a, const struct services *s, uint16_t first,
				 uint16_t last)
{
	struct services out = *s;
	const struct sourced *x;

	if (!first)
		return out;
	for (int i = 0; i < PORT_PROTOCOLS; i++)
		if (s->ports[i].n)
			out.ports[i] = ivset_one(a, first, last);
	out.sourced.v = NULL;
	out.sourced.n = out.sourced.cap = 0;
	vec_each (&s->sourced, x)
		vec_push(a, &out.sourced,
			 ((struct sourced){x->row, ivset_one(a, first, last), x->from}));
	services_normalise(a, &out);
	return out;
}

bool services_have_port(const struct services *s, int row)
{
	const struct sourced *x;

	vec_each (&s->sourced, x)
		if (x->row == row)
			return true;
	return s->ports[row].n != 0;
}

/* Some port of that protocol, or all of its packets, whatever the source port. */
bool services_ports_meet(const struct services *x, const struct services *y)
{
	const struct sourced *a, *b;

	for (int i = 0; i < PORT_PROTOCOLS; i++)
		if (ivset_overlaps(&x->ports[i], &y->ports[i]))
			return true;
	vec_each (&x->sourced, a) {
		if (ivset_overlaps(&a->to, &y->ports[a->row]))
			return true;
		vec_each (&y->sourced, b)
			if (a->row == b->row && ivset_overlaps(&a->to, &b->to) &&
			    ivset_overlaps(&a->from, &b->from))
				return true;
	}
	vec_each (&y->sourced, b)
		if (ivset_overlaps(&b->to, &x->ports[b->row]))
			return true;
	return false;
}

static bool has_type_of(const struct ivset *types, const struct ivset *codes)
{
	for (size_t i = 0; i < codes->n; i++)
		for (u128 t = codes->v[i].lo >> 8; t <= codes->v[i].hi >> 8; t++)
			if (ivset_contains(types, t))
				return true;
	return false;
}

static bool icmp_meet(const struct ivset *xt, const struct ivset *xc, const struct ivset *yt,
		      const struct ivset *yc)
{
	return ivset_overlaps(xt, yt) || ivset_overlaps(xc, yc) || has_type_of(xt, yc) ||
	       has_type_of(yt, xc);
}

bool services_icmp_meet(const struct services *x, const struct services *y)
{
	return icmp_meet(&x->icmp, &x->icmp_codes, &y->icmp, &y->icmp_codes) ||
	       icmp_meet(&x->icmpv6, &x->icmpv6_codes, &y->icmpv6, &y->icmpv6_codes);
}

bool services_have_icmp(const struct services *s, enum family fam)
{
	return (fam != FAM_IP6 && (s->icmp.n || s->icmp_codes.n)) ||
	       (fam != FAM_IP4 && (s->icmpv6.n || s->icmpv6_codes.n));
}

bool services_meet(const struct services *x, const struct services *y)
{
	return x->any || y->any || x->protocols.n || y->protocols.n || services_ports_meet(x, y) ||
	       services_icmp_meet(x, y);
}
