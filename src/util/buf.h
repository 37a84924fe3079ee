/* SPDX-License-Identifier: GPL-2.0-or-later
 * A growing string of bytes on the heap. Zero-initialised is empty; b->data is NUL-terminated once
 * something was added. The holder frees it with buf_free().
 */
#ifndef FWC_BUF_H
#define FWC_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	char *data;
	size_t len, cap;
};

/* Room for n more bytes, and not for many more: where it is known how many come. */
void buf_reserve(struct buf *b, size_t n);
void buf_add(struct buf *b, const void *p, size_t n);
void buf_putc(struct buf *b, char c);
void buf_puts(struct buf *b, const char *s);
/* Without a sign. */
void buf_decimal(struct buf *b, uint64_t n);
/* "1,204" */
void buf_thousands(struct buf *b, uint64_t n);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
const char *buf_str(const struct buf *b); /* never NULL */
void buf_free(struct buf *b);

#endif
