/* SPDX-License-Identifier: GPL-2.0-or-later
 * untracked and offload statements of which the rules let nothing pass, and untracked ones whose
 * packets are to be translated.
 */
#include <string.h>

#include "lang/lang.h"
#include "space/findings.h"
#include "space/journey.h"

static const enum station hooks[] = {AT_INPUT, AT_FORWARD, AT_OUTPUT};

/* ---- what no rule allows ---- */

static uint32_t to_passing(void *ctx, uint32_t v)
{
	enum fate fate = v ? outcome_of(ctx, v)->fate : FATE_NONE;

	return fate == FATE_ACCEPT;
}

/* Neighbours, routers and listeners are let in without a rule. */
static dd_ref of_rules(struct mean *m)
{
	struct services s = {.icmpv6 = icmp_untracked(FAM_IP6)};
	struct ival redirects = {141, 142};

	vec_push(m->arena, &s.protocols, ((struct ival){2, 2}));
	return dd_not(m->dd, dd_or(m->dd, mean_services(m, &s),
				   dd_and(m->dd, schema_one(&m->schema, DIM_PROTO, 58),
					  schema_ranges(&m->schema, DIM_TYPE, 8, &redirects, 1,
							u128_max(8), DD_TRUE))));
}

static bool passes_at(struct mean *m, const struct policy *p, const struct rule *r, dd_ref of,
		      enum station at)
{
	dd_ref says =
		dd_and(m->dd, mean_rule_match(m, p, r, at), schema_possible(&m->schema, at));
	struct numbers rules = {0}, untracked = {0};

	says = dd_and(m->dd, says, of);
	if (says == DD_FALSE)
		return false;
	rules_asked(p, m->arena, r, &rules);
	untracked_asked(p, m->arena, r, &untracked);
	m->within = says;
	m->keep = &rules;
	m->untracked = &untracked;
	says = mean_policy(m, p, at);
	m->within = DD_TRUE;
	m->keep = m->untracked = NULL;
	return dd_map(m->dd, says, to_passing, &m->outcomes) != DD_FALSE;
}

static void look_at_rules(struct mean *m, const struct policy *p, struct diag *diag,
			  const struct untracked *u)
{
	static const char word[] = "untracked ";
	dd_ref of = dd_and(m->dd, of_rules(m), schema_one(&m->schema, DIM_CT_STATE, CT_UNTRACKED));

	for (int i = 0; i < 3; i++)
		if (passes_at(m, p, &u->there, of, hooks[i]) || dd_exhausted(m->dd))
			return;
	diag_hint(diag,
		  diag_warning(diag, u->span,
			       "no rule allows anything of this: untracked by itself opens "
			       "nothing"),
		  "add: allow %s", u->text + sizeof(word) - 1);
}

/* What an inspector lets pass is not offloaded. */
static void look_at_offload(struct mean *m, const struct policy *p, struct diag *diag,
			    const struct offload *o)
{
	static const char word[] = "offload ";
	const char *pair = o->rule.text + sizeof(word) - 1;
	const char *end = strstr(pair, " hardware");

	if (passes_at(m, p, &o->rule, mean_opens(m), AT_FORWARD) || dd_exhausted(m->dd))
		return;
	diag_hint(diag,
		  diag_warning(diag, o->rule.span,
			       "no rule allows anything of this: offload by itself opens nothing"),
		  "add: allow %.*s", end ? (int)(end - pair) : (int)strlen(pair), pair);
}

/* ---- what is to be translated ---- */

static dd_ref decided(struct mean *m, dd_ref says)
{
	return dd_not(m->dd, dd_not(m->dd, says));
}

/* What this machine sends for others has its address: answers to that look like answers to it. */
static bool meets_own(struct mean *m, struct policy *p, size_t nat, const struct untracked *u)
{
	struct nat *n = &p->nats.v[nat], back = *n;
	struct place_item self = {.at = AT_SELF, .addrs = {.all = true}, .span = n->span};
	dd_ref region;

	if (!endpoint_at(&u->there.from, PLACE_SELF))
		return false;
	n->from = (struct endpoint){.span = n->span};
	vec_push(m->arena, &n->from.items, self);
	region = decided(m, mean_nat(m, p, nat, NAT_POSTROUTING));
	*n = back;
	return !dd_disjoint(m->dd, region, mean_rule_match(m, p, &u->there, AT_OUTPUT));
}

static bool meets_source(struct mean *m, struct policy *p, size_t nat, const struct untracked *u,
			 dd_ref before)
{
	dd_ref region = decided(m, mean_nat(m, p, nat, NAT_POSTROUTING));

	region = dd_and(m->dd, region, dd_not(m->dd, before));
	return !dd_disjoint(m->dd, region, mean_rule_match(m, p, &u->there, AT_FORWARD)) ||
	       !dd_disjoint(m->dd, region, mean_rule_match(m, p, &u->there, AT_OUTPUT)) ||
	       meets_own(m, p, nat, u);
}

/* Before it is translated, or behind that: then what comes back is not. */
static bool meets_dest(struct mean *m, const struct policy *p, size_t nat,
		       const struct untracked *u)
{
	struct legs legs = {0};
	bool meets = false;

	journey_of_nat(m, p, nat, false, &legs);
	m->within = DD_TRUE;
	for (size_t i = 0; i < legs.n; i++) {
		const struct leg *leg = &legs.v[i];
		dd_ref it = mean_untracked_match(m, p, u, AT_PREROUTING);

		meets = meets || !dd_disjoint(m->dd, leg->arrival, it);
		if (leg->at == AT_INPUT || leg->at == AT_FORWARD)
			meets = meets || !dd_disjoint(m->dd, leg->there,
						      mean_rule_match(m, p, &u->there, leg->at));
	}
	return meets;
}

static void look_at_nats(struct mean *m, struct policy *p, struct diag *diag,
			 const struct untracked *u)
{
	dd_ref before = DD_FALSE;

	for (size_t i = 0; i < p->nats.n && !dd_exhausted(m->dd); i++) {
		const struct nat *n = &p->nats.v[i];
		bool dest = n->kind == NAT_DNAT || n->kind == NAT_REDIRECT, meets = false;

		if (!untracked_meets_nat(u, n))
			continue;
		if (dest)
			meets = meets_dest(m, p, i, u);
		else if (n->kind != NAT_NONE)
			meets = meets_source(m, p, i, u, before);
		if (!dest)
			before = dd_or(m->dd, before,
				       decided(m, mean_nat(m, p, i, NAT_POSTROUTING)));
		if (!meets || dd_exhausted(m->dd))
			continue;
		diag_note(
			diag,
			diag_warning(diag, u->span,
				     "what is not tracked is not translated, nor translated back, "
				     "and these packets are to be"),
			n->span, "by this statement");
		return;
	}
}

static void look_at(struct mean *m, struct policy *p, struct diag *diag, size_t i)
{
	if (i >= p->untracked.n) {
		look_at_offload(m, p, diag, &p->offloads.v[i - p->untracked.n]);
		return;
	}
	look_at_rules(m, p, diag, &p->untracked.v[i]);
	look_at_nats(m, p, diag, &p->untracked.v[i]);
}

bool findings_untracked(struct policy *p, struct arena *a, struct diag *diag,
			struct dd_budget budget)
{
	return findings_each(p, a, diag, budget, p->untracked.n + p->offloads.n, look_at);
}
