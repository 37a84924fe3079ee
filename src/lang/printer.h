/* SPDX-License-Identifier: GPL-2.0-or-later
 * Between the files that print canonical text.
 */
#ifndef FWC_PRINTER_H
#define FWC_PRINTER_H

#include "lang/ast.h"
#include "util/buf.h"

struct printer {
	struct buf *out;
	const struct ast_layout *layout; /* of the statement at hand; NULL: all on one line */
	uint32_t commas;
	size_t next_break;
	unsigned depth;
	size_t line_start;
	bool notes; /* those who read what was written, not what it does */
};

/* What stands between two items of a list. */
void print_comma(struct printer *pr);

/* Around a statement or a line of its block: the comments above, its place, what is behind it. */
void print_above(struct printer *pr, const struct ast_layout *l);
void print_indent(struct printer *pr, unsigned extra);
void print_end_line(struct printer *pr, size_t start, struct span s, const char *trailing);
/* Its braces; empty: both, if there is nothing between them. */
bool print_empty(struct printer *pr, const struct ast_layout *l, size_t n);
void print_open(struct printer *pr, const struct ast_layout *l);
void print_close(struct printer *pr, const struct ast_layout *l);
void print_note(struct printer *pr, const struct ast_word *text);
void print_disabled(struct printer *pr, const struct ast_stmt *s);

/* ---- print_block.c ---- */
void print_inspector(struct printer *pr, const struct ast_stmt *s);
void print_timeouts(struct printer *pr, const struct ast_stmt *s);

/* ---- print_act.c; of qualifiers, each with the space before it ---- */
void print_limits(struct printer *pr, const struct ast_qualifiers *q);
void print_acts(struct printer *pr, const struct ast_thens *then, const struct ast_log *log);
void print_else(struct printer *pr, const struct ast_qualifiers *q); /* less that space */
void print_limit_def(struct printer *pr, const struct ast_limit_def *l);
void print_quota_def(struct printer *pr, const struct ast_quota_def *q);
void print_log_def(struct printer *pr, const struct ast_log_def *l);

#endif
