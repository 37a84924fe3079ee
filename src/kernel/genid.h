/* SPDX-License-Identifier: GPL-2.0-or-later
 * What nftables tells in few words: the generation of the ruleset, and whether ours is there.
 */
#ifndef FWC_GENID_H
#define FWC_GENID_H

#include <stdbool.h>
#include <stdint.h>

#include "util/buf.h"

struct genid {
	uint32_t id; /* goes up by one with every transaction in the namespace */
	uint32_t pid; /* of the last committer */
	char process[17];
	bool own_table; /* table inet fwc exists */
	bool panic_table; /* table inet fwc-panic does */
	uint64_t table; /* its handle: a table made anew has another */
	uint64_t netns; /* cookie of the namespace, no other of this boot has it; 0: Linux < 5.14 */
};

/* Of the namespace we are in. 0 or -errno. */
int genid_get_here(struct genid *out);
/* 0 or -errno with why filled. */
int genid_get(const char *netns, struct genid *out, struct buf *why);
/* The same as the broker hands it over: the bytes of a struct genid. */
int genid_bytes(const char *netns, struct buf *out, struct buf *why);

#endif
