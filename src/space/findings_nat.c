/* SPDX-License-Identifier: GPL-2.0-or-later
 * Translations, and clamps of the MSS, of which the filter lets nothing pass.
 */
#include "lang/lang.h"
#include "space/findings.h"
#include "space/journey.h"

#define NODES_TOGETHER ((size_t)64 << 10)

static uint32_t to_passing(void *ctx, uint32_t v)
{
	enum fate fate = v ? outcome_of(ctx, v)->fate : FATE_NONE;

	return fate == FATE_ACCEPT || fate == FATE_INSPECT;
}

static bool passes(struct mean *m, dd_ref says)
{
	return dd_map(m->dd, says, to_passing, &m->outcomes) != DD_FALSE;
}

/* By a line of the policy: that loopback is open says nothing of what others send. */
static uint32_t to_allowed(void *ctx, uint32_t v)
{
	const struct line *line = v ? outcome_of(ctx, v)->line : NULL;

	return line && line->at.src && to_passing(ctx, v);
}

/* ---- of the destination ---- */

static void report_closed(struct diag *diag, struct mean *m, const struct policy *p,
			  const struct nat *n, const struct legs *legs)
{
	struct diag_record *r = diag_warning(
		diag, n->span,
		"the rules drop all that this translates: NAT by itself opens nothing");

	for (size_t i = 0; i < legs->n; i++) {
		struct packet packet;
		const struct outcome *x;

		if (!schema_witness(&m->schema, legs->v[i].there, &packet))
			continue;
		x = outcome_of(&m->outcomes, schema_at(&m->schema, legs->v[i].fate, &packet));
		if (x->line && x->line->at.src)
			diag_note(diag, r, x->line->at, "this line decides first");
		else
			diag_hint(diag, r, "add: allow %s", nat_missing_rule(p, n));
		return;
	}
}

static void look_at_dest(struct mean *m, struct policy *p, struct diag *diag, size_t nat)
{
	const struct place_item *item;
	struct legs legs = {0};
	bool some = false, of_self = false, of_others = false;

	journey_of_nat(m, p, nat, false, &legs);
	vec_each (&p->nats.v[nat].from.items, item) {
		of_self |= item_has(item, PLACE_SELF);
		of_others |= !item_is_self(item);
	}
	if (of_self)
		journey_of_nat(m, p, nat, true, &legs);
	for (size_t i = 0; i < legs.n; i++)
		some |= dd_map(m->dd, legs.v[i].fate, of_others ? to_allowed : to_passing,
			       &m->outcomes) != DD_FALSE;
	if (some || !legs.n || dd_exhausted(m->dd))
		return;
	report_closed(diag, m, p, &p->nats.v[nat], &legs);
	p->nats.v[nat].closed = true;
}

/* ---- of the source, and clamps: by what leaves ---- */

static const enum station leaving[] = {AT_FORWARD, AT_OUTPUT, AT_POSTROUTING};

/* Whether a connection is opened that has packets in the region; rules: that may be about these. */
static bool opens_at(struct mean *m, const struct policy *p, enum station at, dd_ref region,
		     const struct numbers *rules)
{
	dd_ref says;

	region = dd_and(m->dd, region, schema_possible(&m->schema, at));
	m->within = dd_and(m->dd, region, mean_opens(m));
	if (m->within == DD_FALSE || (at == AT_POSTROUTING && !policy_translates_self(p)))
		return false;
	m->keep = rules;
	says = mean_policy(m, p, at);
	m->within = DD_TRUE;
	m->keep = NULL;
	return passes(m, says);
}

static dd_ref translates(struct mean *m, const struct policy *p, size_t nat)
{
	m->within = DD_TRUE;
	return dd_not(m->dd, dd_not(m->dd, mean_nat(m, p, nat, NAT_POSTROUTING)));
}

static bool source_opens(struct mean *m, const struct policy *p, size_t nat)
{
	const struct nat *n = &p->nats.v[nat];
	struct rule as = {.from = n->from, .to = n->to, .services = n->services};
	dd_ref region = translates(m, p, nat);
	struct numbers rules = {0};

	as.q.family = n->family;
	rules_asked(p, m->arena, &as, &rules);
	for (int i = 0; i < 3; i++)
		if (opens_at(m, p, leaving[i], region, &rules))
			return true;
	return region == DD_FALSE; /* of that is told elsewhere */
}

static bool clamp_opens(struct mean *m, const struct policy *p, size_t clamp)
{
	const struct clamp *c = &p->clamps.v[clamp];
	struct rule as = {.services = {.any = true}};
	struct numbers rules = {0};
	const struct place_item *i;
	bool some = false;

	vec_each (&c->from.items, i)
		vec_push(m->arena, &as.from.items, *i);
	vec_each (&c->to.items, i)
		vec_push(m->arena, &as.from.items, *i);
	as.to = as.from; /* both ways */
	rules_asked(p, m->arena, &as, &rules);
	for (int k = 0; k < 2; k++) {
		dd_ref region;

		m->within = DD_TRUE;
		region = mean_clamp(m, p, clamp, leaving[k]);
		if (opens_at(m, p, leaving[k], region, &rules))
			return true;
		some |= region != DD_FALSE;
	}
	return !some;
}

static const char *side_text(struct arena *a, const struct endpoint *e)
{
	return span_text(a, span_join(e->items.v[0].span, e->items.v[e->items.n - 1].span));
}

static const char *pair_text(struct arena *a, const struct endpoint *from,
			     const struct endpoint *to, const struct nat *n)
{
	const char *text = arena_printf(a, "%s -> %s", side_text(a, from), side_text(a, to));

	for (size_t i = 0; n && i < n->parts.n; i++)
		if (*n->parts.v[i].text)
			text = arena_printf(a, "%s%s %s", text, i ? "," : "", n->parts.v[i].text);
	return text;
}

static void look_at_source(struct mean *m, struct policy *p, struct diag *diag, size_t nat)
{
	struct nat *n = &p->nats.v[nat], back = *n;
	struct diag_record *r;
	bool other_way;

	if (source_opens(m, p, nat) || dd_exhausted(m->dd))
		return;
	n->from = back.to;
	n->to = back.from;
	other_way = source_opens(m, p, nat);
	*n = back;
	if (dd_exhausted(m->dd))
		return;
	r = diag_warning(diag, n->span,
			 "no rule allows %s, which this translates: NAT by itself opens nothing",
			 pair_text(m->arena, &n->from, &n->to, n));
	if (other_way)
		diag_hint(diag, r, "the rules allow the opposite direction: %s %s",
			  nat_name(n->kind), pair_text(m->arena, &n->to, &n->from, n));
	else
		diag_hint(diag, r, "add: allow %s", pair_text(m->arena, &n->from, &n->to, n));
	n->closed = true;
}

/* netmap: its two halves stand behind each other. */
static void look_at_map(struct mean *m, struct policy *p, struct diag *diag, size_t nat)
{
	struct nat *n = &p->nats.v[nat];
	struct legs legs = {0};
	struct diag_record *r;
	const char *from, *to;
	bool some = source_opens(m, p, nat);

	if (!some)
		journey_of_nat(m, p, nat + 1, false, &legs);
	for (size_t i = 0; i < legs.n; i++)
		some |= passes(m, legs.v[i].fate);
	if (dd_exhausted(m->dd))
		return;
	n[0].closed = n[1].closed = true; /* told here, or there is nothing to tell */
	if (some || !legs.n) /* without legs, of that is told elsewhere */
		return;
	from = side_text(m->arena, &n->from);
	to = side_text(m->arena, &n->to);
	r = diag_warning(diag, n->span,
			 "no rule allows what this translates, neither %s -> %s nor %s -> %s: NAT "
			 "by itself opens nothing",
			 from, to, to, from);
	diag_hint(diag, r, "add: allow %s", pair_text(m->arena, &n->from, &n->to, n));
}

static void look_at_clamp(struct mean *m, struct policy *p, struct diag *diag, size_t clamp)
{
	const struct clamp *k = &p->clamps.v[clamp];

	if (clamp_opens(m, p, clamp) || dd_exhausted(m->dd))
		return;
	diag_hint(diag,
		  diag_warning(diag, k->span, "no rule allows TCP %s, or back: this clamps nothing",
			       pair_text(m->arena, &k->from, &k->to, NULL)),
		  "add: allow %s tcp", pair_text(m->arena, &k->from, &k->to, NULL));
}

/* ---- all of them ---- */

/* A translation, or behind them a clamp. */
static void look_at(struct mean *m, struct policy *p, struct diag *diag, size_t i)
{
	const struct nat *n = i < p->nats.n ? &p->nats.v[i] : NULL;

	if (n && n->closed)
		return;
	if (!n)
		look_at_clamp(m, p, diag, i - p->nats.n);
	else if (n->netmap)
		look_at_map(m, p, diag, i);
	else if (n->kind == NAT_DNAT || n->kind == NAT_REDIRECT)
		look_at_dest(m, p, diag, i);
	else if (n->kind != NAT_NONE)
		look_at_source(m, p, diag, i);
}

bool findings_each(struct policy *p, struct arena *a, struct diag *diag, struct dd_budget budget,
		   size_t n,
		   void (*look)(struct mean *m, struct policy *p, struct diag *diag, size_t i))
{
	bool whole = true;
	size_t i = 0;

	while (i < n && whole) {
		bool alone = true;
		struct mean m;

		mean_init(&m, a, budget);
		m.fates = true;
		schema_add_policy(&m.schema, p);
		for (; i < n && (alone || dd_nodes(m.dd) < NODES_TOGETHER); i++) {
			look(&m, p, diag, i);
			if (dd_exhausted(m.dd))
				break;
			alone = false;
		}
		whole = !dd_exhausted(m.dd) || !alone;
		mean_free(&m);
	}
	return whole;
}

bool findings_nats(struct policy *p, struct arena *a, struct diag *diag, struct dd_budget budget)
{
	return findings_each(p, a, diag, budget, p->nats.n + p->clamps.n, look_at);
}
