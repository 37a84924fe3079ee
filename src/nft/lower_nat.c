/* SPDX-License-Identifier: GPL-2.0-or-later
 * masquerade, snat, dnat, redirect, no-nat, netmap and clamp-mss -> chains. NAT rules are few and
 * only the first packet of a connection meets them, so they stay a list in reading order: the first
 * match wins.
 */
#include "nft/lower.h"

static const enum family both[] = {FAM_IP4, FAM_IP6};

static void push_jump_base(struct lower *l, const char *name, const char *hook, int priority,
			   struct ir_chain *root)
{
	struct ir_chain *base = chain_new(l, name);
	struct ir_rule jump = {0};

	if (!root->rules.n)
		return;
	base->name = name;
	base->base = (struct ir_base){.hook = hook, .type = "nat", .priority = priority};
	rule_verdict(l, &jump, V_JUMP, ruleset_seal_chain(l->r, root)->name);
	chain_push(l, base, jump);
	ruleset_add_chain(l->r, base);
}

/* Sent by this machine: it came in by no interface. */
static void at_self(struct lower *l, struct ir_rules *out, const struct ir_rule *base, enum field f)
{
	struct ir_rule r = rule_copy(l, base);

	if (f == F_IIFNAME)
		match_one(l, &r, F_IIF, 0);
	vec_push(l->arena, out, r);
}

/* What of a zone, or of what this machine sends, is in the item. */
static void at_part(struct lower *l, struct ir_rules *out, const struct ir_rule *base,
		    const struct place_item *item, enum field f, int root)
{
	struct ir_rules all = {0};

	if (!item_has(item, root))
		return;
	if (root == PLACE_SELF)
		at_self(l, &all, base, f);
	else
		match_zone(l, &all, base, f, root);
	for (size_t i = 0; i < all.n; i++)
		match_parts(l, out, &all.v[i], item, f, root);
}

/* All places of a list, or of what is left of one. Zones that are in it as a whole are matched
 * together. */
static void at_each(struct lower *l, struct ir_rules *out, const struct ir_rule *base,
		    const struct place_item *item, enum field f)
{
	struct place_list whole = {0};

	for (int z = 0; z < (int)l->p->zones.n; z++) {
		if (l->p->zones.v[z].sub.is)
			continue;
		if (item_parted_by(item, z))
			at_part(l, out, base, item, f, z);
		else if (item_at(item, z))
			vec_push(l->work, &whole, z);
	}
	match_zones(l, out, base, f, &whole);
	at_part(l, out, base, item, f, PLACE_OTHER);
	if (f == F_IIFNAME)
		at_part(l, out, base, item, f, PLACE_SELF);
}

/* The interface condition of one item: none for any. */
struct ir_rules at_interface(struct lower *l, const struct ir_rules *in,
			     const struct place_item *item, enum field f)
{
	struct ir_rules out = {0};

	for (size_t i = 0; i < in->n && lower_goes_on(l, out.n); i++) {
		if (item->but.n) {
			at_each(l, &out, &in->v[i], item, f);
			continue;
		}
		switch (item->at) {
		case AT_ZONE:
			at_part(l, &out, &in->v[i], item, f, place_root(l->p, item->zone));
			break;
		case AT_ZONES:
		case AT_GROUP:
			at_each(l, &out, &in->v[i], item, f);
			break;
		case AT_ANY:
			vec_push(l->arena, &out, rule_copy(l, &in->v[i]));
			break;
		case AT_SELF:
			at_self(l, &out, &in->v[i], f);
			break;
		}
	}
	return out;
}

static void match_nat_words(struct lower *l, struct ir_rules *rules, const struct nat *n)
{
	for (size_t i = 0; i < rules->n; i++) {
		if (n->has_mark)
			match_mark(l, &rules->v[i], n->mark, n->mark_mask);
		match_when(l, &rules->v[i], n->when);
	}
}

/* At output, where all packets are this machine's: those of the item. */
struct ir_rules sent_by(struct lower *l, const struct ir_rules *in, const struct place_item *item)
{
	struct ir_rules out = {0};

	for (size_t i = 0; i < in->n; i++)
		match_parts(l, &out, &in->v[i], item, F_IIFNAME, PLACE_SELF);
	return out;
}

struct ir_rules one_rule(struct lower *l, const char *text, struct span at)
{
	struct ir_rules out = {0};

	l->at = at;
	vec_push(l->arena, &out,
		 ((struct ir_rule){.comment = ir_comment(l->arena, text), .at = at}));
	return out;
}

struct ir_rules with_addresses(struct lower *l, const struct ir_rules *in, const struct side *src,
			       const struct side *dst, enum family fam)
{
	struct forms forms = forms_of(l, src, dst, fam);
	struct ir_rules out = {0};

	for (size_t i = 0; i < in->n; i++) {
		enum family has = rule_family(&in->v[i]); /* by a sub-zone's networks */

		for (size_t f = 0; f < forms.n && lower_goes_on(l, out.n); f++) {
			struct form form = forms.v[f];
			struct ir_rule r;

			if (has && form.family && has != form.family)
				continue;
			if (has && form.src.all && form.dst.all)
				form.family = FAM_NONE; /* it is said */
			r = rule_copy(l, &in->v[i]);
			match_form(l, &r, &form);
			vec_push(l->arena, &out, r);
		}
	}
	return out;
}

static struct ir_rules with_services(struct lower *l, const struct ir_rules *in,
				     const struct services *s, enum family fam)
{
	struct ir_rules out = {0};

	for (size_t i = 0; i < in->n && lower_goes_on(l, out.n); i++)
		match_services(l, &out, &in->v[i], s, fam);
	return out;
}

/* Where the port is rewritten each protocol needs a rule of its own: nft asks for it. */
static struct ir_rules with_each_protocol(struct lower *l, const struct ir_rules *in,
					  const struct services *s, enum family fam)
{
	struct ir_rules out = {0};

	for (int k = 0; k < PORT_PROTOCOLS; k++) {
		struct services one = services_with_ports(l->arena, s, k);

		if (!services_have_port(&one, k))
			continue;
		for (size_t i = 0; i < in->n && lower_goes_on(l, out.n); i++)
			match_services(l, &out, &in->v[i], &one, fam);
	}
	return out;
}

/* `ported`: all that the rules match has ports. */
static void finish(struct lower *l, struct ir_chain *c, struct ir_rules *rules, const struct nat *n,
		   enum family fam, bool ported)
{
	static const enum ir_nat_kind kinds[] = {
		[NAT_MASQUERADE] = IR_MASQUERADE,
		[NAT_SNAT] = IR_SNAT,
		[NAT_DNAT] = IR_DNAT,
		[NAT_REDIRECT] = IR_REDIRECT,
	};
	const struct nat_targets *to = fam == FAM_IP6 ? &n->to6 : &n->to4;

	for (size_t i = 0; i < rules->n; i++) {
		struct ir_stmt *s;

		rule_counter(l, &rules->v[i]);
		if (n->kind == NAT_NONE) { /* no later translation of this hook gets to see it */
			rule_verdict(l, &rules->v[i], V_ACCEPT, NULL);
			chain_push(l, c, rules->v[i]);
			continue;
		}
		s = rule_stmt(l, &rules->v[i], IR_NAT);
		s->nat.kind = kinds[n->kind];
		s->nat.port = n->port;
		s->nat.called = n->called;
		s->nat.called_last = n->called_last;
		if (ported && n->ports_first) {
			s->nat.port = n->ports_first;
			s->nat.port_last = n->ports_last > n->ports_first ? n->ports_last : 0;
		}
		s->nat.random = n->random;
		s->nat.persistent = n->persistent;
		s->nat.prefix = n->prefix && to->to.n && to->to.v[0].lo != to->to.v[0].hi;
		s->nat.by_source = n->by_source && to->to.n > 1;
		s->nat.family = to->to.n ? fam : FAM_NONE;
		for (size_t t = 0; t < to->to.n; t++) {
			struct ir_elem e = {.key = {to->to.v[t]}};

			for (uint32_t w = 0; w < to->weights.v[t]; w++)
				vec_push(l->arena, &s->nat.to, e);
		}
		chain_push(l, c, rules->v[i]);
	}
}

/* ---- source translation: postrouting ---- */

/* RFC 4193: masquerade leaves a global IPv6 address alone. */
static struct side unique_local(struct lower *l, const struct side *s)
{
	struct ivset ula = ivset_one(l->arena, (u128)0xfc00 << 112, ((u128)0xfe00 << 112) - 1);
	struct side out = *s;

	out.suffixed = (struct suffixed_list){0};
	for (size_t i = 0; i < s->suffixed.n; i++) {
		struct suffixed x = s->suffixed.v[i];

		x.in = ivset_intersect(l->arena, &x.in, &ula);
		if (x.in.n)
			vec_push(l->arena, &out.suffixed, x);
	}
	out.v6 = s->all ? ula : ivset_intersect(l->arena, &s->v6, &ula);
	if (s->all) {
		out.all = false;
		out.v4 = ivset_one(l->arena, 0, u128_max(32));
	}
	return out;
}

static void match_ula(struct lower *l, struct ir_rules *rules)
{
	struct ival ula = {(u128)0xfc00 << 112, ((u128)0xfe00 << 112) - 1};

	for (size_t i = 0; i < rules->n; i++)
		match_ival(l, &rules->v[i], F_IP6_SADDR, ula);
}

/* Those with ports get one of the statement's, the rest keeps what it has instead. */
static void source_ports(struct lower *l, struct ir_chain *c, const struct ir_rules *rules,
			 const struct nat *n, enum family fam)
{
	struct services with = services_with_ports(l->arena, &n->services, -1);
	struct ir_rules ported, rest;

	for (int i = 0; n->services.any && i < PORT_PROTOCOLS; i++)
		with.ports[i] = ivset_one(l->arena, 0, UINT16_MAX);
	ported = n->services.any ? with_services(l, rules, &with, fam)
				 : with_each_protocol(l, rules, &with, fam);
	finish(l, c, &ported, n, fam, true);
	if (!n->services.any)
		return;
	rest = with_services(l, rules, &n->services, fam);
	finish(l, c, &rest, n, fam, false);
}

static void source_family(struct lower *l, struct ir_chain *c, const struct nat *n,
			  const struct place_item *from, const struct place_item *to,
			  enum family fam)
{
	struct ir_rules rules = one_rule(l, n->text, n->span);
	struct side src = side_of_item(l, from), dst = side_of_item(l, to);
	bool open = src.dyn.n || src.bulk.n || src.macs.n; /* its addresses are not all known */

	src.routed = true;
	rules = at_interface(l, &rules, from, F_IIFNAME);
	rules = at_interface(l, &rules, to, F_OIFNAME);
	if (n->kind == NAT_MASQUERADE && fam == FAM_IP6 && !open)
		src = unique_local(l, &src);
	rules = with_addresses(l, &rules, &src, &dst, fam);
	if (n->kind == NAT_MASQUERADE && fam == FAM_IP6 && open)
		match_ula(l, &rules);
	match_nat_words(l, &rules, n);
	if (n->ports_first) {
		source_ports(l, c, &rules, n, fam);
		return;
	}
	rules = with_services(l, &rules, &n->services, fam);
	finish(l, c, &rules, n, fam, false);
}

static void lower_source(struct lower *l, struct ir_chain *c, const struct nat *n)
{
	struct endpoint from = joined_zones(l, &n->from), to = joined_zones(l, &n->to);

	if (!lower_affords(l, n->span, &from, &to))
		return;
	for (int f = 0; f < 2; f++) {
		const struct nat_targets *targets = f ? &n->to6 : &n->to4;

		if ((n->kind == NAT_SNAT && !targets->to.n) || (n->family && n->family != both[f]))
			continue;
		for (size_t i = 0; i < from.items.n; i++)
			for (size_t j = 0; j < to.items.n; j++)
				if (to.items.v[j].at != AT_SELF)
					source_family(l, c, n, &from.items.v[i], &to.items.v[j],
						      both[f]);
	}
}

/* ---- destination translation: prerouting, and output for what this machine sends ---- */

static void match_local(struct lower *l, struct ir_rules *rules, bool elsewhere)
{
	for (size_t i = 0; i < rules->n; i++) {
		struct ir_rule *r = &rules->v[i];

		match_one(l, r, F_FIB_DADDR_TYPE, 2 /* RTN_LOCAL */);
		if (!elsewhere)
			continue;
		match_one(l, r, F_FIB_DADDR_IIF_TYPE, 2);
		r->stmts.v[r->stmts.n - 1].match.op = OP_NE;
	}
}

static void dest_family(struct lower *l, struct ir_chain *c, const struct nat *n,
			struct ir_rules rules, const struct place_item *from,
			const struct place_item *to, enum family fam, bool hairpin)
{
	struct side src = {.all = true}, dst = side_of_item(l, to);

	if (from)
		src = side_of_item(l, from);
	rules = with_addresses(l, &rules, &src, &dst, fam);
	if (to->at == AT_SELF || hairpin)
		match_local(l, &rules, hairpin);
	match_nat_words(l, &rules, n);
	rules = n->port ? with_each_protocol(l, &rules, &n->services, fam)
			: with_services(l, &rules, &n->services, fam);
	finish(l, c, &rules, n, fam, false);
}

static void lower_dest_item(struct lower *l, struct ir_chain *c, const struct nat *n,
			    const struct place_item *from, bool output, enum family fam)
{
	for (size_t j = 0; j < n->to.items.n; j++) {
		struct ir_rules rules = one_rule(l, n->text, n->span);

		if (item_names_zone(&n->to.items.v[j]))
			continue; /* of no-nat: before routing nobody is in a zone yet */
		rules = output ? sent_by(l, &rules, from)
			       : at_interface(l, &rules, from, F_IIFNAME);
		dest_family(l, c, n, rules, from, &n->to.items.v[j], fam, false);
	}
}

static void lower_hairpin_dest(struct lower *l, struct ir_chain *c, const struct nat *n,
			       enum family fam)
{
	for (size_t z = 0; z < n->hairpin_zones.n; z++) {
		for (size_t j = 0; j < n->to.items.n; j++) {
			struct ir_rules plain = one_rule(l, n->text, n->span), rules = {0};

			match_zone(l, &rules, &plain.v[0], F_IIFNAME, n->hairpin_zones.v[z]);
			dest_family(l, c, n, rules, NULL, &n->to.items.v[j], fam, true);
		}
	}
}

static void lower_dest(struct lower *l, struct ir_chain *c, const struct nat *n, bool output)
{
	struct endpoint items = joined_zones(l, &n->from);

	if (!lower_affords(l, n->span, &items, &n->to))
		return;
	for (int f = 0; f < 2; f++) {
		const struct nat_targets *to = f ? &n->to6 : &n->to4;

		if ((n->kind == NAT_DNAT && !to->to.n) || (n->family && n->family != both[f]))
			continue;
		for (size_t i = 0; i < items.items.n; i++) {
			const struct place_item *from = &items.items.v[i];

			if (output ? item_has(from, PLACE_SELF) : !item_is_self(from))
				lower_dest_item(l, c, n, from, output, both[f]);
		}
		if (n->hairpin && !output)
			lower_hairpin_dest(l, c, n, both[f]);
	}
}

/* What a hairpin dnat turned back into the zone it came from must come back through here. */
static void lower_hairpin_source(struct lower *l, struct ir_chain *c, const struct nat *n)
{
	struct services ports = services_to_port(l->arena, &n->services, n->port, nat_port_last(n));

	for (int f = 0; f < 2; f++) {
		const struct nat_targets *to = f ? &n->to6 : &n->to4;
		struct nat masquerade = {.kind = NAT_MASQUERADE};
		struct side src = {.all = true}, dst = {.stem = "hairpin"};

		for (size_t i = 0; i < to->to.n; i++)
			vec_push(l->arena, f ? &dst.v6 : &dst.v4, to->to.v[i]);
		ivset_normalise(&dst.v4);
		ivset_normalise(&dst.v6);
		for (size_t z = 0; to->to.n && z < n->hairpin_zones.n; z++) {
			int zone = n->hairpin_zones.v[z];
			struct ir_rules plain = one_rule(l, n->text, n->span), in = {0},
					rules = {0};

			match_zone(l, &in, &plain.v[0], F_IIFNAME, zone);
			for (size_t i = 0; i < in.n; i++)
				match_zone(l, &rules, &in.v[i], F_OIFNAME, zone);
			for (size_t i = 0; i < rules.n; i++)
				match_bits(l, &rules.v[i], F_CT_STATUS, 32 /* IPS_DST_NAT */);
			match_nat_words(l, &rules, n);
			rules = with_addresses(l, &rules, &src, &dst, both[f]);
			rules = with_services(l, &rules, &ports, both[f]);
			finish(l, c, &rules, &masquerade, both[f], false);
		}
	}
}

void lower_nat(struct lower *l)
{
	struct ir_chain *pre = chain_new(l, "prerouting"), *out = chain_new(l, "output-dnat");
	struct ir_chain *post = chain_new(l, "postrouting");

	for (size_t i = 0; i < l->p->nats.n; i++)
		if (l->p->nats.v[i].hairpin)
			lower_hairpin_source(l, post, &l->p->nats.v[i]);
	for (size_t i = 0; i < l->p->nats.n; i++) {
		const struct nat *n = &l->p->nats.v[i];

		if (n->kind != NAT_DNAT && n->kind != NAT_REDIRECT)
			lower_source(l, post, n);
		if (n->kind != NAT_MASQUERADE && n->kind != NAT_SNAT) {
			lower_dest(l, pre, n, false);
			lower_dest(l, out, n, true);
		}
	}
	push_jump_base(l, "prerouting-nat", "prerouting", -100, pre);
	push_jump_base(l, "output-nat", "output", -100, out);
	push_jump_base(l, "postrouting-nat", "postrouting", 100, post);
}

/* ---- clamp-mss ---- */

static void clamp_direction(struct lower *l, struct ir_chain *c, const struct clamp *k,
			    const struct place_item *in, const struct place_item *out, bool output)
{
	struct ir_rules rules = one_rule(l, k->text, k->span);
	struct side src = side_of_item(l, in), dst = side_of_item(l, out);

	if (output ? !item_has(in, PLACE_SELF) : item_is_self(in))
		return;
	if (item_is_self(out))
		return;
	rules = output ? sent_by(l, &rules, in) : at_interface(l, &rules, in, F_IIFNAME);
	rules = at_interface(l, &rules, out, F_OIFNAME);
	rules = with_addresses(l, &rules, &src, &dst, FAM_NONE);
	for (size_t i = 0; i < rules.n; i++) {
		rule_counter(l, &rules.v[i]);
		rule_stmt(l, &rules.v[i], IR_MSS)->mss = k->mss;
		chain_push(l, c, rules.v[i]);
	}
}

/* SYN and SYN/ACK: both directions of the path. */
const char *lower_clamps(struct lower *l, bool output)
{
	struct ir_chain *c = chain_new(l, output ? "clamp-output" : "clamp");

	for (size_t i = 0; i < l->p->clamps.n; i++) {
		const struct clamp *k = &l->p->clamps.v[i];

		struct endpoint from = joined_zones(l, &k->from), to = joined_zones(l, &k->to);

		if (!lower_affords(l, k->span, &from, &to))
			continue;
		for (size_t a = 0; a < from.items.n; a++) {
			for (size_t b = 0; b < to.items.n; b++) {
				const struct place_item *x = &from.items.v[a];
				const struct place_item *y = &to.items.v[b];

				clamp_direction(l, c, k, x, y, output);
				clamp_direction(l, c, k, y, x, output);
			}
		}
	}
	return c->rules.n ? ruleset_seal_chain(l->r, c)->name : NULL;
}
