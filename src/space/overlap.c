/* SPDX-License-Identifier: GPL-2.0-or-later
 * two rulesets -> packets that one lets pass and the other does not.
 */
#include "space/overlap.h"

#include <string.h>

#include "space/packet.h"
#include "space/ranges.h"

#define IPV4 2 /* NFPROTO_IPV4, NFPROTO_IPV6 */
#define IPV6 10
#define ALL_MARKS ((u128)UINT64_MAX) /* what chains before have set is not followed here */

static bool station_of(const struct ir_chain *c, enum station *at)
{
	static const enum station filters[] = {AT_INPUT, AT_FORWARD, AT_OUTPUT, AT_PREROUTING};

	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		*at = filters[i];
		if (!strcmp(c->base.hook, station_table[*at].hook))
			return strcmp(c->base.type, "nat") != 0;
	}
	return false;
}

static bool passes(enum fate f)
{
	return f == FATE_ACCEPT || f == FATE_INSPECT;
}

static bool translates(enum fate f)
{
	return f == FATE_TRANSLATE;
}

static bool ends(enum fate f)
{
	return f == FATE_DROP || f == FATE_REJECT || f == FATE_UNKNOWN;
}

static dd_ref where(struct mean *m, dd_ref says, bool (*is)(enum fate))
{
	struct mean_values values;
	dd_ref all = DD_FALSE;

	says = dd_map(m->dd, says, outcome_decision, &m->outcomes);
	values = mean_values(m, says);
	for (size_t i = 0; i < values.n; i++)
		if (values.v[i] && is(outcome_of(&m->outcomes, values.v[i])->fate))
			all = dd_or(m->dd, all, dd_where(m->dd, says, values.v[i]));
	return all;
}

static dd_ref family_of(struct mean *m, uint8_t family)
{
	return schema_family(&m->schema, family == IPV4	  ? FAM_IP4
					 : family == IPV6 ? FAM_IP6
							  : FAM_NONE);
}

/* What belongs to one link no router forwards; fwc lets guests of a bridge have it there, and
 * whoever drops it does no harm: RFC 4861, 2710, 3810. */
static dd_ref of_a_link(struct mean *m)
{
	struct ival types = {130, 143}, proto = {58, 58};
	dd_ref v6 = schema_family(&m->schema, FAM_IP6);
	dd_ref is = schema_ranges(
		&m->schema, DIM_PROTO, 8, &proto, 1, u128_max(8),
		schema_ranges(&m->schema, DIM_TYPE, 8, &types, 1, u128_max(8), DD_TRUE));

	return dd_and(m->dd, v6, is);
}

static void describe(struct overlap *out, struct mean *m, dd_ref both)
{
	struct packet p;
	struct buf b = {0};

	if (both == DD_FALSE || !schema_witness(&m->schema, both, &p))
		return;
	packet_print(&b, m, &p);
	out->packet = arena_strdup(m->arena, buf_str(&b));
	buf_free(&b);
	out->count = ranges_count(m, schema_some_condition(&m->schema, both));
}

void overlaps_init(struct overlaps *o, struct arena *a, const struct ir_ruleset *own,
		   const struct ir_tables *tables, struct dd_budget budget)
{
	const struct ir_table *t;

	*o = (struct overlaps){.own = own};
	mean_init(&o->mean, a, budget);
	o->mean.now = true;
	schema_add_ruleset(&o->mean.schema, own);
	vec_each (tables, t)
		schema_add_ruleset(&o->mean.schema, t->ruleset);
}

void overlaps_free(struct overlaps *o)
{
	mean_free(&o->mean);
}

static dd_ref lets(struct overlaps *o, enum station at);

/* What our filter lets pass once it is routed, wherever that leads, as long as nothing translates
 * it on the way. */
static dd_ref lets_arrive(struct overlaps *o)
{
	struct mean *m = &o->mean;
	dd_ref routed = dd_or(m->dd, lets(o, AT_INPUT), lets(o, AT_FORWARD));

	routed = dd_some(m->dd, routed, dim_table[DIM_OIF].first, dim_table[DIM_OIF].bits);
	m->within = dd_and(m->dd, schema_possible(&m->schema, AT_PREROUTING), routed);
	m->within = where(m, mean_ruleset(m, o->own, AT_PREROUTING), passes);
	return dd_and(m->dd, m->within,
		      dd_not(m->dd, where(m, mean_ruleset(m, o->own, NAT_PREROUTING), translates)));
}

static dd_ref lets(struct overlaps *o, enum station at)
{
	struct mean *m = &o->mean;

	if (!o->built[at] && at == AT_PREROUTING) {
		o->lets[at] = lets_arrive(o);
		o->built[at] = true;
	} else if (!o->built[at]) {
		m->within = schema_possible(&m->schema, at);
		if (at == AT_FORWARD)
			m->within = dd_and(m->dd, m->within, dd_not(m->dd, of_a_link(m)));
		o->lets[at] = where(m, mean_ruleset(m, o->own, at), passes);
		o->built[at] = true;
	}
	return o->lets[at];
}

void overlaps_find(struct overlaps *o, const struct ir_table *table, const struct ir_chain *chain,
		   struct overlap *out)
{
	struct mean *m = &o->mean;
	u128 marks = ALL_MARKS;
	enum station at;
	dd_ref ended;

	*out = (struct overlap){0};
	if (!station_of(chain, &at))
		return;
	m->within = dd_and(m->dd, lets(o, at), family_of(m, table->family));
	ended = where(m, mean_base_chain(m, table->ruleset, chain, &marks), ends);
	out->known = !dd_exhausted(m->dd);
	if (out->known)
		describe(out, m, dd_and(m->dd, m->within, ended));
}
