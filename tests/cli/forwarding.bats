#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The switches of the kernel: set after the swap, restored by stop, each to what it was.

load lib

setup_file() { cli_begin; }
teardown_file() { cli_end; }

setup() {
	inns nft flush ruleset
	rm -rf "$WORK/state"
	ip -n "$NS" link del v0 2>/dev/null || true
	sys net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0
	ip -n "$NS" link add v0 type veth peer name v1
	sys net.ipv6.conf.v0.accept_ra=1 net.ipv6.conf.default.accept_ra=1 \
		net.ipv4.conf.all.accept_redirects=1
}

sys() { inns sysctl -qw "$@"; }
is() { inns sysctl -n "$1"; }
policy() { printf '%s\nzone lan { interface v0 }\nallow lan -> self ssh\n' "${1:-}"; }
all() { inns sysctl -a 2>/dev/null | grep -E 'forward|accept_ra |accept_redirects'; }

@test "forwarding on: both families, and stop restores every switch" {
	all >"$WORK/before"
	policy 'forwarding on' | candidate
	run fwc apply
	[ "$status" = 0 ]
	[ "$(is net.ipv4.ip_forward) $(is net.ipv6.conf.all.forwarding) $(is net.ipv6.conf.v0.forwarding)" = "1 1 1" ]
	fwc stop
	all >"$WORK/after"
	diff "$WORK/before" "$WORK/after"
	[ ! -e "$WORK/state/forwarding.json" ]
}

@test "an interface that takes router advertisements goes on doing so" {
	sys net.ipv6.conf.v1.accept_ra=0
	policy 'forwarding on' | candidate
	fwc apply
	[ "$(is net.ipv6.conf.v0.accept_ra)" = 2 ]
	[ "$(is net.ipv6.conf.default.accept_ra)" = 2 ]
	[ "$(is net.ipv6.conf.v1.accept_ra)" = 0 ]
	fwc stop
	[ "$(is net.ipv6.conf.v0.accept_ra)" = 1 ]
	[ "$(is net.ipv6.conf.default.accept_ra)" = 1 ]
}

@test "a policy that no longer says forwarding gets it back as it was" {
	policy 'forwarding on' | candidate
	fwc apply
	policy | candidate
	run fwc apply
	[[ $output == *"as it was before fwc"* ]]
	[ "$(is net.ipv4.ip_forward)" = 0 ]
}

@test "the second apply remembers what was before the first" {
	policy 'forwarding on' | candidate
	fwc apply
	sys net.ipv4.ip_forward=0
	fwc apply
	[ "$(is net.ipv4.ip_forward)" = 1 ]
	fwc stop
	[ "$(is net.ipv4.ip_forward)" = 0 ]
	[ "$(is net.ipv6.conf.v0.accept_ra)" = 1 ]
}

@test "where forwarding was on already nothing is changed, and stop leaves it on" {
	sys net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	sys net.ipv4.conf.v1.forwarding=0
	all >"$WORK/before"
	policy 'forwarding on' | candidate
	fwc apply
	all >"$WORK/after"
	diff "$WORK/before" "$WORK/after"
	fwc stop
	all >"$WORK/after"
	diff "$WORK/before" "$WORK/after"
}

@test "what somebody else set meanwhile is left" {
	policy 'forwarding on' | candidate
	fwc apply
	sys net.ipv6.conf.v0.accept_ra=0
	fwc stop
	[ "$(is net.ipv6.conf.v0.accept_ra)" = 0 ]
	[ "$(is net.ipv4.ip_forward)" = 0 ]
}

@test "forwarding off turns it off, and on again by stop" {
	sys net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	policy 'forwarding off' | candidate
	fwc apply
	[ "$(is net.ipv4.ip_forward) $(is net.ipv6.conf.all.forwarding)" = "0 0" ]
	policy 'forwarding on' | candidate
	fwc apply
	[ "$(is net.ipv4.ip_forward) $(is net.ipv6.conf.all.forwarding)" = "1 1" ]
	fwc stop
	[ "$(is net.ipv4.ip_forward) $(is net.ipv6.conf.all.forwarding)" = "1 1" ]
}

@test "accept_redirects, which the kernel turns with ip_forward, comes back as it was" {
	sys net.ipv4.conf.all.accept_redirects=0
	policy 'forwarding on' | candidate
	fwc apply
	fwc stop
	[ "$(is net.ipv4.conf.all.accept_redirects)" = 0 ]
}
