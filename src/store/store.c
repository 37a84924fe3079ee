/* SPDX-License-Identifier: GPL-2.0-or-later
 * artefacts and records <-> directories.
 */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "inspect/pack.h"
#include "kernel/confine.h"
#include "kernel/opener.h"
#include "store/file.h"
#include "store/lists.h"
#include "util/cleanup.h"
#include "util/sha256.h"

#define SCRIPT "ruleset.nft"
#define MANIFEST "manifest.json"
#define RECORD "apply.json"
#define FORWARDING "forwarding.json"
#define TIMEOUTS "timeouts.json"
#define LOCK "lock"
#define LOCK_PATIENCE 100 /* times 20 ms */
#define ROOM ".room"
#define ROOM_RECORDS 49152 /* records, directories, and what files are rounded up to */

static int fail(struct buf *why, int err, const char *what, const char *path)
{
	buf_printf(why, "cannot %s %s: %s", what, path, file_reason(err));
	return err;
}

/* All missing directories of the path; the last one is ours alone, and so are those below it. */
static int make_path(const char *path)
{
	_cleanup_free_ char *copy = strdup(path);

	if (!copy)
		return -ENOMEM;
	for (char *p = copy + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(copy, 0700) < 0 && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	if (mkdir(copy, 0700) < 0 && errno != EEXIST)
		return -errno;
	return 0;
}

static int check_dir(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_mode & (S_IWGRP | S_IWOTH) || (st.st_uid != 0 && st.st_uid != confine_caller()))
		return -EPERM;
	return 0;
}

static int open_dir(int at, const char *path)
{
	int fd = opener_openat(at, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	int err = fd < 0 ? fd : check_dir(fd);

	if (err && fd >= 0)
		close(fd);
	/* a symbolic link to a directory is "no directory" to the kernel */
	return err ? err : fd;
}

int store_open_own(struct store *s, const char *path, bool create, struct buf *why)
{
	int err = create ? make_path(path) : 0;
	int fd;

	*s = (struct store){.path = path, .dir = -1, .lock = -1};
	if (err)
		return fail(why, err, "make the directory", path);
	fd = open_dir(AT_FDCWD, path);
	s->hidden = fd == -EACCES || fd == -EPERM;
	if (fd < 0)
		return fail(why, fd, "use the directory", path);
	s->dir = fd;
	return 0;
}

/* Another command may be at its end, or the guard of a trial that is over; waiting for them is what
 * a person would do. flock(2) has no deadline of its own. 0 or -errno. */
static int lock_soon(int fd)
{
	const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};
	int err = 0;

	for (int i = 0; i < LOCK_PATIENCE; i++) {
		err = flock(fd, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
		if (err != -EWOULDBLOCK)
			return err;
		nanosleep(&pause, NULL);
	}
	return err;
}

int store_lock(struct store *s, struct buf *why)
{
	int fd = s->public ? -1
			   : openat(s->dir, LOCK, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	char pid[32] = "";
	ssize_t n;

	if (fd < 0)
		return fail(why, s->public ? -EACCES : -errno, "lock", s->path);
	if (lock_soon(fd) == 0) {
		s->lock = fd;
		store_release(s); /* of one that was killed */
		if (ftruncate(fd, 0) == 0)
			dprintf(fd, "%d\n", (int)getpid());
		return 0;
	}
	n = read(fd, pid, sizeof(pid) - 1);
	pid[n > 0 ? strcspn(pid, "\n") : 0] = '\0';
	buf_printf(why, "another fwc is at work%s%s; try again when it is done",
		   *pid ? ", process " : "", pid);
	close(fd);
	return -EWOULDBLOCK;
}

void store_close_own(struct store *s)
{
	if (s->lock >= 0)
		close(s->lock);
	if (s->dir >= 0)
		close(s->dir);
	s->lock = s->dir = -1;
}

/* Of an artefact that lay here before, nothing is left. */
static int write_or_drop(int dir, const char *name, const struct buf *b)
{
	if (b->len)
		return file_write(dir, name, b->data, b->len);
	return unlinkat(dir, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

/* from: a directory into which the same bytes were written just now, or -1. Of what one cannot do
 * without there are two copies, for one may be damaged. */
static int write_held(int dir, int from, const struct buf *b)
{
	if (b->len && from >= 0 && linkat(from, MANIFEST_HELD, dir, MANIFEST_HELD, 0) == 0)
		return 0;
	return write_or_drop(dir, MANIFEST_HELD, b);
}

/* `state`: where other artefacts lie that may have the same lists, or -1. */
static int write_lists(int state, int dir, const struct artefact *x)
{
	static const char *const others[] = {STORE_CANDIDATE, STORE_APPLIED, STORE_PENDING};
	int dirs[3] = {-1, -1, -1}, err;

	for (int i = 0; x->lists && state >= 0 && i < 3; i++)
		dirs[i] = open_dir(state, others[i]);
	err = lists_write(x->lists, dir, dirs, 3);
	for (int i = 0; i < 3; i++)
		if (dirs[i] >= 0)
			close(dirs[i]);
	return err;
}

static int write_files(int state, int dir, int from, const struct artefact *x, const json_t *record)
{
	const char *tables = x->inspect.len ? pack_file(x->inspect.data, x->inspect.len) : "";
	static const char *const all[] = {PACK_FILE, PACK_FILE_JSON};
	int err = file_write(dir, SCRIPT, x->script.data, x->script.len);

	if (!err && *tables)
		err = file_write(dir, tables, x->inspect.data, x->inspect.len);
	for (int i = 0; !err && i < 2; i++)
		if (strcmp(tables, all[i]) && unlinkat(dir, all[i], 0) < 0 && errno != ENOENT)
			err = -errno;
	if (!err)
		err = write_lists(state, dir, x);
	if (!err)
		err = write_held(dir, from, &x->held);
	if (!err)
		err = write_or_drop(dir, MANIFEST_RUNTIME, &x->runtime);
	if (!err)
		err = write_or_drop(dir, MANIFEST_INDEX, &x->index);
	if (!err)
		err = file_write(dir, MANIFEST, x->text.data, x->text.len);
	if (!err && record)
		err = file_write_json(dir, RECORD, record);
	if (!err && fsync(dir) < 0)
		err = -errno;
	return err;
}

static int write_dir(struct store *s, const char *name, int from, const struct artefact *x,
		     const json_t *record, struct buf *why)
{
	_cleanup_free_ char *temp = NULL;
	_cleanup_close_ int dir = -1;
	int err;

	if (asprintf(&temp, ".%s.new", name) < 0)
		return -ENOMEM;
	file_remove_dir(s->dir, temp);
	if (mkdirat(s->dir, temp, 0700) < 0)
		return fail(why, -errno, "write in", s->path);
	dir = open_dir(s->dir, temp);
	err = dir < 0 ? dir : write_files(s->dir, dir, from, x, record);
	if (!err)
		err = file_put_dir(s->dir, temp, name);
	s->changed |= strcmp(name, STORE_CANDIDATE) != 0;
	if (!err)
		return 0;
	file_remove_dir(s->dir, temp);
	return fail(why, err, "write in", s->path);
}

int store_write(struct store *s, const char *name, const struct artefact *x, const json_t *record,
		struct buf *why)
{
	return write_dir(s, name, -1, x, record, why);
}

int store_write_like(struct store *s, const char *name, const char *like, const struct artefact *x,
		     const json_t *record, struct buf *why)
{
	_cleanup_close_ int from = open_dir(s->dir, like);

	return write_dir(s, name, from, x, record, why);
}

int store_reserve(struct store *s, const struct artefact *x, struct buf *why)
{
	_cleanup_close_ int fd =
		openat(s->dir, ROOM, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	size_t bytes = ROOM_RECORDS + 2 * (x->script.len + x->text.len + x->index.len +
					   x->inspect.len + x->runtime.len + x->held.len);
	int err;

	bytes += lists_bytes(x->lists, s->dir);
	err = fd < 0 ? errno : posix_fallocate(fd, 0, (off_t)bytes);

	if (!err)
		return 0;
	store_release(s);
	return fail(why, -err, "write in", s->path);
}

void store_release(struct store *s)
{
	unlinkat(s->dir, ROOM, 0);
}

static bool same_bytes(int dir, const char *name, const struct buf *want)
{
	if (want->len)
		return file_holds(dir, name, want);
	return faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0;
}

bool store_holds(const struct store *s, const char *name, const struct artefact *x)
{
	_cleanup_close_ int dir = open_dir(s->dir, name);

	return dir >= 0 && same_bytes(dir, SCRIPT, &x->script) &&
	       same_bytes(dir, MANIFEST, &x->text) && same_bytes(dir, MANIFEST_INDEX, &x->index) &&
	       same_bytes(dir, MANIFEST_RUNTIME, &x->runtime) &&
	       same_bytes(dir, MANIFEST_HELD, &x->held) &&
	       (!x->inspect.len ||
		same_bytes(dir, pack_file(x->inspect.data, x->inspect.len), &x->inspect));
}

static int read_files(int dir, const char *path, struct arena *a, struct artefact *x, json_t **j,
		      struct buf *why)
{
	json_error_t e;
	int err = file_read(dir, MANIFEST, &x->text);

	if (!err) {
		*j = json_loadb(buf_str(&x->text), x->text.len, JSON_REJECT_DUPLICATES, &e);
		if (!*j)
			err = -EBADMSG;
	}
	if (!err && json_object_get(*j, "index")) {
		err = file_read(dir, MANIFEST_INDEX, &x->index);
		if (err)
			return fail(why, err, "read", arena_printf(a, "%s/" MANIFEST_INDEX, path));
	}
	return err ? fail(why, err, "read", arena_printf(a, "%s/" MANIFEST, path)) : 0;
}

/* A file that the manifest has the hash of. */
static int read_beside(int dir, const char *path, const char *file, const char *sha256,
		       struct arena *a, struct buf *out, struct buf *why)
{
	char hex[SHA256_HEX];
	int err = file_read(dir, file, out);

	if (err)
		return fail(why, err, "read", arena_printf(a, "%s/%s", path, file));
	sha256_hex(buf_str(out), out->len, hex);
	if (!strcmp(hex, sha256))
		return 0;
	buf_printf(why,
		   "the artefact in %s cannot be used: %s and manifest do not belong "
		   "together: one of them was cut short or edited",
		   path, file);
	return -EBADMSG;
}

/* What the judging program is to read, if the manifest says that there is something. */
static int read_inspect(int dir, const char *path, struct arena *a, struct artefact *x,
			struct buf *why)
{
	const char *file = x->manifest->inspect_json ? PACK_FILE_JSON : PACK_FILE;

	if (!x->manifest->inspect)
		return 0;
	return read_beside(dir, path, file, x->manifest->inspect, a, &x->inspect, why);
}

static int read_runtime(int dir, const char *path, struct arena *a, struct artefact *x,
			struct buf *why)
{
	return x->manifest->runtime ? read_beside(dir, path, MANIFEST_RUNTIME, x->manifest->runtime,
						  a, &x->runtime, why)
				    : 0;
}

/* Without it, or if it is not the one that the manifest names, a kernel is asked once more. */
static void read_held(int dir, struct artefact *x)
{
	char hex[SHA256_HEX];

	if (!x->manifest->held || file_read(dir, MANIFEST_HELD, &x->held))
		return;
	sha256_hex(buf_str(&x->held), x->held.len, hex);
	if (strcmp(hex, x->manifest->held) != 0)
		buf_free(&x->held);
}

/* The manifest, and, unless only that is asked for, the script that belongs to it. */
static int read_manifest(int dir, const char *path, bool alone, struct arena *a, struct artefact *x,
			 struct buf *why)
{
	_cleanup_json_ json_t *j = NULL;
	const char *reason;
	int err = alone ? 0 : file_read(dir, SCRIPT, &x->script);

	if (err)
		return fail(why, err, "read", arena_printf(a, "%s/" SCRIPT, path));
	err = read_files(dir, path, a, x, &j, why);
	if (err)
		return err;
	x->manifest = manifest_read(a, j, alone ? NULL : &x->script, &x->index, &reason);
	if (x->manifest)
		return 0;
	buf_printf(why, "the artefact in %s cannot be used: %s", path, reason);
	return -EBADMSG;
}

static int read_artefact(int dir, const char *path, struct arena *a, struct artefact *out,
			 struct buf *why)
{
	struct artefact x = {0};
	int err = read_manifest(dir, path, false, a, &x, why);

	if (!err)
		err = read_inspect(dir, path, a, &x, why);
	if (!err)
		err = read_runtime(dir, path, a, &x, why);
	if (!err)
		read_held(dir, &x);
	if (!err)
		x.lists = lists_open(a, dir, x.manifest);
	if (err)
		artefact_free(&x);
	else
		*out = x;
	return err;
}

int store_read(const struct store *s, const char *name, struct arena *a, struct artefact *out,
	       struct buf *why)
{
	_cleanup_close_ int dir = open_dir(s->dir, name);
	const char *path = arena_printf(a, "%s/%s", s->path, name), *files = NULL;
	int err;

	if (dir < 0)
		return fail(why, dir, "use the directory", path);
	if (!strcmp(name, STORE_CANDIDATE))
		files = store_files(s, name, a);
	err = read_artefact(dir, path, a, out, why);
	if (!err)
		out->files = files;
	return err;
}

struct manifest *store_read_manifest(const struct store *s, const char *name, struct arena *a)
{
	_cleanup_close_ int dir = open_dir(s->dir, name);
	_cleanup_buf_ struct buf ignored = {0};
	struct artefact x = {0};

	if (dir >= 0)
		read_manifest(dir, name, true, a, &x, &ignored);
	artefact_free(&x);
	return x.manifest;
}

int store_read_text(const struct store *s, const char *name, struct arena *a, struct artefact *out)
{
	_cleanup_close_ int dir = open_dir(s->dir, name);
	_cleanup_json_ json_t *j = NULL;
	struct artefact x = {0};
	const char *reason;
	int err = dir < 0 ? dir : file_read(dir, MANIFEST, &x.text);

	if (err)
		return err;
	j = json_loadb(buf_str(&x.text), x.text.len, JSON_REJECT_DUPLICATES, NULL);
	x.manifest = j ? manifest_read_head(a, j, &reason) : NULL;
	if (!x.manifest) {
		artefact_free(&x);
		return -EBADMSG;
	}
	*out = x;
	return 0;
}

struct manifest *store_read_head(const struct store *s, const char *name, struct arena *a)
{
	struct artefact x = {0};

	if (store_read_text(s, name, a, &x))
		return NULL;
	buf_free(&x.text);
	return x.manifest;
}

void store_read_lists(const struct store *s, const char *name, struct arena *a,
		      struct artefact *out)
{
	_cleanup_close_ int dir = s->dir < 0 ? -1 : open_dir(s->dir, name);

	*out = (struct artefact){0};
	if (dir >= 0 && store_read_text(s, name, a, out) == 0)
		out->lists = lists_open(a, dir, out->manifest);
}

static void give_lists(const struct store *s, const char *name, struct arena *a,
		       struct ir_ruleset *r)
{
	_cleanup_buf_ struct buf ignored = {0};
	struct artefact x;

	store_read_lists(s, name, a, &x);
	if (x.lists)
		lists_give(x.lists, a, x.manifest, r, &ignored);
	lists_close(x.lists);
	buf_free(&x.text);
}

static bool wants_lists(const struct ir_ruleset *r)
{
	struct ir_set *const *s;

	vec_each (&r->sets, s)
		if (bulk_is_name((*s)->name) && !ir_set_is_bulk(*s))
			return true;
	return false;
}

void store_give_lists(const struct store *s, struct arena *a, struct ir_ruleset *r)
{
	static const char *const names[] = {STORE_APPLIED, STORE_PENDING};

	for (int i = 0; i < 2 && wants_lists(r); i++)
		give_lists(s, names[i], a, r);
}

void store_write_old_tables(const struct store *s, const char *name, struct arena *a)
{
	_cleanup_close_ int dir = open_dir(s->dir, name);
	_cleanup_buf_ struct buf ignored = {0};
	struct artefact x = {0};
	json_t *j = NULL;

	if (dir >= 0 && read_artefact(dir, name, a, &x, &ignored) == 0 &&
	    pack_is(x.inspect.data, x.inspect.len))
		j = pack_unpack(x.inspect.data, x.inspect.len, &ignored);
	if (j && !pack_make_old(j))
		file_write_json(dir, PACK_FILE_JSON, j);
	json_decref(j);
	artefact_free(&x);
}

int store_read_record(const struct store *s, json_t **out, struct buf *why)
{
	_cleanup_close_ int dir = open_dir(s->dir, STORE_APPLIED);
	int err = dir < 0 ? dir : file_read_json(dir, RECORD, out);

	return err ? fail(why, err, "read", STORE_APPLIED "/" RECORD) : 0;
}

void store_remove(struct store *s, const char *name)
{
	s->changed = true;
	file_remove_dir(s->dir, name);
	fsync(s->dir);
}

int artefact_write(const char *dir, const struct artefact *x, struct buf *why)
{
	_cleanup_close_ int fd = -1;
	int err;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return fail(why, -errno, "make the directory", dir);
	fd = open_dir(AT_FDCWD, dir);
	err = fd < 0 ? fd : write_files(-1, fd, -1, x, NULL);
	return err ? fail(why, err, "write in", dir) : 0;
}

int artefact_read(const char *dir, struct arena *a, struct artefact *out, struct buf *why)
{
	_cleanup_close_ int fd = open_dir(AT_FDCWD, dir);

	if (fd < 0)
		return fail(why, fd, "use the directory", dir);
	return read_artefact(fd, dir, a, out, why);
}

void artefact_free(struct artefact *x)
{
	buf_free(&x->script);
	buf_free(&x->text);
	buf_free(&x->index);
	buf_free(&x->inspect);
	buf_free(&x->runtime);
	buf_free(&x->held);
	lists_close(x->lists);
}

static int write_note(struct store *s, const char *name, const json_t *note, struct buf *why)
{
	int err = file_write_json(s->dir, name, note);

	if (!err && fsync(s->dir) < 0)
		err = -errno;
	return err ? fail(why, err, "write", name) : 0;
}

static int read_note(const struct store *s, const char *name, json_t **out, struct buf *why)
{
	int err = file_read_json(s->dir, name, out);

	if (err && err != -ENOENT)
		return fail(why, err, "read", name);
	return err;
}

static void drop_note(struct store *s, const char *name)
{
	unlinkat(s->dir, name, 0);
	fsync(s->dir);
}

int store_write_forwarding(struct store *s, const json_t *snapshot, struct buf *why)
{
	return write_note(s, FORWARDING, snapshot, why);
}

int store_read_forwarding(const struct store *s, json_t **out, struct buf *why)
{
	return read_note(s, FORWARDING, out, why);
}

void store_drop_forwarding(struct store *s)
{
	drop_note(s, FORWARDING);
}

int store_write_timeouts(struct store *s, const json_t *note, struct buf *why)
{
	return write_note(s, TIMEOUTS, note, why);
}

int store_read_timeouts(const struct store *s, json_t **out, struct buf *why)
{
	return read_note(s, TIMEOUTS, out, why);
}

void store_drop_timeouts(struct store *s)
{
	drop_note(s, TIMEOUTS);
}
