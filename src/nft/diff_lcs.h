/* SPDX-License-Identifier: GPL-2.0-or-later
 * Two lists of texts -> the shortest way from one to the other. Between the files of diff only.
 */
#ifndef FWC_DIFF_LCS_H
#define FWC_DIFF_LCS_H

#include "nft/manifest.h"

struct diff_item {
	const char *text;
	struct manifest_place place;
	bool frame; /* what a set is, not what is in it */
	uint64_t addresses; /* as of a diff_line */
};

struct diff_step {
	char sign;
	const struct diff_item *item;
};

struct diff_steps {
	struct diff_step *v;
	size_t n, cap;
};

/* ordered: the order of items counts. */
void diff_items(struct arena *a, const struct diff_item *x, size_t nx, const struct diff_item *y,
		size_t ny, bool ordered, struct diff_steps *out);

#endif
