/* SPDX-License-Identifier: GPL-2.0-or-later
 * Messages of nf_tables about a set of table inet fwc and its elements, as all put them who read or
 * change one.
 */
#ifndef FWC_KERNEL_SETELEM_H
#define FWC_KERNEL_SETELEM_H

#include <libmnl/libmnl.h>

#include "util/ival.h"

/* NFT_MSG_* with NLM_F_REQUEST and these flags, of the set; its length is that of head and name. */
struct nlmsghdr *setelem_head(void *room, uint16_t type, uint16_t flags, const char *set);

enum setelem {
	SETELEM_FIRST, /* an address, or of a range the first one */
	SETELEM_END, /* the one behind a range */
	SETELEM_FIRST_OPEN, /* nothing ends it: it goes up to the last address there is */
};
/* Into the list of elements that is open in the message. */
void setelem_put(struct nlmsghdr *h, enum family family, u128 address, enum setelem what);

#endif
