/* SPDX-License-Identifier: GPL-2.0-or-later
 * A child that makes the table, hears of packets and hands on what it hears. It holds the netlink
 * socket that owns the table.
 */
#include "kernel/trace.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/trace.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <net/if.h>
#include <nftables/libnftables.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/ask.h"
#include "kernel/nftrun.h"
#include "util/cleanup.h"
#include "util/number.h"

#define ROOM (4 << 20) /* bytes of events that may wait */
#define LAST 10000 /* events that had come when it was to end */
#define FOREVER 0x7fffffffu

struct hearing { /* in the child */
	struct tracer *t;
	struct nft_ctx *ctx;
	struct mnl_socket *nl;
	bool owned;
};

static int tell(struct hearing *h, struct trace_event *e)
{
	clock_gettime(CLOCK_REALTIME, &e->at);
	return send(h->t->ends[1], e, sizeof(*e), MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int tell_text(struct hearing *h, enum trace_kind kind, const char *text)
{
	struct trace_event e = {.kind = kind};

	snprintf(e.text, sizeof(e.text), "%s", text);
	return tell(h, &e);
}

/* ---- the table ---- */

static const char *first_line(const char *errors)
{
	static char none[] = "nftables gave no reason";
	const char *word = errors ? strstr(errors, "Error: ") : NULL;

	return word ? word + strlen("Error: ") : none;
}

static bool run_script(struct hearing *h, const char *script, char *why, size_t size)
{
	h->ctx = nft_ctx_new(NFT_CTX_DEFAULT);
	if (!h->ctx)
		return false;
	nft_ctx_buffer_error(h->ctx);
	nft_ctx_buffer_output(h->ctx);
	if (nft_run_cmd_from_buffer(h->ctx, script) == 0)
		return true;
	snprintf(why, size, "%s", first_line(nft_ctx_get_error_buffer(h->ctx)));
	why[strcspn(why, "\n")] = '\0';
	nft_ctx_free(h->ctx);
	h->ctx = NULL;
	return false;
}

static bool make_table(struct hearing *h, char *why, size_t size)
{
	h->owned = h->t->owned.len && run_script(h, buf_str(&h->t->owned), why, size);
	if (h->owned)
		return true;
	/* what the kernel does not know, or nft's own parser */
	if (h->t->owned.len && !strstr(why, "not supported") && !strstr(why, "Invalid argument") &&
	    !strstr(why, "syntax error"))
		return false;
	/* the end of the socket tells that the parent has ended, and leaves us time */
	prctl(PR_SET_PDEATHSIG, 0);
	return run_script(h, buf_str(&h->t->ownerless), why, size);
}

/* The limit is spent in the table itself, which is about to go. */
static uint64_t over_rate(struct hearing *h)
{
	const char *out = nft_run_cmd_from_buffer(h->ctx, buf_str(&h->t->count)) == 0
				  ? nft_ctx_get_output_buffer(h->ctx)
				  : NULL;
	const char *at = out ? strstr(out, "counter packets ") : NULL;
	uint64_t packets = 0;

	if (!at)
		return 0;
	at += strlen("counter packets ");
	number_take(&at, 0, UINT64_MAX, &packets);
	return packets;
}

static void drop_table(struct hearing *h)
{
	if (h->ctx && !h->owned)
		nft_run_cmd_from_buffer(h->ctx, buf_str(&h->t->cleanup));
	if (h->ctx)
		nft_ctx_free(h->ctx);
}

/* ---- events ---- */

static void copy_name(char *to, size_t size, const struct nftnl_trace *x, uint16_t attr)
{
	if (nftnl_trace_is_set(x, attr))
		snprintf(to, size, "%s", nftnl_trace_get_str(x, attr));
}

static void copy_interface(char *to, const struct nftnl_trace *x, uint16_t attr)
{
	unsigned index = nftnl_trace_is_set(x, attr) ? nftnl_trace_get_u32(x, attr) : 0;

	if (index && !if_indextoname(index, to))
		snprintf(to, IF_NAMESIZE, "(%u)", index % 100000); /* it has gone meanwhile */
}

static uint8_t copy_header(uint8_t *to, size_t size, const struct nftnl_trace *x, uint16_t attr)
{
	uint32_t n = 0;
	const void *data = nftnl_trace_is_set(x, attr) ? nftnl_trace_get_data(x, attr, &n) : NULL;

	if (!data)
		return 0;
	n = n < size ? n : (uint32_t)size;
	memcpy(to, data, n);
	return (uint8_t)n;
}

static bool fill(struct trace_event *e, const struct nftnl_trace *x)
{
	switch (nftnl_trace_get_u32(x, NFTNL_TRACE_TYPE)) {
	case NFT_TRACETYPE_RULE: /* without a rule it is the end of the chain (since Linux 6.4) */
		e->kind =
			nftnl_trace_is_set(x, NFTNL_TRACE_RULE_HANDLE) ? TRACE_RULE : TRACE_RETURN;
		break;
	case NFT_TRACETYPE_RETURN:
		e->kind = TRACE_RETURN;
		break;
	case NFT_TRACETYPE_POLICY:
		e->kind = TRACE_POLICY;
		break;
	default:
		return false;
	}
	e->id = nftnl_trace_get_u32(x, NFTNL_TRACE_ID);
	e->family = (uint8_t)nftnl_trace_get_u32(x, NFTNL_TRACE_FAMILY);
	copy_name(e->table, sizeof(e->table), x, NFTNL_TRACE_TABLE);
	copy_name(e->chain, sizeof(e->chain), x, NFTNL_TRACE_CHAIN);
	copy_name(e->target, sizeof(e->target), x, NFTNL_TRACE_JUMP_TARGET);
	if (nftnl_trace_is_set(x, NFTNL_TRACE_RULE_HANDLE))
		e->handle = nftnl_trace_get_u64(x, NFTNL_TRACE_RULE_HANDLE);
	if (e->kind == TRACE_POLICY && nftnl_trace_is_set(x, NFTNL_TRACE_POLICY))
		e->verdict = nftnl_trace_get_u32(x, NFTNL_TRACE_POLICY);
	else if (nftnl_trace_is_set(x, NFTNL_TRACE_VERDICT))
		e->verdict = nftnl_trace_get_u32(x, NFTNL_TRACE_VERDICT);
	copy_interface(e->in, x, NFTNL_TRACE_IIF);
	copy_interface(e->out, x, NFTNL_TRACE_OIF);
	e->nnetwork = copy_header(e->network, sizeof(e->network), x, NFTNL_TRACE_NETWORK_HEADER);
	e->ntransport =
		copy_header(e->transport, sizeof(e->transport), x, NFTNL_TRACE_TRANSPORT_HEADER);
	if (nftnl_trace_is_set(x, NFTNL_TRACE_MARK))
		e->mark = nftnl_trace_get_u32(x, NFTNL_TRACE_MARK);
	return true;
}

static int on_message(const struct nlmsghdr *nlh, void *arg)
{
	struct trace_event e = {0};
	struct nftnl_trace *x;
	int err = 0;

	if (nlh->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_TRACE))
		return MNL_CB_OK;
	x = nftnl_trace_alloc();
	if (x && nftnl_trace_nlmsg_parse(nlh, x) == 0 && fill(&e, x))
		err = tell(arg, &e);
	nftnl_trace_free(x);
	return err ? MNL_CB_STOP : MNL_CB_OK;
}

static int listen_to(struct hearing *h)
{
	int group = NFNLGRP_NFTRACE, room = ROOM;

	h->nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!h->nl || mnl_socket_bind(h->nl, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	if (setsockopt(mnl_socket_get_fd(h->nl), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)))
		setsockopt(mnl_socket_get_fd(h->nl), SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	return mnl_socket_setsockopt(h->nl, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0
		       ? -errno
		       : 0;
}

/* False if whoever listens to us has gone. */
static bool take(struct hearing *h)
{
	char buf[32768];
	ssize_t n = mnl_socket_recvfrom(h->nl, buf, sizeof(buf));

	if (n < 0 && errno == ENOBUFS)
		return tell_text(h, TRACE_LOST, "") == 0;
	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	return mnl_cb_run(buf, (size_t)n, 0, 0, on_message, h) != MNL_CB_STOP;
}

static void hear(struct hearing *h)
{
	struct pollfd fds[] = {{.fd = mnl_socket_get_fd(h->nl), .events = POLLIN},
			       {.fd = h->t->ends[1], .events = POLLIN}};
	struct trace_event last = {.kind = TRACE_ENDED};

	while (!fds[1].revents) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return;
		if (fds[0].revents && !take(h))
			return;
	}
	for (int i = 0; i < LAST && poll(fds, 1, 0) > 0; i++)
		if (!take(h))
			return;
	last.handle = over_rate(h);
	tell(h, &last);
}

/* Nobody knows how long it takes. */
static void lift_limits(void)
{
	const struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};

	setrlimit(RLIMIT_CPU, &none);
}

static int work(void *arg)
{
	struct hearing h = {.t = arg};
	char why[400] = "out of memory";
	int err;

	if (h.t->ends[0] >= 0)
		close(h.t->ends[0]);
	setsid(); /* what ends all of a terminal or a job is not to end it, too */
	lift_limits();
	err = listen_to(&h);
	if (err) {
		snprintf(why, sizeof(why), "cannot listen to nftables: %s", strerror(-err));
		tell_text(&h, TRACE_FAILED, why);
	} else if (!make_table(&h, why, sizeof(why))) {
		tell_text(&h, TRACE_FAILED, why);
	} else {
		tell_text(&h, TRACE_READY,
			  h.owned || !h.t->owned.len
				  ? ""
				  : "this kernel has no tables with an owner: if every process of "
				    "this trace is killed, its table stays until the next trace");
		hear(&h);
	}
	drop_table(&h);
	if (h.nl)
		mnl_socket_close(h.nl);
	return 0;
}

/* ---- the parent's side ---- */

static void prepare(struct tracer *t)
{
	char name[40];
	struct trace_table how = {.name = name, .owner = true, .all = t->all, .rate = TRACE_RATE};

	snprintf(name, sizeof(name), TRACE_PREFIX "%d", (int)t->pid);
	if (t->may_own)
		trace_script(&t->owned, t->question, &how);
	how.owner = false;
	trace_script(&t->ownerless, t->question, &how);
	buf_printf(&t->cleanup, "delete table inet %s", name);
	/* a chain with one counter: what was over the rate */
	buf_printf(&t->count, "list chain inet %s hit", name);
	t->child = (struct child){
		.where = child_where_of(t->netns),
		.netns = t->netns,
		.timeout_ms = FOREVER,
		.no_files = true,
		.run = work,
		.arg = t,
	};
}

/* The table is made by the broker then, of a question that has nothing but matches, and is called
 * after the process that asks. The socket of the answer, or -errno. */
static int ask_start(const struct tracer *t)
{
	const struct trace_question *q = t->question;
	_cleanup_buf_ struct buf b = {0};
	int fd, err;

	ask_put_head(&b, ASK_TRACE, t->netns);
	message_put_number(&b, t->all);
	message_put_number(&b, t->may_own);
	message_put_text(&b, buf_str(&q->sets), q->sets.len);
	for (int hook = 0; hook < TRACE_HOOKS; hook++)
		message_put_text(&b, buf_str(&q->rules[hook]), q->rules[hook].len);
	fd = ask_begin(&b);
	err = fd < 0 ? fd : message_pass(fd, t->ends[1]);
	if (err && fd >= 0)
		close(fd);
	return err ? err : fd;
}

static int ask_wait(struct tracer *t)
{
	_cleanup_buf_ struct buf text = {0};
	struct bytes b;

	return ask_end(t->answer, &text, &b, &t->why);
}

static int ask_sweep(const char *netns, pid_t pid)
{
	_cleanup_buf_ struct buf request = {0}, said = {0}, why = {0};
	struct bytes b;

	ask_put_head(&request, ASK_SWEEP, netns);
	message_put_number(&request, (uint32_t)pid);
	return ask_end(ask_begin(&request), &said, &b, &why);
}

int trace_start(struct tracer *t)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, t->ends) < 0) {
		int err = -errno;

		buf_printf(&t->why, "cannot start a child process: %s", strerror(-err));
		return err;
	}
	t->pid = getpid();
	t->answer = -1;
	if (ask_can()) {
		t->answer = ask_start(t);
	} else {
		prepare(t);
		child_start(&t->child);
	}
	close(t->ends[1]);
	return 0;
}

int trace_serve(struct tracer *t, int end)
{
	int err;

	t->ends[0] = -1;
	t->ends[1] = end;
	prepare(t);
	child_start(&t->child);
	close(end);
	err = child_wait(&t->child);
	buf_puts(&t->why, buf_str(&t->child.why));
	return err;
}

int trace_sweep(const char *netns, pid_t pid)
{
	_cleanup_buf_ struct buf script = {0};
	struct nftrun_step step = {.kind = RUN_SCRIPT};
	struct nftrun r = {.where = child_where_of(netns), .netns = netns, .steps = &step, .n = 1};
	int err;

	if (ask_can())
		return ask_sweep(netns, pid);
	if (pid <= 0 || kill(pid, 0) == 0 || errno != ESRCH)
		return -EBUSY;
	buf_printf(&script, "delete table inet " TRACE_PREFIX "%d\n", (int)pid);
	step.script = buf_str(&script);
	err = nftrun(&r);
	nftrun_free(&r);
	return err;
}

int trace_read(struct tracer *t, struct trace_event *out, bool wait)
{
	ssize_t n = recv(t->ends[0], out, sizeof(*out), wait ? 0 : MSG_DONTWAIT);

	if (n == (ssize_t)sizeof(*out))
		return 1;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	return n < 0 ? -errno : -EPIPE;
}

void trace_end(struct tracer *t)
{
	shutdown(t->ends[0], SHUT_WR);
}

int trace_stop(struct tracer *t)
{
	int err;

	close(t->ends[0]);
	if (ask_can())
		return ask_wait(t);
	err = child_wait(&t->child);
	buf_puts(&t->why, buf_str(&t->child.why));
	return err;
}

void trace_free(struct tracer *t)
{
	child_free(&t->child);
	buf_free(&t->owned);
	buf_free(&t->ownerless);
	buf_free(&t->cleanup);
	buf_free(&t->count);
	buf_free(&t->why);
}
