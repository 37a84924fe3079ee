/* SPDX-License-Identifier: GPL-2.0-or-later
 * A client of the control socket. A daemon that is stopped, or busy for good, costs PATIENCE.
 */
#include "apply/inspectd.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "inspect/pack.h"
#include "inspect/tables.h"
#include "kernel/bootclock.h"
#include "kernel/opener.h"
#include "util/cleanup.h"

#define PATIENCE 30 /* seconds: large tables take their time to load */
#define GLANCE 3 /* where the answer is one of many */
#define LINE_MAX_BYTES (64u << 20) /* of an answer */

struct line { /* what has come of it, and of the ones behind it */
	int fd;
	uint64_t deadline; /* boot clock, milliseconds; 0: as long as it takes */
	struct buf in;
	size_t taken; /* bytes of `in` */
};

const char *inspectd_socket(struct arena *a, const char *netns)
{
	return arena_printf(a, INSPECTD_RUN "/inspectd%s%s.sock", netns ? "." : "",
			    netns ? netns : "");
}

static int fail(struct buf *why, int err, const char *path)
{
	if (err == -ENOENT || err == -ECONNREFUSED)
		buf_printf(why, "fwc-inspectd is not running here (nothing listens on %s)", path);
	else if (err == -EAGAIN)
		buf_printf(why, "fwc-inspectd does not answer (on %s)", path);
	else
		buf_printf(why, "cannot ask fwc-inspectd on %s: %s", path, strerror(-err));
	return err;
}

static int send_request(int fd, const char *what)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "{\"ask\": \"%s\"}\n", what);

	return send(fd, text, (size_t)n, MSG_NOSIGNAL) == n ? 0 : -errno;
}

static int more(struct line *l)
{
	uint64_t now = boot_clock();
	int left = !l->deadline ? -1 : l->deadline > now ? (int)(l->deadline - now) : 0, n;
	struct pollfd p = {.fd = l->fd, .events = POLLIN};
	char piece[65536];
	ssize_t got;

	n = poll(&p, 1, left);
	if (n <= 0)
		return n && errno == EINTR ? 0 : n ? -errno : -EAGAIN;
	got = recv(l->fd, piece, sizeof(piece), MSG_DONTWAIT);
	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (!got)
		return -EPIPE;
	buf_add(&l->in, piece, (size_t)got);
	return l->in.len > LINE_MAX_BYTES ? -EMSGSIZE : 0;
}

/* 0 and an object; -EPIPE: there are no more. */
static int next(struct line *l, json_t **out)
{
	const char *end;
	int err = 0;

	if (l->taken)
		memmove(l->in.data, l->in.data + l->taken, l->in.len - l->taken);
	l->in.len -= l->taken;
	l->taken = 0;
	while (!err && !(end = l->in.len ? memchr(l->in.data, '\n', l->in.len) : NULL))
		err = more(l);
	if (err)
		return err;
	l->taken = (size_t)(end - l->in.data) + 1;
	*out = json_loadb(l->in.data, l->taken, 0, NULL);
	return *out ? 0 : -EBADMSG;
}

static int open_line(struct line *l, const char *socket, const char *what, unsigned seconds)
{
	int err;

	/* -EAGAIN: nobody took the call in time */
	*l = (struct line){.fd = opener_connect(socket, seconds)};
	if (l->fd < 0)
		return l->fd;
	l->deadline = boot_clock() + (uint64_t)seconds * 1000;
	err = send_request(l->fd, what);
	if (err)
		close(l->fd);
	return err;
}

static void close_line(struct line *l)
{
	close(l->fd);
	buf_free(&l->in);
}

int inspectd_follow(const char *socket, void (*begun)(void *ctx),
		    bool (*each)(void *ctx, const json_t *j), void *ctx, struct buf *why)
{
	json_t *j = NULL;
	struct line l;
	bool go_on = true;
	int err = open_line(&l, socket, "log", PATIENCE);

	if (err)
		return fail(why, err, socket);
	err = next(&l, &j); /* its word that there will be lines, however long they take */
	l.deadline = 0;
	if (!err)
		begun(ctx);
	while (!err && go_on) {
		json_decref(j);
		err = next(&l, &j);
		go_on = !err && each(ctx, j);
	}
	if (!err)
		json_decref(j);
	close_line(&l);
	return err && err != -EPIPE ? fail(why, err, socket) : err;
}

static int ask(const char *socket, const char *what, unsigned seconds, json_t **out,
	       struct buf *why)
{
	struct line l;
	int err = open_line(&l, socket, what, seconds);

	*out = NULL;
	if (err)
		return fail(why, err, socket);
	err = next(&l, out);
	close_line(&l);
	return err ? fail(why, err, socket) : 0;
}

int inspectd_ask(const char *socket, const char *what, json_t **out, struct buf *why)
{
	return ask(socket, what, PATIENCE, out, why);
}

int inspectd_glance(const char *socket, json_t **out, struct buf *why)
{
	return ask(socket, "status", GLANCE, out, why);
}

/* ---- before the rules change ---- */

static int memory_of(const struct buf *tables)
{
	int fd = memfd_create("fwc-tables", MFD_CLOEXEC);
	size_t done = 0;

	while (fd >= 0 && done < tables->len) {
		ssize_t n = write(fd, tables->data + done, tables->len - done);

		if (n < 0 && errno != EINTR) {
			close(fd);
			return -EIO;
		}
		done += n > 0 ? (size_t)n : 0;
	}
	return fd < 0 ? -errno : fd;
}

static int send_tables(int line, int fd)
{
	char text[] = "{\"ask\": \"prepare\"}\n";
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {.head = {.cmsg_len = CMSG_LEN(sizeof(int)),
			      .cmsg_level = SOL_SOCKET,
			      .cmsg_type = SCM_RIGHTS}};
	struct iovec iov = {text, sizeof(text) - 1};
	const struct msghdr m = {.msg_iov = &iov,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};

	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	return sendmsg(line, &m, MSG_NOSIGNAL) == (ssize_t)iov.iov_len ? 0 : -errno;
}

static void hint_restart(struct buf *why, const char *when)
{
	buf_printf(why,
		   "\nhint: %s: restart it (systemctl restart fwc-inspectd), then apply again",
		   when);
}

/* One of fwc 0.1: it reads what lies there after the rules have changed, so what it cannot read
 * must not come. */
static int fits_old(const struct buf *tables, struct buf *why)
{
	_cleanup_json_ json_t *head = pack_head(tables);
	const char *word = pack_make_old(head);

	why->len = 0;
	if (!word)
		return 0;
	buf_printf(why, "the fwc-inspectd that runs is of fwc 0.1, and does not know '%s'", word);
	hint_restart(why, "it has run since before fwc was updated");
	return -EOPNOTSUPP;
}

/* The line stays open after an answer that says yes. */
static int ask_to_prepare(const char *socket, int tables, int *line, struct buf *why)
{
	_cleanup_json_ json_t *j = NULL;
	struct line l = {.fd = opener_connect(socket, GLANCE)};
	const char *text;
	int err = l.fd < 0 ? l.fd : send_tables(l.fd, tables);

	l.deadline = boot_clock() + PATIENCE * 1000;
	if (!err)
		err = next(&l, &j);
	if (err)
		fail(why, err, socket);
	if (!err && !json_is_true(json_object_get(j, "ok"))) {
		text = json_string_value(json_object_get(j, "error"));
		buf_printf(why, "fwc-inspectd does not take the new inspectors: %s",
			   text ? text : "?");
		hint_restart(why, "if it has run since before fwc was updated");
		err = -EINVAL;
	}
	if (!err)
		*line = l.fd;
	else if (l.fd >= 0)
		close(l.fd);
	buf_free(&l.in);
	return err;
}

int inspectd_prepare(const char *netns, const struct buf *tables, int *line, bool *old,
		     struct buf *why)
{
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_json_ json_t *status = NULL;
	const char *socket = inspectd_socket(a, netns);
	_cleanup_close_ int fd = -1;
	int err = inspectd_glance(socket, &status, why);

	*line = -1;
	*old = !err && !json_is_true(json_object_get(status, "prepare"));
	if (*old)
		return fits_old(tables, why);
	if (err == -ENOENT || err == -ECONNREFUSED) {
		why->len = 0;
		return 0;
	}
	if (err)
		return err;
	fd = memory_of(tables);
	return fd < 0 ? fail(why, fd, socket) : ask_to_prepare(socket, fd, line, why);
}

int inspectd_reload(const char *netns, struct buf *why)
{
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_json_ json_t *j = NULL;
	int err = inspectd_ask(inspectd_socket(a, netns), "reload", &j, why);
	const char *text = json_string_value(json_object_get(j, "error"));

	if (err || json_is_true(json_object_get(j, "ok")))
		return err;
	buf_printf(why, "fwc-inspectd keeps its previous tables: %s", text ? text : "?");
	return -EINVAL;
}
