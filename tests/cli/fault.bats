#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# apply killed between any two steps: the old rules or the new ones, never a mixture, and the next
# apply goes on from there. Wants a program built with FWC_FAULTS.

load lib

setup_file() { cli_begin; }
teardown_file() { cli_end; }

setup() {
	inns nft flush ruleset
	rm -rf "$WORK/state"
	inns sysctl -qw net.ipv4.ip_forward=0
	small 22 | sed 's/forwarding off/forwarding on/' | candidate
	FWC_FAULT=staged fwc apply 2>/dev/null && skip "built without FWC_FAULTS"
	fwc apply
	fwc show | without_places >"$WORK/old"
	small 23 | sed 's/forwarding off/forwarding on/' | candidate
}

without_places() { grep -v '^[[:space:]]*# ' | sed 's/  # .*//'; }

killed_at() {
	FWC_FAULT=$1 run fwc apply
	[ "$status" = 137 ]
	fwc show | without_places >"$WORK/now"
	diff "$WORK/$2" "$WORK/now"
	run fwc apply
	[ "$status" = 0 ]
	run fwc diff
	[ "$status" = 0 ]
	run fwc status
	[ "$status" = 0 ]
	fwc stop
	[ "$(inns sysctl -n net.ipv4.ip_forward)" = 0 ]
}

new_rules() {
	cp "$WORK/policy.fwc" "$WORK/other.fwc"
	fwc compile -o "$WORK/other" "$WORK/other.fwc" 2>/dev/null
	fwc apply "$WORK/other"
	fwc show | without_places >"$WORK/new"
	small 22 | sed 's/forwarding off/forwarding on/' | candidate
	fwc apply
	cp -r "$WORK/other/." "$WORK/state/candidate/"
}

@test "killed when the new objects are staged" { killed_at staged old; }
@test "killed just before the swap" { killed_at before-swap old; }
@test "killed just after the swap" { new_rules; killed_at swapped new; }
@test "killed when forwarding is set" { new_rules; killed_at forwarding new; }
@test "killed when all is recorded, before the old is collected" { new_rules; killed_at recorded new; }

@test "killed on a first apply, before anything filters" {
	fwc stop
	FWC_FAULT=before-swap run fwc apply
	[ "$status" = 137 ]
	[ "$(inns nft list chains | grep -c hook)" = 0 ]
	fwc apply
	fwc status
}

# apply, stopped just before its swap, while somebody else does "$@"
meanwhile() { # faults of the program; the command
	local faults=$1 i pid
	shift
	FWC_FAULT=stop:before-swap$faults "$FWC" --netns "$NS" --state "$WORK/state" --color=never apply \
		>"$WORK/out" 2>&1 3>&- &
	pid=$!
	for i in 1 2 3; do
		stopped $pid || break
		[ "$i" != 1 ] || "$@"
		kill -CONT $pid
	done
	wait $pid
}
stopped() { # process; within 20 s; false if it has ended
	local i stat
	for i in $(seq 1200); do
		stat=$(cat "/proc/$1/stat" 2>/dev/null)
		case ${stat##*) } in
		T*) return 0 ;;
		Z* | '') return 1 ;;
		esac
		sleep 0.05
	done
	return 1
}

under_me() { # faults
	run meanwhile "$1" inns nft add rule inet fwc input counter comment '"by hand"'
	cat "$WORK/out"
	[ "$status" = 3 ]
	grep -q "another program changed table inet fwc" "$WORK/out"
	grep -q "nothing was changed" "$WORK/out"
	fwc show | without_places >"$WORK/now"
	diff "$WORK/old" <(grep -v '"by hand"' "$WORK/now") # that rule, and no other
	grep -q '"by hand"' "$WORK/now"
	run fwc apply
	[ "$status" = 0 ]
	fwc show >"$WORK/now"
	[ "$(grep -c "by hand" "$WORK/now")" = 0 ]
	fwc status
}
@test "a hand edit between look and commit: an error that changes nothing" { under_me ''; }
@test "the kernel itself refuses a commit to a ruleset of another generation" { under_me ,looked-away; }

@test "a commit of others to a table of theirs stops nothing" {
	local faults
	for faults in '' ,looked-away; do
		run meanwhile "$faults" inns nft add table ip "theirs${#faults}"
		cat "$WORK/out"
		[ "$status" = 0 ]
		fwc status
		small 22 | candidate
	done
}

@test "a compiler that makes something else of a rule is caught by the proof" {
	local before
	cp "$FWC_SRC/rulesets/router.fwc" "$BATS_TEST_TMPDIR/r.fwc"
	run "$FWC" --state "$BATS_TEST_TMPDIR/s" compile "$BATS_TEST_TMPDIR/r.fwc"
	[ "$status" = 0 ]
	before=$(cat "$BATS_TEST_TMPDIR"/s/candidate/*)
	FWC_FAULT=lower run "$FWC" --state "$BATS_TEST_TMPDIR/s" compile "$BATS_TEST_TMPDIR/r.fwc"
	[ "$status" = 3 ]
	[[ $output == *"internal error: the kernel would hold something other than what the policy says"* ]]
	[[ $output =~ "  packet  new: "[0-9a-f.:]+" -> "[0-9a-f.:]+ ]]
	[[ $output =~ "  policy  accept, by "[^$'\n']*"r.fwc:"[0-9]+": allow " ]]
	[[ $output =~ "  kernel  drop, by chain "[^$'\n']*": allow " ]]
	[ "$before" = "$(cat "$BATS_TEST_TMPDIR"/s/candidate/*)" ]
}

@test "a proof that takes too much is never called one" {
	cp "$FWC_SRC/rulesets/router.fwc" "$BATS_TEST_TMPDIR/r.fwc"
	FWC_FAULT=budget run "$FWC" --state "$BATS_TEST_TMPDIR/s" compile "$BATS_TEST_TMPDIR/r.fwc"
	[ "$status" = 0 ]
	[[ $output == *"not proved: budget"* ]]
	grep -q '"proof": "not proved: budget"' "$BATS_TEST_TMPDIR/s/candidate/manifest.json"
	run fwc apply "$BATS_TEST_TMPDIR/s/candidate"
	[ "$status" = 0 ]
	[[ $output == *"warning: this ruleset is not proved: budget"* ]]
	run fwc status
	[[ $output == *"proof       not proved: budget"* ]]
}
