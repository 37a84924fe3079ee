/* SPDX-License-Identifier: GPL-2.0-or-later
 * a list, and what a set holds -> elements that go and come, in transactions.
 *
 * What comes comes before what goes, in pieces. Intervals that meet one another cannot be in a set
 * at once: those go and come in one transaction, and so does what is changed in a set that has no
 * room for both. Where there is much of which nobody knows what it is, all of it goes and all that
 * is wanted comes in one transaction: to read it would take as long as the square of what there is.
 */
#include "kernel/delta.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/bulk.h"
#include "kernel/child.h"
#include "kernel/delta_probe.h"
#include "kernel/delta_read.h"
#include "kernel/send.h"
#include "kernel/setelem.h"
#include "nft/ir.h"
#include "util/cleanup.h"
#include "util/fault.h"
#include "util/progress.h"

#define ROOM_HASH (320 << 10) /* as of lists that are filled for the first time (bulk.c) */
#define ROOM_TREE (4 << 20)
#define ROOM_MAX (256 << 20)
#define LIST_MAX 65000 /* what is at once in one attribute ends before its length does */
#define HEAD_MAX 512
#define OP_MAX 192 /* bytes of a range, with both ends */
#define DUMPED 65536 /* a larger hash is asked for by name (bulk_read.c) */
#define SAMPLE 256 /* of what is believed so many are asked for */
#define TIME_MS 120000 /* of each set, as children have by default */
#define TRIES 8 /* others may change it between our look and our change */

struct op {
	struct ival at;
	bool add;
	bool glued; /* in one transaction with the one before it */
};

struct ops {
	struct op *v;
	size_t n, cap;
};

struct writer {
	struct sender sender;
	const struct delta_job *job;
	char *room;
	size_t used;
	struct nlmsghdr *message; /* the one that is being filled, or NULL */
	struct nlattr *list;
	bool adds; /* it does */
};

/* ---- messages ---- */

static void begin_message(struct writer *w, bool add)
{
	uint16_t flags = (add ? NLM_F_CREATE : 0) | /* of others only errors are told */
			 (w->used ? 0 : NLM_F_ACK);

	w->list = NULL;
	w->message = setelem_head(w->room + w->used, add ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM,
				  flags, w->job->set);
	w->adds = add;
}

static void end_message(struct writer *w)
{
	if (!w->message)
		return;
	if (w->list)
		mnl_attr_nest_end(w->message, w->list);
	w->used += w->message->nlmsg_len;
	w->message = NULL;
}

static int flush(struct writer *w)
{
	int err;

	end_message(w);
	if (!w->used)
		return 0;
	err = sender_send(&w->sender, w->room, w->used, 0);
	w->used = 0;
	fault_point("refreshing");
	return err;
}

static void for_list(struct writer *w, bool add)
{
	if (w->message && (w->adds != add || w->message->nlmsg_len + OP_MAX > LIST_MAX))
		end_message(w);
	if (!w->message) {
		begin_message(w, add);
		w->list = mnl_attr_nest_start(w->message, NFTA_SET_ELEM_LIST_ELEMENTS);
	}
}

static void put_op(struct writer *w, const struct op *o)
{
	u128 top = u128_max(w->job->family == FAM_IP4 ? 32 : 128);
	bool open = w->job->interval && o->at.hi == top;

	for_list(w, o->add);
	setelem_put(w->message, w->job->family, o->at.lo,
		    open && o->add ? SETELEM_FIRST_OPEN : SETELEM_FIRST);
	if (w->job->interval && !open)
		setelem_put(w->message, w->job->family, o->at.hi + 1, SETELEM_END);
}

/* ---- what is different ---- */

static void push(struct ops *ops, struct ival at, bool add, bool glued)
{
	if (ops->n == ops->cap) {
		ops->cap = ops->cap ? 2 * ops->cap : 256;
		ops->v = realloc(ops->v, ops->cap * sizeof(*ops->v));
		if (!ops->v)
			abort();
	}
	ops->v[ops->n++] = (struct op){at, add, glued};
}

static struct ir_bulk bulk_of(const struct delta_job *j, const struct bulk_list *l)
{
	uint8_t all = j->family == FAM_IP4 ? 32 : 128;

	return (struct ir_bulk){.elems = l,
				.prefix = j->interval ? 0
					  : j->prefix ? j->prefix
						      : all};
}

/* Element after element of a list. */
struct walk {
	const struct bulk_list *l;
	u128 step, behind; /* of a hash: so much of the range was yielded */
	size_t i;
};

static struct walk walk_of(const struct delta_job *j, const struct bulk_list *l)
{
	const struct ir_bulk b = bulk_of(j, l);

	return (struct walk){.l = l, .step = l && b.prefix ? bulk_step(&b) : 0};
}

static bool walk_next(struct walk *w, struct ival *out)
{
	if (!w->l || w->i == w->l->n)
		return false;
	*out = bulk_list_at(w->l, w->i);
	if (w->step) {
		u128 hi = out->hi;

		out->hi = out->lo += w->behind;
		w->behind += w->step;
		if (hi - out->lo >= w->step)
			return true;
	}
	w->behind = 0;
	w->i++;
	return true;
}

static void wanted(const struct delta_job *j, const struct bulk_list *l, struct delta_elems *out)
{
	struct walk w = walk_of(j, l);
	struct ival r;

	*out = (struct delta_elems){0};
	while (walk_next(&w, &r))
		delta_elems_add(out, r.lo, r.hi);
}

static uint64_t count(const struct delta_job *j, const struct bulk_list *l)
{
	const struct ir_bulk b = bulk_of(j, l);

	return l ? bulk_keys(&b) : 0;
}

uint64_t delta_count(const struct bulk_list *l, bool interval)
{
	struct delta_job j = {.family = l ? l->family : FAM_IP4, .interval = interval};

	return count(&j, l);
}

/* What is in the one and not in the other. */
static void without(const struct delta_elems *a, const struct delta_elems *b,
		    struct delta_elems *out)
{
	*out = (struct delta_elems){0};
	for (size_t i = 0, k = 0; i < a->n; i++) {
		while (k < b->n && b->v[k].lo < a->v[i].lo)
			k++;
		if (k == b->n || b->v[k].lo != a->v[i].lo || b->v[k].hi != a->v[i].hi)
			delta_elems_add(out, a->v[i].lo, a->v[i].hi);
	}
}

static bool meets(const struct ival *r, u128 end)
{
	return r->lo <= end || r->lo == end + 1;
}

struct plan {
	struct ops adds, groups, deletes;
};

/* Ranges that meet, over however many others, are one group. */
static void part(const struct delta_elems *add, const struct delta_elems *del, bool interval,
		 struct plan *out)
{
	size_t i = 0, k = 0;

	while (i < add->n || k < del->n) {
		bool first_add = k == del->n || (i < add->n && add->v[i].lo < del->v[k].lo);
		u128 end = first_add ? add->v[i].hi : del->v[k].hi;
		size_t i0 = i, k0 = k;
		bool grew = interval;

		i += first_add;
		k += !first_add;
		while (grew) {
			grew = false;
			for (; i < add->n && meets(&add->v[i], end); i++, grew = true)
				end = add->v[i].hi > end ? add->v[i].hi : end;
			for (; k < del->n && meets(&del->v[k], end); k++, grew = true)
				end = del->v[k].hi > end ? del->v[k].hi : end;
		}
		for (size_t x = k0; x < k; x++)
			push(i == i0 ? &out->deletes : &out->groups, del->v[x], false,
			     i != i0 && x > k0);
		for (size_t x = i0; x < i; x++)
			push(k == k0 ? &out->adds : &out->groups, add->v[x], true, k != k0);
	}
}

static void append(struct ops *to, const struct ops *from)
{
	for (size_t i = 0; i < from->n; i++)
		push(to, from->v[i].at, from->v[i].add, from->v[i].glued);
}

/* Where there is room for all of them at once; else each that comes takes the place of one that
 * goes. */
static void order(const struct plan *p, bool roomy, struct ops *out)
{
	size_t pairs = p->adds.n < p->deletes.n ? p->adds.n : p->deletes.n;

	if (roomy) {
		append(out, &p->adds);
		append(out, &p->groups);
		append(out, &p->deletes);
		return;
	}
	for (size_t i = 0; i < pairs; i++) {
		push(out, p->deletes.v[i].at, false, false);
		push(out, p->adds.v[i].at, true, true);
	}
	for (size_t i = pairs; i < p->deletes.n; i++)
		push(out, p->deletes.v[i].at, false, false);
	append(out, &p->groups);
	for (size_t i = pairs; i < p->adds.n; i++)
		push(out, p->adds.v[i].at, true, false);
}

/* ---- into the kernel ---- */

/* How many there are together from this one on. */
static size_t glued_from(const struct ops *ops, size_t i)
{
	size_t n = 1;

	while (i + n < ops->n && ops->v[i + n].glued)
		n++;
	return n;
}

static size_t bytes_of(size_t n)
{
	return n * (OP_MAX + HEAD_MAX);
}

static size_t most_glued(const struct ops *ops)
{
	size_t most = 1;

	for (size_t i = 0; i < ops->n; i += glued_from(ops, i))
		if (glued_from(ops, i) > most)
			most = glued_from(ops, i);
	return most;
}

static int open_writer(struct writer *w, const struct delta_job *j, const struct ops *ops)
{
	size_t room = j->interval ? ROOM_TREE : ROOM_HASH, glued = bytes_of(most_glued(ops));
	int err;

	*w = (struct writer){.job = j};
	if (glued > room)
		room = glued < ROOM_MAX ? glued : ROOM_MAX;
	err = sender_open(&w->sender, room);
	if (!err)
		w->room = malloc(w->sender.room + 2 * LIST_MAX);
	return err ? err : w->room ? 0 : -ENOMEM;
}

/* Where a group is larger than what the kernel takes at once, it is parted all the same. */
static int put_ops(struct writer *w, const struct ops *ops, bool zero_end)
{
	u128 top = u128_max(w->job->family == FAM_IP4 ? 32 : 128);
	int err = 0;

	progress_begin(PROGRESS_CHANGING, ops->n);
	for (size_t i = 0; i < ops->n && !err; i++) {
		size_t need = ops->v[i].glued ? OP_MAX + HEAD_MAX : bytes_of(glued_from(ops, i));
		size_t open = w->message ? w->message->nlmsg_len : 0;

		if (w->used + open && w->used + open + need > w->sender.room &&
		    (!ops->v[i].glued || w->used + open + OP_MAX + HEAD_MAX > w->sender.room))
			err = flush(w);
		if (i % 4096 == 0)
			progress_at(i);
		if (err)
			break;
		if (ops->v[i].add && w->job->interval && !zero_end && ops->v[i].at.hi != top) {
			for_list(w, true);
			setelem_put(w->message, w->job->family, 0, SETELEM_END);
			zero_end = true;
		}
		put_op(w, &ops->v[i]);
	}
	err = err ? err : flush(w);
	progress_end();
	return err;
}

static int send_ops(const struct delta_job *j, const struct ops *ops, bool zero_end)
{
	struct writer w;
	int err = ops->n ? open_writer(&w, j, ops) : 0;

	if (!ops->n)
		return 0;
	if (!err)
		err = put_ops(&w, ops, zero_end);
	sender_close(&w.sender);
	free(w.room);
	return err;
}

/* What is in it cannot be made sense of, or is too much to be read: it goes, and all that is wanted
 * comes, at once. What is there already may be added to a hash again. */
static int replace(struct delta_job *j, const struct delta_elems *want)
{
	struct ops ops = {0};
	struct writer w;
	int err;

	for (size_t i = 0; i < want->n; i++)
		push(&ops, want->v[i], true, !j->adds_only);
	err = open_writer(&w, j, &ops);
	if (!err) {
		if (!j->adds_only) {
			begin_message(&w, false);
			end_message(&w);
		}
		err = put_ops(&w, &ops, false);
		j->added = j->adds_only ? 0 : want->n;
		j->told = true;
	}
	sender_close(&w.sender);
	free(w.room);
	free(ops.v);
	return err;
}

/* ---- by what it holds ---- */

static bool holds(const struct delta_job *j, const struct bulk_list *l)
{
	const struct ir_bulk b = bulk_of(j, l);
	struct bulk_job job = {.set = j->set, .bulk = &b};

	return bulk_compare(&job) == 0;
}

/* Where there are many, it is asked for what should be there; then a part of a dump shows whether
 * there are. */
static int look(const struct delta_job *j, struct delta_elems *out)
{
	const struct bulk_list *both[] = {j->was, j->want};

	for (int i = 0; i < 2; i++) {
		if (count(j, both[i]) > DUMPED && holds(j, both[i])) {
			wanted(j, both[i], out);
			out->zero_end = true;
			return 0;
		}
	}
	return delta_read(j->set, j->family, j->interval, DUMPED, out);
}

static int change(struct delta_job *j, const struct delta_elems *add, const struct delta_elems *del,
		  size_t held, bool zero_end)
{
	struct plan p = {0};
	struct ops ops = {0};
	int err;

	part(add, del, j->interval, &p);
	order(&p, held + add->n <= j->size, &ops);
	err = send_ops(j, &ops, zero_end);
	if (!err) {
		j->added += add->n;
		j->deleted += del->n;
		j->told = true;
	}
	free(p.adds.v);
	free(p.groups.v);
	free(p.deletes.v);
	free(ops.v);
	return err;
}

static int change_from(struct delta_job *j, const struct delta_elems *has,
		       const struct delta_elems *want, bool *same)
{
	struct delta_elems add, del;
	int err = 0;

	without(want, has, &add);
	without(has, want, &del);
	if (j->adds_only)
		del.n = 0;
	*same = !add.n && !del.n;
	if (!*same)
		err = change(j, &add, &del, has->n, has->zero_end);
	free(add.v);
	free(del.v);
	return err;
}

/* ---- by what is different alone ---- */

struct near {
	struct delta_elems add, del, some; /* the last: of what stays, here and there one */
};

/* Both are sorted. */
static void differ(const struct delta_job *j, struct near *out)
{
	struct walk a = walk_of(j, j->was), b = walk_of(j, j->want);
	uint64_t every = count(j, j->was) / SAMPLE + 1, n = 0;
	struct ival x, y;
	bool more_x = walk_next(&a, &x), more_y = walk_next(&b, &y);

	while (more_x || more_y) {
		bool old = more_x && (!more_y || x.lo <= y.lo);
		bool new = more_y && (!more_x || y.lo <= x.lo);

		if (old && new && x.hi == y.hi) {
			if (n++ % every == 0)
				delta_elems_add(&out->some, x.lo, x.hi);
		} else {
			if (old)
				delta_elems_add(&out->del, x.lo, x.hi);
			if (new)
				delta_elems_add(&out->add, y.lo, y.hi);
		}
		if (old)
			more_x = walk_next(&a, &x);
		if (new)
			more_y = walk_next(&b, &y);
	}
}

/* Those stay that are there, or are not. How many went, or -errno. */
static ssize_t keep(const struct delta_job *j, struct delta_elems *e, bool that_are)
{
	_cleanup_free_ bool *there = calloc(e->n + 1, sizeof(*there));
	size_t n = 0, all = e->n;
	int err = there ? 0 : -ENOMEM;

	if (!err && all)
		err = delta_probe(j->set, j->family, j->interval, e->v, all, there);
	if (err)
		return err;
	for (size_t i = 0; i < all; i++)
		if (there[i] == that_are)
			e->v[n++] = e->v[i];
	e->n = n;
	return (ssize_t)(all - n);
}

/* What stays is believed, if all that are asked for are there. Somebody who was killed, or ran
 * before us, may have changed a part. -ESTALE: it must be read, all of it. */
static int change_near(struct delta_job *j)
{
	struct near x = {0};
	ssize_t added, gone = 0, lost = 0;
	int err = 0;

	differ(j, &x);
	if (j->adds_only)
		x.del.n = 0;
	added = keep(j, &x.add, false);
	if (added >= 0)
		gone = keep(j, &x.del, true);
	if (added >= 0 && gone >= 0)
		lost = keep(j, &x.some, true);
	if (added < 0 || gone < 0 || lost)
		err = -ESTALE;
	if (!err)
		j->held = count(j, j->was) + (size_t)added - (size_t)gone;
	if (!err && x.add.n + x.del.n)
		err = change(j, &x.add, &x.del, j->held, true);
	free(x.add.v);
	free(x.del.v);
	free(x.some.v);
	return err;
}

/* ---- all of it ---- */

/* Until it reads as it should: others may change it, too. */
static int settle(struct delta_job *j, const struct delta_elems *want)
{
	bool same = false, fresh = true;
	int err = 0;

	for (int i = 0; i < TRIES && !same; i++) {
		struct delta_elems has;

		err = look(j, &has);
		if (fresh)
			j->held = has.n;
		fresh = false;
		if (!err)
			err = change_from(j, &has, want, &same);
		else if (err == -EPROTO || err == -E2BIG)
			err = replace(j, want);
		free(has.v);
		if (err && err != -ENOENT && err != -EEXIST && err != -EINTR && err != -EBUSY)
			break;
		if (err == -ENOENT && i > 1)
			break;
		if (j->adds_only && !err)
			return 0; /* what else it holds is not asked */
		if (j->was && !err)
			j->was = NULL; /* it is another now */
	}
	return err ? err : same ? 0 : -EBUSY;
}

static int change_one(struct delta_job *j)
{
	struct delta_elems want;
	int err = -ESTALE;

	if (j->trusted && j->was && count(j, j->was) > DUMPED)
		err = change_near(j);
	if (!err)
		return 0;
	wanted(j, j->want, &want);
	err = settle(j, &want);
	free(want.v);
	return err;
}

/* Packets are judged under the lock that this waits for (RCU). Where the kernel cannot do that, no
 * packet takes as long between two rules as two transactions. */
static void wait_for_packets(void)
{
	syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
}

struct jobs {
	size_t n, at;
	struct delta_job v[DELTA_JOBS];
};

static int run(void *arg)
{
	struct jobs *all = arg;
	int err = 0;

	while (all->at < all->n && !err) {
		struct delta_job *j = &all->v[all->at];

		err = change_one(j);
		if (err)
			break;
		if (j->adds_only && j->told)
			wait_for_packets();
		fault_point(j->adds_only ? "refresh-added" : "refresh-parts");
		all->at++;
	}
	return -err;
}

static void explain(const struct delta_job *j, int err, const struct buf *said, char *why, size_t n)
{
	if (err == -ENOENT)
		snprintf(why, n, "the kernel has no set %s", j->set);
	else if (err == -ECHILD)
		snprintf(why, n, "the process that changes set %s was killed", j->set);
	else if (said->len)
		snprintf(why, n, "%s", buf_str(said));
	else
		snprintf(why, n, "the kernel refuses to change set %s: %s", j->set, strerror(-err));
}

static bool has_room(const struct delta_job *j, char *why, size_t size)
{
	uint64_t n = count(j, j->want);

	if (n <= j->size)
		return true;
	snprintf(why, size, "%llu elements, and set %s has room for %llu", (unsigned long long)n,
		 j->set, (unsigned long long)j->size);
	return false;
}

int delta_change_all(struct delta_job *v, size_t n, const char *netns)
{
	struct child c = {.where = child_where_of(netns),
			  .netns = netns,
			  .timeout_ms = (unsigned)n * TIME_MS,
			  .run = run};
	struct jobs all = {.n = n};
	int err;

	for (size_t i = 0; i < n; i++)
		if (!has_room(&v[i], v->why, sizeof(v->why)))
			return -ENOSPC;
	memcpy(all.v, v, n * sizeof(*v));
	err = child_run_on(&c, &all, sizeof(all));
	memcpy(v, all.v, n * sizeof(*v));
	if (err)
		explain(&v[all.at < n ? all.at : n - 1], err, &c.why, v->why, sizeof(v->why));
	child_free(&c);
	return err;
}

int delta_change(struct delta_job *j, const char *netns)
{
	return delta_change_all(j, 1, netns);
}
