/* SPDX-License-Identifier: GPL-2.0-or-later
 * By which interface this machine would send to an address (rtnetlink(7), RTM_GETROUTE).
 */
#ifndef FWC_ROUTE_H
#define FWC_ROUTE_H

#include <net/if.h>
#include <stdint.h>

#include "util/buf.h"

/* family: AF_INET, AF_INET6; addr: 4 or 16 bytes. 0 or -errno, -ENETUNREACH: there is no way. */
int route_interface(const char *netns, int family, const uint8_t *addr, char out[IF_NAMESIZE]);

#endif
