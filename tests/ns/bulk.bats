#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2094 # the set of the kernel has the name of the file
# Bulk sets by netlink: what is put in is what nft lists, and a set that holds anything else than
# what it is to hold is told from it.

load ../lab/lab

setup() {
	lab_begin
	lab_host one
	job=$FWC_BUILD/tests/ns/bulk_job
	cd "$LAB_DIR" || return
	lab_in one nft add table inet fwc
}

teardown() {
	lab_end
}

# make NAME PROPERTIES
make() {
	lab_in one nft "add set inet fwc $1 { $2; }"
}

# addresses N: every third one
addresses() {
	python3 -c "
import ipaddress
for i in range($1): print(ipaddress.ip_address(0x0a000000 + 3 * i))"
}

# networks N FIRST BITS: every second one of those
networks() {
	python3 -c "
import ipaddress
first = ipaddress.ip_address('$2')
for i in range($1): print(f'{first + 2 * i * 2 ** (first.max_prefixlen - $3)}/$3')"
}

# differs SET PREFIX LIST WORDS: and what it says
differs() {
	run lab_in one "$job" compare "$1" "$2" <"$3"
	[ "$status" = 1 ]
	[[ $output == *"$4"* ]]
}

# with SET COMMAND...: nft does it; then PREFIX and LIST are compared with the set, and all is put back
with() {
	lab_in one nft "$1"
	differs "$2" "$3" "$4" "$5"
	lab_in one nft "$6"
	lab_in one "$job" compare "$2" "$3" <"$4"
}

@test "single addresses: exchanged, missing, one too many" {
	addresses 30000 >list
	make h "type ipv4_addr; size 30000"
	lab_in one "$job" fill h 32 <list
	lab_in one "$job" compare h 32 <list
	lab_in one nft list set inet fwc h | grep -oE '10\.[0-9.]+' | sort >listed
	sort list | cmp - listed
	with 'delete element inet fwc h { 10.0.0.30 }; add element inet fwc h { 10.0.0.31 }' h 32 list \
		'10.0.0.30 is not in it' \
		'delete element inet fwc h { 10.0.0.31 }; add element inet fwc h { 10.0.0.30 }'
	with 'delete element inet fwc h { 10.1.95.141 }' h 32 list '10.1.95.141 is not in it' \
		'add element inet fwc h { 10.1.95.141 }'
	head -n 29999 list >fewer
	differs h 32 fewer '30000 elements are in it in place of 29999'
	# what somebody left in it goes first
	tail -n 20000 list >other
	lab_in one "$job" refill h 32 <other
	lab_in one nft list set inet fwc h | grep -oE '10\.[0-9.]+' | sort >listed
	sort other | cmp - listed
	make six "type ipv6_addr; size 5000"
	networks 5000 2001:db8:: 128 | sed 's,/.*,,' >six
	lab_in one "$job" fill six 128 <six
	lab_in one "$job" compare six 128 <six
	with 'delete element inet fwc six { 2001:db8::1f4 }' six 128 six '2001:db8::1f4 is not in it' \
		'add element inet fwc six { 2001:db8::1f4 }'
}

@test "networks of one length in a hash, by their first addresses" {
	networks 5000 172.16.0.0 24 >list
	make h "type ipv4_addr; size 5000"
	lab_in one "$job" fill h 24 <list
	lab_in one "$job" compare h 24 <list
	lab_in one nft get element inet fwc h '{ 172.16.2.0 }' >/dev/null
	run lab_in one nft get element inet fwc h '{ 172.16.2.1 }'
	[ "$status" != 0 ]
}

@test "neighbours in a hash: one key after the other, of all of their ranges" {
	printf '%s\n' 10.0.0.1-10.0.0.3 10.0.0.9 255.255.255.254/31 >list
	make h "type ipv4_addr; size 6"
	lab_in one "$job" fill h 32 <list
	lab_in one "$job" compare h 32 <list
	lab_in one nft list set inet fwc h | grep -oE '[0-9]+\.[0-9.]+' | sort >listed
	printf '%s\n' 10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.9 255.255.255.254 255.255.255.255 | sort | cmp - listed
	with 'delete element inet fwc h { 10.0.0.2 }' h 32 list '10.0.0.2 is not in it' \
		'add element inet fwc h { 10.0.0.2 }'
	printf '%s\n' 10.0.0.1-10.0.0.2 10.0.0.9 255.255.255.254/31 >fewer
	differs h 32 fewer '6 elements are in it in place of 5'
	printf '%s\n' fd00::-fd00::2 >six
	make six "type ipv6_addr; size 3"
	lab_in one "$job" fill six 128 <six
	lab_in one "$job" compare six 128 <six
	lab_in one nft get element inet fwc six '{ fd00::1 }' >/dev/null
	printf '%s\n' 172.16.0.0/23 172.16.8.0/24 >nets
	make n "type ipv4_addr; size 3"
	lab_in one "$job" fill n 24 <nets
	lab_in one "$job" compare n 24 <nets
	lab_in one nft get element inet fwc n '{ 172.16.1.0 }' >/dev/null
}

# Above what is read by a dump, too.
intervals() { # SET LIST N
	make "$1" "type ipv4_addr; flags interval"
	lab_in one "$job" fill "$1" 0 <"$2"
	lab_in one "$job" compare "$1" 0 <"$2"
	with "delete element inet fwc $1 { 20.0.0.8/30 }; add element inet fwc $1 { 20.0.0.8/31 }" "$1" 0 "$2" 20.0.0.12 \
		"delete element inet fwc $1 { 20.0.0.8/31 }; add element inet fwc $1 { 20.0.0.8/30 }"
	with "delete element inet fwc $1 { 20.0.0.8/30 }" "$1" 0 "$2" '20.0.0.8 is not in it' \
		"add element inet fwc $1 { 20.0.0.8/30 }"
	with "add element inet fwc $1 { 20.0.0.4/31 }" "$1" 0 "$2" "" \
		"delete element inet fwc $1 { 20.0.0.4/31 }"
	with "add element inet fwc $1 { 240.0.0.0-255.255.255.255 }" "$1" 0 "$2" "" \
		"delete element inet fwc $1 { 240.0.0.0-255.255.255.255 }"
}

@test "intervals, few and many" {
	networks 5000 20.0.0.0 30 >few
	networks 70000 20.0.0.0 30 >many
	intervals few few
	intervals many many
	lab_in one nft list set inet fwc few | grep -oE '20\.[0-9./]+' >listed
	cmp few listed
}

@test "intervals from the first address to the last one, which nothing ends" {
	local family list

	printf '%s\n' 0.0.0.0/24 9.9.9.9 10.0.0.0-10.0.0.6 255.255.255.255 >four
	printf '%s\n' ::/64 2001:db8::-2001:db8::9 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff >six
	for family in four six; do
		make "$family" "type $([ $family = four ] && echo ipv4_addr || echo ipv6_addr); flags interval"
		lab_in one "$job" fill $family 0 <$family
		lab_in one "$job" compare $family 0 <$family
	done
	lab_in one nft list set inet fwc four >listed
	for list in 0.0.0.0/24 9.9.9.9 10.0.0.0-10.0.0.6 255.255.255.255; do
		grep -qF "$list" listed
	done
	lab_in one nft get element inet fwc six '{ ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff }' >/dev/null
	run lab_in one nft get element inet fwc four '{ 255.255.255.254 }'
	[ "$status" != 0 ]
}
