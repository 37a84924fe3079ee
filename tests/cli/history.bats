#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # bats and lib.bash set variables
# What was applied before is kept, listed, and applied again.

load lib

setup_file() { cli_begin; }
teardown_file() { cli_end; }

setup() {
	inns nft flush ruleset
	rm -rf "$WORK/state"
}

put() { # PORT [OPTION...]: that policy is compiled and applied
	small "$1" | candidate
	shift
	fwc apply "$@"
}
numbers() { fwc history --json | json '[(x["generation"], x["in_force"]) for x in d]'; }
open_port() { inns nft list table inet fwc | sed -n 's/.*tcp dport \([0-9]*\) .*allow lan -> self.*/\1/p'; }

@test "nothing was applied yet" {
	run fwc history
	[ "$status" = 0 ]
	[ -z "$output" ]
	run fwc rollback
	[ "$status" = 3 ]
}

@test "each change of rules is a generation; the same again is none" {
	put 22 -m 'the first one'
	put 22
	put 23
	[ "$(numbers)" = "[(2, True), (1, False)]" ]
	run fwc history
	[[ ${lines[0]} == "*    2  "*policy.fwc* ]]
	[[ $output == *$'\n'"     1  "*"the first one" ]]
}

@test "a message in another encoding, or with commands for a terminal, is kept as text" {
	put 22 -m $'caf\xe9 \e[31mred\ntwo lines, gr\xc3\xbcn'
	run fwc history
	echo "$output"
	[ "${#lines[@]}" = 1 ]
	[[ ${lines[0]} == "*    1  "*'caf\xe9 \x1b[31mred\x0atwo lines, grün' ]]
	small 23 | candidate
	SUDO_USER=$'ren\xe9' fwc apply --confirm=60
	[[ $(fwc status) == *'by ren\xe9 since'* ]]
	fwc rollback
	SUDO_USER=$'ren\xe9' fwc apply
	[[ $(fwc history) == "*    2  "*'  ren\xe9  '* ]]
	SUDO_USER=$'ren\xe9' fwc panic
	[[ $(fwc status) == PANIC*'by ren\xe9'* ]]
	fwc rollback
}

@test "the history says what changed in packets, and of which sources" {
	local hash
	put 22
	hash=$(sha256sum "$WORK/policy.fwc" | cut -d' ' -f1)
	put 23
	run fwc history
	echo "$output"
	[[ $output == *"     1  "*"${hash:0:12}"* ]]
	# port 23 instead of 22: to whom and where, the packet says
	[ "$(grep -c 'newly allowed: .*23' <<<"$output")" = 1 ]
	[ "$(grep -c 'newly dropped: .*22' <<<"$output")" = 1 ]
	[ "$(fwc history --json | json 'd[1]["sources_sha256"], d[1].get("changes")')" = "('$hash', None)" ]
	[ "$(fwc history --json | json '[d[0]["changes"][k] for k in ("known", "groups", "rules_added", "rules_removed")]')" = \
		"[True, 2, 1, 1]" ]
	# by way of a trial it is the same
	small 22 | candidate
	fwc apply --confirm=60
	fwc confirm
	[ "$(fwc history --json | json 'sorted((p["change"], "22" in p["packet"]) for p in d[0]["changes"]["packets"])')" = \
		"[('newly allowed', True), ('newly dropped', False)]" ]
	# a policy that means the same
	{ small 22; echo 'allow lan -> wan tcp/80'; } | candidate
	fwc apply
	run fwc history
	[[ ${lines[1]} == *"no packet is treated differently" ]]
}

@test "rollback goes to the one before, and is a generation itself" {
	put 22
	put 23
	[ "$(open_port)" = 23 ]
	run fwc rollback -m 'too early'
	[ "$status" = 0 ]
	[ "$(open_port)" = 22 ]
	[ "$(numbers)" = "[(3, True), (2, False), (1, False)]" ]
	[ "$(fwc history --json | json 'd[0]["rollback_of"], d[0]["comment"]')" = "(1, 'too early')" ]
	[ "$(fwc status --json | json 'd["loaded"], d["drifted"]')" = "(True, False)" ]
	run fwc rollback 2
	[ "$status" = 0 ]
	[ "$(open_port)" = 23 ]
}

@test "rollback leaves the candidate alone" {
	put 22
	put 23
	small 24 | candidate
	fwc rollback
	[ "$(open_port)" = 22 ]
	fwc apply
	[ "$(open_port)" = 24 ]
}

@test "numbers that are none, and generations that are damaged" {
	put 22
	put 23
	run fwc rollback 7
	[ "$status" = 3 ]
	run fwc rollback x
	[ "$status" = 2 ]
	echo '# more' >>"$WORK/state/generation.1/ruleset.nft"
	run fwc rollback 1
	[ "$status" = 3 ]
	[[ $output == *"do not belong together"* ]]
	[ "$(open_port)" = 23 ]
}

@test "the oldest go; the one in force stays" {
	local i
	put 1000
	put 1001
	fwc rollback 1
	for i in {1..20}; do
		cp -a "$WORK/state/generation.2" "$WORK/state/generation.$((i + 3))"
	done
	fwc rollback 1 # changes nothing
	[ "$(fwc history --json | json 'len(d)')" = 23 ]
	put 1002
	[ "$(fwc history --json | json 'len(d), d[0]["generation"], d[0]["in_force"]')" = "(20, 24, True)" ]
	# 3 was in force while the others were let go
	[ "$(fwc history --json | json 'd[-1]["generation"]')" = 3 ]
}

@test "a generation is a directory that diff takes" {
	put 22
	put 23
	run fwc diff "$WORK/state/generation.1" "$WORK/state/generation.2"
	[ "$status" = 1 ]
	[[ $output == *"newly allowed: "*"port 23"* && $output == *"newly dropped: "*"port 22"* ]]
}
