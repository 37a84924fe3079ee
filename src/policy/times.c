/* SPDX-License-Identifier: GPL-2.0-or-later
 * hours, days, after and until of a statement -> its schedule; warnings of those that end.
 */
#include <string.h>

#include "lang/parse.h"
#include "policy/resolve.h"

#define DAY 86400
#define AHEAD (14 * DAY) /* that something will end is said so long before it does */

static void check_dates(struct resolver *r, const struct ast_qualifiers *q)
{
	struct diag_record *rec;
	struct buf day = {0};

	if (!q->after_span.src || !q->until_span.src || q->after < q->until)
		return;
	rec = diag_error(r->diag, q->until_span, "it ends before it begins: no packet matches");
	diag_note(r->diag, rec, q->after_span, "it begins when this day ends");
	date_print(&day, q->until - 1);
	buf_puts(&day, " until ");
	date_print(&day, q->until);
	diag_hint(r->diag, rec, "for one day, write: after %s", buf_str(&day));
	buf_free(&day);
}

const struct schedule *resolve_times(struct resolver *r, const struct ast_qualifiers *q, bool asked)
{
	const struct schedule *s = schedule_of(r->arena, q), *const * known;
	unsigned errors = r->diag->nerrors;

	if (!s)
		return NULL;
	check_dates(r, q);
	if (asked && r->diag->nerrors == errors && schedule_is_empty(s))
		diag_error(r->diag, s->span,
			   "no second of the %d years that are compiled is meant by this",
			   SCHEDULE_YEARS);
	vec_each (&r->p->schedules, known)
		if (!strcmp((*known)->text, s->text))
			return *known;
	vec_push(r->arena, &r->p->schedules, s);
	return s;
}

/* ---- those that end ---- */

static void warn_one(struct diag *diag, struct span at, const struct schedule *s)
{
	int64_t ends = schedule_ends(s), now = policy_horizon()->now;
	struct diag_record *r;
	struct buf day = {0};

	date_print(&day, s->until == NO_DATE ? 0 : s->until);
	if (ends >= 0 && ends < now) {
		r = diag_warning(diag, at, "this has run out: it ended with %s", buf_str(&day));
		diag_hint(diag, r, "take it away, or write a later date");
	} else if (ends >= 0 && ends - now < AHEAD) {
		r = diag_warning(diag, at, "this will run out: it ends with %s", buf_str(&day));
		diag_hint(diag, r, "if it is still needed, write a later date");
	} else if (schedule_is_empty(s)) {
		diag_warning(diag, at,
			     "this holds in no second of this year and the %d that follow, which "
			     "are what is compiled",
			     SCHEDULE_YEARS - 1);
	}
	buf_free(&day);
}

void times_warn(const struct policy *p, struct diag *diag)
{
	const struct rule *r;
	const struct nat *n;
	const struct mark *m;

	vec_each (&p->rules, r)
		if (r->q.when && !r->of_dnat)
			warn_one(diag, r->span, r->q.when);
	for (size_t i = 0; i < p->nats.n; i++) {
		n = &p->nats.v[i];
		/* a netmap is two of them */
		if (n->when && !(i && n[-1].netmap && n[-1].span.off == n->span.off))
			warn_one(diag, n->span, n->when);
	}
	vec_each (&p->marks, m)
		if (m->when)
			warn_one(diag, m->span, m->when);
}
