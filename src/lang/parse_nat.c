/* SPDX-License-Identifier: GPL-2.0-or-later
 * tokens -> masquerade, snat, dnat, redirect, no-nat, netmap and clamp-mss statements.
 */
#include <string.h>

#include "lang/parse.h"
#include "util/number.h"

#define MSS_MIN 536 /* RFC 9293, 3.7.1: what every IPv4 host takes */
#define MSS_MAX 65535
#define WEIGHT_MAX 100 /* each is so many places in a map */

/* Words about how a source is chosen. */
enum option { OPTION_PORTS, OPTION_RANDOM, OPTION_PERSISTENT, OPTIONS };

/* LOW-HIGH, of n bytes. */
static bool port_range(const char *s, size_t n, uint16_t *first, uint16_t *last)
{
	const char *dash = memchr(s, '-', n);
	size_t low = dash ? (size_t)(dash - s) : 0;
	uint64_t lo, hi;

	if (!dash || !number_read(s, low, 1, PORT_MAX, &lo) ||
	    !number_read(dash + 1, n - low - 1, lo, PORT_MAX, &hi))
		return false;
	*first = (uint16_t)lo;
	*last = (uint16_t)hi;
	return true;
}

/* ":PORT" of a word; the port must be one that packets can have. */
static bool target_port(struct parser *p, struct ast_word w, const char *colon, uint16_t *out,
			uint16_t *last)
{
	struct span at = w.span;
	struct diag_record *r;
	const char *slash;
	uint64_t port;
	uint32_t skip = (uint32_t)(colon + 1 - w.s);

	at.off += skip;
	at.len -= skip;
	if (!at.len) {
		diag_error(p->diag, w.span, "a port is missing after ':'");
		return false;
	}
	if (!strcmp(p->word, "netmap")) {
		diag_error(p->diag, at, "netmap rewrites addresses, not ports");
		return true;
	}
	if (!strcmp(p->word, "snat")) {
		diag_hint(p->diag, diag_error(p->diag, at, "snat rewrites addresses, not ports"),
			  "write the address alone, and the ports behind it: %.*s ports "
			  "1024-65535",
			  (int)(colon - w.s), w.s);
		return true;
	}
	if (last && port_range(colon + 1, at.len, out, last)) {
		if (*last == *out)
			*last = 0;
		return true;
	}
	if (memchr(colon + 1, '-', at.len)) {
		if (last)
			diag_error(p->diag, at, "'%s' is no range of ports, LOW-HIGH", colon + 1);
		else
			diag_error(p->diag, at, "redirect goes to one port, not to a range");
		return false;
	}
	if (number_read(colon + 1, at.len, 1, PORT_MAX, &port)) {
		*out = (uint16_t)port;
		return true;
	}
	r = diag_error(p->diag, at, "'%s' is not a target port, a number from 1 to %d", colon + 1,
		       PORT_MAX);
	slash = strchr(colon, '/');
	if (slash && number_word(slash + 1, 1, PORT_MAX, &port))
		diag_hint(p->diag, r, "the protocol stays: write %.*s:%s", (int)(colon - w.s), w.s,
			  slash + 1);
	return false;
}

/* "[" ADDRESS "]" [ ":" PORT ] */
static bool bracket_target(struct parser *p, struct ast_target *out)
{
	struct token open = p->tok;
	struct ast_word w;

	parse_advance(p);
	if (!parse_item(p, &out->item, ITEM_OF_TARGET))
		return false;
	if (!parse_accept(p, TOK_CLOSE_BRACKET)) {
		diag_error(p->diag, token_span(p->lex.src, open), "this '[' is not closed");
		return false;
	}
	if (out->item.kind != ITEM_ADDR)
		diag_hint(p->diag,
			  diag_error(p->diag, out->item.span, "write names without brackets"),
			  "write NAME:PORT");
	if (p->tok.kind == TOK_WORD && p->lex.src->text[p->tok.off] == ':') {
		w = parse_take_word(p);
		target_port(p, w, w.s, &out->port, &out->port_last);
	}
	out->span = parse_since(p, open);
	return true;
}

/* NAME ":" PORT or IPV4 ":" PORT within one word */
static bool word_with_port(struct parser *p, struct ast_target *out)
{
	struct token t = p->tok;
	struct ast_word w = {parse_text(p, t), token_span(p->lex.src, t)};
	const char *colon = strrchr(w.s, ':');
	enum family family;
	struct ival iv;
	const char *why;

	if (!colon || addr_parse_range(w.s, t.len, &family, &iv, &why) ||
	    memchr(w.s, ':', (size_t)(colon - w.s)))
		return false;
	if (colon == w.s) {
		diag_hint(p->diag, diag_error(p->diag, w.span, "a host is missing before the port"),
			  "redirect goes to a port of this machine, dnat to HOST:PORT");
	} else {
		/* Read the part before the colon as the item, as if a token ended there. */
		p->lex.pos = t.off + (uint32_t)(colon - w.s);
		p->tok.len = (uint32_t)(colon - w.s);
		parse_item(p, &out->item, ITEM_OF_TARGET);
	}
	p->lex.pos = t.off + t.len;
	p->prev = t;
	p->tok = lex_next(&p->lex);
	target_port(p, w, colon, &out->port, &out->port_last);
	out->span = w.span;
	return true;
}

/* PORT may be a range. target = ITEM | NAME ":" PORT | IPV4 ":" PORT | "[" ADDRESS "]" [ ":" PORT ]
 */
static bool target(struct parser *p, struct ast_target *out)
{
	if (p->tok.kind == TOK_OPEN_BRACKET)
		return bracket_target(p, out);
	if (p->tok.kind == TOK_WORD && word_with_port(p, out))
		return true;
	if (!parse_item(p, &out->item, ITEM_OF_TARGET))
		return false;
	out->span = out->item.span;
	return true;
}

/* weight = "weight" N */
static bool weight(struct parser *p, struct ast_target *t)
{
	struct ast_word w;
	uint64_t n = 1;

	if (strcmp(p->word, "dnat") != 0 || !parse_accept_word(p, "weight"))
		return true;
	if (p->tok.kind != TOK_WORD) {
		struct token next = parse_next(p);

		diag_hint(p->diag,
			  diag_error(p->diag, parse_here(p), "the weight is missing before %s",
				     parse_found(p)),
			  "write weight %s",
			  p->tok.kind == TOK_EQUALS && next.kind == TOK_WORD ? parse_text(p, next)
									     : "3");
		return false;
	}
	w = parse_take_word(p);
	if (!number_word(w.s, 1, WEIGHT_MAX, &n))
		diag_error(p->diag, w.span, "'%s' is not a weight, a number from 1 to %d", w.s,
			   WEIGHT_MAX);
	t->weight = (uint32_t)n;
	return true;
}

static const char *const targets_of[] = {[NAT_SNAT] = "ADDRESS",
					 [NAT_DNAT] = "HOST",
					 [NAT_REDIRECT] = ":PORT",
					 [NAT_NETMAP] = "NETWORK"};

static const char *const behind_dnat[] = {"note", "weight", "by", "hairpin", "allow", NULL};
static const char *const behind_snat[] = {"note", "random", "persistent", "ports", NULL};
static const char *const behind_others[] = {"note", NULL};

static bool of_behind(const struct ast_nat *n, const char *word)
{
	const char *const *list = n->kind == NAT_DNAT	? behind_dnat
				  : n->kind == NAT_SNAT ? behind_snat
							: behind_others;

	return word_in(list, word, strlen(word));
}

/* A word of the language that stands before "to" and does not belong there. */
static bool misplaced(struct parser *p, const struct ast_nat *n)
{
	const char *word = p->tok.kind == TOK_WORD ? parse_text(p, p->tok) : "";
	const char *rest, *words, *allow;
	struct diag_record *r;

	if (!of_behind(n, word) && strcmp(word, "published") != 0 &&
	    !word_in(qualifier_words, word, p->tok.len))
		return false;
	r = diag_error(p->diag, parse_here(p), "'%s' cannot stand before 'to'", word);
	words = parse_words_until(p, "to", &rest);
	rest = rest ? rest : targets_of[n->kind];
	allow = of_behind(n, word) ? strstr(rest, " allow") : NULL;
	if (of_behind(n, word))
		diag_hint(p->diag, r, "it goes behind: to %.*s %s%s",
			  (int)(allow ? (size_t)(allow - rest) : strlen(rest)), rest, words,
			  allow ? allow : "");
	else if (n->kind == NAT_DNAT && qualifier_is_of(word, OF_RULE))
		diag_hint(p->diag, r, "it is a rule's; with the rule that dnat writes: to %s %s%s",
			  rest, strstr(rest, " allow") ? "" : "allow ", words);
	else if (!strcmp(word, "published"))
		diag_hint(p->diag, r, "%s", published_hint);
	else
		diag_hint(p->diag, r, "only rules have it");
	return true;
}

static bool to_word(struct parser *p, const struct ast_nat *n)
{
	struct diag_record *r;
	const char *word = p->tok.kind == TOK_WORD ? parse_text(p, p->tok) : "";
	bool target = *word && !word_in(behind_dnat, word, p->tok.len) &&
		      !word_in(behind_snat, word, p->tok.len);

	if (parse_accept_word(p, "to"))
		return true;
	if (p->tok.kind == TOK_BAD || misplaced(p, n))
		return false;
	r = diag_error(p->diag, parse_here(p), "'to' is missing before %s", parse_found(p));
	if (p->tok.kind == TOK_ARROW && parse_next(p).kind == TOK_WORD)
		diag_hint(p->diag, r, "write to %s", parse_text(p, parse_next(p)));
	else if (target)
		diag_hint(p->diag, r, "write to %s", word);
	else
		diag_hint(p->diag, r, "write: %s FROM -> TO SERVICES to %s", p->word,
			  targets_of[n->kind]);
	return false;
}

/* "to" target [ weight ] { "," target [ weight ] } */
static bool targets(struct parser *p, struct ast_nat *n)
{
	if (!to_word(p, n))
		return false;
	do {
		struct ast_target t = {0};

		if (!target(p, &t) || !weight(p, &t))
			return false;
		vec_push(p->arena, &n->targets, t);
	} while (parse_comma(p));
	return true;
}

/* "to" ":" PORT */
static bool redirect_port(struct parser *p, struct ast_nat *n)
{
	struct diag_record *r;
	struct ast_word w;
	uint64_t x;

	if (misplaced(p, n))
		return false;
	if (!parse_accept_word(p, "to") || p->tok.kind != TOK_WORD) {
		if (p->tok.kind != TOK_BAD)
			diag_hint(p->diag,
				  diag_error(p->diag, parse_here(p),
					     "'to :PORT' is missing before %s", parse_found(p)),
				  "write: redirect FROM -> TO SERVICES to :8080");
		return false;
	}
	w = parse_take_word(p);
	if (w.s[0] == ':')
		return target_port(p, w, w.s, &n->port, NULL) || true;
	r = diag_error(p->diag, w.span, "redirect goes to a port of this machine");
	if (number_word(w.s, 0, PORT_MAX, &x))
		diag_hint(p->diag, r, "write :%s", w.s);
	else if (!strncmp(w.s, "self:", 5) || !strncmp(w.s, "localhost:", 10) ||
		 !strncmp(w.s, "127.0.0.1:", 10))
		diag_hint(p->diag, r, "write %s", strchr(w.s, ':'));
	else
		diag_hint(p->diag, r, "write :PORT here, or use dnat to reach another host");
	return true;
}

/* to nas tcp/8080, to nas port 8080: the port */
static const char *port_behind(struct parser *p, const struct ast_nat *n)
{
	struct token next = parse_next(p);
	const char *word = parse_text(p, p->tok), *port = strchr(word, '/');

	if (!n->targets.n || n->targets.v[n->targets.n - 1].port)
		return NULL;
	port = parse_at_word(p, "port") && next.kind == TOK_WORD ? parse_text(p, next)
	       : port						 ? port + 1
								 : "";
	return *port && !port[strspn(port, "0123456789")] ? port : NULL;
}

/* What ends a translation of each kind. */
static const char *const tail_words[][6] = {
	[NAT_MASQUERADE] = {"ports", "random"},
	[NAT_SNAT] = {"ports", "random", "persistent"},
	[NAT_DNAT] = {"weight", "by", "hairpin", "allow"},
	[NAT_REDIRECT] = {NULL},
	[NAT_NONE] = {NULL},
	[NAT_NETMAP] = {NULL},
};

static void what_follows(struct parser *p, const struct ast_nat *n)
{
	struct diag_record *r;

	if (p->tok.kind != TOK_WORD || parse_at_word(p, "note"))
		return;
	r = diag_error(p->diag, parse_here(p), "'%s' cannot follow here", parse_text(p, p->tok));
	if (n->kind == NAT_DNAT && port_behind(p, n))
		diag_hint(p->diag, r, "the port goes with the target: write %s:%s",
			  span_text(p->arena, n->targets.v[n->targets.n - 1].span),
			  port_behind(p, n));
	else if (n->kind == NAT_DNAT && !n->allow_span.src && parse_at_word(p, "accept"))
		diag_hint(p->diag, r, "write allow");
	else if (parse_at_word(p, "to") && n->kind == NAT_NONE)
		diag_hint(p->diag, r, "no-nat leaves connections as they are");
	else if (parse_at_word(p, "to") && n->kind == NAT_MASQUERADE)
		diag_hint(p->diag, r,
			  "masquerade takes the interface's address; snat goes 'to' one");
	else if (parse_at_word(p, "hairpin") && n->allow_span.src)
		diag_hint(p->diag, r, "write hairpin before allow");
	else if (parse_at_word(p, "hairpin"))
		diag_hint(p->diag, r, "only dnat has 'hairpin'");
	else if (qualifier_is_of(parse_text(p, p->tok), OF_NAT))
		diag_hint(p->diag, r, "it goes before %s",
			  n->kind == NAT_MASQUERADE ? "'ports' and 'random'" : "'to'");
	else if (parse_at_word(p, "published"))
		diag_hint(p->diag, r, "%s", published_hint);
	else if (parse_at_word(p, "allow"))
		diag_hint(p->diag, r, "only dnat writes its rule by itself");
	else if (parse_at_word(p, "random") || parse_at_word(p, "ports"))
		diag_hint(p->diag, r, "only masquerade and snat choose ports");
	else if (parse_at_word(p, "persistent"))
		diag_hint(p->diag, r, "only snat has several addresses to choose from");
	else if (n->kind == NAT_DNAT && word_in(qualifier_words, parse_text(p, p->tok), p->tok.len))
		diag_hint(p->diag, r, "only rules have qualifiers; write: allow %s",
			  parse_words_until(p, NULL, NULL));
	else if (word_in(qualifier_words, parse_text(p, p->tok), p->tok.len))
		diag_hint(p->diag, r, "only rules have qualifiers");
	else if (n->kind == NAT_MASQUERADE && n->services.n == 1 &&
		 n->services.v[0].kind == SERVICE_NAME &&
		 word_nearest(tail_words[n->kind], n->services.v[0].name.s))
		diag_hint(p->diag, r, "'%s' is read as a service; did you mean 'ports'?",
			  n->services.v[0].name.s);
	else if (word_nearest(tail_words[n->kind], parse_text(p, p->tok)))
		diag_hint(p->diag, r, "did you mean '%s'?",
			  word_nearest(tail_words[n->kind], parse_text(p, p->tok)));
	parse_resync(p);
}

static bool at_qualifier(const struct parser *p)
{
	return p->tok.kind == TOK_WORD &&
	       word_in(qualifier_words, p->lex.src->text + p->tok.off, p->tok.len);
}

/* "by" "source" */
static bool by_source(struct parser *p, struct ast_nat *n)
{
	if (!parse_accept_word(p, "by"))
		return true;
	n->by_source = true;
	if (parse_accept_word(p, "source"))
		return true;
	diag_hint(
		p->diag,
		diag_error(p->diag, parse_here(p), "'source' is missing before %s", parse_found(p)),
		"write: by source");
	return false;
}

/* "ports" LOW "-" HIGH */
static bool source_ports(struct parser *p, struct ast_nat *n)
{
	struct token first = p->tok;
	struct ast_word w = {0};

	parse_advance(p);
	if (p->tok.kind == TOK_WORD)
		w = parse_take_word(p);
	n->ports_span = parse_since(p, first);
	if (w.s && port_range(w.s, strlen(w.s), &n->ports_first, &n->ports_last))
		return true;
	diag_hint(p->diag,
		  diag_error(p->diag, w.s ? w.span : parse_here(p), "a range of ports is missing"),
		  "write: ports 1024-65535");
	return w.s;
}

/* Of masquerade, behind TO alone: a word that may be a service as well. */
static bool at_option(struct parser *p)
{
	struct token next = parse_next(p);

	if (parse_at_word(p, "ports"))
		return next.kind == TOK_WORD && strspn(p->lex.src->text + next.off, "0123456789");
	return (parse_at_word(p, "random") || parse_at_word(p, "persistent")) &&
	       next.kind != TOK_COMMA;
}

/* Which of the words it is, if it is one; each may be said once. */
static enum option option(struct parser *p, struct span seen[])
{
	static const char *const words[] = {"ports", "random", "persistent"};
	enum option i = 0;

	while (i < OPTIONS && !parse_at_word(p, words[i]))
		i++;
	if (i == OPTIONS)
		return i;
	if (seen[i].src)
		diag_note(p->diag,
			  diag_error(p->diag, parse_here(p), "'%s' is given twice", words[i]),
			  seen[i], "here already");
	seen[i] = parse_here(p);
	return i;
}

/* options = { "ports" LOW "-" HIGH | "random" | "persistent" } */
static bool options(struct parser *p, struct ast_nat *n)
{
	struct span seen[OPTIONS] = {0};
	struct token first = p->tok;
	bool alone = !n->services.n && !n->q.family && n->kind == NAT_MASQUERADE;

	for (int i = 0; p->tok.kind == TOK_WORD; i++) {
		enum option which = option(p, seen);

		if (which == OPTIONS)
			return true;
		if (which == OPTION_PORTS) {
			if (!source_ports(p, n))
				return false;
			alone = false;
		} else {
			parse_advance(p);
		}
		if (which == OPTION_RANDOM)
			n->random = true;
		if (which == OPTION_PERSISTENT)
			n->persistent_span = seen[which];
		n->option = (struct ast_word){0};
		if (alone && !i)
			n->option = (struct ast_word){parse_text(p, first),
						      token_span(p->lex.src, first)};
	}
	return true;
}

/* hairpin = "hairpin" [ endpoint ] */
static bool hairpin(struct parser *p, struct ast_nat *n)
{
	if (!parse_accept_word(p, "hairpin"))
		return true;
	n->hairpin = true;
	if (parse_at_word(p, "by") && parse_next(p).kind == TOK_WORD) {
		diag_hint(p->diag, diag_error(p->diag, parse_here(p), "'by' cannot follow here"),
			  "write by source before hairpin");
		return false;
	}
	return parse_at_end(p) || parse_at_word(p, "allow") || at_qualifier(p) ||
	       parse_endpoint(p, &n->hairpin_zones);
}

/* allow = "allow" QUALIFIERS */
static bool rule_of_its_own(struct parser *p, struct ast_nat *n)
{
	n->allow_span = parse_here(p);
	if (parse_accept_word(p, "allow")) {
		n->allow = arena_new_of(p->arena, struct ast_qualifiers);
		return parse_at_word(p, "hairpin") || parse_qualifiers(p, n->allow, OF_RULE);
	}
	n->allow_span.src = NULL;
	return true;
}

/* nat = "no-nat" pair SERVICES QUALIFIERS
 *     | "masquerade" pair SERVICES QUALIFIERS options
 *     | "redirect" pair SERVICES QUALIFIERS "to" ":" PORT
 *     | "snat" pair SERVICES QUALIFIERS targets options
 *     | "netmap" pair SERVICES QUALIFIERS targets
 *     | "dnat" pair SERVICES QUALIFIERS targets [ "by" "source" ] [ hairpin ] [ allow ] */
bool parse_nat(struct parser *p, struct ast_stmt *s)
{
	struct services_out services = {0};
	struct ast_nat *n = &s->nat;

	s->kind = STMT_NAT;
	while (strcmp(nat_name(n->kind), p->word) != 0)
		n->kind++;
	parse_advance(p);
	if (!parse_pair(p, &n->from, &n->to) ||
	    !((n->kind == NAT_MASQUERADE && at_option(p)) || parse_services(p, &services)))
		return false;
	n->services.v = services.v;
	n->services.n = services.n;
	n->services.cap = services.cap;
	if (!parse_qualifiers(p, &n->q, OF_NAT))
		return false;
	switch (n->kind) {
	case NAT_NONE:
		break;
	case NAT_NETMAP:
		if (!targets(p, n))
			return false;
		break;
	case NAT_MASQUERADE:
		if (!options(p, n))
			return false;
		break;
	case NAT_SNAT:
		if (!targets(p, n) || !options(p, n))
			return false;
		break;
	case NAT_DNAT:
		if (!targets(p, n) || !by_source(p, n) || !hairpin(p, n) || !rule_of_its_own(p, n))
			return false;
		break;
	case NAT_REDIRECT:
		if (!redirect_port(p, n))
			return false;
		break;
	}
	what_follows(p, n);
	return true;
}

static void mss_error(struct parser *p, struct ast_word w)
{
	static const char *const others[] = {"to", "set", "mtu", "auto", "clamp", NULL};
	struct diag_record *r = diag_error(p->diag, w.span, "'%s' is not a segment size", w.s);
	const char *next = p->tok.kind == TOK_WORD ? parse_text(p, p->tok) : "";
	uint64_t n;

	if (!word_in(others, w.s, strlen(w.s))) {
		diag_hint(p->diag, r, "it is pmtu, or a number of bytes from %d to %d", MSS_MIN,
			  MSS_MAX);
		return;
	}
	diag_hint(p->diag, r, "write %s", number_word(next, MSS_MIN, MSS_MAX, &n) ? next : "pmtu");
	parse_resync(p);
}

/* clamp = "clamp-mss" pair ( "pmtu" | NUMBER ) */
bool parse_clamp(struct parser *p, struct ast_stmt *s)
{
	static const char clamps[] = "clamp-mss is for all TCP of the pair: FROM -> TO pmtu";
	struct ast_word w;
	uint64_t n;

	s->kind = STMT_CLAMP;
	parse_advance(p);
	if (!parse_pair(p, &s->clamp.from, &s->clamp.to))
		return false;
	if (p->tok.kind == TOK_BAD)
		return false;
	if (!parse_nothing_more(p, clamps))
		return false;
	if (p->tok.kind != TOK_WORD) {
		diag_hint(p->diag,
			  diag_error(p->diag, parse_here(p),
				     "the segment size is missing before %s", parse_found(p)),
			  "write pmtu for the path MTU, or a number of bytes");
		return false;
	}
	w = parse_take_word(p);
	if (!strcmp(w.s, "pmtu"))
		return parse_nothing_more(p, clamps);
	if (number_word(w.s, MSS_MIN, MSS_MAX, &n))
		s->clamp.mss = (uint16_t)n;
	else
		mss_error(p, w);
	return parse_nothing_more(p, clamps);
}
