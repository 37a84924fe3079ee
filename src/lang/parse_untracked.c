/* SPDX-License-Identifier: GPL-2.0-or-later
 * tokens -> untracked statements.
 */
#include "lang/parse.h"

static void what_follows(struct parser *p)
{
	struct diag_record *r;
	const char *word;

	if (p->tok.kind != TOK_WORD || parse_at_word(p, "note"))
		return;
	word = parse_text(p, p->tok);
	r = diag_error(p->diag, parse_here(p), "'%s' cannot follow here", word);
	if (parse_at_word(p, "mark"))
		diag_hint(p->diag, r, "what is not tracked is so before marks are put on");
	else if (word_in(qualifier_words, word, p->tok.len))
		diag_hint(p->diag, r,
			  "untracked opens nothing; the rules that allow its packets have "
			  "qualifiers");
	parse_resync(p);
}

/* untracked = "untracked" pair SERVICES QUALIFIERS */
bool parse_untracked(struct parser *p, struct ast_stmt *s)
{
	struct services_out services = {0};
	struct ast_bypass *u = &s->bypass;

	s->kind = STMT_UNTRACKED;
	parse_advance(p);
	if (!parse_pair(p, &u->from, &u->to) || !parse_services(p, &services))
		return false;
	u->services.v = services.v;
	u->services.n = services.n;
	u->services.cap = services.cap;
	if (!parse_qualifiers(p, &u->q, OF_PACKET))
		return false;
	what_follows(p);
	return true;
}
