/* SPDX-License-Identifier: GPL-2.0-or-later
 * Connection helpers, and what belongs to known connections, as fwc.policy(5) defines them.
 */
#include <netinet/in.h>

#include "space/mean.h"

/* RFC 792 and RFC 4443: types that tell of an error of another packet. */
dd_ref mean_errors(struct mean *m)
{
	static const struct ival v4[] = {{3, 5}, {11, 12}}, v6[] = {{0, 127}};
	dd_ref one = schema_ranges(&m->schema, DIM_TYPE, 8, v4, 2, u128_max(8), DD_TRUE);
	dd_ref two = schema_ranges(&m->schema, DIM_TYPE, 8, v6, 1, u128_max(8), DD_TRUE);

	one = dd_and(m->dd, one, schema_one(&m->schema, DIM_PROTO, IPPROTO_ICMP));
	two = dd_and(m->dd, two, schema_one(&m->schema, DIM_PROTO, IPPROTO_ICMPV6));
	return dd_or(m->dd, dd_and(m->dd, one, schema_family(&m->schema, FAM_IP4)),
		     dd_and(m->dd, two, schema_family(&m->schema, FAM_IP6)));
}

/* By which reject answers: nothing else that is related has the flag. */
dd_ref mean_resets(struct mean *m)
{
	struct ival none = {0, 0};
	dd_ref without = schema_ranges(&m->schema, DIM_FLAGS, 8, &none, 1, 4 /* RST */, DD_TRUE);

	return dd_and(m->dd, schema_one(&m->schema, DIM_PROTO, IPPROTO_TCP),
		      dd_not(m->dd, without));
}

/* Which connections another one expects is known to the kernel alone: a free condition. */
dd_ref mean_expected(struct mean *m, const char *helper)
{
	return schema_condition(
		&m->schema,
		arena_printf(m->arena, "a connection with helper %s expected this one", helper));
}

const char *mean_helper_text(struct mean *m, const char *helper)
{
	return arena_printf(m->arena, "helper %s", helper);
}

dd_ref mean_helpers(struct mean *m, const struct rule *r)
{
	const struct rule_helper *h;
	dd_ref all = DD_UNDECIDED;

	vec_each (&r->q.helpers, h) {
		dd_ref on = schema_one(&m->schema, DIM_PROTO, h->object->proto);

		if (h->port)
			on = dd_and(m->dd, on,
				    schema_one(&m->schema, r->published ? DIM_CALLED : DIM_DPORT,
					       h->port));
		all = dd_seq(m->dd, all,
			     dd_restrict(m->dd, on,
					 mean_effect(m, mean_helper_text(m, h->object->type))));
	}
	return all;
}
