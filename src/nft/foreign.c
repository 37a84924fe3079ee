/* SPDX-License-Identifier: GPL-2.0-or-later
 * listing of everything -> base chains of others that may drop or translate.
 */
#include "nft/foreign.h"

#include <string.h>

#include "nft/ir.h"
#include "util/map.h"

struct chain {
	const char *table, *name, *hook;
	bool base, policy_drop;
	bool drops, translates; /* by rules of its own */
	VEC(const char *) calls; /* keys of chains that it jumps to */
	bool seen;
};

struct finder {
	struct arena *a;
	struct map chains; /* "ip filter INPUT" -> struct chain; maps, too: "ip filter @NAME" */
};

static const char *str(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s ? s : "";
}

/* "fwc", and those that some commands make: "fwc-panic". */
static bool ours(const json_t *j)
{
	const char *table = str(j, "table");
	size_t n = strlen(IR_TABLE);

	return !strcmp(str(j, "family"), "inet") && !strncmp(table, IR_TABLE, n) &&
	       (!table[n] || table[n] == '-');
}

/* Families whose packets pass our hooks; bridge and netdev are other places. */
static bool matters(const json_t *j)
{
	const char *f = str(j, "family");

	return !strcmp(f, "ip") || !strcmp(f, "ip6") || !strcmp(f, "inet");
}

static const char *key_of(struct finder *f, const json_t *j, const char *name)
{
	return arena_printf(f->a, "%s %s %s", str(j, "family"), str(j, "table"), name);
}

static void add_chain(struct finder *f, const json_t *j)
{
	struct chain *c = arena_new_of(f->a, struct chain);

	c->table = arena_printf(f->a, "%s %s", str(j, "family"), str(j, "table"));
	c->name = arena_strdup(f->a, str(j, "name"));
	c->hook = arena_strdup(f->a, str(j, "hook"));
	c->base = *c->hook != '\0';
	c->policy_drop = !strcmp(str(j, "policy"), "drop");
	map_put(&f->chains, key_of(f, j, c->name), c);
}

/* iptables' own targets, where a rule could not be told in nft's words. */
static void scan_xt(struct chain *c, const json_t *xt)
{
	const char *name = str(xt, "name");

	c->drops |= !strcmp(name, "DROP") || !strcmp(name, "REJECT");
	c->translates |=
		strstr(name, "NAT") || !strcmp(name, "MASQUERADE") || !strcmp(name, "REDIRECT");
}

static void scan_value(struct finder *f, struct chain *c, const json_t *where, const json_t *j);

static void scan_object(struct finder *f, struct chain *c, const json_t *where, const json_t *j)
{
	static const char *const nat[] = {"snat", "dnat", "masquerade", "redirect"};
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)j, key, value)
	{
		c->drops |= !strcmp(key, "drop") || !strcmp(key, "reject");
		for (size_t i = 0; i < sizeof(nat) / sizeof(nat[0]); i++)
			c->translates |= !strcmp(key, nat[i]);
		if (!strcmp(key, "xt"))
			scan_xt(c, value);
		if ((!strcmp(key, "jump") || !strcmp(key, "goto")) && *str(value, "target"))
			vec_push(f->a, &c->calls, key_of(f, where, str(value, "target")));
		scan_value(f, c, where, value);
	}
}

static void scan_value(struct finder *f, struct chain *c, const json_t *where, const json_t *j)
{
	size_t i;
	json_t *item;

	if (json_is_object(j))
		scan_object(f, c, where, j);
	json_array_foreach((json_t *)j, i, item) scan_value(f, c, where, item);
	/* a verdict map by name: whatever it holds */
	if (json_is_string(j) && json_string_value(j)[0] == '@')
		vec_push(f->a, &c->calls, key_of(f, where, json_string_value(j)));
}

static void add_rule(struct finder *f, const json_t *j)
{
	struct chain *c = map_get(&f->chains, key_of(f, j, str(j, "chain")));

	if (c)
		scan_value(f, c, j, json_object_get(j, "expr"));
}

static void add_map(struct finder *f, const json_t *j)
{
	struct chain *c = arena_new_of(f->a, struct chain);
	const char *name = arena_printf(f->a, "@%s", str(j, "name"));

	scan_value(f, c, j, json_object_get(j, "elem"));
	map_put(&f->chains, key_of(f, j, name), c);
}

/* What a packet may meet from here on. */
static void follow(struct finder *f, struct chain *c, struct foreign *out)
{
	const char *const *call;

	if (!c || c->seen)
		return;
	c->seen = true;
	out->drops |= c->drops;
	out->translates |= c->translates;
	vec_each (&c->calls, call)
		follow(f, map_get(&f->chains, *call), out);
}

static void judge(struct finder *f, struct chain *c, struct foreigners *out)
{
	struct foreign x = {.table = diag_shown(f->a, c->table),
			    .chain = diag_shown(f->a, c->name),
			    .hook = c->hook};
	const struct map_entry *e;

	vec_each (&f->chains.entries, e)
		((struct chain *)e->value)->seen = false;
	follow(f, c, &x);
	x.why = c->policy_drop ? "its policy is drop"
		: x.drops      ? "it has rules that drop"
		: x.translates ? "it rewrites addresses"
			       : "";
	x.drops |= c->policy_drop;
	if (x.drops || x.translates)
		vec_push(f->a, out, x);
}

void foreign_find(struct arena *a, const json_t *listing, struct foreigners *out)
{
	const json_t *list = json_object_get(listing, "nftables");
	struct finder f = {.a = a};
	const struct map_entry *e;
	size_t i;
	json_t *j;

	map_init(&f.chains, a);
	json_array_foreach((json_t *)list, i, j)
	{
		const json_t *chain = json_object_get(j, "chain"), *map = json_object_get(j, "map");

		if (chain && matters(chain) && !ours(chain))
			add_chain(&f, chain);
		else if (map && matters(map) && !ours(map))
			add_map(&f, map);
	}
	json_array_foreach((json_t *)list, i, j)
	{
		const json_t *rule = json_object_get(j, "rule");

		if (rule && matters(rule) && !ours(rule))
			add_rule(&f, rule);
	}
	vec_each (&f.chains.entries, e) {
		struct chain *c = e->value;

		if (c->base && strcmp(c->hook, "ingress") && strcmp(c->hook, "egress"))
			judge(&f, c, out);
	}
}
