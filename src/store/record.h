/* SPDX-License-Identifier: GPL-2.0-or-later
 * What was applied, when and by whom, in the state directory.
 */
#ifndef FWC_STORE_RECORD_H
#define FWC_STORE_RECORD_H

#include "store/store.h"

struct record {
	struct store *store; /* locked */
	struct arena *arena;
	const struct artefact *artefact;
	const char *netns, *comment; /* or NULL */
	json_t *changes; /* in packets, summary_of(); NULL: nothing was there before */
	unsigned rollback_of; /* the generation that is applied again; 0: none */
};

/* applied/, with apply.json: {"time": ..., "user": ..., ...} of the last change of rules; and the
 * same as a generation. *unchanged: no rule is new; cleared if inspectors are. 0 or -errno with why
 * filled. */
int record_write(const struct record *x, bool *unchanged, struct buf *why);

#endif
