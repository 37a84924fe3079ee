#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2030,SC2031,SC2154 # bats and lib.bash set variables
# Artefacts and records cut short, edited, or not ours at all: refused with a message, whatever they
# are to be used for, and the kernel keeps what it has.

load lib

setup_file() {
	cli_begin
	export FULL=$WORK/full
	{ small 22 | sed '/^allow lan -> wan/d'; echo 'inspect lan -> wan https with web
inspector web {
    allow sni "*.example.org"
}'; } >"$WORK/inspected.fwc"
	chmod 644 "$WORK/inspected.fwc"
	fwc compile --elsewhere -o "$FULL" "$WORK/inspected.fwc" 2>/dev/null
	small 22 | candidate
	fwc apply
	small 23 | candidate
	fwc apply
	small 24 | candidate
	cp -a "$WORK/state" "$WORK/good"
}
teardown_file() { cli_end; }

restore() {
	rm -rf "$WORK/state"
	cp -a "$WORK/good" "$WORK/state"
}

refused() { # WHAT COMMAND...
	run fwc "${@:2}"
	echo "$1: $*: $output"
	[ "$status" = 3 ]
	[[ $output == *"$WORK/"* ]]
	[[ $output != *"internal error"* && $output != *"crashed"* && $output != *"Sanitizer"* ]]
}

begin_unchanged() { before=$(generation); }
end_unchanged() { [ "$(generation)" = "$before" ]; }

flip() { # FILE OFFSET: the lowest bit of one byte
	/usr/bin/python3 - "$1" "$2" <<-'END'
		import sys
		b = bytearray(open(sys.argv[1], "rb").read())
		b[int(sys.argv[2])] ^= 1
		open(sys.argv[1], "wb").write(b)
	END
}

# A file in each kind of damage: $WORK/bad/WHAT, one each, and their names, one a line.
damage() { # FILE
	rm -rf "$WORK/bad"
	mkdir "$WORK/bad"
	/usr/bin/python3 - "$1" "$WORK/bad" <<-'END'
		import os, sys
		whole = open(sys.argv[1], "rb").read()
		size = len(whole)
		bad = {"noise": os.urandom(size)}
		for n in 0, 1, size // 4, size // 2, size - 2:
		    bad[f"cut to {n} of {size}"] = whole[:n]
		for n in 1, size // 4, size // 2, size * 3 // 4:
		    bad[f"flipped at {n} of {size}"] = whole[:n] + bytes([whole[n] ^ 1]) + whole[n + 1:]
		for name, data in bad.items():
		    open(os.path.join(sys.argv[2], name), "wb").write(data)
		    print(name)
	END
}

# "$@" for each file of the artefact $1, in each kind of damage; the file is as before after each.
each_damage() { # DIR COMMAND...
	local dir=$1 file what
	shift
	begin_unchanged
	for file in ruleset.nft manifest.json ruleset.index inspect.tables; do
		[ -f "$dir/$file" ] || continue
		cp -a "$dir/$file" "$WORK/kept"
		damage "$WORK/kept" >"$WORK/damages"
		while read -r what; do
			cp "$WORK/bad/$what" "$dir/$file"
			refused "$file, $what" "$@"
		done <"$WORK/damages"
		rm "$dir/$file"
		refused "no $file" "$@"
		cp -a "$WORK/kept" "$dir/$file"
	done
	end_unchanged
}

@test "an artefact in a directory: each file cut, flipped, noise, gone" {
	each_damage "$FULL" apply "$FULL"
	each_damage "$FULL" diff "$FULL"
}

@test "the candidate: the same" {
	restore
	each_damage "$WORK/state/candidate" apply
	each_damage "$WORK/state/candidate" apply --confirm=30
	[ ! -e "$WORK/state/trial.json" ]
	fwc apply
}

@test "a generation that is to come back: the same" {
	restore
	fwc apply
	each_damage "$WORK/state/generation.1" rollback 1
	fwc rollback 1
}

@test "what is on trial and is to be confirmed: the same, and the trial goes on" {
	restore
	fwc rollback 1
	fwc apply --confirm=600
	each_damage "$WORK/state/pending" confirm
	[[ $(fwc status) == *"ON TRIAL"* ]]
	fwc confirm
	fwc status
}

@test "every bit of a manifest counts" {
	# each byte of a line that decides something
	at=$(grep -bo '"forwarding": 0' "$FULL/manifest.json" | cut -d: -f1)
	cp -a "$FULL/manifest.json" "$WORK/kept"
	begin_unchanged
	for n in {0..14}; do
		flip "$FULL/manifest.json" $((at + n))
		# a blank more or less says nothing else
		if [ "$n" = 13 ]; then
			[ "$(json 'd["forwarding"]' <"$FULL/manifest.json")" != 0 ] || continue
		fi
		refused "forwarding flipped at $n" apply "$FULL"
		cp -a "$WORK/kept" "$FULL/manifest.json"
	done
	sed 's/"forwarding": 0/"forwarding": 1/' "$WORK/kept" >"$FULL/manifest.json"
	refused "forwarding turned on" apply "$FULL"
	[[ $output == *"its manifest was edited or damaged"* ]]
	end_unchanged
	cp -a "$WORK/kept" "$FULL/manifest.json"
}

@test "manifests of another format, and JSON that is no manifest" {
	local text
	cp -a "$FULL/manifest.json" "$WORK/kept"
	begin_unchanged
	for text in 0 3 99 -1 1.0 '"1"' null '[1]' 18446744073709551617; do
		sed "s/\"format\": 2/\"format\": $text/" "$WORK/kept" >"$FULL/manifest.json"
		refused "format $text" apply "$FULL"
	done
	sed 's/"format": 2/"format": 3/' "$WORK/kept" >"$FULL/manifest.json"
	refused "format 3" apply "$FULL"
	[[ $output == *"newer fwc"* ]]
	for text in '{}' '[]' '"x"' null 1 '{"format": 1}' '{"format": 1, "objects": {}}' \
		'{"format": 1, "format": 1}' '{"nftables": [{"metainfo": {"version": "1.0.6"}}]}' \
		'{"format": 1, "script": [], "sources": 7, "objects": "x", "seal": 0}' ''; do
		echo "$text" >"$FULL/manifest.json"
		refused "$text" apply "$FULL"
	done
	end_unchanged
	cp -a "$WORK/kept" "$FULL/manifest.json"
}

@test "files of two artefacts do not make one" {
	local file other
	fwc compile --elsewhere -o "$WORK/second" "$WORK/policy.fwc" 2>/dev/null
	sed 's/example.org/example.net/' "$WORK/inspected.fwc" >"$WORK/third.fwc"
	fwc compile --elsewhere -o "$WORK/third" "$WORK/third.fwc" 2>/dev/null
	begin_unchanged
	for other in second third; do
		for file in ruleset.nft manifest.json ruleset.index inspect.tables; do
			[ -f "$WORK/$other/$file" ] || continue
			cmp -s "$WORK/$other/$file" "$FULL/$file" && continue
			cp -a "$FULL/$file" "$WORK/kept"
			cp "$WORK/$other/$file" "$FULL/$file"
			refused "$file of another" apply "$FULL"
			[[ $output == *"do not belong together"* ]]
			cp -a "$WORK/kept" "$FULL/$file"
		done
	done
	end_unchanged
}

# ---- what is on record of what is in force ----

@test "what is applied, damaged: status knows no better than it says, and apply mends it" {
	local file
	restore
	fwc apply
	for file in ruleset.nft manifest.json ruleset.index; do
		truncate -s 100 "$WORK/state/applied/$file"
		run fwc status
		echo "$output"
		[ "$status" = 1 ]
		[[ $output == *"loaded, but not by"*"no record to compare it with"* ]]
		fwc apply
		run fwc status
		[ "$status" = 0 ]
	done
}

@test "what is applied, damaged, with a trial over it: the kernel goes back, and that is said" {
	restore
	fwc rollback 1
	fwc status
	fwc apply --confirm=600
	truncate -s 100 "$WORK/state/applied/manifest.json"
	run fwc rollback
	echo "$output"
	[ "$status" = 3 ]
	[[ $output == *"$WORK/state/applied/manifest.json"* ]]
	run fwc explain --live '192.0.2.1@eth0 -> self tcp/24' "$WORK/policy.fwc"
	[[ $output == *dropped* ]]
	run fwc explain --live '192.0.2.1@eth0 -> self tcp/22' "$WORK/policy.fwc"
	[[ $output == *accepted* ]]
	cp -a "$WORK/state/generation.1/." "$WORK/state/applied/"
	fwc rollback
	fwc status
}

@test "records of no meaning: nothing falls over" {
	local file text
	restore
	fwc apply
	for file in applied/apply.json generation.1/apply.json; do
		cp -a "$WORK/state/$file" "$WORK/kept"
		for text in '' '{' '{}' '[]' 'null' '{"generation": "x", "time": 7, "user": [], "epoch": {}}'; do
			echo "$text" >"$WORK/state/$file"
			fwc status >/dev/null
			fwc history >/dev/null
			fwc history --json | json 'd' >/dev/null
			fwc metrics >/dev/null
		done
		cp -a "$WORK/kept" "$WORK/state/$file"
	done
	fwc apply
	fwc status
}

@test "a record of a trial of no meaning is one of a trial that is over, and in nobody's way" {
	local text
	restore
	for text in '' '{' '[' '{"format": 1' '{}' '[]' 'null' '7' \
		'{"format": 1, "id": 7, "deadline": "x", "boot": []}' \
		'{"format": 2, "id": "x", "deadline": 1, "boot": ""}'; do
		fwc apply --confirm=600
		echo "$text" >"$WORK/state/trial.json"
		run fwc status
		[ "$status" = 1 ]
		[[ $output == *"TRIAL OVER"* ]]
		run fwc confirm
		[ "$status" = 3 ]
		[[ $output == *"too late"* ]]
		fwc rollback
		[ ! -e "$WORK/state/trial.json" ]
		fwc status >"$WORK/said"
		grep -q 'tcp/23' "$WORK/said"
	done
	echo '{' >"$WORK/state/trial.json"
	fwc apply
	fwc status
	echo '{' >"$WORK/state/trial.json"
	fwc stop
	[ "$(inns nft list ruleset)" = "" ]
}

@test "a snapshot of forwarding of no meaning: stop does not make up settings" {
	local text
	restore
	inns sysctl -qw net.ipv4.ip_forward=0
	small 24 | sed 's/forwarding off/forwarding on/' | candidate
	fwc apply
	[ "$(inns sysctl -n net.ipv4.ip_forward)" = 1 ]
	cp -a "$WORK/state/forwarding.json" "$WORK/kept"
	for text in '' '{' '[]' '"x"' '{"net/../../../etc/passwd": "1"}' '{"kernel/panic": "1"}' '{"net/ipv4/ip_forward": 7}'; do
		echo "$text" >"$WORK/state/forwarding.json"
		panic=$(cat /proc/sys/kernel/panic)
		run fwc stop
		echo "$text: $status $output"
		[ "$(cat /proc/sys/kernel/panic)" = "$panic" ]
		[ "$status" = 3 ] || [ "$(inns sysctl -n net.ipv4.ip_forward)" = 1 ]
		cp -a "$WORK/kept" "$WORK/state/forwarding.json"
		fwc apply >/dev/null || { fwc compile "$WORK/policy.fwc" && fwc apply; }
	done
	fwc stop
}

@test "compile -o takes away the lists of another artefact, and nobody else's files" {
	local list
	list=$(printf 'a%.0s' {1..64}).elements
	mkdir "$WORK/shared"
	touch "$WORK/shared/mine.elements" "$WORK/shared/$list"
	fwc compile --elsewhere -o "$WORK/shared" "$WORK/policy.fwc" 2>/dev/null
	[ -f "$WORK/shared/mine.elements" ]
	[ ! -e "$WORK/shared/$list" ]
}
