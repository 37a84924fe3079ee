/* SPDX-License-Identifier: GPL-2.0-or-later
 * The process that watches over a trial: its own session, no terminal, deaf to what a lost session
 * sends, and armed before it says so.
 */
#include "trial/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "apply/inspectd.h"
#include "store/open.h"
#include "trial/cancel.h"
#include "trial/note.h"
#include "util/cleanup.h"
#include "util/fault.h"
#include "util/show.h"

#define GRACE 300 /* milliseconds: the kernel's own timeouts come first */
#define READY_MS 20000 /* to be armed */
#define TRIES 100 /* to get the lock, a second each: whoever has it may be stopped */

struct guard {
	const char *state, *netns, *id;
	int timer, tty;
};

static int arm(uint64_t deadline)
{
	int fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC);
	struct itimerspec at = {.it_value = {.tv_sec = (time_t)(deadline / 1000),
					     .tv_nsec = (long)(deadline % 1000) * 1000000}};

	if (fd >= 0 && timerfd_settime(fd, TFD_TIMER_ABSTIME, &at, NULL) < 0) {
		close(fd);
		return -errno;
	}
	return fd < 0 ? -errno : fd;
}

static void tell(const struct guard *g, int err, const char *why)
{
	const char *text = err ? "the trial is over, but not everything could be undone: "
			       : "nobody confirmed in time: the previous rules are in force again";
	_cleanup_buf_ struct buf shown = {0};

	show_part(&shown, why, err ? strlen(why) : 0);
	openlog("fwc", LOG_PID, LOG_DAEMON);
	syslog(err ? LOG_ERR : LOG_WARNING, "%s%s", text, buf_str(&shown));
	if (g->tty >= 0)
		dprintf(g->tty, "\r\nfwc: %s%s\r\n", text, buf_str(&shown));
}

/* Nothing to do if the trial was ended, or another one is running. */
static bool still_on(const struct guard *g, const struct store *s)
{
	_cleanup_buf_ struct buf ignored = {0};
	struct trial t;

	return trial_read(s, &t, &ignored) == 0 && t.state == TRIAL_OVER && !strcmp(t.id, g->id);
}

static int end_trial(const struct guard *g, struct buf *why)
{
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_buf_ struct buf ignored = {0};
	enum trial_state was = TRIAL_NONE;
	struct store s;
	int err = store_open(&s, g->state, false, why);

	for (int i = 0; !err && i < TRIES; i++) {
		if (!still_on(g, &s))
			break;
		why->len = 0;
		if (store_lock(&s, why) == 0) {
			/* it may have been confirmed while we waited */
			if (still_on(g, &s))
				err = trial_cancel(&s, g->netns, a, &was, why);
			if (was != TRIAL_NONE)
				tell(g, err, buf_str(why));
			break;
		}
		sleep(1);
	}
	store_close(&s);
	if (was != TRIAL_NONE)
		inspectd_reload(g->netns, &ignored);
	return err;
}

static void become_guard(void)
{
	static const int deaf[] = {SIGHUP, SIGINT, SIGPIPE, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU};
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigset_t none;

	for (size_t i = 0; i < sizeof(deaf) / sizeof(deaf[0]); i++)
		sigaction(deaf[i], &ignore, NULL);
	fault_none(); /* those of a test are meant for the command */
	signal(SIGCHLD, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_NAME, "fwc-guard");
	if (chdir("/") < 0 || mlockall(MCL_CURRENT | MCL_FUTURE) < 0)
		return; /* neither is needed */
}

/* Among what is closed is the lock, which would otherwise be held for as long. */
static void close_others(int keep_a, int keep_b, int keep_c)
{
	int null;

	for (int fd = 3; fd < 1024; fd++)
		if (fd != keep_a && fd != keep_b && fd != keep_c)
			close(fd);
	null = open("/dev/null", O_RDWR);
	for (int i = 0; null >= 0 && i < 3; i++)
		dup2(null, i);
}

static _Noreturn void run(struct guard *g, int ready, uint64_t deadline)
{
	_cleanup_buf_ struct buf why = {0};
	uint64_t times;
	char word = 1;

	g->tty = isatty(STDERR_FILENO) ? fcntl(STDERR_FILENO, F_DUPFD, 10) : -1;
	g->timer = arm(deadline + GRACE);
	close_others(g->timer, g->tty, ready);
	become_guard();
	if (g->timer < 0 || write(ready, &word, 1) != 1)
		_exit(1);
	close(ready);
	while (read(g->timer, &times, sizeof(times)) < 0 && errno == EINTR)
		;
	_exit(end_trial(g, &why) ? 1 : 0);
}

/* Twice forked, so that it is nobody's child and can have no terminal. */
int guard_start(const char *state, const char *netns, const char *id, uint64_t deadline,
		struct buf *why)
{
	_cleanup_free_ char *path = realpath(state, NULL);
	struct guard g = {.state = path, .netns = netns, .id = id};
	struct pollfd p = {.events = POLLIN};
	int pair[2], status;
	char word = 0;
	pid_t pid;

	if (!path || pipe2(pair, O_CLOEXEC) < 0 || (pid = fork()) < 0) {
		buf_printf(why, "no guard can be started: %s", strerror(errno));
		return -errno;
	}
	if (!pid) {
		setsid();
		if (fork())
			_exit(0);
		run(&g, pair[1], deadline);
	}
	close(pair[1]);
	p.fd = pair[0];
	if (poll(&p, 1, READY_MS) != 1 || read(pair[0], &word, 1) != 1)
		word = 0;
	kill(pid, SIGKILL); /* it has nothing more to do, but may be stopped */
	waitpid(pid, &status, 0);
	close(pair[0]);
	if (word)
		return 0;
	buf_puts(why, "the guard of the trial did not answer");
	return -EIO;
}
