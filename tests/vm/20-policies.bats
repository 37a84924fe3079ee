#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # net.bash sets it
# What is shipped loads into a stock kernel, is gapless there in form, and a second apply sends nothing.

load net.bash

setup() {
	ip netns add fw
}

teardown() {
	ip netns del fw
}

generation() { ip netns exec fw "$top/tests/vm/genid"; }

apply_twice() { # policy
	local before
	fw compile "$1"
	fw apply
	before=$(generation)
	[ "$before" -gt 1 ]
	fw apply
	echo "generation $before before the second apply, $(generation) after it"
	[ "$(generation)" = "$before" ]
	run fw diff
	echo "$output"
	[ "$status" = 0 ]
	[ -z "$output" ]
}

@test "vm: rulesets/router.fwc: compile, apply, and apply again without a transaction" {
	apply_twice "$top/rulesets/router.fwc"
}

@test "vm: rulesets/server.fwc: compile, apply, and apply again without a transaction" {
	apply_twice "$top/rulesets/server.fwc"
}

@test "vm: rulesets/standalone.fwc: compile, apply, and apply again without a transaction" {
	apply_twice "$top/rulesets/standalone.fwc"
}

@test "vm: every example: apply one over the other, each is what it would be alone" {
	local policy n=0
	for policy in "$top"/examples/*.fwc; do
		n=$((n + 1))
		apply_twice "$policy"
	done
	[ "$n" -ge 4 ]
}

@test "vm: plain nft -f loads the script, twice, and it is what apply would load" {
	fw compile "$top/rulesets/router.fwc"
	fw compile "$top/rulesets/router.fwc" -o - >"$BATS_TEST_TMPDIR/ruleset.nft"
	ip netns exec fw nft -f "$BATS_TEST_TMPDIR/ruleset.nft"
	ip netns exec fw nft -s list ruleset >"$BATS_TEST_TMPDIR/once"
	ip netns exec fw nft -f "$BATS_TEST_TMPDIR/ruleset.nft"
	ip netns exec fw nft -s list ruleset | diff -u "$BATS_TEST_TMPDIR/once" -
	run fw diff
	echo "$output"
	[ "$status" = 0 ]
	[ -z "$output" ]
}
