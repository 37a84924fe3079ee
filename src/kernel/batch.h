/* SPDX-License-Identifier: GPL-2.0-or-later
 * Transactions of libnftables that the kernel refuses if the ruleset is no longer the one that was
 * looked at.
 */
#ifndef FWC_BATCH_H
#define FWC_BATCH_H

#include <stdint.h>

/* From here on in this process: unless the generation is this, ERESTART. 0: any. */
void batch_expect(uint32_t generation);

struct nlmsghdr;
/* NFNL_MSG_BATCH_BEGIN or _END at the head of buf; a generation other than 0 is demanded. */
struct nlmsghdr *batch_bound(char *buf, uint16_t type, uint32_t seq, uint32_t generation);

#endif
