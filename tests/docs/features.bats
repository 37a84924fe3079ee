#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # bats and lib.bash set variables
# fwc.policy(5), TESTS: each feature names a test that is there.

load lib.bash

@test "the table of features: each row names a test that is there, by its file and title" {
	local line file title n=0 bad=0
	while read -r line; do
		file=${line%%: *}
		title=${line#"$file"}
		title=${title#: }
		n=$((n + 1))
		if [ ! -e "$top/$file" ]; then
			echo "there is no $file"
		elif [ -n "$title" ] && ! grep -qF -- "@test \"$title\" {" "$top/$file"; then
			echo "$file has no test \"$title\""
		else
			continue
		fi
		bad=$((bad + 1))
	done < <(sed -n '/^\.Sh TESTS/,/^\.Sh SEE/s/^    //p' "$top/man/fwc.policy.5")
	echo "$n rows, $bad bad"
	[ "$n" -ge 50 ]
	[ "$bad" = 0 ]
}
