#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Sets of names: what resolvers answer, and what they do not.

load lib

setup_file() { fetch_begin; }
teardown_file() { fetch_end; }

mart='{"name": "mart", "kind": "dns", "names": ["mart.example"]}'

@test "addresses of both families, several of them, behind CNAMEs" {
	sets "$mart"
	zone '"mart.example": {"cname": "a.example"}, "a.example": {"cname": "b.example"},
		"b.example": {"A": ["192.0.2.1", "192.0.2.2"], "AAAA": ["2001:db8::1"]}'
	fwc refresh
	holds mart.v4 192.0.2.1 192.0.2.2
	holds mart.v6 2001:db8::1
}

@test "an answer that changes: only what is different goes and comes" {
	sets "$mart"
	zone '"mart.example": {"A": ["192.0.2.1", "192.0.2.2"]}'
	fwc refresh
	zone '"mart.example": {"A": ["192.0.2.2", "192.0.2.3"], "AAAA": ["2001:db8::3"]}'
	run fwc refresh --force
	[ "$status" = 0 ]
	[[ $output == *"mart: changed, 2 added, 1 deleted, 3 elements"* ]]
	holds mart.v4 192.0.2.2 192.0.2.3
	holds mart.v6 2001:db8::3
}

@test "nobody is asked before the time has come, which is a minute at least and a day at most" {
	sets "$mart"
	zone '"mart.example": {"A": ["192.0.2.1"], "ttl": 1}'
	fwc refresh
	: >"$WORK/names.log"
	fwc refresh
	[ "$(asked mart)" = 0 ]
	later mart 30
	fwc refresh
	[ "$(asked mart)" = 0 ]
	later mart 31
	fwc refresh
	[ "$(asked mart)" = 2 ]
	zone '"mart.example": {"A": ["192.0.2.1"], "ttl": 3000000}'
	fwc refresh --force
	[ "$(kept mart 'd["names"][0]["until"] - d["names"][0]["asked"]')" = 86400 ]
	fwc refresh --force
	[ "$(asked mart)" = 6 ]
}

@test "the shortest time of a chain counts" {
	sets "$mart"
	zone '"mart.example": {"cname": "b.example", "ttl": 120}, "b.example": {"A": ["192.0.2.1"], "ttl": 900}'
	fwc refresh
	[ "$(kept mart 'd["names"][0]["until"] - d["names"][0]["asked"]')" = 120 ]
}

@test "a resolver that is dead, says no or fails leaves what was there, and that is said" {
	sets "$mart"
	zone '"mart.example": {"A": ["192.0.2.1"]}'
	fwc refresh
	zone '"mart.example": {"mute": true}'
	run fwc refresh --force --timeout 1
	[ "$status" = 1 ]
	[[ $output == *"fwc: set mart: stale since "*": mart.example: no answer in time"* ]]
	zone '"other.example": {}'
	run fwc refresh --force
	[ "$status" = 1 ]
	[[ $output == *"there is no such name"* ]]
	zone '"mart.example": {"rcode": 2}'
	run fwc refresh --force
	[ "$status" = 1 ]
	zone '"mart.example": {}'
	run fwc refresh --force
	[ "$status" = 1 ]
	[[ $output == *"the name has no address"* ]]
	holds mart.v4 192.0.2.1
	zone '"mart.example": {"A": ["192.0.2.1"]}'
	fwc refresh --force
	[ "$(kept mart '"stale" in d')" = False ]
}

@test "one family without an answer is no family without addresses" {
	sets "$mart"
	zone '"mart.example": {"A": ["192.0.2.1"], "AAAA": ["2001:db8::1"]}'
	fwc refresh
	zone '"mart.example": {"A": ["192.0.2.9"], "AAAA": ["2001:db8::1"], "slow": 5}'
	run fwc refresh --force --timeout 1
	[ "$status" = 1 ]
	holds mart.v4 192.0.2.1
	holds mart.v6 2001:db8::1
}

@test "one dead name sinks no other, of its own set or of another" {
	sets '{"name": "two", "kind": "dns", "names": ["dead.example", "live.example"]}' "$mart"
	zone '"live.example": {"A": ["192.0.2.7"]}, "mart.example": {"A": ["192.0.2.1"]}, "dead.example": {"mute": true}'
	run fwc refresh --timeout 1
	[ "$status" = 1 ]
	[[ $output == *"set two: stale since "*"dead.example"* ]]
	[[ $output == *"mart: changed"* ]]
	holds two.v4 192.0.2.7
	holds mart.v4 192.0.2.1
}

@test "a resolver that answers late is waited for no longer than was said" {
	sets "$mart"
	zone '"mart.example": {"A": ["192.0.2.1"], "slow": 30}'
	SECONDS=0
	run fwc refresh --timeout 2
	[ "$status" = 1 ]
	[ "$SECONDS" -lt 15 ]
	holds mart.v4
}

@test "answers that lie: private, loopback, link-local and group addresses are refused unless that is said" {
	for lie in 10.0.0.1 172.31.0.1 192.168.1.1 127.0.0.1 169.254.169.254 0.0.0.0 224.0.0.1 100.64.0.1 255.255.255.255; do
		sets "$mart"
		zone '"mart.example": {"A": ["'$lie'"]}'
		run fwc refresh
		[ "$status" = 1 ]
		[[ $output == *"write private"* ]]
		holds mart.v4
	done
	for lie in ::1 fe80::1 fd00::1 ff02::1 ::ffff:192.168.1.1; do
		sets "$mart"
		zone '"mart.example": {"AAAA": ["'$lie'"]}'
		run fwc refresh
		[ "$status" = 1 ]
		holds mart.v6
	done
	zone '"mart.example": {"A": ["192.0.2.1", "127.0.0.1"]}'
	sets "$mart"
	fwc refresh
	holds mart.v4 192.0.2.1
	zone '"mart.example": {"A": ["192.168.1.1"]}'
	sets '{"name": "mart", "kind": "dns", "names": ["mart.example"], "private": true}'
	fwc refresh
	holds mart.v4 192.168.1.1
}

@test "what the policy takes away is not in it, whatever the answer" {
	sets '{"name": "mart", "kind": "dns", "names": ["mart.example"], "without": ["192.0.2.2-192.0.2.3", "2001:db8::/64"]}'
	zone '"mart.example": {"A": ["192.0.2.1", "192.0.2.2", "192.0.2.3"], "AAAA": ["2001:db8::1", "2001:db8:1::1"]}'
	fwc refresh
	holds mart.v4 192.0.2.1
	holds mart.v6 2001:db8:1::1
}

@test "expire empties a set that nobody confirms, and no other" {
	sets '{"name": "mart", "kind": "dns", "names": ["mart.example"], "expire": 3600}' \
		'{"name": "ever", "kind": "dns", "names": ["ever.example"]}'
	zone '"mart.example": {"A": ["192.0.2.1"]}, "ever.example": {"A": ["192.0.2.2"]}'
	fwc refresh
	zone ''
	later mart 3000
	later ever 3000
	run fwc refresh
	[ "$status" = 1 ]
	holds mart.v4 192.0.2.1
	later mart 700
	later ever 3000000
	run fwc refresh
	[ "$status" = 1 ]
	[[ $output == *"set mart: expired since"* ]]
	holds mart.v4
	holds ever.v4 192.0.2.2
	zone '"mart.example": {"A": ["192.0.2.9"]}, "ever.example": {"A": ["192.0.2.2"]}'
	fwc refresh --force
	holds mart.v4 192.0.2.9
}

@test "ten thousand addresses, and one less" {
	sets '{"name": "many", "kind": "dns", "names": ["a.example", "b.example", "c.example"]}'
	many() { /usr/bin/python3 -c '
import json, sys
print(json.dumps({n + ".example": {"A": ["203.%d.%d.%d" % (k, i >> 8, i & 255) for i in range(int(sys.argv[1]), 3500)]}
                  for k, n in enumerate("abc")})[1:-1])' "$1"; }
	zone "$(many 0)"
	fwc refresh
	[ "$(held many.v4 | wc -l)" = 10500 ]
	zone "$(many 1)"
	run fwc refresh --force
	[ "$status" = 0 ]
	[[ $output == *"many: changed, 0 added, 3 deleted, 10497 elements"* ]]
	[ "$(held many.v4 | wc -l)" = 10497 ]
}

@test "more than there is room for leaves what was there" {
	sets '{"name": "mart", "kind": "dns", "names": ["mart.example"], "size": 2}'
	zone '"mart.example": {"A": ["192.0.2.1", "192.0.2.2"]}'
	fwc refresh
	zone '"mart.example": {"A": ["192.0.2.1", "192.0.2.2", "192.0.2.3"]}'
	run fwc refresh --force
	[ "$status" = 1 ]
	[[ $output == *"held back"*"room for 2"* ]]
	holds mart.v4 192.0.2.1 192.0.2.2
	# a full set has no room for old and new at once
	zone '"mart.example": {"A": ["192.0.2.8", "192.0.2.9"]}'
	fwc refresh --force
	holds mart.v4 192.0.2.8 192.0.2.9
}

@test "names of sets on the command line" {
	sets "$mart" '{"name": "ever", "kind": "dns", "names": ["ever.example"]}'
	zone '"mart.example": {"A": ["192.0.2.1"]}, "ever.example": {"A": ["192.0.2.2"]}'
	fwc refresh ever
	holds mart.v4
	holds ever.v4 192.0.2.2
	run fwc refresh mert
	[ "$status" = 2 ]
	[[ $output == *"did you mean 'mart'?"* ]]
}

@test "one at a time" {
	sets "$mart"
	mkdir -p "$WORK/state/fetched"
	exec 8>"$WORK/state/fetched/lock"
	flock 8
	run fwc refresh
	exec 8>&-
	[ "$status" = 3 ]
	[[ $output == *"another \`fwc refresh\` is at work"* ]]
}

@test "nothing to be fetched is fine" {
	rm "$WORK/state/applied/runtime.json"
	run fwc refresh
	[ "$status" = 0 ]
	[ "$output" = "" ]
}

@test "status and metrics say what is stale, since when, and what nobody asks for" {
	sets "$mart"
	zone '"mart.example": {"A": ["192.0.2.1"]}'
	run fwc status
	[[ $output == *"fetched     mart: never fetched; \`fwc refresh\` asks"* ]]
	fwc refresh
	run fwc status
	[[ $output == *"fetched     1 set is fresh"* ]]
	fwc metrics | grep -x 'fwc_set_stale{set="mart"} 0'
	zone ''
	run fwc refresh --force
	[ "$status" = 1 ]
	run fwc status
	[ "$status" = 1 ]
	[[ $output == *"fetched     mart: stale since "*": mart.example: there is no such name"* ]]
	fwc metrics | grep -x 'fwc_set_stale{set="mart"} 1'
	zone '"mart.example": {"A": ["192.0.2.1"]}'
	fwc refresh --force
	later mart 20000
	run fwc status
	[[ $output == *"fetched     mart: due since "* ]]
}
