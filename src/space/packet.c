/* SPDX-License-Identifier: GPL-2.0-or-later
 * A packet in words.
 */
#include "space/packet.h"

#include <netinet/in.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "nft/nft.h"

#define PLAIN_PORT 40000 /* a witness has it unless it matters */

static const char *const ct_words[NCTCODES] = {[CT_NEW] = "new",
					       [CT_ESTABLISHED] = "established",
					       [CT_RELATED] = "related",
					       [CT_UNTRACKED] = "untracked",
					       [CT_INVALID] = "invalid"};

static const struct {
	uint8_t number;
	const char *name;
} protocols[] = {{IPPROTO_ICMP, "icmp"},       {IPPROTO_ICMPV6, "icmpv6"},
		 {IPPROTO_TCP, "tcp"},	       {IPPROTO_UDP, "udp"},
		 {IPPROTO_SCTP, "sctp"},       {IPPROTO_DCCP, "dccp"},
		 {IPPROTO_UDPLITE, "udplite"}, {0, NULL}};

static bool has_ports(u128 proto)
{
	for (int i = 0; i < PORT_PROTOCOLS; i++)
		if (port_protocols[i] == proto)
			return true;
	return false;
}

void packet_service(struct buf *out, const struct packet *p)
{
	u128 proto = p->dim[DIM_PROTO];

	for (int i = 0; protocols[i].name; i++) {
		if (protocols[i].number != proto)
			continue;
		buf_printf(out, "%s/%u", protocols[i].name,
			   (unsigned)p->dim[has_ports(proto) ? DIM_DPORT : DIM_TYPE]);
		if (p->dim[DIM_CODE])
			buf_printf(out, "/%u", (unsigned)p->dim[DIM_CODE]);
		return;
	}
	buf_printf(out, "proto/%u", (unsigned)proto);
}

void packet_value(struct buf *out, struct mean *m, enum dim d, enum family fam, u128 value)
{
	if (d == DIM_SADDR || d == DIM_DADDR)
		addr_print(out, fam, value);
	else if (d == DIM_IIF || d == DIM_OIF || d == DIM_FIB_OIF)
		buf_puts(out, schema_name(&m->schema, (uint32_t)value));
	else if (d == DIM_CT_STATE)
		buf_puts(out, ct_words[value]);
	else if (d == DIM_ETHER_SADDR || d == DIM_ETHER_DADDR)
		mac_print(out, value);
	else if (d == DIM_FAMILY)
		buf_puts(out, value ? "6" : "4");
	else if (d == DIM_TIME && schema_ntimes(&m->schema) > 1)
		time_print(out, schema_second(&m->schema, value));
	else
		buf_printf(out, "%llu", (unsigned long long)value);
}

void packet_fields(struct buf *out, struct mean *m, const struct packet *p, const char *separator)
{
	enum family fam = p->dim[DIM_FAMILY] ? FAM_IP6 : FAM_IP4;

	for (int d = 0; d < NDIMS; d++) {
		buf_printf(out, "%s%s=", d ? separator : "", dim_table[d].name);
		packet_value(out, m, (enum dim)d, fam, p->dim[d]);
	}
	for (size_t i = 0; p->condition && i < p->nconditions; i++)
		buf_printf(out, "%sfree:%s=%d", separator, m->schema.texts.v[i], p->condition[i]);
}

static void print_interfaces(struct buf *out, struct mean *m, const struct packet *p)
{
	uint32_t none = schema_no_interface(&m->schema);

	if (p->dim[DIM_IIF] != none)
		buf_printf(out, ", arriving on %s",
			   schema_name(&m->schema, (uint32_t)p->dim[DIM_IIF]));
	if (p->dim[DIM_OIF] != none)
		buf_printf(out, ", leaving by %s",
			   schema_name(&m->schema, (uint32_t)p->dim[DIM_OIF]));
}

void packet_flags(struct buf *out, unsigned flags)
{
	static const char *const names[] = {"fin", "syn", "rst", "psh", "ack", "urg", "ecn", "cwr"};
	const char *sep = "";

	for (int i = 0; i < 8; i++) {
		if (flags >> i & 1) {
			buf_printf(out, "%s%s", sep, names[i]);
			sep = "+";
		}
	}
	if (!flags)
		buf_puts(out, "none");
}

void packet_print(struct buf *out, struct mean *m, const struct packet *p)
{
	enum family fam = p->dim[DIM_FAMILY] ? FAM_IP6 : FAM_IP4;

	buf_printf(out, "%s: ", ct_words[p->dim[DIM_CT_STATE]]);
	addr_print(out, fam, p->dim[DIM_SADDR]);
	buf_puts(out, " -> ");
	addr_print(out, fam, p->dim[DIM_DADDR]);
	buf_putc(out, ' ');
	packet_service(out, p);
	print_interfaces(out, m, p);
	if (has_ports(p->dim[DIM_PROTO]) && p->dim[DIM_SPORT] != PLAIN_PORT)
		buf_printf(out, ", source port %u", (unsigned)p->dim[DIM_SPORT]);
	if (p->dim[DIM_PROTO] == IPPROTO_TCP && !p->dim[DIM_FLAGS]) {
		buf_puts(out, ", no tcp flags");
	} else if (p->dim[DIM_PROTO] == IPPROTO_TCP && p->dim[DIM_FLAGS] != 2) {
		buf_puts(out, ", tcp flags ");
		packet_flags(out, (unsigned)p->dim[DIM_FLAGS]);
	}
	if (p->dim[DIM_DSCP])
		buf_printf(out, ", dscp %u", (unsigned)p->dim[DIM_DSCP]);
	if (p->dim[DIM_LINK] && (p->dim[DIM_ETHER_SADDR] || p->dim[DIM_ETHER_DADDR])) {
		buf_puts(out, ", from station ");
		mac_print(out, p->dim[DIM_ETHER_SADDR]);
	}
	if (p->dim[DIM_MARK])
		buf_printf(out, ", mark 0x%x", (unsigned)p->dim[DIM_MARK]);
	if (p->dim[DIM_CT_MARK])
		buf_printf(out, ", connection mark 0x%x", (unsigned)p->dim[DIM_CT_MARK]);
	if (p->dim[DIM_TIME] != schema_time_now(&m->schema)) {
		buf_puts(out, ", at ");
		time_print(out, schema_second(&m->schema, p->dim[DIM_TIME]));
	}
	if (p->dim[DIM_UID])
		buf_printf(out, ", user %u", (unsigned)p->dim[DIM_UID]);
	if (p->dim[DIM_GID])
		buf_printf(out, ", group %u", (unsigned)p->dim[DIM_GID]);
	if (p->dim[DIM_SECPATH])
		buf_puts(out, ", out of IPsec");
	if (p->dim[DIM_RT_IPSEC])
		buf_puts(out, ", into IPsec");
	if (p->dim[DIM_CT_STATUS] & 32)
		buf_puts(out, ", destination translated");
	if ((p->dim[DIM_CT_STATUS] & 32) && p->dim[DIM_CALLED])
		buf_printf(out, ", called by port %u", (unsigned)p->dim[DIM_CALLED]);
	if (p->dim[DIM_FIB_DADDR] == 2)
		buf_puts(out, ", to an address of this machine");
	for (size_t i = 0; p->condition && i < p->nconditions; i++)
		if (p->condition[i]) {
			buf_puts(out, ", while ");
			packet_condition(out, m->schema.texts.v[i]);
		}
}

static const char *protocol_name(u128 proto)
{
	for (int i = 0; protocols[i].name; i++)
		if (protocols[i].number == proto)
			return protocols[i].name;
	return NULL;
}

void packet_protocols(struct buf *out, const struct ivset *s)
{
	bool ranges = false;

	for (size_t i = 0; i < s->n; i++) {
		bool few = s->v[i].hi - s->v[i].lo < 3;

		for (u128 x = s->v[i].lo; few && x <= s->v[i].hi; x++) {
			const char *name = protocol_name(x);

			buf_puts(out, out->len ? ", " : "");
			if (name)
				buf_puts(out, name);
			else
				buf_printf(out, "protocol %u", (unsigned)x);
		}
		if (!few)
			buf_printf(out, "%s%s%u-%u", out->len ? ", " : "",
				   ranges ? "" : "protocols ", (unsigned)s->v[i].lo,
				   (unsigned)s->v[i].hi);
		ranges = !few;
	}
}

static bool put_end(struct buf *b, struct mean *m, const struct policy *policy, enum family fam,
		    u128 addr, uint32_t code)
{
	bool self = code == schema_no_interface(&m->schema);
	int zone = policy ? mean_zone_of(m, policy, code) : -1;

	addr_print(b, fam, addr);
	buf_printf(b, "@%s",
		   self	       ? "self"
		   : zone >= 0 ? policy->zones.v[zone].name
			       : schema_name(&m->schema, code));
	return self || zone >= 0 || !policy;
}

/* Translated, where rules go by that. */
static bool is_published(const struct policy *policy, const struct packet *p)
{
	return policy && policy_publishes(policy) && (p->dim[DIM_CT_STATUS] & 32 /* IPS_DST_NAT */);
}

/* What only the routes tell: no address says it. */
static bool is_net_broadcast(const struct packet *p)
{
	return p->dim[DIM_FIB_DADDR] == RTN_BROADCAST && p->dim[DIM_DADDR] != UINT32_MAX;
}

const char *packet_query(struct mean *m, const struct policy *policy, const struct packet *p,
			 enum station at)
{
	enum family fam = p->dim[DIM_FAMILY] ? FAM_IP6 : FAM_IP4;
	struct packet called = *p;
	const char *text;
	struct buf b = {0};
	/* a list takes addresses of either kind, never both of one packet */
	bool sayable = p->dim[DIM_CT_STATE] == CT_NEW && at <= AT_OUTPUT && !p->dim[DIM_SECPATH] &&
		       !p->dim[DIM_RT_IPSEC] && !is_net_broadcast(p) &&
		       !(p->dim[DIM_LINK] && p->dim[DIM_ETHER_SADDR]);

	sayable &= put_end(&b, m, policy, fam, p->dim[DIM_SADDR], (uint32_t)p->dim[DIM_IIF]);
	buf_puts(&b, " -> ");
	sayable &= put_end(&b, m, policy, fam, p->dim[DIM_DADDR], (uint32_t)p->dim[DIM_OIF]);
	buf_putc(&b, ' ');
	if (is_published(policy, p)) {
		called.dim[DIM_DPORT] = p->dim[DIM_CALLED];
		buf_puts(&b, "published ");
	}
	packet_service(&b, &called);
	if (has_ports(p->dim[DIM_PROTO]) && p->dim[DIM_SPORT] != PLAIN_PORT)
		buf_printf(&b, " from port %u", (unsigned)p->dim[DIM_SPORT]);
	if (p->dim[DIM_MARK])
		buf_printf(&b, " mark 0x%x", (unsigned)p->dim[DIM_MARK]);
	if (p->dim[DIM_UID])
		buf_printf(&b, " user %u", (unsigned)p->dim[DIM_UID]);
	if (p->dim[DIM_GID])
		buf_printf(&b, " group %u", (unsigned)p->dim[DIM_GID]);
	if (p->dim[DIM_DSCP])
		buf_printf(&b, " dscp %u", (unsigned)p->dim[DIM_DSCP]);
	text = sayable ? arena_strdup(m->arena, buf_str(&b)) : NULL;
	buf_free(&b);
	return text;
}
