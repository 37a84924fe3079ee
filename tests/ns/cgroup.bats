#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # lib.bash and bats set variables
# Rules by control group: whose processes may send, while groups come and go.

load ../lab/lab

setup_file() {
	lab_begin
	lab_firewall fw
	lab_host wan
	lab_cable wan:eth0 fw:eth1
	lab_addr fw eth1 198.51.100.1/24 2001:db8:2::1/64
	lab_addr wan eth0 198.51.100.9/24 2001:db8:2::9/64
	ROOT=/sys/fs/cgroup
	[ "$(stat -f -c %T $ROOT)" = cgroup2fs ] || ROOT=$ROOT/unified
	TOP=$LAB-$RANDOM
	export ROOT TOP
}

teardown_file() {
	gone mail/in mail web 2>/dev/null || true
	rmdir "$ROOT/$TOP" 2>/dev/null || true
	lab_end
}

setup() {
	[ "$(stat -f -c %T "$ROOT" 2>/dev/null)" = cgroup2fs ] || skip "no cgroup v2 is mounted"
	[ -d "$ROOT/$TOP" ] || mkdir "$ROOT/$TOP" || skip "nobody may make a control group here"
}

made() { for c in "$@"; do [ -d "$ROOT/$TOP/$c" ] || mkdir "$ROOT/$TOP/$c"; done; }
# A process that has ended is not quite gone from its group at once.
gone() {
	for c in "$@"; do
		for _ in $(seq 600); do
			[ -d "$ROOT/$TOP/$c" ] || break
			rmdir "$ROOT/$TOP/$c" 2>/dev/null || sleep 0.05
		done
		[ ! -d "$ROOT/$TOP/$c" ]
	done
}
number() { stat -c %i "$ROOT/$TOP/$1"; }
policy() {
	printf '%s\n' 'zone wan { interface eth1 }' "$@" >"$LAB_DIR/cgroup.fwc"
}
rules() {
	policy "$@"
	lab_apply fw "$LAB_DIR/cgroup.fwc"
}
set_of() { # by another implementation: what the manual says of its name
	local last=${1##*/}
	echo "cgroup.$(printf %s "$TOP/$1" | sha256sum | cut -c1-8).$(printf %.15s "$last")"
}

# sends GROUP PORT: whether a process of that group may (".": of none of ours), by IPv4 and IPv6
sends() {
	bash -c 'echo $$ >"$1" && shift && exec "$@"' - "$ROOT/$([ "$1" = . ] || echo "$TOP/$1")/cgroup.procs" \
		ip netns exec "$LAB-fw" /usr/bin/python3 - "$2" <<-'END'
		import socket, sys
		sent = []
		for f, to in ((socket.AF_INET, '198.51.100.9'), (socket.AF_INET6, '2001:db8:2::9')):
		    s = socket.socket(f, socket.SOCK_DGRAM)
		    try:
		        s.sendto(b'x', (to, int(sys.argv[1])))
		        sent.append('passes')
		    except PermissionError:
		        sent.append('dropped')
		print(*sent)
	END
}

@test "cgroup: rules go by whose processes they are; what is not there costs its rule alone" {
	made mail mail/in
	gone web
	policy "allow self -> wan udp/9 cgroup \"$TOP/mail\"" \
		"allow self -> wan udp/10 cgroup \"$TOP/mail/in\"" \
		"allow self -> wan udp/11 cgroup \"$TOP/web\"" \
		'allow self -> wan udp/12'
	lab_fwc fw compile "$LAB_DIR/cgroup.fwc"
	run lab_fwc fw apply
	echo "$output"
	[ "$status" = 0 ]
	[[ $output == *"cgroup.fwc:4: there is no cgroup $TOP/web: its rules match nothing"* ]]
	[[ $output != *"cgroup.fwc:2"* ]]
	[ "$(sends mail 9)" = "passes passes" ]
	[ "$(sends mail/in 9)" = "passes passes" ] # and what is below
	[ "$(sends mail/in 10)" = "passes passes" ]
	[ "$(sends mail 10)" = "dropped dropped" ]
	[ "$(sends . 9)" = "dropped dropped" ]
	[ "$(sends . 12)" = "passes passes" ]
	[ "$(sends mail 11)" = "dropped dropped" ]
	# it comes to be: refresh, and no apply
	made web
	[ "$(sends web 11)" = "dropped dropped" ]
	lab_fwc fw history >"$LAB_DIR/history"
	run lab_fwc fw refresh
	echo "$output"
	[ "$status" = 0 ]
	[ "$output" = "$(set_of web): changed, 1 added, 0 deleted, 1 element" ] ||
		[ "$output" = "$(set_of web): changed, 1 added, 1 element" ]
	[ "$(sends web 11)" = "passes passes" ]
	[ "$(sends mail 11)" = "dropped dropped" ]
	lab_fwc fw history | diff "$LAB_DIR/history" -
	lab_fwc fw diff
	lab_fwc fw status
	run lab_fwc fw refresh
	[ -z "$output" ]
}

@test "cgroup: one that comes again has another number; nobody has the old one" {
	local old
	made web
	rules "allow self -> wan udp/11 cgroup \"$TOP/web\""
	old=$(number web)
	[ "$(sends web 11)" = "passes passes" ]
	gone web
	made web
	[ "$(number web)" != "$old" ]
	[ "$(sends web 11)" = "dropped dropped" ]
	lab_fwc fw refresh "$TOP/web"
	[ "$(sends web 11)" = "passes passes" ]
	gone web
	run lab_fwc fw refresh "$TOP/web"
	[ "$status" = 0 ]
	[[ $output == *"1 deleted, 0 elements"* ]]
	run lab_fwc fw status
	[ "$status" = 0 ]
	[[ $output == *"$TOP/web: not there (cgroup): its rules match nothing"* ]]
	# what systemd's NFTSet= puts there is what refresh would: nothing changes
	made web
	lab_in fw /usr/bin/python3 - "$(set_of web)" "$(number web)" <<-'END'
		import socket, struct, sys
		def attr(kind, data):
		    n = 4 + len(data)
		    return struct.pack("=HH", n, kind) + data + bytes(-n % 4)
		def message(kind, flags, seq, family, res, data=b""):
		    body = struct.pack("=BBH", family, 0, socket.htons(res)) + data
		    return struct.pack("=IHHII", 16 + len(body), kind, flags, seq, 0) + body
		key = attr(0x8001, attr(1, struct.pack("=Q", int(sys.argv[2]))))
		elements = attr(0x8003, attr(0x8001, key))
		name = attr(1, b"fwc\0") + attr(2, sys.argv[1].encode() + b"\0")
		s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
		s.send(message(16, 1, 0, 0, 10) + message(10 << 8 | 12, 0x405, 1, 1, 0, name + elements) + message(17, 1, 2, 0, 10))
		error, = struct.unpack_from("=i", s.recv(4096), 16)
		assert not error, error
	END
	[ "$(sends web 11)" = "passes passes" ]
	run lab_fwc fw refresh "$TOP/web"
	[ "$output" = "$(set_of web): same, 1 element" ]
	[[ "$(lab_fwc fw set list)" == *"$TOP/web  cgroup, there ($(set_of web))"* ]]
	run lab_fwc fw set list "$TOP/web"
	[ "$output" = "$(printf '# cgroup "%s", there\n%s' "$TOP/web" "$(number web)")" ]
	run lab_fwc fw set add "$TOP/web" 192.0.2.1
	echo "$output"
	[ "$status" = 2 ]
	[[ $output == *"\`fwc refresh $(set_of web)\` looks it up"* ]]
	lab_fwc fw refresh "$(set_of web)"
}

@test "cgroup: an apply keeps what is there, and a boot finds what is there now" {
	made web mail
	rules "allow self -> wan udp/11 cgroup \"$TOP/web\""
	rules "allow self -> wan udp/11 cgroup \"$TOP/web\"" "allow self -> wan udp/9 cgroup \"$TOP/mail\""
	[ "$(sends web 11)" = "passes passes" ]
	[ "$(sends mail 9)" = "passes passes" ]
	[ "$(sends web 9)" = "dropped dropped" ]
	gone web
	made web
	lab_in fw nft flush ruleset
	lab_fwc fw boot
	[ "$(sends web 11)" = "passes passes" ]
	[ "$(sends mail 9)" = "passes passes" ]
	[ "$(sends . 9)" = "dropped dropped" ]
	gone mail/in mail
	lab_in fw nft flush ruleset
	lab_fwc fw boot
	[ "$(sends web 11)" = "passes passes" ]
	[ "$(sends . 9)" = "dropped dropped" ]
}

@test "cgroup: diff, explain and expectations speak of the path; a trace takes it for possible" {
	made web
	rules "allow self -> wan udp/11 cgroup \"$TOP/web\""
	policy "allow self -> wan udp/11 cgroup \"$TOP/mail\""
	run lab_fwc fw diff "$LAB_DIR/cgroup.fwc"
	echo "$output"
	[ "$status" = 1 ]
	[[ $output == *"cgroup \"$TOP/mail\""* ]]
	policy "allow self -> wan udp/11 cgroup \"$TOP/web\"" \
		"expect allow self -> wan udp/11 cgroup \"$TOP/web\"" \
		"expect deny self -> wan udp/12 cgroup \"$TOP/web\"" \
		'expect some allow self -> wan udp/11' \
		'expect some deny self -> wan udp/11'
	lab_fwc fw check "$LAB_DIR/cgroup.fwc"
	policy "allow self -> wan udp/11 cgroup \"$TOP/web\"" 'expect deny self -> wan udp/11'
	run lab_fwc fw check "$LAB_DIR/cgroup.fwc"
	[ "$status" = 1 ]
	policy "allow self -> wan udp/11 cgroup \"$TOP/web\"" 'expect allow self -> wan udp/11'
	run lab_fwc fw check "$LAB_DIR/cgroup.fwc"
	[ "$status" = 1 ]
	policy "allow self -> wan udp/11 cgroup \"$TOP/web\""
	run lab_fwc fw explain 'self -> wan udp/11' "$LAB_DIR/cgroup.fwc"
	echo "$output"
	[[ $output == *"while a process of cgroup web sends it"* ]]
	run lab_fwc fw explain --live 'self -> wan udp/11' "$LAB_DIR/cgroup.fwc"
	echo "$output"
	[ "$status" = 0 ]
	[[ $output == *"accept"* && $output == *drop* ]]
	[[ $output == *"a process of cgroup web sends it"* ]]
	lab_fwc fw flows
	# who is not there sends nothing: the kernel's set is empty
	gone web
	lab_fwc fw refresh
	run lab_fwc fw explain --live 'self -> wan udp/11' "$LAB_DIR/cgroup.fwc"
	echo "$output"
	[ "$status" = 0 ]
	[[ $output == *drop* && $output != *accept* && $output != *"cgroup web"* ]]
}
