/* SPDX-License-Identifier: GPL-2.0-or-later
 * text -> numbers within bounds.
 */
#include "config.h"

#include "util/number.h"

#include <stdlib.h>
#include <string.h>

#include "util/fault.h" /* by it tests/run knows what is compiled anew for tests */

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 16;
}

static bool digits(const char *s, size_t n, unsigned base, uint64_t max, uint64_t *out)
{
	uint64_t x = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned d = (unsigned)digit_of(s[i]);

		if (d >= base || x > max / base || d > max - x * base)
			return false;
		x = x * base + d;
	}
	*out = x;
	return n;
}

bool number_read(const char *s, size_t n, uint64_t min, uint64_t max, uint64_t *out)
{
	uint64_t x;

	if (!digits(s, n, 10, max, &x) || x < min)
		return false;
	*out = x;
	return true;
}

bool number_word(const char *s, uint64_t min, uint64_t max, uint64_t *out)
{
	return s && number_read(s, strlen(s), min, max, out);
}

bool number_take(const char **s, uint64_t min, uint64_t max, uint64_t *out)
{
	size_t n = strspn(*s, "0123456789");

	if (!number_read(*s, n, min, max, out))
		return false;
	*s += n;
	return true;
}

bool number_hex(const char *s, size_t n, uint64_t max, uint64_t *out)
{
	return digits(s, n, 16, max, out);
}

bool number_any(const char *s, size_t n, uint64_t max, uint64_t *out)
{
	if (n > 2 && s[0] == '0' && s[1] == 'x')
		return digits(s + 2, n - 2, 16, max, out);
	return digits(s, n, 10, max, out);
}

bool number_seconds(const char *s, uint64_t min, uint64_t max, uint64_t *out)
{
	uint64_t whole, part = 0;
	size_t n;

	if (!s || !number_take(&s, 0, UINT32_MAX, &whole))
		return false;
	if (*s == '.') {
		n = strlen(++s);
		if (n > 3 || !number_read(s, n, 0, 999, &part))
			return false;
		for (; n < 3; n++)
			part *= 10;
		s = "";
	}
	whole = whole * 1000 + part;
	if (*s || whole < min || whole > max)
		return false;
	*out = whole;
	return true;
}

size_t number_in_tests(const char *name, size_t otherwise)
{
#if defined(FWC_FAULTS) || defined(FWC_SANITIZERS)
	const char *said = getenv(name);
	uint64_t n;

	if (number_word(said, 1, SIZE_MAX, &n))
		return n;
#else
	(void)name;
#endif
	return otherwise;
}
