#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # bats and lab.bash set variables
# Logs to programs, and their rates; what fwc drops by itself, and what no rule matched. Rates are of a
# day, so that no time refills their budgets.

load ../lab/lab

setup_file() {
	lab_begin
	lab_firewall router
	lab_host client server
	lab_cable router:eth0 client:eth0
	lab_cable router:eth1 server:eth0
	lab_addr router eth0 10.1.0.1/24 fd00:1::1/64
	lab_addr client eth0 10.1.0.2/24 fd00:1::2/64
	lab_addr router eth1 10.2.0.1/24 fd00:2::1/64
	lab_addr server eth0 10.2.0.2/24 fd00:2::2/64
	lab_route client default via 10.1.0.1
	lab_route client default via fd00:1::1
	lab_route server default via 10.2.0.1
	lab_route server default via fd00:2::1
	policy >"$LAB_DIR/p.fwc"
	lab_apply router "$LAB_DIR/p.fwc"
	"$LAB_HERE/nflog" "$LAB-router" 7 8 9 >"$LAB_DIR/logged" 2>&1 3>&- &
	echo $! >"$LAB_DIR/nflog.pid"
	for _ in {1..500}; do
		[ ! -s "$LAB_DIR/logged" ] || break
		sleep 0.02
	done
	grep -qx ready "$LAB_DIR/logged"
}

teardown_file() {
	lab_end
}

policy() {
	cat <<-'END'
		forwarding on
		zone lan { interface eth0 }
		zone wan { interface eth1 }
		log invalid "bad" at 5/day burst 5 nflog 7
		log unmatched at 1000/day burst 1000 nflog 8
		reject lan -> self tcp/201 log "some" at 3/day burst 3 nflog 9
		allow lan -> self tcp/202 limit 1/day burst 1 log "in" nflog 9 else reject log "over" nflog 9
		allow lan -> wan tcp/203
		dnat self -> 10.9.9.9 tcp/1-1000 to 10.2.0.2
		allow self -> wan tcp/204
	END
}

knock() { # FROM TO PROTOCOL ADDRESS PORT SOURCE...
	"$LAB_HERE/knock" "$LAB-$1" "$LAB-$2" "${@:3}" >/dev/null
}

logged() { # N GROUP PREFIX: so many lines are there, at once or soon, and no more come
	local n

	for _ in {1..600}; do
		n=$(grep -cx "$2 fwc $3: " "$LAB_DIR/logged")
		[ "$n" -lt "$1" ] || break
		sleep 0.02
	done
	[ "$n" = "$1" ] || { sort "$LAB_DIR/logged" | uniq -c; return 1; }
}

@test "nflog: a log of its own rate ends with its burst, the rule does not" {
	knock client router tcp 10.1.0.1 201 10.1.0.2 10.1.0.2 10.1.0.2 10.1.0.2 10.1.0.2
	logged 3 9 some
	lab_fwc router counters --json | jq -e '[.[] | select(.text | contains("tcp/201")) | .packets] == [5]'
}

@test "nflog: what a limit lets in, and what is over it" {
	knock client router tcp 10.1.0.1 202 10.1.0.2 10.1.0.2 10.1.0.2
	logged 2 9 over
	logged 1 9 in
}

@test "nflog: what no rule matched, at each hook" {
	knock client router tcp 10.1.0.1 209 10.1.0.2
	logged 1 8 unmatched
	knock client router tcp fd00:1::1 209 fd00:1::2
	logged 2 8 unmatched
	knock client server tcp 10.2.0.2 209 10.1.0.2
	logged 3 8 unmatched
	knock server client tcp 10.1.0.2 203 10.2.0.2
	logged 4 8 unmatched
	knock router server tcp 10.2.0.2 209 10.2.0.1
	logged 5 8 unmatched
	knock client server tcp 10.2.0.2 203 10.1.0.2
	logged 5 8 unmatched
}

# Segments of no connection: an ACK; over IPv4 its checksum is wrong, so that conntrack finds it invalid,
# over IPv6 the kernel fills it in, and it is one that opens nothing.
acks() { # FROM ADDRESS...
	lab_in "$1" /usr/bin/python3 - "${@:2}" <<-'END'
		import socket, struct, sys
		for n, address in enumerate(sys.argv[1:]):
		    six = ":" in address
		    s = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_RAW, 6)
		    if six:
		        s.setsockopt(socket.IPPROTO_IPV6, 7, 16)
		    try:
		        s.sendto(struct.pack("!HHIIBBHHH", 40000 + n, 203, 1, 1, 0x50, 0x10, 1000, 1, 0), (address, 0))
		    except PermissionError: # what this machine itself may not send
		        pass
	END
}

@test "nflog: what fwc takes for invalid is one budget, at each hook" {
	acks client 10.1.0.1 10.2.0.2
	logged 2 7 bad
	acks client fd00:1::1 fd00:2::2
	logged 4 7 bad
	acks router fd00:2::2
	logged 5 7 bad
	acks client 10.1.0.1 fd00:1::1 10.2.0.2 fd00:2::2
	lab_fwc router counters --json |
		jq -e '[.[] | select(.text == "fwc: invalid" or .text == "fwc: TCP that opens no connection")
			| .packets] | add == 9'
	logged 5 7 bad
	logged 5 8 unmatched
}
