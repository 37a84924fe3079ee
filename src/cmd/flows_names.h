/* SPDX-License-Identifier: GPL-2.0-or-later
 * Names of the policy -> what they stand for, to filter connections by.
 */
#ifndef FWC_FLOWS_NAMES_H
#define FWC_FLOWS_NAMES_H

#include "nft/ir.h"
#include "policy/policy.h"

/* Of a service, built in or of the policy; NULL: there is none. A policy that is not there or has
 * errors has no names. */
const struct services *names_service(struct arena *a, const char *config, const char *word);
/* Of a host or a set, of run time by what these rules hold now; NULL: there is none, or the rules
 * do not have it. */
const struct addrs *names_addrs(struct arena *a, const char *config, const char *word,
				const struct ir_ruleset *now);

#endif
