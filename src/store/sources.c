/* SPDX-License-Identifier: GPL-2.0-or-later
 * Source files -> the same as when they were compiled, or not.
 */
#include "store/sources.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/opener.h"
#include "lang/lang.h"
#include "util/cleanup.h"
#include "util/diag.h"
#include "util/sha256.h"

#define LARGEST (256u << 20) /* no policy and no list is larger */

/* 0 or -errno. */
static int hash_file(const char *path, char hex[SHA256_HEX])
{
	_cleanup_close_ int fd = opener_openat(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	char piece[65536];
	struct sha256 h;
	size_t bytes = 0;
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	sha256_start(&h);
	while ((n = read(fd, piece, sizeof(piece))) > 0 && bytes <= LARGEST) {
		sha256_add(&h, piece, (size_t)n);
		bytes += (size_t)n;
	}
	if (n < 0)
		return -errno;
	sha256_end_hex(&h, hex);
	return 0;
}

enum source_state source_look(const struct manifest_source *s)
{
	char hex[SHA256_HEX];
	int err = hash_file(s->path, hex);

	switch (err) {
	case 0:
		return strcmp(hex, s->sha256) ? SOURCE_CHANGED : SOURCE_SAME;
	case -ENOENT:
	case -ENOTDIR:
		return SOURCE_GONE;
	case -EINVAL: /* something else stands there */
		return SOURCE_CHANGED;
	default:
		return SOURCE_UNREADABLE;
	}
}

static bool is_source(const struct manifest *m, const char *path)
{
	const struct manifest_source *s;

	vec_each (&m->sources, s)
		if (!strcmp(s->path, path))
			return true;
	return false;
}

/* A file that the pattern of an include matches, and that was not there. */
static const char *find_new(struct arena *a, const struct manifest *m)
{
	const char *found = NULL;
	const char *const *p;

	vec_each (&m->patterns, p) {
		struct loader *l = loader_files(a);
		char **paths = NULL;
		size_t n = l->glob(l, *p, a, &paths);

		for (size_t i = 0; n != SIZE_MAX && i < n && !found; i++)
			if (!is_source(m, paths[i]))
				found = paths[i];
	}
	return found;
}

/* The policy itself is the first of them. */
const char *sources_outdated(struct arena *a, const struct manifest *m)
{
	const struct manifest_source *s;
	const char *fresh;

	vec_each (&m->sources, s) {
		enum source_state is = source_look(s);

		if (s == m->sources.v && is != SOURCE_SAME && is != SOURCE_CHANGED)
			return NULL;
		if (is == SOURCE_CHANGED)
			return arena_printf(a, "%s has changed since", diag_shown(a, s->path));
		if (is == SOURCE_GONE)
			return arena_printf(a, "%s is gone since", diag_shown(a, s->path));
	}
	fresh = m->sources.n ? find_new(a, m) : NULL;
	return fresh ? arena_printf(a, "%s is new since", diag_shown(a, fresh)) : NULL;
}
