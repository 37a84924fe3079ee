/* SPDX-License-Identifier: GPL-2.0-or-later
 * Lists of names: what covers what, what cannot be in a list, and a hundred thousand of them.
 */
#include "inspect/namelist.h"
#include "test.h"

static struct namelist *l;

static bool has(const char *name)
{
	return namelist_covers(l, name, strlen(name));
}

static void add(const char *name)
{
	CHECK(!namelist_flaw(name, strlen(name)));
	namelist_add(l, name, strlen(name));
}

static const char *flaw(const char *name)
{
	const char *why = namelist_flaw(name, strlen(name));

	return why ? why : "";
}

static void test_cover(struct arena *a)
{
	l = namelist_new(a, 7, 100);
	add("example.org");
	add("*.Casino.Example.");
	add("XN--BCHER-KVA.example");
	add("_dmarc.mail.example");
	add("2001:db8::1");
	add("example.org.");
	SAME_NUMBER(namelist_count(l), 5);
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
	add("*");
	CHECK(has("nothing"));
}

static void test_flaws(void)
{
	char longest[256];

	SAME_TEXT(flaw(""), "it is empty");
	SAME_TEXT(flaw("."), "it is empty");
	SAME_TEXT(flaw("a..b"), "a label is empty");
	SAME_TEXT(flaw(".a"), "a label is empty");
	SAME_TEXT(flaw("*."), "");
	SAME_TEXT(flaw("a*.b"), "'*' stands at the beginning only, before a dot");
	SAME_TEXT(flaw("*.*.b"), "'*' stands at the beginning only, before a dot");
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

static void test_lines(void)
{
	static const char file[] = "# blocked\n a.example \n\n*.b.example # since May\n\tc.example";
	static const char *const want[] = {"a.example", "*.b.example", "c.example"};
	const char *name;
	size_t off = 0, n, i = 0;

	while (namelist_line(file, sizeof(file) - 1, &off, &name, &n)) {
		CHECK(i < 3 && strlen(want[i]) == n && !memcmp(name, want[i], n));
		i++;
	}
	SAME_NUMBER(i, 3);
}

static void test_many(struct arena *a)
{
	bool all = true, none = false;
	char name[64];
	size_t bytes = 0;

	for (int i = 0; i < 100000; i++)
		bytes += (size_t)sprintf(name, "%shost%d.blocked.example", i % 2 ? "*." : "", i);
	l = namelist_new(a, 100000, bytes);
	for (int i = 0; i < 100000; i++) {
		sprintf(name, "%shost%d.blocked.example", i % 2 ? "*." : "", i);
		namelist_add(l, name, strlen(name));
	}
	SAME_NUMBER(namelist_count(l), 100000);
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
	CHECK(namelist_bytes(l) < 5 << 20);
	printf("# %zu bytes of names, %zu of memory\n", bytes, namelist_bytes(l));
}

int main(void)
{
	struct arena *a = arena_new();

	test_cover(a);
	test_flaws();
	test_lines();
	test_many(a);
	arena_free(a);
	return test_end();
}
