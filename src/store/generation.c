/* SPDX-License-Identifier: GPL-2.0-or-later
 * generation.N directories of the state directory.
 */
#include "store/generation.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/opener.h"
#include "store/file.h"
#include "util/bulk_file.h"
#include "util/cleanup.h"
#include "util/number.h"

#define PREFIX "generation."

const char *generation_name(struct arena *a, unsigned number)
{
	return arena_printf(a, PREFIX "%u", number);
}

static unsigned number_of(const char *name)
{
	uint64_t n;

	if (strncmp(name, PREFIX, strlen(PREFIX)) != 0)
		return 0;
	name += strlen(PREFIX);
	if (*name == '0' || !number_word(name, 1, GENERATION_MAX, &n))
		return 0;
	return (unsigned)n;
}

/* What several artefacts share is counted once. */
static uint64_t size_of_lists(int dir)
{
	int fd = opener_openat(dir, ".", O_RDONLY | O_DIRECTORY);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	uint64_t bytes = 0;
	struct stat st;

	while (d && (e = readdir(d)))
		if (strstr(e->d_name, BULK_FILE) &&
		    fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			bytes += (uint64_t)st.st_size / st.st_nlink;
	if (d)
		closedir(d);
	else if (fd >= 0)
		close(fd);
	return bytes;
}

static uint64_t size_of(int dir)
{
	static const char *const files[] = {"ruleset.nft", "manifest.json", MANIFEST_INDEX,
					    MANIFEST_HELD};
	uint64_t bytes = 0;
	struct stat st;

	for (int i = 0; i < 4; i++)
		if (fstatat(dir, files[i], &st, AT_SYMLINK_NOFOLLOW) == 0)
			bytes += (uint64_t)st.st_size;
	return bytes + size_of_lists(dir);
}

static int by_number(const void *a, const void *b)
{
	const struct generation *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

static void add(const struct store *s, struct arena *a, enum generations_with with,
		struct generations *out, unsigned number)
{
	_cleanup_close_ int dir = opener_openat(s->dir, generation_name(a, number),
						O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	struct generation g = {.number = number};

	if (dir < 0)
		return;
	if (with & WITH_BYTES)
		g.bytes = size_of(dir);
	if (!(with & WITH_RECORDS) || file_read_json(dir, "apply.json", &g.record))
		g.record = NULL;
	vec_push(a, out, g);
}

int generations_list(const struct store *s, struct arena *a, enum generations_with with,
		     struct generations *out, struct buf *why)
{
	int fd = opener_openat(s->dir, ".", O_RDONLY | O_DIRECTORY);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	*out = (struct generations){0};
	if (!d) {
		fd = fd < 0 ? fd : -errno;
		buf_printf(why, "cannot read %s: %s", s->path, strerror(-fd));
		return fd;
	}
	while ((e = readdir(d)))
		if (number_of(e->d_name))
			add(s, a, with, out, number_of(e->d_name));
	closedir(d);
	if (out->n > 1)
		qsort(out->v, out->n, sizeof(*out->v), by_number);
	return 0;
}

void generations_free(struct generations *g)
{
	for (size_t i = 0; i < g->n; i++)
		json_decref(g->v[i].record);
	g->n = 0;
}

unsigned generation_next(const struct generations *g)
{
	return g->n ? g->v[g->n - 1].number + 1 : 1;
}

unsigned generation_in_force(const struct store *s)
{
	_cleanup_buf_ struct buf ignored = {0};
	_cleanup_json_ json_t *record = NULL;

	if (store_read_record(s, &record, &ignored))
		return 0;
	return (unsigned)json_integer_value(json_object_get(record, "generation"));
}

static void prune(struct store *s, struct arena *a, const struct generations *g, unsigned kept)
{
	unsigned in_force = generation_in_force(s);
	uint64_t bytes = 0;
	size_t n = g->n;

	for (size_t i = 0; i < g->n; i++)
		bytes += g->v[i].bytes;
	for (size_t i = 0; i < g->n && (n > GENERATIONS_MAX || bytes > GENERATIONS_BYTES); i++) {
		unsigned number = g->v[i].number;

		if (number == kept || number == in_force)
			continue;
		store_remove(s, generation_name(a, number));
		bytes -= g->v[i].bytes;
		n--;
	}
}

int generation_keep(struct store *s, struct arena *a, unsigned number, const struct artefact *x,
		    const json_t *record, struct buf *why)
{
	struct generations g;
	int err = store_write(s, generation_name(a, number), x, record, why);

	if (err)
		return err;
	err = generations_list(s, a, WITH_BYTES, &g, why);
	if (!err)
		prune(s, a, &g, number);
	generations_free(&g);
	return err;
}

bool generation_number(const char *text, unsigned *out)
{
	uint64_t n;

	if (!number_word(text, 1, GENERATION_MAX, &n))
		return false;
	*out = (unsigned)n;
	return true;
}

static bool is_there(const struct generations *g, unsigned number)
{
	for (size_t i = 0; i < g->n; i++)
		if (g->v[i].number == number)
			return true;
	return false;
}

/* It is not among them: which are. */
static void say_missing(const struct generations *g, unsigned number, struct buf *why)
{
	buf_printf(why, "there is no generation %u", number);
	if (g->n)
		buf_printf(why, ": `fwc history` has %u to %u", g->v[0].number,
			   g->v[g->n - 1].number);
	else
		buf_puts(why, ": nothing has ever been applied");
}

int generation_read(const struct store *s, unsigned number, struct arena *a, struct artefact *out,
		    struct buf *why)
{
	size_t len = why->len;
	int err = store_read(s, generation_name(a, number), a, out, why);
	_cleanup_buf_ struct buf ignored = {0};
	struct generations l;

	if (err != -ENOENT || generations_list(s, a, WITH_NUMBERS, &l, &ignored))
		return err;
	if (!is_there(&l, number)) { /* or a file of it is missing */
		why->len = len;
		say_missing(&l, number, why);
	}
	generations_free(&l);
	return err;
}
