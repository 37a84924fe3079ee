/* SPDX-License-Identifier: GPL-2.0-or-later
 * Which features of the kernel a ruleset uses.
 */
#ifndef FWC_NEEDS_H
#define FWC_NEEDS_H

#include "kernel/features.h"
#include "nft/ir.h"

void ruleset_needs(const struct ir_ruleset *r, bool needs[NFEATURES]);

#endif
