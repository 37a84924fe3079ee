/* SPDX-License-Identifier: GPL-2.0-or-later
 * The devices of a flowtable in table inet fwc.
 */
#ifndef FWC_FLOWTABLE_H
#define FWC_FLOWTABLE_H

#include <stdbool.h>

#include "util/buf.h"

/* Those that are bound, one a line. 0 or -errno: -ENOENT if there is no such flowtable. */
int flowtable_devices(const char *netns, const char *name, struct buf *out, struct buf *why);

struct flowtable_device {
	const char *name;
	int err; /* out: 0: it is bound, or why not, -errno */
};
/* Each by itself: what one refuses costs that one. */
int flowtable_bind(const char *netns, const char *name, bool hardware, struct flowtable_device *v,
		   size_t n, struct buf *why);

#endif
