#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # net.bash sets them
# fwc trace of packets that wait for their inspector, and come back.

load net.bash
load inspect.bash

setup_file() {
	net_up
	mkdir -p "$state"
	cat >"$state/policy.fwc" <<-'P'
		forwarding on
		zone inside  { interface inside }
		zone outside { interface outside }
		inspect inside -> outside tcp/443 with names
		inspector names {
			deny sni "*.casino.example"
			allow any
		}
	P
	fw compile "$state/policy.fwc"
	fw apply
	serve 443
	inspectd
}

teardown_file() {
	inspectd_stop
	kill "$(cat "$state/served.pid")"
	net_down
}

begin() {
	: >"$state/said"
	"$FWC" --netns fw --state "$state" --config "$state/policy.fwc" trace --json "$@" \
		>"$state/trace" 2>"$state/said" 3>&- &
	trace_pid=$!
	for _ in $(seq 300); do
		grep -q tracing "$state/said" && return
		sleep 0.1
	done
	cat "$state/said"
	return 1
}

end() {
	sleep 6 # longer than an answer of the inspector is waited for
	kill "$trace_pid"
	wait "$trace_pid"
	cut -c1-400 "$state/trace"
	python3 -c 'import json, sys
for line in open(sys.argv[1]):
    d = json.loads(line)
    x = d["decided"] or {}
    print(d["verdict"], (x.get("line") or "").rpartition("/")[2], x.get("rule"))' "$state/trace" >"$state/told"
	cat "$state/told"
}

@test "vm: trace shows that a connection is inspected, and by which line" {
	begin 'inside -> outside'
	peer tls,10.0.1.2,www.example.org
	end
	[ "$(sort -u "$state/told")" = "inspect policy.fwc:4 inspect inside -> outside tcp/443 with names" ]
}

@test "vm: trace --all shows what the inspector decided" {
	begin --all 'inside -> outside'
	peer tls,10.0.1.2,www.casino.example
	end
	grep -qx 'drop  fwc: denied by its inspector' "$state/told"
	begin --all 'inside -> outside'
	peer tls,10.0.1.2,www.example.org
	end
	grep -qx 'accept  fwc: allowed by its inspector' "$state/told"
}
