/* SPDX-License-Identifier: GPL-2.0-or-later
 * nft's matches -> regions.
 */
#ifndef FWC_MEAN_MATCH_H
#define FWC_MEAN_MATCH_H

#include "space/mean.h"

/* Where the selector, put together, is one of the elements; with everything that nft asks of a
 * packet before it looks there (`tcp dport` only looks at TCP, `ip saddr` only at IPv4). */
dd_ref match_elem(struct mean *m, const struct ir_sel *sel, const struct ir_elem *e);
/* That terminal there, else nothing: cheaper than restricting it to the region. */
dd_ref match_elem_says(struct mean *m, const struct ir_sel *sel, const struct ir_elem *e,
		       dd_ref terminal);
/* A bulk set is looked up as it has to be. */
bool match_fits_bulk(const struct ir_set *set, const struct ir_sel *sel);
/* A match statement with its operator. `set` is what its name stands for, or NULL. */
dd_ref match_stmt(struct mean *m, const struct ir_stmt *s, const struct ir_set *set);
/* Of a set that rules add to: packets of which family have such a key; and which part of the packet
 * it is, "source", "destination/24". */
dd_ref match_key_there(struct mean *m, const struct ir_sel *key);
/* Packets that have none of the ports that it asks for, but other bytes there. */
dd_ref match_no_ports(struct mean *m, const struct ir_sel *sel);
/* Packets that connection tracking knows a connection of. */
dd_ref match_tracked(struct mean *m);
/* Of a field that field_is_told(), whatever its operator: where it is one of those. */
dd_ref match_told(struct mean *m, const struct ir_stmt *s, const struct ir_set *set);
const char *match_key_text(struct mean *m, const struct ir_sel *key);

#endif
