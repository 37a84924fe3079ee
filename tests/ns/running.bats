#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Connections that run while rules come, change and go.

load ../lab/lab
load ../lab/home

setup() {
	lab_begin
	home_make
	lab_in router sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
}

teardown() {
	lab_end
}

@test "running: connections of before the first apply go on, whoever opened them" {
	lab_talk client server 198.51.100.10 7001
	lab_talk client server 2001:db8:3::10 7002
	lab_talk server router 203.0.113.2 7003
	lab_talk server router 2001:db8:2::2 7004
	sed '/^masquerade/d' "$LAB_TOP/rulesets/router.fwc" >"$LAB_DIR/plain.fwc"
	lab_apply router "$LAB_DIR/plain.fwc"
	lab_goes_on 7001
	lab_goes_on 7002
	lab_goes_on 7003
	lab_goes_on 7004
}

@test "running: connections go on through applies that keep them, and stop" {
	lab_apply router "$LAB_TOP/rulesets/router.fwc"
	lab_talk client server 198.51.100.10 7001
	lab_talk client server 2001:db8:3::10 7002
	lab_fwc router compile "$LAB_TOP/rulesets/server.fwc"
	lab_fwc router apply --keep-flows
	[ "$(lab_in router sysctl -n net.ipv4.ip_forward)" = 1 ]
	lab_goes_on 7001
	lab_goes_on 7002
	lab_apply router "$LAB_TOP/rulesets/router.fwc"
	lab_goes_on 7001
	lab_goes_on 7002
}

@test "running: the last rule drops, even if the chain's policy did not" {
	lab_apply router "$LAB_TOP/rulesets/router.fwc"
	for hook in input forward output; do
		lab_in router nft chain inet fwc $hook '{ policy accept; }'
	done
	lab_flows <<-'END'
		server -> client        tcp/22 : dropped
		server -> nas           udp/53 : dropped
		server -> client.global ping   : dropped
		server -> router.out    tcp/22 : dropped
		server -> router.out    udp/53 : dropped
		client -> server        tcp/80 : passes as router.out
	END
}

@test "running: after stop the host is open" {
	lab_apply router "$LAB_TOP/rulesets/router.fwc"
	lab_fwc router stop
	lab_flows <<-'END'
		server -> client        tcp/22 : passes
		server -> router.out    tcp/22 : passes
		client -> server        tcp/80 : passes
	END
}
