/* SPDX-License-Identifier: GPL-2.0-or-later
 * offload statements -> a chain that established connections go through at the forward hook, and a
 * flowtable without devices: which there are is known at run time.
 *
 *	root -> offload.HASH: was it inspected? FROM -> TO -> flow add
 *
 * Only packets of the opener's direction are asked: FROM and TO are of who opens. The kernel itself
 * leaves alone what has a helper, or what is no TCP or UDP that goes both ways.
 */
#include "nft/lower.h"

/* The mark of a connection that was inspected lasts as long as it does. */
static void pass_inspected(struct lower *l, struct ir_chain *c)
{
	struct ir_rule r = {.comment = ir_comment(l->arena, "fwc: inspected, not offloaded")};
	struct ir_stmt *s;

	if (!l->p->first_inspect.src)
		return;
	match_one(l, &r, F_CT_MARK, 0);
	s = &r.stmts.v[r.stmts.n - 1];
	s->match.op = OP_NE;
	s->match.sel.mask[0] = l->p->inspection.mask;
	rule_verdict(l, &r, V_RETURN, NULL);
	chain_push(l, c, r);
}

static const struct ir_set *flowtable(struct lower *l)
{
	struct ir_set *s = arena_new_of(l->arena, struct ir_set);

	s->stem = "flows";
	s->flowtable = true;
	s->hardware = l->p->offloads.v[0].hardware;
	s->at = l->p->offloads.v[0].rule.span;
	return ruleset_seal_set(l->r, s);
}

static void add_names(struct lower *l, const struct zone *z)
{
	for (size_t i = 0; i < z->interfaces.n; i++)
		vec_push(l->arena, &l->r->offload.interfaces, z->interfaces.v[i].name);
}

/* Those of all zones that a statement names, once each. */
static void devices(struct lower *l)
{
	for (int z = PLACE_OTHER; z < (int)l->p->zones.n; z++) {
		const struct offload *o;
		const struct place_item *i;
		bool named = false;

		if (z >= 0 && l->p->zones.v[z].sub.is)
			continue;
		vec_each (&l->p->offloads, o) {
			vec_each (&o->rule.from.items, i)
				named |= item_has(i, z);
			vec_each (&o->rule.to.items, i)
				named |= item_has(i, z);
		}
		if (named && z >= 0)
			add_names(l, &l->p->zones.v[z]);
		else if (named && z == PLACE_OTHER)
			vec_push(l->arena, &l->r->offload.interfaces, ifname_other());
	}
}

void lower_offloads(struct lower *l, struct ir_chain *c)
{
	struct ir_chain *own = chain_new(l, "offload");
	struct ir_rule jump = {0};
	const struct offload *o;
	const char *table;

	if (!l->p->offloads.n)
		return;
	table = flowtable(l)->name;
	l->r->offload.flowtable = table;
	l->r->offload.hardware = l->p->offloads.v[0].hardware;
	devices(l);
	pass_inspected(l, own);
	vec_each (&l->p->offloads, o) {
		struct ir_rules rules = lower_forwarded(l, &o->rule, 0);

		for (size_t i = 0; i < rules.n; i++) {
			rule_stmt(l, &rules.v[i], IR_OFFLOAD)->flowtable = table;
			rule_counter(l, &rules.v[i]);
			chain_push(l, own, rules.v[i]);
		}
	}
	match_bits(l, &jump, F_CT_STATE, 2 /* established */);
	match_one(l, &jump, F_CT_DIRECTION, 0);
	rule_verdict(l, &jump, V_JUMP, ruleset_seal_chain(l->r, own)->name);
	chain_push(l, c, jump);
}
