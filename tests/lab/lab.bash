# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# lab.bash: makes small networks of namespaces, runs commands and flows in them, takes them away.
#
#	lab_begin                        a new, empty lab; LAB is its name, LAB_DIR its scratch directory
#	lab_host NAME...                 hosts: namespaces with loopback up and no forwarding
#	lab_firewall NAME                a host whose firewall is under test
#	lab_router NAME...               hosts that forward, both families
#	lab_switch NAME...               namespaces that are one bridge and nothing else
#	lab_cable A:IF B:IF [MTU]        a wire between two hosts; `SWITCH` alone is the next free port
#	lab_addr NAME IF ADDR/LEN...     addresses; the first of a family is what NAME stands for
#	lab_alias ALIAS NAME [V4] [V6]   another name for (an address of) a host, added to lo if it is not there
#	lab_broadcast ALIAS NAME V4      the broadcast address V4, as NAME receives it
#	lab_route NAME DEST via ADDR     a route; lab_routes NAME "DEST via ADDR"...: several
#	lab_in NAME COMMAND...           run a command in the namespace
#	lab_flows [OPTION...] <TABLE     send flows and compare their fates with the table (see `flows`)
#	lab_talk FROM TO ADDR PORT       a TCP connection that goes on talking in the background
#	lab_goes_on PORT                 it gets ten answers more
#	lab_stops PORT                   it comes to get no more
#	lab_idle FROM TO ADDR PORT [OPTION...]   a TCP connection that says nothing (see `idle`); lab_idles: several
#	lab_say PORT near|far            the caller, or the called end, says a word on it: is it heard?
#	lab_fwc NAME ARG...              fwc, working on that namespace, with a state directory of its own
#	lab_apply NAME POLICY            compile and apply
#	lab_end                          remove everything
#
# A lab is named after the process that made it, so labs of parallel runs do not meet, and what a
# killed run left behind is swept by the next one.

LAB_HERE=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
LAB_TOP=${LAB_HERE%/*/*}

lab_begin() {
	[ "$(id -u)" = 0 ] || { echo "lab: needs root" >&2; return 1; }
	lab_sweep
	LAB=fwclab-$$-$RANDOM
	LAB_DIR=$(mktemp -d "${TMPDIR:-/tmp}/$LAB.XXXXXX")
	: >"$LAB_DIR/hosts"
	export LAB LAB_DIR LAB_HERE LAB_TOP
	if [ -z "${FWC:-}" ]; then
		FWC=${FWC_BUILD:-$LAB_TOP}/fwc
	fi
	export FWC
}

lab_end() {
	local ns pid all=()

	[ -n "${LAB:-}" ] || return 0
	for pid in "$LAB_DIR"/*.pid; do
		[ -e "$pid" ] && kill "$(<"$pid")" 2>/dev/null
	done
	for ns in /run/netns/"$LAB"-*; do
		[ -e "$ns" ] && all+=("${ns##*/}")
	done
	[ ${#all[@]} = 0 ] || lab_remove "${all[@]}"
	rm -rf "${LAB_DIR:?}"
	unset LAB LAB_DIR
}

# Namespaces and whatever still runs in them.
lab_remove() {
	local pid

	for pid in $(printf 'netns pids %s\n' "$@" | ip -force -batch -); do
		kill -KILL "$pid" 2>/dev/null
	done
	printf 'netns del %s\n' "$@" | ip -force -batch -
}

# The line of the host table that begins with that name gets another text instead of one: a process less
# than sed(1), and a lab is some hundred processes.
lab_edit() { # name, text, other text
	local lines i

	mapfile -t lines <"$LAB_DIR/hosts"
	for i in "${!lines[@]}"; do
		[[ ${lines[i]} != "$1 "* ]] || lines[i]=${lines[i]/"$2"/"$3"}
	done
	printf '%s\n' "${lines[@]}" >"$LAB_DIR/hosts"
}

# Namespaces and directories of labs whose maker is dead.
lab_sweep() {
	local path pid

	for path in /run/netns/fwclab-* "${TMPDIR:-/tmp}"/fwclab-*; do
		[ -e "$path" ] || continue
		pid=${path##*/fwclab-}
		pid=${pid%%-*}
		[[ $pid =~ ^[0-9]+$ ]] || continue
		kill -0 "$pid" 2>/dev/null && continue
		case $path in
		/run/netns/*) lab_remove "${path##*/}" 2>/dev/null || true ;;
		*) rm -rf "$path" ;;
		esac
	done
}

# No duplicate address detection and no router solicitations: addresses work at once. No limits
# on ICMP errors: a table may provoke many in one instant. Ping sockets for root.
lab_host() {
	local name

	printf "netns add $LAB-%s\n" "$@" | ip -batch - || return
	for name; do
		ip -n "$LAB-$name" link set lo up
		ip netns exec "$LAB-$name" sysctl -qw \
			net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0 \
			net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 \
			net.ipv4.conf.all.accept_redirects=0 net.ipv4.conf.default.accept_redirects=0 \
			net.ipv6.conf.all.accept_redirects=0 net.ipv6.conf.default.accept_redirects=0 \
			net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.default.disable_ipv6=0 \
			net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.default.accept_ra=0 \
			net.ipv6.conf.default.router_solicitations=0 \
			net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0 \
			net.ipv4.ping_group_range="0 0"
		echo "$name $LAB-$name - - host" >>"$LAB_DIR/hosts"
	done
}

lab_firewall() {
	lab_host "$1"
	lab_edit "$1" ' - - host' ' - - firewall'
}

lab_router() {
	local name

	lab_host "$@"
	for name; do
		ip netns exec "$LAB-$name" sysctl -qw \
			net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	done
}

lab_switch() {
	local name

	for name; do
		ip netns add "$LAB-$name"
		ip -n "$LAB-$name" link add br0 type bridge stp_state 0 mcast_snooping 0
		ip netns exec "$LAB-$name" sysctl -qw net.ipv6.conf.all.disable_ipv6=1
		ip -n "$LAB-$name" link set br0 up
		echo 0 >"$LAB_DIR/ports-$name"
	done
}

lab_cable() {
	local a=$1 b=$2 mtu=${3:-1500} end port host=() port_of=()

	for end in "$a" "$b"; do
		host+=("${end%%:*}")
		if [ "$end" = "${end%%:*}" ]; then
			port=$(($(<"$LAB_DIR/ports-$end") + 1))
			echo "$port" >"$LAB_DIR/ports-$end"
			port_of+=("port$port")
		else
			port_of+=("${end#*:}")
		fi
	done
	for end in 0 1; do
		port=${port_of[end]}
		{
			[ $end = 1 ] || echo "link add $port mtu $mtu type veth peer name ${port_of[1]} netns $LAB-${host[1]} mtu $mtu"
			[ ! -e "$LAB_DIR/ports-${host[end]}" ] || echo "link set $port master br0"
			echo "link set $port up"
		} | ip -n "$LAB-${host[end]}" -batch - || return
	done
}

# The first address of each family becomes the address of NAME in the host table.
lab_addr() {
	local name=$1 iface=$2 cidr

	shift 2
	for cidr; do
		case $cidr in
		*:*) echo "addr add $cidr dev $iface nodad" ;;
		*) echo "addr add $cidr brd + dev $iface" ;;
		esac
	done | ip -n "$LAB-$name" -batch - || return
	for cidr; do
		case $cidr in
		*:*) lab_edit "$name" " - host" " ${cidr%/*} host" && lab_edit "$name" " - firewall" " ${cidr%/*} firewall" ;;
		*) lab_edit "$name" "$name $LAB-$name - " "$name $LAB-$name ${cidr%/*} " ;;
		esac
	done
}

lab_alias() {
	local alias=$1 name=$2 v4=- v6=- addr kind host there

	shift 2
	there=$(ip -n "$LAB-$name" -o addr show)
	for addr; do
		case $addr in
		*:*) v6=$addr ;;
		*) v4=$addr ;;
		esac
		[[ $there == *" $addr/"* ]] || ip -n "$LAB-$name" addr add "$addr" dev lo || return
	done
	while read -r host _ _ _ kind && [ "$host" != "$name" ]; do :; done <"$LAB_DIR/hosts"
	echo "$alias $LAB-$name $v4 $v6 $kind" >>"$LAB_DIR/hosts"
}

lab_broadcast() {
	echo "$1 $LAB-$2 $3 - broadcast" >>"$LAB_DIR/hosts"
}

lab_route() {
	local name=$1

	shift
	ip -n "$LAB-$name" route add "$@"
}

lab_routes() { # the same, several: NAME "DEST via ADDR"...
	printf 'route add %s\n' "${@:2}" | ip -n "$LAB-$1" -batch -
}

lab_in() {
	local name=$1

	shift
	ip netns exec "$LAB-$name" "$@"
}

lab_flows() {
	/usr/bin/python3 "$LAB_HERE/flows" "$@" "$LAB_DIR/hosts"
}

lab_talk() {
	/usr/bin/python3 "$LAB_HERE/talk" "/run/netns/$LAB-$1" "/run/netns/$LAB-$2" "$3" "$4" \
		>"$LAB_DIR/talk-$4" 2>&1 3>&- &
	echo $! >"$LAB_DIR/talk-$4.pid"
	until grep -qs answered "$LAB_DIR/talk-$4"; do
		kill -0 $! 2>/dev/null || { cat "$LAB_DIR/talk-$4"; return 1; }
		sleep 0.02
	done
}

lab_goes_on() {
	local before try

	before=$(wc -l <"$LAB_DIR/talk-$1")
	for try in {1..1500}; do
		[ "$(wc -l <"$LAB_DIR/talk-$1")" -lt $((before + 10)) ] || return 0
		sleep 0.02
	done
	echo "port $1: $(tail -n 1 "$LAB_DIR/talk-$1") $try"
	return 1
}

# One that speaks has an answer each 20 ms.
lab_stops() {
	local before try

	for try in {1..20}; do
		before=$(wc -l <"$LAB_DIR/talk-$1")
		sleep 0.5
		[ "$(wc -l <"$LAB_DIR/talk-$1")" != "$before" ] || return 0
	done
	echo "port $1: still answers, $try times"
	return 1
}

lab_idles() { # several: FROM TO ADDR PORT [OPTION...] is one argument for each
	local port connections=() one name

	for one in "$@"; do
		read -r _ _ _ port _ <<<"$one"
		name=${name:-$LAB_DIR/idle-$port}
		echo "$name" >"$LAB_DIR/idle-$port.of"
		connections+=("/run/netns/$LAB-${one%% *} /run/netns/$LAB-${one#* }")
	done
	mkfifo "$name.ask"
	/usr/bin/python3 "$LAB_HERE/idle" "${connections[@]}" <>"$name.ask" >"$name" 2>"$name.said" 3>&- &
	echo $! >"$name.pid"
	for _ in $(seq 1000); do
		[ -s "$name" ] && return
		sleep 0.02
	done
	cat "$name.said"
	return 1
}

lab_idle() { lab_idles "$*"; }

lab_say() {
	local file before lines

	file=$(<"$LAB_DIR/idle-$1.of") || return
	mapfile -t before <"$file"
	echo "$1 $2" >"$file.ask"
	lines=("${before[@]}")
	while [ ${#lines[@]} = ${#before[@]} ]; do
		sleep 0.02
		mapfile -t lines <"$file"
	done
	[ "${lines[-1]}" = heard ] || { echo "port $1: what the $2 end said was lost"; return 1; }
}

lab_fwc() {
	local name=$1

	shift
	"$FWC" --netns "$LAB-$name" --state "$LAB_DIR/state-$name" "$@"
}

lab_apply() {
	lab_fwc "$1" compile "$2" && lab_fwc "$1" apply
}
