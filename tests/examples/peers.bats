#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# examples/peers: one published example of each of ten other firewalls, rewritten, with packets.

load lib

teardown() {
	lab_end
}

# A word is what blanks separate, without comments, blank lines and what is only said to be proved.
@test "each names its original, and its own words are as many as it says" {
	local file said n=0
	for file in "$LAB_TOP"/examples/peers/*.fwc; do
		said=$(sed -n 's/^# Words, without comments and expectations: [0-9]* there, \([0-9]*\) here\.$/\1/p' "$file")
		echo "$file: says '$said'"
		[ "$said" = "$(sed '/^expect /d; s/#.*//' "$file" | wc -w)" ]
		n=$((n + 1))
	done
	[ "$n" = 10 ]
}

@test "shorewall: three interfaces" { example shorewall; }
@test "foomuuri: a corporate firewall with a DMZ" { example foomuuri; }
@test "ufw: a routing firewall" { example ufw; }
@test "firewalld: the rich language" { example firewalld; }
@test "ferm: a router with a DMZ" { example ferm; }
@test "FireHOL: a home behind ADSL" { example firehol; }
@test "OpenWrt: what it comes with" { example openwrt; }
@test "VyOS: the gateway of the quick start" { example vyos; }
@test "pf: a home or small office" { example pf; }
@test "nftables: a workstation" { example nftables; }
