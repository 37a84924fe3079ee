/* SPDX-License-Identifier: GPL-2.0-or-later
 * What interfaces there are: whether packets can come in at all, and the addresses.
 */
#ifndef FWC_LINKS_H
#define FWC_LINKS_H

#include <stdbool.h>

#include "util/buf.h"

/* An interface other than loopback is up (netdevice(7), IFF_UP); true, too, if that cannot be found
 * out. */
bool links_up(const char *netns);

/* The addresses of all interfaces, one a line. 0 or -errno with why. */
int links_addresses(const char *netns, struct buf *out, struct buf *why);
/* The same, for the broker. */
int links_addresses_text(const char *netns, struct buf *out, struct buf *why);

/* The interfaces, one a line: "+" if packets come in by it under its own name (it is up, no
 * loopback, and no port of a bridge or bond), else "-", the number, a
 * blank, and the name. */
int links_names(const char *netns, struct buf *out, struct buf *why);
int links_names_text(const char *netns, struct buf *out, struct buf *why);

#endif
