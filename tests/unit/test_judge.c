/* SPDX-License-Identifier: GPL-2.0-or-later
 * Tables and facts become decisions: first match, what may yet match holds up the rest, and the
 * words for what cannot be known.
 */
#include <errno.h>
#include <stdlib.h>

#include "inspect/tables.h"
#include "test.h"
#include "vectors/vectors.h"

static struct flow_room *room;
static struct pattern_room *patterns;
static struct flow_state f;
static struct tables t;

static int load(const char *entries, const char *more)
{
	struct buf text = {0}, why = {0};
	json_t *j;
	int rc;

	tables_free(&t);
	buf_printf(&text, "{\"format\":1,\"inspectors\":[{\"name\":\"i\",\"entries\":[%s]%s}]}",
		   entries, more);
	j = json_loads(buf_str(&text), 0, NULL);
	rc = tables_load(&t, j, &why);
	if (rc)
		printf("# %s\n", buf_str(&why));
	json_decref(j);
	buf_free(&text);
	buf_free(&why);
	return rc;
}

#define ENTRY(verdict, look) "{\"verdict\":\"" verdict "\",\"look\":\"" look "\"}"
#define NAMED(verdict, look, name)                                                                 \
	"{\"verdict\":\"" verdict "\",\"look\":\"" look "\",\"names\":[\"" name "\"]}"
#define PATTERN(verdict, pattern)                                                                  \
	"{\"verdict\":\"" verdict "\",\"look\":\"payload\",\"patterns\":[\"" pattern "\"]}"

/* "deny 0": the verdict and the entry, or the word that decides. */
static const char *judge(void)
{
	static char out[64];
	const struct inspector *in = tables_find(&t, "i");
	struct decision d = inspector_judge(in, &f, patterns);

	if (d.cause == CAUSE_ENTRY)
		sprintf(out, "%s %td", verdict_name(d.verdict), d.entry - in->entries.v);
	else
		sprintf(out, "%s %s", verdict_name(d.verdict), cause_name(d.cause));
	return out;
}

static const char *after(const uint8_t *p, size_t n)
{
	flow_drop(&f, room);
	flow_segment(&f, room, 1, p, n);
	return judge();
}

static const char *after_text(const char *s)
{
	return after((const uint8_t *)s, strlen(s));
}

static const char *after_datagram(const uint8_t *p, size_t n)
{
	flow_drop(&f, room);
	flow_datagram(&f, room, p, n);
	return judge();
}

#define ALL(v) v, sizeof(v)

static void test_names(void)
{
	SAME_NUMBER(
		load(NAMED("deny", "sni", "*.example.org") "," NAMED("reject", "host", "a.example") "," NAMED(
			     "deny", "dns",
			     "*.example.org") "," NAMED("deny", "ssh",
							"SSH-2.0-libssh*") "," ENTRY("allow",
										     "any"),
		     ""),
		0);
	SAME_TEXT(after(ALL(openssl_hello)), "deny 0");
	SAME_TEXT(after(ALL(rfc8448_hello)), "allow 4");
	SAME_TEXT(after(ALL(nameless_hello)), "allow 4");
	SAME_TEXT(after(rfc8448_hello, 30), "more 0");
	SAME_TEXT(after_text("GET / HTTP/1.1\r\nHost: A.example\r\n\r\n"), "reject 1");
	SAME_TEXT(after_text("GET / HTTP/1.1\r\nHost: b.example\r\n\r\n"), "allow 4");
	SAME_TEXT(after_text("GET / HTTP/1.1\r\nHost: b.example\r\n"), "more 1");
	SAME_TEXT(after_text("SSH-2.0-libssh_0.9\r\n"), "deny 3");
	SAME_TEXT(after_text("SSH-2.0-OpenSSH_9\r\n"), "allow 4");
	SAME_TEXT(after_datagram(ALL(dns_query)), "deny 2");
	SAME_TEXT(after_datagram(ALL(quic_v1)), "allow 4");
	SAME_TEXT(after_text("anything\r\n"), "allow 4");
}

/* What a hello offers: one of many is enough, and what cannot be told is on-error. */
static void test_offers(void)
{
	SAME_NUMBER(load(NAMED("deny", "alpn", "h2") "," NAMED("reject", "alpn",
							       "http/*") "," ENTRY("allow", "any"),
			 ""),
		    0);
	SAME_TEXT(after(ALL(openssl_hello)), "deny 0");
	SAME_TEXT(after(openssl_hello, sizeof(openssl_hello) - 1), "more 0");
	SAME_TEXT(after(ALL(rfc8448_hello)), "allow 2"); /* offers none */
	SAME_TEXT(after_datagram(ALL(quic_v1)), "allow 2");
	SAME_TEXT(after(ALL(two_alpn)), "deny 0");
	SAME_TEXT(after(ALL(broken_alpn)), "deny on-error");
	SAME_TEXT(after(ALL(long_alpn)), "deny on-error"); /* h2 comes too late */
	SAME_TEXT(after_text("GET / HTTP/1.1\r\nHost: b.example\r\n\r\n"), "allow 2");
	SAME_TEXT(after_text("SSH-2.0-OpenSSH_9\r\n"), "allow 2");
	SAME_NUMBER(load(NAMED("allow", "alpn", "*"), ""), 0);
	SAME_TEXT(after(ALL(nameless_hello)), "allow 0");
	SAME_TEXT(after_datagram(ALL(quic_v1)), "allow 0");
	SAME_TEXT(after(ALL(rfc8448_hello)), "deny default");
	SAME_TEXT(after(ALL(grease_alpn)), "allow 0");
}

static void test_fingerprints(void)
{
	SAME_NUMBER(load(NAMED("deny", "ja4", "t13d1516h2_8daaf6152771_*") "," NAMED(
				 "reject", "ja4",
				 "q13d0310h3_55b375c5d22e_cd85d2d88918") "," ENTRY("allow", "any"),
			 ",\"on-error\":\"deny\""),
		    0);
	SAME_TEXT(after(ALL(ja4_example)), "deny 0");
	SAME_TEXT(after(ALL(ja4_signatures)), "allow 2");
	SAME_TEXT(after_datagram(ALL(quic_ja4)), "reject 1");
	SAME_TEXT(after_datagram(ALL(quic_v1)), "allow 2");
	SAME_TEXT(after(ALL(many_ciphers)), "deny on-error");
	SAME_TEXT(after(ALL(two_alpn)), "deny on-error");
	SAME_TEXT(after_datagram(ALL(dns_query)), "allow 2");
	SAME_NUMBER(load(NAMED("allow", "ja4", "t13*"), ""), 0);
	SAME_TEXT(after(ALL(ja4_example)), "allow 0");
	SAME_TEXT(after(ALL(old_hello)), "deny default");
	SAME_NUMBER(load("{\"verdict\":\"deny\",\"look\":\"ja4\",\"patterns\":[\"^t\"]}", ""),
		    -EINVAL);
}

/* One list for every protocol that has names. */
static void test_every(void)
{
	SAME_NUMBER(load(NAMED("deny", "name", "www.example.org") "," NAMED(
				 "reject", "domain", "example") "," ENTRY("allow", "any"),
			 ""),
		    0);
	SAME_TEXT(after(ALL(openssl_hello)), "deny 0");
	SAME_TEXT(after_datagram(ALL(dns_query)), "deny 0");
	SAME_TEXT(after_text("GET / HTTP/1.1\r\nHost: www.example.org\r\n\r\n"), "deny 0");
	SAME_TEXT(after_text("GET / HTTP/1.1\r\nHost: a.www.example.org\r\n\r\n"), "allow 2");
	SAME_TEXT(after_text("GET / HTTP/1.1\r\nHost: x.y.example\r\n\r\n"), "reject 1");
	SAME_TEXT(after_text("GET / HTTP/1.1\r\nHost: example\r\n\r\n"), "reject 1");
	SAME_TEXT(after_datagram(ALL(quic_v1)), "allow 2"); /* example.com */
	SAME_TEXT(after_text("SSH-2.0-www.example.org\r\n"), "allow 2");
	SAME_TEXT(after(ALL(nameless_hello)), "allow 2");
	SAME_TEXT(after_text("GET / HTTP/1.1\r\nHost: b\r\nHost: b\r\n\r\n"), "deny on-error");
}

static void test_facts(void)
{
	SAME_NUMBER(load(ENTRY("deny", "quic") "," ENTRY("deny", "tls.ech") "," ENTRY(
				 "deny", "no-name") "," ENTRY("reject", "unknown-protocol"),
			 ""),
		    0);
	SAME_TEXT(after_datagram(ALL(quic_v2)), "deny 0");
	SAME_TEXT(after_datagram(ALL(dns_query)), "deny default");
	SAME_TEXT(after(ALL(ech_hello)), "deny 1");
	SAME_TEXT(after(ALL(nameless_hello)), "deny 2");
	SAME_TEXT(after(ALL(address_hello)), "deny 2");
	SAME_TEXT(after(ALL(openssl_hello)), "deny default");
	SAME_TEXT(after_text("anything\r\n"), "reject 3");
	/* QUIC is no TCP: not waited for */
	SAME_NUMBER(load(ENTRY("deny", "quic") "," ENTRY("allow", "any"), ""), 0);
	SAME_TEXT(after_text("G"), "allow 1");
	/* the name is there, but whether ECH is offered is not known yet */
	SAME_NUMBER(load(ENTRY("deny", "tls.ech") "," NAMED("allow", "sni", "server"), ""), 0);
	SAME_TEXT(after(rfc8448_hello, sizeof(rfc8448_hello) - 100), "more 0");
	SAME_NUMBER(load(NAMED("allow", "sni", "server") "," ENTRY("deny", "tls.ech"), ""), 0);
	SAME_TEXT(after(rfc8448_hello, sizeof(rfc8448_hello) - 100), "more 0");
}

static void test_patterns(void)
{
	SAME_NUMBER(
		load(PATTERN("deny", "^\\\\x13BitTorrent protocol") "," ENTRY("allow", "any"), ""),
		0);
	SAME_TEXT(after_text("\x13"
			     "BitTorrent protocol and more"),
		  "deny 0");
	SAME_TEXT(after_text("\x13"
			     "BitT"),
		  "more 0");
	SAME_TEXT(after_text("\x13"
			     "BitX"),
		  "allow 1");
	flow_drop(&f, room);
	flow_segment(&f, room, 1,
		     (const uint8_t *)"\x13"
				      "Bit",
		     4);
	flow_segment(&f, room, 5, (const uint8_t *)"Torrent protocol", 16);
	SAME_TEXT(judge(), "deny 0");
	flow_drop(&f, room);
	flow_segment(&f, room, 1,
		     (const uint8_t *)"\x13"
				      "Bit",
		     4);
	flow_end(&f, room);
	SAME_TEXT(judge(), "allow 1");
	/* in a datagram nothing more comes */
	SAME_TEXT(after_datagram((const uint8_t *)"\x13"
						  "Bit",
				 4),
		  "allow 1");
	/* nor behind a message that waits for its answer */
	SAME_NUMBER(load(PATTERN("deny", "^GET .{0,500}x-evil") "," ENTRY("allow", "any"), ""), 0);
	SAME_TEXT(after_text("GET / HTTP/1.1\r\n"), "allow 1");
	SAME_NUMBER(load(PATTERN("deny", "(?s)^GET .{0,500}x-evil") "," ENTRY("allow", "any"), ""),
		    0);
	SAME_TEXT(after_text("GET / HTTP/1.1\r\n"), "more 0");
	SAME_TEXT(after_text("GET / HTTP/1.1\r\nA: x-evil"), "deny 0");
	SAME_TEXT(after_text("GET / HTTP/1.1\r\n\r\n"), "allow 1");
	/* too many steps: on-error */
	SAME_NUMBER(load(PATTERN("allow", "^(a+)+$|^(a*)*b") "," ENTRY("allow", "any"), ""), 0);
	SAME_TEXT(after_text("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac"),
		  "deny on-error");
}

static void test_words(void)
{
	static const char names[] = NAMED("deny", "host", "a") "," ENTRY("allow", "any");

	SAME_NUMBER(load(names, ""), 0);
	SAME_TEXT(after_text("GET / HTTP/1.1\r\nHost: b\r\nHost: b\r\n\r\n"), "deny on-error");
	SAME_NUMBER(load(names, ",\"on-error\":\"allow\""), 0);
	SAME_TEXT(after_text("GET / HTTP/1.1\r\nHost: b\r\nHost: b\r\n\r\n"), "allow on-error");
	/* what is broken matters only to who asks for it */
	SAME_NUMBER(load(NAMED("deny", "sni", "a") "," ENTRY("allow", "any"), ""), 0);
	SAME_TEXT(after_text("GET / HTTP/1.1\r\nHost: b\r\nHost: b\r\n\r\n"), "allow 1");
	SAME_NUMBER(load(names, ",\"on-overflow\":\"allow\""), 0);
	flow_drop(&f, room);
	flow_syn(&f, 0);
	flow_segment(&f, room, 70000, (const uint8_t *)"x", 1);
	SAME_TEXT(judge(), "allow on-overflow");
	SAME_NUMBER(load(names, ",\"on-timeout\":\"allow\",\"on-no-helper\":\"deny\""), 0);
	SAME_NUMBER(inspector_fallback(tables_find(&t, "i"), CAUSE_TIMEOUT).verdict, VERDICT_ALLOW);
	SAME_NUMBER(inspector_fallback(tables_find(&t, "i"), CAUSE_NO_HELPER).verdict,
		    VERDICT_DENY);
	SAME_NUMBER(inspector_fallback(tables_find(&t, "i"), CAUSE_ERROR).verdict, VERDICT_DENY);
}

static void test_refused(void)
{
	SAME_NUMBER(load(ENTRY("maybe", "any"), ""), -EINVAL);
	SAME_NUMBER(load(ENTRY("deny", "smell"), ""), -EINVAL);
	SAME_NUMBER(load(ENTRY("deny", "sni"), ""), -EINVAL);
	SAME_NUMBER(load(NAMED("deny", "any", "a"), ""), -EINVAL);
	SAME_NUMBER(load(NAMED("deny", "sni", "a b"), ""), -EINVAL);
	SAME_NUMBER(load(NAMED("deny", "payload", "a"), ""), -EINVAL);
	SAME_NUMBER(load(PATTERN("deny", "unanchored"), ""), -EINVAL);
	SAME_NUMBER(load(PATTERN("deny", "^("), ""), -EINVAL);
	SAME_NUMBER(load(ENTRY("deny", "any"), ",\"on-error\":\"perhaps\""), -EINVAL);
	SAME_NUMBER(load(ENTRY("deny", "any"), ",\"colour\":1"), -EINVAL);
	SAME_NUMBER(load("", ",\"rewrites\":[{\"from\":\"00\",\"to\":\"0001\"}]"), -EINVAL);
	SAME_NUMBER(load("", ",\"rewrites\":[{\"from\":\"0g\",\"to\":\"00\"}]"), -EINVAL);
	SAME_NUMBER(load(ENTRY("deny", "any"), ",\"rewrites\":[{\"from\":\"00\",\"to\":\"01\"}]"),
		    -EINVAL);
	SAME_NUMBER(load("", ""), 0);
	SAME_TEXT(after_text("x"), "deny default");
}

static void test_rewrite(void)
{
	char p[] = "abcabab-x";

	SAME_NUMBER(load("", ",\"rewrites\":[{\"from\":\"6162\",\"to\":\"6261\"},"
			     "{\"from\":\"2d\",\"to\":\"2b\"}]"),
		    0);
	SAME_NUMBER(inspector_rewrite(tables_find(&t, "i"), (uint8_t *)p, sizeof(p) - 1), 4);
	SAME_TEXT(p, "bacbaba+x");
}

int main(void)
{
	room = flow_room_new(2, 2);
	patterns = pattern_room_new();
	test_names();
	test_offers();
	test_fingerprints();
	test_every();
	test_facts();
	test_patterns();
	test_words();
	test_refused();
	test_rewrite();
	flow_drop(&f, room);
	tables_free(&t);
	pattern_room_free(patterns);
	flow_room_free(room);
	return test_end();
}
