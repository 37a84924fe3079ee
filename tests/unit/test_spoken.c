/* SPDX-License-Identifier: GPL-2.0-or-later
 * What nft printed -> the text of a rule.
 */
#include "nft/spoken.h"
#include "test.h"
#include "util/arena.h"

/* nft 1.0.6, --handle --stateless --terse. */
static const char listing[] = "table ip t { # handle 1\n"
			      "\tset s { # handle 3\n"
			      "\t\ttype ipv4_addr\n"
			      "\t}\n"
			      "\n"
			      "\tchain in { # handle 1\n"
			      "\t\ttype filter hook input priority filter; policy accept;\n"
			      "\t\ttcp dport { 22, 80 } counter accept # handle 5\n"
			      "\t\tip saddr @s drop comment \"x # handle 4\" # handle 6\n"
			      "\t\tiifname vmap { \"a\" : accept, \"b\" : drop,\n"
			      "\t\t\t     \"c\" : jump c } # handle 8\n"
			      "\t}\n"
			      "}\n"
			      "table ip6 t { # handle 2\n"
			      "\tchain in { # handle 1\n"
			      "\t\tdrop # handle 5\n"
			      "\t}\n"
			      "}\n";

static void test_listing(struct arena *a)
{
	struct spoken s;

	spoken_read(&s, a, listing);
	SAME_TEXT(spoken_rule(&s, "ip", "t", "in", 5), "tcp dport { 22, 80 } counter accept");
	SAME_TEXT(spoken_rule(&s, "ip", "t", "in", 6), "ip saddr @s drop comment \"x # handle 4\"");
	SAME_TEXT(spoken_rule(&s, "ip", "t", "in", 8),
		  "iifname vmap { \"a\" : accept, \"b\" : drop, \"c\" : jump c }");
	SAME_TEXT(spoken_rule(&s, "ip6", "t", "in", 5), "drop");
	CHECK(!spoken_rule(&s, "ip", "t", "in", 4));
	CHECK(!spoken_rule(&s, "ip", "t", "in", 1));
	CHECK(!spoken_rule(&s, "ip", "t", "s", 3));
	CHECK(!spoken_rule(&s, "inet", "t", "in", 5));
}

/* A comment with a newline in it: the kernel takes any bytes. */
static void test_forged(struct arena *a)
{
	struct spoken s;

	spoken_read(&s, a,
		    "table ip t { # handle 1\n"
		    "\tchain c { # handle 1\n"
		    "\t\tdrop # handle 5\n"
		    "\t\taccept comment \"\n\t\taccept # handle 5\n\" # handle 6\n"
		    "\t\tcounter \033[2J\b # handle 7\n"
		    "\t}\n"
		    "}\n");
	CHECK(!spoken_rule(&s, "ip", "t", "c", 5));
	CHECK(!strpbrk(spoken_rule(&s, "ip", "t", "c", 7), "\033\b"));
}

/* What nft cannot print without modules of iptables it leaves out. */
static void test_left_out(struct arena *a)
{
	struct spoken s;

	spoken_read(&s, a,
		    "table ip t { # handle 1\n"
		    "\tchain c { # handle 1\n"
		    "\t\ttcp dport 25 counter  # handle 5\n"
		    "\t\ttcp dport 26  counter drop # handle 6\n"
		    "\t\ttcp dport 27 counter drop # handle 7\n"
		    "\t}\n"
		    "}\n");
	CHECK(!spoken_rule(&s, "ip", "t", "c", 5));
	CHECK(!spoken_rule(&s, "ip", "t", "c", 6));
	SAME_TEXT(spoken_rule(&s, "ip", "t", "c", 7), "tcp dport 27 counter drop");
}

int main(void)
{
	struct arena *a = arena_new();

	test_left_out(a);

	test_listing(a);
	test_forged(a);
	arena_free(a);
	return test_end();
}
