/* SPDX-License-Identifier: GPL-2.0-or-later
 * Lists of names -> the table of namelist.h. A name is of the class of all lists that it is in, so
 * that it stands there once: to add it to another list moves it to another class.
 */
#include <endian.h>
#include <nettle/sha2.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/namelist.h"
#include "util/cleanup.h"

#define CLASSES_MAX (1u << 24)
#define BYTES_MAX (1u << 30)

struct slot {
	uint32_t at; /* in the text, plus 1; 0: free */
	uint32_t hash; /* so that another text is seldom looked at */
};

struct class { /* the lists of another class, and one more; of class 0: none */
	uint32_t parent, list;
};

/* A slot is in no cache: it is fetched while the names before it are added. */
#define AHEAD 16

struct pending {
	uint32_t n, hash;
	char name[NAMELIST_NAME];
};

struct names_writer {
	struct pending ahead[AHEAD];
	uint32_t added, asked; /* names of all lists: those in between are pending */
	struct buf text;
	struct buf slots; /* struct slot */
	uint32_t nslots, used;
	struct buf classes; /* struct class */
	struct buf with; /* uint32_t, by class: that one and the list of now; 0: none yet */
	uint32_t first; /* class that has the list of now */
	struct buf said; /* struct names_said, of those that are complete */
	uint32_t lists, count;
	struct sha256_ctx sha;
	bool full;
};

static uint32_t *numbers(struct buf *b)
{
	return (uint32_t *)(void *)b->data;
}

static struct slot *slots_of(struct names_writer *w)
{
	return (struct slot *)(void *)w->slots.data;
}

static uint32_t nclasses(const struct names_writer *w)
{
	return (uint32_t)(w->classes.len / sizeof(struct class));
}

static uint32_t get(const struct names_writer *w, uint32_t at)
{
	uint32_t v;

	memcpy(&v, w->text.data + at, sizeof(v));
	return le32toh(v);
}

static void set(struct names_writer *w, uint32_t at, uint32_t v)
{
	v = htole32(v);
	memcpy(w->text.data + at, &v, sizeof(v));
}

static void zeros(struct buf *b, size_t n)
{
	static const char none[4096];

	if (n > sizeof(none))
		buf_reserve(b, n);
	for (; n > sizeof(none); n -= sizeof(none))
		buf_add(b, none, sizeof(none));
	buf_add(b, none, n);
}

static uint32_t add_class(struct names_writer *w, uint32_t parent)
{
	struct class c = {parent, w->lists - 1};

	buf_add(&w->classes, &c, sizeof(c));
	zeros(&w->with, sizeof(uint32_t));
	return nclasses(w) - 1;
}

struct names_writer *names_writer_new(void)
{
	struct names_writer *w = calloc(1, sizeof(*w));

	if (!w)
		abort();
	w->nslots = 4;
	zeros(&w->slots, w->nslots * sizeof(struct slot));
	add_class(w, 0);
	return w;
}

void names_writer_free(struct names_writer *w)
{
	if (!w)
		return;
	buf_free(&w->text);
	buf_free(&w->slots);
	buf_free(&w->classes);
	buf_free(&w->with);
	buf_free(&w->said);
	free(w);
}

/* The slot of that text, or the free one where it belongs. */
static struct slot *find(struct names_writer *w, const char *s, size_t n, uint32_t hash)
{
	struct slot *slots = slots_of(w);
	uint32_t mask = w->nslots - 1, i = hash & mask;

	for (; slots[i].at; i = (i + 1) & mask) {
		const char *have = w->text.data + slots[i].at - 1;

		if (slots[i].hash == hash && (uint8_t)have[0] == n && !memcmp(have + 4, s, n))
			break;
	}
	return &slots[i];
}

static void insert(struct names_writer *w, struct slot x)
{
	struct slot *slots = slots_of(w);
	uint32_t mask = w->nslots - 1, i = x.hash & mask;

	while (slots[i].at)
		i = (i + 1) & mask;
	slots[i] = x;
}

static void grow(struct names_writer *w)
{
	_cleanup_buf_ struct buf was = w->slots;
	const struct slot *x = (const struct slot *)(const void *)was.data;

	w->slots = (struct buf){0};
	zeros(&w->slots, 2 * w->nslots * sizeof(struct slot));
	w->nslots *= 2;
	for (uint32_t i = 0; i < w->nslots / 2; i++)
		if (x[i].at)
			insert(w, x[i]);
}

/* The text of a new name, of no list yet, for which that slot is free; where it lies. */
static uint32_t put(struct names_writer *w, const struct pending *x, struct slot *slot)
{
	uint32_t at = (uint32_t)w->text.len, head = htole32(x->n);

	*slot = (struct slot){at + 1, x->hash};
	buf_add(&w->text, &head, sizeof(head));
	buf_add(&w->text, x->name, x->n);
	if (2 * ++w->used > w->nslots)
		grow(w);
	return at;
}

/* As it stands in the text; its length. */
static size_t canonical(char *out, const char *s, size_t n)
{
	if (n && s[n - 1] == '.')
		n--;
	if (n && s[0] == '*') {
		s++;
		n--;
	}
	for (size_t i = 0; i < n; i++)
		out[i] = (char)(s[i] >= 'A' && s[i] <= 'Z' ? s[i] | 0x20 : s[i]);
	out[n] = '\0';
	return n;
}

static void add(struct names_writer *w, const struct pending *x)
{
	uint32_t at, class, *with;
	struct slot *slot = find(w, x->name, x->n, x->hash);

	w->full |= w->text.len > BYTES_MAX || nclasses(w) >= CLASSES_MAX;
	if (w->full)
		return;
	at = slot->at ? slot->at - 1 : put(w, x, slot);
	class = get(w, at) >> 8;
	if (class >= w->first)
		return; /* it is in this list */
	with = numbers(&w->with) + class;
	if (!*with) {
		uint32_t made = add_class(w, class);

		numbers(&w->with)[class] = made;
		with = numbers(&w->with) + class;
	}
	set(w, at, *with << 8 | x->n);
	w->count++;
	sha256_update(&w->sha, x->n + 1, (const uint8_t *)x->name);
}

static void add_pending(struct names_writer *w, uint32_t but)
{
	while (w->asked - w->added > but)
		add(w, &w->ahead[w->added++ % AHEAD]);
}

static void end_list(struct names_writer *w)
{
	struct names_said x = {0};
	uint8_t digest[SHA256_DIGEST_SIZE];

	add_pending(w, 0);
	x.count = w->count;
	sha256_digest(&w->sha, sizeof(digest), digest);
	for (size_t i = 0; i < sizeof(digest); i++) {
		x.sha256[2 * i] = "0123456789abcdef"[digest[i] >> 4];
		x.sha256[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
	}
	buf_add(&w->said, &x, sizeof(x));
}

uint32_t names_writer_list(struct names_writer *w)
{
	if (w->lists)
		end_list(w);
	sha256_init(&w->sha);
	w->count = 0;
	memset(w->with.data, 0, w->with.len);
	w->first = nclasses(w);
	return w->lists++;
}

void names_writer_add(struct names_writer *w, const char *s, size_t n)
{
	struct pending *x;

	add_pending(w, AHEAD - 1);
	x = &w->ahead[w->asked++ % AHEAD];
	x->n = (uint32_t)canonical(x->name, s, n);
	x->hash = names_hash(x->name, x->n);
	__builtin_prefetch(slots_of(w) + (x->hash & (w->nslots - 1)));
}

struct names_said names_writer_said(const struct names_writer *w, uint32_t list)
{
	return ((const struct names_said *)(const void *)w->said.data)[list];
}

uint32_t names_writer_lists(const struct names_writer *w)
{
	return w->lists;
}

static void number(struct buf *out, size_t v)
{
	uint32_t n = htole32((uint32_t)v);

	buf_add(out, &n, sizeof(n));
}

static void put_rows(const struct names_writer *w, struct buf *out)
{
	const struct class *c = (const struct class *)(const void *)w->classes.data;
	size_t row = w->lists / 8 + !!(w->lists % 8), begin = out->len;

	zeros(out, ((size_t)nclasses(w) * row + 3) / 4 * 4);
	for (uint32_t i = 1; i < nclasses(w); i++) {
		char *bits = out->data + begin + i * row;

		/* a parent is older than its children */
		memcpy(bits, out->data + begin + c[i].parent * row, row);
		bits[c[i].list / 8] = (char)(bits[c[i].list / 8] | 1 << c[i].list % 8);
	}
}

static void put_slots(struct names_writer *w, struct buf *out)
{
	const struct slot *slots = slots_of(w);

	for (uint32_t i = 0; i < w->nslots; i++) {
		uint32_t at = htole32(slots[i].at);

		memcpy(out->data + out->len, &at, sizeof(at)); /* there is room */
		out->len += sizeof(at);
	}
}

bool names_writer_end(struct names_writer *w)
{
	size_t row = w->lists / 8 + !!(w->lists % 8);

	if (w->lists && w->said.len < w->lists * sizeof(struct names_said))
		end_list(w);
	return !w->full && (uint64_t)nclasses(w) * row <= BYTES_MAX;
}

void names_writer_put(struct names_writer *w, struct buf *out)
{
	size_t row = w->lists / 8 + !!(w->lists % 8);

	buf_reserve(out, 64 + nclasses(w) * row + w->nslots * sizeof(uint32_t) + w->text.len);
	number(out, w->text.len);
	number(out, w->nslots);
	number(out, w->lists);
	number(out, nclasses(w));
	put_rows(w, out);
	put_slots(w, out);
	buf_add(out, w->text.len ? w->text.data : "", w->text.len);
}
