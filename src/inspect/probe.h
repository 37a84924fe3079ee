/* SPDX-License-Identifier: GPL-2.0-or-later
 * The first bytes that a client sends -> which protocol it speaks and what name it asks for.
 *
 * Each probe looks at the bytes from the first one on and says the same of the same bytes: nothing
 * is kept between calls, so that a caller calls again when more has come. More bytes never take
 * back what was said: NO, DONE and BAD are final, MAYBE may become anything, MORE may become DONE
 * or BAD, and a name once seen stays.
 */
#ifndef FWC_INSPECT_PROBE_H
#define FWC_INSPECT_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum probe {
	PROBE_NO, /* these bytes are not this protocol */
	PROBE_MAYBE, /* too few bytes to tell */
	PROBE_MORE, /* it is this protocol; the message goes on */
	PROBE_DONE, /* all is known that can be */
	PROBE_BAD, /* it is this protocol, but broken: facts.flaw says how */
};

enum protocol {
	PROTOCOL_OPEN, /* not known yet */
	PROTOCOL_TLS,
	PROTOCOL_QUIC,
	PROTOCOL_HTTP,
	PROTOCOL_DNS,
	PROTOCOL_SSH,
	PROTOCOL_UNKNOWN, /* none of them */
};

enum name_state {
	NAME_OPEN, /* may yet come */
	NAME_ABSENT, /* the client names nobody */
	NAME_SEEN,
	NAME_UNREADABLE, /* there may be one, but it cannot be known */
};

enum answer { ANSWER_OPEN, ANSWER_NO, ANSWER_YES };

#define INSPECT_NAME_MAX 255 /* bytes: DNS (RFC 1035 2.3.4), SSH banner (RFC 4253 4.2) */
#define INSPECT_ALPN_MAX 256 /* browsers offer some twenty */
#define INSPECT_JA4 36
#define INSPECT_BYTES_MAX 65536 /* of a client that are ever looked at */

struct facts {
	enum protocol protocol;
	enum name_state name_state;
	enum answer ech; /* the encrypted_client_hello extension is there (RFC 9849) */
	bool name_is_address; /* an IP address stands where a name should */
	/* The client's first message has ended: a hello, a request's header, a query, a banner. Of
	 * an unknown protocol in TCP: the client has sent all that it will. */
	bool whole;
	size_t name_len;
	/* The server's name in lower case without a dot at its end, or the banner as sent. */
	char name[INSPECT_NAME_MAX + 1];
	/* What a whole hello offers, GREASE (RFC 8701) left out. */
	uint16_t tls_version; /* the highest; 0: none that is known */
	uint16_t alpn_len;
	uint8_t alpn[INSPECT_ALPN_MAX]; /* protocols within TLS, as there: a length, bytes ... */
	char ja4[INSPECT_JA4 + 1]; /* "" if it cannot be told */
	bool offers_cut; /* there is more, or something that cannot be read */
	const char *flaw; /* what is wrong, a few words; static: PROBE_BAD, or offers_cut */
};

/* Room that probes work in; one for each thread. */
struct probe_room {
	uint8_t handshake[INSPECT_BYTES_MAX]; /* a ClientHello put together from records */
};

void facts_init(struct facts *f);
const char *protocol_name(enum protocol p);

/* ---- one protocol each; `f` is filled from the start ---- */

/* TLS records with a ClientHello (RFC 8446 4.1.2, 5.1; RFC 6066 3): over several records. */
enum probe tls_probe(struct facts *f, const uint8_t *p, size_t n, struct probe_room *room);
/* The ClientHello alone, as QUIC carries it: from the handshake type on. */
enum probe tls_hello(struct facts *f, const uint8_t *p, size_t n);
/* HTTP/1.0 and 1.1 requests (RFC 9112): an absolute target wins over Host. */
enum probe http_probe(struct facts *f, const uint8_t *p, size_t n);
/* One DNS query (RFC 1035): a datagram, or behind the two bytes of length of TCP. */
enum probe dns_probe_udp(struct facts *f, const uint8_t *p, size_t n);
enum probe dns_probe_tcp(struct facts *f, const uint8_t *p, size_t n);
/* A client's identification string (RFC 4253 4.2). */
enum probe ssh_probe(struct facts *f, const uint8_t *p, size_t n);

/* ---- all of them ---- */

/* What a TCP client's first n bytes are. `ended`: it will send no more. */
enum probe probe_stream(struct facts *f, const uint8_t *p, size_t n, bool ended,
			struct probe_room *room);

/* ---- for the probes ---- */

/* Takes the name over: lower case, one dot at its end dropped. False if it holds what no name
 * can: control characters, blanks, bytes beyond ASCII, too much, nothing. */
bool facts_name(struct facts *f, const uint8_t *p, size_t n);
/* What a whole ClientHello offers beside names; f->protocol is set for QUIC. */
void tls_offers(struct facts *f, const uint8_t *p, size_t n);
enum probe facts_bad(struct facts *f, const char *flaw);
enum probe facts_done(struct facts *f);

#endif
