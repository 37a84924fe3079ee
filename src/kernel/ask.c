/* SPDX-License-Identifier: GPL-2.0-or-later
 * request bytes -> the broker -> answer bytes.
 */
#include "kernel/ask.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "kernel/meter.h"
#include "util/cleanup.h"
#include "util/progress.h"

#define PATIENCE 300 /* seconds: a run takes at most two minutes, and may be tried twice */

/* The socket to the broker, -1 without one. The one variable of this kind: like the capabilities
 * that are gone, it is the process's, and not of any one task in it. */
static int asking = -1;

/* A broker that is stopped keeps nobody for ever. */
static void be_patient(int fd)
{
	struct timeval t = {.tv_sec = PATIENCE};

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
}

void ask_through(int socket)
{
	asking = socket;
	be_patient(asking);
}

bool ask_can(void)
{
	return asking >= 0;
}

void ask_forget(void)
{
	if (asking >= 0)
		close(asking);
	asking = -1;
}

void ask_put_head(struct buf *request, enum ask_what what, const char *netns)
{
	message_put_number(request, what);
	message_put_text(request, netns ? netns : "", netns ? strlen(netns) : 0);
}

int ask_begin(const struct buf *request)
{
	int pair[2], err;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	be_patient(pair[0]);
	err = message_pass(asking, pair[1]);
	close(pair[1]);
	if (!err)
		err = message_send(pair[0], request);
	if (err)
		close(pair[0]);
	return err ? err : pair[0];
}

int ask_end(int fd, struct buf *text, struct bytes *b, struct buf *why)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int err = fd < 0 ? fd : 0;

	if (!err) {
		meter_poll(&p, 1, PATIENCE * 1000L); /* and then it is waited for once more */
		err = message_receive(fd, text);
		close(fd);
	}
	progress_end();
	if (err) {
		buf_printf(why, "the process that asks the kernel did not answer: %s",
			   strerror(-err));
		return err;
	}
	*b = (struct bytes){.p = buf_str(text), .left = text->len};
	err = (int)message_take_number(b);
	message_take_text(b, why);
	return err;
}

int ask_bytes(enum ask_what what, const char *netns, struct buf *out, struct buf *why)
{
	_cleanup_buf_ struct buf request = {0}, said = {0};
	struct bytes b;
	int err;

	ask_put_head(&request, what, netns);
	err = ask_end(ask_begin(&request), &said, &b, why);
	if (!err)
		message_take_text(&b, out);
	return err;
}
