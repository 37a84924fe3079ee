/* SPDX-License-Identifier: GPL-2.0-or-later
 * Headers, or a line of the kernel's log -> struct observed -> text, JSON.
 */
#include "nft/observed.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "nft/nft.h"
#include "util/number.h"

static const char *const flag_names[] = {"fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"};

static const struct {
	uint8_t number;
	const char *name, *log; /* log: the kernel's spelling there */
} protocols[] = {
	{IPPROTO_TCP, "tcp", "TCP"},	{IPPROTO_UDP, "udp", "UDP"},
	{IPPROTO_ICMP, "icmp", "ICMP"}, {IPPROTO_ICMPV6, "icmpv6", "ICMPv6"},
	{IPPROTO_SCTP, "sctp", "SCTP"}, {IPPROTO_DCCP, "dccp", "DCCP"},
	{IPPROTO_GRE, "gre", "GRE"},	{IPPROTO_UDPLITE, "udplite", "UDPLITE"},
	{IPPROTO_ESP, "esp", "ESP"},	{IPPROTO_AH, "ah", "AH"},
	{IPPROTO_IGMP, "igmp", "IGMP"},
};

#define NPROTOCOLS (sizeof(protocols) / sizeof(protocols[0]))

static bool has_ports(uint8_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP ||
	       proto == IPPROTO_DCCP || proto == IPPROTO_UDPLITE;
}

static bool is_icmp(const struct observed *p)
{
	return p->has_proto && p->proto == (p->family == FAM_IP6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
}

/* ---- headers: RFC 791, 8200, 9293, 792 ---- */

static u128 number(const uint8_t *p, size_t n)
{
	u128 x = 0;

	while (n--)
		x = x << 8 | *p++;
	return x;
}

static void read_transport(struct observed *p, const uint8_t *h, size_t n)
{
	if (p->has_proto && has_ports(p->proto) && n >= 4) {
		p->has_ports = true;
		p->sport = (uint16_t)number(h, 2);
		p->dport = (uint16_t)number(h + 2, 2);
	}
	if (p->has_proto && p->proto == IPPROTO_TCP && n >= 14) {
		p->has_flags = true;
		p->flags = h[13];
	}
	if (is_icmp(p) && n >= 2) {
		p->has_type = true;
		p->type = h[0];
		p->code = h[1];
	}
}

/* Numbers of headers that only stand before another one; which, the 40 bytes do not say. */
static bool is_extension(uint8_t next)
{
	return next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_FRAGMENT ||
	       next == IPPROTO_DSTOPTS;
}

bool observed_of_headers(struct observed *p, const uint8_t *network, size_t nnetwork,
			 const uint8_t *transport, size_t ntransport)
{
	if (nnetwork >= 20 && network[0] >> 4 == 4) {
		p->family = FAM_IP4;
		p->proto = network[9];
		p->has_proto = true;
		p->saddr = number(network + 12, 4);
		p->daddr = number(network + 16, 4);
		if (number(network + 6, 2) & 0x1fff) /* a later fragment */
			ntransport = 0;
	} else if (nnetwork >= 40 && network[0] >> 4 == 6) {
		p->family = FAM_IP6;
		p->proto = network[6];
		p->has_proto = !is_extension(p->proto);
		p->saddr = number(network + 8, 16);
		p->daddr = number(network + 24, 16);
	} else {
		return false;
	}
	read_transport(p, transport, ntransport);
	return true;
}

/* ---- the kernel's log: KEY=VALUE and bare words; in brackets the packet that an ICMP error is
 * about ---- */

static void log_name(char *to, const char *value, size_t n)
{
	if (n >= OBSERVED_NAME)
		n = OBSERVED_NAME - 1;
	memcpy(to, value, n);
	to[n] = '\0';
}

static void log_address(struct observed *p, u128 *to, const char *value, size_t n)
{
	addr_parse(value, n, &p->family, to);
}

static void log_protocol(struct observed *p, const char *value, size_t n)
{
	uint64_t number;

	p->has_proto = true;
	p->proto = number_read(value, n, 0, 255, &number) ? (uint8_t)number : 0;
	for (size_t i = 0; i < NPROTOCOLS; i++)
		if (strlen(protocols[i].log) == n && !memcmp(protocols[i].log, value, n))
			p->proto = protocols[i].number;
}

static void log_pair(struct observed *p, const char *key, size_t nkey, const char *value, size_t n)
{
	uint64_t x = 0;

	number_any(value, n, UINT32_MAX, &x);
	if (nkey == 2 && !memcmp(key, "IN", 2))
		log_name(p->in, value, n);
	else if (nkey == 4 && !memcmp(key, "CODE", 4))
		p->code = (uint8_t)x;
	else if (nkey == 4 && !memcmp(key, "MARK", 4))
		p->mark = (uint32_t)x;
	else if (nkey == 5 && !memcmp(key, "PROTO", 5))
		log_protocol(p, value, n);
	else if (nkey == 4 && !memcmp(key, "TYPE", 4)) {
		p->has_type = true;
		p->type = (uint8_t)x;
	} else if (nkey != 3)
		return;
	else if (!memcmp(key, "OUT", 3))
		log_name(p->out, value, n);
	else if (!memcmp(key, "SRC", 3))
		log_address(p, &p->saddr, value, n);
	else if (!memcmp(key, "DST", 3))
		log_address(p, &p->daddr, value, n);
	else if (!memcmp(key, "SPT", 3))
		p->sport = (uint16_t)x;
	else if (!memcmp(key, "DPT", 3)) {
		p->has_ports = true;
		p->dport = (uint16_t)x;
	}
}

static void log_flag(struct observed *p, const char *word, size_t n)
{
	static const char *const names[] = {"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"};

	for (int i = 0; i < 8; i++)
		if (n == 3 && !memcmp(word, names[i], 3))
			p->flags |= (uint8_t)(1 << i);
}

/* The words at the beginning, in the kernel's order: interfaces, what it says of the link,
 * addresses. Other messages that begin with a name of the caller's choice go on otherwise. */
static bool is_log(const char *text)
{
	static const char *const link[] = {"PHYSIN=",	"PHYSOUT=", "MACSRC=", "MACDST=",
					   "MACPROTO=", "MAC=",	    "VPROTO=", "VID="};
	static const char *const ends[] = {"IN=", "OUT="};

	for (int i = 0; i < 2; i++) {
		size_t key = strlen(ends[i]), n = strcspn(text, " ");

		/* dev_valid_name() of the kernel */
		if (strncmp(text, ends[i], key) || text[n] != ' ' || n - key >= OBSERVED_NAME ||
		    memchr(text + key, ':', n - key) || memchr(text + key, '/', n - key))
			return false;
		text += n + strspn(text + n, " ");
	}
	for (size_t i = 0; i < sizeof(link) / sizeof(link[0]); i++) {
		if (strncmp(text, link[i], strlen(link[i])) != 0)
			continue;
		text += strcspn(text, " ");
		text += strspn(text, " ");
		i = (size_t)-1; /* the next may be any of them */
	}
	return !strncmp(text, "SRC=", 4);
}

bool observed_of_log(struct observed *p, const char *text)
{
	*p = (struct observed){0};
	if (!is_log(text))
		return false;
	while (*text && *text != '[') {
		size_t n = strcspn(text, " \n"), key = strcspn(text, "= \n");

		if (key < n)
			log_pair(p, text, key, text + key + 1, n - key - 1);
		else
			log_flag(p, text, n);
		text += n + (text[n] != '\0');
	}
	p->has_flags = p->has_ports && p->proto == IPPROTO_TCP;
	if (!p->has_flags)
		p->flags = 0;
	return p->family != FAM_NONE;
}

/* ---- out ---- */

static void put_end(struct buf *b, const struct observed *p, u128 addr, uint16_t port)
{
	bool brackets = p->family == FAM_IP6 && p->has_ports;

	buf_puts(b, brackets ? "[" : "");
	addr_print(b, p->family, addr);
	buf_puts(b, brackets ? "]" : "");
	if (p->has_ports)
		buf_printf(b, ":%u", port);
}

static const char *protocol_name(const struct observed *p)
{
	for (size_t i = 0; i < NPROTOCOLS; i++)
		if (protocols[i].number == p->proto)
			return protocols[i].name;
	return NULL;
}

static void put_type(struct buf *b, const struct observed *p)
{
	bool six = p->family == FAM_IP6;

	buf_putc(b, ' ');
	emit_value(b, six ? F_ICMPV6_TYPE : F_ICMP_TYPE, (struct ival){p->type, p->type});
	if (p->code)
		buf_printf(b, " code %u", p->code);
}

void observed_print(struct buf *b, const struct observed *p)
{
	const char *name = protocol_name(p);

	put_end(b, p, p->saddr, p->sport);
	buf_puts(b, " -> ");
	put_end(b, p, p->daddr, p->dport);
	if (p->has_proto && name)
		buf_printf(b, " %s", name);
	else if (p->has_proto)
		buf_printf(b, " protocol %u", p->proto);
	if (p->has_type)
		put_type(b, p);
	for (int i = 0; p->has_flags && i < 8; i++)
		if (p->flags & 1 << i)
			buf_printf(b, " %s", flag_names[i]);
}

static void set_address(json_t *to, const char *key, const struct observed *p, u128 addr)
{
	struct buf b = {0};

	addr_print(&b, p->family, addr);
	json_object_set_new(to, key, json_string(buf_str(&b)));
	buf_free(&b);
}

void observed_json(json_t *to, const struct observed *p)
{
	const char *name = protocol_name(p);
	json_t *flags = p->has_flags ? json_array() : NULL;

	set_address(to, "from", p, p->saddr);
	set_address(to, "to", p, p->daddr);
	if (p->has_proto)
		json_object_set_new(to, "protocol",
				    name ? json_string(name) : json_integer(p->proto));
	if (p->has_ports) {
		json_object_set_new(to, "sport", json_integer(p->sport));
		json_object_set_new(to, "dport", json_integer(p->dport));
	}
	if (p->has_type) {
		json_object_set_new(to, "type", json_integer(p->type));
		json_object_set_new(to, "code", json_integer(p->code));
	}
	for (int i = 0; flags && i < 8; i++)
		if (p->flags & 1 << i)
			json_array_append_new(flags, json_string(flag_names[i]));
	if (flags)
		json_object_set_new(to, "flags", flags);
	if (p->mark)
		json_object_set_new(to, "mark", json_integer(p->mark));
}

bool observed_same_ends(const struct observed *a, const struct observed *b)
{
	return a->family == b->family && a->saddr == b->saddr && a->daddr == b->daddr &&
	       a->sport == b->sport && a->dport == b->dport;
}
