/* SPDX-License-Identifier: GPL-2.0-or-later
 * A policy's filter rules -> what happens to a packet at each hook, as fwc.policy(5) defines it.
 */
#include <netinet/in.h>
#include <string.h>

#include "nft/lower.h"
#include "space/mean.h"
#include "space/slice.h"

/* ---- one rule ---- */

/* Where the other end of a packet at this hook can be. */
static bool item_possible(const struct place_item *item, enum station at, enum dim d)
{
	bool self = (at == AT_INPUT && d == DIM_OIF) ||
		    ((at == AT_OUTPUT || at == AT_POSTROUTING) && d == DIM_IIF);

	if (self)
		return item_has(item, PLACE_SELF);
	return !item_is_self(item);
}

static bool fixed_place(enum station at, enum dim d)
{
	return (at == AT_INPUT && d == DIM_OIF) ||
	       ((at == AT_OUTPUT || at == AT_POSTROUTING) && d == DIM_IIF);
}

static dd_ref endpoint(struct mean *m, const struct policy *p, const struct endpoint *e,
		       enum station at, enum dim place, enum dim addr)
{
	dd_ref all = DD_FALSE;

	for (size_t i = 0; i < e->items.n; i++) {
		const struct place_item *item = &e->items.v[i];
		dd_ref there = DD_TRUE;

		if (!item_possible(item, at, place))
			continue;
		if (!fixed_place(at, place))
			there = mean_place(m, p, item, place);
		else if (place == DIM_IIF)
			there = mean_sent(m, p, item);
		all = dd_or(m->dd, all,
			    dd_restrict(m->dd, there, mean_addrs(m, &item->addrs, addr)));
	}
	return all;
}

dd_ref mean_rule_match(struct mean *m, const struct policy *p, const struct rule *r,
		       enum station at)
{
	dd_ref match = endpoint(m, p, &r->from, at, DIM_IIF, DIM_SADDR);

	if (match == DD_FALSE)
		return DD_FALSE;
	match = dd_and(m->dd, match, endpoint(m, p, &r->to, at, DIM_OIF, DIM_DADDR));
	if (match == DD_FALSE)
		return DD_FALSE;
	match = dd_and(m->dd, match,
		       r->published ? mean_published(m, &r->services)
				    : mean_services(m, &r->services));
	return dd_and(m->dd, match, mean_words(m, &r->q));
}

dd_ref mean_reject(struct mean *m, const struct line *line)
{
	return dd_seq(m->dd,
		      dd_restrict(m->dd, schema_one(&m->schema, DIM_PROTO, IPPROTO_TCP),
				  mean_outcome(m, FATE_REJECT, "tcp reset", line)),
		      mean_outcome(m, FATE_REJECT, "icmpx admin-prohibited", line));
}

const struct line *mean_rule_line(struct mean *m, const struct policy *p, size_t rule)
{
	const struct rule *r = &p->rules.v[rule];

	return mean_line(m, r->text, span_where(m->arena, r->span), r->span, rule + 1);
}

/* ---- one from one place to one other: made from the last variable to the first ---- */

/* The only item of an endpoint, if it is one of addresses that are known. */
static const struct place_item *only(const struct endpoint *e)
{
	const struct place_item *i = e->items.n == 1 ? &e->items.v[0] : NULL;

	return i && !addrs_open(&i->addrs) && !i->addrs.macs.n && !i->addrs.suffixed.n &&
			       !i->addrs.broadcast
		       ? i
		       : NULL;
}

static bool of_family(const struct addrs *s, int ip6)
{
	return s->all || (ip6 ? s->v6.n : s->v4.n);
}

/* `in` where the address is one of these; it depends on what comes behind it. */
static dd_ref at_addrs(struct mean *m, const struct addrs *s, enum dim d, int ip6, dd_ref in)
{
	const struct ivset *v = ip6 ? &s->v6 : &s->v4;
	int bits = ip6 ? 128 : 32;

	return s->all ? in : schema_ranges(&m->schema, d, bits, v->v, v->n, u128_max(bits), in);
}

/* Of that family: which addresses are in a sub-zone is told by it. */
static dd_ref at_place(struct mean *m, const struct policy *p, const struct place_item *item,
		       enum station at, enum dim d, int ip6, dd_ref in)
{
	dd_ref there = !fixed_place(at, d) ? mean_place(m, p, item, d)
		       : d == DIM_IIF	   ? mean_sent(m, p, item)
					   : DD_TRUE;

	there = dd_fix(m->dd, there, dim_table[DIM_FAMILY].first, 1, (u128)ip6);
	return dd_restrict(m->dd, there, in);
}

/* The services, and what only comes behind them, by family. False: it matches nothing. */
static bool behind_addresses(struct mean *m, const struct rule *r, dd_ref is[2])
{
	const struct addrs *from = &r->from.items.v[0].addrs, *to = &r->to.items.v[0].addrs;
	dd_ref services = mean_services(m, &r->services);

	services = dd_and(m->dd, services, mean_process(m, &r->q));
	for (int i = 0; i < 2; i++) {
		is[i] = dd_fix(m->dd, services, dim_table[DIM_FAMILY].first, 1, (u128)i);
		if (!of_family(from, i) || !of_family(to, i) ||
		    (r->q.family && r->q.family != (i ? FAM_IP6 : FAM_IP4)))
			is[i] = DD_FALSE;
	}
	return is[0] != DD_FALSE || is[1] != DD_FALSE;
}

/* The same as the general way of mean_rule(), without a node that is not in it. */
static dd_ref between_two(struct mean *m, const struct policy *p, size_t rule, enum station at)
{
	const struct rule *r = &p->rules.v[rule];
	const struct place_item *from = only(&r->from), *to = only(&r->to);
	dd_ref is[2], then;

	if (r->q.absent || !item_possible(from, at, DIM_IIF) || !item_possible(to, at, DIM_OIF) ||
	    !behind_addresses(m, r, is))
		return DD_UNDECIDED;
	then = mean_acts(m, p, rule, at);
	for (int i = 0; i < 2; i++) {
		dd_ref says = dd_fix(m->dd, then, dim_table[DIM_FAMILY].first, 1, (u128)i);
		/* what asks for the state of the connection cannot stand behind addresses */
		bool last = dd_var(m->dd, says) >= dim_table[DIM_PROTO].first;
		dd_ref x = last ? dd_restrict(m->dd, is[i], says) : is[i];

		x = at_addrs(m, &to->addrs, DIM_DADDR, i, x);
		x = at_addrs(m, &from->addrs, DIM_SADDR, i, x);
		if (r->q.has_mark)
			x = dd_restrict(m->dd, mean_mark(m, r->q.mark, r->q.mark_mask), x);
		x = at_place(m, p, to, at, DIM_OIF, i, x);
		x = at_place(m, p, from, at, DIM_IIF, i, x);
		is[i] = last ? x : dd_restrict(m->dd, x, says);
	}
	return dd_node(m->dd, dim_table[DIM_FAMILY].first, is[0], is[1]);
}

dd_ref mean_rule(struct mean *m, const struct policy *p, size_t rule, enum station at)
{
	const struct rule *r = &p->rules.v[rule];
	dd_ref match;

	if (m->slice && !slice_has_rule(m->slice, r))
		return DD_UNDECIDED;
	if ((m->within == DD_TRUE || m->slice) && only(&r->from) && only(&r->to) && !r->published)
		return dd_restrict(m->dd, m->within, between_two(m, p, rule, at));
	match = dd_and(m->dd, mean_rule_match(m, p, r, at), m->within);
	if (match == DD_FALSE)
		return DD_UNDECIDED;
	return dd_restrict(m->dd, match, mean_acts(m, p, rule, at));
}

/* ---- what every hook begins with ---- */

struct parts {
	struct mean *m;
	dd_ref *v;
	size_t n, cap;
};

static void then(struct parts *l, dd_ref part)
{
	vec_push(l->m->arena, l, part);
}

static void builtin(struct parts *l, dd_ref match, enum fate fate, const char *text)
{
	struct mean *m = l->m;

	match = dd_and(m->dd, match, m->within);
	then(l,
	     dd_restrict(m->dd, match,
			 mean_outcome(m, fate, NULL, mean_line(m, text, "", (struct span){0}, 0))));
}

static dd_ref ct_is(struct mean *m, enum ct_code code)
{
	return schema_one(&m->schema, DIM_CT_STATE, code);
}

/* Of FIN, SYN, RST and ACK only SYN. */
dd_ref mean_opening_tcp(struct mean *m)
{
	struct ival syn = {2, 2};

	return schema_ranges(&m->schema, DIM_FLAGS, 8, &syn, 1, 1 | 2 | 4 | 16, DD_TRUE);
}

static void invalid(struct parts *l, const struct policy *p, dd_ref which, const char *text)
{
	dd_ref log = mean_builtin_log(l->m, &p->logs[LOG_INVALID], "invalid");

	then(l, dd_restrict(l->m->dd, which, log));
	builtin(l, which, FATE_DROP, text);
}

/* Not whatever some helper expects: those of other tools open nothing here. */
static void related(struct parts *l, const struct policy *p)
{
	struct mean *m = l->m;
	const char *const *helper;
	dd_ref is = ct_is(m, CT_RELATED);

	builtin(l, dd_and(m->dd, is, mean_errors(m)), FATE_ACCEPT,
		"fwc: ICMP errors of known connections");
	builtin(l, dd_and(m->dd, is, mean_resets(m)), FATE_ACCEPT,
		"fwc: resets of connections that are rejected");
	vec_each (&p->expecting, helper)
		builtin(l, dd_and(m->dd, is, mean_expected(m, *helper)), FATE_ACCEPT,
			arena_printf(m->arena, "fwc: expected by helper %s", *helper));
}

/* at: NSTATIONS where nothing comes that is not tracked */
static void states(struct parts *l, const struct policy *p, dd_ref loopback, enum station at)
{
	struct mean *m = l->m;
	dd_ref tcp = schema_one(&m->schema, DIM_PROTO, IPPROTO_TCP);
	dd_ref stray = dd_and(m->dd, tcp, dd_not(m->dd, mean_opening_tcp(m)));

	then(l, mean_quotas(m, p));
	builtin(l, ct_is(m, CT_ESTABLISHED), FATE_ACCEPT, "fwc: established");
	related(l, p);
	builtin(l, loopback, FATE_ACCEPT, "fwc: loopback");
	if (p->untracked.n && at != NSTATIONS) {
		then(l, mean_untracked_passes(m, p, at));
		stray = dd_and(m->dd, stray, dd_not(m->dd, mean_untracked_judged(m, p, at)));
	}
	invalid(l, p, ct_is(m, CT_INVALID), "fwc: invalid");
	invalid(l, p, stray, "fwc: TCP that opens no connection");
}

static dd_ref icmpv6(struct mean *m, const struct ival *types, size_t n)
{
	dd_ref is = schema_one(&m->schema, DIM_PROTO, IPPROTO_ICMPV6);

	return dd_and(m->dd, is,
		      schema_ranges(&m->schema, DIM_TYPE, 8, types, n, u128_max(8), DD_TRUE));
}

/* RFC 4861: hop limit 255; RFC 2710 and 3810: from a link-local address, or none yet. */
static void neighbours(struct parts *l, bool input)
{
	static const struct ival discovery[] = {{133, 136}, {141, 142}};
	static const struct ival listeners[] = {{130, 132}, {143, 143}};
	struct mean *m = l->m;
	struct ival from[] = {{0, 0}, {(u128)0xfe80 << 112, ((u128)0xfec0 << 112) - 1}};
	struct ivset link = {.v = from, .n = 2};
	dd_ref v6 = schema_family(&m->schema, FAM_IP6), heard = icmpv6(m, listeners, 2);

	builtin(l,
		dd_and(m->dd, dd_and(m->dd, v6, icmpv6(m, discovery, 2)),
		       schema_one(&m->schema, DIM_HOPLIMIT, 255)),
		FATE_ACCEPT, "fwc: neighbour and router discovery");
	if (input)
		heard = dd_and(m->dd, heard, schema_addrs(&m->schema, DIM_SADDR, FAM_IP6, &link));
	builtin(l, dd_and(m->dd, v6, heard), FATE_ACCEPT, "fwc: multicast listeners");
}

static dd_ref udp_to(struct mean *m, u128 port)
{
	return dd_and(m->dd, schema_one(&m->schema, DIM_PROTO, IPPROTO_UDP),
		      schema_one(&m->schema, DIM_DPORT, port));
}

/* RFC 2131: from the server's port to the client's. */
static dd_ref dhcp4(struct mean *m)
{
	dd_ref ports = dd_and(m->dd, udp_to(m, 68), schema_one(&m->schema, DIM_SPORT, 67));

	return dd_and(m->dd, schema_family(&m->schema, FAM_IP4), ports);
}

/* RFC 8415: to the client's link-local address and port, from any of the server's addresses. */
static dd_ref dhcp6(struct mean *m)
{
	struct ival to = {(u128)0xfe80 << 112, ((u128)0xfec0 << 112) - 1};
	struct ivset link = {.v = &to, .n = 1};

	return dd_and(m->dd, schema_addrs(&m->schema, DIM_DADDR, FAM_IP6, &link), udp_to(m, 546));
}

/* RFC 3376: to a group, be it that of all who listen. */
static dd_ref igmp(struct mean *m)
{
	struct ival to = {0xe0000000, 0xefffffff};
	struct ivset groups = {.v = &to, .n = 1};

	return dd_and(m->dd, schema_addrs(&m->schema, DIM_DADDR, FAM_IP4, &groups),
		      schema_one(&m->schema, DIM_PROTO, IPPROTO_IGMP));
}

dd_ref mean_tracked_icmp(struct mean *m)
{
	struct dd *d = m->dd;
	dd_ref ok = DD_TRUE;

	for (int i = 0; i < 2; i++) {
		enum family fam = i ? FAM_IP6 : FAM_IP4;
		struct ivset opens = icmp_opens(fam);
		dd_ref is = schema_one(&m->schema, DIM_PROTO, i ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
		dd_ref types = schema_ranges(&m->schema, DIM_TYPE, 8, opens.v, opens.n, u128_max(8),
					     DD_TRUE);

		is = dd_and(d, is, schema_family(&m->schema, fam));
		ok = dd_and(d, ok, dd_or(d, types, dd_not(d, is)));
	}
	return dd_or(d, ok, dd_not(d, ct_is(m, CT_NEW)));
}

/* Whether somebody asked from there is known at run time. */
static dd_ref awaited(struct mean *m)
{
	dd_ref all = DD_FALSE;

	for (int i = 0; i < 2; i++) {
		enum family fam = i ? FAM_IP6 : FAM_IP4;
		const char *text = arena_printf(m->arena, "@%s holds the destination and its port",
						answers_name(m->arena, fam));

		all = dd_or(m->dd, all,
			    dd_and(m->dd, schema_family(&m->schema, fam),
				   schema_condition(&m->schema, text)));
	}
	return dd_and(m->dd, all, schema_one(&m->schema, DIM_PROTO, IPPROTO_UDP));
}

dd_ref mean_opens(struct mean *m)
{
	struct dd *d = m->dd;
	dd_ref not_it;

	not_it = schema_one(&m->schema, DIM_PROTO, IPPROTO_TCP);
	not_it = dd_and(d, not_it, dd_not(d, mean_opening_tcp(m)));
	not_it = dd_or(d, not_it, dd_or(d, dhcp4(m), dhcp6(m)));
	if (m->schema.questions)
		not_it = dd_or(d, not_it, awaited(m));
	return dd_and(d, dd_and(d, ct_is(m, CT_NEW), mean_tracked_icmp(m)), dd_not(d, not_it));
}

dd_ref mean_fresh(struct mean *m)
{
	struct dd *d = m->dd;
	dd_ref state = dd_or(d, ct_is(m, CT_NEW), ct_is(m, CT_UNTRACKED));
	dd_ref other = dd_not(d, schema_one(&m->schema, DIM_PROTO, IPPROTO_TCP));

	return dd_and(d, state, dd_or(d, other, mean_opening_tcp(m)));
}

static void answers_there(struct parts *l, const struct policy *p, int place, bool input)
{
	struct mean *m = l->m;
	dd_ref there = mean_zone(m, p, place, input ? DIM_IIF : DIM_OIF);
	dd_ref v4 = dd_and(m->dd, dhcp4(m), there), v6 = dd_and(m->dd, dhcp6(m), there);
	bool (*dhcp)(const struct policy *p, int place, enum family fam) =
		input ? policy_asks_dhcp : policy_answers_dhcp;

	if (!input) /* self answers from the port that is meant for it */
		v6 = dd_and(m->dd, v6, schema_one(&m->schema, DIM_SPORT, 547));
	if (dhcp(p, place, FAM_IP4))
		builtin(l, v4, FATE_ACCEPT, input ? "fwc: DHCP replies" : "fwc: DHCP answers");
	if (dhcp(p, place, FAM_IP6))
		builtin(l, v6, FATE_ACCEPT, input ? "fwc: DHCPv6 replies" : "fwc: DHCPv6 answers");
	if (policy_hears_groups(p, place))
		builtin(l, dd_and(m->dd, there, igmp(m)), FATE_ACCEPT, "fwc: IGMP");
	if (input && policy_awaits_answers(p, place))
		builtin(l, dd_and(m->dd, there, awaited(m)), FATE_ACCEPT,
			"fwc: answers to questions by multicast");
}

/* What a rule opens besides what it says: answers to questions that went to all. */
static void answers(struct parts *l, const struct policy *p, enum station at)
{
	if (at != AT_INPUT && at != AT_OUTPUT)
		return;
	answers_there(l, p, PLACE_OTHER, at == AT_INPUT);
	for (size_t z = 0; z < p->zones.n; z++)
		if (!p->zones.v[z].sub.is)
			answers_there(l, p, (int)z, at == AT_INPUT);
}

static dd_ref all_of(struct parts *l)
{
	return mean_sequence(l->m, l->v, l->n);
}

static void rules(struct parts *l, const struct policy *p, enum station at)
{
	struct mean *m = l->m;
	struct parts own = {.m = m};

	for (size_t i = 0; i < (m->keep ? m->keep->n : p->rules.n); i++) {
		dd_ref rule = mean_rule(m, p, m->keep ? m->keep->v[i] : i, at);

		if (rule != DD_UNDECIDED)
			then(&own, rule);
	}
	then(&own, mean_builtin_log(m, &p->logs[LOG_UNMATCHED], "unmatched"));
	builtin(&own, DD_TRUE, FATE_DROP, "fwc: no rule, drop");
	then(l, mean_sequence(m, own.v, own.n));
}

/* ---- packets of self that dnat sends elsewhere: judged behind routing, by where they leave ----
 */

static dd_ref was_translated(struct mean *m)
{
	struct ival none = {0, 0};

	return dd_not(m->dd, schema_ranges(&m->schema, DIM_CT_STATUS, 16, &none, 1, 32, DD_TRUE));
}

static dd_ref pass_translated(struct mean *m, const struct policy *p)
{
	struct parts l = {.m = m};

	states(&l, p, DD_FALSE, NSTATIONS);
	builtin(&l, DD_TRUE, FATE_ACCEPT, "fwc: judged behind routing");
	return dd_restrict(m->dd, was_translated(m), all_of(&l));
}

static dd_ref judge_translated(struct mean *m, const struct policy *p)
{
	struct parts l = {.m = m};
	dd_ref which = dd_or(m->dd, ct_is(m, CT_NEW), ct_is(m, CT_RELATED));

	which = dd_and(m->dd, which, was_translated(m));
	which = dd_and(m->dd, which,
		       schema_one(&m->schema, DIM_IIF, schema_no_interface(&m->schema)));
	related(&l, p);
	builtin(&l, schema_one(&m->schema, DIM_FIB_DADDR, 2 /* RTN_LOCAL */), FATE_ACCEPT,
		"fwc: self to self");
	rules(&l, p, AT_POSTROUTING);
	return dd_restrict(m->dd, which, all_of(&l));
}

/* ---- loopback addresses ---- */

dd_ref mean_stray(struct mean *m)
{
	struct ival net = {0x7f000000, 0x7fffffff}, one = {1, 1};
	struct ivset v4 = {.v = &net, .n = 1}, v6 = {.v = &one, .n = 1};
	dd_ref all = DD_FALSE;

	for (int i = 0; i < 2; i++) {
		enum dim d = i ? DIM_DADDR : DIM_SADDR;

		all = dd_or(m->dd, all, schema_addrs(&m->schema, d, FAM_IP4, &v4));
		all = dd_or(m->dd, all, schema_addrs(&m->schema, d, FAM_IP6, &v6));
	}
	return dd_and(m->dd, all, dd_not(m->dd, schema_loopback(&m->schema, DIM_IIF)));
}

/* All that arrives, before it is routed. */
static dd_ref arriving(struct mean *m, const struct policy *p)
{
	struct parts l = {.m = m};

	then(&l, mean_guards(m, p, GUARD_EARLY));
	builtin(&l, mean_stray(m), FATE_DROP, "fwc: loopback address, not from loopback");
	then(&l, mean_guards(m, p, GUARD_NETWORK));
	then(&l, mean_untracked(m, p, AT_PREROUTING));
	then(&l, mean_marks(m, p, AT_PREROUTING));
	then(&l, mean_guards(m, p, GUARD_ROUTE));
	return all_of(&l);
}

/* ---- stations ---- */

/* What decides about a new connection. */
static dd_ref for_new(struct mean *m, const struct policy *p, enum station at)
{
	struct parts l = {.m = m};

	answers(&l, p, at);
	rules(&l, p, at);
	return all_of(&l);
}

/* All that a hook does before it looks at the first rule. */
dd_ref mean_before_rules(struct mean *m, const struct policy *p, enum station at)
{
	struct parts l = {.m = m};
	enum dim loopback = at == AT_INPUT ? DIM_IIF : DIM_OIF;

	if (at == AT_OUTPUT)
		builtin(&l, dd_and(m->dd, mean_answered(m, p), ct_is(m, CT_UNTRACKED)), FATE_ACCEPT,
			"fwc: answered by its inspector");
	if (at != AT_INPUT && !m->fates)
		then(&l, mean_clamps(m, p, at));
	if (at == AT_OUTPUT && policy_translates_self(p))
		then(&l, pass_translated(m, p));
	if (m->marks && policy_inspects(p, at == AT_OUTPUT, at == AT_INPUT))
		then(&l, mean_asked(m, p, for_new(m, p, at)));
	then(&l, mean_offloads(m, p, at));
	states(&l, p, at == AT_FORWARD ? DD_FALSE : schema_loopback(&m->schema, loopback), at);
	neighbours(&l, at != AT_OUTPUT);
	answers(&l, p, at);
	return all_of(&l);
}

static dd_ref filter(struct mean *m, const struct policy *p, enum station at)
{
	struct parts l = {.m = m};

	then(&l, mean_before_rules(m, p, at));
	rules(&l, p, at);
	return all_of(&l);
}

dd_ref mean_policy(struct mean *m, const struct policy *p, enum station at)
{
	dd_ref says = DD_UNDECIDED;

	switch (at) {
	case AT_INPUT:
	case AT_FORWARD:
	case AT_OUTPUT:
		says = filter(m, p, at);
		break;
	case AT_POSTROUTING:
		if (policy_translates_self(p))
			says = judge_translated(m, p);
		break;
	case NAT_PREROUTING:
	case NAT_OUTPUT:
	case NAT_POSTROUTING:
		says = mean_nats(m, p, at);
		break;
	case AT_PREROUTING:
		says = arriving(m, p);
		break;
	case ROUTE_OUTPUT:
		says = dd_seq(m->dd, mean_untracked(m, p, at), mean_marks(m, p, at));
		break;
	case NAT_INPUT:
	case NSTATIONS:
		break;
	}
	says = dd_restrict(m->dd, m->within, says);
	if (dd_any_open(m->dd, says))
		says = dd_map(m->dd, says, outcome_end, &m->outcomes);
	return dd_seq(m->dd, says,
		      dd_restrict(m->dd, m->within, mean_outcome(m, FATE_ACCEPT, NULL, NULL)));
}
