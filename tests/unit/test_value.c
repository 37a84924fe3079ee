/* SPDX-License-Identifier: GPL-2.0-or-later
 * fwc.policy(5): durations, rates, times of day, days.
 */
#include "lang/parse.h"
#include "text.h"

static const char *duration(struct arena *a, const char *text)
{
	uint64_t seconds;
	struct buf b = {0};
	const char *out;

	if (!value_duration(text, &seconds))
		return "!";
	duration_print(&b, seconds);
	out = arena_printf(a, "%llu %s", (unsigned long long)seconds, buf_str(&b));
	buf_free(&b);
	return out;
}

static void durations(struct arena *a)
{
	SAME_TEXT(duration(a, "30s"), "30 30s");
	SAME_TEXT(duration(a, "10m"), "600 10m");
	SAME_TEXT(duration(a, "1h30m"), "5400 1h30m");
	SAME_TEXT(duration(a, "2d"), "172800 2d");
	SAME_TEXT(duration(a, "90m"), "5400 1h30m");
	SAME_TEXT(duration(a, "86400s"), "86400 1d");
	SAME_TEXT(duration(a, "1d1s"), "86401 1d1s");
	SAME_TEXT(duration(a, "3650d"), "315360000 3650d");
	SAME_TEXT(duration(a, "3651d"), "!");
	SAME_TEXT(duration(a, "0s"), "!");
	SAME_TEXT(duration(a, "10"), "!");
	SAME_TEXT(duration(a, "10x"), "!");
	SAME_TEXT(duration(a, "1m1h"), "!");
	SAME_TEXT(duration(a, "1m1m"), "!");
	SAME_TEXT(duration(a, "s"), "!");
	SAME_TEXT(duration(a, ""), "!");
	SAME_TEXT(duration(a, "99999999999999999999s"), "!");
}

static void rates(void)
{
	enum rate_unit unit;
	uint32_t n;

	CHECK(value_rate("10/second", &n, &unit) && n == 10 && unit == RATE_SECOND);
	CHECK(value_rate("1/minute", &n, &unit) && unit == RATE_MINUTE);
	CHECK(value_rate("5/hour", &n, &unit) && unit == RATE_HOUR);
	CHECK(value_rate("1000/day", &n, &unit) && n == 1000 && unit == RATE_DAY);
	CHECK(!value_rate("0/day", &n, &unit));
	CHECK(!value_rate("10", &n, &unit));
	CHECK(!value_rate("10/", &n, &unit));
	CHECK(!value_rate("/day", &n, &unit));
	CHECK(!value_rate("10/seconds", &n, &unit));
	CHECK(!value_rate("4294967296/day", &n, &unit));
}

static void hours(void)
{
	uint16_t from, to;

	CHECK(value_hours("08:00-18:30", &from, &to) && from == 480 && to == 1110);
	CHECK(value_hours("22:00-06:00", &from, &to) && from == 1320 && to == 360);
	CHECK(value_hours("00:00-24:00", &from, &to) && from == 0 && to == 1440);
	CHECK(!value_hours("24:00-06:00", &from, &to));
	CHECK(!value_hours("08:00-24:01", &from, &to));
	CHECK(!value_hours("08:60-09:00", &from, &to));
	CHECK(!value_hours("8:00-18:00", &from, &to));
	CHECK(!value_hours("08:00-08:00", &from, &to));
	CHECK(!value_hours("08:00", &from, &to));
	CHECK(!value_hours("08:00-18:00x", &from, &to));
}

static const char *days(struct arena *a, uint8_t set)
{
	struct buf b = {0};
	const char *out;

	days_print(&b, set);
	out = arena_strdup(a, buf_str(&b));
	buf_free(&b);
	return out;
}

/* bit 0 is Sunday */
static void weekdays(struct arena *a)
{
	uint8_t set;

	CHECK(value_days("sun", &set) && set == 0x01);
	CHECK(value_days("sat", &set) && set == 0x40);
	CHECK(value_days("mon-fri", &set) && set == 0x3e);
	CHECK(value_days("sat-mon", &set) && set == 0x43);
	CHECK(value_days("mon-sun", &set) && set == 0x7f);
	CHECK(value_days("wed-wed", &set) && set == 0x08);
	CHECK(!value_days("monday", &set));
	CHECK(!value_days("Mon", &set));
	CHECK(!value_days("mon-", &set));
	CHECK(!value_days("", &set));
	SAME_TEXT(days(a, 0x3e), "mon-fri");
	SAME_TEXT(days(a, 0x7f), "mon-sun");
	SAME_TEXT(days(a, 0x41), "sat, sun");
	SAME_TEXT(days(a, 0x2a), "mon, wed, fri");
	SAME_TEXT(days(a, 0x01), "sun");
}

static void names(void)
{
	CHECK(word_is_name("lan") && word_is_name("_x") && word_is_name("A-b_9"));
	CHECK(!word_is_name("9x") && !word_is_name("-x") && !word_is_name("a.b"));
	CHECK(!word_is_name("") && !word_is_name("a b"));
	CHECK(word_is_reserved("allow") && word_is_reserved("any") && word_is_reserved("log"));
	CHECK(!word_is_reserved("lan") && !word_is_reserved("Allow"));
}

int main(void)
{
	struct arena *a = arena_new();

	durations(a);
	rates();
	hours();
	weekdays(a);
	names();
	arena_free(a);
	return test_end();
}
