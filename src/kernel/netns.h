/* SPDX-License-Identifier: GPL-2.0-or-later
 * Network namespaces by name, as ip-netns(8) has them.
 */
#ifndef FWC_KERNEL_NETNS_H
#define FWC_KERNEL_NETNS_H

/* The process enters the one of that name below /run/netns. 0 or -errno; -ENOENT: there is none. */
int netns_enter(const char *name);
/* The same; and what lies in /etc/netns/NAME lies in /etc for it, as for `ip netns exec`: whom it
 * asks for names, and whose certificates it trusts. */
int netns_enter_as_program(const char *name);

#endif
