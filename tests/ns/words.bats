#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The words of rules that match: families, ports in short, source ports, ...

load ../lab/lab

setup_file() {
	lab_begin
	lab_firewall fw
	lab_host lan wan
	lab_cable lan:eth0 fw:eth0
	lab_cable wan:eth0 fw:eth1
	lab_addr fw eth0 192.0.2.1/24 2001:db8:1::1/64
	lab_addr fw eth1 198.51.100.1/24 2001:db8:2::1/64
	lab_addr lan eth0 192.0.2.9/24 2001:db8:1::9/64
	lab_addr wan eth0 198.51.100.9/24 2001:db8:2::9/64
	lab_route lan default via 192.0.2.1
	lab_route lan default via 2001:db8:1::1
	lab_route wan default via 198.51.100.1
	lab_route wan default via 2001:db8:2::1
}

teardown_file() {
	lab_end
}

# rules LINE...: applies them, behind zones and forwarding
rules() {
	printf '%s\n' 'forwarding on' 'zone lan { interface eth0 }' 'zone wan { interface eth1 }' "$@" \
		>"$LAB_DIR/words.fwc"
	lab_apply fw "$LAB_DIR/words.fwc"
}

@test "words: families and ports in short, in a list of rules" {
	rules 'allow lan -> self tcp/22, 80, 8000-8002 ipv6' \
		'allow lan -> self tcp+udp/655, 700' \
		'allow lan -> self ping ipv4' \
		'allow lan -> wan ipv4' \
		'allow wan -> lan icmp ipv6'
	lab_flows <<-'END'
		v6 lan -> fw tcp/22   : passes
		v6 lan -> fw tcp/80   : passes
		v6 lan -> fw tcp/8002 : passes
		v6 lan -> fw udp/80   : dropped
		v4 lan -> fw tcp/22   : dropped
		v4 lan -> fw tcp/8001 : dropped
		lan -> fw tcp/655     : passes
		lan -> fw udp/655     : passes
		lan -> fw tcp/700     : passes
		lan -> fw udp/700     : passes
		lan -> fw udp/701     : dropped
		v4 lan -> fw ping     : passes
		v6 lan -> fw ping     : dropped
		v4 lan -> wan tcp/5   : passes
		v6 lan -> wan tcp/5   : dropped
		v6 wan -> lan ping    : passes
		v4 wan -> lan ping    : dropped
	END
}

@test "words: source ports, in a list and in maps" {
	rules 'service tuned = udp/53, tcp from port 1000-1099' \
		'allow lan -> self udp/5 from port 1900, 2000-2010' \
		'allow lan -> self tuned' \
		'allow lan -> self tcp/7 from port 7000-7099 ipv4' \
		'lan -> wan {' \
		'allow tcp/1 from port 700-799' \
		'drop tcp/1' \
		'allow udp/2 from port 53 ipv6' \
		'reject tcp/3 from port 600 ipv4' \
		'allow tcp/3 ipv4' \
		'allow tcp/3 from port 600-601 ipv6' \
		'drop udp from port 99' \
		'allow udp/6 ipv4' \
		'}'
	lab_flows <<-'END'
		lan -> fw udp/5 sport 1900    : passes
		lan -> fw udp/5 sport 2010    : passes
		lan -> fw udp/5 sport 2011    : dropped
		lan -> fw udp/6 sport 1900    : dropped
		lan -> fw tcp/99 sport 1000   : passes
		lan -> fw tcp/99 sport 1100   : dropped
		lan -> fw udp/53              : dropped
		v4 lan -> fw tcp/7 sport 7000 : passes
		v6 lan -> fw tcp/7 sport 7001 : dropped
		lan -> wan tcp/1 sport 701    : passes
		lan -> wan tcp/1 sport 801    : dropped
		v6 lan -> wan udp/2 sport 53  : passes
		v4 lan -> wan udp/2 sport 53  : dropped
		v6 lan -> wan udp/2 sport 54  : dropped
		v4 lan -> wan tcp/3 sport 600 : reset
		v4 lan -> wan tcp/3 sport 601 : passes
		v6 lan -> wan tcp/3 sport 600 : passes
		v6 lan -> wan tcp/3 sport 602 : dropped
		v4 lan -> wan udp/6 sport 99  : dropped
		v4 lan -> wan udp/6 sport 98  : passes
		v6 lan -> wan udp/6 sport 98  : dropped
	END
}

@test "words: translations of one family, and by source port" {
	rules 'allow lan -> wan' \
		'allow wan -> lan tcp/8080' \
		'allow lan -> self tcp/3128' \
		'host there = 192.0.2.9, 2001:db8:1::9' \
		'masquerade lan -> wan udp/5 from port 500 ipv4' \
		'dnat wan -> self tcp/80, 81 ipv6 to there:8080' \
		'dnat wan -> self tcp/82 from port 1000-2000 to there:8080' \
		'redirect lan -> any tcp/85 ipv4 to :3128'
	lab_flows <<-'END'
		v4 lan -> wan udp/5 sport 500  : passes as 198.51.100.1
		v4 lan -> wan udp/5 sport 501  : passes
		v6 wan -> fw tcp/80            : passes at lan:8080
		v6 wan -> fw tcp/81            : passes at lan:8080
		v4 wan -> fw tcp/80            : dropped
		wan -> fw tcp/82 sport 1500    : passes at lan:8080
		wan -> fw tcp/82 sport 2500    : dropped
		v4 lan -> wan tcp/85           : passes at fw:3128
		v6 lan -> wan tcp/85           : passes
	END
}
