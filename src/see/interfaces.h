/* SPDX-License-Identifier: GPL-2.0-or-later
 * A policy's zones against the interfaces that are here now.
 */
#ifndef FWC_INTERFACES_H
#define FWC_INTERFACES_H

#include <jansson.h>

#include "nft/manifest.h"

struct interfaces {
	VEC(const char *) gone; /* zones none of whose interfaces is here: "wan (ppp0)" */
	VEC(const char *) stray; /* interfaces that are up and in no zone */
	const char *other; /* the zone that holds those which no zone names; NULL: none does */
	VEC(const char *) held; /* by it, and up */
};

/* Empty where nobody can say. Neither is a fault: some come later. */
void interfaces_look(struct interfaces *out, struct arena *a, const char *netns,
		     const struct manifest *m);
/* One line each, beginning with `before`. */
void interfaces_print(FILE *to, const struct interfaces *x, const char *before);
/* What `interface other` is now. */
void interfaces_print_held(FILE *to, const struct interfaces *x, const char *before);
json_t *interfaces_json(const struct interfaces *x);

#endif
