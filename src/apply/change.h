/* SPDX-License-Identifier: GPL-2.0-or-later
 * Which packets a change affects, for people and for programs.
 */
#ifndef FWC_CHANGE_H
#define FWC_CHANGE_H

#include <jansson.h>
#include <stdio.h>

#include "nft/manifest.h"
#include "space/delta.h"

/* A ruleset's rules by the lines of its manifest (or NULL: by their comments). */
struct delta_side change_side(const struct ir_ruleset *r, const struct manifest *m);

void change_print(FILE *to, struct arena *a, const struct deltas *d);
json_t *change_json(struct arena *a, const struct deltas *d);

#endif
