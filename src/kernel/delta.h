/* SPDX-License-Identifier: GPL-2.0-or-later
 * A set that packets are looking into becomes another one in place: by what is different alone, and
 * so that an address that is in it before and after is in it all the time.
 */
#ifndef FWC_DELTA_H
#define FWC_DELTA_H

#include "util/bulk.h"

struct delta_job {
	const char *set; /* of table inet fwc; it is there */
	enum family family;
	bool interval;
	uint8_t prefix; /* of a hash: how many bits of an address its keys have; 0: all */
	uint64_t size; /* how many elements it takes: addresses, or ranges */
	const struct bulk_list *want; /* NULL: nothing */
	const struct bulk_list *was; /* what it holds unless somebody was killed; NULL: unknown */
	bool adds_only; /* of a hash: what it holds beyond that stays */
	bool trusted; /* or it is between that and what is wanted: a long list is not read again */
	/* out */
	size_t held, added, deleted; /* elements */
	bool told; /* the kernel was: also what may have been there, which is not counted */
	char why[160];
};

/* In the namespace `netns` (NULL: this one), in a child. 0 or -errno with why: -ENOENT, the kernel
 * has no such set; -ENOSPC, it is too small. */
int delta_change(struct delta_job *j, const char *netns);

#define DELTA_JOBS 3

/* One after the other, up to DELTA_JOBS, in one child; none behind one that fails, and `why` of the
 * first tells. When the next begins, no packet is on its way any more that has looked into a set
 * before something was added to it with adds_only. */
int delta_change_all(struct delta_job *v, size_t n, const char *netns);

/* How many elements the list is, of a hash of single addresses or of intervals. */
uint64_t delta_count(const struct bulk_list *l, bool interval);

#endif
