#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2030,SC2031,SC2154 # bats and lib.bash set variables
# A disk that is full, or can only be read: the kernel keeps what it had, nothing is half written,
# and as soon as there is room all goes on.

load lib
load ../lab/brief

setup_file() { cli_begin; }
teardown_file() { cli_end; }

setup() {
	inns nft flush ruleset
	rm -rf "$WORK/state"
	mkdir -m 700 "$WORK/state"
	mount -t tmpfs -o size=512k,mode=700 fwc-test "$WORK/state" || skip "nothing can be mounted here"
	small 22 | candidate
}
teardown() {
	umount -l "$WORK/state"
	rm -rf "$WORK/state" "/run/fwc/public$WORK"
}

fill() { ! cat /dev/zero >"$WORK/state/ballast" 2>/dev/null; }
free() { rm "$WORK/state/ballast"; }
whole() { [ -z "$(find "$WORK/state" -name '.*')" ]; }
said_so() { [[ $output == *"$WORK/state"*"No space left on device"* ]]; }
bytes() { cat "$WORK/state/$1/"* | sha256sum; }

refused() { # COMMAND...: for want of room; neither the kernel nor what is on record changes
	local before applied
	before=$(generation)
	applied=$([ ! -d "$WORK/state/applied" ] || bytes applied)
	run fwc "$@"
	echo "$*: $output"
	[ "$status" = 3 ]
	said_so
	whole
	[ "$(generation)" = "$before" ]
	[ "$([ ! -d "$WORK/state/applied" ] || bytes applied)" = "$applied" ]
}

@test "full: compile leaves the old candidate" {
	before=$(bytes candidate)
	small 23 >"$WORK/policy.fwc"
	fill
	refused compile "$WORK/policy.fwc"
	[ "$(bytes candidate)" = "$before" ]
	free
	fwc compile "$WORK/policy.fwc"
	[ "$(bytes candidate)" != "$before" ]
}

@test "full: a first apply loads nothing" {
	fill
	refused apply
	[[ $output == *"nothing was changed"* ]]
	[ "$(inns nft list chains | grep -c hook)" = 0 ]
	refused apply --confirm=30
	[ "$(inns nft list chains | grep -c hook)" = 0 ]
	free
	fwc apply
	fwc status
}

@test "full: apply leaves the running rules, and status says so" {
	fwc apply
	small 23 | candidate
	fill
	refused apply
	[[ $output == *"nothing was changed"* ]]
	run fwc status
	[ "$status" = 0 ]
	refused apply --confirm=30
	[ ! -e "$WORK/state/trial.json" ]
	[ ! -e "$WORK/state/pending" ]
	run fwc status
	[ "$status" = 0 ]
	[[ $output != *TRIAL* ]]
	free
	fwc apply
	[[ $(fwc status) == *"policy.fwc:6  allow lan -> self tcp/23"* ]]
	[ "$(fwc history --json | json "len(d)")" = 2 ]
}

@test "full: an apply that has nothing to write is none the worse" {
	fwc apply
	fill
	run fwc apply
	[ "$status" = 0 ]
	[[ $output == *"nothing to change"* ]]
}

@test "full: confirm is refused, the trial goes on, and can be confirmed when there is room" {
	fwc apply
	small 23 | candidate
	fwc apply --confirm=60
	fill
	refused confirm
	[[ $(fwc status) == *"ON TRIAL"* ]]
	free
	fwc confirm
	run fwc status
	[ "$status" = 0 ]
	[[ $output == *"policy.fwc:6  allow lan -> self tcp/23"* ]]
	[ "$(fwc history --json | json "len(d)")" = 2 ]
}

@test "full: a trial ends all the same, by time and by rollback" {
	fwc apply
	small 23 | candidate
	brief fwc
	fill
	expired "$WORK/state"
	run fwc status
	echo "$output"
	[ "$status" = 0 ]
	[[ $output != *TRIAL* ]]
	[[ $output == *"holds what was applied"* ]]
	[ ! -e "$WORK/state/trial.json" ]
	free
	fwc apply --confirm=60
	fill
	fwc rollback
	run fwc status
	[ "$status" = 0 ]
	[[ $output == *"holds what was applied"* ]]
	whole
}

@test "full: a first trial ends all the same, and the host is as it was" {
	fwc apply --confirm=60
	fill
	fwc rollback
	[ "$(inns nft list ruleset)" = "" ]
	whole
}

@test "full: rollback to a generation is refused, stop is not" {
	fwc apply
	small 23 | candidate
	fwc apply
	fill
	refused rollback 1
	[[ $output == *"nothing was changed"* ]]
	fwc stop
	[ "$(inns nft list ruleset)" = "" ]
	whole
	free
	fwc rollback 1
	fwc status
}

@test "full all of a sudden, after the swap: that is what is told, until there is room" {
	FWC_FAULT=staged run fwc apply
	[ "$status" = 137 ] || skip "built without FWC_FAULTS"
	fwc apply
	small 23 | candidate
	FWC_FAULT=stop:forwarding "$FWC" --netns "$NS" --state "$WORK/state" apply >"$WORK/out" 2>&1 &
	pid=$!
	until [[ $(cat "/proc/$pid/status") == *"State:"$'\t'"T"* ]]; do sleep 0.05; done
	fill
	kill -CONT "$pid"
	status=0
	wait "$pid" || status=$?
	[ "$status" = 3 ]
	grep -q "No space left on device" "$WORK/out"
	grep -q "the new rules are in force, but not everything was done" "$WORK/out"
	whole
	run fwc status
	[ "$status" = 1 ]
	[[ $output == *"DIFFERS from what was applied"* ]]
	[[ $output == *"+ $WORK/policy.fwc:6 "*"allow lan -> self tcp/22"* ]]
	free
	fwc apply
	run fwc status
	[ "$status" = 0 ]
	[[ $output == *"policy.fwc:6  allow lan -> self tcp/23"* ]]
	[[ $(fwc history | head -n1) == "*"* ]]
}

@test "what a killed apply had reserved is free again with the next command" {
	FWC_FAULT=before-swap run fwc apply
	[ "$status" = 137 ] || skip "built without FWC_FAULTS"
	[ -e "$WORK/state/.room" ]
	fwc compile "$WORK/policy.fwc"
	whole
}

@test "read-only: nothing changes, looking goes on" {
	local command before
	fwc apply
	small 23 | candidate
	fwc apply
	small 24 | candidate
	mount -o remount,ro "$WORK/state"
	before=$(generation)
	for command in "compile $WORK/policy.fwc" apply "apply --confirm=30" rollback "rollback 1" stop; do
		# shellcheck disable=SC2086
		run fwc $command
		echo "$command: $output"
		[ "$status" = 3 ]
		[[ $output == *"$WORK/state: Read-only file system"* ]]
		[ "$(generation)" = "$before" ]
	done
	fwc status
	[ "$(fwc history --json | json "len(d)")" = 2 ]
	run fwc diff
	[ "$status" = 1 ]
	mount -o remount,rw "$WORK/state"
	fwc apply
	fwc status
}

@test "read-only in the middle of a trial: neither confirm nor rollback, but it ends" {
	fwc apply
	small 23 | candidate
	brief fwc
	mount -o remount,ro "$WORK/state"
	for command in confirm rollback; do
		run fwc "$command"
		echo "$output"
		[ "$status" = 3 ]
		[[ $output == *"Read-only file system"* ]]
	done
	for _ in {1..1200}; do
		[[ $(fwc status) != *"ON TRIAL"* ]] && break
		sleep 0.1
	done
	run fwc status
	echo "$output"
	[ "$status" = 1 ]
	[[ $output == *"TRIAL OVER"*"the previous rules are in"* ]]
	# by the kernel alone: the old rules
	fwc compile --dump=nft "$WORK/policy.fwc" >/dev/null
	run fwc explain --live '192.0.2.1@eth0 -> self tcp/23' "$WORK/policy.fwc"
	[[ $output == *dropped* ]]
	run fwc explain --live '192.0.2.1@eth0 -> self tcp/22' "$WORK/policy.fwc"
	[[ $output == *accepted* ]]
	mount -o remount,rw "$WORK/state"
	fwc apply
	run fwc status
	[ "$status" = 0 ]
}

@test "a directory of one's choice on a full disk" {
	fill
	run fwc compile -o "$WORK/state/art" "$WORK/policy.fwc"
	[ "$status" = 3 ]
	[[ $output == *"No space left on device"* ]]
	free
	fwc compile -o "$WORK/state/art" "$WORK/policy.fwc"
	fwc apply "$WORK/state/art"
}
