#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2030,SC2031,SC2154 # bats and lib.bash set variables
# What is proved: rules of no use, expectations, the story of a packet, the packets of a change.

load lib

setup_file() { cli_begin; }
teardown_file() { cli_end; }

policy() { # [NAME]: standard input becomes that policy
	cat >"$WORK/${1:-p}.fwc"
	chmod 644 "$WORK/${1:-p}.fwc"
}

check() { run fwc check "$WORK/p.fwc"; }
explain() { run fwc explain "$@" "$WORK/p.fwc"; }

zones='
forwarding on
zone lan { interface eth0; network 192.168.1.0/24, fd00:1::/64 }
zone dmz { interface eth1; network 10.9.0.0/24 }
zone wan { interface ppp0 }
host nas = 192.168.1.10
'

# ---- rules ----

@test "a rule that one earlier rule hides is named with it" {
	policy <<<"$zones
allow lan -> wan tcp/80-90
allow lan -> wan tcp/85"
	check
	[ "$status" = 0 ]
	[[ $output == *"p.fwc:9:1: warning: this rule has no effect"* ]]
	[[ $output == *"p.fwc:8:1: note: decides them"* ]]
}

@test "a rule that several earlier rules hide together is named with each" {
	policy <<<"$zones
allow lan -> wan tcp/1-1000
drop lan -> wan tcp/1001-65535
allow 192.168.1.0/25@lan -> wan tcp/900-1100"
	check
	[[ $output == *"p.fwc:10:1: warning: this rule has no effect"* ]]
	[[ $output == *"p.fwc:8:1: note: decides them"*"p.fwc:9:1: note: decides them"* ]]
}

@test "a rule that a limited one stands before is not hidden by it" {
	policy <<<"$zones
allow wan -> self ssh limit 3/minute
allow wan -> self ssh"
	check
	[[ $output != *"has no effect"* ]]
}

@test "special before general is nobody's mistake, general before special is" {
	policy <<<"$zones
drop 192.168.1.7@lan -> wan
allow lan -> wan"
	check
	[[ $output != *decides* && $output != *"fare the same"* ]]
	policy <<<"$zones
allow lan -> wan
drop 192.168.1.7@lan -> wan"
	check
	[[ $output == *"p.fwc:9:1: warning: this rule has no effect"* ]]
}

@test "a rule that changes nothing is noted, one that logs is not" {
	policy <<<"$zones
allow lan -> wan tcp/80
allow lan -> wan tcp/1-1000
drop wan -> lan tcp/5
drop wan -> lan tcp/6 log"
	check
	[[ $output == *"p.fwc:8:1: note: this rule is redundant: removing it changes nothing"* ]]
	[[ $output == *"p.fwc:9:1: note: decides the same"* ]]
	[[ $output == *"p.fwc:10:1: note: this rule is redundant"* ]]
	[[ $output != *"p.fwc:11:1"* ]]
}

@test "a rule of two families matches nothing" {
	policy <<<"$zones
allow 192.168.1.1@lan -> fd00:9::1@wan"
	check
	[[ $output == *"p.fwc:8:1: warning: no packet can match this rule"* ]]
}

@test "a translation behind one that takes all its packets" {
	policy <<<"$zones
allow wan -> nas@lan https
dnat wan -> self tcp/443 to nas
dnat wan -> self tcp/443 to 192.168.1.11"
	check
	[[ $output == *"p.fwc:10:1: warning: this translation has no effect"*"p.fwc:9:1: note"* ]]
}

@test "a translation that an earlier rule drops is reported with that rule" {
	policy <<<"$zones
drop wan -> lan tcp/1-100
allow wan -> nas@lan ssh
dnat wan -> self ssh to nas"
	check
	[[ $output == *"p.fwc:10:1: warning: the rules drop all that this translates"* ]]
	[[ $output == *"p.fwc:8:1: note: this line decides first"* ]]
}

@test "a translation without a rule comes with the rule, ready to paste" {
	policy <<<"$zones
dnat wan -> self ssh to nas"
	check
	[[ $output == *"no rule allows wan -> nas@lan ssh, which this translates"* ]]
	[[ $output == *"hint: add: allow wan -> nas@lan ssh"* ]]
	policy <<<"$zones
dnat wan -> self ssh to nas
allow wan -> nas@lan ssh"
	check
	[[ $output != *translates* ]]
}

# ---- expectations ----

expect() { # EXPECTATION...: of a router whose nas serves https to the world
	local e
	{
		cat <<<"$zones
allow lan -> wan
reject lan -> dmz
allow wan -> nas@lan https
allow wan -> self ping limit 5/second
dnat wan -> self tcp/8443 to nas:443"
		for e in "$@"; do echo "expect $e"; done
	} | policy
	run fwc test "$WORK/p.fwc"
}

@test "expectations that hold" {
	expect 'allow lan -> wan' 'reject lan -> dmz udp' 'drop wan -> lan tcp/22' 'drop dmz -> lan, wan, self' \
		'some allow wan -> self ping' 'some drop wan -> self ping' 'allow self -> self' \
		'allow 203.0.113.0/24@wan -> 198.51.100.1@self tcp/8443' 'drop wan -> self tcp/443'
	[ "$status" = 0 ]
	[[ $output == *"9 of 9 expectations hold" ]]
}

@test "expectations that do not, each with a packet and the line" {
	expect 'drop wan -> lan'
	[ "$status" = 1 ]
	[[ $output == *"p.fwc:13:1: error: expectation fails: a new connection "*" -> 192.168.1.10 tcp/443, arriving on ppp0, leaving by eth0, would be allowed"* ]]
	[[ $output == *"p.fwc:10:1: note: this line decides"* ]]
	expect 'allow wan -> self ping'
	[ "$status" = 1 ]
	expect 'drop lan -> dmz tcp/5'
	[ "$status" = 1 ]
	[[ $output == *"would be rejected with tcp reset"*"p.fwc:9:1: note: this line decides"* ]]
	expect 'some allow wan -> lan tcp/22'
	[ "$status" = 1 ]
	[[ $output == *"no packet has that fate"* ]]
	expect 'allow dmz -> wan tcp/25'
	[[ $output == *"add: allow dmz -> wan tcp/25"* ]]
}

@test "a set of run time that holds a destination says nothing of where dnat sends it" {
	policy <<<"$zones
set bans = dynamic
drop any -> bans@any
allow wan -> nas@lan
dnat wan -> bans@any to nas
expect some allow wan -> bans@self tcp/80
expect some drop wan -> bans@self tcp/80 ipv4
expect drop wan -> bans@self tcp/80 ipv4"
	check
	[ "$status" = 1 ]
	[[ $output == *"p.fwc:14:1: error: expectation fails"*", while set bans holds the destination, then dnat to 192.168.1.10, would be allowed"* ]]
	[[ $output == *"p.fwc:10:1: note: this line decides"* ]]
	[[ $output != *p.fwc:1[123]:* ]]
	explain '198.51.100.9@wan -> bans@self tcp/80 ipv4'
	[[ $output == *"while set bans holds the translated destination"$'\n'*"forward "*drop* ]]
}

@test "a set of run time that holds a destination does so when dnat changes its port alone" {
	policy <<<"$zones
set bans = dynamic
drop any -> bans@any
allow wan -> self tcp/8080
dnat wan -> 198.51.100.1 tcp/80 to 198.51.100.1:8080
expect drop wan -> bans@self ipv4
expect some allow wan -> 198.51.100.1@self tcp/80"
	check
	[ "$status" = 0 ]
}

@test "what is not tracked is not inspected: it is dropped, in expectations and stories" {
	policy <<<"$zones
inspector names { deny unknown-protocol; allow any }
untracked wan -> any udp/53
inspect wan -> dmz udp/53, tcp/443 with names
allow self -> any
expect drop    wan -> dmz udp/53
expect inspect wan -> dmz tcp/443"
	run fwc check --elsewhere "$WORK/p.fwc" # not every kernel here has queues
	[ "$status" = 0 ]
	explain 'wan -> dmz udp/53'
	[[ $output == *"not tracked"$'\n'*"forward "*drop$'\n'*"not tracked, so not inspected"$'\n'*dropped* ]]
	[[ $output != *"inspect with"* ]]
	explain 'wan -> dmz tcp/443'
	[[ $output == *"forward "*"inspect with names"* ]]
	sed /^untracked/d "$WORK/p.fwc" >"$WORK/before.fwc"
	run fwc diff "$WORK/before.fwc" "$WORK/p.fwc" # what the statement is not about is as it was
	[[ $output == *"not tracked, so not inspected"*"udp/53, arriving"* && $output != *"tcp/443, arriving"* ]]
}

@test "published of self: such rules match, and are about what this machine sends alone" {
	policy <<<"$zones
allow wan -> dmz published
allow self, wan -> dmz published tcp/80
expect allow self -> dmz published tcp/80
expect drop  self -> dmz published tcp/81"
	check
	[ "$status" = 0 ]
	[[ $output != *"no packet can match"* && $output != *"has no effect"* && $output != *redundant* ]]
	explain 'self -> dmz published tcp/80'
	[[ $output != *arriving* ]]
	[[ $output == *"p.fwc:9: allow self, wan -> dmz published tcp/80"*accepted* ]]
}

@test "a rule is proposed only where the expectation would hold with it" {
	expect 'allow dmz -> wan tcp/25, udp/25'
	[[ $output == *"add: allow dmz -> wan tcp/25, udp/25"* ]]
	policy <<<"$zones
allow dmz -> wan tcp/25, udp/25
expect allow dmz -> wan tcp/25, udp/25"
	check
	[ "$status" = 0 ]
	# the other half is rejected by a rule that stands before it
	expect 'allow dmz, lan -> dmz tcp/25'
	[ "$status" = 1 ]
	[[ $output != *"it; add:"* ]]
	# behind the translation
	policy <<<"$zones
dnat wan -> self tcp/8444 to nas:80
expect allow 0.0.0.0/0@wan -> self tcp/8444"
	run fwc test "$WORK/p.fwc"
	[[ $output == *"error: expectation fails"*"add: allow 0.0.0.0/0@wan -> nas@lan tcp/80"* ]]
	policy <<<"$zones
dnat wan -> self tcp/8444 to nas:80
expect allow 0.0.0.0/0@wan -> self tcp/8444
allow 0.0.0.0/0@wan -> nas@lan tcp/80"
	fwc test "$WORK/p.fwc"
	# the other family is not translated: to open this machine's own port is not what was meant
	expect 'allow wan -> self tcp/8443'
	[ "$status" = 1 ]
	[[ $output == *"p.fwc:12:1: note: this translates IPv4 only"*"the target has no IPv6 address"* ]]
	[[ $output != *"it; add:"* ]]
}

proposed() { # the line that a hint adds, and what is said behind it
	run fwc test "$WORK/p.fwc"
	echo "$output"
	[ "$status" = 1 ]
	line=$(sed -n 's/^hint: no rule allows it; add: //p' <<<"$output")
	[ -n "$line" ]
	also=${line#*  # it also lets pass }
	[ "$also" != "$line" ] || also=
	# typed with all that is behind it, it does what it says
	echo "$line" >>"$WORK/p.fwc"
	fwc test "$WORK/p.fwc"
}

@test "a rule that would open more than the expectation asks for says what" {
	# what is asked, and no more
	policy <<<"$zones
dnat wan -> self tcp/8444 to nas:80
expect allow dmz -> wan tcp/25"
	proposed
	[ "$line" = 'allow dmz -> wan tcp/25' ]
	# behind a translation the target is open under its own address, too
	policy <<<"$zones
dnat wan -> self tcp/8444 to nas:80
expect allow 0.0.0.0/0@wan -> self tcp/8444"
	proposed
	[[ $also == *" -> 192.168.1.10 tcp/80, arriving on ppp0, leaving by eth0" ]]
	run fwc explain '192.0.2.1@wan -> nas@lan tcp/80' "$WORK/p.fwc"
	[[ $output == *accepted* ]]
	# and the other way round
	policy <<<"$zones
dnat wan -> self tcp/8444 to nas:80
expect allow 0.0.0.0/0@wan -> nas@lan tcp/80"
	proposed
	[[ $also == *" tcp/8444, arriving on ppp0, to an address of this machine, then dnat wan -> self tcp/8444 to nas:80" ]]
	# or by another translation to the same target, where the direct way is open already
	policy <<<"$zones
dnat wan -> self tcp/8444 to nas:80
dnat dmz -> self tcp/8555 to nas:80
expect allow 10.9.0.0/24@dmz -> nas@lan tcp/80"
	proposed
	[[ $also == *" tcp/8555, arriving on eth1, "*"then dnat dmz -> self tcp/8555 to nas:80" ]]
	# both are asked for
	policy <<<"$zones
dnat wan -> self tcp/80 to nas
expect allow 0.0.0.0/0@wan -> self, nas@lan tcp/80"
	proposed
	[ -z "$also" ]
	# what passes already is not opened
	policy <<<"$zones
dnat wan -> self tcp/8444 to nas:80
allow 192.0.2.0/24@wan -> nas@lan tcp/80
expect allow 192.0.2.0/24@wan -> wan tcp/22"
	proposed
	[ -z "$also" ]
}

@test "an address without a zone may be this machine's: what to write is said" {
	policy <<<"$zones
allow dmz -> self tcp/53
expect drop dmz -> nas tcp/53"
	run fwc test "$WORK/p.fwc"
	[ "$status" = 1 ]
	[[ $output == *"write nas@lan"* ]]
	sed -i 's/-> nas tcp/-> nas@lan tcp/' "$WORK/p.fwc"
	fwc test "$WORK/p.fwc"
}

@test "what is refused to all but one address of self does not make the others self" {
	policy <<<"$zones
drop dmz -> !192.0.2.1@self tcp/53
allow dmz -> any
expect drop dmz -> 192.0.2.7 tcp/53"
	run fwc test "$WORK/p.fwc"
	[ "$status" = 1 ]
	run fwc explain '10.0.0.9@dmz -> 192.0.2.7 tcp/53' "$WORK/p.fwc"
	[[ $output == *"routed "*"to this machine"*dropped*"forward "*accepted*"hint: it depends on where 192.0.2.7 is; 192.0.2.7@wan or 192.0.2.7@self"* ]]
}

@test "differences in words" {
	policy <<<"$zones
allow lan -> self http"
	cp "$WORK/p.fwc" "$WORK/before.fwc"
	policy <<<"$zones
redirect lan -> self http to :8080
dnat lan -> self tcp/81 to nas
allow lan -> self http"
	run fwc diff "$WORK/before.fwc" "$WORK/p.fwc"
	[ "$status" = 1 ]
	[[ $output == *"to an address of this machine"* ]]
	[[ $output != *fib* && $output != *ctstatus* ]]
}

@test "check finds them (1), compile refuses them (2)" {
	expect 'drop lan -> wan'
	check
	[ "$status" = 1 ]
	run fwc compile "$WORK/p.fwc"
	[ "$status" = 2 ]
	[ ! -e "$WORK/state/candidate" ]
	[ "$(fwc check --json "$WORK/p.fwc" 2>/dev/null | json 'd["ok"], d["proof"]')" = "(False, 'proved')" ]
}

@test "test files beside a policy hold expectations and nothing else" {
	mkdir -p "$WORK/t"
	printf '%s\n' "$zones" 'allow lan -> wan' >"$WORK/t/p.fwc"
	printf 'host x = 192.168.1.3\nexpect allow x@lan -> wan\nexpect drop wan -> x@lan\n' >"$WORK/t/a.test.fwc"
	run fwc test "$WORK/t/p.fwc"
	[[ $output == *"2 of 2 expectations hold" ]]
	echo 'expect allow wan -> lan' >"$WORK/t/b.test.fwc"
	run fwc test "$WORK/t/p.fwc"
	[ "$status" = 1 ]
	[[ $output == *"b.test.fwc:1:1: error: expectation fails"*"2 of 3 expectations hold"* ]]
	echo 'allow wan -> lan' >"$WORK/t/b.test.fwc"
	run fwc test "$WORK/t/p.fwc"
	[ "$status" = 2 ]
	[[ $output == *"b.test.fwc:1:1: error: a test file holds"* ]]
	rm -r "$WORK/t"
}

@test "the example that tests itself" {
	run "$FWC" test "$here/../../examples/tested/firewall.fwc"
	[ "$status" = 0 ]
	[[ $output =~ ^([0-9]+)" of "([0-9]+)" expectations hold"$ ]]
	[ "${BASH_REMATCH[1]}" = "${BASH_REMATCH[2]}" ]
	[ "${BASH_REMATCH[1]}" -ge 8 ]
}

# ---- explain ----

story() {
	policy <<<"$zones
allow lan -> wan
allow wan -> nas@lan tcp/443
allow lan -> self tcp/3128
allow wan -> self ping limit 5/second
dnat wan -> self tcp/8443 to nas:443
redirect lan -> any http to :3128
masquerade lan -> wan"
}

@test "a packet that goes out: the filter's line, then the translation's" {
	story
	explain '192.168.1.5@lan -> 198.51.100.9@wan https'
	[ "$status" = 0 ]
	[[ $output == *"from zone lan (eth0)"*"to zone wan (ppp0)"*"forward "*accept*"p.fwc:8: allow lan -> wan"* ]]
	[[ $output == *"postrouting "*masquerade*"p.fwc:14: masquerade lan -> wan"*"accepted" ]]
}

@test "a packet that is translated on its way in" {
	story
	explain '203.0.113.7@wan -> self tcp/8443'
	[[ $output == *"prerouting "*"dnat to 192.168.1.10:443"*"p.fwc:12: dnat wan -> self tcp/8443 to nas:443"* ]]
	[[ $output == *"to 192.168.1.10, zone lan (eth0)"*accept*"p.fwc:9: allow wan -> nas@lan tcp/443"* ]]
	explain '203.0.113.7@wan -> self tcp/443'
	[[ $output == *"input "*drop*"no rule, drop"*"dropped"* ]]
	[[ $output != *prerouting* ]]
}

@test "a packet that is redirected here" {
	story
	explain '192.168.1.5 -> 198.51.100.9@wan http'
	[[ $output == *"redirect to :3128"*"to this machine"*"p.fwc:10: allow lan -> self tcp/3128"* ]]
}

@test "a limit makes two stories" {
	story
	[ "$(fwc explain --json '203.0.113.7@wan -> self ping' "$WORK/p.fwc" |
		json 'sorted((x["fate"], x["line"] and x["line"].rsplit(":", 1)[1], len(x["conditions"])) for x in d)')" = \
		"[('accept', '11', 1), ('drop', None, 0)]" ]
}

@test "an address without a zone is where the networks say, an interface is its zone" {
	story
	explain '192.168.1.5 -> 198.51.100.9@wan https'
	[[ $output == *"from zone lan (eth0)"* ]]
	explain '192.168.1.5@eth0 -> 198.51.100.9@ppp0 https'
	[[ $output == *"from zone lan (eth0)"*"to zone wan (ppp0)"* ]]
	explain 'fd00:1::5 -> 2001:db8::9@wan https'
	[[ $output == *"from zone lan (eth0)"*accepted* ]]
}

@test "self, loopback, and services of several ports" {
	story
	explain 'self -> self tcp/5'
	[[ $output == *loopback*accept* ]]
	explain 'self -> wan ssh'
	[[ $output == *"made by this machine"*"output "*drop* ]]
	[ "$(fwc explain --json '192.168.1.5 -> 198.51.100.9@wan dns' "$WORK/p.fwc" |
		json '[x["fate"] for x in d] == ["accept"] * len(d) and sum(x["count"] for x in d)')" = 2.0 ]
}

@test "questions that cannot be answered" {
	story
	explain 'lan -> wat ssh'
	[ "$status" = 2 ]
	[[ $output == *"no zone, host or set is called 'wat'"*"did you mean 'wan'?"* ]]
	explain '192.168.1.5@lan -> fd00::1@wan'
	[ "$status" = 2 ]
	[[ $output == *"no packet matches the question"* ]]
	run fwc explain
	[ "$status" = 2 ]
}

@test "explain --live: what was put in by hand, and other tables, have their say" {
	story
	fwc compile "$WORK/p.fwc"
	fwc apply
	explain --live '192.168.1.5@lan -> 198.51.100.9@wan https'
	[[ $output == *"table inet fwc, chain forward: accept"*"p.fwc:8: allow lan -> wan"*accepted* ]]
	inns nft insert rule inet fwc forward tcp dport 443 drop
	explain --live '192.168.1.5@lan -> 198.51.100.9@wan https'
	[[ $output == *"table inet fwc, chain forward: drop"*"tcp dport 443 drop"*dropped* ]]
	fwc apply
	inns nft 'add table ip theirs; add chain ip theirs c { type filter hook forward priority 5; }'
	inns nft 'add set ip theirs s { type ipv4_addr; elements = { 198.51.100.9 } }'
	inns nft 'add rule ip theirs c ip daddr @s drop; add table netdev x; add chain netdev x i { type filter hook ingress device lo priority 0; }'
	explain --live '192.168.1.5@lan -> 198.51.100.9@wan https'
	[[ $output == *"chain forward: accept"*"table ip theirs, chain c: drop"*dropped*"not examined: table netdev x, chain i"* ]]
	explain --live '192.168.1.5@lan -> 198.51.100.8@wan https'
	[[ $output == *accepted* ]]
	inns nft delete table ip theirs
	inns nft delete table netdev x
	fwc stop >/dev/null
}

@test "explain --live: each way is told with the number of its packets, not one of many" {
	printf '%s\n' 'zone net { interface eth0 }' 'allow net -> self https' >"$WORK/p.fwc"
	fwc compile "$WORK/p.fwc"
	fwc apply
	inns nft 'table inet f2b { set s { type ipv4_addr; elements = { 203.0.113.9, 203.0.113.10 }; }
		chain i { type filter hook input priority -1;
			ip saddr @s drop; ip saddr 198.51.100.0/24 tcp dport 443 reject; }; }'
	run fwc --json explain --live '203.0.113.0/24@net -> 192.0.2.1@self https' "$WORK/p.fwc"
	ways() {
		jq -r '.[] | "\(.fate) \(.count) \(.conditions | length) \(.line // "") \(.rule)"' <<<"$output" | sort
	}
	[ "$(ways)" = "accept 254 0 $WORK/p.fwc:2 allow net -> self https
drop 2 0 chain i ip saddr @s drop" ]
	run fwc --json explain --live '198.51.100.0/23@net -> 192.0.2.1@self https' "$WORK/p.fwc"
	[ "$(ways)" = "accept 256 0 $WORK/p.fwc:2 allow net -> self https
reject 256 0 chain i ip saddr 198.51.100.0/24 tcp dport 443 reject with icmp port-unreachable" ]
	explain --live 'net -> self https'
	[[ $output == *accepted,* && $output == *rejected,* && $output == *dropped,* ]]
	inns nft delete table inet f2b
	fwc stop >/dev/null
}

@test "explain --live: dynamic sets hold what they hold, and the policy's conditions are not told" {
	printf '%s\n' 'zone net { interface eth0 }' 'set banned = dynamic, timeout 1d' \
		'drop banned@net -> any' 'allow net -> self https' >"$WORK/p.fwc"
	fwc compile "$WORK/p.fwc"
	fwc apply
	inns nft 'add element inet fwc banned.v4 { 198.51.100.7 }'
	explain --live '198.51.100.4/30@net -> 192.0.2.1@self https'
	[[ $output == *"198.51.100.5 -> "*"accepted, and so are 2 packets"*"198.51.100.7 -> "*"drop banned@net"*dropped ]]
	explain --live '198.51.100.77@net -> 192.0.2.1@self https'
	[[ $output == *accepted && $output != *while* && $output != *dropped* && $output != *"  if "* ]]
	explain --live '198.51.100.7@net -> 192.0.2.1@self https'
	[[ $output == *dropped && $output != *accepted* ]]
	[ "$(grep -c ^dropped <<<"$output")" = 1 ]
	explain --live 'banned@net -> 192.0.2.1@self https'
	[[ $output == *"198.51.100.7 -> "*dropped && $output != *accepted* ]]
	fwc stop >/dev/null
}

@test "explain --live: what is not understood is named, and the answer says if" {
	printf '%s\n' 'zone net { interface eth0 }' 'zone lan { interface eth1; network 10.0.0.0/24 }' \
		'allow any -> any' >"$WORK/p.fwc"
	fwc compile "$WORK/p.fwc"
	fwc apply
	inns nft 'table ip x { chain p { type nat hook prerouting priority dstnat;
			tcp dport 8080 dnat to 10.0.0.5:80-90; };
		chain f { type filter hook forward priority 5; tcp dport 81 meta cpu 1-2 drop; };
		chain m { type filter hook prerouting priority mangle; tcp dport 82 meta mark set 7; };
		chain o { type filter hook forward priority 6; tcp dport { 82, 83 } meta mark 7 drop; }; }'
	run fwc --json explain --live '192.0.2.9@net -> 10.0.0.7@lan tcp/81' "$WORK/p.fwc"
	[ "$(jq -r '.[] | "\(.fate) \(.conditions | length) \(.unless | length)"' <<<"$output" | sort)" = $'accept 0 1\ndrop 1 0' ]
	[[ $(jq -r '.[] | .conditions[], .unless[]' <<<"$output") == *"not understood"*cpu*"not understood"*cpu* ]]
	# whose match it is, where it is dropped if it holds
	explain --live '192.0.2.9@net -> 10.0.0.7@lan tcp/81'
	[[ $output == *"unless"*"not understood"*"then accepted"*"if"*"not understood"*"then dropped"* ]]
	# where it goes is not known, so nothing is claimed
	explain --live '192.0.2.9@net -> 192.0.2.1@self tcp/8080'
	[[ $output == *"not understood: nat #"*"not known"* ]]
	# a mark that another chain of the table set before: it is 7, whatever it was
	explain --live '192.0.2.9@net -> 10.0.0.7@lan tcp/82'
	echo "$output"
	[[ $output == *dropped && $output != *accepted* && $output != *", mark"* ]]
	explain --live '192.0.2.9@net -> 10.0.0.7@lan tcp/83'
	[[ $output != *"set on the way"* && $output == *accepted* && $output == *", mark 0x7"*dropped* ]]
	inns nft delete table ip x
	fwc stop >/dev/null
}

@test "explain --live: a table that another program owns filters; one that sleeps does not" {
	printf '%s\n' 'zone net { interface eth0 }' 'allow any -> any' >"$WORK/p.fwc"
	mkfifo "$WORK/owner"
	inns nft -i <"$WORK/owner" >"$WORK/owned" 2>&1 3>&- &
	exec 9>"$WORK/owner"
	printf '%s\n' 'add table ip owned { flags owner; }' \
		'add chain ip owned i { type filter hook input priority 0; }' \
		'add rule ip owned i tcp dport 22 drop' >&9
	timeout 20 bash -c "until ip netns exec $NS nft list table ip owned 2>/dev/null | grep -q drop; do sleep 0.1; done"
	explain --live '192.0.2.9@net -> 192.0.2.1@self ssh'
	[[ $output == *"table ip owned, chain i: drop"*dropped ]]
	exec 9>&-
	wait
	inns nft 'table ip asleep { flags dormant; chain i { type filter hook input priority 0; policy drop; }; }'
	explain --live '192.0.2.9@net -> 192.0.2.1@self ssh'
	[[ $output == *accepted && $output != *asleep* ]]
	inns nft delete table ip asleep
}

# ---- which packets a change affects ----

@test "diff of two policies of a thousand rules: the range, the lines, a witness, in one screen" {
	/usr/bin/python3 "$here/../bench/make-policy" 1000 | policy a
	sed '500s/.*/allow 10.44.0.0\/16@lan -> 172.16.41.77@wan tcp\/15206-15399/' "$WORK/a.fwc" | policy x
	sed '500s/15206-15399/15206-15420/' "$WORK/x.fwc" | policy y
	run fwc diff "$WORK/x.fwc" "$WORK/y.fwc"
	[ "$status" = 1 ]
	[[ $output == *"newly allowed: 1,376,256 packets (forward)"* ]] # 2^16 sources times 21 ports
	[[ $output == *"from 10.44.0.0/16, to 172.16.41.77, tcp, port 15400-15420"* ]]
	[[ $output == *"before  drop"*"no rule, drop"*"after   accept   "*"y.fwc:500: allow 10.44"* ]]
	[ "$(wc -l <<<"$output")" -le 24 ]
	[ "$(grep -c newly <<<"$output")" = 1 ]
	# the witness is one: dropped before, accepted after
	question=$(sed -n "s/.*fwc explain '\(.*\)'.*/\1/p" <<<"$output" | head -n1)
	[[ $(fwc explain "$question" "$WORK/x.fwc") == *dropped ]]
	[[ $(fwc explain "$question" "$WORK/y.fwc") == *accepted ]]
}

@test "a refactoring changes no packet" {
	policy a <<<"$zones
set busy = 192.168.1.0/26, 192.168.1.64/26
allow busy@lan -> wan tcp/80, tcp/443
allow dmz -> wan udp/53"
	policy b <<<"$zones
allow dmz -> wan udp/53
allow 192.168.1.0/25@lan -> wan https
allow 192.168.1.0/25@lan -> wan http"
	run fwc diff "$WORK/a.fwc" "$WORK/b.fwc"
	[ "$status" = 1 ]
	[[ $output == "no packet changes"*rules:* ]]
	[ "$(fwc diff --json "$WORK/a.fwc" "$WORK/b.fwc" | json 'd["packets"]["known"], d["packets"]["groups"]')" = "(True, [])" ]
	run fwc diff "$WORK/a.fwc" "$WORK/a.fwc"
	[ "$status" = 0 ]
}

@test "a log line more is said, and is no change of fate; another target is a translation" {
	policy a <<<"$zones
allow lan -> wan http
allow wan -> lan https
dnat wan -> self tcp/443 to nas"
	sed 's/http$/http log "web"/; s/to nas/to 192.168.1.11/' "$WORK/a.fwc" | policy b
	said=$(fwc diff --json "$WORK/a.fwc" "$WORK/b.fwc" || true)
	[ "$(json 'sorted((g["change"], g["type"], g["hook"]) for g in d["packets"]["groups"])' <<<"$said")" = \
		"[('otherwise changed', 'filter', 'forward'), ('translated otherwise', 'nat', 'prerouting')]" ]
}

@test "what apply would change, and what a hand changed, are told in packets" {
	small | candidate
	fwc apply
	small 23 | candidate
	run fwc diff
	[ "$status" = 1 ]
	[[ $output == *"newly allowed: "*"arriving on eth0, tcp, port 23"*"newly dropped: "*"arriving on eth0, tcp, port 22"* ||
		$output == *"newly dropped: "*"arriving on eth0, tcp, port 22"*"newly allowed: "*"arriving on eth0, tcp, port 23"* ]]
	run fwc apply --dry-run
	[ "$status" = 0 ]
	[[ $output == *"newly allowed: "* ]]
	inns nft insert rule inet fwc input iifname eth1 tcp dport 8080 accept
	run fwc status
	[ "$status" = 1 ]
	[[ $output == *"newly allowed: "*"arriving on eth1, tcp, port 8080"*"tcp dport 8080 accept"* ]]
	fwc stop >/dev/null
}

@test "a table put to sleep by hand filters nothing, and status says so" {
	small | candidate
	fwc apply
	inns nft 'add table inet fwc { flags dormant; }'
	run fwc status
	[ "$status" = 1 ]
	[[ $output == *"NOTHING FILTERS"* ]]
	run fwc diff
	[ "$status" = 1 ]
	[[ $output == *"newly dropped: "* ]]
	run fwc apply
	[[ $output != *"nothing to change"* ]]
	run fwc status
	[ "$status" = 0 ]
	fwc stop >/dev/null
}

# ---- the proof itself ----

@test "status says whether what was applied was proved" {
	small | candidate
	fwc apply
	[[ $(fwc status) == *"proof       proved"* ]]
	[ "$(fwc status --json | json 'd["proof"]')" = proved ]
	run fwc compile --no-proof "$WORK/policy.fwc"
	[ "$status" = 0 ]
	[[ $output == *"not proved"*"--no-proof"* ]]
	run fwc apply
	[[ $output == *"warning: this ruleset is not proved"* ]]
	small 24 | policy policy
	fwc compile --no-proof "$WORK/policy.fwc"
	fwc apply
	[[ $(fwc status) == *"proof       not proved"* ]]
	fwc stop >/dev/null
}

@test "explain: limits, max and sets are called as the policy calls them, not as the kernel does" {
	cat >"$WORK/p.fwc" <<-'END'
		zone wan { interface eth0 }
		set offenders = dynamic, timeout 1h
		limit web-new = 30/second burst 50 per source /24, /56
		limit all = 5/minute
		drop  offenders@wan -> self ssh
		allow wan -> self https limit web-new else drop then add source to offenders for 10m
		allow wan -> self http  limit web-new then remove destination from offenders
		allow wan -> self tcp/81 limit all
		allow wan -> self tcp/82 limit 3/minute per source /28, /56
		allow wan -> self ssh   max 4 connections per source /24, /64
		allow wan -> self smtp  max 9 connections
		allow self -> wan mdns
	END
	explain '192.0.2.1@wan -> self https'
	echo "$output"
	[[ $output == *'while the limit per source /24 30/second burst 50 holds for "allow wan -> self https '* ]]
	[[ $output == *"drop, add source to offenders for 10m"$'\n'* ]]
	explain '2001:db8::1@wan -> self http'
	[[ $output == *'while the limit per source /56 30/second burst 50 holds for "allow wan -> self http '* ]]
	[[ $output == *"accept, remove destination from offenders"$'\n'* ]]
	explain '192.0.2.1@wan -> self tcp/81'
	[[ $output == *'while the limit 5/minute burst 5 holds for "allow wan -> self tcp/81 '* ]]
	explain '192.0.2.1@wan -> self tcp/82'
	[[ $output == *'while the limit per source /28 3/minute burst 5 holds for "allow wan -> self tcp/82 '* ]]
	explain '192.0.2.1@wan -> self ssh'
	[[ $output == *'while there are at most 4 connections per source /24 by "allow wan -> self ssh '* ]]
	[[ $output == *"while set offenders holds the source"* ]]
	explain 'wan -> self smtp'
	[[ $output == *'while there are at most 9 connections by "allow wan -> self smtp '* ]]
	explain 'self -> 224.0.0.251@wan mdns'
	[[ $output == *"accept, remember who asks"$'\n'* ]]
}
