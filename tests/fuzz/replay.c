/* SPDX-License-Identifier: GPL-2.0-or-later
 * Files and directories of files -> a fuzz target, each once: the corpus as an ordinary test.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "util/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
	struct buf b = {0};
	char piece[4096];
	FILE *f = fopen(path, "r");
	size_t n;

	if (!f) {
		perror(path);
		return -1;
	}
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		buf_add(&b, piece, n);
	fclose(f);
	/* So that the file at fault is the last line, if the target aborts. */
	printf("# %s\n", path);
	fflush(stdout);
	LLVMFuzzerTestOneInput((const uint8_t *)buf_str(&b), b.len);
	buf_free(&b);
	return 1;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* The number of files, or -1. */
static int replay(const char *path)
{
	struct dirent **names;
	int n, total = 0;
	struct stat st;

	if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode))
		return replay_file(path);
	n = scandir(path, &names, NULL, by_name);
	if (n < 0) {
		perror(path);
		return -1;
	}
	for (int i = 0; i < n; i++) {
		struct buf b = {0};

		if (names[i]->d_name[0] != '.' && total >= 0) {
			buf_printf(&b, "%s/%s", path, names[i]->d_name);
			total = replay(b.data) < 0 ? -1 : total + 1;
			buf_free(&b);
		}
		free(names[i]);
	}
	free(names);
	return total;
}

int main(int argc, char **argv)
{
	int n, total = 0;

	for (int i = 1; i < argc; i++) {
		n = replay(argv[i]);
		if (n <= 0) {
			printf("not ok 1 - %s\n1..1\n", argv[i]);
			return 1;
		}
		total += n;
	}
	printf("ok 1 - %d inputs\n1..1\n", total);
	return 0;
}
