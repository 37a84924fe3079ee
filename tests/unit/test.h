/* SPDX-License-Identifier: GPL-2.0-or-later
 * The harness of the unit tests: checks that print TAP. A test file is a program whose main() makes
 * checks and ends with `return test_end();`.
 */
#ifndef FWC_TEST_H
#define FWC_TEST_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int test_count, test_failed;

static inline bool test_report(bool fine, const char *file, int line, const char *what)
{
	test_count++;
	test_failed += !fine;
	printf("%sok %d - %s:%d %s\n", fine ? "" : "not ", test_count, file, line, what);
	return fine;
}

static inline void test_same_text(const char *got, const char *wanted, const char *file, int line,
				  const char *what)
{
	if (!test_report(!strcmp(got, wanted), file, line, what))
		printf("# got:    %s\n# wanted: %s\n", got, wanted);
}

static inline void test_same_number(long long got, long long wanted, const char *file, int line,
				    const char *what)
{
	if (!test_report(got == wanted, file, line, what))
		printf("# got %lld, wanted %lld\n", got, wanted);
}

static inline int test_end(void)
{
	printf("1..%d\n", test_count);
	return test_failed ? 1 : 0;
}

#define CHECK(truth) test_report((truth), __FILE_NAME__, __LINE__, #truth)
#define SAME_TEXT(got, wanted) test_same_text((got), (wanted), __FILE_NAME__, __LINE__, #got)
#define SAME_NUMBER(got, wanted)                                                                   \
	test_same_number((long long)(got), (long long)(wanted), __FILE_NAME__, __LINE__, #got)

#ifndef __FILE_NAME__
#define __FILE_NAME__ __FILE__
#endif

#endif
