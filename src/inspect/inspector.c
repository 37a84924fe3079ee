/* SPDX-License-Identifier: GPL-2.0-or-later
 * Facts and an inspector -> a decision.
 */
#include "inspect/inspector.h"

#include <string.h>

enum reply { REPLY_NO, REPLY_YES, REPLY_OPEN, REPLY_ERROR };

static const char *const look_names[NLOOKS] = {
	"any",	   "sni",     "host", "dns",	 "ssh",
	"payload", "tls.ech", "quic", "no-name", "unknown-protocol", "name",    "domain",
	"alpn",	   "ja4"};

const char *look_name(enum look l)
{
	return look_names[l];
}

bool look_find(const char *word, enum look *out)
{
	for (int i = 0; i < NLOOKS; i++)
		if (!strcmp(look_names[i], word)) {
			*out = (enum look)i;
			return true;
		}
	return false;
}

const char *verdict_name(enum verdict v)
{
	static const char *const names[] = {"more", "allow", "deny", "reject"};

	return names[v];
}

const char *cause_name(enum cause c)
{
	static const char *const names[] = {"on-error",	    "on-timeout", "on-overflow",
					    "on-no-helper", "entry",	  "default"};

	return names[c];
}

bool look_has_names(enum look l)
{
	return l == LOOK_SNI || l == LOOK_HOST || l == LOOK_DNS || l == LOOK_NAME ||
	       l == LOOK_DOMAIN;
}

bool look_has_text(enum look l)
{
	return l == LOOK_SSH || l == LOOK_ALPN || l == LOOK_JA4;
}

bool look_has_list(enum look l)
{
	return look_has_names(l) || look_has_text(l) || l == LOOK_PAYLOAD;
}

static enum reply from_answer(enum answer a, bool stuck)
{
	switch (a) {
	case ANSWER_YES:
		return REPLY_YES;
	case ANSWER_NO:
		return REPLY_NO;
	case ANSWER_OPEN:
		break;
	}
	return stuck ? REPLY_ERROR : REPLY_OPEN;
}

static enum reply of_bool(bool yes)
{
	return yes ? REPLY_YES : REPLY_NO;
}

static bool banners_cover(const struct entry *e, const struct facts *f)
{
	const struct banner *b;

	vec_each (&e->banners, b)
		if ((b->prefix ? f->name_len >= b->n : f->name_len == b->n) &&
		    !strncasecmp(f->name, b->text, b->n))
			return true;
	return false;
}

static bool carries(const struct facts *f, enum look look)
{
	bool tls = f->protocol == PROTOCOL_TLS || f->protocol == PROTOCOL_QUIC;

	switch (look) {
	case LOOK_SNI:
	case LOOK_ECH:
	case LOOK_ALPN:
	case LOOK_JA4:
		return tls;
	case LOOK_HOST:
		return f->protocol == PROTOCOL_HTTP;
	case LOOK_DNS:
		return f->protocol == PROTOCOL_DNS;
	case LOOK_SSH:
		return f->protocol == PROTOCOL_SSH;
	case LOOK_NO_NAME:
	case LOOK_NAME:
	case LOOK_DOMAIN:
		return tls || f->protocol == PROTOCOL_HTTP || f->protocol == PROTOCOL_DNS;
	case LOOK_ANY:
	case LOOK_PAYLOAD:
	case LOOK_QUIC:
	case LOOK_UNKNOWN:
		break;
	}
	return false;
}

static bool texts_cover(const struct entry *e, const char *s, size_t n)
{
	const struct banner *b;

	vec_each (&e->banners, b)
		if ((b->prefix ? n >= b->n : n == b->n) && !memcmp(s, b->text, b->n))
			return true;
	return false;
}

/* What the hello offers is known when it is whole. */
static enum reply match_offer(const struct entry *e, const struct facts *f, bool stuck)
{
	if (!f->whole)
		return stuck ? REPLY_ERROR : REPLY_OPEN;
	if (e->look == LOOK_JA4 && *f->ja4)
		return of_bool(texts_cover(e, f->ja4, strlen(f->ja4)));
	if (e->look == LOOK_ALPN)
		for (size_t i = 0; i < f->alpn_len; i += 1u + f->alpn[i])
			if (texts_cover(e, (const char *)f->alpn + i + 1, f->alpn[i]))
				return REPLY_YES;
	return f->offers_cut ? REPLY_ERROR : REPLY_NO;
}

static enum reply match_name(const struct entry *e, const struct facts *f)
{
	switch (f->name_state) {
	case NAME_OPEN:
		return f->flaw ? REPLY_ERROR : REPLY_OPEN;
	case NAME_ABSENT:
		return of_bool(e->look == LOOK_NO_NAME);
	case NAME_UNREADABLE:
		return REPLY_ERROR;
	case NAME_SEEN:
		break;
	}
	if (e->look == LOOK_NO_NAME)
		return of_bool(f->name_is_address);
	if (e->look == LOOK_SSH)
		return of_bool(banners_cover(e, f));
	return of_bool(namelist_covers(e->names, f->name, f->name_len));
}

static enum reply match_patterns(const struct entry *e, const struct flow_state *f,
				 struct pattern_room *room)
{
	enum reply reply = REPLY_NO;
	bool stuck = f->trouble != FLOW_FINE, failed;
	/* A datagram is all there is of it. */
	bool whole = f->udp || f->facts.whole;

	for (size_t i = 0; i < e->patterns.n; i++) {
		enum reply one = from_answer(pattern_match(e->patterns.v[i], f->bytes.block,
							   f->bytes.ready, whole, room, &failed),
					     stuck);

		if (failed)
			one = REPLY_ERROR;
		if (one == REPLY_YES)
			return one;
		if (one > reply)
			reply = one;
	}
	return reply;
}

static enum reply match(const struct entry *e, const struct flow_state *f,
			struct pattern_room *room)
{
	const struct facts *facts = &f->facts;
	bool stuck = f->trouble != FLOW_FINE;

	if (e->look == LOOK_ANY)
		return REPLY_YES;
	if (e->look == LOOK_PAYLOAD)
		return match_patterns(e, f, room);
	if (e->look == LOOK_QUIC && !f->udp)
		return REPLY_NO;
	if (facts->protocol == PROTOCOL_OPEN)
		return stuck ? REPLY_ERROR : REPLY_OPEN;
	if (e->look == LOOK_QUIC)
		return of_bool(facts->protocol == PROTOCOL_QUIC);
	if (e->look == LOOK_UNKNOWN)
		return of_bool(facts->protocol == PROTOCOL_UNKNOWN);
	if (!carries(facts, e->look))
		return REPLY_NO;
	if (e->look == LOOK_ECH)
		return from_answer(facts->ech, stuck);
	if (e->look == LOOK_ALPN || e->look == LOOK_JA4)
		return match_offer(e, facts, stuck);
	return match_name(e, facts);
}

struct decision inspector_fallback(const struct inspector *in, enum cause cause)
{
	return (struct decision){.verdict = in->allow_on[cause] ? VERDICT_ALLOW : VERDICT_DENY,
				 .cause = cause};
}

struct decision inspector_judge(const struct inspector *in, const struct flow_state *f,
				struct pattern_room *room)
{
	const struct entry *e;
	struct decision d;

	vec_each (&in->entries, e) {
		switch (match(e, f, room)) {
		case REPLY_NO:
			continue;
		case REPLY_YES:
			return (struct decision){e->verdict, CAUSE_ENTRY, e};
		case REPLY_OPEN:
			return (struct decision){VERDICT_MORE, CAUSE_ENTRY, e};
		case REPLY_ERROR:
			break;
		}
		d = inspector_fallback(in, f->trouble == FLOW_FULL ? CAUSE_OVERFLOW : CAUSE_ERROR);
		d.entry = e;
		return d;
	}
	return (struct decision){.verdict = VERDICT_DENY, .cause = CAUSE_DEFAULT};
}

struct decision inspector_judge_alone(const struct inspector *in, struct flow_state *f,
				      struct flow_room *flows, const struct packet *k,
				      struct pattern_room *room)
{
	struct decision d;

	flow_datagram(f, flows, k->payload, k->n);
	d = inspector_judge(in, f, room);
	if (d.verdict != VERDICT_MORE)
		return d;
	flow_end(f, flows);
	d = inspector_judge(in, f, room);
	return d.verdict != VERDICT_MORE ? d : inspector_fallback(in, CAUSE_ERROR);
}

bool inspector_denies(const struct inspector *in, struct flow_room *flows, const struct packet *k,
		      struct pattern_room *room)
{
	struct flow_state f = {0};
	struct decision d;

	facts_init(&f.facts);
	flow_trust_datagram(&f, k);
	flow_datagram(&f, flows, k->payload, k->n);
	d = inspector_judge(in, &f, room);
	flow_drop(&f, flows);
	return d.verdict == VERDICT_DENY || d.verdict == VERDICT_REJECT;
}

struct decision inspector_judge_opening(const struct inspector *in, struct flow_state *f,
					struct flow_room *flows, const struct packet *k,
					struct pattern_room *room)
{
	struct decision d;

	flow_syn(f, k->seq);
	flow_trust(f, k);
	flow_segment(f, flows, k->seq + 1, k->payload, k->n);
	d = inspector_judge(in, f, room);
	return d.verdict == VERDICT_ALLOW ? (struct decision){VERDICT_MORE, CAUSE_ENTRY, NULL} : d;
}

bool look_replies(enum look l)
{
	return l == LOOK_ANY || l == LOOK_DNS || l == LOOK_NAME || l == LOOK_DOMAIN;
}

size_t inspector_reply(const struct decision *d, const struct facts *facts, const struct packet *k,
		       uint8_t out[DNS_REPLY_MAX])
{
	if (d->verdict != VERDICT_DENY || d->cause != CAUSE_ENTRY || !d->entry ||
	    facts->protocol != PROTOCOL_DNS)
		return 0;
	return dns_reply_message(&d->entry->reply, k->payload, k->n, out);
}

bool inspector_replies(const struct inspector *in)
{
	const struct entry *e;

	vec_each (&in->entries, e)
		if (e->reply.kind)
			return true;
	return false;
}

bool look_is_brief(enum look l)
{
	return l == LOOK_ANY || l == LOOK_PAYLOAD || l == LOOK_HOST || l == LOOK_SSH;
}

bool inspector_is_brief(const struct inspector *in)
{
	const struct entry *e;

	if (inspector_replies(in)) /* to each of them */
		return false;
	vec_each (&in->entries, e)
		if (!look_is_brief(e->look))
			return false;
	return true;
}

#define REWRITE_STEP 256 /* bytes: what is found often must not be sought far each time */

/* The first of them that begins within so many bytes, and where; of two at the same place the one
 * that is written first. NULL: none. */
static const struct rewrite *next_rewrite(const struct inspector *in, const uint8_t *p, size_t n,
					  size_t *at)
{
	const struct rewrite *r, *hit = NULL;

	*at = n < REWRITE_STEP ? n : REWRITE_STEP;
	vec_each (&in->rewrites, r) {
		size_t room = n - *at < r->n ? n : *at + r->n - 1;
		const uint8_t *found = memmem(p, room, r->from, r->n);

		if (found && (size_t)(found - p) < *at) {
			hit = r;
			*at = (size_t)(found - p);
		}
	}
	return hit;
}

unsigned inspector_rewrite(const struct inspector *in, uint8_t *p, size_t n)
{
	unsigned count = 0;
	size_t i = 0, at;

	for (; i < n; i += at) {
		const struct rewrite *hit = next_rewrite(in, p + i, n - i, &at);

		if (hit) {
			memcpy(p + i + at, hit->to, hit->n);
			at += hit->n;
		}
		count += hit != NULL;
	}
	return count;
}
