/* SPDX-License-Identifier: GPL-2.0-or-later
 * compiled ruleset -> manifest -> JSON.
 */
#include "nft/manifest.h"

#include <string.h>

#include "inspect/pack.h"
#include "nft/digest.h"
#include "util/sha256.h"

#define MAX_TEXT 200

const char *manifest_kind_name(enum manifest_kind k)
{
	static const char *const names[] = {"set", "map", "chain", "ct helper", "flowtable",
					  "quota"};

	return names[k];
}

struct manifest_object *manifest_find(const struct manifest *m, bool chain, const char *name)
{
	return map_get(&m->by_name,
		       arena_printf(m->by_name.arena, "%c:%s", chain ? 'c' : 's', name));
}

struct manifest_object *manifest_whole(const struct manifest *m, struct manifest_object *o)
{
	if (o && o->nplaces)
		index_places(m, o);
	return o;
}

struct manifest_object *manifest_find_whole(const struct manifest *m, bool chain, const char *name)
{
	return manifest_whole(m, manifest_find(m, chain, name));
}

bool manifest_add(struct manifest *m, struct manifest_object *o)
{
	struct arena *a = m->by_name.arena;
	const char *key = arena_printf(a, "%c:%s", o->kind == OBJECT_CHAIN ? 'c' : 's', o->name);

	if (map_get(&m->by_name, key))
		return false;
	map_put(&m->by_name, key, o);
	vec_push(a, &m->objects, o);
	return true;
}

/* The words of the policy on one line. */
static const char *span_words(struct arena *a, struct span s)
{
	char *text = arena_alloc(a, MAX_TEXT + 1);
	size_t n = 0;
	bool space = false;

	for (uint32_t i = 0; s.src && i < s.len && n < MAX_TEXT - 1; i++) {
		unsigned char c = (unsigned char)s.src->text[s.off + i];

		if (c <= ' ' || c == 127) {
			space = n > 0;
			continue;
		}
		if (space)
			text[n++] = ' ';
		space = false;
		text[n++] = (char)c;
	}
	return text;
}

static struct manifest_place place_of(struct arena *a, struct span at, const char *comment)
{
	return (struct manifest_place){.at = span_where(a, at),
				       .text = comment ? comment : span_words(a, at)};
}

static const char *key_text(struct arena *a, const struct ir_set *s, const struct ir_elem *e)
{
	struct buf b = {0};
	const char *text;

	emit_key(&b, s->keys, s->nkeys, e->key);
	text = arena_strdup(a, buf_str(&b));
	buf_free(&b);
	return text;
}

static void add_set(struct arena *a, struct manifest *m, const struct ir_set *s)
{
	struct manifest_object *o = arena_new_of(a, struct manifest_object);

	o->kind = s->flowtable ? OBJECT_FLOWTABLE
		  : s->quota  ? OBJECT_QUOTA
		  : s->helper  ? OBJECT_HELPER
		  : s->is_map  ? OBJECT_MAP
			       : OBJECT_SET;
	o->name = s->name;
	o->stem = s->stem ? s->stem : s->name;
	o->off = s->text_off;
	o->len = s->text_len;
	o->dynamic = s->dynamic;
	o->place = place_of(a, s->at, NULL);
	if (s->helper || s->flowtable || s->quota)
		o->place.needs = helper_needs(a, s);
	map_init(&o->elems, a);
	for (size_t i = 0; s->is_map && i < s->elems.n; i++) {
		const struct ir_elem *e = &s->elems.v[i];
		struct manifest_place *p = arena_new_of(a, struct manifest_place);

		*p = place_of(a, e->at, e->comment);
		map_put(&o->elems, key_text(a, s, e), p);
	}
	manifest_add(m, o);
}

static void add_bulk(struct arena *a, struct manifest *m, const struct ir_set *s)
{
	if (ir_set_is_bulk(s))
		vec_push(a, &m->bulk,
			 ((struct manifest_bulk){.set = s->name,
						 .digest = s->bulk->elems->digest,
						 .of = s->bulk->of,
						 .prefix = s->bulk->prefix,
						 .n = s->bulk->elems->n,
						 .role = s->bulk->role,
						 .base = s->bulk->base}));
}

static void add_chain(struct arena *a, struct manifest *m, const struct ir_ruleset *set,
		      const struct ir_chain *c)
{
	struct manifest_object *o = arena_new_of(a, struct manifest_object);

	o->kind = OBJECT_CHAIN;
	o->name = c->name;
	o->stem = c->stem ? c->stem : c->name;
	o->off = c->text_off;
	o->len = c->text_len;
	o->base = c->base.hook != NULL;
	map_init(&o->elems, a);
	for (size_t i = 0; i < c->rules.n; i++) {
		struct manifest_place p = place_of(a, c->rules.v[i].at, c->rules.v[i].comment);

		rule_standin(a, set, &c->rules.v[i], &p.needs, &p.instead);
		vec_push(a, &o->rules, p);
	}
	manifest_add(m, o);
}

/* What is special in the directory's own name loses its meaning. */
static const char *absolute_pattern(struct arena *a, const char *cwd, const char *pattern)
{
	struct buf b = {0};
	const char *text;

	if (pattern[0] == '/')
		return pattern;
	for (const char *c = cwd; *c; c++)
		buf_printf(&b, "%s%c", strchr("*?[\\", *c) ? "\\" : "", *c);
	text = arena_printf(a, "%s/%s", buf_str(&b), pattern);
	buf_free(&b);
	return text;
}

/* The hash of it without the places in the policy. */
static const char *runtime_gist(struct arena *a, const struct buf *text)
{
	json_t *j = json_loadb(text->data, text->len, 0, NULL), *set;
	char *hex = arena_alloc(a, SHA256_HEX), *gist;
	size_t i;

	json_array_foreach(json_object_get(j, "sets"), i, set) json_object_del(set, "line");
	gist = json_dumps(j, JSON_COMPACT);
	sha256_hex(gist ? gist : "", gist ? strlen(gist) : 0, hex);
	free(gist);
	json_decref(j);
	return hex;
}

struct manifest *manifest_build(struct arena *a, const struct manifest_input *in)
{
	struct manifest *m = arena_new_of(a, struct manifest);
	char *hex = arena_alloc(a, SHA256_HEX);

	map_init(&m->by_name, a);
	map_init(&m->digests, a);
	sha256_hex(in->script->data, in->script->len, hex);
	m->version = in->version;
	m->policy = in->policy;
	m->sha256 = hex;
	m->size = in->script->len;
	if (in->inspect && in->inspect->len) {
		char *of_tables = arena_alloc(a, SHA256_HEX);

		sha256_hex(in->inspect->data, in->inspect->len, of_tables);
		m->inspect = of_tables;
		m->inspect_json = !pack_is(in->inspect->data, in->inspect->len);
	}
	if (in->runtime && in->runtime->len) {
		char *of_runtime = arena_alloc(a, SHA256_HEX);

		sha256_hex(in->runtime->data, in->runtime->len, of_runtime);
		m->runtime = of_runtime;
		m->runtime_gist = runtime_gist(a, in->runtime);
	}
	if (in->held && in->held->len && *in->held_by) {
		char *of_held = arena_alloc(a, SHA256_HEX);

		sha256_hex(in->held->data, in->held->len, of_held);
		m->held = of_held;
		m->held_by = in->held_by;
		if (!dump_digests(a, in->held->data, in->held->len, &m->digests))
			map_init(&m->digests, a);
	}
	m->forwarding = in->ruleset->forwarding;
	m->live_flows = in->ruleset->live_flows;
	for (size_t i = 0; i < in->ruleset->timeouts.n; i++) {
		const struct ir_timeout *t = &in->ruleset->timeouts.v[i];

		vec_push(a, &m->timeouts,
			 ((struct manifest_timeout){t->name, t->seconds, span_where(a, t->at)}));
	}
	m->offload = in->ruleset->offload;
	for (size_t i = 0; i < in->ruleset->zones.n; i++)
		vec_push(a, &m->zones, in->ruleset->zones.v[i]);
	m->proved = in->proved;
	for (size_t i = 0; i < in->ruleset->lacks.n; i++) {
		struct manifest_place p =
			place_of(a, in->ruleset->lacks.v[i].at, in->ruleset->lacks.v[i].text);

		p.needs = in->ruleset->lacks.v[i].needs;
		vec_push(a, &m->lacks, p);
	}
	for (size_t i = 0; i < in->nsources; i++) {
		const struct source *s = in->sources[i];
		struct manifest_source out = {.sha256 = arena_strdup(a, s->sha256)};

		out.path = s->path[0] == '/' ? s->path : arena_printf(a, "%s/%s", in->cwd, s->path);
		vec_push(a, &m->sources, out);
	}
	for (size_t i = 0; i < in->npatterns; i++)
		vec_push(a, &m->patterns, absolute_pattern(a, in->cwd, in->patterns[i]));
	for (size_t i = 0; i < in->ruleset->sets.n; i++) {
		add_set(a, m, in->ruleset->sets.v[i]);
		add_bulk(a, m, in->ruleset->sets.v[i]);
	}
	for (size_t i = 0; i < in->ruleset->chains.n; i++)
		add_chain(a, m, in->ruleset, in->ruleset->chains.v[i]);
	return m;
}

const char *manifest_proved_text(enum proved p)
{
	static const char *const words[] = {
		[PROVED] = "proved",
		[PROVED_COMPILED] = "proved, but tried in no kernel",
		[PROVED_BUDGET] = "not proved: budget",
		[PROVED_NOT] = "not proved",
	};

	return words[p];
}

/* Paths and policy words are bytes; JSON wants UTF-8. */
static json_t *text_json(const char *s)
{
	json_t *j = json_string(s);
	struct buf b = {0};

	if (j)
		return j;
	diag_show(&b, s);
	j = json_string(buf_str(&b));
	buf_free(&b);
	return j;
}

/* The file itself must be found again, whatever its name. */
static json_t *source_json(const struct manifest_source *s)
{
	json_t *j = json_pack("{s:o, s:s}", "path", text_json(s->path), "sha256", s->sha256);
	json_t *same = json_string(s->path);
	struct buf hex = {0};

	for (const char *c = s->path; !same && *c; c++)
		buf_printf(&hex, "%02x", (unsigned char)*c);
	if (!same)
		json_object_set_new(j, "bytes", json_string(buf_str(&hex)));
	json_decref(same);
	buf_free(&hex);
	return j;
}

/* One bit that a disk got wrong could turn forwarding on: the manifest has a hash of all the rest
 * of itself, which is its text without blanks, in its order. */
bool manifest_seal(const json_t *j, char hex[SHA256_HEX])
{
	json_t *rest = json_object();
	char *text;

	json_object_update(rest, (json_t *)j); /* jansson says const nowhere */
	json_object_del(rest, MANIFEST_SEAL);
	text = json_dumps(rest, JSON_COMPACT);
	if (text)
		sha256_hex(text, strlen(text), hex);
	free(text);
	json_decref(rest);
	return text;
}

static json_t *sealed(json_t *j)
{
	json_t *out = json_object();
	char hex[SHA256_HEX];

	if (manifest_seal(j, hex))
		json_object_set_new(out, MANIFEST_SEAL, json_string(hex));
	json_object_update(out, j);
	json_decref(j);
	return out;
}

static json_t *timeouts_json(const struct manifest *m)
{
	json_t *list = json_array();
	const struct manifest_timeout *t;

	vec_each (&m->timeouts, t)
		json_array_append_new(list,
				      json_pack("{s:s, s:I, s:o}", "name", t->name, "seconds",
						(json_int_t)t->seconds, "at", text_json(t->at)));
	return list;
}

static json_t *bulk_json(const struct manifest *m)
{
	json_t *list = json_array();
	const struct manifest_bulk *b;

	vec_each (&m->bulk, b) {
		json_t *j = json_pack("{s:s, s:s, s:s, s:i, s:I}", "set", b->set, "list", b->digest,
				      "of", b->of, "prefix", b->prefix, "elements",
				      (json_int_t)b->n);

		if (b->role != BULK_LIST) {
			json_object_set_new(j, "role",
					    json_string(b->role == BULK_LESS ? "less" : "more"));
			json_object_set_new(j, "base", json_string(b->base));
		}
		json_array_append_new(list, j);
	}
	return list;
}

static json_t *names_json(const struct ival *v, size_t n)
{
	json_t *names = json_array();

	for (size_t i = 0; i < n; i++) {
		struct buf b = {0};

		ifname_print(&b, v[i]);
		json_array_append_new(names, text_json(buf_str(&b)));
		buf_free(&b);
	}
	return names;
}

static json_t *zones_json(const struct manifest *m)
{
	json_t *list = json_array();
	const struct ir_zone *z;

	vec_each (&m->zones, z)
		json_array_append_new(list,
				      json_pack("{s:s, s:o}", "name", z->name, "interfaces",
						names_json(z->interfaces.v, z->interfaces.n)));
	return list;
}

static json_t *offload_json(const struct ir_offload *o)
{
	return json_pack("{s:s, s:b, s:o}", "flowtable", o->flowtable, "hardware", o->hardware,
			 "interfaces", names_json(o->interfaces.v, o->interfaces.n));
}

json_t *manifest_lacks_json(const struct manifest *m)
{
	json_t *list = json_array();
	const struct manifest_place *p;

	vec_each (&m->lacks, p)
		json_array_append_new(list,
				      json_pack("{s:o, s:o, s:s}", "at", text_json(p->at), "text",
						text_json(p->text), "needs", p->needs));
	return list;
}

static json_t *patterns_json(const struct manifest *m)
{
	json_t *list = json_array();
	const char *const *p;

	vec_each (&m->patterns, p)
		json_array_append_new(list, text_json(*p));
	return list;
}

static json_t *file_json(const char *file, const char *sha256)
{
	return json_pack("{s:s, s:s}", "file", file, "sha256", sha256);
}

static json_t *index_json(const struct manifest *m, struct buf *index)
{
	char hex[SHA256_HEX];

	index_write(m, index);
	sha256_hex(index->data, index->len, hex);
	return file_json(MANIFEST_INDEX, hex);
}

json_t *manifest_head(const struct manifest *m, struct buf *index)
{
	json_t *j = json_object(), *sources = json_array();
	const struct manifest_source *s;

	json_object_set_new(j, "format", json_integer(MANIFEST_FORMAT));
	json_object_set_new(j, "fwc", json_string(m->version));
	json_object_set_new(j, "policy", text_json(m->policy));
	json_object_set_new(j, "proof", json_string(manifest_proved_text(m->proved)));
	vec_each (&m->sources, s)
		json_array_append_new(sources, source_json(s));
	json_object_set_new(j, "sources", sources);
	if (m->patterns.n)
		json_object_set_new(j, "patterns", patterns_json(m));
	json_object_set_new(j, "script",
			    json_pack("{s:s, s:I, s:s}", "file", "ruleset.nft", "size",
				      (json_int_t)m->size, "sha256", m->sha256));
	json_object_set_new(j, "index", index_json(m, index));
	if (m->inspect)
		json_object_set_new(
			j, "inspect",
			file_json(m->inspect_json ? PACK_FILE_JSON : PACK_FILE, m->inspect));
	if (m->runtime)
		json_object_set_new(j, "runtime",
				    json_pack("{s:s, s:s, s:s}", "file", MANIFEST_RUNTIME, "sha256",
					      m->runtime, "gist", m->runtime_gist));
	if (m->held)
		json_object_set_new(j, "held",
				    json_pack("{s:s, s:s, s:s}", "file", MANIFEST_HELD, "sha256",
					      m->held, "by", m->held_by));
	json_object_set_new(j, "forwarding", json_integer(m->forwarding));
	if (m->live_flows >= 0)
		json_object_set_new(j, "live_flows", json_string(m->live_flows ? "end" : "keep"));
	if (m->timeouts.n)
		json_object_set_new(j, "timeouts", timeouts_json(m));
	if (m->bulk.n)
		json_object_set_new(j, "bulk", bulk_json(m));
	json_object_set_new(j, "zones", zones_json(m));
	if (m->offload.flowtable)
		json_object_set_new(j, "offload", offload_json(&m->offload));
	if (m->lacks.n)
		json_object_set_new(j, "lacks", manifest_lacks_json(m));
	return j;
}

json_t *manifest_sealed(json_t *head, enum proved proved)
{
	json_object_set_new(head, "proof", json_string(manifest_proved_text(proved)));
	return sealed(head);
}

json_t *manifest_json(const struct manifest *m, struct buf *index)
{
	return manifest_sealed(manifest_head(m, index), m->proved);
}
