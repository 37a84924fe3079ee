/* SPDX-License-Identifier: GPL-2.0-or-later
 * What sets hold now whose content comes by URL: they are as long as lists in files, and are not
 * read with the rules.
 */
#ifndef FWC_SEE_HELD_H
#define FWC_SEE_HELD_H

#include "nft/ir.h"

/* Those of the rules in force get it as their `bulk`: exactly what the kernel holds, or nothing
 * where that is long and not what was fetched last. */
void held_give(const char *netns, const char *state, struct arena *a, struct ir_ruleset *r);

#endif
