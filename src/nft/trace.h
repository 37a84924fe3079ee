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

/* live: for what sets of run time hold now. The script makes the table inet NAME; it decides about
 * no packet. */
void trace_script(struct buf *out, struct arena *a, struct policy *p, const struct rule *question,
		  const struct ir_ruleset *live, const struct trace_table *how);

#endif
