#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# rulesets/server.fwc: a public server, the world, and the administrators' network.

load ../lab/lab

setup_file() {
	lab_begin
	lab_firewall server
	lab_router net
	lab_host world admin
	lab_cable server:eth0 net:dc
	lab_cable world:eth0 net:world
	lab_cable admin:eth0 net:admin
	lab_addr server eth0 198.51.100.10/24 2001:db8:10::10/64
	lab_addr net dc 198.51.100.1/24 2001:db8:10::1/64
	lab_addr net world 203.0.113.1/24 2001:db8:20::1/64
	lab_addr net admin 192.0.2.1/24 2001:db8:ad::1/64
	lab_addr world eth0 203.0.113.5/24 2001:db8:20::5/64
	lab_addr admin eth0 192.0.2.5/24 2001:db8:ad::5/64
	lab_alias guest admin 192.0.2.16
	lab_alias second world 203.0.113.6 2001:db8:20::6
	lab_alias server.lo server 127.0.0.1 ::1
	lab_route server default via 198.51.100.1
	lab_route server default via 2001:db8:10::1
	lab_route world default via 203.0.113.1
	lab_route world default via 2001:db8:20::1
	lab_route admin default via 192.0.2.1
	lab_route admin default via 2001:db8:ad::1
	ip -n "$LAB-net" route add 203.0.113.6 via 203.0.113.5
	ip -n "$LAB-net" route add 2001:db8:20::6 via 2001:db8:20::5
	ip -n "$LAB-net" route add 192.0.2.16 via 192.0.2.5
	lab_apply server "$LAB_TOP/rulesets/server.fwc"
}

teardown_file() {
	lab_end
}

@test "server: the world may see web pages and ping" {
	lab_flows <<-'END'
		world -> server tcp/80   : passes
		world -> server tcp/443  : passes
		world -> server ping     : passes
		world -> server udp/443  : dropped
		world -> server tcp/8080 : dropped
		world -> server tcp/25   : dropped
		world -> server udp/53   : dropped
		world -> server udp/123  : dropped
		world -> server proto/47 : dropped
		admin -> server tcp/80   : passes
		admin -> server tcp/8080 : dropped
		world -> server tcp/80 flags ack : dropped
	END
}

@test "server: administrators log in at will" {
	lab_flows <<-'END'
		admin -> server tcp/22 times 12 : passes
	END
}

@test "server: others log in seldom, each source for itself" {
	lab_flows <<-'END'
		v4 world  -> server tcp/22 times 9 : passes count 3-4
		v4 second -> server tcp/22 times 9 : passes count 3-4
		v6 world  -> server tcp/22 times 9 : passes count 3-4
		v6 second -> server tcp/22 times 2 : passes
		v4 guest  -> server tcp/22 times 9 : passes count 3-4
	END
}

@test "server: what it may open itself" {
	lab_flows <<-'END'
		server -> world udp/53   : passes
		server -> world tcp/53   : passes
		server -> world udp/123  : passes
		server -> world tcp/80   : passes
		server -> world tcp/443  : passes
		server -> world tcp/25   : passes
		server -> world ping     : passes
		server -> world tcp/22   : reset
		server -> world tcp/6667 : reset
		server -> world udp/443  : prohibited
		server -> world udp/6881 : prohibited
		server -> admin tcp/22   : reset
	END
}

@test "server: errors come back to it" {
	lab_flows <<-'END'
		server -> world udp/53 closed : port-unreachable by world
		server -> world udp/123 ttl 1 : time-exceeded by net
		server -> world tcp/25 closed : refused
	END
}

@test "server: it asks nobody for an address, so nobody may answer" {
	lab_flows <<-'END'
		v4 net -> server udp/68  sport 67  : dropped
		v6 net -> server udp/546 sport 547 : dropped
	END
}

@test "server: loopback" {
	lab_flows <<-'END'
		server.lo -> server.lo tcp/5432 : passes
		server.lo -> server.lo udp/53   : passes
		server    -> server    tcp/22   : passes
		server.lo -> server.lo ping     : passes
	END
}
