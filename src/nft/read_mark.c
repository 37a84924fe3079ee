/* SPDX-License-Identifier: GPL-2.0-or-later
 * Marks in registers, changed bit by bit, and what marks are set to.
 */
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "nft/read_machine.h"

static bool mark_at(const struct slice *s, struct mark_made *out)
{
	if (s && s->mark) {
		*out = *s->mark;
		return true;
	}
	if (!s || s->from != FROM_FIELD || !s->host || s->bytes != 4 ||
	    (s->field != F_MARK && s->field != F_CT_MARK))
		return false;
	*out = (struct mark_made){.ct = s->field == F_CT_MARK, .mask = UINT32_MAX};
	if (s->masked) {
		out->mask = (uint32_t)read_number(s->mask, 4, true);
		out->flip = (uint32_t)read_number(s->flip, 4, true);
	}
	return true;
}

const struct mark_made *read_mark_changed(const struct machine *m, const struct raw_expr *e)
{
	const struct tlv *v = e->attrs.v;
	const struct slice *s = machine_slice(m, machine_word(tlv_number(v[NFTA_BITWISE_SREG])), 4);
	struct tlv mask = read_data(v[NFTA_BITWISE_MASK]), flip = read_data(v[NFTA_BITWISE_XOR]);
	struct tlv by = read_data(v[NFTA_BITWISE_DATA]);
	uint64_t op = tlv_number(v[NFTA_BITWISE_OP]);
	struct mark_made *out = arena_new_of(m->a, struct mark_made);

	if (strcmp(e->name, "bitwise") != 0 || !e->attrs.whole || !mark_at(s, out) ||
	    tlv_number(v[NFTA_BITWISE_LEN]) != 4)
		return NULL;
	if (op == NFT_BITWISE_BOOL && mask.n == 4 && flip.n == 4) {
		uint32_t bits = (uint32_t)read_number(mask.p, 4, true);

		out->mask &= mark_moved(bits, -out->up);
		out->flip = (out->flip & bits) ^ (uint32_t)read_number(flip.p, 4, true);
		return out;
	}
	if ((op == NFT_BITWISE_LSHIFT || op == NFT_BITWISE_RSHIFT) && by.n == 4) {
		u128 n = read_number(by.p, 4, true);
		uint32_t left;
		int up = op == NFT_BITWISE_LSHIFT ? (int)n : -(int)n;

		if (n > 31)
			return NULL;
		/* of what is shifted back some bits are gone */
		left = mark_moved(mark_moved(UINT32_MAX, out->up), up);
		out->mask &= mark_moved(left, -out->up - up);
		out->flip = mark_moved(out->flip, up);
		out->up += up;
		return out;
	}
	return NULL;
}

/* A number of the rule, or of an element of a map; or one of the marks, with some of its bits set,
 * cleared, flipped or shifted. */
static bool mark_from(struct machine *m, bool ct, struct tlv sreg, struct ir_stmt *out)
{
	const struct slice *s = machine_slice(m, machine_word(tlv_number(sreg)), 4);
	struct mark_made made;
	struct tlv value;

	*out = (struct ir_stmt){.kind = IR_MARK};
	out->mark.ct = ct;
	if (mark_at(s, &made)) {
		bool itself = made.ct == ct;

		if (!made.mask) /* nothing is left of it */
			made.up = 0;
		out->mark.own = itself && made.up;
		out->mark.up = (int8_t)made.up;
		*(itself && !made.up ? &out->mark.keep : &out->mark.copied) = made.mask;
		out->mark.value = made.flip;
		return true;
	}
	if (!read_value(m, sreg, 4, &value) || (s && s->masked && s != m->chosen))
		return false;
	out->mark.value = (uint32_t)read_number(value.p, 4, true);
	return true;
}

static bool meta_mark_from(struct machine *m, const struct raw_expr *e, struct ir_stmt *out)
{
	return mark_from(m, false, e->attrs.v[NFTA_META_SREG], out);
}

static bool ct_mark_from(struct machine *m, const struct raw_expr *e, struct ir_stmt *out)
{
	return mark_from(m, true, e->attrs.v[NFTA_CT_SREG], out);
}

bool read_set_mark(struct machine *m, const struct raw_expr *e)
{
	bool ct = !strcmp(e->name, "ct");
	machine_reads *from = ct ? ct_mark_from : meta_mark_from;
	int word = machine_word(tlv_number(e->attrs.v[ct ? NFTA_CT_SREG : NFTA_META_SREG]));
	const struct slice *s = word < 0 ? NULL : m->word[word].slice;
	struct ir_stmt out;

	if (from(m, e, &out)) {
		machine_stmt(m, IR_MARK)->mark = out.mark;
		return true;
	}
	return s && s->keys && read_by_map(m, e, s, from, UNKNOWN_SETS_MARKS);
}
