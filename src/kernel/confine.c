/* SPDX-License-Identifier: GPL-2.0-or-later
 * Capabilities, no_new_privs and a seccomp filter.
 */
#include "config.h"

#include "kernel/confine.h"

#include <errno.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "util/caps.h"

#ifndef FWC_SANITIZERS
/* A list of what is forbidden: what libraries need to read names and files is theirs to choose. */
static int filter(void)
{
	static const int calls[] = {
		SCMP_SYS(execve),
		SCMP_SYS(execveat),
		SCMP_SYS(ptrace),

		SCMP_SYS(unshare),
		SCMP_SYS(setns),
		SCMP_SYS(mount),
		SCMP_SYS(umount2),
		SCMP_SYS(pivot_root),
		SCMP_SYS(chroot),
		SCMP_SYS(bpf),
		SCMP_SYS(init_module),
		SCMP_SYS(finit_module),
		SCMP_SYS(delete_module),
		SCMP_SYS(kexec_load),
		SCMP_SYS(kexec_file_load),
		SCMP_SYS(reboot),
		SCMP_SYS(add_key),
		SCMP_SYS(request_key),
		SCMP_SYS(keyctl),
		SCMP_SYS(userfaultfd),
		SCMP_SYS(perf_event_open),
		SCMP_SYS(io_uring_setup),
		SCMP_SYS(open_tree),
		SCMP_SYS(move_mount),
		SCMP_SYS(fsopen),
		SCMP_SYS(fsmount),
		SCMP_SYS(open_by_handle_at),
		SCMP_SYS(process_vm_readv),
		SCMP_SYS(pidfd_getfd),
		SCMP_SYS(process_vm_writev),
	};
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int err = ctx ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < sizeof(calls) / sizeof(calls[0]); i++) {
		err = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), calls[i], 0);
		if (err == -EDOM || err == -EINVAL) /* this machine has no such call */
			err = 0;
	}
	/* netlink and packets above all */
	if (!err)
		err = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1,
				       SCMP_A0(SCMP_CMP_NE, AF_UNIX));
	if (!err)
		err = seccomp_load(ctx);
	if (ctx)
		seccomp_release(ctx);
	return err;
}
#endif

int confine(void)
{
	int err = caps_keep(0);

	if (!err && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		err = -errno;
#ifndef FWC_SANITIZERS /* they start programs and look into processes themselves */
	if (!err)
		filter(); /* a kernel without seccomp is no reason to compile nothing */
#endif
	return err;
}
