/* SPDX-License-Identifier: GPL-2.0-or-later
 * fwc history, fwc rollback: what was applied before, and back to it.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>

#include "apply/apply.h"
#include "apply/summary.h"
#include "boot/panic.h"
#include "cmd/applying.h"
#include "cmd/cmd.h"
#include "cmd/common.h"
#include "kernel/genid.h"
#include "store/generation.h"
#include "store/open.h"
#include "trial/note.h"
#include "util/cleanup.h"
#include "util/member.h"
#include "util/number.h"
#include "util/show.h"

static void print_one(const struct generation *g, bool in_force)
{
	const char *comment = member_text(g->record, "comment");
	json_int_t of = json_integer_value(json_object_get(g->record, "rollback_of"));

	printf("%c %4u  %-25s  %-10s  %s", in_force ? '*' : ' ', g->number,
	       g->record ? member_text(g->record, "time") : "(no record)",
	       member_text(g->record, "user"), member_text(g->record, "policy"));
	if (*member_text(g->record, "sources_sha256"))
		printf("  %.12s", member_text(g->record, "sources_sha256"));
	if (of)
		printf("  (rollback to %lld)", (long long)of);
	printf("%s%s\n", *comment ? "  " : "", comment);
	summary_print(stdout, "          ", json_object_get(g->record, "changes"));
}

static json_t *one_json(const struct generation *g, bool in_force)
{
	json_t *j = g->record ? json_deep_copy(g->record) : json_object();

	json_object_set_new(j, "generation", json_integer(g->number));
	json_object_set_new(j, "in_force", json_boolean(in_force));
	json_object_set_new(j, "bytes", json_integer((json_int_t)g->bytes));
	return j;
}

static void print_list(const struct globals *g, const struct generations *l, unsigned in_force,
		       uint64_t most)
{
	_cleanup_json_ json_t *j = json_array();

	for (size_t i = l->n; i-- > 0 && most-- > 0;) {
		if (g->json)
			json_array_append_new(j, one_json(&l->v[i], l->v[i].number == in_force));
		else
			print_one(&l->v[i], l->v[i].number == in_force);
	}
	if (g->json) {
		show_json(j, JSON_INDENT(2));
	}
}

int cmd_history(struct globals *g, int argc, char **argv)
{
	static const struct option longs[] = {{"count", required_argument, NULL, 'n'}, {0}};
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_buf_ struct buf why = {0};
	struct generations l = {0};
	uint64_t most = UINT64_MAX;
	struct store s;
	int c, err;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "n:", longs, NULL)) != -1) {
		if (c != 'n')
			return usage_bad_option("history", argv, "n:");
		if (!number_word(optarg, 1, GENERATION_MAX, &most))
			return usage_error("history", "-n takes a number from 1 to %d",
					   GENERATION_MAX);
	}
	if (optind < argc)
		return usage_error("history", "history takes no arguments; `fwc show N` shows one, "
					      "-n N lists the newest N");
	err = store_open(&s, g->state, false, &why);
	if (!err)
		err = generations_list(&s, a, WITH_RECORDS, &l, &why);
	if (!err && s.public && !l.n) {
		err = -EACCES;
		buf_puts(&why, "only root can read the history");
	}
	if (err && err != -ENOENT)
		fprintf(stderr, "fwc: %s\n", buf_str(&why));
	else
		print_list(g, &l, err ? 0 : generation_in_force(&s), most);
	generations_free(&l);
	store_close(&s);
	return err && err != -ENOENT ? EXIT_SYSTEM : EXIT_FINE;
}

/* ---- rollback ---- */

/* The one before that in force, in the order of the history; 0 if there is none. */
static unsigned previous(const struct generations *l, unsigned in_force)
{
	unsigned found = 0;

	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].number < in_force)
			found = l->v[i].number;
	return found;
}

static int choose(struct store *s, struct arena *a, unsigned *number, struct buf *why)
{
	struct generations l;
	int err = generations_list(s, a, WITH_NUMBERS, &l, why);

	if (!err && !*number) {
		*number = previous(&l, generation_in_force(s));
		if (!*number) {
			buf_puts(why, !l.n || generation_in_force(s)
					      ? "there is no earlier generation to go back to"
					      : "what is in force was not applied; give a number "
						"from `fwc history`");
			err = -ENOENT;
		}
	}
	generations_free(&l);
	return err;
}

struct rollback {
	const char *comment;
	unsigned number; /* 0: whatever ends, or the one before */
	enum flows_choice flows;
	bool force;
};

static int parse_rollback(int argc, char **argv, struct rollback *o)
{
	static const struct option longs[] = {{"message", required_argument, NULL, 'm'},
					      {"force", no_argument, NULL, 'f'},
					      {"keep-flows", no_argument, NULL, 'k'},
					      {"end-flows", no_argument, NULL, 'e'},
					      {0}};
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "m:", longs, NULL)) != -1) {
		if (c == 'f')
			o->force = true;
		else if (c == 'k' || c == 'e')
			o->flows = c == 'k' ? FLOWS_KEEP : FLOWS_END;
		else if (c == 'm')
			o->comment = optarg;
		else
			return usage_bad_option("rollback", argv, "m:");
	}
	if (argc - optind > 1 || (optind < argc && !generation_number(argv[optind], &o->number)))
		return usage_error(
			"rollback",
			"rollback takes one number from 1 to %d, as `fwc history` shows it",
			GENERATION_MAX);
	return EXIT_FINE;
}

/* What has ended instead of a rollback. */
static void print_over(const char *what)
{
	_cleanup_json_ json_t *j = json_pack("{s:b, s:s}", "ok", 1, "over", what);

	show_json(j, JSON_INDENT(2));
}

/* A panic ends by itself alone, whatever state the rest is in. *done: that was all. */
static int end_panic(struct globals *g, struct store *s, const struct rollback *o, bool *done,
		     struct buf *why)
{
	struct genid gen;
	int err = genid_get(g->netns, &gen, why);

	if (err || !gen.panic_table)
		return err;
	if (o->number) {
		buf_puts(why, "a panic is on; `fwc rollback` without a number ends it first");
		return -EBUSY;
	}
	err = panic_end(g->netns, s, done, why);
	if (!err && g->json)
		print_over("panic");
	else if (!err)
		puts("the panic is over: the rules loaded before it are in force");
	return err;
}

/* A trial ends, or an earlier generation is chosen. *done: it was a trial. */
static int prepare(struct globals *g, struct store *s, struct arena *a, struct rollback *o,
		   bool *done, struct buf *why)
{
	struct trial t = {0};
	int err = store_lock(s, why);

	if (!err)
		err = trial_read(s, &t, why);
	if (!err)
		err = trial_settle(g, s, a, WHILE_CANCEL, why);
	*done = !err && t.state != TRIAL_NONE && !o->number;
	if (*done && g->json)
		print_over("trial");
	if (!err && !*done)
		err = choose(s, a, &o->number, why);
	return err;
}

int cmd_rollback(struct globals *g, int argc, char **argv)
{
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_buf_ struct buf why = {0}, no_store = {0};
	struct artefact x = {0};
	struct rollback o = {0};
	struct store s;
	bool done = false;
	int rc = parse_rollback(argc, argv, &o), opened, err;

	if (rc)
		return rc;
	opened = store_open(&s, g->state, false, &no_store);
	err = end_panic(g, &s, &o, &done, &why);
	if (!err && !done && opened) {
		buf_puts(&why, buf_str(&no_store));
		err = opened;
	}
	if (!err && !done)
		err = prepare(g, &s, a, &o, &done, &why);
	if (!err && !done)
		err = generation_read(&s, o.number, a, &x, &why);
	if (err) {
		fprintf(stderr, "fwc: %s\n", buf_str(&why));
		rc = EXIT_SYSTEM;
	} else if (!done) {
		rc = work_apply(g, &s, a, &x,
				&(struct apply_words){.comment = o.comment,
						      .rollback_of = o.number,
						      .flows = o.flows,
						      .force = o.force});
	}
	artefact_free(&x);
	store_close(&s);
	return rc;
}
