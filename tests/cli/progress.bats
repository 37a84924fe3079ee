#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # lib sets variables
# What a terminal shows of work that takes long: from the beginning here, not from a second on.

load lib

export TERM=xterm FWC_BULK_MIN=50
setup_file() {
	cli_begin
	python3 -c "
for i in range(20000): print('10.%d.%d.%d' % (i >> 16, i >> 8 & 255, i & 255) if i % 3 else '')" >"$WORK/feed.list"
	cat >"$WORK/page.fwc" <<-'END'
		forwarding off
		zone lan { interface eth0 }
		zone wan { interface eth1 }
		set bad = file "feed.list"
		drop bad@wan -> any
		allow lan -> self ssh
	END
	chmod 644 "$WORK"/feed.list "$WORK/page.fwc"
}

teardown_file() { cli_end; }

faults() {
	export FWC_FAULT=progress
	fwc compile "$WORK/page.fwc" >/dev/null 2>&1
	terminal "$FWC" --netns "$NS" --state "$WORK/state" check "$WORK/page.fwc" >"$WORK/drawn" || true
	grep -q drew "$WORK/drawn" ||
		skip "this build has no faults"
}

terminal() { /usr/bin/python3 "$here/terminal.py" "$@"; }
on_terminal() { terminal "$FWC" --netns "$NS" --state "$WORK/state" --color=never "$@"; }

@test "a terminal shows what is done, how far it is and how long it takes, and in the end nothing of it" {
	faults
	run on_terminal compile "$WORK/page.fwc"
	echo "$output"
	[ "$status" = 0 ]
	[[ $output == *"drew fwc: reading lists, "[0-9]*" %"* ]]
	[[ $output == *"drew fwc: trying it in a namespace of its own"* ]]
	[[ $output == *"drew fwc: proving, "[0-9]*" %"* ]]
	run grep -v '^drew' <<<"$output"
	echo "$output"
	[[ $output == *"fine; next: fwc apply"* ]]
	[[ $output != *"reading lists"* && $output != *proving* ]]
	# the child stops when it has sent some
	FWC_FAULT=progress,stop:filling run terminal --until='loading lists, ' \
		"$FWC" --netns "$NS" --state "$WORK/state" --color=never apply
	echo "$output"
	[ "$status" = 0 ]
	[[ $output == *"applied as generation 1"* ]]
	[[ $output == *"drew fwc: loading lists, "[0-9]*" %"* ]]
	[ "$(grep -v '^drew' <<<"$output" | grep -cE 'fwc: (loading|reading|trying|comparing)')" = 0 ]
}

@test "^C at any time leaves a clean line" {
	local i
	faults
	export FWC_FAULT=progress,stop:drawn
	for i in 1 2 4 8; do
		run on_terminal_interrupted "$i"
		echo "$output"
		[ "$status" = 130 ]
		run grep -v '^drew' <<<"$output"
		# what remains of it on the terminal: nothing, but for the empty line that it stands in
		[ -z "${output//[[:space:]]/}" ]
	done
}

on_terminal_interrupted() {
	terminal --interrupt="$1" "$FWC" --netns "$NS" --state "$WORK/state" --color=never compile "$WORK/page.fwc"
}

@test "no terminal, or one that can do nothing: nothing" {
	faults
	fwc check "$WORK/page.fwc" >"$WORK/plain" 2>&1
	FWC_FAULT='' fwc check "$WORK/page.fwc" >"$WORK/said" 2>&1
	diff "$WORK/plain" "$WORK/said"
	# standard output alone is one
	run terminal sh -c '"$@" 2>/dev/null' sh "$FWC" --netns "$NS" --state "$WORK/state" compile "$WORK/page.fwc"
	echo "$output"
	[[ $output != *drew* ]]
	TERM=dumb run on_terminal compile "$WORK/page.fwc"
	echo "$output"
	[[ $output != *drew* && $output != *reading* ]]
}
