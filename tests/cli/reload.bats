#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A candidate that is not of the policy as it is now; and reload, which makes one and applies it.

load lib

setup_file() { cli_begin; }
teardown_file() { cli_end; }

setup() {
	inns nft flush ruleset
	rm -rf "$WORK/state" "$WORK"/*.fwc "$WORK/rules.d" "$WORK/elsewhere"
}

policy() { # rules on standard input, behind a zone
	{ echo 'zone net { interface eth0 }'; cat; } >"$WORK/policy.fwc"
	chmod 644 "$WORK/policy.fwc"
}

# What the kernel does with a packet to that port, asked of the kernel's rules: accepted or dropped.
port() { fwc explain --live "net -> self tcp/$1" "$WORK/policy.fwc"; }

apply_two_ports() {
	echo 'allow net -> self tcp/22, tcp/443' | policy
	fwc compile "$WORK/policy.fwc"
	fwc apply
}

refused() { # word that the reason has; apply, its dry run and diff all say it
	local before
	before=$(generation)
	run fwc apply
	[ "$status" = 3 ]
	[[ $output == *"$1 since the candidate was compiled"* ]]
	[[ $output == *"fwc reload"* ]]
	run fwc apply --dry-run
	[ "$status" = 3 ]
	[[ $output == *"$1 since the candidate was compiled"* ]]
	run fwc diff
	[[ $output == *"$1 since the candidate was compiled"* ]]
	[[ $output == *"fwc diff $WORK/policy.fwc"* ]]
	[ "$(generation)" = "$before" ]
}

@test "a policy that was edited and not compiled is not applied; --outdated applies what was compiled" {
	apply_two_ports
	echo 'allow net -> self tcp/443' | policy
	refused "policy.fwc has changed"
	[[ $(port 22) == *accepted* ]]
	run fwc apply --outdated
	[ "$status" = 0 ]
	[[ $output == *"nothing to change"* ]]
}

@test "nor is one whose compilation failed" {
	apply_two_ports
	echo 'allow net -> self tcp/443, tcp/70000' | policy
	run fwc compile "$WORK/policy.fwc"
	[ "$status" = 2 ]
	refused "policy.fwc has changed"
}

@test "included files, set files and new files of an include count, too" {
	mkdir "$WORK/rules.d"
	echo 192.0.2.1 >"$WORK/bad.set"
	echo 'drop bad@net -> self' >"$WORK/rules.d/10.fwc"
	echo 'allow net -> self tcp/22' >"$WORK/rules.d/20.fwc"
	printf 'set bad = file "bad.set"\ninclude "rules.d/*.fwc"\n' | policy
	chmod 644 "$WORK/bad.set" "$WORK"/rules.d/*
	fwc compile "$WORK/policy.fwc"
	fwc apply
	echo 192.0.2.2 >>"$WORK/bad.set"
	refused "bad.set has changed"
	fwc compile "$WORK/policy.fwc"
	echo 'allow net -> self tcp/443' >"$WORK/rules.d/30.fwc"
	refused "rules.d/30.fwc is new"
	chmod 644 "$WORK/rules.d/30.fwc"
	fwc compile "$WORK/policy.fwc"
	fwc apply
	rm "$WORK/rules.d/10.fwc"
	refused "rules.d/10.fwc is gone"
}

@test "a comment is a change as well: nobody is to wonder whether it is one" {
	apply_two_ports
	echo '# why' >>"$WORK/policy.fwc"
	refused "policy.fwc has changed"
}

@test "an artefact of a policy that is not on this host is taken as it is" {
	echo 'allow net -> self tcp/22' | policy
	fwc compile -o "$WORK/elsewhere" "$WORK/policy.fwc"
	rm "$WORK/policy.fwc"
	run fwc apply "$WORK/elsewhere"
	[ "$status" = 0 ]
	[[ $output != *since* ]]
	echo 'allow net -> self tcp/443' | policy
	run fwc apply "$WORK/elsewhere"
	[ "$status" = 3 ]
	[[ $output == *"since the artefact was compiled"* ]]
}

@test "rollback asks nothing of the sources" {
	apply_two_ports
	echo 'allow net -> self tcp/443' | policy
	fwc reload "$WORK/policy.fwc"
	echo 'allow net -> self tcp/80' | policy
	run fwc rollback
	[ "$status" = 0 ]
	[[ $(port 22) == *accepted* ]]
}

@test "reload checks, compiles and applies, and says which packets are treated differently" {
	apply_two_ports
	echo 'allow net -> self tcp/443' | policy
	run fwc reload "$WORK/policy.fwc" -m 'no ssh'
	[ "$status" = 0 ]
	[[ $output == *"newly dropped"*"22"* ]]
	[[ $output == *"applied"* ]]
	[[ $(port 22) == *dropped* ]]
	[[ $(port 443) == *accepted* ]]
	[[ $(fwc history) == *"no ssh"* ]]
	run fwc reload "$WORK/policy.fwc"
	[ "$status" = 0 ]
	[[ $output == *"nothing to change"* ]]
}

@test "reload: an error changes nothing, and is shown as check shows it" {
	apply_two_ports
	before=$(generation)
	echo 'allow net -> self tcp/443, tcp/70000' | policy
	run fwc reload "$WORK/policy.fwc"
	[ "$status" = 2 ]
	[[ $output == *"policy.fwc:2:"*"error:"* ]]
	[[ $output == *"nothing was changed"* ]]
	[ "$(generation)" = "$before" ]
	printf 'allow net -> self tcp/443\nexpect drop net -> self https\n' | policy
	run fwc reload "$WORK/policy.fwc"
	[ "$status" = 2 ]
	[[ $output == *"policy.fwc:3:"* ]]
	[ "$(generation)" = "$before" ]
}

@test "reload: warnings do not stop it" {
	printf 'allow net -> self tcp/22\nallow net -> self tcp/22\n' | policy
	run fwc reload "$WORK/policy.fwc"
	[ "$status" = 0 ]
	[[ $output == *"policy.fwc:3:"*"warning:"* ]]
	[[ $(port 22) == *accepted* ]]
}

@test "reload --dry-run shows the difference and writes no candidate" {
	apply_two_ports
	echo 'allow net -> self tcp/443' | policy
	before=$(generation) candidate=$(sha256sum <"$WORK/state/candidate/ruleset.nft")
	run fwc reload --dry-run "$WORK/policy.fwc"
	[ "$status" = 0 ]
	[[ $output == *"newly dropped"* ]]
	[ "$(generation)" = "$before" ]
	[ "$(sha256sum <"$WORK/state/candidate/ruleset.nft")" = "$candidate" ]
	[ -z "$(find /tmp -maxdepth 1 -name 'fwc-reload.*')" ]
	# it exits as reload would
	echo 'allow net -> self tcp/443, tcp/70000' | policy
	run fwc reload --dry-run "$WORK/policy.fwc"
	[ "$status" = 2 ]
	echo 'allow net -> self tcp/22' | policy
	run env SSH_CONNECTION='192.0.2.7 4000 198.51.100.2 443' "$FWC" --netns "$NS" --state "$WORK/state" reload --dry-run "$WORK/policy.fwc"
	would=$status
	run env SSH_CONNECTION='192.0.2.7 4000 198.51.100.2 443' "$FWC" --netns "$NS" --state "$WORK/state" reload "$WORK/policy.fwc"
	[ "$status" = "$would" ]
}

@test "reload is a trial with --confirm, and is refused while one runs" {
	apply_two_ports
	echo 'allow net -> self tcp/443' | policy
	run fwc reload --confirm=60 "$WORK/policy.fwc"
	[ "$status" = 0 ]
	[[ $output == *"newly dropped"* ]]
	[[ $output == *"on trial for 60 seconds"* ]]
	[[ $(port 22) == *dropped* ]]
	echo 'allow net -> self tcp/80' | policy
	run fwc reload "$WORK/policy.fwc"
	[ "$status" = 3 ]
	[[ $output == *"on trial"* ]]
	run fwc rollback
	[[ $(port 22) == *accepted* ]]
}

@test "reload reads the policy of --config" {
	echo 'allow net -> self tcp/22' | policy
	run fwc --config "$WORK/policy.fwc" reload
	[ "$status" = 0 ]
	[[ $(port 22) == *accepted* ]]
	output=$(fwc reload --json --config "$WORK/policy.fwc" 2>/dev/null)
	[ "$(json 'd["ok"], d["unchanged"]' <<<"$output")" = "(True, True)" ]
}
