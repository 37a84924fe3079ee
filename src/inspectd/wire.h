/* SPDX-License-Identifier: GPL-2.0-or-later
 * What the process that holds a queue and the one that judges its packets say to each other.
 *
 *	slots    memory, one place for each packet; the judge can only read it
 *	board    memory that both can write (inspect/board.h); the holder believes nothing in it
 *	socket   SOCK_SEQPACKET: packets to look at one way, answers the other
 *
 * The holder goes by its own notes (lane.c) about which slots are open, and takes an answer for
 *what it is: a wish of a process that may have been taken over by what it read.
 */
#ifndef FWC_INSPECTD_WIRE_H
#define FWC_INSPECTD_WIRE_H

#include "inspect/judge.h"

#define SLOTS 1024
#define SLOT_SIZE (17 * 4096) /* QUEUE_MESSAGE_MAX, in whole pages */
#define WIRE_BATCH 64
#define WIRE_ANSWERS 512
#define WIRE_EVENTS 64

/* File descriptors of a judge. */
enum { JUDGE_SOCKET = 3, JUDGE_SLOTS, JUDGE_BOARD, JUDGE_TABLES };

struct wire_packet {
	uint32_t slot, offset, len, field;
	uint64_t arrived; /* boot clock, nanoseconds */
	uint32_t replayed;
	uint16_t kept; /* it went on: no answer but ACT_FORGET */
	uint16_t several; /* the kernel has put it together */
};

struct wire_answer {
	uint32_t slot, act;
};

/* ANSWERED: for a batch of packets one message, since each one wakes its receiver. LOADING: it is
 * not ready, and further than before. REPLIED: a packet is denied, and its client told something.
 */
enum wire_kind {
	WIRE_READY,
	WIRE_ANSWERED,
	WIRE_REWRITTEN,
	WIRE_LOADING,
	WIRE_REPLIED,
};

struct wire_reply {
	uint32_t kind; /* enum wire_kind */
	uint32_t n; /* ANSWERED: answers; REWRITTEN, REPLIED: bytes */
	uint32_t slot; /* REWRITTEN, REPLIED */
	uint32_t events; /* ANSWERED: what was decided, behind the answers */
	uint64_t taken; /* packets looked at so far */
	union {
		struct wire_answer answers[WIRE_ANSWERS];
		struct event event; /* for its alignment */
		uint8_t bytes[65536];
	};
};
_Static_assert(sizeof(struct wire_answer) * WIRE_ANSWERS + sizeof(struct event) * WIRE_EVENTS <=
		       65536,
	       "a full message");
#define WIRE_HEAD offsetof(struct wire_reply, answers)

#endif
