#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Loopback addresses are this machine's own matter, even where route_localnet lets neighbours call them.

load ../lab/lab

setup() {
	lab_begin
	lab_firewall router
	lab_host host
	lab_cable router:eth0 host:eth0
	lab_addr router eth0 192.0.2.1/24 2001:db8::1/64
	lab_addr host eth0 192.0.2.9/24 2001:db8::9/64
	# the neighbour calls and claims addresses of 127.0.0.0/8, and the router does not mind
	for name in router host; do
		lab_in $name sysctl -qw net.ipv4.conf.all.route_localnet=1
	done
	ip -n "$LAB-host" addr del 127.0.0.1/8 dev lo
	lab_route host 127.0.0.0/8 via 192.0.2.1 src 192.0.2.9
	lab_route host local 127.0.0.9 dev eth0
	cat >"$LAB_DIR/p.fwc" <<-'END'
		zone lan { interface eth0; network 192.0.2.0/24, 2001:db8::/64 }
		allow lan -> self tcp/80, udp/80, icmp
		allow self -> any
		dnat lan -> self tcp/8080 to 127.0.0.1:80
		expect drop lan -> 127.0.0.1 http
		expect drop 127.0.0.9@lan -> self http
		expect drop ::1@lan -> self http
		expect drop lan -> ::1 http
		expect allow lan -> self http
	END
}

teardown() {
	lab_end
}

# Opens a TCP connection, and says what came back.
call() { # HOST ADDRESS PORT [FROM]
	lab_in "$1" /usr/bin/python3 - "${@:2}" <<-'END'
		import socket, sys
		to, port, source = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
		s = socket.socket(socket.AF_INET6 if ':' in to else socket.AF_INET)
		s.settimeout(1)
		if source:
		    s.setsockopt(socket.SOL_IP, 15, 1) # IP_FREEBIND
		    s.bind((source[0], 0))
		try:
		    s.connect((to, port))
		    print(s.recv(20).decode())
		except OSError as e:
		    print('nothing')
	END
}

# Greets whoever comes to this address.
serve() { # ADDRESS PORT
	lab_in router /usr/bin/python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind((sys.argv[1], int(sys.argv[2])))
s.listen(50)
print("there", flush=True)
while True:
    c, _ = s.accept()
    c.sendall(b"welcome")
    c.close()' "$@" >"$LAB_DIR/serve-$1" 3>&- &
	echo $! >"$LAB_DIR/serve-$1.pid"
	until [ -s "$LAB_DIR/serve-$1" ]; do sleep 0.02; done
}

@test "what listens on 127.0.0.1 hears no neighbour, but by dnat" {
	serve 127.0.0.1 80
	[ "$(call host 127.0.0.1 80)" = welcome ] # that is what route_localnet does
	lab_apply router "$LAB_DIR/p.fwc"
	[ "$(call host 127.0.0.1 80)" = nothing ]
	[ "$(call host 127.3.2.1 80)" = nothing ]
	[ "$(call host 192.0.2.1 8080)" = welcome ]
	[ "$(call router 127.0.0.1 80)" = welcome ]
	lab_fwc router show | grep -A9 'chain prerouting' >"$LAB_DIR/shown"
	run lab_fwc router counters
	echo "$output"
	[[ $output == *"loopback address, not from loopback"* ]]
}

@test "a neighbour that claims a loopback address is not heard" {
	serve 192.0.2.1 80
	lab_apply router "$LAB_DIR/p.fwc"
	[ "$(call host 192.0.2.1 80)" = welcome ]
	lab_in router nft -f - <<-'END'
		table inet watch {
			chain in { type filter hook input priority -400; ip saddr 127.0.0.0/8 iifname eth0 counter name came; }
			chain pre { type filter hook prerouting priority -400; ip saddr 127.0.0.9 counter name arrived; }
			counter came { }
			counter arrived { }
		}
	END
	call host 192.0.2.1 80 127.0.0.9 >/dev/null
	lab_in router nft list counter inet watch arrived >"$LAB_DIR/arrived"
	grep -q 'packets [1-9]' "$LAB_DIR/arrived"
	lab_in router nft list counter inet watch came | grep -q 'packets 0'
}

@test "a connection of before is forbidden, and ends" {
	# tracked before fwc is there; a first apply ends nothing
	lab_in router nft 'table inet track { chain in { type filter hook input priority 0; ct state new accept; }; }'
	lab_idle host router 127.0.0.1 80
	lab_idle host router 192.0.2.1 81
	sed -i 's/udp\/80/tcp\/81/' "$LAB_DIR/p.fwc"
	lab_apply router "$LAB_DIR/p.fwc"
	run lab_fwc router flows --forbidden
	echo "$output"
	[[ $output == *"-> 127.0.0.1:80"*"FORBIDDEN: drop, by fwc: loopback address, not from loopback"* ]]
	[[ $output != *:81* ]]
	echo 'allow lan -> self tcp/82' >>"$LAB_DIR/p.fwc"
	lab_fwc router compile "$LAB_DIR/p.fwc"
	run lab_fwc router apply
	echo "$output"
	[[ $output == *"1 connection ended"* ]]
	lab_say 81 near
	lab_in router conntrack -L -p tcp --dport 80 >"$LAB_DIR/tracked" 2>/dev/null
	[ "$(grep -c 127.0.0.1 "$LAB_DIR/tracked")" = 0 ]
}

@test "on trial, and back" {
	serve 127.0.0.1 80
	lab_fwc router compile "$LAB_DIR/p.fwc"
	lab_fwc router apply --confirm=60
	[ "$(call host 127.0.0.1 80)" = nothing ]
	lab_fwc router rollback
	[ "$(call host 127.0.0.1 80)" = welcome ]
	lab_fwc router apply --confirm=60
	lab_fwc router confirm
	[ "$(call host 127.0.0.1 80)" = nothing ]
	lab_fwc router stop
	[ "$(call host 127.0.0.1 80)" = welcome ]
	lab_fwc router boot
	[ "$(call host 127.0.0.1 80)" = nothing ]
}

# as_user USER ADDRESS PORT: calls it, and says what came back
as_user() {
	lab_in router /usr/bin/python3 - "$@" <<-'END'
		import os, socket, sys
		os.setgroups([])
		os.setgid(int(sys.argv[1]))
		os.setuid(int(sys.argv[1]))
		try:
		    print(socket.create_connection((sys.argv[2], int(sys.argv[3])), 30).recv(20).decode())
		except ConnectionRefusedError:
		    print('refused')
	END
}

@test "no rule closes loopback; a table beside fwc's does" {
	cat >"$LAB_DIR/p.fwc" <<-'END'
		zone lan { interface eth0 }
		zone tor { within self; user 8 }
		drop self -> self tcp/9050
		drop self -> 192.0.2.1 tcp/9050
		drop self -> any tcp/9050 user 7
		allow self -> any
		redirect self -> 127.0.0.1 tcp/9051 to :9050
		expect allow self -> self tcp/9050 user 7
		expect allow tor -> self tcp/9050
	END
	lab_apply router "$LAB_DIR/p.fwc"
	serve 127.0.0.1 9050
	serve ::1 9050
	[ "$(as_user 7 127.0.0.1 9050) $(as_user 7 ::1 9050) $(as_user 7 127.0.0.1 9051)" = "welcome welcome welcome" ]
	# the manual's
	sed -n '/^table inet local {/,/^}/p' "$BATS_TEST_DIRNAME/../../man/fwc.policy.5" >"$LAB_DIR/local.nft"
	lab_in router nft -f "$LAB_DIR/local.nft"
	[ "$(as_user 8 127.0.0.1 9050) $(as_user 8 ::1 9050) $(as_user 8 127.0.0.1 9051)" = "welcome welcome welcome" ]
	[ "$(as_user 7 127.0.0.1 9050) $(as_user 7 ::1 9050) $(as_user 7 127.0.0.1 9051)" = "refused refused refused" ]
	echo 'allow lan -> self ping' >>"$LAB_DIR/p.fwc"
	lab_fwc router compile "$LAB_DIR/p.fwc"
	lab_fwc router apply
	[ "$(as_user 7 127.0.0.1 9050) $(as_user 8 127.0.0.1 9050)" = "refused welcome" ]
}

@test "of ::1 nothing comes from outside, with fwc or without" {
	lab_apply router "$LAB_DIR/p.fwc"
	serve ::1 80
	[ "$(call router ::1 80)" = welcome ]
	ip -n "$LAB-host" addr del ::1/128 dev lo
	lab_route host ::1/128 via 2001:db8::1
	[ "$(call host ::1 80)" = nothing ]
	run lab_fwc router explain 'lan -> ::1 http' "$LAB_DIR/p.fwc"
	echo "$output"
	[[ $output == *prerouting*drop*"fwc: loopback address, not from loopback"*dropped* ]]
	[[ $output != *accepted* ]]
	run lab_fwc router explain --live '127.0.0.9@lan -> self http' "$LAB_DIR/p.fwc"
	echo "$output"
	[[ $output == *"chain prerouting: drop"*dropped* && $output != *accepted* ]]
	# nobody is told of them who did not ask
	run lab_fwc router explain 'lan -> self http' "$LAB_DIR/p.fwc"
	[[ $output != *127.* && $output != *"loopback address"* ]]
}
