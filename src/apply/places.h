/* SPDX-License-Identifier: GPL-2.0-or-later
 * Rules of the kernel -> lines of the policy, by the manifests of what is applied and on trial.
 */
#ifndef FWC_PLACES_H
#define FWC_PLACES_H

#include "nft/manifest.h"

struct places {
	const struct manifest *manifests[2]; /* applied, on trial; or NULL */
	bool hidden; /* they are not for this user to read */
};

struct place {
	const char *line; /* "firewall.fwc:12"; NULL: fwc's own, or not known */
	const char *rule; /* its words, or the comment; or NULL */
};

/* From the state directory; what is not there is left out. */
void places_read(struct places *p, const char *state, struct arena *a);
struct place places_rule(const struct places *p, const struct ir_chain *c, size_t n);
struct place places_elem(const struct places *p, const struct ir_set *map, const struct ir_elem *e);

#endif
