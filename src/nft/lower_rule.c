/* SPDX-License-Identifier: GPL-2.0-or-later
 * One policy rule -> nft rules. What has side effects has one chain of its own (lower_act.c).
 */
#include <string.h>

#include "nft/lower.h"

#define MANY_FORMS 1000 /* of which it is counted before what they become */

static struct ir_rule rule_new(struct lower *l, const struct rule *rule)
{
	return (struct ir_rule){.comment = ir_comment(l->arena, rule->text), .at = rule->span};
}

const char *reject_chain(struct lower *l)
{
	struct ir_chain *c;
	struct ir_rule tcp = {0}, rest = {0};

	if (l->reject)
		return l->reject;
	c = chain_new(l, "reject");
	match_one(l, &tcp, F_L4PROTO, 6);
	rule_stmt(l, &tcp, IR_REJECT)->reject = REJECT_TCP_RESET;
	chain_push(l, c, tcp);
	rule_stmt(l, &rest, IR_REJECT)->reject = REJECT_ADMIN;
	chain_push(l, c, rest);
	l->reject = ruleset_seal_chain(l->r, c)->name;
	return l->reject;
}

struct ir_verdict plain_verdict(struct lower *l, const struct rule *rule, enum verb verb)
{
	switch (verb) {
	case VERB_ALLOW:
		return (struct ir_verdict){.kind = V_ACCEPT};
	case VERB_REJECT:
		if (l->silent)
			break;
		return (struct ir_verdict){V_GOTO, reject_chain(l)};
	case VERB_INSPECT:
		return (struct ir_verdict){V_GOTO, lower_asks(l, rule)};
	case VERB_DROP:
		break;
	}
	return (struct ir_verdict){.kind = V_DROP};
}

struct ir_verdict rule_decision(struct lower *l, size_t i, int from, bool *counted)
{
	const struct rule *rule = &l->p->rules.v[i];
	bool asks = rule->questions.n && !l->silent && place_root(l->p, from) == PLACE_SELF;

	*counted = rule_is_gated(rule);
	if (!*counted && !acts_any(&rule->q.acts) && !rule->q.helpers.n && !asks)
		return plain_verdict(l, rule, rule->verb);
	return (struct ir_verdict){*counted ? V_JUMP : V_GOTO, lower_body(l, i, asks)};
}

struct ir_verdict lower_sources(struct lower *l, const struct rule *rule, struct ir_verdict v,
				bool counted)
{
	const char *stem = rule->twin ? arena_printf(l->arena, "from-%u", rule->twin) : "from";
	struct ir_chain *c = chain_new(l, stem);
	unsigned done = 0;
	const struct sourced *x;

	vec_each (&rule->services.sourced, x) {
		struct ir_rule r = rule_new(l, rule);
		enum field port = port_field(x->row, F_TH_SPORT);

		if (done & 1u << x->row)
			continue;
		done |= 1u << x->row;
		if (port == F_TH_SPORT)
			match_one(l, &r, F_L4PROTO, port_protocols[x->row]);
		match_ivset(l, &r, port, &x->from, "source-ports");
		if (!counted)
			rule_counter(l, &r);
		rule_verdict(l, &r, v.kind, v.target);
		chain_push(l, c, r);
	}
	return (struct ir_verdict){V_JUMP, ruleset_seal_chain(l->r, c)->name};
}

static struct ir_rules form_rules(struct lower *l, const struct rule *rule, const struct form *f)
{
	struct ir_rule base = rule_new(l, rule);
	struct ir_rules out = {0};

	match_form(l, &base, f);
	match_words(l, &base, &rule->q, f->family);
	if (rule->published) {
		match_bits(l, &base, F_CT_STATUS, 32 /* IPS_DST_NAT */);
		match_called(l, &out, &base, &rule->services, f->family);
	} else {
		match_services(l, &out, &base, &rule->services, f->family);
	}
	return out;
}

/* Those of a family become as many rules as the first of them does. */
static bool affords_forms(struct lower *l, const struct rule *rule, const struct forms *forms)
{
	size_t n = 0, each = 0;

	if (forms->n < MANY_FORMS)
		return true;
	for (size_t f = 0; f < forms->n; f++) {
		if (!f || forms->v[f].family != forms->v[f - 1].family)
			each = form_rules(l, rule, &forms->v[f]).n;
		n += each;
	}
	return lower_product(l, rule->span, n, 1);
}

void lower_rule(struct lower *l, struct ir_chain *c, size_t i, int from, int to)
{
	const struct rule *rule = &l->p->rules.v[i];
	struct side src = side_at(l, &rule->from, from), dst = side_at(l, &rule->to, to);
	struct forms forms;

	l->at = rule->span;
	forms = forms_of_rule(l, &rule->q, &src, &dst);
	if (!affords_forms(l, rule, &forms))
		return;
	for (size_t f = 0; f < forms.n && lower_goes_on(l, 0); f++) {
		struct ir_rules out = form_rules(l, rule, &forms.v[f]);

		for (size_t k = 0; k < out.n; k++) {
			bool counted;
			struct ir_verdict v = rule_decision(l, i, from, &counted);

			if (!counted)
				rule_counter(l, &out.v[k]);
			rule_verdict(l, &out.v[k], v.kind, v.target);
			chain_push(l, c, out.v[k]);
		}
	}
}
