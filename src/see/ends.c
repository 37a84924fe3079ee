/* SPDX-License-Identifier: GPL-2.0-or-later
 * The canonical text of loaded lines, and their windows in the kernel -> what ends.
 */
#include "see/ends.h"

#include <stdio.h>
#include <string.h>

#include "lang/parse.h"
#include "policy/schedule.h"

#define DAY 86400
#define AHEAD (14 * DAY)
#define WINDOWS_AHEAD (183 * DAY)
#define NANOSECONDS 1000000000u

/* The date behind the word `until`. Strings, in which it may stand too, come behind it; comments in
 * the kernel have them in quotes of either kind. */
static bool until_of(const char *text, int32_t *day, char date[11])
{
	static const char word[] = " until ";
	const char *at = strstr(text, word);

	if (!at || at > text + strcspn(text, "\"'"))
		return false;
	snprintf(date, 11, "%s", at + sizeof(word) - 1);
	return value_date(date, day);
}

/* Windows that nothing ended go on to the turn of the last year that is known, and a day beyond,
 * which is that year's somewhere on earth: local midnight then. */
static int64_t known_until(const struct ir_set *s)
{
	int64_t end;
	struct tm tm;

	if (s->nkeys != 1 || s->keys[0] != F_TIME || !s->elems.n)
		return 0;
	end = (int64_t)(s->elems.v[s->elems.n - 1].key[0].hi / NANOSECONDS);
	local_time(end, &tm);
	if (!tm.tm_mon && tm.tm_mday <= 2)
		return end - (tm.tm_mday - 1) * DAY - tm.tm_hour * 3600 - tm.tm_min * 60 -
		       tm.tm_sec;
	return tm.tm_mon == 11 && tm.tm_mday >= 24 ? end : 0;
}

void ends_find(struct arena *a, const struct report_lines *lines, const struct ir_ruleset *live,
	       struct ends *out)
{
	int64_t now = policy_horizon()->now, known = 0;
	const struct report_line *l;

	vec_each (lines, l) {
		struct schedule s;
		char date[11];

		if (!*l->at || !until_of(l->text, &s.until, date) ||
		    schedule_ends(&s) >= now + AHEAD)
			continue;
		vec_push(a, &out->lines,
			 ((struct end){l, arena_strdup(a, date), schedule_ends(&s) < now}));
	}
	for (size_t i = 0; i < live->sets.n; i++) {
		int64_t end = known_until(live->sets.v[i]);

		known = end > known ? end : known;
	}
	if (known && known < now + WINDOWS_AHEAD) {
		struct buf b = {0};
		struct tm tm;

		local_time(known - 1, &tm);
		date_print(&b, local_day(&tm));
		out->windows = arena_strdup(a, buf_str(&b));
		buf_free(&b);
	}
}

void ends_print(const struct ends *e)
{
	const struct end *x;

	vec_each (&e->lines, x)
		printf("warning     %s: %s %s: %s\n", x->line->at,
		       x->over ? "ended with" : "ends with", x->date, x->line->text);
	if (e->windows)
		printf("warning     hours and days are known until %s: `fwc reload` compiles "
		       "more\n",
		       e->windows);
}

json_t *ends_json(const struct ends *e)
{
	json_t *all = json_array();
	const struct end *x;

	vec_each (&e->lines, x)
		json_array_append_new(all,
				      json_pack("{s:s, s:s, s:s, s:b}", "at", x->line->at, "text",
						x->line->text, "until", x->date, "over", x->over));
	return all;
}
