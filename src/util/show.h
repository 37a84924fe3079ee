/* SPDX-License-Identifier: GPL-2.0-or-later
 * Text that anybody may have written -> text for a terminal: what is no UTF-8, controls and what
 * would change the direction of the text as \xNN.
 *
 * show_streams() does it for all that a program prints, whichever function prints it; what is to
 * reach a terminal as it is says so.
 */
#ifndef FWC_SHOW_H
#define FWC_SHOW_H

#include <stddef.h>
#include <stdio.h>

#include <jansson.h>

struct buf;

/* One character of s, shown in column `col`: a tab as spaces. *used is the number of bytes. Yields
 * the columns that it takes. */
unsigned show_char(struct buf *out, const char *s, size_t n, unsigned col, size_t *used);
/* How many bytes of s are shown as they are, newlines and tabs too: mostly all. */
size_t show_plain(const char *s, size_t n);
/* A piece of a longer text; newlines and tabs stay. Yields how many bytes it took: all but the
 * beginning of a character whose end is still to come. */
size_t show_part(struct buf *out, const char *s, size_t n);

/* Standard output and error, from here on. */
void show_streams(void);
/* Bytes as they are: a colour, where the cursor goes, a file for a pipe. */
void show_raw(FILE *to, const char *s, size_t n);
void show_paint(FILE *to, const char *escape);
/* On standard output, in ASCII, so that nothing in it has to be shown otherwise; with a newline. */
void show_json(const json_t *j, size_t flags);

#endif
