#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # bats and lib.bash set variables
# fwc is replaced on a host that runs 0.1: its counters, its generations and its running trial go on.
# What that program left is recorded (upgrade/NOTE); the packets are real.

bats_require_minimum_version 1.5.0
load lib
load peer

setup() {
	cli_begin
	peer_begin
	mkdir "$WORK/state"
	tar -C "$WORK/state" -xJf "$here/upgrade/state.tar.xz"
	sed -i "s/\"netns\": \"[^\"]*\"/\"netns\": \"$NS\"/" "$WORK"/state/*/apply.json
}
teardown() {
	peer_end
	cli_end
}

running() { # seconds that are left of the trial
	sed "s/timeout 59m[0-9a-z]* expires 59m[0-9a-z]*/timeout 1h expires $1s/g" "$here/upgrade/kernel.nft" |
		inns nft -f -
	/usr/bin/python3 - "$WORK/state/trial.json" "$1" <<-'END'
		import json, sys, time
		trial = json.load(open(sys.argv[1]))
		trial["boot"] = open("/proc/sys/kernel/random/boot_id").read().strip()
		trial["deadline"] = int((time.clock_gettime(time.CLOCK_BOOTTIME) + int(sys.argv[2])) * 1000)
		json.dump(trial, open(sys.argv[1], "w"))
	END
	inns sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
}
lines() { # packets of the policy's lines, as "line packets"
	fwc counters --json | json '" ".join("%s:%s" % (x["at"].rsplit(":", 1)[1], x["packets"]) for x in d
		if ":" in x["at"] and x["packets"])'
}
generations() { fwc --json history | json '[(x["generation"], x.get("comment", "")) for x in d]'; }
received() { # PORT [SECONDS]: a datagram to it is let in, by what the sender is told within that time
	ip netns exec "$PEER" /usr/bin/python3 -c 'import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(float(sys.argv[2]))
s.connect(("192.0.2.1", int(sys.argv[1])))
s.send(b"x" * 72)
try:
    s.recv(9)
except ConnectionRefusedError: # nobody listens: it came as far as that
    sys.exit(0)
except TimeoutError:
    sys.exit(1)' "$1" "${2:-20}"
}
lost() { # PORT
	! received "$1" 0.3
}

@test "in the middle of a trial: what is read of it, and confirm keeps it with its counters" {
	running 3000
	run fwc status
	echo "$output"
	[ "$status" = 0 ]
	[[ ${lines[0]} = "ON TRIAL    for another "*" s, by root since 2026-11-27 "* ]]
	[[ $output = *"proof       proved"* ]]
	[[ $output = *"forwarding  on"* ]]
	[ "$(lines)" = "7:1 8:5 9:5 10:3 11:7 12:3 13:6" ]
	run fwc diff
	[ "$status" = 0 ]
	[ -z "$output" ]
	[ "$(generations)" = "[(2, 'two'), (1, 'one')]" ]
	lost 102
	received 100

	fwc confirm -m three
	[ "$(generations)" = "[(3, 'three'), (2, 'two'), (1, 'one')]" ]
	[ "$(lines)" = "7:1 8:6 9:5 10:3 11:7 12:3 13:7" ]
	run fwc status
	[[ $output = *"kernel      holds what was applied"* ]]
	run fwc diff
	[ "$status:$output" = 0: ]
	[ "$(held guests.v4 | cut -d' ' -f1)" = 192.0.2.9 ]
	lost 102
	lost 9
}

@test "a trial that nobody confirms ends by itself, and the generation before it is in force" {
	running 5
	lost 102
	for _ in {1..600}; do
		inns nft list map inet fwc trial.input | grep -q goto || break
		sleep 0.1
	done
	received 102
	run fwc status
	echo "$output"
	[[ $output != *"ON TRIAL"* ]]
	[[ ${lines[0]} = "TRIAL OVER  begun by root at 2026-11-27 "* ]]
	[[ $output = *"firewall    loaded since 2026-11-27 "* ]]
	[ "$(lines)" = "7:1 8:5 9:5 10:3 12:3 13:3" ]
	[ "$(generations)" = "[(2, 'two'), (1, 'one')]" ]
	run fwc diff "$WORK/state/generation.2"
	[ "${lines[0]}" = "no packet changes: each is treated as before" ]
	[ "$status" = 1 ] # what is left of the trial
}

@test "rollback ends the trial; then to a generation that 0.1 wrote; that boots as well" {
	running 3000
	fwc rollback
	run fwc status
	[[ $output = *"kernel      holds what was applied"* ]]
	[ "$(lines)" = "7:1 8:5 9:5 10:3 12:3 13:2" ]
	received 102

	fwc rollback 1
	lost 102 # no rule
	received 100
	[ "$(lines)" = "7:1 8:6 9:5 10:3 12:3" ] # 13 was another rule in generation 1
	[ "$(held guests.v4 | cut -d' ' -f1)" = 192.0.2.9 ]
	run fwc status
	[[ $output = *"kernel      holds what was applied"* ]]
	run fwc diff "$WORK/state/generation.1"
	[ "$status:$output" = 0: ]
	[ "$(generations)" = "[(3, ''), (2, 'two'), (1, 'one')]" ]

	inns nft delete table inet fwc
	fwc boot
	lost 102
	received 100
	run fwc diff "$WORK/state/generation.1"
	[ "$status:$output" = 0: ]
}

@test "the page is compiled again and applied: what stays as it was keeps its counters" {
	running 3000
	fwc rollback
	sed '$a drop wan -> self udp/5' "$here/upgrade/policy.fwc" | candidate
	fwc apply
	[ "$(lines)" = "7:1 8:5 9:5 10:3 12:3 13:2" ]
	[ "$(held guests.v4 | cut -d' ' -f1)" = 192.0.2.9 ]
	[ "$(generations)" = "[(3, ''), (2, 'two'), (1, 'one')]" ]
	run -0 fwc diff
	[ -z "$output" ]
	fwc rollback 2
	run -0 fwc diff "$WORK/state/generation.2"
	[ -z "$output" ]
	[ "$(lines)" = "7:1 8:5 9:5 10:3 12:3 13:2" ]
}

@test "boot loads what 0.1 confirmed, not what was on trial" {
	running 3000
	inns nft delete table inet fwc
	sed -i 's/"boot": "[^"]*"/"boot": "00000000-0000-0000-0000-000000000000"/' "$WORK/state/trial.json"
	fwc boot
	received 102
	[ "$(generations)" = "[(2, 'two'), (1, 'one')]" ]
	run fwc status
	echo "$output"
	[[ $output = *"kernel      holds what was applied"* ]]
	run fwc diff "$WORK/state/generation.2"
	[ "$status:$output" = 0: ]
}
