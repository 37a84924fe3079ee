/* SPDX-License-Identifier: GPL-2.0-or-later
 * tokens -> items, FROM -> TO pairs and addresses.
 */
#include <string.h>

#include "lang/parse.h"
#include "util/number.h"

/* ---- addresses: mostly what may be wrong with one ---- */

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
		diag_error(p->diag, at, "'%.*s' is not a range of addresses", (int)n, s);
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
static bool service_error(struct parser *p, struct span at, const char *s, size_t n)
{
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
	diag_hint(
		p->diag,
		diag_error(p->diag, at, "'%.*s' is a service; it goes after FROM -> TO", (int)n, s),
		"write: any -> self %.*s/%u", 3, proto, (unsigned)port);
	return true;
}

/* A name that only a resolver could know. */
static void name_error(struct parser *p, struct span at, const char *s, size_t n,
		       enum item_place where)
{
	struct diag_record *r = diag_error(p->diag, at, "'%.*s' is not an address", (int)n, s);

	if (where == ITEM_OF_RULE)
		diag_hint(p->diag, r, "declare a name for it: host NAME = ADDRESS");
	else
		diag_hint(p->diag, r, "fwc looks up no names; write its addresses");
}

/* The address of a station where only those of IP go; or one written as other systems do. */
static bool mac_error(struct parser *p, struct span at, const char *s, size_t n,
		      enum item_place where)
{
	char colons_[18] = "";
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
		colons_[i] = s[i] == '-' ? ':' : s[i];
	if (n != 17 || !mac_parse(colons_, n, &mac))
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

static void address_error(struct parser *p, struct span at, const char *s, size_t n,
			  const char *why, enum item_place where)
{
	const char *percent = memchr(s, '%', n);

	if (zeros_error(p, at, s, n) || service_error(p, at, s, n) || mac_error(p, at, s, n, where))
		return;
	if (percent)
		diag_hint(p->diag,
			  diag_error(p->diag, at, "write an address without its interface"),
			  "write %.*s@ZONE where it matters", (int)(percent - s), s);
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
	else if (memchr(s, '*', n))
		diag_hint(p->diag, diag_error(p->diag, at, "'%.*s' is not an address", (int)n, s),
			  "write networks with a prefix length: 10.0.0.0/24");
	else if (strspn(s, "0123456789.:abcdefABCDEF") >= n)
		diag_error(p->diag, at, "'%.*s' is not an address", (int)n, s);
	else if (memchr(s, '.', n))
		name_error(p, at, s, n, where);
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

/* ---- items ---- */

static bool is_place(const char *s)
{
	return !strcmp(s, "any") || !strcmp(s, "self") || !strcmp(s, "zones");
}

static void missing_item(struct parser *p, enum item_place where)
{
	switch (where) {
	case ITEM_OF_RULE:
		if (p->tok.kind == TOK_ARROW)
			diag_hint(p->diag,
				  diag_error(p->diag, parse_here(p),
					     "the source is missing before '->'"),
				  "write any for everyone");
		else if (p->prev.kind == TOK_ARROW)
			diag_hint(p->diag,
				  diag_error(p->diag, parse_here(p),
					     "the destination is missing after '->'"),
				  "write any for everywhere, self for this machine");
		else
			diag_hint(p->diag,
				  diag_error(p->diag, parse_here(p),
					     "a zone, an address or a name is missing before %s",
					     parse_found(p)),
				  "a rule is written: allow FROM -> TO SERVICES");
		return;
	case ITEM_OF_SET:
	case ITEM_OF_HOST:
		diag_error(p->diag, parse_here(p), "an address or a name is missing before %s",
			   parse_found(p));
		return;
	case ITEM_OF_TARGET:
		diag_error(p->diag, parse_here(p), "a host or an address is missing before %s",
			   parse_found(p));
		return;
	}
}

/* A list that goes on behind its comma into the next statement. */
bool parse_dangling_comma(struct parser *p, bool over)
{
	if (p->prev.kind != TOK_COMMA || !(over || parse_begins_statement(p) || parse_at_end(p)))
		return false;
	diag_hint(
		p->diag,
		diag_error(p->diag, token_span(p->lex.src, p->prev), "nothing follows this comma"),
		"a list continues after a comma, on the next line too");
	return true;
}

static void reserved_item(struct parser *p, struct ast_word w)
{
	struct diag_record *r = diag_error(p->diag, w.span,
					   "'%s' is a reserved word, not a zone, host or set", w.s);

	if (word_in(verb_words, w.s, w.span.len))
		diag_hint(p->diag, r, "a rule is written: %s FROM -> TO SERVICES", w.s);
}

static bool parse_mac(struct parser *p, struct ast_word w, struct ast_item *out)
{
	u128 mac;

	if (!mac_parse(w.s, w.span.len, &mac))
		return false;
	out->kind = ITEM_MAC;
	out->addr = (struct ival){mac, mac};
	if (mac >> 40 & 1) /* IEEE 802: the bit that is sent first */
		diag_error(p->diag, w.span, "'%s' is a group's address, which no sender has", w.s);
	return true;
}

/* NAME | ADDRESS, as a word */
static bool parse_item_word(struct parser *p, struct ast_item *out, enum item_place where)
{
	struct ast_word w;

	if (p->tok.kind != TOK_WORD ||
	    (word_in(reserved_words, p->lex.src->text + p->tok.off, p->tok.len) &&
	     parse_begins_statement(p))) {
		if (p->tok.kind != TOK_BAD && !parse_dangling_comma(p, false))
			missing_item(p, where);
		return false;
	}
	w = parse_take_word(p);
	out->name = w;
	out->kind = ITEM_NAME;
	if (is_place(w.s)) {
		if (where != ITEM_OF_RULE)
			diag_error(p->diag, w.span, "'%s' is not a list of addresses", w.s);
		return true;
	}
	if (word_is_reserved(w.s)) {
		reserved_item(p, w);
		return false;
	}
	if (word_is_name(w.s)) {
		if (w.span.len > NAME_MAX_LEN)
			diag_error(p->diag, w.span, "a name has at most %d characters",
				   NAME_MAX_LEN);
		return true;
	}
	out->name = (struct ast_word){0};
	if ((where == ITEM_OF_RULE || where == ITEM_OF_HOST) && parse_mac(p, w, out))
		return true;
	out->kind = ITEM_ADDR;
	parse_address(p, w.span, w.s, w.span.len, &out->family, &out->addr, where);
	return true;
}

/* What may stand behind the '@' of a question besides zones. */
static bool is_interface(const struct parser *p, const char *s)
{
	struct ival name;

	return p->query && ifname_parse(s, strlen(s), &name) && name.lo == name.hi;
}

bool parse_odd_interface(struct parser *p, struct ast_word w)
{
	size_t n = w.span.len;
	const char *colon = strchr(w.s, ':');

	if (n > 1 && w.s[n - 1] == '+') {
		diag_hint(p->diag,
			  diag_error(p->diag, w.span,
				     "'%s' is how iptables writes a wildcard; here it ends in '*'",
				     w.s),
			  "write %.*s*", (int)n - 1, w.s);
		return true;
	}
	if (colon && colon > w.s && colon[1]) {
		diag_hint(p->diag,
			  diag_error(p->diag, w.span,
				     "'%s' is the label of an address, not an interface", w.s),
			  "packets arrive on %.*s: write %.*s", (int)(colon - w.s), w.s,
			  (int)(colon - w.s), w.s);
		return true;
	}
	if (p->tok.kind != TOK_AT || p->tok.off != w.span.off + n)
		return false;
	parse_advance(p);
	w.span = span_join(w.span, parse_here(p));
	diag_hint(p->diag, diag_error(p->diag, w.span, "the interface name ends before '@'"),
		  "after it, ip(8) shows the linked interface: write %s", w.s);
	if (p->tok.kind == TOK_WORD)
		parse_advance(p);
	return true;
}

/* "@" ZONE */
static bool parse_at_zone(struct parser *p, struct ast_item *out)
{
	struct span sign = parse_here(p);

	parse_advance(p);
	if (p->tok.kind == TOK_BAD)
		return false;
	if (p->tok.kind != TOK_WORD) {
		diag_error(p->diag, sign, "a zone is missing after '@'");
		return false;
	}
	out->zone = parse_take_word(p);
	if (p->query && !strchr(out->zone.s, '+') && parse_odd_interface(p, out->zone))
		return true;
	if (!is_place(out->zone.s) && !is_interface(p, out->zone.s) &&
	    (!word_is_name(out->zone.s) || word_is_reserved(out->zone.s)))
		diag_error(p->diag, out->zone.span, "'%s' cannot be the name of a zone",
			   out->zone.s);
	if (p->tok.kind == TOK_AT) {
		diag_error(p->diag, parse_here(p), "an address takes one zone only");
		return false;
	}
	return true;
}

static void check_item(struct parser *p, const struct ast_item *item, struct token first,
		       enum item_place where)
{
	struct span sign = token_span(p->lex.src, first);

	if (item->negated && where == ITEM_OF_HOST)
		diag_hint(p->diag, diag_error(p->diag, sign, "a host cannot be negated"),
			  "declare a set: its elements may be");
	else if (item->negated && where == ITEM_OF_TARGET)
		diag_error(p->diag, sign, "a target cannot be negated");
	else if (item->negated && item->kind == ITEM_NAME && !strcmp(item->name.s, "any"))
		diag_error(p->diag, item->span, "'!any' matches nothing");
	if (item->zone.s && where != ITEM_OF_RULE)
		diag_hint(p->diag,
			  diag_error(p->diag, item->zone.span, "a zone cannot be named here"),
			  "'@' belongs in rules");
}

/* item = [ "!" ] ( NAME | ADDRESS | MAC | suffix ) [ "@" ZONE ] */
bool parse_item(struct parser *p, struct ast_item *out, enum item_place where)
{
	struct token first = p->tok;

	if (p->tok.kind == TOK_AT) {
		diag_hint(p->diag,
			  diag_error(p->diag, parse_here(p), "an address is missing before '@'"),
			  "write a zone alone without '@'");
		parse_advance(p);
	}
	if (p->tok.kind == TOK_OPEN_BRACKET && where != ITEM_OF_TARGET) {
		diag_hint(
			p->diag,
			diag_error(p->diag, parse_here(p), "write addresses without brackets here"),
			"ports go after the destination, as services: tcp/443");
		return false;
	}
	out->negated = parse_accept(p, TOK_NOT);
	if (parse_at_suffix(p, where) ? !parse_suffix(p, out, where)
				      : !parse_item_word(p, out, where))
		return false;
	if (p->tok.kind == TOK_AT && !parse_at_zone(p, out))
		return false;
	out->span = parse_since(p, first);
	check_item(p, out, first, where);
	return true;
}

/* endpoint = item { "," item } [ "but" ZONE { "," ZONE } ] */
bool parse_endpoint(struct parser *p, struct ast_endpoint *out)
{
	struct token first = p->tok;

	do {
		struct ast_item item = {0};

		if (!parse_item(p, &item, ITEM_OF_RULE) || !parse_but(p, &item))
			return false;
		vec_push(p->arena, &out->items, item);
		if (item.but.n)
			break;
	} while (parse_comma(p));
	out->span = parse_since(p, first);
	return true;
}

/* How the statement at hand is written. */
static void hint_form(struct parser *p, struct diag_record *r, const char *from)
{
	static const char *const forms[][2] = {
		{"masquerade", "masquerade FROM -> TO"},
		{"snat", "snat FROM -> TO to ADDRESS"},
		{"dnat", "dnat FROM -> self SERVICES to HOST"},
		{"redirect", "redirect FROM -> any SERVICES to :PORT"},
		{"no-nat", "no-nat FROM -> TO"},
		{"untracked", "untracked FROM -> TO SERVICES"},
		{"offload", "offload FROM -> TO SERVICES"},
		{"netmap", "netmap NETWORK@ZONE -> TO to NETWORK"},
		{"clamp-mss", "clamp-mss any -> TO pmtu"},
		{"mark", "mark FROM -> any SERVICES as 0x200/0xff00"},
		{"expect", "expect drop FROM -> TO SERVICES"},
	};
	const char *form = "allow FROM -> TO SERVICES";

	for (size_t i = 0; p->word && i < sizeof(forms) / sizeof(forms[0]); i++)
		if (!strcmp(p->word, forms[i][0]))
			form = forms[i][1];
	if (p->query)
		form = "FROM -> TO SERVICES";
	if (p->word && word_in(verb_words, p->word, strlen(p->word)) && word_is_name(from) &&
	    parse_at_end(p))
		diag_hint(p->diag, r,
			  "write: %s FROM -> TO SERVICES; of a service: %s any -> self %s", p->word,
			  p->word, from);
	else
		diag_hint(p->diag, r, "write: %s", form);
}

/* Something else than "->" behind FROM. Yields whether TO may be read all the same. */
static bool missing_arrow(struct parser *p, const struct ast_endpoint *from)
{
	const char *text =
		arena_strndup(p->arena, p->lex.src->text + from->span.off, from->span.len);
	struct diag_record *r;

	if (p->tok.kind == TOK_BAD)
		return false;
	r = diag_error(p->diag, parse_here(p), "'->' is missing before %s", parse_found(p));
	if (p->tok.kind != TOK_WORD ||
	    (p->word && !strcmp(p->word, "mark") && parse_at_word(p, "as"))) {
		hint_form(p, r, text);
		return false;
	}
	if (p->word && !strcmp(p->word, "clamp-mss")) {
		diag_hint(p->diag, r, "write clamp-mss any -> %s %s", text, parse_text(p, p->tok));
		return false;
	}
	p->forgiven++;
	if (parse_peek(p) == TOK_ARROW) {
		diag_hint(p->diag, r, "write %s, %s", text, parse_text(p, p->tok));
		parse_advance(p);
		parse_advance(p);
		return true;
	}
	if (parse_at_word(p, "to") || parse_at_word(p, "-") || parse_at_word(p, "--"))
		parse_advance(p);
	if (p->tok.kind == TOK_WORD)
		diag_hint(p->diag, r, "write %s -> %s", text, parse_text(p, p->tok));
	return true;
}

/* pair = endpoint "->" endpoint */
bool parse_pair(struct parser *p, struct ast_endpoint *from, struct ast_endpoint *to)
{
	unsigned errors = p->diag->nerrors;

	if (parse_at_word(p, "from")) {
		diag_hint(p->diag, diag_error(p->diag, parse_here(p), "there is no 'from'"),
			  "the arrow says it: FROM -> TO");
		p->forgiven++;
		parse_advance(p);
	}
	if (!parse_endpoint(p, from) || (parse_at_end(p) && p->diag->nerrors != errors))
		return false;
	if (!parse_accept(p, TOK_ARROW) && !missing_arrow(p, from))
		return false;
	return parse_endpoint(p, to);
}
