/* SPDX-License-Identifier: GPL-2.0-or-later
 * bytes -> their hexadecimal digits, in lower case. Of many values printf() would take longer than
 * all else that is done with them.
 */
#ifndef FWC_HEX_H
#define FWC_HEX_H

#include <stddef.h>
#include <stdint.h>

/* 2 * n digits, and a NUL behind them. */
static inline void hex_put(char *out, const void *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *p = bytes;

	for (size_t i = 0; i < n; i++) {
		*out++ = digits[p[i] >> 4];
		*out++ = digits[p[i] & 15];
	}
	*out = '\0';
}

#endif
