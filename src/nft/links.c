/* SPDX-License-Identifier: GPL-2.0-or-later
 * Numbers of interfaces in other people's rules -> names: a number says which interface it is only
 * in the network namespace that the rules were read from, and while it is there.
 */
#include <string.h>

#include "nft/nft.h"
#include "util/map.h"

#define LOOPBACK 1

struct links {
	struct arena *a;
	struct map names; /* number as text -> struct ival * */
};

static void read_links(struct links *l, const char *lines)
{
	char *rest = arena_strdup(l->a, lines), *line;

	map_init(&l->names, l->a);
	while ((line = strsep(&rest, "\n"))) {
		char *name = strchr(line, ' ');
		struct ival *v = arena_new_of(l->a, struct ival);

		if (!name)
			continue;
		*name++ = '\0';
		if (ifname_parse(name, strlen(name), v))
			map_put(&l->names, line + 1, v);
	}
}

static const struct ival *name_of(struct links *l, struct ival number)
{
	if (number.lo != number.hi || number.lo <= LOOPBACK)
		return NULL;
	return map_get(&l->names, arena_printf(l->a, "%u", (unsigned)number.lo));
}

/* All values, or none: a selector is one field. */
static void name_part(struct links *l, struct ir_sel *sel, int part, struct ir_elems *values)
{
	bool in = sel->f[part] == F_IIF;

	if ((!in && sel->f[part] != F_OIF) || sel->mask[part])
		return;
	for (size_t i = 0; i < values->n; i++)
		if (!name_of(l, values->v[i].key[part]))
			return;
	for (size_t i = 0; i < values->n; i++)
		values->v[i].key[part] = *name_of(l, values->v[i].key[part]);
	sel->f[part] = in ? F_IIFNAME : F_OIFNAME;
}

static void name_stmt(struct links *l, struct ir_stmt *s)
{
	if (s->kind == IR_MATCH)
		for (int i = 0; !s->match.set && i < s->match.sel.n; i++)
			name_part(l, &s->match.sel, i, &s->match.values);
	else if (s->kind == IR_VMAP)
		for (int i = 0; !s->vmap.map && i < s->vmap.sel.n; i++)
			name_part(l, &s->vmap.sel, i, &s->vmap.elems);
}

void ir_tables_name_links(struct arena *a, struct ir_tables *t, const char *links)
{
	struct links l = {.a = a};
	struct ir_chain *const *c;
	struct ir_table *table;
	struct ir_rule *r;
	struct ir_stmt *s;

	read_links(&l, links);
	vec_each (t, table)
		vec_each (&table->ruleset->chains, c)
			vec_each (&(*c)->rules, r)
				vec_each (&r->stmts, s)
					name_stmt(&l, s);
}
