#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # net.bash sets them
# What an inspect rule refuses, since it has a limit, leaves nothing that nobody asks about.

load net.bash
load inspect.bash

setup_file() {
	net_up
	mkdir -p "$state"
	cat >"$state/policy.fwc" <<-'P'
		forwarding on
		zone inside  { interface inside }
		zone outside { interface outside }
		inspect inside -> outside udp/443 with names limit 1/hour burst 1 else drop
		inspect inside -> outside tcp/80  with names limit 1/hour burst 1 else drop
		inspector names {
			deny   sni "*.casino.example"
			allow  any
		}
	P
	fw compile "$state/policy.fwc"
	fw apply
	serve 443 80
	inspectd
}

teardown_file() {
	cat "$state/inspectd.log"
	inspectd_stop
	kill "$(cat "$state/served.pid")"
	net_down
}

# 41-inspect-life.bats: connections that the rules do take anew
@test "vm: over the limit: another connection of QUIC is refused, and asked about when it is sent again" {
	run ip netns exec client python3 - "$BATS_TEST_DIRNAME" <<-'P'
		import socket, sys
		sys.path.insert(0, sys.argv[1])
		from peer import vector
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.connect(("10.0.1.2", 443))
		def sent(wait, message):
		    s.settimeout(wait)
		    s.send(message)
		    try:
		        return len(s.recv(100)) > 0
		    except OSError:
		        return False
		print(sent(20, vector("quic_v1")), sent(1, vector("quic_denied")), sent(1, vector("quic_denied")))
		print(sent(20, b"\x43 short header"))
	P
	echo "$output"
	[ "${lines[0]}" = "True False False" ]
	[ "${lines[1]}" = True ]
}

@test "vm: over the limit: a second SYN of an undecided connection is refused, and what follows is judged" {
	ip netns exec client nft 'table ip quiet { chain c { type filter hook output priority 0;
		tcp sport 20000-29999 tcp flags rst tcp window 0 drop; }; }'
	run ip netns exec client python3 - "$BATS_TEST_DIRNAME" <<-'P'
		import sys, time
		sys.path.insert(0, sys.argv[1])
		from peer import Raw, drawn, hello
		tcp = Raw("10.0.1.2", 80, drawn(20000, 30000))
		tcp.raw.settimeout(3)
		tcp.send(tcp.seq, 2)
		time.sleep(0.5)
		message = hello("a.casino.example")
		tcp.bytes(0, message)
		print(tcp.result(len(message)))
		tcp.send(tcp.first + len(message), 4)
	P
	echo "$output"
	ip netns exec client nft delete table ip quiet
	[ "$output" = nothing ]
}
