#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # net.bash sets them
# What judges comes and goes; rules change; ports are used again: no connection that is allowed is lost,
# none that is denied gets a byte through.

load net.bash
load inspect.bash

# A number that is a matter of chance: by default, and with FWC_LONG.
few() { if [ -n "${FWC_LONG:-}" ]; then echo "$2"; else echo "$1"; fi; }

policy() { # word for on-no-helper, more rules
	cat <<-P
		forwarding on
		zone inside  { interface inside }
		zone outside { interface outside }
		inspect inside -> outside tcp/443 with names
		allow   inside -> outside
		$2
		inspector names {
			deny   sni "*.casino.example"
			allow  any
			on-no-helper $1
		}
	P
}

setup_file() {
	net_up
	mkdir -p "$state"
	policy deny >"$state/policy.fwc"
	fw compile "$state/policy.fwc"
	fw apply 2>/dev/null
	serve 443
	inspectd
	ip netns exec client sysctl -qw net.ipv4.tcp_tw_reuse=1
}

teardown_file() {
	cat "$state/inspectd.log"
	inspectd_stop
	kill "$(cat "$state/served.pid")"
	net_down
}

allowed() { field "sum(rule['allow'] for rule in status['rules'])"; }

end_many() { # the connections that began with PEER_STOP
	touch "$state/stop"
	wait %1
	rm "$state/stop"
}

@test "vm: at most three packets of a connection are queued, none after the verdict" {
	local before between
	before=$(queued)
	peer large,10.0.1.2,www.example.org
	between=$(queued)
	echo "queued besides the SYN: $((between - before))"
	[ $((between - before)) = 2 ]
	run peer long,10.0.1.2,www.example.org
	echo "$output; queued: $(($(queued) - between))"
	[ "$output" = "long 10.0.1.2 www.example.org passed" ]
	[ $(($(queued) - between)) = 1 ]
}

@test "vm: a port that is used again is inspected again, however the last one ended" {
	local before style styles=(client-rst server-rst both-rst fin-rst fin)
	before=$(allowed)
	run peer "${styles[@]/#/reuse,10.0.1.2,}"
	echo "$output; decisions: $(($(allowed) - before))"
	[ "$output" = "$(for style in "${styles[@]}"; do echo "reuse 10.0.1.2 $style passed,passed,passed"; done)" ]
	[ $(($(allowed) - before)) = 15 ]
}

@test "vm: judges killed again and again, during connections and a transfer: none fails" {
	local kills
	kills=$(few 6 20)
	PEER_WAIT=10 PEER_STOP=$state/stop peer many,10.0.1.2,300 >"$state/many" &
	for _ in {1..60}; do [ "$(allowed)" -lt 30 ] || break; done # they are under way
	for _ in $(seq "$kills"); do
		sleep 0.4
		pkill -9 -f 'fwc-inspectd --judge' || true # just then there may be none
	done
	end_many
	cat "$state/many"
	ask status || true
	grep -q ' failed 0$' "$state/many"
	[ "$(field "sum(q['restarts'] for q in status['queues'])")" -ge "$kills" ]
	[ "$(field "status['lost']")" = 0 ]
}

@test "vm: the program becomes another one under way, again and again: none fails" {
	PEER_WAIT=10 PEER_STOP=$state/stop peer many,10.0.1.2,300 >"$state/many" &
	for _ in $(seq "$(few 3 8)"); do
		sleep 1.4
		kill -USR2 "$(cat "$state/pid")"
	done
	sleep 1.4
	end_many
	cat "$state/many"
	grep -q ' failed 0$' "$state/many"
	[ "$(field "len(status['queues'])")" = 4 ]
}

# Each apply has rules and judges of its own; those that wait see all twenty. With FWC_LONG there are 20 new
# ones a second, which an emulated processor hardly gets through.
@test "vm: 20 applies over 200 connections that are held, while new ones come: none is lost" {
	local i
	policy deny 'allow outside -> inside tcp/1' | sed 's/deny   sni/& "other.example",/' >"$state/other.fwc"
	fw compile -o "$state/a" "$state/policy.fwc"
	fw compile -o "$state/b" "$state/other.fwc"
	inspectd_stop
	inspectd --hold 600
	PEER_WAIT=60 PEER_STOP=$state/stop peer "over,10.0.1.2,$(few 200/60/4 200/400/20)" >"$state/over" 2>&1 3>&- &
	i=$((SECONDS + 100))
	until [ -e "$state/stop.held" ] || [ $SECONDS -ge $i ]; do sleep 0.1; done
	for i in $(seq 20); do
		fw apply "$state/$([ $((i % 2)) = 0 ] && echo a || echo b)" >/dev/null
	done
	end_many
	cat "$state/over"
	ask status || true
	[[ $(cat "$state/over") = *"held 200, new "*", lost 0 " ]]
	[ "$(field "status['lost']")" = 0 ]
}

@test "vm: nobody judges: deny lets nothing through, allow everything; then all is judged again" {
	inspectd_stop
	run peer tls,10.0.1.2,www.example.org
	echo "$output"
	[ "$output" = "tls 10.0.1.2 www.example.org unconnected" ]
	policy allow >"$state/allow.fwc"
	fw compile "$state/allow.fwc"
	fw apply 2>/dev/null
	run peer tls,10.0.1.2,a.casino.example
	echo "$output"
	[ "$output" = "tls 10.0.1.2 a.casino.example passed" ]
	inspectd
	run peer tls,10.0.1.2,www.example.org tls,10.0.1.2,a.casino.example
	echo "$output"
	[ "${lines[0]}" = "tls 10.0.1.2 www.example.org passed" ]
	[ "${lines[1]}" = "tls 10.0.1.2 a.casino.example nothing" ]
}
