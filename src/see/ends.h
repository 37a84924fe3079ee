/* SPDX-License-Identifier: GPL-2.0-or-later
 * What `until` has ended, or soon will, of what is loaded; until when windows are known.
 */
#ifndef FWC_ENDS_H
#define FWC_ENDS_H

#include <jansson.h>

#include "nft/ir.h"
#include "nft/report.h"

struct end {
	const struct report_line *line;
	const char *date; /* its last day */
	bool over;
};

struct ends {
	VEC(struct end) lines; /* ended, or within two weeks */
	const char *windows; /* the last day that windows are known of, within half a year; or NULL
			      */
};

void ends_find(struct arena *a, const struct report_lines *lines, const struct ir_ruleset *live,
	       struct ends *out);
void ends_print(const struct ends *e);
json_t *ends_json(const struct ends *e);

#endif
