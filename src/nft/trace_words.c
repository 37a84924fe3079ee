/* SPDX-License-Identifier: GPL-2.0-or-later
 * Whether the words of a question are such as matches and sets are made of.
 */
#include <ctype.h>
#include <string.h>

#include "nft/nft.h"
#include "nft/trace.h"

#define NAME "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

/* None of them begins a statement that does something to a packet but `snat`, `dnat` and
 * `redirect`, which are a state and a type here, and do nothing at these hooks. */
static bool is_match_word(const char *s, size_t n)
{
	return emit_is_field(s, n) || emit_is_symbol(s, n);
}

static bool is_set_word(const char *s, size_t n)
{
	static const char *const words[] = {
		"set",	      "type",	      "flags",	   "interval",	  "elements",
		"size",	      "ifname",	      "ipv4_addr", "ipv6_addr",	  "nf_proto",
		"inet_proto", "inet_service", "icmp_type", "icmpv6_type",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i]) == n && !memcmp(words[i], s, n))
			return true;
	return emit_is_symbol(s, n);
}

/* A number, an address, a range or prefix of them: something in it is no letter. */
static bool is_value(const char *s, size_t n)
{
	size_t digits = 0;

	for (size_t i = 0; i < n; i++) {
		if (!isxdigit((unsigned char)s[i]) && !strchr(":./-x", s[i]))
			return false;
		digits += s[i] == ':' || isdigit((unsigned char)s[i]);
	}
	return digits;
}

/* Words joined by commas, as of the states of connections. */
static bool are_words(const char *s, size_t n, bool sets)
{
	for (size_t i = 0; i < n;) {
		const char *comma = memchr(s + i, ',', n - i);
		size_t len = comma ? (size_t)(comma - s) - i : n - i;

		if (len && !is_value(s + i, len) &&
		    !(sets ? is_set_word(s + i, len) : is_match_word(s + i, len)))
			return false;
		i += len + 1;
	}
	return true;
}

/* A name in quotes: the length with them, or 0. */
static size_t quoted(const char *s)
{
	size_t n = 1;

	while ((unsigned char)s[n] > ' ' && s[n] != 127 && s[n] != '"' && s[n] != '\\')
		n++;
	return s[n] == '"' ? n + 1 : 0;
}

static bool is_sound(const struct buf *text, bool sets)
{
	const char *s = buf_str(text), *end = s + text->len;
	bool name = false; /* follows */

	while (s < end) {
		size_t n = strspn(s, sets ? " \t\n" : " \n");

		s += n;
		if (s >= end)
			break;
		n = strcspn(s, " \t\n");
		if (*s == '"')
			n = quoted(s);
		else if (*s == '@')
			n = 1 + strspn(s + 1, NAME ",");
		else if (name)
			n = strspn(s, NAME);
		else if (strspn(s, "{},.&=!") == n || are_words(s, n, sets))
			;
		else if (strchr("{},", s[n - 1]) && are_words(s, n - 1, sets))
			n--;
		else
			n = 0;
		if (!n || !*s)
			return false;
		name = sets && n == 3 && !memcmp(s, "set", 3);
		s += n;
	}
	return true;
}

bool trace_question_sound(const struct trace_question *q)
{
	bool sound = is_sound(&q->sets, true);

	for (int hook = 0; hook < TRACE_HOOKS; hook++)
		sound = sound && is_sound(&q->rules[hook], false);
	return sound;
}
