#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # bats and lib.bash set variables
# examples/two-routers as it is, with the real keepalived and conntrackd: what its README says of a
# take-over is so.
#
#	client --+        a         +-- server
#	         +-- lan     wan ---+
#	web -----+        b         +

load lib.bash
load ../lab/lab

setup() {
	example=$top/examples/two-routers
}

teardown() {
	lab_end
}

needs() {
	local command
	[ "$(id -u)" = 0 ] || skip "needs root"
	for command; do
		command -v "$command" >/dev/null || skip "$command is not installed"
	done
}

make_lab() {
	local router
	lab_begin
	lab_switch lan wan
	lab_host client web server
	lab_firewall a
	lab_firewall b
	for router in a b; do # the first ports of both switches are a's, the second ones b's
		lab_cable $router:eth0 lan
		lab_cable $router:eth1 wan
	done
	lab_cable a:eth2 b:eth2
	lab_cable client:eth0 lan
	lab_cable web:eth0 lan
	lab_cable server:eth0 wan
	lab_addr a eth0 192.168.1.2/24 2001:db8:1::2/64
	lab_addr b eth0 192.168.1.3/24 2001:db8:1::3/64
	lab_addr a eth1 203.0.113.2/24 2001:db8:2::2/64
	lab_addr b eth1 203.0.113.3/24 2001:db8:2::3/64
	lab_addr a eth2 10.255.0.1/30
	lab_addr b eth2 10.255.0.2/30
	lab_addr client eth0 192.168.1.10/24 2001:db8:1::10/64
	lab_addr web eth0 192.168.1.80/24
	lab_addr server eth0 203.0.113.1/24 2001:db8:2::1/64
	lab_route client default via 192.168.1.1
	lab_route client default via 2001:db8:1::1
	lab_route web default via 192.168.1.1
	lab_route server 2001:db8:1::/64 via 2001:db8:2::4
}

# The files of one router, where they belong; b's differ as the comments in them say.
install_router() { # router
	mkdir -p "$LAB_DIR/$1/keepalived" "$LAB_DIR/$1/conntrackd"
	cp "$example/keepalived.conf" "$example/conntrack-sync" "$LAB_DIR/$1/keepalived"
	cp "$example/conntrackd.conf" "$LAB_DIR/$1/conntrackd"
	# keepalived 2.3 reads there how it was built
	[ ! -e /etc/keepalived/keepalived.config-opts ] ||
		cp /etc/keepalived/keepalived.config-opts "$LAB_DIR/$1/keepalived"
	if [ "$1" = b ]; then
		sed -i -e 's/IPv4_address 10\.255\.0\.1$/IPv4_address 10.255.0.2/' \
			-e 's/Destination_Address 10\.255\.0\.2$/Destination_Address 10.255.0.1/' \
			"$LAB_DIR/$1/conntrackd/conntrackd.conf"
		[ "$(diff "$example/conntrackd.conf" "$LAB_DIR/b/conntrackd/conntrackd.conf" |
			grep -c '^[<>]')" = 4 ]
	fi
	chmod -R go-w "$LAB_DIR/$1"
}

# A shell command where /etc and /run are that router's; `ip netns exec` makes the mounts private.
on_router() { # router, command, its $1...
	local router=$1 command=$2
	shift 2
	lab_in "$router" sh -c "mount --bind '$LAB_DIR/$router/keepalived' /etc/keepalived &&
		mount --bind '$LAB_DIR/$router/conntrackd' /etc/conntrackd || exit
		$command" sh "$@"
}

start_router() { # router
	rm -f "$LAB_DIR/$1.pid"
	# shellcheck disable=SC2016 # the inner shell's
	on_router "$1" 'echo $$ >"$2"
		mount -t tmpfs none /run && mkdir /run/lock || exit
		conntrackd -C /etc/conntrackd/conntrackd.conf &
		until [ -S /run/conntrackd.ctl ]; do sleep 0.05; done
		exec keepalived -n -l -D -P -G -i "$1"' "$1" "$LAB_DIR/$1.pid" >"$LAB_DIR/$1/log" 2>&1 3>&- &
	within 600 test -s "$LAB_DIR/$1.pid"
}

# As if its power were gone: its kernel knows nothing when it comes back.
power_off() { # router, its port
	local pid addr
	for pid in $(ip netns pids "$LAB-$1"); do
		kill -KILL "$pid" || true
	done
	ip -n "$LAB-lan" link set "$2" down
	ip -n "$LAB-wan" link set "$2" down
	lab_in "$1" conntrack -F 2>/dev/null
	for addr in 192.168.1.1 203.0.113.4 2001:db8:1::1 2001:db8:2::4; do
		ip -n "$LAB-$1" addr flush to "$addr" 2>/dev/null
	done
}

power_on() { # router, its port
	ip -n "$LAB-lan" link set "$2" up
	ip -n "$LAB-wan" link set "$2" up
	start_router "$1"
}

within() { # tenths of a second, command...
	local n=$1
	shift
	until "$@"; do
		n=$((n - 1))
		[ $n -gt 0 ] || { echo "not in time: $*"; return 1; }
		sleep 0.1
	done
}

leads() { [ -n "$(ip -n "$LAB-$1" -o addr show to 203.0.113.4)" ]; }
answered() { wc -l <"$LAB_DIR/talk-$1"; }
goes_on() { [ "$(answered "$1")" -gt "$2" ]; }
new_connection() { lab_in client bash -c 'exec 5<>/dev/tcp/203.0.113.1/7001' 2>/dev/null; }

# conntrackd of that router was told of it.
knows() { # router, port...
	local router=$1 port list
	shift
	list=$(nsenter -t "$(<"$LAB_DIR/$router.pid")" -m -n \
		conntrackd -C /etc/conntrackd/conntrackd.conf -e) || return
	for port; do
		grep -q "ESTABLISHED .* dport=$port " <<<"$list" || return
	done
}

# Three connections: to the outside, the same in IPv6, and from the outside to web.
talk_all() {
	lab_talk client server 203.0.113.1 7001
	lab_talk client server 2001:db8:2::1 7002
	lab_in web /usr/bin/python3 -c '
import socketserver
class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(line)
socketserver.TCPServer(("", 80), Echo).serve_forever()' >/dev/null 2>&1 3>&- &
	echo $! >"$LAB_DIR/web.pid"
	# shellcheck disable=SC2016 # the inner shell's
	lab_in server bash -c '
		until exec 5<>/dev/tcp/203.0.113.4/80; do sleep 0.1; done
		while sleep 0.02; do
			echo word >&5 && read -r -t 30 -u 5 && echo answered || exit
		done' >"$LAB_DIR/talk-80" 2>/dev/null 3>&- &
	echo $! >"$LAB_DIR/talk-80.pid"
	within 600 goes_on 80 0
}

# Both routers run, a leads, three connections are open through it.
running_lab() {
	make_lab
	install_router a
	install_router b
	lab_fwc a compile "$example/policy.fwc" -o "$LAB_DIR/artefact" # one for both
	lab_fwc a apply "$LAB_DIR/artefact"
	lab_fwc b apply "$LAB_DIR/artefact"
	"$@"
	start_router a
	start_router b
	within 600 leads a
	talk_all
}

# The three connections go on through the router that leads now.
all_go_on() {
	local -A before
	local port
	for port in 7001 7002 80; do
		before[$port]=$(answered $port)
	done
	for port in 7001 7002 80; do
		within 600 goes_on $port $((before[$port] + 5))
	done
}

show_logs() { tail -n 40 "$LAB_DIR"/[ab]/log; }

@test "examples/two-routers: the policy compiles, is proved, and its expectations hold" {
	run "$FWC" check "$example/policy.fwc"
	echo "$output"
	[ "$status" = 0 ]
	[ -z "$output" ]
	run "$FWC" compile --elsewhere "$example/policy.fwc" -o "$BATS_TEST_TMPDIR/artefact"
	echo "$output"
	[ "$status" = 0 ]
	run "$FWC" explain '192.168.1.10@lan -> 203.0.113.1@wan https' "$example/policy.fwc"
	echo "$output"
	[[ $output == *203.0.113.4* ]]
}

@test "examples/two-routers: keepalived finds no fault with its configuration, on either router" {
	needs keepalived
	local router
	make_lab
	for router in a b; do
		install_router $router
		# shellcheck disable=SC2016
		run on_router $router 'keepalived -t -i "$1"' $router
		echo "$output"
		[ "$status" = 0 ]
		[ -z "$output" ]
	done
	cmp "$LAB_DIR/a/keepalived/keepalived.conf" "$LAB_DIR/b/keepalived/keepalived.conf"
}

@test "examples/two-routers: connections survive a take-over, and the next one" {
	needs keepalived conntrackd conntrack nsenter
	running_lab true
	within 600 knows b 7001 7002 80
	power_off a port1
	within 600 leads b
	show_logs
	all_go_on
	# In b's kernel the translation is the one that a chose.
	lab_in b conntrack -L -p tcp --orig-port-dst 7001 2>/dev/null | grep ' dst=203.0.113.4 '

	power_on a port1
	within 600 knows a 7001 7002 80
	leads b
	run leads a # it takes nothing back
	[ "$status" != 0 ]
	power_off b port2
	within 600 leads a
	show_logs
	all_go_on
	run grep -ihE 'error|warning|unknown keyword|cannot' "$LAB_DIR"/a/log "$LAB_DIR"/b/log
	echo "$output"
	[ -z "$output" ]
}

@test "examples/two-routers: without conntrackd's state they do not, though new ones open" {
	needs keepalived conntrackd conntrack nsenter
	deaf() { printf '#!/bin/sh\n' >"$LAB_DIR/b/keepalived/conntrack-sync"; }
	running_lab deaf
	within 600 knows b 7001 7002 80
	power_off a port1
	within 600 leads b
	within 600 new_connection
	local before after
	before=$(($(answered 7001) + $(answered 7002) + $(answered 80)))
	sleep 4 # more than the retransmissions of the test above needed
	after=$(($(answered 7001) + $(answered 7002) + $(answered 80)))
	echo "$before, then $after"
	[ "$before" = "$after" ]
}
