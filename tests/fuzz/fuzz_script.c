/* SPDX-License-Identifier: GPL-2.0-or-later
 * Any bytes -> a script that is to be put to sleep. What is accepted names one table, and nothing
 * of it stands outside of that table's braces; nor can anything be added behind it.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nft/script.h"

#define OPENS "table inet fwc-asleep-7 { flags dormant; flags owner;"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool truth, const char *what)
{
	if (truth)
		return;
	fprintf(stderr, "not so: %s\n", what);
	abort();
}

static size_t lines(const char *p)
{
	size_t n = 0;

	for (; *p; p++)
		n += *p == '\n';
	return n;
}

/* What strings and comments say is nothing to nft. */
static char *without_texts(const char *p)
{
	char *bare = malloc(strlen(p) + 1), *to = bare;
	enum { CODE, STRING, COMMENT } in = CODE;

	for (; *p; p++) {
		if (in == CODE && (*p == '"' || *p == '#'))
			in = *p == '"' ? STRING : COMMENT;
		else if ((in == STRING && *p == '"') || (in == COMMENT && *p == '\n'))
			in = CODE;
		else if (in == CODE)
			*to++ = *p;
	}
	*to = '\0';
	demand(in != STRING, "strings end");
	return bare;
}

static void check(const char *asleep)
{
	char *bare = without_texts(asleep), *at = bare + strspn(bare, " \t\n");
	int depth = 0;

	demand(!strncmp(at, OPENS, strlen(OPENS)), "the table comes first");
	for (; *at; at++) {
		depth += *at == '{';
		demand(*at != '\\', "nothing hides");
		if (*at == '}' && --depth == 0)
			break;
	}
	demand(*at == '}', "the table ends");
	at++;
	demand(!at[strspn(at, " \t\n")], "nothing is behind it");
	free(bare);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *script = malloc(size + 1);
	struct buf out = {0}, more = {0}, none = {0};
	unsigned line = 0;

	memcpy(script, data, size);
	script[size] = '\0';
	if (script_asleep(&out, script, "fwc-asleep-7", &line)) {
		check(buf_str(&out));
		demand(lines(buf_str(&out)) == lines(script), "lines keep their numbers");
		demand(!script_includes(script), "no file is read");
		buf_printf(&more, "%s\nflush ruleset", script);
		demand(!script_asleep(&none, buf_str(&more), "x", &line), "no other command");
		demand(line == lines(buf_str(&more)) + 1, "the line is told");
	} else {
		demand(out.len == 0, "what is refused yields nothing");
		demand(line >= 1 && line <= lines(script) + 1, "a line is told");
	}
	demand(none.len == 0, "nor here");
	out.len = 0;
	if (script_grow(&out, script)) {
		demand(lines(buf_str(&out)) == lines(script), "lines keep their numbers");
		demand(out.len > strlen(script), "nothing is left away");
	} else {
		demand(out.len == 0, "nothing is written");
	}
	buf_free(&out);
	buf_free(&more);
	free(script);
	return 0;
}
