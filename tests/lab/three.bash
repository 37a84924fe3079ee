# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A router with three networks, a host in each: client 10.0.1.2 behind lan, one 10.0.2.2 behind wan, two
# 10.0.3.2 behind dmz; the same of fd00:1::/64 and so on.

three_networks() { # after lab_begin
	lab_firewall router
	lab_host client one two
	lab_cable router:lan client:eth0
	lab_cable router:wan one:eth0
	lab_cable router:dmz two:eth0
	lab_addr router lan 10.0.1.1/24 fd00:1::1/64
	lab_addr router wan 10.0.2.1/24 fd00:2::1/64
	lab_addr router dmz 10.0.3.1/24 fd00:3::1/64
	lab_addr client eth0 10.0.1.2/24 fd00:1::2/64
	lab_addr one eth0 10.0.2.2/24 fd00:2::2/64
	lab_addr two eth0 10.0.3.2/24 fd00:3::2/64
	local i=0
	for n in client one two; do
		i=$((i + 1))
		lab_route "$n" default via "10.0.$i.1"
		lab_route "$n" default via "fd00:$i::1"
	done
}
