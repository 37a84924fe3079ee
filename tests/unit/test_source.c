/* SPDX-License-Identifier: GPL-2.0-or-later
 * Which files are read, and which are refused.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "text.h"

static const char *read_error(struct arena *a, const char *path)
{
	struct loader *l = loader_files(a);
	struct source *s;
	struct diag d;

	diag_init(&d, a);
	s = l->read(l, path, (struct span){0}, a, &d);
	if (s && d.nerrors == 0)
		return "";
	return s ? "both a source and an error" : d.nerrors ? d.records.v[0].text : "no error";
}

static void put(const char *path, const char *text, size_t len, mode_t mode)
{
	FILE *f = fopen(path, "w");

	if (!f || fwrite(text, 1, len, f) != len || fclose(f))
		CHECK(!"a file could not be written");
	chmod(path, mode);
}

#define PUT(path, text) put((path), (text), sizeof(text) - 1, 0600)

static void refusals(struct arena *a)
{
	PUT("good", "forwarding on\n");
	SAME_TEXT(read_error(a, "good"), "");
	chmod("good", 0644);
	SAME_TEXT(read_error(a, "good"), "");
	chmod("good", 0664);
	SAME_TEXT(read_error(a, "good"), "good can be written by others than its owner");
	chmod("good", 0602);
	SAME_TEXT(read_error(a, "good"), "good can be written by others than its owner");
	SAME_TEXT(read_error(a, "none"), "cannot read none: No such file or directory");
	SAME_TEXT(read_error(a, "."), ". is a directory");
	SAME_TEXT(read_error(a, "/dev/null"), "/dev/null is not a regular file");
	CHECK(mkfifo("fifo", 0600) == 0);
	SAME_TEXT(read_error(a, "fifo"), "fifo is not a regular file");
	chmod("good", 0600);
	CHECK(symlink("good", "link") == 0);
	SAME_TEXT(read_error(a, "link"), "");
	CHECK(symlink("loop", "loop") == 0);
	SAME_TEXT(read_error(a, "loop"), "cannot read loop: Too many levels of symbolic links");
	SAME_TEXT(read_error(a, "good/x"), "cannot read good/x: Not a directory");
	SAME_TEXT(read_error(a, ""), "cannot read : No such file or directory");
}

/* Unicode 15, table 3-7: well-formed UTF-8. */
static void encodings(struct arena *a)
{
	static const char *const bad[] = {"\x80",
					  "\xc0\xaf",
					  "\xc1\xbf",
					  "\xe0\x9f\xbf",
					  "\xed\xa0\x80",
					  "\xf0\x8f\xbf\xbf",
					  "\xf4\x90\x80\x80",
					  "\xf5\x80\x80\x80",
					  "\xe2\x82",
					  "\xff"};
	static const char *const fine[] = {
		"\x7f",		"\xc2\x80",	"\xdf\xbf",	    "\xe0\xa0\x80",
		"\xed\x9f\xbf", "\xee\x80\x80", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put("utf8", bad[i], strlen(bad[i]), 0600);
		SAME_TEXT(read_error(a, "utf8"), "this is not UTF-8");
	}
	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
		put("utf8", fine[i], strlen(fine[i]), 0600);
		SAME_TEXT(read_error(a, "utf8"), "");
	}
	PUT("text", "\xef\xbb\xbf# x\n");
	SAME_TEXT(read_error(a, "text"), "the file begins with a byte order mark");
	PUT("text", "a\r\nb\r\n");
	SAME_TEXT(read_error(a, "text"), "the line has a carriage return");
	PUT("text", "a\0b\n");
	SAME_TEXT(read_error(a, "text"), "there is a NUL byte in this line; is this a text file?");
}

static void limits(struct arena *a)
{
	char *line = arena_alloc(a, 65539);

	memset(line, '#', 65538);
	put("line", line, 65536, 0600);
	SAME_TEXT(read_error(a, "line"), "");
	put("line", line, 65537, 0600);
	SAME_TEXT(read_error(a, "line"), "this line is longer than 64 KiB");
	PUT("large", "");
	CHECK(truncate("large", (64 << 20) + 1) == 0);
	SAME_TEXT(read_error(a, "large"), "large is larger than 64 MiB");
}

static void globs(struct arena *a)
{
	struct loader *l = loader_files(a);
	char **paths;

	PUT("b.fwc", "");
	PUT("a.fwc", "");
	PUT("B.fwc", "");
	if (CHECK(l->glob(l, "*.fwc", a, &paths) == 3)) {
		SAME_TEXT(paths[0], "B.fwc");
		SAME_TEXT(paths[1], "a.fwc");
		SAME_TEXT(paths[2], "b.fwc");
	}
	SAME_NUMBER(l->glob(l, "*.none", a, &paths), 0);
	SAME_NUMBER(l->glob(l, "nowhere/*", a, &paths), 0);
	CHECK(l->glob(l, "loop/*", a, &paths) == SIZE_MAX);
}

static void hashes(struct arena *a)
{
	struct loader *l = loader_files(a);
	struct source *s;
	struct diag d;

	diag_init(&d, a);
	PUT("abc", "abc");
	s = l->read(l, "abc", (struct span){0}, a, &d);
	if (CHECK(s))
		SAME_TEXT(s->sha256,
			  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void remove_all(const char *dir)
{
	static const char *const files[] = {"good", "fifo",  "link",  "loop",  "utf8",	"text",
					    "line", "large", "a.fwc", "b.fwc", "B.fwc", "abc"};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		unlink(files[i]);
	rmdir(dir);
}

int main(void)
{
	char dir[] = "/tmp/fwc-source.XXXXXX";
	struct arena *a = arena_new();

	if (!mkdtemp(dir) || chdir(dir)) {
		perror(dir);
		return 1;
	}
	refusals(a);
	encodings(a);
	limits(a);
	globs(a);
	hashes(a);
	arena_free(a);
	remove_all(dir);
	return test_end();
}
