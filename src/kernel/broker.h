/* SPDX-License-Identifier: GPL-2.0-or-later
 * A process that reads policies holds no capability. What it needs of the kernel, another process
 * does for it, which was forked before and reads no policy: it lists rulesets, settings and
 * connections, loads scripts into network namespaces that end with the load, and traces packets
 * that a question is about. Nothing else can be asked of it.
 */
#ifndef FWC_BROKER_H
#define FWC_BROKER_H

/* Starts the broker, which keeps CAP_NET_ADMIN and CAP_SYS_ADMIN, if this process has them. From
 * then on nftrun(), sysctl_snapshot(), genid_get() and conns_read() ask it (ask.h). 0 or -errno. */
int broker_start(void);

#endif
