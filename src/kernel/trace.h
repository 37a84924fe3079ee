/* SPDX-License-Identifier: GPL-2.0-or-later
 * What nftables tells of the packets that a rule marked by `meta nftrace set 1`: events of
 * NFNLGRP_NFTRACE, one for each rule that a packet matched and for each end of a base chain.
 */
#ifndef FWC_TRACE_H
#define FWC_TRACE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "kernel/child.h"

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

struct tracer {
	const char *netns;
	/* Scripts that make the table: one that gives it an owner, so that it goes with the child's
	 * socket (since Linux 5.12), or NULL; one that does not; and what removes that again. */
	const char *owned, *ownerless, *cleanup;
	const char *count; /* lists a chain with one counter: what was over the rate */
	struct child child;
	int ends[2]; /* ours, the child's */
};

/* In a child, in the namespace. Its table goes when the child does; one without an owner stays if
 * the child is killed, which outlives us for long enough to remove it. Nothing is known to have
 * worked before TRACE_READY came. 0 or -errno. */
int trace_start(struct tracer *t);
/* The next event; t->ends[0] is readable when there is one. 1, 0: there is none yet (unless
 * `wait`), or -errno: none will come. */
int trace_read(struct tracer *t, struct trace_event *out, bool wait);
/* No more is wanted: what the kernel has told until now still comes, and TRACE_ENDED at last. */
void trace_end(struct tracer *t);
/* 0 or -errno, with t->child.why. */
int trace_stop(struct tracer *t);

#endif
