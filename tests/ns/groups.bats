#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What goes to many at once: multicast and broadcast.

load ../lab/lab

setup_file() {
	lab_begin
	lab_firewall box
	lab_host near far
	lab_cable box:lan near:eth0
	lab_cable box:wan far:eth0
	lab_addr box lan 10.0.1.1/24 fd00:1::1/64
	lab_addr box wan 10.0.2.1/24 fd00:2::1/64
	lab_addr near eth0 10.0.1.2/24 fd00:1::2/64
	lab_addr far eth0 10.0.2.2/24 fd00:2::2/64
	for n in near:10.0.1.255 far:10.0.2.255 box:10.0.1.255; do
		lab_in "${n%%:*}" ip route add 224.0.0.0/4 dev "$([ "${n%%:*}" = box ] && echo lan || echo eth0)"
	done
}

teardown_file() {
	lab_end
}

groups() {
	"$LAB_HERE/groups" "$LAB"
}

@test "multicast and broadcast, in and out" {
	cat >"$LAB_DIR/groups.fwc" <<-'END'
		zone lan { interface lan }
		zone wan { interface wan }
		allow lan, wan, self -> any udp/999
		allow lan  -> multicast@self udp/1001
		allow lan  -> broadcast@self udp/1002
		allow lan  -> broadcast, multicast udp/1003
		drop  self -> multicast@wan
		allow self -> multicast
		allow self -> broadcast@lan udp/1004
		allow lan  -> !multicast@self udp/1005
	END
	lab_apply box "$LAB_DIR/groups.fwc"
	groups <<-'END'
		near:eth0 -> 224.0.0.200 1001      box:lan : heard
		near:eth0 -> ff02::200 1001        box:lan : heard
		near:eth0 -> 239.255.1.1 1001      box:lan : heard
		far:eth0 -> 224.0.0.200 1001       box:wan : lost
		near:eth0 -> 10.0.1.1 1001         box:lan : lost
		near:eth0 -> 255.255.255.255 1001  box:lan : lost
		near:eth0 -> 10.0.1.255 1002       box:lan : heard
		near:eth0 -> 255.255.255.255 1002  box:lan : heard
		near:eth0 -> 10.0.1.1 1002         box:lan : lost
		near:eth0 -> 224.0.0.200 1002      box:lan : lost
		near:eth0 -> ff02::200 1002        box:lan : lost
		near:eth0 -> 10.0.1.255 1003       box:lan : heard
		near:eth0 -> 224.0.0.200 1003      box:lan : heard
		near:eth0 -> ff02::200 1003        box:lan : heard
		near:eth0 -> fd00:1::1 1003        box:lan : lost
		box:lan -> 224.0.0.200 1004        near:eth0 : heard
		box:lan -> ff02::200 1004          near:eth0 : heard
		box:wan -> 224.0.0.200 1004        far:eth0 : lost
		box:wan -> ff02::200 1004          far:eth0 : lost
		box:lan -> 10.0.1.2 1005           near:eth0 : lost
		box:lan -> 10.0.1.255 1004         near:eth0 : heard
		box:lan -> 255.255.255.255 1004    near:eth0 : heard
		box:wan -> 10.0.2.255 1004         far:eth0 : lost
		near:eth0 -> 10.0.1.1 1005         box:lan : heard
		near:eth0 -> fd00:1::1 1005        box:lan : heard
		near:eth0 -> 224.0.0.200 1005      box:lan : lost
		near:eth0 -> ff02::200 1005        box:lan : lost
	END
}

@test "hosts of a policy that are called so" {
	cat >"$LAB_DIR/named.fwc" <<-'END'
		zone lan { interface lan }
		host multicast = 10.0.1.1
		set  broadcast = fd00:1::/64
		allow lan -> any udp/999
		allow lan -> multicast udp/1001
		allow broadcast@lan -> self udp/1002
	END
	lab_apply box "$LAB_DIR/named.fwc"
	groups <<-'END'
		near:eth0 -> 10.0.1.1 1001         box:lan : heard
		near:eth0 -> 224.0.0.200 1001      box:lan : lost
		near:eth0 -> fd00:1::1 1002        box:lan : heard
		near:eth0 -> 10.0.1.255 1002       box:lan : lost
	END
}
