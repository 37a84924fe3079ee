/* SPDX-License-Identifier: GPL-2.0-or-later
 * runtime.json and what was fetched -> words.
 */
#include "see/fetched.h"

#include <stdio.h>
#include <time.h>

#include "kernel/cgroup.h"
#include "util/cleanup.h"
#include "util/diag.h"

#define LATE 3600 /* seconds behind its time: nobody calls refresh */

static enum seen_fetched state_of(const struct fetched *f, uint64_t now)
{
	if (f->stale)
		return f->held ? SEEN_HELD : f->expired ? SEEN_EXPIRED : SEEN_STALE;
	if (!f->fetched)
		return SEEN_NEVER;
	return f->next + LATE < now ? SEEN_DUE : SEEN_FRESH;
}

void seen_fetched_look(const struct store *s, struct arena *a, uint64_t now, struct seen_sets *out)
{
	_cleanup_buf_ struct buf ignored = {0};
	struct fetch_sets sets;
	const struct fetch_set *x;

	*out = (struct seen_sets){0};
	if (s->dir < 0 || s->public || fetch_sets_applied(s, a, &sets, &ignored))
		return;
	vec_each (&sets, x) {
		struct fetched_of of;
		struct fetched f;

		if (x->kind == FETCH_OTHER)
			continue;
		if (x->kind == FETCH_CGROUP) {
			uint64_t number;
			bool there = cgroup_number(x->path, &number) == 0;

			vec_push(a, out,
				 ((struct seen_set){.name = x->path,
						    .line = x->line,
						    .state = there ? SEEN_THERE : SEEN_NOT_THERE}));
			continue;
		}
		of = fetch_of(x);
		if (fetched_load_of(s, a, x->name, &of, false, &f, &ignored))
			f = (struct fetched){0};
		vec_push(a, out,
			 ((struct seen_set){x->name, x->line, state_of(&f, now), f.fetched, f.stale,
					    f.next, f.why}));
	}
}

static const char *word(enum seen_fetched s)
{
	static const char *const words[] = {
		[SEEN_FRESH] = "fresh", [SEEN_NEVER] = "never fetched", [SEEN_DUE] = "due",
		[SEEN_THERE] = "there", [SEEN_NOT_THERE] = "not there",
		[SEEN_STALE] = "stale", [SEEN_HELD] = "held back",	[SEEN_EXPIRED] = "expired",
	};

	return words[s];
}

void seen_time_print(const char *before, uint64_t at)
{
	time_t t = (time_t)at;
	char text[64];
	struct tm tm;

	if (localtime_r(&t, &tm) && strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm))
		printf("%s%s", before, text);
}

static void print_set(const struct seen_set *x, const char *head)
{
	printf("%-11s ", head);
	diag_show_to(stdout, x->name);
	printf(": %s", word(x->state));
	if (x->state == SEEN_FRESH)
		seen_time_print(", as of ", x->fetched);
	else if (x->state == SEEN_DUE)
		seen_time_print(" since ", x->next);
	else if (x->stale)
		seen_time_print(" since ", x->stale);
	if (x->state == SEEN_NOT_THERE)
		fputs(" (cgroup): its rules match nothing", stdout);
	if (x->state == SEEN_NEVER || x->state == SEEN_DUE)
		fputs("; `fwc refresh` asks, and so does fwc-refresh.timer", stdout);
	if (x->why) {
		fputs(": ", stdout);
		diag_show_to(stdout, x->why);
	}
	putchar('\n');
}

void seen_fetched_print(const struct seen_sets *l, bool verbose)
{
	const struct seen_set *x;
	size_t fresh = 0, said = 0;

	vec_each (l, x) {
		fresh += x->state == SEEN_FRESH;
		if (x->state > SEEN_THERE || verbose)
			print_set(x, said++ ? "" : "fetched");
	}
	if (fresh && !verbose)
		printf("%-11s %zu set%s fresh\n", said ? "" : "fetched", fresh,
		       fresh == 1 ? " is" : "s are");
}

json_t *seen_fetched_json(const struct seen_sets *l)
{
	json_t *list = json_array();
	const struct seen_set *x;

	vec_each (l, x) {
		json_t *j = json_pack("{s:s, s:s?, s:s, s:s?}", "set", x->name, "at", x->line,
				      "state", word(x->state), "why", x->why);

		json_object_set_new(j, "fetched",
				    x->fetched ? json_integer((json_int_t)x->fetched)
					       : json_null());
		json_object_set_new(j, "stale",
				    x->stale ? json_integer((json_int_t)x->stale) : json_null());
		json_array_append_new(list, j);
	}
	return list;
}

bool seen_fetched_good(const struct seen_sets *l)
{
	const struct seen_set *x;

	vec_each (l, x)
		if (x->state >= SEEN_STALE)
			return false;
	return true;
}
