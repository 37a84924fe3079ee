/* SPDX-License-Identifier: GPL-2.0-or-later
 * What an inspector of the policy is to the program that judges connections, and the judging:
 * facts about a client's first bytes -> a verdict, and the entry that it comes from.
 */
#ifndef FWC_INSPECT_INSPECTOR_H
#define FWC_INSPECT_INSPECTOR_H

#include "inspect/dns_reply.h"
#include "inspect/flow.h"
#include "inspect/namelist.h"
#include "inspect/pattern.h"
#include "util/vec.h"

enum look { /* what an entry looks at */
	    LOOK_ANY, /* nothing: it always matches */
	    LOOK_SNI, /* server name of a TLS or QUIC hello */
	    LOOK_HOST, /* of an HTTP/1 request */
	    LOOK_DNS, /* name in a DNS query */
	    LOOK_SSH, /* the client's banner */
	    LOOK_PAYLOAD, /* the first bytes */
	    LOOK_ECH, /* the hello hides its inner name, or pretends to (GREASE) */
	    LOOK_QUIC,
	    LOOK_NO_NAME, /* TLS, QUIC, HTTP or DNS, but it names nobody, or an address */
	    LOOK_UNKNOWN, /* none of the protocols above */
	    LOOK_NAME, /* SNI, HOST and DNS in one */
	    LOOK_DOMAIN, /* the same, and all names below */
	    LOOK_ALPN, /* protocols that a TLS or QUIC hello offers */
	    LOOK_JA4, /* fingerprint of who sent it */
};
#define NLOOKS (LOOK_JA4 + 1)

enum verdict { VERDICT_MORE, VERDICT_ALLOW, VERDICT_DENY, VERDICT_REJECT };

/* What cannot be known, and the words for it. */
enum cause {
	CAUSE_ERROR,
	CAUSE_TIMEOUT,
	CAUSE_OVERFLOW,
	CAUSE_NO_HELPER,
	CAUSE_ENTRY,
	CAUSE_DEFAULT
};
#define NFALLBACKS (CAUSE_NO_HELPER + 1)

struct banner { /* of looks that have text */
	const char *text;
	size_t n;
	bool prefix; /* a '*' stood at its end */
};

struct entry {
	enum verdict verdict;
	enum look look;
	struct namelist *names; /* of looks that have names */
	VEC(struct banner) banners;
	VEC(struct pattern *) patterns;
	struct dns_reply reply; /* of VERDICT_DENY: to DNS queries over UDP */
	const char *at; /* "firewall.fwc:12", or "" */
	const char *text; /* as the policy has it, or "" */
};

struct rewrite { /* of every packet: these bytes by those, as many */
	const uint8_t *from, *to;
	size_t n;
};

struct inspector {
	const char *name;
	VEC(struct entry) entries;
	VEC(struct rewrite) rewrites; /* then there are no entries */
	bool allow_on[NFALLBACKS]; /* by enum cause; false: deny */
	const char *at; /* where it is declared, or "" */
	const char *word_at[NFALLBACKS]; /* where the policy says so; "": it does not */
};

struct decision {
	enum verdict verdict; /* MORE: wait */
	enum cause cause;
	const struct entry *entry; /* CAUSE_ENTRY: that decided; CAUSE_ERROR, CAUSE_OVERFLOW: that
				      could not be answered; else NULL */
};

const char *look_name(enum look l); /* as in the language: "sni", "tls.ech" */
bool look_find(const char *word, enum look *out);
const char *verdict_name(enum verdict v);
const char *cause_name(enum cause c); /* "on-error" ...; "entry", "default" */
bool look_has_names(enum look l);
bool look_has_text(enum look l); /* banners, protocols, fingerprints: '*' at the end */
bool look_has_list(enum look l); /* names, text or patterns */

/* The first entry that matches decides. One that may yet match holds up those behind it. No entry:
 * deny. */
struct decision inspector_judge(const struct inspector *in, const struct flow_state *f,
				struct pattern_room *room);
/* One datagram of UDP, by itself. */
struct decision inspector_judge_alone(const struct inspector *in, struct flow_state *f,
				      struct flow_room *flows, const struct packet *k,
				      struct pattern_room *room);
/* Whether it says by itself what is denied, of a connection of QUIC. */
bool inspector_denies(const struct inspector *in, struct flow_room *flows, const struct packet *k,
		      struct pattern_room *room);
/* A SYN with data, as if a server took it (RFC 7413): it answers before anything else comes. What
 * is allowed is no decision, as another server drops that data. The caller drops the state. */
struct decision inspector_judge_opening(const struct inspector *in, struct flow_state *f,
					struct flow_room *flows, const struct packet *k,
					struct pattern_room *room);
/* Whether what it says of one datagram holds for those that come after it between the same ports:
 * if it looks into none of them further than for a pattern at the beginning. */
bool inspector_is_brief(const struct inspector *in);
/* Looks that take a datagram for its connection, and so need no more than the first one. */
bool look_is_brief(enum look l);
/* What the client of a datagram is told that was judged so; 0 bytes: nothing. */
size_t inspector_reply(const struct decision *d, const struct facts *facts, const struct packet *k,
		       uint8_t out[DNS_REPLY_MAX]);
/* Whether any entry has something to tell. */
bool inspector_replies(const struct inspector *in);
/* Looks whose entries can: they know names in DNS, or match anything. */
bool look_replies(enum look l);
/* The decision where there is none to be had any more. */
struct decision inspector_fallback(const struct inspector *in, enum cause cause);

/* Replaces in place, from left to right, never what was replaced already; yields how often. What is
 * cut by the end of the packet is not found. */
unsigned inspector_rewrite(const struct inspector *in, uint8_t *p, size_t n);

#endif
