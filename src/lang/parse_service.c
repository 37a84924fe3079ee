/* SPDX-License-Identifier: GPL-2.0-or-later
 * tokens -> services: tcp/443, icmp/echo-request, proto/gre, names.
 */
#include <string.h>

#include "lang/parse.h"
#include "util/number.h"

static const char *const port_protos[] = {"tcp", "udp", "sctp", "dccp", "udplite", NULL};
static const char *const service_protos[] = {"tcp",  "udp",    "sctp",	"dccp",	   "udplite",
					     "icmp", "icmpv6", "proto", "tcp+udp", NULL};

/* The commonest of those that have none. */
static const char *const bare_protos[] = {"gre", "esp",	 "ah",	 "igmp", "ospf", "vrrp",
					  "pim", "l2tp", "ipip", "ipv6", NULL};

static bool is_number(const char *s, size_t n)
{
	return n && strspn(s, "0123456789") >= n;
}

bool parse_port(struct parser *p, struct span at, const char *s, size_t n, uint16_t *out)
{
	uint64_t x;

	if (number_read(s, n, 0, PORT_MAX, &x)) {
		*out = (uint16_t)x;
		return true;
	}
	diag_error(p->diag, at, "'%.*s' is not a port, a number from 0 to %d", (int)n, s, PORT_MAX);
	return false;
}

/* PORT [ "-" PORT ] */
void parse_ports(struct parser *p, const char *s, struct span at, const char *fix, uint16_t *lo,
		 uint16_t *hi)
{
	const char *dash = strchr(s, '-');
	uint32_t n = (uint32_t)(dash ? (size_t)(dash - s) : strlen(s));
	struct span low = {at.src, at.off, n}, high = {at.src, at.off + n + 1, at.len - n - 1};
	struct diag_record *r;
	uint64_t last;

	if (!is_number(s, 1)) {
		r = diag_error(p->diag, at, "'%s' is not a port, a number from 0 to %d", s,
			       PORT_MAX);
		if (*fix && (!strcmp(s, "any") || !strcmp(s, "all")))
			diag_hint(p->diag, r, "write %.*s", (int)strlen(fix) - 1, fix);
		else if (*fix && (!strncmp(s, "udp/", 4) || !strncmp(s, "tcp/", 4)))
			diag_hint(p->diag, r, "write tcp+udp%s", s + 3);
		else if (*fix && dash == s && number_word(s + 1, 0, PORT_MAX, &last))
			diag_hint(p->diag, r, "write %s0-%s", fix, s + 1);
		else if (*fix && word_is_name(s) && !dash)
			diag_hint(p->diag, r, "write a service's name alone: %s", s);
		return;
	}
	if (strchr(s, ':') && strspn(s, "0123456789:") == strlen(s)) {
		diag_hint(p->diag, diag_error(p->diag, at, "a range of ports is written LOW-HIGH"),
			  "write %s%.*s-%s", fix, (int)strcspn(s, ":"), s, strchr(s, ':') + 1);
		return;
	}
	if (*fix && strchr(s, '/') && strspn(s, "0123456789/") == strlen(s)) {
		diag_hint(p->diag,
			  diag_error(p->diag, at, "'%s' is not a port, a number from 0 to %d", s,
				     PORT_MAX),
			  "write %s%.*s, %s", fix, (int)strcspn(s, "/"), s, strchr(s, '/') + 1);
		return;
	}
	if (dash && !dash[1]) {
		diag_hint(p->diag, diag_error(p->diag, at, "the range %s has no end", s),
			  "write %s%s%d", fix, s, PORT_MAX);
		return;
	}
	if (!parse_port(p, low, s, n, lo))
		return;
	*hi = *lo;
	if (!dash || !parse_port(p, high, dash + 1, high.len, hi))
		return;
	if (*hi < *lo)
		diag_hint(p->diag, diag_error(p->diag, at, "the range %s ends before it begins", s),
			  "write %s%u-%u", fix, *hi, *lo);
}

static void ports(struct parser *p, struct ast_service *out, const char *s, struct span at)
{
	parse_ports(p, s, at, arena_printf(p->arena, "%s/", out->proto.s), &out->lo, &out->hi);
}

/* A name, or a number up to 255, which loses its leading zeros. */
static void type_word(struct parser *p, struct ast_service *out)
{
	uint64_t x;

	if (number_word(out->type.s, 0, 255, &x))
		out->type.s = arena_printf(p->arena, "%u", (unsigned)x);
	else if (is_number(out->type.s, strlen(out->type.s)))
		diag_error(p->diag, out->type.span, "'%s' is not a number from 0 to 255",
			   out->type.s);
	else if (!word_is_name(out->type.s))
		diag_error(p->diag, out->type.span, "'%s' is neither a name nor a number",
			   out->type.s);
}

/* TYPE "/" CODE */
static void code_of_type(struct parser *p, struct ast_service *out)
{
	const char *slash = strchr(out->type.s, '/');
	uint32_t n = slash ? (uint32_t)(slash - out->type.s) : 0;
	struct span at = {out->type.span.src, out->type.span.off + n + 1,
			  out->type.span.len - n - 1};
	uint64_t code;

	out->code = -1;
	if (!slash)
		return;
	if (number_word(slash + 1, 0, 255, &code))
		out->code = (int)code;
	else if (!slash[1])
		diag_error(p->diag, out->type.span, "something is missing after '/'");
	else
		diag_error(p->diag, at, "'%s' is not a code of ICMP, a number from 0 to 255",
			   slash + 1);
	out->type.s = arena_strndup(p->arena, out->type.s, n);
	out->type.span.len = n;
}

/* What stands before '/' is not one of the protocols. */
static void unknown_proto(struct parser *p, struct ast_word proto, const char *rest)
{
	struct diag_record *r;
	const char *near;

	if (word_in(port_protos, rest, strlen(rest)) || !strcmp(rest, "tcp+udp")) {
		r = diag_error(p->diag, proto.span, "the protocol comes first");
		if (is_number(proto.s, 1))
			diag_hint(p->diag, r, "write %s/%s", rest, proto.s);
		else
			diag_hint(p->diag, r, "write a service's name alone: %s", proto.s);
		return;
	}
	r = diag_error(p->diag, proto.span, "no protocol is called '%s'", proto.s);
	near = word_nearest(service_protos, proto.s);
	if (!strcmp(proto.s, "icmp6") || !strcmp(proto.s, "ipv6-icmp"))
		near = "icmpv6";
	if (!strcmp(proto.s, "udp+tcp") || !strcmp(proto.s, "both") || !strcmp(proto.s, "any"))
		near = "tcp+udp";
	if (near)
		diag_hint(p->diag, r, "did you mean '%s/%s'?", near, rest);
	else if (word_in(bare_protos, proto.s, strlen(proto.s)))
		diag_hint(p->diag, r, "without ports: proto/%s", proto.s);
	else if (!strcmp(proto.s, "ip") || !strcmp(proto.s, "protocol"))
		diag_hint(p->diag, r, "write proto/%s", rest);
	else if (is_number(rest, 1) && strspn(rest, "0123456789-") == strlen(rest))
		diag_hint(p->diag, r, "write tcp/%s or udp/%s; a service's name stands alone", rest,
			  rest);
	else
		diag_hint(p->diag, r, "tcp, udp, sctp, dccp, udplite, icmp, icmpv6, or proto/%s",
			  proto.s);
}

/* tcp/udp 53 */
static bool both_protos(struct parser *p, struct ast_word w)
{
	bool port = p->tok.kind == TOK_WORD && is_number(parse_text(p, p->tok), 1);

	if (strcmp(w.s, "tcp/udp") != 0 && strcmp(w.s, "udp/tcp") != 0)
		return false;
	diag_hint(p->diag, diag_error(p->diag, w.span, "both protocols are written tcp+udp"),
		  port ? "write tcp+udp/%s" : "write tcp+udp/PORT%s",
		  port ? parse_text(p, p->tok) : "");
	if (port)
		parse_advance(p);
	return true;
}

/* PROTO "/" REST */
static void split_service(struct parser *p, struct ast_service *out, struct ast_word w)
{
	const char *slash = strchr(w.s, '/');
	uint32_t n = (uint32_t)(slash - w.s);
	struct span rest = {w.span.src, w.span.off + n + 1, w.span.len - n - 1};

	out->proto =
		(struct ast_word){arena_strndup(p->arena, w.s, n), {w.span.src, w.span.off, n}};
	out->kind = SERVICE_PORTS;
	if (both_protos(p, w)) {
		out->proto.s = NULL;
	} else if (!slash[1]) {
		diag_error(p->diag, w.span, "something is missing after '/'");
	} else if (word_in(port_protos, out->proto.s, n) || !strcmp(out->proto.s, "tcp+udp")) {
		ports(p, out, slash + 1, rest);
	} else if (word_in(service_protos, out->proto.s, n)) {
		out->kind = out->proto.s[0] == 'p' ? SERVICE_PROTO : SERVICE_ICMP;
		out->type = (struct ast_word){slash + 1, rest};
		if (out->kind == SERVICE_ICMP)
			code_of_type(p, out);
		type_word(p, out);
	} else {
		unknown_proto(p, out->proto, slash + 1);
		out->proto.s = NULL;
	}
}

static bool is_ports(const char *s)
{
	return is_number(s, 1) && s[strspn(s, "0123456789-:")] == '\0';
}

/* A bare number is of the protocol of the one before it: tcp/22, 80, 8000-8010. */
static bool bare_ports(struct parser *p, struct ast_service *out, struct ast_word w,
		       const struct services_out *before)
{
	const struct ast_service *last = before->n ? &before->v[before->n - 1] : NULL;

	if (!is_ports(w.s) || !last || last->kind != SERVICE_PORTS || last->whole || !last->proto.s)
		return false;
	out->kind = SERVICE_PORTS;
	out->bare = true;
	out->proto = last->proto;
	ports(p, out, w.s, w.span);
	return true;
}

/* before: the token before the word */
static void odd_service(struct parser *p, struct ast_word w, struct token before)
{
	const char *colon = strchr(w.s, ':');
	struct diag_record *r;
	enum family family;
	struct ival iv;
	const char *why;

	if (is_ports(w.s)) {
		diag_hint(p->diag, diag_error(p->diag, w.span, "a port needs its protocol"),
			  "write tcp/%s or udp/%s", w.s, w.s);
		return;
	}
	if (colon && word_in(service_protos, w.s, (size_t)(colon - w.s))) {
		diag_hint(p->diag,
			  diag_error(p->diag, w.span, "'/' goes between protocol and port"),
			  "write %.*s/%s", (int)(colon - w.s), w.s, colon + 1);
		return;
	}
	r = diag_error(p->diag, w.span, "'%s' is not a service", w.s);
	if (!strcmp(w.s, "-") && p->tok.kind == TOK_WORD && before.kind == TOK_WORD &&
	    strpbrk(parse_text(p, before), ".:"))
		diag_hint(p->diag, r, "a range has no blanks: write %s-%s", parse_text(p, before),
			  parse_text(p, p->tok));
	else if (p->word && (!strcmp(p->word, "snat") || !strcmp(p->word, "dnat")) &&
		 addr_parse_range(w.s, w.span.len, &family, &iv, &why))
		diag_hint(p->diag, r, "write to %s", w.s);
	else if (addr_parse_range(w.s, w.span.len, &family, &iv, &why))
		diag_hint(p->diag, r, "addresses come before the services; is a comma missing?");
	else
		diag_hint(p->diag, r,
			  "write tcp/PORT, udp/LOW-HIGH, icmp/TYPE, or a service's name");
}

/* Names of /etc/services may hold dots and pluses too. */
static bool is_service_name(const char *s)
{
	return word_is_name(s) ||
	       (strspn(s, "0123456789-.") != strlen(s) && s[strcspn(s, ":/*%")] == '\0');
}

/* tcp/{ 80, 443 }: reads up to the brace that closes. */
static bool ports_in_braces(struct parser *p, struct ast_word w)
{
	struct span at = w.span;
	struct buf b = {0};

	for (; p->tok.kind != TOK_CLOSE && p->tok.kind != TOK_END && p->tok.kind != TOK_NEWLINE;
	     parse_advance(p)) {
		at = span_join(at, parse_here(p));
		if (p->tok.kind == TOK_WORD)
			buf_printf(&b, "%s%s%s", b.len ? ", " : "", w.s, parse_text(p, p->tok));
	}
	parse_accept(p, TOK_CLOSE);
	diag_hint(p->diag, diag_error(p->diag, at, "each port needs its protocol, without braces"),
		  "write %s", buf_str(&b));
	buf_free(&b);
	return true;
}

/* What a mark or an offload statement goes on with; elsewhere it may be a service. */
static bool at_as(const struct parser *p)
{
	return p->word && ((!strcmp(p->word, "mark") && parse_at_word(p, "as")) ||
			   (!strcmp(p->word, "offload") && parse_at_word(p, "hardware")));
}

/* What statements go on with behind a protocol. */
static bool at_what_follows(const struct parser *p)
{
	bool masquerade = p->word && !strcmp(p->word, "masquerade");

	return at_as(p) || parse_at_word(p, "published") ||
	       (masquerade && (parse_at_word(p, "ports") || parse_at_word(p, "random") ||
			       parse_at_word(p, "persistent")));
}

/* tcp 80, icmp echo-request, port 80: two words where one stands. */
static bool in_two_words(struct parser *p, struct ast_word w)
{
	static const char *const port_words[] = {"port", "ports", "dport", "sport", NULL};
	bool port = word_in(port_words, w.s, w.span.len), source;
	const char *next;

	if (p->tok.kind != TOK_WORD || p->tok.first || at_what_follows(p) ||
	    (!port && !word_in(service_protos, w.s, w.span.len) && strcmp(w.s, "protocol") != 0))
		return false;
	next = parse_text(p, p->tok);
	if (!strcmp(w.s, "protocol"))
		w.s = "proto";
	if (!strcmp(w.s, "proto") && word_in(port_protos, next, p->tok.len) &&
	    parse_peek(p) == TOK_WORD) { /* proto tcp port 443 */
		w = parse_take_word(p);
		next = parse_text(p, p->tok);
	}
	source = !strcmp(w.s, "sport") || !strcmp(next, "sport");
	if (!port && word_in(port_words, next, p->tok.len) &&
	    (parse_peek(p) == TOK_WORD || parse_peek(p) == TOK_OPEN)) {
		parse_advance(p); /* tcp dport 443 */
		if (p->tok.kind == TOK_OPEN)
			return ports_in_braces(
				p, (struct ast_word){arena_printf(p->arena, "%s/", w.s), w.span});
		next = parse_text(p, p->tok);
	}
	if (!strcmp(next, "type") && !strncmp(w.s, "icmp", 4) && parse_peek(p) == TOK_WORD) {
		parse_advance(p); /* icmp type echo-request */
		next = parse_text(p, p->tok);
	}
	if (strncmp(w.s, "icmp", 4) && strcmp(w.s, "proto") && !is_number(next, 1))
		return false;
	if (word_in(qualifier_words, next, p->tok.len) || word_is_reserved(next))
		return false;
	w.span = span_join(w.span, parse_here(p));
	if (source)
		diag_hint(p->diag,
			  diag_error(p->diag, w.span, "source ports go after the services"),
			  "write %s from port %s", port ? "udp" : w.s, next);
	else if (port)
		diag_hint(p->diag, diag_error(p->diag, w.span, "a port needs its protocol"),
			  "write tcp/%s or udp/%s", next, next);
	else
		diag_hint(p->diag,
			  diag_error(p->diag, w.span, "'/' goes between '%s' and '%s'", w.s, next),
			  "write %s/%s", w.s, next);
	parse_advance(p);
	return true;
}

/* ssh, drop or ssh, log: the comma should not be there */
static void reserved_service(struct parser *p, struct ast_word w, const struct services_out *before)
{
	struct diag_record *r =
		diag_error(p->diag, w.span, "'%s' is a reserved word, not a service", w.s);
	const char *last = before->n ? span_text(p->arena, before->v[before->n - 1].span) : NULL;

	if (last && word_in(verb_words, w.s, w.span.len))
		diag_hint(p->diag, r, "each rule of a block is a line of its own: write %s; %s",
			  last, w.s);
	else if (last && word_in(qualifier_words, w.s, w.span.len))
		diag_hint(p->diag, r, "write %s %s", last, w.s);
}

/* service = NAME | PROTO "/" ( PORT [ "-" PORT ] | TYPE [ "/" CODE ] ) | PORT [ "-" PORT ] |
 * "tcp+udp" */
static bool service(struct parser *p, struct ast_service *out, const struct services_out *before)
{
	enum family family;
	const char *why;
	struct ival iv;
	struct ast_word w;
	struct token last;

	if (p->tok.kind == TOK_BAD || parse_dangling_comma(p, false))
		return false;
	if (p->tok.kind != TOK_WORD || parse_begins_statement(p)) {
		diag_error(p->diag, parse_here(p), "a service is missing before %s",
			   parse_found(p));
		return false;
	}
	last = p->prev;
	w = parse_take_word(p);
	out->span = w.span;
	out->kind = SERVICE_NAME;
	out->name = w;
	if (in_two_words(p, w))
		return true;
	if (!strcmp(w.s, "service") && p->tok.kind == TOK_WORD) {
		diag_hint(p->diag, diag_error(p->diag, w.span, "write a service without that word"),
			  "write %s", parse_text(p, p->tok));
		parse_advance(p);
		return true;
	}
	if (w.s[w.span.len - 1] == '/' && p->tok.kind == TOK_OPEN)
		return ports_in_braces(p, w);
	if (!strcmp(w.s, "any") || !strcmp(w.s, "all") || !strcmp(w.s, "*"))
		diag_hint(p->diag, diag_error(p->diag, w.span, "'%s' is not a service", w.s),
			  "a rule without services matches all of them");
	else if (word_is_reserved(w.s) || word_in(service_words, w.s, w.span.len))
		reserved_service(p, w, before);
	else if (!strcmp(w.s, "tcp+udp"))
		*out = (struct ast_service){.span = w.span,
					    .kind = SERVICE_PORTS,
					    .proto = w,
					    .hi = PORT_MAX,
					    .whole = true};
	else if (strchr(w.s, '/') && !addr_parse_range(w.s, w.span.len, &family, &iv, &why))
		split_service(p, out, w);
	else if (!bare_ports(p, out, w, before) && !is_service_name(w.s))
		odd_service(p, w, last);
	if (out->kind != SERVICE_NAME)
		out->name = (struct ast_word){0};
	return true;
}

/* services = [ service { "," service } ] */
bool parse_services(struct parser *p, struct services_out *out)
{
	if (p->tok.kind == TOK_NOT) {
		diag_hint(p->diag, diag_error(p->diag, parse_here(p), "services cannot be negated"),
			  "put a rule for them before this one");
		return false;
	}
	if (p->tok.kind != TOK_WORD || parse_at_word(p, "to") || parse_at_word(p, "hairpin") ||
	    parse_at_word(p, "published") || at_as(p) ||
	    word_in(qualifier_words, p->lex.src->text + p->tok.off, p->tok.len))
		return true;
	do {
		struct ast_service s = {0};

		if (parse_at_word(p, "published")) /* behind a comma: the caller knows better */
			return true;
		if (!service(p, &s, out))
			return false;
		vec_push(p->nodes, out, s);
	} while (parse_comma(p));
	return true;
}
