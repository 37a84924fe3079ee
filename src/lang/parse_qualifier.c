/* SPDX-License-Identifier: GPL-2.0-or-later
 * tokens -> the qualifiers of a rule: log, limit, with ...
 */
#include <string.h>

#include "lang/parse.h"
#include "util/number.h"

void parse_no_duration(struct parser *p, struct ast_word w)
{
	struct diag_record *r = diag_error(p->diag, w.span, "'%s' is not a duration", w.s);
	const char *unit = p->tok.kind == TOK_WORD && !p->tok.first ? parse_text(p, p->tok) : NULL;
	const char *text =
		unit ? hint_duration(p->arena, arena_printf(p->arena, "%s%s", w.s, unit)) : NULL;

	if (text)
		parse_advance(p); /* 1 h */
	else
		text = hint_duration(p->arena, w.s);
	if (text)
		diag_hint(p->diag, r, "write %s", text);
	else if (!strcmp(w.s, "never") || !strcmp(w.s, "0"))
		diag_hint(p->diag, r, "without a time, nothing leaves by itself: leave it out");
	else
		diag_hint(p->diag, r,
			  "durations are written 30s, 10m, 1h, 2d or 1h30m; from 1s to 3650d");
}

/* The word at hand, which `what` names; reports if there is none. */
bool parse_want_word(struct parser *p, struct ast_word *out, const char *what)
{
	if (p->tok.kind == TOK_WORD) {
		*out = parse_take_word(p);
		return true;
	}
	if (p->tok.kind != TOK_BAD)
		diag_error(p->diag, parse_here(p), "%s is missing before %s", what, parse_found(p));
	return false;
}

bool parse_want_number(struct parser *p, uint64_t max, uint64_t *out, const char *what)
{
	struct ast_word w;

	if (!parse_want_word(p, &w, what))
		return false;
	if (!number_word(w.s, 1, max, out)) {
		diag_error(p->diag, w.span, "'%s' is not a number from 1 to %llu", w.s,
			   (unsigned long long)max);
		*out = 1;
		return w.s[0] >= '0' && w.s[0] <= '9';
	}
	return true;
}

/* A word of the qualifier's own; reports any other. */
bool parse_want_exactly(struct parser *p, const char *word, const char *form)
{
	if (parse_accept_word(p, word))
		return true;
	if (p->tok.kind != TOK_BAD)
		diag_hint(p->diag,
			  diag_error(p->diag, parse_here(p), "'%s' is missing before %s", word,
				     parse_found(p)),
			  "write: %s", form);
	return false;
}

/* with = "with" INSPECTOR */
static bool qualifier_with(struct parser *p, struct ast_qualifiers *q)
{
	return parse_name(p, &q->with, "inspector");
}

/* mark = "mark" N [ "/" MASK ], decimal or 0x... */
static bool qualifier_mark(struct parser *p, struct ast_qualifiers *q)
{
	struct ast_word w;

	if (!parse_want_word(p, &w, "the mark"))
		return false;
	if (!value_masked(w.s, &q->mark, &q->mark_mask))
		diag_hint(p->diag, diag_error(p->diag, w.span, "'%s' is not a mark", w.s),
			  "a mark is a number from 0 to 4294967295: 7 or 0x1f; of some bits: "
			  "0x40/0xff");
	else if (!q->mark_mask)
		diag_hint(p->diag, diag_error(p->diag, w.span, "this mask has no bits to look at"),
			  "without a mask the whole mark is meant: mark 0x%x", q->mark);
	else if (q->mark & ~q->mark_mask)
		diag_hint(
			p->diag,
			diag_error(p->diag, w.span,
				   "this mark has bits that are not in its mask: none is like it"),
			"write 0x%x/0x%x", q->mark & q->mark_mask, q->mark_mask);
	return true;
}

static void dscp_error(struct parser *p, struct ast_word w)
{
	struct diag_record *r = diag_error(p->diag, w.span, "'%s' is not a DSCP", w.s);
	char *lower = arena_strndup(p->arena, w.s, strlen(w.s));
	uint8_t value;

	for (char *c = lower; *c; c++)
		*c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 'a' - 'A' : *c);
	if (value_dscp(lower, &value))
		diag_hint(p->diag, r, "write dscp %s", lower);
	else
		diag_hint(p->diag, r,
			  "write ef, cs0 to cs7, af11 to af43, or a number from 0 to 63");
}

/* dscp = "dscp" ( NAME | NUMBER ) */
static bool qualifier_dscp(struct parser *p, struct ast_qualifiers *q)
{
	struct ast_word w;

	if (!parse_want_word(p, &w, "the DSCP"))
		return false;
	if (!value_dscp(w.s, &q->dscp))
		dscp_error(p, w);
	return true;
}

/* Of a user or a group: a name, or a number. */
static bool identity(struct parser *p, struct ast_word *out, const char *what)
{
	struct diag_record *r;
	const char *digits;
	uint64_t n;

	if (!parse_want_word(p, out, arena_printf(p->arena, "the name of a %s", what)))
		return false;
	digits = out->s + strspn(out->s, "+-");
	if (*digits && !digits[strspn(digits, "0123456789")] &&
	    !number_word(out->s, 0, USER_MAX, &n))
		diag_error(p->diag, out->span,
			   "'%s' is neither a %s's name nor a number from 0 to %u", out->s, what,
			   USER_MAX);
	if (p->tok.kind != TOK_COMMA)
		return true;
	r = diag_error(p->diag, parse_here(p), "a rule has one %s", what);
	diag_hint(p->diag, r, "write a rule for each");
	return false;
}

/* user = "user" ( NAME | NUMBER ) */
static bool qualifier_user(struct parser *p, struct ast_qualifiers *q)
{
	return identity(p, &q->user, "user");
}

/* group = "group" ( NAME | NUMBER ) */
static bool qualifier_group(struct parser *p, struct ast_qualifiers *q)
{
	return identity(p, &q->group, "group");
}

/* 8-18; 08:00 - 18:00 in three words */
static void hours_error(struct parser *p, struct ast_word w)
{
	const char *text = hint_hours(p->arena, w.s);
	struct diag_record *r;

	if (value_hours_none(w.s)) {
		diag_hint(p->diag,
			  diag_error(p->diag, w.span, "'%s' ends when it begins: no packet matches",
				     w.s),
			  "all day is 00:00-24:00");
		return;
	}
	r = diag_error(p->diag, w.span, "hours are written HH:MM-HH:MM, not '%s'", w.s);
	if (!text && (parse_at_word(p, "-") || parse_at_word(p, "to"))) {
		parse_advance(p);
		if (p->tok.kind == TOK_WORD)
			text = hint_hours(p->arena, arena_printf(p->arena, "%s-%s", w.s,
								 parse_text(p, p->tok)));
		if (p->tok.kind == TOK_WORD)
			parse_advance(p);
	}
	if (text)
		diag_hint(p->diag, r, "write hours %s", text);
	else
		diag_hint(p->diag, r,
			  "08:00-18:00; 22:00-06:00 crosses midnight, 00:00-24:00 is all day");
}

/* hours = "hours" HH:MM "-" HH:MM */
static bool qualifier_hours(struct parser *p, struct ast_qualifiers *q)
{
	struct ast_word w;

	if (!parse_want_word(p, &w, "the time of day"))
		return false;
	if (!value_hours(w.s, &q->hours_from, &q->hours_to))
		hours_error(p, w);
	return true;
}

static void day_error(struct parser *p, struct ast_word w)
{
	struct diag_record *r = diag_error(p->diag, w.span, "'%s' is not a day of the week", w.s);
	const char *text = hint_days(p->arena, w.s);

	if (text)
		diag_hint(p->diag, r, "write %s", text);
	else
		diag_hint(p->diag, r, "the days are mon, tue, wed, thu, fri, sat, sun, or mon-fri");
}

/* days = "days" DAY [ "-" DAY ] { "," DAY [ "-" DAY ] } */
static bool qualifier_days(struct parser *p, struct ast_qualifiers *q)
{
	uint32_t commas = p->commas;
	size_t breaks = p->layout->breaks.n;
	struct ast_word w;
	uint8_t days;

	do {
		if (parse_dangling_comma(p, false) || !parse_want_word(p, &w, "a day"))
			return false;
		if (value_days(w.s, &days))
			q->days |= days;
		else
			day_error(p, w);
	} while (parse_comma(p));
	/* Days are printed in their own order, so breaks between them mean nothing. */
	p->commas = commas;
	p->layout->breaks.n = breaks;
	return true;
}

/* DATE: a day that some calendar has, local time */
static bool date(struct parser *p, const char *word, int32_t *out)
{
	struct diag_record *r;
	struct ast_word w;

	if (!parse_want_word(p, &w, "the date"))
		return false;
	if (value_date(w.s, out))
		return true;
	r = diag_error(p->diag, w.span, "'%s' is not a date", w.s);
	if (hint_date(p->arena, w.s))
		diag_hint(p->diag, r, "write %s %s", word, hint_date(p->arena, w.s));
	else
		diag_hint(p->diag, r, "a date is the year, the month and the day: %s 2027-01-31",
			  word);
	return true;
}

/* after = "after" DATE */
static bool qualifier_after(struct parser *p, struct ast_qualifiers *q)
{
	return date(p, "after", &q->after);
}

/* until = "until" DATE */
static bool qualifier_until(struct parser *p, struct ast_qualifiers *q)
{
	return date(p, "until", &q->until);
}

/* helper = "helper" NAME */
static bool qualifier_helper(struct parser *p, struct ast_qualifiers *q)
{
	static const char kernels[] = "nf_conntrack_";

	if (!parse_name(p, &q->helper, "helper"))
		return false;
	if (!strncmp(q->helper.s, kernels, strlen(kernels))) {
		diag_hint(p->diag,
			  diag_error(p->diag, q->helper.span, "'%s' is the helper's module",
				     q->helper.s),
			  "write helper %s", q->helper.s + strlen(kernels));
		q->helper.s += strlen(kernels);
	}
	return true;
}

static bool set_family(struct parser *p, struct ast_qualifiers *q, enum family family)
{
	if (q->family && q->family != family)
		diag_hint(p->diag,
			  diag_error(p->diag, token_span(p->lex.src, p->prev),
				     "nothing is both IPv4 and IPv6"),
			  "without either word both are meant");
	q->family = family;
	return true;
}

/* family = "ipv4" | "ipv6" */
static bool qualifier_ipv4(struct parser *p, struct ast_qualifiers *q)
{
	return set_family(p, q, FAM_IP4);
}

static bool qualifier_ipv6(struct parser *p, struct ast_qualifiers *q)
{
	return set_family(p, q, FAM_IP6);
}

/* from = "from" "port" PORT [ "-" PORT ] { "," PORT [ "-" PORT ] } */
static bool qualifier_from(struct parser *p, struct ast_qualifiers *q)
{
	struct span from = token_span(p->lex.src, p->prev);
	struct ast_word w;

	if (!parse_accept_word(p, "port")) {
		struct diag_record *r = diag_error(p->diag, from, "'from' is not a qualifier");
		const char *next = p->tok.kind == TOK_WORD ? parse_text(p, p->tok) : "";

		if (!strcmp(next, "ports"))
			diag_hint(p->diag, r, "write from port");
		else if (*next && next[strspn(next, "0123456789-")] == '\0')
			diag_hint(p->diag, r, "write from port %s", next);
		else
			diag_hint(p->diag, r,
				  "source and destination go before the services: FROM -> TO");
		return false;
	}
	do {
		uint16_t lo = 0, hi = 0;

		if (parse_dangling_comma(p, false) || !parse_want_word(p, &w, "the source port"))
			return false;
		parse_ports(p, w.s, w.span, "", &lo, &hi);
		vec_push(p->nodes, &q->from_ports, ((struct ival){lo, hi}));
	} while (parse_comma(p));
	return true;
}

static bool qualifier_note(struct parser *p, struct ast_qualifiers *q)
{
	if (p->tok.kind != TOK_STRING) {
		bool word = p->tok.kind == TOK_WORD && !p->tok.first;
		const char *text = word ? parse_words_until(p, NULL, NULL) : "";

		if (p->tok.kind != TOK_BAD)
			diag_hint(p->diag,
				  diag_error(p->diag, parse_here(p),
					     "the text of the note is missing before %s",
					     parse_found(p)),
				  "write: note \"%s\"",
				  *text && !strchr(text, '"') ? text : "change 1203");
		return false;
	}
	q->note = parse_take_string(p);
	if (!*q->note.s)
		diag_error(p->diag, q->note.span, "this note is empty");
	return true;
}

bool parse_note(struct parser *p, struct ast_word *out)
{
	struct ast_qualifiers q = {0};

	if (!parse_accept_word(p, "note"))
		return true;
	if (!qualifier_note(p, &q))
		return false;
	*out = q.note;
	return true;
}

static const struct qualifier {
	const char *word;
	bool (*parse)(struct parser *p, struct ast_qualifiers *q);
	unsigned of; /* enum qualified: what may have it */
} qualifiers[] = {
	{"log", NULL, OF_RULE},
	{"limit", parse_limit, OF_RULE},
	{"with", qualifier_with, OF_RULE},
	{"mark", qualifier_mark, OF_RULE | OF_QUESTION | OF_NAT},
	{"user", qualifier_user, OF_RULE | OF_QUESTION},
	{"group", qualifier_group, OF_RULE | OF_QUESTION},
	{"cgroup", parse_cgroup, OF_RULE | OF_QUESTION},
	{"dscp", qualifier_dscp, OF_RULE | OF_QUESTION},
	{"hours", qualifier_hours, OF_RULE | OF_QUESTION | OF_NAT | OF_MARK},
	{"days", qualifier_days, OF_RULE | OF_QUESTION | OF_NAT | OF_MARK},
	{"then", NULL, OF_RULE},
	{"max", parse_max, OF_RULE},
	{"quota", parse_quota, OF_RULE},
	{"helper", qualifier_helper, OF_RULE},
	{"note", qualifier_note, OF_RULE},
	{"from", qualifier_from, OF_RULE | OF_QUESTION | OF_NAT | OF_SERVICE | OF_PACKET | OF_MARK},
	{"ipv4", qualifier_ipv4, OF_RULE | OF_QUESTION | OF_NAT | OF_PACKET | OF_MARK},
	{"ipv6", qualifier_ipv6, OF_RULE | OF_QUESTION | OF_NAT | OF_PACKET | OF_MARK},
	{"else", NULL, OF_RULE},
	{"after", qualifier_after, OF_RULE | OF_QUESTION | OF_NAT | OF_MARK},
	{"until", qualifier_until, OF_RULE | OF_QUESTION | OF_NAT | OF_MARK},
};

#define QUALIFIERS (sizeof(qualifiers) / sizeof(qualifiers[0]))

bool qualifier_is_of(const char *word, enum qualified of)
{
	for (size_t i = 0; i < QUALIFIERS; i++)
		if (!strcmp(qualifiers[i].word, word))
			return qualifiers[i].of & of;
	return false;
}

static void note_span(struct ast_qualifiers *q, const char *word, struct span at)
{
	if (!strcmp(word, "limit"))
		q->limit_span = at;
	else if (!strcmp(word, "max"))
		q->max_span = at;
	else if (!strcmp(word, "hours"))
		q->hours_span = at;
	else if (!strcmp(word, "days"))
		q->days_span = at;
	else if (!strcmp(word, "after"))
		q->after_span = at;
	else if (!strcmp(word, "until"))
		q->until_span = at;
	else if (!strcmp(word, "mark"))
		q->mark_span = at;
	else if (!strcmp(word, "ipv4") || !strcmp(word, "ipv6"))
		q->family_span = at;
	else if (!strcmp(word, "dscp"))
		q->dscp_span = at;
	else if (!strcmp(word, "from"))
		q->from_span = at;
}

bool parse_at_service(struct parser *p)
{
	const char *word = p->tok.kind == TOK_WORD ? parse_text(p, p->tok) : "";

	return strchr(word, '/') && !strpbrk(word, ".:") && !strspn(word, "/0123456789");
}

bool parse_nothing_more(struct parser *p, const char *hint)
{
	const char *word = p->tok.kind == TOK_WORD ? parse_text(p, p->tok) : "";

	bool guard = p->word && (!strcmp(p->word, "early") || !strcmp(p->word, "antispoof"));

	if (!strcmp(word, "note") || !*word ||
	    (!guard && !parse_at_service(p) && !word_in(qualifier_words, word, strlen(word))))
		return true;
	diag_hint(p->diag, diag_error(p->diag, parse_here(p), "'%s' cannot follow here", word),
		  "%s", hint);
	return false;
}

/* The services come before the qualifiers: both, as they should be written. */
static void hint_services_first(struct parser *p, struct diag_record *r, struct token qualifier)
{
	struct span at = parse_since(p, qualifier);
	const char *text = at.src->text + at.off;

	if (memchr(text, '\n', at.len))
		diag_hint(p->diag, r, "write it before '%s'", parse_text(p, qualifier));
	else
		diag_hint(p->diag, r, "write: %s %.*s", parse_text(p, p->tok), (int)at.len, text);
}

/* A service behind a qualifier, the first of which is given. */
static void late_service(struct parser *p, struct token qualifier)
{
	hint_services_first(p,
			    diag_error(p->diag, parse_here(p), "services stand before '%s'",
				       parse_text(p, qualifier)),
			    qualifier);
}

/* What a word is nearest to that does not begin a qualifier. */
static bool near_other(struct parser *p, struct diag_record *r, const struct qualifier *last,
		       const char *word)
{
	static const char *const behind_limit[] = {"burst", "per", NULL};
	const char *near = NULL;

	if (last && !strcmp(last->word, "log"))
		near = word_nearest(log_words, word);
	else if (last && !strcmp(last->word, "limit"))
		near = word_nearest(behind_limit, word);
	if (near)
		diag_hint(p->diag, r, "did you mean '%s'?", near);
	else if (word_nearest(published_words, word))
		diag_hint(p->diag, r, "published goes before the services: FROM -> TO published");
	else if (!strcmp(word, "source") && p->prev.kind == TOK_WORD && parse_peek(p) == TOK_WORD &&
		 !strcmp(parse_text(p, parse_next(p)), "port"))
		diag_hint(p->diag, r, "write from port 1900");
	else
		return false;
	return true;
}

/* A word where a qualifier should stand, behind those from first to last. */
static void unknown_qualifier(struct parser *p, struct token first, const struct qualifier *last)
{
	const char *word = parse_text(p, p->tok);
	const char *near = word_nearest(qualifier_words, word);
	const char *told = hint_qualifier(p->arena, word);
	struct token next = parse_next(p);
	struct diag_record *r;

	r = diag_error(p->diag, parse_here(p), "'%s' is not a qualifier", word);
	if (told && !(near && !strcmp(near, word)))
		diag_hint(p->diag, r, "%s", told);
	else if (!strcmp(word, "or") && next.kind == TOK_WORD &&
		 word_in(verb_words, parse_text(p, next), next.len))
		diag_hint(p->diag, r, "did you mean 'else'?");
	else if ((!strcmp(word, "and") || !strcmp(word, "or")) && next.kind == TOK_WORD)
		diag_hint(p->diag, r, "write %s, %s", parse_text(p, p->prev), parse_text(p, next));
	else if (p->prev.kind == TOK_WORD && hint_is_but(parse_text(p, p->prev)) &&
		 word_is_name(word))
		diag_hint(p->diag, r, "zones are taken away by but: write but %s", word);
	else if (!strcmp(word, "family") && !strncmp(parse_text(p, next), "ip", 2))
		diag_hint(p->diag, r, "leave it out: ipv4 or ipv6 stands alone");
	else if (!strcmp(word, "code") && next.kind == TOK_WORD)
		diag_hint(p->diag, r, "write %s/%s", parse_text(p, p->prev), parse_text(p, next));
	else if (!strcmp(word, "packets") || !strcmp(word, "packet"))
		diag_hint(p->diag, r, "rates and bursts count packets: leave it out");
	else if (!strcmp(word, "mask") && p->prev.kind == TOK_WORD && next.kind == TOK_WORD)
		diag_hint(p->diag, r, "write %s/%s", parse_text(p, p->prev), parse_text(p, next));
	else if (!strcmp(word, "to") && last && last->parse == qualifier_days &&
		 next.kind == TOK_WORD)
		diag_hint(p->diag, r, "write %s-%s", parse_text(p, p->prev), parse_text(p, next));
	else if (!strcmp(word, "to"))
		diag_hint(p->diag, r, "source and destination go before the services: FROM -> TO");
	else if (near)
		diag_hint(p->diag, r, "did you mean '%s'?", near);
	else if (near_other(p, r, last, word))
		return;
	else if (!strcmp(p->word, "dnat"))
		diag_hint(p->diag, r, "the rule is of the services that dnat names, translated");
	else if (last && last->parse != qualifier_from && last->parse != qualifier_days)
		hint_services_first(p, r, first);
	else if (p->word && !strcmp(p->word, "inspect") && word_is_name(word))
		diag_hint(p->diag, r, "the inspector follows with: write with %s", word);
	else if (last && last->parse == qualifier_from && !word[strspn(word, "0123456789-")])
		diag_hint(p->diag, r, "is a comma missing? write %s, %s", parse_text(p, p->prev),
			  word);
	else if (p->prev.kind == TOK_WORD && (word_is_name(word) || parse_at_service(p)))
		diag_hint(p->diag, r, "is it a service? write %s, %s", parse_text(p, p->prev),
			  word);
}

/* A comma behind a qualifier that has no list. */
bool parse_stray_comma(struct parser *p)
{
	struct token next = parse_next(p);
	const char *word = next.kind == TOK_WORD ? parse_text(p, next) : "";
	struct diag_record *r;

	if (p->tok.kind != TOK_COMMA)
		return false;
	r = diag_error(p->diag, parse_here(p), "no comma goes after a qualifier");
	if (word_in(qualifier_words, word, strlen(word)) || !strcmp(word, "burst"))
		diag_hint(p->diag, r, "write %s %s", parse_text(p, p->prev), word);
	else if (*word)
		diag_hint(p->diag, r, "a list belongs to services; of this, write a rule for each");
	return true;
}

/* first: the word, which has been taken */
static bool take_qualifier(struct parser *p, struct token first, const struct qualifier *which,
			   struct ast_qualifiers *q)
{
	if (which->parse)
		return which->parse(p, q);
	if (!strcmp(which->word, "log"))
		return parse_log(p, first, &q->log);
	if (!strcmp(which->word, "then"))
		return parse_then(p, first, &q->then);
	return parse_else(p, first, q);
}

/* qualifiers = { qualifier }, each but then at most once; behind what is no rule up to one that
 * only rules have, and whoever asks for them says what else may stand there */
bool parse_qualifiers(struct parser *p, struct ast_qualifiers *q, enum qualified of)
{
	struct span seen[QUALIFIERS] = {{0}};
	const struct qualifier *last = NULL;
	struct token begin = p->tok;

	while (p->tok.kind == TOK_WORD && !parse_begins_statement(p)) {
		struct token first = p->tok;
		size_t i = 0;

		while (i < QUALIFIERS && !parse_at_word(p, qualifiers[i].word))
			i++;
		if (i == QUALIFIERS && last && of != OF_SERVICE &&
		    (of != OF_RULE || strcmp(p->word, "dnat") != 0) && parse_at_service(p)) {
			late_service(p, begin);
			return false;
		}
		if (of != OF_RULE && (i == QUALIFIERS || !(qualifiers[i].of & of)))
			return true;
		if (i == QUALIFIERS) {
			unknown_qualifier(p, begin, last);
			return false;
		}
		if (seen[i].src && !parse_at_word(p, "then"))
			diag_note(p->diag,
				  diag_error(p->diag, parse_here(p), "'%s' is given twice",
					     qualifiers[i].word),
				  seen[i], "here already");
		seen[i] = parse_here(p);
		parse_advance(p);
		if (!take_qualifier(p, first, &qualifiers[i], q))
			return false;
		note_span(q, qualifiers[i].word, parse_since(p, first));
		last = &qualifiers[i];
	}
	return !last || !parse_stray_comma(p);
}
