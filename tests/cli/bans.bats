#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # bats and lib.bash set variables
# examples/sets with the real programs, as far as they are installed: what they find out becomes a ban
# that packets meet, and ends when they say so, or by itself.

bats_require_minimum_version 1.5.0
load lib
load peer

setup_file() {
	cli_begin
	peer_begin
	cat >"$WORK/policy.fwc" <<'END'
zone lan { interface eth0 }
set bans-f2b = dynamic, timeout 1h
set bans-sshg = dynamic, prefixes, timeout 1d
set bans-crowd = dynamic, prefixes, timeout 1d
drop bans-f2b@lan, bans-sshg@lan, bans-crowd@lan -> self udp/9
allow lan -> self udp/9
allow self -> any
END
	# what the programs call: they run in the namespace
	printf '#!/bin/sh\nexec "%s" --state "%s" --config "%s" "$@"\n' "$FWC" "$WORK/state" "$WORK/policy.fwc" >"$WORK/fwc"
	chmod 755 "$WORK/fwc"
	fwc compile "$WORK/policy.fwc"
	fwc apply
}
teardown_file() {
	peer_end
	cli_end
}
setup() {
	examples=$here/../../examples/sets
	export FWC_CALLED=$WORK/fwc
	for set in bans-f2b bans-sshg bans-crowd; do inns "$WORK/fwc" set flush "$set"; done
	cd "$BATS_TEST_TMPDIR" || return
}
teardown() {
	[ -z "${pid:-}" ] || kill "$pid" 2>/dev/null || true
	[ -z "${also:-}" ] || kill "$also" 2>/dev/null || true
	wait
}

eventually() { # COMMAND...: within 20 seconds
	for _ in $(seq 1200); do "$@" && return 0; sleep 0.1; done
	return 1
}
banned() { inns "$WORK/fwc" set test "$1" "$2" >/dev/null; } # SET ADDRESS
free() { ! banned "$@"; }
dropped() { # FROM: line 5 has counted its packet
	local before
	before=$(counted 5)
	send "$1" 9 1
	[ "$(counted 5)" != "$before" ]
}

@test "the policy beside them is one" {
	run -0 "$FWC" check --elsewhere "$examples/bans.fwc"
	[[ $output != *warning:* ]]
}

@test "fail2ban: a line of a log bans, unban and the end of the server take it back" {
	command -v fail2ban-server >/dev/null || skip "fail2ban is not installed"
	mkdir -p etc/action.d etc/filter.d
	cp "$examples/fail2ban/action.d/fwc.conf" etc/action.d/
	printf '[Definition]\nloglevel = INFO\nlogtarget = %s\ndbfile = None\n' "$PWD/f2b.log" >etc/fail2ban.conf
	printf '[Definition]\nfailregex = ^bad guest <HOST>$\ndatepattern = ^{EPOCH}\\s\n' >etc/filter.d/guest.conf
	cat >etc/jail.conf <<END
[guest]
enabled = true
filter = guest
backend = polling
usedns = no
logpath = $PWD/guests
maxretry = 1
bantime = 600
action = fwc[fwc="$WORK/fwc"]
[guest-forever]
enabled = true
filter = guest
backend = polling
logpath = $PWD/nobody
bantime = -1
action = fwc[fwc="$WORK/fwc"]
END
	touch guests nobody
	ip netns exec "$NS" fail2ban-server -c etc -s "$PWD/sock" -p "$PWD/pid" -f start >out 2>&1 3>&- &
	pid=$!
	f2b() { fail2ban-client -c etc -s "$PWD/sock" "$@"; }
	eventually f2b status guest >/dev/null
	run ! dropped 192.0.2.9
	echo "$(date +%s) bad guest 192.0.2.9" >>guests
	eventually banned bans-f2b 192.0.2.9 || { cat f2b.log; false; }
	dropped 192.0.2.9
	run ! dropped 192.0.2.10
	within "$(left bans-f2b.v4 192.0.2.9)" 500 600
	f2b set guest banip fd00::9
	eventually banned bans-f2b fd00::9
	dropped fd00::9
	f2b set guest unbanip fd00::9
	eventually free bans-f2b fd00::9
	run ! dropped fd00::9
	f2b set guest-forever banip 192.0.2.77
	eventually banned bans-f2b 192.0.2.77
	within "$(left bans-f2b.v4 192.0.2.77)" 315000000 315360000
	# somebody else deleted it: no error for fail2ban
	inns "$WORK/fwc" set delete bans-f2b 192.0.2.77
	f2b stop
	eventually free bans-f2b 192.0.2.9
	run grep -E 'ERROR|CRITICAL' f2b.log
	echo "$output"
	[ "$status" = 1 ]
}

@test "sshguard: attacks in a log ban, and the ban is released" {
	local libexec=/usr/libexec/sshguard
	[ -x $libexec/sshg-blocker ] || skip "sshguard is not installed"
	for n in 1 2 3; do
		printf 'Jun  1 10:00:0%d h sshd[%d]: Invalid user bob from %s port 22\n' $n $n 192.0.2.9 $n $n fd00::9
	done >log
	mkfifo more
	{ cat log more; } | $libexec/sshg-parser |
		$libexec/sshg-blocker -a 20 -p 3 -s 1000 -n 31 -N 128 2>blocker.log |
		FWC=$WORK/fwc ip netns exec "$NS" "$examples/sshguard/sshg-fw-fwc" 3>&- &
	pid=$!
	exec 4>./more
	eventually banned bans-sshg 192.0.2.9
	eventually banned bans-sshg fd00::9
	banned bans-sshg 192.0.2.8 # the network that it is told: /31
	free bans-sshg 192.0.2.10
	eventually free bans-sshg 192.0.2.9 # after 3 seconds or more it says release
	eventually free bans-sshg fd00::9
	exec 4>&-
}

@test "sshguard's back end, word for word" {
	backend() { FWC=$WORK/fwc inns "$examples/sshguard/sshg-fw-fwc"; }
	printf 'block 192.0.2.9 4 32\nblock fd00::9 6 128\n' | backend
	dropped 192.0.2.9
	dropped fd00::9
	printf 'release 192.0.2.9 4 32\n' | backend
	run ! dropped 192.0.2.9
	dropped fd00::9
	printf 'flushonexit\nblock 192.0.2.9 4 24\n' | backend
	free bans-sshg 192.0.2.9
	free bans-sshg fd00::9
}

# What the bouncer asks of CrowdSec: decisions, new and deleted, of a stream.
local_api() {
	cat >api.py <<'END'
import http.server, json, sys
def decision(value, duration="3h59m56.123456s", scope="Ip"):
    return {"id": 1, "origin": "test", "type": "ban", "scope": scope, "value": value, "duration": duration, "scenario": "test/bf"}
answers = [{"new": [decision("192.0.2.9"), decision("fd00::9", "30m1.5s"), decision("198.51.100.0/24", "96h0m0s", "Range"),
                    decision("DE", scope="Country")], "deleted": []},
           {"new": [], "deleted": [decision("192.0.2.9", "-1.2s")]}]
class Api(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps(answers.pop(0) if answers and "decisions/stream" in self.path else {"new": [], "deleted": []}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args): pass
server = http.server.HTTPServer(("127.0.0.1", 8080), Api)
print("ready", flush=True)
server.serve_forever()
END
	ip netns exec "$NS" /usr/bin/python3 api.py >ready 3>&- &
	also=$!
	eventually grep -q ready ready
}

@test "CrowdSec: the bouncer's decisions are bans, of networks too" {
	command -v crowdsec-custom-bouncer >/dev/null || skip "crowdsec-custom-bouncer is not installed"
	local_api
	cp "$examples/crowdsec/fwc-bouncer" "$WORK/fwc-bouncer"
	cat >bouncer.yaml <<END
bin_path: $WORK/fwc-bouncer
piddir: $PWD/
update_frequency: 3s
cache_retention_duration: 1s
daemonize: false
log_mode: stdout
log_level: info
api_url: http://127.0.0.1:8080/
api_key: none
prometheus: {enabled: false}
END
	FWC=$WORK/fwc ip netns exec "$NS" crowdsec-custom-bouncer -c "$PWD/bouncer.yaml" >bouncer.log 2>&1 3>&- &
	pid=$!
	eventually banned bans-crowd fd00::9 || { cat bouncer.log; false; }
	eventually banned bans-crowd 198.51.100.0/24
	dropped fd00::9
	eventually free bans-crowd 192.0.2.9
	[ "$(inns "$WORK/fwc" --json set list bans-crowd | json '[(e["address"], e["timeout"]) for e in d["elements"]]')" = \
		"[('198.51.100.0/24', 345600), ('fd00::9', 1801)]" ] || { cat bouncer.log; false; }
	run ! grep -q level=error bouncer.log
}

@test "CrowdSec's bouncer, word for word" {
	bouncer() { FWC=$WORK/fwc inns "$examples/crowdsec/fwc-bouncer" "$@"; }
	bouncer add 192.0.2.9 3h59m56.5s test/bf '{}'
	bouncer add 192.0.2.9 10s test/bf '{}'
	dropped 192.0.2.9
	within "$(left bans-crowd.v4 192.0.2.9)" 14300 14396
	bouncer add 192.0.2.11 600 test/bf '{}'
	within "$(left bans-crowd.v4 192.0.2.11)" 590 600
	run -0 bouncer add DE 600 test/bf '{}'
	[[ $output == *"only addresses and networks"* ]]
	bouncer add 192.0.2.10 0 test/bf '{}'
	bouncer add 192.0.2.10 500ms test/bf '{}'
	bouncer add 192.0.2.10 -1s test/bf '{}'
	free bans-crowd 192.0.2.10
	bouncer del 192.0.2.9 -0.5s test/bf '{}'
	run ! dropped 192.0.2.9
	run -0 bouncer add 'x; touch pwned' 1h test/bf '{}'
	[ ! -e pwned ]
	run -2 bouncer drop 192.0.2.9 1h test/bf '{}'
}
