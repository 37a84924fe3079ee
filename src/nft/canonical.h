/* SPDX-License-Identifier: GPL-2.0-or-later
 * A dump (kernel/dump.h) without what differs from one load of the same script to the next, so that
 * equal rules are equal bytes, which can be kept and hashed.
 */
#ifndef FWC_CANONICAL_H
#define FWC_CANONICAL_H

#include <stdbool.h>

#include "util/arena.h"
#include "util/buf.h"

/* Sequence numbers, ports and generations are 0; elements of a set are in the order of their bytes;
 * so is no pointer of the kernel's (NFTA_SET_TYPE) in it. False if the bytes are no messages. */
bool dump_canonical(struct arena *a, const void *bytes, size_t n, struct buf *out);

#endif
