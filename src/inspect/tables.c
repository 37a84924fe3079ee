/* SPDX-License-Identifier: GPL-2.0-or-later
 * The head of the tables -> inspectors. Every member is looked at; what is not known is refused.
 */
#include "inspect/tables.h"

#include <errno.h>
#include <string.h>

struct loader_state {
	struct tables t;
	struct buf *why;
	const char *inspector; /* at hand, for messages */
};

static bool refuse(struct loader_state *l, const char *what, const char *word)
{
	if (l->inspector)
		buf_printf(l->why, "inspector '%s': ", l->inspector);
	buf_printf(l->why, "%s", what);
	if (word)
		buf_printf(l->why, " '%s'", word);
	return false;
}

/* A string without NUL bytes (jansson takes none by default); NULL if it is absent or no string. */
static const char *text_of(const json_t *j, const char *key)
{
	return json_string_value(json_object_get(j, key));
}

static bool check_members(struct loader_state *l, const json_t *j, const char *const *known)
{
	const char *key;
	json_t *value;

	if (!json_is_object(j))
		return refuse(l, "there is something else where an object should be", NULL);
	json_object_foreach((json_t *)j, key, value)
	{
		const char *const *k = known;

		while (*k && strcmp(*k, key))
			k++;
		if (!*k)
			return refuse(l, "there is an unknown member", key);
	}
	return true;
}

static bool read_verdict(struct loader_state *l, const char *word, enum verdict *out)
{
	for (int v = VERDICT_ALLOW; word && v <= VERDICT_REJECT; v++)
		if (!strcmp(verdict_name((enum verdict)v), word)) {
			*out = (enum verdict)v;
			return true;
		}
	return refuse(l, "there is no verdict", word ? word : "");
}

static bool read_names(struct loader_state *l, const json_t *number, struct entry *e)
{
	json_int_t n = json_integer_value(number);

	if (n < 0 || n >= l->t.names->lists)
		return refuse(l, "there is no list of that number", NULL);
	e->names = arena_new_of(l->t.arena, struct namelist);
	*e->names = (struct namelist){l->t.names, (uint32_t)n, e->look == LOOK_DOMAIN};
	return true;
}

static bool read_banners(struct loader_state *l, const json_t *list, struct entry *e)
{
	size_t i;
	json_t *item;

	json_array_foreach(list, i, item)
	{
		struct banner b = {.n = json_string_length(item)};

		if (!b.n || b.n > INSPECT_NAME_MAX)
			return refuse(l, "there is a bad text", NULL);
		b.text = arena_strndup(l->t.arena, json_string_value(item), b.n);
		b.prefix = b.text[b.n - 1] == '*';
		b.n -= b.prefix;
		vec_push(l->t.arena, &e->banners, b);
	}
	return true;
}

static bool read_patterns(struct loader_state *l, const json_t *list, struct entry *e)
{
	size_t i;
	json_t *item;

	json_array_foreach(list, i, item)
	{
		struct buf flaw = {0};
		struct pattern *p;

		if (!json_is_string(item))
			return refuse(l, "a pattern is not a string", NULL);
		p = pattern_new(json_string_value(item), &flaw);
		if (!p) {
			refuse(l, "there is a bad pattern", json_string_value(item));
			buf_printf(l->why, ": %s", buf_str(&flaw));
			buf_free(&flaw);
			return false;
		}
		vec_push(l->t.arena, &e->patterns, p);
	}
	return true;
}

static bool read_list(struct loader_state *l, const json_t *j, struct entry *e)
{
	const json_t *names = json_object_get(j, "names");
	const json_t *patterns = json_object_get(j, "patterns");
	const json_t *list = json_object_get(j, "list");
	bool shared = look_has_names(e->look), payload = e->look == LOOK_PAYLOAD;
	bool banners = look_has_text(e->look);

	if (json_is_array(names) != banners || json_is_array(patterns) != payload ||
	    json_is_integer(list) != shared || !!names + !!patterns + !!list > 1)
		return refuse(l, "the list does not belong to the look", look_name(e->look));
	if (payload)
		return read_patterns(l, patterns, e);
	if (shared)
		return read_names(l, list, e);
	return !banners || read_banners(l, names, e);
}

static bool read_reply(struct loader_state *l, const json_t *words, struct entry *e)
{
	size_t i;
	json_t *item;

	if (!words)
		return true;
	if (!json_array_size(words) || e->verdict != VERDICT_DENY || !look_replies(e->look))
		return refuse(l, "an answer does not belong to the look", look_name(e->look));
	json_array_foreach(words, i, item)
	{
		const char *word = json_string_value(item);

		if (!word || dns_reply_add(&e->reply, word))
			return refuse(l, "there is a bad answer", word ? word : "");
	}
	return true;
}

static bool read_entry(struct loader_state *l, const json_t *j, struct inspector *in)
{
	static const char *const members[] = {"verdict", "look", "names", "patterns",
					      "list",	 "at",	 "text",  "answer",
					      NULL};
	const char *look, *at, *text;
	struct entry *e;

	if (!check_members(l, j, members))
		return false;
	/* In the vector first: what it holds is freed from there. */
	e = vec_add(l->t.arena, &in->entries);
	*e = (struct entry){0};
	look = text_of(j, "look");
	at = text_of(j, "at");
	text = text_of(j, "text");
	e->at = arena_strdup(l->t.arena, at ? at : "");
	e->text = arena_strdup(l->t.arena, text ? text : "");
	if (!look || !look_find(look, &e->look))
		return refuse(l, "there is no look", look ? look : "");
	return read_verdict(l, text_of(j, "verdict"), &e->verdict) && read_list(l, j, e) &&
	       read_reply(l, json_object_get(j, "answer"), e);
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Bytes in hex; NULL if it is not that. */
static const uint8_t *read_hex(struct loader_state *l, const char *s, size_t *n)
{
	size_t len = s ? strlen(s) : 0;
	uint8_t *out;

	*n = len / 2;
	if (!len || len % 2)
		return NULL;
	out = arena_alloc(l->t.arena, *n);
	for (size_t i = 0; i < len; i++) {
		if (nibble(s[i]) < 0)
			return NULL;
		out[i / 2] = (uint8_t)(out[i / 2] << 4 | nibble(s[i]));
	}
	return out;
}

static bool read_rewrite(struct loader_state *l, const json_t *j, struct inspector *in)
{
	static const char *const members[] = {"from", "to", NULL};
	struct rewrite r;
	size_t n = 0;

	if (!check_members(l, j, members))
		return false;
	r.from = read_hex(l, text_of(j, "from"), &r.n);
	r.to = read_hex(l, text_of(j, "to"), &n);
	if (!r.from || !r.to || r.n != n)
		return refuse(l, "a rewrite is not two strings of bytes of one length", NULL);
	vec_push(l->t.arena, &in->rewrites, r);
	return true;
}

static bool read_fallbacks(struct loader_state *l, const json_t *j, struct inspector *in)
{
	for (int c = 0; c < NFALLBACKS; c++) {
		const json_t *word = json_object_get(j, cause_name((enum cause)c));
		const char *s = json_string_value(word);
		const char *at = text_of(json_object_get(j, "words_at"), cause_name((enum cause)c));

		in->word_at[c] = arena_strdup(l->t.arena, at ? at : "");
		in->allow_on[c] = s && !strcmp(s, "allow");
		if (word && !in->allow_on[c] && (!s || strcmp(s, "deny") != 0))
			return refuse(l, "allow or deny should stand at",
				      cause_name((enum cause)c));
	}
	return true;
}

static bool read_inspector(struct loader_state *l, const json_t *j)
{
	static const char *const members[] = {"name",	      "entries",    "rewrites",
					      "on-error",     "on-timeout", "on-overflow",
					      "on-no-helper", "at",	    "words_at",
					      NULL};
	const json_t *entries = json_object_get(j, "entries");
	const json_t *rewrites = json_object_get(j, "rewrites");
	struct inspector *in;
	json_t *item;
	size_t i;

	if (!check_members(l, j, members))
		return false;
	if (!text_of(j, "name") || !json_is_array(entries) ||
	    (rewrites && !json_is_array(rewrites)))
		return refuse(l, "an inspector has no name or no entries", NULL);
	if (tables_find(&l->t, text_of(j, "name")))
		return refuse(l, "there are two inspectors called", text_of(j, "name"));
	in = vec_add(l->t.arena, &l->t.inspectors);
	*in = (struct inspector){.name = arena_strdup(l->t.arena, text_of(j, "name"))};
	in->at = arena_strdup(l->t.arena, text_of(j, "at") ? text_of(j, "at") : "");
	l->inspector = in->name;
	if (!read_fallbacks(l, j, in))
		return false;
	json_array_foreach(entries, i, item) if (!read_entry(l, item, in)) return false;
	json_array_foreach(rewrites, i, item) if (!read_rewrite(l, item, in)) return false;
	if (in->rewrites.n && in->entries.n)
		return refuse(l, "it both judges and rewrites", NULL);
	l->inspector = NULL;
	return true;
}

/* ---- how the kernel hands packets over ---- */

static bool number(const json_t *j, const char *key, uint32_t max, uint32_t *out)
{
	const json_t *n = json_object_get(j, key);

	*out = (uint32_t)json_integer_value(n);
	return json_is_integer(n) && json_integer_value(n) >= 0 && json_integer_value(n) <= max;
}

static bool read_queues(struct loader_state *l, const json_t *j)
{
	static const char *const members[] = {"first", "count", "on-overflow", "rewrite", NULL};
	const char *word = text_of(j, "on-overflow");
	const json_t *rewrite = json_object_get(j, "rewrite");
	uint32_t first, count;

	if (!check_members(l, j, members))
		return false;
	if (!number(j, "first", UINT16_MAX, &first) || !number(j, "count", 64, &count) || !count ||
	    first + count > UINT16_MAX + 1 || !word || !json_is_boolean(rewrite) ||
	    (strcmp(word, "allow") != 0 && strcmp(word, "deny") != 0))
		return refuse(l, "queues have missing or bad members", NULL);
	vec_push(l->t.arena, &l->t.queues,
		 ((struct table_queues){.first = (uint16_t)first,
					.count = (uint16_t)count,
					.fail_open = !strcmp(word, "allow"),
					.rewrite = json_is_true(rewrite)}));
	return true;
}

static const struct table_queues *queues_at(const struct tables *t, uint32_t first)
{
	const struct table_queues *q;

	vec_each (&t->queues, q)
		if (q->first == first)
			return q;
	return NULL;
}

static bool read_rule(struct loader_state *l, const json_t *j)
{
	static const char *const members[] = {"id", "inspector", "queue", "at", "text", NULL};
	uint32_t low = l->t.mark & -l->t.mark, queue;
	struct table_rule r = {.at = "", .text = ""};

	if (!check_members(l, j, members))
		return false;
	if (!text_of(j, "inspector") || !number(j, "id", l->t.mark / low, &r.id) || r.id < 4 ||
	    !number(j, "queue", UINT16_MAX, &queue))
		return refuse(l, "a rule has missing or bad members", NULL);
	r.inspector = tables_find(&l->t, text_of(j, "inspector"));
	r.queues = queues_at(&l->t, queue);
	if (!r.inspector || !r.queues || tables_rule(&l->t, r.id))
		return refuse(l,
			      "a rule's number is taken, or its inspector or queue unknown: "
			      "inspector",
			      text_of(j, "inspector"));
	if (text_of(j, "at"))
		r.at = arena_strdup(l->t.arena, text_of(j, "at"));
	if (text_of(j, "text"))
		r.text = arena_strdup(l->t.arena, text_of(j, "text"));
	vec_push(l->t.arena, &l->t.rules, r);
	return true;
}

static bool read_rules(struct loader_state *l, const json_t *j)
{
	const json_t *queues = json_object_get(j, "queues"), *rules = json_object_get(j, "rules");
	uint32_t run;
	json_t *item;
	size_t i;

	if (!queues && !rules && !json_object_get(j, "mark"))
		return true;
	if (!json_is_array(queues) || !json_is_array(rules) ||
	    !number(j, "mark", UINT32_MAX, &l->t.mark) || !l->t.mark)
		return refuse(l, "mark, queues and rules belong together", NULL);
	run = l->t.mark / (l->t.mark & -l->t.mark);
	if (run & (run + 1))
		return refuse(l, "the bits of the mark are not adjacent", NULL);
	json_array_foreach(queues, i, item) if (!read_queues(l, item)) return false;
	json_array_foreach(rules, i, item) if (!read_rule(l, item)) return false;
	return true;
}

static bool read_all(struct loader_state *l, const json_t *j)
{
	static const char *const members[] = {"format", "inspectors", "lists", "mark",
					      "queues", "rules",      NULL};
	const json_t *list = json_object_get(j, "inspectors");
	json_t *item;
	size_t i;

	if (!check_members(l, j, members))
		return false;
	if (json_integer_value(json_object_get(j, "format")) != PACK_FORMAT)
		return refuse(l, "the tables are of another format", NULL);
	if (!json_is_array(list))
		return refuse(l, "there is no list of inspectors", NULL);
	json_array_foreach(list, i, item) if (!read_inspector(l, item)) return false;
	return read_rules(l, j);
}

/* The bytes of names stay where they are. */
static int load_head(struct tables *out, const json_t *j, const struct pack *k, void (*step)(void),
		     struct buf *why)
{
	struct loader_state l = {.t = {.arena = arena_new()}, .why = why};
	const char *flaw;

	l.t.names = arena_new_of(l.t.arena, struct names);
	flaw = names_open(l.t.names, k->names, k->names_len, step);
	if (flaw ? !refuse(&l, "the names are damaged", flaw) : !read_all(&l, j)) {
		tables_free(&l.t);
		return -EINVAL;
	}
	*out = l.t;
	return 0;
}

int tables_open_steps(struct tables *out, const void *p, size_t n, void (*step)(void),
		      struct buf *why)
{
	struct pack k;
	json_t *j = pack_open(&k, p, n, why);
	int err = j ? load_head(out, j, &k, step, why) : -EINVAL;

	json_decref(j);
	return err;
}

int tables_open(struct tables *out, const void *p, size_t n, struct buf *why)
{
	return tables_open_steps(out, p, n, NULL, why);
}

int tables_load(struct tables *out, const json_t *j, struct buf *why)
{
	struct buf bytes = {0};
	int err = pack_json(j, &bytes, why);

	if (!err)
		err = tables_open(out, bytes.data, bytes.len, why);
	if (err)
		buf_free(&bytes);
	else
		out->own = bytes;
	return err;
}

void tables_free(struct tables *t)
{
	struct inspector *in;
	struct entry *e;

	vec_each (&t->inspectors, in)
		vec_each (&in->entries, e)
			for (size_t i = 0; i < e->patterns.n; i++)
				pattern_free(e->patterns.v[i]);
	arena_free(t->arena);
	buf_free(&t->own);
	*t = (struct tables){0};
}

const struct table_rule *tables_rule(const struct tables *t, uint32_t id)
{
	const struct table_rule *r;

	vec_each (&t->rules, r)
		if (r->id == id)
			return r;
	return NULL;
}

const struct inspector *tables_find(const struct tables *t, const char *name)
{
	const struct inspector *in;

	vec_each (&t->inspectors, in)
		if (!strcmp(in->name, name))
			return in;
	return NULL;
}
