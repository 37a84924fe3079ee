#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Stations of a link by their MAC addresses.

load ../lab/lab

setup_file() {
	lab_begin
	lab_firewall router
	lab_switch air
	lab_host tablet phone other server
	lab_cable router:lan air
	lab_cable air tablet:eth0
	lab_cable air phone:eth0
	lab_cable air other:eth0
	lab_cable router:wan server:eth0
	lab_in tablet ip link set eth0 address 02:00:00:00:00:0a
	lab_in phone ip link set eth0 address 02:00:00:00:00:0b
	lab_in other ip link set eth0 address 02:00:00:00:00:0c
	lab_addr router lan 10.0.1.1/24 fd00:1::1/64
	lab_addr router wan 10.0.2.1/24 fd00:2::1/64
	lab_addr tablet eth0 10.0.1.10/24 fd00:1::a/64
	lab_addr phone eth0 10.0.1.11/24 fd00:1::b/64
	lab_addr other eth0 10.0.1.12/24 fd00:1::c/64
	lab_addr server eth0 10.0.2.2/24 fd00:2::2/64
	for n in tablet phone other; do
		lab_route "$n" default via 10.0.1.1
		lab_route "$n" default via fd00:1::1
	done
	lab_route server default via 10.0.2.1
	lab_route server default via fd00:2::1
	lab_alias router.lan router 10.0.1.1 fd00:1::1
	lab_alias router.wan router 10.0.2.1 fd00:2::1
}

teardown_file() {
	lab_end
}

@test "by MAC address, by IP address, and in maps of both" {
	cat >"$LAB_DIR/stations.fwc" <<-'END'
		forwarding on
		zone lan { interface lan }
		zone wan { interface wan }
		host tablet = 02:00:00:00:00:0A
		host phone  = 02:00:00:00:00:ff, 10.0.1.11
		host kids   = tablet, phone

		early drop 02:00:00:00:00:aa, 02:00:00:00:00:0c@wan
		drop  tablet@lan -> wan  tcp/1001
		allow tablet@lan -> wan  tcp/1001-1003
		allow phone@lan  -> wan  tcp/1002
		allow kids@lan   -> self tcp/1004
		allow tablet     -> wan  ipv6 log
		mark  tablet@lan -> any  tcp/1005 as 7
		allow lan        -> wan  mark 7
		masquerade tablet@lan -> wan tcp/1003
		dnat  tablet@lan -> self tcp/1006 to 10.0.2.2
		allow tablet@lan -> 10.0.2.2@wan tcp/1006
	END
	lab_apply router "$LAB_DIR/stations.fwc"
	lab_flows <<-'END'
		tablet -> server      tcp/1001 : dropped
		tablet -> server      tcp/1002 : passes
		v4 phone -> server    tcp/1002 : passes
		v6 phone -> server    tcp/1002 : dropped
		other  -> server      tcp/1002 : dropped
		tablet -> server      tcp/1003 : passes as router.wan
		tablet -> router.lan  tcp/1004 : passes
		v4 phone -> router.lan tcp/1004 : passes
		other  -> router.lan  tcp/1004 : dropped
		server -> tablet      tcp/1002 : dropped
		tablet -> server      tcp/1005 : passes
		other  -> server      tcp/1005 : dropped
		v4 tablet -> router.lan tcp/1006 : passes at server
		v4 other -> router.lan  tcp/1006 : dropped
		v4 tablet -> server   tcp/1007 : dropped
		v6 tablet -> server   tcp/1007 : passes
	END
	# the address goes to another station, and the station to another address
	lab_in phone ip addr del 10.0.1.11/24 dev eth0
	lab_in tablet ip addr del 10.0.1.10/24 dev eth0
	lab_in phone ip addr add 10.0.1.10/24 dev eth0
	lab_in tablet ip addr add 10.0.1.66/24 dev eth0
	lab_in phone ip route replace default via 10.0.1.1
	lab_in tablet ip route replace default via 10.0.1.1
	lab_in router ip neigh flush dev lan
	sed -i 's/ 10\.0\.1\.10 / 10.0.1.66 /; s/ 10\.0\.1\.11 / 10.0.1.10 /' "$LAB_DIR/hosts"
	lab_flows <<-'END'
		v4 tablet -> server tcp/1002 : passes
		v4 phone  -> server tcp/1002 : dropped
		v4 tablet -> server tcp/1001 : dropped
	END
}

@test "many stations are one look-up" {
	{
		cat <<-'END'
			forwarding on
			zone lan { interface lan }
			zone wan { interface wan }
		END
		for n in {1..9}; do
			echo "host h$n = 02:00:00:00:01:0$n"
			echo "allow h$n@lan -> wan tcp/200$n"
			echo "drop h$n@lan -> 10.0.2.$n@wan tcp/100$n"
		done
		echo "host tablet = 02:00:00:00:00:0a"
		echo "drop tablet@lan -> 10.0.2.2@wan tcp/3000"
		echo "drop tablet@lan -> wan ping"
		echo "allow tablet@lan -> wan tcp/3000-3001"
		echo "allow 10.0.1.12@lan -> wan tcp/3000"
	} >"$LAB_DIR/many.fwc"
	lab_apply router "$LAB_DIR/many.fwc"
	lab_in router nft list table inet fwc | grep 'ether saddr . meta l4proto . th dport vmap'
	lab_flows <<-'END'
		v4 tablet -> server tcp/3000 : dropped
		v6 tablet -> server tcp/3000 : passes
		tablet -> server tcp/3001 : passes
		v4 other -> server tcp/3000 : passes
		v6 other -> server tcp/3000 : dropped
		other -> server tcp/3001 : dropped
		tablet -> server ping : dropped
	END
}
