/* SPDX-License-Identifier: GPL-2.0-or-later
 * Packets whose marks rules have set, before and behind that.
 */
#include "space/live_marks.h"

static const enum dim dims[MARK_SETS] = {DIM_MARK, DIM_CT_MARK};

static int variable(int which, unsigned bit)
{
	return dim_table[dims[which]].first + 31 - (int)bit;
}

dd_ref live_marks_any(struct mean *m, u128 bits, dd_ref packets)
{
	for (int i = 0; i < MARK_SETS; i++)
		for (unsigned bit = 0; bit < 32; bit++)
			if (bits >> (32 * i + (int)bit) & 1)
				packets = dd_some(m->dd, packets, variable(i, bit), 1);
	return packets;
}

static dd_ref has(struct mean *m, int which, uint32_t bits, uint32_t value)
{
	struct ival v = {value, value};

	return schema_ranges(&m->schema, dims[which], 32, &v, 1, bits, DD_TRUE);
}

dd_ref live_marks_seen(struct mean *m, const struct mark_set *x, dd_ref packets)
{
	packets = live_marks_any(m, mark_set_bits(x), packets);
	for (int i = 0; i < MARK_SETS; i++) {
		uint32_t bits = 0, value = 0;

		for (int b = 0; b < 32; b++) {
			unsigned is = x->bit[32 * i + b];

			bits |= (uint32_t)(is && MARK_BIT_IS_NUMBER(is)) << b;
			value |= (uint32_t)(is == MARK_BIT_IS(1)) << b;
		}
		if (bits)
			packets = dd_and(m->dd, packets, has(m, i, bits, value));
	}
	return packets;
}

/* That the bit is, as they came. */
static dd_ref bit_came(struct mean *m, unsigned is)
{
	unsigned source;
	dd_ref one;

	if (MARK_BIT_IS_NUMBER(is))
		return is == MARK_BIT_IS(1) ? DD_TRUE : DD_FALSE;
	source = MARK_BIT_SOURCE(is);
	one = dd_node(m->dd, (uint32_t)variable((int)source / 32, source % 32), DD_FALSE, DD_TRUE);
	return is & 1 ? dd_not(m->dd, one) : one;
}

dd_ref live_marks_arrived(struct mean *m, const struct mark_set *x, dd_ref says)
{
	uint32_t n = dim_table[DIM_MARK].first + dim_table[DIM_MARK].bits;
	dd_ref *of;

	if (!mark_set_bits(x))
		return says;
	of = arena_alloc(m->arena, n * sizeof(*of));
	for (uint32_t i = 0; i < n; i++)
		of[i] = DD_EXHAUSTED;
	for (int i = 0; i < MARK_BITS; i++)
		if (x->bit[i])
			of[variable(i / 32, (unsigned)i % 32)] = bit_came(m, x->bit[i]);
	return dd_compose(m->dd, says, of, n);
}

struct live_marked_list live_marks_of(struct mean *m, dd_ref says, const struct mean_values *values)
{
	struct live_marked_list out = {0};

	for (size_t i = 0; i < values->n; i++) {
		struct mark_set set = mark_set_of(outcome_of(&m->outcomes, values->v[i])->effects);
		size_t k = 0;

		if (!set.known)
			set = (struct mark_set){.known = false};
		while (k < out.n && !mark_set_same(&out.v[k].set, &set))
			k++;
		if (k == out.n)
			vec_push(m->arena, &out, ((struct live_marked){set, DD_FALSE}));
		out.v[k].where =
			dd_or(m->dd, out.v[k].where, dd_where(m->dd, says, values->v[i]));
	}
	return out;
}

void live_marks_behind(const struct live_marked *as, u128 may, struct mark_set *set, u128 *marks)
{
	u128 unknown = mark_set_from(&as->set, *marks);

	if (as->set.known) {
		mark_set_put(set, &as->set);
		mark_set_forget(set, unknown);
		*marks = (*marks & ~mark_set_bits(&as->set)) | unknown;
	} else {
		*marks = may;
	}
}
