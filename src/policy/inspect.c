/* SPDX-License-Identifier: GPL-2.0-or-later
 * Inspectors of the policy, checked with the code that will run them: what they look at, names,
 * patterns, rewrites; what is said twice, and what nothing can reach.
 */
#include <string.h>

#include "inspect/inspector.h"
#include "policy/resolve.h"

#define BAD_LINES 20 /* of one file of names */

static bool is_rewrite(const struct ast_inspector_line *line)
{
	return line->entry.what.s && !strcmp(line->entry.what.s, "rewrite");
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

const uint8_t *inspect_bytes(struct arena *a, const char *s, size_t *n)
{
	uint8_t *out = arena_alloc(a, strlen(s) + 1);

	for (*n = 0; *s; s++) {
		if (*s != '\\') {
			out[(*n)++] = (uint8_t)*s;
		} else if (s[1] == '\\') {
			out[(*n)++] = (uint8_t) * ++s;
		} else if (s[1] == 'x' && digit(s[2]) >= 0 && digit(s[3]) >= 0) {
			out[(*n)++] = (uint8_t)(digit(s[2]) << 4 | digit(s[3]));
			s += 3;
		} else {
			return NULL;
		}
	}
	return out;
}

static void check_name(struct resolver *r, struct span at, const char *s, size_t n)
{
	const char *flaw = namelist_flaw(s, n);

	if (flaw)
		diag_error(r->diag, at, "'%.*s' cannot be looked for: %s", (int)n, s, flaw);
}

static void check_pattern(struct resolver *r, struct ast_word w)
{
	struct buf why = {0};
	struct pattern *p = pattern_new(w.s, &why);

	if (!p)
		diag_hint(r->diag, diag_error(r->diag, w.span, "bad pattern: %s", buf_str(&why)),
			  "a pattern begins with the first byte: \"^...\", \"^.{0,100}...\"");
	pattern_free(p);
	buf_free(&why);
}

static void check_banner(struct resolver *r, struct ast_word w)
{
	if (!*w.s || strlen(w.s) > INSPECT_NAME_MAX)
		diag_error(r->diag, w.span, "a banner has 1 to 255 bytes");
}

static bool is_one_of(char c, const char *all)
{
	return c && strchr(all, c);
}

#define DIGITS "0123456789"
#define HEX DIGITS "abcdef"

/* Whether the i-th character of a fingerprint can be this one. */
static bool ja4_has(size_t i, char c)
{
	static const struct {
		size_t end;
		const char *all;
	} parts[] = {{1, "tq"}, {2, "01s"}, {3, DIGITS}, {4, "di"}, {8, DIGITS}};

	for (size_t k = 0; k < sizeof(parts) / sizeof(parts[0]); k++)
		if (i < parts[k].end)
			return is_one_of(c, parts[k].all);
	if (i < 10)
		return is_one_of(c | 0x20, HEX "ghijklmnopqrstuvwxyz") || is_one_of(c, DIGITS);
	return i == 10 || i == 23 ? c == '_' : is_one_of(c, HEX);
}

/* Whole, or the beginning and a star: what could match none is a slip. */
static void check_ja4(struct resolver *r, struct ast_word w)
{
	size_t n = strlen(w.s), i = 0;
	bool star = n && w.s[n - 1] == '*';

	n -= star;
	while (i < n && i < INSPECT_JA4 && ja4_has(i, w.s[i]))
		i++;
	if (i < n || n > INSPECT_JA4 || (!star && n < INSPECT_JA4))
		diag_hint(r->diag,
			  diag_error(r->diag, w.span,
				     "'%s' is neither a JA4 fingerprint nor the beginning of one",
				     w.s),
			  "ja4 \"t13d1516h2_8daaf6152771_e5627efa2ab1\", or ja4 \"t13d*\": fwc "
			  "inspect log shows them");
}

static void check_alpn(struct resolver *r, struct ast_word w)
{
	const char *star = strchr(w.s, '*');

	if (!*w.s || strlen(w.s) > INSPECT_NAME_MAX)
		diag_error(r->diag, w.span, "a protocol within TLS has 1 to 255 bytes");
	else if (star && star[1])
		diag_hint(r->diag,
			  diag_error(r->diag, w.span, "'*' goes at the end only: '%s'", w.s),
			  "alpn \"http/*\"");
}

static void check_file(struct resolver *r, const struct source *src)
{
	unsigned before = r->diag->nerrors;
	struct name_said x;
	size_t off = 0;

	for (size_t i = 0; i < r->lists.n; i++)
		if (r->lists.v[i] == src)
			return;
	vec_push(r->arena, &r->lists, src);
	while (namelist_line(src->text, src->len, &off, &x)) {
		struct span at = {src, (uint32_t)(x.s - src->text), (uint32_t)x.n};

		if (r->diag->nerrors - before == BAD_LINES) {
			diag_remark(r->diag, at,
				    "more than %d bad names; the rest of this file was not read",
				    BAD_LINES);
			return;
		}
		check_name(r, at, x.s, x.n);
	}
}

static void unknown_look(struct resolver *r, struct ast_word what)
{
	struct diag_record *rec =
		diag_error(r->diag, what.span, "an inspector cannot look at '%s'", what.s);
	struct nearest near = {.word = what.s};

	for (int i = 0; i < NLOOKS; i++)
		nearest_offer(&near, look_name((enum look)i));
	if (!nearest_hint(r->diag, rec, &near))
		diag_hint(r->diag, rec,
			  "name, domain, sni, host, dns, ssh, payload, alpn, ja4, tls.ech, quic, "
			  "no-name, unknown-protocol");
}

static void check_rewrite(struct resolver *r, const struct ast_inspector_entry *e)
{
	size_t n[2] = {0, 0};

	if (e->strings.n != 2)
		return; /* the parser said so */
	for (int i = 0; i < 2; i++) {
		struct ast_word w = e->strings.v[i];

		if (!inspect_bytes(r->arena, w.s, &n[i])) {
			diag_error(r->diag, w.span, "bytes are written as text, \\xHH and \\\\");
			return;
		}
	}
	if (!n[0] || n[0] != n[1])
		diag_hint(r->diag,
			  diag_error(r->diag, e->strings.v[1].span, "%u bytes cannot replace %u",
				     (unsigned)n[1], (unsigned)n[0]),
			  "a packet must keep its length, or TCP loses count");
}

static void check_answer(struct resolver *r, const struct ast_inspector_entry *e, enum look look)
{
	struct dns_reply reply = {0};
	struct diag_record *rec;

	if (!e->answer.n)
		return;
	if (!look_replies(look)) {
		rec = diag_error(r->diag, e->answer_span,
				 "an answer is for DNS queries, and '%s' is not about them",
				 look_name(look));
		diag_hint(r->diag, rec, "entries of name, domain, dns and any may have one");
		return;
	}
	if (!e->deny || e->reject) {
		rec = diag_error(r->diag, e->answer_span,
				 e->deny ? "a rejected query is answered by an error of ICMP"
					 : "a query that is allowed is answered by its server");
		diag_hint(r->diag, rec, "only what is denied is answered here; write deny");
		return;
	}
	for (size_t i = 0; i < e->answer.n; i++) {
		struct ast_word w = e->answer.v[i];
		const char *flaw = dns_reply_add(&reply, w.s);

		if (flaw)
			diag_hint(r->diag,
				  diag_error(r->diag, w.span, "'%s' cannot be the answer: %s", w.s,
					     flaw),
				  "write refused, nxdomain, or up to 4 addresses of each family");
	}
}

static void check_entry(struct resolver *r, const struct ast_inspector_entry *e)
{
	enum look look = LOOK_ANY;

	if (e->what.s && !look_find(e->what.s, &look)) {
		unknown_look(r, e->what);
		return;
	}
	check_answer(r, e, look);
	if (!e->what.s)
		return;
	for (size_t i = 0; i < e->strings.n; i++) {
		struct ast_word w = e->strings.v[i];

		if (look == LOOK_PAYLOAD)
			check_pattern(r, w);
		else if (look == LOOK_SSH)
			check_banner(r, w);
		else if (look == LOOK_ALPN)
			check_alpn(r, w);
		else if (look == LOOK_JA4)
			check_ja4(r, w);
		else
			check_name(r, w.span, w.s, strlen(w.s));
	}
	if (e->files.n && !look_has_names(look))
		diag_error(r->diag, e->files.v[0].span,
			   "files hold names, for name, domain, sni, host and dns");
	else
		for (size_t i = 0; i < e->contents.n; i++)
			check_file(r, e->contents.v[i]);
}

static void check_twice(struct resolver *r, const struct ast_inspector *in, size_t at)
{
	const struct ast_inspector_line *line = &in->v[at];

	for (size_t i = 0; i < at; i++) {
		const struct ast_inspector_line *first = &in->v[i];

		if (first->is_comment || first->is_word != line->is_word)
			continue;
		if (line->is_word && !strcmp(first->word.what.s, line->word.what.s))
			diag_note(r->diag,
				  diag_error(r->diag, line->word.what.span, "'%s' is given twice",
					     line->word.what.s),
				  first->word.what.span, "first given here");
		if (!line->is_word && !first->entry.what.s) {
			diag_note(r->diag,
				  diag_warning(r->diag, line->entry.span,
					       "this entry is never reached"),
				  first->entry.span, "this one decides everything");
			return;
		}
	}
}

void resolve_inspector(struct resolver *r, const struct ast_inspector *in)
{
	const struct ast_inspector_line *rewrites = NULL, *judges = NULL;

	for (size_t i = 0; i < in->n; i++) {
		const struct ast_inspector_line *line = &in->v[i];

		if (line->is_comment)
			continue;
		if (!line->is_word && !line->entry.span.len)
			continue;
		check_twice(r, in, i);
		if (line->is_word)
			continue;
		if (is_rewrite(line)) {
			check_rewrite(r, &line->entry);
			rewrites = line;
		} else {
			check_entry(r, &line->entry);
			judges = line;
		}
	}
	if (rewrites && judges)
		diag_note(r->diag,
			  diag_error(r->diag, rewrites->entry.span,
				     "an inspector that rewrites packets decides nothing"),
			  judges->entry.span, "this belongs to another inspector");
}

static void remark_toothless(struct diag *diag, struct span all, struct span names)
{
	struct diag_record *rec = diag_remark(
		diag, all, "this also allows what is no protocol that can be read for its names");

	diag_note(diag, rec, names, "so these names stop nobody who hides what he speaks");
	diag_hint(diag, rec, "put before it: deny unknown-protocol");
}

/* Names that are denied, and then everything is allowed: also what is none of the protocols that
 * have names, or does not look like it to us. */
static void warn_toothless(const struct ast_inspector *in, struct diag *diag)
{
	const struct ast_inspector_entry *denied = NULL;

	for (size_t i = 0; i < in->n; i++) {
		const struct ast_inspector_entry *e = &in->v[i].entry;
		enum look look = LOOK_ANY;

		if (in->v[i].is_comment || in->v[i].is_word ||
		    (e->what.s && !look_find(e->what.s, &look)))
			continue;
		if (look == LOOK_UNKNOWN)
			return; /* it says what it wants */
		if (e->deny && look_has_names(look) && !denied)
			denied = e;
		if (look != LOOK_ANY)
			continue;
		if (!e->deny && denied)
			remark_toothless(diag, e->span, denied->span);
		return;
	}
}

void inspect_warn(const struct policy *p, struct diag *diag)
{
	for (size_t i = 0; i < p->inspectors.n; i++)
		warn_toothless(p->inspectors.v[i], diag);
}
