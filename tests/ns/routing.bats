#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Where packets go: the model (src/policy/routing.h) is what the kernel does.

load ../lab/lab

setup() {
	lab_begin
}

teardown() {
	lab_end
}

# The kernel sends 40 packets to addresses in nested networks; what is proved of them is right.
routes() {
	run python3 "$BATS_TEST_DIRNAME/routing.py" "$1" "$FWC" "$LAB_DIR"
	echo "$output"
	[ "$status" = 0 ]
	[ "$(grep -c '40 of 40 expectations hold' <<<"$output")" = 4 ]
}

@test "after dnat the narrowest network decides, or that the address is this machine's: world 1" {
	routes 1
}

@test "after dnat the narrowest network decides: world 2" {
	routes 2
}

@test "after dnat the narrowest network decides: any other world" {
	routes "${FWC_SEED:-$RANDOM}"
}

# Sends one datagram from the router, by an interface, and says what came of it.
send_from_router() {
	lab_in router python3 - "$@" <<-'END'
		import socket, sys
		to, port, interface = sys.argv[1], int(sys.argv[2]), sys.argv[3]
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
		if interface != '-':
		    s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
		try:
		    s.sendto(b'x', (to, port))
		    print('sent')
		except OSError as e:
		    print(e.strerror)
	END
}

two_hosts() {
	lab_firewall router
	lab_host host
	lab_cable router:eth0 host:eth0
	lab_addr router eth0 192.0.2.1/24
	lab_addr host eth0 192.0.2.9/24
}

verdict() { # QUESTION: the last lines of the one story that there is
	run lab_fwc router explain "$1" "$LAB_DIR/p.fwc"
	echo "$output"
	[ "$status" = 0 ]
}

@test "broadcasts of this machine leave by an interface, never by loopback" {
	two_hosts
	cat >"$LAB_DIR/p.fwc" <<-'END'
		zone lan { interface eth0; network 192.0.2.0/24 }
		allow self -> 255.255.255.255@lan udp/68
		allow self -> 192.0.2.255@lan udp/9
		allow lan -> 192.0.2.255@self udp/137
		expect allow self -> 255.255.255.255@lan udp/68
		expect drop  self -> 255.255.255.255 udp/4444
		expect allow self -> 192.0.2.255@lan udp/9
		expect drop  self -> lan udp/4444
		expect allow lan -> 192.0.2.255@self udp/137
		expect drop  lan -> 192.0.2.255 udp/138
		expect allow self -> 127.0.0.1 udp/4444
	END
	lab_fwc router test "$LAB_DIR/p.fwc"
	lab_apply router "$LAB_DIR/p.fwc"
	[ "$(send_from_router 255.255.255.255 68 eth0)" = sent ]
	[ "$(send_from_router 192.0.2.255 9 -)" = sent ]
	[ "$(send_from_router 127.0.0.1 4444 -)" = sent ]
	[ "$(send_from_router 255.255.255.255 4444 eth0)" = "Operation not permitted" ]
	[ "$(send_from_router 192.0.2.255 4444 -)" = "Operation not permitted" ]
	verdict 'self -> 255.255.255.255 udp/4444'
	[[ $output == *dropped* && $output != *accepted* && $output != *"leaving by lo"* ]]
	verdict 'self -> 255.255.255.255@lan udp/68'
	[[ $output == *"p.fwc:2: allow self"*accepted* && $output != *dropped* ]]
	verdict 'self -> 127.0.0.1 udp/4444'
	[[ $output == *"leaving by lo"*accepted* && $output != *dropped* ]]
}

# FATE of a question in words: one each way to end.
ends() {
	verdict "$1"
	ENDS=$(grep -oE '^(accepted|dropped|rejected)' <<<"$output" | sort -u | tr '\n' ' ')
}

@test "a port of this machine's own address is moved: the packet stays here" {
	two_hosts
	lab_addr router eth0 192.0.2.8/32
	cat >"$LAB_DIR/p.fwc" <<-'END'
		zone lan { interface eth0; network 192.0.2.0/24 }
		host vip = 192.0.2.8
		allow lan -> self tcp/8089, icmp
		dnat lan -> vip http to vip:8089
		dnat lan -> self tcp/81 to vip:8089
	END
	lab_apply router "$LAB_DIR/p.fwc"
	lab_alias vip router 192.0.2.8
	lab_flows <<-'END'
		host -> vip     tcp/80    : passes at vip:8089
		host -> router  tcp/81    : passes at vip:8089
		host -> router  tcp/8089  : passes
		host -> router  tcp/82    : dropped
	END
	# who calls the address finds it here; who calls another, where this machine has it
	ends 'lan -> 192.0.2.8 http'
	[[ $ENDS == "accepted " ]]
	ends 'lan -> 192.0.2.9 http'
	[[ $ENDS == "dropped " && $output == *"routed       to zone lan (eth0)"* ]]
	ends 'lan -> 192.0.2.8@lan http'
	[[ $ENDS == "dropped " && $output == *"routed       to 192.0.2.8, zone lan (eth0)"* ]]
	ends '0.0.0.0/0@lan -> self tcp/81'
	[[ $ENDS == "accepted " && $output == *"this machine, which has that address now"* ]]
	echo 'expect allow 0.0.0.0/0@lan -> self tcp/81' >>"$LAB_DIR/p.fwc"
	run lab_fwc router check "$LAB_DIR/p.fwc"
	[ "$status" = 0 ]
	[[ $output == *"p.fwc:5:1: note: expectations are judged with the addresses that this machine"* ]]
	# elsewhere nobody knows, and the zone's network holds it
	run lab_fwc router check --elsewhere "$LAB_DIR/p.fwc"
	[ "$status" = 1 ]
	[[ $output == *"expect allow 0.0.0.0/0@lan -> self tcp/81"* ]]
	# unless the policy says whose it is
	sed -i 's/^allow lan -> self tcp/allow lan -> vip@self, self tcp/' "$LAB_DIR/p.fwc"
	lab_fwc router check --elsewhere "$LAB_DIR/p.fwc"
}

@test "an expectation that the kernel would not keep is not proved" {
	two_hosts
	for verb in allow drop; do
		cat >"$LAB_DIR/p.fwc" <<-END
			forwarding on
			zone vpn { interface wg0;  network 10.0.0.0/8 }
			zone lan { interface eth0; network 10.1.0.0/16 }
			zone wan { interface eth1 }
			host web = 10.1.0.10
			allow wan -> web@lan https
			dnat wan -> self https to web
			expect $verb 0.0.0.0/0@wan -> self https
		END
		run lab_fwc router test "$LAB_DIR/p.fwc"
		[ "$status" = "$([ $verb = allow ] && echo 0 || echo 1)" ]
	done
	# the mirror: what is open to the wide network is not open to the narrow one
	sed -i 's/web@lan/web@vpn/; s/^expect .*/expect drop 0.0.0.0\/0@wan -> self https/' "$LAB_DIR/p.fwc"
	lab_fwc router test "$LAB_DIR/p.fwc"
	# of two equal networks each may be it
	sed -i 's,10.0.0.0/8,10.1.0.0/16,' "$LAB_DIR/p.fwc"
	run lab_fwc router test "$LAB_DIR/p.fwc"
	[ "$status" = 1 ]
	# 0.0.0.0/0@self asks for a family, and says nothing of where addresses are
	sed -i '/^zone vpn/s,10.1.0.0/16,10.0.0.0/8,; s/^allow.*/&\nallow wan -> 0.0.0.0\/0@self https/' "$LAB_DIR/p.fwc"
	lab_fwc router test "$LAB_DIR/p.fwc"
}
