/* SPDX-License-Identifier: GPL-2.0-or-later
 * Any bytes -> the parser. What it accepts must print as a text that is read as the same policy and
 * prints as itself; what it refuses must point into the text.
 *
 * The policy ends at the first NUL byte; what follows is the content of every file that it names.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lang/lang.h"

#define READS_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct memory_loader {
	struct loader base;
	const char *text;
	size_t len;
	unsigned reads;
};

static struct source *memory_read(struct loader *l, const char *path, struct span at,
				  struct arena *a, struct diag *diag)
{
	struct memory_loader *m = (struct memory_loader *)l;

	if (m->reads++ < READS_MAX)
		return source_add(a, path, m->text, m->len);
	diag_error(diag, at, "no more files");
	return NULL;
}

static size_t memory_glob(struct loader *l, const char *pattern, struct arena *a, char ***paths)
{
	(void)l;
	*paths = arena_alloc(a, 2 * sizeof(**paths));
	(*paths)[0] = arena_strdup(a, pattern);
	(*paths)[1] = arena_printf(a, "%s2", pattern);
	return 2;
}

static void demand(bool truth, const char *what)
{
	if (truth)
		return;
	fprintf(stderr, "not so: %s\n", what);
	abort();
}

static void check_span(struct span s)
{
	demand(!s.src || (size_t)s.off + s.len <= s.src->len, "a message points into its file");
}

static void check_messages(const struct diag *diag)
{
	static FILE *sink;
	struct diag_record *r;
	struct diag_note *n;

	vec_each(&diag->records, r) {
		check_span(r->span);
		vec_each(&r->notes, n)
			check_span(n->span);
	}
	if (!sink)
		sink = fopen("/dev/null", "w");
	if (sink)
		diag_print(diag, sink, true);
}

static void check_identity(const struct ast *ast, struct arena *a)
{
	struct buf text = {0}, again = {0}, before = {0}, after = {0};
	struct diag diag;
	struct ast *reread;

	diag_init(&diag, a);
	ast_print(&text, ast);
	reread = ast_parse_source(source_add(a, "printed", buf_str(&text), text.len), NULL, a, &diag);
	if (diag.nerrors)
		diag_print(&diag, stderr, false);
	demand(!diag.nerrors, "what was printed can be read");
	ast_dump(&before, ast);
	ast_dump(&after, reread);
	demand(!strcmp(buf_str(&before), buf_str(&after)), "what was printed means the same");
	ast_print(&again, reread);
	demand(!strcmp(buf_str(&text), buf_str(&again)), "what was printed prints as itself");
	buf_free(&text);
	buf_free(&again);
	buf_free(&before);
	buf_free(&after);
}

/* What was read from lists is in order, and nothing of it twice. */
static void check_lists(const struct ast *ast)
{
	for (size_t i = 0; i < ast->stmts.n; i++) {
		const struct ast_stmt *s = ast->stmts.v[i];
		const struct ast_element *e;

		if (s->kind != STMT_NAMES)
			continue;
		vec_each(&s->names.elements, e) {
			const struct bulk *b = &e->content;

			for (size_t k = 0; k < b->v4.n; k++)
				demand(b->v4.v[k].lo <= b->v4.v[k].hi &&
					       (!k || b->v4.v[k].lo - 1 > b->v4.v[k - 1].hi),
				       "IPv4 ranges are sorted");
			for (size_t k = 0; k < b->v6.n; k++)
				demand(b->v6.v[k].lo <= b->v6.v[k].hi &&
					       (!k || b->v6.v[k].lo - 1 > b->v6.v[k - 1].hi),
				       "IPv6 ranges are sorted");
		}
	}
}

static struct ast *parse(const char *text, size_t len, struct loader *l, struct arena *a,
			 struct diag *diag)
{
	struct ast *ast;

	diag_init(diag, a);
	ast = ast_parse_source(source_add(a, "policy", text, len), l, a, diag);
	check_messages(diag);
	check_lists(ast);
	return ast;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len = strnlen((const char *)data, size);
	struct memory_loader m = {.base = {memory_read, memory_glob}};
	struct arena *a = arena_new();
	struct buf tokens = {0};
	struct diag diag;
	struct ast *ast;

	m.len = size > len ? size - len - 1 : 0;
	m.text = (const char *)data + size - m.len;
	tokens_dump(&tokens, source_add(a, "policy", (const char *)data, len));
	buf_free(&tokens);
	ast = parse((const char *)data, len, NULL, a, &diag);
	if (!diag.nerrors)
		check_identity(ast, a);
	parse((const char *)data, len, &m.base, a, &diag);
	arena_free(a);
	return 0;
}
