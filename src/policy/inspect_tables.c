/* SPDX-License-Identifier: GPL-2.0-or-later
 * Inspectors of a policy without errors -> the tables that inspect/tables.h describes, and the file
 * of them.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "inspect/inspector.h"
#include "inspect/pack.h"
#include "lang/lang.h"
#include "policy/resolve.h"

static void put_text(json_t *to, const char *key, const char *s)
{
	json_object_set_new(to, key, json_string(s));
}

/* "||example.org^" is two names; this is the second. */
static bool all_below(char out[NAMELIST_NAME], const struct name_said *x)
{
	if (x->below && x->s[0] != '*')
		snprintf(out, NAMELIST_NAME, "*.%.*s", (int)x->n, x->s);
	return x->below && x->s[0] != '*';
}

static json_t *list_json(const struct ast_inspector_entry *e)
{
	json_t *list = json_array();

	for (size_t i = 0; i < e->strings.n; i++)
		json_array_append_new(list, json_string(e->strings.v[i].s));
	for (size_t i = 0; i < e->contents.n; i++) {
		const struct source *src = e->contents.v[i];
		char below[NAMELIST_NAME];
		struct name_said x;
		size_t off = 0;

		while (namelist_line(src->text, src->len, &off, &x)) {
			json_array_append_new(list, json_stringn(x.s, x.n));
			if (all_below(below, &x))
				json_array_append_new(list, json_string(below));
		}
	}
	return list;
}

/* The lists that were written, so that one that is used again is not written again. */
struct writing {
	const struct policy *p;
	struct names_writer *w; /* NULL: names stay in the JSON */
	struct arena *arena;
	VEC(const struct ast_inspector_entry *) lists;
};

static bool same_list(const struct ast_inspector_entry *x, const struct ast_inspector_entry *y)
{
	if (x->strings.n != y->strings.n || x->contents.n != y->contents.n)
		return false;
	for (size_t i = 0; i < x->strings.n; i++)
		if (strcmp(x->strings.v[i].s, y->strings.v[i].s) != 0)
			return false;
	for (size_t i = 0; i < x->contents.n; i++) {
		const struct source *a = x->contents.v[i], *b = y->contents.v[i];

		if (a->len != b->len || memcmp(a->text, b->text, a->len) != 0)
			return false;
	}
	return true;
}

static size_t list_number(struct writing *x, const struct ast_inspector_entry *e)
{
	for (size_t i = 0; i < x->lists.n; i++)
		if (same_list(x->lists.v[i], e))
			return i;
	vec_push(x->arena, &x->lists, e);
	names_writer_list(x->w);
	for (size_t i = 0; i < e->strings.n; i++)
		names_writer_add(x->w, e->strings.v[i].s, strlen(e->strings.v[i].s));
	for (size_t i = 0; i < e->contents.n; i++) {
		const struct source *src = e->contents.v[i];
		char below[NAMELIST_NAME];
		struct name_said name;
		size_t off = 0;

		while (namelist_line(src->text, src->len, &off, &name)) {
			names_writer_add(x->w, name.s, name.n);
			if (all_below(below, &name))
				names_writer_add(x->w, below, strlen(below));
		}
	}
	return x->lists.n - 1;
}

static void put_list(struct writing *x, json_t *to, const struct ast_inspector_entry *e,
		     const char *word)
{
	enum look look;

	if (x->w && look_find(word, &look) && look_has_names(look))
		json_object_set_new(to, "list", json_integer((json_int_t)list_number(x, e)));
	else
		json_object_set_new(to, strcmp(word, "payload") ? "names" : "patterns",
				    list_json(e));
}

static json_t *entry_json(struct writing *x, const struct ast_inspector_entry *e)
{
	const char *look = e->what.s ? e->what.s : "any";
	json_t *j = json_object();
	struct buf text = {0};

	put_text(j, "verdict", e->reject ? "reject" : e->deny ? "deny" : "allow");
	put_text(j, "look", look);
	if (e->strings.n + e->files.n)
		put_list(x, j, e, look);
	if (e->answer.n)
		json_object_set_new(j, "answer", json_array());
	for (size_t i = 0; i < e->answer.n; i++)
		json_array_append_new(json_object_get(j, "answer"),
				      json_string(e->answer.v[i].s));
	put_text(j, "at", span_where(x->p->arena, e->span));
	ast_print_entry(&text, e);
	put_text(j, "text", buf_str(&text));
	buf_free(&text);
	return j;
}

static json_t *hex(const struct policy *p, const char *s)
{
	struct buf out = {0};
	size_t n;
	const uint8_t *bytes = inspect_bytes(p->arena, s, &n);
	json_t *j;

	for (size_t i = 0; i < n; i++)
		buf_printf(&out, "%02x", bytes[i]);
	j = json_string(buf_str(&out));
	buf_free(&out);
	return j;
}

static json_t *rewrite_json(const struct policy *p, const struct ast_inspector_entry *e)
{
	json_t *j = json_object();

	json_object_set_new(j, "from", hex(p, e->strings.v[0].s));
	json_object_set_new(j, "to", hex(p, e->strings.v[1].s));
	return j;
}

static json_t *inspector_json(struct writing *x, const struct ast_inspector *in)
{
	json_t *j = json_object(), *entries = json_array(), *rewrites = json_array();
	json_t *words = json_object();

	put_text(j, "name", in->name.s);
	put_text(j, "at", span_where(x->p->arena, in->name.span));
	for (size_t i = 0; i < in->n; i++) {
		const struct ast_inspector_line *line = &in->v[i];

		if (line->is_comment)
			continue;
		if (line->is_word) {
			put_text(j, line->word.what.s, line->word.allow ? "allow" : "deny");
			put_text(words, line->word.what.s,
				 span_where(x->p->arena, line->word.what.span));
		} else if (line->entry.what.s && !strcmp(line->entry.what.s, "rewrite")) {
			json_array_append_new(rewrites, rewrite_json(x->p, &line->entry));
		} else {
			json_array_append_new(entries, entry_json(x, &line->entry));
		}
	}
	json_object_set_new(j, "words_at", words);
	json_object_set_new(j, "entries", entries);
	json_object_set_new(j, "rewrites", rewrites);
	return j;
}

static bool has_queues(const json_t *list, uint16_t first)
{
	json_t *j;
	size_t i;

	json_array_foreach((json_t *)list, i, j) if (json_integer_value(json_object_get(
							     j, "first")) == first) return true;
	return false;
}

/* What the kernel is told of the same: lower_inspect.c. */
static void put_rules(const struct policy *p, json_t *to)
{
	json_t *queues = json_array(), *rules = json_array();

	for (size_t i = 0; i < p->rules.n; i++) {
		const struct rule *rule = &p->rules.v[i];
		const struct inspected *how = rule->inspected;
		json_t *j;

		if (!how)
			continue;
		if (!has_queues(queues, how->first))
			json_array_append_new(queues,
					      json_pack("{s:i, s:i, s:s, s:b}", "first", how->first,
							"count", how->count, "on-overflow",
							how->fail_open ? "allow" : "deny",
							"rewrite", how->rewrite));
		j = json_pack("{s:i, s:s, s:i}", "id", (int)how->id, "inspector", rule->inspector,
			      "queue", how->first);
		put_text(j, "at", span_where(p->arena, rule->span));
		put_text(j, "text", rule->text);
		json_array_append_new(rules, j);
	}
	json_object_set_new(to, "mark", json_integer(p->inspection.mask));
	json_object_set_new(to, "queues", queues);
	json_object_set_new(to, "rules", rules);
}

static json_t *all_json(struct writing *x)
{
	const struct policy *p = x->p;
	json_t *j = json_object(), *list = json_array();

	json_object_set_new(j, "format", json_integer(1));
	for (size_t i = 0; i < p->inspectors.n; i++)
		json_array_append_new(list, inspector_json(x, p->inspectors.v[i]));
	json_object_set_new(j, "inspectors", list);
	if (p->first_inspect.src)
		put_rules(p, j);
	return j;
}

json_t *policy_inspect_tables(const struct policy *p)
{
	struct writing x = {.p = p};

	return all_json(&x);
}

bool policy_inspect_pack(const struct policy *p, struct buf *out)
{
	struct writing x = {.p = p, .w = names_writer_new(), .arena = p->arena};
	json_t *head = all_json(&x);
	bool ok = pack_write(head, x.w, out);

	json_decref(head);
	names_writer_free(x.w);
	return ok;
}
