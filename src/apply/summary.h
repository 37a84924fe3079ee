/* SPDX-License-Identifier: GPL-2.0-or-later
 * What a generation changed, in packets: for its record.
 */
#ifndef FWC_SUMMARY_H
#define FWC_SUMMARY_H

#include <jansson.h>
#include <stdio.h>

#include "nft/ir.h"
#include "nft/manifest.h"
#include "store/store.h"

struct summary_side {
	const struct ir_ruleset *ruleset;
	const struct manifest *manifest; /* or NULL */
};

/* Of a change that changed no rule. */
json_t *summary_of_none(void);
/* {"known", "packets": [{"change", "count", "packet"}...], "groups", "rules_added",
 * "rules_removed", "addresses_added", "addresses_removed"}; of many groups the first few; addresses
 * are those of long lists. */
json_t *summary_of(struct arena *a, const struct summary_side *before,
		   const struct summary_side *after);

/* What was applied before the rules that are on trial; `applied` is to be freed. */
struct summary_side summary_before_trial(struct arena *a, const struct store *s, const char *netns,
					 struct artefact *applied);
/* Indented lines; nothing if there is no such thing. */
void summary_print(FILE *to, const char *indent, const json_t *changes);

#endif
