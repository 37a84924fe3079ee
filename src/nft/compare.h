/* SPDX-License-Identifier: GPL-2.0-or-later
 * Two rulesets, object by object: equal when their canonical texts are.
 */
#ifndef FWC_COMPARE_H
#define FWC_COMPARE_H

#include "nft/nft.h"
#include "util/map.h"

struct difference {
	const char *name;
	const char *kind; /* "chain", "set", "map" */
	const char *left, *right; /* canonical text; NULL where that side has no such object */
};

struct differences {
	struct difference *v;
	size_t n, cap;
};

/* A test of the family or of the protocol alone, and of what; a statement that looks at a field
 * which only packets have that pass such a test. */
bool stmt_asks(const struct ir_stmt *s, enum field *f, unsigned *value);
bool stmt_implies(const struct ir_stmt *s, enum field f, unsigned value);

/* A rule as it is read from the kernel: tests that others imply are left out, a port of one
 * protocol is that protocol's, values are sorted and joined. */
struct ir_rule normal_rule(struct arena *a, const struct ir_rule *r);
/* Elements of run time left out, ranges of plain interval sets joined. */
struct ir_set normal_set(struct arena *a, const struct ir_set *s);

const char *canonical_rule(struct arena *a, const struct ir_rule *r);
const char *canonical_chain(struct arena *a, const struct ir_chain *c);
const char *canonical_set(struct arena *a, const struct ir_set *s);

/* Two objects of one key that are known to be the same, for they were read once (read_own_like())
 */
bool object_shared(const char *key, const void *left, const void *right);
/* No text (NULL) is the same as none. */
bool same_text(const char *x, const char *y);
bool same_rule(const struct ir_rule *x, const struct ir_rule *y);
bool same_set(const struct ir_set *x, const struct ir_set *y);

/* "c:NAME" -> chain and "s:NAME" -> set for all that base chains lead to, themselves included. */
void ruleset_reach(const struct ir_ruleset *r, struct map *out);
/* The same from one chain. */
void chain_reach(const struct ir_ruleset *r, const char *chain, struct map *out);

/* Objects of both sides; with `within`, only those whose key ("c:NAME") is in it. */
void ruleset_compare(struct arena *a, const struct ir_ruleset *left, const struct ir_ruleset *right,
		     const struct map *within, struct differences *out);
/* Whether any object does, or one table sleeps and the other does not. */
bool ruleset_differs(struct arena *a, const struct ir_ruleset *left,
		     const struct ir_ruleset *right);

#endif
