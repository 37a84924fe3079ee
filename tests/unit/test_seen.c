/* SPDX-License-Identifier: GPL-2.0-or-later
 * The table of fwc-inspectd(8), WHAT IS SEEN, AND WHAT IS NOT: what is in a message, row by row,
 * given whole and byte by byte. What is in packets, and what comes later: test_evasion.c.
 *
 *	Seen: decided by the name		test_streams(), test_datagrams(): NAME
 *	Seen, but not what it means		the same: ERROR; test_evasion.c
 *	Not recognised				the same: UNKNOWN
 *	Not seen: the name within ECH		test_ech()
 *	Not seen: whether the name is the server's, who the client is	a policy cannot ask for it
 *	Not seen: what comes later		test_later(), test_evasion.c
 */
#include <stdlib.h>

#include "inspect/tables.h"
#include "test.h"
#include "vectors/vectors.h"

#define NAME "deny domain"
#define ERROR "deny on-error"
#define UNKNOWN "deny unknown-protocol"
#define ALLOWED "allow any"

static const char tables_text[] =
	"{\"format\":1,\"inspectors\":[{\"name\":\"i\",\"entries\":["
	"  {\"verdict\":\"deny\",\"look\":\"domain\",\"names\":[\"casino.example\","
	"   \"xn--bcher-kva.example\"]},"
	"  {\"verdict\":\"deny\",\"look\":\"unknown-protocol\"},"
	"  {\"verdict\":\"allow\",\"look\":\"any\"}]}]}";

static struct tables tables;
static struct flow_room *room;
static struct pattern_room *patterns;

static const char *said_of(struct decision d)
{
	static char out[64];

	if (d.verdict == VERDICT_MORE)
		return "more";
	snprintf(out, sizeof(out), "%s %s", verdict_name(d.verdict),
		 d.cause == CAUSE_ENTRY ? look_name(d.entry->look) : cause_name(d.cause));
	return out;
}

/* Of a client that sends so many bytes at a time, and ends. */
static const char *stream(const uint8_t *p, size_t n, size_t each, char *name)
{
	const struct inspector *in = tables_find(&tables, "i");
	struct flow_state f = {0};
	struct decision d = {VERDICT_MORE, CAUSE_ENTRY, NULL};

	flow_syn(&f, 0);
	for (size_t at = 0; at < n && d.verdict == VERDICT_MORE; at += each) {
		flow_segment(&f, room, (uint32_t)at + 1, p + at, n - at < each ? n - at : each);
		d = inspector_judge(in, &f, patterns);
	}
	if (d.verdict == VERDICT_MORE) {
		flow_end(&f, room);
		d = inspector_judge(in, &f, patterns);
	}
	strcpy(name, f.facts.name);
	flow_drop(&f, room);
	return said_of(d);
}

static char name[INSPECT_NAME_MAX + 1];

static void expect(const char *what, const uint8_t *p, size_t n, const char *wanted)
{
	const size_t each[] = {n, 1, 7};

	for (int i = 0; i < 3; i++)
		test_same_text(stream(p, n, each[i], name), wanted, __FILE_NAME__, i, what);
}

/* ---- TLS, by hand (RFC 8446 4.1.2, RFC 6066 3) ---- */

static void put16(uint8_t *at, size_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

/* A handshake message with these extensions. */
static size_t hello(uint8_t *out, const uint8_t *extensions, size_t n)
{
	memset(out, 0, 4 + 2 + 32);
	memcpy(out + 38, "\0\0\2\x13\x01\1\0", 7);
	put16(out + 45, n);
	if (n)
		memcpy(out + 47, extensions, n);
	out[0] = 1;
	put16(out + 2, 43 + n);
	memcpy(out + 4, "\3\3", 2);
	return 47 + n;
}

/* A list of one name of that type. */
static size_t server_name(uint8_t *out, uint8_t type, const char *s)
{
	size_t n = strlen(s);

	put16(out, 0);
	put16(out + 2, n + 5);
	put16(out + 4, n + 3);
	out[6] = type;
	put16(out + 7, n);
	memcpy(out + 9, s, n);
	return n + 9;
}

static size_t records(uint8_t *out, const uint8_t *message, size_t n, size_t each)
{
	size_t len = 0;

	for (size_t at = 0; at < n; at += each) {
		size_t part = n - at < each ? n - at : each;

		memcpy(out + len, "\x16\3\1", 3);
		put16(out + len + 3, part);
		memcpy(out + len + 5, message + at, part);
		len += 5 + part;
	}
	return len;
}

static uint8_t message[4096], bytes[16384];

static size_t hello_for(uint8_t type, const char *s, size_t each)
{
	uint8_t extension[300];

	return records(bytes, message, hello(message, extension, server_name(extension, type, s)),
		       each);
}

static void test_tls(void)
{
	static const struct {
		const char *what, *name, *wanted;
		uint8_t type;
		size_t each;
	} rows[] = {
		{"a name", "www.casino.example", NAME, 0, 16384},
		{"in records of one byte", "www.casino.example", NAME, 0, 1},
		{"in upper case", "WWW.Casino.EXAMPLE", NAME, 0, 16384},
		{"with a dot behind it", "casino.example.", NAME, 0, 16384},
		{"with two", "casino.example..", ERROR, 0, 16384},
		{"of another type", "casino.example", ERROR, 1, 16384},
		{"as an IDN (RFC 5891)", "xn--bcher-kva.example", NAME, 0, 16384},
		{"not as one",
		 "b\xc3\xbc"
		 "cher.example",
		 ERROR, 0, 16384},
		{"with a port", "casino.example:443", ERROR, 0, 16384},
		{"with a blank", "casino.example ", ERROR, 0, 16384},
		{"with a percent sign is another one", "%63asino.example", ALLOWED, 0, 16384},
		{"empty", "", ERROR, 0, 16384},
	};
	size_t n;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		n = hello_for(rows[i].type, rows[i].name, rows[i].each);
		expect(rows[i].what, bytes, n, rows[i].wanted);
	}
	n = hello_for(0, "casino.example", 16384);
	memmove(bytes + 7, bytes, n);
	memcpy(bytes, "\x15\3\1\0\2\1\0", 7); /* a warning before it */
	expect("behind an alert", bytes, n + 7, UNKNOWN);
	memcpy(bytes, "\x14\3\3\0\1\1", 6);
	memmove(bytes + 6, bytes + 7, n);
	expect("behind a change of ciphers", bytes, n + 6, UNKNOWN);
	n = records(bytes, message, hello(message, NULL, 0), 16384);
	expect("no name", bytes, n, ALLOWED);
	/* CLIENT-HELLO of SSL 2 (RFC 5246 E.2), which can offer TLS */
	expect("SSL 2",
	       (const uint8_t *)"\x80\x1c\1\3\1\0\3\0\0\0\x10\0\0\x2f"
				"0123456789abcdef",
	       30, UNKNOWN);
}

/* ---- text ---- */

#define LONG_VALUE                                                                                 \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static void test_text(void)
{
	static const struct {
		const char *what, *text, *wanted;
	} rows[] = {
		{"HTTP", "GET / HTTP/1.1\r\nHost: a.casino.example\r\n\r\n", NAME},
		{"the host alone is folded", "GET / HTTP/1.1\r\nHost:\r\n\tcasino.example\r\n\r\n",
		 NAME},
		{"the host goes on", "GET / HTTP/1.1\r\nHost: www\r\n .casino.example\r\n\r\n",
		 ERROR},
		{"another header is folded",
		 "GET / HTTP/1.1\r\nA: b\r\n Host: x\r\nHost: casino.example\r\n\r\n", NAME},
		{"line ends without CR", "GET / HTTP/1.1\nHost: casino.example\n\n", NAME},
		{"empty lines before it", "\r\n\nGET / HTTP/1.1\r\nHost: casino.example\r\n\r\n",
		 NAME},
		{"an absolute target", "GET http://casino.example/ HTTP/1.0\r\n\r\n", NAME},
		{"for another host",
		 "GET http://www.example.org/ HTTP/1.1\r\nHost: casino.example\r\n\r\n", ERROR},
		{"a proxy's", "CONNECT casino.example:443 HTTP/1.1\r\nHost: casino.example\r\n\r\n",
		 NAME},
		{"two of them", "GET / HTTP/1.1\r\nHost: a\r\nhOST: casino.example\r\n\r\n", ERROR},
		{"a blank before the colon",
		 "GET / HTTP/1.1\r\nHost: a\r\nHost : casino.example\r\n\r\n", ERROR},
		{"a CR within", "GET / HTTP/1.1\r\nA: b\rHost: casino.example\r\n\r\n", ERROR},
		{"userinfo", "GET http://a@casino.example/ HTTP/1.1\r\nHost: a\r\n\r\n", ERROR},
		{"a list", "GET / HTTP/1.1\r\nHost: a, casino.example\r\n\r\n", ERROR},
		{"no name", "GET / HTTP/1.0\r\n\r\n", ALLOWED},
		{"HTTP/0.9", "GET /\r\n", UNKNOWN},
		{"HTTP/2 from the beginning", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", ERROR},
		{"a name far behind",
		 "GET / HTTP/1.1\r\nA: " LONG_VALUE LONG_VALUE LONG_VALUE
		 "\r\nHost: casino.example\r\n\r\n",
		 NAME},
		{"the PROXY protocol",
		 "PROXY TCP4 192.0.2.1 192.0.2.2 1 443\r\nGET / HTTP/1.1\r\n"
		 "Host: casino.example\r\n\r\n",
		 UNKNOWN},
		{"SOCKS 5", "\5\1", UNKNOWN},
		{"SOCKS 4a", "\4\1\1\273", UNKNOWN},
		{"a word before it", "EHLO x\r\nGET / HTTP/1.1\r\nHost: casino.example\r\n\r\n",
		 UNKNOWN},
	};
	static const char nul[] = "GET / HTTP/1.1\r\nHost: a\0.casino.example\r\n\r\n";
	static const char nul_before[] = "GET / HTTP/1.1\r\nA: \0\r\nHost: casino.example\r\n\r\n";

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect(rows[i].what, (const uint8_t *)rows[i].text, strlen(rows[i].text),
		       rows[i].wanted);
	expect("a NUL in the name", (const uint8_t *)nul, sizeof(nul) - 1, ERROR);
	expect("a NUL before it", (const uint8_t *)nul_before, sizeof(nul_before) - 1, ERROR);
}

/* ---- DNS (RFC 1035 4.1) ---- */

#define HEADER "\0\1\1\0\0\1\0\0\0\0\0\0"
#define QUESTION "\6casino\7example\0\0\1\0\1"
#define ROW(what, text, wanted)                                                                    \
	{                                                                                          \
		what, text, sizeof(text) - 1, wanted                                               \
	}

static void test_lookups(void)
{
	static const struct {
		const char *what, *message;
		size_t n;
		const char *wanted;
	} rows[] = {
		ROW("DNS", HEADER QUESTION, NAME),
		ROW("in mixed case", HEADER "\6cAsInO\7ExAmPlE\0\0\1\0\1", NAME),
		ROW("of another type and class", HEADER "\6casino\7example\0\0\xff\0\3", NAME),
		ROW("with EDNS and padding (RFC 7830)",
		    "\0\1\1\0\0\1\0\0\0\0\0\1" QUESTION
		    "\0\0\x29\4\xd0\0\0\0\0\0\x08\0\x0c\0\4\0\0\0\0",
		    NAME),
		ROW("with odd flags", "\0\1\7\xff\0\1\0\0\0\0\0\0" QUESTION, NAME),
		ROW("with answers that are not there", "\0\1\1\0\0\1\0\7\0\7\0\7" QUESTION, NAME),
		ROW("with something behind it", HEADER QUESTION "????", NAME),
		ROW("a pointer in the question", HEADER "\6casino\xc0\x0c\0\1\0\1", ERROR),
		ROW("a pointer alone", HEADER "\xc0\x0c\0\1\0\1", ERROR),
		ROW("a label of another kind (RFC 2673)", HEADER "\x41\1casino\0\0\1\0\1", ERROR),
		ROW("a dot within a label",
		    HEADER "\x0e"
			   "casino.example\0\0\1\0\1",
		    ERROR),
		ROW("a NUL within one", HEADER "\7casino\0\7example\0\0\1\0\1", ERROR),
		ROW("no question", "\0\1\1\0\0\0\0\0\0\0\0\0" QUESTION, UNKNOWN),
		ROW("two questions", "\0\1\1\0\0\2\0\0\0\0\0\0" QUESTION QUESTION, ERROR),
		ROW("another opcode (UPDATE)", "\0\1\x29\0\0\1\0\0\0\0\0\0" QUESTION, UNKNOWN),
		ROW("the root", HEADER "\0\0\2\0\1", ALLOWED),
	};
	const struct inspector *in = tables_find(&tables, "i");
	uint8_t tcp[128];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct packet k = {.payload = (const uint8_t *)rows[i].message,
				   .n = rows[i].n,
				   .dport = PORT_DNS};
		struct flow_state f = {0};

		facts_init(&f.facts);
		test_same_text(said_of(inspector_judge_alone(in, &f, room, &k, patterns)),
			       rows[i].wanted, __FILE_NAME__, (int)i, rows[i].what);
		flow_drop(&f, room);
		put16(tcp, rows[i].n);
		memcpy(tcp + 2, rows[i].message, rows[i].n);
		expect(rows[i].what, tcp, rows[i].n + 2, rows[i].wanted);
	}
}

static void test_long_lookups(void)
{
	static uint8_t tcp[9000];

	memcpy(tcp + 2, HEADER QUESTION, sizeof(HEADER QUESTION) - 1);
	put16(tcp, 8191);
	expect("8191 bytes, filled", tcp, 8193, NAME);
	put16(tcp, 8192);
	expect("8192 bytes", tcp, 8194, UNKNOWN);
}

static const char *datagram(const void *p, size_t n)
{
	struct packet k = {.payload = p, .n = n, .dport = 443};
	struct flow_state f = {0};
	const char *said;

	facts_init(&f.facts);
	said = said_of(inspector_judge_alone(tables_find(&tables, "i"), &f, room, &k, patterns));
	flow_drop(&f, room);
	return said;
}

static void test_datagrams(void)
{
	/* a ClientHello of DTLS 1.2 in its record (RFC 6347 4.2) begins so */
	SAME_TEXT(datagram("\x16\xfe\xfd\0\0\0\0\0\0\0\0\0\x40\1\0\0\x34\0\0\0\0\0\0\0\x34", 25),
		  UNKNOWN);
	/* a short header: QUIC that goes on, from a port that is new */
	SAME_TEXT(datagram("\x43\x83\x94\xc8\xf0\x3e\x51\x57\x08 and what is encrypted", 31),
		  UNKNOWN);
	/* a server's version negotiation, by a client */
	SAME_TEXT(datagram("\x80\0\0\0\0\0\0\0\0\0\1", 11), UNKNOWN);
	SAME_TEXT(datagram("WireGuard, or so", 16), UNKNOWN);
	SAME_TEXT(datagram(quic_v1, sizeof(quic_v1)), ALLOWED);
	SAME_TEXT(datagram(quic_v2, sizeof(quic_v2)), ALLOWED);
}

/* What is seen is the outer name; the inner one is nowhere. */
static void test_ech(void)
{
	expect("the outer name", ech_hello, sizeof(ech_hello), ALLOWED);
	SAME_TEXT(name, "public.example");
}

/* What follows the first message. */
static void test_later(void)
{
	static const char *const texts[] = {
		"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: casino.example\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 44\r\nTransfer-Encoding: chunked\r\n"
		"\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: casino.example\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\n"
		"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	};
	size_t n;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		expect("a second request", (const uint8_t *)texts[i], strlen(texts[i]), ALLOWED);
		SAME_TEXT(name, "a");
	}
	n = hello_for(0, "www.example.org", 16384);
	memmove(message, bytes, n);
	memmove(bytes + n, bytes, 0);
	memcpy(bytes + n, message, n);
	memcpy(bytes + n + n - 15, "a.casino.exampl", 15);
	expect("a second hello", bytes, 2 * n, ALLOWED);
	SAME_TEXT(name, "www.example.org");
}

int main(void)
{
	struct buf why = {0};
	json_t *j = json_loads(tables_text, 0, NULL);

	SAME_NUMBER(tables_load(&tables, j, &why), 0);
	json_decref(j);
	room = flow_room_new(2, 2);
	patterns = pattern_room_new();
	test_tls();
	test_text();
	test_lookups();
	test_long_lookups();
	test_datagrams();
	test_ech();
	test_later();
	pattern_room_free(patterns);
	flow_room_free(room);
	tables_free(&tables);
	return test_end();
}
