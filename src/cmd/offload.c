/* SPDX-License-Identifier: GPL-2.0-or-later
 * fwc offload: devices that have appeared since the rules were applied are bound to the flowtable.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>

#include "apply/offload.h"
#include "cmd/cmd.h"
#include "kernel/live.h"
#include "store/open.h"
#include "trial/note.h"
#include "util/cleanup.h"
#include "util/show.h"

#define TRIES 15 /* to get the lock, two seconds each: nobody else calls this for that device */

static void print_text(const struct offload_devices *all)
{
	const struct offload_device *d;

	vec_each (all, d)
		if (d->bound)
			printf("%s\n", d->name);
}

static void print_json(const struct offload_devices *all, int err, const char *why)
{
	_cleanup_json_ json_t *j = json_pack("{s:b, s:s}", "ok", err == 0, "error", why);
	json_t *devices = json_object();
	const struct offload_device *d;

	vec_each (all, d)
		json_object_set_new(devices, d->name,
				    d->bound ? json_true()
					     : json_string(d->why_not ? d->why_not : "gone"));
	json_object_set_new(j, "devices", devices);
	show_json(j, JSON_INDENT(2));
}

/* Whoever has it may be about to take away the flowtable, which binding a device would make again.
 */
static int lock(struct store *s, struct buf *why)
{
	size_t before = why->len;
	int err = -EWOULDBLOCK;

	for (int i = 0; i < TRIES && err == -EWOULDBLOCK; i++) {
		why->len = before;
		err = store_lock(s, why);
	}
	return err;
}

static int offload(struct globals *g, struct arena *a, struct offload_devices *all, struct buf *why)
{
	struct artefact here = {0};
	struct store store;
	struct live live;
	int err = store_open(&store, g->state, true, why);

	if (!err)
		err = lock(&store, why);
	if (!err)
		err = live_read(&live, g->netns, a, why);
	if (!err)
		err = trial_in_force(&store, a, live.ruleset, &here, why);
	if (!err)
		err = offload_bind(a, g->netns, here.manifest, all, why);
	artefact_free(&here);
	store_close(&store);
	return err;
}

int cmd_offload(struct globals *g, int argc, char **argv)
{
	static const struct option longs[] = {{0}};
	_cleanup_buf_ struct buf why = {0};
	_cleanup_arena_ struct arena *a = arena_new();
	struct offload_devices all = {0};
	const struct offload_device *d;
	int err;

	opterr = 0;
	if (getopt_long(argc, argv, "", longs, NULL) != -1 || optind < argc)
		return usage_error("offload", "offload takes no arguments");
	err = offload(g, a, &all, &why);
	if (g->json)
		print_json(&all, err, buf_str(&why));
	else
		print_text(&all);
	if (err)
		fprintf(stderr, "fwc: %s\n", buf_str(&why));
	vec_each (&all, d)
		if (!d->bound && !err)
			fprintf(stderr, "fwc: warning: %s is not offloaded: %s\n", d->name,
				d->why_not ? d->why_not : "it is gone");
	return err ? EXIT_SYSTEM : EXIT_FINE;
}
