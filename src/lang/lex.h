/* SPDX-License-Identifier: GPL-2.0-or-later
 * Tokens of a policy file, one at a time. A token is a piece of the text, not a copy of it.
 */
#ifndef FWC_LEX_H
#define FWC_LEX_H

#include "util/diag.h"

enum token_kind {
	TOK_WORD,
	TOK_STRING,
	TOK_NEWLINE,
	TOK_END,
	TOK_ARROW,
	TOK_AT,
	TOK_NOT,
	TOK_COMMA,
	TOK_OPEN,  /* { */
	TOK_CLOSE, /* } */
	TOK_SEMICOLON,
	TOK_EQUALS,
	TOK_OPEN_BRACKET,
	TOK_CLOSE_BRACKET,
	TOK_BAD, /* was reported; nothing more is to be said about it */
};

struct token {
	enum token_kind kind;
	uint32_t off, len;
	uint32_t comment; /* TOK_NEWLINE: bytes of the comment that stands right before it */
	bool first;       /* of its line */
};

struct lexer {
	const struct source *src;
	struct diag *diag; /* NULL: mistakes are not reported, for a look ahead */
	uint32_t pos;
	bool midline; /* something but blanks was seen in this line */
};

void lex_init(struct lexer *l, const struct source *src, struct diag *diag);
/* TOK_END for ever once the text is over; a TOK_NEWLINE comes before it if a comment is there. */
struct token lex_next(struct lexer *l);
/* What a string token means: without its quotes, \" as ". */
char *lex_string(struct arena *a, const struct source *src, struct token t);
struct span token_span(const struct source *src, struct token t);

#endif
