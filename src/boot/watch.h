/* SPDX-License-Identifier: GPL-2.0-or-later
 * Work that may die, in a process that is watched by one that does nothing else.
 */
#ifndef FWC_WATCH_H
#define FWC_WATCH_H

#include "util/buf.h"

enum watch {
	WATCH_WORK, /* this process is to do the work; also where there can be no other */
	WATCH_ENDED, /* the work came to its end, with *result as exit status */
	WATCH_DIED, /* it did not, or not in time, and is gone; why says how */
};

/* Returns twice, as fork(2) does. Who works calls watch_end() when it is done. */
enum watch watch_begin(unsigned seconds, int *result, struct buf *why);
void watch_end(void);

#endif
