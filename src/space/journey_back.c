/* SPDX-License-Identifier: GPL-2.0-or-later
 * A packet as a filter hook sees it -> what it was when it arrived, and what becomes of its source.
 */
#include "space/journey.h"

/* This packet, whatever its marks. */
static dd_ref unmarked(struct mean *m, const struct packet *there)
{
	dd_ref r = schema_dims(&m->schema, there);

	r = dd_some(m->dd, r, dim_table[DIM_MARK].first, dim_table[DIM_MARK].bits);
	return dd_some(m->dd, r, dim_table[DIM_CT_MARK].first, dim_table[DIM_CT_MARK].bits);
}

/* That a list holds the destination: of another one than the packet had when it arrived. */
static bool of_new_destination(struct mean *m, const struct leg *leg, size_t condition)
{
	const struct schema_list *list =
		schema_list_of(&m->schema, schema_condition_var(condition));

	return list && list->d == DIM_DADDR && journey_translates(leg);
}

/* Where what does not change on the way is as it is there. */
static dd_ref under(struct mean *m, dd_ref r, const struct leg *leg, const struct packet *there)
{
	for (size_t i = 0; i < there->nconditions; i++) {
		dd_ref is = dd_node(m->dd, schema_condition_var(i), DD_FALSE, DD_TRUE);

		if (!of_new_destination(m, leg, i))
			r = dd_and(m->dd, r, there->condition[i] ? is : dd_not(m->dd, is));
	}
	return r;
}

bool journey_arrival(struct mean *m, const struct leg *leg, const struct packet *there,
		     struct packet *arrival)
{
	static const enum dim kept[] = {DIM_FAMILY,	 DIM_IIF,     DIM_SADDR,    DIM_PROTO,
					DIM_SPORT,	 DIM_TYPE,    DIM_FLAGS,    DIM_UID,
					DIM_HOUR,	 DIM_DAY,     DIM_CODE,	    DIM_DSCP,
					DIM_GID,	 DIM_IIFTYPE, DIM_IIFGROUP, DIM_LINK,
					DIM_ETHER_SADDR, DIM_SECPATH, DIM_TIME,    DIM_MARK};
	/* a mark that a statement may have set is another than it came with */
	size_t n = sizeof(kept) / sizeof(kept[0]) - leg->marked;
	dd_ref r = leg->arrival;

	if (!leg->nat && !leg->marked) {
		*arrival = *there;
		if (leg->untracked)
			arrival->dim[DIM_CT_STATE] = CT_NEW;
		return true;
	}
	if (!leg->nat)
		r = dd_and(m->dd, r, unmarked(m, there));
	for (size_t i = 0; leg->nat && i < n; i++) {
		bool v4 = !there->dim[DIM_FAMILY] && kept[i] == DIM_SADDR;
		struct ival v = {there->dim[kept[i]], there->dim[kept[i]]};
		int bits = v4 ? 32 : dim_table[kept[i]].bits;

		r = dd_and(
			m->dd, r,
			schema_ranges(&m->schema, kept[i], bits, &v, 1, u128_max(bits), DD_TRUE));
	}
	if (leg->nat && (!leg->port || leg->nat->called))
		r = dd_and(m->dd, r,
			   schema_one(&m->schema, DIM_DPORT,
				      there->dim[DIM_DPORT] + leg->nat->called - leg->port));
	if (leg->nat && leg->nat->prefix) {
		u128 back = nat_seen_as(leg->nat, leg->family).lo -
			    (leg->family == FAM_IP6 ? &leg->nat->to6 : &leg->nat->to4)->to.v[0].lo;
		struct ivset addr = ivset_one(m->arena, there->dim[DIM_DADDR] + back,
					      there->dim[DIM_DADDR] + back);

		r = dd_and(m->dd, r, schema_addrs(&m->schema, DIM_DADDR, leg->family, &addr));
	}
	return schema_witness(&m->schema, under(m, r, leg, there), arrival);
}

const struct outcome *journey_source(struct mean *m, const struct policy *p, const struct leg *leg,
				     const struct packet *there)
{
	const struct outcome *x;
	dd_ref says;

	if (leg->untracked ||
	    (leg->at != AT_FORWARD && leg->at != AT_OUTPUT && leg->at != AT_POSTROUTING))
		return NULL;
	m->within = schema_point(&m->schema, there);
	m->lines = true;
	m->translated = journey_translates(leg);
	says = mean_nats(m, p, NAT_POSTROUTING);
	m->translated = false;
	m->within = DD_TRUE;
	x = outcome_of(&m->outcomes, schema_at(&m->schema, says, there));
	return x->line ? x : NULL;
}
