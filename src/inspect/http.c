/* SPDX-License-Identifier: GPL-2.0-or-later
 * An HTTP/1 request -> the host that it is for (RFC 9112 3.2): the target's authority if it has
 * one, else the Host header. A request line is read as loosely as any server reads it. Where
 * servers are known to differ over what a request means, it counts as broken: two Host headers, one
 * that says another host than the target, a blank before the colon, a header without one.
 */
#include <string.h>

#include "inspect/probe.h"

#define METHOD_MAX 8192 /* as long as whole request lines of Apache and nginx may be */

struct text {
	const uint8_t *p;
	size_t n;
};

static bool is_token(uint8_t c) /* tchar, RFC 9110 5.6.2 */
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* The next line without its end; a bare LF ends one as well (RFC 9112 2.2). False: not there. */
static bool next_line(struct text *rest, struct text *line)
{
	const uint8_t *end = memchr(rest->p, '\n', rest->n);

	if (!end)
		return false;
	line->p = rest->p;
	line->n = (size_t)(end - rest->p);
	rest->n -= line->n + 1;
	rest->p = end + 1;
	if (line->n && line->p[line->n - 1] == '\r')
		line->n--;
	return true;
}

/* HOST [ ":" PORT ], the brackets of an IPv6 address kept. */
static bool take_authority(struct facts *f, struct text t)
{
	size_t host = 0;

	if (memchr(t.p, '@', t.n))
		return false; /* userinfo: never in a request that a browser makes (RFC 9110 4.2.4)
			       */
	if (t.n && t.p[0] == '[') {
		const uint8_t *end = memchr(t.p, ']', t.n);

		if (!end)
			return false;
		host = (size_t)(end - t.p) + 1;
	} else {
		while (host < t.n && t.p[host] != ':')
			host++;
	}
	for (size_t i = host; i < t.n; i++)
		if (i == host ? t.p[i] != ':' : t.p[i] < '0' || t.p[i] > '9')
			return false;
	for (size_t i = 0; i < host; i++)
		if (strchr("/\\?#,;\"<>%", t.p[i]))
			return false;
	return facts_name(f, t.p, host);
}

static struct text trim(struct text t)
{
	while (t.n && is_blank(t.p[0])) {
		t.p++;
		t.n--;
	}
	while (t.n && is_blank(t.p[t.n - 1]))
		t.n--;
	return t;
}

/* "HTTP/" DIGITS "." DIGITS, in whatever case. */
static bool is_version(struct text t)
{
	size_t i = 5, digits = 0, dots = 0;

	if (t.n < 8 || strncasecmp((const char *)t.p, "HTTP/", 5) != 0)
		return false;
	for (; i < t.n; i++) {
		digits += t.p[i] >= '0' && t.p[i] <= '9';
		dots += t.p[i] == '.';
	}
	return dots == 1 && digits == t.n - 6 && t.p[5] != '.' && t.p[t.n - 1] != '.';
}

/* METHOD TARGET VERSION, with any number of blanks between and behind them. False if it is not
 * that; no version: the first HTTP had none. */
static bool split_request(struct text line, struct text *method, struct text *target,
			  struct text *version)
{
	*method = *version = (struct text){line.p, 0};
	while (method->n < line.n && is_token(line.p[method->n]))
		method->n++;
	*target = trim((struct text){line.p + method->n, line.n - method->n});
	for (size_t i = target->n; i-- > 0;)
		if (is_blank(target->p[i])) {
			*version = (struct text){target->p + i + 1, target->n - i - 1};
			if (is_version(*version))
				*target = trim((struct text){target->p, i});
			break;
		}
	return method->n && method->n < line.n && target->n;
}

/* An authority in the target: CONNECT host:port, or http://host/path. True if it has one. */
static bool target_authority(struct text method, struct text target, struct text *out)
{
	size_t i = 0;

	*out = target;
	if (method.n == 7 && !memcmp(method.p, "CONNECT", 7))
		return true;
	if (target.p[0] == '/' || target.p[0] == '*')
		return false;
	while (i < target.n && target.p[i] != ':')
		i++;
	if (target.n - i < 3 || memcmp(target.p + i, "://", 3))
		return false;
	out->p = target.p + i + 3;
	out->n = target.n - i - 3;
	for (i = 0; i < out->n; i++)
		if (out->p[i] && strchr("/?#", out->p[i]))
			out->n = i;
	return true;
}

static bool is_host(struct text line)
{
	return line.n > 4 && (line.p[0] | 0x20) == 'h' && (line.p[1] | 0x20) == 'o' &&
	       (line.p[2] | 0x20) == 's' && (line.p[3] | 0x20) == 't' && line.p[4] == ':';
}

/* NULL, or what is wrong with a header line. */
static const char *header_flaw(struct text line)
{
	size_t i = 0;

	while (i < line.n && is_token(line.p[i]))
		i++;
	if (!i || i == line.n || line.p[i] != ':')
		return "a header is malformed";
	if (memchr(line.p, '\0', line.n) || memchr(line.p, '\r', line.n))
		return "there is a control character in a header";
	return NULL;
}

/* All is there: the host that both name, or the one that does. */
static enum probe agree(struct facts *f, struct text authority, struct text host)
{
	struct facts header;

	facts_init(&header);
	if (host.n && !take_authority(&header, host))
		return facts_bad(f, "the Host header is malformed");
	if (authority.n && !take_authority(f, authority))
		return facts_bad(f, "the target's authority is malformed");
	if (host.n && authority.n && strcmp(f->name, header.name) != 0)
		return facts_bad(f, "the target and the Host header name different hosts");
	if (host.n && !authority.n)
		take_authority(f, host);
	return facts_done(f);
}

/* Header lines up to the empty one. A line that begins with a blank goes on with the one before it
 * (obs-fold); of a Host header only a value that begins there can be a name. */
static enum probe read_headers(struct facts *f, struct text rest, struct text authority)
{
	struct text line, host = {0};
	bool have = false, in_host = false;
	const char *flaw;

	while (next_line(&rest, &line)) {
		if (!line.n)
			return agree(f, authority, host);
		if (is_blank(line.p[0])) {
			line = trim(line);
			if (in_host && host.n && line.n)
				return facts_bad(f, "the Host header is malformed");
			if (in_host && !host.n)
				host = line;
			continue;
		}
		flaw = header_flaw(line);
		if (flaw)
			return facts_bad(f, flaw);
		in_host = is_host(line);
		if (in_host && have)
			return facts_bad(f, "there are two Host headers");
		if (in_host) {
			host = trim((struct text){line.p + 5, line.n - 5});
			have = true;
		}
	}
	return PROBE_MORE;
}

/* Whether the bytes can still become a request line: a method and a blank. */
static enum probe may_be(struct text t)
{
	size_t i = 0;

	while (i < t.n && i <= METHOD_MAX && is_token(t.p[i]))
		i++;
	if (i > METHOD_MAX || (i < t.n && (!i || !is_blank(t.p[i]))))
		return PROBE_NO;
	for (; i < t.n; i++)
		if (t.p[i] < ' ' && !is_blank(t.p[i]) && (t.p[i] != '\r' || i + 1 < t.n))
			return PROBE_NO;
	return PROBE_MAYBE;
}

enum probe http_probe(struct facts *f, const uint8_t *p, size_t n)
{
	static const char preface[] = "PRI * HTTP/2.0";
	struct text rest = {p, n}, line, method, target, version, authority;

	/* Servers skip empty lines before the request line (RFC 9112 2.2), some of them blanks. */
	while (rest.n && (rest.p[0] == '\r' || rest.p[0] == '\n' || is_blank(rest.p[0]))) {
		rest.p++;
		rest.n--;
	}
	if (!next_line(&rest, &line))
		return may_be(rest);
	if (line.n == sizeof(preface) - 1 && !memcmp(line.p, preface, line.n))
		return facts_bad(f, "HTTP/2 without TLS: the name is compressed");
	if (may_be(line) == PROBE_NO || !split_request(line, &method, &target, &version))
		return PROBE_NO;
	if (!target_authority(method, target, &authority))
		authority.n = 0;
	else if (!authority.n)
		return is_version(version)
			       ? facts_bad(f, "the target's authority is malformed")
			       : PROBE_NO;
	if (!is_version(version)) /* HTTP/0.9 */
		return authority.n && method.n == 3 && !memcmp(method.p, "GET", 3) && !version.n
			       ? facts_bad(f, "a request without a version names a host")
			       : PROBE_NO;
	if (version.p[5] != '1' || version.p[6] != '.')
		return facts_bad(f, "the version of HTTP is not 1");
	return read_headers(f, rest, authority);
}
