/* SPDX-License-Identifier: GPL-2.0-or-later
 * Listings as nft 1.0.6 prints them -> IR -> canonical text; equality of rulesets; manifests.
 */
#include "nft/compare.h"
#include "nft/manifest.h"
#include "nft/nft.h"
#include "test.h"

static struct arena *arena;

static struct ir_ruleset *read_text(const char *objects)
{
	const char *text = arena_printf(arena,
					"{\"nftables\": [{\"metainfo\": {\"version\": \"1.0.6\"}}, "
					"{\"table\": {\"family\": \"inet\", "
					"\"name\": \"fwc\", \"handle\": 1}}, {\"chain\": "
					"{\"family\": \"inet\", \"table\": \"fwc\", "
					"\"name\": \"c\", \"handle\": 1}} %s]}",
					objects);
	struct ir_ruleset *r = ruleset_new(arena);
	json_error_t e;
	json_t *j = json_loads(text, 0, &e);
	const char *why = "";

	if (!j)
		printf("# %s\n", e.text);
	CHECK(j != NULL && read_listing(j, r, &why));
	json_decref(j);
	return r;
}

static const char *text_of(const struct ir_ruleset *r)
{
	const struct ir_chain *c = ruleset_chain(r, "c");

	return c->rules.n ? canonical_rule(arena, &c->rules.v[0]) : "(none)";
}

static const struct ir_ruleset *rule(const char *expr)
{
	return read_text(arena_printf(arena,
				      ", {\"rule\": {\"family\": \"inet\", \"table\": \"fwc\", "
				      "\"chain\": \"c\", \"handle\": 7, \"expr\": [%s]}}",
				      expr));
}

#define RULE(expr, text) SAME_TEXT(text_of(rule(expr)), text)
#define MATCH(op, left, right)                                                                     \
	"{\"match\": {\"op\": \"" op "\", \"left\": " left ", \"right\": " right "}}"
#define PAYLOAD(proto, field)                                                                      \
	"{\"payload\": {\"protocol\": \"" proto "\", \"field\": \"" field "\"}}"
#define META(key) "{\"meta\": {\"key\": \"" key "\"}}"
#define ACCEPT ", {\"accept\": null}"

static void test_matches(void)
{
	RULE(MATCH("==", PAYLOAD("tcp", "dport"), "22") ACCEPT, "tcp dport 22 accept");
	RULE(MATCH("==", PAYLOAD("tcp", "dport"), "{\"range\": [1, 1024]}"), "tcp dport 1-1024");
	RULE(MATCH("!=", PAYLOAD("ip", "saddr"), "\"@a.1\""), "ip saddr != @a.1");
	RULE(MATCH("==", PAYLOAD("ip6", "saddr"),
		   "{\"prefix\": {\"addr\": \"fe80::\", \"len\": 10}}"),
	     "ip6 saddr fe80::/10");
	RULE(MATCH("in", "{\"ct\": {\"key\": \"state\"}}", "[2, 4]"),
	     "ct state established,related");
	RULE(MATCH("in", "{\"ct\": {\"key\": \"state\"}}", "[\"established\", \"related\"]"),
	     "ct state established,related");
	RULE(MATCH("in", "{\"ct\": {\"key\": \"status\"}}", "32"), "ct status dnat");
	RULE(MATCH("==", META("iif"), "\"lo\""), "iif 1");
	RULE(MATCH("==", META("iif"), "\"0\""), "iif 0");
	RULE(MATCH("==", META("iifname"), "{\"set\": [\"wg*\", \"eth0\"]}"),
	     "iifname { \"eth0\", \"wg*\" }");
	RULE(MATCH("==", META("hour"), "{\"range\": [\"10:00\", \"12:00:01\"]}"),
	     "meta hour 36000-43201");
	RULE(MATCH("==", META("l4proto"), "\"ipv6-icmp\""), "meta l4proto icmpv6");
	RULE(MATCH("==", "{\"fib\": {\"result\": \"type\", \"flags\": [\"daddr\", \"iif\"]}}", "2"),
	     "fib daddr . iif type local");
	RULE(MATCH("==", "{\"&\": [" PAYLOAD("tcp", "flags") ", [1, 2, 4, 16]]}", "2"),
	     "tcp flags syn / fin,syn,rst,ack");
	RULE(MATCH("==", "{\"concat\": [" META("l4proto") ", " PAYLOAD("th", "dport") "]}",
		   "{\"set\": [{\"concat\": [17, 53]}, {\"concat\": [\"tcp\", {\"range\": [5, "
		   "6]}]}]}"),
	     "meta l4proto . th dport { tcp . 5-6, udp . 53 }");
}

static void test_statements(void)
{
	RULE("{\"counter\": {\"packets\": 7, \"bytes\": 9}}, {\"drop\": null}", "counter drop");
	RULE("{\"limit\": {\"rate\": 10, \"burst\": 20, \"per\": \"second\", \"inv\": true}}",
	     "limit rate over 10/second burst 20 packets");
	RULE("{\"ct count\": {\"val\": 5, \"inv\": true}}", "ct count over 5");
	RULE("{\"log\": {\"prefix\": \"fwc x: \"}}", "log prefix \"fwc x: \"");
	RULE("{\"reject\": {\"type\": \"icmpx\", \"expr\": 3}}",
	     "reject with icmpx admin-prohibited");
	RULE("{\"reject\": {\"type\": \"tcp reset\"}}", "reject with tcp reset");
	RULE("{\"reject\": {\"type\": \"icmp\", \"expr\": 3}}",
	     "reject with icmp port-unreachable");
	RULE("{\"reject\": {\"type\": \"icmpv6\", \"expr\": \"no-route\"}}",
	     "reject with icmpv6 no-route");
	RULE("{\"reject\": {\"type\": \"icmpx\", \"expr\": 1}}",
	     "reject with icmpx port-unreachable");
	RULE("{\"reject\": null}", "reject with icmpx port-unreachable");
	RULE(MATCH("==", PAYLOAD("ip", "protocol"), "6") ACCEPT, "ip protocol tcp accept");
	RULE("{\"dnat\": {\"family\": \"ip6\", \"addr\": \"fd00::1\", \"port\": 8443}}",
	     "dnat ip6 to [fd00::1]:8443");
	RULE("{\"dnat\": {\"family\": \"ip\", \"addr\": {\"map\": {\"key\": {\"numgen\": "
	     "{\"mode\": "
	     "\"inc\", \"mod\": 2, \"offset\": 0}}, \"data\": {\"set\": [[0, \"10.0.0.1\"], [1, "
	     "\"10.0.0.2\"]]}}}}}",
	     "dnat ip to numgen inc mod 2 map { 0 : 10.0.0.1, 1 : 10.0.0.2 }");
	RULE("{\"snat\": {\"family\": \"ip\", \"addr\": {\"range\": [\"1.2.3.4\", \"1.2.3.9\"]}}}",
	     "snat ip to 1.2.3.4-1.2.3.9");
	RULE("{\"masquerade\": null}", "masquerade");
	RULE("{\"redirect\": {\"port\": 2222}}", "redirect to :2222");
	RULE("{\"mangle\": {\"key\": {\"tcp option\": {\"name\": \"maxseg\", \"field\": "
	     "\"size\"}}, "
	     "\"value\": {\"rt\": {\"key\": \"mtu\"}}}}",
	     "tcp option maxseg size set rt mtu");
	RULE("{\"set\": {\"op\": \"update\", \"elem\": {\"elem\": {\"val\": " PAYLOAD(
		     "ip", "saddr") ", "
				    "\"timeout\": 60}}, \"set\": \"@s.v4\"}}",
	     "update @s.v4 { ip saddr timeout 1m }");
	RULE("{\"goto\": {\"target\": \"x.y\"}}", "goto x.y");
}

/* As nft 1.0.6 lists them. */
static void test_marks(void)
{
	RULE("{\"mangle\": {\"key\": {\"ct\": {\"key\": \"mark\"}}, \"value\": {\"|\": [{\"ct\": "
	     "{\"key\": \"mark\"}}, 15728640]}}}",
	     "ct mark set ct mark | 0x00f00000");
	RULE("{\"queue\": {\"num\": 3}}", "queue to 3");
	RULE("{\"queue\": {\"num\": {\"symhash\": {\"mod\": 4, \"offset\": 26000}}, \"flags\": "
	     "\"bypass\"}}",
	     "queue flags bypass to symhash mod 4 offset 26000");
	RULE("{\"queue\": {\"num\": {\"symhash\": {\"mod\": 4, \"offset\": 26000}}, \"flags\": "
	     "[\"bypass\"]}}",
	     "queue flags bypass to symhash mod 4 offset 26000");
	RULE("{\"mangle\": {\"key\": {\"meta\": {\"key\": \"mark\"}}, \"value\": 7}}",
	     "meta mark set 0x00000007");
	RULE("{\"mangle\": {\"key\": {\"ct\": {\"key\": \"mark\"}}, \"value\": {\"&\": [{\"ct\": "
	     "{\"key\": \"mark\"}}, 16777215]}}}",
	     "ct mark set ct mark & 0x00ffffff");
	RULE("{\"mangle\": {\"key\": {\"ct\": {\"key\": \"mark\"}}, \"value\": {\"|\": [{\"&\": "
	     "[{\"ct\": {\"key\": \"mark\"}}, 100663295]}, 83886080]}}}",
	     "ct mark set ct mark & 0x05ffffff | 0x05000000");
	RULE("{\"match\": {\"op\": \"==\", \"left\": {\"ct\": {\"key\": \"direction\"}}, "
	     "\"right\": \"original\"}}",
	     "ct direction original");
	RULE("{\"match\": {\"op\": \"==\", \"left\": {\"payload\": {\"base\": \"ih\", \"offset\": "
	     "0, \"len\": 8}}, \"right\": {\"range\": [0, 255]}}}",
	     "@ih,0,8 0x0-0xff");
	RULE("{\"vmap\": {\"key\": {\"&\": [{\"ct\": {\"key\": \"mark\"}}, 4278190080]}, \"data\": "
	     "\"@m\"}}",
	     "ct mark & 0xff000000 vmap @m");
	RULE("{\"match\": {\"op\": \"==\", \"left\": {\"&\": [{\"ct\": {\"key\": \"mark\"}}, "
	     "4278190080]}, \"right\": {\"range\": [67108864, 4278190080]}}}",
	     "ct mark & 0xff000000 0x04000000-0xff000000");
}

/* What is not understood to the last member is not taken for something near. */
static void test_unknown(void)
{
	RULE("{\"log\": {\"level\": \"info\", \"prefix\": \"a\"}}",
	     "?{\"log\":{\"level\":\"info\",\"prefix\":\"a\"}}");
	RULE("{\"masquerade\": {\"flags\": \"random\"}}",
	     "?{\"masquerade\":{\"flags\":\"random\"}}");
	RULE("{\"queue\": {\"num\": 3, \"flags\": \"fanout\"}}",
	     "?{\"queue\":{\"flags\":\"fanout\",\"num\":3}}");
	RULE("{\"queue\": {\"num\": 3, \"flags\": [\"bypass\", \"fanout\"]}}",
	     "?{\"queue\":{\"flags\":[\"bypass\",\"fanout\"],\"num\":3}}");
	RULE("{\"queue\": {\"num\": {\"range\": [3, 5]}}}",
	     "?{\"queue\":{\"num\":{\"range\":[3,5]}}}");
	RULE("{\"mangle\": {\"key\": {\"meta\": {\"key\": \"priority\"}}, \"value\": 7}}",
	     "?{\"mangle\":{\"key\":{\"meta\":{\"key\":\"priority\"}},\"value\":7}}");
	RULE("{\"mangle\": {\"key\": {\"ct\": {\"key\": \"mark\"}}, \"value\": {\"&\": [{\"meta\": "
	     "{\"key\": \"mark\"}}, 255]}}}",
	     "?{\"mangle\":{\"key\":{\"ct\":{\"key\":\"mark\"}},\"value\":{\"&\":[{\"meta\":{"
	     "\"key\":\"mark\"}},255]}}}");
	RULE("{\"match\": {\"op\": \"==\", \"left\": {\"payload\": {\"base\": \"ih\", \"offset\": "
	     "0, \"len\": 8}}, \"right\": 22}}",
	     "?{\"match\":{\"left\":{\"payload\":{\"base\":\"ih\",\"len\":8,\"offset\":0}},\"op\":"
	     "\"==\",\"right\":22}}");
	RULE("{\"ct count\": {\"val\": 5}}", "?{\"ct count\":{\"val\":5}}");
	RULE("17", "?17");
	RULE("{\"reject\": {\"type\": \"icmp9\", \"expr\": 3}}",
	     "?{\"reject\":{\"expr\":3,\"type\":\"icmp9\"}}");
}

/* The listing leaves out what another test implies; so does the canonical text. */
static void test_implied(void)
{
	RULE(MATCH("==", META("nfproto"), "2") ", " MATCH("==", PAYLOAD("ip", "saddr"),
							  "\"1.1.1.1\""),
	     "ip saddr 1.1.1.1");
	RULE(MATCH("==", META("l4proto"), "6") ", " MATCH("==", PAYLOAD("th", "dport"), "22"),
	     "tcp dport 22");
	RULE(MATCH("==", META("nfproto"), "2") ", " MATCH("==", PAYLOAD("udp", "dport"), "68"),
	     "meta nfproto ipv4 udp dport 68");
}

#define SET(kind, name, rest)                                                                      \
	", {\"" kind "\": {\"family\": \"inet\", \"name\": \"" name "\", \"table\": \"fwc\", "     \
	"\"handle\": 3, " rest "}}"

static void test_sets(void)
{
	struct ir_ruleset *r = read_text(
		SET("map", "m.0123456789ab",
		    "\"type\": [\"ipv4_addr\", \"inet_service\"], \"map\": \"verdict\", \"flags\": "
		    "[\"interval\"], \"elem\": [[{\"elem\": {\"val\": {\"concat\": [\"10.0.0.1\", "
		    "{\"range\": [1, 9]}]}, \"comment\": \"x\", \"counter\": {\"packets\": 3, "
		    "\"bytes\": "
		    "4}}}, {\"goto\": {\"target\": \"c\"}}]], \"stmt\": [{\"counter\": null}]"));
	const struct ir_set *s = ruleset_set(r, "m.0123456789ab");

	SAME_TEXT(s->stem, "m");
	SAME_NUMBER(s->elems.v[0].packets, 3);
	SAME_TEXT(canonical_set(arena, s),
		  "\tmap m.0123456789ab {\n\t\ttype ipv4_addr . inet_service : verdict\n\t\tflags "
		  "interval\n\t\tcounter\n\t\telements = {\n\t\t\t10.0.0.1 . 1-9 counter comment "
		  "\"x\" : "
		  "goto c\n\t\t}\n\t}\n");
	r = read_text(SET("set", "guests.v4",
			  "\"type\": \"ipv4_addr\", \"size\": 9, \"elem\": [\"1.1.1.1\"]"));
	CHECK(ruleset_set(r, "guests.v4")->dynamic);
}

static const char *type_of(const char *members)
{
	const char *object = arena_printf(arena, SET("set", "odd.0123456789ab", "%s"), members);

	return ruleset_set(read_text(object), "odd.0123456789ab")->type;
}

/* As nft 1.1.7 lists it with Linux 6.18 and later; `flags` is a word there if it is one. */
static void test_new_members(void)
{
	const struct ir_set *s = ruleset_set(
		read_text(SET("map", "to.self.0123456789ab",
			      "\"type\": \"ifname\", \"map\": \"verdict\", \"flags\": "
			      "\"interval\", \"count\": 2, \"elem\": [[\"eth0\", {\"goto\": "
			      "{\"target\": \"c\"}}], [\"wg*\", {\"drop\": null}]]")),
		"to.self.0123456789ab");

	SAME_TEXT(s->type, "ifname");
	SAME_NUMBER(s->elems.n, 2);
	CHECK(s->interval && !s->dynamic);
	SAME_TEXT(type_of("\"type\": \"ipv4_addr\", \"gc-interval\": 3, \"comment\": \"x\", "
			  "\"policy\": \"memory\", \"auto-merge\": true"),
		  "ipv4_addr");
	SAME_TEXT(type_of("\"type\": \"ipv4_addr\", \"inverted\": true, \"count\": 1"),
		  "ipv4_addr ?inverted");
	/* as declared by typeof */
	CHECK(strchr(type_of("\"type\": {\"typeof\": {\"ip option\": {\"name\": \"rr\"}}}"), '?'));
	s = ruleset_set(read_text(SET("set", "bans.0123456789ab",
				      "\"type\": \"ipv4_addr\", \"flags\": "
				      "\"timeout\", \"timeout\": 60")),
			"bans.0123456789ab");
	CHECK(s->dynamic && !s->interval);
}

static bool dormant(const char *members)
{
	const char *text = arena_printf(
		arena, "{\"nftables\": [{\"table\": {\"family\": \"ip\", \"name\": \"t\"%s}}]}",
		members);
	struct ir_ruleset *r = ruleset_new(arena);
	json_t *j = json_loads(text, 0, NULL);
	const char *why = "";

	CHECK(j && read_table(j, "ip", "t", r, &why));
	json_decref(j);
	return r->dormant;
}

static void test_table_flags(void)
{
	CHECK(!dormant(""));
	CHECK(dormant(", \"flags\": \"dormant\""));
	CHECK(dormant(", \"flags\": [\"dormant\", \"owner\"]"));
	CHECK(!dormant(", \"flags\": \"owner\""));
	CHECK(!dormant(", \"flags\": [\"owner\", \"persist\"]"));
	/* what nft 1.0.6 makes of any flag at times */
	CHECK(dormant(", \"flags\": \"Lester Gooch #5\""));
	CHECK(dormant(", \"flags\": [\"owner\", \"of tomorrow\"]"));
}

static size_t count_differences(const char *left, const char *right)
{
	struct differences d = {0};

	ruleset_compare(arena, read_text(left), read_text(right), NULL, &d);
	return d.n;
}

#define PLAIN(elems)                                                                               \
	SET("set", "s.0123456789ab",                                                               \
	    "\"type\": \"ipv4_addr\", \"flags\": [\"interval\"], \"elem\": [" elems "]")
#define PREFIX(addr, len) "{\"prefix\": {\"addr\": \"" addr "\", \"len\": " len "}}"

static void test_compare(void)
{
	const char *halves = PLAIN(PREFIX("10.0.0.128", "25") ", " PREFIX("10.0.0.0", "25"));
	const char *whole = PLAIN("{\"range\": [\"10.0.0.0\", \"10.0.0.255\"]}");

	SAME_NUMBER(count_differences(halves, whole), 0);
	SAME_NUMBER(count_differences(halves, PLAIN(PREFIX("10.0.0.128", "25"))), 1);
	SAME_NUMBER(count_differences(halves, ""), 1);
	SAME_NUMBER(count_differences("", halves), 1);
}

static void test_reach(void)
{
	struct ir_ruleset *r = read_text(
		", {\"chain\": {\"family\": \"inet\", \"table\": \"fwc\", \"name\": \"input\", "
		"\"handle\": "
		"2, \"type\": \"filter\", \"hook\": \"input\", \"prio\": 0, \"policy\": \"drop\"}}"
		", {\"chain\": {\"family\": \"inet\", \"table\": \"fwc\", \"name\": \"dead\", "
		"\"handle\": 3}}"
		", {\"rule\": {\"family\": \"inet\", \"table\": \"fwc\", \"chain\": \"input\", "
		"\"handle\": "
		"4, \"expr\": [{\"vmap\": {\"key\": {\"meta\": {\"key\": \"iifname\"}}, \"data\": "
		"\"@m\"}}]}}" SET("map", "m",
				  "\"type\": \"ifname\", \"map\": \"verdict\", \"elem\": [[\"lo\", "
				  "{\"jump\": {\"target\": \"c\"}}]]"));
	struct map reach;

	map_init(&reach, arena);
	ruleset_reach(r, &reach);
	CHECK(map_get(&reach, "c:input") && map_get(&reach, "s:m") && map_get(&reach, "c:c"));
	CHECK(!map_get(&reach, "c:dead"));
	CHECK(ruleset_chain(r, "input")->base.policy_drop);
}

static const char script[] = "table inet fwc {\n\tchain c.1 {\n\t\taccept\n\t}\n\n}\n";

static struct manifest *reread(json_t *j, const char *text, const char **why)
{
	*why = "";
	return manifest_read(arena, j, text, strlen(text), why);
}

static void test_manifest(void)
{
	struct ir_ruleset *r = ruleset_new(arena);
	struct ir_chain c = {.name = "c.1", .stem = "c", .text_off = 17, .text_len = 25};
	struct ir_rule accept = {.comment = "allow a -> b"};
	struct buf text = {0};
	struct manifest *m;
	const char *why;
	json_t *j;

	vec_push(arena, &c.rules, accept);
	ruleset_add_chain(r, &c);
	buf_puts(&text, script);
	j = manifest_json(manifest_build(
		arena,
		&(struct manifest_input){
			.version = "1", .policy = "p", .cwd = "/", .ruleset = r, .script = &text}));
	m = reread(j, script, &why);
	CHECK(m != NULL);
	if (m) {
		SAME_TEXT(m->objects.v[0]->rules.v[0].text, "allow a -> b");
		SAME_NUMBER(m->forwarding, -1);
	}
	CHECK(!reread(j, "table inet fwc {\n}\n", &why) && *why);
	json_object_set_new(j, "forwarding", json_integer(1));
	CHECK(!reread(j, script, &why) && strstr(why, "edited or damaged"));
	json_object_set_new(j, "seal", json_integer(1));
	CHECK(!reread(j, script, &why) && strstr(why, "edited or damaged"));
	json_object_del(j, "seal");
	m = reread(j, script, &why);
	CHECK(m && m->forwarding == 1);
	json_object_set_new(json_array_get(json_object_get(j, "objects"), 0), "length",
			    json_integer(24));
	CHECK(!reread(j, script, &why) && *why);
	json_object_set_new(j, "format", json_integer(99));
	CHECK(!reread(j, script, &why) && strstr(why, "newer"));
	json_decref(j);
	buf_free(&text);
}

int main(void)
{
	arena = arena_new();
	test_matches();
	test_statements();
	test_marks();
	test_unknown();
	test_implied();
	test_sets();
	test_new_members();
	test_table_flags();
	test_compare();
	test_reach();
	test_manifest();
	arena_free(arena);
	return test_end();
}
