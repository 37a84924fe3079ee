/* SPDX-License-Identifier: GPL-2.0-or-later
 * One call a stage, stopping after a stage that reported errors.
 */
#include "compile.h"

#include "nft/lower.h"
#include "policy/policy.h"
#include "util/progress.h"

bool compile_file(struct compiled *out, const char *path, enum compile_stage last, struct loader *l,
		  struct arena *a, struct diag *diag)
{
	*out = (struct compiled){.path = path};
	out->ast = ast_parse_file(path, l, a, diag);
	if (!out->ast || last == STAGE_AST)
		return !diag->nerrors;
	return compile_more(out, NULL, last, a, diag);
}

static bool further(struct compiled *out, const struct ast *more, enum compile_stage last,
		    struct arena *a, struct diag *diag)
{
	if (more)
		ast_append(out->ast, more, a);
	/* Even after syntax errors: all errors of a file in one run. */
	diag_next_stage(diag);
	out->policy = policy_resolve(out->ast, a, diag);
	arena_free(out->ast->rules);
	out->ast->rules = NULL;
	out->ast->stmts.n = 0;
	if (!diag->nerrors)
		policy_warn(out->policy, diag);
	if (diag->nerrors || last == STAGE_POLICY)
		return !diag->nerrors;
	progress_tick();
	out->lowered = arena_within(a);
	out->ruleset = ruleset_lower(out->policy, out->lowered, diag);
	if (diag->nerrors || last == STAGE_IR)
		return !diag->nerrors;
	emit_script(&out->script, out->ruleset, out->path);
	return true;
}

bool compile_more(struct compiled *out, const struct ast *more, enum compile_stage last,
		  struct arena *a, struct diag *diag)
{
	bool good;

	progress_begin(PROGRESS_COMPILING, 0);
	good = further(out, more, last, a, diag);
	progress_end();
	return good;
}

void compiled_free(struct compiled *c)
{
	buf_free(&c->script);
}
