#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Places that are more than one zone, or part of one: groups, zones less others.

load ../lab/lab

setup_file() {
	lab_begin
	lab_firewall router
	lab_host alice bob carol dave
	lab_cable router:lan alice:eth0
	lab_cable router:dmz bob:eth0
	lab_cable router:wan carol:eth0
	lab_cable router:odd dave:eth0
	lab_addr router lan 10.0.1.1/24 fd00:1::1/64
	lab_addr router dmz 10.0.2.1/24 fd00:2::1/64
	lab_addr router wan 10.0.3.1/24 fd00:3::1/64
	lab_addr router odd 10.0.4.1/24 fd00:4::1/64
	for n in "alice 1" "bob 2" "carol 3" "dave 4"; do
		read -r name net <<<"$n"
		lab_addr "$name" eth0 "10.0.$net.2/24" "fd00:$net::2/64"
		lab_route "$name" default via "10.0.$net.1"
		lab_route "$name" default via "fd00:$net::1"
	done
	lab_alias router.lo router 127.0.0.1 ::1
	lab_alias router.wan router 10.0.3.1 fd00:3::1
	lab_alias router.odd router 10.0.4.1 fd00:4::1
}

teardown_file() {
	lab_end
}

# The policy on standard input, in the place of the one before.
policy() {
	cat >"$LAB_DIR/places.fwc"
	lab_apply router "$LAB_DIR/places.fwc"
}

@test "the interfaces that no other zone names" {
	policy <<-'END'
		forwarding on
		zone lan  { interface lan }
		zone wan  { interface wa* }
		zone rest { interface other }
		allow rest -> wan tcp/1001
		allow lan -> rest tcp/1002
		allow zones -> self tcp/1003
		allow any but rest -> self tcp/1004
		allow rest -> rest tcp/1005
		allow self -> rest tcp/1006
		masquerade rest -> wan
	END
	lab_flows <<-'END'
		dave  -> carol      tcp/1001 : passes as router.wan
		alice -> carol      tcp/1001 : dropped
		carol -> bob        tcp/1001 : dropped
		alice -> dave       tcp/1002 : passes
		alice -> carol      tcp/1002 : dropped
		dave  -> router.odd tcp/1003 : passes
		carol -> router.wan tcp/1003 : passes
		dave  -> router.odd tcp/1004 : dropped
		carol -> router.wan tcp/1004 : passes
		bob   -> dave       tcp/1005 : passes
		alice -> dave       tcp/1005 : dropped
		router -> dave      tcp/1006 : passes
		router -> carol     tcp/1006 : dropped
		router.lo -> router.lo tcp/7 : passes
	END
	# one that comes later
	lab_in router ip link set odd down
	lab_in router ip link set odd name late
	lab_in router ip link set late up
	lab_addr router late fd00:4::1/64
	lab_flows <<-'END'
		dave  -> carol      tcp/1001 : passes as router.wan
		alice -> dave       tcp/1002 : passes
		alice -> dave       tcp/1005 : dropped
	END
	lab_in router ip link set late down
	lab_in router ip link set late name odd
	lab_in router ip link set odd up
	lab_addr router odd fd00:4::1/64
}

@test "groups of zones, and zones less others" {
	policy <<-'END'
		forwarding on
		zone lan { interface lan }
		zone dmz { interface dmz }
		zone wan { interface wan }
		zones inner = lan, dmz
		allow inner -> zones but inner tcp/1001
		allow inner -> inner tcp/1002
		allow zones but wan -> self tcp/1003
		allow any but wan -> self tcp/1004
		allow any but self, wan -> any but self tcp/1005
		allow 10.0.0.0/16@zones but inner -> self tcp/1006
		allow self -> zones but lan tcp/1007
		allow any but self -> wan tcp/1008
	END
	lab_flows <<-'END'
		alice -> carol      tcp/1001 : passes
		bob   -> carol      tcp/1001 : passes
		alice -> bob        tcp/1001 : dropped
		carol -> alice      tcp/1001 : dropped
		alice -> dave       tcp/1001 : dropped
		alice -> bob        tcp/1002 : passes
		carol -> bob        tcp/1002 : dropped
		alice -> router     tcp/1003 : passes
		carol -> router.wan tcp/1003 : dropped
		dave  -> router.odd tcp/1003 : dropped
		alice -> router     tcp/1004 : passes
		carol -> router.wan tcp/1004 : dropped
		dave  -> router.odd tcp/1004 : passes
		alice -> carol      tcp/1005 : passes
		dave  -> alice      tcp/1005 : passes
		carol -> alice      tcp/1005 : dropped
		alice -> router     tcp/1005 : dropped
		router -> alice     tcp/1005 : dropped
		v4 carol -> router.wan tcp/1006 : passes
		v6 carol -> router.wan tcp/1006 : dropped
		v4 alice -> router  tcp/1006 : dropped
		router -> bob       tcp/1007 : passes
		router -> carol     tcp/1007 : passes
		router -> alice     tcp/1007 : dropped
		router -> dave      tcp/1007 : dropped
		dave  -> carol      tcp/1008 : passes
		router -> carol     tcp/1008 : dropped
	END
}
