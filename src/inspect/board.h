/* SPDX-License-Identifier: GPL-2.0-or-later
 * What is done with packets, and the board on which a judge counts it.
 */
#ifndef FWC_INSPECT_BOARD_H
#define FWC_INSPECT_BOARD_H

#include "inspect/known.h"

enum act { /* what the holder of the queue does with a packet */
	   ACT_HOLD, /* nothing yet */
	   ACT_PASS, /* it goes on, nothing is decided */
	   ACT_ALLOW, /* these three: back to the hook's first rule, the verdict in its mark */
	   ACT_DENY,
	   ACT_REJECT,
	   ACT_AGAIN, /* back to the hook's first rule, with no verdict */
	   ACT_DROP,
	   ACT_KEEP, /* it goes on, nothing is decided, and whoever judges next is shown it */
	   ACT_FORGET, /* what was kept is not needed any more */
};
#define NACTS (ACT_FORGET + 1)

#define NCAUSES (CAUSE_DEFAULT + 1)
#define TALLIES 1024

struct tally { /* of one rule */
	uint32_t id; /* 0: unused */
	uint64_t decided[VERDICT_REJECT + 1][NCAUSES];
	uint64_t rewritten; /* packets */
};

struct board { /* in memory that outlives the process: what others may read at any time */
	uint64_t secret[2];
	uint32_t current; /* the slot that is looked at, plus one; 0: none */
	uint32_t flows, held; /* now */
	uint64_t packets; /* looked at */
	uint64_t unknown; /* of a rule that the tables lack, dropped at last */
	uint64_t astray; /* with a verdict in their mark, or nothing in them that can be read */
	uint64_t unseen; /* connections whose beginning nobody saw */
	uint64_t timeouts, overflows; /* connections */
	uint64_t crumbs; /* packets that passed undecided, their bytes kept */
	struct tally tallies[TALLIES]; /* the last one is of all that found no place */
	struct known known;
	uint64_t answered[TALLIES]; /* of tallies: datagrams whose client was told */
};

#endif
