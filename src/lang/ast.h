/* SPDX-License-Identifier: GPL-2.0-or-later
 * What the parser makes of a policy file: the text's structure, names unresolved, comments kept.
 * Every node has the span it was read from. All of it lives in the compilation's arena.
 */
#ifndef FWC_AST_H
#define FWC_AST_H

#include "util/bulk.h"
#include "util/diag.h"

/* How a statement was laid out, for the printer. */
struct ast_break { /* a line that ends within a list, behind one of the statement's commas */
	uint32_t comma; /* which one, from 1 in the order of the canonical text */
	const char *trailing; /* comment at the end of that line, or NULL */
	VEC(const char *) comments; /* whole-line comments before the next item */
};

struct ast_layout {
	VEC(const char *) comments; /* whole-line comments above, "# ..." */
	const char *trailing; /* one behind it on its last line; for blocks: behind the '{' */
	const char *closing; /* blocks: one behind the '}' */
	bool blank_before;
	VEC(struct ast_break) breaks;
};

struct ast_word { /* a name or string with its place; s == NULL: absent */
	const char *s;
	struct span span;
};

/* One item of an endpoint or of a set: [!] (name | address | prefix | range | MAC |
 * suffix) [@zone]. */
struct ast_item {
	struct span span;
	bool negated;
	enum { ITEM_NAME, ITEM_ADDR, ITEM_MAC, ITEM_SUFFIX } kind;
	struct ast_word name; /* ITEM_NAME: zone, host, set, self, any or zones */
	enum family family; /* ITEM_ADDR */
	struct ival addr; /* ITEM_ADDR; ITEM_MAC, ITEM_SUFFIX: one value */
	bool range; /* ITEM_ADDR: written LOW-HIGH, which a prefix might say as well */
	uint8_t bits; /* ITEM_SUFFIX: how many of the low ones */
	struct ast_word zone; /* behind '@'; absent in set definitions */
	VEC(struct ast_word) but; /* what is taken away: zones, groups or self */
};

struct ast_endpoint {
	struct span span;
	VEC(struct ast_item) items;
};

struct ast_service {
	struct span span;
	enum {
		SERVICE_NAME, /* https, or a service of the policy */
		SERVICE_PORTS, /* tcp/443, udp/5000-5010, tcp+udp/655: proto (with ports), lo, hi */
		SERVICE_ICMP, /* icmp/echo-request, icmpv6/1/4: proto, type (name or number), code
			       */
		SERVICE_PROTO, /* proto/gre, proto/47: type (name or decimal number) */
	} kind;
	struct ast_word name;
	struct ast_word proto;
	struct ast_word type;
	uint16_t lo, hi;
	int code; /* of ICMP; -1: any */
	bool bare; /* ports alone: the protocol is that of the one before */
	bool whole; /* the protocol alone: tcp+udp */
};

enum rate_unit { RATE_SECOND = 1, RATE_MINUTE = 60, RATE_HOUR = 3600, RATE_DAY = 86400 };

struct ast_rate {
	uint32_t rate; /* 0: not said */
	enum rate_unit unit;
	uint32_t burst; /* 0: not given */
};

struct ast_log { /* log ["TAG"] [at RATE [burst N]] [level NAME | nflog GROUP] */
	struct span span; /* src NULL: absent; likewise below */
	struct ast_word tag;
	struct ast_rate at;
	uint8_t level; /* 0: not given; else 1 + what syslog(3) has */
	bool nflog;
	uint16_t group;
};

struct ast_then { /* then add source|destination to SET [for T], then remove ... from SET */
	struct span span;
	bool remove, destination;
	struct ast_word set;
	uint64_t seconds; /* 0: the set's own timeout */
};

struct ast_thens {
	struct ast_then *v;
	size_t n, cap;
};

struct ast_per { /* per source [/P4, /P6] */
	bool source;
	uint8_t prefix4, prefix6; /* 0: not given */
};

struct ast_qualifiers {
	struct ast_log log;

	struct span limit_span;
	struct ast_word limit_name; /* or what follows */
	struct ast_rate limit;
	struct ast_per limit_per;

	struct ast_word with; /* inspector */

	struct span max_span;
	uint32_t max_connections;
	struct ast_per max_per;

	struct ast_word quota; /* its name */

	struct span hours_span;
	uint16_t hours_from, hours_to; /* minutes since midnight, local time; to may be 1440 */
	struct span days_span;
	uint8_t days; /* bit 0 = Sunday ... bit 6 = Saturday */
	struct span after_span, until_span;
	int32_t after, until; /* dates, as days since 1970-01-01 */

	struct ast_word user, group;
	struct ast_word cgroup; /* its path below the root of cgroup v2, without / at either end */
	struct span mark_span;
	uint32_t mark, mark_mask;
	struct span dscp_span;
	uint8_t dscp;

	struct ast_thens then;
	struct ast_word helper;

	struct span family_span;
	enum family family; /* ipv4, ipv6 */
	struct span from_span;
	VEC(struct ival) from_ports;

	struct ast_word note; /* of a rule; other statements have theirs in ast_stmt */
	struct span else_span; /* else VERB [log ...] [then ...] */
	struct span else_verb_span;
	int else_verb; /* enum verb */
	struct ast_log else_log;
	struct ast_thens else_then;
};

enum verb { VERB_ALLOW, VERB_DROP, VERB_REJECT, VERB_INSPECT };

/* VERB FROM -> TO SERVICES QUALIFIERS; within a pair block from and to are the block's. */
struct ast_rule {
	bool some; /* expect some: one packet is enough */
	bool deny; /* expect deny: dropped or rejected; the verb means nothing */
	bool query; /* asked on the command line */
	enum verb verb;
	struct span verb_span;
	struct ast_endpoint from, to;
	struct span published; /* src != NULL: between TO and the services */
	VEC(struct ast_service) services;
	struct ast_qualifiers q;
};

struct ast_target { /* HOST[:PORT], [ADDRESS]:PORT, ADDRESS or LOW-HIGH */
	struct span span;
	struct ast_item item; /* not negated, no zone */
	uint16_t port; /* 0: kept */
	uint16_t port_last; /* of a range; else 0 */
	uint32_t weight; /* 0: not said */
};

enum nat_kind { NAT_MASQUERADE, NAT_SNAT, NAT_DNAT, NAT_REDIRECT, NAT_NONE, NAT_NETMAP };

struct ast_nat {
	enum nat_kind kind;
	struct ast_endpoint from, to;
	VEC(struct ast_service) services;
	struct ast_qualifiers q; /* those that only match */
	VEC(struct ast_target) targets; /* snat, dnat, netmap */
	uint16_t port; /* redirect */
	bool by_source;
	/* snat, masquerade: how the source is chosen */
	struct span ports_span; /* src NULL: not said */
	uint16_t ports_first, ports_last;
	bool random;
	struct span persistent_span;
	struct ast_word option; /* the only one, behind TO: a service of that name goes first */
	bool hairpin;
	struct ast_endpoint hairpin_zones; /* empty: those that the targets are in */
	struct span allow_span; /* src NULL: no rule comes with it */
	struct ast_qualifiers *allow; /* that rule's; of a statement that has one: they are large */
};

struct ast_clamp {
	struct ast_endpoint from, to;
	uint16_t mss; /* 0: pmtu */
};

struct ast_mark { /* mark FROM -> TO SERVICES MATCH as N[/MASK] */
	struct ast_endpoint from, to;
	VEC(struct ast_service) services;
	struct ast_qualifiers q; /* those that match */
	struct ast_word as; /* N[/MASK] */
	uint32_t value, mask; /* no mask: all bits */
};

struct ast_bypass { /* untracked, offload FROM -> TO SERVICES */
	struct ast_endpoint from, to;
	VEC(struct ast_service) services;
	struct ast_qualifiers q; /* those that match */
	struct span hardware; /* offload; src NULL: not said */
};

/* What is refused before any rule is asked. */
enum guard_kind {
	GUARD_EARLY, /* early drop FROM */
	GUARD_NETWORK, /* antispoof ZONES */
	GUARD_ROUTE, /* antispoof FROM by route */
};

struct ast_guard {
	enum guard_kind kind;
	struct ast_endpoint from;
	bool loose; /* GUARD_ROUTE */
	struct ast_qualifiers q; /* log alone */
};

struct ast_iface {
	struct span span;
	struct ival name;
};

struct ast_prefix {
	struct span span;
	enum family family;
	struct ival addr;
};

struct ast_zone_line { /* interface a, b or network c, d: so many items of that list */
	struct span span;
	struct ast_layout layout;
	enum {
		ZONE_INTERFACE,
		ZONE_NETWORK,
		ZONE_COMMENTS,
		ZONE_WITHIN,
		ZONE_IPSEC,
		ZONE_MARK,
		ZONE_USER,
		ZONE_GROUP
	} kind;
	size_t n;
};

struct ast_zone {
	struct ast_word name;
	VEC(struct ast_iface) interfaces;
	VEC(struct ast_prefix) networks;
	struct ast_word within; /* of a sub-zone: a zone or self; and what is asked there */
	struct span ipsec_span, mark_span; /* src != NULL: present */
	uint32_t mark, mask;
	struct ast_word user, group;
	VEC(struct ast_zone_line) lines; /* for the printer */
};

struct ast_group { /* zones NAME = ... */
	struct ast_word name;
	VEC(struct ast_word) zones; /* and groups */
};

struct ast_fetch { /* how what is known at run time is asked for, and how long it is kept */
	struct span refresh_span, expire_span, max_span, private_span; /* src NULL: absent */
	uint64_t refresh, expire; /* seconds; 0: not given */
	uint64_t max;
	struct ast_word sha256;
	struct span lenient_span;
};

struct ast_element { /* of a host or set definition */
	enum { ELEM_ITEM, ELEM_FILE, ELEM_DNS, ELEM_URL } kind;
	struct ast_item item;
	struct ast_word file; /* ELEM_FILE: as written */
	bool lenient; /* ELEM_FILE: lines that hold no address are left out */
	struct bulk content; /* ELEM_FILE: what was read from it, settled */
	struct ast_word source; /* ELEM_DNS, ELEM_URL: the name, the URL */
	bool goes_on; /* ELEM_DNS: the word stands before another name of the list */
	bool asks; /* what ast_names says of fetching stands behind it */
};

struct ast_names { /* host NAME = ..., set NAME = ... */
	struct ast_word name;
	bool is_host;
	VEC(struct ast_element) elements;
	bool dynamic;
	struct span prefixes_span; /* dynamic: its elements are networks; src NULL: addresses */
	struct span timeout_span, size_span;
	uint64_t timeout; /* seconds; 0: not given */
	uint32_t size; /* 0: not given */
	struct ast_fetch fetch;
};

struct ast_service_def {
	struct ast_word name;
	VEC(struct ast_service) services;
	struct ast_qualifiers q; /* from port */
};

struct ast_limit_def { /* limit NAME = RATE [burst N] [per source ...] */
	struct ast_word name;
	struct ast_rate rate;
	struct ast_per per;
};

struct ast_quota_def { /* quota NAME = N kB|MB|GB|TB */
	struct ast_word name;
	uint64_t bytes;
};

struct ast_log_def { /* log invalid|unmatched ... */
	bool unmatched;
	struct ast_log log;
};

struct ast_inspector_entry {
	struct span span;
	bool deny;
	bool reject; /* deny, and say so to both ends */
	/* NULL kind word: "allow any"; "sni", "payload"...: strings and file "..." behind it;
	 * "quic" and other facts: nothing; "rewrite": two strings */
	struct ast_word what;
	VEC(struct ast_word) strings;
	VEC(struct ast_word) files;
	VEC(const struct source *) contents; /* of the files that could be read */
	VEC(struct ast_word) answer; /* refused, nxdomain, or addresses; none: there is no answer */
	struct span answer_span;
};

struct ast_inspector_word { /* on-no-helper, on-error, on-timeout, on-overflow */
	struct ast_word what;
	bool allow;
};

struct ast_inspector {
	struct ast_word name;
	/* entries and words in the order written; exactly one of the two is used in each, none in
	 * comment lines */
	struct ast_inspector_line {
		struct ast_layout layout;
		bool is_comment; /* neither: only the comments at the end of the block */
		bool is_word;
		struct ast_inspector_entry entry;
		struct ast_inspector_word word;
	} * v;
	size_t n, cap;
};

struct ast_timeout_line { /* NAME DURATION */
	struct ast_layout layout;
	bool is_comment; /* only the comments at the end of the block */
	struct span span;
	struct ast_word name;
	uint64_t seconds;
};

struct ast_timeouts {
	VEC(struct ast_timeout_line) lines;
};

enum stmt_kind {
	STMT_FORWARDING,
	STMT_LIVE_FLOWS,
	STMT_ZONE,
	STMT_NAMES, /* host, set */
	STMT_SERVICE,
	STMT_RULE,
	STMT_BLOCK, /* pair block */
	STMT_NAT,
	STMT_CLAMP,
	STMT_GUARD,
	STMT_INSPECTOR,
	STMT_INSPECTION,
	STMT_EXPECT,
	STMT_INCLUDE,
	STMT_LIMIT,
	STMT_QUOTA,
	STMT_LOG, /* log invalid, log unmatched */
	STMT_COMMENTS, /* nothing else: before an empty line, at the end of a file or block */
	STMT_MARK,
	STMT_ZONES, /* a group of zones */
	STMT_UNTRACKED,
	STMT_TIMEOUTS,
	STMT_OFFLOAD,
};

#define INSPECTION_QUEUES_MAX 64

struct ast_inspection { /* one of them */
	bool has_mark; /* inspection mark MASK */
	uint32_t mask;
	uint16_t first, last; /* inspection queues FIRST-LAST */
};

struct ast_stmt;

struct ast_stmts {
	struct ast_stmt **v;
	size_t n, cap;
};

struct ast_stmt {
	enum stmt_kind kind;
	struct span span; /* the whole statement, without its comments */
	struct ast_layout layout;
	bool disabled; /* checked, and compiled to nothing */
	struct ast_word note; /* what somebody wants to know of it later */
	union {
		bool forwarding;
		bool live_flows; /* end; else keep */
		struct ast_zone zone;
		struct ast_group group;
		struct ast_names names;
		struct ast_service_def service;
		struct ast_limit_def limit;
		struct ast_quota_def quota;
		struct ast_log_def log;
		struct ast_rule rule; /* also STMT_EXPECT */
		struct {
			struct ast_endpoint from, to;
			struct ast_stmts rules; /* STMT_RULE, STMT_COMMENTS */
		} block;
		struct ast_nat nat;
		struct ast_clamp clamp;
		struct ast_mark mark;
		struct ast_guard guard;
		struct ast_bypass bypass;
		struct ast_timeouts timeouts;
		struct ast_inspector inspector;
		struct ast_inspection inspection;
		struct {
			struct ast_word pattern;
			struct ast_stmts files; /* the statements of all files, in order */
		} include;
	};
};

struct ast {
	struct ast_stmts stmts;
	/* Rules, of which there are many: once they are resolved nobody asks for them again. Their
	 * words are not in it. */
	struct arena *rules;
	VEC(struct source *) sources; /* every file read: policy, includes, set files */
	VEC(const char *) patterns; /* of includes; one that matches more files later is a change */
	/* After errors, so that what was reported once is not reported again where it is used:
	 * names whose declarations are not whole, and whether statements are missing altogether. */
	VEC(const char *) broken;
	bool incomplete;
};

#endif
