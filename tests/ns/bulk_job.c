/* SPDX-License-Identifier: GPL-2.0-or-later
 * Fills a set of table inet fwc of this network namespace, or compares it, by the functions that
 * apply uses:
 *	bulk_job fill|refill|compare SET PREFIX <RANGES
 * A range a line: "10.0.0.1", "10.0.0.0/24", "fd00::1-fd00::9"; sorted. PREFIX 0: intervals.
 */
#include <errno.h>
#include <stdlib.h>

#include <stdio.h>
#include <string.h>
#include "kernel/bulk.h"

static void read_ranges(struct bulk *b, enum family *family)
{
	char line[256];

	while (fgets(line, sizeof(line), stdin)) {
		const char *why;
		struct ival r;

		if (!addr_parse_range(line, strcspn(line, "\n"), family, &r, &why)) {
			fprintf(stderr, "%s: %s\n", line, why);
			exit(2);
		}
		bulk_add(b, *family, r);
	}
}

int main(int argc, char **argv)
{
	struct arena *a = arena_new();
	enum family family = FAM_IP4;
	struct bulk b = {0};
	struct ir_bulk list = {0};
	struct bulk_job j = {.bulk = &list};
	int err;

	if (argc != 4)
		return 2;
	j.set = argv[2];
	j.used = !strcmp(argv[1], "refill");
	list.prefix = (uint8_t)atoi(argv[3]);
	read_ranges(&b, &family);
	list.elems = family == FAM_IP4 ? bulk_list_of4(a, b.v4.v, b.v4.n)
				       : bulk_list_of6(a, b.v6.v, b.v6.n);
	err = strcmp(argv[1], "compare") ? bulk_fill(&j) : bulk_compare(&j);
	if (err)
		printf("%s\n", *j.why ? j.why : strerror(-err));
	free(b.v4.v);
	free(b.v6.v);
	arena_free(a);
	return err != 0;
}
