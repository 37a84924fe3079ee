/* SPDX-License-Identifier: GPL-2.0-or-later
 * The process that judges: it can read its packets and tables, and answer; nothing else.
 */
#ifndef FWC_INSPECTD_WORKER_H
#define FWC_INSPECTD_WORKER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct worker_options {
	uint64_t hold; /* seconds */
	uid_t uid;
	gid_t gid;
	const char *try; /* for tests: what to try from within, or NULL */
};

/* With the descriptors of wire.h open; yields an exit status. */
int worker_run(const struct worker_options *o);

/* Gives up all that a judge does not need; 0 or -errno. After it even a new thread is beyond it. */
int sandbox_enter(uid_t uid, gid_t gid);
/* 0 if it could do what it must not be able to do: "open", "socket", "verdict", "exec", "kill". */
int sandbox_try(const char *what);

#endif
