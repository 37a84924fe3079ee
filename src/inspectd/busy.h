/* SPDX-License-Identifier: GPL-2.0-or-later
 * Decisions by client, of the busiest ones: a table of fixed size, in which a new client takes the
 * place of the least busy one, whose decisions then count as those of others. Whoever comes with
 * many addresses displaces those that did little, and costs no memory.
 */
#ifndef FWC_INSPECTD_BUSY_H
#define FWC_INSPECTD_BUSY_H

#include <jansson.h>

#include "inspect/event.h"

#define BUSY_CLIENTS 512 /* that are counted: looking through them takes a microsecond or two */
#define BUSY_SHOWN 20

struct busy_client {
	uint8_t addr[16];
	uint8_t version; /* 4, 6; 0: none */
	uint64_t decided[VERDICT_REJECT + 1], all;
};

struct busy { /* all zero: nobody */
	struct busy_client v[BUSY_CLIENTS];
	uint64_t others[VERDICT_REJECT + 1];
};

/* An event of a judge: what is in it may be anything. */
void busy_count(struct busy *b, const struct event *e);
/* {"shown": [{"address", "allow", "deny", "reject"} ...], "others": {"allow" ...}}: the busiest
 * first, and the sum of all who are not shown. */
json_t *busy_json(const struct busy *b);

#endif
