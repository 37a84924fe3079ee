/* SPDX-License-Identifier: GPL-2.0-or-later
 * fwc diff: what apply would change.
 */
#include "apply/diff.h"

#include <errno.h>
#include <getopt.h>
#include <sys/stat.h>

#include "cmd/cmd.h"
#include "cmd/common.h"
#include "util/cleanup.h"

/* A policy is compiled in memory; nothing is written. */
static int diff_policy(struct globals *g, const struct diff_options *how, const struct store *s,
		       const char *file)
{
	struct artefact x = {0};
	struct work w;
	int rc = EXIT_WRONG;

	work_init(&w);
	if (work_compile(&w, g, file, STAGE_SCRIPT, LOOK_NOT)) {
		x.script = w.compiled.script; /* lent */
		x.manifest = work_manifest(&w);
		rc = diff_artefact(how, s, w.arena, &x);
	}
	work_free(&w);
	return rc;
}

static int diff_directory(const struct diff_options *how, const struct store *s, const char *dir)
{
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_buf_ struct buf why = {0};
	struct artefact x = {0};
	int err, rc = EXIT_SYSTEM;

	if (dir) {
		err = artefact_read(dir, a, &x, &why);
	} else if (s->dir < 0) {
		err = -ENOENT;
		buf_printf(&why, "there is no state directory %s yet", s->path);
	} else {
		err = store_read(s, STORE_CANDIDATE, a, &x, &why);
	}
	if (err)
		fprintf(stderr, "fwc: %s%s\n", buf_str(&why),
			err == -ENOENT && !dir ? "\nhint: `fwc compile` makes the candidate" : "");
	else
		rc = diff_artefact(how, s, a, &x);
	artefact_free(&x);
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
	struct stat st;
	int rc;

	opterr = 0;
	if (getopt_long(argc, argv, "", longs, NULL) != -1)
		return usage_error("diff", "unknown option: %s", argv[optind - 1]);
	if (argc - optind > 1)
		return usage_error("diff", "one policy or artefact at a time");
	what = optind < argc ? argv[optind] : NULL;
	store_open(&s, g->state, false, &ignored); /* without one, all is new */
	if (what && stat(what, &st) == 0 && !S_ISDIR(st.st_mode))
		rc = diff_policy(g, &how, &s, what);
	else
		rc = diff_directory(&how, &s, what);
	store_close(&s);
	return rc;
}
