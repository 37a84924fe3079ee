/* SPDX-License-Identifier: GPL-2.0-or-later
 * inspect.tables: what tables.h describes, with names as bytes that are looked up where they lie.
 * Numbers are little-endian.
 *
 *	bytes 0-7	"fwctabl2"
 *	8-11, 12-15	bytes of the head, bytes of the names
 *	16-31		zeros
 *	32-63		SHA-256 of all before it and all behind it
 *	64-		the head: JSON, blanks up to a multiple of four
 *	behind it	the names (namelist.h)
 *
 * The head has "format": 2; "lists", of each { "names": how many, "sha256": of them }; and entries
 * with "list": NUMBER in the place of "names".
 */
#ifndef FWC_INSPECT_PACK_H
#define FWC_INSPECT_PACK_H

#include <jansson.h>

#include "inspect/namelist.h"

#define PACK_FORMAT 2
#define PACK_HEAD 64
#define PACK_FILE "inspect.tables"
#define PACK_FILE_JSON "inspect.json" /* of fwc 0.1 */

struct pack {
	const uint8_t *head, *names;
	uint32_t head_len, names_len;
};

/* Whether it is this, or else JSON of fwc 0.1. */
bool pack_is(const void *p, size_t n);
/* The name that it has in a directory. */
const char *pack_file(const void *p, size_t n);
/* The head, the caller's; NULL and why: lengths that are wrong. The hash is not looked at. */
json_t *pack_open(struct pack *out, const void *p, size_t n, struct buf *why);
/* NULL, or what is wrong with length or hash. */
const char *pack_flaw(const void *p, size_t n);
/* The hash that it has of itself, which is its name where there is more than one. */
void pack_hash(const void *p, char out[SHA256_HEX]);
/* Appends it, "format" and "lists" added to the head. False: too much for it. */
bool pack_write(json_t *head, struct names_writer *w, struct buf *out);
/* JSON of fwc 0.1 -> the bytes. 0, or -EINVAL and why: a name is bad. */
int pack_json(const json_t *j, struct buf *out, struct buf *why);
/* Either -> the head alone, with all that tells one from another; NULL: it is neither. */
json_t *pack_head(const struct buf *bytes);
/* The bytes -> JSON as fwc 0.1 has it; NULL and why. */
json_t *pack_unpack(const void *p, size_t n, struct buf *why);
/* Takes out of that, or of a head, what 0.1 refuses and can do without. NULL, or the word of the
 * policy that it does not know, static. */
const char *pack_make_old(json_t *j);

#endif
