/* SPDX-License-Identifier: GPL-2.0-or-later
 * The live ruleset by lines of the policy: what each has counted.
 */
#ifndef FWC_REPORT_H
#define FWC_REPORT_H

#include <jansson.h>

#include "nft/compare.h"
#include "nft/manifest.h"

struct report_line {
	const char *at; /* "firewall.fwc:12"; "" for what fwc adds by itself */
	const char *text;
	bool counts; /* something of it has a counter */
	uint64_t packets, bytes;
	unsigned order; /* of first appearance */
	/* of `at`: the length of its path, 0: there is none; the line, UINT32_MAX: no number */
	uint32_t path, line;
};

struct report_lines {
	struct report_line *v;
	size_t n, cap;
};

/* Where a rule or a map's element of a live ruleset comes from; NULL if the manifest (which may be
 * NULL) does not say, or says something else than the rule's comment. */
const struct manifest_place *report_rule_place(const struct manifest *m, const struct ir_chain *c,
					       size_t n);
const struct manifest_place *report_elem_place(const struct manifest *m, const struct ir_set *s,
					       const struct ir_elem *e);

/* Reachable rules and map elements, summed by policy line; lines in the order of the policy, fwc's
 * own last. The manifest may be NULL: then comments name the lines. */
void report_lines(struct arena *a, const struct ir_ruleset *live, const struct manifest *m,
		  struct report_lines *out);

/* All that is reachable in a live ruleset is of that manifest: names tell, for they are made of
 * what they name. */
bool report_covers(const struct manifest *m, const struct ir_ruleset *live);

/* An array: "at", "text" and, where something counts, "packets" and "bytes". */
json_t *report_lines_json(const struct report_lines *lines);

/* The live ruleset in nft's words with `# file:line` and counters, reachable objects only. */
void report_ruleset(struct buf *out, const struct ir_ruleset *live, const struct manifest *m);
json_t *report_ruleset_json(const struct ir_ruleset *live, const struct manifest *m);

#endif
