# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # lib.bash sets variables
# A neighbour that sends real packets, and what they leave behind in the firewall.

peer_begin() { # after cli_begin: 192.0.2.9, .10 and fd00::9 behind eth0 and eth1
	export PEER=${NS}p
	ip netns add "$PEER"
	for i in 0 1; do
		ip -n "$NS" link add "eth$i" type veth peer name "eth$i" netns "$PEER"
		ip -n "$NS" link set "eth$i" up
		ip -n "$PEER" link set "eth$i" up
	done
	ip -n "$NS" address add 192.0.2.1/24 dev eth0
	ip -n "$NS" address add fd00::1/64 dev eth0 nodad
	ip -n "$NS" address add 203.0.113.1/24 dev eth1
	ip -n "$PEER" address add 192.0.2.9/24 dev eth0
	ip -n "$PEER" address add 192.0.2.10/24 dev eth0
	ip -n "$PEER" address add fd00::9/64 dev eth0 nodad
	ip -n "$PEER" address add 203.0.113.9/24 dev eth1
}
peer_end() { ip netns del "${PEER:-none}" 2>/dev/null || true; }

send() { # FROM PORT COUNT...: datagrams of 100 (IPv6: 120) bytes, each of a new connection
	ip netns exec "$PEER" /usr/bin/python3 -ISc 'import _socket as socket, sys
for at in range(1, len(sys.argv), 3):
    source, port, count = sys.argv[at:at + 3]
    six = ":" in source
    to = "fd00::1" if six else source.rsplit(".", 1)[0] + ".1"
    for i in range(int(count)):
        s = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM)
        s.bind((source, 0))
        s.sendto(b"x" * 72, (to, int(port)))' "$@"
}
counted() { # LINE: packets bytes
	fwc counters --json | json "' '.join(str((x['packets'], x['bytes'])) for x in d if x['at'].endswith(':$1'))"
}
held() { # SET: "address left timeout" of each element, sorted; - for what it lacks
	inns nft -j list set inet fwc "$1" | "$here/../lab/document" '
for e in sorted(str(e) for e in d["nftables"][1]["set"].get("elem", [])):
    e = eval(e) if e[0] == "{" else e
    e = e["elem"] if isinstance(e, dict) else {"val": e}
    print(e["val"], e.get("expires", "-"), e.get("timeout", "-"))'
}
left() { held "$1" | sed -n "s/^$2 \([^ ]*\) .*/\1/p"; } # SET ADDRESS
within() { [ "$2" -le "$1" ] && [ "$1" -le "$3" ]; } # VALUE LOW HIGH
