#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # bats and lib.bash set variables
# What run time made goes over an apply, a trial and a rollback, and what the policy took out goes:
# the table of "State of run time" in fwc(8), both directions. Packets are real.

load lib
load ../lab/brief
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
zone wan { interface eth1 }
set friends = 192.0.2.9, 198.51.100.0/24
set guests = dynamic, timeout 1h
set bans = dynamic
drop lan -> self udp/7 then add source to guests
drop lan -> self udp/8 then add source to bans for 2h
allow friends@lan -> self udp/100
allow 192.0.2.10@lan -> self udp/101
allow any -> self udp/102
allow lan -> self udp/103 limit 2/hour burst 3 per source
drop lan -> self udp/104 log "few"
drop guests@lan, bans@lan -> self udp/9
allow self -> any
END
}

# Every line counts something else, so none can be taken for another.
traffic() {
	local all=(
		192.0.2.9 7 1
		fd00::9 8 2
		192.0.2.9 9 3
		192.0.2.9 100 4
		192.0.2.10 101 5
		192.0.2.9 102 2
		203.0.113.9 102 4
		192.0.2.10 103 5 # three match
		192.0.2.10 104 7
		192.0.2.10 4000 8 # no rule
	)
	send "${all[@]}"
}
begin() {
	policy | candidate
	fwc apply
	traffic
	counts >"$WORK/before"
	[ "$(cut -f1 "$WORK/before" | sort -n | tr '\n' ' ')" = "0 1 2 3 3 4 5 6 7 " ]
}
counts() { # of the policy's lines: PACKETS BYTES TEXT
	fwc counters --json | json "'\n'.join(sorted('%d\t%d\t%s' % (x['packets'], x['bytes'], x['text']) for x in d if x['at']))"
}
dropped() { fwc counters --json | json "sum(x['packets'] for x in d if x['text'] == 'fwc: no rule, drop')"; }
# But for lines that match, all count what they did; those count nothing, or are gone.
kept_but() { # REGEX
	counts >"$WORK/after"
	diff <(grep -Ev "${1:-^$}" "$WORK/before") <(grep -Ev "${1:-^$}" "$WORK/after")
	! grep -E "${1:-^$}" "$WORK/after" | grep -v '^0	0	'
}
listed() { inns nft list table inet fwc | grep -c "$1" || true; } # in how many lines
elements_kept() {
	within "$(left guests.v4 192.0.2.9)" 3400 3599
	within "$(left bans.v6 fd00::9)" 7000 7199
}

@test "counters: a line above, a line below, a comment" {
	begin
	{ policy | sed '/^drop lan/,$d'; echo '# new'; echo 'drop lan -> self udp/5'; policy | sed -n '/^drop lan/,$p'; echo 'drop wan -> self udp/6'; } | candidate
	fwc apply
	kept_but 'udp/[56]$'
	elements_kept
}

@test "counters: a line that changed begins anew, its neighbours go on" {
	begin
	policy | sed 's,udp/101,udp/111,' | candidate
	fwc apply
	kept_but 'udp/1[01]1$'
	# and back: it is another line again
	policy | candidate
	fwc apply
	kept_but 'udp/101$'
}

@test "counters: a line that is taken out, and comes back" {
	begin
	policy | grep -v udp/102 | candidate
	fwc apply
	kept_but 'udp/102$'
	policy | candidate
	fwc apply
	kept_but 'udp/102$'
	send 203.0.113.9 102 1
	[ "$(counted 10)" = "(1, 100)" ]
}

@test "counters: lines that change places" {
	begin
	policy | sed -n '1,7p;9p;8p;11p;10p;12,$p' | candidate
	fwc apply
	kept_but
}

@test "counters: a set whose elements change keeps those of its lines" {
	begin
	policy | sed 's,198.51.100.0/24,198.51.100.0/25,' | candidate
	fwc apply
	kept_but
	send 192.0.2.9 100 1
	[ "$(counted 8)" = "(5, 500)" ]
}

@test "counters: so many new lines that rules become a map, and back" {
	begin
	{ policy; for i in {1..40}; do echo "allow 10.0.0.$i@lan -> self udp/$((200 + i))"; done; } |
		sed '/udp\/103/d;/udp\/104/d;/udp\/9$/d' | candidate
	fwc apply
	kept_but 'udp/(2[0-9][0-9]|103|104|9)( |$)'
	inns nft list table inet fwc | grep -q 'map ' # or it says nothing
	policy | sed '/udp\/103/d;/udp\/104/d;/udp\/9$/d' | candidate
	fwc apply
	kept_but 'udp/(103|104|9)( |$)'
}

@test "counters: elements of a map, of which one changes" {
	many() { # PORT of one
		echo 'zone lan { interface eth0 }'
		for i in {1..40}; do echo "allow 192.0.2.$i@lan -> self udp/$((i == 7 ? $1 : 200))"; done
	}
	many 200 | candidate
	fwc apply
	send 192.0.2.9 200 3
	send 192.0.2.10 200 5
	many 300 | candidate
	fwc apply
	[ "$(counted 10) $(counted 11) $(counted 8)" = "(3, 300) (5, 500) (0, 0)" ]
}

@test "counters: a zone more, a zone less" {
	begin
	policy | sed '2a zone dmz { interface eth2 }' | candidate
	fwc apply
	kept_but
	policy | candidate
	fwc apply
	kept_but
}

@test "counters: a zone goes in which lines counted that stay" {
	begin
	policy | sed '/^zone wan/d' | candidate
	fwc apply
	kept_but
	policy | candidate
	fwc apply
	kept_but
	# of its own chain
	{ policy; echo 'drop wan -> self udp/6'; } | candidate
	fwc apply
	send 203.0.113.9 102 5
	policy | sed '/^zone wan/d' | candidate
	fwc apply
	[ "$(counted 9)" = "(11, 1100)" ]
}

@test "counters: an interface moves to another zone" {
	begin
	policy | sed 's/eth1/&, eth3/' | candidate
	fwc apply
	kept_but
}

@test "counters: lines of the same text" {
	twins() { printf 'zone lan { interface eth0 }\n%s\n' "$1"; printf 'allow lan -> self udp/50 limit 1/day burst %s\n' 1 1 2; }
	twins '# none' | candidate
	fwc apply
	send 192.0.2.9 50 4
	[ "$(counted 3) $(counted 4) $(counted 5)" = "(1, 100) (1, 100) (2, 200)" ]
	twins 'allow lan -> self udp/51' | candidate
	fwc apply
	[ "$(counted 3) $(counted 4) $(counted 5)" = "(1, 100) (1, 100) (2, 200)" ]
}

@test "elements: dynamic ones stay with their time, whatever else changes" {
	begin
	inns nft add element inet fwc bans.v4 '{ 198.51.100.1, 198.51.100.2 timeout 3h expires 30m }'
	for change in 's,udp/101,udp/111,' 's,udp/7,udp/77,' 's,for 2h,for 3h,' '/self udp.9$/d' \
		's,192.0.2.9,192.0.2.8,'; do
		policy | sed "$change" | candidate
		fwc apply
		elements_kept
		[ "$(held bans.v4 | head -n1)" = "198.51.100.1 - -" ]
		within "$(left bans.v4 198.51.100.2)" 1700 1800
		[[ $(held bans.v4) == *" 10800" ]]
	done
}

@test "elements: of a static set, those that were taken out go, and act no more" {
	begin
	[ "$(listed '198.51.100.0/24')" -ge 1 ]
	policy | sed 's,192.0.2.9,192.0.2.8,; s,\, 198.51.100.0/24,,' | candidate
	fwc apply
	[ "$(listed '198.51.100.0/24')" = 0 ]
	send 192.0.2.9 100 3
	[ "$(counted 8)" = "(4, 400)" ]
	send 192.0.2.9 9 1 # and the dynamic one still acts
	[ "$(counted 13)" = "(4, 400)" ]
}

@test "elements: a dynamic set that the policy does not have any more goes, and comes back empty" {
	begin
	policy | sed 's/, bans@lan//; /bans/d' | candidate
	fwc apply
	[ "$(listed 'set bans')" = 0 ]
	within "$(left guests.v4 192.0.2.9)" 3400 3599
	policy | candidate
	fwc apply
	[ -z "$(held bans.v6)" ]
}

@test "elements: a source that used up its rate stays limited" {
	begin
	policy | sed 's,udp/101,udp/111,' | candidate
	fwc apply
	send 192.0.2.10 103 3
	[ "$(counted 11)" = "(3, 300)" ]
}

@test "a rollback keeps both" {
	begin
	policy | sed 's,udp/101,udp/111,' | candidate
	fwc apply
	send 192.0.2.9 100 1
	fwc rollback
	[ "$(counted 8)" = "(5, 500)" ]
	elements_kept
	sed -i 's/^4	400	/5	500	/' "$WORK/before"
	kept_but 'udp/1[01]1$'
}

trial() { # SECONDS, or brief
	begin
	policy | sed 's,udp/101,udp/111,' | candidate
	if [ "$1" = brief ]; then brief fwc; else fwc apply "--confirm=$1"; fi
	send 192.0.2.9 100 1
	send fd00::9 7 1 # a new element
	send 192.0.2.10 4000 2
	[ -n "$(left guests.v6 fd00::9)" ]
	elements_kept
}
kept_on_trial() { # PACKETS of the line that counted on trial
	[ "$(counted 6) $(counted 8)" = "(2, 220) ($1, ${1}00)" ]
	sed -i '/udp.7 /d; /udp.100$/d; /udp.101$/d' "$WORK/before"
	counts | grep -Ev 'udp/(1[01]1|100|7)( |$)' >"$WORK/after"
	diff "$WORK/before" "$WORK/after"
	elements_kept
	within "$(left guests.v6 fd00::9)" 3400 3599
}

@test "a trial that is confirmed keeps what came in, and counts on" {
	trial 60
	fwc confirm
	kept_on_trial 5
	[ "$(dropped)" -ge 10 ]
}

# What lines counted on trial is lost where their chain was made for it; others share theirs.
@test "a trial that is taken back keeps what came in, and the counters of the rules before" {
	trial 60
	fwc rollback
	kept_on_trial 4
	[ "$(dropped)" -ge 10 ]
}

@test "a trial that nobody confirms keeps what came in, and the counters of the rules before" {
	trial brief
	expired "$WORK/state"
	kept_on_trial 4
	[ "$(dropped)" -ge 10 ]
	send 192.0.2.9 100 1
	[ "$(counted 8)" = "(5, 500)" ]
}

@test "a set that only a trial has goes with it" {
	begin
	policy | sed 's/^set bans.*/&\nset more = dynamic/; s/udp.104 log "few"/udp\/104 then add source to more/' | candidate
	fwc apply --confirm=60
	send 192.0.2.10 104 1
	[ -n "$(held more.v4)" ]
	fwc rollback
	[ "$(listed 'set more')" = 0 ]
	kept_but
}

@test "what is nobody's line goes on, too: packets that no rule let in" {
	begin
	before=$(dropped)
	[ "$before" -ge 8 ]
	policy | sed 's,udp/101,udp/111,' | candidate
	fwc apply
	[ "$(dropped)" -ge "$before" ]
}

# What shape makes it so test_script.c asserts: 3,000 limits would take 6 GiB of the kernel's.
@test "sets of many limits per source grow as sources come, up to their size" {
	local i fault
	{
		printf '%s\n' 'zone net { interface eth0 }' 'set guests = dynamic, timeout 1h, size 20' 'drop guests@net -> any'
		for i in {1..33}; do
			echo "allow net -> self tcp/$((1000 + 2 * i)) limit 5/minute per source"
		done
	} | candidate
	for fault in none resize; do # a kernel that cannot is told all at once
		FWC_FAULT=$fault fwc apply --no-confirm
		inns nft list table inet fwc >"$WORK/$fault.nft"
		[ "$(grep -c 'size 65535' "$WORK/$fault.nft")" = 66 ]
		[ "$(grep -c 'size 20' "$WORK/$fault.nft")" = 2 ]
		for i in {1..20}; do
			inns nft add element inet fwc guests.v4 "{ 192.0.2.$i }"
		done
		run inns nft add element inet fwc guests.v4 "{ 192.0.2.21 }"
		[ "$status" = 1 ]
		inns nft list set inet fwc guests.v4 | tr , '\n' >"$WORK/guests"
		[ "$(grep -c '192\.0\.2\.' "$WORK/guests")" = 20 ]
		fwc stop
	done
	diff <(sed -n '/^\tset /,/^\t}/p' "$WORK/none.nft" | sort) <(sed -n '/^\tset /,/^\t}/p' "$WORK/resize.nft" | sort)
}
