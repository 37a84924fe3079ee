/* SPDX-License-Identifier: GPL-2.0-or-later
 * Control groups, and the sets of table inet fwc that hold the number of one.
 */
#ifndef FWC_KERNEL_CGROUP_H
#define FWC_KERNEL_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The number of the one at that path, below the root of cgroup v2. 0 or -errno: -ENOENT, it is not
 * there, or this system has no cgroup v2; -EINVAL, that is no path of one (util/cgroup.h). */
int cgroup_number(const char *path, uint64_t *out);

struct cgroup_job {
	const char *path, *set; /* which is there */
	/* out */
	bool there; /* there is such a cgroup */
	size_t added, deleted; /* numbers */
	uint32_t commits; /* transactions that it took */
	char why[160];
};

/* Makes the set of the namespace `netns` (NULL: this one) hold the number that the cgroup has now,
 * or none. 0 or -errno with why. */
int cgroup_fill(struct cgroup_job *j, const char *netns);

#endif
