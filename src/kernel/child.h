/* SPDX-License-Identifier: GPL-2.0-or-later
 * Work in a child process: in another network namespace, within limits, and free to crash.
 */
#ifndef FWC_CHILD_H
#define FWC_CHILD_H

#include <stdbool.h>

#include "util/buf.h"

enum child_where {
	CHILD_HERE,
	CHILD_NETNS,
	CHILD_SCRATCH, /* a namespace that dies with it; below a user namespace if it must be */
	CHILD_SCRATCH_USER, /* the same, below a user namespace in any case */
};

struct child {
	enum child_where where;
	const char *netns; /* CHILD_NETNS: a name below /run/netns */
	unsigned timeout_ms; /* 0: two minutes */
	bool no_files; /* it opens none by name, where the kernel has landlock */
	/* What runs; its result is handed back. Memory it writes for the parent must be shared:
	 * child_memory(). */
	int (*run)(void *arg);
	void *arg;
	struct buf why; /* of a failure; child_free() */
	bool no_scratch; /* the failure: nobody, or not this user, may make a namespace here */
	/* between start and wait */
	int pid, hear, said;
	struct child_state *state;
	long deadline;
	bool stayed; /* child_stay() */
	int result; /* of that */
};

/* The result of run(), which must not be negative, or -errno if the child came to no end of its
 * own: -ETIMEDOUT, -ECHILD (killed, or something in it called exit()), -EPERM, -ENOENT (no
 * namespace). */
int child_run(struct child *c);
/* The same in two steps, for work at the same time: each child_start() wants its child_wait(),
 * whose result tells, too, if the start failed. */
void child_start(struct child *c);
int child_wait(struct child *c);
void child_free(struct child *c);
/* child_run(), of which the child changes *arg, n bytes, and a result that is an error number is
 * handed back as a negative one. */
int child_run_on(struct child *c, void *arg, size_t n);
/* Memory that children share, all zero; NULL: there is none. */
void *child_memory(size_t n);
void child_memory_free(void *p, size_t n);

/* In a process that has just been forked: it ends with the one that forked it. */
void child_follow(int parent);
/* In a process that was forked to answer one question: the next child runs there, goes where
 * it should and does not come back, for whoever asks is told of its end as of a child's. To fork
 * once more would cost more than most questions. */
void child_stay(void);

/* For the caller's convenience: where to go for --netns. */
static inline enum child_where child_where_of(const char *netns)
{
	return netns ? CHILD_NETNS : CHILD_HERE;
}

#endif
