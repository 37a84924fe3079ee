/* SPDX-License-Identifier: GPL-2.0-or-later
 * tokens -> offload statements.
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
	if (parse_at_word(p, "hardware"))
		diag_hint(p->diag, r, "once is enough");
	else if (word_in(qualifier_words, word, p->tok.len))
		diag_hint(p->diag, r,
			  "offload opens nothing; the rules that allow its connections have "
			  "qualifiers");
	parse_resync(p);
}

/* offload = "offload" pair SERVICES QUALIFIERS [ "hardware" ] */
bool parse_offload(struct parser *p, struct ast_stmt *s)
{
	struct services_out services = {0};
	struct ast_bypass *o = &s->bypass;

	s->kind = STMT_OFFLOAD;
	parse_advance(p);
	if (!parse_pair(p, &o->from, &o->to) || !parse_services(p, &services))
		return false;
	o->services.v = services.v;
	o->services.n = services.n;
	o->services.cap = services.cap;
	if (parse_at_word(p, "hardware"))
		o->hardware = parse_take_word(p).span;
	if (!parse_qualifiers(p, &o->q, OF_PACKET))
		return false;
	if (!o->hardware.src && parse_at_word(p, "hardware"))
		o->hardware = parse_take_word(p).span;
	what_follows(p);
	return true;
}
