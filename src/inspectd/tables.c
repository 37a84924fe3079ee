/* SPDX-License-Identifier: GPL-2.0-or-later
 * inspect.json -> tables for the judges, and a lane for each queue that they name.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "inspectd/inspectd.h"
#include "util/cleanup.h"
#include "util/sha256.h"

#define TABLES_MAX (256u << 20) /* bytes */

static int fail(struct buf *why, int err, const char *path, const char *what)
{
	buf_printf(why, "%s: %s", path, what);
	return err;
}

/* Only what root or this user alone can write. */
static int read_file(const char *path, struct buf *out, struct buf *why)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	char part[65536];
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return fail(why, -errno, path, strerror(errno));
	if (!S_ISREG(st.st_mode) || st.st_mode & (S_IWGRP | S_IWOTH) ||
	    (st.st_uid != 0 && st.st_uid != geteuid()) || st.st_size > TABLES_MAX)
		return fail(why, -EPERM, path,
			    "others may write it, or it is no plain file, or far too large");
	while ((n = read(fd, part, sizeof(part))) > 0)
		buf_add(out, part, (size_t)n);
	return n < 0 ? fail(why, -errno, path, strerror(errno)) : 0;
}

/* Memory that nobody can change any more. */
static int sealed(const struct buf *text)
{
	int fd = memfd_create("fwc-tables", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	const int seals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
	size_t done = 0;

	if (fd < 0)
		return -errno;
	while (done < text->len) {
		ssize_t n = write(fd, text->data + done, text->len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	if (done < text->len || fcntl(fd, F_ADD_SEALS, seals) < 0) {
		close(fd);
		return -EIO;
	}
	return fd;
}

static int parse(struct lane_tables *t, const struct buf *text, const char *path, struct buf *why)
{
	_cleanup_json_ json_t *j = NULL;
	json_error_t e;

	j = json_loadb(buf_str(text), text->len, JSON_REJECT_DUPLICATES, &e);
	if (!j)
		return fail(why, -EINVAL, path, e.text);
	buf_printf(why, "%s: ", path);
	if (tables_load(&t->tables, j, why))
		return -EINVAL;
	why->len = 0;
	return 0;
}

static int read_tables(struct inspectd *d, struct lane_tables **out, struct buf *why)
{
	/* rules on trial have tables of their own */
	const char *path = d->trial && access(d->trial, F_OK) == 0 ? d->pending : d->tables_path;
	_cleanup_buf_ struct buf text = {0};
	struct lane_tables *t;
	int err = read_file(path, &text, why);

	if (err)
		return err;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	err = parse(t, &text, path, why);
	if (!err) {
		t->fd = sealed(&text);
		err = t->fd < 0 ? fail(why, t->fd, d->tables_path, strerror(-t->fd)) : 0;
		if (err)
			tables_free(&t->tables);
	}
	if (err) {
		free(t);
		return err;
	}
	sha256_hex(buf_str(&text), text.len, t->hash);
	t->loaded = (uint64_t)time(NULL);
	*out = lane_tables_use(t);
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
		return fail(why, err, d->tables_path, "no judge starts with these tables");
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
