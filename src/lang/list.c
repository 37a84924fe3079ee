/* SPDX-License-Identifier: GPL-2.0-or-later
 * A list of addresses, as it is published -> packed ranges: one address, network or range a line;
 * CSV whose first column is one of these, or whose first two are the ends of a range; what ipset
 * save writes. The first line with anything on it says which; behind '#' or ';' are comments.
 */
#include <string.h>

#include "lang/parse.h"
#include "util/number.h"
#include "util/progress.h"

#define BAD_LINES 20 /* that are reported */
#define BOM "\xef\xbb\xbf"

struct list {
	struct parser *p;
	struct ast_element *e;
	enum { SHAPE_OPEN, SHAPE_LINES, SHAPE_CSV, SHAPE_IPSET } shape;
	bool refused; /* read no further */
	unsigned nbad, nlines; /* lines that hold no address; that hold anything */
	struct span bad; /* the first of them */
	/* of ipset */
	struct span name;
	uint64_t netmask; /* of its elements; 0: none */
	bool expires; /* said already */
};

static const char one_each[] = "a set file holds one address, network or range per line";

/* Whether a line that cannot be read is to be reported; else it is counted. */
static bool is_told(struct list *l, struct span at)
{
	if (!l->nbad++)
		l->bad = at;
	if (l->e->lenient)
		return false;
	if (l->nbad <= BAD_LINES)
		return true;
	diag_remark(l->p->diag, at, "more than %d bad lines; the rest of this file was not read",
		    BAD_LINES);
	l->refused = true;
	return false;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct span trim(struct span s)
{
	const char *text = s.src->text;

	while (s.len && is_blank(text[s.off])) {
		s.off++;
		s.len--;
	}
	while (s.len && is_blank(text[s.off + s.len - 1]))
		s.len--;
	return s;
}

static const char *text_of(struct span s)
{
	return s.src->text + s.off;
}

static bool is_word(struct span s, const char *word)
{
	return s.len == strlen(word) && !memcmp(text_of(s), word, s.len);
}

/* The next word, which may stand in double quotes; empty at the end. */
static struct span take_word(struct span *rest)
{
	struct span w = *rest = trim(*rest);
	const char *s = text_of(w);
	bool quoted = false;

	for (w.len = 0; w.len < rest->len && (quoted || !is_blank(s[w.len])); w.len++)
		quoted ^= s[w.len] == '"';
	rest->off += w.len;
	rest->len -= w.len;
	return w;
}

/* ---- addresses ---- */

static bool is_address(struct span s, bool alone)
{
	enum family family;
	const char *why;
	struct ival iv;

	return address_of_text(text_of(s), s.len, &family, &iv, &why) && (!alone || iv.lo == iv.hi);
}

/* What `text` says, which stands at `at`. */
static bool take_text(struct list *l, struct span at, const char *text, size_t n,
		      enum family *family, struct ival *out)
{
	const char *why;

	if (address_of_text(text, n, family, out, &why))
		return true;
	if (!is_told(l, at))
		return false;
	if (!n)
		diag_hint(l->p->diag, diag_error(l->p->diag, at, "the address is missing"),
			  one_each);
	else if (strspn(text, "0123456789abcdefABCDEF.:/-") < n)
		diag_hint(l->p->diag,
			  diag_error(l->p->diag, at, "'%.*s' is not an address", (int)n, text),
			  one_each);
	else
		parse_address(l->p, at, text, n, family, out, ITEM_OF_SET);
	return false;
}

static bool take_address(struct list *l, struct span at, enum family *family, struct ival *out)
{
	return take_text(l, at, text_of(at), at.len, family, out);
}

/* Both ends of a range, as one word. */
static const char *ends(struct list *l, struct span lo, struct span hi)
{
	return arena_printf(l->p->arena, "%.*s-%.*s", (int)lo.len, text_of(lo), (int)hi.len,
			    text_of(hi));
}

/* ADDRESS | NETWORK | ADDRESS [blanks] "-" [blanks] ADDRESS */
static void plain_line(struct list *l, struct span s)
{
	struct span rest = s, first = take_word(&rest), dash = take_word(&rest);
	struct span last = take_word(&rest);
	enum family family;
	struct ival iv;
	bool fine;

	if (is_word(dash, "-") && last.len && !take_word(&rest).len) {
		const char *text = ends(l, first, last);

		fine = take_text(l, s, text, strlen(text), &family, &iv);
	} else if (dash.len || memchr(text_of(s), ',', s.len) || memchr(text_of(s), ';', s.len)) {
		if (is_told(l, s))
			diag_hint(l->p->diag,
				  diag_error(l->p->diag, s, "this line holds more than one word"),
				  one_each);
		return;
	} else {
		fine = take_address(l, s, &family, &iv);
	}
	if (fine)
		bulk_add(&l->e->content, family, iv);
}

/* ---- CSV ---- */

/* The next column without its quotes; empty at the end. */
static struct span take_column(struct span *rest)
{
	struct span c = *rest;
	const char *s = text_of(c);
	bool quoted = false;
	uint32_t past;

	for (c.len = 0; c.len < rest->len && (quoted || s[c.len] != ','); c.len++)
		quoted ^= s[c.len] == '"';
	past = c.len + (c.len < rest->len);
	rest->off += past;
	rest->len -= past;
	c = trim(c);
	if (c.len > 1 && *text_of(c) == '"' && text_of(c)[c.len - 1] == '"') {
		c.off++;
		c.len -= 2;
	}
	return trim(c);
}

/* A line of names above the columns: letters where an address would be. */
static bool is_head(struct span s)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_- ";
	struct span c = take_column(&s);
	uint32_t n = 0;

	while (n < c.len && strchr(letters, text_of(c)[n]) && text_of(c)[n])
		n++;
	return n && n == c.len;
}

/* 192.0.2.0,24: who writes this may well mean a network. */
static bool may_be_length(enum family family, struct ival iv, struct span s)
{
	int bits = family == FAM_IP4 ? 32 : 128;
	uint64_t n;

	return iv.lo == iv.hi && number_read(text_of(s), s.len, 1, (uint64_t)bits - 1, &n) &&
	       !(iv.lo & u128_max(bits - (int)n));
}

static void csv_line(struct list *l, struct span s)
{
	struct span rest = s, first = take_column(&rest), second = take_column(&rest);
	struct span third = take_column(&rest);
	enum family family;
	struct ival iv;

	if (!take_address(l, first, &family, &iv))
		return;
	if (is_address(second, false)) {
		const char *text = ends(l, first, second);

		if (iv.lo != iv.hi || !is_address(second, true) || is_address(third, false)) {
			if (is_told(l, s))
				diag_hint(l->p->diag,
					  diag_error(l->p->diag, s,
						     "this line holds more than a range"),
					  "the first two columns are the ends of a range, or the "
					  "first alone is an address or network");
			return;
		}
		if (!take_text(l, span_join(first, second), text, strlen(text), &family, &iv))
			return;
	} else if (may_be_length(family, iv, second)) {
		if (is_told(l, second))
			diag_hint(l->p->diag,
				  diag_error(l->p->diag, second,
					     "this may be the length of a prefix, or something "
					     "else"),
				  "a network is written in one column: %.*s/%.*s", (int)first.len,
				  text_of(first), (int)second.len, text_of(second));
		return;
	}
	bulk_add(&l->e->content, family, iv);
}

/* ---- ipset ---- */

/* What no reader may pass over: it would change what the other lines mean. */
static struct diag_record *refuse(struct list *l, struct span at, const char *what)
{
	l->refused = true;
	return diag_error(l->p->diag, at, "%s '%.*s' cannot be read", what, (int)at.len,
			  text_of(at));
}

/* The name of the set, which is the same in all lines. */
static bool take_name(struct list *l, struct span *rest)
{
	struct span name = take_word(rest);

	if (!l->name.src)
		l->name = name;
	if (name.len == l->name.len && !memcmp(text_of(name), text_of(l->name), name.len))
		return true;
	diag_hint(l->p->diag, refuse(l, name, "a second ipset"), "a file has one: ipset save %.*s",
		  (int)l->name.len, text_of(l->name));
	return false;
}

/* create NAME TYPE { OPTION [VALUE] } */
static void create_line(struct list *l, struct span rest)
{
	static const char *const types[] = {"hash:ip", "hash:net", "bitmap:ip", NULL};
	struct span type, w;

	if (!take_name(l, &rest))
		return;
	type = take_word(&rest);
	if (!word_in(types, text_of(type), type.len)) {
		diag_hint(l->p->diag, refuse(l, type, "an ipset of type"),
			  "those of addresses can: hash:ip, hash:net, bitmap:ip");
		return;
	}
	while ((w = take_word(&rest)).len) {
		if (is_word(w, "netmask")) {
			w = take_word(&rest);
			if (!number_read(text_of(w), w.len, 1, 128, &l->netmask))
				refuse(l, w, "the netmask");
		} else if (is_word(w, "bitmask")) {
			refuse(l, w, "an ipset with");
		}
	}
}

/* What stands behind an element; false if it is not in the set by it. */
static bool take_options(struct list *l, struct span rest)
{
	struct span w;
	uint64_t n;

	while ((w = take_word(&rest)).len) {
		if (is_word(w, "nomatch")) {
			diag_hint(l->p->diag, refuse(l, w, "an element with"),
				  "take it away in the policy: file \"%s\", !ADDRESS",
				  l->e->file.s);
			return false;
		}
		if (is_word(w, "comment")) {
			take_word(&rest);
		} else if (is_word(w, "timeout")) {
			w = take_word(&rest);
			if (l->expires || !number_read(text_of(w), w.len, 1, UINT64_MAX, &n))
				continue;
			diag_hint(l->p->diag,
				  diag_remark(l->p->diag, w,
					      "elements of this list have a timeout, which a list "
					      "of the policy does not keep"),
				  "those of a dynamic set have one: set NAME = dynamic, timeout "
				  "1d");
			l->expires = true;
		}
	}
	return true;
}

/* add NAME ELEMENT { OPTION [VALUE] } */
static void add_line(struct list *l, struct span rest)
{
	enum family family;
	struct ival iv;
	struct span w;
	int bits;

	if (!take_name(l, &rest))
		return;
	w = take_word(&rest);
	if (!take_options(l, rest) || !take_address(l, w, &family, &iv))
		return;
	bits = family == FAM_IP4 ? 32 : 128;
	if (l->netmask && l->netmask < (uint64_t)bits) {
		u128 host = u128_max(bits - (int)l->netmask);

		iv = (struct ival){iv.lo & ~host, iv.hi | host};
	}
	bulk_add(&l->e->content, family, iv);
}

static bool is_ipset(struct span s)
{
	struct span w = take_word(&s);

	return is_word(w, "create") || is_word(w, "add") || is_word(w, "-N") || is_word(w, "-A");
}

static void ipset_line(struct list *l, struct span s)
{
	struct span rest = s, w = take_word(&rest);

	if (is_word(w, "add") || is_word(w, "-A"))
		add_line(l, rest);
	else if (is_word(w, "create") || is_word(w, "-N"))
		create_line(l, rest);
	else if (*text_of(w) != '#' && !is_word(w, "flush") && !is_word(w, "COMMIT") &&
		 is_told(l, s))
		diag_hint(l->p->diag, diag_error(l->p->diag, s, "this is no line of ipset save"),
			  "it writes: add %.*s ADDRESS", (int)l->name.len,
			  l->name.src ? text_of(l->name) : "");
}

/* ---- lines ---- */

/* Digits of a length of a prefix, to the end of the text. */
static bool take_length(const char *s, size_t n, uint32_t *out)
{
	if (!n || n > 2 || strspn(s, "0123456789") < n || (*s == '0' && n > 1))
		return false;
	*out = (uint32_t)(*s - '0');
	if (n == 2)
		*out = 10 * *out + (uint32_t)(s[1] - '0');
	return *out <= 32;
}

/* An IPv4 address or network, and nothing besides, as nearly all lines of long lists are. False: it
 * is to be looked at. */
static bool bare_line(struct list *l, struct span s)
{
	const char *text = text_of(s);
	size_t n = s.len && text[s.len - 1] == '\r' ? s.len - 1 : s.len, at;
	uint32_t lo, hosts = 0, length;

	if (l->shape != SHAPE_OPEN && l->shape != SHAPE_LINES)
		return false;
	at = addr4_scan(text, n, &lo);
	if (at && at < n && text[at] == '/' && take_length(text + at + 1, n - at - 1, &length)) {
		hosts = (uint32_t)u128_max(32 - (int)length);
		at = lo & hosts ? 0 : n;
	}
	if (!at || at != n)
		return false;
	l->shape = SHAPE_LINES;
	l->nlines++;
	bulk_add(&l->e->content, FAM_IP4, (struct ival){lo, lo | hosts});
	return true;
}

/* The line without its comment and the blanks around. A ';' before an address parts two of them. */
static struct span without_comment(struct span s)
{
	const char *hash = memchr(text_of(s), '#', s.len), *semicolon;

	if (hash)
		s.len = (uint32_t)(hash - text_of(s));
	semicolon = memchr(text_of(s), ';', s.len);
	if (semicolon) {
		struct span behind = s;
		uint32_t before = (uint32_t)(semicolon - text_of(s));

		behind.off += before + 1;
		behind.len -= before + 1;
		behind = trim(behind);
		for (uint32_t i = 0; i < behind.len; i++)
			if (is_blank(text_of(behind)[i]) || strchr(",;", text_of(behind)[i]))
				behind.len = i;
		if (!is_address(behind, false))
			s.len = before;
	}
	return trim(s);
}

/* Whether the line is one of text; reports if not. */
static bool is_text(struct list *l, struct span s)
{
	const char *nul = memchr(text_of(s), '\0', s.len);
	const unsigned char *c = (const unsigned char *)text_of(s);
	uint32_t i = 0;

	while (!nul && i < s.len && utf8_len(c + i, s.len - i))
		i += (uint32_t)utf8_len(c + i, s.len - i);
	if (!nul && i == s.len)
		return true;
	if (!is_told(l, s))
		return false;
	if (nul)
		diag_error(l->p->diag, (struct span){s.src, (uint32_t)(nul - s.src->text), 1},
			   "there is a NUL byte in this line; is this a text file?");
	else
		diag_hint(l->p->diag,
			  diag_error(l->p->diag, (struct span){s.src, s.off + i, 1},
				     "this is not UTF-8"),
			  "find the file's encoding and convert it with iconv");
	return false;
}

static void one_line(struct list *l, struct span line)
{
	struct span s = without_comment(line);

	if (!s.len)
		return;
	l->nlines++;
	if (line.len > LINE_LIMIT) {
		if (is_told(l, line))
			diag_error(l->p->diag, (struct span){line.src, line.off, 1},
				   "this line is longer than %u KiB", LINE_LIMIT >> 10);
		return;
	}
	if (!is_text(l, s))
		return;
	if (l->shape == SHAPE_OPEN) {
		l->shape = is_ipset(s)			    ? SHAPE_IPSET
			   : memchr(text_of(s), ',', s.len) ? SHAPE_CSV
							    : SHAPE_LINES;
		if (l->shape == SHAPE_CSV && is_head(s))
			return;
	}
	if (l->shape == SHAPE_IPSET)
		ipset_line(l, trim(line)); /* comments of elements stand in quotes */
	else if (l->shape == SHAPE_CSV && memchr(text_of(s), ',', s.len))
		csv_line(l, s);
	else if (l->shape == SHAPE_LINES)
		plain_line(l, s);
	else if (is_told(l, s))
		diag_error(l->p->diag, s, "this line has one column, and those above have more");
}

static struct span line_of(const struct source *src, uint32_t n)
{
	uint32_t off = src->line_starts[n];
	uint32_t end = n + 1 < src->nlines ? src->line_starts[n + 1] - 1 : (uint32_t)src->len;

	if (!n && src->len >= strlen(BOM) && !memcmp(src->text, BOM, strlen(BOM)))
		off += (uint32_t)strlen(BOM);
	return (struct span){src, off, end - off};
}

static void read_lines(struct list *l, const struct source *src)
{
	progress_begin(PROGRESS_READING, src->nlines);
	for (uint32_t n = 0; n < src->nlines && !l->refused; n++) {
		if (n % 4096 == 0)
			progress_at(n);
		if (!bare_line(l, line_of(src, n)))
			one_line(l, line_of(src, n));
	}
}

/* What was left out, where the policy says that lines may be. */
static void tell_skipped(struct list *l)
{
	struct diag_record *r;

	if (!l->e->content.v4.n && !l->e->content.v6.n) {
		r = diag_error(l->p->diag, l->e->item.span, "no line of '%s' holds an address",
			       l->e->file.s);
	} else {
		r = diag_remark(l->p->diag, l->e->item.span,
				"%u of %u lines of '%s' hold no address and are left out", l->nbad,
				l->nlines, l->e->file.s);
	}
	diag_note(l->p->diag, r, l->bad, "this is the first of them");
}

/* { LINE NEWLINE } */
void parse_set_file(struct parser *p, struct ast_element *e)
{
	const struct source *src = parse_list_file(p, e->file);
	struct list l = {.p = p, .e = e};

	if (!src)
		return;
	read_lines(&l, src);
	bulk_settle(&e->content, p->arena);
	progress_end();
	if (e->lenient && l.nbad && !l.refused)
		tell_skipped(&l);
}
