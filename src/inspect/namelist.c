/* SPDX-License-Identifier: GPL-2.0-or-later
 * Looking up names: one is looked up as it is, and from each of its dots on.
 */
#include "inspect/namelist.h"

#include <arpa/inet.h>
#include <endian.h>
#include <string.h>

#define NAME_MAX_BYTES 253
#define LABEL_MAX_BYTES 63
#define HEAD 16
#define STEP 65536 /* names, or slots: some milliseconds */

static bool is_letter(char c)
{
	c |= c >= 'A' && c <= 'Z' ? 0x20 : 0;
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
			return "'*' goes at the beginning only, before a dot";
		if ((unsigned char)s[i] >= 0x80)
			return "it is not ASCII; names of other scripts are sent as xn--...";
		if (!is_letter(s[i]))
			return "there is a character that no name has";
	}
	return NULL;
}

/* ---- the table ---- */

static uint32_t number_at(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

/* Each name ends where the next one begins, and is of a class that there is. */
static const char *text_flaw(const struct names *t, void (*step)(void))
{
	uint32_t at = 0, n = 0;

	while (at < t->text_len) {
		uint32_t head;

		if (step && ++n % STEP == 0)
			step();
		if (t->text_len - at < 4)
			return "a name is cut off";
		head = number_at(t->text + at);
		at += 4;
		if ((head & 255) > NAME_MAX_BYTES + 1 || (head & 255) > t->text_len - at)
			return "a name is longer than its room";
		if (head >> 8 >= t->nclasses)
			return "a name is of a class that is not there";
		at += head & 255;
	}
	return NULL;
}

/* One slot at least is free, where each search ends. */
static const char *slots_flaw(const struct names *t, void (*step)(void))
{
	bool free = false;

	for (uint64_t i = 0; i <= t->mask; i++) {
		uint32_t at = number_at(t->slots + 4 * i);

		if (step && i % STEP == STEP - 1)
			step();
		free |= !at;
		if (at > t->text_len)
			return "a slot leads out of the text";
	}
	return free ? NULL : "no slot is free";
}

const char *names_open(struct names *out, const void *p, size_t n, void (*step)(void))
{
	const uint8_t *bytes = p;
	struct names t = {0};
	uint64_t slots, rows;
	const char *flaw;

	if (n < HEAD)
		return "it is cut off";
	t.text_len = number_at(bytes);
	slots = number_at(bytes + 4);
	t.lists = number_at(bytes + 8);
	t.nclasses = number_at(bytes + 12);
	t.row = t.lists / 8 + !!(t.lists % 8);
	rows = ((uint64_t)t.nclasses * t.row + 3) / 4 * 4;
	if (!slots || slots & (slots - 1) || HEAD + rows + 4 * slots + t.text_len != n)
		return "its length is not what it says";
	t.mask = (uint32_t)slots - 1;
	t.classes = bytes + HEAD;
	t.slots = t.classes + rows;
	t.text = t.slots + 4 * slots;
	flaw = text_flaw(&t, step);
	if (!flaw)
		flaw = slots_flaw(&t, step);
	if (!flaw)
		*out = t;
	return flaw;
}

static bool in_class(const struct namelist *l, uint32_t class)
{
	const struct names *t = l->names;

	/* a slot may lead to the middle of a name, in a table that nobody wrote */
	return class < t->nclasses && l->number < t->lists &&
	       t->classes[(size_t)class * t->row + l->number / 8] >> l->number % 8 & 1;
}

struct asked {
	const char *s;
	size_t n;
	uint32_t slot; /* where its search begins */
};
#define ASKED_MAX 16 /* at once */

static bool has(const struct namelist *l, const struct asked *a)
{
	const struct names *t = l->names;
	uint32_t i = a->slot, at;

	for (; (at = number_at(t->slots + 4 * (size_t)i)) != 0; i = (i + 1) & t->mask) {
		const uint8_t *name = t->text + at - 1;
		uint32_t room = t->text_len - (at - 1);

		if (room >= 4 + a->n && name[0] == a->n && !memcmp(name + 4, a->s, a->n))
			return in_class(l, number_at(name) >> 8);
	}
	return false;
}

/* What is needed of a large table is in no cache: all of it is fetched at the same time. */
static bool has_any(const struct namelist *l, struct asked *a, size_t n)
{
	const struct names *t = l->names;
	bool found = false;

	for (size_t i = 0; i < n; i++) {
		a[i].slot = names_hash(a[i].s, a[i].n) & t->mask;
		__builtin_prefetch(t->slots + 4 * (size_t)a[i].slot);
	}
	for (size_t i = 0; i < n; i++) {
		uint32_t at = number_at(t->slots + 4 * (size_t)a[i].slot);

		if (at)
			__builtin_prefetch(t->text + at - 1);
	}
	for (size_t i = 0; i < n && !found; i++)
		found = has(l, &a[i]);
	return found;
}

bool namelist_covers(const struct namelist *l, const char *name, size_t n)
{
	struct asked a[ASKED_MAX] = {{"", 0, 0}, {name, n, 0}};
	size_t asked = n <= NAME_MAX_BYTES ? 2 : 1;

	for (size_t i = 1; i < n; i++) {
		if (name[i] != '.' || n - i > NAME_MAX_BYTES + 1)
			continue;
		if (asked > ASKED_MAX - 2) {
			if (has_any(l, a, asked))
				return true;
			asked = 0;
		}
		a[asked++] = (struct asked){name + i, n - i, 0};
		if (l->below)
			a[asked++] = (struct asked){name + i + 1, n - i - 1, 0};
	}
	return has_any(l, a, asked);
}

bool namelist_next(const struct namelist *l, uint32_t *at, char name[NAMELIST_NAME])
{
	const struct names *t = l->names;

	while (*at < t->text_len) {
		uint32_t head = number_at(t->text + *at), n = head & 255;
		const char *s = (const char *)t->text + *at + 4;
		bool star = !n || *s == '.';

		*at += 4 + n;
		if (!in_class(l, head >> 8))
			continue;
		name[0] = '*';
		memcpy(name + star, s, n);
		name[star + n] = '\0';
		return true;
	}
	return false;
}

/* ---- text ---- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* hosts(5); a scope may stand behind it: fe80::1%lo0 */
static bool is_address(const char *s, size_t n)
{
	char text[INET6_ADDRSTRLEN];
	uint8_t out[16];
	const char *scope = memchr(s, '%', n);

	n = scope ? (size_t)(scope - s) : n;
	if (n >= sizeof(text))
		return false;
	memcpy(text, s, n);
	text[n] = '\0';
	return inet_pton(AF_INET, text, out) == 1 || inet_pton(AF_INET6, text, out) == 1;
}

static struct name_said said(const char *s, size_t n)
{
	struct name_said out = {s, n, n > 3 && s[0] == '|' && s[1] == '|' && s[n - 1] == '^'};

	if (out.below) {
		out.s += 2;
		out.n -= 3;
	}
	return out;
}

static const char *word_end(const char *s, const char *end)
{
	while (s < end && !is_blank(*s))
		s++;
	return s;
}

/* What is said between s and end, the rest of a line, which begins there if `first`; how far it
 * goes is left in *next, the end if that is all. */
static bool read_line(const char *s, const char *end, bool first, const char **next,
		      struct name_said *out)
{
	const char *word;

	while (s < end && is_blank(*s))
		s++;
	while (end > s && is_blank(end[-1]))
		end--;
	*next = end;
	if (s == end || (first && (*s == '!' || *s == '[')))
		return false;
	word = word_end(s, end);
	if (first && word < end && is_address(s, (size_t)(word - s))) {
		for (s = word; is_blank(*s);)
			s++;
		first = false;
		word = word_end(s, end);
	}
	*next = first ? end : word; /* two words without an address are no names */
	*out = said(s, (size_t)(*next - s));
	return true;
}

bool namelist_line(const char *text, size_t len, size_t *off, struct name_said *out)
{
	if (!*off && len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		*off = 3; /* a byte order mark */
	while (*off < len) {
		const char *s = text + *off, *line, *end, *next, *hash_sign;
		bool first = !*off || s[-1] == '\n' || *off == 3, is_name;

		line = memchr(s, '\n', len - *off);
		end = line = line ? line : text + len;
		hash_sign = memchr(s, '#', (size_t)(end - s));
		if (hash_sign)
			end = hash_sign;
		is_name = read_line(s, end, first, &next, out);
		while (next < end && is_blank(*next))
			next++;
		if (next == end || !is_name) /* the line is over */
			next = line + (line < text + len);
		*off = (size_t)(next - text);
		if (is_name)
			return true;
	}
	return false;
}
