/* SPDX-License-Identifier: GPL-2.0-or-later
 * fwc top: the busiest rules and connections, on a terminal, until q or ^C.
 */
#include "cmd/top.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/show.h"

#define REFRESH 1000 /* milliseconds */
#define ENTER "\033[?1049h\033[?25l" /* another screen, no cursor */
#define LEAVE "\033[?25h\033[?1049l"
#define HOME "\033[H"
#define REST_OF_LINE "\033[K" /* is cleared */
#define CLEAR_REST "\033[J"

struct screen {
	struct termios before;
	int signals; /* what would end us is read from here, so that the terminal is always put back
		      */
	sigset_t mask_before;
};

static int screen_open(struct screen *s)
{
	struct termios raw;
	sigset_t mask;

	if (tcgetattr(STDIN_FILENO, &s->before) < 0)
		return -errno;
	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGHUP);
	sigaddset(&mask, SIGQUIT);
	sigprocmask(SIG_BLOCK, &mask, &s->mask_before);
	s->signals = signalfd(-1, &mask, SFD_CLOEXEC);
	if (s->signals < 0)
		return -errno;
	raw = s->before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VSUSP] = _POSIX_VDISABLE; /* stopped on another screen helps nobody */
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	show_paint(stdout, ENTER);
	return 0;
}

static void screen_close(struct screen *s)
{
	show_paint(stdout, LEAVE);
	tcsetattr(STDIN_FILENO, TCSANOW, &s->before);
	close(s->signals);
	sigprocmask(SIG_SETMASK, &s->mask_before, NULL);
}

static void screen_show(struct top *t)
{
	_cleanup_buf_ struct buf text = {0}, shown = {0}, out = {0};
	struct winsize w = {0};

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) < 0 || !w.ws_row)
		w = (struct winsize){.ws_row = 24, .ws_col = 80};
	top_print(t, &text, w.ws_row, w.ws_col, "\n");
	show_part(&shown, buf_str(&text), text.len);
	buf_puts(&out, HOME);
	for (const char *p = buf_str(&shown); *p; p++) {
		if (*p == '\n')
			buf_puts(&out, REST_OF_LINE);
		buf_putc(&out, *p);
	}
	buf_puts(&out, CLEAR_REST);
	show_raw(stdout, out.data, out.len);
}

/* ^C is a way to leave; what else came, ends us once the terminal is as it was. */
static void end_by_signal(const struct screen *s)
{
	struct signalfd_siginfo i;

	if (read(s->signals, &i, sizeof(i)) == sizeof(i) && i.ssi_signo != SIGINT)
		kill(getpid(), (int)i.ssi_signo);
}

/* True: go on. */
static bool screen_wait(const struct screen *s)
{
	struct pollfd p[] = {{.fd = STDIN_FILENO, .events = POLLIN},
			     {.fd = s->signals, .events = POLLIN}};
	char key = 0;

	if (poll(p, 2, REFRESH) <= 0)
		return true;
	if (p[1].revents) {
		end_by_signal(s);
		return false;
	}
	/* a terminal that is gone reads as its end */
	return read(STDIN_FILENO, &key, 1) == 1 && key != 'q' && key != 'Q' && key != 3;
}

static int watch(struct top *t, struct buf *why)
{
	struct screen s;
	int err = screen_open(&s);

	if (err) {
		buf_puts(why, "cannot use this terminal");
		return err;
	}
	do {
		err = top_read(t, why);
		if (!err)
			screen_show(t);
	} while (!err && screen_wait(&s));
	screen_close(&s);
	return err;
}

static int once(struct top *t, struct buf *why)
{
	_cleanup_buf_ struct buf out = {0};
	int err = top_read(t, why);

	if (!err) {
		usleep(REFRESH * 1000);
		err = top_read(t, why);
	}
	if (!err) {
		top_print(t, &out, 0, 0, "\n");
		fputs(buf_str(&out), stdout);
	}
	return err;
}

/* Whether it takes the few sequences that nearly all do. */
static bool obeys(const char *term)
{
	return term && *term && strcmp(term, "dumb") != 0;
}

int cmd_top(struct globals *g, int argc, char **argv)
{
	static const struct option longs[] = {{"once", no_argument, NULL, 'o'}, {0}};
	_cleanup_buf_ struct buf why = {0};
	struct top t = {.g = g};
	bool one = false;
	int c, err;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c != 'o')
			return usage_error("top", "unknown option: %s", usage_option(argv));
		one = true;
	}
	if (optind < argc)
		return usage_error("top", "top takes no arguments");
	if (g->json)
		return usage_error("top", "top is for people; see counters and flows with --json");
	if (!one && (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || !obeys(getenv("TERM"))))
		return usage_error("top", "top needs a terminal; --once prints one moment");
	err = one ? once(&t, &why) : watch(&t, &why);
	if (err)
		fprintf(stderr, "fwc: %s\n", buf_str(&why));
	top_free(&t);
	return err ? EXIT_SYSTEM : EXIT_FINE;
}
