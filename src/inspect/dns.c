/* SPDX-License-Identifier: GPL-2.0-or-later
 * A DNS query -> the name in question (RFC 1035 4.1). A query is known by its header: no answer,
 * opcode QUERY, one question. Of the other bits and sections servers differ over what they take, so
 * they may be anything. More questions than one are no query (RFC 9619): BIND, Unbound, dnsmasq,
 * Knot, NSD and PowerDNS answer none of them, but others may.
 */
#include <string.h>

#include "inspect/cursor.h"
#include "inspect/probe.h"

#define HEADER 12
#define LABEL_MAX 63
#define LONGEST 8192 /* of a query in TCP: so that no text, which begins with 0x20, is one */
#define QUESTIONS 256 /* in TCP: so that fewer other protocols look like one at their beginning */
#define SHORTEST (HEADER + 5) /* the root's name, type and class */

/* Whether n bytes can begin a query: the header byte by byte, so that other protocols are told
 * apart by their first bytes, as far as they are there. */
static bool is_query(const uint8_t *p, size_t n)
{
	return (n <= 2 || !(p[2] & 0xf8) /* QR, opcode */) && (n <= 5 || p[4] || p[5]);
}

static bool is_single(const uint8_t *p)
{
	return p[4] == 0 && p[5] == 1;
}

/* The name as text. A dot or an odd byte within a label cannot be told from a separator there. */
static enum probe read_question(struct facts *f, struct cursor *c)
{
	uint8_t text[INSPECT_NAME_MAX + 1];
	size_t n = 0, len;

	while ((len = cursor_get(c, 1)) != 0) {
		if (len > LABEL_MAX)
			return facts_bad(f, "the name in the question is compressed");
		if (n + len + 1 >= INSPECT_NAME_MAX) /* the root has a byte, too */
			return facts_bad(f, "the name in the question is too long");
		if (!cursor_need(c, len))
			break;
		memcpy(text + n, c->p + c->off, len);
		if (memchr(text + n, '.', len))
			return facts_bad(f, "there is a dot within a label");
		n += len;
		text[n++] = '.';
		c->off += len;
	}
	cursor_need(c, 4); /* type, class */
	if (c->state == CURSOR_BROKEN)
		return facts_bad(f, "the question does not end");
	if (c->state == CURSOR_SHORT)
		return PROBE_MORE;
	if (n && !facts_name(f, text, n))
		return facts_bad(f, "the name in the question is not text");
	return facts_done(f);
}

/* Bytes of other protocols look like several questions more often: the first one has to make sense,
 * by a name that is text. */
static enum probe read_first(struct facts *f, struct cursor *c)
{
	enum probe said = read_question(f, c);

	if (said == PROBE_DONE && f->name_state == NAME_SEEN)
		return facts_bad(f, "there are several questions");
	facts_init(f);
	return said == PROBE_MORE ? PROBE_MAYBE : PROBE_NO;
}

enum probe dns_probe_udp(struct facts *f, const uint8_t *p, size_t n)
{
	struct cursor c = cursor_of(p, n, n);

	if (n < SHORTEST || !is_query(p, n))
		return PROBE_NO;
	cursor_skip(&c, HEADER);
	return is_single(p) ? read_question(f, &c) : read_first(f, &c);
}

enum probe dns_probe_tcp(struct facts *f, const uint8_t *p, size_t n)
{
	size_t len;
	struct cursor c;

	if (n && p[0] >= LONGEST >> 8)
		return PROBE_NO;
	if (n < 2)
		return PROBE_MAYBE;
	len = (size_t)p[0] << 8 | p[1];
	if (len < SHORTEST || (n > 6 && p[6] >= QUESTIONS >> 8) || !is_query(p + 2, n - 2))
		return PROBE_NO;
	if (n < 2 + HEADER)
		return PROBE_MAYBE;
	c = cursor_of(p + 2, n - 2, len);
	cursor_skip(&c, HEADER);
	return is_single(p + 2) ? read_question(f, &c) : read_first(f, &c);
}
