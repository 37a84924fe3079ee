/* SPDX-License-Identifier: GPL-2.0-or-later
 * messages and places -> text for people: the source line, a caret under the words, a hint.
 */
#include "util/diag.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "util/buf.h"
#include "util/show.h"

#define WINDOW                                                                                     \
	96 /* columns of a source line that are shown; longer ones are cut around the caret */
#define LEAD 40 /* of them before the caret, where the line is cut */

/* ---- places ---- */

struct source *source_take(struct arena *a, const char *path, const char *text, size_t len)
{
	struct source *s = arena_new_of(a, struct source);
	const char *p = text, *end = text + len;
	uint32_t n = 1;

	for (size_t i = 0; i < len; i++)
		n += text[i] == '\n';
	s->path = arena_strdup(a, path);
	s->text = text;
	s->len = len;
	s->line_starts = arena_alloc(a, n * sizeof(*s->line_starts));
	s->nlines = n;
	n = 1;
	while ((p = memchr(p, '\n', (size_t)(end - p))))
		s->line_starts[n++] = (uint32_t)(++p - text);
	return s;
}

struct source *source_add(struct arena *a, const char *path, const char *text, size_t len)
{
	return source_take(a, path, arena_strndup(a, text, len), len);
}

/* The last line that starts at or before the offset, from 0. */
static uint32_t line_index(struct span s)
{
	uint32_t lo = 0, hi = s.src->nlines;

	while (hi - lo > 1) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (s.src->line_starts[mid] <= s.off)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

uint32_t span_line(struct span s)
{
	return s.src ? line_index(s) + 1 : 0;
}

uint32_t span_column(struct span s)
{
	return s.src ? s.off - s.src->line_starts[line_index(s)] + 1 : 0;
}

const char *span_text(struct arena *a, struct span s)
{
	return s.src ? arena_strndup(a, s.src->text + s.off, s.len) : "";
}

struct span span_join(struct span first, struct span last)
{
	if (!first.src)
		return last;
	if (last.src == first.src && last.off + last.len > first.off + first.len)
		first.len = last.off + last.len - first.off;
	return first;
}

const char *span_where(struct arena *a, struct span s)
{
	return s.src ? arena_printf(a, "%s:%u", diag_shown(a, s.src->path), span_line(s)) : "";
}

/* ---- collecting ---- */

void diag_init(struct diag *d, struct arena *arena)
{
	*d = (struct diag){.arena = arena};
}

void diag_next_stage(struct diag *d)
{
	d->settled = d->records.n;
}

static bool is_repeated(const struct diag *d, struct span at)
{
	for (size_t i = 0; at.src && i < d->settled; i++) {
		const struct diag_record *r = &d->records.v[i];

		if (r->severity == SEV_ERROR && r->span.src == at.src && r->span.off == at.off)
			return true;
	}
	return false;
}

static struct diag_record *add_record(struct diag *d, enum severity severity, struct span at,
				      const char *fmt, va_list ap)
{
	struct diag_record *r = vec_add(d->arena, &d->records);

	*r = (struct diag_record){.severity = severity, .span = at};
	r->text = arena_vprintf(d->arena, fmt, ap);
	return r;
}

struct diag_record *diag_error(struct diag *d, struct span at, const char *fmt, ...)
{
	struct diag_record *r;
	va_list ap;

	if (is_repeated(d, at)) {
		d->repeated = (struct diag_record){0};
		return &d->repeated;
	}
	va_start(ap, fmt);
	r = add_record(d, SEV_ERROR, at, fmt, ap);
	va_end(ap);
	d->nerrors++;
	return r;
}

struct diag_record *diag_warning(struct diag *d, struct span at, const char *fmt, ...)
{
	struct diag_record *r;
	va_list ap;

	va_start(ap, fmt);
	r = add_record(d, SEV_WARNING, at, fmt, ap);
	va_end(ap);
	d->nwarnings++;
	return r;
}

struct diag_record *diag_remark(struct diag *d, struct span at, const char *fmt, ...)
{
	struct diag_record *r;
	va_list ap;

	va_start(ap, fmt);
	r = add_record(d, SEV_NOTE, at, fmt, ap);
	va_end(ap);
	return r;
}

void diag_hint(struct diag *d, struct diag_record *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	r->hint = arena_vprintf(d->arena, fmt, ap);
	va_end(ap);
}

void diag_note(struct diag *d, struct diag_record *r, struct span at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vec_push(d->arena, &r->notes,
		 ((struct diag_note){.span = at, .text = arena_vprintf(d->arena, fmt, ap)}));
	va_end(ap);
}

/* ---- printing ---- */

void diag_show(struct buf *out, const char *s)
{
	size_t n = strlen(s), used;

	for (size_t i = 0; i < n; i += used)
		show_char(out, s + i, n - i, 0, &used);
}

void diag_show_to(FILE *to, const char *s)
{
	struct buf b = {0};

	diag_show(&b, s);
	fputs(buf_str(&b), to);
	buf_free(&b);
}

const char *diag_shown(struct arena *a, const char *s)
{
	struct buf b = {0};
	const char *copy;
	size_t n = strlen(s);

	if (show_plain(s, n) == n && !strpbrk(s, "\t\n"))
		return arena_strndup(a, s, n);
	diag_show(&b, s);
	copy = arena_strdup(a, buf_str(&b));
	buf_free(&b);
	return copy;
}

struct paint { /* escape sequences, or nothing */
	const char *bold, *error, *warning, *note, *caret, *off;
};

static const struct paint plain = {"", "", "", "", "", ""};
static const struct paint coloured = {"\033[1m",    "\033[1;31m", "\033[1;35m",
				      "\033[1;36m", "\033[1;32m", "\033[0m"};

/* Where to begin showing a line so that the place at `off` is seen; at a character's border. */
static uint32_t cut_start(const struct source *src, uint32_t start, uint32_t end, uint32_t off)
{
	uint32_t from = off - start > LEAD ? off - LEAD : start;

	if (end - start <= WINDOW)
		return start;
	while (from > start && ((unsigned char)src->text[from] & 0xc0) == 0x80)
		from--;
	return from;
}

/* The source line with marks under the span; `first` is '^' for the place itself, '~' for notes. */
static void show_place(FILE *to, struct span s, char first, const struct paint *paint)
{
	uint32_t line = line_index(s), start = s.src->line_starts[line];
	uint32_t end =
		line + 1 < s.src->nlines ? s.src->line_starts[line + 1] - 1 : (uint32_t)s.src->len;
	uint32_t i = cut_start(s.src, start, end, s.off);
	struct buf text = {0}, marks = {0};
	uint32_t len = s.len ? s.len : 1;
	unsigned col = 0, width;
	size_t used;

	if (i > start) {
		buf_puts(&text, "...");
		buf_puts(&marks, "   ");
		col = 3;
	}
	for (; i < end && (col < WINDOW || i <= s.off); i += (uint32_t)used, col += width) {
		width = show_char(&text, s.src->text + i, end - i, col, &used);
		for (unsigned k = 0; k < width && i < s.off + len; k++)
			buf_putc(&marks, i < s.off ? ' ' : k == 0 && i == s.off ? first : '~');
	}
	if (i < end)
		buf_puts(&text, "...");
	if (s.off >= end)
		buf_putc(&marks, first);
	fprintf(to, "%5u | %s\n      | ", line + 1, buf_str(&text));
	show_paint(to, paint->caret);
	fputs(buf_str(&marks), to);
	show_paint(to, paint->off);
	fputc('\n', to);
	buf_free(&text);
	buf_free(&marks);
}

static void show_head(FILE *to, struct span s, const char *what, const char *colour,
		      const char *text, const struct paint *paint)
{
	show_paint(to, paint->bold);
	if (s.src) {
		diag_show_to(to, s.src->path);
		fprintf(to, ":%u:%u: ", span_line(s), span_column(s));
	} else {
		fputs("fwc: ", to);
	}
	show_paint(to, paint->off);
	show_paint(to, colour);
	fprintf(to, "%s: ", what);
	show_paint(to, paint->off);
	diag_show_to(to, text);
	fputc('\n', to);
}

static void show_record(FILE *to, const struct diag_record *r, const struct paint *paint)
{
	const struct diag_note *n;

	switch (r->severity) {
	case SEV_ERROR:
		show_head(to, r->span, "error", paint->error, r->text, paint);
		break;
	case SEV_WARNING:
		show_head(to, r->span, "warning", paint->warning, r->text, paint);
		break;
	case SEV_NOTE:
		show_head(to, r->span, "note", paint->note, r->text, paint);
		break;
	}
	if (r->span.src)
		show_place(to, r->span, '^', paint);
	vec_each (&r->notes, n) {
		show_head(to, n->span, "note", paint->note, n->text, paint);
		if (n->span.src)
			show_place(to, n->span, '~', paint);
	}
	if (r->hint) {
		show_paint(to, paint->note);
		fputs("hint: ", to);
		show_paint(to, paint->off);
		diag_show_to(to, r->hint);
		fputc('\n', to);
	}
}

struct placed { /* a record and where it is to be printed */
	const struct diag_record *record;
	size_t file; /* files in the order in which they are first spoken of */
	size_t index;
};

static int placed_cmp(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;

	if (x->file != y->file)
		return x->file < y->file ? -1 : 1;
	if (x->record->span.off != y->record->span.off)
		return x->record->span.off < y->record->span.off ? -1 : 1;
	return x->index < y->index ? -1 : 1;
}

/* A file that is included twice would tell its errors twice. */
static bool same_record(const struct diag_record *a, const struct diag_record *b)
{
	return a->span.src && a->span.src == b->span.src && a->span.off == b->span.off &&
	       a->severity == b->severity && !strcmp(a->text, b->text);
}

/* The number of a file; those without a place come last. */
static size_t file_rank(const struct diag *d, struct placed *order, size_t upto)
{
	const struct source *src = d->records.v[upto].span.src;

	if (!src)
		return SIZE_MAX;
	for (size_t i = upto; i-- > 0;)
		if (d->records.v[i].span.src == src)
			return order[i].file;
	return upto;
}

void diag_print(const struct diag *d, FILE *to, bool color)
{
	struct placed *order = calloc(d->records.n + 1, sizeof(*order));

	if (!order) {
		fputs("fwc: out of memory\n", stderr);
		abort();
	}
	for (size_t i = 0; i < d->records.n; i++)
		order[i] = (struct placed){&d->records.v[i], file_rank(d, order, i), i};
	qsort(order, d->records.n, sizeof(*order), placed_cmp);
	for (size_t i = 0; i < d->records.n; i++)
		if (i == 0 || !same_record(order[i - 1].record, order[i].record))
			show_record(to, order[i].record, color ? &coloured : &plain);
	free(order);
}

/* ---- did you mean ---- */

#define NEAR_MAX 40 /* longer words are no slips of the finger */

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

/* Damerau-Levenshtein (adjacent letters exchanged count as one), blind to case. */
static unsigned edit_distance(const char *a, size_t na, const char *b, size_t nb)
{
	unsigned row[3][NEAR_MAX + 1];
	unsigned *before = row[0], *above = row[1], *now = row[2];

	for (size_t j = 0; j <= nb; j++)
		above[j] = (unsigned)j;
	for (size_t i = 1; i <= na; i++) {
		unsigned *t = before;

		now[0] = (unsigned)i;
		for (size_t j = 1; j <= nb; j++) {
			int x = tolower((unsigned char)a[i - 1]);
			int y = tolower((unsigned char)b[j - 1]);

			now[j] = min3(above[j] + 1, now[j - 1] + 1, above[j - 1] + (x != y));
			if (i > 1 && j > 1 && x != y && x == tolower((unsigned char)b[j - 2]) &&
			    y == tolower((unsigned char)a[i - 2]) && before[j - 2] + 1 < now[j])
				now[j] = before[j - 2] + 1;
		}
		before = above;
		above = now;
		now = t;
	}
	return above[nb];
}

static bool is_offered(const struct nearest *n, const char *candidate)
{
	for (unsigned i = 0; i < n->nalso; i++)
		if (!strcmp(n->also[i], candidate))
			return true;
	return !strcmp(n->best, candidate);
}

void nearest_offer(struct nearest *n, const char *candidate)
{
	size_t nw = strlen(n->word), nc = strlen(candidate);
	size_t shorter = nw < nc ? nw : nc;
	unsigned limit = shorter < 3 ? 1 : shorter < 8 ? 1 + (shorter > 4) : 3;
	unsigned distance;

	if (!nw || nw > NEAR_MAX || nc > NEAR_MAX)
		return;
	distance = strcasecmp(n->word, candidate) ? edit_distance(n->word, nw, candidate, nc) : 0;
	/* An abbreviation is likely meant, but less than any slip. */
	if (distance > limit && nw >= 3 && !strncmp(n->word, candidate, nw))
		distance = limit + 1;
	else if (distance > limit || distance >= shorter)
		return;
	if (!n->best || distance < n->distance) {
		n->best = candidate;
		n->distance = distance;
		n->nalso = 0;
	} else if (distance > limit && distance == n->distance && n->nalso < NEAREST_ALSO &&
		   !is_offered(n, candidate)) {
		n->also[n->nalso++] = candidate;
	}
}

bool nearest_hint(struct diag *d, struct diag_record *r, const struct nearest *n)
{
	struct buf all = {0};

	if (!n->best)
		return false;
	for (unsigned i = 0; i < n->nalso; i++)
		buf_printf(&all, "%s'%s'", i + 1 < n->nalso ? ", " : " or ", n->also[i]);
	diag_hint(d, r, "did you mean '%s'%s?", n->best, buf_str(&all));
	buf_free(&all);
	return true;
}
