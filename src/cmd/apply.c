/* SPDX-License-Identifier: GPL-2.0-or-later
 * fwc apply: the candidate into the kernel.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "cmd/applying.h"
#include "cmd/begin.h"
#include "cmd/cmd.h"
#include "store/open.h"
#include "store/seen.h"
#include "util/cleanup.h"

static const char *noun(const struct apply_options *o)
{
	return o->operand ? "artefact" : "candidate";
}

static int read_input(const struct globals *g, const struct apply_options *o, struct store *s,
		      struct arena *a, struct artefact *x, struct buf *why)
{
	int err;

	if (!o->operand && !o->dry_run && !o->trial && seen_whole(s, g->netns, a, x))
		return 0;
	err = o->operand ? artefact_read(o->operand, a, x, why)
			 : store_read(s, STORE_CANDIDATE, a, x, why);
	if (err != -ENOENT || o->operand)
		return err;
	buf_puts(why, "\nhint: ");
	if (s->public)
		buf_puts(why, "only root can read the candidate");
	else
		begin_candidate(g, why);
	return err;
}

static int put(struct globals *g, struct store *s, struct arena *a, const struct artefact *in,
	       const struct apply_options *o)
{
	bool refused = is_outdated(a, in, noun(o)) && !o->outdated;
	struct apply_words words = {.comment = o->comment,
				    .trial = o->trial,
				    .flows = o->flows,
				    .as_shown = true,
				    .force = o->force};

	if (refused)
		fprintf(stderr,
			"hint: `fwc reload` compiles and applies it; --outdated applies the %s as "
			"it is\n",
			noun(o));
	if (o->dry_run) {
		int rc = work_dry_run(g, s, a, in, o);

		return refused ? EXIT_SYSTEM : rc;
	}
	return refused ? EXIT_SYSTEM : work_apply(g, s, a, in, &words);
}

int cmd_apply(struct globals *g, int argc, char **argv)
{
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_buf_ struct buf why = {0};
	struct apply_options o = {0};
	struct artefact in = {0};
	struct store s;
	struct stat st;
	int rc = apply_options(argc, argv, "artefact", &o), err;

	if (rc)
		return rc;
	if (o.operand && stat(o.operand, &st) == 0 && S_ISREG(st.st_mode))
		return usage_error("apply",
				   "%s is a file, not an artefact; to compile and apply it: fwc "
				   "reload %s",
				   o.operand, o.operand);
	err = store_open(&s, g->state, !o.dry_run, &why);
	if (err == -ENOENT && o.dry_run && o.operand)
		err = 0;
	if (!err && !o.dry_run)
		err = store_lock(&s, &why);
	if (!err && !o.dry_run)
		err = trial_settle(g, &s, a, WHILE_NOTHING, &why);
	if (!err)
		err = read_input(g, &o, &s, a, &in, &why);
	if (err)
		fprintf(stderr, "fwc: %s\n", buf_str(&why));
	rc = err ? EXIT_SYSTEM : put(g, &s, a, &in, &o);
	artefact_free(&in);
	store_close(&s);
	return rc;
}
