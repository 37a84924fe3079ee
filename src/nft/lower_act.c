/* SPDX-License-Identifier: GPL-2.0-or-later
 * What a policy rule does besides its verdict -> one chain of its own, to which every match goes:
 * so a rule has one token bucket however many nft rules it takes.
 *
 *	rule.HASH   helpers, changes of sets, log, verdict: each a rule, so that a set which is
 *		    full, or a log whose rate is exceeded, keeps no packet from what comes behind
 *	limit.HASH  the gate in front of it; what it does not let through meets what else says,
 *		    or goes on to the next rule of the policy
 *	max.HASH    the same for numbers of connections; behind the rate, where there are both
 *	quota.HASH  the same for a quota; behind both, so that it counts what is let in
 */
#include <string.h>

#include "lang/lang.h"
#include "nft/lower.h"
#include "util/sha256.h"

#define LOG_RATE 5 /* a second: a scan must not fill a disk */
#define LOG_BURST 20
#define ANSWERS_MAX 4096
#define METER_SIZE 65535
#define METER_TIMEOUT 60 /* seconds a silent source is remembered, at least */

struct whose { /* what the rules of a chain are for */
	const char *text;
	struct span at;
};

static struct ir_rule rule_new(struct lower *l, const struct whose *w)
{
	return (struct ir_rule){.comment = ir_comment(l->arena, w->text), .at = w->at};
}

/* ---- acts ---- */

struct ir_limit log_rate(const struct log *log)
{
	if (log->rate)
		return (struct ir_limit){.rate = log->rate, .per = log->unit, .burst = log->burst};
	return (struct ir_limit){.rate = LOG_RATE, .per = 1, .burst = LOG_BURST};
}

const char *log_prefix(struct arena *a, const struct log *log, const char *plain)
{
	return arena_printf(a, "fwc %s: ", log->tag ? log->tag : plain);
}

void push_log(struct lower *l, struct ir_chain *c, struct ir_rule r, const struct log *log,
	      const char *plain)
{
	struct ir_stmt *s;

	rule_stmt(l, &r, IR_LIMIT)->limit = log_rate(log);
	s = rule_stmt(l, &r, IR_LOG);
	s->log_prefix = log_prefix(l->arena, log, plain);
	s->log_level = log->level == 5 /* warning */ ? 0 : log->level;
	s->has_group = log->nflog;
	s->log_group = log->group;
	chain_push(l, c, r);
}

static void change_set(struct lower *l, struct ir_chain *c, const struct whose *w,
		       const struct set_change *change)
{
	static const enum field fields[2][2] = {{F_IP_SADDR, F_IP_DADDR},
						{F_IP6_SADDR, F_IP6_DADDR}};

	for (int i = 0; i < 2; i++) {
		struct ir_rule r = rule_new(l, w);
		struct ir_stmt *s = rule_stmt(l, &r, IR_ADD);

		s->add.set = dynset_name(l->arena, change->set, i ? FAM_IP6 : FAM_IP4);
		s->add.update = !change->remove;
		s->add.remove = change->remove;
		s->add.key = (struct ir_sel){.n = 1, .f = {fields[i][change->destination]}};
		s->add.timeout = change->seconds;
		chain_push(l, c, r);
	}
}

static const char *hashed(struct arena *a, const char *stem, const char *what, enum family fam)
{
	char hex[SHA256_HEX];

	sha256_hex(what, strlen(what), hex);
	if (fam == FAM_NONE)
		return arena_printf(a, "%s.%.12s", stem, hex);
	return arena_printf(a, "%s.%.12s.v%d", stem, hex, fam);
}

const char *answers_name(struct arena *a, enum family fam)
{
	return hashed(a, "answers", "questions by multicast", fam);
}

void lower_answer_sets(struct lower *l)
{
	static const enum field keys[2][2] = {{F_IP_DADDR, F_UDP_DPORT},
					      {F_IP6_DADDR, F_UDP_DPORT}};
	bool some = false;

	for (size_t i = 0; i < l->p->rules.n; i++)
		some |= l->p->rules.v[i].questions.n > 0;
	for (int i = 0; some && i < 2; i++) {
		struct ir_set *s = arena_new_of(l->arena, struct ir_set);

		*s = (struct ir_set){.stem = "answers",
				     .name = answers_name(l->arena, i ? FAM_IP6 : FAM_IP4),
				     .dynamic = true,
				     .nkeys = 2,
				     .keys = {keys[i][0], keys[i][1]},
				     .size = ANSWERS_MAX,
				     .timeout = ANSWERS_SECONDS};
		ruleset_add_set(l->r, s);
	}
}

/* Whoever asks is remembered, with the port that he asks from. Under a gate the chain is that of
 * all hooks, as a rule has one budget: what arrived here has an interface. */
static void remember_asking(struct lower *l, struct ir_chain *c, const struct whose *w,
			    const struct rule *rule)
{
	static const enum field to[] = {F_IP_DADDR, F_IP6_DADDR};
	static const enum field from[] = {F_IP_SADDR, F_IP6_SADDR};
	const struct ival groups[] = {{0xe0000000, 0xefffffff}, {(u128)0xff << 120, u128_max(128)}};

	for (int i = 0; i < 2; i++) {
		struct ir_rule r = rule_new(l, w);
		struct ir_stmt *s;

		if (rule_is_gated(rule))
			match_one(l, &r, F_IIF, 0);
		match_ival(l, &r, to[i], groups[i]);
		match_ivset(l, &r, F_UDP_DPORT, &rule->questions, "ports");
		s = rule_stmt(l, &r, IR_ADD);
		s->add.set = answers_name(l->arena, i ? FAM_IP6 : FAM_IP4);
		s->add.update = true;
		s->add.key = (struct ir_sel){.n = 2, .f = {from[i], F_UDP_SPORT}};
		chain_push(l, c, r);
	}
}

/* What happens to a packet that was matched. It is counted where that was, but under a gate here,
 * behind it. */
static void push_acts(struct lower *l, struct ir_chain *c, const struct whose *w,
		      const struct acts *acts, enum verb verb, struct ir_verdict v, bool counts,
		      const struct quota *quota)
{
	struct ir_rule r = rule_new(l, w);
	const struct set_change *change;

	vec_each (&acts->changes, change)
		change_set(l, c, w, change);
	if (acts->log.on)
		push_log(l, c, r, &acts->log, verb_name(verb));
	if (quota)
		rule_stmt(l, &r, IR_LABEL)->label = quota_label(quota);
	if (counts)
		rule_counter(l, &r);
	rule_verdict(l, &r, v.kind, v.target);
	chain_push(l, c, r);
}

/* ---- gates ---- */

/* Its content is run time's: named by the rule, so that it lives as long as the rule does; or by
 * the limit that rules share. */
const char *meter_name(struct arena *a, const struct rule *rule, enum family fam)
{
	const struct limit *q = &rule->q.limit;

	if (q->name)
		return hashed(a, "limit",
			      arena_printf(a, "%s %u/%u %u %d/%u/%u", q->name, q->rate, q->unit,
					   q->burst, q->per.source, q->per.prefix4, q->per.prefix6),
			      fam);
	return hashed(a, "meter", arena_printf(a, "%u %s", rule->twin, rule->text), fam);
}

const char *max_name(struct arena *a, const struct rule *rule, enum family fam)
{
	return hashed(a, "max", arena_printf(a, "%u %s", rule->twin, rule->text), fam);
}

static u128 prefix_mask(unsigned prefix, unsigned bits)
{
	return prefix ? u128_max(bits) ^ u128_max(bits - prefix) : 0;
}

struct ir_sel per_key(const struct per *per, enum family fam)
{
	struct ir_sel key = {.n = 1};

	if (!per->source) { /* what is the same of all packets: invalid ones were dropped */
		key.f[0] = F_CT_STATE;
		key.mask[0] = 1;
	} else if (fam == FAM_IP4) {
		key.f[0] = F_IP_SADDR;
		key.mask[0] = prefix_mask(per->prefix4, 32);
	} else {
		key.f[0] = F_IP6_SADDR;
		key.mask[0] = prefix_mask(per->prefix6, 128);
	}
	return key;
}

static void add_meter(struct lower *l, struct ir_set s)
{
	struct ir_set *set = arena_new_of(l->arena, struct ir_set);

	if (ruleset_set(l->r, s.name))
		return;
	s.dynamic = true;
	s.nkeys = 1;
	*set = s;
	ruleset_add_set(l->r, set);
}

static void match_limit(struct lower *l, struct ir_rule *r, const struct rule *rule,
			enum family fam)
{
	const struct limit *q = &rule->q.limit;
	struct ir_limit rate = {.rate = q->rate, .per = q->unit, .burst = q->burst};
	uint64_t refill = (uint64_t)q->burst * q->unit / q->rate;
	struct ir_stmt *s;

	if (!q->name && !q->per.source) {
		rule_stmt(l, r, IR_LIMIT)->limit = rate;
		return;
	}
	s = rule_stmt(l, r, IR_ADD);
	s->add.set = meter_name(l->arena, rule, q->per.source ? fam : FAM_NONE);
	s->add.update = true;
	s->add.key = per_key(&q->per, fam);
	s->add.has_limit = true;
	s->add.limit = rate;
	add_meter(l, (struct ir_set){.stem = q->name ? "limit" : "meter",
				     .name = s->add.set,
				     .keys = {s->add.key.f[0]},
				     .size = q->per.source ? METER_SIZE : 1,
				     .timeout = refill > METER_TIMEOUT ? refill : METER_TIMEOUT,
				     .at = rule->span});
}

static void match_max(struct lower *l, struct ir_rule *r, const struct rule *rule, enum family fam)
{
	const struct max *q = &rule->q.max;
	struct ir_count count = {.n = q->n};
	struct ir_stmt *s;

	if (!q->per.source) {
		rule_stmt(l, r, IR_CT_COUNT)->ct_count = count;
		return;
	}
	s = rule_stmt(l, r, IR_ADD);
	s->add.set = max_name(l->arena, rule, fam);
	s->add.key = per_key(&q->per, fam);
	s->add.has_ct_count = true;
	s->add.ct_count = count;
	/* the kernel forgets sources by itself when their connections have ended */
	add_meter(l, (struct ir_set){.stem = "max",
				     .name = s->add.set,
				     .keys = {s->add.key.f[0]},
				     .size = METER_SIZE,
				     .lasting = true,
				     .at = rule->span});
}

static void add_stmts(struct lower *l, struct ir_rule *r, const struct ir_rule *then)
{
	for (size_t i = 0; i < then->stmts.n; i++)
		*rule_stmt(l, r, then->stmts.v[i].kind) = then->stmts.v[i];
}

/* The gate: a packet beyond it falls through. Written as "within", so that a full table of sources
 * admits nothing. */
static void push_gate(struct lower *l, struct ir_chain *c, const struct rule *rule,
		      const struct per *per,
		      void (*match)(struct lower *, struct ir_rule *, const struct rule *,
				    enum family),
		      const struct ir_rule *then)
{
	for (int i = 0; i < (per->source ? 2 : 1); i++) {
		struct ir_rule r = rule_new(l, &(struct whose){rule->text, rule->span});

		match(l, &r, rule, i ? FAM_IP6 : FAM_IP4);
		add_stmts(l, &r, then);
		chain_push(l, c, r);
	}
}

/* ---- chains ---- */

static struct ir_chain *chain_of(struct lower *l, const struct rule *rule, const char *stem)
{
	return chain_new(l, rule->twin ? arena_printf(l->arena, "%s-%u", stem, rule->twin) : stem);
}

static struct ir_chain *gated(struct lower *l, const struct rule *rule, struct ir_chain *act)
{
	struct ir_rule then = {0};
	struct ir_chain *c = NULL;

	if (act->rules.n == 1)
		then = act->rules.v[0];
	else
		rule_verdict(l, &then, V_GOTO, ruleset_seal_chain(l->r, act)->name);

	if (rule->q.quota) {
		struct ir_rule r = rule_new(l, &(struct whose){rule->text, rule->span});

		c = chain_of(l, rule, "quota");
		match_quota(l, &r, rule->q.quota);
		add_stmts(l, &r, &then);
		chain_push(l, c, r);
	}
	if (rule->q.max.n) {
		/* A chain of its own: what the gate within keeps back comes back, to meet the same
		 * as what this one does. */
		if (c) {
			then = (struct ir_rule){0};
			rule_verdict(l, &then, V_JUMP, ruleset_seal_chain(l->r, c)->name);
		}
		c = chain_of(l, rule, "max");
		push_gate(l, c, rule, &rule->q.max.per, match_max, &then);
	}
	if (rule->q.limit.rate) {
		/* the same; of a number of connections also because both families have one */
		if (c) {
			then = (struct ir_rule){0};
			rule_verdict(l, &then, V_JUMP, ruleset_seal_chain(l->r, c)->name);
		}
		c = chain_of(l, rule, "limit");
		push_gate(l, c, rule, &rule->q.limit.per, match_limit, &then);
	}
	return c;
}

const char *lower_body(struct lower *l, size_t i, bool asks)
{
	const struct rule *rule = &l->p->rules.v[i];
	const struct otherwise *o = &rule->otherwise;
	struct whose whose = {rule->text, rule->span};
	const char **body;
	struct ir_chain *c;

	asks |= rule->questions.n && rule_is_gated(rule) && !l->silent;
	body = asks ? &l->asking[i] : &l->body[i];
	if (*body)
		return *body;
	c = chain_of(l, rule, "rule");
	push_helpers(l, c, rule);
	if (asks && rule->verb == VERB_ALLOW)
		remember_asking(l, c, &whose, rule);
	push_acts(l, c, &whose, &rule->q.acts, rule->verb, plain_verdict(l, rule, rule->verb),
		  rule_is_gated(rule), rule->q.quota);
	if (rule_is_gated(rule))
		c = gated(l, rule, c);
	if (o->on) {
		whose = (struct whose){o->text, o->span};
		if (asks && o->verb == VERB_ALLOW)
			remember_asking(l, c, &whose, rule);
		push_acts(l, c, &whose, &o->acts, o->verb, plain_verdict(l, rule, o->verb), true,
			  NULL);
	}
	*body = ruleset_seal_chain(l->r, c)->name;
	return *body;
}

const char *act_chain(struct lower *l, const struct rule *rule)
{
	struct whose whose = {rule->text, rule->span};
	struct ir_chain *c = chain_of(l, rule, "rule");

	push_acts(l, c, &whose, &rule->q.acts, rule->verb, plain_verdict(l, rule, rule->verb),
		  false, NULL);
	return ruleset_seal_chain(l->r, c)->name;
}

/* ---- what fwc drops by itself ---- */

const char *lower_log(struct lower *l, enum log_of which)
{
	const struct builtin_log *log = &l->p->logs[which];
	struct whose whose = {log->text, log->span};
	struct ir_chain *c;
	struct ir_rule drop = {.comment = ir_comment(l->arena, "fwc: invalid")};

	if (!log->log.on)
		return NULL;
	c = chain_new(l, which == LOG_INVALID ? "invalid" : "unmatched");
	push_log(l, c, rule_new(l, &whose), &log->log, "");
	if (which == LOG_INVALID) {
		rule_verdict(l, &drop, V_DROP, NULL);
		chain_push(l, c, drop);
	}
	return ruleset_seal_chain(l->r, c)->name;
}
