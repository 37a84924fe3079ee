/* SPDX-License-Identifier: GPL-2.0-or-later
 * The kernel's log, record by record: /dev/kmsg (Documentation/ABI/testing/dev-kmsg).
 */
#ifndef FWC_KMSG_H
#define FWC_KMSG_H

#include <stdbool.h>
#include <time.h>

#include "util/buf.h"

struct kmsg {
	struct timespec at; /* CLOCK_REALTIME; off by the time that the machine has slept */
	bool lost; /* records between the last one and this were overwritten */
	struct buf text; /* without what escapes it; kmsg_free() */
};

/* A descriptor that can be polled, or -errno. */
int kmsg_open(void);
/* Opens it for kmsg_open(), which may come when nobody may any more. */
void kmsg_prepare(void);
/* The next record: 1, 0: there is none yet, or -errno. */
int kmsg_read(int fd, struct kmsg *out);
void kmsg_free(struct kmsg *k);
/* "6,339,5140900,-;text" -> *out but for out->lost; false if it is no record. */
bool kmsg_parse(char *record, struct kmsg *out);

#endif
