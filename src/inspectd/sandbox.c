/* SPDX-License-Identifier: GPL-2.0-or-later
 * What a judge may do once it has its tables: read and write what is open, ask for the time, get
 * memory, end. By user, capabilities, landlock (where the kernel has it) and seccomp.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "inspectd/wire.h"
#include "inspectd/worker.h"

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_restrict_self 446
#endif
#define LANDLOCK_FS_ALL ((1ull << 13) - 1) /* what the first version of it knows */

static int drop_user(uid_t uid, gid_t gid)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {0};

	/* where it may: the holder has no right to that, but has left little to drop */
	for (int cap = 0; cap < 64; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			break;
	if (getuid() == 0 && uid != 0 &&
	    (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 ||
	     setresuid(uid, uid, uid) < 0))
		return -errno;
	return syscall(SYS_capset, &head, none) < 0 ? -errno : 0;
}

/* No path at all. A kernel without landlock leaves that to seccomp. */
static int no_paths(void)
{
	const uint64_t handled = LANDLOCK_FS_ALL;
	int fd = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof(handled), 0), err = 0;

	if (fd < 0)
		return errno == ENOSYS || errno == EOPNOTSUPP ? 0 : -errno;
	if (syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		err = -errno;
	close(fd);
	return err;
}

static int limits(void)
{
	const struct rlimit none = {0, 0};

	if (setrlimit(RLIMIT_CORE, &none) < 0 || setrlimit(RLIMIT_NPROC, &none) < 0 ||
	    setrlimit(RLIMIT_FSIZE, &none) < 0)
		return -errno;
	return 0;
}

/* Memory that is not to be executed. */
static int allow_memory(scmp_filter_ctx ctx)
{
	int err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				   SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));

	if (!err)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
				       SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	return err;
}

static int filter(void)
{
	static const int calls[] = {
		SCMP_SYS(recvfrom),
		SCMP_SYS(sendto),
		SCMP_SYS(poll),
		SCMP_SYS(ppoll),
		SCMP_SYS(write),
		SCMP_SYS(clock_gettime),
		SCMP_SYS(brk),
		SCMP_SYS(munmap),
		SCMP_SYS(mremap),
		SCMP_SYS(madvise),
		SCMP_SYS(futex),
		SCMP_SYS(exit),
		SCMP_SYS(exit_group),
		SCMP_SYS(rt_sigreturn),
		SCMP_SYS(restart_syscall),
		SCMP_SYS(clock_gettime64),
		SCMP_SYS(ppoll_time64),
		SCMP_SYS(futex_time64),
		SCMP_SYS(recv),
		SCMP_SYS(send),
	};
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int err = ctx ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < sizeof(calls) / sizeof(calls[0]); i++) {
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i], 0);
		if (err == -EDOM || err == -EINVAL) /* this machine has no such call */
			err = 0;
	}
	if (!err)
		err = allow_memory(ctx);
	if (!err)
		err = seccomp_load(ctx);
	if (ctx)
		seccomp_release(ctx);
	return err;
}

int sandbox_enter(uid_t uid, gid_t gid)
{
	int err = drop_user(uid, gid);

	if (!err && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		err = -errno;
	if (!err)
		err = no_paths();
	if (!err)
		err = limits();
#ifndef FWC_SANITIZERS /* they need calls of their own */
	if (!err)
		err = filter();
#endif
	/* no signal but the last of its holder's death, which a change of user takes back */
	if (!err)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return err;
}

int sandbox_try(const char *what)
{
	switch (what[0]) {
	case 'o': /* open */
		return open("/etc/passwd", O_RDONLY) >= 0 ? 0 : 100;
	case 's': /* socket */
		return socket(AF_INET, SOCK_DGRAM, 0) >= 0 ? 0 : 100;
	case 'v': /* verdict: the socket that one would be sent by */
		return socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER) >= 0 ? 0 : 100;
	case 'e': /* exec */
		execl("/bin/true", "true", (char *)NULL);
		return 100;
	case 'k': /* kill */
		return kill(getppid(), 0) == 0 ? 0 : 100;
	case 'w': { /* write to a slot */
		void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, JUDGE_SLOTS, 0);

		return p != MAP_FAILED ? 0 : 100;
	}
	default:
		return 99;
	}
}
