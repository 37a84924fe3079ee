#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# offload where the kernel has no flowtables; where it has them, see tests/vm/21-offload.bats.

load lib

setup_file() { cli_begin; }
teardown_file() { cli_end; }

setup() {
	inns nft flush ruleset
	rm -rf "$WORK/state"
	! inns nft 'add table inet t; add flowtable inet t f { hook ingress priority 0; }' 2>/dev/null ||
		skip "this kernel has flowtables"
	printf '%s\n' 'zone lan { interface v0 }' 'zone wan { interface v1 }' 'allow lan -> wan' \
		'offload lan -> wan' >"$WORK/policy.fwc"
	chmod 644 "$WORK/policy.fwc"
}

@test "offload: a kernel without flowtables loads the rules, and it is said" {
	run fwc compile "$WORK/policy.fwc"
	echo "$output"
	[ "$status" = 0 ]
	[[ $output == *"policy.fwc:4:1: warning: this kernel has no flowtables: nothing is offloaded"*"modprobe nf_flow_table_inet"* ]]
	fwc apply --no-confirm
	inns nft list table inet fwc >"$WORK/listing"
	grep 'allow lan -> wan' "$WORK/listing"
	[ "$(grep -c 'flow' "$WORK/listing")" = 0 ]
	run fwc status
	echo "$output"
	[ "$status" = 0 ]
	[[ $output == *"policy.fwc:4: offload is left out: the kernel had no nf_flow_table_inet"* ]]
	run fwc offload
	[ "$status" = 0 ]
	[ "$output" = "" ]
}

@test "offload: compiled elsewhere, it costs this kernel's boot the offload alone" {
	fwc compile "$WORK/policy.fwc" && fwc apply --no-confirm
	fwc compile --elsewhere -o "$WORK/elsewhere" "$WORK/policy.fwc"
	rm -r "$WORK/state/applied"
	cp -r "$WORK/elsewhere" "$WORK/state/applied"
	inns nft flush ruleset
	run fwc boot
	echo "$output"
	[ "$status" = 1 ]
	[[ $output == *"NOT ALL RULES"*"policy.fwc:4: offload lan -> wan (needs flowtable)"* ]]
	inns nft list table inet fwc >"$WORK/listing"
	grep 'allow lan -> wan' "$WORK/listing"
	grep 'not loaded: offload lan -> wan' "$WORK/listing"
	[ "$(grep -c 'flowtable' "$WORK/listing")" = 0 ]
}

@test "offload: it waits for another fwc, which may be about to replace the flowtable" {
	local holder
	fwc compile "$WORK/policy.fwc" && fwc apply --no-confirm
	exec 9>"$WORK/state/lock"
	flock 9
	sleep 4 3>&- &
	holder=$!
	exec 9>&-
	run fwc offload
	echo "$output"
	[ "$status" = 0 ]
	run kill -0 "$holder"
	[ "$status" != 0 ]
}

@test "offload: explain tells what goes past the rules" {
	run fwc explain --elsewhere 'lan -> wan https' "$WORK/policy.fwc"
	echo "$output"
	[[ $output == *"  then         offloaded: meets no rule any more"*"policy.fwc:4: offload lan -> wan"* ]]
	run fwc explain --elsewhere 'lan -> wan ping' "$WORK/policy.fwc"
	[[ $output == *accepted* && $output != *offload* ]]
}
