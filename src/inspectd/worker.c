/* SPDX-License-Identifier: GPL-2.0-or-later
 * Packets from the holder of the queue -> judge.c -> answers.
 */
#include "inspectd/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "inspectd/wire.h"
#include "util/cleanup.h"
#include "util/fault.h"

#define SMALL_BLOCKS 1024
#define LARGE_BLOCKS 32

struct worker {
	const uint8_t *slots;
	struct board *board;
	struct judge *judge;
	struct wire_reply *out, *aside; /* answers collected; one message sent at once */
	struct event events[WIRE_EVENTS]; /* collected, too */
	uint64_t taken;
	bool gone; /* the holder is */
};

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void put(struct worker *w, struct wire_reply *r, size_t bytes)
{
	ssize_t n;

	r->taken = w->taken;
	do {
		n = send(JUDGE_SOCKET, r, WIRE_HEAD + bytes, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	w->gone |= n < 0;
}

static void flush(struct worker *w)
{
	size_t answers = w->out->n * sizeof(w->out->answers[0]);
	size_t events = w->out->events * sizeof(w->events[0]);

	w->out->kind = WIRE_ANSWERED;
	memcpy(w->out->bytes + answers, w->events, events);
	put(w, w->out, answers + events);
	w->out->n = w->out->events = 0;
}

static void answer(void *ctx, uint32_t slot, enum act act)
{
	struct worker *w = ctx;

	if (act == ACT_HOLD)
		return;
	w->out->answers[w->out->n++] = (struct wire_answer){slot, act};
	if (w->out->n == WIRE_ANSWERS)
		flush(w);
}

static void rewritten(void *ctx, uint32_t slot, const uint8_t *p, size_t n)
{
	struct worker *w = ctx;

	flush(w); /* in the order of arrival */
	w->aside->kind = WIRE_REWRITTEN;
	w->aside->slot = slot;
	w->aside->n = (uint32_t)n;
	memcpy(w->aside->bytes, p, n);
	put(w, w->aside, n);
}

static void replied(void *ctx, uint32_t slot, const uint8_t *message, size_t n)
{
	struct worker *w = ctx;

	flush(w);
	w->aside->kind = WIRE_REPLIED;
	w->aside->slot = slot;
	w->aside->n = (uint32_t)n;
	memcpy(w->aside->bytes, message, n);
	put(w, w->aside, n);
}

static void event(void *ctx, const struct event *e)
{
	struct worker *w = ctx;

	w->events[w->out->events++] = *e;
	if (w->out->events == WIRE_EVENTS)
		flush(w);
}

static void look(struct worker *w, const struct wire_packet *k, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct judge_packet x = {.slot = k[i].slot,
					 .field = k[i].field,
					 .replayed = k[i].replayed,
					 .kept = k[i].kept,
					 .several = k[i].several,
					 .now = k[i].arrived,
					 .p = w->slots + (size_t)k[i].slot * SLOT_SIZE +
					      k[i].offset,
					 .n = k[i].len};

		w->board->current = k[i].slot + 1;
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
		judge_packet(w->judge, &x);
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
		w->board->current = 0;
		w->taken++;
	}
}

static int wait_ms(uint64_t due, uint64_t at)
{
	return due <= at ? 0 : due - at > 1000000000u ? 1000 : (int)((due - at) / 1000000 + 1);
}

static int serve(struct worker *w)
{
	struct wire_packet batch[WIRE_BATCH];
	struct pollfd p = {.fd = JUDGE_SOCKET, .events = POLLIN};

	while (!w->gone) {
		uint64_t at = now(), due = judge_tick(w->judge, at);
		ssize_t n;

		if (w->out->n || w->out->events)
			flush(w);
		if (due != UINT64_MAX && poll(&p, 1, wait_ms(due, at)) <= 0)
			continue;
		n = recv(JUDGE_SOCKET, batch, sizeof(batch), 0);
		if (n == 0 || (n < 0 && errno != EINTR))
			return 0;
		if (n < 0)
			continue;
		look(w, batch, (size_t)n / sizeof(batch[0]));
		flush(w); /* even if empty: it tells how far we are */
	}
	return 0;
}

static void *map(int fd, size_t n, int how)
{
	void *p = mmap(NULL, n, how, MAP_SHARED, fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

static void loading(void)
{
	const struct wire_reply r = {.kind = WIRE_LOADING};

	send(JUDGE_SOCKET, &r, WIRE_HEAD, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* They can be neither changed nor cut short while they are looked at. */
static bool load_tables(struct tables *t)
{
	const int seals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
	_cleanup_buf_ struct buf why = {0};
	struct stat st = {0};
	void *p = MAP_FAILED;

	if ((fcntl(JUDGE_TABLES, F_GET_SEALS) & seals) != seals)
		buf_puts(&why, "they are not sealed");
	else if (fstat(JUDGE_TABLES, &st) == 0 && st.st_size > 0)
		p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, JUDGE_TABLES, 0);
	if (p == MAP_FAILED && !why.len)
		buf_puts(&why, "they are not there");
	if (!why.len && tables_open_steps(t, p, (size_t)st.st_size, loading, &why) == 0)
		return true;
	fprintf(stderr, "fwc-inspectd: worker: the tables cannot be read: %s\n", buf_str(&why));
	return false;
}

static bool set_up(struct worker *w, const struct worker_options *o, struct tables *t)
{
	struct judge_config c = {.tables = t,
				 .slots = SLOTS,
				 .hold = o->hold * 1000000000u,
				 .small = SMALL_BLOCKS,
				 .large = LARGE_BLOCKS,
				 .ctx = w,
				 .answer = answer,
				 .rewritten = rewritten,
				 .replied = replied,
				 .event = event};

	w->slots = map(JUDGE_SLOTS, (size_t)SLOTS * SLOT_SIZE, PROT_READ);
	w->board = map(JUDGE_BOARD, sizeof(struct board), PROT_READ | PROT_WRITE);
	w->out = calloc(1, sizeof(*w->out));
	w->aside = calloc(1, sizeof(*w->aside));
	if (!w->slots || !w->board || !w->out || !w->aside || !load_tables(t))
		return false;
	c.board = w->board;
	w->judge = judge_new(&c);
	return w->judge != NULL;
}

int worker_run(const struct worker_options *o)
{
	struct worker w = {0};
	struct tables t = {0};
	int err;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "fwc-inspect-wrk");
	loading();
	if (!set_up(&w, o, &t)) {
		fputs("fwc-inspectd: worker: cannot be set up\n", stderr);
		return 1;
	}
	loading();
	fault_point("judge");
	err = sandbox_enter(o->uid, o->gid);
	if (err) {
		fprintf(stderr, "fwc-inspectd: worker: cannot be locked in: %s\n", strerror(-err));
		return 1;
	}
	if (o->try)
		return sandbox_try(o->try);
	w.aside->kind = WIRE_READY;
	put(&w, w.aside, 0);
	return serve(&w);
}
