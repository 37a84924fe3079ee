/* SPDX-License-Identifier: GPL-2.0-or-later
 * tokens -> items and FROM -> TO pairs.
 */
#include <string.h>

#include "lang/parse.h"

static bool is_place(const char *s)
{
	return !strcmp(s, "any") || !strcmp(s, "self") || !strcmp(s, "zones");
}

static void missing_item(struct parser *p, enum item_place where)
{
	switch (where) {
	case ITEM_OF_RULE:
		if (p->tok.kind == TOK_ARROW && p->prev.kind == TOK_ARROW)
			diag_hint(p->diag,
				  diag_error(p->diag, parse_here(p), "'->' is given twice"),
				  "one is enough");
		else if (p->tok.kind == TOK_ARROW)
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
	static const char *const definitions[] = {"zone", "host", "set", NULL};
	struct diag_record *r = diag_error(p->diag, w.span,
					   "'%s' is a reserved word, not a zone, host or set", w.s);

	if (p->word && !strcmp(p->word, "dnat") && !strcmp(w.s, "allow"))
		diag_hint(p->diag, r, "allow goes after the targets, without a comma");
	else if (word_in(verb_words, w.s, w.span.len))
		diag_hint(p->diag, r, "a rule is written: %s FROM -> TO SERVICES", w.s);
	else if (!strcmp(w.s, "include"))
		diag_hint(p->diag, r, "to read addresses from a file, write file");
	else if (word_in(definitions, w.s, w.span.len) && p->tok.kind == TOK_WORD)
		diag_hint(p->diag, r, "write %s", parse_text(p, p->tok));
	else if (!strcmp(w.s, "from"))
		diag_hint(p->diag, r, "the arrow says it: FROM -> TO");
	else if (word_in(qualifier_words, w.s, w.span.len))
		diag_hint(p->diag, r, "it goes after the services: FROM -> TO SERVICES %s", w.s);
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

/* self, any or zones where addresses are wanted */
static void place_error(struct parser *p, struct ast_word w)
{
	struct diag_record *r = diag_error(p->diag, w.span, "'%s' is not a list of addresses", w.s);

	if (!strcmp(w.s, "self") && p->word && !strcmp(p->word, "snat"))
		diag_hint(p->diag, r, "masquerade takes the address of the interface");
	else if (!strcmp(w.s, "self") && p->word && !strcmp(p->word, "dnat"))
		diag_hint(p->diag, r, "to a port of this machine goes redirect");
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
			place_error(p, w);
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
	out->range = strchr(w.s, '-') && out->addr.lo != out->addr.hi;
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
			  "'@' belongs in rules: write %.*s",
			  (int)strcspn(sign.src->text + sign.off, "@ "), sign.src->text + sign.off);
}

/* [2001:db8::1]:22, where no target stands; or a list as other languages have it. */
static bool in_brackets(struct parser *p)
{
	struct diag_record *r =
		diag_error(p->diag, parse_here(p), "write addresses without brackets here");
	const char *begin = p->lex.src->text + p->tok.off + 1;
	int n = (int)strcspn(begin, "]\n");

	if (begin[n] != ']')
		diag_hint(p->diag, r, "ports go after the destination, as services: tcp/443");
	else if (begin[n + 1] == ':' && strspn(begin + n + 2, "0123456789"))
		diag_hint(p->diag, r, "write %.*s tcp/%.*s", n, begin,
			  (int)strspn(begin + n + 2, "0123456789"), begin + n + 2);
	else
		diag_hint(p->diag, r, "write %.*s", n, begin);
	return false;
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
		return in_brackets(p);
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
		vec_push(p->nodes, &out->items, item);
		if (item.but.n)
			break;
	} while (parse_comma(p));
	out->span = parse_since(p, first);
	return true;
}

/* A verb with one word behind it, which is about everything, or about answers. */
static bool hint_of_all(struct parser *p, struct diag_record *r, const char *word)
{
	static const char *const everything[] = {"all", "any", "everything", "default", NULL};

	if (word_in(everything, word, strlen(word)) && strcmp(p->word, "allow") != 0)
		diag_hint(p->diag, r, "%s", hint_statement("default"));
	else if (word_in(everything, word, strlen(word)))
		diag_hint(p->diag, r, "write allow any -> any");
	else if (!strncmp(word, "established", 11) || !strncmp(word, "related", 7))
		diag_hint(p->diag, r, "%s", hint_statement("established"));
	else
		return false;
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
	if (p->word && word_in(verb_words, p->word, strlen(p->word)) && hint_of_all(p, r, from))
		return;
	if (p->word && word_in(verb_words, p->word, strlen(p->word)) && word_is_name(from) &&
	    parse_at_end(p))
		diag_hint(p->diag, r,
			  "write: %s FROM -> TO SERVICES; of a service: %s any -> self %s", p->word,
			  p->word, from);
	else
		diag_hint(p->diag, r, "write: %s", form);
}

/* What is not FROM TO without its arrow. */
static bool other_pair(struct parser *p, struct diag_record *r, const char *from)
{
	struct token next = parse_next(p);
	const char *word = parse_text(p, p->tok);
	enum family family;
	struct ival iv;
	const char *why;

	if (hint_is_but(word) && next.kind == TOK_WORD)
		diag_hint(p->diag, r, "write %s but %s", from, parse_text(p, next));
	else if (!strcmp(from, "not") || !strcmp(from, "-"))
		diag_hint(p->diag, r, "write !%s", word);
	else if (!strcmp(word, "-") && next.kind == TOK_WORD &&
		 addr_parse_range(from, strlen(from), &family, &iv, &why) && iv.lo == iv.hi &&
		 addr_parse_range(parse_text(p, next), next.len, &family, &iv, &why))
		diag_hint(p->diag, r, "write %s-%s", from, parse_text(p, next));
	else if (parse_at_service(p))
		diag_hint(p->diag, r, "write %s -> self %s", from, word);
	else if (hint_item(from))
		diag_hint(p->diag, r, "%s", hint_item(from));
	else
		return false;
	return true;
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
	    (p->word &&
	     ((!strcmp(p->word, "mark") && parse_at_word(p, "as")) ||
	      (!word_in(verb_words, p->word, strlen(p->word)) && parse_at_word(p, "to"))))) {
		hint_form(p, r, text);
		return false;
	}
	if (other_pair(p, r, text))
		return false;
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
