#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154,SC2031,SC2143 # lib.bash sets them
# Boot scripts, called as the systems call them; and where `make install` puts them.

load lib.bash

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	export SSH_CONNECTION=
	ns=fwc-init-$BATS_TEST_NUMBER-$$
	ip netns add "$ns"
	echo 'allow any -> self tcp/22' >firewall.fwc
	export FWC FWC_OPTIONS="--netns $ns --state $PWD/state --config $PWD/firewall.fwc"
	init=$FWC_SRC/init
}
teardown() { ip netns del "$ns"; }

input_rules() { ip netns exec "$ns" nft list table inet fwc 2>/dev/null | grep -c 'dport'; }
holds_port() { ip netns exec "$ns" nft list table inet fwc | grep -q "tcp dport $1 "; }

calls() { # a script for which sh will do
	local script=$1
	run sh "$script" start # nothing has ever been applied: shut, and a failure
	echo "$output"
	[ "$status" = 3 ]
	[[ $output = *"BLOCKED"* ]]
	run sh "$script" restart
	echo "$output"
	[ "$status" = 0 ]
	holds_port 22
	run sh "$script" status
	[ "$status" = 0 ]
	[[ $output = *"holds what was applied"* ]]

	echo 'allow any - self tcp/23' >firewall.fwc # a slip of the pen, then a restart
	run sh "$script" restart
	echo "$output"
	[ "$status" != 0 ]
	[[ $output = *"firewall.fwc:1:"* ]]
	holds_port 22
	ip netns exec "$ns" nft flush ruleset # a reboot
	run sh "$script" start
	echo "$output"
	[ "$status" = 0 ]
	holds_port 22

	echo 'allow any -> self tcp/2222' >firewall.fwc
	run sh "$script" restart
	[ "$status" = 0 ]
	holds_port 2222
	run sh "$script" stop
	echo "$output"
	[ "$status" = 0 ]
	[[ $output = *"is open now"* ]]
	run ip netns exec "$ns" nft list table inet fwc
	[ "$status" != 0 ]
	run sh "$script" status
	[ "$status" != 0 ]
	run sh "$script" start
	[ "$status" = 0 ]
	holds_port 2222

	# what run time made, over a reboot: the dynamic set is filled by hand
	printf '%s\n' 'set bad = dynamic, timeout 1h' 'drop bad -> any' 'allow any -> self tcp/2222' >firewall.fwc
	sh "$script" restart
	ip netns exec "$ns" nft add element inet fwc bad.v4 '{ 192.0.2.66 timeout 1h }'
	sh "$script" save
	ip netns exec "$ns" nft flush ruleset
	FWC_BOOT_OPTIONS=--with-state run sh "$script" start
	echo "$output"
	[ "$status" = 0 ]
	ip netns exec "$ns" nft list table inet fwc | grep -q 192.0.2.66

	# loaded, but not from where it should be: said, and no failure
	ip netns exec "$ns" nft flush ruleset
	: >state/applied/ruleset.nft
	run sh "$script" start
	echo "$output"
	[ "$status" = 0 ]
	[[ $output = *"booted, but with problems"* ]]
	holds_port 2222
	for bad in '' begin; do
		run sh "$script" $bad
		[ "$status" = 2 ]
		[[ $output = *"usage: "*"start|stop|restart|"*"status"* ]]
	done
}

@test "rc.firewall of Slackware" { calls "$init/rc.firewall"; }

@test "the SysV script, and the exit status of its status" {
	calls "$init/fwc.sysv"
	sh "$init/fwc.sysv" stop
	run sh "$init/fwc.sysv" status
	[ "$status" = 3 ] # LSB: not running
	FWC=/nowhere/fwc run sh "$init/fwc.sysv" start
	[ "$status" = 5 ] # LSB: not installed
}

@test "the OpenRC script: what it orders, and that a restart never opens" {
	openrc() { # RC_CMD, function: as openrc-run(8) calls it
		RC_CMD=$1 sh -c '
			ebegin() { echo " * $*"; }
			eend() { return "$1"; }
			need() { echo "need $*"; }; after() { echo "after $*"; }; before() { echo "before $*"; }
			provide() { echo "provide $*"; }; keyword() { echo "keyword $*"; }
			. "$1"
			"$2"' sh "$init/fwc.openrc" "$2"
	}
	run openrc start depend
	[[ $output = *"before net"* && $output = *"keyword -shutdown"* && $output = *"need localmount"* ]]
	run openrc start start
	[ "$status" = 1 ] # blocked
	run openrc reload reload
	[ "$status" = 0 ]
	holds_port 22
	run openrc restart stop
	[ "$status" = 0 ]
	holds_port 22
	run openrc restart start
	[ "$status" = 0 ]
	holds_port 22
	run openrc stop stop
	[ "$status" = 0 ]
	[ "$(input_rules)" = 0 ]
}

# configure --with-init=KINDS; then the hook of `make install` alone, which builds nothing. What the build's
# configure has found of the machine is not looked for again.
configured() {
	mkdir -p "$BATS_TEST_TMPDIR/c"
	cd "$BATS_TEST_TMPDIR/c" || return
	[ ! -f "$FWC_BUILD/config.cache" ] || grep -v '^ac_cv_env_' "$FWC_BUILD/config.cache" >config.cache
	"$FWC_SRC/configure" -q -C --disable-dependency-tracking --prefix="${2:-/usr}" --with-init="$1" >/dev/null 2>&1
}

@test "make install puts the scripts where they were asked for, and enables nothing" {
	[ -x "$FWC_SRC/configure" ] && [ ! -f "$FWC_SRC/config.status" ] || skip "no configure, or a tree built in place"
	configured systemd,slackware,sysv
	mkdir -p root/etc/rc.d
	echo 'echo mine' >root/etc/rc.d/rc.firewall
	make -s install-data-hook DESTDIR="$PWD/root"
	[ "$(find root -type f | sort | tr '\n' ' ')" = "root/etc/init.d/fwc root/etc/rc.d/rc.firewall \
root/etc/rc.d/rc.firewall.new root/usr/lib/systemd/system/fwc-inspectd.service \
root/usr/lib/systemd/system/fwc-refresh.service root/usr/lib/systemd/system/fwc-refresh.timer \
root/usr/lib/systemd/system/fwc-save.service root/usr/lib/systemd/system/fwc.service \
root/usr/lib/sysusers.d/fwc-inspectd.conf root/usr/lib/sysusers.d/fwc.conf root/usr/lib/udev/rules.d/90-fwc.rules " ]
	[ -d root/etc/fwc ]
	systemd-sysusers --version >/dev/null 2>&1 && systemd-sysusers --root="$PWD/root" --dry-run
	[ "$(<root/etc/rc.d/rc.firewall)" = "echo mine" ]
	[ ! -x root/etc/rc.d/rc.firewall.new ]
	[ -x root/etc/init.d/fwc ]
	grep -q '^ExecStart=/usr/sbin/fwc .*boot' root/usr/lib/systemd/system/fwc.service
	mv root/etc/rc.d/rc.firewall.new root/etc/rc.d/rc.firewall
	chmod +x root/etc/rc.d/rc.firewall # enabled: an upgrade leaves it so
	make -s install-data-hook DESTDIR="$PWD/root"
	[ -x root/etc/rc.d/rc.firewall ]
	make -s uninstall-hook DESTDIR="$PWD/root"
	[ -z "$(find root -type f)" ]
	[ ! -e root/etc/fwc ]
	run configured sysv,openrc
	[ "$status" != 0 ]
	run configured upstart
	[ "$status" != 0 ]
}

@test "scripts go where init looks for them, and name the prefix; the policy is in /etc" {
	[ -x "$FWC_SRC/configure" ] && [ ! -f "$FWC_SRC/config.status" ] || skip "no configure, or a tree built in place"
	configured slackware,openrc /usr/local
	make -s install-data-hook DESTDIR="$PWD/root"
	[ "$(find root -type f | sort | tr '\n' ' ')" = "root/etc/init.d/fwc root/etc/rc.d/rc.firewall " ]
	grep -q /usr/local/sbin/fwc root/etc/rc.d/rc.firewall
	[ -z "$(grep -r ':=/usr/sbin' root)" ]
	[ -d root/etc/fwc ]
	rm -r root
	configured sysv "$PWD/elsewhere" # all of it but what init must find
	make -s install-data-hook DESTDIR="$PWD/root"
	[ "$(find root -type f)" = root/etc/init.d/fwc ]
	[ -d "root$PWD/elsewhere/etc/fwc" ]
}
