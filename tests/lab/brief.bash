# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# brief.bash: trials that are left to expire, as brief as this machine allows.
#
#	brief FWC...         `FWC... apply --confirm=$brief`, with so many seconds that four fifths of them are
#	                     left when it is done; what it said is in $output
#	expired DIRECTORY    waits until nothing is left of the trial's record in this state directory
#
# The time of a trial runs from when the apply was called, and one whose time is over before it could begin
# changes nothing. What is to happen during the trial should take no longer than a few applies.

brief() {
	local begun

	for brief in 2 4 8 16 32 64 128; do
		begun=${EPOCHREALTIME/./}
		if output=$("$@" apply "--confirm=$brief" 2>&1); then
			[ $((5 * (${EPOCHREALTIME/./} - begun))) -gt $((brief * 1000000)) ] || return 0
			"$@" rollback >/dev/null 2>&1 || true # just then it may be over
		elif [[ $output != *"time ran out before it could begin"* ]]; then
			break
		fi
	done
	echo "$output"
	return 1
}

expired() {
	local try

	for try in {1..1200}; do
		[ -e "$1/trial.json" ] || return 0
		sleep 0.1
	done
	echo "$try times, and the trial's record is still there"
	return 1
}
