#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Who speaks with strangers for refresh is locked in: asserted from inside.

load lib

setup_file() { fetch_begin; }
teardown_file() { fetch_end; }

setup() {
	if ldd "$FETCH" | grep -q libasan; then skip "sanitizers need what is locked away"; fi
}

landlock() { # landlock_create_ruleset(2) says its version
	/usr/bin/python3 -c 'import ctypes, sys
sys.exit(ctypes.CDLL(None).syscall(444, None, 0, 1) <= 0)'
}
may() { run "$FETCH" try "$1" </dev/null; [ "$status" = 0 ]; }
may_not() { run "$FETCH" try "$1" </dev/null; [ "$status" = 100 ]; }

@test "of files, it reads where resolvers are, and writes none" {
	may read-resolver
	may_not write
	[ ! -e /tmp/fwc-fetch.try ]
	landlock || skip "a kernel without landlock"
	may_not read
}

@test "it speaks IP, and no other way" {
	may inet
	may_not unix
	may_not netlink
	may_not raw
	may_not packet
}

@test "it starts nothing, and ends nobody" {
	may_not exec
	may_not fork
	may_not kill
}

@test "it is not root, and cannot become it" {
	may_not root
}

@test "its memory, its time and its one file have an end" {
	may_not memory
	may_not time
	run bash -c '"$1" try long-file </dev/null >"$2"' - "$FETCH" "$WORK/file"
	[ "$status" = 100 ]
}

@test "as it is started, no other file is open in it" {
	# in its place, one that looks
	mkdir "$WORK/bin"
	cp "$FWC" "$WORK/bin/fwc"
	printf '#!/bin/sh\nls -l /proc/$$/fd >%s\n"%s" try other-files\necho $? >%s\n' "$WORK/fds" "$FETCH" "$WORK/rc" >"$WORK/bin/fwc-fetch"
	chmod 755 "$WORK/bin/fwc-fetch"
	sets '{"name": "mart", "kind": "dns", "names": ["mart.example"]}'
	inns "$WORK/bin/fwc" --state "$WORK/state" refresh || true
	cat "$WORK/fds"
	# beside its three files the pipe that tells of its end; a shell keeps its own from 10 on
	grep -q ' 3 -> pipe:' "$WORK/fds"
	run grep -E " [4-9] -> |$WORK/state" "$WORK/fds"
	[ "$status" = 1 ]
}

@test "without the program nothing changes, and that is said" {
	mkdir -p "$WORK/alone"
	cp "$FWC" "$WORK/alone/fwc"
	sets '{"name": "mart", "kind": "dns", "names": ["mart.example"]}'
	run inns "$WORK/alone/fwc" --state "$WORK/state" refresh
	[ "$status" = 1 ]
	[[ $output == *"fwc-fetch cannot be started"* ]]
}
