#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# examples/office.fwc: staff, an administrator, two servers in the dmz, the world.

load ../lab/lab

setup_file() {
	lab_begin
	lab_switch lan dmz
	lab_host staff admin web mail world
	lab_firewall gate
	lab_cable gate:lan0 lan
	lab_cable staff:eth0 lan
	lab_cable admin:eth0 lan
	lab_cable gate:dmz0 dmz
	lab_cable web:eth0 dmz
	lab_cable mail:eth0 dmz
	lab_cable gate:wan0 world:eth0
	lab_addr gate lan0 10.1.0.1/24 fd00:1::1/64
	lab_addr gate dmz0 10.2.0.1/24 fd00:2::1/64
	lab_addr gate wan0 203.0.113.2/24 2001:db8::2/64
	lab_addr staff eth0 10.1.0.50/24 fd00:1::50/64
	lab_addr admin eth0 10.1.0.10/24 fd00:1::10/64
	lab_addr web eth0 10.2.0.80/24 fd00:2::80/64
	lab_addr mail eth0 10.2.0.25/24 fd00:2::25/64
	lab_addr world eth0 203.0.113.1/24 2001:db8::1/64
	lab_alias gate.out gate 203.0.113.2 2001:db8::2
	lab_alias gate.dmz gate 10.2.0.1 fd00:2::1
	lab_broadcast gate.all gate 255.255.255.255
	lab_alias gate.lo gate 127.0.0.1 ::1
	lab_addr admin eth0 10.1.0.19/24 10.1.0.20/24
	lab_alias admin.last admin 10.1.0.19
	lab_alias admin.over admin 10.1.0.20
	for host in staff admin; do
		lab_route $host default via 10.1.0.1
		lab_route $host default via fd00:1::1
	done
	for host in web mail; do
		lab_route $host default via 10.2.0.1
		lab_route $host default via fd00:2::1
	done
	lab_route world 10.0.0.0/8 via 203.0.113.2
	lab_route world fd00::/16 via 2001:db8::2
	lab_apply gate "$LAB_TOP/examples/office.fwc"
}

teardown_file() {
	lab_end
}

@test "office: the staff" {
	lab_flows <<-'END'
		staff -> world tcp/80    : passes as gate.out
		staff -> world udp/4500  : passes as gate.out
		staff -> world ping      : passes as gate.out
		staff -> world tcp/25    : reset
		staff -> web   tcp/80    : passes
		staff -> web   tcp/443   : passes
		staff -> web   tcp/8080  : passes
		staff -> web   tcp/8089  : passes
		staff -> web   tcp/8090  : dropped
		staff -> web   tcp/8079  : dropped
		staff -> web   ping      : passes
		staff -> web   tcp/25    : dropped
		staff -> web   udp/53    : dropped
		staff -> mail  tcp/25    : passes
		staff -> mail  tcp/993   : passes
		staff -> web   tcp/993   : dropped
		staff -> gate  udp/53    : passes
		staff -> gate  tcp/53    : passes
		staff -> gate  ping      : passes
		staff -> gate  tcp/80    : dropped
	END
}

@test "office: the staff may ask the gate for an address" {
	lab_flows <<-'END'
		staff -> gate.all udp/67 : arrives
		staff -> gate.all udp/69 : dropped
		web   -> gate.all udp/67 : dropped
	END
}

@test "office: administrators log in" {
	lab_flows <<-'END'
		admin      -> web   tcp/22 : passes
		admin      -> gate  tcp/22 : passes
		admin.last -> mail  tcp/22 : passes
		admin.over -> mail  tcp/22 : dropped
		admin.over -> gate  tcp/22 : dropped
		staff      -> web   tcp/22 : dropped
		staff      -> gate  tcp/22 : dropped
		world      -> gate.out tcp/22 : dropped
	END
}

@test "office: the world" {
	lab_flows <<-'END'
		world -> gate.out tcp/80   : passes at web:80
		world -> gate.out tcp/443  : passes at web:443
		world -> gate.out tcp/25   : passes at mail:25
		world -> gate.out ping     : passes
		world -> gate.out tcp/993  : dropped
		world -> gate.out udp/53   : dropped
		world -> web      tcp/80   : passes
		world -> web      tcp/8080 : dropped
		world -> web      ping     : dropped
		world -> mail     tcp/993  : dropped
		world -> staff    tcp/80   : dropped
		world -> staff    udp/53   : dropped
		world -> staff    ping     : dropped
		world -> gate     udp/53   : dropped
	END
}

@test "office: the servers" {
	lab_flows <<-'END'
		mail -> world tcp/25   : passes as gate.out
		web  -> world tcp/25   : dropped
		web  -> world udp/53   : passes as gate.out
		web  -> world tcp/443  : passes as gate.out
		web  -> world tcp/22   : dropped
		web  -> world udp/4500 : dropped
		web  -> world ping     : dropped
		web  -> staff tcp/445  : reset
		mail -> staff udp/53   : prohibited
		mail -> staff ping     : prohibited
		web  -> gate.dmz tcp/22 : dropped
		web  -> gate.dmz udp/53 : dropped
		web  -> gate.dmz ping   : dropped
	END
}

@test "office: the gate itself, and loopback" {
	lab_flows <<-'END'
		gate     -> staff tcp/22   : passes
		gate.dmz -> web   tcp/22   : passes
		gate.out -> world udp/123  : passes
		gate.out -> world tcp/443  : passes
		gate.lo  -> gate.lo tcp/53 : passes
		gate.lo  -> gate.lo udp/53 : passes
		gate     -> gate.out tcp/9 : passes
	END
}

@test "office: errors come back, through NAT" {
	lab_flows <<-'END'
		staff -> world udp/33434 closed : port-unreachable by world
		staff -> world tcp/7 closed     : refused as gate.out
		web   -> world udp/53 closed    : port-unreachable by world
		world -> gate.out tcp/80 closed : refused at web:80
		staff -> world udp/33435 ttl 1  : time-exceeded by gate
	END
}
