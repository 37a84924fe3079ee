#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The guest is what the other cases rely on: a stock kernel with everything that nf_tables knows.

@test "vm: nft queue loads" {
	nft -f - <<-'E'
		table inet probe { chain c { type filter hook input priority 0; queue flags bypass to 7; }; }
		delete table inet probe
	E
}

@test "vm: a flowtable loads" {
	nft -f - <<-'E'
		table inet probe {
			flowtable f { hook ingress priority 0; devices = { lo }; }
			chain c { type filter hook forward priority 0; ip protocol tcp flow add @f; }
		}
		delete table inet probe
	E
}

@test "vm: maxseg can be set to the route's MTU" {
	nft -f - <<-'E'
		table inet probe {
			chain c { type filter hook forward priority 0; tcp flags syn tcp option maxseg size set rt mtu; }
		}
		delete table inet probe
	E
}
