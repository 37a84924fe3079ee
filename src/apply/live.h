/* SPDX-License-Identifier: GPL-2.0-or-later
 * What the kernel holds now.
 */
#ifndef FWC_LIVE_H
#define FWC_LIVE_H

#include "kernel/genid.h"
#include "nft/nft.h"

struct live {
	bool present;                /* table inet fwc exists */
	struct ir_ruleset *ruleset;  /* never NULL; empty if not present */
	uint32_t generation;         /* at which all of it was read */
};

/* 0 or -errno with why filled. */
int live_read(struct live *out, const char *netns, struct arena *a, struct buf *why);
/* The whole ruleset of the namespace, other people's tables too. */
int live_read_all(json_t **out, const char *netns, struct buf *why);
/* Loads a script; on refusal -EINVAL, with why naming the policy place. */
int live_run(const char *netns, const char *script, struct buf *why);

#endif
