/* SPDX-License-Identifier: GPL-2.0-or-later
 * tokens -> statements of what goes past connection tracking (untracked) or the rules (offload).
 */
#include "lang/parse.h"

/* own: a word of which hint is said; of qualifiers it is that the statement opens nothing. */
static void what_follows(struct parser *p, const char *own, const char *hint, const char *opens)
{
	const char *const owned[] = {own, NULL};
	struct diag_record *r;
	const char *word;

	if (p->tok.kind != TOK_WORD || parse_at_word(p, "note"))
		return;
	word = parse_text(p, p->tok);
	r = diag_error(p->diag, parse_here(p), "'%s' cannot follow here", word);
	if (parse_at_word(p, own))
		diag_hint(p->diag, r, "%s", hint);
	else if (parse_at_word(p, "published"))
		diag_hint(p->diag, r, "%s", published_hint);
	else if (qualifier_is_of(word, OF_MARK))
		diag_hint(p->diag, r,
			  "what runs goes on when the time is over; say it in the rules");
	else if (word_in(qualifier_words, word, p->tok.len))
		diag_hint(p->diag, r, "%s have qualifiers", opens);
	else if (word_nearest(owned, word))
		diag_hint(p->diag, r, "did you mean '%s'?", own);
	parse_resync(p);
}

/* KEYWORD pair SERVICES */
static bool take_head(struct parser *p, struct ast_bypass *b)
{
	struct services_out services = {0};

	parse_advance(p);
	if (!parse_pair(p, &b->from, &b->to) || !parse_services(p, &services))
		return false;
	b->services.v = services.v;
	b->services.n = services.n;
	b->services.cap = services.cap;
	return true;
}

/* untracked = "untracked" pair SERVICES QUALIFIERS */
bool parse_untracked(struct parser *p, struct ast_stmt *s)
{
	s->kind = STMT_UNTRACKED;
	if (!take_head(p, &s->bypass) || !parse_qualifiers(p, &s->bypass.q, OF_PACKET))
		return false;
	what_follows(p, "mark", "what is not tracked is so before marks are put on",
		     "untracked opens nothing; the rules that allow its packets");
	return true;
}

/* offload = "offload" pair SERVICES QUALIFIERS [ "hardware" ] */
bool parse_offload(struct parser *p, struct ast_stmt *s)
{
	struct ast_bypass *o = &s->bypass;

	s->kind = STMT_OFFLOAD;
	if (!take_head(p, o))
		return false;
	if (parse_at_word(p, "hardware"))
		o->hardware = parse_take_word(p).span;
	if (!parse_qualifiers(p, &o->q, OF_PACKET))
		return false;
	if (!o->hardware.src && parse_at_word(p, "hardware"))
		o->hardware = parse_take_word(p).span;
	what_follows(p, "hardware", "once is enough",
		     "offload opens nothing; the rules that allow its connections");
	return true;
}
