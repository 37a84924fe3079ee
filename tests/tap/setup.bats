#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Nothing is told of tests whose file cannot be set up.
setup_file() {
	false
	true
}
@test "one" { :; }
@test "two" { :; }
