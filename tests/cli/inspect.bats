#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # bats sets variables
# fwc inspect replay: captures in seven formats, made by tests/vectors/craft.py, which says what is
# in them. Needs neither root nor a kernel.

bats_require_minimum_version 1.5.0
FWC=${FWC:-fwc}
captures=$BATS_TEST_DIRNAME/../fuzz/corpus/capture

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	cat >p.fwc <<-'EOF'
		zone lan { interface eth0; network 192.168.1.0/24, fd00:1::/64 }
		zone wan { interface ppp0 }
		inspect lan -> wan tcp/443, udp/443, http, dns with family-filter
		inspector family-filter {
		    deny   sni "*.example.org"
		    reject host "ads.example"
		    deny   dns file "names.txt"
		    on-timeout allow
		    allow  any
		}
		inspector nothing { }
	EOF
	printf '# names\nWWW.example.org\n' >names.txt
	chmod go-w . p.fwc names.txt
	cat >wanted <<-'EOF'
		192.168.1.10:40000 -> 203.0.113.5:443 tcp tls "www.example.org": deny, p.fwc:5: deny sni "*.example.org"
		192.168.1.10:40001 -> 203.0.113.5:443 tcp tls "www.example.org": deny, p.fwc:5: deny sni "*.example.org"
		192.168.1.10:40002 -> 203.0.113.5:443 tcp tls "server": allow, p.fwc:9: allow any
		192.168.1.10:40000 -> 203.0.113.5:443 tcp tls "server": allow, p.fwc:9: allow any
		[fd00:1::10]:40003 -> [2001:db8::5]:443 tcp tls "www.example.org": deny, p.fwc:5: deny sni "*.example.org"
		192.168.1.10:40004 -> 203.0.113.5:443 udp quic "www.example.org": deny, p.fwc:5: deny sni "*.example.org"
		[fd00:1::10]:40005 -> [2001:db8::53]:53 udp dns "www.example.org": deny, p.fwc:7: deny dns file "names.txt"
		192.168.1.10:40006 -> 203.0.113.5:80 tcp http "ads.example": reject, p.fwc:6: reject host "ads.example"
		192.168.1.10:40007 -> 203.0.113.5:80 tcp http: deny (there are two Host headers), p.fwc:6: reject host "ads.example", p.fwc:4: on-error deny
		192.168.1.10:40008 -> 203.0.113.5:443 tcp tls: allow, p.fwc:8: on-timeout allow
		192.168.1.10:40009 -> 203.0.113.5:25 tcp: not inspected
		192.168.1.10:40010 -> 203.0.113.5:443 tcp: no payload
	EOF
}

@test "each connection, its name, verdict and line, in every format of captures" {
	for file in "$captures"/*; do
		echo "$file"
		"$FWC" inspect replay "$file" --policy p.fwc >got 2>said
		diff -u wanted got
		grep -q '^fwc: 1 IP fragments were skipped$' said
		grep -q '^fwc: 1 packets of connections that began before the capture$' said
	done
}

@test "--json says the same" {
	"$FWC" --json inspect replay "$captures/raw.pcap" --policy p.fwc >got
	python3 - <<-'EOF'
		import json
		j = json.load(open("got"))
		assert j["fragments"] == 1 and j["midway"] == 1 and j["cut"] == 0
		c = j["connections"]
		assert len(c) == 12
		# the members of the log, but for its time (fwc(8), inspect)
		assert (c[0]["from"], c[0]["sport"], c[0]["to"], c[0]["dport"]) == \
			("192.168.1.10", 40000, "203.0.113.5", 443)
		assert c[0]["rule_at"] == "p.fwc:3" and c[0]["inspector"] == "family-filter"
		assert c[0]["rule"] == "inspect lan -> wan tcp/443, udp/443, http, dns with family-filter"
		assert (c[0]["verdict"], c[0]["by"], c[0]["entry_at"]) == ("deny", "entry", "p.fwc:5")
		assert c[0]["entry"] == 'deny sni "*.example.org"' and "word" not in c[0]
		assert (c[5]["transport"], c[5]["protocol"], c[5]["name"]) == ("udp", "quic", "www.example.org")
		# OpenSSL's hello; tests/vectors/craft.py reckons the fingerprint
		assert (c[4]["tls_version"], c[4]["alpn"]) == ("1.3", ["h2", "http/1.1"])
		assert c[4]["ja4"] == "t13d1812h2_85036bcba153_d41ae481755e"
		assert c[5]["ja4"].startswith("q13d0306h2_") and c[2]["alpn"] == []
		assert all("ja4" not in c[i] for i in (6, 7, 8, 9, 10, 11))
		assert (c[8]["by"], c[8]["flaw"]) == ("on-error", "there are two Host headers")
		assert (c[8]["word"], c[8]["word_at"]) == ("on-error deny", "p.fwc:4") # where it is not said
		assert (c[9]["word"], c[9]["word_at"]) == ("on-timeout allow", "p.fwc:8")
		assert "inspector" not in c[10] and c[10]["verdict"] == "not inspected"
		assert c[11]["verdict"] == "no payload" and "by" not in c[11]
	EOF
}

@test "an entry looks at the protocols within TLS, or at the fingerprint" {
	cat >o.fwc <<-'EOF'
		zone lan { interface eth0 }
		zone wan { interface ppp0 }
		inspect lan -> wan tcp/443, udp/443 with offers
		inspector offers {
		    deny   ja4  "t13d1812h2_85036bcba153_d41ae481755e", "q*"
		    reject alpn "h3", "http/*"
		    allow  any
		}
	EOF
	"$FWC" inspect replay "$captures/raw.pcap" --policy o.fwc >got
	grep -qxF '[fd00:1::10]:40003 -> [2001:db8::5]:443 tcp tls "www.example.org": deny, o.fwc:5: deny ja4 "t13d1812h2_85036bcba153_d41ae481755e", "q*"' got
	grep -q '^192.168.1.10:40004 .* udp quic "www.example.org": deny, o.fwc:5:' got
	grep -q '^192.168.1.10:40000 .* "www.example.org": reject, o.fwc:6: reject alpn "h3", "http/\*"$' got
	grep -q '^192.168.1.10:40002 .* "server": allow, o.fwc:7' got
}

# Chromium 156 on Linux opens an HTTP/3 connection: its hello has a post-quantum key, goes over two
# datagrams, and is in shuffled pieces in both.
@test "QUIC as a browser has it: both of its datagrams, in either order; one alone is not enough" {
	local first='192.0.2.1:60989 -> 192.0.2.2:443 udp quic'
	cat >q.fwc <<-'P'
		zone lan { interface eth0 }
		zone wan { interface ppp0 }
		inspect lan -> wan udp/443 with web
		inspector web {
		    deny  sni "*.casino.example"
		    allow sni "*"
		}
	P
	chmod go-w q.fwc
	python3 - "$BATS_TEST_DIRNAME/../vectors/chromium-156.pcap" <<-'P'
		import struct, sys
		data = open(sys.argv[1], "rb").read()
		head, at, packets = data[:24], 24, []
		while at < len(data):
		    n = struct.unpack_from("<I", data, at + 8)[0]
		    packets.append(data[at:at + 16 + n])
		    at += 16 + n
		assert len(packets) == 2
		for name, some in ("both", packets), ("swapped", packets[::-1]), ("one", packets[:1]), ("other", packets[1:]):
		    open(name, "wb").write(head + b"".join(some))
	P
	for file in both swapped; do
		run -0 "$FWC" inspect replay $file --policy q.fwc
		echo "$output"
		[ "$output" = "$first \"chrome.casino.example\": deny, q.fwc:5: deny sni \"*.casino.example\"" ]
	done
	for file in one other; do
		run -0 "$FWC" inspect replay $file --policy q.fwc
		echo "$output"
		[[ $output = "$first"*": deny, "*"on-timeout deny" ]]
	done
	# as the fingerprints of Chrome are published: QUIC, TLS 1.3, a name, 3 ciphers (hashed), 12 extensions, h3
	"$FWC" --json inspect replay both --policy q.fwc >got
	python3 -c 'import json
c, = json.load(open("got"))["connections"]
assert c["ja4"].startswith("q13d0312h3_55b375c5d22e_") and c["alpn"] == ["h3"] and c["tls_version"] == "1.3", c'
}

capture() { # by a program
	PYTHONPATH=$BATS_TEST_DIRNAME python3 -Bc 'import os, struct, sys
from capture import udp, write
exec(sys.stdin.read())' "$@"
}

# The judge in earnest: tests/unit/test_evasion.c, test_lookups().
@test "of UDP each look-up has a line, and an empty datagram is none" {
	capture >udp.pcap <<-'P'
		def query(name):
		    return struct.pack("!6H", 1, 0x100, 1, 0, 0, 0) + b"".join(
		        bytes([len(l)]) + l.encode() for l in name.split(".")) + b"\0\0\1\0\1"
		names = query("www.example.org"), query("good.example"), query("www.example.org")
		write([udp(5000, 53, b"")] + [udp(5000, 53, q) for q in names] + [udp(5001, 53, b"")])
	P
	run -0 --separate-stderr "$FWC" inspect replay udp.pcap --policy p.fwc
	echo "$output"
	[ "${lines[0]}" = '192.168.1.10:5000 -> 203.0.113.5:53 udp dns "www.example.org": deny, p.fwc:7: deny dns file "names.txt"' ]
	[ "${lines[1]}" = '192.168.1.10:5000 -> 203.0.113.5:53 udp dns "good.example": allow, p.fwc:9: allow any' ]
	[ "${lines[2]}" = "${lines[0]}" ]
	[ "${lines[3]}" = '192.168.1.10:5001 -> 203.0.113.5:53 udp: no payload' ]
	[ "${#lines[@]}" = 4 ]
}

# The same in earnest: tests/unit/test_evasion.c, test_another_quic().
@test "each connection of QUIC between the same ports has a line, and what belongs to one is none" {
	capture "$BATS_TEST_DIRNAME/../fuzz/corpus/flow" >quic.pcap <<-'P'
		def vector(name):
		    return open(os.path.join(sys.argv[1], name), "rb").read()[3:]
		short = b"\x43 short header"
		write(udp(5000, 443, data) for data in (
		    vector("quic_v1"), vector("quic_v1"), vector("quic_ack"), vector("quic_handshake"), short,
		    vector("quic_denied_half"), short, vector("quic_denied_rest"), vector("quic_denied_same_cid"),
		    vector("quic_handshake"), short, vector("quic_other")))
	P
	sed 's/deny   sni "[^"]*"/deny sni "*.casino.example"/' p.fwc >c.fwc
	chmod go-w c.fwc
	run -0 --separate-stderr "$FWC" inspect replay quic.pcap --policy c.fwc
	echo "$output"
	[ "${lines[0]}" = '192.168.1.10:5000 -> 203.0.113.5:443 udp quic "example.com": allow, c.fwc:9: allow any' ]
	[ "${lines[1]}" = '192.168.1.10:5000 -> 203.0.113.5:443 udp quic "a.casino.example": deny, c.fwc:5: deny sni "*.casino.example"' ]
	[ "${lines[2]}" = "${lines[1]}" ]
	[ "${lines[3]}" = "${lines[0]}" ]
	[ "${#lines[@]}" = 4 ]
}

@test "--with gives every connection to one inspector" {
	"$FWC" inspect replay "$captures/raw.pcap" --policy p.fwc --with nothing >got 2>/dev/null
	[ "$(grep -c ': deny, default' got)" = 11 ]
	run -2 "$FWC" inspect replay "$captures/raw.pcap" --policy p.fwc --with nobody
	[[ $output == *"no inspector is called 'nobody'"* ]]
}

@test "lists as they are published, for every protocol that has names" {
	printf '%s\n' '# a hosts file' '127.0.0.1 localhost' '0.0.0.0 www.example.org  other.example' >hosts.txt
	printf '%s\n' '[Adblock Plus 2.0]' '! for DNS' '||example^' >adblock.txt
	cat >lists.fwc <<-'P'
		zone lan { interface eth0 }
		inspector exact { deny name file "hosts.txt"; deny unknown-protocol; allow any }
		inspector below { deny domain "org"; reject sni "none.example", file "adblock.txt"
			reject host file "adblock.txt"; deny unknown-protocol; allow any }
	P
	chmod go-w lists.fwc hosts.txt adblock.txt
	"$FWC" inspect replay "$captures/raw.pcap" --policy lists.fwc --with exact >got 2>/dev/null
	cat got
	# TLS three times, QUIC and DNS
	[ "$(grep -c '"www.example.org": deny, lists.fwc:2: deny name file "hosts.txt"' got)" = 5 ]
	[ "$(grep -c '"server": allow' got)" = 2 ]
	"$FWC" inspect replay "$captures/raw.pcap" --policy lists.fwc --with below >got 2>/dev/null
	cat got
	[ "$(grep -c '"www.example.org": deny, lists.fwc:3: deny domain "org"' got)" = 5 ]
	grep -q '"ads.example": reject, lists.fwc:4: reject host file "adblock.txt"' got
	"$FWC" compile --dump=inspect lists.fwc >got
	python3 - <<-'P'
		import json
		exact, below = json.load(open("got"))["inspectors"]
		assert exact["entries"][0] | {"at": "", "text": ""} == {"verdict": "deny", "look": "name", "at": "", "text": "",
			"names": ["localhost", "www.example.org", "other.example"]}, exact
		assert below["entries"][0]["look"] == "domain" and below["entries"][0]["names"] == ["org"]
		assert below["entries"][2]["names"] == ["example", "*.example"]
	P
	printf '%s\n' '@@||good.example^' "||x.example^\$third-party" >adblock.txt
	run -2 "$FWC" check --elsewhere lists.fwc
	echo "$output"
	[[ $output == *"adblock.txt:1:1: error: '@@||good.example^' cannot be looked for"* ]]
	[[ $output == *"adblock.txt:2:1: error: '||x.example^\$third-party' cannot be looked for"* ]]
	# fmt leaves the words as they are
	"$FWC" fmt lists.fwc | grep -q 'deny name file "hosts.txt"'
}

@test "what is no capture, not whole, or not there" {
	run -2 "$FWC" inspect replay p.fwc --policy p.fwc
	[[ $output == *"p.fwc is not a capture (pcap or pcapng)"* ]]
	: >empty
	run -2 "$FWC" inspect replay empty --policy p.fwc
	run -2 "$FWC" inspect replay absent --policy p.fwc
	[[ $output == *"fwc: error: cannot read absent: No such file or directory"* ]]
	head -c 2000 "$captures/raw.pcap" >part
	run -0 "$FWC" inspect replay part --policy p.fwc
	[[ $output == *"part: the last record is not whole"* ]]
	{ head -c 20 "$captures/raw.pcap"; printf '\x69\0\0\0'; tail -c +25 "$captures/raw.pcap"; } >wireless # 802.11
	run -0 "$FWC" inspect replay wireless --policy p.fwc
	[[ $output == *"wireless: there are packets of a link that cannot be read"* ]]
	run -2 "$FWC" inspect
	run -2 "$FWC" inspect replay
}

@test "compile --dump=inspect prints the tables, names of files in them" {
	"$FWC" compile --dump=inspect p.fwc >tables.json
	python3 - <<-'EOF'
		import json
		j = json.load(open("tables.json"))
		assert j["format"] == 1
		i = j["inspectors"][0]
		assert i["name"] == "family-filter" and i["on-timeout"] == "allow" and "on-error" not in i
		assert [e["verdict"] for e in i["entries"]] == ["deny", "reject", "deny", "allow"]
		assert i["entries"][2]["names"] == ["WWW.example.org"]
		assert j["inspectors"][1]["entries"] == []
	EOF
}

inspecting() { # name that is denied
	cat <<-P
		forwarding on
		zone lan { interface eth0 }
		zone wan { interface ppp0 }
		inspect lan -> wan tcp/443 with names
		allow lan -> wan
		inspector names {
			deny sni "$1"
			deny unknown-protocol
			allow any
		}
	P
}

@test "compile --elsewhere writes inspect.tables, bound to the manifest by its hash" {
	inspecting '*.casino.example' >p.fwc
	"$FWC" compile --elsewhere -o art p.fwc
	grep -q '"proof": "proved, but tried in no kernel"' art/manifest.json
	[ "$(python3 -c '
import hashlib, json, struct
all = open("art/inspect.tables", "rb").read()
head, names = struct.unpack_from("<II", all, 8)
t = json.loads(all[64:64 + head])
r, = t["rules"]
print(all[:8], 64 + head + names == len(all), hashlib.sha256(all[:32] + all[64:]).digest() == all[32:64],
      all[64 + head:].count(b"\x0f\x01\0\0.casino.example"), t["inspectors"][0]["entries"][0]["list"], r["inspector"],
      r["text"], t["queues"][0]["first"] == r["queue"], 4 <= r["id"] <= 255, t["mark"] == 0xff000000)')" = \
		"b'fwctabl2' True True 1 0 names inspect lan -> wan tcp/443 with names True True True" ]
	[ "$(sha256sum art/inspect.tables | cut -d' ' -f1)" = "$(python3 -c '
import json; print(json.load(open("art/manifest.json"))["inspect"]["sha256"])')" ]
	sed -i 's/casino/kasino/' art/inspect.tables
	run "$FWC" --state st apply art
	echo "$output"
	[ "$status" = 3 ]
	[[ $output = *"do not belong together"* ]]
	# a policy without inspection leaves no table behind
	sed '/inspect/,$d' p.fwc >q.fwc
	echo 'allow lan -> wan' >>q.fwc
	"$FWC" compile --elsewhere -o art q.fwc
	[ ! -e art/inspect.tables ]
}

@test "a list is written once, however many entries have it" {
	local i
	for i in $(seq 2000); do echo "host$i.ads.example"; done >ads.txt
	{
		echo 'zone lan { interface eth0 }; zone wan { interface ppp0 }'
		echo 'inspect lan -> wan tcp/443 with names; allow lan -> wan'
		echo 'inspector names {'
		printf '\tdeny %s file "ads.txt"\n' sni host dns
		echo '	allow sni "*", file "ads.txt"; }'
	} >p.fwc
	"$FWC" compile --elsewhere -o art p.fwc
	[ "$(grep -ao 'host77.ads.example' art/inspect.tables | wc -l)" = 1 ]
	# 22 bytes of text and up to 16 of slots a name
	[ "$(stat -c %s art/inspect.tables)" -lt $((2000 * 40 + 4000)) ]
	# as people see it, every entry has all its names
	[ "$("$FWC" compile --dump=inspect p.fwc | grep -c host77.ads.example)" = 4 ]
}

@test "check names what this kernel lacks for inspection" {
	{ inspecting x.example; echo 'allow self -> any'; } >p.fwc
	run "$FWC" check p.fwc
	echo "$output"
	if [ "$status" = 0 ]; then skip "this kernel has nft's queue"; fi
	[ "$status" = 3 ]
	[[ $output = *"p.fwc:4: error: the kernel refuses what this line compiles to"* ]]
	[[ $output = *"this kernel cannot do queues to user space (CONFIG_NFT_QUEUE)"* ]]
	run "$FWC" check --elsewhere p.fwc
	[ "$status" = 0 ]
	[ -z "$output" ]
}

@test "diff says which entries of an inspector change, though no packet's rule does" {
	inspecting a.example >a.fwc
	inspecting b.example >b.fwc
	run "$FWC" diff a.fwc b.fwc
	echo "$output"
	[ "$status" = 1 ]
	[[ $output = *"no packet changes"* ]]
	[[ $output = *"inspectors change"* ]]
	[[ $output = *'- a.fwc:7  inspector names: deny sni "a.example"'* ]]
	[[ $output = *'+ b.fwc:7  inspector names: deny sni "b.example"'* ]]
	{ echo '# a line more'; inspecting a.example; } >c.fwc
	run "$FWC" diff a.fwc c.fwc
	echo "$output"
	[ "$status" = 0 ]
	[ -z "$output" ]
	inspecting a.example | sed 's/allow any/&\n\ton-timeout allow/' >d.fwc
	run "$FWC" diff a.fwc d.fwc
	echo "$output"
	[ "$status" = 1 ]
	[[ $output = *"on-timeout deny"*"on-timeout allow"* ]]
}

@test "expect and explain: inspection is a fate of its own" {
	{ inspecting x.example; echo 'expect inspect lan -> wan https'; echo 'expect allow lan -> wan http'; } >p.fwc
	"$FWC" test p.fwc
	{ inspecting x.example; echo 'expect allow lan -> wan https'; } >p.fwc
	run "$FWC" test p.fwc
	[ "$status" = 1 ]
	run "$FWC" explain 'lan -> wan https' p.fwc
	[[ $output = *"inspect with names"*"p.fwc:4: inspect lan -> wan tcp/443 with names"*"inspected"* ]]
}

@test "inspect status says when nobody judges" {
	run "$FWC" --netns no-such-namespace inspect status
	echo "$output"
	[ "$status" = 3 ]
	[[ $output = *"fwc-inspectd is not running here"* ]]
	run "$FWC" inspect frobnicate
	[ "$status" = 2 ]
}

# A daemon that has decided much, and who listens at /dev/log. Numbers are counted, times are not.
@test "inspect log: to syslog, as many as wanted; what is left out is counted" {
	cat >both.py <<-'P'
		import atexit, json, os, re, socket, subprocess, sys, threading
		fwc, words, count = sys.argv[1], sys.argv[2].split(), int(sys.argv[3])
		daemon = socket.socket(socket.AF_UNIX)
		daemon.bind("daemon")
		daemon.listen(1)
		log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		log.bind("log")
		log.settimeout(60)
		process = subprocess.Popen([fwc, "inspect", "log", "--socket", "daemon", "--syslog=" + os.path.abspath("log"),
		                            *words], stderr=subprocess.DEVNULL)
		atexit.register(process.kill)
		line, _ = daemon.accept()
		assert json.loads(line.recv(100)) == {"ask": "log"}
		event = {"verdict": "allow", "by": "entry", "from": "192.0.2.1", "sport": 1, "to": "192.0.2.2", "dport": 443,
		         "transport": "tcp", "protocol": "tls", "name": "a\n<0>b\u202e.example", "lost": 0, "time": 1700000000}
		def decide():
		    line.sendall(b'{"ok":true}\n')
		    for i in range(count):
		        line.sendall(json.dumps({**event, "sport": i}).encode() + b"\n")
		    line.sendall(json.dumps({**event, "lost": 5, "verdict": "deny"}).encode() + b"\n")
		threading.Thread(target=decide, daemon=True).start()
		told = lost = 0
		while told + lost < count + 6:
		    text = log.recv(65536)
		    assert re.match(rb"<(30|29)>[A-Z][a-z]{2} [ 1-3][0-9] \d\d:\d\d:\d\d fwc-inspect\[\d+\]: {", text), text
		    assert all(32 <= c < 127 for c in text), text
		    j = json.loads(text[text.index(b"{"):])
		    assert set(j) == set(event) and j["name"] == event["name"]
		    assert text.startswith(b"<30>" if j["verdict"] == "allow" else b"<29>")
		    told, lost = told + 1, lost + j["lost"]
		    if j["verdict"] == "deny": break
		    if told == 1: assert j["sport"] == 0
		process.terminate()
		process.wait()
		print(told, lost)
	P
	# three seconds of 200 decisions each, all at once
	run timeout 120 python3 both.py "$FWC" "" 600
	echo "$output"
	[ "$output" = "601 5" ]
	rm daemon log
	run timeout 120 python3 both.py "$FWC" "--rate 1000" 2500
	echo "$output"
	[ "$output" = "2501 5" ]
	run "$FWC" inspect log --syslog=nowhere
	[ "$status" = 3 ]
	[[ $output = *"nothing takes a log at nowhere: No such file or directory"* ]]
	run "$FWC" inspect log --rate 0
	[ "$status" = 2 ]
	run "$FWC" inspect status --syslog
	[ "$status" = 2 ]
}

# In a /run of its own, so that it is nobody else's journal.
@test "inspect log: to systemd-journald itself, 200 decisions a second: none is lost, and no name speaks to terminals" {
	local journald=/lib/systemd/systemd-journald
	[ -x $journald ] && command -v journalctl >/dev/null || skip "there is no systemd-journald"
	[ -e /etc/machine-id ] && [ "$(id -u)" = 0 ] && unshare --mount true || skip "no mounts can be made"
	cat >real.py <<-'P'
		import atexit, json, os, socket, subprocess, sys, time
		fwc, journald, at = sys.argv[1], sys.argv[2], "/run/systemd/journal/dev-log"
		def until(what):
		    end = time.monotonic() + 60
		    while not (result := what()):
		        assert time.monotonic() < end, what
		        time.sleep(0.05)
		    return result
		def listens():
		    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		    return s.connect_ex(at) == 0
		def start(*words, **how):
		    process = subprocess.Popen(words, **how)
		    atexit.register(process.kill)
		    return process
		journal = start(journald)
		until(listens)
		daemon = socket.socket(socket.AF_UNIX)
		daemon.bind("daemon")
		daemon.listen(1)
		log = start(fwc, "inspect", "log", "--socket", "daemon", "--syslog=" + at)
		line, _ = daemon.accept()
		line.recv(100)
		names = ["www.example.org", "a\n<0>b.example", "\x1b]0;evil\x07\x1b[2J.example", "\u202e\x9b31m\x7f.example",
		         "\\x1b.example", "\r\t.example", 250 * "x" + ".example"]
		def decide(i):
		    line.sendall(json.dumps({"time": int(time.time()), "verdict": "allow" if i % 2 else "deny", "sport": i,
		                             "name": names[i % len(names)], "lost": 0}).encode() + b"\n")
		def journalctl(*words):
		    return subprocess.run(["journalctl", "-qD", "/run/log/journal", "-t", "fwc-inspect", *words],
		                          stdout=subprocess.PIPE, check=True).stdout
		def came(n):
		    told = [json.loads(x) for x in journalctl("-o", "json").splitlines()]
		    return told if len(told) >= n else None
		line.sendall(b'{"ok":true}\n')
		begun = time.monotonic()
		for i in range(600):
		    time.sleep(max(0.0, begun + i / 200 - time.monotonic()))
		    decide(i)
		told = until(lambda: came(600))
		for i, one in enumerate(told):
		    said = json.loads(one["MESSAGE"])
		    assert (said["sport"], said["lost"], said["name"]) == (i, 0, names[i % len(names)]), (i, one)
		    assert (one["PRIORITY"], one["SYSLOG_FACILITY"]) == ("6" if i % 2 else "5", "3"), one
		    assert one["SYSLOG_PID"] == one["_PID"] == str(log.pid), one
		for form in "cat", "short", "verbose":
		    text = journalctl("--all", "--no-pager", "-o", form)
		    assert text.count(b"evil") >= 85 and all(c == 10 or 32 <= c < 127 for c in text), form
		journal.terminate()
		journal.wait()
		os.path.exists(at) and os.unlink(at)
		journal = start(journald)
		until(listens)
		decide(600)
		assert json.loads(until(lambda: came(601))[600]["MESSAGE"])["lost"] == 0
		print("all")
	P
	cat >apart <<-'S'
		mount -t tmpfs run /run && mkdir -p /run/own /run/log /run/systemd
		printf '[Journal]\nStorage=volatile\nReadKMsg=no\nAudit=no\nForwardToSyslog=no\nForwardToWall=no\n' \
			>/run/own/journald.conf
		echo 0123456789abcdef0123456789abcdef >/run/own/machine-id
		[ ! -e /etc/systemd/journald.conf ] || mount --bind /run/own/journald.conf /etc/systemd/journald.conf
		mount --bind /run/own/machine-id /etc/machine-id
		exec "$@"
	S
	run timeout 200 unshare --mount sh apart python3 real.py "$FWC" $journald
	echo "$output"
	[ "${lines[-1]}" = all ]
}

@test "inspect log: to a syslogd that takes a stream, each line ends where syslog(3) ends it" {
	cat >stream.py <<-'P'
		import atexit, json, os, socket, subprocess, sys
		def listening(name):
		    s = socket.socket(socket.AF_UNIX)
		    s.bind(name)
		    s.listen(1)
		    s.settimeout(60)
		    return s
		daemon, log = listening("daemon"), listening("log")
		process = subprocess.Popen([sys.argv[1], "inspect", "log", "--socket", "daemon",
		                            "--syslog=" + os.path.abspath("log")], stderr=subprocess.DEVNULL)
		atexit.register(process.kill)
		taken, line, text = log.accept()[0], daemon.accept()[0], b""
		taken.settimeout(60)
		line.sendall(b'{"ok":true}\n' + b'{"verdict":"allow","lost":0,"time":1}\n' * 2)
		while text.count(b"}") < 2 or not text.endswith(b"\0"):
		    text += taken.recv(65536)
		lines = text.split(b"\0")
		assert len(lines) == 3 and all(json.loads(x[x.index(b"{"):]) for x in lines[:2]), text
		print("fine")
	P
	run timeout 120 python3 stream.py "$FWC"
	echo "$output"
	[ "$output" = fine ]
}

@test "inspect log --rate: a line says how many came before it and were left out" {
	cat >daemon.py <<-'P'
		import atexit, json, select, socket, subprocess, sys
		daemon = socket.socket(socket.AF_UNIX)
		daemon.bind("daemon")
		daemon.listen(1)
		process = subprocess.Popen([sys.argv[1], "--json", "inspect", "log", "--socket", "daemon", "--rate", "1"],
		                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
		atexit.register(process.kill)
		line, _ = daemon.accept()
		line.sendall(b'{"ok":true}\n' + b'{"verdict":"allow","lost":0,"time":1}\n' * 1000)
		sent, told, lost = 1000, 0, 0
		# three at once; the others are left out until there is room for one more, which tells of them
		while not lost:
		    while not select.select([process.stdout], [], [], 0.05)[0]:
		        line.sendall(b'{"verdict":"allow","lost":0,"time":1}\n')
		        sent += 1
		    lost, told = json.loads(process.stdout.readline())["lost"], told + 1
		    assert told > 3 or not lost
		assert told + lost <= sent, (told, lost, sent)
		process.terminate()
		process.wait()
		print("fine")
	P
	run timeout 60 python3 daemon.py "$FWC"
	echo "$output"
	[ "$output" = fine ]
}
