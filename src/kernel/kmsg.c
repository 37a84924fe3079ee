/* SPDX-License-Identifier: GPL-2.0-or-later
 * /dev/kmsg -> records.
 */
#include "kernel/kmsg.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/number.h"

#define RECORD 8192 /* bytes; the kernel's own limit is about the same */

static int prepared; /* a descriptor or -errno */

static int open_now(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

void kmsg_prepare(void)
{
	prepared = open_now();
}

int kmsg_open(void)
{
	int fd = prepared ? prepared : open_now();

	prepared = 0;
	return fd;
}

/* The record has the time since boot on the clock of printk, which runs as CLOCK_MONOTONIC does. */
static struct timespec when(unsigned long long microseconds)
{
	struct timespec wall, mono;
	long long ns;

	clock_gettime(CLOCK_REALTIME, &wall);
	clock_gettime(CLOCK_MONOTONIC, &mono);
	ns = 1000000000 + wall.tv_nsec - mono.tv_nsec + (long long)(microseconds % 1000000) * 1000;
	return (struct timespec){.tv_sec = wall.tv_sec - mono.tv_sec - 1 + ns / 1000000000 +
					   (long long)(microseconds / 1000000),
				 .tv_nsec = ns % 1000000000};
}

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What is not printable, and the backslash itself, is \xNN. */
static void unescape(struct buf *out, const char *s)
{
	for (; *s; s++) {
		if (s[0] == '\\' && s[1] == 'x' && hex(s[2]) >= 0 && hex(s[3]) >= 0) {
			buf_putc(out, (char)(hex(s[2]) << 4 | hex(s[3])));
			s += 3;
		} else {
			buf_putc(out, *s);
		}
	}
}

bool kmsg_parse(char *record, struct kmsg *out)
{
	const char *digits;
	char *p = record;
	uint64_t us;

	for (int i = 0; i < 2; i++) { /* priority, number */
		p += strcspn(p, ",;");
		if (*p != ',')
			return false;
		p++;
	}
	digits = p;
	p = strchr(record, ';');
	if (!number_take(&digits, 0, UINT64_MAX, &us) || !p)
		return false;
	p++;
	p[strcspn(p, "\n")] = '\0'; /* behind it there are lines for machines */
	out->at = when(us);
	out->text.len = 0;
	unescape(&out->text, p);
	return true;
}

int kmsg_read(int fd, struct kmsg *out)
{
	char record[RECORD];
	ssize_t n;

	out->lost = false;
	for (;;) {
		n = read(fd, record, sizeof(record) - 1);
		if (n < 0 && errno == EPIPE) {
			out->lost = true;
			continue;
		}
		if (n < 0 && errno == EINVAL) /* a record that is too long for us: none of ours */
			continue;
		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		if (n == 0)
			return 0;
		record[n] = '\0';
		if (kmsg_parse(record, out))
			return 1;
	}
}

void kmsg_free(struct kmsg *k)
{
	buf_free(&k->text);
}
