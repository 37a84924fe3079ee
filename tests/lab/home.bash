# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# home.bash: a home behind a router, and some of the world.
#
#	client --+              ppp0, 1492
#	         +-- router ---------------- isp --+-- server
#	nas -----+                                 +-- far (1400)
#
# client has a private and a global IPv6 address; liar is the server under an address of the home.

home_make() {
	local host

	lab_switch lan
	lab_host client nas server far
	lab_router isp
	lab_firewall router
	lab_cable router:eth0 lan
	lab_cable client:eth0 lan
	lab_cable nas:eth0 lan
	lab_cable router:ppp0 isp:home 1492
	lab_cable server:eth0 isp:net
	lab_cable far:eth0 isp:far 1400

	lab_addr router eth0 192.168.1.1/24 fd00:1::1/64 2001:db8:1::1/64
	lab_addr router ppp0 203.0.113.2/24 2001:db8:2::2/64
	lab_addr client eth0 192.168.1.2/24 fd00:1::2/64 2001:db8:1::2/64
	lab_addr nas eth0 192.168.1.10/24 fd00:1::10/64
	lab_addr isp home 203.0.113.1/24 2001:db8:2::1/64
	lab_addr isp net 198.51.100.1/24 2001:db8:3::1/64
	lab_addr isp far 192.0.2.1/24 2001:db8:4::1/64
	lab_addr server eth0 198.51.100.10/24 2001:db8:3::10/64
	lab_addr far eth0 192.0.2.10/24 2001:db8:4::10/64
	lab_alias client.global client 2001:db8:1::2
	lab_alias router.out router 203.0.113.2 2001:db8:2::2
	lab_alias router.lo router 127.0.0.1 ::1
	lab_alias isp.far isp 192.0.2.1 2001:db8:4::1
	lab_alias liar server 192.168.1.77 fd00:1::77

	for host in client nas; do
		lab_routes $host "default via 192.168.1.1" "default via fd00:1::1"
	done
	lab_routes server "default via 198.51.100.1" "default via 2001:db8:3::1"
	lab_routes far "default via 192.0.2.1" "default via 2001:db8:4::1"
	lab_routes router "default via 203.0.113.1" "default via 2001:db8:2::1"
	# The outside knows the way in: only the policy keeps it out.
	lab_routes isp "192.168.1.0/24 via 203.0.113.2" "fd00:1::/64 via 2001:db8:2::2" "2001:db8:1::/64 via 2001:db8:2::2"
}
