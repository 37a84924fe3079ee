#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Where nothing of ours is in force, what compile kept of the kernel goes to the kernel again, and no script is read:
# a first apply, and boot.

load lib

setup_file() { cli_begin; }
teardown_file() { cli_end; }

policies() { ls "$FWC_SRC"/rulesets/*.fwc "$FWC_SRC"/examples/*.fwc "$FWC_SRC"/tests/golden/lower/*.fwc 2>/dev/null; }

@test "every policy is staged without a script, and is then what it is by its script" {
	local p n=0 failed=0 kept
	while read -r p; do
		inns nft flush ruleset
		rm -rf "$WORK/state"
		fwc compile "$p" >/dev/null 2>&1 || continue
		n=$((n + 1))
		FWC_FAULT=no-script fwc apply --keep-flows >"$WORK/said" 2>&1 ||
			{ echo "$p: $(cat "$WORK/said")"; failed=1; continue; }
		kept=$(inns nft -s -n list table inet fwc)
		inns nft flush ruleset
		inns nft -f "$WORK/state/applied/ruleset.nft"
		diff <(echo "$kept" | sort) <(inns nft -s -n list table inet fwc | sort) >"$WORK/differ" ||
			{ echo "$p: $(cat "$WORK/differ")"; failed=1; }
	done < <(policies)
	echo "$n policies"
	[ "$n" -gt 20 ]
	[ "$failed" = 0 ]
}

@test "boot: the same" {
	inns nft flush ruleset
	rm -rf "$WORK/state"
	small | candidate
	fwc apply >/dev/null
	inns nft flush ruleset
	FWC_FAULT=no-script fwc boot
	fwc status
}

@test "of another kernel or another nft, the script is what counts" {
	inns nft flush ruleset
	rm -rf "$WORK/state"
	small | candidate
	fwc apply >/dev/null
	python3 - "$WORK/state/applied/manifest.json" <<-'END'
	import json, sys
	m = json.load(open(sys.argv[1]))
	del m["seal"]
	m["held"]["by"] = "5.10.0 libnftables.so.1.0.9 1 1"
	json.dump(m, open(sys.argv[1], "w"))
	END
	inns nft flush ruleset
	run fwc boot
	echo "$output"
	fwc status
}

@test "a change: what is missing, without a script; what has counted goes on" {
	local p over=
	inns nft flush ruleset
	rm -rf "$WORK/state"
	for p in server router standalone router; do
		fwc compile "$FWC_SRC/rulesets/$p.fwc" >/dev/null 2>&1
		FWC_FAULT=$over fwc apply --keep-flows >/dev/null
		over=no-script
		run fwc status
		echo "$output"
		[[ $output = *"holds what was applied"* ]]
	done
	small 25 | candidate
	fwc apply --keep-flows >/dev/null
	# where there is neither script nor messages, nothing is staged: it was one of the two
	small 26 | candidate
	FWC_FAULT=no-script,no-messages run fwc apply
	echo "$output"
	[ "$status" = 3 ]
	[[ $output = *"nothing was changed"* ]]
	FWC_FAULT=no-script fwc apply
}

@test "intervals that meet, over more than one message: without a script" {
	local kept
	inns nft flush ruleset
	rm -rf "$WORK/state"
	# a tree is told from the top, and would be refused in that order
	{
		echo 'forwarding off'
		echo "zone lan { interface $(printf '%s*, ' {a..z}{a..z})eth0 }"
		echo 'zone wan { interface wan0 }'
		echo 'allow lan -> self ssh'
	} | candidate
	FWC_FAULT=no-script fwc apply --keep-flows
	kept=$(inns nft -s -n list table inet fwc)
	inns nft flush ruleset
	inns nft -f "$WORK/state/applied/ruleset.nft"
	diff <(echo "$kept" | sort) <(inns nft -s -n list table inet fwc | sort)
}
