/* SPDX-License-Identifier: GPL-2.0-or-later
 * names of files -> their statements or text: includes, lists, and the policy file itself.
 */
#include <errno.h>
#include <string.h>

#include "lang/parse.h"
#include "lang/path.h"

#define DEPTH_MAX 16
#define OPENED_MAX 4096 /* files, counting each time: a few includes could ask for millions */

static char *beside(struct parser *p, const char *name)
{
	return path_beside(p->arena, p->lex.src->path, name);
}

static char *pattern_beside(struct parser *p, const char *name)
{
	return path_pattern_beside(p->arena, p->lex.src->path, name);
}

/* The file's text, read once. Of a list of addresses the bytes are looked at line by line, when it
 * is read. NULL after a report. */
static struct source *open_file(struct parser *p, const char *path, struct span at, bool list)
{
	struct source *src = map_get(&p->shared->files, path);

	if (++p->shared->opened > OPENED_MAX) {
		if (p->shared->opened == OPENED_MAX + 1)
			diag_error(p->diag, at, "this policy opens more than %d files", OPENED_MAX);
		return NULL;
	}
	if (src)
		return list || !src->unchecked || source_check(src, p->diag) ? src : NULL;
	if (list && p->loader->read_list)
		src = p->loader->read_list(p->loader, path, at, p->arena, p->diag);
	else
		src = p->loader->read(p->loader, path, at, p->arena, p->diag);
	if (!src)
		return NULL;
	map_put(&p->shared->files, src->path, src);
	vec_push(p->arena, &p->ast->sources, src);
	return src;
}

static struct parser parser_of(struct source *src, struct loader *l, struct arena *a,
			       struct diag *diag, struct ast *ast, struct shared *shared)
{
	struct parser p = {.arena = a,
			   .nodes = a,
			   .diag = diag,
			   .loader = l,
			   .ast = ast,
			   .shared = shared};

	lex_init(&p.lex, src, diag);
	p.tok = lex_next(&p.lex);
	return p;
}

/* ---- include ---- */

static bool same_file(const struct source *a, const struct source *b)
{
	return a == b || (a->ino && a->ino == b->ino && a->dev == b->dev);
}

/* Whether the file is being read already, by whatever name; then says through which files. */
static bool is_cyclic(struct parser *p, const struct source *src, struct span at)
{
	struct diag_record *r;
	const struct parser *f = p;

	while (f && !same_file(f->lex.src, src))
		f = f->parent;
	if (!f)
		return false;
	r = diag_error(p->diag, at, "'%s' includes itself", f->lex.src->path);
	for (const struct parser *q = p; q != f; q = q->parent)
		diag_note(p->diag, r, q->included, "'%s' is included here", q->lex.src->path);
	return true;
}

static void include_file(struct parser *p, const char *path, struct span at, struct ast_stmts *out)
{
	struct diag_record *r;
	struct source *src;
	struct parser sub;

	if (p->depth == DEPTH_MAX) {
		r = diag_error(p->diag, at, "includes are nested more than %d deep", DEPTH_MAX);
		diag_note(p->diag, r, p->included, "this file is included here");
		return;
	}
	src = open_file(p, path, at, false);
	if (!src) {
		p->ast->incomplete = true;
		return;
	}
	if (is_cyclic(p, src, at))
		return;
	sub = parser_of(src, p->loader, p->arena, p->diag, p->ast, p->shared);
	sub.parent = p;
	sub.included = at;
	sub.depth = p->depth + 1;
	parse_stmts(&sub, out);
}

static void include_files(struct parser *p, struct ast_word pattern, struct ast_stmts *out)
{
	const char *where;
	char **paths;
	size_t n;

	if (!strpbrk(pattern.s, "*?[")) {
		include_file(p, beside(p, pattern.s), pattern.span, out);
		return;
	}
	where = pattern_beside(p, pattern.s);
	vec_push(p->arena, &p->ast->patterns, where);
	n = p->loader->glob(p->loader, where, p->arena, &paths);
	if (n == SIZE_MAX) {
		diag_error(p->diag, pattern.span,
			   "cannot list the files that match this pattern: %s", strerror(errno));
		return;
	}
	for (size_t i = 0; i < n; i++)
		include_file(p, paths[i], pattern.span, out);
}

/* include = "include" STRING */
bool parse_include(struct parser *p, struct ast_stmt *s)
{
	s->kind = STMT_INCLUDE;
	parse_advance(p);
	if (p->tok.kind != TOK_STRING) {
		if (p->tok.kind != TOK_BAD)
			diag_hint(p->diag,
				  diag_error(p->diag, parse_here(p), "the file name is missing"),
				  "it is a string: write include \"%s\"",
				  p->tok.kind == TOK_WORD ? parse_text(p, p->tok)
							  : "conf.d/*.fwc");
		return false;
	}
	s->include.pattern = parse_take_string(p);
	if (!*s->include.pattern.s)
		diag_error(p->diag, s->include.pattern.span, "this file name is empty");
	else if (p->loader)
		include_files(p, s->include.pattern, &s->include.files);
	return true;
}

/* ---- lists ---- */

static const struct source *named_file(struct parser *p, struct ast_word file, bool list)
{
	if (!*file.s) {
		diag_error(p->diag, file.span, "this file name is empty");
		return NULL;
	}
	return p->loader ? open_file(p, beside(p, file.s), file.span, list) : NULL;
}

const struct source *parse_name_file(struct parser *p, struct ast_word file)
{
	return named_file(p, file, false);
}

const struct source *parse_list_file(struct parser *p, struct ast_word file)
{
	return named_file(p, file, true);
}

/* ---- the policy itself ---- */

struct ast *ast_parse_source(struct source *src, struct loader *l, struct arena *a,
			     struct diag *diag)
{
	struct ast *ast = arena_new_of(a, struct ast);
	struct shared shared = {.opened = 1};
	struct parser p;

	map_init(&shared.files, a);
	map_put(&shared.files, src->path, src);
	vec_push(a, &ast->sources, src);
	ast->rules = arena_within(a);
	p = parser_of(src, l, a, diag, ast, &shared);
	parse_stmts(&p, &ast->stmts);
	return ast;
}

struct ast *ast_parse_file(const char *path, struct loader *l, struct arena *a, struct diag *diag)
{
	struct source *src = l->read(l, path, (struct span){0}, a, diag);

	return src ? ast_parse_source(src, l, a, diag) : NULL;
}

struct ast *ast_parse_query(const char *text, struct arena *a, struct diag *diag)
{
	struct source *src = source_add(a, "(query)", text, strlen(text));
	unsigned errors = diag->nerrors;
	struct ast *ast = arena_new_of(a, struct ast);
	struct ast_stmt *s = arena_new_of(a, struct ast_stmt);
	struct shared shared = {.opened = 1};
	struct parser p;

	map_init(&shared.files, a);
	vec_push(a, &ast->sources, src);
	p = parser_of(src, NULL, a, diag, ast, &shared);
	p.layout = &s->layout;
	p.query = true;
	if (parse_query(&p, s) && diag->nerrors == errors)
		vec_push(a, &ast->stmts, s);
	return ast;
}

void ast_append(struct ast *to, const struct ast *from, struct arena *a)
{
	for (size_t i = 0; i < from->stmts.n; i++)
		vec_push(a, &to->stmts, from->stmts.v[i]);
	for (size_t i = 0; i < from->sources.n; i++)
		vec_push(a, &to->sources, from->sources.v[i]);
	for (size_t i = 0; i < from->patterns.n; i++)
		vec_push(a, &to->patterns, from->patterns.v[i]);
	for (size_t i = 0; i < from->broken.n; i++)
		vec_push(a, &to->broken, from->broken.v[i]);
	to->incomplete |= from->incomplete;
}
