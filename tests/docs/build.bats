#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # lib.bash sets it
# A fresh clone says what it lacks.

load lib.bash

setup() {
	cp "$top"/autogen.sh "$top"/configure.ac "$top"/Makefile.am "$BATS_TEST_TMPDIR"
	mkdir -p "$BATS_TEST_TMPDIR/src"
	: >"$BATS_TEST_TMPDIR/src/main.c"
	cd "$BATS_TEST_TMPDIR" || return
}

@test "autogen.sh without pkg.m4: says so, and leaves no configure that breaks off" {
	command -v aclocal >/dev/null || skip "no automake"
	mkdir none
	ACLOCAL="aclocal --system-acdir=$PWD/none" run ./autogen.sh
	echo "$output"
	[ "$status" = 1 ]
	[[ $output = *"autogen.sh: pkg.m4 is missing: install pkg-config"* ]]
	[ ! -e configure ]
}

@test "autogen.sh without autoconf or automake: says which" {
	mkdir bin
	ln -s "$(command -v dirname)" bin
	PATH=$PWD/bin run /bin/sh ./autogen.sh
	[ "$status" = 1 ]
	[ "$output" = "autogen.sh: autoreconf is missing: install autoconf" ]
	printf '#!/bin/sh\nexit 0\n' >bin/autoreconf
	chmod +x bin/autoreconf
	PATH=$PWD/bin run /bin/sh ./autogen.sh
	[ "$status" = 1 ]
	[ "$output" = "autogen.sh: automake is missing: install automake" ]
}
