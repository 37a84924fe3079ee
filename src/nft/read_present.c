/* SPDX-License-Identifier: GPL-2.0-or-later
 * Loads of what a packet may lack -> matches that it is there: a load that finds nothing ends the
 * rule. What compares a field says so itself; before anything else is done with what was loaded, or
 * done at all, it has to be said.
 */
#include <linux/netfilter/nf_tables.h>
#include <netinet/in.h>

#include "nft/read_machine.h"

#define IP4_HEADER 20
#define IP6_HEADER 40
#define LINK_HEADER 14
#define TCP_HEADER 20
#define LEAST_HEADER 8 /* of UDP, and of ICMP */

static bool is_of_connection(enum field f)
{
	return f == F_CT_STATUS || f == F_CT_MARK || f == F_CT_DIRECTION || f == F_CT_L3PROTO ||
	       f == F_CT_DPORT || (field_is_told(f) && f != F_PKTTYPE);
}

static bool field_may_lack(enum field f)
{
	return is_of_connection(f) || f == F_CT_HELPER || f == F_SKUID || f == F_SKGID ||
	       f == F_IIFTYPE || f == F_OIFTYPE || f == F_IIFGROUP || f == F_OIFGROUP ||
	       field_is_cgroup(f);
}

static bool payload_may_lack(const struct machine *m, const struct slice *s)
{
	uint32_t end = s->offset + s->bytes;

	switch (s->base) {
	case NFT_PAYLOAD_NETWORK_HEADER:
		return end > (m->family == FAM_IP6 ? IP6_HEADER : IP4_HEADER);
	case NFT_PAYLOAD_TRANSPORT_HEADER:
		return end > (m->proto == IPPROTO_TCP ? TCP_HEADER : LEAST_HEADER);
	}
	return true;
}

static bool may_lack(const struct machine *m, const struct slice *s)
{
	switch (s->from) {
	case FROM_FIELD:
		return field_may_lack(s->field);
	case FROM_PAYLOAD:
		return payload_may_lack(m, s);
	case FROM_ELSEWHERE:
		return s->lack != LACKS_NEVER;
	case FROM_MAP:
		return s->hit != NULL;
	case FROM_VALUE:
	case FROM_NUMGEN:
	case FROM_SYMHASH:
	case FROM_JHASH:
	case FROM_PATH_MTU:
	case FROM_ETHERTYPE:
		break;
	}
	return false;
}

void machine_await(struct machine *m, const struct slice *s)
{
	if (!may_lack(m, s))
		return;
	if (m->nawaited == AWAITED)
		machine_say_awaited(m);
	m->awaited[m->nawaited++] = s;
}

void machine_said(struct machine *m, const struct slice *s)
{
	size_t n = 0;

	for (size_t i = 0; i < m->nawaited; i++)
		if (m->awaited[i] != s->of)
			m->awaited[n++] = m->awaited[i];
	m->nawaited = n;
}

void machine_found(struct machine *m, const struct slice *s)
{
	if (s->of->from != FROM_FIELD && s->of->lack != LACKS_CONNECTION)
		machine_said(m, s);
}

/* Whatever it is. */
static void match_any(struct machine *m, enum field f)
{
	machine_match_one(m, f, 0, OP_EQ, (struct ival){0, u128_max(field_table[f].bits)});
}

static void say(struct machine *m, const struct slice *s)
{
	struct ir_stmt *u;

	if (s->from == FROM_MAP) {
		*machine_stmt(m, s->hit->kind) = *s->hit;
	} else if (s->lack == LACKS_CONNECTION ||
		   (s->from == FROM_FIELD && is_of_connection(s->field))) {
		match_any(m, F_CT_STATUS);
	} else if (s->from == FROM_FIELD && s->field != F_CT_HELPER) {
		match_any(m, s->field);
	} else if (s->from == FROM_PAYLOAD && s->base == NFT_PAYLOAD_LL_HEADER &&
		   s->offset + s->bytes <= LINK_HEADER) {
		match_any(m, F_ETHER_SADDR);
	} else {
		u = machine_stmt(m, IR_UNKNOWN);
		u->unknown.kind = UNKNOWN_MATCH;
		u->unknown.text = s->from == FROM_PAYLOAD
					  ? arena_printf(m->a, "%s to byte %u is there", s->text,
							 s->offset + s->bytes)
					  : arena_printf(m->a, "%s is there", s->text);
	}
}

void machine_say_awaited(struct machine *m)
{
	size_t n = m->nawaited;

	m->nawaited = 0;
	for (size_t i = 0; i < n; i++)
		say(m, m->awaited[i]);
}
