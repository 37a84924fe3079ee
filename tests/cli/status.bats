#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# status, show and diff: what they say, and what they exit with.

load lib

setup_file() { cli_begin; }
teardown_file() { cli_end; }

setup() {
	inns nft flush ruleset
	rm -rf "$WORK/state"
}

@test "nothing loaded: exit 1, and it says so" {
	run fwc status
	[ "$status" = 1 ]
	[[ $output == *"NOT LOADED"* ]]
	run fwc status --json
	[ "$status" = 1 ]
	[ "$(json 'd["loaded"], d["known"], d["drifted"]' <<<"$output")" = "(False, False, None)" ]
	run fwc show
	[ "$status" = 1 ]
}

@test "loaded: who, since when, from what; exit 0" {
	small | candidate
	fwc apply
	run fwc status
	[ "$status" = 0 ]
	[[ $output == *"loaded since 2"*", by "* ]]
	[[ $output == *"$WORK/policy.fwc"* ]]
	[[ $output == *"holds what was applied"* ]]
	[[ $output == *"policy.fwc:6  allow lan -> self tcp/22"* ]]
	run fwc status --json
	[ "$(json 'd["loaded"], d["drifted"], d["sources"][0]["state"]' <<<"$output")" = "(True, False, 'same')" ]
}

@test "packets are counted for the line of the policy" {
	echo 'zone lan { interface eth0 }
allow self -> any ping
drop self -> 127.0.0.0/8 udp
allow lan -> self' | candidate
	fwc apply
	ip -n "$NS" link add d0 type veth peer name d1
	ip -n "$NS" addr add 192.0.2.1/24 dev d0
	ip -n "$NS" link set d0 up
	ip -n "$NS" link set d1 up
	inns ping -c 3 -i 0.1 -W 1 192.0.2.9 >/dev/null || true
	run fwc status --json
	packets=$(json '[l["packets"] for l in d["lines"] if l["at"].endswith(":2")][0]' <<<"$output")
	[ "$packets" -ge 1 ]
	run fwc show
	[[ $output == *"policy.fwc:2"* ]]
	ip -n "$NS" link del d0
}

@test "a source that changed since is named" {
	small | candidate
	fwc apply
	echo '# more' >>"$WORK/policy.fwc"
	run fwc status
	[ "$status" = 0 ]
	[[ $output == *"policy.fwc"*CHANGED* ]]
	rm "$WORK/policy.fwc"
	run fwc status
	[[ $output == *"policy.fwc  gone"* ]]
}

@test "other people's chains that drop or translate are named, harmless ones are not" {
	small | candidate
	fwc apply
	inns nft -f - <<-'END'
	table ip filter {
		chain deeper { ip saddr 192.0.2.1 drop; }
		chain deep { jump deeper; }
		chain INPUT { type filter hook input priority 0; policy accept; jump deep; }
		chain OUTPUT { type filter hook output priority 0; policy accept; accept; }
		chain FORWARD { type filter hook forward priority 0; policy drop; }
	}
	table inet nat {
		map verdicts { type ipv4_addr : verdict; elements = { 192.0.2.9 : drop } }
		chain post { type nat hook postrouting priority 100; ip saddr 10.0.0.1 masquerade; }
		chain pre { type filter hook prerouting priority -300; ip saddr vmap @verdicts; }
		chain out { type nat hook output priority -100; accept; }
	}
	table bridge b {
		chain c { type filter hook forward priority 0; policy drop; }
	}
	table inet harmless { # nothing of it comes through fwc
		chain wan-lan { type filter hook forward priority 5; iifname "eth1" oifname "eth0" ct state new drop; }
		chain mail { type filter hook input priority 5; iifname "eth0" tcp dport 25 ct state new reject; }
	}
	END
	run fwc status --json
	[ "$status" = 0 ]
	# of what it drops one packet is told, if fwc lets such packets pass
	said=$(json '[f["packet"] for f in d["foreign"] if f["chain"] == "pre"]' <<<"$output")
	[[ $said == *"192.0.2.9 -> "*arriving* ]]
	said=$(json '[f["packet"] for f in d["foreign"] if f["chain"] == "INPUT"]' <<<"$output")
	[[ $said == *"192.0.2.1 -> "*arriving* ]]
	said=$(json 'sorted((f["chain"], f["drops"], f["translates"]) for f in d["foreign"])' <<<"$output")
	[ "$said" = "[('FORWARD', True, False), ('INPUT', True, False), ('post', False, True), ('pre', True, False)]" ]
	run fwc status
	[[ $output == *"warning"*"ip filter"*"INPUT"* ]]
}

@test "diff: 0 and silent when equal, 1 with both lines when not, 2 for a wrong policy" {
	small 22 | candidate
	fwc apply
	small 22 >"$WORK/same.fwc"
	run fwc diff "$WORK/same.fwc"
	[ "$status" = 0 ]
	small 23 >"$WORK/other.fwc"
	run fwc diff "$WORK/other.fwc"
	[ "$status" = 1 ]
	[[ $output == *"- $WORK/policy.fwc:6 "*"tcp/22"* ]]
	[[ $output == *"+ $WORK/other.fwc:6 "*"tcp/23"* ]]
	run fwc diff --json "$WORK/other.fwc"
	[ "$status" = 1 ]
	[ "$(json 'd["different"]' <<<"$(fwc diff --json "$WORK/other.fwc" 2>/dev/null)")" = True ]
	echo 'nonsense' >"$WORK/wrong.fwc"
	run fwc diff "$WORK/wrong.fwc"
	[ "$status" = 2 ]
	fwc compile -o "$WORK/art" "$WORK/other.fwc" 2>/dev/null
	run fwc diff "$WORK/art"
	[ "$status" = 1 ]
}

@test "diff: order and shape of a set are no difference" {
	small | candidate
	fwc apply
	small | sed 's|192.0.2.0/24, 198.51.100.7|198.51.100.7, 192.0.2.128/25, 192.0.2.0-192.0.2.127|' >"$WORK/shape.fwc"
	run fwc diff "$WORK/shape.fwc"
	[ "$status" = 0 ]
	small | sed 's|192.0.2.0/24, |192.0.2.0/24, 192.0.3.0/24, |' >"$WORK/more.fwc"
	run fwc diff "$WORK/more.fwc"
	[ "$status" = 1 ]
	[[ $output == *"192.0.3.0"* || $output == *"192.0.2.0/23"* ]]
}

@test "usage errors are exit 2" {
	for words in "status x" "show x" "stop x" "diff a b" "apply a b" "apply --no-such" "check a b"; do
		# shellcheck disable=SC2086
		run fwc $words
		[ "$status" = 2 ]
	done
}

# what root wrote by hand, or had another program write, may come from anywhere
@test "no name or comment commands the terminal" {
	local esc=$'\033' command
	mkdir -p "$WORK/odd.d"
	{ small; echo 'include "odd.d/*.fwc"'; } >"$WORK/p.fwc"
	echo 'allow lan -> self tcp/2222' >"$WORK/odd.d/o${esc}[2Jdd"$'\xfc.fwc'
	chmod -R go-w "$WORK/p.fwc" "$WORK/odd.d"
	fwc compile "$WORK/p.fwc"
	fwc apply
	inns nft add rule inet fwc "$(live chain lan-self)" counter accept comment "\"a${esc}[31mb\"" ||
		inns nft insert rule inet fwc input counter accept comment "\"a${esc}[31mb\""
	inns nft add table ip "odd"
	for command in status show counters 'counters --json' 'status --json' diff 'explain --live lan->self' flows; do
		# shellcheck disable=SC2086 # a list of words
		fwc --config "$WORK/p.fwc" $command >"$WORK/out" 2>&1 || true
		echo "$command"
		cat -v "$WORK/out"
		[ -s "$WORK/out" ] || [ "$command" = flows ]
		(! grep -q "$esc" "$WORK/out")
	done
	fwc status >"$WORK/out" || true
	grep -qF 'odd.d/o\x1b[2Jdd\xfc.fwc' "$WORK/out"
	(! grep -q '  gone$' "$WORK/out")
	fwc show >"$WORK/out"
	grep -qF 'comment "a\x1b[31mb"' "$WORK/out"
}

@test "where there is no IPv6, forwarding is not off" {
	small | sed 's/forwarding off/forwarding on/' | candidate
	cat >"$WORK/in" <<-END
		mount --make-rprivate /
		mount -t tmpfs -o ro none /proc/sys/net/ipv6
		$FWC --state $WORK/state apply --no-confirm || exit 9
		$FWC --state $WORK/state status
	END
	run inns unshare -m bash "$WORK/in"
	echo "$output"
	[ "$status" = 0 ]
	[[ $output == *"forwarding  on (no IPv6 here)"$'\n'* ]]
	inns sysctl -qw net.ipv4.ip_forward=0
}

@test "what is closed of standard input, output and error is nothing, and takes no other's place" {
	local command words rc
	small 2>/dev/null | candidate
	fwc apply
	echo 'zone lan { interface eth0 }
allow lan -> self ssh
masquerade lan -> lan' >"$WORK/warns.fwc"
	chmod 644 "$WORK/warns.fwc"
	for command in "check $WORK/warns.fwc" "compile $WORK/warns.fwc" status "apply --no-confirm --force --outdated" "panic --keep 192.0.2.1" rollback; do
		read -ra words <<<"$command"
		fwc "${words[@]}" >"$WORK/out" 2>"$WORK/said" </dev/null && rc=0 || rc=$?
		[[ $command != rollback ]] || fwc panic >"$WORK/out" 2>&1
		status=0
		fwc "${words[@]}" <&- 2>&- >"$WORK/out" || status=$?
		echo "$command: $rc, without an error output $status"
		[ "$status" = "$rc" ]
		[[ $command != rollback ]] || fwc panic >"$WORK/out" 2>&1
		status=0
		fwc "${words[@]}" <&- 2>"$WORK/said" >&- || status=$?
		echo "$command: $rc, without an output $status"
		[ "$status" = "$rc" ]
	done
}

@test "without /proc the reason is said, and by whom once" {
	small | candidate
	cat >"$WORK/in" <<-END
		mount --make-rprivate /
		mount -t tmpfs none /proc
		$FWC --state $WORK/state apply --no-confirm
	END
	run inns unshare -m bash "$WORK/in"
	echo "$output"
	[ "$status" = 3 ]
	[[ $output == *"nftables needs /proc, which is not mounted"* ]]
	[[ $output != *"fwc: fwc: "* ]]
}

@test "what until has ended, or will within two weeks, is named; the rest is not" {
	local soon late over
	over=$(date -d '3 days ago' +%F)
	soon=$(date -d '9 days' +%F)
	late=$(date -d '40 days' +%F)
	{
		echo 'zone lan { interface eth0 }'
		echo "allow lan -> self tcp/22 until $late"
		echo "allow lan -> self tcp/23 until $soon log \" until $over \""
		echo "allow lan -> self tcp/24 days mon until $over"
		echo "allow lan -> self tcp/25 log \" until $over \""
		echo "allow lan -> self tcp/26 hours 08:00-18:00"
	} | candidate
	fwc apply
	run fwc status
	echo "$output"
	[ "$status" = 0 ]
	[ "$(grep -c '^warning .* ends with \| ended with ' <<<"$output")" = 2 ]
	[[ $output == *"policy.fwc:3: ends with $soon: allow lan -> self tcp/23 until $soon"* ]]
	[[ $output == *"policy.fwc:4: ended with $over: allow lan -> self tcp/24"* ]]
	[[ $output != *"are known until"* ]]
	run fwc status --json
	[ "$(json '[(e["until"], e["over"]) for e in d["ends"]], d["windows_known_until"]' <<<"$output")" = \
		"([('$soon', False), ('$over', True)], None)" ]
	# years later: nobody has compiled since
	run env SOURCE_DATE_EPOCH=$(($(date -d "$(($(date +%Y) + 3))-10-01" +%s))) "$FWC" --netns "$NS" \
		--state "$WORK/state" status
	echo "$output"
	[[ $output == *"hours and days are known until $(($(date +%Y) + 3))-12-31: \`fwc reload\` compiles more"* ]]
}
