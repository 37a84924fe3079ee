/* SPDX-License-Identifier: GPL-2.0-or-later
 * mark statements that mark nothing, or nothing that others below would not mark in the same way.
 */
#include "space/findings.h"
#include "space/mean.h"

static const enum station hooks[] = {AT_PREROUTING, ROUTE_OUTPUT};

#define HOOKS (sizeof(hooks) / sizeof(hooks[0]))

struct marks { /* by hook and number of a mark */
	struct mean *m;
	const struct policy *p;
	dd_ref *match[HOOKS], *put_on[HOOKS];
	dd_ref *beyond[HOOKS]; /* what none below it matches */
};

static void find(struct marks *k, size_t hook)
{
	size_t n = k->p->marks.n;
	dd_ref beyond = DD_TRUE;

	k->match[hook] = mean_mark_matches(k->m, k->p, hooks[hook]);
	k->put_on[hook] = mean_marked(k->m, k->p, hooks[hook]);
	k->beyond[hook] = arena_alloc(k->m->arena, n * sizeof(beyond));
	for (size_t i = n; i-- > 0;) {
		k->beyond[hook][i] = beyond;
		beyond = dd_and(k->m->dd, beyond, dd_not(k->m->dd, k->match[hook][i]));
	}
}

/* Some packet is possible; or it is not known. */
static bool any(const struct marks *k, dd_ref *const which[HOOKS], size_t mark)
{
	for (size_t i = 0; i < HOOKS; i++)
		if (!dd_disjoint(k->m->dd, schema_possible(&k->m->schema, hooks[i]),
				 which[i][mark]))
			return true;
	return false;
}

static void report(const struct marks *all, size_t mark, struct diag *diag)
{
	const struct policy *p = all->p;
	const struct mark *k = &p->marks.v[mark];
	struct diag_record *r;

	if (!any(all, all->match, mark)) {
		diag_warning(diag, k->span, "no packet can match this mark");
		return;
	}
	r = diag_warning(diag, k->span,
			 "this mark has no effect: earlier ones with the same bits take every "
			 "packet it matches");
	for (size_t i = mark; i-- > 0;)
		if (marks_overlap(k, &p->marks.v[i])) {
			diag_note(diag, r, p->marks.v[i].span, "the one before it");
			return;
		}
}

static dd_ref marked_at(const struct marks *all, size_t mark, size_t hook)
{
	return dd_and(all->m->dd, all->put_on[hook][mark],
		      schema_possible(&all->m->schema, hooks[hook]));
}

/* Only then can those below do the same, and there is more to look at. */
static bool covered_below(const struct marks *all, size_t mark, size_t hook)
{
	return dd_disjoint(all->m->dd, marked_at(all, mark, hook), all->beyond[hook][mark]);
}

/* Whether those below put the same bits on all that this one marks at that hook: *by has them. */
static bool done_below(const struct marks *all, size_t mark, size_t hook, bool *by)
{
	const struct policy *p = all->p;
	const struct mark *k = &p->marks.v[mark];
	struct mean *m = all->m;
	dd_ref rest = marked_at(all, mark, hook);

	for (size_t i = mark + 1; i < p->marks.n; i++) {
		const struct mark *below = &p->marks.v[i];
		dd_ref match = all->match[hook][i];

		if (!marks_overlap(k, below) || dd_disjoint(m->dd, rest, match))
			continue;
		if (below->mask != k->mask || below->value != k->value)
			return false;
		by[i] = true;
		rest = dd_and(m->dd, rest, dd_not(m->dd, match));
	}
	return dd_disjoint(m->dd, rest, DD_TRUE);
}

static void report_needless(const struct marks *all, size_t mark, struct diag *diag)
{
	const struct policy *p = all->p;
	struct diag_record *r;
	bool *by;

	for (size_t i = 0; i < HOOKS; i++)
		if (!covered_below(all, mark, i))
			return;
	by = arena_alloc(all->m->arena, p->marks.n * sizeof(*by));
	for (size_t i = 0; i < HOOKS; i++)
		if (!done_below(all, mark, i, by) || dd_exhausted(all->m->dd))
			return;
	r = diag_remark(diag, p->marks.v[mark].span,
			"this mark is redundant: removing it changes nothing");
	for (size_t i = mark + 1; i < p->marks.n; i++)
		if (by[i])
			diag_note(diag, r, p->marks.v[i].span, "marks the same");
}

bool findings_marks(const struct policy *p, struct arena *a, struct diag *diag,
		    struct dd_budget budget)
{
	struct marks all = {.p = p};
	bool whole = true;
	struct mean m;

	if (!p->marks.n)
		return true;
	mean_init(&m, a, budget);
	schema_add_policy(&m.schema, p);
	all.m = &m;
	for (size_t i = 0; i < HOOKS; i++)
		find(&all, i);
	for (size_t i = 0; i < p->marks.n; i++)
		if (!any(&all, all.put_on, i))
			report(&all, i, diag);
		else
			report_needless(&all, i, diag);
	whole = !dd_exhausted(m.dd);
	mean_free(&m);
	return whole;
}
