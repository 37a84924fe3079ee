/* SPDX-License-Identifier: GPL-2.0-or-later
 * The blanks that align columns: where the canonical text of a statement has the same words as the
 * author's, his wider gaps between them stay.
 */
#include <string.h>

#include "lang/parse.h"

struct tokens {
	struct token *v;
	size_t n, cap;
};

static struct tokens tokens_of(struct arena *a, const struct source *src, uint32_t off,
			       uint32_t end)
{
	struct tokens out = {0};
	struct lexer l;
	struct token t;

	lex_init(&l, src, NULL);
	l.pos = off;
	while ((t = lex_next(&l)).kind != TOK_END && t.off < end)
		vec_push(a, &out, t);
	return out;
}

static bool same_words(const struct source *x, const struct tokens *a, const struct source *y,
		       const struct tokens *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		const struct token *s = &a->v[i], *t = &b->v[i];

		if (s->kind != t->kind)
			return false;
		if (s->kind != TOK_NEWLINE &&
		    (s->len != t->len || memcmp(x->text + s->off, y->text + t->off, s->len)))
			return false;
	}
	return true;
}

/* In columns; a tab goes to the next multiple of eight of its line. */
static uint32_t blanks(const struct source *src, uint32_t from, uint32_t to)
{
	uint32_t start = from, col, width = 0;

	while (start && src->text[start - 1] != '\n')
		start--;
	col = from - start;
	for (; from < to; from++) {
		uint32_t n = src->text[from] == '\t' ? 8 - col % 8 : 1;

		width += n;
		col += n;
	}
	return width;
}

void align_statement(struct buf *out, size_t start, struct span s, bool indents)
{
	struct arena *a = arena_new();
	const char *text = arena_strndup(a, buf_str(out) + start, out->len - start);
	struct source *src = source_add(a, "", text, out->len - start);
	struct tokens mine = tokens_of(a, src, 0, (uint32_t)src->len);
	struct tokens theirs = tokens_of(a, s.src, s.off, s.off + s.len);
	uint32_t at = 0;

	if (!same_words(src, &mine, s.src, &theirs)) {
		arena_free(a);
		return;
	}
	out->len = start;
	for (size_t i = 0; i < mine.n; i++) {
		const struct token *t = &mine.v[i], *u = &theirs.v[i];
		bool begins = i && t[-1].kind == TOK_NEWLINE;
		uint32_t gap = t->off - at, wide = gap;

		if (i && t->kind != TOK_NEWLINE && gap && (!begins || indents))
			wide = blanks(s.src, u[-1].off + u[-1].len, u->off);
		if (wide > gap || (begins && indents))
			while (wide--)
				buf_putc(out, ' ');
		else
			buf_add(out, text + at, gap);
		buf_add(out, text + t->off, t->len);
		at = t->off + t->len;
	}
	arena_free(a);
}

uint32_t align_comment(struct span s)
{
	uint32_t end = s.off + s.len, hash = end;

	while (hash < s.src->len && strchr(" \t", s.src->text[hash]))
		hash++;
	return hash > end && hash < s.src->len && s.src->text[hash] == '#'
		       ? blanks(s.src, end, hash)
		       : 1;
}
