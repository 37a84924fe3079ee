#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What hosts of one link ask all of each other, with the servers and clients that people use: DHCP (dnsmasq,
# udhcpc, dhclient), mDNS (avahi, python-zeroconf), SSDP (minissdpd, upnpc), and IGMP of a bridge that snoops.

load ../lab/lab

setup() {
	lab_begin
	lab_firewall fw
	lab_switch lan
	lab_host pc
	lab_cable fw:eth0 lan
	lab_cable pc:eth0 lan
	lab_addr fw eth0 192.0.2.1/24 fe80::1/64 2001:db8:1::1/64
	for _ in {1..600}; do # links come up in their own time
		lab_in pc ip -6 addr show dev eth0 scope link | grep -q fe80 && break
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
}

has() {
	command -v "$1" >/dev/null || skip "$1 is not installed"
}

not() { ! "$@"; }

# Its output goes to a file; it ends with the lab. $1: host, $2: name
serve() {
	local host=$1 name=$2

	shift 2
	ip netns exec "$LAB-$host" "$@" >"$LAB_DIR/$name.said" 2>&1 3>&- &
	echo $! >"$LAB_DIR/$name.pid"
}

# Until the command succeeds, a minute at most.
until_true() {
	for _ in {1..600}; do
		"$@" 2>/dev/null && return
		sleep 0.1
	done
	echo "never: $*"
	tail -n 30 "$LAB_DIR"/*.said
	return 1
}

dhcp_server() { # of the host
	serve "$1" dnsmasq dnsmasq --keep-in-foreground --log-facility=- --port=0 --conf-file=/dev/null --user=root \
		--interface=eth0 --bind-interfaces --dhcp-authoritative --dhcp-leasefile="$LAB_DIR/leases" --pid-file= \
		--dhcp-range=192.0.2.50,192.0.2.60,2m --dhcp-range=2001:db8:1::50,2001:db8:1::60,64,2m
	until_true listens "$1" 67
	until_true listens "$1" 547
}

listens() { lab_in "$1" ss -Huln "sport = :$2" | grep -q .; }

udhcpc() { # of the host; $2: how often it asks. What was had is in leased4
	# shellcheck disable=SC2016 # for the script
	printf '#!/bin/sh\n[ "$1" = bound ] && echo "$ip" >%s\nexit 0\n' "$LAB_DIR/leased4" >"$LAB_DIR/script"
	chmod 755 "$LAB_DIR/script"
	lab_in "$1" busybox udhcpc -f -n -q -i eth0 -t "$2" -T 1 -A 1 -s "$LAB_DIR/script" 2>&1 3>&-
}

dhclient6() { # of the host; $2: seconds at most
	# shellcheck disable=SC2016 # for the script
	printf '#!/bin/sh\n[ "$reason" = BOUND6 ] && echo "$new_ip6_address" >%s\nexit 0\n' "$LAB_DIR/leased6" >"$LAB_DIR/script6"
	chmod 755 "$LAB_DIR/script6"
	lab_in "$1" timeout "$2" dhclient -6 -1 -d -sf "$LAB_DIR/script6" -lf "$LAB_DIR/lease6" -pf "$LAB_DIR/dhclient" \
		-cf /dev/null eth0 >"$LAB_DIR/dhclient.said" 2>&1 3>&- &
	echo $! >"$LAB_DIR/client.pid"
}

@test "link: a DHCP server that may be asked may answer, whatever else may leave" {
	has dnsmasq
	has busybox
	has dhclient
	policy <<-'END'
		zone lan { interface eth0 }
		allow lan -> self dhcp
		drop  self -> lan
	END
	dhcp_server fw
	udhcpc pc 10
	grep -qx '192.0.2.[56][0-9]*' "$LAB_DIR/leased4"
	dhclient6 pc 30
	until_true grep -qx '2001:db8:1::[56][0-9a-f]*' "$LAB_DIR/leased6"
	lab_in fw /usr/bin/python3 -c '
import errno, socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
try:
    s.sendto(b"", ("192.0.2.60", 68))
except PermissionError:
    raise SystemExit(0)
raise SystemExit("this machine may send what is no answer")'
}

@test "link: a DHCP server that may not be asked gives nothing" {
	has dnsmasq
	has busybox
	policy <<-'END'
		zone lan { interface eth0 }
		allow lan -> self ping
		allow self -> lan ping
	END
	dhcp_server fw
	run udhcpc pc 3
	[ ! -e "$LAB_DIR/leased4" ]
	not grep -q DHCPDISCOVER "$LAB_DIR/dnsmasq.said"
}

@test "link: DHCP replies are let in where this machine may ask" {
	has dnsmasq
	has busybox
	has dhclient
	ip -n "$LAB-fw" addr flush dev eth0 scope global
	lab_addr pc eth0 192.0.2.2/24 2001:db8:1::2/64
	policy <<-'END'
		zone wan { interface eth0 }
		allow self -> wan dhcp
	END
	dhcp_server pc
	udhcpc fw 10
	grep -qx '192.0.2.[56][0-9]*' "$LAB_DIR/leased4"
	dhclient6 fw 30
	until_true grep -qx '2001:db8:1::[56][0-9a-f]*' "$LAB_DIR/leased6"
}

hear() { # on udp/546 of fw; where from is in heard
	rm -f "$LAB_DIR/heard"
	serve fw hear /usr/bin/python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.bind(("::", 546))
s.settimeout(20)
open(sys.argv[1], "w").write("%s %d\n" % s.recvfrom(2000)[1][:2])' "$LAB_DIR/heard"
	until_true listens fw 546
}

say() { # from address $1, port $2 of pc to fe80::1 udp/546
	lab_in pc /usr/bin/python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
link = socket.if_nametoindex("eth0")
s.bind((sys.argv[1], int(sys.argv[2]), 0, link))
s.sendto(b"reply", ("fe80::1", 546, 0, link))' "$1" "$2"
}

@test "link: a DHCPv6 server answers from any of its addresses, and behind a relay from another port" {
	lab_addr pc eth0 fe80::2/64 2001:db8:1::2/64
	policy <<-'END'
		zone wan { interface eth0 }
		allow self -> wan
	END
	for from in "fe80::2 547" "2001:db8:1::2 547" "fe80::2 49547"; do
		hear
		# shellcheck disable=SC2086 # two words
		say $from
		until_true test -s "$LAB_DIR/heard"
		[ "$(<"$LAB_DIR/heard")" = "$from" ] || [ "$(<"$LAB_DIR/heard")" = "${from/ /%eth0 }" ]
		kill "$(<"$LAB_DIR/hear.pid")" 2>/dev/null || true
	done
}

# The switch asks who listens; what it knows of a group when it has forgotten all.
snooping() {
	lab_addr pc eth0 192.0.2.2/24
	ip -n "$LAB-lan" addr add 192.0.2.254/24 dev br0
	ip -n "$LAB-lan" link set br0 type bridge mcast_snooping 1 mcast_querier 1 mcast_query_use_ifaddr 1 \
		mcast_query_interval 100 mcast_startup_query_interval 100 mcast_startup_query_count 100 \
		mcast_query_response_interval 50 mcast_membership_interval 300
}

member() { # whether the switch knows that fw listens to group $1
	lab_in lan bridge mdb show | grep -q "port port1 grp $1 "
}

# Known, or still known, after a time in which it forgets those who do not answer.
stays_member() {
	until_true member "$1"
	for _ in {1..60}; do
		member "$1" || return
		sleep 0.1
	done
}

dropped() { lab_in fw nft list chain inet fwc input | grep -q 'counter packets [1-9].*fwc: no rule, drop'; }

join() { # group $1, for as long as the lab
	serve fw join /usr/bin/python3 -c '
import signal, socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_IP, 35, socket.inet_aton(sys.argv[1]) + socket.inet_aton("192.0.2.1"))
signal.pause()' "$1"
}

@test "link: who may be asked by multicast answers the queries of switches" {
	lab_in lan sysctl -qw net.ipv6.conf.all.disable_ipv6=1
	policy <<-'END'
		zone lan { interface eth0 }
		allow lan -> self ssdp
		drop  self -> lan
	END
	snooping
	if command -v minissdpd >/dev/null; then
		serve fw minissdpd minissdpd -d -i eth0 -s "$LAB_DIR/ssdp.sock" -p "$LAB_DIR/minissdpd"
	else
		join 239.255.255.250
	fi
	stays_member 239.255.255.250
}

@test "link: who may not be asked does not answer switches" {
	policy <<-'END'
		zone lan { interface eth0 }
		allow lan -> self dns
		drop  self -> lan
	END
	snooping
	join 239.255.255.250
	until_true dropped
	not member 239.255.255.250
}

gateway() { # what a router with UPnP says when it is searched for; a line for each search
	serve fw gateway /usr/bin/python3 -uc '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 1900))
s.setsockopt(socket.SOL_IP, 35, socket.inet_aton("239.255.255.250") + socket.inet_aton("192.0.2.1"))
while True:
    asked, peer = s.recvfrom(2000)
    if b"InternetGatewayDevice:1" in asked:
        print("asked by", peer[0])
        s.sendto(b"HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=120\r\n"
                 b"ST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\nUSN: uuid:fwc-lab::igd\r\nEXT:\r\n"
                 b"SERVER: lab\r\nLOCATION: http://192.0.2.1:5000/lab.xml\r\n\r\n", peer)'
	until_true listens fw 1900
}

@test "link: SSDP, searched for and found" {
	has upnpc
	lab_addr pc eth0 192.0.2.2/24
	policy <<-'END'
		zone lan { interface eth0 }
		allow lan -> self ssdp
		allow self -> lan
	END
	gateway
	lab_in pc timeout 30 upnpc -m eth0 -l >"$LAB_DIR/found" 2>&1 || true # it wants a page, too
	grep -F 'desc: http://192.0.2.1:5000/lab.xml' "$LAB_DIR/found"
	grep -Fx 'asked by 192.0.2.2' "$LAB_DIR/gateway.said"
}

@test "link: SSDP of which no rule speaks finds nobody" {
	has upnpc
	lab_addr pc eth0 192.0.2.2/24
	policy <<-'END'
		zone lan { interface eth0 }
		allow lan -> self dns
		allow self -> lan
	END
	gateway
	lab_in pc timeout 30 upnpc -m eth0 -l >"$LAB_DIR/found" 2>&1 || true
	not grep -F 'desc: ' "$LAB_DIR/found"
	[ ! -s "$LAB_DIR/gateway.said" ]
	dropped
}

@test "link: mDNS, asked and answered" {
	has avahi-daemon
	/usr/bin/python3 -c 'import zeroconf' 2>/dev/null || skip "python3-zeroconf is not installed"
	lab_addr pc eth0 192.0.2.2/24
	policy <<-'END'
		zone lan { interface eth0 }
		allow lan -> self mdns
		allow self -> lan mdns
	END
	mkdir -p "$LAB_DIR/services" /run/avahi-daemon
	cat >"$LAB_DIR/avahi.conf" <<-'END'
		[server]
		host-name=fwc-lab
		allow-interfaces=eth0
		use-ipv6=no
		enable-dbus=no
		[publish]
		disable-publishing=no
		[rlimits]
	END
	cat >"$LAB_DIR/services/web.service" <<-'END'
		<?xml version="1.0" standalone='no'?>
		<!DOCTYPE service-group SYSTEM "avahi-service.dtd">
		<service-group><name>fwc page</name>
		<service><type>_http._tcp</type><port>8080</port></service></service-group>
	END
	# shellcheck disable=SC2016 # for the shell inside
	serve fw avahi unshare -m sh -c 'mount -t tmpfs run /run/avahi-daemon &&
		mount --bind "$1/services" /etc/avahi/services &&
		exec avahi-daemon -f "$1/avahi.conf" --no-drop-root --no-chroot --no-rlimits' sh "$LAB_DIR"
	until_true listens fw 5353
	lab_in pc timeout 30 /usr/bin/python3 -c '
import socket, zeroconf
z = zeroconf.Zeroconf(interfaces=["192.0.2.2"], ip_version=zeroconf.IPVersion.V4Only)
i = z.get_service_info("_http._tcp.local.", "fwc page._http._tcp.local.", timeout=20000)
print(i.server, i.port, socket.inet_ntoa(i.addresses[0]))
z.close()' >"$LAB_DIR/found"
	[ "$(<"$LAB_DIR/found")" = "fwc-lab.local. 8080 192.0.2.1" ]
}
