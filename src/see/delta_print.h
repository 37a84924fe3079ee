/* SPDX-License-Identifier: GPL-2.0-or-later
 * Which packets a change affects, for people and for programs.
 */
#ifndef FWC_SEE_DELTA_PRINT_H
#define FWC_SEE_DELTA_PRINT_H

#include <jansson.h>
#include <stdio.h>

#include "nft/manifest.h"
#include "space/delta.h"

void delta_print(FILE *to, struct arena *a, const struct deltas *d);
json_t *delta_json(struct arena *a, const struct deltas *d);

#endif
