#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The program as it was built here, with the libnftables of another release (FWC_ROOT: its chroot):
# what `apt upgrade` makes of a firewall that runs. tests/debians/run calls this.

bats_require_minimum_version 1.5.0

setup_file() {
	[ -n "${FWC_ROOT:-}" ] || skip "called by tests/debians/run"
	top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	FWC=$(realpath "${FWC:-${FWC_BUILD:-$top}/fwc}")
	ns=fwc-nft-$$
	work=$(mktemp -d)
	export top FWC ns work
	ip netns add "$ns"
	there --version || skip "the program that was built here does not run there"
}

teardown_file() {
	[ -z "${ns:-}" ] || ip netns del "$ns" || true
	[ -z "${work:-}" ] || rm -rf "$work"
}

# The same program, state and namespace; other libraries, and another nft.
here() { "$FWC" --netns "$ns" --state "$work/state" --color=never "$@"; }
# shellcheck disable=SC2016 # the inner shell expands
there() {
	ip netns exec "$ns" unshare --mount sh -c 'mount -t tmpfs none "$1/mnt" && mkdir "$1/mnt/bin" "$1/mnt/work" &&
		mount --bind "$(dirname "$2")" "$1/mnt/bin" && mount --bind "$3" "$1/mnt/work" &&
		mount -t proc proc "$1/proc" && r=$1 p=/mnt/bin/$(basename "$2") && shift 3 &&
		exec chroot "$r" "$p" --state /mnt/work/state --color=never "$@"' sh "$FWC_ROOT" "$FWC" "$work" "$@"
}

@test "it is another libnftables" {
	[ "$(nft --version | cut -d' ' -f2)" != "$(chroot "$FWC_ROOT" nft --version | cut -d' ' -f2)" ]
}

compile() { # here|there: $work/p.fwc
	case $1 in
	here) here compile "$work/p.fwc" 2>/dev/null ;;
	there) there compile /mnt/work/p.fwc 2>/dev/null ;;
	esac
}

@test "every ruleset and example: one meaning, and nothing to change after the upgrade" {
	n=0
	for policy in "$top"/rulesets/*.fwc "$top"/examples/*.fwc "$top"/examples/life/*.fwc; do
		[[ $policy != *.test.fwc ]] || continue
		cp "$policy" "$work/p.fwc"
		cp "$(dirname "$policy")"/*.set "$work" 2>/dev/null || true
		rm -rf "$work/state" "$work/other"
		ip netns exec "$ns" nft flush ruleset
		compile here || continue # not for this kernel
		there compile /mnt/work/p.fwc -o /mnt/work/other 2>/dev/null
		here diff "$work/state/candidate" "$work/other" || { echo "$policy: two meanings"; return 1; }
		sed "s|/mnt/work/|$work/|" "$work/other/ruleset.nft" | cmp - "$work/state/candidate/ruleset.nft"

		here apply --keep-flows >/dev/null 2>&1
		run there diff
		[ "$status:$output" = 0: ] || { echo "$policy: $output"; return 1; }
		compile there
		run there apply --keep-flows
		[[ $status = 0 && $output = *"nothing to change"* ]] || { echo "$policy: $output"; return 1; }
		n=$((n + 1))
	done
	echo "# $n policies" >&3
	[ "$n" -ge 7 ]
}

holds() { # here|there
	run -0 "$1" status
	[[ $output = *"kernel      holds what was applied"* ]]
}

is() { # here|there POLICY: the kernel holds it
	holds "$1"
	cp "$work/$2.fwc" "$work/p.fwc"
	compile "$1"
	run -0 "$1" diff
	[ -z "$output" ]
}

@test "nft is upgraded while the rules are in force, on trial: status, confirm, diff, apply, rollback" {
	ip netns exec "$ns" nft flush ruleset
	rm -rf "$work/state"
	printf 'zone lan { interface eth0 }\nallow lan -> self ssh\n' >"$work/first.fwc"
	printf 'zone lan { interface eth0 }\nallow lan -> self ssh, https\nallow 10.0.0.0/8@lan -> self ping limit 5/second\n' \
		>"$work/second.fwc"
	cp "$work/first.fwc" "$work/p.fwc"
	compile here
	here apply --keep-flows
	cp "$work/second.fwc" "$work/p.fwc"
	compile here
	here apply --confirm=600 --keep-flows

	there confirm
	is there second
	run -0 there apply --keep-flows
	[[ $output = *"nothing to change"* ]]
	there rollback --keep-flows
	is there first
	holds here # reading it needs no nft
}

@test "what the other loads is read here, and is what was compiled here" {
	ip netns exec "$ns" nft flush ruleset
	rm -rf "$work/state"
	cp "$top/rulesets/router.fwc" "$work/p.fwc"
	here compile "$work/p.fwc"
	there apply --keep-flows
	run here status
	[[ $output = *"kernel      holds what was applied"* ]]
	run -0 here diff
	[ -z "$output" ]
	ip netns exec "$ns" nft flush ruleset
	there boot # what was compiled with the old one
	run here status
	[[ $output = *"kernel      holds what was applied"* ]]
	run -0 here diff
	[ -z "$output" ]
}
