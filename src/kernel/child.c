/* SPDX-License-Identifier: GPL-2.0-or-later
 * function -> its result from a child process, or why there is none.
 */
#include "config.h"

#include "kernel/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kernel/confine.h"
#include "kernel/meter.h"
#include "kernel/netns.h"
#include "util/caps.h"
#include "util/cleanup.h"
#include "util/progress.h"

#define TIMEOUT_MS 120000
#define MAX_MEMORY ((rlim_t)4 << 30)
#define MAX_OUTPUT ((rlim_t)1 << 30)
#define MAX_CPU_SECONDS 120
#define MAX_SAID 2000 /* bytes of what the child wrote to its standard error */

/* Shared with the child. A child that got to its end says so here: exit() within a library, which
 * would look the same to wait(), does not. */
struct child_state {
	enum { BEGUN, NO_NAMESPACE, NO_SCRATCH, NOT_CONFINED, RUNNING, ENDED } state;
	int error;
	int result;
};

static int write_file(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return -errno;
	return 0;
}

/* As root of the machine, or as root of a user namespace of one's own. */
static int enter_scratch(enum child_where where)
{
	unsigned uid = geteuid(), gid = getegid();
	char map[64];

	if (where == CHILD_SCRATCH && unshare(CLONE_NEWNET) == 0)
		return 0;
	if ((where == CHILD_SCRATCH && errno != EPERM) || unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return -errno;
	/* Unmapped ids would do, but root is what libraries look for. */
	snprintf(map, sizeof(map), "0 %u 1", uid);
	write_file("/proc/self/uid_map", map);
	write_file("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "0 %u 1", gid);
	write_file("/proc/self/gid_map", map);
	return 0;
}

static void limit(int what, rlim_t most)
{
	struct rlimit l;

	if (getrlimit(what, &l) < 0)
		return;
	if (l.rlim_max == RLIM_INFINITY || l.rlim_max > most)
		l.rlim_max = most;
	l.rlim_cur = l.rlim_max;
	setrlimit(what, &l);
}

static void set_limits(void)
{
#ifndef FWC_SANITIZERS
	limit(RLIMIT_AS, MAX_MEMORY);
#endif
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_CPU, MAX_CPU_SECONDS);
	limit(RLIMIT_FSIZE, MAX_OUTPUT);
}

/* The parent may have ended before it was asked to be told. */
void child_follow(int parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
}

/* Signals of the terminal are the parent's business; its death is ours, too. */
static void detach(pid_t parent, int said)
{
	static const int fatal[] = {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGTERM};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	child_follow(parent);
	for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
		signal(fatal[i], SIG_DFL);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	dup2(null, STDIN_FILENO);
	dup2(said, STDOUT_FILENO);
	dup2(said, STDERR_FILENO);
	meter_mute();
	/* nft reads and prints times of day in the local zone; the kernel keeps UTC, and so do we
	 */
	setenv("TZ", "UTC", 1);
	setenv("LC_ALL", "C", 1);
}

static void __attribute__((noreturn))
in_child(struct child *c, struct child_state *v, pid_t parent, int said)
{
	int err = 0;

	detach(parent, said);
	if (c->where == CHILD_NETNS)
		err = netns_enter(c->netns);
	else if (c->where != CHILD_HERE)
		err = enter_scratch(c->where);
	/* where it is, it stays: what is left is for nftables */
	if (!err && c->where != CHILD_HERE)
		caps_keep(caps_held() & CAPS_BIT(CAP_NET_ADMIN));
	if (err) {
		v->error = -err;
		v->state = c->where == CHILD_NETNS ? NO_NAMESPACE : NO_SCRATCH;
		_exit(1);
	}
	err = c->no_files ? confine_files() : 0;
	if (err) {
		v->error = -err;
		v->state = NOT_CONFINED;
		_exit(1);
	}
	set_limits();
	v->state = RUNNING;
	v->result = c->run(c->arg);
	v->state = ENDED;
	_exit(0);
}

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000L + t.tv_nsec / 1000000;
}

/* The child holds the only writing end, so its death ends the wait. */
static bool wait_end(int fd, long deadline)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	for (;;) {
		long left = deadline - now_ms();
		int n = left > 0 ? meter_poll(&p, 1, left) : 0;

		if (n > 0)
			return true;
		if (n == 0)
			return false;
		if (errno != EINTR)
			return true;
	}
}

static void add_said(struct buf *why, int said)
{
	char text[MAX_SAID];
	ssize_t n = pread(said, text, sizeof(text), 0);

	while (n > 0 && text[n - 1] == '\n')
		n--;
	if (n > 0) {
		buf_puts(why, ": ");
		buf_add(why, text, (size_t)n);
	}
}

static int explain_namespace(struct child *c, const struct child_state *v)
{
	if (v->state == NO_NAMESPACE && v->error == ENOENT) {
		buf_printf(&c->why,
			   "there is no network namespace called '%s' (see: ip netns list)",
			   c->netns);
	} else if (v->state == NO_NAMESPACE) {
		buf_printf(&c->why, "cannot enter network namespace '%s': %s", c->netns,
			   strerror(v->error));
	} else {
		c->no_scratch = true;
		buf_printf(&c->why, "%s make a network namespace for trials: %s",
			   geteuid() ? "this kernel lets no ordinary user"
				     : "here not even root may",
			   strerror(v->error));
	}
	return -v->error;
}

static int explain(struct child *c, const struct child_state *v, int status, bool late, int said)
{
	if (late) {
		buf_printf(&c->why, "the child process did not finish in %u seconds and was killed",
			   (c->timeout_ms ? c->timeout_ms : TIMEOUT_MS) / 1000);
		return -ETIMEDOUT;
	}
	if (v->state == NO_NAMESPACE || v->state == NO_SCRATCH)
		return explain_namespace(c, v);
	if (v->state == NOT_CONFINED) {
		buf_printf(&c->why, "the child process cannot drop privileges: %s",
			   strerror(v->error));
		return -v->error;
	}
	if (WIFSIGNALED(status))
		buf_printf(&c->why, "libnftables crashed in its child process (signal %d, %s)",
			   WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		buf_printf(&c->why, "libnftables exited in its child process (status %d)",
			   WEXITSTATUS(status));
	add_said(&c->why, said);
	return -ECHILD;
}

/* ---- without a process of its own ---- */

static bool stays;

void child_stay(void)
{
	stays = true;
}

static int run_here(struct child *c)
{
	struct child_state v = {.state = NO_NAMESPACE};
	int err = c->where == CHILD_NETNS ? netns_enter(c->netns) : 0;

	if (!err && c->where == CHILD_NETNS)
		caps_keep(caps_held() & CAPS_BIT(CAP_NET_ADMIN));
	v.error = -err;
	if (err)
		return explain_namespace(c, &v);
	v.state = NOT_CONFINED;
	err = c->no_files ? confine_files() : 0;
	v.error = -err;
	if (err)
		return explain(c, &v, 0, false, -1);
	set_limits();
	alarm((c->timeout_ms ? c->timeout_ms : TIMEOUT_MS) / 1000);
	return c->run(c->arg);
}

/* ---- with one ---- */

void child_start(struct child *c)
{
	pid_t parent = getpid();
	int ends[2];

	c->pid = c->hear = c->said = -1;
	c->state = MAP_FAILED;
	c->stayed = stays && (c->where == CHILD_HERE || c->where == CHILD_NETNS);
	stays = false;
	if (c->stayed) {
		c->result = run_here(c);
		return;
	}
	c->said = memfd_create("fwc-said", MFD_CLOEXEC);
	c->state = mmap(NULL, sizeof(*c->state), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	if (c->said < 0 || c->state == MAP_FAILED || pipe2(ends, O_CLOEXEC) < 0) {
		c->deadline = -errno;
		return;
	}
	c->hear = ends[0];
	c->deadline = now_ms() + (c->timeout_ms ? c->timeout_ms : TIMEOUT_MS);
	fflush(NULL); /* or exit() in the child would write what we have not written yet */
	c->pid = fork();
	if (c->pid == 0)
		in_child(c, c->state, parent, c->said);
	if (c->pid < 0)
		c->deadline = -errno;
	close(ends[1]);
}

static int wait_started(struct child *c)
{
	const struct child_state *v = c->state;
	bool late = !wait_end(c->hear, c->deadline);
	int status = 0;

	if (late)
		kill(c->pid, SIGKILL);
	while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
		;
	progress_end(); /* what it told of is over, be it that it was killed */
	if (v->state == ENDED && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return v->result;
	return explain(c, v, status, late, c->said);
}

int child_wait(struct child *c)
{
	int ret;

	if (c->stayed)
		return c->result;
	if (c->pid > 0) {
		ret = wait_started(c);
	} else {
		ret = (int)c->deadline; /* the error of child_start() */
		buf_printf(&c->why, "cannot start a child process: %s", strerror(-ret));
	}
	if (c->hear >= 0)
		close(c->hear);
	if (c->said >= 0)
		close(c->said);
	if (c->state != MAP_FAILED)
		munmap(c->state, sizeof(*c->state));
	return ret;
}

int child_run(struct child *c)
{
	child_start(c);
	return child_wait(c);
}

void child_free(struct child *c)
{
	buf_free(&c->why);
}

void *child_memory(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

void child_memory_free(void *p, size_t n)
{
	munmap(p, n);
}

int child_run_on(struct child *c, void *arg, size_t n)
{
	int err;

	c->arg = child_memory(n);
	if (!c->arg)
		return -ENOMEM;
	memcpy(c->arg, arg, n);
	err = child_run(c);
	memcpy(arg, c->arg, n);
	child_memory_free(c->arg, n);
	c->arg = NULL;
	return err > 0 ? -err : err;
}
