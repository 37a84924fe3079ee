/* SPDX-License-Identifier: GPL-2.0-or-later
 * mark statements that mark nothing.
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
	whole = !dd_exhausted(m.dd);
	mean_free(&m);
	return whole;
}
