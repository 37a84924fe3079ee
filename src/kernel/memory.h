/* SPDX-License-Identifier: GPL-2.0-or-later
 * How much memory the kernel may still take for this process.
 */
#ifndef FWC_MEMORY_H
#define FWC_MEMORY_H

#include <stdint.h>

/* What the machine has available, or the cgroup (v2) of this process or one above it has left of
 * its limit, if that is less: it pays for what its netlink messages make. *who: which of them. */
uint64_t memory_left(char who[256]);

#endif
