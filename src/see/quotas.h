/* SPDX-License-Identifier: GPL-2.0-or-later
 * What is used of the quotas that the kernel holds.
 */
#ifndef FWC_SEE_QUOTAS_H
#define FWC_SEE_QUOTAS_H

#include <jansson.h>

#include "nft/ir.h"
#include "store/store.h"

struct quota_entry {
	const char *name;
	uint64_t bytes, used;
	uint64_t reset; /* seconds since 1970, by `fwc quota reset`; 0: never, or nobody knows */
};

struct quota_list {
	struct quota_entry *v;
	size_t n, cap;
};

/* Of the rules in force: all, or the one of that name; its object is "quota.NAME". `s` may be
 * closed, or not for this user: then no reset is known. */
void quotas_look(const struct ir_ruleset *live, const struct store *s, struct arena *a,
		 const char *name, struct quota_list *out);
const char *quota_object_name(struct arena *a, const char *name);
bool quota_used_up(const struct quota_entry *q);
/* "16.5 kB of 100 kB, used up" */
void quota_print(struct buf *b, const struct quota_entry *q);
/* Lines of `fwc status`. */
void quotas_print(const struct quota_list *l);
json_t *quotas_json(const struct quota_list *l);
/* On record that these begin again now; 0 or -errno with why filled. The store is locked. */
int quotas_note_reset(struct store *s, const struct quota_list *l, uint64_t now, struct buf *why);

#endif
