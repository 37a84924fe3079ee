#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Guests on a bridge of the firewall's, with br_netfilter: what goes from port to port meets the forward hook.

load ../lab/lab

setup() {
	lab_begin
	lab_firewall fw
	[ -e "/proc/sys/net/bridge" ] || skip "this kernel has no br_netfilter"
	lab_host a b
	ip -n "$LAB-fw" link add br0 type bridge stp_state 0
	ip -n "$LAB-fw" link set br0 up
	lab_cable fw:p1 a:eth0
	lab_cable fw:p2 b:eth0
	ip -n "$LAB-fw" link set p1 master br0
	ip -n "$LAB-fw" link set p2 master br0
	lab_in fw sysctl -qw net.bridge.bridge-nf-call-iptables=1 net.bridge.bridge-nf-call-ip6tables=1
	lab_addr fw br0 192.0.2.1/24 2001:db8:1::1/64
	lab_addr a eth0 192.0.2.8/24 2001:db8:1::8/64
	lab_addr b eth0 192.0.2.9/24 2001:db8:1::9/64
	for _ in {1..600}; do # a port forwards when its link has come up
		lab_in fw bridge link | grep -c 'state forwarding' | grep -qx 2 && break
		sleep 0.05
	done
}

teardown() {
	lab_end
}

policy() {
	cat >"$LAB_DIR/p.fwc"
	chmod 644 "$LAB_DIR/p.fwc"
	lab_apply fw "$LAB_DIR/p.fwc"
	ip -n "$LAB-a" neigh flush all
	ip -n "$LAB-b" neigh flush all
}

@test "bridge: guests that may talk to each other find each other" {
	policy <<-'END'
		zone vms { interface br0 }
		allow vms -> vms tcp/80
	END
	lab_flows <<-'END'
		a -> b tcp/80 : passes
		a -> b tcp/81 : dropped
	END
	lab_in a ip -6 neigh show 2001:db8:1::9 | grep -q lladdr
}

@test "bridge: guests find each other where they may not talk, and a router is no way round it" {
	lab_host d
	lab_cable fw:eth1 d:eth0
	lab_addr fw eth1 2001:db8:2::1/64
	lab_addr d eth0 2001:db8:2::9/64
	lab_route a default via 2001:db8:1::1
	lab_route d default via 2001:db8:2::1
	policy <<-'END'
		forwarding on
		zone vms { interface br0 }
		zone dmz { interface eth1 }
		allow vms -> dmz tcp/80
	END
	lab_flows <<-'END'
		a -> b tcp/80 : dropped
		a -> d tcp/80 : passes
		a -> d tcp/81 : dropped
	END
	lab_in a ip -6 neigh show 2001:db8:1::9 | grep -q lladdr
	# a neighbour advertisement with hop limit 255 that is routed, and a connection behind it
	lab_in d nft 'table ip6 t { chain c { type filter hook prerouting priority 0;
		ip6 saddr 2001:db8:1::8 icmpv6 type 136 counter comment "seen"
		ip6 saddr 2001:db8:1::8 tcp dport 80 counter comment "behind";
	}; }'
	lab_in a /usr/bin/python3 -c '
import socket
s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 255)
s.sendto(bytes([136, 0, 0, 0, 0, 0, 0, 0]) + bytes(16), ("2001:db8:2::9", 0))'
	lab_flows <<-'END'
		a -> d tcp/80 : passes
	END
	lab_in d nft list table ip6 t >"$LAB_DIR/seen"
	grep -q 'packets [1-9].*"behind"' "$LAB_DIR/seen"
	grep -q 'packets 0 .*"seen"' "$LAB_DIR/seen"
}

@test "bridge: status and check say that frames from port to port are judged" {
	policy <<-'END'
		zone vms { interface br0 }
		allow vms -> self ssh
	END
	lab_fwc fw status >"$LAB_DIR/status"
	grep -q '^bridges     br0: .*filtered as forwarded$' "$LAB_DIR/status"
	lab_fwc fw --json status | grep -q '"bridged": \[ *$'
	lab_fwc fw check "$LAB_DIR/p.fwc" 2>"$LAB_DIR/checked"
	grep -q '^fwc: note: br0 is a bridge here' "$LAB_DIR/checked"
	grep -q 'add: allow vms -> vms$' "$LAB_DIR/checked"
	lab_fwc fw check --elsewhere "$LAB_DIR/p.fwc" 2>"$LAB_DIR/checked"
	not grep -q bridge "$LAB_DIR/checked"
	lab_in fw sysctl -qw net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0
	lab_fwc fw status >"$LAB_DIR/status"
	not grep -q '^bridges' "$LAB_DIR/status"
	lab_fwc fw --json status | grep -q '"bridged": null'
	lab_flows <<-'END'
		a -> b tcp/80 : passes
	END
}

not() { ! "$@"; }

@test "bridge: a DHCP request of a guest reaches this machine" {
	policy <<-'END'
		zone vms { interface br0 }
		allow vms -> self dhcp
	END
	ip netns exec "$LAB-fw" /usr/bin/python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 67))
s.settimeout(20)
open(sys.argv[1] + ".ready", "w").close()
open(sys.argv[1], "w").write("%s %d\n" % s.recvfrom(2000)[1])' "$LAB_DIR/heard" 3>&- &
	echo $! >"$LAB_DIR/hear.pid"
	for _ in {1..600}; do
		[ ! -e "$LAB_DIR/heard.ready" ] || break
		sleep 0.05
	done
	lab_in a /usr/bin/python3 -c '
import socket, struct
def checksum(b):
    s = sum(struct.unpack("!%dH" % (len(b) // 2), b))
    while s >> 16: s = (s >> 16) + (s & 0xffff)
    return ~s & 0xffff
udp = struct.pack("!HHHH", 68, 67, 308, 0) + bytes(300)
ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, bytes(4), b"\xff" * 4)
ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("eth0", 0))
s.send(b"\xff" * 6 + s.getsockname()[4] + b"\x08\0" + ip + udp)'
	for _ in {1..600}; do
		[ ! -s "$LAB_DIR/heard" ] || break
		sleep 0.05
	done
	[ "$(<"$LAB_DIR/heard")" = "0.0.0.0 68" ]
}
