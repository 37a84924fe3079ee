/* SPDX-License-Identifier: GPL-2.0-or-later
 * Names -> descriptors, asked for by a process that may open nothing.
 *
 * What may be asked for is known before anything was read (the command line), or follows from what
 * was opened: strings of these files, names in these directories. So whoever takes over the process
 * that parses gets at nothing that the policy does not lead to.
 */
#include "kernel/opener.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "kernel/ask.h"
#include "kernel/child.h"
#include "kernel/confine.h"
#include "kernel/message.h"
#include "kernel/meter.h"
#include "util/cleanup.h"
#include "util/map.h"

enum request { ASK_OPENAT, ASK_POLICY, ASK_GLOB, ASK_USER, ASK_GROUP, ASK_WRITE, ASK_CONNECT };

#define STRING_MAX 4096 /* PATH_MAX: what is longer names no file */
#define FLAGS (O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)

/* The socket to the opener, -1 without one; of the process, as that to the broker is. */
static int asking = -1;

/* ---- the asking side ---- */

struct answer {
	int err, fd; /* fd: -1 if there is none */
	uint32_t number;
	struct buf why, hint, text;
};

static void answer_free(struct answer *a)
{
	buf_free(&a->why);
	buf_free(&a->hint);
	buf_free(&a->text);
}

static int receive(struct answer *a)
{
	_cleanup_buf_ struct buf text = {0};
	struct bytes b;
	int err = message_receive(asking, &text);

	if (err)
		return err;
	b = (struct bytes){.p = buf_str(&text), .left = text.len};
	a->err = (int)message_take_number(&b);
	a->number = message_take_number(&b);
	message_take_text(&b, &a->why);
	message_take_text(&b, &a->hint);
	message_take_text(&b, &a->text);
	if (message_take_number(&b))
		a->fd = message_take(asking);
	return b.bad ? -EPROTO : 0;
}

/* dir: a descriptor that goes with the request, or -1. Yields the result, which is 0 or -errno. */
static int ask(struct answer *a, const struct buf *request, int dir)
{
	int err = message_send(asking, request);

	*a = (struct answer){.fd = -1};
	if (!err && dir >= 0)
		err = message_pass(asking, dir);
	if (!err)
		err = receive(a);
	if (err)
		buf_printf(&a->why, "the process that opens files did not answer: %s",
			   strerror(-err));
	return err ? err : a->err;
}

static void put_name(struct buf *b, enum request what, const char *name)
{
	message_put_number(b, what);
	message_put_text(b, name, strlen(name));
}

/* For requests of a name alone. */
static int ask_name(struct answer *a, enum request what, const char *name, uint32_t number)
{
	_cleanup_buf_ struct buf b = {0};

	put_name(&b, what, name);
	message_put_number(&b, number);
	return ask(a, &b, -1);
}

static int ask_openat(int dir, const char *name, int flags)
{
	_cleanup_buf_ struct buf b = {0};
	struct answer a;
	int fd;

	put_name(&b, ASK_OPENAT, name);
	message_put_number(&b, (uint32_t)flags);
	message_put_number(&b, dir != AT_FDCWD);
	fd = ask(&a, &b, dir == AT_FDCWD ? -1 : dir);
	if (!fd)
		fd = a.fd;
	answer_free(&a);
	return fd;
}

/* Of a directory that all may list the files may be root's alone, and the opener hands over what is
 * in those that it handed over itself: so directories are asked for first. */
int opener_openat(int dir, const char *name, int flags)
{
	bool first = asking >= 0 && flags & O_DIRECTORY;
	int asked = first ? ask_openat(dir, name, flags) : -1;
	int fd = asked >= 0 ? asked : openat(dir, name, flags | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	if (asking < 0 || (errno != EACCES && errno != EPERM))
		return -errno;
	return first ? asked : ask_openat(dir, name, flags);
}

int opener_policy(const char *path, struct buf *why, struct buf *hint)
{
	struct answer a;
	int fd = ask_name(&a, ASK_POLICY, path, 0);

	if (!fd)
		fd = a.fd;
	buf_puts(why, buf_str(&a.why));
	buf_puts(hint, buf_str(&a.hint));
	answer_free(&a);
	return fd;
}

size_t opener_glob(const char *pattern, struct arena *arena, char ***paths)
{
	struct answer a;
	int err = ask_name(&a, ASK_GLOB, pattern, 0);
	struct bytes b = {.p = buf_str(&a.text), .left = a.text.len};
	size_t n = err ? SIZE_MAX : a.number;

	if (!err)
		*paths = arena_alloc(arena, (n + 1) * sizeof(**paths));
	for (size_t i = 0; !err && i < n; i++) {
		_cleanup_buf_ struct buf path = {0};

		message_take_text(&b, &path);
		(*paths)[i] = arena_strdup(arena, buf_str(&path));
	}
	answer_free(&a);
	errno = -err;
	return n;
}

static bool ask_number(enum request what, const char *name, uint32_t *number)
{
	struct answer a;
	bool there = ask_name(&a, what, name, 0) == 0;

	if (there)
		*number = a.number;
	answer_free(&a);
	return there;
}

bool opener_user(const char *name, uint32_t *uid)
{
	return ask_number(ASK_USER, name, uid);
}

bool opener_group(const char *name, uint32_t *gid)
{
	return ask_number(ASK_GROUP, name, gid);
}

static int dial_type(const char *path, int type, unsigned seconds)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = (time_t)seconds};
	int fd, err = 0;

	if (strlen(path) >= sizeof(at.sun_path))
		return -ENAMETOOLONG;
	strcpy(at.sun_path, path);
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* of connect(), too: the queue of a daemon that is stopped fills up */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0 ||
	    connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		err = -errno;
	if (err == -EPROTOTYPE && type == SOCK_STREAM) { /* who takes datagrams: syslogd */
		close(fd);
		return dial_type(path, SOCK_DGRAM, seconds);
	}
	if (err)
		close(fd);
	return err ? err : fd;
}

static int dial(const char *path, unsigned seconds)
{
	return dial_type(path, SOCK_STREAM, seconds);
}

int opener_connect(const char *path, unsigned seconds)
{
	struct answer a;
	int fd;

	if (asking < 0)
		return dial(path, seconds);
	fd = ask_name(&a, ASK_CONNECT, path, seconds);
	if (!fd)
		fd = a.fd;
	answer_free(&a);
	return fd;
}

int opener_write(const struct buf *parts, size_t n, struct buf *why)
{
	_cleanup_buf_ struct buf b = {0};
	struct answer a;
	int err;

	put_name(&b, ASK_WRITE, "");
	message_put_number(&b, (uint32_t)n);
	for (size_t i = 0; i < n; i++)
		message_put_text(&b, buf_str(&parts[i]), parts[i].len);
	err = ask(&a, &b, -1);
	buf_puts(why, buf_str(&a.why));
	answer_free(&a);
	return err;
}

/* ---- the answering side ---- */

struct place { /* of a directory that was handed over */
	dev_t dev;
	ino_t ino;
};

struct opener {
	const struct opener_job *job;
	struct arena *arena;
	struct map named; /* by the command line: these alone are written, and called */
	struct map paths, patterns; /* that may be asked for: those, and what policies name */
	/* Of these, policies: their strings name files. A list of addresses has none. */
	struct map policies, policy_patterns;
	VEC(struct place) dirs;
};

static char here[] = "here";

static void allow(struct map *m, struct arena *a, const char *name)
{
	if (!map_get(m, name))
		map_put(m, arena_strdup(a, name), here);
}

static void allow_string(struct opener *o, const char *file, const char *s, bool included)
{
	const char *path = file ? o->job->beside(o->arena, file, s) : s;
	const char *pattern = file ? o->job->pattern_beside(o->arena, file, s) : s;

	if (!file && *s != '/')
		return;
	allow(&o->paths, o->arena, path);
	allow(&o->patterns, o->arena, pattern);
	if (included) {
		allow(&o->policies, o->arena, path);
		allow(&o->policy_patterns, o->arena, pattern);
	}
}

/* Whether the word before a string is that one. */
static bool is_after(const char *begin, const char *quote, const char *word)
{
	size_t n = strlen(word);

	while (quote > begin && (quote[-1] == ' ' || quote[-1] == '\t'))
		quote--;
	return (size_t)(quote - begin) >= n && !strncmp(quote - n, word, n);
}

/* Each string of a text, as the language and JSON write them; the only escape that a name needs is
 * that of the quote. */
static void allow_strings(struct opener *o, const char *file, const char *p, size_t size)
{
	const char *begin = p, *end = p + size;
	char name[STRING_MAX];

	while (p < end && (p = memchr(p, '"', (size_t)(end - p)))) {
		bool included = is_after(begin, p, "include");
		size_t n = 0;

		for (p++; p < end && *p != '"' && *p != '\n' && n < sizeof(name) - 1; p++) {
			if (*p == '\\' && p + 1 < end && p[1] == '"')
				p++;
			name[n++] = *p;
		}
		name[n] = '\0';
		if (n && p < end && *p == '"')
			allow_string(o, file, name, included);
		p += p < end && *p == '"';
	}
}

static void allow_content(struct opener *o, const char *file, int fd)
{
	struct stat st;
	void *text;

	if (fstat(fd, &st) < 0)
		return;
	if (!S_ISREG(st.st_mode) || !st.st_size || st.st_size > (off_t)1 << 30)
		return;
	text = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (text == MAP_FAILED)
		return;
	allow_strings(o, file, text, (size_t)st.st_size);
	munmap(text, (size_t)st.st_size);
}

/* Named, or below one that was: what is in it may be asked for. */
static void note_dir(struct opener *o, int fd)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		vec_push(o->arena, &o->dirs, ((struct place){st.st_dev, st.st_ino}));
}

static bool was_handed_over(const struct opener *o, int dir)
{
	const struct place *p;
	struct stat st;

	if (fstat(dir, &st) < 0)
		return false;
	vec_each (&o->dirs, p) {
		if (p->dev == st.st_dev && p->ino == st.st_ino)
			return true;
	}
	return false;
}

/* What a file names, and nobody typed: only files that policies may be, whoever names them. */
static int open_source(const struct opener *o, const char *name)
{
	_cleanup_buf_ struct buf why = {0}, hint = {0};

	return o->job->open(name, &why, &hint);
}

static int do_openat(struct opener *o, const char *name, int flags, int dir)
{
	bool below = dir >= 0;
	int fd;

	if (below ? strchr(name, '/') || !strcmp(name, "..") || !was_handed_over(o, dir)
		  : !map_get(&o->paths, name))
		return -EACCES;
	if (!below && !map_get(&o->named, name))
		return open_source(o, name);
	flags = O_RDONLY | O_CLOEXEC | (flags & FLAGS) | (below ? O_NOFOLLOW | O_NONBLOCK : 0);
	fd = openat(below ? dir : AT_FDCWD, name, flags);
	return fd < 0 ? -errno : fd;
}

static int do_policy(struct opener *o, const char *name, struct answer *a)
{
	if (map_get(&o->paths, name))
		return o->job->open(name, &a->why, &a->hint);
	buf_printf(&a->why, "cannot read %s: no argument or policy names it", name);
	return -EACCES;
}

static int do_glob(struct opener *o, const char *pattern, struct answer *a)
{
	char **paths = NULL;
	size_t n;

	if (!map_get(&o->patterns, pattern))
		return -EACCES;
	n = o->job->glob(pattern, o->arena, &paths);
	if (n == SIZE_MAX)
		return errno ? -errno : -EIO;
	for (size_t i = 0; i < n; i++) {
		allow(&o->paths, o->arena, paths[i]);
		if (map_get(&o->policy_patterns, pattern))
			allow(&o->policies, o->arena, paths[i]);
		message_put_text(&a->text, paths[i], strlen(paths[i]));
	}
	a->number = (uint32_t)n;
	return 0;
}

static int do_connect(const struct opener *o, const char *path, unsigned seconds)
{
	size_t n = strlen(o->job->sockets);

	if (!map_get(&o->named, path) &&
	    (strncmp(path, o->job->sockets, n) != 0 || strchr(path + n, '/')))
		return -EACCES;
	return dial(path, seconds);
}

static int do_write(const struct opener *o, struct bytes *b, struct answer *a)
{
	struct buf parts[OPENER_PARTS] = {{0}};
	uint32_t n = message_take_number(b);
	int err = -EACCES;

	for (uint32_t i = 0; n <= OPENER_PARTS && i < n; i++)
		message_take_text(b, &parts[i]);
	if (!o->job->write || n < 1 || n > OPENER_PARTS || b->bad ||
	    (parts[0].len && !map_get(&o->named, buf_str(&parts[0]))))
		buf_puts(&a->why, "this command writes nothing there");
	else
		err = o->job->write(o->job->ctx, parts, n, &a->why);
	for (size_t i = 0; i < OPENER_PARTS; i++)
		buf_free(&parts[i]);
	return err;
}

/* Fills *a; a->fd is to be handed over. */
static void serve_one(struct opener *o, struct bytes *b, int from, struct answer *a)
{
	uint32_t what = message_take_number(b), number;
	_cleanup_buf_ struct buf text = {0};
	const char *name;
	int dir = -1, fd = -EPROTO;

	message_take_text(b, &text);
	name = buf_str(&text);
	number = what == ASK_WRITE ? 0 : message_take_number(b);
	if (what == ASK_OPENAT && message_take_number(b)) {
		dir = message_take(from);
		if (dir < 0)
			b->bad = true;
	}
	if (b->bad || strlen(name) != text.len) {
		a->err = -EPROTO;
	} else if (what == ASK_OPENAT || what == ASK_POLICY || what == ASK_CONNECT) {
		fd = what == ASK_OPENAT	  ? do_openat(o, name, (int)number, dir)
		     : what == ASK_POLICY ? do_policy(o, name, a)
					  : do_connect(o, name, number);
		a->err = fd < 0 ? fd : 0;
		if (fd >= 0 && what == ASK_OPENAT)
			note_dir(o, fd);
		/* a capture, a log or a list that was named names nothing */
		if (fd >= 0 && ((what == ASK_POLICY && map_get(&o->policies, name)) ||
				(what == ASK_OPENAT && dir >= 0)))
			allow_content(o, what == ASK_POLICY ? name : NULL, fd);
	} else if (what == ASK_GLOB) {
		a->err = do_glob(o, name, a);
	} else if (what == ASK_USER) {
		a->err = o->job->user(name, &a->number) ? 0 : -ENOENT;
	} else if (what == ASK_GROUP) {
		a->err = o->job->group(name, &a->number) ? 0 : -ENOENT;
	} else {
		a->err = what == ASK_WRITE ? do_write(o, b, a) : -EPERM;
	}
	if (dir >= 0)
		close(dir);
	a->fd = fd;
}

static int send_answer(int to, const struct answer *a)
{
	_cleanup_buf_ struct buf b = {0};
	int err;

	message_put_number(&b, (uint32_t)a->err);
	message_put_number(&b, a->number);
	message_put_text(&b, buf_str(&a->why), a->why.len);
	message_put_text(&b, buf_str(&a->hint), a->hint.len);
	message_put_text(&b, buf_str(&a->text), a->text.len);
	message_put_number(&b, a->fd >= 0);
	err = message_send(to, &b);
	if (!err && a->fd >= 0)
		err = message_pass(to, a->fd);
	return err;
}

static void allow_name(struct opener *o, const char *s)
{
	allow(&o->named, o->arena, s);
	allow(&o->paths, o->arena, s);
	allow(&o->policies, o->arena, s);
}

/* Of the command line: the files, those beside them for `test`, and values behind '='. */
static void allow_named(struct opener *o, const char *s)
{
	const char *value = *s == '-' ? strchr(s, '=') : NULL;

	allow_name(o, s);
	allow(&o->patterns, o->arena, o->job->beside(o->arena, s, "*.test.fwc"));
	allow(&o->policy_patterns, o->arena, o->job->beside(o->arena, s, "*.test.fwc"));
	if (value)
		allow_name(o, value + 1);
	else if (s[0] == '-' && s[1] && s[1] != '-') /* -oDIR */
		allow_name(o, s + 2);
}

static _Noreturn void serve(const struct opener_job *job, int from, pid_t parent)
{
	static const int deaf[] = {SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTSTP};
	struct opener o = {.job = job, .arena = arena_new()};
	int err = 0;

	/* it ends with the process that asks, by the end of the connection; but a file may keep it
	 */
	child_follow(parent);
	for (size_t i = 0; i < sizeof(deaf) / sizeof(deaf[0]); i++)
		signal(deaf[i], SIG_IGN);
	prctl(PR_SET_NAME, "fwc-opener");
	ask_forget();
	if (confine_opener())
		_exit(1);
	map_init(&o.named, o.arena);
	map_init(&o.paths, o.arena);
	map_init(&o.patterns, o.arena);
	map_init(&o.policies, o.arena);
	map_init(&o.policy_patterns, o.arena);
	for (size_t i = 0; i < job->nnamed; i++)
		allow_named(&o, job->named[i]);
	while (!err) {
		_cleanup_buf_ struct buf request = {0};
		struct answer a = {.fd = -1};
		struct bytes b;

		err = message_receive(from, &request);
		if (err)
			break;
		b = (struct bytes){.p = buf_str(&request), .left = request.len};
		serve_one(&o, &b, from, &a);
		err = send_answer(from, &a);
		if (a.fd >= 0)
			close(a.fd);
		answer_free(&a);
	}
	_exit(0);
}

int opener_start(const struct opener_job *job)
{
	pid_t parent = getpid(), pid;
	int pair[2], err = 0;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		close(pair[0]);
		meter_mute();
		serve(job, pair[1], parent);
	}
	if (pid < 0)
		err = -errno;
	close(pair[1]);
	if (err)
		close(pair[0]);
	else
		asking = pair[0];
	return err;
}

bool opener_there(void)
{
	return asking >= 0;
}
