/* SPDX-License-Identifier: GPL-2.0-or-later
 * JSON of a listing -> selectors, values and elements.
 */
#include <string.h>

#include "nft/read.h"
#include "util/number.h"

const char *read_str(struct arena *a, const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? arena_strdup(a, s) : NULL;
}

uint64_t read_num(const json_t *object, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(object, key));

	return n > 0 ? (uint64_t)n : 0;
}

const char *read_comment(struct arena *a, const json_t *object)
{
	const char *s = json_string_value(json_object_get(object, "comment"));

	return s ? diag_shown(a, s) : NULL;
}

const char *read_compact(struct arena *a, const json_t *j)
{
	char *s = json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
	const char *copy = diag_shown(a, s ? s : "");

	free(s);
	return copy;
}

bool read_among(const char *member, const char *const *known)
{
	while (*known && strcmp(*known, member) != 0)
		known++;
	return *known != NULL;
}

bool read_only(const json_t *object, const char *const *known)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)object, key, value)
	{
		if (!read_among(key, known))
			return false;
	}
	return true;
}

/* The number that emit_value() prints as this word: the printer's tables are the only ones. */
static bool from_word(enum field f, const char *word, struct ival *out)
{
	bool bits = field_table[f].format == FMT_CT_STATE ||
		    field_table[f].format == FMT_CT_STATUS ||
		    field_table[f].format == FMT_TCP_FLAGS;
	unsigned last = bits ? 15 : 255;
	struct buf text = {0};
	bool found = false;

	if (field_table[f].format == FMT_L4PROTO && !strcmp(word, "ipv6-icmp"))
		word = "icmpv6";
	for (unsigned i = 0; i <= last && !found; i++) {
		u128 x = bits ? (u128)1 << i : i;

		text.len = 0;
		emit_value(&text, f, (struct ival){x, x});
		found = !strcmp(buf_str(&text), word);
		if (found)
			*out = (struct ival){x, x};
	}
	buf_free(&text);
	return found;
}

static bool from_number(const char *s, struct ival *out)
{
	uint64_t x;

	if (!number_any(s, strlen(s), UINT64_MAX, &x))
		return false;
	*out = (struct ival){x, x};
	return true;
}

/* "10:00", "10:00:30" -> seconds. */
static bool from_clock(const char *s, struct ival *out)
{
	uint64_t h, m, sec = 0;

	if (!number_take(&s, 0, 24, &h) || *s++ != ':' || !number_take(&s, 0, 59, &m))
		return false;
	if (*s == ':' && (s++, !number_take(&s, 0, 59, &sec)))
		return false;
	if (*s)
		return false;
	out->lo = out->hi = h * 3600 + m * 60 + sec;
	return true;
}

static bool from_day(const char *s, struct ival *out)
{
	static const char *const days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
					   "Thursday", "Friday", "Saturday"};

	for (unsigned i = 0; i < 7; i++) {
		if (!strcmp(s, days[i])) {
			*out = (struct ival){i, i};
			return true;
		}
	}
	return false;
}

static bool from_address(const char *s, enum family want, struct ival *out)
{
	enum family fam;

	if (!addr_parse(s, strlen(s), &fam, &out->lo) || fam != want)
		return false;
	out->hi = out->lo;
	return true;
}

/* `iif` is listed by name where the interface exists; fwc only ever means none or the loopback. */
static bool from_index(const char *s, struct ival *out)
{
	if (strcmp(s, "lo") != 0)
		return false;
	*out = (struct ival){1, 1};
	return true;
}

static bool from_string(enum field f, const char *s, struct ival *out)
{
	switch (field_table[f].format) {
	case FMT_IP4:
		return from_address(s, FAM_IP4, out);
	case FMT_IP6:
		return from_address(s, FAM_IP6, out);
	case FMT_IFNAME:
		return ifname_parse(s, strlen(s), out);
	case FMT_HOUR:
		return from_number(s, out) && !strchr(s, ':') ? true : from_clock(s, out);
	case FMT_DAY:
		return from_number(s, out) || from_day(s, out);
	case FMT_NUMBER:
	case FMT_HEX:
	case FMT_HEX8:
		return from_number(s, out) || (f == F_IIF && from_index(s, out));
	case FMT_L4PROTO:
	case FMT_NFPROTO:
	case FMT_CT_STATE:
	case FMT_CT_STATUS:
	case FMT_CT_DIRECTION:
	case FMT_TCP_FLAGS:
	case FMT_ICMP:
	case FMT_ICMPV6:
	case FMT_FIB_TYPE:
		break;
	}
	return from_number(s, out) || from_word(f, s, out);
}

/* ["established", "related"] or {"|": [...]}: the bits together. */
static bool read_bits(struct arena *a, enum field f, const json_t *list, struct ival *out)
{
	u128 all = 0;
	size_t i;
	json_t *j;

	json_array_foreach(list, i, j)
	{
		struct ival one;

		if (!read_value(a, f, j, &one) || one.lo != one.hi)
			return false;
		all |= one.lo;
	}
	*out = (struct ival){all, all};
	return json_array_size(list) > 0;
}

static bool read_prefix(struct arena *a, enum field f, const json_t *j, struct ival *out)
{
	int bits = field_table[f].bits;
	json_int_t len = json_integer_value(json_object_get(j, "len"));
	u128 host;

	if (!read_value(a, f, json_object_get(j, "addr"), out) || len < 0 || len > bits)
		return false;
	host = len == bits ? 0 : u128_max(bits - (int)len);
	out->lo &= ~host;
	out->hi = out->lo | host;
	return true;
}

static bool read_range(struct arena *a, enum field f, const json_t *j, struct ival *out)
{
	struct ival lo, hi;

	if (json_array_size(j) != 2 || !read_value(a, f, json_array_get(j, 0), &lo) ||
	    !read_value(a, f, json_array_get(j, 1), &hi))
		return false;
	*out = (struct ival){lo.lo, hi.hi};
	return lo.lo <= hi.hi;
}

bool read_value(struct arena *a, enum field f, const json_t *j, struct ival *out)
{
	json_t *inner;

	if (json_is_integer(j) && json_integer_value(j) >= 0) {
		out->lo = out->hi = (u128)json_integer_value(j);
		return true;
	}
	if (json_is_string(j))
		return from_string(f, json_string_value(j), out);
	if (json_is_array(j))
		return read_bits(a, f, j, out);
	inner = json_object_get(j, "prefix");
	if (inner)
		return read_prefix(a, f, inner, out);
	inner = json_object_get(j, "range");
	if (inner)
		return read_range(a, f, inner, out);
	inner = json_object_get(j, "|");
	return inner && read_bits(a, f, inner, out);
}

bool read_key(struct arena *a, const enum field *f, size_t n, const json_t *j, struct ival *out)
{
	const json_t *parts = json_object_get(j, "concat");

	if (n == 1)
		return !parts && read_value(a, f[0], j, &out[0]);
	if (json_array_size(parts) != n)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!read_value(a, f[i], json_array_get(parts, i), &out[i]))
			return false;
	}
	return true;
}

static bool same(const char *want, const char *got)
{
	return want && got ? !strcmp(want, got) : want == got;
}

/* {"fib": {"result": "type", "flags": ["daddr", "iif"]}}: the flags become "daddr iif". */
static const char *fib_flags(struct arena *a, const json_t *fib)
{
	const json_t *flags = json_object_get(fib, "flags");
	const char *all = json_string_value(flags);
	size_t i;
	json_t *j;

	json_array_foreach((json_t *)flags, i, j)
	{
		const char *word = json_is_string(j) ? json_string_value(j) : "?";

		all = all ? arena_printf(a, "%s %s", all, word) : word;
	}
	return all;
}

/* {"payload": {"base": "ih", "offset": 0, "len": 8}}: "ih 0 8". */
static const char *raw_payload(struct arena *a, const json_t *in)
{
	const char *base = json_string_value(json_object_get(in, "base"));

	return arena_printf(a, "%s %llu %llu", base ? base : "?",
			    (unsigned long long)read_num(in, "offset"),
			    (unsigned long long)read_num(in, "len"));
}

static bool read_field(struct arena *a, const json_t *j, enum field *out)
{
	const char *kind = json_object_iter_key(json_object_iter((json_t *)j));
	const json_t *in;
	const char *first = NULL, *second;

	if (json_object_size(j) != 1)
		return false;
	in = json_object_get(j, kind);
	if (!strcmp(kind, "payload")) {
		first = json_string_value(json_object_get(in, "protocol"));
		second = json_string_value(json_object_get(in, "field"));
		if (json_object_get(in, "base"))
			first = raw_payload(a, in);
	} else if (!strcmp(kind, "fib")) {
		first = fib_flags(a, in);
		second = json_string_value(json_object_get(in, "result"));
	} else {
		second = json_string_value(json_object_get(in, "key"));
		if (json_object_size(in) != 1) /* ct direction and the like */
			return false;
	}
	for (int f = 0; f < NFIELDS; f++) {
		const struct field_info *i = &field_table[f];

		if (i->json && same(i->json, kind) && same(i->a, first) && same(i->b, second)) {
			*out = (enum field)f;
			return true;
		}
	}
	return false;
}

static bool read_part(struct arena *a, const json_t *j, enum field *f, u128 *mask)
{
	const json_t *and = json_object_get(j, "&");
	struct ival m;

	*mask = 0;
	if (!and)
		return read_field(a, j, f);
	if (json_array_size(and) != 2 || !read_field(a, json_array_get(and, 0), f) ||
	    !read_value(a, *f, json_array_get(and, 1), &m) || m.lo != m.hi)
		return false;
	*mask = m.lo;
	return true;
}

bool read_sel(struct arena *a, const json_t *j, struct ir_sel *out)
{
	const json_t *parts = json_object_get(j, "concat");
	size_t n = json_array_size(parts);
	struct ir_sel sel = {0};

	if (!parts) {
		sel.n = 1;
		if (!read_part(a, j, &sel.f[0], &sel.mask[0]))
			return false;
		*out = sel;
		return true;
	}
	if (n < 1 || n > IR_MAX_CONCAT)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!read_part(a, json_array_get(parts, i), &sel.f[i], &sel.mask[i]))
			return false;
	}
	sel.n = (uint8_t)n;
	*out = sel;
	return true;
}

bool read_verdict(struct arena *a, const json_t *j, struct ir_verdict *out)
{
	static const struct {
		const char *name;
		enum ir_verdict_kind kind;
	} plain[] = {{"accept", V_ACCEPT},     {"drop", V_DROP}, {"return", V_RETURN},
		     {"continue", V_CONTINUE}, {"jump", V_JUMP}, {"goto", V_GOTO}};

	if (json_object_size(j) != 1)
		return false;
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		const json_t *in = json_object_get(j, plain[i].name);

		if (!in)
			continue;
		out->kind = plain[i].kind;
		out->target = read_str(a, in, "target");
		return plain[i].kind < V_JUMP || out->target;
	}
	return false;
}

bool read_elem(struct arena *a, const enum field *f, size_t n, bool is_map, const json_t *j,
	       struct ir_elem *out)
{
	static const char *const known[] = {"val",     "comment", "counter",
					    "timeout", "expires", NULL};
	const json_t *key = is_map ? json_array_get(j, 0) : j;
	const json_t *dressed = json_object_get(key, "elem");
	struct ir_elem e = {0};

	if (dressed) {
		const json_t *counter = json_object_get(dressed, "counter");

		key = json_object_get(dressed, "val");
		e.comment = read_comment(a, dressed);
		e.has_counter = counter != NULL;
		e.packets = read_num(counter, "packets");
		e.bytes = read_num(counter, "bytes");
		e.volatile_elem =
			json_object_get(dressed, "timeout") || json_object_get(dressed, "expires");
		e.ages = json_object_get(dressed, "expires") != NULL;
		e.left = read_num(dressed, "expires");
		e.timeout = read_num(dressed, "timeout");
		e.gated = !read_only(dressed, known);
		if (!e.volatile_elem && e.gated)
			return false;
	}
	if (!read_key(a, f, n, key, e.key))
		return false;
	if (is_map && !read_verdict(a, json_array_get(j, 1), &e.verdict))
		return false;
	*out = e;
	return true;
}
