#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2046,SC2143,SC2094,SC2010 # no name has blanks; bats fails on no `! grep`
# The Debian package, from the source to the purge, in the order of its life: each test goes on where
# the one before has stopped. tests/debians/run calls this in a chroot of its own; nowhere else.

setup_file() {
	[ "$PWD" = /src/fwc ] || { echo "only in the chroot of tests/debians/run" >&2; return 1; }
}

debs() { echo /src/fwc_"$1"_*.deb /src/fwc-inspectd_"$1"_*.deb; }
version=0.1.0

@test "the package builds, gcc warns of nothing, and make check passes" {
	rm -rf .git # what is built is not a clone
	run dpkg-buildpackage -us -uc
	tail -60 <<<"$output"
	[ "$status" = 0 ]
	[ -z "$(grep -E '\.[ch]:[0-9]+:[0-9]+: warning:|dpkg-(shlibdeps|gencontrol|source|genchanges): warning' <<<"$output")" ]
	# no test was left out: as many results as Makefile.am has tests, and none but passed
	[ "$(find . -name '*.trs' | wc -l)" -ge 25 ]
	[ "$(grep -L '^:test-result: PASS' $(find . -name '*.trs'))" = "" ]
}

@test "lintian finds neither errors nor warnings" {
	run lintian --allow-root --fail-on error,warning --info /src/fwc_${version}_*.changes
	echo "$output"
	[ "$status" = 0 ]
	[ -z "$(grep -E '^[EW]: ' <<<"$output")" ]
}

@test "what is in it: two packages, no boot script of another init, no file that dpkg asks about" {
	read -r fwc inspectd <<<"$(debs $version)"
	[ "$(dpkg-deb -f "$fwc" Package)" = fwc ]
	[ "$(dpkg-deb -f "$inspectd" Package)" = fwc-inspectd ]
	# as configure asks, and not only what symbols need
	want=$(sed -n 's/.*\[libnftables >= \([0-9.]*\)\].*/\1/p' configure.ac)
	[[ "$(dpkg-deb -f "$fwc" Depends)" = *"libnftables1 (>= $want)"* ]]
	[[ "$(dpkg-deb -f "$inspectd" Depends)" = *"fwc (= $version)"* ]]
	for deb in "$fwc" "$inspectd"; do
		dpkg-deb -c "$deb" | tee list
		[ -z "$(grep -E ' \./etc/(init\.d|rc|default)|COPYING' list)" ]
		[ -z "$(dpkg-deb -I "$deb" conffiles 2>/dev/null)" ]
	done
	dpkg-deb -c "$fwc" | grep -qE '^drwxr-xr-x root/root .* \./etc/fwc/$'
	for file in fwc/rulesets/router.fwc fwc/rulesets/server.fwc fwc/rulesets/standalone.fwc \
		bash-completion/completions/fwc zsh/vendor-completions/_fwc fish/vendor_completions.d/fwc.fish \
		vim/vimfiles/syntax/fwc.vim vim/vimfiles/ftdetect/fwc.vim; do
		dpkg-deb -c "$fwc" | grep -q " ./usr/share/$file$"
	done
}

@test "what Build-Depends asks for is what configure asks for" {
	# libfoo-dev has foo.pc for all of them but these
	sed -n 's/.*PKG_CHECK_MODULES(\[[A-Z0-9]*\], \[\(.*\) >= \(.*\)\]).*/\1 \2/p' configure.ac |
		sed 's/^lib//; s/^pcre2-8/pcre2/; s/^cares/c-ares/; s/^curl/curl4-openssl/' | sort >asked
	sed -n '/^Build-Depends:/,/^$/s/^ *\(lib\)\?\([a-z_0-9-]*\)-dev (>= \([0-9.]*\)),\?$/\2 \3/p' debian/control |
		tr _ - | sort >said
	sed -i 's/_/-/g' asked
	sed -i 's/netfilter_/netfilter-/' asked
	diff -u asked said
}

@test "programs are hardened: position independent, bound at the start, relocations read-only" {
	read -r fwc inspectd <<<"$(debs $version)"
	for deb in "$fwc" "$inspectd"; do
		rm -rf x
		dpkg-deb -x "$deb" x
		for program in x/usr/sbin/*; do
			readelf -hld "$program" >elf
			grep -qE 'Type: +DYN' elf
			grep -q 'GNU_RELRO' elf
			grep -qE 'BIND_NOW|Flags:.*NOW' elf
			grep -A1 'GNU_STACK' elf | grep -q 'RW ' # no executable stack
		done
	done
	rm -rf x
}

@test "installed: enabled is nothing, started is nothing, and the users are there" {
	run dpkg -i $(debs $version)
	echo "$output"
	[ "$status" = 0 ]
	[ -z "$(find /etc/systemd /etc/rc?.d -name '*fwc*')" ]
	for unit in fwc fwc-save fwc-inspectd; do
		[ "$(systemctl is-enabled $unit.service)" = disabled ]
		systemd-analyze verify --man=no /usr/lib/systemd/system/$unit.service
	done
	[ "$(systemctl is-enabled fwc-refresh.timer)" = disabled ]
	systemd-analyze verify --man=no /usr/lib/systemd/system/fwc-refresh.service
	systemd-analyze verify --man=no /usr/lib/systemd/system/fwc-refresh.timer
	[ -z "$(pgrep fwc)" ]
	[ -z "$(nft list ruleset)" ]
	[ "$(stat -c '%a %U' /etc/fwc)" = "755 root" ]
	[ "$(stat -c '%a %U' /var/lib/fwc)" = "700 root" ]
	[ -z "$(ls -A /etc/fwc /var/lib/fwc | grep -v :)" ]
	for user in _fwc _fwc-inspect; do
		[[ "$(getent passwd $user)" = *:/usr/sbin/nologin ]]
		[ "$(id -u $user)" != 0 ]
	done
	[ "$(fwc --version)" = "fwc $version" ]
}

@test "manuals name places that are there" {
	for page in /usr/share/man/man8/fwc.8.gz /usr/share/man/man5/fwc.policy.5.gz \
		/usr/share/man/man7/fwc-migrate.7.gz; do
		zcat "$page" >page
		grep -oE '/usr/share/(doc/)?fwc[a-z/.-]*' page | sed 's/\.$//' | sort -u >named
		cat named
		while read -r place; do [ -e "$place" ]; done <named
	done
	zcat /usr/share/man/man8/fwc.8.gz | grep -q /usr/share/fwc/rulesets
}

@test "the demo, with the program that was installed" {
	export SSH_CONNECTION=
	FWC=/usr/sbin/fwc run examples/demo
	tail -40 <<<"$output"
	[ "$status" = 0 ]
	[[ $output = *"All as the policy says."* ]]
}

# The generations that the tests below keep: of this machine's own network namespace.
state() { (cd /var/lib/fwc && find . -type f ! -name lock ! -name seen.json -exec sha256sum {} + | sort); }

@test "an upgrade changes nothing of the rules, of their history and of the policy" {
	cp /usr/share/fwc/rulesets/server.fwc /etc/fwc/firewall.fwc
	chmod 600 /etc/fwc/firewall.fwc
	fwc compile
	fwc apply -m 'before the upgrade'
	nft list ruleset >ruleset
	grep -q 'hook input' ruleset
	state >before
	[ -s before ]

	dpkg -i $(debs $version) # over itself
	for deb in $(debs $version); do # and to what comes next
		rm -rf x
		dpkg-deb -R "$deb" x
		sed -i "s/^Version: .*/&+1/; s/(= $version)/(= $version+1)/" x/DEBIAN/control
		dpkg-deb -b x "/src/$(dpkg-deb -f "$deb" Package)_$version+1_next.deb"
	done
	dpkg -i $(debs $version+1)
	[ "$(dpkg-query -W -f '${Version}' fwc)" = $version+1 ]
	nft list ruleset | diff ruleset -
	state | diff before -
	[ "$(stat -c %a /etc/fwc/firewall.fwc)" = 600 ]
	[ "$(stat -c %a /var/lib/fwc)" = 700 ]
	run fwc status
	echo "$output"
	[ "$status" = 0 ]
	run fwc history
	[[ $output = *"before the upgrade"* ]]
	run fwc apply # no new generation for a new program
	[[ $output = *"nothing to change"* ]]
}

@test "an admin's enabling outlives an upgrade" {
	systemctl enable fwc.service
	dpkg -i $(debs $version) # back is a way, too
	[ "$(systemctl is-enabled fwc.service)" = enabled ]
	systemctl disable fwc.service
}

@test "removed: the rules stay in force, the policy and the state where they are" {
	nft list ruleset >ruleset
	run dpkg -r fwc-inspectd fwc
	echo "$output"
	[ "$status" = 0 ]
	[[ $output = *"the rules in the kernel stay until the next boot"*"nft delete table inet fwc"* ]]
	nft list ruleset | diff ruleset -
	state | diff before -
	[ -s /etc/fwc/firewall.fwc ]
	[ ! -e /usr/sbin/fwc ]
}

@test "purged: the state is gone, the admin's policy is not" {
	mkdir -p /run/fwc
	run dpkg -P fwc-inspectd fwc
	echo "$output"
	[ "$status" = 0 ]
	[ ! -e /var/lib/fwc ]
	[ ! -e /run/fwc ]
	[ -s /etc/fwc/firewall.fwc ]
	rm -r /etc/fwc
	nft flush ruleset
	dpkg -i $(debs $version)
	[ -d /etc/fwc ]
	dpkg -P fwc-inspectd fwc
	[ ! -e /etc/fwc ] # empty: nobody's
	run dpkg-query -W fwc fwc-inspectd # nothing of them is known any more
	[ "$status" = 1 ]
	[ -z "$(find /etc /usr /var/lib -name '*fwc*' ! -name '*fwctl*' ! -path '/var/lib/apt/*')" ]
}
