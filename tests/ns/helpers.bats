#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Connection helpers on the rules that have them, and what is let in as belonging to a connection:
# what those expect, and ICMP errors; nothing that other tools' helpers expect.

load ../lab/lab

setup_file() {
	lab_begin
	modprobe -q -a nf_nat_ftp nf_nat_tftp || : # which no rule asks for
	lab_host client server
	lab_firewall router
	lab_router far
	lab_cable router:eth0 client:eth0
	lab_cable router:eth1 far:eth0
	lab_cable far:eth1 server:eth0 1280
	lab_addr router eth0 10.1.0.1/24 fd00:1::1/64
	lab_addr client eth0 10.1.0.2/24 fd00:1::2/64
	lab_addr router eth1 203.0.113.1/24 2001:db8::1/64
	lab_addr far eth0 203.0.113.2/24 2001:db8::2/64
	lab_addr far eth1 198.51.100.1/24 2001:db8:2::1/64
	lab_addr server eth0 198.51.100.2/24 2001:db8:2::2/64
	lab_route client default via 10.1.0.1
	lab_route client default via fd00:1::1
	lab_route router default via 203.0.113.2
	lab_route router default via 2001:db8::2
	lab_route server default via 198.51.100.1
	lab_route server default via 2001:db8:2::1
	lab_route far fd00:1::/64 via 2001:db8::1
	cat >"$LAB_DIR/p.fwc" <<-'END'
		forwarding on
		zone lan { interface eth0; network 10.1.0.0/24, fd00:1::/64 }
		zone wan { interface eth1 }
		service files = http, ftp

		allow lan -> wan files, tftp
		allow lan -> wan tcp/2121 helper ftp
		allow lan -> wan tcp/2122, udp/6969, udp/9999
		allow lan -> self tcp/2021 helper ftp log "to self"
		allow self -> wan ftp limit 100/second
		reject lan -> wan tcp/7, udp/7
		dnat wan -> self ftp to 10.1.0.2 allow
		masquerade lan -> wan
	END
	lab_apply router "$LAB_DIR/p.fwc"
}

teardown_file() {
	lab_end
}

transfers() { # FROM TO, the table on stdin
	/usr/bin/python3 "$LAB_HERE/transfer" "/run/netns/$LAB-$1" "/run/netns/$LAB-$2"
}

@test "FTP and TFTP bring their helper; on another port a rule names it" {
	transfers client server <<-'END'
		ftp-active 198.51.100.2 21    :  whole
		ftp-passive 198.51.100.2 21   :  whole
		ftp-active 2001:db8:2::2 21   :  whole
		ftp-passive 2001:db8:2::2 21  :  whole
		ftp-active 198.51.100.2 2121  :  whole
		ftp-passive 2001:db8:2::2 2121 :  whole
		ftp-active 198.51.100.2 2122  :  opened
		ftp-passive 198.51.100.2 2122 :  opened
		ftp-passive 2001:db8:2::2 2122 :  opened
		tftp 198.51.100.2 69          :  whole
		tftp 2001:db8:2::2 69         :  whole
		tftp 198.51.100.2 6969        :  nothing
		ftp-active 198.51.100.2 80    :  opened
	END
}

@test "to this machine, from it, and through a translation" {
	transfers client router <<-'END'
		ftp-active 10.1.0.1 2021      :  whole
		ftp-passive fd00:1::1 2021    :  whole
	END
	transfers router server <<-'END'
		ftp-active 198.51.100.2 21    :  whole
		ftp-passive 2001:db8:2::2 21  :  whole
	END
	transfers server client <<-'END'
		ftp-passive 203.0.113.1=10.1.0.2 21 :  whole
		ftp-active 203.0.113.1=10.1.0.2 21 :  whole
	END
}

@test "ICMP errors of known connections come back" {
	transfers client server <<-'END'
		unreachable 198.51.100.2 9999   :  whole
		unreachable 2001:db8:2::2 9999  :  whole
		mtu 198.51.100.2 9999           :  whole
		mtu 2001:db8:2::2 9999          :  whole
	END
}

@test "what reject answers is heard" {
	lab_flows <<-'END'
		client -> server tcp/7  : reset
		client -> server udp/7  : prohibited
	END
}

@test "the counters say what was let in" {
	lab_in router nft list ruleset >"$LAB_DIR/list"
	grep 'ct helper "ftp" counter packets [1-9]' "$LAB_DIR/list"
	grep 'ct helper "tftp" counter packets [1-9]' "$LAB_DIR/list"
	[ "$(lab_fwc router status | grep -c DIFFERS)" = 0 ]
}

@test "what a helper of another tool expects meets the rules" {
	sed -i '/ftp/d; s/udp\/6969/tcp\/20/' "$LAB_DIR/p.fwc"
	lab_in router nft -f - <<-'END'
		table inet others {
			ct helper ftp { type "ftp" protocol tcp; }
			chain pre {
				type filter hook prerouting priority -150
				tcp dport 2122 ct helper set "ftp"
				ct state related ct helper "ftp" counter name expected
			}
			counter expected { }
		}
	END
	echo 'allow lan -> wan tcp/2122, udp/9999' >>"$LAB_DIR/p.fwc"
	lab_apply router "$LAB_DIR/p.fwc"
	run lab_in router nft list ruleset
	[[ $output != *'"fwc: expected by'* ]]
	transfers client server <<-'END'
		ftp-active 198.51.100.2 2122  :  opened
		ftp-passive 2001:db8:2::2 2122 :  opened
		unreachable 198.51.100.2 9999 :  whole
	END
	# they were expected
	run lab_in router nft list counter inet others expected
	echo "$output"
	[[ $output =~ packets\ [1-9] ]]
	# and a rule that allows them does
	echo 'allow wan -> lan tcp from port 1-65535' >>"$LAB_DIR/p.fwc"
	lab_apply router "$LAB_DIR/p.fwc"
	transfers client server <<-'END'
		ftp-active 198.51.100.2 2122  :  whole
	END
}
