/* SPDX-License-Identifier: GPL-2.0-or-later
 * A dump that was kept (nft/canonical.h) -> the messages that make the same again, without a script
 * or a library between (linux/netfilter/nf_tables.h; what the kernel asks of each: its
 * nf_tables_api.c). Who sends them reads back what they made, as after any script.
 */
#ifndef FWC_REMAKE_H
#define FWC_REMAKE_H

#include <stdbool.h>

#include "util/buf.h"
#include "util/map.h"

struct remake_counts { /* what counters of an object begin with, but for those that begin with 0 */
	struct remake_count {
		uint32_t nth; /* rule of the chain, element of the set: as in the dump, from 0 */
#define REMAKE_REST UINT32_MAX /* the element for what no other is for */
		uint64_t packets, bytes;
	} *v;
	size_t n, cap;
};
/* By nth, as qsort(3) wants it. */
int remake_count_cmp(const void *a, const void *b);

/* Of one table all that stands in no packet's way: its chains with their rules, but for base
 * chains, and its sets with what is in them, but for what comes at run time. False if the bytes are
 * no such dump. */
bool remake_staged(struct arena *a, const void *dump, size_t n, struct buf *out);
/* Of these only the objects that are keys ("c:NAME", "s:NAME") of *only, their values struct
 * remake_counts, by nth. The table is there, and so is all that they refer to. */
bool remake_some(struct arena *a, const void *dump, size_t n, const struct map *only,
		 struct buf *out);

#endif
