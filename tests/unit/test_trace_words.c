/* SPDX-License-Identifier: GPL-2.0-or-later
 * What the process with the capabilities takes for a question: every one that is made of a policy,
 * and nothing that would do something to a packet or to other tables.
 */
#include "compile.h"
#include "nft/nft.h"
#include "nft/trace.h"
#include "policy/policy.h"
#include "test.h"

static const char policy[] = "zone lan { interface eth0\nnetwork 192.0.2.0/24, fd00::/64 }\n"
			     "zone wan { interface eth1, ppp*  }\n"
			     "set bad = dynamic\n"
			     "set many = 192.0.2.1, 192.0.2.4-192.0.2.9, 2001:db8::/32, 2001:db9::1\n"
			     "host web = 192.0.2.80, fd00::80\n"
			     "service odd = tcp/1-99, tcp/443, udp/53, sctp/7, icmp/redirect, "
			     "icmpv6/packet-too-big\n";

static const char *const questions[] = {
	"any -> any",
	"lan -> wan",
	"lan -> self ssh",
	"self -> wan odd",
	"many@lan -> web@lan odd",
	"!many@wan -> self ping",
	"bad@wan -> any tcp",
	"192.0.2.7@lan -> 198.51.100.0/24@wan udp/1-65535",
	"2001:db8::1@wan -> self icmpv6",
	"wan -> self dhcp",
	"wan -> self esp",
};

static const char *const hostile[] = {
	"accept",
	"drop",
	"ip saddr 192.0.2.1 drop",
	"meta mark set 1",
	"iifname \"lo\" goto hit\n\t}\n}\ndelete table inet fwc",
	"}\n}\ntable inet x {",
	"ip saddr 192.0.2.1; drop",
	"add",
	"dead",
	"iifname \"x\" jump y",
	"iifname \"x\\\" drop \"",
	"iifname \"x",
	"ct mark set 0x1",
	"include \"/etc/shadow\"",
	"counter",
	"log",
	"limit rate 1/second",
	"queue",
	"dnat to 10.0.0.1",
	"tcp flags syn reject",
	"@x\taccept",
	"# comment",
	"$x",
	"ip saddr != 1.2.3.4,drop",
	"flush ruleset",
};

static struct source *no_file(struct loader *l, const char *path, struct span at, struct arena *a,
			      struct diag *diag)
{
	(void)l, (void)at, (void)diag;
	return source_add(a, path, policy, strlen(policy));
}

static size_t no_glob(struct loader *l, const char *pattern, struct arena *a, char ***paths)
{
	(void)l, (void)pattern, (void)a, (void)paths;
	return 0;
}

static void test_question(const char *text)
{
	struct loader l = {.read = no_file, .glob = no_glob};
	struct arena *a = arena_new();
	struct trace_question q = {0};
	struct compiled c = {0};
	struct diag diag;

	diag_init(&diag, a);
	CHECK(compile_file(&c, "p.fwc", STAGE_AST, &l, a, &diag));
	if (!compile_more(&c, ast_parse_query(text, a, &diag), STAGE_POLICY, a, &diag)) {
		diag_print(&diag, stdout, false);
		CHECK(!"the question can be asked");
	} else {
		size_t rules = 0;

		trace_ask(&q, a, c.policy, &c.policy->expects.v[0], ruleset_new(a));
		for (int hook = 0; hook < TRACE_HOOKS; hook++)
			rules += q.rules[hook].len;
		CHECK(rules > 0 || !strncmp(text, "bad", 3)); /* which holds nothing */
		if (!trace_question_sound(&q))
			printf("# %s\n%s%s", text, buf_str(&q.sets), buf_str(&q.rules[0]));
		CHECK(trace_question_sound(&q));
	}
	trace_question_free(&q);
	compiled_free(&c);
	arena_free(a);
}

static void test_hostile(const char *text)
{
	for (int where = -1; where < TRACE_HOOKS; where++) {
		struct trace_question q = {0};

		buf_puts(where < 0 ? &q.sets : &q.rules[where], text);
		if (trace_question_sound(&q))
			printf("# taken: %s\n", text);
		CHECK(!trace_question_sound(&q));
		trace_question_free(&q);
	}
}

int main(void)
{
	struct trace_question nul = {0};

	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++)
		test_question(questions[i]);
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++)
		test_hostile(hostile[i]);
	buf_add(&nul.rules[0], "iifname\0drop", 12);
	CHECK(!trace_question_sound(&nul));
	trace_question_free(&nul);
	return test_end();
}
