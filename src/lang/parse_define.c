/* SPDX-License-Identifier: GPL-2.0-or-later
 * tokens -> what a policy declares: forwarding, zones, hosts, sets and services.
 */
#include <string.h>

#include "lang/parse.h"
#include "util/number.h"

static void forwarding_error(struct parser *p)
{
	static const char *const yes[] = {"yes", "true", "1", "enable", "enabled", NULL};
	static const char *const no[] = {"no", "false", "0", "disable", "disabled", NULL};
	struct diag_record *r = diag_error(p->diag, parse_here(p), "forwarding is 'on' or 'off'");
	struct token t = p->tok.kind == TOK_EQUALS ? parse_next(p) : p->tok;
	const char *word = t.kind == TOK_WORD ? parse_text(p, t) : "";

	if (word_in(yes, word, strlen(word)) || !strcmp(word, "on"))
		diag_hint(p->diag, r, "write forwarding on");
	else if (word_in(no, word, strlen(word)) || !strcmp(word, "off"))
		diag_hint(p->diag, r, "write forwarding off");
	else if (parse_peek(p) == TOK_ARROW)
		diag_hint(p->diag, r, "a rule says who opens connections: allow FROM -> TO");
}

/* forwarding = "forwarding" ( "on" | "off" ) */
bool parse_forwarding(struct parser *p, struct ast_stmt *s)
{
	s->kind = STMT_FORWARDING;
	parse_advance(p);
	s->forwarding = parse_at_word(p, "on");
	if (parse_accept_word(p, "on") || parse_accept_word(p, "off"))
		return true;
	if (p->tok.kind != TOK_BAD)
		forwarding_error(p);
	return false;
}

/* live-flows = "live-flows" ( "end" | "keep" ) */
bool parse_live_flows(struct parser *p, struct ast_stmt *s)
{
	s->kind = STMT_LIVE_FLOWS;
	parse_advance(p);
	s->live_flows = parse_at_word(p, "end");
	if (parse_accept_word(p, "end") || parse_accept_word(p, "keep"))
		return true;
	if (p->tok.kind != TOK_BAD)
		diag_hint(p->diag,
			  diag_error(p->diag, parse_here(p), "live-flows is 'end' or 'keep'"),
			  "end: apply ends connections that the new rules refuse (the default); "
			  "keep: it leaves them");
	return false;
}

/* ---- zones ---- */

static bool begins_zone_line(const struct parser *p)
{
	return parse_at_word(p, "interface") || parse_at_word(p, "network") ||
	       parse_at_subzone_line(p);
}

/* Whether an item of a zone's line may be read here; reports if not. */
static bool item_follows(struct parser *p)
{
	struct diag_record *r;

	if (parse_dangling_comma(p, p->tok.first && begins_zone_line(p)) || p->tok.kind == TOK_BAD)
		return false;
	if (p->prev.kind == TOK_COMMA && begins_zone_line(p) && parse_peek(p) == TOK_WORD) {
		diag_hint(p->diag,
			  diag_error(p->diag, parse_here(p), "'%s' must begin a line of its own",
				     parse_text(p, p->tok)),
			  "put ';' in place of the comma");
		return false;
	}
	if (p->tok.kind == TOK_WORD && !parse_begins_statement(p))
		return true;
	r = diag_error(p->diag, parse_here(p), "an interface or network is missing before %s",
		       parse_found(p));
	if (p->tok.kind == TOK_STRING)
		diag_hint(p->diag, r, "write it without quotes");
	return false;
}

/* interface other */
static void other_interfaces(struct parser *p, struct ast_iface *out, bool first)
{
	out->name = ifname_other();
	if (!first || p->tok.kind == TOK_COMMA)
		diag_hint(p->diag,
			  diag_error(p->diag, out->span,
				     "'interface other' stands alone in its line"),
			  "it means every interface that no other zone names");
}

/* eth2 eth3, eth[2-4] */
static bool odd_after_interface(struct parser *p)
{
	if (p->tok.kind == TOK_OPEN_BRACKET) {
		diag_hint(p->diag,
			  diag_error(p->diag, parse_here(p), "a wildcard is a '*' at the end"),
			  "write %s*", parse_text(p, p->prev));
		return true;
	}
	if (p->tok.kind != TOK_WORD || p->tok.first || begins_zone_line(p))
		return false;
	diag_hint(
		p->diag,
		diag_error(p->diag, parse_here(p), "a comma is missing before %s", parse_found(p)),
		"write %s, %s", parse_text(p, p->prev), parse_text(p, p->tok));
	return true;
}

static bool interfaces(struct parser *p, struct ast_zone *z, size_t *n)
{
	do {
		struct ast_iface *i = vec_add(p->arena, &z->interfaces);
		struct ast_word w;

		if (!item_follows(p)) {
			z->interfaces.n--;
			return false;
		}
		w = parse_take_word(p);
		*i = (struct ast_iface){.span = w.span};
		if (parse_odd_interface(p, w))
			; /* said there */
		else if (!strcmp(w.s, "other"))
			other_interfaces(p, i, *n == 0);
		else if (!strcmp(w.s, "*"))
			diag_hint(p->diag,
				  diag_error(p->diag, w.span, "a zone cannot hold every interface"),
				  "interface other means all that no other zone names");
		else if (!ifname_parse(w.s, strlen(w.s), &i->name))
			diag_hint(p->diag,
				  diag_error(p->diag, w.span, "'%s' cannot be an interface", w.s),
				  "at most 15 characters, a wildcard only at the end: wg*");
		(*n)++;
	} while (parse_comma(p));
	return !odd_after_interface(p);
}

static bool networks(struct parser *p, struct ast_zone *z, size_t *n)
{
	do {
		struct ast_prefix *x = vec_add(p->arena, &z->networks);
		struct ast_word w;

		if (!item_follows(p)) {
			z->networks.n--;
			return false;
		}
		w = parse_take_word(p);
		*x = (struct ast_prefix){.span = w.span};
		parse_address(p, w.span, w.s, strlen(w.s), &x->family, &x->addr, ITEM_OF_SET);
		(*n)++;
	} while (parse_comma(p));
	return true;
}

/* Whether what stands here may be an interface, and nothing more of its line does. */
static bool at_interface(const struct parser *p)
{
	struct token next = parse_next(p);
	struct ival name;

	return p->tok.kind == TOK_WORD &&
	       ifname_parse(p->lex.src->text + p->tok.off, p->tok.len, &name) &&
	       (next.kind != TOK_WORD || next.first);
}

static bool at_address(struct parser *p)
{
	const char *word = p->tok.kind == TOK_WORD ? parse_text(p, p->tok) : "";
	enum family family;
	struct ival range;
	const char *why;

	return addr_parse_range(word, strlen(word), &family, &range, &why);
}

static void no_zone_line(struct parser *p, const struct ast_zone *z)
{
	struct diag_record *r;

	if (z->within.s && !at_address(p)) {
		r = diag_error(p->diag, parse_here(p), "a sub-zone has no %s", parse_found(p));
		if (parse_at_word(p, "cgroup"))
			diag_hint(p->diag, r,
				  "its rules have it: allow self -> ZONE SERVICES cgroup \"PATH\"");
		else
			diag_hint(p->diag, r,
				  "what is in it is told by network, ipsec, mark, user or group");
		return;
	}
	r = diag_error(p->diag, parse_here(p), "'interface' or 'network' is missing before %s",
		       parse_found(p));
	if (at_address(p))
		diag_hint(p->diag, r, "write network %s", parse_text(p, p->tok));
	else if (at_interface(p))
		diag_hint(p->diag, r, "write interface %s", parse_text(p, p->tok));
	else if (parse_at_word(p, "policy") || parse_at_word(p, "target"))
		diag_hint(p->diag, r, "%s", hint_statement("policy"));
}

/* zone NAME = ...: of zones, or of interfaces? */
static bool zone_equals(struct parser *p, const char *name)
{
	struct diag_record *r;
	struct token next = parse_next(p);

	if (p->tok.kind != TOK_EQUALS && !at_interface(p))
		return false;
	r = diag_error(p->diag, parse_here(p), "'{' is missing before %s", parse_found(p));
	if (p->tok.kind == TOK_WORD)
		diag_hint(p->diag, r, "write: zone %s { interface %s }", name,
			  parse_text(p, p->tok));
	else if (next.kind == TOK_WORD)
		diag_hint(p->diag, r,
			  "a zone is written zone %s { interface %s }, a group of "
			  "zones: zones %s = ...",
			  name, parse_text(p, next), name);
	return true;
}

/* zone-line = "interface" IF { "," IF } | "network" PREFIX { "," PREFIX } */
static bool zone_line(struct parser *p, struct ast_zone *z, struct ast_zone_line *line)
{
	static const char *const words[] = {"interface", "network", "within", "ipsec",
					    "user",	 "group",   NULL};
	const char *near;

	if (parse_at_subzone_line(p))
		return parse_subzone_line(p, z, line);
	line->kind = parse_at_word(p, "network") ? ZONE_NETWORK : ZONE_INTERFACE;
	if (!parse_accept_word(p, "interface") && !parse_accept_word(p, "network")) {
		if (p->tok.kind == TOK_BAD)
			return false;
		near = p->tok.kind == TOK_WORD ? hint_zone_word(parse_text(p, p->tok)) : NULL;
		if (!near && p->tok.kind == TOK_WORD && !parse_at_word(p, "cgroup"))
			near = word_nearest(words, parse_text(p, p->tok));
		if (!near) {
			no_zone_line(p, z);
			return false;
		}
		diag_hint(p->diag,
			  diag_error(p->diag, parse_here(p), "a zone has no %s", parse_found(p)),
			  "did you mean '%s'?", near);
		if (strcmp(near, "interface") != 0 && strcmp(near, "network") != 0)
			return false;
		p->forgiven++;
		line->kind = strcmp(near, "network") ? ZONE_INTERFACE : ZONE_NETWORK;
		parse_advance(p);
	}
	return line->kind == ZONE_NETWORK ? networks(p, z, &line->n) : interfaces(p, z, &line->n);
}

static void add_zone_line(struct parser *p, struct ast_zone *z, struct ast_layout layout)
{
	struct ast_zone_line line = {.layout = layout};
	struct token first = p->tok;
	bool whole;

	p->layout = &line.layout;
	p->commas = 0;
	whole = zone_line(p, z, &line);
	line.span = parse_since(p, first);
	if (!whole && !(p->tok.first && begins_zone_line(p)))
		parse_resync(p);
	if (p->tok.first && !parse_at_end(p)) {
		/* the next line began before this one ended */
	} else if (begins_zone_line(p)) {
		diag_hint(p->diag,
			  diag_error(p->diag, parse_here(p), "'%s' must begin a line of its own",
				     parse_text(p, p->tok)),
			  "or put ';' before it");
	} else if (whole || parse_at_end(p)) {
		parse_line_end(p, &line.layout.trailing);
	}
	vec_push(p->arena, &z->lines, line);
}

/* zone = "zone" NAME "{" { zone-line ( NEWLINE | ";" ) } "}" */
bool parse_zone(struct parser *p, struct ast_stmt *s)
{
	struct ast_zone *z = &s->zone;
	struct ast_layout layout;
	struct span brace;
	enum gap gap;

	s->kind = STMT_ZONE;
	parse_advance(p);
	if (!parse_name(p, &z->name, "zone"))
		return false;
	if (p->tok.kind == TOK_WORD && begins_zone_line(p)) {
		diag_hint(p->diag,
			  diag_error(p->diag, parse_here(p), "'{' is missing before '%s'",
				     parse_text(p, p->tok)),
			  "write: zone %s { %s %s }", z->name.s, parse_text(p, p->tok),
			  parse_text(p, parse_next(p)));
		return false;
	}
	if (zone_equals(p, z->name.s) || !parse_open(p, &s->layout, &brace))
		return false;
	while ((gap = parse_gap(p, &layout, z->lines.n == 0)) != GAP_END) {
		if (gap == GAP_COMMENTS)
			vec_push(p->arena, &z->lines,
				 ((struct ast_zone_line){.layout = layout, .kind = ZONE_COMMENTS}));
		else if (parse_begins_statement(p) && !parse_at_subzone_line(p))
			break;
		else
			add_zone_line(p, z, layout);
	}
	p->layout = &s->layout;
	parse_close(p, brace);
	return true;
}

/* ---- hosts and sets ---- */

/* "=" */
static bool equals(struct parser *p, const char *form)
{
	static const char *const junos[] = {"security", "firewall",	  "interfaces", "policy",
					    "nat",	"policy-options", NULL};
	struct diag_record *r;

	if (parse_accept(p, TOK_EQUALS))
		return true;
	if (p->tok.kind == TOK_BAD)
		return false;
	r = diag_error(p->diag, parse_here(p), "'=' is missing before %s", parse_found(p));
	if (parse_at_word(p, "on") && !strcmp(parse_text(p, p->prev), "skip"))
		diag_hint(p->diag, r, "the loopback interface is open always: leave this line out");
	else if (p->prev.kind == TOK_WORD && parse_peek(p) == TOK_WORD &&
		 word_in(junos, parse_text(p, p->prev), p->prev.len))
		diag_hint(p->diag, r, "a rule here is an arrow: allow any -> self tcp/22");
	else if (p->tok.kind == TOK_WORD && p->prev.kind == TOK_WORD &&
		 word_is_name(parse_text(p, p->prev)) &&
		 (parse_at_word(p, "dynamic") || strpbrk(parse_text(p, p->tok), ".:/")))
		diag_hint(p->diag, r, "write %s = %s", parse_text(p, p->prev),
			  parse_text(p, p->tok));
	else
		diag_hint(p->diag, r, "write: %s", form);
	return false;
}

/* "file" STRING [ "lenient" ] */
static bool file_element(struct parser *p, struct ast_element *e, bool is_host)
{
	struct token first = p->tok;

	parse_advance(p);
	if (p->tok.kind != TOK_STRING) {
		if (p->tok.kind != TOK_BAD)
			diag_hint(p->diag,
				  diag_error(p->diag, parse_here(p), "the file name is missing"),
				  "it is a string: write file \"%s\"",
				  p->tok.kind == TOK_WORD ? parse_text(p, p->tok)
							  : "addresses.txt");
		return false;
	}
	e->kind = ELEM_FILE;
	e->file = parse_take_string(p);
	e->lenient = parse_accept_word(p, "lenient");
	e->item.span = parse_since(p, first);
	if (is_host)
		diag_hint(p->diag,
			  diag_error(p->diag, e->item.span, "a host cannot be read from a file"),
			  "declare it as a set");
	else
		parse_set_file(p, e);
	return true;
}

static void string_element(struct parser *p)
{
	struct diag_record *r = diag_error(p->diag, parse_here(p), "a string is not an address");
	const char *s = lex_string(p->arena, p->lex.src, p->tok), *why;
	enum family family;
	struct ival iv;

	if (address_of_text(s, strlen(s), &family, &iv, &why))
		diag_hint(p->diag, r, "write %s", s);
	else
		diag_hint(p->diag, r,
			  strchr(s, '/') || strstr(s, ".txt")
				  ? "to read addresses from a file, write file \"%s\""
				  : "to ask DNS for the addresses of a name, write dns \"%s\"; to "
				    "read addresses from a file: file \"%s\"",
			  s, s);
}

/* element = [ "!" ] ( NAME | ADDRESS | suffix ) | "file" STRING [ "lenient" ] | fetch */
/* A slip in the word before a string or an address. */
static bool slipped(struct parser *p)
{
	static const char *const strings[] = {"dns", "url", "file", NULL};
	static const char *const addresses[] = {"suffix", NULL};
	struct token next = parse_next(p);
	const char *near = NULL;
	bool string = next.kind == TOK_STRING;

	if (p->tok.kind != TOK_WORD || next.first)
		return false;
	if (string || (next.kind == TOK_WORD && strchr(parse_text(p, next), ':')))
		near = word_nearest(string ? strings : addresses, parse_text(p, p->tok));
	if (!near || parse_at_word(p, near))
		return false;
	diag_hint(p->diag,
		  diag_error(p->diag, parse_here(p), "%s cannot go before %s", parse_found(p),
			     string ? "a string" : "an address"),
		  "did you mean '%s'?", near);
	return true;
}

static bool element(struct parser *p, struct ast_names *n, struct ast_element *e)
{
	const struct ast_element *last = n->elements.n ? &n->elements.v[n->elements.n - 1] : NULL;
	bool is_host = n->is_host;

	e->goes_on = p->tok.kind == TOK_STRING && last && last->kind == ELEM_DNS;
	if (e->goes_on || parse_at_fetch(p))
		return parse_fetch(p, n, e);
	if (parse_at_word(p, "file"))
		return file_element(p, e, is_host);
	if (parse_not_fetch(p) || slipped(p))
		return false;
	if (p->tok.kind == TOK_STRING) {
		string_element(p);
		return false;
	}
	e->kind = ELEM_ITEM;
	return parse_item(p, &e->item, is_host ? ITEM_OF_HOST : ITEM_OF_SET);
}

static bool elements(struct parser *p, struct ast_names *n)
{
	do {
		struct ast_element e = {0};

		if (!element(p, n, &e))
			return false;
		vec_push(p->arena, &n->elements, e);
	} while (parse_comma(p));
	parse_fetch_whole(p, n);
	return true;
}

/* A word where an option wants its value. */
static bool option_value(struct parser *p, struct ast_word *out, const char *option)
{
	if (p->tok.kind == TOK_WORD) {
		*out = parse_take_word(p);
		return true;
	}
	if (p->tok.kind != TOK_BAD)
		diag_error(p->diag, parse_here(p), "the %s is missing before %s", option,
			   parse_found(p));
	return false;
}

static bool set_timeout(struct parser *p, struct ast_names *n)
{
	struct ast_word w;

	if (!option_value(p, &w, "timeout"))
		return false;
	if (n->timeout_span.src)
		diag_error(p->diag, w.span, "the timeout is given twice");
	n->timeout_span = w.span;
	if (!value_duration(w.s, &n->timeout))
		parse_no_duration(p, w);
	return true;
}

static void size_error(struct parser *p, struct ast_word w)
{
	struct diag_record *r = diag_error(
		p->diag, w.span, "'%s' is not a size, a number from 1 to %u", w.s, UINT32_MAX);
	const char *text = hint_size(p->arena, w.s);

	if (text)
		diag_hint(p->diag, r, "write %s", text);
}

static bool set_size(struct parser *p, struct ast_names *n)
{
	struct ast_word w;
	uint64_t x = 1;

	if (!option_value(p, &w, "size"))
		return false;
	if (n->size_span.src)
		diag_error(p->diag, w.span, "the size is given twice");
	n->size_span = w.span;
	if (!number_word(w.s, 1, UINT32_MAX, &x))
		size_error(p, w);
	n->size = (uint32_t)x;
	return true;
}

/* dynamic timeout 1h */
static bool forgotten_comma(struct parser *p)
{
	bool prefixes = parse_at_word(p, "prefixes");

	if (!prefixes && !parse_at_word(p, "timeout") && !parse_at_word(p, "size"))
		return false;
	diag_hint(p->diag,
		  diag_error(p->diag, parse_here(p), "a comma is missing before '%s'",
			     parse_text(p, p->tok)),
		  "write: set NAME = dynamic, %s",
		  prefixes ? "prefixes, timeout 1d" : "timeout 1h, size 65536");
	return true;
}

static void set_prefixes(struct parser *p, struct ast_names *n)
{
	struct ast_word w = parse_take_word(p);

	if (n->prefixes_span.src)
		diag_error(p->diag, w.span, "'prefixes' is given twice");
	n->prefixes_span = w.span;
}

/* dynamic = "dynamic" [ "," "prefixes" ] [ "," "timeout" DURATION ] [ "," "size" N ] */
static bool dynamic_set(struct parser *p, struct ast_names *n)
{
	static const char *const words[] = {"prefixes", "timeout", "size", NULL};
	struct diag_record *r;
	const char *near;

	parse_advance(p);
	n->dynamic = true;
	while (parse_comma(p) || forgotten_comma(p)) {
		if (parse_at_word(p, "prefixes")) {
			set_prefixes(p, n);
			continue;
		}
		if (parse_accept_word(p, "timeout")) {
			if (!set_timeout(p, n))
				return false;
			continue;
		}
		if (parse_accept_word(p, "size")) {
			if (!set_size(p, n))
				return false;
			continue;
		}
		if (p->tok.kind == TOK_BAD || parse_dangling_comma(p, false))
			return false;
		r = diag_error(p->diag, parse_here(p),
			       "a dynamic set takes prefixes, a timeout and a size, not %s",
			       parse_found(p));
		near = p->tok.kind == TOK_WORD ? word_nearest(words, parse_text(p, p->tok)) : NULL;
		if (near)
			diag_hint(p->diag, r, "did you mean '%s'?", near);
		else
			diag_hint(p->diag, r, "its elements are added at run time");
		return false;
	}
	return true;
}

/* What later versions may read: not to be taken for a name. */
static bool unsupported(struct parser *p)
{
	if ((parse_at_word(p, "country") || parse_at_word(p, "geoip")) &&
	    parse_peek(p) == TOK_WORD) {
		diag_hint(p->diag,
			  diag_error(p->diag, parse_here(p), "fwc has no list of countries"),
			  "put their networks into a file: file \"networks.txt\"");
		return true;
	}
	return false;
}

/* set x = { A, B } */
static bool list_in_braces(struct parser *p)
{
	const char *begin = p->lex.src->text + p->tok.off + 1;
	int n = (int)strcspn(begin, "}\n");

	while (n && *begin == ' ') {
		begin++;
		n--;
	}
	while (n && begin[n - 1] == ' ')
		n--;
	diag_hint(p->diag, diag_error(p->diag, parse_here(p), "lists take no braces"), "write %.*s",
		  n, begin);
	return false;
}

/* A slip in "dynamic", where what follows says that it is meant. */
static bool meant_dynamic(struct parser *p)
{
	static const char *const words[] = {"dynamic", NULL};
	const char *rest;

	if (p->tok.kind != TOK_WORD || !word_nearest(words, parse_text(p, p->tok)))
		return false;
	rest = parse_words_until(p, NULL, NULL);
	if (!strstr(rest, " timeout") && !strstr(rest, " size") && !strstr(rest, " prefixes"))
		return false;
	diag_hint(p->diag,
		  diag_error(p->diag, parse_here(p), "no kind of set is called %s",
			     parse_found(p)),
		  "did you mean 'dynamic'?");
	p->forgiven++;
	return true;
}

static bool names(struct parser *p, struct ast_stmt *s, bool is_host)
{
	struct ast_names *n = &s->names;

	s->kind = STMT_NAMES;
	n->is_host = is_host;
	parse_advance(p);
	if (!parse_name(p, &n->name, is_host ? "host" : "set") ||
	    !equals(p, is_host ? "host NAME = ADDRESS, ..." : "set NAME = ADDRESS, ...") ||
	    unsupported(p))
		return false;
	if (p->tok.kind == TOK_OPEN)
		return list_in_braces(p);
	if (!is_host && (parse_at_word(p, "dynamic") || meant_dynamic(p)))
		return dynamic_set(p, n);
	return elements(p, n);
}

/* host = "host" NAME "=" element { "," element } */
bool parse_host(struct parser *p, struct ast_stmt *s)
{
	return names(p, s, true);
}

/* set = "set" NAME "=" ( element { "," element } | dynamic ) */
bool parse_set(struct parser *p, struct ast_stmt *s)
{
	return names(p, s, false);
}

/* service-def = "service" NAME "=" service { "," service } [ from ] */
bool parse_service_def(struct parser *p, struct ast_stmt *s)
{
	struct services_out services = {0};

	s->kind = STMT_SERVICE;
	parse_advance(p);
	if (!parse_name(p, &s->service.name, "service") ||
	    !equals(p, "service NAME = tcp/PORT, ...") || !parse_services(p, &services))
		return false;
	if (word_in(service_words, s->service.name.s, s->service.name.span.len))
		diag_error(p->diag, s->service.name.span,
			   "'%s' is a reserved word; the service needs another name",
			   s->service.name.s);
	s->service.services.v = services.v;
	s->service.services.n = services.n;
	s->service.services.cap = services.cap;
	if (services.n)
		return parse_qualifiers(p, &s->service.q, OF_SERVICE);
	if (p->tok.kind == TOK_OPEN)
		return list_in_braces(p);
	if (p->tok.kind != TOK_BAD)
		diag_error(p->diag, parse_here(p), "the services are missing before %s",
			   parse_found(p));
	return false;
}
