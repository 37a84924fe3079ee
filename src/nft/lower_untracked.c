/* SPDX-License-Identifier: GPL-2.0-or-later
 * untracked statements -> chains before connection tracking, and what filter hooks do with packets
 * that it did not see.
 *
 *	-300  prerouting, behind antispoof, and output: notrack, both directions
 *	input, forward, output: answers and errors pass; the rest meets the rules in mid-stream, too
 */
#include "nft/lower.h"

#define PRIORITY_RAW -300

/* Where a packet is, and so what is known of its ends. */
enum where { ARRIVING, MADE, FILTER_INPUT, FILTER_FORWARD, FILTER_OUTPUT };

static bool is_own(enum where at)
{
	return at == MADE || at == FILTER_OUTPUT;
}

/* ---- one direction ---- */

/* Interfaces of zones by the routes. What they say of groups is of no use: those are heard here. */
static void leads_to_zones(struct lower *l, struct ir_rules *out, const struct ir_rule *base,
			   const struct place_list *zones)
{
	struct ir_rules by = {0};

	match_zones(l, &by, base, F_FIB_OIFNAME, zones);
	for (size_t i = 0; i < by.n; i++) {
		match_one(l, &by.v[i], F_FIB_DADDR_TYPE, 1 /* RTN_UNICAST */);
		vec_push(l->arena, out, by.v[i]);
	}
}

static struct ir_rules leads_to(struct lower *l, const struct ir_rules *in,
				const struct place_item *item)
{
	struct place_list zones = {0};
	struct ir_rules out = {0};

	if (item->at == AT_ANY && !item->but.n)
		return *in;
	for (int z = PLACE_OTHER; z < (int)l->p->zones.n; z++)
		if (z != PLACE_SELF && item_has(item, z) && (z < 0 || !l->p->zones.v[z].sub.is))
			vec_push(l->work, &zones, z);
	for (size_t i = 0; i < in->n && lower_goes_on(l, out.n); i++) {
		if (item_has(item, PLACE_SELF)) {
			struct ir_rule r = rule_copy(l, &in->v[i]);

			match_one(l, &r, F_FIB_DADDR_TYPE, 2 /* RTN_LOCAL */);
			vec_push(l->arena, &out, r);
		}
		leads_to_zones(l, &out, &in->v[i], &zones);
	}
	return out;
}

static bool is_there(const struct place_item *from, const struct place_item *to, enum where at)
{
	if (is_own(at) ? !item_at(from, PLACE_SELF) : from->at == AT_SELF)
		return false;
	if (at == ARRIVING)
		return true;
	return at == FILTER_INPUT ? item_at(to, PLACE_SELF) : to->at != AT_SELF;
}

static struct ir_rules of_family(struct lower *l, const struct ir_rules *in, const struct rule *r,
				 const struct place_item *from, const struct place_item *to,
				 enum family fam)
{
	struct side src = side_of_item(l, from), dst = side_of_item(l, to);
	struct ir_rules rules = with_addresses(l, in, &src, &dst, fam), out = {0};

	for (size_t i = 0; i < rules.n && lower_goes_on(l, out.n); i++)
		match_services(l, &out, &rules.v[i], &r->services, fam);
	return out;
}

/* Without addresses one rule is for both families. */
static void between(struct lower *l, struct ir_rules *out, struct ir_rules rules,
		    const struct rule *r, const struct place_item *from,
		    const struct place_item *to, enum where at)
{
	bool both = from->addrs.all && to->addrs.all && !r->q.family;

	if (!is_own(at))
		rules = at_interface(l, &rules, from, F_IIFNAME);
	if (at == ARRIVING)
		rules = leads_to(l, &rules, to);
	else if (at != FILTER_INPUT)
		rules = at_interface(l, &rules, to, F_OIFNAME);
	for (int f = 0; f < (both ? 1 : 2); f++) {
		enum family fam = both ? FAM_NONE : f ? FAM_IP6 : FAM_IP4;
		struct ir_rules one = {0};

		if (!r->q.family || r->q.family == fam)
			one = of_family(l, &rules, r, from, to, fam);
		for (size_t i = 0; i < one.n; i++)
			vec_push(l->arena, out, one.v[i]);
	}
}

/* Rules that match what `r` does, behind `base`. */
static struct ir_rules matches(struct lower *l, const struct rule *r, uint32_t state, enum where at)
{
	struct ir_rules base = one_rule(l, r->text, r->span), out = {0};
	struct endpoint from = joined_zones(l, &r->from), to = joined_zones(l, &r->to);

	if (!lower_affords(l, r->span, &from, &to))
		return out;
	if (state)
		match_bits(l, &base.v[0], F_CT_STATE, state);
	for (size_t a = 0; a < from.items.n; a++)
		for (size_t b = 0; b < to.items.n && lower_goes_on(l, out.n); b++)
			if (is_there(&from.items.v[a], &to.items.v[b], at))
				between(l, &out, base, r, &from.items.v[a], &to.items.v[b], at);
	return out;
}

struct ir_rules lower_forwarded(struct lower *l, const struct rule *r, uint32_t state)
{
	return matches(l, r, state, FILTER_FORWARD);
}

/* ---- before connection tracking ---- */

/* It tells what an error belongs to. */
static void pass_errors(struct lower *l, struct ir_chain *c)
{
	for (int f = 0; f < 2; f++) {
		struct ivset types = icmp_errors(f ? FAM_IP6 : FAM_IP4);
		struct ir_rule r = {.comment = ir_comment(l->arena, "fwc: ICMP errors")};

		match_ivset(l, &r, f ? F_ICMPV6_TYPE : F_ICMP_TYPE, &types, "errors");
		rule_verdict(l, &r, V_RETURN, NULL);
		chain_push(l, c, r);
	}
}

static void push_notrack(struct lower *l, struct ir_chain *c, const struct rule *r, enum where at)
{
	struct ir_rules rules = matches(l, r, 0, at);

	for (size_t i = 0; i < rules.n; i++) {
		rule_counter(l, &rules.v[i]);
		rule_stmt(l, &rules.v[i], IR_NOTRACK);
		rule_verdict(l, &rules.v[i], V_RETURN, NULL);
		chain_push(l, c, rules.v[i]);
	}
}

static const char *raw_chain(struct lower *l, enum where at)
{
	struct ir_chain *c = chain_new(l, at == MADE ? "untracked-own" : "untracked");
	const struct untracked *u;
	size_t first;

	pass_errors(l, c);
	first = c->rules.n;
	vec_each (&l->p->untracked, u) {
		push_notrack(l, c, &u->there, at);
		push_notrack(l, c, &u->back, at);
	}
	return c->rules.n > first ? ruleset_seal_chain(l->r, c)->name : NULL;
}

void lower_untracked_arriving(struct lower *l, struct ir_chain *root)
{
	const char *chain = l->p->untracked.n ? raw_chain(l, ARRIVING) : NULL;
	struct ir_rule jump = {0};

	if (!chain)
		return;
	rule_verdict(l, &jump, V_JUMP, chain);
	chain_push(l, root, jump);
}

void lower_untracked_made(struct lower *l)
{
	struct ir_chain *base = chain_new(l, "output-raw"), *root = chain_new(l, "output-raw");
	const char *chain = l->p->untracked.n ? raw_chain(l, MADE) : NULL;
	struct ir_rule r = {.comment = ir_comment(l->arena, "fwc: loopback")}, jump = {0}, go = {0};
	struct ival lo = {0};

	lower_answers_untracked(l, root);
	if (!chain && !root->rules.n)
		return;
	ifname_parse("lo", 2, &lo);
	match_ival(l, &r, F_OIFNAME, lo);
	rule_verdict(l, &r, V_RETURN, NULL);
	if (chain) {
		chain_push(l, root, r);
		rule_verdict(l, &jump, V_JUMP, chain);
		chain_push(l, root, jump);
	}
	base->name = "output-raw";
	base->base = (struct ir_base){.hook = "output", .type = "route", .priority = PRIORITY_RAW};
	rule_verdict(l, &go, V_JUMP, ruleset_seal_chain(l->r, root)->name);
	chain_push(l, base, go);
	ruleset_add_chain(l->r, base);
}

/* ---- at a filter hook ---- */

static enum where at_hook(enum untracked_hook hook)
{
	return hook == UNTRACKED_INPUT	   ? FILTER_INPUT
	       : hook == UNTRACKED_FORWARD ? FILTER_FORWARD
					   : FILTER_OUTPUT;
}

/* What is on its way FROM -> TO of some statement is judged, whatever it is of another. */
static void push_judged(struct lower *l, struct ir_chain *c, const struct untracked *u,
			enum where at)
{
	struct ir_rules rules;
	const struct untracked *x;
	bool meets = false;

	vec_each (&l->p->untracked, x)
		meets = meets || rules_meet(&u->there, &x->back);
	if (!meets)
		return;
	rules = matches(l, &u->there, 64 /* untracked */, at);
	for (size_t i = 0; i < rules.n; i++) {
		rule_verdict(l, &rules.v[i], V_RETURN, NULL);
		chain_push(l, c, rules.v[i]);
	}
}

static void push_passes(struct lower *l, struct ir_chain *c, const struct rule *r, uint32_t state,
			enum where at)
{
	struct ir_rules rules = matches(l, r, state, at);

	for (size_t i = 0; i < rules.n; i++) {
		rule_counter(l, &rules.v[i]);
		rule_verdict(l, &rules.v[i], V_ACCEPT, NULL);
		chain_push(l, c, rules.v[i]);
	}
}

void lower_untracked_passes(struct lower *l, struct ir_chain *c, enum untracked_hook hook)
{
	struct ir_chain *own = chain_new(l, "untracked-passes");
	struct ir_rule jump = {0};
	const struct untracked *u;
	size_t first;

	if (hook == UNTRACKED_NOWHERE || !l->p->untracked.n)
		return;
	vec_each (&l->p->untracked, u)
		push_judged(l, own, u, at_hook(hook));
	first = own->rules.n;
	vec_each (&l->p->untracked, u) {
		push_passes(l, own, &u->back, 64 /* untracked */, at_hook(hook));
		for (int i = 0; i < 2; i++)
			push_passes(l, own, &u->errors[i], 1 /* invalid */, at_hook(hook));
	}
	if (own->rules.n == first)
		return;
	match_bits(l, &jump, F_CT_STATE, 1 | 64);
	rule_verdict(l, &jump, V_JUMP, ruleset_seal_chain(l->r, own)->name);
	chain_push(l, c, jump);
}

struct ir_chain *lower_untracked_judged(struct lower *l, enum untracked_hook hook)
{
	struct ir_chain *c = chain_new(l, "mid-stream");
	const struct untracked *u;

	if (hook == UNTRACKED_NOWHERE)
		return NULL;
	vec_each (&l->p->untracked, u) {
		struct ir_rules rules = matches(l, &u->there, 64, at_hook(hook));

		for (size_t i = 0; i < rules.n; i++) {
			rule_verdict(l, &rules.v[i], V_RETURN, NULL);
			chain_push(l, c, rules.v[i]);
		}
	}
	return c->rules.n ? c : NULL;
}
