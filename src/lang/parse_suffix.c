/* SPDX-License-Identifier: GPL-2.0-or-later
 * suffix ADDRESS[/BITS]: an IPv6 host by the low bits of its address.
 */
#include <string.h>

#include "lang/parse.h"
#include "util/number.h"

/* `suffix` is a name, too: what makes it this one is an address behind it. */
bool parse_at_suffix(const struct parser *p, enum item_place where)
{
	struct token next = parse_next(p);
	const char *s = p->lex.src->text + next.off;
	bool defines = where == ITEM_OF_HOST || where == ITEM_OF_SET;

	return parse_at_word(p, "suffix") && next.kind == TOK_WORD && !next.first &&
	       (memchr(s, ':', next.len) || (defines && *s >= '0' && *s <= '9'));
}

static const char *low_bits(struct parser *p, u128 value, unsigned bits)
{
	struct buf b = {0};
	const char *text;

	suffix_print(&b, value & u128_max((int)bits), bits);
	text = arena_strdup(p->arena, buf_str(&b));
	buf_free(&b);
	return text;
}

static bool read_bits(struct parser *p, struct ast_word w, const char *slash, unsigned *bits)
{
	uint64_t n;

	if (number_word(slash + 1, 1, 127, &n)) {
		*bits = (unsigned)n;
		return true;
	}
	diag_hint(p->diag,
		  diag_error(p->diag, w.span, "the length of a suffix is 1 to 127 bits, not '%s'",
			     slash + 1),
		  "suffix ::10/80 are the low 80 bits; without a length, the low %d", SUFFIX_BITS);
	return false;
}

/* suffix = "suffix" ADDRESS [ "/" BITS ] */
bool parse_suffix(struct parser *p, struct ast_item *out, enum item_place where)
{
	struct token first = p->tok;
	unsigned bits = SUFFIX_BITS;
	struct ast_word w;
	const char *slash;
	enum family fam;
	u128 value;

	parse_advance(p);
	w = parse_take_word(p);
	slash = strchr(w.s, '/');
	out->kind = ITEM_SUFFIX;
	out->span = parse_since(p, first);
	if (where == ITEM_OF_RULE || where == ITEM_OF_TARGET) {
		diag_hint(p->diag,
			  diag_error(p->diag, out->span,
				     where == ITEM_OF_RULE ? "a suffix cannot go here"
							   : "a suffix cannot be a target"),
			  where == ITEM_OF_RULE
				  ? "declare host NAME = suffix %s, and write NAME here"
				  : "IPv6 needs no translation: allow FROM -> NAME, where host "
				    "NAME = suffix %s",
			  w.s);
		return false;
	}
	if (!addr_parse(w.s, slash ? (size_t)(slash - w.s) : strlen(w.s), &fam, &value) ||
	    fam != FAM_IP6) {
		diag_hint(p->diag,
			  diag_error(p->diag, w.span, "'%s' is no end of an IPv6 address", w.s),
			  "write the low %d bits as an address: suffix ::10", SUFFIX_BITS);
		return false;
	}
	if (slash && !read_bits(p, w, slash, &bits))
		return false;
	if (value & ~u128_max((int)bits)) {
		diag_hint(p->diag,
			  diag_error(p->diag, w.span, "only the low %u bits belong to the suffix",
				     bits),
			  "write %s", low_bits(p, value, bits));
		return false;
	}
	out->addr = (struct ival){value, value};
	out->bits = (uint8_t)bits;
	return true;
}
