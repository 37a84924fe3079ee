/* SPDX-License-Identifier: GPL-2.0-or-later
 * hours, days, after, until: times of this machine's zone, and the seconds in which they hold.
 *
 * The kernel counts in UTC and knows no zone, and the kernel's own day of the week depends on what
 * somebody once told it of one. So what is compiled are instants: every window from the beginning
 * of this year to the end of the third that follows, each with the offset that the zone has by
 * then. Nothing needs to happen when the clocks change.
 */
#ifndef FWC_SCHEDULE_H
#define FWC_SCHEDULE_H

#include <time.h>

#include "lang/ast.h"

#define SCHEDULE_YEARS 4 /* this one among them */
#define NO_DATE INT32_MIN
#define FOREVER ((int64_t)18446744073) /* the last second that the kernel's clock can count */

struct schedule {
	bool has_hours;
	uint16_t from, to; /* minutes since local midnight; to may be 1440, or before from */
	uint8_t days; /* on which a window begins: bit 0 = Sunday; 0: every day */
	int32_t after, until; /* days since 1970-01-01, or NO_DATE */
	const char *text; /* canonical: "hours 08:00-18:00 days mon-fri" */
	struct span span;
	struct ivset seconds; /* since 1970, UTC; what neither asks for hours nor for days goes on
				 behind the horizon */
};

/* When a policy is read, and from when to when its windows are known. */
struct horizon {
	int64_t now, begins, ends; /* ends: the first second behind it */
};
/* Said once, before a policy is read. */
void policy_now(int64_t now);
const struct horizon *policy_horizon(void);
/* The zone's time; no file is read, whatever happened since the first call. */
void local_time(int64_t second, struct tm *tm);
/* What its clock shows, as if that were UTC. */
int64_t local_second(int64_t second);
/* The date that it shows: days since 1970-01-01. */
int32_t local_day(const struct tm *tm);

/* What the words say; NULL: nothing, it holds always. */
const struct schedule *schedule_of(struct arena *a, const struct ast_qualifiers *q);
/* Whether it holds, as the words are defined. */
bool schedule_at(const struct schedule *s, const struct tm *local);
/* In no second that the horizon has. */
bool schedule_is_empty(const struct schedule *s);
/* The last second of `until`'s day; -1: it has none. */
int64_t schedule_ends(const struct schedule *s);
/* "2027-01-04 08:00 (mon)", of the zone. */
void time_print(struct buf *b, int64_t second);

#endif
