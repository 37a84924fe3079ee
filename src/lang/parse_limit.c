/* SPDX-License-Identifier: GPL-2.0-or-later
 * tokens -> how much of something may be: rates, limits and those that have a name, numbers of
 * connections, quotas.
 */
#include <string.h>

#include "lang/parse.h"
#include "util/number.h"

/* 10/sec, 10 / second, 10 per minute */
static void rate_error(struct parser *p, struct ast_word w)
{
	struct diag_record *r = diag_error(p->diag, w.span, "'%s' is not a rate", w.s);
	static const char units[] = "smhd";
	static const char *const names[] = {"second", "minute", "hour", "day"};
	const char *unit = strchr(w.s, '/'), *at;
	struct token next = parse_next(p);
	uint64_t n;

	if (unit)
		unit++;
	else if ((parse_at_word(p, "/") || parse_at_word(p, "per")) && next.kind == TOK_WORD)
		unit = p->lex.src->text + next.off;
	at = unit && *unit ? strchr(units, *unit) : NULL;
	if (at && number_read(w.s, strcspn(w.s, "/"), 1, UINT32_MAX, &n))
		diag_hint(p->diag, r, "write %u/%s", (unsigned)n, names[at - units]);
	else
		diag_hint(p->diag, r,
			  "rates are written 10/second, 5/minute, 100/hour or 1000/day; from 1 "
			  "to %u",
			  UINT32_MAX);
}

static bool take_rate(struct parser *p, struct ast_word w, struct ast_rate *out)
{
	uint64_t ignored;

	if (value_rate(w.s, &out->rate, &out->unit))
		return true;
	rate_error(p, w);
	if (number_word(w.s, 0, UINT32_MAX, &ignored) &&
	    (parse_accept_word(p, "/") || parse_accept_word(p, "per")) && p->tok.kind == TOK_WORD)
		parse_advance(p);
	*out = (struct ast_rate){.rate = 1, .unit = RATE_SECOND};
	return true;
}

/* RATE = N "/" UNIT */
bool parse_rate(struct parser *p, struct ast_rate *out)
{
	struct ast_word w;

	return parse_want_word(p, &w, "the rate") && take_rate(p, w, out);
}

/* [ "burst" N ] */
bool parse_burst(struct parser *p, uint32_t *burst)
{
	uint64_t n;

	if (!parse_accept_word(p, "burst"))
		return true;
	if (!parse_want_number(p, UINT32_MAX, &n, "the burst"))
		return false;
	*burst = (uint32_t)n;
	return true;
}

/* "/24"; zero if it is none, and reported */
static bool take_prefix(struct parser *p, unsigned max, uint8_t *out)
{
	struct diag_record *r;
	struct ast_word w;
	uint64_t n;

	if (!parse_want_word(p, &w, max == 32 ? "the prefix of IPv4" : "the prefix of IPv6"))
		return false;
	if (*w.s == '/' && number_word(w.s + 1, 1, max, &n)) {
		*out = (uint8_t)n;
		return true;
	}
	r = diag_error(p->diag, w.span, "'%s' is not a prefix from /1 to /%u", w.s, max);
	if (number_word(w.s, 1, max, &n))
		diag_hint(p->diag, r, "write /%s", w.s);
	else
		diag_hint(p->diag, r, "that of IPv4 first, then that of IPv6: per source /24, /56");
	*out = (uint8_t)max;
	return true;
}

/* per = "per" "source" [ "/" N "," "/" N ] */
static bool parse_per(struct parser *p, struct ast_per *out)
{
	struct token first = p->tok;

	if (!parse_accept_word(p, "per"))
		return true;
	out->source = true;
	if (!parse_want_exactly(p, "source", "per source"))
		return false;
	if (p->tok.kind != TOK_WORD || !strchr("/0123456789", p->lex.src->text[p->tok.off]))
		return true;
	first = p->tok;
	if (!take_prefix(p, 32, &out->prefix4))
		return false;
	if (!parse_comma(p)) {
		diag_hint(
			p->diag,
			diag_error(p->diag, parse_since(p, first), "the prefix of IPv6 is missing"),
			"write both: per source /%u, /56", out->prefix4);
		out->prefix6 = 128;
		return true;
	}
	return take_prefix(p, 128, &out->prefix6);
}

/* [ "burst" N ] [ per ], in either order */
static bool rest_of_limit(struct parser *p, uint32_t *burst, struct ast_per *per)
{
	return parse_per(p, per) && parse_burst(p, burst) && (per->source || parse_per(p, per));
}

/* limit rate 10/second, limit to 10/second */
static bool filler(struct parser *p, struct ast_word w)
{
	static const char *const fillers[] = {"rate", "to", "over", "upto", "at", NULL};
	const char *next = p->tok.kind == TOK_WORD ? parse_text(p, p->tok) : "";

	if (!word_in(fillers, w.s, strlen(w.s)) || !strchr(next, '/'))
		return false;
	diag_hint(p->diag, diag_error(p->diag, w.span, "the rate goes right after 'limit'"),
		  "write limit %s", next);
	return true;
}

/* limit 4 connections */
static bool connections(struct parser *p, struct ast_word w)
{
	uint64_t n;

	if (!number_word(w.s, 1, UINT32_MAX, &n) ||
	    strncmp(parse_text(p, p->tok), "connection", 10))
		return false;
	diag_hint(p->diag, diag_error(p->diag, w.span, "limit is about new connections in a time"),
		  "for those that are there at once, write max %s connections", w.s);
	return true;
}

/* limit = "limit" ( RATE [ "burst" N ] [ per ] | NAME ) */
bool parse_limit(struct parser *p, struct ast_qualifiers *q)
{
	struct ast_word w;

	if (!parse_want_word(p, &w, "the rate"))
		return false;
	if (filler(p, w) || (p->tok.kind == TOK_WORD && connections(p, w)))
		return false;
	if (!word_is_name(w.s) || word_is_reserved(w.s))
		return take_rate(p, w, &q->limit) &&
		       rest_of_limit(p, &q->limit.burst, &q->limit_per);
	q->limit_name = w;
	if (!parse_at_word(p, "burst") && !parse_at_word(p, "per"))
		return true;
	diag_hint(p->diag,
		  diag_error(p->diag, parse_here(p), "'%s' belongs to where limit %s is defined",
			     parse_text(p, p->tok), w.s),
		  "limit %s = 10/second burst 20 per source", w.s);
	return false;
}

/* limit-statement = "limit" NAME "=" RATE [ "burst" N ] [ per ] */
bool parse_limit_def(struct parser *p, struct ast_stmt *s)
{
	s->kind = STMT_LIMIT;
	parse_advance(p);
	if (!parse_name(p, &s->limit.name, "limit"))
		return false;
	parse_advance(p); /* it is known by '=' */
	return parse_rate(p, &s->limit.rate) &&
	       rest_of_limit(p, &s->limit.rate.burst, &s->limit.per) && !parse_stray_comma(p);
}

/* max = "max" N "connections" [ per ] */
bool parse_max(struct parser *p, struct ast_qualifiers *q)
{
	uint64_t n;

	if (parse_at_word(p, "connections") && parse_next(p).kind == TOK_WORD) {
		diag_hint(
			p->diag,
			diag_error(p->diag, parse_here(p), "the number goes before 'connections'"),
			"write max %s connections", parse_text(p, parse_next(p)));
		return false;
	}
	if (!parse_want_number(p, UINT32_MAX, &n, "the number of connections"))
		return false;
	q->max_connections = (uint32_t)n;
	return parse_want_exactly(p, "connections",
				  arena_printf(p->arena, "max %u connections", (unsigned)n)) &&
	       parse_per(p, &q->max_per);
}

/* ---- quotas ---- */

static bool begins_with_digit(const char *s)
{
	return *s >= '0' && *s <= '9';
}

/* quota = "quota" NAME */
bool parse_quota(struct parser *p, struct ast_qualifiers *q)
{
	const char *word = p->tok.kind == TOK_WORD ? parse_text(p, p->tok) : "";

	if (!begins_with_digit(word))
		return parse_name(p, &q->quota, "quota");
	diag_hint(p->diag,
		  diag_error(p->diag, parse_here(p), "a rule names its quota, which has the size"),
		  "declare it: quota guests = 50 GB; and write here: quota guests");
	return false;
}

static void size_error(struct parser *p, struct span at, const char *number, const char *unit)
{
	struct diag_record *r = diag_error(p->diag, at, "this is not a size");
	size_t digits = strspn(number, "0123456789");
	uint64_t n;

	if (number[digits] && !*unit)
		unit = number + digits; /* "50GB" */
	for (const struct byte_unit *u = byte_units; u->word; u++) {
		if ((u->word[0] | 32) != (unit[0] | 32) ||
		    !number_read(number, digits, 1, INT64_MAX / u->bytes, &n))
			continue;
		diag_hint(p->diag, r, "write %llu %s; the units are powers of 1000",
			  (unsigned long long)n, u->word);
		return;
	}
	diag_hint(p->diag, r, "sizes are written 500 MB or 50 GB, from 1 kB to %lld TB",
		  (long long)(INT64_MAX / 1000000000000));
}

/* SIZE = N ( "kB" | "MB" | "GB" | "TB" ) */
static bool parse_size(struct parser *p, uint64_t *bytes)
{
	struct token first = p->tok;
	struct ast_word number, unit = {.s = ""};

	*bytes = 1000;
	if (!parse_want_word(p, &number, "the size"))
		return false;
	if (p->tok.kind == TOK_WORD && !parse_at_word(p, "note"))
		parse_want_word(p, &unit, "the unit");
	if (!value_bytes(number.s, unit.s, bytes))
		size_error(p, parse_since(p, first), number.s, unit.s);
	return true;
}

/* quota-statement = "quota" NAME "=" SIZE */
bool parse_quota_def(struct parser *p, struct ast_stmt *s)
{
	s->kind = STMT_QUOTA;
	parse_advance(p);
	if (!parse_name(p, &s->quota.name, "quota"))
		return false;
	parse_advance(p); /* it is known by '=' */
	return parse_size(p, &s->quota.bytes);
}
