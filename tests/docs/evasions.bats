#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The table of ways round inspection in fwc-inspectd(8), and the suite that tries them.

top=$BATS_TEST_DIRNAME/../..

@test "fwc-inspectd(8): every way round that is said to be held is tried, and the other way round" {
	sed -n '/^\.Sh WAYS ROUND IT/,/^\.El/s/^\.It \(seen\|on-error\|on-overflow\) Ta //p' \
		"$top/man/fwc-inspectd.8" | sort >"$BATS_TEST_TMPDIR/said"
	sed -n 's/^\twa[y]("\(.*\)");$/\1/p' "$top/tests/unit/test_evasion.c" | sort >"$BATS_TEST_TMPDIR/tried"
	[ -s "$BATS_TEST_TMPDIR/said" ]
	diff "$BATS_TEST_TMPDIR/said" "$BATS_TEST_TMPDIR/tried"
}
