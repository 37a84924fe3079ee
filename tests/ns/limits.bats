#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Limits that rules share and those of prefixes, numbers of connections, what else says, changes of
# sets, and logs with a rate, a level or a group. Budgets are of a day, so that no time refills them.

load ../lab/lab

setup_file() {
	lab_begin
	lab_firewall router
	lab_host client
	lab_cable router:eth0 client:eth0
	lab_addr router eth0 10.1.0.1/16 fd00:1::1/32
	lab_addr client eth0 10.1.1.2/16 fd00:1::2/32
	for n in 10.1.1.3 10.1.2.2 10.1.2.3; do
		ip -n "$LAB-client" addr add $n/16 dev eth0
	done
	for n in fd00:1::3 fd00:1:0:1::2; do
		ip -n "$LAB-client" addr add $n/32 dev eth0 nodad
	done
	policy >"$LAB_DIR/p.fwc"
	lab_apply router "$LAB_DIR/p.fwc"
}

teardown_file() {
	lab_end
}

policy() {
	cat <<-'END'
		zone lan { interface eth0 }
		set bans   = dynamic, timeout 1h
		set called = dynamic, timeout 1h
		set tiny   = dynamic, timeout 1h, size 1
		limit some = 4/day burst 4
		limit each = 2/day burst 2 per source /24, /64
		drop  bans@lan -> self
		allow lan -> self tcp/101 limit some
		allow lan -> self tcp/102 limit some
		allow lan -> self tcp/103, udp/103 limit each
		allow lan -> self tcp/104 limit each else reject log "more"
		allow lan -> self tcp/105 limit 2/day burst 2 per source /24, /64
		allow lan -> self tcp/111, udp/111 max 2 connections
		allow lan -> self tcp/112, udp/112 max 2 connections per source else reject
		allow lan -> self tcp/113 max 1 connections per source /24, /64
		allow lan -> self tcp/114 limit 3/day burst 3 max 2 connections else reject
		allow lan -> self tcp/115 limit 2/day burst 2 per source max 3 connections else reject
		reject lan -> self tcp/121 limit 1/day burst 1 else allow then add source to bans
		allow lan -> self tcp/131 then add destination to called for 10m then add source to tiny
		reject lan -> self tcp/132 then add source to tiny log "tiny"
		allow lan -> self tcp/133 then remove destination from called
		allow lan -> self tcp/134 limit 1/day burst 1 else reject then add source to tiny
	END
}

knock() { # PROTOCOL ADDRESS PORT SOURCE...
	"$LAB_HERE/knock" "$LAB-client" "$LAB-router" "$@"
}

fates() { # WANTED PROTOCOL ADDRESS PORT SOURCE...
	local wanted=$1 got

	shift
	got=$(knock "$@")
	[ "$got" = "$wanted" ] || { echo "$*: '$got', not '$wanted'"; return 1; }
}

holds() { # SET ADDRESS
	lab_in router nft list set inet fwc "$1" | grep -qF " $2 "
}

counted() { # what the lines of a policy have counted: PACKETS TEXT...
	lab_fwc router counters --json | jq -e --arg text "$2" --argjson n "$1" \
		'[.[] | select(.text | startswith($text)) | .packets] == [$n]' >/dev/null || {
		lab_fwc router counters
		return 1
	}
}

@test "limits: a limit that rules share is one budget, of both families" {
	fates "open open" tcp 10.1.0.1 101 10.1.1.2 10.1.2.2
	fates "open" tcp fd00:1::1 102 fd00:1::2
	fates "open dropped dropped" tcp 10.1.0.1 102 10.1.1.2 10.1.1.3 10.1.2.2
	fates "dropped" tcp 10.1.0.1 101 10.1.1.2
	fates "dropped" tcp fd00:1::1 101 fd00:1::2
}

@test "limits: each prefix has a budget; rules that share the limit share each of them" {
	fates "open open dropped open" tcp 10.1.0.1 103 10.1.1.2 10.1.1.3 10.1.1.2 10.1.2.2
	fates "reset open reset" tcp 10.1.0.1 104 10.1.1.3 10.1.2.3 10.1.2.3
	fates "dropped dropped" udp 10.1.0.1 103 10.1.1.2 10.1.2.2
	fates "open open dropped open" tcp fd00:1::1 103 fd00:1::2 fd00:1::3 fd00:1::2 fd00:1:0:1::2
	fates "open open dropped open open" tcp 10.1.0.1 105 10.1.1.2 10.1.1.3 10.1.1.2 10.1.2.2 10.1.2.3
}

@test "limits: what else refuses is counted by itself" {
	counted 1 'allow lan -> self tcp/104 limit each else reject'
	counted 2 "else reject log 'more': allow lan -> self tcp/104"
}

@test "limits: no more connections than the number, TCP and UDP" {
	fates "open open dropped dropped" tcp 10.1.0.1 111 10.1.1.2 10.1.1.2 10.1.1.2 10.1.2.2
	fates "open open reset reset open open" tcp 10.1.0.1 112 \
		10.1.1.2 10.1.1.2 10.1.1.2 10.1.1.2 10.1.2.2 10.1.2.2
	fates "open open reset" tcp fd00:1::1 112 fd00:1::2 fd00:1::2 fd00:1::2
}

@test "limits: the number of connections counts UDP" {
	fates "open open refused refused open" udp 10.1.0.1 112 10.1.1.3 10.1.1.3 10.1.1.3 10.1.1.3 10.1.2.3
}

@test "limits: connections by prefix" {
	fates "open dropped open dropped" tcp 10.1.0.1 113 10.1.1.2 10.1.1.3 10.1.2.2 10.1.2.3
	fates "open dropped open" tcp fd00:1::1 113 fd00:1::2 fd00:1::3 fd00:1:0:1::2
}

@test "limits: a rate and a number, whichever ends first; else is for both" {
	fates "open open reset reset" tcp 10.1.0.1 114 10.1.1.2 10.1.1.2 10.1.1.2 10.1.1.2
	fates "open open reset open reset" tcp 10.1.0.1 115 10.1.1.2 10.1.1.2 10.1.1.2 10.1.2.2 10.1.2.3
	# those have ended, and count no more
	fates "open" tcp fd00:1::1 115 fd00:1::2
	counted 2 'else reject: allow lan -> self tcp/115'
}

@test "limits: else may let in what the rule refuses, and ban it" {
	fates "reset" tcp 10.1.0.1 121 10.1.1.3
	fates "open" tcp 10.1.0.1 121 10.1.1.3
	holds bans.v4 10.1.1.3
	fates "dropped" tcp 10.1.0.1 121 10.1.1.3
	lab_in router nft flush set inet fwc bans.v4
	# counted once, though the rule is an element of a map that counts as well
	counted 1 'reject lan -> self tcp/121'
	counted 1 "else allow then add source to bans: reject lan -> self tcp/121"
}

@test "limits: destinations are added, and removed; several changes follow each other" {
	fates "open" tcp 10.1.0.1 131 10.1.1.2
	holds called.v4 10.1.0.1
	holds tiny.v4 10.1.1.2
	lab_in router nft list set inet fwc called.v4 | grep -q '10.1.0.1 timeout 10m '
	fates "open" tcp 10.1.0.1 133 10.1.1.2
	run holds called.v4 10.1.0.1
	[ "$status" -ne 0 ]
	fates "open" tcp fd00:1::1 133 fd00:1::2
}

@test "limits: a set that is full keeps no packet from its verdict" {
	fates "open" tcp 10.1.0.1 131 10.1.1.2
	fates "open open" tcp 10.1.0.1 131 10.1.2.2 10.1.2.2
	fates "reset" tcp 10.1.0.1 132 10.1.2.2
	fates "open reset" tcp 10.1.0.1 134 10.1.2.2 10.1.2.2
	run holds tiny.v4 10.1.2.2
	[ "$status" -ne 0 ]
	holds tiny.v4 10.1.1.2
}
