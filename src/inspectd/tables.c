/* SPDX-License-Identifier: GPL-2.0-or-later
 * A file of tables -> what the judges get of it, and a lane for each queue that they name.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "inspectd/inspectd.h"
#include "util/cleanup.h"

#define TABLES_MAX (256u << 20) /* bytes */

static int fail(struct buf *why, int err, const char *path, const char *what)
{
	buf_printf(why, "%s: %s", path, what);
	return err;
}

/* Only what root or this user alone can write. */
static int open_file(const char *path, int *out, struct buf *why)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return fail(why, -errno, path, strerror(errno));
	if (!S_ISREG(st.st_mode) || st.st_mode & (S_IWGRP | S_IWOTH) ||
	    (st.st_uid != 0 && st.st_uid != geteuid()) || st.st_size > TABLES_MAX)
		return fail(why, -EPERM, path,
			    "others may write it, or it is no plain file, or far too large");
	*out = fd;
	fd = -1;
	return 0;
}

/* The only look at a file that may change while it is read; -EFBIG: it goes on growing. */
static int copy(int from, int to)
{
	size_t all = 0;
	ssize_t n;

	lseek(from, 0, SEEK_SET);
	while ((n = sendfile(to, from, NULL, 1 << 20)) != 0) {
		if (n < 0 && errno != EINTR)
			return -errno;
		all += n > 0 ? (size_t)n : 0;
		if (all > TABLES_MAX)
			return -EFBIG;
	}
	return 0;
}

/* A copy that nobody can change any more; what is wrong with it is looked for in there. */
static int sealed(int from)
{
	int fd = memfd_create("fwc-tables", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	const int seals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
	int err = fd < 0 ? -errno : copy(from, fd);

	if (!err && fcntl(fd, F_ADD_SEALS, seals) < 0)
		err = -errno;
	if (err && fd >= 0)
		close(fd);
	return err ? err : fd;
}

static int write_whole(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t done = write(fd, p, n);

		if (done < 0 && errno != EINTR)
			return -errno;
		p += done > 0 ? done : 0;
		n -= done > 0 ? (size_t)done : 0;
	}
	return 0;
}

/* JSON of fwc 0.1 -> a file as it is now, to be copied like one. */
static int converted(const void *p, size_t n, struct buf *why)
{
	_cleanup_buf_ struct buf bytes = {0};
	_cleanup_json_ json_t *j = NULL;
	json_error_t e;
	int fd;

	j = json_loadb(p, n, JSON_REJECT_DUPLICATES, &e);
	if (!j)
		buf_puts(why, e.text);
	if (!j || pack_json(j, &bytes, why))
		return -EINVAL;
	fd = memfd_create("fwc-tables", MFD_CLOEXEC);
	if (fd >= 0 && write_whole(fd, bytes.data, bytes.len) < 0) {
		close(fd);
		fd = -EIO;
	}
	return fd < 0 ? -EIO : fd;
}

static int map(struct lane_tables *t)
{
	struct stat st;

	if (fstat(t->fd, &st) < 0 || st.st_size <= 0)
		return -EINVAL;
	t->size = (size_t)st.st_size;
	t->bytes = mmap(NULL, t->size, PROT_READ, MAP_PRIVATE, t->fd, 0);
	if (t->bytes == MAP_FAILED)
		t->bytes = NULL;
	return t->bytes ? 0 : -ENOMEM;
}

static void forget(struct lane_tables *t)
{
	if (t->bytes)
		munmap(t->bytes, t->size);
	if (t->fd >= 0)
		close(t->fd);
	t->bytes = NULL;
	t->fd = -1;
}

static int take_copy(struct lane_tables *t, int from, struct buf *why)
{
	int err;

	t->fd = sealed(from);
	err = t->fd < 0 ? t->fd : map(t);
	if (err)
		buf_puts(why, t->fd < 0 ? strerror(-err) : "it is empty");
	return err;
}

/* Once around for JSON. */
static int take_file(struct lane_tables *t, int from, struct buf *why)
{
	int err = take_copy(t, from, why), fd;

	if (err || pack_is(t->bytes, t->size))
		return err;
	fd = converted(t->bytes, t->size, why);
	forget(t);
	if (fd < 0)
		return fd;
	err = take_copy(t, fd, why);
	close(fd);
	return err;
}

static int tables_take(int from, const char *path, struct lane_tables **out, struct buf *why)
{
	_cleanup_buf_ struct buf flaw = {0};
	struct lane_tables *t = calloc(1, sizeof(*t));
	const char *damage;
	int err;

	if (!t)
		return -ENOMEM;
	t->fd = -1;
	err = take_file(t, from, &flaw);
	damage = err ? NULL : pack_flaw(t->bytes, t->size);
	if (damage)
		buf_puts(&flaw, damage);
	if (!err)
		err = damage ? -EINVAL : tables_open(&t->tables, t->bytes, t->size, &flaw);
	if (err) {
		forget(t);
		free(t);
		return fail(why, err, path, buf_str(&flaw));
	}
	pack_hash(t->bytes, t->hash);
	t->loaded = (uint64_t)time(NULL);
	*out = lane_tables_use(t);
	return 0;
}

static int open_in(struct inspectd *d, const char *dir, const char *file, int *fd, struct buf *why)
{
	snprintf(d->path, sizeof(d->path), "%s/%s", dir, file);
	return open_file(d->path, fd, why);
}

/* The file that there is: of fwc, or of fwc 0.1. Rules on trial have tables of their own. */
static int open_tables(struct inspectd *d, int *fd, struct buf *why)
{
	const char *dir = d->trial && access(d->trial, F_OK) == 0 ? d->pending : d->applied;
	_cleanup_buf_ struct buf ignored = {0};
	int err;

	if (d->tables_path) {
		snprintf(d->path, sizeof(d->path), "%s", d->tables_path);
		return open_file(d->path, fd, why);
	}
	err = open_in(d, dir, PACK_FILE_JSON, fd, &ignored);
	if (err == -ENOENT)
		return open_in(d, dir, PACK_FILE, fd, why);
	buf_puts(why, buf_str(&ignored));
	return err;
}

static int read_tables(struct inspectd *d, struct lane_tables **out, struct buf *why)
{
	_cleanup_close_ int fd = -1;
	int err = open_tables(d, &fd, why);

	return err ? err : tables_take(fd, d->path, out, why);
}

/* ---- lanes ---- */

static struct lane *find(struct inspectd *d, uint16_t number)
{
	for (size_t i = 0; i < d->lanes.n; i++)
		if (d->lanes.v[i]->config.number == number)
			return d->lanes.v[i];
	return NULL;
}

static struct queue_config config_of(const struct table_queues *q, unsigned i)
{
	return (struct queue_config){.number = (uint16_t)(q->first + i),
				     .fail_open = q->fail_open,
				     .gso = !q->rewrite,
				     .rewrite = q->rewrite,
				     .length = QUEUE_LENGTH};
}

static bool same_config(const struct queue_config *a, const struct queue_config *b)
{
	return a->number == b->number && a->fail_open == b->fail_open && a->rewrite == b->rewrite;
}

static bool wanted(const struct lane_tables *t, const struct lane *l)
{
	const struct table_queues *q;

	vec_each (&t->tables.queues, q)
		for (unsigned i = 0; i < q->count; i++) {
			struct queue_config c = config_of(q, i);

			if (same_config(&c, &l->config))
				return true;
		}
	return false;
}

static void end_lane(struct inspectd *d, size_t i)
{
	struct lane *l = d->lanes.v[i];

	lane_finish(l);
	if (d->keep)
		service_forget(l);
	lane_close(l);
	free(l);
	d->lanes.v[i] = d->lanes.v[--d->lanes.n];
}

static int add_lane(struct inspectd *d, const struct queue_config *c, struct lane_tables *t,
		    struct buf *why)
{
	struct lane_fds old = adopt_take(c->number);
	struct lane *l = calloc(1, sizeof(*l));
	int err;

	if (!l)
		return -ENOMEM;
	err = lane_open(l, &d->lane, c, &old, t, why);
	if (!err)
		err = lane_start(l);
	if (err) {
		lane_close(l);
		free(l);
		return err;
	}
	if (d->keep && old.queue < 0)
		service_keep(l);
	vec_push(d->arena, &d->lanes, l);
	return 0;
}

/* The first judge that does not start says that the tables are no good, before anything changed. */
static int change_lanes(struct inspectd *d, struct lane_tables *t, bool *changed, struct buf *why)
{
	const struct table_queues *q;
	int err = 0, one;

	for (size_t i = 0; i < d->lanes.n && !err; i++)
		if (wanted(t, d->lanes.v[i]))
			err = lane_new_tables(d->lanes.v[i], t);
	if (err)
		return fail(why, err, d->path, "no judge starts with these tables");
	*changed = true;
	for (size_t i = d->lanes.n; i-- > 0;)
		if (!wanted(t, d->lanes.v[i]))
			end_lane(d, i);
	vec_each (&t->tables.queues, q)
		for (unsigned i = 0; i < q->count; i++) {
			struct queue_config c = config_of(q, i);

			if (find(d, c.number))
				continue;
			if (why->len)
				buf_puts(why, "; ");
			one = add_lane(d, &c, t, why);
			err = err ? err : one;
		}
	return err;
}

static void use_tables(struct inspectd *d, struct lane_tables *t)
{
	lane_tables_drop(d->tables);
	d->tables = t;
}

/* Nothing is inspected any more. */
static void end_all(struct inspectd *d)
{
	while (d->lanes.n)
		end_lane(d, d->lanes.n - 1);
	use_tables(d, NULL);
}

int inspectd_load(struct inspectd *d, struct buf *why)
{
	struct lane_tables *t = NULL;
	bool changed = false;
	int err = read_tables(d, &t, why);

	if (err == -ENOENT)
		end_all(d);
	if (!err)
		err = change_lanes(d, t, &changed, why);
	if (changed)
		use_tables(d, t);
	else
		lane_tables_drop(t);
	snprintf(d->error, sizeof(d->error), "%s", err ? buf_str(why) : "");
	return err;
}
