#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # lib.bash sets variables
# A policy with names and lists, from its text to the sets of the kernel, which refresh keeps.

load lib

setup_file() {
	fetch_begin
	cat >"$WORK/policy.fwc" <<-END
	forwarding off
	zone out { interface out }
	host mart = dns "mart.example"
	set drops = url "https://lists.example/list"
	drop drops@out -> any
	allow self -> mart@out tcp/80
	allow out -> self ssh
	allow self -> $THEY@out udp/53, tcp/53, https
	END
	chmod 644 "$WORK/policy.fwc"
}
teardown_file() { fetch_end; }

@test "apply needs nobody, and refresh fills what is in force, without an apply" {
	zone '"mart.example": {"A": ["192.0.2.80"], "AAAA": ["2001:db8::80"]}, "lists.example": {"A": ["'"$THEY"'"]}'
	printf '203.0.113.0/24\n2001:db8:bad::/48\n' >"$WORK/www/list"
	fwc compile "$WORK/policy.fwc"
	fwc apply --no-confirm
	fwc history >"$WORK/history"
	fwc refresh --force
	fwc history | diff "$WORK/history" -
	inns nft get element inet fwc mart.dns.v4 '{ 192.0.2.80 }'
	inns nft get element inet fwc mart.dns.v6 '{ 2001:db8::80 }'
	[ "$(held drops.url.v4.net.bulk)" = 203.0.113.0/24 ]
	[ "$(held drops.url.v6.net.bulk)" = 2001:db8:bad::/48 ]
	run fwc status
	echo "$output"
	[ "$status" = 0 ]
	[[ $output == *"2 sets are fresh"* ]]
	fwc diff
}

@test "what changes is no drift, and an apply of other rules keeps it" {
	zone '"mart.example": {"A": ["192.0.2.81"]}, "lists.example": {"A": ["'"$THEY"'"]}'
	fwc refresh --force
	[ "$(held mart.dns.v4)" = 192.0.2.81 ]
	fwc diff
	echo 'allow out -> self tcp/8080' >>"$WORK/policy.fwc"
	fwc reload "$WORK/policy.fwc" --no-confirm
	[ "$(held mart.dns.v4)" = 192.0.2.81 ]
	[ "$(held drops.url.v4.net.bulk)" = 203.0.113.0/24 ]
	fwc refresh
	run fwc status
	[ "$status" = 0 ]
}

@test "packets meet what came" {
	ip -n "$FAR" addr add 192.0.2.81/32 dev out
	ip -n "$FAR" addr add 203.0.113.5/32 dev out
	inns ip route replace default via "$THEY"
	serve shop "$here/lists.py" 192.0.2.81 80 "$WORK/www" "$WORK/shop.log"
	inns /usr/bin/python3 -c 'import socket; socket.create_connection(("192.0.2.81", 80), 30)'
	zone '"mart.example": {"A": ["192.0.2.82"]}, "lists.example": {"A": ["'"$THEY"'"]}'
	fwc refresh --force
	run inns /usr/bin/python3 -c 'import socket; socket.create_connection(("192.0.2.81", 80), 1)'
	[ "$status" != 0 ]
}
