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

@test "words: every address of one family" {
	rules 'allow ::/0@lan -> self ssh' 'allow wan -> 0.0.0.0/0@lan tcp/80'
	lab_flows <<-'END'
		v6 lan -> fw tcp/22  : passes
		v4 lan -> fw tcp/22  : dropped
		v4 wan -> lan tcp/80 : passes
		v6 wan -> lan tcp/80 : dropped
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

@test "words: ICMP codes and DSCP" {
	rules 'allow lan -> self icmp/8/0 ipv4' \
		'allow lan -> self icmpv6/128/1' \
		'allow wan -> self ping dscp ef' \
		'wan -> lan {' \
		'allow icmp/8/1' \
		'drop icmp/8/0' \
		'allow icmpv6/128/0' \
		'drop icmpv6/128' \
		'allow tcp/9' \
		'}'
	lab_flows <<-'END'
		v4 lan -> fw ping  : passes
		v6 lan -> fw ping  : dropped
		v4 wan -> lan ping : dropped
		v6 wan -> lan ping : passes
		wan -> fw ping     : dropped
	END
	lab_in wan ping -qc1 -W5 -Q 0xb8 198.51.100.1
	lab_in wan ping -qc1 -W5 -Q 0xb8 2001:db8:2::1
}

@test "words: bits of marks" {
	lab_in fw nft -f - <<-'END'
		table inet marks {
			chain pre {
				type filter hook prerouting priority -150
				tcp dport 5 meta mark set 0x4005
				tcp dport 6 meta mark set 0x4006
				tcp dport 7 meta mark set 0x2005
			}
		}
	END
	rules 'allow lan -> wan tcp/6 mark 0x6/0xff' \
		'drop lan -> wan tcp mark 0x4006' \
		'allow lan -> wan tcp/5, 7 mark 0x4000/0xff00' \
		'allow lan -> self tcp/3128' \
		'redirect lan -> any tcp/7 mark 5/0xf to :3128'
	lab_flows <<-'END'
		lan -> wan tcp/6 : passes
		lan -> wan tcp/5 : passes
		lan -> wan tcp/7 : passes at fw:3128
		lan -> wan tcp/8 : dropped
	END
	lab_in fw nft delete table inet marks
}

# sends UID GID: whether this machine lets a process of that user and group send
sends() {
	lab_in fw /usr/bin/python3 - "$@" <<-'END'
		import os, socket, sys
		os.setgroups([])
		os.setgid(int(sys.argv[2]))
		os.setuid(int(sys.argv[1]))
		s = [socket.socket(f, socket.SOCK_DGRAM) for f in (socket.AF_INET, socket.AF_INET6)]
		sent = []
		for x, to in zip(s, ('198.51.100.9', '2001:db8:2::9')):
		    try:
		        x.sendto(b'x', (to, 9))
		        sent.append('passes')
		    except PermissionError:
		        sent.append('dropped')
		print(*sent)
	END
}

@test "words: users and groups; a name that nobody has costs its rule alone" {
	rules 'allow self -> wan udp/9 group 8 ipv4' \
		'allow self -> wan udp/9 user 7 group 9' \
		'allow self -> wan user no-such-user' \
		'allow self -> wan group no-such-group' \
		'allow lan -> self ssh'
	[ "$(sends 0 8)" = "passes dropped" ]
	[ "$(sends 7 9)" = "passes passes" ]
	[ "$(sends 7 7)" = "dropped dropped" ]
	[ "$(sends 0 9)" = "dropped dropped" ]
	lab_flows <<-'END'
		lan -> fw tcp/22 : passes
	END
}

@test "words: disabled, note, and what is denied" {
	rules 'allow lan -> self tcp/80 note "change 1"' \
		'disabled allow lan -> self tcp/81' \
		'disabled lan -> self {' 'allow tcp/82' '}' \
		'lan -> self {' 'disabled allow tcp/83' 'allow tcp/84' 'reject tcp/85' '}' \
		'disabled redirect lan -> any tcp/86 to :80' \
		'disabled forwarding off' \
		'disabled expect allow lan -> self tcp/81' \
		'expect deny lan -> self tcp/81-83, 85' \
		'expect some deny lan -> self tcp/84-85'
	lab_flows <<-'END'
		lan -> fw tcp/80 : passes
		lan -> fw tcp/81 : dropped
		lan -> fw tcp/82 : dropped
		lan -> fw tcp/83 : dropped
		lan -> fw tcp/84 : passes
		lan -> fw tcp/85 : reset
		lan -> fw tcp/86 : dropped
	END
	# a note changes nothing that the kernel holds
	sed -i 's/note "change 1"/note "change 2"/' "$LAB_DIR/words.fwc"
	lab_fwc fw compile "$LAB_DIR/words.fwc"
	lab_fwc fw diff
	echo 'expect deny lan -> self tcp/84' >>"$LAB_DIR/words.fwc"
	run lab_fwc fw compile "$LAB_DIR/words.fwc"
	[ "$status" = 2 ]
	[[ $output == *"would be allowed"* ]]
}
