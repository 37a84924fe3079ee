#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Lists that change a little: what is in force of them stays, and two small sets say what is
# different. Lists are those of 50 addresses on here.

load lib

export FWC_BULK_MIN=50
setup_file() {
	cli_begin
	addresses 60 >"$WORK/one.list"
	page one
	grep -c '\.bulk {' "$WORK/state/candidate/ruleset.nft" >"$WORK/made" || true
}

teardown_file() { cli_end; }

# addresses N: every third
addresses() {
	python3 -c "
import ipaddress
for i in range($1): print(ipaddress.ip_address(0x0a000000 + 3 * i))"
}

page() {
	chmod 644 "$WORK/$1.list"
	candidate "$1" <<-END
		forwarding off
		zone lan { interface eth0 }
		zone wan { interface eth1 }
		set bad = file "$1.list"
		drop bad@wan -> any
		allow wan -> self https
		allow lan -> self ssh
	END
}

begin() {
	[ "$(<"$WORK/made")" != 0 ] || skip "this build makes no bulk sets of short lists"
	inns nft flush ruleset
	rm -rf "$WORK/state"
	addresses 1000 >"$WORK/one.list"
	page one
	fwc apply >/dev/null
}

# Two go, three come.
change() {
	sed -i -e '/^10\.0\.0\.30$/d' -e '/^10\.0\.0\.33$/d' "$WORK/one.list"
	printf '%s\n' 10.0.0.31 10.9.9.9 192.0.2.7 >>"$WORK/one.list"
	fwc compile "$WORK/one.fwc"
}

names() { inns nft list sets inet 2>/dev/null | grep -o 'set [^ ]*\.bulk' | cut -d' ' -f2 | sort; }
named() { names | grep -- "$1"; }

# What the rules make of what the kernel's sets hold is the list.
holds() {
	inns nft list sets inet >"$WORK/sets"
	python3 - "$WORK/sets" "$WORK/one.list" <<-'END'
		import ipaddress, re, sys
		def addresses(words):
		    for w in words:
		        lo, _, hi = w.partition("-")
		        if hi:
		            yield from range(int(ipaddress.ip_address(lo)), int(ipaddress.ip_address(hi)) + 1)
		        else:
		            n = ipaddress.ip_network(lo)
		            yield from range(int(n[0]), int(n[-1]) + 1)
		held = {"base": set(), "less": set(), "more": set()}
		for name, body in re.findall(r"set (\S+\.bulk) \{(.*?)\n\t\}", open(sys.argv[1]).read(), re.S):
		    kind = next((k for k in ("less", "more") if "-" + k + "." in name), "base")
		    prefix = re.search(r"\.v4-([0-9]+)\.", name)
		    found = re.findall(r"\b\d+\.\d+\.\d+\.\d+(?:/\d+|-\d+\.\d+\.\d+\.\d+)?", body)
		    held[kind] |= set(addresses([f + "/" + prefix[1] if prefix else f for f in found]))
		want = set(addresses(open(sys.argv[2]).read().split()))
		got = (held["base"] - held["less"]) | held["more"]
		print(len(want), len(got), sorted(map(str, map(ipaddress.ip_address, want ^ got)))[:5])
		sys.exit(got != want)
	END
}

@test "a changed list: what is in force stays, and only what changed is sent, named, and told" {
	local base
	begin
	base=$(names)
	change
	grep -q '"proof": "proved"' "$WORK/state/candidate/manifest.json"
	run fwc diff
	echo "$output"
	[ "$status" = 1 ]
	[[ $output == *"newly dropped"* && $output == *"newly allowed"* ]]
	[[ $output == *"- "*"2 addresses, the first 10.0.0.30"* ]]
	[[ $output == *"+ "*"3 addresses, the first 10.0.0.31"* ]]
	[[ $output != *"chain"* ]]
	run fwc apply
	echo "$output"
	[[ $output == *"applied as generation 2: +3 -2 addresses" ]]
	[ "$(names | wc -l)" = 3 ]
	[ "$(named '\.v4\.')" = "$base" ]
	holds
	fwc status --deep
	fwc status --deep | grep -q '^lists  *3 sets, 1005 elements, read and compared'
	[[ $(fwc apply) == *"nothing to change"* ]]
	fwc diff
	fwc diff "$WORK/one.fwc"
	# the rules say so
	[[ $(fwc explain --live '10.0.0.30@wan -> self tcp/443' "$WORK/one.fwc") == *"one.fwc:6"* ]]
	[[ $(fwc explain --live '10.0.0.36@wan -> self tcp/443' "$WORK/one.fwc") == *"one.fwc:5"* ]]
	[[ $(fwc explain --live '192.0.2.7@wan -> self tcp/443' "$WORK/one.fwc") == *"one.fwc:5"* ]]
	# compiled anew it is the same
	cp "$WORK/state/candidate/ruleset.nft" "$WORK/before"
	fwc compile "$WORK/one.fwc"
	cmp "$WORK/before" "$WORK/state/candidate/ruleset.nft"
}

@test "one change after the other; back to what it was; and too many changes make it anew" {
	local base more
	begin
	base=$(names)
	change
	fwc apply >/dev/null
	more=$(named -more)
	printf '%s\n' 10.0.0.33 10.9.9.11 >>"$WORK/one.list" # one of the two is back
	fwc compile "$WORK/one.fwc"
	[[ $(fwc apply) == "applied as generation 3: +2 addresses" ]]
	[ "$(named '\.v4\.')" = "$base" ]
	[ "$(named -more)" != "$more" ]
	[ "$(names | wc -l)" = 3 ] # what the second change does not need is gone
	holds
	# nothing is missing any more, and then nothing is too many
	echo 10.0.0.30 >>"$WORK/one.list"
	fwc compile "$WORK/one.fwc"
	[[ $(fwc apply) == "applied as generation 4: +1 address" ]]
	[ "$(names | wc -l)" = 2 ]
	holds
	addresses 1000 >"$WORK/one.list"
	fwc compile "$WORK/one.fwc"
	[[ $(fwc apply) == "applied as generation 5: -4 addresses" ]]
	[ "$(names)" = "$base" ]
	holds
	# one in twenty is the most
	addresses 950 >"$WORK/one.list"
	fwc compile "$WORK/one.fwc"
	fwc apply >/dev/null
	[ "$(names | wc -l)" = 2 ]
	[ "$(named '\.v4\.')" = "$base" ]
	holds
	addresses 949 >"$WORK/one.list"
	fwc compile "$WORK/one.fwc"
	[[ $(fwc apply) == "applied as generation 7: -1 address" ]]
	[ "$(names | wc -l)" = 1 ]
	[ "$(names)" != "$base" ]
	holds
	fwc status --deep
}

@test "rollback, trials that are confirmed or end, boot" {
	local base
	begin
	base=$(names)
	cp "$WORK/one.list" "$WORK/first.list"
	change
	cp "$WORK/one.list" "$WORK/second.list"
	fwc apply --confirm=60 >/dev/null
	[ "$(names | wc -l)" = 3 ]
	fwc rollback >/dev/null
	[ "$(names)" = "$base" ]
	fwc apply --confirm=60 >/dev/null
	fwc confirm >/dev/null
	holds
	fwc status --deep
	fwc rollback >/dev/null
	cp "$WORK/first.list" "$WORK/one.list"
	holds
	[ "$(names)" = "$base" ]
	fwc status --deep
	fwc rollback 2 >/dev/null
	cp "$WORK/second.list" "$WORK/one.list"
	holds
	inns nft flush ruleset
	fwc boot
	holds
	[ "$(named '\.v4\.')" = "$base" ]
	fwc status --deep
	# from nothing but what is in the artefact the next change goes on
	echo 192.0.2.8 >>"$WORK/one.list"
	fwc compile "$WORK/one.fwc"
	[[ $(fwc apply) == *": +1 address" ]]
	[ "$(named '\.v4\.')" = "$base" ]
	holds
}

@test "somebody changes it by hand: noticed, told, and mended, in each of its sets" {
	local set
	begin
	change
	fwc apply >/dev/null
	set=$(named -less)
	inns nft delete element inet fwc "$set" '{ 10.0.0.30 }'
	run fwc status --deep
	echo "$output"
	[ "$status" = 1 ]
	[[ $output == *"DIFFERS from what was applied"*"10.0.0.30 is not in it"* ]]
	[[ $(fwc apply) == *": -1 address" ]] # it had become one of those that are dropped
	holds
	set=$(named -more)
	inns nft add element inet fwc "$set" '{ 192.0.2.99 }' || inns nft delete element inet fwc "$set" '{ 192.0.2.7 }'
	run fwc status --deep
	[ "$status" = 1 ]
	fwc apply >/dev/null
	holds
	set=$(named '\.v4\.')
	inns nft delete element inet fwc "$set" '{ 10.0.0.36 }'
	[[ $(fwc apply) == *": +1 address" ]]
	holds
	# together with another change
	inns nft delete element inet fwc "$(named -less)" '{ 10.0.0.33 }'
	echo 192.0.2.8 >>"$WORK/one.list"
	fwc compile "$WORK/one.fwc"
	fwc apply >/dev/null
	holds
	fwc status --deep
	# a rule of it is gone
	local chain handle
	read -r chain handle < <(inns nft -a list table inet fwc |
		awk '/chain/ { c = $2 } /-more\./ && / # handle / && !/set / { found = c " " $NF } END { print found }')
	inns nft delete rule inet fwc "$chain" handle "$handle"
	run fwc status
	echo "$output"
	[ "$status" = 1 ]
	[[ $output == *DIFFERS* ]]
	fwc apply >/dev/null
	fwc status --deep
}

@test "a list in force is not read again where nobody has committed since it was compared" {
	begin
	change
	FWC_FAULT=comparing fwc apply >/dev/null
	holds
	echo 192.0.2.8 >>"$WORK/one.list"
	fwc compile "$WORK/one.fwc"
	FWC_FAULT=comparing fwc apply >/dev/null
	holds
	# somebody has, be it in a table of his own
	inns nft add table inet others
	echo 192.0.2.9 >>"$WORK/one.list"
	fwc compile "$WORK/one.fwc"
	FWC_FAULT=comparing run fwc apply
	[ "$status" != 0 ]
	fwc apply >/dev/null
	holds
}

@test "killed while the small sets are filled: what was goes on, and the next apply mends it" {
	begin
	change
	inns nft -s list chains | grep hook >"$WORK/before"
	FWC_FAULT=filling,list-filled fwc apply || true
	inns nft -s list chains | grep hook | diff "$WORK/before" -
	fwc status --deep
	fwc apply >/dev/null
	holds
	fwc status --deep
}

@test "without a list in force that can be read, each list is whole" {
	local f
	begin
	change
	fwc apply >/dev/null
	fwc compile --elsewhere "$WORK/one.fwc" 2>/dev/null
	run grep -c '\.bulk {' "$WORK/state/candidate/ruleset.nft"
	[ "$output" = 1 ]
	fwc apply >/dev/null
	holds
	[ "$(names | wc -l)" = 1 ]
	# another name, another list
	cp "$WORK/one.fwc" "$WORK/two.fwc"
	sed -i 's/\bbad\b/worse/' "$WORK/two.fwc"
	echo 192.0.2.8 >>"$WORK/one.list"
	fwc compile "$WORK/two.fwc"
	run grep -c '\.bulk {' "$WORK/state/candidate/ruleset.nft"
	[ "$output" = 1 ]
	# damaged
	f=$(echo "$WORK"/state/applied/*.elements)
	truncate -s -8 "$f"
	fwc compile "$WORK/one.fwc"
	run grep -c '\.bulk {' "$WORK/state/candidate/ruleset.nft"
	[ "$output" = 1 ]
}

# Each file of a list is the one that it is called after, and there are so many.
whole() {
	local f n=0
	for f in "$1"/*.elements; do
		[ "$(sha256sum <"$f" | cut -d' ' -f1)" = "$(basename "$f" .elements)" ] || return 1
		n=$((n + 1))
	done
	[ "$n" = "$2" ]
}

@test "what stays of a list is on the disk once, and is written where it is not there to be linked" {
	local base child
	begin
	base=$(basename "$WORK"/state/applied/*.elements)
	change
	whole "$WORK/state/candidate" 3
	[ "$WORK/state/candidate/$base" -ef "$WORK/state/applied/$base" ]
	fwc compile -o "$WORK/out" "$WORK/one.fwc"
	whole "$WORK/out" 3
	[ ! "$WORK/out/$base" -ef "$WORK/state/applied/$base" ]
	# it is gone since it was read
	rm -rf "$WORK/state/candidate"
	FWC_FAULT=stop:parsed fwc compile "$WORK/one.fwc" &
	local pid=$!
	for _ in $(seq 600); do
		child=$(stopped)
		[ -z "$child" ] || break
		sleep 0.05
	done
	mv "$WORK/state/applied/$base" "$WORK/kept"
	kill -CONT "$child"
	wait "$pid"
	whole "$WORK/state/candidate" 3
	mv "$WORK/kept" "$WORK/state/applied/$base"
	fwc apply >/dev/null
	holds
}

@test "networks: hashes of prefixes, and ranges" {
	local kind
	for kind in 0.0/24 0.0-10.0.0.2; do
		begin
		python3 -c "
import ipaddress
base, tail = '$kind'.split('.0', 1)
for i in range(1000):
    a = '10.%d.%d.' % (i // 100, 2 * (i % 100))
    print(a + '0/24' if '/' in '$kind' else a + '1-' + a + '99' if i % 2 else a + '3')" >"$WORK/one.list"
		page one
		fwc apply >/dev/null
		holds
		names >"$WORK/base"
		# a range is cut short, one is longer, one goes, one comes
		if [[ $kind == */24 ]]; then
			sed -i -e 's,^10\.0\.2\.0/24,10.0.2.0/25,' -e 's,^10\.0\.4\.0/24,10.0.4.0/23,' -e '/^10\.1\.2\.0/d' "$WORK/one.list"
			echo 192.0.2.0/24 >>"$WORK/one.list"
		else
			sed -i -e 's,^10\.0\.2\.1-10.0.2.99,10.0.2.2-10.0.2.50,' -e 's,^10\.0\.6\.1-10.0.6.99,10.0.6.0-10.0.6.200,' \
				-e '/^10\.1\.4\.3/d' "$WORK/one.list"
			echo 192.0.2.3-192.0.2.7 >>"$WORK/one.list"
		fi
		fwc compile "$WORK/one.fwc"
		grep -q '"proof": "proved"' "$WORK/state/candidate/manifest.json"
		run fwc apply
		echo "$output"
		[ "$status" = 0 ]
		names | grep -qxFf "$WORK/base"
		[ "$(names | grep -c -e -less -e -more)" = 2 ]
		holds
		fwc status --deep
	done
}
