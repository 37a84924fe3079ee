/* SPDX-License-Identifier: GPL-2.0-or-later
 * jobs -> processes, watched by the clock.
 */
#include "fetch/job.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kernel/child.h"
#include "kernel/meter.h"
#include "kernel/netns.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/progress.h"

#define PROGRAM "fwc-fetch"
#define AT_ONCE 8
#define GRACE_MS 1500 /* behind its own deadline */
#define SAID_MAX 8192

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Beside this one, as it is built, or where it is installed. */
static char *program(void)
{
	char self[4096], *slash, *path;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[n < 0 ? 0 : n] = '\0';
	slash = strrchr(self, '/');
	if (!slash || asprintf(&path, "%.*s/" PROGRAM, (int)(slash - self), self) < 0)
		return NULL;
	if (access(path, X_OK) == 0)
		return path;
	free(path);
	return strdup(PKGLIBEXECDIR "/" PROGRAM);
}

static int file_of(const struct buf *in)
{
	int fd = memfd_create("fwc-fetch", MFD_CLOEXEC);

	if (fd >= 0 && (fd_write(fd, buf_str(in), in->len) || lseek(fd, 0, SEEK_SET) < 0)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* Nothing else is open in it, but the end of a pipe whose closing says that it is gone. */
static _Noreturn void become(const struct fetch_job *j, const char *path, int in, int end,
			     int parent)
{
	char ms[16], bytes[24];
	int err;

	child_follow(parent);
	snprintf(ms, sizeof(ms), "%u", j->ms);
	snprintf(bytes, sizeof(bytes), "%llu", (unsigned long long)j->bytes);
	if (dup2(in, 0) < 0 || dup2(j->body, 1) < 0 || dup2(j->words, 2) < 0)
		_exit(126);
	if (end != 3) {
		if (dup2(end, 3) < 0)
			_exit(126);
	} else {
		fcntl(3, F_SETFD, 0);
	}
	syscall(SYS_close_range, 4, ~0u, 0);
	err = j->netns ? netns_enter_as_program(j->netns) : 0;
	if (err) {
		dprintf(2, "why cannot enter network namespace '%s': %s\n", j->netns,
			strerror(-err));
		_exit(1);
	}
	if (!strcmp(j->what, "names"))
		execl(path, PROGRAM, j->what, ms, (char *)NULL);
	else
		execl(path, PROGRAM, j->what, ms, bytes, j->special ? "private" : (char *)NULL,
		      (char *)NULL);
	_exit(127);
}

static void start(struct fetch_job *j, const char *path)
{
	int in = file_of(&j->in), parent = getpid(), ends[2] = {-1, -1};

	j->pid = j->hear = -1;
	j->body = memfd_create("fwc-fetched", MFD_CLOEXEC);
	j->words = memfd_create("fwc-said", MFD_CLOEXEC);
	j->deadline = now_ms() + j->ms + GRACE_MS;
	if (path && in >= 0 && j->body >= 0 && j->words >= 0 && pipe2(ends, O_CLOEXEC) == 0) {
		fflush(NULL);
		j->pid = fork();
		if (j->pid == 0)
			become(j, path, in, ends[1], parent);
		j->hear = ends[0];
		close(ends[1]);
	}
	if (in >= 0)
		close(in);
}

static void end(struct fetch_job *j, bool late)
{
	char text[SAID_MAX];
	int status = -1;
	ssize_t n;

	if (late)
		kill(j->pid, SIGKILL);
	while (j->pid > 0 && waitpid(j->pid, &status, 0) < 0 && errno == EINTR)
		;
	j->done = j->pid > 0 && WIFEXITED(status) && !WEXITSTATUS(status);
	n = j->words < 0 ? 0 : pread(j->words, text, sizeof(text), 0);
	if (n > 0)
		buf_add(&j->said, text, (size_t)n);
	if (late)
		buf_puts(&j->said, "\nwhy it did not come to an end in time\n");
	else if (j->pid <= 0 || (WIFEXITED(status) && WEXITSTATUS(status) > 125))
		buf_puts(&j->said, "\nwhy " PROGRAM " cannot be started\n");
	else if (!WIFEXITED(status))
		buf_printf(&j->said, "\nwhy " PROGRAM " crashed (signal %d)\n", WTERMSIG(status));
	if (j->hear >= 0)
		close(j->hear);
	if (j->words >= 0)
		close(j->words);
	j->hear = j->words = j->pid = -1;
}

/* Ends those that have ended, or have had their time; how many. */
static size_t reap(struct fetch_job *v, size_t n)
{
	struct pollfd p[AT_ONCE];
	struct fetch_job *of[AT_ONCE];
	uint64_t now = now_ms(), first = UINT64_MAX;
	size_t k = 0, ended = 0;

	for (size_t i = 0; i < n && k < AT_ONCE; i++) {
		if (v[i].pid <= 0)
			continue;
		if (v[i].deadline < first)
			first = v[i].deadline;
		of[k] = &v[i];
		p[k++] = (struct pollfd){.fd = v[i].hear, .events = POLLIN};
	}
	if (k && meter_poll(p, (nfds_t)k, first > now ? (long)(first - now) : 0) < 0 &&
	    errno != EINTR)
		first = 0;
	now = now_ms();
	for (size_t i = 0; i < k; i++) {
		bool late = now >= of[i]->deadline;

		if (!p[i].revents && !late)
			continue;
		end(of[i], late && !p[i].revents);
		progress_step();
		ended++;
	}
	return ended;
}

void fetch_jobs_run(struct fetch_job *v, size_t n)
{
	_cleanup_free_ char *path = program();
	size_t running = 0, next = 0;

	progress_begin(PROGRESS_FETCHING, n);
	while (next < n || running) {
		while (next < n && running < AT_ONCE) {
			start(&v[next], path);
			if (v[next].pid > 0)
				running++;
			else
				end(&v[next], false);
			next++;
		}
		running -= running ? reap(v, next) : 0;
	}
	progress_end();
}

void fetch_job_free(struct fetch_job *j)
{
	buf_free(&j->in);
	buf_free(&j->said);
	if (j->body >= 0)
		close(j->body);
	j->body = -1;
}

char *fetch_job_word(const struct fetch_job *j, const char *word)
{
	size_t n = strlen(word);
	const char *p = buf_str(&j->said);

	for (; p && *p; p = strchr(p, '\n'), p += p != NULL)
		if (!strncmp(p, word, n) && p[n] == ' ')
			return strndup(p + n + 1, strcspn(p + n + 1, "\n"));
	return NULL;
}
