/* SPDX-License-Identifier: GPL-2.0-or-later
 * Elements that come and go at run time: what to send to the kernel so that a set which holds these
 * holds others. An element is an address, or, in a set of prefixes, any interval; two of them never
 * share an address, so that one that is added is cut where others are, and one of which a part is
 * deleted leaves the rest, with the time that it has.
 */
#ifndef FWC_ELEMENTS_H
#define FWC_ELEMENTS_H

#include "nft/ir.h"
#include "util/buf.h"

struct element {
	struct ival at;
	bool ages;
	uint64_t left, timeout; /* seconds, if it ages; timeout 0: the set's */
	size_t order; /* elements_part()'s own */
};

struct elements {
	struct element *v;
	size_t n, cap;
};

enum elements_rule { /* of an address that is to be added and is there */
		     ELEMENTS_LONGER, /* the longer time counts */
		     ELEMENTS_THERE, /* it keeps its time */
};

struct elements_sum { /* of what was to be added or deleted */
	size_t added, renewed, kept; /* renewed: some of it was there, for less time */
	size_t deleted, absent;
	size_t held; /* elements of the set, afterwards */
};

/* What the set holds, in order. */
void elements_of(struct arena *a, const struct ir_set *set, struct elements *out);
/* How many it may hold; 0: any number. */
uint32_t elements_size(const struct ir_set *set);
/* Sorted, and each address in one of them: of two for the same the first. */
void elements_part(struct elements *what);
/* Whether all of it is there. */
bool elements_cover(const struct elements *held, struct ival at);

/* Commands of nft, appended to *script: none if nothing is to be done. *what is parted. */
void elements_add(struct arena *a, const struct ir_set *set, struct elements *what,
		  enum elements_rule rule, struct buf *script, struct elements_sum *sum);
void elements_delete(struct arena *a, const struct ir_set *set, struct elements *what,
		     struct buf *script, struct elements_sum *sum);

#endif
