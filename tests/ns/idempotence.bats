#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What is there already is not sent again.

load ../lab/lab
load ../lab/watch

setup_file() {
	lab_begin
	lab_firewall router
	lab_host left right
	lab_cable router:z1 left:eth0
	lab_cable router:z2 right:eth0
	lab_addr router z1 10.1.0.1/16 fd00:1::1/64
	lab_addr router z2 10.2.0.1/16 fd00:2::1/64
	lab_addr left eth0 10.1.7.2/16 fd00:1::2/64
	lab_addr right eth0 10.2.0.2/16 fd00:2::2/64
	lab_route left default via 10.1.0.1
	lab_route right default via 10.2.0.1
	thousand 4711 >"$LAB_DIR/thousand.fwc"
	thousand 4712 >"$LAB_DIR/changed.fwc"
}

teardown_file() {
	lab_end
}

# Ten zones, a thousand rules between them; the port of one rule from z3 to z4 is $1. Verbs
# alternate and services differ, so the rules cannot all become one.
thousand() {
	local from to n verb

	echo "forwarding on"
	for from in {0..9}; do
		echo "zone z$from { interface z$from }"
	done
	for from in {0..9}; do
		for to in {0..9}; do
			for n in {0..9}; do
				verb=allow
				((n % 3 == 2)) && verb=drop
				if [ "$from$to$n" = 345 ]; then
					echo "$verb 10.$from.$n.0/24@z$from -> z$to tcp/$1"
				else
					echo "$verb 10.$from.$n.0/24@z$from -> z$to tcp/$((1000 + 10 * to + n)), udp/$((2000 + n))"
				fi
			done
		done
	done
}

teardown() {
	lab_fwc router stop || true
}

# Counters of our table that have counted: PLACE PACKETS, a line each. Place is the chain, set or
# map, without its hash, with the rule's text or the element.
counted() {
	lab_in router nft -j list table inet fwc | /usr/bin/python3 -c '
import json, re, sys
stem = lambda name: re.sub(r"\.[0-9a-f]{12}$", "", name)
for item in json.load(sys.stdin)["nftables"]:
    (kind, body), = item.items()
    if kind == "rule":
        for word in body["expr"]:
            packets = word.get("counter", {}).get("packets", 0) if isinstance(word, dict) else 0
            if packets:
                print(stem(body["chain"]), body.get("comment", "").replace(" ", "_"), packets)
    for elem in body.get("elem", []) if kind in ("set", "map") else []:
        inner = elem[0] if isinstance(elem, list) else elem
        inner = inner.get("elem", {}) if isinstance(inner, dict) else {}
        packets = inner.get("counter", {}).get("packets", 0)
        if packets:
            print(stem(body["name"]), json.dumps(inner["val"]).replace(" ", ""), packets)
' | grep -v ' fwc:' | sort
}

@test "idempotence: a second apply sends nothing" {
	for policy in "$LAB_TOP"/rulesets/*.fwc "$LAB_TOP"/examples/*.fwc; do
		lab_apply router "$policy"
		watch_begin router
		lab_fwc router apply
		lab_apply router "$policy"
		watch_end router >"$LAB_DIR/events"
		cat "$LAB_DIR/events"
		[ ! -s "$LAB_DIR/events" ]
	done
}

@test "idempotence: diff is quiet after apply, and apply --dry-run changes nothing" {
	lab_apply router "$LAB_TOP/rulesets/router.fwc"
	run lab_fwc router diff
	[ "$status" = 0 ]
	[ -z "$output" ]
	lab_fwc router compile "$LAB_TOP/examples/office.fwc"
	watch_begin router
	run lab_fwc router apply --dry-run
	[ "$status" = 0 ]
	run lab_fwc router diff
	[ "$status" = 1 ]
	watch_end router >"$LAB_DIR/events"
	cat "$LAB_DIR/events"
	[ ! -s "$LAB_DIR/events" ]
}

@test "idempotence: a comment more is no change" {
	lab_apply router "$LAB_TOP/rulesets/router.fwc"
	{ printf '# one line more\n\n'; cat "$LAB_TOP/rulesets/router.fwc"; } >"$LAB_DIR/comment.fwc"
	watch_begin router
	lab_apply router "$LAB_DIR/comment.fwc"
	watch_end router >"$LAB_DIR/events"
	cat "$LAB_DIR/events"
	[ ! -s "$LAB_DIR/events" ]
}

@test "idempotence: one rule of a thousand stages what is on its path, the others keep counting" {
	[ "$(grep -c -e '->' "$LAB_DIR/thousand.fwc")" = 1000 ]
	lab_apply router "$LAB_DIR/thousand.fwc"
	lab_flows <<-'END'
		v4 left  -> right tcp/1027 : passes
		v4 left  -> right udp/2007 : passes
		v4 left  -> right tcp/1028 : dropped
		v4 right -> left  tcp/1010 : passes
	END
	counted >"$LAB_DIR/before"
	cat "$LAB_DIR/before"
	[ "$(wc -l <"$LAB_DIR/before")" -ge 3 ]
	lab_in router nft list table inet fwc | grep -cE '^	(chain|set|map) ' >"$LAB_DIR/total"

	watch_begin router
	lab_apply router "$LAB_DIR/changed.fwc"
	watch_end router >"$LAB_DIR/events"
	cat "$LAB_DIR/events"
	# The zone pair, the hook's root and its dispatch, and the sets of that pair: of hundreds.
	staged=$(grep -cE '^add (chain|set|map) ' "$LAB_DIR/events")
	rules=$(grep -cE '^add rule ' "$LAB_DIR/events")
	echo "staged $staged of $(<"$LAB_DIR/total") objects, $rules rules"
	[ "$staged" -ge 1 ]
	[ "$staged" -le 12 ]
	[ "$rules" -le 40 ]
	counted | diff "$LAB_DIR/before" -

	lab_flows <<-'END'
		v4 left  -> right tcp/1027 : passes
		v4 left  -> right tcp/1028 : dropped
	END
}

# Seven rules of one zone pair: the first six become a map, the last, with its limit, stays a rule.
# The port of one of the six is $1.
seven() {
	echo "forwarding on"
	echo "zone one { interface z1 }"
	echo "zone two { interface z2 }"
	for n in 1 2 3 4; do
		echo "allow 10.1.$n.0/24@one -> two tcp/300$n"
	done
	echo "allow 10.1.7.0/24@one -> two tcp/3007"
	echo "drop 10.1.9.0/24@one -> two tcp/$1"
	echo "allow one -> two udp/53 limit 100/second burst 100"
}

# The packets of each policy line whose rule has the words $1.
packets() {
	lab_fwc router status | awk -v words="$1" 'index($0, words) { print $1 }'
}

@test "idempotence: counters of the chain that is changed go on, in maps, rules and behind limits" {
	seven 3100 >"$LAB_DIR/seven.fwc"
	seven 3101 >"$LAB_DIR/seven-changed.fwc"
	lab_apply router "$LAB_DIR/seven.fwc"
	lab_flows <<-'END'
		v4 left -> right tcp/3007 : passes
		v4 left -> right tcp/3007 : passes
		v4 left -> right udp/53   : passes
		v4 left -> right udp/53   : passes
	END
	[ "$(packets tcp/3007)" = 2 ]
	[ "$(packets udp/53)" = 2 ]
	lab_apply router "$LAB_DIR/seven-changed.fwc"
	[ "$(packets tcp/3101)" = 0 ]
	[ "$(packets tcp/3007)" = 2 ]
	[ "$(packets udp/53)" = 2 ]
	lab_flows <<-'END'
		v4 left -> right tcp/3007 : passes
	END
	[ "$(packets tcp/3007)" = 3 ]
}

@test "idempotence: the compiled script loads by plain nft, again and again" {
	lab_fwc router compile -o - "$LAB_DIR/thousand.fwc" >"$LAB_DIR/script.nft"
	lab_in router nft -f "$LAB_DIR/script.nft"
	lab_in router nft -s list table inet fwc >"$LAB_DIR/first"
	lab_in router nft -f "$LAB_DIR/script.nft"
	lab_in router nft -s list table inet fwc | diff "$LAB_DIR/first" -
	lab_in router sysctl -qw net.ipv4.ip_forward=1
	lab_flows <<-'END'
		v4 left  -> right tcp/1027 : passes
		v4 left  -> right tcp/1028 : dropped
		v4 right -> left  tcp/1011 : dropped
	END
	lab_in router nft delete table inet fwc
	lab_in router sysctl -qw net.ipv4.ip_forward=0
}
