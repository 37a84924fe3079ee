#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Packets, by a long list that changes a little: of sources and of destinations, named and negated.

load ../lab/lab
load ../lab/three

setup_file() {
	lab_begin
	three_networks
}

teardown_file() {
	lab_end
}

# list ADDRESS...: 5,000 of either family, as many as make a list, and these
list() {
	python3 -c "
import ipaddress, sys
for i in range(5000):
    print(ipaddress.ip_address(0xac100000 + 3 * i))
    print(ipaddress.ip_address((0x20010db8 << 96) + 3 * i))
print('\n'.join(sys.argv[1:]))" "$@" >"$LAB_DIR/feed.list"
}

changed() { # what its sets are like
	lab_apply router "$LAB_DIR/overlay.fwc"
	[ "$(lab_in router nft list sets inet | grep -c 'set .*-\(less\|more\)\.')" = "$1" ]
	# what stays of the list is what it was
	lab_in router nft list sets inet | grep 'set feed\.v[46]\.' | sort >"$LAB_DIR/base"
	[ -e "$LAB_DIR/first" ] || cp "$LAB_DIR/base" "$LAB_DIR/first"
	cmp "$LAB_DIR/base" "$LAB_DIR/first"
}

# flows ONE TWO: whether those addresses are in it
fates() {
	local in=(passes dropped) out=(dropped passes)

	lab_flows <<-END
		one -> client    tcp/1001 : ${in[$1]}
		two -> client    tcp/1001 : ${in[$2]}
		client -> one    tcp/1002 : ${out[$1]}
		client -> two    tcp/1002 : ${out[$2]}
		client -> one    tcp/1003 : ${in[$1]}
		client -> two    tcp/1003 : ${in[$2]}
		one -> router    tcp/1004 : ${in[$1]}
		two -> router    tcp/1004 : ${in[$2]}
	END
}

# What a line of the policy has counted, in however many rules.
counted() {
	lab_fwc router counters --json | jq --arg text "$1" '[.[] | select(.text == $text) | .packets] | add'
}

@test "overlay: an address goes, comes, goes back; both families" {
	cat >"$LAB_DIR/overlay.fwc" <<-'END'
		forwarding on
		zone lan { interface lan }
		zone wan { interface wan, dmz }
		set feed = file "feed.list"

		drop  feed@wan -> lan
		allow wan  -> lan       tcp/1001
		allow lan  -> feed@wan  tcp/1002
		allow lan  -> !feed@wan tcp/1003
		allow !feed@wan -> self tcp/1004
	END
	list 10.0.2.2 fd00:2::2
	changed 0
	fates 1 0
	local before
	before=$(counted 'drop feed@wan -> lan')
	[ "$before" -gt 0 ]
	list 10.0.3.2 fd00:3::2 # one goes, another comes
	changed 4
	[ "$(counted 'drop feed@wan -> lan')" = "$before" ] # the count goes on
	fates 0 1
	[ "$(counted 'drop feed@wan -> lan')" -gt "$before" ]
	before=$(counted 'drop feed@wan -> lan')
	list 10.0.2.2 fd00:2::2 10.0.3.2 fd00:3::2 # it is back
	changed 2
	[ "$(counted 'drop feed@wan -> lan')" = "$before" ]
	fates 1 1
	list
	changed 2
	fates 0 0
	list 10.0.2.2 fd00:2::2
	changed 0
	fates 1 0
}
