#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # bats and lib.bash set variables
# What commands say to people who typed something else than they meant, or do not know what comes next; and that
# --json is heard by all.

load lib

setup_file() { cli_begin; }
teardown_file() { cli_end; }

setup() {
	export SSH_CONNECTION=
	inns nft flush ruleset
	rm -rf "$WORK/state"
}

put() { # PORT [OPTION...]: that policy is compiled and applied
	small "$1" | candidate
	shift
	fwc apply "$@"
}
wrong() { # what it must say, then the command
	local want=$1
	shift
	run fwc "$@"
	echo "$*: $output"
	[ "$status" = 2 ]
	[[ $output = *"$want"* ]]
}
terminal() { script -qec "$FWC --netns $NS --state $WORK/state --color=never $*" /dev/null | tr -d '\r'; }

@test "an option that there is not is called one, with the nearest" {
	wrong "unknown option: -q" -q
	wrong "unknown option: --jsn; did you mean '--json'?" --jsn
	wrong "unknown option: --netsn; did you mean '--netns'?" --netsn x status
}

@test "an option without its value, or with one that it does not take, is told from one that there is not" {
	wrong "unknown option: --bogus" apply --bogus
	wrong "unknown option: -q" history -q
	wrong "--dump wants a value" compile --dump
	wrong "-n wants a value" history -n
	wrong "--check takes no value" compile --check=3
	wrong "-m wants a value" confirm -m
	wrong "--keep wants a value" panic --keep
	[ -z "$(inns nft list tables)" ]
}

@test "an option that has taken the command for its value says so" {
	wrong "--config wants a policy file and has taken 'boot' for it, so that no command is left" --config boot
	wrong "--state wants a directory and has taken 'status' for it" --state status
	wrong "--color wants auto, always or never and has taken 'diff' for it" --color diff
}

@test "the end of a panic is named, however it is asked for" {
	wrong "fwc rollback" panic off
	wrong "fwc rollback" unpanic
	[ -z "$(inns nft list tables)" ]
}

@test "apply of a policy says to compile it" {
	small 22 >"$WORK/new.fwc"
	wrong "is a file, not an artefact; to compile and apply it: fwc reload $WORK/new.fwc" apply "$WORK/new.fwc"
	[ -z "$(inns nft list tables)" ]
	fwc reload "$WORK/new.fwc" # typed, it works
	[ -n "$(inns nft list table inet fwc)" ]
}

@test "confirm without a trial claims nothing about the rules before" {
	put 22
	small 23 | candidate
	fwc apply --confirm=60
	fwc confirm
	run fwc confirm
	echo "$output"
	[ "$status" = 3 ]
	[[ $output = *"no trial is running"*"fwc status"* ]]
	[[ $output != *"previous rules are in force"* ]]
}

@test "rules that are confirmed already are not put on trial" {
	put 22
	run fwc apply --confirm=60
	echo "$output"
	[ "$status" = 0 ]
	[[ $output = *"no trial is needed"* ]]
	[ "$(fwc --json status | json 'd["trial"]["running"]' 2>/dev/null || echo none)" != True ]
	small 23 | candidate # and nobody has to wait
	fwc apply
	[ "$(fwc apply --confirm=60 --json 2>/dev/null | json 'd["trial"], d["unchanged"]')" = "(0, True)" ]
	small 24 | candidate
	[ "$(fwc apply --confirm=60 --json 2>/dev/null | json 'd["trial"], d["ok"]')" = "(60, True)" ]
	fwc rollback
}

@test "rollback names the generation, not a directory; twice is to and fro" {
	put 22
	put 23
	run fwc rollback 99
	echo "$output"
	[ "$status" = 3 ]
	[[ $output = *"there is no generation 99"*"has 1 to 2"* ]]
	[[ $output != *"$WORK"* ]]
	fwc rollback
	inns nft list table inet fwc | grep -q 'tcp dport 22 '
	fwc rollback
	inns nft list table inet fwc | grep -q 'tcp dport 23 '
}

@test "history -n: the newest so many" {
	put 22
	put 23
	put 24
	[ "$(fwc history -n 2 --json | json '[x["generation"] for x in d]')" = "[3, 2]" ]
	[ "$(fwc history --count=1 | grep -c '^[* ] *3 ')" = 1 ]
	wrong "a number from 1" history -n 0
}

@test "show and diff take the number of a generation" {
	put 22
	put 23
	run fwc show 1
	[ "$status" = 0 ]
	[[ $output = *"tcp dport 22 "* && $output != *"tcp dport 23 "* ]]
	[ "$(fwc show 2 --json | json 'sorted(o["kind"] for o in d["objects"])')" = \
		"$(fwc show --json | json 'sorted(o["kind"] for o in d["objects"])')" ]
	run fwc show 9
	[ "$status" = 3 ]
	[[ $output = *"there is no generation 9"* ]]
	run fwc diff 2
	echo "$output"
	[ "$status" = 0 ]
	[ -z "$output" ]
	run fwc diff 1 # what `rollback 1` would change
	echo "$output"
	[ "$status" = 1 ]
	[[ $output = *"port 22"* ]]
	run fwc diff 1 2
	echo "$output"
	[ "$status" = 1 ]
	[[ $output = *"port 23"* ]]
	run fwc diff 1 "$WORK/policy.fwc"
	[ "$status" = 1 ]
	run fwc diff 7 2
	[ "$status" = 3 ]
	[[ $output = *"there is no generation 7"* ]]
}

@test "check and compile say on a terminal what comes next, and what they say works; to a pipe they are silent" {
	printf 'zone lan { interface eth0 }\nallow lan -> self ssh\nallow self -> any\n' >"$WORK/policy.fwc"
	[ "$(terminal check "$WORK/policy.fwc")" = "$WORK/policy.fwc: fine; next: fwc compile $WORK/policy.fwc && fwc apply" ]
	[ "$(terminal compile "$WORK/policy.fwc")" = "$WORK/policy.fwc: fine; next: fwc apply" ]
	fwc apply
	[ "$(terminal compile "$WORK/policy.fwc" -o "$WORK/art")" = "$WORK/policy.fwc: fine; next: fwc apply $WORK/art" ]
	fwc apply "$WORK/art"
	[ -z "$(fwc check "$WORK/policy.fwc" 2>&1)" ]
	[ -z "$(fwc compile "$WORK/policy.fwc" 2>&1)" ]
	[[ $(terminal compile "$WORK/policy.fwc" -o -) != *"fine; next"* ]]
	echo 'expect drop lan -> self tcp/22' >>"$WORK/policy.fwc"
	[[ $(terminal check "$WORK/policy.fwc") != *"fine; next"* ]]
}

@test "where packets are counted it is said which" {
	put 22
	for what in counters status "top --once"; do
		# shellcheck disable=SC2086 # a command with its option
		[[ $(fwc $what) = *"line (packets that open connections"* ]]
	done
}

@test "metrics: a rule keeps its identity when lines above it come and go; rules of one text have two" {
	ids() { fwc metrics | sed -n 's/^fwc_rule_packets_total{.*rule="\([^"]*\)",id="\([^"]*\)".*/\2 \1/p' | sort; }
	put 22
	ids >"$WORK/before"
	grep -q 'allow lan -> self' "$WORK/before"
	{ echo '# a line more'; small 22; } | candidate
	fwc apply
	fwc metrics | grep -q 'at="[^"]*:7",rule="allow lan -> self'
	ids | diff "$WORK/before" -
	[ "$(cut -d' ' -f1 "$WORK/before" | sort | uniq -d)" = "" ]
	put 23
	! ids | diff "$WORK/before" - || false
}

@test "--json: every end of a rollback, confirm and stop; fmt refuses it" {
	put 22
	fwc panic
	[ "$(fwc rollback --json | json 'd["ok"], d["over"]')" = "(True, 'panic')" ]
	small 23 | candidate
	fwc apply --confirm=60
	[ "$(fwc rollback --json 2>/dev/null | json 'd["ok"], d["over"]')" = "(True, 'trial')" ]
	fwc apply --confirm=60
	[ "$(fwc confirm --json | json 'd["ok"], d["ended"], d["error"]')" = "(True, 0, '')" ]
	[ "$(fwc confirm --json 2>/dev/null | json 'd["ok"], "no trial" in d["error"]')" = "(False, True)" ]
	wrong "not JSON" fmt --json "$WORK/policy.fwc"
	[ "$(fwc stop --json | json 'd["ok"], d["was_loaded"]')" = "(True, True)" ]
	[ "$(fwc stop --json | json 'd["ok"], d["was_loaded"]')" = "(True, False)" ]
}

@test "check --json: with a warning, the lines that it is because of" {
	cat >"$WORK/shadow.fwc" <<-'P'
		zone lan { interface eth0 }
		allow lan -> self
		drop lan -> self tcp/25
	P
	[ "$(fwc check --json "$WORK/shadow.fwc" | json '[(m["line"], n["line"]) for m in d["messages"] for n in m["notes"]]')" = \
		"[(3, 2)]" ]
}
