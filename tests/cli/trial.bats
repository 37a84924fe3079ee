#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # lib.bash sets them
# Trials: the kernel goes back by itself, confirm keeps, rollback ends; what other commands say meanwhile.
# Disturbances at every step: tests/trial/run.

load lib.bash
load ../lab/brief

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	ns=fwc-trial-$BATS_TEST_NUMBER-$$
	ip netns add "$ns"
	cat >old.fwc <<-'P'
		zone lan { interface eth0 }
		allow lan -> self ssh
		allow self -> any
	P
	cat >new.fwc <<-'P'
		forwarding on
		zone lan { interface eth0 }
		zone wan { interface eth1 }
		allow lan -> wan
		allow lan -> self https
	P
}

teardown() {
	pkill -9 -f "fwc.*--netns $ns " || true
	ip netns del "$ns"
}

f() { "$FWC" --netns "$ns" --state "$BATS_TEST_TMPDIR/state" "$@"; }
table() { ip netns exec "$ns" nft list table inet fwc; }
forwards() { ip netns exec "$ns" sysctl -n net.ipv4.ip_forward; }
past() { # until the kernel has taken the trial back, whose guard is dead
	for _ in {1..1200}; do
		[[ $(f status) != *"ON TRIAL"* ]] && return
		sleep 0.1
	done
	return 1
}

begin_old() {
	f compile old.fwc
	f apply
	table | sed -E 's/counter packets [0-9]+ bytes [0-9]+/counter/' >before.nft
}

@test "a trial that nobody confirms leaves the table, the switches and the record as they were" {
	begin_old
	f compile new.fwc
	brief f
	echo "$output"
	[[ $output = *"on trial for $brief seconds"* ]]
	table | grep -q 'meta nfproto vmap @trial.input'
	[ "$(forwards)" = 1 ]
	expired state
	table | sed -E 's/counter packets [0-9]+ bytes [0-9]+/counter/' >after.nft
	diff -u before.nft after.nft
	[ "$(forwards)" = 0 ]
	[ "$(f --json history | json 'len(d)')" = 1 ]
	run f diff old.fwc
	[ "$status" = 0 ]
}

@test "confirm keeps the rules, in the history with its words; the kernel holds what was compiled" {
	begin_old
	f compile new.fwc
	f apply --confirm=20
	run f confirm -m "looks right"
	echo "$output"
	[ "$status" = 0 ]
	run f diff new.fwc
	echo "$output"
	[ "$status" = 0 ]
	[ -z "$output" ]
	run table
	[[ $output != *trial* ]]
	run f history
	echo "$output"
	[[ ${lines[0]} = *"looks right"* ]]
	[ "$(forwards)" = 1 ]
	[ ! -e state/pending ]
}

@test "a first trial opens what was open before; what was not forwarded stays so without the guard" {
	f compile new.fwc
	brief f
	pkill -9 -f "fwc.*--netns $ns " # the guard
	table | grep -A6 'chain forward {' | grep -q 'meta nfproto ipv4 drop'
	table | grep -A3 'chain input {' | grep -q 'policy accept'
	past
	run f status
	echo "$output"
	[ "$status" = 1 ]
	[[ $output = *"TRIAL OVER"* ]]
	run f rollback
	echo "$output"
	[[ $output = *"nobody confirmed was undone"* ]]
	run table
	[ "$status" != 0 ]
	[ "$(forwards)" = 0 ]
}

@test "while a trial runs: status says so first, apply is refused, rollback ends it at once" {
	begin_old
	f compile new.fwc
	f apply --confirm=30
	run f status
	echo "$output"
	[ "$status" = 0 ]
	[[ ${lines[0]} = "ON TRIAL    for another "*" s, by "* ]]
	[ "$(f --json status | json 'd["trial"]["running"]')" = True ]
	run f apply
	echo "$output"
	[ "$status" = 3 ]
	[[ $output = *"on trial for another"*"fwc confirm"*"fwc rollback"* ]]
	run f rollback
	echo "$output"
	[ "$status" = 0 ]
	run f diff old.fwc
	echo "$output"
	[ "$status" = 0 ]
	[ -z "$output" ]
	run f confirm
	[ "$status" = 3 ]
	[[ $output = *"no trial is running"* ]]
}

@test "while a trial runs, lines and differences are those of the rules that packets meet" {
	begin_old
	f compile new.fwc
	f apply --confirm=60
	ip netns exec "$ns" ip link set lo up
	run f status
	echo "$output"
	[[ $output = *"without confirm, the rules of "*" come back"* ]]
	[[ $output = *"new.fwc:5  allow lan -> self https"* ]]
	[[ $output != *"allow lan -> self ssh"* ]]
	[[ $output != *CHANGED* ]]
	run f counters
	[[ $output = *"new.fwc:4  allow lan -> wan"* ]]
	[[ $output != *"allow self -> any"* ]]
	run f diff new.fwc
	echo "$output"
	[ "$status" = 0 ]
	[ -z "$output" ]
	run f diff old.fwc
	[ "$status" = 1 ]
	echo "$output"
	[[ $output = *"- new.fwc:5 "*"allow lan -> self https"* ]]
	[[ $output = *"+ old.fwc:2 "*"allow lan -> self ssh"* ]]
	[[ $output != *trial* ]]
	f rollback
	[[ $(f counters) = *"old.fwc:2  allow lan -> self ssh"* ]]
}

@test "of a first trial, too" {
	f compile new.fwc
	f apply --confirm=60
	run f status
	echo "$output"
	[ "$status" = 0 ]
	[[ $output = *"loaded for this trial; before it there was none"* ]]
	[[ $output = *"new.fwc:5  allow lan -> self https"* ]]
	run f diff
	[ "$status" = 0 ]
	[ -z "$output" ]
	f rollback
}

@test "stop ends a trial too; a confirmation that comes too late changes nothing" {
	begin_old
	f compile new.fwc
	brief f
	pkill -9 -f "fwc.*--netns $ns "
	past
	run f confirm
	echo "$output"
	[ "$status" = 3 ]
	[[ $output = *"too late"* ]]
	run f stop
	[ "$status" = 0 ]
	[ ! -e state/trial.json ]
	run table
	[ "$status" != 0 ]
}

@test "a trial of another boot is only cleaned up" {
	begin_old
	f compile new.fwc
	f apply --confirm=30
	pkill -9 -f "fwc.*--netns $ns "
	ip netns exec "$ns" nft delete table inet fwc
	sed -i -E 's/"boot": "[^"]*"/"boot": "00000000-0000-0000-0000-000000000000"/' state/trial.json
	run f status
	[[ $output = *"TRIAL OVER"* ]]
	f apply state/applied
	[ ! -e state/trial.json ]
	run f diff old.fwc
	[ "$status" = 0 ]
}

@test "at a terminal over ssh an apply is a trial, unless --no-confirm says otherwise" {
	begin_old
	f compile new.fwc
	export SSH_CONNECTION="192.0.2.9 5000 192.0.2.1 22"
	run f apply # no terminal: a script
	[[ $output != *"on trial"* ]]
	f rollback
	run script -qec "$FWC --netns $ns --state $BATS_TEST_TMPDIR/state apply" /dev/null
	echo "$output"
	[[ $output = *"on trial for 60 seconds"* ]]
	f rollback
	run script -qec "$FWC --netns $ns --state $BATS_TEST_TMPDIR/state apply --no-confirm" /dev/null
	echo "$output"
	[[ $output != *"on trial"* ]]
	run f diff new.fwc
	[ "$status" = 0 ]
}

@test "options: seconds of a trial, and what excludes each other" {
	begin_old
	for bad in 1 0 x 5x 90000 -3; do
		run f apply --confirm=$bad
		[ "$status" = 2 ]
		[[ $output = *"--confirm takes seconds, a number from 2 to 86400"* ]]
	done
	run f apply --confirm 20
	[ "$status" = 2 ]
	[[ $output = *"--confirm=20 is a trial of 20 seconds"* ]]
	run f apply --confirm --no-confirm
	[ "$status" = 2 ]
}
