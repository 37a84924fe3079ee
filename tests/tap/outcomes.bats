#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=all # what fails here is to fail
# What comes of a test, by how it ends: tests/tap/run asks bats, and compares.
bats_require_minimum_version 1.5.0
setup_file() { export X=1; Y=2; }
setup() { Z=3; }
teardown() { echo torn; [ -z "${BADTEAR:-}" ]; }
f() { echo in f; false; echo not reached; }
g() { f; }
@test "good $((1+1))" { [ "$X$Z" = 13 ]; }
@test "bad: false" {
	false
	true
}
@test "bad: in a function" { g; echo no; }
@test 'bad: [[' {
	[[ a = b ]]
	true
}
@test "bad: last of a pipeline" { true | false; true; }
@test "good: first of a pipeline" { false | true; }
@test "good: ! true" { ! true; true; }
@test "bad: at the end ! true" { ! true; }
@test "bad: in a subshell" { (false; true); true; }
@test "bad: assignment" { x=$(false); true; }
@test "good: local" { local x=$(false); true; }
@test "good: run" { run f; [ "$status" = 1 ] || true; [ "${lines[0]}" = "in f" ]; [ "${#lines[@]}" = 2 ]; }
@test "good: run !" { run ! false; run -3 sh -c 'exit 3'; }
@test "bad: run !" { run ! true; true; }
@test "bad: run -0"  { run -0 false; true; }
@test "good: lines" { run printf 'a\n\n b \n'; [ "${#lines[@]}" = 2 ]; [ "${lines[1]}" = " b " ]; [ "$output" = $'a\n\n b ' ]; }
@test "skipped" { skip "for a reason"; false; }
@test "skipped without" { skip; false; }
@test "bad: exit" { exit 1; }
@test "bad: exit 0" { exit 0; }
@test "bad: teardown" { BADTEAR=1; }
@test "bad: unset function" { no_such_command_here; }
@test "good: if" { if false; then false; fi; false || true; }
@test "bad: &&-list as last" { true && false; }
@test "good: &&-list" { false && true; true; }
@test "bad: return" { return 3; }
@test "good: it had a directory, and set -e stands after run" { [ -d "$BATS_TEST_TMPDIR" ]; echo x >$BATS_TEST_TMPDIR/x; }
@test "good: new directory" { [ ! -e "$BATS_TEST_TMPDIR/x" ]; echo $BATS_TEST_NUMBER; [ "$BATS_TEST_NUMBER" = 28 ]; }
@test "bad: after run" { run true; false; true; }
@test "bad: in a loop" { for i in 1 2; do [ $i = 2 ]; done; true; }
@test "bad: while read" { echo a | while read -r x; do [ "$x" = b ]; done; true; }
# bats test_tags=some
@test "tagged" { :; }
@test "not tagged" { :; }
@test "bad: it says \"so\", \$HOME and \`so\`" { echo "  it's"; false; }
	@test "indented, and a {brace}" {
	load words
	[ "$(words)" = "some words" ]
}
@test "bad: what is not there cannot be loaded" { load no-words; }
@test "good: what runs in the background is not waited for" { sleep 0.01 3>&- & }
@test "good: run restores what was set" {
	set +e
	run false
	false
	set -e
	[ "$status" = 1 ]
}
@test "bad: in a teardown that needs what the test set" { Z=4; BADTEAR=$Z; }
@test "good: the file, its directory" { [ "$BATS_TEST_FILENAME" = "$BATS_TEST_DIRNAME/outcomes.bats" ]; [ -f "$BATS_TEST_DIRNAME/words.bash" ]; }
@test "good: what the file set up, in another process" { [ "$(bash -c 'echo $X')" = 1 ]; [ -d "$BATS_FILE_TMPDIR" ]; }
