/* SPDX-License-Identifier: GPL-2.0-or-later
 * The ruleset IR: what fwc would have in the kernel (lowered from a policy) and what the kernel
 * says it has (read back from its dump) have this one shape, so that they can be compared.
 *
 * Values are intervals of numbers, never text: a prefix, a range and a single address are equal
 * when they are the same packets. Canonical text (emit.h) is the same for equal objects.
 */
#ifndef FWC_IR_H
#define FWC_IR_H

#include "util/bulk.h"
#include "util/diag.h"
#include "util/ival.h"

#define IR_TABLE "fwc" /* table inet fwc */
#define IR_MAX_CONCAT 5
#define IR_HASH_SEED 1 /* a client keeps its target when the rules are loaded again */
#define IR_MAX_COMMENT 128 /* bytes; the limit of nft's own language */

/* What a rule looks at. One row each in field.c: nft's name, set type, width, printing. */
enum field {
	F_NFPROTO,
	F_L4PROTO,
	F_IIFNAME,
	F_OIFNAME,
	F_IIF,
	F_MARK,
	F_SKUID,
	F_HOUR, /* seconds since midnight, UTC as the kernel keeps it */
	F_DAY, /* 0 = Sunday */
	F_CT_STATE,
	F_CT_STATUS,
	F_CT_MARK,
	F_CT_LABEL, /* 128 bits; as a number, the first byte in memory is the highest */
	F_CT_DIRECTION, /* 0: as the connection was opened, 1: reply */
	F_IP_SADDR,
	F_IP_DADDR,
	F_IP6_SADDR,
	F_IP6_DADDR,
	F_IP6_HOPLIMIT,
	F_IP_PROTOCOL,
	F_TCP_SPORT,
	F_TCP_DPORT,
	F_UDP_SPORT,
	F_UDP_DPORT,
	F_SCTP_DPORT,
	F_DCCP_DPORT,
	F_UDPLITE_DPORT,
	F_TH_SPORT,
	F_TH_DPORT,
	F_TCP_FLAGS,
	F_ICMP_TYPE,
	F_ICMPV6_TYPE,
	F_ICMP_TYPE_OF_ANY, /* of that protocol, whatever the family: as read */
	F_ICMPV6_TYPE_OF_ANY,
	F_FIB_SADDR_TYPE,
	F_FIB_DADDR_TYPE,
	F_FIB_DADDR_IIF_TYPE,
	F_PAYLOAD, /* first byte that TCP or UDP carries; a match of 0-255: there is one */
	F_FIB_BACK, /* 1: the routes lead back to the source by the interface it came by */
	F_FIB_BACK_ANY, /* ... by whichever */
	F_CT_COUNT, /* max N connections: only in IR_ADD's inner statement */
	F_ICMP_CODE,
	F_ICMPV6_CODE,
	F_ICMP_CODE_OF_ANY, /* see F_ICMP_TYPE_OF_ANY */
	F_ICMPV6_CODE_OF_ANY,
	F_IP_DSCP,
	F_IP6_DSCP,
	F_IP_ECN,
	F_IP6_ECN,
	F_IP_TTL,
	F_LENGTH,
	F_SKGID,
	F_IIFTYPE,
	F_OIFTYPE,
	F_IIFGROUP,
	F_OIFGROUP,
	F_SECPATH, /* 1: it came through IPsec */
	F_RT_IPSEC, /* 1: its route goes through IPsec */
	F_ETHER_SADDR, /* of the header of the link, whatever link that is */
	F_ETHER_DADDR,
	F_FIB_OIFNAME, /* by which interface the routes lead to the destination */
	F_CT_DPORT, /* that was called, whatever a translation made of it */
	F_OIF, /* by number, as read */
	F_CT_HELPER, /* of the connection that expected this one; a name of 16 bytes */
	F_CT_L3PROTO, /* of the connection, which is that of each packet of it */
	F_TIME, /* nanoseconds since 1970, UTC */
	F_CGROUP1, /* number of the control group of that level that the sender is in */
	F_CGROUP2,
	F_CGROUP3,
	F_CGROUP4,
	F_CGROUP5,
	F_CGROUP6,
	F_CGROUP7,
	F_CGROUP8,
	/* As read: what a packet does not always tell; see mean_told.c */
	F_PKTTYPE, /* whom its link addressed: 0 this machine, 1 all, 2 several */
	F_CT_PROTO, /* of the connection: that of each packet, errors of ICMP apart */
	F_CT_SADDR, /* ends of the connection as it was opened: see ct_end() */
	F_CT_DADDR,
	F_CT_REPLY_SADDR, /* ... and as it is answered */
	F_CT_REPLY_DADDR,
	F_CT_SADDR6,
	F_CT_DADDR6,
	F_CT_REPLY_SADDR6,
	F_CT_REPLY_DADDR6,
	NFIELDS,
};

static inline enum field ct_end(bool v6, bool reply, bool target)
{
	return (enum field)(F_CT_SADDR + 4 * v6 + 2 * reply + target);
}

static inline bool field_is_told(enum field f)
{
	return f >= F_PKTTYPE && f <= F_CT_REPLY_DADDR6;
}

static inline bool field_is_cgroup(enum field f)
{
	return f >= F_CGROUP1 && f <= F_CGROUP8;
}

/* The bit of F_CT_LABEL that nft calls by that number. */
static inline u128 label_bit(unsigned n)
{
	return (u128)1 << ((15 - n / 8) * 8 + n % 8);
}

/* Bits of a mark so many places higher; below 0: lower. */
static inline uint32_t mark_moved(uint32_t bits, int up)
{
	return up > 31 || up < -31 ? 0 : up < 0 ? bits >> -up : bits << up;
}

enum field_format {
	FMT_NUMBER,
	FMT_HEX,
	FMT_HEX8,
	FMT_IP4,
	FMT_IP6,
	FMT_ETHER,
	FMT_IFNAME,
	FMT_L4PROTO,
	FMT_NFPROTO,
	FMT_CT_STATE,
	FMT_CT_STATUS,
	FMT_CT_DIRECTION,
	FMT_TCP_FLAGS,
	FMT_ICMP,
	FMT_ICMPV6,
	FMT_FIB_TYPE,
	FMT_PRESENT,
	FMT_HOUR,
	FMT_DAY,
	FMT_LABEL,
	FMT_TIME, /* as nft has it: in whole seconds */
	FMT_PKTTYPE
};

struct field_info {
	const char *nft; /* "ip saddr" */
	const char *set_type; /* "ipv4_addr"; NULL where it never is a key */
	uint8_t bits;
	enum field_format format;
};
extern const struct field_info field_table[NFIELDS];

struct ir_sel { /* a selector or a concatenation of them, each perhaps masked */
	uint8_t n;
	enum field f[IR_MAX_CONCAT];
	u128 mask[IR_MAX_CONCAT]; /* 0: none */
};

enum ir_verdict_kind { V_NONE, V_ACCEPT, V_DROP, V_RETURN, V_CONTINUE, V_JUMP, V_GOTO };

struct ir_verdict {
	enum ir_verdict_kind kind;
	const char *target; /* V_JUMP, V_GOTO: chain name */
};

struct ir_elem { /* of a set or verdict map, or a value of a match (then only key) */
	struct ival key[IR_MAX_CONCAT];
	struct ir_verdict verdict; /* maps */
	const char *comment; /* or NULL */
	struct span at; /* policy line it came from; never hashed */
	bool has_counter;
	uint64_t packets, bytes; /* as read from the kernel */
	bool volatile_elem; /* as read: has a timeout, so it belongs to run time */
	bool gated; /* as read: found only while a statement of its own lets it */
	bool ages; /* as read: it goes after ... */
	uint64_t left, timeout; /* ... seconds, cut; timeout 0: the set's own */
	uint32_t order; /* as read: place in the dump; of concatenations with intervals that
			   share a packet the kernel goes by the first */
#define IR_ORDER_LAST UINT32_MAX /* it is for what no other element is for */
};

struct ir_elems {
	struct ir_elem *v;
	size_t n, cap;
};

enum ir_op { OP_EQ, OP_NE, OP_ANYBIT /* value & bits != 0, as `ct state a,b` means */ };

enum ir_stmt_kind {
	IR_MATCH,
	IR_VMAP,
	IR_COUNTER,
	IR_LIMIT,
	IR_CT_COUNT, /* ct count [over] N */
	IR_LOG,
	IR_REJECT,
	IR_NAT,
	IR_MSS,
	IR_MARK, /* sets some bits of the packet's or the connection's mark */
	IR_QUEUE, /* to a program; ends the packet's way here */
	IR_NOTRACK, /* connection tracking does not get to see it */
	IR_ADD, /* add/update/delete @set { key timeout T [limit ...|ct count ...] } */
	IR_OFFLOAD, /* the connection, if it is fit, goes by a flowtable from now on: its name */
	IR_QUOTA, /* counts bytes for a quota, and goes on until it is used up: its object's name */
	IR_LABEL, /* sets bits of the connection's labels */
	IR_HELPER, /* the connection that begins gets a helper: the name of its object */
	IR_VERDICT,
	IR_UNKNOWN, /* read from the kernel and not understood */
};

enum ir_unknown_kind { /* what may become of a packet that comes to it */
		       UNKNOWN_MATCH, /* it goes on, or the rule ends here */
		       UNKNOWN_GOES_ON, /* it goes on, changed or not */
		       UNKNOWN_SETS_FIELDS, /* it goes on, perhaps with other fields of its header
					     */
		       UNKNOWN_SETS_MARKS, /* it goes on, perhaps with other marks */
		       UNKNOWN_ENDS, /* nobody can say */
};

enum ir_changed { /* fields that statements may set which let the packet go on; bits */
		  CHANGED_HOPS = 1,
		  CHANGED_DSCP = 2,
		  CHANGED_ECN = 4,
		  CHANGED_FLAGS = 8, /* of TCP */
		  CHANGED_LENGTH = 16,
};

enum ir_nat_kind { IR_MASQUERADE, IR_SNAT, IR_DNAT, IR_REDIRECT };

struct ir_limit {
	uint32_t rate, per /* seconds: 1, 60, 3600, 86400 */, burst;
	bool over;
};

struct ir_count { /* of connections that came by, this one among them */
	uint32_t n;
	bool over; /* else at most */
};

struct ir_stmt {
	enum ir_stmt_kind kind;
	union {
		struct { /* IR_MATCH */
			struct ir_sel sel;
			enum ir_op op;
			const char *set; /* named set, or NULL: then values */
			struct ir_elems values; /* one, or an anonymous set of several */
		} match;
		struct {
			struct ir_sel sel;
			const char *map; /* named map, or NULL: anonymous, in elems */
			struct ir_elems elems;
		} vmap;
		struct {
			uint64_t packets, bytes; /* as read */
		} counter;
		struct ir_limit limit;
		struct ir_count ct_count;
		struct {
			const char *log_prefix;
			uint8_t log_level; /* 0: warning; else 1 + what syslog(3) has */
			bool has_group; /* to programs that listen to it, not to the kernel's log */
			uint16_t log_group;
		};
		/* icmpx admin-prohibited; as read, any other: by its ICMP type (reject_with) */
		struct {
			enum { REJECT_TCP_RESET, REJECT_ADMIN, REJECT_OTHER } reject;
			const char *reject_with; /* "icmp 3" */
			enum family reject_family; /* of packets that this answer is for */
		};
		struct {
			enum ir_nat_kind kind;
			enum family family; /* FAM_NONE: masquerade, redirect */
			struct ir_elems to; /* key[0]: address or range; several: in turns
					       (numgen inc), or by_source */
			uint16_t port; /* 0: kept */
			uint16_t port_last; /* of the source: any from `port` to this; or 0 */
			/* not 0: who calls the first gets `port`, the second the next, ... */
			uint16_t called, called_last;
			bool random, persistent;
			bool by_source; /* several: by a hash of the source */
			bool prefix; /* `to` is one: what is behind it is kept */
		} nat;
		uint16_t mss; /* 0: rt mtu */
		struct { /* mark = (mark & keep | (the other mark & copied) << up) ^ value: no bit
			    is kept and copied, too */
			bool ct;
			bool own; /* copied from the mark itself */
			int8_t up; /* below 0: down */
			uint32_t keep, value, copied;
		} mark;
		struct {
			uint16_t first, count; /* several: by a hash of both ends */
			bool bypass; /* pass if nobody listens */
		} queue;
		struct {
			const char *set;
			bool update, remove;
			struct ir_sel key;
			uint64_t timeout; /* seconds, 0: the set's */
			bool has_limit, has_ct_count;
			struct ir_limit limit;
			struct ir_count ct_count;
		} add;
		struct ir_verdict verdict;
		const char *helper;
		const char *quota;
		u128 label; /* as F_CT_LABEL */
		const char *flowtable;
		struct { /* equal text: it is the same for the same packet */
			enum ir_unknown_kind kind;
			const char *text;
			bool inverted; /* UNKNOWN_MATCH: it holds where the text does not */
			bool counts; /* or throws dice: for itself, each time that it is come to */
			bool drops; /* UNKNOWN_MATCH: what it has no room for it drops */
			uint64_t marks; /* UNKNOWN_SETS_MARKS: which bits, of the packet's, above
					   them of the connection's; 0: any */
			unsigned changes; /* UNKNOWN_SETS_FIELDS: enum ir_changed */
			/* UNKNOWN_MATCH: it holds where all matches of any of these do, which no
			 * words of nft say; or none. UNKNOWN_ENDS: it is the translation or verdict
			 * behind the match of the first that holds (or behind none); else the
			 * rule ends. UNKNOWN_SETS_MARKS: the same, of IR_MARK, and it goes on */
			const struct ir_rule *either;
			size_t neither;
		} unknown;
	};
};

struct ir_rule {
	VEC(struct ir_stmt) stmts;
	const char *comment; /* or NULL */
	struct span at; /* never hashed */
	uint64_t handle; /* as read */
};

struct ir_base { /* of a base chain; hook NULL: an ordinary chain */
	const char *hook; /* "input" */
	const char *type; /* "filter", "nat" */
	int priority; /* 0, -100 (dstnat), 100 (srcnat) */
	bool policy_drop;
};

struct ir_chain {
	const char *name; /* with hash; given by ruleset_seal_chain() */
	const char *stem;
	struct ir_base base;
	VEC(struct ir_rule) rules;
	size_t text_off, text_len; /* its block within the emitted script */
};

/* A list that has changed a little is the list that it was, and two small sets: what is in it no
 * more, and what is in it besides. A packet's address is in the list if it is in the former and not
 * among what is taken away, or if it is in what is added. */
enum bulk_role { BULK_LIST, BULK_LESS, BULK_MORE };

/* The elements of a bulk set: so many that they never are ir_elems, nor text. The script declares
 * the set empty; what is in it is loaded by itself and compared by itself, and the name of the set
 * holds a hash of it. */
struct ir_bulk {
	/* sorted, disjoint; of a hash each range is one key after the other (bulk_keys()) */
	const struct bulk_list *elems;
	/* of a hash: how many bits of an address its keys have, the others are zero (32 or 128:
	 * all; less: what is looked up is masked by the rule, and ranges are of whole prefixes);
	 * 0: it holds intervals */
	uint8_t prefix;
	/* what a policy calls one list may be several sets, each of another prefix: the digest of
	 * the whole, which is that of `elems` if there is one */
	const char *of;
	enum bulk_role role;
	/* of what is not BULK_LIST: the digest of the list that it makes `of` of */
	const char *base;
};

/* Or a verdict map; or a connection helper, quota or flowtable, which have no keys. */
struct ir_set {
	const char *name;
	const char *stem;
	bool is_map;
	const char *helper; /* as the kernel knows it, "ftp"; NULL: it is none */
	uint8_t helper_proto;
	uint64_t quota; /* bytes; 0: it is none; dynamic: what is used of it is run time's */
	uint64_t used; /* as read */
	bool flowtable, hardware;
	VEC(const char *) devices; /* of a flowtable, as read: they belong to run time */
	uint8_t nkeys;
	enum field keys[IR_MAX_CONCAT]; /* gives the type; several fields share a type */
	const char *type; /* as read; the emitter derives it from keys when NULL */
	bool interval;
	bool dynamic; /* elements belong to run time; stable name */
	bool counter; /* each element counts */
	bool lasting; /* dynamic: its elements have no timeout, nor may have one */
	uint64_t timeout; /* seconds; dynamic */
	uint32_t size; /* 0: none */
	struct ir_elems elems; /* sorted by key */
	const struct ir_bulk *bulk; /* or NULL; then elems is empty, and size the number of keys */
	struct span at;
	size_t text_off, text_len;
};

/* From one key of a hash to the next. */
static inline u128 bulk_step(const struct ir_bulk *b)
{
	return (u128)1 << ((b->elems->family == FAM_IP4 ? 32 : 128) - b->prefix);
}

static inline bool bulk_is_sound(const struct ir_bulk *b)
{
	return b->prefix <= (b->elems->family == FAM_IP4 ? 32 : 128);
}

/* How many elements the kernel has for it; of intervals, how many intervals. UINT32_MAX: that many
 * or more, which no set holds. */
uint32_t bulk_keys(const struct ir_bulk *b);

/* Its content is known and belongs to the policy, but is not in `elems`. */
static inline bool ir_set_is_bulk(const struct ir_set *s)
{
	return s->bulk;
}

struct ir_zone {
	const char *name;
	VEC(struct ival) interfaces; /* names; an exact one wins over wildcards of other zones */
};

struct ir_lack { /* something that the policy asks for and this kernel has not */
	struct span at;
	const char *text, *needs;
};

struct ir_timeout { /* a setting of the kernel's connection tracking */
	const char *name; /* see timeout_words */
	uint32_t seconds;
	struct span at;
};

struct ir_offload { /* a flowtable, and names of the devices that are bound to it at run time */
	const char *flowtable; /* or NULL: there is none */
	bool hardware;
	VEC(struct ival) interfaces;
};

struct ir_pair { /* of places, that some rule speaks of */
	const char *from, *to; /* as chains have it: "lan", "self", "other" */
	const char *hook;
	const struct ir_chain *chain; /* what is judged there */
};

struct ir_ruleset {
	struct arena *arena;
	VEC(struct ir_set *) sets; /* in an order in which each refers only to earlier ... */
	VEC(struct ir_chain *) chains; /* ... objects; base chains last */
	struct map *by_name; /* "c:NAME" -> ir_chain, "s:NAME" -> ir_set (sets and maps) */
	int forwarding; /* -1: not said, 0, 1 */
	int live_flows; /* -1: not said, 0: kept, 1: ended; for the manifest, as are the zones */
	VEC(struct ir_timeout) timeouts; /* for the manifest */
	struct ir_offload offload; /* for the manifest */
	VEC(struct ir_zone) zones;
	VEC(struct ir_lack) lacks; /* what was left out of it; for the manifest */
	VEC(struct ir_pair) pairs; /* as lowered; see nft/cost.h */
	bool dormant; /* as read: by its flag the table sleeps, and filters nothing */
};

#endif
