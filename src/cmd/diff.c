/* SPDX-License-Identifier: GPL-2.0-or-later
 * fwc diff: what apply would change.
 */
#include "see/diff.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>

#include "apply/proof.h"
#include "cmd/applying.h"
#include "cmd/begin.h"
#include "cmd/cmd.h"
#include "cmd/common.h"
#include "cmd/opening.h"
#include "kernel/opener.h"
#include "see/delta_print.h"
#include "store/generation.h"
#include "store/lists.h"
#include "store/open.h"
#include "store/shown.h"
#include "util/cleanup.h"

/* 0, -ENOTDIR for what is there and no directory, or another error. */
static int look(const char *path)
{
	_cleanup_close_ int fd = opener_openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NONBLOCK);

	return fd < 0 ? fd : 0;
}

/* What is there under that name is a policy or an artefact all the same. */
static bool is_generation(const char *word, unsigned *number)
{
	return word && generation_number(word, number) && look(word) == -ENOENT;
}

/* What was shown, for an apply soon after. */
int diff_write(void *globals, const struct buf *parts, size_t n, struct buf *why)
{
	const struct globals *g = globals;
	struct store s;
	int err = store_open_own(&s, g->state, false, why);

	if (!err)
		err = shown_write(&s, parts, n);
	store_close_own(&s);
	return err;
}

/* A policy is compiled in memory; nothing is written. */
static int diff_policy(struct globals *g, const struct diff_options *how, const struct store *s,
		       const char *file)
{
	struct artefact x = {0};
	struct work w;
	int rc = EXIT_WRONG;

	work_init(&w);
	if (work_compile(&w, g, file, STAGE_SCRIPT, SCRUTINY_NONE)) {
		x.script = w.compiled.script; /* lent */
		x.manifest = work_manifest(&w, w.arena, NULL, NULL);
		x.lists = lists_of(w.arena, w.compiled.ruleset);
		work_tables(&w, &x.inspect);
		work_runtime(&w, &x.runtime);
		rc = diff_artefact(how, s, w.arena, &x);
		buf_free(&x.inspect);
		buf_free(&x.runtime);
	}
	work_free(&w);
	return rc;
}

static int diff_directory(const struct globals *g, const struct diff_options *how,
			  const struct store *s, const char *dir)
{
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_buf_ struct buf why = {0};
	struct artefact x = {0};
	int err, rc = EXIT_SYSTEM;
	unsigned number;

	if (is_generation(dir, &number)) {
		err = generation_read(s, number, a, &x, &why);
	} else if (dir) {
		err = artefact_read(dir, a, &x, &why);
	} else if (s->dir < 0) {
		err = -ENOENT;
		buf_printf(&why, "there is no state directory %s yet", s->path);
	} else if (s->public) {
		err = -EACCES;
		buf_puts(&why, "only root can read the candidate; name a policy or an artefact");
	} else {
		err = store_read(s, STORE_CANDIDATE, a, &x, &why);
	}
	if (err == -ENOENT && !dir) {
		buf_puts(&why, "\nhint: ");
		begin_candidate(g, &why);
	}
	if (err)
		fprintf(stderr, "fwc: %s\n", buf_str(&why));
	else
		rc = diff_artefact(how, s, a, &x);
	if (!err && is_outdated(a, &x, dir ? "artefact" : "candidate"))
		fprintf(stderr, "hint: `fwc diff %s` shows what that changes\n",
			x.manifest->policy);
	artefact_free(&x);
	return rc;
}

/* ---- two of them, without the kernel's ruleset ---- */

struct operand { /* a policy, or an artefact as a scratch namespace lists it */
	struct work work;
	struct artefact artefact;
	const struct ir_ruleset *ruleset;
	const struct manifest *manifest;
	struct delta_side side;
};

static int open_policy(struct globals *g, struct operand *o, const char *file)
{
	if (!work_compile(&o->work, g, file, STAGE_SCRIPT, SCRUTINY_NONE))
		return EXIT_WRONG;
	o->ruleset = o->work.compiled.ruleset;
	o->manifest = work_manifest(&o->work, o->work.arena, NULL, NULL);
	work_tables(&o->work, &o->artefact.inspect);
	work_runtime(&o->work, &o->artefact.runtime);
	o->side = (struct delta_side){.policy = o->work.compiled.policy};
	return EXIT_FINE;
}

static int read_operand(const struct globals *g, struct operand *o, const char *word,
			struct buf *why)
{
	unsigned number;
	struct store s;
	int err;

	if (!is_generation(word, &number))
		return artefact_read(word, o->work.arena, &o->artefact, why);
	err = store_open(&s, g->state, false, why);
	if (!err)
		err = generation_read(&s, number, o->work.arena, &o->artefact, why);
	store_close(&s);
	return err;
}

static int open_artefact(const struct globals *g, struct operand *o, const char *word)
{
	_cleanup_buf_ struct buf why = {0};
	struct proof p;

	if (read_operand(g, o, word, &why)) {
		fprintf(stderr, "fwc: %s\n", buf_str(&why));
		return EXIT_SYSTEM;
	}
	proof_of_artefact(&p, o->work.arena, &o->artefact, g->netns);
	if (p.outcome != SCRATCH_LOADED) {
		proof_print(stderr, &p, NULL);
		return EXIT_SYSTEM;
	}
	proof_note(stderr, p.asleep);
	o->ruleset = p.ruleset;
	o->manifest = o->artefact.manifest;
	o->side = delta_side_of(o->ruleset, o->manifest);
	return EXIT_FINE;
}

static int open_operand(struct globals *g, struct operand *o, const char *path)
{
	unsigned number;

	*o = (struct operand){.work = {.arena = NULL}};
	work_init(&o->work);
	if (look(path) == 0 || is_generation(path, &number))
		return open_artefact(g, o, path);
	return open_policy(g, o, path);
}

static void close_operand(struct operand *o)
{
	artefact_free(&o->artefact);
	work_free(&o->work);
}

static int compare(const struct diff_options *how, struct operand *x, struct operand *y)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct diff_lines lines = {0};
	struct deltas packets;

	diff_rulesets(a, x->ruleset, x->manifest, y->ruleset, y->manifest, &lines);
	diff_inspect_texts(a, &x->artefact.inspect, &y->artefact.inspect, &lines);
	diff_runtime_texts(a, &x->artefact.runtime, &y->artefact.runtime, &lines);
	diff_timeouts(a, x->manifest, y->manifest, &lines);
	delta_compare(&packets, a, &x->side, &y->side,
		      (struct dd_budget){PROOF_NODES, PROOF_SECONDS});
	diff_report(how, a, &packets, NULL, &lines);
	return lines.n || packets.n ? EXIT_FINDINGS : EXIT_FINE;
}

static int diff_two(struct globals *g, const struct diff_options *how, char **paths)
{
	struct operand x, y;
	int rc = open_operand(g, &x, paths[0]);

	if (!rc) {
		rc = open_operand(g, &y, paths[1]);
		if (!rc)
			rc = compare(how, &x, &y);
		close_operand(&y);
	}
	close_operand(&x);
	return rc;
}

int cmd_diff(struct globals *g, int argc, char **argv)
{
	static const struct option longs[] = {{0}};
	struct diff_options how = {
		.netns = g->netns, .json = g->json, .color = g->color, .verbose = g->verbose};
	_cleanup_buf_ struct buf ignored = {0};
	const char *what;
	struct store s;
	int rc;

	opterr = 0;
	if (getopt_long(argc, argv, "", longs, NULL) != -1)
		return usage_error("diff", "unknown option: %s", usage_option(argv));
	if (argc - optind > 2)
		return usage_error("diff", "at most two policies or artefacts");
	if (argc - optind == 2)
		return diff_two(g, &how, argv + optind);
	what = optind < argc ? argv[optind] : NULL;
	store_open(&s, g->state, false, &ignored); /* without one, all is new */
	if (what && look(what) == -ENOTDIR)
		rc = diff_policy(g, &how, &s, what);
	else
		rc = diff_directory(g, &how, &s, what);
	store_close(&s);
	return rc;
}
