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
			    "others can write it, or it is not a regular file, or far too large");
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
	int err, older;

	if (d->tables_path) {
		snprintf(d->path, sizeof(d->path), "%s", d->tables_path);
		return open_file(d->path, fd, why);
	}
	err = open_in(d, dir, PACK_FILE, fd, why);
	if (err != -ENOENT)
		return err;
	older = open_in(d, dir, PACK_FILE_JSON, fd, &ignored);
	if (older == -ENOENT)
		return err;
	why->len = 0;
	buf_puts(why, buf_str(&ignored));
	return older;
}

/* Whether the file is what was prepared: by the hash of itself that it begins with. */
static bool is_prepared(const struct inspectd *d, int fd)
{
	uint8_t head[PACK_HEAD];
	struct stat st;

	return d->prepared && fstat(fd, &st) == 0 && (size_t)st.st_size == d->prepared->size &&
	       pread(fd, head, sizeof(head), 0) == (ssize_t)sizeof(head) &&
	       !memcmp(head, d->prepared->bytes, sizeof(head));
}

static int read_tables(struct inspectd *d, struct lane_tables **out, struct buf *why)
{
	_cleanup_close_ int fd = -1;
	int err = open_tables(d, &fd, why);

	if (err)
		return err;
	if (!is_prepared(d, fd))
		return tables_take(fd, d->path, out, why);
	*out = lane_tables_use(d->prepared);
	return 0;
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
	if (d->keep && (old.queue < 0 || old.board < 0)) {
		service_forget(l); /* what another release left under these names */
		service_keep(l);
	}
	vec_push(d->arena, &d->lanes, l);
	return 0;
}

/* One order for all lanes that are to have these tables, at the same time; the first error. */
static int tell_lanes(struct inspectd *d, enum lane_order what, struct lane_tables *t)
{
	bool *told = calloc(d->lanes.n + 1, sizeof(*told));
	int err = told ? 0 : -ENOMEM;

	for (size_t i = 0; told && i < d->lanes.n; i++)
		if (wanted(t, d->lanes.v[i]))
			told[i] = lane_begin(d->lanes.v[i], what,
					     what == LANE_FORGET ? NULL : t) == 0;
	for (size_t i = 0; told && i < d->lanes.n; i++) {
		int one = told[i] ? lane_wait(d->lanes.v[i]) : 0;

		err = err ? err : one;
	}
	free(told);
	return err;
}

/* Of queues that nobody has yet. What cannot be had leaves the others. */
static int add_lanes(struct inspectd *d, struct lane_tables *t, struct buf *why)
{
	const struct table_queues *q;
	int err = 0, one;

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

static void end_lanes(struct inspectd *d, const struct lane_tables *t)
{
	for (size_t i = d->lanes.n; i-- > 0;)
		if (!t || !wanted(t, d->lanes.v[i]))
			end_lane(d, i);
}

/* Judges that do not start say that the tables are no good, before anything changed. */
static int change_lanes(struct inspectd *d, struct lane_tables *t, bool *changed, struct buf *why)
{
	int err = tell_lanes(d, LANE_PREPARE, t);

	if (err) {
		tell_lanes(d, LANE_FORGET, t);
		return fail(why, err, d->path, "no judge starts with these tables");
	}
	*changed = true;
	err = tell_lanes(d, LANE_TABLES, t);
	if (err)
		fail(why, err, d->path, "a judge with these tables is gone before it began");
	end_lanes(d, t);
	return add_lanes(d, t, why) ? -EINVAL : err;
}

static void use_tables(struct inspectd *d, struct lane_tables *t)
{
	lane_tables_drop(d->tables);
	d->tables = t;
}

/* ---- before the rules change ---- */

/* 0, or that nobody would be told. */
static int check_answers(const struct inspectd *d, const struct lane_tables *t, struct buf *why)
{
	const struct table_rule *r;

	if (responder_can(&d->responder))
		return 0;
	vec_each (&t->tables.rules, r)
		if (inspector_replies(r->inspector)) {
			buf_puts(why, "answers need CAP_NET_RAW, without which this fwc-inspectd "
				      "was started");
			return -EPERM;
		}
	return 0;
}

void inspectd_forget(struct inspectd *d)
{
	struct lane_tables *t = d->prepared;

	if (!t)
		return;
	d->prepared = NULL;
	tell_lanes(d, LANE_FORGET, t);
	end_lanes(d, d->tables); /* those that it alone would have had */
	lane_tables_drop(t);
}

int inspectd_prepare(struct inspectd *d, int fd, struct buf *why)
{
	struct lane_tables *t;
	int err;

	inspectd_forget(d);
	err = tables_take(fd, "the new tables", &t, why);
	if (err)
		return err;
	d->prepared = t;
	err = check_answers(d, t, why);
	if (!err)
		err = add_lanes(d, t, why);
	if (!err) {
		err = tell_lanes(d, LANE_PREPARE, t);
		if (err)
			fail(why, err, "the new tables", "no judge starts with them");
	}
	if (err)
		inspectd_forget(d);
	return err;
}

int inspectd_load(struct inspectd *d, struct buf *why)
{
	struct lane_tables *t = NULL;
	bool changed = false;
	int err = read_tables(d, &t, why);

	if (err == -ENOENT) { /* nothing is inspected any more */
		end_lanes(d, NULL);
		use_tables(d, NULL);
	}
	if (!err)
		err = change_lanes(d, t, &changed, why);
	if (changed)
		use_tables(d, t);
	else
		lane_tables_drop(t);
	inspectd_forget(d);
	if (!err && check_answers(d, d->tables, why)) /* what is denied waits, as without them */
		fprintf(stderr, "fwc-inspectd: warning: %s\n", buf_str(why));
	snprintf(d->error, sizeof(d->error), "%s", err || why->len ? buf_str(why) : "");
	return err;
}
