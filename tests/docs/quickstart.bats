#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154,SC2016 # lib.bash sets them; scripts for other shells
# From `make install` on a machine that never had fwc, to a firewall: README's quick start typed line
# by line, and what commands say to those who begin elsewhere.

load lib.bash

setup() {
	[ "$(id -u)" = 0 ] || skip "needs root"
	export top
}

# Bash on standard input, in a machine like this one where fwc was just installed, /etc/fwc is as
# `make install` leaves it, and nothing has ever been applied.
on_a_fresh_machine() {
	local rc=0 work share=()
	work=$(mktemp -d)
	# the overlay has this machine's root file system alone
	[ "$(stat -c %d "$top")" = "$(stat -c %d /)" ] || share=(-b "$top")
	SSH_CONNECTION='' "$top/tests/lab/machine" "${share[@]}" / "$work" bash -c '
		set -e
		rm -rf /etc/fwc /var/lib/fwc /usr/local/share/fwc /usr/local/share/doc/fwc
		make -s -C "$FWC_BUILD" install >/dev/null
		hash -r
		ip link add eth0 type veth peer name eth9
		ip link add ppp0 type veth peer name eth8
		ip address add 192.168.1.1/24 dev eth0
		ip address add 203.0.113.2/24 dev ppp0
		ip link set eth0 up
		ip link set ppp0 up
		cd "$top"
		as_user() { setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all -- \
			env PATH=/usr/local/bin:/usr/bin:/bin HOME=/ bash -c "$1"; }
		'"$(cat)" || rc=$?
	rmdir "$work"
	[ $rc != 125 ] || skip "no overlay of this machine's root"
	return $rc
}

@test "README's quick start, typed line by line" {
	# "    # command    what it does": the command ends before two blanks
	typed=$(sed -n '/^Quick start$/,/^`man/s/^    \([#$] .*\)/\1/p' "$top/README" | sed -E 's/ {2,}[^ ].*//')
	[ "$(wc -l <<<"$typed")" -ge 15 ]
	export typed
	run on_a_fresh_machine <<'END'
		editor() { grep -q "zone lan" "$1"; }
		user_types=
		# A policy is in force from the confirmation on, and until the end.
		expect() {
			case $1 in
			"fwc apply --dry-run") [ -z "$(nft list ruleset)" ] ;;
			"fwc confirm") nft list table inet fwc | grep -q "hook input" ;;
			"fwc stop") [ -z "$(nft list ruleset)" ] ;;
			esac
		}
		while IFS= read -r line; do
			echo "TYPED: $line"
			command=${line#? } said=
			case $line in
			'$ PATH='*) user_types="$command; " ;;
			'$ '*) as_user "$user_types$command" ;;
			'# fwc trace '*) # until ^C
				eval "timeout -s INT 2 ${command#}" || [ $? = 124 ] ;;
			*) eval "$command" ;;
			esac
			expect "$command"
		done <<<"$typed"
		echo ALL TYPED
END
	echo "$output"
	[ "$status" = 0 ]
	[[ $output = *"ALL TYPED" ]]
	[[ $output = *"TYPED: # fwc apply --dry-run"*"TYPED: # fwc apply --confirm"*"TYPED: # fwc confirm"* ]]
	[[ $output = *"TYPED: # fwc rollback"*"TYPED: # fwc stop"* ]]
	[[ $output != *"No such file"* && $output != *"not found"* ]]
}

@test "without a policy: commands say which to copy, and what they say works when it is typed" {
	run on_a_fresh_machine <<'END'
		hint='^hint: start from a copy of server.fwc, router.fwc or standalone.fwc: (cp .*)$'
		for command in check compile test fmt diff apply "apply --dry-run" "explain 'any -> self ssh'" \
			"trace 'any -> self ssh'" "inspect replay $top/README" "compile -o -" "check --json"; do
			said=$(eval "fwc $command" 2>&1 >/dev/null) && { echo "$command: did not fail"; exit 1; }
			printf '%s\n%s\n' "== $command" "$said"
			[[ $(grep "^hint:" <<<"$said") =~ $hint ]]
		done
		said=$(as_user "/usr/local/sbin/fwc check" 2>&1) || true
		[[ $(grep "^hint:" <<<"$said") =~ $hint ]]
		# another file that is missing is a slip of the pen, not a beginning
		said=$(fwc check nosuch.fwc 2>&1) || true
		[[ $said = *"cannot read nosuch.fwc"* && $said != *"begin with"* ]]

		rmdir /etc/fwc # then it is to be made as well
		said=$(fwc check 2>&1) || true
		line=$(sed -n "s/^hint: .*standalone.fwc: //p" <<<"$said")
		echo "TYPED: $line"
		eval "$line"
		fwc check
		fwc compile
		rm /etc/fwc/firewall.fwc
		rm -r /usr/local/share/fwc/rulesets # from a clone: no command that cannot work
		said=$(fwc check 2>&1) || true
		[[ $said = *"hint: fwc.policy(5) says how to write one"* && $said != *"cp "* ]]
		# a path that a shell would take apart is in no command
		said=$(fwc --config "/etc/my policy.fwc" check 2>&1) || true
		[[ $said = *"cannot read /etc/my policy.fwc"* && $said != *hint:* ]]
		echo WORKS
END
	echo "$output"
	[ "$status" = 0 ]
	[[ $output = *"TYPED: mkdir -p /etc/fwc && cp "* && $output = *WORKS ]]
}

@test "make install: the manuals name places that are there; what is in examples/ is installed" {
	run on_a_fresh_machine <<'END'
		[ "$(stat -c %a /etc/fwc)" = 755 ]
		cd /usr/local/share
		for page in man/man8/fwc.8 man/man5/fwc.policy.5 man/man8/fwc-inspectd.8; do
			[ "$(stat -c %a $page)" = 644 ]
			for place in $(grep -oE "/usr/(local/)?share/[a-z/.-]*[a-z/]" "$page"); do
				echo "$page: $place"
				[ -e "$place" ]
			done
		done
		grep -q "Pa /usr/local/share/fwc/rulesets/" man/man8/fwc.8
		(cd "$top/examples" && find . -type f ! -name demo | sort) >/tmp/here
		(cd doc/fwc/examples && find . -type f ! -name boot.conf | sort) | diff /tmp/here -
		[ -e doc/fwc/examples/boot.conf ]
		[ -x doc/fwc/examples/two-routers/conntrack-sync ]
		(cd "$top/rulesets" && ls) >/tmp/here
		ls fwc/rulesets | diff /tmp/here -
		make -s -C "$FWC_BUILD" uninstall >/dev/null 2>&1
		[ -z "$(find /usr/local /etc -path "*fwc*" ! -type d)" ]
		[ ! -e /etc/fwc ]
		echo RIGHT
END
	echo "$output"
	[ "$status" = 0 ]
	[[ $output = *RIGHT ]]
}
