/* SPDX-License-Identifier: GPL-2.0-or-later
 * tokens -> statements: the statement loop, blocks, comments between statements, and going on after
 * a mistake.
 */
#include "lang/parse.h"

#include <string.h>

#define ERRORS_MAX 100

static const struct statement {
	const char *word;
	bool (*parse)(struct parser *p, struct ast_stmt *s);
	bool in_blocks; /* a line of some block may begin with the word as well */
} statements[] = {
	{"allow", parse_rule, true},
	{"drop", parse_rule, true},
	{"reject", parse_rule, true},
	{"inspect", parse_rule, true},
	{"forwarding", parse_forwarding, false},
	{"live-flows", parse_live_flows, false},
	{"zone", parse_zone, false},
	{"zones", parse_zones, false},
	{"host", parse_host, false},
	{"set", parse_set, false},
	{"service", parse_service_def, false},
	{"masquerade", parse_nat, false},
	{"snat", parse_nat, false},
	{"dnat", parse_nat, false},
	{"redirect", parse_nat, false},
	{"no-nat", parse_nat, false},
	{"netmap", parse_nat, false},
	{"clamp-mss", parse_clamp, false},
	{"mark", parse_mark, true},
	{"inspector", parse_inspector, false},
	{"inspection", parse_inspection, false},
	{"expect", parse_expect, false},
	{"include", parse_include, false},
	{"antispoof", parse_antispoof, false},
	{"early", parse_early, false},
	{"untracked", parse_untracked, false},
	{"offload", parse_offload, false},
	{"timeouts", parse_timeouts, false},
	{"log", parse_log_def, false},
	{"limit", parse_limit_def, false},
	{"quota", parse_quota_def, false},
};

/* Those that are names as well, known by what follows. */
static const char *const soft_words[] = {"no-nat",    "antispoof", "early",
					 "untracked", "offload",   NULL};

#define STATEMENTS (sizeof(statements) / sizeof(statements[0]))

/* ---- tokens ---- */

void parse_advance(struct parser *p)
{
	if (p->tok.kind != TOK_NEWLINE)
		p->prev = p->tok;
	p->tok = lex_next(&p->lex);
}

bool parse_accept(struct parser *p, enum token_kind kind)
{
	if (p->tok.kind != kind)
		return false;
	parse_advance(p);
	return true;
}

bool parse_at_word(const struct parser *p, const char *word)
{
	return p->tok.kind == TOK_WORD && strlen(word) == p->tok.len &&
	       !memcmp(word, p->lex.src->text + p->tok.off, p->tok.len);
}

bool parse_accept_word(struct parser *p, const char *word)
{
	if (!parse_at_word(p, word))
		return false;
	parse_advance(p);
	return true;
}

bool parse_at_end(const struct parser *p)
{
	return p->tok.kind == TOK_NEWLINE || p->tok.kind == TOK_END ||
	       p->tok.kind == TOK_SEMICOLON || p->tok.kind == TOK_CLOSE;
}

struct token parse_next(const struct parser *p)
{
	struct lexer ahead = p->lex;

	ahead.diag = NULL;
	return lex_next(&ahead);
}

enum token_kind parse_peek(const struct parser *p)
{
	return parse_next(p).kind;
}

/* The token at hand; where the line is over, the place behind its last token. */
struct span parse_here(const struct parser *p)
{
	if ((p->tok.kind == TOK_NEWLINE || p->tok.kind == TOK_END) && p->prev.len)
		return (struct span){p->lex.src, p->prev.off + p->prev.len, 0};
	return token_span(p->lex.src, p->tok);
}

struct span parse_since(const struct parser *p, struct token first)
{
	return span_join(token_span(p->lex.src, first), token_span(p->lex.src, p->prev));
}

char *parse_text(struct parser *p, struct token t)
{
	return arena_strndup(p->arena, p->lex.src->text + t.off, t.len);
}

/* The words from the one at hand up to `stop` or the end of the statement; behind stop, *rest. */
const char *parse_words_until(struct parser *p, const char *stop, const char **rest)
{
	struct lexer ahead = p->lex;
	struct span words = token_span(p->lex.src, p->tok), behind = {0};
	struct token t = p->tok;
	bool stopped = false;

	ahead.diag = NULL;
	for (; t.kind == TOK_WORD || t.kind == TOK_STRING || t.kind == TOK_COMMA ||
	       t.kind == TOK_NOT || t.kind == TOK_AT;
	     t = lex_next(&ahead)) {
		struct span one = token_span(p->lex.src, t);

		if (stopped)
			behind = behind.src ? span_join(behind, one) : one;
		else if (stop && t.len == strlen(stop) &&
			 !memcmp(p->lex.src->text + t.off, stop, t.len))
			stopped = true;
		else
			words = span_join(words, one);
	}
	if (rest)
		*rest = behind.src ? span_text(p->arena, behind) : NULL;
	return span_text(p->arena, words);
}

const char *parse_found(struct parser *p)
{
	if (p->tok.kind == TOK_NEWLINE)
		return "the end of the line";
	if (p->tok.kind == TOK_END)
		return p->query ? "the end of the question" : "the end of the file";
	if (p->tok.kind == TOK_STRING)
		return "a string";
	return arena_printf(p->arena, "'%s'", parse_text(p, p->tok));
}

struct ast_word parse_take_word(struct parser *p)
{
	struct ast_word w = {parse_text(p, p->tok), token_span(p->lex.src, p->tok)};

	parse_advance(p);
	return w;
}

struct ast_word parse_take_string(struct parser *p)
{
	struct ast_word w = {lex_string(p->arena, p->lex.src, p->tok),
			     token_span(p->lex.src, p->tok)};

	parse_advance(p);
	return w;
}

/* name = letter-or-underscore { letter | digit | "_" | "-" }, at most 31, no reserved word */
bool parse_name(struct parser *p, struct ast_word *out, const char *what)
{
	if (p->tok.kind == TOK_BAD)
		return false;
	if (p->tok.kind != TOK_WORD) {
		diag_error(p->diag, parse_here(p), "the name of the %s is missing", what);
		return false;
	}
	*out = parse_take_word(p);
	if (word_is_reserved(out->s))
		diag_hint(p->diag,
			  diag_error(p->diag, out->span,
				     "'%s' is a reserved word; the %s needs another name", out->s,
				     what),
			  "a name such as my-%s is free", out->s);
	else if (!word_is_name(out->s))
		diag_hint(
			p->diag, diag_error(p->diag, out->span, "'%s' is not a name", out->s),
			"names are made of letters, digits, _ and -, and begin with a letter or _");
	else if (strlen(out->s) > NAME_MAX_LEN)
		diag_error(p->diag, out->span, "this name is longer than %d characters",
			   NAME_MAX_LEN);
	return true;
}

/* ---- comments, and lines that end within a list ---- */

static const char *comment_text(struct parser *p)
{
	const char *s = p->lex.src->text + p->tok.off - p->tok.comment;
	size_t n = p->tok.comment;

	while (n && (s[n - 1] == ' ' || s[n - 1] == '\t' || s[n - 1] == '\r'))
		n--;
	return n ? arena_strndup(p->arena, s, n) : NULL;
}

/* "," { NEWLINE }: the list goes on */
bool parse_comma(struct parser *p)
{
	struct ast_break *b = NULL;

	if (!parse_accept(p, TOK_COMMA))
		return false;
	p->commas++;
	while (p->tok.kind == TOK_NEWLINE) {
		if (!b) {
			b = vec_add(p->arena, &p->layout->breaks);
			*b = (struct ast_break){.comma = p->commas, .trailing = comment_text(p)};
		} else if (p->tok.comment) {
			vec_push(p->arena, &b->comments, comment_text(p));
		}
		parse_advance(p);
	}
	return true;
}

/* What stands between two statements: their separators, empty lines and comments. A paragraph of
 * comments that an empty line parts from what follows is an item of its own. */
enum gap parse_gap(struct parser *p, struct ast_layout *l, bool first)
{
	bool blank = false;

	*l = (struct ast_layout){0};
	for (;; parse_advance(p)) {
		if (p->tok.kind == TOK_SEMICOLON)
			continue;
		if (p->tok.kind != TOK_NEWLINE)
			break;
		if (!p->tok.comment) {
			if (l->comments.n)
				return GAP_COMMENTS;
			blank = blank || p->tok.first;
			continue;
		}
		if (!l->comments.n)
			l->blank_before = blank && !first;
		vec_push(p->arena, &l->comments, comment_text(p));
	}
	if (p->tok.kind == TOK_END || p->tok.kind == TOK_CLOSE)
		return l->comments.n ? GAP_COMMENTS : GAP_END;
	if (!l->comments.n)
		l->blank_before = blank && !first;
	return GAP_ITEM;
}

static void not_the_end(struct parser *p)
{
	struct diag_record *r = diag_error(p->diag, parse_here(p),
					   "the statement should end before %s", parse_found(p));

	if (p->tok.kind == TOK_OPEN)
		diag_hint(p->diag, r,
			  "a block of rules takes no verb in front: FROM -> TO { allow ssh }");
	else if (p->tok.kind == TOK_WORD && strpbrk(parse_text(p, p->tok), ".:/") &&
		 p->prev.kind == TOK_WORD)
		diag_hint(p->diag, r, "is a comma missing? write %s, %s", parse_text(p, p->prev),
			  parse_text(p, p->tok));
}

/* The end of a statement's line, and the comment there. */
void parse_line_end(struct parser *p, const char **comment)
{
	if (!parse_at_end(p)) {
		if (p->tok.kind != TOK_BAD)
			not_the_end(p);
		parse_resync(p);
	}
	parse_accept(p, TOK_SEMICOLON);
	if (p->tok.kind != TOK_NEWLINE)
		return;
	if (p->tok.comment)
		*comment = comment_text(p);
	parse_advance(p);
}

/* ---- going on after a mistake ---- */

/* Whether the word is the source of a pair block. */
static bool is_source(const struct parser *p)
{
	enum token_kind next = parse_peek(p);

	return next == TOK_ARROW || next == TOK_AT || next == TOK_COMMA || parse_but_follows(p);
}

/* A qualifier's word begins a statement by what follows it. */
static bool begins_by_next(const struct parser *p)
{
	struct lexer ahead = p->lex;
	struct token next;

	ahead.diag = NULL;
	next = lex_next(&ahead);
	if (next.kind != TOK_WORD)
		return false;
	if (parse_at_word(p, "log"))
		return word_in((const char *const[]){"invalid", "unmatched", NULL},
			       p->lex.src->text + next.off, next.len);
	return lex_next(&ahead).kind == TOK_EQUALS;
}

static const struct statement *statement_at(const struct parser *p)
{
	if ((parse_at_word(p, "log") || parse_at_word(p, "limit") || parse_at_word(p, "quota")) &&
	    !begins_by_next(p))
		return NULL;
	for (size_t i = 0; i < STATEMENTS; i++)
		if (parse_at_word(p, statements[i].word) && statements[i].parse == parse_zones)
			return parse_is_group(p) ? &statements[i] : NULL;
		else if (parse_at_word(p, statements[i].word) &&
			 statements[i].parse == parse_timeouts)
			return parse_is_timeouts(p) ? &statements[i] : NULL;
		else if (parse_at_word(p, statements[i].word))
			return word_in(soft_words, statements[i].word, p->tok.len) && is_source(p)
				       ? NULL
				       : &statements[i];
	return NULL;
}

bool parse_begins_statement(const struct parser *p)
{
	return p->tok.first && statement_at(p);
}

bool parse_runs_out(const struct parser *p)
{
	const struct statement *s = p->tok.first ? statement_at(p) : NULL;

	return s && !s->in_blocks;
}

/* To the end of the statement: of its line, or behind the block that it has. */
void parse_resync(struct parser *p)
{
	const char *text = p->lex.src->text;
	uint32_t start = p->tok.off;
	bool stuck = text + start == p->resynced;
	unsigned depth = 0;

	p->resynced = NULL;

	for (;; parse_advance(p)) {
		bool list_goes_on = p->prev.kind == TOK_COMMA;

		if (p->tok.kind == TOK_END)
			return;
		if (depth == 0 && (p->tok.kind == TOK_SEMICOLON || p->tok.kind == TOK_CLOSE))
			return;
		if (depth == 0 && p->tok.kind == TOK_NEWLINE && !list_goes_on)
			return;
		if ((p->tok.off != start || (list_goes_on && !stuck)) &&
		    (parse_runs_out(p) || (depth == 0 && parse_begins_statement(p)))) {
			p->resynced = text + p->tok.off;
			return;
		}
		if (p->tok.kind == TOK_OPEN)
			depth++;
		else if (p->tok.kind == TOK_CLOSE)
			depth--;
	}
}

/* ---- blocks ---- */

/* "{", and the comment behind it */
bool parse_open(struct parser *p, struct ast_layout *l, struct span *brace)
{
	if (p->tok.kind == TOK_NEWLINE && parse_peek(p) == TOK_OPEN) {
		parse_advance(p);
		diag_error(p->diag, parse_here(p), "'{' must be on the line of what it opens");
	}
	*brace = parse_here(p);
	if (p->tok.kind == TOK_BAD)
		return false;
	if (!parse_accept(p, TOK_OPEN)) {
		diag_error(p->diag, *brace, "'{' is missing before %s", parse_found(p));
		return false;
	}
	if (p->tok.kind == TOK_NEWLINE) {
		l->trailing = p->tok.comment ? comment_text(p) : NULL;
		parse_advance(p);
	}
	return true;
}

/* "}" */
void parse_close(struct parser *p, struct span brace)
{
	struct diag_record *r;

	if (parse_accept(p, TOK_CLOSE))
		return;
	r = diag_error(p->diag, brace, "this '{' is never closed");
	if (p->tok.kind != TOK_END)
		diag_note(p->diag, r, parse_here(p), "a '}' seems to be missing before this");
}

/* ---- statements ---- */

/* A rule of another firewall, which is not like one of ours word by word. */
static bool foreign_rule(struct parser *p, const char *word)
{
	struct token next = parse_next(p);
	const char *whose = hint_foreign(
		word,
		next.first ? "" : arena_strndup(p->arena, p->lex.src->text + next.off, next.len));

	if (whose)
		diag_hint(p->diag,
			  diag_error(p->diag, parse_here(p), "'%s' begins a rule of %s kind", word,
				     whose),
			  "a rule here is an arrow: allow any -> self tcp/22");
	return whose;
}

/* A qualifier's word where a statement should begin. */
static void no_statement(struct parser *p, const char *word)
{
	static const char *const logged[] = {"invalid", "unmatched", NULL};
	struct diag_record *r =
		diag_error(p->diag, parse_here(p), "'%s' does not begin a statement", word);
	struct token next = parse_next(p);
	const char *behind = next.kind == TOK_WORD && !next.first ? parse_text(p, next) : "";

	if (!strcmp(word, "log") && next.kind == TOK_WORD &&
	    word_in((const char *const[]){"all", "dropped", "drop", "denied", "rejected", NULL},
		    behind, strlen(behind)))
		diag_hint(p->diag, r, "to log what no rule matches, write log unmatched");
	else if (!strcmp(word, "group") && word_is_name(behind))
		diag_hint(p->diag, r, "several zones have a name by: zones %s = ZONE, ZONE",
			  behind);
	else if (!strcmp(word, "limit") && word_is_name(behind) &&
		 parse_words_until(p, NULL, NULL) && strchr(parse_words_until(p, NULL, NULL), '/'))
		diag_hint(p->diag, r, "write limit %s =%s", behind,
			  parse_words_until(p, NULL, NULL) + strlen("limit ") + strlen(behind));
	else if (!strcmp(word, "quota") && word_is_name(behind) &&
		 strpbrk(parse_words_until(p, NULL, NULL), "0123456789"))
		diag_hint(p->diag, r, "write quota %s =%s", behind,
			  parse_words_until(p, NULL, NULL) + strlen("quota ") + strlen(behind));
	else if (!strcmp(word, "log") && *behind && word_nearest(logged, behind))
		diag_hint(p->diag, r, "did you mean 'log %s'?", word_nearest(logged, behind));
	else if (!strcmp(word, "log") && strchr(parse_words_until(p, NULL, NULL), ' '))
		diag_hint(p->diag, r,
			  "it is part of a rule: allow FROM -> TO SERVICES log; without one: "
			  "log unmatched");
	else
		diag_hint(p->diag, r, "a rule and its qualifiers go on one line");
}

/* Whether the hint says what to write in place of the whole statement. */
static bool told(struct parser *p, struct diag_record *r, const char *word)
{
	static const char *const opens[] = {"open", "enable", NULL};
	struct token next = parse_next(p);
	const char *behind = next.kind == TOK_WORD && !next.first ? parse_text(p, next) : "";
	const char *hint = hint_statement(word);

	if (hint)
		diag_hint(p->diag, r, "%s", hint);
	else if (word_in(opens, word, strlen(word)) && word_is_name(behind))
		diag_hint(p->diag, r, "write allow any -> self %s", behind);
	else if (!strcmp(word, "no") && !strcmp(behind, "nat"))
		diag_hint(p->diag, r, "write no-nat; it is one word");
	else if (!strcmp(word, "clamp") && !strcmp(behind, "mss"))
		diag_hint(p->diag, r, "write clamp-mss, in one word");
	else if (!strcmp(word, "forward") && strcmp(behind, "on") && strcmp(behind, "off"))
		diag_hint(p->diag, r, "%s", hint_statement("rdr"));
	else if ((!strcmp(word, "timeout") && hint_duration(p->arena, behind)) ||
		 !strcmp(word, "size"))
		diag_hint(p->diag, r,
			  "it goes on in the line of its set: set NAME = dynamic, %s %s", word,
			  behind);
	else if (!strcmp(word, "disable"))
		diag_hint(p->diag, r, "did you mean 'disabled'?");
	else if (next.kind == TOK_OPEN && !next.first && hint_pair(p->arena, word))
		diag_hint(p->diag, r, "write %s {", hint_pair(p->arena, word));
	else
		return false;
	return true;
}

static bool unknown_statement(struct parser *p, struct ast_stmt *s)
{
	struct nearest near = {.word = parse_text(p, p->tok)};
	const char *synonym = word_synonym(near.word);
	const struct statement *meant = NULL;
	struct diag_record *r;

	if (p->tok.kind == TOK_BAD)
		return false;
	if (p->tok.kind != TOK_WORD) {
		diag_error(p->diag, parse_here(p), "a statement cannot begin with %s",
			   parse_found(p));
		return false;
	}
	if (foreign_rule(p, near.word))
		return false;
	if (word_in(qualifier_words, near.word, p->tok.len)) {
		no_statement(p, near.word);
		return false;
	}
	r = diag_error(p->diag, parse_here(p), "no statement begins with '%s'", near.word);
	if (told(p, r, near.word))
		return false;
	if (!synonym)
		synonym = hint_statement_called(near.word);
	for (size_t i = 0; i < STATEMENTS; i++) {
		const char *before = near.best;

		if (!synonym)
			nearest_offer(&near, statements[i].word);
		else if (!strcmp(synonym, statements[i].word))
			near.best = synonym;
		if (near.best != before)
			meant = &statements[i];
	}
	if (!meant) {
		diag_hint(p->diag, r, "a rule is written: allow FROM -> TO SERVICES");
		return false;
	}
	diag_hint(p->diag, r, "did you mean '%s'?", near.best);
	/* Read on as if it stood there: there may be more to say about the rest. */
	p->word = meant->word;
	p->forgiven++;
	return meant->parse(p, s);
}

/* "disabled": the statement behind it; a zone of that name has something else there. */
static bool accept_disabled(struct parser *p)
{
	enum token_kind next = parse_peek(p);

	return parse_at_word(p, "disabled") && (next == TOK_WORD || next == TOK_NOT) &&
	       parse_accept_word(p, "disabled");
}

static bool is_definition(enum stmt_kind kind)
{
	return kind == STMT_ZONE || kind == STMT_ZONES || kind == STMT_NAMES ||
	       kind == STMT_SERVICE || kind == STMT_LIMIT || kind == STMT_QUOTA ||
	       kind == STMT_INSPECTOR || kind == STMT_INCLUDE;
}

static void check_disabled(struct parser *p, const struct ast_stmt *s, struct token at)
{
	if (s->disabled && is_definition(s->kind))
		diag_hint(p->diag,
			  diag_error(p->diag, token_span(p->lex.src, at),
				     "this statement cannot be disabled: others may need it"),
			  "write # before its lines");
}

/* statement = [ "disabled" ] one of the table, or a pair block */
static bool parse_stmt(struct parser *p, struct ast_stmt *s)
{
	const struct statement *known;

	s->disabled = accept_disabled(p);
	known = statement_at(p);
	if (known) {
		p->word = known->word;
		return known->parse(p, s);
	}
	if (p->tok.kind == TOK_NOT || p->tok.kind == TOK_AT || p->tok.kind == TOK_ARROW)
		return parse_pair_block(p, s);
	if (p->tok.kind != TOK_WORD)
		return unknown_statement(p, s);
	if (is_source(p))
		return parse_pair_block(p, s);
	if (parse_at_word(p, "zones"))
		return parse_zones(p, s);
	if (parse_at_word(p, "timeouts"))
		return parse_timeouts(p, s);
	return unknown_statement(p, s);
}

static bool too_many(struct parser *p)
{
	if (p->diag->nerrors < ERRORS_MAX)
		return false;
	if (!p->shared->gave_up)
		diag_remark(p->diag, (struct span){0},
			    "more than %d errors; the rest of the policy was not read", ERRORS_MAX);
	p->shared->gave_up = true;
	p->ast->incomplete = true;
	return true;
}

bool parse_is_spoilt(const struct parser *p, unsigned errors)
{
	return p->diag->nerrors - errors != p->forgiven;
}

/* What the statement declares, so that its uses are not reported as unknown. */
static void note_broken(struct parser *p, const struct ast_stmt *s)
{
	const char *name = NULL;

	if (s->kind == STMT_ZONE)
		name = s->zone.name.s;
	else if (s->kind == STMT_ZONES)
		name = s->group.name.s;
	else if (s->kind == STMT_NAMES)
		name = s->names.name.s;
	else if (s->kind == STMT_SERVICE)
		name = s->service.name.s;
	else if (s->kind == STMT_INSPECTOR)
		name = s->inspector.name.s;
	else if (s->kind == STMT_LIMIT)
		name = s->limit.name.s;
	else if (s->kind == STMT_QUOTA)
		name = s->quota.name.s;
	if (name)
		vec_push(p->arena, &p->ast->broken, name);
}

static bool at_rule(const struct parser *p)
{
	return parse_at_word(p, "expect") ||
	       (p->tok.kind == TOK_WORD &&
		word_in(verb_words, p->lex.src->text + p->tok.off, p->tok.len));
}

static void add_statement(struct parser *p, struct ast_stmts *out, struct ast_layout layout)
{
	unsigned errors = p->diag->nerrors;
	struct token first = p->tok;
	struct ast_stmt *s;
	bool whole;

	p->nodes = at_rule(p) ? p->ast->rules : p->arena;
	s = arena_new_of(p->nodes, struct ast_stmt);
	s->layout = layout;
	p->layout = &s->layout;
	p->commas = 0;
	p->forgiven = 0;
	whole = parse_stmt(p, s);
	check_disabled(p, s, first);
	if (whole && !is_definition(s->kind) && s->kind != STMT_BLOCK && !s->note.s)
		whole = parse_note(p, &s->note);
	s->span = parse_since(p, first);
	if (whole &&
	    (s->kind == STMT_INCLUDE || s->kind == STMT_BLOCK || !parse_is_spoilt(p, errors)))
		vec_push(p->arena, out, s);
	else
		note_broken(p, s);
	if (!whole)
		parse_resync(p);
	if (!parse_at_end(p) && (!whole || p->tok.first))
		return; /* the next statement began before this one ended */
	if (s->kind == STMT_ZONE || s->kind == STMT_BLOCK || s->kind == STMT_INSPECTOR ||
	    s->kind == STMT_TIMEOUTS)
		parse_line_end(p, &s->layout.closing);
	else
		parse_line_end(p, &s->layout.trailing);
}

/* file = { statement ( NEWLINE | ";" ) } */
void parse_stmts(struct parser *p, struct ast_stmts *out)
{
	struct ast_layout layout;
	enum gap gap;

	while (!too_many(p)) {
		gap = parse_gap(p, &layout, out->n == 0);
		if (gap == GAP_COMMENTS) {
			struct ast_stmt *s = arena_new_of(p->arena, struct ast_stmt);

			s->kind = STMT_COMMENTS;
			s->layout = layout;
			vec_push(p->arena, out, s);
		} else if (gap == GAP_ITEM) {
			add_statement(p, out, layout);
		} else if (p->tok.kind == TOK_CLOSE) {
			diag_error(p->diag, parse_here(p), "this '}' closes nothing");
			parse_advance(p);
		} else {
			return;
		}
	}
}
