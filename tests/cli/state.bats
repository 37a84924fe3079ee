#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What lies on disk: whose it is, and that it is never half written.

load lib

setup_file() { cli_begin; }
teardown_file() { cli_end; }

setup() {
	inns nft flush ruleset
	rm -rf "$WORK/state"
}

@test "the state directory is ours alone" {
	umask 000
	small | candidate
	fwc apply
	[ -z "$(find "$WORK/state" -type d ! -perm 700)" ]
	[ -z "$(find "$WORK/state" -type f ! -perm 600)" ]
	[ -z "$(find "$WORK/state" -name '.*.new')" ]
}

@test "a state directory that is a symbolic link is refused" {
	mkdir -m 700 "$WORK/elsewhere"
	ln -s "$WORK/elsewhere" "$WORK/state"
	small >"$WORK/policy.fwc"
	run fwc compile "$WORK/policy.fwc"
	[ "$status" = 3 ]
	rm "$WORK/state"
}

@test "a state directory that others may write is refused" {
	mkdir "$WORK/state"
	chmod 777 "$WORK/state"
	small >"$WORK/policy.fwc"
	run fwc compile "$WORK/policy.fwc"
	[ "$status" = 3 ]
	[[ $output == *"others can write"* ]]
}

@test "in a state directory that all may list, the files are ours alone, and are read" {
	small | candidate
	fwc apply
	chmod 755 "$WORK/state" "$WORK/state/applied" "$WORK/state/generation.1"
	fwc history >"$WORK/said"
	[ "$(wc -l <"$WORK/said")" = 1 ]
	run fwc status
	echo "$output"
	[[ $output == *"kernel      holds what was applied"* ]]
	fwc show | grep -q 'allow lan -> self tcp/22'
}

@test "files behind symbolic links are not followed" {
	small | candidate
	mv "$WORK/state/candidate/ruleset.nft" "$WORK/real.nft"
	ln -s "$WORK/real.nft" "$WORK/state/candidate/ruleset.nft"
	run fwc apply
	[ "$status" = 3 ]
	[[ $output == *"symbolic link"* ]]
	# writing replaces the link, and leaves what it pointed to
	before=$(sha256sum <"$WORK/real.nft")
	fwc compile "$WORK/policy.fwc" 2>/dev/null
	[ "$(sha256sum <"$WORK/real.nft")" = "$before" ]
	fwc apply
}

@test "a compile that fails leaves the old candidate" {
	small | candidate
	before=$(cat "$WORK/state/candidate/"* | sha256sum)
	echo 'allow nowhere -> self' >"$WORK/bad.fwc"
	run fwc compile "$WORK/bad.fwc"
	[ "$status" = 2 ]
	[ "$(cat "$WORK/state/candidate/"* | sha256sum)" = "$before" ]
}

@test "a record that says the same is not written again" {
	small | candidate
	fwc apply
	before=$(stat -c '%i %Y' "$WORK/state/applied")
	fwc apply
	[ "$(stat -c '%i %Y' "$WORK/state/applied")" = "$before" ]
}

@test "a policy whose lines moved is recorded, without a transaction" {
	small | candidate
	fwc apply
	before=$(generation)
	{ echo '# a comment above all'; small; } | candidate
	run fwc apply
	[[ $output == *"nothing to change"* ]]
	[ "$(generation)" = "$before" ]
	run fwc status
	[ "$status" = 0 ]
	[[ $output == *"policy.fwc:7 "* ]]
}

@test "manifest members of a later version are left alone" {
	small | candidate
	unseal "$WORK/state/candidate"
	sed -i 's/^{/{ "invented": {"a": [1]},/' "$WORK/state/candidate/manifest.json"
	fwc apply
	sed -i 's/"format": 2/"format": 3/' "$WORK/state/candidate/manifest.json"
	run fwc apply
	[ "$status" = 3 ]
	[[ $output == *"newer fwc"* ]]
}

@test "a policy in a directory that is not for everybody is compared, by whatever name" {
	small | candidate
	fwc apply
	mkdir -m 700 "$WORK/private"
	small 23 >"$WORK/private/policy.fwc"
	cd "$WORK/private"
	run fwc diff policy.fwc
	echo "$output"
	[ "$status" = 1 ]
	[[ $output == *"+ policy.fwc:6 "*"tcp/23"* ]]
	fwc compile policy.fwc
	cd "$WORK"
	fwc apply
	run fwc diff 1 2
	echo "$output"
	[ "$status" = 1 ]
}
