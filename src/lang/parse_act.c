/* SPDX-License-Identifier: GPL-2.0-or-later
 * tokens -> what a rule does besides its verdict: log, then; and else, what is done where the
 * rule's limit does not hold. The statements log invalid and log unmatched.
 */
#include <string.h>

#include "lang/parse.h"
#include "util/number.h"

#define TAG_MAX 63

/* ---- log ---- */

/* As syslog(3) has them. */
static const char *const levels[] = {"emerg",	"alert",  "crit", "err",
				     "warning", "notice", "info", "debug"};

const char *log_level_name(uint8_t level)
{
	return levels[level - 1];
}

static bool tag(struct parser *p, struct ast_log *log)
{
	struct token next = parse_next(p);

	if ((parse_at_word(p, "prefix") || parse_at_word(p, "tag")) && next.kind == TOK_STRING) {
		diag_hint(p->diag, diag_error(p->diag, parse_here(p), "the tag follows log itself"),
			  "write log %s", parse_text(p, next));
		return false;
	}
	if (p->tok.kind == TOK_WORD && !parse_at_service(p) &&
	    !word_nearest(qualifier_words, parse_text(p, p->tok)) &&
	    !word_nearest(log_words, parse_text(p, p->tok))) {
		diag_hint(p->diag, diag_error(p->diag, parse_here(p), "a log tag is a string"),
			  "write log \"%s\"", parse_text(p, p->tok));
		parse_advance(p);
		return true;
	}
	if (p->tok.kind != TOK_STRING)
		return true;
	log->tag = parse_take_string(p);
	if (!*log->tag.s)
		diag_hint(p->diag, diag_error(p->diag, log->tag.span, "this tag is empty"),
			  "log alone uses the verb as tag");
	if (strlen(log->tag.s) > TAG_MAX)
		diag_error(p->diag, log->tag.span, "a tag has at most %d characters", TAG_MAX);
	for (const char *c = log->tag.s; *c; c++) {
		/* Control characters other than the tab were reported when the string was read. Of
		 * a log prefix nft expands $NAME, even in quotes. */
		if (*c > 0 && *c < 0x7f && *c != '\t' && *c != '"' && *c != '\\' && *c != '$')
			continue;
		diag_error(p->diag, log->tag.span,
			   "a tag is made of printable ASCII without quotes, backslashes and $");
		break;
	}
	return true;
}

/* level = "emerg" | ... | "debug" */
static bool level(struct parser *p, struct ast_log *log)
{
	static const char *const others[][2] = {{"warn", "warning"},
						{"error", "err"},
						{"emergency", "emerg"},
						{"panic", "emerg"},
						{"critical", "crit"}};
	struct diag_record *r;
	struct ast_word w;

	if (!parse_want_word(p, &w, "the level"))
		return false;
	for (uint8_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if (!strcmp(levels[i], w.s))
			log->level = i + 1;
	if (log->level)
		return true;
	r = diag_error(p->diag, w.span, "no level of the log is called '%s'", w.s);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (!strcasecmp(others[i][0], w.s)) {
			diag_hint(p->diag, r, "write level %s", others[i][1]);
			return true;
		}
	}
	if (w.s[0] >= '0' && w.s[0] <= '7' && !w.s[1]) {
		diag_hint(p->diag, r, "write level %s", levels[w.s[0] - '0']);
		return true;
	}
	diag_hint(p->diag, r,
		  "levels are emerg, alert, crit, err, warning, notice, info and debug");
	return true;
}

/* nflog = "nflog" GROUP */
static bool nflog(struct parser *p, struct ast_log *log)
{
	struct ast_word w;
	uint64_t n;

	if (!parse_want_word(p, &w, "the group"))
		return false;
	log->nflog = true;
	if (number_word(w.s, 0, UINT16_MAX, &n))
		log->group = (uint16_t)n;
	else
		diag_hint(p->diag,
			  diag_error(p->diag, w.span, "'%s' is not a group from 0 to %u", w.s,
				     UINT16_MAX),
			  "the program that reads the log names it: nflog 1");
	return true;
}

/* log = "log" [ STRING ] [ "at" RATE [ "burst" N ] ] [ "level" LEVEL | "nflog" GROUP ] */
bool parse_log(struct parser *p, struct token first, struct ast_log *log)
{
	if (!tag(p, log))
		return false;
	for (;;) {
		struct token word = p->tok;

		if (!log->at.rate && parse_accept_word(p, "at")) {
			if (!parse_rate(p, &log->at) || !parse_burst(p, &log->at.burst))
				return false;
		} else if (!log->level && !log->nflog && parse_accept_word(p, "level")) {
			if (!level(p, log))
				return false;
			if (!log->level)
				log->level = 1; /* reported; it is given */
		} else if (!log->level && !log->nflog && parse_accept_word(p, "nflog")) {
			if (!nflog(p, log))
				return false;
		} else if (parse_at_word(p, "level") || parse_at_word(p, "nflog")) {
			diag_hint(p->diag,
				  diag_error(p->diag, token_span(p->lex.src, word),
					     "a log has one level or one group"),
				  "level is of the kernel's log, nflog is for programs such as "
				  "ulogd");
			return false;
		} else {
			break;
		}
	}
	log->span = parse_since(p, first);
	return true;
}

bool parse_only_log(struct parser *p, struct ast_log *log)
{
	struct token first = p->tok;

	return !parse_accept_word(p, "log") || parse_log(p, first, log);
}

/* log-statement = "log" ( "invalid" | "unmatched" ) log */
bool parse_log_def(struct parser *p, struct ast_stmt *s)
{
	struct token first = p->tok;

	s->kind = STMT_LOG;
	parse_advance(p);
	s->log.unmatched = parse_at_word(p, "unmatched");
	parse_advance(p);
	if (p->tok.kind == TOK_COMMA) {
		diag_hint(p->diag, diag_error(p->diag, parse_here(p), "this is no list"),
			  "write a line for each: log invalid; log unmatched");
		return false;
	}
	return parse_log(p, first, &s->log.log);
}

/* ---- then ---- */

static bool then_for(struct parser *p, struct ast_then *then)
{
	struct span at = parse_here(p);
	struct ast_word w;

	if (!parse_accept_word(p, "for"))
		return true;
	if (!parse_want_word(p, &w, "the duration"))
		return false;
	if (then->remove)
		diag_hint(p->diag,
			  diag_error(p->diag, span_join(at, w.span),
				     "what is removed has no time to stay"),
			  "for belongs to then add");
	else if (!value_duration(w.s, &then->seconds))
		parse_no_duration(p, w);
	return true;
}

/* 10m, timeout 10m, or ", for 10m" behind the set */
static bool time_without_for(struct parser *p, const char *set)
{
	struct token t = p->tok.kind == TOK_COMMA ? parse_next(p) : p->tok;
	const char *word = t.kind == TOK_WORD && !t.first ? parse_text(p, t) : "";
	bool comma = p->tok.kind == TOK_COMMA;
	struct diag_record *r;

	if (comma ? strcmp(word, "for") != 0
		  : strcmp(word, "timeout") != 0 && !hint_duration(p->arena, word))
		return false;
	r = comma ? diag_error(p->diag, parse_here(p), "no comma goes before 'for'")
		  : diag_error(p->diag, parse_here(p), "'for' is missing before the time");
	if (comma)
		parse_advance(p);
	if (p->tok.kind == TOK_WORD && !hint_duration(p->arena, parse_text(p, p->tok)))
		parse_advance(p);
	if (p->tok.kind == TOK_WORD && hint_duration(p->arena, parse_text(p, p->tok)))
		diag_hint(p->diag, r, "write %s for %s", set,
			  hint_duration(p->arena, parse_text(p, p->tok)));
	return true;
}

/* then = "then" ( "add" side "to" SET [ "for" DURATION ] | "remove" side "from" SET )
 * side = "source" | "destination" */
bool parse_then(struct parser *p, struct token first, struct ast_thens *out)
{
	static const char *const forms[2][2] = {
		{"then add source to SET for 10m", "then add destination to SET for 10m"},
		{"then remove source from SET", "then remove destination from SET"}};
	struct ast_then then = {.remove = parse_accept_word(p, "remove")};
	const char *const *form = forms[then.remove];

	if (!then.remove && !parse_want_exactly(p, "add", form[0]))
		return false;
	then.destination = parse_accept_word(p, "destination");
	if (!then.destination && !parse_want_exactly(p, "source", form[0]))
		return false;
	if (!parse_want_exactly(p, then.remove ? "from" : "to", form[then.destination]) ||
	    !parse_name(p, &then.set, "set") || !then_for(p, &then))
		return false;
	then.span = parse_since(p, first);
	vec_push(p->nodes, out, then);
	if (!then.remove && time_without_for(p, then.set.s))
		return false;
	if (p->tok.kind == TOK_COMMA) {
		diag_hint(p->diag,
			  diag_error(p->diag, parse_here(p), "no comma stands behind 'then'"),
			  "write one behind the other: then add source to A then add source to B");
		return false;
	}
	return true;
}

/* ---- else ---- */

/* What stands behind it belongs to it. */
static bool else_end(struct parser *p, struct span at)
{
	const char *word;
	struct diag_record *r;

	if (p->tok.kind != TOK_WORD || parse_begins_statement(p) || parse_at_word(p, "note"))
		return true;
	word = parse_text(p, p->tok);
	if (!strcmp(word, "else")) {
		diag_note(p->diag, diag_error(p->diag, parse_here(p), "a rule has one else"), at,
			  "here already");
		return false;
	}
	r = diag_error(p->diag, parse_here(p), "'%s' cannot stand behind else", word);
	if (word_in(qualifier_words, word, p->tok.len))
		diag_hint(p->diag, r, "write it before else, which ends the rule");
	else
		diag_hint(p->diag, r, "else VERB is followed by log and then alone");
	return false;
}

/* else = "else" verb [ log ] { then } */
bool parse_else(struct parser *p, struct token first, struct ast_qualifiers *q)
{
	enum verb verb;

	if (!parse_verb(p, &verb, &q->else_verb_span))
		return false;
	q->else_verb = verb;
	for (;;) {
		struct token word = p->tok;

		if (!q->else_log.span.src && parse_accept_word(p, "log")) {
			if (!parse_log(p, word, &q->else_log))
				return false;
		} else if (parse_accept_word(p, "then")) {
			if (!parse_then(p, word, &q->else_then))
				return false;
		} else {
			break;
		}
	}
	q->else_span = parse_since(p, first);
	return else_end(p, q->else_span);
}
