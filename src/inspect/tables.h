/* SPDX-License-Identifier: GPL-2.0-or-later
 * Inspectors as the compiler writes them into an artefact and the judging program reads them: plain
 * data, no policy language. Names and patterns are there in full. This is what --dump=inspect
 * prints, and inspect.json of fwc 0.1; since then the names lie elsewhere in the file (pack.h), and
 * "list" is the number of theirs.
 *
 *	{ "format": 1,
 *	  "inspectors": [
 *	    { "name": "family-filter",
 *	      "on-error": "deny", "on-timeout": "deny", "on-overflow": "deny",
 *	      "on-no-helper": "allow",              each: allow | deny; absent: deny
 *	      "at": "firewall.fwc:25",              where the policy says it (optional)
 *	      "words_at": { "on-no-helper": "firewall.fwc:31" },         the same (optional)
 *	      "entries": [
 *	        { "verdict": "deny",                allow | deny | reject
 *	          "look": "sni",                    any sni host dns ssh payload tls.ech quic
 *	                                            no-name unknown-protocol name domain alpn ja4
 *	          "names": ["*.casino.example"],    of sni, host, dns, name and domain: names, see
 *	                                            namelist.h;
 *	                                            of ssh, alpn, ja4: text, '*' at the end for any
 *	                                            rest
 *	          "answer": ["refused"],            or nxdomain, or addresses: what a client is
 *	                                            told that asks over UDP; of deny, and any, dns,
 *	                                            name, domain (optional)
 *	          "at": "firewall.fwc:28",          where the policy says it (optional)
 *	          "text": "deny sni ..." },         and how (optional)
 *	        { "verdict": "deny", "look": "payload",
 *	          "patterns": ["^\\x13BitTorrent protocol"] },
 *	        { "verdict": "allow", "look": "any" } ] },
 *	    { "name": "patch", "entries": [],
 *	      "rewrites": [ { "from": "0a0b", "to": "0a0c" } ] } ],      bytes in hex, as many
 *	  "mark": 4278190080,                       the field of the marks (fwc-inspectd(8))
 *	  "queues": [
 *	    { "first": 26000, "count": 4,           queue numbers that belong together
 *	      "on-overflow": "deny",                all that use them say the same
 *	      "rewrite": false } ],
 *	  "rules": [
 *	    { "id": 77,                             of the field, 4 or more
 *	      "inspector": "family-filter",
 *	      "queue": 26000,                       the first of its queues
 *	      "at": "firewall.fwc:12", "text": "inspect lan -> wan https with family-filter" } ] }
 *
 * A member or word that the reader does not know is an error: a table half understood would judge
 * otherwise than the policy says. What changes its meaning changes "format". Without "rules" there
 * are inspectors only, as for a replay.
 */
#ifndef FWC_INSPECT_TABLES_H
#define FWC_INSPECT_TABLES_H

#include <jansson.h>

#include "inspect/inspector.h"
#include "inspect/pack.h"

#define INSPECTD_RUN "/run/fwc" /* where the program that reads them listens */

struct table_queues {
	uint16_t first, count;
	bool fail_open, rewrite;
};

struct table_rule {
	uint32_t id; /* value of the field */
	const struct inspector *inspector;
	const struct table_queues *queues;
	const char *at, *text;
};

struct tables { /* freed with tables_free() */
	struct arena *arena;
	struct names *names;
	struct buf own; /* of tables_load(): the bytes that the names lie in */
	VEC(struct inspector) inspectors;
	uint32_t mark; /* mask; 0: inspectors only */
	VEC(struct table_queues) queues;
	VEC(struct table_rule) rules;
};

/* 0, or -EINVAL with `why` (then *out is not touched). What is opened stays in the caller's bytes,
 * which must outlive it and not change. */
int tables_open(struct tables *out, const void *p, size_t n, struct buf *why);
/* The same, for who has to say again and again that it is not done yet. */
int tables_open_steps(struct tables *out, const void *p, size_t n, void (*step)(void),
		      struct buf *why);
/* The form above. */
int tables_load(struct tables *out, const json_t *j, struct buf *why);
void tables_free(struct tables *t);
/* NULL: none of that number. */
const struct table_rule *tables_rule(const struct tables *t, uint32_t id);
/* NULL: none of that name. */
const struct inspector *tables_find(const struct tables *t, const char *name);

#endif
