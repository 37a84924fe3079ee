/* SPDX-License-Identifier: GPL-2.0-or-later
 * Decisions -> a line each for syslogd, or journald, which listen at the same socket: what
 * syslog(3) sends there, but what does not get there is known. How many a second may be told.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "cmd/inspect.h"
#include "kernel/opener.h"
#include "util/cleanup.h"

#define PATIENCE 5 /* seconds for one that is slow to read */
#define BURST 3 /* seconds' worth at once */

static double clock_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

bool log_may_tell(struct log_rate *r)
{
	double now = clock_now(), most = (double)r->per_second * BURST;

	if (!r->per_second)
		return true;
	r->left = r->begun ? r->left + (now - r->last) * (double)r->per_second : most;
	if (r->left > most)
		r->left = most;
	r->begun = true;
	r->last = now;
	if (r->left < 1)
		return false;
	r->left--;
	return true;
}

int log_open(struct log_sink *s)
{
	s->fd = s->path ? opener_connect(s->path, PATIENCE) : -1;
	if (!s->path || s->fd >= 0)
		return 0;
	fprintf(stderr, "fwc: nothing takes a log at %s: %s\n", s->path, strerror(-s->fd));
	return s->fd;
}

/* In a stream the NUL at its end ends a line. */
static bool send_line(int fd, const char *line, size_t n)
{
	int type = SOCK_DGRAM;
	socklen_t size = sizeof(type);

	getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size);
	n += type == SOCK_STREAM;
	return send(fd, line, n, MSG_NOSIGNAL) == (ssize_t)n;
}

static bool deliver(struct log_sink *s, const char *line, size_t n)
{
	for (int i = 0; i < 2; i++) {
		if (s->fd < 0)
			s->fd = opener_connect(s->path, PATIENCE);
		if (s->fd < 0)
			return false;
		if (send_line(s->fd, line, n))
			return true;
		close(s->fd); /* it may have begun anew */
		s->fd = -1;
	}
	return false;
}

/* JSON in ASCII has neither newlines nor anything else that a name could forge a line with, once
 * the one control character in it is written as the others are: journald takes a line that has one
 * for bytes, not for text. */
static void put_json(struct buf *line, const char *text)
{
	for (const char *del; (del = strchr(text, 0x7f)); text = del + 1)
		buf_printf(line, "%.*s\\u007f", (int)(del - text), text);
	buf_puts(line, text);
}

bool log_syslog(struct log_sink *s, const json_t *j)
{
	_cleanup_free_ char *text = json_dumps(j, JSON_COMPACT | JSON_ENSURE_ASCII);
	const char *verdict = json_string_value(json_object_get(j, "verdict"));
	int level = verdict && !strcmp(verdict, "allow") ? LOG_INFO : LOG_NOTICE;
	_cleanup_buf_ struct buf line = {0};
	time_t t = (time_t)json_integer_value(json_object_get(j, "time"));
	struct tm tm;
	char when[32];

	if (!text || !localtime_r(&t, &tm) || !strftime(when, sizeof(when), "%b %e %H:%M:%S", &tm))
		return false;
	buf_printf(&line, "<%d>%s fwc-inspect[%ld]: ", LOG_DAEMON | level, when, (long)getpid());
	put_json(&line, text);
	return deliver(s, buf_str(&line), line.len);
}
