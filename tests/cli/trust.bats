#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2030,SC2031,SC2154 # bats and lib.bash set variables
# Whose files are read: policies, what they include, and what lies in the state directory.

load lib

setup_file() { cli_begin; }
teardown_file() { cli_end; }

setup() {
	unset SUDO_UID
	inns nft flush ruleset
	rm -rf "$WORK/state" "$WORK/p"
	mkdir -p "$WORK/p/parts"
	echo 'zone lan { interface eth0 }
include "parts/*.fwc"
include "parts/one.fwc"
set feed = file "parts/feed.set"
allow feed@lan -> self ssh' >"$WORK/p/main.fwc"
	echo 'allow lan -> self https' >"$WORK/p/parts/one.fwc"
	echo '192.0.2.1' >"$WORK/p/parts/feed.set"
	chmod 755 "$WORK/p" "$WORK/p/parts"
	chmod 644 "$WORK/p/main.fwc" "$WORK/p/parts/"*
}

refused() { # WORDS...: each is in what check says
	local word
	run fwc check "$WORK/p/main.fwc"
	echo "$output"
	[ "$status" = 2 ]
	for word; do
		[[ $output == *"$word"* ]]
	done
}

@test "files that group or others may write: policy, include, set file" {
	local file mode
	fwc check "$WORK/p/main.fwc"
	for file in main.fwc parts/one.fwc parts/feed.set; do
		for mode in 664 646; do
			chmod "$mode" "$WORK/p/$file"
			refused "$file can be written by others than its owner"
		done
		chmod 644 "$WORK/p/$file"
	done
}

@test "files of a third user: policy, include, set file" {
	local file
	for file in main.fwc parts/one.fwc parts/feed.set; do
		chown 65534 "$WORK/p/$file"
		refused "$file belongs to another user" "hint: chown root $WORK/p/$file"
		chown 0 "$WORK/p/$file"
	done
	fwc check "$WORK/p/main.fwc"
}

@test "directories on the way that others may write, or that are theirs" {
	local mode
	for mode in 775 757; do
		chmod "$mode" "$WORK/p"
		refused "directory $WORK/p can be written by others" "hint: chmod go-w $WORK/p"
	done
	chmod 755 "$WORK/p"
	chown 65534 "$WORK/p/parts"
	refused "directory $WORK/p/parts belongs to another user"
	chown 0 "$WORK/p/parts"
	fwc check "$WORK/p/main.fwc"
	# a way that begins in the working directory leads through the directories above
	chmod 777 "$WORK/p"
	cd "$WORK/p/parts"
	run fwc check one.fwc
	[ "$status" = 2 ]
	[[ $output == *"directory $WORK/p can be written by others"* ]]
}

@test "a sticky directory is good enough, for files whose owner is" {
	chmod 1777 "$WORK/p/parts"
	fwc check "$WORK/p/main.fwc"
	chown 65534 "$WORK/p/parts/one.fwc"
	refused "one.fwc belongs to another user"
}

@test "a pattern in a directory that others may write: even if nothing matches" {
	chmod 777 "$WORK/p/parts"
	echo 'include "parts/*.none"
forwarding off' >"$WORK/p/main.fwc"
	refused "cannot list the files that match this pattern"
	chmod 755 "$WORK/p/parts"
	fwc check "$WORK/p/main.fwc"
}

@test "symbolic links: one's own are followed, those of others are not" {
	mv "$WORK/p/parts/one.fwc" "$WORK/p/real"
	ln -s ../real "$WORK/p/parts/one.fwc"
	mv "$WORK/p/parts" "$WORK/p/elsewhere"
	ln -s "$WORK/p/elsewhere" "$WORK/p/parts"
	fwc check "$WORK/p/main.fwc"
	chown -h 65534 "$WORK/p/elsewhere/one.fwc"
	refused "symbolic link $WORK/p/elsewhere/one.fwc belongs to another user"
	chown -h 0 "$WORK/p/elsewhere/one.fwc"
	chown -h 65534 "$WORK/p/parts"
	refused "symbolic link $WORK/p/parts belongs to another user" "chown -h root"
	chown -h 0 "$WORK/p/parts"
	# what a link leads through is looked at as well
	chmod 777 "$WORK/p/elsewhere"
	refused "directory $WORK/p/elsewhere can be written by others"
}

@test "after sudo the files of who called it are as good as one's own" {
	chown -R 65534 "$WORK/p"
	refused "belongs to another user"
	SUDO_UID=65534 run fwc check "$WORK/p/main.fwc"
	echo "$output"
	[ "$status" = 0 ]
	SUDO_UID=65533 refused "belongs to another user"
}

@test "an ordinary user's own files are read, another's are not" {
	cp "$FWC" "$WORK/fwc"
	chmod 755 "$WORK/fwc"
	chown -R 65534 "$WORK/p"
	run setpriv --reuid=65534 --regid=65534 --clear-groups "$WORK/fwc" check "$WORK/p/main.fwc"
	[ "$status" = 0 ]
	SUDO_UID=65534 run setpriv --reuid=65533 --regid=65533 --clear-groups \
		"$WORK/fwc" check "$WORK/p/main.fwc"
	[ "$status" = 2 ]
	[[ $output == *"belongs to another user"* ]]
}

# ---- the state directory ----

# Everything that is kept: three generations, one of them on trial.
fill_state() {
	small 22 | sed 's/forwarding off/forwarding on/' | candidate
	fwc apply
	small 23 | sed 's/forwarding off/forwarding on/' | candidate
	fwc apply
	small 24 | sed 's/forwarding off/forwarding on/' | candidate
}

@test "0700 and 0600, everything, during a trial too" {
	umask 000
	fill_state
	fwc apply --confirm=60
	[ "$(find "$WORK/state" | wc -l)" -gt 12 ]
	[ -f "$WORK/state/forwarding.json" ]
	[ -f "$WORK/state/trial.json" ]
	[ -f "$WORK/state/pending/manifest.json" ]
	[ -z "$(find "$WORK/state" -type d ! -perm 700)" ]
	[ -z "$(find "$WORK/state" -type f ! -perm 600)" ]
	fwc rollback
	fwc stop
}

linked() { # NAME: what is there is moved away, and linked to
	rm -rf "$WORK/moved"
	mv "$WORK/state/$1" "$WORK/moved"
	ln -s "$WORK/moved" "$WORK/state/$1"
}

no_way() { # COMMAND...: refused; the kernel and what the link leads to are as before
	local before hash
	before=$(generation)
	hash=$(find "$WORK/moved" -type f -exec sha256sum {} + | sort)
	run fwc "$@"
	echo "$*: $output"
	[ "$status" = 3 ]
	[[ $output == *"link"* || $output == *"is not a directory"* ]]
	[ "$(generation)" = "$before" ]
	[ "$(find "$WORK/moved" -type f -exec sha256sum {} + | sort)" = "$hash" ]
}

@test "a symbolic link in place of the candidate, or of a file of it" {
	fill_state
	linked candidate
	no_way apply
	rm "$WORK/state/candidate"
	mv "$WORK/moved" "$WORK/state/candidate"
	for file in ruleset.nft manifest.json ruleset.index; do
		linked "candidate/$file"
		no_way apply
		mv "$WORK/moved" "$WORK/state/candidate/$file"
	done
	fwc apply
	fwc stop
}

@test "a symbolic link in place of what is applied" {
	fill_state
	linked applied
	run fwc status
	[ "$status" = 1 ]
	[[ $output == *"no record to compare it with"* ]]
	hash=$(cat "$WORK/moved/"* | sha256sum)
	fwc apply
	[ ! -L "$WORK/state/applied" ]
	[ -z "$(find "$WORK/state" -type l)" ]
	[ "$(cat "$WORK/moved/"* | sha256sum)" = "$hash" ]
	fwc status
	fwc stop
}

@test "a symbolic link in place of apply.json" {
	fill_state
	linked applied/apply.json
	hash=$(sha256sum <"$WORK/moved")
	run fwc status
	[[ $output == *"loaded since ?"* ]]
	fwc apply
	[ ! -L "$WORK/state/applied/apply.json" ]
	[ "$(sha256sum <"$WORK/moved")" = "$hash" ]
	fwc stop
}

@test "a symbolic link in place of a generation, or of a file of one" {
	fill_state
	linked generation.1
	no_way rollback 1
	rm "$WORK/state/generation.1"
	mv "$WORK/moved" "$WORK/state/generation.1"
	linked generation.1/manifest.json
	no_way rollback 1
	fwc stop
}

@test "a symbolic link in place of forwarding.json" {
	fill_state
	linked forwarding.json
	no_way stop
	[ "$(inns sysctl -n net.ipv4.ip_forward)" = 1 ]
	mv "$WORK/moved" "$WORK/state/forwarding.json"
	fwc stop
}

@test "a symbolic link in place of trial.json, or of pending" {
	fill_state
	fwc apply --confirm=60
	linked trial.json
	no_way confirm
	no_way apply
	no_way rollback
	mv "$WORK/moved" "$WORK/state/trial.json"
	linked pending
	no_way confirm
	rm "$WORK/state/pending"
	mv "$WORK/moved" "$WORK/state/pending"
	fwc confirm
	fwc stop
}

@test "a symbolic link in place of the lock" {
	fill_state
	linked lock
	no_way apply
	no_way compile "$WORK/policy.fwc"
	no_way stop
	mv "$WORK/moved" "$WORK/state/lock"
	fwc stop
}
