#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # lab.bash and bats set them
# Panic: all stops but loopback and the session that said so, with or without a firewall below.

bats_require_minimum_version 1.5.0
load ../lab/lab

setup_file() {
	lab_begin
	lab_host admin thief server
	lab_switch lan
	lab_firewall router
	lab_cable admin:eth0 lan
	lab_cable thief:eth0 lan
	lab_cable router:eth0 lan
	lab_cable server:eth0 router:eth1
	lab_addr router eth0 10.7.0.1/24 fd07::1/64
	lab_addr router eth1 10.8.0.1/24 fd08::1/64
	lab_addr admin eth0 10.7.0.2/24 fd07::2/64
	lab_addr thief eth0 10.7.0.3/24 fd07::3/64
	lab_addr server eth0 10.8.0.2/24 fd08::2/64
	lab_alias router.lo router 127.0.0.1 ::1
	local host
	for host in admin thief; do
		lab_route $host 10.8.0.0/24 via 10.7.0.1
		lab_route $host fd08::/64 via fd07::1
	done
	lab_route server 10.7.0.0/24 via 10.8.0.1
	lab_route server fd07::/64 via fd08::1
	cat >"$LAB_DIR/open.fwc" <<-'END'
		forwarding on
		zone lan { interface eth0 }
		zone far { interface eth1 }
		allow any -> any
	END
	lab_apply router "$LAB_DIR/open.fwc"
}
teardown_file() { lab_end; }
setup() { unset SSH_CONNECTION; }
teardown() {
	SSH_CONNECTION='' lab_fwc router stop >/dev/null 2>&1 || true
	SSH_CONNECTION='' lab_fwc router rollback >/dev/null 2>&1 || true
	SSH_CONNECTION='' lab_apply router "$LAB_DIR/open.fwc" >/dev/null
}

all_pass() {
	lab_flows <<-'END'
		admin  -> router tcp/22    : passes
		thief  -> router tcp/22    : passes
		admin  -> router ping      : passes
		admin  -> server tcp/80    : passes
		router -> server udp/53    : passes
		router.lo -> router.lo tcp/80 : passes
	END
}

@test "panic: the ssh session stays, and may be opened anew; established connections of others are cut" {
	all_pass
	lab_talk admin router 10.7.0.1 22
	lab_talk thief router 10.7.0.1 8080
	lab_talk thief server 10.8.0.2 9090
	lab_goes_on 22
	lab_goes_on 8080
	lab_goes_on 9090
	SSH_CONNECTION="10.7.0.2 40000 10.7.0.1 22" run lab_fwc router panic
	echo "$output"
	[ "$status" = 0 ]
	[[ $output = *"ssh from 10.7.0.2 (tcp port 22)"*"fwc rollback"* ]]
	lab_goes_on 22
	lab_stops 8080
	lab_stops 9090
	cat "$LAB_DIR"/*.pid | xargs kill -9
	rm "$LAB_DIR"/*.pid
	lab_flows <<-'END'
		v4 admin  -> router tcp/22 : passes
		v6 admin  -> router tcp/22 : dropped
		admin  -> router tcp/23    : dropped
		admin  -> router ping      : dropped
		admin  -> server tcp/80    : dropped
		thief  -> router tcp/22    : dropped
		thief  -> server ping      : dropped
		server -> admin  udp/53    : dropped
		router.lo -> router.lo tcp/80 : passes
	END
	run lab_fwc router status
	echo "$output"
	[ "$status" = 1 ]
	[[ ${lines[0]} = PANIC*"by "*"everything is dropped"* ]]
	[[ $output = *"holds what was applied"* && $output != *"warning"* ]]
	lab_fwc router --json status | grep -q '"kept": "loopback, ssh from 10.7.0.2 (tcp port 22)"'
	lab_fwc router metrics | grep -qx 'fwc_panic 1'

	run lab_fwc router rollback 1
	[ "$status" = 3 ]
	[[ $output = *"panic is on"* ]]
	run lab_fwc router stop
	[ "$status" = 3 ]
	[[ $output = *"panic is on"* ]]
	run lab_fwc router rollback
	[ "$status" = 0 ]
	all_pass
	run lab_fwc router status
	[ "$status" = 0 ]
	[[ $output != *PANIC* ]]
}

@test "panic: --keep lets in an address or a network, of either family" {
	SSH_CONNECTION='' run lab_fwc router panic --keep fd07::/64 --keep 10.7.0.3
	echo "$output"
	[ "$status" = 0 ]
	lab_flows <<-'END'
		v4 admin -> router tcp/22  : dropped
		v6 admin -> router tcp/22  : passes
		v6 admin -> router ping    : passes
		v6 admin -> server tcp/80  : dropped
		v4 thief -> router udp/53  : passes
		server -> router tcp/22    : dropped
	END
	SSH_CONNECTION='' lab_fwc router panic # said again: nothing but loopback
	lab_flows <<-'END'
		thief -> router udp/53     : dropped
		router.lo -> router.lo tcp/80 : passes
	END
	lab_fwc router rollback
}

@test "panic: an ssh session is found through sudo and su, which hide it" {
	local hide='export -n SSH_CONNECTION; env -u SSH_CONNECTION "$@"; exit $?'
	SSH_CONNECTION="fd07::2 40000 fd07::1 2222" run bash -c "$hide" sh \
		"$FWC" --netns "$LAB-router" --state "$LAB_DIR/panic" panic
	echo "$output"
	[ "$status" = 0 ]
	[[ $output = *"ssh from fd07::2 (tcp port 2222)"* ]]
	run "$FWC" --netns "$LAB-router" --state "$LAB_DIR/panic" rollback
	[ "$status" = 0 ]
	all_pass
}

@test "panic: without a firewall, a state directory or a lock it acts just the same" {
	SSH_CONNECTION='' lab_fwc router stop
	run env SSH_CONNECTION="10.7.0.2 40000 10.7.0.1 22" \
		"$FWC" --netns "$LAB-router" --state /proc/nowhere panic
	echo "$output"
	[ "$status" = 0 ]
	lab_flows <<-'END'
		v4 admin -> router tcp/22 : passes
		thief -> router tcp/22    : dropped
		admin -> server tcp/80    : dropped
	END
	run "$FWC" --netns "$LAB-router" --state /proc/nowhere status
	[[ ${lines[0]} = PANIC* ]]
	run "$FWC" --netns "$LAB-router" --state /proc/nowhere rollback
	[ "$status" = 0 ]
	lab_flows <<-'END'
		thief -> router tcp/22 : passes
	END
}

@test "panic: an apply below it says that it does not act yet" {
	SSH_CONNECTION='' lab_fwc router panic
	echo 'allow any -> self tcp/22' >"$LAB_DIR/ssh.fwc"
	lab_fwc router compile "$LAB_DIR/ssh.fwc"
	SSH_CONNECTION='' run lab_fwc router apply
	echo "$output"
	[ "$status" = 0 ]
	[[ $output = *"warning: a panic is on"* ]]
	lab_flows <<<'thief -> router tcp/22 : dropped'
	lab_fwc router rollback
	lab_flows <<<'thief -> router tcp/22 : passes'
	lab_flows <<<'thief -> router tcp/23 : dropped'
}

@test "panic: what is no address is refused, and nothing happens" {
	local bad
	for bad in '' 10.7.0.3/33 10.7.0.3/ 10.7.0 fd07::/129 'fd07::2 accept' '0.0.0.0/0; drop' example.org; do
		SSH_CONNECTION='' run lab_fwc router panic --keep "$bad"
		[ "$status" = 2 ]
		[[ $output = *"not an address or network"* ]]
	done
	SSH_CONNECTION='somewhere else' run lab_fwc router panic
	echo "$output"
	[ "$status" = 2 ]
	[[ $output = *"--keep ADDRESS"* ]]
	lab_in router nft list tables | grep -c panic && return 1
	all_pass
}
