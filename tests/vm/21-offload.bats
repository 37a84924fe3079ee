#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # net.bash sets it
# offload: connections go by the flowtable, by devices that are there or come later, and leave it.

load net.bash

setup_file() {
	net_up
	cat >"$BATS_FILE_TMPDIR/server.py" <<-'E'
		import socket, threading
		def echo(c):
		    while d := c.recv(4096):
		        c.sendall(d)
		s = socket.socket()
		s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		s.bind(("10.0.1.2", 5001))
		s.listen(5)
		print("up", flush=True)
		while True:
		    threading.Thread(target=echo, args=(s.accept()[0],), daemon=True).start()
	E
	cat >"$BATS_FILE_TMPDIR/client.py" <<-'E'
		import socket, sys
		s = socket.create_connection(("10.0.1.2", 5001), 20)
		s.settimeout(5)
		for line in sys.stdin:
		    try:
		        for i in range(int(line)):
		            s.sendall(b"x" * 100)
		            s.recv(4096)
		        print("fine", flush=True)
		    except OSError as e:
		        print("lost", flush=True)
	E
	ip netns exec server python3 "$BATS_FILE_TMPDIR/server.py" >"$BATS_FILE_TMPDIR/up" 3>&- &
	for _ in {1..300}; do
		[ ! -s "$BATS_FILE_TMPDIR/up" ] || break
		sleep 0.1
	done
}

teardown_file() {
	ip netns pids server | xargs -r kill
	net_down
}

policy() { # lines to add
	{
		printf '%s\n' 'forwarding on' 'zone lan { interface inside }' 'zone wan { interface outside, late }'
		printf '%s\n' "$@"
	} >"$BATS_FILE_TMPDIR/p.fwc"
	fw compile "$BATS_FILE_TMPDIR/p.fwc"
}

generation() { ip netns exec fw "$top/tests/vm/genid"; }
devices() { ip netns exec fw nft list flowtables | sed -n 's/.*devices = { \(.*\) }/\1/p'; }
slow() { ip netns exec fw nft list chain inet fwc "$(ip netns exec fw nft list chains | grep -o 'forward\.[0-9a-f]*')" |
	sed -n 's/.*ct state established counter packets \([0-9]*\).*/\1/p'; }
say() { # how many answers to wait for
	echo "$1" >&"${client[1]}"
	read -r -t 60 -u "${client[0]}" answer
	echo "$answer"
}
connect() {
	coproc client { ip netns exec client python3 "$BATS_FILE_TMPDIR/client.py" 3>&-; }
}

@test "offload: what is established goes past the rules, and status counts it; a second apply sends nothing" {
	local before
	policy 'allow lan -> wan' 'offload lan -> wan'
	run fw apply --no-confirm
	echo "$output"
	[ "$status" = 0 ]
	[ "$(devices)" = "inside, outside" ]
	before=$(generation)
	fw apply --no-confirm
	[ "$(generation)" = "$before" ]
	run fw diff
	[ "$status" = 0 ]
	connect
	[ "$(say 5)" = fine ]
	before=$(slow)
	[ "$(say 50)" = fine ]
	[ "$(slow)" = "$before" ]
	ip netns exec fw conntrack -L 2>/dev/null | grep 'dport=5001.*OFFLOAD'
	run fw status
	echo "$output"
	[[ $output = *"offload     inside, outside; 1 connections now"* ]]
	run fw flows tcp
	[[ $output = *"  offloaded, "* && $output = *"allow lan -> wan"* ]]
	kill "$client_PID"
}

@test "offload: a connection that an apply ends leaves the flowtable" {
	policy 'allow lan -> wan' 'offload lan -> wan'
	fw apply --no-confirm
	connect
	[ "$(say 20)" = fine ]
	policy 'live-flows end' 'drop lan -> wan tcp/5001' 'allow lan -> wan' 'offload lan -> wan'
	run fw apply --no-confirm
	echo "$output"
	[ "$status" = 0 ]
	for _ in {1..100}; do # within a second, as the kernel sees to it
		answer=$(say 1)
		[ "$answer" = fine ] || break
		sleep 0.1
	done
	[ "$answer" = lost ]
	kill "$client_PID"
}

@test "offload: a device that appears is bound by fwc offload, and by boot" {
	policy 'allow lan -> wan' 'offload lan -> wan'
	fw apply --no-confirm
	ip -n fw link add late type dummy
	run fw status
	echo "$output"
	[[ $output = *"not by late: "* ]]
	run fw offload
	echo "$output"
	[ "$status" = 0 ]
	[ "$(devices)" = "inside, late, outside" ]
	ip -n fw link del late
	[ "$(devices)" = "inside, outside" ]
	ip netns exec fw nft delete table inet fwc
	ip -n fw link add late type dummy
	fw boot
	[ "$(devices)" = "inside, late, outside" ]
	ip -n fw link del late
}

@test "offload: while rules are on trial their flowtable is the one that devices are bound to" {
	policy 'allow lan -> wan'
	fw apply --no-confirm
	policy 'allow lan -> wan' 'offload lan -> wan'
	fw apply --confirm=300
	ip -n fw link add late type dummy
	run fw offload
	echo "$output"
	[ "$status" = 0 ]
	[ "$(devices)" = "inside, late, outside" ]
	fw rollback
	ip -n fw link del late
	run fw offload
	[ "$status" = 0 ]
	[ "$output" = "" ]
}

@test "offload: hardware that cannot costs the offload, not the rules; a policy without it has no flowtable" {
	policy 'allow lan -> wan' 'offload lan -> wan hardware'
	run fw apply --no-confirm
	echo "$output"
	[ "$status" = 0 ]
	[[ $output = *"warning: inside is not offloaded: Operation not supported"* ]]
	policy 'allow lan -> wan'
	fw apply --no-confirm
	[ "$(ip netns exec fw nft list flowtables | grep -c flowtable)" = 0 ]
}

@test "offload: of the opener's direction, services and family alone, and never what is inspected" {
	local before
	policy 'allow any -> any' 'offload wan -> lan' 'offload lan -> wan tcp/5002' 'offload lan -> wan tcp/5001 ipv6'
	fw apply --no-confirm
	connect
	[ "$(say 5)" = fine ]
	before=$(slow)
	[ "$(say 5)" = fine ]
	[ "$(slow)" -ge $((before + 10)) ]
	kill "$client_PID"
}
