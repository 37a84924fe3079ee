/* SPDX-License-Identifier: GPL-2.0-or-later
 * Look-ups in sets and maps -> matches, verdict maps, and what maps put into registers.
 */
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "nft/read_machine.h"

#define PADDED(n) (((n) + 3u) & ~3u)

/* ---- look-ups ---- */

static bool push_part(struct ir_sel *out, struct part *parts, enum field f, u128 mask,
		      struct part as)
{
	if (out->n == IR_MAX_CONCAT || f == F_PAYLOAD)
		return false;
	out->f[out->n] = f;
	out->mask[out->n] = mask == u128_max(field_table[f].bits) ? 0 : mask;
	parts[out->n++] = as;
	return true;
}

/* A field, or some bits of one, which is all that a load has. */
static bool masked_part(struct machine *m, const struct slice *s, struct ir_sel *out,
			struct part *parts)
{
	const struct place *p = place_at(m, s->base, 8 * s->offset);
	struct part as = {.bytes = (uint8_t)s->bytes};
	uint32_t low;

	if (p && p->bit == 8 * s->offset && place_bits(p) == 8 * s->bytes && !s->shift)
		return push_part(out, parts, p->field, read_number(s->mask, s->bytes, false), as);
	p = place_of(m, s, &low);
	if (!p || low < s->shift)
		return false;
	as.low = (uint8_t)(low - s->shift);
	return push_part(out, parts, p->field, 0, as);
}

/* A load of several fields is as many parts, if each of them fills its words. */
static bool payload_parts(struct machine *m, const struct slice *s, struct ir_sel *out,
			  struct part *parts)
{
	if (s->masked)
		return masked_part(m, s, out, parts);
	for (uint32_t at = 0; at < s->bytes;) {
		const struct place *p = place_at(m, s->base, 8 * (s->offset + at));
		uint32_t bytes = p ? place_bits(p) / 8 : 0;
		bool last = at + bytes == s->bytes;

		if (!p || p->bit != 8 * (s->offset + at) || place_bits(p) % 8 ||
		    at + bytes > s->bytes || (!last && bytes % 4) ||
		    !push_part(out, parts, p->field, 0, (struct part){.bytes = (uint8_t)bytes}))
			return false;
		at += bytes;
	}
	return true;
}

bool read_sel(struct machine *m, int word, uint32_t bytes, struct ir_sel *out, struct part *parts)
{
	*out = (struct ir_sel){0};
	for (uint32_t at = 0; at < bytes;) {
		const struct slice *s = word >= 0 && word < REGISTERS ? m->word[word].slice : NULL;

		if (!s || machine_slice(m, word, s->bytes) != s || slice_flips(s) || !s->bytes)
			return false;
		if (s->from == FROM_PAYLOAD
			    ? !payload_parts(m, s, out, parts)
			    : s->from != FROM_FIELD ||
				      !push_part(out, parts, s->field, slice_mask(s),
						 (struct part){.host = s->host && s->bytes > 1,
							       .bytes = (uint8_t)s->bytes}))
			return false;
		machine_said(m, s);
		at += at || PADDED(s->bytes) < bytes ? PADDED(s->bytes) : s->bytes;
		word += (int)(PADDED(s->bytes) / 4);
		if (at > bytes)
			return false;
	}
	return out->n > 0;
}

/* What only a match by itself can ask for. */
static bool is_lone(enum field f)
{
	return field_is_told(f) || f == F_CT_HELPER || f == F_CT_LABEL || f == F_FIB_BACK ||
	       f == F_FIB_BACK_ANY;
}

static bool any_lone(const struct ir_sel *sel)
{
	for (int i = 0; i < sel->n; i++)
		if (is_lone(sel->f[i]))
			return true;
	return false;
}

/* Whether a set of a name is cut as the rule cuts what it looks up. */
static bool fits(const struct raw_set *s, const struct ir_sel *sel, const struct part *parts)
{
	if (s->set->nkeys != sel->n)
		return false;
	for (int i = 0; i < sel->n; i++)
		if (field_table[s->set->keys[i]].bits != field_table[sel->f[i]].bits ||
		    s->host[i] != parts[i].host || parts[i].low ||
		    parts[i].bytes != (field_table[sel->f[i]].bits + 7) / 8)
			return false;
	return true;
}

/* Values of a field that has others below it; those that have bits there set are found by nobody.
 */
static void lift(struct ir_elems *v, size_t part, uint32_t low)
{
	size_t n = 0;

	for (size_t i = 0; i < v->n; i++)
		if (slice_lift(&v->v[i].key[part], low))
			v->v[n++] = v->v[i];
	v->n = n;
}

/* Flags, statements or targets that are not understood; to data, where what it is does not matter.
 */
static bool is_odd(const struct raw_set *s, bool keys)
{
	const char *odd = strstr(s->set->type, " ?");

	if (keys && odd && !strncmp(odd, " ?to ", 5) && !(s->flags & NFT_SET_OBJECT))
		odd = strstr(odd + 5, " ?");
	return odd;
}

/* keys: what they lead to is of no matter. */
static bool elements_of(struct machine *m, const struct raw_set *s, const struct ir_sel *sel,
			const struct part *parts, bool keys, struct ir_elems *out)
{
	uint8_t bytes[IR_MAX_CONCAT];
	bool host[IR_MAX_CONCAT];
	const struct ir_elem *e;

	for (int i = 0; i < sel->n; i++) {
		bytes[i] = parts[i].bytes;
		host[i] = parts[i].host;
	}
	if (is_odd(s, keys))
		return false;
	if (!read_elems(m->a, s, sel->n, bytes, host, out))
		return false;
	for (size_t i = 0; i < sel->n; i++)
		if (parts[i].low)
			lift(out, i, parts[i].low);
	vec_each (out, e) {
		if (e->comment && e->comment[0] == '?')
			return false;
	}
	return true;
}

/* A number for each element, one after the other or by a hash. */
static bool is_number(const struct slice *key, const struct raw_set *s)
{
	return key && (key->from == FROM_NUMGEN || key->from == FROM_JHASH) && !key->masked &&
	       !key->offset && key->modulus == s->elems.n && s->key_len == 4;
}

static bool is_dport(const struct slice *key, const struct raw_set *s)
{
	return key && key->from == FROM_PAYLOAD && !key->masked && key->bytes == 2 &&
	       key->base == NFT_PAYLOAD_TRANSPORT_HEADER && key->offset == 2 && s->key_len == 2;
}

/* Whether it has an element for each number that the key can be. */
static bool has_all(const struct slice *key, const struct raw_set *s)
{
	const struct raw_elem *e;

	if (!key || key->masked || key->offset || !key->modulus || key->modulus != s->elems.n ||
	    s->key_len != 4)
		return false;
	vec_each (&s->elems, e)
		if (e->key.n != 4 || read_number(e->key.p, 4, true) >= key->modulus)
			return false;
	return true;
}

/* A map of keys that nobody knows: whose is found is left open, what it says then is not. See ir.h.
 */
static void push_rows(struct machine *m, const struct raw_set *s, int word, const char *key,
		      struct ir_stmt *out)
{
	struct ir_rule *rows = arena_alloc(m->a, (s->elems.n + 1) * sizeof(*rows));
	bool all = has_all(machine_slice(m, word, 4), s);
	const struct raw_elem *e, *rest = NULL;
	size_t n = 0;

	memset(rows, 0, (s->elems.n + 1) * sizeof(*rows));
	vec_each (&s->elems, e) {
		struct ir_stmt is = {.kind = IR_UNKNOWN}, does = {.kind = IR_VERDICT};

		if (e->odd || e->as.gated || e->end.p)
			return;
		if (e->as.order == IR_ORDER_LAST || (all && n + 1 == s->elems.n)) {
			rest = e;
			continue;
		}
		is.unknown.kind = UNKNOWN_MATCH;
		is.unknown.text = read_odd(m->a, arena_printf(m->a, "%s is", key), e->key);
		is.unknown.counts = strstr(key, m->place) != NULL;
		does.verdict = e->as.verdict;
		vec_push(m->a, &rows[n].stmts, is);
		vec_push(m->a, &rows[n].stmts, does);
		n++;
	}
	if (rest) {
		vec_push(m->a, &rows[n].stmts,
			 ((struct ir_stmt){.kind = IR_VERDICT, .verdict = rest->as.verdict}));
		n++;
	}
	out->unknown.either = rows;
	out->unknown.neither = n;
}

#define ROWS_MAX 256

/* Of keys that no fields are, or of a set that is not understood. */
static void look_up_unknown(struct machine *m, const struct raw_set *s, int word, bool to_verdict,
			    bool inverted)
{
	const char *key = read_key_name(m, word, s->key_len);
	struct ir_stmt *out = machine_stmt(m, IR_UNKNOWN);

	for (int i = word; !inverted && i >= 0 && i < REGISTERS; i++)
		if ((uint32_t)(i - word) * 4 < s->key_len && m->word[i].slice)
			machine_found(m, m->word[i].slice);
	out->unknown.kind = to_verdict ? UNKNOWN_ENDS : UNKNOWN_MATCH;
	out->unknown.inverted = inverted;
	out->unknown.text =
		arena_printf(m->a, "%s %s %s", key, to_verdict ? "vmap" : "in", read_content(m, s));
	if (to_verdict && !inverted && s->set->is_map && s->elems.n && s->elems.n <= ROWS_MAX &&
	    !(s->flags & (NFT_SET_INTERVAL | NFT_SET_TIMEOUT | NFT_SET_EVAL)))
		push_rows(m, s, word, key, out);
}

/* The key is one that the map has: where it is not, the rule ends. What fills a map while packets
 * come may have put it there since. */
static void push_hit(struct machine *m, const struct raw_set *s, int word)
{
	struct ir_elems values = {0};
	struct part parts[IR_MAX_CONCAT];
	struct ir_sel sel;
	struct ir_stmt *out;

	if (s->flags & (NFT_SET_EVAL | NFT_SET_TIMEOUT) ||
	    !read_sel(m, word, s->key_len, &sel, parts) || (sel.n > 1 && any_lone(&sel)) ||
	    !elements_of(m, s, &sel, parts, true, &values)) {
		look_up_unknown(m, s, word, false, false);
		return;
	}
	out = machine_stmt(m, IR_MATCH);
	out->match.sel = sel;
	out->match.values = values;
}

/* The statement that was pushed last. */
static const struct ir_stmt *last_said(struct machine *m, size_t before)
{
	struct ir_stmt *s = arena_new_of(m->a, struct ir_stmt);

	*s = m->out->stmts.v[before];
	return s;
}

/* numgen inc mod N map { 0 : ADDRESS, ... }: the map's values are taken by whoever reads them. Of
 * keys that are fields it is known for which packets it gives what. */
static bool look_up_value(struct machine *m, const struct raw_expr *e, const struct raw_set *s,
			  int word)
{
	const struct slice *key = machine_slice(m, word, 4), *port = machine_slice(m, word, 2);
	int to = machine_word(tlv_number(e->attrs.v[NFTA_LOOKUP_DREG]));
	struct slice *out = arena_new_of(m->a, struct slice);
	size_t before = m->out->stmts.n, wide = s->elems.n ? s->elems.v[0].data.n : 0;

	if (to < 0)
		return false;
	*out = (struct slice){.from = FROM_ELSEWHERE,
			      .of = out,
			      .map = s,
			      .bytes = SLICE_BYTES,
			      .text = arena_printf(m->a, "%s map %s",
						   read_key_name(m, word, s->key_len),
						   read_content(m, s))};
	if (is_number(key, s) || is_dport(port, s))
		*out = (struct slice){.from = FROM_MAP,
				      .of = out,
				      .bytes = (uint32_t)wide,
				      .map = s,
				      .by_source = port->by_source,
				      .by_port = is_dport(port, s),
				      .text = "map"};
	if (!is_number(key, s))
		push_hit(m, s, word);
	if (m->out->stmts.n == before + 1 && m->out->stmts.v[before].kind == IR_MATCH)
		out->keys = last_said(m, before);
	if (out->by_port && m->out->stmts.n == before + 1) { /* to be said later */
		out->hit = last_said(m, before);
		m->out->stmts.n = before;
		machine_await(m, out);
	}
	wide = wide > out->bytes ? wide : out->bytes;
	for (uint32_t i = 0; i * 4 < wide && to + (int)i < REGISTERS; i++)
		m->word[to + i] = (struct word){out, i};
	return true;
}

bool read_lookup(struct machine *m, const struct raw_expr *e)
{
	const struct tlv *v = e->attrs.v;
	const char *name = read_text(m->a, v[NFTA_LOOKUP_SET]);
	struct raw_set *s = name ? map_get(&m->r->sets, name) : NULL;
	bool inverted = tlv_number(v[NFTA_LOOKUP_FLAGS]) & NFT_LOOKUP_F_INV;
	bool to_verdict =
		v[NFTA_LOOKUP_DREG].p && tlv_number(v[NFTA_LOOKUP_DREG]) == NFT_REG_VERDICT;
	int word = machine_word(tlv_number(v[NFTA_LOOKUP_SREG]));
	struct ir_sel sel;
	struct ir_elems values = {0};
	struct part parts[IR_MAX_CONCAT];
	bool named;
	struct ir_stmt *out;

	if (!e->attrs.whole || !s || tlv_number(v[NFTA_LOOKUP_FLAGS]) & ~(uint64_t)1)
		return false;
	if (v[NFTA_LOOKUP_DREG].p && !to_verdict)
		return look_up_value(m, e, s, word);
	named = !(s->flags & NFT_SET_ANONYMOUS);
	if (!read_sel(m, word, s->key_len, &sel, parts) || to_verdict != s->set->is_map ||
	    ((to_verdict || sel.n > 1) && any_lone(&sel)) ||
	    (named ? !fits(s, &sel, parts) : !elements_of(m, s, &sel, parts, false, &values))) {
		look_up_unknown(m, s, word, to_verdict, inverted);
		return true;
	}
	out = machine_stmt(m, to_verdict ? IR_VMAP : IR_MATCH);
	if (to_verdict) {
		out->vmap.sel = sel;
		out->vmap.map = named ? s->name : NULL;
		out->vmap.elems = values;
	} else {
		out->match.sel = sel;
		out->match.op = inverted ? OP_NE : OP_EQ;
		out->match.set = named ? s->name : NULL;
		out->match.values = values;
	}
	return !(to_verdict && inverted);
}
