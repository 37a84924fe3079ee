/* SPDX-License-Identifier: GPL-2.0-or-later
 * Matches and targets of iptables, as iptables-nft has them in its rules: name, revision, and the
 * structure of their kernel module (<linux/netfilter/xt_*.h>), in this machine's byte order.
 */
#include <linux/netfilter/nf_tables_compat.h>
#include <string.h>

#include "nft/read_machine.h"

/* Of targets that let the packet go on; all others may end its way here. */
static const struct {
	const char *name;
	enum ir_unknown_kind kind;
} targets[] = {
	{"LOG", UNKNOWN_GOES_ON},	  {"NFLOG", UNKNOWN_GOES_ON},
	{"TCPMSS", UNKNOWN_GOES_ON},	  {"CT", UNKNOWN_GOES_ON},
	{"NOTRACK", UNKNOWN_GOES_ON},	  {"TRACE", UNKNOWN_GOES_ON},
	{"CLASSIFY", UNKNOWN_GOES_ON},	  {"DSCP", UNKNOWN_GOES_ON},
	{"TOS", UNKNOWN_GOES_ON},	  {"ECN", UNKNOWN_GOES_ON},
	{"TTL", UNKNOWN_GOES_ON},	  {"HL", UNKNOWN_GOES_ON},
	{"SET", UNKNOWN_GOES_ON},	  {"CHECKSUM", UNKNOWN_GOES_ON},
	{"SECMARK", UNKNOWN_GOES_ON},	  {"AUDIT", UNKNOWN_GOES_ON},
	{"TCPOPTSTRIP", UNKNOWN_GOES_ON}, {"TEE", UNKNOWN_GOES_ON},
	{"MARK", UNKNOWN_SETS_MARKS},	  {"CONNMARK", UNKNOWN_SETS_MARKS},
	{"CONNSECMARK", UNKNOWN_GOES_ON},
};

static enum ir_unknown_kind target_kind(const char *name)
{
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
		if (!strcmp(targets[i].name, name))
			return targets[i].kind;
	return UNKNOWN_ENDS;
}

static void push_unknown(struct machine *m, enum ir_unknown_kind kind, const char *what,
			 const char *name, uint64_t revision, struct tlv bytes)
{
	struct ir_stmt *s = machine_stmt(m, IR_UNKNOWN);

	s->unknown.kind = kind;
	s->unknown.text = read_odd(
		m->a, arena_printf(m->a, "xt %s %s.%u", what, name, (unsigned)revision), bytes);
}

bool read_xt(struct machine *m, const struct raw_expr *e)
{
	const struct tlv *v = e->attrs.v;
	const char *name;

	if (!strcmp(e->name, "match")) {
		name = read_text(m->a, v[NFTA_MATCH_NAME]);
		if (!name || !strcmp(name, "comment"))
			return name != NULL;
		push_unknown(m, UNKNOWN_MATCH, "match", name, tlv_number(v[NFTA_MATCH_REV]),
			     e->bytes);
		return true;
	}
	if (!strcmp(e->name, "target")) {
		name = read_text(m->a, v[NFTA_TARGET_NAME]);
		if (!name)
			return false;
		push_unknown(m, target_kind(name), "target", name, tlv_number(v[NFTA_TARGET_REV]),
			     e->bytes);
		return true;
	}
	return false;
}
