#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# TCP connections of this machine that say nothing while the first rules come: conntrack sees no
# packet of them, and they go on all the same.

load ../lab/lab
load ../lab/home
load ../lab/brief

setup() {
	lab_begin
	home_make
	lab_in router sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	# Nobody may open any connection to or from the router.
	cat >"$LAB_DIR/closed.fwc" <<-'END'
		forwarding on
		zone lan { interface eth0; network 192.168.1.0/24, fd00:1::/64 }
		zone wan { interface ppp0 }
		allow lan -> wan https
		masquerade lan -> wan
	END
}

teardown() {
	lab_end
}

# What the kernel tracks in the router, without what changes: one line an entry.
tracked() { # what conntrack -L takes
	{ lab_in router conntrack -L -f ipv4 -p tcp "$@"; lab_in router conntrack -L -f ipv6 -p tcp "$@"; } \
		2>/dev/null
}

six() { # six connections, ports from $1 on: v4, v6 and mapped, to the router and from it
	lab_idles "client router 192.168.1.1 $(($1))" "client router fd00:1::1 $(($1 + 1))" \
		"client router 192.168.1.1 $(($1 + 2)) mapped" "router server 198.51.100.10 $(($1 + 3))" \
		"router server 2001:db8:3::10 $(($1 + 4))" "router server 198.51.100.10 $(($1 + 5)) mapped"
}

all_say() { # first port, who speaks first
	local port other=far

	[ "$2" = near ] || other=near
	for port in 0 1 2 3 4 5; do
		lab_say $(($1 + port)) "$2" && lab_say $(($1 + port)) "$other" || return
	done
}

nobody_comes_in() {
	lab_flows <<-'END'
		client -> router        tcp/22 : dropped
		router -> server        tcp/80 : dropped
		client -> server        tcp/443 : passes as router.out
	END
}

# bats test_tags=vm
@test "silent: connections of this machine go on after the first apply, whoever speaks first" {
	six 7000
	six 7010
	lab_apply router "$LAB_DIR/closed.fwc"
	sleep 2
	all_say 7000 near
	all_say 7010 far
	nobody_comes_in
}

@test "silent: the first apply tracks them as they were opened, as long as the kernel would" {
	six 7000
	lab_idle client router 192.168.1.1 7006 deaf
	lab_idle router router 127.0.0.1 7007
	lab_idle router router ::1 7008
	lab_in router sysctl -qw net.netfilter.nf_conntrack_tcp_timeout_established=400000
	lab_apply router "$LAB_DIR/closed.fwc"
	tracked
	[ "$(tracked | grep -c 'ESTABLISHED.*\[ASSURED\]')" = 7 ]
	[ "$(tracked | wc -l)" = 7 ]
	[ "$(tracked | awk '$3 > 399990 && $3 <= 400000' | wc -l)" = 7 ]
	for port in 7000 7002; do
		tracked | grep "ESTABLISHED src=192.168.1.2 dst=192.168.1.1 sport=[0-9]* dport=$port src=192.168.1.1 "
	done
	tracked | grep "ESTABLISHED src=fd00:1::2 dst=fd00:1::1 sport=[0-9]* dport=7001 src=fd00:1::1 "
	for port in 7003 7005; do
		tracked | grep "ESTABLISHED src=203.0.113.2 dst=198.51.100.10 sport=[0-9]* dport=$port "
	done
	tracked | grep "ESTABLISHED src=2001:db8:2::2 dst=2001:db8:3::10 sport=[0-9]* dport=7004 "
	lab_say 7006 far # whoever opened it: nobody listens on its port
	lab_say 7007 near
	lab_say 7008 far
}

@test "silent: half of a connection is closed, the other half goes on" {
	lab_idle client router 192.168.1.1 7000 half
	lab_apply router "$LAB_DIR/closed.fwc"
	lab_say 7000 far
}

@test "silent: they go on through a trial, its confirmation, and the end of another" {
	six 7000
	lab_fwc router compile "$LAB_DIR/closed.fwc"
	lab_fwc router apply --confirm=60
	all_say 7000 far
	nobody_comes_in
	run lab_fwc router confirm
	echo "$output"
	[ "$status" = 0 ]
	[[ $output != *"ended"* ]]
	all_say 7000 near
	lab_fwc router stop
	six 7010
	brief lab_fwc router
	echo "$output"
	all_say 7010 near
	expired "$LAB_DIR/state-router"
	lab_fwc router status && return 1
	all_say 7010 far
	all_say 7000 far
}

@test "silent: after a stop, those of before and of since go on" {
	lab_talk client router 192.168.1.1 7009
	lab_idle router server 198.51.100.10 7008
	lab_apply router "$LAB_DIR/closed.fwc"
	lab_say 7008 far
	lab_fwc router stop
	six 7000
	lab_goes_on 7009
	lab_say 7008 near
	lab_fwc router apply
	lab_goes_on 7009
	lab_say 7008 far
	all_say 7000 far
	nobody_comes_in
}

@test "silent: what is tracked already is left as it is" {
	lab_in router nft 'table inet other { chain c { type filter hook input priority 0; ct state invalid counter; }; }'
	six 7000
	tracked -o id | sed 's/^tcp *6 [0-9]* //' | sort >"$LAB_DIR/before"
	[ "$(wc -l <"$LAB_DIR/before")" = 6 ]
	lab_apply router "$LAB_DIR/closed.fwc"
	tracked -o id | sed 's/^tcp *6 [0-9]* //' | sort | diff "$LAB_DIR/before" -
	all_say 7000 far
}

@test "silent: of what only goes through, what spoke since conntrack was started earlier goes on" {
	sed -i 's/^masquerade/#&/' "$LAB_DIR/closed.fwc"
	lab_idle client server 198.51.100.10 7000
	lab_idle client server 198.51.100.10 7001
	# as in fwc(8), "The first apply"
	lab_in router nft 'table inet early { chain early { ct state new; }; }'
	lab_say 7000 near
	lab_apply router "$LAB_DIR/closed.fwc"
	lab_in router nft delete table inet early
	lab_say 7000 far
	# nobody can know of the other one
	run lab_say 7001 far
	[ "$status" = 1 ]
}

@test "silent: also where the kernel takes up nothing in mid-stream" {
	lab_in router sysctl -qw net.netfilter.nf_conntrack_tcp_loose=0
	six 7000
	lab_talk router server 198.51.100.10 7009
	lab_apply router "$LAB_DIR/closed.fwc"
	all_say 7000 far
	lab_goes_on 7009
	nobody_comes_in
}

@test "silent: also after an apply that died when it had staged" {
	six 7000
	lab_fwc router compile "$LAB_DIR/closed.fwc"
	{
		echo 'table inet fwc {'
		sed -n '/^\tset /,/^\t}/p; /^\tmap /,/^\t}/p; /^\tchain .*\.[0-9a-f]* {/,/^\t}/p' \
			"$LAB_DIR/state-router/candidate/ruleset.nft"
		echo '}'
	} >"$LAB_DIR/staged.nft"
	lab_in router nft -f "$LAB_DIR/staged.nft"
	run lab_fwc router apply -v
	echo "$output"
	[ "$status" = 0 ]
	[[ $output = *"0 new objects"* ]]
	all_say 7000 far
}
