/* SPDX-License-Identifier: GPL-2.0-or-later
 * feature -> a snippet of nft that needs it -> tried in a scratch namespace.
 */
#include "kernel/features.h"

#include <errno.h>

#include "util/cleanup.h"
#include "util/fault.h"

#define CHAIN(hook, rule)                                                                          \
	"table inet probe { chain c { type filter hook " hook " priority 0; " rule "; }; }"
#define RULE(rule) CHAIN("forward", rule)
#define NAT(hook, rule)                                                                            \
	"table inet probe { chain c { type nat hook " hook " priority 0; " rule "; }; }"

const struct feature_info feature_table[NFEATURES] = {
	[FEAT_INET] = {"tables for both families", "table inet probe { chain c { accept; }; }",
		       "CONFIG_NF_TABLES_INET"},
	[FEAT_CT] = {"connection tracking", RULE("ct state established accept"), "CONFIG_NFT_CT"},
	[FEAT_VMAP] = {"verdict maps",
		       "table inet probe { map m { type ifname : verdict; elements = { \"x\" : "
		       "accept }; }; chain c { iifname vmap @m; }; }",
		       "CONFIG_NF_TABLES"},
	[FEAT_INTERVAL] =
		{"interval sets",
		 "table inet probe { set s { type ipv4_addr; flags interval; elements = { "
		 "10.0.0.0/8 }; }; }",
		 "CONFIG_NF_TABLES"},
	[FEAT_CONCAT_INTERVAL] = {"interval concatenations",
				  "table inet probe { set s { type ipv4_addr . inet_service; flags "
				  "interval; elements = { 10.0.0.0/8 . 1-9 }; }; }",
				  "CONFIG_NF_TABLES (Linux 5.6)"},
	[FEAT_ELEM_COUNTER] = {"counters of set elements",
			       "table inet probe { map m { type ipv4_addr : verdict; counter; "
			       "elements = { 10.0.0.1 counter : accept }; }; }",
			       "CONFIG_NF_TABLES (Linux 5.11)"},
	[FEAT_DYNSET] =
		{"sets filled by packets",
		 "table inet probe { set s { type ipv4_addr; size 9; flags dynamic,timeout; "
		 "timeout 1m; }; chain c { update @s { ip saddr }; }; }",
		 "CONFIG_NF_TABLES"},
	[FEAT_LIMIT] = {"limit", RULE("limit rate 1/second accept"), "CONFIG_NFT_LIMIT"},
	[FEAT_CONNLIMIT] = {"connection limits", RULE("ct count over 5 drop"),
			    "CONFIG_NFT_CONNLIMIT"},
	[FEAT_LOG] = {"log", RULE("log prefix \"x\""), "CONFIG_NFT_LOG"},
	[FEAT_REJECT] = {"reject", RULE("reject with icmpx admin-prohibited"),
			 "CONFIG_NFT_REJECT_INET"},
	[FEAT_FIB] = {"address types (fib)", CHAIN("prerouting", "fib daddr type local accept"),
		      "CONFIG_NFT_FIB_INET"},
	[FEAT_NAT] = {"address translation",
		      NAT("prerouting", "meta nfproto ipv4 dnat ip to 10.0.0.1"), "CONFIG_NFT_NAT"},
	[FEAT_MASQUERADE] = {"masquerade", NAT("postrouting", "masquerade"), "CONFIG_NFT_MASQ"},
	[FEAT_REDIRECT] = {"redirect", NAT("prerouting", "tcp dport 80 redirect to :8080"),
			   "CONFIG_NFT_REDIR"},
	[FEAT_NUMGEN] = {"balancing (numgen)", RULE("numgen inc mod 2 0 accept"),
			 "CONFIG_NFT_NUMGEN"},
	[FEAT_MSS] = {"clamping of the MSS", RULE("tcp flags syn tcp option maxseg size set 1300"),
		      "CONFIG_NFT_EXTHDR"},
	[FEAT_RT_MTU] = {"the MTU of a route",
			 RULE("tcp flags syn tcp option maxseg size set rt mtu"), "CONFIG_NFT_RT"},
	[FEAT_SKUID] = {"users", CHAIN("output", "meta skuid 0 accept"), "CONFIG_NF_TABLES"},
	[FEAT_CGROUP] = {"control groups",
			 "table inet probe { set s { type cgroupsv2; size 9; flags "
			 "dynamic,timeout; }; chain c { type filter hook output priority 0; "
			 "socket cgroupv2 level 1 @s accept; }; }",
			 "CONFIG_NFT_SOCKET (Linux 5.13)"},
	[FEAT_TIME] = {"hours and days", RULE("meta time 0-1 accept"),
		       "CONFIG_NF_TABLES (Linux 5.4)"},
	[FEAT_QUEUE] = {"queues to user space", RULE("queue num 7"), "CONFIG_NFT_QUEUE"},
	[FEAT_FLOWTABLE] =
		{"flow offloading",
		 "table inet probe { flowtable f { hook ingress priority 0; }; chain c { type "
		 "filter hook forward priority 0; flow add @f; }; }",
		 "CONFIG_NF_FLOW_TABLE_INET"},
	[FEAT_TPROXY] = {"transparent proxying",
			 CHAIN("prerouting", "tcp dport 80 tproxy to :8080 accept"),
			 "CONFIG_NFT_TPROXY"},
	[FEAT_HELPER] = {"connection helpers",
			 "table inet probe { ct helper h { type \"ftp\" protocol tcp; }; }",
			 "CONFIG_NF_CONNTRACK_FTP"},
	[FEAT_HASH] = {"hashing", RULE("symhash mod 2 vmap { 0 : accept }"), "CONFIG_NFT_HASH"},
	[FEAT_PAYLOAD] = {"matching what TCP and UDP carry", RULE("@ih,0,8 0-255 accept"),
			  "CONFIG_NF_TABLES (Linux 5.16)"},
	[FEAT_NFLOG] = {"logs to programs", RULE("log prefix \"x\" group 1"),
			"CONFIG_NETFILTER_NETLINK_LOG"},
};

int features_probe(bool has[NFEATURES], struct buf *why)
{
	struct nftrun_step steps[2 * NFEATURES] = {0};
	struct nftrun r = {
		.where = CHILD_SCRATCH, .steps = steps, .n = 2 * NFEATURES, .go_on = true};
	int err;

	for (int i = 0; i < NFEATURES; i++) {
		steps[2 * i].script = feature_table[i].script;
		/* there may be none to delete: add it first */
		steps[2 * i + 1].script = "add table inet probe\ndelete table inet probe";
	}
	err = nftrun(&r);
	if (err)
		buf_puts(why, buf_str(&r.why));
	for (int i = 0; i < NFEATURES && !err; i++)
		has[i] = steps[2 * i].ran && !steps[2 * i].refused;
	nftrun_free(&r);
	return err;
}

bool features_flowtable(void)
{
	struct nftrun_step step = {.script = feature_table[FEAT_FLOWTABLE].script};
	struct nftrun r = {.where = CHILD_SCRATCH, .steps = &step, .n = 1};
	bool refused = nftrun(&r) == 0 && step.ran && step.refused;

	nftrun_free(&r);
	return !refused;
}

bool features_helper(const char *type, uint8_t proto)
{
	_cleanup_buf_ struct buf script = {0};
	struct nftrun_step step = {0};
	struct nftrun r = {.where = CHILD_SCRATCH, .steps = &step, .n = 1};
	bool refused;

	if (fault_wanted("helper"))
		return false;
	buf_printf(&script, "table inet probe { ct helper h { type \"%s\" protocol %s; }; }", type,
		   proto == 6 ? "tcp" : "udp");
	step.script = buf_str(&script);
	refused = nftrun(&r) == 0 && step.ran && step.refused;
	nftrun_free(&r);
	return !refused;
}
