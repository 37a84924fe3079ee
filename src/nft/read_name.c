/* SPDX-License-Identifier: GPL-2.0-or-later
 * Values of which no field is made -> their names, as nft would say them. A name is the same for
 * the same value of the same packet, and for no other: it names a condition of the answer.
 */
#include <linux/netfilter/nf_tables.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "nft/read_machine.h"
#include "util/hex.h"
#include "util/sha256.h"

#define SHOWN_ELEMENTS 8

static const char *word_of(struct arena *a, const char *const *words, size_t n, uint64_t number)
{
	return number < n && words[number] ? words[number]
					   : arena_printf(a, "%llu", (unsigned long long)number);
}
#define WORD_OF(a, words, number) word_of(a, words, sizeof(words) / sizeof((words)[0]), number)

static const char *header_name(struct arena *a, uint64_t op, uint64_t type)
{
	static const char *const options[] = {
		[0] = "eol",	   [1] = "nop",	     [2] = "maxseg",	[3] = "window",
		[4] = "sack-perm", [5] = "sack",     [8] = "timestamp", [19] = "md5sig",
		[30] = "mptcp",	   [34] = "fastopen"};
	static const char *const of_ip[] = {
		[7] = "rr", [131] = "lsrr", [137] = "ssrr", [148] = "ra"};
	static const char *const headers[] = {
		[IPPROTO_HOPOPTS] = "hbh", [IPPROTO_ROUTING] = "rt",  [IPPROTO_FRAGMENT] = "frag",
		[IPPROTO_AH] = "ah",	   [IPPROTO_DSTOPTS] = "dst", [135] = "mh"};

	switch (op) {
	case NFT_EXTHDR_OP_IPV6:
		return arena_printf(a, "extension header %s", WORD_OF(a, headers, type));
	case NFT_EXTHDR_OP_TCPOPT:
		return arena_printf(a, "tcp option %s", WORD_OF(a, options, type));
	case NFT_EXTHDR_OP_IPV4:
		return arena_printf(a, "ip option %s", WORD_OF(a, of_ip, type));
	case NFT_EXTHDR_OP_SCTP:
		return arena_printf(a, "sctp chunk %u", (unsigned)type);
	}
	return op == 4 ? arena_printf(a, "dccp option %u", (unsigned)type) : NULL;
}

static const char *name_exthdr(struct arena *a, const struct tlv *v)
{
	const char *header =
		header_name(a, tlv_number(v[NFTA_EXTHDR_OP]), tlv_number(v[NFTA_EXTHDR_TYPE]));
	unsigned offset = (unsigned)tlv_number(v[NFTA_EXTHDR_OFFSET]);
	unsigned bytes = (unsigned)tlv_number(v[NFTA_EXTHDR_LEN]);

	if (!header || v[NFTA_EXTHDR_SREG].p ||
	    tlv_number(v[NFTA_EXTHDR_FLAGS]) > NFT_EXTHDR_F_PRESENT)
		return NULL;
	if (tlv_number(v[NFTA_EXTHDR_FLAGS])) /* of some kinds the field has to be there too */
		return arena_printf(a, "%s exists to byte %u+%u", header, offset, bytes);
	return arena_printf(a, "%s bytes %u+%u", header, offset, bytes);
}

static const char *name_ct(struct arena *a, const struct tlv *v)
{
	static const char *const keys[] = {
		"state",     "direction", "status",   "mark",	   "secmark",	"expiration",
		"helper",    "l3proto",	  "saddr",    "daddr",	   "protocol",	"proto-src",
		"proto-dst", "label",	  "packets",  "bytes",	   "avgpkt",	"zone",
		"event",     "ip saddr",  "ip daddr", "ip6 saddr", "ip6 daddr", "id"};
	const char *way = !v[NFTA_CT_DIRECTION].p	     ? ""
			  : tlv_number(v[NFTA_CT_DIRECTION]) ? "reply "
							     : "original ";

	return arena_printf(a, "ct %s%s", way, WORD_OF(a, keys, tlv_number(v[NFTA_CT_KEY])));
}

static const char *name_fib(struct arena *a, const struct tlv *v)
{
	static const char *const results[] = {[NFT_FIB_RESULT_OIF] = "oif",
					      [NFT_FIB_RESULT_OIFNAME] = "oifname",
					      [NFT_FIB_RESULT_ADDRTYPE] = "type"};
	uint64_t f = tlv_number(v[NFTA_FIB_FLAGS]);

	if (f & ~(uint64_t)(NFTA_FIB_F_SADDR | NFTA_FIB_F_DADDR | NFTA_FIB_F_MARK | NFTA_FIB_F_IIF |
			    NFTA_FIB_F_OIF | NFTA_FIB_F_PRESENT))
		return NULL;
	return arena_printf(a, "fib%s%s%s%s%s %s%s", f & NFTA_FIB_F_SADDR ? " saddr" : "",
			    f & NFTA_FIB_F_DADDR ? " daddr" : "",
			    f & NFTA_FIB_F_MARK ? " . mark" : "",
			    f & NFTA_FIB_F_IIF ? " . iif" : "", f & NFTA_FIB_F_OIF ? " . oif" : "",
			    WORD_OF(a, results, tlv_number(v[NFTA_FIB_RESULT])),
			    f & NFTA_FIB_F_PRESENT ? " exists" : "");
}

static const char *name_socket(struct arena *a, const struct tlv *v)
{
	static const char *const keys[] = {"transparent", "mark", "wildcard", "cgroupv2"};

	return arena_printf(a, "socket %s level %u",
			    WORD_OF(a, keys, tlv_number(v[NFTA_SOCKET_KEY])),
			    (unsigned)tlv_number(v[NFTA_SOCKET_LEVEL]));
}

static const char *name_rt(struct arena *a, const struct tlv *v)
{
	static const char *const keys[] = {"classid", "ip nexthop", "ip6 nexthop", "mtu", "ipsec"};

	return arena_printf(a, "rt %s", WORD_OF(a, keys, tlv_number(v[NFTA_RT_KEY])));
}

static const struct {
	const char *name;
	const char *(*say)(struct arena *a, const struct tlv *v);
} loads[] = {
	{"exthdr", name_exthdr}, {"ct", name_ct}, {"fib", name_fib},
	{"socket", name_socket}, {"rt", name_rt},
};

const char *read_name(struct machine *m, const struct raw_expr *e)
{
	const char *name = NULL;

	for (size_t i = 0; i < sizeof(loads) / sizeof(loads[0]) && e->attrs.whole; i++)
		if (!strcmp(loads[i].name, e->name))
			name = loads[i].say(m->a, e->attrs.v);
	if (!name)
		name = read_odd(m->a, e->name, e->bytes);
	return read_has_state(e) ? arena_printf(m->a, "%s of %s", name, m->place) : name;
}

const char *read_payload_name(struct arena *a, uint8_t base, uint32_t offset)
{
	static const char *const bases[] = {"link", "network", "transport", "inner", "tunnel"};

	return arena_printf(a, "%s header+%u", WORD_OF(a, bases, base), offset);
}

const char *tlv_hex(struct arena *a, struct tlv data)
{
	char *s = arena_alloc(a, 2 * data.n + 1);

	hex_put(s, data.p, data.n);
	return s;
}

const char *read_masked_name(struct arena *a, const char *of, struct tlv mask, struct tlv flip)
{
	for (size_t i = 0; i < flip.n; i++)
		if (flip.p[i])
			return arena_printf(a, "%s & %s ^ %s", of, tlv_hex(a, mask),
					    tlv_hex(a, flip));
	return arena_printf(a, "%s & %s", of, tlv_hex(a, mask));
}

/* ---- look-ups ---- */

static int by_key(const void *a, const void *b)
{
	const struct raw_elem *x = a, *y = b;
	size_t n = x->key.n < y->key.n ? x->key.n : y->key.n;
	int order = n ? memcmp(x->key.p, y->key.p, n) : 0;

	if (order)
		return order;
	if (x->key.n != y->key.n)
		return x->key.n < y->key.n ? -1 : 1;
	return x->flags < y->flags ? -1 : x->flags > y->flags;
}

static void add_element(struct arena *a, struct buf *b, const struct raw_elem *e)
{
	static const char *const kinds[] = {"", " ends", " all"};

	buf_printf(b, "%s", tlv_hex(a, e->key));
	if (e->end.p)
		buf_printf(b, "-%s", tlv_hex(a, e->end));
	buf_printf(b, "%s", e->flags < 3 ? kinds[e->flags] : " ?");
	if (e->data.p)
		buf_printf(b, ":%s", tlv_hex(a, e->data));
	if (e->as.verdict.kind)
		buf_printf(b, ":%d %s", (int)e->as.verdict.kind,
			   e->as.verdict.target ? e->as.verdict.target : "");
	if (e->odd)
		buf_printf(b, " %s", e->odd);
}

const char *read_content(struct machine *m, const struct raw_set *s)
{
	size_t n = s->elems.n;
	struct raw_elem *v = arena_alloc(m->a, (n + 1) * sizeof(*v));
	struct buf b = {0};
	char hex[SHA256_HEX];
	const char *text;

	if (n)
		memcpy(v, s->elems.v, n * sizeof(*v));
	qsort(v, n, sizeof(*v), by_key);
	for (size_t i = 0; i < n; i++) {
		buf_printf(&b, "%s", i ? ", " : "");
		add_element(m->a, &b, &v[i]);
	}
	sha256_hex(buf_str(&b), b.len, hex);
	if (s->flags & NFT_SET_ANONYMOUS && n <= SHOWN_ELEMENTS)
		text = arena_printf(m->a, "{ %s }", buf_str(&b));
	else
		text = arena_printf(
			m->a, "%s of %zu #%.12s",
			s->flags & NFT_SET_ANONYMOUS ? "a set" : arena_printf(m->a, "@%s", s->name),
			n, hex);
	buf_free(&b);
	text = diag_shown(m->a, text);
	/* what fills it may fill it while the packet is on its way */
	return s->flags & NFT_SET_EVAL ? arena_printf(m->a, "%s of %s", text, m->place) : text;
}

const char *read_key_name(struct machine *m, int word, uint32_t bytes)
{
	const struct slice *before = NULL;
	const char *out = NULL;

	if (bytes > 4 * REGISTERS) /* no kernel has such a key */
		return machine_text(m, -1);
	for (uint32_t i = 0; i == 0 || i * 4 < bytes; i++) {
		int at = word < 0 ? -1 : word + (int)i;
		const struct slice *s = at >= 0 && at < REGISTERS ? m->word[at].slice : NULL;

		if (s && s == before && m->word[at].at)
			continue;
		before = s;
		out = out ? arena_printf(m->a, "%s . %s", out, machine_text(m, s ? at : -1))
			  : machine_text(m, s ? at : -1);
	}
	return out;
}
