#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # bats and lab.bash set variables
# fwc log: what the kernel itself writes, and what was kept of it elsewhere, by lines of the policy.

load ../lab/lab

NETNS_LOGS=/proc/sys/net/netfilter/nf_log_all_netns

setup_file() {
	lab_begin
	lab_host client server
	lab_firewall router
	lab_cable router:eth0 client:eth0
	lab_cable router:eth1 server:eth0
	lab_addr router eth0 192.168.1.1/24 fd00:1::1/64
	lab_addr client eth0 192.168.1.2/24 fd00:1::2/64
	lab_addr router eth1 203.0.113.2/24 2001:db8:2::2/64
	lab_addr server eth0 203.0.113.1/24 2001:db8:2::1/64
	lab_route client default via 192.168.1.1
	lab_route client default via fd00:1::1
	policy >"$LAB_DIR/p.fwc"
	lab_apply router "$LAB_DIR/p.fwc"
	# The kernel's log is one for all: what others write into it now is told apart by this.
	if [ -w "$NETNS_LOGS" ]; then
		cat "$NETNS_LOGS" >"$LAB_DIR/was"
		echo 1 >"$NETNS_LOGS" 2>/dev/null || rm "$LAB_DIR/was"
	fi
}

teardown_file() {
	[ ! -e "$LAB_DIR/was" ] || cat "$LAB_DIR/was" >"$NETNS_LOGS"
	lab_end
}

policy() {
	cat <<-'END'
		forwarding on
		zone lan { interface eth0; network 192.168.1.0/24, fd00:1::/64 }
		zone wan { interface eth1 }
		drop lan -> wan udp/7 log
		drop lan -> wan udp/8 log
		drop fd00:1::2@lan -> any udp/9 log
		reject lan -> wan smtp log "mail out"
		allow lan -> wan log "new"
		drop lan -> self udp/7 log
		drop self -> lan udp/7 log
	END
}

kernel_logs() {
	[ -e "$LAB_DIR/was" ] || skip "rules of a network namespace may not log here (nf_log_all_netns)"
	[ -r /dev/kmsg ] || skip "there is no /dev/kmsg"
}

# The kernel's log from now on.
begin() {
	log_to=$BATS_TEST_TMPDIR/log
	mark="mark of $LAB $RANDOM$RANDOM"
	"$FWC" --netns "$LAB-router" --state "$LAB_DIR/state-router" --config "$LAB_DIR/p.fwc" \
		log -f "$@" >"$log_to" 2>"$log_to.said" 3>&- &
	log_pid=$!
	# it hears when it tells of a line of its own rules, which is written until then
	for _ in {1..600}; do
		echo "fwc $mark: IN=x OUT= SRC=192.0.2.1 DST=192.0.2.2 PROTO=47" >/dev/kmsg
		grep -q "$mark" "$log_to" && return
		sleep 0.05
	done
	cat "$log_to.said"
	return 1
}

end() { # LINES behind the mark
	for _ in {1..600}; do
		[ "$(tail_of | wc -l)" -lt "$1" ] || break
		sleep 0.05
	done
	kill -TERM "$log_pid"
	wait "$log_pid" 2>/dev/null || true
	cat "$log_to.said"
	tail_of >"$log_to.own"
	cat "$log_to.own"
}

tail_of() { # those of this lab
	sed -n "/$mark/,\$p" "$log_to" | grep -vF "$mark" | grep -E '192\.168\.1\.|fd00:1::'
}

shoot() { # HOST WHAT ADDRESS...
	lab_in "$1" "$LAB_HERE/shoot" "${@:2}"
}

each() { # of the file of lines of JSON an expression over it
	/usr/bin/python3 -c 'import json, sys
for line in open(sys.argv[1]):
    d = json.loads(line)
    at = (d["line"] or "").rpartition(":")[2]
    print(eval(sys.argv[2]))' "$1" "$2"
}

# bats test_tags=vm
@test "log: what the kernel writes, each by the line of the policy" {
	kernel_logs
	begin --json
	shoot client udp/7 203.0.113.1 192.168.1.1
	shoot client udp/8 2001:db8:2::1
	shoot client udp/9 2001:db8:2::1 fd00:1::1
	shoot client tcp/25 203.0.113.1
	shoot client tcp/443 203.0.113.1
	shoot client icmp 2001:db8:2::1
	shoot router udp/7 192.168.1.2
	end 9
	run each "$log_to.own" 'at, d["tag"], d["in_zone"], d["out_zone"], d["to"], d["protocol"]'
	diff -u - <(echo "$output") <<-'END'
		('4', 'drop', 'lan', 'wan', '203.0.113.1', 'udp')
		('9', 'drop', 'lan', None, '192.168.1.1', 'udp')
		('5', 'drop', 'lan', 'wan', '2001:db8:2::1', 'udp')
		('6', 'drop', 'lan', 'wan', '2001:db8:2::1', 'udp')
		('6', 'drop', 'lan', None, 'fd00:1::1', 'udp')
		('7', 'mail out', 'lan', 'wan', '203.0.113.1', 'tcp')
		('8', 'new', 'lan', 'wan', '203.0.113.1', 'tcp')
		('8', 'new', 'lan', 'wan', '2001:db8:2::1', 'icmpv6')
		('10', 'drop', None, 'lan', '192.168.1.2', 'udp')
	END
	[ "$(each "$log_to.own" 'abs(d["time"] - __import__("time").time()) < 60' | sort -u)" = True ]
	[ "$(each "$log_to.own" 'd.get("flags")' | sed -n 6p)" = "['syn']" ]
}

@test "log: it goes by the rules of the moment" {
	kernel_logs
	begin --json
	shoot client udp/7 203.0.113.1
	for _ in {1..600}; do
		[ "$(tail_of | wc -l)" = 0 ] || break
		sleep 0.05
	done
	{ echo "# a line more"; policy | sed 's/^drop lan -> wan udp.7 log/drop lan -> wan udp\/6-7 log/'; } >"$LAB_DIR/q.fwc"
	lab_apply router "$LAB_DIR/q.fwc"
	for _ in {1..30}; do # it looks once a second
		sleep 1.1
		shoot client udp/7 203.0.113.1
		! tail_of | grep -q 'q\.fwc:5' || break
	done
	end 2
	[ "$(each "$log_to.own" 'd["line"].rpartition("/")[2]' | sed -n '1p;$p' | paste -sd' ')" = "p.fwc:4 q.fwc:5" ]
	lab_apply router "$LAB_DIR/p.fwc"
}

@test "log: for people; without -f what there is, and then it ends" {
	kernel_logs
	shoot client udp/8 203.0.113.1
	for _ in {1..100}; do
		run lab_fwc router log
		[[ $output != *192.168.1.2:*203.0.113.1:8* ]] || break
	done
	[ "$status" = 0 ]
	[[ $output =~ [0-9-]{10}" "[0-9:]{8}"  drop  eth0 (lan) -> eth1 (wan)  192.168.1.2:"[0-9]+" -> 203.0.113.1:8 udp"$'\n'"  $LAB_DIR/p.fwc:5: drop lan -> wan udp/8 log" ]]
}

kept() { # lines as others keep them
	cat <<-'END'
		Nov 21 07:49:15 fwc kernel: [36776.3] fwc drop: IN=eth0 OUT=eth1 MAC=aa:bb SRC=192.168.1.2 DST=203.0.113.1 LEN=60 TOS=0x00 PREC=0x00 TTL=63 ID=5865 DF PROTO=UDP SPT=5 DPT=8 LEN=8
		Nov 21 07:49:15 fwc kernel: [36776.4] device eth0 entered promiscuous mode
		2026-11-21T07:49:16+0000 gate kernel: fwc mail out: IN=eth0 OUT=eth1 SRC=192.168.1.2 DST=203.0.113.1 PROTO=TCP SPT=5 DPT=25 WINDOW=1 RES=0x00 SYN URGP=0
		fwc drop: IN=eth0 OUT=eth1 SRC=192.168.1.2 DST=203.0.113.1 PROTO=UDP
		fwc gone: IN=eth0 OUT=eth1 SRC=192.168.1.2 DST=203.0.113.1 PROTO=UDP SPT=5 DPT=8
		fwc drop: IN=eth0 OUT=eth1 SRC=192.168.1.2 DST=203.0.113.1 PROTO=TCP SPT=5 DPT=99
		other drop: IN=eth0 OUT=eth1 SRC=192.168.1.2 DST=203.0.113.1 PROTO=UDP SPT=5 DPT=8
		fwc broken: IN=
	END
}

@test "log: lines kept elsewhere, from a file and from standard input" {
	kept >"$BATS_TEST_TMPDIR/kept"
	lab_fwc router --json log "$BATS_TEST_TMPDIR/kept" >"$BATS_TEST_TMPDIR/out"
	# nothing is known of the port; then: no such tag; then: no rule of now would log that
	run each "$BATS_TEST_TMPDIR/out" 'at, d["tag"], d["stamp"], [c["line"].rpartition(":")[2] for c in d["candidates"]]'
	diff -u - <(echo "$output") <<-'END'
		('5', 'drop', 'Nov 21 07:49:15 fwc kernel: [36776.3]', ['5'])
		('7', 'mail out', '2026-11-21T07:49:16+0000 gate kernel:', ['7'])
		('', 'drop', '', ['4', '5'])
		('', 'gone', '', [])
		('', 'drop', '', ['4', '5', '6', '9', '10'])
	END
	run lab_fwc router log - <"$BATS_TEST_TMPDIR/kept"
	[ "${lines[0]}" = 'Nov 21 07:49:15 fwc kernel: [36776.3] drop  eth0 (lan) -> eth1 (wan)  192.168.1.2:5 -> 203.0.113.1:8 udp' ]
	[ "${lines[1]}" = "  $LAB_DIR/p.fwc:5: drop lan -> wan udp/8 log" ]
	[ "${lines[6]}" = "  or $LAB_DIR/p.fwc:5: drop lan -> wan udp/8 log" ]
	[[ $output = *"no rule in force logs with this tag"* ]]
}

@test "log: on another host the policy alone tells" {
	kept >"$BATS_TEST_TMPDIR/kept"
	run "$FWC" --netns "$LAB-server" --state "$BATS_TEST_TMPDIR/none" --config "$LAB_DIR/p.fwc" \
		log "$BATS_TEST_TMPDIR/kept"
	echo "$output"
	[ "$status" = 0 ]
	[[ $output = *"warning: no rules are loaded; policy lines are taken from $LAB_DIR/p.fwc"* ]]
	[[ $output = *"eth0 (lan) -> eth1 (wan)  192.168.1.2:5 -> 203.0.113.1:25 tcp syn"*"$LAB_DIR/p.fwc:7: reject lan -> wan smtp log 'mail out'"* ]]
}

# attacks by whoever may start a program: the kernel logs its name when it crashes
@test "log: nobody else writes an entry, or commands the terminal" {
	local lie="IN=veth1 OUT= SRC=6.6.6.6 DST=5.6.7.8 PROTO=TCP SPT=1 DPT=22 SYN " esc=$'\033'
	{
		echo "x fwc drop: ${lie}[77]: segfault at 0 ip 1 sp 2 error 6 in x[400000+1000]"
		echo "Nov 21 07:49:15 gate kernel: [3.1] x fwc drop: $lie"
		echo "Nov 21 07:49:15 gate sh[7]: fwc drop: $lie"
		echo "Nov 21 07:49:15 ga${esc}[2Jte kernel: fwc dr${esc}]0;PWNED"$'\a'"op: IN=eth${esc}[1m OUT= SRC=192.168.1.2 DST=192.168.1.1 PROTO=UDP SPT=5 DPT=7"
	} >"$BATS_TEST_TMPDIR/forged"
	run lab_fwc router log "$BATS_TEST_TMPDIR/forged"
	echo "$output"
	[ "$status" = 0 ]
	[ "${#lines[@]}" = 2 ]
	[ "${lines[0]}" = 'Nov 21 07:49:15 ga\x1b[2Jte kernel: dr\x1b]0;PWNED\x07op  eth\x1b[1m -> self  192.168.1.2:5 -> 192.168.1.1:7 udp' ]
	kernel_logs
	begin
	printf '%s\n' "x fwc drop: $lie" "fwc es${esc}[2Jc: IN=x OUT= SRC=192.168.1.77 DST=192.168.1.78 PROTO=47" >/dev/kmsg
	end 1
	grep -F 'es\x1b[2Jc  x -> self  192.168.1.77 -> 192.168.1.78 gre' "$log_to.own"
	(! grep -F 6.6.6.6 "$log_to")
}

@test "log: a line without an end costs nothing" {
	# 100 MB that are not kept, and what comes behind them
	local entry="fwc drop: IN=eth0 OUT= SRC=192.168.1.2 DST=192.168.1.1 PROTO=UDP SPT=5 DPT=7"
	{
		yes 'fwc x: IN=' | tr '\n' ' ' | head -c 100000000
		echo
		echo "$entry"
	} | lab_fwc router log - >"$BATS_TEST_TMPDIR/out"
	[ "$(head -1 "$BATS_TEST_TMPDIR/out")" = 'drop  eth0 (lan) -> self  192.168.1.2:5 -> 192.168.1.1:7 udp' ]
}

@test "log: what is wrong is said" {
	run lab_fwc router log "$BATS_TEST_TMPDIR/nothing"
	[ "$status" = 2 ]
	[[ $output = *"cannot read $BATS_TEST_TMPDIR/nothing: No such file"* ]]
	run lab_fwc router log -f "$BATS_TEST_TMPDIR/nothing"
	[ "$status" = 2 ]
}
