#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Translation beyond the home router's: snat, ranges, balancing, redirect, the machine's own packets.

load ../lab/lab

setup_file() {
	lab_begin
	lab_firewall router
	lab_switch lan
	lab_host one two server
	lab_cable router:eth0 lan
	lab_cable one:eth0 lan
	lab_cable two:eth0 lan
	lab_cable router:eth1 server:eth0
	lab_addr router eth0 10.0.0.1/24 fd00::1/64
	lab_addr router eth1 203.0.113.2/24 2001:db8::2/64
	lab_addr one eth0 10.0.0.11/24 fd00::11/64
	lab_addr two eth0 10.0.0.12/24 fd00::12/64
	lab_addr server eth0 203.0.113.1/24 2001:db8::1/64
	lab_alias router.out router 203.0.113.2 2001:db8::2
	lab_alias router.77 router 203.0.113.77 2001:db8:7::77
	lab_alias router.78 router 203.0.113.78 2001:db8:7::78
	lab_alias router.79 router 203.0.113.79 2001:db8:7::79
	lab_addr server eth0 203.0.113.9/24 2001:db8::9/64
	lab_alias vip server 203.0.113.80 2001:db8:8::80
	lab_alias second server 203.0.113.9 2001:db8::9
	for host in one two; do
		lab_route $host default via 10.0.0.1
		lab_route $host default via fd00::1
	done
	lab_route router 203.0.113.80 via 203.0.113.1
	lab_route router 2001:db8:8::80 via 2001:db8::1
	lab_route server 2001:db8:7::/64 via 2001:db8::2
	lab_route server 10.0.0.0/24 via 203.0.113.2
	lab_route server fd00::/64 via 2001:db8::2
	cat >"$LAB_DIR/nat.fwc" <<-'END'
		forwarding on
		zone lan { interface eth0
		           network 10.0.0.0/24, fd00::/64 }
		zone wan { interface eth1 }
		host one = 10.0.0.11, fd00::11
		host two = 10.0.0.12, fd00::12

		allow lan  -> wan
		allow lan  -> self tcp/3128, udp/5353
		allow self -> any
		allow wan  -> one@lan, two@lan tcp/80, tcp/8000-8009

		# the first that matches wins, for dnat and redirect
		redirect lan -> any tcp/80 to :3128
		redirect lan -> 203.0.113.1, 2001:db8::1 udp/53 to :5353
		dnat wan -> self tcp/8000 to one:80
		dnat wan -> self tcp/8001-8009 to two
		dnat wan -> self tcp/8005 to one:80
		dnat wan -> 203.0.113.77, 2001:db8:7::77 tcp/80 to one, two
		dnat self -> 203.0.113.1, 2001:db8::1 tcp/81 to one:80

		# and for snat and masquerade
		snat one@lan -> wan tcp/90 to 203.0.113.77, 2001:db8:7::77
		snat lan -> wan tcp/90-91 to 203.0.113.78-203.0.113.79
		snat lan -> 2001:db8::1@wan tcp/90-91 to 2001:db8:7::78-2001:db8:7::79
		masquerade lan -> 203.0.113.1@wan
	END
	lab_apply router "$LAB_DIR/nat.fwc"
}

teardown_file() {
	lab_end
}

@test "nat: snat to an address, to a range, and masquerade: the first that matches" {
	lab_flows <<-'END'
		one -> server tcp/90    : passes as router.77
		two -> server tcp/90    : passes as router.78,router.79
		one -> server tcp/91    : passes as router.78,router.79
		v4 one -> server tcp/92 : passes as router.out
		v6 one -> server tcp/92 : passes
		v4 one -> second tcp/92 : passes
		v4 two -> server ping   : passes as router.out
	END
}

@test "nat: redirect to this machine" {
	lab_flows <<-'END'
		one -> server tcp/80  : passes at router:3128
		two -> second tcp/80  : passes at router:3128
		one -> router tcp/80  : passes at router:3128
		one -> server udp/53  : passes at router:5353
		v4 one -> second udp/53 : passes
		one -> router tcp/81  : dropped
	END
}

@test "nat: dnat with a port and with the port kept: the first that matches" {
	lab_flows <<-'END'
		server -> router.out tcp/8000 : passes at one:80
		server -> router.out tcp/8001 : passes at two:8001
		server -> router.out tcp/8005 : passes at two:8005
		server -> router.out tcp/8009 : passes at two:8009
		server -> router.78  tcp/8000 : passes at one:80
		server -> router.out tcp/80   : dropped
		server -> router.out tcp/8010 : dropped
	END
}

@test "nat: dnat to two hosts takes turns" {
	lab_flows --tell <<-'END' | tee "$LAB_DIR/turns"
		v4 server -> router.77 tcp/80 : passes at one,two:80
		v4 server -> router.77 tcp/80 : passes at one,two:80
		v4 server -> router.77 tcp/80 : passes at one,two:80
		v4 server -> router.77 tcp/80 : passes at one,two:80
		v6 server -> router.77 tcp/80 : passes at one,two:80
		v6 server -> router.77 tcp/80 : passes at one,two:80
		v6 server -> router.77 tcp/80 : passes at one,two:80
		v6 server -> router.77 tcp/80 : passes at one,two:80
	END
	[ "${PIPESTATUS[0]}" = 0 ]
	[ "$(grep -c 'at one:80' "$LAB_DIR/turns")" = 4 ]
	[ "$(grep -c 'at two:80' "$LAB_DIR/turns")" = 4 ]
}

@test "nat: packets of the machine itself" {
	lab_flows <<-'END'
		router     -> server tcp/81 : passes at one:80
		router.out -> server tcp/82 : passes
		router.out -> server tcp/80 : passes
		router     -> one    tcp/80 : passes
	END
}

@test "nat: a forward with its rule, and for clients of named zones" {
	cat >"$LAB_DIR/forward.fwc" <<-'END'
		forwarding on
		zone lan { interface eth0
		           network 10.0.0.0/24, fd00::/64 }
		zone wan { interface eth1 }
		host one = 10.0.0.11, fd00::11
		host two = 10.0.0.12, fd00::12

		drop wan -> lan tcp/8003
		dnat wan -> self tcp/8000 to one:80 allow log "one"
		dnat wan -> self tcp/8001 to two hairpin allow
		dnat wan -> self tcp/8002 to two hairpin lan
		dnat wan -> self tcp/8003 to one, two allow
		dnat self -> 203.0.113.1, 2001:db8::1 tcp/81 to one:80 allow
	END
	lab_apply router "$LAB_DIR/forward.fwc"
	lab_flows <<-'END'
		server -> router.out tcp/8000 : passes at one:80
		server -> router.out tcp/8001 : passes at two:8001
		# what the rule opens, it opens to those that call the target itself
		server -> one tcp/80          : passes
		server -> one tcp/8000        : dropped
		server -> two tcp/80          : dropped
		# a rule above decides first
		server -> router.out tcp/8003 : dropped
		server -> router.out tcp/8002 : dropped
		one -> router.out tcp/8001    : passes at two:8001 as router
		two -> router.out tcp/8001    : passes at two:8001 as router
		one -> router.out tcp/8000    : dropped
		router -> server tcp/81       : passes at one:80
	END
}

@test "nat: hairpin of named zones does not need their networks" {
	cat >"$LAB_DIR/named.fwc" <<-'END'
		forwarding on
		zone lan { interface eth0 }
		zone wan { interface eth1 }
		allow any -> lan tcp/80
		dnat wan -> self tcp/8000 to 10.0.0.11:80 hairpin lan
	END
	lab_apply router "$LAB_DIR/named.fwc"
	lab_flows <<-'END'
		v4 server -> router.out tcp/8000 : passes at one:80 as server
		v4 two -> router.out tcp/8000    : passes at one:80 as router
		v4 two -> router tcp/8000        : dropped
	END
}

@test "nat: no-nat keeps both ends of a connection as they are" {
	cat >"$LAB_DIR/kept.fwc" <<-'END'
		forwarding on
		zone lan { interface eth0 }
		zone wan { interface eth1 }
		allow lan -> wan, self
		allow wan -> lan, self tcp/80
		no-nat one -> wan tcp/90
		no-nat lan -> 203.0.113.1, 2001:db8::1 tcp/91
		no-nat wan -> self tcp/80
		dnat wan -> self tcp/80-81 to one:80
		redirect lan -> any tcp/90-91 to :3128
		masquerade lan -> wan
		snat lan -> wan to 2001:db8:7::77
		host one = 10.0.0.11, fd00::11
	END
	lab_apply router "$LAB_DIR/kept.fwc"
	lab_flows <<-'END'
		# FROM and TO as it leaves
		one -> vip tcp/92         : passes as router.out,router.77
		one -> server ping        : passes as router.out,router.77
		# an address is known before routing, too
		one -> server tcp/91      : passes at server:91 as one
		two -> server tcp/91      : passes at server:91 as two
		one -> server tcp/90      : passes at router:3128
		two -> second tcp/91      : passes at router:3128
		server -> router.out tcp/81 : passes at one:80
		server -> router.out tcp/80 : passes at router.out:80
	END
	sed -i '/redirect/d' "$LAB_DIR/kept.fwc"
	lab_apply router "$LAB_DIR/kept.fwc"
	lab_flows <<-'END'
		one -> server tcp/90      : passes as one
		two -> server tcp/90      : passes as router.out,router.77
	END
}

@test "nat: shifted ranges, weights and targets by source" {
	cat >"$LAB_DIR/choice.fwc" <<-'END'
		forwarding on
		zone lan { interface eth0; network 10.0.0.0/24, fd00::/64 }
		zone wan { interface eth1 }
		host one = 10.0.0.11, fd00::11
		host two = 10.0.0.12, fd00::12
		dnat wan -> self tcp/8000-8009, udp/8000-8009 to one:9000-9009 hairpin allow
		dnat wan -> self tcp/8010-8019 to two:8009-8018 allow
		dnat wan -> self tcp/80 to one weight 3, two allow
		dnat wan -> self tcp/81 to one, two weight 2 by source allow
	END
	lab_apply router "$LAB_DIR/choice.fwc"
	lab_flows <<-'END'
		server -> router.out tcp/8000 : passes at one:9000
		server -> router.out tcp/8009 : passes at one:9009
		server -> router.out udp/8004 : passes at one:9004
		server -> router.out tcp/8010 : passes at two:8009
		server -> router.out tcp/8019 : passes at two:8018
		server -> router.out udp/8010 : dropped
		server -> router.out tcp/9001 : dropped
		two -> router.out tcp/8003    : passes at one:9003 as router
		# the rule is about the ports behind the translation
		server -> one tcp/9001        : passes
		server -> one tcp/8001        : dropped
	END
	lab_flows --tell <<-'END' | tee "$LAB_DIR/weights"
		v4 server -> router.out tcp/80 : passes at one,two:80
		v4 server -> router.out tcp/80 : passes at one,two:80
		v4 server -> router.out tcp/80 : passes at one,two:80
		v4 server -> router.out tcp/80 : passes at one,two:80
		v6 server -> router.out tcp/80 : passes at one,two:80
		v6 server -> router.out tcp/80 : passes at one,two:80
		v6 server -> router.out tcp/80 : passes at one,two:80
		v6 server -> router.out tcp/80 : passes at one,two:80
	END
	[ "${PIPESTATUS[0]}" = 0 ]
	[ "$(grep -c 'at one:80' "$LAB_DIR/weights")" = 6 ]
	[ "$(grep -c 'at two:80' "$LAB_DIR/weights")" = 2 ]
	printf '%s -> router.out tcp/81 : passes at one,two:81\n' server vip second server vip \
		second server vip second server vip second >"$LAB_DIR/sticky.table"
	lab_flows --tell <"$LAB_DIR/sticky.table" | tee "$LAB_DIR/sticky"
	[ "${PIPESTATUS[0]}" = 0 ]
	# each of three clients, in either family, has one target, four times
	grep -o ' at [a-z]*:81 .* from .*' "$LAB_DIR/sticky" | sort | uniq -c |
		tee "$LAB_DIR/targets"
	[ "$(wc -l <"$LAB_DIR/targets")" = 6 ]
	[ "$(awk '$1 == 4' "$LAB_DIR/targets" | wc -l)" = 6 ]
}

@test "nat: pools of addresses and of ports" {
	cat >"$LAB_DIR/pools.fwc" <<-'END'
		forwarding on
		zone lan { interface eth0 }
		zone wan { interface eth1 }
		allow lan -> wan
		snat lan -> wan tcp/90 to 203.0.113.77-203.0.113.79, 2001:db8:7::77-2001:db8:7::79 persistent
		snat lan -> wan tcp/91 to 203.0.113.77 ports 5000-5099 random
		snat lan -> wan tcp/91 to 2001:db8:7::77-2001:db8:7::78 ports 5000-5099
		masquerade lan -> wan ports 6000-6099 random
	END
	lab_apply router "$LAB_DIR/pools.fwc"
	lab_in server nft -f - <<-'END'
		table inet ports {
			chain in {
				type filter hook input priority 0
				ip saddr 203.0.113.77 tcp dport 91 tcp sport != 5000-5099 drop
				ip6 saddr 2001:db8:7::/64 tcp dport 91 tcp sport != 5000-5099 drop
				ip saddr 203.0.113.2 meta l4proto { tcp, udp } th sport != 6000-6099 drop
			}
		}
	END
	lab_flows <<-'END'
		one -> server tcp/91    : passes as router.77,router.78
		two -> server tcp/91    : passes as router.77,router.78
		v4 one -> second tcp/92 : passes as router.out
		v4 two -> server udp/92 : passes as router.out
		v4 one -> server ping   : passes as router.out
	END
	lab_in server nft delete table inet ports
	# a client keeps its address towards three servers, one of either family
	for client in one two; do
		for host in server vip second; do
			printf '%s -> %s tcp/90 : passes as router.77,router.78,router.79\n' \
				$client $host
		done >"$LAB_DIR/pools.table"
		lab_flows --tell <"$LAB_DIR/pools.table" | tee "$LAB_DIR/pools"
		[ "${PIPESTATUS[0]}" = 0 ]
		grep -o ' from .*(router.7[789])' "$LAB_DIR/pools" | sort | uniq -c |
			tee "$LAB_DIR/addresses"
		[ "$(wc -l <"$LAB_DIR/addresses")" = 2 ]
		[ "$(awk '$1 == 3' "$LAB_DIR/addresses" | wc -l)" = 2 ]
	done
}

@test "nat: translation opens nothing by itself" {
	cat >"$LAB_DIR/closed.fwc" <<-'END'
		forwarding on
		zone lan { interface eth0 }
		zone wan { interface eth1 }
		allow wan -> 10.0.0.12@lan, fd00::12@lan tcp/80
		dnat wan -> self tcp/80 to 10.0.0.12
		dnat wan -> self tcp/80 to fd00::12
		dnat wan -> self tcp/81 to 10.0.0.11:80
		masquerade lan -> wan
	END
	lab_apply router "$LAB_DIR/closed.fwc"
	lab_flows <<-'END'
		server -> router.out tcp/80 : passes at two:80
		server -> router.out tcp/81 : dropped
		server -> one tcp/80        : dropped
		one -> server tcp/80        : dropped
	END
}

# What one network is called by another is its address there, and back again; ports are kept.
@test "nat: a network mapped to another, both ways" {
	echo "one.seen $LAB-one 10.8.1.11 fd00:8::11 host" >>"$LAB_DIR/hosts"
	echo "two.seen $LAB-two 10.8.1.12 fd00:8::12 host" >>"$LAB_DIR/hosts"
	lab_route server 10.8.1.0/24 via 203.0.113.2
	lab_route server fd00:8::/64 via 2001:db8::2
	cat >"$LAB_DIR/map.fwc" <<-'END'
		forwarding on
		zone lan { interface eth0; network 10.0.0.0/24, fd00::/64 }
		zone wan { interface eth1 }
		host one = 10.0.0.11, fd00::11
		allow lan -> wan
		allow wan -> one@lan tcp/80, icmp/echo-request
		no-nat lan -> wan tcp/99
		no-nat wan -> 10.8.1.11, fd00:8::11 tcp/81
		netmap 10.0.0.0/24@lan, fd00::/64@lan -> wan to 10.8.1.0/24, fd00:8::/64
		masquerade lan -> wan

		expect allow wan -> 10.8.1.11, fd00:8::11 tcp/80
		expect drop  wan -> 10.8.1.12 tcp/80
		expect drop  wan -> fd00:8::11 tcp/443
	END
	lab_apply router "$LAB_DIR/map.fwc"
	lab_flows <<-'END'
		one -> server tcp/90        : passes as one.seen
		two -> server udp/90        : passes as two.seen
		one -> server ping          : passes as one.seen
		one -> server tcp/99        : passes as one
		server -> one.seen tcp/80   : passes at one:80 as server
		server -> one.seen ping     : passes at one as server
		# the filter sees who is called in truth, and netmap opens nothing
		server -> two.seen tcp/80   : dropped
		server -> one.seen tcp/443  : dropped
		server -> one tcp/80        : passes as server
	END
}
