/* SPDX-License-Identifier: GPL-2.0-or-later
 * What systemd wants to be told (sd_notify(3), sd_pid_notify_with_fds(3)), and descriptors handed
 * on over an exec the way it hands them on (sd_listen_fds(3)).
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "inspectd/inspectd.h"
#include "util/number.h"

static void tell(const char *text, int fd)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	char control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec iov = {(void *)text, strlen(text)};
	struct msghdr msg = {.msg_name = &to, .msg_iov = &iov, .msg_iovlen = 1};
	int s;

	if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof(to.sun_path))
		return;
	strcpy(to.sun_path, path);
	msg.msg_namelen = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (path[0] == '@')
		to.sun_path[0] = '\0';
	if (fd >= 0) {
		struct cmsghdr *c;

		msg.msg_control = control;
		msg.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(int));
	}
	s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (s >= 0) {
		sendmsg(s, &msg, MSG_NOSIGNAL);
		close(s);
	}
}

void service_say(const char *text)
{
	tell(text, -1);
}

void lane_names(const struct lane *l, int fd[LANE_NFDS], char name[LANE_NFDS][32])
{
	static const char *const kinds[LANE_NFDS] = {"queue", "slots", "board", "ledger"};
	const int all[LANE_NFDS] = {l->queue.fd, l->slots_fd, l->board_fd, l->ledger_fd};

	for (int i = 0; i < LANE_NFDS; i++) {
		fd[i] = all[i];
		snprintf(name[i], 32, "%s-%u", kinds[i], l->config.number);
	}
}

static void each(const struct lane *l, const char *what, bool with_fd)
{
	char name[LANE_NFDS][32], text[192];
	int fd[LANE_NFDS];

	lane_names(l, fd, name);
	for (int i = 0; i < LANE_NFDS; i++) {
		snprintf(text, sizeof(text), "%s=1\nFDNAME=%s", what, name[i]);
		tell(text, with_fd ? fd[i] : -1);
	}
}

void service_keep(const struct lane *l)
{
	each(l, "FDSTORE", true);
}

void service_forget(const struct lane *l)
{
	each(l, "FDSTOREREMOVE", false);
}

/* ---- taken over ---- */

#define ADOPTED_MAX 1024
static struct {
	int fd;
	char name[32];
} adopted[ADOPTED_MAX];
static unsigned nadopted;

/* Out of the way of the numbers that judges get. */
static int move_up(int fd)
{
	int up = fcntl(fd, F_DUPFD_CLOEXEC, 16);

	close(fd);
	return up;
}

void adopt_begin(void)
{
	const char *n = getenv("LISTEN_FDS"), *names = getenv("LISTEN_FDNAMES");
	const char *pid = getenv("LISTEN_PID");
	uint64_t count = 0, whose;

	if (!names || !number_word(pid, 0, UINT32_MAX, &whose) || whose != (uint64_t)getpid() ||
	    !number_word(n, 0, INT32_MAX, &count))
		count = 0;
	for (uint64_t i = 0; i < count && i < ADOPTED_MAX; i++) {
		size_t len = strcspn(names, ":");

		adopted[nadopted].fd = move_up(3 + (int)i);
		snprintf(adopted[nadopted].name, sizeof(adopted[0].name), "%.*s", (int)len, names);
		nadopted += adopted[nadopted].fd >= 0;
		names += len + (names[len] == ':');
	}
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	unsetenv("LISTEN_PID");
}

int adopt_take_one(const char *name)
{
	for (unsigned i = 0; i < nadopted; i++) {
		int fd = adopted[i].fd;

		if (fd < 0 || strcmp(adopted[i].name, name) != 0)
			continue;
		adopted[i].fd = -1;
		return fd;
	}
	return -1;
}

static int take(const char *kind, uint16_t queue)
{
	char name[32];

	snprintf(name, sizeof(name), "%s-%u", kind, queue);
	return adopt_take_one(name);
}

/* All four or none: one without the others is of no use. */
struct lane_fds adopt_take(uint16_t queue)
{
	struct lane_fds f = {take("queue", queue), take("slots", queue), take("board", queue),
			     take("ledger", queue)};
	int *fd[] = {&f.queue, &f.slots, &f.board, &f.ledger};

	if (f.queue >= 0 && f.slots >= 0 && f.board >= 0 && f.ledger >= 0)
		return f;
	for (int i = 0; i < 4; i++) {
		if (*fd[i] >= 0)
			close(*fd[i]);
		*fd[i] = -1;
	}
	return f;
}

void adopt_end(void)
{
	for (unsigned i = 0; i < nadopted; i++)
		if (adopted[i].fd >= 0)
			close(adopted[i].fd);
	nadopted = 0;
}

/* ---- handed on ---- */

struct handed { /* first all out of the way of what is yet to be copied */
	int *high, n, above;
	struct buf *names;
};

static bool hand(struct handed *h, int fd, const char *name)
{
	h->high[h->n] = fcntl(fd, F_DUPFD_CLOEXEC, h->above);
	if (h->high[h->n++] < 0)
		return false;
	buf_printf(h->names, "%s%s", h->names->len ? ":" : "", name);
	return true;
}

static bool hand_responder(struct handed *h, const struct responder *r)
{
	static const char *const names[] = RESPONDER_NAMES;

	for (int i = 0; i < 2; i++)
		if (r->raw[i] >= 0 && !hand(h, r->raw[i], names[i]))
			return false;
	return true;
}

static bool hand_lane(struct handed *h, const struct lane *l)
{
	char name[LANE_NFDS][32];
	int fd[LANE_NFDS];

	lane_names(l, fd, name);
	for (int k = 0; k < LANE_NFDS; k++)
		if (!hand(h, fd[k], name[k]))
			return false;
	return true;
}

/* To 3, 4, ... */
static int hand_on(struct inspectd *d, struct buf *names)
{
	struct handed h = {.names = names, .above = 64 + (int)(d->lanes.n * LANE_NFDS) + 2};
	int err;
	bool fine;

	h.high = calloc(d->lanes.n * LANE_NFDS + 3, sizeof(*h.high));
	if (!h.high)
		return -ENOMEM;
	fine = hand_responder(&h, &d->responder);
	for (size_t i = 0; fine && i < d->lanes.n; i++)
		fine = hand_lane(&h, d->lanes.v[i]);
	err = fine ? 0 : -errno;
	for (int i = 0; fine && i < h.n; i++)
		dup2(h.high[i], 3 + i); /* without close-on-exec */
	free(h.high);
	return err ? err : h.n;
}

int service_exec(struct inspectd *d, char **argv)
{
	struct buf names = {0};
	char number[16];
	int n = hand_on(d, &names);

	if (n >= 0) {
		snprintf(number, sizeof(number), "%d", n);
		setenv("LISTEN_FDS", number, 1);
		snprintf(number, sizeof(number), "%ld", (long)getpid());
		setenv("LISTEN_PID", number, 1);
		setenv("LISTEN_FDNAMES", buf_str(&names), 1);
		setenv(SERVICE_AGAIN, "1", 1);
		execv(d->program, argv);
		n = -errno;
	}
	buf_free(&names);
	return n;
}
