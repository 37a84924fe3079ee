/* SPDX-License-Identifier: GPL-2.0-or-later
 * fwc-fetch at work: several of them at once, each with one file to write.
 */
#ifndef FWC_FETCH_JOB_H
#define FWC_FETCH_JOB_H

#include <stdbool.h>

#include "util/buf.h"

#define FETCH_BYTES ((uint64_t)64 << 20) /* that a list may have */

struct fetch_job {
	/* "names", or "url" */
	const char *what;
	bool special; /* see fetcher.h */
	unsigned ms;
	uint64_t bytes;
	const char *netns; /* where it asks; NULL: here */
	struct buf in;
	/* out */
	bool done; /* it ended well */
	int body; /* a file without a name, or -1 */
	struct buf said; /* what it says of it */
	/* while it runs */
	int pid, hear, words;
	uint64_t deadline;
};

void fetch_jobs_run(struct fetch_job *v, size_t n);
void fetch_job_free(struct fetch_job *j);
/* The rest of the line that begins with that word, in what it says; NULL: there is none. malloc()ed
 * text. */
char *fetch_job_word(const struct fetch_job *j, const char *word);

#endif
