#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # lib.bash sets variables
# Long lists: what changed is asked of the kernel and changed, and not all of it is read again. Whoever was killed, and
# whoever has changed the set meanwhile, is noticed all the same.

load lib

setup_file() { fetch_begin; }
teardown_file() { fetch_end; }

# 66,000 ranges of four addresses with a gap between them, or as many single addresses, or of ten nine; `$1` is python that
# changes the list `v`.
list() {
	/usr/bin/python3 - "$1" >"$WORK/www/list" <<-'END'
	import socket, struct, sys
	def text(n):
	    return socket.inet_ntoa(struct.pack("!I", n)) # ipaddress takes ten times as long
	ranges = range(0, 10 if "RANGES" in sys.argv[1] else 1 if "MIXED" in sys.argv[1] else 0)
	v = [(0x2d000000 + 8 * i, 0x2d000000 + 8 * i + 3 * (i % 10 in ranges)) for i in range(66000 if not ranges or len(ranges) > 1 else 75000)]
	exec(sys.argv[1])
	sys.stdout.writelines(text(a) + "\n" if a == b else "%s-%s\n" % (text(a), text(b)) for a, b in v)
	END
}
# The set holds the list, element by element.
as_listed() {
	inns nft -j list table inet fwc | /usr/bin/python3 -c '
import json, socket, sys
def number(text):
    return int.from_bytes(socket.inet_aton(text), "big")
def pair(e):
    if isinstance(e, dict) and "prefix" in e:
        first = number(e["prefix"]["addr"])
        return first, first + (1 << (32 - e["prefix"]["len"])) - 1
    ends = e["range"] if isinstance(e, dict) else e.split("-")
    return number(ends[0]), number(ends[-1])
there = sorted(pair(e) for x in json.load(sys.stdin)["nftables"] if "set" in x for e in x["set"].get("elem", []))
listed = sorted(map(pair, open(sys.argv[1]).read().split()))
if there != listed:
    print("only in the set:", sorted(set(there) - set(listed))[:20], "only in the list:", sorted(set(listed) - set(there))[:20],
          len(there), "and", len(listed))
    sys.exit(1)' "$WORK/www/list"
}
begin() { # hash, interval or parts; the set is filled
	type=$1 kind=
	[ "$type" != interval ] || kind='RANGES = 1'
	[ "$type" != parts ] || kind='MIXED = 1'
	list "$kind"
	sets '{"name": "drops", "kind": "url", "url": "https://lists.example/list", "size": 80000, "max": 80000, "type": "'"$type"'"}'
	fwc refresh
}
# One goes, two are cut short or (single ones) go too, three come, one of them at the end.
changed="$(printf '%s\n' 'del v[100]' 'w = v[5000]' 'v[5000] = (w[0], w[0])' 'del v[60000]' 'v += [(0x2e000000, 0x2e000000), (0x2e000009, 0x2e000009)]' \
	'v.append((0x2d000006, 0x2d000006))')"

@test "what changed alone is changed, of hashes and of intervals" {
	for t in interval parts; do
		begin $t
		list "$kind
$changed"
		run fwc refresh --force
		[ "$status" = 0 ]
		as_listed
		later drops 100000
		list "$kind"
		run fwc refresh
		[ "$status" = 0 ]
		[[ $output == *"drops: changed, "*" added, "*" deleted, "??000" elements"* ]]
		as_listed
		later drops 100000
		run fwc refresh
		[[ $output == *"drops: same, "??000" elements"* ]]
	done
}

@test "killed at any step, it is finished, also where the list has changed again" {
	run bash -c 'FWC_FAULT=refresh-asked exec "$1" --state "$2" refresh' - "$FWC" "$WORK/none"
	[ "$status" = 137 ] || skip "built without fault injection points"
	for t in interval parts; do
		begin $t
		for point in refresh-kept refreshing refresh-half; do
			[ "$t $point" != "parts refresh-kept" ] || continue
			[ "$t $point" != "parts refreshing" ] || point=refresh-parts
			list "$kind
$changed"
			later drops 100000
			run env FWC_FAULT="$point" ip netns exec "$NS" "$FWC" --state "$WORK/state" refresh
			case $status,$point in 137,* | 1,refreshing | 1,refresh-parts) ;; *) echo "$point: $status: $output"; false ;; esac
			kept drops "d['changing'], 'from' in d" | grep -qx "(True, True)"
			list "$kind
del v[100]; del v[77]"
			run fwc refresh
			[ "$status" = 0 ] || { echo "$point: $output"; false; }
			as_listed
			kept drops "'changing' in d, 'from' in d" | grep -qx "(False, False)"
		done
	done
}

@test "what others changed of it meanwhile does not disturb, and one that was emptied is filled" {
	for t in interval parts; do
		begin $t
		list "$kind
$changed"
		later drops 100000
		# of what is to go, and of what is to come
		inns nft delete element inet fwc drops.v4 "{ 45.0.3.32-45.0.3.35 }"
		alone=drops.v4
		[ $t != parts ] || alone=drops.v4.addr
		inns nft add element inet fwc $alone '{ 46.0.0.0 }'
		run fwc refresh
		[ "$status" = 0 ]
		as_listed
		later drops 100000
		inns nft flush set inet fwc $alone
		run fwc refresh
		[ "$status" = 0 ]
		as_listed
	done
}

@test "what somebody added to a long list goes by --force" {
	begin hash
	inns nft add element inet fwc drops.v4 '{ 192.0.2.99 }'
	fwc refresh --force
	as_listed
}

# As apply leaves it that has asked for a list itself: the kernel may hold whatever it did.
unknown() {
	/usr/bin/python3 - "$WORK/state/fetched/drops.json" <<-'END'
	import json, sys
	d = json.load(open(sys.argv[1]))
	d["changing"] = True
	for key in "from", "from4", "from6":
	    d.pop(key, None)
	json.dump(d, open(sys.argv[1], "w"))
	END
}

@test "rules of another fwc had one set for all of a list: what kind of sets there are now is what counts" {
	begin parts
	kept drops "d['parted']" | grep -qx True
	cp -r "$WORK/state/fetched" "$WORK/before"
	for to in interval parts; do
		# as apply leaves it that has made the sets from what it found, a while ago
		sets '{"name": "drops", "kind": "url", "url": "https://lists.example/list", "size": 80000, "max": 80000, "type": "'"$to"'"}'
		inns nft add element inet fwc drops.v4 '{ 45.0.0.0-45.0.0.3, 46.0.0.7 }'
		cp -r "$WORK/before" "$WORK/state/fetched"
		run fwc refresh
		echo "$output"
		[ "$status" = 0 ]
		as_listed
		run fwc --verbose refresh
		[[ $output == *"drops: not due"* ]]
		rm -r "$WORK/before"
		cp -r "$WORK/state/fetched" "$WORK/before"
	done
	kept drops "d['parted']" | grep -qx True
}

@test "where nobody knows what a long set holds, it is not read, which would take for ever: all of it is replaced" {
	begin interval
	unknown
	run fwc refresh # it is what was kept: nothing is to be done
	[[ $output == *"drops: same, 66000 elements"* ]]
	list "$kind
$changed"
	unknown
	inns nft add element inet fwc drops.v4 '{ 46.0.0.0 }'
	run timeout 60 ip netns exec "$NS" "$FWC" --state "$WORK/state" --color=never refresh
	echo "$output"
	[ "$status" = 0 ]
	# all of it came, and it was not read
	[[ $output =~ "drops: changed, "([0-9]+)" added, 0 deleted, "([0-9]+)" elements" ]]
	[ "${BASH_REMATCH[1]}" = "${BASH_REMATCH[2]}" ]
	as_listed
}

# Of nine in ten of them: what stands alone becomes a network, and the other way round.
moved='(a, b), (c, d) = v[7], v[10]; v[7] = (a, a + 3); v[10] = (c, c)'

@test "a long list in two parts, read anew or of which nobody knows what the kernel holds: what moves is in it all the time" {
	run bash -c 'FWC_FAULT=refresh-asked exec "$1" --state "$2" refresh' - "$FWC" "$WORK/none"
	[ "$status" = 137 ] || skip "built without fault injection points"
	begin parts
	for of in known nobody; do
		# 45.0.0.56 stands alone, 45.0.0.80-45.0.0.83 is a range
		inns nft get element inet fwc drops.v4.addr '{ 45.0.0.56 }'
		inns nft get element inet fwc drops.v4 '{ 45.0.0.80 }'
		list "$kind
$moved"
		if [ $of = nobody ]; then
			unknown
			inns nft add element inet fwc drops.v4.addr "{ 46.0.0.0 }"
		fi
		run env FWC_FAULT=refresh-added ip netns exec "$NS" "$FWC" --state "$WORK/state" refresh --force
		echo "$of: $output"
		[ "$status" = 1 ]
		for address in 45.0.0.56 45.0.0.80; do
			inns nft get element inet fwc drops.v4 "{ $address }" || inns nft get element inet fwc drops.v4.addr "{ $address }"
		done
		list "$kind"
		run fwc refresh --force
		echo "$of: $output"
		# what is told is what there is: those few came and went, or all of them came
		[[ $output =~ "drops: changed, "([0-9]+)" added, "[0-9]+" deleted, 75000 elements" ]]
		[ "${BASH_REMATCH[1]}" -le 75000 ]
		as_listed
	done
}
