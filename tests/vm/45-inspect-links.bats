#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # net.bash sets them
# What the link adds changes nothing of a judgement: clients behind a VLAN on a bridge.

load net.bash
load inspect.bash

setup_file() {
	net_up
	mkdir -p "$state"
	ip -n client -batch - <<-'E'
		addr flush dev eth0
		link add link eth0 name eth0.7 address 02:00:00:00:00:07 type vlan id 7
		addr add 10.0.0.2/24 dev eth0.7
		addr add fd00::2/64 dev eth0.7 nodad
		link set eth0.7 up
		route replace default via 10.0.0.1 dev eth0.7
		route replace default via fd00::1 dev eth0.7
	E
	ip -n fw -batch - <<-'E'
		addr flush dev inside
		link add br0 type bridge
		link set inside master br0
		link set br0 up
		link add link br0 name br0.7 type vlan id 7
		addr add 10.0.0.1/24 dev br0.7
		addr add fd00::1/64 dev br0.7 nodad
		link set br0.7 up
	E
	cat >"$state/policy.fwc" <<-'P'
		forwarding on
		zone inside  { interface br0.7 }
		zone outside { interface outside }
		host child = 02:00:00:00:00:07
		inspect child@inside -> outside tcp/443, udp/443 with names
		allow   inside -> outside
		inspector names {
			deny   sni "*.casino.example"
			allow  any
		}
	P
	fw compile "$state/policy.fwc"
	fw apply 2>/dev/null
	serve 443
	inspectd
	ip netns exec client nft 'table ip quiet { chain c { type filter hook output priority 0;
		tcp sport 20000-29999 tcp flags rst tcp window 0 drop; }; }'
}

teardown_file() {
	cat "$state/inspectd.log"
	inspectd_stop
	kill "$(cat "$state/served.pid")"
	net_down
}

@test "vm: behind a VLAN on a bridge: by the name, in both families" {
	run peer tls,10.0.1.2,www.example.org tls,fd00:1::2,www.example.org \
		tls,10.0.1.2,a.casino.example tls,fd00:1::2,a.casino.example
	echo "$output"
	ask status || true
	[ "${lines[0]}" = "tls 10.0.1.2 www.example.org passed" ]
	[ "${lines[1]}" = "tls fd00:1::2 www.example.org passed" ]
	[ "${lines[2]}" = "tls 10.0.1.2 a.casino.example nothing" ]
	[ "${lines[3]}" = "tls fd00:1::2 a.casino.example nothing" ]
}

@test "vm: there: hellos that do not come as far as their SYN, or follow on another one" {
	run peer ttl,10.0.1.2,www.example.org/64 ttl,10.0.1.2,www.example.org/63 quic-ttl,10.0.1.2,64 \
		quic-ttl,10.0.1.2,9 two-syns,10.0.1.2,a.casino.example
	echo "$output"
	ask status || true
	[ "${lines[0]}" = "ttl 10.0.1.2 www.example.org/64 passed" ]
	[ "${lines[1]}" = "ttl 10.0.1.2 www.example.org/63 nothing" ]
	[ "${lines[2]}" = "quic-ttl 10.0.1.2 64 2 of 2" ]
	[ "${lines[3]}" = "quic-ttl 10.0.1.2 9 0 of 2" ]
	[ "${lines[4]}" = "two-syns 10.0.1.2 a.casino.example nothing" ]
	[ "$(field "status['rules'][0]['by']['on-error']")" -ge 3 ]
}

@test "vm: there: a host by its MAC address is inspected, another one is not" {
	ip -n client link set eth0.7 address 02:00:00:00:00:08
	run peer tls,10.0.1.2,a.casino.example
	echo "$output"
	[ "$output" = "tls 10.0.1.2 a.casino.example passed" ]
	ip -n client link set eth0.7 address 02:00:00:00:00:07
	run peer tls,10.0.1.2,a.casino.example
	echo "$output"
	[ "$output" = "tls 10.0.1.2 a.casino.example nothing" ]
}
