/* SPDX-License-Identifier: GPL-2.0-or-later
 * Ruleset IR -> nft's own text; the kernel's messages -> ruleset IR; all pure.
 */
#ifndef FWC_NFT_H
#define FWC_NFT_H

#include "nft/ir.h"

struct ir_ruleset *ruleset_new(struct arena *a);
/* Names the object "STEM.HASH" by its content (all it refers to must be named), and adds it; an
 * equal object that is there already is returned instead. Elements get sorted. */
struct ir_chain *ruleset_seal_chain(struct ir_ruleset *r, struct ir_chain *c);
struct ir_set *ruleset_seal_set(struct ir_ruleset *r, struct ir_set *s);
/* "lan-wan.0123456789ab" -> "lan-wan"; a name without such a tail is its own stem. */
const char *ruleset_stem(struct arena *a, const char *name);
/* Under the name given in c->name / s->name: base chains, dynamic sets, objects read back. */
void ruleset_add_chain(struct ir_ruleset *r, struct ir_chain *c);
void ruleset_add_set(struct ir_ruleset *r, struct ir_set *s);
struct ir_chain *ruleset_chain(const struct ir_ruleset *r, const char *name); /* or NULL */
/* In which order the kernel asks two base chains of a hook, the nth and mth that it was given: of
 * equal priority the one first that came last. */
int ruleset_base_cmp(const struct ir_chain *x, size_t nth, const struct ir_chain *y, size_t mth);
bool ruleset_has_base(const struct ir_ruleset *r); /* it is on some hook */
struct ir_set *ruleset_set(const struct ir_ruleset *r, const char *name); /* or NULL */
/* Sets of a ruleset as read that have the names of bulk sets get their content from where it is
 * known, for it is not read with them. */
void ruleset_take_bulk(struct ir_ruleset *r, const struct ir_ruleset *known);

/* Text as a comment of a rule: printable, without quotes, at most IR_MAX_COMMENT bytes. */
const char *ir_comment(struct arena *a, const char *text);

/* What of a rule a kernel may lack ("log,queue"), and the rule that stands in for it there; its
 * text NULL: there is none that would let nothing more pass. False: it needs nothing like that. */
bool rule_standin(struct arena *a, const struct ir_ruleset *set, const struct ir_rule *r,
		  const char **needs, const char **instead);

/* The same of a connection helper or a flowtable. */
const char *helper_needs(struct arena *a, const struct ir_set *helper);

/* The whole nft script, header first, `# file:line` before each rule; fills text_off and text_len
 * (the object's block, from "\tset NAME {" to its closing "\t}\n"; a `table inet fwc {` line stands
 * before the first and a `}` behind the last). */
void emit_script(struct buf *out, struct ir_ruleset *r, const char *policy_path);
/* Canonical text, the same for equal content: one object, one rule, one element, one value.
 * Without counters' values, handles, places and elements that run time made. */
void emit_chain(struct buf *out, const struct ir_chain *c, bool with_places);
void emit_set(struct buf *out, const struct ir_set *s, bool with_places);
void emit_rule(struct buf *out, const struct ir_rule *r); /* with comment */
void emit_elem(struct buf *out, const struct ir_set *s, const struct ir_elem *e); /* with comment */
void emit_key(struct buf *out, const enum field *f, size_t n, const struct ival *key);
void emit_value(struct buf *out, enum field f, struct ival v);
/* An address of 48 bits. */
/* Whether it is a word of the name of a field; one of a value. */
bool emit_is_field(const char *s, size_t n);
bool emit_is_symbol(const char *s, size_t n);

/* What it is to nft: "set", "map", "ct helper". */
const char *ir_set_word(const struct ir_set *s);

/* By their keys. */
void ir_elems_sort(struct ir_elems *e);
bool ir_elems_sorted(const struct ir_elems *e);
/* Two struct ir_elem, as qsort(3) wants it. */
int ir_elem_cmp(const void *a, const void *b);

struct ir_table {
	uint8_t family; /* NFPROTO_* */
	const char *name;
	struct ir_ruleset *ruleset;
};

struct ir_tables {
	struct ir_table *v;
	size_t n, cap;
};

/* A dump of the kernel's messages (kernel/dump.h) -> IR. What is not understood becomes IR_UNKNOWN,
 * never an error and never nothing; false only if the bytes are no messages. */
bool read_tables(struct arena *a, const void *bytes, size_t n, struct ir_tables *out);
/* Interfaces that rules name by their numbers get names: `links` has a line for each that there is,
 * as links_names() has. */
void ir_tables_name_links(struct arena *a, struct ir_tables *t, const char *links);
const char *ir_family_name(uint8_t family); /* "inet" */
struct ir_table *ir_tables_find(const struct ir_tables *t, uint8_t family, const char *name);
/* Table inet fwc alone; empty if it is not there; NULL if the bytes are no messages. */
struct ir_ruleset *read_own(struct arena *a, const void *bytes, size_t n);
/* The same; objects whose keys ("c:NAME", "s:NAME") are in `same` are known to be those of `like`,
 * but for what they count, and are not read again: they share rules and elements with it. Base
 * chains, and what packets fill, are. */
struct ir_ruleset *read_own_like(struct arena *a, const void *bytes, size_t n,
				 const struct ir_ruleset *like, const struct map *same);

#endif
