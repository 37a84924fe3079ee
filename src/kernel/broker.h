/* SPDX-License-Identifier: GPL-2.0-or-later
 * A process that reads policies holds no capability. What it needs of the kernel, another process
 * does for it, which was forked before and reads no policy: it lists rulesets, settings and
 * connections, loads scripts into network namespaces that end with the load, and traces packets
 * that a question is about. Nothing else can be asked of it.
 */
#ifndef FWC_BROKER_H
#define FWC_BROKER_H

#include <sys/types.h>

#include "kernel/nftrun.h"

/* Starts the broker, which keeps CAP_NET_ADMIN and CAP_SYS_ADMIN, if this process has them. From
 * then on nftrun(), sysctl_snapshot(), genid_get() and conns_read() ask it. 0 or -errno. */
int broker_start(void);
bool broker_there(void);
/* In a process that was forked since, and does not ask: the broker ends with the one that does. */
void broker_forget(void);

/* For nftrun.c: nftrun() in two steps; 0 or -errno with r->why. */
void broker_nftrun_start(struct nftrun *r);
int broker_nftrun_wait(struct nftrun *r);
/* For sysctl.c, genid.c, flows.c, links.c: what there is to read in a namespace (NULL: here), as
 * bytes. The broker does it by the function of theirs that its table names. 0 or -errno with why.
 */
enum broker_request {
	BROKER_NFTRUN,
	BROKER_SYSCTL,
	BROKER_GENID,
	BROKER_CONNS,
	BROKER_ADDRESSES,
	BROKER_LINKS,
	BROKER_TRACE,
	BROKER_SWEEP,
};
int broker_ask(enum broker_request what, const char *netns, struct buf *out, struct buf *why);

/* For trace.c. The table is made by the broker, of a question that has nothing but matches, and is
 * called after the process that asks. */
struct tracer;
int broker_trace_start(const struct tracer *t); /* the socket of the answer, or -errno */
int broker_trace_wait(struct tracer *t);
int broker_trace_sweep(const char *netns, pid_t pid);

#endif
