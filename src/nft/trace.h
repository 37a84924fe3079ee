/* SPDX-License-Identifier: GPL-2.0-or-later
 * A question -> the table that makes the kernel tell of the packets that it speaks of.
 */
#ifndef FWC_TRACE_SCRIPT_H
#define FWC_TRACE_SCRIPT_H

#include "nft/ir.h"

struct policy;
struct rule;

#define TRACE_PREFIX "fwc-trace-" /* of the table's name; a number follows */

struct trace_table {
	const char *name;
	bool owner; /* it goes with the socket that made it (since Linux 5.12) */
	bool all; /* packets of known connections, too, and before conntrack sees them */
	unsigned rate; /* packets a second, at most */
};

enum trace_hook { TRACE_PREROUTING, TRACE_FORWARD, TRACE_OUTPUT, TRACE_HOOKS };

/* A question in nft's words: matches, a line for each rule, and the sets that they look up. */
struct trace_question {
	struct buf sets, rules[TRACE_HOOKS];
};

/* live: for what sets of run time hold now. */
void trace_ask(struct trace_question *out, struct arena *a, struct policy *p,
	       const struct rule *question, const struct ir_ruleset *live);
void trace_question_free(struct trace_question *q);
/* The script that makes the table inet NAME; it decides about no packet. */
void trace_script(struct buf *out, const struct trace_question *q, const struct trace_table *how);
/* trace_words.c: whether it says nothing but matches and sets, whoever wrote it: no statement, no
 * chain, no command can be made of the words that it has. */
bool trace_question_sound(const struct trace_question *q);

#endif
