/* SPDX-License-Identifier: GPL-2.0-or-later
 * early drop and antispoof -> what is refused as it arrives, as fwc.policy(5) defines it.
 */
#include <netinet/in.h>

#include "policy/guard.h"
#include "space/mean.h"

static const struct ivset *networks(const struct zone *z, enum family fam)
{
	return fam == FAM_IP4 ? &z->routes4 : &z->routes6;
}

static bool is_within(struct ival narrow, struct ival wide)
{
	return wide.lo <= narrow.lo && narrow.hi <= wide.hi &&
	       (wide.lo != narrow.lo || wide.hi != narrow.hi);
}

/* Sources of one network that no narrower one takes out of it. */
static dd_ref of_network(struct mean *m, const struct policy *p, enum family fam, struct ival net)
{
	struct ivset one = ivset_one(m->arena, net.lo, net.hi);
	dd_ref r = schema_addrs(&m->schema, DIM_SADDR, fam, &one);
	const struct zone *z;

	vec_each (&p->zones, z) {
		for (size_t i = 0; i < networks(z, fam)->n; i++) {
			struct ival v = networks(z, fam)->v[i];
			struct ivset taken = ivset_one(m->arena, v.lo, v.hi);

			if (is_within(v, net))
				r = dd_and(m->dd, r,
					   dd_not(m->dd, schema_addrs(&m->schema, DIM_SADDR, fam,
								      &taken)));
		}
	}
	return r;
}

/* Sources that belong to a zone. */
static dd_ref of_zone(struct mean *m, const struct policy *p, enum family fam, int zone)
{
	const struct ivset *nets = networks(&p->zones.v[zone], fam);
	dd_ref all = DD_FALSE;

	for (size_t i = 0; i < nets->n; i++)
		all = dd_or(m->dd, all, of_network(m, p, fam, nets->v[i]));
	return all;
}

static dd_ref arrives_right(struct mean *m, const struct policy *p, enum family fam)
{
	dd_ref all = DD_FALSE;

	for (size_t z = 0; z < p->zones.n; z++)
		all = dd_or(m->dd, all,
			    dd_and(m->dd, of_zone(m, p, fam, (int)z),
				   mean_zone(m, p, (int)z, DIM_IIF)));
	return all;
}

static dd_ref is_always(struct mean *m, enum family fam)
{
	struct ival link = {(u128)0xfe80 << 112, ((u128)0xfec0 << 112) - 1}; /* fe80::/10 */
	struct ivset s = ivset_one(m->arena, 0, 0);

	if (fam == FAM_IP4)
		link = (struct ival){0xa9fe0000, 0xa9feffff}; /* 169.254.0.0/16 */
	vec_push(m->arena, &s, link);
	return schema_addrs(&m->schema, DIM_SADDR, fam, &s);
}

/* What arrives by its zones from elsewhere, and from its zones' networks by another. `right`: what
 * arrives_right() says, by family, which is asked once for all guards. */
static dd_ref spoofed(struct mean *m, const struct policy *p, const struct guard *g,
		      const dd_ref right[2])
{
	dd_ref all = DD_FALSE;

	for (int f = 0; f < 2; f++) {
		enum family fam = f ? FAM_IP6 : FAM_IP4;
		dd_ref theirs = DD_FALSE, bad = DD_FALSE;

		for (size_t i = 0; i < g->zones.n; i++) {
			int zone = g->zones.v[i];
			dd_ref own = of_zone(m, p, fam, zone);

			theirs = dd_or(m->dd, theirs, own);
			if (guard_holds(g, p, zone, fam))
				bad = dd_or(m->dd, bad,
					    dd_and(m->dd, mean_zone(m, p, zone, DIM_IIF),
						   dd_not(m->dd, own)));
		}
		bad = dd_or(m->dd, bad, dd_and(m->dd, theirs, dd_not(m->dd, right[f])));
		bad = dd_and(m->dd, bad, schema_family(&m->schema, fam));
		bad = dd_and(m->dd, bad, dd_not(m->dd, is_always(m, fam)));
		all = dd_or(m->dd, all, bad);
	}
	return all;
}

dd_ref mean_early(struct mean *m, const struct policy *p, const struct guard *g)
{
	const struct place_item *item;
	dd_ref all = DD_FALSE;

	vec_each (&g->from.items, item)
		all = dd_or(m->dd, all,
			    dd_and(m->dd, mean_place(m, p, item, DIM_IIF),
				   mean_addrs(m, &item->addrs, DIM_SADDR)));
	return dd_and(m->dd, all, dd_not(m->dd, schema_loopback(&m->schema, DIM_IIF)));
}

static dd_ref dhcp_replies(struct mean *m)
{
	struct ival link = {(u128)0xfe80 << 112, ((u128)0xfec0 << 112) - 1};
	struct ivset v6 = {.v = &link, .n = 1};
	struct ivset all = ivset_one(m->arena, 0xffffffff, 0xffffffff);
	dd_ref four = schema_addrs(&m->schema, DIM_DADDR, FAM_IP4, &all);
	dd_ref six = schema_addrs(&m->schema, DIM_DADDR, FAM_IP6, &v6);

	four = dd_and(m->dd, four, schema_one(&m->schema, DIM_SPORT, 67));
	four = dd_and(m->dd, four, schema_one(&m->schema, DIM_DPORT, 68));
	six = dd_and(m->dd, six, schema_one(&m->schema, DIM_DPORT, 546));
	return dd_and(m->dd, dd_or(m->dd, four, six),
		      schema_one(&m->schema, DIM_PROTO, IPPROTO_UDP));
}

static dd_ref off_route(struct mean *m, const struct policy *p, const struct guard *g)
{
	const struct place_item *item;
	dd_ref all = DD_FALSE, pass = dhcp_replies(m);

	vec_each (&g->from.items, item)
		all = dd_or(m->dd, all, mean_place(m, p, item, DIM_IIF));
	for (int f = 0; f < 2; f++)
		pass = dd_or(m->dd, pass, is_always(m, f ? FAM_IP6 : FAM_IP4));
	all = dd_and(m->dd, all, dd_not(m->dd, pass));
	return dd_and(m->dd, all,
		      dd_not(m->dd, schema_condition(&m->schema,
						     g->loose ? MEAN_BACK_ANY : MEAN_BACK)));
}

static const struct line *guard_line(struct mean *m, const struct policy *p, const struct guard *g)
{
	size_t order = p->rules.n + p->nats.n + (size_t)(g - p->guards.v) + 1;

	return mean_line(m, g->rule.text, span_where(m->arena, g->rule.span), g->rule.span, order);
}

dd_ref mean_guards(struct mean *m, const struct policy *p, enum guard_kind kind)
{
	dd_ref not_lo = dd_not(m->dd, schema_loopback(&m->schema, DIM_IIF));
	dd_ref all = DD_UNDECIDED, right[2] = {DD_FALSE, DD_FALSE};
	const struct guard *g;
	bool asked = false;

	vec_each (&p->guards, g) {
		dd_ref match;

		if (g->kind != kind)
			continue;
		for (int f = 0; kind == GUARD_NETWORK && !asked && f < 2; f++)
			right[f] = arrives_right(m, p, f ? FAM_IP6 : FAM_IP4);
		asked = true;
		match = kind == GUARD_EARLY	? mean_early(m, p, g)
			: kind == GUARD_NETWORK ? spoofed(m, p, g, right)
						: off_route(m, p, g);
		match = dd_and(m->dd, dd_and(m->dd, match, not_lo), m->within);
		if (match == DD_FALSE)
			continue;
		all = dd_seq(m->dd, all,
			     dd_restrict(m->dd, match,
					 mean_drop(m, &g->rule, guard_line(m, p, g))));
	}
	return all;
}
