/* SPDX-License-Identifier: GPL-2.0-or-later
 * bytes -> messages -> attributes. Lengths are believed only as far as there are bytes.
 */
#include "nft/tlv.h"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>

static size_t padded(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

static void skip(struct tlv *bytes, size_t n)
{
	if (n > bytes->n)
		n = bytes->n;
	bytes->p += n;
	bytes->n -= n;
}

bool tlv_message(struct tlv *bytes, struct tlv_message *out)
{
	struct nlmsghdr h;
	struct nfgenmsg g;
	struct tlv body;

	if (bytes->n < sizeof(h))
		return false;
	memcpy(&h, bytes->p, sizeof(h));
	if (h.nlmsg_len < sizeof(h) || h.nlmsg_len > bytes->n)
		return false;
	*out = (struct tlv_message){
		.type = h.nlmsg_type, .flags = h.nlmsg_flags, .seq = h.nlmsg_seq};
	body = (struct tlv){bytes->p + sizeof(h), h.nlmsg_len - sizeof(h)};
	if (h.nlmsg_type >= NLMSG_MIN_TYPE && body.n >= sizeof(g)) {
		memcpy(&g, body.p, sizeof(g));
		out->family = g.nfgen_family;
		out->res_id = ntohs(g.res_id);
		skip(&body, padded(sizeof(g)));
	}
	out->body = body;
	skip(bytes, padded(h.nlmsg_len));
	return true;
}

bool tlv_next(struct tlv *bytes, uint16_t *type, struct tlv *value)
{
	struct nlattr a;

	if (bytes->n < sizeof(a))
		return false;
	memcpy(&a, bytes->p, sizeof(a));
	if (a.nla_len < sizeof(a) || a.nla_len > bytes->n)
		return false;
	*type = a.nla_type & NLA_TYPE_MASK;
	*value = (struct tlv){bytes->p + sizeof(a), a.nla_len - sizeof(a)};
	skip(bytes, padded(a.nla_len));
	return true;
}

bool tlv_whole(struct tlv bytes)
{
	uint16_t type;
	struct tlv value;

	while (tlv_next(&bytes, &type, &value))
		;
	return !bytes.n;
}

bool tlv_sound(struct tlv bytes)
{
	uint64_t seen = 0;
	uint16_t type;
	struct tlv value;

	while (tlv_next(&bytes, &type, &value)) {
		uint64_t bit = type < 64 ? (uint64_t)1 << type : 0;

		if (!type || seen & bit)
			return false;
		seen |= bit;
	}
	return !bytes.n;
}

bool tlv_sort(struct tlv bytes, struct tlv *out, size_t max)
{
	bool all = true;
	uint16_t type;
	struct tlv value;

	memset(out, 0, (max + 1) * sizeof(*out));
	while (tlv_next(&bytes, &type, &value)) {
		if (!type || type > max || out[type].p)
			all = false;
		else
			out[type] = value;
	}
	return all && !bytes.n;
}

uint64_t tlv_number(struct tlv t)
{
	uint64_t x = 0;

	for (size_t i = 0; t.n <= 8 && i < t.n; i++)
		x = x << 8 | t.p[i];
	return x;
}

bool tlv_is_text(struct tlv t)
{
	return t.n && memchr(t.p, 0, t.n) == t.p + t.n - 1;
}

bool tlv_same(struct tlv a, struct tlv b)
{
	return a.n == b.n && (!a.n || !memcmp(a.p, b.p, a.n));
}

bool tlv_is(struct tlv t, const char *text)
{
	return tlv_is_text(t) && !strcmp((const char *)t.p, text);
}

bool tlv_of_table(const struct tlv_message *m, uint8_t family, const char *table)
{
	struct tlv body = m->body, name;
	uint16_t type;

	return m->family == family && tlv_next(&body, &type, &name) && type == 1 &&
	       tlv_is(name, table);
}

bool tlv_put(struct buf *out, uint16_t type, struct tlv value)
{
	static const char zeros[4];
	struct nlattr h = {.nla_len = (uint16_t)(sizeof(h) + value.n), .nla_type = type};

	if (value.n > UINT16_MAX - sizeof(h))
		return false;
	buf_add(out, &h, sizeof(h));
	if (value.n)
		buf_add(out, value.p, value.n);
	buf_add(out, zeros, -value.n & 3u);
	return true;
}
