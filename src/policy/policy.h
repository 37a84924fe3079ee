/* SPDX-License-Identifier: GPL-2.0-or-later
 * A policy with every name resolved: zones by number, addresses and ports as intervals. What the
 * compiler lowers and what a packet is judged by; lives in the compilation's arena.
 */
#ifndef FWC_POLICY_H
#define FWC_POLICY_H

#include <jansson.h>

#include "lang/ast.h"
#include "policy/helper.h"
#include "policy/schedule.h"
#include "util/bulk.h"
#include "util/map.h"

/* zone ... { within ZONE; ... }: what of a zone, or of what this machine sends, fulfils all that is
 * said. What is in it is in the other as well. */
struct subzone {
	bool is;
	int within; /* a zone, or PLACE_SELF */
	unsigned nth; /* of those within it, from 0 */
	bool alone; /* something may be in this one and in no other beside it */
	bool absent; /* nobody has that user or group: it is empty */
	bool ipsec, has_network, has_mark, has_user, has_group;
	uint32_t mark, mask, uid, gid;
	struct ast_word user, group; /* their names; s NULL: said by number */
};

struct zone {
	const char *name;
	struct span span;
	VEC(struct ast_iface) interfaces;
	struct ivset net4, net6; /* normalised; empty: not said; of a sub-zone they decide */
	struct subzone sub; /* it has no interfaces then, and its routes are its zone's */
	struct ivset routes4, routes6; /* the same as written, not merged */
	bool used;
};

/* Where a packet comes from or goes to: one of these, or a number. That of a zone is what is in the
 * zone and in none of its sub-zones, that of a sub-zone what is in this one alone; numbers behind
 * those of zones are what is in several. */
enum { PLACE_SELF = -1, PLACE_OTHER = -2 /* an interface in no zone */, PLACE_NONE = -3 };

struct place { /* of what is in several */
	int root; /* a zone that has interfaces, or PLACE_SELF */
	uint64_t in; /* bit n: in its nth sub-zone */
};

/* Who says what a set holds at run time, if not packets and people. */
enum runtime_kind { RUNTIME_DNS, RUNTIME_URL };

struct runtime {
	enum runtime_kind kind;
	VEC(const char *) names; /* RUNTIME_DNS */
	const char *url; /* RUNTIME_URL */
	const struct ast_fetch *fetch;
	struct ivset less4, less6; /* taken away from whatever comes; normalised */
};

struct dynset { /* elements belong to run time: set NAME = dynamic, or part of what NAME is */
	const char *name;
	struct span span;
	uint64_t timeout; /* seconds; 0: none */
	uint32_t size;
	bool prefixes; /* elements are networks, which programs put there and packets do not */
	const struct runtime *from; /* NULL: set NAME = dynamic */
	bool used;
};

/* "dynamic", "dns" or "url"; what its sets are called in the kernel, the same whatever it holds. */
const char *dynset_kind(const struct dynset *d);
const char *dynset_name(struct arena *a, const struct dynset *d, enum family family);
/* Of a list from elsewhere there are two in the place of that (util/bulk_parts.h): who is in one of
 * them is in it. */
size_t dynset_parts(const struct dynset *d);
const char *dynset_part(struct arena *a, const struct dynset *d, enum family family, size_t part);

/* A control group by whose processes rules go. Its number is another one each time that it is made:
 * the kernel's set holds the one that it has now, and belongs to run time. */
struct cgroup {
	const char *path; /* cgroup_levels() of it is `level` */
	const char *set; /* in the kernel, the same for the same path */
	unsigned level;
	struct span span;
	bool used; /* some rule of the policy goes by it */
};

/* The low bits of an IPv6 address. */
struct suffix {
	uint8_t bits; /* 0: any */
	u128 value;
};

struct suffixed { /* IPv6 addresses by these: */
	struct ivset in; /* ... of these, never of multicast unless a suffix is taken away */
	struct suffix is;
	VEC(struct suffix) but;
};

struct suffixed_list {
	struct suffixed *v;
	size_t n, cap;
};

/* Which addresses an item admits. */
struct addrs {
	bool all; /* no address condition, both families */
	const struct dynset *dyn; /* or NULL */
	/* or NULL: so many, of one family, that they are looked up and never taken apart; v4 or v6
	 * is empty then */
	const struct bulk_list *bulk4, *bulk6;
	bool negated; /* only with dyn or bulk: other sets are complemented already */
	/* with dyn, negated: nor in one of these; and `mixed`: what is in v4 and v6 alone */
	VEC(const struct dynset *) nor;
	bool mixed;
	bool rest; /* such a complement: all but what was written */
	struct ivset v4, v6; /* normalised; unused with all or dyn */
	bool multicast; /* by that name */
	bool broadcast; /* what routing calls so; v4 is all addresses then */
	struct suffixed_list suffixed; /* or one of these */
	struct ivset macs; /* or whatever these stations send; sorted, not merged */
	const char *stem; /* a readable name for the kernel's set */
};

struct place_list {
	int *v;
	size_t n, cap;
};

struct place_item { /* one item of an endpoint */
	enum { AT_ZONE, AT_SELF, AT_ANY, AT_ZONES, AT_GROUP } at;
	struct place_list zones; /* AT_GROUP */
	struct place_list but; /* taken away: zones, or PLACE_SELF */
	const struct policy *of; /* that says what is within what; NULL: nothing is */
	int zone; /* AT_ZONE; or PLACE_OTHER, with has_iface */
	bool has_iface; /* a question that names an interface of the zone */
	struct ival iface;
	struct addrs addrs;
	struct span span;
};

struct endpoint {
	struct span span;
	VEC(struct place_item) items;
};

#define PORT_PROTOCOLS 5 /* tcp udp sctp dccp udplite: those with ports */
extern const uint8_t port_protocols[PORT_PROTOCOLS];

struct sourced { /* ports of one protocol, from some source ports alone */
	int row; /* of port_protocols[] */
	struct ivset to, from;
};

struct services {
	bool any; /* every protocol */
	struct ivset ports[PORT_PROTOCOLS]; /* by port_protocols[] */
	struct ivset protocols; /* whole protocols by number; none with a row above that is full */
	struct ivset icmp, icmpv6; /* types; 0-255: the whole protocol */
	struct ivset icmp_codes, icmpv6_codes; /* type * 256 + code, of types that are not above */
	uint32_t helpers; /* that built-in services among them bring, see helper_bit() */
	uint8_t asks; /* built-in services that ask by multicast, by name (ask.c) */
	VEC(struct sourced) sourced; /* no packet is in two of them, nor in one and `ports` */
};

struct per { /* who shares a budget or a number */
	bool source; /* each source has one; else all have the same */
	uint8_t prefix4, prefix6; /* of which so many bits count; 0: all */
};

struct limit {
	const char *name; /* of one that rules share, or NULL */
	uint32_t rate, unit /* seconds */, burst; /* rate 0: no limit */
	struct per per;
};

struct max { /* connections that a rule lets in */
	uint32_t n; /* 0: any number */
	struct per per;
};

struct quota { /* quota NAME = ...; what is used of it belongs to run time */
	const char *name;
	struct span span;
	uint64_t bytes;
	u128 label; /* bits of the labels of connections that rules with it let in */
	bool used;
};

struct log {
	bool on;
	const char *tag; /* or NULL */
	uint32_t rate, unit, burst; /* rate 0: that of all logs */
	uint8_t level; /* 0: warning; else 1 + what syslog(3) has */
	bool nflog;
	uint16_t group;
};

struct set_change {
	const struct dynset *set;
	bool remove, destination; /* else add, source */
	uint64_t seconds; /* 0: the set's own */
};

struct acts { /* besides the verdict */
	struct log log;
	VEC(struct set_change) changes;
};

struct rule_helper { /* that connections get which a rule opens */
	const struct helper_kind *kind;
	const struct helper_object *object;
	uint16_t port; /* those to it, before a translation where the rule asks for one; 0: all */
};

struct qualifiers {
	enum family family; /* FAM_NONE: both */
	struct acts acts;
	struct limit limit;
	struct max max;
	const struct quota *quota; /* or NULL */
	bool has_mark, has_user, has_group, has_dscp;
	bool absent; /* nobody has that user or group, or its time is over: it matches nothing */
	struct ast_word user, group; /* its name; s NULL: said by number */
	uint32_t mark, mark_mask, uid, gid;
	uint8_t dscp;
	const struct cgroup *cgroup; /* or NULL */
	const struct schedule *when; /* NULL: always */
	VEC(struct rule_helper) helpers;
};

struct otherwise { /* else VERB ...: where the limit or the maximum does not hold */
	bool on;
	enum verb verb;
	struct acts acts;
	const char *text; /* "else VERB ...: RULE" */
	struct span span;
};

/* What fwc drops by itself. */
enum log_of { LOG_INVALID, LOG_UNMATCHED, LOGS };

struct builtin_log {
	struct log log;
	const char *text;
	struct span span;
};

/* A field of the connection's and of the packet's mark says what has been decided: 0 nothing, one
 * of these, or from MARK_PENDING on which inspect rule is being asked. Its largest value, of
 * connections alone: one of QUIC is allowed, and what may begin another one is judged. */
enum { MARK_ALLOW = 1, MARK_DENY, MARK_REJECT, MARK_PENDING };

struct inspection {
	uint32_t mask; /* the field: neighbouring bits */
	uint16_t first, count; /* queue numbers of the first kind of queue; others follow */
	struct span mark_span, queues_span;
	bool answers; /* some queries are answered: with MARK_ALLOW in the packet's mark */
	bool quic; /* some rules judge connections of QUIC */
};

struct inspected { /* how the packets of an inspect rule get to the program that judges */
	uint32_t id; /* value of the field, MARK_PENDING or more */
	uint16_t first, count; /* queues */
	bool bypass; /* on-no-helper allow */
	bool fail_open; /* on-overflow allow */
	bool rewrite; /* each packet is changed, none decides */
	bool answers; /* to look-ups that it denies */
	bool quic; /* it judges each connection of QUIC between the same ports */
};

struct rule {
	enum verb verb;
	bool some; /* an expectation that one packet fulfils */
	bool deny; /* an expectation that packets are dropped or rejected */
	bool query; /* not of the policy: asked on the command line */
	struct endpoint from, to;
	bool published; /* the destination was translated; the services are what the client called
			 */
	struct services services;
	/* UDP ports: what self asks by multicast there awaits answers */
	struct ivset questions;
	struct qualifiers q;
	struct otherwise otherwise;
	const char *inspector; /* VERB_INSPECT: its name; else NULL */
	const struct inspected *inspected; /* of inspect rules of the policy; else NULL */
	const char *text; /* canonical, one line */
	unsigned twin; /* how many earlier rules have the same text */
	struct span span;
	struct span verb_span;
	bool of_dnat; /* its span is of the dnat whose `allow` writes it, which is the verb */
};

struct nat_targets { /* of one family */
	VEC(struct ival) to;
	VEC(const char *) names; /* of each, as the policy has it */
	VEC(uint32_t) weights; /* of each */
};

struct nat_part { /* one of the services, as the policy has it */
	struct services services;
	const char *text; /* "" where none is said */
};

struct nat {
	enum nat_kind kind;
	struct endpoint from, to;
	struct services services;
	enum family family; /* FAM_NONE: both */
	bool has_mark;
	uint32_t mark, mark_mask;
	const struct schedule *when; /* NULL: always */
	VEC(struct nat_part) parts; /* of them; at least one */
	struct nat_targets to4, to6;
	uint16_t port; /* 0: kept */
	/* not 0: who calls the first gets `port`, the second the next, ... */
	uint16_t called, called_last;
	bool by_source; /* of several targets: by a hash of the source; else in turns */
	uint16_t ports_first, ports_last; /* of sources: one of these ports; 0: any */
	bool random, persistent; /* how the source is chosen */
	bool netmap; /* one of the two that a netmap is: of sources, then of destinations */
	bool prefix; /* the target is one, and what is behind it is kept */
	bool hairpin;
	bool closed; /* it was reported that nothing allows what it translates */
	VEC(int) hairpin_zones; /* those that a target is in (routing.h) */
	const char *text;
	struct span span;
};

struct clamp {
	struct endpoint from, to;
	uint16_t mss; /* 0: path MTU */
	const char *text;
	struct span span;
};

struct mark {
	struct endpoint from, to;
	struct services services;
	enum family family; /* FAM_NONE: both */
	uint32_t value, mask; /* value is within mask */
	const struct schedule *when; /* NULL: always */
	const char *text;
	struct span span, as;
};

/* What connection tracking does not get to see. As rules, of which only the match counts: its
 * packets; those the other way; and errors to one of its sides, from anywhere. */
struct untracked {
	struct rule there, back, errors[2];
	const char *text;
	struct span span;
};

struct offload { /* established connections that rules no more get to see */
	struct rule rule; /* of which only the match counts; its text and span */
	bool hardware;
};

struct guard { /* early drop, antispoof */
	enum guard_kind kind;
	bool loose; /* GUARD_ROUTE: by whatever interface the routes lead back */
	struct endpoint from;
	VEC(int) zones; /* GUARD_NETWORK */
	struct rule rule; /* what it does, as a rule would: drop, perhaps log; its text and span */
};

struct policy_lack { /* what the policy asks for and the kernel does not have */
	struct span at;
	const char *name; /* of a helper; NULL: flowtables */
	const char *text, *module;
};

struct policy_timeout {
	const char *name; /* of timeout_words */
	uint32_t seconds;
	struct span at;
};

struct policy_known; /* known.h */

struct policy {
	struct arena *arena;
	struct policy_known *known; /* once it is resolved */
	int forwarding; /* -1: not said */
	struct span forwarding_span;
	int live_flows; /* 1: apply ends those that its rules refuse; 0: keeps them; -1: not said */
	struct span live_flows_span;
	VEC(struct policy_timeout) timeouts;
	VEC(struct zone) zones;
	VEC(struct place) places; /* numbered from zones.n on */
	int other; /* the zone of interfaces that no zone names; PLACE_OTHER: there is none */
	VEC(struct dynset *) dynsets;
	VEC(struct quota *) quotas;
	VEC(struct cgroup *) cgroups;
	VEC(const struct schedule *) schedules; /* each that something goes by, once */
	struct builtin_log logs[LOGS];
	VEC(struct rule) rules;
	VEC(struct nat) nats; /* in reading order, all kinds */
	VEC(struct clamp) clamps;
	VEC(struct mark) marks; /* in reading order */
	VEC(struct guard) guards; /* in reading order, all kinds */
	VEC(struct untracked) untracked; /* in reading order */
	VEC(struct offload) offloads;
	VEC(struct rule) expects;
	VEC(const char *) expecting; /* connections that these helpers expect are let in */
	VEC(struct policy_lack) lacks;
	struct span first_inspect; /* src NULL: none */
	struct inspection inspection;
	VEC(const struct ast_inspector *) inspectors; /* checked (inspect.c) */
	struct ivset own4, own6; /* addresses that this machine has now; empty where they are
				    not known, or the policy is for another machine */
};

/* AST -> policy; errors to diag (then what comes back is not whole). Warnings too. */
struct policy *policy_resolve(const struct ast *ast, struct arena *a, struct diag *diag);
void policy_dump(struct buf *out, const struct policy *p);
/* Whom a name of `user` means on this machine; by another function if this process may not ask. */
bool policy_user(const char *name, uint32_t *uid);
bool policy_group(const char *name, uint32_t *gid);
void policy_users_by(bool (*user)(const char *name, uint32_t *uid),
		     bool (*group)(const char *name, uint32_t *gid));

/* What the judging program reads, see inspect/tables.h (inspect_tables.c). The caller's. */
json_t *policy_inspect_tables(const struct policy *p);
/* What fills sets at run time, as runtime.json of an artefact has it; NULL: nothing does. */
json_t *policy_runtime(const struct policy *p);
/* The file of them (inspect/pack.h), appended; false: too much for it. */
bool policy_inspect_pack(const struct policy *p, struct buf *out);

/* Built-in services: NULL if there is none of that name. Text as in the language: "tcp/443". */
const char *service_catalogue(const char *name);
extern const struct service_row {
	const char *name, *text;
} service_rows[]; /* ends with a NULL name */

/* Whether it lets some of the packets go on that it matches. */
bool rule_is_gated(const struct rule *r);
/* Whether it does more than to decide. */
bool acts_any(const struct acts *a);

/* ---- judging a packet (eval.c): the policy read as a table, one rule after the other ---- */

struct flow { /* the first packet of a connection, as the filter rules see it */
	int from, to; /* places */
	enum family family;
	u128 saddr, daddr;
	uint8_t protocol;
	uint16_t sport, dport; /* or ICMP code and type */
};

/* suffix.c */
bool suffixed_has(const struct suffixed *s, u128 addr);
bool suffixed_any_has(const struct suffixed_list *l, u128 addr);
bool suffixed_unicast(const struct suffixed *s); /* of all addresses but multicast */
bool suffixes_meet(struct suffix x, struct suffix y);
bool addrs_has(const struct addrs *s, enum family fam); /* static addresses of that family */
bool addrs_match(const struct addrs *s, enum family fam, u128 addr);
/* That list of the family, or NULL. */
const struct bulk_list *addrs_bulk(const struct addrs *s, enum family fam);
/* Which addresses there are is not in v4 and v6 alone. */
bool addrs_open(const struct addrs *s);
/* Some address of the family, and that some of these are in it. */
bool addrs_any(const struct addrs *s, enum family fam);
bool addrs_overlap(const struct addrs *s, enum family fam, const struct ivset *with);
bool item_at(const struct place_item *i, int place);
bool endpoint_at(const struct endpoint *e, int place); /* one of its items */
/* Something, and all, of what is at a zone's interfaces or this machine. */
bool item_has(const struct place_item *i, int root);
bool item_has_all(const struct place_item *i, int root);
/* By which of a zone's sub-zones (bit n: the nth) what is in the item is told from what is not. */
uint64_t item_parted_by(const struct place_item *i, int root);
bool item_names_zone(const struct place_item *i); /* or takes one away */
bool item_is_self(const struct place_item *i); /* this machine, or a part of what it sends */
/* Nothing is in it: sub-zones of users and groups that there are not. */
bool item_is_empty(const struct place_item *i);
/* What is at a zone's interfaces, or this machine, with that address, may be in the item. */
bool item_may_have(const struct place_item *i, int root, enum family fam, u128 addr);
/* subzone.c: the zone by whose interfaces a place is reached, PLACE_SELF or PLACE_OTHER; whether it
 * is within a zone; the first place that no number is; that of what is in these sub-zones, or
 * PLACE_NONE where nothing can be; the nth sub-zone, or NULL. */
int place_root(const struct policy *p, int place);
bool place_is_in(const struct policy *p, int place, int zone);
int place_end(const struct policy *p);
int place_with(const struct policy *p, int root, uint64_t in);
const struct zone *place_subzone(const struct policy *p, int root, unsigned nth);
bool place_is(const struct policy *p, int place); /* and no number that stands for nothing */
/* By what the networks of sub-zones say. */
bool place_may_hold(const struct policy *p, int place, enum family fam, u128 addr);
uint64_t place_parts(const struct policy *p, int place);
bool services_match(const struct services *s, enum family fam, uint8_t protocol, uint16_t sport,
		    uint16_t dport);
/* It matches what no key of a map has. */
bool rule_is_special(const struct qualifiers *q);
/* The rule that decides, or NULL: default drop. Rules with a limit, user or mark count as not
 * deciding unless `optimistic`; dynamic sets are taken as empty. */
const struct rule *policy_decide(const struct policy *p, const struct flow *f, bool optimistic);

/* ICMP types that can open a connection, as connection tracking has it: only questions do. What is
 * neither these nor (icmp_untracked) left alone by it is an answer or an error, and passes with the
 * connection that it belongs to or is invalid. Sets that live as long as the program. */
struct ivset icmp_opens(enum family fam);
struct ivset icmp_untracked(enum family fam);
/* Errors, which belong to what they are about. */
struct ivset icmp_errors(enum family fam);
/* Those that the services name one by one, and that no rule decides about. */
struct ivset icmp_undecided(struct arena *a, const struct services *s, enum family fam);
/* Whether nothing else is in the services. */
bool services_undecided(struct arena *a, const struct services *s);

/* Whether this machine may send DHCP requests (IPv4) or DHCPv6 ones to a place: then replies are
 * let in. */
bool policy_asks_dhcp(const struct policy *p, int place, enum family fam);
/* Whether it may be asked from there: then its answers are let out. */
bool policy_answers_dhcp(const struct policy *p, int place, enum family fam);
/* Whether a service that asks by IPv4 multicast (mdns, llmnr, ssdp, wsdd) is let in from there by
 * its own group: then IGMP is let in and out, by which switches and routers learn who listens. */
bool policy_hears_groups(const struct policy *p, int place);
/* Whether answers to questions by multicast come from there: to the address and port that asked,
 * for some seconds. */
bool policy_awaits_answers(const struct policy *p, int place);
#define ANSWERS_SECONDS 10
/* Whether something is inspected between places that are this machine, or are not. */
bool policy_inspects(const struct policy *p, bool from_self, bool to_self);
/* A value of the field as it stands in a mark. */
uint32_t inspection_mark(const struct inspection *i, uint32_t value);
/* The largest value that the field holds. */
uint32_t inspection_max(const struct inspection *i);
/* Whether a packet that one mark is put on may keep it from another: bits of both (mark.c). */
bool marks_overlap(const struct mark *x, const struct mark *y);
/* Whether some rule is about what was translated, by whomever. */
bool policy_publishes(const struct policy *p);
/* Whether something that this machine sends is sent elsewhere by dnat or redirect. */
bool policy_translates_self(const struct policy *p);

/* ---- services (ports.c) ---- */

void services_normalise(struct arena *a, struct services *s);
/* Of these source ports only. */
void services_from(struct arena *a, struct services *s, const struct ivset *from);
/* Those that have ports, of all protocols (-1) or one. */
struct services services_with_ports(struct arena *a, const struct services *s, int row);
/* The same, all of them called by that port; 0: as they are. */
struct services services_to_port(struct arena *a, const struct services *s, uint16_t first,
				 uint16_t last);
bool services_have_port(const struct services *s, int row);
/* Some of ICMP, of that family or any. */
bool services_have_icmp(const struct services *s, enum family fam);
bool services_icmp_meet(const struct services *x, const struct services *y);
bool services_ports_meet(const struct services *x, const struct services *y);
bool services_meet(const struct services *x, const struct services *y);

/* False: no packet matches both. True: perhaps one does (meet.c). */
bool rules_meet(const struct rule *x, const struct rule *y);
bool guard_meets(const struct guard *g, const struct rule *r);
bool nats_meet(const struct nat *x, const struct nat *y);
/* Of the half of a netmap that rewrites destinations: the network that others call. */
struct ival nat_seen_as(const struct nat *n, enum family fam);
/* The last of the ports behind a translation that changes them. */
uint16_t nat_port_last(const struct nat *n);
/* The same of a rule and what a dnat has sent to a target (NULL: a redirect). */
bool rule_meets_nat(const struct rule *r, const struct nat *n, enum family fam, const u128 *target);
/* The same behind a dnat or redirect, at any of its targets. */
bool rule_meets_targets(const struct rule *r, const struct nat *n);
struct numbers { /* of statements, in order */
	uint32_t *v;
	size_t n, cap;
};
/* All such rules of a policy; the translations that stand before one and meet it. */
void rules_behind_nat(const struct policy *p, struct arena *a, const struct nat *n,
		      enum family fam, const u128 *target, struct numbers *out);
void nats_before(const struct policy *p, struct arena *a, size_t nat, struct numbers *out);
/* Rules that may be about what a question asks for, where nothing translates it; translations of
 * its destination. */
void rules_asked(const struct policy *p, struct arena *a, const struct rule *query,
		 struct numbers *out);
void nats_asked(const struct policy *p, struct arena *a, const struct rule *query,
		struct numbers *out);
/* Untracked statements that may be about it, in whatever direction. */
void untracked_asked(const struct policy *p, struct arena *a, const struct rule *query,
		     struct numbers *out);
/* Of what is not tracked, whether some may be translated there, before or behind that. */
bool untracked_meets_nat(const struct untracked *u, const struct nat *n);

/* Why no packet matches the rule, ": ..."; "" if that is not plain to see (warn.c). */
const char *rule_never(const struct rule *r);
/* A rule that would allow what it translates, "wan -> nas@lan https" (warn.c). */
const char *nat_missing_rule(const struct policy *p, const struct nat *n);
/* Semantic warnings over a policy without errors (warn.c). */
void policy_warn(struct policy *p, struct diag *diag);
/* Inspectors whose lists stop nobody who is not recognised (inspect.c); a part of it. */
void inspect_warn(const struct policy *p, struct diag *diag);
/* What `until` has ended, or soon will (times.c); a part of the next. */
void times_warn(const struct policy *p, struct diag *diag);
/* And over what it does not say at all, for check alone. */
void policy_warn_silence(const struct policy *p, struct diag *diag);
/* The same over what this machine has put into it, where it is for another. */
void policy_warn_elsewhere(const struct policy *p, struct diag *diag);

#endif
