/* SPDX-License-Identifier: GPL-2.0-or-later
 * manifest <-> bytes of its index.
 */
#include "nft/manifest.h"

#include <string.h>

#define MAGIC "fwcindex"
#define NONE UINT32_MAX

enum { HEAD_NUMBERS = 4, OBJECT_NUMBERS = 9, PLACE_NUMBERS = 5 };
enum { FLAG_DYNAMIC = 1, FLAG_BASE = 2 };

#define HEAD_BYTES (sizeof(MAGIC) - 1 + HEAD_NUMBERS * 4)
#define OBJECT_BYTES (OBJECT_NUMBERS * 4)
#define PLACE_BYTES (PLACE_NUMBERS * 4)
#define DIGEST_BYTES (4 + SHA256_BYTES)

/* ---- writing ---- */

struct writer {
	struct arena *arena;
	struct map known; /* text -> where it is, plus 1 */
	struct buf objects, places, digests, texts;
	uint32_t nplaces;
};

static void put(struct buf *out, uint32_t n)
{
	const uint8_t b[] = {(uint8_t)n, (uint8_t)(n >> 8), (uint8_t)(n >> 16), (uint8_t)(n >> 24)};

	buf_add(out, b, sizeof(b));
}

static void put_text(struct writer *w, struct buf *out, const char *text)
{
	uintptr_t at = text ? (uintptr_t)map_get(&w->known, text) : 0;

	if (text && !at) {
		at = w->texts.len + 1;
		map_put(&w->known, text, (void *)at);
		buf_add(&w->texts, text, strlen(text) + 1);
	}
	put(out, text ? (uint32_t)(at - 1) : NONE);
}

static uint32_t put_place(struct writer *w, const struct manifest_place *p, const char *key)
{
	put_text(w, &w->places, p->at);
	put_text(w, &w->places, p->text);
	put_text(w, &w->places, p->needs);
	put_text(w, &w->places, p->instead);
	put_text(w, &w->places, key);
	return w->nplaces++;
}

static void put_object(struct writer *w, const struct manifest_object *o)
{
	uint32_t own = o->kind == OBJECT_CHAIN ? NONE : put_place(w, &o->place, NULL);
	uint32_t first = w->nplaces;
	const struct manifest_place *p;
	const struct map_entry *e;

	vec_each (&o->rules, p)
		put_place(w, p, NULL);
	vec_each (&o->elems.entries, e)
		put_place(w, e->value, e->key);
	put(&w->objects, o->kind);
	put(&w->objects, (o->dynamic ? FLAG_DYNAMIC : 0) | (o->base ? FLAG_BASE : 0));
	put_text(w, &w->objects, o->name);
	put_text(w, &w->objects, o->stem);
	put(&w->objects, (uint32_t)o->off);
	put(&w->objects, (uint32_t)o->len);
	put(&w->objects, first);
	put(&w->objects, w->nplaces - first);
	put(&w->objects, own);
}

void index_write(const struct manifest *m, struct buf *out)
{
	struct writer w = {.arena = arena_new()};
	struct manifest_object *const *o;
	const struct map_entry *e;

	map_init(&w.known, w.arena);
	vec_each (&m->objects, o)
		put_object(&w, manifest_whole(m, *o));
	vec_each (&m->digests.entries, e) {
		put_text(&w, &w.digests, e->key);
		buf_add(&w.digests, e->value, SHA256_BYTES);
	}
	buf_puts(out, MAGIC);
	put(out, (uint32_t)m->objects.n);
	put(out, w.nplaces);
	put(out, (uint32_t)m->digests.entries.n);
	put(out, (uint32_t)w.texts.len);
	for (int i = 0; i < 4; i++) {
		struct buf *part = (struct buf *[]){&w.objects, &w.places, &w.digests, &w.texts}[i];

		buf_add(out, buf_str(part), part->len);
		buf_free(part);
	}
	arena_free(w.arena);
}

/* ---- reading ---- */

static uint32_t take(const char **at)
{
	const uint8_t *b = (const uint8_t *)*at;

	*at += 4;
	return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

/* NULL if there is none, or if it is not among the texts. */
static const char *take_text(const struct manifest_index *x, const char **at)
{
	uint32_t n = take(at);

	return n < x->ntexts ? x->texts + n : NULL;
}

static const char *text_or_none(const char *text)
{
	return text ? text : "";
}

static bool find_parts(struct manifest_index *x, const char *bytes, size_t n, uint32_t *nobjects,
		       uint32_t *ndigests, const char **digests)
{
	const char *at = bytes + strlen(MAGIC);
	uint64_t size;

	if (n < HEAD_BYTES || memcmp(bytes, MAGIC, strlen(MAGIC)) != 0)
		return false;
	*nobjects = take(&at);
	x->nplaces = take(&at);
	*ndigests = take(&at);
	x->ntexts = take(&at);
	size = HEAD_BYTES + (uint64_t)*nobjects * OBJECT_BYTES;
	size += (uint64_t)x->nplaces * PLACE_BYTES + (uint64_t)*ndigests * DIGEST_BYTES;
	size += x->ntexts;
	if (size != n || (x->ntexts && bytes[n - 1]))
		return false;
	x->places = at + (size_t)*nobjects * OBJECT_BYTES;
	*digests = x->places + (size_t)x->nplaces * PLACE_BYTES;
	x->texts = *digests + (size_t)*ndigests * DIGEST_BYTES;
	return true;
}

static struct manifest_place place_at(const struct manifest_index *x, uint32_t n, const char **key)
{
	const char *at = x->places + (size_t)n * PLACE_BYTES;
	struct manifest_place p;

	p.at = text_or_none(take_text(x, &at));
	p.text = text_or_none(take_text(x, &at));
	p.needs = take_text(x, &at);
	p.instead = take_text(x, &at);
	*key = text_or_none(take_text(x, &at));
	return p;
}

static bool read_object(struct arena *a, struct manifest *m, const char **at)
{
	struct manifest_object *o = arena_new_of(a, struct manifest_object);
	uint32_t kind = take(at), flags = take(at), own;
	const char *key;

	o->kind = (enum manifest_kind)kind;
	o->dynamic = flags & FLAG_DYNAMIC;
	o->base = flags & FLAG_BASE;
	o->name = text_or_none(take_text(&m->index, at));
	o->stem = text_or_none(take_text(&m->index, at));
	o->off = take(at);
	o->len = take(at);
	o->first = take(at);
	o->nplaces = take(at);
	own = take(at);
	if (kind > OBJECT_QUOTA || o->first > m->index.nplaces ||
	    o->nplaces > m->index.nplaces - o->first || (own != NONE && own >= m->index.nplaces))
		return false;
	if (own != NONE)
		o->place = place_at(&m->index, own, &key);
	else
		o->place = (struct manifest_place){.at = "", .text = ""};
	map_init(&o->elems, a);
	return manifest_add(m, o);
}

bool index_read(struct arena *a, struct manifest *m, const char *bytes, size_t n)
{
	const char *at = bytes + HEAD_BYTES, *digests;
	uint32_t nobjects, ndigests;

	if (!find_parts(&m->index, bytes, n, &nobjects, &ndigests, &digests))
		return false;
	for (uint32_t i = 0; i < nobjects; i++)
		if (!read_object(a, m, &at))
			return false;
	for (uint32_t i = 0; i < ndigests; i++) {
		const char *key = take_text(&m->index, &digests);

		map_put(&m->digests, text_or_none(key), (void *)digests);
		digests += SHA256_BYTES;
	}
	return true;
}

void index_places(const struct manifest *m, struct manifest_object *o)
{
	struct arena *a = m->by_name.arena;

	for (uint32_t i = 0; i < o->nplaces; i++) {
		const char *key;
		struct manifest_place p = place_at(&m->index, o->first + i, &key), *kept;

		if (o->kind == OBJECT_CHAIN) {
			vec_push(a, &o->rules, p);
			continue;
		}
		kept = arena_new_of(a, struct manifest_place);
		*kept = p;
		map_put(&o->elems, key, kept);
	}
	o->nplaces = 0;
}
