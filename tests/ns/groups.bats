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

@test "answers to questions by multicast" {
	cat >"$LAB_DIR/asks.fwc" <<-'END'
		zone lan { interface lan }
		zone wan { interface wan }
		service find = ssdp
		allow lan, wan, self -> any udp/999
		allow self -> lan find
		allow self -> multicast@lan mdns log
		allow self -> wan udp/1900
	END
	lab_apply box "$LAB_DIR/asks.fwc"
	groups <<-'END'
		near:eth0 -> 10.0.1.1 45000 from 1900       box:lan : lost
		box:lan -> 239.255.255.250 1900 from 45000  near:eth0 : heard
		near:eth0 -> 10.0.1.1 45000 from 1900       box:lan : heard
		near:eth0 -> 10.0.1.1 45000 from 40123      box:lan : heard
		near:eth0 -> 10.0.1.1 45001 from 1900       box:lan : lost
		near:eth0 -> fd00:1::1 45000 from 1900      box:lan : lost
		far:eth0 -> 10.0.1.1 45000 from 1900        box:wan : lost
		box:lan -> ff02::fb 5353 from 45002         near:eth0 : heard
		near:eth0 -> fd00:1::1 45001 from 5353      box:lan : lost
		box:lan -> 10.0.1.2 1900 from 45003         near:eth0 : heard
		near:eth0 -> 10.0.1.1 45003 from 40124      box:lan : lost
		box:wan -> 239.255.255.250 1900 from 45004  far:eth0 : heard
		far:eth0 -> 10.0.2.1 45004 from 1900        box:wan : lost
	END
	# whoever asked is forgotten
	lab_in box nft list sets inet | grep -A4 'set answers\..*\.v4' | grep 'timeout 10s'
	set=$(lab_in box nft list sets inet | grep -o 'answers\.[^ ]*\.v4')
	lab_in box nft list set inet fwc "$set" | grep '10.0.1.1 . 45000 expires'
	lab_in box nft flush set inet fwc "$set"
	groups <<<'near:eth0 -> 10.0.1.1 45000 from 1900 box:lan : lost'
	# the other rules keep those who asked
	groups <<<'box:lan -> 239.255.255.250 1900 from 45005 near:eth0 : heard'
	sed 's/999/999, 1234/' "$LAB_DIR/asks.fwc" >"$LAB_DIR/asks2.fwc"
	lab_apply box "$LAB_DIR/asks2.fwc"
	groups <<<'near:eth0 -> 10.0.1.1 45005 from 1900 box:lan : heard'
	lab_fwc box status >"$LAB_DIR/said"
	lab_fwc box set list
	lab_fwc box save >"$LAB_DIR/said"
}
