/* SPDX-License-Identifier: GPL-2.0-or-later
 * argv -> one of the jobs, locked in.
 */
#include "config.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fetcher/fetcher.h"
#include "kernel/confine.h"
#include "util/buf.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/number.h"

#define MS_MAX 3600000
#define BYTES_MAX ((uint64_t)1 << 30)
#define MEMORY ((rlim_t)512 << 20)
#define INPUT_MAX (1 << 20)
#define NAMES_MAX 4096
#define AT_ONCE 200 /* questions */

static void limit(int what, rlim_t most)
{
	const struct rlimit l = {most, most};

	setrlimit(what, &l);
}

static void set_limits(unsigned ms, uint64_t bytes)
{
#ifndef FWC_SANITIZERS
	limit(RLIMIT_AS, MEMORY);
#endif
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_CPU, ms / 1000 + 5);
	limit(RLIMIT_FSIZE, bytes);
	limit(RLIMIT_NOFILE, 256);
	limit(RLIMIT_NPROC, 0);
}

/* What libraries take from the environment is nobody's business; who started it may go. */
static int lock_in(unsigned ms, uint64_t bytes)
{
	int parent = getppid(), err;

	clearenv();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	ares_library_init(ARES_LIB_INIT_ALL);
	err = confine_network();
	set_limits(ms, bytes);
	/* a change of the user takes it back */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	return err;
}

/* ---- names ---- */

static void print_name(const struct resolved *v4, const struct resolved *v6)
{
	const struct resolved *const both[] = {v4, v6};
	uint32_t seconds = v4->seconds < v6->seconds ? v4->seconds : v6->seconds;
	struct buf b = {0};

	if (!resolved_known(v4) || !resolved_known(v6) || !(v4->addresses.n + v6->addresses.n)) {
		printf("%s - %s\n", v4->name, resolved_why(v4, v6));
		return;
	}
	buf_printf(&b, "%s %u", v4->name, seconds);
	for (int k = 0; k < 2; k++) {
		for (size_t i = 0; i < both[k]->addresses.n; i++) {
			buf_putc(&b, ' ');
			addr_print(&b, both[k]->family, both[k]->addresses.v[i]);
		}
	}
	puts(buf_str(&b));
	buf_free(&b);
}

static int ask_names(struct arena *a, char *text, unsigned ms)
{
	struct resolved *all = arena_alloc(a, 2 * NAMES_MAX * sizeof(*all));
	char *rest = text, *name;
	struct resolver r;
	size_t n = 0;

	if (resolver_open(&r, ms) != ARES_SUCCESS)
		return 1;
	while ((name = strsep(&rest, "\n")) && n < 2 * NAMES_MAX) {
		if (!*name)
			continue;
		for (int k = 0; k < 2; k++) {
			all[n] = (struct resolved){
				.name = name, .family = k ? FAM_IP6 : FAM_IP4, .arena = a};
			resolver_ask(&r, &all[n++]);
		}
		if (n % AT_ONCE == 0)
			resolver_wait(&r);
	}
	resolver_wait(&r);
	resolver_close(&r);
	for (size_t i = 0; i < n; i += 2)
		print_name(&all[i], &all[i + 1]);
	return fflush(stdout) ? 1 : 0;
}

/* ---- a URL ---- */

static int fetch_url(char *text, struct url_job *job)
{
	char *rest = text, *line;

	job->url = strsep(&rest, "\n");
	while ((line = strsep(&rest, "\n"))) {
		if (!strncmp(line, "etag ", 5))
			job->etag = line + 5;
		else if (!strncmp(line, "modified ", 9))
			job->modified = line + 9;
	}
	return url_fetch(job);
}

/* ---- what it may ---- */

static bool may_read(void)
{
	return open("/etc/passwd", O_RDONLY) >= 0;
}

static bool may_read_resolver(void)
{
	return open("/etc/resolv.conf", O_RDONLY) >= 0;
}

static bool may_write(void)
{
	return open("/tmp/fwc-fetch.try", O_WRONLY | O_CREAT, 0600) >= 0;
}

static bool may_inet(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) >= 0;
}

static bool may_unix(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0) >= 0;
}

static bool may_netlink(void)
{
	return socket(AF_NETLINK, SOCK_RAW, 0) >= 0;
}

static bool may_raw(void)
{
	return socket(AF_INET, SOCK_RAW, 1) >= 0;
}

static bool may_packet(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0) >= 0;
}

static bool may_exec(void)
{
	execl("/bin/true", "true", (char *)NULL);
	return errno == ENOENT; /* or it would not be here any more */
}

static bool may_fork(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	return pid > 0;
}

static bool may_kill(void)
{
	return kill(getppid(), 0) == 0;
}

static bool may_root(void)
{
	return geteuid() == 0 || setuid(0) == 0;
}

static bool may_memory(void)
{
	return mmap(NULL, (size_t)1 << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0) != MAP_FAILED;
}

/* No more of it than it was given. */
static bool may_time(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_CPU, &l) || l.rlim_max == RLIM_INFINITY)
		return true;
	l.rlim_max++;
	return setrlimit(RLIMIT_CPU, &l) == 0;
}

static bool may_long_file(void)
{
	signal(SIGXFSZ, SIG_IGN);
	return pwrite(STDOUT_FILENO, "x", 1, 2 << 20) == 1;
}

static bool may_other_files(void)
{
	for (int fd = 3; fd < 256; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			return true;
	return false;
}

/* 0: it may; 100: it may not; 99: no such word. */
static int try(const char *word)
{
	static const struct {
		const char *word;
		bool (*may)(void);
	} all[] = {
		{"read", may_read},
		{"read-resolver", may_read_resolver},
		{"write", may_write},
		{"inet", may_inet},
		{"unix", may_unix},
		{"netlink", may_netlink},
		{"raw", may_raw},
		{"packet", may_packet},
		{"exec", may_exec},
		{"fork", may_fork},
		{"kill", may_kill},
		{"root", may_root},
		{"memory", may_memory},
		{"time", may_time},
		{"long-file", may_long_file},
		{"other-files", may_other_files},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (!strcmp(all[i].word, word))
			return all[i].may() ? 0 : 100;
	return 99;
}

/* ---- which of them ---- */

static bool read_input(struct buf *in)
{
	char piece[4096];
	ssize_t n;

	while ((n = read(STDIN_FILENO, piece, sizeof(piece))) > 0 && in->len < INPUT_MAX)
		buf_add(in, piece, (size_t)n);
	buf_putc(in, '\n');
	return n == 0 && !memchr(in->data, '\0', in->len);
}

static int work(int argc, char **argv)
{
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_buf_ struct buf in = {0};
	uint64_t ms = 1000, bytes = 1 << 20;
	bool names = argc == 3 && !strcmp(argv[1], "names");
	bool url = argc >= 4 && !strcmp(argv[1], "url");
	bool trying = argc == 3 && !strcmp(argv[1], "try");
	int err;

	if ((!names && !url && !trying) || (!trying && !number_word(argv[2], 1, MS_MAX, &ms)) ||
	    (url && !number_word(argv[3], 1, BYTES_MAX, &bytes))) {
		fputs("fwc-fetch: it is started by `fwc refresh`\n", stderr);
		return 2;
	}
	err = lock_in((unsigned)ms, names ? BYTES_MAX : bytes);
	if (err) {
		fprintf(stderr, "why cannot drop privileges: %s\n", strerror(-err));
		return 1;
	}
	if (trying)
		return try(argv[2]);
	if (!read_input(&in))
		return 1;
	if (names)
		return ask_names(a, in.data, (unsigned)ms);
	return fetch_url(in.data,
			 &(struct url_job){.ms = (unsigned)ms,
					   .bytes = bytes,
					   .special = argc > 4 && !strcmp(argv[4], "private")});
}

/* What sanitizers do at an exit() is locked away. */
int main(int argc, char **argv)
{
	_exit(work(argc, argv));
}
