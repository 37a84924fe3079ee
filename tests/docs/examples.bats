#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154,SC2013 # bats and lib.bash set variables; names have no blanks
# What the documents show is true: examples compile, messages are the compiler's.

load lib.bash

@test "the policy manual: every example is a policy without errors and warnings" {
	check_examples man/fwc.policy.5 12
}

@test "README: its example is a policy without errors and warnings" {
	check_examples README 1
}

@test "the examples survive fmt unchanged in meaning, and fmt is stable" {
	example_files
	local file
	for file in $("$BATS_TEST_DIRNAME/extract" -v dir="$BATS_TEST_TMPDIR" "$top/man/fwc.policy.5"); do
		"$FWC" fmt "$file" >once.fwc
		"$FWC" fmt once.fwc >twice.fwc
		diff -u once.fwc twice.fwc
		"$FWC" compile --dump=nft "$file" | sed -E '/^[[:space:]]*#/d' >before.nft
		"$FWC" compile --dump=nft once.fwc | sed -E '/^[[:space:]]*#/d' >after.nft
		diff -u before.nft after.nft
	done
}

@test "the policy manual: the message that it shows is the one that fwc prints" {
	cd "$BATS_TEST_TMPDIR"
	{
		echo 'zone lan { interface eth0 }'
		echo 'zone wan { interface eth1 }'
		printf '\n\n\n\n\n\n\n\n\n'
		echo 'allow lna -> wan'
	} >firewall.fwc
	sed -n '/^firewall.fwc:12/,/^\.Ed/{/^\.Ed/!p}' "$top/man/fwc.policy.5" >expected
	[ -s expected ]
	run "$FWC" check firewall.fwc
	echo "$output"
	[ "$status" = 2 ]
	while read -r line; do
		[[ $output == *"$line"* ]] || { echo "not said: $line"; false; }
	done <expected
}

@test "the policy manual: what it calls refused is refused, with a place" {
	cd "$BATS_TEST_TMPDIR"
	local head='zone lan { interface eth0 }
zone wan { interface eth1 }'
	local rule refused=(
		'inspector x { allow any }
inspect lan -> wan with x'
	)
	for rule in "${refused[@]}"; do
		printf '%s\n%s\n' "$head" "$rule" >refused.fwc
		run "$FWC" check refused.fwc
		echo "$output"
		[ "$status" = 2 ]
		[[ $output == *refused.fwc:[0-9]*:[0-9]*:\ error:* ]]
	done
}

@test "examples/inspect: compiles, its expectations hold, and explain tells of the inspector" {
	run "$FWC" check --elsewhere "$top/examples/inspect/firewall.fwc"
	echo "$output"
	[ "$status" = 0 ]
	[[ $output != *warning:* ]]
	run "$FWC" explain 'lan -> wan https' "$top/examples/inspect/firewall.fwc"
	echo "$output"
	[[ $output = *"inspect with family-filter"* ]]
}
