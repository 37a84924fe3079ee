/* SPDX-License-Identifier: GPL-2.0-or-later
 * Quotas -> objects that count, and what looks them up.
 *
 *	root	     established, and the label of a quota's connections? quota-NAME.HASH: it
 *		     counts the packet; drop when it is used up
 *	quota.HASH   the gate of a rule that has it (lower_act.c): it counts the packet that opens
 *	rule.HASH    the connection gets the label
 *
 * So each packet counts once, at the hook that judges it, whichever way it goes.
 */
#include "nft/lower.h"

const char *quota_object(struct arena *a, const struct quota *q)
{
	return arena_printf(a, "quota.%s", q->name);
}

u128 quota_label(const struct quota *q)
{
	u128 bits = 0;

	for (unsigned n = 0; n < 128; n++)
		if (q->label >> n & 1)
			bits |= label_bit(n);
	return bits;
}

void lower_quota_objects(struct lower *l)
{
	struct quota *const *q;

	vec_each (&l->p->quotas, q) {
		struct ir_set *s = arena_new_of(l->arena, struct ir_set);

		*s = (struct ir_set){.dynamic = true, .quota = (*q)->bytes, .at = (*q)->span};
		s->stem = s->name = quota_object(l->arena, *q);
		ruleset_add_set(l->r, s);
	}
}

void match_quota(struct lower *l, struct ir_rule *r, const struct quota *q)
{
	rule_stmt(l, r, IR_QUOTA)->quota = quota_object(l->arena, q);
}

static const char *counted(struct lower *l, const struct quota *q)
{
	struct ir_chain *c = chain_new(l, arena_printf(l->arena, "quota-%s", q->name));
	struct ir_rule within = {0}, over = {0};

	within.comment =
		ir_comment(l->arena, arena_printf(l->arena, "fwc: established, quota %s", q->name));
	match_quota(l, &within, q);
	rule_counter(l, &within);
	rule_verdict(l, &within, V_ACCEPT, NULL);
	chain_push(l, c, within);
	over.comment =
		ir_comment(l->arena, arena_printf(l->arena, "fwc: quota %s is used up", q->name));
	rule_counter(l, &over);
	rule_verdict(l, &over, V_DROP, NULL);
	chain_push(l, c, over);
	return ruleset_seal_chain(l->r, c)->name;
}

void lower_quotas(struct lower *l, struct ir_chain *c)
{
	struct quota *const *q;

	vec_each (&l->p->quotas, q) {
		struct ir_rule r = {0};

		match_bits(l, &r, F_CT_STATE, 2 /* established */);
		match_one(l, &r, F_CT_LABEL, quota_label(*q));
		r.stmts.v[1].match.sel.mask[0] = quota_label(*q);
		rule_verdict(l, &r, V_GOTO, counted(l, *q));
		chain_push(l, c, r);
	}
}
