/* SPDX-License-Identifier: GPL-2.0-or-later
 * A packet in words.
 */
#ifndef FWC_PACKET_H
#define FWC_PACKET_H

#include "space/mean.h"

/* One line for people: "new: 192.0.2.1 -> 198.51.100.2 tcp/22, arriving on eth0, leaving by ppp0",
 * and what of the rest is out of the ordinary: conditions that hold, marks, flags. */
void packet_print(struct buf *out, struct mean *m, const struct packet *p);

/* "key=value" for each dimension, then "free:TEXT=0|1" for each condition. */
void packet_fields(struct buf *out, struct mean *m, const struct packet *p, const char *separator);

/* "tcp/22", "icmp/8", "proto/47". */
void packet_service(struct buf *out, const struct packet *p);
/* Protocols by their names: "tcp, udp, 47". */
/* "while CONDITION holds" without the while, in plain words. */
void packet_condition(struct buf *out, const char *text);
void packet_protocols(struct buf *out, const struct ivset *s);
/* "192.0.2.1@eth0 -> 198.51.100.2@ppp0 tcp/22": what `fwc explain` takes, or NULL if it cannot say
 * this packet (an established connection, say). Places are named by the policy's zones, without
 * one by interfaces. In the arena. */
const char *packet_query(struct mean *m, const struct policy *policy, const struct packet *p,
			 enum station at);
/* "syn+ack"; "none". */
void packet_flags(struct buf *out, unsigned flags);
/* A value of that dimension, as nft or people write it. */
void packet_value(struct buf *out, struct mean *m, enum dim d, enum family fam, u128 value);

#endif
