/* SPDX-License-Identifier: GPL-2.0-or-later
 * The words of the language, and which words may be names.
 */
#include <string.h>

#include "lang/parse.h"

const char *const verb_words[] = {"allow", "drop", "reject", "inspect", NULL};

const char *const qualifier_words[] = {"log",  "limit", "with",	  "mark",  "user",  "hours", "days",
				       "then", "max",	"helper", "from",  "note",  "group", "dscp",
				       "ipv4", "ipv6",	"else",	  "after", "until", "quota",
				       "cgroup", NULL};

/* Those that services are not called by; zones, hosts and sets may be. */
const char *const service_words[] = {"else", "published", "group", "cgroup", "dscp",  "ipv4",
				     "ipv6", "quota",	  "note",  "until",  "after", NULL};

const char *const published_words[] = {"published", NULL};

/* Behind log. */
const char *const log_words[] = {"at", "burst", "level", "nflog", NULL};

const char *const fact_words[] = {"tls.ech", "quic", "no-name", "unknown-protocol", NULL};

/* Where the word stands in something else. */
const char published_hint[] =
	"rules and expectations alone have it: allow FROM -> TO published SERVICES";

/* The kernel's nf_conntrack_*_timeout*, with - for _, without what is the same in all of them. */
const char *const timeout_words[] = {
	"tcp-syn-sent",
	"tcp-syn-recv",
	"tcp-established",
	"tcp-fin-wait",
	"tcp-close-wait",
	"tcp-last-ack",
	"tcp-time-wait",
	"tcp-close",
	"tcp-max-retrans",
	"tcp-unacknowledged",
	"udp",
	"udp-stream",
	"icmp",
	"icmpv6",
	"generic",
	"gre",
	"gre-stream",
	"frag6",
	"sctp-closed",
	"sctp-cookie-wait",
	"sctp-cookie-echoed",
	"sctp-established",
	"sctp-shutdown-sent",
	"sctp-shutdown-recd",
	"sctp-shutdown-ack-sent",
	"sctp-heartbeat-sent",
	"sctp-heartbeat-acked",
	"dccp-request",
	"dccp-respond",
	"dccp-partopen",
	"dccp-open",
	"dccp-closereq",
	"dccp-closing",
	"dccp-timewait",
	NULL,
};

/* from and define are kept free of names: they may get a meaning. */
const char *const reserved_words[] = {
	"allow",      "drop",	  "reject",  "inspect",	  "expect",  "forwarding", "zone",
	"host",	      "set",	  "service", "inspector", "include", "masquerade", "snat",
	"dnat",	      "redirect", "netmap",  "clamp-mss", "define",  "self",	   "any",
	"zones",      "but",	  "from",    "to",	  "log",     "limit",	   "burst",
	"per",	      "with",	  "mark",    "user",	  "hours",   "days",	   "then",
	"max",	      "helper",	  "hairpin", "deny",	  "file",    "dynamic",	   "inspection",
	"live-flows", NULL,
};

const char *verb_name(enum verb v)
{
	return verb_words[v];
}

const char *nat_name(enum nat_kind k)
{
	static const char *const names[] = {"masquerade", "snat",   "dnat",
					    "redirect",	  "no-nat", "netmap"};

	return names[k];
}

bool word_in(const char *const *list, const char *s, size_t n)
{
	for (; *list; list++)
		if (strlen(*list) == n && !memcmp(*list, s, n))
			return true;
	return false;
}

bool word_is_reserved(const char *s)
{
	return word_in(reserved_words, s, strlen(s));
}

/* name = ( letter | "_" ) { letter | digit | "_" | "-" } */
bool word_is_name(const char *s)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
	size_t n = strspn(s, letters);

	return n && !s[n + strspn(s + n, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
					 "0123456789-")];
}

const char *word_synonym(const char *word)
{
	static const char *const pairs[][2] = {
		{"accept", "allow"}, {"permit", "allow"},  {"pass", "allow"},
		{"deny", "drop"},    {"block", "drop"},	   {"refuse", "reject"},
		{"let", "allow"},    {"DROP", "drop"},    {"REJECT", "reject"}, {"ALLOW", "allow"},
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (!strcasecmp(pairs[i][0], word))
			return pairs[i][1];
	return NULL;
}

const char *word_nearest(const char *const *list, const char *word)
{
	struct nearest near = {.word = word};

	for (; *list; list++)
		nearest_offer(&near, *list);
	return near.best;
}

const char *guard_tail(const struct ast_guard *g)
{
	if (g->kind != GUARD_ROUTE)
		return "";
	return g->loose ? " by route loose" : " by route";
}
