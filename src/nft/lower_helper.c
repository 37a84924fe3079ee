/* SPDX-License-Identifier: GPL-2.0-or-later
 * Connection helpers of rules -> objects, and the statements that attach them; what they expect,
 * ICMP errors and resets -> the one chain in which packets that belong to a known connection are
 * let in.
 *
 *	root	   -> related.HASH: ICMP errors; resets; `ct helper` of the connection that
 *		      expected this one; what comes back meets the rules, as any new connection does
 *	rule.HASH  -> ct helper set: as the rule decides, the connection is not confirmed yet
 */
#include <string.h>

#include "nft/lower.h"

static const struct ir_set *helper_object(struct lower *l, const struct rule_helper *h,
					  struct span at)
{
	struct ir_set *s = arena_new_of(l->arena, struct ir_set);

	s->stem = arena_printf(l->arena, "helper-%s-%s", h->kind->name,
			       h->object->proto == 6 ? "tcp" : "udp");
	s->helper = h->object->type;
	s->helper_proto = h->object->proto;
	s->at = at;
	return ruleset_seal_set(l->r, s);
}

void push_helpers(struct lower *l, struct ir_chain *c, const struct rule *rule)
{
	const struct rule_helper *h;

	vec_each (&rule->q.helpers, h) {
		struct ir_rule r = {.comment = ir_comment(l->arena, rule->text), .at = rule->span};

		if (h->port && rule->published) {
			match_one(l, &r, F_L4PROTO, h->object->proto);
			match_one(l, &r, F_CT_DPORT, h->port);
		} else if (h->port) {
			match_one(l, &r, h->object->proto == 6 ? F_TCP_DPORT : F_UDP_DPORT,
				  h->port);
		}
		rule_stmt(l, &r, IR_HELPER)->helper = helper_object(l, h, rule->span)->name;
		chain_push(l, c, r);
	}
}

static void accept_here(struct lower *l, struct ir_chain *c, struct ir_rule r, const char *comment)
{
	r.comment = ir_comment(l->arena, comment);
	rule_counter(l, &r);
	rule_verdict(l, &r, V_ACCEPT, NULL);
	chain_push(l, c, r);
}

const char *lower_related(struct lower *l)
{
	static const uint8_t types[] = {3, 4, 5, 11, 12}; /* that the kernel takes for errors */
	static const char comment[] = "fwc: ICMP errors of known connections";
	struct ir_chain *c = chain_new(l, "related");
	struct ir_rule v4 = {0}, v6 = {0}, reset = {0};
	struct ivset errors = {0};
	const char *const *helper;

	for (size_t i = 0; i < sizeof(types); i++)
		vec_push(l->arena, &errors, ((struct ival){types[i], types[i]}));
	ivset_normalise(&errors);
	match_ivset(l, &v4, F_ICMP_TYPE, &errors, "types");
	accept_here(l, c, v4, comment);
	match_ival(l, &v6, F_ICMPV6_TYPE, (struct ival){0, 127}); /* RFC 4443, 2.1 */
	accept_here(l, c, v6, comment);
	/* what reject answers with belongs to the connection that it refuses */
	match_bits(l, &reset, F_TCP_FLAGS, 4 /* RST */);
	accept_here(l, c, reset, "fwc: resets of connections that are rejected");
	vec_each (&l->p->expecting, helper) {
		struct ir_rule r = {0};
		struct ival name = {0};

		ifname_parse(*helper, strlen(*helper), &name);
		match_ival(l, &r, F_CT_HELPER, name);
		accept_here(l, c, r, arena_printf(l->arena, "fwc: expected by helper %s", *helper));
	}
	return ruleset_seal_chain(l->r, c)->name;
}
