/* SPDX-License-Identifier: GPL-2.0-or-later
 * A policy's translations and MSS clamps -> which rewrite each packet gets, as fwc.policy(5)
 * defines it.
 */
#include "space/mean.h"

struct list {
	dd_ref *v;
	size_t n, cap;
};

static const enum family families[] = {FAM_IP4, FAM_IP6};

static const struct nat_targets *targets(const struct nat *n, enum family fam)
{
	return fam == FAM_IP6 ? &n->to6 : &n->to4;
}

/* Only what has ports can have its port rewritten. */
static dd_ref services(struct mean *m, const struct nat *n)
{
	struct services s = n->services;

	if (n->port)
		s = services_with_ports(m->arena, &s, -1);
	return mean_services(m, &s);
}

static dd_ref words(struct mean *m, const struct nat *n)
{
	dd_ref r = schema_family(&m->schema, n->family);

	if (n->when)
		r = dd_and(m->dd, r, schema_schedule(&m->schema, n->when));
	return n->has_mark ? dd_and(m->dd, r, mean_mark(m, n->mark, n->mark_mask)) : r;
}

static const struct line *nat_line(struct mean *m, const struct policy *p, const struct nat *n)
{
	size_t order = p->rules.n + (size_t)(n - p->nats.v) + 1;

	return mean_line(m, n->text, span_where(m->arena, n->span), n->span, order);
}

/* What it does, hairpin's masquerade apart. `ported`: what has ports is meant. */
static const char *rewrites(struct mean *m, const struct nat *n, enum ir_nat_kind kind,
			    enum family fam, bool ported)
{
	const struct nat_targets *to = targets(n, fam);
	struct rewrite w = {.kind = kind, .family = fam};
	VEC(struct ival) all = {0};

	if (kind == IR_MASQUERADE && n->kind == NAT_DNAT)
		return mean_nat_text(m, &w);
	for (size_t i = 0; (kind == IR_DNAT || kind == IR_SNAT) && i < to->to.n; i++)
		for (uint32_t k = 0; k < to->weights.v[i]; k++)
			vec_push(m->arena, &all, to->to.v[i]);
	w.to = all.v;
	w.n = all.n;
	w.port = n->port;
	w.called = n->called;
	w.called_last = n->called_last;
	if (ported) {
		w.port = n->ports_first;
		w.port_last = n->ports_last == n->ports_first ? 0 : n->ports_last;
	}
	w.random = n->random;
	w.persistent = n->persistent;
	w.by_source = n->by_source;
	w.prefix = n->prefix && to->to.n && to->to.v[0].lo != to->to.v[0].hi;
	return mean_nat_text(m, &w);
}

static void push(struct mean *m, const struct policy *p, struct list *l, const struct nat *n,
		 enum ir_nat_kind kind, enum family fam, bool ported, dd_ref match)
{
	const char *what = rewrites(m, n, kind, fam, ported);

	match = dd_and(m->dd, match, schema_family(&m->schema, fam));
	match = dd_and(m->dd, match, words(m, n));
	match = dd_and(m->dd, match, m->within);
	if (match != DD_FALSE)
		vec_push(m->arena, l,
			 dd_restrict(m->dd, match,
				     mean_outcome(m, FATE_TRANSLATE, what, nat_line(m, p, n))));
}

/* What no later translation gets to see. */
static void push_kept(struct mean *m, const struct policy *p, struct list *l, const struct nat *n,
		      dd_ref match)
{
	match = dd_and(m->dd, match, words(m, n));
	match = dd_and(m->dd, match, m->within);
	if (match != DD_FALSE)
		vec_push(m->arena, l,
			 dd_restrict(m->dd, match,
				     mean_outcome(m, FATE_ACCEPT, NULL, nat_line(m, p, n))));
}

/* ---- source: postrouting ---- */

static dd_ref unique_local(struct mean *m)
{
	struct ival ula = {(u128)0xfc00 << 112, ((u128)0xfe00 << 112) - 1};
	struct ivset s = {.v = &ula, .n = 1};

	return schema_addrs(&m->schema, DIM_SADDR, FAM_IP6, &s);
}

/* By station: behind routing nothing tells by what kind of link a packet came but its header. */
static dd_ref sources(struct mean *m, const struct addrs *s)
{
	dd_ref is = mean_addrs(m, s, DIM_SADDR);

	return dd_some(m->dd, is, dim_table[DIM_IIFTYPE].first, dim_table[DIM_IIFTYPE].bits);
}

static dd_ref ends(struct mean *m, const struct policy *p, const struct nat *n)
{
	dd_ref from = DD_FALSE, to = DD_FALSE;

	for (size_t i = 0; i < n->from.items.n; i++) {
		const struct place_item *item = &n->from.items.v[i];

		from = dd_or(m->dd, from,
			     dd_and(m->dd, mean_place(m, p, item, DIM_IIF),
				    sources(m, &item->addrs)));
	}
	for (size_t i = 0; i < n->to.items.n; i++) {
		const struct place_item *item = &n->to.items.v[i];

		if (item->at == AT_SELF) /* of no-nat: what leaves goes to others */
			continue;
		to = dd_or(m->dd, to,
			   dd_and(m->dd, mean_place(m, p, item, DIM_OIF),
				  mean_addrs(m, &item->addrs, DIM_DADDR)));
	}
	return dd_and(m->dd, from, to);
}

static dd_ref with_ports(struct mean *m)
{
	dd_ref all = DD_FALSE;

	for (int i = 0; i < PORT_PROTOCOLS; i++)
		all = dd_or(m->dd, all, schema_one(&m->schema, DIM_PROTO, port_protocols[i]));
	return all;
}

static void source(struct mean *m, const struct policy *p, struct list *l, const struct nat *n)
{
	dd_ref match = dd_and(m->dd, ends(m, p, n), mean_services(m, &n->services));
	dd_ref ported = DD_FALSE;

	if (n->kind == NAT_NONE) {
		push_kept(m, p, l, n, match);
		return;
	}
	if (n->ports_first)
		ported = dd_and(m->dd, match, with_ports(m));
	for (int f = 0; f < 2; f++) {
		enum family fam = families[f];
		enum ir_nat_kind kind = n->kind == NAT_SNAT ? IR_SNAT : IR_MASQUERADE;
		dd_ref these = DD_TRUE;

		if (n->kind == NAT_SNAT && !targets(n, fam)->to.n)
			continue;
		if (n->kind == NAT_MASQUERADE && fam == FAM_IP6)
			these = unique_local(m);
		push(m, p, l, n, kind, fam, true, dd_and(m->dd, ported, these));
		push(m, p, l, n, kind, fam, false,
		     dd_and(m->dd, dd_and(m->dd, match, dd_not(m->dd, ported)), these));
	}
}

/* What a hairpin dnat turned back into the zone it came from. */
static void hairpin_source(struct mean *m, const struct policy *p, struct list *l,
			   const struct nat *n)
{
	struct services s = services_to_port(m->arena, &n->services, n->port,
					     n->port + n->called_last - n->called);
	struct ival none = {0, 0};
	dd_ref translated = dd_not(m->dd, schema_ranges(&m->schema, DIM_CT_STATUS, 16, &none, 1,
							32 /* IPS_DST_NAT */, DD_TRUE));

	for (int f = 0; f < 2; f++) {
		struct ivset to = {0};
		dd_ref match = dd_and(m->dd, translated, mean_services(m, &s));

		for (size_t i = 0; i < targets(n, families[f])->to.n; i++)
			vec_push(m->arena, &to, targets(n, families[f])->to.v[i]);
		ivset_normalise(&to);
		match = dd_and(m->dd, match, schema_addrs(&m->schema, DIM_DADDR, families[f], &to));
		for (size_t z = 0; z < n->hairpin_zones.n; z++) {
			int zone = n->hairpin_zones.v[z];
			dd_ref in = dd_and(m->dd, mean_zone(m, p, zone, DIM_IIF),
					   mean_zone(m, p, zone, DIM_OIF));

			push(m, p, l, n, IR_MASQUERADE, families[f], false,
			     dd_and(m->dd, match, in));
		}
	}
}

/* ---- destination: prerouting, and output for what this machine sends ---- */

static dd_ref dest_to(struct mean *m, const struct nat *n, bool hairpin)
{
	dd_ref local = schema_one(&m->schema, DIM_FIB_DADDR, 2 /* RTN_LOCAL */);
	dd_ref here = schema_one(&m->schema, DIM_FIB_DADDR_IIF, 2), all = DD_FALSE;

	for (size_t i = 0; i < n->to.items.n; i++) {
		const struct place_item *item = &n->to.items.v[i];
		dd_ref to = mean_addrs(m, &item->addrs, DIM_DADDR);

		if (item_names_zone(item))
			continue; /* of no-nat: what is not routed yet goes to no zone */
		if (item->at == AT_SELF || hairpin)
			to = dd_and(m->dd, to, local);
		if (hairpin) /* an address that is not on the interface they came in by */
			to = dd_and(m->dd, to, dd_not(m->dd, here));
		all = dd_or(m->dd, all, to);
	}
	return all;
}

static dd_ref dest_from(struct mean *m, const struct policy *p, const struct nat *n, bool output)
{
	dd_ref all = DD_FALSE;

	for (size_t i = 0; i < n->from.items.n; i++) {
		const struct place_item *item = &n->from.items.v[i];
		dd_ref there;

		if (output ? !item_has(item, PLACE_SELF) : item_is_self(item))
			continue;
		there = output ? mean_sent(m, p, item) : mean_place(m, p, item, DIM_IIF);
		all = dd_or(m->dd, all,
			    dd_and(m->dd, there, mean_addrs(m, &item->addrs, DIM_SADDR)));
	}
	return all;
}

static void dest(struct mean *m, const struct policy *p, struct list *l, const struct nat *n,
		 bool output)
{
	enum ir_nat_kind kind = n->kind == NAT_DNAT ? IR_DNAT : IR_REDIRECT;
	dd_ref match = dd_and(m->dd, dest_from(m, p, n, output), dest_to(m, n, false));
	dd_ref zones = DD_FALSE;

	for (size_t z = 0; !output && n->hairpin && z < n->hairpin_zones.n; z++)
		zones = dd_or(m->dd, zones, mean_zone(m, p, n->hairpin_zones.v[z], DIM_IIF));
	match = dd_or(m->dd, match, dd_and(m->dd, zones, dest_to(m, n, true)));
	match = dd_and(m->dd, match, services(m, n));
	if (n->kind == NAT_NONE) {
		push_kept(m, p, l, n, match);
		return;
	}
	for (int f = 0; f < 2; f++)
		if (kind == IR_REDIRECT || targets(n, families[f])->to.n)
			push(m, p, l, n, kind, families[f], false, match);
}

dd_ref mean_nat(struct mean *m, const struct policy *p, size_t nat, enum station at)
{
	const struct nat *n = &p->nats.v[nat];
	bool is_source = n->kind != NAT_DNAT && n->kind != NAT_REDIRECT;
	bool is_dest = n->kind != NAT_MASQUERADE && n->kind != NAT_SNAT;
	struct list l = {0};

	if (is_source && at == NAT_POSTROUTING)
		source(m, p, &l, n);
	else if (is_dest && at != NAT_POSTROUTING)
		dest(m, p, &l, n, at == NAT_OUTPUT);
	return mean_sequence(m, l.v, l.n);
}

dd_ref mean_nats(struct mean *m, const struct policy *p, enum station at)
{
	struct list l = {0};
	const struct nat *n;

	vec_each (&p->nats, n) {
		if (at == NAT_POSTROUTING && n->hairpin)
			hairpin_source(m, p, &l, n);
	}
	for (size_t i = 0; i < p->nats.n; i++)
		vec_push(m->arena, &l, mean_nat(m, p, i, at));
	return mean_sequence(m, l.v, l.n);
}

/* ---- clamp-mss ---- */

static dd_ref one_way(struct mean *m, const struct policy *p, const struct endpoint *in,
		      const struct endpoint *out, bool output)
{
	dd_ref from = DD_FALSE, to = DD_FALSE;

	for (size_t i = 0; i < in->items.n; i++) {
		const struct place_item *item = &in->items.v[i];
		dd_ref there;

		if (output ? !item_has(item, PLACE_SELF) : item_is_self(item))
			continue;
		there = output ? mean_sent(m, p, item) : mean_place(m, p, item, DIM_IIF);
		from = dd_or(m->dd, from,
			     dd_and(m->dd, there, mean_addrs(m, &item->addrs, DIM_SADDR)));
	}
	for (size_t i = 0; i < out->items.n; i++) {
		const struct place_item *item = &out->items.v[i];

		if (item->at != AT_SELF)
			to = dd_or(m->dd, to,
				   dd_and(m->dd, mean_place(m, p, item, DIM_OIF),
					  mean_addrs(m, &item->addrs, DIM_DADDR)));
	}
	return dd_and(m->dd, from, to);
}

/* SYN and SYN/ACK, both directions of the path. */
dd_ref mean_clamp(struct mean *m, const struct policy *p, size_t clamp, enum station at)
{
	const struct clamp *k = &p->clamps.v[clamp];
	struct ival syn = {2, 2};
	bool output = at == AT_OUTPUT;
	dd_ref opens = dd_and(m->dd, schema_one(&m->schema, DIM_PROTO, 6),
			      schema_ranges(&m->schema, DIM_FLAGS, 8, &syn, 1, 2 | 4, DD_TRUE));
	dd_ref match = dd_or(m->dd, one_way(m, p, &k->from, &k->to, output),
			     one_way(m, p, &k->to, &k->from, output));

	return dd_and(m->dd, dd_and(m->dd, match, opens), m->within);
}

dd_ref mean_clamps(struct mean *m, const struct policy *p, enum station at)
{
	struct list l = {0};

	for (size_t i = 0; i < p->clamps.n; i++) {
		const char *what = mean_mss_text(m, p->clamps.v[i].mss);

		vec_push(m->arena, &l,
			 dd_restrict(m->dd, mean_clamp(m, p, i, at), mean_effect(m, what)));
	}
	return mean_sequence(m, l.v, l.n);
}
