/* SPDX-License-Identifier: GPL-2.0-or-later
 * What nf_tables holds, as the bytes of the kernel's own messages: tables, chains, sets, elements,
 * rules, in this order, each message with its header and padded to 4 bytes (netlink(7)). What they
 * say, nft/read.c tells.
 */
#ifndef FWC_DUMP_H
#define FWC_DUMP_H

#include <stdbool.h>
#include <stdint.h>

#include "util/buf.h"

/* Of the namespace we are in, all of one generation of what is read: commits of others to other
 * tables meanwhile are no matter. table: of family inet; NULL: all tables. names: NULL, or the
 * objects that are wanted with what is in them ("chain NAME", "map NAME", "set NAME", a line each);
 * then other chains are left out, and of other sets the elements, but for anonymous ones.
 * *generation: at which all of it was so. 0 or -errno; no such table is no error, and no bytes. */
int dump_here(const char *table, const char *names, struct buf *out, uint32_t *generation);
/* Whether there is no table but inet fwc here; false where nobody can say. */
bool dump_alone(void);
/* Whether such a list has that object. */
bool dump_names(const char *names, const char *kind, const char *name);

#endif
