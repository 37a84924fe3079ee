/* SPDX-License-Identifier: GPL-2.0-or-later
 * Names in a hash table of offsets into one block of text. "*.example.org" is kept as
 * ".example.org": a name is looked up as it is, and from each of its dots on.
 */
#include "inspect/namelist.h"

#include <stdint.h>
#include <string.h>

#define NAME_MAX_BYTES 253
#define LABEL_MAX_BYTES 63

struct namelist {
	char *text; /* each name behind a byte with its length */
	uint32_t *slots; /* offset + 1 into text; 0: free */
	uint32_t mask;
	uint32_t used;
	size_t count, text_size;
	bool all; /* "*" */
};

static char lower(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

static uint32_t hash(const char *s, size_t n) /* FNV-1a */
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < n; i++)
		h = (h ^ (uint8_t)s[i]) * 16777619u;
	return h ^ h >> 15;
}

static bool is_letter(char c)
{
	c = lower(c);
	/* A colon stands in IPv6 addresses, an underscore in names of services and hosts. */
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == ':';
}

const char *namelist_flaw(const char *s, size_t n)
{
	size_t label = 0;

	if (n && s[n - 1] == '.')
		n--;
	if (n == 1 && s[0] == '*')
		return NULL;
	if (n > 2 && s[0] == '*' && s[1] == '.') {
		s += 2;
		n -= 2;
	}
	if (!n)
		return "it is empty";
	if (n > NAME_MAX_BYTES)
		return "it is longer than 253 bytes";
	for (size_t i = 0; i <= n; i++) {
		if (i == n || s[i] == '.') {
			if (!label)
				return "a label is empty";
			if (label > LABEL_MAX_BYTES)
				return "a label is longer than 63 bytes";
			label = 0;
			continue;
		}
		label++;
		if (s[i] == '*')
			return "'*' stands at the beginning only, before a dot";
		if ((unsigned char)s[i] >= 0x80)
			return "it is not ASCII; names of other scripts are sent as xn--...";
		if (!is_letter(s[i]))
			return "there is a character that no name has";
	}
	return NULL;
}

struct namelist *namelist_new(struct arena *a, size_t names, size_t bytes)
{
	struct namelist *l = arena_new_of(a, struct namelist);
	uint32_t slots = 4;

	while (slots < 2 * names)
		slots *= 2;
	l->mask = slots - 1;
	l->slots = arena_alloc(a, slots * sizeof(*l->slots));
	l->text_size = names + bytes;
	l->text = arena_alloc(a, l->text_size + 1);
	return l;
}

/* The slot of that text, or the free one where it belongs. */
static uint32_t *find(const struct namelist *l, const char *s, size_t n)
{
	uint32_t i = hash(s, n) & l->mask;

	while (l->slots[i]) {
		const char *have = l->text + l->slots[i] - 1;

		if ((uint8_t)have[0] == n && !memcmp(have + 1, s, n))
			break;
		i = (i + 1) & l->mask;
	}
	return &l->slots[i];
}

void namelist_add(struct namelist *l, const char *s, size_t n)
{
	char name[NAME_MAX_BYTES + 2];
	uint32_t *slot;

	if (n && s[n - 1] == '.')
		n--;
	if (n == 1 && s[0] == '*') {
		l->count += !l->all;
		l->all = true;
		return;
	}
	if (s[0] == '*') {
		s++;
		n--;
	}
	for (size_t i = 0; i < n; i++)
		name[i] = lower(s[i]);
	slot = find(l, name, n);
	if (*slot)
		return;
	*slot = l->used + 1;
	l->text[l->used] = (char)n;
	memcpy(l->text + l->used + 1, name, n);
	l->used += (uint32_t)n + 1;
	l->count++;
}

bool namelist_covers(const struct namelist *l, const char *name, size_t n)
{
	if (l->all)
		return true;
	if (n <= NAME_MAX_BYTES && *find(l, name, n))
		return true;
	for (size_t i = 1; i < n; i++)
		if (name[i] == '.' && n - i <= NAME_MAX_BYTES + 1 && *find(l, name + i, n - i))
			return true;
	return false;
}

size_t namelist_count(const struct namelist *l)
{
	return l->count;
}

size_t namelist_bytes(const struct namelist *l)
{
	return sizeof(*l) + ((size_t)l->mask + 1) * sizeof(*l->slots) + l->text_size + 1;
}

bool namelist_line(const char *text, size_t len, size_t *off, const char **name, size_t *n)
{
	while (*off < len) {
		const char *s = text + *off;
		const char *end = memchr(s, '\n', len - *off);
		const char *hash_sign;

		if (!end)
			end = text + len;
		*off = (size_t)(end - text) + (end < text + len);
		hash_sign = memchr(s, '#', (size_t)(end - s));
		if (hash_sign)
			end = hash_sign;
		while (s < end && (*s == ' ' || *s == '\t'))
			s++;
		while (end > s && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
			end--;
		if (s == end)
			continue;
		*name = s;
		*n = (size_t)(end - s);
		return true;
	}
	return false;
}
