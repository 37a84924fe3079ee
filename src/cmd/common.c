/* SPDX-License-Identifier: GPL-2.0-or-later
 * One policy through the pipeline, its messages printed, the result tried in the kernel and
 * written.
 */
#include "cmd/common.h"

#include <getopt.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apply/proof.h"
#include "cmd/bases.h"
#include "cmd/begin.h"
#include "cmd/opening.h"
#include "kernel/maker.h"
#include "kernel/opener.h"
#include "nft/report.h"
#include "store/file.h"
#include "store/lists.h"
#include "store/open.h"
#include "util/cleanup.h"
#include "util/fault.h"
#include "config.h"
#include "kernel/features.h"
#include "kernel/links.h"
#include "policy/offload.h"
#include "space/findings.h"

void work_init(struct work *w)
{
	*w = (struct work){.arena = arena_new(), .proved = PROVED_NOT};
	diag_init(&w->diag, w->arena);
}

void work_free(struct work *w)
{
	compiled_free(&w->compiled);
	arena_free(w->arena);
}

/* For the test that a wrong compiler would be caught: of what was compiled one verdict is another.
 */
static void corrupt(struct compiled *c)
{
	for (size_t i = 0; i < c->ruleset->chains.n; i++) {
		struct ir_chain *chain = c->ruleset->chains.v[i];

		for (size_t k = 0; k < chain->rules.n; k++) {
			struct ir_rule *r = &chain->rules.v[k];
			struct ir_stmt *last = &r->stmts.v[r->stmts.n - 1];

			if (!r->at.src || last->kind != IR_VERDICT ||
			    last->verdict.kind != V_ACCEPT)
				continue;
			last->verdict.kind = V_DROP;
			buf_free(&c->script);
			emit_script(&c->script, c->ruleset, c->path);
			return;
		}
	}
}

static void add_own(struct policy *p, const char *text, size_t n)
{
	enum family fam;
	u128 addr;

	if (addr_parse(text, n, &fam, &addr))
		vec_push(p->arena, fam == FAM_IP4 ? &p->own4 : &p->own6,
			 ((struct ival){addr, addr}));
}

void work_own(struct work *w, struct globals *g)
{
	struct policy *p = w->compiled.policy;
	_cleanup_buf_ struct buf text = {0}, why = {0};

	if (w->elsewhere || links_addresses(g->netns, &text, &why))
		return; /* then it is as elsewhere */
	for (const char *line = buf_str(&text), *end; (end = strchr(line, '\n')); line = end + 1)
		add_own(p, line, (size_t)(end - line));
	ivset_normalise(&p->own4);
	ivset_normalise(&p->own6);
}

static void look_closer(struct work *w, enum scrutiny how)
{
	struct dd_budget budget = {PROOF_NODES, PROOF_SECONDS};
	struct policy *p = w->compiled.policy;
	struct expectations e = {0};

	if (how == SCRUTINY_ALL && !findings_rules(p, w->arena, &w->diag, budget))
		diag_warning(&w->diag, (struct span){0},
			     "the budget ran out before every rule was checked");
	findings_expect(p, w->arena, budget, &e);
	for (size_t i = 0; i < e.n; i++) {
		if (!e.v[i].holds)
			findings_refuted(&w->diag, &e.v[i]);
		w->refuted += e.v[i].known && !e.v[i].holds;
	}
	findings_own(&w->diag, &e);
}

/* Helpers and flowtables are the kernel's: what it lacks is left out, and that is said. */
static void warn_lacks(struct work *w)
{
	const struct policy_lack *l;

	vec_each (&w->compiled.policy->lacks, l) {
		struct diag_record *r =
			l->name ? diag_warning(&w->diag, l->at,
					       "this kernel has no connection helper '%s': it is "
					       "left out, and what it would expect is judged by "
					       "the rules alone",
					       l->name)
				: diag_warning(&w->diag, l->at,
					       "this kernel has no flowtables: nothing is "
					       "offloaded");

		diag_hint(&w->diag, r, "modprobe %s, then compile again", l->module);
	}
}

bool work_compile(struct work *w, struct globals *g, const char *file, enum compile_stage last,
		  enum scrutiny how)
{
	struct loader *l = loader_files(w->arena);
	bool ok;

	if (!w->elsewhere)
		policy_helpers_by(features_helper);
	if (!w->elsewhere)
		policy_offload_by(features_flowtable);
	if (!w->elsewhere)
		bases_begin(g, w->arena);
	ok = compile_file(&w->compiled, file, last, l, w->arena, &w->diag);
	w->in_force = bases_end();
	fault_point("parsed");
	if (ok && last == STAGE_SCRIPT && fault_wanted("lower"))
		corrupt(&w->compiled);
	if (ok && w->elsewhere && w->compiled.policy)
		policy_warn_elsewhere(w->compiled.policy, &w->diag);
	if (ok && w->compiled.policy)
		warn_lacks(w);
	if (ok && how == SCRUTINY_ALL)
		policy_warn_silence(w->compiled.policy, &w->diag);
	if (ok && how != SCRUTINY_NONE) {
		if (w->compiled.policy->nats.n)
			work_own(w, g);
		look_closer(w, how);
	}
	begin_print(g, file, &w->diag);
	return ok;
}

/* Whether the kernel holds what was compiled, or lets this user make no namespace to try it in. */
static void try_in_kernel(struct work *w, const struct globals *g, enum proving how,
			  struct proof *p)
{
	if (how == PROVING_ELSEWHERE)
		*p = (struct proof){.outcome = SCRATCH_UNAVAILABLE,
				    .why = "because of --elsewhere"};
	else
		proof_make_anywhere(p, w->arena, buf_str(&w->compiled.script), w->compiled.ruleset,
				    g->netns);
	if (p->outcome == SCRATCH_UNAVAILABLE)
		fprintf(stderr, "fwc: warning: the ruleset was not tried in the kernel: %s\n",
			p->why);
	w->held = p->held;
}

/* What was compiled makes room for the proof, which is about what the kernel holds. */
static void drop_compiled(struct work *w, const struct proof *p)
{
	struct ir_set *const *s;

	if (p->outcome != SCRATCH_LOADED || !proof_good(p))
		return;
	vec_each (&w->compiled.ruleset->sets, s)
		if (ir_set_is_bulk(*s))
			return; /* what is in it is not in the dump */
	arena_free(w->compiled.lowered);
	w->compiled.lowered = NULL;
	w->compiled.ruleset = NULL;
}

/* True if it is also what the policy means. */
static bool work_prove(struct work *w, enum proving how, struct proof *p)
{
	if (how != PROVING_NOT)
		proof_judge(p, w->arena, w->compiled.policy, w->compiled.ruleset);
	else
		fputs("fwc: warning: not proved, because of --no-proof\n", stderr);
	if (p->outcome != SCRATCH_UNAVAILABLE || !proof_good(p))
		proof_print(stderr, p, w->compiled.ruleset);
	proof_note(stderr, p->asleep);
	w->proved = proof_state(p);
	return proof_good(p);
}

int usage_bad_option(const char *command, char **argv, const char *shorts)
{
	const char *arg = usage_option(argv), *value = strchr(arg, '=');
	bool is_long = !strncmp(arg, "--", 2);

	if (!optopt || (!is_long && !strchr(shorts, optopt)))
		return usage_error(command, "unknown option: %s", arg);
	if (is_long && value)
		return usage_error(command, "%.*s takes no value", (int)(value - arg), arg);
	return usage_error(command, "%s wants a value", arg);
}

int question_option(const char *command, char **argv)
{
	const char *arg = usage_option(argv);

	if (!strncmp(arg, "->", 2))
		return usage_error(command,
				   "the source is missing before '->': 'any %s' asks for everyone",
				   arg);
	return usage_bad_option(command, argv, "n:");
}

int question_end(const char *command, int argc, char **argv)
{
	int n = argc - optind;

	/* of lan -> wan the shell leaves lan and -, and writes to a file wan */
	if (n > 1 && !strcmp(argv[optind + 1], "-"))
		return usage_error(command, "put the question in quotes: '%s -> ...'",
				   argv[optind]);
	if (n < 1 || n > 2)
		return usage_error(command, "one question, in quotes, and at most one policy file");
	return EXIT_FINE;
}

bool work_query(struct work *w, struct globals *g, const char *file, const char *question,
		const struct rule **query)
{
	struct loader *l = loader_files(w->arena);
	struct ast *more = ast_parse_query(question, w->arena, &w->diag);
	bool ok = compile_file(&w->compiled, file, STAGE_AST, l, w->arena, &w->diag);

	/* A question that was not understood is not resolved: its pieces may be missing. */
	if (ok)
		ok = compile_more(&w->compiled, more, STAGE_POLICY, w->arena, &w->diag);
	fault_point("parsed");
	if (w->diag.nerrors)
		begin_print(g, file, &w->diag);
	if (ok)
		work_own(w, g);
	for (size_t i = 0; ok && i < w->compiled.policy->expects.n; i++)
		if (w->compiled.policy->expects.v[i].query)
			*query = &w->compiled.policy->expects.v[i];
	return ok && *query;
}

struct manifest *work_manifest(const struct work *w, struct arena *a, const struct buf *inspect,
			       const struct buf *runtime)
{
	char *cwd = getcwd(NULL, 0);
	struct manifest_input in = {
		.proved = w->proved,
		.version = PACKAGE_VERSION,
		.policy = w->compiled.path,
		.cwd = cwd ? cwd : "/",
		.sources = w->compiled.ast->sources.v,
		.nsources = w->compiled.ast->sources.n,
		.patterns = w->compiled.ast->patterns.v,
		.npatterns = w->compiled.ast->patterns.n,
		.ruleset = w->compiled.ruleset,
		.script = &w->compiled.script,
		.inspect = inspect,
		.runtime = runtime,
		.held = &w->held,
		.held_by = kernel_maker(),
	};
	struct manifest *m = manifest_build(a, &in);

	free(cwd);
	return m;
}

void work_warn_record(const struct store *s, const struct manifest *m,
		      const struct ir_ruleset *live)
{
	if (s->hidden || (s->public && !m))
		fputs("fwc: warning: only root can read the state directory: rules have no file "
		      "and line\n",
		      stderr);
	else if (s->public && !report_covers(m, live))
		fputs("fwc: warning: the kernel also holds rules that root has not published: they "
		      "have no file and line\n",
		      stderr);
}

static int put_artefact(const struct artefact *x, const char *state, const char *dir,
			struct buf *why)
{
	struct store store = {.dir = -1, .lock = -1};
	int err;

	if (*dir)
		return artefact_write(dir, x, why);
	err = store_open_own(&store, state, true, why);
	if (!err)
		err = store_lock(&store, why);
	if (!err)
		err = store_write(&store, STORE_CANDIDATE, x, NULL, why);
	store_close_own(&store); /* nobody is told of a candidate, so there is nothing to publish */
	return err;
}

/* The directory or "", script, manifest, its index, tables of inspectors, what a kernel held,
 * what fills sets at run time, lists. */
int compile_write(void *globals, const struct buf *parts, size_t n, struct buf *why)
{
	_cleanup_arena_ struct arena *a = arena_new();
	const struct globals *g = globals;
	struct artefact x;
	bool good;

	if (n != OPENER_PARTS)
		return -EPROTO;
	x = (struct artefact){
		.script = parts[1],
		.text = parts[2],
		.index = parts[3],
		.inspect = parts[4],
		.held = parts[5],
		.runtime = parts[6],
		.lists = lists_take(a, &parts[7], &good),
	};
	if (!good)
		return -EPROTO;
	return put_artefact(&x, g->state, buf_str(&parts[0]), why);
}

static int send_artefact(const struct artefact *x, const struct buf *dir, bool all, struct buf *why)
{
	_cleanup_buf_ struct buf lists = {0};

	lists_put(x->lists, all, &lists);
	return opener_write((struct buf[]){*dir, x->script, x->text, x->index, x->inspect, x->held,
					   x->runtime, lists},
			    OPENER_PARTS, why);
}

static int write_artefact(const struct artefact *x, struct globals *g, const char *dir)
{
	_cleanup_buf_ struct buf why = {0}, name = {0};
	int err;

	buf_puts(&name, dir ? dir : "");
	if (opener_there())
		err = send_artefact(x, &name, name.len, &why);
	else
		err = put_artefact(x, g->state, buf_str(&name), &why);
	if (err == -ESTALE && opener_there()) { /* what was applied is another now */
		buf_free(&why);
		err = send_artefact(x, &name, true, &why);
	}
	if (err)
		fprintf(stderr, "fwc: %s\n", buf_str(&why));
	return err ? EXIT_SYSTEM : EXIT_FINE;
}

bool work_tables(const struct work *w, struct buf *out)
{
	return !w->compiled.policy->first_inspect.src ||
	       policy_inspect_pack(w->compiled.policy, out);
}

bool work_runtime(const struct work *w, struct buf *out)
{
	_cleanup_json_ json_t *j = policy_runtime(w->compiled.policy);

	return !j || file_json_text(out, j);
}

/* All but what the manifest says of the proof; the script stays with the work. NULL after a report.
 */
static json_t *begin_artefact(struct work *w, struct artefact *out)
{
	_cleanup_arena_ struct arena *a = arena_new();
	bool ok;

	*out = (struct artefact){.script = w->compiled.script,
				 .held = w->held,
				 .lists = lists_of(w->arena, w->compiled.ruleset)};
	lists_keep(out->lists, w->in_force);
	ok = work_tables(w, &out->inspect) && work_runtime(w, &out->runtime);
	if (ok)
		return manifest_head(work_manifest(w, a, &out->inspect, &out->runtime),
				     &out->index);
	fputs("fwc: out of memory for the artefact\n", stderr);
	return NULL;
}

int work_emit(struct work *w, struct globals *g, const char *out, enum proving how)
{
	bool shown = out && !strcmp(out, "-"), good;
	_cleanup_json_ json_t *head = NULL;
	struct artefact x = {0};
	int rc = EXIT_SYSTEM;
	struct proof p;

	try_in_kernel(w, g, how, &p);
	if (!shown && proof_good(&p))
		head = begin_artefact(w, &x);
	drop_compiled(w, &p);
	good = work_prove(w, how, &p);
	if (good && shown) {
		fwrite(w->compiled.script.data, 1, w->compiled.script.len, stdout);
		rc = EXIT_FINE;
	} else if (good && head) {
		head = manifest_sealed(head, w->proved);
		if (file_json_text(&x.text, head))
			rc = write_artefact(&x, g, out);
	}
	x.script = x.held = (struct buf){0};
	artefact_free(&x);
	return rc;
}
