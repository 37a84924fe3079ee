/* SPDX-License-Identifier: GPL-2.0-or-later
 * timeouts: how long the kernel remembers connections, in what state.
 */
#include <string.h>

#include "lang/parse.h"

/* The kernel counts in ticks; with the fastest clock, 1000 a second, 25 days overflow. */
#define TIMEOUT_MAX (24ull * 86400)

bool parse_is_timeouts(const struct parser *p)
{
	struct token next = parse_next(p);

	if (p->prev.kind == TOK_COMMA) /* the last item of a list may be called so */
		return false;
	return next.kind == TOK_OPEN || (next.kind == TOK_WORD && !next.first &&
					 word_in((const char *const[]){"note", NULL},
						 p->lex.src->text + next.off, next.len));
}

/* As the kernel calls it: nf_conntrack_tcp_timeout_established. */
static const char *plain_name(struct parser *p, const char *name)
{
	static const char room[] = "nf-conntrack-", timeout[] = "-timeout";
	char *s = arena_strndup(p->arena, name, strlen(name)), *at;

	for (at = s; *at; at++)
		if (*at == '_')
			*at = '-';
	if (!strncmp(s, room, sizeof(room) - 1))
		s += sizeof(room) - 1;
	at = strstr(s, timeout);
	if (at)
		memmove(at, at + sizeof(timeout) - 1, strlen(at + sizeof(timeout) - 1) + 1);
	return s;
}

/* Whether it is, between hyphens, a part of the word. */
static bool is_part(const char *word, const char *part)
{
	size_t n = strlen(part);

	for (const char *at = strstr(word, part); n && at; at = strstr(at + 1, part))
		if ((at == word || at[-1] == '-') && (!at[n] || at[n] == '-'))
			return true;
	return false;
}

/* Of a protocol alone, the time of what goes on is meant. */
static const char *goes_on(struct parser *p, const char *name)
{
	static const char *const states[] = {"", "-established", "-open"};

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		const char *whole = arena_printf(p->arena, "%s%s", name, states[i]);

		if (word_in(timeout_words, whole, strlen(whole)))
			return whole;
	}
	return NULL;
}

static void unknown_name(struct parser *p, struct ast_word name)
{
	const char *plain = plain_name(p, name.s), *meant = goes_on(p, plain);
	struct diag_record *r = diag_error(p->diag, name.span, "no timeout is called '%s'", name.s);
	struct nearest near = {.word = meant ? meant : plain};
	struct buf all = {0}, of = {0};

	for (const char *const *w = timeout_words; *w; w++) {
		nearest_offer(&near, *w);
		buf_printf(&all, "%s%s", w == timeout_words ? "" : ", ", *w);
		if (is_part(*w, plain))
			buf_printf(&of, "%s%s", of.len ? ", " : "", *w);
	}
	if (!meant && of.len)
		diag_hint(p->diag, r, "there are: %s", buf_str(&of));
	else if (!nearest_hint(p->diag, r, &near))
		diag_hint(p->diag, r, "they are: %s", buf_str(&all));
	buf_free(&of);
	buf_free(&all);
}

static void time_error(struct parser *p, struct ast_word w)
{
	struct diag_record *r =
		diag_error(p->diag, w.span, "'%s' is not a time from 1s to 24d", w.s);
	const char *text = hint_duration(p->arena, w.s);
	uint64_t seconds;

	if (text && value_duration(text, &seconds) && seconds <= TIMEOUT_MAX &&
	    strcmp(text, w.s) != 0)
		diag_hint(p->diag, r, "write %s", text);
	else
		diag_hint(p->diag, r, "numbers take a unit: 30s, 2m, 1h30m, 5d");
}

/* timeout-line = NAME DURATION */
static bool timeout_line(struct parser *p, struct ast_timeout_line *line)
{
	struct token next;
	struct ast_word w;

	if (p->tok.kind == TOK_BAD)
		return false;
	if (p->tok.kind != TOK_WORD) {
		diag_error(p->diag, parse_here(p), "the name of a timeout is missing before %s",
			   parse_found(p));
		return false;
	}
	line->name = parse_take_word(p);
	if (!word_in(timeout_words, line->name.s, strlen(line->name.s)))
		unknown_name(p, line->name);
	if (p->tok.kind == TOK_BAD)
		return false;
	if (p->tok.kind != TOK_WORD || p->tok.first) {
		next = parse_next(p);
		diag_hint(p->diag,
			  diag_error(p->diag, parse_here(p), "the time is missing before %s",
				     parse_found(p)),
			  "write: %s %s", line->name.s,
			  p->tok.kind == TOK_EQUALS && next.kind == TOK_WORD ? parse_text(p, next)
									     : "30s");
		return false;
	}
	w = parse_take_word(p);
	if (!value_duration(w.s, &line->seconds) || line->seconds > TIMEOUT_MAX)
		time_error(p, w);
	if (p->tok.kind != TOK_COMMA)
		return true;
	diag_hint(p->diag,
		  diag_error(p->diag, parse_here(p),
			     "each timeout is a line of its own, without commas"),
		  "write %s %s;", line->name.s, w.s);
	parse_advance(p);
	return p->tok.kind != TOK_WORD || timeout_line(p, line);
}

static void add_line(struct parser *p, struct ast_timeouts *t, struct ast_layout layout)
{
	struct ast_timeout_line line = {.layout = layout};
	struct token first = p->tok;
	bool whole;

	p->layout = &line.layout;
	p->commas = 0;
	whole = timeout_line(p, &line);
	line.span = parse_since(p, first);
	if (!whole)
		parse_resync(p);
	if (whole || parse_at_end(p))
		parse_line_end(p, &line.layout.trailing);
	vec_push(p->arena, &t->lines, line);
}

/* timeouts = "timeouts" [ note ] "{" { timeout-line ( NEWLINE | ";" ) } "}" */
bool parse_timeouts(struct parser *p, struct ast_stmt *s)
{
	struct ast_timeouts *t = &s->timeouts;
	struct ast_layout layout;
	struct span brace;
	enum gap gap;

	s->kind = STMT_TIMEOUTS;
	parse_advance(p);
	if (p->tok.kind == TOK_WORD && !p->tok.first &&
	    word_in(timeout_words, p->lex.src->text + p->tok.off, p->tok.len)) {
		diag_hint(p->diag,
			  diag_error(p->diag, parse_here(p), "'{' is missing before %s",
				     parse_found(p)),
			  "write: timeouts { %s }", parse_words_until(p, NULL, NULL));
		return false;
	}
	if (!parse_note(p, &s->note) || !parse_open(p, &s->layout, &brace))
		return false;
	while ((gap = parse_gap(p, &layout, t->lines.n == 0)) != GAP_END) {
		if (gap == GAP_COMMENTS)
			vec_push(p->arena, &t->lines,
				 ((struct ast_timeout_line){.layout = layout, .is_comment = true}));
		else if (parse_begins_statement(p))
			break;
		else
			add_line(p, t, layout);
	}
	p->layout = &s->layout;
	parse_close(p, brace);
	return true;
}
