/* SPDX-License-Identifier: GPL-2.0-or-later
 * two rulesets -> lines that go and lines that come.
 *
 * Names of objects end in a hash of their content, so that one changed rule changes the names of
 * all that leads to it. Objects are therefore paired by stem, and rules are compared by text in
 * which names are cut to their stems: only the rule itself shows.
 */
#include "nft/diff.h"

#include <string.h>

#include "nft/diff_lcs.h"
#include "util/bulk_overlay.h"

struct whole;

struct wholes {
	struct whole **v;
	size_t n, cap;
};

struct side {
	const struct ir_ruleset *ruleset;
	const struct manifest *manifest; /* or NULL */
	const struct side *other;
	struct map reach;
	struct wholes *wholes; /* of the lists that were asked for */
};

struct differ {
	struct arena *a;
	struct side old, new;
	struct diff_lines *out;
};

/* An object, and what it consists of. */
struct object {
	const char *key, *stem;
	const struct side *side;
	const void *is; /* struct ir_chain or struct ir_set */
	bool chain, taken;
	const char *label; /* "chain lan-wan" */
	struct diff_item *items;
	size_t n;
};

struct objects {
	struct object *v;
	size_t n, cap;
};

static const char *chain_stem(const struct side *s, const char *name)
{
	const struct ir_chain *c = name ? ruleset_chain(s->ruleset, name) : NULL;

	return c ? c->stem : name;
}

static const char *set_stem(const struct side *s, const char *name)
{
	const struct ir_set *set = name ? ruleset_set(s->ruleset, name) : NULL;

	return set ? set->stem : name;
}

static struct ir_elems stem_elems(struct arena *a, const struct side *s, const struct ir_elems *in)
{
	struct ir_elems out = {0};
	const struct ir_elem *e;

	vec_each (in, e) {
		struct ir_elem copy = *e;

		copy.verdict.target = chain_stem(s, e->verdict.target);
		vec_push(a, &out, copy);
	}
	return out;
}

static void stem_stmt(struct arena *a, const struct side *side, struct ir_stmt *s)
{
	switch (s->kind) {
	case IR_MATCH:
		s->match.set = set_stem(side, s->match.set);
		break;
	case IR_VMAP:
		s->vmap.map = set_stem(side, s->vmap.map);
		s->vmap.elems = stem_elems(a, side, &s->vmap.elems);
		break;
	case IR_ADD:
		s->add.set = set_stem(side, s->add.set);
		break;
	case IR_VERDICT:
		s->verdict.target = chain_stem(side, s->verdict.target);
		break;
	case IR_HELPER:
		s->helper = set_stem(side, s->helper);
		break;
	case IR_QUOTA:
		s->quota = set_stem(side, s->quota);
		break;
	case IR_OFFLOAD:
		s->flowtable = set_stem(side, s->flowtable);
		break;
	case IR_COUNTER:
	case IR_LIMIT:
	case IR_CT_COUNT:
	case IR_LOG:
	case IR_REJECT:
	case IR_NAT:
	case IR_MSS:
	case IR_MARK:
	case IR_NOTRACK:
	case IR_LABEL:
	case IR_QUEUE:
	case IR_UNKNOWN:
		break;
	}
}

static const char *taken_text(struct arena *a, struct buf *b)
{
	const char *text = arena_strdup(a, buf_str(b));

	buf_free(b);
	return text;
}

static const char *rule_text(struct arena *a, const struct side *side, const struct ir_rule *r)
{
	struct ir_rule copy = normal_rule(a, r);
	struct buf b = {0};
	struct ir_stmt *s;

	vec_each (&copy.stmts, s)
		stem_stmt(a, side, s);
	emit_rule(&b, &copy);
	return taken_text(a, &b);
}

static const char *comment_of(const char *comment)
{
	return comment ? comment : "";
}

/* The n-th rule of a chain by the manifest, unless somebody moved rules about by hand: then the
 * words must agree. */
static struct manifest_place rule_place(const struct side *s, const struct ir_chain *c, size_t n)
{
	const struct ir_rule *r = &c->rules.v[n];
	const struct manifest_object *o =
		s->manifest ? manifest_find_whole(s->manifest, true, c->name) : NULL;
	struct manifest_place none = {.text = comment_of(r->comment)};
	const struct manifest_place *p;

	if (!o)
		return none;
	if (n < o->rules.n && (!r->comment || !strcmp(o->rules.v[n].text, r->comment)) &&
	    o->rules.n == c->rules.n)
		return o->rules.v[n];
	vec_each (&o->rules, p) {
		if (r->comment && !strcmp(p->text, r->comment))
			return *p;
	}
	return none;
}

static struct manifest_place elem_place(const struct side *side, const struct ir_set *s,
					const struct ir_elem *e)
{
	const struct manifest_object *o =
		side->manifest ? manifest_find_whole(side->manifest, false, s->name) : NULL;
	struct manifest_place *p = NULL;
	struct buf key = {0};

	if (o && o->kind == OBJECT_MAP) {
		emit_key(&key, s->keys, s->nkeys, e->key);
		p = map_get(&o->elems, buf_str(&key));
		buf_free(&key);
	}
	if (p)
		return *p;
	if (o && !s->is_map)
		return (struct manifest_place){.at = *o->place.at ? o->place.at : "(set)",
					       .text = ""};
	return (struct manifest_place){.text = comment_of(e->comment)};
}

static void add_base_item(struct arena *a, const struct ir_chain *c, struct object *o)
{
	struct buf b = {0};

	buf_printf(&b, "type %s hook %s priority %d; policy %s;", c->base.type, c->base.hook,
		   c->base.priority, c->base.policy_drop ? "drop" : "accept");
	o->items[o->n++].text = taken_text(a, &b);
}

/* What a list has changed in is told as addresses, not as rules that ask for it: unless both sides
 * have these very sets, when it is rules that differ. */
static bool is_change(const struct side *side, const struct ir_stmt *s)
{
	const struct ir_set *set = s->kind == IR_MATCH && s->match.set
					   ? ruleset_set(side->ruleset, s->match.set)
					   : NULL;

	return set && set->bulk && set->bulk->role != BULK_LIST &&
	       !ruleset_set(side->other->ruleset, set->name);
}

/* The rule as it would be of a list that has not changed; false: it would not be there. */
static bool plain_rule(struct arena *a, const struct side *side, const struct ir_rule *r,
		       struct ir_rule *out)
{
	const struct ir_stmt *s;

	*out = *r;
	out->stmts.v = NULL;
	out->stmts.n = out->stmts.cap = 0;
	vec_each (&r->stmts, s) {
		if (!is_change(side, s))
			vec_push(a, &out->stmts, *s);
		else if (s->match.op == OP_EQ)
			return false;
	}
	return true;
}

static void fill_chain(struct arena *a, struct object *o)
{
	const struct ir_chain *c = o->is;

	o->label = arena_printf(a, "chain %s", c->stem);
	o->items = arena_alloc(a, (c->rules.n + 1) * sizeof(*o->items));
	if (c->base.hook)
		add_base_item(a, c, o);
	for (size_t i = 0; i < c->rules.n; i++) {
		struct ir_rule r;

		if (!plain_rule(a, o->side, &c->rules.v[i], &r))
			continue;
		o->items[o->n].text = rule_text(a, o->side, &r);
		o->items[o->n++].place = rule_place(o->side, c, i);
	}
}

/* What a set is, on one line: "type ipv4_addr flags interval". */
static const char *set_frame(struct arena *a, const struct ir_set *s)
{
	struct ir_set frame = *s;
	struct buf b = {0}, line = {0};
	bool space = false;

	frame.elems = (struct ir_elems){0};
	/* sizes of static sets follow their elements */
	frame.size = s->dynamic ? s->size : 0;
	emit_set(&b, &frame, false);
	for (const char *p = strchr(buf_str(&b), '{') + 1; *p && *p != '}'; p++) {
		if (*p == '\n' || *p == '\t' || *p == ' ') {
			space = line.len > 0;
			continue;
		}
		if (space)
			buf_putc(&line, ' ');
		space = false;
		buf_putc(&line, *p);
	}
	buf_free(&b);
	return taken_text(a, &line);
}

/* Words that would be equal; what is unequal here may still be told with the same ones. */
static bool same_elem(const struct ir_elem *x, const struct side *of_x, const struct ir_elem *y,
		      const struct side *of_y)
{
	return x->verdict.kind == y->verdict.kind && x->has_counter == y->has_counter &&
	       x->volatile_elem == y->volatile_elem && same_text(x->comment, y->comment) &&
	       same_text(chain_stem(of_x, x->verdict.target), chain_stem(of_y, y->verdict.target));
}

/* Both are in the order of their keys. */
static struct ir_elems without_common(struct arena *a, const struct object *o,
				      const struct object *other)
{
	const struct ir_elems *mine = &((const struct ir_set *)o->is)->elems;
	const struct ir_elems *theirs = &((const struct ir_set *)other->is)->elems;
	struct ir_elems out = {0};
	const struct ir_elem *e;
	size_t i = 0;

	vec_each (mine, e) {
		while (i < theirs->n && ir_elem_cmp(&theirs->v[i], e) < 0)
			i++;
		if (i == theirs->n || ir_elem_cmp(&theirs->v[i], e) ||
		    !same_elem(e, o->side, &theirs->v[i], other->side))
			vec_push(a, &out, *e);
	}
	return out;
}

static bool is_joined(const struct ir_set *s)
{
	return s->interval && !s->is_map;
}

/* Thousands of windows: how many, and until when they are known. */
static void fill_times(struct arena *a, const struct ir_set *s, struct object *o)
{
	const struct ir_elem *last = s->elems.n ? &s->elems.v[s->elems.n - 1] : NULL;
	struct buf b = {0};

	o->label = arena_printf(a, "set %s", s->stem);
	o->items = arena_alloc(a, sizeof(*o->items));
	buf_printf(&b, "%zu windows", s->elems.n);
	if (last) {
		buf_puts(&b, ", the last of them ");
		emit_value(&b, F_TIME, last->key[0]);
	}
	o->items[o->n].text = taken_text(a, &b);
	o->items[o->n++].place = elem_place(o->side, s, &(struct ir_elem){0});
}

struct some { /* addresses */
	u128 n, first;
};

static void add_some(struct some *to, u128 lo, u128 hi)
{
	if (!to->n)
		to->first = lo;
	to->n += hi - lo + 1;
}

/* Of x what is not in y. */
static void add_only_in(struct arena *a, const struct bulk_list *x, const struct bulk_list *y,
			struct some *to)
{
	static const struct bulk_list none = {.n = 0};
	struct bulk only = bulk_without(x ? x : &none, y ? y : &none);

	bulk_settle(&only, a);
	for (size_t i = 0; i < only.v4.n; i++)
		add_some(to, only.v4.v[i].lo, only.v4.v[i].hi);
	for (size_t i = 0; i < only.v6.n; i++)
		add_some(to, only.v6.v[i].lo, only.v6.v[i].hi);
}

/* What its sets are called, be they one for each length of prefixes, or of what has changed in it:
 * "feed.v4-24", "feed.v4-less", "feed.v4". */
static const char *list_stem(struct arena *a, const struct ir_set *s)
{
	const char *dot = strrchr(s->stem, '.'), *dash = dot ? strchr(dot, '-') : NULL;

	return dash ? arena_strndup(a, s->stem, (size_t)(dash - s->stem)) : s->stem;
}

/* A list of that name, and which of its sets is the first. */
struct whole {
	const char *stem;
	enum family family;
	VEC(const struct bulk_list *) parts; /* of the base */
	struct bulk_overlay is;
	const struct bulk_list *sum; /* NULL: nobody has asked for it */
	const struct ir_set *first;
};

static void add_to_whole(struct arena *a, struct whole *w, const struct ir_set *s)
{
	if (s->bulk->role == BULK_LESS) {
		w->is.less = s->bulk->elems;
		return;
	}
	if (s->bulk->role == BULK_MORE) {
		w->is.more = s->bulk->elems;
		return;
	}
	if (!w->first)
		w->first = s;
	vec_push(a, &w->parts, s->bulk->elems);
}

static struct whole *whole_of(struct arena *a, const struct side *side, const char *stem,
			      enum family family)
{
	const struct map_entry *e;
	struct whole *w, *const *known;

	vec_each (side->wholes, known)
		if ((*known)->family == family && !strcmp((*known)->stem, stem))
			return *known;
	w = arena_new_of(a, struct whole);
	vec_push(a, side->wholes, w);
	w->stem = stem;
	w->family = family;
	vec_each (&side->reach.entries, e) {
		const struct ir_set *s = e->key[0] == 's' ? e->value : NULL;

		if (s && ir_set_is_bulk(s) && s->bulk->elems->family == family &&
		    !strcmp(list_stem(a, s), stem))
			add_to_whole(a, w, s);
	}
	return w;
}

/* All that is in it. */
static const struct bulk_list *sum_of(struct arena *a, struct whole *w)
{
	const struct bulk_list *const *part;
	struct bulk base = {0};

	if (w->sum)
		return w->sum;
	if (w->parts.n == 1) {
		w->is.base = w->parts.v[0];
	} else {
		vec_each (&w->parts, part)
			bulk_add_list(&base, *part);
		bulk_settle(&base, a);
		w->is.base = bulk_list(a, &base, w->family);
	}
	w->sum = w->is.less || w->is.more ? bulk_overlay_sum(a, &w->is) : w->is.base;
	return w->sum;
}

static bool has_changed(const struct whole *w)
{
	return w->is.less || w->is.more;
}

static bool has_part(const struct whole *w, const struct bulk_list *part)
{
	const struct bulk_list *const *p;

	vec_each (&w->parts, p)
		if (!strcmp((*p)->digest, part->digest))
			return true;
	return false;
}

static bool same_base(const struct whole *x, const struct whole *y)
{
	const struct bulk_list *const *part;

	vec_each (&x->parts, part)
		if (!has_part(y, *part))
			return false;
	return x->parts.n == y->parts.n;
}

/* Of a base that both have, nothing but what is different need be looked at: of it one lacks what
 * the other does not, or has more. */
static struct some only_here(struct arena *a, struct whole *here, struct whole *there)
{
	struct some some = {0}, more = {0};

	if (!same_base(here, there)) {
		add_only_in(a, sum_of(a, here), sum_of(a, there), &some);
		return some;
	}
	add_only_in(a, there->is.less, here->is.less, &some);
	add_only_in(a, here->is.more, there->is.more, &more);
	if (!some.n || (more.n && more.first < some.first))
		some.first = more.first;
	some.n += more.n;
	return some;
}

/* Of a list what it has that the other one has not: it may be a million. */
static void fill_bulk(struct arena *a, struct object *o)
{
	const struct ir_set *s = o->is;
	enum family family = s->bulk->elems->family;
	const char *stem = list_stem(a, s);
	struct whole *here = whole_of(a, o->side, stem, family);
	struct whole *there = whole_of(a, o->side->other, stem, family);
	struct some some = {0};
	struct buf b = {0};

	o->label = arena_printf(a, "set %s", stem);
	o->items = arena_alloc(a, sizeof(*o->items));
	if (!has_changed(here) && !has_changed(there))
		add_only_in(a, s->bulk->elems, sum_of(a, there), &some);
	else if (here->first == s) /* all of it with the first of its sets */
		some = only_here(a, here, there);
	if (!some.n)
		return;
	if (some.n > INT64_MAX)
		buf_puts(&b, "very many");
	else
		buf_thousands(&b, (uint64_t)some.n);
	buf_puts(&b, some.n == 1 ? " address, " : " addresses, the first ");
	addr_print(&b, family, some.first);
	o->items[o->n].addresses = some.n > INT64_MAX ? INT64_MAX : (uint64_t)some.n;
	o->items[o->n].text = taken_text(a, &b);
	o->items[o->n++].place = elem_place(o->side, s, &(struct ir_elem){0});
}

static bool is_list(const struct object *o)
{
	return !o || ir_set_is_bulk(o->is);
}

/* other: what it becomes, or NULL; most of their elements are the same, and need no words. */
static void fill_set(struct arena *a, const struct object *other, struct object *o)
{
	struct ir_set s = *(const struct ir_set *)o->is;
	const struct ir_elem *e;

	/* where neighbours are joined, what is said of an element depends on others */
	if (other && !is_joined(&s) && !is_joined(other->is))
		s.elems = without_common(a, o, other);
	s = normal_set(a, &s);
	if (s.nkeys == 1 && s.keys[0] == F_TIME) { /* its rules say which windows these are */
		fill_times(a, &s, o);
		return;
	}
	s.elems = stem_elems(a, o->side, &s.elems);
	o->label = arena_printf(a, "%s %s", ir_set_word(&s), s.stem);
	o->items = arena_alloc(a, (s.elems.n + 1) * sizeof(*o->items));
	o->items[o->n].text = set_frame(a, &s);
	o->items[o->n].frame = true;
	o->items[o->n++].place = elem_place(o->side, &s, &(struct ir_elem){0});
	vec_each (&s.elems, e) {
		struct buf b = {0};

		emit_elem(&b, &s, e);
		o->items[o->n].text = taken_text(a, &b);
		o->items[o->n++].place = elem_place(o->side, &s, e);
	}
}

static void fill(struct arena *a, const struct object *other, struct object *o)
{
	if (o->chain)
		fill_chain(a, o);
	else if (is_list(o) && is_list(other))
		fill_bulk(a, o);
	else
		fill_set(a, other, o);
}

/* A base chain that an earlier policy needed: base chains are emptied, never deleted. */
static bool is_idle(const struct ir_chain *c)
{
	return c->base.hook && !c->rules.n && !c->base.policy_drop;
}

/* What is different in a list is told of the list. */
static bool is_small(const struct ir_set *s)
{
	return s->bulk && s->bulk->role != BULK_LIST;
}

/* What is known to be the same on both sides is not looked at. */
static void collect(struct arena *a, const struct side *s, const struct side *other,
		    struct objects *out)
{
	const struct map_entry *e;

	vec_each (&s->reach.entries, e) {
		bool chain = e->key[0] == 'c';
		struct object o = {.key = e->key,
				   .stem = chain ? ((const struct ir_chain *)e->value)->stem
						 : ((const struct ir_set *)e->value)->stem,
				   .side = s,
				   .is = e->value,
				   .chain = chain};

		if (chain && is_idle(e->value))
			continue;
		if (!chain && is_small(e->value))
			continue;
		if (object_shared(e->key, e->value, map_get(&other->reach, e->key)))
			continue;
		vec_push(a, out, o);
	}
}

static void put(struct differ *d, char sign, const struct object *o, const struct diff_item *i)
{
	struct diff_line line = {
		.sign = sign, .object = o->label, .place = i->place, .nft = i->text,
		.addresses = i->addresses};

	vec_push(d->a, d->out, line);
}

static void put_pair(struct differ *d, struct object *x, struct object *y)
{
	struct diff_steps steps = {0};
	const struct diff_step *s;

	fill(d->a, y, x);
	fill(d->a, x, y);
	diff_items(d->a, x->items, x->n, y->items, y->n, x->chain, &steps);
	vec_each (&steps, s)
		put(d, s->sign, s->sign == '-' ? x : y, s->item);
}

/* An object that comes or goes as a whole: its elements, or its frame if it has none. */
static void put_all(struct differ *d, char sign, struct object *o)
{
	fill(d->a, NULL, o);
	for (size_t i = 0; i < o->n; i++) {
		if (!o->items[i].frame || o->n == 1)
			put(d, sign, o, &o->items[i]);
	}
}

static struct object *find(struct objects *in, const struct object *like, bool by_key)
{
	struct object *o;

	vec_each (in, o) {
		if (o->taken || o->chain != like->chain)
			continue;
		if (!strcmp(by_key ? o->key : o->stem, by_key ? like->key : like->stem))
			return o;
	}
	return NULL;
}

static void pair_up(struct differ *d, struct objects *old, struct objects *new, bool by_key)
{
	struct object *n, *o;

	vec_each (new, n) {
		o = n->taken ? NULL : find(old, n, by_key);
		if (!o)
			continue;
		n->taken = o->taken = true;
		put_pair(d, o, n);
	}
}

void diff_rulesets(struct arena *a, const struct ir_ruleset *old, const struct manifest *oldm,
		   const struct ir_ruleset *new, const struct manifest *newm,
		   struct diff_lines *out)
{
	struct differ d = {.a = a,
			   .old = {.ruleset = old, .manifest = oldm},
			   .new = {.ruleset = new, .manifest = newm},
			   .out = out};
	struct objects left = {0}, right = {0};
	struct object *o;

	d.old.other = &d.new;
	d.new.other = &d.old;
	d.old.wholes = arena_new_of(a, struct wholes);
	d.new.wholes = arena_new_of(a, struct wholes);
	map_init(&d.old.reach, a);
	map_init(&d.new.reach, a);
	ruleset_reach(old, &d.old.reach);
	ruleset_reach(new, &d.new.reach);
	collect(a, &d.old, &d.new, &left);
	collect(a, &d.new, &d.old, &right);
	pair_up(&d, &left, &right, true);
	pair_up(&d, &left, &right, false);
	vec_each (&left, o) {
		if (!o->taken)
			put_all(&d, '-', o);
	}
	vec_each (&right, o) {
		if (!o->taken)
			put_all(&d, '+', o);
	}
}
