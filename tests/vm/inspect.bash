# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# client -- fw -- server with inspect rules, and what judges them. Needs net.bash.
# shellcheck disable=SC2154 # net.bash sets top
daemon=${FWC_INSPECTD:-$(dirname "$FWC")/fwc-inspectd}
state=${BATS_FILE_TMPDIR:-/tmp}/state

inspectd() { # options...: started, and ready when this returns
	"$daemon" --netns fw --state "$state" --pidfile "$state/pid" --daemon "$@" 2>"$state/inspectd.log" || { cat "$state/inspectd.log"; return 1; }
}

inspectd_stop() {
	local pid
	pid=$(cat "$state/pid") && kill "$pid" && while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
	rm -f "$state/pid"
}

ask() { fw --json inspect "$@"; }

# A number from the status, by python: field status['losses']['timeouts']
field() { { ask status || true; } | "$top/tests/lab/document" "status = d; print($1)"; }

# A module, so that it is compiled once in the life of the machine.
peer_py=(/usr/bin/python3 -IS -X pycache_prefix=/run/vm/pycache
	-c 'import sys; sys.path.insert(0, sys.argv.pop(1)); import peer; peer.main()' "$top/tests/vm")

peer() { ip netns exec client "${peer_py[@]}" "$@"; }

serve() { # ports...
	ip netns exec server "${peer_py[@]}" serve "$@" >"$state/served" 2>&1 3>&- &
	echo $! >"$state/served.pid"
	for _ in $(seq 100); do grep -q ready "$state/served" && return; sleep 0.1; done
	cat "$state/served"
	return 1
}

# Packets that rules gave to an inspector, besides each connection's first.
queued() {
	ip netns exec fw nft -j list table inet fwc | "$top/tests/lab/document" '
print(sum(e["counter"]["packets"] for o in d["nftables"] if "rule" in o
          and any("queue" in e for e in o["rule"]["expr"]) for e in o["rule"]["expr"] if "counter" in e))'
}
