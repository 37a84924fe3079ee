#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # bats and lib.bash set variables
# Text that the caller or a stranger wrote reaches no terminal as it is: escape sequences, C1 controls, Latin-1 and
# what turns the direction of text, in operands, options, file names, the environment, names in the kernel.

load lib

# ESC [ 31 m, Latin-1, CSI as one C1 control in UTF-8 and alone, DEL, CR, an override of the direction; no '/'
evil=$'a\e[31mb\xe9c\xc2\x9b2Jd\x9be\x7ff\rg\xe2\x80\xaeh'

setup_file() { cli_begin; }
teardown_file() { cli_end; }

setup() {
	mkdir -p "$WORK/out"
	rm -f "$WORK"/out/*
	n=0
	cd "$WORK" || exit # for files of that name
	unset SSH_CONNECTION
	inns nft flush ruleset
	rm -rf "$WORK/state"
}

# What a command prints, in the given ways; whatever its exit status is. Looked at by all_safe.
safe() {
	local how
	for how in ${ways:---color=never --json}; do
		n=$((n + 1))
		printf '%q ' "$how" "$@" >"$WORK/out/$n.command"
		timeout 60 "$FWC" "$how" "$@" >"$WORK/out/$n.$how" 2>"$WORK/out/$n.error" </dev/null || [ $? != 124 ]
	done
}

all_safe() { # of at least so many
	[ "$n" -ge "$1" ]
	"$here/shown.py" "$WORK/out"
}

commands() { "$FWC" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'; }

@test "operands and options of every command" {
	local c
	for c in $(commands); do
		safe --netns "$NS" --state "$WORK/state" "$c" "$evil"
		safe --netns "$NS" --state "$WORK/state" "$c" -o "$evil"
		ways=--color=never safe --netns "$NS" --state "$WORK/state" "$c" "--$evil"
	done
	all_safe 100
}

@test "--netns, --state, --config and --color of every command" {
	local c
	for c in $(commands) "$evil"; do
		ways=--color=never safe --netns "$evil" "$c"
		safe --netns "$NS" --state "$WORK/$evil" "$c"
		ways=--color=never safe --netns "$NS" --state "$WORK/state" --config "$WORK/$evil" "$c"
	done
	ways=--json safe --color "$evil" check
	rm -rf "${WORK:?}/$evil"
	all_safe 100
}

@test "a newline in an argument begins no line of a message" {
	run "$FWC" $'no\nfwc: all is well'
	echo "$output"
	[ "$status" = 2 ]
	[[ $output != *$'\n'"fwc: all is well"* ]]
}

@test "a policy and an artefact whose paths and contents are so" {
	local dir="$WORK/$evil"
	mkdir -p "$dir"
	chmod 755 "$dir"
	small >"$dir/p.fwc"
	ways=--color=always safe --netns "$NS" --state "$WORK/state" check "$dir/p.fwc"
	for c in check compile test explain; do safe --netns "$NS" --state "$WORK/state" $c "$dir/p.fwc"; done
	safe --netns "$NS" --state "$WORK/state" explain 'lan -> self ssh' "$dir/p.fwc"
	ways=--color=never safe --netns "$NS" --state "$WORK/state" compile "$dir/p.fwc" -o -
	safe --netns "$NS" --state "$WORK/state" compile "$dir/p.fwc" -o "$dir/made"
	safe --netns "$NS" --state "$WORK/state" reload "$dir/p.fwc" --no-confirm -m "$evil"
	for c in status history show counters diff metrics save restore flows; do
		safe --netns "$NS" --state "$WORK/state" $c
	done
	safe --netns "$NS" --state "$WORK/state" apply "$dir/made"
	printf 'allow lan -> %s\nhost h = "%s"\n' "$evil" "$evil" >"$dir/bad.fwc"
	for c in check compile fmt test; do safe --netns "$NS" --state "$WORK/state" $c "$dir/bad.fwc"; done
	ways=--color=always safe --netns "$NS" --state "$WORK/state" check "$dir/bad.fwc"
	rm -rf "$dir"
	all_safe 30
}

@test "who applied, from where, and the names of interfaces" {
	ip -n "$NS" link add plain0 type veth peer name plain1
	inns /usr/bin/python3 -c 'import fcntl, socket, struct
fcntl.ioctl(socket.socket(), 0x8923, struct.pack("16s16s", b"plain0", b"i\x1b[7m\xe9"))' # SIOCSIFNAME
	ip -n "$NS" link set dev $'i\e[7m\xe9' up
	small | candidate
	SUDO_USER=$evil SUDO_UID=1 SSH_CONNECTION=$evil SSH_TTY=$evil USER=$evil LOGNAME=$evil \
		safe --netns "$NS" --state "$WORK/state" apply --no-confirm
	run fwc status
	[[ $output == *'i\x1b[7m\xe9 is up'* ]]
	for c in status history panic rollback; do
		SSH_CONNECTION=$evil SUDO_USER=$evil safe --netns "$NS" --state "$WORK/state" $c
	done
	fwc stop
	ip -n "$NS" link del dev $'i\e[7m\xe9'
	all_safe 10
}

@test "fwc fmt gives a pipe every byte" {
	printf '# \xc2\x9b31m, a \xe2\x80\x8d\nforwarding off\n' >"$WORK/p.fwc"
	fwc fmt "$WORK/p.fwc" | cmp - "$WORK/p.fwc"
	run script -qec "$FWC fmt $WORK/p.fwc" /dev/null
	[[ $output == *'\xc2\x9b31m'*'forwarding off'* ]]
}

@test "fwc-inspectd's own messages" {
	local word
	for word in "--$evil" "$evil" --netns="$evil" --user="$evil" --hold="$evil"; do
		"${FWC%/*}/fwc-inspectd" "$word" >"$WORK/out/1.output" 2>"$WORK/out/1.error" </dev/null || true
		[ -s "$WORK/out/1.error" ]
		n=1
		all_safe 1
	done
}
