/* SPDX-License-Identifier: GPL-2.0-or-later
 * A list that changes where it is, in two sets of the kernel: a hash of the addresses that stand
 * alone or by twos, and intervals of all others. A change of a few addresses costs nothing in a
 * hash, and each commit of intervals runs through all of them.
 */
#ifndef FWC_BULK_PARTS_H
#define FWC_BULK_PARTS_H

#include "util/bulk.h"

#define BULK_PARTS 2
#define BULK_ALONE 2 /* addresses of a range that the hash takes: they cost no more than it does */

enum bulk_part { BULK_PART_ALONE, BULK_PART_NETS };

struct bulk_parts { /* NULL: nothing; they have no digests */
	const struct bulk_list *alone, *nets;
};

struct bulk_parts bulk_parts(struct arena *a, const struct bulk_list *l); /* l may be NULL */
/* How many elements the sets have then: addresses, and ranges. */
uint64_t bulk_count_alone(const struct bulk_list *l);
uint64_t bulk_count_nets(const struct bulk_list *l);

/* SET.bulk in two parts is SET.addr.bulk and SET.net.bulk. */
const char *bulk_part_name(struct arena *a, const char *whole, enum bulk_part part);
/* The name of which it is a part, or NULL. */
const char *bulk_part_of(struct arena *a, const char *name, enum bulk_part *part);
bool bulk_name_alone(const char *name);

#endif
