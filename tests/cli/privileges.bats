#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2030,SC2031,SC2154 # bats and lib.bash set variables
# Root compiles without capabilities: what /proc/PID/status says of the processes while they work.

load lib

setup_file() { cli_begin; }
teardown_file() { cli_end; }

setup() {
	inns nft flush ruleset
	rm -rf "$WORK/state"
	small >"$WORK/policy.fwc"
	chmod 644 "$WORK/policy.fwc"
}

has_faults() {
	FWC_FAULT=parsed run fwc check "$WORK/policy.fwc"
	[ "$status" = 137 ] || skip "built without FWC_FAULTS"
}

field() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"; }

stopped_at() { # FAULT COMMAND...: the command until it stops; its process is $stopped
	FWC_FAULT=stop:$1 "$FWC" --netns "$NS" --state "$WORK/state" "${@:2}" >"$WORK/out" 2>&1 &
	stopped=$!
	for _ in {1..600}; do
		[[ $(field "$stopped" State) != T* ]] || return 0
		sleep 0.05
	done
	kill -KILL "$stopped"
	return 1
}

go_on() {
	kill -CONT "$stopped"
	wait "$stopped"
}

powerless() { # COMMAND...: stops after it has read a policy, with nothing left of root's power
	stopped_at parsed "$@"
	without_power "$@"
}

without_power() {
	local set
	for set in CapEff CapPrm CapBnd CapInh CapAmb; do
		echo "$*: $set $(field "$stopped" $set)"
		[ "$(field "$stopped" $set)" = 0000000000000000 ]
	done
	[ "$(field "$stopped" NoNewPrivs)" = 1 ]
	[[ ! $(field "$stopped" Uid) =~ (^|[[:space:]])0([[:space:]]|$) ]]
	[[ ! $(field "$stopped" Gid) =~ (^|[[:space:]])0([[:space:]]|$) ]]
	[ -z "$(field "$stopped" Groups | tr -d ' ')" ]
}

@test "compile, check, test and explain read a policy without any capability" {
	has_faults
	powerless compile "$WORK/policy.fwc"
	go_on
	[ -f "$WORK/state/candidate/manifest.json" ]
	grep -q '"proof": "proved"' "$WORK/state/candidate/manifest.json"
	powerless check "$WORK/policy.fwc"
	go_on
	powerless test "$WORK/policy.fwc"
	go_on
	powerless explain 'lan -> self ssh' "$WORK/policy.fwc"
	go_on
}

@test "so do diff and explain --live, though they ask what the kernel holds" {
	has_faults
	small | candidate
	fwc apply
	powerless explain --live 'lan -> self ssh' "$WORK/policy.fwc"
	go_on
	grep -q accepted "$WORK/out"
	small 23 >"$WORK/other.fwc"
	powerless diff "$WORK/other.fwc"
	status=0
	go_on || status=$?
	[ "$status" = 1 ]
	grep -q '^+ .*tcp/23' "$WORK/out"
}

@test "and log and trace, which read what others wrote" {
	has_faults
	powerless trace --timeout 0.1 'lan -> self ssh' "$WORK/policy.fwc"
	go_on
	grep -q 'tracing, about' "$WORK/out"
	# log reads until there is no more
	mkfifo "$WORK/fifo"
	"$FWC" --netns "$NS" --state "$WORK/state" --config "$WORK/policy.fwc" log - <"$WORK/fifo" >"$WORK/out" 2>&1 &
	stopped=$!
	exec 7>"$WORK/fifo"
	echo 'fwc drop: IN=eth0 OUT= SRC=192.0.2.1 DST=192.0.2.2 PROTO=47' >&7
	for _ in {1..600}; do
		! grep -q 192.0.2.1 "$WORK/out" || break
		sleep 0.05
	done
	without_power log
	exec 7>&-
	wait "$stopped"
	grep -F 'eth0 (lan) -> self  192.0.2.1 -> 192.0.2.2 gre' "$WORK/out"
}

@test "the process that asks the kernel for them has two capabilities, and no policy" {
	has_faults
	stopped_at parsed compile "$WORK/policy.fwc"
	broker=$(pgrep -P "$stopped" -x fwc-broker)
	# CAP_NET_ADMIN is 12, CAP_SYS_ADMIN 21 (linux/capability.h)
	[ "$(field "$broker" CapPrm)" = 0000000000201000 ]
	[ "$(field "$broker" CapBnd)" = 0000000000201000 ]
	# it ends with the one that asks, even if that is killed
	kill -KILL "$stopped"
	wait "$stopped" || true
	for _ in {1..600}; do
		[ -d "/proc/$broker" ] || break
		sleep 0.05
	done
	[ ! -d "/proc/$broker" ]
}

@test "the load is tried below a user namespace, and with CAP_NET_ADMIN alone there" {
	/usr/bin/python3 - "$WORK" <<-'END'
		import sys
		open(sys.argv[1] + "/many.set", "w").write("".join(
		    f"10.{i >> 8 & 255}.{i & 255}.1\n" for i in range(0, 2500)))
	END
	chmod 644 "$WORK/many.set"
	{ small; echo 'set many = file "many.set"
drop many@lan -> self tcp/24'; } >"$WORK/many.fwc"
	has_faults
	FWC_FAULT=stop:loaded "$FWC" --state "$WORK/state" compile "$WORK/many.fwc" &
	# among its descendants, the one that has loaded it
	run /usr/bin/python3 - $! <<-'END'
		import os, signal, sys, time
		def children(pid):
		    with open(f"/proc/{pid}/task/{pid}/children") as f:
		        return [c for d in f.read().split() for c in [d] + children(d)]
		def field(pid, name):
		    with open(f"/proc/{pid}/status") as f:
		        return [l.split()[1] for l in f if l.startswith(name + ":")][0]
		stopped, end = [], time.time() + 60
		while not stopped and time.time() < end:
		    time.sleep(0.05)
		    try:
		        stopped = [p for p in children(sys.argv[1]) if field(p, "State") == "T"]
		    except OSError:
		        pass
		[pid] = stopped
		print([os.readlink(f"/proc/{pid}/ns/{n}") != os.readlink(f"/proc/self/ns/{n}") for n in ("net", "user")],
		      field(pid, "CapPrm"), field(pid, "NoNewPrivs"))
		os.kill(int(pid), signal.SIGCONT)
	END
	echo "$output"
	wait
	[ "$output" = "[True, True] 0000000000001000 1" ]
	grep -q '"proof": "proved"' "$WORK/state/candidate/manifest.json"
}

@test "where user namespaces are forbidden, root still compiles and proves" {
	run unshare -Urn sh -c "echo 0 >/proc/sys/user/max_user_namespaces
		exec $FWC --state $WORK/state compile $WORK/policy.fwc"
	echo "$output"
	[ "$status" = 0 ]
	grep -q '"proof": "proved"' "$WORK/state/candidate/manifest.json"
	# and so do those whose namespaces cannot be used otherwise
	run unshare -Urn sh -c "echo 0 >/proc/sys/user/max_user_namespaces
		exec $FWC --state $WORK/state check -v $WORK/policy.fwc"
	[ "$status" = 0 ]
	[[ $output == *"the kernel takes it"*"; proved"* ]]
}

@test "a ruleset larger than an ordinary socket's buffer: root tries it, others are told" {
	/usr/bin/python3 -c 'for i in range(0, 60000, 2):
    print(f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}")' >"$WORK/large.set"
	chmod 644 "$WORK/large.set"
	{ small; echo 'set large = file "large.set"
drop large@lan -> self tcp/24'; } >"$WORK/large.fwc"
	chmod 644 "$WORK/large.fwc"
	fwc compile "$WORK/large.fwc"
	grep -q '"proof": "proved"' "$WORK/state/candidate/manifest.json"
	cp "$FWC" "$WORK/fwc"
	chmod 755 "$WORK/fwc"
	run setpriv --reuid=65534 --regid=65534 --clear-groups "$WORK/fwc" check -v "$WORK/large.fwc"
	echo "$output"
	[ "$status" = 0 ]
	# newer libnftables get it through for anyone
	[[ $output == *"only the policy itself was checked"* || $output == *": fine: the kernel takes it"* ]]
}

build_taken() { # taken.c: preloaded, it takes the place of a process
	! grep -q 'define FWC_SANITIZERS' "$FWC_BUILD/config.h" || skip "sanitizers want programs and namespaces"
	cc -shared -fPIC -I "$here/../../src" -o "$WORK/taken.so" "$here/taken.c" -ldl
}

@test "nor at the kernel: it may ask the broker for what loads nothing that packets meet" {
	build_taken
	local command
	for command in check 'compile -o -' "diff $WORK/policy.fwc" 'explain lan->self' test; do
		# shellcheck disable=SC2086 # words
		run env TAKEN_PLACE="$WORK" TAKEN_BROKER=1 LD_PRELOAD="$WORK/taken.so" "$FWC" --state "$WORK/state" \
			--config "$WORK/policy.fwc" $command
		echo "$command: $output"
		[ "$status" = 42 ]
		[[ $output == *$'\nloaded'* && $output != *"works: the broker"* ]]
	done
	[ "$(inns nft list tables)" = "" ]
}

@test "whoever takes over the process that has nft read a script opens no file" {
	build_taken
	/usr/bin/python3 -c 'import ctypes, sys
sys.exit(ctypes.CDLL(None).syscall(444, None, 0, 1) < 1)' || skip "this kernel has no landlock"
	local command
	fwc compile "$WORK/policy.fwc"
	for command in "check $WORK/policy.fwc" "compile $WORK/policy.fwc" diff 'apply --no-confirm'; do
		rm -f "$WORK/state/candidate/ruleset.dump" # or nothing would be loaded for diff
		# shellcheck disable=SC2086 # words
		run env TAKEN_PLACE="$WORK" TAKEN_CHILD=1 LD_PRELOAD="$WORK/taken.so" "$FWC" --state "$WORK/state" $command
		echo "$command: $output"
		[ "$status" = 3 ]
		[[ $output == *"exited in its child process (status 42): taken"* ]]
		[[ $output != *works* && $output != *"no memory"* ]]
	done
}

# taken.c tries: it is the process from the moment when it has read the first byte of a policy
@test "whoever takes over the process that reads a policy gets at nothing" {
	local command place=$WORK/place
	build_taken
	mkdir "$place" "$place/directory"
	mkfifo "$place/fifo"
	echo 10.0.0.1 >"$place/theirs.set"
	chown 65534 "$place/theirs.set"
	echo 10.0.0.1 >"$place/all.set"
	chmod 666 "$place/all.set"
	echo '10.0.0.1 # "secret"' >"$place/named.set"
	touch "$place/open.fwc"
	chmod 666 "$place/open.fwc"
	echo secret >"$place/secret"
	chmod 600 "$place/"{secret,named.set}
	{ small; echo 'set named = file "named.set"
drop named@lan -> self tcp/24'; } >"$place/p.fwc"
	echo '# "directory" "fifo" "theirs.set" "all.set" "/dev/null" "/run/systemd/notify"' >>"$place/p.fwc"
	chmod 600 "$place/p.fwc"
	for command in check test fmt 'explain lan->self' 'compile -o -'; do
		# shellcheck disable=SC2086 # words
		run env TAKEN_PLACE="$place" LD_PRELOAD="$WORK/taken.so" "$FWC" --state "$WORK/state" --config "$place/p.fwc" $command
		echo "$command: $output"
		[ "$status" = 42 ]
		if [[ $command != compile* ]]; then
			[ "$output" = $'taken\ntold' ]
		else # which is there to write a candidate; of what it does not know
			[ "$output" = $'taken\nworks: the opener: to write\ntold' ] || [ "$output" = $'taken\ntold' ]
		fi
	done
	[ ! -e /etc/cron.d/fwc-test ]
}

@test "status -v says as whom policies are read" {
	run fwc status -v
	[[ $output == *"policies    are read as uid "[1-9]* ]]
	# where there is only one user, as that
	run unshare -Urn "$FWC" --state "$WORK/state" status -v
	[[ $output == *"policies    are read as root: the user cannot be changed here"* ]]
	run unshare -Urn "$FWC" --state "$WORK/state" check "$WORK/policy.fwc"
	[ "$status" = 0 ]
}

@test "what may be asked for a policy is neither a program nor a socket to the network" {
	has_faults
	stopped_at parsed test "$WORK/policy.fwc"
	# 2: a filter; a build with sanitizers has none, for they start programs themselves
	[ "$(field "$stopped" Seccomp)" = 2 ] || grep -q 'define FWC_SANITIZERS' "$FWC_BUILD/config.h"
	go_on
}
@test "a process without capabilities says what it cannot read, and what to do" {
	small >"$WORK/private.fwc"
	chown 65534:65534 "$WORK/private.fwc"
	chmod 600 "$WORK/private.fwc"
	SUDO_UID=65534 run fwc compile "$WORK/private.fwc"
	[ "$status" = 2 ]
	echo "$output"
	[[ $output == *"Permission denied"* ]]
	[[ $output == *"without root's rights"* ]]
}
