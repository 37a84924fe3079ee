/* SPDX-License-Identifier: GPL-2.0-or-later
 * A policy's mark statements -> which bits of a packet's and its connection's mark are set before
 * routing, as fwc.policy(5) defines it.
 */
#include <linux/rtnetlink.h>

#include "space/mean.h"

const struct line *mean_mark_line(struct mean *m, const struct policy *p, size_t mark)
{
	const struct mark *k = &p->marks.v[mark];

	return mean_line(m, k->text, span_where(m->arena, k->span), k->span,
			 p->rules.n + p->nats.n + mark + 1);
}

/* Loopback is never marked. */
static dd_ref elsewhere(struct mean *m, enum station at)
{
	return dd_not(m->dd, schema_loopback(&m->schema, at == ROUTE_OUTPUT ? DIM_OIF : DIM_IIF));
}

static dd_ref from(struct mean *m, const struct policy *p, const struct mark *k, enum station at)
{
	dd_ref all = DD_FALSE, there;
	const struct place_item *item;

	vec_each (&k->from.items, item) {
		if (at == ROUTE_OUTPUT ? !item_has(item, PLACE_SELF) : item_is_self(item))
			continue;
		there = at == ROUTE_OUTPUT ? mean_sent(m, p, item)
					   : mean_place(m, p, item, DIM_IIF);
		all = dd_or(m->dd, all,
			    dd_and(m->dd, there, mean_addrs(m, &item->addrs, DIM_SADDR)));
	}
	return all;
}

/* self: any address of this machine, which it calls by loopback. */
static dd_ref to(struct mean *m, const struct mark *k, enum station at)
{
	dd_ref all = DD_FALSE;
	const struct place_item *item;

	vec_each (&k->to.items, item) {
		dd_ref is = mean_addrs(m, &item->addrs, DIM_DADDR);

		if (item->at == AT_SELF && at == ROUTE_OUTPUT)
			continue;
		if (item->at == AT_SELF)
			is = dd_and(m->dd, is, schema_one(&m->schema, DIM_FIB_DADDR, RTN_LOCAL));
		all = dd_or(m->dd, all, is);
	}
	return all;
}

static dd_ref match(struct mean *m, const struct policy *p, size_t mark, enum station at)
{
	const struct mark *k = &p->marks.v[mark];
	dd_ref r = dd_and(m->dd, from(m, p, k, at), to(m, k, at));

	r = dd_and(m->dd, r, mean_services(m, &k->services));
	r = dd_and(m->dd, r, schema_family(&m->schema, k->family));
	r = dd_and(m->dd, r, elsewhere(m, at));
	if (k->when)
		r = dd_and(m->dd, r, schema_schedule(&m->schema, k->when));
	return dd_and(m->dd, r, schema_one(&m->schema, DIM_CT_STATE, CT_NEW));
}

dd_ref *mean_mark_matches(struct mean *m, const struct policy *p, enum station at)
{
	dd_ref *all = arena_alloc(m->arena, (p->marks.n + 1) * sizeof(*all));

	for (size_t i = 0; i < p->marks.n; i++)
		all[i] = match(m, p, i, at);
	return all;
}

struct same_bits { /* what the marks of one mask have left */
	const struct mark *of;
	dd_ref left;
};

dd_ref *mean_marked(struct mean *m, const struct policy *p, enum station at)
{
	dd_ref *got = mean_mark_matches(m, p, at);
	VEC(struct same_bits) bits = {0};

	for (size_t i = 0; i < p->marks.n; i++) {
		const struct mark *k = &p->marks.v[i];
		struct same_bits *b, *own = NULL;

		vec_each (&bits, b) {
			if (marks_overlap(k, b->of))
				got[i] = dd_and(m->dd, got[i], b->left);
			if (b->of->mask == k->mask)
				own = b;
		}
		if (!own) {
			own = vec_add(m->arena, &bits);
			*own = (struct same_bits){k, DD_TRUE};
		}
		own->left = dd_and(m->dd, own->left, dd_not(m->dd, got[i]));
	}
	return got;
}

static dd_ref effect(struct mean *m, bool ct, const struct mark *k)
{
	return mean_effect(m, mean_mark_text(m, ct, k->mask, k->value));
}

/* Later packets, of either direction, and what belongs to the connection: the bits that it has,
 * where a statement gives those. None is what any connection has that nothing marked. */
static dd_ref restored(struct mean *m, const struct mark *k, enum station at)
{
	struct ival v = {k->value, k->value};
	dd_ref has = schema_ranges(&m->schema, DIM_CT_MARK, 32, &v, 1, k->mask, DD_TRUE);
	dd_ref known = dd_or(m->dd, schema_one(&m->schema, DIM_CT_STATE, CT_ESTABLISHED),
			     schema_one(&m->schema, DIM_CT_STATE, CT_RELATED));

	if (!k->value)
		return DD_UNDECIDED;
	return dd_restrict(m->dd, dd_and(m->dd, dd_and(m->dd, known, has), elsewhere(m, at)),
			   effect(m, false, k));
}

dd_ref mean_marks(struct mean *m, const struct policy *p, enum station at)
{
	const dd_ref *got = mean_marked(m, p, at);
	VEC(dd_ref) parts = {0};

	for (size_t i = 0; i < p->marks.n; i++) {
		const struct mark *k = &p->marks.v[i];
		dd_ref both = dd_seq(m->dd, effect(m, true, k), effect(m, false, k));
		dd_ref where = dd_and(m->dd, got[i], m->within);

		vec_push(m->arena, &parts, dd_restrict(m->dd, where, both));
		vec_push(m->arena, &parts, dd_restrict(m->dd, m->within, restored(m, k, at)));
	}
	return mean_sequence(m, parts.v, parts.n);
}

static dd_ref forget_bits(struct mean *m, dd_ref r, enum dim d, uint32_t mask)
{
	for (uint32_t i = 0; i < 32; i++)
		if (mask & 0x80000000u >> i)
			r = dd_some(m->dd, r, dim_table[d].first + i, 1);
	return r;
}

static dd_ref put(struct mean *m, dd_ref r, enum dim d, const struct mark *k)
{
	struct ival v = {k->value, k->value};

	return dd_and(m->dd, forget_bits(m, r, d, k->mask),
		      schema_ranges(&m->schema, d, 32, &v, 1, k->mask, DD_TRUE));
}

dd_ref mean_behind_marks(struct mean *m, const struct policy *p, enum station at, dd_ref packets)
{
	const dd_ref *got = mean_marked(m, p, at);

	for (size_t i = 0; i < p->marks.n; i++) {
		dd_ref in = dd_and(m->dd, packets, got[i]);

		if (in == DD_FALSE)
			continue;
		in = put(m, put(m, in, DIM_MARK, &p->marks.v[i]), DIM_CT_MARK, &p->marks.v[i]);
		packets = dd_or(m->dd, dd_and(m->dd, packets, dd_not(m->dd, got[i])), in);
	}
	return packets;
}
