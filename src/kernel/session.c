/* SPDX-License-Identifier: GPL-2.0-or-later
 * Environment, and /proc/PID/{stat,environ} of the ancestors (proc(5)) -> SSH_CONNECTION.
 */
#include "kernel/session.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/buf.h"
#include "util/cleanup.h"

#define NAME "SSH_CONNECTION="
#define ANCESTORS 64

static void slurp(const char *path, struct buf *out)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char piece[4096];
	ssize_t n;

	while (fd >= 0 && (n = read(fd, piece, sizeof(piece))) > 0)
		buf_add(out, piece, (size_t)n);
}

static int parent_of(int pid)
{
	_cleanup_buf_ struct buf stat = {0};
	char path[64];
	const char *name_end;
	int parent = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	slurp(path, &stat);
	name_end = strrchr(buf_str(&stat), ')'); /* the name may hold anything */
	if (!name_end || sscanf(name_end, ") %*c %d", &parent) != 1)
		return 0;
	return parent;
}

/* Its environment as it was when the program began; unreadable where it is another user's. */
static const char *of_process(struct arena *a, int pid)
{
	_cleanup_buf_ struct buf all = {0};
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/environ", pid);
	slurp(path, &all);
	for (const char *at = buf_str(&all), *end = at + all.len; at < end; at += strlen(at) + 1)
		if (!strncmp(at, NAME, strlen(NAME)))
			return arena_strdup(a, at + strlen(NAME));
	return NULL;
}

const char *session_ssh(struct arena *a)
{
	const char *found = getenv("SSH_CONNECTION");
	int pid = getppid();

	for (int i = 0; !found && pid > 1 && i < ANCESTORS; i++, pid = parent_of(pid))
		found = of_process(a, pid);
	return found && *found ? found : NULL;
}
