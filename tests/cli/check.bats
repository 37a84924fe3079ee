#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# check: for everybody, changing nothing.

load lib

setup_file() { cli_begin; }
teardown_file() { cli_end; }

setup() {
	small >"$WORK/policy.fwc"
	chmod 644 "$WORK/policy.fwc"
}

@test "a policy that is fine" {
	before=$(generation)
	fwc check "$WORK/policy.fwc"
	[ "$(generation)" = "$before" ]
	[ ! -e "$WORK/state" ]
}

@test "a policy that is wrong is exit 2, with file and line" {
	echo 'allow nowhere -> self' >"$WORK/bad.fwc"
	run fwc check "$WORK/bad.fwc"
	[ "$status" = 2 ]
	[[ $output == *"bad.fwc:1:"*nowhere* ]]
	run fwc check --json "$WORK/bad.fwc"
	[ "$status" = 2 ]
	said=$("$FWC" check --json "$WORK/bad.fwc" 2>/dev/null || true)
	[ "$(json 'd["ok"], d["messages"][0]["severity"], d["messages"][0]["line"]' <<<"$said")" = "(False, 'error', 1)" ]
}

@test "verbose names the features of this kernel and those that the policy uses" {
	run fwc check -v "$WORK/policy.fwc"
	[ "$status" = 0 ]
	[[ $output == *masquerade*yes*"used by this policy"* ]]
	said=$(fwc check --json "$WORK/policy.fwc" 2>/dev/null)
	[ "$(json 'd["kernel"], len(d["features"]) > 20' <<<"$said")" = "('loaded', True)" ]
}

@test "an ordinary user can check where user namespaces are allowed" {
	cp "$FWC" "$WORK/fwc"
	chmod 755 "$WORK/fwc"
	run setpriv --reuid=65534 --regid=65534 --clear-groups "$WORK/fwc" check -v "$WORK/policy.fwc"
	[ "$status" = 0 ]
	[[ $output == *"the kernel takes it"* || $output == *"only the policy itself was checked"* ]]
}

@test "where no namespace can be made it says so, and is content with the policy" {
	cp "$FWC" "$WORK/fwc"
	chmod 755 "$WORK/fwc"
	run setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs \
		unshare -Ur sh -c "echo 0 >/proc/sys/user/max_net_namespaces; exec $WORK/fwc check $WORK/policy.fwc"
	[ "$status" = 0 ]
	[[ $output == *"only the policy itself was checked"* ]]
}
