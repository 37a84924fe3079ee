/* SPDX-License-Identifier: GPL-2.0-or-later
 * fwc quota: what is used of quotas, and from zero again.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "kernel/live.h"
#include "lang/parse.h"
#include "store/open.h"
#include "store/saved.h"
#include "util/cleanup.h"
#include "util/show.h"

#define OBJECT "quota."

struct quota_entry {
	const char *name;
	uint64_t bytes, used;
};

struct quota_list {
	struct quota_entry *v;
	size_t n, cap;
};

/* Those of the rules in force; or the one. */
static int read_quotas(struct globals *g, struct arena *a, const char *name, struct quota_list *out,
		       struct buf *why)
{
	struct ir_set *const *s;
	struct live live;
	int err = live_read(&live, g->netns, a, why);

	if (err)
		return err;
	if (!ruleset_has_base(live.ruleset)) {
		buf_puts(why, "no fwc firewall is loaded");
		return -ENOENT;
	}
	vec_each (&live.ruleset->sets, s) {
		const char *called = (*s)->name + strlen(OBJECT);

		if (!(*s)->quota || strncmp((*s)->name, OBJECT, strlen(OBJECT)) != 0)
			continue;
		if (!name || !strcmp(name, called))
			vec_push(a, out, ((struct quota_entry){called, (*s)->quota, (*s)->used}));
	}
	if (!name || out->n)
		return 0;
	buf_printf(why, "the rules in force have no quota '%s'", name);
	return -ENOENT;
}

static json_t *quota_json(const struct quota_entry *q)
{
	return json_pack("{s:s, s:I, s:I, s:b}", "name", q->name, "bytes", (json_int_t)q->bytes,
			 "used", (json_int_t)q->used, "used_up", q->used >= q->bytes);
}

/* In the unit of the whole, as far as one can see it move. */
static void print_used(struct buf *b, uint64_t used)
{
	int i = 3;

	while (i && used < byte_units[i].bytes)
		i--;
	buf_printf(b, "%llu.%llu %s", (unsigned long long)(used / byte_units[i].bytes),
		   (unsigned long long)(used % byte_units[i].bytes * 10 / byte_units[i].bytes),
		   byte_units[i].word);
}

static void print_quotas(const struct globals *g, const struct quota_list *list)
{
	_cleanup_json_ json_t *all = json_array();
	const struct quota_entry *q;

	vec_each (list, q) {
		_cleanup_buf_ struct buf text = {0};

		json_array_append_new(all, quota_json(q));
		print_used(&text, q->used);
		buf_puts(&text, " of ");
		bytes_print(&text, q->bytes);
		if (!g->json)
			printf("%s: %s%s\n", q->name, buf_str(&text),
			       q->used >= q->bytes ? ", used up" : "");
	}
	if (g->json)
		show_json(all, JSON_INDENT(2));
}

static int reset(struct globals *g, struct arena *a, const char *name, struct quota_list *list,
		 struct buf *why)
{
	_cleanup_buf_ struct buf script = {0};
	const struct quota_entry *q;
	struct store s;
	int err = store_open(&s, g->state, true, why);

	if (!err)
		err = store_lock(&s, why);
	if (!err)
		err = read_quotas(g, a, name, list, why);
	for (q = list->v; !err && q && q < list->v + list->n; q++)
		buf_printf(&script, "reset quota inet " IR_TABLE " " OBJECT "%s\n", q->name);
	if (!err && script.len)
		err = live_run(g->netns, buf_str(&script), why);
	if (!err)
		err = state_reset_quotas(&s, name ? arena_printf(a, OBJECT "%s", name) : NULL, a,
					 why);
	store_close(&s);
	return err;
}

int cmd_quota(struct globals *g, int argc, char **argv)
{
	static const struct option longs[] = {{0}};
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_buf_ struct buf why = {0};
	struct quota_list list = {0};
	const char *verb, *name;
	bool resets;
	int err;

	opterr = 0;
	if (getopt_long(argc, argv, "", longs, NULL) != -1)
		return usage_error("quota", "quota has no options of its own");
	verb = optind < argc ? argv[optind] : "";
	name = optind + 1 < argc ? argv[optind + 1] : NULL;
	resets = !strcmp(verb, "reset");
	if ((strcmp(verb, "list") != 0 && !resets) || optind + 2 < argc)
		return usage_error("quota", "write quota list or quota reset, and perhaps a name");
	err = resets ? reset(g, a, name, &list, &why) : read_quotas(g, a, name, &list, &why);
	if (err) {
		fprintf(stderr, "fwc: %s\n", buf_str(&why));
		return EXIT_SYSTEM;
	}
	if (!resets) {
		print_quotas(g, &list);
	} else if (g->json) {
		_cleanup_json_ json_t *done = json_pack("{s:i}", "reset", (int)list.n);

		show_json(done, JSON_INDENT(2));
	} else {
		printf("%zu quota%s from zero again\n", list.n, list.n == 1 ? "" : "s");
	}
	return EXIT_FINE;
}
