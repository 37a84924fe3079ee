/* SPDX-License-Identifier: GPL-2.0-or-later
 * fork(2), and a look at what becomes of it.
 */
#include "boot/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* Shared by both. exit() somewhere in a library is no end: only this tells. */
static volatile bool *ended;

static void describe(int status, bool late, unsigned seconds, struct buf *why)
{
	buf_puts(why, "loading ");
	if (late)
		buf_printf(why, "took longer than %u seconds", seconds);
	else if (WIFSIGNALED(status))
		buf_printf(why, "was killed by signal %d (%s)", WTERMSIG(status),
			   strsignal(WTERMSIG(status)));
	else
		buf_printf(why, "exited early (status %d)", WEXITSTATUS(status));
}

/* The worker and its children hold the writing end; with the worker its children die. */
static bool in_time(int fd, unsigned seconds)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int n;

	do
		n = poll(&p, 1, (int)seconds * 1000);
	while (n < 0 && errno == EINTR);
	return n != 0;
}

enum watch watch_begin(unsigned seconds, int *result, struct buf *why)
{
	int ends[2], status = 0;
	bool late;
	pid_t pid;

	if (!ended) {
		ended = mmap(NULL, sizeof(*ended), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (ended == MAP_FAILED)
			ended = NULL;
	}
	if (!ended || pipe2(ends, O_CLOEXEC) < 0)
		return WATCH_WORK;
	*ended = false;
	fflush(NULL);
	pid = fork();
	if (pid <= 0) {
		close(ends[0]);
		if (pid < 0)
			close(ends[1]);
		return WATCH_WORK;
	}
	close(ends[1]);
	late = !in_time(ends[0], seconds);
	close(ends[0]);
	if (late)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	*result = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
	if (*ended && WIFEXITED(status))
		return WATCH_ENDED;
	describe(status, late, seconds, why);
	return WATCH_DIED;
}

void watch_end(void)
{
	if (ended)
		*ended = true;
}
