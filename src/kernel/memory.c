/* SPDX-License-Identifier: GPL-2.0-or-later
 * /proc/meminfo, memory.max and memory.current (cgroups(7)) -> bytes.
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

/* Without a limit there is the word "max" in place of a number. Files that were read are let go
 * before anything is refused. */
static void look_at(const char *dir, uint64_t *left, char who[256])
{
	uint64_t max, current, files = 0, here;

	if (!number_in(dir, "memory.max", "", &max) ||
	    !number_in(dir, "memory.current", "", &current))
		return;
	number_in(dir, "memory.stat", "inactive_file ", &files);
	current -= files < current ? files : current;
	here = max > current ? max - current : 0;
	if (here >= *left)
		return;
	*left = here;
	snprintf(who, 256, "the cgroup %s", dir + strlen(CGROUPS));
}

/* Its own and all above it. */
static void look_at_cgroups(uint64_t *left, char who[256])
{
	_cleanup_buf_ struct buf text = {0};
	_cleanup_free_ char *dir = NULL;
	const char *own;

	if (!slurp("/proc/self/cgroup", &text))
		return;
	own = strstr(buf_str(&text), "0::/");
	if (!own || asprintf(&dir, CGROUPS "%.*s", (int)strcspn(own + 3, "\n"), own + 3) < 0)
		return;
	while (strlen(dir) > strlen(CGROUPS)) {
		look_at(dir, left, who);
		*strrchr(dir, '/') = '\0';
	}
}

uint64_t memory_left(char who[256])
{
	_cleanup_buf_ struct buf text = {0};
	uint64_t left = UINT64_MAX;

	snprintf(who, 256, "this machine");
	if (slurp("/proc/meminfo", &text) && number_behind(buf_str(&text), "MemAvailable:", &left))
		left *= 1024;
	if (fault_wanted("little-memory"))
		left = 1 << 20;
	look_at_cgroups(&left, who);
	return left;
}
