/* SPDX-License-Identifier: GPL-2.0-or-later
 * All bytes to a descriptor, or of one.
 */
#ifndef FWC_FD_H
#define FWC_FD_H

#include "util/buf.h"

/* 0 or -errno. */
int fd_write(int fd, const void *data, size_t n);
/* From the beginning of a file to its end, wherever the descriptor is. 0 or -errno. */
int fd_read(int fd, struct buf *out);

#endif
