/* SPDX-License-Identifier: GPL-2.0-or-later
 * The bytes of a capture file (pcap, or pcapng) -> frames -> what TCP and UDP carry in them.
 */
#ifndef FWC_INSPECT_CAPTURE_H
#define FWC_INSPECT_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CAPTURE_INTERFACES 64

struct capture {
	const uint8_t *p; /* the file; the caller's */
	size_t n, off;
	bool ng, big; /* pcapng; numbers big-endian */
	uint32_t links[CAPTURE_INTERFACES]; /* link types; of pcap the first */
	unsigned ninterfaces;
	const char *flaw; /* why reading ended before the end; NULL: it did not */
};

struct frame {
	const uint8_t *p;
	size_t n;
	uint32_t link;
	bool cut; /* the capture holds less than was sent */
};

/* False if it is no capture. */
bool capture_begin(struct capture *c, const uint8_t *p, size_t n);
bool capture_next(struct capture *c, struct frame *out);

enum packet_kind {
	PACKET_TCP,
	PACKET_UDP,
	PACKET_OTHER, /* another protocol */
	PACKET_LINK, /* of a link type that is not known */
	PACKET_FRAGMENT, /* of IP: not put together */
	PACKET_CUT, /* its payload is not all there */
};

#define PACKET_FIN 0x01
#define PACKET_SYN 0x02
#define PACKET_RST 0x04
#define PACKET_ACK 0x10
#define PACKET_URG 0x20

/* What the packets of one TCP sender have in common: a packet without it may be meant for whoever
 * looks on, and no receiver takes it. */
struct manner {
	uint8_t ttl; /* or hop limit: how far it comes */
	bool stamped; /* TCP timestamps option (RFC 7323) */
	bool sealed; /* MD5 or authentication option (RFC 2385, 5925) */
	bool multipath; /* MPTCP (RFC 8684): other connections may carry parts of it */
	bool torn; /* of several SYNs that differ: which of them the server took, is not known */
	uint32_t stamp;
	uint32_t first; /* stamp of the first one */
};

struct packet {
	int version; /* 4, 6 */
	uint8_t src[16], dst[16]; /* the first 4 bytes for version 4 */
	uint16_t sport, dport;
	uint32_t seq;
	uint8_t flags; /* of TCP */
	bool optioned; /* options in the IP header, or headers behind it */
	struct manner manner; /* of TCP; of all the hop limit */
	const uint8_t *transport; /* header */
	const uint8_t *payload;
	size_t n;
};

enum packet_kind packet_read(struct packet *out, const struct frame *f);

#endif
