/* SPDX-License-Identifier: GPL-2.0-or-later
 * fwc stop: forwarding back to what it was, then our table away, nobody else's, then timeouts.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>

#include "apply/forwarding.h"
#include "apply/timeouts.h"
#include "boot/boot.h"
#include "cmd/applying.h"
#include "cmd/cmd.h"
#include "kernel/live.h"
#include "store/open.h"
#include "store/shown.h"
#include "util/cleanup.h"
#include "util/show.h"

struct stopped {
	bool was_loaded, removed, forwarding_restored, timeouts_restored;
};

static int remove_table(struct globals *g, struct stopped *s, struct buf *why)
{
	struct genid gen;
	int err = genid_get(g->netns, &gen, why);

	if (err || !gen.own_table)
		return err;
	s->was_loaded = true;
	return live_run(g->netns, "delete table inet fwc", why);
}

static int refuse_in_panic(struct globals *g, struct buf *why)
{
	struct genid gen;
	int err = genid_get(g->netns, &gen, why);

	if (err || !gen.panic_table)
		return err;
	buf_puts(why, "a panic is on: `fwc rollback` ends it first");
	return -EBUSY;
}

static int stop(struct globals *g, struct stopped *s, struct buf *why)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct store store;
	int err = store_open(&store, g->state, true, why);

	if (!err)
		err = store_lock(&store, why);
	if (!err)
		err = refuse_in_panic(g, why);
	if (!err)
		err = trial_settle(g, &store, a, WHILE_CANCEL, why);
	/* the rules go only when nothing is forwarded any more that was not before */
	if (!err)
		err = forwarding_restore(&store, g->netns, &s->forwarding_restored, why);
	if (!err)
		err = remove_table(g, s, why);
	g->inspection = INSPECTION_ENDED;
	if (!err) {
		s->removed = true;
		store_remove(&store, STORE_APPLIED);
		boot_note_drop(&store);
		shown_drop(&store);
		/* nobody is shut out for their sake */
		err = timeouts_restore(&store, g->netns, &s->timeouts_restored, why);
	}
	store_close(&store);
	return err;
}

static void print_json(const struct stopped *s, int err, const char *why)
{
	_cleanup_json_ json_t *j = json_pack("{s:b, s:b, s:b, s:b, s:s}", "ok", err == 0,
					     "was_loaded", s->was_loaded, "forwarding_restored",
					     s->forwarding_restored, "timeouts_restored",
					     s->timeouts_restored, "error", why);

	show_json(j, JSON_INDENT(2));
}

int cmd_stop(struct globals *g, int argc, char **argv)
{
	static const struct option longs[] = {{0}};
	_cleanup_buf_ struct buf why = {0};
	struct stopped s = {0};
	const char *what = g->netns ? "this namespace" : "this host";
	int err;

	opterr = 0;
	if (getopt_long(argc, argv, "", longs, NULL) != -1 || optind < argc)
		return usage_error("stop", "stop takes no arguments");
	err = stop(g, &s, &why);
	if (g->json)
		print_json(&s, err, buf_str(&why));
	if (err)
		fprintf(stderr, "fwc: %s\n", buf_str(&why));
	if (!s.removed || g->json)
		return err ? EXIT_SYSTEM : EXIT_FINE;
	if (s.forwarding_restored)
		puts("forwarding is as it was before fwc");
	if (s.timeouts_restored)
		puts("timeouts are as they were before fwc");
	if (s.was_loaded)
		printf("the firewall is removed: %s is open now (`fwc apply` closes it again)\n",
		       what);
	else
		printf("no fwc firewall was loaded; other tables may still filter %s\n", what);
	return err ? EXIT_SYSTEM : EXIT_FINE;
}
