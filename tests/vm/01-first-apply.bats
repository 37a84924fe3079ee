#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # net.bash sets it
# The first apply after a boot: connection tracking is not even loaded, and connections are running.

load net.bash

setup_file() {
	net_up
}

teardown_file() {
	net_down
}

count() { cat "$BATS_TEST_TMPDIR/count$1" 2>/dev/null || echo 0; }

more() { # answers than there are now
	local now
	now=$(count "$1")
	for _ in {1..600}; do
		[ "$(count "$1")" -le $((now + 50)) ] || return 0
		sleep 0.1
	done
	return 1
}

@test "vm: connections that run before the first apply go on, and new ones meet the rules" {
	! grep -q '^nf_conntrack ' /proc/modules || skip "connection tracking is loaded already"
	cat >"$BATS_TEST_TMPDIR/policy.fwc" <<-'E'
		forwarding on
		zone inside  { interface inside }
		zone outside { interface outside }
		allow inside -> outside  tcp/7004, tcp/7006
		allow self -> any
	E
	ip netns exec server "$top/tests/vm/talk" serve 10.0.1.2 7004 3>&- &
	ip netns exec server "$top/tests/vm/talk" serve fd00:1::2 7006 3>&- &
	until [ "$(ip netns exec server ss -Hltn | wc -l)" = 2 ]; do sleep 0.2; done
	ip netns exec client "$top/tests/vm/talk" 10.0.1.2 7004 60 "$BATS_TEST_TMPDIR/count4" 3>&- &
	four=$!
	ip netns exec client "$top/tests/vm/talk" fd00:1::2 7006 60 "$BATS_TEST_TMPDIR/count6" 3>&- &
	six=$!
	for _ in {1..600}; do
		if [ "$(count 4)" -gt 5 ] && [ "$(count 6)" -gt 5 ]; then break; fi
		sleep 0.2
	done
	fw compile "$BATS_TEST_TMPDIR/policy.fwc"
	fw apply
	echo "at the end of apply: $(count 4) and $(count 6) answers"
	more 4
	more 6
	touch "$BATS_TEST_TMPDIR/count4.end" "$BATS_TEST_TMPDIR/count6.end"
	wait $four
	wait $six
	echo "at the end: $(count 4) and $(count 6) answers"
	if ip netns exec client timeout 3 bash -c 'exec 5<>/dev/tcp/10.0.1.2/7005'; then false; fi
	ip netns exec fw nft list table inet fwc >"$BATS_TEST_TMPDIR/list"
	grep -q 'hook forward' "$BATS_TEST_TMPDIR/list"
}

@test "vm: stop removes the table and everything passes again" {
	run fw stop
	echo "$output"
	[ "$status" = 0 ]
	[ -z "$(ip netns exec fw nft list ruleset)" ]
	ip netns exec client ping -nqc1 -W3 10.0.1.2
	ip netns exec client ping -nqc1 -W3 fd00:1::2
}
