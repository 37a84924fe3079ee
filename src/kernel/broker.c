/* SPDX-License-Identifier: GPL-2.0-or-later
 * request bytes -> nftrun() in the process with the capabilities -> answer bytes.
 */
#include "kernel/broker.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/ask.h"
#include "kernel/flows.h"
#include "kernel/genid.h"
#include "kernel/links.h"
#include "kernel/message.h"
#include "kernel/meter.h"
#include "kernel/nftrun.h"
#include "kernel/sysctl.h"
#include "kernel/trace.h"
#include "nft/script.h"
#include "util/bulk_file.h"
#include "util/caps.h"
#include "util/cleanup.h"

#define STEPS_MAX 128

/* What can be asked besides nftrun(): functions that only read. */
static int (*const readers[])(const char *netns, struct buf *out, struct buf *why) = {
	[ASK_SYSCTL] = sysctl_text,	[ASK_GENID] = genid_bytes,
	[ASK_CONNS] = conns_bytes,	[ASK_ADDRESSES] = links_addresses_text,
	[ASK_LINKS] = links_names_text,
};

/* In the broker: whom it serves. */
static pid_t asker;

struct asked {
	struct buf netns;
	struct nftrun r;
	struct nftrun_step steps[STEPS_MAX];
	struct buf scripts[STEPS_MAX];
	struct { /* of RUN_BULK_COMPARE and RUN_BULK_READ */
		struct buf set;
		struct ir_bulk bulk;
		struct bulk_job job;
	} bulk[STEPS_MAX];
	struct arena *arena;
};

/* What is loaded into a namespace that others use is asleep, and there alone where there is no
 * other way; the script is looked at by whoever puts it to sleep. */
static bool nothing_else_helps(void)
{
	struct nftrun r = {.where = CHILD_SCRATCH};
	bool none = nftrun(&r) != 0 && r.no_scratch;

	nftrun_free(&r);
	return none;
}

static bool may_load(const struct asked *a, size_t i)
{
	if (a->r.where == CHILD_SCRATCH)
		return a->steps[i].kind == RUN_SCRIPT && !script_includes(buf_str(&a->scripts[i]));
	return a->steps[i].kind == RUN_ASLEEP && nothing_else_helps();
}

/* By our own code; libnftables may end the process that it is in. */
static bool is_reading(enum nftrun_kind k)
{
	return k == RUN_DUMP_OWN || k == RUN_DUMP_ALL || k == RUN_DUMP_UNLESS_ALONE ||
	       k == RUN_BULK_COMPARE || k == RUN_BULK_READ;
}

static bool may_ask(const struct asked *a)
{
	for (size_t i = 0; i < a->r.n; i++) {
		enum nftrun_kind k = a->steps[i].kind;

		if (!is_reading(k) && k != RUN_VERSION && k != RUN_SPEAK && !may_load(a, i))
			return false;
	}
	return a->r.where == CHILD_HERE || a->r.where == CHILD_NETNS || a->r.where == CHILD_SCRATCH;
}

static bool only_reads(const struct nftrun *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (!is_reading(r->steps[i].kind))
			return false;
	return r->n > 0;
}

static void take_bulk(struct bytes *b, struct asked *a, size_t i)
{
	_cleanup_buf_ struct buf list = {0};
	uint32_t most;

	message_take_text(b, &a->bulk[i].set);
	a->bulk[i].bulk.prefix = (uint8_t)message_take_number(b);
	most = message_take_number(b);
	message_take_text(b, &list);
	if (!a->arena)
		a->arena = arena_new();
	a->bulk[i].bulk.elems = bulk_file_read(a->arena, buf_str(&list), list.len);
	a->bulk[i].job = (struct bulk_job){
		.set = buf_str(&a->bulk[i].set), .bulk = &a->bulk[i].bulk, .most = most};
	a->steps[i].bulk = &a->bulk[i].job;
	/* it goes into messages as it is */
	b->bad |= !a->bulk[i].bulk.elems || !bulk_is_sound(&a->bulk[i].bulk) ||
		  bulk_keys(&a->bulk[i].bulk) == UINT32_MAX || a->bulk[i].set.len > NFT_NAME_MAXLEN;
}

static bool take_request(struct bytes *b, struct asked *a)
{
	uint32_t n;

	a->r.where = message_take_number(b);
	a->r.netns = a->r.where == CHILD_NETNS ? buf_str(&a->netns) : NULL;
	a->r.go_on = message_take_number(b);
	n = message_take_number(b);
	if (n > STEPS_MAX)
		return false;
	a->r.n = n;
	a->r.steps = a->steps;
	for (uint32_t i = 0; i < n; i++) {
		a->steps[i].kind = message_take_number(b);
		message_take_text(b, &a->scripts[i]);
		a->steps[i].script = buf_str(&a->scripts[i]);
		if (a->steps[i].kind == RUN_BULK_COMPARE || a->steps[i].kind == RUN_BULK_READ)
			take_bulk(b, a, i);
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
	for (size_t i = 0; i < r->n; i++) {
		struct nftrun_step *s = &r->steps[i];

		s->ran = s->refused = false;
		s->kept = NULL;
		s->kept_len = 0;
	}
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
	_cleanup_arena_ struct arena *arena = arena_new();
	struct nftrun *r = &a->r;
	bool may = take_request(b, a);
	int err;

	for (size_t i = 0; i < r->n; i++)
		r->steps[i].keep = arena;
	if (may && only_reads(r))
		child_stay();
	err = may ? run(r) : -EPERM;

	if (!may)
		buf_puts(&r->why, "this may not be asked of the kernel");

	message_put_number(out, (uint32_t)err);
	message_put_text(out, buf_str(&r->why), r->why.len);
	message_put_number(out, r->no_scratch);
	message_put_number(out, r->before);
	message_put_number(out, r->after);
	message_put_number(out, r->dumped);
	message_put_number(out, r->had_table);
	message_put_number(out, (uint32_t)r->looked);
	for (size_t i = 0; i < r->n; i++) {
		message_put_number(out, r->steps[i].ran);
		message_put_number(out, r->steps[i].refused);
		message_put_text(out, r->steps[i].kept, r->steps[i].kept_len);
		message_put_text(out, buf_str(&r->steps[i].err), r->steps[i].err.len);
	}
}

static void answer_read(uint32_t what, const struct asked *a, struct buf *out)
{
	_cleanup_buf_ struct buf why = {0}, text = {0};
	int err = -EPERM;

	child_stay();
	if (what < sizeof(readers) / sizeof(readers[0]) && readers[what])
		err = readers[what](a->netns.len ? buf_str(&a->netns) : NULL, &text, &why);
	message_put_number(out, (uint32_t)err);
	message_put_text(out, buf_str(&why), why.len);
	message_put_text(out, buf_str(&text), text.len);
}

static void answer_trace(int fd, struct bytes *b, const struct asked *a, struct buf *out)
{
	struct trace_question q = {0};
	struct tracer t = {.netns = a->netns.len ? buf_str(&a->netns) : NULL, .question = &q};
	int err = -EPERM, end;

	t.pid = asker;
	t.all = message_take_number(b);
	t.may_own = message_take_number(b);
	message_take_text(b, &q.sets);
	for (int hook = 0; hook < TRACE_HOOKS; hook++)
		message_take_text(b, &q.rules[hook]);
	end = message_take(fd);
	if (end >= 0 && !b->bad && trace_question_sound(&q))
		err = trace_serve(&t, end);
	else
		buf_puts(&t.why, "packets cannot be traced by this question");
	message_put_number(out, (uint32_t)err);
	message_put_text(out, buf_str(&t.why), t.why.len);
}

static void answer_sweep(struct bytes *b, const struct asked *a, struct buf *out)
{
	pid_t pid = (pid_t)message_take_number(b);

	message_put_number(out,
			   (uint32_t)trace_sweep(a->netns.len ? buf_str(&a->netns) : NULL, pid));
	message_put_text(out, "", 0);
}

static _Noreturn void serve_one(int fd, pid_t broker)
{
	static struct asked a; /* of this process, which ends with it */
	struct buf request = {0}, out = {0};
	struct bytes b;
	uint32_t what;

	signal(SIGCHLD, SIG_DFL);
	child_follow(broker);
	if (message_receive(fd, &request))
		_exit(1);
	b = (struct bytes){.p = buf_str(&request), .left = request.len};
	what = message_take_number(&b);
	message_take_text(&b, &a.netns);
	if (what == ASK_NFTRUN)
		answer_nftrun(&b, &a, &out);
	else if (what == ASK_TRACE)
		answer_trace(fd, &b, &a, &out);
	else if (what == ASK_SWEEP)
		answer_sweep(&b, &a, &out);
	else
		answer_read(what, &a, &out);
	_exit(message_send_long(fd, &out) ? 1 : 0);
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
	meter_mute();
	asker = getppid();
	if (caps_keep(CAPS_BIT(CAP_NET_ADMIN) | CAPS_BIT(CAP_SYS_ADMIN)) < 0)
		_exit(1);
	while ((fd = message_take(from)) >= 0 || fd == -EPROTO) {
		if (fd >= 0 && fork() == 0)
			serve_one(fd, self);
		if (fd >= 0)
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
	ask_through(pair[0]);
	return 0;
}
