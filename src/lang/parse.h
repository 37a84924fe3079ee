/* SPDX-License-Identifier: GPL-2.0-or-later
 * What the files of the parser share. It reads by recursive descent, one token ahead; nothing in
 * the language nests but an include in a file, and that has a limit.
 *
 * A parse function that yields false has reported a mistake after which it does not know where it
 * stands; the statement loop then goes on behind the statement (parse_resync). A mistake in a value
 * (a port too large) is reported and reading goes on within the statement, which yields true.
 */
#ifndef FWC_PARSE_H
#define FWC_PARSE_H

#include "lang/lang.h"
#include "lang/lex.h"
#include "util/map.h"

#define NAME_MAX_LEN 31
#define PORT_MAX 65535
#define USER_MAX 4294967294u /* (uid_t)-1 is nobody at all */

struct shared { /* by the parsers of all files of one policy */
	struct map files; /* path -> struct source; each is read once, however often it is named */
	unsigned opened;
	bool gave_up; /* there were too many errors */
};

struct parser {
	struct lexer lex;
	struct token tok; /* the one to be looked at */
	struct token prev; /* the one before it, not counting newlines */
	struct arena *arena;
	struct arena *nodes; /* for what the statement at hand is made of, but its words */
	struct diag *diag;
	struct loader *loader; /* NULL: includes and set files are not opened */
	struct ast *ast;
	struct shared *shared;
	const char *word; /* that begins the statement, as it should be spelt */
	struct ast_layout *layout; /* of the statement at hand; breaks in lists go there */
	uint32_t commas; /* seen in it */
	unsigned forgiven; /* errors in it after which it is clear all the same */
	const char *resynced; /* the text from where reading went on after the last mistake */
	bool query; /* asked on the command line: '@' may name an interface */
	const struct parser *parent; /* the file that includes this one */
	struct span included; /* and where it does */
	unsigned depth;
};

/* ---- parse.c: tokens, statements, blocks ---- */
void parse_advance(struct parser *p);
bool parse_accept(struct parser *p, enum token_kind kind);
bool parse_accept_word(struct parser *p, const char *word);
bool parse_at_word(const struct parser *p, const char *word);
bool parse_at_end(const struct parser *p); /* of the statement */
enum token_kind parse_peek(const struct parser *p);
struct token parse_next(const struct parser *p); /* the one after the one at hand */
struct span parse_here(const struct parser *p);
const char *parse_found(struct parser *p); /* the token, for "but X was found" */
char *parse_text(struct parser *p, struct token t);
const char *parse_words_until(struct parser *p, const char *stop, const char **rest);
struct ast_word parse_take_word(struct parser *p); /* the token must be a word */
struct ast_word parse_take_string(struct parser *p);
bool parse_name(struct parser *p, struct ast_word *out, const char *what);
bool parse_comma(struct parser *p);
void parse_resync(struct parser *p);
/* Whether the statement is not to be resolved: more was reported than was forgiven. */
bool parse_is_spoilt(const struct parser *p, unsigned errors);

enum gap { GAP_ITEM, GAP_COMMENTS, GAP_END };
enum gap parse_gap(struct parser *p, struct ast_layout *l, bool first);
bool parse_open(struct parser *p, struct ast_layout *l, struct span *brace);
void parse_close(struct parser *p, struct span brace);
void parse_line_end(struct parser *p, const char **comment);
bool parse_begins_statement(const struct parser *p);
/* Whether the block's end was forgotten: a statement that no block holds begins a line. */
bool parse_runs_out(const struct parser *p);
void parse_stmts(struct parser *p, struct ast_stmts *out);
struct span parse_since(const struct parser *p, struct token first);

/* ---- parse_endpoint.c ---- */
enum item_place { ITEM_OF_RULE, ITEM_OF_SET, ITEM_OF_HOST, ITEM_OF_TARGET };
bool parse_item(struct parser *p, struct ast_item *out, enum item_place where);
/* Reports a comma that nothing follows; `over` says that what stands here is not of the list. */
bool parse_dangling_comma(struct parser *p, bool over);
/* What other programs write for an interface that is none by that name; true if reported. */
bool parse_odd_interface(struct parser *p, struct ast_word w);
bool parse_endpoint(struct parser *p, struct ast_endpoint *out);
bool parse_pair(struct parser *p, struct ast_endpoint *from, struct ast_endpoint *to);
/* ---- parse_address.c ---- */
/* An address, prefix or range of n bytes; reports what is wrong with it. */
bool parse_address(struct parser *p, struct span at, const char *s, size_t n, enum family *family,
		   struct ival *out, enum item_place where);
/* The same without a report; why it is none is left in *why. */
bool address_of_text(const char *s, size_t n, enum family *family, struct ival *out,
		     const char **why);

/* ---- parse_suffix.c ---- */
bool parse_at_suffix(const struct parser *p, enum item_place where);
bool parse_suffix(struct parser *p, struct ast_item *out, enum item_place where);

/* ---- parse_zones.c ---- */
/* [ "but" ZONE { "," ZONE } ]; what was taken says whether the list is over with it. */
bool parse_but(struct parser *p, struct ast_item *item);
bool parse_but_follows(const struct parser *p);
/* Whether `zones` here declares a group: in a list that goes on from the line above it may be all
 * zones, with services behind it. */
bool parse_is_group(const struct parser *p);
bool parse_zones(struct parser *p, struct ast_stmt *s);
/* A line of a zone that makes it a sub-zone; which are those lines. */
bool parse_subzone_line(struct parser *p, struct ast_zone *z, struct ast_zone_line *line);
bool parse_at_subzone_line(const struct parser *p);

/* ---- parse_service.c ---- */
struct services_out {
	struct ast_service *v;
	size_t n, cap;
};
/* Nothing where no service stands. */
bool parse_services(struct parser *p, struct services_out *out);
/* PORT [ "-" PORT ]; `fix` is what stands before it where it is written in full. */
void parse_ports(struct parser *p, const char *s, struct span at, const char *fix, uint16_t *lo,
		 uint16_t *hi);
bool parse_port(struct parser *p, struct span at, const char *s, size_t n, uint16_t *out);

/* ---- parse_rule.c, parse_qualifier.c, parse_nat.c, parse_guard.c, parse_define.c,
 * parse_inspector.c, include.c: statements; the first word is still there ---- */
bool parse_rule(struct parser *p, struct ast_stmt *s);
bool parse_pair_block(struct parser *p, struct ast_stmt *s);
bool parse_query(struct parser *p, struct ast_stmt *s);
bool parse_expect(struct parser *p, struct ast_stmt *s);
enum qualified { /* what stands before qualifiers, and so which of them it may have */
		 OF_RULE = 1,
		 OF_QUESTION = 2, /* expect, and what is asked of explain */
		 OF_NAT = 4,
		 OF_SERVICE = 8, /* its definition */
		 OF_PACKET = 16, /* untracked, offload */
		 OF_MARK = 32,
};
bool parse_qualifiers(struct parser *p, struct ast_qualifiers *q, enum qualified of);
/* Reports a comma behind what is no list. */
bool parse_stray_comma(struct parser *p);
/* Reports a word that is no duration. */
void parse_no_duration(struct parser *p, struct ast_word w);
/* note = "note" STRING, which stands behind the statement; where there is none, nothing. */
bool parse_note(struct parser *p, struct ast_word *out);
bool qualifier_is_of(const char *word, enum qualified of);
/* Only log, if it is there. */
bool parse_only_log(struct parser *p, struct ast_log *log);
/* The word at hand, which `what` names; a number from 1 to max; a word of the qualifier's own,
 * which stands in `form`. Each reports if there is none. */
bool parse_want_word(struct parser *p, struct ast_word *out, const char *what);
bool parse_want_number(struct parser *p, uint64_t max, uint64_t *out, const char *what);
bool parse_want_exactly(struct parser *p, const char *word, const char *form);
/* At PROTOCOL "/" PORT, which is neither a word of the language nor an address. */
bool parse_at_service(struct parser *p);
/* What takes no services, and of qualifiers at most log, has been read. True if that was all; else
 * reports a service or qualifier that stands there, with the hint. */
bool parse_nothing_more(struct parser *p, const char *hint);
bool parse_verb(struct parser *p, enum verb *out, struct span *at);
bool parse_rule_end(struct parser *p, const struct services_out *services);
bool parse_nat(struct parser *p, struct ast_stmt *s);
bool parse_clamp(struct parser *p, struct ast_stmt *s);
bool parse_mark(struct parser *p, struct ast_stmt *s); /* parse_mark.c */
bool parse_forwarding(struct parser *p, struct ast_stmt *s);
bool parse_live_flows(struct parser *p, struct ast_stmt *s);
bool parse_zone(struct parser *p, struct ast_stmt *s);
bool parse_host(struct parser *p, struct ast_stmt *s);
bool parse_set(struct parser *p, struct ast_stmt *s);
bool parse_service_def(struct parser *p, struct ast_stmt *s);
bool parse_inspector(struct parser *p, struct ast_stmt *s);
bool parse_inspection(struct parser *p, struct ast_stmt *s);
bool parse_include(struct parser *p, struct ast_stmt *s);
bool parse_antispoof(struct parser *p, struct ast_stmt *s);
bool parse_untracked(struct parser *p, struct ast_stmt *s);
bool parse_offload(struct parser *p, struct ast_stmt *s);
bool parse_early(struct parser *p, struct ast_stmt *s);
bool parse_timeouts(struct parser *p, struct ast_stmt *s); /* parse_timeouts.c */
/* Whether `timeouts` here begins that statement; else it is a name. */
bool parse_is_timeouts(const struct parser *p);
void parse_set_file(struct parser *p, struct ast_element *e); /* list.c */
/* parse_fetch.c: dns "NAME", url "URL", and what stands behind them. Whether one is here. */
bool parse_at_fetch(const struct parser *p);
bool parse_not_fetch(struct parser *p); /* ! dns: an error */
bool parse_fetch(struct parser *p, struct ast_names *n, struct ast_element *e);
/* What belongs to all of them stands behind the last. */
void parse_fetch_whole(struct parser *p, const struct ast_names *n);
/* A file of names, one in each line; a list of addresses. NULL if it was not opened. */
const struct source *parse_name_file(struct parser *p, struct ast_word file);
const struct source *parse_list_file(struct parser *p, struct ast_word file);

/* ---- parse_act.c; first: the word that begins it, which has been taken ---- */
bool parse_log(struct parser *p, struct token first, struct ast_log *log);
bool parse_then(struct parser *p, struct token first, struct ast_thens *out);
bool parse_else(struct parser *p, struct token first, struct ast_qualifiers *q);
bool parse_log_def(struct parser *p, struct ast_stmt *s);
const char *log_level_name(uint8_t level); /* of struct ast_log; given */

/* ---- parse_limit.c ---- */
bool parse_rate(struct parser *p, struct ast_rate *out);
bool parse_burst(struct parser *p, uint32_t *burst);
bool parse_limit(struct parser *p, struct ast_qualifiers *q);
bool parse_max(struct parser *p, struct ast_qualifiers *q);
bool parse_quota(struct parser *p, struct ast_qualifiers *q);
bool parse_cgroup(struct parser *p, struct ast_qualifiers *q);
bool parse_limit_def(struct parser *p, struct ast_stmt *s);
bool parse_quota_def(struct parser *p, struct ast_stmt *s);

/* ---- hint.c: hints for words and values as others write them, or NULL ---- */
const char *hint_foreign(const char *word, const char *next); /* whose rule begins with these */
const char *hint_pair(struct arena *a, const char *word);
bool hint_is_but(const char *word);
const char *hint_statement(const char *word);
const char *hint_statement_called(const char *word); /* the statement's word */
const char *hint_zone_word(const char *word); /* that of a zone's line */
/* Texts to write instead. */
const char *hint_duration(struct arena *a, const char *word);
const char *hint_size(struct arena *a, const char *word);
const char *hint_hours(struct arena *a, const char *word);
const char *hint_days(struct arena *a, const char *word);
const char *hint_date(struct arena *a, const char *word);
const char *hint_network(struct arena *a, const char *word, size_t n);
const char *hint_range(struct arena *a, const char *word, size_t n);

/* ---- words.c ---- */
extern const char *const verb_words[];
extern const char *const qualifier_words[];
extern const char *const service_words[];
extern const char *const published_words[];
extern const char *const log_words[];
extern const char *const fact_words[]; /* of inspectors: what needs no string */
extern const char published_hint[];
extern const char *const timeout_words[];
bool word_in(const char *const *list, const char *s, size_t n);
bool word_is_reserved(const char *s);
bool word_is_name(const char *s); /* its characters; not its length */
/* What other firewalls call by another word; NULL if it is not one of those. */
const char *word_synonym(const char *word);
const char *word_nearest(const char *const *list, const char *word);

/* What stands behind the sources of antispoof or early drop. */
const char *guard_tail(const struct ast_guard *g);

/* ---- align.c ---- */
/* Of the statement at s, whose canonical text is what `out` holds from `start` on: the author's
 * wider gaps between words; and how he indents its lines. */
void align_statement(struct buf *out, size_t start, struct span s, bool indents);
/* The gap before the comment behind it. */
uint32_t align_comment(struct span s);

/* ---- print_zone.c ---- */
void interface_print(struct buf *out, struct ival name); /* as a zone names it */
void subzone_line_print(struct buf *out, const struct ast_zone *z,
			const struct ast_zone_line *line);

/* ---- print_fetch.c ---- */
void fetch_print(struct buf *b, const struct ast_names *n, const struct ast_element *e);

/* ---- value.c ---- */
bool value_mark(const char *s, uint32_t *out);
void mark_print(struct buf *b, uint32_t value, uint32_t mask);
bool value_masked(const char *s, uint32_t *value, uint32_t *mask);
bool value_dscp(const char *s, uint8_t *out);
void dscp_print(struct buf *b, uint8_t dscp);
bool value_duration(const char *s, uint64_t *seconds);
bool value_rate(const char *s, uint32_t *rate, enum rate_unit *unit);
bool value_hours(const char *s, uint16_t *from, uint16_t *to);
bool value_hours_none(const char *s); /* HH:MM-HH:MM, both the same */
bool value_days(const char *s, uint8_t *days);
/* What follows a target's address, and what says how a translation chooses. */
void target_rest_print(struct buf *b, const struct ast_target *t);
void nat_choice_print(struct buf *b, const struct ast_nat *n);
void string_print(struct buf *b, const char *s); /* in quotes */
void days_print(struct buf *b, uint8_t days);
/* Of a civil date: days since 1970-01-01. */
int32_t day_of_date(int year, int month, int day);
/* "50", "GB" */
extern const struct byte_unit {
	const char *word;
	uint64_t bytes;
} byte_units[];
bool value_bytes(const char *number, const char *unit, uint64_t *bytes);
bool value_date(const char *s, int32_t *day); /* since 1970-01-01 */
void bytes_print(struct buf *b, uint64_t bytes);
void date_print(struct buf *b, int32_t day);
/* " hours ... days ... after ... until ...", of what is said of them */
void times_print(struct buf *b, const struct ast_qualifiers *q);
const char *rate_unit_name(enum rate_unit unit);

#endif
