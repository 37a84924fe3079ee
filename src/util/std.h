/* SPDX-License-Identifier: GPL-2.0-or-later
 * What a program was not given of standard input, output and error is /dev/null: else the next file
 * or socket that it opens takes the place, and what was meant for people goes there.
 */
#ifndef FWC_STD_H
#define FWC_STD_H

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* The first thing that a program does. */
static inline void std_open(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
			continue;
		/* the lowest number is taken; where there is no /dev, memory does as well */
		if (openat(AT_FDCWD, "/dev/null", O_RDWR) < 0 && memfd_create("null", 0) < 0)
			_exit(3);
	}
}

#endif
