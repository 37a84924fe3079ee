/* SPDX-License-Identifier: GPL-2.0-or-later
 * TLS records -> a ClientHello -> the server name, whether ECH is offered; what else it offers:
 * offer.c.
 *
 * A hello with a post-quantum key share does not fit one segment, and may be cut into records of
 * any size (RFC 8446 5.1). The server name is known when the hello is whole: if there are two, none
 * is.
 */
#include <string.h>

#include "inspect/cursor.h"
#include "inspect/probe.h"

#define RECORD_HEADER 5
#define RECORD_HANDSHAKE 22
#define RECORD_MAX 16384
#define RECORD_MAJOR_MAX 15
#define HANDSHAKE_HEADER 4
#define CLIENT_HELLO 1
#define EXT_SERVER_NAME 0
#define EXT_ECH 0xfe0d

/* ServerNameList, RFC 6066 3; one host_name, nothing else was ever defined. */
static bool read_server_name(struct facts *f, struct cursor *body)
{
	size_t list = cursor_get(body, 2);
	unsigned type = cursor_get(body, 1);
	size_t len = cursor_get(body, 2);

	if (!cursor_need(body, len) || type != 0 || list != len + 3 || cursor_left(body) != len)
		return false;
	if (!facts_name(f, body->p + body->off, len))
		return false;
	/* nginx reads a port here, and takes it off */
	return f->name_is_address || !memchr(f->name, ':', f->name_len);
}

static enum probe read_extensions(struct facts *f, struct cursor *c)
{
	while (cursor_left(c)) {
		unsigned type = cursor_get(c, 2);
		struct cursor body = cursor_sub(c, cursor_get(c, 2));

		if (c->state == CURSOR_FINE && type == EXT_ECH)
			f->ech = ANSWER_YES;
		cursor_need(c, 0);
		if (c->state == CURSOR_SHORT) {
			f->name_state = NAME_OPEN; /* there may be a second name */
			return PROBE_MORE;
		}
		if (c->state == CURSOR_BROKEN)
			return facts_bad(f, "an extension is longer than the hello");
		if (type == EXT_SERVER_NAME && f->name_state == NAME_SEEN)
			return facts_bad(f, "there are two server names");
		if (type == EXT_SERVER_NAME && !read_server_name(f, &body))
			return facts_bad(f, "the server name is malformed");
	}
	return facts_done(f);
}

static enum probe read_hello(struct facts *f, const uint8_t *p, size_t n)
{
	struct cursor c = cursor_of(p, n, SIZE_MAX), hello, extensions;
	unsigned type = cursor_get(&c, 1);
	size_t len = cursor_get(&c, 3);

	if (n && type != CLIENT_HELLO)
		return facts_bad(f, "the first handshake message is not a ClientHello");
	if (c.state == CURSOR_SHORT)
		return PROBE_MORE;
	if (len > INSPECT_BYTES_MAX)
		return facts_bad(f, "the ClientHello is too long");
	hello = cursor_sub(&c, len);
	cursor_skip(&hello, 2 + 32); /* version, random */
	cursor_skip(&hello, cursor_get(&hello, 1)); /* session id */
	cursor_skip(&hello, cursor_get(&hello, 2)); /* cipher suites */
	cursor_skip(&hello, cursor_get(&hello, 1)); /* compression methods */
	cursor_need(&hello, 0);
	if (hello.state == CURSOR_FINE && !cursor_left(&hello))
		return facts_done(f);
	len = cursor_get(&hello, 2);
	if (hello.state == CURSOR_FINE && len != cursor_left(&hello))
		return facts_bad(f, "the extensions do not end with the hello");
	if (hello.state == CURSOR_SHORT)
		return PROBE_MORE;
	if (hello.state == CURSOR_BROKEN)
		return facts_bad(f, "the ClientHello is malformed");
	extensions = cursor_sub(&hello, len);
	return read_extensions(f, &extensions);
}

enum probe tls_hello(struct facts *f, const uint8_t *p, size_t n)
{
	enum probe said = read_hello(f, p, n);

	if (said == PROBE_DONE)
		tls_offers(f, p, n);
	return said;
}

/* The next record; NULL, or what is wrong with it. */
static const char *record_flaw(const uint8_t *p, size_t n, uint8_t major)
{
	size_t len = n >= RECORD_HEADER ? (size_t)p[3] << 8 | p[4] : 1;

	if (p[0] != RECORD_HANDSHAKE)
		return "the ClientHello is cut off by another record";
	if (n > 1 && p[1] != major)
		return "the version of a record is another one";
	if (len == 0 || len > RECORD_MAX)
		return "the length of a record is not allowed";
	return NULL;
}

enum probe tls_probe(struct facts *f, const uint8_t *p, size_t n, struct probe_room *room)
{
	size_t filled = 0, wanted = HANDSHAKE_HEADER;
	const char *flaw = NULL;
	uint8_t major;

	if (n && p[0] != RECORD_HANDSHAKE)
		return PROBE_NO;
	if (n < 2)
		return PROBE_MAYBE;
	if (p[1] > RECORD_MAJOR_MAX)
		return PROBE_NO;
	/* Go's servers take such a version, RFC 8446 5.1 wants it ignored; other protocols may
	 * begin so, too. */
	if (p[1] != 3 && n <= RECORD_HEADER)
		return PROBE_MAYBE;
	if (p[1] != 3 && (p[3] || p[4]) && p[RECORD_HEADER] != CLIENT_HELLO)
		return PROBE_NO;
	major = p[1];
	while (n && filled < wanted && !flaw) {
		size_t len, there;

		flaw = record_flaw(p, n, major);
		if (flaw || n < RECORD_HEADER)
			break;
		len = (size_t)p[3] << 8 | p[4];
		there = n - RECORD_HEADER < len ? n - RECORD_HEADER : len;
		if (there > sizeof(room->handshake) - filled)
			return facts_bad(f, "the ClientHello is too long");
		memcpy(room->handshake + filled, p + RECORD_HEADER, there);
		filled += there;
		if (filled >= HANDSHAKE_HEADER)
			wanted = HANDSHAKE_HEADER + ((size_t)room->handshake[1] << 16 |
						     (size_t)room->handshake[2] << 8 |
						     room->handshake[3]);
		p += RECORD_HEADER + there;
		n -= RECORD_HEADER + there;
	}
	switch (tls_hello(f, room->handshake, filled)) {
	case PROBE_DONE:
		return PROBE_DONE;
	case PROBE_BAD:
		return PROBE_BAD;
	case PROBE_NO:
	case PROBE_MAYBE:
	case PROBE_MORE:
		break;
	}
	return flaw ? facts_bad(f, flaw) : PROBE_MORE;
}
