#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# rulesets/standalone.fwc: a notebook with a trusted wire and an untrusted wireless.

load ../lab/lab

setup_file() {
	lab_begin
	lab_firewall notebook
	lab_host colleague stranger
	lab_cable notebook:eth0 colleague:eth0
	lab_cable notebook:wlan0 stranger:eth0
	lab_addr notebook eth0 10.0.0.2/24 fd00::2/64
	lab_addr notebook wlan0 172.16.0.2/24 fd00:16::2/64
	lab_addr colleague eth0 10.0.0.3/24 fd00::3/64
	lab_addr stranger eth0 172.16.0.3/24 fd00:16::3/64
	lab_alias notebook.air notebook 172.16.0.2 fd00:16::2
	lab_alias notebook.lo notebook 127.0.0.1 ::1
	lab_broadcast notebook.all notebook 10.0.0.255
	lab_broadcast air.all notebook 172.16.0.255
	lab_alias liar stranger 10.0.0.4 fd00::4
	lab_route stranger 10.0.0.2 via 172.16.0.2
	lab_route stranger fd00::2 via fd00:16::2
	lab_apply notebook "$LAB_TOP/rulesets/standalone.fwc"
}

teardown_file() {
	lab_end
}

@test "standalone: the wire is trusted" {
	lab_flows <<-'END'
		colleague -> notebook     tcp/22   : passes
		colleague -> notebook     tcp/8080 : passes
		colleague -> notebook     udp/5353 : passes
		colleague -> notebook     ping     : passes
		colleague -> notebook.all udp/137  : arrives
		colleague -> notebook     udp/9 closed : port-unreachable by notebook
		colleague -> notebook     tcp/9 closed : reset
	END
}

@test "standalone: the air is not" {
	lab_flows <<-'END'
		stranger -> notebook.air tcp/22   : dropped
		stranger -> notebook.air tcp/8080 : dropped
		stranger -> notebook.air udp/5353 : dropped
		stranger -> notebook.air udp/9 closed : dropped
		stranger -> notebook.air tcp/9 closed : dropped
		stranger -> notebook.air proto/47 : dropped
		stranger -> notebook     tcp/22   : dropped
		liar     -> notebook     udp/53   : dropped
		stranger -> air.all      udp/137  : dropped
		stranger -> notebook.air tcp/22 flags ack : dropped
		stranger -> notebook.air udp/1024 sport 53 : dropped
	END
}

@test "standalone: from the air it can be pinged, not flooded" {
	lab_flows <<-'END'
		v4 stranger -> notebook.air ping : passes
		v6 stranger -> notebook.air ping : passes
	END
	sleep 2.2
	lab_flows <<-'END'
		v6 stranger -> notebook.air ping times 60 : passes count 10-40
	END
}

@test "standalone: the notebook may open anything" {
	lab_flows <<-'END'
		notebook     -> colleague tcp/22   : passes
		notebook     -> colleague udp/53   : passes
		notebook     -> colleague ping     : passes
		notebook.air -> stranger  tcp/443  : passes
		notebook.air -> stranger  udp/53   : passes
		notebook.air -> stranger  ping     : passes
		notebook.air -> stranger  udp/9 closed : port-unreachable by stranger
		notebook.air -> stranger  tcp/9 closed : refused
	END
}

@test "standalone: loopback" {
	lab_flows <<-'END'
		notebook.lo -> notebook.lo  tcp/631 : passes
		notebook.lo -> notebook.lo  udp/53  : passes
		notebook.lo -> notebook.lo  ping    : passes
		notebook    -> notebook.air tcp/22  : passes
	END
}

@test "standalone: it forwards nothing and changes no sysctl" {
	[ "$(lab_in notebook sysctl -n net.ipv4.ip_forward)" = 0 ]
	[ "$(lab_in notebook sysctl -n net.ipv6.conf.all.forwarding)" = 0 ]
	lab_in notebook sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	lab_route colleague 172.16.0.0/24 via 10.0.0.2
	lab_route colleague fd00:16::/64 via fd00::2
	lab_route stranger 10.0.0.3 via 172.16.0.2
	lab_route stranger fd00::3 via fd00:16::2
	lab_flows <<-'END'
		colleague -> stranger tcp/80 : dropped
		stranger -> colleague tcp/80 : dropped
		colleague -> stranger ping   : dropped
	END
	lab_in notebook sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0
}
