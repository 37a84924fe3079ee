/* SPDX-License-Identifier: GPL-2.0-or-later
 * fwc refresh: sets whose content comes from elsewhere become what is there now.
 *
 * The rules stay: no apply, no new generation. It is called by a timer, so that what it says is
 * what went wrong, and no more unless somebody looks.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "fetch/fetch.h"
#include "store/open.h"
#include "store/sources.h"
#include "util/cleanup.h"
#include "util/number.h"
#include "util/show.h"

#define TIMEOUT_MS 60000
#define WAIT_MS 2000 /* for another one */

struct request {
	struct fetch_options o;
	uint64_t ms;
};

static int take_options(int argc, char **argv, struct request *r)
{
	static const struct option longs[] = {
		{"force", no_argument, NULL, 'f'}, {"timeout", required_argument, NULL, 't'}, {0}};
	int c;

	r->ms = TIMEOUT_MS;
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":f", longs, NULL)) != -1) {
		if (c == 'f')
			r->o.force = true;
		else if (c == ':')
			return usage_error("refresh", "%s needs a value", argv[optind - 1]);
		else if (c != 't')
			return usage_error("refresh", "unknown option: %s", usage_option(argv));
		else if (!number_seconds(optarg, 100, 3600000, &r->ms))
			return usage_error("refresh", "--timeout takes seconds, up to 3600");
	}
	r->o.only = (const char *const *)argv + optind;
	r->o.nonly = (size_t)(argc - optind);
	r->o.ms = (unsigned)r->ms;
	return EXIT_FINE;
}

/* Names that the rules in force do not have. */
static int check_names(const struct request *r, const struct fetch_sets *sets)
{
	for (size_t i = 0; i < r->o.nonly; i++) {
		struct nearest near = {.word = r->o.only[i]};
		const struct fetch_set *s;
		bool found = false;

		vec_each (sets, s) {
			found |= !strcmp(s->name, r->o.only[i]) && s->kind != FETCH_OTHER;
			found |= s->path && !strcmp(s->path, r->o.only[i]);
			nearest_offer(&near, s->path ? s->path : s->name);
		}
		if (found)
			continue;
		fputs("fwc: the rules in force have no dns, url or cgroup set called '", stderr);
		diag_show_to(stderr, r->o.only[i]);
		if (near.best)
			fprintf(stderr, "'; did you mean '%s'?\n", near.best);
		else
			fputs("'\n", stderr);
		return EXIT_WRONG;
	}
	return EXIT_FINE;
}

/* ---- what became of it ---- */

static const char *state_word(enum fetch_state s)
{
	static const char *const words[] = {
		[FETCH_NOT_DUE] = "not due",   [FETCH_SAME] = "same",
		[FETCH_CHANGED] = "changed",   [FETCH_STALE] = "stale",
		[FETCH_HELD] = "held back",    [FETCH_EXPIRED] = "expired",
		[FETCH_REFUSED] = "not taken",
	};

	return words[s];
}

static void print_since(FILE *to, uint64_t since)
{
	time_t t = (time_t)since;
	char text[64];
	struct tm tm;

	if (since && localtime_r(&t, &tm) && strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm))
		fprintf(to, " since %s", text);
}

/* `all`: also of what is as it was. */
static void print_result(const struct fetch_result *x, bool all)
{
	FILE *to = fetch_failed(x->state) ? stderr : stdout;
	bool cgroup = x->set->kind == FETCH_CGROUP;

	if (!all && (x->state == FETCH_NOT_DUE || (cgroup && x->state == FETCH_SAME)))
		return;
	fprintf(to, "%s%s: %s", to == stderr ? "fwc: set " : "", x->set->name,
		state_word(x->state));
	if (fetch_failed(x->state))
		print_since(to, x->stale);
	if (x->why) {
		fputs(": ", to);
		diag_show_to(to, x->why);
	}
	if (x->added || x->deleted)
		fprintf(to, ", %zu added, %zu deleted", x->added, x->deleted);
	fprintf(to, ", %zu element%s", x->held, x->held == 1 ? "" : "s");
	fputs(x->state == FETCH_NOT_DUE ? " (--force asks now)\n" : "\n", to);
	if (x->note) {
		fprintf(stderr, "fwc: set %s: ", x->set->name);
		diag_show_to(stderr, x->note);
		fputc('\n', stderr);
	}
}

static json_t *result_json(const struct fetch_result *x)
{
	json_t *j = json_pack("{s:s, s:s, s:I, s:I, s:I}", "set", x->set->name, "state",
			      state_word(x->state), "elements", (json_int_t)x->held, "added",
			      (json_int_t)x->added, "deleted", (json_int_t)x->deleted);

	if (x->fetched)
		json_object_set_new(j, "fetched", json_integer((json_int_t)x->fetched));
	if (x->stale)
		json_object_set_new(j, "stale", json_integer((json_int_t)x->stale));
	if (x->why)
		json_object_set_new(j, "why", json_string(x->why));
	return j;
}

/* Lists in files are the policy's. */
static void tell_changed(const struct store *s, struct arena *a)
{
	const struct manifest *m = store_read_head(s, STORE_APPLIED, a);
	const struct manifest_source *f;

	if (!m)
		return;
	vec_each (&m->sources, f) {
		if (source_look(f) != SOURCE_CHANGED)
			continue;
		diag_show_to(stderr, f->path);
		fputs(" has changed: `fwc reload`\n", stderr);
	}
}

static int finish(struct globals *g, const struct fetch_result *v, size_t n, bool all)
{
	_cleanup_json_ json_t *list = json_array();
	int rc = EXIT_FINE;

	for (size_t i = 0; i < n; i++) {
		if (fetch_failed(v[i].state))
			rc = EXIT_FINDINGS;
		if (g->json)
			json_array_append_new(list, result_json(&v[i]));
		else
			print_result(&v[i], all);
	}
	if (g->json)
		show_json(list, JSON_INDENT(2));
	return rc;
}

static int refresh(struct globals *g, struct store *s, struct arena *a, struct request *r,
		   struct buf *why)
{
	struct fetch_result *results;
	struct fetch_sets sets;
	int err = fetch_sets_applied(s, a, &sets, why), rc;
	size_t n;

	if (err == -ENOENT)
		sets = (struct fetch_sets){0};
	else if (err)
		return EXIT_SYSTEM;
	rc = check_names(r, &sets);
	if (rc)
		return rc;
	r->o.netns = g->netns;
	r->o.now = (uint64_t)time(NULL);
	results = arena_alloc(a, (sets.n + 1) * sizeof(*results));
	n = fetch_refresh(s, a, &sets, &r->o, results);
	rc = finish(g, results, n, g->verbose > 0 || r->o.nonly);
	if (!r->o.nonly)
		tell_changed(s, a);
	return rc;
}

int cmd_refresh(struct globals *g, int argc, char **argv)
{
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_buf_ struct buf why = {0};
	struct request r = {0};
	struct store store;
	int rc = take_options(argc, argv, &r), lock = -1, err;

	if (rc)
		return rc;
	err = store_open(&store, g->state, true, &why);
	if (!err) {
		lock = fetched_lock(&store, WAIT_MS, &why);
		rc = lock < 0 ? EXIT_SYSTEM : refresh(g, &store, a, &r, &why);
	} else {
		rc = EXIT_SYSTEM;
	}
	store_close(&store);
	if (lock >= 0)
		close(lock);
	if (why.len)
		fprintf(stderr, "fwc: %s\n", buf_str(&why));
	return rc;
}
