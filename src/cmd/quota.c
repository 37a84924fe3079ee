/* SPDX-License-Identifier: GPL-2.0-or-later
 * fwc quota: what is used of quotas, and from zero again.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cmd/cmd.h"
#include "kernel/live.h"
#include "see/quotas.h"
#include "store/open.h"
#include "store/saved.h"
#include "util/cleanup.h"
#include "util/show.h"

/* Those of the rules in force; or the one. */
static int read_quotas(struct globals *g, const struct store *st, struct arena *a,
		       const char *name, struct quota_list *out, struct buf *why)
{
	struct nearest near = {0};
	struct live live;
	int err = live_read(&live, g->netns, a, why);

	if (err)
		return err;
	if (!ruleset_has_base(live.ruleset)) {
		buf_puts(why, "no fwc firewall is loaded");
		return -ENOENT;
	}
	quotas_look(live.ruleset, st, a, name, out);
	if (!name || out->n)
		return 0;
	buf_printf(why, "the rules in force have no quota '%s'", name);
	quotas_look(live.ruleset, st, a, NULL, out);
	near.word = name;
	for (size_t i = 0; i < out->n; i++)
		nearest_offer(&near, out->v[i].name);
	if (near.best)
		buf_printf(why, "; did you mean '%s'?", near.best);
	else if (out->n)
		buf_puts(why, "; `fwc quota list` names them");
	*out = (struct quota_list){0};
	return -ENOENT;
}

static int say(struct globals *g, struct arena *a, const char *name, struct buf *why)
{
	_cleanup_buf_ struct buf ignored = {0};
	struct quota_list quotas = {0};
	const struct quota_entry *q;
	struct store s;
	int err;

	store_open(&s, g->state, false, &ignored); /* none: when they were reset is not known */
	err = read_quotas(g, &s, a, name, &quotas, why);
	store_close(&s);
	if (!err && g->json) {
		_cleanup_json_ json_t *all = quotas_json(&quotas);

		show_json(all, JSON_INDENT(2));
	}
	for (q = quotas.v; !err && !g->json && q && q < quotas.v + quotas.n; q++) {
		_cleanup_buf_ struct buf text = {0};

		quota_print(&text, q);
		printf("%s: %s\n", q->name, buf_str(&text));
	}
	return err;
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
		err = read_quotas(g, &s, a, name, list, why);
	for (q = list->v; !err && q && q < list->v + list->n; q++)
		buf_printf(&script, "reset quota inet " IR_TABLE " %s\n",
			   quota_object_name(a, q->name));
	if (!err && script.len)
		err = live_run(g->netns, buf_str(&script), why);
	if (!err)
		err = state_reset_quotas(&s, name ? quota_object_name(a, name) : NULL, a, why);
	if (!err && list->n)
		err = quotas_note_reset(&s, list, (uint64_t)time(NULL), why);
	store_close(&s);
	return err;
}

int cmd_quota(struct globals *g, int argc, char **argv)
{
	static const struct option longs[] = {{0}};
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_buf_ struct buf why = {0};
	struct quota_list quotas = {0};
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
	err = resets ? reset(g, a, name, &quotas, &why) : say(g, a, name, &why);
	if (err) {
		fprintf(stderr, "fwc: %s\n", buf_str(&why));
		return EXIT_SYSTEM;
	}
	if (resets && g->json) {
		_cleanup_json_ json_t *done = json_pack("{s:i}", "reset", (int)quotas.n);

		show_json(done, JSON_INDENT(2));
	} else if (resets) {
		printf("%zu quota%s from zero again\n", quotas.n, quotas.n == 1 ? "" : "s");
	}
	return EXIT_FINE;
}
