#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Bulk sets, from 50 addresses on here: their files, what is sent and read back, and what is left of
# an apply that was killed, whose memory ends, or whose files were damaged.

load lib

export FWC_BULK_MIN=50
setup_file() {
	cli_begin
	policy one 60
	grep -c '\.bulk {' "$WORK/state/candidate/ruleset.nft" >"$WORK/made" || true
}

teardown_file() { cli_end; }

# policy NAME N [FIRST]: drops N addresses, every third from 10.0.FIRST.0 on
policy() {
	python3 -c "
import ipaddress
for i in range($2): print(ipaddress.ip_address(0x0a000000 + 256 * ${3:-0} + 3 * i))" >"$WORK/$1.list"
	page "$1"
}

page() {
	chmod 644 "$WORK/$1.list"
	candidate "$1" <<-END
		forwarding off
		zone lan { interface eth0 }
		zone wan { interface eth1 }
		set bad = file "$1.list"
		drop bad@wan -> any
		allow lan -> self ssh
	END
}

begin() {
	[ "$(<"$WORK/made")" != 0 ] || skip "this build makes no bulk sets of short lists"
	inns nft flush ruleset
	rm -rf "$WORK/state"
}

bulk() { inns nft list sets inet 2>/dev/null | grep -o 'set [^ ]*\.bulk' | cut -d' ' -f2; }
# What nft lists, against the list.
holds() {
	inns nft list sets inet | grep -oE '\b10\.[0-9.]+' | sort >"$WORK/listed"
	sort "$WORK/$1.list" | cmp - "$WORK/listed"
}

@test "the list is in the kernel, and once on the disk; the same list is neither sent nor read" {
	local first
	begin
	policy one 3000
	fwc apply >/dev/null
	holds one
	first=$(bulk)
	[ "$(stat -c %h "$WORK"/state/applied/*.elements)" = 3 ] # candidate, applied, generation.1
	fwc status --deep | grep -q '^lists  *1 set, 3000 elements, read and compared'
	fwc status | grep -q '^lists  *1 set, 3000 elements, as compared when it was loaded'
	# another rule, the same list: nothing may be sent, for it would be refused
	echo 'allow lan -> self https' >>"$WORK/one.fwc"
	fwc compile "$WORK/one.fwc"
	FWC_FAULT=filling fwc apply >/dev/null
	[ "$(bulk)" = "$first" ]
	[ "$(stat -c %h "$WORK"/state/applied/*.elements)" = 4 ]
	run fwc apply
	[[ $output == *"nothing to change"* ]]
	# a list with many more: the old one goes
	policy two 3200
	[[ $(fwc apply) == "applied as generation 3: 0 rules added, 1 removed; +200 addresses" ]]
	holds two
	[ "$(bulk | wc -l)" = 1 ]
	[ "$(bulk)" != "$first" ]
	fwc rollback >/dev/null
	holds one
	[ "$(bulk)" = "$first" ]
	fwc diff 2 3 >/dev/null || [ $? = 1 ]
}

@test "boot, stop, trial and confirm" {
	begin
	policy one 3000
	fwc apply >/dev/null
	inns nft flush ruleset
	fwc boot
	holds one
	fwc status --deep
	policy two 2000 99
	fwc apply --confirm=30 >/dev/null
	[ "$(bulk | wc -l)" = 2 ]
	fwc rollback >/dev/null
	holds one
	fwc apply --confirm=30 >/dev/null
	fwc confirm >/dev/null
	holds two
	fwc stop >/dev/null
	[ -z "$(bulk)" ]
	fwc boot
	holds two
}

@test "killed while it fills: what was goes on, and the next apply does not take it for filled" {
	begin
	policy one 3000
	fwc apply >/dev/null
	inns nft -s list chains >"$WORK/before"
	policy two 45000 99
	# the child dies when it has sent the first piece, and fwc at once afterwards
	FWC_FAULT=filling,list-filled fwc apply || true
	inns nft -s list chains | grep hook >"$WORK/after"
	grep hook "$WORK/before" | diff - "$WORK/after"
	[ "$(bulk | wc -l)" = 2 ]
	fwc status --deep
	fwc apply >/dev/null
	holds two
	fwc status --deep
	# the child alone: fwc says so, and nothing is left
	policy three 45001 99
	FWC_FAULT=filling run fwc apply
	[ "$status" = 3 ]
	[[ $output == *"cannot fill set"*"nothing was changed"* ]]
	[ "$(bulk | wc -l)" = 1 ]
	holds two
}

@test "a kernel that holds something else than was sent: refused, by the line" {
	begin
	policy one 3000
	FWC_FAULT=stop:filled fwc apply >"$WORK/said" 2>&1 &
	local pid=$! child
	for _ in $(seq 600); do
		child=$(stopped)
		[ -z "$child" ] || break
		sleep 0.05
	done
	inns nft delete element inet fwc "$(bulk)" '{ 10.0.0.30 }'
	inns nft add element inet fwc "$(bulk)" '{ 10.0.0.31 }'
	kill -CONT "$child"
	! wait "$pid" || return 1
	cat "$WORK/said"
	grep -q 'cannot fill set.*10.0.0.30 is not in it' "$WORK/said"
	[ -z "$(bulk)" ]
}

@test "somebody changes it by hand: status --deep says so, in packets, and apply mends it" {
	local set
	begin
	policy one 3000
	echo 'allow wan -> self https' >>"$WORK/one.fwc"
	fwc compile "$WORK/one.fwc"
	fwc apply >/dev/null
	set=$(bulk)
	inns nft delete element inet fwc "$set" '{ 10.0.0.30 }'
	inns nft add element inet fwc "$set" '{ 10.0.0.31 }'
	fwc status
	run fwc status --deep
	echo "$output"
	[ "$status" = 1 ]
	[[ $output == *"DIFFERS from what was applied"*"- "*"1 address, 10.0.0.31"*"+ "*"1 address, 10.0.0.30"* ]]
	[[ $output == *"10.0.0.30 is not in it"*"\`fwc apply\` mends that"* ]]
	[ "$(fwc --json status --deep | json 'd["lists"]["compared"], d["drifted"]')" = "(False, True)" ]
	run fwc apply
	echo "$output"
	[ "$status" = 0 ]
	[[ $output == *"applied as generation 2: +1 -1 addresses"* ]]
	[ "$(bulk)" = "$set" ]
	holds one
	fwc status --deep
	[[ $(fwc apply) == *"nothing to change"* ]]
	# in one go with another rule; and where all of them are gone
	inns nft flush set inet fwc "$set"
	echo 'allow lan -> self https' >>"$WORK/one.fwc"
	fwc compile "$WORK/one.fwc"
	[[ $(fwc apply) == *": 1 rule added, 0 removed; +3,000 addresses"* ]]
	holds one
	fwc status --deep
}

@test "changed by hand: hashes of prefixes, and intervals" {
	local set
	begin
	python3 -c "
for i in range(200): print('10.%d.%d.0/24' % (i // 100, 2 * i % 200))" >"$WORK/one.list"
	python3 -c "
for i in range(200): print('2001:db8:%x::3-2001:db8:%x::%x' % (i, i, 99 + i))" >>"$WORK/one.list"
	page one
	fwc apply >/dev/null
	inns nft -s list sets inet | sed 's/ *#.*//' >"$WORK/before"
	set=$(bulk | grep v4)
	inns nft delete element inet fwc "$set" '{ 10.0.2.0 }'
	inns nft add element inet fwc "$set" '{ 10.200.2.0 }'
	set=$(bulk | grep v6)
	inns nft delete element inet fwc "$set" '{ 2001:db8:7::3-2001:db8:7::6a }'
	inns nft add element inet fwc "$set" '{ 2001:db8:7::3-2001:db8:7::ff }'
	run fwc status --deep
	echo "$output"
	[ "$status" = 1 ]
	[[ $output == *"256 addresses, the first 10.0.2.0"* ]]
	run fwc apply
	echo "$output"
	[[ $output == *"+256 -405 addresses"* ]]
	inns nft -s list sets inet | sed 's/ *#.*//' | diff "$WORK/before" -
	fwc status --deep
}

@test "less memory than it takes: refused with both numbers, before anything is staged" {
	begin
	policy one 45000
	FWC_FAULT=little-memory run fwc apply
	[ "$status" = 3 ]
	[[ $output == *"take about "[0-9]*" MB of the kernel's memory, and this machine has 1 MB left"* ]]
	run inns nft list tables
	[ -z "$output" ]
}

# in_cgroup LINE FILE=VALUE...: apply by who is in this cgroup, as the kernel would say it
in_cgroup() {
	printf '%s\n' "$1" >"$WORK/own"
	# shellcheck disable=SC2016
	run unshare -m sh -c 'own=$1 fwc=$2 ns=$3 state=$4; shift 4
		mount -t tmpfs none /sys/fs/cgroup && mount --bind "$own" /proc/$$/cgroup || exit 99
		for file; do
			path=${file%%=*}
			mkdir -p "/sys/fs/cgroup/${path%/*}"
			echo "${file#*=}" >"/sys/fs/cgroup/${file%%=*}"
		done
		exec "$fwc" --netns "$ns" --state "$state" --color=never apply' - \
		"$WORK/own" "$FWC" "$NS" "$WORK/state" "${@:2}"
}

@test "less memory in its cgroup, or in one above it, of either version" {
	begin
	policy one 45000
	in_cgroup 0::/a/b a/b/memory.max=max a/b/memory.current=4096 \
		a/memory.max=3145728 a/memory.current=1048576 a/memory.stat="inactive_file 524288"
	[ "$status" = 3 ]
	[[ $output == *" MB of the kernel's memory, and the cgroup /a has 2 MB left"* ]]
	in_cgroup 4:memory:/a/b memory/a/b/memory.limit_in_bytes=9223372036854771712 \
		memory/a/b/memory.usage_in_bytes=4096 memory/a/memory.limit_in_bytes=3145728 \
		memory/a/memory.usage_in_bytes=1048576 memory/a/memory.stat="total_inactive_file 524288"
	[ "$status" = 3 ]
	[[ $output == *"and the cgroup /a has 2 MB left"* ]]
	run inns nft list tables
	[ -z "$output" ]
	in_cgroup 0::/a a/memory.max=1073741824 a/memory.current=1048576
	[ "$status" = 0 ]
}

@test "a damaged file is never loaded" {
	local f
	begin
	policy one 3000
	fwc apply >/dev/null
	f=$(echo "$WORK"/state/applied/*.elements)
	cp "$f" "$WORK/whole"
	truncate -s -8 "$f"
	inns nft flush ruleset
	run fwc boot
	[ "$status" != 0 ]
	[[ $output == *"cut short or edited"* ]]
	run inns nft list sets
	[[ $output != *.bulk* ]]
	# compile does not take it either, but writes it again
	fwc compile "$WORK/one.fwc"
	cmp "$WORK/whole" "$WORK"/state/candidate/*.elements
	fwc apply >/dev/null
	holds one
}

@test "show --elements prints what nft takes" {
	begin
	policy one 3000
	fwc apply >/dev/null
	fwc show --elements >"$WORK/elements"
	inns nft flush set inet fwc "$(bulk)"
	inns nft -f "$WORK/elements"
	holds one
	fwc show >"$WORK/shown"
	grep -q '3000 elements: show --elements' "$WORK/shown"
	fwc show --elements 1 | cmp - "$WORK/elements"
}

@test "diff, explain, test and flows know what is in the list" {
	begin
	policy one 3000
	run fwc diff "$WORK/one.fwc"
	[ "$status" = 1 ]
	fwc apply >/dev/null
	fwc diff "$WORK/one.fwc"
	[[ $(fwc explain '10.0.0.3@wan -> self tcp/22' "$WORK/one.fwc") == *"drop"*"one.fwc:5"* ]]
	[[ $(fwc explain '10.0.0.3@lan -> self tcp/22' "$WORK/one.fwc") == *"one.fwc:6"* ]]
	[[ $(fwc explain --live '10.0.0.3@wan -> self tcp/22' "$WORK/one.fwc") == *"one.fwc:5"* ]]
	[[ $(fwc explain --live '10.0.0.4@wan -> self tcp/22' "$WORK/one.fwc") != *"one.fwc:5"* ]]
	cp "$WORK/one.fwc" "$WORK/right.fwc"
	cat >>"$WORK/right.fwc" <<-END
		expect drop 10.0.0.3@wan -> self ssh
		expect drop 10.0.0.0/24@wan -> self ssh
		expect allow 10.0.0.0/24@lan -> self ssh
	END
	fwc check "$WORK/right.fwc"
	fwc flows >/dev/null
	# one that is not in it any more
	sed -i '/^10\.0\.0\.3$/d' "$WORK/one.list"
	run fwc diff "$WORK/one.fwc"
	[ "$status" = 1 ]
	echo "$output"
	[[ $output == *"- "*"1 address, 10.0.0.3"* && $output != *"chain"* ]]
}

@test "diff says which packets a changed list lets in, also by what is in the kernel" {
	begin
	policy one 3000
	echo 'allow wan -> self https' >>"$WORK/one.fwc"
	fwc compile "$WORK/one.fwc"
	fwc apply >/dev/null
	sed -i '/^10\.0\.0\.3$/d' "$WORK/one.list"
	fwc compile "$WORK/one.fwc"
	run fwc diff
	echo "$output"
	[ "$status" = 1 ]
	[[ $output == *"newly allowed"*"before  drop"*"one.fwc:5"*"after   accept"*"one.fwc:7"*"new: 10.0.0.3 -> "* ]]
	fwc apply >/dev/null
	fwc diff
}
