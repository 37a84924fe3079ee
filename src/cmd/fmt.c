/* SPDX-License-Identifier: GPL-2.0-or-later
 * fwc fmt: policy files -> their canonical text, on standard output or in place. Includes and set
 * files are neither opened nor changed.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/begin.h"
#include "cmd/cmd.h"
#include "cmd/opening.h"
#include "kernel/opener.h"
#include "lang/lang.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/show.h"

enum fmt_mode { FMT_PRINT, FMT_WRITE, FMT_CHECK };

/* Gives the new file the old one's owner and mode, and its text. 0 or -errno. */
static int fill(int fd, const char *path, const struct buf *text)
{
	struct stat st;
	int err;

	if (stat(path, &st) < 0)
		return -errno;
	if ((st.st_uid != geteuid() || st.st_gid != getegid()) &&
	    fchown(fd, st.st_uid, st.st_gid) < 0)
		return -errno;
	if (fchmod(fd, st.st_mode & 07777) < 0)
		return -errno;
	err = fd_write(fd, text->data, text->len);
	if (err)
		return err;
	return fsync(fd) < 0 ? -errno : 0;
}

/* A rename is lasting only once the directory is on disk. */
static int sync_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
	int fd = dir ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	int err = fd < 0 || fsync(fd) < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	free(dir);
	return err;
}

/* `path` is absolute and no link. The file is the old one or the new one, never half of it. */
static int replace(const char *path, const struct buf *text)
{
	char *temp = malloc(strlen(path) + sizeof(".XXXXXX"));
	int fd, err;

	if (!temp)
		return -ENOMEM;
	sprintf(temp, "%s.XXXXXX", path);
	fd = mkstemp(temp);
	if (fd < 0) {
		err = -errno;
		free(temp);
		return err;
	}
	err = fill(fd, path, text);
	if (close(fd) < 0 && !err)
		err = -errno;
	if (!err && rename(temp, path) < 0)
		err = -errno;
	if (err)
		unlink(temp);
	else
		err = sync_directory(path);
	free(temp);
	return err;
}

/* The file and its text. */
int fmt_write(void *globals, const struct buf *parts, size_t n, struct buf *why)
{
	const char *name = buf_str(&parts[0]);
	char *path = n == 2 ? realpath(name, NULL) : NULL;
	int err = n != 2 ? -EPROTO : path ? replace(path, &parts[1]) : -errno;

	(void)globals;
	free(path);
	if (err)
		buf_printf(why, "cannot write %s: %s", name, strerror(-err));
	return err;
}

static int rewrite(const char *name, const struct buf *text)
{
	_cleanup_buf_ struct buf why = {0}, file = {0};
	struct buf parts[2];

	buf_puts(&file, name);
	parts[0] = file;
	parts[1] = *text;
	if (!(opener_there() ? opener_write(parts, 2, &why) : fmt_write(NULL, parts, 2, &why)))
		return EXIT_FINE;
	fprintf(stderr, "fwc: %s\n", buf_str(&why));
	return EXIT_SYSTEM;
}

/* Whether the text is read as the same policy again; anything else would be a bug of the printer,
 * which must not cost anybody a policy. */
static bool reads_the_same(const struct buf *text, const struct ast *ast, struct arena *a)
{
	struct buf before = {0}, after = {0}, again = {0};
	struct diag diag;
	struct ast *reread;
	bool same;

	diag_init(&diag, a);
	reread = ast_parse_source(source_add(a, "", buf_str(text), text->len), NULL, a, &diag);
	ast_dump(&before, ast);
	ast_dump(&after, reread);
	ast_print(&again, reread);
	same = !diag.nerrors && !strcmp(buf_str(&before), buf_str(&after)) &&
	       !strcmp(buf_str(text), buf_str(&again));
	buf_free(&before);
	buf_free(&after);
	buf_free(&again);
	return same;
}

static int deliver(const char *name, enum fmt_mode mode, const struct source *src,
		   const struct ast *ast, const struct buf *text, struct arena *a)
{
	bool canonical = text->len == src->len && !memcmp(buf_str(text), src->text, src->len);

	if (!reads_the_same(text, ast, a)) {
		fprintf(stderr,
			"fwc: %s: the canonical text would mean something else (a bug in fwc); "
			"nothing was written\n",
			name);
		return EXIT_SYSTEM;
	}
	switch (mode) {
	case FMT_PRINT:
		if (isatty(STDOUT_FILENO))
			fputs(buf_str(text), stdout);
		else
			show_raw(stdout, text->data, text->len); /* byte for byte */
		return fflush(stdout) ? EXIT_SYSTEM : EXIT_FINE;
	case FMT_WRITE:
		return canonical ? EXIT_FINE : rewrite(name, text);
	case FMT_CHECK:
		if (!canonical)
			printf("%s\n", name);
		return canonical ? EXIT_FINE : EXIT_FINDINGS;
	}
	return EXIT_SYSTEM;
}

static int fmt_file(const struct globals *g, const char *name, enum fmt_mode mode)
{
	struct arena *a = arena_new();
	struct loader *l = loader_files(a);
	struct buf text = {0};
	struct source *src;
	struct ast *ast = NULL;
	struct diag diag;
	int code = EXIT_WRONG;

	diag_init(&diag, a);
	src = strcmp(name, "-") ? l->read(l, name, (struct span){0}, a, &diag)
				: source_stdin(a, &diag);
	if (src)
		ast = ast_parse_source(src, NULL, a, &diag);
	if (ast && !diag.nerrors) {
		ast_print(&text, ast);
		code = deliver(name, mode, src, ast, &text, a);
	}
	begin_print(g, name, &diag);
	buf_free(&text);
	arena_free(a);
	return code;
}

int cmd_fmt(struct globals *g, int argc, char **argv)
{
	static const struct option options[] = {
		{"write", no_argument, NULL, 'w'}, {"check", no_argument, NULL, 'c'}, {0}};
	enum fmt_mode mode = FMT_PRINT;
	int worst = EXIT_FINE, c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "w", options, NULL)) != -1) {
		if (c == '?')
			return usage_error("fmt", "unknown option %s", usage_option(argv));
		if (mode != FMT_PRINT && mode != (c == 'w' ? FMT_WRITE : FMT_CHECK))
			return usage_error("fmt", "-w and --check cannot be combined");
		mode = c == 'w' ? FMT_WRITE : FMT_CHECK;
	}
	if (g->json)
		return usage_error("fmt", "fmt prints a policy, not JSON");
	if (optind == argc)
		return fmt_file(g, g->config, mode);
	for (int i = optind; i < argc; i++) {
		int code;

		if (mode == FMT_WRITE && !strcmp(argv[i], "-"))
			return usage_error("fmt", "standard input cannot be rewritten in place");
		code = fmt_file(g, argv[i], mode);
		worst = code > worst ? code : worst;
	}
	return worst;
}
