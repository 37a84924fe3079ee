/* SPDX-License-Identifier: GPL-2.0-or-later
 * Packets that wait in the kernel, one after the other -> what is to become of each. Values in,
 * values out: the caller has the packets, tells the time, and carries the answers.
 *
 * A packet is named by its slot; each gets one answer that is not HOLD, at once or later, and one
 * more if that was KEEP. All memory is taken by judge_new().
 */
#ifndef FWC_INSPECT_JUDGE_H
#define FWC_INSPECT_JUDGE_H

#include "inspect/event.h"
#include "inspect/tables.h"

#define JUDGE_FLOWS 4096 /* that wait for a decision at the same time */
#define JUDGE_FLOW_PACKETS 96 /* held of one of them */
/* A sender waits for an answer after ten segments (RFC 6928), which the kernel may have put
 * together to one packet. So not more than this is held of what is not yet enough: what came before
 * goes on, undecided, its bytes kept. The rest of such a message does, too, if nothing follows for
 * a moment - its sender may wait after one small piece (RFC 896) - in less time than the kernel of
 * the sender takes to send it again (10 ms, RFC 8985). */
#define JUDGE_CRUMBS 8 /* packets */
#define JUDGE_CRUMBS_BYTES 4096 /* less than ten segments of 536 bytes */
#define JUDGE_QUIET_NS 2000000ull
#define JUDGE_OPENINGS 256 /* connections of which a SYN's data is kept, and nothing came yet */
#define JUDGE_KEPT 32 /* at most that part of the slots is kept of one connection that went on */
#define JUDGE_RECENT_NS 2000000000ull /* how long UDP is taken for the connection just decided */

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

struct judge_config {
	const struct tables *tables;
	struct board *board;
	uint32_t slots; /* they are numbered from 0 */
	uint64_t hold; /* nanoseconds that a packet waits at most */
	unsigned small, large; /* blocks, see stream.h */
	void *ctx;
	void (*answer)(void *ctx, uint32_t slot, enum act act);
	/* Instead of an answer: it goes on with these bytes, as many as it had. */
	void (*rewritten)(void *ctx, uint32_t slot, const uint8_t *p, size_t n);
	/* Instead of an answer: it is denied, and its client told this (dns_reply.h). NULL: nobody
	 * can. */
	void (*replied)(void *ctx, uint32_t slot, const uint8_t *message, size_t n);
	void (*event)(void *ctx, const struct event *e);
};

struct judge_packet {
	uint32_t slot;
	uint32_t field; /* of its mark */
	bool replayed; /* another process had it before */
	bool kept; /* and let it go on: no answer but ACT_FORGET */
	bool several; /* it was several before the kernel put them together, where is not known */
	uint64_t now; /* boot clock, nanoseconds: of its arrival, and now */
	const uint8_t *p; /* from the IP header on */
	size_t n;
};

struct judge;

struct judge *judge_new(const struct judge_config *c); /* NULL if out of memory */
void judge_free(struct judge *j); /* NULL is fine; nothing is answered */
void judge_packet(struct judge *j, const struct judge_packet *k);
/* Decides what has waited too long, and lets go on what waits in vain; the time at which to call
 * again, UINT64_MAX: nothing waits. */
uint64_t judge_tick(struct judge *j, uint64_t now);

#endif
