/* SPDX-License-Identifier: GPL-2.0-or-later
 * A process that reads policies may open nothing that is not for everybody (confine.h). Another
 * process, which was forked before and takes nothing apart, opens for it: what the command line
 * names, what a policy or a manifest that it has opened names in a string (by the rules of
 * policies), and what is in a directory that was named. It writes the one thing that the command is
 * there to write, and calls sockets, by names of the command line alone.
 */
#ifndef FWC_OPENER_H
#define FWC_OPENER_H

#include <stdbool.h>
#include <stdint.h>

#include "util/arena.h"
#include "util/buf.h"

struct opener_job { /* what it does, and for which names */
	const char *const *named;
	size_t nnamed;
	const char *sockets; /* it connects to those whose names begin so, too */
	/* by the rules of policies; their names in each other */
	int (*open)(const char *path, struct buf *why, struct buf *hint);
	size_t (*glob)(const char *pattern, struct arena *a, char ***paths);
	char *(*beside)(struct arena *a, const char *file, const char *name);
	char *(*pattern_beside)(struct arena *a, const char *file, const char *name);
	bool (*user)(const char *name, uint32_t *uid);
	bool (*group)(const char *name, uint32_t *gid);
	/* Writes: parts[0] is the name, which must be among those above, or empty. NULL: nothing is
	 * written. 0 or -errno with why. */
	int (*write)(void *ctx, const struct buf *parts, size_t n, struct buf *why);
	void *ctx;
};

#define OPENER_PARTS 8

/* 0 or -errno. From then on the functions below ask it; before, they do it themselves. */
int opener_start(const struct opener_job *job);
bool opener_there(void);

/* openat(2) for reading; the descriptor or -errno. What this process may open it opens itself. */
int opener_openat(int dir, const char *name, int flags);
/* job->open and so on, there. */
int opener_policy(const char *path, struct buf *why, struct buf *hint);
size_t opener_glob(const char *pattern, struct arena *a, char ***paths);
bool opener_user(const char *name, uint32_t *uid);
bool opener_group(const char *name, uint32_t *gid);
int opener_write(const struct buf *parts, size_t n, struct buf *why);
/* A stream to a local socket, whose sending ends after so many seconds: descriptor or -errno. */
int opener_connect(const char *path, unsigned seconds);

#endif
