/* SPDX-License-Identifier: GPL-2.0-or-later
 * text -> struct log_line.
 */
#include "nft/log_line.h"

#include <string.h>

#define PREFIX "fwc "
#define DIGITS "0123456789"

/* ---- what others put before: each skips one thing, or yields where it was ---- */

static const char *skip_word(const char *p, const char *of)
{
	size_t n = strspn(p, of);

	return n && p[n] == ' ' ? p + n + strspn(p + n, " ") : p;
}

static bool is_name(const char *p, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strncmp(p, names[i], 3) && p[3] == ' ')
			return true;
	return false;
}

/* "<4>" */
static const char *skip_priority(const char *p)
{
	size_t n = *p == '<' ? strspn(p + 1, DIGITS) : 0;

	return n && p[1 + n] == '>' ? p + n + 2 : p;
}

/* "kern  :warn  : ", as dmesg -x has it */
static const char *skip_level(const char *p)
{
	const char *at = p;

	for (int i = 0; i < 2; i++) {
		at += strspn(at, "abcdefghijklmnopqrstuvwxyz");
		at += strspn(at, " ");
		if (*at++ != ':')
			return p;
	}
	return at + strspn(at, " ");
}

/* "[   36.776] ", "[Thu Nov 26 14:37:47 2026] " */
static const char *skip_brackets(const char *p)
{
	size_t n = *p == '[' ? strspn(p + 1, DIGITS " .:ADFJMNOSTWabcdeghilnoprtuvy") : 0;

	return n && p[1 + n] == ']' ? p + n + 2 + strspn(p + n + 2, " ") : p;
}

/* "Nov 21 07:49:15 ", with a day of the week before it and a year behind it where there are;
 * "2026-11-21T07:49:16+0000 ", "2026-11-21 07:49:16 " */
static const char *skip_time(const char *p)
{
	static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
	static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	const char *at = is_name(p, days, 7) ? p + 4 : p, *next;

	if (is_name(at, months, 12)) {
		at += 4;
		at = skip_word(at + strspn(at, " "), DIGITS);
		next = skip_word(at, DIGITS ":.");
		return next == at ? p : skip_word(next, DIGITS);
	}
	if (strspn(p, DIGITS) != 4 || p[4] != '-')
		return p;
	at = skip_word(p, DIGITS "-:.,+TZ");
	return strspn(at, DIGITS) == 2 && at[2] == ':' ? skip_word(at, DIGITS ":.,+-Z") : at;
}

/* "gate kernel: ", "kern.warn kernel: "; ulogd has the host alone */
static const char *skip_host(const char *p)
{
	size_t n = strcspn(p, " ");

	if (!p[n])
		return p;
	p += n + strspn(p + n, " ");
	n = strlen("kernel: ");
	return strncmp(p, "kernel: ", n) ? p : p + n + strspn(p + n, " ");
}

static const char *skip_header(const char *text)
{
	const char *p = skip_level(skip_priority(text)), *at = skip_time(p);

	return skip_brackets(at == p ? p : skip_host(at));
}

/* ---- the record ---- */

bool log_line_record(struct log_line *out, const char *text)
{
	const char *end = strstr(text, ": IN=");

	if (!end || strncmp(text, PREFIX, strlen(PREFIX)) != 0 || end < text + strlen(PREFIX))
		return false;
	*out = (struct log_line){.stamp = text, .tag = text + strlen(PREFIX)};
	out->ntag = (size_t)(end - out->tag);
	return observed_of_log(&out->seen, end + 2);
}

bool log_line_kept(struct log_line *out, const char *text)
{
	const char *record = skip_header(text);

	if (!log_line_record(out, record))
		return false;
	out->stamp = text;
	out->nstamp = (size_t)(record - text);
	return true;
}
