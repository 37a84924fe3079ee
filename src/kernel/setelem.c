/* SPDX-License-Identifier: GPL-2.0-or-later
 * name of a set, addresses -> attributes, by libmnl.
 */
#include "kernel/setelem.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "nft/ir.h"
#include "util/bulk.h"

struct nlmsghdr *setelem_head(void *room, uint16_t type, uint16_t flags, const char *set)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(room);
	struct nfgenmsg *g = mnl_nlmsg_put_extra_header(h, sizeof(*g));

	h->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
	h->nlmsg_flags = NLM_F_REQUEST | flags;
	g->nfgen_family = NFPROTO_INET;
	g->version = NFNETLINK_V0;
	/* NFTA_SET_TABLE and NFTA_SET_NAME are the same */
	mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_TABLE, IR_TABLE);
	mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_SET, set);
	return h;
}

void setelem_put(struct nlmsghdr *h, enum family family, u128 address, enum setelem what)
{
	static const uint8_t open_end[] = {1, 4, 1, 0, 0, 0}; /* TLV 1 of nft: its flags are 1 */
	struct nlattr *elem = mnl_attr_nest_start(h, NFTA_LIST_ELEM), *key;
	uint8_t bytes[16];

	bulk_key(family, address, bytes);
	if (what == SETELEM_END)
		mnl_attr_put_u32(h, NFTA_SET_ELEM_FLAGS, htonl(NFT_SET_ELEM_INTERVAL_END));
	key = mnl_attr_nest_start(h, NFTA_SET_ELEM_KEY);
	mnl_attr_put(h, NFTA_DATA_VALUE, bulk_key_bytes(family), bytes);
	mnl_attr_nest_end(h, key);
	if (what == SETELEM_FIRST_OPEN)
		mnl_attr_put(h, NFTA_SET_ELEM_USERDATA, sizeof(open_end), open_end);
	mnl_attr_nest_end(h, elem);
}
