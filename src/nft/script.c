/* SPDX-License-Identifier: GPL-2.0-or-later
 * script -> words, strings, comments, braces.
 */
#include "nft/script.h"

#include <string.h>

#include "nft/ir.h"
#include "util/number.h"

#define OPENS "table inet " IR_TABLE " {"

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("_-./\\", c));
}

static size_t word_length(const char *p)
{
	size_t n = 0;

	while (is_word(p[n]))
		n++;
	return n;
}

/* Behind a string or a comment that begins at p, p itself if none does; NULL: the string has no
 * end. nft knows no escapes in strings. */
static const char *skip_text(const char *p)
{
	if (*p == '#')
		return p + strcspn(p, "\n");
	if (*p != '"')
		return p;
	p = strchr(p + 1, '"');
	return p ? p + 1 : NULL;
}

/* The first, or NULL. */
static const char *find_include(const char *p)
{
	while (*p) {
		const char *next = skip_text(p);
		size_t n = word_length(p);

		/* what has a string without an end is no script of ours */
		if (!next || (n == strlen("include") && !strncmp(p, "include", n)))
			return p;
		p = next > p ? next : p + (n ? n : 1);
	}
	return NULL;
}

bool script_includes(const char *script)
{
	return find_include(script) != NULL;
}

/* ---- put to sleep ---- */

struct reader {
	const char *at;
	unsigned line;
};

static size_t line_length(const char *p)
{
	return strcspn(p, "\n");
}

static bool is_line(const char *p, const char *text)
{
	return line_length(p) == strlen(text) && !strncmp(p, text, strlen(text));
}

/* Nothing but blanks, and a comment perhaps. */
static bool is_idle(const char *p)
{
	p += strspn(p, " \t");
	return !*p || *p == '\n' || *p == '#';
}

static bool next_line(struct reader *r)
{
	r->at += line_length(r->at);
	if (!*r->at)
		return false;
	r->at++;
	r->line++;
	return true;
}

/* "chain NAME {": what a table may have in it, other than what it says of itself. */
static bool is_object(const char *p)
{
	static const char *const kinds[] = {"chain", "set",	      "map",
					  "helper", "flowtable", "quota"};
	size_t n, name;
	bool known = false;

	if (!strncmp(p, "ct helper ", 10))
		p += 3;
	n = word_length(p);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		known |= n == strlen(kinds[i]) && !strncmp(p, kinds[i], n);
	p += n + strspn(p + n, " ");
	name = word_length(p);
	return known && name && !memchr(p, '\\', name) && is_line(p + name, " {");
}

/* From behind its '{' to behind the '}' that belongs to it. A backslash outside of texts would hide
 * the end of a line from nft, or a brace. */
static bool skip_block(struct reader *r)
{
	int depth = 1;

	while (depth && *r->at) {
		const char *next = skip_text(r->at);

		if (!next || *r->at == '\\')
			return false;
		if (next == r->at)
			next++;
		for (const char *p = r->at; p < next; p++)
			r->line += *p == '\n';
		depth += *r->at == '{';
		depth -= *r->at == '}';
		r->at = next;
	}
	return !depth;
}

/* The lines before the table. */
static bool skip_header(struct reader *r)
{
	while (!is_line(r->at, OPENS)) {
		if (!is_idle(r->at) && !is_line(r->at, "add table inet " IR_TABLE) &&
		    !is_line(r->at, "flush table inet " IR_TABLE))
			return false;
		if (!next_line(r))
			return false;
	}
	return true;
}

static bool skip_table(struct reader *r)
{
	while (next_line(r)) {
		const char *word = r->at + strspn(r->at, " \t");

		if (*word == '}') {
			r->at = word + 1;
			return is_idle(r->at);
		}
		if (is_idle(word))
			continue;
		if (!is_object(word))
			return false;
		r->at = word + line_length(word);
		if (!skip_block(r) || !is_idle(r->at))
			return false;
	}
	return false;
}

static bool only_table(struct reader *r, const char **opens)
{
	if (!skip_header(r))
		return false;
	*opens = r->at;
	if (!skip_table(r))
		return false;
	while (next_line(r))
		if (!is_idle(r->at))
			return false;
	return true;
}

static unsigned line_of(const char *script, const char *at)
{
	unsigned line = 1;

	for (; script < at; script++)
		line += *script == '\n';
	return line;
}

bool script_asleep(struct buf *out, const char *script, const char *name, unsigned *line)
{
	struct reader r = {.at = script, .line = 1};
	const char *opens = NULL;
	const char *include = find_include(script);
	bool good = only_table(&r, &opens) && !include;

	*line = include ? line_of(script, include) : r.line;
	if (!good)
		return false;
	/* the lines keep their numbers: what nft says of one is of the same in the script */
	for (const char *p = script; p < opens; p++)
		if (*p == '\n')
			buf_putc(out, '\n');
	buf_printf(out, "table inet %s { flags dormant; flags owner;", name);
	buf_puts(out, opens + strlen(OPENS));
	return true;
}

/* ---- sets that grow ---- */

#define SIZE_FIRST 8
#define ROOM_MUCH ((uint64_t)64 << 20) /* bytes */

struct growing {
	struct buf statements, set;
	uint64_t size; /* of the set that is read */
	bool in_set, dynamic, filled;
	uint64_t room;
};

static bool begins(const char *line, const char *word)
{
	return !strncmp(line, word, strlen(word));
}

/* Pointers to chains of elements, one and a third for each element, a power of two of them
 * (rhashtable.c). */
static uint64_t room_of(uint64_t size)
{
	uint64_t n = 1;

	while (n < size * 4 / 3)
		n *= 2;
	return n * sizeof(void *);
}

static void end_set(struct growing *g)
{
	if (g->dynamic && !g->filled && g->size > SIZE_FIRST) {
		buf_printf(&g->statements, "add set inet " IR_TABLE " %s }; ", buf_str(&g->set));
		g->room += room_of(g->size);
	}
	g->in_set = false;
}

static void read_set_line(struct growing *g, const char *line, size_t len)
{
	const char *number = line + strlen("\t\tsize ");

	g->dynamic |= begins(line, "\t\tflags dynamic");
	g->filled |= begins(line, "\t\telements ");
	if (begins(line, "\t\tsize ") && number_take(&number, 1, UINT32_MAX, &g->size))
		buf_printf(&g->set, " size %u;", SIZE_FIRST);
	else
		buf_printf(&g->set, " %.*s;", (int)len - 2, line + 2);
}

static void read_line(struct growing *g, const char *line)
{
	size_t len = line_length(line);

	if (g->in_set && begins(line, "\t}")) {
		end_set(g);
	} else if (g->in_set && !g->filled && len > 2) {
		read_set_line(g, line, len);
	} else if (begins(line, "\tset ")) {
		g->set.len = 0;
		buf_add(&g->set, line + strlen("\tset "), len - strlen("\tset "));
		g->in_set = true;
		g->dynamic = g->filled = false;
		g->size = 0;
	}
}

bool script_grow(struct buf *out, const char *script)
{
	struct reader r = {.at = script, .line = 1};
	struct growing g = {.in_set = false};
	const char *opens = NULL;
	bool much;

	do {
		if (!opens && is_line(r.at, OPENS))
			opens = r.at;
		else if (opens)
			read_line(&g, r.at);
	} while (next_line(&r));
	much = opens && g.room > ROOM_MUCH;
	if (much) {
		buf_add(out, script, (size_t)(opens - script));
		buf_add(out, g.statements.data, g.statements.len);
		buf_puts(out, opens);
	}
	buf_free(&g.statements);
	buf_free(&g.set);
	return much;
}
