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

#endif
