/* SPDX-License-Identifier: GPL-2.0-or-later
 * Whether packets can come in at all.
 */
#ifndef FWC_LINKS_H
#define FWC_LINKS_H

#include <stdbool.h>

/* An interface other than loopback is up (netdevice(7), IFF_UP); true, too, if that cannot be found
 * out. */
bool links_up(const char *netns);

#endif
