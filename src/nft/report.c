/* SPDX-License-Identifier: GPL-2.0-or-later
 * live ruleset and the manifest it came with -> counters by policy line; a readable listing.
 */
#include "nft/report.h"

#include <string.h>

#include "util/number.h"

/* ---- which line of the policy ---- */

const struct manifest_place *report_rule_place(const struct manifest *m, const struct ir_chain *c,
					       size_t n)
{
	const struct manifest_object *o = m ? manifest_find_whole(m, true, c->name) : NULL;
	const char *comment = c->rules.v[n].comment;

	/* a rule put in by hand moves the others: the comment must agree */
	if (!o || n >= o->rules.n || (comment && strcmp(comment, o->rules.v[n].text) != 0))
		return NULL;
	return &o->rules.v[n];
}

/* key: room for the words of the element, which is empty again afterwards. */
static const struct manifest_place *place_in(const struct manifest_object *o,
					     const struct ir_set *s, const struct ir_elem *e,
					     struct buf *key)
{
	const struct manifest_place *p;

	if (!o)
		return NULL;
	emit_key(key, s->keys, s->nkeys, e->key);
	p = map_get(&o->elems, buf_str(key));
	key->len = 0;
	return p;
}

const struct manifest_place *report_elem_place(const struct manifest *m, const struct ir_set *s,
					       const struct ir_elem *e)
{
	struct buf key = {0};
	const struct manifest_place *p =
		place_in(m ? manifest_find_whole(m, false, s->name) : NULL, s, e, &key);

	buf_free(&key);
	return p;
}

/* ---- counters ---- */

struct counting {
	struct arena *a;
	struct map by_line;
	VEC(struct report_line *) all;
};

/* What exceeded the limit of the rule in that line. */
static bool is_else(const char *text)
{
	return !strncmp(text, "else ", strlen("else "));
}

static void part_place(struct report_line *l)
{
	const char *colon = strrchr(l->at, ':');
	uint64_t line = UINT32_MAX;

	l->path = colon ? (uint32_t)(colon - l->at) : 0;
	if (colon)
		number_word(colon + 1, 0, UINT32_MAX - 1, &line);
	l->line = (uint32_t)line;
}

static struct report_line *line_of(struct counting *c, const struct manifest_place *p,
				   const char *comment)
{
	const char *at = p ? p->at : "", *text = p && *p->text ? p->text : comment ? comment : "";
	const char *key = *at ? at : arena_printf(c->a, "\n%s", text);
	struct report_line *l;

	if (*at && is_else(text)) /* counted by itself */
		key = arena_printf(c->a, "%s else", at);
	l = map_get(&c->by_line, key);
	if (l)
		return l;
	l = arena_new_of(c->a, struct report_line);
	l->at = at;
	l->text = text;
	l->order = (unsigned)c->all.n;
	part_place(l);
	map_put(&c->by_line, key, l);
	vec_push(c->a, &c->all, l);
	return l;
}

static void count(struct report_line *l, uint64_t packets, uint64_t bytes)
{
	l->counts = true;
	l->packets += packets;
	l->bytes += bytes;
}

static void count_chain(struct counting *k, const struct manifest *m, const struct ir_chain *c)
{
	for (size_t i = 0; i < c->rules.n; i++) {
		const struct ir_rule *r = &c->rules.v[i];
		struct report_line *l = line_of(k, report_rule_place(m, c, i), r->comment);

		for (size_t n = 0; n < r->stmts.n; n++) {
			if (r->stmts.v[n].kind == IR_COUNTER)
				count(l, r->stmts.v[n].counter.packets,
				      r->stmts.v[n].counter.bytes);
		}
	}
}

static void count_map(struct counting *k, const struct manifest *m, const struct ir_set *s)
{
	const struct manifest_object *o;
	const struct ir_elem *e;
	struct buf key = {0};

	if (!s->is_map)
		return;
	o = m ? manifest_find_whole(m, false, s->name) : NULL;
	vec_each (&s->elems, e) {
		struct report_line *l = line_of(k, place_in(o, s, e, &key), e->comment);

		if (e->has_counter && e->verdict.kind != V_JUMP) /* else counts where it leads */
			count(l, e->packets, e->bytes);
	}
	buf_free(&key);
}

/* Files in the order of their names, lines by number, fwc's own last. */
static int line_cmp(const void *x, const void *y)
{
	const struct report_line *a = x, *b = y;
	int c;

	if (!a->path || !b->path)
		return a->path ? -1 : b->path ? 1 : a->order < b->order ? -1 : 1;
	c = strncmp(a->at, b->at, a->path < b->path ? a->path : b->path);
	if (c || a->path != b->path)
		return c ? c : a->path < b->path ? -1 : 1;
	if (a->line == UINT32_MAX || b->line == UINT32_MAX)
		return strcmp(a->at, b->at);
	return a->line != b->line ? (a->line < b->line ? -1 : 1)
				  : is_else(a->text) - is_else(b->text);
}

void report_lines(struct arena *a, const struct ir_ruleset *live, const struct manifest *m,
		  struct report_lines *out)
{
	struct counting k = {.a = a};
	struct map reach;
	const struct map_entry *e;
	struct report_line *const *l;

	map_init(&k.by_line, a);
	map_init(&reach, a);
	ruleset_reach(live, &reach);
	vec_each (&reach.entries, e) {
		if (e->key[0] == 'c')
			count_chain(&k, m, e->value);
		else
			count_map(&k, m, e->value);
	}
	vec_each (&k.all, l) {
		if (*(*l)->at || (*l)->counts)
			vec_push(a, out, **l);
	}
	if (out->n > 1)
		qsort(out->v, out->n, sizeof(*out->v), line_cmp);
}

json_t *report_lines_json(const struct report_lines *lines)
{
	json_t *list = json_array();
	const struct report_line *l;

	vec_each (lines, l) {
		json_t *j = json_pack("{s:s, s:s}", "at", l->at, "text", l->text);

		if (l->counts) {
			json_object_set_new(j, "packets", json_integer((json_int_t)l->packets));
			json_object_set_new(j, "bytes", json_integer((json_int_t)l->bytes));
		}
		json_array_append_new(list, j);
	}
	return list;
}

/* ---- a listing ---- */

static void put_at(struct buf *out, const struct manifest_place *p, const char *indent)
{
	if (p && *p->at)
		buf_printf(out, "%s# %s\n", indent, p->at);
}

static void put_count(struct buf *out, bool counts, uint64_t packets, uint64_t bytes)
{
	if (counts)
		buf_printf(out, "  # %llu packets, %llu bytes", (unsigned long long)packets,
			   (unsigned long long)bytes);
}

static bool rule_counter(const struct ir_rule *r, uint64_t *packets, uint64_t *bytes)
{
	for (size_t i = 0; i < r->stmts.n; i++) {
		if (r->stmts.v[i].kind == IR_COUNTER) {
			*packets = r->stmts.v[i].counter.packets;
			*bytes = r->stmts.v[i].counter.bytes;
			return true;
		}
	}
	return false;
}

static void put_chain(struct buf *out, const struct ir_chain *c, const struct manifest *m)
{
	buf_printf(out, "chain %s {\n", c->name);
	if (c->base.hook)
		buf_printf(out, "\ttype %s hook %s priority %d; policy %s;\n", c->base.type,
			   c->base.hook, c->base.priority, c->base.policy_drop ? "drop" : "accept");
	for (size_t i = 0; i < c->rules.n; i++) {
		uint64_t packets = 0, bytes = 0;

		put_at(out, report_rule_place(m, c, i), "\t");
		buf_putc(out, '\t');
		emit_rule(out, &c->rules.v[i]);
		put_count(out, rule_counter(&c->rules.v[i], &packets, &bytes), packets, bytes);
		buf_putc(out, '\n');
	}
	buf_puts(out, "}\n");
}

static void put_set(struct buf *out, const struct ir_set *s, const struct manifest *m)
{
	const struct ir_elem *e;

	if (s->helper || s->flowtable || s->quota) {
		emit_set(out, s, false);
		return;
	}
	buf_printf(out, "%s %s {\n\ttype %s%s\n", s->is_map ? "map" : "set", s->name, s->type,
		   s->dynamic ? "; filled at run time" : "");
	if (ir_set_is_bulk(s))
		buf_printf(out, "\t%u elements: show --elements prints them\n",
			   bulk_keys(s->bulk));
	vec_each (&s->elems, e) {
		put_at(out, report_elem_place(m, s, e), "\t");
		buf_putc(out, '\t');
		emit_elem(out, s, e);
		put_count(out, e->has_counter, e->packets, e->bytes);
		buf_putc(out, '\n');
	}
	buf_puts(out, "}\n");
}

void report_ruleset(struct buf *out, const struct ir_ruleset *live, const struct manifest *m)
{
	struct map reach;
	const struct map_entry *e;
	const char *gap = "";

	map_init(&reach, live->arena);
	ruleset_reach(live, &reach);
	vec_each (&reach.entries, e) {
		buf_puts(out, gap);
		if (e->key[0] == 'c')
			put_chain(out, e->value, m);
		else
			put_set(out, e->value, m);
		gap = "\n";
	}
}

static json_t *item_json(const char *text, const struct manifest_place *p, const char *comment,
			 bool counts, uint64_t packets, uint64_t bytes)
{
	json_t *j = json_pack("{s:s, s:s, s:s}", "nft", text, "at", p ? p->at : "", "text",
			      p && *p->text ? p->text
			      : comment	    ? comment
					    : "");

	if (counts) {
		json_object_set_new(j, "packets", json_integer((json_int_t)packets));
		json_object_set_new(j, "bytes", json_integer((json_int_t)bytes));
	}
	return j;
}

static json_t *chain_json(const struct ir_chain *c, const struct manifest *m)
{
	json_t *rules = json_array(), *j;
	struct buf b = {0};

	for (size_t i = 0; i < c->rules.n; i++) {
		const struct ir_rule *r = &c->rules.v[i];
		uint64_t packets = 0, bytes = 0;
		bool counts = rule_counter(r, &packets, &bytes);

		b.len = 0;
		emit_rule(&b, r);
		json_array_append_new(rules, item_json(buf_str(&b), report_rule_place(m, c, i),
						       r->comment, counts, packets, bytes));
	}
	buf_free(&b);
	j = json_pack("{s:s, s:s, s:o}", "kind", "chain", "name", c->name, "rules", rules);
	if (c->base.hook)
		json_object_set_new(j, "hook", json_string(c->base.hook));
	return j;
}

static json_t *set_json(const struct ir_set *s, const struct manifest *m)
{
	json_t *elems = json_array();
	const struct ir_elem *e;
	struct buf b = {0};

	vec_each (&s->elems, e) {
		b.len = 0;
		emit_elem(&b, s, e);
		json_array_append_new(elems,
				      item_json(buf_str(&b), report_elem_place(m, s, e), e->comment,
						e->has_counter, e->packets, e->bytes));
	}
	buf_free(&b);
	return json_pack("{s:s, s:s, s:s, s:b, s:o}", "kind", ir_set_word(s), "name", s->name,
			 "type",
			 s->helper  ? s->helper
			 : s->type  ? s->type
				    : "",
			 "dynamic", s->dynamic, "elements",
			 elems);
}

json_t *report_ruleset_json(const struct ir_ruleset *live, const struct manifest *m)
{
	json_t *list = json_array();
	struct map reach;
	const struct map_entry *e;

	map_init(&reach, live->arena);
	ruleset_reach(live, &reach);
	vec_each (&reach.entries, e)
		json_array_append_new(list, e->key[0] == 'c' ? chain_json(e->value, m)
							     : set_json(e->value, m));
	return list;
}

/* ---- whose places they are ---- */

bool report_covers(const struct manifest *m, const struct ir_ruleset *live)
{
	struct arena *a = arena_new();
	const struct map_entry *e;
	struct map reach;
	bool all = true;

	map_init(&reach, a);
	ruleset_reach(live, &reach);
	vec_each (&reach.entries, e)
		all = all && map_get(&m->by_name, e->key);
	arena_free(a);
	return all;
}
