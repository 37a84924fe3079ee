/* SPDX-License-Identifier: GPL-2.0-or-later
 * An artefact as this kernel can load it, where it lacks what some rules need: never more open.
 */
#ifndef FWC_FIT_H
#define FWC_FIT_H

#include "apply/store.h"

struct unfit { /* a rule that is not what the policy says */
	const char *at, *text, *needs;
};

struct unfits {
	struct unfit *v;
	size_t n, cap;
};

/* 0: *out is `in` with other text for the rules in *what (none: the same text); its script is to be
 * freed, all else is borrowed. -errno: some rule has no stand-in, or nothing can be tried. */
int artefact_fit(struct arena *a, const struct artefact *in, struct artefact *out,
		 struct unfits *what, struct buf *why);

/* An array of objects: "at", "text", "needs". */
json_t *unfits_json(const struct unfits *l);

#endif
