/* SPDX-License-Identifier: GPL-2.0-or-later
 * A user of its own, capabilities, no_new_privs, landlock and a seccomp filter.
 */
#include "config.h"

#include "kernel/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/caps.h"

#define USER "_fwc" /* of the package */
#define SPARE 65521 /* between those that systemd gives out and nobody: in use nowhere */

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

static char said[120];
static uid_t caller;
static bool confined;

/* ---- the user ---- */

/* By the file alone: what else may know users could ask the network. */
static bool find_user(uid_t *uid, gid_t *gid)
{
	FILE *f = fopen("/etc/passwd", "re");
	const struct passwd *pw = NULL;
	bool taken = false, found = false;

	while (f && !found && (pw = fgetpwent(f))) {
		found = !strcmp(pw->pw_name, USER) && pw->pw_uid != 0;
		if (found) {
			*uid = pw->pw_uid;
			*gid = pw->pw_gid;
		}
		taken |= pw->pw_uid == SPARE;
	}
	if (f)
		fclose(f);
	if (!found)
		*uid = *gid = SPARE;
	return found || !taken;
}

/* Where it cannot be changed, as in a namespace that knows one user, it stays. */
static int change_user(void)
{
	uid_t uid;
	gid_t gid;

	if (caller != 0) {
		snprintf(said, sizeof(said), "who called it (uid %u)", (unsigned)caller);
		return 0;
	}
	if (!find_user(&uid, &gid)) {
		snprintf(said, sizeof(said), "root: there is no user " USER);
		return 0;
	}
	if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0) {
		snprintf(said, sizeof(said), "root: the user cannot be changed here (%s)",
			 strerror(errno));
		return 0;
	}
	if (setresuid(uid, uid, uid) < 0) {
		snprintf(said, sizeof(said), "root: the user cannot be changed here (%s)",
			 strerror(errno));
		return setresgid(0, 0, 0) < 0 ? -errno : 0;
	}
	snprintf(said, sizeof(said), "uid %u%s", (unsigned)uid,
		 uid == SPARE ? ", for there is no user " USER : " (" USER ")");
	return 0;
}

/* ---- landlock ---- */

struct ruleset { /* struct landlock_ruleset_attr; older kernels know only its beginning */
	uint64_t fs, net, scoped;
};

#define READING_FILE (1u << 2) /* LANDLOCK_ACCESS_FS_READ_FILE */
#define READING (READING_FILE | 1u << 3) /* and LANDLOCK_ACCESS_FS_READ_DIR */
#define NET_BIND 1u /* LANDLOCK_ACCESS_NET_BIND_TCP, _CONNECT_TCP */
#define NET_CONNECT 2u

#define UNLOGGED 1u /* LANDLOCK_RESTRICT_SELF_LOG_SAME_EXEC_OFF, of version 7 */

/* What is not spared is denied for every path. Files without a path, as in memory, are no matter of
 * landlock's. Where reading is denied, it is asked for all the same (libraries look for names of
 * numbers) and no news for the log of audit. */
struct denial {
	uint64_t spared;
	bool connects; /* by TCP, which is denied otherwise */
	const char *const *readable; /* where reading is denied, but for these; or NULL */
};

struct beneath { /* struct landlock_path_beneath_attr */
	uint64_t allowed;
	int32_t parent;
} __attribute__((packed));

/* What is not there need not be read. */
static int allow_reading(int ruleset, const char *path)
{
	struct beneath b = {.parent = open(path, O_PATH | O_CLOEXEC)};
	struct stat st;
	int err = 0;

	if (b.parent < 0)
		return 0;
	b.allowed = fstat(b.parent, &st) == 0 && S_ISDIR(st.st_mode) ? READING : READING_FILE;
	if (syscall(SYS_landlock_add_rule, ruleset, 1 /* LANDLOCK_RULE_PATH_BENEATH */, &b, 0) < 0)
		err = -errno;
	close(b.parent);
	return err;
}

static int deny(const struct denial *d)
{
	/* by version: what it knows of files from bit 13 on, then TCP, then signals and abstract
	 * sockets (landlock(7)) */
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, 1);
	const unsigned files = version >= 5 ? 16 : version >= 3 ? 15 : version == 2 ? 14 : 13;
	struct ruleset all = {
		.fs = ((1u << files) - 1) & ~d->spared,
		.net = version < 4   ? 0
		       : d->connects ? NET_BIND
				     : NET_BIND | NET_CONNECT,
		.scoped = version >= 6 ? 3 : 0,
	};
	size_t size = version >= 6 ? 24 : version >= 4 ? 16 : 8;
	const unsigned flags = version >= 7 && !d->spared ? UNLOGGED : 0;
	int fd, err = 0;

	if (version <= 0)
		return 0; /* the kernel has none, or it is switched off */
	fd = (int)syscall(SYS_landlock_create_ruleset, &all, size, 0);
	if (fd < 0)
		return -errno;
	for (size_t i = 0; !err && d->readable && d->readable[i]; i++)
		err = allow_reading(fd, d->readable[i]);
	if (!err && syscall(SYS_landlock_restrict_self, fd, flags) < 0)
		err = -errno;
	close(fd);
	return err;
}

static int deny_paths(uint64_t spared)
{
	return deny(&(struct denial){.spared = spared});
}

/* Where a library finds its resolvers, and the certificates of those whom this machine trusts. */
static const char *const of_network[] = {
	"/etc/resolv.conf",
	"/etc/hosts",
	"/etc/nsswitch.conf",
	"/etc/host.conf",
	"/etc/ssl",
	"/etc/pki",
	"/etc/ca-certificates",
	"/etc/crypto-policies",
	"/usr/share/ca-certificates",
	"/usr/local/share/ca-certificates",
	"/usr/lib/ssl",
	"/dev/urandom",
	NULL,
};

/* ---- seccomp ---- */

enum sockets { SOCKETS_NONE, SOCKETS_LOCAL, SOCKETS_NETWORK };

#ifndef FWC_SANITIZERS
/* A list of what is forbidden: what libraries need to read names and files is theirs to choose. */
static const int forbidden[] = {
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
	SCMP_SYS(pidfd_open),
	SCMP_SYS(pidfd_send_signal),
	SCMP_SYS(rt_sigqueueinfo),
	SCMP_SYS(rt_tgsigqueueinfo),
	SCMP_SYS(tkill),
};

#ifdef __s390x__
#define CLONE_FLAGS(...) SCMP_A1(__VA_ARGS__)
#else
#define CLONE_FLAGS(...) SCMP_A0(__VA_ARGS__)
#endif

static int refuse(scmp_filter_ctx ctx, int call)
{
	int err = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), call, 0);

	return err == -EDOM || err == -EINVAL ? 0 : err; /* this machine has no such call */
}

/* Processes, but no namespaces. The flags of clone3() are in memory, where no filter sees them:
 * without it libraries use clone(). */
static int refuse_namespaces(scmp_filter_ctx ctx)
{
	static const unsigned flags[] = {CLONE_NEWNS,  CLONE_NEWUTS, CLONE_NEWIPC,   CLONE_NEWUSER,
					 CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWCGROUP};
	int err = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);

	for (size_t i = 0; !err && i < sizeof(flags) / sizeof(flags[0]); i++)
		err = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
				       CLONE_FLAGS(SCMP_CMP_MASKED_EQ, flags[i], flags[i]));
	return err;
}

static int refuse_signals(scmp_filter_ctx ctx)
{
	const scmp_datum_t self = (scmp_datum_t)getpid();
	int err = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(kill), 1,
				   SCMP_A0(SCMP_CMP_NE, self));

	if (!err)
		err = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(tgkill), 1,
				       SCMP_A0(SCMP_CMP_NE, self));
	return err;
}

/* What a terminal takes for typed, or pastes: it is the caller's shell that would read it. The
 * kernel looks at 32 bits of the request. */
static int refuse_typing(scmp_filter_ctx ctx)
{
	static const unsigned requests[] = {TIOCSTI, TIOCLINUX};
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(requests) / sizeof(requests[0]); i++)
		err = seccomp_rule_add(
			ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
			SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffffu, (scmp_datum_t)requests[i]));
	return err;
}

/* netlink and packets above all */
static int refuse_sockets(scmp_filter_ctx ctx, enum sockets which)
{
	int err = 0;

	if (which == SOCKETS_NONE)
		return seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 0);
	if (which == SOCKETS_LOCAL)
		return seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1,
					SCMP_A0(SCMP_CMP_NE, AF_UNIX));
	for (int family = 0; !err && family < AF_MAX; family++)
		if (family != AF_INET && family != AF_INET6)
			err = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1,
					       SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)family));
	if (!err)
		err = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1,
				       SCMP_A0(SCMP_CMP_GE, AF_MAX));
	return err;
}

static int filter(enum sockets which)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int err = ctx ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < sizeof(forbidden) / sizeof(forbidden[0]); i++)
		err = refuse(ctx, forbidden[i]);
	if (!err)
		err = refuse_namespaces(ctx);
	if (!err)
		err = refuse_signals(ctx);
	if (!err)
		err = refuse_typing(ctx);
	if (!err)
		err = refuse_sockets(ctx, which);
	if (!err)
		err = seccomp_load(ctx);
	if (ctx)
		seccomp_release(ctx);
	return err;
}
#else /* they start programs and look into processes themselves */
static int filter(enum sockets which)
{
	(void)which;
	/* which a process that has changed its user has to allow */
	return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0 ? -errno : 0;
}
#endif

static int confine_to(const struct denial *d, enum sockets which)
{
	int err;

	caller = geteuid();
	caps_bound(0);
	err = change_user();
	confined = !err;
	if (!err)
		err = caps_keep(0);
	if (!err && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		err = -errno;
	if (!err)
		err = deny(d);
	return err ? err : filter(which);
}

int confine(void)
{
	/* reading is left to the modes of files */
	return confine_to(&(struct denial){.spared = READING}, SOCKETS_NONE);
}

int confine_network(void)
{
	return confine_to(&(struct denial){.readable = of_network, .connects = true},
			  SOCKETS_NETWORK);
}

int confine_files(void)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : deny_paths(0);
}

int confine_opener(void)
{
	int err = caps_keep(0);

	if (!err && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		err = -errno;
	return err ? err : filter(SOCKETS_LOCAL);
}

uid_t confine_caller(void)
{
	return confined ? caller : geteuid();
}

const char *confine_text(void)
{
	return said;
}
