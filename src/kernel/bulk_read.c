/* SPDX-License-Identifier: GPL-2.0-or-later
 * NFT_MSG_GETSETELEM -> whether a set holds a list, by libmnl.
 *
 * A dump of elements begins anew with each of its pieces, and so takes as long as the square of
 * what there is. A million is asked for by name instead, some at a time, and what is answered is
 * compared: an interval set answers 10.0.0.5 by 10.0.0.0. That there are no more, the kernel's
 * count tells, or of a hash its size, which is as large as the list.
 */
#include "kernel/bulk.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/setelem.h"
#include "nft/tlv.h"
#include "util/bulk_file.h"
#include "util/cleanup.h"
#include "util/fault.h"
#include "util/progress.h"

#define ASKED 1000 /* keys in one message */
#define ANSWER 5000 /* bytes of memory that one answer takes in the socket, whatever its length */
#define ROOM 65536
#define SLOTS 64 /* of which one takes an answer of one element, whatever the set's name is */
#define SLOT (ROOM / SLOTS)
#define DUMPED 65536 /* so many ranges take less than a second */

struct node { /* what the kernel holds, or is to hold */
	u128 key;
	bool end;
};

struct reader {
	struct bulk_job *job;
	struct mnl_socket *nl;
	uint32_t seq;
	size_t asked; /* at once */
	char room[ROOM] __attribute__((aligned(8)));
};

/* ---- what there is to be ---- */

/* Node after node, in the order in which they were sent. */
struct wanted {
	const struct ir_bulk *bulk;
	size_t i;
	u128 behind; /* of a hash: so much of the range was yielded */
	bool begun, half; /* behind the end at 0; the range's first address was yielded */
};

static u128 top_of(const struct bulk_list *l)
{
	return u128_max(l->family == FAM_IP4 ? 32 : 128);
}

static bool is_open(const struct bulk_list *l)
{
	return bulk_list_at(l, l->n - 1).hi == top_of(l);
}

static bool next_wanted(struct wanted *w, struct node *out)
{
	const struct bulk_list *l = w->bulk->elems;
	struct ival r;

	if (!w->begun) {
		w->begun = true;
		if (!w->bulk->prefix && !is_open(l)) {
			*out = (struct node){.key = 0, .end = true};
			return true;
		}
	}
	if (w->i == l->n)
		return false;
	r = bulk_list_at(l, w->i);
	if (w->bulk->prefix) {
		*out = (struct node){r.lo + w->behind, false};
		w->behind += bulk_step(w->bulk);
		if (w->behind > r.hi - r.lo) {
			w->behind = 0;
			w->i++;
		}
		return true;
	}
	*out = w->half ? (struct node){r.hi + 1, true} : (struct node){r.lo, false};
	w->half = !w->half && r.hi != top_of(l);
	w->i += !w->half;
	return true;
}

static size_t nodes_of(const struct ir_bulk *b)
{
	if (b->prefix)
		return bulk_keys(b);
	return is_open(b->elems) ? 2 * b->elems->n - 1 : 2 * b->elems->n + 1;
}

/* ---- messages ---- */

static struct nlmsghdr *question(struct reader *r, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *h = setelem_head(r->room, type, flags, r->job->set);

	h->nlmsg_seq = ++r->seq;
	return h;
}

static int send_question(struct reader *r, const struct nlmsghdr *h)
{
	return mnl_socket_sendto(r->nl, h, h->nlmsg_len) < 0 ? -errno : 0;
}

/* Each answer to the last question; 1 at the end, or -errno. */
typedef int (*take_answer)(struct reader *r, const struct tlv_message *m, void *ctx);

static int take_message(struct reader *r, const struct tlv_message *m, take_answer take, void *ctx)
{
	if (m->seq != r->seq)
		return 0;
	if (m->type == NLMSG_ERROR || m->type == NLMSG_DONE) {
		int err = 0;

		if (m->body.n >= sizeof(err))
			memcpy(&err, m->body.p, sizeof(err));
		return err < 0 ? err : 1;
	}
	return m->type >> 8 == NFNL_SUBSYS_NFTABLES ? take(r, m, ctx) : 0;
}

/* Until the kernel says that it is at its end. Many short answers at once. */
static int hear_many(struct reader *r, take_answer take, void *ctx)
{
	struct mmsghdr m[SLOTS];
	struct iovec v[SLOTS];
	int err = 0;

	for (size_t i = 0; i < SLOTS; i++) {
		v[i] = (struct iovec){r->room + i * SLOT, SLOT};
		m[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &v[i], .msg_iovlen = 1}};
	}
	while (!err) {
		int n = recvmmsg(mnl_socket_get_fd(r->nl), m, SLOTS, MSG_WAITFORONE, NULL);

		if (n < 0)
			return -errno;
		for (int i = 0; i < n && !err; i++) {
			struct tlv bytes = {v[i].iov_base, m[i].msg_len};
			struct tlv_message message;

			if (m[i].msg_hdr.msg_flags & MSG_TRUNC)
				return -EMSGSIZE;
			while (!err && tlv_message(&bytes, &message))
				err = take_message(r, &message, take, ctx);
			if (!err && bytes.n) /* a message that is not all there */
				err = -EPROTO;
		}
	}
	return err < 0 ? err : 0;
}

/* The same of long ones. */
static int hear(struct reader *r, take_answer take, void *ctx)
{
	int err = 0;

	while (!err) {
		ssize_t n = mnl_socket_recvfrom(r->nl, r->room, sizeof(r->room));
		struct tlv bytes = {(const uint8_t *)r->room, n > 0 ? (size_t)n : 0};
		struct tlv_message m;

		if (n < 0)
			return -errno;
		while (!err && tlv_message(&bytes, &m))
			err = take_message(r, &m, take, ctx);
		if (!err && bytes.n)
			err = -EPROTO;
	}
	return err < 0 ? err : 0;
}

/* Anything else than key and end is an element that does something of its own. */
static bool read_elem(const struct reader *r, struct tlv elem, struct node *out)
{
	struct tlv v[NFTA_SET_ELEM_USERDATA + 1], key[NFTA_DATA_VALUE + 1];
	size_t bytes = bulk_key_bytes(r->job->bulk->elems->family);
	uint64_t flags;

	bool alone = tlv_sort(elem, v, NFTA_SET_ELEM_USERDATA) && !v[NFTA_SET_ELEM_DATA].p &&
		     !v[NFTA_SET_ELEM_TIMEOUT].p && !v[NFTA_SET_ELEM_EXPIRATION].p;

	flags = tlv_number(v[NFTA_SET_ELEM_FLAGS]);
	tlv_sort(v[NFTA_SET_ELEM_KEY], key, NFTA_DATA_VALUE);
	*out = (struct node){.end = flags & NFT_SET_ELEM_INTERVAL_END};
	if (key[NFTA_DATA_VALUE].n != bytes)
		return false;
	out->key = bulk_address(r->job->bulk->elems->family, key[NFTA_DATA_VALUE].p);
	return alone && !(flags & ~(uint64_t)NFT_SET_ELEM_INTERVAL_END);
}

/* ---- what is different ---- */

static int differs(struct reader *r, const char *what, u128 address)
{
	enum family family = r->job->bulk->elems->family;
	struct buf b = {0};

	addr_print(&b, family, address);
	snprintf(r->job->why, sizeof(r->job->why), "%s %s", buf_str(&b), what);
	buf_free(&b);
	return -EBADMSG;
}

static int missing(struct reader *r, struct node n)
{
	return differs(r, n.end ? "does not end a range of it" : "is not in it", n.key);
}

static int too_many(struct reader *r, uint64_t n)
{
	snprintf(r->job->why, sizeof(r->job->why), "%llu elements are in it in place of %zu",
		 (unsigned long long)n, (size_t)bulk_keys(r->job->bulk));
	return -EBADMSG;
}

/* ---- by name ---- */

static int compare_answer(struct reader *r, const struct tlv_message *m, void *ctx)
{
	struct tlv v[NFTA_SET_ELEM_LIST_MAX + 1], elem;
	struct wanted *w = ctx;
	struct node want, got;
	uint16_t type;

	tlv_sort(m->body, v, NFTA_SET_ELEM_LIST_MAX);
	while (tlv_next(&v[NFTA_SET_ELEM_LIST_ELEMENTS], &type, &elem)) {
		if (!next_wanted(w, &want))
			return -EPROTO;
		if (!read_elem(r, elem, &got))
			return differs(r, "is in it with something besides", want.key);
		if (got.key != want.key || got.end != want.end)
			return missing(r, want);
	}
	return 0;
}

/* The next ones from *at, which goes behind them; how many were asked for. */
static int ask_some(struct reader *r, struct wanted *at, size_t *n)
{
	struct nlmsghdr *h = question(r, NFT_MSG_GETSETELEM, NLM_F_ACK);
	struct nlattr *list = mnl_attr_nest_start(h, NFTA_SET_ELEM_LIST_ELEMENTS);
	struct node node;

	for (*n = 0; *n < r->asked && next_wanted(at, &node); ++*n)
		setelem_put(h, r->job->bulk->elems->family, node.key,
			    node.end ? SETELEM_END : SETELEM_FIRST);
	mnl_attr_nest_end(h, list);
	return *n ? send_question(r, h) : 0;
}

static bool same_place(const struct wanted *a, const struct wanted *b)
{
	return a->begun == b->begun && a->i == b->i && a->half == b->half && a->behind == b->behind;
}

static int compare_some(struct reader *r, struct wanted *at)
{
	struct wanted end = *at, got = *at;
	struct node node;
	size_t n;
	int err = ask_some(r, &end, &n);

	if (!err && n)
		err = hear_many(r, compare_answer, &got);
	if (err == -ENOENT || (!err && !same_place(&got, &end)))
		err = next_wanted(&got, &node) ? missing(r, node) : -EPROTO;
	if (!err)
		*at = end;
	return err ? err : n != 0;
}

/* Where the socket has no room for so many answers, fewer are asked for. The end at 0 is never
 * answered for. */
static int compare_by_name(struct reader *r)
{
	struct wanted at = {.bulk = r->job->bulk, .begun = true};
	int more = 1;

	while (more > 0) {
		progress_at(at.i);
		more = compare_some(r, &at);
		if ((more == -ENOBUFS || more == -EAGAIN) && r->asked > 1) {
			r->asked /= 2;
			more = 1;
		}
	}
	return more;
}

/* ---- how many ---- */

struct counted {
	bool counts; /* the kernel does */
	uint64_t n, size;
};

static int take_set(struct reader *r, const struct tlv_message *m, void *ctx)
{
	struct tlv v[TLV_SET_COUNT + 1], desc[NFTA_SET_DESC_MAX + 1];
	struct counted *c = ctx;

	(void)r;
	tlv_sort(m->body, v, TLV_SET_COUNT);
	tlv_sort(v[NFTA_SET_DESC], desc, NFTA_SET_DESC_MAX);
	c->counts = v[TLV_SET_COUNT].p && !fault_wanted("no-count");
	c->n = tlv_number(v[TLV_SET_COUNT]);
	c->size = tlv_number(desc[NFTA_SET_DESC_SIZE]);
	return 0;
}

static int count(struct reader *r, struct counted *c)
{
	struct nlmsghdr *h = question(r, NFT_MSG_GETSET, NLM_F_ACK);
	int err = send_question(r, h);

	*c = (struct counted){0};
	return err ? err : hear(r, take_set, c);
}

/* Behind the comparison by name: all that is wanted is there. */
static int compare_count(struct reader *r, const struct counted *c)
{
	size_t nodes = nodes_of(r->job->bulk);

	if (!c->counts) /* no more than its size can be in it */
		return c->size == nodes ? 0 : too_many(r, c->size);
	return c->n == (r->job->bulk->prefix ? nodes : nodes / 2) ? 0 : too_many(r, c->n);
}

/* ---- by a dump ---- */

struct dumped {
	struct node *v;
	size_t n, max;
};

static int take_nodes(struct reader *r, const struct tlv_message *m, void *ctx)
{
	struct tlv v[NFTA_SET_ELEM_LIST_MAX + 1], elem;
	struct dumped *d = ctx;
	uint16_t type;

	tlv_sort(m->body, v, NFTA_SET_ELEM_LIST_MAX);
	while (tlv_next(&v[NFTA_SET_ELEM_LIST_ELEMENTS], &type, &elem)) {
		if (d->n == d->max)
			return too_many(r, d->n / 2 + 1);
		if (!read_elem(r, elem, &d->v[d->n]))
			return differs(r, "is in it with something besides", d->v[d->n].key);
		d->n++;
	}
	return 0;
}

static int node_cmp(const void *a, const void *b)
{
	const struct node *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (int)y->end - (int)x->end;
}

static int compare_nodes(struct reader *r, struct dumped *d)
{
	struct wanted w = {.bulk = r->job->bulk};
	struct node want;

	qsort(d->v, d->n, sizeof(*d->v), node_cmp);
	for (size_t i = 0; next_wanted(&w, &want); i++)
		if (i == d->n || d->v[i].key != want.key || d->v[i].end != want.end)
			return missing(r, want);
	return 0;
}

static int compare_dump(struct reader *r)
{
	struct dumped d = {.max = nodes_of(r->job->bulk)};
	struct nlmsghdr *h = question(r, NFT_MSG_GETSETELEM, NLM_F_DUMP);
	int err = -ENOMEM;

	d.v = malloc(d.max * sizeof(*d.v));
	if (d.v)
		err = send_question(r, h);
	if (!err)
		err = hear(r, take_nodes, &d);
	if (!err)
		err = compare_nodes(r, &d);
	free(d.v);
	return err;
}

/* ---- whether there is any ---- */

static int take_any(struct reader *r, const struct tlv_message *m, void *ctx)
{
	struct tlv v[NFTA_SET_ELEM_LIST_MAX + 1], elem;
	bool *any = ctx;
	uint16_t type;

	(void)r;
	tlv_sort(m->body, v, NFTA_SET_ELEM_LIST_MAX);
	*any |= tlv_next(&v[NFTA_SET_ELEM_LIST_ELEMENTS], &type, &elem);
	return *any;
}

/* ---- all of it ---- */

static int open_socket(struct reader *r)
{
	int room = ASKED * ANSWER, yes = 1, fd;
	socklen_t len = sizeof(room);

	r->nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!r->nl || mnl_socket_bind(r->nl, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	fd = mnl_socket_get_fd(r->nl);
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &yes, sizeof(yes));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, &len))
		return -errno;
	r->asked = (size_t)room / ANSWER > ASKED ? ASKED : (size_t)room / ANSWER;
	if (!r->asked)
		r->asked = 1;
	return 0;
}

/* Intervals are counted by twos, and not by every kernel: few of them are read one by one, and a
 * hash that has room for more than the list. */
static bool is_dumped(const struct ir_bulk *b, const struct counted *c)
{
	if (!c->counts)
		return !b->prefix || c->size != nodes_of(b);
	return !b->prefix && b->elems->n <= DUMPED;
}

static int compare(struct reader *r)
{
	struct counted c;
	int err = count(r, &c);

	if (!err && is_dumped(r->job->bulk, &c))
		return compare_dump(r);
	if (!err)
		err = compare_by_name(r);
	return err ? err : compare_count(r, &c);
}

static int find_any(struct reader *r)
{
	bool any = false;
	int err = send_question(r, question(r, NFT_MSG_GETSETELEM, NLM_F_DUMP));

	if (!err)
		err = hear(r, take_any, &any);
	return err ? err : any;
}

static int with_reader(struct bulk_job *j, int (*ask)(struct reader *r))
{
	struct reader *r = calloc(1, sizeof(*r));
	int err = r ? 0 : -ENOMEM;

	if (r) {
		r->job = j;
		err = open_socket(r);
	}
	if (!err)
		err = ask(r);
	if (r && r->nl)
		mnl_socket_close(r->nl);
	free(r);
	return err;
}

bool bulk_is_empty(struct bulk_job *j)
{
	return with_reader(j, find_any) == 0;
}

int bulk_compare(struct bulk_job *j)
{
	int err;

	j->why[0] = '\0';
	progress_begin(PROGRESS_READING_BACK, j->bulk->elems->n);
	err = with_reader(j, compare);
	progress_end();
	return err;
}
