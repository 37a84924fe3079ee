/* SPDX-License-Identifier: GPL-2.0-or-later
 * The hooks of a firewall without the firewall: what is left when nothing else can be loaded.
 */
#ifndef FWC_HOOKS_H
#define FWC_HOOKS_H

#include "util/buf.h"

/* Table inet fwc gets the base chains of input, forward and output with policy drop, and is no
 * longer dormant. Rules that stand there already stay; without any, nothing passes, not even on
 * loopback. It needs no libnftables, no file and next to no memory. 0 or -errno with why. */
int hooks_drop(const char *netns, struct buf *why);

#endif
