/* SPDX-License-Identifier: GPL-2.0-or-later
 * early drop statements that leave nothing, or have nothing left; rules of whose packets they leave
 * none.
 */
#include "space/findings.h"
#include "space/mean.h"

static const enum station hooks[] = {AT_INPUT, AT_FORWARD};

#define HOOKS (sizeof(hooks) / sizeof(hooks[0]))
#define NOTES_MAX 3

struct guards {
	struct mean *m;
	const struct policy *p;
	dd_ref *takes; /* by number; of those that are no early drop nothing */
	dd_ref all;
	dd_ref arrives[HOOKS]; /* what can be at a hook and came by a cable */
};

static void find(struct guards *g)
{
	struct dd *d = g->m->dd;

	g->takes = arena_alloc(g->m->arena, g->p->guards.n * sizeof(*g->takes));
	g->all = DD_FALSE;
	for (size_t i = 0; i < g->p->guards.n; i++) {
		g->takes[i] = g->p->guards.v[i].kind == GUARD_EARLY
				      ? mean_early(g->m, g->p, &g->p->guards.v[i])
				      : DD_FALSE;
		g->all = dd_or(d, g->all, g->takes[i]);
	}
	for (size_t h = 0; h < HOOKS; h++)
		g->arrives[h] = dd_and(d, schema_possible(&g->m->schema, hooks[h]),
				       dd_not(d, schema_loopback(&g->m->schema, DIM_IIF)));
}

static bool is_in(const struct guards *g, dd_ref of, dd_ref taken)
{
	return dd_disjoint(g->m->dd, of, dd_not(g->m->dd, taken));
}

/* The statements that take it, in their order. */
static void name_takers(const struct guards *g, struct diag *diag, struct diag_record *r, dd_ref of,
			size_t below)
{
	int said = 0;

	for (size_t i = 0; i < below && said < NOTES_MAX; i++) {
		if (dd_disjoint(g->m->dd, of, g->takes[i]))
			continue;
		diag_note(diag, r, g->p->guards.v[i].rule.span, "takes them, or some of them");
		of = dd_and(g->m->dd, of, dd_not(g->m->dd, g->takes[i]));
		said++;
	}
}

static bool all_arrives_in(const struct guards *g, dd_ref taken)
{
	for (size_t h = 0; h < HOOKS; h++)
		if (!is_in(g, g->arrives[h], taken))
			return false;
	return true;
}

/* At the first that leaves nothing. */
static bool report_whole(const struct guards *g, struct diag *diag)
{
	struct diag_record *r;
	dd_ref taken = DD_FALSE;
	size_t i = 0;

	if (!all_arrives_in(g, g->all))
		return false;
	while (i < g->p->guards.n && !all_arrives_in(g, taken))
		taken = dd_or(g->m->dd, taken, g->takes[i++]);
	r = diag_warning(diag, g->p->guards.v[i ? i - 1 : 0].rule.span,
			 "nothing that arrives gets past early drop, not even answers to what this "
			 "machine opens");
	diag_hint(diag, r, "say whose packets these are: early drop ADDRESSES@ZONE");
	return true;
}

static void report_needless(const struct guards *g, struct diag *diag)
{
	struct dd *d = g->m->dd;
	dd_ref above = DD_FALSE;

	for (size_t i = 0; i < g->p->guards.n; i++) {
		if (g->takes[i] != DD_FALSE && is_in(g, g->takes[i], above))
			name_takers(g, diag,
				    diag_warning(diag, g->p->guards.v[i].rule.span,
						 "this early drop has no effect: earlier ones take "
						 "every packet it matches"),
				    g->takes[i], i);
		above = dd_or(d, above, g->takes[i]);
	}
}

/* What arrives of a rule at one hook or the other; *only: it speaks of nothing else. */
static dd_ref arriving(const struct guards *g, const struct rule *r, bool *only)
{
	dd_ref match = DD_FALSE;

	for (size_t h = 0; h < HOOKS; h++)
		match = dd_or(g->m->dd, match,
			      dd_and(g->m->dd, mean_rule_match(g->m, g->p, r, hooks[h]),
				     schema_possible(&g->m->schema, hooks[h])));
	*only = dd_disjoint(g->m->dd, mean_rule_match(g->m, g->p, r, AT_OUTPUT),
			    schema_possible(&g->m->schema, AT_OUTPUT));
	return match;
}

static bool may_be_taken(const struct guards *g, const struct rule *r)
{
	for (size_t i = 0; i < g->p->guards.n; i++)
		if (g->takes[i] != DD_FALSE && guard_meets(&g->p->guards.v[i], r))
			return true;
	return false;
}

static void report_taken(const struct guards *g, struct diag *diag)
{
	const struct rule *r;

	vec_each (&g->p->rules, r) {
		dd_ref match;
		bool only;

		if (r->q.absent || !may_be_taken(g, r))
			continue;
		match = arriving(g, r, &only);
		if (match != DD_FALSE && only && is_in(g, match, g->all))
			name_takers(g, diag,
				    diag_warning(diag, r->of_dnat ? r->verb_span : r->span,
						 "this rule has no effect: early drop takes every "
						 "packet it matches"),
				    match, g->p->guards.n);
	}
}

static bool drops_early(const struct policy *p)
{
	const struct guard *g;

	vec_each (&p->guards, g)
		if (g->kind == GUARD_EARLY)
			return true;
	return false;
}

bool findings_guards(const struct policy *p, struct arena *a, struct diag *diag,
		     struct dd_budget budget)
{
	struct guards g = {.p = p};
	struct mean m;
	bool whole;

	if (!drops_early(p))
		return true;
	mean_init(&m, a, budget);
	schema_add_policy(&m.schema, p);
	g.m = &m;
	find(&g);
	if (!report_whole(&g, diag)) {
		report_needless(&g, diag);
		report_taken(&g, diag);
	}
	whole = !dd_exhausted(m.dd);
	mean_free(&m);
	return whole;
}
