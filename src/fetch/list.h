/* SPDX-License-Identifier: GPL-2.0-or-later
 * A list as it came -> ranges, in a process that may do nothing else.
 */
#ifndef FWC_FETCH_LIST_H
#define FWC_FETCH_LIST_H

#include <stdbool.h>

#include "util/bulk.h"

/* Of a file. 0 or -errno with why; *note: what was left out, or NULL. */
int fetch_list_read(int fd, bool lenient, struct arena *a, struct bulk *out, const char **note,
		    struct buf *why);

#endif
