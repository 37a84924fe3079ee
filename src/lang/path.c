/* SPDX-License-Identifier: GPL-2.0-or-later
 * path -> the file at its end, with every step of the way looked at.
 */
#include "lang/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/number.h"

#define LINKS_MAX 40 /* as many as the kernel follows */
#define NOBODY 65534 /* how files of users outside of a user namespace look in it */

struct walk {
	const char *path; /* as the user wrote it */
	struct buf rest; /* what is still to be walked */
	struct buf here; /* where it is, for messages */
	int dir;
	unsigned links;
	struct buf *why, *hint;
};

/* In a user namespace that does not know all users it cannot be told root from others. */
static bool all_users_known(void)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/uid_map", "re");
	char line[128] = "";
	const char *p = line;
	uint64_t n = 0;

	if (!f)
		return true;
	if (!fgets(line, sizeof(line), f))
		return false;
	for (int i = 0; i < 3; i++) { /* from, to, how many */
		p += strspn(p, " ");
		if (!number_take(&p, 0, UINT32_MAX, &n))
			return false;
	}
	return n == UINT32_MAX;
}

static bool is_trusted(uid_t uid)
{
	const char *sudo = getenv("SUDO_UID");
	uint64_t caller;

	if (uid == 0 || uid == geteuid())
		return true;
	if (geteuid() == 0 && number_word(sudo, 0, UINT32_MAX, &caller) && caller == uid)
		return true;
	return uid == NOBODY && !all_users_known();
}

static int fail(struct walk *w, int err)
{
	buf_printf(w->why, "cannot read %s: %s", w->path, strerror(-err));
	if (err == -EACCES && geteuid() == 0)
		buf_puts(w->hint, "fwc reads policies without root's rights: let root own it, or "
				  "run fwc as its owner");
	return err;
}

static int check_owner(struct walk *w, const struct stat *st, const char *what, const char *at)
{
	if (is_trusted(st->st_uid))
		return 0;
	buf_printf(w->why, "cannot trust %s: %s %s belongs to another user", w->path, what, at);
	buf_printf(w->hint, "chown%s root %s", S_ISLNK(st->st_mode) ? " -h" : "", at);
	return -EPERM;
}

static int check_dir(struct walk *w, const struct stat *st)
{
	if (!(st->st_mode & (S_IWGRP | S_IWOTH)) || st->st_mode & S_ISVTX)
		return check_owner(w, st, "directory", buf_str(&w->here));
	buf_printf(w->why, "cannot trust %s: directory %s can be written by others than its owner",
		   w->path, buf_str(&w->here));
	buf_printf(w->hint, "chmod go-w %s", buf_str(&w->here));
	return -EPERM;
}

static void set(struct buf *b, const char *text)
{
	b->len = 0;
	buf_puts(b, text);
}

static int go_to(struct walk *w, int fd, const char *here)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return fail(w, -errno);
	if (w->dir >= 0)
		close(w->dir);
	w->dir = fd;
	set(&w->here, here);
	return check_dir(w, &st);
}

static int go_to_root(struct walk *w)
{
	return go_to(w, open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), "/");
}

/* The next name of the way, or false at its end. */
static bool next_name(struct walk *w, char name[NAME_MAX + 1], int *err)
{
	const char *p = buf_str(&w->rest), *end;
	size_t n;

	do {
		p += strspn(p, "/");
		end = p + strcspn(p, "/");
		n = (size_t)(end - p);
		if (n > NAME_MAX) {
			*err = fail(w, -ENAMETOOLONG);
			return false;
		}
		memcpy(name, p, n);
		name[n] = '\0';
		p = end;
	} while (!strcmp(name, "."));
	n = strlen(end);
	memmove(w->rest.data, end, n + 1);
	w->rest.len = n;
	return *name;
}

static bool at_end(const struct walk *w)
{
	return !buf_str(&w->rest)[strspn(buf_str(&w->rest), "/")];
}

static int follow(struct walk *w, int fd)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(fd, "", target, sizeof(target) - 1);
	struct buf rest = {0};

	if (n < 0 || ++w->links > LINKS_MAX)
		return fail(w, n < 0 ? -errno : -ELOOP);
	target[n] = '\0';
	buf_printf(&rest, "%s/%s", target, buf_str(&w->rest));
	buf_free(&w->rest);
	w->rest = rest;
	return *target == '/' ? go_to_root(w) : 0;
}

static int check_kind(struct walk *w, const struct stat *st)
{
	if (S_ISREG(st->st_mode))
		return 0;
	buf_printf(w->why, "%s is %s", w->path,
		   S_ISDIR(st->st_mode) ? "a directory" : "not a regular file");
	if (S_ISDIR(st->st_mode))
		buf_printf(w->hint, "name the files in it; include takes a pattern: \"%s/*.fwc\"",
			   w->path);
	return -EINVAL;
}

/* What is no file of its own is not even opened: a device may do something then. */
static int open_file(struct walk *w, const char *name, const struct stat *st, int *file)
{
	int err = at_end(w) ? check_kind(w, st) : fail(w, -ENOTDIR);

	if (err)
		return err;
	*file = openat(w->dir, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
	return *file < 0 ? fail(w, -errno) : 0;
}

/* One step; *file is set when it led to something that is no directory. */
static int step(struct walk *w, const char *name, int *file)
{
	_cleanup_buf_ struct buf here = {0};
	int fd = openat(w->dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC), err;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return fail(w, -errno);
	buf_printf(&here, "%s/%s", strcmp(buf_str(&w->here), "/") ? buf_str(&w->here) : "", name);
	if (S_ISDIR(st.st_mode))
		return go_to(w, fd, buf_str(&here)); /* which keeps fd */
	err = check_owner(w, &st, S_ISLNK(st.st_mode) ? "symbolic link" : "file", buf_str(&here));
	if (!err)
		err = S_ISLNK(st.st_mode) ? follow(w, fd) : open_file(w, name, &st, file);
	close(fd);
	return err;
}

static int begin(struct walk *w)
{
	char cwd[PATH_MAX];

	if (*w->path != '/' && getcwd(cwd, sizeof(cwd)) && *cwd == '/')
		buf_printf(&w->rest, "%s/%s", cwd, w->path);
	else
		buf_puts(&w->rest, w->path);
	return go_to_root(w);
}

/* The file or directory at the end. */
static int walk(struct walk *w)
{
	char name[NAME_MAX + 1];
	int file = -1, err = *w->path ? begin(w) : fail(w, -ENOENT);

	while (!err && file < 0 && next_name(w, name, &err))
		err = step(w, name, &file);
	if (!err && file < 0) {
		file = w->dir;
		w->dir = -1;
	}
	if (w->dir >= 0)
		close(w->dir);
	buf_free(&w->rest);
	buf_free(&w->here);
	return err ? err : file;
}

static int check_file(struct walk *w, int fd)
{
	struct stat st;
	int err = fstat(fd, &st) < 0 ? fail(w, -errno) : check_kind(w, &st);

	if (err || !(st.st_mode & (S_IWGRP | S_IWOTH)))
		return err;
	buf_printf(w->why, "%s can be written by others than its owner", w->path);
	buf_printf(w->hint, "chmod go-w %s", w->path);
	return -EPERM;
}

int path_open(const char *path, struct buf *why, struct buf *hint)
{
	struct walk w = {.path = path, .dir = -1, .why = why, .hint = hint};
	int fd = walk(&w), err = fd < 0 ? fd : check_file(&w, fd);

	if (fd >= 0 && err)
		close(fd);
	return err ? err : fd;
}

int path_check_dir(const char *path)
{
	_cleanup_buf_ struct buf why = {0}, hint = {0};
	struct walk w = {.path = *path ? path : ".", .dir = -1, .why = &why, .hint = &hint};
	_cleanup_close_ int fd = walk(&w);

	return fd < 0 ? fd : 0;
}

/* ---- names that a file has for others ---- */

static const char *end_of_dir(const char *file, const char *name)
{
	return *name == '/' ? NULL : strrchr(file, '/');
}

char *path_beside(struct arena *a, const char *file, const char *name)
{
	const char *slash = end_of_dir(file, name);

	return slash ? arena_printf(a, "%.*s/%s", (int)(slash - file), file, name)
		     : arena_strdup(a, name);
}

char *path_pattern_beside(struct arena *a, const char *file, const char *name)
{
	const char *slash = end_of_dir(file, name);
	struct buf b = {0};
	char *pattern;

	for (const char *c = file; slash && c <= slash; c++) {
		if (strchr("*?[\\", *c))
			buf_putc(&b, '\\');
		buf_putc(&b, *c);
	}
	buf_puts(&b, name);
	pattern = arena_strdup(a, buf_str(&b));
	buf_free(&b);
	return pattern;
}
