#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Places that are more than one zone, or part of one: groups, zones less others.

load ../lab/lab

setup_file() {
	lab_begin
	lab_firewall router
	lab_host alice bob carol dave
	lab_cable router:lan alice:eth0
	lab_cable router:dmz bob:eth0
	lab_cable router:wan carol:eth0
	lab_cable router:odd dave:eth0
	lab_addr router lan 10.0.1.1/24 fd00:1::1/64
	lab_addr router dmz 10.0.2.1/24 fd00:2::1/64
	lab_addr router wan 10.0.3.1/24 fd00:3::1/64
	lab_addr router odd 10.0.4.1/24 fd00:4::1/64
	for n in "alice 1" "bob 2" "carol 3" "dave 4"; do
		read -r name net <<<"$n"
		lab_addr "$name" eth0 "10.0.$net.2/24" "fd00:$net::2/64"
		lab_route "$name" default via "10.0.$net.1"
		lab_route "$name" default via "fd00:$net::1"
	done
	lab_addr alice eth0 10.0.1.66/24
	lab_addr alice eth0 10.0.1.130/24
	lab_alias alice.kid alice 10.0.1.66
	lab_alias alice.teen alice 10.0.1.130
	lab_alias router.lo router 127.0.0.1 ::1
	lab_alias router.wan router 10.0.3.1 fd00:3::1
	lab_alias router.odd router 10.0.4.1 fd00:4::1
}

teardown_file() {
	lab_end
}

# The policy on standard input, in the place of the one before.
policy() {
	cat >"$LAB_DIR/places.fwc"
	lab_apply router "$LAB_DIR/places.fwc"
}

@test "the interfaces that no other zone names" {
	policy <<-'END'
		forwarding on
		zone lan  { interface lan }
		zone wan  { interface wa* }
		zone rest { interface other }
		allow rest -> wan tcp/1001
		allow lan -> rest tcp/1002
		allow zones -> self tcp/1003
		allow any but rest -> self tcp/1004
		allow rest -> rest tcp/1005
		allow self -> rest tcp/1006
		masquerade rest -> wan
	END
	lab_flows <<-'END'
		dave  -> carol      tcp/1001 : passes as router.wan
		alice -> carol      tcp/1001 : dropped
		carol -> bob        tcp/1001 : dropped
		alice -> dave       tcp/1002 : passes
		alice -> carol      tcp/1002 : dropped
		dave  -> router.odd tcp/1003 : passes
		carol -> router.wan tcp/1003 : passes
		dave  -> router.odd tcp/1004 : dropped
		carol -> router.wan tcp/1004 : passes
		bob   -> dave       tcp/1005 : passes
		alice -> dave       tcp/1005 : dropped
		router -> dave      tcp/1006 : passes
		router -> carol     tcp/1006 : dropped
		router.lo -> router.lo tcp/7 : passes
	END
	# one that comes later
	lab_in router ip link set odd down
	lab_in router ip link set odd name late
	lab_in router ip link set late up
	lab_addr router late fd00:4::1/64
	lab_flows <<-'END'
		dave  -> carol      tcp/1001 : passes as router.wan
		alice -> dave       tcp/1002 : passes
		alice -> dave       tcp/1005 : dropped
	END
	lab_in router ip link set late down
	lab_in router ip link set late name odd
	lab_in router ip link set odd up
	lab_addr router odd fd00:4::1/64
}

@test "groups of zones, and zones less others" {
	policy <<-'END'
		forwarding on
		zone lan { interface lan }
		zone dmz { interface dmz }
		zone wan { interface wan }
		zones inner = lan, dmz
		allow inner -> zones but inner tcp/1001
		allow inner -> inner tcp/1002
		allow zones but wan -> self tcp/1003
		allow any but wan -> self tcp/1004
		allow any but self, wan -> any but self tcp/1005
		allow 10.0.0.0/16@zones but inner -> self tcp/1006
		allow self -> zones but lan tcp/1007
		allow any but self -> wan tcp/1008
	END
	lab_flows <<-'END'
		alice -> carol      tcp/1001 : passes
		bob   -> carol      tcp/1001 : passes
		alice -> bob        tcp/1001 : dropped
		carol -> alice      tcp/1001 : dropped
		alice -> dave       tcp/1001 : dropped
		alice -> bob        tcp/1002 : passes
		carol -> bob        tcp/1002 : dropped
		alice -> router     tcp/1003 : passes
		carol -> router.wan tcp/1003 : dropped
		dave  -> router.odd tcp/1003 : dropped
		alice -> router     tcp/1004 : passes
		carol -> router.wan tcp/1004 : dropped
		dave  -> router.odd tcp/1004 : passes
		alice -> carol      tcp/1005 : passes
		dave  -> alice      tcp/1005 : passes
		carol -> alice      tcp/1005 : dropped
		alice -> router     tcp/1005 : dropped
		router -> alice     tcp/1005 : dropped
		v4 carol -> router.wan tcp/1006 : passes
		v6 carol -> router.wan tcp/1006 : dropped
		v4 alice -> router  tcp/1006 : dropped
		router -> bob       tcp/1007 : passes
		router -> carol     tcp/1007 : passes
		router -> alice     tcp/1007 : dropped
		router -> dave      tcp/1007 : dropped
		dave  -> carol      tcp/1008 : passes
		router -> carol     tcp/1008 : dropped
	END
}

@test "sub-zones by network, mark, user and group" {
	# what another program marks
	lab_in router nft -f - <<-'END'
		table inet marks {
			chain pre {
				type filter hook prerouting priority -150
				ip daddr 10.0.3.2 udp dport 1004-1005 meta mark set 0x0234
			}
		}
	END
	policy <<-'END'
		forwarding on
		zone lan { interface lan; network 10.0.1.0/24, fd00:1::/64 }
		zone dmz { interface dmz }
		zone wan { interface wan }
		zone kids { within lan; network 10.0.1.64/26 }
		zone blue { within lan; mark 0x200/0xff00 }
		zone both { within lan; mark 0x200/0xff00; network 10.0.1.64/26 }
		zone me { within self; user 0 }
		zone it { within self; user 12345 }
		zone we { within self; group 0 }
		zone they { within self; group 12345 }

		drop  kids -> wan tcp/1001
		allow lan -> wan tcp/1001
		allow kids -> wan tcp/1002
		allow lan but kids -> wan tcp/1003
		allow blue -> wan udp/1004
		allow both -> wan udp/1005
		allow dmz -> kids tcp/1006
		allow zones but kids -> self tcp/1007
		allow me -> lan tcp/1008
		allow it -> lan tcp/1009
		allow we -> lan tcp/1010
		allow they -> lan tcp/1011
		allow self but me -> lan tcp/1012
		allow self but it, they -> lan but kids tcp/1013
		masquerade lan but kids -> wan tcp/1020
		allow lan -> wan tcp/1020
	END
	lab_flows <<-'END'
		v4 alice.kid -> carol  tcp/1001 : dropped
		alice     -> carol     tcp/1001 : passes
		v4 alice.kid -> carol  tcp/1002 : passes
		alice     -> carol     tcp/1002 : dropped
		v4 alice.kid -> carol  tcp/1003 : dropped
		alice     -> carol     tcp/1003 : passes
		v4 alice  -> carol     udp/1004 : passes
		v6 alice  -> carol     udp/1004 : dropped
		v4 alice.kid -> carol  udp/1005 : passes
		v4 alice  -> carol     udp/1005 : dropped
		v4 bob    -> alice.kid tcp/1006 : passes
		bob       -> alice     tcp/1006 : dropped
		v4 alice.kid -> router tcp/1007 : dropped
		alice     -> router    tcp/1007 : passes
		router    -> alice     tcp/1008 : passes
		router    -> alice     tcp/1009 : dropped
		router    -> alice     tcp/1010 : passes
		router    -> alice     tcp/1011 : dropped
		router    -> alice     tcp/1012 : dropped
		router    -> alice     tcp/1013 : passes
		v4 router -> alice.kid tcp/1013 : dropped
		v4 alice.kid -> carol  tcp/1020 : passes
		alice     -> carol     tcp/1020 : passes as router.wan
	END
	lab_in router nft delete table inet marks
}

# What is traced of a question, until so many packets were: their sources, in order.
traced() { # COUNT QUESTION PACKET...
	local n=$1 question=$2 to=$BATS_TEST_TMPDIR/trace pid

	lab_fwc router --json --config "$LAB_DIR/places.fwc" trace --timeout 120 -n "$n" "$question" \
		>"$to" 2>"$to.said" 3>&- &
	pid=$!
	for _ in {1..600}; do
		grep -q tracing "$to.said" && break
		sleep 0.05
	done
	# once more where nothing came of them: a machine under load may lose one
	for _ in {1..4}; do
		for packet in "${@:3}"; do # shellcheck disable=SC2086 # words
			lab_in ${packet%% *} "$LAB_HERE/shoot" ${packet#* }
		done
		timeout 25 tail --pid="$pid" -f /dev/null || continue
		break
	done
	wait "$pid"
	cat "$to.said" >&2
	/usr/bin/python3 -c 'import json, sys
print(*(json.loads(line)["from"] + " " + json.loads(line)["to"] for line in sys.stdin), sep=", ")' <"$to"
}

@test "sub-zones: what is traced, refused as it arrives, and running; users that there are not" {
	policy <<-'END'
		forwarding on
		zone lan { interface lan; network 10.0.1.0/24, fd00:1::/64 }
		zone dmz { interface dmz }
		zone wan { interface wan }
		zone kids { within lan; network 10.0.1.64/26 }
		zone teens { within lan; network 10.0.1.128/26 }
		zone near { within wan; network 10.0.3.0/28 }
		zone it { within self; user 12345 }
		zone none { within self; user nobody-is-called-so }
		antispoof lan
		early drop teens
		drop  kids -> wan tcp/1002
		allow lan -> wan
		allow none -> lan tcp/1003
		allow self but none -> lan, dmz tcp/1004
	END
	lab_flows <<-'END'
		v4 alice.teen -> carol tcp/1001 : dropped
		v4 alice.kid -> carol  tcp/1001 : passes
		v4 alice.kid -> carol  tcp/1002 : dropped
		alice     -> carol     tcp/1002 : passes
		router    -> alice     tcp/1003 : dropped
		router    -> alice     tcp/1004 : passes
	END
	[ "$(traced 2 'kids -> wan' 'alice tcp/9 10.0.3.2 fd00:3::2' 'alice tcp/9 10.0.3.2 FROM:10.0.1.66' \
		'alice udp/9 10.0.3.2 FROM:10.0.1.66')" = "10.0.1.66 10.0.3.2, 10.0.1.66 10.0.3.2" ]
	[ "$(traced 1 'lan but kids -> near' 'alice tcp/9 10.0.3.2 FROM:10.0.1.66' \
		'alice tcp/9 10.0.3.99 FROM:10.0.1.2' 'alice tcp/9 10.0.3.3 FROM:10.0.1.2')" = "10.0.1.2 10.0.3.3" ]
	[ "$(traced 1 'self but it -> dmz' 'router tcp/1004 10.0.1.2 10.0.2.2')" = "10.0.2.1 10.0.2.2" ]
	[ "$(lab_fwc router --config "$LAB_DIR/places.fwc" flows kids | grep -c '10.0.1.66.*1001')" = 1 ]

	lab_in router conntrack -F 2>/dev/null # those of before are none of this
	# whom the new rules refuse for certain; what an entry does not tell is taken for the best
	for packet in "alice udp/1005 10.0.3.2 FROM:10.0.1.66" "alice udp/1005 10.0.3.2 FROM:10.0.1.2" \
		"alice udp/1006 10.0.3.2 FROM:10.0.1.66" "alice udp/1006 10.0.3.2 FROM:10.0.1.2"; do
		# shellcheck disable=SC2086 # words
		lab_in ${packet%% *} "$LAB_HERE/shoot" ${packet#* }
	done
	lab_in router "$LAB_HERE/shoot" udp/1004 10.0.1.2
	cat >"$LAB_DIR/places.fwc" <<-'END'
		forwarding on
		live-flows keep
		zone lan  { interface lan }
		zone wan  { interface wan }
		zone kids { within lan; network 10.0.1.64/26 }
		zone road { within wan; ipsec }
		zone blue { within lan; mark 0x200/0xff00 }
		zone it   { within self; user 12345 }
		drop  kids -> wan udp/1005
		allow lan -> wan udp/1005
		allow blue -> road udp/1006
		drop  blue -> wan udp/1006
		allow it -> lan
	END
	lab_fwc router compile "$LAB_DIR/places.fwc"
	lab_fwc router apply
	run lab_fwc router flows --forbidden udp
	echo "$output"
	[[ $output = *"10.0.1.66"*"10.0.3.2:1005"* ]]
	[[ $output != *"10.0.1.2"* && $output != *:1006* && $output != *:1004* ]]
}

# ESP between carol and the router, for what is on one side of both; in no other way may it come.
tunnel() { # NAMESPACE VERB LEFT RIGHT DIRECTION...
	local ns=$1 left=$2 right=$3

	lab_in "$ns" ip xfrm state add src "$left" dst "$right" proto esp spi 0x100 mode tunnel \
		auth 'hmac(sha256)' 0x0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20 \
		enc 'cbc(aes)' 0x0102030405060708090a0b0c0d0e0f10 &&
		lab_in "$ns" ip xfrm state add src "$right" dst "$left" proto esp spi 0x200 mode tunnel \
			auth 'hmac(sha256)' 0x0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20 \
			enc 'cbc(aes)' 0x0102030405060708090a0b0c0d0e0f10
}

# bats test_tags=vm
@test "sub-zones by IPsec: what came through it, and what will go" {
	tunnel carol 10.0.3.2 10.0.3.1 && tunnel router 10.0.3.2 10.0.3.1 || skip "no IPsec in this kernel"
	# carol's second address goes through the tunnel
	lab_addr carol eth0 10.0.3.99/24
	lab_alias carol.tunnel carol 10.0.3.99
	lab_in carol ip xfrm policy add src 10.0.3.99 dst 10.0.1.0/24 dir out \
		tmpl src 10.0.3.2 dst 10.0.3.1 proto esp mode tunnel
	lab_in carol ip xfrm policy add src 10.0.1.0/24 dst 10.0.3.99 dir in \
		tmpl src 10.0.3.1 dst 10.0.3.2 proto esp mode tunnel
	for dir in in fwd; do
		lab_in router ip xfrm policy add src 10.0.3.99 dst 10.0.1.0/24 dir $dir \
			tmpl src 10.0.3.2 dst 10.0.3.1 proto esp mode tunnel level use
	done
	lab_in router ip xfrm policy add src 10.0.1.0/24 dst 10.0.3.99 dir out \
		tmpl src 10.0.3.1 dst 10.0.3.2 proto esp mode tunnel
	policy <<-'END'
		forwarding on
		zone lan  { interface lan }
		zone wan  { interface wan }
		zone road { within wan; ipsec }
		allow 10.0.3.2@wan -> self esp
		allow self -> 10.0.3.2@wan esp
		allow road -> lan tcp/1001
		allow wan but road -> lan tcp/1002
		allow lan -> road tcp/1003
		allow lan -> wan but road tcp/1004
		allow road -> self tcp/1005
		allow self -> road tcp/1006
		allow self -> wan but road tcp/1007
	END
	lab_flows <<-'END'
		v4 carol.tunnel -> alice tcp/1001 : passes
		v4 carol  -> alice       tcp/1001 : dropped
		v4 carol.tunnel -> alice tcp/1002 : dropped
		carol     -> alice       tcp/1002 : passes
		v4 alice -> carol.tunnel tcp/1003 : passes
		v4 alice  -> carol       tcp/1003 : dropped
		v4 alice -> carol.tunnel tcp/1004 : dropped
		alice     -> carol       tcp/1004 : passes
		v4 carol.tunnel -> router tcp/1005 : passes
		v4 carol  -> router.wan  tcp/1005 : dropped
		router    -> carol       tcp/1006 : dropped
		router    -> carol       tcp/1007 : passes
	END
	# the same address without the tunnel: what it would say of itself is not believed
	lab_in carol ip xfrm policy flush
	lab_flows <<-'END'
		v4 carol.tunnel -> alice tcp/1001 : dropped
	END
	lab_in router ip xfrm policy flush
	lab_flows <<-'END'
		v4 carol.tunnel -> alice tcp/1001 : dropped
		v4 carol.tunnel -> alice tcp/1002 : passes
	END
	lab_in router ip xfrm state flush
	lab_in carol ip xfrm state flush
}
