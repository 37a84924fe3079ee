/* SPDX-License-Identifier: GPL-2.0-or-later
 * Everything shut, by what was written down before anything could go wrong.
 */
#ifndef FWC_BLOCK_H
#define FWC_BLOCK_H

#include "util/buf.h"

/* Takes the place of table inet fwc: nothing passes but loopback, neighbour discovery and DHCP. 0
 * or -errno with why; then the hooks alone, without those, are tried by hooks_drop(). */
int block_all(const char *netns, struct buf *why);

#endif
