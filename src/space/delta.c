/* SPDX-License-Identifier: GPL-2.0-or-later
 * Two sides -> groups of packets that fare otherwise.
 */
#include "space/delta.h"

#include <string.h>
#include <time.h>

#include "space/delta_near.h"
#include "space/packet.h"
#include "util/progress.h"

#define PRODUCTS_MAX 12 /* of a group; more than a screen helps nobody */

const char *delta_kind_text(enum delta_kind k)
{
	static const char *const words[] = {
		[DELTA_ALLOWED] = "newly allowed",     [DELTA_DROPPED] = "newly dropped",
		[DELTA_INSPECTED] = "newly inspected", [DELTA_TRANSLATED] = "translated otherwise",
		[DELTA_OTHER] = "otherwise changed",
	};

	return words[k];
}

static bool refuses(enum fate f)
{
	return f == FATE_DROP || f == FATE_REJECT || f == FATE_UNKNOWN;
}

static enum delta_kind kind_of(const struct outcome *x, const struct outcome *y)
{
	if (x->fate == FATE_TRANSLATE || y->fate == FATE_TRANSLATE)
		return DELTA_TRANSLATED;
	if (x->fate == y->fate)
		return DELTA_OTHER;
	if (y->fate == FATE_ACCEPT)
		return DELTA_ALLOWED;
	if (y->fate == FATE_INSPECT)
		return DELTA_INSPECTED;
	return refuses(x->fate) ? DELTA_OTHER : DELTA_DROPPED;
}

/* ---- the two sides at a station ---- */

struct comparison {
	struct mean m;
	const struct delta_side *side[2];
	bool whole; /* all packets are looked at */
	bool narrow; /* only packets of changed rules are */
	struct delta_rules rules;
	const struct ir_ruleset *near[2]; /* of rulesets what can matter at this station */
	enum station at;
};

static dd_ref says(struct comparison *c, int which)
{
	const struct delta_side *s = c->side[which];

	c->m.line_of = s->line_of;
	c->m.line_ctx = s->line_ctx;
	if (!s->policy)
		return mean_ruleset(&c->m, c->near[which], c->at);
	c->m.keep = c->narrow ? &c->rules.near[which] : NULL;
	return mean_policy(&c->m, s->policy, c->at);
}

/* What changed rules match: outside of it nothing can differ. */
static dd_ref reach_of_changes(struct comparison *c)
{
	dd_ref all = DD_FALSE;

	for (int k = 0; k < 2; k++) {
		const struct policy *p = c->side[k]->policy;
		const bool *changed = k ? c->rules.changed_b : c->rules.changed_a;

		for (size_t i = 0; i < p->rules.n; i++)
			if (changed[i])
				all = dd_or(c->m.dd, all, mean_rule(&c->m, p, i, c->at));
	}
	return dd_not(c->m.dd, dd_not(c->m.dd, all));
}

static void begin(struct comparison *c, struct arena *a, struct dd_budget budget)
{
	mean_init(&c->m, a, budget);
	for (int k = 0; k < 2; k++) {
		if (c->side[k]->policy)
			schema_add_policy(&c->m.schema, c->side[k]->policy);
		else
			schema_add_ruleset(&c->m.schema, c->side[k]->ruleset);
	}
}

/* ---- groups ---- */

static struct line line_of(const struct outcome *x)
{
	return x->line ? *x->line : (struct line){.where = ""};
}

static void add_group(struct comparison *c, struct deltas *out, dd_ref where, uint32_t before,
		      uint32_t after)
{
	struct mean *m = &c->m;
	const struct outcome x = *outcome_of(&m->outcomes, before);
	const struct outcome y = *outcome_of(&m->outcomes, after);
	dd_ref possible = dd_and(m->dd, where, schema_possible(&m->schema, c->at));
	dd_ref new = dd_and(m->dd, possible, schema_one(&m->schema, DIM_CT_STATE, CT_NEW));
	struct delta_group g = {.kind = kind_of(&x, &y), .at = c->at};
	struct packet packet;
	struct buf b = {0};

	if (!schema_witness(&m->schema, new == DD_FALSE ? possible : new, &packet))
		return;
	g.before = outcome_text(m->arena, &x);
	g.after = outcome_text(m->arena, &y);
	g.before_line = line_of(&x);
	g.after_line = line_of(&y);
	packet_print(&b, m, &packet);
	g.witness = arena_strdup(m->arena, buf_str(&b));
	g.query = packet_query(m, c->side[1]->policy, &packet, c->at);
	g.count = ranges_count(m, possible);
	ranges_products(m, where, c->at, PRODUCTS_MAX, &g.packets);
	buf_free(&b);
	vec_push(m->arena, out, g);
}

/* Every pair of outcomes that some packet has. */
static void pair_up(struct comparison *c, struct deltas *out, dd_ref side0, dd_ref side1)
{
	struct mean *m = &c->m;
	struct mean_values before = mean_values(m, side0), after;

	for (size_t i = 0; i < before.n; i++) {
		dd_ref where = dd_where(m->dd, side0, before.v[i]);
		dd_ref then = dd_restrict(m->dd, where, side1);

		if (!before.v[i])
			continue;
		after = mean_values(m, then);
		for (size_t k = 0; k < after.n; k++)
			if (after.v[k] && after.v[k] != before.v[i])
				add_group(c, out, dd_where(m->dd, then, after.v[k]), before.v[i],
					  after.v[k]);
	}
}

/* Packets that rules speak of are told by lines; of all others (of known connections, TCP out of
 * place) only the fate is told: what is logged or clamped on the way there concerns nobody. Of
 * those whose fate changes it does not matter either. */
static void group(struct comparison *c, struct deltas *out, dd_ref differ)
{
	struct mean *m = &c->m;
	struct dd *d = m->dd;
	bool nat = c->at >= NAT_PREROUTING && c->at != ROUTE_OUTPUT;
	dd_ref fresh = nat ? DD_TRUE : mean_fresh(m);
	dd_ref side[2], fate[2], decision[2], moved;

	differ = dd_and(d, differ, mean_tracked_icmp(m));
	m->within = differ;
	m->lines = true;
	for (int k = 0; k < 2; k++) {
		side[k] = says(c, k);
		fate[k] = dd_map(d, side[k], outcome_without_effects, &m->outcomes);
		decision[k] = dd_map(d, side[k], outcome_decision, &m->outcomes);
	}
	moved = dd_and(d, fresh, dd_differ(d, fate[0], fate[1]));
	pair_up(c, out, dd_restrict(d, moved, decision[0]), dd_restrict(d, moved, decision[1]));
	moved = dd_and(d, fresh, dd_not(d, moved));
	pair_up(c, out, dd_restrict(d, moved, side[0]), dd_restrict(d, moved, side[1]));
	fresh = dd_not(d, fresh);
	pair_up(c, out, dd_restrict(d, fresh, fate[0]), dd_restrict(d, fresh, fate[1]));
}

/* What belongs to a known connection and is not let in for that meets the rules as what opens one
 * does: it is told of only where it fares otherwise than that. */
static dd_ref without_related(struct comparison *c, dd_ref differ)
{
	const struct dim_info *state = &dim_table[DIM_CT_STATE];
	struct dd *d = c->m.dd;
	dd_ref related = schema_one(&c->m.schema, DIM_CT_STATE, CT_RELATED);
	dd_ref as_new = dd_fix(d, differ, state->first, state->bits, CT_NEW);

	if (c->at > AT_POSTROUTING)
		return differ;
	return dd_and(d, differ, dd_not(d, dd_and(d, related, as_new)));
}

static void compare_at(struct comparison *c, struct deltas *out)
{
	/* before routing it is not rules that change something */
	bool filter = c->at < NAT_PREROUTING && c->at != AT_PREROUTING;
	bool narrow = c->narrow;
	dd_ref side[2], differ;

	c->narrow = narrow && filter;
	for (int k = 0; k < 2; k++)
		c->near[k] = c->side[k]->ruleset;
	if (c->narrow)
		c->m.within = reach_of_changes(c);
	else if (!c->whole && !c->side[0]->policy && !c->side[1]->policy)
		delta_near(&c->m, c->near[0], c->near[1], c->at, &c->m.within, c->near);
	if (c->m.within != DD_FALSE) {
		side[0] = says(c, 0);
		side[1] = says(c, 1);
		differ = without_related(c, dd_differ(c->m.dd, side[0], side[1]));
		if (differ != DD_FALSE && differ != DD_EXHAUSTED)
			group(c, out, differ);
	}
	c->narrow = narrow;
}

static void compare(struct comparison *c, struct deltas *out, struct arena *a,
		    struct dd_budget budget)
{
	clock_t start = clock();

	*out = (struct deltas){.known = true};
	progress_begin(PROGRESS_COMPARING, NSTATIONS);
	for (int i = 0; i < NSTATIONS; i++) {
		c->at = (enum station)i;
		progress_at((uint64_t)i);
		begin(c, a, budget);
		compare_at(c, out);
		out->known = out->known && !dd_exhausted(c->m.dd);
		mean_free(&c->m);
	}
	progress_end();
	out->seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
}

void delta_compare(struct deltas *out, struct arena *a, const struct delta_side *before,
		   const struct delta_side *after, struct dd_budget budget)
{
	struct comparison c = {.side = {before, after}};

	c.narrow = before->policy && after->policy &&
		   delta_rules(a, before->policy, after->policy, &c.rules);
	compare(&c, out, a, budget);
}

void delta_compare_whole(struct deltas *out, struct arena *a, const struct delta_side *before,
			 const struct delta_side *after, struct dd_budget budget)
{
	struct comparison c = {.side = {before, after}, .whole = true};

	compare(&c, out, a, budget);
}
