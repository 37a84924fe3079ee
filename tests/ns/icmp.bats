#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Which ICMP types open a connection: what the kernel tracks as new is what rules decide about.

load ../lab/lab

setup() {
	lab_begin
	lab_firewall router
	lab_host host
	lab_cable router:eth0 host:eth0
	lab_addr router eth0 192.0.2.1/24 2001:db8::1/64
	lab_addr host eth0 192.0.2.9/24 2001:db8::9/64
}

teardown() {
	lab_end
}

@test "each type, by connection tracking and by the model" {
	lab_in router nft -f - <<-'END'
		table inet watch {
			set new4 { type icmp_type; flags dynamic; size 300; }
			set new6 { type icmpv6_type; flags dynamic; size 300; }
			set all4 { type icmp_type; flags dynamic; size 300; }
			set all6 { type icmpv6_type; flags dynamic; size 300; }
			chain in {
				type filter hook prerouting priority 0
				meta nfproto ipv4 meta l4proto icmp add @all4 { icmp type }
				meta nfproto ipv6 meta l4proto icmpv6 add @all6 { icmpv6 type }
				meta nfproto ipv4 ct state new meta l4proto icmp add @new4 { icmp type }
				meta nfproto ipv6 ct state new meta l4proto icmpv6 add @new6 { icmpv6 type }
			}
		}
	END
	lab_in host ping -qc1 -w5 192.0.2.1
	lab_in host ping -qc1 -w5 2001:db8::1
	# every type, of no connection: an error about a packet that nobody sent
	lab_in host /usr/bin/python3 - <<-'END'
		import socket, struct
		def checksum(b):
		    s = sum(struct.unpack(f'!{len(b) // 2}H', b))
		    s = (s & 0xffff) + (s >> 16)
		    return ~(s + (s >> 16)) & 0xffff
		inner = struct.pack('!BBHHHBBH4s4sHHHH', 69, 0, 28, 1, 0, 64, 17, 0,
		                    socket.inet_aton('192.0.2.1'), socket.inet_aton('192.0.2.9'), 5, 6, 8, 0)
		s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
		for t in range(256):
		    body = struct.pack('!BBHI', t, 0, 0, t) + inner
		    body = body[:2] + struct.pack('!H', checksum(body)) + body[4:]
		    s.sendto(body, ('192.0.2.1', 0))
		inner = struct.pack('!IHBB16s16sHHHH', 6 << 28, 8, 17, 64,
		                    socket.inet_pton(socket.AF_INET6, '2001:db8::1'),
		                    socket.inet_pton(socket.AF_INET6, '2001:db8::9'), 5, 6, 8, 0)
		s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
		for t in range(1, 256):
		    s.sendto(struct.pack('!BBHI', t, 0, 0, t) + inner, ('2001:db8::1', 0))
	END
	cat >"$LAB_DIR/p.fwc" <<-'END'
		zone lan { interface eth0 }
		allow lan -> self icmp, icmpv6
	END
	for type in $(seq 0 255); do
		echo "expect allow lan -> self icmp/$type"
		echo "expect allow lan -> self icmpv6/$type"
	done >>"$LAB_DIR/p.fwc"
	run lab_fwc router --json test "$LAB_DIR/p.fwc"
	sed -n '/^\[/,/^\]/p' <<<"$output" >"$LAB_DIR/model.json"
	lab_in router nft -nj list table inet watch >"$LAB_DIR/kernel.json"
	/usr/bin/python3 - "$LAB_DIR" <<-'END'
		import json, sys
		sets = {}
		for o in json.load(open(sys.argv[1] + '/kernel.json'))['nftables']:
		    if 'set' in o:
		        sets[o['set']['name']] = set(o['set'].get('elem', []))
		model = {4: set(), 6: set()}
		for e in json.load(open(sys.argv[1] + '/model.json')):
		    proto, number = e['text'].split()[-1].split('/')
		    if e['holds']:
		        model[4 if proto == 'icmp' else 6].add(int(number))
		print(sets, model)
		assert sets['all4'] >= set(range(256)), set(range(256)) - sets['all4']
		assert sets['all6'] >= set(range(1, 256))
		assert model[4] == sets['new4'] and model[4]
		assert model[6] == sets['new6'] and model[6]
	END
}

@test "explain and check say what becomes of errors and answers" {
	cat >"$LAB_DIR/p.fwc" <<-'END'
		zone lan { interface eth0 }
		allow lan -> self icmp/destination-unreachable
		allow lan -> self icmp/echo-request, icmp/echo-reply
		allow self -> any
	END
	run lab_fwc router explain 'lan -> self icmp/destination-unreachable' "$LAB_DIR/p.fwc"
	echo "$output"
	[[ $output == *"ICMP errors and answers open no connection"* && $output != *accepted* ]]
	run lab_fwc router check "$LAB_DIR/p.fwc"
	echo "$output"
	[ "$status" = 0 ]
	[[ $output == *"p.fwc:2:1: warning: this rule has no effect on icmp/3, icmpv6/1:"*"leave the rule out"* ]]
	[[ $output == *"p.fwc:3:1: warning: this rule has no effect on icmp/0, icmpv6/129:"*"leave them out"* ]]
	# that is how it is: without the rules errors come in all the same
	sed -i '/icmp/d' "$LAB_DIR/p.fwc"
	lab_apply router "$LAB_DIR/p.fwc"
	run lab_in router /usr/bin/python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(5)
s.connect(("192.0.2.9", 9))
s.send(b"x")
s.recv(1)'
	[[ $output == *ConnectionRefusedError* ]]
}
