/* SPDX-License-Identifier: GPL-2.0-or-later
 * A script that is put to sleep is the same table and nothing else.
 */
#include <string.h>

#include "nft/script.h"
#include "test.h"

#define HEAD "#!/usr/sbin/nft -f\nadd table inet fwc\nflush table inet fwc\ntable inet fwc {\n"
#define SLEEPS "\n\n\ntable inet zzz { flags dormant; flags owner;\n"
#define CHAIN "\tchain input {\n\t\ttype filter hook input priority filter; policy drop;\n\t}\n"

static bool becomes(const char *script, const char *wanted)
{
	struct buf out = {0};
	unsigned line;
	bool same = script_asleep(&out, script, "zzz", &line) && !strcmp(buf_str(&out), wanted);

	buf_free(&out);
	return same;
}

/* The line at which it is refused; 0: it is not. */
static unsigned refused(const char *script)
{
	struct buf out = {0};
	unsigned line;
	bool taken = script_asleep(&out, script, "zzz", &line);

	buf_free(&out);
	return taken ? 0 : line;
}

static void taken(void)
{
	CHECK(becomes(HEAD "}\n", SLEEPS "}\n"));
	CHECK(becomes(HEAD CHAIN "}\n", SLEEPS CHAIN "}\n"));
	CHECK(becomes(HEAD CHAIN "}", SLEEPS CHAIN "}"));
	SAME_NUMBER(refused(HEAD "\n\t# p.fwc:1\n" CHAIN "} # over\n\n# nothing\n"), 0);
	CHECK(refused(HEAD
		      "\tset s {\n\t\ttype ipv4_addr\n\t\telements = {\n\t\t\t1.2.3.4\n\t\t}\n\t}\n"
		      "}\n") == 0);
	CHECK(refused(HEAD "\tchain c {\n\t\tiifname \"eth\\*\" counter comment \"} include #\"\n"
			   "\t\t# } include\n\t}\n}\n") == 0);
}

static void outside(void)
{
	SAME_NUMBER(refused(""), 1);
	SAME_NUMBER(refused("flush ruleset\n" HEAD "}\n"), 1);
	SAME_NUMBER(refused("add table inet fwc2\n" HEAD "}\n"), 1);
	SAME_NUMBER(refused(HEAD "}\nflush ruleset\n"), 6);
	SAME_NUMBER(refused(HEAD "} ; flush ruleset\n"), 5);
	SAME_NUMBER(refused(HEAD CHAIN "} flush ruleset\n"), 8);
	SAME_NUMBER(refused(HEAD "\tchain c {\n\t} }\nflush ruleset\n"), 6);
	SAME_NUMBER(refused(HEAD "\tchain c {\n\t}; flags persist\n}\n"), 6);
	SAME_NUMBER(refused(HEAD "}\ntable inet fwc {\n" CHAIN "}\n"), 6);
	SAME_NUMBER(refused(HEAD CHAIN), 8);
}

static void inside(void)
{
	SAME_NUMBER(refused(HEAD "\tflags persist\n" CHAIN "}\n"), 5);
	SAME_NUMBER(refused(HEAD "\tcomment \"x\"\n}\n"), 5);
	SAME_NUMBER(refused(HEAD "\tchain c { accept\n\t}\n}\n"), 5);
	SAME_NUMBER(refused(HEAD "\tchain c\\\n {\n\t}\n}\n"), 5);
	SAME_NUMBER(refused(HEAD "\tchain c {\n\t\t\\\n\t}\n}\n"), 6);
	SAME_NUMBER(refused(HEAD "\tchain c {\n\t\tcounter comment \"x\n\t}\n}\n"), 6);
}

static void includes(void)
{
	SAME_NUMBER(refused(HEAD CHAIN "}\ninclude \"/etc/shadow\"\n"), 9);
	SAME_NUMBER(refused(HEAD "\tchain c {\n\t\tinclude \"/etc/shadow\"\n\t}\n}\n"), 6);
	CHECK(script_includes("include \"x\""));
	CHECK(script_includes("table t {include\"x\""));
	CHECK(script_includes("counter comment \"x")); /* who knows */
	CHECK(!script_includes("set includes { } # include\ncomment \"include\" x-include"));
}

/* ---- sets that grow ---- */

#define DYNAMIC(name, size)                                                                        \
	"\tset " name " {\n\t\ttype ipv4_addr\n\t\tsize " size                                     \
	"\n\t\tflags dynamic,timeout\n\t\ttimeout 1m\n\t}\n"

static void many(struct buf *b, unsigned n)
{
	buf_puts(b, HEAD);
	for (unsigned i = 0; i < n; i++)
		buf_printf(b, DYNAMIC("s%u", "65535"), i);
	buf_puts(b, "}\n");
}

static size_t count(const char *text, const char *word)
{
	size_t n = 0;

	for (; (text = strstr(text, word)); text += strlen(word))
		n++;
	return n;
}

static bool grows(const char *script)
{
	struct buf out = {0};
	bool much = script_grow(&out, script);

	buf_free(&out);
	return much;
}

static void growing(void)
{
	struct buf script = {0}, out = {0}, few = {0};

	/* 131,072 pointers each: 64 MiB are 64 sets, and 3,000 limits of two families are 6 GiB */
	many(&few, 64);
	CHECK(!grows(buf_str(&few)));
	many(&script, 65);
	CHECK(script_grow(&out, buf_str(&script)));
	SAME_NUMBER(count(buf_str(&out), "size 65535"), 65);
	SAME_NUMBER(count(buf_str(&out), "size 8;"), 65);
	CHECK(strstr(buf_str(&out),
		     "flush table inet fwc\nadd set inet fwc s0 { type ipv4_addr; size 8; "
		     "flags dynamic,timeout; timeout 1m; }; add set inet fwc s1 { "));
	/* what is behind it is as it was, on the same lines */
	CHECK(strstr(buf_str(&out), " }; table inet fwc {\n\tset s0 {\n"));
	SAME_NUMBER(count(buf_str(&out), "\n"), count(buf_str(&script), "\n"));
	CHECK(!strcmp(strstr(buf_str(&out), "\tset s0"), strstr(buf_str(&script), "\tset s0")));
	buf_free(&few);
	buf_free(&script);
	buf_free(&out);
}

static void not_growing(void)
{
	CHECK(!grows(""));
	CHECK(!grows(HEAD DYNAMIC("s", "6000000") "}\n"));
	CHECK(grows(HEAD DYNAMIC("s", "7000000") "}\n"));
	CHECK(!grows("table inet other {\n" DYNAMIC("s", "7000000") "}\n"));
	CHECK(!grows(HEAD "\tset s {\n\t\ttype ipv4_addr\n\t\tsize 7000000\n\t\tflags interval\n"
			  "\t}\n}\n"));
	CHECK(!grows(HEAD "\tset s {\n\t\ttype ipv4_addr\n\t\tsize 99999999999\n"
			  "\t\tflags dynamic,timeout\n\t}\n}\n"));
	CHECK(!grows(HEAD "\tset s {\n\t\tsize 7000000\n\t\tflags dynamic"));
}

int main(void)
{
	growing();
	not_growing();
	taken();
	outside();
	inside();
	includes();
	return test_end();
}
