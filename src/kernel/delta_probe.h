/* SPDX-License-Identifier: GPL-2.0-or-later
 * Which of some elements a set of table inet fwc holds: each is asked for by its key, so that it
 * costs nothing how many others there are.
 */
#ifndef FWC_DELTA_PROBE_H
#define FWC_DELTA_PROBE_H

#include "util/ival.h"

/* there[i]: exactly v[i] is in it, of an interval set with both ends. 0 or -errno. */
int delta_probe(const char *set, enum family family, bool interval, const struct ival *v, size_t n,
		bool *there);

#endif
