/* SPDX-License-Identifier: GPL-2.0-or-later
 * Lists that are in force, for who compiles: of one that has changed a little only that is new.
 */
#ifndef FWC_BASES_H
#define FWC_BASES_H

#include "cmd/cmd.h"
#include "util/arena.h"

/* From now on, until bases_end(), what is compiled takes them from what was applied. Where that
 * cannot be read, or has no such list, each list is whole. */
void bases_begin(struct globals *g, struct arena *a);
/* Yields those that were read, by their digests, to be used no longer than the arena; or NULL. */
struct lists *bases_end(void);

#endif
