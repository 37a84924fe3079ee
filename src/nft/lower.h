/* SPDX-License-Identifier: GPL-2.0-or-later
 * policy -> ruleset IR, and what the files that do it share.
 *
 *	lower.c        base chains and dispatch by interface to one chain for each pair of places
 *	lower_dispatch.c the look-ups by interface
 *	lower_pairs.c  the rules of each pair of places
 *	lower_rule.c   one policy rule -> nft rules
 *	lower_act.c    what it does besides its verdict; limits
 *	lower_map.c    runs of disjoint rules -> verdict maps
 *	lower_nat.c    translation and MSS clamping
 *	lower_mark.c   marks that packets get before routing
 *	lower_called.c services by the port before translation -> matches
 *	lower_guard.c  early drop and antispoof
 *	lower_helper.c connection helpers, and what belongs to known connections
 *	lower_untracked.c what is not tracked
 *	lower_offload.c what goes by flowtables
 *	lower_cgroup.c sets of control groups
 *	lower_dynsets.c dynamic sets, and those of names and lists
 *	lower_quota.c  quotas, and packets of the connections that they count
 *	lower_inspect.c what is queued to the program that judges, and its verdicts
 *	lower_places.c sub-zones -> tests that send packets to the chains of their places
 *	lower_side.c   addresses and stations of both ends -> forms
 *	lower_match.c  services, words and addresses -> matches
 *	lower_zones.c  zones -> matches of interface names
 *	lower_charge.c what each statement costs -> refusal of what costs too much
 */
#ifndef FWC_LOWER_H
#define FWC_LOWER_H

#include "nft/nft.h"
#include "policy/policy.h"
#include "util/map.h"

struct ir_ruleset *ruleset_lower(struct policy *p, struct arena *a, struct diag *diag);
/* Whoever knows what is in force tells what list a set of that name ("feed.v4") holds there, in the
 * arena; NULL: none. A list that differs little from it becomes that one and what is different. */
typedef const struct bulk_list *bulk_base(void *ctx, struct arena *a, const char *name,
					  enum family family);
void ruleset_bases_by(bulk_base *base, void *ctx);

/* How a rule's side effects are spelled in the kernel. */
struct ir_limit log_rate(const struct log *log);
const char *log_prefix(struct arena *a, const struct log *log, const char *plain);
/* Who asked by multicast: address . port. */
const char *answers_name(struct arena *a, enum family fam);
/* Of a limit that a set keeps; FAM_NONE: for all sources together. */
const char *meter_name(struct arena *a, const struct rule *rule, enum family fam);
const char *max_name(struct arena *a, const struct rule *rule, enum family fam);
/* lower_quota.c; the label as F_CT_LABEL has it */
const char *quota_object(struct arena *a, const struct quota *q);
u128 quota_label(const struct quota *q);

/* ---- shared by the lower_*.c files only ---- */

struct large_set {
	enum field field;
	const struct ival *v; /* what it was made of */
	size_t n;
	const char *stem, *name;
};

struct shared_pair { /* of places that the rules do not tell apart */
	struct ir_chain *chain; /* NULL: no rule speaks of them */
};

struct timed {
	const struct schedule *when;
	const char *name; /* of the set */
};

struct bulk_sets { /* of one list */
	const struct bulk_list *list;
	VEC(const struct ir_set *) sets; /* an address is in it if it is in one of them ... */
	const struct ir_set *less, *more; /* ... and not in `less`, or if it is in `more` */
};

struct lower {
	struct arena *arena;
	struct arena *work; /* of what nobody needs once it is lowered */
	struct diag *diag;
	struct policy *p;
	struct ir_ruleset *r;
	const char **body; /* by rule: its side-effect chain once made, or NULL */
	const char **asking; /* the same of questions that this machine asks by multicast */
	const char *reject; /* the chain that rejects, or NULL */
	bool silent; /* at a hook that cannot reject: drop instead */
	struct map shared; /* shared_key() -> struct shared_pair */
	VEC(struct timed) timed; /* the windows of schedules */
	VEC(struct large_set) large; /* large sets that were made already */
	uint32_t **alike; /* by rule and side: see first_alike() */
	struct placed *placed; /* by place and side: its rules */
	VEC(struct ival) wild; /* wildcards of all zones */
	bool wild_known;
	struct ledger *ledger; /* NULL: nothing was charged yet */
	struct span at; /* the statement that is being lowered */
	VEC(struct bulk_sets) bulk;
};

/* The addresses of one endpoint at one place: any of them. */
struct side {
	bool all;
	struct ivset v4, v6; /* static ones together */
	struct suffixed_list suffixed; /* or IPv6 by these */
	struct ivset macs; /* or sent by these stations */
	bool routed; /* it is asked behind routing */
	bool broadcast; /* or to what routing calls so */
	const char *stem, *mac_stem;
	VEC(const struct addrs *) dyn;
	VEC(const struct addrs *) bulk;
};

/* One conjunction of address matches: what one nft rule can say. */
struct alt {
	enum family family; /* FAM_NONE: both */
	bool all; /* no address match */
	const struct ivset *macs; /* or NULL: no address match, but who sent it */
	bool routed;
	bool broadcast; /* IPv4: no address match, but where it goes */
	const struct ivset *fixed; /* or NULL */
	const struct suffixed *suffixed; /* or NULL: all that it says but for the value ... */
	struct ivset ends; /* ... which is one of these; not merged */
	const char *stem;
	const struct addrs *dyn; /* or NULL */
	const struct bulk_list *bulk; /* or NULL: it is, or is not, in the list ... */
	size_t part; /* ... in that one of the ways that there are (bulk_ways(), dynset_parts()) */
	bool negated;
};

struct alts {
	struct alt *v;
	size_t n, cap;
};

struct form { /* family, source, destination */
	enum family family;
	struct alt src, dst;
};

struct forms {
	struct form *v;
	size_t n, cap;
};

struct side side_at(struct lower *l, const struct endpoint *e, int place);
struct side side_of_item(struct lower *l, const struct place_item *item);
/* Of one family only, if one is given. */
struct forms forms_of_rule(struct lower *l, const struct qualifiers *q, const struct side *src,
			   const struct side *dst);
struct forms forms_of(struct lower *l, const struct side *src, const struct side *dst,
		      enum family fam);

struct ir_rules {
	struct ir_rule *v;
	size_t n, cap;
};

struct ir_stmt *rule_stmt(struct lower *l, struct ir_rule *r, enum ir_stmt_kind kind);
void match_one(struct lower *l, struct ir_rule *r, enum field f, u128 value);
void match_ival(struct lower *l, struct ir_rule *r, enum field f, struct ival v);
/* One concatenation more that the last match admits, or a new match. */
void match_key(struct lower *l, struct ir_rule *r, const struct ir_sel *sel,
	       const struct ival *key);
void match_bits(struct lower *l, struct ir_rule *r, enum field f, u128 bits);
void match_set(struct lower *l, struct ir_rule *r, enum field f, const char *set, bool negated);
bool ivset_is_all(const struct ivset *s, unsigned bits); /* of a field of so many bits */
void match_ivset(struct lower *l, struct ir_rule *r, enum field f, const struct ivset *s,
		 const char *stem);
/* The low bits of an IPv6 address are (or are not) one of these; it is not multicast. */
void match_ends(struct lower *l, struct ir_rule *r, enum field f, const struct ivset *ends,
		unsigned bits, const char *stem, bool negated);
void match_unicast(struct lower *l, struct ir_rule *r, enum field f);
/* Of one of port_protocols[] (-1: none) the field that F_TH_SPORT or F_TH_DPORT is; other fields
 * as they are. */
enum field port_field(int row, enum field f);
/* The words behind the services, but for the family of forms without addresses. One whose field
 * depends on the family makes a form of both two. */
void match_words(struct lower *l, struct ir_rule *r, const struct qualifiers *q,
		 enum family family);
const char *named_set(struct lower *l, enum field f, const struct ivset *s, const char *stem);
void match_when(struct lower *l, struct ir_rule *r, const struct schedule *when);
void match_mark(struct lower *l, struct ir_rule *r, uint32_t mark, uint32_t mask);
void match_form(struct lower *l, struct ir_rule *r, const struct form *f);
/* What asks for the sender's station goes to the end: behind it nft would tell families by what the
 * header of the link says, not by what the packet is. First the rest, then to each of the rules. */
struct ir_rule without_stations(struct lower *l, const struct ir_rule *base,
				struct ir_rule *stations);
void stations_last(struct lower *l, struct ir_rules *out, size_t first,
		   const struct ir_rule *stations);
/* An Ethernet header: what follows may ask for its addresses. */
void match_ethernet(struct lower *l, struct ir_rule *r);
void match_link(struct lower *l, struct ir_rule *r, const struct ivset *macs);
/* Whether it says nothing of addresses of IP, and so nothing of the family. */
bool alt_open(const struct alt *a);
/* Rules that are `base` with each group of services added; none if the family knows none of them.
 */
void match_services(struct lower *l, struct ir_rules *out, const struct ir_rule *base,
		    const struct services *s, enum family family);
/* The same of services that the client called, before any translation. */
void match_called(struct lower *l, struct ir_rules *out, const struct ir_rule *base,
		  const struct services *s, enum family family);
struct ir_rule rule_copy(struct lower *l, const struct ir_rule *r);
void rule_verdict(struct lower *l, struct ir_rule *r, enum ir_verdict_kind kind,
		  const char *target);
void rule_counter(struct lower *l, struct ir_rule *r);
const char *place_name(struct lower *l, int place);
/* Notes for reports what is judged between two places. */
void note_pair(struct lower *l, const struct ir_chain *c, int from, int to);
struct ir_chain *chain_new(struct lower *l, const char *stem);
void chain_push(struct lower *l, struct ir_chain *c, struct ir_rule r);
/* lower_charge.c: charges the statement with what it becomes. False: that is too much, by now or
 * before; it was reported, nothing more is to be made, and what there is is of no use. */
bool lower_charge(struct lower *l, struct span at, size_t rules, size_t elems);
/* Seals a set, and charges with its elements what they are for; unless there is one like it. */
struct ir_set *lower_seal(struct lower *l, struct ir_set *s);
/* As lower_charge(), before a set of so many elements is made. */
bool lower_elems(struct lower *l, uint64_t n);
/* The same before each of the rules that a statement takes at once, n of them by now. */
bool lower_goes_on(struct lower *l, size_t n);
/* The same before n times m of them; before each item of one side with each of the other. */
bool lower_product(struct lower *l, struct span at, size_t n, size_t m);
bool lower_affords(struct lower *l, struct span at, const struct endpoint *from,
		   const struct endpoint *to);
/* The same before anything is lowered. */
bool lower_foresee(struct lower *l);
/* lower_bulk.c: the sets that a list becomes, named by `stem` where it is asked for first */
const struct bulk_sets *lower_bulk(struct lower *l, const struct bulk_list *list, const char *stem);
/* How many alternatives it takes to say that an address is, or is not, in it. */
size_t bulk_ways(const struct bulk_sets *b, bool negated);
void match_bulk(struct lower *l, struct ir_rule *r, enum field f, const struct alt *a);

/* lower_act.c: the chain of a rule that does more than to decide */
const char *lower_body(struct lower *l, size_t rule, bool asks);
/* The sets of who asked by multicast. */
void lower_answer_sets(struct lower *l);
/* What is logged of what fwc drops; LOG_INVALID: and dropped there. NULL if nothing is. */
const char *lower_log(struct lower *l, enum log_of which);
void push_log(struct lower *l, struct ir_chain *c, struct ir_rule r, const struct log *log,
	      const char *plain);
struct ir_sel per_key(const struct per *per, enum family fam);
/* lower_rule.c */
struct ir_verdict plain_verdict(struct lower *l, const struct rule *rule, enum verb verb);
/* *counted: behind the verdict, so that the match must not count. */
struct ir_verdict rule_decision(struct lower *l, size_t rule, int from, bool *counted);
void lower_rule(struct lower *l, struct ir_chain *c, size_t rule, int from, int to);
/* A chain of what a rule that matches does, its log first. */
const char *act_chain(struct lower *l, const struct rule *rule);
/* lower_group.c: elements that no packet is in two of */
struct elem_group {
	struct ir_sel shape;
	struct ir_elems elems;
};

void lower_group(struct lower *l, struct ir_chain *c, const struct elem_group *g);
/* A chain that does what the verdict says if the packet comes from a source port of the rule. */
struct ir_verdict lower_sources(struct lower *l, const struct rule *rule, struct ir_verdict v,
				bool counted);
/* lower_map.c: the rules of one pair of places, in order, into its chain */
void lower_pair(struct lower *l, struct ir_chain *c, int from, int to);
const char *reject_chain(struct lower *l);
/* lower_inspect.c: the chain that a rule which inspects sends new connections to; and what a root
 * begins with: `rules` judges new connections, `rest` is all that has nothing to do with it. Both
 * chains must decide. */
const char *lower_asks(struct lower *l, const struct rule *rule);
void lower_inspection(struct lower *l, struct ir_chain *root, const char *rules, const char *rest);
/* What the program answers to a query in the place of its server: kept from connection tracking,
 * which would take the client's next query for an answer to it, and let out. */
void lower_answers_untracked(struct lower *l, struct ir_chain *raw);
void lower_answers_out(struct lower *l, struct ir_chain *output);
/* lower_helper.c: of new packets what belongs to known connections is accepted in a chain of that
 * name; and what attaches the helpers of a rule, into its chain */
const char *lower_related(struct lower *l);
void push_helpers(struct lower *l, struct ir_chain *c, const struct rule *rule);
/* lower_dynsets.c */
void lower_dynsets(struct lower *l);
/* lower_cgroup.c; c may be NULL */
void lower_cgroups(struct lower *l);
void match_cgroup(struct lower *l, struct ir_rule *r, const struct cgroup *c);
/* lower_quota.c: before what is established is accepted; the gate */
void lower_quota_objects(struct lower *l);
void lower_quotas(struct lower *l, struct ir_chain *c);
void match_quota(struct lower *l, struct ir_rule *r, const struct quota *q);
/* lower_mark.c */
void lower_marks(struct lower *l);
/* lower_nat.c */
void lower_nat(struct lower *l);
/* What statements outside of the filter are made of: a rule with a text; each with the condition
 * of an item's interface (none for any); with addresses, of one family or (FAM_NONE) of both. */
struct ir_rules one_rule(struct lower *l, const char *text, struct span at);
struct ir_rules at_interface(struct lower *l, const struct ir_rules *in,
			     const struct place_item *item, enum field f);
/* At output, where all packets are this machine's: those of the item. */
struct ir_rules sent_by(struct lower *l, const struct ir_rules *in, const struct place_item *item);
struct ir_rules with_addresses(struct lower *l, const struct ir_rules *in, const struct side *src,
			       const struct side *dst, enum family fam);
const char *lower_clamps(struct lower *l, bool output); /* chain name or NULL */
/* lower_untracked.c: before connection tracking, what arrives (into the chain at -300) and what
 * this machine sends; at a filter hook, what passes; and a chain that what the rules are to judge
 * in mid-stream returns from, NULL if nothing is: whoever asks adds what becomes of the rest */
enum untracked_hook { UNTRACKED_NOWHERE, UNTRACKED_INPUT, UNTRACKED_FORWARD, UNTRACKED_OUTPUT };
void lower_untracked_arriving(struct lower *l, struct ir_chain *root);
void lower_untracked_made(struct lower *l);
void lower_untracked_passes(struct lower *l, struct ir_chain *c, enum untracked_hook hook);
/* Alternatives of what a rule matches of what is forwarded, in that state. */
struct ir_rules lower_forwarded(struct lower *l, const struct rule *r, uint32_t state);
/* lower_offload.c: into what the forward hook does before any rule */
void lower_offloads(struct lower *l, struct ir_chain *c);
struct ir_chain *lower_untracked_judged(struct lower *l, enum untracked_hook hook);
/* lower_guard.c: base chains of their own; and what goes into the one at -300 */
void lower_guards(struct lower *l);
void lower_antispoof(struct lower *l, struct ir_chain *root);
/* alternatives of interface names for a zone, or of those in none; each is matches added to a copy
 * of base */
void match_zone(struct lower *l, struct ir_rules *out, const struct ir_rule *base, enum field f,
		int zone);
void match_zones(struct lower *l, struct ir_rules *out, const struct ir_rule *base, enum field f,
		 const struct place_list *zones);
/* What reports know of them. */
void note_zones(struct lower *l);
/* Whether they are the same addresses, as far as is plain to see. */
bool addrs_alike(const struct addrs *x, const struct addrs *y);
/* The endpoint with one item for all zones of which it says the same. */
struct endpoint joined_zones(struct lower *l, const struct endpoint *e);
/* lower_places.c: what of a zone with interfaces, or of what this machine sends, is in the item; f
 * says on which side. One rule if it is all of that. */
void match_parts(struct lower *l, struct ir_rules *out, const struct ir_rule *base,
		 const struct place_item *item, enum field f, int root);
/* The family that the rule's matches imply. */
enum family rule_family(const struct ir_rule *r);
/* Tests that send packets of a zone to the chains of its places, `chain_of` yields them. */
bool has_parts(struct lower *l, int root);
typedef const char *place_chain(struct lower *l, int place, int end);
/* lower_dispatch.c: look-ups by interface name, then `rest`: the rules for interfaces that no zone
 * names. */
struct dispatch {
	enum field f;
	const char *stem; /* of the maps */
	place_chain *chain_of; /* of a zone, given the place at the other end */
	int end;
	const struct ir_chain *rest;
	bool last; /* nothing stands behind them in the chain, which was gone to */
};
#define ZONES_MIN 16 /* are many */
void lower_dispatch(struct lower *l, struct ir_chain *c, const struct dispatch *d);
/* lower_pairs.c: the rules that apply to a pair of places, one after the other */
struct placed;
struct pair_rules {
	const struct placed *from, *to;
	size_t i, k;
};
struct pair_rules pair_rules(struct lower *l, int from, int to);
bool next_rule(struct pair_rules *r, size_t *rule);
/* Its chain would say nothing. */
bool pair_is_silent(struct lower *l, int from, int to);
/* Of each item of the rule's side, the first that says the same of addresses: those of a list of
 * zones are one. */
const uint32_t *first_alike(struct lower *l, size_t rule, const struct endpoint *e, bool to);
/* Equal for two pairs of places whose chains would say the same, or NULL: each has its own. */
const char *shared_key(struct lower *l, int from, int to);
void lower_parts(struct lower *l, struct ir_chain *c, enum field f, int root, place_chain *chain_of,
		 int end);
/* The same as a chain: NULL where no rule speaks of the zone. */
const char *lower_parted(struct lower *l, const char *stem, enum field f, int root,
			 place_chain *chain_of, int end);

#endif
