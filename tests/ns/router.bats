#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# rulesets/router.fwc in a home: see home.bash for who is where.

load ../lab/lab
load ../lab/home

setup_file() {
	lab_begin
	home_make
	lab_apply router "$LAB_TOP/rulesets/router.fwc"
}

teardown_file() {
	lab_end
}

@test "router: from the inside" {
	lab_flows <<-'END'
		client        -> server tcp/80   : passes as router.out
		client        -> server tcp/25   : passes as router.out
		client        -> server udp/53   : passes as router.out
		client        -> server udp/4500 : passes as router.out
		client        -> server ping     : passes as router.out
		nas           -> server tcp/443  : passes as router.out
		client.global -> server tcp/80   : passes
		client.global -> server udp/123  : passes
		client.global -> server ping     : passes
		client        -> router tcp/22   : passes
		client        -> router udp/53   : passes
		client        -> router ping     : passes
		client        -> router.out tcp/22 : passes
	END
}

@test "router: the source at the server is that of ppp0 for IPv4 and private IPv6 only" {
	lab_flows <<-'END'
		v4 client        -> server tcp/8000 : passes as 203.0.113.2
		v6 client        -> server tcp/8000 : passes as 2001:db8:2::2
		v6 client.global -> server tcp/8000 : passes as 2001:db8:1::2
		v6 client.global -> server udp/8000 : passes as 2001:db8:1::2
	END
}

@test "router: nothing from the outside to the inside" {
	lab_flows <<-'END'
		server -> client        tcp/22   : dropped
		server -> client        tcp/80   : dropped
		server -> client        udp/53   : dropped
		server -> client        ping     : dropped
		server -> client        proto/47 : dropped
		server -> nas           tcp/443  : dropped
		server -> nas           udp/8443 : dropped
		server -> nas           ping     : dropped
		server -> client.global tcp/22   : dropped
		server -> client.global udp/5353 : dropped
		server -> client.global ping     : dropped
		liar   -> client        tcp/80   : dropped
		liar   -> nas           udp/53   : dropped
		server -> router.out    tcp/22   : dropped
		server -> router.out    tcp/80   : dropped
		server -> router.out    tcp/8443 : dropped
		server -> router.out    udp/53   : dropped
		server -> router.out    udp/443  : dropped
		server -> router        tcp/22   : dropped
		liar   -> router        udp/53   : dropped
		isp    -> router.out    tcp/22   : dropped
		isp    -> client.global tcp/443  : dropped
	END
}

@test "router: the outside may ping the router, not flood it" {
	lab_flows <<-'END'
		v4 far    -> router.out ping : passes
		v6 far    -> router.out ping : passes
	END
	sleep 2.2
	lab_flows <<-'END'
		v4 server -> router.out ping times 90 : passes count 20-60
	END
}

@test "router: the forwarded port comes out at the nas, on the right port" {
	lab_flows <<-'END'
		server -> router.out tcp/443  : passes at nas:8443
		far    -> router.out tcp/443  : passes at nas:8443
		isp    -> router.out tcp/443  : passes at nas:8443
		server -> nas        tcp/8443 : passes
		server -> nas        tcp/443  : dropped
	END
}

@test "router: hairpin: the inside calls the outside address" {
	lab_flows <<-'END'
		client -> router.out tcp/443  : passes at nas:8443 as router
		nas    -> router.out tcp/443  : passes at nas:8443 as router
		client -> router.out tcp/80   : passes
		client -> router     tcp/443  : passes
		v6 client.global -> router.out tcp/443 : passes at nas:8443 as router
	END
}

@test "router: the router itself, and loopback" {
	lab_flows <<-'END'
		router     -> server     tcp/80   : passes
		router.out -> server     tcp/80   : passes
		router.out -> server     udp/53   : passes
		router.out -> server     ping     : passes
		router     -> client     tcp/22   : passes
		router     -> nas        ping     : passes
		router.lo  -> router.lo  tcp/6000 : passes
		router.lo  -> router.lo  udp/53   : passes
		router.lo  -> router.lo  ping     : passes
		router     -> router     tcp/6000 : passes
		router     -> router.out tcp/22   : passes
	END
}

@test "router: errors of known connections come back, through NAT" {
	lab_flows <<-'END'
		client        -> server udp/33434 closed    : port-unreachable by server
		client.global -> server udp/33434 closed    : port-unreachable by server
		client        -> server udp/33435 ttl 1     : time-exceeded by router
		client        -> server udp/33435 ttl 2     : time-exceeded by isp
		client        -> server ping      ttl 2     : time-exceeded by isp
		client        -> far    udp/9000 size 1420  : too-big
		client.global -> far    udp/9000 size 1420  : too-big
		v4 client     -> server udp/9000 size 1468  : too-big by router
		v6 client     -> server udp/9000 size 1450  : too-big by router
		client        -> server tcp/7  closed       : refused as router.out
		server -> router.out udp/33434 closed       : dropped
		router.out    -> server udp/33434 closed    : port-unreachable by server
		v4 server -> router.out tcp/443 ttl 2       : time-exceeded by router.out
	END
}

@test "router: MSS 1452 and 1432 over the 1492 byte link, both ways" {
	lab_flows <<-'END'
		client        -> server     tcp/80   : passes as router.out mss 1452/1432
		client.global -> server     tcp/80   : passes mss 1432
		server        -> router.out tcp/443  : passes at nas:8443 mss 1452/1432
		router.out    -> server     tcp/80   : passes syn-mss 1452/1432
		client        -> nas        tcp/8443 : passes mss 1460/1440
	END
}

@test "router: an MSS that is small already is not raised" {
	ip -n "$LAB-client" route add 198.51.100.10 via 192.168.1.1 advmss 1200
	ip -n "$LAB-server" route add 203.0.113.2 via 198.51.100.1 advmss 1200
	lab_flows <<-'END'
		v4 client -> server tcp/81 : passes as router.out mss 1200
	END
	ip -n "$LAB-client" route del 198.51.100.10
	ip -n "$LAB-server" route del 203.0.113.2
}

@test "router: TCP that belongs to no connection" {
	lab_flows <<-'END'
		client.global -> server     tcp/80  flags ack     : dropped
		v4 client     -> server     tcp/80  flags ack     : dropped
		client.global -> server     tcp/80  flags syn,ack : dropped
		client.global -> server     tcp/80  flags fin,psh,urg : dropped
		client.global -> server     tcp/80  flags syn,fin : dropped
		client.global -> server     tcp/80  flags rst     : dropped
		server        -> router.out tcp/443 flags ack     : dropped
		client        -> router     tcp/22  flags ack     : dropped
		client        -> router     tcp/22  flags fin     : dropped
		client.global -> server     tcp/80  flags syn     : passes
	END
}

@test "router: an answer to its own question for an address" {
	lab_flows <<-'END'
		v4 isp    -> router.out udp/68  sport 67  : passes
		v4 isp    -> router.out udp/68  sport 68  : dropped
		v4 isp    -> router.out udp/67  sport 67  : dropped
		v6 isp    -> router.out udp/546 sport 547 : dropped
	END
}

@test "router: what answers to nothing" {
	lab_flows <<-'END'
		v4 server -> router.out    icmp/0   : dropped
		v4 server -> client        icmp/3   : dropped
		v4 server -> client        icmp/11  : dropped
		v6 server -> client.global icmp/129 : dropped
		v6 server -> client.global icmp/1   : dropped
		v6 server -> client.global icmp/2   : dropped
		v6 server -> client.global icmp/3   : dropped
		v4 server -> client        udp/1024 sport 53 : dropped
		v6 server -> client.global udp/1024 sport 53 : dropped
	END
}
