#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# examples/workstation.fwc: a workstation, the company's web servers, and the rest.

load ../lab/lab

setup_file() {
	lab_begin
	lab_firewall desk
	lab_router net
	lab_host intra web world
	lab_cable desk:eth0 net:lan
	lab_cable intra:eth0 net:intra
	lab_cable web:eth0 net:web
	lab_cable world:eth0 net:world
	lab_addr desk eth0 10.0.1.2/24 fd00:10:1::2/64
	lab_addr net lan 10.0.1.1/24 fd00:10:1::1/64
	lab_addr net intra 10.0.3.254/24 fd00:10:3::254/64
	lab_addr net web 192.0.2.254/24 2001:db8:1::254/64
	lab_addr net world 203.0.113.254/24 2001:db8:2::254/64
	lab_addr intra eth0 10.0.3.1/24 fd00:10:3::1/64
	lab_addr web eth0 192.0.2.80/24
	lab_addr world eth0 203.0.113.80/24 2001:db8:2::80/64
	lab_alias desk.lo desk 127.0.0.1 ::1
	lab_addr intra eth0 10.0.3.2/24
	lab_alias second intra 10.0.3.2
	lab_alias edge world 10.1.0.0 fd00:11::
	lab_route net 10.1.0.0/32 via 203.0.113.80
	lab_route net fd00:11::/128 via 2001:db8:2::80
	lab_route desk default via 10.0.1.1
	lab_route desk default via fd00:10:1::1
	lab_route intra default via 10.0.3.254
	lab_route intra default via fd00:10:3::254
	lab_route web default via 192.0.2.254
	lab_route world default via 203.0.113.254
	lab_route world default via 2001:db8:2::254
	lab_apply desk "$LAB_TOP/examples/workstation.fwc"
}

teardown_file() {
	lab_end
}

@test "workstation: web pages of the company's networks only" {
	lab_flows <<-'END'
		desk -> intra tcp/80  : passes
		desk -> intra tcp/443 : passes
		desk -> web   tcp/80  : passes
		desk -> web   tcp/443 : passes
		desk -> world tcp/80  : dropped
		desk -> world tcp/443 : dropped
		desk -> edge  tcp/80  : dropped
		desk -> edge  tcp/443 : dropped
	END
}

@test "workstation: everything else may go out" {
	lab_flows <<-'END'
		desk -> world tcp/22   : passes
		desk -> world tcp/8080 : passes
		desk -> world tcp/81   : passes
		desk -> world tcp/442  : passes
		desk -> world udp/443  : passes
		desk -> world udp/80   : passes
		desk -> world udp/53   : passes
		desk -> world ping     : passes
		desk -> edge  tcp/22   : passes
		desk -> world udp/9 closed : port-unreachable by world
		desk -> world udp/53 ttl 1 : time-exceeded by net
	END
}

@test "workstation: in comes ssh, from one machine" {
	lab_flows <<-'END'
		v4 intra -> desk tcp/22   : passes
		v6 intra -> desk tcp/22   : dropped
		second   -> desk tcp/22   : dropped
		intra    -> desk tcp/80   : dropped
		intra    -> desk udp/22   : dropped
		intra    -> desk ping     : dropped
		world    -> desk tcp/22   : dropped
		world    -> desk tcp/443  : dropped
		world    -> desk udp/1024 sport 53 : dropped
		v4 intra -> desk tcp/22 flags ack : dropped
	END
}

@test "workstation: loopback, web pages too" {
	lab_flows <<-'END'
		desk.lo -> desk.lo tcp/80  : passes
		desk.lo -> desk.lo tcp/443 : passes
		desk.lo -> desk.lo udp/53  : passes
		desk    -> desk    tcp/80  : passes
	END
}
