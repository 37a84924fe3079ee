/* SPDX-License-Identifier: GPL-2.0-or-later
 * What whoever takes over the process that reads policies gets at. Preloaded: the hash of a file is
 * asked for once its text is there, and then this tries each thing and prints a line for what
 * works. Nothing is printed but "taken" and "told" if nothing does; "loaded", too, of the process
 * that asks the kernel. With TAKEN_CHILD it is the process that has nft load a script instead.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "kernel/ask.h"
#include "kernel/nftrun.h"
#include "util/sha256.h"

struct nft_ctx;
int nft_run_cmd_from_filename(struct nft_ctx *ctx, const char *file);

static void works(const char *what)
{
	printf("works: %s\n", what);
}

static void try_files(const char *place)
{
	static const char *const written[] = {"/etc/cron.d/fwc-test", "/etc/passwd",
					      "/usr/sbin/fwc-test", "/tmp/fwc-test",
					      "/root/fwc-test"};
	char name[300];

	for (size_t i = 0; i < sizeof(written) / sizeof(written[0]); i++)
		if (open(written[i], O_WRONLY | O_CREAT, 0644) >= 0)
			works(written[i]);
	snprintf(name, sizeof(name), "%s/open.fwc", place); /* 0666 */
	if (open(name, O_WRONLY) >= 0 || unlink(name) == 0 || chmod(name, 0777) == 0)
		works("a file that all may write");
	if (open("/etc/shadow", O_RDONLY) >= 0)
		works("/etc/shadow");
	snprintf(name, sizeof(name), "%s/secret", place); /* 0600 */
	if (open(name, O_RDONLY) >= 0)
		works("a file of root's");
}

static void try_processes(void)
{
	struct sockaddr_un systemd = {.sun_family = AF_UNIX,
				      .sun_path = "/run/systemd/private"};
	uint64_t args[11] = {CLONE_NEWUSER};
	int fd;

	if (kill(1, 0) == 0)
		works("kill init");
	if (kill(getppid(), 0) == 0)
		works("kill its parent");
	if (ptrace(PTRACE_ATTACH, getppid(), 0, 0) == 0)
		works("ptrace");
	if (unshare(CLONE_NEWUSER) == 0)
		works("unshare");
	if (syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0) >= 0)
		works("clone with a user namespace");
	args[0] = CLONE_NEWNET;
	if (syscall(SYS_clone, CLONE_NEWNET | SIGCHLD, 0, 0, 0, 0) >= 0)
		works("clone with a network namespace");
	args[0] = CLONE_NEWUSER;
	if (syscall(SYS_clone3, args, sizeof(args)) >= 0)
		works("clone3");
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd >= 0) {
		works("a local socket");
		if (connect(fd, (struct sockaddr *)&systemd, sizeof(systemd)) == 0)
			works("systemd");
	}
	if (socket(AF_INET, SOCK_STREAM, 0) >= 0 || socket(AF_NETLINK, SOCK_RAW, 12) >= 0)
		works("a socket");
	/* another error tells that it was looked at: standard input is no terminal, or one that
	 * takes none of it */
	if (ioctl(0, TIOCSTI, "x") == 0 || errno != EPERM)
		works("to type");
	if (ioctl(0, TIOCLINUX, "\3") == 0 || errno != EPERM)
		works("to paste");
	/* only 32 bits of the request are looked at */
	if (syscall(SYS_ioctl, 0, 0xf00000000ul | TIOCSTI, "x") == 0 || errno != EPERM)
		works("to type by a large request");
	if (setuid(0) == 0)
		works("root again");
	execl("/bin/true", "true", (char *)NULL);
}

/* ---- the process that opens files: kernel/opener.c ---- */

static void put(char **p, const void *data, uint32_t n)
{
	memcpy(*p, data, n);
	*p += n;
}

static void put_number(char **p, uint32_t n)
{
	put(p, &n, sizeof(n));
}

/* Its answer's first number, or 1; a descriptor that comes with it is lost. */
static int32_t ask(int fd, uint32_t what, const char *name, uint32_t number, uint32_t number2)
{
	char request[1000], *p = request + 4, byte[1];
	uint32_t n;
	int32_t err = 1;

	put_number(&p, what);
	put_number(&p, (uint32_t)strlen(name));
	put(&p, name, (uint32_t)strlen(name));
	put_number(&p, number);
	put_number(&p, number2);
	n = (uint32_t)(p - request) - 4;
	memcpy(request, &n, 4);
	if (send(fd, request, n + 4, MSG_NOSIGNAL) < 0 ||
	    recv(fd, &n, 4, MSG_WAITALL) != 4)
		return 1;
	p = malloc(n + 1);
	if (recv(fd, p, n, MSG_WAITALL) == (ssize_t)n)
		memcpy(&err, p, 4);
	if (err == 0 && p[n - 4])
		recv(fd, byte, 1, 0);
	free(p);
	return err;
}

static void try_opener(int fd, const char *place)
{
	static const char *const files[] = {"/etc/shadow", "/etc/../etc/shadow", "/proc/1/environ"};
	static const char *const named[] = {"directory", "fifo", "theirs.set", "all.set"};
	char name[300];

	for (size_t i = 0; i < 3; i++) {
		if (ask(fd, 0, files[i], 0, 0) == 0)
			works("the opener: a file by its name");
		if (ask(fd, 1, files[i], 0, 0) == 0)
			works("the opener: a policy of another's");
	}
	snprintf(name, sizeof(name), "%s/secret", place);
	if (ask(fd, 0, name, 0, 0) == 0 || ask(fd, 1, name, 0, 0) == 0)
		works("the opener: what nothing names");
	snprintf(name, sizeof(name), "%s/*", place);
	if (ask(fd, 2, name, 0, 0) == 0)
		works("the opener: any pattern");
	/* what a file names, and nobody typed, is a policy or a list, or it is not opened */
	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
		snprintf(name, sizeof(name), "%s/%s", place, named[i]);
		if (ask(fd, 0, name, 0, 0) == 0 || ask(fd, 1, name, 0, 0) == 0)
			works(named[i]);
		if (ask(fd, 0, name, O_DIRECTORY, 0) == 0)
			works("the opener: what a file names, as a directory");
	}
	if (ask(fd, 0, "/dev/null", 0, 0) == 0)
		works("the opener: a device");
	if (ask(fd, 5, "/run/systemd/notify", 1, 0) == 0)
		works("the opener: a socket that a file names");
	if (ask(fd, 4, "", 1, 0) == 0)
		works("the opener: to write");
	if (ask(fd, 5, "/run/systemd/private", 1, 0) == 0 ||
	    ask(fd, 5, "/run/fwc/inspectd/../../systemd/private", 1, 0) == 0)
		works("the opener: systemd");
	if (ask(fd, 77, "/etc/shadow", 0, 0) == 0)
		works("the opener: nonsense");
	/* what the policy does name it opens: this test speaks its language */
	snprintf(name, sizeof(name), "%s/named.set", place);
	puts(ask(fd, 1, name, 0, 0) == 0 ? "told" : "misunderstood");
	/* and that list names nothing, whatever is written in it */
	snprintf(name, sizeof(name), "%s/secret", place);
	if (ask(fd, 0, name, 0, 0) == 0 || ask(fd, 1, name, 0, 0) == 0)
		works("the opener: what a list names");
}

/* ---- the process that asks the kernel: kernel/broker.c ---- */

static int send_whole(int fd, const char *p, size_t n)
{
	uint32_t size = (uint32_t)n;

	return send(fd, &size, 4, MSG_NOSIGNAL) == 4 && send(fd, p, n, MSG_NOSIGNAL) == (ssize_t)n;
}

/* The first number of its answer, or 1. */
static int32_t request(int broker, const char *p, size_t n)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr head;
	} u = {.head = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
	struct iovec one = {"", 1};
	struct msghdr m = {NULL, 0, &one, 1, u.space, sizeof(u.space), 0};
	int pair[2];
	int32_t words[2] = {0, 1};

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		return 1;
	memcpy(CMSG_DATA(&u.head), &pair[1], sizeof(int));
	if (sendmsg(broker, &m, MSG_NOSIGNAL) != 1 || !send_whole(pair[0], p, n))
		return 1;
	close(pair[1]);
	recv(pair[0], words, sizeof(words), MSG_WAITALL);
	close(pair[0]);
	return words[1];
}

static int32_t run(int broker, uint32_t where, uint32_t kind, const char *script)
{
	char text[1000], *p = text;

	put_number(&p, ASK_NFTRUN);
	put_number(&p, 0); /* the name of a namespace */
	put_number(&p, where);
	put_number(&p, 0);
	put_number(&p, 1);
	put_number(&p, kind);
	put_number(&p, (uint32_t)strlen(script));
	put(&p, script, (uint32_t)strlen(script));
	return request(broker, text, (size_t)(p - text));
}

static void try_broker(int fd)
{
	static const char script[] = "add table inet fwc", sleeps[] = "table inet fwc {\n}\n";
	char text[16], *p = text;

	if (run(fd, CHILD_HERE, RUN_SCRIPT, script) == 0)
		works("the broker: a script where packets are");
	if (run(fd, CHILD_HERE, RUN_ASLEEP, sleeps) == 0)
		works("the broker: a table there, though there are namespaces");
	if (run(fd, CHILD_SCRATCH, RUN_SCRIPT, "include \"/etc/hostname\"") == 0 ||
	    run(fd, CHILD_SCRATCH, RUN_SCRIPT, "table inet t {\ninclude\"/etc/hostname\"\n}") == 0)
		works("the broker: to read a file by a script");
	if (run(fd, CHILD_SCRATCH_USER + 1, RUN_SCRIPT, script) == 0)
		works("the broker: nowhere");
	if (run(fd, CHILD_HERE, 77, script) == 0)
		works("the broker: nonsense");
	put_number(&p, 77);
	put_number(&p, 0);
	if (request(fd, text, (size_t)(p - text)) == 0)
		works("the broker: any question");
	puts(run(fd, CHILD_SCRATCH, RUN_SCRIPT, script) == 0 ? "loaded" : "deaf");
}

/* ---- the process that has nft read a script: kernel/nftrun.c ---- */

/* In a file of its own name: of what it prints itself, fwc tells if it ends like this. */
static void take_over_child(void)
{
	static const char *const files[] = {"/etc/hostname",   "/etc/shadow", "/proc/self/status",
					    "/proc/1/environ", "/dev/null",   "/"};

	puts("taken");
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (open(files[i], O_RDONLY) >= 0)
			works(files[i]);
	try_files(getenv("TAKEN_PLACE"));
	if (mkdir("/tmp/fwc-test", 0700) == 0)
		works("a directory");
	if (memfd_create("memory", 0) < 0)
		puts("no memory");
	fflush(stdout);
	_exit(42);
}

/* Of every load; listings do not come by here. */
int nft_run_cmd_from_filename(struct nft_ctx *ctx, const char *file)
{
	int (*real)(struct nft_ctx *, const char *);

	if (getenv("TAKEN_CHILD"))
		take_over_child();
	*(void **)&real = dlsym(RTLD_NEXT, "nft_run_cmd_from_filename");
	return real(ctx, file);
}

static void take_over(void)
{
	const char *place = getenv("TAKEN_PLACE");
	int type;
	socklen_t len = sizeof(type);

	puts("taken");
	try_files(place);
	for (int fd = 3; fd < 64; fd++)
		if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM)
			try_opener(fd, place);
	for (int fd = 3; fd < 64; fd++)
		if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
		    type == SOCK_SEQPACKET && getenv("TAKEN_BROKER"))
			try_broker(fd);
	try_processes();
	fflush(stdout);
	_exit(42);
}

/* Of every hash: the process that has changed its user is meant, or who called it. */
void nettle_sha256_init(struct sha256_ctx *ctx)
{
	void (*real)(void *);

	if (!getenv("TAKEN_CHILD"))
		take_over();
	*(void **)&real = dlsym(RTLD_NEXT, "nettle_sha256_init");
	real(ctx);
}
