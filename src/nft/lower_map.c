/* SPDX-License-Identifier: GPL-2.0-or-later
 * The rules of one pair of places -> its chain. A run of rules that only look at addresses, ports
 * and ICMP types is put into layers: within a layer no packet can match two rules, so their order
 * does not matter and they become verdict maps; between layers the order is kept.
 */
#include <netinet/in.h>
#include <string.h>

#include "nft/lower.h"
#include "util/meets.h"

#define RUN_MIN 5 /* shorter runs are a list: as fast, and easier to read */
#define BOXES_MAX 64 /* a rule that would need more elements is written with sets instead */
#define BEHIND_MIN 4 /* of so many rules one may ask for source ports behind the maps */

struct box { /* one element: a product of intervals */
	enum family family; /* FAM_NONE: no address in the key */
	bool has_mac, has_src, has_dst, has_family, has_proto, has_port, has_sport, has_type;
	bool has_code;
	uint8_t src_bits, dst_bits; /* not 0: so many low bits are those of src, dst */
	struct ival mac, src, dst, proto, port, sport; /* the ports: or ICMP type and code */
};

struct boxes {
	struct box *v;
	size_t n, cap;
};

struct candidate { /* a rule that may go into maps */
	size_t rule;
	struct boxes boxes;
	unsigned layer;
	bool behind; /* its source ports are asked where the element leads to */
};

struct run {
	struct candidate *v;
	size_t n, cap;
};

/* ---- a rule's boxes ---- */

static void push_port_box(struct lower *l, struct boxes *out, struct box b, uint8_t proto,
			  struct ival port)
{
	b.has_proto = true;
	b.proto = (struct ival){proto, proto};
	b.has_port = port.lo != 0 || port.hi != 65535;
	b.port = port;
	vec_push_sole(l->work, out, b);
}

static void push_icmp_boxes(struct lower *l, struct boxes *out, struct box b, uint8_t proto,
			    enum family family, const struct ivset *types)
{
	for (size_t i = 0; i < types->n; i++) {
		b.has_type = types->v[i].lo != 0 || types->v[i].hi != 255;
		b.has_proto = !b.has_type;
		/* the numbers of ICMP and ICMPv6 may stand in packets of the other family, too */
		b.has_family = !b.has_type && !b.has_src && !b.has_dst;
		b.proto = (struct ival){proto, proto};
		b.port = types->v[i];
		b.family = family;
		vec_push_sole(l->work, out, b);
	}
}

static void push_code_boxes(struct lower *l, struct boxes *out, struct box b, enum family family,
			    const struct ivset *codes)
{
	b.has_type = b.has_code = true;
	b.has_family = false;
	b.family = family;
	for (size_t i = 0; i < codes->n; i++) {
		for (u128 x = codes->v[i].lo; x <= codes->v[i].hi; x++) {
			b.port = (struct ival){x >> 8, x >> 8};
			b.sport = (struct ival){x & 255, x & 255};
			vec_push_sole(l->work, out, b);
		}
	}
}

static void add_sourced(struct lower *l, struct boxes *out, struct box b, const struct services *s)
{
	const struct sourced *x;

	b.has_sport = true;
	vec_each (&s->sourced, x) {
		for (size_t i = 0; i < x->from.n; i++) {
			b.sport = x->from.v[i];
			for (size_t j = 0; j < x->to.n; j++)
				push_port_box(l, out, b, port_protocols[x->row], x->to.v[j]);
		}
	}
}

static void add_services(struct lower *l, struct boxes *out, struct box b, const struct services *s)
{
	if (s->any) {
		vec_push_sole(l->work, out, b);
		return;
	}
	for (int i = 0; i < PORT_PROTOCOLS; i++)
		for (size_t j = 0; j < s->ports[i].n; j++)
			push_port_box(l, out, b, port_protocols[i], s->ports[i].v[j]);
	add_sourced(l, out, b, s);
	for (size_t i = 0; i < s->protocols.n; i++) {
		b.has_proto = true;
		b.proto = s->protocols.v[i];
		vec_push_sole(l->work, out, b);
	}
	b.proto = (struct ival){0};
	b.has_proto = false;
	if (b.family != FAM_IP6) {
		push_icmp_boxes(l, out, b, IPPROTO_ICMP, FAM_IP4, &s->icmp);
		push_code_boxes(l, out, b, FAM_IP4, &s->icmp_codes);
	}
	if (b.family != FAM_IP4) {
		push_icmp_boxes(l, out, b, IPPROTO_ICMPV6, FAM_IP6, &s->icmpv6);
		push_code_boxes(l, out, b, FAM_IP6, &s->icmpv6_codes);
	}
}

static const struct ivset *known(const struct alt *a)
{
	return a->suffixed ? &a->ends : a->fixed;
}

static uint8_t bits_of(const struct alt *a)
{
	return a->suffixed ? a->suffixed->is.bits : 0;
}

/* A key can say it: an end, of all addresses but multicast. */
static bool is_plain(const struct alt *a)
{
	const struct suffixed *s = a->suffixed;

	return !s || (s->is.bits && !s->but.n && suffixed_unicast(s));
}

static void add_form(struct lower *l, struct boxes *out, const struct form *f,
		     const struct services *s)
{
	const struct ivset *src = f->src.macs ? f->src.macs : known(&f->src);
	const struct ivset *dst = known(&f->dst);
	size_t nsrc = f->src.all ? 1 : src->n, ndst = f->dst.all ? 1 : dst->n;

	if (nsrc * ndst > BOXES_MAX)
		out->n = BOXES_MAX + 1;
	for (size_t i = 0; i < nsrc && out->n <= BOXES_MAX; i++) {
		for (size_t j = 0; j < ndst && out->n <= BOXES_MAX; j++) {
			struct box b = {.family = f->family,
					.has_mac = f->src.macs,
					.has_src = !alt_open(&f->src),
					.has_dst = !f->dst.all,
					.src_bits = bits_of(&f->src),
					.dst_bits = bits_of(&f->dst),
					.has_family = f->family && alt_open(&f->src) && f->dst.all};

			if (b.has_mac)
				b.mac = src->v[i];
			if (b.has_src)
				b.src = src->v[i];
			if (b.has_dst)
				b.dst = dst->v[j];
			add_services(l, out, b, s);
		}
	}
}

static bool is_static(const struct side *s)
{
	return s->all || (!s->dyn.n && !s->bulk.n && !s->broadcast);
}

/* False if the rule has to be a rule: a limit without else (it may let a packet go on), a mark or
 * user, what no map can be keyed by (published, what is taken away from a suffix), a dynamic set,
 * too many elements, or one that says nothing and would match everything. */
static bool rule_boxes(struct lower *l, size_t i, int from, int to, struct boxes *out)
{
	const struct rule *rule = &l->p->rules.v[i];
	struct side src = side_at(l, &rule->from, from), dst = side_at(l, &rule->to, to);
	struct forms forms;

	if (rule->published || (rule_is_gated(rule) && !rule->otherwise.on) ||
	    rule_is_special(&rule->q) || !is_static(&src) || !is_static(&dst))
		return false;
	forms = forms_of(l, &src, &dst, rule->q.family);
	*out = (struct boxes){0};
	for (size_t f = 0; f < forms.n; f++)
		if (!is_plain(&forms.v[f].src) || !is_plain(&forms.v[f].dst))
			return false;
	for (size_t f = 0; f < forms.n && out->n <= BOXES_MAX; f++)
		add_form(l, out, &forms.v[f], &rule->services);
	if (out->n > BOXES_MAX)
		return false;
	for (size_t k = 0; k < out->n; k++) {
		const struct box *b = &out->v[k];

		if (!b->has_mac && !b->has_src && !b->has_dst && !b->has_proto && !b->has_type)
			return false;
	}
	return true;
}

/* ---- layers ---- */

static bool apart(bool both, struct ival a, struct ival b)
{
	return both && (a.lo > b.hi || b.lo > a.hi);
}

/* Addresses, of which a suffix may be all that is known. */
static bool addrs_apart(bool both, struct ival a, uint8_t a_bits, struct ival b, uint8_t b_bits)
{
	struct suffix x = {a_bits ? a_bits : 128, a.lo}, y = {b_bits ? b_bits : 128, b.lo};

	if (!a_bits && !b_bits)
		return apart(both, a, b);
	return both && a.lo == a.hi && b.lo == b.hi && !suffixes_meet(x, y);
}

static bool boxes_meet(const struct box *a, const struct box *b)
{
	if (a->family && b->family && a->family != b->family)
		return false;
	if (apart(a->has_mac && b->has_mac, a->mac, b->mac) ||
	    addrs_apart(a->has_src && b->has_src, a->src, a->src_bits, b->src, b->src_bits) ||
	    addrs_apart(a->has_dst && b->has_dst, a->dst, a->dst_bits, b->dst, b->dst_bits) ||
	    apart(a->has_proto && b->has_proto, a->proto, b->proto))
		return false;
	/* an ICMP type implies its protocol; ports imply theirs, which is in the key */
	if (a->has_type && b->has_type)
		return !apart(true, a->port, b->port) &&
		       !apart(a->has_code && b->has_code, a->sport, b->sport);
	if (a->has_type || b->has_type) {
		const struct box *icmp = a->has_type ? a : b, *other = a->has_type ? b : a;
		u128 proto = icmp->family == FAM_IP4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;

		return !other->has_proto || (other->proto.lo <= proto && proto <= other->proto.hi);
	}
	return !apart(a->has_port && b->has_port, a->port, b->port) &&
	       !apart(a->has_sport && b->has_sport, a->sport, b->sport);
}

static bool candidates_meet(const struct candidate *a, const struct candidate *b)
{
	for (size_t i = 0; i < a->boxes.n; i++)
		for (size_t j = 0; j < b->boxes.n; j++)
			if (boxes_meet(&a->boxes.v[i], &b->boxes.v[j]))
				return true;
	return false;
}

/* What tells most rules apart: where they come from, where they go, or what they are. */
enum axis { AXIS_SRC, AXIS_DST, AXIS_WHAT, NAXES };

/* Protocol and port as one number. */
static struct ival what_of(const struct box *b)
{
	u128 icmp = b->family == FAM_IP4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	struct ival proto = b->has_proto ? b->proto : (struct ival){0, 255};

	if (b->has_type)
		proto = (struct ival){icmp, icmp};
	if (b->has_proto && b->has_port && proto.lo == proto.hi)
		return (struct ival){proto.lo << 16 | b->port.lo, proto.lo << 16 | b->port.hi};
	return (struct ival){proto.lo << 16, proto.hi << 16 | 65535};
}

/* A suffix is in every network. */
static struct ival box_on(const struct box *b, enum axis axis)
{
	struct ival any = {0, u128_max(128)};

	switch (axis) {
	case AXIS_SRC:
		return b->has_src && !b->src_bits ? b->src : any;
	case AXIS_DST:
		return b->has_dst && !b->dst_bits ? b->dst : any;
	case AXIS_WHAT:
	case NAXES:
		break;
	}
	return what_of(b);
}

/* From the least number that any of the boxes has there, to the greatest. */
static struct ival span_on(const struct boxes *boxes, enum axis axis)
{
	struct ival all = {u128_max(128), 0};
	const struct box *b;

	vec_each (boxes, b) {
		struct ival one = box_on(b, axis);

		all.lo = one.lo < all.lo ? one.lo : all.lo;
		all.hi = one.hi > all.hi ? one.hi : all.hi;
	}
	return all;
}

/* The spans of all, on the axis where the fewest of them meet. */
static const struct ival *choose_spans(struct arena *a, const struct run *run)
{
	struct ival *best = NULL;
	uint64_t fewest = 0;

	for (enum axis axis = 0; axis < NAXES; axis++) {
		struct ival *spans = arena_alloc(a, run->n * sizeof(*spans));
		uint64_t pairs;

		for (size_t i = 0; i < run->n; i++)
			spans[i] = span_on(&run->v[i].boxes, axis);
		pairs = meets_pairs(spans, run->n);
		if (best && pairs >= fewest)
			continue;
		best = spans;
		fewest = pairs;
	}
	return best;
}

struct layering {
	struct run *run;
	struct candidate *c; /* that looks for its layer */
	unsigned layers; /* of those before it */
};

static bool go_below(void *with, size_t j)
{
	struct layering *x = with;

	if (x->run->v[j].layer >= x->c->layer && candidates_meet(x->c, &x->run->v[j]))
		x->c->layer = x->run->v[j].layer + 1;
	return x->c->layer < x->layers; /* there is none deeper */
}

/* Each rule goes one layer below the deepest earlier rule that it shares a packet with. */
static unsigned assign_layers(struct run *run)
{
	struct arena *a = arena_new();
	struct meets *m = meets_new(a, choose_spans(a, run), run->n);
	struct layering x = {.run = run};

	for (size_t i = 0; i < run->n; i++) {
		x.c = &run->v[i];
		x.c->layer = 0;
		meets_each(m, i, go_below, &x);
		meets_add(m, i);
		if (x.c->layer + 1 > x.layers)
			x.layers = x.c->layer + 1;
	}
	arena_free(a);
	return x.layers;
}

/* ---- maps ---- */

static struct ir_sel shape_of(const struct box *b)
{
	struct ir_sel s = {0};
	bool six = b->family == FAM_IP6;

	if (b->has_mac)
		s.f[s.n++] = F_ETHER_SADDR;
	if (b->src_bits)
		s.mask[s.n] = u128_max(b->src_bits);
	if (b->has_src)
		s.f[s.n++] = six ? F_IP6_SADDR : F_IP_SADDR;
	if (b->dst_bits)
		s.mask[s.n] = u128_max(b->dst_bits);
	if (b->has_dst)
		s.f[s.n++] = six ? F_IP6_DADDR : F_IP_DADDR;
	if (b->has_family)
		s.f[s.n++] = F_NFPROTO;
	if (b->has_proto)
		s.f[s.n++] = F_L4PROTO;
	if (b->has_sport)
		s.f[s.n++] = F_TH_SPORT;
	if (b->has_port)
		s.f[s.n++] = F_TH_DPORT;
	if (b->has_type)
		s.f[s.n++] = six ? F_ICMPV6_TYPE : F_ICMP_TYPE;
	if (b->has_code)
		s.f[s.n++] = six ? F_ICMPV6_CODE : F_ICMP_CODE;
	return s;
}

static bool same_shape(const struct ir_sel *a, const struct ir_sel *b)
{
	if (a->n != b->n)
		return false;
	for (int i = 0; i < a->n; i++)
		if (a->f[i] != b->f[i] || a->mask[i] != b->mask[i])
			return false;
	return true;
}

struct groups {
	struct elem_group *v;
	size_t n, cap;
};

static void fill_elem(struct ir_elem *e, const struct box *b)
{
	int n = 0;

	if (b->has_mac)
		e->key[n++] = b->mac;
	if (b->has_src)
		e->key[n++] = b->src;
	if (b->has_dst)
		e->key[n++] = b->dst;
	if (b->has_family)
		e->key[n++] = b->family == FAM_IP4 ? (struct ival){2, 2} : (struct ival){10, 10};
	if (b->has_proto)
		e->key[n++] = b->proto;
	if (b->has_sport)
		e->key[n++] = b->sport;
	if (b->has_port || b->has_type)
		e->key[n++] = b->port;
	if (b->has_code)
		e->key[n] = b->sport;
}

static struct elem_group *group_for(struct lower *l, struct groups *g, const struct box *b)
{
	struct ir_sel shape = shape_of(b);

	for (size_t i = 0; i < g->n; i++)
		if (same_shape(&g->v[i].shape, &shape))
			return &g->v[i];
	vec_push_sole(l->work, g, ((struct elem_group){.shape = shape}));
	return &g->v[g->n - 1];
}

static void add_boxes(struct lower *l, struct groups *g, const struct candidate *c, int from)
{
	const struct rule *rule = &l->p->rules.v[c->rule];
	bool counted;
	struct ir_verdict v = rule_decision(l, c->rule, from, &counted);

	if (c->behind)
		v = lower_sources(l, rule, v, counted);
	for (size_t i = 0; i < c->boxes.n; i++) {
		struct elem_group *to = group_for(l, g, &c->boxes.v[i]);
		struct ir_elem e = {.verdict = v,
				    .comment = ir_comment(l->arena, rule->text),
				    .at = rule->span,
				    .has_counter = true};

		fill_elem(&e, &c->boxes.v[i]);
		vec_push_sole(l->work, &to->elems, e);
	}
}

static void lower_layer(struct lower *l, struct ir_chain *c, const struct candidate *const *v,
			size_t n, int from)
{
	struct groups g = {0};

	for (size_t i = 0; i < n; i++)
		add_boxes(l, &g, v[i], from);
	for (size_t i = 0; i < g.n; i++)
		lower_group(l, c, &g.v[i]);
}

/* ---- source ports: in the key they would make a shape, and a look-up, of their own ---- */

/* All services of the rule are from the same source ports. */
static bool is_sourced(const struct services *s)
{
	const struct ivset *first = s->sourced.n ? &s->sourced.v[0].from : NULL;
	const struct sourced *x;

	if (!first || s->any || s->protocols.n || s->icmp.n || s->icmpv6.n || s->icmp_codes.n ||
	    s->icmpv6_codes.n)
		return false;
	for (int i = 0; i < PORT_PROTOCOLS; i++)
		if (s->ports[i].n)
			return false;
	vec_each (&s->sourced, x)
		if (!ivset_covers(first, &x->from) || !ivset_covers(&x->from, first))
			return false;
	return true;
}

/* Each box stands for those that only differ in it. */
static struct candidate without_sources(struct lower *l, const struct candidate *c)
{
	struct candidate out = {.rule = c->rule, .behind = true};
	const struct box *b;

	vec_each (&c->boxes, b) {
		if (b->sport.lo != c->boxes.v[0].sport.lo)
			continue;
		vec_push_sole(l->work, &out.boxes, *b);
		out.boxes.v[out.boxes.n - 1].has_sport = false;
		out.boxes.v[out.boxes.n - 1].sport = (struct ival){0};
	}
	return out;
}

/* The layers of a run; a few rules with source ports among many without go into the maps of these,
 * unless they would only be told apart by their source ports. */
static unsigned arrange(struct lower *l, struct run *run)
{
	unsigned layers = assign_layers(run), fewer;
	struct run other = {0};
	size_t n = 0;

	for (size_t i = 0; i < run->n; i++)
		n += is_sourced(&l->p->rules.v[run->v[i].rule].services);
	if (!n || n * BEHIND_MIN > run->n)
		return layers;
	for (size_t i = 0; i < run->n; i++) {
		const struct candidate *c = &run->v[i];

		vec_push_sole(l->work, &other,
			      is_sourced(&l->p->rules.v[c->rule].services) ? without_sources(l, c)
									 : *c);
	}
	fewer = assign_layers(&other);
	if (fewer > layers)
		return layers;
	memcpy(run->v, other.v, run->n * sizeof(*run->v));
	return fewer;
}

/* The layers one after another, each in the order of the policy. */
static void lower_layers(struct lower *l, struct ir_chain *c, struct run *run, int from)
{
	unsigned layers = arrange(l, run);
	size_t *ends = arena_alloc(l->work, (layers + 1) * sizeof(*ends));
	const struct candidate **sorted = arena_alloc(l->work, run->n * sizeof(*sorted));

	for (size_t i = 0; i < run->n; i++)
		ends[run->v[i].layer + 1]++;
	for (unsigned i = 1; i <= layers; i++)
		ends[i] += ends[i - 1];
	for (size_t i = 0; i < run->n; i++)
		sorted[ends[run->v[i].layer]++] = &run->v[i];
	for (unsigned i = 0; i < layers; i++) {
		size_t first = i ? ends[i - 1] : 0;

		lower_layer(l, c, sorted + first, ends[i] - first, from);
	}
}

static void lower_run(struct lower *l, struct ir_chain *c, struct run *run, int from, int to)
{
	if (run->n < RUN_MIN) {
		for (size_t i = 0; i < run->n; i++)
			lower_rule(l, c, run->v[i].rule, from, to);
	} else {
		lower_layers(l, c, run, from);
	}
	run->n = 0;
}

void lower_pair(struct lower *l, struct ir_chain *c, int from, int to)
{
	struct pair_rules all = pair_rules(l, from, to);
	struct run run = {0};
	size_t i;

	while (lower_goes_on(l, 0) && next_rule(&all, &i)) {
		struct candidate cand = {.rule = i};

		l->at = l->p->rules.v[i].span;
		if (rule_boxes(l, i, from, to, &cand.boxes)) {
			vec_push_sole(l->work, &run, cand);
			continue;
		}
		lower_run(l, c, &run, from, to);
		lower_rule(l, c, i, from, to);
	}
	lower_run(l, c, &run, from, to);
}
