#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # lib.bash sets variables
# Sets of lists from the web: what servers send, and what they try.

load lib

setup_file() { fetch_begin; }
teardown_file() { fetch_end; }

url=https://lists.example
row() { # the rest of the URL, more of the row
	echo '{"name": "drops", "kind": "url", "url": "'"${3:-$url}/$1"'", "type": "interval"'"${2:+, $2}"'}'
}
list() { printf '%s\n' "$@" >"$WORK/www/list"; }
refused() { # what it says; the set is what it was
	run fwc refresh --force --timeout 3
	[ "$status" = 1 ]
	[[ $output == *"$1"* ]]
	holds drops.v4 192.0.2.0/24
}
# A list that came, and then another URL in its place: as if the server had changed its mind.
behind() { # the rest of the new URL, more of the row, where
	list 192.0.2.0/24
	sets "$(row list)"
	fwc refresh
	cp -r "$WORK/state/fetched" "$WORK/before"
	sets "$(row "$1" "${2:-}" "${3:-}")"
	inns nft add element inet fwc drops.v4 '{ 192.0.2.0/24 }'
	cp -r "$WORK/before" "$WORK/state/fetched"
	rm -r "$WORK/before"
	sed -i 's|"source": "[^"]*"|"source": "'"${3:-$url}/$1"'"|' "$WORK/state/fetched/drops.json"
}

@test "networks and ranges of both families, as in files of sets" {
	list '# a list' 192.0.2.0/24 198.18.0.1 '203.0.113.7 - 203.0.113.9' 2001:db8::/32 '192.0.2.128/25 ; inside'
	sets "$(row list)"
	fwc refresh
	holds drops.v4 192.0.2.0/24 198.18.0.1 203.0.113.7-203.0.113.9
	holds drops.v6 2001:db8::/32
}

@test "what changes is changed alone" {
	list 192.0.2.0/24 198.18.0.0/16 203.0.113.0/24 2001:db8::/32
	sets "$(row list)"
	fwc refresh
	list 192.0.2.0/24 198.18.0.0/17 203.0.113.0/24 2001:db8::/32 2001:dba::/32
	run fwc refresh --force
	[ "$status" = 0 ]
	[[ $output == *"drops: changed, 2 added, 1 deleted, 5 elements"* ]]
	holds drops.v4 192.0.2.0/24 198.18.0.0/17 203.0.113.0/24
	holds drops.v6 2001:db8::/32 2001:dba::/32
}

@test "a server that has nothing new says so, and is asked when the time has come" {
	list 192.0.2.0/24
	sets "$(row list '"refresh": 3600')"
	fwc refresh
	: >"$WORK/lists.log"
	fwc refresh
	[ ! -s "$WORK/lists.log" ]
	later drops 3601
	run fwc refresh
	[ "$status" = 0 ]
	[[ $output == *"drops: same, 1 element"* ]]
	[ "$(cat "$WORK/lists.log")" = "GET /list 304" ]
	list 192.0.2.0/25 198.18.0.0/16
	later drops 3601
	fwc refresh
	holds drops.v4 192.0.2.0/25 198.18.0.0/16
}

@test "compressed" {
	list 192.0.2.0/24 198.18.0.1
	sets "$(row gzip/list)"
	fwc refresh
	holds drops.v4 192.0.2.0/24 198.18.0.1
}

@test "404 leaves what was there" {
	behind 404/list
	refused "the server answers 404"
}

@test "a redirect is followed to https, and nowhere else" {
	list 192.0.2.0/24
	sets "$(row to/$url/list)"
	fwc refresh
	holds drops.v4 192.0.2.0/24
	behind to/file:///etc/passwd
	refused "it leads to file:///etc/passwd, which is not https"
	behind to/http://lists.example/list
	refused "which is not https"
	: >"$WORK/plain.log"
	[ ! -s "$WORK/plain.log" ]
	behind to/https://169.254.169.254/latest
	refused "an address of this machine or a private network"
	behind to/https://inside.example/list
	refused "an address of this machine or a private network"
	behind to/gopher://lists.example/
	refused "which is not https"
	behind "to/$url/to/$url/to/$url/to/$url/to/$url/to/$url/to/$url/list"
	refused "more than 5 redirects"
}

@test "http where the URL says so, and then also behind a redirect" {
	list 192.0.2.0/24
	sets "$(row list '' http://lists.example)"
	fwc refresh
	holds drops.v4 192.0.2.0/24
	sets "$(row "to/$url/list" '' http://lists.example)"
	fwc refresh
	holds drops.v4 192.0.2.0/24
}

@test "a server at a private address, or on this machine, is called only if the policy says private" {
	list 192.0.2.0/24
	sets "$(row list '' https://inside.example)"
	run fwc refresh
	[ "$status" = 1 ]
	[[ $output == *"write private"* ]]
	sets "$(row list '' https://127.0.0.1)"
	run fwc refresh
	[ "$status" = 1 ]
	[[ $output == *"write private"* ]]
	ip -n "$FAR" addr add 10.9.9.9/32 dev out
	inns ip route add 10.9.9.9 via "$THEY"
	zone '"lists.example": {"A": ["10.9.9.9"]}'
	serve inner "$here/lists.py" 10.9.9.9 80 "$WORK/www" "$WORK/inner.log"
	sets "$(row list '"private": true' http://lists.example)"
	fwc refresh
	holds drops.v4 192.0.2.0/24
	zone '"lists.example": {"A": ["'"$THEY"'"]}, "inside.example": {"A": ["127.0.0.1"]}'
}

@test "a server that others speak for is not believed" {
	list 192.0.2.0/24
	zone '"lists.example": {"A": ["'"$THEY"'"]}, "other.example": {"A": ["'"$THEY"'"]}'
	sets "$(row list '' https://other.example)"
	run fwc refresh
	[ "$status" = 1 ]
	holds drops.v4
	cp "/etc/netns/$NS/ssl/certs/ca-certificates.crt" "$WORK/trusted"
	openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=other -keyout /dev/null \
		-out "/etc/netns/$NS/ssl/certs/ca-certificates.crt" 2>/dev/null
	sets "$(row list)"
	run fwc refresh
	cp "$WORK/trusted" "/etc/netns/$NS/ssl/certs/ca-certificates.crt"
	[ "$status" = 1 ]
	[[ $output == *certificate* ]]
	holds drops.v4
}

@test "what never ends ends" {
	behind endless
	SECONDS=0
	refused "did not come to an end in 3 seconds"
	behind mute
	refused "did not come to an end in 3 seconds"
	[ "$SECONDS" -lt 25 ]
}

@test "a bomb is no list" {
	behind bomb
	run fwc refresh --force --timeout 30
	[ "$status" = 1 ]
	[[ $output == *"longer than 64 MB"* ]]
	holds drops.v4 192.0.2.0/24
}

@test "what ends early, or ends nobody knows where, is no list" {
	behind short/list
	refused "ended early"
	behind unbounded/list
	refused "does not say where its answer ends"
}

@test "what is no list is none, and its line is said" {
	behind page
	printf '<html>\n<p>We are sorry.\n' >"$WORK/www/page"
	refused "line 1: '<html>' is not an address"
	sets "$(row page '"lenient": true')"
	run fwc refresh
	[ "$status" = 1 ]
	printf '192.0.2.0/24\nsorry\n' >"$WORK/www/page"
	run fwc refresh --force
	[ "$status" = 0 ]
	[[ $output == *"1 of 2 lines"* ]]
	holds drops.v4 192.0.2.0/24
}

@test "a hash is compared, as itself or as a line of sha256sum" {
	list 192.0.2.0/24
	(cd "$WORK/www" && sha256sum list >list.sum && cut -d' ' -f1 list.sum >list.hash)
	sets "$(row list '"sha256": "'$url'/list.sum"')"
	fwc refresh
	holds drops.v4 192.0.2.0/24
	sets "$(row list '"sha256": "'$url'/list.hash"')"
	fwc refresh
	holds drops.v4 192.0.2.0/24
	# changed half way: as long as it says, and every line of it an address
	printf '192.0.2.128/25\n198.51.100.0/25\n' >"$WORK/www/list"
	printf '198.18.0.0/16\n203.0.113.0/25\n' >"$WORK/www/list.new"
	(cd "$WORK/www" && sha256sum list >list.sum && sha256sum list.new >list.new.sum)
	for sum in list.sum list.new.sum; do
		behind torn/list '"sha256": "'$url/$sum'"'
		printf '192.0.2.128/25\n198.51.100.0/25\n' >"$WORK/www/list"
		refused "not what its SHA-256 says"
	done
	list 192.0.2.0/24
	(cd "$WORK/www" && sha256sum list | cut -d' ' -f1 >list.hash)
	sets "$(row list '"sha256": "'$url'/list.hash"')"
	fwc refresh
	# changed between the one and the other
	list 198.18.0.0/16 198.51.100.0/25
	refused "not what its SHA-256 says"
	behind list '"sha256": "'$url'/404/sum"'
	refused "answers 404"
	printf 'no hash\n' >"$WORK/www/list.hash"
	behind list '"sha256": "'$url'/list.hash"'
	refused "holds no SHA-256"
}

@test "a list that loses more than half of itself is held back, and taken by force" {
	list 192.0.2.0/28 192.0.2.32/28 192.0.2.64/28 192.0.2.96/28 192.0.2.128/28
	sets "$(row list)"
	fwc refresh
	list 192.0.2.0/28 192.0.2.32/28
	later drops 90000
	run fwc refresh
	[ "$status" = 1 ]
	[[ $output == *"set drops: held back since "*"shrank from 5 ranges to 2; to take it: fwc refresh drops --force"* ]]
	[ "$(held drops.v4 | wc -l)" = 5 ]
	# and still so the next time: what was held back is not what a server may say is unchanged
	later drops 90000
	run fwc refresh
	[ "$status" = 1 ]
	[ "$(held drops.v4 | wc -l)" = 5 ]
	run fwc refresh drops --force
	[ "$status" = 0 ]
	holds drops.v4 192.0.2.0/28 192.0.2.32/28
	list 192.0.2.0/28
	later drops 90000
	fwc refresh
	holds drops.v4 192.0.2.0/28
}

@test "every address there is, or who is here over ssh, is held back even so" {
	for all in 0.0.0.0/0 ::/0 '0.0.0.0/1 128.0.0.0/1'; do
		behind list '"private": true'
		# shellcheck disable=SC2086 # several
		list 192.0.2.0/24 $all
		refused "it holds every address there is"
	done
	behind list
	list 192.0.2.0/24 203.0.113.0/24
	SSH_CONNECTION='203.0.113.9 4711 198.51.100.1 22' refused "it holds 203.0.113.9, from where somebody is here over ssh"
	behind list '"drops": false'
	list 192.0.2.0/24 203.0.113.0/24
	SSH_CONNECTION='203.0.113.9 4711 198.51.100.1 22' fwc refresh --force
	holds drops.v4 192.0.2.0/24 203.0.113.0/24
}

@test "somebody who is here over ssh is known by the sockets, too" {
	inns /usr/bin/python3 -c '
import socket, sys, time
listening = socket.create_server(("198.51.100.1", 22))
open(sys.argv[1], "w").close()
conn = listening.accept()[0]
open(sys.argv[2], "w").close()
time.sleep(600)' "$WORK/listens" "$WORK/speaks" 3>&- &
	for _ in $(seq 600); do [ ! -e "$WORK/listens" ] || break; sleep 0.05; done
	ip netns exec "$FAR" /usr/bin/python3 -c '
import socket, time
s = socket.create_connection(("198.51.100.1", 22))
time.sleep(600)' 3>&- &
	for _ in $(seq 600); do [ ! -e "$WORK/speaks" ] || break; sleep 0.05; done
	behind list
	list 192.0.2.0/24 "$THEY"
	refused "it holds $THEY, from where somebody is here over ssh"
}

@test "somebody who is here over ssh on another port is known by what runs in that session" {
	local there
	# another network namespace is another machine
	SSH_CONNECTION='203.0.113.8 4711 198.51.100.1 2222' ip netns exec "$FAR" sleep 600 3>&- &
	behind list
	list 192.0.2.0/24 203.0.113.0/29 203.0.113.8/29
	fwc refresh --force
	holds drops.v4 192.0.2.0/24 203.0.113.0/28
	SSH_CONNECTION='203.0.113.9 4711 198.51.100.1 2222' ip netns exec "$NS" sleep 600 3>&- &
	there=$!
	until [[ $(cat "/proc/$there/comm") = sleep ]]; do sleep 0.02; done
	behind list
	list 192.0.2.0/24 203.0.113.0/24
	refused "it holds 203.0.113.9, from where somebody is here over ssh"
	kill "$there"
	wait "$there" || true
}

@test "private networks in a list are left out, and that is said" {
	list 192.0.2.0/24 10.0.0.0/8 192.168.0.0/16 127.0.0.0/8 169.254.0.0/16
	sets "$(row list)"
	run fwc refresh
	[ "$status" = 0 ]
	[[ $output == *"4 ranges of it are of private networks and left out"* ]]
	holds drops.v4 192.0.2.0/24
	sets "$(row list '"private": true')"
	fwc refresh
	[ "$(held drops.v4 | wc -l)" = 5 ]
}

@test "max, and what the policy takes away" {
	list 192.0.2.0/24 198.18.0.0/16
	sets "$(row list '"max": 1')"
	run fwc refresh
	[ "$status" = 1 ]
	[[ $output == *"it holds 2 ranges, and max is 1"* ]]
	sets "$(row list '"max": 2, "without": ["198.18.5.0/24"]')"
	fwc refresh
	holds drops.v4 192.0.2.0/24 198.18.0.0-198.18.4.255 198.18.6.0-198.18.255.255
}

@test "expire empties it, and the next list fills it" {
	behind 404/list '"expire": 864000'
	later drops 864001
	run fwc refresh
	[ "$status" = 1 ]
	[[ $output == *"set drops: expired since"* ]]
	holds drops.v4
	list 192.0.2.0/24
	sed -i 's|/404/list|/list|' "$WORK/state/fetched/drops.json" "$WORK/state/applied/runtime.json"
	fwc refresh --force
	holds drops.v4 192.0.2.0/24
}

@test "another URL in the policy is another list" {
	list 192.0.2.0/24
	sets "$(row list)"
	fwc refresh
	sed -i 's|/list"|/404/list"|' "$WORK/state/applied/runtime.json"
	run fwc refresh
	[ "$status" = 1 ]
	[[ $output == *"404"* ]]
	# what the rules were loaded with is theirs until there is something better
	holds drops.v4 192.0.2.0/24
}

@test "a record that is damaged is asked for anew, and until it comes nothing changes" {
	behind 404/list
	echo '{' >"$WORK/state/fetched/drops.json"
	refused "404"
	behind list
	rm "$WORK"/state/fetched/*.elements
	run fwc refresh
	[ "$status" = 0 ]
	[[ $output == *"cannot be read"* ]]
	holds drops.v4 192.0.2.0/24
	[ "$(kept drops '"v4" in d')" = True ]
}
