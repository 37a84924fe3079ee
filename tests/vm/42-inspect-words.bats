#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # net.bash sets them
# Each word for what cannot be known does what it says, and every loss is to be seen; rewriting.

load net.bash
load inspect.bash

# A policy whose inspector says `word` to all that cannot be known.
policy() {
	cat <<-P
		forwarding on
		zone inside  { interface inside }
		zone outside { interface outside }
		inspection queues 26000
		inspect inside -> outside tcp/443 with names
		inspect inside -> outside tcp/8080, udp/8080 with patch
		allow   inside -> outside
		inspector names {
			deny   sni "*.casino.example"
			allow  any
			on-error    $1
			on-timeout  $1
			on-overflow $1
		}
		inspector patch {
			rewrite "sour" to "swee"
			rewrite "\x01\x02" to "ab"
		}
	P
}

load_policy() { # word
	policy "$1" >"$state/policy.fwc"
	fw compile "$state/policy.fwc"
	fw apply 2>/dev/null
}

setup_file() {
	net_up
	mkdir -p "$state"
	load_policy deny
	serve 443 8080
	inspectd --hold 2
}

teardown_file() {
	cat "$state/inspectd.log"
	inspectd_stop
	kill "$(cat "$state/served.pid")"
	net_down
}

@test "vm: on-timeout, on-error deny: and both are counted" {
	run peer part,10.0.1.2,www.example.org broken,10.0.1.2,x
	echo "$output"
	[ "${lines[0]}" = "part 10.0.1.2 www.example.org nothing" ]
	[ "${lines[1]}" = "broken 10.0.1.2 x nothing" ]
	ask status || true
	[ "$(field "status['rules'][0]['by']['on-timeout'], status['rules'][0]['by']['on-error']")" = "1 1" ]
	[ "$(field "status['timeouts']")" = 1 ]
	run fw inspect status
	echo "$output"
	[ "$status" = 0 ]
	[[ $output = *"1 decided by on-timeout: the client did not go on"* ]]
}

@test "vm: on-overflow deny: of connections that begin and do not go on the oldest are denied" {
	local said overflows
	inspectd_stop
	inspectd --hold 60 # a slow machine takes longer than two seconds to open so many
	said=$(PEER_WAIT=1 peer flood,10.0.1.2,900)
	echo "$said"
	ask status || true
	overflows=$(field "status['losses']['overflows']")
	inspectd_stop
	inspectd --hold 2
	[[ $said = "flood 10.0.1.2 900 0 of "* ]]
	[ "$overflows" -gt 50 ]
}

@test "vm: a queue that nobody empties: deny drops, and it is counted" {
	kill -STOP "$(cat "$state/pid")"
	ip netns exec client python3 - <<-'P'
		import socket
		for i in range(1500):
		    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
		    s.setblocking(False)
		    try: s.connect(("10.0.1.2", 443))
		    except BlockingIOError: pass
		    s.close()
	P
	kill -CONT "$(cat "$state/pid")"
	sleep 0.5
	ask status || true
	[ "$(field "status['losses']['queue full'] + status['losses']['buffer full']")" -gt 100 ]
}

@test "vm: on-timeout, on-error, on-overflow allow" {
	load_policy allow
	run peer part,10.0.1.2,www.example.org broken,10.0.1.2,x tls,10.0.1.2,a.casino.example
	echo "$output"
	ask status || true
	[ "${lines[0]}" = "part 10.0.1.2 www.example.org passed" ]
	[ "${lines[1]}" = "broken 10.0.1.2 x passed" ]
	[ "${lines[2]}" = "tls 10.0.1.2 a.casino.example nothing" ]
	[ "$(field "sorted((q['number'], q['on_overflow']) for q in status['queues'])")" = "[(26001, 'allow'), (26002, 'deny')]" ]
	PEER_WAIT=1 run peer flood,10.0.1.2,900
	echo "$output"
	heard=${output#flood 10.0.1.2 900 }
	[ "${heard% of *}" -gt 50 ]
}

@test "vm: packets are rewritten, with the right checksums, in both directions of families" {
	run peer echo,10.0.1.2,soursour echo,fd00:1::2,xsoury echo-udp,10.0.1.2,asour \
		echo-udp,fd00:1::2,soursour echo,10.0.1.2,same
	echo "$output"
	ask status || true
	[ "${lines[0]}" = "echo 10.0.1.2 soursour sweeswee" ]
	[ "${lines[1]}" = "echo fd00:1::2 xsoury xsweey" ]
	[ "${lines[2]}" = "echo-udp 10.0.1.2 asour aswee" ]
	[ "${lines[3]}" = "echo-udp fd00:1::2 soursour sweeswee" ]
	[ "${lines[4]}" = "echo 10.0.1.2 same same" ]
	[ "$(field "sum(q['rewritten'] for q in status['queues'])")" = 4 ]
}

@test "vm: the log names who, what, the verdict and the lines; new tables need no new queue" {
	fw --json inspect log >"$state/log" 3>&- &
	sleep 0.5
	peer tls,10.0.1.2,a.casino.example
	kill $!
	cat "$state/log"
	python3 - "$state/log" <<-'P'
		import json, sys
		line = json.loads(open(sys.argv[1]).readline())
		assert (line["verdict"], line["name"], line["protocol"]) == ("deny", "a.casino.example", "tls"), line
		assert (line["from"], line["to"], line["dport"]) == ("10.0.0.2", "10.0.1.2", 443), line
		assert line["entry"] == 'deny sni "*.casino.example"' and line["entry_at"].endswith("policy.fwc:9"), line
		assert line["rule"] == "inspect inside -> outside tcp/443 with names", line
	P
	local pid tables packets
	pid=$(field "status['pid']") tables=$(field "status['sha256']")
	packets=$(field "sum(q['packets'] for q in status['queues'])")
	sed -i 's/\*\.casino/*.other/' "$state/policy.fwc"
	fw compile "$state/policy.fwc"
	fw apply >/dev/null
	run peer tls,10.0.1.2,a.casino.example tls,10.0.1.2,a.other.example
	echo "$output"
	[ "${lines[0]}" = "tls 10.0.1.2 a.casino.example passed" ]
	[ "${lines[1]}" = "tls 10.0.1.2 a.other.example nothing" ]
	[ "$(field "status['pid']")" = "$pid" ]
	[ "$(field "status['sha256']")" != "$tables" ]
	[ "$(field "sum(q['packets'] for q in status['queues'])")" -gt "$packets" ]
}

# The router's own queries, those to itself, those that dnat sends elsewhere, and the others.
answering() {
	cat <<-P
		forwarding on
		zone inside  { interface inside }
		zone outside { interface outside }
		inspection queues 26000
		inspect inside -> outside dns, tcp/443, udp/443 with lists
		inspect inside -> self dns with lists
		inspect self -> outside dns with lists
		dnat inside -> 10.0.9.9, fd00:9::9 udp/53 to 10.0.1.2, fd00:1::2
		inspector lists {
			deny   domain "refused.example" answer refused
			deny   dns "gone.example" answer nxdomain
			deny   name "portal.example" answer 192.0.2.1, 2001:db8::1
			allow  any
		}
	P
}

@test "vm: denied queries are answered at once, as from the server, and by nobody else" {
	local said
	answering >"$state/policy.fwc"
	fw compile "$state/policy.fwc"
	fw apply 2>/dev/null
	kill "$(cat "$state/served.pid")"
	serve 53
	ip -n server addr add 10.0.1.77/24 dev eth0
	ip -n fw addr add fe80::1/64 dev inside nodad
	ip netns exec fw sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.inside.rp_filter=0
	said=$(peer look-up,10.0.1.2,a.refused.example/A look-up,fd00:1::2,a.refused.example/A \
		look-up,10.0.1.2,gone.example/TXT look-up,10.0.1.2,portal.example/A \
		look-up,fd00:1::2,portal.example/AAAA look-up,10.0.1.2,portal.example/TXT \
		look-up,10.0.0.1,gone.example/A look-up,fe80::1%eth0,portal.example/A \
		look-up,10.0.9.9,portal.example/A look-up,fd00:9::9,gone.example/A \
		look-up,10.0.1.2,www.example/A/5353 look-up,10.0.1.2,gone.example/A/5353 \
		look-up,10.0.1.2,gone.example/A/5353 look-up,10.0.1.2,www.example/A/5353 \
		look-up,10.0.1.2,gone.example/A/5354 look-up,10.0.1.2,a.refused.example/A/5354)
	echo "$said"
	ask status || true
	[ "$said" = "look-up 10.0.1.2 a.refused.example/A refused
look-up fd00:1::2 a.refused.example/A refused
look-up 10.0.1.2 gone.example/TXT nxdomain
look-up 10.0.1.2 portal.example/A 192.0.2.1
look-up fd00:1::2 portal.example/AAAA 2001:db8::1
look-up 10.0.1.2 portal.example/TXT nodata
look-up 10.0.0.1 gone.example/A nxdomain
look-up fe80::1%eth0 portal.example/A 192.0.2.1
look-up 10.0.9.9 portal.example/A 192.0.2.1
look-up fd00:9::9 gone.example/A nxdomain
look-up 10.0.1.2 www.example/A/5353 passed
look-up 10.0.1.2 gone.example/A/5353 nxdomain
look-up 10.0.1.2 gone.example/A/5353 nxdomain
look-up 10.0.1.2 www.example/A/5353 passed
look-up 10.0.1.2 gone.example/A/5354 nxdomain
look-up 10.0.1.2 a.refused.example/A/5354 refused" ]
	run ip netns exec fw "${peer_py[@]}" look-up,10.0.1.2,gone.example/A
	echo "$output"
	[ "$output" = "look-up 10.0.1.2 gone.example/A nxdomain" ]
	[ "$(field "sum(q['answered'] for q in status['queues']), sum(q['unanswered'] for q in status['queues'])")" = "15 0" ]

	# one packet of several look-ups, the last one of a denied name; and of one
	run peer burst,10.0.1.2,here.example+here.example+gone.example burst,10.0.1.2,here.example
	echo "$output"
	[ "${lines[0]##* }" = nothing ]
	[ "${lines[1]##* }" = passed ]

	# a source that is not where the query came from: the server's network, and no network at all
	peer spoofed,10.0.1.2,10.0.1.77/gone.example spoofed,10.0.1.2,198.51.100.1/gone.example
	for _ in $(seq 100); do
		[ "$(field "sum(q['unanswered'] for q in status['queues'])")" = 2 ] && break
		sleep 0.1
	done
	[ "$(field "sum(q['answered'] for q in status['queues']), sum(q['unanswered'] for q in status['queues'])")" = "15 2" ]
	[ "$(field "[r['answered'] for r in status['rules']]")" = "[14, 2, 1]" ]
	# it keeps no privilege for all this
	[ $((0x$(sed -n "s/CapPrm:\t//p" "/proc/$(cat "$state/pid")/status") >> 13 & 1)) = 0 ] # CAP_NET_RAW
	run fw inspect status
	[[ $output = *"15 denied queries were answered"* ]]
}

@test "vm: dig takes the answers" {
	command -v dig >/dev/null || skip "no dig"
	dig() { ip netns exec client dig +tries=1 +time=5 "$@"; }
	run dig @10.0.1.2 a.refused.example
	echo "$output"
	[[ $output = *"status: REFUSED"* && $output = *"EDE: 15"* && $output != *WARNING* ]]
	[ "$(dig +short @fd00:1::2 portal.example AAAA)" = 2001:db8::1 ]
	run dig +dnssec +cookie=0123456789abcdef0011223344556677 @10.0.9.9 gone.example
	echo "$output"
	[[ $output = *"status: NXDOMAIN"* && $output = *"COOKIE: 0123456789abcdef0011223344556677 (good)"* ]]
	[[ $output = *"flags: do;"* && $output = *"IN"*"SOA"* && $output != *WARNING* ]]
}

@test "vm: 200 decisions a second: each has its line, at syslog too; --rate counts what it leaves out" {
	local log probes=0 sum=0
	cat >"$state/syslogd.py" <<-'P'
		import json, socket, sys
		log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		log.bind(sys.argv[1])
		log.settimeout(120)
		names = set()
		while len(names) < 400:
		    text = log.recv(65536)
		    told = json.loads(text[text.index(b"{"):])
		    assert told["lost"] == 0, told
		    names or print("begun", flush=True)
		    names.add(told["name"])
		print("all")
	P
	cat >"$state/sum.py" <<-'P'
		import json, sys
		told = [json.loads(line) for line in open(sys.argv[1]) if line.endswith("\n")]
		print(len(told) + sum(t["lost"] for t in told), sum(t["lost"] for t in told))
	P
	rm -f "$state/slog"
	timeout 200 python3 "$state/syslogd.py" "$state/slog" >"$state/told" 2>&1 3>&- &
	log=$!
	until [ -S "$state/slog" ]; do sleep 0.1; done
	# not by fw: the process is to be the one that is killed
	"$FWC" --netns fw inspect log --syslog="$state/slog" >"$state/shipped" 2>&1 3>&- &
	local shipper=$!
	"$FWC" --netns fw --json inspect log --rate 5 >"$state/some" 2>&1 3>&- &
	local other=$!
	until grep -q begun "$state/told" && [ -s "$state/some" ]; do
		peer paced,10.0.1.2,1/1 >/dev/null
		probes=$((probes + 1))
		[ $probes -lt 100 ]
	done
	run peer paced,10.0.1.2,400/200
	echo "$output"
	[ "$output" = "paced 10.0.1.2 400/200 400 of 400" ]
	wait "$log" || true
	kill "$shipper"
	cat "$state/told" "$state/shipped"
	[ "$(cat "$state/told")" = $'begun\nall' ]
	[ "$(field "status['losses']['log lines']")" = 0 ]
	# the next line says how many were left out before it
	while [ "${sum% *}" -lt 400 ]; do
		peer paced,10.0.1.2,1/1 >/dev/null
		probes=$((probes + 1))
		[ $probes -lt 200 ]
		sum=$(python3 "$state/sum.py" "$state/some")
	done
	kill "$other"
	echo "lines and left out, left out: $sum; probes $probes"
	[ "${sum% *}" -le $((400 + probes)) ]
	[ "${sum#* }" -gt 0 ]
}
