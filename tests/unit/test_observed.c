/* SPDX-License-Identifier: GPL-2.0-or-later
 * Packets as headers (RFC 791, 8200, 9293, 792, 4443) and as the kernel's log has them
 * (nf_log_syslog), and which rule may have logged them.
 */
#include "compile.h"
#include "nft/log_line.h"
#include "nft/nft.h"
#include "nft/observed.h"
#include "test.h"

static struct arena *arena;

static const char *printed(const struct observed *p)
{
	struct buf b = {0};
	const char *text;

	observed_print(&b, p);
	text = arena_strdup(arena, buf_str(&b));
	buf_free(&b);
	return text;
}

/* ---- headers ---- */

static size_t unhex(const char *hex, uint8_t *out)
{
	size_t n = 0;
	unsigned x;

	for (; sscanf(hex, " %2x", &x) == 1; hex += strspn(hex, " ") + 2)
		out[n++] = (uint8_t)x;
	return n;
}

static const char *headers(const char *network, const char *transport)
{
	uint8_t l3[64], l4[64];
	size_t n3 = unhex(network, l3), n4 = unhex(transport, l4);
	struct observed p = {0};

	return observed_of_headers(&p, l3, n3, l4, n4) ? printed(&p) : "no";
}

static void test_headers(void)
{
	static const char tcp4[] = "4500003c 1c46 4000 40 06 b1e6 ac100a63 ac100a0c";
	static const char tcp[] = "a1b2 01bb 00000001 00000000 a0 12 7210 0000 0000";

	SAME_TEXT(headers(tcp4, tcp), "172.16.10.99:41394 -> 172.16.10.12:443 tcp syn ack");
	SAME_TEXT(headers(tcp4, "a1b2"), "172.16.10.99 -> 172.16.10.12 tcp");
	SAME_TEXT(headers(tcp4, ""), "172.16.10.99 -> 172.16.10.12 tcp");
	/* a later fragment: what stands there is no header */
	SAME_TEXT(headers("4500003c 1c46 00b9 40 11 b1e6 ac100a63 ac100a0c", "0035 0035"),
		  "172.16.10.99 -> 172.16.10.12 udp");
	SAME_TEXT(headers("4500003c 1c46 2000 40 11 b1e6 ac100a63 ac100a0c", "0035 0036"),
		  "172.16.10.99:53 -> 172.16.10.12:54 udp");
	SAME_TEXT(
		headers("45000054 0000 4000 40 01 0000 7f000001 7f000001", "08 00 0000 0001 0001"),
		"127.0.0.1 -> 127.0.0.1 icmp echo-request");
	SAME_TEXT(
		headers("45000054 0000 4000 40 01 0000 7f000001 7f000001", "03 0d 0000 0001 0001"),
		"127.0.0.1 -> 127.0.0.1 icmp destination-unreachable code 13");
	SAME_TEXT(headers("45000054 0000 4000 40 fd 0000 7f000001 7f000001", ""),
		  "127.0.0.1 -> 127.0.0.1 protocol 253");
	SAME_TEXT(headers("60000000 0028 11 40 20010db8000000000000000000000001 "
			  "20010db8000000000000000000000002",
			  "0035 1f90 0008 0000"),
		  "[2001:db8::1]:53 -> [2001:db8::2]:8080 udp");
	SAME_TEXT(headers("60000000 0028 3a ff fe800000000000000000000000000001 "
			  "ff020000000000000000000000000001",
			  "87 00 0000"),
		  "fe80::1 -> ff02::1 icmpv6 nd-neighbor-solicit");
	/* hop-by-hop options first: what follows them is not known */
	SAME_TEXT(headers("60000000 0028 00 01 fe800000000000000000000000000001 "
			  "ff020000000000000000000000000016",
			  "8f 00 0000"),
		  "fe80::1 -> ff02::16");
	SAME_TEXT(headers("4500003c 1c46 4000 40 06 b1e6 ac10", ""), "no");
	SAME_TEXT(headers("60000000 0028 3a ff fe80", ""), "no");
	SAME_TEXT(headers("", ""), "no");
}

/* ---- the log ---- */

static const char *logged(const char *text)
{
	struct observed p;

	return observed_of_log(&p, text) ? printed(&p) : "no";
}

static void test_log_lines(void)
{
	struct observed p;

	CHECK(observed_of_log(
		&p, "IN=eth1 OUT=eth0 MAC=4a:07:87:03:27:a1:4a:ed:ec:28:46:30:08:00 "
		    "SRC=198.51.100.7 DST=192.0.2.10 LEN=60 TOS=0x00 PREC=0x00 TTL=63 ID=5865 DF "
		    "PROTO=TCP SPT=53336 DPT=443 WINDOW=64240 RES=0x00 SYN URGP=0 MARK=0x1f "));
	SAME_TEXT(p.in, "eth1");
	SAME_TEXT(p.out, "eth0");
	SAME_NUMBER(p.mark, 0x1f);
	SAME_TEXT(printed(&p), "198.51.100.7:53336 -> 192.0.2.10:443 tcp syn");
	CHECK(observed_of_log(&p,
			      "IN=eth1 OUT= MAC=33:33:00:00:00:01:4a:ed:ec:28:46:30:86:dd "
			      "SRC=fe80:0000:0000:0000:48ed:ecff:fe28:4630 "
			      "DST=ff02:0000:0000:0000:0000:0000:0000:0001 LEN=104 TC=0 HOPLIMIT=1 "
			      "FLOWLBL=915476 PROTO=ICMPv6 TYPE=128 CODE=0 ID=24661 SEQ=1 "));
	SAME_TEXT(p.out, "");
	SAME_TEXT(printed(&p), "fe80::48ed:ecff:fe28:4630 -> ff02::1 icmpv6 echo-request");
	/* in brackets there is the packet that the error is about */
	SAME_TEXT(logged("IN= OUT=eth0 SRC=192.0.2.1 DST=192.0.2.2 LEN=88 TTL=64 ID=1 PROTO=ICMP "
			 "TYPE=3 CODE=1 [SRC=10.0.0.1 DST=10.0.0.2 LEN=60 PROTO=TCP SPT=1 DPT=2 "
			 "WINDOW=1 RES=0x00 ACK URGP=0 ] "),
		  "192.0.2.1 -> 192.0.2.2 icmp destination-unreachable code 1");
	SAME_TEXT(logged("IN=wg0 OUT= SRC=192.0.2.1 DST=192.0.2.2 LEN=88 PROTO=47 "),
		  "192.0.2.1 -> 192.0.2.2 gre");
	SAME_TEXT(logged("IN=wg0 OUT= SRC=192.0.2.1 DST=192.0.2.2 LEN=88 FRAG:185 PROTO=UDP "),
		  "192.0.2.1 -> 192.0.2.2 udp");
	SAME_TEXT(logged("IN=wg0 OUT= SRC=192.0.2.1 DST=192.0.2.2 PROTO=UDP SPT=1 DPT=65535 LEN=8"),
		  "192.0.2.1:1 -> 192.0.2.2:65535 udp");
	SAME_TEXT(logged("IN=eth0 OUT= MAC=ff:ff ARP HTYPE=1"), "no");
	SAME_TEXT(logged("IN=br0 OUT=br0 PHYSIN=eth0 PHYSOUT=eth1 VPROTO=8100 VID=7 MACSRC=aa:bb "
			 "MACDST=aa:bc MACPROTO=0800 SRC=1.2.3.4 DST=1.2.3.5 PROTO=47"),
		  "1.2.3.4 -> 1.2.3.5 gre");
	/* what the kernel would not write so: names of 16 bytes, or with a colon, another order */
	SAME_TEXT(logged("IN=sixteen-bytes-is OUT= SRC=1.2.3.4 DST=1.2.3.5"), "no");
	SAME_TEXT(logged("IN=fifteen-bytes-i OUT= SRC=1.2.3.4 DST=1.2.3.5 IN=sixteen-bytes-is"),
		  "1.2.3.4 -> 1.2.3.5");
	SAME_TEXT(logged("IN= OUT=[7]: SRC=1.2.3.4 DST=1.2.3.5"), "no");
	SAME_TEXT(logged("IN=eth0 SRC=1.2.3.4 DST=1.2.3.5 OUT="), "no");
	SAME_TEXT(logged("IN=eth0 OUT= segfault SRC=1.2.3.4 DST=1.2.3.5"), "no");
	SAME_TEXT(logged("IN=eth0 OUT= SRC= DST=x"), "no");
	SAME_TEXT(logged(""), "no");
}

/* ---- lines: what stands before the prefix, and the tag ---- */

#define PACKET "IN=eth0 OUT= SRC=192.0.2.1 DST=192.0.2.2 PROTO=47"
#define LIES "fwc a: IN= OUT= SRC=6.6.6.6 DST=5.6.7.8 PROTO=TCP"

static const char *kept(const char *text)
{
	struct log_line l;

	return log_line_kept(&l, text) ? arena_printf(arena, "%.*s|%.*s", (int)l.nstamp, l.stamp,
						      (int)l.ntag, l.tag)
				       : "no";
}

static void test_headers_of_others(void)
{
	static const char *const stamps[] = {
		"",
		"Nov 21 07:49:15 fwc kernel: [36776.3] ", /* syslog(3), RFC 3164 */
		"Nov  1 07:49:15 gate kernel: ", /* journalctl */
		"Nov  1 07:49:15.123456 gate kernel: ",
		"Nov  1 07:49:15 gate ", /* ulogd */
		"2026-11-21T07:49:16+0000 gate kernel: ",
		"2026-11-21T07:49:16.123456+00:00 gate kernel: [   36.776300] ",
		"2026-11-21 07:49:16 gate kernel: ",
		"Thu Nov 21 07:49:15 2026 kern.warn kernel: [36.1] ", /* logread of OpenWrt */
		"[Thu Nov 26 14:37:47 2026] ", /* dmesg -T, plain, -r, -x */
		"[   36.776300] ",
		"<4>[   36.776300] ",
		"kern  :warn  : [   36.776300] ",
	};

	for (size_t i = 0; i < sizeof(stamps) / sizeof(stamps[0]); i++)
		SAME_TEXT(kept(arena_printf(arena, "%sfwc mail out: " PACKET, stamps[i])),
			  arena_printf(arena, "%s|mail out", stamps[i]));
}

/* The kernel logs the name of a program that crashes, and of its file ("NAME[7]: segfault at 0 ip 1
 * sp 2 error 6 in FILE[400000+1000]"): 15 bytes and 255 of anybody's choice. */
static void test_forged(void)
{
	struct log_line l;

	SAME_TEXT(kept("x " LIES "[7]: segfault at 0 ip 1 sp 2 error 6 in x[1+1]"), "no");
	SAME_TEXT(kept("Nov 21 07:49:15 gate kernel: [36776.3] x " LIES), "no");
	SAME_TEXT(kept("Nov 21 07:49:15 gate su: " LIES), "no");
	SAME_TEXT(kept("Nov 21 07:49:15 gate su[77]: " LIES), "no");
	SAME_TEXT(kept("[36776.3] device " LIES), "no");
	CHECK(log_line_record(&l, LIES));
	CHECK(!log_line_record(&l, "x " LIES));
	CHECK(!log_line_record(&l, "Nov 21 07:49:15 gate kernel: " LIES));
	CHECK(!log_line_record(&l, "fwc a: IN= OUT=[7]: segfault at 0 ip 1 sp 2 error 6 in " LIES));
	CHECK(!log_line_record(&l, "fwc a: IN= SRC=[7]: segfault at 0 ip 1 sp 2 error 6 in " LIES));
	CHECK(!log_line_record(&l, "fwc: IN=eth0 OUT= SRC=192.0.2.1 DST=192.0.2.2"));
}

/* ---- which rule ---- */

static const char policy[] = "zone lan { interface eth0 }\n"
			     "zone wan { interface eth1, ppp* }\n"
			     "set bad = dynamic\n"
			     "drop bad@wan -> any log\n"
			     "drop wan -> self tcp/1-99 log\n"
			     "drop wan -> self udp log\n"
			     "drop wan -> lan log\n"
			     "drop lan -> wan tcp/25 log\n"
			     "allow lan -> wan tcp/1-1000 limit 5/second log \"few\"\n"
			     "allow lan -> wan log \"many\"\n"
			     "drop 192.0.2.0/25@lan -> self tcp/22 log\n"
			     "drop 192.0.2.128/25@lan -> self tcp/22 log\n"
			     "reject self -> wan tcp/23 log\n"
			     "drop fd00::/8@lan -> self tcp/22 log\n";

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

/* The lines of the policy that may have logged it: "5 6". */
static const char *rules(const struct ir_ruleset *r, const char *prefix, const char *text)
{
	struct observed_logs logs = {0};
	const char *out = "";
	struct observed p;
	bool line[32] = {0};

	if (text && !observed_of_log(&p, text))
		return "no";
	observed_find_logs(arena, r, text ? &p : NULL, prefix, &logs);
	for (size_t i = 0; i < logs.n; i++)
		line[span_line(logs.v[i].chain->rules.v[logs.v[i].rule].at)] = true;
	for (int i = 0; i < 32; i++)
		if (line[i])
			out = arena_printf(arena, "%s%s%d", out, *out ? " " : "", i);
	return out;
}

#define FROM_WAN "IN=ppp7 OUT= SRC=198.51.100.1 DST=192.0.2.1 PROTO="
#define TO_WAN "IN=eth0 OUT=eth1 SRC=192.0.2.7 DST=198.51.100.1 PROTO="
#define SSH " PROTO=TCP SPT=9 DPT=22 SYN"

static void test_rules(const struct ir_ruleset *r)
{
	/* line 4: a set of run time may hold any address */
	SAME_TEXT(rules(r, "fwc drop: ", FROM_WAN "TCP SPT=9 DPT=80 SYN"), "4 5");
	SAME_TEXT(rules(r, "fwc drop: ", FROM_WAN "UDP SPT=9 DPT=80 LEN=9"), "4 6");
	SAME_TEXT(rules(r, "fwc drop: ", FROM_WAN "TCP SPT=9 DPT=100 SYN"), "4");
	SAME_TEXT(rules(r, "fwc drop: ", "IN=eth1 OUT=eth0 SRC=1.2.3.4 DST=1.2.3.5 PROTO=47"),
		  "4 7");
	SAME_TEXT(rules(r, "fwc drop: ", TO_WAN "TCP SPT=9 DPT=25 SYN"), "8");
	SAME_TEXT(rules(r, "fwc drop: ", TO_WAN "TCP SPT=9 DPT=26 SYN"), "");
	SAME_TEXT(rules(r, "fwc few: ", TO_WAN "TCP SPT=9 DPT=26 SYN"), "9");
	/* over the rate of line 9 it comes to line 10 */
	SAME_TEXT(rules(r, "fwc many: ", TO_WAN "TCP SPT=9 DPT=26 SYN"), "10");
	SAME_TEXT(rules(r, "fwc many: ", TO_WAN "TCP SPT=9 DPT=25 SYN"), "");
	SAME_TEXT(rules(r, "fwc drop: ", "IN=eth0 OUT= SRC=192.0.2.1 DST=192.0.2.2" SSH), "11");
	SAME_TEXT(rules(r, "fwc drop: ", "IN=eth0 OUT= SRC=192.0.2.200 DST=192.0.2.2" SSH), "12");
	SAME_TEXT(rules(r, "fwc drop: ", "IN=eth0 OUT= SRC=fd00::1 DST=fd00::2" SSH), "14");
	SAME_TEXT(rules(r, "fwc drop: ", "IN=eth7 OUT= SRC=192.0.2.1 DST=192.0.2.2" SSH), "");
	SAME_TEXT(rules(r, "fwc reject: ",
			"IN= OUT=eth1 SRC=192.0.2.1 DST=198.51.100.1 PROTO=TCP SPT=9 DPT=23 SYN"),
		  "13");
	/* of a fragment no port is known */
	SAME_TEXT(rules(r, "fwc drop: ", "IN=eth0 OUT= SRC=192.0.2.1 DST=192.0.2.2 PROTO=TCP"),
		  "11");
	SAME_TEXT(rules(r, "fwc drop: ", NULL), "4 5 6 7 8 11 12 14");
	SAME_TEXT(rules(r, "fwc other: ", NULL), "");
}

/* A rule of a base chain where the packet comes by: a field has that value, then it logs. */
static size_t logs_of(enum field f, uint32_t value, const char *text)
{
	struct ir_ruleset *r = ruleset_new(arena);
	struct ir_chain *c = arena_new_of(arena, struct ir_chain);
	struct ir_stmt match = {.kind = IR_MATCH, .match = {.sel = {.n = 1, .f = {f}}}};
	struct ir_stmt log = {.kind = IR_LOG, .log_prefix = "fwc x: "};
	struct observed_logs logs = {0};
	struct ir_rule rule = {0};
	struct observed p;

	vec_push(arena, &match.match.values, ((struct ir_elem){.key = {{value, value}}}));
	vec_push(arena, &rule.stmts, match);
	vec_push(arena, &rule.stmts, log);
	c->name = "base";
	c->base.hook = strncmp(text, "IN= ", 4) != 0 ? "input" : "output";
	c->base.type = "filter";
	vec_push(arena, &c->rules, rule);
	ruleset_add_chain(r, c);
	if (!observed_of_log(&p, text))
		return 99;
	observed_find_logs(arena, r, &p, "fwc x: ", &logs);
	return logs.n;
}

/* A number of an interface is known where there is none, and is no mark. */
static void test_numbers(void)
{
	SAME_NUMBER(logs_of(F_MARK, 7, FROM_WAN "TCP SPT=9 DPT=80 SYN MARK=0x7"), 1);
	SAME_NUMBER(logs_of(F_MARK, 8, FROM_WAN "TCP SPT=9 DPT=80 SYN MARK=0x7"), 0);
	SAME_NUMBER(logs_of(F_IIF, 8, FROM_WAN "TCP SPT=9 DPT=80 SYN MARK=0x7"), 1);
	SAME_NUMBER(logs_of(F_IIF, 0, "IN= OUT=eth1 SRC=192.0.2.1 DST=192.0.2.2 MARK=0x7"), 1);
	SAME_NUMBER(logs_of(F_IIF, 8, "IN= OUT=eth1 SRC=192.0.2.1 DST=192.0.2.2 MARK=0x8"), 0);
	SAME_NUMBER(logs_of(F_OIF, 8, "IN= OUT=eth1 SRC=192.0.2.1 DST=192.0.2.2 MARK=0x7"), 1);
}

int main(void)
{
	struct loader l = {.read = no_file, .glob = no_glob};
	struct compiled c = {0};
	struct diag diag;

	arena = arena_new();
	diag_init(&diag, arena);
	test_headers();
	test_log_lines();
	test_headers_of_others();
	test_forged();
	test_numbers();
	CHECK(compile_file(&c, "p.fwc", STAGE_IR, &l, arena, &diag));
	if (c.ruleset)
		test_rules(c.ruleset);
	compiled_free(&c);
	arena_free(arena);
	return test_end();
}
