#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# examples/forwarding.fwc: lab and office behind one router, the world behind its uplink.

load ../lab/lab

setup_file() {
	lab_begin
	lab_firewall router
	lab_host pc clerk world
	lab_cable router:eth0 world:eth0
	lab_cable router:eth1 pc:eth0
	lab_cable router:eth2 clerk:eth0
	lab_addr router eth0 203.0.113.2/24 fd00:f::2/64
	lab_addr router eth1 10.0.1.1/24 fd00:1::1/64
	lab_addr router eth2 10.0.2.1/24 fd00:2::1/64
	lab_addr world eth0 203.0.113.1/24 fd00:f::1/64
	lab_addr pc eth0 10.0.1.2/24 fd00:1::2/64
	lab_addr clerk eth0 10.0.2.2/24 fd00:2::2/64
	lab_alias router.lab router 10.0.1.1 fd00:1::1
	lab_alias router.lo router 127.0.0.1 ::1
	lab_alias odd pc 10.0.9.9 fd00:9::9
	lab_route router 10.0.9.9 via 10.0.1.2
	lab_route router fd00:9::9 via fd00:1::2
	for host in pc clerk; do
		n=$([ $host = pc ] && echo 1 || echo 2)
		lab_route $host default via "10.0.$n.1"
		lab_route $host default via "fd00:$n::1"
	done
	lab_route world 10.0.0.0/16 via 203.0.113.2
	lab_route world fd00:1::/64 via fd00:f::2
	lab_route world fd00:2::/64 via fd00:f::2
	lab_apply router "$LAB_TOP/examples/forwarding.fwc"
}

teardown_file() {
	lab_end
}

@test "forwarding: the two rules" {
	lab_flows <<-'END'
		pc    -> clerk tcp/22   : dropped
		pc    -> clerk tcp/80   : dropped
		pc    -> clerk udp/53   : passes
		pc    -> clerk ping     : passes
		pc    -> clerk proto/47 : arrives
		pc    -> world tcp/80   : passes as router
		pc    -> world udp/53   : passes as router
		pc    -> world ping     : passes as router
		pc    -> router.lab tcp/22 : passes
		pc    -> router.lab ping   : passes
		router.lab -> clerk ping   : passes
	END
}

@test "forwarding: what no rule allows" {
	lab_flows <<-'END'
		clerk -> pc    tcp/80   : dropped
		clerk -> pc    udp/53   : dropped
		clerk -> pc    ping     : dropped
		clerk -> world tcp/80   : dropped
		clerk -> router tcp/22  : dropped
		world -> pc    tcp/80   : dropped
		world -> pc    ping     : dropped
		world -> clerk udp/53   : dropped
		world -> router tcp/22  : dropped
		odd   -> world tcp/80   : dropped
		odd   -> clerk udp/53   : dropped
		router -> world tcp/80  : dropped
		router -> world ping    : dropped
		router.lab -> clerk tcp/80 : dropped
	END
}

@test "forwarding: errors come back" {
	lab_flows <<-'END'
		pc -> clerk udp/33434 closed : port-unreachable by clerk
		pc -> world udp/33434 closed : port-unreachable by world
		pc -> world tcp/9 closed     : refused as router
	END
}

@test "forwarding: loopback" {
	lab_flows <<-'END'
		router.lo -> router.lo tcp/22 : passes
		router.lo -> router.lo udp/53 : passes
		router -> router tcp/22       : passes
	END
}
