/* SPDX-License-Identifier: GPL-2.0-or-later
 * Names for several zones, and places less others.
 */
#include <string.h>

#include "policy/resolve.h"

const char *decl_kind(const struct decl *d)
{
	static const char *const kinds[] = {[DECL_ZONE] = "zone",
					    [DECL_HOST] = "host",
					    [DECL_SET] = "set",
					    [DECL_GROUP] = "group of zones"};

	return kinds[d->kind];
}

void declare_group(struct resolver *r, const struct ast_group *ast)
{
	struct decl *d = arena_new_of(r->arena, struct decl);

	*d = (struct decl){
		.kind = DECL_GROUP, .name = ast->name.s, .span = ast->name.span, .group = ast};
	declare(r, d);
}

static void add_place(struct resolver *r, struct place_list *l, int place)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i] == place)
			return;
	vec_push(r->arena, l, place);
}

/* A host or a set; item: of what it is to be taken away, or NULL. */
static void no_zone(struct resolver *r, struct ast_word w, const struct decl *d,
		    const struct ast_item *item)
{
	struct diag_record *rec = diag_error(r->diag, w.span, "'%s' is a %s; this takes zones",
					     d->name, decl_kind(d));

	if (item && item->kind == ITEM_NAME && !item->zone.s)
		diag_hint(r->diag, rec, "addresses are taken away by '!': write !%s@%s", d->name,
			  item->name.s);
}

/* A zone, or all of a group; false if there is none of that name. */
static bool add_named(struct resolver *r, struct ast_word w, struct place_list *out,
		      const struct ast_item *item)
{
	struct decl *d = resolve_name(r, w, "zone");

	if (!d)
		return false;
	if (d->kind == DECL_ZONE) {
		add_place(r, out, d->zone);
		return true;
	}
	if (d->kind != DECL_GROUP) {
		no_zone(r, w, d, item);
		return false;
	}
	if (!resolve_group(r, d))
		return false;
	for (size_t i = 0; i < d->zones.n; i++)
		add_place(r, out, d->zones.v[i]);
	return true;
}

bool resolve_group(struct resolver *r, struct decl *d)
{
	if (d->state == BUSY) {
		if (!d->reported)
			diag_error(r->diag, d->span, "'%s' contains itself", d->name);
		d->reported = true;
		return false;
	}
	if (d->state == DONE)
		return !d->reported;
	d->state = BUSY;
	for (size_t i = 0; i < d->group->zones.n; i++)
		if (!add_named(r, d->group->zones.v[i], &d->zones, NULL))
			d->reported = true;
	for (size_t i = 0; i < d->zones.n; i++) {
		const struct zone *z = &r->p->zones.v[d->zones.v[i]];

		if (!z->sub.is || z->sub.within != PLACE_SELF)
			continue;
		diag_error(r->diag, d->span, "'%s' is a part of self, which no group holds",
			   z->name);
		d->reported = true;
	}
	d->state = DONE;
	return !d->reported;
}

static bool leaves_something(const struct resolver *r, const struct place_item *item)
{
	for (int z = PLACE_OTHER; z < place_end(r->p); z++)
		if (item_at(item, z))
			return true;
	return false;
}

/* What is not there cannot be taken away; of self, it was meant otherwise. */
static void check_taken(struct resolver *r, const struct place_item *from, struct ast_word w,
			const struct place_list *taken)
{
	struct place_item whole = *from;

	whole.but = (struct place_list){0};
	for (size_t i = 0; i < taken->n; i++)
		for (int z = PLACE_OTHER; z < place_end(r->p); z++)
			if (place_is_in(r->p, z, taken->v[i]) && item_at(&whole, z))
				return;
	if (from->at == AT_SELF && from->addrs.all)
		diag_hint(r->diag,
			  diag_error(r->diag, w.span, "self is this machine: '%s' is no part of it",
				     w.s),
			  "write self; to mean all others: any but %s", w.s);
	else
		diag_warning(r->diag, w.span, "'%s' is not in what it is taken from", w.s);
}

bool resolve_but(struct resolver *r, const struct ast_item *item, struct place_item *out)
{
	bool whole = true;

	if (!item->but.n)
		return true;
	if (out->at == AT_ANY && !out->addrs.all && !item->zone.s) {
		diag_hint(r->diag,
			  diag_error(r->diag, item->span,
				     "'but' takes zones away from zones, not from addresses"),
			  "write %s@any but %s", span_text(r->arena, item->span), item->but.v[0].s);
		return false;
	}
	for (size_t i = 0; i < item->but.n; i++) {
		struct place_list taken = {0};

		if (!strcmp(item->but.v[i].s, "self"))
			vec_push(r->arena, &taken, PLACE_SELF);
		else if (!add_named(r, item->but.v[i], &taken, item))
			whole = false;
		if (taken.n)
			check_taken(r, out, item->but.v[i], &taken);
		for (size_t k = 0; k < taken.n; k++) {
			add_place(r, &out->but, taken.v[k]);
			if (taken.v[k] >= 0)
				r->p->zones.v[taken.v[k]].used = true;
		}
	}
	if (!whole || leaves_something(r, out))
		return whole;
	diag_error(r->diag, span_join(item->span, item->but.v[item->but.n - 1].span),
		   "nothing is left when this is taken away");
	return false;
}
