/* SPDX-License-Identifier: GPL-2.0-or-later
 * bytes <-> files.
 */
#include "store/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/confine.h"
#include "kernel/opener.h"
#include "util/cleanup.h"
#include "util/diag.h"
#include "util/fault.h"
#include "util/fd.h"

#define MAX_FILE ((off_t)1 << 30)

static int write_temp(int dir, const char *name, const void *data, size_t len, mode_t mode)
{
	_cleanup_close_ int fd = -1;
	int err;

	unlinkat(dir, name, 0);
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	err = fd_write(fd, data, len);
	if (!err && fchmod(fd, mode) < 0)
		err = -errno;
	if (!err && fsync(fd) < 0)
		err = -errno;
	return err;
}

int file_publish(int dir, const char *name, const void *data, size_t len, mode_t mode)
{
	_cleanup_free_ char *temp = NULL;
	int err;

	if (asprintf(&temp, ".%s.new", name) < 0)
		return -ENOMEM;
	err = write_temp(dir, temp, data, len, mode);
	fault_point("file-written");
	if (!err && renameat(dir, temp, dir, name) < 0)
		err = -errno;
	fault_point("file-renamed");
	if (err)
		unlinkat(dir, temp, 0);
	return err;
}

int file_write(int dir, const char *name, const void *data, size_t len)
{
	return file_publish(dir, name, data, len, 0600);
}

static int add_text(const char *piece, size_t n, void *to)
{
	buf_add(to, piece, n);
	return 0;
}

bool file_json_text(struct buf *out, const json_t *j)
{
	bool ok = json_dump_callback(j, add_text, out, JSON_INDENT(1)) == 0;

	buf_putc(out, '\n');
	return ok;
}

int file_write_json(int dir, const char *name, const json_t *j)
{
	_cleanup_buf_ struct buf text = {0};

	if (!file_json_text(&text, j))
		return -ENOMEM;
	return file_write(dir, name, text.data, text.len);
}

static int check(const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return -EINVAL;
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return -EPERM;
	if (st->st_uid != 0 && st->st_uid != confine_caller())
		return -EPERM;
	return st->st_size > MAX_FILE ? -EFBIG : 0;
}

/* A file of ours, and what fstat(2) says of it; or -errno. */
static int open_sound(int dir, const char *name, struct stat *st)
{
	int fd = opener_openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
	int err = fd < 0 ? fd : fstat(fd, st) < 0 ? -errno : check(st);

	if (!err)
		return fd;
	if (fd >= 0)
		close(fd);
	return err;
}

int file_read(int dir, const char *name, struct buf *out)
{
	struct stat st;
	_cleanup_close_ int fd = open_sound(dir, name, &st);
	char piece[4096]; /* only of a file that grows meanwhile it takes more than one */
	ssize_t n;

	if (fd < 0)
		return fd;
	buf_reserve(out, (size_t)st.st_size);
	out->data[out->len] = '\0';
	do {
		size_t room = out->cap - out->len - 1;

		n = read(fd, room ? out->data + out->len : piece, room ? room : sizeof(piece));
		if (n > 0 && room)
			out->data[out->len += (size_t)n] = '\0';
		else if (n > 0)
			buf_add(out, piece, (size_t)n);
		else if (n < 0 && errno != EINTR)
			return -errno;
	} while (n);
	return 0;
}

bool file_holds(int dir, const char *name, const struct buf *want)
{
	struct stat st;
	_cleanup_close_ int fd = open_sound(dir, name, &st);
	char piece[65536];
	size_t at = 0;
	ssize_t n;

	if (fd < 0 || (size_t)st.st_size != want->len)
		return false;
	while ((n = read(fd, piece, sizeof(piece))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || (size_t)n > want->len - at ||
		    memcmp(piece, want->data + at, (size_t)n) != 0)
			return false;
		at += (size_t)n;
	}
	return at == want->len;
}

const char *file_reason(int err)
{
	return err == -ELOOP	 ? "it is a symbolic link"
	       : err == -EPERM	 ? "others can write it, or it belongs to another user"
	       : err == -EINVAL	 ? "it is not a regular file"
	       : err == -EBADMSG ? "it is not JSON: cut short or edited"
	       : err == -ENOTDIR ? "it is not a directory"
				 : strerror(-err);
}

int file_read_json(int dir, const char *name, json_t **out)
{
	_cleanup_buf_ struct buf text = {0};
	json_error_t e;
	json_t *j;
	int err = file_read(dir, name, &text);

	if (err)
		return err;
	j = json_loadb(buf_str(&text), text.len, JSON_REJECT_DUPLICATES, &e);
	if (!j)
		return -EBADMSG;
	*out = j;
	return 0;
}

int file_put_dir(int dir, const char *temp, const char *name)
{
	fault_point("dir-written");
	if (renameat2(dir, temp, dir, name, RENAME_EXCHANGE) < 0) {
		if (errno != ENOENT && errno != EINVAL && errno != ENOSYS)
			return -errno;
		file_remove_dir(dir, name);
		if (renameat(dir, temp, dir, name) < 0)
			return -errno;
	}
	fault_point("dir-exchanged");
	if (fsync(dir) < 0)
		return -errno;
	fault_point("dir-synced");
	file_remove_dir(dir, temp);
	return 0;
}

void file_remove_dir(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			unlinkat(dirfd(d), e->d_name, 0);
	}
	if (d)
		closedir(d);
	else if (fd >= 0)
		close(fd);
	if (unlinkat(dir, name, AT_REMOVEDIR) < 0 && errno == ENOTDIR)
		unlinkat(dir, name, 0);
}

/* ---- what is written there ---- */

json_t *file_text(const char *s)
{
	_cleanup_buf_ struct buf b = {0};

	diag_show(&b, s);
	return json_string(buf_str(&b));
}
