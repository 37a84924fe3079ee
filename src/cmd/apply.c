/* SPDX-License-Identifier: GPL-2.0-or-later
 * fwc apply: the candidate into the kernel.
 */
#include "apply/apply.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/applying.h"
#include "cmd/begin.h"
#include "cmd/cmd.h"
#include "kernel/genid.h"
#include "kernel/session.h"
#include "see/diff.h"
#include "store/open.h"
#include "util/cleanup.h"
#include "util/number.h"

struct options {
	const char *dir;
	const char *comment;
	bool dry_run, no_confirm, force;
	enum flows_choice flows;
	unsigned trial; /* seconds; 0: none */
};

static bool parse_seconds(const char *s, unsigned *out)
{
	uint64_t n = TRIAL_SECONDS;

	if (s && !number_word(s, TRIAL_MIN, TRIAL_MAX, &n))
		return false;
	*out = (unsigned)n;
	return true;
}

static int parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {{"dry-run", no_argument, NULL, 'n'},
					      {"message", required_argument, NULL, 'm'},
					      {"confirm", optional_argument, NULL, 'c'},
					      {"no-confirm", no_argument, NULL, 'o'},
					      {"force", no_argument, NULL, 'f'},
					      {"keep-flows", no_argument, NULL, 'k'},
					      {"end-flows", no_argument, NULL, 'e'},
					      {0}};
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "nm:", longs, NULL)) != -1) {
		if (c == 'n')
			o->dry_run = true;
		else if (c == 'm')
			o->comment = optarg;
		else if (c == 'o')
			o->no_confirm = true;
		else if (c == 'f')
			o->force = true;
		else if (c == 'k' || c == 'e')
			o->flows = c == 'k' ? FLOWS_KEEP : FLOWS_END;
		else if (c == 'c' && !parse_seconds(optarg, &o->trial))
			return usage_error("apply", "a trial takes seconds, a number from %d to %d",
					   TRIAL_MIN, TRIAL_MAX);
		else if (c == 'c')
			continue;
		else
			return usage_error("apply", "unknown option, or one without its value: %s",
					   usage_option(argv));
	}
	if (argc - optind > 1)
		return usage_error("apply", "one artefact at a time");
	if (o->trial && optind < argc && !argv[optind][strspn(argv[optind], "0123456789")])
		return usage_error("apply",
				   "is '%s' an artefact? --confirm=%s is a trial of %s "
				   "seconds; a directory of that name is ./%s",
				   argv[optind], argv[optind], argv[optind], argv[optind]);
	if (o->trial && o->no_confirm)
		return usage_error("apply", "--confirm and --no-confirm exclude each other");
	if (!o->no_confirm && !o->trial && over_ssh())
		o->trial = TRIAL_SECONDS;
	o->dir = optind < argc ? argv[optind] : NULL;
	return EXIT_FINE;
}

static int read_input(const struct globals *g, const struct options *o, struct store *s,
		      struct arena *a, struct artefact *x, struct buf *why)
{
	int err = o->dir ? artefact_read(o->dir, a, x, why)
			 : store_read(s, STORE_CANDIDATE, a, x, why);

	if (err == -ENOENT && !o->dir)
		buf_printf(why, "\nhint: %s",
			   s->public ? "the candidate is root's" : begin_candidate(g));
	return err;
}

static int dry_run(struct globals *g, struct store *s, struct arena *a, const struct artefact *in,
		   enum flows_choice flows)
{
	struct diff_options how = {
		.netns = g->netns, .json = g->json, .verbose = g->verbose, .flows = flows};
	int rc = diff_artefact(&how, s, a, in);

	if (!g->json && rc == EXIT_FINE)
		puts("nothing would change");
	return rc == EXIT_FINDINGS ? EXIT_FINE : rc;
}

int cmd_apply(struct globals *g, int argc, char **argv)
{
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_buf_ struct buf why = {0};
	struct artefact in = {0};
	struct options o = {0};
	struct store s;
	int rc = parse_options(argc, argv, &o), err;

	if (rc)
		return rc;
	err = store_open(&s, g->state, !o.dry_run, &why);
	if (err == -ENOENT && o.dry_run && o.dir)
		err = 0;
	if (!err && !o.dry_run)
		err = store_lock(&s, &why);
	if (!err && !o.dry_run)
		err = trial_settle(g, &s, a, WHILE_NOTHING, &why);
	if (!err)
		err = read_input(g, &o, &s, a, &in, &why);
	if (err) {
		fprintf(stderr, "fwc: %s\n", buf_str(&why));
		rc = EXIT_SYSTEM;
	} else {
		rc = o.dry_run ? dry_run(g, &s, a, &in, o.flows)
			       : work_apply(g, &s, a, &in,
					    &(struct apply_words){.comment = o.comment,
								  .trial = o.trial,
								  .flows = o.flows,
								  .as_shown = true,
								  .force = o.force});
	}
	artefact_free(&in);
	store_close(&s);
	return rc;
}
