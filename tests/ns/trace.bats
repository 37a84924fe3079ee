#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # bats and lab.bash set variables
# fwc trace: real packets, the line that decides about each, and a table that always goes away.

bats_require_minimum_version 1.5.0
load ../lab/lab

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
	lab_route server 192.168.1.0/24 via 203.0.113.2
	lab_route server fd00:1::/64 via 2001:db8:2::2
	policy >"$LAB_DIR/p.fwc"
	lab_apply router "$LAB_DIR/p.fwc"
}

teardown_file() {
	lab_end
}

policy() { # lines are counted below; from 8 on there are enough plain rules for a verdict map
	cat <<-'END'
		forwarding on
		zone lan { interface eth0; network 192.168.1.0/24, fd00:1::/64 }
		zone wan { interface eth*, ppp0 }
		host pc = 192.168.1.2, fd00:1::2
		set guests = dynamic, timeout 1h, size 100
		reject lan -> wan smtp
		drop guests@lan -> wan udp/7
		drop 192.168.1.77@lan -> wan tcp/81
		drop lan -> wan udp/53
		allow 192.168.1.2@lan -> 203.0.113.1@wan tcp/80-90
		reject fd00:1::2@lan -> wan udp/99
		allow lan -> wan tcp/443
		allow lan -> wan icmp/echo-request
		drop lan -> wan icmp/time-exceeded
		allow self -> wan udp/5000-5010
		allow wan -> self tcp/22 limit 2/hour burst 1
		allow wan -> pc@lan tcp/8443 log "pc"
		dnat wan -> self tcp/443 to pc:8443
		masquerade lan -> wan
	END
}

# A trace in the background; returns when it hears.
begin() {
	trace_to=$BATS_TEST_TMPDIR/trace
	: >"$trace_to.said" # or what was said by an earlier one would do
	"$FWC" --netns "$LAB-router" --state "$LAB_DIR/state-router" --config "$LAB_DIR/p.fwc" \
		trace "$@" >"$trace_to" 2>"$trace_to.said" 3>&- &
	trace_pid=$!
	for _ in {1..600}; do
		grep -q tracing "$trace_to.said" && return
		sleep 0.05
	done
	cat "$trace_to.said"
	return 1
}

# Ends it once it has so many lines, and fails if they do not come; its status is that of the trace.
end() { # LINES
	local lines=0
	for _ in {1..600}; do
		mapfile -t said <"$trace_to"
		lines=${#said[@]}
		[ "$lines" -lt "$1" ] || break
		sleep 0.05
	done
	[ "$lines" -ge "$1" ] || echo "$lines of $1 lines" >>"$trace_to.said"
	kill -TERM "$trace_pid" 2>/dev/null || true
	wait "$trace_pid"
	cat "$trace_to" "$trace_to.said"
	[ "$lines" -ge "$1" ]
}

shoot() { # HOST WHAT ADDRESS...
	lab_in "$1" "$LAB_HERE/shoot" "${@:2}"
}

# Of each line of JSON an expression over it.
each() {
	/usr/bin/python3 -c 'import json, sys
for line in open(sys.argv[1]):
    d = json.loads(line)
    line = (d["decided"] or {}).get("line") or ""
    at = line.rpartition(":")[2]
    rule = (d["decided"] or {}).get("rule")
    print(eval(sys.argv[2]))' "$trace_to" "$1"
}

tables() {
	lab_in router nft list tables | sort | paste -sd' '
}

# bats test_tags=vm
@test "trace: each packet is shown with the line of the policy that decides about it" {
	begin --json 'lan -> wan'
	shoot client tcp/25 203.0.113.1
	shoot client udp/53 203.0.113.1 2001:db8:2::1
	shoot client tcp/85 203.0.113.1
	shoot client udp/99 2001:db8:2::1
	shoot client tcp/443 2001:db8:2::1
	shoot client icmp 203.0.113.1 2001:db8:2::1
	shoot client tcp/91 203.0.113.1
	end 9
	run each 'at, d["verdict"], d["to"], rule'
	diff -u - <(echo "$output") <<-'END'
		('6', 'reject', '203.0.113.1', 'reject lan -> wan smtp')
		('9', 'drop', '203.0.113.1', 'drop lan -> wan udp/53')
		('9', 'drop', '2001:db8:2::1', 'drop lan -> wan udp/53')
		('10', 'accept', '203.0.113.1', 'allow 192.168.1.2@lan -> 203.0.113.1@wan tcp/80-90')
		('11', 'reject', '2001:db8:2::1', 'reject fd00:1::2@lan -> wan udp/99')
		('12', 'accept', '2001:db8:2::1', 'allow lan -> wan tcp/443')
		('13', 'accept', '203.0.113.1', 'allow lan -> wan icmp/echo-request')
		('13', 'accept', '2001:db8:2::1', 'allow lan -> wan icmp/echo-request')
		('', 'drop', '203.0.113.1', 'fwc: no rule, drop')
	END
	[ "$(each 'd["in"], d["in_zone"], d["out"], d["out_zone"]' | sort -u)" = "('eth0', 'lan', 'eth1', 'wan')" ]
	[ "$(each 'd.get("flags")' | head -1)" = "['syn']" ]
	[ "$(each '(d.get("type"), d.get("code"))' | sed -n 7,8p | paste -sd' ')" = "(8, 0) (128, 0)" ]
}

@test "trace: what it shows is what explain says" {
	local port address question fate line
	begin --json 'lan -> wan'
	for port in 25 80 81 85 90 443; do
		for address in 203.0.113.1 2001:db8:2::1; do
			shoot client "tcp/$port" "$address"
			sleep 0.05 # the rate
		done
	done
	end 12
	[ "$(wc -l <"$trace_to")" = 12 ]
	each 'd["from"] + "@lan -> " + d["to"] + "@wan tcp/" + str(d["dport"]), d["verdict"], line, rule' |
		sed "s/[(')]//g; s/, /|/g" | while IFS='|' read -r question fate line _; do
		run "$FWC" --json explain "$question" "$LAB_DIR/p.fwc"
		[ "$(echo "$output" | /usr/bin/python3 -c 'import json, sys
d = json.load(sys.stdin)
print(len(d), d[0]["fate"], (d[0]["line"] or "").rpartition("/")[2])')" = "1 $fate ${line##*/}" ]
		echo "$question" >>"$BATS_TEST_TMPDIR/asked"
	done
	[ "$(sort -u "$BATS_TEST_TMPDIR/asked" | wc -l)" = 12 ]
}

# bats test_tags=vm
@test "trace: translations, and the packet before and behind them" {
	begin --json 'wan -> self https'
	shoot server tcp/443 203.0.113.2
	shoot server tcp/444 203.0.113.2
	shoot client tcp/443 203.0.113.1
	end 1
	[ "$(each 'at, d["verdict"], d["to"], d["dport"], d["now"]["to"], d["now"]["dport"], d["out"]')" = \
		"('17', 'accept', '203.0.113.2', 443, '192.168.1.2', 8443, 'eth0')" ]
	[ "$(each '[s["line"].rpartition(":")[2] for s in d["path"] if s["hook"] == "prerouting" and s["line"]]')" = "['18']" ]
	begin 'lan -> wan tcp/443'
	shoot client tcp/443 203.0.113.1
	end 3
	[[ $(<"$trace_to") =~ "eth0 (lan) -> eth1 (wan)  192.168.1.2:"[0-9]+" -> 203.0.113.1:443 tcp syn" ]]
	[[ $(<"$trace_to") = *"translated "*"p.fwc:19: masquerade lan -> wan"*"accept "*"p.fwc:12: allow lan -> wan tcp/443"* ]]
}

@test "trace: packets of this machine, and to it; a limit that is used up" {
	begin --json 'self, wan -> self, wan tcp, udp'
	shoot router udp/5005 203.0.113.1
	shoot router udp/4999 203.0.113.1
	shoot server tcp/22 203.0.113.2 203.0.113.2
	end 4
	run each 'd["in"], d["out"], at, d["verdict"]'
	diff -u - <(echo "$output") <<-'END'
		(None, 'eth1', '15', 'accept')
		(None, 'eth1', '', 'drop')
		('eth1', None, '16', 'accept')
		('eth1', None, '', 'drop')
	END
}

@test "trace: routing drops, others drop: it is told who" {
	lab_in router nft -f - <<-'END'
		table ip other {
			chain early {
				type filter hook forward priority -10; policy accept;
				udp dport 1234 counter drop
			}
		}
	END
	begin --json 'lan -> any udp'
	shoot client udp/1234 203.0.113.1
	shoot client udp/1235 198.51.100.1 # there is no way to it
	end 2
	lab_in router nft delete table ip other
	run each 'd["verdict"], d["decided"] and d["decided"]["table"], d["decided"] and d["decided"]["nft"], d["out"]'
	diff -u - <(echo "$output") <<-'END'
		('drop', 'ip other', 'udp dport 1234 counter drop', 'eth1')
		('lost', None, None, None)
	END
}

@test "trace: a way that only rules of routing know" {
	ip -n "$LAB-router" rule add iif eth0 lookup 100
	ip -n "$LAB-router" route add 198.51.100.0/24 via 203.0.113.1 table 100
	begin --json 'lan -> wan'
	shoot client udp/53 198.51.100.1 203.0.113.1
	end 2
	ip -n "$LAB-router" rule del iif eth0 lookup 100
	run each 'at, d["verdict"], d["to"], d["out"], sorted({s["hook"] for s in d["path"]})'
	diff -u - <(echo "$output") <<-'END'
		('9', 'drop', '198.51.100.1', 'eth1', ['forward'])
		('9', 'drop', '203.0.113.1', 'eth1', ['forward', 'prerouting'])
	END
}

@test "trace: a dynamic set is what it holds" {
	lab_in router nft add element inet fwc guests.v4 '{ 192.168.1.2 }'
	begin --json 'guests@lan -> wan'
	shoot client udp/7 203.0.113.1 2001:db8:2::1
	end 1
	[ "$(each 'at, d["verdict"], d["to"]')" = "('7', 'drop', '203.0.113.1')" ]
	begin --json '!guests@lan -> wan'
	shoot client udp/7 203.0.113.1 2001:db8:2::1
	end 1
	[ "$(each 'at, d["verdict"], d["to"]')" = "('', 'drop', '2001:db8:2::1')" ]
	lab_in router nft flush set inet fwc guests.v4
}

@test "trace: only what opens connections, or with --all everything" {
	lab_in server timeout 120 /usr/bin/python3 -c 'import socket
s = socket.create_server(("", 443))
print("up", flush=True)
while True:
    c, _ = s.accept()
    c.recv(10)
    c.close()' >"$BATS_TEST_TMPDIR/server" 3>&- &
	while ! [ -s "$BATS_TEST_TMPDIR/server" ]; do sleep 0.05; done
	local ask='import socket
s = socket.create_connection(("203.0.113.1", 443))
s.send(b"word")
s.recv(10)'
	begin --json 'lan -> wan tcp'
	lab_in client /usr/bin/python3 -c "$ask"
	shoot client tcp/91 203.0.113.1 # comes after whatever else there might have been
	end 2
	[ "$(each 'd["flags"], at' | paste -sd' ')" = "(['syn'], '12') (['syn'], '')" ]
	begin --json --all 'lan -> wan tcp'
	lab_in client /usr/bin/python3 -c "$ask"
	end 4
	[ "$(each 'd["flags"], at' | head -1)" = "(['syn'], '12')" ]
	[ "$(each 'rule' | sed 1d | sort -u)" = "fwc: established" ]
	kill %% 2>/dev/null || true
}

@test "trace: --count and --timeout end it; nothing seen is said" {
	begin -n 2 --json 'lan -> wan'
	shoot client -c 5 udp/53 203.0.113.1
	wait "$trace_pid"
	[ "$(wc -l <"$trace_to")" = 2 ]
	begin --timeout 0.3 'lan -> wan'
	wait "$trace_pid"
	[ ! -s "$trace_to" ]
	grep -q 'no such packet was seen; --all also shows' "$trace_to.said"
	[ "$(tables)" = "table inet fwc" ]
}

@test "trace: a flood is traced by the rate, and the rest is counted" {
	begin --json 'lan -> wan'
	shoot client -c 2000 udp/53 203.0.113.1
	end 20
	local shown more
	shown=$(wc -l <"$trace_to")
	more=$(sed -n 's/^fwc: \([0-9]*\) more packets .*/\1/p' "$trace_to.said")
	# the burst and what a few seconds refill
	[ "$shown" -ge 20 ]
	[ "$shown" -le 200 ]
	# one that was over the rate may be taken up at the next hook
	[ $((shown + more)) -ge 2000 ]
	[ "$more" -le 1980 ]
	[ "$(each 'at, d["verdict"]' | sort -u)" = "('9', 'drop')" ]
}

@test "trace: a job that is killed as a whole leaves no table, ^\\ none either" {
	for signal in QUIT KILL TERM; do
		# of itself timeout makes a group of processes, and kills all of it
		for seconds in 2 8 32; do
			timeout -s "$signal" $seconds "$FWC" --netns "$LAB-router" --state "$LAB_DIR/state-router" \
				--config "$LAB_DIR/p.fwc" trace 'lan -> wan' >/dev/null 2>"$BATS_TEST_TMPDIR/said" || true
			! grep -q tracing "$BATS_TEST_TMPDIR/said" || break
		done
		grep -q tracing "$BATS_TEST_TMPDIR/said"
		for _ in {1..600}; do
			[ "$(tables)" != "table inet fwc" ] || break
			sleep 0.05
		done
		[ "$(tables)" = "table inet fwc" ]
	done
}

# bats test_tags=vm
@test "trace: killed, its table is gone with it" {
	begin 'lan -> wan'
	[[ $(tables) =~ "table inet fwc table inet fwc-trace-"[0-9]+ ]]
	kill -KILL "$trace_pid"
	wait "$trace_pid" 2>/dev/null || true
	for _ in {1..600}; do
		[ "$(tables)" != "table inet fwc" ] || break
		sleep 0.05
	done
	[ "$(tables)" = "table inet fwc" ]
	# a table that outlived every process of its trace is swept by the next one
	lab_in router nft add table inet fwc-trace-4000000
	begin -n 1 'lan -> wan'
	[[ ! $(tables) =~ 4000000 ]]
	shoot client udp/53 203.0.113.1
	wait "$trace_pid"
	[ "$(tables)" = "table inet fwc" ]
}

@test "trace: status finds no drift and no foreign chain in it, and apply works beside it" {
	begin --json 'lan -> wan'
	run lab_fwc router --json status
	[ "$status" = 0 ]
	[ "$(echo "$output" | /usr/bin/python3 -c 'import json, sys
d = json.load(sys.stdin)
print(d["drifted"], d["foreign"])')" = "False []" ]
	shoot client udp/53 203.0.113.1
	for _ in {1..600}; do
		[ ! -s "$trace_to" ] || break
		sleep 0.05
	done
	# the same rule, one line further down and among others: its handle and its chain are new
	{ echo "# a line more"; policy; } | sed 's/^drop lan -> wan udp.53/&\ndrop lan -> wan udp\/54/' >"$LAB_DIR/q.fwc"
	run lab_apply router "$LAB_DIR/q.fwc"
	echo "$output"
	[ "$status" = 0 ]
	left=$(sed '/^fwc: warning: zone [^:]* has no interface here now$/d' <<<"$output")
	[[ $left != *fwc:\ warning* ]]
	shoot client udp/53 203.0.113.1
	shoot client udp/54 203.0.113.1
	end 3
	[ "$(each 'line.rpartition("/")[2]' | paste -sd' ')" = "p.fwc:9 q.fwc:10 q.fwc:11" ]
	lab_apply router "$LAB_DIR/p.fwc"
}

@test "trace: rules on trial have their lines, too" {
	begin --json 'lan -> wan'
	{ echo "# a line more"; policy; } | sed 's/^drop lan -> wan udp.53/reject lan -> wan udp\/53/' >"$LAB_DIR/q.fwc"
	lab_fwc router compile "$LAB_DIR/q.fwc"
	lab_fwc router apply --confirm=60
	shoot client udp/53 203.0.113.1
	end 1
	lab_fwc router rollback
	[ "$(each 'line.rpartition("/")[2], d["verdict"]')" = "('q.fwc:10', 'reject')" ]
	begin --json 'lan -> wan'
	shoot client udp/53 203.0.113.1
	end 1
	[ "$(each 'line.rpartition("/")[2], d["verdict"]')" = "('p.fwc:9', 'drop')" ]
}

@test "trace: two at once see their own packets" {
	begin --json 'lan -> wan udp'
	local first=$trace_pid
	mv "$trace_to" "$trace_to.1"
	begin --json 'lan -> wan tcp'
	shoot client udp/53 203.0.113.1
	shoot client tcp/25 203.0.113.1
	end 1
	kill -TERM "$first"
	wait "$first"
	[ "$(each 'at')" = 6 ]
	mv "$trace_to.1" "$trace_to"
	[ "$(each 'at')" = 9 ]
}

# The kernel numbers packets by the memory they are in, and the next one may get that of the last.
@test "trace: beside one that traces all, no packet is taken for a part of the one before" {
	begin --json --all 'lan -> wan tcp/80-90'
	local all=$trace_pid
	mv "$trace_to" "$trace_to.all"
	begin --json 'lan -> wan tcp/80-90'
	lab_in server timeout 20 /usr/bin/python3 -c '
import socket
s = socket.create_server(("203.0.113.1", 80))
print("ready", flush=True)
while True:
    c, _ = s.accept()
    c.sendall(c.recv(100))
    c.close()' >"$BATS_TEST_TMPDIR/server" 3>&- &
	until grep -q ready "$BATS_TEST_TMPDIR/server"; do sleep 0.02; done
	lab_in client /usr/bin/python3 -c '
import socket
for n in range(15):
    c = socket.create_connection(("203.0.113.1", 80), 5)
    c.sendall(b"x")
    c.recv(100)
    c.close()'
	end 15
	kill -TERM "$all"
	wait "$all" || true
	each 'd["flags"], line.rpartition("/")[2]' | grep syn | sort | uniq -c >"$BATS_TEST_TMPDIR/syns"
	cat "$BATS_TEST_TMPDIR/syns"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/syns")" = 1 ]
	grep -q 'p.fwc:10' "$BATS_TEST_TMPDIR/syns"
}

@test "trace: -v shows the whole way" {
	begin -v 'wan -> self https'
	shoot server tcp/443 203.0.113.2
	end 5
	local hook
	for hook in prerouting forward postrouting; do
		grep -q "^  $hook .* inet fwc " "$trace_to"
	done
	grep -q '^  forward .*p.fwc:17: allow wan -> pc@lan tcp/8443.*; accept$' "$trace_to"
	run ! grep -q fwc-trace "$trace_to"
}

@test "trace: who may not is told so; what is wrong is said before anything is done" {
	cp "$FWC" "$BATS_TEST_TMPDIR/fwc"
	chmod 755 "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/fwc" "$LAB_DIR"
	chmod 644 "$LAB_DIR/p.fwc"
	run ip netns exec "$LAB-router" setpriv --reuid=65534 --regid=65534 --clear-groups \
		"$BATS_TEST_TMPDIR/fwc" --config "$LAB_DIR/p.fwc" trace 'lan -> wan'
	echo "$output"
	[ "$status" = 3 ]
	[[ $output = *"not permitted"* ]]
	run lab_fwc router --config "$LAB_DIR/p.fwc" trace 'lna -> wan'
	[ "$status" = 2 ]
	[[ $output = *"did you mean 'lan'"* ]]
	run lab_fwc router --config "$LAB_DIR/p.fwc" trace -n 0 'lan -> wan'
	[ "$status" = 2 ]
	[ "$(tables)" = "table inet fwc" ]
}
