/* SPDX-License-Identifier: GPL-2.0-or-later
 * One packet that the kernel has told of, by a trace or in its log; and what a ruleset has to do
 * with it.
 */
#ifndef FWC_SEEN_H
#define FWC_SEEN_H

#include <jansson.h>

#include "nft/ir.h"

#define SEEN_NAME 16 /* IFNAMSIZ */

struct seen { /* at one hook */
	char in[SEEN_NAME], out[SEEN_NAME]; /* interfaces; "": none */
	enum family family; /* FAM_NONE: no address is known */
	u128 saddr, daddr;
	bool has_proto, has_ports, has_type, has_flags;
	uint8_t proto; /* IPPROTO_* */
	uint16_t sport, dport;
	uint8_t type, code; /* of ICMP */
	uint8_t flags; /* of TCP, RFC 9293 */
	uint32_t mark;
};

/* ---- seen.c ---- */

/* From the beginnings of its headers (link layer excluded); false if they are no IP. */
bool seen_of_headers(struct seen *p, const uint8_t *network, size_t nnetwork,
		     const uint8_t *transport, size_t ntransport);
/* From what the kernel's log says ("IN=eth0 OUT= ... SRC=..."): nf_log_syslog. */
bool seen_of_log(struct seen *p, const char *text);
/* "192.0.2.1:1024 -> 198.51.100.2:443 tcp syn" */
void seen_print(struct buf *b, const struct seen *p);
/* "from", "to", "protocol", and what it has of "sport", "dport", "type", "code", "flags", "mark" */
void seen_json(json_t *to, const struct seen *p);
/* The same addresses and ports. */
bool seen_same_ends(const struct seen *a, const struct seen *b);

/* ---- seen_walk.c ---- */

enum maybe { MAYBE_NO, MAYBE, MAYBE_YES };

/* Of a look-up, the element that the packet finds; NULL if none does for sure. The map may be
 * anonymous (statement's own). */
const struct ir_elem *seen_elem(const struct ir_ruleset *r, const struct ir_stmt *vmap,
				const struct seen *p);

struct seen_log { /* a rule that logs */
	const struct ir_chain *chain;
	size_t rule;
};

struct seen_logs {
	struct seen_log *v;
	size_t n, cap;
};

/* Rules that log with this prefix and that the packet may come to, at the hooks that see its
 * interfaces: what is not known of it (state, rates, sets of run time) may be either way. With p
 * NULL: all that log so. */
void seen_find_logs(struct arena *a, const struct ir_ruleset *r, const struct seen *p,
		    const char *prefix, struct seen_logs *out);

#endif
