/* SPDX-License-Identifier: GPL-2.0-or-later
 * words -> addresses, networks and ranges: mostly what may be wrong with one.
 */
#include <string.h>

#include "lang/parse.h"
#include "util/number.h"

/* "255.255.255.0" -> 24; -1 if it is no netmask. */
static int mask_length(const char *s, size_t n)
{
	enum family family;
	u128 mask, host;

	if (!addr_parse(s, n, &family, &mask) || family != FAM_IP4)
		return -1;
	host = u128_max(32) & ~mask;
	if (host & (host + 1))
		return -1;
	return ival_prefixlen((struct ival){0, host}, 32);
}

/* Writes the network that holds `addr` to the buffer, "10.0.0.0/24". */
static void print_network(struct buf *b, enum family family, u128 addr, unsigned len)
{
	unsigned bits = family == FAM_IP4 ? 32 : 128;
	u128 host = len >= bits ? 0 : u128_max((int)(bits - len));

	addr_print(b, family, addr & ~host);
	buf_printf(b, "/%u", len);
}

static void prefix_error(struct parser *p, struct span at, const char *s, size_t n, const char *why)
{
	size_t slash = (size_t)((const char *)memchr(s, '/', n) - s);
	struct diag_record *r;
	struct buf b = {0};
	enum family family;
	uint64_t len;
	u128 addr;

	if (!addr_parse(s, slash, &family, &addr)) {
		diag_error(p->diag, at, "'%.*s' is not an address", (int)slash, s);
		return;
	}
	if (mask_length(s + slash + 1, n - slash - 1) >= 0 && family == FAM_IP4) {
		r = diag_error(p->diag, at, "'/' takes a prefix length, not a netmask");
		print_network(&b, family, addr,
			      (unsigned)mask_length(s + slash + 1, n - slash - 1));
		diag_hint(p->diag, r, "write %s", b.data);
	} else if (number_read(s + slash + 1, n - slash - 1, 0, family == FAM_IP4 ? 32 : 128,
			       &len)) {
		r = diag_error(p->diag, at, "'%.*s' has bits set beyond its prefix length", (int)n,
			       s);
		print_network(&b, family, addr, (unsigned)len);
		diag_hint(p->diag, r, "the network is %s, the host alone %.*s", b.data, (int)slash,
			  s);
	} else {
		diag_error(p->diag, at, "'%.*s': %s", (int)n, s, why);
	}
	buf_free(&b);
}

/* 10.0.0.5-10: the last byte alone behind the dash. */
static bool short_range_error(struct parser *p, struct span at, const char *s, size_t n,
			      size_t dash)
{
	struct buf b = {0};
	enum family family;
	uint64_t last;
	u128 lo;

	if (!addr_parse(s, dash, &family, &lo) || family != FAM_IP4 ||
	    !number_read(s + dash + 1, n - dash - 1, 0, 255, &last))
		return false;
	addr_print(&b, family, (lo & ~(u128)255) | last);
	diag_hint(p->diag, diag_error(p->diag, at, "write both ends of a range in full"),
		  "write %.*s-%s", (int)dash, s, b.data);
	buf_free(&b);
	return true;
}

static void range_error(struct parser *p, struct span at, const char *s, size_t n, const char *why)
{
	size_t dash = (size_t)((const char *)memchr(s, '-', n) - s);
	enum family family;
	struct diag_record *r;
	u128 lo, hi;

	if (short_range_error(p, at, s, n, dash))
		return;
	if (!addr_parse(s, dash, &family, &lo) ||
	    !addr_parse(s + dash + 1, n - dash - 1, &family, &hi)) {
		r = diag_error(p->diag, at, "'%.*s' is not a range of addresses", (int)n, s);
		if (!dash && word_is_name(arena_strndup(p->arena, s + 1, n - 1)))
			diag_hint(p->diag, r, "write !%.*s", (int)n - 1, s + 1);
		return;
	}
	r = diag_error(p->diag, at, "'%.*s': %s", (int)n, s, why);
	if (lo > hi)
		diag_hint(p->diag, r, "write %.*s-%.*s", (int)(n - dash - 1), s + dash + 1,
			  (int)dash, s);
}

static size_t colons(const char *s, size_t n)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		found += s[i] == ':';
	return found;
}

/* 10.0.0.1:80 or NAME:80 */
static bool has_port(struct parser *p, const char *s, size_t n)
{
	size_t colon = n;
	enum family family;
	u128 addr;

	while (colon && s[colon - 1] != ':')
		colon--;
	return colon > 1 && (addr_parse(s, colon - 1, &family, &addr) ||
			     word_is_name(arena_strndup(p->arena, s, colon - 1)));
}

/* 192.000.002.043: padded, or octal as inet_aton(3) reads it? */
static bool zeros_error(struct parser *p, struct span at, const char *s, size_t n)
{
	struct buf b = {0};
	enum family family;
	const char *why;
	struct ival iv;
	bool found;

	for (size_t i = 0; i < n; i++) {
		bool first = !i || strchr(".-:", s[i - 1]);

		while (first && s[i] == '0' && i + 1 < n && s[i + 1] >= '0' && s[i + 1] <= '9')
			i++;
		buf_putc(&b, s[i]);
	}
	found = b.len < n && memchr(s, '.', n) &&
		addr_parse_range(buf_str(&b), b.len, &family, &iv, &why);
	if (found)
		diag_hint(p->diag,
			  diag_error(p->diag, at,
				     "'%.*s' has leading zeros, which some programs read as octal",
				     (int)n, s),
			  "if its numbers are decimal, write %s", buf_str(&b));
	buf_free(&b);
	return found;
}

/* 22/tcp or tcp/22: a service where a side of a rule should stand. */
static bool service_error(struct parser *p, struct span at, const char *s, size_t n,
			  enum item_place where)
{
	struct diag_record *r;
	static const char *const protos[] = {"tcp", "udp", NULL};
	const char *slash = memchr(s, '/', n);
	size_t left = slash ? (size_t)(slash - s) : 0, right = slash ? n - left - 1 : 0;
	uint64_t port;
	const char *proto;

	if (slash && word_in(protos, s, left) && number_read(slash + 1, right, 0, PORT_MAX, &port))
		proto = s;
	else if (slash && word_in(protos, slash + 1, right) &&
		 number_read(s, left, 0, PORT_MAX, &port))
		proto = slash + 1;
	else
		return false;
	r = diag_error(p->diag, at, "'%.*s' is a service; it goes after FROM -> TO", (int)n, s);
	if (where == ITEM_OF_RULE)
		diag_hint(p->diag, r, "write: any -> self %.*s/%u", 3, proto, (unsigned)port);
	return true;
}

/* A name that only a resolver knows. */
static void name_error(struct parser *p, struct span at, const char *s, size_t n,
		       enum item_place where)
{
	struct diag_record *r = diag_error(p->diag, at, "'%.*s' is not an address", (int)n, s);

	switch (where) {
	case ITEM_OF_RULE:
		diag_hint(p->diag, r, "define a host, and name it here: host NAME = dns \"%.*s\"",
			  (int)n, s);
		return;
	case ITEM_OF_SET:
	case ITEM_OF_HOST:
		diag_hint(p->diag, r, "write: dns \"%.*s\"", (int)n, s);
		return;
	case ITEM_OF_TARGET:
		diag_hint(p->diag, r, "names of DNS are no targets: write the address");
		return;
	}
}

/* The address of a station where only those of IP go; or one written as other systems do. */
static bool mac_error(struct parser *p, struct span at, const char *s, size_t n,
		      enum item_place where)
{
	char pairs[18] = "";
	const char *colons_ = pairs;
	u128 mac;

	if (mac_parse(s, n, &mac)) {
		struct diag_record *r =
			diag_error(p->diag, at,
				   where == ITEM_OF_TARGET ? "a MAC address cannot be a target"
							   : "a MAC address cannot go here");

		if (where == ITEM_OF_TARGET)
			diag_hint(p->diag, r, "write the IP address of the host");
		else
			diag_hint(p->diag, r,
				  "declare host NAME = %.*s, and write NAME in FROM of rules",
				  (int)n, s);
		return true;
	}
	for (size_t i = 0; i < n && n == 17; i++)
		pairs[i] = s[i] == '-' ? ':' : s[i];
	if (n == 14 && s[4] == '.' && s[9] == '.') /* aabb.ccdd.eeff */
		colons_ = arena_printf(p->arena, "%.2s:%.2s:%.2s:%.2s:%.2s:%.2s", s, s + 2, s + 5,
				       s + 7, s + 10, s + 12);
	if (!mac_parse(colons_, strlen(colons_), &mac))
		return false;
	diag_hint(p->diag, diag_error(p->diag, at, "MAC addresses are written with colons"),
		  "write %s", colons_);
	return true;
}

/* "aa:bb:cc:dd:ee": as a MAC address is written, whatever their number. */
static bool is_pairs(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((s[i] == ':') != (i % 3 == 2))
			return false;
	return n % 3 == 2;
}

/* Networks, ranges and addresses in a zone as other programs write them; NAME:PORT. */
static bool other_form(struct parser *p, struct span at, const char *s, size_t n,
		       enum item_place where)
{
	const char *network = hint_network(p->arena, s, n), *range = hint_range(p->arena, s, n);
	const char *colon = memchr(s, ':', n);
	size_t left = colon ? (size_t)(colon - s) : 0, right = n - left - (colon ? 1 : 0);
	const char *name = colon ? arena_strndup(p->arena, s, left) : "";
	const char *rest = colon ? arena_strndup(p->arena, colon + 1, right) : "";
	enum family family;
	struct ival iv;
	const char *why;
	bool port = *rest && strspn(rest, "0123456789") == right;
	const char *slash = memchr(s, '/', n);
	uint64_t big;

	if (where == ITEM_OF_RULE && number_read(s, n, 0, PORT_MAX, &big)) {
		diag_hint(
			p->diag,
			diag_error(p->diag, at, "a port goes after FROM -> TO, with its protocol"),
			"write any -> self tcp/%.*s", (int)n, s);
	} else if (where == ITEM_OF_TARGET && slash &&
		   addr_parse(s, (size_t)(slash - s), &family, &iv.lo) &&
		   number_read(slash + 1, n - (size_t)(slash - s) - 1, 33, PORT_MAX, &big)) {
		diag_hint(p->diag, diag_error(p->diag, at, "the port of a target follows ':'"),
			  family == FAM_IP4 ? "write %.*s:%u" : "write [%.*s]:%u", (int)(slash - s),
			  s, (unsigned)big);
	} else if (network || range) {
		diag_hint(p->diag,
			  diag_error(p->diag, at,
				     network ? "a network is written with its prefix length"
					     : "a range of addresses is written LOW-HIGH"),
			  "write %s", network ? network : range);
	} else if (where == ITEM_OF_RULE && port &&
		   (word_is_name(name) || addr_parse(s, left, &family, &iv.lo))) {
		diag_hint(p->diag,
			  diag_error(p->diag, at, "ports go after the destination, as services"),
			  "write %s tcp/%s or %s udp/%s", name, rest, name, rest);
	} else if (where == ITEM_OF_RULE && word_is_name(name) &&
		   (addr_parse_range(rest, right, &family, &iv, &why) || word_is_name(rest))) {
		diag_hint(p->diag, diag_error(p->diag, at, "'%.*s' is not an address", (int)n, s),
			  "the zone goes after its addresses: write %s@%s", rest, name);
	} else {
		return false;
	}
	return true;
}

static void address_error(struct parser *p, struct span at, const char *s, size_t n,
			  const char *why, enum item_place where)
{
	const char *percent = memchr(s, '%', n);

	if (zeros_error(p, at, s, n) || service_error(p, at, s, n, where) ||
	    mac_error(p, at, s, n, where) || other_form(p, at, s, n, where))
		return;
	if (percent)
		diag_hint(p->diag,
			  diag_error(p->diag, at, "write an address without its interface"),
			  "write %.*s@ZONE where it matters", (int)(percent - s), s);
	else if (where == ITEM_OF_SET && n > 8 && !strncmp(s, "https://", 8))
		diag_hint(p->diag, diag_error(p->diag, at, "a URL is written as a string"),
			  "write: url \"%.*s\"", (int)n, s);
	else if (memchr(s, '/', n))
		prefix_error(p, at, s, n, why);
	else if (memchr(s, '-', n))
		range_error(p, at, s, n, why);
	else if (colons(s, n) > 1 && strspn(s, "0123456789abcdefABCDEF.:") >= n)
		diag_hint(p->diag, diag_error(p->diag, at, "'%.*s' is not an address", (int)n, s),
			  is_pairs(s, n) ? "a MAC address has six pairs of digits"
					 : "IPv6 has eight groups of up to four digits; '::' "
					   "replaces groups of zeros, once");
	else if (has_port(p, s, n))
		diag_hint(p->diag, diag_error(p->diag, at, "a port cannot go here"),
			  "ports go after the destination, as services: tcp/443");
	else if (strspn(s, "0123456789.:abcdefABCDEF") >= n)
		diag_error(p->diag, at, "'%.*s' is not an address", (int)n, s);
	else if (memchr(s, '.', n))
		name_error(p, at, s, n, where);
	else if (n == 1 && s[0] == '*')
		diag_hint(p->diag, diag_error(p->diag, at, "'*' is not an address"),
			  where == ITEM_OF_RULE ? "everything, this machine included: write any"
						: "all addresses: write 0.0.0.0/0, ::/0");
	else
		diag_hint(
			p->diag,
			diag_error(p->diag, at, "'%.*s' is neither a name nor an address", (int)n,
				   s),
			"names are made of letters, digits, _ and -, and begin with a letter or _");
}

bool address_of_text(const char *s, size_t n, enum family *family, struct ival *out,
		     const char **why)
{
	if (!addr_parse_range(s, n, family, out, why))
		return false;
	/* Who writes ::ffff:192.0.2.1 means IPv4; ::ffff:0:0/96, of lists of what must not be on a
	 * wire, is something else. */
	if (memchr(s, '.', n) && out->hi - out->lo < u128_max(32))
		addr_unmap_range(family, out);
	return true;
}

bool parse_address(struct parser *p, struct span at, const char *s, size_t n, enum family *family,
		   struct ival *out, enum item_place where)
{
	const char *why;

	if (address_of_text(s, n, family, out, &why))
		return true;
	*family = FAM_IP4;
	*out = (struct ival){0, 0};
	address_error(p, at, s, n, why, where);
	return false;
}

bool ast_parse_address(struct span at, struct arena *a, struct diag *diag, enum family *family,
		       struct ival *out)
{
	struct parser p = {.arena = a, .diag = diag};

	return parse_address(&p, at, at.src->text + at.off, at.len, family, out, ITEM_OF_SET);
}
