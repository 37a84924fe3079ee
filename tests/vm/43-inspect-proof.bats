#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # net.bash sets top
# What sends packets to an inspector is proved like all else; here, where the kernel has queues.

load net.bash

@test "vm: every small mistake in a compiled inspect policy is refuted, or is none" {
	FWC_BUILD=$(dirname "$FWC") FWC_PROVE=$(dirname "$FWC")/tests/proof/prove \
		run "$top/tests/proof/run" --only mutation --mutants "${FWC_MUTANTS:-$([ -n "${FWC_LONG:-}" ] && echo 150 || echo 12)}" "$top/tests/proof/queue/inspect.fwc"
	echo "$output"
	[ "$status" = 0 ]
	[[ $output = *"slipped 0, false alarm 0, bad witness 0, no answer 0"* ]]
	[[ $output != *"different 0"* ]]
}
