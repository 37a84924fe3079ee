/* SPDX-License-Identifier: GPL-2.0-or-later
 * early drop and antispoof -> chains at prerouting.
 *
 *	-450  early drop, before the kernel looks at fragments or connections
 *	-300  antispoof by networks, behind the loopback addresses: source -> owner -> interface
 *	-140  antispoof by route, behind whatever sets marks at -150, before dnat
 *
 * Every packet that arrives meets them, so sources are looked up once for all zones: the map says
 * whose they are, a chain of the owner's by which interfaces they may come.
 */
#include "nft/lower.h"
#include "policy/guard.h"

#define PRIORITY_EARLY -450
#define PRIORITY_ROUTE -140

static const enum family both[] = {FAM_IP4, FAM_IP6};

static void push_return(struct lower *l, struct ir_chain *c, struct ir_rule r)
{
	rule_verdict(l, &r, V_RETURN, NULL);
	chain_push(l, c, r);
}

static struct ir_rule guard_rule(struct lower *l, const struct guard *g)
{
	return (struct ir_rule){.comment = ir_comment(l->arena, g->rule.text), .at = g->rule.span};
}

static void push_refusal(struct lower *l, struct ir_chain *c, struct ir_rule r,
			 const struct guard *g)
{
	rule_counter(l, &r);
	if (g->rule.q.acts.log.on)
		rule_verdict(l, &r, V_GOTO, act_chain(l, &g->rule));
	else
		rule_verdict(l, &r, V_DROP, NULL);
	chain_push(l, c, r);
}

static void push_base(struct lower *l, const char *name, int priority, struct ir_chain *root)
{
	struct ir_chain *base = chain_new(l, name);
	struct ir_rule jump = {0};

	base->name = name;
	base->base =
		(struct ir_base){.hook = "prerouting", .type = "filter", .priority = priority};
	rule_verdict(l, &jump, V_JUMP, ruleset_seal_chain(l->r, root)->name);
	chain_push(l, base, jump);
	ruleset_add_chain(l->r, base);
}

static void pass_loopback(struct lower *l, struct ir_chain *c)
{
	struct ir_rule r = {.comment = ir_comment(l->arena, "fwc: loopback")};
	struct ival lo = {0};

	ifname_parse("lo", 2, &lo);
	match_ival(l, &r, F_IIFNAME, lo);
	push_return(l, c, r);
}

/* ---- early drop ---- */

static void lower_early_item(struct lower *l, struct ir_chain *c, const struct guard *g,
			     const struct place_item *item)
{
	struct side src = side_of_item(l, item), dst = {.all = true};
	struct ir_rules rules = one_rule(l, g->rule.text, g->rule.span);

	rules = at_interface(l, &rules, item, F_IIFNAME);
	rules = with_addresses(l, &rules, &src, &dst, FAM_NONE);
	for (size_t i = 0; i < rules.n; i++)
		push_refusal(l, c, rules.v[i], g);
}

static void lower_early(struct lower *l)
{
	struct ir_chain *c = chain_new(l, "early");
	const struct guard *g;
	size_t first;

	pass_loopback(l, c);
	first = c->rules.n;
	vec_each (&l->p->guards, g) {
		struct endpoint from = joined_zones(l, &g->from);

		for (size_t i = 0; g->kind == GUARD_EARLY && i < from.items.n; i++)
			lower_early_item(l, c, g, &from.items.v[i]);
	}
	if (c->rules.n > first)
		push_base(l, "prerouting-early", PRIORITY_EARLY, c);
}

/* ---- antispoof by networks ---- */

static bool is_owner(const struct owned *x, int zone)
{
	for (size_t i = 0; x && i < x->zones.n; i++)
		if (x->zones.v[i] == zone)
			return true;
	return false;
}

/* All that arrives elsewhere is refused by this statement. */
static bool keeps_to_itself(const struct guard *g, const struct owned *x)
{
	for (size_t i = 0; x && i < g->zones.n; i++)
		if (is_owner(x, g->zones.v[i]))
			return true;
	return false;
}

static void push_zones(struct lower *l, struct ir_chain *c, const struct guard *g,
		       const struct place_list *zones, enum family fam)
{
	struct ir_rule base = g ? guard_rule(l, g) : (struct ir_rule){0};
	struct ir_rules out = {0};

	if (fam)
		match_one(l, &base, F_NFPROTO, fam == FAM_IP4 ? 2 : 10);
	match_zones(l, &out, &base, F_IIFNAME, zones);
	for (size_t i = 0; i < out.n; i++) {
		if (g)
			push_refusal(l, c, out.v[i], g);
		else
			push_return(l, c, out.v[i]);
	}
}

/* By which interfaces sources of these owners are refused; NULL: of none. tested: the family is
 * known. */
static void push_arrivals(struct lower *l, struct ir_chain *c, const struct owned *x,
			  enum family fam, bool tested)
{
	const struct guard *g;

	vec_each (&l->p->guards, g) {
		struct place_list zones = {0};

		if (g->kind != GUARD_NETWORK)
			continue;
		if (keeps_to_itself(g, x)) {
			push_refusal(l, c, guard_rule(l, g), g);
			return;
		}
		for (size_t i = 0; i < g->zones.n; i++)
			if (guard_holds(g, l->p, g->zones.v[i], fam) &&
			    !is_owner(x, g->zones.v[i]))
				vec_push(l->work, &zones, g->zones.v[i]);
		push_zones(l, c, g, &zones, tested ? FAM_NONE : fam);
	}
}

/* NULL: whoever sends from there is let be. */
static const char *owner_chain(struct lower *l, const struct owned *x, enum family fam)
{
	const char *name = l->p->zones.v[x->zones.v[0]].name;
	struct ir_chain *c = chain_new(l, arena_printf(l->arena, "spoof-%s", name));
	size_t before;

	push_zones(l, c, NULL, &(struct place_list){x->zones.v, x->zones.n, x->zones.n},
		   FAM_NONE);
	before = c->rules.n;
	push_arrivals(l, c, x, fam, true);
	return c->rules.n > before ? ruleset_seal_chain(l->r, c)->name : NULL;
}

static void push_owners(struct lower *l, struct ir_chain *c, enum family fam)
{
	struct ir_set *map = arena_new_of(l->arena, struct ir_set);
	struct owners owners = {0};
	struct ir_rule r = {0};
	struct ir_stmt *s;

	*map = (struct ir_set){.stem = fam == FAM_IP4 ? "owner4" : "owner6",
			       .is_map = true,
			       .nkeys = 1,
			       .keys = {fam == FAM_IP4 ? F_IP_SADDR : F_IP6_SADDR},
			       .interval = true};
	guard_owners(l->arena, l->p, fam, &owners);
	for (size_t i = 0; i < owners.n; i++) {
		const struct owned *x = &owners.v[i];
		const char *chain = x->always ? NULL : owner_chain(l, x, fam);
		struct ir_elem e = {.key = {x->addrs}, .verdict = {.kind = V_RETURN}};

		if (chain)
			e.verdict = (struct ir_verdict){V_GOTO, chain};
		vec_push(l->arena, &map->elems, e);
	}
	s = rule_stmt(l, &r, IR_VMAP);
	s->vmap.sel = (struct ir_sel){.n = 1, .f = {map->keys[0]}};
	s->vmap.map = ruleset_seal_set(l->r, map)->name;
	chain_push(l, c, r);
}

/* Some zone keeps networks to itself: its own, or only those of a sub-zone within it. */
static bool any_keeps(struct lower *l, enum family fam)
{
	const struct guard *g;

	vec_each (&l->p->guards, g) {
		for (size_t i = 0; g->kind == GUARD_NETWORK && i < g->zones.n; i++) {
			const struct zone *z = &l->p->zones.v[g->zones.v[i]];

			if (fam == FAM_IP4 ? z->routes4.n : z->routes6.n)
				return true;
		}
	}
	return false;
}

void lower_antispoof(struct lower *l, struct ir_chain *root)
{
	struct ir_chain *c = chain_new(l, "antispoof");
	struct ir_rule jump = {0};

	for (int f = 0; f < 2; f++)
		if (any_keeps(l, both[f]))
			push_owners(l, c, both[f]);
	if (!c->rules.n)
		return;
	for (int f = 0; f < 2; f++)
		push_arrivals(l, c, NULL, both[f], false);
	rule_verdict(l, &jump, V_JUMP, ruleset_seal_chain(l->r, c)->name);
	chain_push(l, root, jump);
}

/* ---- antispoof by route ---- */

/* Sources on every link; and answers to a client that has no route yet: DHCP's go to all, and
 * DHCPv6's to its link-local address. */
static void pass_always(struct lower *l, struct ir_chain *c)
{
	struct ir_rule r = {0};

	for (int f = 0; f < 2; f++) {
		struct ivset always = guard_always(l->arena, both[f]);

		r = (struct ir_rule){.comment = ir_comment(l->arena, "fwc: sources on every link")};
		match_ivset(l, &r, f ? F_IP6_SADDR : F_IP_SADDR, &always, "link");
		push_return(l, c, r);
	}
	r = (struct ir_rule){.comment = ir_comment(l->arena, "fwc: DHCP replies")};
	match_one(l, &r, F_IP_DADDR, 0xffffffff);
	match_one(l, &r, F_UDP_SPORT, 67);
	match_one(l, &r, F_UDP_DPORT, 68);
	push_return(l, c, r);
	r = (struct ir_rule){.comment = ir_comment(l->arena, "fwc: DHCPv6 replies")};
	match_ival(l, &r, F_IP6_DADDR,
		   (struct ival){(u128)0xfe80 << 112, ((u128)0xfec0 << 112) - 1});
	match_one(l, &r, F_UDP_DPORT, 546);
	push_return(l, c, r);
}

static void lower_route_item(struct lower *l, struct ir_chain *c, const struct guard *g,
			     const struct place_item *item)
{
	struct ir_rules rules = one_rule(l, g->rule.text, g->rule.span);

	rules = at_interface(l, &rules, item, F_IIFNAME);
	for (size_t i = 0; i < rules.n; i++) {
		match_one(l, &rules.v[i], g->loose ? F_FIB_BACK_ANY : F_FIB_BACK, 0);
		push_refusal(l, c, rules.v[i], g);
	}
}

static bool any_of(const struct policy *p, enum guard_kind kind)
{
	const struct guard *g;

	vec_each (&p->guards, g)
		if (g->kind == kind)
			return true;
	return false;
}

static void lower_routes(struct lower *l)
{
	struct ir_chain *c = chain_new(l, "by-route");
	const struct guard *g;
	size_t first;

	if (!any_of(l->p, GUARD_ROUTE)) /* its sets would be of no use to anybody */
		return;
	pass_loopback(l, c);
	pass_always(l, c);
	first = c->rules.n;
	vec_each (&l->p->guards, g) {
		struct endpoint from = joined_zones(l, &g->from);

		for (size_t i = 0; g->kind == GUARD_ROUTE && i < from.items.n; i++)
			lower_route_item(l, c, g, &from.items.v[i]);
	}
	if (c->rules.n > first)
		push_base(l, "prerouting-route", PRIORITY_ROUTE, c);
}

void lower_guards(struct lower *l)
{
	lower_early(l);
	lower_routes(l);
}
