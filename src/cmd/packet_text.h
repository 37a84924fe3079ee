/* SPDX-License-Identifier: GPL-2.0-or-later
 * Packets that the kernel told of, for people and programs: what fwc trace and fwc log have in
 * common.
 */
#ifndef FWC_PACKET_TEXT_H
#define FWC_PACKET_TEXT_H

#include "nft/observed.h"
#include "policy/policy.h"

/* The zone that an interface is in; NULL if none, or without a policy. */
const char *packet_text_zone(const struct policy *p, const char *name);
/* "eth1 (wan) -> eth0 (lan)"; what has no interface is this machine, or, if it was not `routed`, on
 * its way to nobody knows where. */
void packet_text_way(struct buf *b, const struct policy *p, const struct observed *s, bool routed);
/* "in", "in_zone", "out", "out_zone": null for none; and what observed_json() has. */
json_t *packet_text_json(const struct policy *p, const struct observed *s);

#endif
