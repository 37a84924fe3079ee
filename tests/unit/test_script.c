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

int main(void)
{
	taken();
	outside();
	inside();
	includes();
	return test_end();
}
