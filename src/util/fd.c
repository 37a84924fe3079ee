/* SPDX-License-Identifier: GPL-2.0-or-later
 * bytes <-> descriptor.
 */
#include "util/fd.h"

#include <errno.h>
#include <unistd.h>

int fd_write(int fd, const void *data, size_t n)
{
	const char *p = data;

	while (n) {
		ssize_t w = write(fd, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return w ? -errno : -EIO;
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

int fd_read(int fd, struct buf *out)
{
	char piece[4096];
	off_t at = 0;
	ssize_t n;

	while ((n = pread(fd, piece, sizeof(piece), at)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		buf_add(out, piece, (size_t)n);
		at += n;
	}
	return 0;
}
