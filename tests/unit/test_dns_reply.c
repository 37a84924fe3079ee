/* SPDX-License-Identifier: GPL-2.0-or-later
 * A denied query -> the message that answers it, byte by byte as RFC 1035, 2308, 6891, 7873 and 8914
 * have it; the packet that carries it, and what is none.
 */
#include <stdlib.h>

#include "inspect/dns_reply.h"
#include "test.h"

static uint8_t out[DNS_REPLY_MAX];

static struct dns_reply reply_of(const char *const *words)
{
	struct dns_reply r = {0};

	for (; *words; words++)
		CHECK(!dns_reply_add(&r, *words));
	return r;
}
#define REPLY(...) reply_of((const char *const[]){__VA_ARGS__, NULL})

static size_t bytes(const char *hex, uint8_t *to)
{
	size_t n = 0;

	for (; *hex; hex++) {
		if (*hex == ' ')
			continue;
		sscanf(hex++, "%2hhx", &to[n++]);
	}
	return n;
}

/* Of the query in hex, the answer in hex; "": none. */
static const char *answer(struct dns_reply r, const char *query)
{
	static char text[2 * DNS_REPLY_MAX + 1];
	uint8_t q[1024];
	size_t n = bytes(query, q);
	uint8_t *copy = malloc(n + !n); /* so that no byte behind it is read */

	memcpy(copy, q, n);
	n = dns_reply_message(&r, copy, n, out);
	free(copy);
	text[0] = '\0';
	for (size_t i = 0; i < n; i++)
		sprintf(text + 2 * i, "%02x", out[i]);
	return text;
}

static const char *plain(const char *spaced)
{
	static char text[2048];
	size_t n = 0;

	for (; *spaced; spaced++)
		if (*spaced != ' ')
			text[n++] = *spaced;
	text[n] = '\0';
	return text;
}

/* id 1234, recursion desired, one question: aD.x, type, class IN */
#define HEAD "1234 0100 0001 0000 0000 0000"
#define HEAD_EDNS "1234 0100 0001 0000 0000 0001"
#define NAME "02 6144 01 78 00"
#define A_IN "0001 0001"
#define OPT "00 0029 04d0 00 00 0000 0000"
#define OPT_EDE "00 0029 04d0 00 00 0000 0006 000f 0002 000f"
/* of the name in question, IN, 10 seconds */
#define OWNER(type) "c00c " type " 0001 0000000a "
#define SOA OWNER("0006") "0016 00 00 00000001 00000e10 00000258 00015180 0000000a"

static void test_codes(void)
{
	/* QR RD RA, REFUSED; the case of the name stays */
	SAME_TEXT(answer(REPLY("refused"), HEAD NAME A_IN),
		  plain("1234 8185 0001 0000 0000 0000" NAME A_IN));
	/* without recursion desired, with checking disabled (RFC 4035 3.2.2) */
	SAME_TEXT(answer(REPLY("refused"), "0001 0010 0001 0000 0000 0000" NAME A_IN),
		  plain("0001 8095 0001 0000 0000 0000" NAME A_IN));
	SAME_TEXT(answer(REPLY("nxdomain"), HEAD NAME A_IN),
		  plain("1234 8183 0001 0000 0001 0000" NAME A_IN SOA));
	/* the root */
	SAME_TEXT(answer(REPLY("nxdomain"), HEAD "00" A_IN),
		  plain("1234 8183 0001 0000 0001 0000 00" A_IN SOA));
	/* of another class, CHAOS, there is nothing here to say */
	SAME_TEXT(answer(REPLY("192.0.2.1"), HEAD NAME "0010 0003"),
		  plain("1234 8185 0001 0000 0000 0000" NAME "0010 0003"));
}

static void test_addresses(void)
{
	struct dns_reply both = REPLY("192.0.2.1", "2001:db8::1", "192.0.2.2");

	SAME_TEXT(answer(both, HEAD NAME A_IN),
		  plain("1234 8180 0001 0002 0000 0000" NAME A_IN OWNER("0001") "0004 c0000201" OWNER(
			  "0001") "0004 c0000202"));
	SAME_TEXT(answer(both, HEAD NAME "001c 0001"),
		  plain("1234 8180 0001 0001 0000 0000" NAME "001c 0001" OWNER(
			  "001c") "0010 20010db8000000000000000000000001"));
	/* none of that type: that, and for how long (RFC 2308 2.2) */
	SAME_TEXT(answer(both, HEAD NAME "0041 0001"),
		  plain("1234 8180 0001 0000 0001 0000" NAME "0041 0001" SOA));
	SAME_TEXT(answer(REPLY("192.0.2.1"), HEAD NAME "001c 0001"),
		  plain("1234 8180 0001 0000 0001 0000" NAME "001c 0001" SOA));
}

static void test_edns(void)
{
	SAME_TEXT(answer(REPLY("refused"), HEAD_EDNS NAME A_IN OPT),
		  plain("1234 8185 0001 0000 0000 0001" NAME A_IN OPT_EDE));
	/* DO comes back (RFC 3225 3) */
	SAME_TEXT(answer(REPLY("refused"), HEAD_EDNS NAME A_IN "00 0029 0200 00 00 8000 0000"),
		  plain("1234 8185 0001 0000 0000 0001" NAME A_IN
			"00 0029 04d0 00 00 8000 0006 000f 0002 000f"));
	/* a later version: BADVERS, 16 */
	SAME_TEXT(answer(REPLY("refused"), HEAD_EDNS NAME A_IN "00 0029 04d0 00 01 0000 0000"),
		  plain("1234 8180 0001 0000 0000 0001" NAME A_IN "00 0029 04d0 01 00 0000 0000"));
	/* two of them, or one that is not the root's: FORMERR */
	SAME_TEXT(answer(REPLY("refused"), "1234 0100 0001 0000 0000 0002" NAME A_IN OPT OPT),
		  plain("1234 8181 0001 0000 0000 0001" NAME A_IN OPT));
	SAME_TEXT(answer(REPLY("refused"), HEAD_EDNS NAME A_IN "01 61 00 0029 04d0 00 00 0000 0000"),
		  plain("1234 8181 0001 0000 0000 0001" NAME A_IN OPT));
	/* an option that does not end */
	SAME_TEXT(answer(REPLY("refused"), HEAD_EDNS NAME A_IN "00 0029 04d0 00 00 0000 0004 000a 0008"),
		  plain("1234 8181 0001 0000 0000 0001" NAME A_IN OPT));
	/* behind another record, whose name is a pointer */
	SAME_TEXT(answer(REPLY("refused"), "1234 0100 0001 0000 0000 0002" NAME A_IN
					   "c00c 0001 0001 00000000 0000" OPT),
		  plain("1234 8185 0001 0000 0000 0001" NAME A_IN OPT_EDE));
	/* what is cut off behind the question is nothing */
	SAME_TEXT(answer(REPLY("refused"), HEAD_EDNS NAME A_IN "00 0029 04"),
		  plain("1234 8185 0001 0000 0000 0000" NAME A_IN));
}

#define WITH_COOKIE(length, n, cookie)                                                             \
	HEAD_EDNS NAME A_IN "00 0029 04d0 00 00 0000 " length " 000a " n " " cookie

static void test_cookies(void)
{
	/* a client's alone: as of a server that has none */
	SAME_TEXT(answer(REPLY("refused"), WITH_COOKIE("000c", "0008", "0102030405060708")),
		  plain("1234 8185 0001 0000 0000 0001" NAME A_IN OPT_EDE));
	/* with a server's: both come back, or the client drops the answer (RFC 7873 5.3) */
	SAME_TEXT(answer(REPLY("refused"),
			 WITH_COOKIE("0014", "0010", "0102030405060708 1112131415161718")),
		  plain("1234 8185 0001 0000 0000 0001" NAME A_IN "00 0029 04d0 00 00 0000 001a "
			"000a 0010 0102030405060708 1112131415161718 000f 0002 000f"));
	/* no cookie has 9 bytes */
	SAME_TEXT(answer(REPLY("refused"), WITH_COOKIE("000d", "0009", "010203040506070809")),
		  plain("1234 8181 0001 0000 0000 0001" NAME A_IN OPT));
}

static void test_none(void)
{
	SAME_TEXT(answer((struct dns_reply){0}, HEAD NAME A_IN), "");
	SAME_TEXT(answer(REPLY("refused"), ""), "");
	SAME_TEXT(answer(REPLY("refused"), HEAD), "");
	SAME_TEXT(answer(REPLY("refused"), HEAD NAME "0001 00"), "");
	/* an answer, another opcode, two questions, a name that is a pointer */
	SAME_TEXT(answer(REPLY("refused"), "1234 8100 0001 0000 0000 0000" NAME A_IN), "");
	SAME_TEXT(answer(REPLY("refused"), "1234 2900 0001 0000 0000 0000" NAME A_IN), "");
	SAME_TEXT(answer(REPLY("refused"), "1234 0100 0002 0000 0000 0000" NAME A_IN NAME A_IN), "");
	SAME_TEXT(answer(REPLY("refused"), HEAD "c00c" A_IN), "");
}

/* The longest of all: there is room. */
static void test_longest(void)
{
	struct dns_reply r = REPLY("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "2001:db8::1",
				   "2001:db8::2", "2001:db8::3", "2001:db8::4");
	uint8_t q[600] = {0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1};
	size_t n = 12;

	for (int i = 0; i < 4; i++) { /* 63 + 63 + 63 + 61 bytes, and the root: 255 */
		q[n] = i < 3 ? 63 : 61;
		memset(q + n + 1, 'a', q[n]);
		n += 1 + (size_t)q[n];
	}
	n += bytes("00 00ff 0001 00 0029 04d0 00 00 0000 002c 000a 0028", q + n) + 40;
	SAME_NUMBER(n, 12 + 255 + 4 + 11 + 4 + 40);
	n = dns_reply_message(&r, q, n, out);
	SAME_NUMBER(n, 12 + 259 + 4 * 16 + 4 * 28 + 11 + 4 + 40 + 6);
	CHECK(n <= DNS_REPLY_MAX);
	CHECK(!dns_reply_add(&(struct dns_reply){0}, "nxdomain"));
	SAME_TEXT(dns_reply_add(&r, "192.0.2.5"), "there are more than 4 of its family");
	SAME_TEXT(dns_reply_add(&r, "refused"), "it stands alone");
	SAME_TEXT(dns_reply_add(&r, "192.0.2"), "it is not an address");
}

/* ---- packets ---- */

static uint8_t packet[DNS_REPLY_PACKET];
static struct dns_reply_ends ends;

static const char *carried(const char *query, struct dns_origin origin, const char *message)
{
	static char text[2 * DNS_REPLY_PACKET + 1];
	uint8_t q[1024], m[1024];
	size_t n = dns_reply_packet(q, bytes(query, q), &origin, m, bytes(message, m), packet, &ends);

	text[0] = '\0';
	for (size_t i = 0; i < n; i++)
		sprintf(text + 2 * i, "%02x", packet[i]);
	return text;
}

#define IP4(from, to, protocol) "4500 0028 0000 0000 40 " protocol " 0000 " from to
#define UDP "1000 0035 0014 0000 "
#define QUERY "1234 0100 0001 0000 0000 0000"
#define SAID "1234 8185 0001 0000 0000 0000"
#define CLIENT "c0000202 " /* 192.0.2.2 */
#define SERVER "c6336401 " /* 198.51.100.1 */

/* Sums as RFC 1071 and 768 have them, counted by hand. */
static void test_packet(void)
{
	struct dns_origin none = {0}, dnat = {4, {203, 0, 113, 9}, 5300};

	SAME_TEXT(carried(IP4(CLIENT, SERVER, "11") UDP QUERY, none, SAID),
		  plain("4500 0028 0000 4000 40 11 4e8e " SERVER CLIENT
			"0035 1000 0014 6f9f" SAID));
	SAME_NUMBER(ends.version, 4);
	SAME_NUMBER(ends.port, 0x1000);
	CHECK(!memcmp(ends.client, "\xc0\x00\x02\x02", 4));
	CHECK(!memcmp(ends.server, "\xc6\x33\x64\x01", 4));
	/* as from where the client sent it */
	SAME_TEXT(carried(IP4(CLIENT, SERVER, "11") UDP QUERY, dnat, SAID),
		  plain("4500 0028 0000 4000 40 11 3cb9 cb007109 " CLIENT
			"14b4 1000 0014 494b" SAID));
}

static void test_packet_six(void)
{
#define SIX(n) "20010db8 00000000 00000000 0000000" n
	SAME_TEXT(carried("60000000 0014 11 40 " SIX("2") SIX("1") UDP QUERY, (struct dns_origin){0},
			  SAID),
		  plain("60000000 0014 11 40 " SIX("1") SIX("2") "0035 1000 0014 0062" SAID));
	SAME_NUMBER(ends.version, 6);
}

/* Nothing but an answer to what waits goes out, and nothing to a group or as from one. */
static void test_no_packet(void)
{
	struct dns_origin none = {0};
	char *longer = malloc(2 * 513 + 1);

	memset(longer, '0', 2 * 513);
	longer[2 * 513] = '\0';
	memcpy(longer, "12348185", 8);
	SAME_TEXT(carried(IP4(CLIENT, SERVER, "11") UDP QUERY, none, longer), "");
	longer[2 * 512] = '\0';
	CHECK(*carried(IP4(CLIENT, SERVER, "11") UDP QUERY, none, longer));
	SAME_NUMBER(packet[2] << 8 | packet[3], 20 + 8 + 512);
	free(longer);
	SAME_TEXT(carried(IP4(CLIENT, SERVER, "11") UDP QUERY, none, "1235 8185 0001 0000 0000 0000"),
		  "");
	SAME_TEXT(carried(IP4(CLIENT, SERVER, "11") UDP QUERY, none, QUERY), "");
	SAME_TEXT(carried(IP4(CLIENT, SERVER, "11") UDP SAID, none, SAID), "");
	SAME_TEXT(carried(IP4(CLIENT, SERVER, "11") UDP QUERY, none, "1234 8185"), "");
	SAME_TEXT(carried(IP4(CLIENT, SERVER, "06") UDP QUERY, none, SAID), "");
	SAME_TEXT(carried(IP4(CLIENT, "e00000fb ", "11") UDP QUERY, none, SAID), "");
	SAME_TEXT(carried(IP4(CLIENT, "ffffffff ", "11") UDP QUERY, none, SAID), "");
	SAME_TEXT(carried(IP4("00000000 ", SERVER, "11") UDP QUERY, none, SAID), "");
	SAME_TEXT(carried(IP4(CLIENT, SERVER, "11") "0000 0035 0014 0000" QUERY, none, SAID), "");
	SAME_TEXT(carried("", none, SAID), "");
	SAME_TEXT(carried("60000000 0014 11 40 " SIX("2") "ff020000 00000000 00000000 000000fb" UDP
			  QUERY, none, SAID), "");
	/* an origin of the other family is none of this packet */
	SAME_TEXT(carried(IP4(CLIENT, SERVER, "11") UDP QUERY, (struct dns_origin){6, {1}, 53}, SAID),
		  "");
}

int main(void)
{
	test_codes();
	test_addresses();
	test_edns();
	test_cookies();
	test_none();
	test_longest();
	test_packet();
	test_packet_six();
	test_no_packet();
	return test_end();
}
