/* SPDX-License-Identifier: GPL-2.0-or-later
 * Loads of what connection tracking knows of the packet -> fields.
 */
#include <linux/netfilter/nf_tables.h>

#include "nft/read_machine.h"

/* directed: the kernel tells a direction as well, which says nothing */
static const struct {
	uint8_t key;
	enum field field;
	bool host, directed;
} keys[] = {
	{NFT_CT_STATE, F_CT_STATE, true, false},
	{NFT_CT_STATUS, F_CT_STATUS, true, false},
	{NFT_CT_MARK, F_CT_MARK, true, false},
	{NFT_CT_DIRECTION, F_CT_DIRECTION, false, false},
	{NFT_CT_HELPER, F_CT_HELPER, false, false},
	{NFT_CT_L3PROTOCOL, F_CT_L3PROTO, false, true},
	{NFT_CT_PROTOCOL, F_CT_PROTO, false, true},
	{NFT_CT_LABELS, F_CT_LABEL, false, false},
};

/* An address of the connection as it was opened, or as it is answered. Of the older keys it is as
 * long as the addresses of the table's family. */
static bool end_of(const struct machine *m, uint64_t key, bool reply, enum field *out)
{
	bool v6 = key == NFT_CT_SRC_IP6 || key == NFT_CT_DST_IP6, target;

	switch (key) {
	case NFT_CT_SRC:
	case NFT_CT_DST:
		if (!m->family)
			return false;
		v6 = m->family == FAM_IP6;
		target = key == NFT_CT_DST;
		break;
	case NFT_CT_SRC_IP:
	case NFT_CT_SRC_IP6:
		target = false;
		break;
	case NFT_CT_DST_IP:
	case NFT_CT_DST_IP6:
		target = true;
		break;
	default:
		return false;
	}
	*out = ct_end(v6, reply, target);
	return true;
}

bool read_ct(struct machine *m, const struct raw_expr *e)
{
	const struct tlv *v = e->attrs.v;
	uint64_t key = tlv_number(v[NFTA_CT_KEY]), to = tlv_number(v[NFTA_CT_DREG]);
	bool directed = v[NFTA_CT_DIRECTION].p;
	uint64_t direction = tlv_number(v[NFTA_CT_DIRECTION]);
	enum field f;

	if (v[NFTA_CT_SREG].p || !v[NFTA_CT_DREG].p)
		return false;
	if (e->attrs.whole && key == NFT_CT_PROTO_DST && directed && !direction) {
		machine_put(m, to, machine_field(F_CT_DPORT, false));
		return true;
	}
	if (e->attrs.whole && directed && direction <= 1 && end_of(m, key, direction, &f)) {
		machine_put(m, to, machine_field(f, false));
		return true;
	}
	for (size_t i = 0; e->attrs.whole && i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (keys[i].key == key && (keys[i].directed || !directed)) {
			machine_put(m, to, machine_field(keys[i].field, keys[i].host));
			return true;
		}
	}
	machine_put_elsewhere(m, to, e, LACKS_CONNECTION);
	return true;
}
