# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# client -- fw -- server: three network namespaces, both families. `ip -batch`, because a process takes
# its time to start here.
# shellcheck disable=SC2034 # for those that load this
top=${FWC_SRC:?}

net_up() {
	ip -batch - <<-'E' &&
		netns add client
		netns add fw
		netns add server
	E
	ip -n fw -batch - <<-'E' &&
		link add inside type veth peer name eth0 netns client
		link add outside type veth peer name eth0 netns server
		addr add 10.0.0.1/24 dev inside
		addr add fd00::1/64 dev inside nodad
		addr add 10.0.1.1/24 dev outside
		addr add fd00:1::1/64 dev outside nodad
		link set lo up
		link set inside up
		link set outside up
	E
	ip -n client -batch - <<-'E' &&
		addr add 10.0.0.2/24 dev eth0
		addr add fd00::2/64 dev eth0 nodad
		link set lo up
		link set eth0 up
		route add default via 10.0.0.1
		route add default via fd00::1
	E
	ip -n server -batch - <<-'E' &&
		addr add 10.0.1.2/24 dev eth0
		addr add fd00:1::2/64 dev eth0 nodad
		link set lo up
		link set eth0 up
		route add default via 10.0.1.1
		route add default via fd00:1::1
	E
	ip netns exec fw sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
}

net_down() {
	ip netns del client
	ip netns del fw
	ip netns del server
} 2>/dev/null

fw() { "$FWC" --netns fw --state "${BATS_FILE_TMPDIR:-/tmp}/state" "$@"; }
