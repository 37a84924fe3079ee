/* SPDX-License-Identifier: GPL-2.0-or-later
 * what was fetched <-> files.
 */
#include "store/fetched.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "kernel/opener.h"
#include "store/file.h"
#include "util/bulk_file.h"
#include "util/cleanup.h"
#include "util/fault.h"
#include "util/member.h"

#define FORMAT 1
#define HEAD ".json"
#define BEFORE ".before" HEAD
#define LOCK "lock"
#define POLL_MS 50

static int open_dir(const struct store *s)
{
	if (s->dir < 0)
		return -ENOENT;
	return opener_openat(s->dir, FETCHED, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

static int make_dir(const struct store *s)
{
	if (s->dir < 0)
		return -ENOENT;
	if (mkdirat(s->dir, FETCHED, 0700) < 0 && errno != EEXIST)
		return -errno;
	return open_dir(s);
}

/* ---- reading ---- */

static bool read_addresses(struct arena *a, const json_t *list, struct fetched_name *out)
{
	json_t *j;
	size_t i;

	json_array_foreach(list, i, j)
	{
		const char *s = json_string_value(j);
		enum family family;
		u128 at;

		if (!s || !addr_parse(s, strlen(s), &family, &at))
			return false;
		vec_push(a, family == FAM_IP4 ? &out->v4 : &out->v6, ((struct ival){at, at}));
	}
	return true;
}

static bool read_names(struct arena *a, const json_t *list, struct fetched *out)
{
	json_t *j;
	size_t i;

	json_array_foreach(list, i, j)
	{
		struct fetched_name n = {
			.name = member_copy_if(a, j, "name"),
			.asked = member_number(j, "asked"),
			.until = member_number(j, "until"),
			.why = member_copy_if(a, j, "why"),
		};

		if (!n.name || !read_addresses(a, json_object_get(j, "addresses"), &n))
			return false;
		vec_push(a, &out->names, n);
	}
	return true;
}

/* Whether what it names as its list is one. */
static int read_list(int dir, struct arena *a, const char *digest, enum family family,
		     const struct bulk_list **out)
{
	_cleanup_buf_ struct buf bytes = {0};
	struct bulk_list *l;
	int err;

	if (!digest)
		return 0;
	if (strlen(digest) != SHA256_HEX - 1 ||
	    strspn(digest, "0123456789abcdef") != strlen(digest))
		return -EBADMSG;
	err = file_read(dir, arena_printf(a, "%s" BULK_FILE, digest), &bytes);
	if (err)
		return err;
	l = bulk_file_read(a, bytes.data, bytes.len);
	if (!l || l->family != family || strcmp(l->digest, digest) != 0)
		return -EBADMSG;
	*out = l;
	return 0;
}

static int read_head(int dir, struct arena *a, const char *file, json_t **j, struct fetched *out)
{
	int err = file_read_json(dir, file, j);

	if (err)
		return err;
	if (member_number(*j, "format") != FORMAT)
		return -EBADMSG;
	out->source = member_copy_if(a, *j, "source");
	out->fetched = member_number(*j, "fetched");
	out->next = member_number(*j, "next");
	out->stale = member_number(*j, "stale");
	out->why = member_copy_if(a, *j, "why");
	out->held = member_flag(*j, "held");
	out->expired = member_flag(*j, "expired");
	out->parted = member_flag(*j, "parted");
	out->changing = member_flag(*j, "changing");
	out->etag = member_copy_if(a, *j, "etag");
	out->modified = member_copy_if(a, *j, "modified");
	return out->source && read_names(a, json_object_get(*j, "names"), out) ? 0 : -EBADMSG;
}

/* Worth only to save work: where it cannot be read nobody knows. */
static void read_from(int dir, struct arena *a, const json_t *from, struct fetched *out)
{
	out->from_known = out->changing && json_is_object(from) &&
			  !read_list(dir, a, member_copy_if(a, from, "v4"), FAM_IP4, &out->from4) &&
			  !read_list(dir, a, member_copy_if(a, from, "v6"), FAM_IP6, &out->from6);
}

static int load(const struct store *s, struct arena *a, const char *name, const char *end,
		bool lists, struct fetched *out, struct buf *why)
{
	_cleanup_close_ int dir = open_dir(s);
	_cleanup_json_ json_t *j = NULL;
	int err = dir < 0 ? dir : 0;

	*out = (struct fetched){.name = name};
	if (!err)
		err = read_head(dir, a, arena_printf(a, "%s%s", name, end), &j, out);
	if (!err && lists)
		err = read_list(dir, a, member_copy_if(a, j, "v4"), FAM_IP4, &out->v4);
	if (!err && lists)
		err = read_list(dir, a, member_copy_if(a, j, "v6"), FAM_IP6, &out->v6);
	if (err == -ENOENT && out->source)
		err = -EBADMSG; /* the list that it names is gone */
	if (!err && lists)
		read_from(dir, a, json_object_get(j, "from"), out);
	if (err)
		*out = (struct fetched){.name = name};
	if (err && err != -ENOENT)
		buf_printf(why, "what was fetched for set %s cannot be read: %s", name,
			   err == -EBADMSG ? "the file was cut short or edited" : file_reason(err));
	return err;
}

int fetched_load(const struct store *s, struct arena *a, const char *name, struct fetched *out,
		 struct buf *why)
{
	return load(s, a, name, HEAD, true, out, why);
}

int fetched_load_of(const struct store *s, struct arena *a, const char *name,
		    const struct fetched_of *of, bool lists, struct fetched *out, struct buf *why)
{
	_cleanup_buf_ struct buf ignored = {0};
	struct fetched before;
	int err = load(s, a, name, HEAD, lists, out, why);

	if ((err && err != -ENOENT) || (!err && fetched_is_of(out, of)))
		return err;
	if (!load(s, a, name, BEFORE, lists, &before, &ignored) && fetched_is_of(&before, of)) {
		*out = before;
		out->changing = true;
		out->from_known = false;
		return 0;
	}
	if (!err && !strcmp(out->source, of->source))
		return 0;
	*out = (struct fetched){.name = name};
	return -ENOENT;
}

bool fetched_expired(const struct fetched *f, uint64_t expire, uint64_t now)
{
	return expire && (f->expired || (f->fetched <= now && now - f->fetched >= expire));
}

static bool has_name(const struct fetched *f, const char *name)
{
	const struct fetched_name *n;

	vec_each (&f->names, n)
		if (!strcmp(n->name, name))
			return true;
	return false;
}

bool fetched_is_of(const struct fetched *f, const struct fetched_of *of)
{
	bool same = f->source && !strcmp(f->source, of->source) && f->names.n == of->n;

	for (size_t i = 0; same && i < of->n; i++)
		same = has_name(f, of->names[i]);
	return same;
}

/* ---- writing ---- */

static void set_text(json_t *j, const char *key, const char *s)
{
	if (s)
		json_object_set_new(j, key, file_text(s));
}

static void set_number(json_t *j, const char *key, uint64_t n)
{
	if (n)
		json_object_set_new(j, key, json_integer((json_int_t)n));
}

static void set_flag(json_t *j, const char *key, bool on)
{
	if (on)
		json_object_set_new(j, key, json_true());
}

static void put_addresses(json_t *list, enum family family, const struct ivset *s)
{
	for (size_t i = 0; i < s->n; i++) {
		for (u128 x = s->v[i].lo;; x++) {
			_cleanup_buf_ struct buf b = {0};

			addr_print(&b, family, x);
			json_array_append_new(list, json_string(buf_str(&b)));
			if (x == s->v[i].hi)
				break;
		}
	}
}

static json_t *json_of_name(const struct fetched_name *n)
{
	json_t *j = json_object(), *list = json_array();

	set_text(j, "name", n->name);
	set_number(j, "asked", n->asked);
	set_number(j, "until", n->until);
	set_text(j, "why", n->why);
	put_addresses(list, FAM_IP4, &n->v4);
	put_addresses(list, FAM_IP6, &n->v6);
	json_object_set_new(j, "addresses", list);
	return j;
}

static void put_lists(json_t *j, const struct bulk_list *v4, const struct bulk_list *v6)
{
	set_text(j, "v4", v4 ? v4->digest : NULL);
	set_text(j, "v6", v6 ? v6->digest : NULL);
}

static json_t *json_of(const struct fetched *f)
{
	json_t *j = json_object(), *names = json_array(), *from = json_object();
	const struct fetched_name *n;

	set_number(j, "format", FORMAT);
	set_text(j, "source", f->source);
	set_number(j, "fetched", f->fetched);
	set_number(j, "next", f->next);
	set_number(j, "stale", f->stale);
	set_text(j, "why", f->why);
	set_flag(j, "held", f->held);
	set_flag(j, "expired", f->expired);
	set_flag(j, "parted", f->parted);
	set_flag(j, "changing", f->changing);
	set_text(j, "etag", f->etag);
	set_text(j, "modified", f->modified);
	put_lists(j, f->v4, f->v6);
	put_lists(from, f->from4, f->from6);
	if (f->changing && f->from_known)
		json_object_set(j, "from", from);
	json_decref(from);
	vec_each (&f->names, n)
		json_array_append_new(names, json_of_name(n));
	json_object_set_new(j, "names", names);
	return j;
}

/* What is there under that name is these bytes: it was read when it was compared with them. */
static int write_list(int dir, const struct bulk_list *l)
{
	char name[SHA256_HEX + sizeof(BULK_FILE)];
	_cleanup_buf_ struct buf bytes = {0};

	if (!l)
		return 0;
	snprintf(name, sizeof(name), "%s" BULK_FILE, l->digest);
	bulk_file_pack(&bytes, l);
	if (file_holds(dir, name, &bytes))
		return 0;
	return file_write(dir, name, bytes.data, bytes.len);
}

/* Something came for what is in that file, and that is not what this is about. */
static bool displaces(int dir, const struct fetched *f, const char *file)
{
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_json_ json_t *j = NULL;
	struct fetched was = {0};
	struct fetched_of of = {.source = f->source, .n = f->names.n};
	const char **names = arena_alloc(a, (of.n + 1) * sizeof(*names));

	for (size_t i = 0; i < of.n; i++)
		names[i] = f->names.v[i].name;
	of.names = names;
	return !read_head(dir, a, file, &j, &was) && was.fetched && !fetched_is_of(&was, &of);
}

/* At each moment one of the two files has what is new, and one what came last. Where a file system
 * cannot exchange them the latter is forgotten. */
static int put_head(int dir, const struct fetched *f, const json_t *j)
{
	_cleanup_free_ char *file = NULL, *before = NULL;
	int err;

	if (asprintf(&file, "%s" HEAD, f->name) < 0 || asprintf(&before, "%s" BEFORE, f->name) < 0)
		abort();
	if (!displaces(dir, f, file))
		return file_write_json(dir, file, j);
	err = file_write_json(dir, before, j);
	fault_point("fetched-before");
	if (!err && renameat2(dir, before, dir, file, RENAME_EXCHANGE) < 0)
		err = file_write_json(dir, file, j);
	return err;
}

int fetched_save(struct store *s, const struct fetched *f, struct buf *why)
{
	const struct bulk_list *lists[] = {f->v4, f->v6, f->from4, f->from6};
	_cleanup_close_ int dir = make_dir(s);
	_cleanup_json_ json_t *j = json_of(f);
	int err = dir < 0 ? dir : 0;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]) && !err; i++)
		err = write_list(dir, lists[i]);
	/* the names of lists are on the disk before that of what names them */
	if (!err && fsync(dir) < 0)
		err = -errno;
	fault_point("fetched-lists");
	if (!err)
		err = put_head(dir, f, j);
	if (!err && fsync(dir) < 0)
		err = -errno;
	fault_point("fetched-saved");
	if (err)
		buf_printf(why, "cannot keep what was fetched for set %s: %s", f->name,
			   file_reason(err));
	return err;
}

/* ---- what is of no use any more ---- */

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n > m && !strcmp(s + n - m, end);
}

static void note_lists_of(const json_t *j, struct arena *a, struct map *used)
{
	static const char *const keys[] = {"v4", "v6"};

	for (size_t i = 0; i < 2; i++) {
		const char *digest = member_copy_if(a, j, keys[i]);

		if (digest)
			map_put(used, arena_printf(a, "%s" BULK_FILE, digest), (void *)digest);
	}
}

/* False: one cannot be read, and may name anything. */
static bool note_lists(int dir, const char *file, struct arena *a, struct map *used)
{
	_cleanup_json_ json_t *j = NULL;

	if (file_read_json(dir, file, &j))
		return false;
	note_lists_of(j, a, used);
	note_lists_of(json_object_get(j, "from"), a, used);
	return true;
}

void fetched_prune(struct store *s)
{
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_close_ int own = open_dir(s);
	int fd = own < 0 ? -1 : fcntl(own, F_DUPFD_CLOEXEC, 0);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	bool known = d != NULL;
	struct map used;
	struct dirent *e;

	map_init(&used, a);
	while (d && (e = readdir(d))) {
		if (ends_with(e->d_name, HEAD))
			known &= note_lists(own, e->d_name, a, &used);
	}
	if (known)
		rewinddir(d);
	while (known && (e = readdir(d)))
		if (ends_with(e->d_name, BULK_FILE) && !map_get(&used, e->d_name))
			unlinkat(own, e->d_name, 0);
	if (d)
		closedir(d);
	else if (fd >= 0)
		close(fd);
}

int fetched_lock(struct store *s, unsigned wait_ms, struct buf *why)
{
	_cleanup_close_ int dir = make_dir(s);
	const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
	int fd = dir < 0 ? dir : openat(dir, LOCK, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	int err = fd >= 0 ? 0 : dir < 0 ? dir : -errno;

	for (unsigned past = 0; !err && flock(fd, LOCK_EX | LOCK_NB) < 0; past += POLL_MS) {
		if (errno != EINTR && (errno != EWOULDBLOCK || past >= wait_ms))
			err = -errno;
		else
			nanosleep(&pause, NULL);
	}
	if (!err)
		return fd;
	if (fd >= 0)
		close(fd);
	if (err == -EWOULDBLOCK)
		buf_puts(why, "another `fwc refresh` is at work");
	else
		buf_printf(why, "cannot lock %s/" FETCHED ": %s", s->path, file_reason(err));
	return err;
}
