/* SPDX-License-Identifier: GPL-2.0-or-later
 * Lists of names, and whether one of them covers a given name. "example.org" covers itself,
 * "*.example.org" every name below it (not itself), "*" every name. Case and a dot at the end do
 * not matter.
 *
 * All lists of a policy share one table of bytes, in which a name stands once, however many lists
 * have it: it is written where a policy is compiled, and read where it lies, by as many processes
 * as have it mapped. Little-endian numbers of 32 bits:
 *
 *	bytes of text, slots (a power of two), lists, classes
 *	classes	for each combination of lists a row of bits, one for each list; zeros up to a
 *		multiple of four
 *	slots	a hash table with open addressing: offset + 1 into the text, or 0
 *	text	the names: class * 256 + length, and the bytes, in lower case: "*.example.org" is
 *		".example.org", "*" is empty
 *
 * A million names take 30 MB, a look-up of a name with four labels a quarter of a microsecond.
 */
#ifndef FWC_INSPECT_NAMELIST_H
#define FWC_INSPECT_NAMELIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"
#include "util/sha256.h"

#define NAMELIST_NAME 256 /* room for one, with the star and a NUL */

struct names { /* a table, in memory of somebody else */
	const uint8_t *classes, *slots, *text;
	uint32_t text_len, mask, lists, nclasses, row;
};

struct namelist { /* one of its lists */
	const struct names *names;
	uint32_t number;
	bool below; /* each name covers all names below it, too */
};

/* NULL if the text can stand in a list, else what is wrong with it: a few words, static. */
const char *namelist_flaw(const char *s, size_t n);

/* NULL, or what is wrong with the table: after that no look-up leaves it, or goes on for ever. A
 * large one takes a moment: step() is called again and again meanwhile; NULL: nobody waits. */
const char *names_open(struct names *out, const void *p, size_t n, void (*step)(void));
/* `name` in lower case without a dot at its end, n > 0. */
bool namelist_covers(const struct namelist *l, const char *name, size_t n);
/* The names of a list, in the order in which they were added to the first: *at begins as 0. */
bool namelist_next(const struct namelist *l, uint32_t *at, char name[NAMELIST_NAME]);

/* ---- names_writer.c ---- */

struct names_writer;

struct names_said { /* of a list that is written */
	uint32_t count;
	char sha256[SHA256_HEX]; /* of the names as they stand in the text, each with a NUL */
};

struct names_writer *names_writer_new(void);
void names_writer_free(struct names_writer *w); /* NULL is fine */
/* A new list, to which names are added until the next one; its number. */
uint32_t names_writer_list(struct names_writer *w);
/* The text must have no flaw; one that is there already is not added again. */
void names_writer_add(struct names_writer *w, const char *s, size_t n);
struct names_said names_writer_said(const struct names_writer *w, uint32_t list);
uint32_t names_writer_lists(const struct names_writer *w);
/* Once all are added. False: they are too many for the format. */
bool names_writer_end(struct names_writer *w);
/* Then: the table. */
void names_writer_put(struct names_writer *w, struct buf *out);

/* For both. */
static inline uint32_t names_hash(const char *s, size_t n) /* FNV-1a */
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < n; i++)
		h = (h ^ (uint8_t)s[i]) * 16777619u;
	return h ^ h >> 15;
}

struct name_said {
	const char *s;
	size_t n;
	bool below; /* all names below it are meant as well */
};

/* The next name of a list as such lists are published: *off moves on behind it. False at the end.
 *
 *	example.org	*.example.org		a name in each line
 *	0.0.0.0 example.org www.example.org	hosts(5): an address, and names
 *	||example.org^				a name and all below it
 *	# ...	! ...	[...]			comments; '#' also behind a name
 *
 * What is none of these is yielded as it stands, for namelist_flaw() to say what is wrong. */
bool namelist_line(const char *text, size_t len, size_t *off, struct name_said *out);

#endif
