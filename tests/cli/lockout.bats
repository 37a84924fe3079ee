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
	f apply
	SSH_CONNECTION="fd05::2 50000 fd05::1 22" run f apply
	echo "$output"
	[ "$status" = 3 ] # the other family has no rule
	[[ $output = *"drop, by drop any -> any"* ]]
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
	# there is no way to that address: nothing can be said
	SSH_CONNECTION="192.0.2.77 50000 10.5.0.1 22" run f apply
	[ "$status" = 0 ]
	policy 'allow wan -> self ssh' 'allow self -> any'
	SSH_CONNECTION="" run f apply
	[ "$status" = 0 ]
	SSH_CONNECTION="nonsense" run f apply
	[ "$status" = 0 ]
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
