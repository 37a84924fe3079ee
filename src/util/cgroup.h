/* SPDX-License-Identifier: GPL-2.0-or-later
 * Paths of control groups (cgroups(7), version 2), below the root of their hierarchy.
 */
#ifndef FWC_UTIL_CGROUP_H
#define FWC_UTIL_CGROUP_H

#include <stdbool.h>

#define CGROUP_LEVELS 8 /* that rules can ask for */

/* How many directories it leads down, "a/b": 2. 0: it leads anywhere else, or nowhere. */
unsigned cgroup_levels(const char *path);
/* It has a directory . or .. */
bool cgroup_leads_up(const char *path);

#endif
