/* SPDX-License-Identifier: GPL-2.0-or-later
 * One policy rule -> nft rules. What has side effects (log, limit, then add) gets one chain of its
 * own, to which every match goes: so a rule has one token bucket however many nft rules it takes.
 */
#include <string.h>

#include "lang/lang.h"
#include "nft/lower.h"
#include "util/sha256.h"

#define LOG_RATE 5 /* a second: a scan must not fill a disk */
#define LOG_BURST 20
#define METER_SIZE 65535
#define METER_TIMEOUT 60 /* seconds a silent source is remembered, at least */

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

static struct ir_verdict plain_verdict(struct lower *l, const struct rule *rule)
{
	switch (rule->verb) {
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

static void add_source(struct lower *l, struct ir_chain *c, const struct rule *rule)
{
	static const struct {
		enum family fam;
		enum field f;
	} families[] = {{FAM_IP4, F_IP_SADDR}, {FAM_IP6, F_IP6_SADDR}};

	for (int i = 0; i < 2; i++) {
		struct ir_rule r = rule_new(l, rule);
		struct ir_stmt *s = rule_stmt(l, &r, IR_ADD);

		s->add.set = dynset_name(l, rule->q.add_to, families[i].fam);
		s->add.update = true;
		s->add.key = (struct ir_sel){.n = 1, .f = {families[i].f}};
		s->add.timeout = rule->q.add_for;
		chain_push(l, c, r);
	}
}

struct ir_limit log_rate(void)
{
	return (struct ir_limit){.rate = LOG_RATE, .per = 1, .burst = LOG_BURST};
}

const char *log_prefix(struct arena *a, const struct rule *rule)
{
	return arena_printf(a,
			    "fwc %s: ", rule->q.log_tag ? rule->q.log_tag : verb_name(rule->verb));
}

static void add_log(struct lower *l, struct ir_chain *c, const struct rule *rule)
{
	struct ir_rule r = rule_new(l, rule);

	rule_stmt(l, &r, IR_LIMIT)->limit = log_rate();
	rule_stmt(l, &r, IR_LOG)->log_prefix = log_prefix(l->arena, rule);
	chain_push(l, c, r);
}

/* What happens to a packet that the rule matches. It is counted where it was matched, but under a
 * limit here, behind the gate. */
static struct ir_chain *act_rules(struct lower *l, const struct rule *rule, const char *stem)
{
	struct ir_chain *c = chain_new(l, stem);
	struct ir_verdict v = plain_verdict(l, rule);
	struct ir_rule r = rule_new(l, rule);

	if (rule->q.add_to)
		add_source(l, c, rule);
	if (rule->q.log)
		add_log(l, c, rule);
	if (rule->q.limit.rate)
		rule_counter(l, &r);
	rule_verdict(l, &r, v.kind, v.target);
	chain_push(l, c, r);
	return c;
}

static struct ir_limit gate(const struct rule *rule)
{
	return (struct ir_limit){
		.rate = rule->q.limit.rate, .per = rule->q.limit.per, .burst = rule->q.limit.burst};
}

/* Its content is run time's: named by the rule, so that it lives as long as the rule does. */
const char *meter_name(struct arena *a, const struct rule *rule, enum family fam)
{
	char *what = arena_printf(a, "%u %s", rule->twin, rule->text);
	char hex[SHA256_HEX];

	sha256_hex(what, strlen(what), hex);
	return arena_printf(a, "meter.%.12s.v%d", hex, fam);
}

static const char *meter_set(struct lower *l, const struct rule *rule, enum family fam)
{
	struct ir_set *s = arena_new_of(l->arena, struct ir_set);
	const struct limit *q = &rule->q.limit;
	uint64_t refill = (uint64_t)q->burst * q->per / q->rate;

	*s = (struct ir_set){.dynamic = true, .nkeys = 1, .size = METER_SIZE, .at = rule->span};
	s->keys[0] = fam == FAM_IP4 ? F_IP_SADDR : F_IP6_SADDR;
	s->timeout = refill > METER_TIMEOUT ? refill : METER_TIMEOUT;
	s->stem = "meter";
	s->name = meter_name(l->arena, rule, fam);
	if (!ruleset_set(l->r, s->name))
		ruleset_add_set(l->r, s);
	return s->name;
}

/* The gate of a rule with a limit: a packet over the rate falls through and goes on to the next
 * rule. Written as "under the rate", so that a full table of sources admits nothing. */
static void add_gates(struct lower *l, struct ir_chain *c, const struct rule *rule,
		      const struct ir_rule *then)
{
	for (int i = 0; i < (rule->q.limit.per_source ? 2 : 1); i++) {
		enum family fam = i ? FAM_IP6 : FAM_IP4;
		struct ir_rule r = rule_new(l, rule);

		if (rule->q.limit.per_source) {
			struct ir_stmt *s = rule_stmt(l, &r, IR_ADD);

			s->add.set = meter_set(l, rule, fam);
			s->add.update = true;
			s->add.key = (struct ir_sel){.n = 1, .f = {i ? F_IP6_SADDR : F_IP_SADDR}};
			s->add.has_limit = true;
			s->add.limit = gate(rule);
		} else {
			rule_stmt(l, &r, IR_LIMIT)->limit = gate(rule);
		}
		for (size_t j = 0; j < then->stmts.n; j++)
			*rule_stmt(l, &r, then->stmts.v[j].kind) = then->stmts.v[j];
		chain_push(l, c, r);
	}
}

static const char *body_chain(struct lower *l, size_t i)
{
	const struct rule *rule = &l->p->rules.v[i];
	const char *stem = rule->twin ? arena_printf(l->arena, "rule-%u", rule->twin) : "rule";
	struct ir_chain *act, *c;
	struct ir_rule then = {0};

	if (l->body[i])
		return l->body[i];
	act = act_rules(l, rule, stem);
	if (rule->q.limit.rate) {
		c = chain_new(l, rule->twin ? arena_printf(l->arena, "limit-%u", rule->twin)
					    : "limit");
		if (act->rules.n == 1)
			then = act->rules.v[0];
		else
			rule_verdict(l, &then, V_GOTO, ruleset_seal_chain(l->r, act)->name);
		add_gates(l, c, rule, &then);
		act = c;
	}
	l->body[i] = ruleset_seal_chain(l->r, act)->name;
	return l->body[i];
}

const char *act_chain(struct lower *l, const struct rule *rule)
{
	const char *stem = rule->twin ? arena_printf(l->arena, "rule-%u", rule->twin) : "rule";

	return ruleset_seal_chain(l->r, act_rules(l, rule, stem))->name;
}

struct ir_verdict rule_decision(struct lower *l, size_t i, bool *counted)
{
	const struct rule *rule = &l->p->rules.v[i];

	*counted = rule->q.limit.rate;
	if (!*counted && !rule->q.log && !rule->q.add_to)
		return plain_verdict(l, rule);
	return (struct ir_verdict){*counted ? V_JUMP : V_GOTO, body_chain(l, i)};
}

static bool endpoint_at(const struct endpoint *e, int place)
{
	for (size_t i = 0; i < e->items.n; i++)
		if (item_at(&e->items.v[i], place))
			return true;
	return false;
}

bool rule_applies(struct lower *l, size_t i, int from, int to)
{
	const struct rule *rule = &l->p->rules.v[i];

	return !rule->q.absent && endpoint_at(&rule->from, from) && endpoint_at(&rule->to, to);
}

void lower_rule(struct lower *l, struct ir_chain *c, size_t i, int from, int to)
{
	const struct rule *rule = &l->p->rules.v[i];
	struct side src = side_at(l, &rule->from, from), dst = side_at(l, &rule->to, to);
	struct forms forms = forms_of_rule(l, &rule->q, &src, &dst);

	for (size_t f = 0; f < forms.n; f++) {
		struct ir_rule base = rule_new(l, rule);
		struct ir_rules out = {0};

		match_form(l, &base, &forms.v[f]);
		match_words(l, &base, &rule->q, forms.v[f].family);
		if (rule->published) {
			match_bits(l, &base, F_CT_STATUS, 32 /* IPS_DST_NAT */);
			match_called(l, &out, &base, &rule->services, forms.v[f].family);
		} else {
			match_services(l, &out, &base, &rule->services, forms.v[f].family);
		}
		for (size_t k = 0; k < out.n; k++) {
			bool counted;
			struct ir_verdict v = rule_decision(l, i, &counted);

			if (!counted)
				rule_counter(l, &out.v[k]);
			rule_verdict(l, &out.v[k], v.kind, v.target);
			chain_push(l, c, out.v[k]);
		}
	}
}
