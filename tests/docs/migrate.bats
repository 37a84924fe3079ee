#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2013,SC2154 # names have no blanks; bats and lib.bash set variables
# fwc-migrate(7): what it shows as fwc's is fwc's, and means what is expected of it.

load lib.bash

page() { echo "$top/man/fwc-migrate.7"; }

@test "its whole policies, the traps, are without errors and warnings" {
	check_examples man/fwc-migrate.7 6
}

@test "25 idioms or more of each of seven, each a part of a policy that means what is expected" {
	local file section head n=0 bad=0 said
	declare -A count seen
	example_files
	mkdir idioms
	# the network of the examples: up to its rules
	"$BATS_TEST_DIRNAME/extract" -v dir="$BATS_TEST_TMPDIR" "$(page)" >all
	head=$(sed '/^allow/,$d' "$(tail -n1 all)")
	[[ $head == *"host web"* ]]
	while read -r file section; do
		count[$section]=$((${count[$section]:-0} + 1))
		said=$(<"$file")
		[ -z "${seen[$said]:-}" ] || continue
		seen[$said]=1
		n=$((n + 1))
		if [ "$said" = "forwarding on" ]; then
			printf '%s\n' "${head#forwarding on}" "$said" >one.fwc
		else
			printf '%s\n' "$head" "$said" >one.fwc
		fi
		if ! "$FWC" compile --elsewhere -o - one.fwc >out 2>&1; then
			bad=$((bad + 1))
			echo "line $(basename "$file" .fwc), $section:"
			cat "$file" out
		fi
	done < <("$BATS_TEST_DIRNAME/idioms" -v dir=idioms "$(page)")
	echo "$n different ones, $bad bad"
	[ "$bad" = 0 ]
	[ "${#count[@]}" = 7 ]
	for section in "${!count[@]}"; do
		echo "$section: ${count[$section]}"
		[ "${count[$section]}" -ge 25 ]
	done
}

@test "its commands are commands" {
	local command n=0
	for command in $(sed -n '/^\.Sh COMMANDS/,/^\.Ed/s/.* fwc \([a-z]*\).*/\1/p' "$(page)" | sort -u); do
		"$FWC" "$command" --help >/dev/null
		n=$((n + 1))
	done
	[ "$n" -ge 10 ]
}
