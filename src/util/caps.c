/* SPDX-License-Identifier: GPL-2.0-or-later
 * capset(2), by hand: a library for it would be larger than this.
 */
#include "util/caps.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int get(struct __user_cap_data_struct data[2])
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};

	memset(data, 0, 2 * sizeof(*data));
	return syscall(SYS_capget, &head, data) < 0 ? -errno : 0;
}

uint64_t caps_held(void)
{
	struct __user_cap_data_struct data[2];

	return get(data) ? 0 : (uint64_t)data[1].permitted << 32 | data[0].permitted;
}

void caps_bound(uint64_t mask)
{
	/* without CAP_SETPCAP the set stays as it is; PR_SET_NO_NEW_PRIVS makes it useless */
	for (int cap = 0; cap < 64; cap++)
		if (!(mask & CAPS_BIT(cap)) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 &&
		    errno == EINVAL)
			break; /* the kernel knows no more of them */
}

int caps_keep(uint64_t mask)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];
	int err;

	caps_bound(mask);
	err = get(data);
	if (err)
		return err;
	for (int i = 0; i < 2; i++) {
		data[i].permitted &= (uint32_t)(mask >> 32 * i);
		data[i].effective = data[i].permitted;
		data[i].inheritable = 0; /* and with it the ambient ones */
	}
	return syscall(SYS_capset, &head, data) < 0 ? -errno : 0;
}
