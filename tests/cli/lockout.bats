#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # lib.bash sets them
# Rules that would cut off the ssh session that applies them are refused.

load lib.bash

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	ns=fwc-lockout-$BATS_TEST_NUMBER-$$
	ip netns add "$ns"
	ip -n "$ns" link add name eth0 type veth peer name other
	ip -n "$ns" link set dev other up
	ip -n "$ns" addr add 10.5.0.1/24 dev eth0
	ip -n "$ns" addr add fd05::1/64 dev eth0 nodad
	ip -n "$ns" link set dev eth0 up
	export SSH_CONNECTION="10.5.0.2 50000 10.5.0.1 22"
}

teardown() {
	ip netns del "$ns"
}

f() { "$FWC" --netns "$ns" --state "$BATS_TEST_TMPDIR/state" "$@"; }

policy() { # rules: compiled
	{
		echo 'zone lan { interface eth0 }'
		echo 'zone wan { interface eth1 }'
		printf '%s\n' "$@"
	} >p.fwc
	f compile p.fwc
}

refused() { # words that must be said
	run f apply
	echo "$output"
	[ "$status" = 3 ]
	[[ $output = *"would cut you off"*"10.5.0.2 (by eth0) to port 22"*"$1"*"--force"* ]]
	run ip netns exec "$ns" nft list table inet fwc
	[ "$status" != 0 ]
}

@test "no rule lets the peer in: refused, with what drops it; --force applies" {
	policy 'allow wan -> self ssh' 'allow lan -> self https'
	refused "drop, by fwc: no rule, drop"
	run f apply --force
	echo "$output"
	[ "$status" = 0 ]
}

@test "an earlier rule drops the peer's address: it is named" {
	policy 'drop 10.5.0.2 -> self' 'allow lan -> self ssh'
	refused "drop, by drop 10.5.0.2 -> self"
	policy 'reject lan -> self tcp/1-1000' 'allow lan -> self ssh'
	refused "reject"
}

@test "dnat would send the session elsewhere" {
	policy 'allow any -> any' 'dnat lan -> self tcp/22 to 10.9.9.9'
	refused "dnat to 10.9.9.9"
}

@test "what lets the peer in, if only while a limit holds, is applied" {
	policy 'allow lan -> self ssh limit 3/minute per source'
	run f apply
	echo "$output"
	[ "$status" = 0 ]
	policy 'allow 10.5.0.0/24 -> self ssh' 'drop any -> any'
	SSH_CONNECTION="fd05::2 50000 fd05::1 22" run f apply
	echo "$output"
	[ "$status" = 3 ] # the other family has no rule
	[[ $output = *"drop, by drop any -> any"* ]]
	# what is in force already cuts nobody off
	f apply --force
	SSH_CONNECTION="fd05::2 50000 fd05::1 22" run f apply
	echo "$output"
	[ "$status" = 0 ]
	[[ $output = *"nothing to change"* ]]
}

@test "IPv6, another port, another interface; no session, no question" {
	policy 'allow lan -> self tcp/2222'
	SSH_CONNECTION="fd05::2 50000 fd05::1 2222" run f apply
	echo "$output"
	[ "$status" = 0 ]
	policy 'allow wan -> self ssh'
	SSH_CONNECTION="fd05::2 50000 fd05::1 22" run f apply
	echo "$output"
	[ "$status" = 3 ]
	[[ $output = *"fd05::2 (by eth0)"* ]]
	# there is no way to that address: it came by where the address is that it called
	SSH_CONNECTION="192.0.2.77 50000 10.5.0.1 22" run f apply
	echo "$output"
	[ "$status" = 3 ]
	[[ $output = *"192.0.2.77 (by eth0)"* ]]
	policy 'allow wan -> self ssh' 'allow self -> any'
	SSH_CONNECTION="" run f apply
	[ "$status" = 0 ]
	SSH_CONNECTION="nonsense" run f apply
	[ "$status" = 0 ]
}

@test "IPv4 in IPv6's clothes is IPv4" {
	policy 'allow wan -> self ssh'
	SSH_CONNECTION="::ffff:10.5.0.2 50000 ::ffff:10.5.0.1 22" run f apply
	echo "$output"
	[ "$status" = 3 ]
	[[ $output = *"10.5.0.2 (by eth0)"* ]]
}

@test "two uplinks, and rules of routing by source, port or mark: the way that answers take" {
	ip -n "$ns" link add name eth1 type veth peer name other1
	ip -n "$ns" link set dev other1 up
	ip -n "$ns" addr add 10.6.0.1/24 dev eth1
	ip -n "$ns" link set dev eth1 up
	ip -n "$ns" route add default via 10.5.0.2
	ip -n "$ns" route add default via 10.6.0.2 table 100
	export SSH_CONNECTION="192.0.2.9 50000 10.6.0.1 22"
	tried() { # by which interface it is said to have come
		policy 'allow lan -> self ssh'
		run f apply
		echo "$output"
		[ "$status" = 3 ]
		[[ $output = *"192.0.2.9 (by $1)"* ]]
		policy 'allow wan -> self ssh'
		run f apply
		echo "$output"
		[ "$status" = 0 ]
		f stop
	}
	ip -n "$ns" rule add from 10.6.0.1 lookup 100
	tried eth1
	ip -n "$ns" route del default # without a way of its own, too
	tried eth1
	ip -n "$ns" rule del from 10.6.0.1 lookup 100
	ip -n "$ns" route add default via 10.5.0.2
	ip -n "$ns" rule add ipproto tcp sport 22 lookup 100
	tried eth1
	ip -n "$ns" rule del ipproto tcp sport 22 lookup 100
	# by a mark: it may be either, so one that lets it in is enough
	ip -n "$ns" rule add fwmark 2 lookup 100
	policy 'allow lan -> self ssh'
	f apply
	policy 'allow wan -> self ssh'
	f apply
	policy 'allow lan -> self http'
	run f apply
	echo "$output"
	[ "$status" = 3 ]
	[[ $output = *"192.0.2.9 (by eth0 or eth1)"* ]]
}

@test "rollback asks the same" {
	policy 'allow wan -> self ssh'
	f apply --force
	policy 'allow lan -> self ssh'
	f apply
	run f rollback
	echo "$output"
	[ "$status" = 3 ]
	[[ $output = *"would cut you off"* ]]
	run f rollback --force
	[ "$status" = 0 ]
}
