/* SPDX-License-Identifier: GPL-2.0-or-later
 * Effects of a chain -> bits of marks that packets have from there on. What is set to values, or to
 * bits of marks as they were, is followed; of what is set to something else only the bits are
 * known.
 */
#include "space/mark_set.h"

#include <string.h>

#include "util/number.h"

static const char *const names[MARK_SETS] = {"meta mark", "ct mark"};

#define DIGITS 10 /* 0x00000000 */

/* ---- words ---- */

struct word { /* bits of a mark that are set to a value; or to others, so many places from there */
	int which;
	uint32_t bits, value; /* value: what is flipped, if it is made of others */
	bool made, followed;
	int of, up;
};

static const char *text_of(struct arena *a, const struct word *w)
{
	const char *text = arena_printf(a, "%s & 0x%08x %s", names[w->which], w->bits,
					w->followed ? "=" : ":=");

	if (!w->made)
		return arena_printf(a, "%s 0x%08x", text, w->value & w->bits);
	text = arena_printf(a, "%s %s", text, names[w->of]);
	if (w->up)
		text = arena_printf(a, "%s %s %d", text, w->up > 0 ? "<<" : ">>",
				    w->up > 0 ? w->up : -w->up);
	return w->value ? arena_printf(a, "%s ^ 0x%08x", text, w->value) : text;
}

const char *mark_set_word(struct arena *a, bool ct, uint32_t bits, uint32_t value, bool followed)
{
	return text_of(a, &(struct word){ct, bits, value, .followed = followed});
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

static bool took_shift(const char **p, const char *end, int *up)
{
	bool left = took(p, end, " << ");
	int n = 0;

	if (!left && !took(p, end, " >> "))
		return true;
	while (*p < end && **p >= '0' && **p <= '9' && n < 32)
		n = 10 * n + (*(*p)++ - '0');
	*up = left ? n : -n;
	return n && n < 32;
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
	out->of = took(&p, end, names[1]);
	out->made = out->of || took(&p, end, names[0]);
	if (!out->made)
		return took_number(&p, end, &out->value) && p == end;
	if (!took_shift(&p, end, &out->up))
		return false;
	return (!took(&p, end, " ^ ") || took_number(&p, end, &out->value)) && p == end;
}

static bool add(struct mark_set *x, const struct word *w)
{
	for (int b = 0; b < 32; b++) {
		int from = b - w->up, to = 32 * w->which + b;
		bool one = w->value >> b & 1;

		if (!(w->bits >> b & 1))
			continue;
		if (x->bit[to] || (w->made && (from < 0 || from > 31)))
			return false;
		x->bit[to] = (uint8_t)(w->made ? MARK_BIT_FROM(32 * w->of + from, one)
					       : MARK_BIT_IS(one));
	}
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

/* The word that has that bit, of a mark, and all others that go the same way. */
static struct word word_of(const struct mark_set *x, int which, int bit, bool followed)
{
	struct word w = {.which = which, .followed = followed};
	unsigned is = x->bit[32 * which + bit];

	w.made = !MARK_BIT_IS_NUMBER(is);
	if (w.made) {
		w.of = (int)MARK_BIT_SOURCE(is) / 32;
		w.up = bit - (int)MARK_BIT_SOURCE(is) % 32;
	}
	for (int b = 0; b < 32; b++) {
		unsigned other = x->bit[32 * which + b];
		uint32_t mask = UINT32_C(1) << b;

		if (!other || w.made == MARK_BIT_IS_NUMBER(other) ||
		    (w.made && (int)MARK_BIT_SOURCE(other) != 32 * w.of + b - w.up))
			continue;
		w.bits |= mask;
		if (other == MARK_BIT_IS(1) || (w.made && other & 1))
			w.value |= mask;
	}
	return w;
}

void mark_set_words(struct arena *a, const struct mark_set *x, bool followed,
		    struct mark_words *out)
{
	for (int i = 0; i < MARK_SETS; i++) {
		uint32_t done = 0;

		for (int b = 0; b < 32; b++) {
			struct word w;

			if (!x->bit[32 * i + b] || done >> b & 1)
				continue;
			w = word_of(x, i, b, followed);
			done |= w.bits;
			vec_push(a, out, text_of(a, &w));
		}
	}
}

/* ---- what is set ---- */

struct mark_set mark_set_stmt(const struct ir_stmt *s)
{
	int target = s->mark.ct ? 32 : 0, source = s->mark.ct == s->mark.own ? 32 : 0;
	struct mark_set out = {.known = true};

	for (int b = 0; b < 32; b++) {
		int from = b - s->mark.up;
		bool one = s->mark.value >> b & 1;

		if (from >= 0 && from < 32 && s->mark.copied >> from & 1)
			out.bit[target + b] = (uint8_t)MARK_BIT_FROM(source + from, one);
		else if (!(s->mark.keep >> b & 1))
			out.bit[target + b] = (uint8_t)MARK_BIT_IS(one);
		else if (one)
			out.bit[target + b] = (uint8_t)MARK_BIT_FROM(target + b, true);
	}
	return out;
}

/* What a bit that is set is, made of what came. */
static unsigned before(const struct mark_set *was, unsigned is)
{
	unsigned flipped = is & 1, then;

	if (MARK_BIT_IS_NUMBER(is))
		return is;
	then = was->bit[MARK_BIT_SOURCE(is)];
	if (!then)
		return is;
	return MARK_BIT_IS_NUMBER(then) ? MARK_BIT_IS((then == MARK_BIT_IS(1)) != flipped)
					: then ^ flipped;
}

void mark_set_put(struct mark_set *now, const struct mark_set *set)
{
	struct mark_set was = *now;

	for (unsigned i = 0; i < MARK_BITS; i++) {
		unsigned is = before(&was, set->bit[i]);

		/* what the other mark had from this one comes back: it is as it was */
		if (set->bit[i])
			now->bit[i] = (uint8_t)(is == MARK_BIT_FROM(i, false) ? 0 : is);
	}
}

bool mark_set_same(const struct mark_set *a, const struct mark_set *b)
{
	return a->known == b->known && !memcmp(a->bit, b->bit, sizeof(a->bit));
}

u128 mark_set_bits(const struct mark_set *x)
{
	u128 bits = 0;

	for (int i = 0; i < MARK_BITS; i++)
		bits |= (u128)(x->bit[i] != 0) << i;
	return bits;
}

u128 mark_set_from(const struct mark_set *x, u128 from)
{
	u128 bits = 0;

	for (int i = 0; i < MARK_BITS; i++)
		if (!MARK_BIT_IS_NUMBER(x->bit[i]) && from >> MARK_BIT_SOURCE(x->bit[i]) & 1)
			bits |= (u128)1 << i;
	return bits;
}

u128 mark_set_sources(const struct mark_set *x)
{
	u128 bits = 0;

	for (int i = 0; i < MARK_BITS; i++)
		if (!MARK_BIT_IS_NUMBER(x->bit[i]))
			bits |= (u128)1 << MARK_BIT_SOURCE(x->bit[i]);
	return bits;
}

void mark_set_forget(struct mark_set *x, u128 bits)
{
	for (int i = 0; i < MARK_BITS; i++)
		if (bits >> i & 1)
			x->bit[i] = 0;
}
