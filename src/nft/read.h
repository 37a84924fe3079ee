/* SPDX-License-Identifier: GPL-2.0-or-later
 * Between the files of the reader only; the rest of fwc uses read_listing() of nft.h.
 */
#ifndef FWC_READ_H
#define FWC_READ_H

#include "nft/nft.h"

/* Each yields false for what it does not understand; *out is then worth nothing. */
bool read_value(struct arena *a, enum field f, const json_t *j, struct ival *out);
bool read_key(struct arena *a, const enum field *f, size_t n, const json_t *j, struct ival *out);
bool read_sel(struct arena *a, const json_t *j, struct ir_sel *out);
bool read_verdict(struct arena *a, const json_t *j, struct ir_verdict *out);
/* An element of a set, or of a verdict map if is_map. */
bool read_elem(struct arena *a, const enum field *f, size_t n, bool is_map, const json_t *j,
	       struct ir_elem *out);
/* Always yields a statement, if need be IR_UNKNOWN. */
struct ir_stmt read_stmt(struct arena *a, const json_t *j);

const char *read_str(struct arena *a, const json_t *object, const char *key); /* or NULL */
/* As diag_show() has it, which changes none of fwc's own. Or NULL. */
const char *read_comment(struct arena *a, const json_t *object);
uint64_t read_num(const json_t *object, const char *key); /* or 0 */
const char *read_compact(struct arena *a, const json_t *j);
/* Whether a NULL-terminated list has that member; whether the object has no members but those. */
bool read_among(const char *member, const char *const *known);
bool read_only(const json_t *object, const char *const *known);

#endif
