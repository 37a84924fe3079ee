/* SPDX-License-Identifier: GPL-2.0-or-later
 * What a policy's rule does with the packets that it matches, as fwc.policy(5) defines it: limits,
 * logs, changes of sets, the verdict, and what else says.
 */
#include <netinet/in.h>
#include <string.h>

#include "lang/lang.h"
#include "nft/lower.h"
#include "space/mean.h"

/* ---- limits: free conditions, whose names say what is counted and by whom ---- */

static const char *by_whom(struct mean *m, const struct per *per, enum family fam)
{
	unsigned prefix = fam == FAM_IP4 ? per->prefix4 : per->prefix6;

	if (!per->source)
		return "ct state & 0x00000000000000001";
	return prefix ? arena_printf(m->arena, "source/%u", prefix) : "source";
}

static const char *rate_text(struct mean *m, const struct rule *r, enum family fam)
{
	const struct limit *q = &r->q.limit;
	struct ir_limit limit = {.rate = q->rate, .per = q->unit, .burst = q->burst};
	const char *comment = ir_comment(m->arena, r->text), *what = "limit", *whom;

	if (!q->name && !q->per.source)
		return mean_rate(m, what, &limit, comment, r->twin);
	what = meter_name(m->arena, r, q->per.source ? fam : FAM_NONE);
	whom = by_whom(m, &q->per, fam);
	if (strcmp(whom, "source"))
		what = arena_printf(m->arena, "%s by %s", what, whom);
	return mean_rate(m, what, &limit, comment, 0);
}

static const char *max_text(struct mean *m, const struct rule *r, enum family fam)
{
	const struct max *q = &r->q.max;
	const char *comment = ir_comment(m->arena, r->text);

	if (!q->per.source)
		return mean_count(m, "max", q->n, comment, r->twin);
	return mean_count(m,
			  arena_printf(m->arena, "%s by %s", max_name(m->arena, r, fam),
				       by_whom(m, &q->per, fam)),
			  q->n, comment, 0);
}

static dd_ref holds(struct mean *m, const struct rule *r, const struct per *per,
		    const char *(*text)(struct mean *, const struct rule *, enum family))
{
	dd_ref by_family[2];

	if (!per->source)
		return schema_condition(&m->schema, text(m, r, FAM_IP4));
	for (int i = 0; i < 2; i++) {
		enum family fam = i ? FAM_IP6 : FAM_IP4;

		by_family[i] = dd_and(m->dd, schema_family(&m->schema, fam),
				      schema_condition(&m->schema, text(m, r, fam)));
	}
	return dd_or(m->dd, by_family[0], by_family[1]);
}

static dd_ref gate(struct mean *m, const struct rule *r)
{
	dd_ref open = DD_TRUE;

	if (r->q.limit.rate)
		open = dd_and(m->dd, open, holds(m, r, &r->q.limit.per, rate_text));
	if (r->q.max.n)
		open = dd_and(m->dd, open, holds(m, r, &r->q.max.per, max_text));
	return open;
}

/* ---- acts ---- */

static dd_ref change(struct mean *m, const struct set_change *c)
{
	dd_ref all = DD_UNDECIDED;

	for (int i = 0; i < 2; i++) {
		const char *text =
			mean_change_text(m, c->destination ? "destination" : "source",
					 arena_printf(m->arena, "%s.v%d", c->set->name, i ? 6 : 4),
					 c->remove, c->seconds);
		dd_ref family = schema_family(&m->schema, i ? FAM_IP6 : FAM_IP4);

		all = dd_seq(m->dd, all, dd_restrict(m->dd, family, mean_effect(m, text)));
	}
	return all;
}

/* A line in a log while its rate holds. */
static dd_ref log_line(struct mean *m, const struct log *log, const char *plain, const char *what,
		       const char *text, unsigned twin)
{
	struct ir_limit rate = log_rate(log);
	const char *line =
		mean_log_text(m, log_prefix(m->arena, log, plain), log->level == 5 ? 0 : log->level,
			      log->nflog ? log->group : -1);
	dd_ref still = schema_condition(
		&m->schema, mean_rate(m, what, &rate, ir_comment(m->arena, text), twin));

	return dd_restrict(m->dd, still, mean_effect(m, line));
}

dd_ref mean_builtin_log(struct mean *m, const struct builtin_log *l, const char *what)
{
	return l->log.on ? log_line(m, &l->log, "", what, l->text, 0) : DD_UNDECIDED;
}

/* Who asks by multicast is remembered. */
static dd_ref remember(struct mean *m, const struct ivset *ports)
{
	dd_ref all = DD_UNDECIDED, asks;
	struct ival groups[] = {{0xe0000000, 0xefffffff}, {(u128)0xff << 120, u128_max(128)}};

	asks = dd_and(m->dd, schema_one(&m->schema, DIM_PROTO, IPPROTO_UDP),
		      schema_ranges(&m->schema, DIM_DPORT, 16, ports->v, ports->n, u128_max(16),
				    DD_TRUE));
	for (int i = 0; i < 2; i++) {
		enum family fam = i ? FAM_IP6 : FAM_IP4;
		struct ivset to = {.v = &groups[i], .n = 1};
		const char *text = mean_change_text(m, "source . udp sport",
						    answers_name(m->arena, fam), false, 0);

		all = dd_seq(m->dd, all,
			     dd_restrict(m->dd,
					 dd_and(m->dd, asks,
						schema_addrs(&m->schema, DIM_DADDR, fam, &to)),
					 mean_effect(m, text)));
	}
	return all;
}

static dd_ref acts(struct mean *m, const struct acts *a, enum verb verb, const char *what,
		   const char *text, unsigned twin)
{
	const struct set_change *c;
	dd_ref all = DD_UNDECIDED;

	vec_each (&a->changes, c)
		all = dd_seq(m->dd, all, change(m, c));
	if (a->log.on)
		all = dd_seq(m->dd, all, log_line(m, &a->log, verb_name(verb), what, text, twin));
	return all;
}

static dd_ref decision(struct mean *m, const struct policy *p, const struct rule *r, enum verb verb,
		       const struct line *line, enum station at)
{
	switch (verb) {
	case VERB_ALLOW:
		return mean_outcome(m, FATE_ACCEPT, NULL, line);
	case VERB_INSPECT:
		return mean_inspected(m, p, r, line, at);
	case VERB_REJECT:
		if (at != AT_POSTROUTING) /* where the kernel cannot reject */
			return mean_reject(m, line);
		break;
	case VERB_DROP:
		break;
	}
	return mean_outcome(m, FATE_DROP, NULL, line);
}

dd_ref mean_drop(struct mean *m, const struct rule *r, const struct line *line)
{
	return dd_seq(m->dd, acts(m, &r->q.acts, VERB_DROP, "rule", r->text, r->twin),
		      mean_outcome(m, FATE_DROP, NULL, line));
}

dd_ref mean_acts(struct mean *m, const struct policy *p, size_t rule, enum station at)
{
	const struct rule *r = &p->rules.v[rule];
	const struct otherwise *o = &r->otherwise;
	const struct line *line = mean_rule_line(m, p, rule);
	dd_ref says = decision(m, p, r, r->verb, line, at), rest;
	bool asks = r->questions.n && at == AT_OUTPUT;

	if (r->q.helpers.n)
		says = dd_seq(m->dd, mean_helpers(m, r), says);
	if (acts_any(&r->q.acts))
		says = dd_seq(m->dd, acts(m, &r->q.acts, r->verb, "rule", r->text, r->twin), says);
	if (asks && r->verb == VERB_ALLOW)
		says = dd_seq(m->dd, remember(m, &r->questions), says);
	if (!rule_is_gated(r))
		return says;
	if (r->q.quota)
		says = mean_behind_quota(m, r->q.quota, says);
	says = dd_restrict(m->dd, gate(m, r), says);
	if (!o->on)
		return says;
	rest = acts(m, &o->acts, o->verb,
		    r->q.limit.rate ? "limit"
		    : r->q.max.n    ? "max"
				    : "quota",
		    o->text, r->twin);
	rest = dd_seq(m->dd, rest, decision(m, p, r, o->verb, line, at));
	if (asks && o->verb == VERB_ALLOW)
		rest = dd_seq(m->dd, remember(m, &r->questions), rest);
	return dd_seq(m->dd, says, rest);
}
