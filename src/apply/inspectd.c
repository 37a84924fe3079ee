/* SPDX-License-Identifier: GPL-2.0-or-later
 * A client of the control socket.
 */
#include "apply/inspectd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "inspect/tables.h"
#include "util/cleanup.h"

#define PATIENCE 30 /* seconds: large tables take their time to load */

const char *inspectd_socket(struct arena *a, const char *netns)
{
	return arena_printf(a, INSPECTD_RUN "/inspectd%s%s.sock", netns ? "." : "",
			    netns ? netns : "");
}

static int fail(struct buf *why, int err, const char *path)
{
	if (err == -ENOENT || err == -ECONNREFUSED)
		buf_printf(why, "fwc-inspectd does not run here (nobody listens at %s)", path);
	else if (err == -EAGAIN)
		buf_printf(why, "fwc-inspectd does not answer (at %s)", path);
	else
		buf_printf(why, "cannot ask fwc-inspectd at %s: %s", path, strerror(-err));
	return err;
}

static FILE *dial(const char *path, int *err)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = PATIENCE};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	FILE *f = NULL;

	*err = 0;
	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	if (fd < 0 || strlen(path) >= sizeof(at.sun_path) ||
	    connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		*err = fd >= 0 && strlen(path) >= sizeof(at.sun_path) ? -ENAMETOOLONG : -errno;
	if (!*err) {
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
		f = fdopen(fd, "r+e");
	}
	if (!f && fd >= 0)
		close(fd);
	if (!f && !*err)
		*err = -ENOMEM;
	return f;
}

int inspectd_follow(const char *socket, const char *what, bool (*each)(void *ctx, const json_t *j),
		    void *ctx, struct buf *why)
{
	_cleanup_free_ char *line = NULL;
	_cleanup_fclose_ FILE *f = NULL;
	size_t room = 0;
	ssize_t n;
	int err;
	bool more = true;

	f = dial(socket, &err);
	if (!f)
		return fail(why, err, socket);
	if (fprintf(f, "{\"ask\": \"%s\"}\n", what) < 0 || fflush(f))
		return fail(why, -errno, socket);
	while (more && (n = getline(&line, &room, f)) > 0) {
		_cleanup_json_ json_t *j = json_loadb(line, (size_t)n, 0, NULL);

		if (!j)
			return fail(why, -EBADMSG, socket);
		more = each(ctx, j);
	}
	return more && ferror(f) ? fail(why, -errno, socket) : 0;
}

static bool take_one(void *ctx, const json_t *j)
{
	*(json_t **)ctx = json_incref((json_t *)j);
	return false;
}

int inspectd_ask(const char *socket, const char *what, json_t **out, struct buf *why)
{
	int err;

	*out = NULL;
	err = inspectd_follow(socket, what, take_one, out, why);
	return err ? err : *out ? 0 : fail(why, -EPIPE, socket);
}

int inspectd_reload(const char *netns, struct buf *why)
{
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_json_ json_t *j = NULL;
	int err = inspectd_ask(inspectd_socket(a, netns), "reload", &j, why);
	const char *text = json_string_value(json_object_get(j, "error"));

	if (err || json_is_true(json_object_get(j, "ok")))
		return err;
	buf_printf(why, "fwc-inspectd goes on with what it had: %s", text ? text : "?");
	return -EINVAL;
}
