/* SPDX-License-Identifier: GPL-2.0-or-later
 * Running connections, judged by a ruleset: which line would let each be opened, and which of them
 * it would refuse.
 */
#ifndef FWC_APPLY_FLOWS_H
#define FWC_APPLY_FLOWS_H

#include <jansson.h>

#include "apply/flows_choice.h"
#include "kernel/flows.h"
#include "kernel/session.h"
#include "nft/manifest.h"
#include "space/admit.h"

struct flows_input {
	const char *netns;
	const struct ir_ruleset *ruleset; /* as the kernel lists it */
	const struct manifest *manifest; /* of its lines; or NULL */
	const struct ir_ruleset *before; /* the rules in force until now; or NULL */
};

struct flow_session { /* of ssh, that we were called from */
	bool known;
	struct session_ends ends;
};

struct flows {
	struct arena *arena;
	struct flows_input in;
	struct conns conns; /* as read last */
	bool untold; /* the kernel tells of none */
	struct admit admit;
	struct admit before; /* mean.dd NULL: not asked yet */
	enum { OTHERS_NOT_ASKED, OTHERS_NONE, OTHERS_TRANSLATE } others;
	struct flow_session session;
	bool filters; /* the ruleset is on a hook */
	bool few; /* addresses in all: diagrams are of these alone */
	struct ivset to4, to6;
	uint32_t *codes; /* of conns.interfaces, in their order */
};

struct flow_judged {
	const struct conn *conn;
	struct admission says;
	bool refused; /* the rules would not let it be opened like this: it can be ended */
};

struct flows_judged {
	struct flow_judged *v;
	size_t n, cap;
};

/* Reads the connections of the namespace. 0 or -errno with why filled; a kernel that tells nobody
 * of them has none (f->untold). */
int flows_open(struct flows *f, struct arena *a, const struct flows_input *in, struct buf *why);
/* Reads them anew, for the same rules. */
int flows_read_again(struct flows *f, struct buf *why);
void flows_free(struct flows *f);
struct flow_judged flows_judge(struct flows *f, const struct conn *c);
/* Those of what was read last that are refused. */
void flows_refused(struct flows *f, struct flows_judged *out);
/* Ends them, reading anew until there is none: those that the rules in force refuse, so only once
 * f's are. */
int flows_end(struct flows *f, size_t *ended, struct buf *why);

/* ---- flows_print.c ---- */

/* "ESTABLISHED", "replied", ... */
const char *flow_state(const struct conn *c);
const char *flow_protocol(struct arena *a, const struct conn *c);
/* "192.0.2.1:4000", "[2001:db8::1]:80", "192.0.2.1" */
const char *flow_address(struct arena *a, const struct conn *c, u128 addr, uint16_t port);
/* The zone of an interface by the manifest; NULL: none, or not known. */
const char *flow_zone(const struct flows *f, const struct conn_interface *i);
bool flow_is_sent_on(const struct conn *c); /* its destination is translated */
bool flow_is_seen_as(const struct conn *c); /* its source is */
/* One line: protocol, who to whom, translations, interfaces. */
const char *flow_text(struct arena *a, const struct flows *f, const struct conn *c);
/* What the rules say of it: "allow lan -> wan", "drop, by fwc: no rule, drop". */
const char *flow_says(struct arena *a, const struct flow_judged *j);
json_t *flow_as_json(struct arena *a, const struct flows *f, const struct flow_judged *j);
/* What an apply would end, for people: at most ten of them. */
void flows_print_refused(FILE *to, struct arena *a, const struct flows *f,
			 const struct flows_judged *list, bool keep);

#endif
