#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # net.bash sets them
# Each word for what cannot be known does what it says, and every loss is to be seen; rewriting.

load net.bash
load inspect.bash

# A policy whose inspector says `word` to all that cannot be known.
policy() {
	cat <<-P
		forwarding on
		zone inside  { interface inside }
		zone outside { interface outside }
		inspection queues 26000
		inspect inside -> outside tcp/443 with names
		inspect inside -> outside tcp/8080, udp/8080 with patch
		allow   inside -> outside
		inspector names {
			deny   sni "*.casino.example"
			allow  any
			on-error    $1
			on-timeout  $1
			on-overflow $1
		}
		inspector patch {
			rewrite "sour" to "swee"
			rewrite "\x01\x02" to "ab"
		}
	P
}

load_policy() { # word
	policy "$1" >"$state/policy.fwc"
	fw compile "$state/policy.fwc"
	fw apply 2>/dev/null
}

setup_file() {
	net_up
	mkdir -p "$state"
	load_policy deny
	serve 443 8080
	inspectd --hold 2
}

teardown_file() {
	cat "$state/inspectd.log"
	inspectd_stop
	kill "$(cat "$state/served.pid")"
	net_down
}

@test "vm: on-timeout, on-error deny: and both are counted" {
	run peer part,10.0.1.2,www.example.org broken,10.0.1.2,x
	echo "$output"
	[ "${lines[0]}" = "part 10.0.1.2 www.example.org nothing" ]
	[ "${lines[1]}" = "broken 10.0.1.2 x nothing" ]
	ask status || true
	[ "$(field "status['rules'][0]['by']['on-timeout'], status['rules'][0]['by']['on-error']")" = "1 1" ]
	[ "$(field "status['timeouts']")" = 1 ]
	run fw inspect status
	echo "$output"
	[ "$status" = 0 ]
	[[ $output = *"1 decided by on-timeout: the client did not go on"* ]]
}

@test "vm: on-overflow deny: of connections that begin and do not go on the oldest are denied" {
	local said overflows
	inspectd_stop
	inspectd --hold 60 # a slow machine takes longer than two seconds to open so many
	said=$(PEER_WAIT=1 peer flood,10.0.1.2,900)
	echo "$said"
	ask status || true
	overflows=$(field "status['losses']['overflows']")
	inspectd_stop
	inspectd --hold 2
	[[ $said = "flood 10.0.1.2 900 0 of "* ]]
	[ "$overflows" -gt 50 ]
}

@test "vm: a queue that nobody empties: deny drops, and it is counted" {
	kill -STOP "$(cat "$state/pid")"
	ip netns exec client python3 - <<-'P'
		import socket
		for i in range(1500):
		    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
		    s.setblocking(False)
		    try: s.connect(("10.0.1.2", 443))
		    except BlockingIOError: pass
		    s.close()
	P
	kill -CONT "$(cat "$state/pid")"
	sleep 0.5
	ask status || true
	[ "$(field "status['losses']['queue full'] + status['losses']['buffer full']")" -gt 100 ]
}

@test "vm: on-timeout, on-error, on-overflow allow" {
	load_policy allow
	run peer part,10.0.1.2,www.example.org broken,10.0.1.2,x tls,10.0.1.2,a.casino.example
	echo "$output"
	ask status || true
	[ "${lines[0]}" = "part 10.0.1.2 www.example.org passed" ]
	[ "${lines[1]}" = "broken 10.0.1.2 x passed" ]
	[ "${lines[2]}" = "tls 10.0.1.2 a.casino.example nothing" ]
	[ "$(field "sorted((q['number'], q['on_overflow']) for q in status['queues'])")" = "[(26001, 'allow'), (26002, 'deny')]" ]
	PEER_WAIT=1 run peer flood,10.0.1.2,900
	echo "$output"
	heard=${output#flood 10.0.1.2 900 }
	[ "${heard% of *}" -gt 50 ]
}

@test "vm: packets are rewritten, with the right checksums, in both directions of families" {
	run peer echo,10.0.1.2,soursour echo,fd00:1::2,xsoury echo-udp,10.0.1.2,asour \
		echo-udp,fd00:1::2,soursour echo,10.0.1.2,same
	echo "$output"
	ask status || true
	[ "${lines[0]}" = "echo 10.0.1.2 soursour sweeswee" ]
	[ "${lines[1]}" = "echo fd00:1::2 xsoury xsweey" ]
	[ "${lines[2]}" = "echo-udp 10.0.1.2 asour aswee" ]
	[ "${lines[3]}" = "echo-udp fd00:1::2 soursour sweeswee" ]
	[ "${lines[4]}" = "echo 10.0.1.2 same same" ]
	[ "$(field "sum(q['rewritten'] for q in status['queues'])")" = 4 ]
}

@test "vm: the log names who, what, the verdict and the lines; new tables need no new queue" {
	fw --json inspect log >"$state/log" 3>&- &
	sleep 0.5
	peer tls,10.0.1.2,a.casino.example
	kill $!
	cat "$state/log"
	python3 - "$state/log" <<-'P'
		import json, sys
		line = json.loads(open(sys.argv[1]).readline())
		assert (line["verdict"], line["name"], line["protocol"]) == ("deny", "a.casino.example", "tls"), line
		assert (line["from"], line["to"], line["dport"]) == ("10.0.0.2", "10.0.1.2", 443), line
		assert line["entry"] == 'deny sni "*.casino.example"' and line["entry_at"].endswith("policy.fwc:9"), line
		assert line["rule"] == "inspect inside -> outside tcp/443 with names", line
	P
	local pid tables packets
	pid=$(field "status['pid']") tables=$(field "status['sha256']")
	packets=$(field "sum(q['packets'] for q in status['queues'])")
	sed -i 's/\*\.casino/*.other/' "$state/policy.fwc"
	fw compile "$state/policy.fwc"
	fw apply >/dev/null
	run peer tls,10.0.1.2,a.casino.example tls,10.0.1.2,a.other.example
	echo "$output"
	[ "${lines[0]}" = "tls 10.0.1.2 a.casino.example passed" ]
	[ "${lines[1]}" = "tls 10.0.1.2 a.other.example nothing" ]
	[ "$(field "status['pid']")" = "$pid" ]
	[ "$(field "status['sha256']")" != "$tables" ]
	[ "$(field "sum(q['packets'] for q in status['queues'])")" -gt "$packets" ]
}
