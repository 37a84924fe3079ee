#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Who is in which zone: exact names before wildcards, interfaces of no zone, negation, sets from
# files, any and zones, one limit for all that a rule says.

load ../lab/lab

setup_file() {
	lab_begin
	lab_firewall router
	lab_host alice bob carol dave
	lab_cable router:port1 alice:eth0
	lab_cable router:port2 bob:eth0
	lab_cable router:port-up carol:eth0
	lab_cable router:other dave:eth0
	lab_addr router port1 10.0.1.1/24 fd00:1::1/64
	lab_addr router port2 10.0.2.1/24 fd00:2::1/64
	lab_addr router port-up 10.0.3.1/24 fd00:3::1/64
	lab_addr router other 10.0.4.1/24 fd00:4::1/64
	lab_addr alice eth0 10.0.1.2/24 fd00:1::2/64
	lab_addr bob eth0 10.0.2.2/24 fd00:2::2/64
	lab_addr carol eth0 10.0.3.2/24 fd00:3::2/64
	lab_addr dave eth0 10.0.4.2/24 fd00:4::2/64
	lab_addr bob eth0 10.0.2.3/24 fd00:2::3/64
	lab_alias bob.bad bob 10.0.2.3 fd00:2::3
	lab_alias router.other router 10.0.4.1 fd00:4::1
	lab_alias router.up router 10.0.3.1 fd00:3::1
	lab_alias router.two router 10.0.2.1 fd00:2::1
	lab_alias router.lo router 127.0.0.1 ::1
	for n in "alice 1" "bob 2" "carol 3" "dave 4"; do
		read -r name net <<<"$n"
		lab_route "$name" default via "10.0.$net.1"
		lab_route "$name" default via "fd00:$net::1"
	done
	printf '# banned\n10.0.2.3\nfd00:2::3-fd00:2::4  # both\n\n' >"$LAB_DIR/banned.txt"
	cat >"$LAB_DIR/zones.fwc" <<-'END'
		forwarding on
		zone ports { interface port* }
		zone up    { interface port-up }
		host alice = 10.0.1.2, fd00:1::2
		set banned = file "banned.txt"
		set near   = 10.0.0.0/16, !10.0.2.0/24, fd00::/16, !fd00:2::/64, 10.0.2.2

		drop  banned -> any
		allow zones -> zones tcp/1000
		allow ports -> up, self tcp/1001, udp/1000-1009
		allow ports -> ports tcp/1002
		allow !alice@ports -> up tcp/1003
		allow any -> any tcp/1004
		allow alice -> any tcp/1005
		allow near@ports -> up tcp/1006
		allow up -> self ping limit 1/minute burst 4
		allow up -> self tcp/1007 log "seen"
		reject up -> ports
	END
	lab_apply router "$LAB_DIR/zones.fwc"
}

teardown_file() {
	lab_end
}

@test "zones: exact names before wildcards, and interfaces of no zone" {
	lab_flows <<-'END'
		alice -> carol     tcp/1001 : passes
		bob   -> carol     udp/1005 : passes
		alice -> router    tcp/1001 : passes
		carol -> router.up tcp/1001 : dropped
		alice -> bob       tcp/1002 : passes
		alice -> carol     tcp/1002 : dropped
		carol -> alice     tcp/1002 : reset
		carol -> alice     udp/1002 : prohibited
		dave  -> carol     tcp/1001 : dropped
		alice -> dave      tcp/1002 : dropped
		dave  -> router.other tcp/1001 : dropped
	END
}

@test "zones: any and zones" {
	lab_flows <<-'END'
		alice -> bob    tcp/1000 : passes
		carol -> bob    tcp/1000 : passes
		alice -> router tcp/1000 : dropped
		router -> alice tcp/1000 : dropped
		dave  -> alice  tcp/1000 : dropped
		alice -> dave   tcp/1000 : dropped
		dave  -> alice  tcp/1004 : passes
		alice -> dave   tcp/1004 : passes
		dave  -> router.other tcp/1004 : passes
		router -> alice tcp/1004 : passes
		router.lo -> router.lo tcp/7 : passes
	END
}

@test "zones: addresses, negation, sets" {
	lab_flows <<-'END'
		alice   -> carol  tcp/1003 : dropped
		bob     -> carol  tcp/1003 : passes
		alice   -> dave   tcp/1005 : passes
		alice   -> router tcp/1005 : passes
		bob     -> dave   tcp/1005 : dropped
		alice   -> carol  tcp/1006 : passes
		v4 bob  -> carol  tcp/1006 : dropped
		v6 bob  -> carol  tcp/1006 : dropped
		bob.bad -> carol  tcp/1003 : dropped
		bob.bad -> router tcp/1001 : dropped
		bob.bad -> carol  tcp/1004 : dropped
	END
}

@test "zones: one limit for both families, and a log that changes nothing" {
	lab_flows <<-'END'
		carol -> router.up tcp/1007 times 30 : passes
		v4 carol -> router.up ping times 9 : passes count 4
	END
	lab_flows <<-'END'
		v6 carol -> router.up ping times 9 : passes count 0
	END
}

@test "zones: a hundred of them are matched together, exact names before wildcards" {
	{
		cat <<-'END'
			forwarding on
			zone ports { interface port* }
			zone up    { interface port-up }
			zone rest  { interface w*, x*, y* }
		END
		for i in {1..100}; do
			echo "zone z$i { interface z$i }"
		done
		cat <<-'END'
			allow zones -> zones, self tcp/1000-1009
			early drop 10.0.2.3@ports, 10.0.2.3@rest, 10.0.2.3@z1
			masquerade zones but up -> zones tcp/1001
			masquerade zones -> ports tcp/1002
			untracked zones but up -> up udp/1003
			allow zones but up -> up udp/1003
		END
	} >"$LAB_DIR/hundred.fwc"
	lab_apply router "$LAB_DIR/hundred.fwc"
	[ "$(lab_in router nft list ruleset | grep -c masquerade)" -lt 50 ]
	lab_flows <<-'END'
		v4 alice   -> carol tcp/1001 : passes as router.up
		v4 alice   -> bob   tcp/1001 : passes as router.two
		v4 carol   -> alice tcp/1001 : passes
		v4 alice   -> carol tcp/1002 : passes
		v4 carol   -> alice tcp/1002 : passes as router
		v4 alice   -> dave  tcp/1002 : dropped
		v4 bob.bad -> carol tcp/1000 : dropped
		alice      -> carol udp/1003 : passes
		carol      -> alice udp/1003 : dropped
	END
}
