/* SPDX-License-Identifier: GPL-2.0-or-later
 * fwc test: the expectations of a policy, and of the *.test.fwc files beside it.
 */
#include <getopt.h>
#include <jansson.h>
#include <string.h>

#include "util/fault.h"
#include "cmd/begin.h"
#include "cmd/cmd.h"
#include "cmd/common.h"
#include "space/findings.h"
#include "util/cleanup.h"
#include "util/show.h"

/* A test file adds expectations, and names for them; a rule in it would change what is tested. */
static bool only_expects(struct work *w, const struct ast *ast)
{
	bool ok = true;

	for (size_t i = 0; i < ast->stmts.n; i++) {
		const struct ast_stmt *s = ast->stmts.v[i];

		if (s->kind == STMT_EXPECT || s->kind == STMT_NAMES || s->kind == STMT_SERVICE ||
		    s->kind == STMT_COMMENTS || s->kind == STMT_INCLUDE)
			continue;
		diag_error(&w->diag, s->span,
			   "a test file holds expectations, hosts, sets and services, nothing "
			   "else");
		ok = false;
	}
	return ok;
}

static const char *pattern_beside(struct arena *a, const char *file)
{
	const char *slash = strrchr(file, '/');

	return slash ? arena_printf(a, "%.*s/*.test.fwc", (int)(slash - file), file) : "*.test.fwc";
}

static bool add_test_files(struct work *w, struct loader *l, const char *file, struct ast *to)
{
	char **paths = NULL;
	size_t n = l->glob(l, pattern_beside(w->arena, file), w->arena, &paths);
	bool ok = true;

	for (size_t i = 0; n != SIZE_MAX && i < n; i++) {
		struct ast *ast;

		if (!strcmp(paths[i], file))
			continue;
		ast = ast_parse_file(paths[i], l, w->arena, &w->diag);
		ok = ast && only_expects(w, ast) && ok;
		if (ast)
			ast_append(to, ast, w->arena);
	}
	return ok && !w->diag.nerrors;
}

static bool compile(struct work *w, const char *file)
{
	struct loader *l = loader_files(w->arena);
	struct ast *more = arena_new_of(w->arena, struct ast);
	bool ok = compile_file(&w->compiled, file, STAGE_AST, l, w->arena, &w->diag) &&
		  add_test_files(w, l, file, more) &&
		  compile_more(&w->compiled, more, STAGE_POLICY, w->arena, &w->diag);

	fault_point("parsed");
	return ok;
}

static json_t *expectation_json(struct arena *a, const struct expectation *e)
{
	return json_pack("{s:s, s:s, s:b, s:b, s:s?, s:s?, s:s?, s:s?}", "at",
			 span_where(a, e->rule->span), "text", e->rule->text, "holds", e->holds,
			 "known", e->known, "packet", e->packet, "says", e->says, "line",
			 e->line && *e->line->where ? e->line->where : NULL, "rule",
			 e->line ? e->line->text : NULL);
}

static int report(struct globals *g, struct work *w, const struct expectations *l)
{
	_cleanup_json_ json_t *j = json_array();
	size_t bad = 0, unknown = 0;
	const struct expectation *e;

	vec_each (l, e) {
		bad += e->known && !e->holds;
		unknown += !e->known;
		if (!e->holds)
			findings_refuted(&w->diag, e);
		json_array_append_new(j, expectation_json(w->arena, e));
	}
	findings_own(&w->diag, l);
	diag_print(&w->diag, stderr, g->color);
	if (g->json) {
		show_json(j, JSON_INDENT(2));
	} else {
		printf("%zu of %zu expectations hold", l->n - bad - unknown, l->n);
		printf(unknown ? ", %zu not proved: budget\n" : "\n", unknown);
	}
	return bad || unknown ? EXIT_FINDINGS : EXIT_FINE;
}

int cmd_test(struct globals *g, int argc, char **argv)
{
	static const struct option longs[] = {{"elsewhere", no_argument, NULL, 'e'}, {0}};
	struct expectations l = {0};
	const char *file;
	struct work w;
	bool elsewhere = false;
	int rc = EXIT_WRONG, c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c != 'e')
			return usage_error("test", "unknown option: %s", usage_option(argv));
		elsewhere = true;
	}
	if (argc - optind > 1)
		return usage_error("test", "one policy file at a time");
	file = optind < argc ? argv[optind] : g->config;
	work_init(&w);
	w.elsewhere = elsewhere;
	if (compile(&w, file)) {
		work_own(&w, g);
		findings_expect(w.compiled.policy, w.arena,
				(struct dd_budget){PROOF_NODES, PROOF_SECONDS}, &l);
		rc = report(g, &w, &l);
	} else {
		begin_print(g, file, &w.diag);
	}
	work_free(&w);
	return rc;
}
