/* SPDX-License-Identifier: GPL-2.0-or-later
 * Messages about places in source files: collected while the stages run, printed once.
 *
 *	firewall.fwc:12:7: error: no zone is called 'lna'
 *	   12 | allow lna -> wan
 *	      |       ^~~
 *	hint: did you mean 'lan'?
 */
#ifndef FWC_DIAG_H
#define FWC_DIAG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "util/vec.h"

/* One file's text, kept until the compilation ends. line_starts is filled by source_add(). */
struct source {
	const char *path; /* as the user or the include wrote it, for messages */
	const char *text; /* NUL-terminated */
	size_t len;
	uint32_t *line_starts;
	uint32_t nlines;
	char sha256[65]; /* of the bytes as read, hex; "" where not computed */
	uint64_t dev, ino; /* which file; 0 where it is none */
	bool unchecked; /* its bytes may be no plain lines of UTF-8 */
};

/* A piece of a source. src == NULL: no place (the command line, the kernel). */
struct span {
	const struct source *src;
	uint32_t off, len;
};

enum severity { SEV_ERROR, SEV_WARNING, SEV_NOTE };

struct diag_note { /* "because of that": a second place, printed below the first */
	struct span span;
	const char *text;
};

struct diag_record {
	enum severity severity;
	struct span span;
	const char *text;
	const char *hint; /* or NULL */
	VEC(struct diag_note) notes;
};

struct diag {
	struct arena *arena;
	VEC(struct diag_record) records;
	unsigned nerrors, nwarnings;
	size_t settled; /* records of earlier stages: what one stage reported, the next does not
			   repeat */
	struct diag_record repeated;
};

void diag_init(struct diag *d, struct arena *arena);
/* A stage is over: an error at a place that has one already will not be reported again. */
void diag_next_stage(struct diag *d);
/* Each yields the record, to which a hint or notes may be added; it is valid until the next one. */
struct diag_record *diag_error(struct diag *d, struct span at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
struct diag_record *diag_warning(struct diag *d, struct span at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
struct diag_record *diag_remark(struct diag *d, struct span at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void diag_hint(struct diag *d, struct diag_record *r, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void diag_note(struct diag *d, struct diag_record *r, struct span at, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* Prints all, in the order of their places within each file, and forgets none. */
void diag_print(const struct diag *d, FILE *to, bool color);

struct source *source_add(struct arena *a, const char *path, const char *text, size_t len);
/* The same of a text that is in the arena, with a NUL behind it. */
struct source *source_take(struct arena *a, const char *path, const char *text, size_t len);
uint32_t span_line(struct span s); /* from 1; 0 without a source */
uint32_t span_column(struct span s); /* from 1, in bytes */
struct span span_join(struct span first, struct span last);
const char *span_text(struct arena *a, struct span s); /* its words, in the arena */
/* s for one line of a terminal: what is no UTF-8, controls and what would change the direction of
 * the text as \xNN, a tab as spaces. */
struct buf;
void diag_show(struct buf *out, const char *s);
void diag_show_to(FILE *to, const char *s);
const char *diag_shown(struct arena *a, const char *s);
/* "firewall.fwc:12", in the arena, as diag_show() has it; "" without a source. */
const char *span_where(struct arena *a, struct span s);

/* The candidate nearest to `word` if near enough to be a slip of the finger, else NULL; and others
 * that it abbreviates as well. Offer all candidates one after the other to the same struct. */
#define NEAREST_ALSO 3
struct nearest {
	const char *word;
	const char *best;
	const char *also[NEAREST_ALSO];
	unsigned nalso, distance;
};
void nearest_offer(struct nearest *n, const char *candidate);
/* "did you mean 'a', 'b' or 'c'?", if there is a candidate. */
bool nearest_hint(struct diag *d, struct diag_record *r, const struct nearest *n);

#endif
