/* SPDX-License-Identifier: GPL-2.0-or-later
 * A decision -> bytes, and bytes -> JSON.
 */
#include "inspect/event.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "util/buf.h"

void event_of(struct event *e, const struct known_key *key, const struct inspector *in,
	      const struct decision *d, const struct facts *facts)
{
	*e = (struct event){.verdict = (uint8_t)d->verdict,
			    .cause = (uint8_t)d->cause,
			    .key = *key,
			    .udp = key->protocol == 17};
	if (d->entry)
		e->entry = (uint16_t)(d->entry - in->entries.v + 1);
	if (!facts)
		return;
	e->protocol = (uint8_t)facts->protocol;
	e->name_len = (uint16_t)facts->name_len;
	memcpy(e->name, facts->name, facts->name_len);
	e->tls_version = facts->tls_version;
	e->alpn_len = facts->alpn_len;
	memcpy(e->alpn, facts->alpn, facts->alpn_len);
	memcpy(e->ja4, facts->ja4, sizeof(e->ja4));
	if (facts->flaw)
		strncpy(e->flaw, facts->flaw, sizeof(e->flaw) - 1);
}

static void put(json_t *to, const char *key, const char *s)
{
	json_object_set_new(to, key, json_string(s));
}

static void put_address(json_t *j, const char *key, const struct known_key *k, const uint8_t *addr)
{
	char text[INET6_ADDRSTRLEN] = "";

	inet_ntop(k->version == 4 ? AF_INET : AF_INET6, addr, text, sizeof(text));
	put(j, key, text);
}

/* What came from the network is bytes: those that are not printable are written out. */
static json_t *bytes_json(const char *s, size_t n)
{
	struct buf b = {0};
	json_t *j;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c > ' ' - 1 && c < 127 && c != '\\')
			buf_putc(&b, (char)c);
		else
			buf_printf(&b, "\\x%02x", c);
	}
	j = json_string(buf_str(&b));
	buf_free(&b);
	return j;
}

static void put_bytes(json_t *j, const char *key, const char *s, size_t n)
{
	json_object_set_new(j, key, bytes_json(s, n));
}

/* Of a hello that was read to its end. */
static void put_offers(json_t *j, const struct event *e)
{
	static const char *const versions[] = {"SSL 3.0", "1.0", "1.1", "1.2", "1.3"};
	size_t ja4 = strnlen(e->ja4, sizeof(e->ja4)), n = e->alpn_len;
	json_t *alpn;
	char text[8];

	if (!e->tls_version && !ja4)
		return;
	snprintf(text, sizeof(text), "0x%04x", e->tls_version);
	put(j, "tls_version",
	    e->tls_version >= 0x0300 && e->tls_version <= 0x0304 ? versions[e->tls_version - 0x0300]
								 : text);
	alpn = json_array();
	n = n <= sizeof(e->alpn) ? n : 0;
	for (size_t i = 0; i < n && e->alpn[i] < n - i; i += 1u + e->alpn[i])
		json_array_append_new(alpn, bytes_json((const char *)e->alpn + i + 1, e->alpn[i]));
	json_object_set_new(j, "alpn", alpn);
	if (ja4)
		put_bytes(j, "ja4", e->ja4, ja4);
}

static void put_answer(json_t *j, const struct dns_reply *r)
{
	struct buf b = {0};

	dns_reply_text(r, &b);
	put(j, "answer", buf_str(&b));
	buf_free(&b);
}

/* Which line of the policy it was: an entry, or the word for what no entry could decide. */
static void put_lines(json_t *j, const struct event *e, const struct inspector *in)
{
	char text[32];

	if (e->entry && e->entry <= in->entries.n && e->answered)
		put_answer(j, &in->entries.v[e->entry - 1].reply);
	if (e->entry && e->entry <= in->entries.n) {
		put(j, "entry", in->entries.v[e->entry - 1].text);
		put(j, "entry_at", in->entries.v[e->entry - 1].at);
	}
	if (e->cause >= NFALLBACKS)
		return;
	snprintf(text, sizeof(text), "%s %s", cause_name((enum cause)e->cause),
		 in->allow_on[e->cause] ? "allow" : "deny");
	put(j, "word", text);
	put(j, "word_at", *in->word_at[e->cause] ? in->word_at[e->cause] : in->at);
}

json_t *event_json(const struct event *e, const struct inspector *in, const char *rule,
		   const char *rule_at)
{
	json_t *j = json_object();
	size_t flaw = strnlen(e->flaw, sizeof(e->flaw));
	enum verdict v = e->verdict <= VERDICT_REJECT ? (enum verdict)e->verdict : VERDICT_DENY;
	enum cause c = e->cause <= CAUSE_DEFAULT ? (enum cause)e->cause : CAUSE_ERROR;

	put(j, "verdict", verdict_name(v));
	put(j, "by", cause_name(c));
	put_address(j, "from", &e->key, e->key.src);
	put_address(j, "to", &e->key, e->key.dst);
	json_object_set_new(j, "sport", json_integer(e->key.sport));
	json_object_set_new(j, "dport", json_integer(e->key.dport));
	put(j, "transport", e->udp ? "udp" : "tcp");
	put(j, "protocol",
	    protocol_name(e->protocol <= PROTOCOL_UNKNOWN ? (enum protocol)e->protocol
							   : PROTOCOL_UNKNOWN));
	put_bytes(j, "name", e->name, e->name_len <= INSPECT_NAME_MAX ? e->name_len : 0);
	put_offers(j, e);
	if (flaw)
		put_bytes(j, "flaw", e->flaw, flaw);
	if (rule)
		put(j, "rule", rule);
	if (rule_at)
		put(j, "rule_at", rule_at);
	if (in) {
		put(j, "inspector", in->name);
		put_lines(j, e, in);
	}
	return j;
}
