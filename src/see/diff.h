/* SPDX-License-Identifier: GPL-2.0-or-later
 * What fwc diff says: packets, connections and rules, for people and for programs.
 */
#ifndef FWC_SEE_DIFF_H
#define FWC_SEE_DIFF_H

#include <stdio.h>

#include "apply/flows.h"
#include "nft/diff.h"
#include "space/delta.h"
#include "store/store.h"

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
