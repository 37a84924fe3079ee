/* SPDX-License-Identifier: GPL-2.0-or-later
 * The state directory is root's alone. What somebody needs who may look at the kernel's rules but
 *is not root, is copied to where all can read it: which line of the policy a rule is, who applied
 *it, whether it is on trial.
 *
 *	/run/fwc/public/var/lib/fwc/applied/{ruleset.nft,manifest.json,ruleset.index,
 *	                                     inspect.tables,runtime.json,apply.json}
 *	                           /generation.N/apply.json
 *	                           /trial.json panic.json boot.json counters.json
 *
 * The copy tells no more than the policy itself: if one of its files is not for everybody to read,
 * in a directory that is not for everybody to enter, or not on this host, all but the state of a
 * trial or a panic stays with root. What a record tells is decided when it is written. Nobody ever
 * acts on a copy.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inspect/pack.h"
#include "inspect/tables.h"
#include "store/file.h"
#include "store/generation.h"
#include "store/publish.h"
#include "util/cleanup.h"

static const char *const applied_files[] = {
	"ruleset.nft",	"manifest.json",  MANIFEST_INDEX, PACK_FILE,
	PACK_FILE_JSON, MANIFEST_RUNTIME, "apply.json",	  NULL};
static const char *const artefact_files[] = {"ruleset.nft", "manifest.json", MANIFEST_INDEX,
					     PACK_FILE,	    PACK_FILE_JSON,  MANIFEST_RUNTIME,
					     NULL};
static const char *const generation_files[] = {"apply.json", NULL};
/* What of the state is none of the policy's, and what may quote it. */
static const char *const notes[] = {"trial.json", "panic.json"};
static const char *const telling_notes[] = {"boot.json", "counters.json"};

/* NULL if there can be none: a way with ".." could lead out of it. */
static char *public_path(const char *state)
{
	char cwd[PATH_MAX] = "", *path = NULL;
	const char *p = state;

	for (size_t n; *p; p += n) {
		p += strspn(p, "/");
		n = strcspn(p, "/");
		if (n == 2 && !strncmp(p, "..", 2))
			return NULL;
	}
	if (*state != '/' && !getcwd(cwd, sizeof(cwd)))
		return NULL;
	return asprintf(&path, INSPECTD_RUN "/public%s/%s", cwd, state) < 0 ? NULL : path;
}

static int open_dir(int at, const char *path)
{
	int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && st.st_uid == 0 && !(st.st_mode & (S_IWGRP | S_IWOTH)))
		return fd;
	close(fd);
	return -EPERM;
}

int public_open(const char *state)
{
	_cleanup_free_ char *path = public_path(state);

	return path ? open_dir(AT_FDCWD, path) : -ENOENT;
}

/* Below /run, which is root's. */
static void make_path(char *path)
{
	for (char *p = path + strlen("/run/"); p; p = strchr(p + 1, '/')) {
		char was = *p;

		*p = '\0';
		if (mkdir(path, 0755) == 0)
			chmod(path, 0755); /* whatever the umask is */
		*p = was;
	}
	if (mkdir(path, 0755) == 0)
		chmod(path, 0755);
}

static int make_public(const char *state)
{
	_cleanup_free_ char *path = public_path(state);

	if (!path)
		return -ENOENT;
	make_path(path);
	return open_dir(AT_FDCWD, path);
}

/* To the end of it through directories that everybody may enter. */
static bool is_open_way(const char *path)
{
	_cleanup_free_ char *copy = strdup(path);
	struct stat st;

	for (char *p = copy; p && (p = strchr(p + 1, '/'));) {
		*p = '\0';
		if (stat(copy, &st) < 0 || !(st.st_mode & S_IXOTH))
			return false;
		*p = '/';
	}
	return copy && stat(path, &st) == 0 && st.st_mode & S_IROTH;
}

static bool is_for_all(const char *path)
{
	_cleanup_free_ char *real = realpath(path, NULL);

	return real && is_open_way(path) && is_open_way(real);
}

bool publish_may_tell(const struct manifest *m)
{
	const struct manifest_source *src;
	bool all = true;

	vec_each (&m->sources, src)
		all = all && is_for_all(src->path);
	return all;
}

static bool may_tell(const struct store *s, const char *name)
{
	_cleanup_arena_ struct arena *a = arena_new();
	const struct manifest *m = store_read_head(s, name, a);

	return m && publish_may_tell(m);
}

static int copy(int from, int to, const char *name)
{
	_cleanup_buf_ struct buf text = {0};
	int err = file_read(from, name, &text);

	return err ? err : file_publish(to, name, text.data, text.len, 0644);
}

static int fill(int from, int to, const char *temp, const char *const *files)
{
	_cleanup_close_ int dir = -1;
	int err = 0;

	if (mkdirat(to, temp, 0755) < 0 || fchmodat(to, temp, 0755, 0) < 0)
		return -errno;
	dir = open_dir(to, temp);
	for (; !err && *files; files++) {
		err = dir < 0 ? dir : copy(from, dir, *files);
		if (err == -ENOENT)
			err = 0;
	}
	return err;
}

/* As a whole, or not at all. */
static int copy_dir(const struct store *s, int to, const char *name, const char *const *files)
{
	_cleanup_free_ char *temp = NULL;
	_cleanup_close_ int from = open_dir(s->dir, name);
	int err;

	if (from < 0)
		return from;
	if (asprintf(&temp, ".%s.new", name) < 0)
		return -ENOMEM;
	file_remove_dir(to, temp);
	err = fill(from, to, temp, files);
	if (!err)
		err = file_put_dir(to, temp, name);
	if (err)
		file_remove_dir(to, temp);
	return err;
}

/* Of what was applied, and why: what could not be told then is not told later. */
static bool is_public(const json_t *record)
{
	return json_is_true(json_object_get(record, "public"));
}

static bool is_there(int dir, const char *name)
{
	return faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool is_public_generation(const struct store *s, const char *name)
{
	_cleanup_close_ int dir = open_dir(s->dir, name);
	_cleanup_json_ json_t *record = NULL;

	return dir >= 0 && file_read_json(dir, "apply.json", &record) == 0 && is_public(record);
}

/* Copies of what is gone, go; a generation with its number never changes. */
static void copy_generations(const struct store *s, int to, bool tell)
{
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_buf_ struct buf ignored = {0};
	struct store copies = {.path = "", .dir = to, .lock = -1};
	struct generations g = {0};

	if (generations_list(&copies, a, WITH_RECORDS, &g, &ignored) == 0) {
		for (size_t i = 0; i < g.n; i++) {
			const char *name = generation_name(a, g.v[i].number);

			if (!tell || !is_public(g.v[i].record) || !is_there(s->dir, name))
				file_remove_dir(to, name);
		}
	}
	generations_free(&g);
	if (!tell || generations_list(s, a, WITH_NUMBERS, &g, &ignored))
		return;
	for (size_t i = 0; i < g.n; i++) {
		const char *name = generation_name(a, g.v[i].number);

		if (!is_there(to, name) && is_public_generation(s, name))
			copy_dir(s, to, name, generation_files);
	}
	generations_free(&g);
}

static void copy_artefacts(const struct store *s, int to)
{
	_cleanup_buf_ struct buf ignored = {0};
	_cleanup_json_ json_t *record = NULL;
	bool tell = may_tell(s, STORE_APPLIED), all;

	all = store_read_record(s, &record, &ignored) == 0 && is_public(record);
	/* what cannot be brought up to date is better not there */
	if (!tell || copy_dir(s, to, STORE_APPLIED, all ? applied_files : artefact_files))
		file_remove_dir(to, STORE_APPLIED);
	if (!may_tell(s, STORE_PENDING) || copy_dir(s, to, STORE_PENDING, applied_files))
		file_remove_dir(to, STORE_PENDING);
	copy_generations(s, to, tell);
}

static void copy_notes(const struct store *s, int to, const char *const *names, size_t n, bool tell)
{
	for (size_t i = 0; i < n; i++)
		if (!tell || copy(s->dir, to, names[i]))
			unlinkat(to, names[i], 0);
}

void store_publish_note(const struct store *s, const char *name)
{
	_cleanup_close_ int to = geteuid() ? -1 : make_public(s->path);

	if (to >= 0)
		copy_notes(s, to, &name, 1, true);
}

/* Artefacts also where none was changed, but there is no copy: the machine was started anew. */
void store_publish(const struct store *s)
{
	_cleanup_close_ int to = geteuid() ? -1 : make_public(s->path);

	if (to < 0)
		return;
	if (s->changed || !is_there(to, STORE_APPLIED))
		copy_artefacts(s, to);
	copy_notes(s, to, notes, sizeof(notes) / sizeof(notes[0]), true);
	copy_notes(s, to, telling_notes, sizeof(telling_notes) / sizeof(telling_notes[0]),
		   is_there(to, STORE_APPLIED));
}
