/* SPDX-License-Identifier: GPL-2.0-or-later
 * struct progress -> "fwc: reading lists, 45 %, 3 s left" on a terminal.
 */
#include "kernel/meter.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "util/fault.h"
#include "util/progress.h"

#define SILENT_MS 1000 /* what takes no longer needs no words */
#define REDRAW_MS 150
#define GUESS_MS 500 /* from then on it is said how long it will take */
#define CLEAR "\r\033[K"

/* Steps that take as long as each other tell how long the rest will take. */
static const struct {
	const char *text;
	bool even;
} words[] = {
	[PROGRESS_READING] = {"reading lists", true},
	[PROGRESS_COMPILING] = {"compiling", false},
	[PROGRESS_TRYING] = {"trying it in a namespace of its own", false},
	[PROGRESS_PROVING] = {"proving", false},
	[PROGRESS_FINDINGS] = {"looking for rules without use", false},
	[PROGRESS_COMPARING] = {"comparing packet by packet", false},
	[PROGRESS_FLOWS] = {"looking at connections", false},
	[PROGRESS_LOADING] = {"loading lists", true},
	[PROGRESS_READING_BACK] = {"reading lists back", true},
	[PROGRESS_FETCHING] = {"fetching", true},
	[PROGRESS_CHANGING] = {"changing sets", true},
};

static const int deadly[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

#define NDEADLY (sizeof(deadly) / sizeof(deadly[0]))

/* Of the process, as its terminal is. */
static struct {
	struct progress *page; /* shared; NULL: there is no terminal */
	long started, begun, drawn; /* milliseconds */
	uint32_t nth; /* of which `begun` is */
	volatile sig_atomic_t shown;
	pid_t owner; /* who has drawn it */
	struct sigaction before[NDEADLY];
} meter;

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000L + t.tv_nsec / 1000000;
}

static void put(const char *text, size_t n)
{
	ssize_t ignored = write(STDERR_FILENO, text, n);

	(void)ignored;
}

/* ---- ^C ---- */

static void interrupted(int signal)
{
	int err = errno;

	if (meter.shown && getpid() == meter.owner)
		put(CLEAR, sizeof(CLEAR) - 1);
	errno = err;
	raise(signal); /* the default was set when this began: it comes when this ends */
}

static void watch_signals(void)
{
	struct sigaction mine = {.sa_handler = interrupted, .sa_flags = (int)SA_RESETHAND};

	sigfillset(&mine.sa_mask);
	for (size_t i = 0; i < NDEADLY; i++)
		if (sigaction(deadly[i], NULL, &meter.before[i]) == 0 &&
		    meter.before[i].sa_handler == SIG_DFL)
			sigaction(deadly[i], &mine, NULL);
}

static void leave_signals(void)
{
	for (size_t i = 0; i < NDEADLY; i++)
		if (meter.before[i].sa_handler == SIG_DFL)
			sigaction(deadly[i], &meter.before[i], NULL);
}

/* ---- the line ---- */

static void clear(void)
{
	if (!meter.shown || meter.owner != getpid())
		return;
	put(CLEAR, sizeof(CLEAR) - 1);
	meter.shown = false;
	leave_signals();
}

static const char *duration(char *room, size_t size, long ms)
{
	if (ms < 120000)
		snprintf(room, size, "%ld s", (ms + 999) / 1000);
	else
		snprintf(room, size, "%ld min", (ms + 59999) / 60000);
	return room;
}

static void draw(enum progress_of what, uint64_t done, uint64_t total, long spent)
{
	char line[120], rest[32];
	size_t at = (size_t)snprintf(line, sizeof(line), CLEAR "fwc: %s", words[what].text);

	if (done > total)
		done = total;
	if (total)
		at += (size_t)snprintf(line + at, sizeof(line) - at, ", %d %%",
				       (int)((double)done * 100 / (double)total));
	if (total && done && words[what].even && spent >= GUESS_MS)
		at += (size_t)snprintf(
			line + at, sizeof(line) - at, ", %s left",
			duration(rest, sizeof(rest),
				 (long)((double)spent * (double)(total - done) / (double)done)));
	else if (spent >= GUESS_MS)
		at += (size_t)snprintf(line + at, sizeof(line) - at, ", for %s",
				       duration(rest, sizeof(rest), spent));
	if (!meter.shown) {
		meter.owner = getpid();
		meter.shown = true;
		watch_signals();
	}
	put(line, at);
	fault_point("drawn");
}

static void look(void)
{
	enum progress_of what = __atomic_load_n(&meter.page->what, __ATOMIC_ACQUIRE);
	bool at_once = fault_wanted("progress"); /* for tests, which are not to take long */
	long now;

	if (what <= PROGRESS_NONE || what >= NPROGRESS) { /* of another process, maybe */
		clear();
		return;
	}
	now = now_ms();
	if (meter.nth != meter.page->nth) {
		meter.nth = meter.page->nth;
		meter.begun = now;
	}
	if (!at_once && (now - meter.started < SILENT_MS || now - meter.drawn < REDRAW_MS))
		return;
	meter.drawn = now;
	fflush(stdout); /* what was said before is above it */
	draw(what, meter.page->done, meter.page->total, now - meter.begun);
}

/* ---- processes ---- */

void meter_start(void)
{
	const char *term = getenv("TERM");
	void *page;

	if (!isatty(STDERR_FILENO) || !term || !*term || !strcmp(term, "dumb"))
		return;
	page = mmap(NULL, sizeof(struct progress), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return;
	meter.page = page;
	meter.started = now_ms();
	progress_shown_by(meter.page, look);
}

void meter_mute(void)
{
	progress_shown_by(meter.page, NULL);
}

int meter_poll(struct pollfd *p, nfds_t n, long ms)
{
	long end = now_ms() + ms, left = ms;
	int got = 0;

	if (!meter.page)
		return poll(p, n, (int)ms);
	do {
		progress_tick();
		got = poll(p, n, (int)(left < REDRAW_MS ? left : REDRAW_MS));
		left = end - now_ms();
	} while (got == 0 && left > 0);
	return got;
}
