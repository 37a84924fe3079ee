/* SPDX-License-Identifier: GPL-2.0-or-later
 * The kernel's listing of table inet fwc (JSON, as nft 1.0.6 and later print it) -> ruleset IR.
 */
#include <string.h>

#include "nft/read.h"
#include "util/map.h"

#define HASH_CHARS 12

/* "lan-wan.0123456789ab" -> "lan-wan"; a name without such a tail is its own stem. */
static const char *stem_of(struct arena *a, const char *name)
{
	const char *dot = strrchr(name, '.');

	if (!dot || strlen(dot + 1) != HASH_CHARS ||
	    strspn(dot + 1, "0123456789abcdef") != HASH_CHARS)
		return name;
	return arena_strndup(a, name, (size_t)(dot - name));
}

static bool field_of_type(const char *type, enum field *out)
{
	if (!strcmp(type, "inet_service")) {
		*out = F_TH_DPORT;
		return true;
	}
	for (int f = 0; f < NFIELDS; f++) {
		if (field_table[f].set_type && !strcmp(field_table[f].set_type, type)) {
			*out = (enum field)f;
			return true;
		}
	}
	return false;
}

/* "ipv4_addr" or ["ipv4_addr", "inet_service"]; nkeys stays 0 where a type is unknown. */
static void read_type(struct arena *a, const json_t *type, struct ir_set *s)
{
	size_t n = json_is_array(type) ? json_array_size(type) : 1;

	s->type = "";
	for (size_t i = 0; i < n; i++) {
		const json_t *j = json_is_array(type) ? json_array_get(type, i) : type;
		const char *word = json_is_string(j) ? json_string_value(j) : "?";

		s->type = arena_printf(a, "%s%s%s", s->type, i ? " . " : "", word);
		if (i < IR_MAX_CONCAT && s->nkeys == i && field_of_type(word, &s->keys[i]))
			s->nkeys++;
	}
	if (s->nkeys != n)
		s->nkeys = 0;
}

static bool is_word(const json_t *j, const char *word)
{
	return json_is_string(j) && !strcmp(json_string_value(j), word);
}

/* One flag is listed as a word or as an array of one, by nft's version. */
static bool has_flag(const json_t *flags, const char *word)
{
	size_t i;
	json_t *j;

	json_array_foreach((json_t *)flags, i, j)
	{
		if (is_word(j, word))
			return true;
	}
	return is_word(flags, word);
}

/* owner and persist keep no table from filtering; a flag that is not known, or that nft 1.0.6 has
 * garbled, may be the one that does. */
static bool may_sleep(const json_t *flags)
{
	size_t i;
	json_t *j;

	json_array_foreach((json_t *)flags, i, j) if (may_sleep(j)) return true;
	return json_is_string(flags) && !is_word(flags, "owner") && !is_word(flags, "persist");
}

static void read_flags(const json_t *flags, struct ir_set *s)
{
	s->interval = has_flag(flags, "interval");
	/* only run time fills sets whose elements age */
	s->dynamic = has_flag(flags, "timeout") || has_flag(flags, "dynamic");
}

static void read_elems(struct arena *a, const json_t *list, struct ir_set *s)
{
	size_t i;
	json_t *j;

	json_array_foreach((json_t *)list, i, j)
	{
		struct ir_elem e;

		if (!s->nkeys || !read_elem(a, s->keys, s->nkeys, s->is_map, j, &e)) {
			e = (struct ir_elem){0};
			e.comment = arena_printf(a, "?%s", read_compact(a, j));
		}
		e.order = (uint32_t)i;
		vec_push(a, &s->elems, e);
	}
}

/* Members of a set of which no packet depends: how many elements there are (nft 1.1.7 tells it
 * where the kernel does), how the kernel keeps them, when it looks for expired ones, that it joins
 * neighbours (they are listed joined), what its owner notes. */
static const char *const informational[] = {"count",	  "policy",  "gc-interval",
					    "auto-merge", "comment", NULL};

/* What the IR cannot say is made part of the type, so that no other set is equal to this one. A
 * member that is in neither list may be new, and change what the set holds. */
static void read_rest(struct arena *a, const json_t *j, struct ir_set *s)
{
	static const char *const known[] = {"family", "name",  "table",	  "type", "handle", "map",
					    "size",   "flags", "timeout", "elem", "stmt",   NULL};
	const char *data = json_string_value(json_object_get(j, "map"));
	const json_t *stmts = json_object_get(j, "stmt");
	const char *member;
	json_t *value;

	json_object_foreach((json_t *)j, member, value)
	{
		if (!read_among(member, known) && !read_among(member, informational))
			s->type = arena_printf(a, "%s ?%s", s->type, member);
	}
	if (data && strcmp(data, "verdict") != 0)
		s->type = arena_printf(a, "%s ?to %s", s->type, data);
	s->counter = json_object_get(json_array_get(stmts, 0), "counter") != NULL;
	if (json_array_size(stmts) > (s->counter ? 1u : 0u))
		s->type = arena_printf(a, "%s ?statements", s->type);
}

static void read_set(const json_t *j, bool is_map, struct ir_ruleset *out)
{
	struct arena *a = out->arena;
	struct ir_set *s = arena_new_of(a, struct ir_set);

	s->name = read_str(a, j, "name");
	if (!s->name)
		return;
	s->stem = stem_of(a, s->name);
	s->is_map = is_map;
	s->timeout = read_num(j, "timeout");
	s->size = (uint32_t)read_num(j, "size");
	read_type(a, json_object_get(j, "type"), s);
	read_flags(json_object_get(j, "flags"), s);
	read_rest(a, j, s);
	read_elems(a, json_object_get(j, "elem"), s);
	ruleset_add_set(out, s);
}

static void read_chain(const json_t *j, struct ir_ruleset *out)
{
	struct arena *a = out->arena;
	struct ir_chain *c = arena_new_of(a, struct ir_chain);
	const char *policy = json_string_value(json_object_get(j, "policy"));

	c->name = read_str(a, j, "name");
	if (!c->name)
		return;
	c->stem = stem_of(a, c->name);
	c->base.hook = read_str(a, j, "hook");
	c->base.type = read_str(a, j, "type");
	c->base.priority = (int)json_integer_value(json_object_get(j, "prio"));
	c->base.policy_drop = policy && !strcmp(policy, "drop");
	if (c->base.hook && !c->base.type)
		c->base.type = "?";
	ruleset_add_chain(out, c);
}

static void read_rule(const json_t *j, struct ir_ruleset *out)
{
	struct arena *a = out->arena;
	const char *name = json_string_value(json_object_get(j, "chain"));
	struct ir_chain *c = name ? ruleset_chain(out, name) : NULL;
	struct ir_rule r = {0};
	size_t i;
	json_t *stmt;

	if (!c)
		return;
	r.handle = read_num(j, "handle");
	r.comment = read_comment(a, j);
	json_array_foreach(json_object_get(j, "expr"), i, stmt)
		vec_push(a, &r.stmts, read_stmt(a, stmt));
	vec_push(a, &c->rules, r);
}

/* The listing does not print `flags dynamic` alone: a set is dynamic if a rule adds to it, or if it
 * has no hash in its name, which of fwc's own only those have that are no part of the policy's
 * text.
 */
static void infer_dynamic(struct ir_ruleset *out, bool by_name)
{
	struct ir_chain **c;
	struct ir_set **s;

	vec_each (&out->sets, s)
		(*s)->dynamic |= by_name && !strcmp((*s)->stem, (*s)->name) && !(*s)->is_map;
	vec_each (&out->chains, c) {
		for (size_t i = 0; i < (*c)->rules.n; i++) {
			const struct ir_rule *r = &(*c)->rules.v[i];

			for (size_t k = 0; k < r->stmts.n; k++) {
				struct ir_set *set =
					r->stmts.v[k].kind != IR_ADD
						? NULL
						: ruleset_set(out, r->stmts.v[k].add.set);

				if (set)
					set->dynamic = true;
			}
		}
	}
	vec_each (&out->sets, s) {
		for (size_t i = 0; (*s)->dynamic && i < (*s)->elems.n; i++)
			(*s)->elems.v[i].volatile_elem = true;
	}
}

struct wanted { /* one table of the listing */
	const char *family, *table;
};

static bool ours(const struct wanted *w, const json_t *j, const char *key)
{
	const char *family = json_string_value(json_object_get(j, "family"));
	const char *table = json_string_value(json_object_get(j, key));

	return family && table && !strcmp(family, w->family) && !strcmp(table, w->table);
}

static void read_object(const struct wanted *w, const json_t *object, bool rules,
			struct ir_ruleset *out)
{
	const json_t *table = json_object_get(object, "table");
	const json_t *set = json_object_get(object, "set"), *map = json_object_get(object, "map");
	const json_t *chain = json_object_get(object, "chain");
	const json_t *rule = json_object_get(object, "rule");

	if (rules) {
		if (rule && ours(w, rule, "table"))
			read_rule(rule, out);
	} else if (table && ours(w, table, "name")) {
		out->dormant |= may_sleep(json_object_get(table, "flags"));
	} else if (set && ours(w, set, "table")) {
		read_set(set, false, out);
	} else if (map && ours(w, map, "table")) {
		read_set(map, true, out);
	} else if (chain && ours(w, chain, "table")) {
		read_chain(chain, out);
	}
}

bool read_table(const json_t *listing, const char *family, const char *table,
		struct ir_ruleset *out, const char **why)
{
	struct wanted w = {family, table};
	const json_t *list = json_object_get(listing, "nftables");
	size_t i;
	json_t *j;

	if (!json_is_array(list)) {
		*why = "not an nftables listing: no array called \"nftables\"";
		return false;
	}
	json_array_foreach((json_t *)list, i, j) read_object(&w, j, false, out);
	json_array_foreach((json_t *)list, i, j) read_object(&w, j, true, out);
	infer_dynamic(out, !strcmp(family, "inet") && !strcmp(table, IR_TABLE));
	return true;
}

bool read_listing(const json_t *listing, struct ir_ruleset *out, const char **why)
{
	return read_table(listing, "inet", IR_TABLE, out, why);
}
