#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Quotas: what counts, to the byte; what becomes of connections when one is used up; and what it
# outlives. An exchange is a datagram each way: 2056 bytes of IPv4, 2096 of IPv6.

bats_require_minimum_version 1.5.0
load ../lab/lab

setup_file() {
	lab_begin
	lab_firewall router
	lab_host client server
	lab_cable router:eth0 client:eth0
	lab_cable router:eth1 server:eth0
	lab_addr router eth0 10.1.0.1/24 fd00:1::1/64
	lab_addr router eth1 10.2.0.1/24 fd00:2::1/64
	lab_addr client eth0 10.1.0.2/24 fd00:1::2/64
	lab_addr server eth0 10.2.0.2/24 fd00:2::2/64
	lab_route client 10.2.0.0/24 via 10.1.0.1
	lab_route client fd00:2::/64 via fd00:1::1
	lab_route server 10.1.0.0/24 via 10.2.0.1
	lab_route server fd00:1::/64 via fd00:2::1
	policy 100 >"$LAB_DIR/p.fwc"
	lab_apply router "$LAB_DIR/p.fwc"
}

teardown_file() {
	lab_end
}

policy() { # kB of the quota `guests`
	cat <<-END
		forwarding on
		zone lan { interface eth0 }
		zone wan { interface eth1 }
		quota guests = $1 kB
		quota own    = 1 MB
		quota few    = 5 kB
		allow lan  -> wan  udp/101, tcp/102 quota guests
		allow lan  -> wan  udp/103
		allow lan  -> wan  udp/104 limit 2/day burst 2 quota few else allow log "more"
		allow lan  -> self udp/105 quota own
		allow self -> wan  udp/106 quota own
	END
}

exchange() { # WANTED FROM TO ADDRESS PORT N
	local got

	got=$("$LAB_HERE/exchange" "$LAB-$2" "$LAB-$3" "$4" "$5" "$6")
	[ "$got" = "$1" ] || { echo "$2 $3 $4 $5: $got answered, not $1"; return 1; }
}

used() { # WANTED QUOTA
	local got

	got=$(lab_fwc router quota list "$2" --json | jq '.[0].used')
	[ "$got" = "$1" ] || { echo "$2: $got bytes used, not $1"; return 1; }
}

@test "quota: each packet of a connection counts, both ways, both families" {
	used 0 guests
	exchange 5 client server 10.2.0.2 101 5
	used $((5 * 2056)) guests
	exchange 3 client server fd00:2::2 101 3
	used $((5 * 2056 + 3 * 2096)) guests
	run -0 lab_fwc router quota list guests
	[ "$output" = "guests: 16.5 kB of 100 kB" ]
}

@test "quota: what other rules let in does not count" {
	exchange 2 client server 10.2.0.2 103 2
	used $((5 * 2056 + 3 * 2096)) guests
}

@test "quota: of what this machine gets, and of what it sends" {
	exchange 2 client router 10.1.0.1 105 2
	used $((2 * 2056)) own
	exchange 3 router server 10.2.0.2 106 3
	used $((5 * 2056)) own
}

@test "quota: another size and other rules, on trial, confirmed and rolled back: what is used stays" {
	policy 60 | sed '/udp\/103/d' >"$LAB_DIR/p60.fwc"
	lab_fwc router compile "$LAB_DIR/p60.fwc"
	lab_fwc router apply --confirm=60
	used $((5 * 2056 + 3 * 2096)) guests
	exchange 1 client server 10.2.0.2 101 1
	used $((6 * 2056 + 3 * 2096)) guests
	lab_fwc router confirm
	[ "$(lab_fwc router quota list guests --json | jq '.[0].bytes')" = 60000 ]
	lab_fwc router rollback
	[ "$(lab_fwc router quota list guests --json | jq '.[0].bytes')" = 100000 ]
	used $((6 * 2056 + 3 * 2096)) guests
}

@test "quota: status and metrics say what is used, of how much, and since when" {
	local used=$((6 * 2056 + 3 * 2096)) before

	lab_fwc router status --json >"$LAB_DIR/status"
	jq -e --argjson n "$used" '.quotas[] | select(.name == "guests") |
		.used == $n and .bytes == 100000 and .used_up == false and .reset == null' "$LAB_DIR/status"
	before=$(date +%s)
	lab_fwc router quota reset own
	lab_fwc router status --json >"$LAB_DIR/status"
	jq -e --argjson n "$before" '.quotas[] | select(.name == "own") |
		.used == 0 and .reset >= $n and .reset <= now' "$LAB_DIR/status"
	lab_fwc router metrics >"$LAB_DIR/metrics"
	grep -qx "fwc_quota_used_bytes{quota=\"guests\"} $used" "$LAB_DIR/metrics"
	grep -qx 'fwc_quota_limit_bytes{quota="guests"} 100000' "$LAB_DIR/metrics"
	[ "$(grep -c '^fwc_quota_reset_timestamp_seconds{' "$LAB_DIR/metrics")" = 1 ]
	lab_fwc router status >"$LAB_DIR/text"
	grep -qE '^quotas      guests: 18\.6 kB of 100 kB$' "$LAB_DIR/text"
	grep -qE '^            own: 0\.0 kB of 1 MB, reset 20..-..-.. ..:..:..$' "$LAB_DIR/text"
}

@test "quota: else is for what exceeds it, and that has nothing to do with it" {
	# 5000 bytes are two exchanges, and not the third; the connection is its own until then
	exchange 2 client server 10.2.0.2 104 5
	used 5000 few
	exchange 3 client server 10.2.0.2 104 3
	used 5000 few
}

@test "quota: save, stop and boot keep what is used" {
	lab_fwc router save
	lab_fwc router stop
	lab_fwc router boot --with-state
	used $((6 * 2056 + 3 * 2096)) guests
	used 5000 few
	run -0 lab_fwc router status --json
	[ "$(jq .drift <<<"$output")" != true ]
}

@test "quota: when it is used up running connections end, and new ones are refused; reset opens again" {
	lab_talk client server 10.2.0.2 102
	lab_goes_on 102
	run "$LAB_HERE/exchange" "$LAB-client" "$LAB-server" 10.2.0.2 101 200
	[ "$output" -lt 50 ]
	used 100000 guests
	run -0 lab_fwc router quota list guests
	[ "$output" = "guests: 100.0 kB of 100 kB, used up" ]
	run -0 lab_fwc router status
	[[ $output == *"guests: 100.0 kB of 100 kB, used up; "* ]]
	lab_stops 102
	exchange 0 client server 10.2.0.2 101 1
	exchange 1 client server 10.2.0.2 103 1
	lab_fwc router quota reset guests
	lab_goes_on 102
	exchange 2 client server 10.2.0.2 101 2
	used 5000 few
	lab_fwc router quota reset
	used 0 few
}

@test "quota: a reset holds for what was saved, too; a name that there is not" {
	lab_fwc router save
	lab_fwc router quota reset own
	lab_fwc router stop
	lab_fwc router boot --with-state
	used 0 own
	run -3 lab_fwc router quota reset guest
	[[ $output == *"the rules in force have no quota 'guest'; did you mean 'guests'?"* ]]
	run -3 lab_fwc router quota list everything
	[[ $output == *"the rules in force have no quota 'everything'; \`fwc quota list\` names them"* ]]
	run -2 lab_fwc router quota
}
