/* SPDX-License-Identifier: GPL-2.0-or-later
 * Matches of iptables: their structures -> matches of the IR. Where a match is true of packets that
 * no one statement says, it is refused, and stays a match of which only the name is known.
 */
#include <linux/if_arp.h>
#include <linux/in.h>
#include <linux/netfilter.h>
#include <linux/netfilter/xt_addrtype.h>
#include <linux/netfilter/xt_conntrack.h>
#include <linux/netfilter/xt_dccp.h>
#include <linux/netfilter/xt_devgroup.h>
#include <linux/netfilter/xt_dscp.h>
#include <linux/netfilter/xt_ecn.h>
#include <linux/netfilter/xt_iprange.h>
#include <linux/netfilter/xt_length.h>
#include <linux/netfilter/xt_mac.h>
#include <linux/netfilter/xt_mark.h>
#include <linux/netfilter/xt_multiport.h>
#include <linux/netfilter/xt_owner.h>
#include <linux/netfilter/xt_pkttype.h>
#include <linux/netfilter/xt_sctp.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv4/ipt_ttl.h>
#include <string.h>

#include "nft/read_xt.h"

#define TCP_ECE 0x40
#define TCP_CWR 0x80

/* Of what no statement of the IR says: a text that is the same where the bytes are. */
static const char *xt_text(struct machine *m, const char *name, const void *bytes, size_t n)
{
	return read_odd(m->a, arena_printf(m->a, "xt match %s", name),
			(struct tlv){.p = bytes, .n = n});
}

/* ---- ports ---- */

static bool port_fields(const struct machine *m, enum field *source, enum field *target)
{
	switch (m->proto) {
	case IPPROTO_TCP:
		*source = F_TCP_SPORT;
		*target = F_TCP_DPORT;
		return true;
	case IPPROTO_UDP:
		*source = F_UDP_SPORT;
		*target = F_UDP_DPORT;
		return true;
	}
	*source = F_TH_SPORT;
	*target = F_TH_DPORT;
	return m->proto == IPPROTO_SCTP || m->proto == IPPROTO_DCCP || m->proto == IPPROTO_UDPLITE;
}

static void push_ports(struct machine *m, enum field f, const uint16_t *range, bool inverted)
{
	if (inverted || range[0] || range[1] != 0xffff)
		machine_match_one(m, f, 0, inverted ? OP_NE : OP_EQ,
				  (struct ival){range[0], range[1]});
}

static bool sound(const uint16_t *range)
{
	return range[0] <= range[1];
}

static bool read_tcp(struct machine *m, const struct xt *x)
{
	struct xt_tcp i;
	struct ir_stmt *s;

	if (m->proto != IPPROTO_TCP || !xt_info(x, &i, sizeof(i)) || i.option || !sound(i.spts) ||
	    !sound(i.dpts))
		return false;
	push_ports(m, F_TCP_SPORT, i.spts, i.invflags & XT_TCP_INV_SRCPT);
	push_ports(m, F_TCP_DPORT, i.dpts, i.invflags & XT_TCP_INV_DSTPT);
	if (i.flg_mask) {
		s = machine_match(m, F_TCP_FLAGS, i.flg_mask == 0xff ? 0 : i.flg_mask,
				  i.invflags & XT_TCP_INV_FLAGS ? OP_NE : OP_EQ);
		machine_value(m, s, (struct ival){i.flg_cmp, i.flg_cmp});
	}
	return true;
}

static bool read_udp(struct machine *m, const struct xt *x)
{
	struct xt_udp i;

	if (m->proto != IPPROTO_UDP || !xt_info(x, &i, sizeof(i)) || !sound(i.spts) ||
	    !sound(i.dpts))
		return false;
	push_ports(m, F_UDP_SPORT, i.spts, i.invflags & XT_UDP_INV_SRCPT);
	push_ports(m, F_UDP_DPORT, i.dpts, i.invflags & XT_UDP_INV_DSTPT);
	return true;
}

static void push_list(struct machine *m, enum field f, const struct xt_multiport_v1 *i)
{
	struct ir_stmt *s = machine_match(m, f, 0, i->invert ? OP_NE : OP_EQ);

	for (int k = 0; k < i->count; k++) {
		bool range = i->pflags[k] && k + 1 < i->count;

		machine_value(m, s, (struct ival){i->ports[k], i->ports[range ? k + 1 : k]});
		k += range;
	}
}

/* One of the ports is in the list, or neither is. */
static void push_both(struct machine *m, const struct xt_multiport_v1 *i, enum field source,
		      enum field target)
{
	if (i->invert) {
		push_list(m, source, i);
		push_list(m, target, i);
		return;
	}
	machine_either_begin(m);
	push_list(m, source, i);
	machine_either_or(m);
	push_list(m, target, i);
	machine_either_end(m, xt_text(m, "multiport", i, sizeof(*i)));
}

static bool read_multiport(struct machine *m, const struct xt *x)
{
	struct xt_multiport_v1 i;
	enum field source, target;

	if (x->revision != 1 || !xt_info(x, &i, sizeof(i)) || i.count > XT_MULTI_PORTS ||
	    i.flags > XT_MULTIPORT_EITHER || !port_fields(m, &source, &target))
		return false;
	if (i.flags == XT_MULTIPORT_EITHER)
		push_both(m, &i, source, target);
	else
		push_list(m, i.flags == XT_MULTIPORT_SOURCE ? source : target, &i);
	return true;
}

static bool read_sctp(struct machine *m, const struct xt *x)
{
	struct xt_sctp_info i;

	if (m->proto != IPPROTO_SCTP || !xt_info(x, &i, sizeof(i)) ||
	    i.flags & ~(XT_SCTP_SRC_PORTS | XT_SCTP_DEST_PORTS) || !sound(i.spts) || !sound(i.dpts))
		return false;
	if (i.flags & XT_SCTP_SRC_PORTS)
		push_ports(m, F_TH_SPORT, i.spts, i.invflags & XT_SCTP_SRC_PORTS);
	if (i.flags & XT_SCTP_DEST_PORTS)
		push_ports(m, F_SCTP_DPORT, i.dpts, i.invflags & XT_SCTP_DEST_PORTS);
	return true;
}

static bool read_dccp(struct machine *m, const struct xt *x)
{
	struct xt_dccp_info i;

	if (m->proto != IPPROTO_DCCP || !xt_info(x, &i, sizeof(i)) ||
	    i.flags & ~(XT_DCCP_SRC_PORTS | XT_DCCP_DEST_PORTS) || !sound(i.spts) || !sound(i.dpts))
		return false;
	if (i.flags & XT_DCCP_SRC_PORTS)
		push_ports(m, F_TH_SPORT, i.spts, i.invflags & XT_DCCP_SRC_PORTS);
	if (i.flags & XT_DCCP_DEST_PORTS)
		push_ports(m, F_DCCP_DPORT, i.dpts, i.invflags & XT_DCCP_DEST_PORTS);
	return true;
}

/* ---- the header ---- */

/* ttl and hl have the same structure; of the modes the last two are "less" and "greater". */
static bool read_hops(struct machine *m, const struct xt *x)
{
	enum field f = m->family == FAM_IP4 ? F_IP_TTL : F_IP6_HOPLIMIT;
	struct ipt_ttl_info i;

	if (!m->family || !xt_info(x, &i, sizeof(i)))
		return false;
	switch (i.mode) {
	case IPT_TTL_EQ:
	case IPT_TTL_NE:
		machine_match_one(m, f, 0, i.mode == IPT_TTL_NE ? OP_NE : OP_EQ,
				  (struct ival){i.ttl, i.ttl});
		return true;
	case IPT_TTL_LT:
		machine_match_one(m, f, 0, OP_EQ, (struct ival){0, i.ttl ? i.ttl - 1u : 0});
		return i.ttl > 0;
	case IPT_TTL_GT:
		machine_match_one(m, f, 0, OP_EQ, (struct ival){i.ttl + 1u, 255});
		return i.ttl < 255;
	}
	return false;
}

static void push_bits(struct machine *m, enum field f, unsigned mask, unsigned full, unsigned value,
		      bool inverted)
{
	struct ir_stmt *s = machine_match(m, f, mask == full ? 0 : mask, inverted ? OP_NE : OP_EQ);

	machine_value(m, s, (struct ival){value, value});
}

static bool read_dscp(struct machine *m, const struct xt *x)
{
	struct xt_dscp_info i;

	if (!m->family || !xt_info(x, &i, sizeof(i)) || i.dscp > XT_DSCP_MAX)
		return false;
	push_bits(m, m->family == FAM_IP4 ? F_IP_DSCP : F_IP6_DSCP, 0x3f, 0x3f, i.dscp, i.invert);
	return true;
}

/* Of the byte, DSCP is the upper six bits and ECN the others. */
static bool read_tos(struct machine *m, const struct xt *x)
{
	struct xt_tos_match_info i;
	bool v4 = m->family == FAM_IP4, upper, lower;

	if (x->revision != 1 || !m->family || !xt_info(x, &i, sizeof(i)) ||
	    i.tos_value & ~i.tos_mask || !i.tos_mask)
		return false;
	upper = i.tos_mask >> 2;
	lower = i.tos_mask & 3;
	if (i.invert && upper && lower)
		return false;
	if (upper)
		push_bits(m, v4 ? F_IP_DSCP : F_IP6_DSCP, i.tos_mask >> 2, 0x3f, i.tos_value >> 2,
			  i.invert);
	if (lower)
		push_bits(m, v4 ? F_IP_ECN : F_IP6_ECN, i.tos_mask & 3, 3, i.tos_value & 3,
			  i.invert);
	return true;
}

static bool read_ecn(struct machine *m, const struct xt *x)
{
	const unsigned known = XT_ECN_OP_MATCH_IP | XT_ECN_OP_MATCH_ECE | XT_ECN_OP_MATCH_CWR;
	struct xt_ecn_info i;

	if (!m->family || !xt_info(x, &i, sizeof(i)) || i.operation & ~known || i.ip_ect > 3 ||
	    (i.operation & ~(unsigned)XT_ECN_OP_MATCH_IP && m->proto != IPPROTO_TCP))
		return false;
	if (i.operation & XT_ECN_OP_MATCH_IP)
		push_bits(m, m->family == FAM_IP4 ? F_IP_ECN : F_IP6_ECN, 3, 3, i.ip_ect,
			  i.invert & XT_ECN_OP_MATCH_IP);
	if (i.operation & XT_ECN_OP_MATCH_ECE)
		push_bits(m, F_TCP_FLAGS, TCP_ECE, 0xff,
			  i.invert & XT_ECN_OP_MATCH_ECE ? 0 : TCP_ECE, false);
	if (i.operation & XT_ECN_OP_MATCH_CWR)
		push_bits(m, F_TCP_FLAGS, TCP_CWR, 0xff,
			  i.invert & XT_ECN_OP_MATCH_CWR ? 0 : TCP_CWR, false);
	return true;
}

static bool read_length(struct machine *m, const struct xt *x)
{
	struct xt_length_info i;

	if (!xt_info(x, &i, sizeof(i)) || i.min > i.max)
		return false;
	machine_match_one(m, F_LENGTH, 0, i.invert ? OP_NE : OP_EQ, (struct ival){i.min, i.max});
	return true;
}

/* ---- where it came from, and goes ---- */

/* Only of Ethernet. */
static bool read_mac(struct machine *m, const struct xt *x)
{
	struct xt_mac_info i;
	u128 source;

	if (!xt_info(x, &i, sizeof(i)))
		return false;
	source = read_number(i.srcaddr, sizeof(i.srcaddr), false);
	machine_match_one(m, F_IIFTYPE, 0, OP_EQ, (struct ival){ARPHRD_ETHER, ARPHRD_ETHER});
	machine_match_one(m, F_ETHER_SADDR, 0, i.invert ? OP_NE : OP_EQ,
			  (struct ival){source, source});
	return true;
}

static bool push_group(struct machine *m, enum field f, uint32_t group, uint32_t mask,
		       bool inverted)
{
	struct ir_stmt *s =
		machine_match(m, f, mask == UINT32_MAX ? 0 : mask, inverted ? OP_NE : OP_EQ);

	machine_value(m, s, (struct ival){group, group});
	return mask && !(group & ~mask);
}

static bool read_devgroup(struct machine *m, const struct xt *x)
{
	struct xt_devgroup_info i;

	if (!xt_info(x, &i, sizeof(i)))
		return false;
	if (i.flags & XT_DEVGROUP_MATCH_SRC &&
	    !push_group(m, F_IIFGROUP, i.src_group, i.src_mask, i.flags & XT_DEVGROUP_INVERT_SRC))
		return false;
	return !(i.flags & XT_DEVGROUP_MATCH_DST) ||
	       push_group(m, F_OIFGROUP, i.dst_group, i.dst_mask, i.flags & XT_DEVGROUP_INVERT_DST);
}

/* ---- others ---- */

/* Inverted it holds where the type is another one or the code is. ICMP's type 255 is any. */
static bool read_icmp(struct machine *m, const struct xt *x)
{
	struct ipt_icmp i; /* ICMPv6 has the same */
	bool v6 = m->proto == IPPROTO_ICMPV6 && m->family == FAM_IP6, inverted, codes;
	struct ival type, code;

	if ((!v6 && (m->proto != IPPROTO_ICMP || m->family != FAM_IP4)) ||
	    !xt_info(x, &i, sizeof(i)) || i.code[0] > i.code[1])
		return false;
	inverted = i.invflags & IPT_ICMP_INV;
	codes = i.code[0] != 0 || i.code[1] != 0xff;
	type = (struct ival){i.type, i.type};
	code = (struct ival){i.code[0], i.code[1]};
	if (i.type == 0xff && !v6)
		return !inverted;
	if (inverted && codes)
		machine_either_begin(m);
	machine_match_one(m, v6 ? F_ICMPV6_TYPE : F_ICMP_TYPE, 0, inverted ? OP_NE : OP_EQ, type);
	if (!codes)
		return true;
	if (inverted)
		machine_either_or(m);
	machine_match_one(m, v6 ? F_ICMPV6_CODE : F_ICMP_CODE, 0, inverted ? OP_NE : OP_EQ, code);
	if (inverted)
		machine_either_end(m, xt_text(m, x->name, &i, sizeof(i)));
	return true;
}

/* What conntrack says of the packet, in nft's bits: <linux/netfilter/nf_conntrack_common.h>. */
static unsigned states_of(unsigned mask)
{
	unsigned bits = mask & (XT_CONNTRACK_STATE_INVALID | 2 | 4 | 8); /* the same there */

	return mask & XT_CONNTRACK_STATE_UNTRACKED ? bits | 64 : bits;
}

#define NO_CONNECTION (1u | 64)
#define ALL_STATES (NO_CONNECTION | 2 | 4 | 8)
#define STATUS_SRC_NAT 16u /* IPS_SRC_NAT */
#define STATUS_DST_NAT 32u

static bool asks_of(const struct xt_conntrack_mtinfo3 *i, unsigned what)
{
	return i->match_flags & what;
}

static enum ir_op op_of(const struct xt_conntrack_mtinfo3 *i, unsigned what)
{
	return i->invert_flags & what ? OP_NE : OP_EQ;
}

static void push_ct_end(struct machine *m, const struct xt_conntrack_mtinfo3 *i, unsigned what,
			enum field f, const union nf_inet_addr *addr, const union nf_inet_addr *by)
{
	size_t bytes = m->family == FAM_IP4 ? 4 : 16;
	u128 mask = read_number((const uint8_t *)by, bytes, false);
	u128 value = read_number((const uint8_t *)addr, bytes, false) & mask;
	struct ir_stmt *s;

	if (!asks_of(i, what))
		return;
	s = machine_match(m, f, mask == u128_max((int)(8 * bytes)) ? 0 : mask, op_of(i, what));
	machine_value(m, s, (struct ival){value, value});
}

/* Whose bits status must have, some of; or, inverted, none. */
static void push_status(struct machine *m, unsigned bits, bool inverted)
{
	if (inverted)
		machine_value(m, machine_match(m, F_CT_STATUS, bits, OP_EQ), (struct ival){0, 0});
	else
		machine_match_one(m, F_CT_STATUS, 0, OP_ANYBIT, (struct ival){bits, bits});
}

/* All but the state, which only what there is a connection of is asked for. */
static void push_connection(struct machine *m, const struct xt_conntrack_mtinfo3 *i)
{
	bool v6 = m->family == FAM_IP6, reply = i->invert_flags & XT_CONNTRACK_DIRECTION;

	if (asks_of(i, XT_CONNTRACK_DIRECTION))
		machine_match_one(m, F_CT_DIRECTION, 0, OP_EQ, (struct ival){reply, reply});
	if (asks_of(i, XT_CONNTRACK_STATUS))
		push_status(m, i->status_mask, i->invert_flags & XT_CONNTRACK_STATUS);
	if (asks_of(i, XT_CONNTRACK_PROTO))
		machine_match_one(m, F_CT_PROTO, 0, op_of(i, XT_CONNTRACK_PROTO),
				  (struct ival){i->l4proto, i->l4proto});
	push_ct_end(m, i, XT_CONNTRACK_ORIGSRC, ct_end(v6, false, false), &i->origsrc_addr,
		    &i->origsrc_mask);
	push_ct_end(m, i, XT_CONNTRACK_ORIGDST, ct_end(v6, false, true), &i->origdst_addr,
		    &i->origdst_mask);
	push_ct_end(m, i, XT_CONNTRACK_REPLSRC, ct_end(v6, true, false), &i->replsrc_addr,
		    &i->replsrc_mask);
	push_ct_end(m, i, XT_CONNTRACK_REPLDST, ct_end(v6, true, true), &i->repldst_addr,
		    &i->repldst_mask);
	if (asks_of(i, XT_CONNTRACK_ORIGDST_PORT))
		machine_match_one(m, F_CT_DPORT, 0, op_of(i, XT_CONNTRACK_ORIGDST_PORT),
				  (struct ival){i->origdst_port, i->origdst_port_high});
}

static bool is_nothing(const struct machine *m, const union nf_inet_addr *mask)
{
	return !read_number((const uint8_t *)mask, m->family == FAM_IP4 ? 4 : 16, false);
}

/* Ports are compared whatever the protocol is: of others than these they are not ports. */
static bool can_push(const struct machine *m, const struct xt_conntrack_mtinfo3 *i)
{
	const unsigned ends = XT_CONNTRACK_ORIGSRC | XT_CONNTRACK_ORIGDST | XT_CONNTRACK_REPLSRC |
			      XT_CONNTRACK_REPLDST;
	const unsigned known = XT_CONNTRACK_STATE | XT_CONNTRACK_STATE_ALIAS | XT_CONNTRACK_STATUS |
			       XT_CONNTRACK_DIRECTION | XT_CONNTRACK_ORIGDST_PORT |
			       XT_CONNTRACK_PROTO | ends;

	if (i->match_flags & ~known || (asks_of(i, ends) && !m->family))
		return false;
	if ((asks_of(i, XT_CONNTRACK_ORIGSRC) && is_nothing(m, &i->origsrc_mask)) ||
	    (asks_of(i, XT_CONNTRACK_ORIGDST) && is_nothing(m, &i->origdst_mask)) ||
	    (asks_of(i, XT_CONNTRACK_REPLSRC) && is_nothing(m, &i->replsrc_mask)) ||
	    (asks_of(i, XT_CONNTRACK_REPLDST) && is_nothing(m, &i->repldst_mask)))
		return false;
	if (asks_of(i, XT_CONNTRACK_STATUS) && !i->status_mask)
		return false;
	return !asks_of(i, XT_CONNTRACK_ORIGDST_PORT) ||
	       ((m->proto == IPPROTO_TCP || m->proto == IPPROTO_UDP) &&
		i->origdst_port <= i->origdst_port_high);
}

/* What has no connection is asked for its state alone, and passes with it. Translations are states
 * here, each besides the other one that a connection has. */
static bool push_state(struct machine *m, const struct xt_conntrack_mtinfo3 *i)
{
	bool inverted = i->invert_flags & XT_CONNTRACK_STATE;
	unsigned states = states_of(i->state_mask), status = 0;
	unsigned ways = 0, without, with;

	if (i->state_mask & XT_CONNTRACK_STATE_SNAT)
		status |= STATUS_SRC_NAT;
	if (i->state_mask & XT_CONNTRACK_STATE_DNAT)
		status |= STATUS_DST_NAT;
	if (inverted)
		states = ALL_STATES & ~states;
	if (!status && !(i->match_flags & ~(XT_CONNTRACK_STATE | XT_CONNTRACK_STATE_ALIAS))) {
		machine_match_one(m, F_CT_STATE, 0, OP_ANYBIT, (struct ival){states, states});
		return true;
	}
	without = states & NO_CONNECTION;
	with = states & ~NO_CONNECTION;
	machine_either_begin(m);
	if (without) {
		machine_match_one(m, F_CT_STATE, 0, OP_ANYBIT, (struct ival){without, without});
		ways++;
	}
	if (with) {
		if (ways++)
			machine_either_or(m);
		machine_match_one(m, F_CT_STATE, 0, OP_ANYBIT, (struct ival){with, with});
		if (status && inverted)
			push_status(m, status, true);
		push_connection(m, i);
	}
	if (status && !inverted) {
		if (ways++)
			machine_either_or(m);
		push_status(m, status, false);
		push_connection(m, i);
	}
	if (ways)
		machine_either_end(m, xt_text(m, "conntrack", i, sizeof(*i)));
	else
		machine_either_drop(m);
	return ways;
}

static bool read_conntrack(struct machine *m, const struct xt *x)
{
	const unsigned states = XT_CONNTRACK_STATE_INVALID | 2 | 4 | 8 |
				XT_CONNTRACK_STATE_UNTRACKED | XT_CONNTRACK_STATE_SNAT |
				XT_CONNTRACK_STATE_DNAT;
	struct xt_conntrack_mtinfo3 i;

	if (x->revision != 3 || !xt_info(x, &i, sizeof(i)) || !i.match_flags || !can_push(m, &i))
		return false;
	if (i.match_flags & XT_CONNTRACK_STATE)
		return !(i.state_mask & ~states) && push_state(m, &i);
	push_connection(m, &i);
	return true;
}

/* Bit N is RTN_* number N: <linux/netfilter/xt_addrtype.h>. */
static void push_types(struct machine *m, enum field f, unsigned bits, bool inverted)
{
	struct ir_stmt *s;

	if (!bits)
		return;
	s = machine_match(m, f, 0, inverted ? OP_NE : OP_EQ);
	for (unsigned type = 0; type < 16; type++)
		if (bits & 1u << type)
			machine_value(m, s, (struct ival){type, type});
}

/* Of IPv6 the module asks other questions: of two the answer is the one that nft gets. */
static bool push_type6(struct machine *m, bool source, unsigned bits, bool arriving, bool inverted)
{
	const u128 group = (u128)0xff << 120;

	if (!bits)
		return true;
	if (bits == XT_ADDRTYPE_LOCAL)
		push_types(m,
			   source     ? F_FIB_SADDR_TYPE
			   : arriving ? F_FIB_DADDR_IIF_TYPE
				      : F_FIB_DADDR_TYPE,
			   bits, inverted);
	else if (bits == XT_ADDRTYPE_MULTICAST)
		machine_match_one(m, source ? F_IP6_SADDR : F_IP6_DADDR, 0,
				  inverted ? OP_NE : OP_EQ,
				  (struct ival){group, group | u128_max(120)});
	else
		return false;
	return true;
}

static bool read_addrtype(struct machine *m, const struct xt *x)
{
	struct xt_addrtype_info_v1 i;
	bool arriving, of_source, of_target;

	if (x->revision != 1 || !m->family || !xt_info(x, &i, sizeof(i)) ||
	    i.flags & XT_ADDRTYPE_LIMIT_IFACE_OUT)
		return false;
	arriving = i.flags & XT_ADDRTYPE_LIMIT_IFACE_IN;
	of_source = i.flags & XT_ADDRTYPE_INVERT_SOURCE;
	of_target = i.flags & XT_ADDRTYPE_INVERT_DEST;
	if (arriving && i.source)
		return false;
	if (m->family == FAM_IP6)
		return push_type6(m, true, i.source, false, of_source) &&
		       push_type6(m, false, i.dest, arriving, of_target);
	push_types(m, F_FIB_SADDR_TYPE, i.source, of_source);
	push_types(m, arriving ? F_FIB_DADDR_IIF_TYPE : F_FIB_DADDR_TYPE, i.dest, of_target);
	return true;
}

static bool read_pkttype(struct machine *m, const struct xt *x)
{
	struct xt_pkttype_info i;

	if (!xt_info(x, &i, sizeof(i)) || i.pkttype < 0 || i.pkttype > UINT8_MAX)
		return false;
	machine_match_one(m, F_PKTTYPE, 0, i.invert ? OP_NE : OP_EQ,
			  (struct ival){(u128)i.pkttype, (u128)i.pkttype});
	return true;
}

/* mark and connmark have the same structure. */
static bool read_mark(struct machine *m, const struct xt *x)
{
	struct xt_mark_mtinfo1 i;
	struct ir_stmt *s;

	if (x->revision != 1 || !xt_info(x, &i, sizeof(i)))
		return false;
	s = machine_match(m, strcmp(x->name, "mark") ? F_CT_MARK : F_MARK,
			  i.mask == UINT32_MAX ? 0 : i.mask, i.invert ? OP_NE : OP_EQ);
	machine_value(m, s, (struct ival){i.mark, i.mark});
	return i.mask != 0;
}

/* What came by an interface has no sender here, which is another one than any. */
static bool read_owner(struct machine *m, const struct xt *x)
{
	struct xt_owner_match_info i;
	bool nobody;

	if (x->revision != 1 || !xt_info(x, &i, sizeof(i)) || !i.match ||
	    i.match & ~(XT_OWNER_UID | XT_OWNER_GID) || i.uid_min > i.uid_max ||
	    i.gid_min > i.gid_max)
		return false;
	nobody = (i.match & i.invert) == i.match;
	if (nobody)
		machine_either_begin(m);
	if (i.match & XT_OWNER_UID)
		machine_match_one(m, F_SKUID, 0, i.invert & XT_OWNER_UID ? OP_NE : OP_EQ,
				  (struct ival){i.uid_min, i.uid_max});
	if (i.match & XT_OWNER_GID)
		machine_match_one(m, F_SKGID, 0, i.invert & XT_OWNER_GID ? OP_NE : OP_EQ,
				  (struct ival){i.gid_min, i.gid_max});
	if (!nobody)
		return true;
	machine_either_or(m);
	machine_match_one(m, F_IIF, 0, OP_NE, (struct ival){0, 0});
	machine_either_end(m, xt_text(m, x->name, &i, sizeof(i)));
	return true;
}

static bool push_addresses(struct machine *m, bool source, const union nf_inet_addr *min,
			   const union nf_inet_addr *max, bool inverted)
{
	bool v4 = m->family == FAM_IP4;
	enum field f = v4 ? source ? F_IP_SADDR : F_IP_DADDR : source ? F_IP6_SADDR : F_IP6_DADDR;
	u128 lo = read_number((const uint8_t *)min, v4 ? 4 : 16, false);
	u128 hi = read_number((const uint8_t *)max, v4 ? 4 : 16, false);

	machine_match_one(m, f, 0, inverted ? OP_NE : OP_EQ, (struct ival){lo, hi});
	return lo <= hi;
}

static bool read_iprange(struct machine *m, const struct xt *x)
{
	struct xt_iprange_mtinfo i;

	if (x->revision != 1 || !m->family || !xt_info(x, &i, sizeof(i)))
		return false;
	if (i.flags & IPRANGE_SRC &&
	    !push_addresses(m, true, &i.src_min, &i.src_max, i.flags & IPRANGE_SRC_INV))
		return false;
	return !(i.flags & IPRANGE_DST) ||
	       push_addresses(m, false, &i.dst_min, &i.dst_max, i.flags & IPRANGE_DST_INV);
}

static const struct {
	const char *name;
	bool (*read)(struct machine *m, const struct xt *x);
} matches[] = {
	{"tcp", read_tcp},
	{"udp", read_udp},
	{"sctp", read_sctp},
	{"dccp", read_dccp},
	{"multiport", read_multiport},
	{"icmp", read_icmp},
	{"icmp6", read_icmp},
	{"ttl", read_hops},
	{"hl", read_hops},
	{"dscp", read_dscp},
	{"tos", read_tos},
	{"ecn", read_ecn},
	{"length", read_length},
	{"mac", read_mac},
	{"devgroup", read_devgroup},
	{"conntrack", read_conntrack},
	{"addrtype", read_addrtype},
	{"pkttype", read_pkttype},
	{"mark", read_mark},
	{"connmark", read_mark},
	{"owner", read_owner},
	{"iprange", read_iprange},
};

bool read_xt_match(struct machine *m, const struct xt *x)
{
	for (size_t i = 0; i < sizeof(matches) / sizeof(matches[0]); i++)
		if (!strcmp(matches[i].name, x->name) && matches[i].read(m, x))
			return true;
	return false;
}
