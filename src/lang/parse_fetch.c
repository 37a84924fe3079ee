/* SPDX-License-Identifier: GPL-2.0-or-later
 * tokens -> what of a host or set is known at run time only: dns "NAME", url "URL", and what stands
 * behind them.
 */
#include <string.h>

#include "lang/parse.h"
#include "util/number.h"

#define URL_MAX 2000
#define REFRESH_MIN 60
#define LIST_MAX_MAX 10000000

bool parse_at_fetch(const struct parser *p)
{
	enum token_kind next = parse_peek(p);

	return (parse_at_word(p, "dns") || parse_at_word(p, "url")) &&
	       (next == TOK_STRING || next == TOK_WORD);
}

bool parse_not_fetch(struct parser *p)
{
	struct token next = parse_next(p);
	const char *text = p->lex.src->text + next.off;

	if (p->tok.kind != TOK_NOT || next.kind != TOK_WORD || next.len != 3 ||
	    (strncmp(text, "dns", 3) != 0 && strncmp(text, "url", 3) != 0) ||
	    text[3 + strspn(text + 3, " \t")] != '"')
		return false;
	diag_hint(p->diag,
		  diag_error(p->diag, parse_here(p),
			     "what is known at run time only cannot be taken away from a set"),
		  "make a set of it, and write a rule for that above the rules for this one");
	return true;
}

/* ---- names and URLs ---- */

static size_t label_length(const char *s)
{
	return strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");
}

/* name = label { "." label } [ "." ]; a label has at most 63 characters, the name 253 */
static bool is_host_name(const char *s)
{
	size_t n;

	n = strlen(s);
	if (n > 254 || (n == 254 && s[253] != '.'))
		return false;
	for (;; s += n + 1) {
		n = label_length(s);
		if (!n || n > 63 || s[0] == '-' || s[n - 1] == '-')
			return false;
		if (!s[n] || !strcmp(s + n, "."))
			return true;
		if (s[n] != '.')
			return false;
	}
}

static bool is_ascii(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s > 127)
			return false;
	return true;
}

static void hint_name(struct parser *p, struct diag_record *r, const char *s)
{
	const char *host = strstr(s, "://"), *end;

	if (host) {
		host += 3;
		end = host + strcspn(host, "/:?#");
		diag_hint(p->diag, r, "write the name alone: dns \"%.*s\"", (int)(end - host),
			  host);
	} else if (strchr(s, '*')) {
		diag_hint(p->diag, r,
			  "DNS has no answer for all names that end alike; name those that you "
			  "mean, or let the resolver fill a dynamic set");
	} else if (!is_ascii(s)) {
		diag_hint(p->diag, r, "write it as DNS has it: dns \"xn--...\"");
	} else {
		diag_hint(p->diag, r, "write: dns \"www.example.org\"");
	}
}

static void check_name(struct parser *p, struct ast_word w)
{
	enum family family;
	struct ival addr;
	const char *why;

	if (address_of_text(w.s, strlen(w.s), &family, &addr, &why))
		diag_hint(p->diag,
			  diag_error(p->diag, w.span, "'%s' is an address, and no name to ask for",
				     w.s),
			  "write the address alone, without dns and quotes");
	else if (!is_host_name(w.s))
		hint_name(p, diag_error(p->diag, w.span, "'%s' cannot be a name of DNS", w.s), w.s);
}

static bool begins(const char *s, const char *with)
{
	return !strncasecmp(s, with, strlen(with));
}

/* A URL that can be fetched: "https://" host ..., printable ASCII without blanks. */
static void check_url(struct parser *p, struct ast_word w)
{
	const char *host = begins(w.s, "https://")  ? w.s + 8
			   : begins(w.s, "http://") ? w.s + 7
						    : "";
	bool clean = true;

	for (const char *c = w.s; *c; c++)
		clean &= *c > ' ' && *c < 127 && !strchr("\"<>\\^`{|}", *c);
	if (!*host && strstr(w.s, "://"))
		diag_hint(p->diag, diag_error(p->diag, w.span, "lists are fetched by https only"),
			  "write: url \"https://example.org/list.txt\"; a file of this machine: "
			  "file \"list.txt\"");
	else if (!*host)
		diag_hint(p->diag, diag_error(p->diag, w.span, "'%s' is no URL", w.s),
			  "write: url \"https://example.org/list.txt\"");
	else if (!clean || strlen(w.s) > URL_MAX)
		diag_hint(p->diag,
			  diag_error(p->diag, w.span, "this URL is %s",
				     clean ? "too long" : "not written as URLs are"),
			  clean ? "it has at most 2000 characters"
				: "other characters than letters, digits and "
				  "-._~:/?#[]@!$&'()*+,;=%% "
				  "are written as %%XX");
	else if (strchr("/:?#", *host) || memchr(host, '@', strcspn(host, "/?#")))
		diag_hint(p->diag,
			  diag_error(p->diag, w.span,
				     strchr("/:?#", *host) ? "this URL names no server"
							   : "a URL here has no user or password"),
			  "write: url \"https://example.org/list.txt\"");
	else if (begins(w.s, "http:"))
		diag_hint(p->diag,
			  diag_warning(p->diag, w.span,
				       "whoever is on the way can change what comes by http"),
			  "write https://, if the server has it");
}

/* ---- what stands behind ---- */

static bool once(struct parser *p, struct span *was, struct span is, const char *word)
{
	if (was->src)
		diag_error(p->diag, is, "'%s' is given twice", word);
	*was = is;
	return true;
}

static bool fetch_duration(struct parser *p, struct span *was, uint64_t *out, const char *word)
{
	struct ast_word w;
	bool fine;

	if (!parse_want_word(p, &w, arena_printf(p->arena, "the time of '%s'", word)))
		return false;
	fine = value_duration(w.s, out);
	if (!fine)
		diag_hint(p->diag, diag_error(p->diag, w.span, "'%s' is not a duration", w.s),
			  "durations are written 30m, 6h, 10d or 1h30m");
	else if (!strcmp(word, "refresh") && *out < REFRESH_MIN)
		diag_hint(p->diag,
			  diag_error(p->diag, w.span,
				     "no list is fetched more often than once a "
				     "minute"),
			  "write: refresh 6h");
	return once(p, was, w.span, word);
}

static bool fetch_sha256(struct parser *p, struct ast_fetch *f)
{
	struct span was = f->sha256.span;

	if (p->tok.kind != TOK_STRING) {
		if (p->tok.kind != TOK_BAD)
			diag_hint(p->diag,
				  diag_error(p->diag, parse_here(p),
					     "the URL that the list's SHA-256 is at is missing"),
				  "write: sha256 \"https://example.org/list.txt.sha256\"");
		return false;
	}
	f->sha256 = parse_take_string(p);
	check_url(p, f->sha256);
	return once(p, &was, f->sha256.span, "sha256");
}

static bool fetch_max(struct parser *p, struct ast_fetch *f)
{
	struct token first = p->tok;

	if (!parse_want_number(p, LIST_MAX_MAX, &f->max, "the number of 'max'"))
		return false;
	return once(p, &f->max_span, parse_since(p, first), "max");
}

/* "refresh" DURATION | "expire" DURATION | "sha256" STRING | "max" N | "private" | "lenient"; *more
 * says whether one of them was here. */
static bool fetch_option(struct parser *p, struct ast_fetch *f, bool *more)
{
	struct token first = p->tok;

	*more = true;
	if (parse_accept_word(p, "refresh"))
		return fetch_duration(p, &f->refresh_span, &f->refresh, "refresh");
	if (parse_accept_word(p, "expire"))
		return fetch_duration(p, &f->expire_span, &f->expire, "expire");
	if (parse_accept_word(p, "sha256"))
		return fetch_sha256(p, f);
	if (parse_accept_word(p, "max"))
		return fetch_max(p, f);
	if (parse_accept_word(p, "private"))
		return once(p, &f->private_span, parse_since(p, first), "private");
	if (parse_accept_word(p, "lenient"))
		return once(p, &f->lenient_span, parse_since(p, first), "lenient");
	*more = false;
	return true;
}

static bool is_of_url(struct parser *p)
{
	static const char *const words[] = {"refresh", "sha256", "max", "lenient", NULL};

	return p->tok.kind == TOK_WORD && word_in(words, p->lex.src->text + p->tok.off, p->tok.len);
}

static bool fetch_options(struct parser *p, struct ast_names *n, struct ast_element *e)
{
	static const char *const words[] = {"refresh", "expire",  "sha256",
					    "private", "lenient", NULL};
	const char *near;
	bool more = true;

	while (more) {
		if (e->kind == ELEM_DNS && is_of_url(p)) {
			diag_hint(p->diag,
				  diag_error(p->diag, parse_here(p), "dns takes no '%s'",
					     parse_text(p, p->tok)),
				  "answers of DNS say themselves how long they are good for; write "
				  "expire 10d, private, or nothing");
			return false;
		}
		if (!fetch_option(p, &n->fetch, &more))
			return false;
		e->asks |= more;
	}
	near = p->tok.kind == TOK_WORD ? word_nearest(words, parse_text(p, p->tok)) : NULL;
	if (!near || parse_at_end(p))
		return true;
	diag_hint(p->diag, diag_error(p->diag, parse_here(p), "%s cannot follow here",
				      parse_found(p)),
		  "did you mean '%s'?", near);
	return false;
}

/* ---- all of it ---- */

/* fetch = "dns" STRING { "," STRING } { option } | "url" STRING { option }; here one name. */
bool parse_fetch(struct parser *p, struct ast_names *n, struct ast_element *e)
{
	struct token first = p->tok;
	bool dns = e->goes_on || parse_at_word(p, "dns");

	if (!e->goes_on)
		parse_advance(p);
	if (p->tok.kind != TOK_STRING) {
		const char *s = parse_text(p, p->tok);

		diag_hint(p->diag,
			  diag_error(p->diag, parse_here(p), "%s is written as a string",
				     dns ? "a name of DNS" : "a URL"),
			  "write: %s \"%s\"", dns ? "dns" : "url", s);
		return false;
	}
	e->kind = dns ? ELEM_DNS : ELEM_URL;
	e->source = parse_take_string(p);
	if (!dns && n->is_host)
		diag_hint(p->diag,
			  diag_error(p->diag, parse_since(p, first),
				     "a host cannot be fetched from a URL"),
			  "declare it as a set: set %s = url \"%s\"", n->name.s, e->source.s);
	else if (dns)
		check_name(p, e->source);
	else
		check_url(p, e->source);
	if (!fetch_options(p, n, e))
		return false;
	e->item.span = parse_since(p, first);
	return true;
}

/* One set of the kernel holds what all of a set's names or its URL have. */
void parse_fetch_whole(struct parser *p, const struct ast_names *n)
{
	const struct ast_element *e, *first = NULL, *asked = NULL;

	vec_each (&n->elements, e) {
		if (e->kind != ELEM_DNS && e->kind != ELEM_URL)
			continue;
		if (first && (first->kind == ELEM_URL || e->kind == ELEM_URL)) {
			diag_hint(p->diag,
				  diag_error(p->diag, e->item.span,
					     "a set is fetched from one URL, or asked of DNS"),
				  "give each a set of its own, and name both: set all = a, b");
			return;
		}
		if (asked) {
			diag_hint(p->diag,
				  diag_error(p->diag, asked->item.span,
					     "what is said of the names is said of all, behind the "
					     "last of them"),
				  "write it behind \"%s\", or make two sets", e->source.s);
			return;
		}
		first = e;
		asked = e->asks ? e : NULL;
	}
}
