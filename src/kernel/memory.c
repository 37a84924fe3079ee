/* SPDX-License-Identifier: GPL-2.0-or-later
 * /proc/meminfo, and what cgroups of either version allow (cgroups(7)) -> bytes.
 */
#include "kernel/memory.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/buf.h"
#include "util/cleanup.h"
#include "util/fault.h"
#include "util/fd.h"
#include "util/number.h"

#define CGROUPS "/sys/fs/cgroup"

static bool slurp(const char *path, struct buf *out)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && fd_read(fd, out) == 0 && out->len;
}

/* The number behind a word at the beginning of a line. */
static bool number_behind(const char *text, const char *word, uint64_t *out)
{
	size_t n = strlen(word);

	for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n') {
		if (strncmp(p, word, n) != 0)
			continue;
		p += n + strspn(p + n, " \t");
		return number_take(&p, 0, UINT64_MAX, out);
	}
	return false;
}

static bool number_in(const char *dir, const char *file, const char *word, uint64_t *out)
{
	_cleanup_buf_ struct buf text = {0};
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/%s", dir, file) < 0)
		abort();
	return slurp(path, &text) && number_behind(buf_str(&text), word, out);
}

struct limits { /* the files of one kind of cgroup */
	const char *root, *line; /* of files; in /proc/self/cgroup, before its path */
	const char *max, *current, *files;
};

static const struct limits kinds[] = {
	{CGROUPS, "0::/", "memory.max", "memory.current", "inactive_file "},
	{CGROUPS "/memory", ":memory:/", "memory.limit_in_bytes", "memory.usage_in_bytes",
	 "total_inactive_file "},
};

/* Without a limit there is the word "max" in place of a number, or a very large one. Files that
 * were read are let go before anything is refused. */
static void look_at(const struct limits *k, const char *dir, uint64_t *left, char who[256])
{
	uint64_t max, current, files = 0, here;

	if (!number_in(dir, k->max, "", &max) || !number_in(dir, k->current, "", &current))
		return;
	number_in(dir, "memory.stat", k->files, &files);
	current -= files < current ? files : current;
	here = max > current ? max - current : 0;
	if (here >= *left)
		return;
	*left = here;
	snprintf(who, 256, "the cgroup %s", dir + strlen(k->root));
}

/* Its own and all above it. */
static void look_at_cgroups(const struct limits *k, const char *all, uint64_t *left,
			    char who[256])
{
	_cleanup_free_ char *dir = NULL;
	const char *own = strstr(all, k->line);

	if (!own)
		return;
	own += strlen(k->line) - 1;
	if (asprintf(&dir, "%s%.*s", k->root, (int)strcspn(own, "\n"), own) < 0)
		abort();
	while (strlen(dir) > strlen(k->root)) {
		look_at(k, dir, left, who);
		*strrchr(dir, '/') = '\0';
	}
}

uint64_t memory_left(char who[256])
{
	_cleanup_buf_ struct buf text = {0}, own = {0};
	uint64_t left = UINT64_MAX;

	snprintf(who, 256, "this machine");
	if (slurp("/proc/meminfo", &text) && number_behind(buf_str(&text), "MemAvailable:", &left))
		left *= 1024;
	if (fault_wanted("little-memory"))
		left = 1 << 20;
	slurp("/proc/self/cgroup", &own);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		look_at_cgroups(&kinds[i], buf_str(&own), &left, who);
	return left;
}
