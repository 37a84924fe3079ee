/* SPDX-License-Identifier: GPL-2.0-or-later
 * A dump of our table (kernel/dump.h) -> a hash for each of its objects, so that what is as it was
 * need not be read. Equal hashes: the two objects are the same. Different ones say nothing: one and
 * the same meaning can be told in other bytes.
 */
#ifndef FWC_DIGEST_H
#define FWC_DIGEST_H

#include <stdbool.h>

#include "util/map.h"
#include "util/sha256.h"

/* Of chains with their rules ("c:NAME"), named sets and maps with their elements ("s:NAME"; of a
 * set that is filled at run time without them), flow tables ("f:NAME"), stateful objects ("o:NAME")
 * and of the table itself ("t:NAME"): in *out, in uint8_t[SHA256_BYTES]. Left out is what differs
 * from one load of the same script to the next (handles, counts of uses, names of anonymous sets),
 * what packets count, and base chains that accept and have no rules: an earlier policy may have
 * left one, and it decides nothing. False if the bytes are no dump. */
bool dump_digests(struct arena *a, const void *bytes, size_t n, struct map *out);

#endif
