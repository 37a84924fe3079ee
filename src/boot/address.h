/* SPDX-License-Identifier: GPL-2.0-or-later
 * Addresses that people write on command lines and in settings.
 */
#ifndef FWC_ADDRESS_H
#define FWC_ADDRESS_H

#include <stdbool.h>

#include "util/arena.h"

/* "ADDRESS", or with `network` also "ADDRESS/LENGTH", as inet_ntop(3) writes it; NULL: it is none.
 */
const char *address_canonical(struct arena *a, const char *text, bool network);

#endif
