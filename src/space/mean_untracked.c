/* SPDX-License-Identifier: GPL-2.0-or-later
 * untracked statements -> what connection tracking does not get to see, and what becomes of that,
 * as fwc.policy(5) defines it.
 */
#include <linux/rtnetlink.h>

#include "space/mean.h"

const struct line *mean_untracked_line(struct mean *m, const struct untracked *u)
{
	return mean_line(m, u->text, span_where(m->arena, u->span), u->span, 0);
}

/* ---- before connection tracking ---- */

/* Before routing the routes are asked: for the interface that leads there, or whether it is here.
 */
static dd_ref leads_to(struct mean *m, const struct policy *p, const struct place_item *item)
{
	dd_ref here = schema_one(&m->schema, DIM_FIB_DADDR, RTN_LOCAL);
	dd_ref one = schema_one(&m->schema, DIM_FIB_DADDR, RTN_UNICAST);
	dd_ref all = DD_FALSE;

	if (item->at == AT_ANY && !item->but.n)
		return DD_TRUE;
	for (int z = PLACE_OTHER; z < (int)p->zones.n; z++) {
		dd_ref there = here;

		if (!item_has(item, z) || (z >= 0 && p->zones.v[z].sub.is))
			continue;
		if (z != PLACE_SELF)
			there = mean_zone(m, p, z, DIM_FIB_OIF);
		if (z == p->other) /* or nowhere */
			there = dd_or(m->dd, there,
				      schema_one(&m->schema, DIM_FIB_OIF,
						 schema_no_interface(&m->schema)));
		if (z != PLACE_SELF) /* groups are heard where they are, whatever the routes say */
			there = dd_and(m->dd, there, one);
		all = dd_or(m->dd, all, there);
	}
	return all;
}

static dd_ref from(struct mean *m, const struct policy *p, const struct endpoint *e, bool output)
{
	dd_ref all = DD_FALSE;
	const struct place_item *item;

	vec_each (&e->items, item) {
		dd_ref there = DD_TRUE;

		if (output ? !item_at(item, PLACE_SELF) : item->at == AT_SELF)
			continue;
		if (!output)
			there = mean_place(m, p, item, DIM_IIF);
		all = dd_or(m->dd, all,
			    dd_and(m->dd, there, mean_addrs(m, &item->addrs, DIM_SADDR)));
	}
	return all;
}

static dd_ref to(struct mean *m, const struct policy *p, const struct endpoint *e, bool output)
{
	dd_ref all = DD_FALSE;
	const struct place_item *item;

	vec_each (&e->items, item) {
		dd_ref there;

		if (output && item->at == AT_SELF)
			continue;
		there = output ? mean_place(m, p, item, DIM_OIF) : leads_to(m, p, item);
		all = dd_or(m->dd, all,
			    dd_and(m->dd, there, mean_addrs(m, &item->addrs, DIM_DADDR)));
	}
	return all;
}

static dd_ref one_way(struct mean *m, const struct policy *p, const struct rule *r, bool output)
{
	dd_ref x = dd_and(m->dd, from(m, p, &r->from, output), to(m, p, &r->to, output));

	x = dd_and(m->dd, x, mean_services(m, &r->services));
	return dd_and(m->dd, x, schema_family(&m->schema, r->q.family));
}

dd_ref mean_by_routes(struct mean *m, const struct policy *p, dd_ref r, enum station at)
{
	dd_ref all = DD_FALSE;

	if (!p->untracked.n || (at != AT_FORWARD && at != AT_INPUT))
		return r;
	if (at == AT_INPUT)
		return dd_and(m->dd, r,
			      schema_one(&m->schema, DIM_FIB_OIF, schema_no_interface(&m->schema)));
	for (size_t i = 0; i < schema_ncodes(&m->schema); i++)
		all = dd_or(m->dd, all,
			    dd_and(m->dd, schema_one(&m->schema, DIM_OIF, i),
				   schema_one(&m->schema, DIM_FIB_OIF, i)));
	return dd_and(m->dd, r, all);
}

static dd_ref errors(struct mean *m)
{
	struct services s = {.icmp = icmp_errors(FAM_IP4), .icmpv6 = icmp_errors(FAM_IP6)};

	return mean_services(m, &s);
}

dd_ref mean_untracked_match(struct mean *m, const struct policy *p, const struct untracked *u,
			    enum station at)
{
	bool output = at == ROUTE_OUTPUT;
	dd_ref lo = schema_loopback(&m->schema, output ? DIM_OIF : DIM_IIF), all;

	all = dd_or(m->dd, one_way(m, p, &u->there, output), one_way(m, p, &u->back, output));
	/* connection tracking tells what an error belongs to */
	all = dd_and(m->dd, all, dd_not(m->dd, errors(m)));
	return dd_and(m->dd, all, dd_not(m->dd, lo));
}

dd_ref mean_untracked(struct mean *m, const struct policy *p, enum station at)
{
	dd_ref all = DD_FALSE;
	const struct untracked *u;

	vec_each (&p->untracked, u)
		all = dd_or(m->dd, all, mean_untracked_match(m, p, u, at));
	if (at == ROUTE_OUTPUT) /* else it opens a connection, and the next query answers it */
		all = dd_or(m->dd, all, mean_answered(m, p));
	return dd_restrict(m->dd, dd_and(m->dd, all, m->within), mean_effect(m, MEAN_NOTRACK));
}

/* ---- at a filter hook ---- */

static dd_ref state(struct mean *m, enum ct_code code, dd_ref of)
{
	return dd_and(m->dd, of, schema_one(&m->schema, DIM_CT_STATE, code));
}

/* The statements that may say something of what is looked at, by number; or NULL. */
static const struct untracked *about(const struct mean *m, const struct policy *p, size_t i)
{
	size_t n = m->untracked ? m->untracked->n : p->untracked.n;

	return i == n ? NULL : &p->untracked.v[m->untracked ? m->untracked->v[i] : i];
}

bool mean_none_is(struct mean *m, enum ct_code code)
{
	return dd_disjoint(m->dd, m->within, schema_one(&m->schema, DIM_CT_STATE, code));
}

dd_ref mean_untracked_passes(struct mean *m, const struct policy *p, enum station at)
{
	dd_ref all = DD_UNDECIDED, judged;
	const struct untracked *u;

	if (mean_none_is(m, CT_UNTRACKED) && mean_none_is(m, CT_INVALID))
		return DD_UNDECIDED;
	judged = mean_untracked_judged(m, p, at);
	for (size_t k = 0; (u = about(m, p, k)); k++) {
		dd_ref it = state(m, CT_UNTRACKED, mean_rule_match(m, p, &u->back, at));

		it = dd_and(m->dd, it, dd_not(m->dd, judged));

		for (int i = 0; i < 2; i++)
			it = dd_or(m->dd, it,
				   state(m, CT_INVALID, mean_rule_match(m, p, &u->errors[i], at)));
		it = dd_and(m->dd, it, m->within);
		all = dd_seq(
			m->dd, all,
			dd_restrict(m->dd, it,
				    mean_outcome(m, FATE_ACCEPT, NULL, mean_untracked_line(m, u))));
	}
	return all;
}

dd_ref mean_untracked_judged(struct mean *m, const struct policy *p, enum station at)
{
	dd_ref all = DD_FALSE;
	const struct untracked *u;

	if (mean_none_is(m, CT_UNTRACKED))
		return DD_FALSE;
	for (size_t k = 0; (u = about(m, p, k)); k++)
		all = dd_or(m->dd, all,
			    state(m, CT_UNTRACKED, mean_rule_match(m, p, &u->there, at)));
	return all;
}
