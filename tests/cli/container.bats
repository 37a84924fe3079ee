#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # lib.bash sets them
# Where there are no namespaces to try things in, and interfaces that a policy does not know.

load lib.bash

setup() {
	cli_begin
}

teardown() {
	cli_end
}

denied() { inns /usr/bin/python3 "$here/denied.py" "$FWC" --state "$WORK/state" --color=never "$@"; }

@test "nobody may make a namespace: the rules are tried asleep, read back, and applied; it is said" {
	printf '%s\n' 'zone net { interface eth0 }' 'set banned = dynamic, timeout 1h' 'drop banned@net -> any' \
		'allow net -> self ssh limit 5/minute per source' 'allow self -> any' >"$WORK/p.fwc"
	run denied compile "$WORK/p.fwc"
	echo "$output"
	[ "$status" = 0 ]
	[[ $output = *"not even root may make a network namespace"* && $output != *"fwc: fwc:"* ]]
	run denied apply --no-confirm
	echo "$output"
	[ "$status" = 0 ]
	[[ $output = *"note: nobody may make a network namespace here"*"table that sleeps"* ]]
	[[ $output = *"applied as generation"* && $output != *"fwc: fwc:"* ]]
	[ "$(inns nft list tables)" = "table inet fwc" ]
	# what is there is what a namespace of its own would have made of it
	run fwc --json status
	[ "$(json 'd["drifted"]' <<<"$output")" = False ]
	run denied apply --no-confirm
	[ "$status" = 0 ]
	[[ $output = *"nothing to change"* ]]
	[ "$(inns nft list tables)" = "table inet fwc" ]
}

@test "apply and status name zones without an interface here, and interfaces without a zone" {
	inns ip link add br0 type bridge
	inns ip link add port type veth peer name guest
	inns ip link set port master br0
	for i in br0 port guest; do
		inns ip link set $i up
	done
	inns ip link add down type veth peer name down1
	printf '%s\n' 'zone lan { interface eth7, wg* }' 'zone wan { interface guest }' 'allow lan -> wan' >"$WORK/p.fwc"
	fwc compile "$WORK/p.fwc"
	run fwc apply --no-confirm
	echo "$output"
	[ "$status" = 0 ]
	[[ $output = *"warning: no interface of zone lan (eth7, wg*) is here now"* ]]
	[[ $output = *"warning: br0 is up and in no zone: "* ]]
	[[ $output != *"zone wan"* && $output != *"port is up"* && $output != *"down"*"is up"* && $output != *"lo is up"* ]]
	run fwc status
	echo "$output"
	[ "$status" = 0 ]
	[[ $output = *"no interface of zone lan (eth7, wg*) is here now"*"br0 is up and in no zone"* ]]
	run fwc --json status
	[ "$(json 'd["interfaces"]' <<<"$output")" = "{'zones_without': ['lan (eth7, wg*)'], 'without_zone': ['br0']}" ]
	inns ip link add wg3 type veth peer name wg4
	inns ip link set br0 down
	run fwc status
	[[ $output != *"no interface of zone"* && $output != *"br0 is up"* ]]
	run fwc --json apply --no-confirm
	[ "$(json 'd["interfaces"]["zones_without"]' <<<"$output")" = "[]" ]
}
