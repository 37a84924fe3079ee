# shellcheck shell=bash
# shellcheck disable=SC2154 # bats sets them
# SPDX-License-Identifier: GPL-2.0-or-later
#
# One harness for the examples: `example NAME` reads NAME.lab beside it, a short script that says how
# the firewall (its name is gate) is wired, which policy it has and what becomes of packets. The
# fates are written from what the example's text promises.
#
#	link IF ADDR/LEN...      an interface of the gate, by its name in the policy, and who is behind it
#	shared IF ADDR/LEN...    the same, with a switch: those behind it reach each other without the gate
#	uplink IF ADDR/LEN...    a link whose first `at` is where the gate's default routes lead
#	at IF NAME ADDR[/LEN]... somebody behind that link: with /LEN on the wire itself, else beyond it
#	policy FILE              compiles it (its expectations hold, nothing is warned of) and applies it
#	packets <<TABLE          sends them; see tests/lab/flows. gate.IF is the gate's address there
#
# All behind a link live in one namespace that has their addresses, behind a shared one each in its own.

# shellcheck source-path=SCRIPTDIR
load ../lab/lab

example() {
	lab_begin
	lab_firewall gate
	uplinks=' ' shares=' '
	# shellcheck disable=SC1090
	. "$BATS_TEST_DIRNAME/$1.lab"
}

# A namespace behind the gate's interface, which is its way to everywhere.
behind() { # interface, namespace, the gate's addresses there
	local ns=$2 addr

	shift 2
	for addr; do
		ip -n "$LAB-$ns" route add default via "${addr%/*}" dev eth0 onlink
	done
}

link() {
	local if=$1 ns=${1//[.-]/_}

	shift
	lab_host "$ns"
	lab_cable "gate:$if" "$ns:eth0"
	lab_addr gate "$if" "$@"
	lab_alias "gate.$if" gate "${@%/*}"
	behind "$if" "$ns" "$@"
}

shared() {
	local if=$1 ns=${1//[.-]/_}

	shift
	lab_switch "$ns"
	lab_cable "gate:$if" "$ns"
	lab_addr gate "$if" "$@"
	lab_alias "gate.$if" gate "${@%/*}"
	shares+="$if "
	printf '%s\n' "$@" >"$LAB_DIR/shared-$if"
}

uplink() {
	link "$@"
	uplinks+="$1 "
}

at() {
	local if=$1 name=$2 ns=${1//[.-]/_} addr gates

	shift 2
	if [[ $shares == *" $if "* ]]; then
		lab_host "$name"
		lab_cable "$name:eth0" "$ns"
		lab_addr "$name" eth0 "$@"
		mapfile -t gates <"$LAB_DIR/shared-$if"
		behind "$if" "$name" "${gates[@]}"
		return
	fi
	for addr; do
		[[ $addr != */* ]] || lab_addr "$ns" eth0 "$addr"
	done
	lab_alias "$name" "$ns" "${@%/*}"
	if [[ $uplinks == *" $if "* ]]; then
		uplinks=${uplinks/ $if / }
		for addr; do lab_route gate default via "${addr%/*}"; done
	fi
}

policy() {
	run lab_fwc gate check "$LAB_TOP/$1"
	echo "$output"
	[ "$status" = 0 ]
	[[ ${output//warning: this kernel has no flowtables/} != *warning:* ]]
	lab_apply gate "$LAB_TOP/$1"
}

packets() {
	lab_flows --quiet
}
