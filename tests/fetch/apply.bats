#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # lib.bash sets variables
# What apply asks for itself: content that nobody has asked for yet, and no other; it waits for no one for long.

load lib

setup_file() {
	fetch_begin
	zone '"mart.example": {"A": ["192.0.2.80"]}, "more.example": {"A": ["192.0.2.90"]}, "lists.example": {"A": ["'"$THEY"'"]}'
	printf '203.0.113.0/24\n' >"$WORK/www/list"
	printf '203.0.114.0/24\n' >"$WORK/www/other"
}
teardown_file() {
	[ -z "${NS:-}" ] || ip netns del "$NS-other" 2>/dev/null || true
	fetch_end
}

policy() { # names, path of the list, another line
	cat >"$WORK/policy.fwc" <<-END
	forwarding off
	zone out { interface out }
	host mart = dns ${1:-\"mart.example\"}
	set drops = url "https://lists.example/${2:-list}"
	drop drops@out -> any
	allow self -> mart@out tcp/80
	allow out -> self ssh
	allow self -> $THEY@out udp/53, tcp/53, https
	${3:-}
	END
	chmod 644 "$WORK/policy.fwc"
	fwc compile "$WORK/policy.fwc"
}
answers() { echo "nameserver $1" >"/etc/netns/$NS/resolv.conf"; }

@test "a first apply asks for names and lists, and the rules come with them" {
	policy
	run fwc apply --no-confirm
	echo "$output"
	[ "$status" = 0 ]
	[[ $output != *"is empty"* ]]
	[ "$(held mart.dns.v4)" = 192.0.2.80 ]
	[ "$(held drops.url.v4.net.bulk)" = 203.0.113.0/24 ]
	run fwc status
	echo "$output"
	[ "$status" = 0 ]
	[[ $output == *"2 sets are fresh"* ]]
}

@test "set list shows what they hold, from where and since when; nobody adds to them by hand" {
	run fwc set list mart
	echo "$output"
	[ "$status" = 0 ]
	[[ $output == '# dns "mart.example", as of '*', due '* ]]
	[ "$(grep -v '^#' <<<"$output")" = "$(printf '%-39s  -' 192.0.2.80)" ]
	fwc --json set list drops | /usr/bin/python3 -c '
import json, sys, time
j = json.load(sys.stdin)
assert (j["set"], j["kind"], j["source"]) == ("drops", "url", "https://lists.example/list"), j
assert j["elements"] == [{"address": "203.0.113.0/24"}] and j["stale"] is None and j["why"] is None, j
# a day, where the policy does not say
assert j["due"] == j["fetched"] + 86400, j'
	run fwc set list
	echo "$output"
	[[ $output == *"mart "*" 1 address, dns, as of "* ]]
	[[ $output == *"drops "*" 1 network, url, as of "* ]]
	for verb in "add drops 192.0.2.1" "delete drops 203.0.113.0/24" "flush drops"; do
		# shellcheck disable=SC2086 # words
		run fwc set $verb
		echo "$output"
		[ "$status" = 2 ]
		[[ $output == *"what 'drops' holds is fetched ($WORK/policy.fwc:4); \`fwc refresh drops\` renews it"* ]]
		case $verb in
		add*) [[ $output == *"hint: write 192.0.2.1, before url in the policy, then \`fwc reload\`"* ]] ;;
		delete*) [[ $output == *"hint: write !203.0.113.0/24 behind the other elements of 'drops' in the policy"* ]] ;;
		*) [[ $output == *"hint: \`fwc set list drops\` shows it"* ]] ;;
		esac
	done
	[ "$(held drops.url.v4.net.bulk)" = 203.0.113.0/24 ]
	# but everybody may ask
	[ "$(fwc set test drops 203.0.113.9)" = "203.0.113.9 is in drops" ]
	[ "$(fwc set test drops 203.0.113.128/25)" = "203.0.113.128/25 is in drops" ]
	[ "$(fwc set test mart 192.0.2.80)" = "192.0.2.80 is in mart" ]
	run fwc set test drops 203.0.113.9 203.0.112.0/23 2001:db8::1
	[ "$status" = 1 ]
	[ "$output" = "$(printf '%s\n' '203.0.113.9 is in drops' '203.0.112.0/23 is not in drops' '2001:db8::1 is not in drops')" ]
	fwc --json set test drops 203.0.113.9 | /usr/bin/python3 -c '
import json, sys
assert json.load(sys.stdin) == [{"address": "203.0.113.9", "in": True}]'
	run fwc set list drop
	[ "$status" = 2 ]
	[[ $output == *"no set is called 'drop'; did you mean 'drops'?"* ]]
	run fwc set list drops mart
	[ "$status" = 2 ]
	[[ $output == *"list takes the name of one set"* ]]
	fwc refresh drops
	# who names a set is told of it, also that nothing was to be done
	run fwc refresh drops
	[ "$status" = 0 ]
	[ "$output" = "drops: not due, 1 element (--force asks now)" ]
	# what fails is said
	mv "$WORK/www/list" "$WORK/www/away"
	run fwc refresh --force drops
	[ "$status" = 1 ]
	run fwc set list drops
	echo "$output"
	[[ $output == *", stale since "*"404"* ]]
	[[ $output == *203.0.113.0/24* ]]
	mv "$WORK/www/away" "$WORK/www/list"
	fwc refresh --force drops
}

@test "what is known is not asked for again" {
	local names lists
	names=$(asked mart.example)
	lists=$(asked /list lists)
	policy '' '' 'allow out -> self tcp/8080'
	fwc apply --no-confirm
	[ "$(asked mart.example)" = "$names" ]
	[ "$(asked /list lists)" = "$lists" ]
}

@test "other names, and another URL, are due at once: the next refresh asks" {
	policy '"mart.example", "more.example"'
	fwc apply --no-confirm
	[ "$(held mart.dns.v4)" = 192.0.2.80 ]
	fwc refresh
	[ "$(held mart.dns.v4)" = "$(printf '192.0.2.80\n192.0.2.90')" ]
	policy '"more.example"'
	fwc apply --no-confirm
	fwc refresh
	[ "$(held mart.dns.v4)" = 192.0.2.90 ]
	policy '"more.example"' other
	fwc apply --no-confirm
	# nothing opens meanwhile
	[ "$(held drops.url.v4.net.bulk)" = 203.0.113.0/24 ]
	fwc refresh
	[ "$(held drops.url.v4.net.bulk)" = 203.0.114.0/24 ]
}

shut_out() { held drops.url.v4.net.bulk; }
booted() { # by other rules than those that were in force
	inns nft flush ruleset
	run fwc boot
	echo "$output"
	[ "$status" = 0 ]
	[[ $output != *"is empty"* ]]
}

@test "what never answers takes nothing from what was asked before: rollback and boot have its last content" {
	policy
	fwc apply --no-confirm
	fwc refresh --force
	policy '"gone.example"' missing
	fwc apply --no-confirm
	run fwc refresh
	echo "$output"
	[ "$status" != 0 ]
	[ "$(shut_out)" = 203.0.113.0/24 ] # what is in the kernel stays until something better comes
	run fwc status
	echo "$output"
	[[ $output == *"drops: never fetched"* || $output == *"drops: stale"* ]]
	fwc rollback
	booted
	[ "$(shut_out)" = 203.0.113.0/24 ]
	[ "$(held mart.dns.v4)" = 192.0.2.80 ]
}

@test "two URLs that take turns: each has its last content, also where it does not answer now" {
	policy
	fwc apply --no-confirm
	fwc refresh
	policy '' other
	fwc apply --no-confirm
	fwc refresh
	[ "$(shut_out)" = 203.0.114.0/24 ]
	answers 198.51.100.99
	fwc rollback
	run fwc refresh drops
	[ "$status" != 0 ]
	[ "$(shut_out)" = 203.0.113.0/24 ] # its own last content, and not the other one's
	booted
	[ "$(shut_out)" = 203.0.113.0/24 ]
	answers "$THEY"
	fwc refresh --force
	[ "$(shut_out)" = 203.0.113.0/24 ]
	policy '' other
	answers 198.51.100.99
	fwc apply --no-confirm
	booted
	[ "$(shut_out)" = 203.0.114.0/24 ]
	answers "$THEY"
}

@test "killed while one takes the other's place: both are there" {
	local at
	for at in fetched-lists fetched-before fetched-saved; do
		rm -rf "$WORK/state"
		mkdir -m 700 "$WORK/state"
		inns nft flush ruleset
		policy
		fwc apply --no-confirm
		policy '' other
		fwc apply --no-confirm
		run env FWC_FAULT="$at" ip netns exec "$NS" "$FWC" --state "$WORK/state" refresh drops
		echo "$at: $status"
		[ "$status" = 137 ]
		fwc rollback
		booted
		[ "$(shut_out)" = 203.0.113.0/24 ]
		policy '' other
		fwc apply --no-confirm
		fwc refresh
		[ "$(shut_out)" = 203.0.114.0/24 ]
	done
}

@test "nobody answers: the rules are loaded, and what is empty is said with what to do" {
	rm -rf "$WORK/state"
	mkdir -m 700 "$WORK/state"
	inns nft flush ruleset
	answers 198.51.100.99
	policy
	run timeout 60 ip netns exec "$NS" "$FWC" --state "$WORK/state" --color=never apply --no-confirm
	echo "$output"
	[ "$status" = 0 ]
	[[ $output == *"'mart' is empty: nothing was fetched yet; \`fwc refresh mart\` asks again"* ]]
	[[ $output == *"'drops' is empty: nothing was fetched yet; \`fwc refresh drops\` asks again"* ]]
	[ -z "$(held mart.dns.v4)" ]
	answers "$THEY"
	# these rules look into it already: what a later apply gets is kept, and refresh puts it there
	fwc apply --no-confirm
	fwc refresh mart
	fwc refresh drops
	[ "$(held mart.dns.v4)" = 192.0.2.80 ]
	[ "$(held drops.url.v4.net.bulk)" = 203.0.113.0/24 ]
}

@test "--netns: names and lists are asked for where the rules are, by its resolv.conf and its certificates" {
	mkdir -m 700 "$WORK/there" "$WORK/cut"
	policy
	inns nft flush ruleset
	there() { "$FWC" --netns "$NS" --state "$WORK/there" --color=never "$@"; }
	there compile "$WORK/policy.fwc"
	run there apply --no-confirm
	echo "$output"
	[[ $output != *"is empty"* ]]
	[ "$(held mart.dns.v4)" = 192.0.2.80 ]
	[ "$(held drops.url.v4.net.bulk)" = 203.0.113.0/24 ]
	zone '"mart.example": {"A": ["192.0.2.81"]}, "lists.example": {"A": ["'"$THEY"'"]}'
	there refresh --force
	[ "$(held mart.dns.v4)" = 192.0.2.81 ]
	# one without a way out gets no answers, whatever there is here
	ip netns add "$NS-other"
	cut() { inns "$FWC" --netns "$NS-other" --state "$WORK/cut" --color=never "$@"; }
	cut compile "$WORK/policy.fwc"
	run cut apply --no-confirm
	echo "$output"
	[ "$status" = 0 ]
	[[ $output == *"'mart' is empty: nothing was fetched yet"* ]]
	ip netns del "$NS-other"
	run cut refresh
	echo "$output"
	[ "$status" != 0 ]
	[[ $output == *"namespace '$NS-other'"* ]]
	zone '"mart.example": {"A": ["192.0.2.80"]}, "more.example": {"A": ["192.0.2.90"]}, "lists.example": {"A": ["'"$THEY"'"]}'
}

@test "while another one is asking, apply does not wait for it" {
	rm -rf "$WORK/state"
	mkdir -m 700 "$WORK/state"
	inns nft flush ruleset
	policy
	mkdir -m 700 "$WORK/state/fetched"
	: >"$WORK/state/fetched/lock"
	run flock "$WORK/state/fetched/lock" ip netns exec "$NS" "$FWC" --state "$WORK/state" --color=never apply --no-confirm
	echo "$output"
	[ "$status" = 0 ]
	[[ $output == *"\`fwc refresh mart\` asks again"* ]]
}
