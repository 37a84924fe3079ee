/* SPDX-License-Identifier: GPL-2.0-or-later
 * Matches and targets of iptables, as iptables-nft has them in its rules: name, revision, and the
 * structure of their kernel module (<linux/netfilter/xt_*.h>), in this machine's byte order.
 */
#include <linux/in.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/xt_NFQUEUE.h>
#include <linux/netfilter/xt_addrtype.h>
#include <linux/netfilter/xt_conntrack.h>
#include <linux/netfilter/xt_iprange.h>
#include <linux/netfilter/xt_mark.h>
#include <linux/netfilter/xt_multiport.h>
#include <linux/netfilter/xt_owner.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv4/ipt_REJECT.h>
#include <linux/netfilter_ipv6/ip6t_REJECT.h>
#include <string.h>

#include "nft/read_machine.h"

struct xt { /* one match or target */
	const char *name;
	uint64_t revision;
	struct tlv info;
};

/* The structure, if there are bytes enough for it. */
static bool info_of(const struct xt *x, void *to, size_t n)
{
	if (x->info.n < n)
		return false;
	memcpy(to, x->info.p, n);
	return true;
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

	if (m->proto != IPPROTO_TCP || !info_of(x, &i, sizeof(i)) || i.option || !sound(i.spts) ||
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

	if (m->proto != IPPROTO_UDP || !info_of(x, &i, sizeof(i)) || !sound(i.spts) ||
	    !sound(i.dpts))
		return false;
	push_ports(m, F_UDP_SPORT, i.spts, i.invflags & XT_UDP_INV_SRCPT);
	push_ports(m, F_UDP_DPORT, i.dpts, i.invflags & XT_UDP_INV_DSTPT);
	return true;
}

static bool read_multiport(struct machine *m, const struct xt *x)
{
	struct xt_multiport_v1 i;
	enum field source, target;
	struct ir_stmt *s;

	if (x->revision != 1 || !info_of(x, &i, sizeof(i)) || i.count > XT_MULTI_PORTS ||
	    i.flags > XT_MULTIPORT_DESTINATION || !port_fields(m, &source, &target))
		return false;
	s = machine_match(m, i.flags == XT_MULTIPORT_SOURCE ? source : target, 0,
			  i.invert ? OP_NE : OP_EQ);
	for (int k = 0; k < i.count; k++) {
		bool range = i.pflags[k] && k + 1 < i.count;

		machine_value(m, s, (struct ival){i.ports[k], i.ports[range ? k + 1 : k]});
		k += range;
	}
	return true;
}

/* ---- others ---- */

/* Codes have no field: all of them, or it is not understood. */
static bool read_icmp(struct machine *m, const struct xt *x)
{
	struct ipt_icmp i; /* ICMPv6 has the same */
	bool v6 = m->proto == IPPROTO_ICMPV6 && m->family == FAM_IP6;

	if ((!v6 && (m->proto != IPPROTO_ICMP || m->family != FAM_IP4)) ||
	    !info_of(x, &i, sizeof(i)) || i.code[0] != 0 || i.code[1] != 0xff)
		return false;
	if (i.type == 0xff && !v6)
		return !(i.invflags & IPT_ICMP_INV);
	machine_match_one(m, v6 ? F_ICMPV6_TYPE : F_ICMP_TYPE, 0,
			  i.invflags & IPT_ICMP_INV ? OP_NE : OP_EQ, (struct ival){i.type, i.type});
	return true;
}

/* What conntrack says of the packet, in nft's bits: <linux/netfilter/nf_conntrack_common.h>. */
static unsigned states_of(unsigned mask)
{
	unsigned bits = mask & (XT_CONNTRACK_STATE_INVALID | 2 | 4 | 8); /* the same there */

	return mask & XT_CONNTRACK_STATE_UNTRACKED ? bits | 64 : bits;
}

#define ALL_STATES (1 | 2 | 4 | 8 | 64)
#define XT_STATES (1u | 2 | 4 | 8 | XT_CONNTRACK_STATE_UNTRACKED)

static bool read_conntrack(struct machine *m, const struct xt *x)
{
	const unsigned known = XT_CONNTRACK_STATE | XT_CONNTRACK_STATE_ALIAS | XT_CONNTRACK_STATUS |
			       XT_CONNTRACK_DIRECTION;
	struct xt_conntrack_mtinfo3 i;
	unsigned states;

	if (x->revision != 3 || !info_of(x, &i, sizeof(i)) || i.match_flags & ~known ||
	    (i.match_flags & XT_CONNTRACK_STATE && i.state_mask & ~XT_STATES) ||
	    (i.match_flags & XT_CONNTRACK_STATUS &&
	     (i.invert_flags & XT_CONNTRACK_STATUS || !i.status_mask)))
		return false;
	states = states_of(i.state_mask);
	if (i.invert_flags & XT_CONNTRACK_STATE)
		states = ALL_STATES & ~states;
	if (i.match_flags & XT_CONNTRACK_STATE)
		machine_match_one(m, F_CT_STATE, 0, OP_ANYBIT, (struct ival){states, states});
	if (i.match_flags & XT_CONNTRACK_STATUS)
		machine_match_one(m, F_CT_STATUS, 0, OP_ANYBIT,
				  (struct ival){i.status_mask, i.status_mask});
	if (i.match_flags & XT_CONNTRACK_DIRECTION) {
		bool reply = i.invert_flags & XT_CONNTRACK_DIRECTION;

		machine_match_one(m, F_CT_DIRECTION, 0, OP_EQ, (struct ival){reply, reply});
	}
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

static bool read_addrtype(struct machine *m, const struct xt *x)
{
	struct xt_addrtype_info_v1 i;
	bool arriving;

	if (x->revision != 1 || m->family != FAM_IP4 || !info_of(x, &i, sizeof(i)) ||
	    i.flags & XT_ADDRTYPE_LIMIT_IFACE_OUT)
		return false;
	arriving = i.flags & XT_ADDRTYPE_LIMIT_IFACE_IN;
	if (arriving && i.source)
		return false;
	push_types(m, F_FIB_SADDR_TYPE, i.source, i.flags & XT_ADDRTYPE_INVERT_SOURCE);
	push_types(m, arriving ? F_FIB_DADDR_IIF_TYPE : F_FIB_DADDR_TYPE, i.dest,
		   i.flags & XT_ADDRTYPE_INVERT_DEST);
	return true;
}

/* mark and connmark have the same structure. */
static bool read_mark(struct machine *m, const struct xt *x)
{
	struct xt_mark_mtinfo1 i;
	struct ir_stmt *s;

	if (x->revision != 1 || !info_of(x, &i, sizeof(i)))
		return false;
	s = machine_match(m, strcmp(x->name, "mark") ? F_CT_MARK : F_MARK,
			  i.mask == UINT32_MAX ? 0 : i.mask, i.invert ? OP_NE : OP_EQ);
	machine_value(m, s, (struct ival){i.mark, i.mark});
	return i.mask != 0;
}

static bool read_owner(struct machine *m, const struct xt *x)
{
	struct xt_owner_match_info i;

	if (x->revision != 1 || !info_of(x, &i, sizeof(i)) || !i.match ||
	    i.match & ~(XT_OWNER_UID | XT_OWNER_GID) || i.uid_min > i.uid_max ||
	    i.gid_min > i.gid_max)
		return false;
	if (i.match & XT_OWNER_UID)
		machine_match_one(m, F_SKUID, 0, i.invert & XT_OWNER_UID ? OP_NE : OP_EQ,
				  (struct ival){i.uid_min, i.uid_max});
	if (i.match & XT_OWNER_GID)
		machine_match_one(m, F_SKGID, 0, i.invert & XT_OWNER_GID ? OP_NE : OP_EQ,
				  (struct ival){i.gid_min, i.gid_max});
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

	if (x->revision != 1 || !m->family || !info_of(x, &i, sizeof(i)))
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
	{"tcp", read_tcp},	     {"udp", read_udp},		{"multiport", read_multiport},
	{"icmp", read_icmp},	     {"icmp6", read_icmp},	{"conntrack", read_conntrack},
	{"addrtype", read_addrtype}, {"mark", read_mark},	{"connmark", read_mark},
	{"owner", read_owner},	     {"iprange", read_iprange},
};

/* ---- targets ---- */

static bool push_reject(struct machine *m, const char *icmp)
{
	struct ir_stmt *s;

	if (!icmp)
		return false;
	s = machine_stmt(m, IR_REJECT);
	s->reject = strcmp(icmp, "tcp reset") ? REJECT_OTHER : REJECT_TCP_RESET;
	s->reject_family = m->family;
	s->reject_with =
		arena_printf(m->a, "%s %s", m->family == FAM_IP4 ? "icmp" : "icmpv6", icmp);
	return true;
}

static bool read_reject(struct machine *m, const struct xt *x)
{
	static const char *const v4[] = {
		"net-unreachable", "host-unreachable", "prot-unreachable", "port-unreachable", NULL,
		"net-prohibited",  "host-prohibited",  "tcp reset",	   "admin-prohibited"};
	static const char *const v6[] = {"no-route",	     "admin-prohibited", NULL,
					 "addr-unreachable", "port-unreachable", NULL,
					 "tcp reset",	     "policy-fail",	 "reject-route"};
	uint32_t with;

	if (!info_of(x, &with, sizeof(with)) || with >= 9 || !m->family)
		return false;
	return push_reject(m, m->family == FAM_IP4 ? v4[with] : v6[with]);
}

struct range { /* to translate to */
	uint32_t flags;
	u128 lo, hi;
	uint16_t port, last_port;
};

/* Revision 0 of IPv4 has a structure of its own; 1 and 2 are alike as far as this is read. */
static bool range_of(const struct machine *m, const struct xt *x, struct range *out)
{
	struct nf_nat_ipv4_multi_range_compat old;
	struct nf_nat_range new;
	bool v4 = m->family == FAM_IP4;

	if (v4 && !x->revision) {
		if (!info_of(x, &old, sizeof(old)) || old.rangesize != 1)
			return false;
		out->flags = old.range[0].flags;
		out->lo = read_number((const uint8_t *)&old.range[0].min_ip, 4, false);
		out->hi = read_number((const uint8_t *)&old.range[0].max_ip, 4, false);
		out->port = (uint16_t)read_number((const uint8_t *)&old.range[0].min, 2, false);
		out->last_port =
			(uint16_t)read_number((const uint8_t *)&old.range[0].max, 2, false);
		return true;
	}
	if (!m->family || !info_of(x, &new, sizeof(new)))
		return false;
	out->flags = new.flags;
	out->lo = read_number((const uint8_t *)&new.min_addr, v4 ? 4 : 16, false);
	out->hi = read_number((const uint8_t *)&new.max_addr, v4 ? 4 : 16, false);
	out->port = (uint16_t)read_number((const uint8_t *)&new.min_proto, 2, false);
	out->last_port = (uint16_t)read_number((const uint8_t *)&new.max_proto, 2, false);
	return true;
}

static bool read_nat(struct machine *m, const struct xt *x)
{
	static const struct {
		const char *name;
		enum ir_nat_kind kind;
	} kinds[] = {{"DNAT", IR_DNAT},
		     {"SNAT", IR_SNAT},
		     {"MASQUERADE", IR_MASQUERADE},
		     {"REDIRECT", IR_REDIRECT}};
	const uint32_t known = NF_NAT_RANGE_MAP_IPS | NF_NAT_RANGE_PROTO_SPECIFIED;
	struct range r;
	struct ir_stmt *s;
	int k = 0;

	while (strcmp(kinds[k].name, x->name) != 0)
		k++;
	if (!range_of(m, x, &r) || r.flags & ~known || r.lo > r.hi)
		return false;
	if (!(r.flags & NF_NAT_RANGE_PROTO_SPECIFIED))
		r.port = r.last_port = 0;
	if (r.port != r.last_port || (kinds[k].kind == IR_MASQUERADE && r.port) ||
	    (kinds[k].kind <= IR_DNAT && kinds[k].kind != IR_MASQUERADE &&
	     !(r.flags & NF_NAT_RANGE_MAP_IPS)))
		return false;
	s = machine_stmt(m, IR_NAT);
	s->nat.kind = kinds[k].kind;
	s->nat.port = r.port;
	if (kinds[k].kind == IR_DNAT || kinds[k].kind == IR_SNAT) {
		s->nat.family = m->family;
		vec_push(m->a, &s->nat.to, ((struct ir_elem){.key = {{r.lo, r.hi}}}));
	}
	return true;
}

/* (mark & ~mask) ^ value */
static bool set_mark(struct machine *m, const struct xt *x)
{
	struct xt_mark_tginfo2 i;
	struct ir_stmt *s;

	if (x->revision != 2 || !info_of(x, &i, sizeof(i)) || ~i.mask & i.mark)
		return false;
	s = machine_stmt(m, IR_MARK);
	s->mark.keep = ~i.mask;
	s->mark.value = i.mark;
	return true;
}

static bool read_queue(struct machine *m, const struct xt *x)
{
	struct xt_NFQ_info_v3 i;
	struct ir_stmt *s;

	if (x->revision != 3 || !info_of(x, &i, sizeof(i)) || i.flags & ~NFQ_FLAG_BYPASS ||
	    !i.queues_total)
		return false;
	s = machine_stmt(m, IR_QUEUE);
	s->queue.first = i.queuenum;
	s->queue.count = i.queues_total;
	s->queue.bypass = i.flags & NFQ_FLAG_BYPASS;
	return true;
}

static const struct {
	const char *name;
	bool (*read)(struct machine *m, const struct xt *x); /* NULL: only this much is known: */
	enum ir_unknown_kind kind;
} targets[] = {
	{"REJECT", read_reject, UNKNOWN_ENDS},	{"DNAT", read_nat, UNKNOWN_ENDS},
	{"SNAT", read_nat, UNKNOWN_ENDS},	{"MASQUERADE", read_nat, UNKNOWN_ENDS},
	{"REDIRECT", read_nat, UNKNOWN_ENDS},	{"NFQUEUE", read_queue, UNKNOWN_ENDS},
	{"MARK", set_mark, UNKNOWN_SETS_MARKS}, {"CONNMARK", NULL, UNKNOWN_SETS_MARKS},
	{"AUDIT", NULL, UNKNOWN_GOES_ON},	{"CHECKSUM", NULL, UNKNOWN_GOES_ON},
	{"CLASSIFY", NULL, UNKNOWN_GOES_ON},	{"CONNSECMARK", NULL, UNKNOWN_GOES_ON},
	{"CT", NULL, UNKNOWN_GOES_ON},		{"DSCP", NULL, UNKNOWN_GOES_ON},
	{"ECN", NULL, UNKNOWN_GOES_ON},		{"HL", NULL, UNKNOWN_GOES_ON},
	{"LOG", NULL, UNKNOWN_GOES_ON},		{"NFLOG", NULL, UNKNOWN_GOES_ON},
	{"NOTRACK", NULL, UNKNOWN_GOES_ON},	{"SECMARK", NULL, UNKNOWN_GOES_ON},
	{"SET", NULL, UNKNOWN_GOES_ON},		{"TCPMSS", NULL, UNKNOWN_GOES_ON},
	{"TCPOPTSTRIP", NULL, UNKNOWN_GOES_ON}, {"TEE", NULL, UNKNOWN_GOES_ON},
	{"TOS", NULL, UNKNOWN_GOES_ON},		{"TRACE", NULL, UNKNOWN_GOES_ON},
	{"TTL", NULL, UNKNOWN_GOES_ON},
};

/* ---- whatever it is ---- */

/* Matches that say one thing now and another then of the same packet. */
static bool has_state(const char *name)
{
	static const char *const with[] = {"limit",	"hashlimit", "connlimit", "recent", "quota",
					   "statistic", "connbytes", "set",	  "nfacct", NULL};

	for (const char *const *w = with; *w; w++)
		if (!strcmp(*w, name))
			return true;
	return false;
}

static void push_unknown(struct machine *m, enum ir_unknown_kind kind, const char *what,
			 const struct xt *x, struct tlv bytes)
{
	struct ir_stmt *s = machine_stmt(m, IR_UNKNOWN);
	const char *text = read_odd(
		m->a, arena_printf(m->a, "xt %s %s.%u", what, x->name, (unsigned)x->revision),
		bytes);

	s->unknown.kind = kind;
	s->unknown.text =
		has_state(x->name) ? arena_printf(m->a, "%s of %s", text, m->place) : text;
}

static void read_match(struct machine *m, const struct xt *x, const struct raw_expr *e)
{
	size_t before = m->out->stmts.n;

	for (size_t i = 0; e->attrs.whole && i < sizeof(matches) / sizeof(matches[0]); i++)
		if (!strcmp(matches[i].name, x->name) && matches[i].read(m, x))
			return;
	m->out->stmts.n = before;
	if (strcmp(x->name, "comment") != 0)
		push_unknown(m, UNKNOWN_MATCH, "match", x, e->bytes);
}

static void read_target(struct machine *m, const struct xt *x, const struct raw_expr *e)
{
	enum ir_unknown_kind kind = UNKNOWN_ENDS;
	size_t before = m->out->stmts.n;

	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		if (strcmp(targets[i].name, x->name) != 0)
			continue;
		if (targets[i].read && e->attrs.whole && targets[i].read(m, x))
			return;
		kind = targets[i].kind;
	}
	m->out->stmts.n = before;
	push_unknown(m, kind, "target", x, e->bytes);
}

bool read_xt(struct machine *m, const struct raw_expr *e)
{
	/* both have name, revision and information in this order */
	struct xt x = {.name = read_text(m->a, e->attrs.v[NFTA_MATCH_NAME]),
		       .revision = tlv_number(e->attrs.v[NFTA_MATCH_REV]),
		       .info = e->attrs.v[NFTA_MATCH_INFO]};

	if (!x.name)
		return false;
	if (!strcmp(e->name, "match"))
		read_match(m, &x, e);
	else if (!strcmp(e->name, "target"))
		read_target(m, &x, e);
	else
		return false;
	return true;
}
