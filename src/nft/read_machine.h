/* SPDX-License-Identifier: GPL-2.0-or-later
 * Between the files that follow a rule's expressions: what lies in the registers, and what the rule
 * has asked of the packet so far.
 */
#ifndef FWC_READ_MACHINE_H
#define FWC_READ_MACHINE_H

#include "nft/read.h"

#define REGISTERS 16 /* of 4 bytes: NFT_REG32_00 and on */
#define AWAITED 8
#define SLICE_BYTES 16 /* what can be masked, or compared as one number */

enum slice_source {
	FROM_FIELD, /* of field_table, all of it */
	FROM_PAYLOAD, /* bytes of the packet */
	FROM_VALUE, /* bytes of the rule itself */
	FROM_MAP, /* of numgen inc mod N, jhash or a port: what an anonymous map has for it */
	FROM_NUMGEN, /* inc */
	FROM_SYMHASH,
	FROM_JHASH, /* of the source address, by IR_HASH_SEED */
	FROM_PATH_MTU, /* rt tcpmss */
	FROM_ETHERTYPE, /* meta protocol */
	FROM_ELSEWHERE, /* anything else: only its text */
};

enum slice_lack { /* of FROM_ELSEWHERE: whether there may be none, and then the rule ends */
		  LACKS_NEVER, /* or it has been asked for */
		  LACKS_CONNECTION, /* where the packet is of none */
		  LACKS_ITSELF,
};

struct mark_made { /* ((mark & mask) << up) ^ flip */
	bool ct;
	int up; /* below 0: down */
	uint32_t mask, flip;
};

struct slice { /* what one load put into registers */
	enum slice_source from;
	enum slice_lack lack;
	bool boolean; /* of FROM_ELSEWHERE: 0 or 1 */
	const struct slice *of; /* as it was loaded */
	const struct ir_stmt *hit; /* of FROM_MAP: the key is one that the map has */
	uint32_t bytes;
	enum field field;
	bool host; /* a number in this machine's byte order */
	uint8_t base; /* enum nft_payload_bases */
	uint32_t offset; /* of FROM_PAYLOAD; of FROM_NUMGEN and FROM_SYMHASH what is added */
	uint32_t modulus;
	bool masked; /* (it & mask) ^ flip */
	uint8_t mask[SLICE_BYTES], flip[SLICE_BYTES];
	uint8_t shift; /* and then to the right; only of one byte of FROM_PAYLOAD */
	struct tlv value;
	const struct raw_set *map;
	const struct ir_stmt *keys; /* of what `map` gave: the match that it has the key */
	enum family by_source; /* of FROM_JHASH, and of FROM_MAP that is asked with it */
	bool by_port; /* of FROM_MAP: asked with the destination port */
	const struct mark_made *mark; /* of FROM_ELSEWHERE: it is that; or NULL */
	const char *text; /* the same for the same value of the same packet */
};

struct word {
	const struct slice *slice; /* NULL: nothing is known to lie there */
	uint32_t at; /* which word of it */
};

struct machine {
	struct reader *r;
	struct arena *a;
	struct ir_rule *out;
	struct word word[REGISTERS];
	enum family family; /* that the packet is known to be of, FAM_NONE: any */
	int proto; /* of layer 4, -1: any */
	const char *place; /* of the rule: chain and number */
	bool astray; /* something was written to a register that there is not */
	unsigned nameless; /* how many values of the rule have had no name */
	struct ir_rule *outer; /* while alternatives are made: the rule that they are for */
	struct ir_rule *either;
	size_t neither;
	const struct slice
		*awaited[AWAITED]; /* loads that may have found nothing; see machine_await() */
	size_t nawaited;
	const struct slice *from; /* what the last statement says begins somewhere: `cmp gte` */
	const struct slice *chosen; /* while one element of its map is looked at: this lies there */
	struct tlv chosen_data;
};

/* ---- read_rule.c ---- */

/* The word that a register's number names; -1: none. */
int machine_word(uint64_t number);
/* What lies in `bytes` bytes from a word on, if it is one load and begins there; NULL otherwise. */
const struct slice *machine_slice(const struct machine *m, int word, uint32_t bytes);
/* The name of what lies in a word; of what nobody knows one that nothing else has. */
const char *machine_text(struct machine *m, int word);
/* Whether an expression may say one thing now and another then of the same packet: it counts, or it
 * throws dice. */
bool read_has_state(const struct raw_expr *e);
/* A load, into the register of that number; of what is no field: as wide as the widest value is. */
void machine_put(struct machine *m, uint64_t number, struct slice s);
void machine_put_elsewhere(struct machine *m, uint64_t number, const struct raw_expr *e,
			   enum slice_lack lack);
struct slice machine_field(enum field f, bool host);
struct ir_stmt *machine_stmt(struct machine *m, enum ir_stmt_kind kind);
/* A match; its values are added, or it has one. */
struct ir_stmt *machine_match(struct machine *m, enum field f, u128 mask, enum ir_op op);
void machine_value(struct machine *m, struct ir_stmt *s, struct ival v);
void machine_match_one(struct machine *m, enum field f, u128 mask, enum ir_op op, struct ival v);
/* Statements up to the next `or` or the end are what one alternative asks for: between begin and
 * end nothing but matches, which cannot fail. */
void machine_either_begin(struct machine *m);
void machine_either_or(struct machine *m);
void machine_either_end(struct machine *m, const char *text);
void machine_either_drop(struct machine *m);
void machine_unknown(struct machine *m, enum ir_unknown_kind kind, const struct raw_expr *e);

/* ---- read_ct.c: false if it is no load ---- */

bool read_ct(struct machine *m, const struct raw_expr *e);

/* ---- read_name.c ---- */

/* Of what an expression loads. */
const char *read_name(struct machine *m, const struct raw_expr *e);
const char *read_payload_name(struct arena *a, uint8_t base, uint32_t offset);
const char *tlv_hex(struct arena *a, struct tlv data);
const char *read_masked_name(struct arena *a, const char *of, struct tlv mask, struct tlv flip);
/* Of all that lies in `bytes` bytes from a word on. */
const char *read_key_name(struct machine *m, int word, uint32_t bytes);
/* What a set holds: the same for equal contents, whatever the set is called. */
const char *read_content(struct machine *m, const struct raw_set *s);

/* ---- read_match.c: each false if the expression is not understood ---- */

bool read_cmp(struct machine *m, const struct raw_expr *e);
bool read_range(struct machine *m, const struct raw_expr *e);
/* Whether it turns bits over. */
bool slice_flips(const struct slice *s);
/* Of what is no part of a header: there the mask has said which field it is. */
u128 slice_mask(const struct slice *s);
/* Of numbers with so many bits below a field's, those in which these are 0; false: there are none.
 */
bool slice_lift(struct ival *v, uint32_t low);

/* ---- read_lookup.c ---- */

bool read_lookup(struct machine *m, const struct raw_expr *e);
/* What lies in the registers as a selector, and how. */
struct part { /* of a key: how a field lies in it */
	bool host; /* a number in this machine's byte order */
	uint8_t bytes, low; /* below it are so many bits that are none of it, and 0 */
};
bool read_sel(struct machine *m, int word, uint32_t bytes, struct ir_sel *out, struct part *parts);

/* ---- read_present.c ---- */

/* It was loaded: unless a match says so, what comes next has to ask whether it is there. */
void machine_await(struct machine *m, const struct slice *s);
/* A match has said so. */
void machine_said(struct machine *m, const struct slice *s);
/* So does a condition that only what is there can meet; but whether there is a connection is known
 * of the packet. */
void machine_found(struct machine *m, const struct slice *s);
/* Asks for all that was loaded. */
void machine_say_awaited(struct machine *m);

/* ---- read_place.c ---- */

struct place { /* of a field in a header */
	uint8_t base; /* enum nft_payload_bases */
	uint16_t bit; /* the first, from the header's beginning */
	enum family family; /* FAM_NONE: any */
	int proto; /* -1: any that has ports, or one that is not known */
	enum field field;
};

uint32_t place_bits(const struct place *p);
/* The place that has a bit, of packets as the rule has asked for; or NULL. */
const struct place *place_at(const struct machine *m, uint8_t base, uint32_t bit);
/* The field that the bits of a load are which the rule asks for; *low: below it are so many others,
 * which are masked out. NULL: they are no field. */
const struct place *place_of(const struct machine *m, const struct slice *s, uint32_t *low);
/* Whether a payload expression is about bytes that some field is made of. */
bool read_is_field(const struct raw_expr *e);
/* Whether a packet of which a bit of a header is set goes on as one that other rules can speak of;
 * *changes: with what of it another. */
bool read_settable(const struct machine *m, uint64_t base, uint64_t bit, unsigned *changes);

/* ---- read_stmt.c ---- */

/* Whether there is a statement of that name, and it is understood. */
bool read_stmt(struct machine *m, const struct raw_expr *e);
/* What a packet goes through that meets an expression of which no more is known than its name. */
enum ir_unknown_kind read_unknown_kind(const struct raw_expr *e);

/* ---- read_nat.c: each false if the expression is not understood ---- */

/* One statement for each element of the map that gave `s`, as `read` makes it of its data:
 * see ir.h. */
typedef bool machine_reads(struct machine *m, const struct raw_expr *e, struct ir_stmt *out);
bool read_by_map(struct machine *m, const struct raw_expr *e, const struct slice *s,
		 machine_reads *read, enum ir_unknown_kind kind);
/* The bytes that the rule itself, or the element that is looked at, puts into a register. */
bool read_value(const struct machine *m, struct tlv number, uint32_t bytes, struct tlv *out);
bool read_translation(struct machine *m, const struct raw_expr *e);
bool read_masquerade(struct machine *m, const struct raw_expr *e);
bool read_redirect(struct machine *m, const struct raw_expr *e);

/* ---- read_mark.c ---- */

/* What a bitwise expression makes of a mark; NULL: it is another, or another's. */
const struct mark_made *read_mark_changed(const struct machine *m, const struct raw_expr *e);
/* A mark is set; false if the expression is not understood. */
bool read_set_mark(struct machine *m, const struct raw_expr *e);

/* ---- read_xt.c ---- */

bool read_xt(struct machine *m, const struct raw_expr *e);

#endif
