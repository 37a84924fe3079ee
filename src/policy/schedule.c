/* SPDX-License-Identifier: GPL-2.0-or-later
 * Words of local time -> seconds of UTC, by the offsets that the zone has from when to when.
 */
#include "policy/schedule.h"

#include <stdlib.h>
#include <string.h>

#include "lang/parse.h"
#include "util/cleanup.h"

#define DAY 86400
#define STEP (6 * 3600) /* no zone changes its offset twice within it */
#define PIECES 256
/* 2026-01-01, where nobody has said what day it is. This program is younger: a clock that shows
 * less has not been set, and windows of then would be none of those that come. */
#define SOME_DAY 1767225600

/* ---- the clock ---- */

void local_time(int64_t second, struct tm *tm)
{
	static bool zone_read;
	time_t t = (time_t)second;

	if (!zone_read)
		tzset();
	zone_read = true;
	localtime_r(&t, tm);
}

int32_t local_day(const struct tm *tm)
{
	return day_of_date(tm->tm_year + 1900, tm->tm_mon + 1, tm->tm_mday);
}

int64_t local_second(int64_t second)
{
	struct tm tm;

	local_time(second, &tm);
	return (int64_t)local_day(&tm) * DAY + tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec;
}

static struct horizon horizon;

void policy_now(int64_t now)
{
	struct tm tm;
	int year;

	if (now < SOME_DAY)
		now = SOME_DAY;
	local_time(now, &tm);
	year = tm.tm_year + 1900;
	/* with what of both New Year's Days is this year's somewhere on earth */
	horizon = (struct horizon){now, (int64_t)day_of_date(year, 1, 1) * DAY - DAY,
				   (int64_t)day_of_date(year + SCHEDULE_YEARS, 1, 1) * DAY + DAY};
}

const struct horizon *policy_horizon(void)
{
	if (!horizon.ends)
		policy_now(SOME_DAY);
	return &horizon;
}

void time_print(struct buf *b, int64_t second)
{
	static const char *const days[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
	struct tm tm;

	local_time(second, &tm);
	buf_printf(b, "%04d-%02d-%02d %02d:%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
		   tm.tm_hour, tm.tm_min);
	if (tm.tm_sec)
		buf_printf(b, ":%02d", tm.tm_sec);
	buf_printf(b, " (%s)", days[tm.tm_wday]);
}

/* ---- the zone's offsets ---- */

struct piece { /* from this second on local time is so much ahead of UTC */
	int64_t from, offset;
};

struct pieces {
	struct piece v[PIECES + 1];
	size_t n;
};

/* Not tm_gmtoff: that leaves out leap seconds. */
static int64_t offset_at(int64_t second)
{
	return local_second(second) - second;
}

/* The first second in (lo, hi] that has the offset of hi. */
static int64_t change_in(int64_t lo, int64_t hi)
{
	int64_t offset = offset_at(hi);

	while (hi - lo > 1) {
		int64_t mid = lo + (hi - lo) / 2;

		if (offset_at(mid) == offset)
			hi = mid;
		else
			lo = mid;
	}
	return hi;
}

static struct pieces pieces_between(int64_t begins, int64_t ends)
{
	struct pieces p = {0};

	p.v[p.n++] = (struct piece){begins, offset_at(begins)};
	for (int64_t t = begins; t < ends && p.n < PIECES; t += STEP)
		if (offset_at(t + STEP) != offset_at(t))
			p.v[p.n++] = (struct piece){change_in(t, t + STEP), offset_at(t + STEP)};
	p.v[p.n] = (struct piece){ends, 0};
	return p;
}

static const struct pieces *offsets(void)
{
	static struct pieces p;
	const struct horizon *h = policy_horizon();

	if (!p.n)
		p = pieces_between(h->begins, h->ends);
	return &p;
}

static void push_before(struct arena *a, struct ivset *out, int64_t from, int64_t end)
{
	if (from < end)
		vec_push(a, out, ((struct ival){(u128)from, (u128)end - 1}));
}

/* The seconds since 1970 that show a date before this one. Where the clocks are put back over
 * midnight a day begins twice, and these are more than one interval. */
static struct ivset seconds_before(struct arena *a, int32_t day)
{
	int64_t midnight = (int64_t)day * DAY, sure = midnight - 2 * DAY;
	struct pieces p = pieces_between(sure, midnight + 2 * DAY);
	struct ivset out = {0};

	push_before(a, &out, 0, sure);
	for (size_t i = 0; i < p.n; i++) {
		int64_t from = p.v[i].from, end = midnight - p.v[i].offset;

		push_before(a, &out, from < 0 ? 0 : from,
			    end < p.v[i + 1].from ? end : p.v[i + 1].from);
	}
	ivset_normalise(&out);
	return out;
}

/* ---- windows ---- */

static void push_window(struct arena *a, struct ivset *out, int64_t lo, int64_t hi,
			struct ival within)
{
	if (lo < (int64_t)within.lo)
		lo = (int64_t)within.lo;
	if (hi > (int64_t)within.hi)
		hi = (int64_t)within.hi;
	if (lo <= hi)
		vec_push(a, out, ((struct ival){(u128)lo, (u128)hi}));
}

static bool begins_on(const struct schedule *s, int64_t day)
{
	return !s->days || s->days >> (day + 4) % 7 & 1; /* 1970-01-01 was a Thursday */
}

/* While one offset holds: day by day of local time, one more before it for what is over midnight.
 */
static void windows_of(struct arena *a, const struct schedule *s, const struct piece *p,
		       struct ivset *out)
{
	struct ival within = {(u128)p[0].from, (u128)p[1].from - 1};
	int64_t from = s->has_hours ? s->from * 60 : 0;
	int64_t to = s->has_hours ? s->to * 60 : DAY;

	if (to <= from)
		to += DAY;
	for (int64_t day = (p[0].from + p[0].offset) / DAY - 1; day * DAY - p[0].offset < p[1].from;
	     day++) {
		int64_t midnight = day * DAY - p[0].offset;

		if (begins_on(s, day))
			push_window(a, out, midnight + from, midnight + to - 1, within);
	}
}

/* Those behind `after` and up to `until`. */
static struct ivset between(struct arena *a, const struct schedule *s)
{
	struct ivset all = ivset_one(a, 0, FOREVER - 1), some;

	if (s->until != NO_DATE)
		all = seconds_before(a, s->until + 1);
	if (s->after == NO_DATE)
		return all;
	some = seconds_before(a, s->after + 1);
	return ivset_subtract(a, &all, &some);
}

static struct ivset windows(struct arena *a, const struct schedule *s)
{
	_cleanup_arena_ struct arena *own = arena_new();
	const struct pieces *p = offsets();
	struct ivset out = {0}, dates = between(own, s);

	if (s->has_hours || s->days) {
		for (size_t i = 0; i < p->n; i++)
			windows_of(own, s, &p->v[i], &out);
		ivset_normalise(&out);
		dates = ivset_intersect(own, &out, &dates);
	}
	return ivset_copy(a, &dates);
}

/* ---- schedules ---- */

static struct span where(const struct ast_qualifiers *q)
{
	return q->hours_span.src   ? q->hours_span
	       : q->days_span.src  ? q->days_span
	       : q->after_span.src ? q->after_span
				   : q->until_span;
}

const struct schedule *schedule_of(struct arena *a, const struct ast_qualifiers *q)
{
	struct schedule *s;
	struct buf text = {0};

	if (!where(q).src)
		return NULL;
	s = arena_new_of(a, struct schedule);
	*s = (struct schedule){.has_hours = q->hours_span.src != NULL,
			       .from = q->hours_from,
			       .to = q->hours_to,
			       .days = q->days,
			       .after = q->after_span.src ? q->after : NO_DATE,
			       .until = q->until_span.src ? q->until : NO_DATE,
			       .span = where(q)};
	times_print(&text, q);
	s->text = arena_strdup(a, buf_str(&text) + 1);
	buf_free(&text);
	s->seconds = windows(a, s);
	return s;
}

/* The day on which a window that holds at this local time would have begun; false: none holds. */
static bool window_day(const struct schedule *s, const struct tm *tm, int *weekday)
{
	int minute = tm->tm_hour * 60 + tm->tm_min;

	*weekday = tm->tm_wday;
	if (!s->has_hours)
		return true;
	if (s->from < s->to)
		return minute >= s->from && minute < s->to;
	if (minute < s->to)
		*weekday = (tm->tm_wday + 6) % 7;
	return minute >= s->from || minute < s->to;
}

bool schedule_at(const struct schedule *s, const struct tm *local)
{
	int32_t day = local_day(local);
	int weekday;

	if ((s->after != NO_DATE && day <= s->after) || (s->until != NO_DATE && day > s->until))
		return false;
	return window_day(s, local, &weekday) && (!s->days || s->days >> weekday & 1);
}

bool schedule_is_empty(const struct schedule *s)
{
	const struct horizon *h = policy_horizon();
	struct ival v = {(u128)h->begins, (u128)h->ends - 1};
	struct ivset all = {.v = &v, .n = 1};

	return !ivset_overlaps(&s->seconds, &all);
}

int64_t schedule_ends(const struct schedule *s)
{
	_cleanup_arena_ struct arena *a = NULL;
	struct ivset before;

	if (s->until == NO_DATE)
		return -1;
	a = arena_new();
	before = seconds_before(a, s->until + 1);
	return before.n ? (int64_t)before.v[before.n - 1].hi : 0;
}
