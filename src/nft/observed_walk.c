/* SPDX-License-Identifier: GPL-2.0-or-later
 * A ruleset and one packet of which not everything is known -> the element that a look-up finds,
 * the rules that may have logged it. A match is yes, no or maybe; behind a maybe both ways are
 * gone.
 */
#include <netinet/in.h>
#include <string.h>

#include "nft/nft.h"
#include "nft/observed.h"
#include "util/map.h"

/* ---- fields ---- */

static enum maybe name_value(const char *name, u128 *out)
{
	struct ival v = {0};

	if (*name && !ifname_parse(name, strlen(name), &v))
		return MAYBE;
	*out = v.lo; /* no interface: the empty name */
	return MAYBE_YES;
}

static enum maybe known(bool known_here, bool elsewhere, u128 value, u128 *out)
{
	*out = value;
	return known_here ? MAYBE_YES : elsewhere ? MAYBE_NO : MAYBE;
}

static const struct {
	enum field field;
	uint8_t proto;
	bool source;
} ports[] = {
	{F_TCP_SPORT, IPPROTO_TCP, true},
	{F_UDP_SPORT, IPPROTO_UDP, true},
	{F_TCP_DPORT, IPPROTO_TCP, false},
	{F_UDP_DPORT, IPPROTO_UDP, false},
	{F_SCTP_DPORT, IPPROTO_SCTP, false},
	{F_DCCP_DPORT, IPPROTO_DCCP, false},
	{F_UDPLITE_DPORT, IPPROTO_UDPLITE, false},
	{F_TH_SPORT, 0, true},
	{F_TH_DPORT, 0, false},
};

static enum maybe port_value(const struct observed *p, enum field f, u128 *out)
{
	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		bool other = ports[i].proto && p->has_proto && p->proto != ports[i].proto;

		if (ports[i].field == f)
			return known(p->has_ports && !other, other,
				     ports[i].source ? p->sport : p->dport, out);
	}
	return MAYBE;
}

static enum maybe address_value(const struct observed *p, enum field f, u128 *out)
{
	enum family family = f == F_IP_SADDR || f == F_IP_DADDR ? FAM_IP4 : FAM_IP6;
	u128 addr = f == F_IP_SADDR || f == F_IP6_SADDR ? p->saddr : p->daddr;

	return known(p->family == family, p->family && p->family != family, addr, out);
}

static enum maybe type_value(const struct observed *p, enum field f, u128 *out)
{
	bool four = f == F_ICMP_TYPE || f == F_ICMP_TYPE_OF_ANY;
	bool other = p->has_proto && p->proto != (four ? IPPROTO_ICMP : IPPROTO_ICMPV6);

	if (f == F_TCP_FLAGS)
		return known(p->has_flags, p->has_proto && p->proto != IPPROTO_TCP, p->flags, out);
	return known(p->has_type && !other, other, p->type, out);
}

static enum maybe protocol_value(const struct observed *p, enum field f, u128 *out)
{
	if (f == F_NFPROTO)
		return known(p->family, false, p->family == FAM_IP6 ? 10 : 2, out);
	return known(p->has_proto, false, p->proto, out);
}

/* MAYBE_YES: *out is the value; MAYBE_NO: the packet has no such field, so that no match is true.
 */
static enum maybe value_of(const struct observed *p, enum field f, u128 *out)
{
	switch (f) {
	case F_NFPROTO:
	case F_L4PROTO:
		return protocol_value(p, f, out);
	case F_IIFNAME:
	case F_OIFNAME:
		return name_value(f == F_IIFNAME ? p->in : p->out, out);
	case F_IIF:
	case F_MARK:
		return known(f == F_MARK || !*p->in, false, f == F_MARK ? p->mark : 0, out);
	case F_IP_SADDR:
	case F_IP6_SADDR:
	case F_IP_DADDR:
	case F_IP6_DADDR:
		return address_value(p, f, out);
	case F_TCP_FLAGS:
	case F_ICMP_TYPE:
	case F_ICMP_TYPE_OF_ANY:
	case F_ICMPV6_TYPE:
	case F_ICMPV6_TYPE_OF_ANY:
		return type_value(p, f, out);
	case F_TCP_SPORT:
	case F_UDP_SPORT:
	case F_TCP_DPORT:
	case F_UDP_DPORT:
	case F_SCTP_DPORT:
	case F_DCCP_DPORT:
	case F_UDPLITE_DPORT:
	case F_TH_SPORT:
	case F_TH_DPORT:
		return port_value(p, f, out);
	case F_SKUID:
	case F_HOUR:
	case F_DAY:
	case F_TIME ... F_CGROUP8:
	case F_CT_STATE ... F_CT_DIRECTION:
	case F_CT_DPORT:
	case F_CT_HELPER:
	case F_CT_L3PROTO:
	case F_PKTTYPE ... F_CT_REPLY_DADDR6: /* field_is_told() */
	case F_IP6_HOPLIMIT:
	case F_IP_PROTOCOL:
	case F_FIB_SADDR_TYPE:
	case F_FIB_DADDR_TYPE:
	case F_FIB_DADDR_IIF_TYPE:
	case F_FIB_OIFNAME:
	case F_FIB_BACK:
	case F_FIB_BACK_ANY:
	case F_PAYLOAD:
	case F_ICMP_CODE:
	case F_ICMPV6_CODE:
	case F_ICMP_CODE_OF_ANY:
	case F_ICMPV6_CODE_OF_ANY:
	case F_IP_DSCP:
	case F_IP6_DSCP:
	case F_IP_ECN:
	case F_IP6_ECN:
	case F_IP_TTL:
	case F_LENGTH:
	case F_SKGID:
	case F_IIFTYPE:
	case F_OIFTYPE:
	case F_OIF:
	case F_IIFGROUP:
	case F_OIFGROUP:
	case F_SECPATH:
	case F_RT_IPSEC:
	case F_ETHER_SADDR ... F_ETHER_DADDR:
	case F_CT_COUNT:
	case NFIELDS:
		break;
	}
	return MAYBE;
}

struct values { /* of a selector */
	enum maybe have[IR_MAX_CONCAT];
	u128 v[IR_MAX_CONCAT];
	int n;
	bool none; /* the packet lacks one of the fields */
};

static struct values values_of(const struct observed *p, const struct ir_sel *sel)
{
	struct values out = {.n = sel->n};

	for (int i = 0; i < sel->n; i++) {
		out.have[i] = value_of(p, sel->f[i], &out.v[i]);
		if (sel->mask[i])
			out.v[i] &= sel->mask[i];
		out.none |= out.have[i] == MAYBE_NO;
	}
	return out;
}

static enum maybe elem_holds(const struct ir_elem *e, const struct values *v)
{
	enum maybe all = MAYBE_YES;

	for (int i = 0; i < v->n; i++) {
		if (v->have[i] == MAYBE)
			all = MAYBE;
		else if (v->v[i] < e->key[i].lo || v->v[i] > e->key[i].hi)
			return MAYBE_NO;
	}
	return all;
}

/* ---- matches ---- */

static enum maybe any_holds(const struct ir_elems *elems, const struct values *v)
{
	enum maybe best = MAYBE_NO;

	for (size_t i = 0; i < elems->n && best != MAYBE_YES; i++) {
		enum maybe x = elem_holds(&elems->v[i], v);

		if (x > best)
			best = x;
	}
	return best;
}

static enum maybe in_set(const struct ir_ruleset *r, const char *name, const struct values *v)
{
	const struct ir_set *s = ruleset_set(r, name);

	/* what a set of run time holds now is not what it held then */
	return s && !s->dynamic && s->nkeys ? any_holds(&s->elems, v) : MAYBE;
}

static enum maybe match_holds(const struct ir_ruleset *r, const struct ir_stmt *s,
			      const struct observed *p)
{
	struct values v = values_of(p, &s->match.sel);
	enum maybe x;

	if (v.none)
		return MAYBE_NO;
	if (s->match.op == OP_ANYBIT && s->match.values.n == 1 && v.n == 1)
		return v.have[0] == MAYBE			 ? MAYBE
		       : v.v[0] & s->match.values.v[0].key[0].lo ? MAYBE_YES
								 : MAYBE_NO;
	x = s->match.set ? in_set(r, s->match.set, &v) : any_holds(&s->match.values, &v);
	if (s->match.op == OP_NE)
		return x == MAYBE ? MAYBE : x == MAYBE_YES ? MAYBE_NO : MAYBE_YES;
	return x;
}

/* ---- look-ups ---- */

static const struct ir_elems *elems_of(const struct ir_ruleset *r, const struct ir_stmt *vmap)
{
	const struct ir_set *s;

	if (!vmap->vmap.map)
		return &vmap->vmap.elems;
	s = ruleset_set(r, vmap->vmap.map);
	return s && s->nkeys ? &s->elems : NULL;
}

const struct ir_elem *observed_elem(const struct ir_ruleset *r, const struct ir_stmt *vmap,
				    const struct observed *p)
{
	const struct ir_elems *elems = elems_of(r, vmap);
	struct values v = values_of(p, &vmap->vmap.sel);
	const struct ir_elem *found = NULL;

	for (size_t i = 0; elems && !v.none && i < elems->n; i++) {
		const struct ir_elem *e = &elems->v[i];

		if (elem_holds(e, &v) == MAYBE_YES && (!found || e->order < found->order))
			found = e;
	}
	return found;
}

/* ---- which rules log ---- */

struct walk {
	struct arena *a;
	const struct ir_ruleset *r;
	const struct observed *p;
	const char *prefix;
	struct observed_logs *out;
	struct map visited; /* chain -> what walk_chain() yielded */
};

static enum maybe walk_chain(struct walk *w, const char *name);

static void note(struct walk *w, const struct ir_chain *c, size_t rule)
{
	vec_push(w->a, w->out, ((struct observed_log){c, rule}));
}

/* Whether what comes behind the verdict is reached. */
static enum maybe follow(struct walk *w, const struct ir_verdict *v)
{
	switch (v->kind) {
	case V_ACCEPT:
	case V_DROP:
	case V_RETURN: /* within a chain it ends the chain; walk_chain() tells it apart */
		return MAYBE_NO;
	case V_JUMP:
		return walk_chain(w, v->target);
	case V_GOTO:
		walk_chain(w, v->target);
		return MAYBE_NO;
	case V_NONE:
	case V_CONTINUE:
		break;
	}
	return MAYBE_YES;
}

static enum maybe walk_vmap(struct walk *w, const struct ir_stmt *s)
{
	const struct ir_elems *elems = elems_of(w->r, s);
	struct values v = values_of(w->p, &s->vmap.sel);
	const struct ir_set *map = s->vmap.map ? ruleset_set(w->r, s->vmap.map) : NULL;
	const struct ir_elem *sure = map && map->dynamic ? NULL : observed_elem(w->r, s, w->p);

	if (sure)
		return follow(w, &sure->verdict);
	for (size_t i = 0; elems && !v.none && i < elems->n; i++)
		if (elem_holds(&elems->v[i], &v) != MAYBE_NO)
			follow(w, &elems->v[i].verdict);
	return MAYBE_YES; /* perhaps nothing was found */
}

/* Whether the rule behind this one is reached. */
static enum maybe walk_rule(struct walk *w, const struct ir_chain *c, size_t n)
{
	const struct ir_rule *r = &c->rules.v[n];
	enum maybe here = MAYBE_YES;

	for (size_t i = 0; i < r->stmts.n; i++) {
		const struct ir_stmt *s = &r->stmts.v[i];
		enum maybe x = MAYBE_YES;

		switch (s->kind) {
		case IR_MATCH:
			x = match_holds(w->r, s, w->p);
			break;
		case IR_LIMIT:
		case IR_CT_COUNT:
		case IR_ADD:
		case IR_QUOTA:
		case IR_OFFLOAD: /* those that are not fit go no further in their rule */
		case IR_UNKNOWN:
			x = MAYBE;
			break;
		case IR_LOG:
			if (s->log_prefix && !strcmp(s->log_prefix, w->prefix))
				note(w, c, n);
			break;
		case IR_VMAP:
			if (walk_vmap(w, s) == MAYBE_NO)
				return here == MAYBE_YES ? MAYBE_NO : MAYBE;
			break;
		case IR_VERDICT:
			if (follow(w, &s->verdict) == MAYBE_NO)
				return here == MAYBE_YES ? MAYBE_NO : MAYBE;
			break;
		case IR_REJECT:
		case IR_QUEUE:
		case IR_NAT:
			return here == MAYBE_YES ? MAYBE_NO : MAYBE;
		case IR_COUNTER:
		case IR_MSS:
		case IR_MARK:
		case IR_HELPER:
		case IR_LABEL:
		case IR_NOTRACK:
			break;
		}
		if (x == MAYBE_NO)
			return MAYBE_YES;
		if (x == MAYBE)
			here = MAYBE;
	}
	return MAYBE_YES;
}

/* Each chain once: what is known of the packet does not change on its way. To go on behind a jump
 * is always taken for possible; it costs exactness, never a rule that logs. */
static enum maybe walk_chain(struct walk *w, const char *name)
{
	const struct ir_chain *c = name ? ruleset_chain(w->r, name) : NULL;

	if (!c || map_get(&w->visited, c->name))
		return MAYBE;
	map_put(&w->visited, c->name, (void *)c);
	for (size_t i = 0; i < c->rules.n; i++)
		if (walk_rule(w, c, i) == MAYBE_NO)
			break;
	return MAYBE;
}

static bool sees(const struct ir_chain *c, const struct observed *p)
{
	static const struct {
		bool in, out;
		const char *hook;
	} rows[] = {{true, false, "prerouting"}, {true, false, "input"},
		    {true, true, "forward"},	 {true, true, "postrouting"},
		    {false, true, "output"},	 {false, true, "postrouting"}};

	for (size_t i = 0; c->base.hook && i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].in == (*p->in != '\0') && rows[i].out == (*p->out != '\0') &&
		    !strcmp(rows[i].hook, c->base.hook))
			return true;
	return false;
}

static void all_logs(struct walk *w, const struct ir_chain *c)
{
	for (size_t i = 0; i < c->rules.n; i++) {
		const struct ir_rule *r = &c->rules.v[i];

		for (size_t k = 0; k < r->stmts.n; k++)
			if (r->stmts.v[k].kind == IR_LOG && r->stmts.v[k].log_prefix &&
			    !strcmp(r->stmts.v[k].log_prefix, w->prefix))
				note(w, c, i);
	}
}

void observed_find_logs(struct arena *a, const struct ir_ruleset *r, const struct observed *p,
			const char *prefix, struct observed_logs *out)
{
	struct walk w = {.a = a, .r = r, .p = p, .prefix = prefix, .out = out};
	struct ir_chain *const *c;

	map_init(&w.visited, a);
	vec_each (&r->chains, c) {
		if (!p)
			all_logs(&w, *c);
		else if (sees(*c, p))
			walk_chain(&w, (*c)->name);
	}
}
