#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The times of connection tracking: set after the swap, and put back to what they were.

load lib
load ../lab/brief

setup_file() {
	cli_begin
	ip -n "$NS" link add v0 type veth peer name v1
}
teardown_file() { cli_end; }

setup() {
	inns nft flush ruleset
	rm -rf "$WORK/state"
	# connection tracking is loaded by whoever needs it first
	inns nft 'add table ip t; add chain ip t c; add rule ip t c ct state new'
	sys udp_timeout=31 udp_timeout_stream=121 tcp_timeout_established=431 icmp_timeout=32 \
		icmpv6_timeout=33
}

sys() { local v; for v in "$@"; do inns sysctl -qw "net.netfilter.nf_conntrack_$v"; done; }
is() { local v; for v in "$@"; do inns sysctl -n "net.netfilter.nf_conntrack_$v"; done | tr '\n' ' '; }
all() { is udp_timeout udp_timeout_stream tcp_timeout_established icmp_timeout icmpv6_timeout; }
# as in a container
readonly() {
	# shellcheck disable=SC2016 # for the shell inside
	inns unshare -m sh -c 'mount --bind /proc/sys /proc/sys && mount -o remount,ro,bind /proc/sys && exec "$@"' sh \
		"$FWC" --state "$WORK/state" --color=never "$@"
}
policy() { printf '%s\nzone lan { interface v0 }\nallow lan -> self ssh\n' "${1:-}"; }
BEFORE="31 121 431 32 33 "

@test "timeouts: apply sets them, IPv6's time for ICMP too, and stop puts each back" {
	policy 'timeouts { tcp-established 1h; udp 30s; udp-stream 2m; icmp 10s }' | candidate
	run fwc diff
	[ "$status" = 1 ]
	[[ $output == *"timeout tcp-established 1h"* ]]
	[ "$(all)" = "$BEFORE" ]
	run fwc apply
	[ "$status" = 0 ]
	[[ $output == *"timeouts are as the policy says now"* ]]
	[ "$(all)" = "30 120 3600 10 10 " ]
	run fwc diff
	[ "$status" = 0 ]
	run fwc stop
	[[ $output == *"timeouts are as they were before fwc"* ]]
	[ "$(all)" = "$BEFORE" ]
	[ ! -e "$WORK/state/timeouts.json" ]
}

@test "timeouts: IPv6's own time counts, and another policy gets another time" {
	policy 'timeouts { icmp 10s; icmpv6 20s; udp 40s }' | candidate
	fwc apply
	[ "$(all)" = "40 121 431 10 20 " ]
	policy 'timeouts { udp 50s }' | candidate
	run fwc diff
	[[ $output == *"- "*"timeout udp 40s"* ]]
	[[ $output == *"+ "*"timeout udp 50s"* ]]
	fwc apply
	[ "$(all)" = "50 121 431 32 33 " ]
	# a generation of its own, though no rule differs
	fwc rollback 1
	[ "$(all)" = "40 121 431 10 20 " ]
	policy | candidate
	run fwc apply
	[[ $output == *"timeouts are as they were before fwc"* ]]
	[ "$(all)" = "$BEFORE" ]
	[ ! -e "$WORK/state/timeouts.json" ]
}

@test "timeouts: a trial that nobody confirms takes its times with it" {
	policy 'timeouts { udp 40s }' | candidate
	fwc apply --no-confirm
	policy 'timeouts { udp 50s; icmp 5s }' | candidate
	fwc apply --confirm=300
	[ "$(all)" = "50 121 431 5 5 " ]
	fwc rollback
	[ "$(all)" = "40 121 431 32 33 " ]
	[ "$(json 'd["udp"]' <"$WORK/state/timeouts.json")" = "{'was': '31', 'set': ['40']}" ]
	fwc stop
	[ "$(all)" = "$BEFORE" ]
	# of a first apply, too: its end leaves no table
	brief fwc
	[ "$(all)" = "50 121 431 5 5 " ]
	for _ in $(seq 300); do
		[ "$(all)" != "$BEFORE" ] || break
		sleep 0.1
	done
	[ "$(all)" = "$BEFORE" ]
}

@test "timeouts: a trial whose times cannot be put back is over all the same, and shuts nobody out" {
	policy 'timeouts { udp 50s }' | candidate
	fwc apply --confirm=300
	printf '{' >"$WORK/state/timeouts.json" # damaged
	run fwc rollback
	echo "$output"
	[ "$status" = 3 ]
	[[ $output == *"timeouts.json"* ]]
	run inns nft list table inet fwc
	[ "$status" != 0 ]
}

@test "timeouts: a note that is damaged costs what was before, and no apply" {
	local damage
	for damage in '{' '[1]' ''; do
		setup
		policy 'timeouts { udp 40s }' | candidate
		fwc apply
		printf '%s' "$damage" >"$WORK/state/timeouts.json"
		policy 'timeouts { udp 50s; icmp 10s }' | candidate
		run fwc apply
		echo "$output"
		[ "$status" = 0 ]
		[[ $output == *"warning: timeouts.json was damaged"*"applied as generation 2"* ]]
		[ "$(all)" = "50 121 431 10 10 " ]
		run fwc apply
		[ "$status" = 0 ]
		[[ $output != *damaged* ]]
		fwc stop
		[ "$(all)" = "40 121 431 32 33 " ]
	done
}

@test "timeouts: with a start of the machine its note is void: they are what the machine began with" {
	policy 'timeouts { udp 40s; icmp 10s }' | candidate
	fwc apply
	# as after a start: the kernel's own times, an admin's, and one that is by chance as fwc had it
	sed -i 's/"boot": "[0-9a-f-]*"/"boot": "00000000-0000-0000-0000-000000000000"/' "$WORK/state/timeouts.json"
	grep -q '"00000000-' "$WORK/state/timeouts.json"
	inns nft delete table inet fwc
	sys udp_timeout=40 udp_timeout_stream=120 icmp_timeout=30 icmpv6_timeout=30
	run fwc boot
	[ "$status" = 0 ]
	[ "$(all)" = "40 120 431 10 10 " ]
	fwc stop
	[ "$(all)" = "40 120 431 30 30 " ]
	# one of fwc 0.1 says nothing of it, and counts
	sys udp_timeout=31
	policy 'timeouts { udp 40s }' | candidate
	fwc apply
	echo '{"udp": {"was": "31", "set": ["40"]}}' >"$WORK/state/timeouts.json"
	fwc stop
	[ "$(is udp_timeout)" = "31 " ]
}

@test "timeouts: what somebody else sets meanwhile is left, and comes back" {
	policy 'timeouts { udp 40s; icmp 10s }' | candidate
	fwc apply
	sys udp_timeout=77
	run fwc status
	[[ $output == *"udp 40s  but it is 1m17s"* ]]
	[[ $output == *"icmpv6 10s"* ]]
	[ "$(fwc --json status | json 'd["timeouts"]["udp"]["policy"], d["timeouts"]["udp"]["is"]')" = "(40, 77)" ]
	fwc apply
	[ "$(all)" = "40 121 431 10 10 " ]
	fwc stop
	[ "$(all)" = "77 121 431 32 33 " ]
	fwc apply
	sys udp_timeout=78
	fwc stop
	[ "$(all)" = "78 121 431 32 33 " ]
}

@test "timeouts: where /proc/sys is read-only they cost themselves alone, and nothing is noted as done" {
	policy 'timeouts { udp 40s; icmp 10s; icmpv6 33s }' | candidate
	run readonly apply --no-confirm
	echo "$output"
	[ "$status" = 0 ]
	[[ $output == *"warning: "*"policy.fwc:1: timeout udp is left out: /proc/sys cannot be written here; it is 31s"* ]]
	[[ $output == *"timeout icmp is left out"* && $output != *"icmpv6 is"* && $output != *"timeouts are as"* ]]
	[[ $output == *"applied as generation 1"* ]]
	[ "$(all)" = "$BEFORE" ]
	[ ! -e "$WORK/state/timeouts.json" ]
	run readonly --json apply --no-confirm
	[ "$status" = 0 ]
	[ "$(json 'd["timeouts_left_out"], d["timeouts_changed"], d["unchanged"]' <<<"$output")" = "(['udp', 'icmp'], False, True)" ]
	run fwc status
	[[ $output == *"udp 40s  but it is 31s"* ]]
	inns nft delete table inet fwc
	run readonly boot
	[ "$status" = 0 ]
	[[ $output == *"policy.fwc:1: timeout udp (needs /proc/sys to be writable)"* ]]
	# set by whoever may, they cannot be put back there: stop says so, and the note stays; the
	# rules go all the same
	fwc apply
	[ "$(all)" = "40 121 431 10 33 " ]
	policy 'timeouts { udp 50s }' | candidate
	run readonly apply --no-confirm
	[ "$status" = 0 ]
	[ "$(all)" = "40 121 431 10 33 " ]
	run readonly stop
	[ "$status" = 3 ]
	[[ $output == *"cannot open /proc/sys/net/netfilter/nf_conntrack_"*": Read-only file system"* ]]
	[[ $output == *"the firewall is removed"* && $output != *"timeouts are"* ]]
	run inns nft list table inet fwc
	[ "$status" != 0 ]
	[ ! -e "$WORK/state/applied" ]
	[ "$(all)" = "40 121 431 10 33 " ]
	fwc stop
	[ "$(all)" = "$BEFORE" ]
}

@test "timeouts: whoever dies while they are set leaves nothing that cannot be put back" {
	local at
	policy 'timeouts { udp 40s }' | candidate
	for at in forwarding timeouts; do
		FWC_FAULT=$at run fwc apply --no-confirm
		[ "$status" = 137 ] || skip "built without FWC_FAULTS"
		fwc stop
		[ "$(all)" = "$BEFORE" ]
		[ ! -e "$WORK/state/timeouts.json" ]
	done
}

@test "timeouts: what is so already is nobody's to put back" {
	sys udp_timeout=40
	policy 'timeouts { udp 40s }' | candidate
	fwc apply
	[ ! -e "$WORK/state/timeouts.json" ]
	fwc stop
	[ "$(is udp_timeout)" = "40 " ]
}

@test "timeouts: boot sets them, and says what this kernel has not" {
	[ ! -e /proc/sys/net/netfilter/nf_conntrack_dccp_timeout_open ] || skip "this kernel knows DCCP"
	policy 'timeouts { udp 40s; dccp-open 2h }' | candidate
	run fwc apply
	[ "$status" = 0 ]
	[[ $output == *"policy.fwc:1: timeout dccp-open is left out: this kernel has no such setting"* ]]
	inns nft delete table inet fwc
	sys udp_timeout=31
	run fwc boot
	[ "$status" = 0 ]
	[[ $output == *"policy.fwc:1: timeout dccp-open (needs a kernel that has it)"* ]]
	[ "$(is udp_timeout)" = "40 " ]
	run fwc status
	[ "$status" = 0 ]
	[[ $output == *"dccp-open 2h  but this kernel has no such setting"* ]]
	fwc stop
	[ "$(is udp_timeout)" = "31 " ]
}

@test "timeouts: a note or manifest that others wrote sets nothing but times" {
	policy 'timeouts { udp 40s }' | candidate
	fwc apply
	printf '{"udp": {"was": "x", "set": ["40"]}, "../../kernel/core-pattern": {"was": "1", "set": 3}}' \
		>"$WORK/state/timeouts.json"
	run fwc stop
	[ "$status" = 0 ]
	[ "$(is udp_timeout)" = "40 " ]
	fwc apply
	unseal "$WORK/state/candidate"
	sed -i 's/"name": "udp"/"name": "..\/udp"/' "$WORK/state/candidate/manifest.json"
	run fwc apply
	[ "$status" = 3 ]
	[[ $output == *"has no valid timeouts"* ]]
}
