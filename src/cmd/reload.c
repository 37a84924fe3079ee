/* SPDX-License-Identifier: GPL-2.0-or-later
 * fwc reload: check, compile and apply in one step.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/applying.h"
#include "cmd/cmd.h"
#include "store/file.h"
#include "store/open.h"
#include "util/cleanup.h"

/* What was compiled a moment ago, and nothing else. */
static int read_candidate(const char *file, struct store *s, struct arena *a, struct artefact *x,
			  struct buf *why)
{
	int err = store_read(s, STORE_CANDIDATE, a, x, why);

	if (err || !strcmp(file, "-") || !strcmp(x->manifest->policy, file))
		return err;
	buf_puts(why, "somebody compiled another policy at the same moment");
	return -EBUSY;
}

static int put(struct globals *g, const char *file, const struct apply_options *o)
{
	struct apply_words words = {.comment = o->comment,
				    .trial = o->trial,
				    .flows = o->flows,
				    .as_shown = true,
				    .tell_changes = true,
				    .force = o->force};
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_buf_ struct buf why = {0};
	struct artefact in = {0};
	struct store s;
	int rc = EXIT_SYSTEM, err = store_open(&s, g->state, true, &why);

	if (!err)
		err = store_lock(&s, &why);
	if (!err)
		err = trial_settle(g, &s, a, WHILE_NOTHING, &why);
	if (!err)
		err = read_candidate(file, &s, a, &in, &why);
	if (err)
		fprintf(stderr, "fwc: %s\n", buf_str(&why));
	else if (is_outdated(a, &in, "candidate") && !o->outdated)
		fputs("hint: `fwc reload` again\n", stderr);
	else
		rc = work_apply(g, &s, a, &in, &words);
	artefact_free(&in);
	store_close(&s);
	return rc;
}

/* Compiled beside the candidate, which stays what it is. */
static int dry_run(struct globals *g, const char *file, const struct apply_options *o)
{
	char dir[] = "/tmp/fwc-reload.XXXXXX";
	const char *compile[] = {"compile", "--check", "-o", dir, "--", file, NULL};
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_buf_ struct buf why = {0}, ignored = {0};
	struct artefact in = {0};
	struct store s;
	int rc;

	if (!mkdtemp(dir)) {
		fprintf(stderr, "fwc: cannot make a directory in /tmp: %s\n", strerror(errno));
		return EXIT_SYSTEM;
	}
	rc = run_other(g, 6, compile);
	if (!rc && artefact_read(dir, a, &in, &why)) {
		fprintf(stderr, "fwc: %s\n", buf_str(&why));
		rc = EXIT_SYSTEM;
	} else if (!rc) {
		store_open(&s, g->state, false, &ignored); /* without one, all is new */
		rc = work_dry_run(g, &s, a, &in, o);
		store_close(&s);
	}
	artefact_free(&in);
	file_remove_dir(AT_FDCWD, dir);
	return rc;
}

int cmd_reload(struct globals *g, int argc, char **argv)
{
	struct apply_options o = {0};
	int rc = apply_options(argc, argv, "policy", &o);
	const char *file = o.operand ? o.operand : g->config;
	const char *compile[] = {"compile", "--check", "--", file, NULL};

	if (rc)
		return rc;
	if (o.dry_run)
		return dry_run(g, file, &o);
	rc = run_other(g, 4, compile);
	if (!rc)
		return put(g, file, &o);
	fputs("fwc: nothing was changed: the rules in force stay\n", stderr);
	return rc;
}
