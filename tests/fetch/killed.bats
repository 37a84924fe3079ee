#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Killed at any step, refresh leaves each set as it was, or as it is to be, or on its way; and what lies on the disk is
# whole. The next one mends it.

load lib

setup_file() { fetch_begin; }
teardown_file() { fetch_end; }

points='refresh-asked fetched-lists file-written file-renamed fetched-saved refresh-kept refreshing refresh-half
	refresh-changed'

setup() {
	run bash -c 'FWC_FAULT=refresh-asked exec "$1" --state "$2" refresh' - "$FWC" "$WORK/none"
	[ "$status" = 137 ] || skip "built without fault injection points"
}

@test "at each step, whatever is killed there" {
	for type in hash interval; do
		for point in $points; do
			sets '{"name": "mart", "kind": "dns", "names": ["mart.example"], "type": "'$type'"}'
			zone '"mart.example": {"A": ["192.0.2.1", "192.0.2.3"], "AAAA": ["2001:db8::1"]}'
			fwc refresh
			zone '"mart.example": {"A": ["192.0.2.3", "192.0.2.5"], "AAAA": ["2001:db8::3"]}'
			run env FWC_FAULT="$point" ip netns exec "$NS" "$FWC" --state "$WORK/state" refresh --force
			# who changes the kernel is a process of its own, whose end is a failure like others
			[ "$status" = 137 ] || [ "$status $point" = "1 refreshing" ] || { echo "$point: $status: $output"; false; }
			# what is in both is there all the time
			inns nft get element inet fwc mart.v4 '{ 192.0.2.3 }'
			kept mart "len(d)" >/dev/null
			run fwc refresh --force
			[ "$status" = 0 ] || { echo "$point: $output"; false; }
			holds mart.v4 192.0.2.3 192.0.2.5 -- mart.v6 2001:db8::3
		done
	done
}

@test "at each step of a list in two parts: an address that goes from one to the other is in it all the time" {
	printf '192.0.2.1\n192.0.2.2\n192.0.2.9\n192.0.2.16/28\n2001:db8::/64\n2001:db9::5\n' >"$WORK/www/was"
	printf '192.0.2.1\n192.0.2.8/30\n192.0.2.20\n192.0.2.22\n2001:db8::7\n2001:db9::/64\n' >"$WORK/www/is"
	in_it() { # addresses: each is an element, or in one, of the sets of its family
		inns nft -j list table inet fwc | /usr/bin/python3 -c '
import ipaddress, json, sys
def ends(e):
    if isinstance(e, dict) and "prefix" in e:
        n = ipaddress.ip_network("%s/%d" % (e["prefix"]["addr"], e["prefix"]["len"]))
        return n[0], n[-1]
    first, last = e["range"] if isinstance(e, dict) else (e, e)
    return ipaddress.ip_address(first), ipaddress.ip_address(last)
sets = [x["set"] for x in json.load(sys.stdin)["nftables"] if "set" in x]
there = [ends(e) for s in sets if s["name"] in ("l.v4", "l.v4.addr", "l.v6", "l.v6.addr") for e in s.get("elem", [])]
lost = [a for a in map(ipaddress.ip_address, sys.argv[1:])
        if not any(a.version == first.version and first <= a <= last for first, last in there)]
print(*lost)
sys.exit(bool(lost))' "$@"
	}
	zone '"lists.example": {"A": ["'"$THEY"'"]}'
	for point in $points refresh-added refresh-parts; do
		sets '{"name": "l", "kind": "url", "url": "https://lists.example/feed", "type": "parts"}'
		cp "$WORK/www/was" "$WORK/www/feed"
		fwc refresh
		holds l.v4.addr 192.0.2.1 192.0.2.2 192.0.2.9 -- l.v4 192.0.2.16/28 -- l.v6.addr 2001:db9::5 -- l.v6 2001:db8::/64
		cp "$WORK/www/is" "$WORK/www/feed"
		run env FWC_FAULT="$point" ip netns exec "$NS" "$FWC" --state "$WORK/state" refresh --force
		case $status,$point in 137,* | 1,refreshing | 1,refresh-added | 1,refresh-parts) ;; *) echo "$point: $status: $output"; false ;; esac
		echo "$point:"
		in_it 192.0.2.1 192.0.2.9 192.0.2.20 192.0.2.22 2001:db8::7 2001:db9::5
		run fwc refresh --force
		[ "$status" = 0 ] || { echo "$point: $output"; false; }
		holds l.v4.addr 192.0.2.1 192.0.2.20 192.0.2.22 -- l.v4 192.0.2.8/30 -- l.v6.addr 2001:db8::7 -- l.v6 2001:db9::/64
	done
}

@test "what was on its way is finished, though nobody answers any more" {
	sets '{"name": "mart", "kind": "dns", "names": ["mart.example"]}'
	zone '"mart.example": {"A": ["192.0.2.1"], "AAAA": ["2001:db8::1"]}'
	fwc refresh
	zone '"mart.example": {"A": ["192.0.2.5"], "AAAA": ["2001:db8::5"]}'
	run env FWC_FAULT=refresh-half ip netns exec "$NS" "$FWC" --state "$WORK/state" refresh --force
	[ "$status" = 137 ]
	holds mart.v4 192.0.2.5 -- mart.v6 2001:db8::1
	zone '"mart.example": {"mute": true}'
	run fwc refresh --timeout 1
	holds mart.v4 192.0.2.5 -- mart.v6 2001:db8::5
}

@test "a set that somebody has changed by hand is mended when it is due" {
	sets '{"name": "mart", "kind": "dns", "names": ["mart.example"]}'
	zone '"mart.example": {"A": ["192.0.2.1"]}'
	fwc refresh
	inns nft add element inet fwc mart.v4 '{ 192.0.2.99 }'
	inns nft delete element inet fwc mart.v4 '{ 192.0.2.1 }'
	fwc refresh --force
	holds mart.v4 192.0.2.1
}

@test "a set that is not in the kernel is said, and the others are changed" {
	sets '{"name": "mart", "kind": "dns", "names": ["mart.example"]}' '{"name": "ever", "kind": "dns", "names": ["ever.example"]}'
	zone '"mart.example": {"A": ["192.0.2.1"]}, "ever.example": {"A": ["192.0.2.2"]}'
	inns nft delete set inet fwc mart.v4
	run fwc refresh
	[ "$status" = 1 ]
	[[ $output == *"set mart: not taken"*"the kernel has no set mart.v4"* ]]
	holds ever.v4 192.0.2.2
}
