#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Two uplinks, told apart by marks and `ip rule`: which one a packet left by is seen in the source
# that it is given there.

load ../lab/lab

setup_file() {
	local family

	lab_begin
	lab_firewall router
	lab_host one server
	lab_cable router:eth0 one:eth0
	lab_cable router:eth1 server:eth1
	lab_cable router:eth2 server:eth2
	lab_addr router eth0 10.0.0.1/24 fd00::1/64
	lab_addr one eth0 10.0.0.11/24 fd00::11/64
	lab_addr router eth1 203.0.113.2/24 2001:db8:1::2/64
	lab_addr router eth2 198.51.100.2/24 2001:db8:2::2/64
	lab_addr server eth1 203.0.113.1/24 2001:db8:1::1/64
	lab_addr server eth2 198.51.100.1/24 2001:db8:2::1/64
	lab_alias server.lo server 192.0.2.1 2001:db8:9::1
	lab_alias router.out1 router 203.0.113.2 2001:db8:1::2
	lab_alias router.out2 router 198.51.100.2 2001:db8:2::2
	lab_route one default via 10.0.0.1
	lab_route one default via fd00::1
	lab_route router default via 203.0.113.1
	lab_route router default via 2001:db8:1::1
	lab_route router default via 198.51.100.1 table 2
	lab_route router default via 2001:db8:2::1 table 2
	for family in -4 -6; do
		# packets of marked connections go both ways: what is near is found first
		ip $family -n "$LAB-router" rule add priority 100 lookup main suppress_prefixlength 0
		ip $family -n "$LAB-router" rule add priority 101 fwmark 0x200/0xff00 table 2
		ip $family -n "$LAB-router" rule add priority 102 fwmark 2/0xff table 2
	done
	# a provider takes no address of the other's
	ip netns exec "$LAB-server" nft -f - <<-'END'
		table inet provider {
			chain c {
				type filter hook prerouting priority -300
				iifname "eth1" ip saddr 198.51.100.2 drop
				iifname "eth1" ip6 saddr 2001:db8:2::2 drop
			}
		}
	END
	cat >"$LAB_DIR/p.fwc" <<-'END'
		forwarding on
		zone lan  { interface eth0; network 10.0.0.0/24, fd00::/64 }
		zone wan  { interface eth1 }
		zone wan2 { interface eth2 }
		host one = 10.0.0.11, fd00::11

		mark lan -> any tcp/22, tcp/24 as 0x200/0xff00
		mark lan -> any tcp+udp/55 ipv6 as 0x200/0xff00
		mark lan -> any tcp as 0x300/0xff00      # not ssh: that has these bits already
		mark lan -> 192.0.2.1 udp/53, icmp as 0x200/0xff00
		mark self -> any tcp/25 as 0x200/0xff00
		mark lan -> any udp/54 from port 4000-4999 as 0x200/0xff00
		mark self -> any udp/56 from port 4000 ipv4 as 0x200/0xff00
		mark wan2 -> any as 2/0xff
		mark wan2 -> self tcp/8081 as 0x40/0xf0  # too late: wan2 -> any has some of its bits

		allow lan -> wan, wan2
		allow self -> any
		allow wan, wan2 -> self tcp/8080-8081, icmp
		allow wan2 -> one@lan tcp/80

		dnat wan2 -> self tcp/8000 to one:80
		masquerade lan -> wan, wan2
		masquerade self -> wan2
		snat 2001:db8::/32, fd00::/64 -> wan to 2001:db8:1::2
		snat 2001:db8::/32, fd00::/64 -> wan2 to 2001:db8:2::2

		expect allow lan -> wan2 tcp/22
	END
	lab_apply router "$LAB_DIR/p.fwc"
}

teardown_file() {
	lab_end
}

@test "marks: what opens goes where its mark says, by services, addresses and families" {
	lab_flows <<-'END'
		one -> server.lo tcp/22 : passes as router.out2
		one -> server.lo tcp/80 : passes as router.out1
		v4 one -> server.lo udp/53 : passes as router.out2
		v6 one -> server.lo udp/53 : passes as router.out1
		v4 one -> server.lo ping : passes as router.out2
	END
}

@test "marks: by the source port, and by a family that is named" {
	lab_flows <<-'END'
		one -> server.lo udp/54 sport 4999 : passes as router.out2
		one -> server.lo udp/54 sport 5000 : passes as router.out1
		v4 one -> server.lo udp/55 : passes as router.out1
		v6 one -> server.lo udp/55 : passes as router.out2
		v6 one -> server.lo tcp/55 : passes as router.out2
		v4 router -> server.lo udp/56 sport 4000 : passes as router.out2
		v4 router.out1 -> server.lo udp/56 sport 4001 : passes
		v6 router.out1 -> server.lo udp/56 sport 4000 : passes
	END
}

@test "marks: what this machine sends is routed again" {
	lab_flows <<-'END'
		router -> server.lo tcp/25 : passes as router.out2
		router.out1 -> server.lo tcp/26 : passes
	END
}

@test "marks: answers leave by the uplink that the call came in by, from here and from behind" {
	lab_flows <<-'END'
		server.lo -> router.out2 tcp/8080 : passes
		server.lo -> router.out2 ping     : passes
		server.lo -> router.out2 tcp/8000 : passes at one:80
		server.lo -> router.out1 tcp/8080 : passes
	END
}

# How often packets and connections had marks as the table has it, in the order of its rules.
marked() {
	ip netns exec "$LAB-router" nft list chain inet see c | sed -n 's/.*packets \([0-9]*\).*/\1/p' | tr '\n' ' '
}

@test "marks: other bits are let alone, those of later packets and of the connection too" {
	ip netns exec "$LAB-router" nft -f - <<-'END'
		table inet see {
			chain before {
				type filter hook prerouting priority -160
				iifname "eth0" meta mark set 0x10000
				iifname "eth0" ct state new ct mark set 0x20000
			}
			chain c {
				type filter hook postrouting priority 200
				tcp dport 22 meta mark 0x10200 ct mark 0x20200 counter
				tcp dport 22 meta mark != 0x10200 counter
				tcp dport 81 meta mark 0x10300 ct mark 0x20300 counter
				tcp sport 8080 meta mark 2 ct mark 2 counter
				tcp sport 8081 meta mark 2 ct mark 2 counter
				udp dport 9 meta mark 0x10000 ct mark 0x20000 counter
			}
		}
	END
	lab_flows <<-'END'
		v4 one -> server.lo tcp/22 : passes as router.out2
		v4 one -> server.lo tcp/81 : passes as router.out1
		v4 one -> server.lo udp/9  : passes as router.out1
		v4 server.lo -> router.out2 tcp/8080 : passes
		v4 server.lo -> router.out2 tcp/8081 : passes
	END
	run marked
	echo "$output"
	[[ $output =~ ^[1-9][0-9]*\ 0\ [1-9][0-9]*\ [1-9][0-9]*\ [1-9][0-9]*\ [1-9] ]]
	ip netns exec "$LAB-router" nft delete table inet see
}

@test "marks: explain names the line, diff the packets, and running connections keep what they have" {
	run lab_fwc router explain 'lan -> wan2 tcp/22' "$LAB_DIR/p.fwc"
	echo "$output"
	[[ $output == *"prerouting   marked 0x200/0xff00"*"mark lan -> any tcp/22, tcp/24 as 0x200/0xff00"* ]]
	run lab_fwc router explain 'self -> wan2 tcp/25' "$LAB_DIR/p.fwc"
	[[ $output == *"output mark  marked 0x200/0xff00"* ]]
	lab_talk one server 192.0.2.1 24
	sed 's,tcp/22\, tcp/24 as,tcp/23 as,' "$LAB_DIR/p.fwc" >"$LAB_DIR/other.fwc"
	run lab_fwc router diff "$LAB_DIR/p.fwc" "$LAB_DIR/other.fwc"
	echo "$output"
	[ "$status" = 1 ]
	[[ $output == *"port 22"*"meta mark & 0x0000ff00 := 0x00000200"*"meta mark & 0x0000ff00 := 0x00000300"* ]]
	lab_apply router "$LAB_DIR/other.fwc"
	lab_goes_on 24
	lab_flows <<-'END'
		v4 one -> server.lo tcp/22 sport 40022 : passes as router.out1
		v4 one -> server.lo tcp/23 : passes as router.out2
	END
	lab_goes_on 24
	# a policy without marks leaves no chain of theirs behind
	sed '/^mark/d' "$LAB_DIR/p.fwc" >"$LAB_DIR/none.fwc"
	lab_apply router "$LAB_DIR/none.fwc"
	run ip netns exec "$LAB-router" nft list table inet fwc
	[[ $output != *"mark set"* ]]
	lab_flows <<-'END'
		v4 one -> server.lo tcp/23 sport 40023 : passes as router.out1
	END
	lab_apply router "$LAB_DIR/p.fwc"
}
