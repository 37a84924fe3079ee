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
		uint32_t bits = x->bits[i] & ~x->copied[i];

		if (bits)
			packets = dd_and(m->dd, packets, has(m, i, bits, x->value[i]));
	}
	return packets;
}

/* What that bit of a mark is then, of a packet that came with these. */
static bool bit_then(const struct mark_set *x, int which, uint32_t bit, const bool came[MARK_SETS])
{
	if (x->copied[which] & bit)
		return came[!which];
	return x->bits[which] & bit ? x->value[which] & bit : came[which];
}

/* That bit of both marks, of which at least one is copied: of packets by what they came with. */
static dd_ref copied_arrived(struct mean *m, const struct mark_set *x, unsigned bit, dd_ref says)
{
	uint32_t mask = UINT32_C(1) << bit;
	dd_ref all = DD_UNDECIDED;

	for (unsigned way = 0; way < 4; way++) {
		const bool came[MARK_SETS] = {way & 1, way & 2};
		dd_ref then = says, where = DD_TRUE;

		for (int i = 0; i < MARK_SETS; i++) {
			then = dd_fix(m->dd, then, variable(i, bit), 1, bit_then(x, i, mask, came));
			where = dd_and(m->dd, where, has(m, i, mask, came[i] ? mask : 0));
		}
		all = dd_seq(m->dd, all, dd_restrict(m->dd, where, then));
	}
	return all;
}

dd_ref live_marks_arrived(struct mean *m, const struct mark_set *x, dd_ref says)
{
	for (unsigned bit = 0; bit < 32; bit++) {
		uint32_t mask = UINT32_C(1) << bit;

		if ((x->copied[0] | x->copied[1]) & mask) {
			says = copied_arrived(m, x, bit, says);
			continue;
		}
		for (int i = 0; i < MARK_SETS; i++)
			if (x->bits[i] & mask)
				says = dd_fix(m->dd, says, variable(i, bit), 1,
					      x->value[i] & mask ? 1 : 0);
	}
	return says;
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
