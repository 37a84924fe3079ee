/* SPDX-License-Identifier: GPL-2.0-or-later
 * fwc apply: the candidate into the kernel.
 */
#include "apply/apply.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "apply/diff.h"
#include "apply/inspectd.h"
#include "cmd/cmd.h"
#include "cmd/common.h"
#include "cmd/trial.h"
#include "kernel/genid.h"
#include "kernel/session.h"
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
					   argv[optind - 1]);
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

static int read_input(const struct options *o, struct store *s, struct arena *a, struct artefact *x,
		      struct buf *why)
{
	int err = o->dir ? artefact_read(o->dir, a, x, why)
			 : store_read(s, STORE_CANDIDATE, a, x, why);

	if (err == -ENOENT && !o->dir)
		buf_puts(why, s->public ? "\nhint: the candidate is root's"
					: "\nhint: `fwc compile` makes the candidate");
	return err;
}

static void print_json(const struct apply *x, int err)
{
	_cleanup_json_ json_t *j = json_pack(
		"{s:b, s:b, s:I, s:I, s:I, s:I, s:b, s:I, s:I, s:s}", "ok", err == 0, "unchanged",
		x->unchanged, "staged", (json_int_t)x->staged, "swapped", (json_int_t)x->swapped,
		"collected", (json_int_t)x->collected, "left", (json_int_t)x->left,
		"forwarding_changed", x->forwarding_changed, "refused", (json_int_t)x->refused,
		"ended", (json_int_t)x->ended, "error", buf_str(&x->why));

	json_dumpf(j, stdout, JSON_INDENT(2));
	putchar('\n');
}

static const char *s_of(size_t n)
{
	return n == 1 ? "" : "s";
}

static void print_flows(const struct apply *x)
{
	if (x->mode == APPLY_TRIAL && x->refused)
		printf("`fwc confirm` will end %zu connection%s that these rules refuse\n",
		       x->refused, s_of(x->refused));
	if (x->ended)
		printf("%zu connection%s ended that these rules refuse\n", x->ended,
		       s_of(x->ended));
}

static void print_text(struct globals *g, const struct apply *x, int err)
{
	if (err) {
		fprintf(stderr, "fwc: %s\n", buf_str(&x->why));
		fputs(x->live ? "fwc: the new rules are in force, but not all was done\n"
			      : "fwc: nothing was changed: what ran before goes on running\n",
		      stderr);
		return;
	}
	if (x->mode == APPLY_TRIAL)
		printf("%zu new objects\n", x->staged);
	else if (x->unchanged)
		puts("nothing to change: the kernel holds this already");
	else
		printf("applied: %zu new object%s, %zu chain%s or set%s switched, %zu old object%s "
		       "removed\n",
		       x->staged, s_of(x->staged), x->swapped, s_of(x->swapped), s_of(x->swapped),
		       x->collected, s_of(x->collected));
	print_flows(x);
	if (x->forwarding_changed)
		printf("forwarding is %s now\n", x->artefact->manifest->forwarding == 1 ? "on"
						 : x->artefact->manifest->forwarding == 0
							 ? "off"
							 : "as it was before fwc");
	if (x->left && g->verbose)
		printf("%zu old objects are still busy; the next apply removes them\n", x->left);
}

void tell_inspectd(const struct globals *g)
{
	_cleanup_buf_ struct buf why = {0};
	bool wanted = g->inspection == INSPECTION_NEW;
	int err;

	if (g->inspection == INSPECTION_SAME)
		return;
	fflush(stdout);
	err = inspectd_reload(g->netns, &why);
	if (!err || (!wanted && (err == -ENOENT || err == -ECONNREFUSED)))
		return;
	fprintf(stderr, "fwc: warning: %s%s\n", buf_str(&why),
		wanted ? "; until it does, connections to be inspected go by on-no-helper" : "");
}

static void warn_panic(const struct globals *g)
{
	_cleanup_buf_ struct buf ignored = {0};
	struct genid gen;

	if (genid_get(g->netns, &gen, &ignored) == 0 && gen.panic_table)
		fputs("fwc: warning: a panic is on: all is dropped until `fwc rollback`, whatever "
		      "these rules say\n",
		      stderr);
}

int work_apply(struct globals *g, struct store *s, struct arena *a, const struct artefact *in,
	       const struct apply_words *words)
{
	struct apply x = {.arena = a,
			  .store = s,
			  .netns = g->netns,
			  .artefact = in,
			  .comment = words->comment,
			  .rollback_of = words->rollback_of,
			  .flows = words->flows,
			  .as_shown = words->as_shown && !words->force,
			  .ssh = words->force ? NULL : session_ssh(a),
			  .say = g->json ? NULL : stdout};
	int err;

	if (in->manifest->proved != PROVED)
		fprintf(stderr, "fwc: warning: this ruleset is %s\n",
			manifest_proved_text(in->manifest->proved));
	err = words->trial ? trial_apply(g, &x, words->trial) : apply_artefact(&x);
	if (!err)
		g->inspection = in->inspect.len ? INSPECTION_NEW : INSPECTION_ENDED;
	warn_panic(g);
	if (g->json)
		print_json(&x, err);
	else
		print_text(g, &x, err);
	apply_free(&x);
	return err ? EXIT_SYSTEM : EXIT_FINE;
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
		err = read_input(&o, &s, a, &in, &why);
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
