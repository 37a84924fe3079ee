#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # lib.bash sets them
# fwc boot: whatever is wrong with the store, boot.conf, the kernel or the way there, the host is not open.

load lib.bash

setup() { cli_begin; }
teardown() { cli_end; }

@test "each damage of the store with each damage of boot.conf: hooks that drop" {
	export SSH_CONNECTION=
	run /usr/bin/python3 "$here/never_open.py" "$NS" "$WORK" ${FWC_LONG:+all}
	echo "$output"
	[ "$status" = 0 ]
	[[ $output = *" passed, 0 failed" ]]
}
