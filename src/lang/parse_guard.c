/* SPDX-License-Identifier: GPL-2.0-or-later
 * tokens -> what is refused before any rule is asked: antispoof and early drop.
 */
#include "lang/parse.h"

/* An option word, perhaps misspelt: what else stands behind the list is reported by it. */
static bool guard_words(struct parser *p, struct ast_guard *g)
{
	if (!parse_accept_word(p, "by"))
		return true;
	if (!parse_accept_word(p, "route")) {
		if (p->tok.kind != TOK_BAD)
			diag_hint(p->diag,
				  diag_error(p->diag, parse_here(p), "'route' is missing before %s",
					     parse_found(p)),
				  "write by route");
		return false;
	}
	g->kind = GUARD_ROUTE;
	g->loose = parse_accept_word(p, "loose");
	if (!parse_at_word(p, "strict"))
		return true;
	diag_hint(p->diag,
		  diag_error(p->diag, parse_here(p), "'strict' is what it is without 'loose'"),
		  "leave it out");
	return false;
}

/* antispoof for lan; early drop from bad */
static void odd_word(struct parser *p)
{
	if ((!parse_at_word(p, "for") && !parse_at_word(p, "from")) || parse_peek(p) != TOK_WORD)
		return;
	diag_hint(p->diag,
		  diag_error(p->diag, parse_here(p), "no '%s' goes here", parse_text(p, p->tok)),
		  "leave it out");
	p->forgiven++;
	parse_advance(p);
}

/* FROM, or ZONES. */
static bool guard_from(struct parser *p, struct ast_guard *g, const char *form)
{
	if (parse_at_end(p)) {
		diag_hint(p->diag,
			  diag_error(p->diag, parse_here(p),
				     "a zone or an address is missing before %s", parse_found(p)),
			  "write: %s", form);
		return false;
	}
	odd_word(p);
	return parse_endpoint(p, &g->from);
}

/* antispoof lan -> wan; loose or strict where nothing stands that they belong to */
static bool guard_arrow(struct parser *p)
{
	struct diag_record *r;

	if (p->tok.kind == TOK_ARROW) {
		r = diag_error(p->diag, parse_here(p),
			       "antispoof asks where packets come from, not where they go");
		diag_hint(p->diag, r, "write antispoof %s", parse_text(p, p->prev));
	} else if (parse_at_word(p, "loose")) {
		r = diag_error(p->diag, parse_here(p), "'loose' belongs to 'by route'");
		diag_hint(p->diag, r, "write by route loose");
	} else {
		return true;
	}
	return false;
}

/* antispoof = "antispoof" endpoint [ "by" "route" [ "loose" ] ] [ log ] */
bool parse_antispoof(struct parser *p, struct ast_stmt *s)
{
	s->kind = STMT_GUARD;
	s->guard.kind = GUARD_NETWORK;
	parse_advance(p);
	if (parse_at_word(p, "by") && parse_next(p).kind == TOK_WORD) {
		diag_hint(p->diag,
			  diag_error(p->diag, parse_here(p), "a zone is missing before 'by'"),
			  "write antispoof any by route");
		return false;
	}
	return guard_from(p, &s->guard, "antispoof lan, or antispoof any by route") &&
	       guard_arrow(p) && guard_words(p, &s->guard) && parse_only_log(p, &s->guard.q.log) &&
	       parse_nothing_more(p, "antispoof is about all that arrives; with it goes log "
				     "alone");
}

/* early = "early" "drop" endpoint [ log ] */
bool parse_early(struct parser *p, struct ast_stmt *s)
{
	struct diag_record *r;

	s->kind = STMT_GUARD;
	s->guard.kind = GUARD_EARLY;
	parse_advance(p);
	if (!parse_accept_word(p, "drop")) {
		if (p->tok.kind != TOK_BAD)
			diag_hint(p->diag,
				  diag_error(p->diag, parse_here(p), "'drop' is missing before %s",
					     parse_found(p)),
				  "write early drop");
		return false;
	}
	if (!guard_from(p, &s->guard, "early drop bogons@wan"))
		return false;
	if (p->tok.kind == TOK_ARROW) {
		r = diag_error(p->diag, parse_here(p),
			       "early drop comes before routing: where packets go is not known");
		diag_hint(p->diag, r, "name who sends them alone: early drop bogons@wan");
		return false;
	}
	return parse_only_log(p, &s->guard.q.log) &&
	       parse_nothing_more(p, "early drop asks who sends, and nothing else; with it goes "
				     "log alone");
}
