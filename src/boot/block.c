/* SPDX-License-Identifier: GPL-2.0-or-later
 * A constant -> the kernel.
 */
#include "boot/block.h"

#include "kernel/hooks.h"
#include "kernel/live.h"
#include "util/fault.h"

/* The rescue policy without settings, as far as that goes without conntrack, sets and counters: it
 * asks as little of the kernel as can be. Base chains are those of every ruleset, so that the next
 * apply takes them over. */
static const char script[] =
	"add table inet fwc\n"
	"delete table inet fwc\n"
	"table inet fwc {\n"
	"\tchain input {\n"
	"\t\ttype filter hook input priority filter; policy drop;\n"
	"\t\tiifname \"lo\" accept\n"
	"\t\ticmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, "
	"nd-neighbor-advert } ip6 hoplimit 255 accept\n"
	"\t\tmeta nfproto ipv4 udp sport 67 udp dport 68 accept\n"
	"\t\tip6 saddr fe80::/10 udp sport 547 udp dport 546 accept\n"
	"\t}\n"
	"\tchain forward {\n"
	"\t\ttype filter hook forward priority filter; policy drop;\n"
	"\t}\n"
	"\tchain output {\n"
	"\t\ttype filter hook output priority filter; policy drop;\n"
	"\t\toifname \"lo\" accept\n"
	"\t\ticmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, "
	"nd-neighbor-advert } ip6 hoplimit 255 accept\n"
	"\t\tmeta nfproto ipv4 udp sport 68 udp dport 67 accept\n"
	"\t\tip6 saddr fe80::/10 udp sport 546 udp dport 547 accept\n"
	"\t}\n"
	"}\n";

int block_all(const char *netns, struct buf *why)
{
	if (!fault_wanted("block") && live_run(netns, script, why) == 0)
		return 0;
	return hooks_drop(netns, why);
}
