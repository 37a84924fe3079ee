/* SPDX-License-Identifier: GPL-2.0-or-later
 * The process that holds the queues keeps what it needs for them and for the judges that it starts:
 * it sends verdicts, lets judges change their user, and ends them.
 */
#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "inspectd/inspectd.h"

#define BIT(cap) (1u << (cap))
#define KEPT (BIT(CAP_NET_ADMIN) | BIT(CAP_SETUID) | BIT(CAP_SETGID) | BIT(CAP_KILL))

int privileges_drop(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};

	for (int cap = 0; cap < 64; cap++)
		if ((cap > 31 || !(KEPT >> cap & 1)) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 &&
		    errno == EINVAL)
			break;
	if (syscall(SYS_capget, &head, data) < 0)
		return -errno;
	data[0].permitted &= KEPT;
	data[0].effective = data[0].permitted;
	data[0].inheritable = 0;
	data[1] = (struct __user_cap_data_struct){0};
	return syscall(SYS_capset, &head, data) < 0 ? -errno : 0;
}
