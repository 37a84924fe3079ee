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

static bool is_service(const struct resolver *r, const char *word)
{
	return map_get(&r->services, word) || service_catalogue(word);
}

static void hint_nearest(struct resolver *r, struct diag_record *rec, const char *word,
			 const char *const *also)
{
	static const char *const others[][2] = {
		{"fw", "self"},	    {"firewall", "self"}, {"localhost", "self"},
		{"router", "self"}, {"me", "self"},	  {"input", "self"},
		{"all", "any"},	    {"anywhere", "any"},  {"everywhere", "any"},
		{"ANY", "any"},	    {"INPUT", "self"},	  {"world", "any"},
		{"local", "self"},  {"myself", "self"},
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
	if (hint_item(word)) {
		diag_hint(r->diag, rec, "%s", hint_item(word));
		return;
	}
	if (is_group_word(word)) {
		diag_hint(r->diag, rec, "'%s' is a word of TO: FROM -> %s", word, word);
		return;
	}
	vec_each (&r->names.entries, e)
		nearest_offer(&near, e->key);
	for (; also && *also; also++)
		nearest_offer(&near, *also);
	if (!nearest_hint(r->diag, rec, &near) && is_service(r, word))
		diag_hint(r->diag, rec, "it is a service; those go after FROM -> TO");
}

bool resolve_excused(const struct resolver *r, const char *name)
{
	return r->incomplete || map_get(&r->broken, name);
}

struct decl *resolve_name(struct resolver *r, struct ast_word w, const char *wanted)
{
	static const char *const places[] = {"self",	  "any",       "zones",
					     "multicast", "broadcast", NULL};
	static const char *const defined[] = {"dynamic", NULL};
	struct decl *d = map_get(&r->names, w.s);

	if (!d && resolve_excused(r, w.s))
		return NULL;
	if (!d) {
		hint_nearest(r, diag_error(r->diag, w.span, "no %s is called '%s'", wanted, w.s),
			     w.s,
			     !strcmp(wanted, "host or set")	    ? defined
			     : !strcmp(wanted, "zone, host or set") ? places
								    : NULL);
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
		diag_hint(r->diag,
			  diag_error(r->diag, item->name.span,
				     "'%s' is a %s; this takes a host or set", d->name,
				     decl_kind(d)),
			  "rules name zones: allow %s -> TO; here write its networks", d->name);
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
	if (d->bulk4 && v4)
		bulk_list_append(v4, d->bulk4, r->arena);
	if (d->bulk6 && v6)
		bulk_list_append(v6, d->bulk6, r->arena);
	for (size_t i = 0; macs && i < d->macs.n; i++)
		mac_add(r->arena, macs, d->macs.v[i].lo);
	if (!macs && d->macs.n)
		refuse_mac(r, item->span, d->name);
}

static void add_all(struct bulk *to, enum family fam, const struct ivset *v)
{
	for (size_t i = 0; i < v->n; i++)
		bulk_add(to, fam, v->v[i]);
}

struct contents {
	struct decl *of;
	struct bulk bulk;
	struct suffixed_list suffixed;
};

static void add_item(struct resolver *r, const struct ast_item *item, struct contents *to,
		     struct ivset *macs)
{
	struct decl *d = item->kind == ITEM_NAME ? map_get(&r->names, item->name.s) : NULL;
	struct ivset v4 = {0}, v6 = {0};
	bool lists = d && (d->kind == DECL_SET || d->kind == DECL_HOST) && resolve_decl(r, d);

	if (lists && d->runs.n)
		resolve_runtime(r, to->of, item->negated ? NULL : d);
	if (lists && d->bulk4)
		bulk_add_list(&to->bulk, d->bulk4);
	if (lists && d->bulk6)
		bulk_add_list(&to->bulk, d->bulk6);
	resolve_item_addrs(r, item, lists && d->bulk4 ? NULL : &v4, lists && d->bulk6 ? NULL : &v6,
			   &to->suffixed, macs);
	add_all(&to->bulk, FAM_IP4, &v4);
	add_all(&to->bulk, FAM_IP6, &v6);
}

/* A file alone is not copied: it may be a million of them. */
static bool add_elements(struct resolver *r, struct decl *d, struct contents *plus,
			 struct contents *minus)
{
	const struct ast_element *e, *first = d->ast->elements.n ? d->ast->elements.v : NULL;
	struct ivset *macs = d->kind == DECL_HOST ? &d->macs : NULL;
	bool any_plus = false;

	if (d->ast->elements.n == 1 && first->kind == ELEM_FILE) {
		plus->bulk = first->content;
		return true;
	}
	vec_each (&d->ast->elements, e) {
		if (e->kind == ELEM_FILE) {
			bulk_add_bulk(&plus->bulk, &e->content);
			any_plus = true;
		} else if (e->kind != ELEM_ITEM) {
			any_plus = true; /* declare_runtime() has it */
		} else if (e->item.negated) {
			add_item(r, &e->item, minus, NULL);
		} else {
			add_item(r, &e->item, plus, macs);
			any_plus = true;
		}
	}
	bulk_settle(&plus->bulk, r->arena);
	bulk_settle(&minus->bulk, r->arena);
	bulk_subtract(&plus->bulk, &minus->bulk, r->arena);
	return any_plus;
}

/* What its elements are, taken apart or not. With suffixes among them IPv6 is no list. */
static void settle_elements(struct resolver *r, struct decl *d, struct contents *plus,
			    const struct contents *minus)
{
	struct ivset less = {0};

	if (plus->bulk.v4.n >= bulk_min())
		d->bulk4 = bulk_list(r->arena, &plus->bulk, FAM_IP4);
	else
		bulk_append(&d->v4, &plus->bulk, FAM_IP4, r->arena);
	if (plus->bulk.v6.n >= bulk_min() && !plus->suffixed.n && !minus->suffixed.n) {
		d->bulk6 = bulk_list(r->arena, &plus->bulk, FAM_IP6);
		return;
	}
	bulk_append(&d->v6, &plus->bulk, FAM_IP6, r->arena);
	bulk_append(&less, &minus->bulk, FAM_IP6, r->arena);
	suffixed_subtract(r->arena, &d->v6, &plus->suffixed, &less, &minus->suffixed);
	d->suffixed = plus->suffixed;
}

/* The union of the plain elements less the union of the negated ones. */
static void resolve_elements(struct resolver *r, struct decl *d)
{
	struct contents plus = {.of = d}, minus = {.of = d};
	bool any_plus = add_elements(r, d, &plus, &minus);

	if (!any_plus && d->ast->elements.n) {
		struct diag_record *rec = diag_error(r->diag, d->ast->name.span,
						     "'%s' lists only what is not in it", d->name);

		diag_hint(r->diag, rec,
			  "begin with the network to take it from: 0.0.0.0/0 or ::/0");
		d->reported = true;
	}
	limit_runtime(r, d, &minus.bulk, minus.suffixed.n);
	settle_elements(r, d, &plus, &minus);
}

bool decl_is_empty(const struct decl *d)
{
	return !d->runs.n && !d->v4.n && !d->v6.n && !d->bulk4 && !d->bulk6 && !d->suffixed.n;
}

bool decl_is_open(const struct decl *d)
{
	return d->runs.n && !d->v4.n && !d->v6.n && !d->bulk4 && !d->bulk6 && !d->suffixed.n &&
	       !d->macs.n;
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
	if (d->asked)
		vec_push(r->arena, &d->runs, d->asked);
	if (d->kind == DECL_HOST)
		warn_network(r, d);
	resolve_elements(r, d);
	d->state = DONE;
	return true;
}
