/* SPDX-License-Identifier: GPL-2.0-or-later
 * fwc counters: what each line of the policy has counted, and counts.
 */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/common.h"
#include "kernel/live.h"
#include "store/open.h"
#include "store/saved.h"
#include "trial/note.h"
#include "util/cleanup.h"
#include "util/number.h"
#include "util/show.h"

struct sample {
	struct arena *arena;
	struct report_lines lines;
	struct timespec at;
	bool loaded;
};

/* 0 or -errno, the message printed. */
static int take(struct globals *g, struct sample *out)
{
	_cleanup_buf_ struct buf why = {0}, ignored = {0};
	const struct manifest *applied = NULL;
	struct store s;
	struct live live;
	int err;

	*out = (struct sample){.arena = arena_new()};
	err = live_read(&live, g->netns, out->arena, &why);
	if (err) {
		fprintf(stderr, "fwc: %s\n", buf_str(&why));
		return err;
	}
	out->loaded = live.present;
	clock_gettime(CLOCK_MONOTONIC, &out->at);
	if (store_open(&s, g->state, false, &ignored) == 0)
		applied = trial_manifest(&s, out->arena, live.ruleset);
	work_warn_record(&s, applied, live.ruleset);
	report_lines(out->arena, live.ruleset, applied, &out->lines);
	saved_counters_add(&s, g->netns, out->arena, &out->lines);
	store_close(&s);
	return 0;
}

static const struct report_line *find(const struct sample *s, const struct report_line *like)
{
	const struct report_line *l;

	vec_each (&s->lines, l) {
		if (!strcmp(l->at, like->at) && !strcmp(l->text, like->text))
			return l;
	}
	return NULL;
}

static void print_line(const struct report_line *l, uint64_t packets, uint64_t bytes)
{
	if (l->counts)
		printf("%12llu %14llu  ", (unsigned long long)packets, (unsigned long long)bytes);
	else
		printf("%12s %14s  ", "-", "-");
	printf("%s%s%s\n", l->at, *l->at ? "  " : "", l->text);
}

static void print_now(const struct sample *s)
{
	const struct report_line *l;

	printf("%12s %14s  line (packets that open connections; others count as fwc's own)\n",
	       "packets", "bytes");
	vec_each (&s->lines, l)
		print_line(l, l->packets, l->bytes);
}

/* Only lines that count at the moment; a line that is new, or was made anew, begins with what it
 * has. */
static void print_rates(const struct sample *before, const struct sample *now)
{
	double seconds = (double)(now->at.tv_sec - before->at.tv_sec) +
			 (double)(now->at.tv_nsec - before->at.tv_nsec) / 1e9;
	const struct report_line *l;

	printf("%12s %14s  line (packets that open connections)\n", "packets/s", "bytes/s");
	vec_each (&now->lines, l) {
		const struct report_line *b = find(before, l);
		uint64_t packets = b && b->packets <= l->packets ? b->packets : 0;
		uint64_t bytes = b && b->bytes <= l->bytes ? b->bytes : 0;

		if (l->packets != packets)
			print_line(l, (uint64_t)((double)(l->packets - packets) / seconds + 0.5),
				   (uint64_t)((double)(l->bytes - bytes) / seconds + 0.5));
	}
	putchar('\n');
	fflush(stdout);
}

static void print_json(const struct sample *s)
{
	_cleanup_json_ json_t *list = report_lines_json(&s->lines);

	show_json(list, JSON_INDENT(2));
}

static int watch(struct globals *g, uint64_t ms)
{
	struct sample before, now;
	int err = take(g, &before);

	while (!err) {
		usleep((useconds_t)(ms * 1000));
		err = take(g, &now);
		if (!err)
			print_rates(&before, &now);
		arena_free(before.arena);
		before = now;
	}
	arena_free(before.arena);
	return EXIT_SYSTEM;
}

int cmd_counters(struct globals *g, int argc, char **argv)
{
	static const struct option longs[] = {{"watch", optional_argument, NULL, 'w'}, {0}};
	bool watching = false;
	uint64_t ms = 2000;
	struct sample s;
	int c, err;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c != 'w')
			return usage_error("counters", "unknown option: %s", usage_option(argv));
		watching = true;
		if (optarg && !number_seconds(optarg, 100, 3600000, &ms))
			return usage_error("counters",
					   "--watch takes seconds, a number from 0.1 to 3600");
	}
	if (optind < argc)
		return usage_error("counters", "counters takes no arguments");
	if (watching && g->json)
		return usage_error("counters", "--watch is for people: with --json, ask again");
	if (watching)
		return watch(g, ms);
	err = take(g, &s);
	if (!err && !s.loaded)
		fputs("fwc: warning: no fwc firewall is loaded\n", stderr);
	if (!err && g->json)
		print_json(&s);
	else if (!err)
		print_now(&s);
	arena_free(s.arena);
	return err ? EXIT_SYSTEM : EXIT_FINE;
}
