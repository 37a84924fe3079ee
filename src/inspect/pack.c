/* SPDX-License-Identifier: GPL-2.0-or-later
 * Tables <-> the file that has them, and the JSON that fwc 0.1 had in its place.
 */
#include "inspect/pack.h"

#include <endian.h>
#include <errno.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/inspector.h"
#include "util/cleanup.h"
#include "util/hex.h"

static const char magic[8] = {'f', 'w', 'c', 't', 'a', 'b', 'l', '2'};

bool pack_is(const void *p, size_t n)
{
	return n >= sizeof(magic) && !memcmp(p, magic, sizeof(magic));
}

const char *pack_file(const void *p, size_t n)
{
	return pack_is(p, n) ? PACK_FILE : PACK_FILE_JSON;
}

static uint32_t number_at(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static const char *lengths(struct pack *out, const uint8_t *p, size_t n)
{
	if (!pack_is(p, n))
		return "these are not tables, or they have a later format";
	if (n < PACK_HEAD)
		return "they are cut off";
	out->head_len = number_at(p + 8);
	out->names_len = number_at(p + 12);
	if ((uint64_t)PACK_HEAD + out->head_len + out->names_len != n)
		return "they are not as long as they say";
	out->head = p + PACK_HEAD;
	out->names = out->head + out->head_len;
	return NULL;
}

json_t *pack_open(struct pack *out, const void *p, size_t n, struct buf *why)
{
	const char *flaw = lengths(out, p, n);
	json_error_t e;
	json_t *j;

	if (flaw) {
		buf_puts(why, flaw);
		return NULL;
	}
	j = json_loadb((const char *)out->head, out->head_len, JSON_REJECT_DUPLICATES, &e);
	if (!j)
		buf_printf(why, "their head is damaged: %s", e.text);
	return j;
}

static void digest(const uint8_t *p, size_t n, uint8_t out[SHA256_DIGEST_SIZE])
{
	struct sha256_ctx c;

	sha256_init(&c);
	sha256_update(&c, 32, p);
	sha256_update(&c, n - PACK_HEAD, p + PACK_HEAD);
	sha256_digest(&c, SHA256_DIGEST_SIZE, out);
}

const char *pack_flaw(const void *p, size_t n)
{
	uint8_t is[SHA256_DIGEST_SIZE];
	struct pack k;
	const char *flaw = lengths(&k, p, n);

	if (flaw)
		return flaw;
	digest(p, n, is);
	return memcmp(is, (const uint8_t *)p + 32, sizeof(is)) ? "they are not what was written"
							       : NULL;
}

void pack_hash(const void *p, char out[SHA256_HEX])
{
	hex_put(out, (const uint8_t *)p + 32, SHA256_DIGEST_SIZE);
}

static json_t *lists_json(struct names_writer *w)
{
	json_t *lists = json_array();

	for (uint32_t i = 0; i < names_writer_lists(w); i++) {
		struct names_said x = names_writer_said(w, i);

		json_array_append_new(lists, json_pack("{s:I, s:s}", "names", (json_int_t)x.count,
						       "sha256", x.sha256));
	}
	return lists;
}

static void set_number(struct buf *b, size_t at, size_t v)
{
	uint32_t n = htole32((uint32_t)v);

	memcpy(b->data + at, &n, sizeof(n));
}

bool pack_write(json_t *head, struct names_writer *w, struct buf *out)
{
	static const uint8_t zeros[PACK_HEAD];
	_cleanup_free_ char *text = NULL;
	size_t begin = out->len, head_len, names_len;

	if (!names_writer_end(w))
		return false;
	json_object_set_new(head, "format", json_integer(PACK_FORMAT));
	json_object_set_new(head, "lists", lists_json(w));
	text = json_dumps(head, JSON_COMPACT);
	if (!text)
		return false;
	buf_add(out, magic, sizeof(magic));
	buf_add(out, zeros + sizeof(magic), PACK_HEAD - sizeof(magic));
	buf_puts(out, text);
	while ((out->len - begin) % 4)
		buf_putc(out, ' ');
	head_len = out->len - begin - PACK_HEAD;
	names_writer_put(w, out);
	names_len = out->len - begin - PACK_HEAD - head_len;
	set_number(out, begin + 8, head_len);
	set_number(out, begin + 12, names_len);
	digest((uint8_t *)out->data + begin, out->len - begin, (uint8_t *)out->data + begin + 32);
	return head_len + names_len < UINT32_MAX;
}

/* ---- JSON of fwc 0.1 ---- */

static int refuse(struct buf *why, const json_t *inspector, const char *name, const char *flaw)
{
	const char *s = json_string_value(json_object_get(inspector, "name"));

	if (s)
		buf_printf(why, "inspector '%s': ", s);
	buf_printf(why, "there is a bad name '%s': %s", name, flaw);
	return -EINVAL;
}

static int add_names(struct names_writer *w, const json_t *inspector, const json_t *names,
		     struct buf *why)
{
	json_t *item;
	size_t i;

	json_array_foreach((json_t *)names, i, item)
	{
		const char *s = json_string_value(item), *flaw;
		size_t n = json_string_length(item);

		flaw = s ? namelist_flaw(s, n) : "it is not a string";
		if (flaw)
			return refuse(why, inspector, s ? s : "?", flaw);
		names_writer_add(w, s, n);
	}
	return 0;
}

/* A copy of an array in the copy of an object, so that its items can be replaced. */
static json_t *own_array(json_t *j, const char *key)
{
	json_t *copy = json_copy(json_object_get(j, key));

	if (json_is_array(copy))
		json_object_set(j, key, copy);
	json_decref(copy);
	return json_is_array(json_object_get(j, key)) ? json_object_get(j, key) : NULL;
}

/* Anything else that is wrong with it the reader of heads says. */
static int pack_entries(struct names_writer *w, json_t *inspector, struct buf *why)
{
	json_t *entries = own_array(inspector, "entries"), *e;
	size_t i;

	json_array_foreach(entries, i, e)
	{
		const char *word = json_string_value(json_object_get(e, "look"));
		json_t *names = json_object_get(e, "names");
		enum look look;
		int err;

		if (!word || !look_find(word, &look) || !look_has_names(look) ||
		    !json_is_array(names))
			continue;
		e = json_copy(e);
		json_object_set_new(e, "list", json_integer(names_writer_list(w)));
		err = add_names(w, inspector, names, why);
		json_object_del(e, "names");
		json_array_set_new(entries, i, e);
		if (err)
			return err;
	}
	return 0;
}

int pack_json(const json_t *j, struct buf *out, struct buf *why)
{
	struct names_writer *w = names_writer_new();
	json_t *head = json_is_object(j) ? json_copy((json_t *)j) : json_object(), *list, *in;
	int err = 0;
	size_t i;

	if (json_integer_value(json_object_get(j, "format")) != 1) {
		buf_puts(why, json_is_object(j)
				      ? "the tables are of another format"
				      : "there is something else where an object should be");
		err = -EINVAL;
	}
	list = own_array(head, "inspectors");
	json_array_foreach(list, i, in)
	{
		in = json_copy(in);
		if (!err && json_is_object(in))
			err = pack_entries(w, in, why);
		json_array_set_new(list, i, in);
	}
	if (!err && !pack_write(head, w, out)) {
		buf_puts(why, "there are too many names");
		err = -EINVAL;
	}
	json_decref(head);
	names_writer_free(w);
	return err;
}

json_t *pack_head(const struct buf *bytes)
{
	_cleanup_buf_ struct buf packed = {0}, ignored = {0};
	_cleanup_json_ json_t *j = NULL;
	struct pack k;

	if (!bytes->len)
		return NULL;
	if (pack_is(bytes->data, bytes->len))
		return pack_open(&k, bytes->data, bytes->len, &ignored);
	j = json_loadb(bytes->data, bytes->len, 0, NULL);
	if (!j || pack_json(j, &packed, &ignored))
		return NULL;
	return pack_open(&k, packed.data, packed.len, &ignored);
}

static void unpack_entry(json_t *e, const struct names *t)
{
	const json_t *number = json_object_get(e, "list");
	struct namelist l = {.names = t, .number = (uint32_t)json_integer_value(number)};
	char name[NAMELIST_NAME];
	json_t *names;
	uint32_t at = 0;

	if (!number)
		return;
	names = json_array();
	while (namelist_next(&l, &at, name))
		json_array_append_new(names, json_string(name));
	json_object_set_new(e, "names", names);
	json_object_del(e, "list");
}

json_t *pack_unpack(const void *p, size_t n, struct buf *why)
{
	struct pack k;
	json_t *j = pack_open(&k, p, n, why), *in, *e;
	const char *flaw = "they have no names";
	struct names t;
	size_t i, m;

	if (j)
		flaw = names_open(&t, k.names, k.names_len, NULL);
	if (j && flaw)
		buf_printf(why, "the names are damaged: %s", flaw);
	if (!j || flaw) {
		json_decref(j);
		return NULL;
	}
	json_array_foreach(json_object_get(j, "inspectors"), i, in)
		json_array_foreach(json_object_get(in, "entries"), m, e) unpack_entry(e, &t);
	json_object_set_new(j, "format", json_integer(1));
	json_object_del(j, "lists");
	return j;
}

static const char *unknown_to_old(const json_t *entry)
{
	static const enum look news[] = {LOOK_NAME, LOOK_DOMAIN, LOOK_ALPN, LOOK_JA4};
	const char *word = json_string_value(json_object_get(entry, "look"));
	enum look look;

	for (size_t i = 0; word && look_find(word, &look) && i < sizeof(news) / sizeof(*news); i++)
		if (look == news[i])
			return look_name(look);
	return json_object_get(entry, "answer") ? "answer" : NULL;
}

const char *pack_make_old(json_t *j)
{
	const char *word = NULL;
	json_t *in, *e;
	size_t i, m;

	json_array_foreach(json_object_get(j, "inspectors"), i, in)
	{
		json_object_del(in, "at");
		json_object_del(in, "words_at");
		json_array_foreach(json_object_get(in, "entries"), m, e)
		{
			if (!word)
				word = unknown_to_old(e);
		}
	}
	return word;
}
