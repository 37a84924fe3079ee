#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # bats and lib.bash set variables
# examples/sets/dnsmasq with the real program: what it answers is in a dynamic set.

bats_require_minimum_version 1.5.0
load lib

setup_file() {
	cli_begin
	ip -n "$NS" address add 198.51.100.1/32 dev lo
}
teardown_file() {
	cli_end
}
setup() {
	examples=$here/../../examples/sets
	cd "$BATS_TEST_TMPDIR" || return
}
teardown() {
	[ -z "${pid:-}" ] || kill "$pid" 2>/dev/null || true
	[ -z "${also:-}" ] || kill "$also" 2>/dev/null || true
	wait
}

eventually() { # COMMAND...: within a minute
	for _ in $(seq 600); do "$@" && return 0; sleep 0.1; done
	return 1
}

# What dnsmasq answers to a client, sorted: NAME A|AAAA
asked() {
	inns /usr/bin/python3 - "$1" "$2" <<-'P'
		import ipaddress, socket, struct, sys
		name, kind = sys.argv[1], {"A": 1, "AAAA": 28}[sys.argv[2]]
		question = b"".join(bytes([len(p)]) + p.encode() for p in name.split(".")) + b"\0" + struct.pack("!HH", kind, 1)
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.settimeout(30)
		s.sendto(struct.pack("!HHHHHH", 7, 0x100, 1, 0, 0, 0) + question, ("127.0.0.1", 53))
		reply = s.recv(4096)
		at, found = 12 + len(question), []
		for _ in range(struct.unpack("!H", reply[6:8])[0]):
		    at += 2     # a pointer
		    size, = struct.unpack("!H", reply[at + 8:at + 10])
		    found.append(str(ipaddress.ip_address(reply[at + 10:at + 10 + size])))
		    at += 10 + size
		print(" ".join(sorted(found)))
	P
}
answers() { [ "$(asked "$1" "$2" 2>/dev/null)" = "$3" ]; }
is_in() { fwc set test updates "$@" >/dev/null; }
is_out() { run fwc set test updates "$1"; [ "$status" = 1 ]; }

@test "the policy beside it is one" {
	run -0 "$FWC" check --elsewhere "$examples/names.fwc"
	[[ $output != *warning:* ]]
}

@test "dnsmasq: what it answers is in the set before the client has it, and nothing else" {
	command -v dnsmasq >/dev/null || skip "dnsmasq is not installed"
	[[ $(dnsmasq --version) == *" nftset "* ]] || skip "this dnsmasq knows no nftset"
	candidate <"$examples/names.fwc"
	fwc apply
	# the one that knows
	cat >zone <<-'END'
		{"deb.example.org": {"A": ["203.0.113.7", "203.0.113.8"], "AAAA": ["2001:db8::7"]},
		 "mirror.deb.example.org": {"A": ["203.0.113.9"]}, "other.example.org": {"A": ["203.0.113.77"]}}
	END
	inns /usr/bin/python3 "$here/../fetch/names.py" 198.51.100.1 "$PWD/zone" "$PWD/asked" 3>&- &
	also=$!
	eventually grep -q ready asked
	# and the one that clients ask: without root, as it would be
	inns dnsmasq -k --conf-file="$examples/dnsmasq/fwc.conf" --no-resolv --no-hosts --server=198.51.100.1 \
		--listen-address=127.0.0.1 --bind-interfaces --pid-file= --log-facility=- 2>said 3>&- &
	pid=$!
	eventually answers other.example.org A 203.0.113.77 || { cat said; false; }
	is_out 203.0.113.77
	is_out 203.0.113.7
	[ "$(asked deb.example.org A)" = "203.0.113.7 203.0.113.8" ]
	is_in 203.0.113.7 203.0.113.8
	is_out 2001:db8::7
	[ "$(asked deb.example.org AAAA)" = 2001:db8::7 ]
	is_in 2001:db8::7
	[ "$(asked mirror.deb.example.org A)" = 203.0.113.9 ]
	is_in 203.0.113.9
	is_out 203.0.113.77
	# it belongs to run time: an apply keeps it, and nothing differs
	sed 's/http, https/https/' "$examples/names.fwc" | candidate
	fwc apply
	is_in 203.0.113.7 2001:db8::7
	fwc diff
	run -0 "$FWC" --netns "$NS" --state "$WORK/state" explain --live '192.168.1.9@lan -> 203.0.113.7@wan https' "$WORK/policy.fwc"
	[[ $output == *"allow lan"*"updates@wan"* ]]
}
