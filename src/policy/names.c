/* SPDX-License-Identifier: GPL-2.0-or-later
 * host and set definitions -> sets of addresses.
 */
#include <string.h>

#include "policy/resolve.h"

/* The zone that has the interface, or NULL. */
static const struct zone *resolve_interface(const struct resolver *r, const char *word)
{
	struct ival name;
	const struct zone *z;

	if (!ifname_parse(word, strlen(word), &name))
		return NULL;
	vec_each (&r->p->zones, z)
		for (size_t i = 0; i < z->interfaces.n; i++)
			if (!ifname_is_other(z->interfaces.v[i].name) &&
			    z->interfaces.v[i].name.lo <= name.lo &&
			    z->interfaces.v[i].name.hi >= name.hi)
				return z;
	return NULL;
}

/* aa-bb-cc-dd-ee-ff could be a name */
static bool hint_mac(struct resolver *r, struct diag_record *rec, const char *word)
{
	char *text = arena_strdup(r->arena, word);
	u128 mac;

	for (char *c = text; *c; c++)
		if (*c == '-')
			*c = ':';
	if (!mac_parse(text, strlen(text), &mac))
		return false;
	diag_hint(r->diag, rec, "MAC addresses are written with colons: %s", text);
	return true;
}

static void hint_nearest(struct resolver *r, struct diag_record *rec, const char *word)
{
	static const char *const others[][2] = {
		{"fw", "self"},	    {"firewall", "self"}, {"localhost", "self"},
		{"router", "self"}, {"me", "self"},	  {"input", "self"},
		{"all", "any"},	    {"anywhere", "any"},  {"everywhere", "any"},
		{"ANY", "any"},	    {"INPUT", "self"},	  {"world", "any"},
	};
	struct nearest near = {.word = word};
	const struct zone *of = resolve_interface(r, word);
	const struct map_entry *e;

	if (of) {
		diag_hint(r->diag, rec, "it is an interface of zone %s: write %s", of->name,
			  of->name);
		return;
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (strcmp(others[i][0], word))
			continue;
		if (!strcmp(others[i][1], "self"))
			diag_hint(r->diag, rec, "this machine is called self");
		else
			diag_hint(r->diag, rec, "everything, this machine included, is called any");
		return;
	}

	if (hint_mac(r, rec, word))
		return;
	if (is_group_word(word)) {
		diag_hint(r->diag, rec, "'%s' is a word of TO: FROM -> %s", word, word);
		return;
	}
	vec_each (&r->names.entries, e)
		nearest_offer(&near, e->key);
	nearest_hint(r->diag, rec, &near);
}

bool resolve_excused(const struct resolver *r, const char *name)
{
	return r->incomplete || map_get(&r->broken, name);
}

struct decl *resolve_name(struct resolver *r, struct ast_word w, const char *wanted)
{
	struct decl *d = map_get(&r->names, w.s);

	if (!d && resolve_excused(r, w.s))
		return NULL;
	if (!d) {
		hint_nearest(r, diag_error(r->diag, w.span, "no %s is called '%s'", wanted, w.s),
			     w.s);
		return NULL;
	}
	d->used = true;
	return d;
}

void resolve_item_addrs(struct resolver *r, const struct ast_item *item, struct ivset *v4,
			struct ivset *v6, struct suffixed_list *suffixed, struct ivset *macs)
{
	struct decl *d;

	if (item->kind == ITEM_MAC) { /* the parser lets it stand where macs are taken */
		if (macs)
			mac_add(r->arena, macs, item->addr.lo);
		return;
	}
	if (item->kind == ITEM_SUFFIX) { /* the parser lets it stand in definitions only */
		vec_push(r->arena, suffixed, suffixed_of(r->arena, item->addr.lo, item->bits));
		return;
	}
	if (item->kind == ITEM_ADDR) {
		vec_push(r->arena, item->family == FAM_IP4 ? v4 : v6, item->addr);
		return;
	}
	d = resolve_name(r, item->name, "host or set");
	if (!d)
		return;
	if (d->kind == DECL_ZONE || d->kind == DECL_GROUP) {
		diag_error(r->diag, item->name.span, "'%s' is a %s; this takes a host or set",
			   d->name, decl_kind(d));
		return;
	}
	if (d->dyn) {
		diag_error(r->diag, item->name.span,
			   "'%s' is a dynamic set, which only rules can name", d->name);
		return;
	}
	if (!resolve_decl(r, d))
		return;
	for (size_t i = 0; i < d->v4.n; i++)
		vec_push(r->arena, v4, d->v4.v[i]);
	for (size_t i = 0; i < d->v6.n; i++)
		vec_push(r->arena, v6, d->v6.v[i]);
	for (size_t i = 0; i < d->suffixed.n; i++)
		vec_push(r->arena, suffixed, d->suffixed.v[i]);
	for (size_t i = 0; macs && i < d->macs.n; i++)
		mac_add(r->arena, macs, d->macs.v[i].lo);
	if (!macs && d->macs.n)
		refuse_mac(r, item->span, d->name);
}

/* The union of the plain elements less the union of the negated ones. */
static void resolve_elements(struct resolver *r, struct decl *d)
{
	struct ivset plus4 = {0}, plus6 = {0}, minus4 = {0}, minus6 = {0};
	struct suffixed_list plus = {0}, minus = {0};
	struct ivset *macs = d->kind == DECL_HOST ? &d->macs : NULL;
	const struct ast_names *ast = d->ast;
	bool any_plus = false;

	for (size_t i = 0; i < ast->elements.n; i++) {
		const struct ast_element *e = &ast->elements.v[i];

		if (e->kind == ELEM_FILE) {
			bulk_append(&plus4, &e->content, FAM_IP4, r->arena);
			bulk_append(&plus6, &e->content, FAM_IP6, r->arena);
			any_plus = true;
		} else if (e->item.negated) {
			resolve_item_addrs(r, &e->item, &minus4, &minus6, &minus, NULL);
		} else {
			resolve_item_addrs(r, &e->item, &plus4, &plus6, &plus, macs);
			any_plus = true;
		}
	}
	if (!any_plus && ast->elements.n) {
		struct diag_record *rec = diag_error(r->diag, ast->name.span,
						     "'%s' lists only what is not in it", d->name);

		diag_hint(r->diag, rec,
			  "begin with the network to take it from: 0.0.0.0/0 or ::/0");
		d->reported = true;
	}
	ivset_normalise(&plus4);
	ivset_normalise(&plus6);
	ivset_normalise(&minus4);
	ivset_normalise(&minus6);
	d->v4 = ivset_subtract(r->arena, &plus4, &minus4);
	suffixed_subtract(r->arena, &plus6, &plus, &minus6, &minus);
	d->v6 = plus6;
	d->suffixed = plus;
}

/* host h = 10.0.0.0/24 */
static void warn_network(struct resolver *r, const struct decl *d)
{
	for (size_t i = 0; i < d->ast->elements.n; i++) {
		const struct ast_item *x = &d->ast->elements.v[i].item;

		if (d->ast->elements.v[i].kind != ELEM_ITEM || x->kind != ITEM_ADDR ||
		    x->addr.lo == x->addr.hi)
			continue;
		diag_hint(r->diag,
			  diag_warning(r->diag, x->span,
				       "a host is one machine, and these are many addresses"),
			  "make it a set: set %s = ...", d->name);
		return;
	}
}

bool resolve_decl(struct resolver *r, struct decl *d)
{
	if (d->state == BUSY) {
		diag_error(r->diag, d->span, "'%s' contains itself", d->name);
		return false;
	}
	if (d->state == DONE || d->kind == DECL_ZONE || d->dyn)
		return true;
	if (d->kind == DECL_GROUP)
		return resolve_group(r, d);
	d->state = BUSY;
	if (d->kind == DECL_HOST)
		warn_network(r, d);
	resolve_elements(r, d);
	d->state = DONE;
	return true;
}
