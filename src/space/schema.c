/* SPDX-License-Identifier: GPL-2.0-or-later
 * Dimensions -> variables, values -> diagrams.
 */
#include "space/schema.h"

#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <string.h>

#include "policy/routing.h"
#include "util/cleanup.h"

/* Family first, addresses in the middle, ports last: other orders took two to three times the
 * nodes. Free conditions come behind all. */
const struct dim_info dim_table[NDIMS] = {
	[DIM_FAMILY] = {"family", 0, 1},
	[DIM_CT_STATE] = {"ctstate", 1, 3},
	[DIM_CT_STATUS] = {"ctstatus", 4, 16},
	[DIM_CT_MARK] = {"ctmark", 20, 32},
	[DIM_CT_DIRECTION] = {"ctdirection", 52, 1},
	[DIM_IIF] = {"iif", 53, 12},
	[DIM_OIF] = {"oif", 65, 12},
	[DIM_MARK] = {"mark", 77, 32},
	[DIM_SADDR] = {"saddr", 109, 128},
	[DIM_DADDR] = {"daddr", 237, 128},
	[DIM_PROTO] = {"proto", 365, 8},
	[DIM_DPORT] = {"dport", 373, 16},
	[DIM_SPORT] = {"sport", 389, 16},
	[DIM_TYPE] = {"type", 405, 8},
	[DIM_FLAGS] = {"tcpflags", 413, 8},
	[DIM_PAYLOAD] = {"payload", 421, 2},
	[DIM_HOPLIMIT] = {"hoplimit", 423, 8},
	[DIM_UID] = {"uid", 431, 32},
	[DIM_FIB_SADDR] = {"fibsaddr", 463, 8},
	[DIM_FIB_DADDR] = {"fibdaddr", 471, 8},
	[DIM_FIB_DADDR_IIF] = {"fibdaddriif", 479, 8},
	[DIM_HOUR] = {"hour", 487, 17},
	[DIM_DAY] = {"day", 504, 3},
	[DIM_CODE] = {"code", 507, 8},
	[DIM_DSCP] = {"dscp", 515, 6},
	[DIM_ECN] = {"ecn", 521, 2},
	[DIM_LENGTH] = {"length", 523, 32},
	[DIM_GID] = {"gid", 555, 32},
	[DIM_IIFTYPE] = {"iiftype", 587, 16},
	[DIM_OIFTYPE] = {"oiftype", 603, 16},
	[DIM_IIFGROUP] = {"iifgroup", 619, 32},
	[DIM_OIFGROUP] = {"oifgroup", 651, 32},
	[DIM_SECPATH] = {"secpath", 683, 1},
	[DIM_RT_IPSEC] = {"rtipsec", 684, 1},
	[DIM_LINK] = {"link", 685, 1},
	[DIM_ETHER_SADDR] = {"ethersaddr", 686, 48},
	[DIM_ETHER_DADDR] = {"etherdaddr", 734, 48},
	[DIM_CALLED] = {"called", 782, 16},
	[DIM_FIB_OIF] = {"fiboif", 798, 12},
	[DIM_TIME] = {"time", 810, 16},
};
#define FIRST_CONDITION 826
#define TRIES 256 /* at a packet that its conditions do not lie about */
#define MAX_NAMES 4096 /* 12 bits */

const struct station_info station_table[NSTATIONS] = {
	[AT_INPUT] = {"filter", "input"},
	[AT_FORWARD] = {"filter", "forward"},
	[AT_OUTPUT] = {"filter", "output"},
	[AT_POSTROUTING] = {"filter", "postrouting"},
	[AT_PREROUTING] = {"filter", "prerouting"},
	[NAT_PREROUTING] = {"nat", "prerouting"},
	[NAT_INPUT] = {"nat", "input"},
	[NAT_OUTPUT] = {"nat", "output"},
	[NAT_POSTROUTING] = {"nat", "postrouting"},
	[ROUTE_OUTPUT] = {"route", "output"},
};

/* ---- interface names ---- */

static const char *name_text(struct schema *s, struct ival name)
{
	struct buf b = {0};
	char *out;

	if (name.lo || name.hi)
		ifname_print(&b, name);
	out = arena_strdup(s->arena, buf_str(&b));
	buf_free(&b);
	return out;
}

void schema_add_name(struct schema *s, struct ival name)
{
	const char *text = name_text(s, name);

	if (map_get(&s->codes, text) || s->names.n == MAX_NAMES)
		return;
	map_put(&s->codes, text, (void *)(s->names.n + 1));
	vec_push(s->arena, &s->names, name);
}

void schema_init(struct schema *s, struct arena *a, struct dd *dd)
{
	struct ival lo = {0};

	*s = (struct schema){.arena = a, .dd = dd};
	map_init(&s->codes, a);
	map_init(&s->conditions, a);
	map_init(&s->times.schedules, a);
	vec_push(a, &s->names, ((struct ival){0, 0})); /* code 0 */
	schema_add_name(s, (struct ival){0, 0}); /* no interface */
	ifname_parse("lo", 2, &lo);
	schema_add_name(s, lo);
}

static void add_asked(struct schema *s, const struct endpoint *e)
{
	for (size_t i = 0; i < e->items.n; i++)
		if (e->items.v[i].has_iface)
			schema_add_name(s, e->items.v[i].iface);
}

/* The sets of very many addresses. */
static void add_named(struct schema *s, const struct endpoint *e)
{
	const struct place_item *item;

	vec_each (&e->items, item)
		for (int f = 0; f < 2; f++)
			schema_add_named(s, addrs_bulk(&item->addrs, f ? FAM_IP6 : FAM_IP4),
					 item->addrs.stem);
}

void schema_add_policy(struct schema *s, const struct policy *p)
{
	const struct schedule *const *when;
	const struct rule *r;

	vec_each (&p->rules, r) {
		s->questions |= r->questions.n > 0;
		add_named(s, &r->from);
		add_named(s, &r->to);
	}
	vec_each (&p->schedules, when)
		schema_add_schedule(s, *when);
	for (size_t z = 0; z < p->zones.n; z++)
		for (size_t i = 0; i < p->zones.v[z].interfaces.n; i++)
			if (!ifname_is_other(p->zones.v[z].interfaces.v[i].name))
				schema_add_name(s, p->zones.v[z].interfaces.v[i].name);
	for (size_t i = 0; i < p->expects.n; i++) {
		add_asked(s, &p->expects.v[i].from);
		add_asked(s, &p->expects.v[i].to);
	}
}

static bool is_name(enum field f)
{
	return f == F_IIFNAME || f == F_OIFNAME || f == F_FIB_OIFNAME;
}

static void add_all_times(struct schema *s, const struct ir_elems *elems)
{
	_cleanup_arena_ struct arena *own = arena_new();
	struct ivset all = {0};

	vec_reserve(own, &all, elems->n);
	for (size_t i = 0; i < elems->n; i++)
		vec_push(own, &all, elems->v[i].key[0]);
	if (all.n)
		schema_add_times(s, &all);
}

/* All elements of one field at once, those of several or of a map one by one: as they are asked
 * for. */
static void add_times(struct schema *s, const enum field *f, size_t n, const struct ir_elems *elems,
		      bool each)
{
	if (n == 1 && !each && f[0] == F_TIME) {
		add_all_times(s, elems);
		return;
	}
	for (size_t k = 0; k < n; k++) {
		for (size_t i = 0; f[k] == F_TIME && i < elems->n; i++) {
			struct ivset one = {.v = elems->v[i].key + k, .n = 1};

			schema_add_times(s, &one);
		}
	}
}

static void add_keys(struct schema *s, const enum field *f, size_t n, const struct ir_elems *elems,
		     bool map)
{
	for (size_t k = 0; k < n; k++)
		for (size_t i = 0; is_name(f[k]) && i < elems->n; i++)
			schema_add_name(s, elems->v[i].key[k]);
	add_times(s, f, n, elems, map);
}

void schema_add_ruleset(struct schema *s, const struct ir_ruleset *r)
{
	for (size_t i = 0; i < r->sets.n; i++) {
		const struct ir_set *set = r->sets.v[i];

		add_keys(s, set->keys, set->nkeys, &set->elems, set->is_map);
		if (ir_set_is_bulk(set) && set->bulk->role == BULK_LIST &&
		    strcmp(set->bulk->of, set->bulk->elems->digest) != 0)
			schema_add_part(s, set->bulk->of, set->bulk->elems);
	}
	schema_add_overlays(s, r);
	for (size_t i = 0; i < r->chains.n; i++) {
		const struct ir_chain *c = r->chains.v[i];

		for (size_t k = 0; k < c->rules.n; k++) {
			const struct ir_stmt *st;

			vec_each (&c->rules.v[k].stmts, st) {
				if (st->kind == IR_MATCH)
					add_keys(s, st->match.sel.f, st->match.sel.n,
						 &st->match.values, false);
				else if (st->kind == IR_VMAP)
					add_keys(s, st->vmap.sel.f, st->vmap.sel.n, &st->vmap.elems,
						 true);
			}
		}
	}
}

uint32_t schema_code(struct schema *s, struct ival name)
{
	size_t code = (size_t)map_get(&s->codes, name_text(s, name));

	return code ? (uint32_t)code - 1 : 0;
}

size_t schema_ncodes(const struct schema *s)
{
	return s->names.n;
}

uint32_t schema_no_interface(const struct schema *s)
{
	(void)s;
	return 1;
}

dd_ref schema_loopback(struct schema *s, enum dim d)
{
	return schema_one(s, d, 2);
}

static bool known_name(const struct schema *s, struct ival name, uint32_t except)
{
	for (size_t i = 1; i < s->names.n; i++)
		if (i != except && s->names.v[i].lo <= name.lo && s->names.v[i].hi >= name.hi &&
		    !(except && s->names.v[i].lo <= s->names.v[except].lo &&
		      s->names.v[i].hi >= s->names.v[except].hi))
			return true;
	return false;
}

/* Of a wildcard, or of names that nobody mentions, some name that is in nothing narrower. */
const char *schema_name(const struct schema *s, uint32_t code)
{
	struct ival v = s->names.v[code], name;
	struct buf b = {0};
	char *base, *text;

	if (code && v.lo == v.hi)
		return name_text((struct schema *)s, v);
	if (code)
		ifname_print(&b, v);
	else
		buf_puts(&b, "other*");
	base = arena_strndup(s->arena, b.data, b.len - 1);
	buf_free(&b);
	for (unsigned i = 0;; i++) {
		text = arena_printf(s->arena, "%s%u", base, i);
		if (!ifname_parse(text, strlen(text), &name) || !known_name(s, name, code))
			return text;
	}
}

/* ---- diagrams of single values ---- */

dd_ref schema_ranges(struct schema *s, enum dim d, int bits, const struct ival *v, size_t n,
		     u128 mask, dd_ref in)
{
	if (bits == 128 && mask && !(mask & (mask + 1)) && ~mask)
		s->ends[__builtin_popcountll((uint64_t)mask) +
			__builtin_popcountll((uint64_t)(mask >> 64))] = true;
	return dd_ranges(s->dd, dim_table[d].first, bits, v, n, mask, in, DD_FALSE);
}

dd_ref schema_one(struct schema *s, enum dim d, u128 value)
{
	struct ival v = {value, value};

	return schema_ranges(s, d, dim_table[d].bits, &v, 1, u128_max(dim_table[d].bits), DD_TRUE);
}

dd_ref schema_family(struct schema *s, enum family fam)
{
	if (fam == FAM_NONE)
		return DD_TRUE;
	return schema_one(s, DIM_FAMILY, fam == FAM_IP6);
}

dd_ref schema_addrs(struct schema *s, enum dim d, enum family fam, const struct ivset *v)
{
	int bits = fam == FAM_IP4 ? 32 : 128;
	dd_ref in = schema_ranges(s, d, bits, v->v, v->n, u128_max(bits), DD_TRUE);

	return dd_restrict(s->dd, schema_family(s, fam), in);
}

uint32_t schema_condition_var(size_t number)
{
	return FIRST_CONDITION + (uint32_t)number;
}

dd_ref schema_some_condition(struct schema *s, dd_ref r)
{
	for (size_t i = 0; i < s->texts.n; i++)
		r = dd_some(s->dd, r, schema_condition_var(i), 1);
	return r;
}

dd_ref schema_condition(struct schema *s, const char *text)
{
	size_t number = (size_t)map_get(&s->conditions, text);

	if (!number) {
		number = s->texts.n + 1;
		text = arena_strdup(s->arena, text);
		map_put(&s->conditions, text, (void *)number);
		vec_push(s->arena, &s->texts, text);
	}
	return dd_node(s->dd, schema_condition_var(number - 1), DD_FALSE, DD_TRUE);
}

/* ---- possible packets ---- */

static dd_ref has(struct schema *s, dd_ref all, dd_ref condition)
{
	return dd_and(s->dd, all, condition);
}

/* a, unless the field is zero: what does not exist is zero. */
static dd_ref zero_unless(struct schema *s, enum dim d, dd_ref a)
{
	return dd_or(s->dd, a, schema_one(s, d, 0));
}

static dd_ref below(struct schema *s, enum dim d, u128 n)
{
	struct ival v = {0, n - 1};

	return schema_ranges(s, d, dim_table[d].bits, &v, 1, u128_max(dim_table[d].bits), DD_TRUE);
}

static dd_ref possible_interfaces(struct schema *s, enum station at)
{
	dd_ref no_iif = schema_one(s, DIM_IIF, schema_no_interface(s));
	dd_ref no_oif = schema_one(s, DIM_OIF, schema_no_interface(s));
	dd_ref iif = dd_and(s->dd, below(s, DIM_IIF, s->names.n), dd_not(s->dd, no_iif));
	dd_ref oif = dd_and(s->dd, below(s, DIM_OIF, s->names.n), dd_not(s->dd, no_oif));

	switch (at) {
	case AT_INPUT:
	case NAT_INPUT:
	case AT_PREROUTING:
	case NAT_PREROUTING:
		return dd_and(s->dd, iif, no_oif);
	case AT_FORWARD:
		return dd_and(s->dd, iif, oif);
	case AT_OUTPUT:
	case NAT_OUTPUT:
	case ROUTE_OUTPUT:
		return dd_and(s->dd, no_iif, oif);
	case AT_POSTROUTING:
	case NAT_POSTROUTING:
	case NSTATIONS:
		break;
	}
	return dd_and(s->dd, below(s, DIM_IIF, s->names.n), oif);
}

/* What is asked of an interface, and of the header of a link, is there only where they are. */
static dd_ref possible_link(struct schema *s)
{
	static const enum dim of[][2] = {
		{DIM_IIF, DIM_IIFTYPE},	 {DIM_IIF, DIM_IIFGROUP},     {DIM_OIF, DIM_OIFTYPE},
		{DIM_OIF, DIM_OIFGROUP}, {DIM_IIF, DIM_SECPATH},      {DIM_OIF, DIM_RT_IPSEC},
		{DIM_IIF, DIM_LINK},	 {DIM_LINK, DIM_ETHER_SADDR}, {DIM_LINK, DIM_ETHER_DADDR}};
	dd_ref all = DD_TRUE;

	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		uint32_t none = of[i][0] == DIM_LINK ? 0 : schema_no_interface(s);

		all = dd_and(
			s->dd, all,
			zero_unless(s, of[i][1], dd_not(s->dd, schema_one(s, of[i][0], none))));
	}
	return all;
}

/* What a look-up says of multicast and of the limited broadcast address does not depend on routes;
 * and nothing else is multicast. */
static dd_ref possible_fib(struct schema *s)
{
	struct dd *d = s->dd;
	dd_ref all = DD_TRUE, multicast = DD_FALSE;

	for (size_t i = 0; i < ROUTING_KINDS; i++) {
		const struct routing_kind *k = &routing_kinds[i];
		struct ivset addrs = ivset_one(s->arena, k->addrs.lo, k->addrs.hi);
		dd_ref at = schema_addrs(s, DIM_DADDR, k->family, &addrs);

		if (!k->always)
			continue;
		all = dd_and(d, all,
			     dd_or(d, dd_not(d, at), schema_one(s, DIM_FIB_DADDR, k->type)));
		if (k->type == RTN_MULTICAST)
			multicast = dd_or(d, multicast, at);
	}
	return dd_and(d, all,
		      dd_or(d, multicast, dd_not(d, schema_one(s, DIM_FIB_DADDR, RTN_MULTICAST))));
}

static dd_ref possible(struct schema *s, enum station at)
{
	struct ivset with_ports = {0};
	dd_ref icmp, w = possible_interfaces(s, at);
	dd_ref tracked = below(s, DIM_CT_STATE, CT_UNTRACKED); /* new, established, related */
	dd_ref carrying = dd_or(s->dd, schema_one(s, DIM_PROTO, IPPROTO_TCP),
				schema_one(s, DIM_PROTO, IPPROTO_UDP));

	for (int i = 0; i < PORT_PROTOCOLS; i++)
		vec_push(s->arena, &with_ports,
			 ((struct ival){port_protocols[i], port_protocols[i]}));
	ivset_normalise(&with_ports);
	icmp = dd_or(s->dd, schema_one(s, DIM_PROTO, IPPROTO_ICMP),
		     schema_one(s, DIM_PROTO, IPPROTO_ICMPV6));
	for (int i = 0; i < 2; i++) {
		dd_ref ports = schema_ranges(s, DIM_PROTO, 8, with_ports.v, with_ports.n,
					     u128_max(8), DD_TRUE);

		w = has(s, w, zero_unless(s, i ? DIM_DPORT : DIM_SPORT, ports));
	}
	w = has(s, w, zero_unless(s, DIM_TYPE, icmp));
	w = has(s, w, zero_unless(s, DIM_CODE, icmp));
	w = has(s, w, possible_link(s));
	w = has(s, w, zero_unless(s, DIM_FLAGS, schema_one(s, DIM_PROTO, IPPROTO_TCP)));
	w = has(s, w, zero_unless(s, DIM_PAYLOAD, carrying));
	w = has(s, w, below(s, DIM_PAYLOAD, PAYLOAD_LONG + 1));
	w = has(s, w, zero_unless(s, DIM_CT_MARK, tracked));
	w = has(s, w, zero_unless(s, DIM_CT_STATUS, tracked));
	w = has(s, w, zero_unless(s, DIM_CT_DIRECTION, tracked));
	w = has(s, w, zero_unless(s, DIM_CALLED, tracked));
	w = has(s, w, possible_fib(s));
	w = has(s, w, below(s, DIM_CT_STATE, NCTCODES));
	w = has(s, w, below(s, DIM_FIB_OIF, s->names.n));
	w = has(s, w, below(s, DIM_TIME, schema_ntimes(s)));
	w = has(s, w, below(s, DIM_HOUR, 86400));
	return has(s, w, below(s, DIM_DAY, 7));
}

/* It is asked for each of thousands of statements. Of what it hangs on only names are still added
 * then: times have their codes from the first question on. */
dd_ref schema_possible(struct schema *s, enum station at)
{
	if (s->possible[at].names != s->names.n) {
		s->possible[at].says = possible(s, at);
		s->possible[at].names = s->names.n;
	}
	return s->possible[at].says;
}

void schema_collected(struct schema *s)
{
	memset(s->possible, 0, sizeof(s->possible));
}

/* ---- packets ---- */

static void fields(const struct schema *s, bool ip6, struct region_field *f)
{
	for (int d = 0; d < NDIMS; d++)
		f[d] = (struct region_field){dim_table[d].first, dim_table[d].bits};
	f[DIM_SADDR].bits = f[DIM_DADDR].bits = ip6 ? 128 : 32;
	for (size_t i = 0; i < s->texts.n; i++)
		f[NDIMS + i] = (struct region_field){schema_condition_var(i), 1};
}

/* A new TCP connection between two documentation addresses (RFC 5737, RFC 3849), as far as the
 * region lets it be one. */
static void plain_packet(struct schema *s, bool ip6, u128 *v)
{
	v[DIM_TIME] = schema_time_now(s);
	v[DIM_FAMILY] = ip6;
	v[DIM_SADDR] = ip6 ? ((u128)0x20010db8 << 96 | 1) : 0xc0000201;
	v[DIM_DADDR] = ip6 ? ((u128)0x20010db8 << 96 | 2) : 0xc6336402;
	v[DIM_PROTO] = IPPROTO_TCP;
	v[DIM_SPORT] = 40000;
	v[DIM_DPORT] = 80;
	v[DIM_FLAGS] = 2; /* SYN */
	v[DIM_HOPLIMIT] = 64;
	v[DIM_FIB_SADDR] = v[DIM_FIB_DADDR] = 1; /* RTN_UNICAST */
	v[DIM_FIB_DADDR_IIF] = 1;
	v[DIM_HOUR] = 12 * 3600;
	v[DIM_DAY] = 1;
	v[DIM_LENGTH] = PLAIN_LENGTH;
}

static dd_ref of_family(struct schema *s, dd_ref region, bool ip6)
{
	return dd_and(s->dd, region, schema_one(s, DIM_FAMILY, ip6));
}

static bool plainest(struct schema *s, dd_ref region, struct packet *out)
{
	size_t n = NDIMS + s->texts.n;
	struct region_field *f = arena_alloc(s->arena, n * sizeof(*f));
	u128 *prefer = arena_alloc(s->arena, n * sizeof(*prefer));
	u128 *v = arena_alloc(s->arena, n * sizeof(*v));

	if (region == DD_EXHAUSTED)
		return false;
	for (int ip6 = 0; ip6 < 2; ip6++) {
		dd_ref part = of_family(s, region, ip6);

		fields(s, ip6, f);
		plain_packet(s, ip6, prefer);
		if (part == DD_FALSE || !region_witness(s->dd, part, f, n, prefer, v))
			continue;
		memcpy(out->dim, v, sizeof(out->dim));
		out->condition = arena_alloc(s->arena, s->texts.n + 1);
		out->nconditions = s->texts.n;
		for (size_t i = 0; i < s->texts.n; i++)
			out->condition[i] = v[NDIMS + i];
		return true;
	}
	return false;
}

bool schema_witness(struct schema *s, dd_ref region, struct packet *out)
{
	struct packet p;

	for (int i = 0; i < TRIES; i++) {
		if (!plainest(s, region, &p))
			return false;
		if (schema_realise(s, &region, &p)) {
			*out = p;
			return true;
		}
	}
	dd_give_up(s->dd); /* nobody may take it for an empty region */
	return false;
}

/* The packet, and below it what is said of conditions. */
static dd_ref point(struct schema *s, const struct packet *p, dd_ref r)
{
	for (int d = NDIMS; d-- > 0;) {
		bool v4 = !p->dim[DIM_FAMILY] && (d == DIM_SADDR || d == DIM_DADDR);
		struct ival v = {p->dim[d], p->dim[d]};
		int bits = v4 ? 32 : dim_table[d].bits;

		r = schema_ranges(s, (enum dim)d, bits, &v, 1, u128_max(bits), r);
	}
	return r;
}

dd_ref schema_dims(struct schema *s, const struct packet *p)
{
	return point(s, p, DD_TRUE);
}

dd_ref schema_point(struct schema *s, const struct packet *p)
{
	dd_ref r = DD_TRUE;

	for (size_t i = s->texts.n; i-- > 0;)
		r = i < p->nconditions && p->condition[i]
			    ? dd_node(s->dd, schema_condition_var(i), DD_FALSE, r)
			    : dd_node(s->dd, schema_condition_var(i), r, DD_FALSE);
	return point(s, p, r);
}

uint32_t schema_at(struct schema *s, dd_ref n, const struct packet *p)
{
	size_t count = NDIMS + s->texts.n;
	struct region_field *f = arena_alloc(s->arena, count * sizeof(*f));
	u128 *v = arena_alloc(s->arena, count * sizeof(*v));

	fields(s, p->dim[DIM_FAMILY], f);
	memcpy(v, p->dim, sizeof(p->dim));
	for (size_t i = 0; i < s->texts.n; i++)
		v[NDIMS + i] = p->condition && i < p->nconditions && p->condition[i];
	return dd_at(s->dd, n, f, count, v);
}
