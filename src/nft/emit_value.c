/* SPDX-License-Identifier: GPL-2.0-or-later
 * values of selectors -> the words of nft's language.
 */
#include <string.h>

#include "nft/nft.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

struct symbol {
	unsigned value;
	const char *name;
};

/* Only words that nft's grammar itself knows: others need /etc/protocols, which may be absent. */
static const struct symbol l4protos[] = {
	{1, "icmp"}, {2, "igmp"}, {6, "tcp"},	  {17, "udp"},	 {33, "dccp"},
	{50, "esp"}, {51, "ah"},  {58, "icmpv6"}, {132, "sctp"}, {136, "udplite"},
};
static const struct symbol nfprotos[] = {{2, "ipv4"}, {10, "ipv6"}};
static const struct symbol ct_states[] = {
	{1, "invalid"}, {2, "established"}, {4, "related"}, {8, "new"}, {64, "untracked"},
};
static const struct symbol ct_statuses[] = {
	{1, "expected"}, {2, "seen-reply"}, {4, "assured"}, {8, "confirmed"},
	{16, "snat"},	 {32, "dnat"},	    {512, "dying"},
};
static const struct symbol directions[] = {{0, "original"}, {1, "reply"}};
static const struct symbol tcp_flags[] = {
	{1, "fin"},  {2, "syn"},  {4, "rst"},  {8, "psh"},
	{16, "ack"}, {32, "urg"}, {64, "ecn"}, {128, "cwr"},
};
static const struct symbol icmp_types[] = {
	{0, "echo-reply"},	     {3, "destination-unreachable"},
	{4, "source-quench"},	     {5, "redirect"},
	{8, "echo-request"},	     {9, "router-advertisement"},
	{10, "router-solicitation"}, {11, "time-exceeded"},
	{12, "parameter-problem"},   {13, "timestamp-request"},
	{14, "timestamp-reply"},     {15, "info-request"},
	{16, "info-reply"},	     {17, "address-mask-request"},
	{18, "address-mask-reply"},
};
static const struct symbol icmpv6_types[] = {
	{1, "destination-unreachable"}, {2, "packet-too-big"},	      {3, "time-exceeded"},
	{4, "parameter-problem"},	{128, "echo-request"},	      {129, "echo-reply"},
	{130, "mld-listener-query"},	{131, "mld-listener-report"}, {132, "mld-listener-done"},
	{133, "nd-router-solicit"},	{134, "nd-router-advert"},    {135, "nd-neighbor-solicit"},
	{136, "nd-neighbor-advert"},	{137, "nd-redirect"},	      {138, "router-renumbering"},
	{141, "ind-neighbor-solicit"},	{142, "ind-neighbor-advert"}, {143, "mld2-listener-report"},
};
static const struct symbol packet_types[] = {
	{0, "host"}, {1, "broadcast"}, {2, "multicast"}, {3, "other"}};
static const struct symbol presence[] = {{0, "missing"}, {1, "exists"}};
static const struct symbol fib_types[] = {
	{1, "unicast"}, {2, "local"}, {3, "broadcast"}, {4, "anycast"}, {5, "multicast"},
};

static void put_symbol(struct buf *out, const struct symbol *v, size_t n, u128 x)
{
	for (size_t i = 0; i < n; i++) {
		if (v[i].value == x) {
			buf_puts(out, v[i].name);
			return;
		}
	}
	buf_decimal(out, (uint64_t)x);
}

/* One value, or several joined by commas where each bit has a name. */
static void put_bits(struct buf *out, const struct symbol *v, size_t n, u128 x)
{
	const char *comma = "";

	if (!x)
		buf_puts(out, "0x0");
	for (size_t i = 0; i < n; i++) {
		if (!(x & v[i].value))
			continue;
		buf_printf(out, "%s%s", comma, v[i].name);
		comma = ",";
		x &= ~(u128)v[i].value;
	}
	if (x)
		buf_printf(out, "%s0x%llx", comma, (unsigned long long)x);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

static void put_decimal(struct buf *out, struct ival v)
{
	buf_decimal(out, (uint64_t)v.lo);
	if (v.lo != v.hi) {
		buf_putc(out, '-');
		buf_decimal(out, (uint64_t)v.hi);
	}
}

static void put_number(struct buf *out, struct ival v, const char *fmt)
{
	buf_printf(out, fmt, (unsigned long long)v.lo);
	if (v.lo != v.hi) {
		buf_putc(out, '-');
		buf_printf(out, fmt, (unsigned long long)v.hi);
	}
}

#pragma GCC diagnostic pop

#define NANOSECONDS 1000000000u

/* nft knows whole seconds alone, and takes both ends in: the first nanosecond of the second. */
static void put_seconds(struct buf *out, struct ival v)
{
	put_decimal(out, (struct ival){(v.lo + NANOSECONDS - 1) / NANOSECONDS, v.hi / NANOSECONDS});
}

/* Ranges as numbers: many of the words have a dash of their own. */
static void put_range(struct buf *out, const struct symbol *v, size_t n, struct ival x)
{
	if (x.lo == x.hi)
		put_symbol(out, v, n, x.lo);
	else
		put_decimal(out, x);
}

/* By their numbers: nft has no number for several. */
static void put_labels(struct buf *out, u128 bits)
{
	const char *before = "(";

	if (!bits) {
		buf_putc(out, '0');
		return;
	}
	for (unsigned n = 0; n < 128; n++) {
		if (!(bits & label_bit(n)))
			continue;
		buf_printf(out, "%s%u", before, n);
		before = " | ";
	}
	buf_putc(out, ')');
}

void emit_value(struct buf *out, enum field f, struct ival v)
{
	switch (field_table[f].format) {
	case FMT_NUMBER:
	case FMT_HOUR:
	case FMT_DAY:
		put_decimal(out, v);
		break;
	case FMT_TIME:
		put_seconds(out, v);
		break;
	case FMT_HEX:
		put_number(out, v, "0x%08llx");
		break;
	case FMT_HEX8:
		put_number(out, v, "0x%llx");
		break;
	case FMT_IP4:
		addr_print_range(out, FAM_IP4, v);
		break;
	case FMT_IP6:
		addr_print_range(out, FAM_IP6, v);
		break;
	case FMT_ETHER:
		mac_print(out, v.lo);
		if (v.hi != v.lo) {
			buf_putc(out, '-');
			mac_print(out, v.hi);
		}
		break;
	case FMT_LABEL:
		put_labels(out, v.lo);
		break;
	case FMT_IFNAME:
		buf_putc(out, '"');
		ifname_print(out, v);
		buf_putc(out, '"');
		break;
	case FMT_L4PROTO:
		put_range(out, l4protos, COUNT(l4protos), v);
		break;
	case FMT_NFPROTO:
		put_range(out, nfprotos, COUNT(nfprotos), v);
		break;
	case FMT_CT_STATE:
		put_bits(out, ct_states, COUNT(ct_states), v.lo);
		break;
	case FMT_CT_STATUS:
		put_bits(out, ct_statuses, COUNT(ct_statuses), v.lo);
		break;
	case FMT_CT_DIRECTION:
		put_symbol(out, directions, COUNT(directions), v.lo);
		break;
	case FMT_TCP_FLAGS:
		put_bits(out, tcp_flags, COUNT(tcp_flags), v.lo);
		break;
	case FMT_ICMP:
		put_range(out, icmp_types, COUNT(icmp_types), v);
		break;
	case FMT_ICMPV6:
		put_range(out, icmpv6_types, COUNT(icmpv6_types), v);
		break;
	case FMT_FIB_TYPE:
		put_range(out, fib_types, COUNT(fib_types), v);
		break;
	case FMT_PRESENT:
		put_symbol(out, presence, COUNT(presence), v.lo);
		break;
	case FMT_PKTTYPE:
		put_range(out, packet_types, COUNT(packet_types), v);
		break;
	}
}

void emit_key(struct buf *out, const enum field *f, size_t n, const struct ival *key)
{
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_puts(out, " . ");
		emit_value(out, f[i], key[i]);
	}
}

/* ---- all of them ---- */

static bool in_symbols(const struct symbol *v, size_t count, const char *s, size_t n)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(v[i].name) == n && !memcmp(v[i].name, s, n))
			return true;
	return false;
}

/* One of the words of a field's name. */
static bool in_field(const char *name, const char *s, size_t n)
{
	while (name && *name) {
		size_t len = strcspn(name, " ");

		if (len == n && !memcmp(name, s, n))
			return true;
		name += len + strspn(name + len, " ");
	}
	return false;
}

bool emit_is_field(const char *s, size_t n)
{
	for (int f = 0; f < NFIELDS; f++)
		if (in_field(field_table[f].nft, s, n))
			return true;
	return false;
}

bool emit_is_symbol(const char *s, size_t n)
{
	return in_symbols(l4protos, COUNT(l4protos), s, n) ||
	       in_symbols(nfprotos, COUNT(nfprotos), s, n) ||
	       in_symbols(ct_states, COUNT(ct_states), s, n) ||
	       in_symbols(ct_statuses, COUNT(ct_statuses), s, n) ||
	       in_symbols(presence, COUNT(presence), s, n) ||
	       in_symbols(directions, COUNT(directions), s, n) ||
	       in_symbols(tcp_flags, COUNT(tcp_flags), s, n) ||
	       in_symbols(icmp_types, COUNT(icmp_types), s, n) ||
	       in_symbols(icmpv6_types, COUNT(icmpv6_types), s, n) ||
	       in_symbols(fib_types, COUNT(fib_types), s, n);
}
