#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Replacing the ruleset under full load: `race` says how. The control proves that the rig sees: what
# it finds with the usual way to replace a ruleset, it would find with ours.

# How often the rules are replaced: by default, and with FWC_LONG.
times() { echo "${RACE_APPLIES:-$(if [ -n "${FWC_LONG:-}" ]; then echo "$2"; else echo "$1"; fi)}"; }

race() {
	"$BATS_TEST_DIRNAME/race" "$@"
}

gapless() { # form, how often by default, how often with FWC_LONG
	RACE_APPLIES=$(times "$2" "$3") run race "$1"
	echo "$output"
	[ "$status" != 4 ] || skip "this machine is too slow: $(grep '^rate' <<<"$output")"
	[ "$status" = 0 ]
	grep -qx 'leaked 0' <<<"$output"
	grep -qx 'lost 0' <<<"$output"
}

@test "race: untouched rules lose and leak nothing" {
	RACE_APPLIES=20 run race baseline
	echo "$output"
	[ "$status" != 4 ] || skip "this machine is too slow: $(grep '^rate' <<<"$output")"
	[ "$status" = 0 ]
}

@test "race: delete and recreate loses packets and leaks (control)" {
	local try lost=0 leaked=0

	for try in 1 2 3 4 5 6; do
		RACE_APPLIES=$(times 60 200) run race control
		echo "$output"
		[ "$status" != 4 ] || skip "this machine is too slow: $(grep '^rate' <<<"$output")"
		lost=$((lost + $(awk '$1 == "lost" { print $2 }' <<<"$output")))
		leaked=$((leaked + $(awk '$1 == "leaked" { print $2 }' <<<"$output")))
		if [ "$lost" -gt 0 ] && [ "$leaked" -gt 0 ]; then break; fi
	done
	echo "control: lost $lost, leaked $leaked in $try runs"
	[ "$lost" -gt 0 ]
	[ "$leaked" -gt 0 ]
}

@test "race: fwc apply loses nothing and leaks nothing" {
	gapless fwc 60 400
}

@test "race: trials that are confirmed, ended or left to expire lose nothing and leak nothing" {
	gapless trial 20 150 # each begins and ends: two changes
}

@test "race: long lists, by what changed and as a whole, lose nothing and leak nothing" {
	gapless lists 8 100
}

@test "race: fwc refresh changes sets that rules ask; nothing is lost and nothing leaks" {
	gapless refresh 30 300
}
