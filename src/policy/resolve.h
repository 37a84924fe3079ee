/* SPDX-License-Identifier: GPL-2.0-or-later
 * What the files that turn the AST into a policy share.
 */
#ifndef FWC_RESOLVE_H
#define FWC_RESOLVE_H

#include "lang/lang.h"
#include "policy/policy.h"

struct decl { /* a zone, host or set */
	enum { DECL_ZONE, DECL_HOST, DECL_SET, DECL_GROUP } kind;
	const char *name;
	struct span span;
	const struct ast_names *ast; /* hosts and sets */
	int zone; /* DECL_ZONE: its number */
	const struct ast_group *group; /* DECL_GROUP */
	struct place_list zones; /* of it, once DONE */
	struct dynset *dyn; /* a dynamic set */
	struct dynset *asked; /* what of it DNS or a URL says; or NULL */
	VEC(const struct dynset *) runs; /* once DONE: of run time, besides what follows */
	enum { FRESH, BUSY, DONE } state;
	struct ivset v4, v6, macs; /* once DONE */
	struct suffixed_list suffixed;
	const struct bulk_list *bulk4, *bulk6; /* or NULL: too many for v4 or v6 */
	bool reported; /* it has an error, so being empty is no news */
	bool used;
};

struct service_decl {
	const struct ast_service_def *ast;
	enum { SERVICE_FRESH, SERVICE_BUSY, SERVICE_DONE } state;
	struct services services;
};

struct resolver {
	struct policy *p;
	struct arena *arena;
	struct diag *diag;
	struct map names; /* -> struct decl */
	struct map services; /* -> struct service_decl */
	VEC(const struct ast_zone *) zone_asts; /* by the number of the zone */
	struct map inspectors; /* -> struct ast_inspector */
	struct map limits; /* -> struct limit_decl */
	struct map quotas; /* -> struct quota */
	VEC(const struct source *) lists; /* of names, that were checked */
	struct map texts; /* canonical rule text -> unsigned *, how often seen */
	struct map broken; /* names whose declarations the parser reported already */
	bool query; /* at hand is a question: '@' may name an interface */
	bool disabled; /* at hand is a statement that leaves nothing behind */
	bool incomplete; /* the parser missed statements: any name may be declared there */
};

/* Which end of its packets a statement speaks of; SIDE_BOTH: packets the other way, too, have it as
 * their other end. */
enum side_of { SIDE_FROM, SIDE_TO, SIDE_BOTH };

/* Whether an unknown name is known to the user already, from the parser's errors. */
bool resolve_excused(const struct resolver *r, const char *name);
/* names.c: an address, a name or a negated one; the elements of a host or set */
struct decl *resolve_name(struct resolver *r, struct ast_word w, const char *wanted);
bool resolve_decl(struct resolver *r, struct decl *d);
bool decl_is_empty(const struct decl *d);
bool decl_is_open(const struct decl *d); /* and has nothing but what is known at run time */
/* `macs` NULL: only addresses of IP are taken here. v4 or v6 NULL: a bulk list of that family is
 * not taken apart. */
void resolve_item_addrs(struct resolver *r, const struct ast_item *item, struct ivset *v4,
			struct ivset *v6, struct suffixed_list *suffixed, struct ivset *macs);
/* runtime.c: what of a host or set is known at run time only */
void declare_runtime(struct resolver *r, struct decl *d);
void resolve_runtime(struct resolver *r, struct decl *d, const struct decl *of);
void limit_runtime(struct resolver *r, struct decl *d, const struct bulk *less, bool suffixed);
/* What the item names that is; NULL: nothing. Reports it where a whole address is wanted. */
const struct decl *item_runtime(const struct resolver *r, const struct ast_item *item);
bool refuse_runtime(struct resolver *r, const struct ast_item *item, enum nat_kind kind);
void negate_runtime(struct resolver *r, const struct ast_item *item, const struct decl *d,
		    struct addrs *out);
void warn_runtime(struct resolver *r);

/* cgroup.c; asked: it is an expectation, or a question */
void resolve_cgroup(struct resolver *r, const struct ast_rule *ast, struct rule *out, bool asked);
void finish_cgroups(struct resolver *r);
/* suffix.c: of all IPv6 addresses; (v6, list) less (less, but); and where it may stand, when all
 * else is resolved */
struct suffixed suffixed_of(struct arena *a, u128 value, unsigned bits);
void suffixed_subtract(struct arena *a, struct ivset *v6, struct suffixed_list *list,
		       const struct ivset *less, const struct suffixed_list *but);
void refuse_suffix(struct resolver *r, struct span at, const char *name, bool dnat);
void finish_suffixes(struct resolver *r);
/* link.c: which station sent it; what goes to many at once */
bool is_group_word(const char *s);
bool resolve_group_word(struct resolver *r, const struct ast_item *item, struct place_item *out,
			enum side_of side);
void check_broadcast(struct resolver *r, const struct endpoint *to, enum family family);
void mac_add(struct arena *a, struct ivset *to, u128 mac);
void refuse_mac(struct resolver *r, struct span at, const char *name);
void check_station(struct resolver *r, const struct ast_item *item, struct place_item *out,
		   enum side_of side);
/* places.c: groups of zones, and what `but` takes away */
void declare_group(struct resolver *r, const struct ast_group *ast);
const char *decl_kind(const struct decl *d); /* "group of zones" */
bool resolve_group(struct resolver *r, struct decl *d);
bool resolve_but(struct resolver *r, const struct ast_item *item, struct place_item *out);
/* times.c: what the words of time say; NULL: they say nothing. asked: by expect, or explain. */
const struct schedule *resolve_times(struct resolver *r, const struct ast_qualifiers *q,
				     bool asked);
/* resolve.c */
void declare(struct resolver *r, struct decl *d);
/* subzone.c: when all zones are declared */
void resolve_subzones(struct resolver *r);
/* Of the user or group of a sub-zone: its number, its name if it was said by one. */
void resolve_account(struct resolver *r, struct zone *z, struct ast_word w, bool group);
/* endpoint.c: where marks are set, what asked for them would depend on the order of statements */
struct ivset complement(struct resolver *r, const struct ivset *s, int bits);
void check_by_mark(struct resolver *r, const struct endpoint *from, const char *what);
/* As TO it holds no part of self. */
void check_destination(struct resolver *r, const struct endpoint *e);
void resolve_endpoint(struct resolver *r, const struct ast_endpoint *ast, struct endpoint *out,
		      enum side_of side);
/* ask.c: built-in services that ask by multicast; what of a rule does */
uint8_t service_asks(const char *name);
struct ivset rule_questions(struct arena *a, const struct rule *r);
/* service.c */
void resolve_services(struct resolver *r, const struct ast_service *v, size_t n,
		      struct services *out);
/* ... and of them, those from the source ports that are said */
void resolve_from(struct resolver *r, const struct ast_qualifiers *q, const struct ast_service *v,
		  size_t n, struct services *out);
/* act.c: limits by name, and the two statements of log; then what a rule does */
struct limit_decl {
	const struct ast_limit_def *ast;
	bool used;
};
void declare_limit(struct resolver *r, const struct ast_limit_def *ast);
void resolve_log(const struct ast_log *ast, struct log *out);
void resolve_builtin_log(struct resolver *r, const struct ast_stmt *s);
void warn_limits(struct resolver *r); /* those that no rule has */
/* quota.c */
void declare_quota(struct resolver *r, const struct ast_quota_def *ast);
void resolve_quota(struct resolver *r, const struct ast_rule *ast, struct rule *out);
void check_quota_helpers(struct resolver *r, const struct ast_rule *ast, const struct rule *rule);
void finish_quotas(struct resolver *r); /* when all else is resolved */
void resolve_acts(struct resolver *r, const struct ast_rule *ast, struct rule *out);
/* inspect.c */
void resolve_inspector(struct resolver *r, const struct ast_inspector *in);
/* inspection.c: the statement; and, when all else is resolved, the rules that inspect */
void resolve_inspection(struct resolver *r, const struct ast_stmt *s);
void finish_inspection(struct resolver *r);
/* The bytes that a string of a rewrite stands for, \xHH and \\ read; in the arena. NULL if an
 * escape is none. */
const uint8_t *inspect_bytes(struct arena *a, const char *s, size_t *n);
/* nat.c */
void resolve_nat(struct resolver *r, const struct ast_stmt *s);
/* netmap.c: the two translations that a netmap is; `n` is what both have in common, and the target
 */
void resolve_netmap(struct resolver *r, const struct ast_nat *ast, struct nat *n);
/* nat_rule.c: what `allow` behind a dnat adds to the rules */
void resolve_nat_rule(struct resolver *r, const struct ast_stmt *s, const struct nat *n);
/* resolve.c */
void resolve_rule(struct resolver *r, const struct ast_stmt *s);
void resolve_clamp(struct resolver *r, const struct ast_stmt *s);
/* Before routing there is no output interface: a destination's zone cannot be told there. */
void resolve_before_routing(struct resolver *r, const char *what, const struct endpoint *to);
/* mark.c: the statement; and, when all else is resolved, its bits against those of inspection */
void resolve_mark(struct resolver *r, const struct ast_stmt *s);
void finish_marks(struct resolver *r);
/* attach.c: helpers of a rule; and, when all else is resolved, what they let in */
void resolve_helpers(struct resolver *r, const struct ast_rule *ast, struct rule *out);
void finish_helpers(struct resolver *r);
/* untracked.c */
void resolve_untracked(struct resolver *r, const struct ast_stmt *s);
/* offload.c: the statement; and, when all are known, whether the kernel can do it */
void resolve_offload(struct resolver *r, const struct ast_stmt *s);
void finish_offloads(struct resolver *r);
/* timeouts.c: the statement; and, when all are known, what the time for ICMP says of IPv6 */
void resolve_timeouts(struct resolver *r, const struct ast_stmt *s);
void finish_timeouts(struct resolver *r);
/* slips.c: what means something, but hardly what was meant */
void slips_warn(struct resolver *r, const struct ast_stmts *stmts);
void slips_clamps(struct resolver *r);
/* guard.c */
void resolve_guard(struct resolver *r, const struct ast_stmt *s);
/* resolve.c: rules of equal text are told by a number */
void number_twin(struct resolver *r, struct rule *out);

#endif
