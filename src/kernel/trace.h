/* SPDX-License-Identifier: GPL-2.0-or-later
 * What nftables tells of the packets that a rule marked by `meta nftrace set 1`: events of
 * NFNLGRP_NFTRACE, one for each rule that a packet matched and for each end of a base chain.
 */
#ifndef FWC_KERNEL_TRACE_H
#define FWC_KERNEL_TRACE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "kernel/child.h"
#include "nft/trace.h"

enum trace_kind {
	TRACE_RULE, /* matched */
	TRACE_RETURN, /* the end of a chain that was jumped to */
	TRACE_POLICY, /* the end of a base chain */
	TRACE_LOST, /* the kernel had more events than room for them */
	TRACE_READY, /* the table is there; text: a remark, or "" */
	TRACE_FAILED, /* text: why */
	TRACE_ENDED, /* handle: packets that were over the rate */
};

struct trace_event {
	enum trace_kind kind;
	struct timespec at; /* CLOCK_REALTIME, when it was read */
	uint32_t id; /* of a packet, but another one may have had it before */
	uint8_t family; /* NFPROTO_* of the table */
	char table[128], chain[128], target[128]; /* target: of jump and goto */
	uint64_t handle; /* TRACE_RULE */
	uint32_t verdict; /* NF_ACCEPT, NF_DROP, NF_QUEUE..., NFT_JUMP...; TRACE_POLICY: of it */
	/* With the first event of each base chain: the packet as it is there. */
	char in[16], out[16];
	uint8_t network[40], transport[20];
	uint8_t nnetwork, ntransport; /* bytes of them */
	uint32_t mark;
	char text[512];
};

#define TRACE_RATE 20 /* packets a second */

struct tracer {
	const char *netns;
	const struct trace_question *question;
	bool all; /* struct trace_table */
	bool may_own; /* try it with an owner first */
	/* from trace_start() on */
	pid_t pid; /* the table is called after it */
	struct buf owned, ownerless, cleanup, count; /* what nft is told */
	struct child child; /* or by the broker: */
	int answer; /* the socket, -1: none */
	struct buf why;
	int ends[2]; /* ours, the child's */
};

/* In a child, in the namespace. Its table goes when the child does; one without an owner stays if
 * the child is killed, which outlives us for long enough to remove it. Nothing is known to have
 * worked before TRACE_READY came. 0 or -errno. */
int trace_start(struct tracer *t);
/* In the broker: does that for somebody else, to whom `end` leads, until he has had enough. */
int trace_serve(struct tracer *t, int end);
/* Removes the table of a trace, of the process with that number, if it is dead. 0 or -errno. */
int trace_sweep(const char *netns, pid_t pid);
/* The next event; t->ends[0] is readable when there is one. 1, 0: there is none yet (unless
 * `wait`), or -errno: none will come. */
int trace_read(struct tracer *t, struct trace_event *out, bool wait);
/* No more is wanted: what the kernel has told until now still comes, and TRACE_ENDED at last. */
void trace_end(struct tracer *t);
/* 0 or -errno, with t->why. */
int trace_stop(struct tracer *t);
void trace_free(struct tracer *t);

#endif
