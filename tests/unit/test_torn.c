/* SPDX-License-Identifier: GPL-2.0-or-later
 * Dumps that commits run through, are cut short or answered out of turn: they are taken again, or
 * said to have failed, and never believed. The kernel is played here: libmnl's sockets are ours.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "kernel/dump.h"
#include "test.h"

#define US 7 /* the port that the socket has */
#define MINE "fwc"
#define THEIRS "docker"

/* ---- the kernel ---- */

enum trouble {
	NONE,
	FLAGGED, /* a commit to the table runs through it, and the message says so */
	FLAGGED_ONLY, /* it says so, and no generation went by */
	UNFLAGGED, /* as of elements: nothing says so but the news */
	THEIRS_COMMITTED, /* another table's commit, with the flag or without */
	CUT, /* the last message is not all there */
	CUT_HEAD, /* not even its header */
	STRANGE, /* messages of another question, of another port, of another table */
	BROKEN_OFF, /* an error in the middle */
	OVERRUN, /* the socket had no room */
	GONE, /* what was listed is not there any more */
	DENIED, /* an error that is not of time */
	DEAF, /* a commit of which the news are lost */
};

struct datagram {
	char bytes[2048];
	size_t n;
	int err; /* recvfrom() fails so */
};

struct queue {
	struct datagram v[64];
	size_t first, n;
};

static struct {
	struct queue answers, news;
	uint32_t generation;
	enum trouble trouble;
	uint16_t when; /* by which question it comes */
	int left; /* how many times */
	int taken; /* dumps that were begun */
} kernel;

static int asks, hears; /* their addresses are the sockets */

static struct datagram *add(struct queue *q)
{
	struct datagram *d = &q->v[q->n++ % 64];

	memset(d, 0, sizeof(*d));
	return d;
}

static struct nlmsghdr *put(struct datagram *d, uint16_t type, uint16_t flags, uint32_t seq)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(d->bytes + d->n);
	struct nfgenmsg *g = mnl_nlmsg_put_extra_header(h, sizeof(*g));

	h->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
	h->nlmsg_flags = flags;
	h->nlmsg_seq = seq;
	h->nlmsg_pid = US;
	g->nfgen_family = NFPROTO_INET;
	return h;
}

static void end(struct datagram *d, const struct nlmsghdr *h)
{
	d->n += MNL_ALIGN(h->nlmsg_len);
}

static void put_error(struct datagram *d, uint16_t type, uint32_t seq, int err)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(d->bytes + d->n);

	h->nlmsg_type = type;
	h->nlmsg_seq = seq;
	h->nlmsg_pid = US;
	*(int *)mnl_nlmsg_put_extra_header(h, sizeof(struct nlmsgerr)) = err;
	end(d, h);
}

static void put_object(struct datagram *d, uint16_t type, uint16_t flags, uint32_t seq,
		       const char *table, const char *name)
{
	struct nlmsghdr *h = put(d, type, flags, seq);

	mnl_attr_put_strz(h, 1, table); /* the table, of every object */
	if (name)
		mnl_attr_put_strz(h, 2, name);
	end(d, h);
}

static void put_generation(struct datagram *d, uint32_t seq)
{
	struct nlmsghdr *h = put(d, NFT_MSG_NEWGEN, 0, seq);

	mnl_attr_put_u32(h, NFTA_GEN_ID, htonl(kernel.generation));
	end(d, h);
}

static void commit(const char *table, bool told)
{
	struct datagram *d;

	kernel.generation++;
	if (!told)
		return;
	d = add(&kernel.news);
	put_object(d, NFT_MSG_NEWRULE, 0, 0, table, "chain");
	d = add(&kernel.news);
	put_generation(d, 0);
}

static uint16_t new_of(uint16_t get) /* nf_tables numbers NEW, GET, DEL in turn */
{
	return (uint16_t)(get - 1);
}

/* Two objects, the end. */
static void answer_dump(uint16_t type, uint32_t seq, enum trouble t)
{
	bool flag = t == FLAGGED || t == FLAGGED_ONLY || t == THEIRS_COMMITTED;
	uint16_t flags = (uint16_t)(NLM_F_MULTI | (flag ? NLM_F_DUMP_INTR : 0));
	struct datagram *d = add(&kernel.answers);

	if (t == STRANGE) {
		put_object(d, new_of(type), NLM_F_MULTI, seq - 1, MINE, "of another question");
		put_object(d, new_of(type), NLM_F_MULTI, seq, MINE, "of another port");
		((struct nlmsghdr *)d->bytes)->nlmsg_pid = US;
		((struct nlmsghdr *)(d->bytes + ((struct nlmsghdr *)d->bytes)->nlmsg_len))
			->nlmsg_pid = US + 1;
		put_object(d, new_of(type), NLM_F_MULTI, seq, THEIRS, "of another table");
	}
	put_object(d, new_of(type), NLM_F_MULTI, seq, MINE, "one");
	put_object(d, new_of(type), flags, seq, MINE, "two");
	if (t == CUT)
		d->n -= 4;
	if (t == CUT_HEAD)
		d->n -= 40;
	if (t == BROKEN_OFF || t == GONE || t == DENIED) {
		d = add(&kernel.answers);
		put_error(d, NLMSG_ERROR, seq, t == GONE ? -ENOENT : t == DENIED ? -EPERM : -EINTR);
		return;
	}
	if (t == OVERRUN)
		add(&kernel.answers)->err = ENOBUFS;
	d = add(&kernel.answers);
	put_error(d, NLMSG_DONE, seq, 0);
}

static void answer(const struct nlmsghdr *q)
{
	uint16_t type = q->nlmsg_type & 0xff;
	enum trouble t = NONE;
	struct datagram *d;

	kernel.taken += type == NFT_MSG_GETTABLE;
	if (type == kernel.when && kernel.left > 0) {
		kernel.left--;
		t = kernel.trouble;
	}
	if (t == FLAGGED || t == UNFLAGGED || t == DEAF || t == GONE)
		commit(MINE, t != DEAF);
	if (t == THEIRS_COMMITTED)
		commit(THEIRS, true);
	if ((q->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP) {
		answer_dump(type, q->nlmsg_seq, t);
		return;
	}
	d = add(&kernel.answers);
	if (type == NFT_MSG_GETGEN)
		put_generation(d, q->nlmsg_seq);
	else
		put_object(d, new_of(type), 0, q->nlmsg_seq, MINE, NULL);
	d = add(&kernel.answers);
	put_error(d, NLMSG_ERROR, q->nlmsg_seq, 0);
}

/* ---- libmnl's sockets ---- */

struct mnl_socket *__wrap_mnl_socket_open2(int bus, int flags);
int __wrap_mnl_socket_bind(struct mnl_socket *nl, unsigned int groups, pid_t pid);
int __wrap_mnl_socket_setsockopt(const struct mnl_socket *nl, int type, void *buf, socklen_t len);
unsigned int __wrap_mnl_socket_get_portid(const struct mnl_socket *nl);
int __wrap_mnl_socket_get_fd(const struct mnl_socket *nl);
int __wrap_mnl_socket_close(struct mnl_socket *nl);
int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout);
ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *nl, const void *req, size_t siz);
ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *nl, void *buf, size_t siz);

struct mnl_socket *__wrap_mnl_socket_open2(int bus, int flags)
{
	(void)bus;
	return (struct mnl_socket *)(flags & SOCK_NONBLOCK ? &hears : &asks);
}

int __wrap_mnl_socket_bind(struct mnl_socket *nl, unsigned int groups, pid_t pid)
{
	(void)nl, (void)groups, (void)pid;
	return 0;
}

int __wrap_mnl_socket_setsockopt(const struct mnl_socket *nl, int type, void *buf, socklen_t len)
{
	(void)nl, (void)type, (void)buf, (void)len;
	return 0;
}

unsigned int __wrap_mnl_socket_get_portid(const struct mnl_socket *nl)
{
	(void)nl;
	return US;
}

int __wrap_mnl_socket_get_fd(const struct mnl_socket *nl)
{
	(void)nl;
	return -1; /* for poll() below alone */
}

/* Of news. No time goes by: who would wait for what does not come has waited. */
int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout)
{
	bool some = kernel.news.first < kernel.news.n;

	if (n != 1 || (!some && timeout < 0))
		abort();
	fds->revents = some ? POLLIN : 0;
	return some;
}

int __wrap_mnl_socket_close(struct mnl_socket *nl)
{
	(void)nl;
	return 0;
}

ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *nl, const void *req, size_t siz)
{
	(void)nl;
	answer(req);
	return (ssize_t)siz;
}

ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *nl, void *buf, size_t siz)
{
	struct queue *q = (const void *)nl == &hears ? &kernel.news : &kernel.answers;
	struct datagram *d = &q->v[q->first % 64];

	if (q->first == q->n) {
		errno = EAGAIN;
		return -1;
	}
	q->first++;
	if (d->err || d->n > siz) {
		errno = d->err ? d->err : ENOSPC;
		return -1;
	}
	memcpy(buf, d->bytes, d->n);
	return (ssize_t)d->n;
}

/* ---- what becomes of it ---- */

static int take(enum trouble t, uint16_t when, int times, struct buf *out, uint32_t *generation)
{
	memset(&kernel, 0, sizeof(kernel));
	kernel.generation = 10;
	kernel.trouble = t;
	kernel.when = when;
	kernel.left = times;
	out->len = 0;
	return dump_here(MINE, NULL, out, generation);
}

static bool has(const struct buf *b, const char *text)
{
	return memmem(b->data, b->len, text, strlen(text)) != NULL;
}

static const uint16_t questions[] = {NFT_MSG_GETCHAIN,	   NFT_MSG_GETOBJ,  NFT_MSG_GETSET,
				     NFT_MSG_GETFLOWTABLE, NFT_MSG_GETRULE, NFT_MSG_GETSETELEM};
#define QUESTIONS (sizeof(questions) / sizeof(questions[0]))

/* Of a kernel at rest: each kind of object, twice. */
static void test_rest(struct buf *clean)
{
	uint32_t generation = 0;

	SAME_NUMBER(take(NONE, 0, 0, clean, &generation), 0);
	SAME_NUMBER(generation, 10);
	SAME_NUMBER(kernel.taken, 1);
	CHECK(clean->len > 0);
}

/* The sequence numbers of messages are of the question; all else is to be the same. */
static bool same(const struct buf *a, const struct buf *b)
{
	size_t i = 0;

	if (a->len != b->len)
		return false;
	while (i < a->len) {
		struct nlmsghdr x = *(const struct nlmsghdr *)(a->data + i);
		struct nlmsghdr y = *(const struct nlmsghdr *)(b->data + i);

		y.nlmsg_seq = x.nlmsg_seq;
		y.nlmsg_flags = x.nlmsg_flags;
		if (memcmp(&x, &y, sizeof(x)) != 0 || x.nlmsg_len < sizeof(x) ||
		    memcmp(a->data + i + sizeof(x), b->data + i + sizeof(x),
			   x.nlmsg_len - sizeof(x)) != 0)
			return false;
		i += MNL_ALIGN(x.nlmsg_len);
	}
	return true;
}

/* Once: the second time it is whole. */
static void test_again(const struct buf *clean)
{
	static const enum trouble again[] = {FLAGGED,	 FLAGGED_ONLY, UNFLAGGED, CUT, CUT_HEAD,
					     BROKEN_OFF, OVERRUN,      GONE,	  DEAF};
	struct buf out = {0};
	uint32_t generation;

	for (size_t q = 0; q < QUESTIONS; q++) {
		for (size_t i = 0; i < sizeof(again) / sizeof(again[0]); i++) {
			bool commits = again[i] == FLAGGED || again[i] == UNFLAGGED ||
				       again[i] == GONE || again[i] == DEAF;
			int err = take(again[i], questions[q], 1, &out, &generation);

			if (!CHECK(!err && kernel.taken == 2 && same(&out, clean)) ||
			    !CHECK(generation == 10u + commits))
				printf("# trouble %d at question %u: %d, taken %d times\n",
				       (int)again[i], questions[q], err, kernel.taken);
		}
	}
	buf_free(&out);
}

/* What is none of our business. A list that goes on by index is the exception: chains. */
static void test_others(const struct buf *clean)
{
	struct buf out = {0};
	uint32_t generation;

	for (size_t q = 0; q < QUESTIONS; q++) {
		int twice = 1 + (questions[q] == NFT_MSG_GETCHAIN);

		SAME_NUMBER(take(THEIRS_COMMITTED, questions[q], 1, &out, &generation), 0);
		SAME_NUMBER(kernel.taken, twice);
		CHECK(same(&out, clean));
		SAME_NUMBER(generation, 11);
		SAME_NUMBER(take(STRANGE, questions[q], 1, &out, &generation), 0);
		SAME_NUMBER(kernel.taken, 1);
		CHECK(!has(&out, "of another") && same(&out, clean));
	}
	buf_free(&out);
}

/* It has an end, and nobody takes the last try for whole. */
static void test_for_ever(void)
{
	static const enum trouble for_ever[] = {FLAGGED, UNFLAGGED, CUT, OVERRUN, GONE};
	struct buf out = {0};
	uint32_t generation;

	for (size_t i = 0; i < sizeof(for_ever) / sizeof(for_ever[0]); i++) {
		SAME_NUMBER(take(for_ever[i], NFT_MSG_GETRULE, 1 << 30, &out, &generation),
			    -EAGAIN);
		CHECK(kernel.taken > 10 && kernel.taken < 1000);
	}
	SAME_NUMBER(take(DENIED, NFT_MSG_GETRULE, 1, &out, &generation), -EPERM);
	SAME_NUMBER(kernel.taken, 1);
	buf_free(&out);
}

int main(void)
{
	struct buf clean = {0};

	test_rest(&clean);
	test_again(&clean);
	test_others(&clean);
	test_for_ever();
	buf_free(&clean);
	return test_end();
}
