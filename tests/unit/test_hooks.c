/* SPDX-License-Identifier: GPL-2.0-or-later
 * A kernel that answers late: what it says of one batch is not taken for what it says of another.
 * The socket is this test's, for the program's functions stand before those of libmnl.
 */
#include "kernel/hooks.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "test.h"

#define BATCHES 3
#define MESSAGES 16

static struct {
	uint32_t seq[BATCHES][MESSAGES];
	size_t n[BATCHES], batches;
} sent;

/* What is received: an answer each, its number and error; 0: the time is over. */
static struct answer {
	uint32_t seq;
	int error;
} queue[64];
static size_t queued, taken;
static void (*kernel)(size_t batch);

struct mnl_socket *mnl_socket_open2(int bus, int flags)
{
	(void)bus, (void)flags;
	return (struct mnl_socket *)&sent;
}

int mnl_socket_bind(struct mnl_socket *nl, unsigned groups, pid_t pid)
{
	(void)nl, (void)groups, (void)pid;
	return 0;
}

int mnl_socket_get_fd(const struct mnl_socket *nl)
{
	(void)nl;
	return -1;
}

int mnl_socket_close(struct mnl_socket *nl)
{
	(void)nl;
	return 0;
}

ssize_t mnl_socket_sendto(const struct mnl_socket *nl, const void *buf, size_t size)
{
	const struct nlmsghdr *nlh = buf;
	int left = (int)size;
	size_t b = sent.batches++;

	(void)nl;
	for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
		sent.seq[b][sent.n[b]++] = nlh->nlmsg_seq;
	kernel(b);
	return (ssize_t)size;
}

ssize_t mnl_socket_recvfrom(const struct mnl_socket *nl, void *buf, size_t size)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nlmsgerr *e = mnl_nlmsg_put_extra_header(nlh, sizeof(*e));
	const struct answer *a = &queue[taken++];

	(void)nl, (void)size;
	if (taken > queued || !a->seq) {
		errno = EAGAIN;
		return -1;
	}
	nlh->nlmsg_type = NLMSG_ERROR;
	nlh->nlmsg_seq = a->seq;
	e->error = a->error;
	return (ssize_t)nlh->nlmsg_len;
}

static void answer(uint32_t seq, int error)
{
	queue[queued++] = (struct answer){seq, error};
}

/* Head and tail get none. */
static void answer_all(size_t b, int error)
{
	for (size_t i = 1; i + 1 < sent.n[b]; i++)
		answer(sent.seq[b][i], error);
}

static int drop(void (*as)(size_t))
{
	struct buf why = {0};
	int err;

	memset(&sent, 0, sizeof(sent));
	queued = taken = 0;
	kernel = as;
	err = hooks_drop(NULL, &why);
	buf_free(&why);
	return err;
}

static void takes_it(size_t b)
{
	answer_all(b, 0);
}

/* The first batch in silence; then what it would have said, before the word on the second. */
static void is_late(size_t b)
{
	if (b == 0) {
		answer(0, 0);
		return;
	}
	answer_all(0, -EEXIST);
	answer_all(b, 0);
}

/* The late word is a good one, and the true one is not. */
static void is_late_and_refuses(size_t b)
{
	if (b == 0) {
		answer(0, 0);
		return;
	}
	answer_all(0, 0);
	answer_all(b, -EBUSY);
}

static void forbids(size_t b)
{
	answer(sent.seq[b][0], -EPERM);
}

static void has_another_kind(size_t b)
{
	answer_all(b, b ? 0 : -EEXIST);
}

int main(void)
{
	SAME_NUMBER(drop(takes_it), 0);
	SAME_NUMBER(sent.batches, 1);
	SAME_NUMBER(sent.n[0], 6); /* head, table, three chains, tail */
	SAME_NUMBER(drop(has_another_kind), 0);
	SAME_NUMBER(sent.batches, 2);
	SAME_NUMBER(sent.n[1], 8);
	CHECK(sent.seq[1][0] > sent.seq[0][5]);
	SAME_NUMBER(drop(is_late), 0);
	SAME_NUMBER(taken, queued);
	SAME_NUMBER(drop(is_late_and_refuses), -EBUSY);
	/* all of a batch is refused to its head, and nothing else is waited for */
	SAME_NUMBER(drop(forbids), -EPERM);
	SAME_NUMBER(sent.batches, 1);
	SAME_NUMBER(taken, 1);
	return test_end();
}
