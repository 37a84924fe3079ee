#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154,SC2013 # bats and lib.bash set variables; names have no blanks
# The manuals are complete: commands, services, and the form of the pages.

bats_require_minimum_version 1.5.0
load lib.bash

@test "man pages: no mandoc warning" {
	run mandoc -T lint -W warning "$top"/man/*.[578]
	echo "$output"
	[ "$status" = 0 ]
}

@test "fwc(8) names every command of the usage, and no other" {
	"$FWC" --help | awk '/^Commands/{on=1; next} on && /^  +[a-z]/{print $1} on && /^$/{exit}' |
		sort -u >"$BATS_TEST_TMPDIR/usage"
	# .It Cm NAME is a command within COMMANDS only.
	awk '/^\.Sh COMMANDS/{on=1; next} /^\.Sh/{on=0} on && /^\.It Cm/{print $3}' "$top/man/fwc.8" |
		sort -u >"$BATS_TEST_TMPDIR/manual"
	[ -s "$BATS_TEST_TMPDIR/usage" ]
	diff -u "$BATS_TEST_TMPDIR/usage" "$BATS_TEST_TMPDIR/manual"
}

@test "fwc(8) names every long option of every command's --help" {
	local command option missing=
	for command in "" $("$FWC" --help | awk '/^Commands/{on=1; next} on && /^  +[a-z]/{print $1} on && /^$/{exit}'); do
		# shellcheck disable=SC2086 # no word for the first
		for option in $("$FWC" $command --help 2>&1 | grep -oE -- '--[a-z][a-z-]+' | sort -u); do
			grep -qF -- "Fl -${option#--}" "$top/man/fwc.8" || missing+=" $command$option"
		done
	done
	echo "missing:$missing"
	[ -z "$missing" ]
}

@test "help fits 80 columns, and each usage line has the options that are explained below it" {
	local command option
	for command in "" $("$FWC" --help | awk '/^Commands/{on=1; next} on && /^  +[a-z]/{print $1} on && /^$/{exit}'); do
		# shellcheck disable=SC2086 # none is a word of its own
		"$FWC" $command --help | awk -v c="$command" 'length > 80 { print c ": " $0; bad = 1 } END { exit bad }'
		[ -n "$command" ] || continue
		"$FWC" "$command" --help | sed '/^Options of every/,$d' >"$BATS_TEST_TMPDIR/help"
		sed '/^$/q' "$BATS_TEST_TMPDIR/help" >"$BATS_TEST_TMPDIR/usage"
		while read -r option; do # "-n, --count N": either will do
			grep -qE -- "(^|[^a-z])(${option//, /|})([^a-z]|$)" "$BATS_TEST_TMPDIR/usage" ||
				{ echo "$command: $option is not in its usage line"; false; }
		done < <(grep -oE '^  -(-[a-z-]+|[a-z]|, )*' "$BATS_TEST_TMPDIR/help")
	done
}

@test "fwc-inspectd(8) names every option of its --help" {
	local option missing=
	for option in $("$(dirname "$FWC")/fwc-inspectd" --help | grep -oE -- '--[a-z][a-z-]+' | sort -u); do
		grep -qF -- "Fl -${option#--}" "$top/man/fwc-inspectd.8" || missing+=" $option"
	done
	echo "missing:$missing"
	[ -z "$missing" ]
}

@test "fwc.policy(5) has the built-in services, all of them and no others" {
	tr -d '\n\t' <"$top/src/policy/services.c" | grep -oE '\{"[^"{}]+", ?"[^{}]+"\}' |
		sed -E 's/""//; s/" "//; s/^\{"([^"]+)", ?"(.*)"\}$/\1 \2/' | sort >"$BATS_TEST_TMPDIR/source"
	sed -n '/^\.Sh 20\./,/^\.Sh FILES/p' "$top/man/fwc.policy.5" |
		awk '/^\.Bd/{on=1; next} /^\.Ed/{if (line) print line; line=""; on=0} !on {next}
			/^ /{$1=$1; line=line " " $0; next} {if (line) print line; $1=$1; line=$0}' |
		sort >"$BATS_TEST_TMPDIR/manual"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/source")" -ge 150 ]
	diff -u "$BATS_TEST_TMPDIR/source" "$BATS_TEST_TMPDIR/manual"
}

@test "each built-in service is one: it compiles, and none says a source port" {
	local name
	{
		echo 'zone lan { interface eth0 }'
		while read -r name _; do
			echo "allow lan -> self $name"
		done < <(sed -n '/^\.Sh 20\./,/^\.Sh FILES/p' "$top/man/fwc.policy.5" |
			awk '/^\.Bd/{on=1; next} /^\.Ed/{on=0} on && /^[^ ]/')
	} >"$BATS_TEST_TMPDIR/all.fwc"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/all.fwc")" -gt 150 ]
	run "$FWC" compile --dump=policy "$BATS_TEST_TMPDIR/all.fwc"
	[ "$status" = 0 ]
	run ! grep -E "\"[^\"]*from port" "$top/src/policy/services.c"
}

@test "fwc.policy(5) lists the reserved words of the parser" {
	sed -n '/reserved_words\[\]/,/NULL/p' "$top/src/lang/words.c" | grep -oE '"[a-z-]+"' | tr -d '"' |
		sort >"$BATS_TEST_TMPDIR/source"
	sed -n '/reserved words:/,/^\.Ed/{/^\.Ic/p}' "$top/man/fwc.policy.5" | sed 's/^\.Ic //' | tr ' ' '\n' |
		sort >"$BATS_TEST_TMPDIR/manual"
	[ -s "$BATS_TEST_TMPDIR/source" ]
	diff -u "$BATS_TEST_TMPDIR/source" "$BATS_TEST_TMPDIR/manual"
}

@test "fwc.policy(5) has its sections numbered in order" {
	local n=0 number
	for number in $(sed -nE 's/^\.Sh ([0-9]+)\. .*/\1/p' "$top/man/fwc.policy.5"); do
		n=$((n + 1))
		[ "$number" = "$n" ]
	done
	[ "$n" -ge 15 ]
	# "section N" in the text must exist.
	for number in $(grep -oE 'section [0-9]+' "$top/man/fwc.policy.5" | cut -d' ' -f2); do
		[ "$number" -le "$n" ]
	done
}

@test "README is under two pages and its Internals name files that exist" {
	[ "$(wc -l <"$top/README")" -le 130 ]
	local file
	for file in $(sed -n '/^Internals/,/^Licence/p' "$top/README" | grep -oE 'src/[a-z_/]+(\.c)?'); do
		[ -e "$top/$file" ] || { echo "$file"; false; }
	done
}

@test "systemd units are clean under systemd-analyze verify" {
	command -v systemd-analyze >/dev/null || skip "systemd-analyze is not installed"
	local unit
	for unit in "$top"/init/*.service; do
		sed "s|/usr/sbin/fwc|$(dirname "$FWC")/fwc|" "$unit" >"$BATS_TEST_TMPDIR/$(basename "$unit")"
		run systemd-analyze verify --man=no "$BATS_TEST_TMPDIR/$(basename "$unit")"
		echo "$output"
		[ "$status" = 0 ]
		[ -z "$output" ]
	done
}

@test "shell scripts are clean under shellcheck" {
	command -v shellcheck >/dev/null || skip "shellcheck is not installed"
	cd "$top"
	local file scripts=()
	while read -r file; do
		case $file in
		*.bats | *.sh | *.bash) scripts+=("$file") ;;
		*) ! head -1 "$file" | grep -aqE '^#!.*(bash|busybox sh|bin/sh|env bash)' || scripts+=("$file") ;;
		esac
	done < <(find . \( -name .git -o -name 'build*' -o -name autom4te.cache -o -name 'fwc-*' \) -prune -o \
		-type f \( -perm -u=x -o -name '*.bats' -o -name '*.sh' -o -name '*.bash' \) -print |
		grep -vE '^\./(configure~?|libtool|config\.status)$' | sort)
	echo "${#scripts[@]} scripts"
	shellcheck -x -e SC1091,SC2030,SC2031 "${scripts[@]}"
}
