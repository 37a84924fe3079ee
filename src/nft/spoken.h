/* SPDX-License-Identifier: GPL-2.0-or-later
 * Rules in nft's own words, of what `nft --handle --stateless --terse list ruleset` printed.
 */
#ifndef FWC_SPOKEN_H
#define FWC_SPOKEN_H

#include <stdint.h>

#include "util/map.h"

struct spoken {
	struct arena *a;
	struct map rules; /* table, chain and handle -> text; twice: of nobody */
};

void spoken_read(struct spoken *s, struct arena *a, const char *text);
/* NULL: nft did not say. Safe on a terminal. */
const char *spoken_rule(const struct spoken *s, const char *family, const char *table,
			const char *chain, uint64_t handle);

#endif
