#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Connections that run when rules change: those that the new rules refuse end, others do not notice.

load ../lab/lab
load ../lab/home

setup() {
	lab_begin
	home_make
	lab_in router conntrack -L >/dev/null 2>&1 # loads what the next line sets
	lab_in router sysctl -qw net.netfilter.nf_conntrack_acct=1 net.netfilter.nf_conntrack_tcp_loose=1 \
		net.netfilter.nf_conntrack_udp_timeout=600
	export SSH_CONNECTION=
}

teardown() {
	lab_end
}

# Lines: the policy, without those that matter to a test.
policy() {
	{
		cat <<-'END'
			forwarding on
			zone lan { interface eth0; network 192.168.1.0/24, fd00:1::/64, 2001:db8:1::/64 }
			zone wan { interface ppp0 }
			host nas = 192.168.1.10, fd00:1::10
			host client = 192.168.1.2
			allow self -> any
			allow lan -> self
		END
		printf '%s\n' "$@"
		echo 'masquerade lan -> wan'
	} >"$LAB_DIR/policy.fwc"
}

compile() { # rules
	policy "$@"
	lab_fwc router compile "$LAB_DIR/policy.fwc"
}

apply() { # rules
	compile "$@"
	lab_fwc router apply
}

talk() { # name, and what chatter takes; until both ends hear each other
	local name=$1 kind=$2 from=$3 to=$4

	shift 4
	/usr/bin/python3 "$LAB_HERE/chatter" "$kind" "/run/netns/$LAB-$from" "/run/netns/$LAB-$to" "$@" \
		>"$LAB_DIR/$name.heard" 2>"$LAB_DIR/$name.said" 3>&- &
	echo $! >"$LAB_DIR/$name.pid"
	for _ in $(seq 600); do
		[ "$kind" = many ] && grep -q "done" "$LAB_DIR/$name.heard" && return
		grep -q near "$LAB_DIR/$name.heard" && grep -q far "$LAB_DIR/$name.heard" && return
		sleep 0.05
	done
	cat "$LAB_DIR/$name.said"
	return 1
}

now() { /usr/bin/python3 -c 'import time; print(time.monotonic())'; }

heard() { # name, end, from, to: words heard that were said between these times
	awk -v end="$2" -v from="$3" -v to="$4" '$1 == end && $2 > from && $2 <= to { n++ } END { print n + 0 }' \
		"$LAB_DIR/$1.heard"
}

# What was said since then is not heard: of each, in half a second, either end.
silent() { # time, name...
	local name

	sleep 0.5
	for name in "${@:2}"; do
		echo "$name: is it silent?"
		[ "$(heard "$name" near "$1" 1e12)" = 0 ]
		[ "$(heard "$name" far "$1" 1e12)" = 0 ]
	done
}

both_heard() { # name, from, to: some words were, or will be
	for _ in $(seq 600); do
		[ "$(heard "$1" near "$2" "$3")" -lt 5 ] || [ "$(heard "$1" far "$2" "$3")" -lt 5 ] || return 0
		sleep 0.05
	done
	echo "$1 was not heard at both ends"
	return 1
}

entries() { # of UDP to that port: ids and counters
	lab_in router conntrack -L -p udp --dport "$1" -o id 2>/dev/null |
		sed 's/\[[A-Z]*\]//g; s/^udp *17 [0-9]* //' | sort
}

@test "tightened: TCP and UDP stop in both directions, 1000 other connections do not notice" {
	apply 'allow lan -> wan'
	talk tcp tcp client server 198.51.100.10 7001
	talk udp udp client server 198.51.100.10 7002
	talk tcp6 tcp client server 2001:db8:3::10 7003
	talk udp6 udp client server 2001:db8:3::10 7004
	talk stays udp client server 198.51.100.10 7005
	talk many many client server 198.51.100.10 7006 1000
	entries 7006 >"$LAB_DIR/before"
	[ "$(wc -l <"$LAB_DIR/before")" = 1000 ]
	compile 'drop lan -> wan tcp/7001, udp/7002, tcp/7003, udp/7004' 'allow lan -> wan'
	run lab_fwc router diff
	echo "$output"
	[[ $output = *"ends 4 connections:"*"tcp 192.168.1.2:"*" -> 198.51.100.10:7001"*"drop, by"*"drop lan -> wan"* ]]
	begun=$(now)
	run lab_fwc router apply
	ended=$(now)
	echo "$output"
	[ "$status" = 0 ]
	[[ $output = *"4 connections ended"* ]]
	silent "$ended" tcp udp tcp6 udp6
	both_heard stays "$begun" "$ended"
	both_heard stays "$ended" 1e12
	entries 7006 | diff "$LAB_DIR/before" -
}

@test "of this machine: what came in and what it opened stop" {
	apply 'allow wan -> self tcp/7001, udp/7002'
	talk in tcp server router 203.0.113.2 7001
	talk in6 udp server router 2001:db8:2::2 7002
	talk out tcp router server 198.51.100.10 7003
	policy
	sed -i 's/^allow self -> any/allow self -> lan/' "$LAB_DIR/policy.fwc"
	lab_fwc router compile "$LAB_DIR/policy.fwc"
	run lab_fwc router apply
	ended=$(now)
	echo "$output"
	[[ $output = *"3 connections ended"* ]]
	silent "$ended" in in6 out
}

@test "a translation whose target changed ends, one that stays goes on" {
	local allowed='allow wan -> client@lan, nas@lan'

	lab_route server 203.0.113.0/24 via 198.51.100.1
	apply "$allowed" 'dnat wan -> self tcp/7001 to 192.168.1.10:8001' \
		'dnat wan -> self udp/7002 to 192.168.1.10' 'dnat wan -> self tcp/7003 to 192.168.1.10'
	talk moved tcp server nas 203.0.113.2 7001 0 192.168.1.10:8001
	talk port udp server nas 203.0.113.2 7002 0 192.168.1.10:7002
	talk stays tcp server nas 203.0.113.2 7003 0 192.168.1.10:7003
	compile "$allowed" 'dnat wan -> self tcp/7001 to 192.168.1.2:8001' \
		'dnat wan -> self udp/7002 to 192.168.1.10:7012' 'dnat wan -> self tcp/7003 to 192.168.1.10'
	run lab_fwc router apply --dry-run
	echo "$output"
	[[ $output = *"ends 2 connections"*"sent on to 192.168.1.10:8001"*"now translated differently"*"dnat wan -> self tcp/7001"* ]]
	run lab_fwc router apply
	ended=$(now)
	echo "$output"
	[[ $output = *"2 connections ended"* ]]
	silent "$ended" moved
	[ "$(heard port far "$ended" 1e12)" = 0 ]
	both_heard stays "$ended" 1e12
}

@test "snat to another address ends; masqueraded connections do not" {
	ip -n "$LAB-router" addr add 203.0.113.5/24 dev ppp0
	ip -n "$LAB-router" addr add 203.0.113.6/24 dev ppp0
	apply 'allow lan -> wan' 'snat client -> wan tcp/7001 to 203.0.113.5'
	talk snat tcp client server 198.51.100.10 7001
	talk masq tcp client server 198.51.100.10 7002
	apply 'allow lan -> wan tcp' 'snat client -> wan tcp/7001 to 203.0.113.5'
	both_heard snat "$(now)" 1e12
	apply 'allow lan -> wan tcp' 'snat client -> wan tcp/7001 to 203.0.113.6'
	ended=$(now)
	silent "$ended" snat
	both_heard masq "$ended" 1e12
}

# bats test_tags=vm
@test "--keep-flows and live-flows keep leave them; --end-flows ends what the policy keeps" {
	apply 'allow lan -> wan'
	talk kept tcp client server 198.51.100.10 7001
	compile
	run lab_fwc router apply --dry-run --keep-flows
	echo "$output"
	[[ $output = *"1 connection that these rules refuse goes on"* ]]
	lab_fwc router apply --keep-flows
	ended=$(now)
	both_heard kept "$ended" 1e12
	apply 'live-flows keep' 'drop any -> self tcp/1'
	ended=$(now)
	both_heard kept "$ended" 1e12
	compile 'live-flows keep' 'drop any -> self tcp/2'
	run lab_fwc router apply --end-flows
	ended=$(now)
	echo "$output"
	[[ $output = *"1 connection ended"* ]]
	silent "$ended" kept
}

@test "a trial ends nothing until it is confirmed" {
	apply 'allow lan -> wan'
	talk tcp tcp client server 198.51.100.10 7001
	compile
	run lab_fwc router apply --confirm=60
	begun=$(now)
	echo "$output"
	[[ $output = *"fwc confirm\` will end 1 connection "* ]]
	both_heard tcp "$begun" 1e12
	run lab_fwc router confirm
	ended=$(now)
	echo "$output"
	[[ $output = *"1 connection ended"* ]]
	silent "$ended" tcp
}

@test "rollback and the end of a trial end what the rules that come back refuse" {
	apply
	apply 'allow lan -> wan'
	talk tcp tcp client server 198.51.100.10 7001
	run lab_fwc router rollback --keep-flows
	ended=$(now)
	both_heard tcp "$ended" 1e12
	lab_fwc router rollback
	run lab_fwc router rollback 1
	ended=$(now)
	echo "$output"
	[[ $output = *"1 connection ended"* ]]
	silent "$ended" tcp
	compile 'allow lan -> wan'
	lab_fwc router apply --confirm=60
	talk trial udp client server 198.51.100.10 7002
	lab_fwc router rollback
	ended=$(now)
	silent "$ended" trial
}

@test "the session of ssh that applies goes on, even with --force" {
	apply 'allow wan -> self'
	talk ssh tcp server router 203.0.113.2 22 40022
	talk other tcp server router 203.0.113.2 7001
	compile 'drop wan -> self tcp/7001'
	SSH_CONNECTION="198.51.100.10 40022 203.0.113.2 22" run lab_fwc router apply --force
	ended=$(now)
	echo "$output"
	[ "$status" = 0 ]
	[[ $output = *"1 connection ended"* ]]
	both_heard ssh "$ended" 1e12
	silent "$ended" other
}

@test "the first apply ends nothing; what was taken up then is judged either way round" {
	lab_in router sysctl -qw net.ipv4.ip_forward=1
	talk tcp tcp client server 198.51.100.10 7001
	policy 'allow lan -> wan'
	sed -i '/^masquerade/d' "$LAB_DIR/policy.fwc"
	lab_fwc router compile "$LAB_DIR/policy.fwc"
	lab_fwc router apply
	ended=$(now)
	both_heard tcp "$ended" 1e12
	# whoever was heard first then: the client may have opened it
	echo 'drop any -> self tcp/1' >>"$LAB_DIR/policy.fwc"
	lab_fwc router compile "$LAB_DIR/policy.fwc"
	lab_fwc router apply
	ended=$(now)
	both_heard tcp "$ended" 1e12
}

@test "what another table translates is not held against our rules" {
	ip netns exec "$LAB-router" nft -f - <<-'END'
		table ip docker {
			chain pre {
				type nat hook prerouting priority -100
				iifname "ppp0" tcp dport 7001 dnat to 192.168.1.10:8001
			}
		}
	END
	apply 'allow wan -> nas@lan' 'allow lan -> wan'
	talk docker tcp server nas 203.0.113.2 7001 0 192.168.1.10:8001
	apply 'allow wan -> nas@lan tcp/8001'
	ended=$(now)
	both_heard docker "$ended" 1e12
	apply 'allow lan -> wan'
	ended=$(now)
	silent "$ended" docker
}

@test "in a zone of conntrack, of both directions or of one, they end as well" {
	ip netns exec "$LAB-router" nft -f - <<-'END'
		table inet zones {
			chain pre {
				type filter hook prerouting priority raw
				iifname "eth0" tcp dport 7001 ct zone set 5
				iifname "eth0" tcp dport 7002 ct original zone set 6
				iifname "ppp0" tcp dport 7003 ct original zone set 7
			}
			chain out {
				type filter hook output priority raw
				oifname "eth0" tcp sport 7001 ct zone set 5
			}
		}
	END
	apply 'allow wan -> self tcp/7003, tcp/7004' 'allow lan -> wan tcp/7002'
	talk both tcp client router 192.168.1.1 7001
	talk through tcp client server 198.51.100.10 7002
	talk in tcp server router 203.0.113.2 7003
	lab_in router conntrack -L 2>/dev/null | grep -q zone-orig=7
	apply 'allow wan -> self tcp/7003' 'allow lan -> wan tcp/7002'
	ended=$(now)
	both_heard both "$ended" 1e12
	both_heard through "$ended" 1e12
	both_heard in "$ended" 1e12
	policy 'allow wan -> self tcp/7004'
	sed -i 's/^allow lan -> self/& udp/' "$LAB_DIR/policy.fwc"
	lab_fwc router compile "$LAB_DIR/policy.fwc"
	run lab_fwc router apply
	ended=$(now)
	echo "$output"
	[[ $output = *"3 connections ended"* ]]
	silent "$ended" both through in
}

# Two ways to far: answers take the one that the rules of routing say, which a question by address
# alone does not tell.
@test "answers routed by mark, protocol or port: what is allowed goes on, what is not ends" {
	lab_cable far:eth1 router:eth1
	lab_addr far eth1 10.9.0.2/24
	lab_addr router eth1 10.9.0.1/24
	ip -n "$LAB-far" route add 10.9.0.1/32 dev eth1 src 192.0.2.10
	lab_in router sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.eth1.rp_filter=0
	lab_in far sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.eth1.rp_filter=0
	ip -n "$LAB-router" route add default via 10.9.0.2 table 100
	ip -n "$LAB-router" rule add ipproto tcp sport 7001 lookup 100
	ip -n "$LAB-router" rule add fwmark 0x2/0xf lookup 100
	ip netns exec "$LAB-router" nft -f - <<-'END'
		table ip pbr {
			chain in {
				type filter hook prerouting priority mangle
				iifname "eth1" tcp dport 7002 ct mark set 2
			}
			chain out {
				type route hook output priority mangle
				ct mark 2 meta mark set ct mark
			}
		}
	END
	apply 'zone second { interface eth1 }' 'allow second -> self tcp/7001, tcp/7002'
	talk port tcp far router 10.9.0.1 7001
	talk mark tcp far router 10.9.0.1 7002
	begun=$(now)
	apply 'zone second { interface eth1 }' 'allow second -> self tcp/7001, tcp/7002' 'allow lan -> wan tcp/9'
	ended=$(now)
	both_heard port "$begun" "$ended"
	both_heard port "$ended" 1e12
	both_heard mark "$ended" 1e12
	compile 'zone second { interface eth1 }' 'allow wan -> self tcp/7001' 'allow second -> self tcp/9'
	run lab_fwc router apply
	ended=$(now)
	echo "$output"
	[[ $output = *"2 connections ended"* ]]
	silent "$ended" mark port
}

@test "GRE has no ports: its call id is none, and what is refused ends" {
	call() { # id
		lab_in client /usr/bin/python3 -c 'import socket, struct, sys
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, 47)
s.sendto(struct.pack("!HHHHI", 0x3001, 0x880b, 8, int(sys.argv[1]), 1) + bytes(8), ("192.168.1.1", 0))' "$1"
	}
	policy 'allow lan -> wan'
	sed -i 's/^allow lan -> self/& gre/' "$LAB_DIR/policy.fwc"
	lab_fwc router compile "$LAB_DIR/policy.fwc"
	lab_fwc router apply
	call 77
	run lab_fwc router flows
	echo "$output"
	[[ $output = *"protocol 47"*"allow lan -> self gre"* && $output != *"not known"* && $output != *:77* ]]
	policy 'allow lan -> wan'
	sed -i 's/^allow lan -> self/& ssh/' "$LAB_DIR/policy.fwc"
	lab_fwc router compile "$LAB_DIR/policy.fwc"
	run lab_fwc router apply
	echo "$output"
	[[ $output = *"1 connection ended"* ]]
	[ -z "$(lab_in router conntrack -L -p gre 2>/dev/null)" ]
}

@test "an open limit, a dynamic set, a user: not refused for sure, so not ended" {
	apply 'allow lan -> wan' 'set guests = dynamic, timeout 1h'
	talk limit tcp client server 198.51.100.10 7001
	talk set tcp client server 198.51.100.10 7002
	talk user tcp router server 198.51.100.10 7003
	policy 'set guests = dynamic, timeout 1h' 'allow lan -> wan tcp/7001 limit 1/hour burst 1' \
		'allow guests@lan -> wan tcp/7002' 'allow self -> wan tcp/7003 user nobody'
	sed -i '/^allow self -> any/d' "$LAB_DIR/policy.fwc"
	lab_fwc router compile "$LAB_DIR/policy.fwc"
	lab_fwc router apply
	ended=$(now)
	both_heard limit "$ended" 1e12
	both_heard set "$ended" 1e12
	both_heard user "$ended" 1e12
}
