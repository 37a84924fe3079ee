/* SPDX-License-Identifier: GPL-2.0-or-later
 * Addresses that are nobody's on the Internet: of this machine, of one link or one house, of
 * groups. What comes from elsewhere has no business to name them (rebinding).
 */
#ifndef FWC_SPECIAL_H
#define FWC_SPECIAL_H

#include "util/bulk.h"

bool special_address(enum family family, u128 address);
/* All of them, settled. */
void special_all(struct bulk *out, struct arena *a);

#endif
