#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# `forwarding on` sets the sysctls of both families; stop puts back what was there.

load ../lab/lab

setup_file() {
	lab_begin
	lab_firewall router
	lab_host client
	lab_cable router:eth0 client:eth0
	lab_addr router eth0 192.168.1.1/24 fd00:1::1/64
}

teardown_file() {
	lab_end
}

setup() {
	set_all 0 0 0
}

teardown() {
	lab_fwc router stop || true
}

# IPv4 forwarding, IPv6 forwarding, accept_ra of eth0, as one word.
state() {
	lab_in router sysctl -n net.ipv4.ip_forward net.ipv6.conf.all.forwarding \
		net.ipv6.conf.eth0.accept_ra | tr -d '\n'
}

set_all() {
	lab_in router sysctl -qw net.ipv4.ip_forward="$1" net.ipv6.conf.all.forwarding="$2" \
		net.ipv6.conf.eth0.accept_ra="$3"
}

@test "sysctl: forwarding on, then stop" {
	[ "$(state)" = 000 ]
	lab_fwc router compile "$LAB_TOP/rulesets/router.fwc"
	[ "$(state)" = 000 ]
	lab_fwc router apply --dry-run
	[ "$(state)" = 000 ]
	lab_fwc router apply
	[ "$(state)" = 110 ]
	lab_fwc router apply
	[ "$(state)" = 110 ]
	lab_fwc router stop
	[ "$(state)" = 000 ]
}

@test "sysctl: what was on before stays on" {
	set_all 1 0 0
	lab_apply router "$LAB_TOP/rulesets/router.fwc"
	[ "$(state)" = 110 ]
	lab_apply router "$LAB_TOP/examples/office.fwc"
	[ "$(state)" = 110 ]
	lab_fwc router stop
	[ "$(state)" = 100 ]
}

@test "sysctl: an interface that takes router advertisements goes on taking them" {
	set_all 0 0 1
	lab_apply router "$LAB_TOP/rulesets/router.fwc"
	[ "$(state)" = 112 ]
	lab_fwc router stop
	[ "$(state)" = 001 ]
}

@test "sysctl: a policy that does not speak of forwarding sets nothing" {
	lab_apply router "$LAB_TOP/rulesets/server.fwc"
	[ "$(state)" = 000 ]
	lab_fwc router stop
	[ "$(state)" = 000 ]
}

@test "sysctl: forwarding off turns it off until stop" {
	set_all 1 1 0
	printf 'forwarding off\nzone lan { interface eth0 }\nallow lan -> self\n' >"$LAB_DIR/off.fwc"
	lab_apply router "$LAB_DIR/off.fwc"
	[ "$(state)" = 000 ]
	lab_fwc router stop
	[ "$(state)" = 110 ]
}

@test "sysctl: the table is there before forwarding is, and forwarding goes before the table" {
	# Whoever sees forwarding on without our table has found a gap.
	ip netns exec "$LAB-router" bash -s "$LAB_DIR" >"$LAB_DIR/gaps" 3>&- <<-'END' &
		while [ ! -e "$1/done" ]; do
			read -r on </proc/sys/net/ipv4/ip_forward
			[ "$on" = 1 ] || continue
			nft list table inet fwc >/dev/null 2>&1 && continue
			read -r on </proc/sys/net/ipv4/ip_forward
			[ "$on" = 1 ] && echo gap
		done
	END
	for _ in 1 2 3 4 5; do
		lab_apply router "$LAB_TOP/rulesets/router.fwc"
		lab_fwc router stop
	done
	touch "$LAB_DIR/done"
	wait
	[ ! -s "$LAB_DIR/gaps" ]
}
