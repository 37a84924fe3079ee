/* SPDX-License-Identifier: GPL-2.0-or-later
 * The loop of a lane: packets from the kernel into slots, slots to the judge, answers back.
 */
#include "inspectd/lane.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECOND 1000000000ull
#define SILENCE (5 * SECOND) /* after which a judge that owes an answer is taken for dead */
#define STANDSTILL (20 * SECOND) /* while it loads its tables: it says when it is further */
#define DEATHS_MAX 2 /* of one packet */
/* So many packets a millisecond are worth reading a few more at a time: each batch wakes two
 * processes, which costs as much as several packets. Whoever sends them may run first; to sleep
 * would cost more time than it saves, when senders wait for what is here. */
#define RUSH 20

/* ---- tables ---- */

struct lane_tables *lane_tables_use(struct lane_tables *t)
{
	__atomic_add_fetch(&t->users, 1, __ATOMIC_SEQ_CST);
	return t;
}

void lane_tables_drop(struct lane_tables *t)
{
	if (!t || __atomic_sub_fetch(&t->users, 1, __ATOMIC_SEQ_CST))
		return;
	tables_free(&t->tables);
	munmap(t->bytes, t->size);
	close(t->fd);
	free(t);
}

/* ---- packets in ---- */

static void take_packet(struct lane *l, uint32_t slot, const struct queue_packet *k, uint64_t now)
{
	struct lane_place *x = &l->ledger->place[slot];

	*x = (struct lane_place){
		.id = k->id,
		.mark = k->mark,
		.offset = k->p ? (uint32_t)(k->p - l->slots - (size_t)slot * SLOT_SIZE) : 0,
		.len = (uint32_t)k->n,
		.several = k->several,
		.arrived = now,
		.order = l->ledger->order++};
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	x->open = PLACE_OPEN;
	l->todo[l->ntodo++] = slot;
	l->counts.packets++;
	l->counts.waiting++;
}

/* Packets of this millisecond and of the last one. */
static void note_rate(struct lane *l, uint32_t n, uint64_t now)
{
	if (now - l->second > SECOND / 1000) {
		l->rate = now - l->second < SECOND / 500 ? l->lately : 0;
		l->lately = 0;
		l->second = now;
	}
	l->lately += n;
}

/* As many as are there and have room, in one call. */
static bool receive(struct lane *l)
{
	struct mmsghdr msgs[WIRE_BATCH];
	struct iovec iov[WIRE_BATCH];
	unsigned room = l->nfree < WIRE_BATCH ? l->nfree : WIRE_BATCH;
	uint32_t slots[WIRE_BATCH];
	uint64_t now;
	int n;

	memset(msgs, 0, sizeof(msgs[0]) * room);
	for (unsigned i = 0; i < room; i++) {
		slots[i] = l->free[l->nfree - 1 - i];
		iov[i] = (struct iovec){l->slots + (size_t)slots[i] * SLOT_SIZE, QUEUE_MESSAGE_MAX};
		msgs[i].msg_hdr.msg_iov = &iov[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
	}
	n = recvmmsg(l->queue.fd, msgs, room, MSG_DONTWAIT, NULL);
	if (n <= 0)
		return n == 0 || errno == EAGAIN || errno == EINTR || errno == ENOBUFS;
	l->nfree -= (uint32_t)n;
	now = lane_clock();
	note_rate(l, (uint32_t)n, now);
	for (int i = 0; i < n; i++) {
		struct queue_packet k;

		if (queue_read(&l->queue, iov[i].iov_base, msgs[i].msg_len, &k))
			take_packet(l, slots[i], &k, now);
		else
			l->free[l->nfree++] = slots[i];
	}
	return true;
}

/* ---- packets to the judge ---- */

static uint32_t field_of(const struct lane *l, uint32_t mark)
{
	uint32_t mask = l->tables->tables.mark;

	return (mark & mask) / (mask & -mask);
}

static void give(struct lane *l)
{
	struct wire_packet batch[WIRE_BATCH];
	uint32_t done = 0;

	while (l->judge.ready && done < l->ntodo) {
		uint32_t n = 0;

		for (; n < WIRE_BATCH && done + n < l->ntodo; n++) {
			const struct lane_place *x = &l->ledger->place[l->todo[done + n]];

			batch[n] = (struct wire_packet){.slot = l->todo[done + n],
							.offset = x->offset,
							.len = x->len,
							.field = field_of(l, x->mark),
							.arrived = x->arrived,
							.replayed = x->order < l->replay_until,
							.kept = x->open == PLACE_KEPT,
							.several = x->several};
			l->counts.replayed += batch[n].replayed;
		}
		if (send(l->judge.fd, batch, n * sizeof(batch[0]), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			break;
		if (l->judge.given == l->judge.taken) /* it owed nothing until now */
			l->judge.heard = lane_clock();
		l->judge.given += n;
		done += n;
	}
	memmove(l->todo, l->todo + done, (l->ntodo - done) * sizeof(l->todo[0]));
	l->ntodo -= done;
}

static int by_order(const void *a, const void *b, void *ctx)
{
	const struct lane *l = ctx;
	uint64_t x = l->ledger->place[*(const uint32_t *)a].order;
	uint64_t y = l->ledger->place[*(const uint32_t *)b].order;

	return (x > y) - (x < y);
}

/* All that is open, once more from the beginning. */
static void replay(struct lane *l)
{
	l->ntodo = 0;
	for (uint32_t i = 0; i < SLOTS; i++)
		if (l->ledger->place[i].open)
			l->todo[l->ntodo++] = i;
	qsort_r(l->todo, l->ntodo, sizeof(l->todo[0]), by_order, l);
	l->replay_until = l->ledger->order;
}

/* ---- the judge ---- */

/* A packet that one after the other dies of is decided without them. */
static void blame(struct lane *l)
{
	uint32_t slot = l->board->current - 1;

	l->board->current = 0;
	if (slot >= SLOTS || !l->ledger->place[slot].open)
		return;
	if (++l->ledger->place[slot].deaths < DEATHS_MAX)
		return;
	lane_settle_by(l, slot, CAUSE_ERROR);
	queue_flush(&l->queue);
}

/* What dnat sent elsewhere is answered as from where the client sent it. */
static void want_origin(struct lane *l)
{
	const struct table_rule *r;
	bool replies = false;

	vec_each (&l->tables->tables.rules, r)
		replies |= inspector_replies(r->inspector);
	if (replies && !l->queue.origin)
		queue_want_origin(&l->queue);
}

/* The next one takes over: what the old one had in hand is given to it again. */
static void take_over(struct lane *l)
{
	if (l->judge.pid) {
		lane_hear_rest(l, &l->judge);
		queue_flush(&l->queue);
		judge_stop(&l->judge);
	}
	l->board->current = 0;
	lane_tables_drop(l->tables);
	l->tables = l->next_tables;
	l->next_tables = NULL;
	l->judge = l->next;
	l->next = (struct judge_process){.fd = -1};
	want_origin(l);
	replay(l);
}

static void report(struct lane *l, int result)
{
	while (write(l->report_fd, &result, sizeof(result)) < 0 && errno == EINTR)
		;
}

static void drop_next(struct lane *l)
{
	judge_stop(&l->next);
	lane_tables_drop(l->next_tables);
	l->next_tables = NULL;
}

static void next_failed(struct lane *l)
{
	drop_next(l);
	if (l->asked)
		report(l, -EINVAL);
	l->asked = false;
}

static void next_ready(struct lane *l)
{
	if (!l->asked)
		return;
	if (l->go)
		take_over(l);
	l->asked = false;
	report(l, 0);
}

static void judge_died(struct lane *l, uint64_t now)
{
	bool young = now - l->judge.started < SECOND / 4;

	judge_stop(&l->judge);
	if (!l->next_tables)
		next_failed(l); /* it is the one that somebody waits for */
	l->counts.restarts++;
	blame(l);
	l->short_lives = young ? l->short_lives + 1 : 0;
	l->not_before = now;
	if (l->short_lives > 4) /* 0.1, 0.2 ... 1.6 s */
		l->not_before += SECOND / 10 << (l->short_lives < 9 ? l->short_lives - 5 : 4);
}

/* Whether it is alive and does what it should. */
static void watch(struct lane *l, uint64_t now)
{
	struct judge_process *j = &l->judge;

	if (l->next.pid && !l->next.ready && now - l->next.heard > STANDSTILL)
		next_failed(l);
	if (j->pid && ((!j->ready && now - j->heard > STANDSTILL) ||
		       (j->ready && j->given != j->taken && now - j->heard > SILENCE)))
		judge_died(l, now);
	if (!j->pid && now >= l->not_before) {
		if (judge_start(j, l, l->tables) < 0)
			l->not_before = now + SECOND;
		else
			replay(l);
	}
}

/* ---- orders ---- */

struct order {
	enum lane_order what;
	struct lane_tables *tables;
};

static void take_tables(struct lane *l, const struct order *o)
{
	l->asked = true;
	l->go = o->what == LANE_TABLES;
	if (l->tables == o->tables) { /* its judge of now, then */
		drop_next(l);
		lane_tables_drop(o->tables);
		l->go = false;
		return;
	}
	if (l->next.pid && l->next_tables == o->tables) {
		lane_tables_drop(o->tables); /* it has them */
		if (l->next.ready)
			next_ready(l);
		return;
	}
	drop_next(l);
	l->next_tables = o->tables;
	if (judge_start(&l->next, l, o->tables) < 0)
		next_failed(l);
}

static void take_order(struct lane *l)
{
	struct order o;

	if (read(l->report_fd, &o, sizeof(o)) != sizeof(o)) {
		l->stop = true;
		return;
	}
	switch (o.what) {
	case LANE_TABLES:
	case LANE_PREPARE:
		take_tables(l, &o);
		break;
	case LANE_FORGET:
		drop_next(l);
		report(l, 0);
		break;
	case LANE_DRAIN:
		l->drain = true;
		l->stop = true;
		break;
	case LANE_STOP:
		l->stop = true;
		break;
	}
}

static void hear_next(struct lane *l)
{
	if (!lane_hear(l, &l->next))
		next_failed(l);
	else if (l->next.ready)
		next_ready(l);
}

static void drain(struct lane *l)
{
	bool allow = false;
	const struct table_rule *r;

	vec_each (&l->tables->tables.rules, r)
		if (l->config.number >= r->queues->first &&
		    l->config.number < r->queues->first + r->queues->count)
			allow |= r->inspector->allow_on[CAUSE_NO_HELPER];
	if (allow)
		queue_pass_all(&l->queue);
	do { /* what came in the meantime, too */
		for (uint32_t i = 0; i < SLOTS; i++)
			if (l->ledger->place[i].open)
				lane_settle_by(l, i, CAUSE_NO_HELPER);
		queue_flush(&l->queue);
		l->ntodo = 0;
		receive(l);
	} while (l->ntodo);
}

static void step(struct lane *l)
{
	struct pollfd p[4] = {{l->report_fd, POLLIN, 0},
			      {l->nfree ? l->queue.fd : -1, POLLIN, 0},
			      {l->judge.fd, POLLIN, 0},
			      {l->next.fd, POLLIN, 0}};
	uint64_t now;

	if (l->ntodo && l->judge.ready)
		p[2].events |= POLLOUT;
	/* now and then, to see whether the judge lives */
	poll(p, 4, l->judge.ready && !l->next.pid ? 1000 : 50);
	if (p[0].revents)
		take_order(l);
	if (p[2].revents & (POLLIN | POLLHUP | POLLERR) && !lane_hear(l, &l->judge))
		judge_died(l, lane_clock());
	if (p[3].revents && l->next.pid)
		hear_next(l);
	if (l->judge.ready && !l->next_tables)
		next_ready(l);
	if (p[1].revents && l->rate >= RUSH)
		sched_yield();
	if (p[1].revents)
		l->gone |= !receive(l);
	queue_flush(&l->queue);
	give(l);
	now = lane_clock();
	watch(l, now);
	l->counts.refused = l->queue.refused;
	l->stop |= l->gone;
}

static void *run(void *arg)
{
	struct lane *l = arg;
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	want_origin(l);
	while (!l->stop)
		step(l);
	if (l->judge.pid)
		lane_hear_rest(l, &l->judge);
	queue_flush(&l->queue);
	judge_stop(&l->judge);
	drop_next(l);
	if (l->drain)
		drain(l);
	report(l, 0);
	return NULL;
}

/* ---- from the main thread ---- */

int lane_begin(struct lane *l, enum lane_order what, struct lane_tables *t)
{
	struct order o = {.what = what, .tables = t ? lane_tables_use(t) : NULL};

	if (write(l->order_fd, &o, sizeof(o)) == sizeof(o))
		return 0;
	lane_tables_drop(o.tables);
	return -EIO;
}

int lane_wait(struct lane *l)
{
	int result = -EIO;

	while (read(l->order_fd, &result, sizeof(result)) < 0 && errno == EINTR)
		;
	return result;
}

static int end(struct lane *l, enum lane_order what)
{
	int err = lane_begin(l, what, NULL);

	if (!err)
		err = lane_wait(l);
	pthread_join(l->thread, NULL);
	return err;
}

int lane_pause(struct lane *l)
{
	return end(l, LANE_STOP);
}

int lane_finish(struct lane *l)
{
	return end(l, LANE_DRAIN);
}

static int memory(int *fd, const char *name, size_t size, void **out, bool *fresh)
{
	struct stat st;

	*fresh = *fd < 0;
	if (*fresh)
		*fd = memfd_create(name, MFD_CLOEXEC);
	/* that of an older program may be smaller: what it lacks is zero */
	if (*fd < 0 || fstat(*fd, &st) < 0 ||
	    (st.st_size < (off_t)size && ftruncate(*fd, (off_t)size) < 0))
		return -errno;
	*out = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	return *out == MAP_FAILED ? -errno : 0;
}

static void forget_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* What was known of connections is lost with the board of another release. Packets that no ledger
 * names are dropped by the kernel with their queue, and sent again. */
static void keep_readable(struct lane_fds *old)
{
	uint64_t format = 0;

	if (old->ledger < 0 || (pread(old->ledger, &format, sizeof(format), 0) == sizeof(format) &&
				format == LANE_FORMAT))
		return;
	forget_fd(&old->board);
	if (format == LANE_FORMAT_0_1)
		return;
	forget_fd(&old->queue);
	forget_fd(&old->slots);
	forget_fd(&old->ledger);
}

static int map_all(struct lane *l, const struct lane_fds *old)
{
	bool fresh, fresh_board;
	int err;

	l->slots_fd = old->slots;
	l->board_fd = old->board;
	l->ledger_fd = old->ledger;
	err = memory(&l->slots_fd, "fwc-slots", (size_t)SLOTS * SLOT_SIZE, (void **)&l->slots,
		     &fresh);
	if (!err)
		err = memory(&l->board_fd, "fwc-board", sizeof(*l->board), (void **)&l->board,
			     &fresh_board);
	if (!err)
		err = memory(&l->ledger_fd, "fwc-ledger", sizeof(*l->ledger), (void **)&l->ledger,
			     &fresh);
	if (err)
		return err;
	l->ledger->format = LANE_FORMAT;
	if (fresh_board && getrandom(l->board->known.secret, sizeof(l->board->known.secret), 0) < 0)
		return -errno;
	return 0;
}

int lane_open(struct lane *l, const struct lane_options *o, const struct queue_config *c,
	      struct lane_fds *old, struct lane_tables *t, struct buf *why)
{
	int pair[2], err;

	*l = (struct lane){.o = o, .config = *c, .order_fd = -1, .report_fd = -1};
	l->queue.fd = l->judge.fd = l->next.fd = -1;
	keep_readable(old);
	err = map_all(l, old);
	if (err) {
		buf_printf(why, "queue %u: no memory for its packets: %s", c->number,
			   strerror(-err));
		return err;
	}
	err = old->queue >= 0 ? queue_adopt(&l->queue, old->queue, c->number)
			      : queue_open(&l->queue, c, why);
	if (err)
		return err;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	l->order_fd = pair[0];
	l->report_fd = pair[1];
	l->tables = lane_tables_use(t);
	for (uint32_t i = SLOTS; i-- > 0;) {
		if (l->ledger->place[i].open == PLACE_FREE)
			l->free[l->nfree++] = i;
		l->counts.waiting += l->ledger->place[i].open == PLACE_OPEN;
	}
	return 0;
}

int lane_start(struct lane *l)
{
	return -pthread_create(&l->thread, NULL, run, l);
}

void lane_close(struct lane *l)
{
	queue_close(&l->queue);
	if (l->slots)
		munmap(l->slots, (size_t)SLOTS * SLOT_SIZE);
	if (l->board)
		munmap(l->board, sizeof(*l->board));
	if (l->ledger)
		munmap(l->ledger, sizeof(*l->ledger));
	for (int i = 0; i < 5; i++) {
		int fd[] = {l->slots_fd, l->board_fd, l->ledger_fd, l->order_fd, l->report_fd};

		if (fd[i] >= 0)
			close(fd[i]);
	}
	lane_tables_drop(l->tables);
}
