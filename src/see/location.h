/* SPDX-License-Identifier: GPL-2.0-or-later
 * Rules of the kernel -> lines of the policy, by the manifests of what is applied and on trial.
 */
#ifndef FWC_SEE_LOCATION_H
#define FWC_SEE_LOCATION_H

#include "nft/manifest.h"

struct locations {
	const struct manifest *manifests[2]; /* applied, on trial; or NULL */
	bool hidden; /* they are not for this user to read */
};

struct location {
	const char *line; /* "firewall.fwc:12"; NULL: fwc's own, or not known */
	const char *rule; /* its words, or the comment; or NULL */
};

/* From the state directory; what is not there is left out. */
void locations_read(struct locations *p, const char *state, struct arena *a);
struct location locations_rule(const struct locations *p, const struct ir_chain *c, size_t n);
struct location locations_elem(const struct locations *p, const struct ir_set *map,
			       const struct ir_elem *e);

#endif
