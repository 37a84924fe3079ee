/* SPDX-License-Identifier: GPL-2.0-or-later
 * Running connections, and what the rules say of them, for people and for programs.
 */
#ifndef FWC_SEE_FLOWS_PRINT_H
#define FWC_SEE_FLOWS_PRINT_H

#include <jansson.h>
#include <stdio.h>

#include "apply/flows.h"

bool flow_is_offloaded(const struct conn *c);
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
