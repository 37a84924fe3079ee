/* SPDX-License-Identifier: GPL-2.0-or-later
 * tokens -> rules, pair blocks and expectations.
 */
#include <string.h>

#include "lang/parse.h"

/* The verb that begins the statement at hand; its spelling is settled. */
static void statement_verb(struct parser *p, struct ast_rule *rule)
{
	for (int v = 0; verb_words[v]; v++)
		if (!strcmp(verb_words[v], p->word))
			rule->verb = (enum verb)v;
	rule->verb_span = parse_here(p);
	parse_advance(p);
}

static bool behind_word(const struct parser *p, const char *word)
{
	return p->prev.kind == TOK_WORD && p->prev.len == strlen(word) &&
	       !memcmp(p->lex.src->text + p->prev.off, word, p->prev.len);
}

/* Behind expect, else, or in a block. */
static void no_verb(struct parser *p)
{
	static const char *const deny[] = {"deny", "denied", NULL};
	struct diag_record *r = diag_error(p->diag, parse_here(p), "%s is missing before %s",
					   behind_word(p, "expect") || behind_word(p, "some")
						   ? "allow, drop, reject, inspect or deny"
					   : behind_word(p, "else")
						   ? "allow, drop or reject"
						   : "allow, drop, reject or inspect",
					   parse_found(p));
	struct token next = parse_next(p);
	const char *word = p->tok.kind == TOK_WORD ? parse_text(p, p->tok) : "";
	const char *verb = next.kind == TOK_WORD ? parse_text(p, next) : "";

	if ((!strcmp(word, "not") && !strcmp(verb, "allow")) ||
	    (behind_word(p, "expect") && (!strcmp(word, "no") || word_nearest(deny, word))))
		diag_hint(p->diag, r, "write expect deny");
	else if (!strcmp(word, "any") || !strcmp(word, "every") || !strcmp(word, "all"))
		diag_hint(p->diag, r, "an expectation is about all packets: write expect %s", verb);
	else if (behind_word(p, "else") && (parse_at_end(p) || !strcmp(word, "log")))
		diag_hint(p->diag, r, "write else drop%s%s", *word ? " " : "", word);
	else if (behind_word(p, "expect") || behind_word(p, "some"))
		diag_hint(p->diag, r, "write expect allow %s or expect drop %s", word, word);
	else if (!behind_word(p, "else") && word_is_name(word))
		diag_hint(p->diag, r, "write allow %s or drop %s", word, word);
}

/* verb = "allow" | "drop" | "reject" | "inspect" */
bool parse_verb(struct parser *p, enum verb *out, struct span *at)
{
	const char *near;

	*at = parse_here(p);
	for (int v = 0; verb_words[v]; v++) {
		*out = (enum verb)v;
		if (parse_accept_word(p, verb_words[v]))
			return true;
	}
	if (p->tok.kind == TOK_BAD)
		return false;
	near = p->tok.kind == TOK_WORD ? word_synonym(parse_text(p, p->tok)) : NULL;
	if (!near && p->tok.kind == TOK_WORD && !parse_at_word(p, "all"))
		near = word_nearest(verb_words, parse_text(p, p->tok));
	if (!near) {
		no_verb(p);
		return false;
	}
	diag_hint(p->diag, diag_error(p->diag, *at, "no verb is called %s", parse_found(p)),
		  "did you mean '%s'?", near);
	p->forgiven++;
	for (int v = 0; verb_words[v]; v++)
		if (!strcmp(verb_words[v], near))
			*out = (enum verb)v;
	parse_advance(p);
	return true;
}

/* What may go wrong behind the services: a qualifier misspelt so that it was read as a service. */
bool parse_rule_end(struct parser *p, const struct services_out *services)
{
	const struct ast_service *last = services->n ? &services->v[services->n - 1] : NULL;
	const char *near = NULL;

	if (last && last->kind == SERVICE_NAME && services->n == 1 && p->prev.len == last->span.len)
		near = word_nearest(qualifier_words, last->name.s);
	if (!near && last && last->kind == SERVICE_NAME && services->n == 1)
		near = word_nearest(published_words, last->name.s);
	if (p->tok.kind == TOK_WORD && last && last->kind == SERVICE_NAME && services->n == 1 &&
	    hint_qualifier(p->arena, last->name.s)) {
		diag_hint(p->diag,
			  diag_error(p->diag, last->span, "'%s' is not a qualifier", last->name.s),
			  "%s", hint_qualifier(p->arena, last->name.s));
		return false;
	}
	if (!near || (p->tok.kind != TOK_STRING && p->tok.kind != TOK_WORD) ||
	    word_in(qualifier_words, p->lex.src->text + p->tok.off, p->tok.len))
		return true;
	diag_hint(p->diag, diag_error(p->diag, last->span, "'%s' is not a qualifier", last->name.s),
		  "did you mean '%s'?", near);
	return false;
}

/* match = [ "published" ] SERVICES */
static bool rule_match(struct parser *p, struct ast_rule *rule)
{
	struct services_out services = {0};
	struct span at = parse_here(p);

	if (parse_accept_word(p, "published"))
		rule->published = at;
	if (!parse_services(p, &services))
		return false;
	rule->services.v = services.v;
	rule->services.n = services.n;
	rule->services.cap = services.cap;
	if (!parse_at_word(p, "published"))
		return true;
	diag_hint(p->diag,
		  diag_error(p->diag, parse_here(p), "'published' stands before the services"),
		  "write: FROM -> TO published %s",
		  services.n ? span_text(p->arena, span_join(services.v[0].span,
							     services.v[services.n - 1].span))
			     : "SERVICES");
	return false;
}

/* [ "published" ] SERVICES QUALIFIERS */
static bool rule_tail(struct parser *p, struct ast_rule *rule)
{
	if (!rule_match(p, rule) ||
	    !parse_rule_end(p, &(struct services_out){rule->services.v, rule->services.n, 0}))
		return false;
	if (!parse_qualifiers(p, &rule->q, OF_RULE))
		return false;
	if (p->tok.kind == TOK_STRING) {
		diag_hint(p->diag, diag_error(p->diag, parse_here(p), "a string cannot go here"),
			  "a tag follows its log: log \"tag\"");
		return false;
	}
	return true;
}

/* rule = VERB pair SERVICES QUALIFIERS */
bool parse_rule(struct parser *p, struct ast_stmt *s)
{
	s->kind = STMT_RULE;
	statement_verb(p, &s->rule);
	return parse_pair(p, &s->rule.from, &s->rule.to) && rule_tail(p, &s->rule);
}

/* expect = "expect" [ "some" ] ( VERB | "deny" ) pair SERVICES QUALIFIERS */
bool parse_expect(struct parser *p, struct ast_stmt *s)
{
	s->kind = STMT_EXPECT;
	parse_advance(p);
	s->rule.some = parse_accept_word(p, "some");
	s->rule.verb = VERB_DROP;
	s->rule.verb_span = parse_here(p);
	s->rule.deny = parse_accept_word(p, "deny");
	if ((!s->rule.deny && !parse_verb(p, &s->rule.verb, &s->rule.verb_span)) ||
	    !parse_pair(p, &s->rule.from, &s->rule.to) || !rule_match(p, &s->rule))
		return false;
	if (!parse_qualifiers(p, &s->rule.q, OF_QUESTION))
		return false;
	if (p->tok.kind != TOK_WORD || parse_at_word(p, "note"))
		return true;
	diag_error(p->diag, parse_here(p), "an expectation takes no '%s'", parse_text(p, p->tok));
	return false;
}

/* query = pair SERVICES QUALIFIERS */
bool parse_query(struct parser *p, struct ast_stmt *s)
{
	struct token first = p->tok;

	s->kind = STMT_EXPECT;
	s->rule.query = true;
	if (!parse_pair(p, &s->rule.from, &s->rule.to) || !rule_match(p, &s->rule))
		return false;
	if (!parse_qualifiers(p, &s->rule.q, OF_QUESTION))
		return false;
	s->span = parse_since(p, first);
	while (p->tok.kind == TOK_NEWLINE)
		parse_advance(p);
	if (p->tok.kind == TOK_END)
		return true;
	if (p->tok.kind == TOK_BAD)
		return false;
	diag_error(p->diag, parse_here(p), "a query ends with its services, not with %s",
		   parse_found(p));
	return false;
}

/* A rule of a pair block that has an arrow of its own: is the block's end missing? */
static void second_arrow(struct parser *p, struct span brace)
{
	struct diag_record *r =
		diag_error(p->diag, parse_here(p), "a rule within a block has no arrow of its own");

	diag_note(p->diag, r, brace, "the block begins here; is its '}' missing?");
}

/* [ "disabled" ] VERB SERVICES QUALIFIERS */
static bool block_rule(struct parser *p, struct ast_stmt *s, const struct ast_stmt *block,
		       struct span brace)
{
	struct token first = p->tok;
	bool whole;

	s->kind = STMT_RULE;
	s->rule.from = block->block.from;
	s->rule.to = block->block.to;
	s->disabled = parse_accept_word(p, "disabled");
	whole = parse_verb(p, &s->rule.verb, &s->rule.verb_span) && rule_tail(p, &s->rule);
	s->span = parse_since(p, first);
	if (p->tok.kind == TOK_ARROW) {
		second_arrow(p, brace);
		whole = false;
	}
	return whole;
}

static void add_block_rule(struct parser *p, struct ast_stmt *block, struct ast_layout layout,
			   struct span brace)
{
	struct ast_layout *outer = p->layout;
	struct ast_stmt *s = arena_new_of(p->ast->rules, struct ast_stmt);
	uint32_t commas = p->commas;
	unsigned errors = p->diag->nerrors;
	bool whole;

	s->layout = layout;
	p->layout = &s->layout;
	p->nodes = p->ast->rules;
	p->commas = 0;
	p->forgiven = 0;
	whole = block_rule(p, s, block, brace);
	if (whole && !parse_is_spoilt(p, errors))
		vec_push(p->arena, &block->block.rules, s);
	if (!whole)
		parse_resync(p);
	if (whole || parse_at_end(p))
		parse_line_end(p, &s->layout.trailing);
	p->layout = outer;
	p->nodes = p->arena;
	p->commas = commas;
}

/* A line that begins with an endpoint, not with a verb: the next block, so this one's end is
 * missing. */
static bool begins_pair(const struct parser *p)
{
	enum token_kind next = parse_peek(p);

	return p->tok.first && p->tok.kind == TOK_WORD && !parse_begins_statement(p) &&
	       (next == TOK_ARROW || next == TOK_AT);
}

/* lan -> wan allow ssh */
static void verb_behind(struct parser *p, struct span sides, struct diag_record *r)
{
	const char *pair = span_text(p->arena, sides);
	int n = (int)strlen(pair) - (pair[strlen(pair) - 1] == ':');
	struct token next = parse_next(p);

	if (p->tok.kind == TOK_WORD && word_in(verb_words, parse_text(p, p->tok), p->tok.len))
		diag_hint(p->diag, r, "write %s %.*s%s%s", parse_text(p, p->tok), n, pair,
			  next.kind == TOK_WORD && !next.first ? " " : "",
			  next.kind == TOK_WORD && !next.first ? parse_text(p, next) : "");
	else
		diag_hint(p->diag, r,
			  "write it before FROM -> TO, or open a block of rules: { allow ssh }");
}

/* block = pair [ note ] "{" { VERB SERVICES QUALIFIERS ( NEWLINE | ";" ) } "}" */
bool parse_pair_block(struct parser *p, struct ast_stmt *s)
{
	struct ast_stmts *rules = &s->block.rules;
	unsigned errors = p->diag->nerrors;
	struct ast_layout layout;
	struct span brace;
	enum gap gap;
	bool spoilt;

	s->kind = STMT_BLOCK;
	if (!parse_pair(p, &s->block.from, &s->block.to) || !parse_note(p, &s->note))
		return false;
	if (p->tok.kind == TOK_WORD || (parse_at_end(p) && parse_peek(p) != TOK_OPEN)) {
		verb_behind(p, span_join(s->block.from.span, s->block.to.span),
			    diag_error(p->diag, s->block.from.span,
				       "the verb of this rule is missing"));
		return false;
	}
	if (!parse_open(p, &s->layout, &brace))
		return false;
	spoilt = parse_is_spoilt(p, errors);
	while ((gap = parse_gap(p, &layout, rules->n == 0)) != GAP_END) {
		if (gap == GAP_ITEM && (parse_runs_out(p) || begins_pair(p)))
			break;
		if (gap == GAP_ITEM) {
			add_block_rule(p, s, layout, brace);
			continue;
		}
		vec_push(p->arena, rules, arena_new_of(p->arena, struct ast_stmt));
		rules->v[rules->n - 1]->kind = STMT_COMMENTS;
		rules->v[rules->n - 1]->layout = layout;
	}
	if (spoilt)
		rules->n = 0;
	parse_close(p, brace);
	return true;
}
