#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# untracked: packets that connection tracking does not see are judged each by itself; answers and errors pass.

load ../lab/lab

setup_file() {
	lab_begin
	lab_firewall router
	lab_host lan wan dns
	lab_cable router:eth0 lan:eth0
	lab_cable router:eth1 wan:eth0
	lab_cable router:eth2 dns:eth0 1400
	lab_addr router eth0 10.0.0.1/24 fd00::1/64
	lab_addr router eth1 203.0.113.2/24 2001:db8::2/64
	lab_addr router eth2 10.0.2.1/24 fd00:2::1/64
	lab_addr lan eth0 10.0.0.11/24 fd00::11/64
	lab_addr wan eth0 203.0.113.1/24 2001:db8::1/64
	lab_addr dns eth0 10.0.2.53/24 fd00:2::53/64
	lab_alias router.out router 203.0.113.2 2001:db8::2
	lab_alias router.dmz router 10.0.2.1 fd00:2::1
	lab_route lan default via 10.0.0.1
	lab_route lan default via fd00::1
	lab_route wan default via 203.0.113.2
	lab_route wan default via 2001:db8::2
	lab_route dns default via 10.0.2.1
	lab_route dns default via fd00:2::1
	cat >"$LAB_DIR/paths.fwc" <<-'END'
		forwarding on
		zone lan { interface eth0 }
		zone wan { interface eth1 }
		zone dmz { interface eth2; network 10.0.2.0/24, fd00:2::/64 }
		host dns = 10.0.2.53, fd00:2::53

		untracked wan -> dns@dmz dns
		untracked wan -> self    tcp/22, udp/22, icmp/echo-request
		untracked self -> dmz    tcp/179, udp/179
		untracked lan -> dmz     udp/70

		reject wan -> dns@dmz tcp/53, udp/53 from port 999
		allow  wan -> dns@dmz dns log "dns"
		allow  wan -> self tcp/22, udp/22, icmp/echo-request
		allow  lan -> dmz udp/53, tcp/53
		allow  self -> any

		expect some allow wan -> dns@dmz dns
		expect drop  wan -> dns@dmz http
		expect drop  lan -> dmz udp/70
	END
	lab_apply router "$LAB_DIR/paths.fwc"
}

teardown_file() {
	lab_end
}

connections() {
	lab_in router sysctl -n net.netfilter.nf_conntrack_count
}

@test "untracked: what a rule allows passes, both ways, and leaves no connection behind" {
	before=$(connections)
	lab_flows <<-'END'
		wan -> dns udp/53 : passes as wan
		wan -> dns tcp/53 : passes as wan
		wan -> router.out tcp/22 : passes
		wan -> router.out udp/22 : passes
		wan -> router.out ping   : passes
		router.dmz -> dns tcp/179 : passes
		router.dmz -> dns udp/179 : passes
	END
	[ "$(connections)" = "$before" ]
	# and others are tracked as ever
	lab_flows <<-'END'
		lan -> dns udp/53 : passes as lan
		lan -> dns tcp/53 : passes as lan
	END
	[ "$(connections)" -gt "$before" ]
}

@test "untracked: in mid-stream each packet is judged by itself" {
	lab_flows <<-'END'
		wan -> dns tcp/53 flags ack          : refused
		wan -> dns tcp/53 flags fin,ack      : arrives
		wan -> dns tcp/80 flags ack          : dropped
		wan -> router.out tcp/22 flags ack   : reset
		wan -> router.out tcp/23 flags ack   : dropped
		lan -> dns tcp/53 flags ack          : dropped
		router.dmz -> dns tcp/179 flags ack  : refused
		# by themselves they open nothing
		lan -> dns udp/70                    : dropped
	END
}

@test "untracked: packets the other way pass, whatever came before" {
	lab_flows <<-'END'
		dns -> wan tcp/4000 sport 53 flags ack      : refused
		dns -> wan tcp/4000 sport 53 flags syn,ack  : arrives
		dns -> wan udp/4000 sport 53                : passes
		dns -> router.dmz tcp/4000 sport 179 flags ack : reset
		# but what answers that is judged again
		dns -> lan udp/4000 sport 70                : arrives
		# no others
		dns -> wan udp/4000 sport 54                : dropped
		dns -> wan tcp/53 flags ack                 : dropped
		dns -> lan tcp/4000 sport 53 flags ack      : dropped
		dns -> router.dmz tcp/4000 sport 178 flags ack : dropped
	END
}

@test "untracked: ICMP errors reach both sides" {
	lab_flows <<-'END'
		wan -> dns udp/53 ttl 1     : time-exceeded by router.out
		wan -> dns udp/53 closed    : port-unreachable by dns
		wan -> dns udp/53 size 1380 : too-big by router.out
		wan -> dns udp/53 sport 999 : prohibited by router.out
		wan -> dns tcp/53 sport 999 : dropped
		wan -> router.out udp/22 closed : port-unreachable by router.out
		router -> dns udp/179 closed : port-unreachable by dns
		# and those of connections that are tracked
		lan -> dns udp/53 closed    : port-unreachable by dns
		lan -> dns udp/53 size 1380 : too-big by router
	END
}
