/* SPDX-License-Identifier: GPL-2.0-or-later
 * name -> namespace of this process.
 */
#include "kernel/netns.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "util/cleanup.h"

#define RUN "/run/netns"
#define ETC "/etc/netns"

int netns_enter(const char *name)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;

	if (!*name || strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, ".."))
		return -ENOENT;
	if (asprintf(&path, RUN "/%s", name) < 0)
		abort();
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		return -errno;
	return 0;
}

static void cover(const char *dir, const char *entry)
{
	_cleanup_free_ char *from = NULL, *to = NULL;

	if (asprintf(&from, "%s/%s", dir, entry) < 0 || asprintf(&to, "/etc/%s", entry) < 0)
		abort();
	(void)!mount(from, to, "none", MS_BIND, NULL); /* as ip(8) does: else that of all */
}

int netns_enter_as_program(const char *name)
{
	_cleanup_free_ char *path = NULL;
	int err = netns_enter(name);
	const struct dirent *e;
	DIR *dir;

	if (err)
		return err;
	if (asprintf(&path, ETC "/%s", name) < 0)
		abort();
	dir = opendir(path);
	if (!dir)
		return 0;
	if (unshare(CLONE_NEWNS) < 0 || mount("", "/", "none", MS_SLAVE | MS_REC, NULL) < 0)
		err = -errno;
	while (!err && (e = readdir(dir)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			cover(path, e->d_name);
	closedir(dir);
	return err;
}
