#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # bats and lib.bash set variables
# fwc set: what it changes decides about real packets, keeps its time, and outlives what the policy
# goes through. How elements are cut: tests/unit/test_elements.c.

bats_require_minimum_version 1.5.0
load lib
load peer

setup_file() {
	cli_begin
	peer_begin
}
teardown_file() {
	peer_end
	cli_end
}
setup() {
	inns nft flush ruleset
	rm -rf "$WORK/state"
}

policy() {
	cat <<'END'
zone lan { interface eth0 }
set bans = dynamic, timeout 1h, size 4
set nets = dynamic, prefixes, timeout 1d, size 5
set friends = 192.0.2.0/24
drop bans@lan, nets@lan -> self udp/9
allow friends@lan -> self udp/9
allow lan -> self udp/9
allow self -> any
END
}
loaded() {
	policy | candidate
	fwc apply
}
set_() { fwc --config "$WORK/policy.fwc" set "$@"; }
held_now() { set_ list "$1" | sed 's/  *[^ ]*$//'; }

dropped() { # FROM: line 5 has counted its packet
	local before after
	before=$(counted 5)
	send "$1" 9 1
	after=$(counted 5)
	[ "$before" != "$after" ]
}

@test "what is added is refused from then on, both families, and what is deleted is not" {
	loaded
	run ! dropped 192.0.2.9
	run -0 set_ add bans 192.0.2.9 fd00::9
	[ "$output" = "bans: 2 added" ]
	dropped 192.0.2.9
	dropped fd00::9
	run ! dropped 192.0.2.10
	run -0 set_ delete bans fd00::9 192.0.2.77
	[ "$output" = "bans: 1 deleted, 1 not in it" ]
	run ! dropped fd00::9
	dropped 192.0.2.9
	run -0 set_ flush bans
	[ "$output" = "bans: 1 deleted" ]
	run ! dropped 192.0.2.9
	run -0 set_ flush bans
	[ "$output" = "bans: 0 deleted" ]
}

@test "networks: cut where they overlap, each address with the longer time" {
	loaded
	set_ add nets 192.0.2.0/24 for 1h
	dropped 192.0.2.9
	run -0 set_ add nets 192.0.2.10 for 10m
	[ "$output" = "nets: 0 added, 1 there already" ]
	[ "$(set_ --json list nets | json '[3500 < e["left"] < 3600 for e in d["elements"]]')" = "[True]" ]
	run -0 set_ delete nets 192.0.2.9
	run ! dropped 192.0.2.9
	dropped 192.0.2.10
	[ "$(held_now nets)" = "192.0.2.0-192.0.2.8
192.0.2.10-192.0.2.255" ]
	run -0 set_ add nets 192.0.0.0/16 fd00::/64
	[ "$output" = "nets: 1 added, 1 renewed" ]
	dropped 192.0.2.9
	dropped fd00::9
	[ "$(held_now nets)" = "192.0.0.0/16
fd00::/64" ]
	set_ add nets 198.51.100.77/25 2001:db8::5/64 # the networks that they lie in
	run -0 set_ test nets 198.51.100.0/25 2001:db8::/64
	run -1 set_ test nets 198.51.100.128
	run -0 set_ delete nets ::/0 0.0.0.0/0
	[ -z "$(set_ list nets)" ]
	run ! dropped fd00::9
}

@test "all addresses can be in a set, and any can be taken out" {
	loaded
	set_ add nets 0.0.0.0/0 ::/0
	dropped 192.0.2.9
	dropped fd00::9
	set_ delete nets 0.0.0.0 255.255.255.255 fd00::9 ::
	run ! dropped fd00::9
	dropped 192.0.2.9
	[ "$(held_now nets)" = "0.0.0.1-255.255.255.254
::1-fd00::8
fd00::a-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" ]
}

@test "times: the set's own, one of its own, and the longer of two" {
	loaded
	set_ add bans 192.0.2.9
	within "$(left bans.v4 192.0.2.9)" 3590 3600
	run -0 set_ add bans 192.0.2.9 for 10m
	[ "$output" = "bans: 0 added, 1 there already" ]
	within "$(left bans.v4 192.0.2.9)" 3590 3600
	run -0 set_ add bans 192.0.2.9 for 1d
	[ "$output" = "bans: 0 added, 1 renewed" ]
	within "$(left bans.v4 192.0.2.9)" 86390 86400
	set_ add bans 192.0.2.10 for 1s
	until ! set_ test bans 192.0.2.10; do sleep 0.1; done
	run -0 set_ add bans 192.0.2.10 for 10m # also when the kernel has not collected it
	[ "$output" = "bans: 1 added" ]
}

@test "list and test, for people and for programs" {
	loaded
	set_ add bans 192.0.2.9 for 2h
	set_ add nets 198.51.100.0/24
	run -0 set_ list bans
	[[ $output =~ ^192\.0\.2\.9\ \ 1h5[0-9]m[0-9]*s*$ ]]
	run -1 set_ test bans 192.0.2.9 192.0.2.10
	[[ ${lines[0]} == "192.0.2.9 is in bans for another 1h5"* ]]
	[ "${lines[1]}" = "192.0.2.10 is not in bans" ]
	run -0 set_ test nets 198.51.100.128/25
	run -1 set_ test nets 198.51.0.0/16
	run -0 set_ list
	[[ ${lines[0]} == "bans "*" 1 address of at most 4 of each family, timeout 1h" ]]
	[[ ${lines[1]} == "nets "*" 1 network of at most 5 of each family, timeout 1d" ]]
	[ "$(set_ --json list bans | json 'd["set"], d["prefixes"], d["size"], [(e["address"], e["timeout"], 6600 < e["left"] < 7200) for e in d["elements"]]')" = \
		"('bans', False, 4, [('192.0.2.9', 7200, True)])" ]
	[ "$(set_ --json list | json '[(s["set"], s["elements"]) for s in d]')" = "[('bans', 1), ('nets', 1)]" ]
	[ "$(set_ --json add bans 192.0.2.9 192.0.2.10 | json d)" = "{'set': 'bans', 'added': 1, 'renewed': 0, 'kept': 1}" ]
	[ "$(set_ --json delete bans 192.0.2.9 192.0.2.11 | json d)" = "{'set': 'bans', 'deleted': 1, 'absent': 1}" ]
	[ "$(set_ --json test bans 192.0.2.9 | json d)" = "[{'address': '192.0.2.9', 'in': False}]" ]
	set_ flush bans
	set_ add bans 192.0.2.9 2001:db8::9
	run -0 set_ list bans # in columns as wide as they have to be
	[[ ${lines[0]} =~ ^192\.0\.2\.9\ \ \ \ [0-9hms]+$ ]]
	[[ ${lines[1]} =~ ^2001:db8::9\ \ [0-9hms]+$ ]]
}

@test "a set that is full takes nothing, and says so; what is there can be renewed" {
	loaded
	set_ add bans 192.0.2.1 192.0.2.2 192.0.2.3
	run -3 set_ add bans 192.0.2.4 192.0.2.5
	[[ $output == *"set 'bans' is full: it holds at most 4 IPv4 addresses; nothing was added"* ]]
	run -1 set_ test bans 192.0.2.4
	set_ add bans 192.0.2.4 fd00::9
	run -0 set_ add bans 192.0.2.4 for 2h
	set_ add nets 10.0.0.0/8 12.0.0.0/8 14.0.0.0/8 16.0.0.0/8
	run -3 set_ add nets 18.0.0.0/8 20.0.0.0/8
	[[ $output == *"holds at most 5 IPv4 networks"* ]]
	set_ add nets 18.0.0.0/8
	[ "$(held_now nets | wc -l)" = 5 ]
}

@test "mistakes are told, and change nothing" {
	run -3 fwc set list
	[[ $output == *"no fwc firewall is loaded"* ]]
	printf 'zone lan { interface eth0 }\nallow lan, self -> self, lan\n' | candidate
	fwc apply
	run -0 fwc set list
	[[ $output == *"have no dynamic set; in the policy: set NAME = dynamic"* ]]
	loaded
	before=$(inns nft -s list ruleset)
	refused() { # STATUS TEXT ARGUMENTS
		local status=$1 text=$2
		shift 2
		run "-$status" set_ "$@"
		echo "$output"
		[[ $output == *"$text"* ]]
	}
	refused 2 "no dynamic set is called 'ban'; did you mean 'bans'?" add ban 192.0.2.1
	refused 2 "no dynamic set is called 'elsewhere'; \`fwc set list\` names them" list elsewhere
	refused 2 "no dynamic set is called 'a\\x0ab'" list $'a\nb'
	refused 2 "'friends' is no dynamic set: what it holds is part of the policy ($WORK/policy.fwc:4)" add friends 192.0.2.1
	refused 2 "'bans' holds addresses, and 192.0.2.0/24 is more than one" add bans 192.0.2.0/24
	refused 2 "'192.0.2.256' is not an address, as 192.0.2.1 and 2001:db8::1 are" add bans 192.0.2.256
	refused 2 "'192.0.2.0/33' is not a network or a range: the prefix length must be 0 to 32" add nets 192.0.2.0/33
	refused 2 "'192.0.2.9-192.0.2.1' is not a network or a range: the range ends before" add nets 192.0.2.9-192.0.2.1
	refused 2 "'10m' is a time: write for 10m" add bans 192.0.2.1 10m
	refused 2 "for wants a time" add bans 192.0.2.1 for
	refused 2 "'soon' is not a time" add bans 192.0.2.1 for soon
	refused 2 "for TIME goes with add, not with delete" delete bans 192.0.2.1 for 10m
	refused 2 "add wants an address" add bans
	refused 2 "flush takes the name of one set, and no addresses" flush bans 192.0.2.1
	refused 2 "set has no 'dele'; did you mean 'delete'?" dele bans 192.0.2.1
	refused 2 "list, add, delete, flush or test, not 'fill'" fill bans 192.0.2.1
	refused 2 "delete wants the name of a set" delete
	[ "$(inns nft -s list ruleset)" = "$before" ]
	printf 'set later = dynamic\n' >>"$WORK/policy.fwc"
	refused 2 "set 'later' is not in the rules in force yet ($WORK/policy.fwc:9 has it)" list later
}

@test "elements stay over an apply of other rules, a rollback, stop with save, and in the proof" {
	loaded
	set_ add bans 192.0.2.9
	set_ add nets 198.51.100.0/24 198.51.101.0-198.51.101.9 2001:db8::/32 for 2h
	{ policy; echo 'allow lan -> self udp/10'; } | candidate
	run -0 fwc apply
	dropped 192.0.2.9
	fwc rollback
	fwc status | grep -q 'holds what was applied'
	[ "$(held_now nets)" = "198.51.100.0/24
198.51.101.0-198.51.101.9
2001:db8::/32" ]
	fwc save
	inns nft delete table inet fwc
	policy | candidate
	fwc apply
	set_ add nets 198.51.100.128-198.51.101.4 for 10h # keeps its time, and is not cut out
	run -0 fwc restore
	[[ $output == *"put back: 4 elements of 3 sets"* ]]
	[ "$(held_now nets)" = "198.51.100.0/25
198.51.100.128-198.51.101.4
198.51.101.5-198.51.101.9
2001:db8::/32" ]
	[ "$(set_ --json list nets | json '[7000 < e["left"] < 7200 for e in d["elements"]]')" = \
		"[True, False, True, True]" ]
	dropped 192.0.2.9
	run -0 fwc restore
	[[ $output == *"put back: 0 elements"* ]]
	printf 'zone lan { interface eth0 }\nset nets = dynamic\ndrop nets@lan -> self\n' | candidate
	run -3 fwc apply
	[[ $output == *"set 'nets.v4' is in the kernel as a set of networks"* ]]
}

@test "during a trial: elements stay however it ends; what only the trial has goes with it, which is said" {
	loaded
	{ policy; printf 'set fresh = dynamic, prefixes\ndrop fresh@lan -> self udp/9\n'; } | candidate
	fwc apply --confirm=60
	run -0 set_ add bans 192.0.2.9
	[[ $output != *warning* ]]
	run -0 set_ add fresh 192.0.2.0/28
	[[ $output == *"warning: only the rules on trial have set 'fresh'; unless"* ]]
	fwc rollback
	dropped 192.0.2.9
	run -2 set_ add fresh 192.0.2.0/28
	fwc apply --confirm=60
	set_ add fresh 192.0.2.0/28
	fwc confirm
	[ "$(held_now fresh)" = 192.0.2.0/28 ]
	run -0 set_ test bans 192.0.2.9
}

@test "many at a time lose nothing" {
	policy | sed 's/size 4/size 100/' | candidate
	fwc apply
	for i in $(seq 1 8); do set_ add bans "192.0.2.$i" & done
	wait
	[ "$(held_now bans | wc -l)" = 8 ]
}

@test "the live ruleset is explained by what the set holds" {
	loaded
	set_ add nets 192.0.2.0/28
	run -0 fwc explain --live '192.0.2.9@lan -> self udp/9' "$WORK/policy.fwc"
	[[ $output == *drop* ]]
	run -0 fwc explain --live '192.0.2.20@lan -> self udp/9' "$WORK/policy.fwc"
	[[ $output != *drop* ]]
	run -0 fwc explain '192.0.2.9@lan -> self udp/9' "$WORK/policy.fwc"
	[[ $output == *"while set nets holds the source"* ]]
}
