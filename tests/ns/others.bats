#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Beside the rules of other programs, as those wrote them (tests/dumps/cases/tool-*): what becomes of
# packets is what explain --live says, and what of it fwc would have let pass is told with a packet.

bats_require_minimum_version 1.5.0
load ../lab/lab

setup_file() {
	lab_begin
	lab_firewall router
	lab_host client server web guest
	lab_cable router:eth0 client:eth0
	lab_cable router:eth1 server:eth0
	lab_cable router:docker0 web:eth0
	lab_cable router:br0 guest:eth0
	lab_addr router eth0 10.0.0.1/24
	lab_addr router eth1 10.0.1.1/24
	lab_addr router docker0 172.17.0.1/16
	lab_addr router br0 192.168.122.1/24
	lab_addr client eth0 10.0.0.2/24
	lab_addr server eth0 10.0.1.9/24
	lab_addr web eth0 172.17.0.2/16
	lab_addr guest eth0 192.168.122.2/24
	lab_route client default via 10.0.0.1
	lab_route server default via 10.0.1.1
	lab_route web default via 172.17.0.1
	lab_route guest default via 192.168.122.1
	cat >"$LAB_DIR/p.fwc" <<-'END'
		forwarding on
		zone lan    { interface eth0; network 10.0.0.0/24 }
		zone docker { interface docker0; network 172.17.0.0/16 }
		zone virt   { interface br0; network 192.168.122.0/24 }
		zone wan    { interface eth1; network 10.0.1.0/24 }
		allow any -> any
	END
	lab_alias router.out router 10.0.1.1
	lab_apply router "$LAB_DIR/p.fwc"
}

teardown_file() {
	lab_end
}

setup() {
	lab_in router nft list tables | while read -r _ family name; do
		[ "$family $name" = "inet fwc" ] || lab_in router nft delete table "$family" "$name"
	done
}

they() { # TOOL: its rules are loaded
	local cases=$LAB_TOP/tests/dumps/cases/tool-$1

	[ ! -e "$cases.nft" ] || lab_in router nft -f "$cases.nft"
	[ ! -e "$cases.iptables" ] || lab_in router iptables-nft-restore <"$cases.iptables"
	[ ! -e "$cases.ip6tables" ] || lab_in router ip6tables-nft-restore <"$cases.ip6tables"
}

end() { # HOST: as a question names it
	case $1 in
	router) echo 10.0.0.1@self ;;
	client) echo 10.0.0.2@lan ;;
	server) echo 10.0.1.9@wan ;;
	web) echo 172.17.0.2@docker ;;
	guest) echo 192.168.122.2@virt ;;
	esac
}

fates() { # QUESTION
	lab_fwc router --json explain --live "$1" "$LAB_DIR/p.fwc" |
		/usr/bin/python3 -c 'import json, sys; print(*sorted({x["fate"] for x in json.load(sys.stdin)}))'
}

# Lines "WHO WHERE SERVICE FATE", FATE as in the tables of the lab: by packets, and by explain.
both() {
	local who where service fate said bad=

	tee "$LAB_DIR/both" | sed -E 's/^(\S+) (\S+) (\S+) (.*)/\1 -> \2 \3 : \4/' >"$LAB_DIR/table"
	lab_flows <"$LAB_DIR/table"
	while read -r who where service fate; do
		said=$(fates "$(end "$who") -> $(end "$where") $service")
		case $fate in passes*) fate=accept ;; dropped*) fate=drop ;; *) fate=reject ;; esac
		[ "$said" = "$fate" ] || { echo "$who -> $where $service: $fate, said to be $said"; bad=1; }
	done <"$LAB_DIR/both"
	[ -z "$bad" ]
}

# What status says is dropped is dropped, says explain. Prints the chains.
dropped() {
	local chain zone

	lab_fwc router --json status | /usr/bin/python3 -c 'import json, re, sys
for f in json.load(sys.stdin)["foreign"]:
    if f["packet"]:
        way = re.search(r"(\S+) -> (\S+) (\S+?),? .*?arriving on ([^ ,]+)", f["packet"] + ",")
        print(f["table"].replace(" ", "/"), f["chain"], f["hook"], *way.groups() if way else ["?"])' \
		>"$LAB_DIR/dropped"
	while read -r table chain hook from to service interface; do
		echo "$table $chain"
		[ "$from" != '?' ] || continue
		case $interface in eth0) zone=lan ;; eth1) zone=wan ;; docker0) zone=docker ;; br0) zone=virt ;; *) continue ;; esac
		[ "$hook" != input ] || to=$to@self
		[[ $(fates "$from@$zone -> $to $service") = *[dr][re][oj]* ]] || echo "$table $chain: $from -> $to $service is not"
	done <"$LAB_DIR/dropped" | sort -u
}

told() { # CHAIN: what status says that it drops
	lab_fwc router --json status | /usr/bin/python3 -c 'import json, sys
for f in json.load(sys.stdin)["foreign"]:
    if f["chain"] == sys.argv[1]:
        print(f["packet"] or f["why"])' "$1"
}

@test "others: marks that no rule sets, or some rule" {
	lab_in router nft 'table ip x {
		chain f { type filter hook forward priority 5; meta mark & 0x1 == 0x1 drop; }
		chain c { type filter hook forward priority 6; ct mark 0x2 drop; }
		chain p { type filter hook prerouting priority mangle + 1; meta mark 0x10 drop; }
	}'
	[[ $(told f) == *", mark 0x"[13579bdf] ]]
	[[ $(told c) == *"established: "*", connection mark 0x2" ]]
	[[ $(told p) == *", mark 0x10" ]]
	lab_in router nft 'table inet y {
		chain m {
			type filter hook prerouting priority mangle
			meta mark set 0x0
			tcp dport 81 meta mark set 0x5
			tcp dport 82 ct mark set 0x2
			tcp dport 83 meta mark set 0x10
		}
		chain f {
			type filter hook forward priority 4
			tcp dport 84 meta mark set meta mark | 0x1
		}
	}'
	[[ $(told f) == *" tcp/8"[14]* && $(told f) != *mark* && $(told f) != *while* ]]
	[[ $(told c) == *" tcp/82"* && $(told c) != *mark* && $(told c) != *while* ]]
	[[ $(told p) == *" tcp/83"* && $(told p) != *mark* && $(told p) != *while* ]]
	both <<-'END'
		client server tcp/80 passes
		client server tcp/81 dropped
		client server tcp/82 dropped
		client server tcp/83 dropped
		client server tcp/84 dropped
		client router tcp/84 passes
	END
	lab_in router nft 'flush chain inet y m; flush chain inet y f
		add rule inet y m meta mark set 0x2'
	[ "$(told f)" = "" ]
	# what a mark is by chance may be anything
	lab_in router nft add rule inet y m tcp dport 90 meta mark set numgen random mod 2
	[[ $(told f) == *" tcp/90"*"while not understood, a mark set on the way"* ]]
}

@test "others: ufw" {
	they ufw
	both <<-'END'
		client router tcp/22 passes
		client router tcp/25 reset
		client router tcp/81 dropped
		client router tcp/443 passes
		client router udp/6000 passes
		client router udp/6008 dropped
		client server tcp/80 passes
		client server tcp/81 dropped
	END
	[ "$(dropped)" = "ip/filter FORWARD
ip/filter INPUT
ip6/filter FORWARD
ip6/filter INPUT
ip6/filter OUTPUT" ]
}

@test "others: firewalld" {
	they firewalld
	both <<-'END'
		client router tcp/22 passes
		client router tcp/443 prohibited
		client router tcp/8100 passes
		client router tcp/8101 prohibited
		client server tcp/80 prohibited
	END
	[ "$(dropped)" = "inet/firewalld filter_FORWARD
inet/firewalld filter_INPUT
inet/firewalld filter_OUTPUT
inet/firewalld filter_PREROUTING" ]
}

@test "others: docker, by iptables and by itself" {
	they docker-28
	both <<-'END'
		client web tcp/80 dropped
		client router tcp/22 passes
		client server tcp/80 dropped
		web server udp/53 passes as router.out
	END
	[ "$(dropped)" = "ip/filter FORWARD
ip/raw PREROUTING" ]
	setup
	they docker-nft
	both <<-'END'
		client web tcp/80 passes
		client web tcp/81 dropped
		client router tcp/22 passes
		client server tcp/80 passes
		web server tcp/80 passes as router.out
	END
	[ "$(dropped)" = "ip/docker-bridges filter-FORWARD
ip/docker-bridges raw-PREROUTING" ]
}

@test "others: libvirt" {
	they libvirt-nft
	both <<-'END'
		client guest tcp/80 port-unreachable
		client server tcp/80 passes
		client router tcp/22 passes
	END
	[ "$(dropped)" = "ip/libvirt_network forward" ]
}

@test "others: fail2ban" {
	they fail2ban-nft
	lab_in router nft add element inet f2b-table addr-set-sshd '{ 10.0.0.2 }'
	both <<-'END'
		client router tcp/22 port-unreachable
		client router tcp/23 passes
		client server tcp/22 passes
	END
	[ "$(dropped)" = "inet/f2b-table f2b-chain" ]
}

@test "others: miniupnpd" {
	they miniupnpd
	both <<-'END'
		client server tcp/80 dropped
		client router tcp/22 passes
	END
	[ "$(dropped)" = "inet/filter forward" ]
}

@test "others: apply tells what is dropped all the same, once the rules have changed" {
	they docker-nft
	sed '$a drop any -> self udp/7' "$LAB_DIR/p.fwc" >"$LAB_DIR/q.fwc"
	run lab_apply router "$LAB_DIR/q.fwc"
	echo "$output"
	[[ $output = *"warning: table ip docker-bridges, chain filter-FORWARD (hook forward): "*" so it drops what fwc allows:"* ]]
	[[ $output = *" -> 172.17.0.2 tcp/"*", arriving on "* ]]
	[[ $output != *"may translate"* ]]
	run lab_fwc router --json apply
	[[ $output != *"docker"* ]] # nothing was changed
	run lab_apply router "$LAB_DIR/p.fwc"
	[[ $output = *"docker-bridges"* ]]
}

@test "others: a rule is told as nft prints it, or as fwc reads it where nft does not" {
	they ufw
	lab_in router nft -s list chain ip filter ufw-user-input >"$LAB_DIR/listed"
	lab_fwc router explain --live '10.0.0.2@lan -> 10.0.0.1@self tcp/22' "$LAB_DIR/p.fwc" >"$LAB_DIR/told"
	cat "$LAB_DIR/listed" "$LAB_DIR/told"
	told=$(sed -n 's/^ *chain ufw-user-input: //p' "$LAB_DIR/told" | sort -u | head -1)
	[ -n "$told" ]
	grep -qxF "		$told" "$LAB_DIR/listed"
	# nft prints this one only by a module of iptables, which the child that lists the rules cannot load
	run lab_fwc router explain --live '10.0.0.2@lan -> 10.0.0.1@self tcp/25' "$LAB_DIR/p.fwc"
	[[ $output = *"chain ufw-user-input: "*"tcp dport 25"*reject* ]]
	# a comment with what a terminal obeys
	lab_in router nft 'insert rule ip filter INPUT tcp dport 25 drop comment "'$'\e[2J''"'
	run lab_fwc router explain --live '10.0.0.2@lan -> 10.0.0.1@self tcp/25' "$LAB_DIR/p.fwc"
	[[ $output = *"chain INPUT: tcp dport 25 drop comment"* ]]
	[[ $output != *$'\e'* ]]
}
