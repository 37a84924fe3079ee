/* SPDX-License-Identifier: GPL-2.0-or-later
 * fwc confirm: what is on trial stays.
 */
#include "apply/apply.h"
#include "cmd/applying.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "store/open.h"
#include "trial/note.h"
#include "trial/trial.h"
#include "util/cleanup.h"
#include "util/show.h"

static int confirm(struct globals *g, struct store *s, struct arena *a, const char *comment,
		   enum flows_choice flows, size_t *ended, struct buf *why)
{
	struct artefact pending = {0};
	struct apply x = {.arena = a,
			  .store = s,
			  .netns = g->netns,
			  .artefact = &pending,
			  .comment = comment,
			  .flows = flows,
			  .say = NULL};
	struct trial t;
	int err = trial_read(s, &t, why);

	if (!err && t.state == TRIAL_NONE) {
		buf_puts(why, "no trial is running; `fwc status` shows what is in force");
		return -ENOENT;
	}
	if (!err)
		err = store_read(s, STORE_PENDING, a, &pending, why);
	if (!err) {
		err = trial_confirm(&x);
		buf_puts(why, buf_str(&x.why));
		if (!err)
			g->inspection = pending.inspect.len ? INSPECTION_NEW : INSPECTION_ENDED;
	}
	if (err && !x.live && t.state == TRIAL_OVER) {
		why->len = 0;
		buf_puts(why, "too late: the trial is over, and the previous rules are in force");
	}
	*ended = x.ended;
	apply_free(&x);
	artefact_free(&pending);
	return err;
}

static void print_json(int err, size_t ended, const char *why)
{
	_cleanup_json_ json_t *j = json_pack("{s:b, s:I, s:s}", "ok", err == 0, "ended",
					     (json_int_t)ended, "error", why);

	show_json(j, JSON_INDENT(2));
}

int cmd_confirm(struct globals *g, int argc, char **argv)
{
	static const struct option longs[] = {{"message", required_argument, NULL, 'm'},
					      {"keep-flows", no_argument, NULL, 'k'},
					      {"end-flows", no_argument, NULL, 'e'},
					      {0}};
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_buf_ struct buf why = {0};
	enum flows_choice flows = FLOWS_AS_POLICY;
	const char *comment = NULL;
	size_t ended = 0;
	struct store s;
	int c, err;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "m:", longs, NULL)) != -1) {
		if (c == 'k' || c == 'e') {
			flows = c == 'k' ? FLOWS_KEEP : FLOWS_END;
			continue;
		}
		if (c != 'm')
			return usage_bad_option("confirm", argv, "m:");
		comment = optarg;
	}
	if (optind < argc)
		return usage_error("confirm", "confirm takes no arguments");
	err = store_open(&s, g->state, false, &why);
	if (!err)
		err = store_lock(&s, &why);
	if (!err)
		err = confirm(g, &s, a, comment, flows, &ended, &why);
	store_close(&s);
	if (g->json)
		print_json(err, ended, buf_str(&why));
	if (err)
		fprintf(stderr, "fwc: %s\n", buf_str(&why));
	else if (!g->json)
		puts("confirmed: these rules stay");
	if (ended && !g->json)
		printf("%zu connection%s ended that these rules refuse\n", ended,
		       ended == 1 ? "" : "s");
	return err ? EXIT_SYSTEM : EXIT_FINE;
}
