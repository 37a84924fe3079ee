/* SPDX-License-Identifier: GPL-2.0-or-later
 * offload statements -> connections that no rule gets to see from then on, as fwc.policy(5) defines
 * it.
 */
#include "space/mean.h"

/* The mark of what was inspected lasts. */
static dd_ref not_inspected(struct mean *m, const struct policy *p)
{
	struct ival none = {0, 0};

	if (!p->first_inspect.src)
		return DD_TRUE;
	return schema_ranges(&m->schema, DIM_CT_MARK, 32, &none, 1, p->inspection.mask, DD_TRUE);
}

dd_ref mean_offloads(struct mean *m, const struct policy *p, enum station at)
{
	dd_ref all = DD_FALSE;
	const struct offload *o;

	if (at != AT_FORWARD || !p->offloads.n || mean_none_is(m, CT_ESTABLISHED))
		return DD_UNDECIDED;
	vec_each (&p->offloads, o)
		all = dd_or(m->dd, all, mean_rule_match(m, p, &o->rule, at));
	all = dd_and(m->dd, all, schema_one(&m->schema, DIM_CT_STATE, CT_ESTABLISHED));
	all = dd_and(m->dd, all, schema_one(&m->schema, DIM_CT_DIRECTION, 0));
	all = dd_and(m->dd, dd_and(m->dd, all, not_inspected(m, p)), m->within);
	return dd_restrict(m->dd, all,
			   mean_effect(m, p->offloads.v[0].hardware ? MEAN_OFFLOAD_HARDWARE
								    : MEAN_OFFLOAD));
}

dd_ref mean_taken(struct mean *m, const char *flowtable)
{
	const char *text = arena_printf(m->arena, "flowtable %s takes the connection", flowtable);

	return schema_condition(&m->schema, text);
}
