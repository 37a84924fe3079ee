#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A file in which a command fails outside of any function.
false
@test "one" { :; }
