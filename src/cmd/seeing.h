/* SPDX-License-Identifier: GPL-2.0-or-later
 * Packets that the kernel told of, for people and programs: what fwc trace and fwc log have in
 * common.
 */
#ifndef FWC_SEEING_H
#define FWC_SEEING_H

#include "nft/seen.h"
#include "policy/policy.h"

/* The zone that an interface is in; NULL if none, or without a policy. */
const char *seeing_zone(const struct policy *p, const char *name);
/* "eth1 (wan) -> eth0 (lan)"; what has no interface is this machine, or, if it was not `routed`, on
 * its way to nobody knows where. */
void seeing_way(struct buf *b, const struct policy *p, const struct seen *s, bool routed);
/* "in", "in_zone", "out", "out_zone": null for none; and what seen_json() has. */
json_t *seeing_json(const struct policy *p, const struct seen *s);

#endif
