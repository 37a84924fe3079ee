/* SPDX-License-Identifier: GPL-2.0-or-later
 * dns "NAME" and url "URL" in hosts and sets -> sets of run time, which belong to the name that
 * they are part of; these and the sets of cgroups -> runtime.json.
 */
#include <string.h>

#include "policy/resolve.h"
#include "util/bulk_parts.h"

#define DNS_ROOM 10000 /* addresses, old ones and new ones together */
#define LIST_USUAL 1000000 /* networks of a list that says no `max` */
#define ROOM_MORE 64

const char *dynset_kind(const struct dynset *d)
{
	if (!d->from)
		return "dynamic";
	return d->from->kind == RUNTIME_DNS ? "dns" : "url";
}

const char *dynset_name(struct arena *a, const struct dynset *d, enum family family)
{
	if (!d->from)
		return arena_printf(a, "%s.v%d", d->name, family);
	return arena_printf(a, "%s.%s.v%d%s", d->name, dynset_kind(d), family,
			    d->from->kind == RUNTIME_URL ? BULK_SUFFIX : "");
}

size_t dynset_parts(const struct dynset *d)
{
	return d->from && d->from->kind == RUNTIME_URL ? BULK_PARTS : 1;
}

const char *dynset_part(struct arena *a, const struct dynset *d, enum family family, size_t part)
{
	const char *name = dynset_name(a, d, family);

	return dynset_parts(d) == 1 ? name : bulk_part_name(a, name, (enum bulk_part)part);
}

/* ---- what it is ---- */

/* A refresh adds before it deletes: there is room for what was and what comes. */
static uint32_t room_of(const struct runtime *run)
{
	if (run->kind == RUNTIME_DNS)
		return DNS_ROOM;
	return (uint32_t)(2 * (run->fetch->max ? run->fetch->max : LIST_USUAL) + ROOM_MORE);
}

void declare_runtime(struct resolver *r, struct decl *d)
{
	struct runtime *run = NULL;
	const struct ast_element *e;

	vec_each (&d->ast->elements, e) {
		if (e->kind != ELEM_DNS && e->kind != ELEM_URL)
			continue;
		if (!run)
			run = arena_new_of(r->arena, struct runtime);
		run->kind = e->kind == ELEM_DNS ? RUNTIME_DNS : RUNTIME_URL;
		if (e->kind == ELEM_URL)
			run->url = e->source.s;
		else
			vec_push(r->arena, &run->names, e->source.s);
	}
	if (!run)
		return;
	run->fetch = &d->ast->fetch;
	d->asked = arena_new_of(r->arena, struct dynset);
	*d->asked = (struct dynset){.name = d->name,
				    .span = d->span,
				    .size = room_of(run),
				    .prefixes = run->kind == RUNTIME_URL,
				    .from = run};
	vec_push(r->arena, &r->p->dynsets, d->asked);
}

/* `of` is an element of d; NULL: it is to be taken away. */
void resolve_runtime(struct resolver *r, struct decl *d, const struct decl *of)
{
	if (of)
		for (size_t i = 0; i < of->runs.n; i++)
			vec_push(r->arena, &d->runs, of->runs.v[i]);
	else
		diag_hint(r->diag,
			  diag_error(r->diag, d->span,
				     "'%s' takes away what is known at run time only", d->name),
			  "write a rule for that above the rules for '%s'", d->name);
}

void limit_runtime(struct resolver *r, struct decl *d, const struct bulk *less, bool suffixed)
{
	struct runtime *run = d->asked ? (struct runtime *)d->asked->from : NULL;

	if (!d->runs.n || (!less->v4.n && !less->v6.n && !suffixed))
		return;
	if (suffixed || !run || d->runs.n > 1) {
		diag_hint(r->diag,
			  diag_error(r->diag, d->span,
				     suffixed ? "'%s' takes a suffix away from what is known at "
						"run time only"
					      : "'%s' takes away from what another set holds at "
						"run time",
				     d->name),
			  suffixed ? "write a rule for that host above the rules for '%s'"
				   : "write what is taken away (!ADDRESS) where that other set is "
				     "declared, or a rule for it above the rules for '%s'",
			  d->name);
		return;
	}
	bulk_append(&run->less4, less, FAM_IP4, r->arena);
	bulk_append(&run->less6, less, FAM_IP6, r->arena);
}

/* ---- where it stands ---- */

const struct decl *item_runtime(const struct resolver *r, const struct ast_item *item)
{
	const struct decl *d = item->kind == ITEM_NAME ? map_get(&r->names, item->name.s) : NULL;

	return d && d->runs.n ? d : NULL;
}

bool refuse_runtime(struct resolver *r, const struct ast_item *item, enum nat_kind kind)
{
	struct decl *d = item->kind == ITEM_NAME ? map_get(&r->names, item->name.s) : NULL;

	if (!d || (d->kind != DECL_HOST && d->kind != DECL_SET) || !resolve_decl(r, d) ||
	    !d->runs.n)
		return false;
	d->used = true;
	diag_hint(r->diag,
		  diag_error(r->diag, item->span,
			     "'%s' is known at run time only, and a target is an address", d->name),
		  kind == NAT_DNAT ? "write the address that packets are to go to: to 192.0.2.1"
				   : "write the address: to 192.0.2.1");
	return true;
}

/* None of its sets, and nothing else that it is. */
void negate_runtime(struct resolver *r, const struct ast_item *item, const struct decl *d,
		    struct addrs *out)
{
	if (out->bulk4 || out->bulk6 || out->suffixed.n || out->macs.n) {
		diag_hint(r->diag,
			  diag_error(r->diag, item->span,
				     "'!%s' would ask for too much at once: what it holds at run "
				     "time, and %s",
				     d->name,
				     out->suffixed.n ? "a suffix"
				     : out->macs.n   ? "a MAC address"
						     : "a very large list"),
			  "write a rule for '%s' above this one, and this one without '!%s'",
			  d->name, d->name);
		return;
	}
	out->mixed = out->v4.n || out->v6.n;
	for (int i = 0; out->mixed && i < 2; i++) {
		struct ivset *v = i ? &out->v6 : &out->v4;
		struct ivset all = ivset_one(r->arena, 0, u128_max(i ? 128 : 32));

		*v = ivset_subtract(r->arena, &all, v);
	}
	out->dyn = d->runs.v[0];
	for (size_t i = 1; i < d->runs.n; i++)
		vec_push(r->arena, &out->nor, d->runs.v[i]);
	out->negated = true;
}

/* ---- what is to be said of it ---- */

static bool names(const struct endpoint *e, const struct dynset *d, bool negated)
{
	const struct place_item *i;
	bool nor = false;

	vec_each (&e->items, i) {
		for (size_t k = 0; k < i->addrs.nor.n; k++)
			nor |= i->addrs.nor.v[k] == d;
		if ((i->addrs.dyn == d || nor) && i->addrs.negated == negated)
			return true;
	}
	return false;
}

/* The first of what lets more through when the set is empty. */
static const struct span *opened(const struct policy *p, const struct dynset *d)
{
	const struct guard *g;
	const struct rule *x;

	vec_each (&p->guards, g)
		if (names(&g->from, d, false))
			return &g->from.span;
	vec_each (&p->rules, x) {
		bool refuses = x->verb == VERB_DROP || x->verb == VERB_REJECT;

		if (names(&x->from, d, !refuses))
			return &x->from.span;
		if (names(&x->to, d, !refuses))
			return &x->to.span;
	}
	return NULL;
}

/* A list of what is refused, which is empty some day. */
void warn_runtime(struct resolver *r)
{
	for (size_t i = 0; i < r->p->dynsets.n; i++) {
		const struct dynset *d = r->p->dynsets.v[i];
		const struct span *at = d->from && d->from->fetch->expire ? opened(r->p, d) : NULL;
		struct diag_record *rec;
		struct buf time = {0};

		if (!at)
			continue;
		duration_print(&time, d->from->fetch->expire);
		rec = diag_warning(r->diag, *at,
				   "this refuses nothing any more when '%s' could not be refreshed "
				   "for %s",
				   d->name, buf_str(&time));
		diag_note(r->diag, rec, d->span, "it expires, and is empty then");
		diag_hint(r->diag, rec, "without 'expire', what was fetched last stays");
		buf_free(&time);
	}
}

/* ---- for those who fetch ---- */

static void put_addresses(json_t *list, enum family fam, const struct ivset *v)
{
	for (size_t i = 0; i < v->n; i++) {
		struct buf b = {0};

		addr_print_range(&b, fam, v->v[i]);
		json_array_append_new(list, json_string(buf_str(&b)));
		buf_free(&b);
	}
}

static json_t *seconds(uint64_t n)
{
	return n ? json_integer((json_int_t)n) : json_null();
}

static json_t *names_json(const struct runtime *run)
{
	json_t *list = json_array();

	for (size_t i = 0; i < run->names.n; i++)
		json_array_append_new(list, json_string(run->names.v[i]));
	return list;
}

static json_t *kernel_sets(struct arena *a, const struct dynset *d)
{
	static const char *const keys[BULK_PARTS][2] = {
		[BULK_PART_ALONE] = {"alone4", "alone6"}, [BULK_PART_NETS] = {"v4", "v6"}};
	size_t n = dynset_parts(d);
	json_t *j = json_object();

	for (size_t i = 0; i < 2 * n; i++)
		json_object_set_new(
			j, keys[n == 1 ? BULK_PART_NETS : i / 2][i % 2],
			json_string(dynset_part(a, d, i % 2 ? FAM_IP6 : FAM_IP4, i / 2)));
	return j;
}

static json_t *set_json(const struct policy *p, const struct dynset *d)
{
	struct arena *a = p->arena;
	const struct runtime *run = d->from;
	const struct ast_fetch *f = run->fetch;
	json_t *less = json_array(), *j;

	put_addresses(less, FAM_IP4, &run->less4);
	put_addresses(less, FAM_IP6, &run->less6);
	j = json_pack("{s:s, s:s}", "name", d->name, "kind", dynset_kind(d));
	if (run->url)
		json_object_set_new(j, "url", json_string(run->url));
	else
		json_object_set_new(j, "names", names_json(run));
	json_object_set_new(j, "line", json_string(span_where(a, d->span)));
	json_object_set_new(j, "sets", kernel_sets(a, d));
	json_object_set_new(j, "type", json_string(d->prefixes ? "interval" : "hash"));
	json_object_set_new(j, "size", json_integer(d->size));
	json_object_set_new(j, "refresh", seconds(f->refresh));
	json_object_set_new(j, "expire", seconds(f->expire));
	json_object_set_new(j, "sha256", f->sha256.s ? json_string(f->sha256.s) : json_null());
	json_object_set_new(j, "max", seconds(f->max));
	json_object_set_new(j, "private", json_boolean(f->private_span.src));
	json_object_set_new(j, "lenient", json_boolean(f->lenient_span.src));
	json_object_set_new(j, "without", less);
	json_object_set_new(j, "drops", json_boolean(opened(p, d)));
	return j;
}

static json_t *cgroup_json(const struct policy *p, const struct cgroup *c)
{
	json_t *j = json_pack("{s:s, s:s, s:s, s:i}", "name", c->set, "kind", "cgroup", "path",
			      c->path, "level", (int)c->level);

	json_object_set_new(j, "line", json_string(span_where(p->arena, c->span)));
	json_object_set_new(j, "sets", json_pack("{s:s}", "cgroup", c->set));
	return j;
}

json_t *policy_runtime(const struct policy *p)
{
	json_t *sets = json_array(), *j;

	for (size_t i = 0; i < p->dynsets.n; i++)
		if (p->dynsets.v[i]->from)
			json_array_append_new(sets, set_json(p, p->dynsets.v[i]));
	for (size_t i = 0; i < p->cgroups.n; i++)
		if (p->cgroups.v[i]->used)
			json_array_append_new(sets, cgroup_json(p, p->cgroups.v[i]));
	if (!json_array_size(sets)) {
		json_decref(sets);
		return NULL;
	}
	j = json_pack("{s:i}", "format", 1);
	json_object_set_new(j, "sets", sets);
	return j;
}
