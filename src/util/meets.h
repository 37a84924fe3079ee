/* SPDX-License-Identifier: GPL-2.0-or-later
 * Intervals that come one after another -> those that came before and share a number with one.
 */
#ifndef FWC_MEETS_H
#define FWC_MEETS_H

#include "util/ival.h"

struct meets;

/* How many pairs of them share a number. */
uint64_t meets_pairs(const struct ival *v, size_t n);

/* `all`: every interval that will come, by its number; it must last as long. In the arena. */
struct meets *meets_new(struct arena *a, const struct ival *all, size_t n);
void meets_add(struct meets *m, size_t i);
/* Calls `see` once with each that was added and shares a number with interval i, most of the later
 * ones first, until that yields false. */
void meets_each(struct meets *m, size_t i, bool (*see)(void *with, size_t j), void *with);

#endif
