/* SPDX-License-Identifier: GPL-2.0-or-later
 * fwc save, fwc restore: what run time made, over a reboot.
 */
#include <getopt.h>
#include <stdio.h>

#include "cmd/cmd.h"
#include "store/open.h"
#include "store/saved.h"
#include "util/cleanup.h"
#include "util/show.h"

static void print_json(const struct state_sum *sum)
{
	_cleanup_json_ json_t *j =
		json_pack("{s:b, s:b, s:b, s:I, s:I, s:I, s:{s:I, s:I, s:I, s:I}}", "found",
			  sum->found, "same_rules", sum->same_rules, "counting", sum->counting,
			  "sets", (json_int_t)sum->sets, "elements", (json_int_t)sum->elements,
			  "lines", (json_int_t)sum->lines, "left_out", "expired",
			  (json_int_t)sum->expired, "homeless", (json_int_t)sum->homeless,
			  "crowded", (json_int_t)sum->crowded, "changed", (json_int_t)sum->changed);

	show_json(j, JSON_INDENT(2));
}

static const char *s(size_t n)
{
	return n == 1 ? "" : "s";
}

static void print_done(const char *what, const struct state_sum *sum)
{
	printf("%s: %zu element%s of %zu set%s, counters of %zu line%s\n", what, sum->elements,
	       s(sum->elements), sum->sets, s(sum->sets), sum->lines, s(sum->lines));
}

static void print_restored(const struct state_sum *sum)
{
	if (!sum->found) {
		puts("nothing is saved (`fwc save` does that)");
		return;
	}
	print_done("put back", sum);
	if (sum->counting)
		puts("nothing to add to counters: these rules have been counting since they were "
		     "saved");
	if (sum->expired)
		printf("left out: %zu element%s whose timeout has passed\n", sum->expired,
		       s(sum->expired));
	if (sum->homeless)
		printf("left out: %zu element%s of sets that are gone or have another type\n",
		       sum->homeless, s(sum->homeless));
	if (sum->crowded)
		printf("left out: %zu element%s for which their set has no room\n", sum->crowded,
		       s(sum->crowded));
	if (sum->changed)
		printf("left out: counters of %zu line%s that are no longer in the policy\n",
		       sum->changed, s(sum->changed));
}

typedef int work(struct store *, const char *, struct arena *, struct state_sum *, struct buf *);

/* The store locked, one of the two done. */
static int with_store(struct globals *g, bool create, work *do_it, struct state_sum *sum)
{
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_buf_ struct buf why = {0};
	struct store store;
	int err = store_open(&store, g->state, create, &why);

	if (!err)
		err = store_lock(&store, &why);
	if (!err)
		err = do_it(&store, g->netns, a, sum, &why);
	store_close(&store);
	if (err)
		fprintf(stderr, "fwc: %s\n", buf_str(&why));
	return err;
}

static bool has_arguments(int argc, char **argv)
{
	static const struct option longs[] = {{0}};

	opterr = 0;
	return getopt_long(argc, argv, "", longs, NULL) != -1 || optind < argc;
}

int cmd_save(struct globals *g, int argc, char **argv)
{
	struct state_sum sum = {0};

	if (has_arguments(argc, argv))
		return usage_error("save", "save takes no arguments");
	if (with_store(g, true, state_save, &sum))
		return EXIT_SYSTEM;
	if (g->json)
		print_json(&sum);
	else
		print_done("saved", &sum);
	return EXIT_FINE;
}

int cmd_restore(struct globals *g, int argc, char **argv)
{
	struct state_sum sum = {0};

	if (has_arguments(argc, argv))
		return usage_error("restore", "restore takes no arguments");
	if (with_store(g, true, state_restore_sum, &sum))
		return EXIT_SYSTEM;
	if (g->json)
		print_json(&sum);
	else
		print_restored(&sum);
	return EXIT_FINE;
}
