/* SPDX-License-Identifier: GPL-2.0-or-later
 * Events of a trace -> packets: what each base chain did with them, and which line of the policy
 * decided.
 */
#ifndef FWC_TRACING_H
#define FWC_TRACING_H

#include "kernel/trace.h"
#include "nft/observed.h"
#include "util/vec.h"

enum traced_fate {
	TRACED_ACCEPT,
	TRACED_DROP,
	TRACED_REJECT,
	TRACED_INSPECT, /* it waits for a program, or went there */
	TRACED_STOLEN, /* something else took it: a flowtable, a proxy */
	TRACED_LOST, /* it arrived, and came to no later hook: routing has dropped it */
};

struct traced_step { /* strings in the packet's arena */
	const char *hook, *type; /* of the base chain; "" if not known */
	const char *table, *chain; /* "inet fwc" */
	const char *line; /* of the policy, "firewall.fwc:12"; or NULL */
	const char *rule; /* its words, or the comment; or NULL */
	const char *nft; /* the rule in nft's words; or NULL */
	const char *does; /* "accept", "goto lan-wan.0123456789ab", ... */
	uint32_t verdict; /* as struct trace_event has it */
	enum trace_kind kind;
	bool rejects, translates;
	size_t visit;
};

struct traced_visit { /* of one base chain */
	const char *hook, *type;
	bool ours; /* of table inet fwc */
	bool own; /* of a table that traces */
	size_t first, n; /* steps */
	struct observed seen; /* the packet as it was there */
};

struct traced {
	struct arena *arena;
	struct timespec at, last;
	uint32_t id;
	bool hit; /* by the table that traces; else somebody else traces it */
	VEC(struct traced_step) steps;
	VEC(struct traced_visit) visits;
	/* filled when it is over */
	enum traced_fate fate;
	const struct traced_step *decided; /* or NULL: no rule, a chain's policy */
	const struct observed *arrived, *left; /* first and last seen */
};

struct tracing;

/* own: the table that traces. `each` gets every packet that is over; it must not keep it. */
struct tracing *tracing_new(const char *netns, const char *state, const char *own,
			    void (*each)(void *ctx, const struct traced *p), void *ctx);
void tracing_free(struct tracing *t);
/* The rules as they are now. 0 or -errno with why filled. */
int tracing_read_rules(struct tracing *t, struct buf *why);
/* What the kernel holds of inet fwc; empty if it is not loaded. */
const struct ir_ruleset *tracing_rules(const struct tracing *t);
/* Whether nft can list a table with an owner: up to 1.0.9 it frees the name of a single flag before
 * it prints it as JSON, and so would every other program that lists the rules. */
bool tracing_owner_fits(const struct tracing *t);
/* Removes tables of traces whose processes are dead. */
void tracing_sweep(const struct tracing *t);
/* What was applied is not for this user to read: lines have no places. */
bool tracing_hidden(const struct tracing *t);
void tracing_add(struct tracing *t, const struct trace_event *e);
/* Packets of which nothing more is expected; with `all`, every one. True if some are left. */
bool tracing_flush(struct tracing *t, bool all);

const char *traced_fate_text(enum traced_fate f);

#endif
