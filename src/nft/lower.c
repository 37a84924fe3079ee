/* SPDX-License-Identifier: GPL-2.0-or-later
 * A policy -> the whole ruleset: base chains, what every hook begins with, and dispatch by
 * interface name to one chain for each pair of places.
 *
 *	forward -> forward.HASH: iifname vmap -> from-lan.HASH: oifname vmap -> lan-wan.HASH
 *
 * Exact names are looked up before wildcards, so they win; a packet of an interface in no zone
 * misses both and meets the rules that stand behind the look-ups.
 */
#include "nft/lower.h"

#include <netinet/in.h>
#include <string.h>


static struct ir_rule builtin(struct lower *l, const char *comment)
{
	return (struct ir_rule){.comment = ir_comment(l->arena, comment)};
}

static void push_counted(struct lower *l, struct ir_chain *c, struct ir_rule r,
			 enum ir_verdict_kind kind)
{
	rule_counter(l, &r);
	rule_verdict(l, &r, kind, NULL);
	chain_push(l, c, r);
}

static void push_invalid(struct lower *l, struct ir_chain *c, struct ir_rule r)
{
	const char *log = lower_log(l, LOG_INVALID);

	rule_counter(l, &r);
	rule_verdict(l, &r, log ? V_GOTO : V_DROP, log);
	chain_push(l, c, r);
}

static void push_related(struct lower *l, struct ir_chain *c)
{
	struct ir_rule r = {0};

	match_bits(l, &r, F_CT_STATE, 4);
	rule_verdict(l, &r, V_JUMP, lower_related(l));
	chain_push(l, c, r);
}

/* TCP that opens nothing, but for what is not tracked. */
static void push_stray(struct lower *l, struct ir_chain *c, struct ir_rule r,
		       enum untracked_hook hook)
{
	struct ir_chain *rest = lower_untracked_judged(l, hook);
	struct ir_rule stray = builtin(l, r.comment);

	if (!rest) {
		push_invalid(l, c, r);
		return;
	}
	push_invalid(l, rest, stray);
	rule_verdict(l, &r, V_JUMP, ruleset_seal_chain(l->r, rest)->name);
	chain_push(l, c, r);
}

/* Established; related, as far as is safe; loopback; invalid; TCP that opens nothing. */
static void lower_states(struct lower *l, struct ir_chain *c, enum field loopback,
			 enum untracked_hook hook)
{
	struct ir_rule r = builtin(l, "fwc: established");
	struct ir_stmt *s;

	lower_quotas(l, c);
	match_bits(l, &r, F_CT_STATE, 2);
	push_counted(l, c, r, V_ACCEPT);
	push_related(l, c);
	if (loopback != NFIELDS) {
		struct ival lo = {0};

		r = builtin(l, "fwc: loopback");
		ifname_parse("lo", 2, &lo);
		match_ival(l, &r, loopback, lo);
		push_counted(l, c, r, V_ACCEPT);
	}
	lower_untracked_passes(l, c, hook);
	r = builtin(l, "fwc: invalid");
	match_bits(l, &r, F_CT_STATE, 1);
	push_invalid(l, c, r);
	r = builtin(l, "fwc: TCP that opens no connection");
	match_one(l, &r, F_TCP_FLAGS, 2 /* SYN */);
	s = &r.stmts.v[r.stmts.n - 1];
	s->match.op = OP_NE;
	s->match.sel.mask[0] = 1 | 2 | 4 | 16; /* FIN SYN RST ACK */
	push_stray(l, c, r, hook);
}

static void match_types(struct lower *l, struct ir_rule *r, const uint8_t *types, size_t n)
{
	struct ivset s = {0};

	for (size_t i = 0; i < n; i++)
		vec_push(l->arena, &s, ((struct ival){types[i], types[i]}));
	ivset_normalise(&s);
	match_ivset(l, r, F_ICMPV6_TYPE, &s, "types");
}

/* What IPv6 cannot do without: RFC 4861 (hop limit 255 proves that no router forwarded it), RFC
 * 2710 and 3810 (from a link-local address, or from none yet). */
static void lower_neighbours(struct lower *l, struct ir_chain *c, bool input)
{
	static const uint8_t discovery[] = {133, 134, 135, 136, 141, 142};
	static const uint8_t listeners[] = {130, 131, 132, 143};
	struct ir_rule r = builtin(l, "fwc: neighbour and router discovery");

	match_types(l, &r, discovery, sizeof(discovery));
	match_one(l, &r, F_IP6_HOPLIMIT, 255);
	push_counted(l, c, r, V_ACCEPT);
	r = builtin(l, "fwc: multicast listeners");
	match_types(l, &r, listeners, sizeof(listeners));
	if (input) {
		struct ivset from = ivset_one(l->arena, 0, 0);

		vec_push(l->arena, &from,
			 ((struct ival){(u128)0xfe80 << 112, ((u128)0xfec0 << 112) - 1}));
		match_ivset(l, &r, F_IP6_SADDR, &from, "link-local");
	}
	push_counted(l, c, r, V_ACCEPT);
}

static void lower_dhcp4(struct lower *l, struct ir_chain *c, const char *comment)
{
	struct ir_rule r = builtin(l, comment);

	match_one(l, &r, F_NFPROTO, 2);
	match_one(l, &r, F_UDP_SPORT, 67);
	match_one(l, &r, F_UDP_DPORT, 68);
	push_counted(l, c, r, V_ACCEPT);
}

/* A server may answer from a global address, and one behind a relay from another port. */
static void lower_dhcp6(struct lower *l, struct ir_chain *c, const char *comment, bool any_server)
{
	struct ir_rule r = builtin(l, comment);

	match_ival(l, &r, F_IP6_DADDR,
		   (struct ival){(u128)0xfe80 << 112, ((u128)0xfec0 << 112) - 1});
	if (!any_server)
		match_one(l, &r, F_UDP_SPORT, 547);
	match_one(l, &r, F_UDP_DPORT, 546);
	push_counted(l, c, r, V_ACCEPT);
}

static void lower_groups(struct lower *l, struct ir_chain *c)
{
	struct ir_rule r = builtin(l, "fwc: IGMP");

	match_one(l, &r, F_L4PROTO, IPPROTO_IGMP);
	match_ival(l, &r, F_IP_DADDR, (struct ival){0xe0000000, 0xefffffff});
	push_counted(l, c, r, V_ACCEPT);
}

static void lower_awaited(struct lower *l, struct ir_chain *c)
{
	static const enum field to[] = {F_IP_DADDR, F_IP6_DADDR};

	for (int i = 0; i < 2; i++) {
		struct ir_rule r = builtin(l, "fwc: answers to questions by multicast");
		struct ir_stmt *s = rule_stmt(l, &r, IR_MATCH);

		s->match.sel = (struct ir_sel){.n = 2, .f = {to[i], F_UDP_DPORT}};
		s->match.set = answers_name(l->arena, i ? FAM_IP6 : FAM_IP4);
		push_counted(l, c, r, V_ACCEPT);
	}
}

/* Conntrack cannot tell what answers a question to a broadcast or multicast address. */
static void lower_answers(struct lower *l, struct ir_chain *c, int from, int to)
{
	from = place_root(l->p, from);
	to = place_root(l->p, to);
	if (to == PLACE_SELF) {
		if (policy_asks_dhcp(l->p, from, FAM_IP4))
			lower_dhcp4(l, c, "fwc: DHCP replies");
		if (policy_asks_dhcp(l->p, from, FAM_IP6))
			lower_dhcp6(l, c, "fwc: DHCPv6 replies", true);
		if (policy_hears_groups(l->p, from))
			lower_groups(l, c);
		if (policy_awaits_answers(l->p, from))
			lower_awaited(l, c);
	} else if (from == PLACE_SELF && !l->silent) {
		if (policy_answers_dhcp(l->p, to, FAM_IP4))
			lower_dhcp4(l, c, "fwc: DHCP answers");
		if (policy_answers_dhcp(l->p, to, FAM_IP6))
			lower_dhcp6(l, c, "fwc: DHCPv6 answers", false);
		if (policy_hears_groups(l->p, to))
			lower_groups(l, c);
	}
}

static void fill_pair(struct lower *l, struct ir_chain *c, int from, int to)
{
	lower_answers(l, c, from, to);
	lower_pair(l, c, from, to);
	note_pair(l, c, from, to);
}

/* Interfaces that no zone names, as one end of what goes through the dispatch. */
static int unnamed(const struct lower *l)
{
	return l->p->other;
}

static struct ir_chain *make_pair(struct lower *l, int from, int to)
{
	struct ir_chain *c = chain_new(
		l, arena_printf(l->arena, "%s-%s", place_name(l, from), place_name(l, to)));

	fill_pair(l, c, from, to);
	return c->rules.n ? ruleset_seal_chain(l->r, c) : NULL;
}

/* The chain of a pair, or NULL when no rule speaks of it. Of many zones hardly any pair has one. */
static const char *pair_chain(struct lower *l, int from, int to)
{
	struct shared_pair *same;
	const char *key;

	if (!lower_goes_on(l, 0) || pair_is_silent(l, from, to))
		return NULL;
	key = shared_key(l, from, to);
	same = key ? map_get(&l->shared, key) : NULL;
	if (!same) {
		same = arena_new_of(l->arena, struct shared_pair);
		same->chain = make_pair(l, from, to);
		if (key)
			map_put(&l->shared, key, same);
	} else if (same->chain) {
		note_pair(l, same->chain, from, to);
	}
	return same->chain ? same->chain->name : NULL;
}

static const char *place_to(struct lower *l, int place, int to)
{
	return pair_chain(l, place, to);
}

static const char *place_from(struct lower *l, int place, int from)
{
	return pair_chain(l, from, place);
}

static const char *zone_to(struct lower *l, int zone, int to)
{
	return lower_parted(l, place_name(l, zone), F_IIFNAME, zone, place_to, to);
}

static const char *zone_from(struct lower *l, int zone, int from)
{
	return lower_parted(l, place_name(l, zone), F_OIFNAME, zone, place_from, from);
}

/* What goes to, or comes from, interfaces that no zone names. */
static const struct ir_chain *rest_to(struct lower *l, int from)
{
	struct ir_chain *c = chain_new(l, "rest");

	if (has_parts(l, unnamed(l)))
		lower_parts(l, c, F_OIFNAME, unnamed(l), place_from, from);
	else
		fill_pair(l, c, from, unnamed(l));
	return c;
}

static const struct ir_chain *rest_from(struct lower *l, int to)
{
	struct ir_chain *c = chain_new(l, "rest");

	if (has_parts(l, unnamed(l)))
		lower_parts(l, c, F_IIFNAME, unnamed(l), place_to, to);
	else
		fill_pair(l, c, unnamed(l), to);
	return c;
}

/* All that is forwarded from one place. */
static const char *from_place(struct lower *l, int from, int unused)
{
	struct ir_chain *c = chain_new(l, arena_printf(l->arena, "from-%s", place_name(l, from)));

	(void)unused;
	lower_dispatch(l, c,
		       &(struct dispatch){.f = F_OIFNAME,
					  .stem = arena_printf(l->arena, "to.%s",
							       place_name(l, from)),
					  .chain_of = zone_from,
					  .end = from,
					  .rest = rest_to(l, from),
					  .last = true});
	return c->rules.n ? ruleset_seal_chain(l->r, c)->name : NULL;
}

static const char *from_chain(struct lower *l, int from, int unused)
{
	return lower_parted(l, place_name(l, from), F_IIFNAME, from, from_place, unused);
}

/* All that is sent by this machine, or (to be judged behind routing) a part of it. */
static const char *sent_chain(struct lower *l, int from, int judged)
{
	const char *name = place_name(l, from);
	struct ir_chain *c = chain_new(l, arena_printf(l->arena, "sent-%s", name));

	lower_dispatch(l, c,
		       &(struct dispatch){.f = F_OIFNAME,
					  .stem = arena_printf(l->arena, "%s.%s",
							       judged ? "translated" : "from",
							       name),
					  .chain_of = zone_from,
					  .end = from,
					  .rest = rest_to(l, from),
					  .last = true});
	return c->rules.n ? ruleset_seal_chain(l->r, c)->name : NULL;
}

static void lower_sent(struct lower *l, struct ir_chain *c, const char *stem, bool judged)
{
	if (has_parts(l, PLACE_SELF))
		lower_parts(l, c, F_IIFNAME, PLACE_SELF, sent_chain, judged);
	else
		lower_dispatch(l, c,
			       &(struct dispatch){.f = F_OIFNAME,
						  .stem = stem,
						  .chain_of = zone_from,
						  .end = PLACE_SELF,
						  .rest = rest_to(l, PLACE_SELF)});
}

/* SYN and SYN/ACK carry the MSS; the one is new, the other established. */
static void lower_mss(struct lower *l, struct ir_chain *c, bool output)
{
	const char *chain = lower_clamps(l, output);
	struct ir_rule r = {0};
	struct ir_stmt *s;

	if (!chain)
		return;
	match_one(l, &r, F_TCP_FLAGS, 2 /* SYN */);
	s = &r.stmts.v[0];
	s->match.sel.mask[0] = 2 | 4; /* SYN RST */
	rule_verdict(l, &r, V_JUMP, chain);
	chain_push(l, c, r);
}

static void lower_base(struct lower *l, const char *hook, struct ir_chain *root)
{
	struct ir_chain *base = chain_new(l, hook);
	struct ir_rule jump = {0};

	base->name = hook;
	base->base = (struct ir_base){.hook = hook, .type = "filter", .policy_drop = true};
	rule_verdict(l, &jump, V_JUMP, ruleset_seal_chain(l->r, root)->name);
	chain_push(l, base, jump);
	push_counted(l, base, builtin(l, "fwc: no rule, drop"), V_DROP);
	ruleset_add_chain(l->r, base);
}

/* ---- packets of self that dnat sends elsewhere ----
 *
 * The output hook still names the interface of the old destination; the new one is known from
 * postrouting on. So output lets them pass, and a filter there judges them by the zone they leave
 * to. */

static void match_translated(struct lower *l, struct ir_rule *r)
{
	match_bits(l, r, F_CT_STATUS, 32 /* IPS_DST_NAT */);
}

static void lower_pass_translated(struct lower *l, struct ir_chain *out)
{
	struct ir_chain *c = chain_new(l, "translated");
	struct ir_rule r = builtin(l, "fwc: self, translated");

	lower_states(l, c, NFIELDS, UNTRACKED_NOWHERE);
	push_counted(l, c, builtin(l, "fwc: judged behind routing"), V_ACCEPT);
	match_translated(l, &r);
	rule_verdict(l, &r, V_GOTO, ruleset_seal_chain(l->r, c)->name);
	chain_push(l, out, r);
}

static void lower_judge_translated(struct lower *l)
{
	struct ir_chain *base = chain_new(l, "postrouting"), *root = chain_new(l, "judge");
	struct ir_chain *c = chain_new(l, "translated-self");
	struct ir_rule r = builtin(l, "fwc: self to self"), jump = {0};
	const char **bodies = l->body, *log;

	/* rules with side effects have chains of their own here: those must not reject either */
	l->silent = true;
	l->body = arena_alloc(l->arena, (l->p->rules.n + 1) * sizeof(*l->body));
	push_related(l, c);
	match_one(l, &r, F_FIB_DADDR_TYPE, 2 /* RTN_LOCAL */);
	push_counted(l, c, r, V_ACCEPT);
	lower_sent(l, c, "translated", true);
	l->silent = false;
	l->body = bodies;

	r = builtin(l, "fwc: self, translated");
	match_one(l, &r, F_IIF, 0);
	match_bits(l, &r, F_CT_STATE, 4 | 8 /* related, new */);
	match_translated(l, &r);
	rule_verdict(l, &r, V_JUMP, ruleset_seal_chain(l->r, c)->name);
	chain_push(l, root, r);
	r.stmts.n--;
	r = rule_copy(l, &r);
	log = lower_log(l, LOG_UNMATCHED);
	if (log) {
		rule_verdict(l, &r, V_JUMP, log);
		chain_push(l, root, r);
		r.stmts.n--;
		r = rule_copy(l, &r);
	}
	r.comment = ir_comment(l->arena, "fwc: no rule, drop");
	push_counted(l, root, r, V_DROP);

	base->name = "postrouting";
	base->base = (struct ir_base){.hook = "postrouting", .type = "filter", .priority = 99};
	rule_verdict(l, &jump, V_JUMP, ruleset_seal_chain(l->r, root)->name);
	chain_push(l, base, jump);
	ruleset_add_chain(l->r, base);
}

/* ---- loopback addresses ---- */

static const struct {
	enum field field;
	struct ival addrs;
} loopback_addrs[] = {{F_IP_SADDR, {0x7f000000, 0x7fffffff}},
		      {F_IP_DADDR, {0x7f000000, 0x7fffffff}},
		      {F_IP6_SADDR, {1, 1}},
		      {F_IP6_DADDR, {1, 1}}};

/* The kernel takes packets for 127.0.0.1 from neighbours where route_localnet is on. Before dnat,
 * which may send others there; before connection tracking, which need not know them. */
static void lower_loopback(struct lower *l)
{
	struct ir_chain *base = chain_new(l, "prerouting"), *root = chain_new(l, "loopback");
	struct ir_rule r = builtin(l, "fwc: loopback"), jump = {0};
	struct ival lo = {0};

	ifname_parse("lo", 2, &lo);
	match_ival(l, &r, F_IIFNAME, lo);
	rule_verdict(l, &r, V_RETURN, NULL);
	chain_push(l, root, r);
	for (size_t i = 0; i < sizeof(loopback_addrs) / sizeof(loopback_addrs[0]); i++) {
		r = builtin(l, "fwc: loopback address, not from loopback");
		match_ival(l, &r, loopback_addrs[i].field, loopback_addrs[i].addrs);
		push_counted(l, root, r, V_DROP);
	}
	lower_antispoof(l, root);
	lower_untracked_arriving(l, root);
	base->name = "prerouting";
	base->base = (struct ir_base){.hook = "prerouting", .type = "filter", .priority = -300};
	rule_verdict(l, &jump, V_JUMP, ruleset_seal_chain(l->r, root)->name);
	chain_push(l, base, jump);
	ruleset_add_chain(l->r, base);
}

struct hook {
	struct ir_chain *root;
	struct ir_chain *before; /* the rules: what every hook begins with */
	struct ir_chain *rules;
};

static struct hook hook_new(struct lower *l, const char *name)
{
	return (struct hook){.root = chain_new(l, name),
			     .before = chain_new(l, arena_printf(l->arena, "%s-rest", name)),
			     .rules = chain_new(l, arena_printf(l->arena, "%s-rules", name))};
}

static void append(struct lower *l, struct ir_chain *to, const struct ir_chain *from)
{
	for (size_t i = 0; i < from->rules.n; i++)
		chain_push(l, to, from->rules.v[i]);
}

/* What no rule matched comes back, from wherever it was sent, and is logged. */
static void log_unmatched(struct lower *l, struct hook *h)
{
	const char *log = lower_log(l, LOG_UNMATCHED), *rules;
	struct ir_rule jump = {0}, go = {0};

	if (!log)
		return;
	if (h->rules->rules.n) {
		rules = ruleset_seal_chain(l->r, h->rules)->name;
		h->rules = chain_new(l, h->rules->stem);
		rule_verdict(l, &jump, V_JUMP, rules);
		chain_push(l, h->rules, jump);
	}
	rule_verdict(l, &go, V_JUMP, log);
	chain_push(l, h->rules, go);
}

/* One chain, but where something is inspected: then its parts are reached from several places. */
static void lower_hook(struct lower *l, const char *name, struct hook *h, bool inspects)
{
	struct ir_rule go = {0};

	log_unmatched(l, h);
	if (!inspects) {
		append(l, h->root, h->before);
		append(l, h->root, h->rules);
	} else {
		const char *rules;

		push_counted(l, h->rules, builtin(l, "fwc: no rule, drop"), V_DROP);
		rules = ruleset_seal_chain(l->r, h->rules)->name;
		rule_verdict(l, &go, V_GOTO, rules);
		chain_push(l, h->before, go);
		lower_inspection(l, h->root, rules, ruleset_seal_chain(l->r, h->before)->name);
	}
	lower_base(l, name, h->root);
}

static void lower_filter(struct lower *l)
{
	struct hook in = hook_new(l, "input"), fwd = hook_new(l, "forward");
	struct hook out = hook_new(l, "output");
	struct ir_chain *rest = chain_new(l, "rest");

	lower_states(l, in.before, F_IIFNAME, UNTRACKED_INPUT);
	lower_neighbours(l, in.before, true);
	lower_dispatch(l, in.rules,
		       &(struct dispatch){.f = F_IIFNAME,
					  .stem = "to.self",
					  .chain_of = zone_to,
					  .end = PLACE_SELF,
					  .rest = rest_from(l, PLACE_SELF)});

	lower_mss(l, fwd.root, false);
	lower_offloads(l, fwd.before);
	lower_states(l, fwd.before, NFIELDS, UNTRACKED_FORWARD);
	/* of guests on a bridge, where its frames meet this hook: no router forwards these */
	lower_neighbours(l, fwd.before, true);
	if (has_parts(l, unnamed(l)))
		lower_parts(l, rest, F_IIFNAME, unnamed(l), from_place, 0);
	else
		lower_dispatch(l, rest,
			       &(struct dispatch){.f = F_OIFNAME,
						  .stem = "to.other",
						  .chain_of = zone_from,
						  .end = unnamed(l),
						  .rest = rest_to(l, unnamed(l))});
	lower_dispatch(l, fwd.rules,
		       &(struct dispatch){.f = F_IIFNAME,
					  .stem = "from",
					  .chain_of = from_chain,
					  .rest = rest});

	lower_answers_out(l, out.root);
	lower_mss(l, out.root, true);
	if (policy_translates_self(l->p))
		lower_pass_translated(l, out.root);
	lower_states(l, out.before, F_OIFNAME, UNTRACKED_OUTPUT);
	lower_neighbours(l, out.before, false);
	lower_sent(l, out.rules, "from.self", false);

	lower_hook(l, "input", &in, policy_inspects(l->p, false, true));
	lower_hook(l, "forward", &fwd, policy_inspects(l->p, false, false));
	lower_hook(l, "output", &out, policy_inspects(l->p, true, false));
	if (policy_translates_self(l->p))
		lower_judge_translated(l);
}

struct ir_ruleset *ruleset_lower(struct policy *p, struct arena *a, struct diag *diag)
{
	struct lower l = {
		.arena = a, .work = arena_new(), .diag = diag, .p = p, .r = ruleset_new(a)};

	l.body = arena_alloc(a, (p->rules.n + 1) * sizeof(*l.body));
	l.r->forwarding = p->forwarding;
	l.r->live_flows = p->live_flows;
	for (size_t i = 0; i < p->lacks.n; i++)
		vec_push(a, &l.r->lacks,
			 ((struct ir_lack){p->lacks.v[i].at, p->lacks.v[i].text,
					   p->lacks.v[i].module}));
	for (size_t i = 0; i < p->timeouts.n; i++)
		vec_push(a, &l.r->timeouts,
			 ((struct ir_timeout){p->timeouts.v[i].name, p->timeouts.v[i].seconds,
					      p->timeouts.v[i].at}));
	note_zones(&l);
	map_init(&l.shared, a);
	l.asking = arena_alloc(a, (p->rules.n + 1) * sizeof(*l.asking));
	if (!lower_foresee(&l)) {
		arena_free(l.work);
		return l.r;
	}
	lower_dynsets(&l);
	lower_quota_objects(&l);
	lower_cgroups(&l);
	lower_answer_sets(&l);
	lower_loopback(&l);
	lower_guards(&l);
	lower_untracked_made(&l);
	lower_filter(&l);
	lower_marks(&l);
	lower_nat(&l);
	arena_free(l.work);
	return l.r;
}
