/* SPDX-License-Identifier: GPL-2.0-or-later
 * The elements of a bulk set of table inet fwc, of the namespace we are in: into it and back.
 *
 * Nothing refers to a set that is staged, so what is to be in it need not come as one transaction,
 * nor in one message: a million addresses take a few megabytes at a time.
 */
#ifndef FWC_KERNEL_BULK_H
#define FWC_KERNEL_BULK_H

#include "nft/ir.h"

struct bulk_job {
	const char *set; /* which is there, made by the script */
	const struct ir_bulk *bulk;
	bool used; /* there may be elements in it, of one who was killed: they go first */
	uint32_t most; /* where it is read: more are refused; 0: however many */
	/* out */
	uint32_t commits; /* transactions that it took */
	char why[160]; /* what is different */
};

/* 0 or -errno. */
int bulk_fill(struct bulk_job *j);
/* Whether the set holds exactly that: each element is asked for by its key, and there are no more.
 * 0: it does; -EBADMSG: it does not, and why says one place; or -errno. */
int bulk_compare(struct bulk_job *j);
/* That nothing is in it; false also where that cannot be found out. */
bool bulk_is_empty(struct bulk_job *j);

/* What the kernel will need for it, in bytes. */
uint64_t bulk_memory(const struct ir_bulk *b);

#endif
