/* SPDX-License-Identifier: GPL-2.0-or-later
 * Environment, and /proc/PID/{stat,environ} of ancestors and others (proc(5)) -> SSH_CONNECTION.
 */
#include "kernel/session.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/buf.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/number.h"

#define NAME "SSH_CONNECTION="
#define ANCESTORS 64

static void slurp(const char *path, struct buf *out)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		fd_read(fd, out);
}

static int parent_of(int pid)
{
	_cleanup_buf_ struct buf stat = {0};
	char path[64];
	const char *p;
	uint64_t parent;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	slurp(path, &stat);
	p = strrchr(buf_str(&stat), ')'); /* the name may hold anything; ") S PARENT" */
	if (!p || strlen(p) < 4)
		return 0;
	p += 4;
	return number_take(&p, 0, INT32_MAX, &parent) ? (int)parent : 0;
}

/* Its environment as it was when the program began; unreadable where it is another user's. */
static const char *of_process(struct arena *a, int pid)
{
	_cleanup_buf_ struct buf all = {0};
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/environ", pid);
	slurp(path, &all);
	for (const char *at = buf_str(&all), *end = at + all.len; at < end; at += strlen(at) + 1)
		if (!strncmp(at, NAME, strlen(NAME)))
			return arena_strdup(a, at + strlen(NAME));
	return NULL;
}

/* A link-local address names its interface behind '%'. */
static bool take_address(const char **s, enum family *fam, u128 *out)
{
	size_t n = strcspn(*s, " ");
	bool good = addr_parse(*s, strcspn(*s, "% "), fam, out);

	addr_unmap(fam, out);
	*s += n + strspn(*s + n, " ");
	return good;
}

static bool take_port(const char **s, uint16_t *out)
{
	uint64_t port;

	if (!number_take(s, 1, 65535, &port) || !strchr(" ", **s))
		return false;
	*s += strspn(*s, " ");
	*out = (uint16_t)port;
	return true;
}

bool session_ends(const char *ssh, struct session_ends *out)
{
	enum family other;

	return take_address(&ssh, &out->family, &out->client) &&
	       take_port(&ssh, &out->client_port) && take_address(&ssh, &other, &out->server) &&
	       take_port(&ssh, &out->server_port) && !*ssh && other == out->family;
}

/* Who called does not change: the processes above are asked once. */
const char *session_ssh(struct arena *a)
{
	static char of_ancestors[256];
	static bool asked;
	const char *found = getenv("SSH_CONNECTION");
	int pid = getppid();

	if (found)
		return *found ? found : NULL;
	for (int i = 0; !asked && !found && pid > 1 && i < ANCESTORS; i++, pid = parent_of(pid))
		found = of_process(a, pid);
	if (found)
		snprintf(of_ancestors, sizeof(of_ancestors), "%s", found);
	asked = true;
	return *of_ancestors ? of_ancestors : NULL;
}

static bool same_netns(int pid, const struct stat *own)
{
	struct stat st;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	return !stat(path, &st) && st.st_dev == own->st_dev && st.st_ino == own->st_ino;
}

void session_all(struct arena *a, struct session_list *out)
{
	DIR *proc = opendir("/proc");
	const struct dirent *e;
	struct stat own;

	if (proc && stat("/proc/self/ns/net", &own)) {
		closedir(proc);
		proc = NULL;
	}
	while (proc && (e = readdir(proc))) {
		const char *name = e->d_name, *ssh;
		struct session_ends ends;
		uint64_t pid;

		if (!number_read(name, strlen(name), 1, INT32_MAX, &pid) ||
		    !same_netns((int)pid, &own))
			continue;
		ssh = of_process(a, (int)pid);
		if (ssh && session_ends(ssh, &ends))
			vec_push(a, out, ends);
	}
	if (proc)
		closedir(proc);
}
