/* SPDX-License-Identifier: GPL-2.0-or-later
 * artefact, wanted and live ruleset -> nft scripts of the transactions.
 */
#include "apply/plan.h"

#include <string.h>

#include "apply/counters.h"
#include "nft/trial.h"

#define TABLE "inet " IR_TABLE

static bool is_live(const struct plan_input *in, const struct manifest_object *o)
{
	return o->kind == OBJECT_CHAIN ? ruleset_chain(in->live, o->name) != NULL
				       : ruleset_set(in->live, o->name) != NULL;
}

/* Of what a first transaction makes. */
static bool is_missing(const struct plan_input *in, const struct manifest_object *o)
{
	return !o->base && !is_live(in, o);
}

bool plan_first(const struct plan_input *in)
{
	return !ruleset_has_base(in->live);
}

/* ---- what stands in the way ---- */

/* All but the elements. */
static const char *set_frame(struct arena *a, const struct ir_set *s)
{
	struct ir_set empty = *s;

	empty.elems = (struct ir_elems){0};
	return canonical_set(a, &empty);
}

/* Flags and type are the same, so that the kernel need only be told the new parameters. */
static bool is_resize(const struct plan_input *in, const struct ir_set *want)
{
	const struct ir_set *live = ruleset_set(in->live, want->name);
	struct ir_set as_live = *want;

	if (live && want->quota && live->quota)
		return live->quota != want->quota;
	if (!live || !want->dynamic || (live->size && !want->size) ||
	    (live->timeout == want->timeout && live->size == want->size))
		return false;
	as_live.timeout = live->timeout;
	as_live.size = live->size;
	return !strcmp(set_frame(in->arena, &as_live), set_frame(in->arena, live));
}

bool plan_resizes(const struct plan_input *in)
{
	struct ir_set *const *s;

	vec_each (&in->want->sets, s)
		if (is_resize(in, *s))
			return true;
	return false;
}

static const char *set_conflict(const struct plan_input *in, const struct ir_set *want,
				const char **hint)
{
	const struct ir_set *live = ruleset_set(in->live, want->name);
	struct arena *a = in->arena;

	if (!live || !strcmp(set_frame(a, want), set_frame(a, live)))
		return NULL;
	if ((in->resizes || want->quota) && is_resize(in, want))
		return NULL;
	if (!want->dynamic || want->quota) {
		*hint = "another program made it: delete it, or `fwc stop` and apply again";
		return arena_printf(a, "%s '%s' in the kernel has another type", ir_set_word(want),
				    want->name);
	}
	*hint = "rename it (it then starts empty), or `fwc stop` and apply again";
	if (live->dynamic && live->interval != want->interval)
		return arena_printf(a, "set '%s' is in the kernel as a set of %s", want->stem,
				    live->interval ? "networks" : "addresses");
	return arena_printf(
		a,
		"set '%s' is in the kernel with other parameters (timeout %llus, size %u), "
		"and this kernel cannot change those",
		want->stem, (unsigned long long)live->timeout, live->size);
}

static bool same_hook(const struct ir_base *a, const struct ir_base *b)
{
	if (!a->hook || !b->hook)
		return a->hook == b->hook;
	return !strcmp(a->hook, b->hook) && !strcmp(a->type, b->type) && a->priority == b->priority;
}

const char *plan_conflict(const struct plan_input *in, const char **hint)
{
	struct ir_chain *const *c;
	struct ir_set *const *s;

	vec_each (&in->want->sets, s) {
		const char *text = set_conflict(in, *s, hint);

		if (text)
			return text;
	}
	vec_each (&in->want->chains, c) {
		const struct ir_chain *live = ruleset_chain(in->live, (*c)->name);

		if (live && !same_hook(&live->base, &(*c)->base)) {
			*hint = "`fwc stop` and apply again; the host is open in between";
			return arena_printf(in->arena,
					    "chain '%s' in the kernel is on another hook",
					    (*c)->name);
		}
	}
	return NULL;
}

/* ---- first transaction ---- */

static void stage_object(const struct plan_input *in, const struct manifest_object *o,
			 struct counters *counters, struct buf *script)
{
	const char *block = in->artefact->script.data + o->off;
	const struct ir_chain *chain = ruleset_chain(in->want, o->name);
	const struct ir_set *set = ruleset_set(in->want, o->name);

	if (o->kind == OBJECT_CHAIN && chain)
		counters_chain(counters, block, o->len, chain, script);
	else if (o->kind != OBJECT_CHAIN && set)
		counters_set(counters, block, o->len, set, script);
	else
		buf_add(script, block, o->len);
}

static void add_name(const struct plan_input *in, const char *kind, const char *name,
		     struct live_names *names)
{
	vec_push(in->arena, names, arena_printf(in->arena, "%s %s", kind, name));
}

void plan_keys(struct arena *a, const struct live_names *names, struct map *keys)
{
	const char **n;

	vec_each (names, n) {
		const char *name = strrchr(*n, ' ') + 1;

		map_put(keys, arena_printf(a, "%c:%s", strncmp(*n, "chain ", 6) ? 's' : 'c', name),
			(void *)name);
	}
}

/* Who takes over what, before anything is written: the rest of a line goes to what comes first. */
static void share_counts(const struct plan_input *in, struct counters *counters)
{
	struct manifest_object *const *o;

	counters_collect(counters, in->live, in->artefact->manifest, in->arena);
	vec_each (&in->artefact->manifest->objects, o) {
		const struct ir_chain *chain = ruleset_chain(in->want, (*o)->name);
		const struct ir_set *set = ruleset_set(in->want, (*o)->name);

		if (!is_missing(in, *o))
			continue;
		if ((*o)->kind == OBJECT_CHAIN && chain)
			counters_claim_chain(counters, chain);
		else if ((*o)->kind != OBJECT_CHAIN && set)
			counters_claim_set(counters, set);
	}
	counters_settle(counters);
}

static bool count_object(const struct plan_input *in, const struct manifest_object *o,
			 struct counters *counters, struct map *counts)
{
	bool is_chain = o->kind == OBJECT_CHAIN;
	const char *key = arena_printf(in->arena, "%c:%s", is_chain ? 'c' : 's', o->name);
	const void *wanted = map_get(in->want->by_name, key);
	struct remake_counts *list = arena_new_of(in->arena, struct remake_counts);

	if (wanted && is_chain)
		counters_take_chain(counters, wanted, list);
	else if (wanted)
		counters_take_set(counters, wanted, list);
	map_put(counts, key, list);
	return map_get(&in->artefact->manifest->digests, key) != NULL;
}

bool plan_missing(const struct plan_input *in, struct live_names *names, struct map *counts)
{
	struct manifest_object *const *o;
	struct counters counters;
	bool known = true;

	vec_each (&in->artefact->manifest->objects, o) {
		if (!is_missing(in, *o))
			continue;
		if (!names->n)
			share_counts(in, &counters);
		add_name(in, manifest_kind_name((*o)->kind), (*o)->name, names);
		known &= count_object(in, *o, &counters, counts);
	}
	return known;
}

void plan_add_staged(const struct plan_input *in, const struct map *keys, struct ir_ruleset *live)
{
	const struct map_entry *e;

	vec_each (&keys->entries, e) {
		const void *wanted = map_get(in->want->by_name, e->key);
		bool is_chain = e->key[0] == 'c';
		struct ir_chain *chain;
		struct ir_set *set;

		if (wanted && is_chain) {
			chain = arena_new_of(in->arena, struct ir_chain);
			*chain = *(const struct ir_chain *)wanted;
			ruleset_add_chain(live, chain);
		} else if (wanted) {
			set = arena_new_of(in->arena, struct ir_set);
			*set = *(const struct ir_set *)wanted;
			ruleset_add_set(live, set);
		}
	}
}

void plan_stage(const struct plan_input *in, struct buf *script, struct live_names *names)
{
	const struct artefact *x = in->artefact;
	struct manifest_object *const *o;
	struct counters counters;

	vec_each (&x->manifest->objects, o) {
		if (!is_missing(in, *o))
			continue;
		if (!names->n) {
			share_counts(in, &counters);
			buf_puts(script, "add table " TABLE "\ntable " TABLE " {\n");
		}
		stage_object(in, *o, &counters, script);
		add_name(in, manifest_kind_name((*o)->kind), (*o)->name, names);
	}
	if (names->n)
		buf_puts(script, "}\n");
}

/* ---- second transaction ---- */

/* The next line of a block, without indentation and newline; false at its end. */
static bool next_line(const char **at, const char *end, const char **line, size_t *len)
{
	const char *stop;

	if (*at >= end)
		return false;
	stop = memchr(*at, '\n', (size_t)(end - *at));
	*line = *at;
	*len = (size_t)((stop ? stop : end) - *at);
	*at = stop ? stop + 1 : end;
	while (*len && **line == '\t') {
		(*line)++;
		(*len)--;
	}
	return true;
}

struct rule_line {
	const char *place, *text; /* "# file:12" or NULL */
	size_t place_len, len;
};

struct rule_lines {
	struct rule_line *v;
	size_t n, cap;
};

/* The emitter writes one rule a line, its place on the line above. */
static struct rule_lines rules_of(const struct plan_input *in, const char *chain)
{
	const struct manifest_object *o = manifest_find(in->artefact->manifest, true, chain);
	const char *at = in->artefact->script.data + o->off, *end = at + o->len, *line;
	struct rule_lines out = {0};
	struct rule_line r = {0};
	size_t len;

	next_line(&at, end, &line, &len); /* chain NAME { */
	while (next_line(&at, end, &line, &len)) {
		if (!len || *line == '}' || (len > 5 && !memcmp(line, "type ", 5)))
			continue;
		if (*line == '#') {
			r.place = line;
			r.place_len = len;
			continue;
		}
		r.text = line;
		r.len = len;
		vec_push(in->arena, &out, r);
		r = (struct rule_line){0};
	}
	return out;
}

static void put_rule(struct buf *b, const struct rule_line *r, const char *command)
{
	if (r->place) {
		buf_add(b, r->place, r->place_len);
		buf_putc(b, '\n');
	}
	buf_puts(b, command);
	buf_add(b, r->text, r->len);
	buf_putc(b, '\n');
}

void plan_rules(const struct plan_input *in, const char *chain, const char *command, struct buf *b)
{
	struct rule_lines rules = rules_of(in, chain);

	for (size_t i = 0; i < rules.n; i++)
		put_rule(b, &rules.v[i], command);
}

/* Flush and fill: only rules change, so it is one flip of the generation. What the same rules have
 * counted goes on, and what they counted on trial comes to it. */
static void refill(const struct plan_input *in, const struct ir_chain *want,
		   const struct rule_lines *rules, struct buf *b)
{
	const char *command = arena_printf(in->arena, "add rule " TABLE " %s ", want->name);
	const char *trial = arena_printf(in->arena, TRIAL_PREFIX "%s", want->name);
	const struct ir_chain *from[] = {ruleset_chain(in->live, want->name),
					 trial_in_kernel(in->live) ? ruleset_chain(in->live, trial)
								   : NULL};

	buf_printf(b, "flush chain " TABLE " %s\n", want->name);
	for (size_t i = 0; i < rules->n; i++) {
		struct rule_line r = rules->v[i];
		struct buf text = {0};

		if (rules->n == want->rules.n) {
			counters_rule(r.text, r.len, &want->rules.v[i], from, 2, &text);
			r.text = text.data;
			r.len = text.len;
		}
		put_rule(b, &r, command);
		buf_free(&text);
	}
}

static bool is_reference(const struct ir_rule *r)
{
	return r->stmts.n == 1 && r->stmts.v[0].kind == IR_VERDICT && r->stmts.v[0].verdict.target;
}

/* True if no more than root references differ, so that replacing those is enough. */
static bool only_roots(const struct ir_chain *live, const struct ir_chain *want, size_t written)
{
	if (live->rules.n != want->rules.n || written != want->rules.n)
		return false;
	for (size_t i = 0; i < want->rules.n; i++) {
		const struct ir_rule *x = &live->rules.v[i], *y = &want->rules.v[i];

		if (!same_rule(x, y) && !(is_reference(x) && is_reference(y)))
			return false;
	}
	return true;
}

/* Not `replace rule`: for that, nft 1.0.6 first reads all elements of all sets. */
static void replace_roots(const struct plan_input *in, const struct ir_chain *live,
			  const struct ir_chain *want, const struct rule_lines *rules,
			  struct buf *b)
{
	for (size_t i = 0; i < want->rules.n; i++) {
		const struct ir_rule *old = &live->rules.v[i];
		unsigned long long handle = old->handle;

		if (same_rule(old, &want->rules.v[i]))
			continue;
		put_rule(b, &rules->v[i],
			 arena_printf(in->arena, "insert rule " TABLE " %s handle %llu ",
				      want->name, handle));
		buf_printf(b, "delete rule " TABLE " %s handle %llu\n", want->name, handle);
	}
}

static bool same_rules(const struct ir_chain *x, const struct ir_chain *y)
{
	if (x->rules.n != y->rules.n)
		return false;
	if (object_shared("c:", x, y))
		return true;
	for (size_t i = 0; i < x->rules.n; i++) {
		if (!same_rule(&x->rules.v[i], &y->rules.v[i]))
			return false;
	}
	return true;
}

static void set_policy(const struct ir_chain *c, bool drop, struct buf *b)
{
	buf_printf(b, "add chain " TABLE " %s { type %s hook %s priority %d; policy %s; }\n",
		   c->name, c->base.type, c->base.hook, c->base.priority, drop ? "drop" : "accept");
}

static bool make_base(const struct plan_input *in, const char *name, struct buf *b)
{
	const struct manifest_object *o = manifest_find(in->artefact->manifest, true, name);

	buf_puts(b, "table " TABLE " {\n");
	buf_add(b, in->artefact->script.data + o->off, o->len);
	buf_puts(b, "}\n");
	return true;
}

static bool swap_chain(const struct plan_input *in, const struct ir_chain *want, struct buf *b)
{
	const struct ir_chain *live = ruleset_chain(in->live, want->name);
	struct rule_lines rules;
	bool touched = false;

	if (!live)
		return want->base.hook && make_base(in, want->name, b);
	if (want->base.hook && live->base.policy_drop != want->base.policy_drop) {
		set_policy(want, want->base.policy_drop, b);
		touched = true;
	}
	if (same_rules(live, want))
		return touched;
	rules = rules_of(in, want->name);
	if (want->base.hook && only_roots(live, want, rules.n))
		replace_roots(in, live, want, &rules, b);
	else
		refill(in, want, &rules, b);
	return true;
}

static bool has_elem(const struct ir_set *s, const char *text)
{
	struct buf b = {0};
	bool found = false;

	for (size_t i = 0; i < s->elems.n && !found; i++) {
		b.len = 0;
		emit_elem(&b, s, &s->elems.v[i]);
		found = !strcmp(buf_str(&b), text);
	}
	buf_free(&b);
	return found;
}

/* Elements of `from` that `other` lacks, one command each. */
static void put_elems(const struct ir_set *from, const struct ir_set *other, bool add,
		      struct buf *b)
{
	struct buf text = {0};

	for (size_t i = 0; i < from->elems.n; i++) {
		const struct ir_elem *e = &from->elems.v[i];

		text.len = 0;
		emit_elem(&text, from, e);
		if (has_elem(other, buf_str(&text)))
			continue;
		if (!add) {
			text.len = 0;
			emit_key(&text, from->keys, from->nkeys, e->key);
		}
		buf_printf(b, "%s element " TABLE " %s { %s }\n", add ? "add" : "delete",
			   from->name, buf_str(&text));
	}
	buf_free(&text);
}

/* nft 1.0.6 cannot delete an interface wildcard from a set. */
static bool cannot_delete(const struct ir_set *s)
{
	return s->interval && s->nkeys == 1 && field_table[s->keys[0]].format == FMT_IFNAME;
}

/* Only a hand edit makes the contents of a static set differ from its name. */
static bool mend_set(const struct plan_input *in, const struct ir_set *want, struct buf *b)
{
	const struct ir_set *live = ruleset_set(in->live, want->name);
	const struct ir_set nothing = {0};

	if (!live || want->dynamic || want->helper || want->flowtable ||
	    want->quota || same_set(want, live))
		return false;
	if (cannot_delete(want)) {
		live = &nothing;
		buf_printf(b, "flush %s " TABLE " %s\n", ir_set_word(want), want->name);
	}
	put_elems(live, want, false, b);
	put_elems(want, live, true, b);
	return true;
}

/* A base chain that the new policy does not know lets everything pass. It stays: deleting one is
 * not atomic. */
static bool empty_base(const struct plan_input *in, const struct ir_chain *live, struct buf *b)
{
	if (!live->base.hook || ruleset_chain(in->want, live->name) ||
	    (!live->rules.n && !live->base.policy_drop))
		return false;
	if (live->base.policy_drop)
		set_policy(live, false, b);
	if (live->rules.n)
		buf_printf(b, "flush chain " TABLE " %s\n", live->name);
	return true;
}

/* What is in it stays, with the time that it has left. */
static bool resize_set(const struct plan_input *in, const struct ir_set *want, struct buf *b)
{
	struct ir_set empty = *want;

	if ((!in->resizes && !want->quota) || !is_resize(in, want))
		return false;
	empty.elems = (struct ir_elems){0};
	buf_puts(b, "table " TABLE " {\n");
	emit_set(b, &empty, false);
	buf_puts(b, "}\n");
	return true;
}

void plan_swap(const struct plan_input *in, struct buf *script, struct live_names *names)
{
	struct ir_chain *const *c;
	struct ir_set *const *s;

	if (in->live->dormant) /* somebody put the table to sleep: without flags it wakes */
		buf_puts(script, "add table " TABLE "\n");
	vec_each (&in->want->sets, s) {
		if (mend_set(in, *s, script) || resize_set(in, *s, script))
			add_name(in, ir_set_word(*s), (*s)->name, names);
	}
	vec_each (&in->want->chains, c) {
		if (swap_chain(in, *c, script))
			add_name(in, "chain", (*c)->name, names);
	}
	vec_each (&in->live->chains, c) {
		if (empty_base(in, *c, script))
			add_name(in, "chain", (*c)->name, names);
	}
}

/* ---- afterwards ---- */

static bool is_dead(const struct plan_input *in, const struct map *reach, bool chain,
		    const char *name)
{
	const struct manifest_object *o;

	if (map_get(reach, arena_printf(in->arena, "%c:%s", chain ? 'c' : 's', name)))
		return false;
	if (!in->artefact)
		return chain || !ruleset_set(in->live, name)->dynamic;
	o = manifest_find(in->artefact->manifest, chain, name);
	return !o || !o->dynamic;
}

/* A chain cannot go while something jumps to it, so first the rules go, then what maps hold. */
size_t plan_collect(const struct plan_input *in, bool sets, bool chains, struct buf *script)
{
	struct map reach;
	struct ir_chain *const *c;
	struct ir_set *const *s;
	size_t n = 0;

	map_init(&reach, in->arena);
	ruleset_reach(in->live, &reach);
	vec_each (&in->live->chains, c) {
		if (!is_dead(in, &reach, true, (*c)->name))
			continue;
		n++;
		if ((*c)->rules.n)
			buf_printf(script, "flush chain " TABLE " %s\n", (*c)->name);
	}
	vec_each (&in->live->sets, s) {
		if (!sets || !is_dead(in, &reach, false, (*s)->name))
			continue;
		n++;
		if (!(*s)->helper && !(*s)->flowtable && !(*s)->quota)
			buf_printf(script, "flush %s " TABLE " %s\n", ir_set_word(*s), (*s)->name);
		buf_printf(script, "delete %s " TABLE " %s\n", ir_set_word(*s), (*s)->name);
	}
	vec_each (&in->live->chains, c) {
		if (chains && is_dead(in, &reach, true, (*c)->name))
			buf_printf(script, "delete chain " TABLE " %s\n", (*c)->name);
	}
	return n;
}
