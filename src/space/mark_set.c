/* SPDX-License-Identifier: GPL-2.0-or-later
 * Effects of a chain -> bits of marks that packets have from there on. What is set to values, or to
 * bits of the other mark, is followed; of what is set to something else only the bits are known.
 */
#include "space/mark_set.h"

#include <string.h>

#include "util/number.h"

static const char *const names[MARK_SETS] = {"meta mark", "ct mark"};

#define DIGITS 10 /* 0x00000000 */

struct word {
	int which;
	uint32_t bits, value;
	bool copied, followed;
};

const char *mark_set_word(struct arena *a, bool ct, uint32_t bits, const uint32_t *value,
			  bool followed)
{
	const char *is = followed ? "=" : ":=";

	return value ? arena_printf(a, "%s & 0x%08x %s 0x%08x", names[ct], bits, is, *value & bits)
		     : arena_printf(a, "%s & 0x%08x %s %s", names[ct], bits, is, names[!ct]);
}

static bool took(const char **p, const char *end, const char *text)
{
	size_t n = strlen(text);

	if ((size_t)(end - *p) < n || memcmp(*p, text, n) != 0)
		return false;
	*p += n;
	return true;
}

static bool took_number(const char **p, const char *end, uint32_t *out)
{
	uint64_t value;

	if (end - *p < DIGITS || !number_any(*p, DIGITS, UINT32_MAX, &value))
		return false;
	*out = (uint32_t)value;
	*p += DIGITS;
	return true;
}

static bool parse(const char *p, size_t n, struct word *out)
{
	const char *end = p + n;

	*out = (struct word){.which = took(&p, end, names[1])};
	if ((!out->which && !took(&p, end, names[0])) || !took(&p, end, " & ") ||
	    !took_number(&p, end, &out->bits))
		return false;
	out->followed = took(&p, end, " = ");
	if (!out->followed && !took(&p, end, " := "))
		return false;
	out->copied = took(&p, end, names[!out->which]);
	return (out->copied || took_number(&p, end, &out->value)) && p == end;
}

static bool add(struct mark_set *x, const struct word *w)
{
	if (x->bits[w->which] & w->bits)
		return false;
	x->bits[w->which] |= w->bits;
	if (w->copied)
		x->copied[w->which] |= w->bits;
	else
		x->value[w->which] |= w->value & w->bits;
	return true;
}

bool mark_set_read(struct mark_set *x, const char *word)
{
	struct word w;

	return parse(word, strlen(word), &w) && w.followed && add(x, &w);
}

bool mark_set_copies(const char *effects)
{
	return strstr(effects, "= meta mark") || strstr(effects, "= ct mark");
}

bool mark_set_is(const char *word, size_t n)
{
	return memmem(word, n, " mark ", 6) ||
	       memmem(word, n, MARK_SET_FIELDS, strlen(MARK_SET_FIELDS));
}

struct mark_set mark_set_of(const char *effects)
{
	struct mark_set out = {.known = true};
	struct word w;

	for (const char *p = effects, *end; p && *p; p = *end ? end + 1 : end) {
		size_t n = strcspn(p, "\n");

		end = p + n;
		if (!(parse(p, n, &w) && add(&out, &w)) && mark_set_is(p, n))
			out.known = false;
	}
	return out;
}

void mark_set_put(struct mark_set *now, const struct mark_set *set)
{
	struct mark_set was = *now;

	for (int i = 0; i < MARK_SETS; i++) {
		uint32_t copied = set->copied[i];

		/* what the other mark had from this one comes back: it is as it was */
		now->bits[i] = (was.bits[i] | set->bits[i]) & ~(copied & was.copied[!i]);
		now->value[i] =
			(was.value[i] & ~set->bits[i]) | set->value[i] | (was.value[!i] & copied);
		now->copied[i] = (was.copied[i] & ~set->bits[i]) | (copied & ~was.bits[!i]);
	}
}

bool mark_set_same(const struct mark_set *a, const struct mark_set *b)
{
	return a->known == b->known && !memcmp(a->bits, b->bits, sizeof(a->bits)) &&
	       !memcmp(a->value, b->value, sizeof(a->value)) &&
	       !memcmp(a->copied, b->copied, sizeof(a->copied));
}

static u128 of_both(uint32_t packet, uint32_t connection)
{
	return (u128)connection << 32 | packet;
}

u128 mark_set_bits(const struct mark_set *x)
{
	return of_both(x->bits[0], x->bits[1]);
}

u128 mark_set_from(const struct mark_set *x, u128 from)
{
	return of_both(x->copied[0] & (uint32_t)(from >> 32), x->copied[1] & (uint32_t)from);
}

void mark_set_forget(struct mark_set *x, u128 bits)
{
	for (int i = 0; i < MARK_SETS; i++) {
		uint32_t mine = (uint32_t)(bits >> (32 * i));

		x->bits[i] &= ~mine;
		x->value[i] &= ~mine;
		x->copied[i] &= ~mine;
	}
}
