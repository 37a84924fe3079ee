/* SPDX-License-Identifier: GPL-2.0-or-later
 * What a client is told whose DNS query over UDP is denied, so that it need not wait: a query ->
 * the message that answers it, and the packet that carries it back.
 */
#ifndef FWC_INSPECT_DNS_REPLY_H
#define FWC_INSPECT_DNS_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"

#define DNS_REPLY_MAX 512 /* of a message (RFC 1035 4.2.1): no client has asked for more */
#define DNS_REPLY_ADDRESSES 4 /* of a family: as many as always have room */
#define DNS_REPLY_TTL 10 /* seconds: what is allowed later is seen soon */

enum dns_reply_kind { DNS_REPLY_NONE, DNS_REPLY_REFUSED, DNS_REPLY_NXDOMAIN, DNS_REPLY_ADDRESS };

struct dns_reply {
	enum dns_reply_kind kind;
	uint8_t n4, n6;
	uint8_t v4[DNS_REPLY_ADDRESSES][4], v6[DNS_REPLY_ADDRESSES][16];
};

/* Adds a word of the policy: "refused", "nxdomain", or an address. NULL, or what is wrong with it:
 * a few words, static. */
const char *dns_reply_add(struct dns_reply *r, const char *word);

/* As the policy has it, appended. */
void dns_reply_text(const struct dns_reply *r, struct buf *out);

/* A query that dns_probe_udp() can read -> its answer; 0: it has none. */
size_t dns_reply_message(const struct dns_reply *r, const uint8_t *query, size_t n,
			 uint8_t out[DNS_REPLY_MAX]);

/* ---- for the holder of the packet, which does not believe what the message was made of ---- */

#define DNS_REPLY_PACKET (40 + 8 + DNS_REPLY_MAX)

struct dns_origin { /* where the client sent it, if dnat sent it elsewhere; port 0: it did not */
	int version; /* 4, 6 */
	uint8_t dst[16];
	uint16_t port;
};

struct dns_reply_ends {
	int version;
	uint8_t client[16], server[16];
	uint16_t port; /* the client's */
};

/* The packet of `n` bytes from the IP header on that waits, and the message that is to answer it ->
 * a packet with its addresses and ports swapped, and from whom to whom it goes. 0: this is no
 * answer to that packet. */
size_t dns_reply_packet(const uint8_t *p, size_t n, const struct dns_origin *origin,
			const uint8_t *message, size_t len, uint8_t out[DNS_REPLY_PACKET],
			struct dns_reply_ends *ends);

#endif
