/* SPDX-License-Identifier: GPL-2.0-or-later
 * Matches of what no dimension of a packet is by itself: the ends and the protocol of its
 * connection, and whom the link addressed. Of most packets it is told by others; of the rest it is
 * a condition.
 */
#include <net/if_arp.h>
#include <netinet/in.h>

#include "nft/nft.h"
#include "space/mean_match.h"

#define STATUS_SRC_NAT 16 /* IPS_SRC_NAT */
#define STATUS_DST_NAT 32
#define GROUP_BIT ((u128)1 << 40) /* of an Ethernet address: its first byte is odd */

static dd_ref either(struct mean *m, dd_ref when, dd_ref a, dd_ref b)
{
	return dd_or(m->dd, dd_and(m->dd, when, a), dd_and(m->dd, dd_not(m->dd, when), b));
}

/* The same asked of a field of the packet. */
static dd_ref of_packet(struct mean *m, const struct ir_stmt *s, const struct ir_set *set,
			enum field f)
{
	struct ir_stmt x = *s;

	x.match.sel.f[0] = f;
	x.match.op = OP_EQ;
	return match_stmt(m, &x, set);
}

static dd_ref condition(struct mean *m, const struct ir_stmt *s)
{
	struct ir_stmt plain = *s;
	struct buf b = {0};
	dd_ref held;

	plain.match.op = OP_EQ;
	buf_puts(&b, "not understood: ");
	emit_rule(&b, &(struct ir_rule){.stmts = {.v = &plain, .n = 1}});
	held = schema_condition(&m->schema, buf_str(&b));
	buf_free(&b);
	return held;
}

/* No translation of these kinds that is known. */
static dd_ref untranslated(struct mean *m, unsigned bits)
{
	struct ival none = {0, 0};

	return schema_ranges(&m->schema, DIM_CT_STATUS, 16, &none, 1, bits, DD_TRUE);
}

/* A packet that opens a connection has its ends, but where a translation was before it was asked;
 * an answer has them the other way round. What is related to a connection may be of another. */
static dd_ref end_match(struct mean *m, const struct ir_stmt *s, const struct ir_set *set)
{
	static const enum field packet[2][2] = {{F_IP_SADDR, F_IP_DADDR},
						{F_IP6_SADDR, F_IP6_DADDR}};
	unsigned end = s->match.sel.f[0] - F_CT_SADDR;
	bool v6 = end & 4, reply = end & 2, target = end & 1;
	unsigned moved = reply ? 0 : target ? STATUS_DST_NAT : STATUS_SRC_NAT;
	dd_ref opens = schema_one(&m->schema, DIM_CT_STATE, CT_NEW);
	dd_ref known = schema_one(&m->schema, DIM_CT_STATE, CT_ESTABLISHED);
	dd_ref answers = dd_and(m->dd, known, schema_one(&m->schema, DIM_CT_DIRECTION, 1));
	dd_ref told = dd_or(m->dd, dd_and(m->dd, opens, moved ? untranslated(m, moved) : DD_TRUE),
			    dd_and(m->dd, known, untranslated(m, STATUS_SRC_NAT | STATUS_DST_NAT)));
	dd_ref in = either(m, answers, of_packet(m, s, set, packet[v6][target ^ !reply]),
			   of_packet(m, s, set, packet[v6][target ^ reply]));

	return either(m, told, in, condition(m, s));
}

/* An error of ICMP is of the connection that it is about. */
static dd_ref protocol_match(struct mean *m, const struct ir_stmt *s, const struct ir_set *set)
{
	dd_ref icmp = dd_or(m->dd, schema_one(&m->schema, DIM_PROTO, IPPROTO_ICMP),
			    schema_one(&m->schema, DIM_PROTO, IPPROTO_ICMPV6));
	dd_ref error = dd_and(m->dd, icmp, schema_one(&m->schema, DIM_CT_STATE, CT_RELATED));

	return either(m, error, condition(m, s), of_packet(m, s, set, F_L4PROTO));
}

/* By the header of Ethernet; what this machine makes is its own. Other links tell it in other ways.
 */
static dd_ref kind_match(struct mean *m, const struct ir_stmt *s, const struct ir_elems *elems)
{
	struct ival group = {GROUP_BIT, GROUP_BIT};
	dd_ref several =
		schema_ranges(&m->schema, DIM_ETHER_DADDR, 48, &group, 1, GROUP_BIT, DD_TRUE);
	dd_ref all = schema_one(&m->schema, DIM_ETHER_DADDR, u128_max(48));
	dd_ref kinds[] = {dd_not(m->dd, several), all, dd_and(m->dd, several, dd_not(m->dd, all))};
	dd_ref own = schema_one(&m->schema, DIM_IIF, schema_no_interface(&m->schema));
	dd_ref ether = dd_and(m->dd, schema_one(&m->schema, DIM_LINK, 1),
			      schema_one(&m->schema, DIM_IIFTYPE, ARPHRD_ETHER));
	dd_ref in = DD_FALSE, in_own = DD_FALSE;
	const struct ir_elem *e;

	vec_each (elems, e) {
		for (unsigned k = 0; k < 3; k++)
			if (e->key[0].lo <= k && k <= e->key[0].hi)
				in = dd_or(m->dd, in, kinds[k]);
		if (!e->key[0].lo)
			in_own = DD_TRUE;
	}
	return either(m, own, in_own, either(m, ether, in, condition(m, s)));
}

dd_ref match_told(struct mean *m, const struct ir_stmt *s, const struct ir_set *set)
{
	enum field f = s->match.sel.f[0];

	if (s->match.sel.mask[0] && (f == F_PKTTYPE || f == F_CT_PROTO))
		return condition(m, s);
	if (f == F_PKTTYPE)
		return kind_match(m, s, set ? &set->elems : &s->match.values);
	return f == F_CT_PROTO ? protocol_match(m, s, set) : end_match(m, s, set);
}
