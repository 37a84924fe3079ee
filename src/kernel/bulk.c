/* SPDX-License-Identifier: GPL-2.0-or-later
 * ranges -> NFT_MSG_NEWSETELEM, in transactions one after the other, by libmnl.
 */
#include "kernel/bulk.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/send.h"
#include "kernel/setelem.h"
#include "util/bulk_file.h"
#include "util/cleanup.h"
#include "util/fault.h"
#include "util/progress.h"

/* Of a hash 20,000 elements are cheapest, of a tree as many as can be: each of its commits runs
 * through all of it. What is at once in one attribute ends before its length does. */
#define ROOM_HASH (320 << 10)
#define ROOM_TREE (4 << 20)
#define LIST_MAX 65000
#define ELEM_MAX 64

/* Bytes in the kernel, measured on 6.18 by /proc/slabinfo: of an element 64, of either family, and
 * of its hash table 22; of each end of an interval 64, or with a long key 96. */
#define HASH_ELEM 86
#define INTERVAL4 128
#define INTERVAL6 192

struct filler {
	struct sender sender;
	uint64_t n; /* ranges that were put into messages */
	struct bulk_job *job;
	char *room;
	size_t used;
	struct nlmsghdr *message; /* the one that is being filled, or NULL */
	struct nlattr *list;
};

/* ---- messages ---- */

static struct nlmsghdr *put_message(char *to, const struct bulk_job *j, uint16_t type, bool first)
{
	uint16_t flags = first ? NLM_F_ACK : 0; /* of the others only errors are told */

	if (type == NFT_MSG_NEWSETELEM)
		flags |= NLM_F_CREATE | NLM_F_EXCL;
	return setelem_head(to, type, flags, j->set);
}

static void end_message(struct filler *f)
{
	if (!f->message)
		return;
	mnl_attr_nest_end(f->message, f->list);
	f->used += f->message->nlmsg_len;
	f->message = NULL;
}

static int flush(struct filler *f)
{
	int err;

	end_message(f);
	if (!f->used)
		return 0;
	err = sender_send(&f->sender, f->room, f->used, 0);
	f->used = 0;
	f->job->commits += !err;
	progress_at(f->n);
	fault_point("filling");
	return err;
}

/* Room for a few elements more, which stay together. */
static int make_room(struct filler *f, size_t n)
{
	size_t open = f->message ? f->message->nlmsg_len : NLMSG_ALIGN(NLMSG_HDRLEN) + 512;
	int err = 0;

	if (f->used + open + n > f->sender.room)
		err = flush(f);
	else if (f->message && f->message->nlmsg_len + n > LIST_MAX)
		end_message(f);
	if (!err && !f->message) {
		f->message = put_message(f->room + f->used, f->job, NFT_MSG_NEWSETELEM, !f->used);
		f->list = mnl_attr_nest_start(f->message, NFTA_SET_ELEM_LIST_ELEMENTS);
	}
	return err;
}

static void put_elem(struct filler *f, u128 address, enum setelem what)
{
	setelem_put(f->message, f->job->bulk->elems->family, address, what);
}

/* ---- all of it ---- */

static int put_hash(struct filler *f)
{
	const struct bulk_list *l = f->job->bulk->elems;
	u128 step = bulk_step(f->job->bulk);
	int err = 0;

	for (size_t i = 0; i < l->n && !err; i++) {
		struct ival r = bulk_list_at(l, i);

		f->n = i;
		for (u128 left = (r.hi - r.lo) / step + 1; left && !err; left--, r.lo += step) {
			err = make_room(f, ELEM_MAX);
			if (!err)
				put_elem(f, r.lo, SETELEM_FIRST);
		}
	}
	return err;
}

/* Where the last one has an end there is another end at 0, as nft makes it: so the number of nodes
 * is always odd, and one more of them is one more to the kernel, which counts them by twos. */
static int put_intervals(struct filler *f)
{
	const struct bulk_list *l = f->job->bulk->elems;
	u128 top = u128_max(l->family == FAM_IP4 ? 32 : 128);
	int err = 0;

	for (size_t i = 0; i < l->n && !err; i++) {
		struct ival r = bulk_list_at(l, i);

		f->n = i;
		err = make_room(f, 3 * ELEM_MAX);
		if (err)
			break;
		if (!i && bulk_list_at(l, l->n - 1).hi != top)
			put_elem(f, 0, SETELEM_END);
		put_elem(f, r.lo, r.hi == top ? SETELEM_FIRST_OPEN : SETELEM_FIRST);
		if (r.hi != top)
			put_elem(f, r.hi + 1, SETELEM_END);
	}
	return err;
}

/* Everything that is in it. */
static int empty(struct filler *f)
{
	f->used = put_message(f->room, f->job, NFT_MSG_DELSETELEM, true)->nlmsg_len;
	return flush(f);
}

int bulk_fill(struct bulk_job *j)
{
	struct filler f = {.job = j};
	int err = sender_open(&f.sender, j->bulk->prefix ? ROOM_HASH : ROOM_TREE);
	_cleanup_free_ char *room = err ? NULL : malloc(f.sender.room + LIST_MAX);

	j->commits = 0;
	if (err)
		return err;
	progress_begin(PROGRESS_LOADING, j->bulk->elems->n);
	f.room = room;
	err = room ? 0 : -ENOMEM;
	if (!err && j->used)
		err = empty(&f);
	if (!err)
		err = j->bulk->prefix ? put_hash(&f) : put_intervals(&f);
	if (!err)
		err = flush(&f);
	sender_close(&f.sender);
	progress_end();
	return err;
}

uint64_t bulk_memory(const struct ir_bulk *b)
{
	uint64_t interval = b->elems->family == FAM_IP4 ? INTERVAL4 : INTERVAL6;

	return bulk_keys(b) * (b->prefix ? HASH_ELEM : interval);
}
