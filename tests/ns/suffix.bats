#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# IPv6 hosts by the end of their address, over a change of the prefix.

load ../lab/lab

setup_file() {
	lab_begin
	lab_firewall router
	lab_host nas tv server
	lab_switch air
	lab_cable router:lan air
	lab_cable air nas:eth0
	lab_cable air tv:eth0
	lab_cable router:wan server:eth0
	lab_addr router lan 10.0.1.1/24 fd00:1::1/64
	lab_addr router wan 10.0.2.1/24 fd00:2::1/64
	lab_addr nas eth0 10.0.1.10/24 fd00:1::10/64
	lab_addr tv eth0 10.0.1.11/24 fd00:1::11/64
	lab_addr server eth0 10.0.2.2/24 fd00:2::2/64
	for n in nas tv; do
		lab_route "$n" default via 10.0.1.1
		lab_route "$n" default via fd00:1::1
	done
	lab_route server default via 10.0.2.1
	lab_route server default via fd00:2::1
	lab_alias router.lan router 10.0.1.1 fd00:1::1
	lab_alias router.wan router 10.0.2.1 fd00:2::1
}

teardown_file() {
	lab_end
}

@test "suffix: hosts, sets and maps, in both directions" {
	cat >"$LAB_DIR/suffix.fwc" <<-'END'
		forwarding on
		zone lan { interface lan }
		zone wan { interface wan }
		host nas  = 10.0.1.10, suffix ::10
		host tv   = suffix ::11
		host odd  = suffix ::1:0:0:0:10/80
		set  both = nas, tv
		set  net  = fd00:1::/64, !suffix ::11

		antispoof any by route
		allow wan -> nas@lan   tcp/1001
		allow wan -> tv@lan    tcp/1002
		allow wan -> both@lan  tcp/1003
		allow wan -> !tv@lan   tcp/1004
		allow wan -> net@lan   tcp/1005
		allow wan -> odd@lan   tcp/1006
		allow tv@lan  -> wan   tcp/1007
		allow nas@lan -> self  tcp/1007
		allow nas@lan -> wan   tcp/1008
		masquerade tv@lan -> wan
	END
	lab_apply router "$LAB_DIR/suffix.fwc"
	lab_flows <<-'END'
		server -> nas       tcp/1001 : passes
		server -> tv        tcp/1001 : dropped
		v4 server -> tv     tcp/1002 : dropped
		v6 server -> tv     tcp/1002 : passes
		server -> nas       tcp/1002 : dropped
		server -> nas       tcp/1003 : passes
		v6 server -> tv     tcp/1003 : passes
		v4 server -> tv     tcp/1003 : dropped
		v6 server -> nas    tcp/1004 : passes
		v6 server -> tv     tcp/1004 : dropped
		v4 server -> nas    tcp/1004 : dropped
		v6 server -> nas    tcp/1005 : passes
		v6 server -> tv     tcp/1005 : dropped
		v6 server -> nas    tcp/1006 : dropped
		v6 tv  -> server    tcp/1007 : passes as router.wan
		nas -> server       tcp/1008 : passes
		v4 tv  -> server    tcp/1007 : dropped
		nas -> server       tcp/1007 : dropped
		nas -> router.lan   tcp/1007 : passes
		tv  -> router.lan   tcp/1007 : dropped
	END
	# the same as one look-up
	{
		for n in {1..9}; do
			echo "host h$n = suffix ::10$n"
			echo "allow wan -> h$n@lan tcp/200$n"
		done
		echo 'drop fd00:2::2@wan -> nas@lan tcp/2050'
		echo 'allow wan -> nas@lan tcp/2050-2051'
	} >>"$LAB_DIR/suffix.fwc"
	lab_apply router "$LAB_DIR/suffix.fwc"
	lab_in router nft list table inet fwc |
		grep 'ip6 daddr & ::ffff:ffff:ffff:ffff . meta l4proto . th dport vmap'
	lab_flows <<-'END'
		v6 server -> nas    tcp/1001 : passes
		v6 server -> tv     tcp/1001 : dropped
		v6 server -> nas    tcp/2001 : dropped
		v6 server -> nas    tcp/2050 : dropped
		v4 server -> nas    tcp/2050 : passes
		server -> nas       tcp/2051 : passes
	END
	# no address of a group is that host's
	run lab_fwc router explain --config "$LAB_DIR/suffix.fwc" 'wan -> ff05::10@lan tcp/1001'
	echo "$output"
	[[ $output == *": dropped"* || $output == *"no rule, drop"* ]]
}

# nas and tv get addresses of the prefix $1 (and the names nas-$3, tv-$3), and those of $2 are on their way out, as after a call to
# the provider: told by radvd where there is one, which one runs at a time.
get_prefix() {
	local n

	lab_in router ip addr add "$1"1/64 dev lan nodad
	if command -v radvd >/dev/null; then
		{
			echo "interface lan { AdvSendAdvert on; MinRtrAdvInterval 3; MaxRtrAdvInterval 4;"
			echo "prefix $1/64 { AdvValidLifetime 3600; AdvPreferredLifetime 3600; };"
			[ -z "$2" ] || echo "prefix $2/64 { AdvValidLifetime 7200; AdvPreferredLifetime 0; };"
			echo "};"
		} >"$LAB_DIR/radvd.conf"
		lab_in router radvd -n -C "$LAB_DIR/radvd.conf" -p "$LAB_DIR/radvd-$3.pid" -u root \
			-m logfile -l "$LAB_DIR/radvd.log" 3>&- &
		RADVD=$!
	else
		lab_in nas ip addr add "$1"10/64 dev eth0
		lab_in tv ip addr add "$1"11/64 dev eth0
	fi
	for n in nas:10 tv:11; do
		for _ in {1..1500}; do
			lab_in "${n%:*}" ip -6 addr show dev eth0 -tentative | grep -q "$1${n#*:}/64 " && continue 2
			sleep 0.02
		done
		cat "$LAB_DIR/radvd.log"
		return 1
	done
	if [ -n "${RADVD:-}" ]; then
		kill "$RADVD"
		wait "$RADVD" || true
	fi
	lab_alias "nas-$3" nas "$1"10
	lab_alias "tv-$3" tv "$1"11
}

@test "suffix: another prefix, and rules, flows and explain go on" {
	local n before

	cat >"$LAB_DIR/prefix.fwc" <<-'END'
		forwarding on
		zone lan { interface lan }
		zone wan { interface wan }
		host nas = suffix ::10
		allow wan -> nas@lan tcp/3001, tcp/3003
		allow self -> lan
		live-flows end
	END
	lab_apply router "$LAB_DIR/prefix.fwc"
	for n in nas:10 tv:11; do
		lab_in "${n%:*}" sysctl -qw net.ipv6.conf.eth0.accept_ra=1 net.ipv6.conf.eth0.autoconf=1 \
			net.ipv6.conf.eth0.accept_ra_defrtr=0 net.ipv6.conf.eth0.router_solicitations=1 \
			net.ipv6.conf.eth0.dad_transmits=0
		lab_in "${n%:*}" ip token set "::${n#*:}" dev eth0
	done
	get_prefix 2001:db8:a:: "" first
	lab_talk server nas 2001:db8:a::10 3003
	lab_goes_on 3003
	before=$(lab_in router nft -n list ruleset | grep -v counter)

	get_prefix 2001:db8:b:: 2001:db8:a:: second
	lab_goes_on 3003
	lab_flows <<-'END'
		v6 server -> nas-second tcp/3001 : passes
		v6 server -> tv-second tcp/3001 : dropped
		v6 server -> nas-second tcp/3002 : dropped
	END
	# not a letter of the rules is another, and no status says so
	[ "$(lab_in router nft -n list ruleset | grep -v counter)" = "$before" ]
	lab_fwc router status
	run lab_fwc router explain --config "$LAB_DIR/prefix.fwc" 'wan -> 2001:db8:b::10@lan tcp/3001'
	[[ $output == *"prefix.fwc:5: allow wan -> nas@lan tcp/3001, tcp/3003"* ]]
	run lab_fwc router explain --config "$LAB_DIR/prefix.fwc" 'wan -> 2001:db8:b::11@lan tcp/3001'
	[[ $output == *"no rule"* ]]
	run lab_fwc router flows --config "$LAB_DIR/prefix.fwc" nas
	[[ $output == *2001:db8:a::10* ]]
	# what opens by the new prefix is the same line's, beside what runs by the old one
	lab_talk server nas 2001:db8:b::10 3001
	run lab_fwc router flows --config "$LAB_DIR/prefix.fwc" to nas
	echo "$output"
	grep -q '^tcp established .* -> \[2001:db8:a::10\]:3003 ' <<<"$output"
	grep -q '^tcp established .* -> \[2001:db8:b::10\]:3001 ' <<<"$output"
	[ "$(grep -c '/prefix.fwc:5: ' <<<"$output")" = "$(grep -c '^tcp ' <<<"$output")" ]
	run lab_fwc router flows --forbidden --config "$LAB_DIR/prefix.fwc"
	[ "$status" = 0 ]
	lab_goes_on 3001

	# a policy that no longer lets it in ends what runs, by the end of its address
	sed -i 's/::10/::12/' "$LAB_DIR/prefix.fwc"
	lab_apply router "$LAB_DIR/prefix.fwc"
	lab_stops 3003
	lab_stops 3001
}
