#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# apply: what is sent, what is kept, what is mended, and what is refused.

load lib

setup_file() { cli_begin; }
teardown_file() { cli_end; }

setup() {
	inns nft flush ruleset
	rm -rf "$WORK/state"
}

@test "the kernel holds what was compiled, and a second apply sends nothing" {
	small | candidate
	fwc apply
	before=$(generation)
	run fwc apply
	[ "$status" = 0 ]
	[[ $output == *"nothing to change"* ]]
	[ "$(generation)" = "$before" ]
	run fwc diff
	[ "$status" = 0 ]
	[ -z "$output" ]
}

@test "an apply of another policy needs three transactions: stage, swap, collect" {
	small 22 | candidate
	fwc apply
	before=$(generation)
	small 23 | candidate
	run fwc apply --json
	[ "$status" = 0 ]
	[ "$(json 'd["ok"], d["unchanged"], d["swapped"]' <<<"$output")" = "(True, False, 1)" ]
	[ "$(generation)" = $((before + 3)) ]
}

@test "nothing of an earlier policy is left behind" {
	small 22 | candidate
	fwc apply
	inns nft list table inet fwc | sed 's/packets.*bytes [0-9]*//' >"$WORK/first"
	echo 'zone z { interface eth9 }
allow z -> self ssh, https' | candidate
	fwc apply
	[ "$(inns nft -j list table inet fwc | json 'len([o for o in d["nftables"] if "map" in o or "set" in o])')" -lt 5 ]
	small 22 | candidate
	fwc apply
	inns nft list table inet fwc | sed 's/packets.*bytes [0-9]*//' >"$WORK/second"
	diff <(sort "$WORK/first") <(sort "$WORK/second")
}

@test "base chains that a policy does not need are emptied, not deleted" {
	small | candidate
	fwc apply
	inns nft list chain inet fwc postrouting-nat | grep jump
	small | grep -v masquerade | candidate
	fwc apply
	run inns nft list chain inet fwc postrouting-nat
	[ "$status" = 0 ]
	[[ $output != *jump* ]]
	run fwc diff
	[ "$status" = 0 ]
	fwc status
}

@test "elements of a dynamic set outlive a change of policy" {
	small 22 | candidate
	fwc apply
	inns nft add element inet fwc guests.v4 '{ 203.0.113.9 }'
	small 23 | candidate
	fwc apply
	inns nft list set inet fwc guests.v4 | grep 203.0.113.9
}

@test "a dynamic set that the policy no longer has goes" {
	small | candidate
	fwc apply
	small | grep -v guests | candidate
	fwc apply
	run inns nft list set inet fwc guests.v4
	[ "$status" != 0 ]
}

# Whether this kernel changes a set that is there, asked of it by nft alone.
kernel_resizes() {
	inns nft 'add table ip probe; add set ip probe s { type ipv4_addr; flags dynamic,timeout; timeout 1h; size 100; }'
	inns nft 'add set ip probe s { type ipv4_addr; flags dynamic,timeout; timeout 2h; size 200; }'
	inns nft list set ip probe s >"$WORK/probe"
	inns nft delete table ip probe
	grep -q 'timeout 2h' "$WORK/probe"
}

guests() { # timeout and size, and whether the kernel holds that and still the address
	inns nft list set inet fwc guests.v4 >"$WORK/set"
	grep -q "timeout $1\$" "$WORK/set"
	grep -q "size $2\$" "$WORK/set"
	grep -q 192.0.2.77 "$WORK/set"
}

@test "another timeout and size of a dynamic set: in place, and what is in it stays" {
	kernel_resizes || skip "this kernel cannot"
	small | candidate
	fwc apply
	inns nft add element inet fwc guests.v4 '{ 192.0.2.77 }'
	small | sed 's/timeout 1h, size 100/timeout 2h, size 50/' | candidate
	run fwc apply --dry-run
	[ "$status" = 0 ]
	guests 1h 100
	fwc apply
	guests 2h 50
	fwc status
	run fwc diff
	[ "$status" = 0 ]
	[ -z "$output" ]
	fwc rollback
	guests 1h 100
	fwc status
}

@test "on trial a dynamic set keeps its parameters until it is confirmed" {
	kernel_resizes || skip "this kernel cannot"
	small | candidate
	fwc apply
	inns nft add element inet fwc guests.v4 '{ 192.0.2.77 }'
	small 23 | sed 's/timeout 1h/timeout 2h/' | candidate
	fwc apply --confirm=60
	guests 1h 100
	fwc rollback
	guests 1h 100
	fwc status
	fwc apply --confirm=60
	fwc confirm
	guests 2h 100
	fwc status
}

@test "a dynamic set that the kernel cannot change is refused by name, and nothing changes" {
	small | candidate
	fwc apply
	before=$(generation)
	# where the kernel can, what it is asked in a scratch namespace says that it cannot
	small | sed 's/timeout 1h/timeout 2h/' | candidate
	FWC_FAULT=resize run fwc apply
	[ "$status" = 3 ]
	[[ $output == *"guests"* && $output == *"hint:"* && $output == *"nothing was changed"* ]]
	[ "$(generation)" = "$before" ]
	FWC_FAULT=resize run fwc apply --dry-run
	[ "$status" = 3 ]
	[[ $output == *"apply would refuse this:"*"guests"*"hint:"* ]]
	small 2222 | candidate
	fwc apply --dry-run
	[ "$(generation)" = "$before" ]
}

@test "a dry run exits as apply would: during a trial, and where it would cut off the session" {
	small | candidate
	fwc apply
	small 2222 | candidate
	fwc apply --confirm=60
	small 2223 | candidate
	run fwc apply --dry-run
	[ "$status" = 3 ]
	[[ $output == *"apply would refuse this: rules of"*"are on trial"* ]]
	fwc rollback
	fwc apply --dry-run
	run env SSH_CONNECTION="203.0.113.7 40000 192.0.2.1 22" "$FWC" --netns "$NS" --state "$WORK/state" apply
	would=$status said=$output
	run env SSH_CONNECTION="203.0.113.7 40000 192.0.2.1 22" "$FWC" --netns "$NS" --state "$WORK/state" apply --dry-run
	[ "$status" = "$would" ]
	[ "$status" = 0 ] || [[ $output == *"apply would refuse this:"* && $said == *"${output##*this: }"* ]]
}

@test "what somebody changed by hand shows in diff and is mended by apply" {
	small | candidate
	fwc apply
	inns nft add rule inet fwc "$(live chain lan-self)" tcp dport 99 accept
	inns nft add element inet fwc "$(live set friends)" '{ 203.0.113.1 }'
	inns nft delete element inet fwc "$(live set friends)" '{ 198.51.100.7 }'
	inns nft flush chain inet fwc output
	run fwc diff
	[ "$status" = 1 ]
	[[ $output == *"- (no policy line)"*"tcp dport 99 accept"* ]]
	[[ $output == *"203.0.113.1"* && $output == *"198.51.100.7"* ]]
	run fwc status
	[ "$status" = 1 ]
	[[ $output == *DIFFERS* ]]
	fwc apply
	run fwc diff
	[ "$status" = 0 ]
	[ -z "$output" ]
	fwc status
}

@test "a wildcard put into a dispatch map by hand is mended, too" {
	small | candidate
	fwc apply
	map=$(inns nft list maps | awk '/map .*-wild/ { print $2; exit }')
	inns nft add element inet fwc "$map" '{ "tun*" : accept }'
	run fwc diff
	[ "$status" = 1 ]
	fwc apply
	run fwc diff
	[ "$status" = 0 ]
}

@test "leftovers of an apply that died are taken up or collected" {
	small 22 | candidate
	fwc apply
	# objects staged by a policy that never got its roots
	small 23 | candidate
	{
		echo 'table inet fwc {'
		sed -n '/^\tset /,/^\t}/p; /^\tmap /,/^\t}/p; /^\tchain .*\.[0-9a-f]* {/,/^\t}/p' \
			"$WORK/state/candidate/ruleset.nft"
		echo '}'
	} >"$WORK/staged.nft"
	inns nft -f "$WORK/staged.nft"
	inns nft add chain inet fwc stray.0123456789ab
	run fwc apply --json
	[ "$status" = 0 ]
	[ "$(json 'd["staged"]' <<<"$output")" = 0 ]
	run inns nft list chain inet fwc stray.0123456789ab
	[ "$status" != 0 ]
	run fwc diff
	[ "$status" = 0 ]
}

@test "plain nft -f of the same script is the same ruleset" {
	small | candidate
	fwc apply
	fwc stop
	inns nft -f "$WORK/state/candidate/ruleset.nft"
	inns nft -f "$WORK/state/candidate/ruleset.nft"
	run fwc diff
	[ "$status" = 0 ]
	[ -z "$output" ]
	run fwc apply
	[ "$status" = 0 ]
	[[ $output == *"nothing to change"* ]]
}

@test "dry run shows the difference and changes nothing" {
	small 22 | candidate
	fwc apply
	before=$(generation)
	small 23 | candidate
	run fwc apply --dry-run
	[ "$status" = 0 ]
	[[ $output == *"- "*"tcp/22"* && $output == *"+ "*"tcp/23"* ]]
	[ "$(generation)" = "$before" ]
}

@test "an artefact that was cut short or edited is refused" {
	small | candidate
	fwc apply
	fwc compile -o "$WORK/art" "$WORK/policy.fwc" 2>/dev/null
	cp -r "$WORK/art" "$WORK/cut"
	truncate -s -100 "$WORK/cut/ruleset.nft"
	run fwc apply "$WORK/cut"
	[ "$status" = 3 ]
	[[ $output == *"do not belong together"* ]]
	cp -r "$WORK/art" "$WORK/edited"
	sed -i 's/drop/accept/' "$WORK/edited/ruleset.nft"
	run fwc apply "$WORK/edited"
	[ "$status" = 3 ]
	cp -r "$WORK/art" "$WORK/half"
	truncate -s 300 "$WORK/half/manifest.json"
	run fwc apply "$WORK/half"
	[ "$status" = 3 ]
	rm "$WORK/half/manifest.json"
	run fwc apply "$WORK/half"
	[ "$status" = 3 ]
	fwc apply "$WORK/art"
}

@test "without a candidate apply says what to do" {
	small >"$WORK/policy.fwc"
	chmod 644 "$WORK/policy.fwc"
	run fwc --config "$WORK/policy.fwc" apply
	[ "$status" = 3 ]
	[[ $output == *"fwc compile"* ]]
}

@test "a namespace that is not there" {
	run "$FWC" --netns no-such-thing --state "$WORK/state" status
	[ "$status" = 3 ]
	[[ $output == *"no-such-thing"* ]]
}

@test "two at once: the second one says so" {
	small | candidate
	exec 9>>"$WORK/state/lock"
	flock 9
	run fwc apply
	[ "$status" = 3 ]
	[[ $output == *"another fwc is at work"* ]]
	exec 9>&-
	fwc apply
}

@test "two at once: of one that is about to end, the second one waits for the end" {
	small | candidate
	flock "$WORK/state/lock" sh -c "echo locked >'$WORK/is'; sleep 0.5" 3>&- &
	until [ -s "$WORK/is" ]; do sleep 0.02; done
	fwc apply
	wait
}

@test "stop removes our table and no other" {
	inns nft add table ip theirs
	inns nft add chain ip theirs c
	inns nft add rule ip theirs c counter accept
	theirs=$(inns nft -a list table ip theirs)
	small | candidate
	fwc apply
	run fwc stop
	[ "$status" = 0 ]
	[[ $output == *open* ]]
	run inns nft list table inet fwc
	[ "$status" != 0 ]
	[ "$(inns nft -a list table ip theirs)" = "$theirs" ]
	fwc stop
}

@test "an artefact that others may write is refused" {
	small | candidate
	fwc compile -o "$WORK/inc" "$WORK/policy.fwc" 2>/dev/null
	chmod g+w "$WORK/inc/ruleset.nft"
	run fwc apply "$WORK/inc"
	[ "$status" = 3 ]
	[[ $output == *"others can write"* ]]
}

@test "others who change their own tables all the time are no obstacle" {
	inns nft add table ip busy
	inns nft add set ip busy s '{ type ipv4_addr; }'
	small 22 | candidate
	fwc apply
	timeout 60 ip netns exec "$NS" sh -c 'while :; do
		nft "add element ip busy s { 192.0.2.1 }" && nft "delete element ip busy s { 192.0.2.1 }"
	done' 3>&- &
	busy=$!
	for port in 23 24 25 26; do
		small $port | candidate
		fwc apply || break
	done
	kill $busy
	wait $busy || true
	[ "$port" = 26 ]
	run fwc diff
	[ "$status" = 0 ]
}

@test "what the kernel refuses is named by its line in the policy" {
	inns nft add table inet q
	inns nft add chain inet q c
	if inns nft add rule inet q c queue 2>/dev/null; then skip "this kernel has queues"; fi
	small 25 | candidate
	fwc apply
	small | candidate
	cd "$WORK/state/candidate"
	old=$(sha256sum <ruleset.nft | cut -d' ' -f1)
	sed -i '/tcp dport 22 counter/s/ accept / queue  /' ruleset.nft
	unseal .
	sed -i "s/$old/$(sha256sum <ruleset.nft | cut -d' ' -f1)/" manifest.json
	FWC_FAULT=no-messages run fwc apply # or what was kept would go to the kernel, and no script
	[ "$status" = 3 ]
	echo "$output"
	[[ $output == *"policy.fwc:6: "*"kernel refuse"* ]]
	[[ $output == *"nothing was changed"* ]]
	rm ruleset.dump # where it is tried in a namespace before
	run fwc apply
	echo "$output"
	[ "$status" = 3 ]
	[[ $output == *"policy.fwc:6: "*"kernel refuses"* ]]
	[[ $output == *"nothing was changed"* ]]
}

@test "what nftables does not understand is our fault, and the line is shown" {
	small 25 | candidate
	fwc apply
	small | candidate
	cd "$WORK/state/candidate"
	old=$(sha256sum <ruleset.nft | cut -d' ' -f1)
	sed -i '/tcp dport 22 counter/s/ accept / acept  /' ruleset.nft
	unseal .
	sed -i "s/$old/$(sha256sum <ruleset.nft | cut -d' ' -f1)/" manifest.json
	FWC_FAULT=no-messages run fwc apply # or what was kept would go to the kernel, and no script
	[ "$status" = 3 ]
	echo "$output"
	[[ $output == *"policy.fwc:6: "*"acept"* ]]
	rm ruleset.dump # where it is tried in a namespace before
	run fwc apply
	[ "$status" = 3 ]
	[[ $output == *"policy.fwc:6: internal error"*"acept"* ]]
}

@test "what diff has shown is what apply does, or it says that somebody changed the rules since" {
	small 22 | candidate
	fwc apply
	small 23 | candidate
	fwc diff >"$WORK/shown" || [ $? = 1 ]
	inns nft add rule inet fwc input tcp dport 666 drop comment '"a colleague, at night"'
	generation >"$WORK/before"
	run fwc apply
	echo "$output"
	[ "$status" = 3 ]
	[[ $output == *"have changed since"*"fwc diff"*"nothing was changed"* ]]
	[ "$(generation)" = "$(<"$WORK/before")" ]
	# whoever looks again knows
	fwc diff >"$WORK/shown" || [ $? = 1 ]
	grep -q 'a colleague, at night' "$WORK/shown"
	fwc apply
	inns nft list table inet fwc >"$WORK/table"
	[ "$(grep -c 666 "$WORK/table")" = 0 ]
	# other tables, counters and elements of run time are nobody's change
	small 24 | candidate
	fwc apply --dry-run >/dev/null
	inns nft add table ip theirs
	inns nft add element inet fwc guests.v4 '{ 192.0.2.9 }'
	fwc apply
	# where diff had nothing to show, apply puts right what was done since; after a stop nobody asks
	fwc diff
	inns nft add rule inet fwc input tcp dport 666 drop
	fwc apply
	small 28 | candidate
	fwc diff >/dev/null || [ $? = 1 ]
	fwc stop
	fwc apply
	# --force does it all the same; another candidate was never shown
	small 25 | candidate
	fwc apply --dry-run >/dev/null
	inns nft add rule inet fwc input tcp dport 666 drop
	fwc apply --force
	small 26 | candidate
	fwc apply --dry-run >/dev/null
	inns nft add rule inet fwc input tcp dport 666 drop
	small 27 | candidate
	fwc apply
}

@test "trials, confirmations and rollbacks beside somebody who never stops committing" {
	local busy
	inns nft add table ip busy
	inns nft add set ip busy s '{ type ipv4_addr; }'
	timeout 120 ip netns exec "$NS" bash -c 'while nft "add element ip busy s { 192.0.2.1 }" &&
		nft "delete element ip busy s { 192.0.2.1 }"; do :; done' >/dev/null 2>&1 3>&- &
	busy=$!
	small 22 | candidate
	fwc apply
	for port in 23 24 25; do
		small $port | candidate
		fwc apply --confirm=60
		fwc confirm
		small 99 | candidate
		fwc apply --confirm=60
		fwc rollback
		fwc status
		inns nft list table inet fwc >"$WORK/table"
		grep -q "dport $port " "$WORK/table"
	done
	fwc rollback
	inns nft list table inet fwc >"$WORK/table"
	grep -q "dport 24 " "$WORK/table"
	kill $busy
	wait $busy || true
}

@test "ten applies at the same moment: one after the other, or one says that it is not alone" {
	local port pids=() ok=0 other=0
	for port in $(seq 30 39); do
		small "$port" | candidate "policy$port"
		cp -r "$WORK/state/candidate" "$WORK/c$port"
	done
	for port in $(seq 30 39); do
		fwc apply "$WORK/c$port" >"$WORK/out$port" 2>&1 3>&- &
		pids+=($!)
	done
	for port in $(seq 30 39); do
		if wait "${pids[port - 30]}"; then
			ok=$((ok + 1))
		else
			grep -q "another fwc is at work" "$WORK/out$port"
			other=$((other + 1))
		fi
	done
	echo "$ok applied, $other turned away"
	[ "$ok" -ge 1 ]
	[ $((ok + other)) = 10 ]
	fwc status
	[ "$(fwc history --json | json 'len(d)')" = "$ok" ]
}

# What the compilation kept is what is wanted: nothing else is asked what the script means.
@test "apply and diff make no namespace, unless the kernel or libnftables is another since" {
	command -v strace >/dev/null || skip "no strace"
	small | candidate
	namespaces() { strace -f -e trace=unshare,clone,clone3 -o "$WORK/trace" "$FWC" --netns "$NS" --state "$WORK/state" "$@"; grep -c 'CLONE_NEWNET\|CLONE_NEWUSER' "$WORK/trace" || true; }
	[ "$(namespaces diff 2>/dev/null | tail -n1)" = 0 ]
	[ "$(namespaces apply 2>/dev/null | tail -n1)" = 0 ]
	fwc status
	small 23 | candidate
	unseal "$WORK/state/candidate"
	sed -i 's/\("by": "\)[^ ]*/\16.1.0/' "$WORK/state/candidate/manifest.json"
	[ "$(namespaces apply 2>/dev/null | tail -n1)" != 0 ]
	# damaged, it is not believed
	small 24 | candidate
	printf x >>"$WORK/state/candidate/ruleset.dump"
	[ "$(namespaces apply 2>/dev/null | tail -n1)" != 0 ]
	[[ $(inns nft list table inet fwc) == *"tcp dport 24"* ]]
}

# nft 1.0 asks for one byte to be turned over as a number of two; Linux 6.12.117 refuses that.
@test "ports of several protocols, in ranges: nothing is sent that does nothing" {
	printf '%s\n' 'zone lan { interface eth0 }' 'service media = tcp/1000-2000, udp/5000-6000' \
		'allow lan -> self media' >"$WORK/ranges.fwc"
	fwc compile "$WORK/ranges.fwc"
	fwc apply
	inns nft --debug=netlink list table inet fwc >"$WORK/expressions"
	grep -q 'meta load l4proto' "$WORK/expressions"
	[[ $(cat "$WORK/expressions") != *byteorder*', 2, 1)'* ]]
	[[ $(inns nft list table inet fwc) == *"meta l4proto . th dport @"* ]]
}
