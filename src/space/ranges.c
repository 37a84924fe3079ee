/* SPDX-License-Identifier: GPL-2.0-or-later
 * Regions -> products, in words.
 */
#include "space/ranges.h"

#include <linux/rtnetlink.h>
#include <math.h>
#include <stdlib.h>

#include "space/packet.h"
#include "space/ranges_suffix.h"
#include "util/cleanup.h"

static const enum dim counted[] = {DIM_SADDR, DIM_DADDR, DIM_PROTO, DIM_DPORT, DIM_TYPE};
#define NCOUNTED (sizeof(counted) / sizeof(counted[0]))

static bool is_counted(enum dim d)
{
	for (size_t i = 0; i < NCOUNTED; i++)
		if (counted[i] == d)
			return true;
	return false;
}

static struct region_field field_of(enum dim d, bool ip6)
{
	struct region_field f = {dim_table[d].first, dim_table[d].bits};

	if (!ip6 && (d == DIM_SADDR || d == DIM_DADDR))
		f.bits = 32;
	return f;
}

/* Whatever is not counted; neighbours at once, as each pass is one through all of the region. */
static dd_ref without_uncounted(struct mean *m, dd_ref r)
{
	uint32_t first = 0, end = 0;

	for (int d = 0; d < NDIMS; d++) {
		const struct dim_info *x = &dim_table[d];

		if (is_counted((enum dim)d))
			continue;
		if (end == x->first) {
			end += x->bits;
			continue;
		}
		r = dd_some(m->dd, r, first, (int)(end - first));
		first = x->first;
		end = x->first + x->bits;
	}
	r = dd_some(m->dd, r, first, (int)(end - first));
	return m->schema.texts.n
		       ? dd_some(m->dd, r, schema_condition_var(0), (int)m->schema.texts.n)
		       : r;
}

long double ranges_count(struct mean *m, dd_ref region)
{
	long double n = 0;

	for (int ip6 = 0; ip6 < 2; ip6++) {
		struct region_field f[NCOUNTED];
		dd_ref part = dd_and(m->dd, region, schema_one(&m->schema, DIM_FAMILY, (u128)ip6));

		part = without_uncounted(m, part);
		for (size_t i = 0; i < NCOUNTED; i++)
			f[i] = field_of(counted[i], ip6);
		n += region_count(m->dd, part, f, NCOUNTED);
	}
	return n;
}

const char *ranges_number(struct arena *a, long double n)
{
	char digits[32], out[48];
	int len, at = 0;

	if (n >= 1e15L)
		return arena_printf(a, "about 2^%d", (int)lroundl(log2l(n)));
	len = snprintf(digits, sizeof(digits), "%.0Lf", n);
	for (int i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			out[at++] = ',';
		out[at++] = digits[i];
	}
	return arena_strndup(a, out, (size_t)at);
}

/* ---- one field in words ---- */

static void put_sep(struct buf *b)
{
	if (b->len)
		buf_puts(b, ", ");
}

static void put_names(struct buf *b, struct mean *m, const struct ivset *s)
{
	size_t n = schema_ncodes(&m->schema), in = 0;
	bool all_but;

	for (size_t i = 0; i < s->n; i++)
		in += (size_t)(s->v[i].hi - s->v[i].lo) + 1;
	/* code 0 is every name that nobody mentions: then it is shorter to say which are not meant
	 */
	all_but = ivset_contains(s, 0) && in < n;
	if (all_but)
		buf_puts(b, "any but ");
	for (size_t i = 1, first = 1; i < n; i++) {
		if (i == schema_no_interface(&m->schema) || ivset_contains(s, i) == all_but)
			continue;
		if (!first)
			buf_puts(b, ", ");
		first = 0;
		ifname_print(b, m->schema.names.v[i]);
	}
	if (!all_but && ivset_contains(s, 0))
		buf_printf(b, "%sany interface without a zone", in > 1 ? " or " : "");
}

/* An interval as prefixes where few do, else as one range. */
static void put_addrs(struct buf *b, enum family fam, const struct ivset *s)
{
	for (size_t i = 0; i < s->n; i++) {
		put_sep(b);
		addr_print_range(b, fam, s->v[i]);
	}
}

static void put_states(struct buf *b, struct mean *m, const struct ivset *s)
{
	for (u128 x = 0; x < NCTCODES; x++) {
		if (!ivset_contains(s, x))
			continue;
		put_sep(b);
		packet_value(b, m, DIM_CT_STATE, FAM_IP4, x);
	}
}

/* Some bits of a mark are so many ranges that nobody reads them. */
#define NUMBERS_SHOWN 64
#define MARKS_SHOWN 4

static void put_numbers(struct buf *b, struct mean *m, enum dim d, const struct ivset *s)
{
	bool marks = d == DIM_MARK || d == DIM_CT_MARK;
	size_t most = marks ? MARKS_SHOWN : NUMBERS_SHOWN, n = s->n > most ? most : s->n;

	for (size_t i = 0; i < n; i++) {
		put_sep(b);
		packet_value(b, m, d, FAM_IP4, s->v[i].lo);
		if (s->v[i].hi != s->v[i].lo) {
			buf_putc(b, '-');
			packet_value(b, m, d, FAM_IP4, s->v[i].hi);
		}
	}
	if (s->n > n)
		buf_puts(b, " and others");
}

static const uint8_t fib_types[] = {RTN_UNICAST, RTN_LOCAL, RTN_BROADCAST, RTN_ANYCAST,
				    RTN_MULTICAST};

/* Of what kind an address is to this machine: its own, or not, or which ones. */
static void put_fib(struct buf *b, enum dim d, const struct ivset *s)
{
	static const char *const own[] = {[DIM_FIB_SADDR] = "from an address of this machine",
					  [DIM_FIB_DADDR] = "to an address of this machine",
					  [DIM_FIB_DADDR_IIF] =
						  "to an address of the interface it came by"};
	static const char *const not_own[] = {[DIM_FIB_SADDR] = "from no address of this machine",
					      [DIM_FIB_DADDR] = "to no address of this machine",
					      [DIM_FIB_DADDR_IIF] =
						      "to no address of the interface it came by"};
	static const char *const names[] = {"others'", "this machine's", "broadcast", "anycast",
					    "multicast"};
	size_t in = 0;

	for (size_t i = 0; i < sizeof(fib_types); i++)
		in += ivset_contains(s, fib_types[i]);
	if (ivset_contains(s, RTN_LOCAL) && in == 1) {
		buf_puts(b, own[d]);
	} else if (!ivset_contains(s, RTN_LOCAL) && in == sizeof(fib_types) - 1) {
		buf_puts(b, not_own[d]);
	} else {
		buf_puts(b, d == DIM_FIB_SADDR ? "from addresses that are "
					       : "to addresses that are ");
		for (size_t i = 0, first = 1; i < sizeof(fib_types); i++) {
			if (!ivset_contains(s, fib_types[i]))
				continue;
			buf_printf(b, "%s%s", first ? "" : " or ", names[i]);
			first = 0;
		}
	}
}

#define FLAGS_SHOWN 4

/* Of FIN, SYN, RST and ACK only SYN opens a connection; a few others are named. */
static void put_flags(struct buf *b, const struct ivset *s)
{
	bool opens = true, rest = true;
	size_t n = 0;

	for (unsigned f = 0; f < 256; f++) {
		bool in = ivset_contains(s, f), opening = (f & 0x17) == 2;

		n += in;
		opens &= in == opening;
		rest &= in != opening;
	}
	if (opens)
		buf_puts(b, "TCP that opens a connection");
	else if (rest)
		buf_puts(b, "TCP that opens no connection");
	else if (n > FLAGS_SHOWN)
		buf_puts(b, "some combinations of TCP flags");
	for (unsigned f = 0; !opens && !rest && n <= FLAGS_SHOWN && f < 256; f++) {
		if (!ivset_contains(s, f))
			continue;
		buf_puts(b, b->len ? " or " : "tcp flags ");
		packet_flags(b, f);
	}
}

static void put_status(struct buf *b, struct mean *m, const struct ivset *s)
{
	bool translated = true, plain = true;

	for (unsigned x = 0; x < 1 << 8; x++) {
		bool dnat = x & 32; /* IPS_DST_NAT */

		translated &= ivset_contains(s, x) == dnat;
		plain &= ivset_contains(s, x) != dnat;
	}
	if (translated || plain)
		buf_puts(b, translated ? "destination translated" : "destination not translated");
	else
		put_numbers(b, m, DIM_CT_STATUS, s);
}

/* One bit. */
static const char *bit_text(enum dim d, const struct ivset *s)
{
	bool set = ivset_contains(s, 1);

	if (d == DIM_LINK)
		return set ? "from another station" : "not from another station";
	if (d == DIM_SECPATH)
		return set ? "through IPsec" : "not through IPsec";
	if (d == DIM_RT_IPSEC)
		return set ? "leaving through IPsec" : "leaving not through IPsec";
	return set ? "in reply" : "by who opened the connection";
}

static const char *payload_text(const struct ivset *s)
{
	bool none = ivset_contains(s, PAYLOAD_NONE), low = ivset_contains(s, PAYLOAD_SHORT);
	bool high = ivset_contains(s, PAYLOAD_LONG);

	if (low && high)
		return "with data";
	if (low)
		return none ? "without data, or its first bit 0" : "with data, its first bit 0";
	if (high)
		return none ? "without data, or its first bit 1" : "with data, its first bit 1";
	return "without data";
}

static const char *set_text(struct mean *m, enum dim d, enum family fam, const struct ivset *s)
{
	const char *text;
	struct buf b = {0};

	if (d == DIM_IIF || d == DIM_OIF || d == DIM_FIB_OIF)
		put_names(&b, m, s);
	else if (d == DIM_SADDR || d == DIM_DADDR)
		put_addrs(&b, fam, s);
	else if (d == DIM_PROTO)
		packet_protocols(&b, s);
	else if (d == DIM_CT_STATE)
		put_states(&b, m, s);
	else if (d == DIM_FIB_SADDR || d == DIM_FIB_DADDR || d == DIM_FIB_DADDR_IIF)
		put_fib(&b, d, s);
	else if (d == DIM_FLAGS)
		put_flags(&b, s);
	else if (d == DIM_CT_STATUS)
		put_status(&b, m, s);
	else if (d == DIM_PAYLOAD)
		buf_puts(&b, payload_text(s));
	else if (d == DIM_LINK || d == DIM_CT_DIRECTION || d == DIM_SECPATH ||
		 d == DIM_RT_IPSEC)
		buf_puts(&b, bit_text(d, s));
	else if (d == DIM_TIME)
		schema_print_times(&b, &m->schema, s);
	else
		put_numbers(&b, m, d, s);
	text = arena_strdup(m->arena, buf_str(&b));
	buf_free(&b);
	return text;
}

/* ---- products ---- */

static void push(struct mean *m, struct range_product *p, enum dim d, const char *text)
{
	vec_push(m->arena, &p->fields, ((struct range){d, text}));
}

static const char *condition(struct mean *m, const char *when, const char *text)
{
	_cleanup_buf_ struct buf b = {0};

	buf_puts(&b, when);
	packet_condition(&b, text);
	return arena_strdup(m->arena, buf_str(&b));
}

/* The fields of a family, in the order of their variables. */
struct layout {
	enum family family;
	struct region_field *f;
	size_t n;
	size_t at[NDIMS + 1]; /* where those of each dimension begin; then those of conditions */
};

static struct layout layout_of(struct mean *m, bool ip6)
{
	struct layout l = {.family = ip6 ? FAM_IP6 : FAM_IP4};

	l.f = arena_alloc(m->arena, (NDIMS + 2 * ADDR_PIECES + m->schema.texts.n) * sizeof(*l.f));
	for (int d = 0; d < NDIMS; d++) {
		l.at[d] = l.n;
		if (ip6 && (d == DIM_SADDR || d == DIM_DADDR))
			l.n += addr_pieces(&m->schema, dim_table[d].first, l.f + l.n);
		else
			l.f[l.n++] = field_of((enum dim)d, ip6);
	}
	l.at[NDIMS] = l.n;
	for (size_t i = 0; i < m->schema.texts.n; i++)
		l.f[l.n++] = (struct region_field){schema_condition_var(i), 1};
	return l;
}

static bool says(const struct ivset *sets, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (sets[i].n)
			return true;
	return false;
}

static const char *pieces_text(struct mean *m, const struct layout *l, enum dim d,
			       const struct ivset *sets)
{
	_cleanup_buf_ struct buf b = {0};

	addr_pieces_text(&b, l->f + l->at[d], sets, l->at[d + 1] - l->at[d]);
	return arena_strdup(m->arena, buf_str(&b));
}

static void add_product(struct mean *m, struct ranges *out, const struct product *in, bool both,
			const struct layout *l)
{
	struct range_product p = {0};

	if (!both)
		push(m, &p, DIM_FAMILY, l->family == FAM_IP4 ? "IPv4" : "IPv6");
	for (int d = DIM_FAMILY + 1; d < NDIMS; d++) {
		const struct ivset *sets = &in->sets[l->at[d]];
		size_t pieces = l->at[d + 1] - l->at[d];

		if (says(sets, pieces))
			push(m, &p, (enum dim)d,
			     pieces > 1 ? pieces_text(m, l, (enum dim)d, sets)
					: set_text(m, (enum dim)d, l->family, sets));
	}
	for (size_t i = 0; i < m->schema.texts.n; i++) {
		const struct ivset *s = &in->sets[l->at[NDIMS] + i];

		if (s->n)
			push(m, &p, NDIMS,
			     condition(m, s->v[0].lo ? "while " : "unless ", m->schema.texts.v[i]));
	}
	vec_push(m->arena, out, p);
}

static bool knows_no_addresses(struct mean *m, dd_ref region)
{
	dd_ref v4 = dd_fix(m->dd, region, dim_table[DIM_FAMILY].first, 1, 0);
	dd_ref v6 = dd_fix(m->dd, region, dim_table[DIM_FAMILY].first, 1, 1);

	return v4 == v6;
}

/* Where it speaks only of packets that open something (as rules do), that goes without saying. */
static dd_ref unsaid(struct mean *m, dd_ref region, enum station at)
{
	struct dim_info ct = dim_table[DIM_CT_STATE], flags = dim_table[DIM_FLAGS];
	struct dd *d = m->dd;
	dd_ref rest = dd_and(d, region, schema_possible(&m->schema, at));

	rest = dd_and(d, rest, dd_not(d, mean_fresh(m)));
	if (rest != DD_FALSE)
		return region;
	region = dd_fix(d, region, ct.first, ct.bits, CT_NEW);
	return dd_fix(d, region, flags.first, flags.bits, 2 /* SYN */);
}

void ranges_products(struct mean *m, dd_ref region, enum station at, size_t limit,
		     struct ranges *out)
{
	bool both;

	region = unsaid(m, region, at);
	both = knows_no_addresses(m, region);
	for (int ip6 = 0; ip6 < (both ? 1 : 2); ip6++) {
		struct products list = {0};
		dd_ref part = dd_fix(m->dd, region, dim_table[DIM_FAMILY].first, 1, (u128)ip6);
		struct layout l;

		if (part == DD_FALSE)
			continue;
		l = layout_of(m, ip6 || both);
		region_products(m->dd, part, l.f, l.n, limit, m->arena, &list);
		l.family = ip6 ? FAM_IP6 : FAM_IP4;
		for (size_t i = 0; i < list.n; i++)
			add_product(m, out, &list.v[i], both, &l);
		out->more |= list.more;
	}
}
