/* SPDX-License-Identifier: GPL-2.0-or-later
 * Lists of names: what covers what, what cannot be in a list, a hundred thousand of them, and
 * tables that are damaged.
 */
#include <stdlib.h>

#include "inspect/namelist.h"
#include "test.h"

#define SAID "55b6b2966258757167529f7e9b384b3233559b5e9d2c9df8308f50081e388eb1"

static struct names_writer *w;
static struct buf bytes;
static struct names names;
static struct namelist l = {.names = &names};

static bool has(const char *name)
{
	return namelist_covers(&l, name, strlen(name));
}

static void add(const char *name)
{
	CHECK(!namelist_flaw(name, strlen(name)));
	names_writer_add(w, name, strlen(name));
}

static void begin(void)
{
	w = names_writer_new();
	bytes.len = 0;
}

static void end(void)
{
	CHECK(names_writer_end(w));
	names_writer_put(w, &bytes);
	names_writer_free(w);
	CHECK(!names_open(&names, bytes.data, bytes.len, NULL));
}

static const char *flaw(const char *name)
{
	const char *why = namelist_flaw(name, strlen(name));

	return why ? why : "";
}

static void test_cover(void)
{
	begin();
	SAME_NUMBER(names_writer_list(w), 0);
	add("example.org");
	add("*.Casino.Example.");
	add("XN--BCHER-KVA.example");
	add("_dmarc.mail.example");
	add("2001:db8::1");
	add("example.org.");
	SAME_NUMBER(names_writer_list(w), 1);
	add("www.EXAMPLE.org");
	add("example.org");
	SAME_NUMBER(names_writer_list(w), 2);
	add("*");
	SAME_NUMBER(names_writer_said(w, 0).count, 5);
	SAME_NUMBER(names_writer_said(w, 1).count, 2);
	end();
	CHECK(has("example.org"));
	CHECK(!has("www.example.org"));
	CHECK(!has("org"));
	CHECK(!has("anexample.org"));
	CHECK(has("www.casino.example"));
	CHECK(has("a.b.c.casino.example"));
	CHECK(!has("casino.example"));
	CHECK(!has("mycasino.example"));
	CHECK(!has("casino.example.net"));
	CHECK(has("xn--bcher-kva.example"));
	CHECK(has("_dmarc.mail.example"));
	CHECK(has("2001:db8::1"));
	CHECK(!has("nothing"));
	l.number = 1; /* what one list has is not in another */
	CHECK(has("www.example.org"));
	CHECK(has("example.org"));
	CHECK(!has("www.casino.example"));
	l.number = 2;
	CHECK(has("nothing"));
	l.number = 3;
	CHECK(!has("example.org"));
	l.number = 0;
}

static void test_flaws(void)
{
	char longest[256];

	SAME_TEXT(flaw(""), "it is empty");
	SAME_TEXT(flaw("."), "it is empty");
	SAME_TEXT(flaw("a..b"), "a label is empty");
	SAME_TEXT(flaw(".a"), "a label is empty");
	SAME_TEXT(flaw("*."), "");
	SAME_TEXT(flaw("a*.b"), "'*' goes at the beginning only, before a dot");
	SAME_TEXT(flaw("*.*.b"), "'*' goes at the beginning only, before a dot");
	SAME_TEXT(flaw("a b"), "there is a character that no name has");
	SAME_TEXT(flaw("http://a"), "there is a character that no name has");
	SAME_TEXT(flaw("b\xc3\xbc"
		       "cher.example"),
		  "it is not ASCII; names of other scripts are sent as xn--...");
	memset(longest, 'a', sizeof(longest));
	longest[64] = '\0';
	SAME_TEXT(flaw(longest), "a label is longer than 63 bytes");
	longest[64] = 'a';
	for (int i = 63; i < 255; i += 64)
		longest[i] = '.';
	longest[253] = '\0';
	SAME_TEXT(flaw(longest), "");
	longest[253] = 'a';
	longest[254] = '\0';
	SAME_TEXT(flaw(longest), "it is longer than 253 bytes");
}

static void lines(const char *text, const char *want)
{
	char all[1000] = "";
	struct name_said x;
	size_t off = 0;

	while (namelist_line(text, strlen(text), &off, &x))
		sprintf(all + strlen(all), "%s%.*s%s", *all ? "|" : "", (int)x.n, x.s,
			x.below ? "+" : "");
	SAME_TEXT(all, want);
}

static void test_lines(void)
{
	lines("# blocked\n a.example \n\n*.b.example # since May\n\tc.example",
	      "a.example|*.b.example|c.example");
	/* hosts(5), as StevenBlack and others publish them */
	lines("127.0.0.1 localhost\r\n::1\tip6-localhost ip6-loopback # own\r\n"
	      "fe80::1%lo0 localhost\r\n0.0.0.0 a.example  b.example \r\n0.0.0.0\r\n",
	      "localhost|ip6-localhost|ip6-loopback|localhost|a.example|b.example|0.0.0.0");
	/* as AdGuard's and others' for DNS */
	lines("[Adblock Plus 2.0]\n! Title: x\n!\n||a.example^\n||*.b.example^\nc.example\n",
	      "a.example+|*.b.example+|c.example");
	lines("\xef\xbb\xbf" "a.example\nb.example", "a.example|b.example");
	/* what is something else stays what it is, for namelist_flaw() */
	lines("@@||a.example^\n||b.example^$third-party\n||^\na b\n0.0.0.0.0 a\n",
	      "@@||a.example^|||b.example^$third-party|||^|a b|0.0.0.0.0 a");
	lines("", "");
	lines("\n\n", "");
	lines("a", "a");
	lines("0.0.0.0 a", "a");
	lines("0.0.0.0 a b ", "a|b");
}

/* "domain": a name, and all below it. */
static void test_below(void)
{
	begin();
	names_writer_list(w);
	add("a.example");
	add("*.b.example");
	end();
	CHECK(!namelist_covers(&l, "x.a.example", 11));
	l.below = true;
	CHECK(namelist_covers(&l, "a.example", 9));
	CHECK(namelist_covers(&l, "x.y.a.example", 13));
	CHECK(!namelist_covers(&l, "xa.example", 10));
	CHECK(!namelist_covers(&l, "example", 7));
	CHECK(namelist_covers(&l, "x.b.example", 11));
	CHECK(!namelist_covers(&l, "b.example", 9));
	l.below = false;
}

/* In the order in which they came, as they are written in a policy. */
static void test_order(void)
{
	static const char *const want[] = {"b.example", "*.a.example", "*"};
	char name[NAMELIST_NAME];
	uint32_t at = 0, n = 0;

	begin();
	names_writer_list(w);
	for (int i = 0; i < 3; i++)
		add(want[i]);
	end();
	while (namelist_next(&l, &at, name)) {
		CHECK(n < 3);
		SAME_TEXT(name, want[n]);
		n++;
	}
	SAME_NUMBER(n, 3);
}

/* SHA-256 of "a.example\0.b.example\0", by sha256sum. */
static void test_said(void)
{
	begin();
	names_writer_list(w);
	add("A.example");
	add("*.b.example.");
	add("a.example");
	names_writer_list(w);
	SAME_TEXT(names_writer_said(w, 0).sha256, SAID);
	end();
}

/* In three lists as in one: a name stands there once. */
static void test_many(void)
{
	bool all = true, none = false;
	size_t text = 0, once = 0;
	char name[64];

	for (int lists = 1; lists <= 3; lists += 2) {
		begin();
		for (int k = 0; k < lists; k++) {
			names_writer_list(w);
			for (int i = 0; i < 100000; i++) {
				text += (size_t)sprintf(name, "%shost%d.blocked.example",
							i % 2 ? "*." : "", i);
				names_writer_add(w, name, strlen(name));
			}
		}
		once = text / (size_t)lists;
		text = 0;
		end();
	}
	CHECK(bytes.len < once + 100000 * (4 + 4 * 2.7) + 100);
	for (l.number = 0; l.number < 3; l.number++)
		for (int i = 0; i < 100000; i++) {
			sprintf(name, "host%d.blocked.example", i);
			all = all && has(name) == !(i % 2);
			sprintf(name, "a.b.host%d.blocked.example", i);
			all = all && has(name) == i % 2;
			sprintf(name, "host%d.free.example", i);
			none = none || has(name);
		}
	CHECK(all);
	CHECK(!none);
	l.number = 0;
	printf("# %zu bytes of names, %zu of table\n", once, bytes.len);
}

static const char *flaw_with(size_t at, uint32_t v)
{
	char *copy = malloc(bytes.len);
	struct names t;
	const char *f;

	memcpy(copy, bytes.data, bytes.len);
	if (at < bytes.len)
		memcpy(copy + at, &v, sizeof(v));
	f = names_open(&t, copy, bytes.len, NULL);
	free(copy);
	return f ? f : "";
}

/* Header of 16, two classes of one byte in four, four slots, then the text. */
static void test_damage(void)
{
	struct names t;

	begin();
	names_writer_list(w);
	add("a.example");
	end();
	SAME_NUMBER(bytes.len, 16 + 4 + 16 + 4 + 9);
	SAME_TEXT(flaw_with(bytes.len, 0), "");
	for (size_t n = 0; n < bytes.len; n++) {
		char *cut = malloc(n + 1); /* so that one byte too far is seen */

		memcpy(cut, bytes.data, n);
		CHECK(names_open(&t, cut, n, NULL) != NULL);
		free(cut);
	}
	SAME_TEXT(flaw_with(0, 100), "its length is not what it says");
	SAME_TEXT(flaw_with(4, 3), "its length is not what it says");
	SAME_TEXT(flaw_with(4, 0), "its length is not what it says");
	SAME_TEXT(flaw_with(12, UINT32_MAX), "its length is not what it says");
	SAME_TEXT(flaw_with(20, 99), "a slot leads out of the text");
	SAME_TEXT(flaw_with(36, 1 << 8 | 10), "a name is longer than its room");
	SAME_TEXT(flaw_with(36, 1 << 8 | 7), "a name is cut off");
	SAME_TEXT(flaw_with(36, 2 << 8 | 9), "a name is of a class that is not there");
	for (size_t i = 0; i < 4; i++) {
		uint32_t one = 1;

		memcpy(bytes.data + 20 + 4 * i, &one, sizeof(one));
	}
	SAME_TEXT(flaw_with(bytes.len, 0), "no slot is free");
}

int main(void)
{
	test_cover();
	test_flaws();
	test_lines();
	test_below();
	test_order();
	test_said();
	test_many();
	test_damage();
	buf_free(&bytes);
	return test_end();
}
