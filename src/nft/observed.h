/* SPDX-License-Identifier: GPL-2.0-or-later
 * One packet that the kernel has told of, by a trace or in its log; and what a ruleset has to do
 * with it.
 */
#ifndef FWC_OBSERVED_H
#define FWC_OBSERVED_H

#include <jansson.h>

#include "nft/ir.h"

#define OBSERVED_NAME 16 /* IFNAMSIZ */

struct observed { /* at one hook */
	char in[OBSERVED_NAME], out[OBSERVED_NAME]; /* interfaces; "": none */
	enum family family; /* FAM_NONE: no address is known */
	u128 saddr, daddr;
	bool has_proto, has_ports, has_type, has_flags;
	uint8_t proto; /* IPPROTO_* */
	uint16_t sport, dport;
	uint8_t type, code; /* of ICMP */
	uint8_t flags; /* of TCP, RFC 9293 */
	uint32_t mark;
};

/* ---- observed.c ---- */

/* From the beginnings of its headers (link layer excluded); false if they are no IP. */
bool observed_of_headers(struct observed *p, const uint8_t *network, size_t nnetwork,
			 const uint8_t *transport, size_t ntransport);
/* From what the kernel's log says ("IN=eth0 OUT= ... SRC=..."): nf_log_syslog. */
bool observed_of_log(struct observed *p, const char *text);
/* "192.0.2.1:1024 -> 198.51.100.2:443 tcp syn" */
void observed_print(struct buf *b, const struct observed *p);
/* "from", "to", "protocol", and what it has of "sport", "dport", "type", "code", "flags", "mark" */
void observed_json(json_t *to, const struct observed *p);
/* The same addresses and ports. */
bool observed_same_ends(const struct observed *a, const struct observed *b);

/* ---- observed_walk.c ---- */

enum maybe { MAYBE_NO, MAYBE, MAYBE_YES };

/* Of a look-up, the element that the packet finds; NULL if none does for sure. The map may be
 * anonymous (statement's own). */
const struct ir_elem *observed_elem(const struct ir_ruleset *r, const struct ir_stmt *vmap,
				    const struct observed *p);

struct observed_log { /* a rule that logs */
	const struct ir_chain *chain;
	size_t rule;
};

struct observed_logs {
	struct observed_log *v;
	size_t n, cap;
};

/* Rules that log with this prefix and that the packet may come to, at the hooks that see its
 * interfaces: what is not known of it (state, rates, sets of run time) may be either way. With p
 * NULL: all that log so. */
void observed_find_logs(struct arena *a, const struct ir_ruleset *r, const struct observed *p,
			const char *prefix, struct observed_logs *out);

#endif
