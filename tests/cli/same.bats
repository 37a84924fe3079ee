#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# An apply of what is in force: it is known without being read, and only if it is so.

load lib

setup_file() {
	cli_begin
	small | candidate
}
teardown_file() { cli_end; }

setup() {
	inns nft flush ruleset
	rm -rf "$WORK/state/applied" "$WORK"/state/generation.* "$WORK/state/seen.json"
	fwc apply >/dev/null
}

same() { [[ $(fwc apply) == *"nothing to change: the kernel holds these rules already"* ]]; }
listing() { inns nft -s -n list table inet fwc; }

@test "what packets count, and what others do with tables of their own, changes nothing" {
	same
	same # by the generation alone
	inns nft add table ip other
	same
	inns nft add element inet fwc guests.v4 '{ 192.0.2.9 timeout 1m }'
	same
	inns ip link add eth0 type veth peer name peer0
	inns ip link set eth0 up
	inns ip link set peer0 up
	inns ip addr add 192.0.2.1/24 dev eth0
	inns ping -c1 -W1 192.0.2.7 >/dev/null || true # counted
	same
	inns ip link del eth0
	inns nft delete table ip other
	same
	[[ $(inns nft list set inet fwc guests.v4) == *192.0.2.9* ]]
}

# By hand, after an apply that had nothing to do, and after one that has not looked: each is mended.
@test "whatever somebody changes in the table is found and mended" {
	local change before n=0
	before=$(listing)
	for change in "add rule inet fwc forward counter accept" \
		"insert rule inet fwc input accept" \
		"flush chain inet fwc forward" \
		"add chain inet fwc forward { policy accept; }" \
		"add chain inet fwc input { type filter hook input priority 0; policy accept; }" \
		"add table inet fwc { flags dormant; }" \
		"add chain inet fwc extra { type filter hook input priority -10; policy drop; }"; do
		[ $((n++ % 2)) = 0 ] || same
		inns nft "$change"
		[ "$(listing)" != "$before" ] || { echo "no change: $change"; false; }
		run fwc apply
		echo "$change: $output"
		[ "$status" = 0 ]
		[[ $output != *"nothing to change"* ]]
		run fwc status
		[ "$status" = 0 ]
		inns nft delete chain inet fwc extra 2>/dev/null || true
		fwc apply >/dev/null
		[ "$(listing)" = "$before" ]
	done
}

@test "an element of a set that belongs to the policy, more or less, is found" {
	local set before
	before=$(listing)
	set=$(inns nft list sets | sed -n 's/.*set \(friends[^ ]*\) {/\1/p' | head -n1)
	[ -n "$set" ] || skip "the compiler made no set of it"
	same
	inns nft add element inet fwc "$set" '{ 203.0.113.9 }'
	run fwc apply
	[[ $output != *"nothing to change"* ]]
	[ "$(listing)" = "$before" ]
}

@test "a table that was made anew is looked at, whatever its generation" {
	same
	same
	inns nft flush ruleset
	inns nft -f "$WORK/state/applied/ruleset.nft"
	same
	inns nft flush ruleset
	run fwc apply
	[ "$status" = 0 ]
	[[ $output != *"nothing to change"* ]]
	fwc status >/dev/null
}

@test "the note is of one namespace, one start of the machine and one artefact" {
	same
	same
	sed -i 's/"netns": [0-9]*/"netns": 7/' "$WORK/state/seen.json"
	same
	sed -i 's/"generation": [0-9]*/"generation": 1/' "$WORK/state/seen.json"
	same
	# of other rules it says nothing
	small 23 | candidate other
	run fwc apply
	[[ $output != *"nothing to change"* ]]
	[[ $(listing) == *"dport 23"* ]]
	small | candidate
}

# Files that nobody has written to for a second, since they were found to hold what is in force.
known() {
	local i
	for ((i = 0; i < 100; i++)); do
		same
		! grep -q '"files"' "$WORK/state/seen.json" || return 0
		sleep 0.1
	done
	return 1
}

@test "files that are as they were are not read again; whoever writes to one has all of them read" {
	local state=$WORK/state when
	known
	same
	# other bytes of the same length, at the same time
	cp -p "$state/candidate/ruleset.nft" "$WORK/kept"
	when=$(stat -c %y "$state/candidate/ruleset.nft")
	sed -i 's/accept/acc3pt/' "$state/candidate/ruleset.nft"
	touch -d "$when" "$state/candidate/ruleset.nft"
	run fwc apply
	[ "$status" = 3 ]
	[[ $output == *"do not belong together"* ]]
	cat "$WORK/kept" >"$state/candidate/ruleset.nft"
	known
	truncate -s 100 "$state/applied/ruleset.index"
	same
	cmp "$state/candidate/ruleset.index" "$state/applied/ruleset.index"
	known
	inns nft insert rule inet fwc input accept
	run fwc apply
	[ "$status" = 0 ]
	[[ $output != *"nothing to change"* ]]
	known
	fwc apply --dry-run
	echo "# another comment" >>"$WORK/policy.fwc"
	run fwc apply
	[ "$status" = 3 ]
	[[ $output == *"it is not the current policy"* ]]
	small | candidate
}
