/* SPDX-License-Identifier: GPL-2.0-or-later
 * tokens -> names for several zones, and lists of zones less others.
 */
#include <string.h>

#include "lang/parse.h"

static bool is_word(const struct parser *p, struct token t, const char *word)
{
	return t.kind == TOK_WORD && t.len == strlen(word) &&
	       !memcmp(p->lex.src->text + t.off, word, t.len);
}

bool parse_is_group(const struct parser *p)
{
	struct lexer ahead = p->lex;
	struct token name;

	ahead.diag = NULL;
	name = lex_next(&ahead);
	return name.kind == TOK_EQUALS ||
	       (name.kind == TOK_WORD && lex_next(&ahead).kind == TOK_EQUALS);
}

bool parse_but_follows(const struct parser *p)
{
	return is_word(p, parse_next(p), "but");
}

/* The name of a zone or group; with_self: or self. */
static bool zone_name(struct parser *p, struct ast_word *out, bool with_self)
{
	if (parse_dangling_comma(p, false) || p->tok.kind == TOK_BAD)
		return false;
	if (p->tok.kind != TOK_WORD) {
		diag_error(p->diag, parse_here(p), "a zone is missing before %s", parse_found(p));
		return false;
	}
	*out = parse_take_word(p);
	if (with_self && !strcmp(out->s, "self"))
		return true;
	if (!strcmp(out->s, "self"))
		diag_hint(
			p->diag,
			diag_error(p->diag, out->span, "self is no zone, and in no group of them"),
			"name self beside the group in the rules that mean it");
	else if (word_is_reserved(out->s) || !word_is_name(out->s))
		diag_error(p->diag, out->span, "'%s' cannot be the name of a zone", out->s);
	return true;
}

bool parse_but(struct parser *p, struct ast_item *item)
{
	if (!parse_accept_word(p, "but"))
		return true;
	do {
		struct ast_word w;

		if (!zone_name(p, &w, true))
			return false;
		vec_push(p->arena, &item->but, w);
	} while (parse_comma(p));
	if (!parse_at_word(p, "but"))
		return true;
	diag_hint(p->diag, diag_error(p->diag, parse_here(p), "'but' stands once in a list"),
		  "what it takes away is a list: zones but wan, guest");
	return false;
}

/* zones = "zones" NAME "=" ZONE { "," ZONE } */
bool parse_zones(struct parser *p, struct ast_stmt *s)
{
	s->kind = STMT_ZONES;
	parse_advance(p);
	if (!parse_name(p, &s->group.name, "group of zones"))
		return false;
	if (!parse_accept(p, TOK_EQUALS)) {
		if (p->tok.kind != TOK_BAD)
			diag_hint(p->diag,
				  diag_error(p->diag, parse_here(p), "'=' is missing before %s",
					     parse_found(p)),
				  "write: zones %s = ZONE, ZONE", s->group.name.s);
		return false;
	}
	do {
		struct ast_word w;

		if (!zone_name(p, &w, false))
			return false;
		vec_push(p->arena, &s->group.zones, w);
	} while (parse_comma(p));
	return true;
}
