/* SPDX-License-Identifier: GPL-2.0-or-later
 * The socket at which root asks: one JSON object a line, {"ask": "status" | "reload" | "log" |
 * "prepare"}, the last one with the file of tables that is meant (unix(7), SCM_RIGHTS).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "inspectd/inspectd.h"
#include "util/cleanup.h"

static int fail(struct buf *why, int err, const char *path)
{
	buf_printf(why, "%s: %s", path, strerror(-err));
	return err;
}

static int refuse(struct buf *why, int err, const char *path, const char *text)
{
	buf_printf(why, "%s: %s", path, text);
	return err;
}

/* Whether it is there for us to put a socket: what another one left may go, and nothing else. */
static int clear_place(const struct sockaddr_un *at, struct buf *why)
{
	const char *path = at->sun_path;
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : fail(why, -errno, path);
	if (!S_ISSOCK(st.st_mode))
		return refuse(why, -EEXIST, path, "it exists and is not a socket");
	if (st.st_uid != geteuid())
		return refuse(why, -EEXIST, path, "this socket belongs to another user");
	if (fd < 0)
		return fail(why, -errno, path);
	if (connect(fd, (const struct sockaddr *)at, sizeof(*at)) == 0 || errno != ECONNREFUSED)
		return refuse(why, -EADDRINUSE, path, "another program listens there");
	return unlink(path) == 0 || errno == ENOENT ? 0 : fail(why, -errno, path);
}

/* One at a time: whoever has the file beside the socket locked. That file stays where it is. */
static int lock(struct inspectd *d, struct buf *why)
{
	const char *path = arena_printf(d->arena, "%s.lock", d->socket_path);

	d->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (d->lock < 0)
		return fail(why, -errno, path);
	if (flock(d->lock, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		return refuse(why, -EADDRINUSE, d->socket_path, "another fwc-inspectd has it");
	return 0;
}

/* The directory is everybody's to enter, the socket is root's. */
static int bind_to(struct inspectd *d, const struct sockaddr_un *at)
{
	mode_t mask = umask(0177);
	int err = 0;

	d->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (d->listener < 0 || bind(d->listener, (const struct sockaddr *)at, sizeof(*at)) < 0 ||
	    lstat(at->sun_path, &d->socket_file) < 0)
		err = -errno;
	umask(mask);
	return err;
}

int control_open(struct inspectd *d, struct buf *why)
{
	_cleanup_free_ char *dir = strdup(d->socket_path);
	char *slash = dir ? strrchr(dir, '/') : NULL;
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int err;

	d->listener = d->lock = -1;
	for (int i = 0; i < CLIENTS_MAX; i++)
		d->clients[i].fd = d->clients[i].passed = -1;
	if (strlen(d->socket_path) >= sizeof(at.sun_path))
		return fail(why, -ENAMETOOLONG, d->socket_path);
	strcpy(at.sun_path, d->socket_path);
	if (slash && slash != dir) {
		*slash = '\0';
		mkdir(dir, 0755);
	}
	err = lock(d, why);
	if (!err)
		err = clear_place(&at, why);
	if (err)
		return err;
	err = bind_to(d, &at);
	return err ? fail(why, err, d->socket_path) : 0;
}

int control_listen(struct inspectd *d, struct buf *why)
{
	return listen(d->listener, 8) < 0 ? fail(why, -errno, d->socket_path) : 0;
}

static void forget_passed(struct client *c)
{
	if (c->passed >= 0)
		close(c->passed);
	c->passed = -1;
}

static void drop(struct inspectd *d, struct client *c)
{
	if (c->prepares)
		inspectd_forget(d);
	forget_passed(c);
	close(c->fd);
	*c = (struct client){.fd = -1, .passed = -1};
}

void control_close(struct inspectd *d)
{
	struct stat st;

	for (int i = 0; i < CLIENTS_MAX; i++)
		if (d->clients[i].fd >= 0)
			drop(d, &d->clients[i]);
	if (d->listener >= 0)
		close(d->listener);
	if (lstat(d->socket_path, &st) == 0 && st.st_dev == d->socket_file.st_dev &&
	    st.st_ino == d->socket_file.st_ino)
		unlink(d->socket_path);
	if (d->lock >= 0)
		close(d->lock);
}

void control_accept(struct inspectd *d)
{
	int fd = accept4(d->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	for (int i = 0; i < CLIENTS_MAX; i++) {
		if (d->clients[i].fd < 0) {
			d->clients[i] = (struct client){.fd = fd, .passed = -1};
			return;
		}
	}
	close(fd);
}

/* A client that does not read is not waited for. */
static bool say(struct client *c, const json_t *j)
{
	_cleanup_free_ char *text = json_dumps(j, JSON_COMPACT);
	size_t n = text ? strlen(text) : 0;
	ssize_t done;

	if (!text)
		return false;
	text[n] = '\n'; /* in the place of the end */
	done = send(c->fd, text, n + 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (done == (ssize_t)n + 1)
		return true;
	/* part of a line would spoil the next one */
	return done < 0 && errno == EAGAIN ? false : (shutdown(c->fd, SHUT_RDWR), false);
}

static json_t *answer_reload(struct inspectd *d)
{
	_cleanup_buf_ struct buf why = {0};
	int err = inspectd_load(d, &why);

	if (err == -ENOENT)
		err = 0;
	return json_pack("{s:b, s:s}", "ok", err == 0, "error", err ? buf_str(&why) : "");
}

static json_t *answer_prepare(struct inspectd *d, struct client *c)
{
	_cleanup_buf_ struct buf why = {0};
	int err = -EINVAL;

	for (int i = 0; i < CLIENTS_MAX; i++)
		d->clients[i].prepares = false;
	if (c->passed < 0)
		buf_puts(&why, "no file of tables came with it");
	else
		err = inspectd_prepare(d, c->passed, &why);
	forget_passed(c);
	c->prepares = !err;
	return json_pack("{s:b, s:s}", "ok", err == 0, "error", err ? buf_str(&why) : "");
}

json_t *control_answer(struct inspectd *d, struct client *c, const char *line, size_t n)
{
	_cleanup_json_ json_t *j = json_loadb(line, n, JSON_REJECT_DUPLICATES, NULL);
	const char *ask = json_string_value(json_object_get(j, "ask"));
	const int room = FOLLOWER_ROOM;

	if (!ask)
		return json_pack("{s:b, s:s}", "ok", false, "error", "this is not a request");
	if (!strcmp(ask, "status"))
		return status_json(d);
	if (!strcmp(ask, "reload"))
		return answer_reload(d);
	if (!strcmp(ask, "prepare"))
		return answer_prepare(d, c);
	if (!strcmp(ask, "log")) {
		setsockopt(c->fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
		c->follows = true;
		return json_pack("{s:b}", "ok", true);
	}
	return json_pack("{s:b, s:s}", "ok", false, "error", "unknown request");
}

static void take_line(struct inspectd *d, struct client *c, const char *line, size_t n)
{
	_cleanup_json_ json_t *j = control_answer(d, c, line, n);

	say(c, j);
}

/* A descriptor may come with it. There is room for one: the kernel closes others. */
static ssize_t receive(struct client *c)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = {c->line + c->len, sizeof(c->line) - c->len};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = &control,
			   .msg_controllen = CMSG_LEN(sizeof(int))};
	ssize_t n = recvmsg(c->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	const struct cmsghdr *k = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;

	if (k && k->cmsg_level == SOL_SOCKET && k->cmsg_type == SCM_RIGHTS &&
	    k->cmsg_len == CMSG_LEN(sizeof(int))) {
		forget_passed(c);
		memcpy(&c->passed, CMSG_DATA(k), sizeof(int));
	}
	return n;
}

void control_read(struct inspectd *d, struct client *c)
{
	ssize_t n = receive(c);
	char *end;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		drop(d, c);
		return;
	}
	c->len += (size_t)n;
	while ((end = memchr(c->line, '\n', c->len))) {
		size_t used = (size_t)(end - c->line) + 1;

		take_line(d, c, c->line, used - 1);
		memmove(c->line, c->line + used, c->len - used);
		c->len -= used;
	}
	if (c->len == sizeof(c->line))
		drop(d, c);
}

static void tell(struct inspectd *d, const struct event *e)
{
	json_t *j = NULL;

	busy_count(&d->busy, e);
	for (int i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &d->clients[i];

		if (c->fd < 0 || !c->follows)
			continue;
		if (!j)
			j = told_json(d, e);
		json_object_set_new(j, "lost", json_integer((json_int_t)c->lost));
		if (say(c, j))
			c->lost = 0;
		else
			c->lost++;
	}
	json_decref(j);
}

#define EVENTS_TURN 64 /* messages; whoever asks is answered in between */

bool control_events(struct inspectd *d)
{
	static struct event e[WIRE_EVENTS];
	bool came = false;
	ssize_t n;

	for (int k = 0; k < EVENTS_TURN; k++) {
		n = recv(d->events, e, sizeof(e), MSG_DONTWAIT);
		if (n <= 0)
			break;
		for (size_t i = 0; i < (size_t)n / sizeof(e[0]); i++)
			tell(d, &e[i]);
		came = true;
	}
	return came;
}
