/* SPDX-License-Identifier: GPL-2.0-or-later
 * Packets that wait in the kernel, one after the other -> what is to become of each. Values in,
 * values out: the caller has the packets, tells the time, and carries the answers.
 *
 * A packet is named by its slot; each gets one answer that is not HOLD, at once or later, and one
 * more if that was KEEP. All memory is taken by judge_new().
 */
#ifndef FWC_INSPECT_JUDGE_H
#define FWC_INSPECT_JUDGE_H

#include "inspect/board.h"
#include "inspect/event.h"
#include "inspect/tables.h"

#define JUDGE_FLOW_PACKETS 96 /* held of one connection */
#define JUDGE_OPENINGS 256 /* connections of which a SYN's data is kept, and nothing came yet */
#define JUDGE_RECENT_NS 2000000000ull /* how long UDP is taken for the connection just decided */

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
