/* SPDX-License-Identifier: GPL-2.0-or-later
 * Texts in, texts out: what the tests of the language have in common.
 */
#ifndef FWC_TEST_TEXT_H
#define FWC_TEST_TEXT_H

#include <stdlib.h>

#include "lang/lang.h"
#include "test.h"

/* What diag_print() writes, in the arena. */
static inline const char *messages(struct arena *a, const struct diag *d, bool color)
{
	char *text = NULL, *copy;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return "no memory";
	diag_print(d, f, color);
	fclose(f);
	copy = arena_strdup(a, text);
	free(text);
	return copy;
}

/* The first error's place and text, "LINE:COLUMN+LENGTH text"; "" if there is none. */
static inline const char *first_error(struct arena *a, const struct diag *d)
{
	const struct diag_record *r;

	vec_each(&d->records, r)
		if (r->severity == SEV_ERROR)
			return arena_printf(a, "%u:%u+%u %s", span_line(r->span),
					    span_column(r->span), r->span.len, r->text);
	return "";
}

static inline struct ast *parsed(struct arena *a, const char *text, struct diag *d)
{
	diag_init(d, a);
	return ast_parse_source(source_add(a, "p", text, strlen(text)), NULL, a, d);
}

/* The canonical text, or the first error behind a "!". */
static inline const char *canonical(struct arena *a, const char *text)
{
	struct buf b = {0};
	struct diag d;
	struct ast *ast = parsed(a, text, &d);
	const char *out;

	if (d.nerrors)
		return arena_printf(a, "!%s", first_error(a, &d));
	ast_print(&b, ast);
	out = arena_strdup(a, buf_str(&b));
	buf_free(&b);
	return out;
}

#endif
