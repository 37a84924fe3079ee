/* SPDX-License-Identifier: GPL-2.0-or-later
 * The switches of the kernel that forwarding needs, both families; and the times of connection
 * tracking.
 */
#ifndef FWC_SYSCTL_H
#define FWC_SYSCTL_H

#include <jansson.h>
#include <stdbool.h>

#include "util/buf.h"

/* *out: {"net/ipv4/ip_forward": "0", "net/ipv6/conf/eth0/accept_ra": "1", ...}, all that setting
 * may change. 0 or -errno with why filled; so below. */
int sysctl_snapshot(const char *netns, json_t **out, struct buf *why);
/* The same as the broker hands it over: JSON. */
int sysctl_text(const char *netns, struct buf *text, struct buf *why);

/* Turns forwarding on or off. An interface that takes router advertisements goes on doing so:
 * accept_ra 1 becomes 2 before forwarding goes on, or its IPv6 default route would vanish. */
int sysctl_set_forwarding(const char *netns, bool on, struct buf *why);

/* Back to the snapshot, but for what somebody else has changed since; `set` is what
 * sysctl_set_forwarding() was last called with. */
int sysctl_restore(const char *netns, const json_t *snapshot, bool set, struct buf *why);

/* Of a snapshot: {"tcp-established": "432000", ...}, the kernel's nf_conntrack_*_timeout* in
 * seconds, by the names that policies have for them. Then what to set of them, in the same form. */
const json_t *sysctl_timeouts(const json_t *snapshot);
int sysctl_set_timeouts(const char *netns, const json_t *values, struct buf *why);

/* Names of bridges whose frames meet the hooks of IP, what goes from port to port the forward hook
 * (br_netfilter, one family at least); NULL: none. */
const json_t *sysctl_bridges(const json_t *snapshot);

/* True if forwarding is on for that family now (of a snapshot). */
bool sysctl_forwards(const json_t *snapshot, int family);
/* False where the kernel was started without IPv6. */
bool sysctl_has_ip6(const json_t *snapshot);

#endif
