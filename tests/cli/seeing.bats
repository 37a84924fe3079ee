#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # bats and lib.bash set variables
# Counters by line, for people and for Prometheus; with real packets.

load lib

setup_file() {
	cli_begin
	ip -n "$NS" link add eth0 type veth peer name peer0
	ip -n "$NS" link set peer0 up
	ip -n "$NS" address add 192.0.2.1/24 dev eth0
	ip -n "$NS" link set eth0 up
	candidate 'we"ird' <<'END' # a quote has to be escaped in a label
zone lan { interface eth0 }
allow self -> lan udp/5353
drop self -> lan udp/1-9 log "few"
allow lan -> self ssh
END
	fwc apply
}
teardown_file() { cli_end; }

send() { # PORT COUNT: so many datagrams of 100 bytes, each of a new connection
	inns /usr/bin/python3 -c 'import socket, sys
for i in range(int(sys.argv[2])):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        s.sendto(b"x" * 72, ("192.0.2.9", int(sys.argv[1])))
    except PermissionError:
        pass' "$1" "$2"
}
count() { # PORT'S LINE: packets bytes
	fwc counters --json | json "[(x['packets'], x['bytes']) for x in d if x['at'].endswith(':$1')]"
}

@test "counters say what each line has counted" {
	before=$(count 2)
	[ "$before" = "[(0, 0)]" ]
	send 5353 7
	send 5 3
	[ "$(count 2)" = "[(7, 700)]" ]
	[ "$(count 3)" = "[(3, 300)]" ]
	[ "$(count 4)" = "[(0, 0)]" ]
	[[ $(fwc counters) =~ " 7 "+"700  "[^$'\n']*"ird.fwc:2  allow self -> lan udp/5353" ]]
}

@test "counters --watch prints what counts at the moment, and nothing else" {
	fwc counters --watch=0.5 >"$WORK/watched" &
	pid=$!
	for _ in {1..200}; do
		send 5353 4
		! grep -q 'we"ird.fwc:2  allow self -> lan udp/5353' "$WORK/watched" || break
		sleep 0.25
	done
	kill "$pid"
	grep -q 'packets/s' "$WORK/watched"
	grep -q 'we"ird.fwc:2  allow self -> lan udp/5353' "$WORK/watched"
	run grep -c 'allow lan -> self' "$WORK/watched"
	[ "$output" = 0 ]
}

@test "metrics are what the format of Prometheus allows, and right" {
	send 5 2
	fwc metrics -o "$WORK/fwc.prom"
	[ "$(stat -c %a "$WORK/fwc.prom")" = 644 ]
	[ -z "$(find "$WORK" -maxdepth 1 -name '.fwc.prom*')" ]
	/usr/bin/python3 - "$WORK/fwc.prom" <<'END'
import re, sys
# https://prometheus.io/docs/instrumenting/exposition_formats/: HELP and TYPE once, before the samples
sample = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(.*)\})? (-?[0-9.e+]+)$')
label = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')
types, values, text = {}, {}, open(sys.argv[1]).read()
assert text.endswith('\n')
for line in text.splitlines():
    if line.startswith('# TYPE '):
        _, _, name, kind = line.split(' ')
        assert name not in types and kind in ('gauge', 'counter'), line
        types[name] = kind
    elif not line.startswith('# HELP '):
        m = sample.match(line)
        assert m and m.group(1) in types, line
        labels = label.findall(m.group(3) or '')
        assert not m.group(3) or ','.join(f'{k}="{v}"' for k, v in labels) == m.group(3), line
        key = (m.group(1), tuple(labels))
        assert key not in values, line
        values[key] = float(m.group(4))
def one(name): return values[(name, ())]
assert one('fwc_loaded') == 1 and one('fwc_drifted') == 0 and one('fwc_proved') == 1 and one('fwc_generation') == 1
found = [v for (name, labels), v in values.items() if name == 'fwc_rule_packets_total' and
         dict(labels)['at'].endswith('we\\"ird.fwc:3')]
assert found and found[0] >= 2, values
END
}

@test "who may not look is told so, and not that nothing is there" {
	local command
	cp "$FWC" "$WORK/fwc"
	chmod 755 "$WORK/fwc"
	for command in status counters metrics show; do
		run ip netns exec "$NS" setpriv --reuid=65534 --regid=65534 --clear-groups \
			"$WORK/fwc" --state "$WORK/state" "$command"
		echo "$command: $output"
		[ "$status" = 3 ]
		[[ $output == *"not permitted"* ]]
	done
}

@test "who may look, but is not root, sees all but what the state directory has" {
	local command
	rm -rf "/run/fwc/public$WORK" # what root publishes of it: readers.bats
	cp "$FWC" "$WORK/fwc"
	chmod 755 "$WORK/fwc"
	for command in status counters metrics; do
		run ip netns exec "$NS" setpriv --reuid=65534 --regid=65534 --clear-groups \
			--inh-caps=+net_admin --ambient-caps=+net_admin \
			"$WORK/fwc" --state "$WORK/state" "$command"
		echo "$command: $output"
		[ "$status" = 0 ]
		[[ $output == *"only root can read"* ]]
		[[ $output == *"allow self -> lan udp/5353"* ]]
	done
}

@test "counters and show say when nothing is loaded" {
	fwc stop
	run fwc counters
	echo "$output"
	[ "$status" = 0 ]
	[[ $output == *"no fwc firewall is loaded"* ]]
	run fwc show
	[ "$status" = 1 ]
	[[ $output == *"no fwc firewall is loaded"* ]]
}

@test "metrics of a host where nothing is loaded" {
	fwc stop >/dev/null
	[[ $(fwc metrics) == *$'\nfwc_loaded 0\n'* ]]
	run fwc metrics -o "$WORK/no/such/dir"
	[ "$status" = 3 ]
}
