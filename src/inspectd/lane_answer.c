/* SPDX-License-Identifier: GPL-2.0-or-later
 * Answers of a judge -> verdicts of the kernel, if they are answers to what was asked.
 */
#include <errno.h>
#include <linux/netfilter.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>

#include "inspectd/lane.h"

#define BIG_SLOT 16384 /* bytes from which on a slot's memory is given back */

static uint32_t with_field(const struct lane *l, uint32_t mark, uint32_t value)
{
	uint32_t mask = l->tables->tables.mark;

	return (mark & ~mask) | value * (mask & -mask);
}

static void free_slot(struct lane *l, uint32_t slot)
{
	struct lane_place *x = &l->ledger->place[slot];

	x->open = PLACE_FREE;
	if (x->offset + x->len > BIG_SLOT)
		madvise(l->slots + (size_t)slot * SLOT_SIZE, SLOT_SIZE, MADV_REMOVE);
	l->free[l->nfree++] = slot;
}

void lane_settle(struct lane *l, uint32_t slot, enum act act, const uint8_t *bytes, size_t n)
{
	static const struct {
		int verdict;
		uint32_t field;
	} acts[NACTS] = {[ACT_PASS] = {NF_ACCEPT, 0},  [ACT_ALLOW] = {NF_REPEAT, 1},
			 [ACT_DENY] = {NF_REPEAT, 2},  [ACT_REJECT] = {NF_REPEAT, 3},
			 [ACT_AGAIN] = {NF_REPEAT, 0}, [ACT_DROP] = {NF_DROP, 0},
			 [ACT_KEEP] = {NF_ACCEPT, 0}};
	struct lane_place *x = &l->ledger->place[slot];

	queue_verdict(&l->queue, x->id, acts[act].verdict, with_field(l, x->mark, acts[act].field),
		      bytes, n);
	l->counts.answered[act]++;
	l->counts.waiting--;
	if (act == ACT_KEEP)
		x->open = PLACE_KEPT;
	else
		free_slot(l, slot);
}

const struct table_rule *lane_rule(const struct lane *l, uint32_t slot)
{
	uint32_t mask = l->tables->tables.mark, mark = l->ledger->place[slot].mark;

	return tables_rule(&l->tables->tables, (mark & mask) / (mask & -mask));
}

void lane_settle_by(struct lane *l, uint32_t slot, enum cause cause)
{
	const struct lane_place *x = &l->ledger->place[slot];
	const struct table_rule *r = lane_rule(l, slot);
	enum act act = ACT_DROP;

	if (x->open == PLACE_KEPT) {
		free_slot(l, slot);
		return;
	}
	if (r && r->inspector->allow_on[cause])
		act = ACT_ALLOW;
	else if (r && cause != CAUSE_NO_HELPER) /* else it may be sent again, and be judged */
		act = ACT_DENY;
	l->counts.settled++;
	lane_settle(l, slot, act, NULL, 0);
}

static bool is_place(struct lane *l, uint32_t slot, enum place what)
{
	if (slot < SLOTS && l->ledger->place[slot].open == what)
		return true;
	l->counts.nonsense++;
	return false;
}

/* What was decided goes to the main thread, at once where it is several. */
static void tell(struct lane *l, struct event *e, uint32_t n)
{
	uint64_t when = (uint64_t)time(NULL);

	for (uint32_t i = 0; i < n; i++)
		e[i].when = when;
	if (send(l->o->events, e, n * sizeof(*e), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		l->counts.lost_events += n;
}

static void take_answers(struct lane *l, struct wire_reply *r, size_t bytes)
{
	size_t answers = r->n * sizeof(r->answers[0]), events = r->events * sizeof(r->event);

	if (r->n > WIRE_ANSWERS || r->events > WIRE_EVENTS || bytes != answers + events) {
		l->counts.nonsense++;
		return;
	}
	for (uint32_t i = 0; i < r->n; i++) {
		const struct wire_answer *a = &r->answers[i];

		if (a->act <= ACT_HOLD || a->act >= NACTS)
			l->counts.nonsense++;
		else if (a->act == ACT_FORGET && is_place(l, a->slot, PLACE_KEPT))
			free_slot(l, a->slot);
		else if (a->act != ACT_FORGET && is_place(l, a->slot, PLACE_OPEN))
			lane_settle(l, a->slot, (enum act)a->act, NULL, 0);
	}
	if (!r->events)
		return;
	queue_flush(&l->queue); /* packets first */
	tell(l, (void *)(r->bytes + answers), r->events);
}

static void take_rewritten(struct lane *l, const struct wire_reply *r, size_t bytes)
{
	if (r->n != bytes || !is_place(l, r->slot, PLACE_OPEN) ||
	    r->n != l->ledger->place[r->slot].len || !l->config.rewrite) {
		l->counts.nonsense++;
		return;
	}
	l->counts.rewritten++;
	lane_settle(l, r->slot, ACT_PASS, r->bytes, r->n);
}

static void take_replied(struct lane *l, const struct wire_reply *r, size_t bytes)
{
	if (r->n != bytes || bytes > DNS_REPLY_MAX) {
		l->counts.nonsense++;
		return;
	}
	if (!is_place(l, r->slot, PLACE_OPEN))
		return;
	lane_reply(l, r->slot, r->bytes, bytes);
	lane_settle(l, r->slot, ACT_DENY, NULL, 0);
}

/* One message of it. */
static enum { GONE, QUIET, HEARD } hear_one(struct lane *l, struct judge_process *p)
{
	static __thread struct wire_reply r;
	ssize_t n = recv(p->fd, &r, sizeof(r), MSG_DONTWAIT);
	size_t bytes;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return QUIET;
	if (n < (ssize_t)WIRE_HEAD)
		return GONE;
	bytes = (size_t)n - WIRE_HEAD;
	p->heard = lane_clock();
	p->taken = r.taken;
	switch ((enum wire_kind)r.kind) {
	case WIRE_READY:
		p->ready = true;
		return QUIET; /* it waits for packets */
	case WIRE_ANSWERED:
		take_answers(l, &r, bytes);
		break;
	case WIRE_REWRITTEN:
		take_rewritten(l, &r, bytes);
		break;
	case WIRE_REPLIED:
		take_replied(l, &r, bytes);
		break;
	case WIRE_LOADING:
		break;
	}
	return HEARD;
}

bool lane_hear(struct lane *l, struct judge_process *p)
{
	int what;

	do
		what = hear_one(l, p);
	while (what == HEARD && p->taken != p->given);
	return what != GONE;
}

void lane_hear_rest(struct lane *l, struct judge_process *p)
{
	while (hear_one(l, p) == HEARD)
		;
}
