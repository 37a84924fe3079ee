/* SPDX-License-Identifier: GPL-2.0-or-later
 * A directory of an artefact -> which files it has, so that those which are as they were need not
 * be read again.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store/store.h"
#include "util/sha256.h"

#define SETTLED 1 /* seconds: no clock of a file system is coarser */

struct names {
	const char **v;
	size_t n, cap;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void list(DIR *dir, struct arena *a, struct names *out)
{
	const struct dirent *e;

	while ((e = readdir(dir)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			vec_push(a, out, arena_strdup(a, e->d_name));
	if (out->n)
		qsort(out->v, out->n, sizeof(*out->v), by_name);
}

/* The time of change nobody can set but by setting the clock. */
static bool describe(int dir, const char *name, time_t now, struct buf *out)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) || st.st_ctime + SETTLED >= now)
		return false;
	buf_printf(out, "%s %llu %llu %llu %lld.%09ld %lld.%09ld\n", name,
		   (unsigned long long)st.st_dev, (unsigned long long)st.st_ino,
		   (unsigned long long)st.st_size, (long long)st.st_mtim.tv_sec,
		   st.st_mtim.tv_nsec, (long long)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
	return true;
}

const char *store_files(const struct store *s, const char *name, struct arena *a)
{
	int fd = openat(s->dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	char *hex = arena_alloc(a, SHA256_HEX);
	struct names names = {0};
	struct buf text = {0};
	bool whole = dir;

	if (!dir && fd >= 0)
		close(fd);
	if (dir)
		list(dir, a, &names);
	for (size_t i = 0; whole && i < names.n; i++)
		whole = describe(fd, names.v[i], time(NULL), &text);
	sha256_hex(buf_str(&text), text.len, hex);
	buf_free(&text);
	if (dir)
		closedir(dir);
	return whole && names.n ? hex : NULL;
}
