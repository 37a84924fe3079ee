/* SPDX-License-Identifier: GPL-2.0-or-later
 * First bytes of clients: TLS by RFC 8446 and RFC 6066, HTTP by RFC 9112, DNS by RFC 1035, SSH by
 * RFC 4253. Each message is also given in all its prefixes.
 */
#include <stdlib.h>

#include "inspect/probe.h"
#include "test.h"
#include "vectors/vectors.h"

static struct probe_room *room;
static struct facts f;

static enum probe all(const void *p, size_t n)
{
	return probe_stream(&f, p, n, false, room);
}

static enum probe text(const char *s)
{
	return all(s, strlen(s));
}

/* No prefix says what the whole denies: final answers stay, a name stays. */
static bool steady(const uint8_t *p, size_t n)
{
	struct facts whole, part;
	enum probe last = probe_stream(&whole, p, n, false, room);

	for (size_t i = 0; i < n; i++) {
		uint8_t *copy = malloc(i ? i : 1); /* so that a read beyond it is seen */
		enum probe said;

		memcpy(copy, p, i);
		said = probe_stream(&part, copy, i, false, room);
		free(copy);
		if ((said == PROBE_DONE || said == PROBE_BAD) && said != last)
			return false;
		if (part.protocol != PROTOCOL_OPEN && part.protocol != whole.protocol)
			return false;
		if (part.name_state == NAME_SEEN && strcmp(part.name, whole.name) != 0)
			return false;
		if (part.ech == ANSWER_YES && whole.ech != ANSWER_YES)
			return false;
	}
	return true;
}

static void test_tls(void)
{
	SAME_NUMBER(all(openssl_hello, sizeof(openssl_hello)), PROBE_DONE);
	SAME_NUMBER(f.protocol, PROTOCOL_TLS);
	SAME_NUMBER(f.name_state, NAME_SEEN);
	SAME_TEXT(f.name, "www.example.org");
	SAME_NUMBER(f.alpn_len, 12);
	CHECK(!memcmp(f.alpn, "\2h2\10http/1.1", 12));
	SAME_NUMBER(f.tls_version, 0x0304);
	CHECK(!f.offers_cut);
	SAME_NUMBER(f.ech, ANSWER_NO);
	CHECK(f.whole);
	CHECK(steady(openssl_hello, sizeof(openssl_hello)));
	SAME_NUMBER(all(rfc8448_hello, sizeof(rfc8448_hello)), PROBE_DONE);
	SAME_TEXT(f.name, "server");
	CHECK(steady(rfc8448_hello, sizeof(rfc8448_hello)));
	SAME_NUMBER(all(hybrid_hello, sizeof(hybrid_hello)), PROBE_DONE);
	SAME_TEXT(f.name, "www.example.org");
	CHECK(steady(hybrid_hello, sizeof(hybrid_hello)));
	SAME_NUMBER(all(hybrid_small_records, sizeof(hybrid_small_records)), PROBE_DONE);
	SAME_TEXT(f.name, "www.example.org");
	CHECK(steady(hybrid_small_records, sizeof(hybrid_small_records)));
	SAME_NUMBER(all(ech_hello, sizeof(ech_hello)), PROBE_DONE);
	SAME_TEXT(f.name, "public.example");
	SAME_NUMBER(f.ech, ANSWER_YES);
	CHECK(steady(ech_hello, sizeof(ech_hello)));
	SAME_NUMBER(all(nameless_hello, sizeof(nameless_hello)), PROBE_DONE);
	SAME_NUMBER(f.name_state, NAME_ABSENT);
	SAME_NUMBER(all(old_hello, sizeof(old_hello)), PROBE_DONE);
	SAME_NUMBER(f.name_state, NAME_ABSENT);
	SAME_NUMBER(all(address_hello, sizeof(address_hello)), PROBE_DONE);
	SAME_NUMBER(f.name_state, NAME_SEEN);
	CHECK(f.name_is_address);
}

/* Those that FoxIO publishes, and what craft.py makes of others. */
/* Two records, cut at each place (RFC 8446 5.1). */
static void test_two_records(void)
{
	uint8_t two[sizeof(hybrid_hello) + 5];

	for (size_t cut = 1; cut < sizeof(hybrid_hello) - 5; cut++) {
		memcpy(two, hybrid_hello, 5 + cut);
		memcpy(two + 5 + cut, hybrid_hello, 3);
		memcpy(two + 10 + cut, hybrid_hello + 5 + cut, sizeof(hybrid_hello) - 5 - cut);
		two[3] = (uint8_t)(cut >> 8);
		two[4] = (uint8_t)cut;
		two[5 + cut + 3] = (uint8_t)((sizeof(hybrid_hello) - 5 - cut) >> 8);
		two[5 + cut + 4] = (uint8_t)(sizeof(hybrid_hello) - 5 - cut);
		if (all(two, sizeof(two)) != PROBE_DONE || strcmp(f.name, "www.example.org") != 0)
			SAME_NUMBER(cut, 0);
	}
}

static void test_fingerprints(void)
{
	for (size_t i = 0; i < sizeof(fingerprints) / sizeof(fingerprints[0]); i++) {
		if (fingerprints[i].ja4[0] != 't')
			continue; /* datagrams: test_flow.c */
		SAME_NUMBER(all(fingerprints[i].p, fingerprints[i].n), PROBE_DONE);
		SAME_TEXT(f.ja4, fingerprints[i].ja4);
		SAME_TEXT(f.flaw ? f.flaw : "", "");
	}
	SAME_NUMBER(all(old_hello, sizeof(old_hello)), PROBE_DONE);
	SAME_NUMBER(f.tls_version, 0x0303);
	SAME_NUMBER(f.alpn_len, 0);
	SAME_NUMBER(all(grease_alpn, sizeof(grease_alpn)), PROBE_DONE);
	CHECK(f.alpn_len == 12 && !memcmp(f.alpn, "\10http/1.1\2h2", 12));
	SAME_NUMBER(all(ja4_example, sizeof(ja4_example) - 1), PROBE_MORE);
	SAME_TEXT(f.ja4, "");
}

/* What cannot be told is not told; the name is known all the same. */
static void test_offers_broken(void)
{
	SAME_NUMBER(all(broken_alpn, sizeof(broken_alpn)), PROBE_DONE);
	SAME_TEXT(f.name, "www.example.org");
	SAME_TEXT(f.ja4, "");
	SAME_TEXT(f.flaw, "the list of protocols (ALPN) is malformed");
	CHECK(f.offers_cut && f.whole);
	SAME_NUMBER(all(two_alpn, sizeof(two_alpn)), PROBE_DONE);
	CHECK(f.offers_cut && f.alpn_len == 12);
	SAME_TEXT(f.ja4, "");
	SAME_NUMBER(all(many_ciphers, sizeof(many_ciphers)), PROBE_DONE);
	SAME_TEXT(f.flaw, "the hello offers more than can be looked at");
	SAME_NUMBER(all(long_alpn, sizeof(long_alpn)), PROBE_DONE);
	CHECK(f.offers_cut && f.alpn_len == 202);
	SAME_TEXT(f.flaw ? f.flaw : "", "");
	CHECK(!strncmp(f.ja4, "t12i0301xx_", 11));
}

/* The name counts once the hello is whole: a second one may come. */
static void test_early(void)
{
	size_t n = sizeof(rfc8448_hello) - 100;

	SAME_NUMBER(all(rfc8448_hello, n), PROBE_MORE);
	SAME_NUMBER(f.name_state, NAME_OPEN);
	SAME_TEXT(f.name, "server");
	SAME_NUMBER(f.ech, ANSWER_OPEN);
	CHECK(!f.whole);
}

static void test_tls_broken(void)
{
	uint8_t copy[sizeof(rfc8448_hello)];

	memcpy(copy, rfc8448_hello, sizeof(copy));
	copy[5] = 2; /* a ServerHello */
	SAME_NUMBER(all(copy, sizeof(copy)), PROBE_BAD);
	SAME_NUMBER(f.name_state, NAME_UNREADABLE);
	SAME_TEXT(f.flaw, "the first handshake message is not a ClientHello");
	copy[5] = 1;
	copy[3] = copy[4] = 0; /* RFC 8446 5.1: no empty handshake fragments */
	SAME_NUMBER(all(copy, sizeof(copy)), PROBE_BAD);
	SAME_TEXT(f.flaw, "the length of a record is not allowed");
	copy[3] = 0x40;
	copy[4] = 1; /* 2^14 + 1 */
	SAME_NUMBER(all(copy, sizeof(copy)), PROBE_BAD);
	memcpy(copy, rfc8448_hello, sizeof(copy));
	copy[4] = 60; /* what follows is no record of a handshake */
	SAME_NUMBER(all(copy, sizeof(copy)), PROBE_BAD);
	SAME_TEXT(f.flaw, "the ClientHello is cut off by another record");
	memcpy(copy, rfc8448_hello, sizeof(copy));
	copy[6] = 2; /* 128 KiB */
	SAME_NUMBER(all(copy, sizeof(copy)), PROBE_BAD);
	SAME_TEXT(f.flaw, "the ClientHello is too long");
	memcpy(copy, rfc8448_hello, sizeof(copy));
	copy[54]++; /* the length of all extensions */
	SAME_NUMBER(all(copy, sizeof(copy)), PROBE_BAD);
	SAME_TEXT(f.flaw, "the extensions do not end with the hello");
	memcpy(copy, rfc8448_hello, sizeof(copy));
	copy[63]++; /* the length of the name */
	SAME_NUMBER(all(copy, sizeof(copy)), PROBE_BAD);
	SAME_TEXT(f.flaw, "the server name is malformed");
	copy[63]--;
	copy[64] = '\0';
	SAME_NUMBER(all(copy, sizeof(copy)), PROBE_BAD);
	SAME_NUMBER(all("\x16\x02\x01\x00\xff\x02", 6), PROBE_DONE);
	SAME_NUMBER(f.protocol, PROTOCOL_UNKNOWN);
	SAME_NUMBER(all("\x16\x10\x01\x00\xff", 5), PROBE_DONE);
	SAME_NUMBER(f.protocol, PROTOCOL_UNKNOWN);
}

static void test_http(void)
{
	static const char folded[] =
		"GET / HTTP/1.0\r\nA: b\r\n c: d\r\nhost:\r\n \tfolded.example \r\n"
		"X:y\r\n\r\n";

	SAME_NUMBER(text("GET / HTTP/1.1\r\nHost: Www.Example.org:8080\r\n\r\n"), PROBE_DONE);
	SAME_NUMBER(f.protocol, PROTOCOL_HTTP);
	SAME_TEXT(f.name, "www.example.org");
	SAME_NUMBER(text(folded), PROBE_DONE);
	SAME_TEXT(f.name, "folded.example");
	CHECK(steady((const uint8_t *)folded, sizeof(folded) - 1));
	/* RFC 9112 3.2: they are the same host */
	SAME_NUMBER(text("GET HTTP://Real.example./x?a=b HTTP/1.1\r\nHost: real.example:80\r\n\r\n"),
		    PROBE_DONE);
	SAME_TEXT(f.name, "real.example");
	SAME_NUMBER(text("GET http://real.example/ HTTP/1.0\r\n\r\n"), PROBE_DONE);
	SAME_TEXT(f.name, "real.example");
	SAME_NUMBER(text("CONNECT far.example:443 HTTP/1.1\r\nHost: far.example:443\r\n\r\n"),
		    PROBE_DONE);
	SAME_TEXT(f.name, "far.example");
	SAME_NUMBER(text("\r\n\r\nOPTIONS * HTTP/1.1\nHost: x\n\n"), PROBE_DONE);
	SAME_TEXT(f.name, "x");
	SAME_NUMBER(text("GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n"), PROBE_DONE);
	SAME_TEXT(f.name, "2001:db8::1");
	CHECK(f.name_is_address);
	SAME_NUMBER(text("GET / HTTP/1.0\r\n\r\n"), PROBE_DONE);
	SAME_NUMBER(f.name_state, NAME_ABSENT);
	SAME_NUMBER(text("GET / HTTP/1.1\r\nHost:\r\n\r\n"), PROBE_DONE);
	SAME_NUMBER(f.name_state, NAME_ABSENT);
	/* no request line yet; a request whose header goes on */
	SAME_NUMBER(text("GET / HTT"), PROBE_MAYBE);
	SAME_NUMBER(text("GET / HTTP/1.1\r\nHost: a.example\r\n"), PROBE_MORE);
	SAME_NUMBER(f.name_state, NAME_OPEN);
	/* not HTTP/1 */
	SAME_NUMBER(text("GET /\r\n"), PROBE_DONE);
	SAME_NUMBER(f.protocol, PROTOCOL_UNKNOWN);
	SAME_NUMBER(text("HELO there\r\n"), PROBE_DONE);
	SAME_NUMBER(f.protocol, PROTOCOL_UNKNOWN);
	SAME_NUMBER(text("OPTIONS rtsp://a.example/m RTSP/1.0\r\nCSeq: 1\r\n\r\n"), PROBE_DONE);
	SAME_NUMBER(f.protocol, PROTOCOL_UNKNOWN);
	/* as loosely as servers read it: nginx, Apache (HttpProtocolOptions Unsafe) */
	SAME_NUMBER(text("get   /  http/1.1 \r\nHost: a.example\r\n\r\n"), PROBE_DONE);
	SAME_TEXT(f.name, "a.example");
	SAME_NUMBER(text("GET\t/\tHTTP/1.01\t\nHost: a.example\n\n"), PROBE_DONE);
	SAME_TEXT(f.name, "a.example");
}

static void test_http_broken(void)
{
	static const char *const bad[] = {
		"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
		"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a:80x\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: user@a\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n",
		"GET / HTTP/1.1\r\nA: b\rHost: a\r\n\r\n",
		"GET / HTTP/1.1\r\nnothing\r\n\r\n",
		"GET http://u@a/ HTTP/1.1\r\n\r\n",
		"GET http:///x HTTP/1.1\r\n\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n",
		"CONNECT a:443 HTTP/1.1\r\nHost: b:443\r\n\r\n",
		"GET http://a/\r\n",
		/* a.b to who takes it for a URL (RFC 3986 3.2.2), as programs in node.js do */
		"GET / HTTP/1.1\r\nHost: a%2e%62\r\n\r\n",
		"GET http://a.%62/ HTTP/1.1\r\n\r\n",
		"GET / HTTP/3.0\r\nHost: a\r\n\r\n",
		"GET / HTTP/11.1\r\nHost: a\r\n\r\n",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		SAME_NUMBER(text(bad[i]), PROBE_BAD);
		SAME_NUMBER(f.protocol, PROTOCOL_HTTP);
		SAME_NUMBER(f.name_state, NAME_UNREADABLE);
		CHECK(f.flaw != NULL);
	}
}

static void test_dns(void)
{
	uint8_t tcp[sizeof(dns_query) + 2] = {0, sizeof(dns_query)};
	uint8_t copy[sizeof(dns_query)];

	memcpy(tcp + 2, dns_query, sizeof(dns_query));
	facts_init(&f);
	SAME_NUMBER(dns_probe_udp(&f, dns_query, sizeof(dns_query)), PROBE_DONE);
	SAME_TEXT(f.name, "www.example.org");
	SAME_NUMBER(all(tcp, sizeof(tcp)), PROBE_DONE);
	SAME_NUMBER(f.protocol, PROTOCOL_DNS);
	SAME_TEXT(f.name, "www.example.org");
	CHECK(steady(tcp, sizeof(tcp)));
	facts_init(&f);
	SAME_NUMBER(dns_probe_udp(&f, dns_root, sizeof(dns_root)), PROBE_DONE);
	SAME_NUMBER(f.name_state, NAME_ABSENT);
	memcpy(copy, dns_query, sizeof(copy));
	copy[2] |= 0x80; /* an answer */
	facts_init(&f);
	SAME_NUMBER(dns_probe_udp(&f, copy, sizeof(copy)), PROBE_NO);
	/* BIND, unbound and dnsmasq answer whatever these say, or some of them do */
	memcpy(copy, dns_query, sizeof(copy));
	copy[3] |= 0x7f; /* Z, AD, CD, RCODE */
	copy[7] = copy[9] = copy[11] = 9; /* how many records follow */
	facts_init(&f);
	SAME_NUMBER(dns_probe_udp(&f, copy, sizeof(copy)), PROBE_DONE);
	SAME_TEXT(f.name, "www.example.org");
	memcpy(tcp + 2, copy, sizeof(copy));
	SAME_NUMBER(all(tcp, sizeof(tcp)), PROBE_DONE);
	SAME_TEXT(f.name, "www.example.org");
	memcpy(copy, dns_query, sizeof(copy));
	copy[12] = 0xc0; /* a pointer */
	facts_init(&f);
	SAME_NUMBER(dns_probe_udp(&f, copy, sizeof(copy)), PROBE_BAD);
	facts_init(&f);
	SAME_NUMBER(dns_probe_udp(&f, dns_query, 25), PROBE_BAD);
	memcpy(copy, dns_query, sizeof(copy));
	copy[14] = '.';
	facts_init(&f);
	SAME_NUMBER(dns_probe_udp(&f, copy, sizeof(copy)), PROBE_BAD);
	/* a number of questions that RFC 9619 4 forbids, and something that only looks like it */
	memcpy(copy, dns_query, sizeof(copy));
	copy[5] = 2;
	facts_init(&f);
	SAME_NUMBER(dns_probe_udp(&f, copy, sizeof(copy)), PROBE_BAD);
	memcpy(tcp + 2, copy, sizeof(copy));
	SAME_NUMBER(all(tcp, sizeof(tcp)), PROBE_BAD);
	SAME_NUMBER(f.protocol, PROTOCOL_DNS);
	CHECK(steady(tcp, sizeof(tcp)));
	copy[14] = tcp[16] = 0x80;
	facts_init(&f);
	SAME_NUMBER(dns_probe_udp(&f, copy, sizeof(copy)), PROBE_NO);
	SAME_NUMBER(all(tcp, sizeof(tcp)), PROBE_DONE);
	SAME_NUMBER(f.protocol, PROTOCOL_UNKNOWN);
	CHECK(f.flaw == NULL);
	CHECK(steady(tcp, sizeof(tcp)));
}

/* RFC 1035 2.3.4: 255 bytes with each label's length and the root's. */
static void test_longest_name(void)
{
	for (uint8_t last = 61; last <= 62; last++) {
		uint8_t query[12 + 256 + 4] = {0, 0, 1, 0, 0, 1};
		uint8_t *p = query + 12;

		for (int i = 0; i < 4; i++) {
			*p = i < 3 ? 63 : last;
			memset(p + 1, 'a' + i, *p);
			p += *p + 1;
		}
		memcpy(p, "\0\0\1\0\1", 5);
		facts_init(&f);
		SAME_NUMBER(dns_probe_udp(&f, query, (size_t)(p + 5 - query)),
			    last == 61 ? PROBE_DONE : PROBE_BAD);
		SAME_NUMBER(f.name_len, last == 61 ? 253 : 0);
	}
}

static void test_ssh(void)
{
	static const char banner[] = "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n";
	char longest[300];

	SAME_NUMBER(text(banner), PROBE_DONE);
	SAME_NUMBER(f.protocol, PROTOCOL_SSH);
	SAME_TEXT(f.name, "SSH-2.0-OpenSSH_9.2p1 Debian-2");
	CHECK(steady((const uint8_t *)banner, sizeof(banner) - 1));
	SAME_NUMBER(text("SSH"), PROBE_MAYBE);
	SAME_NUMBER(text("SSH-2.0-x"), PROBE_MORE);
	SAME_NUMBER(text("SSH-2.0-x\n"), PROBE_DONE);
	SAME_TEXT(f.name, "SSH-2.0-x");
	memset(longest, 'x', sizeof(longest));
	memcpy(longest, "SSH-2.0-", 8);
	longest[254] = '\n'; /* 255 bytes */
	SAME_NUMBER(all(longest, 255), PROBE_DONE);
	longest[254] = 'x';
	SAME_NUMBER(all(longest, 255), PROBE_BAD);
	SAME_NUMBER(text("SSH-2.0-\x01\r\n"), PROBE_BAD);
}

static void test_ended(void)
{
	SAME_NUMBER(probe_stream(&f, (const uint8_t *)"GET", 3, true, room), PROBE_DONE);
	SAME_NUMBER(f.protocol, PROTOCOL_UNKNOWN);
	CHECK(f.whole);
	SAME_NUMBER(probe_stream(&f, rfc8448_hello, 40, true, room), PROBE_BAD);
	SAME_NUMBER(f.protocol, PROTOCOL_TLS);
	SAME_NUMBER(probe_stream(&f, NULL, 0, false, room), PROBE_MAYBE);
	SAME_NUMBER(probe_stream(&f, NULL, 0, true, room), PROBE_DONE);
}

int main(void)
{
	room = malloc(sizeof(*room));
	test_tls();
	test_two_records();
	test_fingerprints();
	test_offers_broken();
	test_early();
	test_tls_broken();
	test_http();
	test_http_broken();
	test_dns();
	test_longest_name();
	test_ssh();
	test_ended();
	free(room);
	return test_end();
}
