/* SPDX-License-Identifier: GPL-2.0-or-later
 * Between the files of the reader only; the rest of fwc uses read_tables() of nft.h.
 *
 * A dump is what the kernel sends: messages of struct nfgenmsg and attributes, as
 * <linux/netfilter/nf_tables.h> has them. A rule is a list of expressions, each a step of a machine
 * with registers (net/netfilter/nf_tables_core.c); its statements are found by following what lies
 * in which register.
 */
#ifndef FWC_READ_H
#define FWC_READ_H

#include "nft/nft.h"
#include "nft/tlv.h"
#include "util/map.h"

#define READ_ATTRS 32 /* more than any object or expression has */

struct attrs { /* by their number */
	struct tlv v[READ_ATTRS];
	bool whole; /* there is nothing else */
};

struct raw_expr {
	const char *name;
	struct attrs attrs;
	struct tlv bytes; /* of all attributes */
};

struct raw_elem {
	struct tlv key, end; /* end: only of intervals within concatenations */
	uint32_t flags; /* NFT_SET_ELEM_* */
	struct ir_elem as; /* all but the key */
	struct tlv data; /* of maps whose values are no verdicts */
	const char *odd; /* what is not understood of it; NULL: nothing */
};

struct raw_set {
	const char *name;
	uint32_t flags; /* NFT_SET_* */
	uint32_t key_type, key_len; /* nft's number of the type: a hint */
	VEC(struct raw_elem) elems;
	size_t expected; /* elements, or fewer */
	struct ir_set *set; /* as the hint has it */
	bool host[IR_MAX_CONCAT]; /* its numbers are in this machine's byte order */
};

struct reader { /* of one table */
	struct arena *a;
	struct arena *work; /* of what is read by the last message */
	uint8_t family; /* NFPROTO_* */
	struct ir_ruleset *out;
	struct map sets; /* name -> struct raw_set */
	const char *hook; /* of the base chain whose rule is read; NULL: it is in no base chain */
	/* What was read before and is the same: objects of `like` whose keys are in `same`; or NULL
	 * both. */
	const struct ir_ruleset *like;
	const struct map *same;
};

/* ---- read.c ---- */

/* Whether the lengths of a message's attributes, and of what is in them up to expressions and
 * elements, are those of attributes, and none of them comes twice: else the kernel did not write
 * it.
 */
bool read_is_sound(const struct tlv_message *m);
void read_attrs(struct tlv bytes, size_t max, struct attrs *out);
/* Copies text; NULL where there is none. */
const char *read_text(struct arena *a, struct tlv t);
/* One expression, of NFTA_LIST_ELEM or NFTA_SET_ELEM_EXPR. False: it has no name. */
bool read_expr(struct arena *a, struct tlv bytes, struct raw_expr *out);
/* The comment in userdata, as diag_show() has it; NULL: none. */
const char *read_comment(struct arena *a, struct tlv userdata);
/* What is in NFTA_DATA_VALUE. */
struct tlv read_data(struct tlv data);
/* What is in NFTA_DATA_VERDICT. */
bool read_verdict(struct arena *a, struct tlv bytes, struct ir_verdict *out);
/* Name and content of what is not understood, the same for equal bytes. */
const char *read_odd(struct arena *a, const char *name, struct tlv bytes);

/* ---- read_set.c ---- */

struct raw_set *read_set(struct reader *r, struct tlv body);
void read_elem(struct reader *r, struct raw_set *s, struct tlv bytes);
/* When all elements are there: fills s->set->elems. */
void read_set_end(struct reader *r, struct raw_set *s);
/* Elements cut as a rule cuts them: widths in bytes, host: in this machine's byte order. False:
 * some cannot be. */
bool read_elems(struct arena *a, const struct raw_set *s, size_t n, const uint8_t *bytes,
		const bool *host, struct ir_elems *out);
/* A number of that many bytes. */
u128 read_number(const uint8_t *p, size_t n, bool host);

/* ---- read_rule.c ---- */

/* place: of the rule, for what is not the same in two rules. */
void read_rule(struct reader *r, const struct attrs *rule, const char *place, struct ir_rule *out);

#endif
