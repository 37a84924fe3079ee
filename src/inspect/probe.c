/* SPDX-License-Identifier: GPL-2.0-or-later
 * The first bytes of a TCP client -> its protocol: each probe is asked in a fixed order, and none
 * is believed while one before it may still recognise the bytes, so that the answer does not
 * depend on how they were cut into segments.
 */
#include "inspect/probe.h"

#include <arpa/inet.h>
#include <string.h>

void facts_init(struct facts *f)
{
	memset(f, 0, sizeof(*f));
}

const char *protocol_name(enum protocol p)
{
	switch (p) {
	case PROTOCOL_OPEN:
		return "open";
	case PROTOCOL_TLS:
		return "tls";
	case PROTOCOL_QUIC:
		return "quic";
	case PROTOCOL_HTTP:
		return "http";
	case PROTOCOL_DNS:
		return "dns";
	case PROTOCOL_SSH:
		return "ssh";
	case PROTOCOL_UNKNOWN:
		return "unknown";
	}
	return "?";
}

static bool is_address(const char *s)
{
	uint8_t out[16];

	return inet_pton(AF_INET, s, out) == 1 || inet_pton(AF_INET6, s, out) == 1;
}

bool facts_name(struct facts *f, const uint8_t *p, size_t n)
{
	if (n && p[n - 1] == '.')
		n--;
	if (n > 2 && p[0] == '[' && p[n - 1] == ']') { /* an IPv6 address in a Host header */
		p++;
		n -= 2;
	}
	if (!n || n > INSPECT_NAME_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		if (p[i] <= ' ' || p[i] >= 0x7f || (p[i] == '.' && (!i || p[i - 1] == '.')))
			return false;
	if (p[n - 1] == '.')
		return false; /* a second one at the end: some servers take it off, too */
	for (size_t i = 0; i < n; i++)
		f->name[i] = (char)(p[i] >= 'A' && p[i] <= 'Z' ? p[i] | 0x20 : p[i]);
	f->name[n] = '\0';
	f->name_len = n;
	f->name_state = NAME_SEEN;
	f->name_is_address = is_address(f->name);
	return true;
}

enum probe facts_bad(struct facts *f, const char *flaw)
{
	f->flaw = flaw;
	f->name_state = NAME_UNREADABLE;
	return PROBE_BAD;
}

enum probe facts_done(struct facts *f)
{
	if (f->name_state == NAME_OPEN)
		f->name_state = NAME_ABSENT;
	if (f->ech == ANSWER_OPEN)
		f->ech = ANSWER_NO;
	f->whole = true;
	return PROBE_DONE;
}

static enum probe ask(int which, struct facts *f, const uint8_t *p, size_t n,
		      struct probe_room *room)
{
	switch (which) {
	case 0:
		return ssh_probe(f, p, n);
	case 1:
		return http_probe(f, p, n);
	case 2:
		return tls_probe(f, p, n, room);
	default:
		return dns_probe_tcp(f, p, n);
	}
}

enum probe probe_stream(struct facts *f, const uint8_t *p, size_t n, bool ended,
			struct probe_room *room)
{
	static const enum protocol order[] = {PROTOCOL_SSH, PROTOCOL_HTTP, PROTOCOL_TLS,
					      PROTOCOL_DNS};
	bool maybe = false;

	if (!n)
		p = (const uint8_t *)"";
	for (int i = 0; i < 4; i++) {
		enum probe said;

		facts_init(f);
		said = ask(i, f, p, n, room);
		if (said == PROBE_MAYBE && !ended)
			maybe = true;
		if (said == PROBE_NO || said == PROBE_MAYBE || maybe)
			continue;
		f->protocol = order[i];
		if (f->protocol != PROTOCOL_TLS)
			f->ech = ANSWER_NO;
		if (said == PROBE_MORE && ended)
			return facts_bad(f, "the first message does not end");
		return said;
	}
	facts_init(f);
	if (maybe)
		return PROBE_MAYBE;
	f->protocol = PROTOCOL_UNKNOWN;
	facts_done(f);
	f->whole = ended;
	return PROBE_DONE;
}
