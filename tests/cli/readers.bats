#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2030,SC2031,SC2154 # bats and lib.bash set variables
# A user with CAP_NET_ADMIN who is not root: sees what root sees, changes nothing, and believes only
# root.

load lib

setup_file() {
	cli_begin
	cp "$FWC" "$WORK/fwc"
	chmod 755 "$WORK/fwc"
}
teardown_file() { cli_end; }

setup() {
	inns nft flush ruleset
	rm -rf "$WORK/state" "/run/fwc/public$WORK"
	small >"$WORK/policy.fwc"
	chmod 644 "$WORK/policy.fwc"
	fwc compile "$WORK/policy.fwc"
	fwc apply -m first
	public=/run/fwc/public$WORK/state
}

reader() {
	ip netns exec "$NS" setpriv --reuid=65534 --regid=65534 --clear-groups \
		--inh-caps=+net_admin --ambient-caps=+net_admin \
		"$WORK/fwc" --color=never --state "$WORK/state" "$@"
}

@test "status: what root sees, line by line" {
	fwc status >"$WORK/root"
	run reader status
	echo "$output"
	[ "$status" = 0 ]
	[[ $output == *"on record   as root published it"* ]]
	[[ $output == *"policy.fwc:6  allow lan -> self tcp/22"* ]]
	[[ $output == *"holds what was applied"* ]]
	grep -v '^on record' <<<"$output" >"$WORK/reader"
	diff "$WORK/root" "$WORK/reader"
	run reader status --json
	[ "$(json 'd["known"], d["published"], d["hidden"], d["drifted"], d["applied"]["comment"]' <<<"$output")" = \
		"(True, True, False, False, 'first')" ]
	[ "$(fwc status --json | json 'd["published"]')" = False ]
}

@test "counters, show, metrics and history: the same bytes as for root" {
	local command
	for command in counters show metrics history "counters --json" "show --json" "history --json"; do
		# shellcheck disable=SC2086 # two words
		fwc $command >"$WORK/root"
		# shellcheck disable=SC2086
		reader $command >"$WORK/reader" 2>"$WORK/said"
		[ -s "$WORK/reader" ]
		[ ! -s "$WORK/said" ]
		if [ "$command" = "history --json" ]; then # the copy is smaller
			sed -i '/"bytes"/d' "$WORK/root" "$WORK/reader"
		fi
		diff "$WORK/root" "$WORK/reader"
	done
}

@test "diff FILE and explain --live name the lines" {
	small 23 >"$WORK/other.fwc"
	chmod 644 "$WORK/other.fwc"
	run reader diff "$WORK/other.fwc"
	echo "$output"
	[ "$status" = 1 ]
	[[ $output == *"- $WORK/policy.fwc:6 "*"tcp/22"* ]]
	[[ $output == *"+ $WORK/other.fwc:6 "*"tcp/23"* ]]
	run reader diff
	[ "$status" = 3 ]
	[[ $output == *"only root can read the candidate"* ]]
	run reader explain --live 'lan -> self ssh' "$WORK/policy.fwc"
	[ "$status" = 0 ]
	[[ $output == *"policy.fwc:6: allow lan -> self tcp/22"* ]]
}

@test "flows, top, and what an apply would end" {
	ip -n "$NS" link add eth0 type veth peer name peer-eth0
	ip -n "$NS" link set eth0 up
	ip -n "$NS" link set peer-eth0 up
	ip -n "$NS" address add 10.0.0.1/24 dev eth0
	inns "$here/../lab/connections" - <<<'tcp 10.0.0.5 4001 10.0.0.1 22'
	fwc flows >"$WORK/root"
	grep -q 'policy.fwc:6: allow lan -> self tcp/22' "$WORK/root"
	reader flows | diff <(sed 's/[0-9]* s left//' "$WORK/root") <(sed 's/[0-9]* s left//')
	run reader top --once
	echo "$output"
	[ "$status" = 0 ]
	[[ $output == *"tcp 10.0.0.5:4001 -> 10.0.0.1:22"* ]]
	small 23 >"$WORK/other.fwc"
	chmod 644 "$WORK/other.fwc"
	run reader diff --json "$WORK/other.fwc"
	echo "$output"
	[ "$(json '[c["from"]["port"] for c in d["connections"]["list"]]' <<<"$output")" = "[4001]" ]
	ip -n "$NS" link del eth0
}

@test "the rules on trial have their lines, for readers too" {
	{ small; echo 'allow lan -> self tcp/4444'; } | candidate
	fwc apply --confirm=60
	fwc counters >"$WORK/root"
	grep -q 'policy.fwc:[0-9]*  allow lan -> self tcp/4444' "$WORK/root"
	reader counters >"$WORK/reader"
	diff "$WORK/root" "$WORK/reader"
	fwc rollback
	[ ! -e "$public/pending" ]
	reader counters >"$WORK/reader"
	[ "$(grep -c 4444 "$WORK/reader")" = 0 ]
	# one that not everybody may read is not told
	{ small; echo 'allow lan -> self tcp/4444'; } | candidate secret
	chmod 600 "$WORK/secret.fwc"
	fwc apply --confirm=60
	[ ! -e "$public/pending" ]
	fwc rollback
}

@test "a trial is told, and told to be over" {
	small 23 | candidate
	fwc apply --confirm=60
	run reader status
	[[ $output == *"ON TRIAL    for another "*" s, by "* ]]
	fwc rollback
	run reader status
	[ "$status" = 0 ]
	[[ $output != *TRIAL* ]]
	[ ! -e "$public/trial.json" ]
	fwc apply --confirm=60
	fwc confirm
	run reader status
	[[ $output != *TRIAL* ]]
	[[ $output == *"policy.fwc:6  allow lan -> self tcp/23"* ]]
}

@test "drift is seen by readers too" {
	inns nft insert rule inet fwc input tcp dport 99 accept
	run reader status
	[ "$status" = 1 ]
	[[ $output == *"DIFFERS from what was applied"* ]]
}

@test "a copy that is not of what the kernel holds is told from one that is" {
	cp -a "$public/applied" "$WORK/old"
	small 23 | candidate
	fwc apply
	rm -rf "$public/applied"
	mv "$WORK/old" "$public/applied"
	run reader counters
	[ "$status" = 0 ]
	[[ $output == *"the kernel also holds rules that root has not published"* ]]
	run reader status
	[ "$status" = 1 ]
	[[ $output == *"DIFFERS"* ]]
}

@test "what is published can be read by all, written by root, and has no candidate" {
	local dir=$public # others may be publishing at its side
	while [ "$dir" != /run/fwc ]; do
		[ "$(stat -c '%a %u' "$dir")" = "755 0" ]
		dir=$(dirname "$dir")
	done
	[ -z "$(find "$public" -type d ! -perm 755)" ]
	[ -z "$(find "$public" ! -uid 0)" ]
	[ -z "$(find "$public" -type f ! -perm 644)" ]
	[ "$(find "$public" -type f -printf '%P\n' | sort | tr '\n' ' ')" = \
		"applied/apply.json applied/manifest.json applied/ruleset.index applied/ruleset.nft generation.1/apply.json " ]
	[ -z "$(find "$WORK/state" -type d ! -perm 700)" ]
	[ -z "$(find "$WORK/state" -type f ! -perm 600)" ]
	umask 077
	rm -rf "/run/fwc/public$WORK"
	small 23 | candidate
	fwc apply
	[ -z "$(find "/run/fwc/public$WORK" -type d ! -perm 755)" ]
	[ -z "$(find "$public" -type f ! -perm 644)" ]
}

@test "a copy that another user made, or may write, is not believed" {
	chmod 777 "$public"
	run reader status
	[[ $output == *"the state directory, which only root can read"* ]]
	chmod 755 "$public"
	chown 65534 "$public"
	run reader status
	[[ $output == *"the state directory, which only root can read"* ]]
	chown 0 "$public"
	chmod 666 "$public/applied/manifest.json"
	run reader status
	[[ $output == *"which only root can read"* ]]
	[[ $output != *"policy.fwc:6"* ]]
	chmod 644 "$public/applied/manifest.json"
	run reader status
	[[ $output == *"policy.fwc:6"* ]]
}

@test "a copy is for looking at: nothing is changed by it" {
	local command before
	before=$(generation)
	for command in apply "apply --confirm" confirm rollback "rollback 1" stop "compile $WORK/policy.fwc"; do
		# shellcheck disable=SC2086
		run reader $command
		echo "$command: $output"
		[ "$status" = 3 ]
		[[ $output == *"Permission denied"* ]]
		[ "$(generation)" = "$before" ]
	done
}

@test "of a policy that is not for all to read nothing is told, but that it is on trial" {
	chmod 640 "$WORK/policy.fwc"
	small 23 >"$WORK/closed.fwc"
	chmod 600 "$WORK/closed.fwc"
	fwc compile "$WORK/closed.fwc"
	fwc apply
	[ -z "$(find "$public" -type f)" ]
	run reader status -v
	[ "$status" = 0 ]
	[[ $output == *"the state directory, which only root can read"* ]]
	[[ $output == *" allow lan -> self tcp/23"* ]] # the kernel's own comment
	[[ $output != *closed.fwc* ]]
	run reader counters
	[[ $output == *"rules have no file and line"* ]]
	run reader history
	[ "$status" = 3 ]
	[[ $output == *"only root can read the history"* ]]
	fwc compile "$WORK/policy.fwc"
	fwc apply --confirm=60
	[ "$(find "$public" -type f)" = "$public/trial.json" ]
	run reader status
	[[ $output == *"ON TRIAL"* ]]
	fwc rollback
}

@test "of a policy in a directory that others cannot enter nothing is told" {
	mkdir -p "$WORK/shut/in"
	small 24 >"$WORK/shut/in/policy.fwc"
	chmod 644 "$WORK/shut/in/policy.fwc"
	chmod 700 "$WORK/shut"
	fwc compile "$WORK/shut/in/policy.fwc"
	fwc apply -m 'told to nobody'
	[ -z "$(find "$public" -type f)" ]
	# nor by another way to it
	ln -s shut/in/policy.fwc "$WORK/link.fwc"
	fwc compile "$WORK/link.fwc"
	fwc apply -m 'told to nobody'
	[ -z "$(find "$public" -type f)" ]
}

@test "what was applied when nobody could read it is not told later" {
	small 25 | sed 's/lan -> self/203.0.113.88@lan -> self/' >"$WORK/secret.fwc"
	chmod 600 "$WORK/secret.fwc"
	fwc compile "$WORK/secret.fwc"
	fwc apply -m 'secret: contractor'
	[ -z "$(find "$public" -type f)" ]
	# the next one can be told, but not what it changed
	fwc compile "$WORK/policy.fwc"
	fwc apply -m 'open again'
	[ -f "$public/applied/ruleset.nft" ]
	(! grep -rE 'contractor|203\.0\.113\.88' "$public")
	run reader status
	[[ $output == *"policy.fwc:"*"allow lan -> self tcp/22"* ]]
	small 26 >"$WORK/next.fwc"
	chmod 644 "$WORK/next.fwc"
	fwc compile "$WORK/next.fwc"
	fwc apply -m 'and on'
	grep -q 'and on' "$public/applied/apply.json"
	(! grep -rE 'contractor|203\.0\.113\.88' "$public")
	run reader history
	[ "$status" = 0 ]
	[[ $output == *"and on"* && $output != *contractor* ]]
}

@test "after stop nothing is published of what was" {
	fwc stop
	[ ! -e "$public/applied" ]
	run reader status
	[ "$status" = 1 ]
	[[ $output == *"NOT LOADED"* ]]
}

@test "a copy that is gone, as after a start of the machine, is made again by the next command" {
	rm -rf "/run/fwc/public$WORK"
	fwc apply
	run reader status
	[ "$status" = 0 ]
	[[ $output == *"policy.fwc:6  allow"* ]]
}

@test "generations that are forgotten are forgotten in the copy" {
	local i
	for i in {1..21}; do
		small $((100 + i)) | candidate
		fwc apply >/dev/null
	done
	[ "$(find "$WORK/state" -name "generation.*" | wc -l)" = 20 ]
	diff <(cd "$WORK/state" && ls -d generation.*) <(cd "$public" && ls -d generation.*)
	diff <(fwc history) <(reader history)
}

@test "a state directory by a way with .. is published nowhere" {
	mkdir -p "$WORK/x"
	run fwc --state "$WORK/x/../../../..$WORK/other" compile "$WORK/policy.fwc"
	[ "$status" = 0 ]
	[ ! -e "$WORK/other/applied" ]
	"$FWC" --netns "$NS" --state "$WORK/x/../other" apply
	[ -d "$WORK/other/applied" ]
	[ ! -e "/run/fwc/public$WORK/other" ]
}

@test "what was counted before a restore is counted for readers, too" {
	fwc save
	/usr/bin/python3 - "$WORK/state/saved.json" <<-'END2'
		import json, sys
		d = json.load(open(sys.argv[1]))
		[line] = [l for l in d["lines"] if "tcp/22" in l["text"]]
		line["packets"], line["bytes"] = 41, 4100
		json.dump(d, open(sys.argv[1], "w"))
	END2
	inns nft delete table inet fwc
	fwc apply
	fwc restore
	[[ $(reader counters) =~ " 41 "+"4100  "[^$'\n']*"allow lan -> self tcp/22" ]]
	[ "$(reader counters)" = "$(fwc counters)" ]
	# it quotes the policy, so it is told no more than that
	chmod 600 "$WORK/policy.fwc"
	fwc compile "$WORK/policy.fwc"
	fwc apply -m again
	small 23 | sed 's/^/# closed\n/' | candidate
	chmod 600 "$WORK/policy.fwc"
	fwc apply
	[ -z "$(find "$public" -type f)" ]
}

@test "a panic and a start of the machine that was not as it should be are told" {
	fwc panic --keep 192.0.2.7
	run reader status
	[ "$status" = 1 ]
	[[ $output == *PANIC* ]]
	diff <(fwc status 2>&1 | grep -i panic) <(grep -i panic <<<"$output")
	fwc rollback
	run reader status
	[ "$status" = 0 ]
	[[ $output != *PANIC* ]]
	inns nft delete table inet fwc
	rm -rf "/run/fwc/public$WORK"
	truncate -s 9 "$WORK/state/applied/manifest.json"
	fwc boot || [ $? = 1 ]
	fwc status >"$WORK/root" || [ $? = 1 ]
	reader status >"$WORK/reader" || [ $? = 1 ]
	grep '^BOOT' "$WORK/root"
	diff <(grep -A1 '^BOOT' "$WORK/root") <(grep -A1 '^BOOT' "$WORK/reader")
}
