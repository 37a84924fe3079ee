/* SPDX-License-Identifier: GPL-2.0-or-later
 * Progress on a terminal: one line at the bottom of standard error, from a second on, gone when
 * what it tells of is over, or when the program is interrupted. Where standard error is no terminal
 * there is nothing.
 */
#ifndef FWC_METER_H
#define FWC_METER_H

#include <poll.h>

/* Before any process is forked that works for this one. */
void meter_start(void);
/* In such a process: what it tells, its parent shows. */
void meter_mute(void);
/* poll(2), and meanwhile what others tell is shown. */
int meter_poll(struct pollfd *p, nfds_t n, long ms);

#endif
