/* SPDX-License-Identifier: GPL-2.0-or-later
 * A denied DNS query -> the message that answers it (RFC 1035 4.1, 6891, 2308, 7873, 8914).
 *
 * It looks like a resolver's: recursion available, not authoritative. That there is nothing comes
 * with an SOA of the name in question, without which nobody may remember that (RFC 2308 5), and
 * would ask again at once.
 */
#include "inspect/dns_reply.h"

#include <arpa/inet.h>
#include <string.h>

#include "inspect/capture.h"
#include "inspect/checksum.h"

#define HEADER 12
#define LABEL_MAX 63
#define NAME_MAX_WIRE 255

#define TYPE_A 1
#define TYPE_SOA 6
#define TYPE_AAAA 28
#define TYPE_OPT 41
#define TYPE_ANY 255
#define CLASS_IN 1
#define CLASS_ANY 255

#define NOERROR 0
#define FORMERR 1
#define NXDOMAIN 3
#define REFUSED 5
#define BADVERS 16

#define OPTION_COOKIE 10
#define COOKIE_CLIENT 8 /* bytes of a cookie that has not met a server's */
#define COOKIE_LEAST 16
#define COOKIE_MOST 40
#define OPTION_EDE 15
#define EDE_BLOCKED 15
#define UDP_SIZE 1232 /* that a server would take */

const char *dns_reply_add(struct dns_reply *r, const char *word)
{
	uint8_t bytes[16];
	bool four;

	if (!strcmp(word, "refused") || !strcmp(word, "nxdomain")) {
		if (r->kind)
			return "it stands alone";
		r->kind = word[0] == 'r' ? DNS_REPLY_REFUSED : DNS_REPLY_NXDOMAIN;
		return NULL;
	}
	four = inet_pton(AF_INET, word, bytes) == 1;
	if (!four && inet_pton(AF_INET6, word, bytes) != 1)
		return "it is not an address";
	if (r->kind && r->kind != DNS_REPLY_ADDRESS)
		return "refused and nxdomain stand alone";
	if ((four ? r->n4 : r->n6) == DNS_REPLY_ADDRESSES)
		return "there are more than 4 of its family";
	r->kind = DNS_REPLY_ADDRESS;
	if (four)
		memcpy(r->v4[r->n4++], bytes, 4);
	else
		memcpy(r->v6[r->n6++], bytes, 16);
	return NULL;
}

static void put_address(struct buf *out, int family, const uint8_t *bytes, bool first)
{
	char text[INET6_ADDRSTRLEN] = "";

	inet_ntop(family, bytes, text, sizeof(text));
	buf_printf(out, "%s%s", first ? "" : ", ", text);
}

void dns_reply_text(const struct dns_reply *r, struct buf *out)
{
	switch (r->kind) {
	case DNS_REPLY_NONE:
		break;
	case DNS_REPLY_REFUSED:
		buf_puts(out, "refused");
		break;
	case DNS_REPLY_NXDOMAIN:
		buf_puts(out, "nxdomain");
		break;
	case DNS_REPLY_ADDRESS:
		for (int i = 0; i < r->n4; i++)
			put_address(out, AF_INET, r->v4[i], !i);
		for (int i = 0; i < r->n6; i++)
			put_address(out, AF_INET6, r->v6[i], !i && !r->n4);
		break;
	}
}

/* ---- reading ---- */

struct question {
	size_t end; /* of it, from the header on */
	uint16_t type, class;
};

struct edns { /* what the OPT record says */
	unsigned records; /* of them: there must not be two */
	bool broken, dnssec;
	uint8_t version;
	const uint8_t *cookie;
	size_t cookie_len;
};

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* Behind a name, which may end in a pointer; 0: it does not end. */
static size_t skip_name(const uint8_t *p, size_t n, size_t at, bool pointers)
{
	while (at < n) {
		uint8_t len = p[at];

		if (!len)
			return at + 1;
		if (len > LABEL_MAX)
			return pointers && len >= 0xc0 && at + 2 <= n ? at + 2 : 0;
		at += 1 + (size_t)len;
	}
	return 0;
}

static bool read_question(struct question *q, const uint8_t *p, size_t n)
{
	size_t at;

	if (n < HEADER || p[2] & 0xf8 || get16(p + 4) != 1)
		return false;
	at = skip_name(p, n, HEADER, false);
	if (!at || at - HEADER > NAME_MAX_WIRE || at + 4 > n)
		return false;
	*q = (struct question){at + 4, get16(p + at), get16(p + at + 2)};
	return true;
}

static void read_options(struct edns *e, const uint8_t *p, size_t n)
{
	while (n >= 4) {
		size_t len = get16(p + 2);

		if (len > n - 4)
			break;
		if (get16(p) == OPTION_COOKIE && !e->cookie) {
			e->cookie = p + 4;
			e->cookie_len = len;
		}
		p += 4 + len;
		n -= 4 + len;
	}
	e->broken |= n != 0;
}

/* Records behind the question, as far as they can be read: not every server looks further. */
static void read_edns(struct edns *e, const uint8_t *p, size_t n, size_t at)
{
	unsigned records = (unsigned)get16(p + 6) + get16(p + 8) + get16(p + 10);

	while (records--) {
		size_t name = at, len;

		at = skip_name(p, n, at, true);
		if (!at || at + 10 > n)
			return;
		len = get16(p + at + 8);
		if (len > n - at - 10)
			return;
		if (get16(p + at) == TYPE_OPT) {
			e->records++;
			e->broken |= at - name != 1;
			e->version = p[at + 5];
			e->dnssec = p[at + 6] & 0x80;
			read_options(e, p + at + 10, len);
		}
		at += 10 + len;
	}
}

/* ---- writing: there is always room (DNS_REPLY_ADDRESSES) ---- */

struct message {
	uint8_t *p;
	size_t n;
	unsigned answers;
};

static void put(struct message *m, const void *bytes, size_t n)
{
	memcpy(m->p + m->n, bytes, n);
	m->n += n;
}

static void put16(struct message *m, unsigned v)
{
	put(m, (uint8_t[]){(uint8_t)(v >> 8), (uint8_t)v}, 2);
}

static void put32(struct message *m, uint32_t v)
{
	put16(m, v >> 16);
	put16(m, v & 0xffff);
}

/* Of the name in question. */
static void put_record(struct message *m, unsigned type, size_t len)
{
	put16(m, 0xc000 | HEADER);
	put16(m, type);
	put16(m, CLASS_IN);
	put32(m, DNS_REPLY_TTL);
	put16(m, (unsigned)len);
}

static void put_soa(struct message *m)
{
	put_record(m, TYPE_SOA, 2 + 5 * 4);
	put16(m, 0); /* nobody's server, nobody to write to */
	put32(m, 1); /* serial */
	put32(m, 3600); /* refresh, retry, expire: for servers that copy a zone */
	put32(m, 600);
	put32(m, 86400);
	put32(m, DNS_REPLY_TTL); /* how long it is remembered that there is nothing */
}

static void put_addresses(struct message *m, const struct dns_reply *r, unsigned type)
{
	for (int i = 0; i < r->n4 && (type == TYPE_A || type == TYPE_ANY); i++, m->answers++) {
		put_record(m, TYPE_A, 4);
		put(m, r->v4[i], 4);
	}
	for (int i = 0; i < r->n6 && (type == TYPE_AAAA || type == TYPE_ANY); i++, m->answers++) {
		put_record(m, TYPE_AAAA, 16);
		put(m, r->v6[i], 16);
	}
}

/* A cookie that the server gave goes back as it is: a client that expects one drops what has none.
 * One without is answered as by a server that knows no cookies. */
static void put_opt(struct message *m, const struct edns *e, unsigned rcode, bool blocked)
{
	bool cookie = e->cookie_len >= COOKIE_LEAST && e->cookie_len <= COOKIE_MOST;
	size_t len = (cookie ? 4 + e->cookie_len : 0) + (blocked ? 6 : 0);

	put(m, "", 1);
	put16(m, TYPE_OPT);
	put16(m, UDP_SIZE);
	put16(m, rcode >> 4 << 8); /* version 0 */
	put16(m, e->dnssec ? 0x8000 : 0);
	put16(m, (unsigned)len);
	if (cookie) {
		put16(m, OPTION_COOKIE);
		put16(m, (unsigned)e->cookie_len);
		put(m, e->cookie, e->cookie_len);
	}
	if (blocked) {
		put16(m, OPTION_EDE);
		put16(m, 2);
		put16(m, EDE_BLOCKED);
	}
}

static unsigned rcode_of(const struct dns_reply *r, const struct question *q, const struct edns *e)
{
	/* a cookie is a client's alone, or with a server's (RFC 7873 5.2.2) */
	bool bad_cookie = e->cookie && e->cookie_len != COOKIE_CLIENT &&
			  (e->cookie_len < COOKIE_LEAST || e->cookie_len > COOKIE_MOST);

	if (e->records > 1 || e->broken || bad_cookie)
		return FORMERR;
	if (e->records && e->version)
		return BADVERS;
	if (r->kind == DNS_REPLY_REFUSED || (q->class != CLASS_IN && q->class != CLASS_ANY))
		return REFUSED;
	return r->kind == DNS_REPLY_NXDOMAIN ? NXDOMAIN : NOERROR;
}

size_t dns_reply_message(const struct dns_reply *r, const uint8_t *query, size_t n,
			 uint8_t out[DNS_REPLY_MAX])
{
	struct message m = {.p = out};
	struct edns e = {0};
	struct question q;
	unsigned rcode, authority;

	if (!r->kind || !read_question(&q, query, n))
		return 0;
	read_edns(&e, query, n, q.end);
	rcode = rcode_of(r, &q, &e);
	put(&m, query, q.end);
	if (rcode == NOERROR)
		put_addresses(&m, r, q.type);
	authority = rcode == NXDOMAIN || (rcode == NOERROR && !m.answers);
	if (authority)
		put_soa(&m);
	if (e.records)
		put_opt(&m, &e, rcode, rcode != FORMERR && rcode != BADVERS);
	out[2] = (uint8_t)(0x80 /* QR */ | (query[2] & 1) /* RD */);
	out[3] = (uint8_t)(0x80 /* RA */ | (query[3] & 0x10) /* CD */ | (rcode & 15));
	memset(out + 6, 0, 6);
	out[7] = (uint8_t)m.answers;
	out[9] = (uint8_t)authority;
	out[11] = e.records != 0;
	return m.n;
}

/* ---- the packet ---- */

static bool is_group(int version, const uint8_t *a)
{
	static const uint8_t zeros[16];

	if (version == 6)
		return a[0] == 0xff || !memcmp(a, zeros, 16);
	return a[0] >= 224 || a[0] == 0;
}

static bool answers(const struct packet *k, const uint8_t *message, size_t len)
{
	return len >= HEADER && len <= DNS_REPLY_MAX && k->n >= HEADER &&
	       !memcmp(message, k->payload, 2) && !(k->payload[2] & 0x80) && message[2] & 0x80;
}

static void put_ip4(struct message *m, const struct dns_reply_ends *e, size_t len)
{
	put16(m, 0x4500);
	put16(m, (unsigned)(20 + 8 + len));
	put32(m, 0x4000); /* do not fragment */
	put16(m, 64 << 8 | 17);
	put16(m, 0);
	put(m, e->server, 4);
	put(m, e->client, 4);
}

static void put_ip6(struct message *m, const struct dns_reply_ends *e, size_t len)
{
	put32(m, 6u << 28);
	put16(m, (unsigned)(8 + len));
	put16(m, 17 << 8 | 64);
	put(m, e->server, 16);
	put(m, e->client, 16);
}

size_t dns_reply_packet(const uint8_t *p, size_t n, const struct dns_origin *origin,
			const uint8_t *message, size_t len, uint8_t out[DNS_REPLY_PACKET],
			struct dns_reply_ends *ends)
{
	struct frame frame = {.p = p, .n = n, .link = 101 /* IP alone */};
	bool elsewhere = origin->port != 0;
	struct message m = {.p = out};
	struct packet k;

	if (packet_read(&k, &frame) != PACKET_UDP || !answers(&k, message, len) || !k.sport ||
	    !k.dport || (elsewhere && origin->version != k.version))
		return 0;
	*ends = (struct dns_reply_ends){.version = k.version, .port = k.sport};
	memcpy(ends->client, k.src, sizeof(ends->client));
	memcpy(ends->server, elsewhere ? origin->dst : k.dst, sizeof(ends->server));
	if (is_group(k.version, ends->client) || is_group(k.version, ends->server))
		return 0;
	if (k.version == 4)
		put_ip4(&m, ends, len);
	else
		put_ip6(&m, ends, len);
	put16(&m, elsewhere ? origin->port : k.dport);
	put16(&m, k.sport);
	put16(&m, (unsigned)(8 + len));
	put16(&m, 1); /* the sum: none would stay none */
	put(&m, message, len);
	return checksum_packet(out, m.n) ? m.n : 0;
}
