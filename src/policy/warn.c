/* SPDX-License-Identifier: GPL-2.0-or-later
 * What a policy without errors can hardly mean: warnings and hints.
 */
#include <string.h>

#include "policy/guard.h"
#include "policy/known.h"
#include "policy/policy.h"
#include "policy/routing.h"

static bool names_zones(const struct place_item *i)
{
	return i->at == AT_ZONE || i->at == AT_GROUP;
}

/* The first rule that lets something through from zone to zone. */
static const struct rule *forwarding_rule(const struct policy *p)
{
	const struct rule *r;

	vec_each (&p->rules, r)
		for (size_t k = 0; k < r->from.items.n; k++)
			for (size_t m = 0; m < r->to.items.n; m++)
				if (names_zones(&r->from.items.v[k]) &&
				    names_zones(&r->to.items.v[m]) && r->verb == VERB_ALLOW)
					return r;
	return NULL;
}

static bool has_addrs(const struct addrs *s, enum family fam)
{
	return s->macs.n || addrs_any(s, fam);
}

/* Whether some rule could let it pass; which rules stand before that one is not looked at. */
static bool may_pass(const struct policy *p, int from, enum family fam, u128 target,
		     const struct services *s, int place)
{
	const struct known_bounds *b = known_rules(p);

	for (size_t i = 0; i < p->rules.n; i++) {
		const struct rule *r = &p->rules.v[i];
		bool at_from = false, at_to = false;
		bool service = r->services.any || s->any || r->published;

		if (fam && !known_has(&b[i], fam, target))
			continue;
		for (size_t k = 0; k < r->from.items.n; k++)
			at_from |= item_has(&r->from.items.v[k], from) &&
				   has_addrs(&r->from.items.v[k].addrs, fam);
		for (size_t k = 0; k < r->to.items.n; k++)
			at_to |= item_may_have(&r->to.items.v[k], place, fam, target) &&
				 addrs_match(&r->to.items.v[k].addrs, fam, target);
		service |= services_ports_meet(&r->services, s);
		service |= ivset_overlaps(&r->services.protocols, &s->protocols);
		service |= services_icmp_meet(&r->services, s);
		if (r->q.family && fam && r->q.family != fam)
			continue;
		if (r->verb != VERB_DROP && r->verb != VERB_REJECT && at_from && at_to && service)
			return true;
	}
	return false;
}

static const char *place_text(const struct policy *p, int place)
{
	return place == PLACE_SELF ? "self" : place == PLACE_OTHER ? "any" : p->zones.v[place].name;
}

/* Behind the translation. */
static struct services translated(const struct policy *p, const struct nat *n,
				  const struct nat_part *part)
{
	return services_to_port(p->arena, &part->services, n->port, nat_port_last(n));
}

/* " a, b", each once. */
static void add_word(struct buf *out, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = buf_str(out); n && (at = strstr(at, word)); at += n)
		if (at[-1] == ' ' && (at[n] == ',' || !at[n]))
			return;
	if (n)
		buf_printf(out, "%s%s", out->len ? ", " : " ", word);
}

static void print_part(struct buf *out, const struct policy *p, const struct nat *n,
		       const struct nat_part *part)
{
	static const char *const names[PORT_PROTOCOLS] = {"tcp", "udp", "sctp", "dccp", "udplite"};

	if (!n->port)
		add_word(out, part->text);
	for (int i = 0; n->port && i < PORT_PROTOCOLS; i++)
		if (services_have_port(&part->services, i) && n->called)
			add_word(out, arena_printf(p->arena, "%s/%u-%u", names[i], n->port,
						   nat_port_last(n)));
		else if (services_have_port(&part->services, i))
			add_word(out, arena_printf(p->arena, "%s/%u", names[i], n->port));
}

static bool reachable(const struct policy *p, int from, enum family fam, u128 target,
		      const struct routing_target *to, const struct services *s)
{
	if (to->here && (from == PLACE_SELF || may_pass(p, from, fam, target, s, PLACE_SELF)))
		return true;
	for (size_t i = 0; to->on && i < to->zones.n; i++)
		if (may_pass(p, from, fam, target, s, to->zones.v[i]))
			return true;
	for (size_t z = 0; to->on && !to->zones.n && z < p->zones.n; z++)
		if (may_pass(p, from, fam, target, s, (int)z))
			return true;
	return to->on && !to->zones.n && may_pass(p, from, fam, target, s, PLACE_OTHER);
}

/* Of what goes to one target, the services that no rule allows. */
static bool closed_parts(const struct policy *p, const struct nat *n, int from, enum family fam,
			 u128 target, struct buf *out)
{
	struct routing_target to = routing_target(p->arena, p, fam, target);
	const struct nat_part *part;
	bool any = false;

	vec_each (&n->parts, part) {
		struct services s = translated(p, n, part);

		if (n->kind == NAT_REDIRECT ? may_pass(p, from, FAM_IP4, 0, &s, PLACE_SELF) ||
						      may_pass(p, from, FAM_IP6, 0, &s, PLACE_SELF)
					    : reachable(p, from, fam, target, &to, &s))
			continue;
		print_part(out, p, n, part);
		any = true;
	}
	return any;
}

/* `direct`: the rule's TO, which it opens to those as well that call it by its own address. */
static void warn_closed(struct diag *diag, struct nat *n, const char *pair, const char *direct)
{
	diag_hint(diag,
		  diag_warning(diag, n->span,
			       "no rule allows %s, which this translates: NAT by itself opens "
			       "nothing",
			       pair),
		  "add: allow %s (this opens %s to direct connections as well)", pair, direct);
	n->closed = true;
}

/* "nas@lan" */
static const char *target_text(const struct policy *p, const char *name, enum family fam,
			       u128 target)
{
	struct routing_target to = routing_target(p->arena, p, fam, target);

	if (!to.on)
		return arena_printf(p->arena, "%s@self", name);
	return to.zones.n ? arena_printf(p->arena, "%s@%s", name, p->zones.v[to.zones.v[0]].name)
			  : name;
}

const char *nat_missing_rule(const struct policy *p, const struct nat *n)
{
	bool six = !n->to4.to.n;
	const struct nat_targets *to = six ? &n->to6 : &n->to4;
	const struct nat_part *part;
	struct buf b = {0}, parts = {0};
	const char *text;

	vec_each (&n->parts, part)
		print_part(&parts, p, n, part);
	buf_printf(&b, "%s -> ", span_text(p->arena, n->from.span));
	buf_puts(&b,
		 n->kind == NAT_REDIRECT
			 ? "self"
			 : target_text(p, to->names.v[0], six ? FAM_IP6 : FAM_IP4, to->to.v[0].lo));
	buf_puts(&b, buf_str(&parts));
	text = arena_strdup(p->arena, buf_str(&b));
	buf_free(&parts);
	buf_free(&b);
	return text;
}

static void warn_target(struct policy *p, struct diag *diag, struct nat *n, int from,
			enum family fam, size_t i, struct map *said)
{
	const struct nat_targets *to = fam == FAM_IP6 ? &n->to6 : &n->to4;
	u128 addr = to->to.v[i].lo;
	struct buf parts = {0};

	if (closed_parts(p, n, from, fam, addr, &parts)) {
		const char *target = target_text(p, to->names.v[i], fam, addr);
		const char *pair = arena_printf(p->arena, "%s -> %s%s", place_text(p, from), target,
						buf_str(&parts));

		if (!map_get(said, pair))
			warn_closed(diag, n, pair, target);
		map_put(said, pair, n);
	}
	buf_free(&parts);
}

static void warn_nat_from(struct policy *p, struct diag *diag, struct nat *n, int from,
			  struct map *said)
{
	struct buf parts = {0};

	if (n->netmap) /* findings_nat.c asks for both directions */
		return;
	for (size_t i = 0; n->kind == NAT_DNAT && i < n->to4.to.n; i++)
		warn_target(p, diag, n, from, FAM_IP4, i, said);
	for (size_t i = 0; n->kind == NAT_DNAT && i < n->to6.to.n; i++)
		warn_target(p, diag, n, from, FAM_IP6, i, said);
	if (n->kind == NAT_REDIRECT && from != PLACE_SELF &&
	    closed_parts(p, n, from, FAM_NONE, 0, &parts))
		warn_closed(diag, n,
			    arena_printf(p->arena, "%s -> self%s", place_text(p, from),
					 buf_str(&parts)),
			    "that port");
	buf_free(&parts);
}

/* The zone is in the item, and not with the one that it is within. */
static bool first_at(const struct policy *p, const struct place_item *i, int zone)
{
	const struct subzone *sub = &p->zones.v[zone].sub;

	return item_at(i, zone) && !(sub->is && item_at(i, sub->within));
}

/* Each pair once, even if a target has several addresses. */
static void warn_nats(struct policy *p, struct diag *diag)
{
	for (size_t i = 0; i < p->nats.n; i++) {
		struct nat *n = &p->nats.v[i];
		struct map said;

		map_init(&said, p->arena);
		for (size_t k = 0; k < n->from.items.n; k++)
			if (n->from.items.v[k].at == AT_SELF)
				warn_nat_from(p, diag, n, PLACE_SELF, &said);
		for (size_t k = 0; k < n->from.items.n; k++)
			for (size_t z = 0; z < p->zones.n; z++)
				if (names_zones(&n->from.items.v[k]) &&
				    first_at(p, &n->from.items.v[k], (int)z))
					warn_nat_from(p, diag, n, (int)z, &said);
		for (size_t k = 0; k < n->hairpin_zones.n; k++)
			warn_nat_from(p, diag, n, n->hairpin_zones.v[k], &said);
	}
}

/* `allow lan -> any`: any includes this machine. Said once. */
static void warn_any_opens_self(struct policy *p, struct diag *diag)
{
	for (size_t i = 0; i < p->rules.n; i++) {
		const struct rule *r = &p->rules.v[i];

		if (r->verb != VERB_ALLOW)
			continue;
		for (size_t k = 0; k < r->to.items.n; k++) {
			const struct place_item *to = &r->to.items.v[k];
			const struct place_item *from = &r->from.items.v[0];

			if (to->at != AT_ANY || !to->addrs.all || item_is_self(from) ||
			    !item_at(to, PLACE_SELF))
				continue;
			diag_hint(diag,
				  diag_warning(diag, r->span,
					       "'any' includes this machine: the rule "
					       "opens it too"),
				  "write zones instead of any, if that is not meant");
			return;
		}
	}
}

/* `allow zones -> self` with a zone of whatever comes. Said once. */
static void warn_other_opens(struct policy *p, struct diag *diag)
{
	const struct rule *r;

	vec_each (&p->rules, r) {
		bool from = false, to = false;

		if (p->other < 0 || r->verb != VERB_ALLOW)
			continue;
		for (size_t k = 0; k < r->from.items.n; k++)
			from |= r->from.items.v[k].at == AT_ZONES &&
				item_at(&r->from.items.v[k], p->other);
		for (size_t k = 0; k < r->to.items.n; k++)
			to |= item_at(&r->to.items.v[k], PLACE_SELF);
		if (!from || !to)
			continue;
		diag_hint(diag,
			  diag_warning(diag, r->span,
				       "'zones' includes zone '%s': this opens the machine to "
				       "whatever interface comes",
				       p->zones.v[p->other].name),
			  "if that is not meant, write: zones but %s", p->zones.v[p->other].name);
		return;
	}
}

static bool speaks_of(const struct policy *p, int from, int to)
{
	for (size_t i = 0; i < p->rules.n; i++) {
		bool a = false, b = false;

		for (size_t k = 0; k < p->rules.v[i].from.items.n; k++)
			a |= item_at(&p->rules.v[i].from.items.v[k], from);
		for (size_t k = 0; k < p->rules.v[i].to.items.n; k++)
			b |= item_at(&p->rules.v[i].to.items.v[k], to);
		if (a && b)
			return true;
	}
	return false;
}

static void warn_zones(struct policy *p, struct diag *diag)
{
	for (size_t z = 0; z < p->zones.n; z++) {
		const struct zone *zone = &p->zones.v[z];
		bool several = zone->interfaces.n > 1 ||
			       (zone->interfaces.n == 1 &&
				zone->interfaces.v[0].name.lo != zone->interfaces.v[0].name.hi);

		if (!zone->used)
			diag_warning(diag, zone->span, "nothing mentions zone '%s'", zone->name);
		else if (several && p->forwarding == 1 && !speaks_of(p, (int)z, (int)z))
			diag_hint(diag,
				  diag_remark(diag, zone->span,
					      "no rule matches traffic between the interfaces of "
					      "zone '%s': it is dropped",
					      zone->name),
				  "to let it pass, add: allow %s -> %s", zone->name, zone->name);
	}
}

/* An address of the other family is in no network, and so in no sub-zone that has some. */
static void warn_subzones(struct policy *p, struct diag *diag)
{
	const struct zone *z;

	vec_each (&p->zones, z)
		if (z->sub.has_network && !(z->net4.n && z->net6.n))
			diag_remark(diag, z->span,
				    "zone '%s' has only IPv%d networks: its IPv%d stays in '%s'",
				    z->name, z->net4.n ? 4 : 6, z->net4.n ? 6 : 4,
				    place_text(p, z->sub.within));
}

static bool ends_at(const struct endpoint *e, int place)
{
	const struct place_item *i;

	vec_each (&e->items, i)
		if (i->addrs.all && item_at(i, place))
			return true;
	return false;
}

/* It goes to all of a zone: whoever names the sub-zone means it. */
static bool ends_around(const struct endpoint *e, int zone, int within)
{
	const struct place_item *i;

	vec_each (&e->items, i)
		if (i->addrs.all && item_at(i, zone) && item_at(i, within))
			return true;
	return false;
}

/* An earlier no-nat spares all that the translation would rewrite on its way to the place. */
static bool spared(const struct policy *p, const struct nat *n, int place)
{
	const struct nat *none;

	vec_each (&p->nats, none) {
		bool all =
			none->kind == NAT_NONE && none->services.any && ends_at(&none->to, place);

		for (int k = PLACE_OTHER; all && k < place_end(p); k++)
			all = ends_at(&none->from, k) || !ends_at(&n->from, k);
		if (all && none < n)
			return true;
	}
	return false;
}

/* A source that is rewritten may be none that the other end of the tunnel takes. */
static void warn_ipsec_nat(struct policy *p, struct diag *diag)
{
	const struct zone *z;
	const struct nat *n;

	vec_each (&p->nats, n) {
		vec_each (&p->zones, z) {
			int zone = (int)(z - p->zones.v);

			if ((n->kind != NAT_MASQUERADE && n->kind != NAT_SNAT) || !z->sub.is ||
			    !z->sub.ipsec || !ends_around(&n->to, zone, z->sub.within) ||
			    spared(p, n, zone))
				continue;
			diag_hint(diag,
				  diag_warning(diag, n->span,
					       "this rewrites what goes to '%s' through IPsec, too",
					       z->name),
				  "add above: no-nat %s -> %s", span_text(p->arena, n->from.span),
				  z->name);
		}
	}
}

static void warn_forwarding(struct policy *p, struct diag *diag)
{
	const struct rule *r = p->forwarding < 0 ? forwarding_rule(p) : NULL;

	if (r)
		diag_hint(diag,
			  diag_remark(diag, r->span,
				      "the rule forwards packets, but the policy does not say "
				      "whether this machine forwards"),
			  "write at the top: forwarding on");
}

/* Whether some item has addresses of the family, or none at all. */
static bool side_has(const struct endpoint *e, enum family fam)
{
	for (size_t i = 0; i < e->items.n; i++)
		if (has_addrs(&e->items.v[i].addrs, fam))
			return true;
	return false;
}

static bool only_self(const struct endpoint *e)
{
	for (size_t i = 0; i < e->items.n; i++)
		if (!item_is_self(&e->items.v[i]))
			return false;
	return true;
}

/* Whether all services are ICMP of one family. */
static bool only_icmp(const struct services *s, enum family mine)
{
	bool more = s->any || s->protocols.n ||
		    services_have_icmp(s, mine == FAM_IP4 ? FAM_IP6 : FAM_IP4);

	for (int i = 0; i < PORT_PROTOCOLS; i++)
		more |= services_have_port(s, i);
	return services_have_icmp(s, mine) && !more;
}

const char *rule_never(const struct rule *r)
{
	bool four = side_has(&r->from, FAM_IP4) && side_has(&r->to, FAM_IP4);
	bool six = side_has(&r->from, FAM_IP6) && side_has(&r->to, FAM_IP6);

	if (only_self(&r->from) && only_self(&r->to))
		return ": self -> self is always open";
	if (!side_has(&r->from, FAM_IP4) && !side_has(&r->from, FAM_IP6))
		return ": its source has no addresses";
	if (!side_has(&r->to, FAM_IP4) && !side_has(&r->to, FAM_IP6))
		return ": its destination has no addresses";
	if ((r->q.family == FAM_IP4 && !four) || (r->q.family == FAM_IP6 && !six))
		return ": its addresses are not of the family that it names";
	if (!four && !six)
		return ": one side is IPv4, the other IPv6";
	four &= r->q.family != FAM_IP6;
	six &= r->q.family != FAM_IP4;
	if (!six && only_icmp(&r->services, FAM_IP6))
		return ": the rule is for IPv4, ICMPv6 is IPv6's";
	if (!four && only_icmp(&r->services, FAM_IP4))
		return ": the rule is for IPv6, ICMP is IPv4's";
	return "";
}

static void warn_account(struct diag *diag, struct ast_word name, bool group, uint32_t id)
{
	const char *number = group ? "gid" : "uid";

	if (name.s && id)
		diag_hint(diag,
			  diag_warning(diag, name.span,
				       "'%s' is %s %u on this machine, perhaps another elsewhere",
				       name.s, number, id),
			  "write the %s that the %s has there", number, group ? "group" : "user");
}

void policy_warn_elsewhere(const struct policy *p, struct diag *diag)
{
	const struct rule *r;
	const struct zone *z;

	vec_each (&p->rules, r)
		warn_account(diag, r->q.user, false, r->q.uid);
	vec_each (&p->rules, r)
		warn_account(diag, r->q.group, true, r->q.gid);
	vec_each (&p->zones, z) {
		warn_account(diag, z->sub.user, false, z->sub.uid);
		warn_account(diag, z->sub.group, true, z->sub.gid);
	}
}

void policy_warn_silence(const struct policy *p, struct diag *diag)
{
	const struct rule *r;
	const struct rule *through = p->forwarding ? NULL : forwarding_rule(p);
	bool self = false;

	times_warn(p, diag);
	vec_each (&p->rules, r)
		for (size_t k = 0; k < r->from.items.n; k++)
			self |= item_has(&r->from.items.v[k], PLACE_SELF);
	if (!p->rules.n)
		diag_hint(diag,
			  diag_warning(diag, (struct span){0},
				       "the policy has no rules: everything is dropped"),
			  "a rule is written: allow FROM -> TO SERVICES");
	else if (!self)
		diag_hint(diag,
			  diag_remark(diag, (struct span){0},
				      "no rule matches what this machine opens itself: it cannot "
				      "resolve names, set its clock or fetch updates"),
			  "to allow that, add: allow self -> any");
	if (through)
		diag_note(diag,
			  diag_warning(diag, through->span,
				       "the rule forwards packets, but the policy turns forwarding "
				       "off"),
			  p->forwarding_span, "it is turned off here");
}

/* One type; by its codes, if these are named (type * 256 + code). */
static void print_type(struct buf *out, const char *proto, unsigned t, const struct ivset *codes)
{
	bool whole = true;

	for (size_t i = 0; i < codes->n; i++)
		for (u128 c = codes->v[i].lo; c <= codes->v[i].hi; c++) {
			if (c >> 8 != t)
				continue;
			whole = false;
			buf_printf(out, "%s%s/%u/%u", out->len ? ", " : "", proto, t,
				   (unsigned)(c & 255));
		}
	if (whole)
		buf_printf(out, "%s%s/%u", out->len ? ", " : "", proto, t);
}

static void print_types(struct buf *out, const char *proto, const struct ivset *types,
			const struct ivset *codes)
{
	for (size_t i = 0; i < types->n; i++)
		for (u128 t = types->v[i].lo; t <= types->v[i].hi; t++)
			print_type(out, proto, (unsigned)t, codes);
}

/* Rules decide about what opens a connection; ICMP errors and answers open none. */
static void warn_icmp(struct policy *p, struct diag *diag)
{
	const struct rule *r;

	vec_each (&p->rules, r) {
		struct ivset v4 = icmp_undecided(p->arena, &r->services, FAM_IP4);
		struct ivset v6 = icmp_undecided(p->arena, &r->services, FAM_IP6);
		struct buf types = {0};

		if (r->q.family == FAM_IP4)
			v6.n = 0;
		if (r->q.family == FAM_IP6)
			v4.n = 0;
		print_types(&types, "icmp", &v4, &r->services.icmp_codes);
		print_types(&types, "icmpv6", &v6, &r->services.icmpv6_codes);
		if (types.len)
			diag_hint(diag,
				  diag_warning(diag, r->span,
					       "this rule has no effect on %s: errors and answers "
					       "open no connection",
					       buf_str(&types)),
				  "leave %s out: those of a known connection pass without a rule, "
				  "others are dropped",
				  services_undecided(p->arena, &r->services) ? "the rule" : "them");
		buf_free(&types);
	}
}

void policy_warn(struct policy *p, struct diag *diag)
{
	warn_icmp(p, diag);
	warn_any_opens_self(p, diag);
	warn_other_opens(p, diag);
	warn_nats(p, diag);
	warn_zones(p, diag);
	warn_subzones(p, diag);
	warn_ipsec_nat(p, diag);
	warn_forwarding(p, diag);
	guard_warn(p, diag);
	inspect_warn(p, diag);
}
