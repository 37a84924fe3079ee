/* SPDX-License-Identifier: GPL-2.0-or-later
 * Two meanings, station by station, in one diagram kernel each time.
 */
#include "space/prove.h"

#include <limits.h>
#include <linux/netfilter_ipv4.h>
#include <string.h>
#include <time.h>

#include "nft/compare.h"
#include "space/packet.h"
#include "space/slice.h"
#include "util/progress.h"

struct sides {
	dd_ref policy, kernel;
};

static struct sides both(struct mean *m, const struct policy *p, const struct ir_ruleset *r,
			 enum station at)
{
	struct sides s = {.policy = mean_policy(m, p, at)};
	dd_ref *roots[] = {&s.policy, &m->within};

	/* of the way to the first nothing is of use to the second */
	if (m->within == DD_TRUE || m->slice) {
		dd_collect(m->dd, roots, 2);
		schema_collected(&m->schema);
	}
	s.kernel = mean_ruleset(m, r, at);
	return s;
}

static void add_names(struct mean *m, const struct policy *p, const struct ir_ruleset *r)
{
	schema_add_policy(&m->schema, p);
	schema_add_ruleset(&m->schema, r);
}

static struct line line_of(const struct outcome *x)
{
	return x->line ? *x->line : (struct line){.text = NULL, .where = ""};
}

/* Who decides is asked again for this one packet only, where that costs nothing. */
static void explain(struct proof_result *out, struct mean *m, const struct policy *p,
		    const struct ir_ruleset *r, const struct packet *packet)
{
	struct outcome policy, kernel;
	struct buf b = {0};
	struct sides s;

	m->slice = NULL;
	m->within = schema_point(&m->schema, packet);
	m->lines = true;
	s = both(m, p, r, out->at);
	policy = *outcome_of(&m->outcomes, schema_at(&m->schema, s.policy, packet));
	kernel = *outcome_of(&m->outcomes, schema_at(&m->schema, s.kernel, packet));
	out->policy_says = outcome_text(m->arena, &policy);
	out->kernel_says = outcome_text(m->arena, &kernel);
	out->policy_line = line_of(&policy);
	out->kernel_line = line_of(&kernel);
	packet_print(&b, m, packet);
	out->packet = arena_strdup(m->arena, buf_str(&b));
	b.len = 0;
	packet_fields(&b, m, packet, "\n");
	out->fields = arena_strdup(m->arena, buf_str(&b));
	buf_free(&b);
}

/* slice: NULL: of all packets */
static enum proof_state prove_slice(struct proof_result *out, struct arena *outer,
				    const struct policy *p, const struct ir_ruleset *r,
				    struct dd_budget budget, const struct slice *slice)
{
	struct arena *a = arena_within(outer);
	dd_ref differ, possible;
	struct packet packet;
	struct mean m;
	struct sides s;

	mean_init(&m, a, budget);
	m.marks = true;
	m.schema.lists_open = true;
	add_names(&m, p, r);
	m.slice = slice;
	if (slice)
		m.within = slice_region(&m, slice);
	s = both(&m, p, r, out->at);
	out->state = PROOF_EQUAL;
	possible = dd_and(m.dd, m.within, schema_possible(&m.schema, out->at));
	if (!dd_same_where(m.dd, possible, s.policy, s.kernel)) {
		differ = dd_and(m.dd, possible, dd_differ(m.dd, s.policy, s.kernel));
		if (differ == DD_EXHAUSTED) {
			out->state = PROOF_BUDGET;
		} else if (differ != DD_FALSE) {
			out->state = PROOF_DIFFERENT;
			if (schema_witness(&m.schema, differ, &packet))
				explain(out, &m, p, r, &packet);
			else
				out->state = PROOF_BUDGET;
		}
	}
	if (dd_nodes(m.dd) > out->nodes)
		out->nodes = dd_nodes(m.dd);
	mean_free(&m);
	if (out->state != PROOF_DIFFERENT) /* of which the words are in it */
		arena_free(a);
	return out->state;
}

static double seconds_since(clock_t start)
{
	return (double)(clock() - start) / CLOCKS_PER_SEC;
}

static void prove_station(struct proof_result *out, struct arena *a, const struct policy *p,
			  const struct ir_ruleset *r, struct dd_budget budget,
			  const struct slices *slices)
{
	bool by_rules = out->at <= AT_OUTPUT && slices->n;
	clock_t start = clock();

	for (size_t i = 0; i < (by_rules ? slices->n : 1); i++) {
		struct dd_budget left = budget;

		left.seconds -= seconds_since(start);
		if (left.seconds <= 0)
			out->state = PROOF_BUDGET;
		else
			prove_slice(out, a, p, r, left, by_rules ? &slices->v[i] : NULL);
		if (out->state != PROOF_EQUAL)
			return;
	}
}

/* Between which steps of the kernel's own a station is: what it sees are addresses before or behind
 * a translation. NAT chains are asked at those steps, whatever their priority says. */
static const struct {
	int first, last;
} priorities[NSTATIONS] = {
	[AT_INPUT] = {INT_MIN, NF_IP_PRI_NAT_SRC - 1},
	[AT_FORWARD] = {INT_MIN, INT_MAX},
	[AT_OUTPUT] = {NF_IP_PRI_NAT_DST + 1, INT_MAX},
	[AT_POSTROUTING] = {INT_MIN, NF_IP_PRI_NAT_SRC - 1},
	[AT_PREROUTING] = {INT_MIN, NF_IP_PRI_NAT_DST - 1},
	[NAT_PREROUTING] = {INT_MIN, INT_MAX},
	[NAT_INPUT] = {INT_MIN, INT_MAX},
	[NAT_OUTPUT] = {INT_MIN, INT_MAX},
	[NAT_POSTROUTING] = {INT_MIN, INT_MAX},
	[ROUTE_OUTPUT] = {INT_MIN, NF_IP_PRI_NAT_DST - 1},
};

static bool of_connection(enum field f)
{
	return f == F_CT_STATE || f == F_CT_STATUS || f == F_CT_MARK || f == F_CT_DIRECTION ||
	       f == F_CT_COUNT || f == F_CT_DPORT || f == F_CT_HELPER || f == F_CT_L3PROTO ||
	       f == F_CT_LABEL || (field_is_told(f) && f != F_PKTTYPE);
}

static bool asks_connection(const struct ir_stmt *s)
{
	const struct ir_sel *sel = s->kind == IR_MATCH	? &s->match.sel
				   : s->kind == IR_VMAP ? &s->vmap.sel
							: NULL;

	for (int i = 0; sel && i < sel->n; i++)
		if (of_connection(sel->f[i]))
			return true;
	return s->kind == IR_CT_COUNT || s->kind == IR_HELPER || s->kind == IR_LABEL ||
	       (s->kind == IR_MARK && s->mark.ct);
}

/* Whether a base chain leads to rules that ask for the packet's connection. */
static bool needs_connection(struct arena *a, const struct ir_ruleset *r, const struct ir_chain *c)
{
	const struct map_entry *e;
	struct map reach;

	map_init(&reach, a);
	chain_reach(r, c->name, &reach);
	vec_each (&reach.entries, e) {
		const struct ir_chain *x = strncmp(e->key, "c:", 2) ? NULL : e->value;

		for (size_t i = 0; x && i < x->rules.n; i++)
			for (size_t k = 0; k < x->rules.v[i].stmts.n; k++)
				if (asks_connection(&x->rules.v[i].stmts.v[k]))
					return true;
	}
	return false;
}

static bool at_station(struct arena *a, const struct ir_ruleset *r, const struct ir_chain *c)
{
	for (int i = 0; i < NSTATIONS; i++) {
		bool early = i == AT_PREROUTING || i == ROUTE_OUTPUT;

		if (strcmp(c->base.hook, station_table[i].hook) != 0 ||
		    strcmp(c->base.type, station_table[i].type) != 0)
			continue;
		return c->base.priority >= priorities[i].first &&
		       c->base.priority <= priorities[i].last &&
		       (!early || c->base.priority > NF_IP_PRI_CONNTRACK ||
			!needs_connection(a, r, c));
	}
	return false;
}

/* A table that sleeps, or a base chain where the policy has none to say anything, or too early or
 * too late. */
static bool stranger(struct proof_result *out, struct arena *a, const struct ir_ruleset *r)
{
	if (r->dormant) {
		*out = (struct proof_result){.state = PROOF_DIFFERENT,
					     .at = NSTATIONS,
					     .packet = "every packet",
					     .fields = "",
					     .policy_says = "its rules",
					     .kernel_says = "nothing: the table is dormant"};
		return true;
	}
	for (size_t i = 0; i < r->chains.n; i++) {
		const struct ir_chain *c = r->chains.v[i];

		if (!c->base.hook || at_station(a, r, c))
			continue;
		out->state = PROOF_DIFFERENT;
		out->at = NSTATIONS;
		out->packet = arena_printf(a, "every packet at hook %s", c->base.hook);
		out->fields = "";
		out->policy_says = "nothing";
		out->kernel_says = arena_printf(a, "a base chain %s of type %s, priority %d",
						c->name, c->base.type, c->base.priority);
		return true;
	}
	return false;
}

/* What is not understood of a ruleset that is ours may be anything: whether it decides something is
 * not asked. */
static bool odd(struct proof_result *out, struct arena *a, const struct ir_ruleset *r)
{
	for (size_t i = 0; i < r->chains.n; i++) {
		const struct ir_chain *c = r->chains.v[i];

		for (size_t k = 0; k < c->rules.n; k++) {
			const struct ir_stmt *s;

			vec_each (&c->rules.v[k].stmts, s) {
				if (s->kind != IR_UNKNOWN)
					continue;
				out->state = PROOF_DIFFERENT;
				out->at = NSTATIONS;
				out->packet = arena_printf(a, "every packet that comes to chain %s",
							   c->name);
				out->fields = "";
				out->policy_says = "its rules";
				out->kernel_says =
					arena_printf(a, "not understood: %s", s->unknown.text);
				return true;
			}
		}
	}
	return false;
}

void prove_ruleset(struct proof_result *out, struct arena *a, const struct policy *p,
		   const struct ir_ruleset *r, struct dd_budget budget)
{
	clock_t start = clock();
	struct slices slices;

	*out = (struct proof_result){0};
	slices_of(a, p, &slices);
	if (!budget.nodes)
		budget.nodes = PROOF_NODES;
	if (budget.seconds <= 0)
		budget.seconds = PROOF_SECONDS;
	progress_begin(PROGRESS_PROVING, NSTATIONS);
	if (!stranger(out, a, r) && !odd(out, a, r)) {
		for (int i = 0; i < NSTATIONS; i++) {
			struct dd_budget left = budget;

			progress_at((uint64_t)i);
			/* the seconds are those of all stations together */
			left.seconds -= seconds_since(start);
			out->at = (enum station)i;
			if (left.seconds <= 0)
				out->state = PROOF_BUDGET;
			else
				prove_station(out, a, p, r, left, &slices);
			if (out->state != PROOF_EQUAL)
				break;
		}
	}
	progress_end();
	out->seconds = seconds_since(start);
}
