/* SPDX-License-Identifier: GPL-2.0-or-later
 * Starting and ending the process that judges.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "inspectd/lane.h"
#include "util/fault.h"

uint64_t lane_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int spawn(pid_t *pid, const struct lane *l, int socket, int slots, int tables)
{
	char hold[24], uid[24], gid[24];
	char *argv[] = {(char *)"fwc-inspectd", (char *)"--judge", hold, uid, gid, NULL};
	posix_spawn_file_actions_t fds;
	posix_spawnattr_t attr;
	sigset_t none;
	char *environment[] = {fault_environment(), NULL};
	int err;

	snprintf(hold, sizeof(hold), "%llu", (unsigned long long)l->o->hold);
	snprintf(uid, sizeof(uid), "%lu", (unsigned long)l->o->uid);
	snprintf(gid, sizeof(gid), "%lu", (unsigned long)l->o->gid);
	sigemptyset(&none);
	posix_spawn_file_actions_init(&fds);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	posix_spawn_file_actions_addopen(&fds, STDIN_FILENO, "/dev/null", O_RDWR, 0);
	posix_spawn_file_actions_adddup2(&fds, STDIN_FILENO, STDOUT_FILENO);
	/* all are far above these numbers (fd_above() in main.c), so none is overwritten first */
	posix_spawn_file_actions_adddup2(&fds, socket, JUDGE_SOCKET);
	posix_spawn_file_actions_adddup2(&fds, slots, JUDGE_SLOTS);
	posix_spawn_file_actions_adddup2(&fds, l->board_fd, JUDGE_BOARD);
	posix_spawn_file_actions_adddup2(&fds, tables, JUDGE_TABLES);
	err = posix_spawn(pid, l->o->program, &fds, &attr, argv, environment);
	posix_spawn_file_actions_destroy(&fds);
	posix_spawnattr_destroy(&attr);
	return -err;
}

/* The same file through another description: read-only, at its beginning. */
static int reopen(int fd)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

int judge_start(struct judge_process *p, const struct lane *l, const struct lane_tables *t)
{
	int pair[2], slots = reopen(l->slots_fd), tables = reopen(t->fd), err = 0;
	int room = 1 << 20;

	*p = (struct judge_process){.fd = -1};
	if (slots < 0 || tables < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		err = -errno;
	} else {
		setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
		setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
		err = spawn(&p->pid, l, pair[1], slots, tables);
		close(pair[1]);
		p->fd = pair[0];
		if (err) {
			close(p->fd);
			*p = (struct judge_process){.fd = -1};
		}
	}
	if (slots >= 0)
		close(slots);
	if (tables >= 0)
		close(tables);
	p->started = p->heard = lane_clock();
	return err;
}

void judge_stop(struct judge_process *p)
{
	if (!p->pid)
		return;
	kill(p->pid, SIGKILL);
	while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
		;
	close(p->fd);
	*p = (struct judge_process){.fd = -1};
}
