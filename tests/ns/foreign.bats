#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Tables of other programs are not ours: apply, a second policy and stop leave them as they are,
# handles, counters and timeouts and all.

bats_require_minimum_version 1.5.0
load ../lab/lab

setup_file() {
	lab_begin
	lab_firewall router
	lab_host client
	lab_cable router:eth0 client:eth0
	lab_addr router eth0 192.168.1.1/24 fd00:1::1/64
	lab_addr client eth0 192.168.1.2/24 fd00:1::2/64
	lab_in router nft -f - <<-'END'
		table ip nat {
			chain DOCKER {
				iifname "docker0" counter packets 17 bytes 1020 return
				iifname != "docker0" tcp dport 8080 counter packets 3 bytes 180 dnat to 172.17.0.2:80
			}
			chain PREROUTING {
				type nat hook prerouting priority dstnat; policy accept;
				fib daddr type local counter packets 42 bytes 2520 jump DOCKER
			}
			chain POSTROUTING {
				type nat hook postrouting priority srcnat; policy accept;
				ip saddr 172.17.0.0/16 oifname != "docker0" counter packets 5 bytes 300 masquerade
			}
		}
		table ip filter {
			chain DOCKER-USER {
				counter packets 99 bytes 9900 return
			}
			chain FORWARD {
				type filter hook forward priority filter; policy accept;
				iifname "docker0" counter packets 99 bytes 9900 jump DOCKER-USER
			}
		}
		table ip libvirt_network {
			map redirects {
				type inet_service : ipv4_addr . inet_service
				elements = { 2222 : 192.168.122.5 . 22 }
			}
			chain guest_nat {
				type nat hook postrouting priority srcnat; policy accept;
				ip saddr 192.168.122.0/24 ip daddr != 192.168.122.0/24 counter packets 7 bytes 588 masquerade
			}
			chain guest_cross {
				iif "lo" counter packets 1 bytes 84 accept comment "virbr0"
			}
		}
		table inet f2b-table {
			set addr-set-sshd {
				type ipv4_addr
				flags interval, timeout
				timeout 10h
				counter
				elements = { 203.0.113.66 counter packets 12 bytes 720 timeout 9h, 198.51.100.0/25 counter packets 4 bytes 240 timeout 1d }
			}
			counter banned { packets 16 bytes 960 }
			quota spent { 1 mbytes used 30 kbytes }
			chain f2b-chain {
				type filter hook input priority filter - 1; policy accept;
				tcp dport 22 ip saddr @addr-set-sshd counter name "banned" reject with icmp port-unreachable
			}
		}
		table bridge qemu {
			chain guests {
				type filter hook forward priority filter; policy accept;
				ether type arp counter packets 2 bytes 56 accept
			}
		}
	END
}

teardown_file() {
	lab_end
}

teardown() {
	lab_fwc router stop || true
}

# The remaining time of a timeout runs by itself; nothing else may move.
foreign() {
	local family name

	while read -r _ family name; do
		[ "$family $name" = "inet fwc" ] && continue
		lab_in router nft -a list table "$family" "$name"
	done < <(lab_in router nft list tables) | sed 's/ expires [0-9a-z]*//g'
}

@test "foreign: tables stay byte for byte through apply, another policy, and stop" {
	foreign >"$LAB_DIR/before"
	[ "$(grep -c '^table' "$LAB_DIR/before")" = 5 ]
	grep -q '203.0.113.66 counter packets 12 bytes 720 timeout 9h' "$LAB_DIR/before"

	lab_apply router "$LAB_TOP/rulesets/router.fwc"
	foreign | diff "$LAB_DIR/before" -
	lab_fwc router apply
	foreign | diff "$LAB_DIR/before" -
	lab_apply router "$LAB_TOP/examples/office.fwc"
	foreign | diff "$LAB_DIR/before" -
	lab_apply router "$LAB_TOP/rulesets/router.fwc"
	foreign | diff "$LAB_DIR/before" -
	lab_fwc router status
	lab_fwc router diff
	foreign | diff "$LAB_DIR/before" -
	lab_fwc router stop
	foreign | diff "$LAB_DIR/before" -
	run ! lab_in router nft list table inet fwc
}

@test "foreign: a policy that is refused leaves them too" {
	foreign >"$LAB_DIR/before"
	echo 'allow lan -> wan' >"$LAB_DIR/bad.fwc"
	run lab_apply router "$LAB_DIR/bad.fwc"
	[ "$status" = 2 ]
	foreign | diff "$LAB_DIR/before" -
	run ! lab_in router nft list table inet fwc
}

@test "foreign: a table that changes between two applies is no concern of ours" {
	lab_apply router "$LAB_TOP/rulesets/router.fwc"
	lab_in router nft add element inet f2b-table addr-set-sshd '{ 192.0.2.99 timeout 5h }'
	foreign >"$LAB_DIR/before"
	lab_apply router "$LAB_TOP/examples/office.fwc"
	foreign | diff "$LAB_DIR/before" -
	lab_fwc router stop
	foreign | diff "$LAB_DIR/before" -
}
