#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Replacing the ruleset under full load: `race` says how. The control proves that the rig sees: what
# it finds with the usual way to replace a ruleset, it would find with ours.

race() {
	"$BATS_TEST_DIRNAME/race" "$@"
}

@test "race: untouched rules lose and leak nothing" {
	RACE_APPLIES=40 run race baseline
	echo "$output"
	[ "$status" != 4 ] || skip "this machine is too slow: $(grep '^rate' <<<"$output")"
	[ "$status" = 0 ]
}

@test "race: delete and recreate loses packets and leaks (control)" {
	local try lost=0 leaked=0

	for try in 1 2 3 4 5 6; do
		RACE_APPLIES=${RACE_APPLIES:-200} run race control
		echo "$output"
		[ "$status" != 4 ] || skip "this machine is too slow: $(grep '^rate' <<<"$output")"
		lost=$((lost + $(awk '$1 == "lost" { print $2 }' <<<"$output")))
		leaked=$((leaked + $(awk '$1 == "leaked" { print $2 }' <<<"$output")))
		[ "$lost" -gt 0 ] && [ "$leaked" -gt 0 ] && break
	done
	echo "control: lost $lost, leaked $leaked in $try runs"
	[ "$lost" -gt 0 ]
	[ "$leaked" -gt 0 ]
}

@test "race: fwc apply loses nothing and leaks nothing" {
	run race fwc
	echo "$output"
	[ "$status" != 4 ] || skip "this machine is too slow: $(grep '^rate' <<<"$output")"
	[ "$status" = 0 ]
	grep -qx 'leaked 0' <<<"$output"
	grep -qx 'lost 0' <<<"$output"
}

@test "race: trials that are confirmed, ended or left to expire lose nothing and leak nothing" {
	RACE_APPLIES=${RACE_APPLIES:-100} run race trial # each begins and ends: 200 changes
	echo "$output"
	[ "$status" != 4 ] || skip "this machine is too slow: $(grep '^rate' <<<"$output")"
	[ "$status" = 0 ]
	grep -qx 'leaked 0' <<<"$output"
	grep -qx 'lost 0' <<<"$output"
}
