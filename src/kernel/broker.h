/* SPDX-License-Identifier: GPL-2.0-or-later
 * A process that reads policies holds no capability. What it needs of the kernel, another process
 * does for it, which was forked before and reads no policy: it lists rulesets, settings and
 * connections, and loads scripts into network namespaces that end with the load. Nothing else can
 * be asked of it.
 */
#ifndef FWC_BROKER_H
#define FWC_BROKER_H

#include "kernel/nftrun.h"

/* Starts the broker, which keeps CAP_NET_ADMIN and CAP_SYS_ADMIN, if this process has them. From
 * then on nftrun(), sysctl_snapshot(), genid_get() and conns_read() ask it. 0 or -errno. */
int broker_start(void);
bool broker_there(void);

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
	BROKER_LINKS
};
int broker_ask(enum broker_request what, const char *netns, struct buf *out, struct buf *why);

#endif
