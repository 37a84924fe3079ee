/* SPDX-License-Identifier: GPL-2.0-or-later
 * A whole ClientHello -> what it offers: the highest version, the protocols within TLS (ALPN, RFC
 * 7301), and the fingerprint JA4 of the program that sent it, by FoxIO's "JA4: TLS Client
 * Fingerprinting". Values that are there to be ignored (GREASE, RFC 8701) are ignored.
 */
#include <stdlib.h>
#include <string.h>

#include "inspect/cursor.h"
#include "inspect/probe.h"
#include "util/hex.h"
#include "util/sha256.h"

#define VALUES 1024 /* of a kind; browsers send 20 */

#define EXT_SERVER_NAME 0
#define EXT_SIGNATURES 13
#define EXT_ALPN 16
#define EXT_VERSIONS 43

struct values {
	uint16_t v[VALUES];
	size_t n;
	bool full;
};

struct offer {
	struct values ciphers, extensions, signatures, versions;
	bool named, seen_alpn, seen_signatures, seen_versions;
	const char *flaw;
};

static bool is_grease(unsigned v)
{
	return (v & 0x0f0f) == 0x0a0a && v >> 8 == (v & 0xff);
}

static void add(struct values *to, unsigned v)
{
	if (is_grease(v))
		return;
	if (to->n < VALUES)
		to->v[to->n++] = (uint16_t)v;
	else
		to->full = true;
}

/* A list behind its length; false if it does not fill its extension. */
static bool read_list(struct values *to, struct cursor *body, unsigned width)
{
	size_t len = cursor_get(body, width);

	if (body->state != CURSOR_FINE || len != cursor_left(body) || len % 2)
		return false;
	while (cursor_left(body))
		add(to, cursor_get(body, 2));
	return true;
}

/* GREASE is two bytes here as well. */
static bool read_alpn(struct facts *f, struct cursor *body)
{
	size_t list = cursor_get(body, 2);

	if (body->state != CURSOR_FINE || list != cursor_left(body))
		return false;
	while (cursor_left(body)) {
		size_t len = cursor_get(body, 1);
		const uint8_t *p = body->p + body->off;

		if (!cursor_need(body, len))
			return false;
		body->off += len;
		if (len == 2 && is_grease((unsigned)p[0] << 8 | p[1]))
			continue;
		if (f->offers_cut || f->alpn_len + 1 + len > sizeof(f->alpn)) {
			f->offers_cut = true;
			continue;
		}
		f->alpn[f->alpn_len++] = (uint8_t)len;
		memcpy(f->alpn + f->alpn_len, p, len);
		f->alpn_len = (uint16_t)(f->alpn_len + len);
	}
	return true;
}

static bool once(bool *seen)
{
	bool first = !*seen;

	*seen = true;
	return first;
}

static void read_extension(struct facts *f, struct offer *o, unsigned type, struct cursor *body)
{
	bool fine = true;

	add(&o->extensions, type);
	if (type == EXT_SERVER_NAME)
		o->named = true;
	else if (type == EXT_ALPN)
		fine = once(&o->seen_alpn) && read_alpn(f, body);
	else if (type == EXT_SIGNATURES)
		fine = once(&o->seen_signatures) && read_list(&o->signatures, body, 2);
	else if (type == EXT_VERSIONS)
		fine = once(&o->seen_versions) && read_list(&o->versions, body, 1);
	if (!fine)
		o->flaw = type == EXT_ALPN ? "the list of protocols (ALPN) is malformed"
			  : type == EXT_VERSIONS
				  ? "the list of versions is malformed"
				  : "the list of signature algorithms is malformed";
}

/* Its structure was found whole by the one who read the name. */
static void read_hello(struct facts *f, struct offer *o, const uint8_t *p, size_t n)
{
	struct cursor all = cursor_of(p, n, n), c, ciphers;
	unsigned version;

	cursor_skip(&all, 1);
	c = cursor_sub(&all, cursor_get(&all, 3));
	version = cursor_get(&c, 2);
	cursor_skip(&c, 32); /* random */
	cursor_skip(&c, cursor_get(&c, 1)); /* session id */
	ciphers = cursor_sub(&c, cursor_get(&c, 2));
	while (cursor_left(&ciphers) >= 2)
		add(&o->ciphers, cursor_get(&ciphers, 2));
	cursor_skip(&c, cursor_get(&c, 1)); /* compression methods */
	cursor_get(&c, 2);
	while (cursor_left(&c)) {
		unsigned type = cursor_get(&c, 2);
		struct cursor body = cursor_sub(&c, cursor_get(&c, 2));

		read_extension(f, o, type, &body);
	}
	if (!o->seen_versions)
		f->tls_version = (uint16_t)version;
	for (size_t i = 0; i < o->versions.n; i++)
		if (o->versions.v[i] > f->tls_version)
			f->tls_version = o->versions.v[i];
}

/* ---- JA4 ---- */

_Static_assert(sizeof(((struct facts *)0)->ja4) == sizeof("t13d1516h2_8daaf6152771_e5627efa2ab1"),
	       "room for one");

static const char *version_word(unsigned v)
{
	static const struct {
		uint16_t v;
		char word[3];
	} words[] = {{0x0304, "13"}, {0x0303, "12"}, {0x0302, "11"},
		     {0x0301, "10"}, {0x0300, "s3"}, {0x0002, "s2"}};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (words[i].v == v)
			return words[i].word;
	return "00";
}

static bool is_alnum(uint8_t c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* First and last character of the first protocol, or of its bytes in hex. */
static void alpn_word(const struct facts *f, char out[3])
{
	static const char hex[] = "0123456789abcdef";
	size_t len = f->alpn_len ? f->alpn[0] : 0;
	uint8_t first, last;

	strcpy(out, "00");
	if (!len)
		return;
	first = f->alpn[1];
	last = f->alpn[len];
	if (is_alnum(first) && is_alnum(last)) {
		out[0] = (char)first;
		out[1] = (char)last;
	} else {
		out[0] = hex[first >> 4];
		out[1] = hex[last & 15];
	}
}

static int by_number(const void *x, const void *y)
{
	return *(const uint16_t *)x - *(const uint16_t *)y;
}

/* ",1301,1302" without the comma in front; *n counts what was written before. */
static void add_values(struct sha256 *s, const struct values *v, bool all, size_t *n)
{
	char text[VALUES * sizeof(",1301")], *end = text;

	for (size_t i = 0; i < v->n; i++) {
		if (!all && (v->v[i] == EXT_SERVER_NAME || v->v[i] == EXT_ALPN))
			continue;
		if ((*n)++)
			*end++ = ',';
		hex_put(end, (uint8_t[]){(uint8_t)(v->v[i] >> 8), (uint8_t)v->v[i]}, 2);
		end += 4;
	}
	sha256_add(s, text, (size_t)(end - text));
}

static void end_part(struct sha256 *s, size_t n, char out[13])
{
	uint8_t digest[SHA256_BYTES];

	sha256_end(s, digest);
	strcpy(out, "000000000000");
	if (n)
		hex_put(out, digest, 6);
}

/* Two digits. */
static char *put_count(char *out, const struct values *v)
{
	unsigned n = v->n > 99 ? 99 : (unsigned)v->n;

	*out++ = (char)('0' + n / 10);
	*out++ = (char)('0' + n % 10);
	return out;
}

static void write_ja4(struct facts *f, struct offer *o)
{
	char ciphers[13], extensions[13], alpn[3], *out = f->ja4;
	size_t n = 0, signatures = 0;
	struct sha256 s;

	qsort(o->ciphers.v, o->ciphers.n, sizeof(o->ciphers.v[0]), by_number);
	qsort(o->extensions.v, o->extensions.n, sizeof(o->extensions.v[0]), by_number);
	sha256_start(&s);
	add_values(&s, &o->ciphers, true, &n);
	end_part(&s, n, ciphers);
	n = 0;
	sha256_start(&s);
	add_values(&s, &o->extensions, false, &n);
	if (o->signatures.n)
		sha256_add(&s, "_", 1);
	add_values(&s, &o->signatures, true, &signatures);
	end_part(&s, n, extensions);
	alpn_word(f, alpn);
	*out++ = f->protocol == PROTOCOL_QUIC ? 'q' : 't';
	out = stpcpy(out, version_word(f->tls_version));
	*out++ = o->named ? 'd' : 'i';
	out = put_count(put_count(out, &o->ciphers), &o->extensions);
	out = stpcpy(stpcpy(out, alpn), "_");
	out = stpcpy(stpcpy(out, ciphers), "_");
	stpcpy(out, extensions);
}

void tls_offers(struct facts *f, const uint8_t *p, size_t n)
{
	struct offer o;

	o.ciphers.n = o.extensions.n = o.signatures.n = o.versions.n = 0;
	o.ciphers.full = o.extensions.full = o.signatures.full = o.versions.full = false;
	o.named = o.seen_alpn = o.seen_signatures = o.seen_versions = false;
	o.flaw = NULL;
	read_hello(f, &o, p, n);
	if (o.ciphers.full || o.extensions.full || o.signatures.full || o.versions.full)
		o.flaw = "the hello offers more than can be looked at";
	if (o.flaw) {
		f->flaw = o.flaw;
		f->offers_cut = true;
	} else {
		write_ja4(f, &o);
	}
}
