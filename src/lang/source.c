/* SPDX-License-Identifier: GPL-2.0-or-later
 * paths -> texts that can be trusted: regular files that nobody but their owner may write, and
 * whose bytes are plain UTF-8 lines. What they say becomes the firewall.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lang/lang.h"
#include "lang/path.h"
#include "util/buf.h"
#include "util/cleanup.h"
#include "util/sha256.h"

#define SIZE_LIMIT (64u << 20)

/* Who opens files for this process, or NULL: it does it itself. */
static const struct source_opener *opener;

void source_open_by(const struct source_opener *o)
{
	opener = o;
}

/* ---- the file ---- */

/* Whether it is not too large; reports if it is. */
static bool check_size(int fd, const char *path, struct span at, struct diag *diag, struct stat *st)
{
	if (fstat(fd, st) < 0) {
		diag_error(diag, at, "cannot read %s: %s", path, strerror(errno));
	} else if (st->st_size > SIZE_LIMIT) {
		diag_error(diag, at, "%s is larger than %u MiB", path, SIZE_LIMIT >> 20);
	} else {
		return true;
	}
	return false;
}

struct text { /* in the arena, where it stays: it may be a list of a million */
	char *s;
	size_t len;
};

/* All bytes, at most one more than the limit, and a NUL. `size`: so many there seem to be. 0 or
 * -errno. */
static int read_bytes(int fd, size_t size, struct arena *a, struct text *out)
{
	size_t room = size + 4096;

	*out = (struct text){arena_alloc(a, room), 0};
	while (out->len <= SIZE_LIMIT) {
		ssize_t n = read(fd, out->s + out->len, room - out->len - 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		out->len += (size_t)n;
		if (room - out->len > 1)
			continue;
		out->s = arena_regrow(a, out->s, room, 2 * room);
		room *= 2;
	}
	out->s[out->len] = '\0';
	return 0;
}

static int open_path(const char *path, struct span at, struct diag *diag)
{
	_cleanup_buf_ struct buf why = {0}, hint = {0};
	int fd = opener ? opener->open(path, &why, &hint) : path_open(path, &why, &hint);
	struct diag_record *r = fd < 0 ? diag_error(diag, at, "%s", buf_str(&why)) : NULL;

	if (hint.len)
		diag_hint(diag, r, "%s", buf_str(&hint));
	return fd;
}

static bool read_file(const char *path, struct span at, struct arena *a, struct diag *diag,
		      struct text *out, struct stat *st)
{
	int fd = open_path(path, at, diag), err;
	bool fine;

	if (fd < 0)
		return false;
	fine = check_size(fd, path, at, diag, st);
	if (fine) {
		err = read_bytes(fd, (size_t)st->st_size, a, out);
		if (err)
			diag_error(diag, at, "cannot read %s: %s", path, strerror(-err));
		else if (out->len > SIZE_LIMIT)
			diag_error(diag, at, "%s is larger than %u MiB", path, SIZE_LIMIT >> 20);
		fine = !err && out->len <= SIZE_LIMIT;
	}
	close(fd);
	return fine;
}

/* ---- its bytes ---- */

/* The length of the well-formed UTF-8 sequence at s (Unicode 15, table 3-7), 0 if there is none. */
size_t utf8_len(const unsigned char *s, size_t left)
{
	size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;

	if (!n || s[0] > 0xf4 || n > left)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

enum flaw { FLAW_BOM, FLAW_CR, FLAW_NUL, FLAW_UTF8, FLAW_LINE, FLAWS };

static void report_flaw(struct diag *diag, enum flaw flaw, struct span at)
{
	struct diag_record *r;

	switch (flaw) {
	case FLAW_BOM:
		r = diag_error(diag, at, "the file begins with a byte order mark");
		diag_hint(diag, r,
			  "save it as UTF-8 without one: sed -i '1s/^\\xef\\xbb\\xbf//' %s",
			  at.src->path);
		break;
	case FLAW_CR:
		r = diag_error(diag, at, "the line has a carriage return");
		diag_hint(diag, r, "lines end with a newline alone: sed -i 's/\\r$//' %s",
			  at.src->path);
		break;
	case FLAW_NUL:
		diag_error(diag, at, "there is a NUL byte in this line; is this a text file?");
		break;
	case FLAW_UTF8:
		diag_hint(diag, diag_error(diag, at, "this is not UTF-8"),
			  "find the file's encoding and convert it with iconv");
		break;
	case FLAW_LINE:
		r = diag_error(diag, at, "this line is longer than %u KiB", LINE_LIMIT >> 10);
		diag_hint(diag, r, "a list continues on the next line after a comma");
		break;
	case FLAWS:
		break;
	}
}

/* How many of the next bytes are what most of a text is, where so many are in the line before. */
static size_t plain(const unsigned char *s, size_t left, size_t before)
{
	size_t n = 0;

	while (n < left && before + n < LINE_LIMIT && s[n] >= ' ' && s[n] < 0x7f)
		n++;
	return n;
}

/* Reports the first of each kind of flaw; yields whether there was none. */
bool source_check(struct source *src, struct diag *diag)
{
	const unsigned char *s = (const unsigned char *)src->text;
	bool seen[FLAWS] = {false};
	size_t start = 0, n;

	if (src->len >= 3 && !memcmp(s, "\xef\xbb\xbf", 3)) {
		report_flaw(diag, FLAW_BOM, (struct span){src, 0, 3});
		seen[FLAW_BOM] = true;
	}
	for (size_t i = 0; i < src->len; i += n ? n : 1) {
		enum flaw flaw = FLAWS;

		i += plain(s + i, src->len - i, i - start);
		if (i == src->len)
			break;
		n = utf8_len(s + i, src->len - i);
		if (s[i] == '\n')
			start = i + 1;
		else if (s[i] == '\r')
			flaw = FLAW_CR;
		else if (!s[i])
			flaw = FLAW_NUL;
		else if (!n)
			flaw = FLAW_UTF8;
		else if (i - start >= LINE_LIMIT)
			flaw = FLAW_LINE;
		if (flaw == FLAWS || seen[flaw])
			continue;
		report_flaw(diag, flaw,
			    (struct span){src, (uint32_t)(flaw == FLAW_LINE ? start : i), 1});
		seen[flaw] = true;
	}
	src->unchecked = memchr(seen, true, sizeof(seen));
	return !src->unchecked;
}

/* ---- the loader ---- */

static struct source *source_of(const struct text *t, const char *path, struct arena *a,
				struct diag *diag, bool list)
{
	struct source *src = source_take(a, path, t->s, t->len);

	sha256_hex(src->text, src->len, src->sha256);
	return list || source_check(src, diag) ? src : NULL;
}

static struct source *load(const char *path, struct span at, struct arena *a, struct diag *diag,
			   bool list)
{
	struct source *src = NULL;
	struct text t;
	struct stat st;

	if (read_file(path, at, a, diag, &t, &st))
		src = source_of(&t, path, a, diag, list);
	if (src) {
		src->unchecked = list;
		src->dev = st.st_dev;
		src->ino = st.st_ino;
	}
	return src;
}

static struct source *files_read(struct loader *l, const char *path, struct span at,
				 struct arena *a, struct diag *diag)
{
	(void)l;
	return load(path, at, a, diag, false);
}

static struct source *files_read_list(struct loader *l, const char *path, struct span at,
				      struct arena *a, struct diag *diag)
{
	(void)l;
	return load(path, at, a, diag, true);
}

struct source *source_stdin(struct arena *a, struct diag *diag)
{
	static const char path[] = "<standard input>";
	struct source *src = NULL;
	struct text t;
	int err = read_bytes(STDIN_FILENO, 0, a, &t);

	if (err)
		diag_error(diag, (struct span){0}, "cannot read %s: %s", path, strerror(-err));
	else if (t.len > SIZE_LIMIT)
		diag_error(diag, (struct span){0}, "%s is larger than %u MiB", path,
			   SIZE_LIMIT >> 20);
	else
		src = source_of(&t, path, a, diag, false);
	return src;
}

static int path_cmp(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Of the directory in which a pattern looks, if it is named without wildcards: who may write it may
 * take files away. */
static bool may_trust(const char *pattern, struct arena *a)
{
	const char *slash = strrchr(pattern, '/');
	struct buf dir = {0};
	int err;

	for (const char *c = pattern; slash && c <= slash; c++) {
		if (*c == '\\' && c < slash)
			c++;
		else if (strchr("*?[", *c))
			return true; /* each file is looked at */
		buf_putc(&dir, *c);
	}
	err = path_check_dir(arena_strdup(a, buf_str(&dir)));
	buf_free(&dir);
	errno = -err;
	return err != -EPERM;
}

/* SIZE_MAX if a directory could not be read: files unseen would be rules unsaid. One that is not
 * there has no files. */
static size_t files_glob(struct loader *l, const char *pattern, struct arena *a, char ***paths)
{
	size_t n = SIZE_MAX;
	glob_t g;
	int err;

	(void)l;
	if (opener)
		return opener->glob(pattern, a, paths);
	if (!may_trust(pattern, a))
		return SIZE_MAX;
	err = glob(pattern, GLOB_ERR | GLOB_NOSORT, NULL, &g);
	if (err == GLOB_NOMATCH || (err == GLOB_ABORTED && errno == ENOENT))
		n = 0;
	if (!err) {
		n = g.gl_pathc;
		*paths = arena_alloc(a, (n + 1) * sizeof(**paths));
		for (size_t i = 0; i < n; i++)
			(*paths)[i] = arena_strdup(a, g.gl_pathv[i]);
		/* By bytes: the order of rules must not depend on the locale. */
		qsort(*paths, n, sizeof(**paths), path_cmp);
	}
	globfree(&g);
	return n;
}

struct loader *loader_files(struct arena *a)
{
	struct loader *l = arena_new_of(a, struct loader);

	l->read = files_read;
	l->read_list = files_read_list;
	l->glob = files_glob;
	return l;
}
