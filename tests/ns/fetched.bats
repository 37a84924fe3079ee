#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Hosts and sets that DNS and URLs fill: what is in them changes while the rules stay.

load ../lab/lab
load ../lab/three

setup_file() {
	lab_begin
	three_networks
}

teardown_file() {
	lab_end
}

# As a refresh does it: in place.
holds() { # add|delete SET ADDRESS...
	local what=$1 set=$2 IFS=,
	shift 2
	lab_in router nft "$what" element inet fwc "$set" "{ $* }"
}

says() { # question, by the kernel
	run lab_fwc router explain --live "$1" "$LAB_DIR/fetched.fwc"
	echo "$output"
}

@test "fetched: dns and url sets, TO and FROM, mixed and negated; what is in them changes between packets" {
	cat >"$LAB_DIR/fetched.fwc" <<-'END'
		forwarding on
		zone lan { interface lan }
		zone wan { interface wan }
		zone dmz { interface dmz }
		host shop  = dns "shop.example"
		host mixed = 10.0.3.2, dns "mixed.example"
		set  all   = shop, mixed
		set  bad   = url "https://example.org/bad.txt", !10.0.3.0/24

		drop  bad -> any
		allow lan  -> shop      tcp/1001
		allow lan  -> mixed     tcp/1002
		lan -> shop@wan {
			allow udp/1003
			reject udp
		}
		allow !shop@wan -> lan  tcp/1004
		allow lan -> !all       tcp/1005
		allow self -> shop      tcp/1006
		allow shop, mixed -> lan tcp/1007
	END
	lab_apply router "$LAB_DIR/fetched.fwc"
	# nothing is known yet
	lab_flows <<-'END'
		client -> one    tcp/1001 : dropped
		client -> one    tcp/1002 : dropped
		v4 client -> two tcp/1002 : passes
		v6 client -> two tcp/1002 : dropped
		client -> one    udp/1003 : dropped
		one -> client    tcp/1004 : passes
		client -> one    tcp/1005 : passes
		v4 client -> two tcp/1005 : dropped
		v6 client -> two tcp/1005 : passes
		router -> one    tcp/1006 : dropped
	END
	holds add shop.dns.v4 10.0.2.2
	holds add shop.dns.v6 fd00:2::2
	holds add mixed.dns.v6 fd00:3::2
	lab_flows <<-'END'
		client -> one    tcp/1001 : passes
		client -> two    tcp/1001 : dropped
		client -> two    tcp/1002 : passes
		client -> one    udp/1003 : passes
		client -> one    udp/1008 : prohibited
		one -> client    tcp/1004 : dropped
		client -> one    tcp/1005 : dropped
		client -> two    tcp/1005 : dropped
		router -> one    tcp/1006 : passes
		one -> client    tcp/1007 : passes
		two -> client    tcp/1007 : passes
	END
	lab_fwc router status >"$LAB_DIR/status"
	grep -q 'holds what was applied' "$LAB_DIR/status"
	# another address, and a list that names networks
	holds add shop.dns.v4 10.0.3.2
	holds delete shop.dns.v4 10.0.2.2
	holds add bad.url.v4.net.bulk 10.0.2.0/24 192.0.2.1-192.0.2.9
	holds add bad.url.v6.net.bulk fd00:2::/64
	lab_flows <<-'END'
		v4 client -> one tcp/1001 : dropped
		v6 client -> one tcp/1001 : passes
		v4 client -> two tcp/1001 : passes
		one -> client    tcp/1007 : dropped
		two -> client    tcp/1007 : passes
	END
	# by what they hold, so there is no if about it; by the policy alone it is free
	says '10.0.2.2@wan -> 10.0.1.2@lan tcp/1007'
	[ "$status" = 0 ]
	[[ $output == *"drop bad -> any"*dropped ]]
	[[ $output != *" if "* ]]
	says 'bad@dmz -> lan tcp/1007 ipv6'
	[[ $output == *"fd00:2::"*" -> "* ]]
	run lab_fwc router explain '10.0.2.2@wan -> 10.0.1.2@lan tcp/1007' "$LAB_DIR/fetched.fwc"
	echo "$output"
	[[ $output == *"set bad (url) holds the source"* ]]
	# a trace of what it names
	lab_fwc router trace --json -n 1 --timeout 120 'bad@wan -> lan' "$LAB_DIR/fetched.fwc" >"$LAB_DIR/traced" 2>"$LAB_DIR/tracing" 3>&- &
	pid=$!
	for _ in {1..600}; do
		! grep -q tracing "$LAB_DIR/tracing" || break
		sleep 0.05
	done
	lab_in two "$LAB_HERE/shoot" udp/7 10.0.1.2
	lab_in one "$LAB_HERE/shoot" udp/8 10.0.1.2
	wait $pid
	cat "$LAB_DIR/tracing" "$LAB_DIR/traced"
	/usr/bin/python3 -c 'import json, sys
d = json.loads(open(sys.argv[1]).read())
assert (d["from"], d["dport"], d["verdict"], d["decided"]["rule"]) == ("10.0.2.2", 8, "drop", "drop bad -> any"), d' "$LAB_DIR/traced"
	holds delete bad.url.v4.net.bulk 10.0.2.0/24
	# one address of it, which is in the other set
	holds add bad.url.v4.addr.bulk 10.0.2.2
	says '10.0.2.2@wan -> 10.0.1.2@lan tcp/1007'
	[[ $output == *"drop bad -> any"*dropped ]]
	[[ $output != *" if "* ]]
	lab_flows <<-'END'
		v4 one -> client tcp/1007 : dropped
		v4 two -> client tcp/1007 : passes
	END
	holds delete bad.url.v4.addr.bulk 10.0.2.2
	says '10.0.2.2@wan -> 10.0.1.2@lan tcp/1004'
	[[ $output == *"allow !shop@wan -> lan tcp/1004"*accepted ]]
	[[ $output != *" if "* ]]
	lab_flows <<-'END'
		v4 one -> client tcp/1004 : passes
		v6 one -> client tcp/1004 : dropped
	END
	# a question that names it speaks of the addresses of now
	lab_fwc router explain --live 'lan -> shop tcp/1001 ipv4' "$LAB_DIR/fetched.fwc" >"$LAB_DIR/said"
	cat "$LAB_DIR/said"
	grep -q -- '-> 10.0.3.2 tcp/1001' "$LAB_DIR/said"
}
