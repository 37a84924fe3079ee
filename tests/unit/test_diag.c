/* SPDX-License-Identifier: GPL-2.0-or-later
 * Messages as people see them: places, carets, tabs, long lines, bytes that a terminal would obey.
 */
#include "text.h"
#include "util/show.h"

static struct span at(struct source *s, uint32_t off, uint32_t len)
{
	return (struct span){s, off, len};
}

/* The one message of an error at a place of a text. */
static const char *shown(struct arena *a, const char *text, uint32_t off, uint32_t len)
{
	struct source *s = source_add(a, "f", text, strlen(text));
	struct diag d;

	diag_init(&d, a);
	diag_error(&d, at(s, off, len), "wrong");
	return messages(a, &d, false);
}

static void places(struct arena *a)
{
	struct source *s = source_add(a, "dir/f.fwc", "one\ntwo three\n\nfour", 19);

	SAME_NUMBER(s->nlines, 4);
	SAME_NUMBER(span_line(at(s, 0, 1)), 1);
	SAME_NUMBER(span_line(at(s, 3, 1)), 1);
	SAME_NUMBER(span_line(at(s, 4, 1)), 2);
	SAME_NUMBER(span_column(at(s, 8, 5)), 5);
	SAME_NUMBER(span_line(at(s, 14, 0)), 3);
	SAME_NUMBER(span_line(at(s, 19, 0)), 4);
	SAME_NUMBER(span_column(at(s, 19, 0)), 5);
	SAME_NUMBER(span_line((struct span){0}), 0);
	SAME_TEXT(span_where(a, at(s, 8, 5)), "dir/f.fwc:2");
	SAME_TEXT(span_where(a, (struct span){0}), "");
	SAME_NUMBER(span_join(at(s, 4, 3), at(s, 8, 5)).len, 9);
	SAME_NUMBER(span_join(at(s, 4, 9), at(s, 8, 1)).len, 9);
	CHECK(span_join((struct span){0}, at(s, 8, 5)).off == 8);
}

static void carets(struct arena *a)
{
	SAME_TEXT(shown(a, "allow lna -> wan\n", 6, 3), "f:1:7: error: wrong\n"
							"    1 | allow lna -> wan\n"
							"      |       ^~~\n");
	/* nothing, one behind the line */
	SAME_TEXT(shown(a, "allow\nx", 5, 0), "f:1:6: error: wrong\n"
					      "    1 | allow\n"
					      "      |      ^\n");
	SAME_TEXT(shown(a, "", 0, 0), "f:1:1: error: wrong\n"
				      "    1 | \n"
				      "      | ^\n");
	/* more than one line: what is on the first */
	SAME_TEXT(shown(a, "ab\ncd\n", 1, 4), "f:1:2: error: wrong\n"
					      "    1 | ab\n"
					      "      |  ^\n");
	/* tabs as wide as a terminal shows them; characters, not bytes */
	SAME_TEXT(shown(a, "\tab\tcd", 4, 2), "f:1:5: error: wrong\n"
					      "    1 |         ab      cd\n"
					      "      |                 ^~\n");
	SAME_TEXT(shown(a, "\xc3\xa9\xe2\x86\x92x", 5, 1), "f:1:6: error: wrong\n"
							   "    1 | \xc3\xa9\xe2\x86\x92x\n"
							   "      |   ^\n");
}

static void bytes(struct arena *a)
{
	SAME_TEXT(shown(a, "a\033[2Jb", 5, 1), "f:1:6: error: wrong\n"
					       "    1 | a\\x1b[2Jb\n"
					       "      |         ^\n");
	SAME_TEXT(shown(a, "\xff" "a", 0, 1), "f:1:1: error: wrong\n"
					      "    1 | \\xffa\n"
					      "      | ^~~~\n");
	/* U+202E, right-to-left override */
	SAME_TEXT(shown(a, "\xe2\x80\xae" "a", 3, 1), "f:1:4: error: wrong\n"
						      "    1 | \\xe2\\x80\\xaea\n"
						      "      |             ^\n");
	/* U+009B is the C1 form of ESC [ */
	SAME_TEXT(shown(a, "\xc2\x9bx", 2, 1), "f:1:3: error: wrong\n"
					       "    1 | \\xc2\\x9bx\n"
					       "      |         ^\n");
}

/* A line of a megabyte is cut to one that fits, with the caret in it. */
static void long_lines(struct arena *a)
{
	char *text = arena_alloc(a, 1000001);
	const char *out, *source, *caret;

	for (size_t i = 0; i < 1000000; i++)
		text[i] = (char)('a' + i % 26);
	memcpy(text + 500000, "BAD", 3);
	out = shown(a, text, 500000, 3);
	CHECK(strlen(out) < 400);
	source = strstr(out, "    1 | ...");
	caret = strstr(out, "^~~\n");
	CHECK(source && caret && strstr(source, "...\n"));
	if (source && caret) {
		const char *bad = strstr(source, "BAD"), *line = strstr(out, "      | ");

		CHECK(bad && bad - source == caret - line);
	}
	out = shown(a, text, 999999, 1);
	CHECK(strlen(out) < 400 && strstr(out, "^\n"));
	out = shown(a, text, 0, 1000000);
	CHECK(strlen(out) < 400 && strstr(out, "    1 | abc"));
}

static void parts(struct arena *a)
{
	struct source *s = source_add(a, "f", "zone a\nzone a\n", 14);
	struct diag_record *r;
	struct diag d;

	diag_init(&d, a);
	r = diag_error(&d, at(s, 12, 1), "'%s' is declared twice", "a");
	diag_note(&d, r, at(s, 5, 1), "first here");
	diag_hint(&d, r, "take %s", "another name");
	diag_warning(&d, at(s, 0, 4), "nobody mentions it");
	diag_error(&d, (struct span){0}, "kernel says no");
	diag_remark(&d, at(s, 0, 4), "so be it");
	SAME_NUMBER(d.nerrors, 2);
	SAME_NUMBER(d.nwarnings, 1);
	SAME_TEXT(messages(a, &d, false), "f:1:1: warning: nobody mentions it\n"
					  "    1 | zone a\n"
					  "      | ^~~~\n"
					  "f:1:1: note: so be it\n"
					  "    1 | zone a\n"
					  "      | ^~~~\n"
					  "f:2:6: error: 'a' is declared twice\n"
					  "    2 | zone a\n"
					  "      |      ^\n"
					  "f:1:6: note: first here\n"
					  "    1 | zone a\n"
					  "      |      ~\n"
					  "hint: take another name\n"
					  "fwc: error: kernel says no\n");
	CHECK(strstr(messages(a, &d, true), "\033[1;31merror: \033[0m"));
}

/* Files keep together, in the order in which they first have something to say. */
static void order(struct arena *a)
{
	struct source *x = source_add(a, "x", "1\n2\n", 4), *y = source_add(a, "y", "1\n", 2);
	const char *out, *x1, *x2, *y1;
	struct diag d;

	diag_init(&d, a);
	diag_error(&d, at(x, 2, 1), "x2");
	diag_error(&d, at(y, 0, 1), "y1");
	diag_error(&d, at(x, 0, 1), "x1");
	diag_error(&d, at(x, 0, 1), "x1");
	out = messages(a, &d, false);
	x1 = strstr(out, "error: x1");
	x2 = strstr(out, "error: x2");
	y1 = strstr(out, "error: y1");
	CHECK(x1 && x2 && y1 && x1 < x2 && x2 < y1);
	CHECK(x1 && !strstr(x1 + 1, "error: x1"));
}

/* What an earlier stage has reported, a later one does not. */
/* What show_part() leaves of `first` comes before `next`; "|" shows where it stopped. */
static const char *pieces(struct arena *a, const char *first, const char *next)
{
	struct buf out = {0}, rest = {0};
	size_t used = show_part(&out, first, strlen(first));
	const char *copy;

	buf_putc(&out, '|');
	buf_puts(&rest, first + used);
	buf_puts(&rest, next);
	show_part(&out, buf_str(&rest), rest.len);
	copy = arena_strdup(a, buf_str(&out));
	buf_free(&out);
	buf_free(&rest);
	return copy;
}

static void streams(struct arena *a)
{
	SAME_TEXT(pieces(a, "a\tb\n", "c"), "a\tb\n|c");
	SAME_TEXT(pieces(a, "a\033[31m\r\177", "\302\233"), "a\\x1b[31m\\x0d\\x7f|\\xc2\\x9b");
	SAME_TEXT(pieces(a, "\303", "\251"), "|\303\251");
	SAME_TEXT(pieces(a, "\342\202", "\254"), "|\342\202\254");
	SAME_TEXT(pieces(a, "\360\237\230", "\200!"), "|\360\237\230\200!");
	SAME_TEXT(pieces(a, "\302", "\233"), "|\\xc2\\x9b");
	SAME_TEXT(pieces(a, "\342\200", "\256"), "|\\xe2\\x80\\xae");
	SAME_TEXT(pieces(a, "\303", "x"), "|\\xc3x");
	SAME_TEXT(pieces(a, "\377\351", "\351 "), "\\xff|\\xe9\\xe9 ");
}

static void stages(struct arena *a)
{
	struct source *s = source_add(a, "f", "12345", 5);
	struct diag d;

	diag_init(&d, a);
	diag_error(&d, at(s, 2, 1), "syntax");
	diag_next_stage(&d);
	diag_hint(&d, diag_error(&d, at(s, 2, 1), "meaning"), "unseen");
	diag_error(&d, at(s, 3, 1), "elsewhere");
	SAME_NUMBER(d.nerrors, 2);
	CHECK(!strstr(messages(a, &d, false), "meaning"));
	CHECK(!strstr(messages(a, &d, false), "unseen"));
	CHECK(strstr(messages(a, &d, false), "elsewhere"));
}

static const char *nearest(const char *word, const char *const *candidates)
{
	struct nearest n = {.word = word};

	for (; *candidates; candidates++)
		nearest_offer(&n, *candidates);
	return n.best ? n.best : "-";
}

static void slips(void)
{
	static const char *const zones[] = {"lan", "wan", "dmz", "guests", NULL};
	static const char *const words[] = {"allow", "drop", "reject", "masquerade", "a", NULL};

	SAME_TEXT(nearest("lna", zones), "lan");
	SAME_TEXT(nearest("LAN", zones), "lan");
	SAME_TEXT(nearest("gusets", zones), "guests");
	SAME_TEXT(nearest("guest", zones), "guests");
	SAME_TEXT(nearest("server", zones), "-");
	SAME_TEXT(nearest("x", zones), "-");
	SAME_TEXT(nearest("alow", words), "allow");
	SAME_TEXT(nearest("rejetc", words), "reject");
	SAME_TEXT(nearest("masq", words), "masquerade");
	SAME_TEXT(nearest("masqerad", words), "masquerade");
	SAME_TEXT(nearest("b", words), "-");
	SAME_TEXT(nearest("", words), "-");
	SAME_TEXT(nearest("permit", words), "-");
}

/* What it abbreviates is said, all of it up to four; a slip of the finger is one word. */
static void abbreviations(struct arena *a)
{
	static const char *const words[] = {"guest-wifi", "guest-lan", "guest-lan", "guesswork",
					    "guest-tv", "guest-two", "guest-three", NULL};
	struct nearest n = {.word = "guest"}, slip = {.word = "gueswork"};
	struct diag d;

	diag_init(&d, a);
	for (int i = 0; i < 3; i++)
		nearest_offer(&n, words[i]);
	CHECK(nearest_hint(&d, diag_error(&d, (struct span){0}, "no"), &n));
	CHECK(strstr(messages(a, &d, false), "hint: did you mean 'guest-wifi' or 'guest-lan'?\n"));
	for (int i = 3; words[i]; i++)
		nearest_offer(&n, words[i]);
	nearest_hint(&d, diag_error(&d, (struct span){0}, "no"), &n);
	CHECK(strstr(messages(a, &d, false), "hint: did you mean 'guest-wifi', 'guest-lan', "
					     "'guest-tv' or 'guest-two'?\n"));
	for (int i = 0; words[i]; i++)
		nearest_offer(&slip, words[i]);
	nearest_hint(&d, diag_error(&d, (struct span){0}, "no"), &slip);
	CHECK(strstr(messages(a, &d, false), "hint: did you mean 'guesswork'?\n"));
}

int main(void)
{
	struct arena *a = arena_new();

	places(a);
	carets(a);
	bytes(a);
	long_lines(a);
	parts(a);
	order(a);
	streams(a);
	stages(a);
	slips();
	abbreviations(a);
	arena_free(a);
	return test_end();
}
