/* SPDX-License-Identifier: GPL-2.0-or-later
 * What a policy means, and what a ruleset of the kernel means, in the same terms: at each station,
 * a function from packets to outcomes. Two meanings are equal where their diagrams are the same
 * node.
 *
 * The policy's meaning is built from the language's definition (fwc.policy(5)), rule by rule, and
 * knows nothing of how the compiler arranges chains and maps; the ruleset's is built from nft's
 * definition of what it lists. That they agree is what is proved.
 */
#ifndef FWC_MEAN_H
#define FWC_MEAN_H

#include "space/outcome.h"
#include "space/schema.h"

/* The budget that commands give to a proof, and to each hook of the other questions: many times
 * what 10,000 rules take. */
#define PROOF_NODES ((size_t)12 << 20) /* a few hundred megabytes */
#define PROOF_SECONDS 30.0

struct mean_coded { /* the zones of a policy by the codes of interfaces */
	const struct policy *of;
	size_t n;
	int *zone;
};

struct mean_own { /* what journeys ask of all translations of a policy (journey.c) */
	const struct policy *of;
	struct ivset away[2]; /* by family: what netmaps go to and is not here */
	dd_ref own;
};

struct mean_whole { /* what becomes of all packets at filter hooks, by whatever line */
	bool made[NSTATIONS];
	dd_ref says[NSTATIONS];
	size_t nodes; /* that making them took */
};

struct slice;

struct mean { /* one or several meanings to be compared */
	struct arena *arena;
	struct dd *dd;
	struct schema schema;
	struct outcomes outcomes;
	dd_ref within; /* only packets of this region are looked at; DD_TRUE: all */
	const struct slice *slice; /* that region, if it is one of these: see slice.h */
	bool now; /* sets that fill at run time hold what was read; else it may be anything */
	const struct numbers *keep; /* rules of a policy: the others match nothing within; NULL: all
				     */
	struct mean_whole *whole; /* journeys ask this and not the rules that are near; or NULL */
	const struct numbers *untracked; /* the same of untracked statements */
	bool marks; /* with the marks by which kernel and judging program tell each other how far a
		       connection is: what a policy does to these and how it queues is part of its
		       meaning. Otherwise only new connections are inspected, by an inspector. */
	bool fates; /* what becomes of packets, and not to what their MSS is clamped */
	bool lines; /* outcomes name the line that decided */
	bool translated; /* destinations are those behind dnat: what a set of run time holds of one
			    says nothing of the other */
	struct map known_lines;
	VEC(struct mean_coded) coded;
	struct ivset runs; /* of codes: used again and again */
	VEC(struct mean_own) own;
	/* Which line a rule or (e not NULL) a map's element of a ruleset belongs to; NULL: by its
	 * comment. */
	const struct line *(*line_of)(struct mean *m, const struct ir_chain *c, size_t rule,
				      const struct ir_set *map, const struct ir_elem *e);
	void *line_ctx;
};

void mean_init(struct mean *m, struct arena *a, struct dd_budget budget);
void mean_free(struct mean *m);

/* Names of both sides must have been added to the schema before. Outside of m->within the result is
 * undecided. */
dd_ref mean_policy(struct mean *m, const struct policy *p, enum station at);
/* A ruleset as read from the kernel; stations that it has no base chain at accept everything. Base
 * chains whose type and hook are of no station are not looked at. */
dd_ref mean_ruleset(struct mean *m, const struct ir_ruleset *r, enum station at);

/* The terminals of a diagram, each once. */
struct mean_values {
	uint32_t *v;
	size_t n, cap;
	struct arena *arena;
};
struct mean_values mean_values(struct mean *m, dd_ref a);
/* The zone of the names of a code; PLACE_OTHER if none. */
int mean_zone_of(struct mean *m, const struct policy *p, uint32_t code);

/* One base chain alone; its accept is an accept. marks: which may have been set before it; brought
 * up to date. */
dd_ref mean_base_chain(struct mean *m, const struct ir_ruleset *r, const struct ir_chain *c,
		       u128 *marks);

/* ---- between the mean_*.c files ---- */

dd_ref mean_outcome(struct mean *m, enum fate fate, const char *what, const struct line *line);
dd_ref mean_effect(struct mean *m, const char *effect);
/* First match: the parts one after the other, by divide and conquer. */
dd_ref mean_sequence(struct mean *m, const dd_ref *v, size_t n);
/* One filter rule's decision where it matches, at a hook. */
dd_ref mean_rule(struct mean *m, const struct policy *p, size_t rule, enum station at);
/* mean_act.c: what a rule does with what it matches; a log of what fwc drops by itself */
dd_ref mean_acts(struct mean *m, const struct policy *p, size_t rule, enum station at);
dd_ref mean_builtin_log(struct mean *m, const struct builtin_log *l, const char *what);
dd_ref mean_before_rules(struct mean *m, const struct policy *p, enum station at);
/* Not an ICMP error or answer that is new: connection tracking has none. */
dd_ref mean_tracked_icmp(struct mean *m);
/* Opens a connection: new, TCP with SYN alone, of ICMP a question, and no DHCP reply, which the
 * language lets in by itself. */
dd_ref mean_opens(struct mean *m);
/* Calls or claims a loopback address, and did not come by loopback. */
dd_ref mean_stray(struct mean *m);
/* New or untracked, and TCP with SYN alone: what rules get to see. */
dd_ref mean_fresh(struct mean *m);
dd_ref mean_reject(struct mean *m, const struct line *line);
/* What the routes say of a packet's source is a condition: they are no part of a policy. */
#define MEAN_BACK "the routes lead back to the source by the interface it came by"
#define MEAN_BACK_ANY "some route leads back to the source"
#define MEAN_NOTRACK "not tracked"
/* mean_offload.c: what becomes of established connections at the forward hook */
#define MEAN_OFFLOAD "offloaded"
#define MEAN_OFFLOAD_HARDWARE "offloaded, by hardware where it can"
dd_ref mean_offloads(struct mean *m, const struct policy *p, enum station at);
dd_ref mean_taken(struct mean *m, const char *flowtable); /* it finds the connection fit */
/* mean_untracked.c: packets that a statement is about, as they arrive (AT_PREROUTING) or are made
 * (ROUTE_OUTPUT), in either direction; what those of all statements get there */
dd_ref mean_untracked_match(struct mean *m, const struct policy *p, const struct untracked *u,
			    enum station at);
dd_ref mean_untracked(struct mean *m, const struct policy *p, enum station at);
/* ... and behind that, at a filter hook: what passes without being judged, which is answers and
 * errors; and what is judged packet by packet */
bool mean_none_is(struct mean *m, enum ct_code code); /* ... of what is looked at */
dd_ref mean_untracked_passes(struct mean *m, const struct policy *p, enum station at);
dd_ref mean_untracked_judged(struct mean *m, const struct policy *p, enum station at);
/* What gets to a filter hook: before it was routed the routes said where it would go. */
dd_ref mean_by_routes(struct mean *m, const struct policy *p, dd_ref r, enum station at);
const struct line *mean_untracked_line(struct mean *m, const struct untracked *u);
/* mean_guard.c: what the statements of one kind refuse, undecided elsewhere */
dd_ref mean_guards(struct mean *m, const struct policy *p, enum guard_kind kind);
dd_ref mean_early(struct mean *m, const struct policy *p, const struct guard *g);
/* Dropped, and logged where the rule says so. */
dd_ref mean_drop(struct mean *m, const struct rule *r, const struct line *line);
/* mean_helper.c: what belongs to known connections, or else is expected by a helper that some rule
 * sets; the helpers of a rule */
dd_ref mean_errors(struct mean *m);
dd_ref mean_resets(struct mean *m);
dd_ref mean_expected(struct mean *m, const char *helper);
dd_ref mean_helpers(struct mean *m, const struct rule *r);
const char *mean_helper_text(struct mean *m, const char *helper);
/* mean_inspect.c: a rule that inspects; what is known of connections by their marks, `rules` being
 * what decides about new ones. */
dd_ref mean_inspected(struct mean *m, const struct policy *p, const struct rule *r,
		      const struct line *line, enum station at);
dd_ref mean_asked(struct mean *m, const struct policy *p, dd_ref rules);
/* What the judging program says to a client in a server's place. */
dd_ref mean_answered(struct mean *m, const struct policy *p);
dd_ref mean_opening_tcp(struct mean *m); /* flags: of FIN, SYN, RST and ACK only SYN */
const struct line *mean_rule_line(struct mean *m, const struct policy *p, size_t rule);
/* What one translation statement does there, without what its hairpin does to sources. */
dd_ref mean_nat(struct mean *m, const struct policy *p, size_t nat, enum station at);
dd_ref mean_nats(struct mean *m, const struct policy *p, enum station at);
/* By number of a mark, the packets that it matches; those that it is put on, which are of these
 * the ones that none before it was put on with which it shares bits (mean_mark.c). */
dd_ref *mean_mark_matches(struct mean *m, const struct policy *p, enum station at);
dd_ref *mean_marked(struct mean *m, const struct policy *p, enum station at);
/* What marks do before routing, also to packets of connections that were marked. */
dd_ref mean_marks(struct mean *m, const struct policy *p, enum station at);
/* Packets of new connections as they are behind that. */
dd_ref mean_behind_marks(struct mean *m, const struct policy *p, enum station at, dd_ref packets);
const struct line *mean_mark_line(struct mean *m, const struct policy *p, size_t mark);
/* The packets that one clamp is about. */
dd_ref mean_clamp(struct mean *m, const struct policy *p, size_t clamp, enum station at);
dd_ref mean_clamps(struct mean *m, const struct policy *p, enum station at);
/* The words behind the services: all of them; those of the packet's sender and its DSCP; a mark.
 */
dd_ref mean_words(struct mean *m, const struct qualifiers *q);
dd_ref mean_process(struct mean *m, const struct qualifiers *q);
dd_ref mean_mark(struct mean *m, uint32_t mark, uint32_t mask);
dd_ref mean_services(struct mean *m, const struct services *s);
/* Of packets whose destination was translated: those whose client called one of the services. */
dd_ref mean_published(struct mean *m, const struct services *s);
/* Where a rule matches, whether it decides or not. */
dd_ref mean_rule_match(struct mean *m, const struct policy *p, const struct rule *r,
		       enum station at);
/* Addresses of an item, on that side. */
dd_ref mean_addrs(struct mean *m, const struct addrs *s, enum dim d);
/* That a set of run time of that name holds it: "source", "destination". Of one part of a set: that
 * it holds it where the set does. */
dd_ref mean_held(struct mean *m, const char *set, const char *what);
/* Interfaces of a zone: exact names win over wildcards. */
dd_ref mean_zone(struct mean *m, const struct policy *p, int zone, enum dim d);
/* Of what this machine sends, what is in the item. */
dd_ref mean_sent(struct mean *m, const struct policy *p, const struct place_item *item);
/* Where an item's place is; self is where there is no interface. */
dd_ref mean_place(struct mean *m, const struct policy *p, const struct place_item *item,
		  enum dim d);
/* The key of the condition that holds while a rate is not exceeded. */
const char *mean_rate(struct mean *m, const char *what, const struct ir_limit *limit,
		      const char *comment, unsigned twin);
/* The same while no more than n connections came by. */
const char *mean_count(struct mean *m, const char *what, uint32_t n, const char *comment,
		       unsigned twin);
struct rewrite { /* what a translation does, however it is said */
	enum ir_nat_kind kind;
	enum family family; /* of `to` */
	const struct ival *to; /* several: in turns, or by_source; a weight: so many times */
	size_t n;
	uint16_t port, port_last; /* as in ir.h, and so is what follows */
	uint16_t called, called_last;
	bool random, persistent, by_source, prefix;
};
const char *mean_nat_text(struct mean *m, const struct rewrite *w);
const char *mean_nat_stmt_text(struct mean *m, const struct ir_stmt *s); /* IR_NAT */
/* A quota by the name of its object: while it is not used up; what it does to a packet. */
dd_ref mean_quota_holds(struct mean *m, const char *object);
const char *mean_quota_text(struct mean *m, const char *object);
/* The connection has these labels; it gets them. */
dd_ref mean_labelled(struct mean *m, u128 label);
const char *mean_label_text(struct mean *m, u128 label);
/* mean_policy's: packets of connections that quotas count. */
dd_ref mean_quotas(struct mean *m, const struct policy *p);
dd_ref mean_behind_quota(struct mean *m, const struct quota *q, dd_ref says);
/* Texts of effects. */
const char *mean_change_text(struct mean *m, const char *which, const char *set, bool remove,
			     uint64_t timeout);
/* level: 0 or 1 + what syslog(3) has; group -1: none */
const char *mean_log_text(struct mean *m, const char *prefix, unsigned level, int group);
const char *mean_mss_text(struct mean *m, uint16_t mss);
const char *mean_mark_text(struct mean *m, bool ct, uint32_t bits, uint32_t value);
const char *mean_queue_text(struct mean *m, uint16_t first, uint16_t count, bool bypass);
const struct line *mean_line(struct mean *m, const char *text, const char *where, struct span at,
			     size_t order);
/* Of a ruleset whose lines nobody wrote. */
const struct line *mean_others_line(struct mean *m, const char *text, const char *chain,
				    uint64_t handle);

#endif
