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

/* ---- print_act.c; of qualifiers, each with the space before it ---- */
void print_limits(struct printer *pr, const struct ast_qualifiers *q);
void print_acts(struct printer *pr, const struct ast_thens *then, const struct ast_log *log);
void print_else(struct printer *pr, const struct ast_qualifiers *q); /* less that space */
void print_limit_def(struct printer *pr, const struct ast_limit_def *l);
void print_log_def(struct printer *pr, const struct ast_log_def *l);

#endif
