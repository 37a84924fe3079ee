/* SPDX-License-Identifier: GPL-2.0-or-later
 * How long a look-up takes in the first list of a file of tables.
 *
 *   names_bench FILE
 *
 * Names from all over the list, every other one with a letter before it. Prints microseconds for
 * each, and how many were found. Not part of the tests: numbers to look at.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "inspect/tables.h"

#define ASKED 100000
#define ROUNDS 10

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static const struct namelist *first_list(const struct tables *t)
{
	const struct inspector *in;
	const struct entry *e;

	vec_each (&t->inspectors, in)
		vec_each (&in->entries, e)
			if (e->names)
				return e->names;
	return NULL;
}

/* In no order, as they come: a look-up finds nothing of the one before in the cache. */
static char *questions(const struct namelist *l)
{
	char (*all)[NAMELIST_NAME] = calloc(ASKED, sizeof(*all)), name[NAMELIST_NAME];
	uint32_t at = 0, n = 0;

	srand(1);
	for (; namelist_next(l, &at, name); n++) {
		uint32_t i = n < ASKED ? n : (uint32_t)rand() % (n + 1);

		if (i < ASKED)
			snprintf(all[i], sizeof(*all), "%s%.200s", i % 2 ? "x" : "", name);
	}
	if (n >= ASKED)
		return (char *)all;
	free(all);
	return NULL;
}

static int measure(const struct namelist *l)
{
	char (*all)[NAMELIST_NAME] = (void *)questions(l);
	unsigned found = 0;
	double from;

	if (!all)
		return fputs("the list is too short\n", stderr) < 0 ? 1 : 2;
	from = seconds();
	for (int k = 0; k < ROUNDS; k++)
		for (unsigned i = 0; i < ASKED; i++)
			found += namelist_covers(l, all[i], strlen(all[i]));
	printf("%.3f %u of %u\n", (seconds() - from) * 1e6 / ASKED / ROUNDS, found / ROUNDS, ASKED);
	free(all);
	return 0;
}

int main(int argc, char **argv)
{
	FILE *f = argc == 2 ? fopen(argv[1], "r") : NULL;
	struct tables t = {0};
	struct buf why = {0};
	struct stat st;
	void *p = MAP_FAILED;
	int rc = 2;

	if (f && fstat(fileno(f), &st) == 0)
		p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fileno(f), 0);
	if (p != MAP_FAILED && tables_open(&t, p, (size_t)st.st_size, &why) == 0 && first_list(&t))
		rc = measure(first_list(&t));
	if (t.arena)
		tables_free(&t);
	buf_free(&why);
	if (p != MAP_FAILED)
		munmap(p, (size_t)st.st_size);
	if (f)
		fclose(f);
	return rc;
}
