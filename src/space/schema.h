/* SPDX-License-Identifier: GPL-2.0-or-later
 * The packet as bits: which variables of a decision diagram say what of a packet.
 *
 * Every dimension is a number of a fixed width; IPv4 addresses use the first 32 bits of theirs.
 * Interface names, of which only equality and prefixes are ever asked, are small codes over the
 * names that the rulesets at hand mention: a name or wildcard has one code for what is in it and in
 * nothing narrower, and code 0 is every name that nobody mentions. So are seconds: all of one code
 * are in the same windows of those that the policies and rulesets at hand have. Whatever a diagram
 * cannot know (whether a rate is exceeded, whether a set that fills at run time holds an address)
 * is a condition: one free variable, the same wherever its text is the same.
 */
#ifndef FWC_SCHEMA_H
#define FWC_SCHEMA_H

#include "nft/ir.h"
#include "policy/policy.h"
#include "space/dd.h"
#include "space/region.h"
#include "util/bulk_overlay.h"
#include "util/map.h"

enum dim { /* in the order of their variables */
	   DIM_FAMILY, /* 0: IPv4, 1: IPv6 */
	   DIM_CT_STATE, /* enum ct_code */
	   DIM_CT_STATUS,
	   DIM_CT_MARK,
	   DIM_CT_DIRECTION, /* 0: as the connection was opened, 1: reply */
	   DIM_IIF, /* code of a name */
	   DIM_OIF,
	   DIM_MARK,
	   DIM_SADDR,
	   DIM_DADDR,
	   DIM_PROTO,
	   DIM_DPORT,
	   DIM_SPORT,
	   DIM_TYPE, /* of ICMP and ICMPv6 */
	   DIM_FLAGS, /* of TCP */
	   DIM_PAYLOAD, /* enum payload: what TCP or UDP carries */
	   DIM_HOPLIMIT,
	   DIM_UID,
	   DIM_FIB_SADDR, /* RTN_* */
	   DIM_FIB_DADDR,
	   DIM_FIB_DADDR_IIF,
	   DIM_HOUR,
	   DIM_DAY,
	   DIM_CODE, /* of ICMP and ICMPv6 */
	   DIM_DSCP,
	   DIM_ECN,
	   DIM_LENGTH, /* bytes of the whole packet */
	   DIM_GID,
	   DIM_IIFTYPE, /* ARPHRD_* */
	   DIM_OIFTYPE,
	   DIM_IIFGROUP,
	   DIM_OIFGROUP,
	   DIM_SECPATH, /* 1: it came through IPsec */
	   DIM_RT_IPSEC, /* 1: it leaves through IPsec */
	   DIM_LINK, /* 1: it has the header of the link that it came by */
	   DIM_ETHER_SADDR, /* bytes 6 to 11 of that header */
	   DIM_ETHER_DADDR, /* bytes 0 to 5 */
	   DIM_CALLED, /* the port that the connection was opened to, before any translation */
	   DIM_FIB_OIF, /* by which the routes lead to the destination, before it is routed */
	   DIM_TIME, /* code of a second (times.c) */
	   NDIMS,
};

/* What TCP or UDP carries: nothing, a first bit that is not set, one that is (of QUIC, a long
 * header). */
enum payload { PAYLOAD_NONE, PAYLOAD_SHORT, PAYLOAD_LONG };

enum ct_code { CT_NEW, CT_ESTABLISHED, CT_RELATED, CT_UNTRACKED, CT_INVALID, NCTCODES };

/* Where in the kernel a base chain stands; what it is asked. */
enum station {
	AT_INPUT,
	AT_FORWARD,
	AT_OUTPUT,
	AT_POSTROUTING,
	AT_PREROUTING,
	NAT_PREROUTING,
	NAT_INPUT,
	NAT_OUTPUT,
	NAT_POSTROUTING,
	ROUTE_OUTPUT, /* before what this machine sends is routed again */
	NSTATIONS,
};
extern const struct station_info {
	const char *type, *hook; /* as nft names them */
} station_table[NSTATIONS];

struct dim_info {
	const char *name; /* "saddr", as witnesses and --json say it */
	uint32_t first;
	uint8_t bits;
};
extern const struct dim_info dim_table[NDIMS];

struct time_code { /* seconds that are in the same sets */
	int64_t second; /* the next one to come; if none will, the first */
	bool comes, now;
};

struct times { /* windows, each a set of seconds since 1970, UTC, within the horizon */
	VEC(struct ivset) sets;
	struct map schedules; /* text -> number of its set + 1 */
	bool coded; /* from the first question on; then no set is added any more */
	VEC(struct time_code) codes;
	VEC(const uint8_t *) in; /* by code: bit n of them: in set n */
};

struct schema_list {
	size_t condition; /* its number */
	const struct bulk_list *list;
	enum dim d;
};

struct schema_part {
	const char *of; /* the digest of the whole */
	const struct bulk_list *list;
};

struct schema_overlay { /* a list that is several sets of the kernel in this way */
	const char *of; /* its digest */
	struct bulk_overlay is;
};

struct schema_whole {
	const struct bulk_list *list;
	bool parted; /* its parts are all of it and no more */
	const struct bulk_overlay *overlay; /* is it; or NULL */
};

struct schema_named {
	const struct bulk_list *list;
	const char *name;
};

struct schema {
	struct arena *arena;
	struct dd *dd;
	VEC(struct ival) names; /* by code; code 0: {0}, never looked at */
	struct map codes; /* name or wildcard as text -> code + 1 */
	struct map conditions; /* text -> number + 1 */
	VEC(const char *) texts; /* of conditions, by number */
	bool ends[128]; /* some IPv6 addresses are asked for by so many of their last bits */
	VEC(struct schema_list) lists; /* those of them that say that an address is in a list */
	VEC(struct schema_named) named; /* what a policy calls its lists */
	bool lists_open; /* each list is a condition, be it small */
	VEC(struct schema_part) parts; /* lists that are several sets of the kernel */
	VEC(struct schema_overlay) overlays;
	VEC(struct schema_whole) wholes; /* of which that was asked for */
	bool questions; /* some policy awaits answers to questions by multicast */
	struct times times;
	struct {
		size_t names; /* of which it was made; 0: it was not */
		dd_ref says;
	} possible[NSTATIONS + 1];
};

/* times.c: sets of nanoseconds, as rules of nft have them. Where a set was not added it is nobody's
 * to say which packets are in it, but the condition's that is named by the set. */
void schema_add_schedule(struct schema *s, const struct schedule *when);
void schema_add_times(struct schema *s, const struct ivset *nanoseconds);
dd_ref schema_schedule(struct schema *s, const struct schedule *when);
bool schema_times(struct schema *s, const struct ivset *nanoseconds, struct ivset *codes);
size_t schema_ntimes(struct schema *s); /* codes */
/* The code of now; a second of a code, the next one to come if there is one. */
u128 schema_time_now(struct schema *s);
int64_t schema_second(struct schema *s, u128 code);
/* When that is, by the words of policies: "hours 08:00-18:00", "not ..."; or else from when on, as
 * an example. */
void schema_print_times(struct buf *out, struct schema *s, const struct ivset *codes);

void schema_init(struct schema *s, struct arena *a, struct dd *dd);
/* Every name that will be asked for must be added before the first diagram is built. */
void schema_add_name(struct schema *s, struct ival name);
void schema_add_policy(struct schema *s, const struct policy *p);
void schema_add_ruleset(struct schema *s, const struct ir_ruleset *r);

/* A condition's variable. */
dd_ref schema_condition(struct schema *s, const char *text);
uint32_t schema_condition_var(size_t number);
/* Where r holds, whatever the conditions are. */
dd_ref schema_some_condition(struct schema *s, dd_ref r);
/* true where dimension d, masked, lies in the intervals (sorted, disjoint), and `in` there. */
dd_ref schema_ranges(struct schema *s, enum dim d, int bits, const struct ival *v, size_t n,
		     u128 mask, dd_ref in);
dd_ref schema_one(struct schema *s, enum dim d, u128 value);
dd_ref schema_family(struct schema *s, enum family fam);
/* Addresses of that family in the set; true where the family is fam and the address is in it. */
dd_ref schema_addrs(struct schema *s, enum dim d, enum family fam, const struct ivset *v);
/* The same of a list (schema_list.c), as far as `within` has packets: exactly, or by a condition
 * where too much of it is there. A condition is the same wherever the list is the same; whether it
 * holds is known once the address is. */
dd_ref schema_bulk(struct schema *s, enum dim d, const struct bulk_list *list, dd_ref within);
/* The set of the policy that it is, for people; NULL: none. */
void schema_add_named(struct schema *s, const struct bulk_list *list, const char *name);
/* What of a list is in a set of its own: the list is each of these, where they are all of it. */
void schema_add_part(struct schema *s, const char *of, const struct bulk_list *list);
/* The same of sets of a list that has changed a little. */
void schema_add_overlays(struct schema *s, const struct ir_ruleset *r);
/* That of a variable, or NULL. */
const struct schema_list *schema_list_of(const struct schema *s, uint32_t var);
/* What lists say of an address that is another now. */
dd_ref schema_forget_lists(struct schema *s, dd_ref r, enum dim d);
size_t schema_ncodes(const struct schema *s);
/* The code that stands for no interface; a name that stands for a code. */
uint32_t schema_no_interface(const struct schema *s);
dd_ref schema_loopback(struct schema *s, enum dim d);
/* The code of a name or wildcard that was added, else 0. */
uint32_t schema_code(struct schema *s, struct ival name);
const char *schema_name(const struct schema *s, uint32_t code);

/* The packets that can be at a station: ports only where the protocol has them, and so on. Every
 * report is within it. */
dd_ref schema_possible(struct schema *s, enum station at);
void schema_collected(struct schema *s); /* refs from before are void: dd_collect() */

/* One packet, every dimension and condition. */
struct packet {
	u128 dim[NDIMS];
	bool *condition; /* by number */
	size_t nconditions; /* that there were when it was found; of later ones none holds */
};

#define PLAIN_LENGTH 60 /* of a TCP SYN */

/* A region without what its conditions say wrongly of the lists; at least without the packet, whose
 * conditions do. True: *p is one of the region that is real. */
bool schema_realise(struct schema *s, dd_ref *region, struct packet *p);
/* A packet of the region, as plain a one as there is. False: it is empty; or, and dd_exhausted()
 * then, none was found of which lists are true. */
bool schema_witness(struct schema *s, dd_ref region, struct packet *out);
/* The value at a packet. */
uint32_t schema_at(struct schema *s, dd_ref n, const struct packet *p);
/* The region that is this packet alone; the same whatever the conditions are. */
dd_ref schema_dims(struct schema *s, const struct packet *p);
dd_ref schema_point(struct schema *s, const struct packet *p);

#endif
