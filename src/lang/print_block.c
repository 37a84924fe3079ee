/* SPDX-License-Identifier: GPL-2.0-or-later
 * Inspectors and timeouts: statements of lines in braces -> canonical text.
 */
#include <string.h>

#include "lang/parse.h"
#include "lang/printer.h"

static void inspector_entry(struct printer *pr, const struct ast_inspector_entry *e)
{
	const char *verdict = e->reject ? "reject" : e->deny ? "deny" : "allow";
	bool is_rewrite = e->what.s && !strcmp(e->what.s, "rewrite");

	if (is_rewrite)
		buf_puts(pr->out, "rewrite");
	else
		buf_printf(pr->out, "%s %s", verdict, e->what.s ? e->what.s : "any");
	for (size_t i = 0; i < e->strings.n + e->files.n; i++) {
		if (i && is_rewrite)
			buf_puts(pr->out, " to ");
		else if (i)
			print_comma(pr);
		else
			buf_putc(pr->out, ' ');
		if (i >= e->strings.n)
			buf_puts(pr->out, "file ");
		string_print(pr->out,
			     i < e->strings.n ? e->strings.v[i].s : e->files.v[i - e->strings.n].s);
	}
	for (size_t i = 0; i < e->answer.n; i++) {
		if (i)
			print_comma(pr);
		buf_printf(pr->out, "%s%s", i ? "" : " answer ", e->answer.v[i].s);
	}
}

void print_inspector(struct printer *pr, const struct ast_stmt *s)
{
	const struct ast_inspector_line *line;
	size_t start;

	buf_printf(pr->out, "inspector %s", s->inspector.name.s);
	if (print_empty(pr, &s->layout, s->inspector.n))
		return;
	print_open(pr, &s->layout);
	vec_each (&s->inspector, line) {
		print_above(pr, &line->layout);
		if (line->is_comment)
			continue;
		print_indent(pr, 0);
		start = pr->out->len;
		if (line->is_word)
			buf_printf(pr->out, "%s %s", line->word.what.s,
				   line->word.allow ? "allow" : "deny");
		else
			inspector_entry(pr, &line->entry);
		print_end_line(pr, start, line->entry.span, line->layout.trailing);
	}
	print_close(pr, &s->layout);
}

void ast_print_entry(struct buf *out, const struct ast_inspector_entry *e)
{
	struct printer pr = {.out = out};

	inspector_entry(&pr, e);
}

/* Whether the author has all of it in one line. */
static bool timeouts_fit(const struct ast_stmt *s)
{
	const struct ast_timeout_line *line;

	if (s->layout.trailing || memchr(s->span.src->text + s->span.off, '\n', s->span.len))
		return false;
	vec_each (&s->timeouts.lines, line)
		if (line->is_comment)
			return false;
	return true;
}

static void timeout_line(struct printer *pr, const struct ast_timeout_line *line)
{
	buf_printf(pr->out, "%s ", line->name.s);
	duration_print(pr->out, line->seconds);
}

void print_timeouts(struct printer *pr, const struct ast_stmt *s)
{
	size_t n = s->timeouts.lines.n, start = pr->out->len;
	const struct ast_timeout_line *line;
	bool fits = n && timeouts_fit(s);

	print_disabled(pr, s);
	buf_puts(pr->out, "timeouts");
	print_note(pr, &s->note);
	if (print_empty(pr, &s->layout, n))
		return;
	if (fits)
		buf_puts(pr->out, " { ");
	else
		print_open(pr, &s->layout);
	vec_each (&s->timeouts.lines, line) {
		if (fits) {
			timeout_line(pr, line);
			buf_puts(pr->out, line == s->timeouts.lines.v + n - 1 ? " }" : "; ");
			continue;
		}
		print_above(pr, &line->layout);
		if (line->is_comment)
			continue;
		print_indent(pr, 0);
		start = pr->out->len;
		timeout_line(pr, line);
		print_end_line(pr, start, line->span, line->layout.trailing);
	}
	if (fits)
		print_end_line(pr, start, s->span, s->layout.closing);
	else
		print_close(pr, &s->layout);
}
