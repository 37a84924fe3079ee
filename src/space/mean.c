/* SPDX-License-Identifier: GPL-2.0-or-later
 * What both sides of a comparison are made of.
 */
#include "space/mean.h"

#include <string.h>

#include "space/mark_set.h"
#include "util/bulk_parts.h"

void mean_init(struct mean *m, struct arena *a, struct dd_budget budget)
{
	*m = (struct mean){.arena = a, .dd = dd_new(budget), .within = DD_TRUE};
	map_init(&m->known_lines, a);
	outcomes_init(&m->outcomes, a);
	dd_set_join(m->dd, outcome_join, &m->outcomes);
	schema_init(&m->schema, a, m->dd);
}

void mean_free(struct mean *m)
{
	dd_free(m->dd);
	m->dd = NULL;
}

dd_ref mean_outcome(struct mean *m, enum fate fate, const char *what, const struct line *line)
{
	struct outcome x = {.fate = fate, .what = what, .line = m->lines ? line : NULL};

	return dd_terminal(m->dd, outcome_value(&m->outcomes, x));
}

dd_ref mean_effect(struct mean *m, const char *effect)
{
	struct outcome x = {.fate = FATE_NONE, .effects = effect};

	return dd_terminal(m->dd, outcome_value(&m->outcomes, x));
}

dd_ref mean_sequence(struct mean *m, const dd_ref *v, size_t n)
{
	return dd_sequence(m->dd, v, n);
}

const struct line *mean_line(struct mean *m, const char *text, const char *where, struct span at,
			     size_t order)
{
	const char *key;
	struct line *l;

	if (!m->lines)
		return NULL;
	key = arena_printf(m->arena, "%s\n%s", where, text);
	l = map_get(&m->known_lines, key);
	if (!l) {
		l = arena_new_of(m->arena, struct line);
		*l = (struct line){.text = text, .where = where, .at = at, .order = order};
		map_put(&m->known_lines, key, l);
	}
	return l;
}

const struct line *mean_others_line(struct mean *m, const char *text, const char *chain,
				    uint64_t handle)
{
	const char *where = arena_printf(m->arena, "chain %s", chain);
	const char *key =
		arena_printf(m->arena, "%s\n%s\n%llu", where, text, (unsigned long long)handle);
	struct line *l = map_get(&m->known_lines, key);

	if (!l) {
		l = arena_new_of(m->arena, struct line);
		*l = (struct line){.text = text, .where = where, .chain = chain, .handle = handle};
		map_put(&m->known_lines, key, l);
	}
	return l;
}

const char *mean_change_text(struct mean *m, const char *which, const char *set, bool remove,
			     uint64_t timeout)
{
	if (remove)
		return arena_printf(m->arena, "%s out of @%s", which, set);
	if (!timeout)
		return arena_printf(m->arena, "%s into @%s", which, set);
	return arena_printf(m->arena, "%s into @%s for %llu s", which, set,
			    (unsigned long long)timeout);
}

const char *mean_log_text(struct mean *m, const char *prefix, unsigned level, int group)
{
	static const char *const levels[] = {"emerg",	"alert",  "crit", "err",
					     "warning", "notice", "info", "debug"};
	const char *text = arena_printf(m->arena, "log \"%s\"", prefix);

	if (level)
		text = arena_printf(m->arena, "%s level %s", text, levels[level - 1]);
	return group < 0 ? text : arena_printf(m->arena, "%s to group %d", text, group);
}

const char *mean_mss_text(struct mean *m, uint16_t mss)
{
	return mss ? arena_printf(m->arena, "MSS clamped to %u", mss)
		   : "MSS clamped to the path MTU";
}

/* "KEY := VALUE": of several with one key the last one holds (outcome_unite). */
const char *mean_mark_text(struct mean *m, bool ct, uint32_t bits, uint32_t value)
{
	return mark_set_word(m->arena, ct, bits, value, false);
}

const char *mean_queue_text(struct mean *m, uint16_t first, uint16_t count, bool bypass)
{
	const char *text = arena_printf(m->arena, "queue %u", first);

	if (count > 1)
		text = arena_printf(m->arena, "queues %u-%u", first, first + count - 1);
	return bypass ? arena_printf(m->arena, "%s, or nobody", text) : text;
}

const char *mean_rate(struct mean *m, const char *what, const struct ir_limit *limit,
		      const char *comment, unsigned twin)
{
	const char *unit = limit->per == 1	? "second"
			   : limit->per == 60	? "minute"
			   : limit->per == 3600 ? "hour"
						: "day";
	const char *nth = twin ? arena_printf(m->arena, " (number %u)", twin + 1) : "";

	return arena_printf(m->arena, "%s %u/%s burst %u holds for \"%s\"%s", what, limit->rate,
			    unit, limit->burst, comment ? comment : "", nth);
}

const char *mean_count(struct mean *m, const char *what, uint32_t n, const char *comment,
		       unsigned twin)
{
	const char *nth = twin ? arena_printf(m->arena, " (number %u)", twin + 1) : "";

	return arena_printf(m->arena, "%s: at most %u connections by \"%s\"%s", what, n,
			    comment ? comment : "", nth);
}

static void put_targets(struct buf *b, const struct rewrite *w)
{
	bool brackets = w->family == FAM_IP6 && w->port;
	size_t same;

	for (size_t i = 0; i < w->n; i += same) {
		for (same = 1; i + same < w->n && w->to[i].lo == w->to[i + same].lo &&
			       w->to[i].hi == w->to[i + same].hi;)
			same++;
		buf_puts(b, i ? ", " : " to ");
		if (brackets)
			buf_putc(b, '[');
		if (w->prefix) {
			addr_print_range(b, w->family, w->to[i]);
		} else {
			addr_print(b, w->family, w->to[i].lo);
			if (w->to[i].lo != w->to[i].hi) {
				buf_putc(b, '-');
				addr_print(b, w->family, w->to[i].hi);
			}
		}
		if (brackets)
			buf_putc(b, ']');
		if (same > 1)
			buf_printf(b, " weight %zu", same);
	}
}

const char *mean_nat_stmt_text(struct mean *m, const struct ir_stmt *s)
{
	VEC(struct ival) to = {0};

	for (size_t i = 0; i < s->nat.to.n; i++)
		vec_push(m->arena, &to, s->nat.to.v[i].key[0]);
	return mean_nat_text(m, &(struct rewrite){.kind = s->nat.kind,
						  .family = s->nat.family,
						  .to = to.v,
						  .n = to.n,
						  .port = s->nat.port,
						  .port_last = s->nat.port_last,
						  .called = s->nat.called,
						  .called_last = s->nat.called_last,
						  .random = s->nat.random,
						  .persistent = s->nat.persistent,
						  .by_source = s->nat.by_source,
						  .prefix = s->nat.prefix});
}

const char *mean_nat_text(struct mean *m, const struct rewrite *w)
{
	static const char *const words[] = {[IR_MASQUERADE] = "masquerade",
					    [IR_SNAT] = "snat",
					    [IR_DNAT] = "dnat",
					    [IR_REDIRECT] = "redirect"};
	struct buf b = {0};
	const char *text;

	buf_puts(&b, words[w->kind]);
	put_targets(&b, w);
	if (w->port)
		buf_printf(&b, "%s:%u", w->n ? "" : " to ", w->port);
	if (w->port_last)
		buf_printf(&b, "-%u", w->port_last);
	if (w->called)
		buf_printf(&b, "-%u of ports %u-%u", w->port + w->called_last - w->called,
			   w->called, w->called_last);
	if (w->by_source && w->n > 1)
		buf_puts(&b, " by source");
	if (w->random)
		buf_puts(&b, " random");
	if (w->persistent)
		buf_puts(&b, " persistent");
	if (w->prefix)
		buf_puts(&b, ", address by address");
	text = arena_strdup(m->arena, buf_str(&b));
	buf_free(&b);
	return text;
}

/* One of these stations sent it: it came by an Ethernet, with that in its header. */
static dd_ref by_station(struct mean *m, const struct ivset *macs)
{
	dd_ref is = schema_ranges(&m->schema, DIM_ETHER_SADDR, 48, macs->v, macs->n, u128_max(48),
				  DD_TRUE);

	is = dd_and(m->dd, is, schema_one(&m->schema, DIM_LINK, 1));
	return dd_and(m->dd, is, schema_one(&m->schema, DIM_IIFTYPE, 1 /* ARPHRD_ETHER */));
}

static dd_ref ends_so(struct mean *m, struct suffix s, enum dim d)
{
	struct ival v = {s.value, s.value};

	return schema_ranges(&m->schema, d, 128, &v, 1, u128_max(s.bits), DD_TRUE);
}

static dd_ref by_suffix(struct mean *m, const struct suffixed_list *l, enum dim d)
{
	dd_ref all = DD_FALSE;
	const struct suffixed *s;

	vec_each (l, s) {
		dd_ref is =
			schema_ranges(&m->schema, d, 128, s->in.v, s->in.n, u128_max(128), DD_TRUE);

		is = dd_and(m->dd, is, ends_so(m, s->is, d));
		for (size_t i = 0; i < s->but.n; i++)
			is = dd_and(m->dd, is, dd_not(m->dd, ends_so(m, s->but.v[i], d)));
		all = dd_or(m->dd, all, is);
	}
	return dd_and(m->dd, schema_family(&m->schema, FAM_IP6), all);
}

static dd_ref in_family(struct mean *m, const struct addrs *s, enum dim d, enum family fam)
{
	const struct bulk_list *list = addrs_bulk(s, fam);
	dd_ref in;

	if (!list)
		return schema_addrs(&m->schema, d, fam, fam == FAM_IP4 ? &s->v4 : &s->v6);
	in = schema_bulk(&m->schema, d, list, m->within);
	if (s->negated)
		in = dd_and(m->dd, schema_family(&m->schema, fam), dd_not(m->dd, in));
	return in;
}

/* Whoever is in a set of two parts is in one of them, or in both. */
dd_ref mean_held(struct mean *m, const char *set, const char *what)
{
	enum bulk_part part;
	const char *whole = bulk_part_of(m->arena, set, &part);
	dd_ref held = schema_condition(
		&m->schema, arena_printf(m->arena, "@%s holds the %s", whole ? whole : set, what));
	dd_ref alone, both;

	if (!whole)
		return held;
	alone = schema_condition(
		&m->schema, arena_printf(m->arena, "%s has the %s as an address", whole, what));
	both = schema_condition(
		&m->schema, arena_printf(m->arena, "%s has the %s as an address and in a network",
					 whole, what));
	if (part == BULK_PART_NETS)
		alone = dd_or(m->dd, dd_not(m->dd, alone), both);
	return dd_and(m->dd, held, alone);
}

static dd_ref held_by(struct mean *m, const struct dynset *set, enum family fam, const char *side)
{
	return mean_held(m, dynset_name(m->arena, set, fam), side);
}

dd_ref mean_addrs(struct mean *m, const struct addrs *s, enum dim d)
{
	const char *side = d == DIM_SADDR    ? "source"
			   : m->translated ? "translated destination"
					   : "destination";
	dd_ref held[2];

	if (s->all)
		return DD_TRUE;
	if (s->broadcast)
		return dd_and(m->dd, schema_family(&m->schema, FAM_IP4),
			      schema_one(&m->schema, DIM_FIB_DADDR, 3 /* RTN_BROADCAST */));
	if (!s->dyn) {
		dd_ref by_address =
			dd_or(m->dd, in_family(m, s, d, FAM_IP4), in_family(m, s, d, FAM_IP6));

		by_address = dd_or(m->dd, by_address, by_suffix(m, &s->suffixed, d));
		return s->macs.n ? dd_or(m->dd, by_address, by_station(m, &s->macs)) : by_address;
	}
	for (int i = 0; i < 2; i++) {
		held[i] = held_by(m, s->dyn, i ? FAM_IP6 : FAM_IP4, side);
		for (size_t k = 0; k < s->nor.n; k++)
			held[i] = dd_or(m->dd, held[i],
					held_by(m, s->nor.v[k], i ? FAM_IP6 : FAM_IP4, side));
		if (s->negated)
			held[i] = dd_not(m->dd, held[i]);
		held[i] = dd_and(m->dd,
				 s->mixed ? in_family(m, s, d, i ? FAM_IP6 : FAM_IP4)
					  : schema_family(&m->schema, i ? FAM_IP6 : FAM_IP4),
				 held[i]);
	}
	return dd_or(m->dd, held[0], held[1]);
}

static bool is_lo(struct ival name)
{
	struct ival lo = {0};

	return ifname_parse("lo", 2, &lo) && name.lo == lo.lo && name.hi == lo.hi;
}

/* The zone that the names of a code belong to: that with the narrowest interface that holds them.
 */
static int zone_of_code(const struct policy *p, struct ival name)
{
	struct ival best = {0};
	int zone = PLACE_OTHER;

	for (size_t z = 0; z < p->zones.n; z++) {
		for (size_t i = 0; i < p->zones.v[z].interfaces.n; i++) {
			struct ival v = p->zones.v[z].interfaces.v[i].name;

			if (v.lo > name.lo || v.hi < name.hi || (ifname_is_other(v) && is_lo(name)))
				continue;
			if (zone >= 0 && best.hi - best.lo <= v.hi - v.lo)
				continue;
			zone = (int)z;
			best = v;
		}
	}
	return zone;
}

/* By code; found once for each policy, as it is asked for each zone of each rule. */
static const int *zones_of_codes(struct mean *m, const struct policy *p)
{
	size_t n = schema_ncodes(&m->schema);
	struct mean_coded *c;

	vec_each (&m->coded, c)
		if (c->of == p && c->n == n)
			return c->zone;
	c = vec_add(m->arena, &m->coded);
	*c = (struct mean_coded){p, n, arena_alloc(m->arena, n * sizeof(*c->zone))};
	for (size_t i = 0; i < n; i++)
		c->zone[i] = zone_of_code(p, m->schema.names.v[i]);
	return c->zone;
}

int mean_zone_of(struct mean *m, const struct policy *p, uint32_t code)
{
	if (code == 0)
		return p->other;
	if (code == schema_no_interface(&m->schema))
		return PLACE_OTHER;
	return zones_of_codes(m, p)[code];
}

static uint32_t note(void *ctx, uint32_t v)
{
	struct mean_values *l = ctx;

	for (size_t i = 0; i < l->n; i++)
		if (l->v[i] == v)
			return v;
	vec_push(l->arena, l, v);
	return v;
}

struct mean_values mean_values(struct mean *m, dd_ref a)
{
	struct mean_values l = {.arena = m->arena};

	dd_map(m->dd, a, note, &l);
	return l;
}

static dd_ref codes_where(struct mean *m, const struct policy *p, int zone, bool any_zone,
			  enum dim d)
{
	size_t n = schema_ncodes(&m->schema);
	const int *of = zones_of_codes(m, p);
	struct ivset *runs = &m->runs;

	runs->n = 0;
	for (size_t i = 0; i < n; i++) { /* 0 is of names that nobody mentions, 1 is no interface */
		int in = i ? of[i] : p->other;

		if (i == 1 || (any_zone ? in < 0 : in != zone))
			continue;
		if (runs->n && runs->v[runs->n - 1].hi + 1 == i)
			runs->v[runs->n - 1].hi = i;
		else
			vec_push(m->arena, runs, ((struct ival){i, i}));
	}
	return schema_ranges(&m->schema, d, dim_table[d].bits, runs->v, runs->n,
			     u128_max(dim_table[d].bits), DD_TRUE);
}

/* What makes a sub-zone, of packets that come from it or go there. */
static dd_ref parted(struct mean *m, const struct zone *z, enum dim d)
{
	enum dim addr = d == DIM_IIF ? DIM_SADDR : DIM_DADDR;
	const struct subzone *s = &z->sub;
	struct ival mark = {s->mark, s->mark};
	dd_ref all = s->absent ? DD_FALSE : DD_TRUE;

	if (s->has_network)
		all = dd_or(m->dd, schema_addrs(&m->schema, addr, FAM_IP4, &z->net4),
			    schema_addrs(&m->schema, addr, FAM_IP6, &z->net6));
	if (s->ipsec)
		all = dd_and(m->dd, all,
			     schema_one(&m->schema, d == DIM_IIF ? DIM_SECPATH : DIM_RT_IPSEC, 1));
	if (s->has_mark)
		all = dd_and(m->dd, all,
			     schema_ranges(&m->schema, DIM_MARK, 32, &mark, 1, s->mask, DD_TRUE));
	if (s->has_user)
		all = dd_and(m->dd, all, schema_one(&m->schema, DIM_UID, s->uid));
	if (s->has_group)
		all = dd_and(m->dd, all, schema_one(&m->schema, DIM_GID, s->gid));
	return all;
}

static dd_ref at_self(struct mean *m, enum dim d)
{
	return schema_one(&m->schema, d, schema_no_interface(&m->schema));
}

dd_ref mean_zone(struct mean *m, const struct policy *p, int zone, enum dim d)
{
	const struct zone *z = zone >= 0 ? &p->zones.v[zone] : NULL;
	dd_ref within;

	if (zone == PLACE_SELF)
		return at_self(m, d);
	if (!z || !z->sub.is)
		return codes_where(m, p, zone, false, d);
	within = mean_zone(m, p, z->sub.within, d);
	return dd_and(m->dd, within, parted(m, z, d));
}

dd_ref mean_sent(struct mean *m, const struct policy *p, const struct place_item *item)
{
	return dd_fix(m->dd, mean_place(m, p, item, DIM_IIF), dim_table[DIM_IIF].first,
		      dim_table[DIM_IIF].bits, schema_no_interface(&m->schema));
}

static dd_ref named_place(struct mean *m, const struct policy *p, const struct place_item *item,
			  enum dim d)
{
	dd_ref all = DD_FALSE;

	switch (item->at) {
	case AT_ZONE:
		if (item->has_iface)
			return schema_one(&m->schema, d, schema_code(&m->schema, item->iface));
		return mean_zone(m, p, item->zone, d);
	case AT_ZONES:
		return codes_where(m, p, 0, true, d);
	case AT_ANY:
		return DD_TRUE;
	case AT_GROUP:
		for (size_t i = 0; i < item->zones.n; i++)
			all = dd_or(m->dd, all, mean_zone(m, p, item->zones.v[i], d));
		return all;
	case AT_SELF:
		break;
	}
	return at_self(m, d);
}

dd_ref mean_place(struct mean *m, const struct policy *p, const struct place_item *item, enum dim d)
{
	dd_ref there = named_place(m, p, item, d), less;

	for (size_t i = 0; i < item->but.n; i++) {
		less = mean_zone(m, p, item->but.v[i], d);
		there = dd_and(m->dd, there, dd_not(m->dd, less));
	}
	return there;
}

/* Of values that are a type and a code: the codes of each type. */
static dd_ref with_codes(struct mean *m, const struct ivset *codes)
{
	dd_ref all = DD_FALSE;

	for (size_t i = 0; i < codes->n; i++) {
		for (u128 type = codes->v[i].lo >> 8; type <= codes->v[i].hi >> 8; type++) {
			struct ival of = {type << 8, type << 8 | 255}, v = codes->v[i];

			v.lo = (v.lo > of.lo ? v.lo : of.lo) & 255;
			v.hi = (v.hi < of.hi ? v.hi : of.hi) & 255;
			all = dd_or(m->dd, all,
				    dd_and(m->dd, schema_one(&m->schema, DIM_TYPE, type),
					   schema_ranges(&m->schema, DIM_CODE, 8, &v, 1,
							 u128_max(8), DD_TRUE)));
		}
	}
	return all;
}

dd_ref mean_mark(struct mean *m, uint32_t mark, uint32_t mask)
{
	struct ival v = {mark, mark};

	return schema_ranges(&m->schema, DIM_MARK, 32, &v, 1, mask, DD_TRUE);
}

dd_ref mean_process(struct mean *m, const struct qualifiers *q)
{
	dd_ref r = DD_TRUE;

	if (q->has_user)
		r = dd_and(m->dd, r, schema_one(&m->schema, DIM_UID, q->uid));
	if (q->has_dscp)
		r = dd_and(m->dd, r, schema_one(&m->schema, DIM_DSCP, q->dscp));
	if (q->has_group)
		r = dd_and(m->dd, r, schema_one(&m->schema, DIM_GID, q->gid));
	if (q->cgroup) /* whose processes they are is known where packets are sent alone */
		r = dd_and(
			m->dd, r,
			schema_condition(&m->schema,
					 arena_printf(m->arena, "@%s holds the cgroup of level %u",
						      q->cgroup->set, q->cgroup->level)));
	if (q->when)
		r = dd_and(m->dd, r, schema_schedule(&m->schema, q->when));
	return r;
}

dd_ref mean_words(struct mean *m, const struct qualifiers *q)
{
	dd_ref r = dd_and(m->dd, schema_family(&m->schema, q->family), mean_process(m, q));

	if (q->has_mark)
		r = dd_and(m->dd, r, mean_mark(m, q->mark, q->mark_mask));
	return q->absent ? DD_FALSE : r;
}

static dd_ref called(struct mean *m, enum dim port, dd_ref where, const struct ivset *v)
{
	u128 full = u128_max(16);

	if (v->n && !v->v[0].lo && v->v[0].hi == full)
		return DD_TRUE;
	return dd_and(m->dd, where, schema_ranges(&m->schema, port, 16, v->v, v->n, full, DD_TRUE));
}

/* The ports that are called are those of dimension `port`, where there is such a thing. */
static dd_ref services(struct mean *m, const struct services *s, enum dim port, dd_ref where)
{
	struct schema *sc = &m->schema;
	dd_ref all = DD_FALSE, part;
	u128 full = u128_max(16);

	if (s->any)
		return DD_TRUE;
	for (int i = 0; i < PORT_PROTOCOLS; i++) {
		if (!s->ports[i].n)
			continue;
		part = called(m, port, where, &s->ports[i]);
		part = dd_restrict(m->dd, schema_one(sc, DIM_PROTO, port_protocols[i]), part);
		all = dd_or(m->dd, all, part);
	}
	for (size_t i = 0; i < s->sourced.n; i++) {
		const struct sourced *x = &s->sourced.v[i];

		part = schema_ranges(sc, DIM_SPORT, 16, x->from.v, x->from.n, full, DD_TRUE);
		part = dd_and(m->dd, part, called(m, port, where, &x->to));
		part = dd_restrict(m->dd, schema_one(sc, DIM_PROTO, port_protocols[x->row]), part);
		all = dd_or(m->dd, all, part);
	}
	if (s->protocols.n)
		all = dd_or(m->dd, all,
			    schema_ranges(sc, DIM_PROTO, 8, s->protocols.v, s->protocols.n,
					  u128_max(8), DD_TRUE));
	for (int i = 0; i < 2; i++) {
		const struct ivset *types = i ? &s->icmpv6 : &s->icmp;
		const struct ivset *codes = i ? &s->icmpv6_codes : &s->icmp_codes;

		if (!types->n && !codes->n)
			continue;
		part = schema_ranges(sc, DIM_TYPE, 8, types->v, types->n, u128_max(8), DD_TRUE);
		part = dd_or(m->dd, part, with_codes(m, codes));
		part = dd_and(m->dd, schema_one(sc, DIM_PROTO, i ? 58 : 1), part);
		part = dd_and(m->dd, schema_family(sc, i ? FAM_IP6 : FAM_IP4), part);
		all = dd_or(m->dd, all, part);
	}
	return all;
}

dd_ref mean_services(struct mean *m, const struct services *s)
{
	return services(m, s, DIM_DPORT, DD_TRUE);
}

/* A connection that is not tracked was called by nothing. */
dd_ref mean_published(struct mean *m, const struct services *s)
{
	struct ival none = {0, 0}, v = {CT_NEW, CT_RELATED};
	int bits = dim_table[DIM_CT_STATE].bits;
	dd_ref tracked =
		schema_ranges(&m->schema, DIM_CT_STATE, bits, &v, 1, u128_max(bits), DD_TRUE);
	dd_ref translated = dd_not(m->dd, schema_ranges(&m->schema, DIM_CT_STATUS, 16, &none, 1,
							32 /* IPS_DST_NAT */, DD_TRUE));

	return dd_and(m->dd, translated, services(m, s, DIM_CALLED, tracked));
}
