#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # net.bash sets it
# check for ordinary users, with and without user namespaces: a setting of the whole machine.

load net.bash

setup() {
	# What nobody can reach, wherever the tree lies.
	DIR=$(mktemp -d /tmp/fwc-user.XXXXXX)
	cp "$FWC" "$DIR/fwc"
	cp "$top/rulesets/router.fwc" "$DIR/router.fwc"
	chmod 755 "$DIR" "$DIR/fwc"
	chmod 644 "$DIR/router.fwc"
}

teardown() {
	sysctl -qw user.max_user_namespaces=10000
	rm -rf "$DIR"
}

as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs "$@"; }

@test "vm: check works for an ordinary user" {
	run as_nobody "$DIR/fwc" check "$DIR/router.fwc"
	echo "$output"
	[ "$status" = 0 ]
}

@test "vm: check finds a mistake for an ordinary user" {
	echo 'allow lna -> wan' >>"$DIR/router.fwc"
	run as_nobody "$DIR/fwc" check "$DIR/router.fwc"
	echo "$output"
	[ "$status" = 2 ]
}

@test "vm: where no one may make user namespaces, check says that the kernel saw nothing" {
	sysctl -qw user.max_user_namespaces=0
	run as_nobody "$DIR/fwc" check "$DIR/router.fwc"
	echo "$output"
	[ -n "$output" ]
	[[ $output == *kernel* || $output == *namespace* ]]
}
