#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # bats and lib.bash set variables
# What run time made, saved and put back: elements with what is left of their time, and counters.
# Packets are real, from a namespace of their own.

load lib
load peer

setup_file() {
	cli_begin
	peer_begin
}
teardown_file() {
	peer_end
	cli_end
}
setup() {
	inns nft flush ruleset
	rm -rf "$WORK/state"
}

policy() {
	cat <<'END'
zone lan { interface eth0 }
set guests = dynamic, timeout 1h, size 100
set bans = dynamic
drop lan -> self udp/7 then add source to guests
drop lan -> self udp/8 then add source to bans for 2h
drop guests@lan, bans@lan -> self udp/9
allow lan -> self udp/1000-1099 limit 2/hour burst 3 per source
allow lan -> self udp/5353
allow self -> any
END
}

edit() { # an expression over d, the saved file
	/usr/bin/python3 -c 'import json, sys, time
path = sys.argv[1]
d = json.load(open(path))
exec(sys.argv[2])
open(path, "w").write(json.dumps(d))' "$WORK/state/saved.json" "$1"
}
gone() { inns nft delete table inet fwc; } # what a reboot does to the kernel
whole() { inns nft -s list ruleset | sed 's/ expires [0-9a-z]*//g'; }

# A firewall with something in each kind of set, and counters; saved.
filled() {
	policy | candidate
	fwc apply
	send 192.0.2.9 7 1
	send fd00::9 8 2
	send 192.0.2.9 9 3
	send 192.0.2.10 5353 4
	inns nft add element inet fwc bans.v4 '{ 198.51.100.1 }'
	fwc save
}

@test "what a dynamic set held comes back, with what was left of its time" {
	filled
	gone
	fwc apply
	[ -z "$(held guests.v4)$(held bans.v4)$(held bans.v6)" ]
	sleep 2
	run fwc restore
	[ "$status" = 0 ]
	[[ $output == *"put back: 3 elements of 3 sets"* ]]
	within "$(left guests.v4 192.0.2.9)" 3500 3597
	within "$(left bans.v6 fd00::9)" 7100 7197
	[[ $(held bans.v6) == *" 7200" ]] # its own timeout, not the set's
	[ "$(held bans.v4)" = "198.51.100.1 - -" ]
	# and acts: the source is still one of the guests
	send 192.0.2.9 9 1
	[ "$(counted 6)" = "(4, 400)" ]
}

@test "counters go on after the table was gone" {
	filled
	[ "$(counted 4) $(counted 5) $(counted 6) $(counted 8)" = "(1, 100) (2, 240) (3, 300) (4, 400)" ]
	gone
	fwc apply
	[ "$(counted 8)" = "(0, 0)" ]
	send 192.0.2.10 5353 2
	fwc restore
	[ "$(counted 4) $(counted 5) $(counted 6) $(counted 8)" = "(1, 100) (2, 240) (3, 300) (6, 600)" ]
	send 192.0.2.10 5353 1
	[ "$(counted 8)" = "(7, 700)" ]
	[ "$(fwc status --json | json "[x['packets'] for x in d['lines'] if x['at'].endswith(':8')]")" = "[7]" ]
	fwc metrics | grep -q '^fwc_rule_bytes_total{at="[^"]*:8",rule="allow lan -> self udp/5353",id="[0-9a-f]*"} 700$'
}

@test "the same over fwc stop, and twice in a row" {
	filled
	for sum in 4 5 6; do
		[ "$(counted 8)" = "($sum, ${sum}00)" ]
		fwc stop
		fwc apply
		fwc restore
		[ "$(counted 8)" = "($sum, ${sum}00)" ]
		within "$(left guests.v4 192.0.2.9)" 3500 3600
		send 192.0.2.10 5353 1
		fwc save
	done
}

@test "restoring twice counts once" {
	filled
	gone
	fwc apply
	fwc restore
	before=$(whole)
	run fwc restore
	[ "$status" = 0 ]
	[[ $output == *"put back: 0 elements"* ]]
	[ "$(counted 8)" = "(4, 400)" ]
	[ "$(whole)" = "$before" ]
}

@test "restoring into the rules that were saved adds nothing to what they count" {
	filled
	run fwc restore
	[ "$status" = 0 ]
	[[ $output == *"counting since"* ]]
	[ "$(counted 8)" = "(4, 400)" ]
	# after a restore, too
	gone
	fwc apply
	fwc restore
	send 192.0.2.10 5353 1
	fwc save
	fwc restore
	[ "$(counted 8)" = "(5, 500)" ]
}

@test "what was counted before belongs to one table" {
	filled
	gone
	fwc apply
	fwc restore
	gone
	fwc apply
	[ "$(counted 8)" = "(0, 0)" ]
}

@test "an element that is there keeps the time it has" {
	filled
	gone
	fwc apply
	inns nft add element inet fwc guests.v4 '{ 192.0.2.9 expires 100s }'
	fwc restore
	within "$(left guests.v4 192.0.2.9)" 90 100
}

@test "rates per source are not kept: each source begins with its whole burst" {
	policy | candidate
	fwc apply
	send 192.0.2.9 1000 5
	[ "$(counted 7)" = "(3, 300)" ]
	fwc save
	run grep -c meter "$WORK/state/saved.json"
	[ "$output" = 0 ]
	gone
	fwc apply
	fwc restore
	send 192.0.2.9 1000 5
	[ "$(counted 7)" = "(6, 600)" ]
	# a source is limited after it, as before: nothing of a meter was put back without its rate
	send 192.0.2.9 1000 5
	[ "$(counted 7)" = "(6, 600)" ]
}

@test "the time that passed is taken off: by the clock that nobody sets, within one boot" {
	filled
	gone
	fwc apply
	edit "d['wall_clock'] += 10**9" # counts for nothing
	# a machine that is up for 4000 s more
	unshare --time true || skip "no time namespaces here"
	run unshare --time --boottime 4000 "$FWC" --netns "$NS" --state "$WORK/state" --color=never restore
	[[ $output == *"put back: 2 elements"*"left out: 1 element whose timeout has passed"* ]]
	[ -z "$(held guests.v4)" ]
	within "$(left bans.v6 fd00::9)" 3100 3199
	[ "$(held bans.v4)" = "198.51.100.1 - -" ]
}

@test "the time that passed is taken off: by the wall clock, after a reboot" {
	filled
	gone
	fwc apply
	edit "d['boot'] = 'another'; d['boot_clock'] = 5; d['wall_clock'] -= 3000 * 1000"
	fwc restore
	within "$(left guests.v4 192.0.2.9)" 500 599
	within "$(left bans.v6 fd00::9)" 4100 4199
}

@test "a clock that was set back gives the time that was left, and no more" {
	filled
	gone
	fwc apply
	edit "d['boot'] = 'another'; d['wall_clock'] += 3600 * 1000"
	fwc restore
	within "$(left guests.v4 192.0.2.9)" 3500 3599
}

@test "what does not fit is left out, and said" {
	filled
	fwc stop
	policy | sed 's/bans/banned/' | candidate
	fwc apply
	run fwc restore
	[ "$status" = 0 ]
	[[ $output == *"put back: 1 element of 1 set,"* ]]
	[[ $output == *"2 elements of sets that are gone"* ]]
	[[ $output == *"counters of 2 lines that are no longer in the policy"* ]]
	[ "$(counted 5)" = "(0, 0)" ]
	[ "$(counted 8)" = "(4, 400)" ]
}

@test "a set that gives less time now gives no more" {
	filled
	fwc stop
	policy | sed 's/timeout 1h/timeout 5m/; s/bans = dynamic/&, timeout 10m/' | candidate
	fwc apply
	fwc restore
	within "$(left guests.v4 192.0.2.9)" 290 300
	within "$(left bans.v6 fd00::9)" 7100 7199 # the rule said two hours, not the set
	within "$(left bans.v4 198.51.100.1)" 590 600
}

@test "a set without timeout takes elements that had one" {
	filled
	fwc stop
	policy | sed 's/, timeout 1h//' | candidate
	fwc apply
	fwc restore
	within "$(left guests.v4 192.0.2.9)" 3500 3599
}

@test "a set that is smaller now takes those that last longest" {
	filled
	inns nft add element inet fwc guests.v4 '{ 203.0.113.1 expires 10m, 203.0.113.2 expires 20m, 203.0.113.3 expires 30m }'
	fwc save
	fwc stop
	policy | sed 's/size 100/size 3/' | candidate
	fwc apply
	inns nft add element inet fwc guests.v4 '{ 203.0.113.9 }'
	run fwc restore
	[ "$status" = 0 ]
	[[ $output == *"left out: 2 elements for which their set has no room"* ]]
	[ "$(held guests.v4 | cut -d' ' -f1 | tr '\n' ' ')" = "192.0.2.9 203.0.113.3 203.0.113.9 " ]
}

@test "a full set of many elements, saved and restored" {
	policy | sed 's/size 100/size 65536/' | candidate
	fwc apply
	/usr/bin/python3 -c '
print("add element inet fwc guests.v4 {", ", ".join(f"10.{i >> 8}.{i & 255}.7" for i in range(65536)), "}")
' | inns nft -f -
	run fwc save
	[[ $output == *"saved: 65536 elements of 1 set"* ]]
	gone
	fwc apply
	run fwc restore
	[[ $output == *"put back: 65536 elements of 1 set"* ]]
	[ "$(held guests.v4 | wc -l)" = 65536 ]
}

@test "lines of the same text are told apart" {
	twins() {
		echo 'zone lan { interface eth0 }'
		printf 'allow lan -> self udp/5%s limit 1/day burst 1\n' 0 0 0
	}
	twins | candidate
	fwc apply
	send 192.0.2.10 50 3 # one for each
	fwc save
	gone
	fwc apply
	fwc restore
	[ "$(counted 2) $(counted 3) $(counted 4)" = "(1, 100) (1, 100) (1, 100)" ]
}

@test "a line that was taken out and put in again begins anew, after a restore as before one" {
	filled
	gone
	fwc apply
	fwc restore
	policy | grep -v 5353 | candidate
	fwc apply
	[ "$(counted 6)" = "(3, 300)" ]
	policy | candidate
	fwc apply
	[ "$(counted 6) $(counted 8)" = "(3, 300) (0, 0)" ]
}

@test "a policy that is edited around a line keeps what the line had before the restore" {
	filled
	gone
	fwc apply
	fwc restore
	send 192.0.2.10 5353 1
	{ echo '# a comment'; policy; echo 'allow lan -> self udp/6'; } | candidate
	fwc apply
	[ "$(counted 9)" = "(5, 500)" ]
	within "$(left guests.v4 192.0.2.9)" 3400 3599
}

@test "nothing saved, nothing loaded" {
	run fwc save
	[ "$status" = 3 ]
	[[ $output == *"no fwc firewall is loaded"* ]]
	policy | candidate
	fwc apply
	run fwc restore
	[ "$status" = 0 ]
	[[ $output == *"nothing is saved"* ]]
	fwc save
	before=$(sha256sum <"$WORK/state/saved.json")
	gone
	run fwc save # what is saved stays
	[ "$status" = 3 ]
	[ "$(sha256sum <"$WORK/state/saved.json")" = "$before" ]
	run fwc restore
	[ "$status" = 3 ]
	[[ $output == *"no fwc firewall is loaded"* ]]
}

refused() { # WHAT: fwc restore says so, and changes nothing
	run fwc restore
	[ "$status" = 3 ] || { echo "not refused: $1"; return 1; }
	[ "$(generation)" = "$GEN" ] || { echo "a transaction: $1"; return 1; }
	[ ! -e "$WORK/state/counters.json" ] || { echo "counters: $1"; return 1; }
}

@test "a damaged or foreign file is refused whole" {
	filled
	gone
	fwc apply
	GEN=$(generation)
	cp "$WORK/state/saved.json" "$WORK/good.json"
	size=$(stat -c %s "$WORK/good.json")
	for n in 0 1 10 100 500 $((size / 2)) $((size - 100)) $((size - 3)); do
		head -c "$n" "$WORK/good.json" >"$WORK/state/saved.json"
		refused "$n bytes of it"
	done
	while IFS= read -r change; do
		cp "$WORK/good.json" "$WORK/state/saved.json"
		edit "$change"
		refused "$change"
	done <<'END'
d = []
d = {}
d = 7
d['kind'] = 'something else'
del d['kind']
d['format'] = 2
d['format'] = 0
d['format'] = '1'
del d['format']
d['ruleset'] = None
d['wall_clock'] = -1
d['wall_clock'] = 1.5
d['wall_clock'] = 2**63
d['wall_clock'] = 2**200
d['boot_clock'] = 'now'
d['boot'] = 3
del d['netns']
d['table'] = [1]
d['sets'] = {}
del d['sets']
d['sets'][0] = None
d['sets'][0]['name'] = 5
d['sets'][0]['type'] = 'ether_addr'
d['sets'][0]['elements'] = 'x'
d['sets'].append(d['sets'][0])
d['sets'][0]['elements'].append('192.0.2.1')
d['sets'][0]['elements'].append({})
d['sets'][0]['elements'].append({'key': '192.0.2.0/24'})
d['sets'][0]['elements'].append({'key': '192.0.2.1-192.0.2.9'})
d['sets'][0]['elements'].append({'key': 'fd00::1'})
d['sets'][0]['elements'].append({'key': 'localhost'})
d['sets'][0]['elements'].append({'key': ''})
d['sets'][0]['elements'].append({'key': '192.0.2.1 }; flush ruleset; add element inet fwc guests.v4 { 192.0.2.2'})
d['sets'][0]['elements'].append({'key': '192.0.2.1\n'})
d['sets'][0]['elements'].append({'key': '192.0.2.1', 'left': -1})
d['sets'][0]['elements'].append({'key': '192.0.2.1', 'left': 3153600001})
d['sets'][0]['elements'].append({'key': '192.0.2.1', 'left': 4e9})
d['sets'][0]['elements'].append({'key': '192.0.2.1', 'left': '5m'})
d['sets'][0]['elements'].append({'key': '192.0.2.1', 'timeout': 5})
d['sets'][0]['elements'].append({'key': '192.0.2.1', 'left': 20, 'timeout': 10})
d['sets'][0]['elements'].append({'key': '192.0.2.1', 'left': 20, 'timeout': 2**40})
d['lines'] = None
d['lines'].append(1)
d['lines'].append({'text': 'x', 'packets': 1})
d['lines'].append({'text': 'x', 'packets': -1, 'bytes': 1})
d['lines'].append({'text': 'x', 'packets': 1, 'bytes': 2**64})
d['lines'].append({'packets': 1, 'bytes': 1})
END
	printf '{"kind": "run-time state", "kind": "x"}' >"$WORK/state/saved.json"
	refused "a name twice"
	head -c 100000 /dev/zero | tr '\0' '[' >"$WORK/state/saved.json"
	refused "too deep"
	cp "$WORK/good.json" "$WORK/state/saved.json"
	chmod 666 "$WORK/state/saved.json"
	refused "others can write it"
	rm "$WORK/state/saved.json"
	ln -s "$WORK/good.json" "$WORK/state/saved.json"
	refused "a symbolic link"
	rm "$WORK/state/saved.json"
	cp "$WORK/good.json" "$WORK/state/saved.json"
	chmod 600 "$WORK/state/saved.json"
	fwc restore # the good one is taken
	[ "$(counted 8)" = "(4, 400)" ]
}

@test "the greatest numbers that are taken" {
	filled
	gone
	fwc apply
	edit "
d['sets'][0]['elements'] = [{'key': '203.0.113.1', 'left': 3153600000, 'timeout': 3153600000}, {'key': '203.0.113.1'}]
for l in d['lines']: l['packets'] = l['bytes'] = 2**63 - 1"
	fwc restore
	send 192.0.2.10 5353 1
	[ "$(counted 8)" = "(9223372036854775807, 9223372036854775807)" ]
	within "$(left guests.v4 203.0.113.1)" 3153590000 3153600000
	fwc save
	fwc restore
}

@test "a record of counters that is damaged counts for nothing" {
	filled
	gone
	fwc apply
	fwc restore
	echo '{' >"$WORK/state/counters.json"
	[ "$(counted 8)" = "(0, 0)" ]
	fwc restore
	[ "$(counted 8)" = "(4, 400)" ]
}

@test "killed while it saves, fwc leaves what was saved before" {
	grep -q '^#define FWC_FAULTS' "${FWC_BUILD:-$(dirname "$FWC")}/config.h" || skip "no fault points built in"
	filled
	before=$(sha256sum <"$WORK/state/saved.json")
	send 192.0.2.10 5353 1
	FWC_FAULT=save-read run fwc save
	[ "$status" != 0 ]
	[ "$(sha256sum <"$WORK/state/saved.json")" = "$before" ]
	# and while it restores: again, and all is there once
	gone
	fwc apply
	FWC_FAULT=restore-elements run fwc restore
	[ "$status" != 0 ]
	[ "$(counted 8)" = "(0, 0)" ]
	fwc restore
	[ "$(counted 8)" = "(4, 400)" ]
	within "$(left guests.v4 192.0.2.9)" 3500 3599
}

@test "files are ours alone, and what is printed for programs is whole" {
	filled
	gone
	fwc apply
	fwc restore --json | json "d['found'], d['same_rules'], d['elements'], d['left_out']['expired']" >"$WORK/out"
	[ "$(cat "$WORK/out")" = "(True, True, 3, 0)" ]
	[ -z "$(find "$WORK/state" -type f ! -perm 600)" ]
	run fwc save now
	[ "$status" = 2 ]
	run fwc restore --now
	[ "$status" = 2 ]
}

@test "a namespace made anew under the same name is another one" {
	local twin=${NS}t
	in_twin() { "$FWC" --netns "$twin" --state "$WORK/twin" --color=never "$@"; }
	packets() { in_twin counters --json | json "[x['packets'] for x in d if x['at'].endswith(':9')]"; }
	policy >"$WORK/twin.fwc"
	for round in first second; do
		ip netns add "$twin"
		in_twin compile "$WORK/twin.fwc"
		in_twin apply
		[ "$(packets)" = "[0]" ]
		if [ "$round" = first ]; then
			in_twin save
			sed -i 's/"packets": 0/"packets": 7/; s/"boot": "/&not /' "$WORK/twin/saved.json"
			in_twin restore
			[ "$(packets)" = "[7]" ]
		fi
		ip netns del "$twin"
	done
}
