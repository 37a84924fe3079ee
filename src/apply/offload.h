/* SPDX-License-Identifier: GPL-2.0-or-later
 * What a policy offloads -> devices of its flowtable, as they are there.
 */
#ifndef FWC_APPLY_OFFLOAD_H
#define FWC_APPLY_OFFLOAD_H

#include "nft/manifest.h"

struct offload_device {
	const char *name; /* as diag_show() has it */
	bool bound;
	const char *why_not; /* or NULL */
};

struct offload_devices {
	struct offload_device *v;
	size_t n, cap;
};

/* Binds what is there and is not bound yet. *out: all that could be; a device that refuses costs
 * its part of the offload. 0 or -errno with why. */
int offload_bind(struct arena *a, const char *netns, const struct manifest *m,
		 struct offload_devices *out, struct buf *why);
/* Only looks, at a flowtable as it was read. */
int offload_look(struct arena *a, const char *netns, const struct manifest *m,
		 const struct ir_set *flowtable, struct offload_devices *out, struct buf *why);

#endif
