/* SPDX-License-Identifier: GPL-2.0-or-later
 * tokens -> mark statements.
 */
#include <string.h>

#include "lang/parse.h"

static void read_mark(struct parser *p, struct ast_mark *m)
{
	const char *slash = strchr(m->as.s, '/');
	size_t n = slash ? (size_t)(slash - m->as.s) : strlen(m->as.s);

	m->mask = UINT32_MAX;
	if (!value_mark(arena_strndup(p->arena, m->as.s, n), &m->value) ||
	    (slash && !value_mark(slash + 1, &m->mask))) {
		diag_hint(p->diag, diag_error(p->diag, m->as.span, "'%s' is not a mark", m->as.s),
			  "a mark is a number from 0 to 4294967295, perhaps with a mask: "
			  "0x200/0xff00");
		return;
	}
	if (!m->mask)
		diag_error(p->diag, m->as.span, "this mask has no bits: nothing would be marked");
	else if (m->value & ~m->mask)
		diag_hint(p->diag,
			  diag_error(p->diag, m->as.span, "the mark has bits that its mask lacks"),
			  "write 0x%x/0x%x", m->value, m->mask | m->value);
}

/* What rules may say as well. */
static void hint_of_mark(struct parser *p, struct diag_record *r)
{
	const char *word = parse_text(p, p->tok);

	if (qualifier_is_of(word, OF_MARK))
		diag_hint(p->diag, r, "it goes before 'as'");
	else if (!strcmp(word, "published"))
		diag_hint(p->diag, r, "%s", published_hint);
	else if (qualifier_is_of(word, OF_RULE))
		diag_hint(p->diag, r,
			  "of what rules may say, a mark takes ipv4, ipv6, from port, "
			  "hours, days, after, until");
}

static void what_follows(struct parser *p, const struct ast_mark *m)
{
	const char *word = p->tok.kind == TOK_WORD ? parse_text(p, p->tok) : "";
	struct diag_record *r;

	if (p->tok.kind != TOK_WORD || parse_at_word(p, "note"))
		return;
	r = diag_error(p->diag, parse_here(p), "'%s' cannot follow here", word);
	if (m && m->as.s && !word_in(qualifier_words, word, p->tok.len) &&
	    (word_is_name(word) || parse_at_service(p)))
		diag_hint(p->diag, r, "write %s as %s", word, m->as.s);
	else
		hint_of_mark(p, r);
	parse_resync(p);
}

/* Where there are errors, the number stands where a service would. */
static void no_as(struct parser *p, bool errors)
{
	struct diag_record *r;

	if (p->tok.kind == TOK_WORD &&
	    (parse_at_word(p, "published") || qualifier_is_of(parse_text(p, p->tok), OF_RULE))) {
		what_follows(p, NULL);
	} else if (!errors) {
		r = diag_error(p->diag, parse_here(p), "'as' is missing before %s", parse_found(p));
		diag_hint(p->diag, r, "write: mark FROM -> TO SERVICES as 0x200/0xff00");
	}
}

/* mark = "mark" pair SERVICES QUALIFIERS "as" N [ "/" MASK ] */
bool parse_mark(struct parser *p, struct ast_stmt *s)
{
	struct services_out services = {0};
	struct ast_mark *m = &s->mark;
	unsigned errors = p->diag->nerrors;

	s->kind = STMT_MARK;
	parse_advance(p);
	if (!parse_pair(p, &m->from, &m->to) || !parse_services(p, &services))
		return false;
	m->services.v = services.v;
	m->services.n = services.n;
	m->services.cap = services.cap;
	if (!parse_qualifiers(p, &m->q, OF_MARK) || p->tok.kind == TOK_BAD)
		return false;
	if (!parse_accept_word(p, "as")) {
		no_as(p, p->diag->nerrors != errors);
		return false;
	}
	if (p->tok.kind != TOK_WORD) {
		if (p->tok.kind != TOK_BAD)
			diag_hint(p->diag,
				  diag_error(p->diag, parse_here(p),
					     "the mark is missing before %s", parse_found(p)),
				  "write: as 0x200/0xff00");
		return false;
	}
	m->as = parse_take_word(p);
	read_mark(p, m);
	what_follows(p, m);
	return true;
}
