#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # net.bash sets them
# What becomes of inspected connections that run when a rule of one client is taken away, and when a window ends. In a
# machine of its own, as a clock is everybody's.

load net.bash
load inspect.bash

rules() {
	cat <<-P
		forwarding on
		zone inside  { interface inside }
		zone outside { interface outside }
		$(printf '%s\n' "$@")
		inspector names {
			deny   sni "*.casino.example"
			allow  any
		}
	P
}

setup_file() {
	[ -n "${VM:-}" ] || return 0
	net_up
	ip -n client addr add 10.0.0.3/24 dev eth0
	ip -n client addr add fd00::3/64 dev eth0 nodad
	mkdir -p "$state"
	rules 'inspect inside -> outside tcp/443 with names' >"$state/all.fwc"
	fw compile "$state/all.fwc"
	fw apply 2>/dev/null
	serve 443 80
	inspectd
}

teardown_file() {
	[ -n "${VM:-}" ] || return 0
	cat "$state/inspectd.log"
	inspectd_stop
	kill "$(cat "$state/served.pid")"
	net_down
}

setup() {
	[ -n "${VM:-}" ] || skip "sets the clock: only in a virtual machine"
}

# One process in the client that keeps connections, and does step by step what it is told:
#   open ADDRESS PORT NAME   prints what becomes of a hello with that name, sent from that address; kept if it passes
#   go                       of each that is kept how it goes on; those that do not are kept no longer
#   clock SECONDS            sets the clock by so much; at the end it shows again what it should
#   load FILE                fwc reload
#   forget ADDRESS           as the manual says
lives() {
	ip netns exec client python3 - "$top/tests/vm" "$FWC --netns fw --state $state reload --no-confirm" "$@" <<-'P'
		import subprocess, sys, time
		sys.path.insert(0, sys.argv[1])
		from peer import WAIT, family, hello, outcome, socket
		kept, moved = {}, 0

		def command(text):
		    done = subprocess.run(text, shell=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
		    if done.returncode:
		        sys.exit("%s: %s" % (text, done.stdout.decode()))

		def opened(address, port, name):
		    s = socket.socket(family(address), socket.SOCK_STREAM)
		    s.settimeout(WAIT)
		    s.bind((address, 0))
		    try:
		        s.connect(("fd00:1::2" if ":" in address else "10.0.1.2", int(port)))
		    except OSError:
		        return "unconnected"
		    s.sendall(hello(name))
		    how = outcome(s, len(hello(name)))
		    if how == "passed":
		        kept[address + " " + port] = [s, len(hello(name))]
		    return how

		def goes_on(one):
		    one[0].sendall(bytes(1000))
		    one[1] += 1000
		    return outcome(*one)

		def set_clock(by):
		    time.clock_settime(time.CLOCK_REALTIME, time.time() + by)
		    return by

		try:
		    for step in sys.argv[3:]:
		        word, *rest = step.split()
		        if word == "open":
		            print(step + ":", opened(*rest))
		        elif word == "go":
		            hows = {name: goes_on(one) for name, one in kept.items()}
		            print("; ".join("%s: %s" % x for x in sorted(hows.items())))
		            kept = {name: one for name, one in kept.items() if hows[name] == "passed"}
		        elif word == "clock":
		            moved += set_clock(int(rest[0]))
		        elif word == "load":
		            command(sys.argv[2] + " " + rest[0])
		        elif word == "forget":
		            command("ip netns exec fw conntrack -D -s " + rest[0])
		finally:
		    set_clock(-moved)
	P
}

@test "vm: a rule of one client is taken away: what runs of it ends, what runs of others goes on; who was let past begins anew to be looked at" {
	rules 'inspect 10.0.0.2@inside -> outside tcp/443 with names' 'inspect 10.0.0.3@inside -> outside tcp/443 with names' \
		'allow fd00::3@inside -> outside tcp/443' >"$state/three.fwc"
	rules 'inspect 10.0.0.3@inside -> outside tcp/443 with names' 'allow fd00::3@inside -> outside tcp/443' >"$state/two.fwc"
	run lives "load $state/three.fwc" \
		"open 10.0.0.2 443 www.example.org" "open 10.0.0.3 443 www.example.org" "open fd00::3 443 a.casino.example" go \
		"load $state/two.fwc" go "open 10.0.0.2 443 www.example.org" \
		"load $state/all.fwc" go "open fd00::3 443 a.casino.example" \
		"forget fd00::3" go "open fd00::3 443 www.example.org"
	echo "$output"
	[ "$status" = 0 ]
	diff - <(echo "$output") <<-'E'
		open 10.0.0.2 443 www.example.org: passed
		open 10.0.0.3 443 www.example.org: passed
		open fd00::3 443 a.casino.example: passed
		10.0.0.2 443: passed; 10.0.0.3 443: passed; fd00::3 443: passed
		10.0.0.2 443: nothing; 10.0.0.3 443: passed; fd00::3 443: passed
		open 10.0.0.2 443 www.example.org: unconnected
		10.0.0.3 443: passed; fd00::3 443: passed
		open fd00::3 443 a.casino.example: nothing
		10.0.0.3 443: passed; fd00::3 443: nothing
		open fd00::3 443 www.example.org: passed
	E
}

@test "vm: a window ends: what runs goes on, inspected or not, what begins is refused; what is to end is forgotten" {
	local window
	window="hours $(TZ=UTC date -d "@$(($(date +%s) - 7200))" +%H:%M)-$(TZ=UTC date -d "@$(($(date +%s) + 7200))" +%H:%M)"
	rules "inspect inside -> outside tcp/443 with names $window" "allow inside -> outside tcp/80 $window" >"$state/hours.fwc"
	TZ=UTC run lives "load $state/hours.fwc" \
		"open 10.0.0.2 443 www.example.org" "open 10.0.0.2 80 www.example.org" "open fd00::2 443 www.example.org" \
		"clock 10800" go "open 10.0.0.2 443 www.example.org" "open 10.0.0.2 80 www.example.org" \
		"forget 10.0.0.2" go "clock -10800" "open 10.0.0.2 443 www.example.org"
	echo "$output"
	[ "$status" = 0 ]
	diff - <(echo "$output") <<-'E'
		open 10.0.0.2 443 www.example.org: passed
		open 10.0.0.2 80 www.example.org: passed
		open fd00::2 443 www.example.org: passed
		10.0.0.2 443: passed; 10.0.0.2 80: passed; fd00::2 443: passed
		open 10.0.0.2 443 www.example.org: unconnected
		open 10.0.0.2 80 www.example.org: unconnected
		10.0.0.2 443: nothing; 10.0.0.2 80: nothing; fd00::2 443: passed
		open 10.0.0.2 443 www.example.org: passed
	E
}
