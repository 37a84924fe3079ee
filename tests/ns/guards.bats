#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# early drop and antispoof, by packets with every kind of source: which get past prerouting.

load ../lab/lab

setup() {
	lab_begin
	lab_firewall router
	lab_host lan dmz wan other
	lab_cable router:eth0 lan:eth0
	lab_cable router:eth1 wan:eth0
	lab_cable router:eth2 dmz:eth0
	lab_cable router:eth3 other:eth0
	lab_addr router eth0 192.168.1.1/25 fd00:1::1/64 2001:db8:1::1/64
	lab_addr router eth1 203.0.113.2/24 2001:db8:f::2/64
	lab_addr router eth2 192.168.1.129/26 2001:db8:2::1/64
	lab_addr router eth3 198.51.100.2/24 2001:db8:e::2/64
	lab_addr lan eth0 192.168.1.9/25
	lab_addr wan eth0 203.0.113.1/24 2001:db8:f::1/64
	lab_addr other eth0 198.51.100.1/24
	lab_route router default via 203.0.113.1
	lab_route router default via 2001:db8:f::1
	lab_in router nft -f - <<-'END'
		table inet watch {
			set four { typeof iifname . ip saddr; size 999; flags dynamic; }
			set six { typeof iifname . ip6 saddr; size 999; flags dynamic; }
			chain passed {
				type filter hook prerouting priority -120;
				add @four { iifname . ip saddr }
				add @six { iifname . ip6 saddr }
			}
		}
	END
}

teardown() {
	lab_end
}

# Sends from a host packets with these sources, and then one that passes; the router knows the host's
# interface by $2. A source may be a whole packet, see `forge`. Prints the sources that got through.
through() { # HOST INTERFACE SOURCE...
	local host=$1 at=$2 source last packets=() found

	shift 2
	last=169.254.99.$((++marker))
	for source; do
		case $source in
		*'>'*) packets+=("$source") ;;
		*:*) packets+=("$source>2001:db8:9::9") ;;
		*) packets+=("$source>203.0.113.9") ;;
		esac
	done
	lab_in router nft flush set inet watch four
	lab_in router nft flush set inet watch six
	lab_in "$host" /usr/bin/python3 "$LAB_HERE/forge" eth0 "${packets[@]}" "$last>203.0.113.9"
	for _ in $(seq 500); do
		lab_in router nft get element inet watch four "{ \"$at\" . $last }" >"$LAB_DIR/last" 2>&1 && break
		sleep 0.02
	done
	grep -q elements "$LAB_DIR/last" || { echo "the last packet was lost"; return 1; }
	for source; do
		source=${source%>*}
		found=four
		[[ $source != *:* ]] || found=six
		! lab_in router nft get element inet watch $found "{ \"$at\" . $source }" >/dev/null 2>&1 ||
			echo -n "$source "
	done
}

# ... and expects exactly these: WANTED is the sources, one word each.
passes() { # HOST INTERFACE "WANTED" SOURCE...
	local got

	got=$(through "$1" "$2" "${@:4}")
	echo "$1: got through: $got"
	[ "$got" = "${3:+$3 }" ]
}

counted() { # the packets of the line that begins so
	lab_fwc router counters | sed -n "s/^ *\([0-9]*\) .*$1.*/\1/p" | head -n 1
}

@test "antispoof by networks: both ways, the narrowest network decides, link addresses pass" {
	cat >"$LAB_DIR/p.fwc" <<-'END'
		forwarding on
		zone lan { interface eth0
		           network 192.168.1.0/24, fd00:1::/64, 2001:db8:1::/64 }
		zone dmz { interface eth2; network 192.168.1.128/26, 2001:db8:2::/64 }
		zone lab { interface eth3; network 10.0.0.0/8 }
		zone wan { interface eth1 }
		antispoof lan, dmz log "spoof"
		allow any -> any
		expect allow lan -> wan
		expect drop 10.9.9.9@lan -> wan
		expect drop 192.168.1.9@wan -> self ssh
		expect allow 203.0.113.9@wan -> self ssh
	END
	lab_apply router "$LAB_DIR/p.fwc"
	passes lan eth0 "192.168.1.9 192.168.1.200 0.0.0.0 169.254.3.4 fd00:1::9 2001:db8:1::9 fe80::9 ::" \
		192.168.1.9 192.168.1.130 192.168.1.200 10.9.9.9 8.8.8.8 0.0.0.0 169.254.3.4 \
		fd00:1::9 2001:db8:1::9 2001:db8:2::9 2001:db8:9::9 fe80::9 ::
	passes wan eth1 "10.9.9.9 8.8.8.8 0.0.0.0 2001:db8:9::8 fe80::9" \
		192.168.1.9 192.168.1.130 10.9.9.9 8.8.8.8 0.0.0.0 fd00:1::9 2001:db8:2::9 2001:db8:9::8 fe80::9
	passes dmz eth2 "192.168.1.130 2001:db8:2::9" 192.168.1.130 192.168.1.9 8.8.8.8 10.9.9.9 2001:db8:2::9 fd00:1::9
	# of lab nothing was said, but it must not claim the others' addresses
	passes other eth3 "10.9.9.9 8.8.8.8" 10.9.9.9 8.8.8.8 192.168.1.9 2001:db8:2::9
	[ "$(counted 'antispoof lan, dmz')" = 15 ] # 5 by lan, 4 by wan, 4 by dmz, 2 by lab
}

@test "antispoof by networks asks only for families of which a zone names a network" {
	cat >"$LAB_DIR/p.fwc" <<-'END'
		zone lan { interface eth*; network 192.168.1.0/24 }
		zone wan { interface eth1 }
		antispoof lan
		allow any -> any
	END
	lab_apply router "$LAB_DIR/p.fwc"
	passes lan eth0 "192.168.1.9 2001:db8:9::9" 192.168.1.9 8.8.8.8 2001:db8:9::9
	passes other eth3 "192.168.1.9" 192.168.1.9 8.8.8.8
	passes wan eth1 "8.8.8.8" 192.168.1.9 8.8.8.8 # the exact name wins over the wildcard
}

@test "antispoof by route: two uplinks, by mark and by source; DHCP; loose" {
	cat >"$LAB_DIR/p.fwc" <<-'END'
		forwarding on
		zone lan { interface eth0 }
		zone wan { interface eth1, eth3 }
		antispoof any by route log
		allow any -> any
	END
	lab_apply router "$LAB_DIR/p.fwc"
	passes lan eth0 "192.168.1.9 0.0.0.0 fd00:1::9 fe80::9" \
		192.168.1.9 192.168.1.200 8.8.8.8 192.168.1.1 0.0.0.0 fd00:1::9 2001:db8:9::9 fe80::9
	passes wan eth1 "8.8.8.8 2001:db8:9::9" 8.8.8.8 192.168.1.9 203.0.113.2 2001:db8:9::9 fd00:1::9
	# answers to a client of DHCP that has no route yet; nothing else with such a source
	passes lan eth0 "10.9.9.9 2001:db8:77::1" \
		"10.9.9.9>255.255.255.255:67:68" "10.9.9.8>255.255.255.255:68:67" "10.9.9.7>192.168.1.1:67:68" \
		"2001:db8:77::1>[fe80::1]:547:546" "2001:db8:77::2>[fe80::1]:547:547"
	# the second uplink: its routes are in a table of their own
	passes other eth3 "" 8.8.8.8
	lab_in router ip route add default via 198.51.100.1 table 2
	lab_in router ip rule add from 198.51.100.2 lookup 2
	passes other eth3 "8.8.8.7" "8.8.8.7>198.51.100.2" 8.8.8.8
	lab_in router ip rule del from 198.51.100.2 lookup 2
	lab_in router ip rule add pref 100 lookup main suppress_prefixlength 0
	lab_in router ip rule add pref 101 fwmark 2/0xff lookup 2
	lab_in router nft 'table inet uplink { chain early { type filter hook prerouting priority -150; iifname eth3 meta mark set 2; }; }'
	passes other eth3 "8.8.8.6" 8.8.8.6 192.168.1.9
	# loose: some route is enough, but not one that refuses, nor to this machine
	sed -i 's/by route log/by route loose/' "$LAB_DIR/p.fwc"
	lab_apply router "$LAB_DIR/p.fwc"
	lab_in router ip route add blackhole 10.66.0.0/16
	lab_in router ip -6 route add unreachable 2001:db8:66::/48
	passes lan eth0 "192.168.1.9 8.8.8.8 2001:db8:9::9" \
		192.168.1.9 8.8.8.8 10.66.0.1 192.168.1.1 2001:db8:9::9 2001:db8:66::1
}

@test "antispoof by route lets a tunnel be that takes the default route, as wg-quick sets it up" {
	lab_host peer
	lab_cable router:wg0 peer:eth0
	lab_in router ip route add default dev wg0 table 51820
	lab_in router ip rule add not fwmark 51820 table 51820
	lab_in router ip rule add table main suppress_prefixlength 0
	lab_in router nft -f - <<-'END'
		table ip wg-quick-wg0 {
			chain premangle { type filter hook prerouting priority mangle; meta l4proto udp meta mark set ct mark; }
			chain postmangle { type filter hook postrouting priority mangle; meta l4proto udp mark 51820 ct mark set mark; }
		}
	END
	cat >"$LAB_DIR/p.fwc" <<-'END'
		zone wan { interface eth1 }
		antispoof any by route
		allow any -> any
	END
	lab_apply router "$LAB_DIR/p.fwc"
	# the tunnel's own packets carry its mark; answers have none, but their connection has
	lab_in router /usr/bin/python3 - <<-'END'
		import socket
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.setsockopt(socket.SOL_SOCKET, 36, 51820)  # SO_MARK
		s.bind(('203.0.113.2', 51820))
		s.connect(('203.0.113.1', 51820))
		s.send(b'handshake')
	END
	lab_in router ip route del default
	lab_in router ip route add 8.8.0.0/16 via 203.0.113.1
	passes wan eth1 "203.0.113.1" "203.0.113.1>203.0.113.2:51820:51820" 9.9.9.9
}

@test "early drop: before connections are known, running ones too" {
	cat >"$LAB_DIR/p.fwc" <<-'END'
		zone lan { interface eth0 }
		zone wan { interface eth1 }
		set drops = 203.0.113.64/26, 2001:db8:f::bad
		set offenders = dynamic, timeout 1h
		allow self -> any
		allow any -> self
	END
	lab_apply router "$LAB_DIR/p.fwc"
	lab_addr wan eth0 203.0.113.70/24
	lab_idle wan router 203.0.113.2 22
	lab_in wan ip addr del 203.0.113.70/24 dev eth0
	lab_say 22 near
	cat >>"$LAB_DIR/p.fwc" <<-'END'
		early drop drops@wan log "drops"
		early drop offenders@wan
		expect drop 203.0.113.70@wan -> self ssh
		expect allow 203.0.113.70@lan -> self ssh
	END
	lab_apply router "$LAB_DIR/p.fwc"
	passes wan eth1 "203.0.113.9 2001:db8:f::9" 203.0.113.70 203.0.113.9 2001:db8:f::bad 2001:db8:f::9
	passes lan eth0 "203.0.113.70" 203.0.113.70
	lab_in router nft add element inet fwc offenders.v4 '{ 203.0.113.9 }'
	passes wan eth1 "203.0.113.8" 203.0.113.9 203.0.113.8
	[[ $(counted 'early drop offenders') == 1 ]]
	# it is there before anything is known of connections, and loopback does not meet it
	lab_in router nft list chain inet fwc prerouting-early | grep -q 'priority -450'
	lab_in router nft add element inet fwc offenders.v4 '{ 127.0.0.1, 203.0.113.2 }'
	lab_in router ping -c 1 -W 5 203.0.113.2
}

@test "early drop and the connection that applies it" {
	cat >"$LAB_DIR/p.fwc" <<-'END'
		zone wan { interface eth1 }
		set drops = 203.0.113.1
		allow wan -> self ssh
		early drop drops@wan
	END
	lab_fwc router compile "$LAB_DIR/p.fwc"
	SSH_CONNECTION="203.0.113.1 40000 203.0.113.2 22" run lab_fwc router apply
	echo "$output"
	[ "$status" = 3 ]
	[[ $output == *"would cut you off"*"early drop drops@wan"* ]]
}

@test "early drop ends running connections: answers to what self asked, too" {
	cat >"$LAB_DIR/p.fwc" <<-'END'
		live-flows keep
		zone wan { interface eth1 }
		set drops = 203.0.113.70
		allow wan -> self
		allow self -> wan
	END
	lab_apply router "$LAB_DIR/p.fwc"
	lab_addr wan eth0 203.0.113.70/24
	lab_idle router wan 203.0.113.70 8080
	lab_idle router wan 203.0.113.1 8081
	lab_idle wan router 203.0.113.2 22
	echo 'early drop drops@wan' >>"$LAB_DIR/p.fwc"
	lab_apply router "$LAB_DIR/p.fwc"
	run lab_fwc router flows --forbidden
	echo "$output"
	[[ $output == *":8080"*"FORBIDDEN: drop, by"*"early drop drops@wan"* ]]
	[[ $output == *"1 connection"* && $output != *":8081"* ]]
	# with the next change of rules
	sed -i '/live-flows/d' "$LAB_DIR/p.fwc"
	echo 'allow wan -> zones udp/9' >>"$LAB_DIR/p.fwc"
	lab_fwc router compile "$LAB_DIR/p.fwc"
	run lab_fwc router apply
	echo "$output"
	[[ $output == *"1 connection ended"* ]]
	lab_say 8081 near
	lab_say 22 near
}
