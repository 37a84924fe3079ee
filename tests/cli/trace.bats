#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # bats and lib.bash set variables
# fwc trace where its table belongs to the process (what nft before 1.1 cannot list as JSON): killed
# with all its processes, it leaves nothing.

load lib

setup_file() {
	cli_begin
	ip -n "$NS" link add eth0 type veth peer name peer0
	ip -n "$NS" link set peer0 up
	ip -n "$NS" address add 192.0.2.1/24 dev eth0
	ip -n "$NS" link set eth0 up
	candidate <<'END'
zone lan { interface eth0 }
allow self -> lan udp/5353
drop self -> lan udp/1-9
END
	fwc apply
	grep -qa FWC_FAULT "$FWC" || echo none >"$WORK/no-faults"
}
teardown_file() { cli_end; }

setup() { [ ! -e "$WORK/no-faults" ] || skip "the program has no fault points"; }

begin() {
	: >"$WORK/said" # or what was said by an earlier one would do
	FWC_FAULT=owner "$FWC" --netns "$NS" --state "$WORK/state" --config "$WORK/policy.fwc" trace "$@" \
		>"$WORK/trace" 2>"$WORK/said" 3>&- &
	pid=$!
	for _ in {1..600}; do
		grep -q tracing "$WORK/said" && return
		sleep 0.05
	done
	cat "$WORK/said"
	return 1
}

tables() { inns nft list tables | paste -sd' '; }

gone() {
	for _ in {1..600}; do
		[ "$(tables)" != "table inet fwc" ] || return 0
		sleep 0.05
	done
	tables
	return 1
}

@test "a table with an owner: traces, and goes at the end" {
	begin -n 1 'self -> lan udp/5353' # nothing that the interface says by itself
	[[ $(inns nft list ruleset) = *"flags owner"* ]]
	inns /usr/bin/python3 -c 'import socket
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("192.0.2.9", 5353))'
	wait "$pid"
	grep -q 'accept .*policy.fwc:2: allow self -> lan udp/5353' "$WORK/trace"
	gone
}

@test "a table with an owner: killed at once with its child, nothing stays" {
	begin 'self -> lan'
	[[ $(tables) = *fwc-trace-"$pid"* ]]
	child=$(cat "/proc/$pid/task/$pid/children")
	# shellcheck disable=SC2086 # a list of numbers
	kill -KILL $child "$pid"
	wait "$pid" 2>/dev/null || true
	gone
}

@test "a table with an owner: others cannot remove it" {
	begin 'self -> lan'
	run inns nft delete table inet "fwc-trace-$pid"
	[ "$status" != 0 ]
	inns nft flush ruleset 2>/dev/null || true
	[[ $(tables) = *fwc-trace-"$pid"* ]]
	kill -TERM "$pid"
	wait "$pid"
	[ -z "$(tables)" ]
}
