/* SPDX-License-Identifier: GPL-2.0-or-later
 * fwc history, fwc rollback: what was applied before, and back to it.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>

#include "apply/apply.h"
#include "apply/generation.h"
#include "cmd/cmd.h"
#include "cmd/common.h"
#include "cmd/trial.h"
#include "util/cleanup.h"

static const char *text(const json_t *record, const char *key)
{
	const char *s = json_string_value(json_object_get(record, key));

	return s ? s : "";
}

static void print_one(const struct generation *g, bool in_force)
{
	const char *comment = text(g->record, "comment");
	json_int_t of = json_integer_value(json_object_get(g->record, "rollback_of"));

	printf("%c %4u  %-25s  %-10s  %s", in_force ? '*' : ' ', g->number,
	       g->record ? text(g->record, "time") : "(no record)", text(g->record, "user"),
	       text(g->record, "policy"));
	if (of)
		printf("  (rollback to %lld)", (long long)of);
	printf("%s%s\n", *comment ? "  " : "", comment);
}

static json_t *one_json(const struct generation *g, bool in_force)
{
	json_t *j = g->record ? json_deep_copy(g->record) : json_object();

	json_object_set_new(j, "generation", json_integer(g->number));
	json_object_set_new(j, "in_force", json_boolean(in_force));
	json_object_set_new(j, "bytes", json_integer((json_int_t)g->bytes));
	return j;
}

static void print_list(const struct globals *g, const struct generations *l, unsigned in_force)
{
	_cleanup_json_ json_t *j = json_array();

	for (size_t i = l->n; i-- > 0;) {
		if (g->json)
			json_array_append_new(j, one_json(&l->v[i], l->v[i].number == in_force));
		else
			print_one(&l->v[i], l->v[i].number == in_force);
	}
	if (g->json) {
		json_dumpf(j, stdout, JSON_INDENT(2));
		putchar('\n');
	}
}

int cmd_history(struct globals *g, int argc, char **argv)
{
	static const struct option longs[] = {{0}};
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_buf_ struct buf why = {0};
	struct generations l = {0};
	struct store s;
	int err;

	opterr = 0;
	if (getopt_long(argc, argv, "", longs, NULL) != -1 || optind < argc)
		return usage_error("history", "it takes no operands");
	err = store_open(&s, g->state, false, &why);
	if (!err)
		err = generations_list(&s, a, &l, &why);
	if (err && err != -ENOENT)
		fprintf(stderr, "fwc: %s\n", buf_str(&why));
	else
		print_list(g, &l, err ? 0 : generation_in_force(&s));
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
	int err = generations_list(s, a, &l, why);

	if (!err && !*number) {
		*number = previous(&l, generation_in_force(s));
		if (!*number) {
			buf_puts(why, "there is no earlier generation to go back to");
			err = -ENOENT;
		}
	}
	generations_free(&l);
	return err;
}

static bool parse_number(const char *s, unsigned *out)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(s, &end, 10);
	*out = (unsigned)n;
	return *s >= '1' && *s <= '9' && !*end && !errno && n < 1000000000;
}

int cmd_rollback(struct globals *g, int argc, char **argv)
{
	static const struct option longs[] = {{"message", required_argument, NULL, 'm'},
					      {"force", no_argument, NULL, 'f'},
					      {"keep-flows", no_argument, NULL, 'k'},
					      {"end-flows", no_argument, NULL, 'e'},
					      {0}};
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_buf_ struct buf why = {0};
	struct artefact x = {0};
	enum flows_choice flows = FLOWS_AS_POLICY;
	bool force = false;
	const char *comment = NULL;
	unsigned number = 0;
	struct trial t = {0};
	struct store s;
	int c, err, rc;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "m:", longs, NULL)) != -1) {
		if (c == 'f')
			force = true;
		else if (c == 'k' || c == 'e')
			flows = c == 'k' ? FLOWS_KEEP : FLOWS_END;
		else if (c == 'm')
			comment = optarg;
		else
			return usage_error("rollback",
					   "unknown option, or one without its value: %s",
					   argv[optind - 1]);
	}
	if (argc - optind > 1 || (optind < argc && !parse_number(argv[optind], &number)))
		return usage_error("rollback", "it takes one number, as `fwc history` shows it");
	err = store_open(&s, g->state, false, &why);
	if (!err)
		err = store_lock(&s, &why);
	if (!err)
		err = trial_read(&s, &t, &why);
	if (!err)
		err = trial_settle(g, &s, a, WHILE_CANCEL, &why);
	if (!err && t.state != TRIAL_NONE && !number) {
		store_close(&s);
		return EXIT_FINE;
	}
	if (!err)
		err = choose(&s, a, &number, &why);
	if (!err)
		err = store_read(&s, generation_name(a, number), a, &x, &why);
	if (err) {
		fprintf(stderr, "fwc: %s\n", buf_str(&why));
		rc = EXIT_SYSTEM;
	} else {
		rc = work_apply(g, &s, a, &x,
				&(struct apply_words){.comment = comment,
						      .rollback_of = number,
						      .flows = flows,
						      .force = force});
	}
	artefact_free(&x);
	store_close(&s);
	return rc;
}
