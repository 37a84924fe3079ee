/* SPDX-License-Identifier: GPL-2.0-or-later
 * mark statements that mark nothing, or nothing that others below would not mark in the same way.
 */
#include "space/findings.h"
#include "space/mean.h"

static const enum station hooks[] = {AT_PREROUTING, ROUTE_OUTPUT};

/* Some packet is; or it is not known. */
static bool any(struct mean *m, const struct policy *p, size_t mark,
		dd_ref (*which)(struct mean *m, const struct policy *p, size_t mark,
				enum station at))
{
	for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++)
		if (!dd_disjoint(m->dd, schema_possible(&m->schema, hooks[i]),
				 which(m, p, mark, hooks[i])))
			return true;
	return false;
}

static void report(struct mean *m, const struct policy *p, size_t mark, struct diag *diag)
{
	const struct mark *k = &p->marks.v[mark];
	struct diag_record *r;

	if (!any(m, p, mark, mean_mark_match)) {
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

/* Whether those below put the same bits on all that this one marks at that hook: *by has them. */
static bool done_below(struct mean *m, const struct policy *p, size_t mark, enum station at,
		       bool *by)
{
	const struct mark *k = &p->marks.v[mark];
	dd_ref rest = dd_and(m->dd, mean_marked(m, p, mark, at), schema_possible(&m->schema, at));

	for (size_t i = mark + 1; i < p->marks.n; i++) {
		const struct mark *below = &p->marks.v[i];
		dd_ref match;

		if (!marks_overlap(k, below))
			continue;
		match = mean_mark_match(m, p, i, at);
		if (dd_disjoint(m->dd, rest, match))
			continue;
		if (below->mask != k->mask || below->value != k->value)
			return false;
		by[i] = true;
		rest = dd_and(m->dd, rest, dd_not(m->dd, match));
	}
	return dd_disjoint(m->dd, rest, DD_TRUE);
}

static void report_needless(struct mean *m, const struct policy *p, size_t mark, struct diag *diag)
{
	bool *by = arena_alloc(m->arena, p->marks.n * sizeof(*by));
	struct diag_record *r;

	for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++)
		if (!done_below(m, p, mark, hooks[i], by) || dd_exhausted(m->dd))
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
	bool whole = true;
	struct mean m;

	if (!p->marks.n)
		return true;
	mean_init(&m, a, budget);
	schema_add_policy(&m.schema, p);
	for (size_t i = 0; i < p->marks.n; i++)
		if (!any(&m, p, i, mean_marked))
			report(&m, p, i, diag);
		else
			report_needless(&m, p, i, diag);
	whole = !dd_exhausted(m.dd);
	mean_free(&m);
	return whole;
}
