# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2154,SC2013 # bats and lib.bash set variables; names have no blanks

top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
FWC=${FWC:-fwc}

# A directory with the files that the examples name.
example_files() {
	cd "$BATS_TEST_TMPDIR" || return
	printf '%s\n' '# feed.txt' '198.51.100.0/24' '2001:db8:bad::/48    # since Tuesday' >feed.txt
	echo '*.ads.example' >blocked-domains.txt
	echo '||ads.example^' >ads.txt
	printf '%s\n' '0.0.0.0 ads.example # hosts' '||tracker.example^' >hosts.txt
	mkdir rules.d
	echo 'allow lan -> self ssh' >rules.d/10-ssh.fwc
	chmod -R go-w .
}

# Compiles each example of a document; all that fail or are warned of are shown.
check_examples() { # document, fewest examples that it must have
	local file n=0 bad=0
	example_files
	while read -r file; do
		n=$((n + 1))
		run "$FWC" check "$file"
		if [[ $output == *"this kernel cannot do queues"* || $output == *"this kernel has no flowtables"* ]]; then
			run "$FWC" check --elsewhere "$file"
		fi
		if [ "$status" != 0 ] || [[ $output == *warning:* ]]; then
			bad=$((bad + 1))
			echo "the example at line $(basename "$file" .fwc) of $1: exit status $status"
			echo "$output"
		fi
	done < <("$BATS_TEST_DIRNAME/extract" -v dir="$BATS_TEST_TMPDIR" "$top/$1")
	echo "$n examples, $bad bad"
	[ "$n" -ge "$2" ]
	[ "$bad" = 0 ]
}
