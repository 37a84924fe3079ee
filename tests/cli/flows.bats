#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # bats and lib.bash set variables
# fwc flows and fwc top: what they say, of connections that are written into conntrack's table; and what
# apply does with its options. With packets: tests/ns/flows.bats.

load lib

setup() {
	cli_begin
	unset SSH_CONNECTION
	for eth in eth0 ppp0; do
		ip -n "$NS" link add $eth type veth peer name peer-$eth
		ip -n "$NS" link set peer-$eth up
		ip -n "$NS" link set $eth up
	done
	ip -n "$NS" address add 10.0.0.1/24 dev eth0
	ip -n "$NS" address add fd00:1::1/64 dev eth0 nodad
	ip -n "$NS" address add 203.0.113.2/24 dev ppp0
	ip -n "$NS" route add default dev ppp0
	ip -n "$NS" -6 route add default dev ppp0
	candidate <<'END'
zone lan { interface eth0 }
zone wan { interface ppp* }
allow lan -> wan
allow lan -> self ssh
allow wan -> self ping limit 5/second
allow wan -> 10.0.0.7@lan tcp/8443
dnat wan -> self https to 10.0.0.7:8443
masquerade lan -> wan
END
	fwc apply
	write <<'END'
tcp 10.0.0.5 4000 198.51.100.1 443 198.51.100.1 443 203.0.113.2 4000
udp fd00:1::5 5000 2001:db8::1 53
icmp 198.51.100.9 8 203.0.113.2 77
tcp 198.51.100.9 6000 203.0.113.2 443 10.0.0.7 8443 198.51.100.9 6000
tcp 10.0.0.5 4001 10.0.0.1 22
tcp 198.51.100.9 6001 203.0.113.2 22
END
}

teardown() { cli_end; }

write() { inns "$here/../lab/connections" -; }
ports() { # filter...: the source ports of those listed, in order
	fwc flows --json "$@" | json 'sorted(c["from"].get("port", 0) for c in d)'
}

@test "each connection with its zones, translations and the line that admits it" {
	run fwc flows
	echo "$output"
	[ "$status" = 0 ]
	[[ $output = *"tcp established  10.0.0.5:4000 -> 198.51.100.1:443  lan (eth0) -> wan (ppp0)"*"seen as 203.0.113.2:4000"*"policy.fwc:3: allow lan -> wan"* ]]
	[[ $output = *"udp assured  [fd00:1::5]:5000 -> [2001:db8::1]:53  lan (eth0) -> wan (ppp0)"* ]]
	[[ $output = *"type 8  198.51.100.9 -> 203.0.113.2  wan (ppp0) -> self"*"policy.fwc:5: allow wan -> self ping"* ]]
	[[ $output = *"198.51.100.9:6000 -> 203.0.113.2:443  wan (ppp0) -> lan (eth0)"*"sent on to 10.0.0.7:8443"*"policy.fwc:6: "* ]]
	[[ $output = *"198.51.100.9:6001 -> 203.0.113.2:22  wan (ppp0) -> self"*"FORBIDDEN: drop, by fwc: no rule, drop"* ]]
	[[ $output = *"6 connections, 1 forbidden by the rules in force" ]]
}

@test "--json has all of it" {
	run fwc flows --json from 198.51.100.9 port 8443
	echo "$output"
	[ "$(json 'len(d)' <<<"$output")" = 1 ]
	[ "$(json 'd[0]["protocol"], d[0]["state"], d[0]["from"], d[0]["to"], d[0]["sent_on_to"], d[0].get("seen_as")' <<<"$output")" = \
		"('tcp', 'established', {'address': '198.51.100.9', 'port': 6000}, {'address': '203.0.113.2', 'port': 443}, {'address': '10.0.0.7', 'port': 8443}, None)" ]
	[ "$(json 'd[0]["in"], d[0]["out"], d[0]["from_zone"], d[0]["to_zone"]' <<<"$output")" = "('ppp0', 'eth0', 'wan', 'lan')" ]
	[ "$(json 'd[0]["verdict"], d[0]["forbidden"], d[0]["line"].split("/")[-1], d[0]["rule"]' <<<"$output")" = \
		"('accept', False, 'policy.fwc:6', 'allow wan -> 10.0.0.7@lan tcp/8443')" ]
	[ "$(json 'd[0]["timeout"] > 99000, d[0]["mark"], "packets" in d[0]' <<<"$output")" = "(True, 0, False)" ]
	[ "$(inns conntrack -L -o id -p tcp --sport 6000 2>/dev/null | grep -o 'id=[0-9]*')" = "id=$(json 'd[0]["id"]' <<<"$output")" ]
	[ "$(fwc flows --json to self icmp | json '[c["type"] for c in d]')" = "[8]" ]
}

@test "filters: addresses, ports, protocols, places, sides" {
	[ "$(ports 10.0.0.5)" = "[4000, 4001]" ]
	[ "$(ports 10.0.0.0/24)" = "[4000, 4001, 6000]" ]
	[ "$(ports 10.0.0.6-10.0.0.9)" = "[6000]" ]
	[ "$(ports to 10.0.0.0/24)" = "[4001, 6000]" ]
	[ "$(ports from 203.0.113.2)" = "[4000]" ] # as the other side sees it
	[ "$(ports port 443)" = "[4000, 6000]" ]
	[ "$(ports from port 4000-5999)" = "[4000, 4001, 5000]" ]
	[ "$(ports udp)" = "[5000]" ]
	[ "$(ports from wan)" = "[0, 6000, 6001]" ]
	[ "$(ports to ppp0)" = "[4000, 5000]" ]
	[ "$(ports to self tcp)" = "[4001, 6001]" ]
	[ "$(ports from self)" = "[]" ]
	[ "$(ports fd00:1::/64 port 53)" = "[5000]" ]
	# services, hosts and sets: of the policy, services built in without it
	cp "$WORK/policy.fwc" "$WORK/named.fwc"
	printf 'host pc = 10.0.0.7\nset far = 198.51.100.0/28, 2001:db8::/64\nservice web = tcp/8440-8450\nset later = dynamic\n' >>"$WORK/named.fwc"
	named() { ports --config "$WORK/named.fwc" "$@"; }
	[ "$(ports https)" = "[4000, 6000]" ]
	[ "$(ports port ssh)" = "[4001, 6001]" ]
	[ "$(ports to dns)" = "[5000]" ]
	[ "$(ports ping)" = "[0]" ]
	[ "$(named web)" = "[6000]" ]
	[ "$(named pc)" = "[6000]" ]
	[ "$(named from far)" = "[0, 6000, 6001]" ]
	[ "$(named to far udp)" = "[5000]" ]
	for words in pc "from https" later "port nothing" 'any}'; do
		# shellcheck disable=SC2086
		run fwc flows $words
		[ "$status" = 2 ]
	done
	run fwc --config "$WORK/named.fwc" flows later
	[ "$status" = 2 ]
	for words in "port" "port x" "port 70000" "10.0.0.0/33" "from" "from tcp" "nowhere" "--sideways"; do
		# shellcheck disable=SC2086
		run fwc flows $words
		[ "$status" = 2 ]
	done
}

@test "--forbidden lists those that the rules in force refuse, and its exit status says so" {
	run fwc flows --forbidden
	echo "$output"
	[ "$status" = 1 ]
	[[ $output = *":6001 -> "*"1 connection, 1 forbidden"* ]]
	run fwc flows --forbidden to wan
	[ "$status" = 0 ]
	[ "$output" = "0 connections" ]
}

@test "without rules of ours nothing is forbidden" {
	fwc stop
	run fwc flows --forbidden
	[ "$status" = 0 ]
	[ "$(ports)" = "[0, 4000, 4001, 5000, 6000, 6001]" ]
}

@test "diff and dry runs list what would end; apply ends it, by number" {
	sed -i '/^allow lan -> wan/d' "$WORK/policy.fwc"
	fwc compile "$WORK/policy.fwc"
	run fwc diff --json
	[ "$(json 'd["connections"]["ends"], d["connections"]["refused"]' <<<"$output")" = "(True, 3)" ]
	[ "$(json 'sorted(c["from"]["port"] for c in d["connections"]["list"])' <<<"$output")" = "[4000, 5000, 6001]" ]
	run fwc diff
	[[ $output = *"ends 3 connections:"*"tcp 10.0.0.5:4000 -> 198.51.100.1:443, seen as 203.0.113.2:4000, arriving on eth0, leaving by ppp0"* ]]
	run fwc apply --dry-run --keep-flows
	[[ $output = *"3 connections that these rules refuse go on:"* ]]
	[ "$(ports)" = "[0, 4000, 4001, 5000, 6000, 6001]" ]
	run fwc apply --json
	echo "$output"
	[ "$(json 'd["ok"], d["refused"], d["ended"]' <<<"$output")" = "(True, 3, 3)" ]
	[ "$(ports)" = "[0, 4001, 6000]" ]
	write <<<'tcp 10.0.0.5 4000 198.51.100.1 443'
	run fwc apply # nothing changes, and nothing ends
	[[ $output = *"nothing to change"* && $output != *"ended"* ]]
	[ "$(ports)" = "[0, 4000, 4001, 6000]" ]
}

@test "more than ten are counted, and ten are shown" {
	for i in {1..14}; do echo "tcp 10.0.0.5 $((7000 + i)) 198.51.100.1 25"; done | write
	echo 'drop lan -> wan tcp/25' | cat - "$WORK/policy.fwc" >"$WORK/first.fwc"
	fwc compile "$WORK/first.fwc"
	run fwc apply --dry-run
	echo "$output"
	[[ $output = *"ends 15 connections:"*"(and 5 more; --json lists them)"* ]]
}

@test "the policy says whether they are kept, options come first" {
	echo 'live-flows keep' | cat - "$WORK/policy.fwc" | sed '/^allow lan -> wan/d' >"$WORK/keep.fwc"
	fwc compile "$WORK/keep.fwc"
	grep -q '"live_flows": "keep"' "$WORK/state/candidate/manifest.json"
	[ "$(fwc diff --json | json 'd["connections"]["ends"]')" = False ]
	fwc apply
	[ "$(ports)" = "[0, 4000, 4001, 5000, 6000, 6001]" ]
	fwc compile "$WORK/policy.fwc"
	fwc apply --keep-flows
	run fwc rollback --end-flows
	[[ $output = *"3 connections ended"* ]]
	[ "$(ports)" = "[0, 4001, 6000]" ]
}

@test "a manifest of an earlier version says nothing about them: they end" {
	sed -i '/^allow lan -> wan/d' "$WORK/policy.fwc"
	fwc compile "$WORK/policy.fwc"
	/usr/bin/python3 - "$WORK/state/candidate/manifest.json" <<-'END'
		import json, sys
		with open(sys.argv[1]) as f:
		    d = json.load(f)
		d.pop("live_flows", None)
		d.pop("seal")
		d.pop("zones")
		with open(sys.argv[1], "w") as f:
		    json.dump(d, f)
	END
	run fwc apply
	echo "$output"
	[[ $output = *"3 connections ended"* ]]
	[ "$(fwc flows --json port 22 | json 'd[0]["from_zone"], d[0]["in"]')" = "(None, 'eth0')" ]
}

@test "a session of ssh over the firewall itself is left" {
	write <<<'tcp 198.51.100.8 50022 203.0.113.2 2222'
	sed -i '/^allow lan -> wan/d' "$WORK/policy.fwc"
	fwc compile "$WORK/policy.fwc"
	SSH_CONNECTION="198.51.100.8 50022 203.0.113.2 2222" run fwc apply --force
	echo "$output"
	[ "$(ports)" = "[0, 4001, 6000, 50022]" ]
}

@test "what a helper expected is left with the rules; it is not judged by itself" {
	write <<-'END'
		tcp 10.0.0.5 4100 10.0.0.1 22
		expected tcp 198.51.100.9 6100 203.0.113.2 6101
	END
	[ "$(ports port 6101)" = "[6100]" ]
	[ "$(fwc flows --json port 6101 | json 'd[0]["status"] & 1, d[0]["verdict"], d[0]["forbidden"]')" = "(1, 'refused', False)" ]
}

@test "two ways out: what came by the second is judged by the interface that answers leave by" {
	ip -n "$NS" link add ppp1 type veth peer name peer-ppp1
	ip -n "$NS" link set peer-ppp1 up
	ip -n "$NS" link set ppp1 up
	ip -n "$NS" address add 192.0.2.2/24 dev ppp1
	ip -n "$NS" route add default dev ppp1 table 100
	ip -n "$NS" rule add from 192.0.2.2 lookup 100
	candidate <<-'END'
		zone lan { interface eth0 }
		zone one { interface ppp0 }
		zone two { interface ppp1 }
		allow two -> self smtp
		allow self -> two
	END
	fwc apply --keep-flows
	write <<-'END'
		tcp 198.51.100.9 6200 192.0.2.2 25
		tcp 198.51.100.9 6201 203.0.113.2 25
		tcp 192.0.2.2 6202 198.51.100.9 443
		tcp 203.0.113.2 6203 198.51.100.9 443
	END
	[ "$(fwc flows --json port 6200 | json 'd[0]["in"], d[0]["forbidden"]')" = "('ppp1', False)" ]
	[ "$(fwc flows --json port 6201 | json 'd[0]["in"], d[0]["forbidden"]')" = "('ppp0', True)" ]
	[ "$(fwc flows --json port 6202 | json 'd[0]["out"], d[0]["forbidden"]')" = "('ppp1', False)" ]
	[ "$(fwc flows --json port 6203 | json 'd[0]["out"], d[0]["forbidden"]')" = "('ppp0', True)" ]
}

@test "no way to an address any more: forbidden only if every interface says so" {
	ip -n "$NS" route del default
	[ "$(fwc flows --json port 4000 | json 'd[0]["out"], d[0]["forbidden"]')" = "(None, False)" ]
	write <<<'tcp 10.0.0.5 4200 198.51.100.1 25'
	echo 'drop lan -> any smtp' | cat - "$WORK/policy.fwc" >"$WORK/no-smtp.fwc"
	fwc compile "$WORK/no-smtp.fwc"
	fwc apply --keep-flows
	[ "$(fwc flows --json port 4200 | json 'd[0]["out"], d[0]["forbidden"]')" = "(None, True)" ]
}

@test "top --once: rules and connections; without a terminal it wants --once" {
	inns sysctl -qw net.netfilter.nf_conntrack_acct=1
	inns ping -c 3 -i 0.2 127.0.0.1 >/dev/null
	run fwc top --once
	echo "$output"
	[ "$status" = 0 ]
	[[ $output = "fwc  "*" connections"*"pkts/s    bytes/s      bytes  line"*"fwc: loopback"*"connection"*"icmp 127.0.0.1 -> 127.0.0.1"*"FORBIDDEN: drop, by fwc: no rule, drop"* ]]
	[[ $output != *$'\033'* ]]
	run fwc top
	[ "$status" = 2 ]
	[[ $output = *"--once"* ]]
	run fwc top --json
	[ "$status" = 2 ]
}

@test "top on a terminal that obeys no sequences wants --once; the line of the policy is in 80 columns" {
	on_terminal() { # TERM: 80 columns, q after two seconds
		TERM=$1 /usr/bin/python3 - "$FWC" --netns "$NS" --state "$WORK/state" top <<-'END'
			import fcntl, os, pty, struct, sys, termios, threading
			pid, fd = pty.fork()
			if pid == 0:
			    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
			    os.execv(sys.argv[1], sys.argv[1:])
			threading.Timer(2, lambda: os.write(fd, b"q")).start()
			seen = b""
			try:
			    while more := os.read(fd, 65536):
			        seen += more
			except OSError:
			    pass
			print(seen.decode(), flush=True)
			os._exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
		END
	}
	run on_terminal dumb
	echo "$output"
	[[ $output = *"--once"* ]]
	[[ $output != *$'\033'* ]]
	run on_terminal vt100
	echo "$output"
	[[ $output = *"tcp 10.0.0.5:4000 -> 198.51.100.1:443   "*policy.fwc:3* ]]
}

@test "top on a terminal: frames until q or ^C, then the terminal is as it was" {
	for key in q '\x03'; do
		run /usr/bin/python3 - "$key" "$FWC" --netns "$NS" --state "$WORK/state" top <<-'END'
			import os, pty, select, sys, termios, time
			key = sys.argv[1].encode().decode("unicode_escape").encode()
			held, go = os.pipe()
			pid, fd = pty.fork()
			if pid == 0:
			    os.close(go)
			    os.read(held, 1)  # until the terminal was read as it is before anything runs on it
			    os.environ["TERM"] = "xterm"
			    os.execv(sys.argv[2], sys.argv[2:])
			before = termios.tcgetattr(fd)
			os.close(go)
			seen, end = b"", time.monotonic() + 60
			while time.monotonic() < end:
			    if select.select([fd], [], [], 0.1)[0]:
			        try:
			            seen += os.read(fd, 65536)
			        except OSError:
			            break
			    if seen.count(b"\033[H") >= 2 and key:
			        raw = termios.tcgetattr(fd)
			        assert not raw[3] & termios.ICANON and not raw[3] & termios.ECHO
			        os.write(fd, key)
			        key = b""
			    if seen.endswith(b"\033[?1049l"):
			        break
			status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
			after = termios.tcgetattr(fd)
			assert status == 0, (status, seen)
			assert before == after, (before, after)
			assert b"\033[?1049h" in seen and seen.rstrip().endswith(b"\033[?1049l"), seen
			assert b"connections" in seen
		END
		echo "$output"
		[ "$status" = 0 ]
	done
}
