/* SPDX-License-Identifier: GPL-2.0-or-later
 * Effects of a chain -> bits of marks that packets have from there on. What is set to values is
 * followed; of what is set to something else only the bits are known.
 */
#include "space/live_marks.h"

#include <stdlib.h>
#include <string.h>

#include "util/number.h"

static const enum dim dims[LIVE_MARKS] = {DIM_MARK, DIM_CT_MARK};

#define DIGITS 10 /* 0x00000000 */

/* mean_mark_text(), marks_text() */
static bool parse(const char *word, size_t n, struct live_marks *out)
{
	static const char *const heads[LIVE_MARKS] = {"meta mark & ", "ct mark & "};
	const char *is = memmem(word, n, " := ", 4) ? " := " : " = ";
	int which = strncmp(word, heads[1], strlen(heads[1])) ? 0 : 1;
	size_t head = strlen(heads[which]), middle = strlen(is);
	const char *bits_at = word + head, *value_at = bits_at + DIGITS + middle;
	uint64_t bits, value;

	if (n != head + DIGITS + middle + DIGITS || strncmp(word, heads[which], head) != 0 ||
	    strncmp(bits_at + DIGITS, is, middle) != 0 ||
	    !number_any(bits_at, DIGITS, UINT32_MAX, &bits) ||
	    !number_any(value_at, DIGITS, UINT32_MAX, &value) || out->bits[which] & bits)
		return false;
	out->bits[which] |= (uint32_t)bits;
	out->value[which] |= (uint32_t)(value & bits);
	return true;
}

struct live_marks live_marks_of(const char *effects)
{
	struct live_marks out = {.known = true};

	for (const char *p = effects, *end; p && *p; p = *end ? end + 1 : end) {
		size_t n = strcspn(p, "\n");
		char *word = strndup(p, n);
		bool marks;

		end = p + n;
		if (!word)
			return (struct live_marks){.known = false};
		marks = strstr(word, " mark ") || strstr(word, MEAN_CHANGES);
		free(word);
		if (marks && !parse(p, n, &out))
			out.known = false;
	}
	return out;
}

void live_marks_put(struct live_marks *now, const struct live_marks *set)
{
	for (int i = 0; i < LIVE_MARKS; i++) {
		now->bits[i] |= set->bits[i];
		now->value[i] = (now->value[i] & ~set->bits[i]) | set->value[i];
	}
}

bool live_marks_same(const struct live_marks *a, const struct live_marks *b)
{
	return a->known == b->known && !memcmp(a->bits, b->bits, sizeof(a->bits)) &&
	       !memcmp(a->value, b->value, sizeof(a->value));
}

u128 live_marks_bits(const struct live_marks *x)
{
	return (u128)x->bits[1] << 32 | x->bits[0];
}

dd_ref live_marks_any(struct mean *m, u128 bits, dd_ref packets)
{
	for (int i = 0; i < LIVE_MARKS; i++)
		for (unsigned bit = 0; bit < 32; bit++)
			if (bits >> (32 * i + (int)bit) & 1)
				packets = dd_some(m->dd, packets,
						  dim_table[dims[i]].first + 31 - bit, 1);
	return packets;
}

dd_ref live_marks_seen(struct mean *m, const struct live_marks *x, dd_ref packets)
{
	packets = live_marks_any(m, live_marks_bits(x), packets);
	for (int i = 0; i < LIVE_MARKS; i++) {
		struct ival v = {x->value[i], x->value[i]};

		if (x->bits[i])
			packets = dd_and(
				m->dd, packets,
				schema_ranges(&m->schema, dims[i], 32, &v, 1, x->bits[i], DD_TRUE));
	}
	return packets;
}

dd_ref live_marks_arrived(struct mean *m, const struct live_marks *x, dd_ref says)
{
	for (int i = 0; i < LIVE_MARKS; i++)
		for (unsigned bit = 0; bit < 32; bit++)
			if (x->bits[i] >> bit & 1)
				says = dd_fix(m->dd, says, dim_table[dims[i]].first + 31 - bit, 1,
					      x->value[i] >> bit & 1);
	return says;
}
