/* SPDX-License-Identifier: GPL-2.0-or-later
 * nft's listing -> the text of each rule. It is for people only: what a rule does is read of the
 * kernel's bytes. A comment may hold anything, lines that look like rules too: a place that is
 * named twice has no text. What iptables-nft wrote takes modules of iptables to print, which the
 * confined child cannot open: nft then leaves it out, but for the blanks around it.
 */
#include "nft/spoken.h"

#include <string.h>

#include "util/buf.h"
#include "util/diag.h"
#include "util/number.h"

#define HANDLE " # handle "

struct listing {
	struct spoken *to;
	char *table, *chain; /* NULL: outside of any */
	struct buf rule; /* its lines so far */
};

static const char *place(struct arena *a, const char *table, const char *chain, uint64_t handle)
{
	return arena_printf(a, "%s\n%s\n%llu", table, chain, (unsigned long long)handle);
}

/* Of a line that ends so; the line is cut before it. */
static bool take_handle(char *line, size_t n, uint64_t *handle)
{
	size_t digits = 0, mark = strlen(HANDLE);

	while (digits < n && line[n - digits - 1] >= '0' && line[n - digits - 1] <= '9')
		digits++;
	if (!digits || n < digits + mark || memcmp(line + n - digits - mark, HANDLE, mark) != 0 ||
	    !number_any(line + n - digits, digits, UINT64_MAX, handle))
		return false;
	line[n - digits - mark] = '\0';
	return true;
}

/* "chain NAME { # handle N" */
static char *name_in(struct arena *a, const char *line, const char *word)
{
	size_t n = strlen(word);
	const char *end = strstr(line, " {");

	return !strncmp(line, word, n) && end ? arena_strndup(a, line + n, (size_t)(end - line) - n)
					      : NULL;
}

static bool is_whole(const struct buf *rule)
{
	return rule->len && rule->data[rule->len - 1] != ' ' && !strstr(rule->data, "  ");
}

static void end_rule(struct listing *l, uint64_t handle)
{
	struct arena *a = l->to->a;
	const char *key = place(a, l->table, l->chain, handle);
	bool known = !map_get(&l->to->rules, key) && is_whole(&l->rule);

	map_put(&l->to->rules, key,
		known ? (void *)diag_shown(a, buf_str(&l->rule)) : (void *)"");
	l->rule.len = 0;
}

static void take_line(struct listing *l, char *line)
{
	size_t n = strlen(line), tabs = strspn(line, "\t");
	uint64_t handle;

	if (tabs == 0 && l->table && line[0] != '}') {
		return; /* a comment goes on */
	} else if (tabs == 0) {
		l->table = name_in(l->to->a, line, "table ");
		l->chain = NULL;
	} else if (tabs == 1) {
		l->chain = l->table ? name_in(l->to->a, line + 1, "chain ") : NULL;
	} else if (l->chain) {
		bool ends = take_handle(line, n, &handle);

		buf_printf(&l->rule, "%s%s", l->rule.len ? " " : "", line + strspn(line, "\t "));
		if (ends)
			end_rule(l, handle);
		else if (n && line[n - 1] == ';') /* of the chain itself */
			l->rule.len = 0;
		return;
	}
	l->rule.len = 0;
}

void spoken_read(struct spoken *s, struct arena *a, const char *text)
{
	struct listing l = {.to = s};

	*s = (struct spoken){.a = a};
	map_init(&s->rules, a);
	while (*text) {
		size_t n = strcspn(text, "\n");

		take_line(&l, arena_strndup(a, text, n));
		text += n + (text[n] == '\n');
	}
	buf_free(&l.rule);
}

const char *spoken_rule(const struct spoken *s, const char *family, const char *table,
			const char *chain, uint64_t handle)
{
	const char *text = map_get(
		&s->rules, place(s->a, arena_printf(s->a, "%s %s", family, table), chain, handle));

	return text && *text ? text : NULL;
}
