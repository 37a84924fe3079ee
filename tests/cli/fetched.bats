#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # lib.bash sets them
# Sets that DNS and URLs fill: what is on disk is in the kernel after apply and boot; what the kernel
# holds stays over apply, trial and rollback, and is no business of diff and status.

load lib

LIST=https://example.org/drop.txt

setup_file() { cli_begin; }
teardown_file() { cli_end; }

begin() {
	inns nft flush ruleset
	rm -rf "$WORK/state"
	mkdir -m 700 "$WORK/state"
}

policy() { # $1: port; $2: names; $3: what stands behind the URL
	local names=${2-'"bigmart.example"'}
	cat <<-END
		forwarding off
		zone lan { interface eth0 }
		zone wan { interface eth1 }
		host bigmart = 192.0.2.80, dns $names
		set drops = url "$LIST" ${3-}
		drop drops@wan -> any
		allow self -> bigmart tcp/${1:-80}
		allow lan -> self ssh
	END
}

fetched() { /usr/bin/python3 "$here/fetched.py" "$WORK/state" "$@"; }
now() { date +%s; }
both() { # what the first policies have
	fetched bigmart dns:bigmart.example "$(now)" 198.51.100.1 198.51.100.9 2001:db8::1
	fetched drops "$LIST" "$(now)" 203.0.113.0-203.0.113.127 10.9.9.9 2001:db8:bad::-2001:db8:bad:ffff:ffff:ffff:ffff:ffff
}
# The elements that nft lists, one a line.
holds() { inns nft list set inet fwc "$1" | tr -d '\n\t' | sed -n 's/.*elements = { *\([^}]*[^ }]\) *}.*/\1/p' |
	sed 's/, */\n/g' | sort; }
drops4() { cat <(holds drops.url.v4.addr.bulk) <(holds drops.url.v4.net.bulk) | sort; }
lines() { printf '%s\n' "$@"; }

@test "first apply: the sets hold what was fetched; runtime.json says who fills them" {
	begin
	both
	policy | candidate
	run fwc apply
	echo "$output"
	[ "$status" = 0 ]
	[[ $output != *"is empty"* ]]
	diff <(holds bigmart.dns.v4) <(lines 198.51.100.1 198.51.100.9)
	diff <(holds bigmart.dns.v6) <(lines 2001:db8::1)
	diff <(drops4) <(lines 10.9.9.9 203.0.113.0/25)
	diff <(holds drops.url.v6.net.bulk) <(lines 2001:db8:bad::/48)
	/usr/bin/python3 - "$WORK/state/applied/runtime.json" <<-'END'
		import json, sys
		rows = {r["name"]: r for r in json.load(open(sys.argv[1]))["sets"]}
		assert rows["bigmart"]["names"] == ["bigmart.example"] and rows["bigmart"]["kind"] == "dns"
		assert rows["bigmart"]["type"] == "hash" and not rows["bigmart"]["drops"]
		assert rows["drops"]["url"] == "https://example.org/drop.txt" and rows["drops"]["drops"]
		assert rows["drops"]["sets"] == {"v4": "drops.url.v4.net.bulk", "v6": "drops.url.v6.net.bulk",
			"alone4": "drops.url.v4.addr.bulk", "alone6": "drops.url.v6.addr.bulk"}
	END
	fwc status
	fwc status --deep
	run fwc apply
	[[ $output == *"nothing to change"* ]]
}

@test "nothing was fetched: the sets are empty, which apply says and which stops nothing" {
	begin
	policy | candidate
	run fwc apply
	echo "$output"
	[ "$status" = 0 ]
	[[ $output == *"policy.fwc:4: 'bigmart' is empty: nothing was fetched yet"* ]]
	[[ $output == *"policy.fwc:5: 'drops' is empty: nothing was fetched yet"* ]]
	[ -z "$(holds bigmart.dns.v4)" ]
	# of another URL, of other names, and expired: not taken
	begin
	fetched bigmart dns:other.example "$(now)" 198.51.100.1
	fetched drops https://example.org/other.txt "$(now)" 203.0.113.1
	run fwc compile "$WORK/policy.fwc"
	fwc apply
	[ -z "$(holds bigmart.dns.v4)" ]
	[ -z "$(drops4)" ]
	begin
	policy 80 '"bigmart.example" expire 1d' 'expire 10d' | candidate
	fetched bigmart dns:bigmart.example "$(($(now) - 100000))" 198.51.100.1
	fetched drops "$LIST" "$(($(now) - 100000))" 203.0.113.1
	run fwc apply
	echo "$output"
	[[ $output == *"'bigmart' is empty: what was fetched has expired"* ]]
	[ -z "$(holds bigmart.dns.v4)" ]
	[ "$(drops4)" = 203.0.113.1 ]
	# a file that a disk lost half of: said, and loaded all the same
	begin
	fwc compile "$WORK/policy.fwc"
	both
	for f in "$WORK"/state/fetched/*.elements; do truncate -s 5 "$f"; done
	run fwc apply
	echo "$output"
	[ "$status" = 0 ]
	[[ $output == *"'bigmart' is empty: what was fetched for set bigmart cannot be read"* ]]
}

@test "what the kernel holds stays over apply, trial, confirm and rollback; diff and status do not speak of it" {
	begin
	both
	policy | candidate
	fwc apply
	# as a refresh does it
	inns nft add element inet fwc bigmart.dns.v4 '{ 198.51.100.77 }'
	inns nft delete element inet fwc bigmart.dns.v4 '{ 198.51.100.1 }'
	inns nft add element inet fwc drops.url.v4.net.bulk '{ 10.1.0.0/16 }'
	today() {
		diff <(holds bigmart.dns.v4) <(lines 198.51.100.77 198.51.100.9)
		diff <(drops4) <(lines 10.1.0.0/16 10.9.9.9 203.0.113.0/25)
	}
	fwc status
	fwc diff
	policy 443 | candidate
	run fwc diff
	echo "$output"
	[ "$status" = 1 ]
	[[ $output != *198.51.100.77* ]]
	fwc apply
	today
	policy 8080 | candidate
	fwc apply --confirm=60
	today
	fwc confirm
	today
	fwc rollback
	today
	policy 8081 | candidate
	fwc apply --confirm=60
	inns nft add element inet fwc bigmart.dns.v4 '{ 198.51.100.78 }'
	fwc rollback # ends the trial: today's content, not that of before
	[ "$(holds bigmart.dns.v4 | tail -n 1)" = 198.51.100.9 ]
	[ "$(holds bigmart.dns.v4 | grep -c 198.51.100.78)" = 1 ]
	fwc save
	inns nft flush ruleset
	fwc boot
	[ "$(holds bigmart.dns.v4 | wc -l)" = 2 ]
	fwc restore # what is fetched is not what was saved
	[ "$(holds bigmart.dns.v4 | grep -c 198.51.100.78)" = 0 ]
}

@test "boot takes what is on disk now; stop and an apply, too" {
	begin
	both
	policy | candidate
	fwc apply
	fetched bigmart dns:bigmart.example "$(now)" 198.51.100.200
	inns nft flush ruleset
	fwc boot
	[ "$(holds bigmart.dns.v4)" = 198.51.100.200 ]
	[ "$(drops4 | wc -l)" = 2 ]
	fetched bigmart dns:bigmart.example "$(now)" 198.51.100.201
	fwc stop
	fwc apply
	[ "$(holds bigmart.dns.v4)" = 198.51.100.201 ]
	# never fetched: boot loads the rules
	rm -r "$WORK/state/fetched"
	inns nft flush ruleset
	run fwc boot
	echo "$output"
	[ "$status" = 0 ]
	[ -z "$(holds bigmart.dns.v4)" ]
	[[ $output == *"warning: "*"'bigmart' is empty: nothing was fetched yet; \`fwc refresh bigmart\` asks again"* ]]
	inns nft flush ruleset
	fwc --json boot 2>/dev/null | /usr/bin/python3 -c "import json, sys; assert \"'bigmart' is empty\" in json.load(sys.stdin)['empty']"
}

@test "boot: what has expired or is damaged costs its own set alone" {
	begin
	both
	policy 80 '"bigmart.example" expire 1d' 'expire 10d' | candidate
	fwc apply
	fetched bigmart dns:bigmart.example "$(($(now) - 100000))" 198.51.100.1
	inns nft flush ruleset
	run fwc boot
	echo "$output"
	[ "$status" = 0 ]
	[ -z "$(holds bigmart.dns.v4)" ]
	[ "$(drops4 | wc -l)" = 2 ]
	inns nft list table inet fwc | grep -q 'allow lan -> self ssh'
	# half of its file is lost
	both
	for f in "$WORK"/state/fetched/*.elements; do truncate -s 5 "$f"; done
	inns nft flush ruleset
	run fwc boot
	echo "$output"
	[ "$status" = 0 ]
	[ -z "$(holds bigmart.dns.v4)$(drops4)" ]
	inns nft list table inet fwc | grep -q 'allow lan -> self ssh'
}

@test "killed before the sets are filled: the next apply fills them" {
	begin
	both
	policy | candidate
	FWC_FAULT=staged fwc apply || true
	inns nft list set inet fwc bigmart.dns.v4 | grep -q type
	fwc apply
	[ "$(holds bigmart.dns.v4 | wc -l)" = 2 ]
	begin
	both
	policy | candidate
	FWC_FAULT=fetched-filled fwc apply || true
	fwc apply
	[ "$(holds bigmart.dns.v4 | wc -l)" = 2 ]
	[ "$(drops4 | wc -l)" = 2 ]
}

@test "another name is a new generation, though no rule differs; another line is not" {
	begin
	both
	policy | candidate
	fwc apply
	{ echo "# moved"; policy; } | candidate
	fwc apply
	[ "$(fwc --json history | json 'len(d["generations"]) if isinstance(d, dict) else len(d)')" = 1 ]
	grep -q 'policy.fwc:5"' "$WORK/state/applied/runtime.json"
	policy 80 '"bigmart.example", "other.example"' | candidate
	run fwc diff
	echo "$output"
	[[ $output == *'- '*'bigmart = dns "bigmart.example"'* ]]
	[[ $output == *'+ '*'bigmart = dns "bigmart.example", "other.example"'* ]]
	fwc apply
	[ "$(fwc --json history | json 'len(d["generations"]) if isinstance(d, dict) else len(d)')" = 2 ]
	grep -q other.example "$WORK/state/applied/runtime.json"
}

@test "runtime.json that was edited: the artefact is refused" {
	begin
	policy | candidate
	sed -i 's/bigmart.example/evil.example/' "$WORK/state/candidate/runtime.json"
	run fwc apply
	[ "$status" != 0 ]
	[[ $output == *"runtime.json and manifest do not belong together"* ]]
}

@test "explain --live and flows know what the sets hold now" {
	begin
	for eth in eth0 eth1; do
		ip -n "$NS" link add $eth type veth peer name peer-$eth
		ip -n "$NS" link set peer-$eth up
		ip -n "$NS" link set $eth up
	done
	ip -n "$NS" address add 10.0.0.1/24 dev eth0
	ip -n "$NS" address add 203.0.113.254/24 dev eth1
	ip -n "$NS" route add default dev eth1
	both
	cat <<-END | candidate
		forwarding on
		zone lan { interface eth0; network 10.0.0.0/24 }
		zone wan { interface eth1 }
		host bigmart = 192.0.2.80, dns "bigmart.example"
		set drops = url "$LIST"
		drop drops@wan -> any
		allow lan -> bigmart@wan tcp/443
		allow lan -> wan
		allow wan -> self ssh
	END
	fwc apply
	inns "$here/../lab/connections" - <<-'END'
		tcp 10.0.0.5 4000 198.51.100.1 443
		tcp 10.0.0.5 4001 198.51.100.2 443
		tcp 10.0.0.5 4002 192.0.2.80 443
		tcp 203.0.113.5 4003 203.0.113.254 22
	END
	lines_of() { fwc --json flows "$@" | json '[(c["from"]["port"], c["rule"], c["forbidden"]) for c in sorted(d, key=lambda c: c["from"]["port"])]'; }
	# what was let in before it was listed is not forbidden: the list is of today
	[ "$(lines_of)" = "[(4000, 'allow lan -> bigmart@wan tcp/443', False), (4001, 'allow lan -> wan', False), (4002, 'allow lan -> bigmart@wan tcp/443', False), (4003, 'allow wan -> self ssh', False)]" ]
	names() { fwc --config "$WORK/policy.fwc" --json flows "$@" | json 'sorted(c["from"]["port"] for c in d)'; }
	[ "$(names to bigmart)" = "[4000, 4002]" ]
	[ "$(names from drops)" = "[4003]" ]
	live() {
		run fwc explain --live "$1" "$WORK/policy.fwc"
		echo "$output"
		[ "$status" = 0 ]
	}
	live '203.0.113.5@wan -> self ssh'
	[[ $output == *"drop drops@wan -> any"*dropped* && $output != *" if "* ]]
	live '203.0.113.200@wan -> self ssh'
	[[ $output == *"allow wan -> self ssh"*accepted* && $output != *" if "* && $output != *" unless "* ]]
	live 'drops@wan -> self ssh ipv6'
	[[ $output == *"2001:db8:bad:"*" -> "* ]]
	# as a refresh does it
	inns nft delete element inet fwc bigmart.dns.v4 '{ 198.51.100.1 }'
	inns nft delete element inet fwc drops.url.v4.net.bulk '{ 203.0.113.0/25 }'
	[ "$(lines_of to 198.51.100.1)" = "[(4000, 'allow lan -> wan', False)]" ]
	[ "$(names to bigmart)" = "[4002]" ]
	live '203.0.113.5@wan -> self ssh'
	[[ $output == *"allow wan -> self ssh"*accepted* && $output != *" unless "* ]]
	# a set that the rules in force do not have
	sed -i 's/drops/others/g' "$WORK/policy.fwc"
	run fwc --config "$WORK/policy.fwc" flows from others
	[ "$status" = 2 ]
	for eth in eth0 eth1; do ip -n "$NS" link del $eth; done
}

@test "of a long list they know it as long as the kernel holds what was fetched" {
	begin
	fetched bigmart dns:bigmart.example "$(now)" 198.51.100.1
	/usr/bin/python3 -c 'for i in range(66000): print("45.%d.%d.%d" % (i >> 14, i >> 6 & 255, 4 * (i & 63)))' |
		fetched drops "$LIST" "$(now)" -
	policy | candidate
	fwc apply
	run fwc explain --live '45.0.0.4@wan -> self ssh' "$WORK/policy.fwc"
	echo "$output"
	[[ $output == *"drop drops@wan -> any"*dropped* && $output != *" if "* ]]
	run fwc explain --live '45.0.0.5@wan -> self ssh' "$WORK/policy.fwc"
	echo "$output"
	[[ $output != *"drop drops"* && $output != *" unless "* ]]
	inns nft add element inet fwc drops.url.v4.addr.bulk '{ 45.0.0.5 }'
	run fwc explain --live '45.0.0.5@wan -> self ssh' "$WORK/policy.fwc"
	echo "$output"
	[[ $output == *"set drops (url) holds the source"* ]]
}
