/* SPDX-License-Identifier: GPL-2.0-or-later
 * Conditions and effects, which are named by what the kernel has for them -> the policy's words.
 */
#include <string.h>

#include "lang/parse.h"
#include "space/outcome.h"
#include "space/packet.h"
#include "util/bulk.h"
#include "util/number.h"

/* The text behind a beginning, or NULL. */
static const char *behind(const char *text, const char *beginning)
{
	size_t n = strlen(beginning);

	return strncmp(text, beginning, n) ? NULL : text + n;
}

/* " by source/24" and the like -> whose; the text goes on behind it. */
static const char *whose(const char **text)
{
	const char *at = behind(*text, " by ct state & ");
	size_t n = at ? strspn(at, "0123456789abcdefx") : 0;

	if (n) {
		*text = at + n;
		return "";
	}
	at = behind(*text, " by source");
	*text = at ? at : *text;
	return " per source";
}

/* [/N], of a source. */
static void put_prefix(struct buf *out, const char **text)
{
	size_t n = **text == '/' ? 1 + strspn(*text + 1, "0123456789") : 0;

	buf_printf(out, "%s%.*s", n ? " " : "", (int)n, *text);
	*text += n;
}

/* limit.HASH.v4 [by WHOM] RATE holds for "RULE" */
static void put_shared_limit(struct buf *out, const char *name)
{
	const char *rest = name + strcspn(name, " ");
	bool each = strstr(name, ".v4") == rest - 3 || strstr(name, ".v6") == rest - 3;
	const char *by = whose(&rest);

	buf_printf(out, "the limit%s", each ? by : "");
	put_prefix(out, &rest);
	buf_puts(out, rest);
}

/* max[.HASH.v4 [by WHOM]]: at most N connections by "RULE" */
static void put_max(struct buf *out, const char *text)
{
	const char *rest = text + strcspn(text, " :"), *by = whose(&rest), *line;
	struct buf prefix = {0};

	put_prefix(&prefix, &rest);
	rest += strspn(rest, ": ");
	line = strstr(rest, " by \"");
	buf_printf(out, "there are %.*s%s%s%s", line ? (int)(line - rest) : (int)strlen(rest), rest,
		   text[3] == '.' ? by : "", buf_str(&prefix), line ? line : "");
	buf_free(&prefix);
}

static bool ends(const char *text, size_t n, const char *with)
{
	size_t len = strlen(with);

	return n > len && !strncmp(text + n - len, with, len);
}

/* NAME.v4 of a dynamic set, NAME.dns.v4, NAME.url.v4.bulk -> the length of NAME; 0: it is none.
 * *kind: "", or who says what is in it. */
static size_t set_name(const char *text, size_t n, const char **kind)
{
	n -= ends(text, n, BULK_SUFFIX) ? strlen(BULK_SUFFIX) : 0;
	if (!ends(text, n, ".v4") && !ends(text, n, ".v6"))
		return 0;
	n -= 3;
	*kind = ends(text, n, ".dns") ? " (dns)" : ends(text, n, ".url") ? " (url)" : "";
	n -= **kind ? 4 : 0;
	return memchr(text, '.', n) ? 0 : n;
}

/* HASH.NAME of the set: the name is as near to the path as names of sets can be. */
static void put_cgroup(struct buf *out, const char *set, const char *end)
{
	const char *dot = memchr(set, '.', (size_t)(end - set));

	set = dot ? dot + 1 : set;
	buf_printf(out, "a process of cgroup %.*s sends it", (int)(end - set), set);
}

void packet_condition(struct buf *out, const char *text)
{
	const char *set = behind(text, "@"), *holds = strstr(text, " holds the ");
	const char *kind = "";
	size_t n = set && holds ? set_name(set, (size_t)(holds - set), &kind) : 0;

	if (behind(text, "rule "))
		buf_printf(out, "the log limit %s", behind(text, "rule "));
	else if (behind(text, "limit "))
		buf_printf(out, "the %s", text);
	else if ((behind(text, "meter.") || behind(text, "limit.")) && strchr(text, ' '))
		put_shared_limit(out, text);
	else if ((behind(text, "max:") || behind(text, "max.")) && strchr(text, ' '))
		put_max(out, text);
	else if (behind(text, "@cgroup.") && holds)
		put_cgroup(out, behind(text, "@cgroup."), holds);
	else if (behind(text, "@answers.") && strstr(text, " holds the destination"))
		buf_puts(out, "this machine has asked by multicast from there");
	else if (n)
		buf_printf(out, "set %.*s%s%s", (int)n, set, kind, holds);
	else
		buf_puts(out, text);
}

/* "source into @SET.v4 for 600 s" -> "add source to SET for 10m" */
static bool put_change(struct buf *out, const char *text, size_t len)
{
	static const char *const ways[][2] = {{" into @", "to"}, {" out of @", "from"}};
	const char *in = NULL, *set = NULL, *seconds_text, *kind;
	uint64_t seconds;
	size_t way, n, name;

	for (way = 0; way < 2 && !set; way++) {
		in = memmem(text, len, ways[way][0], strlen(ways[way][0]));
		set = in ? in + strlen(ways[way][0]) : NULL;
	}
	if (!set)
		return false;
	n = strcspn(set, " \n");
	if (behind(set, "answers.") && behind(text, "source . udp sport")) {
		buf_puts(out, "remember who asks");
		return true;
	}
	name = set_name(set, n, &kind);
	if (!name)
		return false;
	buf_printf(out, "%s %.*s %s %.*s", way == 1 ? "add" : "remove", (int)(in - text), text,
		   ways[way - 1][1], (int)name, set);
	seconds_text = behind(set + n, " for ");
	if (seconds_text && number_take(&seconds_text, 1, UINT64_MAX, &seconds)) {
		buf_puts(out, " for ");
		duration_print(out, seconds);
	}
	return true;
}

const char *outcome_spoken(struct arena *a, const struct outcome *x)
{
	struct outcome plain = *x;
	const char *text, *last = "";
	struct buf out = {0}, one = {0};

	plain.effects = NULL;
	buf_puts(&out, outcome_text(a, &plain));
	for (const char *e = x->effects; e && *e; e += *e == '\n') {
		size_t n = strcspn(e, "\n");

		one.len = 0;
		/* by its labels a connection is known as one of the quota's, which was said */
		if (behind(e, "its connection gets labels ") && behind(last, "counts for quota "))
			buf_puts(&one, last);
		else if (!put_change(&one, e, n))
			buf_printf(&one, "%.*s", (int)n, e);
		/* the sets of both families are one in the policy */
		if (strcmp(buf_str(&one), last) != 0)
			buf_printf(&out, ", %s", buf_str(&one));
		last = arena_strdup(a, buf_str(&one));
		e += n;
	}
	text = arena_strdup(a, buf_str(&out));
	buf_free(&out);
	buf_free(&one);
	return text;
}
