/* SPDX-License-Identifier: GPL-2.0-or-later
 * Addresses that people write on command lines and in settings.
 */
#ifndef FWC_ADDRESS_H
#define FWC_ADDRESS_H

#include <stdbool.h>

#include "util/arena.h"

enum address {
	ADDRESS_NONE, /* the text is none */
	ADDRESS_FINE,
	ADDRESS_MASKED, /* bits were set behind the length: the network is meant that holds it */
	ADDRESS_ANY, /* the same with /0: a slip that would be everybody, so nothing is written */
};

/* "ADDRESS", or with `network` also "ADDRESS/LENGTH", as inet_ntop(3) writes it; IPv4 within IPv6
 * (::ffff:192.0.2.1) is IPv4. */
enum address address_read(struct arena *a, const char *text, bool network, const char **out);

#endif
