/* SPDX-License-Identifier: GPL-2.0-or-later
 * Two rulesets, rule by rule: what goes and what comes, in the policy's words.
 */
#ifndef FWC_DIFF_H
#define FWC_DIFF_H

#include <stdio.h>

#include "apply/flows.h"
#include "apply/store.h"
#include "nft/compare.h"
#include "space/delta.h"

struct diff_line {
	char sign; /* '+', '-' */
	const char *object; /* "chain lan-wan", without its hash */
	struct manifest_place place; /* at NULL: no line of a policy is known for it */
	const char *nft; /* the rule or element, without hashes */
};

struct diff_lines {
	struct diff_line *v;
	size_t n, cap;
};

/* Either manifest may be NULL. */
void diff_rulesets(struct arena *a, const struct ir_ruleset *old, const struct manifest *oldm,
		   const struct ir_ruleset *new, const struct manifest *newm,
		   struct diff_lines *out);
/* Entries of inspectors, of two inspect.json; either may be NULL or empty. */
void diff_inspectors(struct arena *a, const json_t *old, const json_t *new, struct diff_lines *out);
void diff_inspect_texts(struct arena *a, const struct buf *old, const struct buf *new,
			struct diff_lines *out);
json_t *diff_json(const struct diff_lines *d);
void diff_print(FILE *to, const struct diff_lines *d, bool details, bool color);

struct diff_options {
	const char *netns;
	bool json, color;
	int verbose;
	enum flows_choice flows;
};

struct diff_flows { /* what an apply would end */
	struct flows flows;
	struct flows_judged refused;
	bool keep;
};

/* All on standard output: the packets (or NULL, if they were not compared), connections (or NULL),
 * then the rules. */
void diff_report(const struct diff_options *how, struct arena *a, const struct deltas *packets,
		 const struct diff_flows *flows, const struct diff_lines *d);

/* Live kernel against artefact, printed; 0 equal, 1 different, 3 system (message printed). The
 * store may be closed. */
int diff_artefact(const struct diff_options *how, const struct store *s, struct arena *a,
		  const struct artefact *x);

#endif
