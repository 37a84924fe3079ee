/* SPDX-License-Identifier: GPL-2.0-or-later
 * FROM and TO of a rule -> places (zones, self, any) and the addresses there.
 */
#include <string.h>

#include "policy/resolve.h"

static bool word_place(struct place_item *out, const char *s)
{
	if (!strcmp(s, "self"))
		out->at = AT_SELF;
	else if (!strcmp(s, "any"))
		out->at = AT_ANY;
	else if (!strcmp(s, "zones"))
		out->at = AT_ZONES;
	else
		return false;
	return true;
}

/* A zone mistyped, rather than an interface? Those have numbers. */
static bool is_slip(const struct resolver *r, const char *s)
{
	struct nearest near = {.word = s};

	for (size_t z = 0; z < r->p->zones.n; z++)
		nearest_offer(&near, r->p->zones.v[z].name);
	return near.best && !strpbrk(s, "0123456789");
}

/* The zone that an interface belongs to; exact names win over wildcards. One that none claims is
 * in no zone; by lo come packets that this machine sends. */
static bool interface_place(struct resolver *r, const char *s, struct place_item *out)
{
	struct ival name, best = {0};
	bool found = false;

	if (map_get(&r->names, s) || !ifname_parse(s, strlen(s), &name))
		return false;
	if (!strcmp(s, "lo")) {
		out->at = AT_SELF;
		return true;
	}
	for (size_t z = 0; z < r->p->zones.n; z++) {
		for (size_t i = 0; i < r->p->zones.v[z].interfaces.n; i++) {
			struct ival v = r->p->zones.v[z].interfaces.v[i].name;

			if (v.lo > name.lo || v.hi < name.hi ||
			    (found && best.hi - best.lo <= v.hi - v.lo) ||
			    (ifname_is_other(v) && is_slip(r, s)))
				continue;
			found = true;
			best = v;
			out->at = AT_ZONE;
			out->zone = (int)z;
			out->has_iface = true;
			out->iface = name;
		}
	}
	if (!found && !is_slip(r, s)) {
		out->at = AT_ZONE;
		out->zone = PLACE_OTHER;
		out->has_iface = found = true;
		out->iface = name;
	}
	return found;
}

/* The word behind '@'. */
static bool resolve_zone(struct resolver *r, struct ast_word w, struct place_item *out)
{
	struct decl *d;

	if (word_place(out, w.s) || (r->query && interface_place(r, w.s, out)))
		return true;
	d = resolve_name(r, w, "zone");
	if (!d)
		return false;
	if (d->kind == DECL_GROUP) {
		out->at = AT_GROUP;
		if (!resolve_group(r, d))
			return false;
		for (size_t i = 0; i < d->zones.n; i++)
			r->p->zones.v[d->zones.v[i]].used = true;
		out->zones = d->zones;
		return true;
	}
	if (d->kind != DECL_ZONE) {
		diag_error(r->diag, w.span, "'%s' is a %s; '@' takes a zone", d->name,
			   decl_kind(d));
		return false;
	}
	out->at = AT_ZONE;
	out->zone = d->zone;
	r->p->zones.v[d->zone].used = true;
	return true;
}

/* All addresses of the family that are not in s; none if s names none: `!x` speaks of x's families.
 */
struct ivset complement(struct resolver *r, const struct ivset *s, int bits)
{
	struct ivset all = ivset_one(r->arena, 0, u128_max(bits));

	return s->n ? ivset_subtract(r->arena, &all, s) : (struct ivset){0};
}

/* The same of IPv6, where suffixes may be among them. */
static void complement6(struct resolver *r, struct addrs *s)
{
	struct ivset all = ivset_one(r->arena, 0, u128_max(128));
	struct suffixed_list left = {0};

	if (!addrs_has(s, FAM_IP6))
		return;
	suffixed_subtract(r->arena, &all, &left, &s->v6, &s->suffixed);
	s->v6 = all;
	s->suffixed = left;
}

static void name_stem(struct resolver *r, const struct ast_item *item, struct addrs *out)
{
	const char *base = item->kind == ITEM_NAME  ? item->name.s
			   : item->kind == ITEM_MAC ? "mac"
						    : "addr";

	out->stem = item->negated ? arena_printf(r->arena, "not-%s", base) : base;
}

static void item_addrs(struct resolver *r, const struct ast_item *item, struct addrs *out)
{
	name_stem(r, item, out);
	if (item->kind == ITEM_NAME) {
		struct decl *d = map_get(&r->names, item->name.s);

		if (d && d->dyn) {
			d->used = d->dyn->used = true;
			out->dyn = d->dyn;
			out->negated = item->negated;
			return;
		}
		if (d && (d->kind == DECL_HOST || d->kind == DECL_SET) && resolve_decl(r, d)) {
			out->bulk4 = d->bulk4;
			out->bulk6 = d->bulk6;
			out->negated = item->negated && (d->bulk4 || d->bulk6);
		}
	}
	if (out->bulk4 || out->bulk6)
		out->stem = item->name.s;
	resolve_item_addrs(r, item, out->bulk4 ? NULL : &out->v4, out->bulk6 ? NULL : &out->v6,
			   &out->suffixed, &out->macs);
	ivset_normalise(&out->v4);
	ivset_normalise(&out->v6);
	if (item->negated && item_runtime(r, item)) {
		negate_runtime(r, item, item_runtime(r, item), out);
	} else if (item->negated) {
		out->v4 = complement(r, &out->v4, 32);
		complement6(r, out);
		out->rest = true;
	}
}

/* Multicast, broadcast, link-local and "no address yet": on every link, in no network. */
static bool on_any_link(struct resolver *r, const struct addrs *s)
{
	static const struct ival four[] = {{0, 0},
					   {0xa9fe0000, 0xa9feffff},
					   {0xe0000000, 0xefffffff},
					   {0xffffffff, 0xffffffff}};
	const struct ival six[] = {{0, 0},
				   {(u128)0xfe80 << 112, ((u128)0xfec0 << 112) - 1},
				   {(u128)0xff00 << 112, ~(u128)0}};
	struct ivset v4 = {0}, v6 = {0};

	for (size_t i = 0; i < 4; i++)
		vec_push(r->arena, &v4, four[i]);
	for (size_t i = 0; i < 3; i++)
		vec_push(r->arena, &v6, six[i]);
	return addrs_overlap(s, FAM_IP4, &v4) || addrs_overlap(s, FAM_IP6, &v6);
}

/* What the zone names as its networks, and what its sub-zones do. */
static struct ivset with_parts(struct resolver *r, int zone, enum family fam)
{
	struct ivset all = {0};

	for (size_t i = 0; i < r->p->zones.n; i++) {
		const struct zone *z = &r->p->zones.v[i];
		const struct ivset *net = fam == FAM_IP4 ? &z->net4 : &z->net6;

		for (size_t k = 0;
		     ((int)i == zone || (z->sub.is && z->sub.within == zone)) && k < net->n; k++)
			vec_push(r->arena, &all, net->v[k]);
	}
	ivset_normalise(&all);
	return all;
}

/* `x@lan` where lan's networks say that no address of x can be there. */
static void warn_elsewhere(struct resolver *r, const struct ast_item *item,
			   const struct place_item *p)
{
	const struct zone *z;
	struct ivset net4, net6;
	bool any4, any6, none4, none6;

	if (p->at != AT_ZONE || p->zone < 0 || p->addrs.all || p->addrs.dyn || item->negated ||
	    p->addrs.suffixed.n)
		return;
	z = &r->p->zones.v[p->zone];
	net4 = with_parts(r, p->zone, FAM_IP4);
	net6 = with_parts(r, p->zone, FAM_IP6);
	any4 = addrs_any(&p->addrs, FAM_IP4);
	any6 = addrs_any(&p->addrs, FAM_IP6);
	if ((any4 && !net4.n) || (any6 && !net6.n))
		return;
	none4 = !addrs_overlap(&p->addrs, FAM_IP4, &net4);
	none6 = !addrs_overlap(&p->addrs, FAM_IP6, &net6);
	if (none4 && none6 && (any4 || any6) && !on_any_link(r, &p->addrs))
		diag_note(r->diag,
			  diag_warning(r->diag, item->span,
				       "none of these addresses is in a network of zone '%s'",
				       z->name),
			  z->span, "the zone is declared here");
}

static bool resolve_item(struct resolver *r, const struct ast_item *item, struct place_item *out,
			 enum side_of side)
{
	bool named = item->kind == ITEM_NAME;
	struct decl *d = named ? map_get(&r->names, item->name.s) : NULL;

	*out = (struct place_item){.at = AT_ANY, .span = item->span, .of = r->p};
	if (named && (word_place(out, item->name.s) ||
		      (d && (d->kind == DECL_ZONE || d->kind == DECL_GROUP)))) {
		if (item->zone.s) {
			diag_error(r->diag, item->name.span,
				   "'%s' is not an address: it takes no '@'", item->name.s);
			return false;
		}
		if (item->negated) {
			diag_hint(r->diag,
				  diag_error(r->diag, item->span,
					     "only addresses can be negated, not '%s'",
					     item->name.s),
				  "name the zones that you mean, or put a rule for '%s' before "
				  "this one",
				  item->name.s);
			return false;
		}
		out->addrs.all = true;
		for (size_t z = 0; out->at == AT_ZONES && z < r->p->zones.n; z++)
			r->p->zones.v[z].used = true;
		return !d || resolve_zone(r, item->name, out);
	}
	if (item->zone.s && !resolve_zone(r, item->zone, out))
		return false;
	if (named && !d && is_group_word(item->name.s))
		return resolve_group_word(r, item, out, side);
	if (named && !d) {
		resolve_name(r, item->name, "zone, host or set");
		return false;
	}
	item_addrs(r, item, &out->addrs);
	check_station(r, item, out, side);
	warn_elsewhere(r, item, out);
	return true;
}

void check_by_mark(struct resolver *r, const struct endpoint *from, const char *what)
{
	const struct place_item *i;
	const struct zone *z;

	vec_each (&from->items, i) {
		vec_each (&r->p->zones, z) {
			if (!z->sub.is || !z->sub.has_mark ||
			    !(item_parted_by(i, z->sub.within) >> z->sub.nth & 1))
				continue;
			diag_hint(r->diag,
				  diag_error(
					  r->diag, i->span,
					  "'%s' is told apart by the mark, which %s cannot ask for",
					  z->name, what),
				  "tell it apart by addresses here, or name the whole zone");
			break;
		}
	}
}

void check_destination(struct resolver *r, const struct endpoint *e)
{
	const struct place_item *i;

	vec_each (&e->items, i)
		if (i->at == AT_ZONE && item_is_self(i))
			diag_hint(
				r->diag,
				diag_error(r->diag, i->span,
					   "'%s' is told apart by what this machine sends: nothing "
					   "goes to it",
					   r->p->zones.v[i->zone].name),
				"write self");
}

/* The item, and, of what is known at run time only, one for each of its sets. */
static void push_item(struct resolver *r, const struct ast_item *ast, const struct place_item *item,
		      struct endpoint *out)
{
	const struct decl *d = ast->negated ? NULL : item_runtime(r, ast);
	const struct dynset *const *run;

	if (!d || !decl_is_open(d))
		vec_push(r->arena, &out->items, *item);
	if (!d)
		return;
	vec_each (&d->runs, run) {
		struct place_item one = *item;

		one.addrs = (struct addrs){.stem = item->addrs.stem, .dyn = *run};
		vec_push(r->arena, &out->items, one);
	}
}

void resolve_endpoint(struct resolver *r, const struct ast_endpoint *ast, struct endpoint *out,
		      enum side_of side)
{
	size_t negated = 0;

	out->span = ast->span;
	for (size_t i = 0; i < ast->items.n; i++) {
		struct place_item item;

		negated += ast->items.v[i].negated;
		if (resolve_item(r, &ast->items.v[i], &item, side) &&
		    resolve_but(r, &ast->items.v[i], &item))
			push_item(r, &ast->items.v[i], &item, out);
	}
	if (negated > 1)
		diag_hint(r->diag,
			  diag_warning(r->diag, ast->span,
				       "a list matches any of its items, so two negated ones match "
				       "nearly everything"),
			  "put them into one set and negate that");
}
