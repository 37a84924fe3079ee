#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # lib.bash sets them
# Where there are no namespaces to try things in, and interfaces that a policy does not know.

load lib.bash

setup() {
	cli_begin
}

teardown() {
	cli_end
}

denied() { inns /usr/bin/python3 "$here/denied.py" "$FWC" --state "$WORK/state" --color=never "$@"; }

note='note: no network namespace can be made here: the rules were loaded into a dormant'

container_policy() {
	printf '%s\n' 'zone net { interface eth0 }' 'set banned = dynamic, timeout 1h' 'drop banned@net -> any' \
		'allow net -> self ssh limit 5/minute per source' 'allow self -> any' "$@" >"$WORK/p.fwc"
	chmod 644 "$WORK/p.fwc"
}

@test "nobody may make a namespace: the rules are tried asleep, read back, and applied; it is said" {
	container_policy
	run denied check -v "$WORK/p.fwc"
	echo "$output"
	[ "$status" = 0 ]
	[[ $output = *"$note"*"fine: the kernel takes it"*"; proved"* ]]
	run denied compile "$WORK/p.fwc"
	echo "$output"
	[ "$status" = 0 ]
	[[ $output = *"$note"*"read back from it"* && $output != *"fwc: fwc:"* ]]
	grep -q '"proof": "proved"' "$WORK/state/candidate/manifest.json"
	[ "$(inns nft list tables)" = "" ]
	run denied apply --no-confirm
	echo "$output"
	[ "$status" = 0 ]
	[[ $output = *"$note"*"read back from it"* ]]
	[[ $output = *"applied as generation"* && $output != *"fwc: fwc:"* ]]
	[ "$(inns nft list tables)" = "table inet fwc" ]
	# what is there is what a namespace of its own would have made of it
	run fwc --json status
	[ "$(json 'd["drifted"]' <<<"$output")" = False ]
	run denied apply --no-confirm
	[ "$status" = 0 ]
	[[ $output = *"nothing to change"* ]]
	[ "$(inns nft list tables)" = "table inet fwc" ]
}

@test "there, diff, dry runs and reload tell what they tell elsewhere, and leave nothing behind" {
	local said
	container_policy
	denied compile "$WORK/p.fwc"
	run denied apply --dry-run
	echo "$output"
	[ "$status" = 0 ]
	[[ $output = *"$note"*"+ "*"allow net -> self ssh limit 5/minute per source"* ]]
	[ "$(inns nft list tables)" = "" ]
	denied apply --no-confirm
	container_policy 'allow net -> self https'
	run denied diff "$WORK/p.fwc"
	echo "$output"
	[ "$status" = 1 ]
	[[ $output = *"$note"*"+ "*"allow net -> self https"* ]]
	said=$(grep '^[+-]' <<<"$output")
	run fwc diff "$WORK/p.fwc" # as root of the machine, in a namespace of its own
	[ "$(grep '^[+-]' <<<"$output")" = "$said" ]
	run denied reload --dry-run "$WORK/p.fwc"
	echo "$output"
	[ "$status" = 0 ]
	[[ $output = *"+ "*"allow net -> self https"* ]]
	run denied reload --no-confirm "$WORK/p.fwc"
	echo "$output"
	[ "$status" = 0 ]
	[[ $output = *"applied as generation 2"* ]]
	run denied diff "$WORK/p.fwc"
	[ "$status" = 0 ]
	run denied diff 1 2
	[ "$status" = 1 ]
	[[ $output = *"$note"*"+ "*"allow net -> self https"* ]]
	[ "$(inns nft list tables)" = "table inet fwc" ]
}

@test "the table that sleeps goes with the process that made it, however that ends" {
	local pid child i command
	FWC_FAULT=parsed run fwc check "$WORK/policy.fwc"
	[ "$status" = 137 ] || skip "built without FWC_FAULTS"
	container_policy
	denied compile "$WORK/p.fwc"
	for command in "apply --no-confirm" "diff"; do
		echo "$command"
		# shellcheck disable=SC2086 # words
		FWC_FAULT=stop:asleep denied $command >"$WORK/out" 2>&1 &
		pid=$!
		for i in {1..600}; do
			[[ $(inns nft list tables) != *fwc-asleep-* ]] || break
			sleep 0.05
		done
		child=$(inns nft list tables | sed -n 's/^table inet fwc-asleep-//p')
		[ -n "$child" ]
		# on no hook, and nobody else's
		inns nft list ruleset | grep -q 'flags dormant,owner'
		run inns nft delete table inet "fwc-asleep-$child"
		[ "$status" != 0 ]
		# the command itself, which the others follow
		for ((i = child; i > 1; i = $(cut -d' ' -f4 "/proc/$i/stat"))); do
			[[ $(<"/proc/$i/comm") == fwc* ]] || break
			command=$i
		done
		kill -KILL "$command"
		wait "$pid" || true
		for i in {1..600}; do
			[ -n "$(inns nft list tables)" ] || break
			sleep 0.05
		done
		[ "$(inns nft list tables)" = "" ]
	done
	# and a child that dies alone
	FWC_FAULT=asleep run denied apply --no-confirm
	echo "$output"
	[ "$status" = 3 ]
	[ "$(inns nft list tables)" = "" ]
}

@test "there, an artefact that would do something else than fill its table does nothing" {
	local line manifest=$WORK/state/candidate/manifest.json script=$WORK/state/candidate/ruleset.nft
	inns nft add table inet theirs
	container_policy
	for line in 'delete table inet theirs' 'include "/etc/hostname"' 'flush ruleset'; do
		denied compile "$WORK/p.fwc"
		echo "$line" >>"$script"
		sed -i '/^ "seal": /d' "$manifest"
		/usr/bin/python3 - "$manifest" "$script" <<-'END'
			import hashlib, json, sys
			m = json.load(open(sys.argv[1]))
			text = open(sys.argv[2], "rb").read()
			m["script"].update(sha256=hashlib.sha256(text).hexdigest(), size=len(text))
			json.dump(m, open(sys.argv[1], "w"))
		END
		for command in "apply --no-confirm" "apply --dry-run" diff; do
			# shellcheck disable=SC2086 # words
			run denied $command
			echo "$command: $output"
			[ "$status" = 3 ]
			[[ $output = *"line "[0-9]*" of the script: it does something else than to fill table inet fwc"* || $output = *"fwc: this may not be asked of the kernel"* ]]
			[ "$(inns nft list tables)" = "table inet theirs" ]
		done
	done
}

@test "apply and status name zones without an interface here, and interfaces without a zone" {
	inns ip link add br0 type bridge
	inns ip link add port type veth peer name guest
	inns ip link set port master br0
	for i in br0 port guest; do
		inns ip link set $i up
	done
	inns ip link add down type veth peer name down1
	printf '%s\n' 'zone lan { interface eth7, wg* }' 'zone wan { interface guest }' 'allow lan -> wan' >"$WORK/p.fwc"
	fwc compile "$WORK/p.fwc"
	run fwc apply --no-confirm
	echo "$output"
	[ "$status" = 0 ]
	[[ $output = *"warning: zone lan (eth7, wg*) has no interface here now"* ]]
	[[ $output = *"warning: br0 is up and in no zone: "* ]]
	[[ $output != *"zone wan"* && $output != *"port is up"* && $output != *"down"*"is up"* && $output != *"lo is up"* ]]
	run fwc status
	echo "$output"
	[ "$status" = 0 ]
	[[ $output = *"zone lan (eth7, wg*) has no interface here now"*"br0 is up and in no zone"* ]]
	run fwc --json status
	[ "$(json 'd["interfaces"]' <<<"$output")" = "{'zones_without': ['lan (eth7, wg*)'], 'without_zone': ['br0']}" ]
	inns ip link add wg3 type veth peer name wg4
	inns ip link set br0 down
	run fwc status
	[[ $output != *"has no interface here now"* && $output != *"br0 is up"* ]]
	run fwc --json apply --no-confirm
	[ "$(json 'd["interfaces"]["zones_without"]' <<<"$output")" = "[]" ]
}
