#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What others have translated (docker, podman, miniupnpd), and what the policy itself has, by the
# port that the client called.

load ../lab/lab

setup_file() {
	lab_begin
	lab_firewall router
	lab_host office web server
	lab_cable router:eth1 server:eth0
	lab_cable router:docker0 web:eth0
	lab_addr router eth1 203.0.113.2/24 2001:db8::2/64
	lab_addr server eth0 203.0.113.1/24 2001:db8::1/64
	lab_addr router docker0 172.17.0.1/16 fd00:17::1/64
	lab_addr web eth0 172.17.0.2/16 fd00:17::2/64
	lab_alias router.out router 203.0.113.2 2001:db8::2
	lab_alias office server 203.0.113.9 2001:db8::9
	lab_route web default via 172.17.0.1
	lab_route web default via fd00:17::1
	lab_route router 203.0.113.9/32 via 203.0.113.1
	lab_route router 2001:db8::9/128 via 2001:db8::1
	lab_route server 172.17.0.0/16 via 203.0.113.2
	lab_route server fd00:17::/64 via 2001:db8::2
	cat >"$LAB_DIR/p.fwc" <<-'END'
		forwarding on
		zone wan    { interface eth1 }
		zone docker { interface docker0 }
		host office = 203.0.113.9, 2001:db8::9

		allow wan -> docker published tcp/8080, tcp/9000-9009, udp/53
		allow office@wan -> docker published
		allow wan -> self published tcp/8090
		reject wan -> docker published tcp/8443
		allow self -> docker published tcp/7000
		dnat wan -> self tcp/9001 to 172.17.0.2:81
		dnat wan -> self tcp/9001 to [fd00:17::2]:81

		expect allow wan -> docker published tcp/8080
		expect some allow wan -> docker tcp/80
		expect some drop wan -> docker tcp/80
		expect drop 192.0.2.0/24@wan -> docker published tcp/8081
	END
	lab_apply router "$LAB_DIR/p.fwc"
	# as docker does it, in a table of its own and at the same place
	ip netns exec "$LAB-router" nft -f - <<-'END'
		table inet others {
			chain pre {
				type nat hook prerouting priority dstnat
				fib daddr type local meta nfproto ipv4 tcp dport { 8080, 8081, 8443 } dnat ip to 172.17.0.2:80
				fib daddr type local meta nfproto ipv6 tcp dport { 8080, 8081, 8443 } dnat ip6 to [fd00:17::2]:80
				fib daddr type local meta nfproto ipv4 udp dport 53 dnat ip to 172.17.0.2:5353
				fib daddr type local meta nfproto ipv6 udp dport 53 dnat ip6 to [fd00:17::2]:5353
				fib daddr type local tcp dport { 8090, 8091 } redirect to :8000
			}
			chain out {
				type nat hook output priority -100
				ip daddr 203.0.113.77 tcp dport { 7000, 7001 } dnat ip to 172.17.0.2:80
			}
		}
	END
	lab_alias router.77 router
	sed -i "s/^router.77 \([^ ]*\) - -/router.77 \1 203.0.113.77 -/" "$LAB_DIR/hosts"
}

teardown_file() {
	lab_end
}

@test "published: by the port that was called, whoever translates it" {
	lab_flows <<-'END'
		server -> router.out tcp/8080 : passes at web:80
		server -> router.out udp/53   : passes at web:5353
		server -> router.out tcp/9001 : passes at web:81
		server -> router.out tcp/8081 : dropped
		server -> router.out tcp/8443 : reset
		server -> web tcp/80          : dropped
		server -> web tcp/8080        : dropped
		office -> router.out tcp/8081 : passes at web:80
		office -> web tcp/80          : dropped
	END
}

@test "published: whether others translated it is open, until the question says so" {
	cat >"$LAB_DIR/e.fwc" <<-'END'
		forwarding on
		zone wan    { interface eth1 }
		zone docker { interface docker0 }
		allow wan -> docker published tcp/8080
		expect drop wan -> docker tcp/80
		expect allow wan -> docker tcp/80
		expect allow wan -> docker published
		expect allow wan -> docker published tcp/8080
		expect drop wan -> docker published tcp/8079, udp/8080
		expect some drop wan -> docker tcp/80
		expect some allow wan -> docker tcp/80
	END
	run lab_fwc router check "$LAB_DIR/e.fwc"
	echo "$output"
	[ "$status" = 1 ]
	[ "$(grep -c 'expectation fails' <<<"$output")" = 3 ]
	[[ $output == *"e.fwc:5:1: error"*"destination translated, called by port 8080, would be allowed"* ]]
	[[ $output == *"e.fwc:6:1: error"*", would be dropped"* ]]
	[[ $output == *"e.fwc:7:1: error"*"destination translated, would be dropped"* ]]
}

@test "published: to this machine, and from it" {
	lab_flows <<-'END'
		server -> router.out tcp/8090 : passes at router:8000
		server -> router.out tcp/8091 : dropped
		server -> router.out tcp/8000 : dropped
		v4 router -> router.77 tcp/7000 : passes at web:80
		v4 router -> router.77 tcp/7001 : dropped
	END
}

@test "published: what runs goes on while its rule is there, and is known by the port it called" {
	local query

	ip netns exec "$LAB-router" nft 'table inet others { chain pre { meta nfproto ipv4 tcp dport 9009 dnat ip to 172.17.0.2:9009; }; }'
	lab_idle server web 203.0.113.2 9009 anywhere
	run lab_fwc router flows
	echo "$output"
	[ "$status" = 0 ]
	[[ $output == *"published tcp/8080, tcp/9000-9009"* ]]
	lab_say 9009 near
	run lab_fwc router explain --live 'wan -> self tcp/8080' "$LAB_DIR/p.fwc"
	echo "$output"
	[[ $output == *"allow wan -> docker published tcp/8080"*accepted* ]]
	# a policy that publishes other ports: diff tells of the port, and in words that explain takes
	sed 's,tcp/9000-9009,tcp/9100,' "$LAB_DIR/p.fwc" >"$LAB_DIR/other.fwc"
	run lab_fwc router diff "$LAB_DIR/p.fwc" "$LAB_DIR/other.fwc"
	echo "$output"
	[[ $output == *"called by port 9000"*"destination translated"* || $output == *"destination translated"*"called by port 9000"* ]]
	query=$(sed -n "s/.*fwc explain '\(.*published.*\)'/\1/p" <<<"$output" | head -n 1)
	lab_fwc router explain "$query" "$LAB_DIR/p.fwc"
	{ cat "$LAB_DIR/other.fwc"; echo 'live-flows end'; } >"$LAB_DIR/end.fwc"
	run lab_apply router "$LAB_DIR/end.fwc"
	echo "$output"
	[[ $output =~ connections?\ ended ]]
	run lab_say 9009 near
	[ "$status" = 1 ]
	lab_apply router "$LAB_DIR/p.fwc"
}
