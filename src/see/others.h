/* SPDX-License-Identifier: GPL-2.0-or-later
 * Chains of other programs beside the rules in force, and what of it they end.
 */
#ifndef FWC_OTHERS_H
#define FWC_OTHERS_H

#include <jansson.h>
#include <stdio.h>

#include "nft/foreign.h"

/* Those that drop or translate something that comes through fwc, each with a packet of it. Empty if
 * nobody can say. */
void others_find(struct foreigners *out, const struct ir_tables *all, struct arena *a);
/* The same of the kernel. */
void others_look(struct foreigners *out, const char *netns, struct arena *a);
/* Each begins with `before`, and its packet's line with `indent`. sure: only of which packets are
 * known that they drop and fwc allows. */
void others_print(FILE *to, struct arena *a, const struct foreigners *x, bool sure,
		  const char *before, const char *indent);
json_t *others_json(const struct foreigners *x);

#endif
