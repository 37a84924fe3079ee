# SPDX-License-Identifier: GPL-2.0-or-later

# Ends what the tests of this file have left, known by its environment: on guard of a trial, stopped on purpose, or
# the child of a function that was started in the background.
end_left() {
	local pids
	[ -n "${WORK:-}" ] || return 0
	pids=$(grep -lzxF "WORK=$WORK" /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3)
	# shellcheck disable=SC2086 # several
	[ -z "$pids" ] || kill -KILL $pids 2>/dev/null || true
}
