/* SPDX-License-Identifier: GPL-2.0-or-later
 * numbers, texts, descriptors <-> bytes of a socket.
 */
#include "kernel/message.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/cleanup.h"

#define TEXT_MAX ((uint32_t)1 << 30)
#define IN_FILE ((uint32_t)1 << 31) /* with the length: what follows is a descriptor */
#define LONG 65536
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

void message_put_number(struct buf *b, uint32_t n)
{
	buf_add(b, &n, sizeof(n));
}

void message_put_text(struct buf *b, const char *p, size_t n)
{
	message_put_number(b, (uint32_t)n);
	buf_add(b, p, n);
}

uint32_t message_take_number(struct bytes *b)
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

const char *message_take_bytes(struct bytes *b, size_t *n)
{
	const char *p;

	*n = message_take_number(b);
	if (*n > b->left) {
		b->bad = true;
		*n = 0;
	}
	p = b->p;
	b->p += *n;
	b->left -= *n;
	return p;
}

void message_take_text(struct bytes *b, struct buf *out)
{
	size_t n;
	const char *p = message_take_bytes(b, &n);

	buf_add(out, p, n);
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

int message_send(int fd, const struct buf *b)
{
	uint32_t n = (uint32_t)b->len;
	int err = b->len > TEXT_MAX ? -EMSGSIZE : send_all(fd, &n, sizeof(n));

	return err ? err : send_all(fd, b->data, b->len);
}

/* The descriptor, or -errno. */
static int sealed(const struct buf *b)
{
	int file = memfd_create("fwc-answer", MFD_CLOEXEC | MFD_ALLOW_SEALING), err = 0;

	for (size_t done = 0; file >= 0 && !err && done < b->len;) {
		ssize_t n = write(file, b->data + done, b->len - done);

		if (n < 0 && errno != EINTR)
			err = -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	if (file < 0 || (!err && fcntl(file, F_ADD_SEALS, SEALS) < 0))
		err = -errno;
	if (err && file >= 0)
		close(file);
	return err ? err : file;
}

int message_send_long(int fd, const struct buf *b)
{
	_cleanup_close_ int file = b->len > LONG && b->len <= TEXT_MAX ? sealed(b) : -1;
	uint32_t n = (uint32_t)b->len | IN_FILE;
	int err;

	if (file < 0)
		return message_send(fd, b);
	err = send_all(fd, &n, sizeof(n));
	return err ? err : message_pass(fd, file);
}

static int receive_file(int fd, uint32_t n, struct buf *out)
{
	_cleanup_close_ int file = message_take(fd);
	struct stat st;
	void *map;

	if (file < 0)
		return file;
	if ((fcntl(file, F_GET_SEALS) & SEALS) != SEALS || fstat(file, &st) < 0 || st.st_size != n)
		return -EPROTO;
	map = mmap(NULL, n, PROT_READ, MAP_PRIVATE, file, 0);
	if (map == MAP_FAILED)
		return -errno;
	buf_reserve(out, n);
	buf_add(out, map, n);
	munmap(map, n);
	return 0;
}

int message_receive(int fd, struct buf *out)
{
	char piece[65536];
	uint32_t n;
	int err = receive_all(fd, &n, sizeof(n));

	if (!err && n & IN_FILE && n - IN_FILE <= TEXT_MAX && n != IN_FILE)
		return receive_file(fd, n - IN_FILE, out);
	if (!err && n > TEXT_MAX)
		err = -EMSGSIZE;
	if (!err)
		buf_reserve(out, n);
	while (!err && n) {
		uint32_t now = n < sizeof(piece) ? n : (uint32_t)sizeof(piece);

		err = receive_all(fd, piece, now);
		if (!err)
			buf_add(out, piece, now);
		n -= now;
	}
	return err;
}

int message_pass(int through, int fd)
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

/* Whatever came besides one descriptor: room for them is room for two, by the padding. */
static int only_one(struct msghdr *m)
{
	int fd = -EPROTO, one, n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		size_t bytes = c->cmsg_len - CMSG_LEN(0);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i + sizeof(one) <= bytes; i += sizeof(one)) {
			memcpy(&one, CMSG_DATA(c) + i, sizeof(one));
			if (n++)
				close(one);
			else
				fd = one;
		}
	}
	if (n > 1)
		close(fd);
	return n == 1 ? fd : -EPROTO;
}

int message_take(int from)
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
	ssize_t n;

	do
		n = recvmsg(from, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n ? -errno : -ECONNRESET;
	return only_one(&m);
}
