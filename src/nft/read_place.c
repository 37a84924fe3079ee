/* SPDX-License-Identifier: GPL-2.0-or-later
 * Bytes of headers -> fields. Which field they are depends on the packet: one is only named where
 * the rule has asked before, or its table has, for a packet that has this field there.
 */
#include <linux/netfilter/nf_tables.h>
#include <netinet/in.h>

#include "nft/read_machine.h"

#define INNER_HEADER 3 /* NFT_PAYLOAD_INNER_HEADER, of Linux 6.2's header */

static const struct place places[] = {
	{NFT_PAYLOAD_NETWORK_HEADER, 96, FAM_IP4, 0, F_IP_SADDR},
	{NFT_PAYLOAD_NETWORK_HEADER, 128, FAM_IP4, 0, F_IP_DADDR},
	{NFT_PAYLOAD_NETWORK_HEADER, 72, FAM_IP4, 0, F_IP_PROTOCOL},
	{NFT_PAYLOAD_NETWORK_HEADER, 64, FAM_IP4, 0, F_IP_TTL},
	{NFT_PAYLOAD_NETWORK_HEADER, 8, FAM_IP4, 0, F_IP_DSCP},
	{NFT_PAYLOAD_NETWORK_HEADER, 14, FAM_IP4, 0, F_IP_ECN},
	{NFT_PAYLOAD_NETWORK_HEADER, 64, FAM_IP6, 0, F_IP6_SADDR},
	{NFT_PAYLOAD_NETWORK_HEADER, 192, FAM_IP6, 0, F_IP6_DADDR},
	{NFT_PAYLOAD_NETWORK_HEADER, 56, FAM_IP6, 0, F_IP6_HOPLIMIT},
	{NFT_PAYLOAD_NETWORK_HEADER, 4, FAM_IP6, 0, F_IP6_DSCP},
	{NFT_PAYLOAD_NETWORK_HEADER, 10, FAM_IP6, 0, F_IP6_ECN},
	{NFT_PAYLOAD_TRANSPORT_HEADER, 0, FAM_NONE, IPPROTO_TCP, F_TCP_SPORT},
	{NFT_PAYLOAD_TRANSPORT_HEADER, 16, FAM_NONE, IPPROTO_TCP, F_TCP_DPORT},
	{NFT_PAYLOAD_TRANSPORT_HEADER, 104, FAM_NONE, IPPROTO_TCP, F_TCP_FLAGS},
	{NFT_PAYLOAD_TRANSPORT_HEADER, 0, FAM_NONE, IPPROTO_UDP, F_UDP_SPORT},
	{NFT_PAYLOAD_TRANSPORT_HEADER, 16, FAM_NONE, IPPROTO_UDP, F_UDP_DPORT},
	{NFT_PAYLOAD_TRANSPORT_HEADER, 0, FAM_NONE, IPPROTO_SCTP, F_TH_SPORT},
	{NFT_PAYLOAD_TRANSPORT_HEADER, 0, FAM_NONE, IPPROTO_DCCP, F_TH_SPORT},
	{NFT_PAYLOAD_TRANSPORT_HEADER, 0, FAM_NONE, IPPROTO_UDPLITE, F_TH_SPORT},
	{NFT_PAYLOAD_TRANSPORT_HEADER, 16, FAM_NONE, IPPROTO_SCTP, F_SCTP_DPORT},
	{NFT_PAYLOAD_TRANSPORT_HEADER, 16, FAM_NONE, IPPROTO_DCCP, F_DCCP_DPORT},
	{NFT_PAYLOAD_TRANSPORT_HEADER, 16, FAM_NONE, IPPROTO_UDPLITE, F_UDPLITE_DPORT},
	{NFT_PAYLOAD_TRANSPORT_HEADER, 0, FAM_IP4, IPPROTO_ICMP, F_ICMP_TYPE},
	{NFT_PAYLOAD_TRANSPORT_HEADER, 8, FAM_IP4, IPPROTO_ICMP, F_ICMP_CODE},
	{NFT_PAYLOAD_TRANSPORT_HEADER, 0, FAM_IP6, IPPROTO_ICMPV6, F_ICMPV6_TYPE},
	{NFT_PAYLOAD_TRANSPORT_HEADER, 8, FAM_IP6, IPPROTO_ICMPV6, F_ICMPV6_CODE},
	{NFT_PAYLOAD_TRANSPORT_HEADER, 0, FAM_NONE, IPPROTO_ICMP, F_ICMP_TYPE_OF_ANY},
	{NFT_PAYLOAD_TRANSPORT_HEADER, 8, FAM_NONE, IPPROTO_ICMP, F_ICMP_CODE_OF_ANY},
	{NFT_PAYLOAD_TRANSPORT_HEADER, 0, FAM_NONE, IPPROTO_ICMPV6, F_ICMPV6_TYPE_OF_ANY},
	{NFT_PAYLOAD_TRANSPORT_HEADER, 8, FAM_NONE, IPPROTO_ICMPV6, F_ICMPV6_CODE_OF_ANY},
	{NFT_PAYLOAD_TRANSPORT_HEADER, 0, FAM_NONE, -1, F_TH_SPORT},
	{NFT_PAYLOAD_TRANSPORT_HEADER, 16, FAM_NONE, -1, F_TH_DPORT},
	{INNER_HEADER, 0, FAM_NONE, -1, F_PAYLOAD},
	{NFT_PAYLOAD_LL_HEADER, 0, FAM_NONE, -1, F_ETHER_DADDR},
	{NFT_PAYLOAD_LL_HEADER, 48, FAM_NONE, -1, F_ETHER_SADDR},
};

#define NPLACES (sizeof(places) / sizeof(places[0]))

uint32_t place_bits(const struct place *p)
{
	return field_table[p->field].bits;
}

static bool may_have_ports(int proto)
{
	return proto < 0 || proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP ||
	       proto == IPPROTO_DCCP || proto == IPPROTO_UDPLITE;
}

static bool applies(const struct machine *m, const struct place *p)
{
	if (p->family && p->family != m->family)
		return false;
	if (p->base == NFT_PAYLOAD_TRANSPORT_HEADER)
		return p->proto < 0 ? may_have_ports(m->proto) : p->proto == m->proto;
	return true;
}

/* The field that has the bit. */
const struct place *place_at(const struct machine *m, uint8_t base, uint32_t bit)
{
	for (size_t i = 0; i < NPLACES; i++) {
		const struct place *p = &places[i];

		if (p->base == base && bit >= p->bit && bit < p->bit + place_bits(p) &&
		    applies(m, p))
			return p;
	}
	return NULL;
}

bool read_is_field(const struct raw_expr *e)
{
	uint64_t base = tlv_number(e->attrs.v[NFTA_PAYLOAD_BASE]);
	uint64_t bit = 8 * tlv_number(e->attrs.v[NFTA_PAYLOAD_OFFSET]);
	uint64_t n = 8 * tlv_number(e->attrs.v[NFTA_PAYLOAD_LEN]);

	for (size_t i = 0; i < NPLACES; i++)
		if (places[i].base == base && bit < places[i].bit + place_bits(&places[i]) &&
		    places[i].bit < bit + n)
			return true;
	return false;
}

bool read_settable(const struct machine *m, uint64_t base, uint64_t bit, unsigned *changes)
{
	for (size_t i = 0; i < NPLACES; i++) {
		const struct place *p = &places[i];
		unsigned one = 0;

		if (p->base != base || bit < p->bit || bit >= p->bit + place_bits(p) ||
		    (m->family && p->family && p->family != m->family) ||
		    (m->proto >= 0 && p->proto > 0 && p->proto != m->proto))
			continue;
		if (p->field == F_IP_TTL || p->field == F_IP6_HOPLIMIT)
			one = CHANGED_HOPS;
		else if (p->field == F_IP_DSCP || p->field == F_IP6_DSCP)
			one = CHANGED_DSCP;
		else if (p->field == F_IP_ECN || p->field == F_IP6_ECN)
			one = CHANGED_ECN;
		else if (p->field == F_TCP_FLAGS)
			one = CHANGED_FLAGS;
		if (!one)
			return false;
		*changes |= one;
	}
	return true;
}

/* The field that the bits of a load are which the rule asks for; *low: below it are so many others,
 * which are masked out. */
const struct place *place_of(const struct machine *m, const struct slice *s, uint32_t *low)
{
	uint32_t first = 8 * s->offset, n = 8 * s->bytes, begin = 0, end = n;
	const struct place *p;

	while (s->masked && begin < n && !(s->mask[begin / 8] >> (7 - begin % 8) & 1))
		begin++;
	while (s->masked && end > begin && !(s->mask[(end - 1) / 8] >> (7 - (end - 1) % 8) & 1))
		end--;
	for (uint32_t i = begin; s->masked && i < end; i++)
		if (!(s->mask[i / 8] >> (7 - i % 8) & 1))
			return NULL;
	p = place_at(m, s->base, first + begin);
	*low = n - end;
	return p && p->bit == first + begin && p->bit + place_bits(p) == first + end ? p : NULL;
}

bool slice_lift(struct ival *v, uint32_t low)
{
	v->lo = (v->lo + u128_max((int)low)) >> low;
	v->hi >>= low;
	return v->lo <= v->hi;
}

u128 slice_mask(const struct slice *s)
{
	return s->masked && s->from != FROM_PAYLOAD ? read_number(s->mask, s->bytes, s->host) : 0;
}

bool slice_flips(const struct slice *s)
{
	for (uint32_t i = 0; s->masked && i < s->bytes; i++)
		if (s->flip[i])
			return true;
	return false;
}
