/* SPDX-License-Identifier: GPL-2.0-or-later
 * tokens -> inspectors: what an inspecting helper allows and denies.
 */
#include <string.h>

#include "lang/parse.h"
#include "util/number.h"

static const char *const fallback_words[] = {"on-no-helper", "on-error", "on-timeout",
					     "on-overflow", NULL};

/* "allow" | "deny" */
static bool decision(struct parser *p, bool *allow)
{
	struct diag_record *r;

	*allow = parse_at_word(p, "allow");
	if (parse_accept_word(p, "allow") || parse_accept_word(p, "deny"))
		return true;
	if (p->tok.kind == TOK_BAD)
		return false;
	r = diag_error(p->diag, parse_here(p), "'allow' or 'deny' is missing before %s",
		       parse_found(p));
	if (parse_at_word(p, "drop"))
		diag_hint(p->diag, r, "an inspector denies; write deny");
	return false;
}

static bool begins_line(const struct parser *p)
{
	return parse_at_word(p, "allow") || parse_at_word(p, "deny") ||
	       parse_at_word(p, "reject") || parse_at_word(p, "rewrite");
}

/* STRING | "file" STRING */
static bool pattern(struct parser *p, struct ast_inspector_entry *e)
{
	bool file;

	if (parse_dangling_comma(p, p->tok.first && begins_line(p)))
		return false;
	file = parse_accept_word(p, "file");
	if (p->tok.kind == TOK_STRING) {
		struct ast_word w = parse_take_string(p);

		if (file) {
			const struct source *src = parse_name_file(p, w);

			vec_push(p->arena, &e->files, w);
			if (src)
				vec_push(p->arena, &e->contents, src);
		} else {
			vec_push(p->arena, &e->strings, w);
		}
		return true;
	}
	if (p->tok.kind != TOK_BAD)
		diag_hint(p->diag,
			  diag_error(p->diag, parse_here(p), "a string is missing before %s",
				     parse_found(p)),
			  "write: deny sni \"*.example.org\", file \"domains.txt\"");
	return false;
}

/* rewrite = "rewrite" STRING "to" STRING */
static bool rewrite(struct parser *p, struct ast_inspector_entry *e)
{
	e->what = parse_take_word(p);
	for (int i = 0; i < 2; i++) {
		if (p->tok.kind == TOK_STRING)
			vec_push(p->arena, &e->strings, parse_take_string(p));
		if (e->strings.n != (size_t)i + 1 || (!i && !parse_accept_word(p, "to"))) {
			if (p->tok.kind != TOK_BAD)
				diag_error(p->diag, parse_here(p),
					   "a rewrite reads: rewrite \"BYTES\" to \"BYTES\"");
			return false;
		}
	}
	return true;
}

static bool answer_word(struct parser *p, struct ast_inspector_entry *e)
{
	if (parse_dangling_comma(p, p->tok.first && begins_line(p)))
		return false;
	if (p->tok.kind == TOK_WORD && !p->tok.first) {
		vec_push(p->arena, &e->answer, parse_take_word(p));
		return true;
	}
	if (p->tok.kind != TOK_BAD)
		diag_hint(p->diag,
			  diag_error(p->diag, parse_here(p), "an answer is missing before %s",
				     parse_found(p)),
			  "write: answer refused, or nxdomain, or an address");
	return false;
}

/* answer = "answer" ( "refused" | "nxdomain" | ADDRESS { "," ADDRESS } ) */
static bool answer(struct parser *p, struct ast_inspector_entry *e)
{
	struct token first = p->tok;

	if (p->tok.first || !parse_accept_word(p, "answer"))
		return true;
	do {
		if (!answer_word(p, e))
			return false;
	} while (parse_comma(p));
	e->answer_span = parse_since(p, first);
	return true;
}

/* entry = rewrite | ( "allow" | "deny" | "reject" )
 *	   ( "any" | FACT | WHAT pattern { "," pattern } ) [ answer ] */
static bool entry(struct parser *p, struct ast_inspector_entry *e)
{
	bool allow = false;

	if (parse_at_word(p, "rewrite"))
		return rewrite(p, e);
	e->reject = parse_accept_word(p, "reject");
	if (!e->reject && !decision(p, &allow))
		return false;
	e->deny = !allow;
	if (parse_accept_word(p, "any"))
		return answer(p, e);
	if (p->tok.kind != TOK_WORD) {
		if (p->tok.kind != TOK_BAD)
			diag_hint(p->diag,
				  diag_error(p->diag, parse_here(p),
					     "what to look at is missing before %s",
					     parse_found(p)),
				  "any, or sni, payload ... and a string");
		return false;
	}
	e->what = parse_take_word(p);
	if (word_in(fact_words, e->what.s, e->what.span.len))
		return answer(p, e);
	do {
		if (!pattern(p, e))
			return false;
	} while (parse_comma(p));
	return answer(p, e);
}

/* inspector-line = entry | FALLBACK ( "allow" | "deny" ) */
static bool inspector_line(struct parser *p, struct ast_inspector_line *line)
{
	struct token first = p->tok;
	struct diag_record *r;
	const char *near;
	bool whole;

	line->is_word = p->tok.kind == TOK_WORD && p->tok.len > 3 &&
			!memcmp(p->lex.src->text + p->tok.off, "on-", 3);
	if (!line->is_word) {
		whole = entry(p, &line->entry);
		line->entry.span = parse_since(p, first);
		return whole;
	}
	line->word.what = parse_take_word(p);
	if (!word_in(fallback_words, line->word.what.s, line->word.what.span.len)) {
		r = diag_error(p->diag, line->word.what.span, "'%s' is not a case of an inspector",
			       line->word.what.s);
		near = word_nearest(fallback_words, line->word.what.s);
		if (near)
			diag_hint(p->diag, r, "did you mean '%s'?", near);
		else
			diag_hint(p->diag, r, "on-no-helper, on-error, on-timeout, on-overflow");
	}
	whole = decision(p, &line->word.allow);
	line->entry.span = parse_since(p, first);
	return whole;
}

static void add_line(struct parser *p, struct ast_inspector *in, struct ast_layout layout)
{
	struct ast_inspector_line line = {.layout = layout};
	bool whole;

	p->layout = &line.layout;
	p->commas = 0;
	whole = inspector_line(p, &line);
	if (!whole && !(p->tok.first && begins_line(p)))
		parse_resync(p);
	if (whole || parse_at_end(p))
		parse_line_end(p, &line.layout.trailing);
	vec_push(p->arena, in, line);
}

/* inspector = "inspector" NAME "{" { inspector-line ( NEWLINE | ";" ) } "}" */
bool parse_inspector(struct parser *p, struct ast_stmt *s)
{
	struct ast_inspector *in = &s->inspector;
	struct ast_layout layout;
	struct span brace;
	enum gap gap;

	s->kind = STMT_INSPECTOR;
	parse_advance(p);
	if (!parse_name(p, &in->name, "inspector") || !parse_open(p, &s->layout, &brace))
		return false;
	while ((gap = parse_gap(p, &layout, in->n == 0)) != GAP_END) {
		if (gap == GAP_COMMENTS)
			vec_push(p->arena, in,
				 ((struct ast_inspector_line){.layout = layout,
							      .is_comment = true}));
		else if (parse_runs_out(p))
			break;
		else
			add_line(p, in, layout);
	}
	p->layout = &s->layout;
	parse_close(p, brace);
	return true;
}

/* One run of bits, for three verdicts and one to 65,000 rules. */
static bool good_mask(uint32_t mask)
{
	uint32_t low = mask & -mask, run = mask / (low ? low : 1);

	return run >= 7 && run <= 0xffff && !(run & (run + 1));
}

static void inspection_mark(struct parser *p, struct ast_inspection *out, struct ast_word w)
{
	out->has_mark = true;
	if (!value_mark(w.s, &out->mask) || !good_mask(out->mask))
		diag_hint(p->diag,
			  diag_error(p->diag, w.span, "'%s' is not a field of the mark", w.s),
			  "write 3 to 16 adjacent bits: 0xff000000");
}

static void inspection_queues(struct parser *p, struct ast_inspection *out, struct ast_word w)
{
	const char *dash = strchr(w.s, '-');
	size_t n = dash ? (size_t)(dash - w.s) : strlen(w.s);
	uint64_t first = 0, last = 0;

	if (!number_read(w.s, n, 0, UINT16_MAX, &first) ||
	    !number_read(dash ? dash + 1 : w.s, dash ? strlen(dash + 1) : n, 0, UINT16_MAX,
			 &last) ||
	    last < first || last - first >= INSPECTION_QUEUES_MAX)
		diag_hint(p->diag,
			  diag_error(p->diag, w.span, "'%s' is not a range of queues", w.s),
			  "write at most %d numbers from 0 to 65535: 26000-26003",
			  INSPECTION_QUEUES_MAX);
	out->first = (uint16_t)first;
	out->last = (uint16_t)last;
}

/* inspection = "inspection" ( "mark" MASK | "queues" FIRST [ "-" LAST ] ) */
bool parse_inspection(struct parser *p, struct ast_stmt *s)
{
	bool mark;

	s->kind = STMT_INSPECTION;
	parse_advance(p);
	mark = parse_at_word(p, "mark");
	if (!parse_accept_word(p, "mark") && !parse_accept_word(p, "queues")) {
		if (p->tok.kind != TOK_BAD)
			diag_error(p->diag, parse_here(p),
				   "inspection has a 'mark' and 'queues', but %s was found",
				   parse_found(p));
		return false;
	}
	if (p->tok.kind != TOK_WORD || p->tok.first) {
		if (p->tok.kind != TOK_BAD)
			diag_error(p->diag, parse_here(p), "a number is missing before %s",
				   parse_found(p));
		return false;
	}
	if (mark)
		inspection_mark(p, &s->inspection, parse_take_word(p));
	else
		inspection_queues(p, &s->inspection, parse_take_word(p));
	return true;
}
