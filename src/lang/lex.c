/* SPDX-License-Identifier: GPL-2.0-or-later
 * source text -> tokens. What looks like a token gone wrong (=> or a curly quote) is reported and
 * taken for the one that was meant, so that the parser can go on.
 */
#include "lang/lex.h"

#include <string.h>

#define SHOWN 16 /* bytes of a run of foreign characters that a message repeats */

void lex_init(struct lexer *l, const struct source *src, struct diag *diag)
{
	*l = (struct lexer){.src = src, .diag = diag};
}

struct span token_span(const struct source *src, struct token t)
{
	return (struct span){src, t.off, t.len};
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("_.:/*%+-", c));
}

static bool at(const struct lexer *l, uint32_t pos, const char *s)
{
	size_t n = strlen(s);

	return l->src->len - pos >= n && !memcmp(l->src->text + pos, s, n);
}

static struct token take(struct lexer *l, enum token_kind kind, uint32_t len)
{
	struct token t = {.kind = kind, .off = l->pos, .len = len, .first = !l->midline};

	l->pos += len;
	l->midline = true;
	return t;
}

static struct span next_bytes(const struct lexer *l, uint32_t len)
{
	return (struct span){l->src, l->pos, len};
}

static struct token take_misspelt_arrow(struct lexer *l, uint32_t len)
{
	if (l->diag)
		diag_hint(l->diag,
			  diag_error(l->diag, next_bytes(l, len), "an arrow is written '->'"),
			  "FROM -> TO: the side that opens the connection goes on the left");
	return take(l, TOK_ARROW, len);
}

/* word = { letter | digit | one of _ . : / * % + - }, up to the next "->" */
static struct token take_word(struct lexer *l)
{
	uint32_t n = 0;
	bool dashes = true;

	while (is_word(l->src->text[l->pos + n]) && !at(l, l->pos + n, "->")) {
		dashes = dashes && l->src->text[l->pos + n] == '-';
		n++;
	}
	if (dashes && at(l, l->pos + n, "->"))
		return take_misspelt_arrow(l, n + 2);
	return take(l, TOK_WORD, n);
}

static bool is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

/* string = '"' { any byte of the line but '"', or '\"' } '"' */
static struct token take_string(struct lexer *l, char quote)
{
	const char *s = l->src->text + l->pos, *end = l->src->text + l->src->len;
	uint32_t n = 1;
	bool control = false;

	while (s + n < end && s[n] != quote && s[n] != '\n') {
		if (s[n] == '\\' && s + n + 1 < end && s[n + 1] == '"')
			n++;
		control = control || (is_control(s[n]) && s[n] != '\t');
		n++;
	}
	if (s + n == end || s[n] != quote) {
		if (l->diag)
			diag_hint(l->diag,
				  diag_error(l->diag, next_bytes(l, n),
					     "this string is never closed"),
				  "close it with %c on the same line", quote);
		take(l, TOK_STRING, n);
		return (struct token){.kind = TOK_BAD, .off = l->pos - n, .len = n};
	}
	n++;
	if (quote != '"' && l->diag)
		diag_hint(l->diag,
			  diag_error(l->diag, next_bytes(l, n), "strings take double quotes"),
			  "write \"%.*s\"", (int)n - 2, s + 1);
	else if (control && l->diag)
		diag_error(l->diag, next_bytes(l, n), "this string contains a control character");
	return take(l, TOK_STRING, n);
}

static struct token take_newline(struct lexer *l)
{
	struct token t = take(l, TOK_NEWLINE, 1);

	l->midline = false;
	return t;
}

/* comment = '#' up to the end of the line; it becomes part of the newline */
static struct token take_comment(struct lexer *l)
{
	const char *s = l->src->text + l->pos;
	const char *nl = memchr(s, '\n', l->src->len - l->pos);
	uint32_t n = nl ? (uint32_t)(nl - s) : (uint32_t)l->src->len - l->pos;
	bool first = !l->midline;
	struct token t;

	l->pos += n;
	t = nl ? take_newline(l) : take(l, TOK_NEWLINE, 0);
	t.comment = n;
	t.first = first;
	return t;
}

/* Bytes of a character that starts no token; a run of them is one mistake. */
static uint32_t foreign_bytes(const struct lexer *l)
{
	const char *s = l->src->text + l->pos;
	uint32_t left = (uint32_t)l->src->len - l->pos, n = 1;

	while (n < left &&
	       ((unsigned char)s[n] >= 0x80 || strchr("$&()'`|?^~\\", s[n] ? s[n] : 'a')))
		n++;
	return n;
}

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* The length of the curly quote here; 0 if there is none. */
static uint32_t curly_quote(const struct lexer *l, uint32_t pos)
{
	static const char *const quotes[] = {"“", "”", "„", "«", "»", "‘", "’"};

	for (size_t i = 0; i < sizeof(quotes) / sizeof(quotes[0]); i++)
		if (at(l, pos, quotes[i]))
			return (uint32_t)strlen(quotes[i]);
	return 0;
}

/* A string between curly quotes, or one of them alone. */
static struct token take_curly_string(struct lexer *l, uint32_t quote)
{
	uint32_t end = l->pos + quote, text = end, text_end;

	while (end < l->src->len && l->src->text[end] != '\n' && !curly_quote(l, end))
		end++;
	text_end = end;
	if (end < l->src->len && curly_quote(l, end))
		quote = end + curly_quote(l, end) - l->pos;
	if (l->diag)
		diag_hint(l->diag,
			  diag_error(l->diag, next_bytes(l, quote),
				     "strings take plain double quotes"),
			  "write \"%.*s\"", (int)(text_end - text), l->src->text + text);
	return take(l, TOK_BAD, quote);
}

/* A blank that is no space, as web pages and word processors write them. */
static bool take_blank(struct lexer *l, struct token *out)
{
	static const struct {
		const char *bytes, *name;
	} blanks[] = {{"\u00a0", "U+00A0, a no-break space"},
		      {"\u202f", "U+202F, a narrow no-break space"},
		      {"\u2009", "U+2009, a thin space"},
		      {"\u3000", "U+3000, an ideographic space"},
		      {"\u200b", "U+200B, a zero-width space"}};

	for (size_t i = 0; i < sizeof(blanks) / sizeof(blanks[0]); i++) {
		uint32_t n = (uint32_t)strlen(blanks[i].bytes);

		if (!at(l, l->pos, blanks[i].bytes))
			continue;
		if (l->diag)
			diag_hint(l->diag,
				  diag_error(l->diag, next_bytes(l, n), "this blank is %s",
					     blanks[i].name),
				  "write plain spaces: sed -i 's/%s/ /g' %s",
				  n == 2 ? "\\xc2\\xa0" : blanks[i].bytes, l->src->path);
		*out = take(l, TOK_BAD, n);
		return true;
	}
	return false;
}

/* $NAME */
static bool take_variable(struct lexer *l, struct token *out)
{
	uint32_t n = 1;
	bool self;

	if (!at(l, l->pos, "$"))
		return false;
	while (is_word(l->src->text[l->pos + n]) && !at(l, l->pos + n, "->"))
		n++;
	self = n == 3 && (at(l, l->pos + 1, "FW") || at(l, l->pos + 1, "fw"));
	if (l->diag && self)
		diag_hint(l->diag,
			  diag_error(l->diag, next_bytes(l, n), "a policy has no variables"),
			  "this machine is called self");
	else if (l->diag)
		diag_hint(l->diag,
			  diag_error(l->diag, next_bytes(l, n), "a policy has no variables"),
			  "declare names and write them without '$': host NAME = ADDRESS");
	*out = take(l, TOK_BAD, n);
	return true;
}

static struct token take_foreign(struct lexer *l)
{
	uint32_t n = foreign_bytes(l), shown;
	struct diag_record *r;
	struct token t;

	if (take_blank(l, &t) || take_variable(l, &t))
		return t;
	if (curly_quote(l, l->pos))
		return take_curly_string(l, curly_quote(l, l->pos));
	if (!l->diag)
		return take(l, TOK_BAD, n);
	if (is_control(l->src->text[l->pos])) {
		diag_error(l->diag, next_bytes(l, n), "unexpected control character 0x%02x",
			   (unsigned char)l->src->text[l->pos]);
		return take(l, TOK_BAD, n);
	}
	shown = n;
	while (shown > SHOWN &&
	       (shown > SHOWN + 3 || is_continuation(l->src->text[l->pos + shown])))
		shown--;
	r = diag_error(l->diag, next_bytes(l, n), "unexpected '%.*s'", (int)shown,
		       l->src->text + l->pos);
	if (at(l, l->pos, "("))
		diag_hint(l->diag, r, "lists take commas and no brackets: A, B");
	else if (at(l, l->pos, "&"))
		diag_hint(l->diag, r, "lists take commas: A, B; both protocols are tcp+udp/53");
	return take(l, TOK_BAD, n);
}

static struct token take_other(struct lexer *l)
{
	static const char *const arrows[] = {"=>", "→", "⇒", "⟶", "–>", "—>", ">>", ">"};

	if (at(l, l->pos, "<->")) {
		if (l->diag)
			diag_hint(
				l->diag,
				diag_error(l->diag, next_bytes(l, 3),
					   "a rule speaks of one direction: who opens connections"),
				"it is '->'; add a second rule if the other side opens connections "
				"too");
		return take(l, TOK_ARROW, 3);
	}
	for (size_t i = 0; i < sizeof(arrows) / sizeof(arrows[0]); i++)
		if (at(l, l->pos, arrows[i]))
			return take_misspelt_arrow(l, (uint32_t)strlen(arrows[i]));
	if (at(l, l->pos, "<-")) {
		if (l->diag)
			diag_hint(l->diag,
				  diag_error(l->diag, next_bytes(l, 2),
					     "arrows point away from the side that opens the "
					     "connection"),
				  "swap the two sides and write '->'");
		return take(l, TOK_ARROW, 2);
	}
	if (at(l, l->pos, "'"))
		return take_string(l, '\'');
	return take_foreign(l);
}

static void skip_blanks(struct lexer *l)
{
	while (at(l, l->pos, " ") || at(l, l->pos, "\t"))
		l->pos++;
}

struct token lex_next(struct lexer *l)
{
	static const char marks[] = "@!,{};=[]";
	static const enum token_kind kinds[] = {TOK_AT,	    TOK_NOT,	      TOK_COMMA,
						TOK_OPEN,   TOK_CLOSE,	      TOK_SEMICOLON,
						TOK_EQUALS, TOK_OPEN_BRACKET, TOK_CLOSE_BRACKET};
	const char *mark;
	char c;

	skip_blanks(l);
	if (l->pos >= l->src->len)
		return (struct token){.kind = TOK_END, .off = l->pos, .first = !l->midline};
	c = l->src->text[l->pos];
	if (c == '\n')
		return take_newline(l);
	if (c == '#')
		return take_comment(l);
	if (c == '"')
		return take_string(l, '"');
	if (at(l, l->pos, "->"))
		return take(l, TOK_ARROW, 2);
	if (is_word(c))
		return take_word(l);
	mark = c ? strchr(marks, c) : NULL;
	if (mark && !at(l, l->pos, "=>"))
		return take(l, kinds[mark - marks], 1);
	return take_other(l);
}

char *lex_string(struct arena *a, const struct source *src, struct token t)
{
	char *s = arena_alloc(a, t.len), *to = s;
	const char *from = src->text + t.off + 1, *end = src->text + t.off + t.len - 1;

	while (from < end) {
		if (*from == '\\' && from + 1 < end && from[1] == '"')
			from++;
		*to++ = *from++;
	}
	return s;
}
