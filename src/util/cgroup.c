/* SPDX-License-Identifier: GPL-2.0-or-later
 * path of a control group -> how deep it lies.
 */
#include "util/cgroup.h"

#include <limits.h>
#include <string.h>

#define PATH_BYTES 1000

static bool is_dots(const char *s, size_t n)
{
	return (n == 1 && s[0] == '.') || (n == 2 && s[0] == '.' && s[1] == '.');
}

bool cgroup_leads_up(const char *path)
{
	for (size_t n;; path += n + 1) {
		n = strcspn(path, "/");
		if (is_dots(path, n))
			return true;
		if (!path[n])
			return false;
	}
}

unsigned cgroup_levels(const char *path)
{
	unsigned levels = 1;
	size_t n;

	for (const char *c = path; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 127)
			return 0;
	if (strlen(path) > PATH_BYTES || cgroup_leads_up(path))
		return 0;
	for (;; path += n + 1, levels++) {
		n = strcspn(path, "/");
		if (!n || n > NAME_MAX)
			return 0;
		if (!path[n])
			return levels;
	}
}
