/* SPDX-License-Identifier: GPL-2.0-or-later
 * One queue with all that belongs to it: a thread that takes its packets and sends its verdicts,
 * the memory in which they lie, and the process that judges them.
 *
 * Packets stay in their slots until they are answered, so that whoever judges can be replaced at
 * any time: after a death, for new tables, for a new program. The next one is given all open slots
 * in the order in which they came.
 */
#ifndef FWC_INSPECTD_LANE_H
#define FWC_INSPECTD_LANE_H

#include <pthread.h>

#include "inspectd/queue.h"
#include "inspectd/wire.h"

struct lane_tables { /* shared by all lanes; never changed */
	int fd; /* sealed */
	void *bytes; /* of it, mapped; the names of `tables` lie in there */
	size_t size;
	struct tables tables;
	char hash[65];
	uint64_t loaded; /* seconds since 1970 */
	unsigned users; /* atomic */
};

/* KEPT: the kernel has its answer, and judges still need it. */
enum place { PLACE_FREE, PLACE_OPEN, PLACE_KEPT };

struct lane_place { /* what the holder notes of a slot */
	uint32_t open; /* enum place */
	uint32_t id, mark, offset, len;
	uint16_t deaths; /* of processes that were looking at it */
	uint16_t several; /* the kernel has put it together */
	uint64_t arrived, order;
};

/* Outlives the process, in memory that no judge can see. */
struct lane_ledger {
	uint64_t format; /* LANE_FORMAT */
	uint64_t order; /* of the next packet */
	struct lane_place place[SLOTS];
};
#define LANE_FORMAT 0x6677632d6c310004ull
#define LANE_FORMAT_0_1 0x6677632d6c310001ull /* the same, but the board is another one */

struct lane_counts { /* written by the lane's thread alone; read by others */
	uint64_t packets, answered[NACTS], rewritten;
	uint64_t replied, unreplied; /* queries whose clients were told that they are denied */
	uint64_t restarts; /* judges that died */
	uint64_t replayed; /* packets given to a second judge */
	uint64_t settled; /* packets answered without one: it died of them, or there was none */
	uint64_t nonsense; /* answers that no judge should give */
	uint64_t lost_events; /* for which there was no room */
	uint64_t refused; /* verdicts that the kernel did not take */
	uint64_t waiting; /* open slots, now */
};

struct judge_process {
	pid_t pid; /* 0: none */
	int fd;
	bool ready;
	uint64_t started, heard; /* boot clock, nanoseconds */
	uint64_t given, taken; /* packets */
};

struct lane_options { /* the same for all */
	const char *program;
	uint64_t hold;
	uid_t uid;
	gid_t gid;
	struct responder *responder; /* NULL: nobody is told anything */
	int events; /* where decisions are told: a SOCK_SEQPACKET that may be full */
};

struct lane {
	const struct lane_options *o;
	struct queue_config config;
	struct queue queue;
	struct lane_tables *tables;
	uint8_t *slots;
	struct board *board;
	struct lane_ledger *ledger;
	int slots_fd, board_fd, ledger_fd;
	struct judge_process judge, next; /* next: with new tables, until it takes over */
	struct lane_tables *next_tables;
	bool asked, go; /* somebody waits for it to be ready; and then it takes over */
	uint32_t free[SLOTS], nfree;
	uint32_t todo[SLOTS], ntodo; /* open slots not yet given to the judge, in order */
	uint64_t replay_until; /* order: packets before it are given a second time */
	uint64_t not_before; /* no new judge until then */
	unsigned short_lives;
	uint64_t second; /* of a thousand: since when the packets below are counted */
	uint32_t lately, rate; /* packets since then, and in the one before */
	struct lane_counts counts;
	int order_fd, report_fd; /* of the main thread, and the lane's end */
	pthread_t thread;
	bool stop, drain, gone;
};

enum lane_order {
	LANE_TABLES, /* a judge with these takes over */
	LANE_PREPARE, /* one gets ready, and waits */
	LANE_FORGET, /* none is to wait any more */
	LANE_STOP,
	LANE_DRAIN
};

/* Opens the queue, or takes over the descriptors (each -1: none) of another process, which may be
 * of another release: what cannot be read of it is made anew, and *old says so. 0 or -errno. */
struct lane_fds {
	int queue, slots, board, ledger;
};
int lane_open(struct lane *l, const struct lane_options *o, const struct queue_config *c,
	      struct lane_fds *old, struct lane_tables *t, struct buf *why);
int lane_start(struct lane *l); /* its thread */
/* What is begun is carried out while the caller does something else, until it waits for it. 0 or
 * -errno; -EINVAL: no judge started with these tables. */
int lane_begin(struct lane *l, enum lane_order what, struct lane_tables *t);
int lane_wait(struct lane *l);
/* Orders are carried out before these return; 0 or -errno. */
/* The thread ends; packets stay where they are, for another process. */
int lane_pause(struct lane *l);
/* All packets are answered by on-no-helper, new ones pass where that says allow; the thread ends.
 */
int lane_finish(struct lane *l);
void lane_close(struct lane *l);

struct lane_tables *lane_tables_use(struct lane_tables *t);
void lane_tables_drop(struct lane_tables *t);

/* judge_process.c */
int judge_start(struct judge_process *p, const struct lane *l, const struct lane_tables *t);
void judge_stop(struct judge_process *p);
uint64_t lane_clock(void); /* boot clock, nanoseconds */

/* lane_answer.c: what to do with the open packets in l->ledger */
void lane_settle(struct lane *l, uint32_t slot, enum act act, const uint8_t *bytes, size_t n);
/* What came from a judge, until it owes no answer: to ask once more costs as much as to be told.
 * false: it is no judge any more. */
bool lane_hear(struct lane *l, struct judge_process *p);
void lane_hear_rest(struct lane *l, struct judge_process *p); /* all, before it is stopped */
const struct table_rule *lane_rule(const struct lane *l, uint32_t slot); /* or NULL */
/* By the words of the packet's rule, without a judge. */
void lane_settle_by(struct lane *l, uint32_t slot, enum cause cause);
/* lane_reply.c: tells the client of the query that waits there, if it is one and may be told */
void lane_reply(struct lane *l, uint32_t slot, const uint8_t *message, size_t n);

#endif
