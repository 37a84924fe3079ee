/* SPDX-License-Identifier: GPL-2.0-or-later
 * How far something is that may take long: loops tell it here, and whoever shows it looks here.
 * Where nobody does, it costs nothing.
 */
#ifndef FWC_PROGRESS_H
#define FWC_PROGRESS_H

#include <stdint.h>

enum progress_of {
	PROGRESS_NONE,
	PROGRESS_READING, /* files of lists */
	PROGRESS_COMPILING,
	PROGRESS_TRYING, /* in a namespace of its own */
	PROGRESS_PROVING,
	PROGRESS_FINDINGS,
	PROGRESS_COMPARING, /* two rulesets */
	PROGRESS_FLOWS, /* connections */
	PROGRESS_LOADING, /* lists into the kernel */
	PROGRESS_READING_BACK, /* and compared */
	PROGRESS_FETCHING, /* what others have */
	PROGRESS_CHANGING, /* sets in place */
	NPROGRESS
};

struct progress { /* may be shared with the processes that do the work */
	enum progress_of what;
	uint64_t done, total; /* total 0: nobody knows */
	uint32_t nth; /* which one since the process began */
};

/* look() is called whenever something is told. NULL: it is only written down. */
void progress_shown_by(struct progress *where, void (*look)(void));

void progress_begin(enum progress_of what, uint64_t total);
/* Of a loop not for each of a million, but for some hundreds together. */
void progress_at(uint64_t done);
/* One more. */
void progress_step(void);
/* Time goes by. */
void progress_tick(void);
void progress_end(void);

#endif
