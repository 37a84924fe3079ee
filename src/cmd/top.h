/* SPDX-License-Identifier: GPL-2.0-or-later
 * The busiest rules and connections of one moment; and the terminal that shows them.
 */
#ifndef FWC_TOP_H
#define FWC_TOP_H

#include <stdio.h>

#include "apply/flows.h"
#include "cmd/cmd.h"
#include "kernel/live.h"
#include "nft/report.h"

struct top_count { /* what a rule or a connection had counted */
	uint64_t packets, bytes;
};

struct top_conn { /* of the moment before, by id */
	uint32_t id;
	uint16_t from_port;
	struct top_count count;
};

struct top { /* what is kept from one moment to the next */
	struct globals *g;
	struct arena *rules_arena; /* of the rules that connections are judged by */
	uint32_t generation;
	struct flows flows;
	bool judges; /* flows is open */
	struct arena *arena; /* of the moment */
	struct report_lines lines;
	double at; /* seconds */
	/* of the moment before */
	struct arena *before_arena;
	struct report_lines before_lines;
	struct top_conn *before;
	size_t nbefore;
	double before_at;
};

/* Reads the next moment. 0 or -errno with why filled. */
int top_read(struct top *t, struct buf *why);
void top_free(struct top *t);
/* rows, columns: of the screen; 0: as many as it takes. `eol` ends each line. */
void top_print(struct top *t, struct buf *out, int rows, int columns, const char *eol);

#endif
