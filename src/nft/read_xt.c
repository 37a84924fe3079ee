/* SPDX-License-Identifier: GPL-2.0-or-later
 * Matches and targets of iptables, as iptables-nft has them in its rules: name, revision, and the
 * structure of their kernel module (<linux/netfilter/xt_*.h>), in this machine's byte order. Here:
 * targets, and whatever is not understood.
 */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/xt_CT.h>
#include <linux/netfilter/xt_NFQUEUE.h>
#include <linux/netfilter/xt_connmark.h>
#include <linux/netfilter/xt_mark.h>
#include <string.h>

#include "nft/read_xt.h"

bool xt_info(const struct xt *x, void *to, size_t n)
{
	if (x->info.n < n)
		return false;
	memcpy(to, x->info.p, n);
	return true;
}

/* ---- targets ---- */

static bool push_reject(struct machine *m, const char *icmp)
{
	struct ir_stmt *s;

	if (!icmp)
		return false;
	s = machine_stmt(m, IR_REJECT);
	s->reject = strcmp(icmp, "tcp reset") ? REJECT_OTHER : REJECT_TCP_RESET;
	s->reject_family = m->family;
	s->reject_with =
		arena_printf(m->a, "%s %s", m->family == FAM_IP4 ? "icmp" : "icmpv6", icmp);
	return true;
}

static bool read_reject(struct machine *m, const struct xt *x)
{
	static const char *const v4[] = {
		"net-unreachable", "host-unreachable", "prot-unreachable", "port-unreachable", NULL,
		"net-prohibited",  "host-prohibited",  "tcp reset",	   "admin-prohibited"};
	static const char *const v6[] = {"no-route",	     "admin-prohibited", NULL,
					 "addr-unreachable", "port-unreachable", NULL,
					 "tcp reset",	     "policy-fail",	 "reject-route"};
	uint32_t with;

	if (!xt_info(x, &with, sizeof(with)) || with >= 9 || !m->family)
		return false;
	return push_reject(m, m->family == FAM_IP4 ? v4[with] : v6[with]);
}

struct range { /* to translate to */
	uint32_t flags;
	u128 lo, hi;
	uint16_t port, last_port;
};

/* Revision 0 of IPv4 has a structure of its own; 1 and 2 are alike as far as this is read. */
static bool range_of(const struct machine *m, const struct xt *x, struct range *out)
{
	struct nf_nat_ipv4_multi_range_compat old;
	struct nf_nat_range new;
	bool v4 = m->family == FAM_IP4;

	if (v4 && !x->revision) {
		if (!xt_info(x, &old, sizeof(old)) || old.rangesize != 1)
			return false;
		out->flags = old.range[0].flags;
		out->lo = read_number((const uint8_t *)&old.range[0].min_ip, 4, false);
		out->hi = read_number((const uint8_t *)&old.range[0].max_ip, 4, false);
		out->port = (uint16_t)read_number((const uint8_t *)&old.range[0].min, 2, false);
		out->last_port =
			(uint16_t)read_number((const uint8_t *)&old.range[0].max, 2, false);
		return true;
	}
	if (!m->family || !xt_info(x, &new, sizeof(new)))
		return false;
	out->flags = new.flags;
	out->lo = read_number((const uint8_t *)&new.min_addr, v4 ? 4 : 16, false);
	out->hi = read_number((const uint8_t *)&new.max_addr, v4 ? 4 : 16, false);
	out->port = (uint16_t)read_number((const uint8_t *)&new.min_proto, 2, false);
	out->last_port = (uint16_t)read_number((const uint8_t *)&new.max_proto, 2, false);
	return true;
}

static bool read_nat(struct machine *m, const struct xt *x)
{
	static const struct {
		const char *name;
		enum ir_nat_kind kind;
	} kinds[] = {{"DNAT", IR_DNAT},
		     {"SNAT", IR_SNAT},
		     {"MASQUERADE", IR_MASQUERADE},
		     {"REDIRECT", IR_REDIRECT}};
	const uint32_t known = NF_NAT_RANGE_MAP_IPS | NF_NAT_RANGE_PROTO_SPECIFIED;
	struct range r;
	struct ir_stmt *s;
	int k = 0;

	while (strcmp(kinds[k].name, x->name) != 0)
		k++;
	if (!range_of(m, x, &r) || r.flags & ~known || r.lo > r.hi)
		return false;
	if (!(r.flags & NF_NAT_RANGE_PROTO_SPECIFIED))
		r.port = r.last_port = 0;
	if (r.port != r.last_port || (kinds[k].kind == IR_MASQUERADE && r.port) ||
	    (!(r.flags & NF_NAT_RANGE_MAP_IPS) &&
	     (kinds[k].kind == IR_SNAT || (kinds[k].kind == IR_DNAT && !r.port))))
		return false;
	s = machine_stmt(m, IR_NAT);
	s->nat.kind = kinds[k].kind;
	s->nat.port = r.port;
	if (kinds[k].kind == IR_DNAT || kinds[k].kind == IR_SNAT)
		s->nat.family = m->family;
	if (s->nat.family && r.flags & NF_NAT_RANGE_MAP_IPS)
		vec_push(m->a, &s->nat.to, ((struct ir_elem){.key = {{r.lo, r.hi}}}));
	return true;
}

/* The prefix whose ends the range has; of the destination where packets arrive, or are made. */
static bool read_netmap(struct machine *m, const struct xt *x)
{
	const char *hook = m->r->hook;
	struct range r;
	struct ir_stmt *s;

	if (!hook || x->revision || !range_of(m, x, &r) || r.flags != NF_NAT_RANGE_MAP_IPS ||
	    ival_prefixlen((struct ival){r.lo, r.hi}, m->family == FAM_IP4 ? 32 : 128) < 0)
		return false;
	s = machine_stmt(m, IR_NAT);
	s->nat.kind = strcmp(hook, "prerouting") && strcmp(hook, "output") ? IR_SNAT : IR_DNAT;
	s->nat.family = m->family;
	s->nat.prefix = true;
	vec_push(m->a, &s->nat.to, ((struct ir_elem){.key = {{r.lo, r.hi}}}));
	return true;
}

/* (mark & ~mask) ^ value */
static bool set_mark(struct machine *m, const struct xt *x)
{
	struct xt_mark_tginfo2 i;
	struct ir_stmt *s;

	if (x->revision != 2 || !xt_info(x, &i, sizeof(i)))
		return false;
	s = machine_stmt(m, IR_MARK);
	s->mark.keep = ~i.mask;
	s->mark.value = i.mark;
	return true;
}

/* SET: ((mark & ~ctmask) ^ ctmark) shifted. SAVE, RESTORE: (mark & ~mask) ^ some bits of the other
 * mark shifted: false where both have the same bit. */
static bool marks_of(const struct xt_connmark_tginfo2 *i, struct ir_stmt *s)
{
	bool save = i->mode == XT_CONNMARK_SAVE;
	int up = i->shift_dir ? -i->shift_bits : i->shift_bits;

	*s = (struct ir_stmt){.kind = IR_MARK};
	s->mark.ct = i->mode != XT_CONNMARK_RESTORE;
	s->mark.up = (int8_t)up;
	if (i->mode == XT_CONNMARK_SET) {
		s->mark.own = up;
		*(up ? &s->mark.copied : &s->mark.keep) = ~i->ctmask;
		s->mark.value = mark_moved(i->ctmark, up);
		return true;
	}
	s->mark.keep = ~(save ? i->ctmask : i->nfmask);
	s->mark.copied = save ? i->nfmask : i->ctmask;
	return !(s->mark.keep & mark_moved(s->mark.copied, up));
}

/* Of the connection: set, or copied from the packet's or to it. Where both marks have a bit it is
 * only known which. Both revisions begin alike; the second can shift. */
static bool set_connmark(struct machine *m, const struct xt *x)
{
	struct xt_connmark_tginfo2 i = {0};
	struct xt_connmark_tginfo1 old;
	struct ir_stmt *s, known;
	uint32_t bits;

	if (x->revision == 1 && xt_info(x, &old, sizeof(old)))
		i = (struct xt_connmark_tginfo2){old.ctmark, old.ctmask, old.nfmask,
						 0,	     0,		 old.mode};
	else if (x->revision != 2 || !xt_info(x, &i, sizeof(i)))
		return false;
	if (i.mode <= XT_CONNMARK_RESTORE && i.shift_bits < 32 && marks_of(&i, &known)) {
		machine_stmt(m, IR_MARK)->mark = known.mark;
		return true;
	}
	bits = i.shift_bits		   ? UINT32_MAX
	       : i.mode == XT_CONNMARK_SET ? i.ctmask | i.ctmark
					   : i.ctmask | i.nfmask;
	if (i.mode > XT_CONNMARK_RESTORE || !bits)
		return false;
	s = machine_stmt(m, IR_UNKNOWN);
	s->unknown.kind = UNKNOWN_SETS_MARKS;
	s->unknown.marks = i.mode == XT_CONNMARK_RESTORE ? bits : (uint64_t)bits << 32;
	s->unknown.text = read_odd(
		m->a, arena_printf(m->a, "xt target CONNMARK.%u", (unsigned)x->revision), x->info);
	return true;
}

static bool read_queue(struct machine *m, const struct xt *x)
{
	struct xt_NFQ_info_v3 i;
	struct ir_stmt *s;

	if (x->revision != 3 || !xt_info(x, &i, sizeof(i)) || i.flags & ~NFQ_FLAG_BYPASS ||
	    !i.queues_total)
		return false;
	s = machine_stmt(m, IR_QUEUE);
	s->queue.first = i.queuenum;
	s->queue.count = i.queues_total;
	s->queue.bypass = i.flags & NFQ_FLAG_BYPASS;
	return true;
}

static bool no_track(struct machine *m, const struct xt *x)
{
	const unsigned off = XT_CT_NOTRACK | XT_CT_NOTRACK_ALIAS;
	struct xt_ct_target_info_v1 i = {0};

	if (x->revision > 2 ||
	    (!strcmp(x->name, "CT") &&
	     (!xt_info(x, &i, sizeof(struct xt_ct_target_info)) || !(i.flags & off))))
		return false;
	machine_stmt(m, IR_NOTRACK);
	return true;
}

static const struct {
	const char *name;
	bool (*read)(struct machine *m, const struct xt *x); /* NULL: only this much is known: */
	enum ir_unknown_kind kind;
	unsigned changes;
} targets[] = {
	{"REJECT", read_reject, UNKNOWN_ENDS, 0},
	{"DNAT", read_nat, UNKNOWN_ENDS, 0},
	{"SNAT", read_nat, UNKNOWN_ENDS, 0},
	{"MASQUERADE", read_nat, UNKNOWN_ENDS, 0},
	{"REDIRECT", read_nat, UNKNOWN_ENDS, 0},
	{"NETMAP", read_netmap, UNKNOWN_ENDS, 0},
	{"NFQUEUE", read_queue, UNKNOWN_ENDS, 0},
	{"MARK", set_mark, UNKNOWN_SETS_MARKS, 0},
	{"CONNMARK", set_connmark, UNKNOWN_SETS_MARKS, 0},
	{"AUDIT", NULL, UNKNOWN_GOES_ON, 0},
	{"CHECKSUM", NULL, UNKNOWN_GOES_ON, 0},
	{"CLASSIFY", NULL, UNKNOWN_GOES_ON, 0},
	{"CONNSECMARK", NULL, UNKNOWN_GOES_ON, 0},
	{"CT", no_track, UNKNOWN_GOES_ON, 0},
	{"DSCP", NULL, UNKNOWN_SETS_FIELDS, CHANGED_DSCP},
	{"ECN", NULL, UNKNOWN_SETS_FIELDS, CHANGED_ECN | CHANGED_FLAGS},
	{"HL", NULL, UNKNOWN_SETS_FIELDS, CHANGED_HOPS},
	{"HMARK", NULL, UNKNOWN_SETS_MARKS, 0},
	{"IDLETIMER", NULL, UNKNOWN_GOES_ON, 0},
	{"LED", NULL, UNKNOWN_GOES_ON, 0},
	{"LOG", NULL, UNKNOWN_GOES_ON, 0},
	{"NFLOG", NULL, UNKNOWN_GOES_ON, 0},
	{"NOTRACK", no_track, UNKNOWN_GOES_ON, 0},
	{"RATEEST", NULL, UNKNOWN_GOES_ON, 0},
	{"SECMARK", NULL, UNKNOWN_GOES_ON, 0},
	{"SET", NULL, UNKNOWN_SETS_MARKS, 0}, /* --map-mark */
	{"TCPMSS", NULL, UNKNOWN_SETS_FIELDS, CHANGED_LENGTH}, /* where there was no such option */
	{"TCPOPTSTRIP", NULL, UNKNOWN_GOES_ON, 0},
	{"TEE", NULL, UNKNOWN_GOES_ON, 0},
	{"TOS", NULL, UNKNOWN_SETS_FIELDS, CHANGED_DSCP | CHANGED_ECN},
	{"TRACE", NULL, UNKNOWN_GOES_ON, 0},
	{"TTL", NULL, UNKNOWN_SETS_FIELDS, CHANGED_HOPS},
};

/* ---- whatever it is ---- */

/* Matches that say one thing now and another then of the same packet. */
static bool has_state(const char *name)
{
	static const char *const with[] = {"limit",	"hashlimit", "connlimit", "recent", "quota",
					   "statistic", "connbytes", "set",	  "nfacct", NULL};

	for (const char *const *w = with; *w; w++)
		if (!strcmp(*w, name))
			return true;
	return false;
}

static struct ir_stmt *push_unknown(struct machine *m, enum ir_unknown_kind kind, const char *what,
				    const struct xt *x, struct tlv bytes)
{
	struct ir_stmt *s = machine_stmt(m, IR_UNKNOWN);
	const char *text = read_odd(
		m->a, arena_printf(m->a, "xt %s %s.%u", what, x->name, (unsigned)x->revision),
		bytes);

	s->unknown.kind = kind;
	s->unknown.text =
		has_state(x->name) ? arena_printf(m->a, "%s of %s", text, m->place) : text;
	return s;
}

#define RESTORES_MARK 4 /* XT_SOCKET_RESTORESKMARK */

/* The socket's mark becomes that of the packet. */
static bool restores_mark(const struct xt *x)
{
	return !strcmp(x->name, "socket") && (!x->info.n || x->info.p[0] & RESTORES_MARK);
}

/* What its table of addresses has no room for hashlimit drops, whatever the rule is for. */
static void read_match(struct machine *m, const struct xt *x, const struct raw_expr *e)
{
	size_t before = m->out->stmts.n;
	struct ir_stmt *s;

	if (e->attrs.whole && read_xt_match(m, x))
		return;
	m->out->stmts.n = before;
	if (!strcmp(x->name, "comment"))
		return;
	s = push_unknown(m, UNKNOWN_MATCH, "match", x, e->bytes);
	s->unknown.drops = !strcmp(x->name, "hashlimit");
	if (restores_mark(x))
		push_unknown(m, UNKNOWN_SETS_MARKS, "match", x, e->bytes)->unknown.marks =
			UINT32_MAX;
}

static void read_target(struct machine *m, const struct xt *x, const struct raw_expr *e)
{
	enum ir_unknown_kind kind = UNKNOWN_ENDS;
	size_t before = m->out->stmts.n;
	unsigned changes = 0;

	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		if (strcmp(targets[i].name, x->name) != 0)
			continue;
		if (targets[i].read && e->attrs.whole && targets[i].read(m, x))
			return;
		kind = targets[i].kind;
		changes = targets[i].changes;
	}
	m->out->stmts.n = before;
	push_unknown(m, kind, "target", x, e->bytes)->unknown.changes = changes;
}

bool read_xt(struct machine *m, const struct raw_expr *e)
{
	/* both have name, revision and information in this order */
	struct xt x = {.name = read_text(m->a, e->attrs.v[NFTA_MATCH_NAME]),
		       .revision = tlv_number(e->attrs.v[NFTA_MATCH_REV]),
		       .info = e->attrs.v[NFTA_MATCH_INFO]};

	if (!x.name)
		return false;
	if (!strcmp(e->name, "match"))
		read_match(m, &x, e);
	else if (!strcmp(e->name, "target"))
		read_target(m, &x, e);
	else
		return false;
	return true;
}
