/* SPDX-License-Identifier: GPL-2.0-or-later
 * What inspection means, from the definition of the marks (fwc-inspectd(8)): which packets are
 * given to the judging program, and what becomes of those of connections that it knows.
 */
#include <netinet/in.h>

#include "space/mean.h"

struct marked { /* one comparison's view of a policy's field */
	struct mean *m;
	const struct inspection *field;
};

static dd_ref field_is(const struct marked *k, enum dim d, uint32_t from, uint32_t to)
{
	struct ival v = {inspection_mark(k->field, from), inspection_mark(k->field, to)};

	return schema_ranges(&k->m->schema, d, 32, &v, 1, k->field->mask, DD_TRUE);
}

static dd_ref set(const struct marked *k, bool ct, uint32_t value)
{
	return mean_effect(
		k->m, mean_mark_text(k->m, ct, k->field->mask, inspection_mark(k->field, value)));
}

static dd_ref tracked(struct mean *m)
{
	struct ival v[] = {
		{CT_NEW, CT_NEW}, {CT_ESTABLISHED, CT_ESTABLISHED}, {CT_RELATED, CT_RELATED}};

	return schema_ranges(&m->schema, DIM_CT_STATE, dim_table[DIM_CT_STATE].bits, v, 3,
			     u128_max(dim_table[DIM_CT_STATE].bits), DD_TRUE);
}

static dd_ref given(struct mean *m, const struct inspected *how, const struct line *line)
{
	return mean_outcome(m, FATE_INSPECT,
			    mean_queue_text(m, how->first, how->count, how->bypass), line);
}

dd_ref mean_inspected(struct mean *m, const struct policy *p, const struct rule *r,
		      const struct line *line, enum station at)
{
	struct marked k = {m, &p->inspection};
	const struct line *untracked;
	dd_ref then, those = DD_TRUE;

	then = mean_outcome(m, FATE_INSPECT, r->inspector ? r->inspector : "", line);
	if (m->marks && r->inspected) {
		then = dd_seq(m->dd, set(&k, true, r->inspected->id),
			      set(&k, false, r->inspected->id));
		then = dd_seq(m->dd, then, given(m, r->inspected, line));
	} else { /* nobody asks what of other tables' is not tracked */
		those = mean_untracked_judged(m, p, at);
	}
	if (those == DD_FALSE)
		return then;
	untracked = mean_line(m, "fwc: not tracked, so not inspected", "", (struct span){0}, 0);
	return dd_seq(m->dd,
		      dd_restrict(m->dd,
				  dd_and(m->dd, those,
					 schema_one(&m->schema, DIM_CT_STATE, CT_UNTRACKED)),
				  mean_outcome(m, FATE_DROP, NULL, untracked)),
		      then);
}

/* What a verdict in the packet's mark does to the connection, and to the packet. */
static dd_ref settled(const struct marked *k, uint32_t value, bool quic)
{
	struct mean *m = k->m;
	dd_ref udp = schema_one(&m->schema, DIM_PROTO, IPPROTO_UDP);
	/* what is denied of UDP says nothing about the next datagram */
	dd_ref lasts = value == MARK_ALLOW && !quic
			       ? DD_TRUE
			       : schema_one(&m->schema, DIM_PROTO, IPPROTO_TCP);
	dd_ref then = dd_restrict(m->dd, lasts, set(k, true, value));

	/* and what is allowed, where QUIC counts, nothing about the next connection */
	if (value == MARK_ALLOW && quic)
		then = dd_seq(m->dd, then,
			      dd_restrict(m->dd, udp, set(k, true, inspection_max(k->field))));
	then = dd_seq(m->dd, then, set(k, false, 0));
	dd_ref end = value == MARK_ALLOW    ? mean_outcome(m, FATE_ACCEPT, NULL, NULL)
		     : value == MARK_REJECT ? mean_reject(m, NULL)
					    : mean_outcome(m, FATE_DROP, NULL, NULL);

	return dd_restrict(m->dd, field_is(k, DIM_MARK, value, value), dd_seq(m->dd, then, end));
}

/* The rule that is being asked about a connection. What its opener sends comes back with a verdict,
 * or opens it anew, or is given on. */
static dd_ref pending(const struct marked *k, const struct rule *r, dd_ref sent, dd_ref anew)
{
	const struct inspected *how = r->inspected;
	struct mean *m = k->m;
	dd_ref then = dd_seq(m->dd, set(k, false, how->id), given(m, how, NULL));
	dd_ref mine = dd_and(m->dd, field_is(k, DIM_CT_MARK, how->id, how->id),
			     schema_one(&m->schema, DIM_CT_DIRECTION, 0));

	then = dd_seq(m->dd, anew, dd_restrict(m->dd, sent, then));
	for (uint32_t v = MARK_REJECT; v >= MARK_ALLOW; v--)
		then = dd_seq(m->dd, settled(k, v, how->quic), then);
	return dd_restrict(m->dd, mine, then);
}

static dd_ref pending_rules(const struct marked *k, const struct policy *p, dd_ref sent,
			    dd_ref anew, dd_ref *others)
{
	struct dd *d = k->m->dd;
	dd_ref all = DD_UNDECIDED;

	for (size_t i = 0; i < p->rules.n; i++) {
		const struct inspected *how = p->rules.v[i].inspected;

		if (!how)
			continue;
		all = dd_seq(d, all, pending(k, &p->rules.v[i], sent, anew));
		*others = dd_and(d, *others, dd_not(d, field_is(k, DIM_CT_MARK, how->id, how->id)));
	}
	return all;
}

dd_ref mean_answered(struct mean *m, const struct policy *p)
{
	struct marked k = {m, &p->inspection};

	if (!m->marks || !p->inspection.answers)
		return DD_FALSE;
	return dd_and(m->dd, schema_one(&m->schema, DIM_PROTO, IPPROTO_UDP),
		      field_is(&k, DIM_MARK, MARK_ALLOW, MARK_ALLOW));
}

static dd_ref carries(struct mean *m, enum payload from)
{
	struct ival v = {from, PAYLOAD_LONG};

	return schema_ranges(&m->schema, DIM_PAYLOAD, dim_table[DIM_PAYLOAD].bits, &v, 1,
			     u128_max(dim_table[DIM_PAYLOAD].bits), DD_TRUE);
}

dd_ref mean_asked(struct mean *m, const struct policy *p, dd_ref rules)
{
	struct marked k = {m, &p->inspection};
	struct dd *d = m->dd;
	dd_ref original = schema_one(&m->schema, DIM_CT_DIRECTION, 0);
	dd_ref tcp = schema_one(&m->schema, DIM_PROTO, IPPROTO_TCP);
	struct ival none = {0, 0};
	/* FIN, or URG: it says where in what comes later something is urgent */
	dd_ref bare = dd_and(d, tcp,
			     dd_not(d, schema_ranges(&m->schema, DIM_FLAGS, 8, &none, 1, 0x21,
						     DD_TRUE)));
	dd_ref sent = dd_and(d, original, dd_or(d, bare, carries(m, PAYLOAD_SHORT)));
	dd_ref opens = dd_and(d, original, dd_and(d, tcp, mean_opening_tcp(m)));
	uint32_t last = inspection_max(k.field);
	dd_ref others = field_is(&k, DIM_CT_MARK, MARK_PENDING, last - 1);
	dd_ref is_known = field_is(&k, DIM_CT_MARK, MARK_ALLOW, last - !p->inspection.quic);
	dd_ref anew = dd_restrict(d, opens, rules);
	dd_ref all = pending_rules(&k, p, sent, anew, &others);

	/* asked; opened anew; of QUIC, as it may be; decided; asked by a rule that is gone */
	all = dd_seq(d, all, dd_restrict(d, is_known, anew));
	if (p->inspection.quic)
		all = dd_seq(d, all,
			     dd_restrict(d,
					 dd_and(d, field_is(&k, DIM_CT_MARK, last, last),
						dd_and(d, original, carries(m, PAYLOAD_LONG))),
					 rules));
	all = dd_seq(d, all,
		     dd_restrict(d, field_is(&k, DIM_CT_MARK, MARK_DENY, MARK_DENY),
				 mean_outcome(m, FATE_DROP, NULL, NULL)));
	all = dd_seq(d, all,
		     dd_restrict(d, field_is(&k, DIM_CT_MARK, MARK_REJECT, MARK_REJECT),
				 mean_reject(m, NULL)));
	all = dd_seq(d, all, dd_restrict(d, dd_and(d, others, sent), rules));
	return dd_restrict(d, dd_and(d, tracked(m), m->within), all);
}
