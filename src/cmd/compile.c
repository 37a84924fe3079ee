/* SPDX-License-Identifier: GPL-2.0-or-later
 * fwc compile: a policy -> a candidate artefact, or one stage of the way printed.
 */
#include "compile.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/common.h"
#include "nft/cost.h"
#include "policy/policy.h"
#include "util/show.h"

struct options {
	const char *file, *out, *dump;
	enum proving proving;
	bool check, cost;
};

static int parse_options(struct globals *g, int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{"output", required_argument, NULL, 'o'},
		{"dump", required_argument, NULL, 'd'},
		{"no-proof", no_argument, NULL, 'n'},
		{"elsewhere", no_argument, NULL, 'e'},
		{"check", no_argument, NULL, 'c'},
		{"explain-cost", no_argument, NULL, 'x'},
		{0},
	};
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "o:", longs, NULL)) != -1) {
		if (c == 'o')
			o->out = optarg;
		else if (c == 'd')
			o->dump = optarg;
		else if (c == 'c')
			o->check = true;
		else if (c == 'x')
			o->cost = true;
		else if (c == 'n' || c == 'e')
			o->proving = c == 'n' ? PROVING_NOT : PROVING_ELSEWHERE;
		else
			return usage_bad_option("compile", argv, "o:");
	}
	if (argc - optind > 1)
		return usage_error("compile", "one policy file at a time");
	if (o->cost && (o->out || o->dump))
		return usage_error("compile", "--explain-cost prints, and makes no candidate");
	o->file = optind < argc ? argv[optind] : g->config;
	return EXIT_FINE;
}

static void print(struct buf *text)
{
	fwrite(buf_str(text), 1, text->len, stdout);
	buf_free(text);
}

/* The whole IR, object by object, without the script's frame. */
static void dump_ir(struct buf *out, const struct ir_ruleset *r)
{
	for (size_t i = 0; i < r->sets.n; i++)
		emit_set(out, r->sets.v[i], false);
	for (size_t i = 0; i < r->chains.n; i++)
		emit_chain(out, r->chains.v[i], false);
}

static void dump_inspect(struct buf *out, const struct policy *p)
{
	json_t *j = policy_inspect_tables(p);
	char *text = json_dumps(j, JSON_INDENT(2));

	if (text)
		buf_printf(out, "%s\n", text);
	free(text);
	json_decref(j);
}

static int dump_stage(struct globals *g, const struct options *o, struct work *w)
{
	static const struct {
		const char *name;
		enum compile_stage stage;
	} stages[] = {{"tokens", STAGE_AST},	 {"ast", STAGE_AST}, {"policy", STAGE_POLICY},
		      {"inspect", STAGE_POLICY}, {"ir", STAGE_IR},   {"nft", STAGE_SCRIPT}};
	struct buf text = {0};
	size_t i;

	for (i = 0; i < 6 && strcmp(stages[i].name, o->dump); i++)
		;
	if (i == 6)
		return usage_error("compile",
				   "--dump takes tokens, ast, policy, inspect, ir or nft");
	if (!work_compile(w, g, o->file, stages[i].stage, SCRUTINY_NONE))
		return EXIT_WRONG;
	if (i == 0)
		tokens_dump(&text, w->compiled.ast->sources.v[0]);
	else if (i == 1)
		ast_dump(&text, w->compiled.ast);
	else if (i == 2)
		policy_dump(&text, w->compiled.policy);
	else if (i == 3)
		dump_inspect(&text, w->compiled.policy);
	else if (i == 4)
		dump_ir(&text, w->compiled.ruleset);
	else
		buf_add(&text, w->compiled.script.data, w->compiled.script.len);
	print(&text);
	return EXIT_FINE;
}

static int explain_cost(struct globals *g, const struct options *o, struct work *w)
{
	struct cost_report report;
	struct buf text = {0};
	json_t *j;

	if (!work_compile(w, g, o->file, STAGE_IR, SCRUTINY_NONE))
		return EXIT_WRONG;
	cost_ruleset(&report, w->arena, w->compiled.ruleset);
	if (!g->json) {
		cost_print(&text, &report);
		print(&text);
		return EXIT_FINE;
	}
	j = cost_json(&report);
	show_json(j, JSON_INDENT(2));
	json_decref(j);
	return EXIT_FINE;
}

static bool is_stdout(const char *out)
{
	return out && !strcmp(out, "-");
}

int cmd_compile(struct globals *g, int argc, char **argv)
{
	struct options o = {0};
	struct work w = {0};
	int rc = parse_options(g, argc, argv, &o);

	if (rc)
		return rc;
	work_init(&w);
	w.elsewhere = o.proving == PROVING_ELSEWHERE;
	if (o.dump)
		rc = dump_stage(g, &o, &w);
	else if (o.cost)
		rc = explain_cost(g, &o, &w);
	else if (!work_compile(&w, g, o.file, STAGE_SCRIPT,
			       o.check ? SCRUTINY_ALL : SCRUTINY_EXPECT) ||
		 w.refuted)
		rc = EXIT_WRONG;
	else
		rc = work_emit(&w, g, o.out, o.proving);
	if (rc == EXIT_FINE && !o.dump && !o.cost && isatty(STDOUT_FILENO) && !is_stdout(o.out))
		printf("%s: fine; next: fwc apply%s%s\n", w.compiled.path, o.out ? " " : "",
		       o.out ? o.out : "");
	work_free(&w);
	return rc;
}
