/* SPDX-License-Identifier: GPL-2.0-or-later
 * A dump that was kept (nft/canonical.h) -> the messages that make the same again, without a script
 * or a library between (linux/netfilter/nf_tables.h; what the kernel asks of each: its
 * nf_tables_api.c). Who sends them reads back what they made, as after any script.
 */
#ifndef FWC_REMAKE_H
#define FWC_REMAKE_H

#include <stdbool.h>

#include "util/arena.h"
#include "util/buf.h"

/* Of one table all that stands in no packet's way: its chains with their rules, but for base
 * chains, and its sets with what is in them, but for what comes at run time. False if the bytes are
 * no such dump. */
bool remake_staged(struct arena *a, const void *dump, size_t n, struct buf *out);

#endif
