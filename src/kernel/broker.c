/* SPDX-License-Identifier: GPL-2.0-or-later
 * request bytes -> nftrun() in the process with the capabilities -> answer bytes.
 */
#include "kernel/broker.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "kernel/flows.h"
#include "kernel/genid.h"
#include "kernel/links.h"
#include "kernel/sysctl.h"
#include "util/caps.h"
#include "util/cleanup.h"

#define STEPS_MAX 128
#define PATIENCE 300 /* seconds: a run takes at most two minutes, and may be tried twice */
#define TEXT_MAX ((uint32_t)1 << 30)

/* What can be asked besides nftrun(): functions that only read. */
static int (*const readers[])(const char *netns, struct buf *out, struct buf *why) = {
	[BROKER_SYSCTL] = sysctl_text,	   [BROKER_GENID] = genid_bytes,
	[BROKER_CONNS] = conns_bytes,	   [BROKER_ADDRESSES] = links_addresses_text,
	[BROKER_LINKS] = links_names_text,
};

/* The socket to the broker, -1 without one. The one variable of this kind: like the capabilities
 * that are gone, it is the process's, and not of any one task in it. */
static int asking = -1;

/* ---- bytes; both ends are of one program, so numbers are in the machine's order ---- */

struct bytes { /* to be taken apart */
	const char *p;
	size_t left;
	bool bad;
};

static void put_number(struct buf *b, uint32_t n)
{
	buf_add(b, &n, sizeof(n));
}

static void put_text(struct buf *b, const char *p, size_t n)
{
	put_number(b, (uint32_t)n);
	buf_add(b, p, n);
}

static uint32_t take_number(struct bytes *b)
{
	uint32_t n = 0;

	if (b->left < sizeof(n)) {
		b->bad = true;
		return 0;
	}
	memcpy(&n, b->p, sizeof(n));
	b->p += sizeof(n);
	b->left -= sizeof(n);
	return n;
}

static void take_text(struct bytes *b, struct buf *out)
{
	uint32_t n = take_number(b);

	if (n > b->left) {
		b->bad = true;
		return;
	}
	buf_add(out, b->p, n);
	b->p += n;
	b->left -= n;
}

static int send_all(int fd, const void *data, size_t n)
{
	const char *p = data;

	while (n) {
		ssize_t w = send(fd, p, n, MSG_NOSIGNAL);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -errno;
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

static int receive_all(int fd, void *to, size_t n)
{
	char *p = to;

	while (n) {
		ssize_t r = recv(fd, p, n, 0);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return r ? -errno : -ECONNRESET;
		p += r;
		n -= (size_t)r;
	}
	return 0;
}

static int send_message(int fd, const struct buf *b)
{
	uint32_t n = (uint32_t)b->len;
	int err = b->len > TEXT_MAX ? -EMSGSIZE : send_all(fd, &n, sizeof(n));

	return err ? err : send_all(fd, b->data, b->len);
}

static int receive_message(int fd, struct buf *out)
{
	char piece[65536];
	uint32_t n;
	int err = receive_all(fd, &n, sizeof(n));

	if (!err && n > TEXT_MAX)
		err = -EMSGSIZE;
	while (!err && n) {
		uint32_t now = n < sizeof(piece) ? n : (uint32_t)sizeof(piece);

		err = receive_all(fd, piece, now);
		if (!err)
			buf_add(out, piece, now);
		n -= now;
	}
	return err;
}

/* ---- the asking side: each request has a connection of its own ---- */

static int pass(int through, int fd)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} u = {0};
	char byte = 0;
	struct iovec one = {.iov_base = &byte, .iov_len = 1};
	struct msghdr m = {.msg_iov = &one,
			   .msg_iovlen = 1,
			   .msg_control = u.space,
			   .msg_controllen = sizeof(u.space)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	return sendmsg(through, &m, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* A broker that is stopped keeps nobody for ever. */
static void be_patient(int fd)
{
	struct timeval t = {.tv_sec = PATIENCE};

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
}

/* The socket on which the answer comes, or -errno. */
static int ask(const struct buf *request)
{
	int pair[2], err;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	be_patient(pair[0]);
	err = pass(asking, pair[1]);
	close(pair[1]);
	if (!err)
		err = send_message(pair[0], request);
	if (err)
		close(pair[0]);
	return err ? err : pair[0];
}

/* Takes the answer and closes; the first number of it is the result. */
static int answer(int fd, struct buf *text, struct bytes *b, struct buf *why)
{
	int err = fd < 0 ? fd : receive_message(fd, text);

	if (fd >= 0)
		close(fd);
	if (err) {
		buf_printf(why, "the process that asks the kernel did not answer: %s",
			   strerror(-err));
		return err;
	}
	*b = (struct bytes){.p = buf_str(text), .left = text->len};
	err = (int)take_number(b);
	take_text(b, why);
	return err;
}

void broker_nftrun_start(struct nftrun *r)
{
	_cleanup_buf_ struct buf b = {0};

	put_number(&b, BROKER_NFTRUN);
	put_text(&b, r->netns ? r->netns : "", r->netns ? strlen(r->netns) : 0);
	put_number(&b, r->where);
	put_number(&b, r->go_on);
	put_number(&b, (uint32_t)r->n);
	for (size_t i = 0; i < r->n; i++) {
		const char *script = r->steps[i].script;

		put_number(&b, r->steps[i].kind);
		put_text(&b, script ? script : "", script ? strlen(script) : 0);
	}
	r->answer = ask(&b);
}

int broker_nftrun_wait(struct nftrun *r)
{
	_cleanup_buf_ struct buf text = {0};
	struct bytes b;
	int err = answer(r->answer, &text, &b, &r->why);

	if (!text.len)
		return err;
	r->no_scratch = take_number(&b);
	r->before = take_number(&b);
	r->after = take_number(&b);
	r->had_table = take_number(&b);
	r->looked = (int)take_number(&b);
	for (size_t i = 0; i < r->n; i++) {
		r->steps[i].ran = take_number(&b);
		r->steps[i].refused = take_number(&b);
		take_text(&b, &r->steps[i].out);
		take_text(&b, &r->steps[i].err);
	}
	return b.bad ? -EPROTO : err;
}

int broker_ask(enum broker_request what, const char *netns, struct buf *out, struct buf *why)
{
	_cleanup_buf_ struct buf request = {0}, said = {0};
	struct bytes b;
	int err;

	put_number(&request, what);
	put_text(&request, netns ? netns : "", netns ? strlen(netns) : 0);
	err = answer(ask(&request), &said, &b, why);
	if (!err)
		take_text(&b, out);
	return err;
}

/* ---- the answering side ---- */

struct asked {
	struct buf netns;
	struct nftrun r;
	struct nftrun_step steps[STEPS_MAX];
	struct buf scripts[STEPS_MAX];
};

static bool may_ask(const struct asked *a)
{
	for (size_t i = 0; i < a->r.n; i++) {
		enum nftrun_kind k = a->steps[i].kind;

		/* one object is named by a text that becomes part of a command */
		if (k != RUN_LIST_OWN && k != RUN_LIST_ALL &&
		    !(k == RUN_SCRIPT && a->r.where == CHILD_SCRATCH))
			return false;
	}
	return a->r.where == CHILD_HERE || a->r.where == CHILD_NETNS || a->r.where == CHILD_SCRATCH;
}

static bool take_request(struct bytes *b, struct asked *a)
{
	uint32_t n;

	a->r.where = take_number(b);
	a->r.netns = a->r.where == CHILD_NETNS ? buf_str(&a->netns) : NULL;
	a->r.go_on = take_number(b);
	n = take_number(b);
	if (n > STEPS_MAX)
		return false;
	a->r.n = n;
	a->r.steps = a->steps;
	for (uint32_t i = 0; i < n; i++) {
		a->steps[i].kind = take_number(b);
		take_text(b, &a->scripts[i]);
		a->steps[i].script = buf_str(&a->scripts[i]);
	}
	return !b->bad && may_ask(a);
}

static bool all_went_well(const struct nftrun *r, int err)
{
	for (size_t i = 0; !err && i < r->n; i++)
		if (!r->steps[i].ran || r->steps[i].refused)
			return false;
	return !err;
}

static void forget_run(struct nftrun *r)
{
	nftrun_free(r);
	for (size_t i = 0; i < r->n; i++)
		r->steps[i].ran = r->steps[i].refused = false;
	r->no_scratch = false;
}

/* A namespace below a user namespace of its own gives the load no power over anything else. But a
 * kernel may forbid those, or give them less (the size of a message to netlink is one such thing):
 * whatever does not work there is tried once more in one of root's. */
static int run(struct nftrun *r)
{
	int err;

	if (r->where != CHILD_SCRATCH || !(caps_held() & CAPS_BIT(CAP_SYS_ADMIN)))
		return nftrun(r);
	r->where = CHILD_SCRATCH_USER;
	err = nftrun(r);
	if (all_went_well(r, err))
		return err;
	forget_run(r);
	r->where = CHILD_SCRATCH;
	return nftrun(r);
}

static void answer_nftrun(struct bytes *b, struct asked *a, struct buf *out)
{
	struct nftrun *r = &a->r;
	int err = take_request(b, a) ? run(r) : -EPERM;

	put_number(out, (uint32_t)err);
	put_text(out, buf_str(&r->why), r->why.len);
	put_number(out, r->no_scratch);
	put_number(out, r->before);
	put_number(out, r->after);
	put_number(out, r->had_table);
	put_number(out, (uint32_t)r->looked);
	for (size_t i = 0; i < r->n; i++) {
		put_number(out, r->steps[i].ran);
		put_number(out, r->steps[i].refused);
		put_text(out, buf_str(&r->steps[i].out), r->steps[i].out.len);
		put_text(out, buf_str(&r->steps[i].err), r->steps[i].err.len);
	}
}

static void answer_read(uint32_t what, const struct asked *a, struct buf *out)
{
	_cleanup_buf_ struct buf why = {0}, text = {0};
	int err = -EPERM;

	if (what < sizeof(readers) / sizeof(readers[0]) && readers[what])
		err = readers[what](a->netns.len ? buf_str(&a->netns) : NULL, &text, &why);
	put_number(out, (uint32_t)err);
	put_text(out, buf_str(&why), why.len);
	put_text(out, buf_str(&text), text.len);
}

static _Noreturn void serve_one(int fd, pid_t broker)
{
	static struct asked a; /* of this process, which ends with it */
	struct buf request = {0}, out = {0};
	struct bytes b;
	uint32_t what;

	signal(SIGCHLD, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != broker || receive_message(fd, &request))
		_exit(1);
	b = (struct bytes){.p = buf_str(&request), .left = request.len};
	what = take_number(&b);
	take_text(&b, &a.netns);
	if (what == BROKER_NFTRUN)
		answer_nftrun(&b, &a, &out);
	else
		answer_read(what, &a, &out);
	_exit(send_message(fd, &out) ? 1 : 0);
}

/* One connection, or -1 at the end. */
static int next(int from)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} u = {0};
	char byte;
	struct iovec one = {.iov_base = &byte, .iov_len = 1};
	struct msghdr m = {.msg_iov = &one,
			   .msg_iovlen = 1,
			   .msg_control = u.space,
			   .msg_controllen = sizeof(u.space)};
	const struct cmsghdr *c;
	ssize_t n;
	int fd = -1;

	do
		n = recvmsg(from, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	c = n == 1 ? CMSG_FIRSTHDR(&m) : NULL;
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(c), sizeof(int));
	return fd;
}

static _Noreturn void serve(int from)
{
	static const int deaf[] = {SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTSTP, SIGCHLD};
	pid_t self = getpid();
	int fd;

	/* it ends with the process that asks, by the end of the connection */
	for (size_t i = 0; i < sizeof(deaf) / sizeof(deaf[0]); i++)
		signal(deaf[i], SIG_IGN);
	prctl(PR_SET_NAME, "fwc-broker");
	if (caps_keep(CAPS_BIT(CAP_NET_ADMIN) | CAPS_BIT(CAP_SYS_ADMIN)) < 0)
		_exit(1);
	while ((fd = next(from)) >= 0) {
		if (fork() == 0)
			serve_one(fd, self);
		close(fd);
	}
	_exit(0);
}

int broker_start(void)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		close(pair[0]);
		serve(pair[1]);
	}
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return -errno;
	}
	asking = pair[0];
	be_patient(asking);
	return 0;
}

bool broker_there(void)
{
	return asking >= 0;
}
