#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # bats sets them
# A trial goes by the time that passes, whatever somebody sets the clock to meanwhile; and rules with
# hours go by what the clock shows. In a machine of its own, as a clock is everybody's.

setup() {
	[ -n "${VM:-}" ] || skip "sets the clock: only in a virtual machine"
	cd "$BATS_TEST_TMPDIR" || return
	export SSH_CONNECTION=
	ip netns add fw
	ip netns add peer
	ip link add wire netns fw type veth peer name wire netns peer
	ip -n fw addr add 10.7.0.1/24 dev wire
	ip -n peer addr add 10.7.0.2/24 dev wire
	ip -n fw link set wire up
	ip -n peer link set wire up
	printf '%s\n' 'zone lan { interface wire }' 'allow lan -> self ping' >old.fwc
	printf '%s\n' 'zone lan { interface wire }' 'allow lan -> self ssh' >new.fwc
	f compile --no-proof old.fwc -o old
	f compile --no-proof new.fwc -o new
	f apply old
	answers
}
teardown() {
	pkill -9 -f 'fwc --netns fw ' || true
	ip netns del fw
	ip netns del peer
}
f() { "$FWC" --netns fw --state "$BATS_TEST_TMPDIR/state" "$@"; }
answers() { ip netns exec peer ping -qc1 -W1 10.7.0.1 >/dev/null; }
monotonic() { cut -d. -f1 /proc/uptime; }
by() { date -s "@$(($(date +%s) + $1))" >/dev/null; }

expires() { # how the clock is set
	local from armed
	from=$(monotonic)
	f apply --confirm=8 new
	armed=$(monotonic)
	run answers
	[ "$status" != 0 ] # the new rules
	by "$1"
	run answers
	[ "$status" != 0 ] || [ $(($(monotonic) - from)) -ge 8 ]
	f status | grep -q '^ON TRIAL' || [ $(($(monotonic) - from)) -ge 8 ]
	until answers; do [ $(($(monotonic) - armed)) -le 10 ]; done # deadline and two seconds
	[ $(($(monotonic) - from)) -ge 7 ]
	for _ in $(seq 50); do [ -e state/trial.json ] || break; sleep 0.2; done
	[ ! -e state/trial.json ]
	f diff old
}
@test "the clock goes forward an hour: the trial lasts as long as it was to last" { expires 3600; }
@test "the clock goes back an hour: the trial ends when it was to end" { expires -3600; }

@test "confirmed after the clock was set, it stays" {
	local step
	for step in 3600 -7200; do
		f apply --confirm=20 new
		by "$step"
		f confirm
		f diff new
		run answers
		[ "$status" != 0 ]
		f apply old
	done
	answers
}

knock() { # PORT: "closed" (let in, nobody listens), "silent"
	ip netns exec peer timeout 5 bash -c "exec 2>/dev/null; echo >/dev/tcp/10.7.0.1/$1" 2>/dev/null
	case $? in 124) echo silent ;; *) echo closed ;; esac
}
@test "a machine that starts before its clock is set: rules with hours match nothing until it is, and nobody loads them again" {
	local window behind
	window="$(TZ=UTC date -d "@$(($(date +%s) - 7200))" +%H:%M)-$(TZ=UTC date -d "@$(($(date +%s) + 7200))" +%H:%M)"
	printf '%s\n' 'zone lan { interface wire }' "allow lan -> self ping hours $window" \
		"drop lan -> self tcp/81 hours $window" 'allow lan -> self tcp/81' 'allow lan -> self tcp/82' >hours.fwc
	TZ=UTC f compile --no-proof hours.fwc -o hours
	f apply hours
	answers
	[ "$(knock 81) $(knock 82)" = "silent closed" ]
	behind=$(($(date +%s) - 86400)) # a battery that is empty: 1970
	by -$behind
	ip netns exec fw nft flush ruleset
	f boot
	run answers
	[ "$status" != 0 ]
	[ "$(knock 81) $(knock 82)" = "closed closed" ]
	by $behind
	answers
	[ "$(knock 81) $(knock 82)" = "silent closed" ]
}
