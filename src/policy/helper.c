/* SPDX-License-Identifier: GPL-2.0-or-later
 * The connection helpers by their names.
 */
#include "policy/helper.h"

#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

/* Linux net/netfilter/nf_conntrack_*.c: struct nf_conntrack_helper. Only FTP and TFTP open nothing
 * but what client and server have agreed on between themselves; all others are by name alone. */
const struct helper_kind helper_kinds[] = {
	{"ftp", {{"ftp", IPPROTO_TCP}}, {"ftp"}, 21, "nf_conntrack_ftp"},
	{"tftp", {{"tftp", IPPROTO_UDP}}, {"tftp"}, 69, "nf_conntrack_tftp"},
	{"sip", {{"sip", IPPROTO_UDP}, {"sip", IPPROTO_TCP}}, {"sip"}, 0, "nf_conntrack_sip"},
	{"irc", {{"irc", IPPROTO_TCP}}, {"irc"}, 0, "nf_conntrack_irc"},
	{"pptp", {{"pptp", IPPROTO_TCP}}, {"pptp"}, 0, "nf_conntrack_pptp"},
	{"h323",
	 {{"Q.931", IPPROTO_TCP}, {"RAS", IPPROTO_UDP}},
	 {"Q.931", "RAS", "H.245"},
	 0,
	 "nf_conntrack_h323"},
	{"snmp", {{"snmp", IPPROTO_UDP}}, {"snmp"}, 0, "nf_conntrack_snmp"},
	{"amanda", {{"amanda", IPPROTO_UDP}}, {"amanda"}, 0, "nf_conntrack_amanda"},
	{"sane", {{"sane", IPPROTO_TCP}}, {"sane"}, 0, "nf_conntrack_sane"},
	{"netbios-ns", {{"netbios-ns", IPPROTO_UDP}}, {"netbios-ns"}, 0, "nf_conntrack_netbios_ns"},
	{NULL, {{NULL, 0}}, {NULL}, 0, NULL},
};

const struct helper_kind *helper_find(const char *name)
{
	for (const struct helper_kind *k = helper_kinds; k->name; k++)
		if (!strcmp(k->name, name))
			return k;
	return NULL;
}

uint32_t helper_bit(const char *service)
{
	const struct helper_kind *k = helper_find(service);

	return k && k->port ? 1u << (k - helper_kinds) : 0;
}

static bool has_all(const char *type, uint8_t proto)
{
	(void)type;
	(void)proto;
	return true;
}

static bool (*has_helper)(const char *type, uint8_t proto) = has_all;

void policy_helpers_by(bool (*has)(const char *type, uint8_t proto))
{
	has_helper = has;
}

bool policy_has_helper(const struct helper_object *o)
{
	return has_helper(o->type, o->proto);
}
