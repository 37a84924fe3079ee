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

/* Behind `but` of the item, or in a group. */
static void no_zone(struct parser *p, const struct ast_item *item, struct ast_word w)
{
	struct diag_record *r =
		diag_error(p->diag, w.span, "'%s' cannot be the name of a zone", w.s);
	const char *of = item && item->name.s ? item->name.s : "";
	enum family family;
	struct ival range;
	const char *why;

	if (item && !strcmp(w.s, "zones") && !strcmp(of, "any"))
		diag_hint(p->diag, r,
			  "what is left of any without them is this machine: write self");
	else if (item && !item->zone.s && *of &&
		 addr_parse_range(w.s, w.span.len, &family, &range, &why))
		diag_hint(p->diag, r, "addresses are taken away by '!': write !%s@%s", w.s, of);
}

/* The name of a zone or group; item: of what it is taken away, then it may be self. */
static bool zone_name(struct parser *p, struct ast_word *out, const struct ast_item *item)
{
	if (parse_dangling_comma(p, false) || p->tok.kind == TOK_BAD)
		return false;
	if (p->tok.kind == TOK_OPEN) {
		diag_hint(p->diag, diag_error(p->diag, parse_here(p), "lists take no braces"),
			  "write the zones with commas alone");
		return false;
	}
	if (p->tok.kind != TOK_WORD) {
		diag_error(p->diag, parse_here(p), "a zone is missing before %s", parse_found(p));
		return false;
	}
	*out = parse_take_word(p);
	if (item && !strcmp(out->s, "self"))
		return true;
	if (!strcmp(out->s, "self"))
		diag_hint(
			p->diag,
			diag_error(p->diag, out->span, "self is no zone, and in no group of them"),
			"name self beside the group in the rules that mean it");
	else if (word_is_reserved(out->s) || !word_is_name(out->s))
		no_zone(p, item, *out);
	return true;
}

bool parse_but(struct parser *p, struct ast_item *item)
{
	if (!parse_accept_word(p, "but"))
		return true;
	do {
		struct ast_word w;

		if (!zone_name(p, &w, item))
			return false;
		vec_push(p->nodes, &item->but, w);
	} while (parse_comma(p));
	if (!parse_at_word(p, "but"))
		return true;
	diag_hint(p->diag, diag_error(p->diag, parse_here(p), "'but' stands once in a list"),
		  "what it takes away is a list: zones but wan, guest");
	return false;
}

/* ---- sub-zones ---- */

static const char *const subzone_words[] = {"within", "ipsec", "mark", "user", "group", NULL};

/* `mark` begins a statement as well, where an arrow follows. */
bool parse_at_subzone_line(const struct parser *p)
{
	struct lexer ahead = p->lex;
	struct token next;

	if (p->tok.kind != TOK_WORD ||
	    !word_in(subzone_words, p->lex.src->text + p->tok.off, p->tok.len))
		return false;
	if (!parse_at_word(p, "mark"))
		return true;
	ahead.diag = NULL;
	lex_next(&ahead);
	next = lex_next(&ahead);
	return next.kind != TOK_ARROW && next.kind != TOK_COMMA && next.kind != TOK_AT;
}

/* MARK [ "/" MASK ] */
static void mark_value(struct parser *p, struct ast_zone *z, struct ast_word w)
{
	char *mask = strchr(w.s, '/');
	uint32_t all = UINT32_MAX;

	if (mask)
		*mask++ = '\0';
	if (!value_mark(w.s, &z->mark) || !value_mark(mask ? mask : "0xffffffff", &all)) {
		diag_hint(p->diag, diag_error(p->diag, w.span, "this is no mark"),
			  "write a number, or VALUE/MASK: mark 0x100/0xff00");
		return;
	}
	z->mask = all;
	if (z->mark & ~all || !all)
		diag_error(p->diag, w.span, "no mark is like this: bits that are not in the mask");
}

/* The word behind the first one, once in a zone. */
static bool subzone_word(struct parser *p, struct ast_word *out, const char *first, struct span at)
{
	struct ast_word w;

	if (p->tok.kind != TOK_WORD || p->tok.first) {
		if (p->tok.kind != TOK_BAD)
			diag_error(p->diag, parse_here(p), "'%s' is followed by one word, not %s",
				   first, parse_found(p));
		return false;
	}
	w = parse_take_word(p);
	if (out->s)
		diag_note(p->diag, diag_error(p->diag, at, "'%s' stands twice in this zone", first),
			  out->span, "first here");
	*out = w;
	return true;
}

/* subzone-line = "within" ZONE | "ipsec" | "mark" MARK [ "/" MASK ] | "user" USER | "group" GROUP
 */
bool parse_subzone_line(struct parser *p, struct ast_zone *z, struct ast_zone_line *line)
{
	struct ast_word first = parse_take_word(p), w = {0};

	if (!strcmp(first.s, "ipsec")) {
		line->kind = ZONE_IPSEC;
		z->ipsec_span = first.span;
		return true;
	}
	if (!strcmp(first.s, "mark")) {
		line->kind = ZONE_MARK;
		w.s = z->mark_span.src ? "" : NULL;
		w.span = z->mark_span;
		if (!subzone_word(p, &w, "mark", first.span))
			return false;
		z->mark_span = w.span;
		mark_value(p, z, w);
		return true;
	}
	if (!strcmp(first.s, "user")) {
		line->kind = ZONE_USER;
		return subzone_word(p, &z->user, "user", first.span);
	}
	if (!strcmp(first.s, "group")) {
		line->kind = ZONE_GROUP;
		return subzone_word(p, &z->group, "group", first.span);
	}
	line->kind = ZONE_WITHIN;
	if (!subzone_word(p, &z->within, "within", first.span))
		return false;
	if (p->tok.kind == TOK_COMMA)
		diag_hint(p->diag, diag_error(p->diag, parse_here(p), "'within' takes one zone"),
			  "make a sub-zone of each, and a group of them");
	return p->tok.kind != TOK_COMMA;
}

/* ---- groups ---- */

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

		if (!zone_name(p, &w, NULL))
			return false;
		vec_push(p->arena, &s->group.zones, w);
	} while (parse_comma(p));
	if (p->tok.kind != TOK_WORD || p->tok.first || parse_at_word(p, "note"))
		return true;
	diag_hint(
		p->diag,
		diag_error(p->diag, parse_here(p), "a comma is missing before %s", parse_found(p)),
		"write %s, %s", parse_text(p, p->prev), parse_text(p, p->tok));
	return false;
}
