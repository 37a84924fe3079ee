/* SPDX-License-Identifier: GPL-2.0-or-later
 * A frame -> link header -> IP -> TCP or UDP -> its payload.
 */
#include <string.h>

#include "inspect/capture.h"

#define LINK_ETHERNET 1
#define LINK_RAW_OLD 12 /* on Linux; 14 on OpenBSD */
#define LINK_RAW 101
#define LINK_SLL 113
#define LINK_IPV4 228
#define LINK_IPV6 229
#define LINK_SLL2 276

static unsigned get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

/* Where the type of what is behind the link's header is said, and where that begins: 0 if there is
 * no header. False if the link is not known. */
static bool link_layout(const struct frame *f, size_t *type_at, size_t *off)
{
	*type_at = *off = 0;
	switch (f->link) {
	case LINK_RAW:
	case LINK_RAW_OLD:
	case 14:
	case LINK_IPV4:
	case LINK_IPV6:
		return true;
	case LINK_ETHERNET:
		*off = 14;
		*type_at = 12;
		return true;
	case LINK_SLL:
		*off = 16;
		*type_at = 14;
		return true;
	case LINK_SLL2:
		*off = 20;
		return true;
	default:
		return false;
	}
}

/* Where the IP header begins; false if there is none. */
static bool skip_link(const struct frame *f, size_t type_at, size_t *off)
{
	unsigned type;

	if (!*off)
		return true;
	if (f->n < *off)
		return false;
	type = get16(f->p + type_at);
	while ((type == 0x8100 || type == 0x88a8) && f->n >= *off + 4) { /* VLAN tags */
		type = get16(f->p + *off + 2);
		*off += 4;
	}
	if (type == 0x8864 && f->n >= *off + 8) { /* a PPPoE session (RFC 2516 4) */
		type = get16(f->p + *off + 6);
		*off += 8;
		return type == 0x0021 || type == 0x0057; /* RFC 1332, 5072 */
	}
	return type == 0x0800 || type == 0x86dd;
}

#define OPTION_END 0
#define OPTION_NOTHING 1
#define OPTION_STAMP 8
#define OPTION_MD5 19
#define OPTION_AO 29
#define OPTION_MPTCP 30

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

/* RFC 9293 3.1: kind, and all but two have a length that counts both bytes. */
static void read_options(struct manner *m, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n && p[i] != OPTION_END;) {
		size_t len = p[i] == OPTION_NOTHING ? 1 : i + 1 < n ? p[i + 1] : 0;

		if (!len || len > n - i || (len < 2 && p[i] != OPTION_NOTHING))
			return;
		if (p[i] == OPTION_STAMP && len == 10) {
			m->stamped = true;
			m->stamp = m->first = get32(p + i + 2);
		}
		m->sealed |= p[i] == OPTION_MD5 || p[i] == OPTION_AO;
		m->multipath |= p[i] == OPTION_MPTCP;
		i += len;
	}
}

static enum packet_kind read_transport(struct packet *out, const uint8_t *p, size_t n,
				       uint8_t protocol, bool cut)
{
	size_t head;

	if (protocol != 6 && protocol != 17)
		return PACKET_OTHER;
	head = protocol == 6 ? 20 : 8;
	if (n < head)
		return PACKET_CUT;
	out->sport = (uint16_t)get16(p);
	out->dport = (uint16_t)get16(p + 2);
	if (protocol == 6) {
		head = (size_t)(p[12] >> 4) * 4;
		out->seq = get32(p + 4);
		out->flags = p[13];
		if (head < 20 || head > n)
			return PACKET_CUT;
		read_options(&out->manner, p + 20, head - 20);
	} else if (get16(p + 4) >= 8 && get16(p + 4) < n) {
		n = get16(p + 4);
	}
	out->transport = p;
	out->payload = p + head;
	out->n = n - head;
	if (cut)
		return PACKET_CUT;
	return protocol == 6 ? PACKET_TCP : PACKET_UDP;
}

static enum packet_kind read_ip4(struct packet *out, const uint8_t *p, size_t n)
{
	size_t head, total;

	if (n < 20)
		return PACKET_CUT;
	head = (size_t)(p[0] & 15) * 4;
	total = get16(p + 2);
	if (!total) /* the segmentation offload of the capturing machine */
		total = n;
	if (head < 20 || total < head)
		return PACKET_OTHER;
	if (get16(p + 6) & 0x3fff)
		return PACKET_FRAGMENT;
	out->manner.ttl = p[8];
	out->optioned = head > 20;
	memcpy(out->src, p + 12, 4);
	memcpy(out->dst, p + 16, 4);
	if (n < head)
		return PACKET_CUT;
	return read_transport(out, p + head, (total < n ? total : n) - head, p[9], total > n);
}

static enum packet_kind read_ip6(struct packet *out, const uint8_t *p, size_t n)
{
	size_t off = 40, total;
	uint8_t next;

	if (n < 40)
		return PACKET_CUT;
	total = 40 + get16(p + 4);
	if (total == 40)
		total = n;
	out->manner.ttl = p[7];
	memcpy(out->src, p + 8, 16);
	memcpy(out->dst, p + 24, 16);
	next = p[6];
	/* Hop-by-hop, routing, destination options: each says how long it is (RFC 8200 4). */
	while (next == 0 || next == 43 || next == 60) {
		if (n < off + 8)
			return PACKET_CUT;
		next = p[off];
		off += ((size_t)p[off + 1] + 1) * 8;
		out->optioned = true;
	}
	if (next == 44)
		return PACKET_FRAGMENT;
	if (n < off || total < off)
		return PACKET_CUT;
	return read_transport(out, p + off, (total < n ? total : n) - off, next, total > n);
}

enum packet_kind packet_read(struct packet *out, const struct frame *f)
{
	size_t off, type_at;

	*out = (struct packet){0};
	if (!link_layout(f, &type_at, &off))
		return PACKET_LINK;
	if (!skip_link(f, type_at, &off) || f->n <= off)
		return PACKET_OTHER;
	out->version = f->p[off] >> 4;
	if (out->version == 4)
		return read_ip4(out, f->p + off, f->n - off);
	if (out->version == 6)
		return read_ip6(out, f->p + off, f->n - off);
	return PACKET_OTHER;
}
