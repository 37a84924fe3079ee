/* SPDX-License-Identifier: GPL-2.0-or-later
 * lists <-> files by their digests.
 */
#include "store/lists.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/file.h"
#include "util/bulk_file.h"
#include "util/cleanup.h"
#include "util/fault.h"

struct entry {
	const char *digest;
	const struct bulk_list *list; /* NULL: not read yet */
	bool kept; /* another artefact has it, and it was read there */
};

struct lists {
	struct arena *arena;
	int dir; /* in which they are, or -1 */
	VEC(struct entry) v;
};

static const char *file_of(const struct lists *l, const char *digest)
{
	return arena_printf(l->arena, "%s" BULK_FILE, digest);
}

static struct entry *find(struct lists *l, const char *digest)
{
	struct entry *e;

	vec_each (&l->v, e)
		if (!strcmp(e->digest, digest))
			return e;
	return NULL;
}

static struct lists *add(struct lists *l, struct arena *a, const char *digest,
			 const struct bulk_list *list)
{
	if (!l) {
		l = arena_new_of(a, struct lists);
		l->arena = a;
		l->dir = -1;
	}
	if (!find(l, digest))
		vec_push(a, &l->v, ((struct entry){.digest = digest, .list = list}));
	return l;
}

struct lists *lists_of(struct arena *a, const struct ir_ruleset *compiled)
{
	struct ir_set *const *s;
	struct lists *l = NULL;

	vec_each (&compiled->sets, s)
		if (ir_set_is_bulk(*s))
			l = add(l, a, (*s)->bulk->elems->digest, (*s)->bulk->elems);
	return l;
}

void lists_keep(struct lists *l, struct lists *applied)
{
	struct entry *e, *there;

	for (size_t i = 0; l && applied && i < l->v.n; i++) {
		e = &l->v.v[i];
		there = find(applied, e->digest);
		e->kept = there && there->list;
	}
}

struct lists *lists_open(struct arena *a, int dir, const struct manifest *m)
{
	const struct manifest_bulk *b;
	struct lists *l = NULL;

	vec_each (&m->bulk, b)
		l = add(l, a, b->digest, NULL);
	if (l)
		l->dir = fcntl(dir, F_DUPFD_CLOEXEC, 0);
	return l;
}

void lists_close(struct lists *l)
{
	if (l && l->dir >= 0)
		close(l->dir);
	if (l)
		l->dir = -1;
}

/* ---- reading ---- */

const struct bulk_list *lists_get(struct lists *l, const char *digest, struct buf *why)
{
	struct entry *e = l ? find(l, digest) : NULL;
	_cleanup_buf_ struct buf bytes = {0};
	const struct bulk_list *list = NULL;
	int err = -ENOENT;

	if (e && e->list)
		return e->list;
	if (e && l->dir >= 0)
		err = file_read(l->dir, file_of(l, digest), &bytes);
	if (!err)
		list = bulk_file_read(l->arena, bytes.data, bytes.len);
	if (list && !strcmp(list->digest, digest))
		return e->list = list;
	buf_printf(why, "the elements of a set, %s" BULK_FILE ", cannot be read: %s", digest,
		   err ? file_reason(err) : "the file was cut short or edited");
	return NULL;
}

int lists_read(struct lists *l, struct buf *why)
{
	for (size_t i = 0; l && i < l->v.n; i++)
		if (!lists_get(l, l->v.v[i].digest, why))
			return -EBADMSG;
	return 0;
}

int lists_give(struct lists *l, struct arena *a, const struct manifest *m, struct ir_ruleset *r,
	       struct buf *why)
{
	const struct manifest_bulk *b;

	vec_each (&m->bulk, b) {
		struct ir_set *s = ruleset_set(r, b->set);
		struct ir_bulk *bulk;

		if (!s || s->bulk)
			continue;
		bulk = arena_new_of(a, struct ir_bulk);
		*bulk = (struct ir_bulk){.elems = lists_get(l, b->digest, why),
					 .prefix = b->prefix,
					 .of = b->of,
					 .role = b->role,
					 .base = b->base};
		if (!bulk->elems)
			return -EBADMSG;
		if (!bulk_is_sound(bulk) || (b->prefix && bulk_keys(bulk) != s->size)) {
			buf_printf(why, "the elements of set %s are not as many as it is to have",
				   s->name);
			return -EBADMSG;
		}
		s->bulk = bulk;
	}
	return 0;
}

/* ---- writing ---- */

static int link_to(int from, int to, const char *name)
{
	if (linkat(from, name, to, name, 0) == 0)
		return 0;
	if (errno != EEXIST)
		return -errno;
	if (unlinkat(to, name, 0) < 0 || linkat(from, name, to, name, 0) < 0)
		return -errno;
	return 0;
}

/* A file that lies there is looked at before it becomes another's, if nobody has: it may be
 * damaged. */
static int write_one(struct lists *l, struct entry *e, int to, const int *others, size_t n)
{
	_cleanup_buf_ struct buf bytes = {0}, why = {0};
	const char *name = file_of(l, e->digest);

	if (l->dir >= 0 && link_to(l->dir, to, name) == 0)
		return 0;
	for (size_t i = 0; e->kept && i < n; i++)
		if (others[i] >= 0 && link_to(others[i], to, name) == 0)
			return 0;
	if (e->kept && !e->list)
		return -ESTALE;
	if (!lists_get(l, e->digest, &why))
		return -EBADMSG;
	bulk_file_pack(&bytes, e->list);
	for (size_t i = 0; i < n; i++)
		if (others[i] >= 0 && file_holds(others[i], name, &bytes) &&
		    link_to(others[i], to, name) == 0)
			return 0;
	fault_point("list");
	return file_write(to, name, bytes.data, bytes.len);
}

/* Of a list, and none of these. In a directory that somebody named there may be other files. */
static bool is_other(struct lists *l, const char *name)
{
	size_t n = strspn(name, "0123456789abcdef");

	if (n != SHA256_HEX - 1 || strcmp(name + n, BULK_FILE) != 0)
		return false;
	return !l || !find(l, arena_strndup(l->arena, name, n));
}

static void drop_others(struct lists *l, int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	while (d && (e = readdir(d)))
		if (is_other(l, e->d_name))
			unlinkat(dir, e->d_name, 0);
	if (d)
		closedir(d);
	else if (fd >= 0)
		close(fd);
}

int lists_write(struct lists *l, int dir, const int *others, size_t n)
{
	int err = 0;

	for (size_t i = 0; l && i < l->v.n && !err; i++)
		err = write_one(l, &l->v.v[i], dir, others, n);
	drop_others(l, dir);
	return err;
}

uint64_t lists_bytes(const struct lists *l, int dir)
{
	struct stat here, there;
	uint64_t bytes = 0;

	if (!l || l->dir < 0 ||
	    (fstat(l->dir, &here) == 0 && fstat(dir, &there) == 0 && here.st_dev == there.st_dev))
		return 0;
	for (size_t i = 0; i < l->v.n; i++)
		if (fstatat(l->dir, file_of(l, l->v.v[i].digest), &here, 0) == 0)
			bytes += (uint64_t)here.st_size;
	return bytes;
}

/* ---- between processes ---- */

#define DIGEST (SHA256_HEX - 1) /* in place of the bytes of a list, which are an odd number */

void lists_put(struct lists *l, bool all, struct buf *out)
{
	for (size_t i = 0; l && i < l->v.n; i++) {
		const struct entry *e = &l->v.v[i];
		bool alone = e->kept && !all;
		uint64_t n = alone ? DIGEST : bulk_file_bytes(e->list);

		buf_add(out, &n, sizeof(n));
		if (alone)
			buf_add(out, e->digest, DIGEST);
		else
			bulk_file_pack(out, e->list);
	}
}

/* A digest, which becomes the name of a file. */
static const char *take_digest(struct arena *a, const char *p)
{
	const char *digest = arena_strndup(a, p, DIGEST);

	return strspn(digest, "0123456789abcdef") == DIGEST ? digest : NULL;
}

/* What they are called is what they hold, whoever sent them. */
struct lists *lists_take(struct arena *a, const struct buf *in, bool *good)
{
	struct lists *l = NULL;
	uint64_t n;

	for (size_t at = 0; at < in->len; at += n) {
		const struct bulk_list *list = NULL;
		const char *digest = NULL;

		*good = false;
		if (in->len - at < sizeof(n))
			return l;
		memcpy(&n, in->data + at, sizeof(n));
		at += sizeof(n);
		if (n > in->len - at)
			return l;
		if (n == DIGEST)
			digest = take_digest(a, in->data + at);
		else
			list = bulk_file_read(a, in->data + at, n);
		if (list)
			digest = list->digest;
		if (!digest)
			return l;
		l = add(l, a, digest, list);
		find(l, digest)->kept |= !list;
	}
	*good = true;
	return l;
}
