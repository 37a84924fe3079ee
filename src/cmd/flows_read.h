/* SPDX-License-Identifier: GPL-2.0-or-later
 * Connections and the rules in force, for commands that show both.
 */
#ifndef FWC_FLOWS_READ_H
#define FWC_FLOWS_READ_H

#include "apply/flows.h"
#include "cmd/cmd.h"
#include "kernel/live.h"

/* Bulk sets of rules that are in force get what they hold. */
void give_lists(struct globals *g, struct arena *a, struct ir_ruleset *r);
/* And what comes by URL is read. */
void give_held(struct globals *g, struct arena *a, struct ir_ruleset *r);
/* The manifest of the rules in force: of those applied, or on trial; NULL if it cannot be read. In
 * the arena. */
const struct manifest *manifest_in_force(struct globals *g, struct arena *a);
/* 0 or -errno, the message printed; flows_free() is due in both cases. */
int flows_read_in_force(struct globals *g, struct arena *a, struct flows *out);
/* The same, for rules that were read already; nothing printed. */
int flows_of_rules(struct globals *g, struct arena *a, const struct live *rules,
		   const struct manifest *m, struct flows *out, struct buf *why);

#endif
