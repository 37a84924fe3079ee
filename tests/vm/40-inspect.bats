#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # net.bash sets them
# Connections judged by what their clients say first: from the policy to the packet.

load net.bash
load inspect.bash

setup_file() {
	net_up
	mkdir -p "$state"
	cat >"$state/policy.fwc" <<-'P'
		forwarding on
		zone inside  { interface inside }
		zone outside { interface outside }
		inspect inside -> outside tcp/443-444, udp/443-444, tcp/80, udp/53, tcp/22 with names
		inspect inside -> outside tcp/2222 with no-openssh
		allow   inside -> outside
		inspector no-openssh {
			deny  ssh "SSH-2.0-OpenSSH*"
			allow any
		}
		inspector names {
			deny   sni "*.casino.example", "casino.example", "example.com"
			reject host "casino.example"
			deny   dns "casino.example"
			reject ssh "SSH-2.0-bad*"
			deny   payload "^GET /bad"
			reject dns "refused.example"
			reject sni "refused.example"
			deny   alpn "xmpp-client"
			reject ja4 "t12d1*", "t12d2*", "t12d3*" # ten ciphers and more, up to TLS 1.2
			allow  any
		}
	P
	fw compile "$state/policy.fwc"
	fw apply
	openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=server -days 2 -keyout "$state/key" \
		-out "$state/cert" 2>/dev/null
	cat "$state/key" >>"$state/cert"
	PEER_CERT=$state/cert serve 443 80 53 22 2222 8080
	inspectd
}

teardown_file() {
	cat "$state/inspectd.log"
	inspectd_stop
	kill "$(cat "$state/served.pid")"
	net_down
}

@test "vm: an inspect policy compiles, is proved, and applies" {
	grep -q '"proof": "proved"' "$state/candidate/manifest.json"
	run fw diff
	echo "$output"
	[ "$status" = 0 ]
	[ -z "$output" ]
}

@test "vm: named sites are denied, others work, in both families" {
	run peer tls,10.0.1.2,www.example.org tls,fd00:1::2,www.example.org \
		tls,10.0.1.2,www.casino.example tls,fd00:1::2,casino.example
	echo "$output"
	ask status || true
	[ "${lines[0]}" = "tls 10.0.1.2 www.example.org passed" ]
	[ "${lines[1]}" = "tls fd00:1::2 www.example.org passed" ]
	[ "${lines[2]}" = "tls 10.0.1.2 www.casino.example nothing" ]
	[ "${lines[3]}" = "tls fd00:1::2 casino.example nothing" ]
}

@test "vm: OpenSSL on both sides: a handshake, and none with a name, a protocol or a fingerprint that is denied" {
	run peer openssl,10.0.1.2,www.example.org openssl,fd00:1::2,www.example.org \
		openssl,10.0.1.2,www.casino.example openssl,fd00:1::2,www.casino.example \
		openssl,10.0.1.2,www.example.org/h2 openssl,10.0.1.2,www.example.org/xmpp-client \
		openssl,10.0.1.2,www.example.org/1.2
	echo "$output"
	[ "${lines[0]}" = "openssl 10.0.1.2 www.example.org passed" ]
	[ "${lines[1]}" = "openssl fd00:1::2 www.example.org passed" ]
	[ "${lines[2]}" = "openssl 10.0.1.2 www.casino.example nothing" ]
	[ "${lines[3]}" = "openssl fd00:1::2 www.casino.example nothing" ]
	[ "${lines[4]}" = "openssl 10.0.1.2 www.example.org/h2 passed" ]
	[ "${lines[5]}" = "openssl 10.0.1.2 www.example.org/xmpp-client nothing" ]
	[ "${lines[6]}" = "openssl 10.0.1.2 www.example.org/1.2 refused" ]
}

# All at the same time: a process takes its time to start here. The server ends after a word.
@test "vm: curl, openssl and node, whose hello has a post-quantum key: those whose name may pass" {
	local name tool tools=(curl openssl) pids=()
	command -v node >/dev/null && tools+=(node)
	with_curl() { curl -sk --http0.9 --max-time 100 --resolve "$1:444:10.0.1.2" "https://$1:444/"; }
	with_openssl() { echo me | timeout 100 openssl s_client -ign_eof -connect 10.0.1.2:444 -servername "$1"; }
	with_node() {
		timeout 100 node -e 'const s = require("tls").connect({host: "10.0.1.2", port: 444,
			servername: process.argv[1], rejectUnauthorized: false}, () => s.write("me"))
			s.on("data", d => { console.log(String(d)); process.exit() }).on("error", e => {
				console.log(e.code); process.exit(1) })' "$1"
	}
	export -f with_curl with_openssl with_node
	for tool in "${tools[@]}"; do
		for name in www.example.org refused.example; do
			ip netns exec client bash -c "with_$tool $name" >"$state/$tool.$name" 2>&1 3>&- &
			pids+=($!)
		done
	done
	wait "${pids[@]}" || true
	for tool in "${tools[@]}"; do
		head -c 300 "$state/$tool".*
		grep -q 'seen ' "$state/$tool.www.example.org"
		[ "$(grep -c 'seen ' "$state/$tool.refused.example")" = 0 ]
	done
}

# The server sends back what it gets, which ssh takes for the server's own greeting.
@test "vm: ssh itself: its greeting comes there, and not where it is denied" {
	local pid denied=0
	with_ssh() {
		exec ip netns exec client timeout "$1" ssh -v -F none -o BatchMode=yes -o StrictHostKeyChecking=no -p "$2" \
			me@10.0.1.2 true >"$state/ssh.$2" 2>&1 3>&-
	}
	with_ssh 100 2222 &
	pid=$!
	(with_ssh 100 22) || true # no keys follow
	for _ in $(seq 300); do
		denied=$(field "[r['deny'] for r in status['rules'] if r['inspector'] == 'no-openssh'][0]")
		[ "$denied" = 0 ] || break
		sleep 0.1
	done
	kill "$pid"
	wait "$pid" || true
	cat "$state"/ssh.*
	grep -q 'remote software version OpenSSH' "$state/ssh.22"
	[ "$denied" = 1 ]
	grep -q 'Connection established' "$state/ssh.2222"
	[ "$(grep -c 'remote software version' "$state/ssh.2222")" = 0 ]
}

# The datagrams of RFC 9001 A.2 and RFC 9369 A.2 name example.com; the hybrid hello is in two of them.
@test "vm: QUIC: names in the first datagram, of both versions, and over two" {
	run peer quic,10.0.1.2,quic_v1 quic,fd00:1::2,quic_v2 quic,10.0.1.2,quic_hybrid_1+quic_hybrid_2 \
		quic,fd00:1::2,quic_hybrid_2+quic_hybrid_1
	echo "$output"
	[ "${lines[0]}" = "quic 10.0.1.2 quic_v1 0 of 1" ]
	[ "${lines[1]}" = "quic fd00:1::2 quic_v2 0 of 1" ]
	[ "${lines[2]}" = "quic 10.0.1.2 quic_hybrid_1+quic_hybrid_2 2 of 2" ]
	[ "${lines[3]}" = "quic fd00:1::2 quic_hybrid_2+quic_hybrid_1 2 of 2" ]
}

@test "vm: another connection of QUIC between the same ports is judged, and the first one lives on" {
	run ip netns exec client python3 - "$BATS_TEST_DIRNAME" <<-'P'
		import socket, sys
		sys.path.insert(0, sys.argv[1])
		from peer import vector
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.connect(("10.0.1.2", 443))
		def sent(wait, *messages):
		    s.settimeout(wait)
		    for message in messages:
		        s.send(message)
		    try:
		        return sum(bool(s.recv(100)) for _ in messages)
		    except OSError:
		        return 0
		print(sent(20, vector("quic_hybrid_1"), vector("quic_hybrid_2")))
		print(sent(2, vector("quic_denied")))
		print(sent(2, vector("quic_denied_same_cid")))
		print(sent(20, b"\x43 short header"), sent(20, vector("quic_ack")), sent(20, vector("quic_handshake")))
		print(sent(2, vector("quic_denied")))
	P
	echo "$output"
	[ "${lines[0]}" = 2 ]
	[ "${lines[1]}" = 0 ]
	[ "${lines[2]}" = 0 ]
	[ "${lines[3]}" = "1 1 1" ]
	[ "${lines[4]}" = 0 ]
}

# The name that they say is that of the server as they know it: /etc/hosts has it, for them alone.
@test "vm: ngtcp2: a page by HTTP/3 from a name that may pass, and not a word with one that is denied" {
	local name end before now pids=()
	command -v gtlsclient >/dev/null && command -v gtlsserver >/dev/null || skip "ngtcp2 is not installed"
	both() { field "[' '.join(str(r[v]) for v in ('allow', 'deny')) for r in status['rules'] if r['inspector'] == 'names'][0]"; }
	before=$(both)
	mkdir "$state/www"
	echo 'seen over HTTP/3' >"$state/www/page"
	echo 10.0.1.2 www.example.org www.casino.example >"$state/hosts"
	ip netns exec server gtlsserver -q -d "$state/www" 10.0.1.2 444 "$state/key" "$state/cert" \
		>"$state/h3.served" 2>&1 3>&- &
	pids+=($!)
	end=$((SECONDS + 60))
	until [ -n "$(ip netns exec server ss -Huln 'sport = 444')" ] || [ $SECONDS -ge $end ]; do sleep 0.2; done
	for name in www.casino.example www.example.org; do
		mkdir "$state/h3.$name"
		# shellcheck disable=SC2016 # that shell's
		ip netns exec client sh -c 'mount --bind "$1/hosts" /etc/hosts && exec timeout 100 gtlsclient -q \
			--handshake-timeout=90s --timeout=90s --exit-on-all-streams-close --download="$1/h3.$2" \
			"$2" 444 "https://$2/page"' sh "$state" "$name" >"$state/h3.$name.log" 2>&1 3>&- &
		pids+=($!)
	done
	wait "${pids[2]}" || true # the one that may pass
	end=$((SECONDS + 60))
	until now=$(both) && [ "${now#* }" != "${before#* }" ] || [ $SECONDS -ge $end ]; do sleep 0.2; done
	kill "${pids[@]}" || true
	wait "${pids[@]}" || true
	head -c 500 "$state"/h3.*.log "$state/h3.served"
	echo "allowed and denied: $before, then $now"
	[ "$now" = "$((${before% *} + 1)) $((${before#* } + 1))" ]
	grep -q 'seen over HTTP/3' "$state/h3.www.example.org/page"
	[ ! -s "$state/h3.www.casino.example/page" ]
}

@test "vm: HTTP, DNS, SSH: denied without a word, or rejected by a reset" {
	run peer http,10.0.1.2,www.example.org http,10.0.1.2,casino.example \
		dns,10.0.1.2,www.example.org dns,10.0.1.2,casino.example \
		dns,fd00:1::2,casino.example ssh,10.0.1.2,good ssh,10.0.1.2,bad_1
	echo "$output"
	[ "${lines[0]}" = "http 10.0.1.2 www.example.org passed" ]
	[ "${lines[1]}" = "http 10.0.1.2 casino.example refused" ]
	[ "${lines[2]}" = "dns 10.0.1.2 www.example.org passed" ]
	[ "${lines[3]}" = "dns 10.0.1.2 casino.example nothing" ]
	[ "${lines[4]}" = "dns fd00:1::2 casino.example nothing" ]
	[ "${lines[5]}" = "ssh 10.0.1.2 good passed" ]
	[ "${lines[6]}" = "ssh 10.0.1.2 bad_1 refused" ]
}

@test "vm: of UDP each look-up is judged, and what is denied or rejected closes no port" {
	run ip netns exec client python3 - <<-'P'
		import socket, struct
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.settimeout(2)
		s.connect(("10.0.1.2", 53))
		def ask(name, flags=0x100):
		    labels = b"".join(bytes([len(l)]) + l.encode() for l in name.split("."))
		    try:
		        s.send(struct.pack("!6H", 1, flags, 1, 0, 0, 0) + labels + b"\0\0\1\0\1")
		        return "answered" if s.recv(100) else ""
		    except socket.timeout:
		        return "nothing"
		    except OSError:
		        return "refused"
		for name in "www.example.org", "casino.example", "www.example.org", "refused.example", "www.example.org":
		    print(ask(name))
		print(ask("casino.example", 0x140))
		s.send(b"x")
		s.recv(100)
		print(ask("casino.example"), ask("www.example.org"))
	P
	echo "$output"
	[ "${lines[0]}" = answered ]
	[ "${lines[1]}" = nothing ]
	[ "${lines[2]}" = answered ]
	[ "${lines[3]}" = refused ]
	[ "${lines[4]}" = answered ]
	[ "${lines[5]}" = nothing ]
	[ "${lines[6]}" = "nothing answered" ]
}

@test "vm: a hello of post-quantum size: in two segments, swapped, doubled, byte by byte" {
	# our own TCP: the kernel of the client must not reset what it does not know
	ip netns exec client nft 'table ip quiet { chain c { type filter hook output priority 0;
		tcp sport 20000-29999 tcp flags rst tcp window 0 drop; }; }'
	run peer large,10.0.1.2,www.example.org large,10.0.1.2,a.casino.example \
		swapped,10.0.1.2,www.example.org swapped,10.0.1.2,a.casino.example \
		duplicated,10.0.1.2,www.example.org duplicated,10.0.1.2,a.casino.example \
		overlapping,10.0.1.2,www.example.org overlapping,10.0.1.2,a.casino.example \
		backwards,10.0.1.2,www.example.org backwards,10.0.1.2,a.casino.example \
		bytes,10.0.1.2,www.example.org bytes,10.0.1.2,a.casino.example
	echo "$output"
	ip netns exec client nft delete table ip quiet
	for i in 0 2 4 6 8 10; do [[ ${lines[$i]} = *"www.example.org passed" ]]; done
	for i in 1 3 5 7 9 11; do [[ ${lines[$i]} = *"a.casino.example nothing" ]]; done
}
