/* SPDX-License-Identifier: GPL-2.0-or-later
 * Statements that are understood in part or not at all -> what may become of packets there.
 */
#include "nft/nft.h"
#include "space/mark_set.h"
#include "space/mean_match.h"
#include "space/mean_walker.h"

/* A match that several say together. */
static dd_ref either_match(struct walker *w, const struct progress *p, const struct ir_stmt *s)
{
	struct dd *d = w->m->dd;
	dd_ref any = DD_FALSE;

	for (size_t i = 0; i < s->unknown.neither; i++) {
		dd_ref all = DD_TRUE;
		const struct ir_stmt *x;

		vec_each (&s->unknown.either[i].stmts, x) {
			const char *text =
				x->kind == IR_UNKNOWN ? x->unknown.text : s->unknown.text;
			bool known = x->kind == IR_MATCH &&
				     !marks_changed(&w->marks, p->chain->name, &x->match.sel);

			dd_ref one =
				known ? match_stmt(w->m, x, NULL)
				      : schema_condition(&w->m->schema,
							 arena_printf(w->m->arena,
								      "not understood%s: %s",
								      x->kind == IR_MATCH
									      ? ", set on the way"
									      : "",
								      text));

			if (x->kind == IR_UNKNOWN && x->unknown.inverted)
				one = dd_not(d, one);
			all = dd_and(d, all, one);
		}
		any = dd_or(d, any, all);
	}
	return any;
}

/* Of the rows of UNKNOWN_ENDS. */
static dd_ref row_match(struct walker *w, const struct progress *p, const struct ir_stmt *s)
{
	const char *text;

	if (s->kind == IR_MATCH)
		return walker_match(w, p, s);
	text = arena_printf(w->m->arena, "not understood: %s", s->unknown.text);
	return s->unknown.counts ? walker_counted(w, p, text)
				 : schema_condition(&w->m->schema, text);
}

/* One of several, by the element of a map: where it has none the rule ends. */
static void chosen_says(struct walker *w, struct progress *p, const struct ir_stmt *s,
			const struct line *line)
{
	VEC(dd_ref) parts = {0};
	struct dd *d = w->m->dd;
	dd_ref left = p->still;

	for (size_t i = 0; i < s->unknown.neither; i++) {
		const struct ir_rule *row = &s->unknown.either[i];
		const struct ir_stmt *does = &row->stmts.v[row->stmts.n - 1];
		dd_ref is = row->stmts.n > 1 ? row_match(w, p, row->stmts.v) : DD_TRUE;
		dd_ref where = dd_and(d, left, is);

		if (where == DD_FALSE)
			continue;
		vec_push(w->m->arena, &parts,
			 dd_restrict(d, where,
				     does->kind == IR_NAT
					     ? walker_translation(w, does, line)
					     : walker_verdict(w, &does->verdict, false, line)));
		if (does->kind == IR_VERDICT) /* it may come to nothing, and then no other does */
			left = dd_and(d, left, dd_not(d, is));
	}
	p->says = dd_seq(d, p->says, mean_sequence(w->m, parts.v, parts.n));
	p->still = DD_FALSE;
}

/* The mark that a map has for the packet, which it is known to have something for. */
static void marks_say(struct walker *w, struct progress *p, const struct ir_stmt *s)
{
	struct dd *d = w->m->dd;
	dd_ref left = p->still;

	for (size_t i = 0; i < s->unknown.neither; i++) {
		const struct ir_rule *row = &s->unknown.either[i];
		dd_ref is = row_match(w, p, row->stmts.v);

		walker_mark(w, p, dd_and(d, left, is), &row->stmts.v[1]);
		left = dd_and(d, left, dd_not(d, is));
	}
}

/* Whether there is room for the packet where the match keeps what it has seen. */
static void full_says(struct walker *w, struct progress *p, const struct ir_stmt *s,
		      const struct line *line)
{
	struct dd *d = w->m->dd;
	dd_ref full = schema_condition(
		&w->m->schema,
		arena_printf(w->m->arena, "not understood, no room is left: %s", s->unknown.text));

	p->says = dd_seq(d, p->says,
			 dd_restrict(d, dd_and(d, p->still, full),
				     mean_outcome(w->m, FATE_DROP, NULL, line)));
	p->still = dd_and(d, p->still, dd_not(d, full));
}

void walker_unknown_says(struct walker *w, struct progress *p, const struct ir_stmt *s,
			 const struct line *line)
{
	const char *text = arena_printf(w->m->arena, "not understood: %s", s->unknown.text);
	dd_ref holds;

	switch (s->unknown.kind) {
	case UNKNOWN_SETS_MARKS: /* live_walk.c looks for the word */
		if (s->unknown.neither) {
			marks_say(w, p, s);
			break;
		}
		text = arena_printf(w->m->arena,
				    "not understood, may set the mark of the packet: %s",
				    s->unknown.text);
		/* fall through */
	case UNKNOWN_GOES_ON:
		walker_effect(w, p, p->still, text);
		break;
	case UNKNOWN_SETS_FIELDS: /* and for this one */
		walker_effect(w, p, p->still,
			      arena_printf(w->m->arena, "not understood, " MARK_SET_FIELDS ": %s",
					   s->unknown.text));
		break;
	case UNKNOWN_MATCH:
		if (s->unknown.drops)
			full_says(w, p, s, line);
		holds = s->unknown.neither  ? either_match(w, p, s)
			: s->unknown.counts ? walker_counted(w, p, text)
					    : schema_condition(&w->m->schema, text);
		p->still = dd_and(w->m->dd, p->still,
				  s->unknown.inverted ? dd_not(w->m->dd, holds) : holds);
		break;
	case UNKNOWN_ENDS:
		if (s->unknown.neither)
			chosen_says(w, p, s, line);
		else
			walker_decide(w, p, walker_unknown(w, s->unknown.text, line));
		break;
	}
}
