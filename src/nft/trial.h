/* SPDX-License-Identifier: GPL-2.0-or-later
 * New rules on trial, as they stand in the kernel: in front of the rules of each base chain a
 * look-up, `meta nfproto vmap @trial.forward`, whose elements time out (plan_trial.c makes them).
 */
#ifndef FWC_NFT_TRIAL_H
#define FWC_NFT_TRIAL_H

#include "nft/ir.h"

#define TRIAL_PREFIX "trial."

/* The map that the rule looks into, if it is a look-up of a trial; else NULL. */
const char *trial_map(const struct ir_rule *r);
/* Look-ups of a trial stand in base chains, whether or not they still lead anywhere. */
bool trial_in_kernel(const struct ir_ruleset *live);
/* All of them lead to the new rules. */
bool trial_acts(const struct ir_ruleset *live);
/* If they do: the base chains as they will be once it is confirmed. */
void trial_view(struct ir_ruleset *live);

#endif
