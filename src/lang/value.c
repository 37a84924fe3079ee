/* SPDX-License-Identifier: GPL-2.0-or-later
 * words that stand for numbers, durations, rates, times of day and days <-> their values.
 */
#include <string.h>

#include "lang/parse.h"
#include "util/number.h"

#define DAY 86400u
#define DURATION_MAX (3650ull * DAY)

/* 32 bits, decimal or 0x... */
bool value_mark(const char *s, uint32_t *out)
{
	uint64_t n;

	if (!number_any(s, strlen(s), UINT32_MAX, &n))
		return false;
	*out = (uint32_t)n;
	return true;
}

/* N, or N/MASK where it is not about all bits; what has more than one digit is told by its bits. */
void mark_print(struct buf *b, uint32_t value, uint32_t mask)
{
	buf_printf(b, value > 9 ? "0x%x" : "%u", value);
	if (mask != UINT32_MAX)
		buf_printf(b, "/0x%x", mask);
}

/* VALUE [ "/" MASK ]; whether the mask has all bits of the value is not looked at. */
bool value_masked(const char *s, uint32_t *value, uint32_t *mask)
{
	const char *slash = strchr(s, '/');
	size_t n = slash ? (size_t)(slash - s) : strlen(s);
	uint64_t x;

	if (!number_any(s, n, UINT32_MAX, &x))
		return false;
	*value = (uint32_t)x;
	*mask = UINT32_MAX;
	return !slash || value_mark(slash + 1, mask);
}

/* RFC 2474 and 2597: classes; RFC 3246: ef; RFC 5865: va; RFC 8622: le. */
static const struct {
	const char *name;
	uint8_t value;
} dscp_names[] = {
	{"cs0", 0},   {"le", 1},    {"cs1", 8},	  {"af11", 10}, {"af12", 12}, {"af13", 14},
	{"cs2", 16},  {"af21", 18}, {"af22", 20}, {"af23", 22}, {"cs3", 24},  {"af31", 26},
	{"af32", 28}, {"af33", 30}, {"cs4", 32},  {"af41", 34}, {"af42", 36}, {"af43", 38},
	{"cs5", 40},  {"va", 44},   {"ef", 46},	  {"cs6", 48},	{"cs7", 56},
};

bool value_dscp(const char *s, uint8_t *out)
{
	uint64_t x;

	for (size_t i = 0; i < sizeof(dscp_names) / sizeof(dscp_names[0]); i++) {
		if (!strcmp(dscp_names[i].name, s)) {
			*out = dscp_names[i].value;
			return true;
		}
	}
	if (!number_any(s, strlen(s), 63, &x))
		return false;
	*out = (uint8_t)x;
	return true;
}

/* By its name, if it has one. */
void dscp_print(struct buf *b, uint8_t dscp)
{
	for (size_t i = 0; i < sizeof(dscp_names) / sizeof(dscp_names[0]); i++) {
		if (dscp_names[i].value == dscp) {
			buf_puts(b, dscp_names[i].name);
			return;
		}
	}
	buf_printf(b, "%u", dscp);
}

static const struct {
	char letter;
	uint32_t seconds;
} duration_units[] = {{'d', DAY}, {'h', 3600}, {'m', 60}, {'s', 1}};

#define UNITS (sizeof(duration_units) / sizeof(duration_units[0]))

/* duration = [ N "d" ] [ N "h" ] [ N "m" ] [ N "s" ], not nothing and not zero */
bool value_duration(const char *s, uint64_t *seconds)
{
	uint64_t total = 0, part;

	for (size_t u = 0; u < UNITS; u++) {
		size_t n = strspn(s, "0123456789");

		if (!n || s[n] != duration_units[u].letter)
			continue;
		if (!number_read(s, n, 0, DURATION_MAX, &part))
			return false;
		total += part * duration_units[u].seconds;
		s += n + 1;
	}
	if (*s || !total || total > DURATION_MAX)
		return false;
	*seconds = total;
	return true;
}

void duration_print(struct buf *b, uint64_t seconds)
{
	for (size_t u = 0; u < UNITS; u++) {
		uint64_t n = seconds / duration_units[u].seconds;

		if (n)
			buf_printf(b, "%llu%c", (unsigned long long)n, duration_units[u].letter);
		seconds -= n * duration_units[u].seconds;
	}
}

static const enum rate_unit rate_units[] = {RATE_SECOND, RATE_MINUTE, RATE_HOUR, RATE_DAY};

const char *rate_unit_name(enum rate_unit unit)
{
	switch (unit) {
	case RATE_SECOND:
		return "second";
	case RATE_MINUTE:
		return "minute";
	case RATE_HOUR:
		return "hour";
	case RATE_DAY:
		return "day";
	}
	return "?";
}

/* rate = N "/" ( "second" | "minute" | "hour" | "day" ) */
bool value_rate(const char *s, uint32_t *rate, enum rate_unit *unit)
{
	const char *slash = strchr(s, '/');
	uint64_t n;

	if (!slash || !number_read(s, (size_t)(slash - s), 1, UINT32_MAX, &n))
		return false;
	for (size_t i = 0; i < sizeof(rate_units) / sizeof(rate_units[0]); i++) {
		if (strcmp(slash + 1, rate_unit_name(rate_units[i])))
			continue;
		*rate = (uint32_t)n;
		*unit = rate_units[i];
		return true;
	}
	return false;
}

/* HH:MM up to 24:00 */
static bool value_time(const char *s, size_t n, uint16_t *minutes)
{
	uint64_t h, m;

	if (n != 5 || s[2] != ':' || !number_read(s, 2, 0, 24, &h) ||
	    !number_read(s + 3, 2, 0, 59, &m))
		return false;
	*minutes = (uint16_t)(h * 60 + m);
	return *minutes <= 1440;
}

/* hours = TIME "-" TIME; over midnight if the second is earlier */
static bool read_hours(const char *s, uint16_t *from, uint16_t *to)
{
	return strlen(s) == 11 && s[5] == '-' && value_time(s, 5, from) && *from < 1440 &&
	       value_time(s + 6, 5, to);
}

bool value_hours(const char *s, uint16_t *from, uint16_t *to)
{
	return read_hours(s, from, to) && *from != *to;
}

bool value_hours_none(const char *s)
{
	uint16_t from, to;

	return read_hours(s, &from, &to) && from == to;
}

/* The week as people read it; the value counts from Sunday. */
static const char *const day_names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

static int day_number(const char *s, size_t n)
{
	for (int i = 0; i < 7; i++)
		if (n == 3 && !memcmp(s, day_names[i], 3))
			return i;
	return -1;
}

static uint8_t day_bit(int day)
{
	return (uint8_t)(1u << (day + 1) % 7);
}

/* days = DAY [ "-" DAY ]; around the weekend if the second is earlier */
bool value_days(const char *s, uint8_t *days)
{
	const char *dash = strchr(s, '-');
	int from = day_number(s, dash ? (size_t)(dash - s) : strlen(s));
	int to = dash ? day_number(dash + 1, strlen(dash + 1)) : from;

	if (from < 0 || to < 0)
		return false;
	for (*days = day_bit(to); from != to; from = (from + 1) % 7)
		*days |= day_bit(from);
	return true;
}

void days_print(struct buf *b, uint8_t days)
{
	const char *comma = "";

	for (int i = 0, j; i < 7; i = j + 1) {
		for (j = i; j < 7 && days & day_bit(j);)
			j++;
		if (j == i)
			continue;
		buf_printf(b,
			   j - i == 2  ? "%s%s, %s"
			   : j - i > 2 ? "%s%s-%s"
				       : "%s%s",
			   comma, day_names[i], day_names[j - 1]);
		comma = ", ";
	}
}

/* The Gregorian calendar, with years that begin in March. Not timegm(3) and gmtime(3): in zones
 * that count leap seconds (TZ=right/...) those count them, too. */
#define MARCH_OF_0 719468 /* days before 1970 */

int32_t day_of_date(int year, int month, int day)
{
	int y = month > 2 ? year : year - 1, of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;

	return 365 * y + y / 4 - y / 100 + y / 400 + of_year - MARCH_OF_0;
}

static void date_of_day(int32_t day, int *year, int *month, int *mday)
{
	int32_t y = (day + MARCH_OF_0) / 365 + 1, m;

	while (day_of_date(y, 3, 1) > day)
		y--;
	day -= day_of_date(y, 3, 1);
	m = (5 * day + 2) / 153;
	*mday = day - (153 * m + 2) / 5 + 1;
	*month = m < 10 ? m + 3 : m - 9;
	*year = m < 10 ? y : y + 1;
}

/* YYYY-MM-DD, from 2000 to 2199 */
bool value_date(const char *s, int32_t *day)
{
	uint64_t year, month, mday;
	int y, m, d;

	if (strlen(s) != 10 || s[4] != '-' || s[7] != '-' ||
	    !number_read(s, 4, 2000, 2199, &year) || !number_read(s + 5, 2, 1, 12, &month) ||
	    !number_read(s + 8, 2, 1, 31, &mday))
		return false;
	*day = day_of_date((int)year, (int)month, (int)mday);
	date_of_day(*day, &y, &m, &d);
	return d == (int)mday;
}

void date_print(struct buf *b, int32_t day)
{
	int year, month, mday;

	date_of_day(day, &year, &month, &mday);
	buf_printf(b, "%04d-%02d-%02d", year, month, mday);
}

/* Powers of 1000. */
const struct byte_unit byte_units[] = {{"kB", 1000},
				       {"MB", 1000000},
				       {"GB", 1000000000},
				       {"TB", 1000000000000},
				       {NULL, 0}};

bool value_bytes(const char *number, const char *unit, uint64_t *bytes)
{
	uint64_t n;

	for (const struct byte_unit *u = byte_units; u->word; u++)
		if (!strcmp(u->word, unit) && number_word(number, 1, INT64_MAX / u->bytes, &n)) {
			*bytes = n * u->bytes;
			return true;
		}
	return false;
}

/* In the largest unit that it is a whole number of. */
void bytes_print(struct buf *b, uint64_t bytes)
{
	int i = 3;

	while (i && bytes % byte_units[i].bytes)
		i--;
	buf_printf(b, "%llu %s", (unsigned long long)(bytes / byte_units[i].bytes),
		   byte_units[i].word);
}

void times_print(struct buf *b, const struct ast_qualifiers *q)
{
	if (q->hours_span.src)
		buf_printf(b, " hours %02u:%02u-%02u:%02u", q->hours_from / 60, q->hours_from % 60,
			   q->hours_to / 60, q->hours_to % 60);
	if (q->days_span.src) {
		buf_puts(b, " days ");
		days_print(b, q->days);
	}
	if (q->after_span.src) {
		buf_puts(b, " after ");
		date_print(b, q->after);
	}
	if (q->until_span.src) {
		buf_puts(b, " until ");
		date_print(b, q->until);
	}
}

void target_rest_print(struct buf *b, const struct ast_target *t)
{
	if (t->port)
		buf_printf(b, ":%u", t->port);
	if (t->port_last)
		buf_printf(b, "-%u", t->port_last);
	if (t->weight)
		buf_printf(b, " weight %u", t->weight);
}

void nat_choice_print(struct buf *b, const struct ast_nat *n)
{
	if (n->ports_span.src)
		buf_printf(b, " ports %u-%u", n->ports_first, n->ports_last);
	if (n->random)
		buf_puts(b, " random");
	if (n->persistent_span.src)
		buf_puts(b, " persistent");
	if (n->by_source)
		buf_puts(b, " by source");
}

void string_print(struct buf *b, const char *s)
{
	buf_putc(b, '"');
	for (; *s; s++) {
		if (*s == '"')
			buf_putc(b, '\\');
		buf_putc(b, *s);
	}
	buf_putc(b, '"');
}
