#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# examples/wireguard.fwc: lan, world and a tunnel. The tunnel is a veth pair named wg0: a policy
# knows interfaces by their names.

load ../lab/lab

setup_file() {
	lab_begin
	lab_switch lan
	lab_host pc files peer branch world
	lab_firewall router
	lab_cable router:eth0 lan
	lab_cable pc:eth0 lan
	lab_cable files:eth0 lan
	lab_switch tunnel
	lab_cable router:wg0 tunnel
	lab_cable peer:wg0 tunnel
	lab_cable branch:wg0 tunnel
	lab_cable router:eth1 world:eth0
	lab_addr router eth0 192.168.7.1/24 2001:db8:7::1/64
	lab_addr router wg0 10.7.0.1/24 10.8.0.1/24 fd00:7::1/64 fd00:8::1/64
	lab_addr router eth1 203.0.113.2/24 2001:db8:f::2/64
	lab_addr pc eth0 192.168.7.2/24 2001:db8:7::2/64
	lab_addr files eth0 192.168.7.20/24 2001:db8:7::20/64
	lab_addr peer wg0 10.7.0.2/24 fd00:7::2/64
	lab_addr branch wg0 10.8.0.2/24 fd00:8::2/64
	lab_addr world eth0 203.0.113.1/24 2001:db8:f::1/64
	lab_alias router.out router 203.0.113.2 2001:db8:f::2
	lab_alias router.vpn router 10.7.0.1 fd00:7::1
	lab_alias router.branch router 10.8.0.1 fd00:8::1
	lab_alias router.lo router 127.0.0.1 ::1
	for host in pc files; do
		lab_route $host default via 192.168.7.1
		lab_route $host default via 2001:db8:7::1
	done
	lab_route peer default via 10.7.0.1
	lab_route peer default via fd00:7::1
	lab_route branch default via 10.8.0.1
	lab_route branch default via fd00:8::1
	lab_route world default via 203.0.113.2
	lab_route world default via 2001:db8:f::2
	lab_apply router "$LAB_TOP/examples/wireguard.fwc"
}

teardown_file() {
	lab_end
}

@test "wireguard: the world reaches the tunnel's port and a ping" {
	lab_flows <<-'END'
		world -> router.out udp/51820 : passes
		world -> router.out ping      : passes
		world -> router.out tcp/51820 : dropped
		world -> router.out udp/51821 : dropped
		world -> router.out tcp/22    : dropped
		world -> pc         tcp/22    : dropped
		world -> pc         udp/51820 : dropped
		world -> pc         ping      : dropped
		world -> files      tcp/445   : dropped
		world -> peer       tcp/22    : dropped
		world -> branch     ping      : dropped
	END
}

@test "wireguard: the tunnel is one of us" {
	lab_flows <<-'END'
		peer -> pc         tcp/22  : passes
		peer -> files      tcp/445 : passes
		peer -> files      udp/137 : passes
		peer -> router.vpn tcp/22  : passes
		peer -> router     udp/53  : passes
		peer -> world      tcp/443 : passes as router.out
		peer -> world      udp/53  : passes as router.out
		peer -> world      ping    : passes as router.out
		peer -> world      udp/9 closed : port-unreachable by world
	END
}

@test "wireguard: the branch reaches the file server" {
	lab_flows <<-'END'
		branch -> files         tcp/445 : passes
		branch -> files         tcp/22  : passes
		branch -> files         tcp/80  : dropped
		branch -> files         udp/445 : dropped
		branch -> files         ping    : dropped
		branch -> pc            tcp/22  : dropped
		branch -> router.branch tcp/22  : dropped
		branch -> router.branch ping    : dropped
		branch -> world         tcp/443 : dropped
	END
}

@test "wireguard: the lan, and the router itself" {
	lab_flows <<-'END'
		pc -> peer          tcp/22     : passes
		pc -> branch        tcp/22     : passes
		v4 pc -> world      tcp/443    : passes as router.out
		v6 pc -> world      tcp/443    : passes
		v6 pc -> world      ping       : passes
		pc -> router        tcp/22     : passes
		router -> pc        tcp/22     : passes
		router.out -> world udp/51820  : passes
		router.vpn -> peer  ping       : passes
		router.lo -> router.lo tcp/22  : passes
		router.lo -> router.lo udp/53  : passes
		pc -> world udp/33434 closed   : port-unreachable by world
	END
}
